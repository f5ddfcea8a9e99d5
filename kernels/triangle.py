"""Where a pixel lies relative to a triangle on the screen: signed distance and interpolation weights.

What is the same for all pixels of a triangle is worked out once, its set-up, a vector with the places below: corners, and what would be divided by.
Every function takes the pixel's x as a vector of lanes (neighbouring pixels of one row) or as a scalar, and everything else as scalars. It is
straight-line code without a division that could meet zero, so that Taichi can differentiate it wherever the pixel lies.
"""

import enum

from ..language import ti
from .special import larger, smaller

__all__ = [
    "AX",
    "AY",
    "AZ",
    "BX",
    "BY",
    "BZ",
    "CX",
    "CY",
    "CZ",
    "FAR_AWAY",
    "N_SET_UP",
    "OVER_AB_SQ",
    "OVER_AREA2",
    "OVER_AZ",
    "OVER_BC_SQ",
    "OVER_BZ",
    "OVER_CA_SQ",
    "OVER_CZ",
    "Distance",
    "Extrapolation",
    "chebyshev_segment",
    "clipped_weights",
    "in_set_up",
    "load_face",
    "locate",
    "nearest_edge",
    "on_edge",
    "on_triangle",
    "one_over_length_sq",
    "oriented_area",
    "outline_weights",
    "segment",
    "set_up",
]

# Places in the set-up of a triangle.
AX, AY, BX, BY, CX, CY = range(6)  # on the screen
AZ, BZ, CZ = 6, 7, 8  # depth, moved off zero
OVER_AZ, OVER_BZ, OVER_CZ = 9, 10, 11  # one over it
OVER_AB_SQ, OVER_BC_SQ, OVER_CA_SQ = 12, 13, 14  # one over the squared length of each edge; if the triangle has no area, see `only_longest`
OVER_AREA2 = 15  # one over twice the signed area, positive if counter-clockwise with y up; 0 if the triangle has no area
N_SET_UP = 16

TINY_LENGTH_SQ = 1e-18  # below it a segment counts as a point: far under one pixel squared, and its square still is a float32
TINY_LENGTH = 1e-9  # the square root of it
FLAT = 1e-7  # a triangle whose height is a smaller part of its length is one seen edge-on: its inside is thinner than rounding
TINY_AREA = 1e-18  # below it a triangle has no inside: one over its square still is a float32
FAR_AWAY = 1e6  # a squared distance out of every reach


class Distance(enum.Enum):
    """How far a pixel is from the outline of a triangle (SoftRas section 3.1, DMR section 3.2): squared, and signed, it enters the distribution."""

    HARD = "hard"
    """No distance at all: coverage is one inside and nought outside."""
    BARYCENTRIC = "barycentric"
    """The smallest barycentric coordinate: a fraction of the triangle, not of the screen. Outside it counts within the bounding box grown by the reach."""
    EUCLIDEAN = "euclidean"
    """The length of the straight line to the nearest point of the outline."""
    CHEBYSHEV = "chebyshev"
    """The larger of its two coordinates, for the point where that is smallest."""


class Extrapolation(enum.Enum):
    """Interpolation weights of a pixel outside the triangle; inside, all are the barycentric coordinates."""

    CLOSEST_POINT = "closest_point"
    """Those of the closest point of the triangle: continuous, and changing no faster than one over the length of an edge."""
    CLIPPED = "clipped"
    """SoftRas's: barycentrics clipped to [0, 1] and renormalised. Their gradient grows as one over the triangle's area."""


@ti.func
def one_over_length_sq(ex, ey):
    """Of an edge, which counts as no shorter than `TINY_LENGTH_SQ` allows."""
    return 1.0 / larger(ex * ex + ey * ey, TINY_LENGTH_SQ)


