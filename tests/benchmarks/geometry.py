"""What PyTorch3D's operations on points and surfaces cost, forward and backward, beside plain torch: ``python -m tests.benchmarks.geometry``, as Markdown.

Plain torch is what one writes without a library: `chamfer_distance` takes all pairs in chunks, and the nearest of each (by ``torch.cdist``, or, "naive", by
differences, through which autograd goes); `sample_points_from_meshes` is ``torch.multinomial`` on the areas and plain indexing. Both run by turns in one
process. Milliseconds are medians of the wall's, and of all cores' together (CPU); the difference is the largest of the loss and of the norms of its gradients,
where both see the same points.
"""

import argparse
import os

os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # as in `__main__`

import statistics
import time
from collections.abc import Callable, Sequence

import torch

import taichi_softras as tsr
from taichi_softras.interop.pytorch3d.loss import chamfer_distance
from taichi_softras.interop.pytorch3d.ops import sample_points_from_meshes
from taichi_softras.interop.pytorch3d.structures import Meshes

__all__ = ["main"]

POINTS, SAMPLES = 10_000, 100_000
PAIRS_AT_ONCE = 1 << 24  # of plain torch


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.geometry", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )  # fmt: skip
    parser.add_argument("--repeats", type=int, default=5, metavar="N", help="runs per figure (default: %(default)s)")
    parser.add_argument("--scale", type=float, default=1.0, help="of the numbers of points (default: %(default)s)")
    parser.add_argument("--threads", type=int, default=os.cpu_count(), help="of torch (default: all cores)")
    options = parser.parse_args(arguments)
    tsr.init("cpu")
    torch.set_num_threads(options.threads)
    print(f"{options.threads} threads of torch, {os.cpu_count()} cores; medians of {options.repeats} runs by turns.\n")
    print("| what | ours, ms | plain, ms | ours/plain | ours, CPU ms | plain, CPU ms | ours/plain, CPU | difference |\n" + "|---" * 8 + "|")
    for name, ours, plain, is_comparable in _rows(options.scale):
        difference = float((ours() - plain()).abs().max())  # they are compiled now, too
        (our_wall, our_cpu), (wall, cpu) = _by_turns((ours, plain), options.repeats)
        cells = [f"{1e3 * our_wall:.1f}", f"{1e3 * wall:.1f}", f"{our_wall / wall:.3f}", f"{1e3 * our_cpu:.1f}", f"{1e3 * cpu:.1f}", f"{our_cpu / cpu:.3f}"]
        print(f"| {name} | {' | '.join(cells)} | {f'{difference:.1e}' if is_comparable else ''} |", flush=True)


Step = Callable[[], torch.Tensor]


def _rows(scale: float) -> list[tuple[str, Step, Step, bool]]:
    torch.manual_seed(0)
    n, samples = (max(int(scale * number), 8) for number in (POINTS, SAMPLES))
    sphere = tsr.Mesh.icosphere(5)
    verts, faces = torch.tensor(sphere.vertices, dtype=torch.float32), torch.tensor(sphere.faces, dtype=torch.int64)
    bumpy = (verts * (1 + 0.1 * torch.sin(7 * verts[:, :1]))).requires_grad_()
    x, y = (sample_points_from_meshes(Meshes([v.detach()], [faces]), n)[0].requires_grad_() for v in (verts, bumpy))
    weights = torch.rand(samples, 3)

    def stepped(parameters: Sequence[torch.Tensor], loss: Callable[[], torch.Tensor]) -> Step:
        def step() -> torch.Tensor:
            for parameter in parameters:
                parameter.grad = None
            value = loss()
            value.backward()
            return torch.cat([value.detach().reshape(1), *(parameter.grad.norm().reshape(1) for parameter in parameters)])

        return step

    def ours_chamfer() -> torch.Tensor:
        return chamfer_distance(x[None], y[None])[0]

    def ours_sampled() -> torch.Tensor:
        return (sample_points_from_meshes(Meshes([bumpy], [faces]), samples) * weights).mean()

    def plain_sampled() -> torch.Tensor:
        return (_plain_samples(bumpy, faces, samples) * weights).mean()

    def ours_both() -> torch.Tensor:
        return chamfer_distance(sample_points_from_meshes(Meshes([bumpy], [faces]), n), x.detach()[None])[0]

    def plain_both() -> torch.Tensor:
        return _plain_chamfer(_plain_samples(bumpy, faces, n), x.detach())

    return [
        (f"`chamfer_distance`, 2 x {n} points", stepped((x, y), ours_chamfer), stepped((x, y), lambda: _plain_chamfer(x, y)), True),
        ("the same, naive", stepped((x, y), ours_chamfer), stepped((x, y), lambda: _naive_chamfer(x, y)), True),
        (f"`sample_points_from_meshes`, {samples} points", stepped((bumpy,), ours_sampled), stepped((bumpy,), plain_sampled), False),
        (f"both, {n} points of a mesh against {n}", stepped((bumpy,), ours_both), stepped((bumpy,), plain_both), False),
    ]


def _plain_chamfer(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """The nearest found without a graph, both ways from the same pairs; then their distances."""
    with torch.no_grad():
        best, of_y, of_x, first = torch.full((len(y),), torch.inf), torch.zeros(len(y), dtype=torch.int64), [], 0
        for part in x.split(max(PAIRS_AT_ONCE // len(y), 1)):
            pairs = torch.cdist(part, y)
            of_x.append(pairs.argmin(1))
            least, which = pairs.min(0)
            of_y = torch.where(least < best, which + first, of_y)
            best = torch.minimum(least, best)
            first += len(part)
    return (x - y[torch.cat(of_x)]).square().sum(1).mean() + (y - x[of_y]).square().sum(1).mean()


def _naive_chamfer(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    def one_way(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        return torch.cat([(part[:, None] - b).square().sum(2).amin(1) for part in a.split(max(PAIRS_AT_ONCE // len(b), 1))]).mean()

    return one_way(x, y) + one_way(y, x)


def _plain_samples(verts: torch.Tensor, faces: torch.Tensor, count: int) -> torch.Tensor:
    a, b, c = verts[faces].unbind(1)
    with torch.no_grad():
        face = torch.linalg.cross(b - a, c - a).norm(dim=1).multinomial(count, replacement=True)
    u, v = torch.rand(2, count)
    from_a = u.sqrt()
    return (1 - from_a)[:, None] * a[face] + (from_a * (1 - v))[:, None] * b[face] + (from_a * v)[:, None] * c[face]


def _by_turns(steps: Sequence[Step], repeats: int) -> list[tuple[float, float]]:
    """(wall, CPU) seconds of each, medians."""
    runs: list[list[tuple[float, float]]] = [[] for _ in steps]
    for _ in range(repeats):
        for own, step in zip(runs, steps, strict=True):
            began = time.perf_counter(), time.process_time()
            step()
            own.append((time.perf_counter() - began[0], time.process_time() - began[1]))
    return [(statistics.median(wall for wall, _ in own), statistics.median(cpu for _, cpu in own)) for own in runs]


if __name__ == "__main__":
    main()
