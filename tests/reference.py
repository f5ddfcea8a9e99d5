"""The whole rasteriser a second time, in dense NumPy and float64: every face against every pixel.

Written from the formulas of the papers and of `taichi_softras.camera`, by other means than the kernels where there are any (barycentric coordinates from a
linear system, a product for alpha, one softmax with the background among the faces), and for reading, not for speed.
"""

import numpy as np

from taichi_softras import Extrapolation, Interpolation, RasterizeSettings, Sides, Topology

EYE = 1e-6  # a face with a vertex nearer than this is left out


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


def image_of(
    vertices: np.ndarray, faces: np.ndarray, feature_faces: np.ndarray, features: np.ndarray, background: np.ndarray, s: RasterizeSettings, pixels: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """alpha [H, W], color [H, W, C] and depth [H, W] of one image."""
    miss = np.ones(pixels.shape[:2])  # probability that no face covers the pixel: prod (1 - D_j)
    exponents, coverages, depths, colors = [np.full(miss.shape, s.background_depth_norm / s.gamma)], [np.ones_like(miss)], [np.full(miss.shape, s.far)], []
    colors.append(np.broadcast_to(background, (*miss.shape, len(background))))
    for corners, feature_corners in zip(faces, feature_faces, strict=True):
        triangle, z = vertices[corners, :2], vertices[corners, 2]
        if z.min() <= EYE and not s.silhouette_beyond_depth_range:
            continue
        distance, weights = closest_on_outline(pixels, triangle)
        inside = np.zeros(miss.shape, bool)
        bary = barycentric(pixels, triangle)
        if bary is not None:
            inside = (bary > 0).all(-1)
            outside = np.clip(bary, 0, 1) / np.clip(bary, 0, 1).sum(-1, keepdims=True) if s.extrapolation is Extrapolation.CLIPPED else weights
            weights = np.where(inside[..., None], bary, outside)
        coverage = 1 / (1 + np.exp(np.clip(np.where(inside, -1, 1) * distance**2 / s.sigma, -700, 700)))  # D = logistic(signed distance^2 / sigma)
        coverage = np.where(inside | (distance**2 < s.sigma * np.log(1 / s.cutoff - 1)), coverage, 0)

        with np.errstate(divide="ignore"):
            depth = weights @ z if s.interpolation is Interpolation.LINEAR else 1 / (weights @ (1 / z))
        seen = (s.near <= depth) & (depth <= s.far) & (coverage > 0)
        turn = np.linalg.det(np.stack([triangle[1] - triangle[0], triangle[2] - triangle[0]]))
        facing = {Sides.BOTH: True, Sides.COUNTERCLOCKWISE: turn > 0, Sides.CLOCKWISE: turn < 0}[s.sides]
        miss *= np.where((seen | s.silhouette_beyond_depth_range) & (facing or not s.culling), 1 - coverage, 1)

        corner_colors = features[feature_corners]
        perspective = s.interpolation is Interpolation.PERSPECTIVE
        color = depth[..., None] * (weights @ (corner_colors / z[:, None])) if perspective else weights @ corner_colors
        counts = seen & facing
        exponents.append(np.where(counts, (s.far - depth) / (s.far - s.near) / s.gamma, -np.inf))
        coverages.append(coverage)
        depths.append(np.where(counts, depth, 0))
        colors.append(np.where(counts[..., None], color, 0))
    weights = np.array(coverages) * np.exp(np.array(exponents) - np.max(exponents, 0))
    weights /= weights.sum(0)
    return 1 - miss, (weights[..., None] * np.array(colors)).sum(0), (weights * np.array(depths)).sum(0)


def rasterize(
    vertices_screen: np.ndarray,
    topology: Topology,
    features: np.ndarray,
    background: np.ndarray,
    settings: RasterizeSettings,
    image_size: tuple[int, int],
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """alpha [B, H, W], color [B, H, W, C], depth [B, H, W]; arguments as those of `taichi_softras.interop.rasterize`."""
    pixels = pixel_centres(*image_size)
    images = []
    for b in range(topology.n_images):
        mine = topology.face_image == b
        images.append(image_of(vertices_screen, topology.faces[mine], topology.feature_faces[mine], features, background[b], settings, pixels))
    alpha, color, depth = zip(*images, strict=True)
    return np.stack(alpha), np.stack(color), np.stack(depth)
