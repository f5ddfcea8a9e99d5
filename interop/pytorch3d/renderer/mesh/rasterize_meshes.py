"""PyTorch3D's rasteriser as a function, of meshes that are in NDC already."""

from typing import Any

import torch

from .....checks import check_image_size
from .rasterizer import RasterizationSettings, fragment_settings, rasterized

__all__ = ["rasterize_meshes"]


def rasterize_meshes(
    meshes: Any,
    image_size: int | tuple[int, int] | list[int] = 256,
    blur_radius: float = 0.0,
    faces_per_pixel: int = 8,
    bin_size: int | None = None,
    max_faces_per_bin: int | None = None,
    perspective_correct: bool = False,
    clip_barycentric_coords: bool = False,
    cull_backfaces: bool = False,
    z_clip_value: float | None = None,
    cull_to_frustum: bool = False,
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    """(pix_to_face, zbuf, bary_coords, dists), see `Fragments`, of N meshes whose vertices are in NDC, with the depth as z.

    The arguments are explained in `RasterizationSettings`; nothing is left to a camera. Gradient: to the vertices.
    """
    if not hasattr(meshes, "verts_packed"):  # those of an installed PyTorch3D are welcome
        raise TypeError(f"rasterize_meshes: meshes must be Meshes, got {type(meshes).__name__}")
    settings = RasterizationSettings(
        blur_radius=blur_radius,
        faces_per_pixel=faces_per_pixel,
        perspective_correct=perspective_correct,
        clip_barycentric_coords=clip_barycentric_coords,
        cull_backfaces=cull_backfaces,
        z_clip_value=z_clip_value,
    )

    def times_depth() -> torch.Tensor:
        ndc = meshes.verts_packed()
        return torch.cat([ndc[:, :2] * ndc[:, 2:], ndc[:, 2:]], -1)

    size = check_image_size("rasterize_meshes", image_size)
    found = rasterized("rasterize_meshes", meshes, size, fragment_settings("rasterize_meshes", settings), z_clip_value, times_depth)
    return found.pix_to_face, found.zbuf, found.bary_coords, found.dists
