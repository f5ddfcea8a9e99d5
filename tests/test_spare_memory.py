"""The memory of freed Taichi arrays serves the next ones: zeroed, never two at a time, and only up to a bound."""

import gc

import numpy as np
import pytest
import taichi as ti
from taichi.lang import impl

from taichi_softras import TaichiArrays, arrays

SHAPE = (7, 5, 3)  # that no other test has


def place_of(array: ti.Ndarray) -> int:
    return impl.get_runtime().prog.get_ndarray_data_ptr_as_int(array.arr)


@pytest.fixture(autouse=True)
def nothing_spare():
    arrays._spare_memory.pop(impl.get_runtime(), None)
    gc.collect()


@pytest.mark.parametrize("real", [ti.f32, ti.f64])
def test_serves_the_next_and_is_zeroed(real):
    first = TaichiArrays(real).parameter(np.ones(SHAPE))
    first.grad.fill(2.0)
    places = {place_of(first), place_of(first.grad)}
    del first
    gc.collect()
    second = arrays._ndarray(real, SHAPE, needs_grad=True)
    assert {place_of(second), place_of(second.grad)} == places
    assert not second.to_numpy().any()
    assert not second.grad.to_numpy().any()


def test_what_is_in_use_is_left_alone():
    first = TaichiArrays().parameter(np.ones(SHAPE))
    others = [arrays._ndarray(ti.f32, SHAPE) for _ in range(3)]
    assert len({place_of(array) for array in (first, first.grad, *others)}) == 5
    assert (first.to_numpy() == 1).all()


def test_a_gradient_outlives_its_array():
    first = TaichiArrays().parameter(np.ones(SHAPE))
    first.grad.fill(3.0)
    gradient = first.grad
    del first
    gc.collect()
    others = [arrays._ndarray(ti.f32, SHAPE, needs_grad=True) for _ in range(2)]
    for other in others:
        other.fill(7.0)
    assert (gradient.to_numpy() == 3).all()


def test_no_more_than_the_bound(monkeypatch):
    monkeypatch.setattr(arrays, "SPARE_BYTES", 4 * 105 * 2)
    kept = [arrays._ndarray(ti.f32, SHAPE) for _ in range(5)]
    del kept
    gc.collect()
    spare = arrays._spare_memory[impl.get_runtime()]
    assert sum(len(arrays_of_key) for arrays_of_key in spare._arrays.values()) == 2


def test_taichi_started_again(run_python):
    """What was made before is gone with its Taichi, and is not handed out."""
    run_python(
        "import gc, taichi as ti\n"
        "from taichi_softras import arrays\n"
        "ti.init(arch=ti.cpu)\n"
        "old = arrays._ndarray(ti.f32, (4, 3), needs_grad=True)\n"
        "ti.init(arch=ti.cpu)\n"
        "del old; gc.collect()\n"
        "new = arrays._ndarray(ti.f32, (4, 3))\n"
        "assert not new.to_numpy().any()\n"
        "new.fill(1.0)\n"
        "assert new.to_numpy().sum() == 12\n"
    )
