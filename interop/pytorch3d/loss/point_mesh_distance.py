"""How far points and meshes are from each other."""

from collections.abc import Callable, Iterator
from typing import Any

import torch

from ....checks import check_number
from ...checks import check_tensors
from ...geometry import FaceLists, check_finite_tensor, faces_to_points, points_to_faces
from ..batches import check_meshes

__all__ = ["point_mesh_edge_distance", "point_mesh_face_distance"]


def point_mesh_face_distance(meshes: Any, pcls: Any, min_triangle_area: float = 5e-3) -> torch.Tensor:
    """The mean over pairs of a mesh and a cloud of: the mean over points of the squared distance to the nearest face, plus the mean over faces of the squared
    distance to the nearest point.

    Args:
        meshes: N of them.
        pcls: N clouds (`Pointclouds`).
        min_triangle_area: faces of a smaller area are taken for their three edges. **PyTorch3D's 0.005 is that of a face with sides of a tenth: give 0 for
            exact distances to smaller ones.**

    Returns:
        A number. A pair of which one has nothing counts as zero.

    Gradient: to points and vertices.
    """
    check_number("point_mesh_face_distance", "min_triangle_area", min_triangle_area, 0.0, low_too=True)
    return _both_ways("point_mesh_face_distance", meshes, pcls, lambda verts, faces: faces, min_triangle_area)


def point_mesh_edge_distance(meshes: Any, pcls: Any) -> torch.Tensor:
    """The same with the edges of the meshes for their faces."""

    def edges(verts: torch.Tensor, faces: torch.Tensor) -> torch.Tensor:
        return FaceLists.of(faces, len(verts)).edges[:, [0, 1, 1]]

    return _both_ways("point_mesh_edge_distance", meshes, pcls, edges, 0.0)


def _both_ways(op: str, meshes: Any, pcls: Any, things_of: Callable[[torch.Tensor, torch.Tensor], torch.Tensor], min_area: float) -> torch.Tensor:
    total = None
    for points, verts, faces in _pairs(op, meshes, pcls):
        things = things_of(verts, faces)
        there = points_to_faces(points, verts, things, min_area)[0].mean()
        back = faces_to_points(points, verts, things, min_area).mean()
        total = there + back if total is None else total + there + back
    return meshes.verts_packed().sum() * 0.0 if total is None else total / len(meshes)


def _pairs(op: str, meshes: Any, pcls: Any) -> Iterator[tuple[torch.Tensor, torch.Tensor, torch.Tensor]]:
    """Points, vertices and faces of those pairs that have both points and faces."""
    check_meshes(op, meshes)
    if not hasattr(pcls, "points_list"):
        raise TypeError(f"{op}: pcls must be Pointclouds, got {type(pcls).__name__}")
    if len(meshes) != len(pcls):
        raise ValueError(f"{op}: pcls must be as many clouds as there are meshes ({len(meshes)}), got {len(pcls)}")
    for points, verts, faces in zip(pcls.points_list(), meshes.verts_list(), meshes.faces_list(), strict=True):
        if len(points) and len(faces):
            check_tensors(op, verts=verts, pcls=points)
            check_finite_tensor(op, "pcls", points)
            check_finite_tensor(op, "meshes", verts)
            yield points, verts, faces
