"""Array libraries that can carry the renderer's data: Taichi's own here, torch in `taichi_softras.interop.bridge`.

The renderer and the losses are written once, against `Arrays`: it allocates, and it runs an `Op` so that its gradient
finds its way back (on ``ti.ad.Tape`` here, through autograd there).
"""

import contextlib
import ctypes
import functools
import math
import os
import weakref
from abc import ABC, abstractmethod
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ..checks import check_countable
from ..kernels.op import Op
from ..kernels.variant import Storage, Variant
from ..language import HANDS_ON, ScalarNdarray, address, has_place, is_one_node, runtime, tape, ti
from .devices import cpu_vector_bits, cuda_download, cuda_upload
from .launch import launch
from .spare_memory import spare_array, spare_ndarray
from .start import check_not_forked, ensure_initialized, is_deterministic, one_at_a_time

__all__ = ["Arrays", "Constants", "FieldArrays", "TaichiArrays", "check_sizes", "default_arrays", "library_of", "variant_of"]

Array = Any
Shape = tuple[int, ...]

EIGHT, FOUR = Variant(), Variant(lanes=4, tile_width=2, tile_height=2)  # lanes, in tiles of as many pixels
TEAM = 128  # threads of a block, as many as Taichi takes by itself
FEW = 24_000  # of what is quickly done for a vertex or a face. More, over the number of threads, take longer than waking these (0.1 ms a loop)


def variant_of(arch: str, real: object, storage: Storage = Storage.ARRAY) -> Variant:
    """Lanes of pixels for the CPU's vector units; a thread a pixel, in square tiles, for GPUs. On CUDA threads work together.

    Where a vector has four numbers (`cpu_vector_bits`), tiles of eight pixels would take twice as long: of smaller ones more pixels are in reach.
    """
    return _variant(arch, real, storage, arch == "cpu" and is_deterministic())


@functools.cache
def _variant(arch: str, real: object, storage: Storage, serial: bool) -> Variant:
    """One object, which caches find at once."""
    if arch == "cpu":
        return replace(EIGHT if cpu_vector_bits() >= 256 else FOUR, real=real, storage=storage, serial=serial)
    return Variant(real=real, storage=storage, lanes=1, tile_width=8, tile_height=8, team=TEAM if arch == "cuda" and storage is Storage.ARRAY else 1)


@functools.cache
def serial(variant: Variant) -> Variant:
    """The same in the calling thread alone, on the CPU."""
    return replace(variant, serial=True) if variant.lanes > 1 else variant


