"""How far the edges of meshes are from a length."""

from typing import Any

import torch

from ....checks import check_number
from ...checks import check_tensor
from ..batches import check_meshes, face_lists, has_nothing, nothing, of_each_mesh

__all__ = ["mesh_edge_loss"]


def mesh_edge_loss(meshes: Any, target_length: Any = 0.0) -> torch.Tensor:
    """The mean over meshes of the mean over their edges of (length - target_length)^2.

    Args:
        meshes: a batch.
        target_length: a number, or a tensor of one, in the unit of the vertices.

    Returns:
        A number; [1] zero of a batch without faces.

    Gradient: to vertices; zero from the length of an edge that has none.
    """
    check_meshes("mesh_edge_loss", meshes)
    if isinstance(target_length, torch.Tensor):
        check_tensor("mesh_edge_loss", "target_length", target_length, target_length.shape[:0])
    else:
        check_number("mesh_edge_loss", "target_length", target_length)
    if has_nothing(meshes):
        return nothing(meshes)
    verts = meshes.verts_packed()
    i, j = face_lists(meshes).edges.unbind(1)
    length = (verts.index_select(0, i) - verts.index_select(0, j)).norm(dim=1)
    return of_each_mesh((length - target_length).square(), meshes.verts_packed_to_mesh_idx()[i], len(meshes))