@ti.func
def segment(x, y, ax, ay, bx, by, over_length_sq):
    """Closest point a + t (b - a) of the segment ab, one over whose squared length is given, to (x, y): a if that is nought, b if it is -1 (`only_longest`).

    Returns (t in [0, 1], x and y of what separates (x, y) from that point, squared distance, cross product of ab and a->(x, y), positive on the left of ab).
    """
    ex = bx - ax
    ey = by - ay
    qx = x - ax
    qy = y - ay
    t = smaller(larger((qx * ex + qy * ey) * over_length_sq, larger(-over_length_sq, 0.0)), 1.0)
    dx = qx - t * ex
    dy = qy - t * ey
    return t, dx, dy, dx * dx + dy * dy, ex * qy - ey * qx


@ti.func
def chebyshev_segment(x, y, ax, ay, bx, by):
    """The smallest distance max(|r_x|, |r_y|), r = (x, y) - a - t (b - a), for t in [0, 1]. It is at an end, or where both are equal.

    Returns (distance, t, its slope n by x and y; that by a is -(1 - t) n, by b -t n). At an end n is (+-1, 0) or (0, +-1). In between its parts share one, each
    with the sign of r, and it is normal to the edge, for no motion of t makes the distance smaller: |n_x| : |n_y| is |e_y| : |e_x|.
    """
    ex = bx - ax
    ey = by - ay
    qx = x - ax
    qy = y - ay
    difference, total = ex - ey, ex + ey
    t = qx * 0.0
    distance = larger(ti.abs(qx), ti.abs(qy))
    others = ti.static((1.0 + t, (qx - qy) / ti.select(ti.abs(difference) < TINY_LENGTH, TINY_LENGTH, difference),
                        (qx + qy) / ti.select(ti.abs(total) < TINY_LENGTH, TINY_LENGTH, total)))  # fmt: skip
    for i in ti.static(range(3)):
        other = smaller(larger(others[i], 0.0), 1.0)
        there = larger(ti.abs(qx - other * ex), ti.abs(qy - other * ey))
        t = ti.select(there < distance, other, t)
        distance = smaller(there, distance)
    rx, ry = qx - t * ex, qy - t * ey
    share_x = ti.select(ti.abs(rx) < ti.abs(ry), t * 0.0, 1.0)
    share_x = ti.select((t > 0.0) & (t < 1.0), t * 0.0 + ti.abs(ey) / larger(ti.abs(ex) + ti.abs(ey), TINY_LENGTH), share_x)
    return distance, t, ti.select(rx < 0.0, -share_x, share_x), ti.select(ry < 0.0, share_x - 1.0, 1.0 - share_x)


@ti.func
def nearest_edge(t_ab, t_bc, t_ca, d_ab, d_bc, d_ca):
    """Whether ab is the nearest edge of the three, and whether bc is (if ab is not), given the closest points' places on them and their squared distances.

    Two edges that meet in a corner are as near as each other, to all digits that a number has, where the closest point of the one is the corner and that of the
    other just beside it; but colour and depth change along the one alone. So the one whose closest point is their corner is never taken before the other.
    """
    ab = ((t_bc <= 0.0) | ((t_ab < 1.0) & (d_ab <= d_bc))) & (t_ab > 0.0) & ((t_ca >= 1.0) | (d_ab <= d_ca))
    bc = (t_ca <= 0.0) | ((t_bc < 1.0) & (d_bc <= d_ca))
    return ab, bc


@ti.func
def on_edge(ab, bc, of_ab, of_bc, of_ca):
    """What belongs to the edge that `nearest_edge` has found."""
    return ti.select(ab, of_ab, ti.select(bc, of_bc, of_ca))


@ti.func
def outline_weights(ab, bc, t_ab, t_bc, t_ca):
    """Weights of a, b and c in the closest point of the outline, which is on the edge that `nearest_edge` has found."""
    zero = t_ab * 0.0
    return on_edge(ab, bc, 1.0 - t_ab, zero, t_ca), on_edge(ab, bc, t_ab, 1.0 - t_bc, zero), on_edge(ab, bc, zero, t_bc, 1.0 - t_ca)


