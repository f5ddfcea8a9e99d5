"""How near a result is to what it should be: figures for tables, on NumPy arrays (losses, which have gradients, are in `losses`)."""

from dataclasses import dataclass

import numpy as np
import trimesh
from scipy import ndimage
from scipy.spatial import cKDTree

from ..checks import as_array, check_array, check_finite, check_integer, check_kind, check_number
from ..engine import nearest
from ..scene import Mesh
from .remesh import components, self_intersections
from .views import Views

__all__ = ["Score", "SurfaceComparison", "chamfer_distance", "compare_surfaces", "score", "silhouette_iou", "structural_similarity", "surface_points"]

MAX_SAMPLES = 10_000_000
SIMILAR, SIMILAR_SIGMA, SIMILAR_RADIUS = (0.01**2, 0.03**2), 1.5, 5  # of SSIM, by the paper: its two constants, its window
COVERED = 0.499  # alpha above which a pixel counts as covered: half covered ones do, as rendered (.5) and as a file has them (128/255)


@dataclass(frozen=True, kw_only=True)
class Score:
    """How well pictures are reproduced: each figure is the mean of the pictures' own, as NeRF's literature has it.

    Attributes:
        iou: of the silhouettes (alpha of one half and more).
        psnr: of colour, dB, over all pixels inside both silhouettes (where they differ is the IoU's matter); 0 where there are none.
        psnr_white: dB over all pixels of the pictures laid over white.
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
    a, b = (np.where(known, given.alpha, 0) for given in (rendered, views))
    iou = silhouette_iou(a, b, COVERED).mean()
    inside = _psnr(rendered.color - views.color, (a > COVERED) & (b > COVERED), 1.0)
    return Score(iou=float(iou), psnr=float(inside.mean()), psnr_white=float(_psnr(rendered.over_white() - views.over_white(), known, 0.0).mean()))


def _psnr(difference: np.ndarray, counts: np.ndarray, if_none: float) -> np.ndarray:
    """[N] dB of differences [N, H, W, C] over the pixels [N, H, W] that count; where none does, of the mean square ``if_none``."""
    squares = [one[pixels].astype(np.float64) ** 2 for one, pixels in zip(difference, counts, strict=True)]
    return -10 * np.log10(np.maximum([one.mean() if one.size else if_none for one in squares], 1e-10))


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


def structural_similarity(pictures: np.ndarray, target: np.ndarray) -> np.ndarray:
    """[N]: SSIM of pictures [N, H, W, C] in [0, 1] with others, the mean over channels and over the pixels whose window of 11 x 11 lies within.

    (Wang, Bovik, Sheikh and Simoncelli, "Image Quality Assessment: From Error Visibility to Structural Similarity", TIP 2004.)

    Examples:
        >>> structural_similarity(np.ones((1, 16, 16, 3)), np.ones((1, 16, 16, 3))).tolist()
        [1.0]
    """
    op, sizes = "structural_similarity", dict[str, int]()
    a, b = (as_array(op, name, given) for name, given in (("pictures", pictures), ("target", target)))
    for name, given in (("pictures", a), ("target", b)):
        check_array(op, name, given, ("N", "H", "W", "C"), sizes)
        check_finite(op, name, given)
    if min(a.shape[1:3]) <= 2 * SIMILAR_RADIUS:
        raise ValueError(f"{op}: pictures must be more than {2 * SIMILAR_RADIUS} pixels high and wide, got {a.shape[1]} x {a.shape[2]}")

    def local(values: np.ndarray) -> np.ndarray:
        blurred = ndimage.gaussian_filter(values, (0, SIMILAR_SIGMA, SIMILAR_SIGMA, 0), radius=(0, SIMILAR_RADIUS, SIMILAR_RADIUS, 0))
        return blurred[:, SIMILAR_RADIUS:-SIMILAR_RADIUS, SIMILAR_RADIUS:-SIMILAR_RADIUS]

    a, b = a.astype(np.float64), b.astype(np.float64)
    mean_a, mean_b = local(a), local(b)
    spread = local(a * a) - mean_a**2 + local(b * b) - mean_b**2
    together = local(a * b) - mean_a * mean_b
    luminance = (2 * mean_a * mean_b + SIMILAR[0]) / (mean_a**2 + mean_b**2 + SIMILAR[0])
    return (luminance * (2 * together + SIMILAR[1]) / (spread + SIMILAR[1])).mean((1, 2, 3))


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


@dataclass(frozen=True, kw_only=True)
class SurfaceComparison:
    """How near a surface is to a reference.

    Attributes:
        to_reference, from_reference: mean distance from a point of the surface to the nearest place of the reference, and the other way, over the diagonal of
            the reference's box.
        normal_angle: degrees between the normals at such a point and at the nearest of the other's points, whichever way they point; mean of both ways.
        euler_number, components, self_intersections: (of the surface, of the reference), equal vertices counted once: vertices - edges + faces, pieces that
            hang together, pairs of faces that cross.
    """

    to_reference: float
    from_reference: float
    normal_angle: float
    euler_number: tuple[int, int]
    components: tuple[int, int]
    self_intersections: tuple[int, int]

    @property
    def chamfer(self) -> float:
        """Mean of both distances."""
        return (self.to_reference + self.from_reference) / 2


def compare_surfaces(mesh: Mesh, reference: Mesh, samples: int = 20_000, seed: int = 0) -> SurfaceComparison:
    """Distances, normals and topology of a surface beside those of a reference.

    Args:
        samples: points drawn evenly on each of them; from a point to a surface the distance is exact.
    """
    for name, given in (("mesh", mesh), ("reference", reference)):
        check_kind("compare_surfaces", name, given, Mesh)
    check_integer("compare_surfaces", "samples", samples, 1, MAX_SAMPLES)
    check_integer("compare_surfaces", "seed", seed, 0, 2**31 - 1)
    middle, diagonal = np.asarray(reference.vertices, np.float64).mean(0), float(np.linalg.norm(np.ptp(reference.vertices, axis=0))) or 1.0
    welded = []
    for given in (mesh, reference):
        in_diagonals = (np.asarray(given.vertices, np.float64) - middle) / diagonal  # trimesh takes what is small for nothing, whatever the unit
        surface = trimesh.Trimesh(in_diagonals, given.faces, process=False)
        surface.merge_vertices(merge_tex=True, merge_norm=True)
        surface.update_faces(surface.nondegenerate_faces())
        welded.append(surface)
    drawn = [trimesh.sample.sample_surface(surface, samples, seed=seed + i) for i, surface in enumerate(welded)]
    normals = [surface.face_normals[face] for surface, (_, face) in zip(welded, drawn, strict=True)]
    distances, angles = [], []
    for one, other in ((0, 1), (1, 0)):
        points = np.asarray(drawn[one][0])
        square = nearest.squared_distances(points, welded[other].triangles)
        distances.append(float(np.sqrt(square).mean()))
        neighbour = cKDTree(drawn[other][0]).query(points)[1]
        cosine = np.abs((normals[one] * normals[other][neighbour]).sum(1))
        angles.append(float(np.degrees(np.arccos(np.clip(cosine, 0, 1))).mean()))
    plain = [Mesh(vertices=np.asarray(surface.vertices), faces=np.asarray(surface.faces, np.int32)) for surface in welded]
    return SurfaceComparison(
        to_reference=distances[0],
        from_reference=distances[1],
        normal_angle=sum(angles) / 2,
        euler_number=(int(welded[0].euler_number), int(welded[1].euler_number)),
        components=(len(components(plain[0])), len(components(plain[1]))),
        self_intersections=(len(self_intersections(plain[0])), len(self_intersections(plain[1]))),
    )
