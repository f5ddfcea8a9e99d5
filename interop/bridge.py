"""The one bridge from a Taichi kernel to a torch autograd operation.

Tensors are handed to the kernels as they are, without a copy, on CPU and CUDA. The kernels add into zeroed outputs, and their generated gradients add
into zeroed gradient buffers; autograd never sees Taichi's own ``.grad`` handling, because kernels get detached aliases.
"""

import math
import warnings
import weakref
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from ..kernels.op import Op
from ..kernels.variant import Variant
from ..language import ti
from ..runtime import Arrays, Constants, check_sizes, cpu_shares, current_runtime, ensure_initialized, is_deterministic, spare_array, variant_of
from .calling_thread import zeroed

__all__ = ["TorchArrays", "check_device"]

MANY = 1 << 13  # numbers, for which memory is taken from the system if none is spare

_constants: dict[torch.device, Constants] = {}
_REALS = {torch.float32: ti.f32, torch.float64: ti.f64}

_is_transformed = getattr(getattr(torch._C, "_functorch", None), "is_functorch_wrapped_tensor", lambda _: False)

_Known = tuple["weakref.ref[Any]", Variant, int]
_known: dict[tuple[torch.dtype, torch.device], _Known] = {}  # which Taichi ran, what its kernels are for these tensors, and the number of shares


def check_device(op: str, name: str, device: torch.device) -> None:
    """Whether kernels may run there: on the CPU, or on the first GPU that the process sees, which is Taichi's."""
    if device.type not in ("cpu", "cuda"):
        raise ValueError(f"{op}: {name} must be on cpu or cuda, got {device}")
    if device.type == "cuda" and device.index not in (None, 0):
        raise ValueError(
            f"{op}: {name} must be on cuda:0, the GPU that Taichi runs on, got {device}; "
            f"start Python with CUDA_VISIBLE_DEVICES={device.index}, and that GPU is cuda:0"
        )


