"""Triangles that let light through, each by itself: what splatting finds, how it is seen, and how it is kept (Held et al., "Triangle Splatting for Real-Time
Radiance Field Rendering", arXiv 2505.19175)."""

import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..checks import MAX_IMAGE_SIDE, as_array, check_array, check_finite, check_image_size, check_integer, check_kind
from ..engine import Renderer
from ..replacing import replacing
from ..scene import Blending, Camera, Distribution, Mesh, Opacity, RasterizeSettings, as_path, read_arrays
from .rendering import depth_range
from .views import Views

__all__ = ["SHARPEST", "Triangles", "composited_from", "render_triangles"]

MAX_BYTES = 1 << 30  # of a file, unpacked
PIXELS_AT_ONCE, FACES_AT_ONCE = 2**19, 2**18  # rendered together: they bound the memory
SHARPEST = 1e-6  # exponent of a window that is flat to the last bit: inside 1, outside 0
UNREADABLE = (OSError, LookupError, EOFError, ValueError, TypeError, AttributeError, MemoryError, zipfile.BadZipFile, zlib.error)


@dataclass(frozen=True, kw_only=True, eq=False)
class Triangles:
    """F triangles without a vertex in common.

    Attributes:
        corners: [F, 3, 3] float32, world.
        colors: [F, 3, 3] float32 in [0, 1], at each corner.
        opacity: [F] float32 in [0, 1].
        window: [F] float32, 1e-6 and more: the exponents of their windows (Triangle Splatting's smoothness); 1e-6 is sharp.
    """

    corners: np.ndarray
    colors: np.ndarray
    opacity: np.ndarray
    window: np.ndarray

    def __post_init__(self) -> None:
        sizes: dict[str, int] = {}
        for name, shape in (("corners", ("F", 3, 3)), ("colors", ("F", 3, 3)), ("opacity", ("F",)), ("window", ("F",))):
            given = as_array("Triangles", name, getattr(self, name))
            check_array("Triangles", name, given, shape, sizes)
            check_finite("Triangles", name, given)
            object.__setattr__(self, name, np.ascontiguousarray(given, np.float32))
        for name, low, high in (("colors", 0.0, 1.0), ("opacity", 0.0, 1.0), ("window", np.float32(SHARPEST), np.inf)):
            values = getattr(self, name)
            if values.size and not (values.min() >= low and values.max() <= high):
                raise ValueError(f"Triangles: {name} must be within [{low:g}, {high:g}], got {values.min():g} to {values.max():g}")

    def __len__(self) -> int:
        return len(self.corners)

    @property
    def vertices(self) -> np.ndarray:
        """[3 F, 3]: the corners one after the other."""
        return self.corners.reshape(-1, 3)

    @property
    def faces(self) -> np.ndarray:
        """[F, 3] int32, into `vertices`."""
        return np.arange(3 * len(self), dtype=np.int32).reshape(-1, 3)

    @property
    def mesh(self) -> Mesh:
        """What an opaque renderer shows: the triangles and their colours, without opacities and windows."""
        return Mesh(vertices=self.vertices, faces=self.faces, colors=self.colors.reshape(-1, 3))

    @classmethod
    def of_mesh(cls, mesh: Mesh, opacity: np.ndarray | float = 1.0) -> "Triangles":
        """The faces of a mesh with its colours at the vertices (white without), sharp, as opaque as they are told to be: [F] or one number."""
        check_kind("Triangles.of_mesh", "mesh", mesh, Mesh)
        n = len(mesh.faces)
        colors = np.ones_like(mesh.vertices) if mesh.colors is None else mesh.colors
        return cls(
            corners=mesh.vertices[mesh.faces], colors=colors[mesh.faces], opacity=np.broadcast_to(opacity, (n,)), window=np.full(n, SHARPEST, np.float32)
        )  # fmt: skip

    def select(self, which: np.ndarray) -> "Triangles":
        """Those of the given numbers, or of a mask [F]."""
        return Triangles(corners=self.corners[which], colors=self.colors[which], opacity=self.opacity[which], window=self.window[which])

    @property
    def flat_opacity(self) -> np.ndarray:
        """[F] how opaque triangles without windows hold back as much light: see `mean_of_window`."""
        return self.opacity * mean_of_window(self.window)

    @property
    def is_sharp(self) -> bool:
        """Whether all of them are, up to their outlines."""
        return bool((self.window == np.float32(SHARPEST)).all())

    def save(self, path: str | Path) -> None:
        """Writes an .npz file with the four arrays under their names; or a .glb file for viewers that blend what lets light through.

        In a .glb file opacities are the alpha of colours, and windows, which glTF does not have, are flat: see `flat_opacity`. Viewers mostly blend in
        the order of the file, which is right from nowhere: to look at, not to measure by.
        """
        path = as_path("Triangles.save", "path", path)
        if path.suffix == ".glb":
            self.mesh.save(path, opacity=np.repeat(self.flat_opacity, 3))
            return
        if path.suffix != ".npz":
            raise ValueError(f"Triangles.save: path must end with .npz or .glb, got {path}")
        with replacing(path) as partial, open(partial, "wb") as file:
            np.savez_compressed(file, corners=self.corners, colors=self.colors, opacity=self.opacity, window=self.window)

    @classmethod
    def load(cls, path: str | Path) -> "Triangles":
        """Reads what `save` has written.

        Raises:
            ValueError: if the file is not such a one.
        """
        path = as_path("Triangles.load", "path", path)
        try:
            arrays = read_arrays(path, MAX_BYTES)
            return cls(**{name: arrays[name] for name in ("corners", "colors", "opacity", "window")})
        except FileNotFoundError:
            raise
        except UNREADABLE as error:
            raise ValueError(f"Triangles.load: {path} must hold triangles, got {type(error).__name__}: {error}") from error