@ti.func
def clipped_weights(wa, wb, wc):
    """SoftRas's barycentric_clip: each weight clipped to [0, 1], then divided by their sum (which is at least one)."""
    a = ti.min(ti.max(wa, 0.0), 1.0)
    b = ti.min(ti.max(wb, 0.0), 1.0)
    c = ti.min(ti.max(wc, 0.0), 1.0)
    total = ti.max(a + b + c, 0.5)  # at least one, but for a triangle without area
    return a / total, b / total, c / total


@ti.func
def oriented_area(ax, ay, bx, by, cx, cy):
    """Twice the signed area of abc, positive if counter-clockwise with y up, and its sign: -1, 0 (no area) or 1."""
    area2 = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
    ab_sq = (bx - ax) * (bx - ax) + (by - ay) * (by - ay)
    ac_sq = (cx - ax) * (cx - ax) + (cy - ay) * (cy - ay)
    flat = larger(TINY_AREA, FLAT * larger(ab_sq, ac_sq))
    sign = ti.cast(area2 > flat, ti.i32) - ti.cast(area2 < -flat, ti.i32)
    return area2, sign


@ti.func
def safe_depth(z):
    """z, moved off zero: a vertex in the plane of the eye must not divide by zero."""
    return ti.select(ti.abs(z) < 1e-8, 1e-8, z)


@ti.func
def load_face(f, vertices_screen: ti.template(), faces: ti.template()):
    """The nine coordinates of a face: x, y, and depth moved off zero, of each corner."""
    a, b, c = faces[f, 0], faces[f, 1], faces[f, 2]
    return (
        vertices_screen[a, 0], vertices_screen[a, 1], safe_depth(vertices_screen[a, 2]),
        vertices_screen[b, 0], vertices_screen[b, 1], safe_depth(vertices_screen[b, 2]),
        vertices_screen[c, 0], vertices_screen[c, 1], safe_depth(vertices_screen[c, 2]),
    )  # fmt: skip


@ti.func
def only_longest(over_ab_sq, over_bc_sq, over_ca_sq, ax, ay, bx, by, cx, cy):
    """What stands for one over the squared lengths of the edges of a triangle without area: it is its longest edge, and the others count as that one's ends.

    Else two edges would be equally near to a pixel, and each kernel, which rounds in its own way, might take another one. Lengths are told by the larger
    coordinate, in which a compiler has no products to fuse: all kernels find the same edge.
    """
    ab, bc, ca = larger(ti.abs(bx - ax), ti.abs(by - ay)), larger(ti.abs(cx - bx), ti.abs(cy - by)), larger(ti.abs(ax - cx), ti.abs(ay - cy))
    is_ca = (ca >= ab) & (ca >= bc)
    is_bc = bc >= ab
    return (
        ti.select(is_ca, 0.0, ti.select(is_bc, -1.0, over_ab_sq)),
        ti.select(is_ca, -1.0, ti.select(is_bc, over_bc_sq, 0.0)),
        ti.select(is_ca, over_ca_sq, ti.select(is_bc, 0.0, -1.0)),
    )


@ti.func
def set_up(ax, ay, az, bx, by, bz, cx, cy, cz):
    """The set-up of the triangle abc, with coordinates as of `load_face`."""
    area2, sign = oriented_area(ax, ay, bx, by, cx, cy)
    over_area2 = ti.select(sign == 0, 0.0, 1.0 / ti.select(sign == 0, 1.0, area2))
    over_ab_sq, over_bc_sq, over_ca_sq = one_over_length_sq(bx - ax, by - ay), one_over_length_sq(cx - bx, cy - by), one_over_length_sq(ax - cx, ay - cy)
    of_ab, of_bc, of_ca = only_longest(over_ab_sq, over_bc_sq, over_ca_sq, ax, ay, bx, by, cx, cy)
    over_ab_sq = ti.select(sign == 0, of_ab, over_ab_sq)
    over_bc_sq = ti.select(sign == 0, of_bc, over_bc_sq)
    over_ca_sq = ti.select(sign == 0, of_ca, over_ca_sq)
    return ti.Vector(
        [ax, ay, bx, by, cx, cy, az, bz, cz, 1.0 / az, 1.0 / bz, 1.0 / cz, over_ab_sq, over_bc_sq, over_ca_sq, over_area2]
    )  # fmt: skip


