"""A checkerboard."""

from typing import Any

import torch

from ....checks import as_numbers, check_integer, check_shape
from ..renderer.mesh.textures import TexturesAtlas
from ..structures import Meshes

__all__ = ["checkerboard"]

MOST = 1 << 11  # radius


def checkerboard(radius: int = 4, color1: Any = (0.0, 0.0, 0.0), color2: Any = (1.0, 1.0, 1.0), device: Any = None) -> Meshes:
    """One mesh in the plane z = 0, 2 * radius squares of side 1 along x and y, about the origin, with `TexturesAtlas` of one texel.

    Args:
        radius: in squares. color1: [C] of the square at the least x and y, and of every second one from there. color2: [C] of the others.

    Raises:
        TypeError, ValueError: if radius is no whole number from 1 to 2^11, or the colours are no numbers, as many each.
    """
    op, sizes = "checkerboard", dict[str, int]()
    check_integer(op, "radius", radius, 1, MOST)
    colors = [as_numbers(op, name, color) for name, color in (("color1", color1), ("color2", color2))]
    for name, color in zip(("color1", "color2"), colors, strict=True):
        check_shape(op, name, color.shape, ("C",), sizes)
    n = 2 * radius
    line = torch.arange(-radius, radius + 1, dtype=torch.float32)
    y, x = torch.meshgrid(line, line, indexing="ij")
    verts = torch.stack([x, y, torch.zeros_like(x)], -1).reshape(-1, 3)
    row, column = torch.meshgrid(torch.arange(n), torch.arange(n), indexing="ij")
    corner = (row * (n + 1) + column).reshape(-1)
    faces = torch.stack([corner, corner + 1, corner + n + 2, corner, corner + n + 2, corner + n + 1], 1).reshape(-1, 3)
    is_second = ((row + column) % 2).reshape(-1).repeat_interleave(2)
    atlas = torch.stack([torch.as_tensor(color, dtype=torch.float32) for color in colors])[is_second]
    return Meshes([verts.to(device)], [faces.to(device)], TexturesAtlas([atlas[:, None, None].to(device)]))
