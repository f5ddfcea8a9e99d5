"""The way of the data, from vertices in the world to an image, once for every array library."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from .arrays import Arrays
from .binning import NOTHING_BEHIND, Pairs, find_pairs
from .checks import check_countable, check_features, check_image_size, check_shape
from .kernels.projection import project_op
from .kernels.rasterize import rasterize_op
from .kernels.resolve import resolve_op
from .kernels.tiles import BEHIND_EYE
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
    check_countable("rasterize", "numbers in the picture", topology.n_images * (height + 8) * (width + 8) * (3 + n_features))
    variant, choices, indices = arrays.variant, settings.choices(n_features), topology.on(arrays)
    softness = arrays.real(settings.softness())
    pairs = arrays.untracked(lambda: pairs_in_reach(arrays, topology, vertices_screen, settings, (height, width)))
    max_depth_norm = arrays.zeros((pairs.n_tiles, variant.tile_pixels) if n_features else (1, 1))
    nearest_face = arrays.zeros_index(pairs.n_tiles * variant.tile_pixels if n_features and settings.blending is Blending.HARD else 1)
    strongest_face = arrays.zeros_index(pairs.n_tiles * variant.tile_pixels if settings.silhouette.value.strongest else 1)
    n_groups = choices.n_groups(n_features)
    (sums,) = arrays.run(
        rasterize_op(variant, choices),
        (vertices_screen, features, softness),
        [(pairs.n_tiles, choices.n_sums(n_features), variant.tile_pixels)],
        (
            max_depth_norm, nearest_face, strongest_face, indices["faces"], indices["face_source" if of_faces else "feature_faces"],
            pairs.face, pairs.tile, pairs.tile_offset, texture_size, n_features, n_groups, pairs.n_tiles, pairs.n, height, width,
        ),
    )  # fmt: skip
    image_shape = (topology.n_images, height, width)
    alpha, color, depth = arrays.run(
        resolve_op(variant, choices),
        (sums, background, softness),
        [image_shape, (*image_shape, n_features), image_shape] if n_features else [image_shape, (1, 1, 1, 1), (1, 1, 1)],
        (max_depth_norm, arrays.real(1.0 / np.bincount(topology.face_image, minlength=topology.n_images)), n_features, n_groups, *image_shape),
    )
    return RenderedImage(alpha, color, depth) if n_features else RenderedImage(alpha)


def pairs_in_reach(arrays: Arrays, topology: Topology, vertices_screen: Any, settings: RasterizeSettings, image_size: tuple[int, int]) -> Pairs:
    """The (face, tile) pairs that these settings let touch each other."""
    behind = NOTHING_BEHIND if settings.silhouette_beyond_depth_range else BEHIND_EYE
    whole_box = settings.distance is Distance.BARYCENTRIC
    return find_pairs("rasterize", arrays, topology, vertices_screen, image_size, reach=settings.reach, behind=behind, whole_box=whole_box)


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
