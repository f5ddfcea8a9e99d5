"""The way of the data, from vertices in the world to an image, once for every array library."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from .arrays import Arrays
from .checks import check_features, check_image_size, check_shape
from .kernels import tiles
from .kernels.projection import project_op
from .kernels.rasterize import rasterize_op
from .kernels.resolve import resolve_op
from .settings import Blending, Distance, Interpolation, RasterizeSettings, Texture
from .topology import Topology

__all__ = ["RenderedImage", "rasterize", "render"]


@dataclass(frozen=True)
class RenderedImage:
    """What the renderer returns: arrays of the library that it was given. Row 0 is the top.

    Attributes:
        alpha: [B, H, W] the probability that anything covers the pixel, 0 to 1; 0 where nothing reaches it.
        color: [B, H, W, C] features mixed with the background, which stands alone where nothing reaches the pixel; None without features.
        depth: [B, H, W] distance along the view axis, mixed with ``far`` for the background; None without features.
    """

    alpha: Any
    color: Any = None
    depth: Any = None


@dataclass(frozen=True)
class _Pairs:
    """The (face, tile) pairs in reach, tile by tile."""

    face: Any  # [n]
    tile: Any  # [n]
    tile_offset: Any  # [tiles + 1] first pair of each tile
    n: int
    n_tiles: int


def _find_pairs(arrays: Arrays, topology: Topology, vertices_screen: Any, settings: RasterizeSettings, height: int, width: int) -> _Pairs:
    """Count, prefix sum, fill. The one place where the host waits for the device: to learn how many pairs there are."""
    variant, indices = arrays.variant, topology.on(arrays)
    n_tiles = topology.n_images * -(-height // variant.tile_height) * -(-width // variant.tile_width)
    n_counts = n_tiles * arrays.n_blocks
    _check_countable("tiles times blocks", n_counts)
    counts, places, nothing = arrays.zeros_index(n_counts), arrays.zeros_index(n_counts), arrays.zeros_index(1)
    chunk_sums = arrays.zeros_index(-(-n_counts // tiles.SCAN_CHUNK))
    tile_offset, statistics = arrays.zeros_index(n_tiles + 1), arrays.zeros_index(tiles.N_STATISTICS)
    reach = settings.reach * (1 + tiles.REACH_SLACK) + tiles.REACH_SLACK / min(height, width)
    behind = -np.finfo(np.float32).max if settings.silhouette_beyond_depth_range else tiles.BEHIND_EYE
    scene = (reach, float(behind), len(topology.faces), arrays.n_blocks, height, width)
    heads = (arrays.constant(vertices_screen), indices["faces"], indices["face_image"])
    whole_box = settings.distance is Distance.BARYCENTRIC
    arrays.launch(tiles.count_kernel(variant, whole_box), (*heads, counts, nothing, nothing, statistics, *scene))
    arrays.launch(tiles.scan_kernel(variant), (counts, places, chunk_sums, tile_offset, statistics, n_counts, arrays.n_blocks))
    found = arrays.to_numpy(statistics)
    if found[tiles.BAD_FACE]:
        face = int(found[tiles.BAD_FACE]) - 1
        raise ValueError(f"rasterize: vertices must be finite, got NaN or infinity in face {face} of the batch (vertices {topology.faces[face].tolist()})")
    if found[tiles.OVERFLOW]:
        raise MemoryError(f"rasterize: more than {tiles.MAX_PAIRS} (face, tile) pairs are in reach; use a smaller sigma, image or batch")
    n = int(found[tiles.TOTAL])
    _check_countable("rows of (face, pixel) pairs", n * (variant.tile_pixels // variant.lanes))
    pair_face, pair_tile = arrays.zeros_index(max(n, 1)), arrays.zeros_index(max(n, 1))
    arrays.launch(tiles.fill_kernel(variant, whole_box), (*heads, places, pair_face, pair_tile, statistics, *scene))
    return _Pairs(pair_face, pair_tile, tile_offset, n, n_tiles)


def _check_countable(what: str, n: int) -> None:
    """The kernels count in 32 bits."""
    if n >= 2**31:
        raise MemoryError(f"rasterize: there must be fewer than 2^31 {what}, got {n}; use a smaller image, batch or sigma")


def rasterize(
    arrays: Arrays,
    topology: Topology,
    vertices_screen: Any,
    features: Any | None,
    background: Any | None,
    settings: RasterizeSettings,
    image_size: tuple[int, int],
) -> RenderedImage:
    """Renders triangles that are already on the screen.

    Args:
        arrays: the library of the arrays that follow.
        topology: which vertices make which faces in which image.
        vertices_screen: [N, 3] x right and y up (the shorter image side spans [-1, 1]), and depth, positive ahead.
        features: [V, C] per vertex, such as colours, or with Texture.FACE [F * R * R, C], R x R texels for each face of the meshes; None for the
            silhouette alone.
        background: [B, C] features of the background; None for the silhouette alone.
        settings: softness and choices.
        image_size: (height, width).

    Gradient: to vertices_screen, features and background, exact; none through the decisions which faces are in reach, within depth range and facing.
    """
    height, width = check_image_size("rasterize", image_size)
    n_features, texture_size = 0, 1
    of_faces = settings.texture is Texture.FACE
    sizes = {"N": len(topology.vertex_source), "B": topology.n_images}
    check_shape("rasterize", "vertices_screen", vertices_screen.shape, ("N", 3), sizes)
    if features is not None and background is None:
        raise ValueError("rasterize: features must come with a background, got None")
    if features is not None and background is not None:
        check_features("rasterize", "features", features.shape, {} if of_faces else {"V": topology.n_vertices})
        sizes["C"] = n_features = features.shape[1]
        if of_faces:
            texture_size = _texture_size(features.shape[0], topology.n_source_faces)
        check_shape("rasterize", "background", background.shape, ("B", "C"), sizes)
    else:
        features = background = arrays.zeros((1, 1))
    _check_countable("numbers in the picture", topology.n_images * (height + 8) * (width + 8) * (3 + n_features))
    variant, choices, indices = arrays.variant, settings.choices(n_features), topology.on(arrays)
    softness = arrays.real(settings.softness())
    pairs = arrays.untracked(lambda: _find_pairs(arrays, topology, vertices_screen, settings, height, width))
    max_depth_norm = arrays.zeros((pairs.n_tiles, variant.tile_pixels) if n_features else (1, 1))
    nearest_face = arrays.zeros_index(pairs.n_tiles * variant.tile_pixels if n_features and settings.blending is Blending.HARD else 1)
    (sums,) = arrays.run(
        rasterize_op(variant, choices),
        (vertices_screen, features, softness),
        [(pairs.n_tiles, choices.n_sums, variant.tile_pixels)],
        (
            max_depth_norm, nearest_face, indices["faces"], indices["face_source" if of_faces else "feature_faces"],
            pairs.face, pairs.tile, pairs.tile_offset, texture_size, pairs.n_tiles, pairs.n, height, width,
        ),
    )  # fmt: skip
    image_shape = (topology.n_images, height, width)
    alpha, color, depth = arrays.run(
        resolve_op(variant, choices),
        (sums, background, softness),
        [image_shape, (*image_shape, n_features), image_shape] if n_features else [image_shape, (1, 1, 1, 1), (1, 1, 1)],
        (max_depth_norm, arrays.real(1.0 / np.bincount(topology.face_image, minlength=topology.n_images)), *image_shape),
    )
    return RenderedImage(alpha, color, depth) if n_features else RenderedImage(alpha)


def _texture_size(n_texels: int, n_faces: int) -> int:
    """R, of R x R texels per face."""
    size = round((n_texels / n_faces) ** 0.5)
    if size < 1 or n_faces * size * size != n_texels:
        raise ValueError(f"rasterize: features must have R * R rows for each of the {n_faces} faces, got {n_texels} rows")
    return size


def render(
    arrays: Arrays,
    topology: Topology,
    vertices_world: Any,
    features: Any | None,
    background: Any | None,
    camera_from_world: Any,
    intrinsics: Any,
    perspective: bool,
    settings: RasterizeSettings,
    image_size: tuple[int, int],
) -> RenderedImage:
    """Projects vertices [V, 3] of the world through cameras (see `camera.Camera`) and renders them: see :func:`rasterize`.

    Gradient: also to vertices_world, camera_from_world [B, 3, 4] and intrinsics [B, 4].
    """
    sizes = {"V": topology.n_vertices, "B": topology.n_images}
    check_shape("render", "vertices", vertices_world.shape, ("V", 3), sizes)
    check_shape("render", "camera_from_world", camera_from_world.shape, ("B", 3, 4), sizes)
    check_shape("render", "intrinsics", intrinsics.shape, ("B", 4), sizes)
    indices, n = topology.on(arrays), len(topology.vertex_source)
    (vertices_screen,) = arrays.run(
        project_op(arrays.variant, perspective),
        (vertices_world, camera_from_world, intrinsics),
        [(n, 3)],
        (indices["vertex_source"], indices["vertex_image"], n),
    )
    if not perspective and settings.interpolation is Interpolation.PERSPECTIVE:
        settings = replace(settings, interpolation=Interpolation.LINEAR)  # what an orthographic camera sees of a flat triangle
    return rasterize(arrays, topology, vertices_screen, features, background, settings, image_size)
