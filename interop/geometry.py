"""What is nearest, points on surfaces, edges and Laplacians, on tensors: what the drop-ins for PyTorch3D and Kaolin share.

Choices (which point, which face) come from `engine.nearest` and `engine.sampling`, and have no gradient; what stands at them has. Arguments have been checked.
"""

from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from ..checks import check_finite
from ..engine import laplacians, nearest, sampling
from ..scene import Subdivision, edges_of, pairs_at_edges
from .bridge import TorchArrays
from .calling_thread import int32, same_indices

__all__ = [
    "FaceLists",
    "check_finite_tensor",
    "cotangents",
    "crosses",
    "faces_to_points",
    "interpolated",
    "nearest_points",
    "neighbour_sums",
    "points_to_faces",
    "sample_faces",
    "seed",
    "squared_distances",
]

MOST_KNOWN = 16  # lists of faces
PAIRS_AT_ONCE = 1 << 26  # of points, whose distances are computed together on a GPU


def check_finite_tensor(op: str, name: str, tensor: torch.Tensor) -> None:
    """No NaN and no infinity. (A GPU is waited for.)"""
    if tensor.device.type == "cpu":
        check_finite(op, name, tensor.detach().numpy())
    elif not bool(torch.isfinite(tensor).all()):
        check_finite(op, name, tensor.detach().cpu().numpy())


# ----------------------------------------------------------------------------------------------------------------------- nearest


