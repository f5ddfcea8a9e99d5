"""The language that kernels are written in, chosen once, and all of it that is not promised to its users.

That is Taichi, or its successor `quadrants <https://pypi.org/project/quadrants>`_: ``pip`` installs it where Taichi has no wheels (Python 3.14, ARM Linux), and
``TAICHI_SOFTRAS_RUNTIME=quadrants`` chooses it elsewhere. ``ti`` is the one that runs. This file is on the ground, since the kernels want some of the names.
"""

import dataclasses
import os
import types
from collections.abc import Callable, Sequence
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

__all__ = ["HAS_WINDOWS", "INIT_OPTIONS", "NAME", "VERSION", "ti"]

RUNTIMES, VARIABLE = ("taichi", "quadrants"), "TAICHI_SOFTRAS_RUNTIME"


def _chosen() -> str:
    """The one that the environment asks for, else the first that is installed."""
    wanted = os.environ.get(VARIABLE, "")
    if wanted not in ("", *RUNTIMES):
        raise ImportError(f"taichi_softras: {VARIABLE} must be {' or '.join(RUNTIMES)}, got {wanted!r}")
    for name in (wanted,) if wanted else RUNTIMES:
        if find_spec(name) is not None:
            return name
    raise ImportError(f"taichi_softras needs {wanted or ' or '.join(RUNTIMES)}, which is not installed: pip install {wanted or 'taichi'}")


NAME = _chosen()
_IS_TAICHI = NAME == "taichi"
os.environ.setdefault(f"ENABLE_{NAME.upper()}_HEADER_PRINT", "0")  # a line on the standard output, where what a program prints is read by others
if TYPE_CHECKING:
    import taichi as ti
else:
    try:
        ti = import_module(NAME)
    except ImportError as error:  # Taichi's wheels for Linux want a library of X11's, whether there is a display or not
        remedy = " (on Debian and Ubuntu: apt install libx11-6)" if "libX11" in str(error) else ""
        raise ImportError(f"taichi_softras: {NAME} is installed, but cannot be loaded: {error}{remedy}") from None
VERSION = ".".join(map(str, ti.__version__))
HAS_WINDOWS = hasattr(ti, "ui")  # quadrants has none
INIT_OPTIONS = {} if _IS_TAICHI else {"fast_math": False}  # with it, `adjoint` of a face without area comes out wrong (quadrants 1.3.3)
_private: Callable[[str], Any] = partial(import_module, package=NAME)
if not _IS_TAICHI:  # it takes a dataclass that is given as ``ti.template()`` apart into its fields; not those of our kernels
    _private(".lang.ast.ast_transformers.call_transformer").dataclasses = types.SimpleNamespace(
        **vars(dataclasses) | {"is_dataclass": lambda thing: dataclasses.is_dataclass(thing) and not thing.__module__.startswith("taichi_softras.")}
    )
# The runtime, from one ``ti.init`` or ``ti.reset`` to the next.
_impl, _no_gradient = _private(".lang.impl"), _private(".lang.enums" if _IS_TAICHI else ".types.enums").AutodiffMode.NONE
CompilationError = getattr(_private(".lang.exception"), f"{NAME.title()}CompilationError")
runtime, config = _impl.get_runtime, _impl.current_cfg  # another object each time; what ``ti.init`` was given


def program() -> Any | None:
    """What runs kernels; None before ``ti.init``."""
    return runtime().prog if _IS_TAICHI else runtime()._prog


def arch_name() -> str:
    """As ``ti.init`` calls it, but "cpu"."""
    arch = config().arch
    return "cpu" if arch in (ti.x64, ti.arm64) else ti._lib.core.arch_name(arch)


def tape() -> Any | None:
    """The ``ti.ad.Tape`` that is open."""
    return runtime().target_tape


def is_one_node() -> bool:
    """Whether what runs is one node of the tape, which records nothing of it."""
    return bool(runtime().grad_replaced)


def is_recorded() -> bool:
    """Whether a tape, or its like for forward mode, wants to know of a call."""
    running = runtime()
    return (running.target_tape is not None and not running.grad_replaced) or bool(running.fwd_mode_manager)


def without_gradient(kernel: Any = None) -> bool:
    """Whether a kernel (the one that is being compiled) is no gradient that is generated."""
    kernel = kernel or (runtime() if _IS_TAICHI else runtime()._current_global_context).current_kernel
    return bool(kernel.autodiff_mode == _no_gradient)


def has_place(field: Any) -> bool:
    """Whether a field has memory. (The gradient of one that was made without is a field, too.)"""
    return field is not None and field.vars[0].ptr.snode() is not None


