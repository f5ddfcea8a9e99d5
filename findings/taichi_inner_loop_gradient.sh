#!/usr/bin/env bash
# Taichi 1.7.4, CPU: the gradient of a sum over an inner loop is silently wrong for exp, tanh and max, and right for sin.
#
# Expected: a kernel adds up f(w_j x_i) over j in a local variable, in a loop whose length is known only when it runs. kernel.grad gives sum_j w_j f'(w_j x_i), as it
#   does for the same loop unrolled by ti.static. (Three rounds: nothing overflows. ti.init has no option that changes it; ad_stack_size does not.)
# Happens: for f = sin both are right. For f = exp, tanh and max(., 0.5) the unrolled loop is right, and the loop is not: what f came to in the last round is
#   used for the derivative in every round. (The derivatives of exp, tanh and max are made of what they came to; that of sin is not.) No error, no warning.
# What to do: one outer loop, straight-line code, and additions to arrays; or ti.static.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check taichi==1.7.4 numpy==2.4.6
cat >"$folder/finding.py" <<'PYTHON'
import sys

import numpy as np
import taichi as ti

ti.init(arch=ti.cpu, offline_cache=False, log_level=ti.WARN)
ARRAY = ti.types.ndarray(dtype=ti.f32, ndim=1)
WEIGHTS, POINTS = np.array([0.5, 1.0, 2.0], np.float32), np.array([0.3, 0.7], np.float32)
DERIVATIVES = {
    "sin": np.cos,
    "exp": np.exp,
    "tanh": lambda v: 1 - np.tanh(v) ** 2,
    "max": lambda v: (v > 0.5).astype(np.float32),
}


@ti.func
def value(v, name: ti.template()):
    result = 0.0
    if ti.static(name == "sin"):
        result = ti.sin(v)
    elif ti.static(name == "exp"):
        result = ti.exp(v)
    elif ti.static(name == "tanh"):
        result = ti.tanh(v)
    else:
        result = ti.max(v, 0.5)
    return result


def kernels(name):
    @ti.kernel
    def looped(x: ARRAY, w: ARRAY, total: ARRAY, rounds: int):
        for i in range(x.shape[0]):
            s = 0.0
            for j in range(rounds):
                s += value(w[j] * x[i], name)
            total[i] += s

    @ti.kernel
    def unrolled(x: ARRAY, w: ARRAY, total: ARRAY, rounds: int):
        for i in range(x.shape[0]):
            s = 0.0
            for j in ti.static(range(3)):
                s += value(w[j] * x[i], name)
            total[i] += s

    return looped, unrolled


def gradient(kernel):
    x, w, total = (ti.ndarray(ti.f32, n, needs_grad=True) for n in (2, 3, 2))
    x.from_numpy(POINTS)
    w.from_numpy(WEIGHTS)
    kernel(x, w, total, 3)
    total.grad.fill(1.0)
    kernel.grad(x, w, total, 3)
    return x.grad.to_numpy()


print("d/dx of sum_j f(w_j x), w = 0.5, 1, 2, at x = 0.3 and 0.7")
same = True
for name, derivative in DERIVATIVES.items():
    looped, unrolled = map(gradient, kernels(name))
    true = (derivative(POINTS[:, None] * WEIGHTS) * WEIGHTS).sum(1)
    of_last_round = derivative(POINTS * WEIGHTS[-1]) * WEIGHTS.sum()
    right, explained = np.allclose(looped, true, rtol=1e-3), np.allclose(looped, of_last_round, rtol=1e-3)
    print(f"{name:5} true {np.round(true, 4)}  unrolled {np.round(unrolled, 4)}  loop {np.round(looped, 4)}  {'right' if right else 'WRONG: the last round thrice' if explained else 'WRONG'}")
    same &= np.allclose(unrolled, true, rtol=1e-3) and (right, explained) == ((True, False) if name == "sin" else (False, True))
sys.exit(0 if same else 1)
PYTHON
"$folder/venv/bin/python" "$folder/finding.py" || { echo "It is no longer so: the loop's gradients, or the unrolled ones, have changed."; exit 1; }
echo "Still so: in a loop, the gradients of exp, tanh and max are wrong."
