"""Laplacians of meshes as sparse matrices."""

import torch

from ....checks import check_number
from ...checks import check_index_tensor, check_tensor
from ...geometry import cotangents

__all__ = ["cot_laplacian", "laplacian", "norm_laplacian"]


def laplacian(verts: torch.Tensor, edges: torch.Tensor) -> torch.Tensor:
    """[V, V] sparse: -1 on the diagonal, and in the row of a vertex one over its number of neighbours at each of these.

    Args:
        verts: [V, 3], of which only the number counts.
        edges: [E, 2], each once.
    """
    check_tensor("laplacian", "verts", verts, ("V", 3))
    check_index_tensor("laplacian", "edges", edges, ("E", 2), "verts", len(verts))
    rows, columns = _both_ways(edges)
    share = 1 / rows.bincount(minlength=len(verts)).to(verts.dtype)
    itself = torch.arange(len(verts), device=verts.device)
    return _sparse(torch.cat([rows, itself]), torch.cat([columns, itself]), torch.cat([share[rows], -verts.new_ones(len(verts))]), len(verts))


def cot_laplacian(verts: torch.Tensor, faces: torch.Tensor, eps: float = 1e-12) -> tuple[torch.Tensor, torch.Tensor]:
    """Cotangent weights, and one over areas.

    Args:
        verts: [V, 3].
        faces: [F, 3].
        eps: a face whose squared area is smaller counts as one of this squared area.

    Returns:
        L [V, V] sparse: cot a_ij + cot b_ij where there is an edge ij, a and b being the angles opposite to it (the diagonal is empty); and [V, 1] one over the
        sum of the areas of the faces at a vertex, zero of one without any.

    Gradient: of both, to verts.
    """
    op = "cot_laplacian"
    check_tensor(op, "verts", verts, ("V", 3))
    check_index_tensor(op, "faces", faces, ("F", 3), "verts", len(verts))
    check_number(op, "eps", eps, 0.0)
    faces = faces.long()
    rows = cotangents(verts, faces, eps**0.5)
    edges = torch.stack([faces[:, [1, 2, 0]], faces[:, [2, 0, 1]]], -1).reshape(-1, 2)
    weights = rows[:, :3].reshape(-1)
    area = verts.new_zeros(len(verts)).index_add(0, faces.reshape(-1), rows[:, 3].repeat_interleave(3))
    inverse = torch.where(area > 0, 1 / torch.where(area > 0, area, 1.0), 0.0)
    return _sparse(*_both_ways(edges), torch.cat([weights, weights]), len(verts)), inverse[:, None]


def norm_laplacian(verts: torch.Tensor, edges: torch.Tensor, eps: float = 1e-12) -> torch.Tensor:
    """[V, V] sparse: at each edge one over its length (and ``eps`` more); nothing elsewhere.

    Args:
        verts: [V, 3].
        edges: [E, 2], each once.
        eps: added to the lengths.

    Gradient: to verts.
    """
    check_tensor("norm_laplacian", "verts", verts, ("V", 3))
    check_index_tensor("norm_laplacian", "edges", edges, ("E", 2), "verts", len(verts))
    check_number("norm_laplacian", "eps", eps, 0.0)
    weights = inverse_lengths(verts, edges, eps)
    return _sparse(*_both_ways(edges), torch.cat([weights, weights]), len(verts))


def inverse_lengths(verts: torch.Tensor, edges: torch.Tensor, eps: float) -> torch.Tensor:
    """[E]"""
    i, j = edges.unbind(1)
    return 1 / ((verts.index_select(0, i) - verts.index_select(0, j)).norm(dim=1) + eps)


def _both_ways(edges: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    i, j = edges.long().unbind(1)
    return torch.cat([i, j]), torch.cat([j, i])


def _sparse(rows: torch.Tensor, columns: torch.Tensor, values: torch.Tensor, n: int) -> torch.Tensor:
    return torch.sparse_coo_tensor(torch.stack([rows, columns]), values, (n, n), check_invariants=False).coalesce()
