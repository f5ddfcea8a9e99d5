"""Polygons cut into triangles: the same for every kind of file."""

from itertools import pairwise

import mapbox_earcut
import numpy as np

__all__ = ["fans_of", "triangulated"]

FLAT = 1e-9  # of a polygon's area: a triangle of a fan that is turned over by less is flat, and harms nothing
MOST_CLIPPED = 1 << 13  # corners: clipping ears takes time with their square, where a polygon is tangled


def triangulated(vertices: np.ndarray, corners: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """[T, 3] places in ``corners``: the triangles of polygons, n - 2 of one with n corners, in their order and turned as it is.

    A polygon is a fan about its first corner if that covers it, as it does where it is convex; else one about its second; else its ears are clipped. It is
    looked at along its mean normal (Newell's), so that it need not be quite flat. No vertex is added, and none left out, those in the middle of an edge
    included. A polygon that nothing covers (without an area, or crossing itself) is a fan about its first corner.

    So ``corners[...]`` are the vertices of the triangles, any other list of indices at the corners is cut by the same places, and
    ``np.repeat(of_polygon, sizes - 2)`` is what each triangle has of its polygon.

    Args:
        vertices: [V, 3] positions, not necessarily finite.
        corners: [N] indices into ``vertices``, in range; polygon after polygon.
        sizes: [P] how many corners each polygon has, at least 3; their sum is N.

    Raises:
        ValueError: if a polygon has more than 2^13 corners, and no fan covers it.

    Examples:
        >>> square = np.array([[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]])
        >>> triangulated(square, np.array([0, 1, 2, 3]), np.array([4])).tolist()
        [[0, 1, 2], [0, 2, 3]]
    """
    sizes, found = np.asarray(sizes, np.int64), fans_of(sizes)
    if 3 * len(found) == len(corners):  # nothing but triangles
        return found
    begins, firsts = np.cumsum(sizes) - sizes, np.cumsum(sizes - 2) - (sizes - 2)
    with np.errstate(all="ignore"):  # numbers that are none, and too large ones: `Mesh` says so
        for size in np.unique(sizes[sizes > 3]).tolist():
            of_size = np.flatnonzero(sizes == size)
            local = _of_one_size(np.asarray(vertices[corners[begins[of_size, None] + np.arange(size)]], np.float64))
            found[firsts[of_size, None] + np.arange(size - 2)] = begins[of_size, None, None] + local
    return found


def fans_of(sizes: np.ndarray) -> np.ndarray:
    """[T, 3] as `triangulated`, each polygon a fan about its first corner; one of fewer than three corners has none."""
    sizes = np.asarray(sizes, np.int64)
    if (sizes == 3).all():
        return np.arange(3 * len(sizes)).reshape(-1, 3)
    n_triangles = np.maximum(sizes - 2, 0)
    first = np.repeat(np.cumsum(sizes) - sizes, n_triangles)
    other = first + 1 + np.arange(len(first)) - np.repeat(np.cumsum(n_triangles) - n_triangles, n_triangles)
    return np.stack([first, other, other + 1], 1)


def _fan(size: int, about: int) -> np.ndarray:
    """[size - 2, 3] the corners of each triangle."""
    others = np.arange(1, size - 1)
    return (np.stack([np.zeros_like(others), others, others + 1], 1) + about) % size


def _of_one_size(points: np.ndarray) -> np.ndarray:
    """[P, n - 2, 3] for the polygons [P, n, 3]."""
    size = points.shape[1]
    points = points - points.mean(1, keepdims=True)
    normals = np.cross(points, np.roll(points, -1, 1)).sum(1)
    local = np.repeat(_fan(size, 0)[None], len(points), 0)
    left = np.flatnonzero(~_covers(points, normals, _fan(size, 0)))
    left = left[np.isfinite(normals[left]).all(1) & normals[left].any(1)]
    second = _covers(points[left], normals[left], _fan(size, 1))
    local[left[second]] = _fan(size, 1)
    if size == 4:  # one of the two covers it, unless it crosses itself
        return local
    for place in left[~second].tolist():
        if size > MOST_CLIPPED:
            raise ValueError(f"a polygon of {size} corners that is not convex, where at most {MOST_CLIPPED} can be cut")
        clipped = _clipped(_seen_along(normals[place], points[place]))
        local[place] = local[place] if clipped is None else clipped
    return local


def _covers(points: np.ndarray, normals: np.ndarray, fan: np.ndarray) -> np.ndarray:
    """[P] whether none of a fan's triangles is turned over: then the fan covers the polygon, and nothing else."""
    a, b, c = (points[:, fan[:, k]] for k in range(3))
    areas = np.einsum("ptk,pk->pt", np.cross(b - a, c - a), normals)
    return (areas >= -FLAT * np.einsum("pk,pk->p", normals, normals)[:, None]).all(1)


def _seen_along(normal: np.ndarray, points: np.ndarray) -> np.ndarray:
    """[n, 2] the points as seen against the normal: a polygon with this normal is counter-clockwise."""
    normal = normal / np.abs(normal).max()
    right = np.cross(normal, np.eye(3)[np.abs(normal).argmin()])
    right /= np.linalg.norm(right)
    up = np.cross(normal / np.linalg.norm(normal), right)
    return points @ np.stack([right, up], 1)


def _clipped(points: np.ndarray) -> np.ndarray | None:
    """[n - 2, 3] the ears of one polygon [n, 2], counter-clockwise; None if it has no such triangles.

    Ear clipping leaves out corners in the middle of an edge. They come back: the triangle at this edge becomes a fan about the corner across.
    """
    size = len(points)
    triangles = mapbox_earcut.triangulate_float64(np.ascontiguousarray(points), np.array([size], np.uint32)).reshape(-1, 3).astype(np.int64)
    if len(triangles) == 0:
        return None
    a, b, c = points[triangles].transpose(1, 2, 0)
    turned = (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0]) < 0
    triangles[turned] = triangles[turned, ::-1]
    kept = np.unique(triangles)
    if len(kept) < size:
        triangles = _with_left_out(triangles, kept, size)
    return triangles if len(triangles) == size - 2 else None


def _with_left_out(triangles: np.ndarray, kept: np.ndarray, size: int) -> np.ndarray:
    """The triangles, with the corners that are not ``kept`` put back into the edges that they lie on."""
    across = {edge: row for row in triangles.tolist() for edge in _edges(row)}
    for begin, end in pairwise([*kept.tolist(), int(kept[0]) + size]):
        if end - begin > 1 and (begin, end % size) in across:
            split = across[begin, end % size]
            (opposite,) = set(split) - {begin, end % size}
            for edge in _edges(split):
                del across[edge]
            for one, next_one in pairwise(corner % size for corner in range(begin, end + 1)):
                row = [opposite, one, next_one]
                across.update(dict.fromkeys(_edges(row), row))
    return np.array(list({id(row): row for row in across.values()}.values()))


def _edges(row: list[int]) -> list[tuple[int, int]]:
    return list(zip(row, [*row[1:], row[0]], strict=True))
