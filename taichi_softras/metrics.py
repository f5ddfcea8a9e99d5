"""How near a result is to what it should be: figures for tables, on NumPy arrays (losses, which have gradients, are in `losses`)."""

import numpy as np
import trimesh
from scipy.spatial import cKDTree

from .checks import check_integer, check_shape
from .mesh import Mesh

__all__ = ["chamfer_distance", "silhouette_iou", "surface_points"]


def silhouette_iou(alpha: np.ndarray, target: np.ndarray, threshold: float | None = 0.5) -> np.ndarray:
    """[B]: intersection over union of silhouettes [B, H, W]; 1 where both are empty.

    Args:
        threshold: from where on a pixel counts as covered; None compares the soft silhouettes (SoftRas eq. 6).
    """
    sizes: dict[str, int] = {}
    check_shape("silhouette_iou", "alpha", alpha.shape, ("B", "H", "W"), sizes)
    check_shape("silhouette_iou", "target", target.shape, ("B", "H", "W"), sizes)
    a, b = (np.asarray(picture, np.float64) if threshold is None else picture > threshold for picture in (alpha, target))
    both = (a * b).sum((1, 2), dtype=np.float64)
    union = a.sum((1, 2), dtype=np.float64) + b.sum((1, 2), dtype=np.float64) - both
    return np.where(union > 0, both / np.maximum(union, 1e-12), 1.0)


def surface_points(mesh: Mesh, count: int, seed: int = 0) -> np.ndarray:
    """[count, 3]: points drawn evenly on the surface."""
    return trimesh.sample.sample_surface(trimesh.Trimesh(mesh.vertices, mesh.faces, process=False), count, seed=seed)[0]


def chamfer_distance(a: Mesh, b: Mesh, samples: int = 10_000, seed: int = 0) -> float:
    """The mean distance (not squared, world units) from a point on either surface to the nearest one on the other, averaged over both directions.

    Args:
        samples: points drawn evenly on each surface.
    """
    check_integer("chamfer_distance", "samples", samples, 1, 10_000_000)
    clouds = [surface_points(mesh, samples, seed + i) for i, mesh in enumerate((a, b))]
    there, back = cKDTree(clouds[1]).query(clouds[0])[0], cKDTree(clouds[0]).query(clouds[1])[0]
    return float((there.mean() + back.mean()) / 2)
