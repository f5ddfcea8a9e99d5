"""How smooth meshes are."""

from typing import Any

import torch

from ....checks import check_one_of
from ...geometry import cotangents, neighbour_sums
from ..batches import check_meshes, face_lists, has_nothing, nothing, of_each_mesh

__all__ = ["mesh_laplacian_smoothing"]

LEAST_AREA = 1e-6  # of a face, for its cotangents (PyTorch3D's 1e-12 under a root)


def mesh_laplacian_smoothing(meshes: Any, method: str = "uniform") -> torch.Tensor:
    """The mean over meshes of the mean over their vertices of the length of L v.

    Args:
        meshes: a batch.
        method: what L v is. "uniform": the mean of the neighbours of a vertex, minus it (a vertex without any: minus it alone, as in PyTorch3D). "cot": the
            same, neighbours weighted by the cotangents of the angles opposite to their edges. "cotcurv": the sum of cotangents times (neighbour - vertex),
            over four times the area of the faces at the vertex (Desbrun et al. 1999, equation 14).

    Returns:
        A number; [1] zero of a batch without faces.

    Gradient: to vertices, weights and areas being taken as given.
    """
    op = "mesh_laplacian_smoothing"
    check_meshes(op, meshes)
    check_one_of(op, "method", method, ("uniform", "cot", "cotcurv"))
    if has_nothing(meshes):
        return nothing(meshes)
    verts = meshes.verts_packed()
    if method == "uniform":
        lists = face_lists(meshes)
        moved = neighbour_sums(verts, lists.edges) / lists.degree.clamp(min=1)[:, None] - verts
    else:
        faces = meshes.faces_packed()
        edges = torch.stack([faces[:, [1, 2, 0]], faces[:, [2, 0, 1]]], -1).reshape(-1, 2)
        with torch.no_grad():
            rows = cotangents(verts, faces, LEAST_AREA)
            weights = rows[:, :3].reshape(-1)
            total = neighbour_sums(verts.new_ones(len(verts), 1), edges, weights)
            area = verts.new_zeros(len(verts)).index_add(0, faces.reshape(-1), rows[:, 3].repeat_interleave(3))[:, None]
        sums = neighbour_sums(verts, edges, weights)
        if method == "cot":
            moved = sums * torch.where(total > 0, 1 / total, total) - verts
        else:
            moved = (sums - total * verts) * torch.where(area > 0, 0.25 / area, area)
    return of_each_mesh(moved.norm(dim=1), meshes.verts_packed_to_mesh_idx(), len(meshes))
