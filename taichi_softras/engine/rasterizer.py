"""The way of the data, from vertices in the world to an image, once for every array library."""

import contextlib
import enum
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, TypeVar

import numpy as np

from ..checks import as_numbers, check_choice, check_countable, check_features, check_image_size, check_kind, check_shape
from ..kernels.composite import NUMBERS_OF_LAYER, composite_op
from ..kernels.op import Op
from ..kernels.projection import project_op, see_op, view_op
from ..kernels.rasterize import draw_op, most_numbers
from ..kernels.resolve import face_id_kernel
from ..kernels.tiles import BEFORE_PLANE, BEHIND_EYE, N_STATISTICS, NOTHING_BEHIND
from ..kernels.variant import Variant
from ..runtime import Arrays, TaichiArrays
from ..scene import Blending, Camera, Distance, Interpolation, Lens, Opacity, RasterizeSettings, Texture, Topology, distortion_limit
from .binning import Chunk, ChunkedPairs, Pairs, PairSearch, PlaneCrossedError
from .clipping import clip_near
from .composite import Layers, SortedPairs, layers_of, shown_of
from .fragments import FragmentSettings
from .lighting import vertex_normals
from .surfaces import Surface

__all__ = ["Output", "RenderedImage", "as_seen_by", "project_points", "rasterize", "render"]

Settings = TypeVar("Settings", RasterizeSettings, FragmentSettings)


class Output(enum.Enum):
    """What a renderer can show besides alpha, colour, depth and the user's features."""

    NORMALS = "normals"
    POSITIONS = "positions"
    FACE_ID = "face_id"


@dataclass(frozen=True)
class RenderedImage:
    """What the renderer returns: arrays of the library that it was given. Row 0 is the top.

    All but alpha and face_id are mixed as colour is: softly with Blending.SOFTMAX; those of the nearest face with Blending.HARD; by opacity with
    Blending.COMPOSITE, alpha too.

    Attributes:
        alpha: [B, H, W] the probability that anything covers the pixel, 0 to 1; 0 where nothing reaches it.
        color: [B, H, W, C] colours mixed with the background, which stands alone where nothing reaches the pixel; None without colours.
        depth: [B, H, W] distance along the view axis, mixed with ``far`` for the background; None for the silhouette alone.
        features: [B, H, W, D] the user's features, mixed with zero for the background; None if there are none.
        normals: [B, H, W, 3] unit normals at the vertices, interpolated (which makes them shorter), zero for the background; None if not asked for.
        positions: [B, H, W, 3] positions as the vertices' were given (object space), zero for the background; None if not asked for.
        face_id: [B, H, W] int32, the nearest face that has the pixel inside, numbered as the mesh's (of a batch, one mesh after the other); -1 where there is
            none; None if not asked for. It has no gradient. (On the CPU with Taichi's own arrays it is NumPy's.)
    """

    alpha: Any
    color: Any = None
    depth: Any = None
    features: Any = None
    normals: Any = None
    positions: Any = None
    face_id: Any = None


FEW_PIXELS = 48_000  # pixels of fewer pairs of a face and a tile, times the number of threads, are drawn by one of them sooner than by all
NEAREST_FACE = 2  # its place among the rest of a `Plan`


class Plan(NamedTuple):
    """What `Arrays.run` is to run: the operation, its inputs, the shapes of its outputs, and all other arguments."""

    op: Op
    inputs: tuple[Any, ...]
    outputs: list[tuple[int, ...]]
    rest: tuple[Any, ...]


@dataclass(frozen=True, eq=False)
class Walk:
    """How the kernels walk through faces and tiles, and back from the faces to what stands at their corners."""

    scene: "Scene"
    surface: Surface

    def chunks(self) -> Iterator[Chunk]:
        return self.scene.pairs.chunks()

    @property
    def reached(self) -> Any:
        return self.scene.pairs.reached

    @property
    def tiles_of_face(self) -> float:
        """How many tiles a face reaches, of those that reach any: the mean."""
        return self.scene.pairs.n / max(self.scene.pairs.n_faces, 1)

    def corners_at_vertices(self) -> tuple[Any, Any]:
        topology = self.scene.topology
        return topology.corners_at(self.scene.arrays, "vertices", topology.faces, len(topology.vertex_source))

    def corners_at_features(self) -> tuple[Any, Any]:
        return self.surface.corners_at_features(self.scene.arrays, self.scene.topology)

    @property
    def features_at_vertices(self) -> bool:
        """Whether what a corner shows depends on its vertex alone."""
        topology = self.scene.topology
        return self.surface.kind is Texture.VERTEX and self.surface.corners is topology.on(self.scene.arrays)["feature_faces"] and topology.features_at_vertices

    def vertices_at_features(self) -> tuple[Any, Any]:
        return self.scene.topology.instances(self.scene.arrays)


