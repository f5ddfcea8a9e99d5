"""The parts of `python -m tests.device`, each in a process of its own: ``python -m tests.device.parts NAME FOLDER [small]``. Each prints Markdown."""

import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

import taichi_softras as tsr
from taichi_softras import RasterizeSettings, Topology
from taichi_softras.engine.binning import PairSearch
from taichi_softras.interop import render
from taichi_softras.interop.bridge import TorchArrays

from ..benchmarks.daily import scene

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"  # a simulated device is torch's CPU
CASES: dict[str, tuple[RasterizeSettings, int]] = {  # settings, channels
    "default": (RasterizeSettings(sigma=1e-3, gamma=1e-2), 3),
    "hard": (RasterizeSettings(blending=tsr.Blending.HARD), 3),
    "generated gradient": (RasterizeSettings(sigma=1e-3, gamma=1e-2, distribution=tsr.Distribution.WINDOW), 3),
    "channels in groups": (RasterizeSettings(sigma=1e-3, gamma=1e-2), 9),
}
BOUNDS = {"float64": 1e-10, "float32": 1e-3}  # of the norm; without the worst 2 percent of pixels or vertices
STEPS = {"1,280 faces, 64 x 64, batch of 64": (1280, 64, 64, 3.0), "39,000 faces, 1024 x 1024": (39_000, 1024, 1, 5.0)}  # faces, image, batch, goal in ms
TABLE = ("S", "silhouette", "batch", "pixels-5120-1024", "large-100000-512-s1e-05", "overhead")


def doctor(folder: Path, is_small: bool) -> bool:
    done = subprocess.run([sys.executable, "-m", "taichi_softras", "doctor"], capture_output=True, text=True, check=False)
    print(f"```text\n{(done.stdout + done.stderr).strip()}\n```")
    return done.returncode == 0


def values(folder: Path, is_small: bool) -> bool:
    """Here on CUDA, and in a process beside it on the CPU."""
    cpu = subprocess.run([sys.executable, "-m", "tests.device.parts", "cpu-values", str(folder), *(["small"] if is_small else [])], check=False)
    if cpu.returncode != 0:
        return False
    _start()
    found, truth, good = _values(is_small, DEVICE), np.load(folder / "cpu.npz"), True
    print("| case | type | of | error, of the norm | CPU of float32 |\n|---|---|---|---|---|")
    for key, array in found.items():
        case, dtype, what = key.split("/")
        exact = truth[f"{case}/float64/{what}"]
        error, of_cpu = _error(array, exact), _error(truth[f"{case}/float32/{what}"], exact)
        is_good = error <= BOUNDS[dtype]
        good &= is_good
        print(f"| {case} | {dtype} | {what} | {error:.1e}{'' if is_good else ', **beyond**'} | {of_cpu:.1e} |")
    return good


def cpu_values(folder: Path, is_small: bool) -> bool:
    tsr.init("cpu")
    np.savez(folder / "cpu.npz", **_values(is_small, "cpu"))
    return True


def _values(is_small: bool, device: str) -> dict[str, np.ndarray]:
    mesh, size, found = tsr.Mesh.icosphere(1 if is_small else 3), (16, 24) if is_small else (96, 128), {}
    for case, (settings, n_channels) in list(CASES.items())[: 1 if is_small else None]:
        for dtype in (torch.float32, torch.float64):
            random = np.random.default_rng(0)
            vertices = _leaf(mesh.vertices + random.normal(0, 0.03, mesh.vertices.shape), dtype, device)
            colors = _leaf(random.uniform(size=(len(mesh.vertices), n_channels)), dtype, device)
            camera = tsr.Camera.orbit(2.7, 20.0, [30.0, 200.0], fov=60)
            image = render(vertices, torch.from_numpy(mesh.faces).to(device), camera, colors, settings=settings, image_size=size)
            (image.alpha.square().sum() + image.color.square().sum() + image.depth.sum()).backward()
            of = {"alpha": image.alpha, "color": image.color, "depth": image.depth, "gradient of vertices": vertices.grad, "gradient of colors": colors.grad}
            found |= {f"{case}/{str(dtype)[6:]}/{what}": array.detach().cpu().double().numpy() for what, array in of.items()}
    return found


def _error(found: np.ndarray, exact: np.ndarray) -> float:
    rows = (-1, exact.shape[-1]) if exact.shape[-1] in (3, 9) else (-1, 1)
    off = np.sort(np.linalg.norm((found - exact).reshape(rows), axis=1))
    return float(np.linalg.norm(off[: int(len(off) * 0.98)]) / max(np.linalg.norm(exact), 1e-30))


def streams(folder: Path, is_small: bool) -> bool:
    """Where torch's current stream is another one, behind which long work stands, nothing is read too early and nothing written too late."""
    _start()
    step, vertices = _step(1280, 16 if is_small else 256, 1)
    first = [array.clone() for array in step()]
    scale, worst = float(first[-1].norm()), 0.0
    for _ in range(2 if is_small else 20):
        stream = torch.cuda.Stream()
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            kept = vertices.detach().clone()
            vertices.data.zero_()
            busy = torch.ones((64 if is_small else 4096,) * 2, device=DEVICE)
            for _ in range(10):
                busy = busy @ busy * 1e-4
            vertices.data.copy_(kept)  # only now, after the long work, it is what it was
            again = step()
            alpha, gradient = again[0].clone(), again[-1].clone()
        torch.cuda.current_stream().wait_stream(stream)
        same = bool((alpha == first[0]).all())
        worst = max(worst, float((gradient - first[-1]).norm()) / scale, 0.0 if same else 1.0)
    pictures = "have the same bits" if worst < 1 else "**differ**"
    print(f"On a stream of its own, behind long work: pictures {pictures}, gradients differ by {worst:.1e} of their norm.")
    return worst < 1e-4


