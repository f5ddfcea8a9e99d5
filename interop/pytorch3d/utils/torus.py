"""A torus."""

import math
from typing import Any

import torch

from ....checks import check_integer, check_number
from ..structures import Meshes

__all__ = ["torus"]

MOST = 1 << 14  # sides, and rings


def torus(r: float, R: float, sides: int, rings: int, device: Any = None) -> Meshes:
    """One mesh, a torus about the z axis, of rings x sides vertices, those of a ring one after the other, and twice as many triangles.

    Args:
        r: radius of the tube. R: from the middle of the hole to that of the tube.
        sides: vertices around the tube. rings: of these around the hole.

    Raises:
        TypeError, ValueError: if r and R are no finite numbers, or sides and rings no whole numbers from 1 to 2^14.
    """
    op = "torus"
    for name, radius in (("r", r), ("R", R)):
        check_number(op, name, radius)
    for name, number in (("sides", sides), ("rings", rings)):
        check_integer(op, name, number, 1, MOST)
    around, along = (2 * math.pi * torch.arange(n, dtype=torch.float64) / n for n in (rings, sides))
    phi, theta = torch.meshgrid(around, along, indexing="ij")
    out = R + r * theta.cos()
    verts = torch.stack([out * phi.cos(), out * phi.sin(), r * theta.sin()], -1).reshape(-1, 3)
    # Faces begin with those between the last ring and the first, and in each ring with those between the last side and the first.
    i, j = torch.meshgrid(torch.arange(-1, rings - 1), torch.arange(-1, sides - 1), indexing="ij")
    here, next_i, next_j = i % rings * sides, (i + 1) * sides, j + 1
    a, b, c, d = here + j % sides, here + next_j, next_i + j % sides, next_i + next_j
    faces = torch.stack([a, c, d, d, b, a], -1).reshape(-1, 3)
    return Meshes([verts.float().to(device)], [faces.to(device)])
