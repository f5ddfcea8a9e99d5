"""The memory of freed arrays serves the next ones: never two at a time, and only up to a bound; Taichi's is zeroed."""

import gc

import numpy as np
import pytest

from taichi_softras import TaichiArrays, language
from taichi_softras.language import ti
from taichi_softras.runtime import spare_memory

SHAPE = (7, 5, 3)  # that no other test has


def place_of(array: ti.Ndarray) -> int:
    return language.address(array.arr)


@pytest.fixture(autouse=True)
def nothing_spare():
    spare_memory._of_taichi.pop(language.runtime(), None)
    gc.collect()


handed_on = pytest.mark.skipif(not language.HANDS_ON, reason="memory of this runtime's arrays is not handed on")


@handed_on
@pytest.mark.parametrize("real", [ti.f32, ti.f64])
def test_serves_the_next_and_is_zeroed(real):
    first = TaichiArrays(real).parameter(np.ones(SHAPE))
    first.grad.fill(2.0)
    places = {place_of(first), place_of(first.grad)}
    del first
    gc.collect()
    second = spare_memory.spare_ndarray(real, SHAPE, needs_grad=True)
    assert {place_of(second), place_of(second.grad)} == places
    assert not second.to_numpy().any()
    assert not second.grad.to_numpy().any()


def test_what_is_in_use_is_left_alone():
    first = TaichiArrays().parameter(np.ones(SHAPE))
    others = [spare_memory.spare_ndarray(ti.f32, SHAPE) for _ in range(3)]
    assert len({place_of(array) for array in (first, first.grad, *others)}) == 5
    assert (first.to_numpy() == 1).all()


def test_a_gradient_outlives_its_array():
    first = TaichiArrays().parameter(np.ones(SHAPE))
    first.grad.fill(3.0)
    gradient = first.grad
    del first
    gc.collect()
    others = [spare_memory.spare_ndarray(ti.f32, SHAPE, needs_grad=True) for _ in range(2)]
    for other in others:
        other.fill(7.0)
    assert (gradient.to_numpy() == 3).all()


@handed_on
def test_no_more_than_the_bound(monkeypatch):
    monkeypatch.setattr(spare_memory, "SPARE_BYTES", 4 * 105 * 2)
    kept = [spare_memory.spare_ndarray(ti.f32, SHAPE) for _ in range(5)]
    del kept
    gc.collect()
    spare = spare_memory._of_taichi[language.runtime()]
    assert sum(len(arrays_of_key) for arrays_of_key in spare._arrays.values()) == 2


def test_taichi_started_again(run_python):
    """What was made before is gone with its Taichi, and is not handed out."""
    run_python(
        "import gc\n"
        "from taichi_softras.language import ti\n"
        "from taichi_softras.runtime.spare_memory import spare_ndarray\n"
        "ti.init(arch=ti.cpu)\n"
        "old = spare_ndarray(ti.f32, (4, 3), needs_grad=True)\n"
        "ti.init(arch=ti.cpu)\n"
        "del old; gc.collect()\n"
        "new = spare_ndarray(ti.f32, (4, 3))\n"
        "assert not new.to_numpy().any()\n"
        "new.fill(1.0)\n"
        "assert new.to_numpy().sum() == 12\n"
    )


class TestOfNumPy:
    N = 100_003  # floats, a size that no other test has

    def test_serves_the_next(self):
        first = spare_memory.spare_array(self.N, np.float32)
        place = first.ctypes.data
        del first
        assert spare_memory.spare_array(self.N, np.float32).ctypes.data == place
        assert spare_memory.spare_array((self.N // 2, 2), np.int32, zeroed=True).ctypes.data == place

    def test_serves_a_slightly_smaller_one(self):
        first = spare_memory.spare_array(self.N, np.float32)
        place = first.ctypes.data
        del first
        assert spare_memory.spare_array(self.N - 100, np.float32).ctypes.data == place

    @pytest.mark.parametrize("n", [1, 2**13 - 1, 2**13, 2**13 + 1, 2**20 - 1, 2**20, 2**20 + 1, N])
    def test_all_of_it_is_there(self, n):
        kept = [spare_memory.spare_array(n, np.float32) for _ in range(2)]
        kept[0][:], kept[1][:] = 1, 2
        assert kept[0].shape == (n,)
        assert (kept[0] == 1).all()
        assert (kept[1] == 2).all()

    def test_a_view_keeps_it(self):
        view = spare_memory.spare_array((self.N, 2), np.float32)[::2, 1].T
        view[...] = 3
        others = [spare_memory.spare_array((self.N, 2), np.float32) for _ in range(2)]
        for other in others:
            other.fill(7)
        assert (view == 3).all()

    def test_a_tensor_keeps_it(self):
        torch = pytest.importorskip("torch")
        tensor = torch.from_numpy(spare_memory.spare_array(self.N, np.float32)).reshape(-1, 1).fill_(3)
        spare_memory.spare_array(self.N, np.float32).fill(7)
        assert (tensor == 3).all()

    def test_zeroed(self):
        spare_memory.spare_array(self.N, np.float32).fill(5)
        assert not spare_memory.spare_array(self.N, np.float32, zeroed=True).any()
