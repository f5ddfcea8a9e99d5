"""How many (face, pixel) pairs really lie within reach: what a frame's cost is measured by."""

from itertools import pairwise

import numpy as np

from .rows import Scene

__all__ = ["pairs_in_reach"]

CANDIDATES_AT_ONCE = 1 << 19


def pairs_in_reach(scene: Scene) -> int:
    """Exact, in double precision: pixel centres inside of a face, or nearer to its outline than the reach; of all images of the batch."""
    corners, reach = scene.vertices_screen[scene.faces][:, :, :2], scene.settings.reach
    first, extent = _boxes(corners, scene.size, reach)
    n_candidates = extent.prod(1)
    corners, first, extent, n_candidates = (array[n_candidates > 0] for array in (corners, first, extent, n_candidates))
    chunk = (np.cumsum(n_candidates) - 1) // CANDIDATES_AT_ONCE
    starts = np.flatnonzero(np.diff(chunk, prepend=-1))
    parts = [slice(a, b) for a, b in pairwise([*starts, len(chunk)])]
    return scene.batch * sum(_count(corners[part], first[part], extent[part], n_candidates[part], scene.size, reach) for part in parts)


def _boxes(corners: np.ndarray, size: int, reach: float) -> tuple[np.ndarray, np.ndarray]:
    """Of each face's bounding box, grown by the reach: column and row of its first pixel, and how many of either. Rows are counted from below."""
    low, high = corners.min(1) - reach, corners.max(1) + reach
    first = np.maximum(np.ceil((low * size + size - 1) / 2).astype(np.int64), 0)
    last = np.minimum(np.floor((high * size + size - 1) / 2).astype(np.int64), size - 1)
    return first, np.maximum(last - first + 1, 0)


def _count(corners: np.ndarray, first: np.ndarray, extent: np.ndarray, n_candidates: np.ndarray, size: int, reach: float) -> int:
    """Tests every pixel of every box."""
    face = np.repeat(np.arange(len(corners)), n_candidates)
    place = np.arange(len(face)) - np.repeat(np.cumsum(n_candidates) - n_candidates, n_candidates)
    columns = extent[face, 0]
    x = (2 * (first[face, 0] + place % columns) + 1 - size) / size
    y = (2 * (first[face, 1] + place // columns) + 1 - size) / size
    nearest, on_left, on_right = np.inf, True, True
    for i, j in ((0, 1), (1, 2), (2, 0)):
        edge = corners[:, j] - corners[:, i]
        scale = 1 / np.maximum((edge**2).sum(1), 1e-30)
        ex, ey = edge[face].T
        qx, qy = x - corners[face, i, 0], y - corners[face, i, 1]
        t = np.clip((qx * ex + qy * ey) * scale[face], 0, 1)
        nearest = np.minimum(nearest, (qx - t * ex) ** 2 + (qy - t * ey) ** 2)
        turn = ex * qy - ey * qx
        on_left, on_right = on_left & (turn > 0), on_right & (turn < 0)
    return int(np.count_nonzero(on_left | on_right | (nearest < reach**2)))
