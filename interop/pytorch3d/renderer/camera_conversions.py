"""Cameras as OpenCV tells them: x right, y down; columns, x_view = R x_world + t; pixels from the upper left corner."""

from typing import Any

import torch

from ...checks import as_tensor, check_tensor, check_tensors
from .cameras import PerspectiveCameras

__all__ = ["cameras_from_opencv_projection", "opencv_from_cameras_projection"]

_TURN = (-1.0, -1.0, 1.0)  # x and y to the other side


def _sides(op: str, image_size: Any, like: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """(middle of the picture [N, 2], half of its shorter side [N, 1]), in pixels."""
    size = as_tensor(op, "image_size", image_size, like)
    if size.ndim != 2 or size.shape[1] != 2 or len(size) not in (1, len(like)):
        raise ValueError(f"{op}: image_size must have shape (N, 2) with N = {len(like)}, got {tuple(size.shape)}")
    if bool((size < 1).any()):
        raise ValueError(f"{op}: image_size must be (height, width) of at least 1, got {size.tolist()}")
    return size.flip(1) / 2, size.amin(1, keepdim=True) / 2


def cameras_from_opencv_projection(R: torch.Tensor, tvec: torch.Tensor, camera_matrix: torch.Tensor, image_size: Any) -> PerspectiveCameras:
    """`PerspectiveCameras`, in NDC, that see what OpenCV's ``camera_matrix @ (R @ x_world + tvec)`` sees.

    Args:
        R: [N, 3, 3]. tvec: [N, 3]. camera_matrix: [N, 3, 3], in pixels; its skew does not count.
        image_size: [N, 2] (height, width).
    """
    op = "cameras_from_opencv_projection"
    sizes: dict[str, int] = {}
    check_tensors(op, R=R, tvec=tvec, camera_matrix=camera_matrix)
    check_tensor(op, "R", R, ("N", 3, 3), sizes)
    check_tensor(op, "tvec", tvec, ("N", 3), sizes)
    check_tensor(op, "camera_matrix", camera_matrix, ("N", 3, 3), sizes)
    middle, half = _sides(op, image_size, R)
    turn = R.new_tensor(_TURN)
    return PerspectiveCameras(
        R=R.mT * turn,
        T=tvec * turn,
        focal_length=camera_matrix.diagonal(dim1=1, dim2=2)[:, :2] / half,
        principal_point=(middle - camera_matrix[:, :2, 2]) / half,
        image_size=image_size,
        device=R.device,
    )


def opencv_from_cameras_projection(cameras: PerspectiveCameras, image_size: Any) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """(R [N, 3, 3], tvec [N, 3], camera_matrix [N, 3, 3]): the way back, for pictures of ``image_size`` [N, 2] (height, width).

    Cameras that are defined on the screen have their focal length and principal point in pixels already.
    """
    op = "opencv_from_cameras_projection"
    if not hasattr(cameras, "focal_length") or not cameras.is_perspective():  # those of an installed PyTorch3D are welcome
        raise TypeError(f"{op}: cameras must be PerspectiveCameras, got {type(cameras).__name__}")
    middle, half = _sides(op, image_size, cameras.R)
    focal, point = cameras.focal_length, cameras.principal_point
    if cameras.in_ndc():
        focal, point = focal * half, middle - point * half
    turn = cameras.R.new_tensor(_TURN)
    camera_matrix = torch.diag_embed(torch.cat([focal, torch.ones_like(focal[:, :1])], 1))
    camera_matrix = torch.cat([camera_matrix[..., :2], torch.cat([point, torch.ones_like(point[:, :1])], 1)[..., None]], 2)
    return (cameras.R * turn).mT, cameras.T * turn, camera_matrix
