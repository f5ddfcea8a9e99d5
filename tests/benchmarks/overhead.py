"""What a step costs before there is anything to compute, and what starting costs."""

import importlib.util
from dataclasses import replace

import numpy as np

from . import ours
from .rows import ROWS, Scene, scene_of
from .startup import cold_and_warm
from .table import milliseconds
from .timing import Step, repeat

__all__ = ["print_overhead"]


def print_overhead(arch: str, runs: int | None) -> None:
    print("\nA step on four faces at 8 x 8 pixels: Python, launches and little else\n")
    print("| step                     | forward ms | backward ms | total ms | least ms |")
    print("|--------------------------|-----------:|------------:|---------:|---------:|")
    colour = tetrahedron()
    alpha = replace(colour, colors=None)
    steps = {"Taichi's tape, colour": ours.step_of(colour), "Taichi's tape, alpha": ours.step_of(alpha)}
    if arch in ("cpu", "cuda") and importlib.util.find_spec("torch") is not None:
        steps |= {"torch, colour": torch_step(colour, arch), "torch, alpha": torch_step(alpha, arch)}
    for name, step in steps.items():
        step()
        times = repeat(step, runs)
        print(
            f"| {name:24s} | {milliseconds(times.forward):>10s} | {milliseconds(times.backward):>11s} | {milliseconds(times.total):>8s} "
            f"| {milliseconds(times.least):>8s} |",
            flush=True,
        )
    print_startup(arch)


def tetrahedron() -> Scene:
    """Four faces before the camera, on 8 x 8 pixels; otherwise as scene S."""
    corners = np.array([[0.5, 0.5, 2.2], [-0.5, -0.5, 2.2], [-0.5, 0.5, 3.2], [0.5, -0.5, 3.2]])
    faces = np.array([[0, 1, 2], [0, 3, 1], [0, 2, 3], [1, 3, 2]], np.int32)
    return replace(scene_of(ROWS[0]), vertices_screen=corners, faces=faces, colors=np.eye(4)[:, :3], size=8)


def torch_step(scene: Scene, arch: str) -> Step:
    """This renderer's step, from torch."""
    from taichi_softras import Topology
    from taichi_softras.interop import rasterize

    from . import peers

    vertices, colors, _ = peers.tensors(scene, arch)
    topology = Topology.shared(scene.faces, len(scene.vertices_screen), scene.batch)

    def render() -> tuple:
        image = rasterize(vertices.flatten(0, 1), topology, colors, settings=scene.settings, image_size=scene.size)
        return image.alpha, image.color, image.depth

    return peers.step_of(render, (vertices, colors))


def print_startup(arch: str) -> None:
    print("\nStarting, seconds: a process that imports the package and renders 1,280 faces at 64 x 64, forward and backward\n")
    print("| Taichi's offline cache | import | init | first forward | first backward | second step |")
    print("|------------------------|-------:|-----:|--------------:|---------------:|------------:|")
    for name, s in zip(("empty", "warm"), cold_and_warm(arch), strict=True):
        print(
            f"| {name:22s} | {s.importing:6.2f} | {s.starting:4.2f} | {s.first_forward:13.2f} | {s.first_backward:14.2f} | {s.second_step:11.4f} |", flush=True
        )
