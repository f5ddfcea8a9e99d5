"""Prints what a frame costs, as Markdown: ``python -m tests.benchmarks``.

A step is the rasteriser forward (finding the pairs, sums, resolve; all that it allocates) and backward, on the tape, gradients of one coming from every
output; kernels are compiled before. Times are medians; "least" is the shortest run. Scenes are told in `rows`; the columns:

    pairs           (face, pixel) pairs in reach: the pixel is inside of the face, or nearer to it than the distance at which coverage is cut off
    of arithmetic   floor / total, floor = pairs * 150 operations / (operations per second of chains of multiply-adds, measured in the same run)
    of memory       floor / total, floor = bytes that must move / (bytes per second of a copy, measured in the same run); these are, for B images of P
                    pixels with c = 5 numbers (alpha, colour, depth; c = 1 for alpha alone), V vertices with C = 3 (0) colours, F faces:
                    4 (2 B P c + 2 (3 F + 3 V B + C V) + 3 V B + C V)
    peak MiB        by how much the process grows in a step, at most (the kernel's account of resident memory; Linux only)
    dense           the same mathematics in plain torch, every face against every pixel (`interop/dense.py`), where it takes less than about 20 s
    generated       with --generated: the same step with the gradient that Taichi generates
    ours/...        our total over the other's total: less is better

With --peer pytorch3d its pictures and gradients are also compared with those of our drop-in, and the largest difference of each row is printed.
"""

import argparse
import datetime
import os

os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # torch's idle threads would spin, and take the cores from Taichi's; it must be set before torch is loaded

import importlib.util
from collections.abc import Callable, Sequence
from pathlib import Path

import taichi_softras as tsr
from taichi_softras.language import NAME, RUNTIMES, VERSION
from taichi_softras.runtime import cpu_name, offer_of

from . import ours
from .against import PASSIVE, compare
from .machine import Floors, measure_floors, peak_memory
from .overhead import print_overhead
from .pairs import pairs_in_reach
from .rows import ROWS, Row, Scene, chosen, scene_of
from .table import Result, columns_of, heading, line, summary
from .timing import Step, Times, repeat

OVERHEAD = "overhead"
PEERS = ("pytorch3d", "nvdiffrast", "kaolin")
DENSE_SECONDS = 20.0  # it is left out where it would take longer
DENSE_SECONDS_PER_PAIR = 6e-7  # of all faces and all pixels; a guess until the first row is measured


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", nargs="+", metavar="NAME", help=f"groups or rows, as the first column names them; {OVERHEAD} for what a call costs")
    parser.add_argument("--quick", action="store_true", help="the smallest rows alone")
    parser.add_argument("--repeats", type=int, metavar="N", help="runs per figure (default: as many as go into half a second, 2 at least)")
    parser.add_argument("--peer", nargs="+", default=[], choices=PEERS, help="other renderers to be measured on the same scenes")
    parser.add_argument("--no-dense", action="store_true", help="leave the dense yardstick out")
    parser.add_argument("--generated", action="store_true", help="with the gradient that Taichi generates beside the one by hand")
    parser.add_argument("--arch", default="cpu", choices=("cpu", "cuda", "vulkan", "metal", "auto"), help="what Taichi runs on (default: %(default)s)")
    parser.add_argument(
        "--against",
        metavar="OTHER",
        help="another checkout, or a runtime: by turns with it, what users wait for (`daily`); --rows are then parts of its names; "
        f"{PASSIVE}: torch's idle threads awake, as it starts them, by turns with OMP_WAIT_POLICY=passive",
    )
    parser.add_argument("--deterministic", action="store_true", help="gradients of the same bits in every run: one thread, whose price the table then shows")
    options = parser.parse_args(arguments)
    if options.against is not None:
        if options.against not in (*RUNTIMES, PASSIVE) and not (Path(options.against) / "taichi_softras" / "__init__.py").is_file():
            parser.error(f"--against: must be a checkout of taichi_softras, or {' or '.join((*RUNTIMES, PASSIVE))}, got {options.against}")
        if options.against in RUNTIMES and (missing := [name for name in RUNTIMES if importlib.util.find_spec(name) is None]):
            parser.error(f"--against: both runtimes must be installed, got no {missing[0]}")
        compare(options.against, options.rows, options.repeats)
        return
    known = {OVERHEAD, *(row.group for row in ROWS), *(row.name for row in ROWS)}
    if unknown := set(options.rows or ()) - known:
        parser.error(f"--rows: no row or group is called {', '.join(sorted(unknown))}; there are {', '.join(sorted(known))}")
    if options.repeats is not None and options.repeats < 1:
        parser.error(f"--repeats: must be at least 1, got {options.repeats}")

    if options.deterministic and options.arch != "cpu":
        parser.error(f"--deterministic: --arch must be cpu, got {options.arch}")
    arch = tsr.init(options.arch, deterministic=options.deterministic)
    others = _others(parser, options, arch)
    floors = measure_floors(arch)
    print_header(arch, floors)
    rows = chosen(options.rows, options.quick)
    if rows:
        print_table(rows, floors, others, options.repeats)
        print_differences(rows, options.peer, "cuda" if arch == "cuda" else "cpu")
    if OVERHEAD in (options.rows or ()) or (options.rows is None and not options.quick):
        print_overhead(arch, options.repeats)


