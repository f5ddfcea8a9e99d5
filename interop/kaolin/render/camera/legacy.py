"""Kaolin's ``kaolin.render.camera``: the older cameras, which DIB-R is used with.

Camera space: x right, y up, looking along -z. A projection is three numbers (1/(ratio tan(fov/2)), 1/tan(fov/2), -1): the image is [-1, 1] across and along.
"""

import math

import torch

from .....checks import check_kind, check_number, check_shape
from ....checks import check_tensors

__all__ = [
    "generate_perspective_projection",
    "generate_rotate_translate_matrices",
    "generate_transformation_matrix",
    "perspective_camera",
    "rotate_translate_points",
]

TINY_LENGTH = 1e-10  # added to lengths before they are divided by, as Kaolin does


def _batch(given: torch.Tensor, like: torch.Tensor) -> dict[str, int]:
    """What B is: that of ``like``, or one for all."""
    return {} if given.shape[:1] == (1,) or like.shape[:1] == (1,) else {"B": len(like)}


def rotate_translate_points(points: torch.Tensor, camera_rot: torch.Tensor, camera_trans: torch.Tensor) -> torch.Tensor:
    """R (p - t) [B, N, 3] of points [B, N, 3] (or [N, 3]), with R [B, 3, 3] and t [B, 3] (or [B, 3, 1]); each may also be [1, ...]."""
    op = "rotate_translate_points"
    check_tensors(op, points=points, camera_rot=camera_rot, camera_trans=camera_trans)
    points = points[None] if points.ndim == 2 else points
    check_shape(op, "points", points.shape, ("B", "N", 3))
    check_shape(op, "camera_rot", camera_rot.shape, ("B", 3, 3), _batch(camera_rot, points))
    check_shape(op, "camera_trans", camera_trans.shape, ("B", 3, 1) if camera_trans.ndim == 3 else ("B", 3), _batch(camera_trans, points))
    return (points - camera_trans.reshape(-1, 1, 3)) @ camera_rot.transpose(1, 2)


def perspective_camera(points: torch.Tensor, camera_proj: torch.Tensor) -> torch.Tensor:
    """[B, N, 2]: where points [B, N, 3] of camera space are in the image, with a projection [3, 1] (or one for each image)."""
    op = "perspective_camera"
    check_tensors(op, points=points, camera_proj=camera_proj)
    check_shape(op, "points", points.shape, ("B", "N", 3))
    if tuple(camera_proj.shape) != (3, 1):
        check_shape(op, "camera_proj", camera_proj.shape, ("B", 3, 1) if camera_proj.ndim == 3 else ("B", 3), _batch(camera_proj, points))
    x, y, z = (points * camera_proj.reshape(-1, 1, 3)).unbind(2)
    return torch.stack([x / z, y / z], 2)


def generate_perspective_projection(fovyangle: float, ratio: float = 1.0, dtype: torch.dtype = torch.float) -> torch.Tensor:
    """[3, 1], from the full angle of view along y (radians) and the ratio width/height."""
    check_number("generate_perspective_projection", "fovyangle", fovyangle, 0.0, math.pi)
    check_number("generate_perspective_projection", "ratio", ratio, 0.0)
    check_kind("generate_perspective_projection", "dtype", dtype, torch.dtype)
    tangent = math.tan(fovyangle / 2)
    return torch.tensor([[1 / (ratio * tangent)], [1 / tangent], [-1.0]], dtype=dtype)


def _directions(op: str, camera_position: torch.Tensor, look_at: torch.Tensor, camera_up_direction: torch.Tensor) -> tuple[torch.Tensor, ...]:
    """x (right), y (up) and z (backwards) of cameras, each [B, 3]."""
    given = {"camera_position": camera_position, "look_at": look_at, "camera_up_direction": camera_up_direction}
    check_tensors(op, **given)
    for name, points in given.items():
        check_shape(op, name, points.shape, ("B", 3), _batch(points, camera_position if len(camera_position) > 1 else points))

    def unit(vectors: torch.Tensor) -> torch.Tensor:
        return vectors / (vectors.norm(dim=1, keepdim=True) + TINY_LENGTH)

    z, up = torch.broadcast_tensors(unit(camera_position - look_at), camera_up_direction)
    x = unit(torch.cross(up, z, dim=1))
    return x, unit(torch.cross(z, x, dim=1)), z


def generate_rotate_translate_matrices(
    camera_position: torch.Tensor, look_at: torch.Tensor, camera_up_direction: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """(R [B, 3, 3], t [B, 3]) of cameras at ``camera_position`` that look at ``look_at``, each [B, 3]: p_camera = R (p_world - t)."""
    axes = _directions("generate_rotate_translate_matrices", camera_position, look_at, camera_up_direction)
    return torch.stack(axes, 1), camera_position


def generate_transformation_matrix(camera_position: torch.Tensor, look_at: torch.Tensor, camera_up_direction: torch.Tensor) -> torch.Tensor:
    """[B, 4, 3], the same as one matrix: p_camera = (p_world, 1) M."""
    rotation = torch.stack(_directions("generate_transformation_matrix", camera_position, look_at, camera_up_direction), 2)
    return torch.cat([rotation, -camera_position[:, None] @ rotation], 1)