class Arrays(ABC):
    """One array library on one device with one type of real numbers."""

    def __init__(self, variant: Variant, n_shares: int) -> None:
        self.variant = variant
        self._numpy_real = np.float64 if variant.real is ti.f64 else np.float32
        self.is_remote = variant.lanes == 1  # whether what is to be read is on a device that the host has to wait for
        self.n_shares = n_shares  # into how many contiguous blocks faces are dealt to fill the tiles

    def variant_for(self, n: int, few: int = FEW) -> Variant:
        """The variant of a kernel that has n things to do; one thread does them if n times the number of threads is no more than ``few``."""
        return serial(self.variant) if n * cpu_threads() <= few else self.variant

    @abstractmethod
    def zeros(self, shape: Shape) -> Array:
        """Real numbers, of which no gradient is wanted."""

    def empty(self, shape: Shape) -> Array:
        """Real numbers, to be written before they are read."""
        return self.zeros(shape)

    def kept(self, shape: Shape) -> Array:
        """The same, written on the way forward; on the way back `with_gradient` may be asked for it."""
        return self.empty(shape)

    @abstractmethod
    def with_gradient(self, array: Array) -> Array:
        """What `kept` gave, with a gradient, all nought, that kernels add to."""

    @abstractmethod
    def real(self, values: np.ndarray) -> Array:
        """Given real numbers, of which no gradient is wanted."""

    def fixed(self, values: np.ndarray) -> Array:
        """The same, of few numbers that nobody will write to: a GPU is given them once, and not again while they are what they were."""
        return self.real(values)

    @abstractmethod
    def doubles(self, values: np.ndarray) -> Array:
        """Given real numbers of 64 bits, whatever the others have."""

    def empty_doubles(self, size: int) -> Array:
        """Such, to be written before they are read."""
        return self.doubles(np.zeros(size))

    @abstractmethod
    def zeros_index(self, size: int | tuple[int, ...]) -> Array:
        """Integers."""

    def empty_index(self, size: int | tuple[int, ...]) -> Array:
        """Integers, to be written before they are read."""
        return self.zeros_index(size)

    @abstractmethod
    def index(self, values: np.ndarray) -> Array:
        """Given integers."""

    @abstractmethod
    def to_numpy(self, array: Array) -> np.ndarray: ...

    def launch(self, kernel: Any, arguments: Sequence[Any]) -> None:
        """Calls a kernel. Every kernel is called here."""
        check_not_forked()
        with one_at_a_time:
            launch(kernel, arguments)

    @abstractmethod
    def run(self, op: Op, inputs: Sequence[Array], outputs: Sequence[Shape | Array], rest: Sequence[Any]) -> list[Array]:
        """Runs ``op`` and returns its outputs, whose gradient will flow to the inputs.

        An output given by its shape is made anew and zero; Taichi's arrays may also be given themselves, and are added to.
        """

    def gradient_of(self, array: Array) -> Array | None:
        """Where the gradient of an array is to be added; None if none is wanted."""
        return getattr(array, "grad", None)

    def gradient_or_scratch(self, array: Array) -> Array:
        """The same; if none is wanted, an array that nobody reads."""
        gradient = self.gradient_of(array)
        return self.zeros(tuple(array.shape)) if gradient is None else gradient

    def capacity(self, n: int) -> int:
        """How large to make an array whose size changes from picture to picture, and that must hold n."""
        return n

    def lasting(self) -> contextlib.AbstractContextManager[None]:
        """Within it, arrays are made to be kept longer than for one picture."""
        return contextlib.nullcontext()

    def frame(self) -> contextlib.AbstractContextManager[Callable[[Array], Array]]:
        """Within it one picture is made. It gives a function for what of it is to be kept."""
        return contextlib.nullcontext(lambda array: array)

    def constant(self, array: Array) -> Array:
        """The array as kernels without a gradient take it."""
        return array

    def untracked(self, function: Callable[[], Any]) -> Any:
        """Calls ``function``, whose kernels have no gradient."""
        return function()

    @property
    @abstractmethod
    def place(self) -> object:
        """A key that tells where index arrays of this library live. (Taichi's runtime is another one after each ``ti.init``, and the arrays are gone.)"""


def check_sizes(op: Op, inputs: Sequence[Array], outputs: Sequence[Shape | Array]) -> None:
    """Before an operation is run: a kernel's loop is as long as one of these arrays, or shorter, but for those over pairs (`engine.binning.most_pairs`).

    Raises:
        MemoryError: if one has more numbers than kernels count.
    """
    for array in (*inputs, *outputs):
        check_countable(op.name, "numbers in an array", math.prod(array if isinstance(array, tuple) else array.shape))


class _TaichiBase(Arrays):
    """What ndarrays and fields have in common: Taichi's tape records them."""

    def untracked(self, function: Callable[[], Any]) -> Any:
        if is_one_node():  # within such a function already: Taichi's own decorator would end that with the inner one
            return function()
        result: list[Any] = []
        _call_untracked(function, result)
        return result[0]

    @abstractmethod
    def _differentiable(self, shape: Shape, zeroed: bool = True) -> Array:
        """With a gradient, all nought."""

    def launch_gradient(self, op: Op, arguments: Sequence[Any]) -> None:
        """The way back of an operation, when the tape has ended."""
        op.launch_gradient(self, arguments)

    def run(self, op: Op, inputs: Sequence[Array], outputs: Sequence[Shape | Array], rest: Sequence[Any]) -> list[Array]:
        check_sizes(op, inputs, outputs)
        new = [self._differentiable(output, zeroed=op.adds) if isinstance(output, tuple) else None for output in outputs]
        _clear_gradients(self, inputs, new)
        outputs = [output if made is None else made for output, made in zip(outputs, new, strict=True)]
        arguments = (*inputs, *outputs, *rest)
        if op.forward is None and op.gradient is None:
            op.launch(self, arguments)
        else:
            _replaced(op)(self, *arguments)
        return outputs


_cleared: "weakref.WeakKeyDictionary[Any, weakref.WeakSet[Any]]" = weakref.WeakKeyDictionary()


