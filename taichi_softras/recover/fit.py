"""Shape and colour from pictures: gradient descent from the visual hull of the masks, coarse to fine.

The vertices are not moved one by one: their coordinates u = (I + smoothness L) v, L the mesh's Laplacian, are (Nicolet, Jacobson and Jakob,
"Large Steps in Inverse Rendering of Geometry", SIGGRAPH Asia 2021). A step on u moves a whole neighbourhood of v, so that large steps do not crumple the mesh.
The mesh is made anew as it moves (Palfinger, "Continuous Remeshing for Inverse Rendering", Computer Animation and Virtual Worlds 2022): even triangles, finer
where the surface is curved.
"""

import enum
import json
import zipfile
import zlib
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse.linalg as spla

from ..checks import check_array, check_choice, check_finite, check_indices, check_integer, check_kind, check_number, check_unit
from ..engine import Renderer, losses
from ..language import ti
from ..replacing import replacing
from ..scene import Camera, Connectivity, Mesh, RasterizeSettings, Topology, as_path, read_arrays
from .hull import bounding_sphere, hull_mesh, needed_pieces
from .metrics import score
from .optimize import NumpyAdam, next_views
from .poses import CameraRefinement, carried_over, registered
from .remesh import components, edge_lengths, face_areas, remeshed, sorted_in_space, split_edges, untangled
from .rendering import depth_range, seen_from
from .views import Views

__all__ = ["Fit", "FitOptions", "Stage", "Start", "initial_sphere"]

MAX_BYTES = 1 << 30  # of a saved fit, unpacked
UNREADABLE = (OSError, LookupError, EOFError, ValueError, TypeError, AttributeError, ArithmeticError, RecursionError, MemoryError)
EDGE = 1.5  # pixels: the edges that pictures can show
FACES = (20_000, 60_000)  # an object that is small in the pictures has shorter edges, until it has so many faces; a large one longer ones, above so many
TOLERANCE, SHORTEST = 0.1, 0.47  # where the surface is curved: how far off a triangle may be, and how short its sides get, in edges
REGISTRATIONS, COARSE_CELLS, COARSE_EDGE = 3, 48, 4.0  # of cameras that are to be refined, with the hull of their masks; its grid, its edges in pixels
NEARLY = 1e-4  # of the IoU


class Start(enum.Enum):
    """What the descent begins with."""

    HULL = "hull"
    """The visual hull of the masks: its handles and pieces are those of the object, as far as silhouettes tell."""
    SPHERE = "sphere"
    """A sphere, which has neither handles nor holes."""


@dataclass(frozen=True, kw_only=True)
class Stage:
    """A part of the fit: how fine the mesh, the pictures and the edges of the rendering are.

    Attributes:
        steps: of descent.
        edge: the edges' length, in those of the finest mesh.
        remesh_every: after so many steps the mesh is made anew; it is at the stage's beginning, too.
        reduction: by which whole factor the pictures are made smaller.
        sigma_start, sigma_end: of the rendering, squared screen units.
        smoothness: the lambda of the preconditioner.
    """

    steps: int
    edge: float
    remesh_every: int
    reduction: int
    sigma_start: float
    sigma_end: float
    smoothness: float