def nearest_points(points: torch.Tensor, others: torch.Tensor, count: int = 1, norm: int = 2) -> torch.Tensor:
    """[P, K] int64: the nearest of ``others`` [N, D] to each of ``points`` [P, D], the nearest first, K <= N; all finite.

    On the CPU SciPy's trees find them. On a GPU every pair is looked at where the tensors are, in parts, which is faster than to fetch them.
    """
    if points.device.type == "cpu":
        return torch.from_numpy(nearest.nearest_points(points.detach().numpy(), others.detach().numpy(), count, norm)[1])
    rows = max(PAIRS_AT_ONCE // len(others), 1)
    points, others = points.detach(), others.detach()
    parts = [
        torch.cdist(part, others, p=float(norm), compute_mode="donot_use_mm_for_euclid_dist").topk(count, dim=1, largest=False).indices
        for part in points.split(rows)
    ]
    return torch.cat(parts) if parts else torch.zeros(0, count, dtype=torch.int64, device=points.device)


def squared_distances(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """Along the last axis."""
    return (a - b).square().sum(-1)


def points_to_faces(
    points: torch.Tensor, vertices: torch.Tensor, faces: torch.Tensor, min_area: float = 0.0
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:  # fmt: skip
    """The squared distances [P] of points [P, 3] to their nearest faces, these faces [P] int64, and the weights [P, 3] of their corners at the nearest places.

    Args:
        vertices, faces: [V, 3], and [F, 3] indices, at least one face.
        min_area: faces of a smaller area are taken for their three edges.

    Gradient: of the distances, to points and vertices. (A distance changes as if the nearest place were fixed to its face.)
    """
    arrays = TorchArrays.of("points_to_faces", points=points, vertices=vertices)
    corners = vertices.detach().index_select(0, faces.reshape(-1)).reshape(-1, 9)
    face, weights = nearest.search(arrays, arrays.constant(points), corners, min_area, of_points=True)
    places = sampling.at_places(arrays, vertices, int32(faces), face, weights)
    return squared_distances(points, places), face.long(), weights


def faces_to_points(points: torch.Tensor, vertices: torch.Tensor, faces: torch.Tensor, min_area: float = 0.0) -> torch.Tensor:
    """[F]: the squared distance of each face to the nearest of the points (at least one); the rest as for `points_to_faces`."""
    arrays = TorchArrays.of("faces_to_points", points=points, vertices=vertices)
    corners = vertices.detach().index_select(0, faces.reshape(-1)).reshape(-1, 9)
    point, weights = nearest.search(arrays, arrays.constant(points), corners, min_area, of_points=False)
    each = torch.arange(len(faces), dtype=torch.int32, device=faces.device)
    places = sampling.at_places(arrays, vertices, int32(faces), each, weights)
    return squared_distances(points.index_select(0, point.long()), places)


# ---------------------------------------------------------------------------------------------------------------------- surfaces


def seed() -> int:
    """A number that ``torch.manual_seed`` decides."""
    return int(torch.randint(2**31 - 1, ()))


def sample_faces(
    op: str, vertices: torch.Tensor, faces: torch.Tensor, counts: list[int], count: int, areas: torch.Tensor | None = None
) -> tuple[torch.Tensor, Callable[[], tuple[torch.Tensor, torch.Tensor]]]:
    """Points drawn evenly on each of M meshes.

    Args:
        op: for errors.
        vertices, faces: [V, 3], finite where faces have them, and [F, 3] indices, of all meshes.
        counts: how many faces each mesh has; each must have an area.
        count: how many points S on each.
        areas: [F], if they are known (or others are wanted).

    Returns:
        points [M * S, 3]; and a function that returns the face [M * S] int32 that each is on, and the weights [M * S, 3] of its corners there.

    Gradient: of the points, to vertices, the places staying where they are on their faces.
    """
    arrays = TorchArrays.of(op, vertices=vertices)
    known = None if areas is None else areas.detach().cpu().numpy()
    return sampling.draw_points(arrays, vertices, int32(faces), counts, count, seed(), known, op=op)


def interpolated(values: torch.Tensor, faces: torch.Tensor, face: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    """[S, C]: see `engine.sampling.at_places`, of values [V, C], faces [F, 3], face [S] and weights [S, 3]."""
    arrays = TorchArrays.of("interpolated", values=values, weights=weights)
    return sampling.at_places(arrays, values, int32(faces), int32(face), weights)


def crosses(vertices: torch.Tensor, faces: torch.Tensor) -> torch.Tensor:
    """[..., F, 3]: (b - a) x (c - a) of each face abc, twice its area long; of vertices [..., V, 3]."""
    a, b, c = (vertices.index_select(-2, faces[:, k]) for k in range(3))
    return torch.linalg.cross(b - a, c - a)


def cotangents(vertices: torch.Tensor, faces: torch.Tensor, least_area: float) -> torch.Tensor:
    """See `engine.laplacians.cotangents`."""
    if not len(faces):
        return vertices.new_zeros(0, 4)
    return laplacians.cotangents(TorchArrays.of("cotangents", vertices=vertices), vertices, int32(faces), least_area)


def neighbour_sums(values: torch.Tensor, edges: torch.Tensor, weights: torch.Tensor | None = None) -> torch.Tensor:
    """[V, C]: for each vertex the sum of ``values`` [V, C] at the other ends of its edges [E, 2], times the weights [E] of these."""
    i, j = edges.unbind(1)
    of_i, of_j = values.index_select(0, i), values.index_select(0, j)
    if weights is not None:
        of_i, of_j = of_i * weights[:, None], of_j * weights[:, None]
    return torch.zeros_like(values).index_add(0, i, of_j).index_add(0, j, of_i)


# ------------------------------------------------------------------------------------------------------------------------- lists


class FaceLists:
    """Edges of faces [F, 3], and what follows from them, on the device of the faces; found again while the faces are the same."""

    def __init__(self, faces: torch.Tensor, n_vertices: int) -> None:
        self._faces, self._n_vertices, self._device = faces.cpu().numpy(), n_vertices, faces.device
        self._edges = edges_of(self._faces, n_vertices)
        self._made: dict[str, Any] = {}

    @classmethod
    def of(cls, faces: torch.Tensor, n_vertices: int) -> "FaceLists":
        """Of indices that are in range. They are compared with those that are known, which costs far less than finding edges."""
        key = (tuple(faces.shape), faces.device, n_vertices)
        known = _known.get(key)
        if known is not None and same_indices(known[0], faces):
            _known.move_to_end(key)
            return known[1]
        lists = cls(faces.detach(), n_vertices)
        _known[key] = (faces.detach().clone(), lists)
        if len(_known) > MOST_KNOWN:
            _known.popitem(last=False)
        return lists

    def _tensor(self, name: str, make: Any) -> torch.Tensor:
        if name not in self._made:
            self._made[name] = torch.from_numpy(np.ascontiguousarray(make())).to(self._device)
        return self._made[name]

    @property
    def edges(self) -> torch.Tensor:
        """[E, 2] int64, each edge once, the smaller vertex first, in the order of their vertices."""
        return self._tensor("edges", lambda: self._edges[0])

    @property
    def face_edges(self) -> torch.Tensor:
        """[F, 3] int64: the edges opposite to the corners of each face."""
        return self._tensor("face_edges", lambda: self._edges[1])

    @property
    def degree(self) -> torch.Tensor:
        """[V] int64: how many edges each vertex has."""
        return self._tensor("degree", lambda: np.bincount(self._edges[0].ravel(), minlength=self._n_vertices))

    @property
    def hinges(self) -> torch.Tensor:
        """[H, 4] int64: for each two faces at an edge its ends, and the corners opposite to it; of more than two, each pair of them."""

        def make() -> np.ndarray:
            edges, edge = self._edges[0], self._edges[1].ravel()
            one, other = pairs_at_edges(edge).T
            return np.concatenate([edges[edge[one]], np.stack([self._faces.ravel()[one], self._faces.ravel()[other]], 1)], 1)

        return self._tensor("hinges", make)

    @property
    def subdivision(self) -> Subdivision:
        """On the host."""
        if "subdivision" not in self._made:
            self._made["subdivision"] = Subdivision.of(self._faces, self._n_vertices)
        return self._made["subdivision"]


_known: OrderedDict[Any, tuple[torch.Tensor, FaceLists]] = OrderedDict()
