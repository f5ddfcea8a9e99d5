"""What a step of PyTorch3D's drop-in costs: ``python -m tests.benchmarks.fragments [--against PYTHON]``.

SoftPhong on a sphere of 5,120 faces, forward and backward, by the number K of faces that a pixel keeps, by the size of the picture, with colours at the
vertices and with a picture and texture coordinates; gradients go to vertices and colours or texels. With --against the same is measured with another build, in
the environment of that Python, by turns: what a machine does beside it falls upon both. The time of all threads on the processors (CPU) is steadier than that
on the clock. Each figure is the median of the turns; a ratio that of the ratios, turn by turn.
"""

import argparse
import json
import math
import os

os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # torch's idle threads would spin, and count; it must be set before torch is loaded

import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

SUBDIVISIONS, SIGMA, TEXELS = 4, 1e-4, 256
SLOTS, SIZES, SOURCES = (1, 8, 50), (128, 256), ("colours", "picture")
RUNS = 5

Row = tuple[str, int, int]
ROWS: list[Row] = [(source, size, n_slots) for source in SOURCES for size in SIZES for n_slots in SLOTS]


def step_of(row: Row) -> Callable[[], None]:
    """Forward and backward."""
    import torch

    from taichi_softras import Mesh
    from taichi_softras.interop import pytorch3d as p3d

    source, size, n_slots = row
    sphere, generator = Mesh.icosphere(SUBDIVISIONS), torch.Generator().manual_seed(0)
    verts, faces = torch.tensor(sphere.vertices, dtype=torch.float32).requires_grad_(), torch.tensor(sphere.faces)
    shown = torch.rand((TEXELS, TEXELS, 3) if source == "picture" else verts.shape, generator=generator).requires_grad_()
    x, y, z = verts.detach().unbind(1)
    uvs = torch.stack([torch.atan2(x, z) / (2 * math.pi) + 0.5, y / 2 + 0.5], 1)
    R, T = p3d.look_at_view_transform(2.7, 10.0, 20.0)
    cameras = p3d.FoVPerspectiveCameras(R=R, T=T)
    settings = p3d.RasterizationSettings(image_size=size, blur_radius=math.log(1 / 1e-4 - 1) * SIGMA, faces_per_pixel=n_slots)
    shader = p3d.SoftPhongShader(cameras=cameras, lights=p3d.PointLights(location=[[2.0, 2.0, 2.0]]), blend_params=p3d.BlendParams(SIGMA, 1e-4))
    renderer = p3d.MeshRenderer(p3d.MeshRasterizer(cameras, settings), shader)
    wanted = torch.rand(1, size, size, 4, generator=generator)

    def step() -> None:
        verts.grad = shown.grad = None
        textures = p3d.TexturesUV([shown], [faces], [uvs]) if source == "picture" else p3d.TexturesVertex([shown])
        renderer(p3d.Meshes([verts], [faces], textures)).backward(wanted)

    return step


def measured(row: Row) -> tuple[float, float]:
    """Seconds of a step on the clock and on the processors, each the median of some, after one that compiles."""
    step, times = step_of(row), []
    step()
    for _ in range(RUNS):
        clock, processors = time.perf_counter(), time.process_time()
        step()
        times.append((time.perf_counter() - clock, time.process_time() - processors))
    clock, processors = map(statistics.median, zip(*times, strict=True))
    return clock, processors


def turn(python: str, row: Row) -> tuple[float, float]:
    """The same, in a process of its own; this build is the checkout that this file is of."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    if python == sys.executable:
        environment["PYTHONPATH"] = str(Path(__file__).resolve().parents[2])
    result = subprocess.run([python, Path(__file__), "--row", json.dumps(row)], env=environment, capture_output=True, text=True, check=True)
    clock, processors = json.loads(result.stdout.splitlines()[-1])
    return clock, processors


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.fragments", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--against", metavar="PYTHON", help="the Python of an environment with another build")
    parser.add_argument("--turns", type=int, default=3, metavar="N", help="of each build (default: %(default)s)")
    parser.add_argument("--row", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.turns < 1:
        parser.error(f"--turns: must be at least 1, got {options.turns}")
    if options.row is not None:
        source, size, n_slots = json.loads(options.row)
        print(json.dumps(measured((source, size, n_slots))))
        return
    pythons = [sys.executable] + ([options.against] if options.against else [])
    print("| texture | image | K  | ms     | CPU ms | other ms | other CPU ms | ratio | CPU ratio |", flush=True)
    print("|---------|------:|---:|-------:|-------:|---------:|-------------:|------:|----------:|", flush=True)
    for row in ROWS:
        turns = [[turn(python, row) for python in pythons] for _ in range(options.turns)]
        figures = [1e3 * statistics.median(times[i][j] for times in turns) for i in range(len(pythons)) for j in range(2)]
        ratios = [statistics.median(ours[j] / other[j] for ours, other in turns) for j in range(2)] if options.against else []
        cells = [f"{figure:.1f}" for figure in figures] + [""] * (4 - len(figures)) + [f"{ratio:.3f}" for ratio in ratios] + [""] * (2 - len(ratios))
        widths = (6, 6, 8, 12, 5, 9)
        print(f"| {row[0]:7s} | {row[1]:5d} | {row[2]:2d} | " + " | ".join(f"{c:>{w}s}" for c, w in zip(cells, widths, strict=True)) + " |", flush=True)


if __name__ == "__main__":
    main()
