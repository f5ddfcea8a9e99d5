"""Points drawn evenly on the surfaces of meshes, and what stands at places of faces: differentiable where the places stay."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..checks import COUNTABLE, as_numbers, check_countable, check_faces, check_finite, check_integer, check_reals, check_shape
from ..kernels.sampling import ROW, SURE, areas_kernel, blocks_of, interpolate_op, places_at_once, places_kernel, sample_op
from ..kernels.variant import Variant
from ..language import ti
from ..runtime import Arrays, TaichiArrays

__all__ = ["at_places", "draw_points", "odds_at_once", "sample_surface"]

MAX_PLACES = (COUNTABLE - 1) // 3


def sample_surface(vertices: Any, faces: Any, count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Points drawn evenly on a surface: each face as often as its share of the area says, and anywhere on it alike.

    Args:
        vertices: [V, 3] numbers.
        faces: [F, 3] indices.
        count: how many points S.
        seed: the same one draws the same places.

    Returns:
        points [S, 3] float64, the face [S] int32 that each is on, and the weights [S, 3] of its corners there.

    Raises:
        TypeError, ValueError: if the arguments are not so, or no face has an area.

    Examples:
        >>> points, face, weights = sample_surface([[0, 0, 0], [1, 0, 0], [0, 1, 0]], [[0, 1, 2]], 1000)
        >>> bool((points >= 0).all() and (points.sum(1) <= 1).all()), int(face.max()), points.mean(0).round(1).tolist()
        (True, 0, [0.3, 0.3, 0.0])
    """
    op = "sample_surface"
    positions = as_numbers(op, "vertices", vertices)
    check_shape(op, "vertices", positions.shape, ("V", 3))
    check_finite(op, "vertices", positions)
    corners = check_faces(op, faces, len(positions))
    check_integer(op, "count", count, 1, MAX_PLACES)
    check_integer(op, "seed", seed, 0, 2**31 - 1)
    arrays = TaichiArrays(ti.f64)
    placed, index = arrays.real(positions), arrays.index(corners)
    points, places = arrays.untracked(lambda: draw_points(arrays, placed, index, [len(corners)], count, seed, op=op))
    face, weights = places()
    return arrays.to_numpy(points), arrays.to_numpy(face), arrays.to_numpy(weights)


@dataclass(frozen=True, eq=False)
class Places:
    """Where drawn points are, for who wants to know it.

    Attributes:
        odds: by which faces were drawn (`kernels.sampling.sample_op`).
        n: of how many points.
        kept: where they are, as that has written it, and in how many parts and blocks.
    """

    arrays: Arrays
    variant: Variant
    odds: Any
    n: int
    kept: tuple[Any, ...]

    def __call__(self) -> tuple[Any, Any]:
        """The face [n] (integers) that each point is on, and the weights [n, 3] of its corners there."""
        face, weights = self.arrays.empty_index(self.n), self.arrays.empty((self.n, 3))
        self.arrays.untracked(lambda: self.arrays.launch(places_kernel(self.variant), (face, weights, *self.kept)))
        return face, weights


