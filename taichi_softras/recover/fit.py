"""Shape and colour from pictures: gradient descent from a sphere, coarse to fine.

The vertices are not moved one by one: their coordinates u = (I + smoothness L) v, L the mesh's Laplacian, are (Nicolet, Jacobson and Jakob,
"Large Steps in Inverse Rendering of Geometry", SIGGRAPH Asia 2021). A step on u moves a whole neighbourhood of v, so that large steps do not crumple the mesh.
"""

import json
import zipfile
import zlib
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse.linalg as spla
import taichi as ti
import trimesh

from ..checks import MAX_IMAGE_SIDE, check_array, check_finite, check_indices, check_integer, check_kind, check_number
from ..engine import Renderer, losses
from ..replacing import replacing
from ..scene import Connectivity, Mesh, RasterizeSettings, Topology, as_path, read_arrays
from .views import SHARP, Views, check_masks, render_views

__all__ = ["Fit", "FitOptions", "NumpyAdam", "Score", "Stage", "initial_sphere", "score"]

MAX_BYTES = 1 << 30  # of a saved fit, unpacked
UNREADABLE = (OSError, LookupError, EOFError, ValueError, TypeError, AttributeError, ArithmeticError, RecursionError, MemoryError)


@dataclass(frozen=True, kw_only=True)
class Stage:
    """A part of the fit: how fine the mesh, the pictures and the edges are."""

    steps: int
    subdivisions: int
    reduction: int  # by which whole factor the pictures are made smaller
    sigma_start: float
    sigma_end: float


@dataclass(frozen=True, kw_only=True)
class FitOptions:
    """How the fit goes about.

    Attributes:
        steps: of gradient descent in all.
        views_per_step: how many of the pictures a step looks at.
        smoothness: the lambda of the preconditioner.
        shape_rate: the largest move of the preconditioned coordinates a step, in radii of the first sphere; in the last third of a stage, a third of it.
        color_rate: of Adam on the vertex colours.
        color_weight, normal_weight: of the losses color_l1 and normal_consistency, beside silhouette_iou's 1.
        score_every: after so many steps the mesh is measured on all pictures, and the best one is remembered.
        seed: of the order in which pictures are looked at.
    """

    steps: int = 1200
    views_per_step: int = 6
    smoothness: float = 10.0
    shape_rate: float = 1.6e-2
    color_rate: float = 2e-2
    color_weight: float = 1.0
    normal_weight: float = 0.01
    score_every: int = 50
    seed: int = 0

    def __post_init__(self) -> None:
        for name, low in (("steps", 3), ("views_per_step", 1), ("score_every", 1), ("seed", 0)):
            check_integer("FitOptions", name, getattr(self, name), low, 2**31 - 1)
        for name in ("smoothness", "shape_rate", "color_rate", "color_weight", "normal_weight"):
            check_number("FitOptions", name, getattr(self, name), -1e-300)

    def stages(self, image_size: tuple[int, int]) -> list[Stage]:
        """Coarse to fine. sigma goes with the square of a pixel: softer than a pixel, silhouettes have a far reach; sharper, they are exact."""
        coarse = max(1, round(min(image_size) / 64))
        pixel_sq = (2 / min(image_size)) ** 2
        shares = [(0.35, 3, coarse, 1.0, 0.15), (0.35, 4, 1, 0.15, 0.03), (0.3, 5, 1, 0.03, 0.01)]
        ends = [round(self.steps * sum(share for share, *_ in shares[: i + 1])) for i in range(len(shares))]
        return [
            Stage(steps=end - start, subdivisions=level, reduction=reduction, sigma_start=high * pixel_sq, sigma_end=low * pixel_sq)
            for start, end, (_, level, reduction, high, low) in zip([0, *ends], ends, shares, strict=False)
        ]


@dataclass(frozen=True, kw_only=True)
class Score:
    """How well a mesh reproduces pictures.

    Attributes:
        iou: of the silhouettes (alpha > 0.5), averaged over pictures.
        psnr: of colour, dB, over all pixels inside both silhouettes (where they differ is the IoU's matter).
        psnr_white: dB over all pixels of the pictures laid over white, the figure that NeRF's literature gives.
    """

    iou: float
    psnr: float
    psnr_white: float