@dataclass(frozen=True, eq=False, kw_only=True)
class Scene:
    """Triangles on the screen, and what they are seen with."""

    arrays: Arrays
    topology: Topology
    vertices_screen: Any
    settings: RasterizeSettings
    image_size: tuple[int, int]
    pairs: Pairs | ChunkedPairs
    softness: Any
    one_over_faces: Any
    layers: Layers | None = None

    @classmethod
    def of(
        cls,
        arrays: Arrays,
        topology: Topology,
        vertices_screen: Any,
        settings: RasterizeSettings,
        image_size: tuple[int, int],
        unclipped: Topology | None = None,
        layers: Layers | None = None,
        surfaces: Collection[Surface] = (),
        statistics: Any | None = None,
    ) -> "Scene":
        """``unclipped``: whose faces count in means, where others are left after clipping. ``statistics``: see `PairSearch`."""
        turns = max((surface.turns(settings, arrays.variant) for surface in surfaces), default=None)
        if layers is not None:
            turns = max(turns or 1, NUMBERS_OF_LAYER * arrays.variant.tile_pixels)
        # A mean over faces counts those of the mesh, not those that clipping has left.
        return cls(
            arrays=arrays,
            topology=topology,
            vertices_screen=vertices_screen,
            settings=settings,
            image_size=image_size,
            pairs=arrays.untracked(lambda: pairs_in_reach(arrays, topology, vertices_screen, settings, image_size, turns, statistics)),
            softness=arrays.fixed(settings.softness),
            one_over_faces=arrays.fixed((unclipped or topology).one_over_faces),
            layers=layers,
        )

    def draw(self, surface: Surface, background: Any | None) -> tuple[Any, Any, Any]:
        """alpha, features and depth; without a background the first of them alone."""
        alpha, color, depth = self.arrays.run(*self.plan(surface, background))
        return (alpha, None, None) if background is None else (alpha, color, depth)

    def face_id(self) -> Any:
        """Which face is seen at each pixel."""
        arrays, topology = self.arrays, self.topology
        hard = replace(self, settings=replace(self.settings, blending=Blending.HARD, texture=Texture.VERTEX, opacity=Opacity.VERTEX), layers=None)
        surface = Surface.of(arrays, topology, arrays.zeros((topology.n_vertices, 1)), hard.settings)
        found = arrays.zeros_index((topology.n_images, *self.image_size))

        def find() -> None:
            plan = hard.plan(surface, arrays.zeros((topology.n_images, 1)))
            inputs = [arrays.constant(array) for array in plan.inputs]
            plan.op.launch(arrays, (*inputs, *map(arrays.zeros, plan.outputs), *plan.rest))
            nearest_face = plan.rest[NEAREST_FACE]
            arrays.launch(face_id_kernel(arrays.variant), (nearest_face, topology.on(arrays)["face_source"], found, topology.n_images, *self.image_size))

        arrays.untracked(find)
        return found

    def plan(self, surface: Surface, background: Any | None) -> Plan:
        arrays, topology, settings, pairs, (height, width) = self.arrays, self.topology, self.settings, self.pairs, self.image_size
        n_features = 0 if background is None else surface.n_features
        choices, image = surface.choices(settings, n_features), (topology.n_images, height, width)
        of_pixel, of_face = most_numbers(arrays.variant, choices, n_features)
        check_countable("rasterize", "numbers in the picture", topology.n_images * (height + 8) * (width + 8) * of_pixel)
        check_countable("rasterize", "numbers of the faces", len(topology.faces) * of_face)
        outputs = [image, (*image, n_features), image] if n_features else [image, (1, 1, 1, 1), (1, 1, 1)]
        background = arrays.fixed(np.zeros((1, 1))) if background is None else background
        variant = arrays.variant_for(pairs.n * arrays.variant.tile_pixels * choices.n_groups(n_features), FEW_PIXELS)
        if self.layers is not None:
            return self._composite_plan(self.layers, surface, background, n_features, outputs, variant)
        n_sums, block, n_pixels = choices.n_sums(n_features), (variant.blocks_per_tile, variant.lanes), pairs.n_tiles * variant.tile_pixels
        hard = n_features and settings.blending is Blending.HARD
        tables, indices = surface.levels.on(arrays), topology.on(arrays)
        rest = (
            arrays.kept((pairs.n_tiles * n_sums, *block)),
            arrays.empty((pairs.n_tiles, *block) if n_features and not hard else (1, 1, variant.lanes)),
            arrays.empty_index(n_pixels if hard else 1),
            arrays.empty_index(n_pixels if settings.silhouette.value.strongest else 1),
            pairs.set_ups, indices["faces"], surface.corners, indices["face_image"], Walk(self, surface), tables["levels"], tables["textures"],
            surface.texture_size, self.one_over_faces, n_features, choices.n_groups(n_features), height, width,
        )  # fmt: skip
        return Plan(
            op=draw_op(variant, choices),
            inputs=(self.vertices_screen, surface.features, surface.places, background, self.softness),
            outputs=outputs,
            rest=rest,
        )

    def _composite_plan(
        self, layers: Layers, surface: Surface, background: Any, n_features: int, outputs: list[tuple[int, ...]], variant: Variant
    ) -> Plan:  # fmt: skip
        arrays, opacity = self.arrays, layers.opacity
        choices = layers.choices(self.settings, surface.choices(self.settings, n_features))
        indices, tables, opacity_tables = self.topology.on(arrays), surface.levels.on(arrays), opacity.levels.on(arrays)
        rest = (
            self.pairs.set_ups, indices["faces"], surface.corners, opacity.corners, indices["face_image"], indices["face_source"],
            SortedPairs(arrays, self.pairs, self.topology, surface, layers, choices.n_held, variant.serial),
            tables["levels"], tables["textures"], opacity_tables["levels"], opacity_tables["textures"], surface.texture_size, opacity.texture_size,
            self.settings.transmittance_cutoff, layers.channel, n_features, choices.features.n_groups(n_features), *self.image_size,
        )  # fmt: skip
        return Plan(
            op=composite_op(variant, choices),
            inputs=(
                self.vertices_screen, surface.features, surface.places, opacity.features, opacity.places, layers.window, background, self.softness,
            ),
            outputs=outputs,
            rest=rest,
        )  # fmt: skip