class TorchArrays(Arrays):
    """Torch tensors of one dtype on one device."""

    def __init__(self, dtype: torch.dtype, device: torch.device) -> None:
        running, known = current_runtime(), _known.get((dtype, device))
        if known is None or known[0]() is not running:
            _known[dtype, device] = known = self._found_out(dtype, device)
        super().__init__(known[1], known[2])
        self.dtype, self.device = dtype, device

    @staticmethod
    def _found_out(dtype: torch.dtype, device: torch.device) -> "_Known":
        """What is the same for all libraries of its kind while one Taichi runs."""
        if dtype not in _REALS:
            raise TypeError(f"TorchArrays: dtype must be float32 or float64, got {dtype}")
        check_device("TorchArrays", "device", device)
        arch = ensure_initialized(device.type)
        if arch != device.type:
            raise RuntimeError(
                f"TorchArrays: Taichi runs on {arch}, and the tensors are on {device}; either move them to {'the cpu' if arch == 'cpu' else arch}, "
                f"or call taichi_softras.init({device.type!r}) (or ti.init(arch=ti.{device.type})) first of all, before anything else starts Taichi"
            )
        return weakref.ref(current_runtime()), variant_of(arch, _REALS[dtype]), cpu_shares() if arch == "cpu" else 256

    @classmethod
    def of(cls, op: str, **tensors: torch.Tensor | None) -> "TorchArrays":
        """The library that the given tensors agree on.

        Raises:
            TypeError: if one is not a tensor, is wrapped by `torch.func`, or not of the first one's dtype, which must be float32 or float64.
            ValueError: if one is on another device than the first.
        """
        given = {name: tensor for name, tensor in tensors.items() if tensor is not None}
        first_name = next(iter(given))
        for name, tensor in given.items():
            if not isinstance(tensor, torch.Tensor):
                raise TypeError(f"{op}: {name} must be a torch.Tensor, got {type(tensor).__name__}")
            first = given[first_name]
            if _is_transformed(tensor):
                raise TypeError(
                    f"{op}: {name} must be a plain tensor, got one of torch.func's (grad, vmap, jvp, ...), which kernels cannot see into; "
                    "gradients are had by backward() and torch.autograd.grad, batches by topologies and several cameras"
                )
            if tensor.dtype not in _REALS:
                raise TypeError(f"{op}: {name} must be float32 or float64, got {tensor.dtype}")
            if tensor is first:
                check_device(op, name, tensor.device)
            if tensor.dtype != first.dtype:
                raise TypeError(f"{op}: {name} must have the dtype of {first_name} ({first.dtype}), got {tensor.dtype}")
            if tensor.device != first.device:
                raise ValueError(f"{op}: {name} must be on the device of {first_name} ({first.device}), got {tensor.device}")
        return cls(given[first_name].dtype, given[first_name].device)

    def zeros(self, shape: tuple[int, ...]) -> torch.Tensor:
        return zeroed(self._scratch(shape, self.dtype, self._numpy_real))

    def empty(self, shape: tuple[int, ...]) -> torch.Tensor:
        return self._scratch(shape, self.dtype, self._numpy_real)

    def _scratch(self, shape: int | tuple[int, ...], dtype: torch.dtype, numpy_dtype: type) -> torch.Tensor:
        """Torch has spare memory of its own on CUDA, but on the CPU for little alone."""
        if self.device.type == "cpu" and (math.prod(shape) if isinstance(shape, tuple) else shape) >= MANY:
            return torch.from_numpy(spare_array(shape, numpy_dtype))
        return torch.empty(shape, dtype=dtype, device=self.device)

    def with_gradient(self, array: torch.Tensor) -> torch.Tensor:
        return _with_grad(array, zeroed(torch.empty_like(array)))

    def real(self, values: np.ndarray) -> torch.Tensor:
        return torch.from_numpy(np.array(values)).to(self.device, self.dtype)

    def fixed(self, values: np.ndarray) -> torch.Tensor:
        if not self.is_remote:
            return self.real(values)
        with torch.inference_mode(False):  # what is kept may be wanted for a gradient later
            return _constants.setdefault(self.device, Constants()).get(self._numpy_real, values, self.real)

    def doubles(self, values: np.ndarray) -> torch.Tensor:
        return torch.from_numpy(np.array(values)).to(self.device)

    def empty_doubles(self, size: int) -> torch.Tensor:
        return self._scratch(size, torch.float64, np.float64)

    def zeros_index(self, size: int | tuple[int, ...]) -> torch.Tensor:
        return zeroed(self.empty_index(size))

    def empty_index(self, size: int | tuple[int, ...]) -> torch.Tensor:
        return self._scratch(size, torch.int32, np.int32)

    def index(self, values: np.ndarray) -> torch.Tensor:
        copy = torch.from_numpy(np.array(values))
        return copy.to(self.device) if self.is_remote else copy

    def to_numpy(self, array: torch.Tensor) -> np.ndarray:
        return (array.detach().cpu() if self.is_remote else array.detach()).numpy()

    def constant(self, array: torch.Tensor) -> torch.Tensor:
        return array.detach().contiguous()

    def gradient_of(self, array: torch.Tensor) -> torch.Tensor | None:
        gradient = array.grad
        return None if gradient is None else gradient.detach()

    @property
    def place(self) -> object:
        return ("torch", self.device)

    def run(self, op: Op, inputs: Sequence[torch.Tensor], outputs: Sequence[Any], rest: Sequence[Any]) -> list[torch.Tensor]:
        check_sizes(op, inputs, outputs)
        return list(_Run.apply(self, op, outputs, rest, *inputs))  # type: ignore[no-untyped-call]

    def launch(self, kernel: Any, arguments: Sequence[Any]) -> None:
        if self.device.type == "cpu":
            super().launch(kernel, arguments)
            return
        # Taichi launches on the legacy default stream, which is torch's default, too. On another one, what was asked for before comes first, and what is
        # asked for later comes after: the device sees to it, and the host does not wait.
        current, default = torch.cuda.current_stream(self.device), torch.cuda.default_stream(self.device)
        is_other = current != default
        if is_other:
            default.wait_stream(current)
        super().launch(kernel, arguments)
        if is_other:
            current.wait_stream(default)


