"""What compositing costs beside the softmax and beside plain torch: ``python -m tests.benchmarks.composite``.

Two scenes: S-5120-128 of `rows`, with opaque faces; and a soup of 50,000 triangles of opacity one half at 256 x 256, 12 layers a pixel on average. A step is
the rasteriser forward and backward on the tape, as in `python -m tests.benchmarks`; ways are measured by turns. Plain torch is `interop/dense.py` (every face
against every pixel, sorted at each pixel, in chunks of pixels), of a part of the soup's pixels, and the whole reckoned from it: it is linear in pixels.
"""

import argparse
import os

os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # torch's idle threads would spin, and take the cores from Taichi's; it must be set before torch is loaded

import statistics
import time
from dataclasses import replace
from functools import partial

import numpy as np
import torch

from taichi_softras import Blending, Opacity, Order, RasterizeSettings, Topology
from taichi_softras.engine import rasterizer
from taichi_softras.interop import dense
from taichi_softras.language import ti
from taichi_softras.runtime import default_arrays

from .rows import ROWS, scene_of
from .timing import Step

SOUP_FACES, SOUP_SIZE, SOUP_LAYERS = 50_000, 256, 12
DENSE_SIZE = 16  # pixels on a side of what plain torch draws


def soup(n_faces: int, layers: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Triangles all over the screen, which they cover so many times: vertices, faces, colours."""
    rng = np.random.default_rng(seed)
    corners = rng.normal(size=(n_faces, 3, 2))
    corners -= corners.mean(1, keepdims=True)
    ab, ac = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    area = np.abs(ab[:, 0] * ac[:, 1] - ab[:, 1] * ac[:, 0]).mean() / 2
    places = rng.uniform(-1, 1, (n_faces, 1, 2)) + corners * np.sqrt(layers * 4 / n_faces / area)
    depths = rng.uniform(2, 4, (n_faces, 1)) + rng.normal(0, 0.02, (n_faces, 3))
    vertices = np.concatenate([places, depths[..., None]], -1).reshape(-1, 3)
    return vertices, np.arange(3 * n_faces, dtype=np.int32).reshape(n_faces, 3), rng.random((len(vertices), 3))


def step_of(vertices: np.ndarray, faces: np.ndarray, colors: np.ndarray, settings: RasterizeSettings, size: int, opacity: float) -> Step:
    arrays, topology = default_arrays(), Topology.shared(faces, len(vertices))
    places, rows, behind = arrays.parameter(vertices), arrays.parameter(colors), arrays.real(np.zeros((1, 3)))
    more = {"opacity": arrays.parameter(np.full((len(faces), 1), opacity))} if settings.blending is Blending.COMPOSITE else {}
    loss = arrays.parameter(np.zeros(1))

    def step() -> tuple[float, float]:
        began = time.perf_counter()
        with ti.ad.Tape(loss):
            image = rasterizer.rasterize(arrays, topology, places, rows, behind, settings, (size, size), **more)
            rendered = time.perf_counter()
            for output in (image.alpha, image.color, image.depth):
                arrays.untracked(partial(output.grad.fill, 1.0))
            resumed = time.perf_counter()
        return rendered - began, time.perf_counter() - resumed

    return step


def dense_seconds(vertices: np.ndarray, faces: np.ndarray, colors: np.ndarray, settings: RasterizeSettings, size: int, opacity: float) -> float:
    """Of plain torch for a picture of ``size`` pixels on a side, from one of `DENSE_SIZE`."""
    places, rows, opacities = (torch.tensor(a, dtype=torch.float32, requires_grad=True) for a in (vertices, colors, np.full((len(faces), 1), opacity)))
    began = time.perf_counter()
    image = dense.rasterize(places, Topology.shared(faces, len(vertices)), rows, opacity=opacities, settings=settings, image_size=DENSE_SIZE)
    (image.alpha.sum() + image.color.sum() + image.depth.sum()).backward()
    return (time.perf_counter() - began) * (size / DENSE_SIZE) ** 2


def measure(
    name: str, scene: tuple[np.ndarray, np.ndarray, np.ndarray], settings: RasterizeSettings, size: int, opacity: float, repeats: int, peer: bool
) -> None:
    composite = replace(settings, blending=Blending.COMPOSITE, opacity=Opacity.FACE)
    ways = {"softmax": settings, "composite": composite, "composite, Order.TILE": replace(composite, order=Order.TILE)}
    steps = {way: step_of(*scene, kind, size, opacity) for way, kind in ways.items()}
    for step in steps.values():  # compiles
        step()
    times: dict[str, list[tuple[float, float]]] = {way: [] for way in ways}
    for _ in range(repeats):
        for way, step in steps.items():
            times[way].append(step())
    totals = {way: statistics.median(map(sum, measured)) for way, measured in times.items()}
    for way, measured in times.items():
        forward, backward = (1e3 * statistics.median(part) for part in zip(*measured, strict=True))
        least = 1e3 * min(map(sum, measured))
        print(
            f"| {name} | {way} | {forward:.1f} | {backward:.1f} | {1e3 * totals[way]:.1f} | {least:.1f} | {totals[way] / totals['softmax']:.2f} |", flush=True
        )
    if peer:
        seconds = dense_seconds(*scene, composite, size, opacity)
        print(f"| {name} | plain torch, reckoned | | | {1e3 * seconds:.0f} | | {seconds / totals['composite']:.0f} times composite |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=30, metavar="N", help="steps of each way (default: %(default)s)")
    parser.add_argument("--no-dense", action="store_true", help="leave plain torch out")
    arguments = parser.parse_args()
    print("| scene | way | forward ms | backward ms | total ms | least ms | total/softmax |\n|---|---|---|---|---|---|---|")
    sphere = scene_of(next(row for row in ROWS if row.name == "S-5120-128"))
    measure("S-5120-128", (sphere.vertices_screen, sphere.faces, sphere.colors), sphere.settings, sphere.size, 1.0, arguments.repeats, peer=False)
    sharp = RasterizeSettings(sigma=1e-6, near=1.0, far=100.0)
    measure("soup-50000-256", soup(SOUP_FACES, SOUP_LAYERS), sharp, SOUP_SIZE, 0.5, arguments.repeats, peer=not arguments.no_dense)


if __name__ == "__main__":
    main()