@ti.func
def in_set_up(f, i):
    """Where a number of the set-up of face f stands in a list of them, so told that LLVM sees that it is no overflow (which costs two instructions each)."""
    return (f & ti.static((1 << 31) // N_SET_UP - 1)) * N_SET_UP + i


@ti.func
def on_triangle(x, y, face: ti.template(), extrapolation: ti.template()):
    """Where the pixel (x, y) is beside the triangle whose set-up is ``face``: what `locate` and the gradients by hand begin with.

    Returns (places of the closest points on ab, bc and ca; whether ab is the nearest edge, whether bc is (`nearest_edge`); barycentric coordinates; whether it
    is inside; weights of a, b and c in the closest point of the outline; interpolation weights; x and y of what separates it from the closest point of the
    outline, and its squared length).
    """
    ax, ay, bx, by, cx, cy, area = face[AX], face[AY], face[BX], face[BY], face[CX], face[CY], face[OVER_AREA2]
    t_ab, x_ab, y_ab, d_ab, s_c = segment(x, y, ax, ay, bx, by, face[OVER_AB_SQ])
    t_bc, x_bc, y_bc, d_bc, s_a = segment(x, y, bx, by, cx, cy, face[OVER_BC_SQ])
    t_ca, x_ca, y_ca, d_ca, s_b = segment(x, y, cx, cy, ax, ay, face[OVER_CA_SQ])
    wa, wb, wc = s_a * area, s_b * area, s_c * area
    inside = smaller(wa, smaller(wb, wc)) > 0
    ab, bc = nearest_edge(t_ab, t_bc, t_ca, d_ab, d_bc, d_ca)
    ea, eb, ec = outline_weights(ab, bc, t_ab, t_bc, t_ca)
    la, lb, lc = ti.select(inside, wa, ea), ti.select(inside, wb, eb), ti.select(inside, wc, ec)
    if ti.static(extrapolation == Extrapolation.CLIPPED):
        ka, kb, kc = clipped_weights(wa, wb, wc)
        la, lb, lc = ti.select(area != 0, ka, la), ti.select(area != 0, kb, lb), ti.select(area != 0, kc, lc)
    rx, ry = on_edge(ab, bc, x_ab, x_bc, x_ca), on_edge(ab, bc, y_ab, y_bc, y_ca)
    return t_ab, t_bc, t_ca, ab, bc, wa, wb, wc, inside, ea, eb, ec, la, lb, lc, rx, ry, smaller(d_ab, smaller(d_bc, d_ca))


@ti.func
def locate(x, y, face: ti.template(), distance: ti.template(), extrapolation: ti.template()):
    """Distance and interpolation weights of the pixel (x, y) for the triangle whose set-up is ``face``.

    Returns (squared distance to the outline, whether inside, weights of a, b and c). On the outline itself the distance is zero.
    A triangle without area has no inside: its distance is that of its longest edge (its barycentric distance: without bound), its weights those of the closest
    point of that.
    """
    _, _, _, _, _, wa, wb, wc, inside, _, _, _, la, lb, lc, _, _, distance_sq = on_triangle(x, y, face, extrapolation)
    if ti.static(distance == Distance.BARYCENTRIC):
        smallest = ti.min(wa, ti.min(wb, wc))
        distance_sq = ti.select(face[OVER_AREA2] != 0, smallest * smallest, FAR_AWAY)
    if ti.static(distance == Distance.CHEBYSHEV):
        ax, ay, bx, by, cx, cy = face[AX], face[AY], face[BX], face[BY], face[CX], face[CY]
        to_ab, _, _, _ = chebyshev_segment(x, y, ax, ay, bx, by)
        to_bc, _, _, _ = chebyshev_segment(x, y, bx, by, cx, cy)
        to_ca, _, _, _ = chebyshev_segment(x, y, cx, cy, ax, ay)
        smallest = ti.min(to_ab, ti.min(to_bc, to_ca))
        distance_sq = smallest * smallest
    return distance_sq, inside, la, lb, lc
