"""The probability that a triangle covers a pixel: D = F(u), F a distribution, u = signed distance over sigma (SoftRas eq. 1, GenDR section 3.1).

A distribution is one function and one line in :class:`Distribution`. The function takes u and returns F(u) and 1 - F(u), each as exact as it can be:
a silhouette of many faces is made of the one, and what a face leaves free of the other. How to add one: `docs/add_your_own_distribution.md`.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy  # its modules are loaded when they are asked for

from ..language import ti
from .named import Named
from .softness import LOG_FACTORIAL, SERIES, SHAPE, SHIFT
from .special import arctangent, erfc, exp, expm1, log

__all__ = ["Distribution", "coverage_of", "density_of", "reach_of", "series_coefficients"]

ONE_OVER_PI = 1 / math.pi
EDGE_OF_SEMICIRCLE = 1 - 1e-9  # its derivatives have a root in the denominator that is zero at 1
STEEPEST = 80.0  # exp(80) is a float32
SHORTEST_LEVY = 1e-3  # erfc(sqrt(1/(2 * 1e-3))) = 1e-219: nought
TINY = 1e-30
TERMS_AT_ONCE = 32  # Taichi warns of longer unrolled loops
SERIES_TERMS = {ti.f32: 96, ti.f64: 160}  # of the incomplete gamma function, enough up to
SERIES_END = {ti.f32: 45.0, ti.f64: 70.0}  # these arguments, where it is one for shapes up to LARGEST_SHAPE
LARGEST_SHAPE = 10.0
LARGEST_REACH = 1e6  # in units of sigma: heavy tails have no end


@ti.func
def heaviside(u, softness: ti.template(), real: ti.template()):
    """1 inside, 0 outside: without gradient."""
    inside = ti.select(u > 0, u * 0.0 + 1.0, u * 0.0)
    return inside, 1.0 - inside


@ti.func
def uniform(u, softness: ti.template(), real: ti.template()):
    return ti.min(ti.max(0.5 + 0.5 * u, 0.0), 1.0), ti.min(ti.max(0.5 - 0.5 * u, 0.0), 1.0)


@ti.func
def cubic_hermite(u, softness: ti.template(), real: ti.template()):
    y, z = uniform(u, softness, real)
    return y * y * (3.0 - 2.0 * y), z * z * (3.0 - 2.0 * z)


@ti.func
def wigner_semicircle(u, softness: ti.template(), real: ti.template()):
    c = ti.min(ti.max(u, real(-EDGE_OF_SEMICIRCLE)), real(EDGE_OF_SEMICIRCLE))
    root = ti.sqrt(1.0 - c * c)
    arcsine = 2.0 * arctangent(c / (1.0 + root), real)  # Vulkan's own asin is good to 4e-4 only
    half = (c * root + arcsine) * real(ONE_OVER_PI)
    return ti.select(ti.abs(u) < 1.0, 0.5 + half, ti.select(u > 0, 1.0, 0.0)), ti.select(ti.abs(u) < 1.0, 0.5 - half, ti.select(u > 0, 0.0, 1.0))


@ti.func
def symmetric(u, tail):
    """F and 1 - F of a symmetric distribution, given F(-abs u), its tail."""
    return ti.select(u > 0, 1.0 - tail, tail), ti.select(u > 0, tail, 1.0 - tail)


@ti.func
def gaussian(u, softness: ti.template(), real: ti.template()):
    return symmetric(u, 0.5 * erfc(ti.abs(u) * real(ti.static(math.sqrt(0.5))), real))


@ti.func
def laplace(u, softness: ti.template(), real: ti.template()):
    return symmetric(u, 0.5 * exp(-ti.abs(u), real))


@ti.func
def logistic(u, softness: ti.template(), real: ti.template()):
    """1/(1 + exp(-u)): SoftRas's, on the squared distance."""
    e = exp(-ti.abs(u), real)
    larger = 1.0 / (1.0 + e)
    smaller = e * larger
    return ti.select(u >= 0, larger, smaller), ti.select(u >= 0, smaller, larger)


