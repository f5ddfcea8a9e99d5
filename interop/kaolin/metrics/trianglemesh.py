"""Kaolin's ``kaolin.metrics.trianglemesh``: how far points are from meshes, and how even and smooth these are."""

import torch

from ...checks import check_index_tensor, check_tensor, check_tensors
from ...geometry import check_finite_tensor, points_to_faces
from ..ops.mesh.mesh import neighbours

__all__ = ["average_edge_length", "point_to_mesh_distance", "uniform_laplacian_smoothing"]

KIND_OF_WEIGHTS = (0, 1, 2, 4, 3, 6, 5, 0)  # by the corners that the nearest place has weights of: 1, 2 and 4 of the first, second and third


def point_to_mesh_distance(pointclouds: torch.Tensor, face_vertices: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """How far each point is from the nearest face, exactly.

    Args:
        pointclouds: [B, N, 3], finite.
        face_vertices: [B, F, 3, 3] the corners of the faces, finite; at least one face. (`ops.mesh.index_vertices_by_faces` makes them.)

    Returns:
        The squared distances [B, N]; the nearest face [B, N] int64; where on it the nearest place is [B, N] int32: 0 inside, 1, 2, 3 at its corners, 4, 5, 6 on
        its edges 0-1, 1-2, 2-0.

    Gradient: of the distances, to both.
    """
    op, sizes = "point_to_mesh_distance", dict[str, int]()
    check_tensors(op, pointclouds=pointclouds, face_vertices=face_vertices)
    check_tensor(op, "pointclouds", pointclouds, ("B", "N", 3), sizes)
    check_tensor(op, "face_vertices", face_vertices, ("B", "F", 3, 3), sizes)
    check_finite_tensor(op, "pointclouds", pointclouds)
    check_finite_tensor(op, "face_vertices", face_vertices)
    n_faces = face_vertices.shape[1]
    if not n_faces:
        raise ValueError(f"{op}: face_vertices must have at least one face, got {tuple(face_vertices.shape)}")
    corners = torch.arange(3 * n_faces, device=face_vertices.device).reshape(-1, 3)
    found = [points_to_faces(points, of_faces.reshape(-1, 3), corners) for points, of_faces in zip(pointclouds, face_vertices, strict=True)]
    if not found:
        nobody = torch.zeros(pointclouds.shape[:2], dtype=torch.int64, device=pointclouds.device)
        return pointclouds.sum(2), nobody, nobody.int()
    distance, face, weights = (torch.stack(parts) for parts in zip(*found, strict=True))
    used = ((weights > 0) * torch.tensor([1, 2, 4], device=weights.device)).sum(2)
    return distance, face, torch.tensor(KIND_OF_WEIGHTS, dtype=torch.int32, device=weights.device)[used]


def average_edge_length(vertices: torch.Tensor, faces: torch.Tensor) -> torch.Tensor:
    """[B, F]: the mean of the lengths of the edges of each face, of vertices [B, V, 3] and faces [F, 3].

    Gradient: to vertices; zero from an edge without length.
    """
    check_tensor("average_edge_length", "vertices", vertices, ("B", "V", 3))
    check_index_tensor("average_edge_length", "faces", faces, ("F", 3), "vertices", vertices.shape[1])
    a, b, c = (vertices.index_select(1, faces[:, k].long()) for k in range(3))
    return ((b - a).norm(dim=2) + (c - b).norm(dim=2) + (a - c).norm(dim=2)) / 3


def uniform_laplacian_smoothing(vertices: torch.Tensor, faces: torch.Tensor) -> torch.Tensor:
    """[B, V, 3]: for each vertex the mean of its neighbours; zero for one without any, as in Kaolin.

    Args:
        vertices: [B, V, 3].
        faces: [F, K].

    Gradient: to vertices.
    """
    check_tensor("uniform_laplacian_smoothing", "vertices", vertices, ("B", "V", 3))
    n_vertices = vertices.shape[1]
    here, there = neighbours("uniform_laplacian_smoothing", n_vertices, faces)
    sums = torch.zeros_like(vertices).index_add(1, here, vertices.index_select(1, there))
    return sums / here.bincount(minlength=n_vertices).clamp(min=1).to(vertices.dtype)[:, None]
