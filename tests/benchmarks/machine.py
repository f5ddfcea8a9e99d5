"""What the machine does at best, measured in the same run as the table, and how much memory a step takes."""

import ctypes
import ctypes.util
import gc
import os
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from taichi_softras.language import ti

__all__ = ["Floors", "measure_floors", "peak_memory"]

LANES, CHAINS, ROUNDS = 8, 12, 2000  # as many chains as fit the registers hide the latency of a multiply-add
ITEMS = {"cpu": 1 << 11, "gpu": 1 << 18}
COPIED = 1 << 25  # numbers; 128 MiB: more than a core's caches hold
COPIED_AT_ONCE = 1 << 19  # by one of the cores
RUNS = 8
Vector = ti.types.vector(LANES, ti.f32)


@dataclass(frozen=True, kw_only=True)
class Floors:
    """Operations (a multiply-add counts for two) and bytes (read or written) per second."""

    operations: float
    bytes: float


def measure_floors(arch: str) -> Floors:
    """The best of a few runs each."""
    items = ITEMS["cpu" if arch == "cpu" else "gpu"]
    result = ti.ndarray(ti.f32, items)
    return Floors(
        operations=2 * LANES * CHAINS * ROUNDS * items / _best(lambda: multiply_add(result, items, ROUNDS, 0.999, 0.001)),
        bytes=2 * 4 * COPIED / (_copy_on_cpu() if arch == "cpu" else _copy_on_gpu()),
    )


def _copy_on_cpu() -> float:
    """Seconds, by all cores."""
    source, target = np.ones(COPIED, np.float32), np.zeros(COPIED, np.float32)
    parts = [slice(start, start + COPIED_AT_ONCE) for start in range(0, COPIED, COPIED_AT_ONCE)]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return _best(lambda: list(pool.map(lambda part: np.copyto(target[part], source[part]), parts)))


def _copy_on_gpu() -> float:
    """Seconds."""
    source, target = ti.ndarray(ti.f32, COPIED), ti.ndarray(ti.f32, COPIED)
    return _best(lambda: copy(source, target, COPIED))


def _best(function: Callable[[], object]) -> float:
    times = []
    for _ in range(RUNS + 1):  # the first one compiles
        began = time.perf_counter()
        function()
        ti.sync()
        times.append(time.perf_counter() - began)
    return min(times[1:])


@ti.kernel
def multiply_add(result: ti.types.ndarray(dtype=ti.f32, ndim=1), items: ti.i32, rounds: ti.i32, scale: ti.f32, shift: ti.f32):
    """Independent chains of x <- x * scale + shift."""
    for item in range(items):
        a, b, c, d = Vector(item), Vector(item + 1), Vector(item + 2), Vector(item + 3)
        e, f, g, h = Vector(item + 4), Vector(item + 5), Vector(item + 6), Vector(item + 7)
        i, j, k, l = Vector(item + 8), Vector(item + 9), Vector(item + 10), Vector(item + 11)
        for _ in range(rounds):
            a, b, c, d = a * scale + shift, b * scale + shift, c * scale + shift, d * scale + shift
            e, f, g, h = e * scale + shift, f * scale + shift, g * scale + shift, h * scale + shift
            i, j, k, l = i * scale + shift, j * scale + shift, k * scale + shift, l * scale + shift
        result[item] = (a + b + c + d + e + f + g + h + i + j + k + l).sum()


@ti.kernel
def copy(source: ti.types.ndarray(dtype=ti.f32, ndim=1), target: ti.types.ndarray(dtype=ti.f32, ndim=1), items: ti.i32):
    for item in range(items):
        target[item] = source[item]


def peak_memory(function: Callable[[], object]) -> int | None:
    """By how many bytes the process grows, at most, while the function runs; None where the system does not tell (elsewhere than on Linux)."""
    if not sys.platform.startswith("linux"):
        return None
    gc.collect()
    if library := ctypes.util.find_library("c"):  # what was freed before must not serve again unseen
        getattr(ctypes.CDLL(library), "malloc_trim", int)(0)
    try:
        Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
    except OSError:
        return None
    before = _status("VmRSS")
    function()
    return max(_status("VmHWM") - before, 0)


def _status(name: str) -> int:
    """Bytes, of an entry of the kernel's account of this process."""
    lines = Path(f"/proc/{os.getpid()}/status").read_text().splitlines()
    return next(1024 * int(line.split()[1]) for line in lines if line.startswith(name + ":"))