@ti.func
def hyperbolic_secant(u, softness: ti.template(), real: ti.template()):
    """(2/pi) atan(exp(u)), which is (2/pi) atan(tanh(u/2)) + 1/2: the Gudermannian function."""
    return symmetric(u, 2.0 * real(ONE_OVER_PI) * arctangent(exp(-ti.abs(u), real), real))


@ti.func
def cauchy(u, softness: ti.template(), real: ti.template()):
    """Its tail is atan(1/abs u)/pi."""
    size = ti.abs(u)
    angle = arctangent(ti.min(size, 1.0 / ti.max(size, 1.0)), real) * real(ONE_OVER_PI)
    return symmetric(u, ti.select(size > 1.0, angle, 0.5 - angle))


@ti.func
def reciprocal(u, softness: ti.template(), real: ti.template()):
    return symmetric(u, 0.5 / (1.0 + ti.abs(u)))


@ti.func
def gumbel_max(u, softness: ti.template(), real: ti.template()):
    e = exp(ti.min(-u, STEEPEST), real)
    return exp(-e, real), -expm1(-e, real)


@ti.func
def exponential(u, softness: ti.template(), real: ti.template()):
    v = ti.max(u + softness[SHIFT], 0.0)
    return -expm1(-v, real), exp(-v, real)


