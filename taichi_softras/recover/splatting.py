"""Triangles from pictures of what is not one surface: each moves by itself, lets light through, and in the end does not.

Held et al., "Triangle Splatting for Real-Time Radiance Field Rendering", arXiv 2505.19175: three free corners, a colour, an opacity and a window each;
where the pictures pull most, triangles are divided. Held et al., "MeshSplatting: Differentiable Rendering with Opaque Meshes", arXiv 2512.06818: towards the
end a floor under the opacities rises to one and windows become sharp, so that an opaque mesh is left. There, what would rather be transparent is removed.
Here it becomes a screen door: as a triangle grows opaque it shrinks, so that it holds back as much light as before, and those that have much to shrink are
divided first, into pieces so small that a pixel sees several, with gaps between them.
"""

import json
import zipfile
import zlib
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from scipy import ndimage
from scipy.spatial.transform import Rotation

from ..checks import as_array, check_array, check_finite, check_indices, check_integer, check_kind, check_number, check_unit
from ..engine import Renderer, project_points
from ..language import ti
from ..replacing import replacing
from ..scene import Topology, as_path, read_arrays
from .hull import Hull, bounding_sphere, visual_hull
from .metrics import score
from .optimize import NumpyAdam, next_views
from .rendering import depth_range
from .triangles import SHARPEST, Triangles, composited_from, mean_of_window, settings_for
from .views import Views

__all__ = ["SplatFit", "SplatOptions", "first_triangles"]

MAX_BYTES = 1 << 30  # of a saved fit, unpacked
UNREADABLE = (OSError, LookupError, EOFError, ValueError, TypeError, AttributeError, ArithmeticError, MemoryError, zipfile.BadZipFile, zlib.error)
PARTS = ("corners", "colors", "opacity", "window")  # what is moved, as it is moved: opacity by its logit, window by its logarithm
FIRST_OPACITY, FIRST_WINDOW = 0.3, 1.0
WINDOWS = (0.1, 4.0)  # exponents while they are found; the first is also that at which hardening arrives
LOGITS = 7.0  # opacities stay so far from 0 and 1 that they can come back
GROWING, HARDENING, HARD = (0.04, 0.5), 0.6, 0.9  # parts of the way: triangles are divided; the floor begins to rise; it has risen
GROWN = 0.75  # of all triangles there may be: so many there are before small pieces are made
EVENTS = 60  # times in all that triangles are looked through
FAINT = 0.03  # opacity below which a triangle is removed at any time
SHRINKING, FINE, TWICE = 0.7, 3.0, 6  # what is less opaque becomes pieces with edges of so many pixels, halved at most so often
LOST = 0.05  # squared pixels: smaller pieces are removed
CELLS = 64  # of the hull's grid, along its longest side
ON_SURFACE = 3.0  # as many triangles begin in a cell at the hull's surface as in so many within
LARGE = 3.0  # pixels: while they grow in number, triangles with longer edges are divided in four, others doubled
SCORED = 8  # fitted pictures that progress is told by
ROUNDING = (
    0.1,
    1.0,
)  # differences are counted straight above and squared below it: while triangles grow in number, and from then on. Pieces and gaps are right on
# average, which squares alone see (straight differences would have each pixel either covered or bare)
TRIED = 6  # sizes of the opaque ones
COLORED_BY = 24  # pictures that the first colours are a mean of


