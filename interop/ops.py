"""Rendering as functions on torch tensors."""

import weakref
from collections.abc import Callable, Collection, Sequence
from typing import Any, NamedTuple, TypeVar

import numpy as np
import torch

from .. import engine
from ..checks import as_array, as_numbers, check_features, check_finite, check_image_size, check_kind, check_shape, dtype_of
from ..engine import FlatTextures, Output, RenderedImage, UVTexture, n_channels
from ..engine.fragments import Fragments, FragmentSettings
from ..engine.fragments import fragments as fragments_on_screen
from ..scene import Camera, Opacity, RasterizeSettings, Texture, Topology
from .bridge import TorchArrays
from .calling_thread import same_indices

__all__ = ["fragments", "rasterize", "render"]

S = TypeVar("S")

_MAX_TOPOLOGIES = 32


class _Known(NamedTuple):
    """Faces that have been given before, and what was made of them."""

    faces: torch.Tensor
    topology: Topology
    last: tuple[Callable[[], Any], int] | None  # `_trace_of` the tensor that was given


_topologies: dict[tuple[Any, ...], _Known] = {}


def render(
    vertices: torch.Tensor,
    faces: torch.Tensor | Topology,
    camera: Camera,
    colors: torch.Tensor | UVTexture | None = None,
    *,
    background: torch.Tensor | Sequence[float] | None = None,
    features: torch.Tensor | None = None,
    outputs: Collection[Output] = (),
    opacity: torch.Tensor | None = None,
    window: torch.Tensor | None = None,
    settings: RasterizeSettings | None = None,
    image_size: int | tuple[int, int] = 256,
) -> RenderedImage:
    """Renders meshes softly.

    Args:
        vertices: [V, 3] one mesh seen by all B cameras; or [B, V, 3] a mesh for each camera, all with the same faces; or, with a `Topology`,
            [V, 3] as it says. World space, float32 or float64.
        faces: [F, 3] integers, or the topology of a batch whose meshes differ.
        camera: B cameras; where its arrays are tensors, they receive gradient.
        colors: [V, C] or [B, V, C] per vertex; with Texture.FACE [F * R * R, C] texels; a `UVTexture`; None for no colour.
        background: [C] or [B, C], of the colours; black by default.
        features: [V, D] or [B, V, D] further features per vertex, any number of channels.
        outputs: what else to show: normals, positions, face_id.
        opacity: with Blending.COMPOSITE, numbers in [0, 1]: [V, 1] or [B, V, 1] per vertex, or with Opacity.FACE [F, 1] per face (of all meshes, one mesh
            after the other); None for opaque faces, and for Opacity.CHANNEL.
        window: with Blending.COMPOSITE and Distribution.WINDOW, exponents above 0 of the windows: [F, 1], or [1, 1] for all; None for the settings' shape.
        settings: softness and choices.
        image_size: (height, width), or one number for a square.

    Returns:
        Tensors: alpha [B, H, W], color [B, H, W, C], depth [B, H, W] and what else was asked for; see `RenderedImage`.

    Raises:
        TypeError, ValueError: if an argument does not fit, before anything is computed. RuntimeError: if Taichi runs on another device.

    Gradient: to vertices, colors (texels and texture coordinates), features, background, opacity, window and tensors of the camera, exact.

    Examples:
        >>> vertices = torch.tensor([[-1.0, -1.0, 0.0], [1.0, -1.0, 0.0], [0.0, 1.0, 0.0]], requires_grad=True)
        >>> image = render(vertices, torch.tensor([[0, 1, 2]]), Camera.orbit(3.0), torch.ones(3, 3), image_size=(16, 24))
        >>> image.color.shape
        torch.Size([1, 16, 24, 3])
        >>> image.alpha.sum().backward()
        >>> vertices.grad.shape
        torch.Size([3, 3])
    """
    check_kind("render", "camera", camera, Camera)
    settings = _settings("render", settings, RasterizeSettings)
    image_size = check_image_size("render", image_size)
    given = {"vertices": vertices, "features": features, "opacity": opacity, "window": window} | _camera_tensors(camera)
    arrays = TorchArrays.of("render", **given | _tensors("colors", colors, background))
    topology, n_images = _topology(vertices, faces, camera), len(camera)
    if colors is not None:
        if not isinstance(colors, UVTexture):
            colors = _rows("colors", colors, vertices, n_images, of_faces=settings.texture is Texture.FACE)
        background = _background(arrays, background, n_images, _n_shown(colors, settings))
    if features is not None:
        features = _rows("features", features, vertices, n_images)
    if opacity is not None and settings.opacity is Opacity.VERTEX:
        opacity = _rows("opacity", opacity, vertices, n_images)
    return engine.render(
        arrays,
        topology,
        vertices.reshape(-1, vertices.shape[-1]),
        colors,
        background,
        camera.on(arrays),
        settings,
        image_size,
        features=features,
        outputs=outputs,
        opacity=opacity,
        window=window,
    )


