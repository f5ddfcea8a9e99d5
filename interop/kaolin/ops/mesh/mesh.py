"""Meshes of faces with any number of corners: what stands at their corners, and who is whose neighbour."""

import torch

from .....checks import check_flag, check_integer
from ....checks import check_index_tensor, check_tensor, check_tensors

__all__ = [
    "adjacency_matrix",
    "average_face_vertex_features",
    "compute_vertex_normals",
    "index_vertices_by_faces",
    "neighbours",
    "uniform_laplacian",
    "unindex_vertices_by_faces",
]

LARGEST = 2**31 - 1


def index_vertices_by_faces(vertices_features: torch.Tensor, faces: torch.Tensor) -> torch.Tensor:
    """[B, F, K, C]: what stands at the K corners of the faces, of ``vertices_features`` [B, V, C] and ``faces`` [F, K]."""
    check_tensor("index_vertices_by_faces", "vertices_features", vertices_features, ("B", "V", "C"))
    check_index_tensor("index_vertices_by_faces", "faces", faces, ("F", "K"), "vertices", vertices_features.shape[1])
    return vertices_features[:, faces.long()]


def unindex_vertices_by_faces(face_vertex_features: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Of features [..., F, K, C] at the corners of faces: the same as [..., F * K, C], and the faces [F, K] int64 that lead to them."""
    op = "unindex_vertices_by_faces"
    check_tensors(op, face_vertex_features=face_vertex_features)
    if face_vertex_features.ndim < 3:
        raise ValueError(f"{op}: face_vertex_features must have shape (..., F, K, C), got {tuple(face_vertex_features.shape)}")
    n_faces, n_corners = face_vertex_features.shape[-3:-1]
    faces = torch.arange(n_faces * n_corners, device=face_vertex_features.device).reshape(n_faces, n_corners)
    return face_vertex_features.flatten(-3, -2), faces


def neighbours(op: str, num_vertices: int, faces: torch.Tensor) -> torch.Tensor:
    """[2, P] int64: each pair (vertex, neighbour) once, in order; a face that has one vertex at two successive corners makes it its own neighbour."""
    check_integer(op, "num_vertices", num_vertices, 1, LARGEST)
    check_index_tensor(op, "faces", faces, ("F", "K"), "vertices", num_vertices)
    here, there = faces.long(), faces.long().roll(1, dims=1)
    pairs = torch.unique(torch.cat([here * num_vertices + there, there * num_vertices + here]))
    return torch.stack([pairs // num_vertices, pairs % num_vertices])


def adjacency_matrix(num_vertices: int, faces: torch.Tensor, sparse: bool = True) -> torch.Tensor:
    """[V, V] float32, sparse or dense: 1 where two vertices follow each other in one of the ``faces`` [F, K]."""
    check_flag("adjacency_matrix", "sparse", sparse)
    pairs = neighbours("adjacency_matrix", num_vertices, faces)
    ones = torch.ones(pairs.shape[1], device=faces.device)
    matrix = torch.sparse_coo_tensor(pairs, ones, (num_vertices, num_vertices), is_coalesced=True, check_invariants=False)
    return matrix if sparse else matrix.to_dense()


def uniform_laplacian(num_vertices: int, faces: torch.Tensor) -> torch.Tensor:
    """[V, V] float32, dense as Kaolin's is: -1 on the diagonal, and in the row of a vertex one over its number of neighbours at each of these.

    Args:
        faces: [F, K].
    """
    pairs = neighbours("uniform_laplacian", num_vertices, faces)
    laplacian = torch.zeros(num_vertices, num_vertices, device=faces.device)
    laplacian[pairs[0], pairs[1]] = (1 / pairs[0].bincount(minlength=num_vertices).float())[pairs[0]]
    return laplacian.fill_diagonal_(-1)


def compute_vertex_normals(faces: torch.Tensor, face_normals: torch.Tensor, num_vertices: int | None = None) -> torch.Tensor:
    """[B, V, 3]: the mean of the normals that a vertex has in its faces (not of unit length, as in Kaolin); see `average_face_vertex_features`."""
    check_tensor("compute_vertex_normals", "face_normals", face_normals, ("B", "F", "K", 3))
    return _averaged("compute_vertex_normals", "face_normals", faces, face_normals, num_vertices)


def average_face_vertex_features(faces: torch.Tensor, face_features: torch.Tensor, num_vertices: int | None = None) -> torch.Tensor:
    """[B, V, C]: the mean of what a vertex has in its faces; zero at a vertex without faces.

    Args:
        faces: [F, K].
        face_features: [B, F, K, C] at the corners of the faces.
        num_vertices: V; as many as the faces have by default.

    Gradient: to face_features.
    """
    return _averaged("average_face_vertex_features", "face_features", faces, face_features, num_vertices)


def _averaged(op: str, name: str, faces: torch.Tensor, features: torch.Tensor, num_vertices: int | None) -> torch.Tensor:
    sizes: dict[str, int] = {}
    check_tensor(op, name, features, ("B", "F", "K", "C"), sizes)
    check_index_tensor(op, "faces", faces, ("F", "K"), "vertices", LARGEST, sizes)
    n_vertices = int(faces.max()) + 1 if num_vertices is None and faces.numel() else num_vertices or 0
    check_integer(op, "num_vertices", n_vertices, 0, LARGEST)
    check_index_tensor(op, "faces", faces, ("F", "K"), "vertices", n_vertices)
    corners = faces.long().reshape(-1)
    sums = features.new_zeros(len(features), n_vertices, features.shape[3]).index_add(1, corners, features.flatten(1, 2))
    return sums / corners.bincount(minlength=n_vertices).clamp(min=1)[:, None]
