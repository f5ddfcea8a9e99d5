#!/usr/bin/env bash
# Taichi 1.7.4, CPU: ti.ad.Tape begins with the gradients of fields at zero, and leaves those of ndarrays as they are.
#
# Expected: ti.ad.Tape(loss) has clear_gradients=True by default, so that every step of a descent sees the gradient of that step. For fields it is so.
# Happens: the same kernel on ti.ndarray gives the gradient in the first step, twice of it in the second, three times in the third: each is added to those
#   before it. The loss itself, an ndarray too, is cleared, and right in every step. No error, no warning; a descent just runs away, or seems to have momentum.
# What to do: x.grad.fill(0) before each tape.
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

x, loss = ti.ndarray(ti.f32, 2, needs_grad=True), ti.ndarray(ti.f32, 1, needs_grad=True)
x_field, loss_field = ti.field(ti.f32, 2, needs_grad=True), ti.field(ti.f32, (), needs_grad=True)
for array in (x, x_field):
    array.from_numpy(np.array([1.0, 3.0], np.float32))


@ti.kernel
def squares(x: ARRAY, loss: ARRAY):
    for i in range(2):
        loss[0] += x[i] * x[i]


@ti.kernel
def squares_of_field():
    for i in range(2):
        loss_field[None] += x_field[i] * x_field[i]


print("loss = x^2 + y^2 at (1, 3): the gradient is (2, 6), the loss 10, in every step, for nothing moves")
same = True
for step in (1, 2, 3):
    with ti.ad.Tape(loss_field):
        squares_of_field()
    with ti.ad.Tape(loss):
        squares(x, loss)
    of_field, of_ndarray = x_field.grad.to_numpy(), x.grad.to_numpy()
    print(f"step {step}: field {of_field}, loss {loss_field.to_numpy().item()}; ndarray {of_ndarray}, loss {loss.to_numpy().item()}")
    same &= np.array_equal(of_field, [2, 6]) and np.array_equal(of_ndarray, [2 * step, 6 * step]) and loss.to_numpy().item() == 10
sys.exit(0 if same else 1)
PYTHON
"$folder/venv/bin/python" "$folder/finding.py" || { echo "It is no longer so: the tape treats fields or ndarrays otherwise."; exit 1; }
echo "Still so: from tape to tape, gradients of ndarrays pile up."
