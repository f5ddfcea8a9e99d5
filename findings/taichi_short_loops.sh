#!/usr/bin/env bash
# Taichi 1.7.4 (x64 backend): a parallel loop of fewer than 512 iterations runs in ONE thread, however long an iteration takes.
#
# Expected: the outermost loop of a kernel is shared among the threads (as the documentation says), and `ti.loop_config(block_dim=1)`, or
#   `ti.init(cpu_block_dim_adaptive=False)`, makes pieces as small as one iteration; so 64 iterations of 10 ms each keep all cores busy.
# Seen: no piece is smaller than 512 iterations, with either setting. 64, or 256, long iterations run one after the other in one thread; as soon as
#   the same work is spread over 8,192 iterations, of which all but every 128th are empty, several threads share it.
#
# How it is seen: the CPU time of each thread of the process (Linux, /proc), before and after a launch. Needs two cores.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet --disable-pip-version-check taichi==1.7.4 numpy==2.2.6
cat > "$folder/loops.py" <<'PYTHON'
import os
import sys

import numpy as np
import taichi as ti

if (os.cpu_count() or 1) < 2:
    sys.exit("this wants two cores")
ti.init(arch=ti.cpu, cpu_max_num_threads=2, cpu_block_dim_adaptive="adaptive" in sys.argv[1:], offline_cache=False)


@ti.func
def long_work(i, rounds):
    x = 0.0
    for k in range(rounds):
        x += ti.sin(ti.cast(i + k, ti.f32))
    return x


@ti.kernel
def plain(out: ti.types.ndarray(dtype=ti.f32, ndim=1), n: ti.i32, rounds: ti.i32):
    for i in range(n):
        out[i] = long_work(i, rounds)


@ti.kernel
def of_blocks(out: ti.types.ndarray(dtype=ti.f32, ndim=1), n: ti.i32, rounds: ti.i32):
    ti.loop_config(block_dim=1)
    for i in range(n):
        out[i] = long_work(i, rounds)


@ti.kernel
def spread(out: ti.types.ndarray(dtype=ti.f32, ndim=1), n: ti.i32, rounds: ti.i32):
    for part in range(n * 128):
        if part % 128 == 0:
            out[part // 128] = long_work(part // 128, rounds)


def seconds():
    """CPU time of each thread."""
    found = {}
    for task in os.listdir("/proc/self/task"):
        fields = open(f"/proc/self/task/{task}/stat").read().rsplit(")", 1)[1].split()
        found[task] = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return found


def busy(kernel, n):
    """How many threads take at least a tenth of the work."""
    out = np.zeros(n, np.float32)
    kernel(out, n, 1)
    before = seconds()
    kernel(out, n, 100_000_000 // n)
    spent = [value - before.get(task, 0.0) for task, value in seconds().items()]
    return sum(value > 0.1 * sum(spent) for value in spent)


found = {f"{kernel.__name__} {n}": busy(kernel, n) for kernel, n in ((plain, 64), (plain, 256), (of_blocks, 64), (of_blocks, 256), (plain, 4096), (spread, 64))}
print("Taichi", ti.__version__, "adaptive" if "adaptive" in sys.argv[1:] else "not adaptive", "threads that work:", found)
expected = {"plain 64": 1, "plain 256": 1, "of_blocks 64": 1, "of_blocks 256": 1, "plain 4096": 2, "spread 64": 2}
sys.exit(found != expected)
PYTHON
"$folder/env/bin/python" "$folder/loops.py" adaptive
"$folder/env/bin/python" "$folder/loops.py"
echo "expected: two threads for each of them; seen: one, unless there are 512 iterations for each thread"
