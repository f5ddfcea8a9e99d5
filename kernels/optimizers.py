"""Steps of gradient descent, on arrays of any shape."""

import functools

from ..language import ti
from .variant import Variant

__all__ = ["adam_kernel", "sgd_kernel", "uniform_adam_kernel"]

TINY = 1e-12  # where all gradients have been zero, nothing moves


@ti.func
def place_of(nth, array: ti.template(), ndim: ti.template()):
    """The indices of the nth number of an array. (Not Taichi's loop over the array itself: on CUDA a kernel of one thread comes before it.)"""
    place = ti.Vector.zero(ti.i32, ndim)
    for k in ti.static(range(ndim)[::-1]):
        place[k] = nth % array.shape[k]
        nth = nth // array.shape[k]
    return place


@ti.func
def moments_at(place, grad: ti.template(), first: ti.template(), second: ti.template(), beta1, beta2):
    """The running means of gradient and squared gradient (Kingma and Ba 2015, algorithm 1), brought up to date."""
    first[place] = beta1 * first[place] + (1.0 - beta1) * grad[place]
    second[place] = beta2 * second[place] + (1.0 - beta2) * grad[place] * grad[place]
    return first[place], second[place]


@functools.cache
def adam_kernel(variant: Variant, ndim: int):
    """values -= rate * first/(sqrt(second) + tiny), the two running means freed of their start at zero by factors ``unbias``."""
    real = variant.array

    @ti.kernel
    def adam(
        values: real(ndim), grad: real(ndim), first: real(ndim), second: real(ndim), n: ti.i32, beta1: variant.real, beta2: variant.real, rate: variant.real,
        unbias1: variant.real, unbias2: variant.real,
    ):  # fmt: skip
        for nth in range(n):
            I = place_of(nth, values, ndim)
            mean, variance = moments_at(I, grad, first, second, beta1, beta2)
            values[I] = values[I] - rate * unbias1 * mean / (ti.sqrt(unbias2 * variance) + TINY)

    return adam


@functools.cache
def uniform_adam_kernel(variant: Variant, ndim: int):
    """The same with the largest of ``second`` for all; ``largest`` [2] holds it, in turns with a nought for the next step."""
    real = variant.array

    @ti.kernel
    def uniform_adam(
        values: real(ndim), grad: real(ndim), first: real(ndim), second: real(ndim), largest: real(1), turn: ti.i32, n: ti.i32, beta1: variant.real,
        beta2: variant.real, rate: variant.real, unbias1: variant.real, unbias2: variant.real,
    ):  # fmt: skip
        for nth in range(n):
            _, variance = moments_at(place_of(nth, values, ndim), grad, first, second, beta1, beta2)
            ti.atomic_max(largest[turn], variance)
        for nth in range(n):
            I = place_of(nth, values, ndim)
            values[I] = values[I] - rate * unbias1 * first[I] / (ti.sqrt(unbias2 * largest[turn]) + TINY)
            if nth == 0:
                largest[1 - turn] = 0.0

    return uniform_adam


@functools.cache
def sgd_kernel(variant: Variant, ndim: int):
    """velocity = momentum * velocity + grad; values -= rate * velocity."""
    real = variant.array

    @ti.kernel
    def sgd(values: real(ndim), grad: real(ndim), velocity: real(ndim), n: ti.i32, rate: variant.real, momentum: variant.real):
        for nth in range(n):
            I = place_of(nth, values, ndim)
            velocity[I] = momentum * velocity[I] + grad[I]
            values[I] = values[I] - rate * velocity[I]

    return sgd
