"""How much the normals of neighbouring faces differ."""

from typing import Any

import torch

from ..batches import check_meshes, face_lists, has_nothing, nothing, of_each_mesh

__all__ = ["mesh_normal_consistency"]


def mesh_normal_consistency(meshes: Any) -> torch.Tensor:
    """The mean over meshes of the mean over each two faces at an edge of 1 - cos(angle between their normals).

    Of an edge with more than two faces every two count. Normals are turned as if both faces were on one side of the surface: 0 where it is flat, 2 where it is
    folded back.

    Returns:
        A number; [1] zero of a batch in which no two faces share an edge.

    Gradient: to vertices; zero from a face without area.
    """
    check_meshes("mesh_normal_consistency", meshes)
    hinges = meshes.faces_packed() if has_nothing(meshes) else face_lists(meshes).hinges
    if not len(hinges):
        return nothing(meshes)
    verts = meshes.verts_packed()
    a, b, c, d = (verts.index_select(0, hinges[:, k]) for k in range(4))
    cosine = torch.cosine_similarity(torch.linalg.cross(b - a, c - a), torch.linalg.cross(d - a, b - a), dim=1)
    return of_each_mesh(1 - cosine, meshes.verts_packed_to_mesh_idx()[hinges[:, 0]], len(meshes))
