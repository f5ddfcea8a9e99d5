"""What is nearest: points among points (SciPy's trees), points among triangles and triangles among points (`kernels/nearest.py`). No gradient flows through
the choice; at what was found distances are smooth, and `weights` say where."""

from typing import Any

import numpy as np
import scipy  # its modules are loaded when they are asked for

from ..checks import as_numbers, check_countable, check_finite, check_integer, check_number, check_one_of, check_shape
from ..kernels.crossings import crossings_kernel
from ..kernels.nearest import nearest_kernel
from ..language import ti
from ..runtime import Arrays, FieldArrays, TaichiArrays, ensure_initialized
from .boxes import Boxes

__all__ = ["crossings", "inside", "nearest_points", "nearest_triangles", "points_nearest_to_triangles", "search", "squared_distances"]

MANY = 5000  # points whose search repays the waking of threads


def nearest_points(points: Any, others: Any, count: int = 1, norm: int = 2) -> tuple[np.ndarray, np.ndarray]:
    """The nearest of ``others`` to each point, exactly.

    Args:
        points: [P, D] numbers.
        others: [N, D].
        count: how many of them, K, the nearest first; at most N.
        norm: 1, the sum of the differences along the axes; or 2, Euclid's.

    Returns:
        distances [P, K] float64 (not squared), indices [P, K] int64.

    Examples:
        >>> nearest_points([[0.0, 0.2]], [[0.0, 1.0], [0.0, 0.0]])[1].tolist()
        [[1]]
    """
    op, sizes = "nearest_points", dict[str, int]()
    points, others = (as_numbers(op, name, given) for name, given in (("points", points), ("others", others)))
    check_shape(op, "points", points.shape, ("P", "D"), sizes)
    check_shape(op, "others", others.shape, ("N", "D"), sizes)
    for name, given in (("points", points), ("others", others)):
        check_finite(op, name, given)
    check_one_of(op, "norm", norm, (1, 2))
    check_integer(op, "count", count, 1, len(others))
    distance, index = scipy.spatial.cKDTree(others).query(points, k=[*range(1, count + 1)], p=norm, workers=-1 if len(points) > MANY else 1)
    return distance, index


def nearest_triangles(points: Any, corners: Any, min_area: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """The nearest triangle to each point, exactly, whatever the triangles are: segments and points are triangles without area.

    Args:
        points: [P, 3] numbers.
        corners: [N, 3, 3] of the triangles.
        min_area: triangles of a smaller area are taken for their three edges.

    Returns:
        The triangle [P] int32, and the weights [P, 3] float64 of its corners at the place that is nearest: exactly 0 of a corner that it does not want.

    Examples:
        >>> triangle, weights = nearest_triangles([[0.0, -1.0, 0.0]], [[[-1, 0, 0], [1, 0, 0], [0, 1, 0]]])
        >>> weights.tolist()
        [[0.5, 0.5, 0.0]]
    """
    return _among("nearest_triangles", points, corners, min_area, of_points=True)


def points_nearest_to_triangles(points: Any, corners: Any, min_area: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """The nearest of the points [P, 3] to each triangle [N, 3, 3]: see `nearest_triangles`.

    Returns:
        The point [N] int32, and the weights [N, 3] float64 of the triangle's corners at its place that is nearest to it.
    """
    return _among("points_nearest_to_triangles", points, corners, min_area, of_points=False)


def squared_distances(points: Any, corners: Any, min_area: float = 0.0) -> np.ndarray:
    """[P] float64: the squared distance of each point [P, 3] to the nearest of the triangles [N, 3, 3]."""
    points, corners = as_numbers("squared_distances", "points", points), as_numbers("squared_distances", "corners", corners)
    triangle, weights = _among("squared_distances", points, corners, min_area, of_points=True)
    return ((points - np.einsum("pk,pkc->pc", weights, corners[triangle])) ** 2).sum(1)


def inside(points: Any, corners: Any) -> np.ndarray:
    """[P] bool: whether points [P, 3] lie inside of the closed surface that triangles [N, 3, 3] make: whether a ray from there passes through an odd number.

    Of a surface with holes it tells what that ray, along x, meets; inside of two that overlap counts as outside.
    """
    op = "inside"
    points, corners = _checked(op, points, corners)
    arrays = _library()
    with arrays.frame():
        return arrays.to_numpy(crossings(arrays, arrays.real(points), arrays.real(corners.reshape(-1, 9)))) % 2 == 1


def _among(op: str, points: Any, corners: Any, min_area: float, of_points: bool) -> tuple[np.ndarray, np.ndarray]:
    points, corners = _checked(op, points, corners)
    check_number(op, "min_area", min_area, 0.0, low_too=True)
    name, things = ("corners", corners) if of_points else ("points", points)
    if len(things) == 0:
        raise ValueError(f"{op}: {name} must have at least one entry, got none")
    arrays = _library()
    with arrays.frame():
        index, weights = search(arrays, arrays.real(points), arrays.real(corners.reshape(-1, 9)), min_area, of_points)
        return arrays.to_numpy(index), arrays.to_numpy(weights).astype(np.float64)


def _library() -> TaichiArrays | FieldArrays:
    """In double precision, where Taichi has it."""
    return TaichiArrays(ti.f64) if ensure_initialized() in ("cpu", "cuda") else FieldArrays()


def _checked(op: str, points: Any, corners: Any) -> tuple[np.ndarray, np.ndarray]:
    points, corners = as_numbers(op, "points", points), as_numbers(op, "corners", corners)
    check_shape(op, "points", points.shape, ("P", 3))
    check_shape(op, "corners", corners.shape, ("N", 3, 3))
    for name, given in (("points", points), ("corners", corners)):
        check_finite(op, name, given)
    return points, corners


def search(arrays: Arrays, points: Any, corners: Any, min_area: float, of_points: bool) -> tuple[Any, Any]:
    """`nearest_triangles` (``of_points``) and `points_nearest_to_triangles` on finite arrays of a library: points [P, 3], corners in rows [N, 9].

    The boxes are made on the host, whither what is searched is copied; the search runs where the arrays are.
    """
    check_countable("nearest", "coordinates", max(3 * points.shape[0], 9 * corners.shape[0]))
    queries, things = (points, corners) if of_points else (corners, points)
    n = queries.shape[0]
    nearest, weights = arrays.zeros_index(n), arrays.zeros((n, 3))
    if n:
        boxes = Boxes.around(arrays.to_numpy(things).reshape(things.shape[0], -1, 3))
        kernel = nearest_kernel(arrays.variant_for(32 * n), of_points)  # each is about as much work as 32 vertices are to other kernels
        arrays.untracked(lambda: arrays.launch(kernel, (queries, things, *boxes.on(arrays), nearest, weights, float(min_area), n, boxes.n_leaves)))
    return nearest, weights


def crossings(arrays: Arrays, points: Any, corners: Any) -> Any:
    """[P] integers: how many triangles, corners in rows [N, 9], the ray from each of the points [P, 3] along x passes through; arrays as for `search`."""
    n = points.shape[0]
    check_countable("crossings", "coordinates", max(3 * n, 9 * corners.shape[0]))
    found = arrays.zeros_index(n)
    if n and corners.shape[0]:
        boxes = Boxes.around(arrays.to_numpy(corners).reshape(-1, 3, 3))
        kernel = crossings_kernel(arrays.variant_for(32 * n))
        arrays.untracked(lambda: arrays.launch(kernel, (points, corners, *boxes.on(arrays), found, n, boxes.n_leaves)))
    return found