def mean_of_window(exponent: np.ndarray) -> np.ndarray:
    """The means over their triangles of windows with these exponents."""
    return 2 / ((exponent + 1) * (exponent + 2))


def settings_for(near: float, far: float) -> RasterizeSettings:
    """How triangles are composited."""
    return RasterizeSettings(blending=Blending.COMPOSITE, opacity=Opacity.FACE, distribution=Distribution.WINDOW, near=near, far=far, transmittance_cutoff=2e-3)


def render_triangles(triangles: Triangles, camera: Camera, image_size: int | tuple[int, int], names: tuple[str, ...], samples: int = 2) -> Views:
    """Triangles through each camera, composited in the exact order of each pixel, antialiased: rendered ``samples`` times larger and averaged.

    Returns:
        alpha: what the triangles hold back of the light behind them; color: theirs, not multiplied by it.
    """
    op = "render_triangles"
    check_kind(op, "triangles", triangles, Triangles)
    check_kind(op, "camera", camera, Camera)
    height, width = check_image_size(op, image_size)
    check_integer(op, "samples", samples, 1, MAX_IMAGE_SIDE // max(height, width))
    if len(names) != len(camera):
        raise ValueError(f"{op}: there must be as many names as cameras, {len(camera)}, got {len(names)}")
    if not len(triangles):
        shape = (len(camera), height, width)
        return Views(alpha=np.zeros(shape, np.float32), color=np.zeros((*shape, 3), np.float32), camera=camera, names=names)
    low, high = triangles.vertices.min(0), triangles.vertices.max(0)
    centre = (low.astype(np.float64) + high) / 2
    large = (height * samples, width * samples)
    renderer = Renderer(large, settings_for(*depth_range(camera, centre, float(np.linalg.norm(high - low)) / 2)))
    arrays, parts = renderer.arrays, []
    given = [arrays.real(a) for a in (triangles.vertices - centre, triangles.colors.reshape(-1, 3), triangles.opacity[:, None], triangles.window[:, None])]
    at_once = max(1, min(PIXELS_AT_ONCE // (large[0] * large[1]), FACES_AT_ONCE // len(triangles)))
    for i in range(0, len(camera), at_once):
        which = slice(i, i + at_once)
        image = renderer(given[0], triangles.faces, camera[which].about(centre), given[1], opacity=given[2], window=given[3])
        alpha, color = (arrays.to_numpy(array) for array in (image.alpha, image.color))
        straight = np.clip(color / np.maximum(alpha, 1e-6)[..., None], 0, 1)
        parts.append(Views(alpha=alpha, color=straight, camera=camera[which], names=tuple(names[which])).reduced(samples))
    return Views(alpha=np.concatenate([p.alpha for p in parts]), color=np.concatenate([p.color for p in parts]), camera=camera, names=names)


def composited_from(views: Views, triangles: Triangles, samples: int = 2) -> Views:
    """Triangles from the cameras of ``views``: see `render_triangles`."""
    check_kind("composited_from", "views", views, Views)
    return render_triangles(triangles, views.camera, views.image_size, views.names, samples)
