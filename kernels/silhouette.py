"""How the coverages of a pixel's faces become its alpha.

Archimedean T-conorms are the inverse of a plain sum over faces of their additive generator g: S(a, b, ...) = g^-1(g(a) + g(b) + ...) (GenDR section 3.2). So is
SoftRas's mean, in its way. No face needs to know its neighbours, and no order matters. Only the maximum has no generator: the strongest face counts alone.

A T-conorm is two functions and one line in :class:`Silhouette`. a is a coverage, x = 1 - a what it leaves free, p the parameter.
"""

from dataclasses import dataclass
from typing import Any

from ..language import ti
from .coverage import Distribution
from .named import Named
from .softness import CONORM
from .special import exp, expm1, larger, log, log1p, log_of_one_plus, power, power_slope

__all__ = ["HALF", "Silhouette", "silhouette_generator", "silhouette_inverse", "silhouette_inverse_slope", "silhouette_slope"]

HALF = 0.5 - 1e-5  # a coverage of one half, rounded: a pixel on the edge between two faces has it of both, and a hair less or more with rounding
STEEPEST = 1e30  # a slope that a float32 still holds, times a density
LEAST_FREE = 1e-16  # what a face leaves free of a pixel, at least: the generators are infinite at a coverage of one


@ti.func
def odds(a, x, real: ti.template()):
    """a/x"""
    return a / ti.max(x, real(LEAST_FREE))


@ti.func
def minus_log(x, real: ti.template()):
    return -log(ti.max(x, real(LEAST_FREE)), real)


@ti.func
def from_odds(r):
    """a with a/(1 - a) = r."""
    return r / (1.0 + r)


@ti.func
def coverage_itself(a, x, p, real: ti.template()):
    return a


@ti.func
def mean_over_faces(total, p, one_over_faces, real: ti.template()):
    return total * one_over_faces


@ti.func
def total_itself(total, p, one_over_faces, real: ti.template()):
    return total


@ti.func
def hard_generator(a, x, p, real: ti.template()):
    return ti.select(a >= real(HALF), 1.0, 0.0)


@ti.func
def hard_inverse(total, p, one_over_faces, real: ti.template()):
    return ti.min(total, 1.0)


@ti.func
def probabilistic_generator(a, x, p, real: ti.template()):
    return minus_log(x, real)


@ti.func
def probabilistic_inverse(total, p, one_over_faces, real: ti.template()):
    return 1.0 - ti.exp(-total)


@ti.func
def einstein_generator(a, x, p, real: ti.template()):
    """atanh(a)"""
    return 0.5 * (log_of_one_plus(a, real) + minus_log(x, real))


@ti.func
def einstein_inverse(total, p, one_over_faces, real: ti.template()):
    return ti.tanh(total)


@ti.func
def hamacher_generator(a, x, p, real: ti.template()):
    """log((p + (1 - p) x)/x)/p"""
    return log1p(p * odds(a, x, real), real) / p


@ti.func
def hamacher_inverse(total, p, one_over_faces, real: ti.template()):
    return from_odds(expm1(ti.min(p * total, 80.0), real) / p)


@ti.func
def frank_generator(a, x, p, real: ti.template()):
    """-log((p^x - 1)/(p - 1))"""
    return minus_log(expm1(x * ti.log(p), real) / (p - 1.0), real)


@ti.func
def frank_inverse(total, p, one_over_faces, real: ti.template()):
    return 1.0 - ti.log(1.0 + (p - 1.0) * ti.exp(-total)) / ti.log(p)


@ti.func
def yager_generator(a, x, p, real: ti.template()):
    """a^p"""
    return power(a, p, real)


@ti.func
def yager_inverse(total, p, one_over_faces, real: ti.template()):
    return ti.min(power(total, 1.0 / p, real), 1.0)


@ti.func
def aczel_alsina_generator(a, x, p, real: ti.template()):
    """(-log x)^p"""
    return power(minus_log(x, real), p, real)


@ti.func
def aczel_alsina_inverse(total, p, one_over_faces, real: ti.template()):
    return 1.0 - ti.exp(-power(total, 1.0 / p, real))


@ti.func
def dombi_generator(a, x, p, real: ti.template()):
    """(a/x)^p"""
    return power(odds(a, x, real), p, real)


@ti.func
def dombi_inverse(total, p, one_over_faces, real: ti.template()):
    return from_odds(power(total, 1.0 / p, real))


@ti.func
def schweizer_sklar_generator(a, x, p, real: ti.template()):
    """x^p - 1, p being negative"""
    return power(ti.max(x, real(LEAST_FREE)), p, real) - 1.0


