"""The pose of a coloured cube from one picture, by the protocols of two papers, beside the figures that they published.

* ``uniform`` (SoftRas): start and true pose are drawn evenly from all rotations; sigma and gamma fall in five stages.
* ``20``, ``50``, ``80`` (Le Lidec et al., "Differentiable rendering with perturbed optimizers"): the start is the true pose, turned by so many degrees about a
  random axis. 128 x 128 pixels, Adam, 800 iterations; a problem is solved if less than 10 degrees are left.

Each is run by three recipes on the same pictures, with the same number of renders for each problem:

* ``plain``: the paper's own recipe, with this renderer. What it shows is the renderer.
* ``one start``: ours, still one descent from the given start: steps in the tangent space of the rotations, softness that falls from far to sharp, and a loss
  on pictures of several sizes.
* ``several starts``: ours; the same descent from the start and from other poses around it (24 in all, 4 where renders are few), on small pictures first, of
  which ever fewer go on; twice on the way, the 24 poses around the best one are looked at, too. What it gains over ``one start`` is the search, not the
  renderer.

    python demos/pose.py --quick           # 10 small problems of each kind, a minute and a half
    python demos/pose.py                   # 100 of each, as published
    python demos/pose.py --groups 80       # one kind alone

OUT then holds results.json and table.md (mean, standard deviation, percent solved; beside them what was published), poses.png (starts, truths, what was
found), poses.gif, and landscape.png: the loss against the angle of a turn, from soft to sharp. The program may be interrupted at any moment, even killed: the
same command goes on, to the same figures.
"""

import itertools
import json
import math
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
import trimesh
from matplotlib.figure import Figure
from program import check_folder, program_parser, run_program
from torch.nn.functional import normalize
from tqdm import tqdm
from training import read_state, write_state

import taichi_softras as tsr
from taichi_softras.interop import render
from taichi_softras.recover import save_animation

COLORS = ((0.9, 0.2, 0.2), (0.2, 0.7, 0.3), (0.2, 0.35, 0.9), (0.95, 0.85, 0.2), (0.85, 0.4, 0.85), (0.3, 0.85, 0.9))
AMBIENT, DIFFUSE = 0.5, 0.5
SOLVED = 10.0  # degrees
PIXELS_AT_ONCE = 1 << 20  # that are rendered together
SAVE_EVERY = 10.0  # seconds
SHOWN = 8  # problems in the pictures
FRAMES = 40  # of a recipe's way that are kept


# ------------------------------------------------------------------------------------------------------------------------- rotations


def hat(vectors: torch.Tensor) -> torch.Tensor:
    """[..., 3] to [..., 3, 3], so that hat(a) b = a x b."""
    x, y, z = vectors.unbind(-1)
    zero = torch.zeros_like(x)
    return torch.stack([zero, -z, y, z, zero, -x, -y, x, zero], -1).unflatten(-1, (3, 3))


def turn(vectors: torch.Tensor) -> torch.Tensor:
    """[..., 3, 3]: the rotations about vectors [..., 3] by their lengths (radians)."""
    return torch.linalg.matrix_exp(hat(vectors))


def random_rotations(count: int, generator: torch.Generator) -> torch.Tensor:
    """[count, 3, 3], evenly from all rotations."""
    w, x, y, z = normalize(torch.randn(count, 4, generator=generator, dtype=torch.float64), dim=1).unbind(1)
    rows = [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)]
    rows += [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)]
    rows += [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)]
    return torch.stack(rows, 1).unflatten(1, (3, 3)).float()


def random_axes(count: int, generator: torch.Generator) -> torch.Tensor:
    """[count, 3], of length 1."""
    return normalize(torch.randn(count, 3, generator=generator, dtype=torch.float64), dim=1).float()