class NumpyAdam:
    """Adam on NumPy's arrays; with ``uniform`` all entries share the largest second moment, so that a step keeps the gradient's direction (Nicolet et al.).

    (`taichi_softras.Adam` moves Taichi's arrays where they are. What is moved here is solved and clipped by NumPy and SciPy between two steps, in float64, and
    the moments are plain arrays, which a fit saves.)
    """

    def __init__(self, uniform: bool = False, betas: tuple[float, float] = (0.9, 0.99)) -> None:
        self.uniform, self.betas = uniform, betas
        self.steps = 0
        self.first: Any = 0.0
        self.second: Any = 0.0

    def step(self, values: np.ndarray, grad: np.ndarray, rate: float) -> np.ndarray:
        """The values after one step."""
        b1, b2 = self.betas
        self.steps += 1
        self.first = b1 * self.first + (1 - b1) * grad
        self.second = b2 * self.second + (1 - b2) * grad * grad
        second = self.second.max() if self.uniform else self.second
        return values - rate * (self.first / (1 - b1**self.steps)) / (np.sqrt(second / (1 - b2**self.steps)) + 1e-12)


def initial_sphere(views: Views, subdivisions: int = 3) -> Mesh:
    """A grey sphere where the silhouettes say that the object is: nearest to the rays through their centroids, and as large as they look.

    Raises:
        ValueError: if the masks do not show where the object is: all are empty, or none has an outside.
    """
    check_kind("fit", "views", views, Views)
    check_integer("fit", "subdivisions", subdivisions, 0, 8)
    check_masks("fit", views.alpha, views.known)
    _, height, width = views.alpha.shape
    area = views.alpha.sum((1, 2))
    seen = area > 0
    half = min(height, width) / 2
    columns, rows = np.arange(width) + 0.5, np.arange(height) + 0.5
    weight = np.where(seen, area, 1.0)
    x = ((views.alpha.sum(1) @ columns) / weight - width / 2) / half
    y = (height / 2 - (views.alpha.sum(2) @ rows) / weight) / half
    rotation, focal = np.asarray(views.camera.camera_from_world)[:, :, :3], np.asarray(views.camera.intrinsics)
    eye = views.camera.eye
    rays = np.stack([(x - focal[:, 2]) / focal[:, 0], (y - focal[:, 3]) / focal[:, 1], -np.ones(len(views))], -1)
    rays = (rotation.swapaxes(1, 2) @ rays[:, :, None])[:, :, 0]
    rays /= np.linalg.norm(rays, axis=1, keepdims=True)
    across = (np.eye(3) - rays[:, :, None] * rays[:, None, :])[seen]
    centre = np.linalg.lstsq(across.sum(0), (across @ eye[seen][:, :, None]).sum(0)[:, 0], rcond=None)[0]
    distance = np.linalg.norm(eye - centre, axis=1)
    if not ((rays * (centre - eye)).sum(1)[seen] > 1e-6 * np.abs(eye - centre).max()).all():
        raise ValueError(
            "fit: the cameras must stand apart and look at one object, got cameras that have it behind or around them; "
            "transform_matrix must map the camera to the world, the camera looking along -z (OpenGL)"
        )
    radius = np.mean((np.sqrt(area / np.pi) / half * distance / focal[:, 0])[seen])
    sphere = Mesh.icosphere(subdivisions)
    return Mesh(vertices=sphere.vertices * radius + centre, faces=sphere.faces, colors=np.full_like(sphere.vertices, 0.5))


def score(rendered: Views, views: Views) -> Score:
    """Compares two sets of pictures of the same views."""
    for name, given in (("rendered", rendered), ("views", views)):
        check_kind("score", name, given, Views)
    if rendered.alpha.shape != views.alpha.shape:
        raise ValueError(f"score: rendered must have the shape of views, {views.alpha.shape}, got {rendered.alpha.shape}")
    a, b = rendered.alpha > 0.5, views.alpha > 0.5
    union = (a | b).sum((1, 2))
    iou = np.where(union > 0, (a & b).sum((1, 2)) / np.maximum(union, 1), 1.0).mean()
    inside = ((rendered.color - views.color) ** 2)[a & b]
    white = ((rendered.over_white() - views.over_white()) ** 2).mean()
    return Score(iou=float(iou), psnr=_psnr(inside.mean() if inside.size else 1.0), psnr_white=_psnr(white))


def _psnr(mean_square: float) -> float:
    return float(-10 * np.log10(max(float(mean_square), 1e-10)))


