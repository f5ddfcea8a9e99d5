"""Kaolin's ``kaolin.ops.mesh``: neighbours, normals, areas, points on surfaces, inside and outside, subdivision."""

from .check_sign import check_sign
from .mesh import (
    adjacency_matrix,
    average_face_vertex_features,
    compute_vertex_normals,
    index_vertices_by_faces,
    uniform_laplacian,
    unindex_vertices_by_faces,
)
from .trianglemesh import (
    face_areas,
    face_normals,
    packed_face_areas,
    packed_sample_points,
    sample_points,
    subdivide_trianglemesh,
    vertex_tangents,
)

__all__ = [
    "adjacency_matrix",
    "average_face_vertex_features",
    "check_sign",
    "compute_vertex_normals",
    "face_areas",
    "face_normals",
    "index_vertices_by_faces",
    "packed_face_areas",
    "packed_sample_points",
    "sample_points",
    "subdivide_trianglemesh",
    "uniform_laplacian",
    "unindex_vertices_by_faces",
    "vertex_tangents",
]