@dataclass(frozen=True, kw_only=True)
class SplatOptions:
    """How splatting goes about.

    Attributes:
        steps: of descent in all; in the last two fifths triangles become opaque and sharp.
        views_per_step: how many of the pictures a step looks at.
        triangles: how many there are at most; a quarter of them is kept for the pieces of what is half transparent when all become opaque.
        start: with how many it begins, as a part of these.
        corner_rate: of Adam on corners, pixels a step at first; a tenth of it at the end.
        color_rate, opacity_rate, window_rate: of Adam on colours, on logits of opacities, on logarithms of windows.
        alpha_weight: of the difference of alpha, beside that of the colours over white.
        score_every: after so many steps they are measured.
        seed: of all that is random.
    """

    steps: int = 6000
    views_per_step: int = 1
    triangles: int = 20_000
    start: float = 0.3
    corner_rate: float = 0.2
    color_rate: float = 2e-2
    opacity_rate: float = 5e-2
    window_rate: float = 2e-2
    alpha_weight: float = 0.5
    score_every: int = 200
    seed: int = 0

    def __post_init__(self) -> None:
        for name, low in (("steps", 10), ("views_per_step", 1), ("triangles", 1), ("score_every", 1), ("seed", 0)):
            check_integer("SplatOptions", name, getattr(self, name), low, 2**31 - 1)
        check_number("SplatOptions", "start", self.start, 0.0, 1.0 + 1e-9)
        for name in ("corner_rate", "color_rate", "opacity_rate", "window_rate", "alpha_weight"):
            check_number("SplatOptions", name, getattr(self, name), 0.0, low_too=True)


def first_triangles(views: Views, count: int, points: np.ndarray | None = None, seed: int = 0) -> Triangles:
    """Half-transparent triangles at random all over the visual hull of the masks, its surface more than its inside; in the mean colours of what they cover.

    Args:
        count: of the triangles.
        points: [P, 3] of structure from motion, world; those in the hull are taken before places at random are.

    Raises:
        ValueError: if the masks and the cameras leave no place for an object.
    """
    op = "first_triangles"
    check_kind(op, "views", views, Views)
    check_integer(op, "count", count, 1, 2**31 - 1)
    check_integer(op, "seed", seed, 0, 2**31 - 1)
    if points is not None:
        points = as_array(op, "points", points)
        check_array(op, "points", points, ("P", 3))
        check_finite(op, "points", points)
    rng = np.random.default_rng(seed)
    hull = visual_hull(views, CELLS)
    pixel = _pixel_size(views)
    inside = np.argwhere(hull.values > -pixel)  # thin parts have no inside as large as a cell
    if not len(inside):
        raise ValueError("fit: the masks must agree on an object, got masks that leave no place for one; are the cameras right?")
    weight = np.where(hull.values[tuple(inside.T)] < hull.spacing, ON_SURFACE, 1.0)
    chosen = inside[rng.choice(len(inside), count, p=weight / weight.sum())]
    places = hull.origin + hull.spacing * (chosen + rng.uniform(-0.5, 0.5, chosen.shape))
    if points is not None:
        known = _within(hull, points.astype(np.float64), pixel)
        known = known[rng.permutation(len(known))[:count]]
        places[: len(known)] = known
    size = np.clip((len(inside) * hull.spacing**3 / count) ** (1 / 3), 2 * pixel, 8 * pixel)
    angle = np.arange(3) * 2 * np.pi / 3
    flat = np.stack([np.cos(angle), np.sin(angle), np.zeros(3)], -1)
    turned = np.einsum("nij,kj->nki", Rotation.random(count, random_state=rng).as_matrix(), flat)
    colors = _colors_at(views, places)
    return Triangles(
        corners=places[:, None] + size * turned,
        colors=np.repeat(colors[:, None], 3, 1),
        opacity=np.full(count, FIRST_OPACITY, np.float32),
        window=np.full(count, FIRST_WINDOW, np.float32),
    )


def _pixel_size(views: Views) -> float:
    """Of a pixel in the world, at the object."""
    centre, _ = bounding_sphere(views)
    distance = np.linalg.norm(views.camera.eye - centre, axis=1)
    return float((distance / np.asarray(views.camera.intrinsics)[:, 0]).mean()) * 2 / min(views.image_size)


def _within(hull: Hull, points: np.ndarray, slack: float) -> np.ndarray:
    """Those of the points that are in the hull, or nearly."""
    value = ndimage.map_coordinates(hull.values, ((points - hull.origin) / hull.spacing).T, order=1, mode="constant", cval=-np.inf)
    return points[value > -slack]


