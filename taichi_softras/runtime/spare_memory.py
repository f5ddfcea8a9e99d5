"""Memory of arrays that nobody wants any more, for the next ones.

A step of an optimisation makes the arrays of the one before it. To get their memory from the system anew, page by page, takes longer than to draw a small
picture, and a good part of the time of a large one.
"""

import ctypes
import math
import sys
import weakref
from typing import Any

import numpy as np

from ..language import HANDS_ON, ScalarNdarray, address, initialise, program, runtime, ti
from .devices import cuda_clear
from .start import current_arch, one_at_a_time

__all__ = ["SPARE_BYTES", "spare_array", "spare_ndarray"]

SPARE_BYTES = 1 << 28  # that are kept, of Taichi's memory and of NumPy's
LEAST_BYTES = 1 << 15  # of NumPy's: the system is quick with less
SIZES_PER_OCTAVE = 8  # NumPy's memory comes in sizes that differ by an eighth at most: the number of pairs changes from picture to picture

Shape = tuple[int, ...]


class SpareMemory:
    """What freed arrays leave behind: up to `SPARE_BYTES`."""

    def __init__(self) -> None:
        self._arrays: dict[Any, list[Any]] = {}
        self._n_bytes: dict[Any, int] = {}
        self._total = 0

    def take(self, key: Any) -> Any | None:
        try:
            array = self._arrays[key].pop()
        except (KeyError, IndexError):
            return None
        self._total -= self._n_bytes[key]
        return array

    def give(self, key: Any, array: Any, n_bytes: int) -> bool:
        """Whether there is room for it."""
        if self._total + n_bytes > SPARE_BYTES:
            return False
        self._n_bytes[key] = n_bytes
        self._arrays.setdefault(key, []).append(array)
        self._total += n_bytes
        return True


_of_numpy = SpareMemory()
_of_taichi: "weakref.WeakKeyDictionary[Any, SpareMemory]" = weakref.WeakKeyDictionary()


def spare_array(shape: int | Shape, dtype: Any, zeroed: bool = False) -> np.ndarray:
    """``np.empty``, or ``np.zeros``. When the array and all views of it are gone, its memory serves the next."""
    shape = shape if isinstance(shape, tuple) else (shape,)
    dtype = np.dtype(dtype)
    n_bytes = math.prod(shape) * dtype.itemsize
    array = np.empty(shape, dtype) if n_bytes < LEAST_BYTES else np.ndarray(shape, dtype, buffer=_lent(n_bytes))
    if zeroed:
        array.fill(0)
    return array


class _Memory(np.ndarray):
    """Bytes to be lent. (A type of its own: NumPy's arrays refer to what is below their base if that has their type.)"""


class _Lent(np.ndarray):
    """The same bytes, as long as an array on them, whose base it is, or a view of that is there."""

    memory: _Memory | None = None

    def __del__(self) -> None:
        if self.memory is not None and sys is not None and not sys.is_finalizing():
            _of_numpy.give(self.memory.size, self.memory, self.memory.size)


def _lent(n_bytes: int) -> _Lent:
    """At least so many bytes."""
    step = 1 << max((n_bytes - 1).bit_length() - 1 - (SIZES_PER_OCTAVE - 1).bit_length(), 0)
    size = -(-n_bytes // step) * step
    found = _of_numpy.take(size)
    memory = _Memory(size, np.uint8) if found is None else found
    lent = memory.view(_Lent)
    lent.memory = memory
    return lent


def spare_ndarray(dtype: object, shape: int | Shape, needs_grad: bool = False, zeroed: bool = True) -> ti.Ndarray:
    """``ti.ndarray``, all nought, or (not ``zeroed``) to be written before it is read; its gradient is nought.

    On CPU and CUDA its memory serves the next of its shape when nobody wants it any more. (What was launched on it comes before what is launched on it next:
    Taichi has one stream.)
    """
    shape = shape if isinstance(shape, tuple) else (shape,)
    with one_at_a_time:
        array = _ReusedNdarray(dtype, shape, zeroed)
        if needs_grad:
            array.grad = _ReusedNdarray(dtype, shape)
    return array


class _ReusedNdarray(ScalarNdarray):
    arr: Any  # Taichi's own handle

    def __init__(self, dtype: object, shape: Shape, zeroed: bool = True) -> None:
        self._spare = _of_taichi.setdefault(runtime(), SpareMemory())
        self._key = (str(dtype), shape)
        found = self._spare.take(self._key)
        if found is None:
            initialise(self, dtype, shape)
            self._is_handed_on = HANDS_ON and current_arch() in ("cpu", "cuda")
            self._n_bytes = self.arr.nelement() * self.arr.element_size()
            return
        memory, self._n_bytes = found
        initialise(self, dtype, shape, memory)
        self._is_handed_on = True
        if zeroed and current_arch() == "cuda":
            cuda_clear(address(memory), self._n_bytes)
        elif zeroed:
            ctypes.memset(address(memory), 0, self._n_bytes)

    def __del__(self) -> None:
        if sys is None or sys.is_finalizing() or getattr(self, "arr", None) is None:
            return
        if program() is None or _of_taichi.get(runtime()) is not self._spare:  # Taichi was started again, and the memory is gone
            return
        if not self._is_handed_on or not self._spare.give(self._key, (self.arr, self._n_bytes), self._n_bytes):
            super().__del__()
