"""Hours of random scenes, forward and backward: does memory grow?

    python -m tests.soak --minutes 60 -o soak.png

Every scene is new: number of faces, images, size of the picture, softness, options and number type; on torch's tensors (plain, with a picture as texture, with
the losses), and on Taichi's tape with ndarrays and with fields. A line a minute tells what the process holds; the last one how fast that grew in the second
half. Ctrl-C ends it with what there is.
"""

import argparse
import gc
import json
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import psutil
import torch

import taichi_softras
from taichi_softras import (
    Camera,
    FieldArrays,
    Filter,
    Interpolation,
    Mesh,
    RasterizeSettings,
    Renderer,
    Sides,
    TaichiArrays,
    TextureSettings,
    Topology,
    UVTexture,
    losses,
)
from taichi_softras.interop import losses as torch_losses
from taichi_softras.interop import rasterize, render
from taichi_softras.language import runtime, ti

OPTIONS = (
    RasterizeSettings(),
    RasterizeSettings(interpolation=Interpolation.MIXED, silhouette_beyond_depth_range=True, sides=Sides.CLOCKWISE),
)
SPHERES = [Mesh.icosphere(subdivisions) for subdivisions in range(4)]


@dataclass
class Reading:
    """What the process holds."""

    minutes: float
    scenes: int
    resident_mib: float
    compiled: int  # kernels
    objects: int  # of Python

    @classmethod
    def now(cls, began: float, scenes: int) -> "Reading":
        gc.collect()
        resident = psutil.Process().memory_info().rss / 2**20
        return cls((time.monotonic() - began) / 60, scenes, resident, runtime().get_num_compiled_functions(), len(gc.get_objects()))


def settings_of(rng: np.random.Generator) -> RasterizeSettings:
    return replace(OPTIONS[rng.integers(len(OPTIONS))], sigma=10.0 ** rng.uniform(-6, -1), gamma=10.0 ** rng.uniform(-4, 0))


def size_of(rng: np.random.Generator) -> tuple[int, int]:
    return int(rng.integers(1, 200)), int(rng.integers(1, 200))