def rasterize(
    arrays: Arrays,
    topology: Topology,
    vertices_screen: Any,
    features: Any | None,
    background: Any | None,
    settings: RasterizeSettings,
    image_size: tuple[int, int],
    *,
    opacity: Any | None = None,
    window: Any | None = None,
) -> RenderedImage:
    """Renders triangles that are already on the screen.

    Args:
        arrays: the library of the arrays that follow.
        topology: which vertices make which faces in which image.
        vertices_screen: [N, 3] x right and y up (the shorter image side spans [-1, 1]), and depth, positive ahead.
        features: [V, C] per vertex, such as colours; with Texture.FACE [F * R * R, C], R x R texels for each face of the meshes; a
            `UVTexture`; None for the silhouette alone.
        background: [B, C] features of the background; None for the silhouette alone.
        settings: softness and choices.
        image_size: (height, width).
        opacity: with Blending.COMPOSITE, numbers in [0, 1], [V, 1] per vertex or [F, 1] per face of the meshes, as the settings say; None for opaque faces.
        window: with Blending.COMPOSITE and Distribution.WINDOW, exponents above 0 of the windows, [F, 1] of the meshes' faces, or [1, 1]; None for the
            settings' shape.

    Gradient: to vertices_screen, features, background, opacity and window, exact; none through the decisions which faces are in reach, within depth range and
    facing, and in which order they are composited.
    """
    image_size = check_image_size("rasterize", image_size)
    check_shape("rasterize", "vertices_screen", vertices_screen.shape, ("N", 3), {"N": len(topology.vertex_source)})
    if features is not None and background is None:
        raise ValueError("rasterize: features must come with a background, got None")
    background = None if features is None else background
    surface = Surface.of(arrays, topology, features, settings)
    layers = layers_of(arrays, topology, settings, opacity, window, None if features is None else surface)
    surface = surface if features is None else shown_of(surface, settings)
    if background is not None:
        check_shape("rasterize", "background", background.shape, ("B", "C"), {"B": topology.n_images, "C": surface.n_features})
    scene = Scene.of(arrays, topology, vertices_screen, settings, image_size, layers=layers, surfaces=(surface,))
    return RenderedImage(*scene.draw(surface, background))


