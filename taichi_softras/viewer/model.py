"""The viewer without its window: the scene, the optimisation, how fine to draw, and what is exported."""

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from ..recover import Views, save_animation, save_picture
from ..scene import Mesh, RasterizeSettings
from .keys import KEYS
from .optimise import Loss, Optimisation, Task, starting_mesh, views_of, with_vertex_colors
from .overlay import draw_plot, draw_text, enlarge
from .scene import FAR, NEAR, Scene, View

__all__ = ["Model", "Refinement"]

PICKING_SIDE = 320  # pixels of the picture in which the face under the cursor is looked up
VIDEO_SIDE, VIDEO_FRAMES = 480, 600
FIT_SIGMA = 3e-4  # about a third of a squared pixel of the pictures that are fitted


# Where in its pixels a picture at rest is looked at (pixels to the right, and down), one picture after the other, so that a hand that moves again need not wait
# for all four: their mean is antialiased.
SAMPLES = ((-0.25, -0.25), (0.25, 0.25), (0.25, -0.25), (-0.25, 0.25))


class Refinement:
    """How fine to draw: coarse enough to follow the hand while something moves, finer and finer at rest, in the end from all `SAMPLES`.

    Args:
        moving: seconds that a picture may take while something moves.
        resting: seconds that one may take at rest, of the samples all together; what would take longer is not begun.
        clock: for tests.
    """

    SCALES = (0.0625, 0.125, 0.1875, 0.25, 0.375, 0.5, 0.75, 1.0)  # pixels per pixel of the window
    REST = 0.25  # seconds without motion

    def __init__(self, moving: float = 0.07, resting: float = 1.5, clock: Callable[[], float] = time.monotonic) -> None:
        self.moving, self.resting, self._clock = moving, resting, clock
        self._level, self._moved = 3, clock()  # the level that follows the hand
        self._shown = -1  # the level that the picture on the screen has; -1: it is out of date
        self._seconds, self._measured = 0.0, 0  # of the last picture, and its level

    def touch(self) -> None:
        """Something has moved."""
        self._moved, self._shown = self._clock(), -1

    def next(self) -> float | None:
        """The scale of the picture to draw now, None if the one on the screen is as good as it gets."""
        if self._shown < 0:
            return self.SCALES[self._level]
        finer, whole = self._shown + 1, len(self.SCALES)
        if finer == whole + len(SAMPLES) or self._clock() - self._moved < self.REST:
            return None
        if finer > whole:  # the others of the samples
            return self.SCALES[-1]
        cost = len(SAMPLES) if finer == whole else (self.SCALES[finer] / self.SCALES[self._shown]) ** 2
        return None if self._seconds * cost > self.resting else self.SCALES[min(finer, whole - 1)]

    @property
    def sample(self) -> int | None:
        """Which of the `SAMPLES` the picture to draw now is; None as long as it is coarser."""
        which = self._shown + 1 - len(self.SCALES)
        return None if which < 0 else which

    def measured(self, scale: float, seconds: float, doubtful: bool = False) -> None:
        """A picture of this scale has been drawn. One that is ``doubtful`` may have waited for a compiler: it took at most twice what the last one tells."""
        level = self.SCALES.index(scale)
        follows = level == self._level
        told = 2 * self._seconds * (scale / self.SCALES[self._measured]) ** 2
        self._shown = level if self.sample is None else self._shown + 1
        self._measured, self._seconds = level, min(seconds, told) if doubtful and told > 0 else seconds
        seconds = self._seconds
        if follows and seconds > self.moving:
            while self._level > 0 and seconds * (self.SCALES[self._level] / scale) ** 2 > self.moving:
                self._level -= 1
        elif follows and level + 2 < len(self.SCALES) and seconds * (self.SCALES[level + 1] / scale) ** 2 < self.moving:
            self._level += 1