def degrees_between(one: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
    """[...]: the angles of the rotations that lead from the ones to the others [..., 3, 3]."""
    chord = (one.double() - other.double()).square().sum((-2, -1)).sqrt()
    return torch.rad2deg(2 * torch.asin((chord / math.sqrt(8)).clamp(max=1)))


def spread_rotations() -> torch.Tensor:
    """[24, 3, 3], the first being none: no rotation is more than 63 degrees from the nearest of them."""
    orders, signs = itertools.permutations(range(3)), list(itertools.product((1.0, -1.0), repeat=3))
    matrices = [torch.diag(torch.tensor(sign)) @ torch.eye(3)[list(order)] for order in orders for sign in signs]
    return torch.stack([matrix for matrix in matrices if torch.linalg.det(matrix) > 0])


# ------------------------------------------------------------------------------------------------------------------------- the scene


@dataclass(frozen=True, kw_only=True)
class Softness:
    """What of `tsr.RasterizeSettings` changes on the way: sigma, gamma, and the depths that gamma refers to."""

    sigma: float
    gamma: float
    near: float
    far: float


@dataclass(frozen=True, kw_only=True)
class Stage:
    """Where the cube stands. Only its distance and elevation, and that there is one lamp, are published.

    Attributes:
        side: of the cube.
        distance, elevation, azimuth, fov: of the camera (degrees).
        lamp: where a point light is; None for faces of one colour each, whatever their pose.
        crop: the middle part of the picture's side that is rendered; the cube never reaches beyond, only the softest pictures do.
    """

    side: float
    distance: float
    elevation: float = 0.0
    azimuth: float = 0.0
    fov: float = 60.0
    lamp: tuple[float, float, float] | None = None
    crop: float = 1.0

    def soft(self, sigma: float, gamma: float) -> Softness:
        """gamma refers to the cube's own depth."""
        radius = self.side * math.sqrt(3) / 2
        return Softness(sigma=sigma, gamma=gamma, near=self.distance - 1.05 * radius, far=self.distance + 1.05 * radius)


class Cubes:
    """Renders the cube in many poses."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        box = trimesh.creation.box((stage.side, stage.side, stage.side))
        normals = np.array(box.face_normals)
        face_colors = np.array(COLORS)[2 * np.abs(normals).argmax(1) + (normals.sum(1) > 0)]
        self.faces = np.array(box.faces)
        arrays = (box.vertices, normals, box.triangles_center, face_colors)
        self.vertices, self.normals, self.centers, self.colors = (torch.from_numpy(np.array(array, np.float32)) for array in arrays)
        camera = tsr.Camera.orbit(stage.distance, stage.elevation, stage.azimuth, fov=stage.fov)
        self._camera = replace(camera, intrinsics=camera.intrinsics / stage.crop)
        self._batches: dict[int, tuple[tsr.Topology, tsr.Camera]] = {}

    def __call__(self, rotations: torch.Tensor, softness: Softness, size: int) -> torch.Tensor:
        """[N, S, S, 3], of rotations [N, 3, 3]: the middle S = crop * size pixels of a picture of ``size``."""
        n = len(rotations)
        if n not in self._batches:
            own = {name: torch.from_numpy(getattr(self._camera, name).repeat(n, 0)).float() for name in ("camera_from_world", "intrinsics")}
            self._batches[n] = tsr.Topology.batch([self.faces] * n, [len(self.vertices)] * n), replace(self._camera, **own)
        topology, camera = self._batches[n]
        crop = self.stage.crop
        cropped = replace(softness, sigma=softness.sigma / crop**2)  # its unit is the picture's side
        settings = tsr.RasterizeSettings(**vars(cropped), texture=tsr.Texture.FACE)
        vertices = (self.vertices @ rotations.transpose(1, 2)).reshape(-1, 3)
        return render(vertices, topology, camera, self._lit(rotations).reshape(-1, 3), settings=settings, image_size=round(crop * size)).color

    def _lit(self, rotations: torch.Tensor) -> torch.Tensor:
        """[N, 12, 3] colours of the faces, each lit at its middle."""
        if self.stage.lamp is None:
            return self.colors.expand(len(rotations), -1, -1)
        normals, centers = self.normals @ rotations.transpose(1, 2), self.centers @ rotations.transpose(1, 2)
        cosine = (normals * normalize(torch.tensor(self.stage.lamp) - centers, dim=-1)).sum(-1, keepdim=True)
        return self.colors * (AMBIENT + DIFFUSE * cosine.clamp(min=0))

    def faces_seen(self, rotations: torch.Tensor) -> torch.Tensor:
        """[N]: how many of the six faces are turned to the eye. With one alone, four poses have the same picture."""
        eye = torch.from_numpy(self._camera.eye).float()
        normals, centers = self.normals @ rotations.transpose(1, 2), self.centers @ rotations.transpose(1, 2)
        return ((normals * (eye - centers)).sum(-1) > 0).sum(1) // 2

    @torch.no_grad()
    def sharp(self, rotations: torch.Tensor, size: int) -> torch.Tensor:
        """What a hard rasteriser would show."""
        parts = rotations.split(max(1, PIXELS_AT_ONCE // size**2))
        return torch.cat([self(part, self.stage.soft(1e-8, 1e-5), size) for part in parts])


SOFTRAS_STAGE = Stage(side=1.0, distance=2.732)  # the size that the published animation shows
LE_LIDEC_STAGE = Stage(side=2.0, distance=6.7, elevation=30.0, azimuth=120.0, lamp=(4.0, 6.0, 0.0), crop=0.625)


class Problems:
    """Starts and true poses [P, 3, 3], and the pictures of the true ones [P, S, S, 3]."""

    def __init__(self, group: str, count: int, size: int, seed: int) -> None:
        generator = torch.Generator().manual_seed(1000 * seed + list(GROUPS).index(group))
        self.group, self.size, self.cubes = group, size, Cubes(GROUPS[group])
        self.true = random_rotations(count, generator)
        if group == "uniform":
            self.start = random_rotations(count, generator)
        else:
            self.start = turn(math.radians(float(group)) * random_axes(count, generator)) @ self.true
        self._targets = {size: (self.cubes.sharp(self.true, size) * 255).round() / 255}

    def __len__(self) -> int:
        return len(self.true)

    def targets(self, size: int) -> torch.Tensor:
        """[P, S, S, 3]: the pictures, made smaller."""
        if size not in self._targets:
            self._targets[size] = halved(self.targets(2 * size))
        return self._targets[size]


GROUPS = {"uniform": SOFTRAS_STAGE, "20": LE_LIDEC_STAGE, "50": LE_LIDEC_STAGE, "80": LE_LIDEC_STAGE}


# ------------------------------------------------------------------------------------------------------------------------- losses

Loss = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]  # of pictures and targets [N, S, S, 3]: [N]


def halved(pictures: torch.Tensor) -> torch.Tensor:
    """[N, S, S, 3] at half the size."""
    n, size = pictures.shape[:2]
    rows = pictures.reshape(n, size // 2, 2, 3 * size)
    pairs = (rows[:, :, 0] + rows[:, :, 1]).reshape(n, size // 2, size // 2, 2, 3)
    return (pairs[..., 0, :] + pairs[..., 1, :]) / 4


def squared(pictures: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """The plain loss."""
    return (pictures - targets).square().mean((1, 2, 3))


def at_all_sizes(pictures: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """Mean absolute difference of the pictures and of ever smaller ones: patches tell the way from afar."""
    difference = pictures - targets
    total = difference.abs().mean((1, 2, 3))
    while difference.shape[1] > 8 and difference.shape[1] % 2 == 0:
        difference = halved(difference)
        total = total + difference.abs().mean((1, 2, 3))
    return total


def losses_and_slopes(
    problems: Problems, which: torch.Tensor, parameters: torch.Tensor, bases: torch.Tensor, softness: Softness, size: int, loss: Loss
) -> tuple[torch.Tensor, torch.Tensor]:
    """([N], [N, 3]): the losses at turn(parameters [N, 3]) bases [N, 3, 3] against the pictures of the problems ``which`` [N], and their gradients."""
    values, slopes = torch.empty(len(which)), torch.empty(len(which), 3)
    targets = problems.targets(size)
    for rows in torch.arange(len(which)).split(max(1, PIXELS_AT_ONCE // size**2)):
        own = parameters[rows].clone().requires_grad_()
        each = loss(problems.cubes(turn(own) @ bases[rows], softness, size), targets[which[rows]])
        (slopes[rows],) = torch.autograd.grad(each.sum(), own)
        values[rows] = each.detach()
    return values, slopes


@torch.no_grad()
def losses_alone(problems: Problems, which: torch.Tensor, rotations: torch.Tensor, softness: Softness, size: int, loss: Loss) -> torch.Tensor:
    """[N], without gradient."""
    parts = torch.arange(len(which)).split(max(1, PIXELS_AT_ONCE // size**2))
    return torch.cat([loss(problems.cubes(rotations[rows], softness, size), problems.targets(size)[which[rows]]) for rows in parts])


# ------------------------------------------------------------------------------------------------------------------------- recipes


class Recipe(ABC):
    """A descent of all problems of a group at once. All that changes on the way is in ``state``, so that it can be saved at any step.

    Attributes:
        steps: how many there are.
        state: by name. ``step`` counts, ``renders`` (of one problem, forward and backward), ``way`` [FRAMES, SHOWN, 3, 3] shows where the first problems were.
    """

    def __init__(self, problems: Problems, steps: int) -> None:
        self.problems, self.steps = problems, steps
        self.shown = min(SHOWN, len(problems))
        self.state = {"step": torch.tensor(0), "renders": torch.tensor(0), "seconds": torch.tensor(0.0, dtype=torch.float64)}
        self.state["way"] = problems.start[: self.shown].repeat(FRAMES, 1, 1, 1)

    def step(self) -> float:
        """One step of all problems; their mean loss."""
        i, began = int(self.state["step"]), time.monotonic()
        value = self._step(i)
        self.state["way"][i * FRAMES // self.steps :] = self.found()[: self.shown]
        self.state["step"] += 1
        self.state["seconds"] += time.monotonic() - began
        return value

    @abstractmethod
    def _step(self, i: int) -> float:
        """Step i; the mean loss."""

    @abstractmethod
    def found(self) -> torch.Tensor:
        """[P, 3, 3]: the poses so far."""


class Plain(Recipe):
    """One descent from the given start: Adam on three numbers, the axis-angle by which the start is turned; mean squared difference of colour."""

    BETAS, EPSILON = (0.9, 0.999), 1e-8

    def __init__(self, problems: Problems, steps: int, rate: float) -> None:
        super().__init__(problems, steps)
        zeros = torch.zeros(len(problems), 3)
        self.state |= {name: zeros.clone() for name in ("parameters", "mean", "square")}
        self.state |= {"rate": torch.full((len(problems), 1), rate), "loss": torch.zeros(len(problems))}

    def found(self) -> torch.Tensor:
        return turn(self.state["parameters"]) @ self.problems.start

    def _slopes(self, rows: torch.Tensor, softness: Softness) -> torch.Tensor:
        state, problems = self.state, self.problems
        own = state["parameters"][rows], problems.start[rows]
        state["loss"][rows], slopes = losses_and_slopes(problems, rows, *own, softness, problems.size, squared)
        return slopes

    def _descend(self, i: int, slopes: torch.Tensor) -> float:
        state, (fast, slow) = self.state, self.BETAS
        state["mean"] = fast * state["mean"] + (1 - fast) * slopes
        state["square"] = slow * state["square"] + (1 - slow) * slopes**2
        mean, square = state["mean"] / (1 - fast ** (i + 1)), state["square"] / (1 - slow ** (i + 1))
        state["parameters"] = state["parameters"] - state["rate"] * mean / (square.sqrt() + self.EPSILON)
        state["renders"] += 1
        return state["loss"].mean().item()


class FiveStages(Plain):
    """SoftRas's way: sigma and gamma fall in five stages, here of as many steps as its animation has frames (25, 25, 50, 50 and 50 of 200).

    sigma is such that on average as many of 128 x 128 pixels show something as in that animation: about 11,300, 5,100, 3,430, 2,930 and 2,840. gamma is ours:
    nothing is known of it.
    """

    SHARES = (0.125, 0.125, 0.25, 0.25, 0.25)
    SOFTNESS = ((2.7e-2, 1.0), (3.1e-3, 3e-1), (3.6e-4, 1e-1), (4.9e-5, 3e-2), (2.2e-5, 1e-2))
    RATE = 3e-2

    def __init__(self, problems: Problems, steps: int) -> None:
        super().__init__(problems, steps, self.RATE)

    def _step(self, i: int) -> float:
        stage = int(np.searchsorted(np.cumsum(self.SHARES) * self.steps, i, side="right"))
        softness = self.problems.cubes.stage.soft(*self.SOFTNESS[min(stage, 4)])
        return self._descend(i, self._slopes(torch.arange(len(self.problems)), softness))


class NoSchedule(FiveStages):
    """The same at one softness, SoftRas's default sigma."""

    SHARES = (0.0, 0.0, 1.0, 0.0, 0.0)
    SOFTNESS = ((1e-4, 1e-2),) * 5


class AdaptiveDecay(Plain):
    """Le Lidec's way with SoftRas, as published: sigma 1e-3 and gamma 1e-2 (of depths from 1 to 100) at first; from iteration 100 on, every 50, where the mean
    of dL/dgamma is positive both are divided by 1.1 and the rate by 1.5; the iterate with the lowest loss is the result.

    dL/dgamma is a difference of two losses, taken at every fourth iteration; its renders (forward only) are not counted.
    """

    RATE, SIGMA, GAMMA, LEAST_SIGMA, LEAST_GAMMA = 3e-2, 1e-3, 1e-2, 5e-5, 5e-4
    FIRST, EVERY, SAMPLED = 100, 50, 4

    def __init__(self, problems: Problems, steps: int) -> None:
        super().__init__(problems, steps, self.RATE)
        count = len(problems)
        self.scale = steps / 800
        self.state |= {"level": torch.zeros(count, dtype=torch.int64), "gamma_slope": torch.zeros(count)}
        self.state |= {"lowest": torch.full((count,), math.inf), "best": problems.start.clone()}

    def found(self) -> torch.Tensor:
        return self.state["best"]

    def _step(self, i: int) -> float:
        state, problems = self.state, self.problems
        now, slopes = super().found(), torch.empty(len(problems), 3)
        for level in state["level"].unique().tolist():
            rows = (state["level"] == level).nonzero()[:, 0]
            sigma, gamma = (max(least, first / 1.1**level) for first, least in ((self.SIGMA, self.LEAST_SIGMA), (self.GAMMA, self.LEAST_GAMMA)))
            softness = Softness(sigma=sigma, gamma=gamma, near=1.0, far=100.0)
            slopes[rows] = self._slopes(rows, softness)
            if i % self.SAMPLED == 0:
                wider = losses_alone(problems, rows, now[rows], replace(softness, gamma=1.05 * gamma), problems.size, squared)
                state["gamma_slope"][rows] += wider - state["loss"][rows]
        better = state["loss"] < state["lowest"]
        state["lowest"] = torch.where(better, state["loss"], state["lowest"])
        state["best"] = torch.where(better[:, None, None], now, state["best"])
        value = self._descend(i, slopes)
        first, every = (max(1, round(number * self.scale)) for number in (self.FIRST, self.EVERY))
        if (i + 1 - first) % every == 0:
            decays = (state["gamma_slope"] > 0) & (i + 1 >= first)
            state["level"] += decays
            state["rate"] = torch.where(decays[:, None], state["rate"] / 1.5, state["rate"])
            state["gamma_slope"].zero_()
        return value


@dataclass(frozen=True, kw_only=True)
class Heat:
    """A part of our recipe.

    Attributes:
        starts: how many of a problem's poses descend.
        share: of the renders that are left for descent.
        around: so many of the best poses of the heat before are looked around of: turned by each of `spread_rotations` (forward renders, which count), and the
            best of all these descend. 0: the best ones themselves.
        halvings: of the picture's size.
        softness, rate: at the beginning and at the end of it; softness from 1 (all is felt) to 0 (sharp), the rate of descent in radians.
    """

    starts: int
    share: float
    around: int = 0
    halvings: int
    softness: tuple[float, float]
    rate: tuple[float, float]


class Ours(Recipe):
    """Descents in the tangent space of the rotations, from one start or from several, of which ever fewer go on.

    A step turns a pose by a small rotation, the direction of which is Adam's for vectors: one second moment for all three numbers, so that it does not matter
    how the world's axes lie. After each heat the poses of a problem are judged by their sharp pictures, and the best ones go on.
    """

    BETAS = (0.8, 0.95)
    NEARNESS = 0.005  # of loss, for half a turn

    def __init__(self, problems: Problems, renders: int, heats: tuple[Heat, ...]) -> None:
        looks = sum(before.starts + len(spread_rotations()) * heat.around for before, heat in itertools.pairwise(heats))
        self.counts = [max(1, int(heat.share * (renders - looks) / heat.starts + 1e-9)) for heat in heats]
        super().__init__(problems, sum(self.counts))
        self.heats = heats
        poses = problems.start[:, None] @ spread_rotations()[: heats[0].starts]
        n = poses.shape[:2]
        self.state |= {"poses": poses, "mean": torch.zeros(*n, 3), "square": torch.zeros(*n, 1), "loss": torch.zeros(n)}

    def found(self) -> torch.Tensor:
        poses, best = self.state["poses"], self.state["loss"].argmin(1)
        return poses[torch.arange(len(poses)), best]

    def _step(self, i: int) -> float:
        state, heat_index = self.state, int(np.searchsorted(np.cumsum(self.counts), i, side="right"))
        heat, count = self.heats[heat_index], self.counts[heat_index]
        within = i - sum(self.counts[:heat_index])
        if within == 0 and heat_index:
            self._keep(heat, self._size(self.heats[heat_index - 1]))
        done = within / max(1, count - 1)
        softness, rate = heat.softness[0] + done * (heat.softness[1] - heat.softness[0]), heat.rate[0] * (heat.rate[1] / heat.rate[0]) ** done
        values, slopes = self._slopes(self._softness(softness), self._size(heat))
        fast, slow = self.BETAS
        state["loss"] = values
        state["mean"] = fast * state["mean"] + (1 - fast) * slopes
        state["square"] = slow * state["square"] + (1 - slow) * slopes.square().mean(-1, keepdim=True)
        since = within if heat.around else i  # the moments began anew
        mean, square = state["mean"] / (1 - fast ** (since + 1)), state["square"] / (1 - slow ** (since + 1))
        state["poses"] = turn(-rate * mean / (square.sqrt() + 1e-12)) @ state["poses"]
        state["renders"] += heat.starts
        return values.min(1).values.mean().item()

    def _size(self, heat: Heat) -> int:
        return max(8, self.problems.size >> heat.halvings)

    def _softness(self, softness: float) -> Softness:
        return self.problems.cubes.stage.soft(10 ** (3 * softness - 5), 10 ** (2 * softness - 2.5))

    def _flat(self) -> tuple[torch.Tensor, torch.Tensor]:
        """(the problem of each pose, the poses), one after the other."""
        poses = self.state["poses"]
        return torch.arange(len(poses)).repeat_interleave(poses.shape[1]), poses.flatten(0, 1)

    def _slopes(self, softness: Softness, size: int) -> tuple[torch.Tensor, torch.Tensor]:
        which, poses = self._flat()
        values, slopes = losses_and_slopes(self.problems, which, torch.zeros(len(which), 3), poses, softness, size, at_all_sizes)
        n = self.state["loss"].shape
        return values.reshape(n), slopes.reshape(*n, 3)

    def _judge(self, poses: torch.Tensor, size: int) -> torch.Tensor:
        """[P, K]: how far the sharp pictures of poses [P, K, 3, 3] are from the targets; of pictures that look alike, the start's neighbour is better."""
        which = torch.arange(len(poses)).repeat_interleave(poses.shape[1])
        values = losses_alone(self.problems, which, poses.flatten(0, 1), self._softness(0.0), size, at_all_sizes).reshape(poses.shape[:2])
        self.state["renders"] += poses.shape[1]
        return values + self.NEARNESS * degrees_between(poses, self.problems.start[:, None]).float() / 180

    def _keep(self, heat: Heat, size: int) -> None:
        """The best poses of each problem go on, or those around them."""
        poses, values = self.state["poses"], self._judge(self.state["poses"], size)
        problem = torch.arange(len(poses))[:, None]
        if heat.around:
            best = poses[problem, values.argsort(dim=1, stable=True)[:, : heat.around]]
            poses = (best[:, :, None] @ spread_rotations()).flatten(1, 2)
            values = self._judge(poses, size)
        order = values.argsort(dim=1, stable=True)[:, : heat.starts]
        self.state |= {"poses": poses[problem, order], "loss": values[problem, order]}
        for name in ("mean", "square"):
            kept = self.state[name][problem, order % self.state[name].shape[1]]
            self.state[name] = torch.zeros_like(kept) if heat.around else kept


ONE_START = (
    Heat(starts=1, share=0.4, halvings=1, softness=(1.0, 0.5), rate=(0.3, 0.1)),
    Heat(starts=1, share=0.35, halvings=1, softness=(0.5, 0.25), rate=(0.1, 0.03)),
    Heat(starts=1, share=0.25, halvings=0, softness=(0.25, 0.1), rate=(0.03, 0.002)),
)
FOUR_STARTS = (  # for few renders
    Heat(starts=4, share=0.4, halvings=1, softness=(0.9, 0.5), rate=(0.4, 0.15)),
    Heat(starts=3, share=0.25, around=1, halvings=1, softness=(0.6, 0.4), rate=(0.15, 0.06)),
    Heat(starts=2, share=0.2, around=1, halvings=1, softness=(0.4, 0.25), rate=(0.1, 0.04)),
    Heat(starts=1, share=0.15, halvings=0, softness=(0.3, 0.1), rate=(0.05, 0.003)),
)
MANY_STARTS = (
    Heat(starts=24, share=0.4, halvings=2, softness=(0.9, 0.5), rate=(0.3, 0.1)),
    Heat(starts=3, share=0.2, around=1, halvings=1, softness=(0.6, 0.4), rate=(0.1, 0.04)),
    Heat(starts=2, share=0.2, around=1, halvings=1, softness=(0.4, 0.2), rate=(0.06, 0.02)),
    Heat(starts=1, share=0.2, halvings=0, softness=(0.2, 0.1), rate=(0.02, 0.002)),
)


RECIPES = ("plain, no schedule", "plain", "one start", "several starts", "several starts, long")


def recipes(group: str, renders: int) -> dict[str, Callable[[Problems], Recipe]]:
    """By name; each is allowed ``renders`` of each problem (a quarter of them where SoftRas's animation has 200 frames instead of 800)."""
    if group != "uniform":
        return {
            "plain": lambda problems: AdaptiveDecay(problems, renders),
            "one start": lambda problems: Ours(problems, renders, ONE_START),
            "several starts": lambda problems: Ours(problems, renders, MANY_STARTS),
        }
    fewer = max(80, renders // 4)
    return {
        "plain, no schedule": lambda problems: NoSchedule(problems, fewer),
        "plain": lambda problems: FiveStages(problems, fewer),
        "one start": lambda problems: Ours(problems, fewer, ONE_START),
        "several starts": lambda problems: Ours(problems, fewer, FOUR_STARTS),
        "several starts, long": lambda problems: Ours(problems, renders, MANY_STARTS),
    }


# ------------------------------------------------------------------------------------------------------------------------- running


def run(recipe: Recipe, key: str, path: Path, name: str) -> Recipe:
    """To its end, from where ``path`` says that it was; ``key`` names the options that it belongs to."""
    if path.is_file():
        saved = read_state(path, {"key", "state"}, "fit")
        if saved["key"] != key:
            raise ValueError(f"OUT must be a new folder, or hold results of the same options ({key}), got {saved['key']} in {path}")
        recipe.state = saved["state"]
    first, saved_at = int(recipe.state["step"]), time.monotonic()
    bar = tqdm(range(first, recipe.steps), initial=first, total=recipe.steps, desc=name, mininterval=0.2 if sys.stderr.isatty() else 20)
    for i in bar:
        loss = recipe.step()
        bar.set_postfix(loss=f"{loss:.5f}", refresh=False)
        if i + 1 == recipe.steps or time.monotonic() - saved_at > SAVE_EVERY:
            write_state(path, {"key": key, "state": recipe.state})
            saved_at = time.monotonic()
    return recipe


def measured(recipe: Recipe) -> dict:
    problems = recipe.problems
    errors = degrees_between(recipe.found(), problems.true).numpy()
    one_face = problems.cubes.faces_seen(problems.true).numpy() == 1
    return summary(errors) | {
        "unsolved": int((errors >= SOLVED).sum()),
        "unsolved_of_one_face": int((one_face & (errors >= SOLVED)).sum()),
        "pictures_of_one_face": int(one_face.sum()),
        "renders": int(recipe.state["renders"]),
        "seconds": round(float(recipe.state["seconds"]), 1),
        "problems": len(problems),
        "size": problems.size,
        "errors": errors.round(4).tolist(),
    }


def summary(errors: np.ndarray) -> dict[str, float]:
    return {
        "mean": round(float(errors.mean()), 3),
        "std": round(float(errors.std()), 3),
        "median": round(float(np.median(errors)), 3),
        "solved_percent": round(float((errors < SOLVED).mean()) * 100, 1),
    }


# ------------------------------------------------------------------------------------------------------------------------- results

PUBLISHED = {  # mean, standard deviation, percent solved: Le Lidec et al., NeurIPS 2021, table 2
    "20": {"SoftRas (Le Lidec et al.)": (5.5, 4.9, 84), "Gaussian-perturbed (Le Lidec et al.)": (3.8, 4.4, 93)},
    "50": {"SoftRas (Le Lidec et al.)": (14.6, 26.6, 75), "Gaussian-perturbed (Le Lidec et al.)": (11.6, 22.5, 84)},
    "80": {"SoftRas (Le Lidec et al.)": (33.5, 35.3, 55), "Gaussian-perturbed (Le Lidec et al.)": (25.3, 34.9, 67)},
}
RECALLED = {  # mean without and with a schedule, as they are remembered: no source that was read prints them
    "NMR": (93.40, 80.94),
    "Li et al., edge sampling": (95.02, 78.56),
    "SoftRas": (82.80, 63.57),
}


HEAD = ("| recipe | renders | mean | std | median | solved |", "|---|---|---|---|---|---|")


def table(results: dict[str, dict]) -> str:
    """Markdown: what was published, and what came out here."""
    lines = []
    if "uniform" in results:
        lines += ["Start and truth from all rotations", "", *HEAD]
        for name, (without, scheduled) in RECALLED.items():
            lines.append(f"| {name}, recalled (no schedule / scheduled) | | {without:.2f} / {scheduled:.2f} | | | |")
        lines += [row(name, result) for name, result in results["uniform"].items()] + [""]
    for group in (name for name in GROUPS if name in results and name != "uniform"):
        lines += [f"Start {group} degrees from the truth", "", *HEAD]
        lines += [f"| {name}, published | 800 | {mean:.1f} | {std:.1f} | | {solved} % |" for name, (mean, std, solved) in PUBLISHED[group].items()]
        lines += [row(name, result) for name, result in results[group].items()] + [""]
    return "\n".join(lines)


def row(name: str, result: dict) -> str:
    numbers = " | ".join(f"{result[column]:.2f}" for column in ("mean", "std", "median"))
    return f"| here: {name} | {result['renders']} | {numbers} | {result['solved_percent']:.0f} % |"


def draw_poses(path: Path, done: dict[str, dict[str, Recipe]]) -> None:
    """A column for each problem: start, truth, and what each recipe found; a block of rows for each group."""
    rows = [(group, name) for group, by_recipe in done.items() for name in ("start", "truth", *by_recipe)]
    columns = max(recipe.shown for by_recipe in done.values() for recipe in by_recipe.values())
    figure = Figure(figsize=(1.1 * columns + 1.3, 1.25 * len(rows)), layout="constrained")
    for axes, (group, name) in zip(figure.subplots(len(rows), columns, squeeze=False), rows, strict=True):
        recipe = next(iter(done[group].values())) if name in ("start", "truth") else done[group][name]
        problems = recipe.problems
        poses = {"start": problems.start, "truth": problems.true}.get(name)
        poses = (recipe.found() if poses is None else poses)[: recipe.shown]
        errors = degrees_between(poses, problems.true[: recipe.shown])
        for axis, picture, error in zip(axes, problems.cubes.sharp(poses, round(96 / problems.cubes.stage.crop)), errors, strict=False):
            axis.imshow(picture.numpy().clip(0, 1), interpolation="nearest")
            if name != "truth":
                axis.set_title(f"{error:.1f}", fontsize=8, color="black" if error < SOLVED else "tab:red", pad=1.5)
        for axis in axes:
            axis.set(xticks=[], yticks=[])
        axes[0].set_ylabel(f"{group}\n{name}", fontsize=8)
    figure.savefig(path, dpi=80)


def draw_ways(path: Path, by_recipe: dict[str, Recipe], size: int = 80) -> None:
    """An animation: above the truths, below them a row for each recipe on its way."""
    first = next(iter(by_recipe.values()))
    cubes, truths = first.problems.cubes, first.problems.true[: first.shown]
    size = round(size / cubes.stage.crop)
    above, ways = strip(cubes.sharp(truths, size)), [recipe.state["way"] for recipe in by_recipe.values()]
    gap = np.ones((4, above.shape[1], 3), np.float32)
    frames = [np.concatenate([above, gap, *(strip(cubes.sharp(way[i], size)) for way in ways)]) for i in range(FRAMES)]
    save_animation(path, [*frames, *[frames[-1]] * 12], seconds=6)


def strip(pictures: torch.Tensor) -> np.ndarray:
    """Pictures side by side."""
    return np.concatenate(list(pictures.numpy().clip(0, 1)), 1)


def energies(cubes: Cubes, true: torch.Tensor, axis: torch.Tensor, degrees: np.ndarray, softness: Softness, size: int) -> np.ndarray:
    """The plain loss against the sharp picture of ``true`` [3, 3], turned about ``axis`` by each of ``degrees``."""
    target, values = cubes.sharp(true[None], size), []
    angles = torch.from_numpy(np.radians(degrees)).float()
    with torch.no_grad():
        for part in angles.split(max(1, PIXELS_AT_ONCE // size**2)):
            values.append(squared(cubes(turn(part[:, None] * axis) @ true, softness, size), target))
    return torch.cat(values).numpy()


def pits(energy: np.ndarray) -> int:
    """How often a line that closes to a ring turns from falling to rising; smaller changes than 1e-7 are rounding."""
    change = np.diff(energy, append=energy[0])
    rising = change[np.abs(change) > 1e-7] > 0
    return int((~rising & np.roll(rising, -1)).sum())


def landscape(path: Path, size: int, samples: int = 720, axes: int = 3) -> list[dict]:
    """Draws a column for each of SoftRas's stages: the cube, the loss along turns about random axes, and a part of that from near."""
    cubes, generator = Cubes(SOFTRAS_STAGE), torch.Generator().manual_seed(5)
    some, about = random_rotations(20, generator), random_axes(axes, generator)
    true = some[cubes.faces_seen(some).argmax()]
    around, nearby = np.linspace(-180, 180, samples, endpoint=False), np.linspace(96, 104, 120)
    figure, facts = Figure(figsize=(15, 6.6), layout="constrained"), []
    grid = figure.subplots(3, len(FiveStages.SOFTNESS), height_ratios=(1.1, 1, 1))
    for column, (sigma, gamma) in enumerate(tqdm(FiveStages.SOFTNESS, desc="landscape", mininterval=0.2 if sys.stderr.isatty() else 20)):
        softness, (picture, line, near) = cubes.stage.soft(sigma, gamma), grid[:, column]
        picture.imshow(cubes(true[None], softness, 128)[0].numpy().clip(0, 1), interpolation="nearest")
        picture.set(xticks=[], yticks=[])
        picture.set_title(f"sigma {sigma:g}, gamma {gamma:g}", fontsize=10)
        curves = [energies(cubes, true, axis, around, softness, size) for axis in about]
        for curve in curves:
            line.plot(around, curve, linewidth=1)
        line.axvline(0, color="0.6", linewidth=0.8, linestyle="--")
        counts = [pits(curve) for curve in curves]
        line.set_title("pits: " + ", ".join(map(str, counts)), fontsize=10)
        line.set(xticks=range(-180, 181, 90))
        near.plot(nearby, energies(cubes, true, about[0], nearby, softness, size), linewidth=1)
        near.set_title("a part of the first", fontsize=10)
        near.set(xlabel="turned by, degrees")
        lowest = [round(float(around[curve.argmin()]), 2) for curve in curves]
        facts.append({"sigma": sigma, "gamma": gamma, "pits": counts, "lowest_at_degrees": lowest})
    grid[1, 0].set_ylabel("loss")
    grid[2, 0].set_ylabel("loss")
    figure.savefig(path, dpi=70)
    return facts


# ------------------------------------------------------------------------------------------------------------------------- the program


def main() -> None:
    parser = program_parser(__doc__, "out/pose")
    parser.add_argument("--groups", nargs="+", choices=GROUPS, default=list(GROUPS), help="(default: all)")
    parser.add_argument("--recipes", nargs="+", choices=RECIPES, default=list(RECIPES), help="(default: all)")
    parser.add_argument("--problems", type=int, default=100, help="of each group (default: %(default)s)")
    parser.add_argument("--size", type=int, default=128, help="side of the pictures, pixels, a multiple of 32 (default: %(default)s)")
    parser.add_argument("--renders", type=int, default=800, help="of each problem; from uniform starts mostly a quarter of them (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="of the problems (default: %(default)s)")
    parser.add_argument("--quick", action="store_true", help="10 problems of 64 x 64 pixels")
    options = parser.parse_args()
    if options.quick:
        options.problems, options.size = 10, 64
    if options.problems < 1 or options.size < 32 or options.size % 32 or options.renders < 160 or options.seed < 0:
        numbers = f"{options.problems}, {options.size}, {options.renders} and {options.seed}"
        raise ValueError(f"--problems must be at least 1, --size 32 and a multiple of it, --renders 160 and --seed 0, got {numbers}")
    check_folder(options.out)
    torch.set_num_threads(1)  # its idle threads spin, and would take the cores from Taichi's
    options.out.mkdir(parents=True, exist_ok=True)
    key = f"{options.problems} problems, {options.size} pixels, {options.renders} renders, seed {options.seed}"

    results, done = {}, {}
    for group in sorted(options.groups, key=list(GROUPS).index):
        problems = Problems(group, options.problems, options.size, options.seed)
        results[group], done[group] = {"start": summary(degrees_between(problems.start, problems.true).numpy()) | {"renders": 0}}, {}
        for name, make in recipes(group, options.renders).items():
            if name not in options.recipes:
                continue
            path = options.out / "state" / f"{group} {name}.pt".replace(" ", "_").replace(",", "")
            done[group][name] = run(make(problems), key, path, f"{group}, {name}")
            results[group][name] = measured(done[group][name])
            print(f"{group}: {row(name, results[group][name])}", flush=True)
    draw_poses(options.out / "poses.png", done)
    hardest = list(done)[-1]
    draw_ways(options.out / "poses.gif", done[hardest])
    facts = landscape(options.out / "landscape.png", min(64, options.size))
    written = {"options": key, "results": results, "landscape": facts}
    (options.out / "results.json").write_text(json.dumps(written, indent=1) + "\n")
    (options.out / "table.md").write_text(table(results))
    print(table(results))
    print(f"results.json, table.md, poses.png, poses.gif and landscape.png are in {options.out}")


if __name__ == "__main__":
    run_program("pose", main, goes_on=True)