def pairs_in_reach(
    arrays: Arrays, topology: Topology, vertices_screen: Any, settings: RasterizeSettings, image_size: tuple[int, int], turns: int | None = None,
    statistics: Any | None = None,
) -> Pairs | ChunkedPairs:  # fmt: skip
    """The (face, tile) pairs that these settings let touch each other. ``turns``, ``statistics``: see `PairSearch`."""
    behind = NOTHING_BEHIND if settings.silhouette_beyond_depth_range else BEHIND_EYE
    return PairSearch(
        op="rasterize",
        arrays=arrays,
        topology=topology,
        vertices_screen=vertices_screen,
        image_size=image_size,
        reach=settings.reach,
        behind=behind,
        whole_box=settings.distance is Distance.BARYCENTRIC,
        nearest_first=settings.blending is Blending.COMPOSITE,
        turns=turns,
        given_statistics=statistics,
    ).within_budget()


def render(
    arrays: Arrays,
    topology: Topology,
    vertices_world: Any,
    colors: Any | None,
    background: Any | None,
    camera: Camera,
    settings: RasterizeSettings,
    image_size: tuple[int, int],
    *,
    features: Any | None = None,
    outputs: Collection[Output] = (),
    opacity: Any | None = None,
    window: Any | None = None,
) -> RenderedImage:
    """Projects vertices [V, 3] of the world through B cameras, whose arrays are the library's, and renders them.

    Args:
        arrays, topology, settings, image_size, opacity, window: see `rasterize`.
        colors, background: as its features and background.
        features: [V, D] further features per vertex.
        outputs: what else is to be shown.

    A face that reaches behind the eye is cut off at half of ``near`` (before which nothing is seen anyway): a camera may stand inside a mesh. Not so with an
    orthographic camera, which has no eye, or with ``silhouette_beyond_depth_range``, SoftRas's way.

    Gradient: also to vertices_world, features and the camera's arrays.
    """
    image_size = check_image_size("render", image_size)
    check_scene(topology, vertices_world, camera)
    outputs = (outputs,) if isinstance(outputs, Output) else tuple(outputs)
    for output in outputs:
        check_choice("render", "each of the outputs", output, Output)
    settings = as_seen_by(camera, settings)
    surfaces = _surfaces(arrays, topology, vertices_world, colors, features, outputs, settings)
    layers = layers_of(arrays, topology, settings, opacity, window, surfaces.get("color"))
    if "color" in surfaces:
        surfaces["color"] = shown_of(surfaces["color"], settings)
    if background is not None and "color" in surfaces:
        check_shape("render", "background", background.shape, ("B", "C"), {"B": topology.n_images, "C": surfaces["color"].n_features})

    may_cross = camera.lens is not Lens.ORTHOGRAPHIC and not settings.silhouette_beyond_depth_range
    plane = max(settings.near / 2, 2 * BEHIND_EYE)
    vertices_screen, statistics = see(arrays, topology, vertices_world, camera, plane)
    scene, clipped, unclipped = None, None, topology
    if may_cross and arrays.is_remote:  # the device is asked once: whether any vertex is before the plane, and how many pairs there are if none is
        with contextlib.suppress(PlaneCrossedError):
            scene = Scene.of(arrays, topology, vertices_screen, settings, image_size, unclipped, layers, surfaces.values(), statistics)
    if may_cross and scene is None and arrays.to_numpy(statistics)[BEFORE_PLANE]:
        clipped = clip_near(arrays, topology, view(arrays, topology, vertices_world, camera), plane)
    if clipped is not None:
        surfaces = {name: surface.cut(arrays, clipped) for name, surface in surfaces.items()}
        layers = None if layers is None else layers.cut(arrays, clipped)
        topology = clipped.topology
        vertices_screen = project(arrays, topology, clipped.vertices_camera, camera)
    if scene is None:
        scene = Scene.of(arrays, topology, vertices_screen, settings, image_size, unclipped, layers, surfaces.values())
    drawn: dict[str, Any] = {}
    for name, surface in surfaces.items():
        behind = background if name == "color" and background is not None else arrays.fixed(np.zeros((topology.n_images, surface.n_features)))
        alpha, drawn[name], depth = scene.draw(surface, behind)
        drawn = {"alpha": alpha, "depth": depth} | drawn  # of the first one: all are the same
    if not surfaces:
        drawn["alpha"], _, _ = scene.draw(Surface.of(arrays, topology, None, settings), None)
    if Output.FACE_ID in outputs:
        drawn["face_id"] = scene.face_id()
    return RenderedImage(**drawn)


def check_scene(topology: Topology, vertices_world: Any, camera: Camera) -> None:
    """A vertex for each of the topology's, and a camera for each of its images."""
    check_shape("render", "vertices", vertices_world.shape, ("V", 3), {"V": topology.n_vertices})
    if topology.n_images != len(camera):
        raise ValueError(f"render: there must be a camera for each of the {topology.n_images} images, got {len(camera)}")


