#!/usr/bin/env bash
# Taichi 1.7.4, CPU: an option that is to make kernels faster decides whether a gradient is a number.
#
# Expected: ti.init(cfg_optimization=False) leaves out a pass that forwards stores to loads. A kernel computes the same with and without it, and so does kernel.grad.
# Happens: the kernel does, to the last bit. Its gradient does not: where a list of values goes through ti.Vector([...]).sum(), every derivative is wrong without the pass: 0 here, NaN in larger kernels.
#   Where the same list is added up term by term, it is right. No error, no warning.
# What to do: leave the pass out (it may take four fifths of the time that a large kernel takes to compile) for kernels of which no gradient is generated, and for
#   these alone.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check taichi==1.7.4 numpy==2.4.6
cat >"$folder/finding.py" <<'PYTHON'
import sys

import numpy as np
import taichi as ti

ARRAY = ti.types.ndarray(dtype=ti.f32, ndim=1)
VALUES = np.linspace(0.5, 2.0, 4, dtype=np.float32)


def results(cfg_optimization):
    """(values, gradients) of the sum over k of (k + 1) x, as a vector's sum and term by term."""
    ti.init(arch=ti.cpu, offline_cache=False, log_level=ti.WARN, cfg_optimization=cfg_optimization)

    @ti.kernel
    def vector_sum(x: ARRAY, y: ARRAY):
        for i in range(x.shape[0]):
            terms = [(k + 1.0) * x[i] for k in ti.static(range(4))]
            y[i] += ti.Vector(terms).sum()

    @ti.kernel
    def term_by_term(x: ARRAY, y: ARRAY):
        for i in range(x.shape[0]):
            terms = [(k + 1.0) * x[i] for k in ti.static(range(4))]
            y[i] += terms[0] + terms[1] + terms[2] + terms[3]

    found = {}
    for kernel in (vector_sum, term_by_term):
        x, y = (ti.ndarray(ti.f32, len(VALUES), needs_grad=True) for _ in range(2))
        x.from_numpy(VALUES)
        kernel(x, y)
        y.grad.fill(1.0)
        kernel.grad(x, y)
        found[kernel.__name__] = y.to_numpy(), x.grad.to_numpy()
    return found


print("y = x + 2 x + 3 x + 4 x: y must be 10 x, dy/dx must be 10")
same = True
for optimised in (True, False):
    for name, (values, gradients) in results(optimised).items():
        print(f"cfg_optimization={optimised!s:5}  {name:12}  y/x {values / VALUES}  dy/dx {gradients}")
        wrong = not optimised and name == "vector_sum"
        same &= np.allclose(values, 10 * VALUES) and (not np.isclose(gradients, 10).any() if wrong else np.allclose(gradients, 10))
sys.exit(0 if same else 1)
PYTHON
"$folder/venv/bin/python" "$folder/finding.py" || { echo "It is no longer so: a gradient has changed."; exit 1; }
echo "Still so: without the pass the gradient of a sum over a vector is wrong."