def rasterize(
    vertices_screen: torch.Tensor,
    topology: Topology,
    features: torch.Tensor | UVTexture | None = None,
    *,
    background: torch.Tensor | Sequence[float] | None = None,
    opacity: torch.Tensor | None = None,
    window: torch.Tensor | None = None,
    settings: RasterizeSettings | None = None,
    image_size: int | tuple[int, int] = 256,
) -> RenderedImage:
    """Renders triangles that are already on the screen: see `taichi_softras.engine.rasterize`.

    Args:
        vertices_screen: [N, 3] x right and y up (the shorter image side spans [-1, 1]), and depth, positive ahead.
        topology: which of them make which faces in which image.
        features: [V, C] per vertex; with Texture.FACE [F * R * R, C] texels; a `UVTexture`; None for the silhouette alone.
        background: [C] or [B, C]; zero by default.
        opacity, window: with Blending.COMPOSITE: [V, 1] or [F, 1] in [0, 1]; [F, 1] or [1, 1].
    """
    given = _tensors("features", features, background) | {"opacity": opacity, "window": window}
    arrays = TorchArrays.of("rasterize", vertices_screen=vertices_screen, **given)
    check_kind("rasterize", "topology", topology, Topology)
    settings = _settings("rasterize", settings, RasterizeSettings)
    if features is not None:
        if not isinstance(features, UVTexture):
            check_features("rasterize", "features", features.shape, {})
        background = _background(arrays, background, topology.n_images, _n_shown(features, settings))
    return engine.rasterize(
        arrays, topology, vertices_screen, features, background, settings, check_image_size("rasterize", image_size), opacity=opacity, window=window
    )


def fragments(
    vertices: torch.Tensor, faces: torch.Tensor | Topology, camera: Camera, settings: FragmentSettings | None = None, *, image_size: int | tuple[int, int] = 256
) -> Fragments:  # fmt: skip
    """The K nearest faces of every pixel, for people who shade and blend them themselves: see `taichi_softras.engine.fragments.fragments`.

    Args:
        vertices, faces, camera, image_size: as for `render`.
        settings: K, reach, interpolation. (A face with a vertex behind the eye is left out: only `render` and the drop-in for PyTorch3D clip.)

    Returns:
        Tensors: face [B, H, W, K] (numbered as the topology's: with one mesh for B cameras, face + F * image), depth, bary [B, H, W, K, 3] and
        distance_sq_signed.

    Gradient: to vertices and tensors of the camera.
    """
    check_kind("fragments", "camera", camera, Camera)
    image_size = check_image_size("fragments", image_size)
    arrays = TorchArrays.of("fragments", vertices=vertices, **_camera_tensors(camera))
    topology, placed = _topology(vertices, faces, camera), camera.on(arrays)
    settings = engine.as_seen_by(camera, _settings("fragments", settings, FragmentSettings))
    vertices = vertices.reshape(-1, vertices.shape[-1])
    engine.check_scene(topology, vertices, camera)
    vertices_screen = engine.project(arrays, topology, engine.view(arrays, topology, vertices, placed), placed)
    return fragments_on_screen(arrays, topology, vertices_screen, settings, image_size)


def _settings(op: str, given: S | None, kind: type[S]) -> S:
    """Those that are given, or the defaults."""
    settings = kind() if given is None else given
    check_kind(op, "settings", settings, kind)
    return settings


def _camera_tensors(camera: Camera) -> dict[str, torch.Tensor]:
    return {name: value for name in Camera.ARRAYS if isinstance(value := getattr(camera, name), torch.Tensor)}