def as_seen_by(camera: Camera, settings: Settings) -> Settings:
    """What a camera sees of a flat triangle: an orthographic one something linear, where perspective is asked for."""
    if camera.lens is Lens.ORTHOGRAPHIC and settings.interpolation is Interpolation.PERSPECTIVE:
        return replace(settings, interpolation=Interpolation.LINEAR)
    return settings


def see(arrays: Arrays, topology: Topology, vertices_world: Any, camera: Camera, plane: float) -> tuple[Any, Any]:
    """[N, 3] on the screen, and integers [N_STATISTICS], one of which tells whether any vertex is before the depth ``plane``: `view` and `project` in one."""
    indices, n, statistics = topology.on(arrays), len(topology.vertex_source), arrays.zeros_index(N_STATISTICS)
    distortion, limit = _distortion(arrays, camera)
    inputs = (vertices_world, camera.camera_from_world, camera.intrinsics, distortion)
    rest = (limit, indices["vertex_source"], indices["vertex_image"], *topology.instances(arrays), statistics, float(plane), n, topology.n_vertices)
    return arrays.run(see_op(arrays.variant_for(n), camera.lens), inputs, [(n, 3)], rest)[0], statistics


def view(arrays: Arrays, topology: Topology, vertices_world: Any, camera: Camera) -> Any:
    """[N, 3] in camera space."""
    indices, n = topology.on(arrays), len(topology.vertex_source)
    rest = (indices["vertex_source"], indices["vertex_image"], n)
    return arrays.run(view_op(arrays.variant_for(n)), (vertices_world, camera.camera_from_world), [(n, 3)], rest)[0]


def project(arrays: Arrays, topology: Topology, vertices_camera: Any, camera: Camera) -> Any:
    """[N, 3] on the screen: x, y and depth."""
    n = len(topology.vertex_source)
    distortion, limit = _distortion(arrays, camera)
    rest = (limit, topology.on(arrays)["vertex_image"], n)
    return arrays.run(project_op(arrays.variant_for(n), camera.lens), (vertices_camera, camera.intrinsics, distortion), [(n, 3)], rest)[0]


def _distortion(arrays: Arrays, camera: Camera) -> tuple[Any, Any]:
    """What bends the picture, as kernels take it, and up to where (`distortion_limit`)."""
    if camera.distortion is None:
        return arrays.fixed(np.zeros((1, 1))), arrays.fixed(np.zeros((1, 2)))
    return camera.distortion, arrays.fixed(distortion_limit(camera.lens, arrays.to_numpy(camera.distortion)))


def project_points(points: np.ndarray, camera: Camera) -> np.ndarray:
    """[B, P, 3] float32: where each of B cameras sees points [P, 3] of the world: x and y on the screen, and depth. (Points behind the eye have no x and y.)

    Examples:
        >>> project_points(np.zeros((1, 3)), Camera.orbit(distance=2)).round(6).tolist()
        [[[0.0, 0.0, 2.0]]]
    """
    points = as_numbers("project_points", "points", points)
    check_shape("project_points", "points", points.shape, ("P", 3))
    check_kind("project_points", "camera", camera, Camera)
    arrays, (n, n_images) = TaichiArrays(), (len(points), len(camera))
    if n == 0:
        return np.zeros((n_images, 0, 3), np.float32)
    origin = (points.min(0) + points.max(0)) / 2  # from which float32 counts
    topology, camera = Topology.shared(np.zeros((1, 3), np.int32), n, n_images), camera.about(origin).on(arrays)
    found = arrays.untracked(lambda: project(arrays, topology, view(arrays, topology, arrays.real(points - origin), camera), camera))
    return arrays.to_numpy(found).reshape(n_images, n, 3)


def _surfaces(
    arrays: Arrays, topology: Topology, vertices_world: Any, colors: Any | None, features: Any | None, outputs: Collection[Output], settings: RasterizeSettings
) -> dict[str, Surface]:
    """What is to be drawn, by its name in the rendered image."""
    surfaces = {} if colors is None else {"color": Surface.of(arrays, topology, colors, settings)}
    per_vertex: dict[str, Any] = {}
    if features is not None:
        check_features("render", "features", features.shape, {"V": topology.n_vertices})
        per_vertex["features"] = features
    if Output.NORMALS in outputs:
        per_vertex["normals"] = vertex_normals(arrays, vertices_world, topology)
    if Output.POSITIONS in outputs:
        per_vertex["positions"] = vertices_world
    plain = replace(settings, texture=Texture.VERTEX)  # and no channel hidden
    return surfaces | {name: Surface.of(arrays, topology, rows, plain) for name, rows in per_vertex.items()}