def _colors_at(views: Views, places: np.ndarray) -> np.ndarray:
    """[P, 3]: the mean of what some of the pictures show where the places are; grey where none shows the object."""
    views = views.select(np.unique(np.linspace(0, len(views) - 1, COLORED_BY).astype(int)))
    height, width = views.image_size
    screen = project_points(places, views.camera)
    column = np.clip(np.floor(screen[..., 0] * min(height, width) / 2 + width / 2), 0, width - 1).astype(int)
    row = np.clip(np.floor(height / 2 - screen[..., 1] * min(height, width) / 2), 0, height - 1).astype(int)
    at = (np.arange(len(views))[:, None], row, column)
    weight = views.alpha[at][..., None].astype(np.float64) + 1e-6
    return np.clip((weight * np.where(weight > 1e-3, views.color[at], 0.5)).sum(0) / weight.sum(0), 0, 1)


class SplatFit:
    """Splatting in progress: `step` goes on, `save` and `load` keep all of its state.

    Args:
        views: the pictures to fit.
        options: how.
        points: [P, 3] to begin at, see `first_triangles`.

    Attributes:
        soft: the triangles before they were hardened; None until then.
        losses: the loss of every step.
        scores: (step, PSNR over white) of every time that they were measured, on some of the pictures.
    """

    CHANGES = (HARDENING, HARD)  # parts of the way where another begins

    def __init__(self, views: Views, options: SplatOptions | None = None, points: np.ndarray | None = None) -> None:
        options = options or SplatOptions()
        check_kind("SplatFit", "views", views, Views)
        check_kind("SplatFit", "options", options, SplatOptions)
        check_finite("SplatFit", "alpha of the views", views.alpha)
        check_finite("SplatFit", "color of the views", views.color)
        check_unit("SplatFit", "alpha of the views", views.alpha)
        check_unit("SplatFit", "color of the views", views.color)
        self._prepare(views, options)
        first = first_triangles(views, max(1, round(options.start * options.triangles)), points, options.seed)
        self._take(first)

    def _prepare(self, views: Views, options: SplatOptions) -> None:
        """All that follows from pictures and options alone."""
        self.views, self.options = views, options
        self.centre, self.radius = bounding_sphere(views)
        self._pixel = _pixel_size(views)
        self._settings = settings_for(*depth_range(views.camera, self.centre, self.radius))
        self._camera = views.camera.about(self.centre)
        self._white = views.over_white().astype(np.float32)
        self._views_per_step = min(options.views_per_step, len(views))
        self._rng = np.random.default_rng(options.seed)
        self._queue: list[int] = []
        self.losses: list[float] = []
        self.scores: list[tuple[int, float]] = []
        self.soft: Triangles | None = None
        self._adams = {name: NumpyAdam(betas=(0.9, 0.99)) for name in PARTS}

    def _take(self, triangles: Triangles) -> None:
        """Begins with them."""
        n = len(triangles)
        opacity = np.clip(triangles.opacity.astype(np.float64), 1e-3, 1 - 1e-3)
        self._values = {
            "corners": triangles.corners.reshape(n, 9).astype(np.float64) - np.tile(self.centre, 3),
            "colors": triangles.colors.reshape(n, 9).astype(np.float64),
            "opacity": np.log(opacity / (1 - opacity))[:, None],
            "window": np.log(np.clip(triangles.window.astype(np.float64), *WINDOWS))[:, None],
        }
        self._pull, self._seen = np.zeros(n), np.zeros(n)

    def __len__(self) -> int:
        """Triangles at present."""
        return len(self._values["corners"])

    @property
    def done(self) -> bool:
        return len(self.losses) >= self.options.steps

    @property
    def hardness(self) -> float:
        """The floor under the opacities: 0 while triangles are soft, 1 where they are opaque."""
        return self._hardness_at(len(self.losses))

    def _hardness_at(self, step: int) -> float:
        return float(np.clip((step / self.options.steps - HARDENING) / (HARD - HARDENING), 0, 1))

    @property
    def triangles(self) -> Triangles:
        """As they are now."""
        opacity, window = self._shown(self.hardness)
        return Triangles(
            corners=(self._values["corners"] + np.tile(self.centre, 3)).reshape(-1, 3, 3),
            colors=self._values["colors"].reshape(-1, 3, 3),
            opacity=np.minimum(opacity[:, 0], 1),
            window=window[:, 0],
        )

    @property
    def hardened(self) -> Triangles:
        """As they are now, but opaque and sharp, and smaller: at most by the light that they let through.

        Where they overlap they need not shrink as much: by how much is tried out on some of the pictures.
        """
        light, some = self._light(self.hardness), self._some
        tried = [self._opaque(light**power) for power in np.linspace(0, 1, TRIED)]
        return max(tried, key=lambda triangles: score(composited_from(some, triangles), some).psnr_white)

    def _opaque(self, part: np.ndarray) -> Triangles:
        """Opaque and sharp, shrunk to a part [F] of their area."""
        n, corners = len(self), _shrunk(self._values["corners"], part) + np.tile(self.centre, 3)
        colors = self._values["colors"].reshape(-1, 3, 3)
        return Triangles(corners=corners.reshape(-1, 3, 3), colors=colors, opacity=np.ones(n, np.float32), window=np.full(n, SHARPEST, np.float32))

    @property
    def _some(self) -> Views:
        """Those of the pictures that progress is told by."""
        return self.views.select(np.unique(np.linspace(0, len(self.views) - 1, SCORED).astype(int)))

    def _shown(self, hard: float) -> tuple[np.ndarray, np.ndarray]:
        """[F, 1] opacities and exponents of windows, as hard as they are told to be."""
        opacity = np.minimum(hard + (1 - hard) * _sigmoid(self._values["opacity"]), 1)
        return opacity, np.exp((1 - hard) * self._values["window"] + hard * np.log(WINDOWS[0]))

    def _light(self, hard: float) -> np.ndarray:
        """[F]: the part of the light on each triangle that it holds back."""
        opacity, window = self._shown(hard)
        return opacity[:, 0] * mean_of_window(window[:, 0])

    def step(self) -> float:
        """One step of descent. Returns the loss before it."""
        options, progress, hard = self.options, len(self.losses) / self.options.steps, self.hardness
        if hard > 0:
            self._harden(self._hardness_at(len(self.losses) - 1), hard)
        loss, grads = self._gradients(next_views(self._queue, len(self.views), self._views_per_step, self._rng), 2 if hard > 0.5 else 1)
        if not (np.isfinite(loss) and all(np.isfinite(grad).all() for grad in grads.values())):
            raise FloatingPointError(f"fit: the gradient must be finite, got NaN or infinity at step {len(self.losses)}")
        self._pull += np.linalg.norm(grads["corners"], axis=1)
        self._seen += np.abs(grads["colors"]).sum(1)
        fade = 0.1**progress
        rates = {
            "corners": options.corner_rate * self._pixel * fade,
            "colors": options.color_rate * fade**0.5,
            "opacity": options.opacity_rate,
            "window": options.window_rate,
        }
        for name, grad in grads.items():
            self._values[name] = self._adams[name].step(self._values[name], grad, rates[name])
        np.clip(self._values["colors"], 0, 1, out=self._values["colors"])
        np.clip(self._values["opacity"], -LOGITS, LOGITS, out=self._values["opacity"])
        np.clip(self._values["window"], *np.log(WINDOWS), out=self._values["window"])
        self.losses.append(loss)
        if len(self.losses) % max(1, options.steps // EVENTS) == 0 and not self.done:
            self._look_through()
        if len(self.losses) % options.score_every == 0 or self.done:
            self.measure()
        return loss

    def _harden(self, before: float, hard: float) -> None:
        """Makes them harder, and smaller, so that they hold back as much light as ``before``. At first the soft ones are set aside, and small pieces made."""
        if self.soft is None:
            self.soft = self._soft_now()
            self._make_pieces()
        self._values["corners"] = _shrunk(self._values["corners"], self._light(before) / self._light(hard))

    def _soft_now(self) -> Triangles:
        """As they would be with no floor."""
        now = self.triangles
        return Triangles(
            corners=now.corners, colors=now.colors, opacity=_sigmoid(self._values["opacity"][:, 0]), window=np.exp(self._values["window"][:, 0])
        )  # fmt: skip

    def _gradients(self, picked: list[int], samples: int) -> tuple[float, dict[str, np.ndarray]]:
        """The loss of some pictures, each pixel the mean of ``samples`` squared, and its gradient to all that is moved: all while soft, then two."""
        n, (height, width) = len(self), self.views.image_size
        renderer = Renderer((height * samples, width * samples), self._settings)
        arrays = renderer.arrays
        opacity, window = self._shown(self.hardness)
        vertices, colors = renderer.parameter(self._values["corners"].reshape(-1, 3)), renderer.parameter(self._values["colors"].reshape(-1, 3))
        of_light = arrays.real if self.hardness else renderer.parameter
        given = {"opacity": of_light(opacity), "window": of_light(window)}
        faces = np.arange(3 * n, dtype=np.int32).reshape(n, 3)
        end, losses = renderer.loss(), []
        with ti.ad.Tape(end):
            image = renderer(vertices, Topology.shared(faces, 3 * n, len(picked)), self._camera[picked], colors, (1.0, 1.0, 1.0), **given)
            loss, grad_color, grad_alpha = self._differences(
                picked, _mean_of(arrays.to_numpy(image.color), samples), _mean_of(arrays.to_numpy(image.alpha), samples)
            )
            losses.append(loss)
            for array, grad in ((image.color, grad_color), (image.alpha, grad_alpha)):
                arrays.untracked(partial(array.grad.from_numpy, _spread(grad, samples)))
        moved = {"corners": vertices, "colors": colors} | ({} if self.hardness else given)
        grads = {name: array.grad.to_numpy().reshape(n, -1).astype(np.float64) for name, array in moved.items()}
        if not self.hardness:
            grads["opacity"] *= opacity * (1 - opacity)
            grads["window"] *= window
        return losses[0], grads

    def _differences(self, picked: list[int], color: np.ndarray, alpha: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
        """The loss, and its gradient to colours over white [B, H, W, 3] and alpha [B, H, W]: means over pixels of sqrt(d^2 + r^2) - r, r = `ROUNDING`."""
        known = np.ones_like(alpha) if self.views.known is None else self.views.known[picked]
        off_color, off_alpha = color - self._white[picked], alpha - self.views.alpha[picked]
        rounding = ROUNDING[len(self.losses) >= GROWING[1] * self.options.steps]
        far_color, far_alpha = np.sqrt(off_color**2 + rounding**2), np.sqrt(off_alpha**2 + rounding**2)
        share = 1 / alpha.size
        weights = known[..., None] * share / 3, known * share * self.options.alpha_weight
        loss = float((weights[0] * (far_color - rounding)).sum() + (weights[1] * (far_alpha - rounding)).sum())
        return loss, weights[0] * off_color / far_color, weights[1] * off_alpha / far_alpha

    # Which triangles there are

    def _look_through(self) -> None:
        """Removes triangles that are faint, lost or shown by no picture, and, while their number grows, divides those on which the pictures pull most."""
        progress = len(self.losses) / self.options.steps
        every = max(1, self.options.steps // EVENTS)
        kept = _sigmoid(self._values["opacity"][:, 0]) >= FAINT if not self.hardness else _areas(self._values["corners"]) >= LOST * self._pixel**2
        all_shown = -(-len(self.views) // (every * self._views_per_step))  # after so many times all pictures were looked at
        if (len(self.losses) // every) % all_shown == 0:
            kept &= self._seen > 0
            self._seen[:] = 0
        if kept.any():
            self._keep(np.flatnonzero(kept))
        if GROWING[0] <= progress < GROWING[1]:
            whole = max(1, round(GROWN * self.options.triangles))
            part = (progress - GROWING[0]) / (GROWING[1] - GROWING[0])
            room = int(whole * self.options.start ** (1 - min(1.0, part * 1.2))) - len(self)
            if room > 0:
                self._divide(room)
        self._pull[:] = 0

    def _keep(self, which: np.ndarray) -> None:
        """Keeps triangles of the given numbers, in that order, one perhaps several times, with all that is known of them."""
        for name in PARTS:
            adam = self._adams[name]
            self._values[name] = self._values[name][which]
            if np.ndim(adam.first):
                adam.first, adam.second = adam.first[which], adam.second[which]
        self._pull, self._seen = self._pull[which], self._seen[which]

    def _divide(self, room: int) -> None:
        """Up to ``room`` more triangles: those with the largest pull, the large ones in four, the small ones doubled."""
        more = np.where(_longest_edges(self._values["corners"]) > LARGE * self._pixel, 3, 1)
        order = np.argsort(-self._pull, kind="stable")
        chosen = order[np.cumsum(more[order]) <= room]
        chosen = chosen[self._pull[chosen] > 0]
        self._split(chosen[more[chosen] == 3])
        n, small = len(self), chosen[more[chosen] == 1]
        self._keep(np.concatenate([np.arange(n), small]))
        self._values["corners"].reshape(-1, 3, 3)[n:] += self._rng.normal(0, 0.5 * self._pixel, (len(small), 1, 3))

    def _split(self, which: np.ndarray) -> None:
        """Divides triangles by the middles of their edges in four, of which the inner one keeps its place."""
        n = len(self)
        self._keep(np.concatenate([np.arange(n), np.repeat(which, 3)]))
        for name in ("corners", "colors"):
            values = self._values[name].reshape(-1, 3, 3)
            whole = values[which].copy()
            middles = (whole + np.roll(whole, -1, 1)) / 2  # of the edges that begin at each corner
            values[which] = middles
            for i in range(3):
                values[n + i : n + 3 * len(which) : 3] = np.stack([whole[:, i], middles[:, i], middles[:, i - 1]], 1)

    def _make_pieces(self) -> None:
        """Splits what will have to shrink, the largest first, until it is fine or there are as many as there may be."""
        for _ in range(TWICE):
            edge = np.where(_sigmoid(self._values["opacity"][:, 0]) < SHRINKING, _longest_edges(self._values["corners"]), 0.0)
            order = np.argsort(-edge, kind="stable")
            room = max(self.options.triangles - len(self), 0) // 3
            self._split(order[: min(room, int((edge > FINE * self._pixel).sum()))])

    # Progress and state

    def measure(self) -> None:
        """Their PSNR over white on some of the pictures, unless that is known."""
        if self.scores and self.scores[-1][0] == len(self.losses):
            return
        self.scores.append((len(self.losses), score(composited_from(self._some, self.triangles, samples=1), self._some).psnr_white))

    def save(self, path: str | Path) -> None:
        """Writes all of the state, so that an interruption at any moment leaves either the old file or the new one."""
        path = as_path("SplatFit.save", "path", path)
        facts = {
            "splatting": asdict(self.options),
            "pictures": [list(self.views.names), list(self.views.image_size)],
            "losses": self.losses,
            "scores": self.scores,
            "queue": self._queue,
            "random": self._rng.bit_generator.state,
            "adam_steps": {name: adam.steps for name, adam in self._adams.items()},
        }
        moments: dict[str, Any] = {f"{name}_{moment}": getattr(adam, moment) for name, adam in self._adams.items() for moment in ("first", "second")}
        soft = {} if self.soft is None else {f"soft_{name}": getattr(self.soft, name) for name in PARTS}
        with replacing(path) as partial_file, open(partial_file, "wb") as file:
            np.savez(file, facts=json.dumps(facts), pull=self._pull, seen=self._seen, **self._values, **moments, **soft)

    @classmethod
    def load(cls, path: str | Path, views: Views) -> "SplatFit":
        """Takes up a saved fit of the same pictures: the steps that follow are those that would have followed.

        Raises:
            ValueError: if the file is not a saved fit of triangles.
        """
        path = as_path("SplatFit.load", "path", path)
        check_kind("SplatFit.load", "views", views, Views)
        try:
            arrays = read_arrays(path, MAX_BYTES)
            facts = json.loads(str(arrays["facts"]))
            if facts["pictures"] != [list(views.names), list(views.image_size)]:
                raise ValueError("one of other pictures than those that the source holds now")
            fit = cls.__new__(cls)
            fit._prepare(views, SplatOptions(**facts["splatting"]))
            fit._restore(arrays, facts)
        except UNREADABLE as error:
            raise ValueError(f"SplatFit.load: {path} must be a saved fit of triangles, got {type(error).__name__}: {error}") from error
        return fit

    def _restore(self, arrays: dict[str, np.ndarray], facts: dict[str, Any]) -> None:
        """Takes over what :meth:`save` has written, if it goes together."""
        sizes: dict[str, int] = {}
        widths = {"corners": 9, "colors": 9, "opacity": 1, "window": 1}
        for name, width in widths.items():
            check_array("SplatFit", name, arrays[name], ("F", width), sizes)
            check_finite("SplatFit", name, arrays[name])
        self._values = {name: arrays[name] for name in PARTS}
        for name, adam in self._adams.items():
            adam.steps = facts["adam_steps"][name]
            check_integer("SplatFit", "adam_steps", adam.steps, 0, 2**31 - 1)
            for moment in ("first", "second"):
                values = arrays[f"{name}_{moment}"]
                check_array("SplatFit", f"{name}_{moment}", values, ("F", widths[name]) if values.ndim else (), sizes)
                check_finite("SplatFit", f"{name}_{moment}", values)
                setattr(adam, moment, values)
        for name in ("pull", "seen"):
            check_array("SplatFit", name, arrays[name], ("F",), sizes)
        self._pull, self._seen = arrays["pull"], arrays["seen"]
        if "soft_corners" in arrays:
            self.soft = Triangles(**{name: arrays[f"soft_{name}"] for name in PARTS})
        self.losses, self.scores = [float(loss) for loss in facts["losses"]], [(int(step), float(psnr)) for step, psnr in facts["scores"]]
        self._queue = check_indices("SplatFit", "queue", facts["queue"], "pictures", len(self.views)).tolist()
        self._rng.bit_generator.state = facts["random"]


def _longest_edges(corners: np.ndarray) -> np.ndarray:
    """[F] of triangles [F, 9]."""
    corners = corners.reshape(-1, 3, 3)
    return np.linalg.norm(corners - np.roll(corners, 1, 1), axis=2).max(1)


def _areas(corners: np.ndarray) -> np.ndarray:
    """[F] of triangles [F, 9]."""
    a, b, c = corners.reshape(-1, 3, 3).transpose(1, 0, 2)
    return np.linalg.norm(np.cross(b - a, c - a), axis=1) / 2


def _shrunk(corners: np.ndarray, part: np.ndarray) -> np.ndarray:
    """Triangles [F, 9] about their incentres, where windows are highest, to a part [F] of their area."""
    corners = corners.reshape(-1, 3, 3)
    weight = np.linalg.norm(np.roll(corners, -1, 1) - np.roll(corners, 1, 1), axis=2, keepdims=True) + 1e-30  # of a corner: the edge over against it
    incentre = (weight * corners).sum(1, keepdims=True) / weight.sum(1, keepdims=True)
    return (incentre + np.sqrt(part)[:, None, None] * (corners - incentre)).reshape(-1, 9)


def _sigmoid(values: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-values))


def _mean_of(picture: np.ndarray, samples: int) -> np.ndarray:
    """[B, H, W, ...] of [B, H samples, W samples, ...]: the means of blocks."""
    if samples == 1:
        return picture
    return np.mean([picture[:, i::samples, j::samples] for i in range(samples) for j in range(samples)], axis=0)


def _spread(grad: np.ndarray, samples: int) -> np.ndarray:
    """The gradient to what `_mean_of` took the means of."""
    return np.ascontiguousarray(np.repeat(np.repeat(grad, samples, 1), samples, 2) / samples**2, np.float32)
