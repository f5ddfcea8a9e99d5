"""Functions that Taichi lacks, or has in single precision only, as straight-line code that it can differentiate.

And some that it has, but that are slow in hot loops. On the CPU `exp`, `log` and `log_of_one_plus` would call the mathematics library for one number after the
other: in kernels without a gradient they are polynomials here, which the compiler turns into code for all lanes at once (6 times faster). Taichi's minimum and
maximum look out for NaN, with three instructions for one: `smaller` and `larger` do not.

``real`` is the type of the numbers: ``real(0.1)`` is a constant of full precision, where a literal would be a float32.
"""

import functools
import math
from collections.abc import Callable

import numpy as np
import scipy  # its modules are loaded when they are asked for

from ..language import arch_name, ti, without_gradient

__all__ = ["arctangent", "erfc", "exp", "expm1", "larger", "log", "log1p", "log_of_one_plus", "power", "power_slope", "smaller"]

TAYLOR_BELOW = 0.3  # expm1 and log1p are series up to here
LARGEST_EXPONENT = 60.0  # of `power`: exp(60) = 1e26, and sums of many such are float32 numbers still
TINY = 1e-30  # of `power`: keeps its logarithm finite


@functools.cache
def _erfc_coefficients(real: object) -> tuple[float, ...]:
    """Of the Chebyshev polynomial P in erfc(z) = t exp(P(2 t - 1) - z^2), t = 2/(2 + z). (Found when a kernel wants them: SciPy takes long to import.)"""

    def wanted(s: np.ndarray) -> np.ndarray:
        t = (s + 1) / 2
        return np.log(scipy.special.erfcx(2 / t - 2) / t)

    return tuple(float(c) for c in np.polynomial.Chebyshev.interpolate(wanted, 11 if real is ti.f32 else 27).coef)


def _fitted(function: Callable[[np.ndarray], np.ndarray], degree: int, low: float, high: float) -> list[float]:
    """Coefficients of the polynomial that interpolates a function at the points of Chebyshev."""
    fit = np.polynomial.Chebyshev.interpolate(function, degree, domain=[low, high])
    return [float(c) for c in fit.convert(kind=np.polynomial.Polynomial).coef]


_ATAN_TERMS = 11  # of its series at arguments below tan(pi/16) = 0.2: 0.2^23 is below the precision of float64
_EXPM1_TERMS = 13
_LOG1P_TERMS = 10
_POWERS_OF_2 = np.polynomial.Polynomial([np.log(2) ** (k + 1) / math.factorial(k + 1) for k in range(20)])  # (2^f - 1)/f
_EXP2 = [1.0, *_fitted(_POWERS_OF_2, 5, -0.5, 0.5)]  # 2^f
_LOG = _fitted(lambda q: 2 * np.arctanh(np.sqrt(q)) / np.sqrt(q), 4, 0, 1 / 9)  # P in log(1 + e) = s P(s^2), s = e/(2 + e) in [0, 1/3]
_LOG_OF_ONE_PLUS = _fitted(lambda e: np.log1p(e) / e, 8, 0, 1)  # P in log(1 + e) = e P(e): longer than the one for s, but there is no division to wait for
_LN2_HIGH, _LN2_LOW = 0.693359375, float(np.log(2) - 0.693359375)  # the first has few enough bits that its multiples are exact
_ROUNDS = 1.5 * 2.0**23  # added to a float32 of moderate size, it rounds to a whole number
_LEAST_EXPONENT = -127.0  # of two: where bits that are found in the same way are those of nought


def _bits(x: float) -> int:
    """Of a float32."""
    return int(np.float32(x).view(np.int32))


def _by_polynomial(real: object) -> bool:
    """Whether the kernel that is being compiled is better off with polynomials: in single precision, on the CPU, where no gradient is generated."""
    return real is ti.f32 and arch_name() == "cpu" and without_gradient()


@ti.func
def smaller(a, b):
    """The minimum of two finite numbers."""
    if ti.static(without_gradient()):
        return ti.select(a < b, a, b)
    return ti.min(a, b)


@ti.func
def larger(a, b):
    """The maximum of two finite numbers."""
    if ti.static(without_gradient()):
        return ti.select(a > b, a, b)
    return ti.max(a, b)


@ti.func
def _polynomial(x, c: ti.template()):
    """c_0 + c_1 x + ... of degree 4, 6 or 8 by Estrin's scheme: pairs at once, in half the time of Horner's, where each step waits for the one before."""
    square = x * x
    fourth = square * square
    above = x * 0.0 + c[4]
    if ti.static(len(c) > 5):
        above += c[5] * x
        if ti.static(len(c) == 7):
            above += square * c[6]
        else:
            above += square * (c[6] + c[7] * x) + fourth * c[8]
    return ((c[0] + c[1] * x) + square * (c[2] + c[3] * x)) + fourth * above


