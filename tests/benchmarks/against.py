"""This build and another one by turns, in one go: ``python -m tests.benchmarks --against DIR``; or this build on another runtime: ``--against quadrants``;
or with torch's idle threads asleep: ``--against passive`` (the first one then has them as torch starts them, awake for some milliseconds).
"""

import contextlib
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from taichi_softras.language import RUNTIMES, VARIABLE

from . import daily

__all__ = ["PASSIVE", "compare"]

PASSIVE = "passive"
TURNS = 9
ROOT = Path(__file__).parents[2]
HEADER = "| what a user does | this build ms (least to most) | the other ms (least to most) | ratio | ratio of CPU time | peak MiB | the other's |"

FIRST = """
import time
began = time.time()
import sys
import numpy as np
import torch
import taichi_softras as tsr
from taichi_softras.interop import render
ball = tsr.Mesh.icosphere(3)
tsr.init("cpu", offline_cache=True, offline_cache_file_path=sys.argv[1])
vertices, colors = torch.tensor(ball.vertices, dtype=torch.float32, requires_grad=True), torch.rand(len(ball.vertices), 3)
image = render(vertices, torch.tensor(ball.faces), tsr.Camera.orbit(2.732), colors, image_size=64)
if len(sys.argv) > 2:
    image.color.sum().backward()
    vertices.grad.numpy()


"""


class Build:
    """A checkout whose sources a Python of its own runs, on a runtime if one is named; ``awake``: with torch's idle threads as torch starts them."""

    def __init__(self, folder: Path, cache: str, runtime: str | None = None, awake: bool = False) -> None:
        self.environment = os.environ | {"PYTHONPATH": str(folder.resolve())} | ({VARIABLE: runtime} if runtime else {})
        if awake:
            self.environment.pop("OMP_WAIT_POLICY", None)
        self.cache = cache  # a folder for its kernels

    def worker(self, task: str) -> subprocess.Popen:
        with tempfile.TemporaryDirectory() as elsewhere:
            process = subprocess.Popen(
                [sys.executable, daily.__file__, task], env=self.environment, cwd=elsewhere, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
            )
            for line in process.stdout:
                if line.strip() == "ready":
                    return process
        process.communicate()
        raise RuntimeError(f"{task}: the process ended")

    def start(self, cache: str, gradient: bool) -> tuple[float, float]:
        """A process from its start to its first picture, or its first gradient: seconds by the clock, and of the CPU."""
        before = os.times()
        with tempfile.TemporaryDirectory() as elsewhere:
            subprocess.run([sys.executable, "-c", FIRST, cache, *["gradient"] * gradient], env=self.environment, cwd=elsewhere, check=True, capture_output=True)
        after = os.times()
        return after.elapsed - before.elapsed, after.children_user + after.children_system - before.children_user - before.children_system


def turn(worker: subprocess.Popen) -> tuple[float, float]:
    worker.stdin.write("\n")
    worker.stdin.flush()
    clock, cpu = map(float, worker.stdout.readline().split())
    return clock, cpu


def peak_of(worker: subprocess.Popen) -> float:
    """MiB that the process has taken at most so far."""
    status = Path(f"/proc/{worker.pid}/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


def line(name: str, ours: list[tuple[float, float]], others: list[tuple[float, float]], peaks: Sequence[float] = ()) -> str:
    def shown(times: list[tuple[float, float]]) -> str:
        clock = [1000 * time[0] for time in times]
        return f"{statistics.median(clock):.4g} ({min(clock):.4g} to {max(clock):.4g})"

    ratios = [statistics.median(time[i] for time in ours) / statistics.median(time[i] for time in others) for i in (0, 1)]
    return f"| {name} | {shown(ours)} | {shown(others)} | {ratios[0]:.2f} | {ratios[1]:.2f} | {' | '.join(f'{peak:.0f}' for peak in peaks) or ' | '} |"


def compare(other: str, only: Sequence[str] | None, turns: int | None) -> None:
    """Prints the table: of this build and a checkout, or of both runtimes, the other one second, or of torch's threads awake and asleep."""
    turns = turns or TURNS
    with tempfile.TemporaryDirectory() as ours, tempfile.TemporaryDirectory() as others:
        if other in RUNTIMES:
            (first,) = set(RUNTIMES) - {other}
            builds = Build(ROOT, ours, first), Build(ROOT, others, other)
        elif other == PASSIVE:
            builds = Build(ROOT, ours, awake=True), Build(ROOT, ours)
        else:
            builds = Build(ROOT, ours), Build(Path(other), others)
        _compare(builds, only, turns)


def _compare(builds: tuple[Build, Build], only: Sequence[str] | None, turns: int) -> None:
    print(f"\nMedians of {turns} turns; in brackets least to most\n\n{HEADER}\n|{'---|' * 7}", flush=True)
    for task in daily.TASKS:
        if only and not any(part in task for part in only):
            continue
        times: tuple[list, list] = ([], [])
        with contextlib.ExitStack() as stack:
            workers = [stack.enter_context(build.worker(task)) for build in builds]
            for _ in range(turns):
                for of_build, worker in zip(times, workers, strict=True):
                    of_build.append(turn(worker))
            peaks = [peak_of(worker) for worker in workers]
        print(line(task, *times, peaks), flush=True)
    for gradient in (False, True):
        for warm in (True, False):
            name = f"first {'gradient' if gradient else 'picture'} of a process, {'warm' if warm else 'empty'} cache"
            if only and not any(part in name for part in only):
                continue
            times = ([], [])
            if warm:
                for build in builds:
                    build.start(build.cache, gradient)
            for _ in range(turns):
                for of_build, build in zip(times, builds, strict=True):
                    with tempfile.TemporaryDirectory() as empty:
                        of_build.append(build.start(build.cache if warm else empty, gradient))
            print(line(name, *times), flush=True)
