"""Where a pixel lies relative to a triangle, in NumPy: for tests that run without torch (the others have `interop/dense.py`)."""

import numpy as np


def pixel_centres(height: int, width: int) -> np.ndarray:
    """[H, W, 2] screen x, y; the shorter side spans [-1, 1], row 0 is the top."""
    shorter = min(height, width)
    rows, columns = np.mgrid[0:height, 0:width]
    return np.stack([(2 * columns + 1 - width) / shorter, (height - 2 * rows - 1) / shorter], -1)


def closest_on_outline(pixels: np.ndarray, triangle: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Distance [H, W] to the outline of a triangle [3, 2], and the barycentric weights [H, W, 3] of the outline's closest point."""
    distances, weights = [], []
    for i, j in ((0, 1), (1, 2), (2, 0)):
        edge = triangle[j] - triangle[i]
        length_sq = edge @ edge
        t = np.clip((pixels - triangle[i]) @ edge / length_sq, 0, 1) if length_sq > 0 else np.zeros(pixels.shape[:2])
        distances.append(np.linalg.norm(pixels - triangle[i] - t[..., None] * edge, axis=-1))
        weights.append(np.eye(3)[i] * (1 - t)[..., None] + np.eye(3)[j] * t[..., None])
    nearest = np.argmin(distances, 0)
    return np.min(distances, 0), np.take_along_axis(np.stack(weights), nearest[None, ..., None], 0)[0]


def barycentric(pixels: np.ndarray, triangle: np.ndarray) -> np.ndarray | None:
    """[H, W, 3] such that the weights add to 1 and the weighted corners to the pixel; None for a triangle without area."""
    system = np.vstack([triangle.T, np.ones(3)])
    if abs(np.linalg.det(system)) < 1e-15:
        return None
    rows = np.concatenate([pixels, np.ones((*pixels.shape[:2], 1))], -1)
    return rows @ np.linalg.inv(system).T