def _topology(vertices: torch.Tensor, faces: torch.Tensor | Topology, camera: Camera) -> Topology:
    if isinstance(faces, Topology):
        return faces
    n_images = len(camera)
    check_shape("render", "vertices", vertices.shape, ("B", "V", 3) if vertices.ndim == 3 else ("V", 3), {"B": n_images})
    return topology_of(faces, vertices.shape[-2], n_images, one_mesh=vertices.ndim == 2)


def topology_of(faces: Any, n_vertices: int, n_images: int, one_mesh: bool) -> Topology:
    """The topology of faces, found again while the faces are the same: they are compared, which costs far less than making it.

    The host would wait for a GPU to compare; there, the tensor of the last call that has not been written to since (by its version) is the same.
    """
    if isinstance(faces, torch.Tensor):
        given = faces.detach()
    else:
        array = as_array("render", "faces", faces)
        if array.dtype.kind not in "iu":
            raise TypeError(f"render: faces must be integers, got {dtype_of(array)}")
        given = torch.from_numpy(np.array(array))
    key = (tuple(given.shape), given.dtype, given.device, n_vertices, n_images, one_mesh)
    known = _topologies.get(key)
    if known is not None and (_is_unchanged(known.last, faces) or same_indices(known.faces, given)):
        _topologies[key] = known._replace(last=_trace_of(faces))
        return known.topology
    indices = as_array("render", "faces", given)
    topology = Topology.shared(indices, n_vertices, n_images) if one_mesh else Topology.batch([indices] * n_images, [n_vertices] * n_images)
    if len(_topologies) >= _MAX_TOPOLOGIES:
        _topologies.clear()
    _topologies[key] = _Known(given.clone(), topology, _trace_of(faces))
    return topology


def _trace_of(faces: Any) -> tuple[Callable[[], Any], int] | None:
    """By which a tensor on a GPU is known again."""
    if not isinstance(faces, torch.Tensor) or faces.device.type == "cpu" or faces.is_inference():
        return None
    return weakref.ref(faces), faces._version


def _is_unchanged(last: tuple[Callable[[], Any], int] | None, faces: Any) -> bool:
    return last is not None and last[0]() is faces and last[1] == faces._version


def _tensors(name: str, features: torch.Tensor | UVTexture | None, background: Any) -> dict[str, torch.Tensor | None]:
    """The tensors that features and their background are made of, by the names that errors call them."""
    behind = {"background": background} if isinstance(background, torch.Tensor) else {}
    if not isinstance(features, UVTexture):
        return {name: features} | behind
    picture = features.picture.texels if isinstance(features.picture, FlatTextures) else features.picture
    pictures = picture if isinstance(picture, (list, tuple)) else [picture]
    return {"uvs": features.uvs} | {f"picture {i}" if len(pictures) > 1 else "picture": p for i, p in enumerate(pictures)} | behind


def _n_shown(colors: Any, settings: RasterizeSettings) -> int:
    """Channels of colours, without that of the opacity."""
    return n_channels(colors) - (settings.opacity is Opacity.CHANNEL)


def _rows(name: str, rows: torch.Tensor, vertices: torch.Tensor, n_images: int, of_faces: bool = False) -> torch.Tensor:
    """Features per vertex of all meshes, one mesh after the other."""
    if of_faces:
        check_features("render", name, rows.shape, {})
        return rows
    if rows.ndim == 2 and vertices.ndim == 3:
        rows = rows.expand(n_images, -1, -1)
    check_shape("render", name, rows.shape, (*vertices.shape[:-1], "C"))
    check_features("render", name, rows.shape[-2:], {})
    return rows.reshape(-1, rows.shape[-1])


def _background(arrays: TorchArrays, background: Any, n_images: int, n_features: int) -> torch.Tensor:
    if background is None:
        return arrays.fixed(np.zeros((n_images, n_features)))
    if not isinstance(background, torch.Tensor):
        numbers = as_numbers("render", "background", background)
        check_finite("render", "background", numbers)
        background = arrays.fixed(numbers)
    values = background
    if values.ndim == 1:
        check_shape("render", "background", values.shape, ("C",), {"C": n_features})
    return values.expand(n_images, n_features) if values.ndim == 1 else values
