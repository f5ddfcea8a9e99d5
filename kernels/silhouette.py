"""How the coverages of a pixel's faces become its alpha: Archimedean T-conorms.

Such a T-conorm is a plain sum of its additive generator g: S(a, b, ...) = g^-1(g(a) + g(b) + ...). So no face needs to know its neighbours, and
no order matters.
"""

import taichi as ti

__all__ = ["probabilistic_generator_of_logistic", "probabilistic_inverse"]


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