def _clear_gradients(arrays: Arrays, inputs: Sequence[Array], new: Sequence[Array]) -> None:
    """Within a tape, sets the gradients of ndarrays to zero when they are met for the first time: Taichi's tape does so with fields, and forgets ndarrays.
    Those of ``new`` arrays are nought."""
    recording = tape()
    if recording is None or not recording.clear_gradients:
        return
    met = _cleared.setdefault(recording, weakref.WeakSet())
    met.update(array for array in new if isinstance(array, ti.Ndarray))
    for array in inputs:
        if isinstance(array, ti.Ndarray) and array.grad is not None and array not in met:
            met.add(array)
            arrays.untracked(functools.partial(array.grad.fill, 0))


@functools.cache
def _replaced(op: Op) -> Any:
    """``op.forward`` for the tape, with its gradient.

    Made once an operation: such a function refers to itself, and would keep arrays alive in its closure.
    """
    launch = ti.ad.grad_replaced(lambda arrays, *arguments: op.launch(arrays, arguments))
    ti.ad.grad_for(launch)(lambda arrays, *arguments: arrays.launch_gradient(op, arguments))
    return launch


_call_untracked = ti.ad.no_grad(lambda function, result: result.append(function()))


class TaichiArrays(_TaichiBase):
    """``ti.ndarray``, on CPU and CUDA. (On Vulkan Taichi's gradients of ndarrays are wrong: use `FieldArrays` there.)"""

    def __init__(self, real: object = ti.f32) -> None:
        arch = ensure_initialized()
        if arch not in ("cpu", "cuda"):
            raise RuntimeError(f"TaichiArrays: gradients of ti.ndarray are right on cpu and cuda only, and Taichi runs on {arch}; use fields (FieldArrays)")
        self._on_cpu = arch == "cpu"
        super().__init__(variant_of(arch, real), n_shares=cpu_shares() if self._on_cpu else 256)

    def zeros(self, shape: Shape) -> Array:
        return spare_array(shape, self._numpy_real, zeroed=True) if self._on_cpu else spare_ndarray(self.variant.real, shape)

    def empty(self, shape: Shape) -> Array:
        return spare_array(shape, self._numpy_real) if self._on_cpu else spare_ndarray(self.variant.real, shape, zeroed=False)

    def _differentiable(self, shape: Shape, zeroed: bool = True) -> Array:
        return spare_ndarray(self.variant.real, shape, needs_grad=True, zeroed=zeroed)

    def with_gradient(self, array: Array) -> Array:
        if isinstance(array, np.ndarray):
            return self.parameter(array)
        array.grad = spare_ndarray(self.variant.real, tuple(array.shape))
        return array

    def real(self, values: np.ndarray) -> Array:
        values = np.ascontiguousarray(values, dtype=self._numpy_real)
        return values if self._on_cpu else self._upload(values, self.variant.real)

    def fixed(self, values: np.ndarray) -> Array:
        return self.real(values) if self._on_cpu else _constants.setdefault(runtime(), Constants()).get(self._numpy_real, values, self.real)

    def doubles(self, values: np.ndarray) -> Array:
        return values if self._on_cpu else self._upload(values, ti.f64)

    def empty_doubles(self, size: int) -> Array:
        return spare_array(size, np.float64) if self._on_cpu else spare_ndarray(ti.f64, size, zeroed=False)

    def parameter(self, values: np.ndarray) -> ti.Ndarray:
        """A ``ti.ndarray`` with the given values and a gradient."""
        check_not_forked()
        array = self._differentiable(np.shape(values))
        self._fill(array, np.ascontiguousarray(values, dtype=self._numpy_real))
        return array

    def zeros_index(self, size: int | tuple[int, ...]) -> Array:
        return spare_array(size, np.int32, zeroed=True) if self._on_cpu else spare_ndarray(ti.i32, size)

    def empty_index(self, size: int | tuple[int, ...]) -> Array:
        return spare_array(size, np.int32) if self._on_cpu else spare_ndarray(ti.i32, size, zeroed=False)

    def index(self, values: np.ndarray) -> Array:
        return values if self._on_cpu else self._upload(values, ti.i32)

    def to_numpy(self, array: Array) -> np.ndarray:
        if isinstance(array, np.ndarray) or not self._copies(array):
            return array if isinstance(array, np.ndarray) else self.untracked(array.to_numpy)
        with one_at_a_time:
            values = np.empty(array.shape, np.int32 if array.dtype == ti.i32 else np.float64 if array.dtype == ti.f64 else np.float32)
            if self._on_cpu:
                ctypes.memmove(values.ctypes.data, address(array.arr), values.nbytes)
            else:
                cuda_download(address(array.arr), values)
        return values

    def _copies(self, array: Array) -> bool:
        """Whether its numbers are copied here, and not by Taichi's kernels for that."""
        return HANDS_ON and isinstance(array, ScalarNdarray) and array.dtype in (ti.i32, ti.f32, ti.f64)

    def _fill(self, array: Array, values: np.ndarray) -> None:
        if self._copies(array):
            with one_at_a_time:
                if self._on_cpu:
                    ctypes.memmove(address(array.arr), values.ctypes.data, values.nbytes)
                else:
                    cuda_upload(address(array.arr), values)
        else:
            self.untracked(lambda: array.from_numpy(values))

    def _upload(self, values: np.ndarray, dtype: object) -> Array:
        array = spare_ndarray(dtype, values.shape, zeroed=False)
        self._fill(array, np.ascontiguousarray(values))
        return array

    @property
    def place(self) -> object:
        return ("taichi", runtime())


