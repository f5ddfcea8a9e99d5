"""Points drawn evenly on the surfaces of meshes, and what stands at places of faces: differentiable where the places stay."""

from typing import Any

import numpy as np

from ..checks import COUNTABLE, as_numbers, check_countable, check_faces, check_finite, check_integer, check_reals, check_shape
from ..kernels.normals import cross_op
from ..kernels.sampling import interpolate_op, place_kernel
from ..language import ti
from ..runtime import Arrays, TaichiArrays

__all__ = ["at_places", "draw_places", "face_areas", "sample_surface"]

MAX_PLACES = (COUNTABLE - 1) // 3
GUIDES = 4  # a face: then the first one that is looked at mostly is the one that is drawn


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
    face, weights = draw_places(arrays, face_areas(arrays, placed, index), count, seed, op=op)
    points = arrays.untracked(lambda: at_places(arrays, placed, index, face, weights))
    return arrays.to_numpy(points), arrays.to_numpy(face), arrays.to_numpy(weights)


def face_areas(arrays: Arrays, vertices: Any, faces: Any) -> np.ndarray:
    """[F] float64, without gradient, of vertices [V, 3] and faces [F, 3] of the library."""
    n_faces = faces.shape[0]
    if n_faces == 0:
        return np.zeros(0)
    crosses = arrays.zeros((n_faces, 3))
    op = cross_op(arrays.variant_for(n_faces), False)
    arrays.untracked(lambda: op.launch(arrays, (arrays.constant(vertices), crosses, faces, n_faces)))
    x, y, z = arrays.to_numpy(crosses).T.astype(np.float64)
    return np.sqrt(x * x + y * y + z * z) / 2


def draw_places(arrays: Arrays, areas: np.ndarray, count: int, seed: int, stream: int = 0, *, op: str = "draw_places") -> tuple[Any, Any]:
    """Places drawn evenly on faces of given areas [F].

    Args:
        count: how many, S.
        seed, stream: from 0 to 2^31 - 1; the same two draw the same places, on any device.
        op: for errors.

    Returns:
        The face [S] (integers) and the weights of its corners [S, 3], arrays of the library.
    """
    sums = np.cumsum(areas, dtype=np.float64)
    if not (len(sums) and 0 < sums[-1] < np.inf):
        raise ValueError(f"{op}: the faces must have an area, got {'none' if not len(sums) else sums[-1]} in all")
    shares = sums / sums[-1]
    shares[np.searchsorted(shares, shares[-1]) :] = 1.0  # a face without area behind the last one that has some is never drawn
    n_guides = GUIDES * len(shares)
    guide = np.cumsum(np.bincount((shares * n_guides).astype(np.int32) + 1, minlength=n_guides)[:n_guides], dtype=np.int32)
    face, weights = arrays.empty_index(count), arrays.empty((count, 3))
    kernel = place_kernel(arrays.variant_for(count))
    arrays.untracked(lambda: arrays.launch(kernel, (arrays.doubles(shares), arrays.index(guide), face, weights, int(seed), int(stream), len(guide), count)))
    return face, weights


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
