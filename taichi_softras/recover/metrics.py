"""How near a result is to what it should be: figures for tables, on NumPy arrays (losses, which have gradients, are in `losses`)."""

from dataclasses import dataclass

import numpy as np
import trimesh
from scipy.spatial import cKDTree

from ..checks import as_array, check_array, check_integer, check_kind, check_number
from ..scene import Mesh
from .views import Views

__all__ = ["Score", "chamfer_distance", "score", "silhouette_iou", "surface_points"]

MAX_SAMPLES = 10_000_000


@dataclass(frozen=True, kw_only=True)
class Score:
    """How well a mesh reproduces pictures.

    Attributes:
        iou: of the silhouettes (alpha > 0.5), averaged over pictures.
        psnr: of colour, dB, over all pixels inside both silhouettes (where they differ is the IoU's matter).
        psnr_white: dB over all pixels of the pictures laid over white, the figure that NeRF's literature gives.
    """

    iou: float
    psnr: float
    psnr_white: float


def score(rendered: Views, views: Views) -> Score:
    """Compares two sets of pictures of the same views, where ``views`` know what is there."""
    for name, given in (("rendered", rendered), ("views", views)):
        check_kind("score", name, given, Views)
    if rendered.alpha.shape != views.alpha.shape:
        raise ValueError(f"score: rendered must have the shape of views, {views.alpha.shape}, got {rendered.alpha.shape}")
    known = np.ones(views.alpha.shape, bool) if views.known is None else views.known > 0.5
    a, b = (rendered.alpha > 0.5) & known, (views.alpha > 0.5) & known
    union = (a | b).sum((1, 2))
    iou = np.where(union > 0, (a & b).sum((1, 2)) / np.maximum(union, 1), 1.0).mean()
    inside = ((rendered.color - views.color) ** 2)[a & b]
    white = ((rendered.over_white() - views.over_white()) ** 2)[known]
    return Score(iou=float(iou), psnr=_psnr(inside.mean() if inside.size else 1.0), psnr_white=_psnr(white.mean() if white.size else 0.0))


def _psnr(mean_square: float) -> float:
    return float(-10 * np.log10(max(float(mean_square), 1e-10)))


def silhouette_iou(alpha: np.ndarray, target: np.ndarray, threshold: float | None = 0.5) -> np.ndarray:
    """[B]: intersection over union of silhouettes [B, H, W]; 1 where both are empty.

    Args:
        threshold: from where on a pixel counts as covered; None compares the soft silhouettes (SoftRas eq. 6).

    Examples:
        >>> one, other = np.zeros((2, 1, 4, 4))
        >>> one[0, :, :3], other[0, :, 1:] = 1, 1
        >>> silhouette_iou(one, other).tolist()
        [0.5]
    """
    sizes: dict[str, int] = {}
    alpha, target = (as_array("silhouette_iou", name, given) for name, given in (("alpha", alpha), ("target", target)))
    check_array("silhouette_iou", "alpha", alpha, ("B", "H", "W"), sizes)
    check_array("silhouette_iou", "target", target, ("B", "H", "W"), sizes)
    if threshold is not None:
        check_number("silhouette_iou", "threshold", threshold)
    a, b = (np.asarray(picture, np.float64) if threshold is None else picture > threshold for picture in (alpha, target))
    both = (a * b).sum((1, 2), dtype=np.float64)
    union = a.sum((1, 2), dtype=np.float64) + b.sum((1, 2), dtype=np.float64) - both
    return np.where(union > 0, both / np.maximum(union, 1e-12), 1.0)


def surface_points(mesh: Mesh, count: int, seed: int = 0) -> np.ndarray:
    """[count, 3]: points drawn evenly on the surface."""
    check_kind("surface_points", "mesh", mesh, Mesh)
    check_integer("surface_points", "count", count, 1, MAX_SAMPLES)
    check_integer("surface_points", "seed", seed, 0, 2**31)
    return trimesh.sample.sample_surface(trimesh.Trimesh(mesh.vertices, mesh.faces, process=False), count, seed=seed)[0]


def chamfer_distance(a: Mesh, b: Mesh, samples: int = 10_000, seed: int = 0) -> float:
    """The mean distance (not squared, world units) from a point on either surface to the nearest one on the other, averaged over both directions.

    Args:
        samples: points drawn evenly on each surface.
    """
    for name, mesh in (("a", a), ("b", b)):
        check_kind("chamfer_distance", name, mesh, Mesh)
    check_integer("chamfer_distance", "samples", samples, 1, MAX_SAMPLES)
    check_integer("chamfer_distance", "seed", seed, 0, 2**31 - 1)
    clouds = [surface_points(mesh, samples, seed + i) for i, mesh in enumerate((a, b))]
    there, back = cKDTree(clouds[1]).query(clouds[0])[0], cKDTree(clouds[0]).query(clouds[1])[0]
    return float((there.mean() + back.mean()) / 2)