def draw_points(
    arrays: Arrays, vertices: Any, faces: Any, n_faces: Sequence[int], count: int, seed: int, areas: np.ndarray | None = None, *, op: str = "draw_points"
) -> tuple[Any, Places]:  # fmt: skip
    """Points drawn evenly on each of M meshes: faces at random by Walker's alias method, anywhere on them alike.

    Args:
        vertices, faces: [V, 3] and [F, 3], of all meshes, one after the other.
        n_faces: how many faces each mesh has; each must have an area.
        count: how many points S on each.
        seed: from 0 to 2^31 - 1; the same one draws the same places, on any device.
        areas: [F], if they are known (or others are wanted).
        op: for errors.

    Returns:
        points [M * S, 3], an array of the library; and a function that tells where they are.

    Gradient: of the points, to vertices, the places staying where they are on their faces.
    """
    first = np.array([0, *itertools.accumulate(n_faces)], np.int32)
    n_meshes, n_all, n = len(n_faces), int(first[-1]), len(n_faces) * count
    variant = arrays.variant_for(max(n, n_all))
    n_blocks = blocks_of(variant, n_meshes, count)
    n_kept = n_blocks * places_at_once(variant)
    check_countable(op, "numbers at the places", max(3 * n, 2 * n_kept))
    if arrays.is_remote:
        of_faces = _areas(arrays, vertices, faces, n_all) if areas is None else areas
        of_meshes = [of_faces[begin:end].astype(np.float64) for begin, end in itertools.pairwise(first)]
        _check_area(op, [float(each.sum()) for each in of_meshes], arrays, vertices)
        odds, rows, sums = arrays.index(_odds_of(of_meshes)), arrays.empty((1,)), arrays.empty_doubles(1)
    else:
        odds, rows = arrays.empty_index(2 * n_all), arrays.empty((ROW * vertices.shape[0],))
        sums = arrays.empty_doubles(n_all + n_meshes) if areas is None else arrays.doubles(np.concatenate([areas.astype(np.float64), np.zeros(n_meshes)]))
    kept, size = (arrays.empty_index(n_kept), arrays.empty((2 * n_kept,))), (count, n_blocks if arrays.is_remote else arrays.n_shares, n_blocks)
    arguments = (rows, faces, sums, n_all if areas is None else 0, odds, arrays.index(first), *kept, int(seed), *size)
    points = arrays.run(sample_op(variant), (vertices,), [(n, 3)], arguments)[0]
    if not arrays.is_remote:
        _check_area(op, arrays.to_numpy(sums)[n_all:].tolist(), arrays, vertices)
    return points, Places(arrays, variant, odds, n, (*kept, *size))


def _check_area(op: str, of_meshes: Sequence[float], arrays: Arrays, vertices: Any) -> None:
    for area in of_meshes:
        if not 0 < area < np.inf:
            check_finite(op, "vertices", arrays.to_numpy(vertices))
            raise ValueError(f"{op}: the faces must have an area, got {area} in all")


def _areas(arrays: Arrays, vertices: Any, faces: Any, n_faces: int) -> np.ndarray:
    """[F], from where the arrays are."""
    areas = arrays.empty_doubles(n_faces)
    arguments = (arrays.constant(vertices), faces, areas, n_faces)
    arrays.untracked(lambda: arrays.launch(areas_kernel(arrays.variant_for(n_faces)), arguments))
    return arrays.to_numpy(areas)


def _odds_of(areas: Sequence[np.ndarray]) -> np.ndarray:
    """See `kernels.sampling.sample_op`; of the areas of each mesh. A GPU would take long for what goes step by step: the host does it, in other steps."""
    firsts = itertools.accumulate((len(each) for each in areas), initial=0)
    return np.concatenate([odds_at_once(each) + np.array([0, first], np.int32) for each, first in zip(areas, firsts, strict=False)]).ravel()


def odds_at_once(areas: np.ndarray) -> np.ndarray:
    """[F, 2]: what `kernels.sampling.share_out` writes, all faces at once: sums of what small faces lack and large ones have tell who gives to whom."""
    share = areas / areas.mean()
    is_large = share > 1
    small, large = np.flatnonzero(~is_large), np.flatnonzero(is_large)
    other = np.arange(len(share))
    if len(large):
        lacking, surplus = np.cumsum(1 - share[small]), np.cumsum(share[large] - 1)
        other[small] = large[np.minimum(np.searchsorted(surplus, lacking - (1 - share[small]), side="right"), len(large) - 1)]
        other[large[:-1]] = large[1:]
        share[large] = 1 + surplus - lacking[np.minimum(np.searchsorted(lacking, surplus), len(small) - 1)]
    return np.stack([np.clip(share, 0, 1) * SURE, other], 1).astype(np.int32)


def at_places(arrays: Arrays, values: Any, faces: Any, face: Any, weights: Any) -> Any:
    """[S, C]: what stands at places of faces, of values [V, C] at the vertices: the sum of those at the corners of ``face`` [S], times ``weights`` [S, 3].

    Args:
        arrays: the library of all of them.
        faces: [F, 3] int32 into the values.

    Gradient: to values.
    """
    check_reals("at_places", arrays, values=values)
    count, n_channels = weights.shape[0], values.shape[1]
    check_countable("at_places", "numbers at the places", count * n_channels)
    return arrays.run(
        interpolate_op(arrays.variant_for(count), n_channels == 3), (values,), [(count, n_channels)], (faces, face, weights, count, n_channels)
    )[0]  # fmt: skip
