"""The renderer for people who use Taichi alone, and a picture from a mesh in one call."""

import weakref
from collections.abc import Collection, Sequence
from typing import Any

import numpy as np

from ..checks import as_numbers, check_features, check_finite, check_image_size, check_kind, check_reals, check_shape
from ..language import ti
from ..runtime import Arrays, FieldArrays, TaichiArrays, current_runtime, default_arrays
from ..scene import Camera, Mesh, Opacity, RasterizeSettings, Topology
from .rasterizer import Output, RenderedImage, render
from .textures import Filter, TextureSettings, UVTexture, Wrap, flat_textures, n_channels

__all__ = ["MeshRenderer", "Renderer", "render_mesh"]


class Renderer:
    """Renders meshes softly, on Taichi arrays; what it does inside ``ti.ad.Tape`` is recorded there.

    Args:
        image_size: (height, width), or one number for a square.
        settings: softness and choices.
        arrays: the kind of arrays: by default of float32, and ``ti.ndarray`` (`TaichiArrays`) on CPU and CUDA, ``ti.field`` (`FieldArrays`) elsewhere.

    Examples:
        >>> mesh = Mesh.icosphere(2)
        >>> renderer = Renderer((48, 64))
        >>> vertices, colors = renderer.parameter(mesh.vertices), renderer.parameter(np.ones((162, 3)))
        >>> image = renderer(vertices, mesh.faces, Camera.orbit(azimuth=[0, 30]), colors)
        >>> image.color.shape
        (2, 48, 64, 3)
    """

    def __init__(
        self,
        image_size: int | tuple[int, int] = 256,
        settings: RasterizeSettings | None = None,
        *,
        arrays: TaichiArrays | FieldArrays | None = None,
    ) -> None:
        self.image_size = check_image_size("Renderer", image_size)
        self.settings = RasterizeSettings() if settings is None else settings
        check_kind("Renderer", "settings", self.settings, RasterizeSettings)
        self.arrays = default_arrays() if arrays is None else arrays
        check_kind("Renderer", "arrays", self.arrays, Arrays)
        self._last: tuple[np.ndarray, Topology] | None = None
        self._runtime = weakref.ref(current_runtime())

    def parameter(self, values: Any) -> Any:
        """A Taichi array with the given values and room for a gradient (``.grad``)."""
        return self.arrays.parameter(as_numbers("Renderer.parameter", "values", values))

    def loss(self) -> Any:
        """A place for a loss, as ``ti.ad.Tape`` wants it; ``loss.to_numpy().item()`` is its value."""
        return self.arrays.parameter(np.zeros(() if self.arrays.variant.loss_place is None else 1))

    def __call__(
        self,
        vertices: Any,
        faces: np.ndarray | Topology,
        camera: Camera,
        colors: Any | None = None,
        background: Sequence[float] | np.ndarray | Any | None = None,
        *,
        features: Any | None = None,
        outputs: Collection[Output] = (),
        opacity: Any | None = None,
        window: Any | None = None,
    ) -> RenderedImage:
        """Renders one mesh through all cameras, or the batch that a `Topology` describes.

        Args:
            vertices: [V, 3] Taichi array, world.
            faces: [F, 3] integers, or a topology.
            camera: B cameras (their arrays may be Taichi's, to receive gradient).
            colors: [V, C] Taichi array, per vertex (with Texture.FACE [F * R * R, C] texels), or a `UVTexture`; None for no colour.
            background: C numbers, or [B, C] per image (a Taichi array to receive gradient); black by default.
            features: [V, D] Taichi array of further features per vertex, any number of channels.
            outputs: what else to show.
            opacity: with Blending.COMPOSITE, Taichi array of numbers in [0, 1], [V, 1] per vertex or [F, 1] per face, as the settings say.
            window: with Blending.COMPOSITE and Distribution.WINDOW, exponents of the windows, [F, 1] or [1, 1].

        Returns:
            Taichi arrays: see `RenderedImage`.
        """
        if self._runtime() is not current_runtime():
            raise RuntimeError("Renderer: Taichi was started again (ti.init or ti.reset), which ended all arrays; make the renderer and its parameters anew")
        check_kind("Renderer", "camera", camera, Camera)
        check_kind("Renderer", "settings", self.settings, RasterizeSettings)
        plain = None if isinstance(colors, UVTexture) else colors
        check_reals("Renderer", self.arrays, vertices=vertices, colors=plain, features=features, opacity=opacity, window=window)
        check_shape("Renderer", "vertices", vertices.shape, ("V", 3))
        topology = faces if isinstance(faces, Topology) else self._topology(faces, vertices.shape[0], len(camera))
        if colors is not None:
            if not isinstance(colors, UVTexture):
                check_features("Renderer", "colors", colors.shape, {})
            background = self._background(background, topology.n_images, n_channels(colors) - (self.settings.opacity is Opacity.CHANNEL))
        with self.arrays.frame() as kept:
            image = render(
                self.arrays,
                topology,
                vertices,
                colors,
                background,
                camera.on(self.arrays),
                self.settings,
                self.image_size,
                features=features,
                outputs=outputs,
                opacity=opacity,
                window=window,
            )
            return RenderedImage(**{name: None if array is None else kept(array) for name, array in vars(image).items()})

    def _topology(self, faces: np.ndarray, n_vertices: int, n_images: int) -> Topology:
        """The topology of the last picture, if the faces are the same: they are compared, which costs far less than making it."""
        faces = np.asarray(faces)
        if self._last is not None:
            known, topology = self._last
            if topology.n_vertices == n_vertices and topology.n_images == n_images and np.array_equal(known, faces):
                return topology
        topology = Topology.shared(faces, n_vertices, n_images)
        self._last = (np.array(faces), topology)
        return topology

    def _background(self, background: Any, n_images: int, n_features: int) -> Any:
        if isinstance(background, (ti.Ndarray, ti.Field)):
            check_reals("Renderer", self.arrays, background=background)
            return background
        values = np.zeros(n_features) if background is None else as_numbers("Renderer", "background", background)
        check_finite("Renderer", "background", values)
        check_shape("Renderer", "background", values.shape, ("B", "C") if values.ndim == 2 else ("C",), {"B": n_images, "C": n_features})
        return self.arrays.fixed(np.ascontiguousarray(np.broadcast_to(values, (n_images, n_features))))


