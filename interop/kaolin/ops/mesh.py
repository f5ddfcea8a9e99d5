"""Kaolin's ``kaolin.ops.mesh``: the corners of faces and their normals."""

import torch

from ....checks import check_flag
from ...checks import check_index_tensor, check_tensor

__all__ = ["face_normals", "index_vertices_by_faces"]

TINY_LENGTH = 1e-10  # added to the length of a normal before it is divided by it, as Kaolin does


def index_vertices_by_faces(vertices_features: torch.Tensor, faces: torch.Tensor) -> torch.Tensor:
    """[B, F, K, C]: what stands at the K corners of the faces, of ``vertices_features`` [B, V, C] and ``faces`` [F, K]."""
    check_tensor("index_vertices_by_faces", "vertices_features", vertices_features, ("B", "V", "C"))
    check_index_tensor("index_vertices_by_faces", "faces", faces, ("F", "K"), "vertices", vertices_features.shape[1])
    return vertices_features[:, faces.long()]


def face_normals(face_vertices: torch.Tensor, unit: bool = False) -> torch.Tensor:
    """[B, F, 3]: (b - a) x (c - a) of faces given by their corners [B, F, 3, 3]; divided by its length if ``unit`` (a face without area then has zero)."""
    check_tensor("face_normals", "face_vertices", face_vertices, ("B", "F", 3, 3))
    check_flag("face_normals", "unit", unit)
    a, b, c = face_vertices.unbind(2)
    normals = torch.cross(b - a, c - a, dim=2)
    return normals / (normals.norm(dim=2, keepdim=True) + TINY_LENGTH) if unit else normals
