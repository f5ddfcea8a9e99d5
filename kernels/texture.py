"""Colours of a face: where they are taken from."""

import enum

import taichi as ti

__all__ = ["Texture", "texel_of"]


EDGE_SLACK = 1e-5  # in texels: a point on the edge wa + wb = 1 belongs to the upright triangle along it, however it is rounded


class Texture(enum.Enum):
    """What the rows of the features are."""

    VERTEX = "vertex"
    """One per vertex, interpolated over the face."""
    FACE = "face"
    """R x R texels per face, nearest neighbour (SoftRas's "surface" texture)."""


@ti.func
def texel_of(wa, wb, size):
    """Which of the size x size texels of a face the barycentric point (wa, wb, 1 - wa - wb) falls into.

    The square of texels is cut along its diagonal: the half below it tiles the face in upright small triangles, the half above it in the upturned ones between.
    """
    column = ti.min(ti.cast(wa * size, ti.i32), size - 1)
    line = ti.min(ti.cast(wb * size, ti.i32), size - 1)
    upright = (wa + wb) * size - ti.cast(column + line, ti.f32) <= 1.0 + EDGE_SLACK
    return ti.select(upright, line * size + column, (size - 1 - line) * size + (size - 1 - column))
