"""A sphere of nearly equal triangles."""

from typing import Any

import torch
import torch.nn.functional as F

from ....checks import check_integer
from ..ops import SubdivideMeshes
from ..structures import Meshes

__all__ = ["ico_sphere"]

A, B = 0.5257, 0.8507  # the corners of an icosahedron of radius 1, as the original has them
CORNERS = (
    (-A, B, 0), (A, B, 0), (-A, -B, 0), (A, -B, 0), (0, -A, B), (0, A, B), (0, -A, -B), (0, A, -B), (B, 0, -A), (B, 0, A), (-B, 0, -A), (-B, 0, A),
)  # fmt: skip
FACES = (
    (0, 11, 5), (0, 5, 1), (0, 1, 7), (0, 7, 10), (0, 10, 11), (1, 5, 9), (5, 11, 4), (11, 10, 2), (10, 7, 6), (7, 1, 8),
    (3, 9, 4), (3, 4, 2), (3, 2, 6), (3, 6, 8), (3, 8, 9), (4, 9, 5), (2, 4, 11), (6, 2, 10), (8, 6, 7), (9, 8, 1),
)  # fmt: skip


def ico_sphere(level: int = 0, device: Any = None) -> Meshes:
    """One mesh, a sphere of radius 1 of 20 * 4^level triangles, vertices and faces in the original's order.

    (At level 0 the radius is 1 but for the rounding of the original's numbers: 0.99999.)

    Raises:
        TypeError, ValueError: if level is no whole number from 0 to 10.
    """
    check_integer("ico_sphere", "level", level, 0, 10)
    mesh = Meshes([torch.tensor(CORNERS, device=device)], [torch.tensor(FACES, device=device)])
    for _ in range(level):
        cut = SubdivideMeshes()(mesh)
        mesh = Meshes([F.normalize(cut.verts_packed(), dim=1)], cut.faces_list())
    return mesh
