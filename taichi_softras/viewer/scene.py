"""What the viewer shows, without any window: a mesh, the camera around it, how it is looked at, and the picture of that."""

import enum
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from ..checks import check_choice, check_image_size, check_kind
from ..engine import Filter, Output, RenderedImage, Renderer, TextureSettings, UVTexture, Wrap, flat_textures
from ..engine.lighting import AmbientLight, DirectionalLight, shade, vertex_normals
from ..runtime import TaichiArrays
from ..scene import Blending, Camera, Connectivity, Distance, Distribution, Mesh, RasterizeSettings, Silhouette, Topology
from .overlay import draw_edges, heat

__all__ = ["Look", "Orbit", "Scene", "View"]

BACKGROUND = np.array([0.13, 0.14, 0.16])
NOT_A_NUMBER = (1.0, 0.0, 1.0)  # the colour of a pixel that is none
PLAIN = 0.8  # the grey of a mesh without colours
DEGREES_ACROSS = 220.0  # the camera turns, for a drag across the picture
STEEPEST = 89.0  # degrees of elevation
DISTANCES = (0.3, 60.0)  # of the eye from what it looks at, in radii of the mesh
NEAR, FAR = 0.1, 100.0  # in radii
START_DISTANCE, FIELD_OF_VIEW = 3.3, 40.0
SHARPEST = 1e-7
SHARP_REACH = 4.5e-3  # screen units, less than two pixels of 800: an edge that reaches no farther is drawn as a hard one


class View(enum.Enum):
    """What of the mesh is shown."""

    COLOR = "color"
    ALPHA = "alpha"
    DEPTH = "depth"
    NORMALS = "normals"
    COVERAGE = "coverage"
    """Of the face under the cursor: the probability D with which it covers each pixel."""
    GRADIENT = "gradient"
    """Of a loss: its size at each vertex."""


@dataclass
class Look:
    """How the mesh is looked at; every attribute may be changed at any time.

    Attributes:
        view: what is shown.
        sigma, gamma, distribution, silhouette, distance, blending: as in `RasterizeSettings`.
        light_azimuth, light_elevation: degrees, where the light stands as seen from the eye: (0, 0) is the eye itself.
        light, ambient: how strong the light is, and what comes from everywhere.
        wireframe: whether the edges that are seen are drawn.
    """

    view: View = View.COLOR
    sigma: float = 1e-6
    gamma: float = 1e-5
    distribution: Distribution = Distribution.LOGISTIC
    silhouette: Silhouette = Silhouette.PROBABILISTIC
    distance: Distance = Distance.EUCLIDEAN
    blending: Blending = Blending.SOFTMAX
    light_azimuth: float = -35.0
    light_elevation: float = 40.0
    light: float = 0.8
    ambient: float = 0.35
    wireframe: bool = False


@dataclass
class Orbit:
    """A camera that turns around a point. Drags are given in fractions of the picture's shorter side, x right and y up.

    Attributes:
        target: [3] the point looked at, world.
        radius: of the mesh, world units: the measure of distances.
        distance: of the eye from the target, in radii.
        azimuth, elevation: degrees, as in ``Camera.orbit``.
        fov: degrees, full angle across the shorter side.
    """

    target: np.ndarray = field(default_factory=lambda: np.zeros(3))
    radius: float = 1.0
    distance: float = START_DISTANCE
    azimuth: float = 25.0
    elevation: float = 18.0
    fov: float = FIELD_OF_VIEW

    @classmethod
    def around(cls, mesh: Mesh) -> "Orbit":
        """From where all of a mesh is seen."""
        low, high = mesh.vertices.min(0).astype(np.float64), mesh.vertices.max(0).astype(np.float64)
        target = (low + high) / 2
        return cls(target=target, radius=max(float(np.linalg.norm(mesh.vertices - target, axis=1).max()), 1e-9))

    @property
    def camera(self) -> Camera:
        return Camera.orbit(self.distance * self.radius, self.elevation, self.azimuth, fov=self.fov, target=self.target)

    def turn(self, x: float, y: float) -> None:
        """The mesh follows the hand."""
        self.azimuth = (self.azimuth - DEGREES_ACROSS * x) % 360.0
        self.elevation = float(np.clip(self.elevation - DEGREES_ACROSS * y, -STEEPEST, STEEPEST))

    def pan(self, x: float, y: float) -> None:
        """What lies at the target's distance stays under the cursor."""
        right, up = self.camera.camera_from_world[0, :2, :3]
        across = 2 * self.distance * self.radius * np.tan(np.radians(self.fov) / 2)
        self.target = self.target - across * (x * right + y * up)

    def zoom(self, closer: float) -> None:
        """Nearer by the factor exp(closer)."""
        self.distance = float(np.clip(self.distance * np.exp(-closer), *DISTANCES))

    def direction(self, azimuth: float, elevation: float) -> np.ndarray:
        """[3] towards a light that stands there as seen from the eye."""
        return np.asarray(Camera.orbit(1.0, np.clip(self.elevation + elevation, -90, 90), self.azimuth + azimuth).eye[0])


