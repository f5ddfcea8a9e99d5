"""Prints what a frame costs: ``python -m tests.benchmarks``.

Scene S: a sphere under SoftRas's default camera (distance 2.732, half angle 30 degrees), scaled so that it covers 23 % of the image; gamma and cut-off
1e-4; silhouette and colour. Forward and backward are times of the rasteriser alone (binning, sums, resolve): the median of many runs, once the kernels are
compiled.
"""

import argparse
import math
import os
import platform
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import taichi as ti
import trimesh

import taichi_softras as tsr
from taichi_softras.rasterizer import rasterize

RADIUS = 0.86  # of the sphere that covers 23 % of the image
FAR_PLANE, NEAR_PLANE = 100.0, 1.0


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=30, help="runs per figure (default: %(default)s)")
    repeats = parser.parse_args().repeats
    tsr.init("cpu")
    print(f"\n{processor()}, {os.cpu_count()} cores, Taichi {'.'.join(map(str, ti.__version__))} on {tsr.current_arch()}, float32\n")
    cost_of_faces(repeats)
    cost_of_pixels(repeats)


def processor() -> str:
    """The processor's name, where the system tells it."""
    info = Path("/proc/cpuinfo")
    names = [line.split(":")[1].strip() for line in info.read_text().splitlines() if line.startswith("model name")] if info.is_file() else []
    return names[0] if names else platform.processor() or platform.machine()


def cost_of_faces(repeats: int) -> None:
    """Doubling the faces at the same coverage must not double the time."""
    print("Faces doubled at the same coverage, 256 x 256, sigma 1e-5\n")
    print("|  faces | pixels in reach | forward ms | backward ms | time against the row above |")
    print("|-------:|----------------:|-----------:|------------:|---------------------------:|")
    previous = None
    for columns in (16, 23, 32, 45, 64, 91):
        sphere = trimesh.creation.uv_sphere(radius=RADIUS, count=[columns, 2 * columns])
        n, forward, backward = measure(sphere, 256, 1e-5, repeats)
        total = forward + backward
        ratio = f"{total / previous:.2f} x" if previous else ""
        print(f"| {len(sphere.faces):6d} | {n:15d} | {forward:10.2f} | {backward:11.2f} | {ratio:>26s} |")
        previous = total
    print()


def cost_of_pixels(repeats: int) -> None:
    """Scene S of SoftRas's defaults, an icosphere."""
    print("Scene S, sigma 1e-4\n")
    print("|  faces |  image | pixels in reach | forward ms | backward ms | ns per pixel in reach |")
    print("|-------:|-------:|----------------:|-----------:|------------:|----------------------:|")
    for level, size in ((3, 64), (3, 128), (3, 256), (4, 64), (4, 128), (4, 256), (5, 256)):
        sphere = trimesh.creation.icosphere(subdivisions=level, radius=RADIUS)
        n, forward, backward = measure(sphere, size, 1e-4, repeats)
        print(f"| {len(sphere.faces):6d} | {size:6d} | {n:15d} | {forward:10.2f} | {backward:11.2f} | {1e6 * (forward + backward) / n:21.1f} |")
    print()


def measure(mesh: trimesh.Trimesh, size: int, sigma: float, repeats: int) -> tuple[int, float, float]:
    """(number of (face, pixel) pairs in reach, forward ms, backward ms)."""
    vertices_screen = project(np.asarray(mesh.vertices))
    settings = tsr.RasterizeSettings(sigma=sigma, gamma=1e-4, cutoff=1e-4, near=NEAR_PLANE, far=FAR_PLANE)
    arrays = tsr.TaichiArrays()
    topology = tsr.Topology.shared(mesh.faces, len(mesh.vertices))
    vertices, colors = arrays.parameter(vertices_screen), arrays.parameter(np.random.default_rng(0).random((len(mesh.vertices), 3)))
    background = arrays.real(np.zeros((1, 3)))

    def forward() -> tsr.RenderedImage:
        return rasterize(arrays, topology, vertices, colors, background, settings, (size, size))

    with ti.ad.Tape(arrays.parameter(np.zeros(1))) as tape:
        image = forward()
    for output in (image.alpha, image.color, image.depth):
        output.grad.fill(1.0)

    def backward() -> None:
        for function, arguments in reversed(tape.calls):
            function.grad(*arguments)

    return pairs_in_reach(vertices_screen, mesh.faces, size, settings.reach), median_ms(forward, repeats), median_ms(backward, repeats)


def project(vertices: np.ndarray) -> np.ndarray:
    """Through SoftRas's default camera, onto the screen."""
    depth = 2.732 - vertices[:, 2]
    return np.stack([*(vertices[:, :2].T / depth / math.tan(math.radians(30))), depth], 1)


def pairs_in_reach(vertices_screen: np.ndarray, faces: np.ndarray, size: int, reach: float) -> int:
    """How many (face, pixel) pairs really lie within reach, counted one face at a time."""
    centres = (2 * np.arange(size) + 1 - size) / size
    count = 0
    for a, b, c in vertices_screen[faces][:, :, :2]:
        low, high = np.minimum(np.minimum(a, b), c) - reach, np.maximum(np.maximum(a, b), c) + reach
        x, y = (centres[(centres >= low[k]) & (centres <= high[k])] for k in (0, 1))
        p = np.stack(np.meshgrid(x, y), -1)
        nearest, sides = np.full(p.shape[:2], np.inf), []
        for s, e in ((a, b), (b, c), (c, a)):
            edge, q = e - s, p - s
            t = np.clip(q @ edge / max(edge @ edge, 1e-30), 0, 1)
            nearest = np.minimum(nearest, ((q - t[..., None] * edge) ** 2).sum(-1))
            sides.append(edge[0] * q[..., 1] - edge[1] * q[..., 0])
        inside = (np.min(sides, 0) > 0) | (np.max(sides, 0) < 0)
        count += int((inside | (nearest < reach**2)).sum())
    return count


def median_ms(function: Callable[[], object], repeats: int) -> float:
    function()
    ti.sync()
    times = []
    for _ in range(repeats):
        began = time.perf_counter()
        function()
        ti.sync()
        times.append(time.perf_counter() - began)
    return 1e3 * statistics.median(times)


if __name__ == "__main__":
    main()
