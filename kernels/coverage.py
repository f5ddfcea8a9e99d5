"""The probability that a triangle covers a pixel: D = F(u), u = signed distance over sigma (SoftRas eq. 1, GenDR section 3.1)."""

import math

import taichi as ti

__all__ = ["logistic", "logistic_reach"]


@ti.func
def logistic(u):
    """F(u) = 1/(1 + exp(-u)), without overflow on either side."""
    e = ti.exp(-ti.abs(u))
    return ti.select(u >= 0, e * 0.0 + 1.0, e) / (1.0 + e)


def logistic_reach(cutoff: float) -> float:
    """The u beyond which, outside, coverage falls below ``cutoff``: F(-u) = cutoff."""
    return math.log(1.0 / cutoff - 1.0)
