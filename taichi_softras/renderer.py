"""The renderer for people who use Taichi alone, and a picture from a mesh in one call."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import taichi as ti

from .arrays import FieldArrays, TaichiArrays
from .camera import Camera
from .checks import check_features, check_finite, check_image_size, check_shape
from .mesh import Mesh
from .rasterizer import RenderedImage, render
from .settings import RasterizeSettings
from .topology import Topology

__all__ = ["Renderer", "render_mesh"]


class Renderer:
    """Renders meshes softly, on Taichi arrays; what it does inside ``ti.ad.Tape`` is recorded there.

    Args:
        image_size: (height, width), or one number for a square.
        settings: softness and choices.
        arrays: the kind of arrays: by default ``ti.ndarray`` of float32 (`TaichiArrays`).

    Example::

        renderer = Renderer(128)
        vertices, colors = renderer.parameter(mesh.vertices), renderer.parameter(mesh.colors)
        image = renderer(vertices, mesh.faces, Camera.orbit(azimuth=30), colors)
    """

    def __init__(
        self,
        image_size: int | tuple[int, int] = 256,
        settings: RasterizeSettings | None = None,
        *,
        arrays: TaichiArrays | FieldArrays | None = None,
    ) -> None:
        self.image_size = check_image_size("Renderer", image_size)
        self.settings = settings or RasterizeSettings()
        self.arrays = arrays or TaichiArrays()

    def parameter(self, values: Any) -> Any:
        """A Taichi array with the given values and room for a gradient (``.grad``)."""
        return self.arrays.parameter(np.asarray(values))

    def __call__(
        self,
        vertices: Any,
        faces: np.ndarray | Topology,
        camera: Camera,
        colors: Any | None = None,
        background: Sequence[float] | np.ndarray | Any | None = None,
    ) -> RenderedImage:
        """Renders one mesh through all cameras, or the batch that a :class:`Topology` describes.

        Args:
            vertices: [V, 3] Taichi array, world.
            faces: [F, 3] integers, or a topology.
            camera: B cameras (their arrays may be Taichi's, to receive gradient).
            colors: [V, C] Taichi array of features per vertex; None for the silhouette alone.
            background: C numbers, or [B, C] per image (a Taichi array to receive gradient); black by default.

        Returns:
            Taichi arrays: alpha, color and depth, see :class:`RenderedImage`.
        """
        topology = faces if isinstance(faces, Topology) else Topology.shared(faces, vertices.shape[0], len(camera))
        if topology.n_images != len(camera):
            raise ValueError(f"Renderer: there must be a camera for each of the {topology.n_images} images, got {len(camera)}")
        if colors is not None:
            check_features("Renderer", "colors", colors.shape, {})
            background = self._background(background, topology.n_images, colors.shape[1])
        return render(
            self.arrays,
            topology,
            vertices,
            colors,
            background,
            self._constant(camera.camera_from_world),
            self._constant(camera.intrinsics),
            camera.perspective,
            self.settings,
            self.image_size,
        )

    def _constant(self, values: Any) -> Any:
        return self.arrays.real(values) if isinstance(values, np.ndarray) else values

    def _background(self, background: Any, n_images: int, n_features: int) -> Any:
        if isinstance(background, (ti.Ndarray, ti.Field)):
            return background
        values = np.zeros(n_features) if background is None else np.asarray(background, np.float64)
        check_finite("Renderer", "background", values)
        check_shape("Renderer", "background", values.shape, ("B", "C") if values.ndim == 2 else ("C",), {"B": n_images, "C": n_features})
        return self.arrays.real(np.ascontiguousarray(np.broadcast_to(values, (n_images, n_features))))


def render_mesh(
    mesh: Mesh,
    camera: Camera,
    image_size: int | tuple[int, int] = 256,
    settings: RasterizeSettings | None = None,
    background: Sequence[float] = (0.0, 0.0, 0.0),
) -> RenderedImage:
    """One mesh through B cameras, as NumPy arrays: alpha [B, H, W], color [B, H, W, 3] (white where the mesh has no colours) and depth [B, H, W]."""
    renderer = Renderer(image_size, settings)
    arrays = renderer.arrays
    colors = np.ones_like(mesh.vertices) if mesh.colors is None else mesh.colors
    image = renderer(arrays.real(mesh.vertices), mesh.faces, camera, arrays.real(colors), background)
    return RenderedImage(*(arrays.to_numpy(array) for array in (image.alpha, image.color, image.depth)))
