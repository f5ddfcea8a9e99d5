"""Normals of triangle meshes: of faces, and of vertices (the area-weighted mean of their faces')."""

import functools

from ..language import thoroughly, ti
from .losses import cross, dot
from .op import Op
from .variant import Variant

__all__ = ["TINY_LENGTH_SQ", "cross_op", "normalise_op", "normalised"]

TINY_LENGTH_SQ = 1e-20  # a vector shorter than its root has no direction; its power -3/2, which the gradient holds, still is a float32


@ti.func
def normalised(a):
    """a/|a|; a vector without a length (under 1e-10) becomes zero, and its gradient is zero."""
    length_sq = dot(a, a)
    one_over_length = ti.select(length_sq > TINY_LENGTH_SQ, 1.0 / ti.sqrt(ti.max(length_sq, TINY_LENGTH_SQ)), 0.0)
    return [a[k] * one_over_length for k in ti.static(range(3))]


@functools.cache
def cross_op(variant: Variant, at_vertices: bool) -> Op:
    """Input: vertices [V, 3]. Output: crosses, (b - a) x (c - a) of each face abc: its normal times twice its area.

    [F, 3]; or, ``at_vertices``, [V, 3]: the sum over the faces of each vertex.
    """
    real, index = variant.array, variant.index

    @thoroughly
    @ti.kernel
    def crosses(vertices: real(2), crosses: real(2), faces: index(2), n_faces: ti.i32):
        ti.loop_config(serialize=variant.serial)
        for f in range(n_faces):
            a, b, c = faces[f, 0], faces[f, 1], faces[f, 2]
            ab = [vertices[b, k] - vertices[a, k] for k in ti.static(range(3))]
            ac = [vertices[c, k] - vertices[a, k] for k in ti.static(range(3))]
            normal = cross(ab, ac)
            for k in ti.static(range(3)):
                if ti.static(at_vertices):
                    for corner in ti.static(range(3)):
                        crosses[faces[f, corner], k] += normal[k]
                else:
                    crosses[f, k] += normal[k]

    return Op(name="crosses", kernel=crosses, n_inputs=1, n_outputs=1)


@functools.cache
def normalise_op(variant: Variant) -> Op:
    """Input: vectors [N, 3]. Output: directions [N, 3]; zero, with zero gradient, where a vector has no length."""
    real = variant.array

    @ti.kernel
    def normalise(vectors: real(2), directions: real(2), n: ti.i32):
        ti.loop_config(serialize=variant.serial)
        for i in range(n):
            direction = normalised([vectors[i, k] for k in ti.static(range(3))])
            for k in ti.static(range(3)):
                directions[i, k] += direction[k]

    return Op(name="normalise", kernel=normalise, n_inputs=1, n_outputs=1)
