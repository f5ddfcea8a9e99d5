"""Kaolin's ``kaolin.render.camera.raygen``: rays through pixels."""

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F

from .....checks import check_integer
from ....checks import check_tensor
from .extrinsics import CameraExtrinsics
from .intrinsics import MAX_SIDE, CameraFOV

__all__ = [
    "generate_centered_custom_resolution_pixel_coords",
    "generate_centered_pixel_coords",
    "generate_default_grid",
    "generate_ortho_rays",
    "generate_pinhole_rays",
    "generate_rays",
]

Grid = Sequence[torch.Tensor]  # rows and columns, each [H, W]
Place = torch.device | str | None


def generate_default_grid(width: int, height: int, device: Place = None) -> tuple[torch.Tensor, torch.Tensor]:
    """(rows, columns), each [H, W] float32: the numbers of the pixels."""
    check_integer("generate_default_grid", "width", width, 1, MAX_SIDE)
    check_integer("generate_default_grid", "height", height, 1, MAX_SIDE)
    rows, columns = (torch.arange(n, dtype=torch.float32, device=device) for n in (height, width))
    return rows[:, None].repeat(1, width), columns[None].repeat(height, 1)


def generate_centered_pixel_coords(img_width: int, img_height: int, device: Place = None) -> tuple[torch.Tensor, torch.Tensor]:
    """(y, x), each [H, W]: the middles of the pixels, (0.5, 0.5) of the first."""
    return generate_centered_custom_resolution_pixel_coords(img_width, img_height, device=device)


def generate_centered_custom_resolution_pixel_coords(
    img_width: int, img_height: int, res_x: int | None = None, res_y: int | None = None, device: Place = None
) -> tuple[torch.Tensor, torch.Tensor]:
    """(y, x), each [res_y, res_x]: the middles of as many cells that the image is cut into; its own pixels by default."""
    op = "generate_centered_custom_resolution_pixel_coords"
    sides = {"img_width": img_width, "img_height": img_height}
    sides |= {name: size for name, size in (("res_x", res_x), ("res_y", res_y)) if size is not None}
    for name, size in sides.items():
        check_integer(op, name, size, 1, MAX_SIDE)
    rows, columns = generate_default_grid(res_x or img_width, res_y or img_height, device)
    return (rows + 0.5) * (img_height / (res_y or img_height)), (columns + 0.5) * (img_width / (res_x or img_width))


def generate_pinhole_rays(camera: Any, coords_grid: Grid | None = None) -> tuple[torch.Tensor, torch.Tensor]:
    """Origins and unit directions [H W, 3] in the world, of one pinhole camera.

    ``coords_grid`` (y, x), each [H, W], in pixels from the upper left corner; the middles of the pixels by default. Gradient: to the camera.
    """
    y, x = _grid("generate_pinhole_rays", camera, coords_grid, "pinhole")
    across = (2 * (x - camera.x0) / camera.width - 1) * camera.tan_half_fov(CameraFOV.HORIZONTAL)
    along = (1 - 2 * (y + camera.y0) / camera.height) * camera.tan_half_fov(CameraFOV.VERTICAL)
    directions = torch.stack([across, along, -torch.ones_like(across)], -1).reshape(-1, 3)
    return _in_world(camera, torch.zeros_like(directions), directions)


def generate_ortho_rays(camera: Any, coords_grid: Grid | None = None) -> tuple[torch.Tensor, torch.Tensor]:
    """The same of one orthographic camera: parallel, from the plane of the camera."""
    y, x = _grid("generate_ortho_rays", camera, coords_grid, "ortho")
    across = (2 * x / camera.width - 1) * camera.fov_distance * camera.aspect_ratio()
    along = (1 - 2 * y / camera.height) * camera.fov_distance
    origins = torch.stack([across, along, torch.zeros_like(across)], -1).reshape(-1, 3)
    return _in_world(camera, origins, origins.new_tensor([0.0, 0.0, -1.0]).expand_as(origins))


def generate_rays(camera: Any, coords_grid: Grid | None = None) -> tuple[torch.Tensor, torch.Tensor]:
    """`generate_pinhole_rays` or `generate_ortho_rays`, as the camera's lens is."""
    _check_camera("generate_rays", camera)
    if camera.lens_type not in ("pinhole", "ortho"):
        raise ValueError(f"generate_rays: camera must have a lens_type of 'pinhole' or 'ortho', got {camera.lens_type!r}")
    return (generate_pinhole_rays if camera.lens_type == "pinhole" else generate_ortho_rays)(camera, coords_grid)


def _check_camera(op: str, camera: Any) -> None:
    """A `Camera`: what has extrinsics, and asks here for its rays."""
    if not isinstance(getattr(camera, "extrinsics", None), CameraExtrinsics):
        raise TypeError(f"{op}: camera must be a Camera, got {type(camera).__name__}")


def _grid(op: str, camera: Any, coords_grid: Grid | None, lens: str) -> tuple[torch.Tensor, torch.Tensor]:
    _check_camera(op, camera)
    if len(camera) != 1 or camera.lens_type != lens:
        raise ValueError(f"{op}: camera must be one with a lens_type of {lens!r}, got {len(camera)} of {camera.lens_type!r}")
    if coords_grid is None:
        coords_grid = generate_centered_pixel_coords(camera.width, camera.height, camera.device)
    if len(coords_grid) != 2:
        raise ValueError(f"{op}: coords_grid must be two tensors (y, x), got {len(coords_grid)}")
    sizes: dict[str, int] = {}
    for i, grid in enumerate(coords_grid):
        check_tensor(op, f"coords_grid[{i}]", grid, ("H", "W"), sizes)
        if grid.device != camera.device:
            raise ValueError(f"{op}: coords_grid[{i}] must be on the device of camera ({camera.device}), got {grid.device}")
    y, x = (grid.to(camera.dtype) for grid in coords_grid)
    return y, x


def _in_world(camera: Any, origins: torch.Tensor, directions: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    origins, directions = camera.extrinsics.inv_transform_rays(origins, directions)
    return origins[0], F.normalize(directions[0], dim=-1)