class Model:
    """All that the viewer does.

    Args:
        mesh: what is shown.
        target: what an optimisation is to reach: a mesh, or pictures; by default the mesh itself, from another start.
        out: the folder of what is exported.
        origin: [3] where the origin of the mesh is in the world of what is exported; by default in the same place.

    Attributes:
        scene: the mesh, its camera and its look.
        task, loss: what is recovered, and whose gradient is shown.
        fit_sigma: softness of edges in the optimisation.
        optimisation: the one in progress, or None.
        running: whether it goes on by itself.
        help: whether the keys are shown.
        message: the last event, for people.
        drawn, samples, seconds: height and width of the last picture that was drawn, before it was enlarged, of how many `SAMPLES` it is the mean, and how
            long that took.
    """

    def __init__(self, mesh: Mesh, target: Mesh | Views | None = None, out: str | Path = "out/view", origin: np.ndarray | None = None) -> None:
        self.start, self._target, self.out, self._origin = mesh, target, Path(out), origin
        self.scene, self.refinement = Scene(mesh), Refinement()
        self.task, self.loss, self.fit_sigma = Task.SHAPE_AND_COLOR, Loss.TOTAL, FIT_SIGMA
        self.optimisation: Optimisation | None = None
        self.running, self.help, self.message = False, False, ""
        self.drawn, self.samples, self.seconds = (0, 0), 1, 0.0
        self._sampled: list[tuple[np.ndarray, float]] = []  # pictures, and their seconds
        self._picture: np.ndarray | None = None
        self._frames: list[np.ndarray] | None = None
        self._frame_times: list[float] = []
        self._compiled: set[tuple[Any, ...]] = set()
        self._timed: set[tuple[tuple[Any, ...], float]] = set()
        self._views: Views | None = None
        self._gradient_of: tuple[Any, ...] = ()

    def another(self) -> "Model":
        """One that begins with what this one shows, for somebody else: the mesh, the look, the task."""
        other = Model(self.start, self._target, self.out, self._origin)
        other.scene.look, other.scene.orbit, other.scene.face = replace(self.scene.look), replace(self.scene.orbit), self.scene.face
        other.task, other.loss, other.fit_sigma, other.running, other._views = self.task, self.loss, self.fit_sigma, self.running, self._views
        return other

    # ---------------------------------------------------------------------------------------------------------------- pictures

    @property
    def compiles(self) -> bool:
        """Whether the next picture or step waits some seconds for kernels."""
        steps = (self.running or self.scene.look.view is View.GRADIENT) and self._kernels not in self._compiled
        return steps or (self.refinement.next() is not None and self.scene.compiles)

    def touch(self) -> None:
        """Something that is seen has changed."""
        self.refinement.touch()

    def draw(self, height: int, width: int) -> np.ndarray | None:
        """The picture [h, w, 3] in [0, 1] of a window of height x width pixels, as coarse or fine as it is drawn now; None if there is no other one (yet)."""
        scale, sample = self.refinement.next(), self.refinement.sample
        if scale is None:
            return None
        compiled, began = self.scene.compiles, time.monotonic()
        scale = self.refinement.SCALES[0] if compiled else scale  # what nobody has timed yet may be slow
        picture = self._render((max(1, round(height * scale)), max(1, round(width * scale))), (0.0, 0.0) if sample is None else SAMPLES[sample])
        seconds = time.monotonic() - began
        first = (self.scene.kernels, scale)  # a larger picture may be drawn by other kernels: with more threads
        self.refinement.measured(scale, self.refinement.moving if compiled else seconds, first not in self._timed)  # the time of a compiler tells nothing
        self._timed.add(first)
        self._sampled = [*(self._sampled if sample else []), (picture, seconds)]
        if sample is not None and len(self._sampled) < len(SAMPLES):
            return None
        pictures, times = zip(*self._sampled, strict=True)
        self._sampled = []
        self.drawn, self.samples, self.seconds = picture.shape[:2], len(pictures), sum(times)
        return np.asarray(np.mean(pictures, axis=0))

    def frame(self, height: int, width: int) -> np.ndarray:
        """The picture [height, width, 3] uint8 that the window shows now: drawn if it is out of date, or could be finer."""
        if self._picture is None or self._picture.shape[:2] != (height, width):
            self.touch()
        picture = self.draw(height, width)
        if picture is not None:
            self._picture = enlarge(picture, height, width)
            self._record(self._picture)
        assert self._picture is not None
        return self._annotated(self._picture)

    def best_frame(self, height: int, width: int) -> np.ndarray:
        """The picture [height, width, 3] uint8 as fine as it gets, however long that takes."""
        return self._annotated(self._finest(height, width))

    def _finest(self, height: int, width: int) -> np.ndarray:
        return enlarge(np.mean([self._render((height, width), offset) for offset in SAMPLES], axis=0), height, width)

    def _render(self, image_size: tuple[int, int], offset: tuple[float, float]) -> np.ndarray:
        if self.scene.look.view is View.GRADIENT:
            self._update_gradient()
        return self.scene.render(image_size, offset)

    def _annotated(self, picture: np.ndarray) -> np.ndarray:
        if self.optimisation is not None and self.optimisation.losses:
            picture = draw_plot(picture, self.optimisation.losses, self.optimisation.task.value)
        return draw_text(picture, KEYS) if self.help else picture

    def hover(self, x: float, y: float, height: int, width: int) -> None:
        """The cursor stands there (fractions from the picture's lower left corner): its face is the one whose coverage is shown; without one, the last."""
        if self.scene.look.view is not View.COVERAGE:
            return
        shrink = min(1.0, PICKING_SIDE / max(height, width))
        face = self.scene.pick(x, y, (max(1, round(height * shrink)), max(1, round(width * shrink))))
        if face not in (-1, self.scene.face):
            self.scene.face = face
            self.touch()

    # ------------------------------------------------------------------------------------------------------------- optimisation

    @property
    def views(self) -> Views:
        """The pictures that an optimisation is to reach."""
        if self._views is None:
            self._views = self._target if isinstance(self._target, Views) else views_of(self.start if self._target is None else self._target)
        return self._views

    def begin(self) -> Optimisation:
        """The optimisation in progress; begins one if there is none, or none of this task. Towards a target it goes on from the mesh that is shown."""
        if self.optimisation is None or self.optimisation.task is not self.task:
            own = self._target is None
            start = starting_mesh(self.task, self.start, self.views) if own else with_vertex_colors(self.scene.mesh)
            self.optimisation = Optimisation(self.task, start, self.views, self._fit_settings)
            self._show(self.optimisation.mesh)
        self.optimisation.settings = self._fit_settings
        return self.optimisation

    def step(self) -> float:
        """One step; the mesh that is shown follows. A step that fails pauses."""
        optimisation = self.begin()
        try:
            loss = optimisation.step()
        except FloatingPointError as error:
            self.running, self.message = False, str(error)
            return float("nan")
        self._compiled.add(self._kernels)
        self._show(optimisation.mesh)
        return loss

    def reset(self) -> None:
        """Back to the mesh that was given; what was recovered is forgotten."""
        self.running, self.optimisation = False, None
        self._show(self.start)

    def _show(self, mesh: Mesh) -> None:
        self.scene.show(mesh)
        self._gradient_of = ()
        self.touch()

    @property
    def _fit_settings(self) -> RasterizeSettings:
        """The choices of the look; softness of its own; depths as far as the cameras are."""
        distance = np.linalg.norm(self.views.camera.eye - self.start.vertices.mean(0), axis=1)
        radius = self.scene.orbit.radius
        near = max(NEAR * radius, float(distance.min()) - 4 * radius)
        return replace(
            self.scene.settings, sigma=self.fit_sigma, gamma=2.5e-4, cutoff=1e-3, near=near, far=max(float(distance.max()) + 4 * radius, FAR * near / 10)
        )

    @property
    def _kernels(self) -> tuple[Any, ...]:
        look = self.scene.look
        shown = self.loss if look.view is View.GRADIENT else Loss.TOTAL
        return self.task, shown, look.distribution, look.silhouette, look.distance, look.blending

    def _update_gradient(self) -> None:
        optimisation = self.begin()
        key = (id(optimisation), len(optimisation.losses), self.loss, optimisation.settings)
        if key != self._gradient_of:
            self.scene.magnitudes = np.linalg.norm(optimisation.gradient(self.loss), axis=1)
            self._compiled.add(self._kernels)
            self._gradient_of = key

    # ------------------------------------------------------------------------------------------------------------------ exports

    def save_picture(self, height: int, width: int) -> Path:
        """The view as fine as it gets, as a new PNG in the folder of exports."""
        path = self._new("picture", ".png")
        save_picture(path, self._finest(height, width) / 255)
        self.message = f"saved {path}"
        return path

    def save_mesh(self) -> Path:
        """The mesh that is shown, as a new GLB in the folder of exports, where it is in the world of the pictures."""
        path, mesh = self._new("mesh", ".glb"), self.scene.mesh
        (mesh if self._origin is None or not self._origin.any() else replace(mesh, vertices=mesh.vertices + self._origin)).save(path)
        self.message = f"saved {path}"
        return path

    @property
    def recording(self) -> bool:
        return self._frames is not None

    def record(self) -> Path | None:
        """Begins to record what is drawn, or ends it: then a new GIF is in the folder of exports, and its path is returned (None if nothing was drawn)."""
        if self._frames is None:
            self._frames, self._frame_times, self.message = [], [], "recording"
            self.touch()
            return None
        frames, self._frames = self._frames, None
        if not frames:
            self.message = "nothing was recorded"
            return None
        path = self._new("video", ".gif")
        seconds = self._frame_times[-1] - self._frame_times[0]
        save_animation(path, frames, max(seconds, 0.04 * len(frames)))
        self.message = f"saved {path}"
        return path

    def _record(self, picture: np.ndarray) -> None:
        if self._frames is None:
            return
        height, width = picture.shape[:2]
        shrink = min(1.0, VIDEO_SIDE / max(height, width))
        self._frames.append(enlarge(self._annotated(picture) / 255, round(height * shrink), round(width * shrink)) / 255)
        self._frame_times.append(time.monotonic())
        if len(self._frames) == VIDEO_FRAMES:
            self.record()

    def _new(self, name: str, suffix: str) -> Path:
        """A path in the folder of exports that does not exist yet."""
        number = 1
        while (path := self.out / f"{name}_{number:03d}{suffix}").exists():
            number += 1
        return path