@ti.func
def schweizer_sklar_inverse(total, p, one_over_faces, real: ti.template()):
    return 1.0 - power(1.0 + total, 1.0 / p, real)


# Slopes, for gradients by hand: dg/da, a function of a, 1 - a and p; and d alpha/d sum, of the sum, p and one over the number of faces.


@ti.func
def one_slope(a, x, p, real: ti.template()):
    return a * 0.0 + 1.0


@ti.func
def no_slope(a, x, p, real: ti.template()):
    return a * 0.0


@ti.func
def one_over_free(a, x, p, real: ti.template()):
    return ti.select(x > real(LEAST_FREE), 1.0 / ti.max(x, real(LEAST_FREE)), 0.0)


@ti.func
def einstein_slope(a, x, p, real: ti.template()):
    return 0.5 / (1.0 + a) + 0.5 * one_over_free(a, x, p, real)


@ti.func
def hamacher_slope(a, x, p, real: ti.template()):
    return one_over_free(a, x, p, real) / ti.max(x + p * a, real(LEAST_FREE))


@ti.func
def frank_slope(a, x, p, real: ti.template()):
    """log(p) p^x/(p^x - 1)"""
    above = expm1(x * ti.log(p), real)
    frees = above / (p - 1.0) > real(LEAST_FREE)
    return ti.select(frees, ti.log(p) * (above + 1.0) / ti.select(frees, above, 1.0), 0.0)


@ti.func
def yager_slope(a, x, p, real: ti.template()):
    return power_slope(a, p, real)


@ti.func
def aczel_alsina_slope(a, x, p, real: ti.template()):
    return ti.min(power_slope(minus_log(x, real), p, real) * one_over_free(a, x, p, real), real(STEEPEST))


@ti.func
def dombi_slope(a, x, p, real: ti.template()):
    """da/dx of the odds is 1/x^2."""
    one_over = one_over_free(a, x, p, real)
    return ti.min(power_slope(odds(a, x, real), p, real) * one_over * one_over, real(STEEPEST))


@ti.func
def schweizer_sklar_slope(a, x, p, real: ti.template()):
    return ti.select(x > real(LEAST_FREE), ti.min(-power_slope(ti.max(x, real(LEAST_FREE)), p, real), real(STEEPEST)), 0.0)


@ti.func
def whole_slope(total, p, one_over_faces, real: ti.template()):
    return total * 0.0 + 1.0


@ti.func
def mean_slope(total, p, one_over_faces, real: ti.template()):
    return total * 0.0 + one_over_faces


@ti.func
def flat_slope(total, p, one_over_faces, real: ti.template()):
    return total * 0.0


@ti.func
def free_slope(total, p, one_over_faces, real: ti.template()):
    return exp(-total, real)


@ti.func
def tanh_slope(total, p, one_over_faces, real: ti.template()):
    """1 - tanh^2, without a difference."""
    e = exp(-2.0 * ti.abs(total), real)
    return 4.0 * e / ((1.0 + e) * (1.0 + e))


@ti.func
def hamacher_inverse_slope(total, p, one_over_faces, real: ti.template()):
    above = expm1(ti.min(p * total, 80.0), real)
    ratio = 1.0 + above / p
    return ti.select(p * total < 80.0, (above + 1.0) / ratio / ratio, 0.0)


@ti.func
def frank_inverse_slope(total, p, one_over_faces, real: ti.template()):
    rest = (p - 1.0) * ti.exp(-total)
    return rest / ((1.0 + rest) * ti.log(p))


@ti.func
def yager_inverse_slope(total, p, one_over_faces, real: ti.template()):
    return ti.select(power(total, 1.0 / p, real) < 1.0, power_slope(total, 1.0 / p, real), 0.0)


@ti.func
def aczel_alsina_inverse_slope(total, p, one_over_faces, real: ti.template()):
    return ti.exp(-power(total, 1.0 / p, real)) * power_slope(total, 1.0 / p, real)


@ti.func
def dombi_inverse_slope(total, p, one_over_faces, real: ti.template()):
    ratio = 1.0 + power(total, 1.0 / p, real)
    return power_slope(total, 1.0 / p, real) / ratio / ratio


@ti.func
def schweizer_sklar_inverse_slope(total, p, one_over_faces, real: ti.template()):
    return -power_slope(1.0 + total, 1.0 / p, real)