@dataclass(frozen=True, kw_only=True)
class FitOptions:
    """How the fit goes about.

    Attributes:
        start: what it begins with, unless a mesh is given.
        steps: of gradient descent in all; from a sphere six times as many are worth while.
        views_per_step: how many of the pictures a step looks at.
        faces: about how many the mesh has in the end, in curved places more; 0 for as many as the pictures can show: edges of 1.5 pixels.
        smoothness: the lambda of the preconditioner; in the last stage, half of it.
        shape_rate: the largest move of the preconditioned coordinates a step, in radii of the first sphere; in the last third of a stage, a third of it.
        color_rate: of Adam on the vertex colours.
        color_weight, normal_weight: of the losses color_l1 and normal_consistency, beside silhouette_iou's 1.
        refine_cameras: whether poses and focal length are moved, too.
        balance: whether each picture's exposure and white balance are found: a gain for each of its channels.
        score_every: after so many steps the mesh is measured on all pictures, and the best one is remembered.
        seed: of the order in which pictures are looked at.
    """

    start: Start = Start.HULL
    steps: int = 200
    views_per_step: int = 6
    faces: int = 0
    smoothness: float = 10.0
    shape_rate: float = 1.6e-2
    color_rate: float = 2e-2
    color_weight: float = 10.0
    normal_weight: float = 0.003
    refine_cameras: bool = False
    balance: bool = False
    score_every: int = 50
    seed: int = 0

    def __post_init__(self) -> None:
        check_choice("FitOptions", "start", self.start, Start)
        for name, low in (("steps", 4), ("views_per_step", 1), ("faces", 0), ("score_every", 1), ("seed", 0)):
            check_integer("FitOptions", name, getattr(self, name), low, 2**31 - 1)
        for name in ("smoothness", "shape_rate", "color_rate", "color_weight", "normal_weight"):
            check_number("FitOptions", name, getattr(self, name), 0.0, low_too=True)
        for name in ("refine_cameras", "balance"):
            check_kind("FitOptions", name, getattr(self, name), bool)

    def stages(self, image_size: tuple[int, int]) -> list[Stage]:
        """Coarse to fine. sigma goes with the square of a pixel: softer than a pixel, silhouettes have a far reach; sharper, they are exact."""
        coarse = max(1, round(min(image_size) / 64))
        pixel_sq = (2 / min(image_size)) ** 2
        whole, soon = 2**31 - 1, max(self.steps // 12, 25)
        # share of the steps, edge, steps between two meshes, reduction of the pictures, sigma from and to in squared pixels, smoothness
        fine: list[tuple[float, float, int, int, float, float, float]] = [(0.5, 4 / 3, whole, 1, 0.03, 0.003, 1.0), (0.5, 1.0, whole, 1, 0.003, 0.001, 0.5)]
        rough = [(0.35, 4.0, soon, coarse, 1.0, 0.15, 1.0), (0.25, 2.0, soon, 1, 0.15, 0.03, 1.0)]
        rows = [*rough, *((0.4 * row[0], *row[1:]) for row in fine)] if self.start is Start.SPHERE else fine
        ends = [round(self.steps * sum(share for share, *_ in rows[: i + 1])) for i in range(len(rows))]
        return [
            Stage(
                steps=end - start,
                edge=edge,
                remesh_every=every,
                reduction=reduction,
                sigma_start=high * pixel_sq,
                sigma_end=low * pixel_sq,
                smoothness=smoothness * self.smoothness,
            )
            for start, end, (_, edge, every, reduction, high, low, smoothness) in zip([0, *ends], ends, rows, strict=False)
        ]


def initial_sphere(views: Views, subdivisions: int = 3) -> Mesh:
    """A grey sphere where the silhouettes say that the object is: nearest to the rays through their centroids, and as large as they look.

    Raises:
        ValueError: if the masks do not show where the object is: all are empty, or none has an outside; or if the cameras do not look at one object.
    """
    check_kind("fit", "views", views, Views)
    check_integer("fit", "subdivisions", subdivisions, 0, 8)
    centre, radius = bounding_sphere(views)
    sphere = Mesh.icosphere(subdivisions)
    return Mesh(vertices=sphere.vertices * radius + centre, faces=sphere.faces, colors=np.full_like(sphere.vertices, 0.5))


class Fit:
    """A fit in progress: `step` goes on, `save` and `load` keep all of its state.

    Args:
        views: the pictures to fit.
        options: how.
        start: a mesh to begin with, in the world of the cameras, instead of what the options say.

    Attributes:
        vertices, faces, colors: the mesh as it is now.
        camera: the cameras as they are now, if they are refined; else those of the views.
        gains: [N, 3] what each picture's channels are multiplied by, against the mesh's colours; ones unless they are balanced.
        best: the best mesh so far, by its IoU on the pictures; best_iou, best_camera: that IoU, and the cameras of that moment.
        losses: the loss of every step.
        scores: (step, IoU) of every time that the mesh was measured.
    """

    vertices: np.ndarray
    faces: np.ndarray
    colors: np.ndarray
    _renderer: Renderer
    _coordinates: np.ndarray
    _shape_adam: NumpyAdam
    _color_adam: NumpyAdam
    _solve: Any

    def __init__(self, views: Views, options: FitOptions | None = None, start: Mesh | None = None) -> None:
        options = options or FitOptions()
        check_kind("Fit", "views", views, Views)
        check_kind("Fit", "options", options, FitOptions)
        if start is not None:
            check_kind("Fit", "start", start, Mesh)
        check_finite("Fit", "alpha of the views", views.alpha)
        check_finite("Fit", "color of the views", views.color)
        check_unit("Fit", "alpha of the views", views.alpha)
        check_unit("Fit", "color of the views", views.color)
        self._prepare(views, options)
        mesh = self._first_mesh() if start is None else start
        mesh = Mesh(vertices=mesh.vertices, faces=mesh.faces, colors=np.full(mesh.vertices.shape, 0.5) if mesh.colors is None else mesh.colors)
        self.best, self.best_iou, self.best_camera = mesh, -1.0, self.camera
        self._begin_stage(mesh)

    def _prepare(self, views: Views, options: FitOptions) -> None:
        """All that follows from pictures and options alone."""
        self.views, self.options = views, options
        self.stages = options.stages(views.image_size)
        self.centre, self.radius = bounding_sphere(views)
        distance = np.linalg.norm(views.camera.eye - self.centre, axis=1)
        self.near, self.far = depth_range(views.camera, self.centre, self.radius)
        self._pixel = float((distance / np.asarray(views.camera.intrinsics)[:, 0]).mean()) * 2 / min(views.image_size)  # in the world, at the object
        self._views_per_step = min(options.views_per_step, len(views))
        self.gains = np.ones((len(views), 3))
        self.refinement = CameraRefinement(views.camera, self.centre, self.radius) if options.refine_cameras else None
        self.stage, self.stage_step = 0, 0
        self.losses: list[float] = []
        self.scores: list[tuple[int, float]] = []
        self._rng = np.random.default_rng(options.seed)
        self._queue: list[int] = []

    def _first_mesh(self) -> Mesh:
        if self.options.start is Start.SPHERE:
            return initial_sphere(self.views)
        views = self.views
        if self.refinement is not None:  # in turns: what the hull is, and where the cameras stand that see it
            for _ in range(REGISTRATIONS):
                coarse = remeshed(hull_mesh(views, COARSE_CELLS, doubtful=False), COARSE_EDGE * self._pixel)
                views = replace(views, camera=registered(views, coarse, sharpest=0.3))
            self.refinement = CameraRefinement(views.camera, self.centre, self.radius)
        return hull_mesh(views)

    @property
    def camera(self) -> Camera:
        return self.views.camera if self.refinement is None else self.refinement.camera

    @property
    def done(self) -> bool:
        return self.stage == len(self.stages)

    @property
    def mesh(self) -> Mesh:
        """The mesh as it is now."""
        return Mesh(vertices=self.vertices, faces=self.faces, colors=self.colors)

    def step(self) -> float:
        """One step of gradient descent. Returns the loss before it."""
        options, stage = self.options, self.stages[self.stage]
        if self.stage_step and self.stage_step % stage.remesh_every == 0:
            self._begin_stage(self.mesh)
        progress = self.stage_step / stage.steps
        self._renderer.settings = RasterizeSettings(
            sigma=stage.sigma_start * (stage.sigma_end / stage.sigma_start) ** progress, gamma=2.5e-4, cutoff=1e-3, near=self.near, far=self.far
        )
        picked = next_views(self._queue, len(self.views), self._views_per_step, self._rng)
        loss, grad_vertices, grad_colors, grad_cameras = self._gradients(picked)
        if not (np.isfinite(loss) and np.isfinite(grad_vertices).all() and np.isfinite(grad_colors).all()):
            raise FloatingPointError(f"fit: the gradient must be finite, got NaN or infinity at step {len(self.losses)}")
        slower = 1.0 if progress < 0.7 else 0.3
        self._coordinates = self._shape_adam.step(self._coordinates, self._solve(grad_vertices), options.shape_rate * self.radius * slower)
        self.vertices = self.centre + self._solve(self._coordinates)
        self.colors = np.clip(self._color_adam.step(self.colors, grad_colors, options.color_rate), 0, 1)
        if self.refinement is not None and grad_cameras is not None:
            self.refinement.step(picked, self.refinement.gradients(picked, *grad_cameras), slower)
        self.losses.append(loss)
        self.stage_step += 1
        last_of_stage = self.stage_step == stage.steps
        if last_of_stage or len(self.losses) % options.score_every == 0:
            self.remember_best()
        if last_of_stage:
            self.stage, self.stage_step = self.stage + 1, 0
            if not self.done:
                self._begin_stage(self.mesh)
        return loss

    def _gradients(self, picked: list[int]) -> tuple[float, np.ndarray, np.ndarray, tuple[np.ndarray, np.ndarray] | None]:
        options, arrays, parameter = self.options, self._renderer.arrays, self._renderer.parameter
        camera = carried_over(self._views.camera, self.views.camera, self.camera)[picked].about(self.centre)
        vertices, colors, loss = parameter(self.vertices - self.centre), parameter(self.colors), parameter(np.zeros(1))
        if self.refinement is not None:
            camera = replace(camera, camera_from_world=parameter(camera.camera_from_world), intrinsics=parameter(camera.intrinsics))
        alpha = arrays.real(self._views.alpha[picked])
        color = arrays.real(self._views.color[picked] / self.gains[picked, None, None])
        known = None if self._views.known is None else arrays.real(self._views.known[picked])
        with ti.ad.Tape(loss):
            image = self._renderer(vertices, self._topology, camera, colors)
            losses.silhouette_iou(image.alpha, alpha, known, into=loss)
            losses.color_l1(image.color, color, alpha, into=loss, weight=options.color_weight)
            losses.normal_consistency(vertices, self._connectivity, into=loss, weight=options.normal_weight)
        grads = [array.grad.to_numpy().astype(np.float64) for array in (vertices, colors)]
        cameras = None
        if self.refinement is not None:
            cameras = (camera.camera_from_world.grad.to_numpy().astype(np.float64), camera.intrinsics.grad.to_numpy().astype(np.float64))
        return float(loss.to_numpy()[0]), grads[0], grads[1], cameras

    def _begin_stage(self, mesh: Mesh) -> None:
        """The mesh made anew, as fine as the stage wants it, and what follows from it."""
        stage = self.stages[self.stage]
        if len(components(mesh)) > 1:
            mesh = needed_pieces(mesh, replace(self.views, camera=self.camera))
        finest = self._finest_edge(mesh)
        even = remeshed(untangled(mesh), stage.edge * finest)
        self._use(sorted_in_space(split_edges(even, edge_lengths(even, TOLERANCE * finest, SHORTEST * finest, stage.edge * finest))))

    def _finest_edge(self, mesh: Mesh) -> float:
        """How long edges are in the end, world units."""

        area = float(face_areas(mesh).sum())

        def of(n_faces: int) -> float:
            return float(np.sqrt(4 / np.sqrt(3) * area / n_faces))

        if self.options.faces:
            return of(self.options.faces)
        shown = EDGE * self._pixel
        return max(min(shown, of(FACES[0])), of(FACES[1]), shown / 2)

    def _use(self, mesh: Mesh) -> None:
        """Takes over a mesh, and makes what follows from it and the stage."""
        assert mesh.colors is not None
        stage, n = self.stages[self.stage], len(mesh.vertices)
        self.vertices, self.faces, self.colors = np.array(mesh.vertices, np.float64), mesh.faces, np.array(mesh.colors, np.float64)
        self._views = self.views.reduced(stage.reduction)
        self._connectivity = Connectivity.of(self.faces, n)
        self._topology = Topology.shared(self.faces, n, self._views_per_step)
        self._renderer = Renderer(self._views.image_size)
        system = self._connectivity.smoothing_system(stage.smoothness)
        # It is symmetric, and its diagonal the largest of each row: a third fewer numbers in the factors, and as much less time to solve.
        self._solve = spla.splu(system, permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.0, options={"SymmetricMode": True}).solve
        self._coordinates = system @ (self.vertices - self.centre)
        self._shape_adam, self._color_adam = NumpyAdam(uniform=True), NumpyAdam()

    def remember_best(self) -> None:
        """Measures the mesh as it is now, unless that is done; keeps it if none was better. Finds the gains, if they are to be balanced."""
        if self.scores and self.scores[-1][0] == len(self.losses):
            return
        mesh, views = self.mesh, replace(self.views, camera=self.camera)
        rendered = seen_from(views, mesh, samples=1)
        iou = score(rendered, views).iou
        self.scores.append((len(self.losses), iou))
        if iou >= self.best_iou - NEARLY:  # of two that are nearly as good, the later one: its colours are better
            self.best, self.best_iou, self.best_camera = mesh, max(iou, self.best_iou), views.camera
        if self.options.balance:
            self.gains = _gains(rendered, views)

    def save(self, path: str | Path) -> None:
        """Writes all of the state, so that an interruption at any moment leaves either the old file or the new one."""
        path = as_path("Fit.save", "path", path)
        facts = {
            "options": asdict(self.options) | {"start": self.options.start.value},
            "pictures": [list(self.views.names), list(self.views.image_size)],
            "stage": self.stage,
            "stage_step": self.stage_step,
            "losses": self.losses,
            "scores": self.scores,
            "best_iou": self.best_iou,
            "queue": self._queue,
            "random": self._rng.bit_generator.state,
            "adam_steps": [optimizer.steps for _, optimizer in self._adams()],
        }
        adam: dict[str, Any] = {f"{name}_{moment}": getattr(optimizer, moment) for name, optimizer in self._adams() for moment in ("first", "second")}
        with replacing(path) as partial, open(partial, "wb") as file:
            np.savez(
                file,
                facts=json.dumps(facts),
                vertices=self.vertices,
                faces=self.faces,
                colors=self.colors,
                coordinates=self._coordinates,
                best_vertices=self.best.vertices,
                best_faces=self.best.faces,
                best_colors=self.best.colors if self.best.colors is not None else np.zeros_like(self.best.vertices),
                best_matrices=np.asarray(self.best_camera.camera_from_world),
                best_intrinsics=np.asarray(self.best_camera.intrinsics),
                gains=self.gains,
                **adam,
                **self._refined(),
            )

    @classmethod
    def load(cls, path: str | Path, views: Views) -> "Fit":
        """Takes up a saved fit of the same pictures: the steps that follow are those that would have followed.

        Raises:
            ValueError: if the file is not a saved fit.
        """
        path = as_path("Fit.load", "path", path)
        check_kind("Fit.load", "views", views, Views)
        try:
            arrays = read_arrays(path, MAX_BYTES)
            facts = json.loads(str(arrays["facts"]))
            if facts["pictures"] != [list(views.names), list(views.image_size)]:
                raise ValueError("one of other pictures than those that the source holds now")
            fit = cls.__new__(cls)
            fit._prepare(views, FitOptions(**facts["options"] | {"start": Start(facts["options"]["start"])}))
            fit._restore(arrays, facts)
        except (*UNREADABLE, zipfile.BadZipFile, zlib.error) as error:
            raise ValueError(f"Fit.load: {path} must be a saved fit, got {type(error).__name__}: {error}") from error
        return fit

    def _restore(self, arrays: dict[str, np.ndarray], facts: dict[str, Any]) -> None:
        """Takes over what :meth:`save` has written, if it goes together."""
        mesh = Mesh(vertices=arrays["vertices"], faces=arrays["faces"], colors=arrays["colors"])
        self.best = Mesh(vertices=arrays["best_vertices"], faces=arrays["best_faces"], colors=arrays["best_colors"])
        check_integer("Fit", "stage", facts["stage"], 0, len(self.stages))
        self.stage = facts["stage"]
        check_integer("Fit", "stage_step", facts["stage_step"], 0, 0 if self.done else self.stages[self.stage].steps - 1)
        self.stage_step = facts["stage_step"]
        n = len(self.views)
        shapes = {"best_matrices": (n, 3, 4), "best_intrinsics": (n, 4), "gains": (n, 3), "coordinates": mesh.vertices.shape}
        if self.refinement is not None:
            shapes |= {"base_matrices": (n, 3, 4), "base_intrinsics": (n, 4), "turns": (n, 3), "shifts": (n, 3), "log_focal": (1,)}
        for name, shape in shapes.items():
            check_array("Fit", name, arrays[name], shape)
            check_finite("Fit", name, arrays[name])
        self.best_camera = replace(self.views.camera, camera_from_world=arrays["best_matrices"], intrinsics=arrays["best_intrinsics"])
        self.gains = arrays["gains"]
        if self.refinement is not None:
            base = replace(self.views.camera, camera_from_world=arrays["base_matrices"], intrinsics=arrays["base_intrinsics"])
            self.refinement = CameraRefinement(base, self.centre, self.radius)
            for part in self.refinement.PARTS:
                setattr(self.refinement, part, arrays[part])
        if self.done:
            self.faces, self._shape_adam, self._color_adam = mesh.faces, NumpyAdam(uniform=True), NumpyAdam()
        else:
            self._use(mesh)
        self.vertices, self.colors = arrays["vertices"].astype(np.float64), arrays["colors"].astype(np.float64)  # a mesh has single precision
        self._coordinates = arrays["coordinates"].astype(np.float64)
        for (name, optimizer), steps in zip(self._adams(), facts["adam_steps"], strict=True):
            check_integer("Fit", "adam_steps", steps, 0, 2**31 - 1)
            for moment in ("first", "second"):
                values = arrays[f"{name}_{moment}"]
                begun = values.ndim > 0  # before its first step Adam has plain noughts
                check_array("Fit", f"{name}_{moment}", values, self._moved(name).shape if begun else ())
                check_finite("Fit", f"{name}_{moment}", values)
                setattr(optimizer, moment, values)
            optimizer.steps = steps
        self.losses, self.scores = [float(loss) for loss in facts["losses"]], [(int(step), float(iou)) for step, iou in facts["scores"]]
        self.best_iou = float(facts["best_iou"])
        self._queue = check_indices("Fit", "queue", facts["queue"], "pictures", len(self.views)).tolist()
        self._rng.bit_generator.state = facts["random"]

    def _refined(self) -> dict[str, Any]:
        """What of the cameras' refinement is saved, beside its moments."""
        if self.refinement is None:
            return {}
        base = self.refinement.base
        own = {part: getattr(self.refinement, part) for part in self.refinement.PARTS}
        return own | {"base_matrices": np.asarray(base.camera_from_world), "base_intrinsics": np.asarray(base.intrinsics)}

    def _moved(self, name: str) -> np.ndarray:
        """What the Adam of that name moves."""
        return {"shape": self.vertices, "color": self.colors}[name] if self.refinement is None or name in ("shape", "color") else getattr(self.refinement, name)

    def _adams(self) -> list[tuple[str, NumpyAdam]]:
        refinement = {} if self.refinement is None else self.refinement.adams
        return [("shape", self._shape_adam), ("color", self._color_adam), *refinement.items()]


def _gains(rendered: Views, views: Views) -> np.ndarray:
    """[N, 3]: by how much brighter each picture is than the mesh, channel by channel, over the pixels inside both silhouettes; their geometric mean is one."""
    both = ((rendered.alpha > 0.5) & (views.alpha > 0.5))[..., None]
    seen, own = (both * views.color).sum((1, 2)), (both * rendered.color).sum((1, 2))
    gains = np.where((seen > 1e-6) & (own > 1e-6), seen / np.maximum(own, 1e-6), 1.0)
    gains = np.clip(gains, 0.1, 10.0)
    return gains / np.exp(np.log(gains).mean(0))