class Constants:
    """Small arrays on a GPU, by what is in them: the last ones that were asked for."""

    MOST, MOST_BYTES = 256, 1 << 14

    def __init__(self) -> None:
        self._known: OrderedDict[Any, Array] = OrderedDict()

    def get(self, dtype: Any, values: np.ndarray, make: Callable[[np.ndarray], Array]) -> Array:
        values = np.ascontiguousarray(values, dtype=dtype)
        if values.nbytes > self.MOST_BYTES:
            return make(values)
        key = (dtype, values.shape, values.tobytes())
        if key not in self._known:
            self._known[key] = make(values)
        self._known.move_to_end(key)
        if len(self._known) > self.MOST:
            self._known.popitem(last=False)
        return self._known[key]


_constants: "weakref.WeakKeyDictionary[Any, Constants]" = weakref.WeakKeyDictionary()


class _FieldPool:
    """Fields that are used again: Taichi compiles a kernel anew for every field it has not met, and never frees a field.

    What is asked for in the same order gets the same fields, so that a step of an optimisation finds its kernels compiled. All are free again when a tape
    begins; those asked for outside of a tape (within `FieldArrays.frame`), when the next frame begins.
    """

    def __init__(self) -> None:
        self._fields: dict[tuple[Any, ...], list[Any]] = {}
        self._used: dict[tuple[Any, ...], int] = {}
        self._tape: Any = lambda: None
        self.lasting = 0  # how deep within `FieldArrays.lasting`
        self.frames = 0  # how deep within `FieldArrays.frame`
        self.going_back = False  # along the tape that was the last one

    def take(self, dtype: Any, shape: Shape, needs_grad: bool) -> tuple[Any, bool]:
        """A field, and whether it has been used before."""
        recording = tape()
        if self.lasting or (recording is None and not self.frames and not self.going_back):
            return ti.field(dtype, shape, needs_grad=needs_grad), False
        if recording is not None and self._tape() is not recording:
            self._tape = weakref.ref(recording)
            self.free(in_tape=True)
        key = (recording is not None or self.going_back, str(dtype), shape, needs_grad)
        fields, used = self._fields.setdefault(key, []), self._used.get(key, 0)
        self._used[key] = used + 1
        if used < len(fields):
            return fields[used], True
        fields.append(ti.field(dtype, shape, needs_grad=needs_grad))
        return fields[used], False

    def free(self, in_tape: bool) -> None:
        self._used = {key: 0 if key[0] is in_tape else used for key, used in self._used.items()}


_pools: "weakref.WeakKeyDictionary[Any, _FieldPool]" = weakref.WeakKeyDictionary()


