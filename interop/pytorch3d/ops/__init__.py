"""PyTorch3D's ``pytorch3d.ops``: operations on meshes, on points, and on what was rasterised of meshes."""

from .interp_face_attrs import interpolate_face_attributes
from .knn import knn_gather, knn_points
from .laplacian_matrices import cot_laplacian, laplacian, norm_laplacian
from .mesh_face_areas_normals import mesh_face_areas_normals
from .mesh_filtering import taubin_smoothing
from .packed_to_padded import packed_to_padded, padded_to_packed
from .sample_points_from_meshes import sample_points_from_meshes
from .subdivide_meshes import SubdivideMeshes
from .vert_align import vert_align

__all__ = [
    "SubdivideMeshes",
    "cot_laplacian",
    "interpolate_face_attributes",
    "knn_gather",
    "knn_points",
    "laplacian",
    "mesh_face_areas_normals",
    "norm_laplacian",
    "packed_to_padded",
    "padded_to_packed",
    "sample_points_from_meshes",
    "taubin_smoothing",
    "vert_align",
]
