"""Kaolin's ``kaolin.ops.mesh``: the corners of faces and their normals."""

import torch

from ....checks import check_shape

__all__ = ["face_normals", "index_vertices_by_faces"]

TINY_LENGTH = 1e-10  # added to the length of a normal before it is divided by it, as Kaolin does


def index_vertices_by_faces(vertices_features: torch.Tensor, faces: torch.Tensor) -> torch.Tensor:
    """[B, F, K, C]: what stands at the K corners of the faces, of ``vertices_features`` [B, V, C] and ``faces`` [F, K]."""
    check_shape("index_vertices_by_faces", "vertices_features", vertices_features.shape, ("B", "V", "C"))
    check_shape("index_vertices_by_faces", "faces", faces.shape, ("F", "K"))
    if faces.is_floating_point() or faces.is_complex() or faces.dtype == torch.bool:
        raise TypeError(f"index_vertices_by_faces: faces must be integers, got {faces.dtype}")
    n = vertices_features.shape[1]
    if faces.numel() and not (int(faces.min()) >= 0 and int(faces.max()) < n):
        raise ValueError(f"index_vertices_by_faces: faces must index vertices 0 to {n - 1}, got {int(faces.min())} to {int(faces.max())}")
    return vertices_features[:, faces.long()]


def face_normals(face_vertices: torch.Tensor, unit: bool = False) -> torch.Tensor:
    """[B, F, 3]: (b - a) x (c - a) of faces given by their corners [B, F, 3, 3]; divided by its length if ``unit`` (a face without area then has zero)."""
    check_shape("face_normals", "face_vertices", face_vertices.shape, ("B", "F", 3, 3))
    a, b, c = face_vertices.unbind(2)
    normals = torch.cross(b - a, c - a, dim=2)
    return normals / (normals.norm(dim=2, keepdim=True) + TINY_LENGTH) if unit else normals
