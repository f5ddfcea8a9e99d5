"""How the coverages of a pixel's faces become its alpha.

Archimedean T-conorms are the inverse of a plain sum over faces of their additive generator g: S(a, b, ...) = g^-1(g(a) + g(b) + ...). So are the sum and
the maximum of SoftRas, in their way. No face needs to know its neighbours, and no order matters.
"""

import enum

import taichi as ti

__all__ = ["Silhouette", "probabilistic_generator_of_logistic", "probabilistic_inverse", "silhouette_generator_of_logistic", "silhouette_inverse"]


class Silhouette(enum.Enum):
    """How coverages are fused (SoftRas section 3.3)."""

    PROBABILISTIC = "probabilistic"
    """1 - prod(1 - D): the probability that at least one face covers the pixel."""
    SUM = "sum"
    """The sum of coverages over the number of faces of the mesh."""
    HARD = "hard"
    """1 where a coverage exceeds one half, else 0: without gradient."""


@ti.func
def probabilistic_generator_of_logistic(u):
    """g(D) = -log(1 - D) of the probabilistic sum S(a, b) = a + b - ab at D = logistic(u), that is softplus(u) = log(1 + exp(u)).

    Its derivative is D: there is no division by 1 - D and nothing to clamp, however deep inside a face a pixel lies.
    """
    return ti.max(u, 0.0) + ti.log(1.0 + ti.exp(-ti.abs(u)))


@ti.func
def probabilistic_inverse(total):
    """alpha = g^-1(total) = 1 - exp(-total) = 1 - prod(1 - D) (SoftRas eq. 5)."""
    return 1.0 - ti.exp(-total)


@ti.func
def silhouette_generator_of_logistic(u, coverage, silhouette: ti.template()):
    """What one face with coverage = logistic(u) adds to the sum."""
    added = probabilistic_generator_of_logistic(u)
    if ti.static(silhouette == Silhouette.SUM):
        added = coverage
    if ti.static(silhouette == Silhouette.HARD):
        added = ti.select(coverage > 0.5, 1.0, 0.0)
    return added


@ti.func
def silhouette_inverse(total, one_over_faces, silhouette: ti.template()):
    """alpha of a pixel from its sum."""
    alpha = probabilistic_inverse(total)
    if ti.static(silhouette == Silhouette.SUM):
        alpha = total * one_over_faces
    if ti.static(silhouette == Silhouette.HARD):
        alpha = ti.min(total, 1.0)
    return alpha
