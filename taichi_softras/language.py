"""The language that kernels are written in, chosen once, and all of it that is not promised to its users.

Kernels are written in Taichi. `quadrants <https://pypi.org/project/quadrants>`_ is its successor, and runs them, too: it is what ``pip`` installs where Taichi
has no wheels (Python 3.14, ARM Linux), and what ``TAICHI_SOFTRAS_RUNTIME=quadrants`` chooses elsewhere. ``from taichi_softras.language import ti`` is the one
that runs. Whatever else of either is named, here is where; so this file is on the ground: the kernels, which use no room, want two of these names.
"""

import dataclasses
import importlib
import importlib.util
import os
import types
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

__all__ = ["NAME", "RUNTIMES", "VARIABLE", "VERSION", "ti"]

RUNTIMES = ("taichi", "quadrants")
VARIABLE = "TAICHI_SOFTRAS_RUNTIME"


def _chosen() -> str:
    """The one that the environment asks for, else the first that is installed."""
    wanted = os.environ.get(VARIABLE, "")
    if wanted not in ("", *RUNTIMES):
        raise ImportError(f"taichi_softras: {VARIABLE} must be {' or '.join(RUNTIMES)}, got {wanted!r}")
    for name in (wanted,) if wanted else RUNTIMES:
        if importlib.util.find_spec(name) is not None:
            return name
    if wanted:
        raise ImportError(f"taichi_softras: {VARIABLE} asks for {wanted}, which is not installed: pip install {wanted}")
    raise ImportError(f"taichi_softras needs {' or '.join(RUNTIMES)}, and neither is installed: pip install taichi (Python 3.14, ARM Linux: quadrants)")


NAME = _chosen()
_IS_TAICHI = NAME == "taichi"
if TYPE_CHECKING:
    import taichi as ti
else:
    ti = importlib.import_module(NAME)
VERSION = ".".join(map(str, ti.__version__))


def _module(path: str) -> Any:
    return importlib.import_module(f"{NAME}.{path}")


impl, _ndarray = _module("lang.impl"), _module("lang._ndarray")
_AutodiffMode = _module("lang.enums" if _IS_TAICHI else "types.enums").AutodiffMode
CompilationError = getattr(_module("lang.exception"), f"{NAME.title()}CompilationError")
NdarrayType, MatrixType = _module("types.ndarray_type").NdarrayType, _module("lang.matrix").MatrixType


def _is_taken_apart(thing: object) -> bool:
    """``dataclasses.is_dataclass``, but for the options of our kernels."""
    kind = thing if isinstance(thing, type) else type(thing)
    return dataclasses.is_dataclass(thing) and not kind.__module__.startswith("taichi_softras.")


if not _IS_TAICHI:  # a dataclass that is given as ``ti.template()`` would be taken apart into its fields, which then are arguments
    _module("lang.ast.ast_transformers.call_transformer").dataclasses = types.SimpleNamespace(**vars(dataclasses) | {"is_dataclass": _is_taken_apart})

HAS_WINDOWS = hasattr(ti, "ui")  # quadrants has none
# With fast arithmetic quadrants' compiler rounds the distances to two edges in one place differently, and `adjoint` takes of each what is not of the other.
INIT_OPTIONS = {} if _IS_TAICHI else {"fast_math": False}

# The runtime, from one ``ti.init`` to the next.


def runtime() -> Any:
    """It as it runs now: another object after each ``ti.init`` or ``ti.reset``."""
    return impl.get_runtime()


def program() -> Any | None:
    """What runs kernels; None before ``ti.init``."""
    return runtime().prog if _IS_TAICHI else runtime()._prog


def arch_name() -> str:
    """As ``ti.init`` calls it, but "cpu"."""
    arch = config().arch
    return "cpu" if arch in (ti.x64, ti.arm64) else ti._lib.core.arch_name(arch)


def config() -> Any:
    return impl.current_cfg()


def tape() -> Any | None:
    """The ``ti.ad.Tape`` that records now."""
    return runtime().target_tape


def replaces_gradient() -> bool:
    """Whether what runs is one node of the tape, of which it records nothing."""
    return bool(runtime().grad_replaced)