@dataclass(frozen=True, eq=False)
class Conorm:
    """What a T-conorm is to the renderer.

    Attributes:
        generator: g, a ``ti.func`` of (a, 1 - a, p, real).
        inverse: g^-1, a ``ti.func`` of (total, p, one over the number of faces, real).
        parameter: the p that is taken if none is given; None if it has none.
        low, high: p lies strictly between them.
        strongest: whether only the face with the largest coverage counts.
        slopes: the derivatives of ``generator`` and ``inverse``, which make gradients several times as fast; None: Taichi differentiates them.
    """

    generator: Any
    inverse: Any
    parameter: float | None = None
    low: float = 0.0
    high: float = 1e3
    strongest: bool = False
    slopes: tuple[Any, Any] | None = None


class Silhouette(Named):
    """How coverages are fused (SoftRas section 3.3, GenDR table 2)."""

    PROBABILISTIC = Conorm(probabilistic_generator, probabilistic_inverse, slopes=(one_over_free, free_slope))
    """1 - prod(1 - D): the probability that at least one face covers the pixel. SoftRas's."""
    SUM = Conorm(coverage_itself, mean_over_faces, slopes=(one_slope, mean_slope))
    """The sum of coverages over the number of faces of the mesh."""
    HARD = Conorm(hard_generator, hard_inverse, slopes=(no_slope, flat_slope))
    """1 where a coverage is at least one half, else 0: without gradient. Faces that share an edge leave no gap between them."""
    MAX = Conorm(coverage_itself, total_itself, strongest=True, slopes=(one_slope, whole_slope))
    EINSTEIN = Conorm(einstein_generator, einstein_inverse, slopes=(einstein_slope, tanh_slope))
    HAMACHER = Conorm(hamacher_generator, hamacher_inverse, parameter=2.0, slopes=(hamacher_slope, hamacher_inverse_slope))
    FRANK = Conorm(frank_generator, frank_inverse, parameter=2.0, slopes=(frank_slope, frank_inverse_slope))
    YAGER = Conorm(yager_generator, yager_inverse, parameter=2.0, slopes=(yager_slope, yager_inverse_slope))
    ACZEL_ALSINA = Conorm(aczel_alsina_generator, aczel_alsina_inverse, parameter=2.0, slopes=(aczel_alsina_slope, aczel_alsina_inverse_slope))
    DOMBI = Conorm(dombi_generator, dombi_inverse, parameter=2.0, slopes=(dombi_slope, dombi_inverse_slope))
    SCHWEIZER_SKLAR = Conorm(
        schweizer_sklar_generator, schweizer_sklar_inverse, parameter=-2.0, low=-1e3, high=0.0, slopes=(schweizer_sklar_slope, schweizer_sklar_inverse_slope)
    )


@ti.func
def softplus(u, real: ti.template()):
    """log(1 + exp(u)): -log(1 - D) at D = logistic(u).

    Its derivative is D: there is no division by 1 - D and nothing to clamp, however deep inside a face a pixel lies.
    """
    return larger(u, 0.0) + log_of_one_plus(exp(-ti.abs(u), real), real)


@ti.func
def silhouette_generator(u, coverage, complement, softness: ti.template(), distribution: ti.template(), silhouette: ti.template(), real: ti.template()):
    """What one face with coverage = F(u) adds to the sum."""
    added = coverage
    if ti.static(silhouette == Silhouette.PROBABILISTIC and distribution == Distribution.LOGISTIC):
        added = softplus(u, real)
    else:
        added = silhouette.value.generator(coverage, complement, softness[CONORM], real)
    return added


@ti.func
def silhouette_slope(coverage, complement, density, softness: ti.template(), distribution: ti.template(), silhouette: ti.template(), real: ti.template()):
    """d `silhouette_generator`/du, given dD/du; of silhouettes that have ``slopes``."""
    slope = coverage
    if ti.static(not (silhouette == Silhouette.PROBABILISTIC and distribution == Distribution.LOGISTIC)):  # see `softplus`
        slope = density * silhouette.value.slopes[0](coverage, complement, softness[CONORM], real)
    return slope


@ti.func
def silhouette_inverse_slope(total, one_over_faces, softness: ti.template(), silhouette: ti.template(), real: ti.template()):
    """d alpha/d sum."""
    return silhouette.value.slopes[1](total, softness[CONORM], one_over_faces, real)


@ti.func
def silhouette_inverse(total, one_over_faces, softness: ti.template(), silhouette: ti.template(), real: ti.template()):
    """alpha of a pixel from its sum."""
    return silhouette.value.inverse(total, softness[CONORM], one_over_faces, real)