def render_mesh(
    mesh: Mesh,
    camera: Camera,
    image_size: int | tuple[int, int] = 256,
    settings: RasterizeSettings | None = None,
    background: Sequence[float] = (0.0, 0.0, 0.0),
) -> RenderedImage:
    """One mesh through B cameras, as NumPy arrays: alpha [B, H, W], color [B, H, W, 3] and depth [B, H, W].

    The colours are those of the mesh's texture (mipmapped, without its alpha), else of its vertices, else white. A mesh of float64 is counted from its middle.

    Examples:
        >>> image = render_mesh(Mesh.icosphere(2), Camera.orbit(), 32)
        >>> image.alpha.shape, image.alpha[0, 0, 0].item(), round(image.depth[0, 16, 16].item(), 1)
        ((1, 32, 32), 0.0, 1.7)
    """
    check_kind("render_mesh", "mesh", mesh, Mesh)
    check_kind("render_mesh", "camera", camera, Camera)
    return MeshRenderer(mesh, image_size, settings)(camera, background)


class MeshRenderer:
    """Pictures of one mesh, as `render_mesh` makes them, through any number of cameras, one batch after the other: the mesh is made ready once.

    Attributes:
        origin: [3] the point of the world from which vertices, and so positions in a picture, are counted: zero, unless the mesh is of float64.
    """

    def __init__(self, mesh: Mesh, image_size: int | tuple[int, int] = 256, settings: RasterizeSettings | None = None) -> None:
        check_kind("MeshRenderer", "mesh", mesh, Mesh)
        self._renderer, self._faces, vertices = Renderer(image_size, settings), mesh.faces, mesh.vertices
        far = vertices.dtype == np.float64  # from the origin, where float32 is coarse
        self.origin = (vertices.min(0) + vertices.max(0)) / 2 if far else np.zeros(3)
        arrays = self._renderer.arrays
        with arrays.lasting():
            self._vertices = arrays.real(vertices - self.origin if far else vertices)
            self._colors = _mesh_colors(arrays, mesh)

    def __call__(self, camera: Camera, background: Sequence[float] = (0.0, 0.0, 0.0), outputs: Collection[Output] = ()) -> RenderedImage:
        """NumPy arrays: alpha [B, H, W], color [B, H, W, 3], depth [B, H, W], and the ``outputs``."""
        check_kind("MeshRenderer", "camera", camera, Camera)
        camera = camera.about(self.origin) if self.origin.any() else camera
        image = self._renderer(self._vertices, self._faces, camera, self._colors, background, outputs=outputs)
        return RenderedImage(**{name: None if array is None else self._renderer.arrays.to_numpy(array) for name, array in vars(image).items()})


def _mesh_colors(arrays: TaichiArrays | FieldArrays, mesh: Mesh) -> Any:
    """The mesh's texture (its mip levels made once), or its colours, or white."""
    if mesh.texture is None or mesh.uvs is None:
        return arrays.real(np.ones_like(mesh.vertices) if mesh.colors is None else mesh.colors)
    sampling = TextureSettings(wrap=mesh.wrap or Wrap.REPEAT, filter=Filter.MIPMAPPED)
    return UVTexture(flat_textures(arrays, arrays.real(mesh.texture[..., :3]), sampling), arrays.real(mesh.uvs), mesh.face_uvs, sampling)
