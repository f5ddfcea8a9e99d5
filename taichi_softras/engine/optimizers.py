"""Gradient descent on Taichi's arrays, for programs without torch."""

import functools
import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

from ..checks import check_flag, check_number
from ..kernels.optimizers import adam_kernel, sgd_kernel, uniform_adam_kernel
from ..language import ti
from ..runtime import Arrays, library_of

__all__ = ["SGD", "Adam"]


class _Optimizer(ABC):
    """What optimisers have in common.

    Attributes:
        rate: size of a step; may be changed at any time.
    """

    def __init__(self, parameters: Any | Sequence[Any], rate: float) -> None:
        op = type(self).__name__
        parameters = list(parameters) if isinstance(parameters, (list, tuple)) else [parameters]
        if not parameters:
            raise ValueError(f"{op}: there must be at least one parameter, got none")
        for parameter in parameters:
            if not isinstance(parameter, (ti.Ndarray, ti.Field)):
                raise TypeError(f"{op}: each of the parameters must be a Taichi array or field, got {type(parameter).__name__}")
            if parameter.grad is None:
                raise ValueError(f"{op}: each of the parameters must have a gradient (needs_grad=True; see Renderer.parameter), got one without")
            if parameter.dtype not in (ti.f32, ti.f64):
                raise TypeError(f"{op}: each of the parameters must be float32 or float64, got {parameter.dtype.to_string()}")
        check_number(op, "rate", rate, 0.0)
        self.parameters, self.rate = parameters, rate
        self._arrays = [library_of(parameter) for parameter in parameters]

    def zero_grad(self) -> None:
        """Sets all gradients to zero.

        ``ti.ad.Tape`` does so itself when it begins, with fields, and with ndarrays that one of this package's functions meets: there is need for it without a
        tape, and for ndarrays that only your own kernels read.
        """
        for arrays, parameter in zip(self._arrays, self.parameters, strict=True):
            arrays.untracked(functools.partial(parameter.grad.fill, 0))

    def step(self) -> None:
        """Moves all parameters by their gradients."""
        check_number(type(self).__name__, "rate", self.rate, 0.0)
        for i, (arrays, parameter) in enumerate(zip(self._arrays, self.parameters, strict=True)):
            arrays.untracked(functools.partial(self._move, i, arrays, parameter))

    @abstractmethod
    def _move(self, i: int, arrays: Arrays, parameter: Any) -> None: ...


class SGD(_Optimizer):
    """Steepest descent, with momentum if that is not zero.

    Args:
        parameters: Taichi arrays or fields with gradient, or a list of them.
        rate: size of a step.
        momentum: share of the last step that is kept, 0 to 1.
    """

    def __init__(self, parameters: Any | Sequence[Any], rate: float, momentum: float = 0.0) -> None:
        super().__init__(parameters, rate)
        check_number("SGD", "momentum", momentum, -1e-30, 1.0)
        self.momentum = momentum
        self._velocities = [arrays.zeros(tuple(p.shape)) for arrays, p in zip(self._arrays, self.parameters, strict=True)]

    def _move(self, i: int, arrays: Arrays, parameter: Any) -> None:
        kernel = sgd_kernel(arrays.variant, len(parameter.shape))
        arrays.launch(kernel, (parameter, parameter.grad, self._velocities[i], math.prod(parameter.shape), self.rate, self.momentum))


class Adam(_Optimizer):
    """Adam (Kingma and Ba 2015).

    Args:
        parameters: Taichi arrays or fields with gradient, or a list of them.
        rate: about how far a number moves in a step.
        betas: how much of the running means of gradient and squared gradient is kept in a step.
        uniform: all numbers of a parameter share the largest of the squared gradients, so that a step keeps the gradient's direction (Nicolet et al. 2021).
    """

    def __init__(self, parameters: Any | Sequence[Any], rate: float = 1e-2, betas: tuple[float, float] = (0.9, 0.999), uniform: bool = False) -> None:
        super().__init__(parameters, rate)
        if not isinstance(betas, (tuple, list)) or len(betas) != 2:
            raise ValueError(f"Adam: betas must be two numbers, got {betas!r}")
        for beta in betas:
            check_number("Adam", "each of the betas", beta, -1e-30, 1.0)
        check_flag("Adam", "uniform", uniform)
        self.betas, self.uniform, self.steps = betas, uniform, 0
        self._moments = [tuple(arrays.zeros(tuple(p.shape)) for _ in range(2)) for arrays, p in zip(self._arrays, self.parameters, strict=True)]
        self._largest = [arrays.zeros((2,)) for arrays in self._arrays]

    def step(self) -> None:
        self.steps += 1
        super().step()

    def _move(self, i: int, arrays: Arrays, parameter: Any) -> None:
        ndim, (beta1, beta2) = len(parameter.shape), self.betas
        numbers = (math.prod(parameter.shape), beta1, beta2, self.rate, 1 / (1 - beta1**self.steps), 1 / (1 - beta2**self.steps))
        state = (parameter, parameter.grad, *self._moments[i])
        if self.uniform:
            arrays.launch(uniform_adam_kernel(arrays.variant, ndim), (*state, self._largest[i], self.steps % 2, *numbers))
        else:
            arrays.launch(adam_kernel(arrays.variant, ndim), (*state, *numbers))