class _Run(torch.autograd.Function):
    """Any `Op` as an autograd operation."""

    @staticmethod
    def forward(ctx: Any, arrays: TorchArrays, op: Op, output_shapes: Sequence[tuple[int, ...]], rest: Sequence[Any], *inputs: torch.Tensor) -> Any:
        contiguous = [arrays.constant(tensor) for tensor in inputs]
        outputs = [arrays.empty(shape) for shape in output_shapes]
        outputs = [zeroed(output) for output in outputs] if op.adds else outputs
        op.launch(arrays, (*contiguous, *outputs, *rest))
        ctx.arrays, ctx.op, ctx.rest, ctx.output_shapes = arrays, op, rest, output_shapes
        ctx.set_materialize_grads(False)  # torch would make those of unused outputs with its threads
        # What wants a gradient is kept as it was given, and with it the graph that it came from, which `_Once` needs; if it is not contiguous, a copy is made
        # once more on the way back.
        ctx.save_for_backward(*(given if wants else kept for given, kept, wants in zip(inputs, contiguous, ctx.needs_input_grad[4:], strict=True)))
        return tuple(outputs)

    @staticmethod
    def backward(ctx: Any, *grad_outputs: torch.Tensor) -> Any:
        if not torch.is_grad_enabled():
            return (None, None, None, None, *_Run.gradients(ctx, *grad_outputs))
        with torch.no_grad():  # create_graph: somebody may want the gradient of these, whether or not grad_outputs have one
            grad_inputs = _Run.gradients(ctx, *grad_outputs)
        given = [grad for grad in grad_inputs if grad is not None]
        once = iter(_Once.apply(len(given), *given, *ctx.saved_tensors, *grad_outputs))  # type: ignore[no-untyped-call]
        return (None, None, None, None, *(None if grad is None else next(once) for grad in grad_inputs))

    @staticmethod
    def gradients(ctx: Any, *grad_outputs: torch.Tensor | None) -> list[torch.Tensor | None]:
        """Those of the inputs, None for the others."""
        _refuse_chance()
        wanted = ctx.needs_input_grad[4:]
        inputs = [tensor.contiguous() for tensor in ctx.saved_tensors]
        grad_inputs = [zeroed(torch.empty_like(tensor)) if want else None for tensor, want in zip(inputs, wanted, strict=True)]
        arrays: TorchArrays = ctx.arrays
        arguments = [_with_grad(tensor, grad) for tensor, grad in zip(inputs, grad_inputs, strict=True)]
        for shape, grad in zip(ctx.output_shapes, grad_outputs, strict=True):  # a gradient never reads what was added to
            arguments.append(_with_grad(arrays.empty(shape), arrays.zeros(shape) if grad is None else grad.contiguous()))
        ctx.op.launch_gradient(arrays, (*arguments, *ctx.rest))
        return grad_inputs


class _Once(torch.autograd.Function):
    """Gradients that have none themselves: the first ``n`` of ``tensors``. The others are what they come from.

    (torch's `once_differentiable` says so only where they depend on a gradient that has one: elsewhere they would count as constants, and a penalty on them
    would have no gradient, or part of it. And torch walks back only where a way leads to what is asked for: without one to what they come from,
    `torch.autograd.grad` would give None for it, and `torch.autograd.functional.hessian` nought.)
    """

    @staticmethod
    def forward(ctx: Any, n: int, *tensors: torch.Tensor | None) -> Any:
        return tuple(gradient.view_as(gradient) for gradient in tensors[:n] if gradient is not None)

    @staticmethod
    def backward(ctx: Any, *grad_outputs: torch.Tensor) -> Any:
        raise RuntimeError("taichi_softras: what is rendered must be differentiated once, got the gradient of a gradient (create_graph=True)")


def _refuse_chance() -> None:
    """Does what torch's own operations do where ``torch.use_deterministic_algorithms`` asks for what they cannot give."""
    if not torch.are_deterministic_algorithms_enabled() or is_deterministic():
        return
    message = (
        "taichi_softras: torch.use_deterministic_algorithms is on, and several threads sum gradients in any order; "
        "call taichi_softras.init('cpu', deterministic=True) first of all"
    )
    if not torch.is_deterministic_algorithms_warn_only_enabled():
        raise RuntimeError(message)
    warnings.warn(message, stacklevel=2)


def _with_grad(tensor: torch.Tensor, grad: torch.Tensor | None) -> torch.Tensor:
    """An alias of the tensor that carries the given gradient buffer: how Taichi expects to find it."""
    alias = tensor.detach()
    if grad is not None:
        alias.requires_grad_()
        alias.grad = grad
    return alias
