"""How the colours of a pixel's faces are mixed: a softmax over depth (SoftRas eq. 2 and 3)."""

import taichi as ti

__all__ = ["depth_weight", "normalised_depth"]


@ti.func
def normalised_depth(depth, near, far):
    """depth_norm: 1 at the near plane, 0 at the far plane."""
    return (far - depth) / (far - near)


@ti.func
def depth_weight(depth_norm, max_depth_norm, gamma):
    """exp((depth_norm - m)/gamma), m the largest at the pixel: it keeps the exponential finite and cancels in the mix."""
    return ti.exp((depth_norm - max_depth_norm) / gamma)
