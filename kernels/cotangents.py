"""Cotangents of the angles of triangles, and areas: what the cotangent Laplacian is made of."""

import functools

from ..language import ti
from .losses import cross, dot
from .op import Op
from .variant import Variant

__all__ = ["cotangents_op"]


@functools.cache
def cotangents_op(variant: Variant) -> Op:
    """Input: vertices [V, 3]. Output: rows [F, 4], the cotangents of each face's angles, and its area.

    cot a = (b - a).(c - a) / |(b - a) x (c - a)|. An area under the root of ``least_area_sq`` counts as that, and has no gradient.
    """
    real, index = variant.array, variant.index

    @ti.kernel
    def cotangents(vertices: real(2), result: real(2), faces: index(2), least_area_sq: variant.real, n_faces: ti.i32):
        ti.loop_config(serialize=variant.serial)
        for f in range(n_faces):
            a, b, c = faces[f, 0], faces[f, 1], faces[f, 2]
            ab = [vertices[b, k] - vertices[a, k] for k in ti.static(range(3))]
            ac = [vertices[c, k] - vertices[a, k] for k in ti.static(range(3))]
            bc = [vertices[c, k] - vertices[b, k] for k in ti.static(range(3))]
            normal = cross(ab, ac)
            area = ti.sqrt(ti.max(0.25 * dot(normal, normal), least_area_sq))
            result[f, 0] += 0.5 * dot(ab, ac) / area
            result[f, 1] += -0.5 * dot(ab, bc) / area
            result[f, 2] += 0.5 * dot(ac, bc) / area
            result[f, 3] += area

    return Op(name="cotangents", kernel=cotangents, n_inputs=1, n_outputs=1)
