"""Calls of Taichi's kernels with little ado.

Taichi looks at every argument of every call at length, 0.1 to 0.2 ms a call of ours: as long as a small picture takes. What depends on the kinds of the
arguments alone is remembered here (the instantiation of the kernel, and how each argument is handed over), and on the CPU the arguments themselves: those that
are what they were in the call before are not handed over again. The rest goes to Taichi as its own call does it.
"""

import contextlib
import functools
import sys
import time
import weakref
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..language import (
    PLACES,
    arch_name,
    config,
    instance_of,
    is_recorded,
    is_thorough,
    kernel_of,
    runtime,
    set_external,
    set_float,
    set_int,
    set_ndarray,
    set_ndarray_with_grad,
    ti,
    without_gradient,
)

__all__ = ["launch"]

PATIENCE = 3.0  # seconds

Setter = Callable[[Any, Any, Any, Any], Any]
"""Called with (launch context of Taichi, place of the argument, argument, what it returned for the argument that is there now, or None). What it returns tells
whether an argument is that one; it keeps no array alive."""


@dataclass(slots=True)
class Prepared:
    """An instantiation of a kernel, and what hands over its arguments.

    Attributes:
        run: launches, with a context.
        new_context: makes one.
        setters: one for each argument.
        keeps_context: whether the context of a call serves the next: on the CPU. (Other launchers leave in it what belongs to the one launch.)
        context: the launch context of the last call; None where it cannot be used again.
        handed_over: what the setters returned in that call.
    """

    run: Callable[[Any], None]
    new_context: Callable[[], Any]
    setters: list[Setter]
    keeps_context: bool
    context: Any
    handed_over: list[Any]


_prepared: "weakref.WeakKeyDictionary[Any, tuple[weakref.ref[Any], dict[Any, Prepared | None]]]" = weakref.WeakKeyDictionary()


def launch(kernel: Any, arguments: Sequence[Any]) -> None:
    """``kernel(*arguments)``, where ``kernel`` may be the ``grad`` of one. To be called by one thread at a time."""
    implementation, running = kernel_of(kernel), runtime()
    key = None if is_recorded() else _kinds(arguments)
    if key is None:
        with _compiled_as_ours(implementation):  # for fields, of which each wants another
            kernel(*arguments)
        return
    of_runtime, known = _prepared.get(implementation, (None, {}))
    if of_runtime is None or of_runtime() is not running:  # Taichi was started again
        known = {}
        _prepared[implementation] = weakref.ref(running), known
    if key not in known:
        with _waited_for(), _compiled_as_ours(implementation):
            kernel(*arguments)  # it compiles, and tells what does not fit
        known[key] = _prepare(implementation, arguments)
        return
    prepared = known[key]
    if prepared is None:
        kernel(*arguments)
        return
    context, before = prepared.context, prepared.handed_over
    if context is None:
        context, before = prepared.new_context(), [None] * len(arguments)
    prepared.context = None  # should anything be raised, it is made anew
    handed_over = [set_argument(context, place, one, last) for set_argument, place, one, last in zip(prepared.setters, PLACES, arguments, before, strict=False)]
    prepared.run(context)
    if prepared.keeps_context:
        prepared.context, prepared.handed_over = context, handed_over


@dataclass(slots=True)
class Waiting:
    """How long somebody has waited for kernels in this process, and whether the reason was told."""

    seconds: float = 0.0
    told: bool = False


_waiting = Waiting()


@contextlib.contextmanager
def _waited_for() -> Iterator[None]:
    """Says before a kernel is compiled, once, that this is why nothing else happens: where none has ever been compiled, or it has taken long already. (While
    Taichi compiles, no other thread gets to run that could say it later.) It is said to who waits, at a terminal or in a notebook; a log needs no consolation.
    """
    kept = Path(config().offline_cache_file_path)
    is_watched = getattr(sys.stderr, "isatty", bool)() or (sys.stderr is not None and "ipykernel" in sys.modules)  # programs with windows have none, or a log
    if is_watched and not _waiting.told and (_waiting.seconds > PATIENCE or not any(kept.glob("*.tcb"))):
        _waiting.told = True
        later = f"; they are kept in {kept}, and the next start is quick" if config().offline_cache else ""
        from tqdm import tqdm

        tqdm.write(f"taichi_softras: kernels are compiled, which takes some seconds{later}", file=sys.stderr)  # above the bars that there may be
        sys.stderr.flush()
    begin = time.monotonic()
    try:
        yield
    finally:
        _waiting.seconds += time.monotonic() - begin


@contextlib.contextmanager
def _compiled_as_ours(implementation: Any) -> Iterator[None]:
    """Within it, Taichi leaves to LLVM, or to a GPU's driver, what they do much faster: for every load it looks through all stores before it, which takes four
    fifths of the time that our largest kernels need to compile, and for every expression through all that are alike, which takes a third of what is left. No
    kernel is faster for it, but for those that say so (`thoroughly`).

    A gradient that Taichi generates needs the first: without it, sums over lists come out as NaN (Taichi 1.7.4).

    And literals are of 32 bits, whatever the user has chosen for his own kernels: indices of 64 into local vectors are none, and bits of a float64 no int32.
    """
    options, running = config(), runtime()
    before = options.cfg_optimization, options.opt_level
    types = running.default_fp, running.default_ip, options.default_fp, options.default_ip
    if without_gradient(implementation):
        options.cfg_optimization, options.opt_level = False, before[1] if is_thorough(implementation) else 0
    running.default_fp, running.default_ip, options.default_fp, options.default_ip = ti.f32, ti.i32, ti.f32, ti.i32
    try:
        yield
    finally:
        options.cfg_optimization, options.opt_level = before
        running.default_fp, running.default_ip, options.default_fp, options.default_ip = types