def a_soup(rng: np.random.Generator) -> None:
    """Triangles on the screen, in a batch whose meshes differ."""
    dtype = (torch.float32, torch.float64)[rng.integers(2)]
    counts = rng.integers(1, 10 ** rng.integers(1, 4), rng.integers(1, 5))
    n = 3 * int(counts.sum())
    middle = np.repeat(rng.uniform([-1.5, -1.5, 1.5], [1.5, 1.5, 9], (n // 3, 3)), 3, 0)
    vertices = torch.tensor(middle + rng.normal(0, 10.0 ** rng.uniform(-3, 0), (n, 3)) * [1, 1, 0.1], dtype=dtype, requires_grad=True)
    features = torch.rand(n, 3, dtype=dtype, requires_grad=True)
    topology = Topology.batch([np.arange(3 * c).reshape(-1, 3) for c in counts], [3 * int(c) for c in counts])
    image = rasterize(vertices, topology, features, settings=settings_of(rng), image_size=size_of(rng))
    (image.alpha.sum() + image.color.sum() + image.depth.sum()).backward()


def a_mesh(rng: np.random.Generator) -> None:
    """A sphere before several cameras, with colours or a picture on it, and the losses of a fit."""
    mesh = SPHERES[rng.integers(len(SPHERES))]
    vertices = torch.tensor(mesh.vertices + rng.normal(0, 0.05, mesh.vertices.shape), dtype=torch.float32, requires_grad=True)
    camera = Camera.orbit(2.7, rng.uniform(-60, 60), rng.uniform(0, 360, rng.integers(1, 5)))
    colors: torch.Tensor | UVTexture = torch.rand(len(vertices), 3, requires_grad=True)
    if rng.uniform() < 0.5:
        picture = torch.rand(*rng.integers(1, 64, 2).tolist(), 3, requires_grad=True)
        sampling = TextureSettings(filter=(Filter.BILINEAR, Filter.MIPMAPPED)[rng.integers(2)])
        colors = UVTexture(picture, torch.rand(len(vertices), 2, requires_grad=True), None, sampling)
    image = render(vertices, mesh.faces, camera, colors, settings=settings_of(rng), image_size=size_of(rng))
    loss = (
        torch_losses.silhouette_iou(image.alpha, torch.rand_like(image.alpha)) + torch_losses.laplacian(vertices, mesh_connectivity(mesh)) + image.color.mean()
    )
    loss.backward()


def mesh_connectivity(mesh: Mesh) -> taichi_softras.Connectivity:
    return taichi_softras.Connectivity.of(mesh.faces, len(mesh.vertices))


class OnTheTape:
    """Taichi alone: a renderer and the arrays of a fit, filled anew for each scene."""

    def __init__(self, renderer: Renderer, n_cameras: int) -> None:
        self.renderer, self.n_cameras, self.mesh = renderer, n_cameras, SPHERES[2]
        self.vertices, self.colors = renderer.parameter(self.mesh.vertices), renderer.parameter(np.ones((len(self.mesh.vertices), 3)))
        self.target, self.loss = renderer.parameter(np.zeros((n_cameras, *renderer.image_size))), renderer.loss()

    def step(self, rng: np.random.Generator) -> None:
        self.renderer.settings = replace(self.renderer.settings, sigma=10.0 ** rng.uniform(-6, -1), gamma=10.0 ** rng.uniform(-4, 0))
        self.vertices.from_numpy((self.mesh.vertices + rng.normal(0, 0.05, self.mesh.vertices.shape)).astype(np.float32))
        self.target.from_numpy(rng.uniform(size=self.target.shape).astype(np.float32))
        with ti.ad.Tape(self.loss):
            camera = Camera.orbit(2.7, 10.0, rng.uniform(0, 360, self.n_cameras))
            image = self.renderer(self.vertices, self.mesh.faces, camera, self.colors)
            losses.silhouette_iou(image.alpha, self.target, into=self.loss)


def on_ndarrays(rng: np.random.Generator) -> None:
    OnTheTape(Renderer(size_of(rng), arrays=TaichiArrays()), int(rng.integers(1, 4))).step(rng)


FIELDS: list[OnTheTape] = []


def on_fields(rng: np.random.Generator) -> None:
    """Always the same fields: kernels are compiled for each new one."""
    if not FIELDS:
        FIELDS.append(OnTheTape(Renderer((24, 32), arrays=FieldArrays()), 2))
    FIELDS[0].step(rng)


KINDS: tuple[Callable[[np.random.Generator], None], ...] = (a_soup, a_mesh, on_ndarrays, on_fields)


def soak(minutes: float, seed: int = 0, every: float = 60.0) -> list[Reading]:
    """Readings, the first after every kind of scene has been seen, then one each ``every`` seconds."""
    rng, scenes = np.random.default_rng(seed), 0
    for kind in KINDS * 20:
        kind(rng)
    began = time.monotonic()
    readings = [Reading.now(began, scenes)]
    tell(readings[-1])
    try:
        while time.monotonic() < began + 60 * minutes:
            KINDS[rng.integers(len(KINDS))](rng)
            scenes += 1
            if time.monotonic() >= began + every * len(readings):
                readings.append(Reading.now(began, scenes))
                tell(readings[-1])
    except KeyboardInterrupt:
        print("interrupted")
    return readings


def tell(reading: Reading) -> None:
    print(
        f"{reading.minutes:7.1f} min  {reading.scenes:8d} scenes  {reading.resident_mib:8.1f} MiB  {reading.compiled:5d} kernels  {reading.objects:7d} objects",
        flush=True,
    )


def growth(readings: list[Reading]) -> tuple[float, int]:
    """In the second half: MiB an hour (a straight line through the readings), and kernels compiled."""
    half = readings[len(readings) // 2 :]
    slope = np.polyfit([r.minutes / 60 for r in half], [r.resident_mib for r in half], 1)[0] if len(half) > 1 else 0.0
    return float(slope), half[-1].compiled - half[0].compiled


def plot(readings: list[Reading], path: Path) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 2.8), layout="constrained")
    axes = figure.subplots()
    axes.plot([r.minutes for r in readings], [r.resident_mib for r in readings])
    axes.set(xlabel="minutes", ylabel="resident memory, MiB", ylim=(0, None), title=f"{readings[-1].scenes} random scenes, forward and backward")
    figure.savefig(path, dpi=110)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--every", type=float, default=60.0, help="seconds between two readings (default 60)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("-o", "--output", type=Path, help="a picture of memory over time; the readings stand beside it as .json")
    options = parser.parse_args()
    taichi_softras.init("cpu")
    torch.set_num_threads(1)
    readings = soak(options.minutes, options.seed, options.every)
    slope, compiled = growth(readings)
    print(f"second half: {slope:+.1f} MiB an hour, {compiled} kernels compiled")
    if options.output:
        plot(readings, options.output)
        options.output.with_suffix(".json").write_text(json.dumps([asdict(reading) for reading in readings]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
