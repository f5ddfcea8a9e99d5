"""Meshes seen by many cameras, sharply: for pictures that people look at, and for measuring."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace

import numpy as np

from ..checks import MAX_IMAGE_SIDE, as_numbers, check_finite, check_image_size, check_integer, check_kind, check_shape
from ..engine import MeshRenderer, Output, RenderedImage
from ..scene import Camera, Lens, Mesh, RasterizeSettings, Silhouette
from .views import Views

__all__ = ["SHARP", "depth_range", "render_geometry", "render_views", "seen_from"]

PIXELS_AT_ONCE, FACES_AT_ONCE = 2**19, 2**19  # rendered together: they bound the memory; more at once are no faster
SHARP = RasterizeSettings(sigma=1e-7, gamma=1e-5, silhouette=Silhouette.HARD)
"""For pictures that people look at and results that are measured. Hard: two faces that leave half of a pixel each would otherwise leave a quarter together, and
the edges within a surface would show through it."""
AMBIENT, DIFFUSE = 0.35, 0.65  # of a lit picture: what comes from everywhere, and from the light
SURFACE = (Output.NORMALS, Output.FACE_ID)


def render_views(
    mesh: Mesh,
    camera: Camera,
    image_size: tuple[int, int],
    names: tuple[str, ...],
    settings: RasterizeSettings = SHARP,
    samples: int = 4,
    light: Sequence[float] | np.ndarray | None = None,
) -> Views:
    """The mesh through each camera, antialiased: rendered ``samples`` times larger and averaged.

    Args:
        light: [3] or [N, 3] where to, from the mesh, a light stands (world, any length), for all cameras or for each: colours are then those of the mesh times
            .35 + .65 max(n.l, 0), n turned to the eye. None: the colours of the mesh as they are.
    """
    op = "render_views"
    _check_scene(op, mesh, camera)
    image_size = check_image_size(op, image_size)
    check_kind(op, "settings", settings, RasterizeSettings)
    check_integer(op, "samples", samples, 1, MAX_IMAGE_SIDE // max(image_size))
    if len(names) != len(camera):
        raise ValueError(f"{op}: there must be as many names as cameras, {len(camera)}, got {len(names)}")
    towards = None if light is None else _directions(op, light, len(camera))
    parts = []
    large = (image_size[0] * samples, image_size[1] * samples)
    for which, image in _pictures(mesh, camera, large, settings, () if towards is None else SURFACE):
        color = image.color
        if towards is not None:
            cosine = np.einsum("nhwk,nk->nhw", _normals_seen(mesh, camera[which], image), towards[which])
            color = color * (AMBIENT + DIFFUSE * np.maximum(cosine, 0))[..., None]
        parts.append(Views(alpha=image.alpha, color=color, camera=camera[which], names=names[which]).reduced(samples))
    return Views(alpha=np.concatenate([p.alpha for p in parts]), color=np.concatenate([p.color for p in parts]), camera=camera, names=names)


def render_geometry(mesh: Mesh, camera: Camera, image_size: tuple[int, int], settings: RasterizeSettings = SHARP) -> tuple[np.ndarray, np.ndarray]:
    """What the centre of each pixel sees, not averaged: a mean of two depths would be where nothing is.

    Returns:
        [N, H, W] float32 depth along the view axis, world units, and [N, H, W, 3] float32 normals of length 1 (those at the vertices, interpolated), world,
        turned to the eye; both zero where there is nothing.
    """
    op = "render_geometry"
    _check_scene(op, mesh, camera)
    image_size = check_image_size(op, image_size)
    check_kind(op, "settings", settings, RasterizeSettings)
    depths, normals = [], []
    for which, image in _pictures(mesh, camera, image_size, settings, SURFACE):
        seen = image.alpha > 0.5
        depths.append(np.where(seen, image.depth, 0).astype(np.float32))
        normals.append(np.where(seen[..., None], _normals_seen(mesh, camera[which], image), 0).astype(np.float32))
    return np.concatenate(depths), np.concatenate(normals)


def seen_from(views: Views, mesh: Mesh, samples: int = 4) -> Views:
    """Sharp pictures of a mesh from the cameras of ``views``, whatever the unit of the world.

    Args:
        samples: see `render_views`; fewer where pictures are so large that there is no room for them.
    """
    check_kind("seen_from", "views", views, Views)
    check_kind("seen_from", "mesh", mesh, Mesh)
    check_integer("seen_from", "samples", samples, 1, MAX_IMAGE_SIDE)
    distance = np.linalg.norm(views.camera.eye - mesh.vertices.mean(0, dtype=np.float64), axis=1)
    settings = replace(SHARP, near=1e-3 * float(distance.min()), far=10 * float(distance.max()))
    samples = max(1, min(samples, MAX_IMAGE_SIDE // max(views.image_size)))
    return render_views(mesh, views.camera, views.image_size, views.names, settings, samples)


def depth_range(camera: Camera, centre: np.ndarray, radius: float) -> tuple[float, float]:
    """(near, far) for descents on what is about as large as a ball of that centre [3] and radius: room for four times as much, and none behind the eye."""
    distance = np.linalg.norm(camera.eye - centre, axis=1)
    return float(max(distance.min() - 4 * radius, 0.05 * distance.min())), float(distance.max() + 4 * radius)


def _check_scene(op: str, mesh: Mesh, camera: Camera) -> None:
    check_kind(op, "mesh", mesh, Mesh)
    check_kind(op, "camera", camera, Camera)


def _directions(op: str, light: Sequence[float] | np.ndarray, n: int) -> np.ndarray:
    """[n, 3] of length 1."""
    given = as_numbers(op, "light", light).astype(np.float64)
    check_shape(op, "light", given.shape, (3,) if given.ndim < 2 else ("N", 3), {"N": n})
    check_finite(op, "light", given)
    length = np.linalg.norm(given, axis=-1, keepdims=True)
    if not length.all():
        raise ValueError(f"{op}: light must have a length, got (0, 0, 0)")
    return np.broadcast_to(given / length, (n, 3))


def _pictures(
    mesh: Mesh, camera: Camera, image_size: tuple[int, int], settings: RasterizeSettings, outputs: Collection[Output]
) -> Iterator[tuple[slice, RenderedImage]]:
    """The mesh through as many cameras at once as `PIXELS_AT_ONCE` and `FACES_AT_ONCE` allow: which, and what they see."""
    render = MeshRenderer(mesh, image_size, settings)
    at_once = max(1, min(PIXELS_AT_ONCE // (image_size[0] * image_size[1]), FACES_AT_ONCE // max(len(mesh.faces), 1)))
    for i in range(0, len(camera), at_once):
        which = slice(i, i + at_once)
        yield which, render(camera[which], outputs=outputs)


def _normals_seen(mesh: Mesh, camera: Camera, image: RenderedImage) -> np.ndarray:
    """[N, H, W, 3] of length 1, turned where the side of the face is seen from which its normal points away; zero where there is nothing."""
    normals = image.normals / np.maximum(np.linalg.norm(image.normals, axis=-1, keepdims=True), 1e-10)
    a, b, c = (mesh.vertices[mesh.faces[:, i]].astype(np.float64) for i in range(3))
    upwards = np.cross(b - a, c - a)  # [F, 3]
    eyeless = camera.lens is Lens.ORTHOGRAPHIC
    away = camera.camera_from_world[:, 2, :3] @ upwards.T < 0 if eyeless else camera.eye @ upwards.T < (upwards * a).sum(1)  # [N, F]
    turned = away[np.arange(len(camera))[:, None, None], np.maximum(image.face_id, 0)]
    i, row, column = np.nonzero((image.face_id < 0) & (image.alpha > 0))  # on an edge between faces, or beside one: no face has the pixel inside
    turned[i, row, column] = (normals[i, row, column] * _rays(camera, i, row, column, image.alpha.shape[1:])).sum(-1) > 0
    return np.where(turned[..., None], -normals, normals)


def _rays(camera: Camera, i: np.ndarray, row: np.ndarray, column: np.ndarray, image_size: tuple[int, int]) -> np.ndarray:
    """[P, 3] world: which way the cameras ``i`` look through the centres of pixels, the bending of lenses left aside."""
    (height, width), half = image_size, min(image_size) / 2
    rays = np.stack([(column + 0.5 - width / 2) / half, (height / 2 - row - 0.5) / half, -np.ones(len(i))], 1)
    fx, fy, cx, cy = np.asarray(camera.intrinsics)[i].T
    rays[:, :2] = 0 if camera.lens is Lens.ORTHOGRAPHIC else np.stack([(rays[:, 0] - cx) / fx, (rays[:, 1] - cy) / fy], 1)
    return np.einsum("pk,pkl->pl", rays, np.asarray(camera.camera_from_world)[i, :, :3])
