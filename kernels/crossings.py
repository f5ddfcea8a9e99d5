"""Whether points lie inside of closed surfaces: how many triangles a ray from each passes through, found in a tree of boxes (see `kernels/nearest.py`)."""

import functools

from ..language import ti
from .nearest import MAX_DEPTH
from .variant import Variant

__all__ = ["crossings_kernel"]


@ti.func
def side_of(p_y, p_z, a_y, a_z, b_y, b_z):
    """Twice the area of pab, seen along x, and whether p is to the left of the way from a to b.

    Both are computed from the end that comes first, so that the two triangles at an edge agree to the last bit; on the line itself p counts as moved by
    (-epsilon^2, epsilon), which is to the left of every way from a first end. So a ray through an edge or a corner meets a surface once.
    """
    is_first = a_y < b_y or (a_y == b_y and a_z < b_z)
    first_y, first_z = ti.select(is_first, a_y, b_y), ti.select(is_first, a_z, b_z)
    last_y, last_z = ti.select(is_first, b_y, a_y), ti.select(is_first, b_z, a_z)
    area = (last_y - first_y) * (p_z - first_z) - (last_z - first_z) * (p_y - first_y)
    return ti.select(is_first, area, -area), (area >= 0.0) == is_first


@functools.cache
def crossings_kernel(variant: Variant) -> object:
    """Writes ``crossings`` [P]: how many triangles [N, 9] the ray from each point [P, 3] along x passes through."""
    real, index = variant.array, variant.index

    @ti.func
    def passes(points: ti.template(), p, corners: ti.template(), n) -> ti.i32:
        """1 if the ray from point p passes through triangle n."""
        x, y, z = points[p, 0], points[p, 1], points[p, 2]
        of_c, left_ab = side_of(y, z, corners[n, 1], corners[n, 2], corners[n, 4], corners[n, 5])
        of_a, left_bc = side_of(y, z, corners[n, 4], corners[n, 5], corners[n, 7], corners[n, 8])
        of_b, left_ca = side_of(y, z, corners[n, 7], corners[n, 8], corners[n, 1], corners[n, 2])
        ahead = of_a * (corners[n, 0] - x) + of_b * (corners[n, 3] - x) + of_c * (corners[n, 6] - x)  # times twice the area seen along x
        is_ahead = ti.select(of_a + of_b + of_c > 0.0, ahead > 0.0, ahead < 0.0)
        return ti.select(left_ab == left_bc and left_bc == left_ca and is_ahead, 1, 0)

    @ti.kernel
    def count(points: real(2), corners: real(2), order: index(1), starts: index(1), boxes: real(2), crossings: index(1), n_points: ti.i32, n_leaves: ti.i32):
        ti.loop_config(serialize=variant.serial)
        for p in range(n_points):
            x, y, z = points[p, 0], points[p, 1], points[p, 2]
            left = ti.Vector.zero(ti.i32, MAX_DEPTH)
            left[0] = 1
            n_left, found = 1, 0
            while n_left > 0:
                n_left -= 1
                node = left[n_left]
                if boxes[node, 1] <= y and y <= boxes[node, 4] and boxes[node, 2] <= z and z <= boxes[node, 5] and x <= boxes[node, 3]:
                    if node < n_leaves:
                        left[n_left], left[n_left + 1] = 2 * node, 2 * node + 1
                        n_left += 2
                    else:
                        for place in range(starts[node - n_leaves], starts[node - n_leaves + 1]):
                            found += passes(points, p, corners, order[place])
            crossings[p] = found

    return count