def _others(parser: argparse.ArgumentParser, options: argparse.Namespace, arch: str) -> "dict[str, Other]":
    """The other renderers that are to be measured."""
    others: dict[str, Other] = {"generated": Other(ours.generated_step_of)} if options.generated else {}
    has_torch = importlib.util.find_spec("torch") is not None
    if not has_torch:
        if options.peer:
            parser.error(f"--peer {options.peer[0]}: the package torch is not installed")
        return others
    from . import peers

    device = "cuda" if arch == "cuda" else "cpu"
    if not options.no_dense:
        others["dense"] = Dense(lambda scene: peers.dense_step(scene, device))
    for name in options.peer:
        if reason := peers.why_not(name, device):
            parser.error(reason)
        others[name] = Other(lambda scene, name=name: peers.PEERS[name](scene, device))
    return others


class Other:
    """Another renderer."""

    def __init__(self, step_of: Callable[[Scene], Step]) -> None:
        self.step_of = step_of

    def measure(self, scene: Scene, runs: int | None) -> Times | str:
        step = self.step_of(scene)
        step()
        return repeat(step, runs)


class Dense(Other):
    """The yardstick, which is left out where it would take too long. It compiles nothing, so that its first run counts."""

    seconds_per_pair = DENSE_SECONDS_PER_PAIR

    def measure(self, scene: Scene, runs: int | None) -> Times | str:
        n_pairs = len(scene.faces) * scene.batch * scene.size**2
        if n_pairs * self.seconds_per_pair > DENSE_SECONDS:
            return f"over {DENSE_SECONDS:.0f} s"
        times = repeat(self.step_of(scene), runs)
        self.seconds_per_pair = times.total / n_pairs
        return times


def print_header(arch: str, floors: Floors) -> None:
    gpus = ", ".join(device.name for device in offer_of(arch).devices) if arch in ("cuda", "vulkan", "metal") else ""
    print(f"\n{cpu_name()}{gpus and '; ' + gpus}, {NAME.title()} {VERSION} on {arch}, float32, {datetime.date.today()}\n")
    print(f"Floors: {floors.operations / 1e9:.0f} GFLOP/s of multiply-adds, {floors.bytes / 1e9:.1f} GB/s of copying\n", flush=True)


def print_table(rows: Sequence[Row], floors: Floors, others: dict[str, Other], runs: int | None) -> None:
    columns, results = columns_of(list(others)), []
    print(heading(columns), flush=True)
    for row in rows:
        results.append(measure(row, floors, others, runs))
        print(line(columns, results[-1]), flush=True)
    print("", *summary(results), sep="\n", flush=True)


def print_differences(rows: Sequence[Row], names: Sequence[str], device: str) -> None:
    """Of each peer that we have a drop-in for: how far its pictures and gradients and the drop-in's are apart."""
    if not names:
        return
    from . import peers

    for name in names:
        if name not in peers.COMPARED:
            continue
        print(f"\n| largest difference between {name} and our drop-in for it | picture | gradient, of its largest |\n|---|---|---|", flush=True)
        apart = []
        for row in rows:
            apart.append(peers.difference(name, scene_of(row), device))
            print(f"| {row.name} | {apart[-1][0]:.1e} | {apart[-1][1]:.1e} |", flush=True)
        print(f"| the largest of all | {max(a for a, _ in apart):.1e} | {max(b for _, b in apart):.1e} |", flush=True)


def measure(row: Row, floors: Floors, others: dict[str, Other], runs: int | None) -> Result:
    scene = scene_of(row)
    step = ours.step_of(scene)
    step()
    peak = peak_memory(step) if tsr.current_arch() == "cpu" else None
    return Result(
        row=row,
        faces=len(scene.faces),
        vertices=len(scene.vertices_screen),
        pairs=pairs_in_reach(scene),
        times=repeat(step, runs),
        peak_bytes=peak,
        floors=floors,
        others={name: other.measure(scene, runs) for name, other in others.items()},
    )


if __name__ == "__main__":
    main()
