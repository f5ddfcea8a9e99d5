#!/usr/bin/env bash
# Taichi 1.7.4, CPU: the arrays that a kernel is called with for the first time live on after the call.
#
# Expected: a kernel that has returned has nothing to do with its arguments any more. When the last name of an array goes, its memory goes, as after any
#   other call of Python, and as after the second call of the same kernel.
# Happens: the arrays of a kernel's first call stay until Python's garbage collector comes by (here it is called by hand; where much is loaded, the round that
#   finds them may be minutes away): what the kernel was read with refers to itself, and to them. So the first step of an optimisation holds its arrays beside
#   those of the second, and the peak of memory is higher than any later step needs.
# What to do: import gc; gc.collect() after the first step.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check taichi==1.7.4 numpy==2.4.6 psutil==7.2.2
cat >"$folder/finding.py" <<'PYTHON'
import gc
import sys
import weakref

import numpy as np
import psutil
import taichi as ti

ti.init(arch=ti.cpu, offline_cache=False, log_level=ti.WARN)
N = 64 * 2**18  # 64 MiB of float32


@ti.kernel
def double(x: ti.types.ndarray(dtype=ti.f32, ndim=1)):
    for i in range(x.shape[0]):
        x[i] *= 2.0


def call() -> tuple[bool, int]:
    """Whether the array is still there after the call, with no name left, and what of the process is in memory, MiB."""
    x = np.ones(N, np.float32)
    double(x)
    there = weakref.ref(x)
    del x
    return there() is not None, psutil.Process().memory_info().rss >> 20


gc.collect()
before = psutil.Process().memory_info().rss >> 20
first, after_first = call()
second, after_second = call()
gc.collect()
collected = psutil.Process().memory_info().rss >> 20
print(f"an array of 64 MiB, and no name of it left: after the first call it is {'still there' if first else 'gone'}, {after_first - before:+} MiB")
print(f"after the second call of the same kernel it is {'still there' if second else 'gone'}, {after_second - before:+} MiB in all")
print(f"after gc.collect(): {collected - before:+} MiB")
sys.exit(0 if first and not second and after_second - collected > 32 else 1)
PYTHON
"$folder/venv/bin/python" "$folder/finding.py" || { echo "It is no longer so: nothing stays of a first call."; exit 1; }
echo "Still so: the arguments of a kernel's first call stay until Python's garbage collector comes by."
