"""Textured shapes made up by a network that has seen nothing but pictures: DIB-R's generative adversarial network, small.

    python -m demos.reconstruction generate DATA --families car --train 600 --val 1 --test 200   # pictures of cars (about two minutes)
    python -m demos.dibr.gan train DATA -o RUN --quick                                 # the same command goes on after Ctrl-C or a kill
    python -m demos.dibr.gan sample RUN -o OUT                                         # sheet.png, interpolation.gif, car_0.glb, car_0.obj, ...
    python -m demos.dibr.gan evaluate DATA RUN -o OUT                                  # the table of distances to pictures of other cars

A generator maps a code to the moves of a sphere's vertices and to a texture; the renderer draws the result through a random camera; a discriminator judges
pictures, RGBA, among pictures of the data set. The gradient of its judgement reaches texture and shape through the renderer.
"""

import argparse
import copy
import itertools
import json
import math
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from scipy.spatial import KDTree
from torch import nn
from torch.nn import functional as F

import taichi_softras as tsr
from demos.dibr.surface import Surface, around
from demos.program import GOES_ON, run_program
from demos.reconstruction.data import VIEWS, ShapeData, cameras
from demos.training import Run, add_option_flags, chosen, command_parser, descend, parsed, read_state, save_curves
from taichi_softras.interop import render
from taichi_softras.recover import render_views, save_picture

__all__ = ["Discriminator", "GanOptions", "Generator", "coverage_and_matching", "draw", "frechet", "load_state", "sliced_wasserstein", "train"]