# Kernels that are launched without their own call, which looks at every argument at length.
PLACES = [(i,) if _IS_TAICHI else i for i in range(64)]  # what a launch context calls its arguments
_KINDS = ("int", "float", "ndarray", "ndarray_with_grad", "external_array_with_shape")
_SETTERS: list[Any] = [getattr(getattr(ti._lib.core, "KernelLaunchContext", None), f"set_arg_{kind}", None) for kind in _KINDS]
set_int, set_float, set_ndarray, set_ndarray_with_grad, set_external = _SETTERS


def kernel_of(kernel: Any) -> Any:
    """The object that compiles; a ``grad`` is one itself."""
    return getattr(kernel, "_primal", kernel)


def thoroughly(kernel: Any) -> Any:
    """A decorator above ``ti.kernel``, for one that adds to several numbers side by side in one go: Taichi is to find alike expressions in it (`launch`).
    What is read there is then known to be what is written, and LLVM takes all of them together; else it takes one after the other, half as long again.
    """
    kernel_of(kernel).is_thorough = True
    return kernel


def is_thorough(kernel: Any) -> bool:
    return getattr(kernel, "is_thorough", False)


def instance_of(kernel: Any, arguments: Sequence[Any]) -> tuple[list[Any], Callable[[], Any], Callable[[Any], None]] | None:
    """What such arguments were compiled to: the parameters' annotations, what makes a context, what launches with one. None: no such way here; call it."""
    try:
        key, declared = kernel.ensure_compiled(*arguments), kernel.arguments if _IS_TAICHI else kernel.arg_metas
        compiled = (kernel.compiled_kernels if _IS_TAICHI else kernel.materialized_kernels)[key]
        new_context, by = compiled.make_launch_context, runtime().prog
        code = by.compile_kernel(by.config(), by.get_device_caps(), compiled) if _IS_TAICHI else kernel.compiled_kernel_data_by_key[key]
    except (AttributeError, KeyError):
        return None

    def run(context: Any) -> None:
        runtime().prog.launch_kernel(code, context)

    return ([one.annotation for one in declared], new_context, run) if None not in _SETTERS else None


# Arrays whose memory is handed on. (Not quadrants': it remembers launches by the ids of arrays, as long as their memory is there.)
_ndarray, HANDS_ON = _private(".lang._ndarray"), _IS_TAICHI
ScalarNdarray = _ndarray.ScalarNdarray


def initialise(array: Any, dtype: object, shape: tuple[int, ...], memory: Any = None) -> None:
    """As the array's own ``__init__``, on new memory, or on what was ``arr`` of another of its type and shape. (That formats a stack trace for each.)"""
    _ndarray.Ndarray.__init__(array)
    array.dtype, array.element_type = _ndarray.cook_dtype(dtype), dtype
    setattr(array, "shape" if _IS_TAICHI else "_physical_shape", shape)
    options = {"layout": _ndarray.Layout.NULL, "zero_fill": True, "dbg_info": ti._lib.core.DebugInfo("")}
    array.arr = memory or runtime().prog.create_ndarray(array.dtype, shape, **options)


def address(memory: Any) -> int:
    """Of the ``arr`` of an array, on the CPU and on CUDA."""
    return int(runtime().prog.get_ndarray_data_ptr_as_int(memory))


# How kernels are read: where what can be done quicker stands (`runtime.quick_taichi`). Positions quadrants remembers itself.
_kernel_impl, _reading = _private(".lang.kernel_impl"), _private(".lang.ast.ast_transformer_utils")
CLASS_LINES = getattr(_kernel_impl, "_KERNEL_CLASS_STACKFRAME_STMT_RES", ())
WRAPPER, INSIDE_CLASS = (_reading, "TextWrapper"), (_kernel_impl, "_inside_class")
POSITIONS, TREES = (getattr(_reading, "ASTTransformerContext", None), "get_pos_info"), (_kernel_impl, "_get_tree_and_ctx")
SOURCES = (_kernel_impl, "getsourcelines") if _IS_TAICHI else (_private(".lang._func_base"), "get_source_info_and_src")
# Where it reads a loop, or what else has a body (`runtime.loops`). On quadrants loops stay as they are.
TRANSFORMER, BODIES = _private(".lang.ast.ast_transformer").ASTTransformer, ("build_For", "build_While", "build_If") if _IS_TAICHI else ()
decorator_of: Any = getattr(TRANSFORMER, "get_decorator", None)  # of an expression, called with (context, node): "static" where that is ``ti.static``