@ti.func
def gamma(u, softness: ti.template(), real: ti.template()):
    """P(p, u + b), the regularised lower incomplete gamma function: x^p exp(-x)/Gamma(p + 1) times the sum of x^k/((p+1) ... (p+k)), all terms positive."""
    x = ti.min(ti.max(u + softness[SHIFT], 0.0), ti.static(SERIES_END[real]))
    total = x * 0.0 + 1.0
    for block in ti.static(range(SERIES_TERMS[real] // TERMS_AT_ONCE - 1, -1, -1)):
        for k in ti.static(range(TERMS_AT_ONCE - 1, -1, -1)):
            total = 1.0 + total * x * softness[SERIES + block * TERMS_AT_ONCE + k]
    value = ti.min(exp(softness[SHAPE] * log(ti.max(x, real(TINY)), real) - x - softness[LOG_FACTORIAL], real) * total, 1.0)
    return value, 1.0 - value


@ti.func
def levy(u, softness: ti.template(), real: ti.template()):
    v = ti.max(u + softness[SHIFT], real(SHORTEST_LEVY))
    value = erfc(ti.sqrt(0.5 / v), real)
    return value, 1.0 - value


@ti.func
def window(u, softness: ti.template(), real: ti.template()):
    """u^p within [0, 1], p the shape; nought outside of the face. (u is told in `kernels.face`.)"""
    value = exp(softness[SHAPE] * log(ti.min(ti.max(u, real(TINY)), 1.0), real), real)
    value = ti.select(u > 0, value, 0.0)
    return value, 1.0 - value


# Densities F', for gradients by hand: functions of u, F(u) and 1 - F(u).


@ti.func
def heaviside_density(u, value, complement, softness: ti.template(), real: ti.template()):
    return u * 0.0


@ti.func
def uniform_density(u, value, complement, softness: ti.template(), real: ti.template()):
    return ti.select(ti.abs(u) < 1.0, u * 0.0 + 0.5, u * 0.0)


@ti.func
def cubic_hermite_density(u, value, complement, softness: ti.template(), real: ti.template()):
    y, z = uniform(u, softness, real)
    return 3.0 * y * z


@ti.func
def wigner_semicircle_density(u, value, complement, softness: ti.template(), real: ti.template()):
    return ti.select(ti.abs(u) < real(EDGE_OF_SEMICIRCLE), 2.0 * real(ONE_OVER_PI) * ti.sqrt(ti.max(1.0 - u * u, 0.0)), u * 0.0)


@ti.func
def gaussian_density(u, value, complement, softness: ti.template(), real: ti.template()):
    return exp(-0.5 * u * u, real) * real(ti.static(1 / math.sqrt(2 * math.pi)))


@ti.func
def laplace_density(u, value, complement, softness: ti.template(), real: ti.template()):
    return ti.min(value, complement)


@ti.func
def logistic_density(u, value, complement, softness: ti.template(), real: ti.template()):
    return value * complement


@ti.func
def hyperbolic_secant_density(u, value, complement, softness: ti.template(), real: ti.template()):
    e = exp(-ti.abs(u), real)
    return 2.0 * real(ONE_OVER_PI) * e / (1.0 + e * e)


@ti.func
def cauchy_density(u, value, complement, softness: ti.template(), real: ti.template()):
    return real(ONE_OVER_PI) / (1.0 + u * u)


@ti.func
def reciprocal_density(u, value, complement, softness: ti.template(), real: ti.template()):
    tail = ti.min(value, complement)
    return 2.0 * tail * tail


@ti.func
def gumbel_max_density(u, value, complement, softness: ti.template(), real: ti.template()):
    return value * exp(ti.min(-u, STEEPEST), real)


@ti.func
def exponential_density(u, value, complement, softness: ti.template(), real: ti.template()):
    return ti.select(u + softness[SHIFT] > 0, complement, 0.0)


@ti.func
def gamma_density(u, value, complement, softness: ti.template(), real: ti.template()):
    """x^(p - 1) exp(-x)/Gamma(p)"""
    x = ti.max(u + softness[SHIFT], real(TINY))
    density = softness[SHAPE] / x * exp(softness[SHAPE] * log(x, real) - x - softness[LOG_FACTORIAL], real)
    return ti.select((x > real(TINY)) & (x < ti.static(SERIES_END[real])), density, 0.0)


@ti.func
def levy_density(u, value, complement, softness: ti.template(), real: ti.template()):
    v = ti.max(u + softness[SHIFT], real(SHORTEST_LEVY))
    density = exp(-0.5 / v, real) * real(ti.static(1 / math.sqrt(2 * math.pi))) / (v * ti.sqrt(v))
    return ti.select(v > real(SHORTEST_LEVY), density, 0.0)


@dataclass(frozen=True, eq=False)
class Family:
    """What a distribution is to the renderer.

    Attributes:
        function: F and 1 - F, a ``ti.func`` of (u, softness, real).
        quantile: (probability, shape, shift) -> u with F(u) = probability: it tells how far outside of a face a coverage can still be seen.
        reversed: whether the distribution is the mirror image, 1 - F(-u).
        density: F', a ``ti.func`` of (u, F, 1 - F, softness, real), which makes gradients several times as fast; None: Taichi differentiates ``function``.
    """

    function: Any
    quantile: Callable[[float, float, float], float]
    reversed: bool = False
    density: Any = None


def _semicircle_quantile(q: float, p: float, b: float) -> float:
    low, high = -1.0, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        below = 0.5 + (middle * math.sqrt(1 - middle**2) + math.asin(middle)) / math.pi < q
        low, high = (middle, high) if below else (low, middle)
    return low


class Distribution(Named):
    """F in D = F(u) (GenDR table 1): the softness of an edge. Three have a shape p; exponential, gamma and Levy, and their mirror images, a shift b.

    WINDOW is no distribution, but Triangle Splatting's window (arXiv 2505.19175, eq. 2): D = u^p inside, u the distance to the outline as a fraction of that
    of the incentre, so that D is 1 there, and 0 on the outline and beyond. Neither sigma nor ``squared`` has a part in it.
    """

    HEAVISIDE = Family(heaviside, lambda q, p, b: 0.0, density=heaviside_density)
    UNIFORM = Family(uniform, lambda q, p, b: 2 * q - 1, density=uniform_density)
    CUBIC_HERMITE = Family(cubic_hermite, lambda q, p, b: -2 * math.sin(math.asin(1 - 2 * q) / 3), density=cubic_hermite_density)
    WIGNER_SEMICIRCLE = Family(wigner_semicircle, _semicircle_quantile, density=wigner_semicircle_density)
    GAUSSIAN = Family(gaussian, lambda q, p, b: scipy.special.ndtri(q), density=gaussian_density)
    LAPLACE = Family(laplace, lambda q, p, b: math.log(2 * q) if q < 0.5 else -math.log(2 - 2 * q), density=laplace_density)
    LOGISTIC = Family(logistic, lambda q, p, b: -math.log(1 / q - 1), density=logistic_density)
    HYPERBOLIC_SECANT = Family(hyperbolic_secant, lambda q, p, b: math.log(math.tan(math.pi * q / 2)), density=hyperbolic_secant_density)
    CAUCHY = Family(cauchy, lambda q, p, b: math.tan(math.pi * (q - 0.5)), density=cauchy_density)
    RECIPROCAL = Family(reciprocal, lambda q, p, b: 1 - 0.5 / q if q < 0.5 else 0.5 / (1 - q) - 1, density=reciprocal_density)
    GUMBEL_MAX = Family(gumbel_max, lambda q, p, b: -math.log(-math.log(q)), density=gumbel_max_density)
    GUMBEL_MIN = Family(gumbel_max, lambda q, p, b: -math.log(-math.log(q)), reversed=True, density=gumbel_max_density)
    EXPONENTIAL = Family(exponential, lambda q, p, b: -math.log1p(-q) - b, density=exponential_density)
    EXPONENTIAL_REV = Family(exponential, lambda q, p, b: -math.log1p(-q) - b, reversed=True, density=exponential_density)
    GAMMA = Family(gamma, lambda q, p, b: scipy.special.gammaincinv(p, q) - b, density=gamma_density)
    GAMMA_REV = Family(gamma, lambda q, p, b: scipy.special.gammaincinv(p, q) - b, reversed=True, density=gamma_density)
    LEVY = Family(levy, lambda q, p, b: 0.5 / scipy.special.erfcinv(q) ** 2 - b, density=levy_density)
    LEVY_REV = Family(levy, lambda q, p, b: 0.5 / max(scipy.special.erfcinv(q), 1e-9) ** 2 - b, reversed=True, density=levy_density)
    WINDOW = Family(window, lambda q, p, b: q ** (1 / p))


@ti.func
def coverage_of(u, softness: ti.template(), distribution: ti.template(), real: ti.template()):
    """(D, 1 - D) = (F(u), 1 - F(u))."""
    mirror = ti.static(-1.0 if distribution.value.reversed else 1.0)
    value, complement = distribution.value.function(mirror * u, softness, real)
    if ti.static(distribution.value.reversed):
        value, complement = complement, value
    return value, complement


@ti.func
def density_of(u, coverage, complement, softness: ti.template(), distribution: ti.template(), real: ti.template()):
    """dD/du = F'(u), given D and 1 - D; of distributions that have a ``density``."""
    mirror = ti.static(-1.0 if distribution.value.reversed else 1.0)
    value, other = coverage, complement
    if ti.static(distribution.value.reversed):
        value, other = complement, coverage
    return distribution.value.density(mirror * u, value, other, softness, real)


def reach_of(distribution: Distribution, cutoff: float, shape: float, shift: float) -> float:
    """The u >= 0 beyond which, outside, coverage falls below ``cutoff``: F(-u) = cutoff."""
    family = distribution.value
    edge = -family.quantile(1 - cutoff, shape, shift) if family.reversed else family.quantile(cutoff, shape, shift)
    return float(min(max(-edge, 0.0), LARGEST_REACH))


def series_coefficients(distribution: Distribution, shape: float) -> np.ndarray:
    """What follows in the array ``softness``: 1/(p + k), k = 1, 2, ..., for gamma, nothing for the others."""
    if distribution.value.function is not gamma:
        return np.zeros(0)
    return 1 / (shape + np.arange(1, max(SERIES_TERMS.values()) + 1))
