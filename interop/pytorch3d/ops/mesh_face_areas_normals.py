"""Areas and normals of faces."""

import torch
import torch.nn.functional as F

from ...checks import check_index_tensor, check_tensor
from ...geometry import crosses

__all__ = ["mesh_face_areas_normals"]

LEAST_LENGTH = 1e-6  # of a normal before it is made a unit, as in PyTorch3D


def mesh_face_areas_normals(verts: torch.Tensor, faces: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Areas [F], and normals [F, 3] of unit length (shorter of a face with an area under 5e-7).

    Args:
        verts: [V, 3].
        faces: [F, 3].

    Gradient: to verts; zero from a face without area.
    """
    check_tensor("mesh_face_areas_normals", "verts", verts, ("V", 3))
    check_index_tensor("mesh_face_areas_normals", "faces", faces, ("F", 3), "verts", len(verts))
    twice = crosses(verts, faces.long())
    return twice.norm(dim=1) / 2, F.normalize(twice, dim=1, eps=LEAST_LENGTH)
