"""The nearest triangle of a point, and the nearest point of a triangle, found in a tree of boxes.

The tree is a full binary one in an array: node 1 is the root, the children of node i are 2 i and 2 i + 1, and the last half are the leaves, which hold a few
things each. A search goes down to the nearer child first, and leaves out boxes that are farther than what was found.
"""

import functools

from ..language import ti
from .losses import cross, dot
from .variant import Variant

__all__ = ["MAX_DEPTH", "closest_on_triangle", "nearest_kernel"]

MAX_DEPTH = 32  # of the tree: a step down leaves at most one node behind
NEEDLE_SQ = {ti.f32: 1e-10, ti.f64: 1e-24}  # squared sine of an angle under which a triangle has no inside: rounding would decide where its plane lies
TINY_LENGTH_SQ = {ti.f32: 1e-37, ti.f64: 1e-300}  # what a length without extent is divided by instead of zero


@ti.func
def minus(a, b):
    return [a[k] - b[k] for k in ti.static(range(3))]


@ti.func
def along_segment(p, a, b, tiny):
    """How far from a to b (0 to 1) the point of the segment lies that is closest to p, and its squared distance."""
    ab, ap = minus(b, a), minus(p, a)
    t = ti.min(ti.max(dot(ap, ab) / ti.max(dot(ab, ab), tiny), 0.0), 1.0)
    apart = [ap[k] - t * ab[k] for k in ti.static(range(3))]
    return t, dot(apart, apart)


@ti.func
def closest_on_triangle(p, a, b, c, min_area, needle_sq, tiny):
    """Weights of the corners at the point of the triangle closest to p, and its squared distance.

    The point below p in the triangle's plane, where that is inside; else the nearest of three segments. A triangle that has no inside (a segment, a point) or
    an area under ``min_area`` is its segments. (``needle_sq`` and ``tiny``: `NEEDLE_SQ` and `TINY_LENGTH_SQ`.)
    """
    ab, ac, ap = minus(b, a), minus(c, a), minus(p, a)
    normal = cross(ab, ac)
    normal_sq = dot(normal, normal)
    height, has_inside = dot(normal, ap), normal_sq > needle_sq * dot(ab, ab) * dot(ac, ac) and normal_sq >= 4.0 * min_area * min_area
    w_b, w_c = dot(normal, cross(ap, ac)), dot(normal, cross(ab, ap))  # times normal_sq
    w_a, best = normal_sq - w_b - w_c, height * height
    if has_inside and w_a > 0.0 and w_b > 0.0 and w_c > 0.0:
        w_b, w_c, best = w_b / normal_sq, w_c / normal_sq, best / normal_sq
        w_a = 1.0 - w_b - w_c
    else:
        t, best_sq = along_segment(p, a, b, tiny)
        best, w_a, w_b, w_c = best_sq, 1.0 - t, t, t * 0.0
        t, distance_sq = along_segment(p, b, c, tiny)
        if distance_sq < best:
            best, w_a, w_b, w_c = distance_sq, t * 0.0, 1.0 - t, t
        t, distance_sq = along_segment(p, c, a, tiny)
        if distance_sq < best:
            best, w_a, w_b, w_c = distance_sq, t, t * 0.0, 1.0 - t
    return w_a, w_b, w_c, best


@functools.cache
def nearest_kernel(variant: Variant, of_points: bool) -> object:
    """For each query what is nearest to it: of points [Q, 3] among triangles [N, 9]; or, not ``of_points``, of triangles [Q, 9] among points [N, 3].

    Arguments:
        queries, things: of whom, and among what.
        order: [N] the things as they stand in the leaves.
        starts: [L + 1] where each leaf begins in ``order``.
        boxes: [2 L, 6] least and greatest x, y, z of each node; the first row is of nobody.
        nearest: [Q] is written, the number of the thing.
        weights: [Q, 3] is written, of the triangle's corners at its closest point.
    """
    real, index = variant.array, variant.index
    number, needle_sq, tiny = variant.real, NEEDLE_SQ[variant.real], TINY_LENGTH_SQ[variant.real]

    @ti.func
    def corner(array: ti.template(), row, k: ti.template()):
        return [array[row, 3 * k + axis] for axis in ti.static(range(3))]

    @ti.func
    def closest(points: ti.template(), point, corners: ti.template(), triangle, min_area):
        p, a, b, c = corner(points, point, 0), corner(corners, triangle, 0), corner(corners, triangle, 1), corner(corners, triangle, 2)
        return closest_on_triangle(p, a, b, c, min_area, number(needle_sq), number(tiny))

    @ti.func
    def box_of(queries: ti.template(), q):
        a = corner(queries, q, 0)
        b, c = corner(queries, q, ti.static(0 if of_points else 1)), corner(queries, q, ti.static(0 if of_points else 2))
        low = [ti.min(a[axis], b[axis], c[axis]) for axis in ti.static(range(3))]
        high = [ti.max(a[axis], b[axis], c[axis]) for axis in ti.static(range(3))]
        return low, high

    @ti.func
    def to_box(low, high, boxes: ti.template(), node):
        """Squared distance of two boxes."""
        sum_sq = low[0] * 0.0
        for k in ti.static(range(3)):
            gap = ti.max(boxes[node, k] - high[k], low[k] - boxes[node, 3 + k], 0.0)
            sum_sq += gap * gap
        return sum_sq

    @ti.kernel
    def nearest(
        queries: real(2), things: real(2), order: index(1), starts: index(1), boxes: real(2), nearest: index(1), weights: real(2),
        min_area: number, n_queries: ti.i32, n_leaves: ti.i32,
    ):  # fmt: skip
        ti.loop_config(serialize=variant.serial)
        for q in range(n_queries):
            low, high = box_of(queries, q)
            left = ti.Vector.zero(ti.i32, MAX_DEPTH)  # nodes left behind, and how far they are
            left_distance = ti.Vector.zero(number, MAX_DEPTH)
            n_left, node = 0, 1
            found, distance = order[0], number(float("inf"))  # distances that overflow find this one
            w_a, w_b, w_c = number(1.0), number(0.0), number(0.0)
            while node > 0:
                if node < n_leaves:
                    near, far = 2 * node, 2 * node + 1
                    near_distance, far_distance = to_box(low, high, boxes, near), to_box(low, high, boxes, far)
                    if far_distance < near_distance:
                        near, far = far, near
                        near_distance, far_distance = far_distance, near_distance
                    if far_distance < distance:
                        left[n_left], left_distance[n_left] = far, far_distance
                        n_left += 1
                    node = near if near_distance < distance else 0
                else:
                    for place in range(starts[node - n_leaves], starts[node - n_leaves + 1]):
                        thing = order[place]
                        if ti.static(of_points):
                            a, b, c, distance_sq = closest(queries, q, things, thing, min_area)
                            if distance_sq < distance:
                                found, distance, w_a, w_b, w_c = thing, distance_sq, a, b, c
                        else:
                            a, b, c, distance_sq = closest(things, thing, queries, q, min_area)
                            if distance_sq < distance:
                                found, distance, w_a, w_b, w_c = thing, distance_sq, a, b, c
                    node = 0
                while node == 0 and n_left > 0:
                    n_left -= 1
                    if left_distance[n_left] < distance:
                        node = left[n_left]
            nearest[q] = found
            weights[q, 0], weights[q, 1], weights[q, 2] = w_a, w_b, w_c

    return nearest
