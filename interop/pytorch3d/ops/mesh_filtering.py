"""Meshes made smooth."""

from typing import Any

from ....checks import check_integer, check_number
from ...geometry import neighbour_sums
from ..batches import check_meshes, face_lists, has_nothing
from .laplacian_matrices import inverse_lengths

__all__ = ["taubin_smoothing"]

ADDED_LENGTH = 1e-12  # to an edge, before one is divided by it


def taubin_smoothing(meshes: Any, lambd: float = 0.53, mu: float = -0.53, num_iter: int = 10) -> Any:
    """The meshes, without their textures, smoothed without shrinking (Taubin, "Curve and surface smoothing without shrinkage", ICCV 1995).

    Each time every vertex moves by ``lambd`` towards the mean of its neighbours, weighted by one over their distances, and then by ``mu`` (negative: away from
    it). A vertex without neighbours stays.

    Args:
        meshes: a batch.
        lambd, mu: numbers.
        num_iter: how many times.

    Gradient: to vertices.
    """
    op = "taubin_smoothing"
    check_meshes(op, meshes)
    for name, value in (("lambd", lambd), ("mu", mu)):
        check_number(op, name, value)
    check_integer(op, "num_iter", num_iter, 0, 2**31)
    verts = meshes.verts_packed()
    if num_iter and not has_nothing(meshes):
        edges = face_lists(meshes).edges
        has_none = (face_lists(meshes).degree == 0)[:, None]
        for share in (lambd, mu) * num_iter:
            weights = inverse_lengths(verts, edges, ADDED_LENGTH)
            total = neighbour_sums(verts.new_ones(len(verts), 1), edges, weights)
            verts = verts + share * (neighbour_sums(verts, edges, weights) / total.masked_fill(has_none, 1.0) - verts).masked_fill(has_none, 0.0)
    return type(meshes)(verts=list(verts.split(meshes.num_verts_per_mesh().tolist())), faces=meshes.faces_list())
