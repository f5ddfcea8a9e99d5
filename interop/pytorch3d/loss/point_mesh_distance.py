"""How far points and meshes are from each other."""

from collections.abc import Callable, Iterator
from typing import Any

import torch

from ....checks import check_number, check_shape
from ...checks import check_tensors
from ...geometry import FaceLists, check_finite_tensor, faces_to_points, points_to_faces
from ..batches import check_meshes, parts

__all__ = [
    "edge_point_distance",
    "face_point_distance",
    "point_edge_distance",
    "point_face_distance",
    "point_mesh_edge_distance",
    "point_mesh_face_distance",
]

_DEFAULT_MIN_TRIANGLE_AREA = 5e-3


def point_mesh_face_distance(meshes: Any, pcls: Any, min_triangle_area: float = _DEFAULT_MIN_TRIANGLE_AREA) -> torch.Tensor:
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


# ------------------------------------------------------------------------------------------------------------- corners in place of meshes


def point_face_distance(
    points: torch.Tensor,
    points_first_idx: torch.Tensor,
    tris: torch.Tensor,
    tris_first_idx: torch.Tensor,
    max_points: int | None = None,
    min_triangle_area: float = _DEFAULT_MIN_TRIANGLE_AREA,
) -> torch.Tensor:
    """[P] the squared distance of each point to the nearest triangle of its pair.

    Args:
        points, points_first_idx: [P, 3] the points of N clouds, one after the other, and [N] where each begins.
        tris, tris_first_idx: [T, 3, 3] the corners of the triangles of N meshes, and [N].
        max_points: is not needed.
        min_triangle_area: see `point_mesh_face_distance`.

    Raises:
        ValueError: if a cloud has points whose mesh has no triangles.

    Gradient: to points and corners.
    """
    return _packed("point_face_distance", points, points_first_idx, "tris", tris, tris_first_idx, min_triangle_area, of_points=True)


def face_point_distance(
    points: torch.Tensor,
    points_first_idx: torch.Tensor,
    tris: torch.Tensor,
    tris_first_idx: torch.Tensor,
    max_tris: int | None = None,
    min_triangle_area: float = _DEFAULT_MIN_TRIANGLE_AREA,
) -> torch.Tensor:
    """[T] the squared distance of each triangle to the nearest point of its pair. See `point_face_distance`."""
    return _packed("face_point_distance", points, points_first_idx, "tris", tris, tris_first_idx, min_triangle_area, of_points=False)


def point_edge_distance(
    points: torch.Tensor, points_first_idx: torch.Tensor, segms: torch.Tensor, segms_first_idx: torch.Tensor, max_points: int | None = None
) -> torch.Tensor:
    """[P] the squared distance of each point to the nearest segment of its pair; segms: [S, 2, 3]. See `point_face_distance`."""
    return _packed("point_edge_distance", points, points_first_idx, "segms", segms, segms_first_idx, 0.0, of_points=True)


def edge_point_distance(
    points: torch.Tensor, points_first_idx: torch.Tensor, segms: torch.Tensor, segms_first_idx: torch.Tensor, max_segms: int | None = None
) -> torch.Tensor:
    """[S] the squared distance of each segment to the nearest point of its pair; segms: [S, 2, 3]. See `point_face_distance`."""
    return _packed("edge_point_distance", points, points_first_idx, "segms", segms, segms_first_idx, 0.0, of_points=False)


def _packed(
    op: str, points: torch.Tensor, points_first: torch.Tensor, name: str, things: torch.Tensor, things_first: torch.Tensor, min_area: float, of_points: bool
) -> torch.Tensor:  # fmt: skip
    check_tensors(op, points=points, **{name: things})
    check_shape(op, "points", points.shape, ("P", 3))
    n_corners = 3 if name == "tris" else 2
    check_shape(op, name, things.shape, ("T" if name == "tris" else "S", n_corners, 3))
    check_number(op, "min_triangle_area", min_area, 0.0, low_too=True)
    for given, tensor in (("points", points), (name, things)):
        check_finite_tensor(op, given, tensor)
    pairs = [list(parts(op, first, len(tensor))) for first, tensor in ((points_first, points), (things_first, things))]
    if len(pairs[0]) != len(pairs[1]):
        raise ValueError(f"{op}: {name}_first_idx must be of as many pairs as points_first_idx ({len(pairs[0])}), got {len(pairs[1])}")
    distances = [points.new_zeros(0)]
    for (begin, n_points), (first, n_things) in zip(*pairs, strict=True):
        wanted, others = (n_points, n_things) if of_points else (n_things, n_points)
        if wanted and not others:
            raise ValueError(f"{op}: {name if of_points else 'points'} must be there in each pair that has {'points' if of_points else name}, got none")
        if not wanted:
            continue
        own, corners = points[begin : begin + n_points], things[first : first + n_things].reshape(-1, 3)
        faces = torch.arange(len(corners), device=things.device).reshape(-1, n_corners)
        faces = faces if n_corners == 3 else faces[:, [0, 1, 1]]
        distances.append(points_to_faces(own, corners, faces, min_area)[0] if of_points else faces_to_points(own, corners, faces, min_area))
    return torch.cat(distances)


# The original's are autograd functions: users import these, too, for their ``apply``.


class _PointFaceDistance:
    apply = staticmethod(point_face_distance)


class _FacePointDistance:
    apply = staticmethod(face_point_distance)


class _PointEdgeDistance:
    apply = staticmethod(point_edge_distance)


class _EdgePointDistance:
    apply = staticmethod(edge_point_distance)
