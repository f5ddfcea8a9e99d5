"""Clipping at a plane before the eye, so that a camera may stand inside a mesh: a face that crosses the plane is replaced by what of it lies ahead.

Which faces cross is decided on the host, from the positions; where they are cut is differentiable (`kernels.clipping`), as is all that is carried over to the
cut vertices: colours, texture coordinates, barycentric coordinates.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..checks import check_countable, check_number, check_shape
from ..kernels.clipping import count_crossing_kernel, cut_rows_op, cut_vertices_op
from ..runtime import Arrays
from ..scene import Topology

__all__ = ["Clipped", "clip_near"]


@dataclass(frozen=True, eq=False, kw_only=True)
class _Plan:
    """Which faces are left, and which edges are cut, two for each face that crosses."""

    face_origin: np.ndarray  # [F'] the face that each piece is of, ascending
    corner_place: np.ndarray  # [F', 3] 0 to 2: that corner of the face; 3 + m: cut vertex m
    cut_face: np.ndarray  # [M] the face that each cut vertex is of
    corner_ahead: np.ndarray  # [M] 0 to 2, the corner of that face at the end of the cut edge that is ahead of the plane
    corner_behind: np.ndarray  # [M]

    def corners(self, corner_rows: np.ndarray, n_rows: int) -> np.ndarray:
        """[F', 3]: the rows that the corners of the pieces use, of ``n_rows`` followed by a row for each cut vertex."""
        of_face = np.take_along_axis(corner_rows[self.face_origin], np.minimum(self.corner_place, 2), 1)
        return np.where(self.corner_place < 3, of_face, n_rows + self.corner_place - 3).astype(np.int32)

    def cut_ends(self, corner_rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """[M], [M]: the rows at the two ends of each cut edge, ahead and behind."""
        ahead, behind = (corner_rows[self.cut_face, corner] for corner in (self.corner_ahead, self.corner_behind))
        return np.ascontiguousarray(ahead, np.int32), np.ascontiguousarray(behind, np.int32)


@dataclass(frozen=True, eq=False, kw_only=True)
class Clipped:
    """What a plane leaves of a batch of faces.

    Attributes:
        topology: of what is left. Faces wholly behind the plane are gone; a face that crosses it is replaced, where it stood, by one triangle (if one vertex
            is ahead) or two (if two are), wound as the face is. Its vertices and per-vertex features are the given ones and, after them, one for each of
            M cuts. Where nothing is left of an image, one face stays, shrunk to a point behind the plane: without area, before ``near``, and never seen.
        vertices_camera: [N + M, 3] the N vertices as given, then the M cut ones, whose depth is the plane's.
        face_origin: [F'] int32, the face of the given topology that each piece is of, ascending.

    Gradient: from vertices_camera to the vertices that were given; none through the decision which faces cross.
    """

    topology: Topology
    vertices_camera: Any
    _arrays: Arrays
    _given: Topology
    _given_vertices: Any
    _plane: float
    _plan: _Plan
    _vertex_ends: tuple[Any, Any]

    @property
    def face_origin(self) -> np.ndarray:
        return self._plan.face_origin

    def cut_rows(self, rows: Any, corner_rows: np.ndarray) -> tuple[Any, np.ndarray]:
        """Carries rows of numbers at the corners of the faces over to the pieces.

        Args:
            rows: [R, C] array of the library: features, texture coordinates, ... (varying linearly over a face in camera space).
            corner_rows: [F, 3] integers, the rows at the corners of the faces of the topology that was given.

        Returns:
            [R + M, C], the rows as given and then one for each cut vertex, and [F', 3] int32, the rows at the corners of the pieces.

        Gradient: to the rows, and to the vertices that were given.
        """
        check_shape("cut_rows", "rows", rows.shape, ("R", "C"))
        check_shape("cut_rows", "corner_rows", corner_rows.shape, ("F", 3), {"F": len(self._given.faces)})
        (n_rows, n_channels), n_cuts = rows.shape, len(self._plan.cut_face)
        check_countable("cut_rows", "numbers in the rows", (n_rows + n_cuts) * n_channels)
        row_ends = (self._arrays.index(ends) for ends in self._plan.cut_ends(corner_rows))
        (cut,) = self._arrays.run(
            cut_rows_op(self._arrays.variant),
            (rows, self._given_vertices),
            [(n_rows + n_cuts, n_channels)],
            (*row_ends, *self._vertex_ends, self._plane, n_rows, n_cuts, n_channels),
        )
        return cut, self._plan.corners(corner_rows, n_rows)

    def corner_weights(self) -> tuple[Any, np.ndarray]:
        """The barycentric coordinates of the pieces' corners in the faces they are of: rows [3 + M, 3], and which of them each corner uses, [F', 3] int32."""
        corners = np.broadcast_to(np.arange(3, dtype=np.int32), self._given.faces.shape)
        return self.cut_rows(self._arrays.real(np.eye(3)), corners)


def clip_near(arrays: Arrays, topology: Topology, vertices_camera: Any, plane: float) -> Clipped | None:
    """What the plane at depth ``plane`` leaves of the faces; None if no face crosses it.

    Args:
        arrays: the library of the arrays.
        topology: which vertices make which faces in which image.
        vertices_camera: [N, 3] camera space, looking along -z: depth is -z.
        plane: any depth, for a perspective lens a positive one. A vertex at exactly this depth is ahead of the plane.

    A face with a vertex that is NaN or infinite cannot be cut: then nothing is, and the next step, the binning, says which face it is.
    """
    check_number("clip_near", "plane", plane)
    check_shape("clip_near", "vertices_camera", vertices_camera.shape, ("N", 3), {"N": len(topology.vertex_source)})
    if arrays.untracked(lambda: _n_crossing(arrays, topology, vertices_camera, plane)) == 0:
        return None
    plan = _plan(topology, arrays.to_numpy(vertices_camera), plane)
    if plan is None:
        return None
    n, n_cuts = len(topology.vertex_source), len(plan.cut_face)
    ahead, behind = (arrays.index(ends) for ends in plan.cut_ends(topology.faces))
    (cut,) = arrays.run(cut_vertices_op(arrays.variant), (vertices_camera,), [(n + n_cuts, 3)], (ahead, behind, plane, n, n_cuts))
    return Clipped(
        topology=_topology_of_pieces(topology, plan),
        vertices_camera=cut,
        _arrays=arrays,
        _given=topology,
        _given_vertices=vertices_camera,
        _plane=plane,
        _plan=plan,
        _vertex_ends=(ahead, behind),
    )


def _n_crossing(arrays: Arrays, topology: Topology, vertices_camera: Any, plane: float) -> int:
    count = arrays.zeros_index(1)
    arguments = (arrays.constant(vertices_camera), topology.on(arrays)["faces"], count, plane, len(topology.faces))
    arrays.launch(count_crossing_kernel(arrays.variant_for(len(topology.faces))), arguments)
    return int(arrays.to_numpy(count)[0])


def _plan(topology: Topology, vertices_camera: np.ndarray, plane: float) -> _Plan | None:
    """None if no face crosses the plane, or a vertex of a face is not finite."""
    faces, n_faces = topology.faces, len(topology.faces)
    is_ahead = (-vertices_camera[:, 2] >= vertices_camera.dtype.type(plane))[faces]
    n_ahead = is_ahead.sum(1)
    crossing = np.flatnonzero((n_ahead == 1) | (n_ahead == 2))
    if len(crossing) == 0 or not np.isfinite(vertices_camera)[faces].all():
        return None
    one_ahead = n_ahead[crossing] == 1

    # Of the three corners one is alone on its side of the plane. The edges from it to the next corner and to the last one are cut, at 2i and 2i + 1.
    alone = (is_ahead[crossing] == one_ahead[:, None]).argmax(1)
    following, last = (alone + 1) % 3, (alone + 2) % 3
    others = np.stack([following, last], 1)
    both_alone = np.stack([alone, alone], 1)
    first_cut = 3 + 2 * np.arange(len(crossing))
    second_cut = first_cut + 1

    # What is left of a face stands where the face stood. Two ahead: a quadrilateral, along whose diagonal from the next corner to the second cut it is split.
    n_pieces = np.where(n_ahead == 3, 1, n_ahead)
    left = np.bincount(topology.face_image, n_pieces, topology.n_images)
    images, first_face = np.unique(topology.face_image, return_index=True)
    hidden = first_face[left[images] == 0]  # of images of which nothing is left: kept as a point, for every image is to have a face
    n_pieces[hidden] = 1
    first_piece = np.cumsum(n_pieces) - n_pieces
    corner_place = np.tile(np.arange(3), (n_pieces.sum(), 1))
    corner_place[first_piece[hidden]] = 0
    piece = first_piece[crossing]
    corner_place[piece] = np.where(one_ahead[:, None], np.stack([alone, first_cut, second_cut], 1), np.stack([first_cut, following, second_cut], 1))
    corner_place[piece[~one_ahead] + 1] = np.stack([second_cut, following, last], 1)[~one_ahead]
    return _Plan(
        face_origin=np.repeat(np.arange(n_faces, dtype=np.int32), n_pieces),
        corner_place=corner_place,
        cut_face=np.repeat(crossing, 2),
        corner_ahead=np.where(one_ahead[:, None], both_alone, others).reshape(-1),
        corner_behind=np.where(one_ahead[:, None], others, both_alone).reshape(-1),
    )


def _topology_of_pieces(topology: Topology, plan: _Plan) -> Topology:
    n, n_vertices, n_cuts = len(topology.vertex_source), topology.n_vertices, len(plan.cut_face)
    return replace(
        topology,
        faces=plan.corners(topology.faces, n),
        feature_faces=plan.corners(topology.feature_faces, n_vertices),
        face_source=topology.face_source[plan.face_origin],
        face_image=topology.face_image[plan.face_origin],
        vertex_source=np.concatenate([topology.vertex_source, n_vertices + np.arange(n_cuts, dtype=np.int32)]),
        vertex_image=np.concatenate([topology.vertex_image, topology.face_image[plan.cut_face]]),
        n_vertices=n_vertices + n_cuts,
        _placed={},
    )