class Scene:
    """A mesh and its pictures.

    Attributes:
        mesh: what is shown; assign with `show`.
        orbit: the camera.
        look: how it is looked at.
        face: the face whose coverage is shown, -1 for none.
        magnitudes: [V] what View.GRADIENT shows; None as long as nothing has been computed.
    """

    def __init__(self, mesh: Mesh) -> None:
        check_kind("Scene", "mesh", mesh, Mesh)
        self.arrays = TaichiArrays()
        self.orbit, self.look = Orbit.around(mesh), Look()
        self.face = -1
        self.magnitudes: np.ndarray | None = None
        self._compiled: set[tuple[Any, ...]] = set()
        self._faces: np.ndarray | None = None
        self.show(mesh)

    def show(self, mesh: Mesh) -> None:
        """Shows another mesh; the camera stays."""
        arrays = self.arrays
        if mesh.faces is not self._faces:
            self._topology = Topology.shared(mesh.faces, len(mesh.vertices))
            self._edges: np.ndarray | None = None
            self.face, self.magnitudes = -1, None
        self.mesh, self._faces = mesh, mesh.faces
        self._vertices = arrays.real(mesh.vertices)
        self._normals = vertex_normals(arrays, self._vertices, self._topology)
        self._albedo = _albedo(arrays, mesh)

    @property
    def settings(self) -> RasterizeSettings:
        """What the renderer is told."""
        look, radius = self.look, self.orbit.radius
        return RasterizeSettings(
            sigma=look.sigma,
            gamma=look.gamma,
            near=NEAR * radius,
            far=FAR * radius,
            distribution=look.distribution,
            silhouette=look.silhouette,
            distance=look.distance,
            blending=look.blending,
        )

    @property
    def drawn(self) -> RasterizeSettings:
        """What pictures are made with: the settings; but edges too sharp to be seen soft, as they are at first, are hard, and a surface is opaque.

        (Of two faces, each of which covers half of a pixel on their common edge, the probabilistic T-conorm leaves a quarter free. What is chosen instead of
        it, or of the logistic distribution, is shown as it is.)
        """
        settings = self.settings
        usual = settings.silhouette is Silhouette.PROBABILISTIC and settings.distribution is Distribution.LOGISTIC
        return replace(settings, silhouette=Silhouette.HARD) if usual and settings.reach < SHARP_REACH else settings

    @property
    def compiles(self) -> bool:
        """Whether the next picture waits for kernels that were not needed yet."""
        return self.kernels not in self._compiled

    @property
    def kernels(self) -> tuple[Any, ...]:
        """What decides which kernels the next picture needs."""
        look = self.look
        textured = isinstance(self._albedo, UVTexture) and look.view is View.COLOR
        choices = look.distribution, self.drawn.silhouette, look.distance, look.blending
        return look.view, *choices, textured, self.face >= 0 and look.view is View.COVERAGE, look.wireframe

    def render(self, image_size: int | tuple[int, int], offset: tuple[float, float] = (0.0, 0.0)) -> np.ndarray:
        """[H, W, 3] float32 in [0, 1], row 0 the top. What is not a number is magenta.

        Args:
            image_size: (height, width), or the side.
            offset: where in each pixel it is looked at, to the right and down from its centre, in pixels.

        Raises:
            RuntimeError: for View.GRADIENT while there are no ``magnitudes``.
        """
        image_size = check_image_size("Scene.render", image_size)
        check_choice("Scene.render", "view", self.look.view, View)
        draw = {
            View.COLOR: self._colors,
            View.ALPHA: self._alpha,
            View.DEPTH: self._depth,
            View.NORMALS: self._normal_colors,
            View.COVERAGE: self._coverage,
            View.GRADIENT: self._gradient,
        }[self.look.view]
        camera = _looking_beside(self.orbit.camera, image_size, offset)
        picture = draw(image_size, camera)
        if self.look.wireframe:
            draw_edges(picture, self._edge_list(), self.mesh.vertices, camera, self._surface_depth(image_size, camera), 0.01 * self.orbit.radius)
        self._compiled.add(self.kernels)
        picture[~np.isfinite(picture).all(-1)] = NOT_A_NUMBER
        return np.clip(picture, 0, 1).astype(np.float32)

    def pick(self, x: float, y: float, image_size: tuple[int, int]) -> int:
        """The face seen at a place of the picture, -1 for none.

        Args:
            x, y: fractions of the picture's width and height, from its lower left corner.
            image_size: (height, width) that tells the picture's aspect; the answer is exact to one of its pixels.
        """
        height, width = image_size
        if not (0 <= x < 1 and 0 < y <= 1):
            return -1
        face_id = self._image(image_size, self.orbit.camera, outputs=(Output.FACE_ID,)).face_id
        return int(self.arrays.to_numpy(face_id)[0, int((1 - y) * height), int(x * width)])

    # ---------------------------------------------------------------------------------------------------------------- the views

    def _colors(self, image_size: tuple[int, int], camera: Camera) -> np.ndarray:
        if not isinstance(self._albedo, UVTexture):
            return self._over_background(self._image(image_size, camera, self._lit(self._albedo, self._normals)))
        image = self._image(image_size, camera, self._albedo, outputs=(Output.NORMALS,))
        return self._over_background(replace(image, color=self._lit(image.color, image.normals)))

    def _alpha(self, image_size: tuple[int, int], camera: Camera) -> np.ndarray:
        return np.repeat(self.arrays.to_numpy(self._image(image_size, camera).alpha)[0, ..., None], 3, axis=-1)

    def _depth(self, image_size: tuple[int, int], camera: Camera) -> np.ndarray:
        image = self._image(image_size, camera, outputs=(Output.NORMALS,))
        depth, radius = self.arrays.to_numpy(image.depth)[0], self.orbit.radius
        middle = self.orbit.distance * radius
        return self._blend(heat(np.clip(0.5 - (depth - middle) / (2 * radius), 0.02, 1)), self.arrays.to_numpy(image.alpha)[0])

    def _normal_colors(self, image_size: tuple[int, int], camera: Camera) -> np.ndarray:
        """Axes as colours: x red, y green, z blue."""
        image = self._image(image_size, camera, outputs=(Output.NORMALS,))
        return self._blend(0.5 + 0.5 * self.arrays.to_numpy(image.normals)[0], self.arrays.to_numpy(image.alpha)[0])

    def _coverage(self, image_size: tuple[int, int], camera: Camera) -> np.ndarray:
        """D of one face in the colours of heat, over the mesh in grey."""
        grey = self._over_background(self._image(image_size, camera, self._lit(self.arrays.real(np.full_like(self.mesh.vertices, 0.45)), self._normals)))
        if self.face < 0:
            return grey
        coverage = self.coverage_of(self.face, image_size, camera)[..., None]
        return np.where(coverage > 1e-3, (1 - 0.85) * grey + 0.85 * heat(coverage[..., 0]), grey)

    def coverage_of(self, face: int, image_size: tuple[int, int], camera: Camera | None = None) -> np.ndarray:
        """[H, W] the probability D with which a face covers each pixel: the alpha of that face alone. By default for the orbit's camera."""
        alone = replace(self.settings, silhouette=Silhouette.PROBABILISTIC)
        renderer = Renderer(image_size, alone, arrays=self.arrays)
        corners = self.arrays.real(self.mesh.vertices[self.mesh.faces[face]])
        return self.arrays.to_numpy(renderer(corners, np.array([[0, 1, 2]], np.int32), camera or self.orbit.camera).alpha)[0]

    def _gradient(self, image_size: tuple[int, int], camera: Camera) -> np.ndarray:
        """The size of the gradient at each vertex, 1 at the 99th percentile, its root as heat."""
        if self.magnitudes is None:
            raise RuntimeError("Scene.render: magnitudes must be set to show a gradient, got None")
        finite = np.isfinite(self.magnitudes)
        magnitudes = np.where(finite, self.magnitudes, 0)
        scale = max(float(np.percentile(magnitudes, 99)), 1e-30)
        colors = heat(np.sqrt(np.clip(magnitudes / scale, 0, 1)))
        colors[~finite] = NOT_A_NUMBER
        return self._over_background(self._image(image_size, camera, self._lit(self.arrays.real(colors), self._normals)))

    # ---------------------------------------------------------------------------------------------------------------- their parts

    def _image(self, image_size: tuple[int, int], camera: Camera, colors: object = None, outputs: tuple[Output, ...] = ()) -> RenderedImage:
        renderer = Renderer(image_size, self.drawn, arrays=self.arrays)
        return renderer(self._vertices, self._topology, camera, colors, outputs=outputs)

    def _lit(self, albedo: object, normals: object) -> object:
        look = self.look
        direction = self.orbit.direction(look.light_azimuth, look.light_elevation)
        lights = (AmbientLight(color=look.ambient), DirectionalLight(direction=direction, color=look.light))
        return shade(self.arrays, albedo, normals, lights=lights)

    def _over_background(self, image: RenderedImage) -> np.ndarray:
        return self._blend(self.arrays.to_numpy(image.color)[0], self.arrays.to_numpy(image.alpha)[0])

    def _blend(self, color: np.ndarray, alpha: np.ndarray) -> np.ndarray:
        return BACKGROUND + alpha[..., None] * (color - BACKGROUND)

    def _surface_depth(self, image_size: tuple[int, int], camera: Camera) -> np.ndarray:
        """[H, W] of the mesh with sharp edges: soft ones reach over the edges beside them."""
        sharp = RasterizeSettings(sigma=SHARPEST, gamma=SHARPEST, near=self.settings.near, far=self.settings.far)
        renderer = Renderer(image_size, sharp, arrays=self.arrays)
        image = renderer(self._vertices, self._topology, camera, outputs=(Output.NORMALS,))
        return self.arrays.to_numpy(image.depth)[0]

    def _edge_list(self) -> np.ndarray:
        if self._edges is None:
            self._edges = Connectivity.of(self.mesh.faces, len(self.mesh.vertices)).edges
        return self._edges


def _looking_beside(camera: Camera, image_size: tuple[int, int], offset: tuple[float, float]) -> Camera:
    """The camera whose pixels' centres are where that one has the places beside them (pixels to the right, and down)."""
    half = min(image_size) / 2
    return replace(camera, intrinsics=camera.intrinsics + np.array([0, 0, -offset[0] / half, offset[1] / half])) if any(offset) else camera


def _albedo(arrays: TaichiArrays, mesh: Mesh) -> object:
    """The mesh's texture (its mip levels made once), or its colours, or grey."""
    if mesh.texture is None or mesh.uvs is None:
        return arrays.real(np.full_like(mesh.vertices, PLAIN) if mesh.colors is None else mesh.colors)
    sampling = TextureSettings(wrap=mesh.wrap or Wrap.REPEAT, filter=Filter.MIPMAPPED)
    flat = flat_textures(arrays, arrays.real(mesh.texture[..., :3]), sampling)
    return UVTexture(flat, arrays.real(mesh.uvs), mesh.face_uvs, sampling)