@ti.func
def exp(x, real: ti.template()):
    """exp(x) for x <= 87."""
    value = x
    if ti.static(_by_polynomial(real)):
        binary = larger(x * ti.static(float(1 / np.log(2))), _LEAST_EXPONENT)  # exp(x) = 2^binary
        shifted = ti.bit_cast(binary + _ROUNDS, ti.i32)  # its last bits are those of the nearest whole number n
        f = binary - ti.cast(shifted - ti.static(_bits(_ROUNDS)), ti.f32)
        power_of_2 = ti.bit_cast(ti.cast((shifted << 23) + ti.static(_bits(1.0)), ti.i32), ti.f32)
        value = _polynomial(f, _EXP2) * power_of_2
    else:
        value = ti.exp(x)
    return value


@ti.func
def _log_series(e):
    """log(1 + e) for -1/3 <= e <= 1/2, in single precision."""
    s = e / (2.0 + e)
    return s * _polynomial(s * s, _LOG)


@ti.func
def log_of_one_plus(e, real: ti.template()):
    """log(1 + e) for 0 <= e <= 1."""
    value = e
    if ti.static(_by_polynomial(real)):
        value = e * _polynomial(e, _LOG_OF_ONE_PLUS)
    else:
        value = ti.log(1.0 + e)
    return value


@ti.func
def log(x, real: ti.template()):
    """log(x), x at least the smallest normal number."""
    value = x
    if ti.static(_by_polynomial(real)):  # x = 2^n m, m from sqrt(1/2) to sqrt(2)
        beyond = ti.bit_cast(x, ti.i32) - ti.static(_bits(0.5**0.5))
        m = ti.bit_cast(ti.cast((beyond & 0x7FFFFF) + ti.static(_bits(0.5**0.5)), ti.i32), ti.f32)
        n = ti.cast(beyond >> 23, ti.f32)
        value = n * _LN2_HIGH + (_log_series(m - 1.0) + n * _LN2_LOW)
    else:
        value = ti.log(x)
    return value


@ti.func
def erfc(z, real: ti.template()):
    """1 - erf(z) for z >= 0, to a relative 1e-14 (float64) or 1e-6 (float32)."""
    t = 2.0 / (2.0 + z)
    s = 2.0 * t - 1.0
    current = z * 0.0
    previous = z * 0.0
    coefficients = ti.static(_erfc_coefficients(real))
    for c in ti.static(coefficients[:0:-1]):  # Clenshaw's recurrence
        following = 2.0 * s * current - previous + real(c)
        previous = current
        current = following
    return t * exp(s * current - previous + real(coefficients[0]) - z * z, real)


@ti.func
def arctangent(z, real: ti.template()):
    """atan(z) for -1 <= z <= 1. (Taichi's atan2 has single precision only.)"""
    half = z / (1.0 + ti.sqrt(1.0 + z * z))
    quarter = half / (1.0 + ti.sqrt(1.0 + half * half))
    square = quarter * quarter
    series = z * 0.0
    for k in ti.static(range(_ATAN_TERMS, -1, -1)):
        series = series * square + real(ti.static((-1.0) ** k / (2 * k + 1)))
    return 4.0 * quarter * series


@ti.func
def expm1(z, real: ti.template()):
    """exp(z) - 1, exact for small z, too."""
    small = ti.min(ti.max(z, real(-TAYLOR_BELOW)), real(TAYLOR_BELOW))
    series = z * 0.0
    for k in ti.static(range(_EXPM1_TERMS, 0, -1)):
        series = (series + 1.0) * small / real(ti.static(float(k)))
    return ti.select(ti.abs(z) < real(TAYLOR_BELOW), series, exp(z, real) - 1.0)


@ti.func
def log1p(z, real: ti.template()):
    """log(1 + z) for z >= 0, exact for small z, too."""
    small = ti.min(z, real(TAYLOR_BELOW))
    s = small / (2.0 + small)
    series = z * 0.0
    for k in ti.static(range(_LOG1P_TERMS, -1, -1)):
        series = series * s * s + real(ti.static(2.0 / (2 * k + 1)))
    return ti.select(z < real(TAYLOR_BELOW), series * s, log(1.0 + z, real))


@ti.func
def power(x, exponent, real: ti.template()):
    """x^exponent for x >= 0, kept between exp(-60) and exp(60): beyond, it is constant."""
    logarithm = exponent * log(ti.max(x, real(TINY)), real)
    return exp(ti.min(ti.max(logarithm, -LARGEST_EXPONENT), LARGEST_EXPONENT), real)


@ti.func
def power_slope(x, exponent, real: ti.template()):
    """d `power`/dx; nought where that is constant."""
    logarithm = exponent * log(ti.max(x, real(TINY)), real)
    grows = (x > real(TINY)) & (ti.abs(logarithm) < LARGEST_EXPONENT)
    return ti.select(grows, exponent * power(x, exponent, real) / ti.max(x, real(TINY)), 0.0)