def _kinds(arguments: Sequence[Any]) -> tuple[Any, ...] | None:
    """All that an instantiation may depend on; None if there is an argument of another kind than are known here."""
    torch = sys.modules.get("torch")
    tensor_type = None if torch is None else torch.Tensor
    kinds: list[Any] = []
    for argument in arguments:
        kind = type(argument)
        if kind is int:
            kinds.append(kind)
        elif kind is tensor_type or (tensor_type is not None and isinstance(argument, tensor_type)):
            needs_grad = argument.requires_grad
            if not argument.is_contiguous() or (needs_grad and (argument.grad is None or not argument.grad.is_contiguous())):
                return None
            kinds += (argument.dtype, argument.dim(), needs_grad, argument.device)
        elif isinstance(argument, (int, float)):
            kinds.append(kind)
        elif isinstance(argument, np.ndarray):
            if not argument.flags.c_contiguous:
                return None
            kinds += (argument.dtype, argument.ndim)
        elif isinstance(argument, ti.Ndarray):
            kinds += (argument.element_type, len(argument.shape), argument.grad is not None)
        else:
            return None
    return tuple(kinds)


def _prepare(implementation: Any, arguments: Sequence[Any]) -> Prepared | None:
    """The instantiation for these arguments, and what hands over each of them."""
    setters: list[Setter] = []
    instance = instance_of(implementation, arguments)
    if instance is None or len(arguments) > len(PLACES):
        return None
    annotations, new_context, run = instance
    for wanted, argument in zip(annotations, arguments, strict=True):
        if isinstance(wanted, ti.types.ndarray):
            setter = _array_setter(argument, n_inner=getattr(wanted.dtype, "ndim", 0))
            if setter is None:
                return None
            setters.append(setter)
        elif wanted in (ti.i32, ti.i64) and isinstance(argument, int):
            setters.append(_set_int)
        elif wanted in (ti.f32, ti.f64) and isinstance(argument, (int, float)):
            setters.append(_set_float)
        else:
            return None
    return Prepared(run, new_context, setters, _on_cpu(), None, [])


def _array_setter(array: Any, n_inner: int) -> Setter | None:
    """``n_inner``: how many of its last dimensions are those of a vector."""
    if isinstance(array, ti.Ndarray):
        return _set_ndarray if array.grad is None else _set_ndarray_with_gradient
    if isinstance(array, np.ndarray):
        return _set_numpy_of_vectors if n_inner == 1 else _set_numpy if n_inner == 0 else None
    if (array.device.type == "cpu" and _on_cpu()) or (array.device.type == "cuda" and arch_name() == "cuda"):
        return _set_tensor_of_vectors if n_inner == 1 else _set_tensor if n_inner == 0 else None
    return None


def _on_cpu() -> bool:
    return arch_name() == "cpu"


def _set_int(context: Any, place: tuple[int], number: int, before: int | None) -> int:
    if number != before:
        set_int(context, place, number)
    return number


def _set_float(context: Any, place: tuple[int], number: float, before: Any) -> None:
    set_float(context, place, float(number))


def _set_ndarray(context: Any, place: tuple[int], array: ti.Ndarray, before: Any) -> None:
    set_ndarray(context, place, array.arr)  # always: the launch replaces it by its address


def _set_ndarray_with_gradient(context: Any, place: tuple[int], array: ti.Ndarray, before: Any) -> None:
    set_ndarray_with_grad(context, place, array.arr, array.grad.arr)


def _set_numpy(context: Any, place: tuple[int], array: np.ndarray, before: "weakref.ref[np.ndarray] | None", n_inner: int = 0) -> "weakref.ref[np.ndarray]":
    if before is not None and before() is array:  # NumPy does not resize an array that is referred to: it is where it was
        return before
    shape = array.shape[: array.ndim - n_inner]
    set_external(context, place, array.__array_interface__["data"][0], array.nbytes, shape, 0)
    return weakref.ref(array)


def _set_tensor(context: Any, place: tuple[int], tensor: Any, before: tuple[Any, ...] | None, n_inner: int = 0) -> tuple[Any, ...]:
    gradient = tensor.grad
    now = (tensor.data_ptr(), 0 if gradient is None else gradient.data_ptr(), tensor.shape)
    if now != before:
        address, address_of_gradient, shape = now
        n_bytes = tensor.element_size() * tensor.nelement()
        set_external(context, place, address, n_bytes, shape[: len(shape) - n_inner], address_of_gradient)
    return now


_set_numpy_of_vectors = functools.partial(_set_numpy, n_inner=1)
_set_tensor_of_vectors = functools.partial(_set_tensor, n_inner=1)
