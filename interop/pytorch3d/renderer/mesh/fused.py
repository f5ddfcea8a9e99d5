"""SoftPhong and SoftGouraud in one operation of ours (`kernels.slot_shading`), where lights, textures and blending are of the kinds that it knows."""

from typing import Any

import torch
import torch.nn.functional as F

from .....kernels.normals import cross_op
from .....kernels.slot_shading import N_KEPT, N_LIGHT, ShadingChoices, soft_shading_op
from ....bridge import TorchArrays
from ....calling_thread import int32
from ...structures.meshes import LEAST_LENGTH, Meshes
from ..blending import BlendParams
from ..lighting import AmbientLights, DirectionalLights, PointLights
from .fragments import Used, can_run

__all__ = ["soft_shading"]


def soft_shading(
    used: Used,
    meshes: Any,
    colors: torch.Tensor,
    blend_params: BlendParams,
    depth_range: tuple[Any, Any],
    scene: dict[str, Any] | None,
    per_slot: bool,
) -> torch.Tensor | None:  # fmt: skip
    """[N, H, W, 4]; None if something is not of the known kinds, or a gradient is wanted of the blending's numbers.

    Args:
        colors: of the vertices [V, 3], or ``per_slot`` [P, 3].
        depth_range: znear, zfar.
        scene: lights, cameras and materials; None if the colours are lit already.
    """
    n_images, height, width, _ = used.slots.shape
    depth = used.depth
    light, is_point = (depth.new_zeros(1, N_LIGHT), False) if scene is None else _light(scene, n_images, depth)
    numbers = _numbers(blend_params, depth_range, n_images, depth)
    faces, points = meshes.faces_packed(), meshes.verts_packed()
    if light is None or numbers is None or not _fits(used, points, colors, faces):
        return None
    sigma, gamma, background, ranges = numbers
    arrays = TorchArrays(depth.dtype, depth.device)
    nothing = depth.new_zeros(1, 3)
    corners = int32(faces)
    inputs = (points, _normals(arrays, meshes, points, corners)) if scene is not None else (nothing, nothing)
    (image,) = arrays.run(
        soft_shading_op(arrays.variant, ShadingChoices(lit=scene is not None, per_slot=per_slot)),
        (used.bary, depth, used.dists, *inputs, colors, light),
        [(used.n_pixels, 4)],
        (
            used.slots, corners, ranges, background, arrays.empty((used.n_pixels, N_KEPT)),
            arrays.empty_index(used.n_pixels), float(is_point), sigma, gamma, used.n_pixels, height * width,
        ),
    )  # fmt: skip
    return image.reshape(n_images, height, width, 4)


def _normals(arrays: TorchArrays, meshes: Any, points: torch.Tensor, corners: torch.Tensor) -> torch.Tensor:
    """What `Meshes.verts_normals_packed` gives, in one operation."""
    if not isinstance(meshes, Meshes) or meshes.has_verts_normals():
        return meshes.verts_normals_packed()
    op = cross_op(arrays.variant_for(len(corners)), True)
    (sums,) = arrays.run(op, (points,), [tuple(points.shape)], (corners, len(corners)))
    return F.normalize(sums, dim=1, eps=LEAST_LENGTH)


def _fits(used: Used, points: torch.Tensor, colors: torch.Tensor, faces: torch.Tensor) -> bool:
    tensors = (points, colors, used.depth)
    same = all(tensor.dtype == used.depth.dtype and tensor.device == used.depth.device for tensor in tensors)
    return same and can_run(points) and colors.shape[-1] == 3 and used.slots.n_faces <= len(faces)


def _light(scene: dict[str, Any], n_images: int, like: torch.Tensor) -> tuple[torch.Tensor | None, bool]:
    """What there is to know of the light [1 or N, N_LIGHT], as the materials reflect it; and whether it comes from a place."""
    lights, cameras, materials = scene["lights"], scene["cameras"], scene["materials"]
    if type(lights) not in (AmbientLights, DirectionalLights, PointLights):
        return None, False
    of_lights = [lights.ambient_color]
    if type(lights) is not AmbientLights:
        of_lights += [lights.diffuse_color, lights.specular_color]
    reflected = [materials.ambient_color, materials.diffuse_color, materials.specular_color]
    place = lights.location if type(lights) is PointLights else lights.direction if type(lights) is DirectionalLights else like.new_zeros(1, 3)
    eye = cameras.get_camera_center()
    vectors = [*of_lights, *reflected, place, eye]
    if any(vector.ndim != 2 or vector.shape[1] != 3 for vector in vectors) or materials.shininess.ndim != 1:
        return None, False
    rows = [a * b for a, b in zip(of_lights, reflected, strict=False)]
    rows += [like.new_zeros(1, 3)] * (3 - len(rows))
    rows += [place, eye, materials.shininess[:, None]]
    if any(row.device != like.device or (row.dtype == torch.float64 and like.dtype == torch.float32) for row in rows):
        return None, False
    n = max(map(len, rows))
    if n not in (1, n_images) or any(len(row) not in (1, n) for row in rows):
        return None, False
    return torch.cat([row.to(like.dtype).expand(n, -1) for row in rows], 1), type(lights) is PointLights


def _numbers(blend_params: BlendParams, depth_range: tuple[Any, Any], n_images: int, like: torch.Tensor) -> tuple[Any, ...] | None:
    """sigma, gamma, the background [3], and (far, 1/(far - near)) [1 or N, 2]."""
    near, far = depth_range
    given = [blend_params.sigma, blend_params.gamma, blend_params.background_color, near, far]
    if any(isinstance(value, torch.Tensor) and value.requires_grad for value in given):
        return None
    background = torch.as_tensor(blend_params.background_color).to(like)
    sigma, gamma, near, far = (torch.as_tensor(value, dtype=torch.float64) for value in (blend_params.sigma, blend_params.gamma, near, far))
    if sigma.numel() != 1 or gamma.numel() != 1 or near.ndim > 1 or far.ndim > 1 or background.ndim > 1:
        return None
    n = max(near.numel(), far.numel())
    if n not in (1, n_images):
        return None
    near, far = (z.reshape(-1).expand(n) for z in (near, far))
    ranges = torch.stack([far, 1 / (far - near)], 1).to(like)
    return float(sigma), float(gamma), background.reshape(-1).expand(3).contiguous(), ranges