def bins(folder: Path, is_small: bool) -> bool:
    """Every list is filled with a number that is no face before it is handed to the kernels; within a tile the faces ascend."""
    _start()
    nobody, n_faces, random, good = -7, 300 if is_small else 30_000, np.random.default_rng(1), True
    arrays = TorchArrays(torch.float32, torch.device(DEVICE))
    make = arrays.empty_index
    arrays.empty_index = lambda size: make(size).fill_(nobody)  # type: ignore[method-assign]
    print("| size of the faces | faces | pairs | unwritten | misplaced |\n|---|---|---|---|---|")
    for size in (0.03, 1e2, 1e6, 1e12):
        corners = random.normal(0, size, (n_faces, 3, 2)) + (random.uniform(-1, 1, (n_faces, 1, 2)) if size < 1 else 0)
        corners[:, 0] = random.uniform(-1, 1, (n_faces, 2))
        placed = np.concatenate([corners, random.uniform(2, 6, (n_faces, 3, 1))], -1).reshape(-1, 3)
        topology = Topology.shared(np.arange(3 * n_faces).reshape(n_faces, 3), 3 * n_faces)
        vertices = torch.tensor(placed, dtype=torch.float32, device=DEVICE)
        pairs = PairSearch(op="bins", arrays=arrays, topology=topology, vertices_screen=vertices, image_size=(64, 96), reach=0.03).all()
        face, offset = pairs.face[: pairs.n].cpu().numpy().astype(np.int64), pairs.tile_offset.cpu().numpy()
        begins = np.zeros(pairs.n, bool)
        begins[offset[:-1][offset[:-1] < pairs.n]] = True
        unwritten = int((face == nobody).sum())
        misplaced = int(((np.diff(face) <= 0) & ~begins[1:]).sum())
        good &= unwritten == misplaced == 0
        print(f"| {size:.0e} | {n_faces} | {pairs.n} | {unwritten} | {misplaced} |")
    return good


def steps(folder: Path, is_small: bool) -> bool:
    """Forward and backward of `interop.render` with a loss on colour and alpha."""
    _start()
    print("| step | median ms | least ms | the host, ms | goal, ms |\n|---|---|---|---|---|")
    for name, (n_faces, size, batch, goal) in STEPS.items():
        step, _ = _step(1280 if is_small else n_faces, 16 if is_small else size, 1 if is_small else batch)
        for _ in range(1 if is_small else 10):
            step()
        totals, of_host = [], []
        for _ in range(2 if is_small else 100):
            _wait()
            began = time.perf_counter()
            step()
            of_host.append(time.perf_counter() - began)  # it waits once, for the number of pairs
            _wait()
            totals.append(time.perf_counter() - began)
        median = 1e3 * statistics.median(totals)
        shown, missed = f"{name}{', made small' if is_small else ''}", "" if median <= goal else ", missed"
        print(f"| {shown} | {median:.2f}{missed} | {1e3 * min(totals):.2f} | {1e3 * statistics.median(of_host):.2f} | {goal:g} |")
    return True


def table(folder: Path, is_small: bool) -> bool:
    from ..benchmarks import machine
    from ..benchmarks.__main__ import main

    if is_small:  # the floors, too
        machine.ROUNDS, machine.COPIED, machine.ITEMS["gpu"] = 1, 1 << 10, 1 << 8
        main(["--arch", "cuda", "--quick", "--no-dense", "--repeats", "1", "--rows", "batch-320-64"])
    else:
        main(["--arch", "cuda", "--no-dense", "--rows", *TABLE])
    return True


def _start() -> None:
    if tsr.init("cuda") != "cuda":
        raise RuntimeError("Taichi must start on cuda")


def _wait() -> None:
    if DEVICE == "cuda":
        torch.cuda.synchronize()


def _leaf(values: np.ndarray, dtype: torch.dtype, device: str) -> torch.Tensor:
    return torch.tensor(values, dtype=dtype, device=device).requires_grad_()


def _step(faces: int, size: int, batch: int) -> tuple[Callable[[], tuple[torch.Tensor, ...]], torch.Tensor]:
    """A training step of a sphere, which gives alpha, colour and the gradient of the vertices, and these."""
    placed, triangles, shades, camera, settings = scene(faces, size, batch)
    vertices, colors = _leaf(placed, torch.float32, DEVICE), _leaf(shades, torch.float32, DEVICE)
    target = torch.tensor(np.random.default_rng(0).random((batch, size, size, 3)), dtype=torch.float32, device=DEVICE)
    indices = torch.from_numpy(triangles).to(DEVICE)

    def step() -> tuple[torch.Tensor, ...]:
        vertices.grad = colors.grad = None
        image = render(vertices, indices, camera, colors, settings=settings, image_size=size)
        ((image.color - target).abs().mean() + image.alpha.mean()).backward()
        return image.alpha, image.color, vertices.grad

    return step, vertices


PARTS = {"doctor": doctor, "values": values, "cpu-values": cpu_values, "streams": streams, "bins": bins, "steps": steps, "table": table}

if __name__ == "__main__":
    name, folder, *size = sys.argv[1:]
    sys.exit(not PARTS[name](Path(folder), size == ["small"]))