class FieldArrays(_TaichiBase):
    """``ti.field``, whose gradients are right on every backend, Vulkan too.

    Taichi compiles a kernel anew for each field. So the fields of one tape (or of a picture rendered outside of one) serve the next again: a picture made on
    a tape holds until the next tape begins. What you make yourself (`parameter`, `real` outside of a tape) is yours.
    """

    def __init__(self, real: object = ti.f32) -> None:
        arch = ensure_initialized()
        super().__init__(variant_of(arch, real, Storage.FIELD), n_shares=cpu_shares() if arch == "cpu" else 256)
        self._pool = _pools.setdefault(runtime(), _FieldPool())

    def zeros(self, shape: Shape) -> Array:
        return self._zeros(self.variant.real, shape)

    def _differentiable(self, shape: Shape, zeroed: bool = True) -> Array:
        return self._zeros(self.variant.real, shape, needs_grad=True)

    def kept(self, shape: Shape) -> Array:
        return self._differentiable(shape)

    def with_gradient(self, array: Array) -> Array:
        self.untracked(functools.partial(array.grad.fill, 0))
        return array

    def gradient_of(self, array: Array) -> Array | None:
        """Every field has a ``grad``, but a place in memory only if it was made with one."""
        return array.grad if has_place(array.grad) else None

    def zeros_index(self, size: int | tuple[int, ...]) -> Array:
        return self._zeros(ti.i32, size if isinstance(size, tuple) else (size,))

    def capacity(self, n: int) -> int:
        return 1 << max(n - 1, 1023).bit_length()

    def _zeros(self, dtype: Any, shape: Shape, needs_grad: bool = False) -> Array:
        field, is_old = self._pool.take(dtype, tuple(shape), needs_grad)
        if is_old:
            self.untracked(functools.partial(field.fill, 0))
            if needs_grad:
                self.untracked(functools.partial(field.grad.fill, 0))
        return field

    def _filled(self, values: Any, taichi_type: Any, numpy_type: Any, needs_grad: bool = False) -> Array:
        values = np.asarray(values, dtype=numpy_type, order="C")
        field, _ = self._pool.take(taichi_type, values.shape, needs_grad)
        self.untracked(functools.partial(field.from_numpy, values))
        return field

    def real(self, values: np.ndarray) -> Array:
        return self._filled(values, self.variant.real, self._numpy_real)

    def doubles(self, values: np.ndarray) -> Array:
        return self._filled(values, ti.f64, np.float64)

    def index(self, values: np.ndarray) -> Array:
        return self._filled(values, ti.i32, np.int32)

    def parameter(self, values: Any) -> Array:
        """A ``ti.field`` with the given values and a gradient."""
        check_not_forked()
        with self.lasting():
            return self._filled(values, self.variant.real, self._numpy_real, needs_grad=True)

    def run(self, op: Op, inputs: Sequence[Array], outputs: Sequence[Shape | Array], rest: Sequence[Any]) -> list[Array]:
        inputs = [self.real(self.to_numpy(array)) if isinstance(array, (ti.Ndarray, np.ndarray)) else array for array in inputs]
        return super().run(op, inputs, outputs, rest)

    def launch_gradient(self, op: Op, arguments: Sequence[Any]) -> None:
        self._pool.going_back = True
        try:
            super().launch_gradient(op, arguments)
        finally:
            self._pool.going_back = False

    @contextlib.contextmanager
    def lasting(self) -> Iterator[None]:
        self._pool.lasting += 1
        try:
            yield
        finally:
            self._pool.lasting -= 1

    @contextlib.contextmanager
    def frame(self) -> Iterator[Callable[[Array], Array]]:
        if tape() is not None:
            yield lambda array: array
            return
        if not self._pool.frames:
            self._pool.free(in_tape=False)
        self._pool.frames += 1
        try:
            yield self._own
        finally:
            self._pool.frames -= 1

    def _own(self, field: Array) -> Array:
        """The same numbers as a ``ti.ndarray``, which Taichi frees when nobody wants it any more."""
        array = ti.ndarray(field.dtype, field.shape)
        array.from_numpy(field.to_numpy())
        return array

    def to_numpy(self, array: Array) -> np.ndarray:
        return array if isinstance(array, np.ndarray) else self.untracked(array.to_numpy)

    @property
    def place(self) -> object:
        return ("field", runtime())


def library_of(array: Any) -> TaichiArrays | FieldArrays:
    """The library of a Taichi array or field."""
    real = ti.f64 if array.dtype == ti.f64 else ti.f32  # a field's own type is another object, which kernels do not know
    return (FieldArrays if isinstance(array, ti.Field) else TaichiArrays)(real)


def default_arrays() -> TaichiArrays | FieldArrays:
    """Of Taichi's arrays those whose gradients are right on the running backend (the CPU if none is running)."""
    return TaichiArrays() if ensure_initialized() in ("cpu", "cuda") else FieldArrays()


@functools.cache
def cpu_threads() -> int:
    """How many threads Taichi has."""
    return os.cpu_count() or 1


def cpu_shares() -> int:
    """Two blocks of faces a core, so that one core does not wait long for the other."""
    return 2 * min(cpu_threads(), 16)