def without_gradient() -> bool:
    """Whether no gradient is generated of the kernel that is being compiled."""
    running = runtime() if _IS_TAICHI else runtime()._current_global_context
    return running.current_kernel.autodiff_mode == _AutodiffMode.NONE


def has_place(field: Any) -> bool:
    """Whether a field has memory. (The gradient of one that was made without is a field, too.)"""
    return field is not None and field.vars[0].ptr.snode() is not None


# Kernels that are launched without their own call, which looks at every argument at length.


def kernel_of(kernel: Any) -> Any:
    """The object that compiles; a ``grad`` is one itself."""
    return getattr(kernel, "_primal", kernel)


def is_generated(implementation: Any) -> bool:
    """Whether it is a gradient."""
    return bool(implementation.autodiff_mode != _AutodiffMode.NONE)


def is_recorded() -> bool:
    """Whether a call is written down by somebody."""
    return (tape() is not None and not replaces_gradient()) or bool(runtime().fwd_mode_manager)


@dataclasses.dataclass(frozen=True, slots=True)
class Instance:
    """A kernel compiled for arguments of some kinds: the annotations of its parameters, what makes a context that takes arguments, and what runs with it."""

    annotations: Sequence[Any]
    new_context: Callable[[], Any]
    run: Callable[[Any], None]


def place(i: int) -> Any:
    """What contexts call the i-th argument."""
    return (i,) if _IS_TAICHI else i


def instance_of(implementation: Any, arguments: Sequence[Any]) -> Instance | None:
    """What such arguments have been compiled to; None if this runtime is built in another way than those known here: then the kernel is to be called."""
    try:
        key = implementation.ensure_compiled(*arguments)
        kernel = (implementation.compiled_kernels if _IS_TAICHI else implementation.materialized_kernels)[key]
        declared = implementation.arguments if _IS_TAICHI else implementation.arg_metas
        compiled = None if _IS_TAICHI else implementation.compiled_kernel_data_by_key[key]
        known = hasattr(kernel.make_launch_context(), "set_arg_external_array_with_shape")
    except (AttributeError, KeyError):
        return None

    def run(context: Any) -> None:
        by = runtime().prog
        by.launch_kernel(by.compile_kernel(by.config(), by.get_device_caps(), kernel) if compiled is None else compiled, context)

    return Instance([one.annotation for one in declared], kernel.make_launch_context, run) if known else None


# Arrays whose memory is handed on.

HANDS_ON = _IS_TAICHI  # quadrants remembers launches by the ids of arrays for as long as their memory is there: an array on another's would meet one of those
ScalarNdarray = _ndarray.ScalarNdarray


def allocate(array: Any, dtype: object, shape: tuple[int, ...]) -> None:
    """Initialises a new array. (Not its way: it formats a stack trace for each, in case that memory runs out.)"""
    get_traceback, _ndarray.get_traceback = _ndarray.get_traceback, str
    try:
        ScalarNdarray.__init__(array, dtype, shape)
    finally:
        _ndarray.get_traceback = get_traceback


def adopt(array: Any, dtype: object, shape: tuple[int, ...], memory: Any) -> None:
    """Initialises a new array on memory that was ``arr`` of another of its type and shape."""
    _ndarray.Ndarray.__init__(array)
    array.dtype, array.element_type, array.shape, array.arr = _ndarray.cook_dtype(dtype), dtype, shape, memory


def address(memory: Any) -> int:
    """Of the ``arr`` of an array, on the CPU."""
    return int(runtime().prog.get_ndarray_data_ptr_as_int(memory))


# How kernels are read (`runtime.quick_taichi`): (where, name) of what can be done quicker.

_kernel_impl, _reading = _module("lang.kernel_impl"), _module("lang.ast.ast_transformer_utils")
CLASS_LINES = getattr(_kernel_impl, "_KERNEL_CLASS_STACKFRAME_STMT_RES", ())
WRAPPER, INSIDE_CLASS = (_reading, "TextWrapper"), (_kernel_impl, "_inside_class")
POSITIONS = (getattr(_reading, "ASTTransformerContext", None), "get_pos_info")  # quadrants remembers them itself
SOURCES = (_kernel_impl, "getsourcelines") if _IS_TAICHI else (_module("lang._func_base"), "get_source_info_and_src")