class Fit:
    """A fit in progress: `step` goes on, `save` and `load` keep all of its state.

    Args:
        views: the pictures to fit.
        options: how.

    Attributes:
        vertices, faces, colors: the mesh as it is now.
        best: the best mesh so far, by its IoU on the pictures.
        losses: the loss of every step.
        scores: (step, IoU) of every time that the mesh was measured.
    """

    def __init__(self, views: Views, options: FitOptions | None = None) -> None:
        self.views, self.options = views, options or FitOptions()
        check_kind("Fit", "views", views, Views)
        check_kind("Fit", "options", self.options, FitOptions)
        check_finite("Fit", "alpha of the views", views.alpha)
        check_finite("Fit", "color of the views", views.color)
        self.stages = self.options.stages(views.image_size)
        sphere = initial_sphere(views)
        self.centre = sphere.vertices.mean(0)
        self.radius = float(np.linalg.norm(sphere.vertices - self.centre, axis=1).mean())
        self._origin = self.centre if sphere.vertices.dtype == np.float64 else np.zeros(3)  # from which kernels count, as they have float32
        distance = np.linalg.norm(views.camera.eye - self.centre, axis=1)
        self.near, self.far = max(distance.min() - 4 * self.radius, 0.05 * distance.min()), distance.max() + 4 * self.radius
        self.vertices, self.faces = sphere.vertices.astype(np.float64), sphere.faces
        self.colors = np.full_like(self.vertices, 0.5)
        self.stage, self.stage_step = 0, 0
        self.losses: list[float] = []
        self.scores: list[tuple[int, float]] = []
        self.best, self.best_iou = sphere, -1.0
        self._shape_adam, self._color_adam = NumpyAdam(uniform=True), NumpyAdam()
        self._coordinates = self.vertices
        self._rng = np.random.default_rng(self.options.seed)
        self._queue: list[int] = []
        self._begin_stage()

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
        progress = self.stage_step / stage.steps
        self._renderer.settings = RasterizeSettings(
            sigma=stage.sigma_start * (stage.sigma_end / stage.sigma_start) ** progress, gamma=2.5e-4, cutoff=1e-3, near=self.near, far=self.far
        )
        loss, grad_vertices, grad_colors = self._gradients(self._next_views())
        if not (np.isfinite(loss) and np.isfinite(grad_vertices).all() and np.isfinite(grad_colors).all()):
            raise FloatingPointError(f"fit: the gradient must be finite, got NaN or infinity at step {len(self.losses)}")
        shape_rate = options.shape_rate * self.radius * (1.0 if progress < 0.7 else 0.3)
        self._coordinates = self._shape_adam.step(self._coordinates, self._solve(grad_vertices), shape_rate)
        self.vertices = self._solve(self._coordinates)
        self.colors = np.clip(self._color_adam.step(self.colors, grad_colors, options.color_rate), 0, 1)
        self.losses.append(loss)
        self.stage_step += 1
        last_of_stage = self.stage_step == stage.steps
        if last_of_stage or len(self.losses) % options.score_every == 0:
            self.remember_best()
        if last_of_stage:
            self.stage, self.stage_step = self.stage + 1, 0
            if not self.done:
                self._refine(self.stages[self.stage].subdivisions - stage.subdivisions)
                self._begin_stage()
        return loss

    def render(self, mesh: Mesh, views: Views, samples: int = 4) -> Views:
        """Sharp pictures of a mesh from the cameras of ``views``, whatever the unit of the world."""
        distance = np.linalg.norm(views.camera.eye - self.centre, axis=1)
        settings = replace(SHARP, near=1e-3 * float(distance.min()), far=float(distance.max()) + 10 * self.radius)
        samples = min(samples, MAX_IMAGE_SIDE // max(views.image_size))
        return render_views(mesh, views.camera, views.image_size, views.names, settings, samples)

    def _next_views(self) -> list[int]:
        """Pictures in random order; each is seen once before any is seen again."""
        picked: list[int] = []
        while len(picked) < self._views_per_step:
            if not self._queue:
                self._queue = [int(i) for i in self._rng.permutation(len(self.views)) if i not in picked]
            picked.append(self._queue.pop())
        return picked

    def _gradients(self, picked: list[int]) -> tuple[float, np.ndarray, np.ndarray]:
        options, arrays = self.options, self._renderer.arrays
        vertices, colors, loss = (self._renderer.parameter(values) for values in (self.vertices - self._origin, self.colors, np.zeros(1)))
        alpha, color = arrays.real(self._views.alpha[picked]), arrays.real(self._views.color[picked])
        with ti.ad.Tape(loss):
            image = self._renderer(vertices, self._topology, self._camera[picked], colors)
            losses.silhouette_iou(image.alpha, alpha, into=loss)
            losses.color_l1(image.color, color, alpha, into=loss, weight=options.color_weight)
            losses.normal_consistency(vertices, self._connectivity, into=loss, weight=options.normal_weight)
        return float(loss.to_numpy()[0]), vertices.grad.to_numpy().astype(np.float64), colors.grad.to_numpy().astype(np.float64)

    def _refine(self, times: int) -> None:
        """Splits every face in four."""
        for _ in range(times):
            both, faces = trimesh.remesh.subdivide(np.concatenate([self.vertices, self.colors], 1), self.faces)
            self.vertices, self.colors, self.faces = both[:, :3], both[:, 3:], faces.astype(np.int32)

    def _begin_stage(self) -> None:
        """What follows from the mesh and the stage, made anew."""
        stage, n = self.stages[self.stage], len(self.vertices)
        self._views = self.views.reduced(stage.reduction)
        self._camera = self._views.camera.about(self._origin)
        self._views_per_step = min(self.options.views_per_step, len(self.views))
        self._connectivity = Connectivity.of(self.faces, n)
        self._topology = Topology.shared(self.faces, n, self._views_per_step)
        self._renderer = Renderer(self._views.image_size)
        system = self._connectivity.smoothing_system(self.options.smoothness)
        self._solve = spla.splu(system).solve
        self._coordinates = system @ self.vertices
        self._shape_adam, self._color_adam = NumpyAdam(uniform=True), NumpyAdam()

    def remember_best(self) -> None:
        """Measures the mesh as it is now, unless that is done; keeps it if none was better."""
        if self.scores and self.scores[-1][0] == len(self.losses):
            return
        mesh = self.mesh
        iou = score(self.render(mesh, self.views, samples=1), self.views).iou
        self.scores.append((len(self.losses), iou))
        if iou >= self.best_iou:
            self.best, self.best_iou = mesh, iou

    def save(self, path: str | Path) -> None:
        """Writes all of the state, so that an interruption at any moment leaves either the old file or the new one."""
        path = as_path("Fit.save", "path", path)
        facts = {
            "options": asdict(self.options),
            "pictures": [list(self.views.names), list(self.views.image_size)],
            "stage": self.stage,
            "stage_step": self.stage_step,
            "losses": self.losses,
            "scores": self.scores,
            "best_iou": self.best_iou,
            "queue": self._queue,
            "random": self._rng.bit_generator.state,
            "adam_steps": [self._shape_adam.steps, self._color_adam.steps],
        }
        adam = {f"{name}_{moment}": getattr(optimizer, moment) for name, optimizer in self._adams() for moment in ("first", "second")}
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
                **adam,
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
            fit = cls(views, FitOptions(**facts["options"]))
            fit._restore(arrays, facts)
        except (*UNREADABLE, zipfile.BadZipFile, zlib.error) as error:
            raise ValueError(f"Fit.load: {path} must be a saved fit, got {type(error).__name__}: {error}") from error
        return fit

    def _restore(self, arrays: dict[str, np.ndarray], facts: dict[str, Any]) -> None:
        """Takes over what :meth:`save` has written, if it goes together."""
        mesh = Mesh(vertices=arrays["vertices"], faces=arrays["faces"], colors=arrays["colors"])
        self.best = Mesh(vertices=arrays["best_vertices"], faces=arrays["best_faces"], colors=arrays["best_colors"])
        numbers = ("vertices", "colors", "coordinates", *(f"{name}_{moment}" for name, _ in self._adams() for moment in ("first", "second")))
        for name in numbers:
            begun = not (name.endswith(("_first", "_second")) and arrays[name].ndim == 0)  # before its first step Adam has plain noughts
            check_array("Fit", name, arrays[name], mesh.vertices.shape if begun else ())
            check_finite("Fit", name, arrays[name])
        check_integer("Fit", "stage", facts["stage"], 0, len(self.stages))
        self.stage = facts["stage"]
        check_integer("Fit", "stage_step", facts["stage_step"], 0, 0 if self.done else self.stages[self.stage].steps - 1)
        self.stage_step = facts["stage_step"]
        self.vertices, self.faces, self.colors = arrays["vertices"].astype(np.float64), mesh.faces, arrays["colors"].astype(np.float64)
        if not self.done:
            self._begin_stage()
        self._coordinates = arrays["coordinates"].astype(np.float64)
        for (name, optimizer), steps in zip(self._adams(), facts["adam_steps"], strict=True):
            check_integer("Fit", "adam_steps", steps, 0, 2**31 - 1)
            optimizer.steps, optimizer.first, optimizer.second = steps, arrays[f"{name}_first"], arrays[f"{name}_second"]
        self.losses, self.scores = [float(loss) for loss in facts["losses"]], [(int(step), float(iou)) for step, iou in facts["scores"]]
        self.best_iou = float(facts["best_iou"])
        self._queue = check_indices("Fit", "queue", facts["queue"], "pictures", len(self.views)).tolist()
        self._rng.bit_generator.state = facts["random"]

    def _adams(self) -> list[tuple[str, NumpyAdam]]:
        return [("shape", self._shape_adam), ("color", self._color_adam)]
