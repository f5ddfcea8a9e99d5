"""Steps of gradient descent, on arrays of any shape."""

import functools

from ..language import ti
from .variant import Variant

__all__ = ["adam_moments_kernel", "adam_step_kernel", "sgd_kernel"]

TINY = 1e-12  # where all gradients have been zero, nothing moves


@functools.cache
def adam_moments_kernel(variant: Variant, ndim: int):
    """The running means of gradient and squared gradient (Kingma and Ba 2015, algorithm 1), and the largest of the latter."""
    real = variant.array

    @ti.kernel
    def adam_moments(grad: real(ndim), first: real(ndim), second: real(ndim), largest: real(1), beta1: variant.real, beta2: variant.real):
        largest[0] = 0.0
        for I in ti.grouped(grad):
            first[I] = beta1 * first[I] + (1.0 - beta1) * grad[I]
            second[I] = beta2 * second[I] + (1.0 - beta2) * grad[I] * grad[I]
            ti.atomic_max(largest[0], second[I])

    return adam_moments


@functools.cache
def adam_step_kernel(variant: Variant, ndim: int, uniform: bool):
    """values -= rate * first/(sqrt(second) + tiny), the two running means freed of their start at zero by factors ``unbias``."""
    real = variant.array

    @ti.kernel
    def adam_step(
        values: real(ndim), first: real(ndim), second: real(ndim), largest: real(1), rate: variant.real, unbias1: variant.real, unbias2: variant.real
    ):  # fmt: skip
        for I in ti.grouped(values):
            variance = second[I]
            if ti.static(uniform):
                variance = largest[0]
            values[I] -= rate * unbias1 * first[I] / (ti.sqrt(unbias2 * variance) + TINY)

    return adam_step


@functools.cache
def sgd_kernel(variant: Variant, ndim: int):
    """velocity = momentum * velocity + grad; values -= rate * velocity."""
    real = variant.array

    @ti.kernel
    def sgd(values: real(ndim), grad: real(ndim), velocity: real(ndim), rate: variant.real, momentum: variant.real):
        for I in ti.grouped(values):
            velocity[I] = momentum * velocity[I] + grad[I]
            values[I] -= rate * velocity[I]

    return sgd