FARTHEST = 0.45  # that a vertex moves along an axis
HARMONICS = 4  # of the azimuth, which the discriminator is told
SLOPE = 0.2  # of leaky rectifiers
SIDES = (2, 6, 10, 14, 18, 22)  # views of a sheet
JUDGED = tuple(range(0, VIEWS, 3))  # views that are compared
PARTS = ("discriminator", "generator", "real", "fake", "smoothness", "r1")  # what is recorded of each step
QUICK = {
    "image_size": 32, "subdivisions": 2, "texture": 32, "code": 32, "hidden": 96, "channels": 96, "judge": 24, "batch": 16, "steps": 5500, "rate": 1e-3,
    "judge_rate": 1e-3, "r1_every": 8, "average": 0.998,
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class GanOptions:
    """Sizes and recipe.

    Attributes:
        family: whose pictures are learnt.
        image_size: of the pictures that are judged: 32 or 64.
        subdivisions: of the sphere, 10 * 4^n + 2 vertices.
        texture: its height in texels, 8 times a power of two; it is twice as wide.
        code: how many normally distributed numbers make an object.
        hidden: width of the generator's fully connected layers.
        channels: of the generator's first convolution; each next one has half of them.
        judge: channels of the discriminator's first convolution; the next ones have two, three and four times as many.
        blind: whether the discriminator is not told the azimuth that a picture was taken from.
        steps, batch: how many steps, and how many pictures of each kind in each.
        rate, judge_rate: Adam's, of generator and discriminator; they fall linearly to a tenth over the last 40 % of the steps.
        r1, r1_every: weight of the squared gradient of the discriminator at true pictures, and every how many steps it is computed.
        sigma: softness of outlines, squared screen units.
        laplacian, flatten: weights of the smoothness of the mesh.
        average: share of the old in the moving average of the generator, which is what is kept.
        seed: of all that is random.
    """

    family: str = "car"
    image_size: int = 64
    subdivisions: int = 3
    texture: int = 64
    code: int = 64
    hidden: int = 256
    channels: int = 128
    judge: int = 48
    blind: bool = False
    steps: int = 100_000
    batch: int = 32
    rate: float = 5e-4
    judge_rate: float = 5e-4
    r1: float = 0.5
    r1_every: int = 4
    sigma: float = 1e-4
    laplacian: float = 0.3
    flatten: float = 2e-4
    average: float = 0.9995
    seed: int = 0

    def __post_init__(self) -> None:
        if self.image_size not in (32, 64):
            raise ValueError(f"GanOptions: image_size must be 32 or 64, got {self.image_size}")
        if self.texture < 8 or self.texture & (self.texture - 1):
            raise ValueError(f"GanOptions: texture must be a power of two from 8 on, got {self.texture}")
        if self.batch < 2 or self.batch % 2:
            raise ValueError(f"GanOptions: batch must be even and positive, got {self.batch}")
        smallest = min(self.code, self.hidden, self.channels, self.judge, self.steps, self.r1_every, self.rate, self.judge_rate, self.sigma)
        if smallest <= 0 or not 0 <= self.average < 1 or min(self.r1, self.laplacian, self.flatten, self.subdivisions) < 0:
            raise ValueError("GanOptions: sizes, steps and rates must be positive, weights not negative, and average in [0, 1)")

    def late(self, step: int) -> float:
        """What the rates are multiplied with."""
        return min(1.0, 0.1 + 0.9 * (1 - step / self.steps) / 0.4)


# --------------------------------------------------------------------------------------------------------------------------- the networks


class PaintLayer(nn.Module):
    """Twice the size, a convolution 3 x 3 on the sphere's map (which closes along u), each channel scaled and shifted as the code wants."""

    def __init__(self, before: int, after: int, hidden: int) -> None:
        super().__init__()
        self.convolution, self.style = nn.Conv2d(before, after, 3), nn.Linear(hidden, 2 * after)

    def forward(self, maps: torch.Tensor, code: torch.Tensor) -> torch.Tensor:
        scale, shift = self.style(code)[..., None, None].chunk(2, 1)
        return F.leaky_relu(self.convolution(around(F.interpolate(maps, scale_factor=2))) * (1 + scale) + shift, SLOPE)


class Generator(nn.Module):
    """Codes [B, code] to vertices [B, V, 3], mirror images of themselves in x, and textures [B, 3, h, 2 h] in [0, 1]."""

    def __init__(self, options: GanOptions) -> None:
        super().__init__()
        self.options, self.surface = options, Surface(options.subdivisions, 0.3)
        base, hidden = self.surface.base.numpy(), options.hidden
        self.register_buffer("mirror", torch.from_numpy(KDTree(base).query(base * [-1, 1, 1])[1]), persistent=False)
        self.register_buffer("sign", torch.tensor([-1.0, 1.0, 1.0]), persistent=False)
        self.mapping = nn.Sequential(nn.Linear(options.code, hidden), nn.LeakyReLU(SLOPE), nn.Linear(hidden, hidden), nn.LeakyReLU(SLOPE))
        self.shape = nn.Sequential(nn.Linear(hidden, 2 * hidden), nn.LeakyReLU(SLOPE), nn.Linear(2 * hidden, base.size))
        with torch.no_grad():
            for parameter in self.shape[-1].parameters():
                parameter *= 0.2
        channels = [max(8, options.channels >> i) for i in range(round(math.log2(options.texture / 4)) + 1)]
        self.start = nn.Linear(hidden, channels[0] * 4 * 8)
        self.layers = nn.ModuleList(PaintLayer(before, after, hidden) for before, after in itertools.pairwise(channels))
        self.paint = nn.Conv2d(channels[-1], 3, 3)

    def forward(self, codes: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        code = self.mapping(F.normalize(codes, dim=1) * codes.shape[1] ** 0.5)
        moves = self.shape(code).view(len(code), -1, 3)
        moves = FARTHEST * torch.tanh((moves + moves[:, self.mirror] * self.sign) / (2 * FARTHEST))
        maps = self.start(code).view(len(code), -1, 4, 8)
        for layer in self.layers:
            maps = layer(maps, code)
        return self.surface.base + moves, torch.sigmoid(self.paint(around(maps)))


class Discriminator(nn.Module):
    """How true pictures [B, 4, S, S] look, [B]: four convolutions of stride 2, the spread within the batch, and how what was seen fits the azimuth."""

    def __init__(self, options: GanOptions) -> None:
        super().__init__()
        channels, layers = [4] + [options.judge * i for i in (1, 2, 3, 4)], []
        strides = (1 if options.image_size == 32 else 2, 2, 2, 2)
        for before, after, stride in zip(channels, channels[1:], strides, strict=False):
            layers += [nn.Conv2d(before, after, 2 + stride, stride, 1), nn.LeakyReLU(SLOPE)]
        self.layers = nn.Sequential(*layers)
        self.last = nn.Sequential(nn.Linear((channels[-1] + 1) * 16, 128), nn.LeakyReLU(SLOPE))
        self.judge, self.azimuth = nn.Linear(128, 1), None if options.blind else nn.Linear(2 * HARMONICS, 128, bias=False)

    def forward(self, pictures: torch.Tensor, views: np.ndarray) -> torch.Tensor:
        seen = self.layers(pictures * 2 - 1)
        spread = (seen.var(0, unbiased=False) + 1e-8).sqrt().mean().expand(len(seen), 1, *seen.shape[2:])
        seen = self.last(torch.cat([seen, spread], 1).flatten(1))
        judged = self.judge(seen)[:, 0]
        if self.azimuth is None:
            return judged
        angles = torch.from_numpy(2 * np.pi / VIEWS * np.asarray(views)[:, None] * np.arange(1, HARMONICS + 1)).to(pictures)
        return judged + (self.azimuth(torch.cat([angles.cos(), angles.sin()], 1)) * seen).sum(1)


def draw(surface: Surface, vertices: torch.Tensor, textures: torch.Tensor, views: np.ndarray, image_size: int, sigma: float) -> torch.Tensor:
    """[B, 4, S, S]: surfaces through the cameras of views [B], colours over black as in the data."""
    half = 0.5 / textures.shape[2]
    uvs = torch.stack([surface.corner_uvs[..., 0], surface.corner_uvs[..., 1].clamp(half, 1 - half)], -1).reshape(-1, 2)  # along v the poles are no neighbours
    painted = tsr.UVTexture(textures.permute(0, 2, 3, 1).contiguous(), uvs, np.tile(np.arange(len(uvs)).reshape(-1, 3), (len(vertices), 1)))
    settings = tsr.RasterizeSettings(sigma=sigma, gamma=1e-4, cutoff=1e-3)
    image = render(vertices, surface.triangles, cameras(views), painted, settings=settings, image_size=image_size)
    return torch.cat([image.color * image.alpha[..., None], image.alpha[..., None]], -1).permute(0, 3, 1, 2).contiguous()


# --------------------------------------------------------------------------------------------------------------------------- the training


@dataclass(frozen=True)
class Draft:
    """What is random in a step: it follows from seed and step alone, so that a run that goes on later draws what it would have drawn.

    Attributes:
        real: [B, 4, S, S] pictures of the data set.
        real_views, fake_views: [B] from where real pictures were taken, and invented objects are.
        codes: [B, code].
    """

    real: torch.Tensor
    real_views: np.ndarray
    fake_views: np.ndarray
    codes: torch.Tensor

    @classmethod
    def of(cls, data: ShapeData, options: GanOptions, step: int) -> "Draft":
        random = np.random.default_rng([options.seed, step])
        objects, (real_views, fake_views) = random.integers(0, len(data), options.batch), random.integers(0, VIEWS, (2, options.batch))
        return cls(data.pictures(objects, real_views), real_views, fake_views, normal_codes(random, options.batch, options.code))


def normal_codes(random: np.random.Generator, n: int, size: int) -> torch.Tensor:
    return torch.from_numpy(random.standard_normal((n, size)).astype(np.float32))


class Training:
    """Both networks, their optimisers, and the moving average of the generator."""

    def __init__(self, options: GanOptions) -> None:
        torch.manual_seed(options.seed)
        self.options, self.step = options, 0
        self.generator, self.discriminator = Generator(options), Discriminator(options)
        self.average = copy.deepcopy(self.generator).requires_grad_(False)
        self.rates = {"generator": options.rate, "discriminator": options.judge_rate}
        self.optimizers = {name: torch.optim.Adam(getattr(self, name).parameters(), rate, betas=(0.0, 0.99)) for name, rate in self.rates.items()}

    @property
    def parts(self) -> dict[str, Any]:
        networks = {name: getattr(self, name) for name in ("generator", "discriminator", "average")}
        return networks | {f"{name}_optimizer": optimizer for name, optimizer in self.optimizers.items()}

    def advance(self, draft: Draft) -> torch.Tensor:
        """One step of each network; what it was like, in the order of PARTS."""
        options, surface = self.options, self.generator.surface
        vertices, textures = self.generator(draft.codes)
        fake = draw(surface, vertices, textures, draft.fake_views, options.image_size, options.sigma)

        penalized = self.step % options.r1_every == 0
        real = draft.real.requires_grad_(penalized)
        on_real, on_fake = self.discriminator(real, draft.real_views), self.discriminator(fake.detach(), draft.fake_views)
        judging, r1 = F.softplus(-on_real).mean() + F.softplus(on_fake).mean(), torch.zeros(())
        if penalized:
            (slope,) = torch.autograd.grad(on_real.sum(), real, create_graph=True)
            r1 = slope.square().sum((1, 2, 3)).mean()
        self.follow("discriminator", judging + 0.5 * options.r1 * options.r1_every * r1)

        self.discriminator.requires_grad_(False)
        fooling = F.softplus(-self.discriminator(fake, draft.fake_views)).mean()
        smoothness = options.laplacian * surface.laplacian(vertices) + options.flatten * surface.flatten(vertices)
        self.follow("generator", fooling + smoothness)
        self.discriminator.requires_grad_(True)

        kept = min(options.average, (1 + self.step) / (10 + self.step))  # at first it forgets quickly
        with torch.no_grad():
            for old, new in zip(self.average.parameters(), self.generator.parameters(), strict=True):
                old.lerp_(new, 1 - kept)
        self.step += 1
        return torch.stack([part.detach() for part in (judging, fooling, on_real.mean(), on_fake.mean(), smoothness, r1)])

    def follow(self, name: str, loss: torch.Tensor) -> None:
        if not torch.isfinite(loss):
            raise ValueError(f"train: the loss of the {name} must be finite, got {loss.item()} in step {self.step}; a smaller rate may help")
        descend(self.optimizers[name], loss, self.rates[name] * self.options.late(self.step), clip=10.0)


def load_state(path: Path) -> dict[str, Any]:
    """A training's state. Raises FileNotFoundError, ValueError."""
    return read_state(path, {"options", "generator", "discriminator", "average", "step", "curves", "seconds"}, "load_state")


def load_generator(folder: Path) -> Generator:
    """The moving average that a training left."""
    state = load_state(folder / "state.pt")
    generator = Generator(GanOptions(**state["options"]))
    generator.load_state_dict(state["average"])
    return generator.eval().requires_grad_(False)


def train(
    data: ShapeData, folder: Path, options: GanOptions, *, save_every: int = 200, picture_every: int = 1000, stop_after: int | None = None
) -> bool:  # fmt: skip
    """Trains, or goes on where ``folder/state.pt`` ends; False if Ctrl-C (or ``stop_after`` steps) came before the end.

    The state is written every ``save_every`` steps, whole or not at all: after a kill the same command repeats what came after it, with the same pictures and
    codes. Every ``picture_every`` steps a sheet of the same codes is written, too.

    Raises:
        ValueError: if the state there belongs to other options (``steps`` may be others), or the training breaks down.
    """
    training = Training(options)
    run = Run(folder, options.steps, {"options": asdict(options)}, training.parts, curves="curves")
    if run.load(free=("steps",)):
        training.step = run.step

    def advance(step: int) -> dict[str, torch.Tensor]:
        curve = training.advance(Draft.of(data, options, step))
        if training.step == options.steps or training.step % picture_every == 0:
            save_progress(folder / f"progress_{training.step:06d}.png", training.average)
        return dict(zip(PARTS, curve, strict=True))

    return run.go(advance, save_every=save_every, stop_after=stop_after, digits=2)


# ---------------------------------------------------------------------------------------------------------------------------- pictures


def over_white(pictures: torch.Tensor) -> np.ndarray:
    """[..., S, S, 3] of [..., 4, S, S]."""
    return (pictures[..., :3, :, :] + 1 - pictures[..., 3:, :, :]).movedim(-3, -1).clamp(0, 1).numpy()


def tiled(pictures: np.ndarray) -> np.ndarray:
    """[R * S, C * S, 3] of [R, C, S, S, 3]."""
    rows, columns, height, width, _ = pictures.shape
    return pictures.transpose(0, 2, 1, 3, 4).reshape(rows * height, columns * width, 3)


def gallery(generator: Generator, codes: torch.Tensor, views: Sequence[int], image_size: int = 0) -> torch.Tensor:
    """[N, K, 4, S, S]: each code's object from each view, as the discriminator would see it."""
    size, rows = image_size or generator.options.image_size, []
    with torch.no_grad():
        for some in codes.split(16):
            vertices, textures = (part.repeat_interleave(len(views), 0) for part in generator(some))
            pictures = draw(generator.surface, vertices, textures, np.tile(views, len(some)), size, generator.options.sigma)
            rows.append(pictures.unflatten(0, (len(some), len(views))))
    return torch.cat(rows)


def save_progress(path: Path, generator: Generator) -> None:
    codes = normal_codes(np.random.default_rng(generator.options.seed + 1), 8, generator.options.code)
    save_picture(path, tiled(over_white(gallery(generator, codes, SIDES, 64))))


def sharp(mesh: tsr.Mesh, views: Sequence[int], size: int) -> np.ndarray:
    """[K, size, size, 3]: for people to look at."""
    return render_views(mesh, cameras(np.array(views)), (size, size), ("",) * len(views), samples=2).over_white()


def resized(picture: np.ndarray, height: int, width: int) -> np.ndarray:
    image = Image.fromarray(np.round(picture * 255).astype(np.uint8)).resize((width, height), Image.Resampling.BICUBIC)
    return np.asarray(image, np.float32) / 255


def save_sheet(path: Path, meshes: Sequence[tsr.Mesh], size: int = 96) -> None:
    """An object a row: from six sides, and its texture."""
    rows = [np.concatenate([*sharp(mesh, SIDES, size), resized(mesh.texture, size, 2 * size)], 1) for mesh in meshes]
    save_picture(path, np.concatenate(rows))


def save_interpolation(path: Path, generator: Generator, codes: torch.Tensor, frames: int = 12, size: int = 160) -> None:
    """From code to code and back to the first, along great circles, while the object turns."""
    pictures = []
    total = frames * len(codes)
    for i, (one, other) in enumerate(zip(codes, codes.roll(-1, 0), strict=True)):
        for k in range(frames):
            vertices, textures = generator(between(one, other, k / frames)[None])
            view = 4 + VIEWS * (i * frames + k) / total
            pictures.append(sharp(generator.surface.mesh(vertices[0], textures[0]), [view], size)[0])
    images = [Image.fromarray(np.round(picture * 255).astype(np.uint8)).quantize(96) for picture in pictures]
    images[0].save(path, save_all=True, append_images=images[1:], duration=90, loop=0, optimize=True)


def between(one: torch.Tensor, other: torch.Tensor, share: float) -> torch.Tensor:
    angle = torch.acos(F.cosine_similarity(one, other, dim=0).clamp(-0.999, 0.999))
    return (torch.sin((1 - share) * angle) * F.normalize(one, dim=0) + torch.sin(share * angle) * F.normalize(other, dim=0)) / torch.sin(angle)


def save_neighbours(path: Path, generated: torch.Tensor, known: torch.Tensor, view: int, size: int = 96) -> None:
    """Invented objects above, below each the known object that is nearest to it (L1 of all judged views): is it a copy?"""
    nearest = torch.cdist(generated.flatten(1), known.flatten(1), p=1).argmin(1)
    rows = [[resized(picture, size, size) for picture in over_white(part[:, view])] for part in (generated, known[nearest])]
    save_picture(path, tiled(np.array(rows)))


# -------------------------------------------------------------------------------------------------------------------------- the figures


def sliced_wasserstein(one: torch.Tensor, other: torch.Tensor, directions: int = 512, seed: int = 0) -> float:
    """The Wasserstein distance (W1) between two sets of as many pictures [N, ...] each, along random directions of length sqrt(size), on average."""
    one, other = one.flatten(1).double(), other.flatten(1).double()
    if one.shape != other.shape:
        raise ValueError(f"sliced_wasserstein: both sets must have one shape, got {tuple(one.shape)} and {tuple(other.shape)}")
    random = np.random.default_rng(seed).standard_normal((one.shape[1], directions))
    along = F.normalize(torch.from_numpy(random), dim=0) * one.shape[1] ** 0.5
    return ((one @ along).sort(0)[0] - (other @ along).sort(0)[0]).abs().mean().item()


class Frechet:
    """The Frechet distance between normal distributions fitted to two sets, in coordinates that need no trained network: principal components.

    ``basis`` [N, ...]: the pictures whose ``components`` first principal components are taken.
    """

    def __init__(self, basis: torch.Tensor, components: int = 64) -> None:
        flat = basis.flatten(1).double()
        self.mean = flat.mean(0)
        values, vectors = torch.linalg.eigh((flat - self.mean).T @ (flat - self.mean)) if flat.shape[1] <= len(flat) else gram(flat - self.mean)
        self.vectors, self.explained = vectors[:, -components:], (values[-components:].sum() / values.clamp(min=0).sum()).item()

    def __call__(self, one: torch.Tensor, other: torch.Tensor) -> float:
        parts = [(part.flatten(1).double() - self.mean) @ self.vectors for part in (one, other)]
        return frechet(*parts)


def gram(flat: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Eigenvalues and -vectors of flat^T flat, for fewer rows than columns."""
    values, left = torch.linalg.eigh(flat @ flat.T)
    return values, F.normalize(flat.T @ left, dim=0)


def frechet(one: torch.Tensor, other: torch.Tensor) -> float:
    """|m1 - m2|^2 + tr(C1 + C2 - 2 (C1 C2)^1/2) of samples [N, D]."""
    means, covariances = [part.double().mean(0) for part in (one, other)], [torch.cov(part.double().T) for part in (one, other)]
    values, vectors = torch.linalg.eigh(covariances[0])
    root = vectors * values.clamp(min=0).sqrt() @ vectors.T
    cross = torch.linalg.eigvalsh(root @ covariances[1] @ root).clamp(min=0).sqrt().sum()
    return ((means[0] - means[1]).square().sum() + covariances[0].trace() + covariances[1].trace() - 2 * cross).clamp(min=0).item()


def coverage_and_matching(given: torch.Tensor, true: torch.Tensor) -> dict[str, float]:
    """How well a set of objects [N, K, 4, S, S] (each from K views) stands for true ones [M, K, 4, S, S].

    coverage: share of true objects that are the nearest one (L1 of all pictures) to some given one. iou: of a true object's silhouettes with those of the given
    object that fits best, mean over views and true objects. l1: the same with the L1 of pictures, times 1000.
    """
    distance = torch.cdist(given.flatten(1), true.flatten(1), p=1) / given[0].numel()
    ious = torch.zeros(len(given), len(true))
    for view in range(given.shape[1]):
        masks = [(part[:, view, 3] > 0.5).flatten(1).float() for part in (given, true)]
        both = masks[0] @ masks[1].T
        ious += both / (masks[0].sum(1)[:, None] + masks[1].sum(1) - both).clamp(min=1)
    best = (ious / given.shape[1]).max(0)[0].mean()
    return {"coverage": len(distance.argmin(1).unique()) / len(true), "iou": best.item(), "l1": 1000 * distance.min(0)[0].mean().item()}


def jittered_mean(data: ShapeData, n: int, seed: int = 0) -> torch.Tensor:
    """[n, K, 4, S, S]: the mean pictures of all objects, in random tints, shifted by up to two pixels: a generator that knows one object."""
    random = np.random.default_rng(seed)
    mean = torch.from_numpy(data.images[:, list(JUDGED)].mean(0, dtype=np.float64).astype(np.float32) / 255)
    tints = torch.from_numpy(random.uniform(0.5, 1.5, (n, 1, 3, 1, 1)).astype(np.float32))
    objects = torch.cat([mean[None, :, :3] * tints, mean[None, :, 3:].expand(n, -1, -1, -1, -1)], 2).clamp(0, 1)
    return torch.stack([one.roll(tuple(shift), (-2, -1)) for one, shift in zip(objects, random.integers(-2, 3, (n, 2)).tolist(), strict=True)])


def evaluate(data: ShapeData, known: ShapeData, generator: Generator, untrained: Generator, seed: int = 0) -> dict[str, dict[str, float]]:
    """A row for each set of objects: its distances to the objects of ``data`` (which nobody has learnt); ``known`` are those that were."""
    n, random = len(data), np.random.default_rng(seed)

    def seen(part: ShapeData, objects: np.ndarray) -> torch.Tensor:
        return torch.from_numpy(part.images[objects][:, list(JUDGED)].astype(np.float32) / 255)

    codes = normal_codes(random, n, generator.options.code)
    true = seen(data, np.arange(n))
    chosen = random.choice(len(known), n, replace=len(known) < n)
    distance = Frechet(seen(known, np.arange(min(len(known), 250))).flatten(0, 1))
    rows = {
        "untrained generator": gallery(untrained, codes, JUDGED),
        "mean object with jitter": jittered_mean(known, n),
        "trained generator": gallery(generator, codes, JUDGED),
        "other true objects (the floor)": seen(known, chosen),
    }
    table = {}
    for name, given in rows.items():
        pictures = given.flatten(0, 1), true.flatten(0, 1)
        table[name] = {"swd": sliced_wasserstein(*pictures), "frechet": distance(*pictures)} | coverage_and_matching(given, true)
    return table


def markdown(table: dict[str, dict[str, float]]) -> str:
    heads = {"swd": "sliced Wasserstein", "frechet": "Frechet", "coverage": "coverage", "iou": "best silhouette IoU", "l1": "best picture L1 x 1000"}
    digits = {"swd": 3, "frechet": 2, "coverage": 3, "iou": 3, "l1": 1}
    lines = ["| | " + " | ".join(heads.values()) + " |", "|---" * (len(heads) + 1) + "|"]
    return "\n".join(lines + [f"| {name} | " + " | ".join(f"{row[key]:.{digits[key]}f}" for key in heads) + " |" for name, row in table.items()])


# -------------------------------------------------------------------------------------------------------------------------- the commands


def parser_of() -> argparse.ArgumentParser:
    parser, commands, own = command_parser("demos.dibr.gan", __doc__)

    training = commands.add_parser("train", parents=[own], help="trains, or goes on")
    training.add_argument("data", type=Path, help="folder with <family>_train_images.npz: see python -m demos.reconstruction generate")
    training.add_argument("-o", "--out", type=Path, required=True, help="folder for state.pt and progress_*.png")
    training.add_argument("--quick", action="store_true", help="small networks, 32 x 32 pixels, fewer steps: for a CPU")
    training.add_argument("--save-every", type=int, default=200, help="steps (default: %(default)s)")
    training.add_argument("--picture-every", type=int, default=1000, help="steps (default: %(default)s)")
    training.add_argument("--stop-after", type=int, help="stops after so many steps; the same command without it goes on")
    training.add_argument("--blind", action="store_true", help="the discriminator is not told the azimuth of a picture")
    add_option_flags(training, GanOptions, QUICK, but=("blind",))

    sampling = commands.add_parser("sample", parents=[own], help="draws invented objects and writes them as files")
    sampling.add_argument("run", type=Path, help="folder of a training")
    sampling.add_argument("-o", "--out", type=Path, required=True, help="folder for sheet.png, interpolation.gif, <family>_<i>.glb and .obj")
    sampling.add_argument("-n", "--objects", type=int, default=8, help="(default: %(default)s)")
    sampling.add_argument("--codes-seed", type=int, default=0, help="of the codes (default: %(default)s)")

    judging = commands.add_parser("evaluate", parents=[own], help="prints the table of distances")
    judging.add_argument("data", type=Path, help="folder with the train and test pictures")
    judging.add_argument("run", type=Path, help="folder of a training")
    judging.add_argument("-o", "--out", type=Path, required=True, help="folder for table.md, table.json, neighbours.png, curves.png")
    return parser


def run_train(options: argparse.Namespace) -> None:
    recipe = GanOptions(**chosen(options, (field.name for field in fields(GanOptions)), QUICK))
    for name in ("save_every", "picture_every"):
        if getattr(options, name) < 1:
            raise ValueError(f"train: --{name.replace('_', '-')} must be positive, got {getattr(options, name)}")
    data = ShapeData.load(options.data, "train", [recipe.family], recipe.image_size)
    if not train(data, options.out, recipe, save_every=options.save_every, picture_every=options.picture_every, stop_after=options.stop_after):
        sys.exit(GOES_ON)


def run_sample(options: argparse.Namespace) -> None:
    if not 1 <= options.objects <= 1000:
        raise ValueError(f"sample: --objects must be between 1 and 1000, got {options.objects}")
    generator = load_generator(options.run)
    family = generator.options.family
    options.out.mkdir(parents=True, exist_ok=True)
    codes = normal_codes(np.random.default_rng(options.codes_seed), max(options.objects, 4), generator.options.code)
    meshes = [generator.surface.mesh(vertices, texture) for vertices, texture in zip(*generator(codes[: options.objects]), strict=True)]
    for i, mesh in enumerate(meshes):
        mesh.save(options.out / f"{family}_{i}.glb")
        mesh.save(options.out / f"{family}_{i}.obj")
    save_sheet(options.out / "sheet.png", meshes[:12])
    save_interpolation(options.out / "interpolation.gif", generator, codes[:4])
    print(f"sheet.png, interpolation.gif and {len(meshes)} objects, {family}_0.glb and so on, are in {options.out}")


def run_evaluate(options: argparse.Namespace) -> None:
    generator, state = load_generator(options.run), load_state(options.run / "state.pt")
    recipe = generator.options
    test, known = (ShapeData.load(options.data, split, [recipe.family], recipe.image_size) for split in ("test", "train"))
    table = evaluate(test, known, generator, Training(recipe).generator)
    options.out.mkdir(parents=True, exist_ok=True)
    told = {"steps": state["step"], "minutes": round(state["seconds"] / 60, 1), "objects": len(test), "views": len(JUDGED)}
    (options.out / "table.json").write_text(json.dumps(told | {"rows": table}, indent=1) + "\n")
    (options.out / "table.md").write_text(markdown(table) + "\n")
    codes = normal_codes(np.random.default_rng(0), 8, recipe.code)
    everything = torch.from_numpy(known.images[:, list(JUDGED)].astype(np.float32) / 255)
    save_neighbours(options.out / "neighbours.png", gallery(generator, codes, JUDGED), everything, view=1)
    save_curves(options.out / "curves.png", dict(zip(PARTS[:2], state["curves"].numpy().T, strict=False)), "loss", 3.5)
    print(markdown(table))
    print(f"trained: {told}; table.md, table.json, neighbours.png and curves.png are in {options.out}")


def main(arguments: list[str] | None = None) -> None:
    options = parsed(parser_of(), arguments)
    {"train": run_train, "sample": run_sample, "evaluate": run_evaluate}[options.command](options)


if __name__ == "__main__":
    run_program("gan", main)
