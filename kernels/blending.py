"""How the colours of a pixel's faces are mixed: a softmax over depth (SoftRas eq. 2 and 3), the nearest alone, or composited (`kernels.composite`)."""

import enum

from ..language import ti, without_gradient
from .softness import BACKGROUND_DEPTH_NORM, FAR, OVER_DEPTH_RANGE, OVER_GAMMA
from .special import exp, smaller

__all__ = ["Blending", "Opacity", "Order", "background_weight_of", "depth_weight", "normalised_depth"]


class Blending(enum.Enum):
    """How the colours of a pixel's faces are mixed."""

    SOFTMAX = "softmax"
    """By coverage and depth: hidden faces have colour, and gradient, too."""
    HARD = "hard"
    """The nearest face that has the pixel inside, alone: a z-buffer. On a tie the first face."""
    COMPOSITE = "composite"
    """By opacity, the nearest first: each face lets through what it does not cover, 1 - opacity * coverage.

    On a tie the one whose nearest corner is nearer comes first, and if that is a tie, too, the first face."""


class Order(enum.Enum):
    """In which order faces are composited."""

    PIXEL = "pixel"
    """By their depth at the pixel: exact, and faces that pass through each other are right."""
    TILE = "tile"
    """By the nearest of their corners' depths, the same at all pixels: somewhat faster, and faces swap places all at once when they or the camera move."""


class Opacity(enum.Enum):
    """What the rows of opacities are."""

    VERTEX = "vertex"
    """One per vertex, interpolated as colours are."""
    FACE = "face"
    """One per face."""
    CHANNEL = "channel"
    """The last channel of the colours: the alpha of a `UVTexture` with red, green, blue and alpha, of texels per face, or of rows per vertex."""


@ti.func
def normalised_depth(depth, softness: ti.template()):
    """depth_norm: 1 at the near plane, 0 at the far plane."""
    return (softness[FAR] - depth) * softness[OVER_DEPTH_RANGE]


@ti.func
def depth_weight(depth_norm, max_depth_norm, softness: ti.template(), real: ti.template()):
    """exp((depth_norm - m)/gamma), m the largest at the pixel: it keeps the exponential finite and cancels in the mix.

    The exponent is at most zero but for rounding, which a tiny gamma magnifies. Where a gradient is generated, what exceeds one is cut off; elsewhere the sign
    of the difference does not count, so that it is as well what the largest so far weighs beside a larger one.
    """
    exponent = -ti.abs(depth_norm - max_depth_norm) * softness[OVER_GAMMA]
    if ti.static(not without_gradient()):
        exponent = smaller((depth_norm - max_depth_norm) * softness[OVER_GAMMA], 1.0)
    return exp(exponent, real)


@ti.func
def background_weight_of(max_depth_norm, weight_sum, softness: ti.template(), blending: ti.template(), real: ti.template()):
    """w_b: the background stands at a depth_norm of its own; behind hard colours it has what they leave."""
    weight = 1.0 - weight_sum
    if ti.static(blending != Blending.HARD):
        weight = depth_weight(softness[BACKGROUND_DEPTH_NORM], max_depth_norm, softness, real)
    return weight
