"""Functions that Taichi lacks, or has in single precision only, as straight-line code that it can differentiate.

``real`` is the type of the numbers: ``real(0.1)`` is a constant of full precision, where a literal would be a float32.
"""

import numpy as np
import taichi as ti
from scipy import special

__all__ = ["arctangent", "erfc", "expm1", "log1p", "power"]

TAYLOR_BELOW = 0.3  # expm1 and log1p are series up to here
LARGEST_EXPONENT = 60.0  # of `power`: exp(60) = 1e26, and sums of many such are float32 numbers still
TINY = 1e-30  # of `power`: keeps its logarithm finite


def _erfc_coefficients(degree: int) -> list[float]:
    """Of the Chebyshev polynomial P in erfc(z) = t exp(P(2 t - 1) - z^2), t = 2/(2 + z)."""

    def wanted(s: np.ndarray) -> np.ndarray:
        t = (s + 1) / 2
        return np.log(special.erfcx(2 / t - 2) / t)

    return [float(c) for c in np.polynomial.Chebyshev.interpolate(wanted, degree).coef]


_ERFC = {ti.f32: _erfc_coefficients(11), ti.f64: _erfc_coefficients(27)}
_ATAN_TERMS = 11  # of its series at arguments below tan(pi/16) = 0.2: 0.2^23 is below the precision of float64
_EXPM1_TERMS = 13
_LOG1P_TERMS = 10


@ti.func
def erfc(z, real: ti.template()):
    """1 - erf(z) for z >= 0, to a relative 1e-14 (float64) or 1e-6 (float32)."""
    t = 2.0 / (2.0 + z)
    s = 2.0 * t - 1.0
    current = z * 0.0
    previous = z * 0.0
    for c in ti.static(_ERFC[real][:0:-1]):  # Clenshaw's recurrence
        following = 2.0 * s * current - previous + real(c)
        previous = current
        current = following
    return t * ti.exp(s * current - previous + real(_ERFC[real][0]) - z * z)


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
    return ti.select(ti.abs(z) < real(TAYLOR_BELOW), series, ti.exp(z) - 1.0)


@ti.func
def log1p(z, real: ti.template()):
    """log(1 + z) for z >= 0, exact for small z, too."""
    small = ti.min(z, real(TAYLOR_BELOW))
    s = small / (2.0 + small)
    series = z * 0.0
    for k in ti.static(range(_LOG1P_TERMS, -1, -1)):
        series = series * s * s + real(ti.static(2.0 / (2 * k + 1)))
    return ti.select(z < real(TAYLOR_BELOW), series * s, ti.log(1.0 + z))


@ti.func
def power(x, exponent, real: ti.template()):
    """x^exponent for x >= 0, kept between exp(-60) and exp(60): beyond, it is constant."""
    logarithm = exponent * ti.log(ti.max(x, real(TINY)))
    return ti.exp(ti.min(ti.max(logarithm, -LARGEST_EXPONENT), LARGEST_EXPONENT))
