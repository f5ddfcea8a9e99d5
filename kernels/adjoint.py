"""The gradient of the rasteriser by hand: many times faster than the generated one (`tests/benchmarks` prints both).

A face visits the pixels within its reach, sums its gradient up over them, lanes at a time, and only then adds it to its vertices. What the generated gradient
of `rasterize.contribute` computes for all choices, this computes for those that `has_adjoint` names, nearly all; the tests hold the two against each other.

p is the pixel, w_k the interpolation weights of the corners v_k, k = a, b, c, e_k the weights of the closest point of the outline, r = p - sum e_k v_k what
separates the pixel from it, L the loss:

    distance    d^2 = |r|^2                       dL/dv_k = -2 e_k r dL/dd^2             (the closest point is the best one: its own motion does not count)
    inside      sum w_k v_k = p, sum w_k = 1      dL/dv_k = -w_k G, G = sum_j dL/dw_j grad w_j
    on an edge  (p - (s + t e)) e = 0             dL/dv_k = -w_k G + h_k R, G = T e, R = T r, T = dL/dt/|e|^2, h = -1 at the start s of the edge, 1 at its end
    barycentric d = min w_k                       dL/dv_k = -w_k G, for dL/dd at the smallest w
    Chebyshev   d = max(|r_x|, |r_y|)             dL/dv_k = -2 e_k d n dL/dd^2, e_k of its own closest point, n of `chebyshev_segment`
    coverage    D = F(u), u = +-d^2/sigma         dL/du = F'(u) (g'(D) dL/dS + dL/dD)     (S the sum of g(D); logistic, g = -log(1 - D): F' g' = D)
    weight      w = D exp((n(z) - m)/gamma)       dL/dD = w/D dL/dw, dL/dz = -w dL/dw/((far - near) gamma)
                w = 1 of the nearest face (hard)  none
"""

import functools
from dataclasses import replace

from ..language import ti
from .blending import Blending, background_weight_of, depth_weight, normalised_depth
from .coverage import density_of
from .face import (
    DEPTH,
    FEATURES,
    HIDES_NOTHING,
    SILHOUETTE,
    WEIGHT,
    Choices,
    Interpolation,
    centres_at,
    coverage_with,
    evaluate_with,
    face_depth,
    feature_weights,
    hidden_from,
    in_reach_of,
    item_and_group,
    load_block,
    load_lane,
    load_lanes,
    load_set_up,
    slot,
    store_lanes,
    sum_row,
    total_of,
    who_counts,
)
from .silhouette import silhouette_inverse_slope, silhouette_slope
from .softness import FAR, N_SOFTNESS, OVER_DEPTH_RANGE, OVER_GAMMA, OVER_SIGMA
from .special import smaller
from .texture import Texture, channel_of
from .texture_adjoint import has_texture_adjoint, n_interpolated, texture_adjoint
from .tiles import LARGE, block_of, half_pixel_of, large_box, misses_tile, next_in_box, place_in_image, tiles_of_image, whole_teams
from .triangle import (
    AX,
    AY,
    AZ,
    BX,
    BY,
    BZ,
    CX,
    CY,
    CZ,
    FAR_AWAY,
    N_SET_UP,
    OVER_AB_SQ,
    OVER_AREA2,
    OVER_AZ,
    OVER_BC_SQ,
    OVER_BZ,
    OVER_CA_SQ,
    OVER_CZ,
    TINY_LENGTH_SQ,
    Distance,
    Extrapolation,
    chebyshev_segment,
    clipped_weights,
    in_set_up,
    locate,
    on_edge,
    on_triangle,
    outline_weights,
)
from .variant import Storage, Variant

__all__ = ["TOGETHER", "adjoint_kernel", "has_adjoint", "has_few_pixels", "n_of_face", "n_packed"]

AT_A_PAIR = 8  # threads of a team: as many as a tile has lines there
FEW_TILES = 2.0
TOGETHER = 64  # faces of which the pixels are collected by one thread, whatever the number of threads: so bits stay the same
A_SHARE = 128  # iterations over which they are spread: more would take longer to pass by than it takes to be through with faces that are seen nowhere
NO_ROW = 0  # the row of those that have none: it is nought
OF_FEATURES = 9  # place of the first gradient of features in a face's sums, after those of its corners' x, y and depth


def has_adjoint(variant: Variant, choices: Choices) -> bool:
    """Whether the gradient of these choices is written here.

    Not that of functions that somebody adds without their derivatives, nor of the level of detail of a texture; and no texels are scattered on fields, for
    lavapipe (Mesa 22.3), which plays a GPU where there is none, leaves a loop that holds an atomic too early.
    """
    return (
        choices.distribution.value.density is not None
        and choices.silhouette.value.slopes is not None
        and has_texture_adjoint(choices)
        and (choices.texture is Texture.VERTEX or variant.storage is not Storage.FIELD)
    )


def has_few_pixels(variant: Variant, choices: Choices, tiles_of_face: float) -> bool:
    """Whether faces reach so few pixels, in so many tiles (the mean), that most lanes of a tile would have nothing to do.

    Then all lanes take pixels in reach, of several faces: each its own face, which costs as much as 8 lanes with one face in a tile that two of them are in
    reach of. Not with textures that are looked up, a lane after the other as it is.
    """
    return variant.lanes == variant.tile_pixels > 1 and (choices.texture is Texture.VERTEX or not choices.features_at_once) and tiles_of_face < FEW_TILES


def n_of_face(choices: Choices) -> int:
    """How many gradients a face adds up over its pixels: of its corners' x, y and depth, and of what is interpolated between them."""
    return OF_FEATURES + 3 * n_interpolated(choices)


def place_in_row(i: int, between: int) -> int:
    """Where the i-th of a face's sums stands in its row: what is of one corner side by side."""
    corner, of_corner = (i // 3, i % 3) if i < OF_FEATURES else ((i - OF_FEATURES) % 3, 3 + (i - OF_FEATURES) // 3)
    return corner * (3 + between) + of_corner


def n_packed(choices: Choices) -> int:
    """How many numbers of a pixel `adjoint_kernel` reads again and again: the gradient of its sums, and m."""
    return FEATURES + choices.features_at_once + 1 if choices.features_at_once else 1


@ti.func
def depth_adjoint(depth, depth_grad, ma, mb, mc, wa, wb, wc, ua, ub, uc, face: ti.template(), interpolation: ti.template()):
    """Through `face_depth` and `feature_weights`: from dL/dz and m_k = dL/du_k, u_k the weights of features, to dL/dw_k and dL/dz_k. oz_k = 1/z_k.

    Perspective: u_k = w_k oz_k z, z = 1/sum w_k oz_k, so dL/d(w_k oz_k) = z (m_k - z dL/dz - sum_j m_j u_j).
    """
    oz_a, oz_b, oz_c = face[OVER_AZ], face[OVER_BZ], face[OVER_CZ]
    ga, gb, gc = ma, mb, mc
    za, zb, zc = depth_grad * wa, depth_grad * wb, depth_grad * wc
    if ti.static(interpolation == Interpolation.LINEAR):
        ga, gb, gc = ma + depth_grad * face[AZ], mb + depth_grad * face[BZ], mc + depth_grad * face[CZ]
    else:
        common = depth * depth_grad
        qa, qb, qc = -common, -common, -common
        if ti.static(interpolation == Interpolation.PERSPECTIVE):
            common += ma * ua + mb * ub + mc * uc
            qa, qb, qc = ma - common, mb - common, mc - common
        qa, qb, qc = (depth * oz_a) * qa, (depth * oz_b) * qb, (depth * oz_c) * qc  # no square of a depth, which may be no float32
        za, zb, zc = -qa * (wa * oz_a), -qb * (wb * oz_b), -qc * (wc * oz_c)
        if ti.static(interpolation == Interpolation.PERSPECTIVE):
            ga, gb, gc = qa, qb, qc
        else:
            ga, gb, gc = ma + qa, mb + qb, mc + qc
    return ga, gb, gc, za, zb, zc


@ti.func
def clipped_adjoint(ga, gb, gc, wa, wb, wc):
    """Through `clipped_weights`."""
    qa, qb, qc = clipped_weights(wa, wb, wc)
    mean = ga * qa + gb * qb + gc * qc
    one_over_total = 1.0 / (ti.min(ti.max(wa, 0.0), 1.0) + ti.min(ti.max(wb, 0.0), 1.0) + ti.min(ti.max(wc, 0.0), 1.0))
    return (
        ti.select((wa > 0.0) & (wa < 1.0), (ga - mean) * one_over_total, 0.0),
        ti.select((wb > 0.0) & (wb < 1.0), (gb - mean) * one_over_total, 0.0),
        ti.select((wc > 0.0) & (wc < 1.0), (gc - mean) * one_over_total, 0.0),
    )


@ti.func
def to_corners(ab, bc, start, end):
    """What the corners a, b and c are told of what the start and the end of the nearest edge are."""
    zero = start * 0.0
    return on_edge(ab, bc, start, zero, end), on_edge(ab, bc, end, start, zero), on_edge(ab, bc, zero, end, start)


@ti.func
def screen_adjoint(
    ga, gb, gc, worth, la, lb, lc, inside, ab, bc, t_ab, t_bc, t_ca, rx, ry, hx, hy, face: ti.template(), has_weights: ti.template()
):  # fmt: skip
    """To x and y of the corners: from ``worth`` g_k = dL/dw_k, inside, and else for the closest point of an edge (the lines "inside" and "on an edge" above);
    and from what the closest point of the outline is told, h (the line "distance").

    l_k are the weights; ``ab`` and ``bc`` say which edge is the nearest. Without ``has_weights`` all g_k are nought.
    """
    t = on_edge(ab, bc, t_ab, t_bc, t_ca)
    end_x, end_y = t * hx, t * hy
    gx, gy = end_x * 0.0, end_x * 0.0
    if ti.static(has_weights):
        ax, ay, bx, by, cx, cy = face[AX], face[AY], face[BX], face[BY], face[CX], face[CY]
        g_ab, g_bc, g_ca = gb - ga, gc - gb, ga - gc
        along_edge = on_edge(ab, bc, g_ab * face[OVER_AB_SQ], g_bc * face[OVER_BC_SQ], g_ca * face[OVER_CA_SQ])
        along_edge = worth * ti.select((t > 0.0) & (t < 1.0) & ~inside, along_edge, 0.0)  # T; nought where the closest point is a corner
        gx = along_edge * on_edge(ab, bc, bx - ax, cx - bx, ax - cx)
        gy = along_edge * on_edge(ab, bc, by - ay, cy - by, ay - cy)
        gx = ti.select(inside, worth * ((g_bc * (ay - cy) + g_ca * (by - cy)) * face[OVER_AREA2]), gx)
        gy = ti.select(inside, worth * ((g_bc * (cx - ax) + g_ca * (cx - bx)) * face[OVER_AREA2]), gy)
        end_x += along_edge * rx
        end_y += along_edge * ry
    ax_grad, bx_grad, cx_grad = to_corners(ab, bc, hx - end_x, end_x)
    ay_grad, by_grad, cy_grad = to_corners(ab, bc, hy - end_y, end_y)
    if ti.static(has_weights):
        ax_grad, ay_grad = ax_grad - la * gx, ay_grad - la * gy
        bx_grad, by_grad = bx_grad - lb * gx, by_grad - lb * gy
        cx_grad, cy_grad = cx_grad - lc * gx, cy_grad - lc * gy
    return ax_grad, ay_grad, bx_grad, by_grad, cx_grad, cy_grad


@ti.func
def sees_face(l, f, hidden, pixels: ti.template(), nearest: ti.template(), choices: ti.template(), variant: ti.template()):
    """Whether face f may have colour in lane l; ``hidden`` is that of `hidden_from`."""
    lanes, M = ti.static(variant.lanes, n_packed(choices) - 1)
    sees = hidden == HIDES_NOTHING
    if ti.static(choices.blending == Blending.HARD):
        sees = sees | (nearest[slot(0, l, lanes)] == f)
    else:
        sees = pixels[slot(M, l, lanes)] <= hidden
    return sees


@ti.func
def any_sees(f, hidden, pixels: ti.template(), nearest: ti.template(), choices: ti.template(), variant: ti.template()):
    """The same of all lanes."""
    sees = False
    for l in ti.static(range(variant.lanes)):
        sees = sees | sees_face(l, f, hidden, pixels, nearest, choices, variant)
    return sees


@ti.func
def any_wants_silhouette(pixels: ti.template(), variant: ti.template()):
    """Whether the silhouette of any lane has a gradient."""
    wants = False
    for l in ti.static(range(variant.lanes)):
        wants = wants | (pixels[SILHOUETTE * variant.lanes + l] != 0.0)
    return wants


@ti.func
def lane_adjoint(
    l, f, x, y, face: ti.template(), of_face: ti.template(), pixels: ti.template(), nearest: ti.template(), strongest: ti.template(), looks: ti.template(),
    totals: ti.template(), softness: ti.template(), softness_array: ti.template(), choices: ti.template(), variant: ti.template(),
):  # fmt: skip
    """Adds to ``totals`` what face f is told by its pixel (x, y), which is lane l of the rest. Straight-line code on local variables, as in `draw`."""
    lanes, at_once = ti.static(variant.lanes, choices.features_at_once)
    clipped, hard = ti.static(choices.extrapolation == Extrapolation.CLIPPED, choices.blending == Blending.HARD)
    at_vertices = ti.static(choices.texture == Texture.VERTEX)
    looked_up, between = ti.static(at_once > 0 and not at_vertices, n_interpolated(choices))
    M = ti.static(n_packed(choices) - 1)
    ax, ay, bx, by, cx, cy, area = face[AX], face[AY], face[BX], face[BY], face[CX], face[CY], face[OVER_AREA2]
    over_depth_gamma = softness[OVER_DEPTH_RANGE] * softness[OVER_GAMMA]  # 1/((far - near) gamma): gamma in units of depth
    t_ab, t_bc, t_ca, ab, bc, wa, wb, wc, inside, ea, eb, ec, la, lb, lc, rx, ry, distance_sq = on_triangle(x, y, face, choices.extrapolation)
    smallest = smaller(wa, smaller(wb, wc))
    if ti.static(choices.distance == Distance.BARYCENTRIC):
        distance_sq = ti.select(area != 0, smallest * smallest, FAR_AWAY)
    slope_x, slope_y = rx, ry  # half of that of d^2, by the closest point of the outline
    if ti.static(choices.distance == Distance.CHEBYSHEV):
        c_ab, f_ab, nx_ab, ny_ab = chebyshev_segment(x, y, ax, ay, bx, by)
        c_bc, f_bc, nx_bc, ny_bc = chebyshev_segment(x, y, bx, by, cx, cy)
        c_ca, f_ca, nx_ca, ny_ca = chebyshev_segment(x, y, cx, cy, ax, ay)
        by_ab, by_bc = (c_ab <= c_bc) & (c_ab <= c_ca), c_bc <= c_ca
        ea, eb, ec = outline_weights(by_ab, by_bc, f_ab, f_bc, f_ca)
        smallest = smaller(c_ab, smaller(c_bc, c_ca))
        distance_sq = smallest * smallest
        slope_x = smallest * on_edge(by_ab, by_bc, nx_ab, nx_bc, nx_ca)
        slope_y = smallest * on_edge(by_ab, by_bc, ny_ab, ny_bc, ny_ca)
    side = ti.select(inside, 1.0, -1.0)
    du = side * softness[OVER_SIGMA]  # du/dd^2
    u = du * distance_sq
    if ti.static(not choices.squared):
        length = ti.sqrt(ti.max(distance_sq, TINY_LENGTH_SQ))
        u = du * length
        du = ti.select(distance_sq > TINY_LENGTH_SQ, 0.5 * du / length, 0.0)
    coverage, complement = coverage_with(softness, softness_array, u, choices.distribution, variant.real)
    density = density_of(u, coverage, complement, softness, choices.distribution, variant.real)
    if ti.static(choices.distance == Distance.HARD):
        coverage, density = ti.select(inside, 1.0, density * 0.0), density * 0.0
        complement = 1.0 - coverage
    depth, in_range = face_depth(la, lb, lc, face, softness, choices.interpolation)
    in_reach = in_reach_of(x, y, distance_sq, inside, face, softness, choices)
    counted, colored = who_counts(inside, in_reach, in_range, coverage, area, choices)
    slope = silhouette_slope(coverage, complement, density, softness, choices.distribution, choices.silhouette, variant.real)
    if ti.static(choices.distance == Distance.HARD):
        slope = slope * 0.0
    if ti.static(choices.silhouette.value.strongest):
        counted = counted & (strongest[slot(0, l, lanes)] == f)
    u_grad = ti.select(counted, pixels[slot(0, l, lanes)] * slope, 0.0)
    zero = u_grad * 0.0
    ga, gb, gc, gaz, gbz, gcz = zero, zero, zero, zero, zero, zero
    within, worth = inside, zero + 1.0  # what g_k are to be multiplied by: in the end, so that what is before need not wait for the weight
    if ti.static(at_once > 0):
        m = pixels[slot(M, l, lanes)]
        weight_grad = pixels[slot(WEIGHT, l, lanes)]
        depth_sum_grad = pixels[slot(DEPTH, l, lanes)]
        nearness, weight = zero, zero
        if ti.static(hard):
            weight = ti.select(nearest[slot(0, l, lanes)] == f, 1.0, weight)
        else:
            # Asked whether it is colored only in the end: what is before need not wait for the coverage then.
            nearness = ti.select(colored, depth_weight(normalised_depth(depth, softness), m, softness, variant.real), 0.0)
            weight = coverage * nearness
        depth = ti.select(in_range, depth, 0.0)  # elsewhere the weight is nought, and what it multiplies must be finite
        ua, ub, uc = feature_weights(la, lb, lc, depth, face, choices.interpolation)
        weight_grad += depth_sum_grad * depth
        ma, mb, mc = zero, zero, zero  # of the weights of features
        if ti.static(at_vertices):
            va, vb, vc = weight * ua, weight * ub, weight * uc
            for s in ti.static(range(at_once)):
                sum_grad = pixels[slot(FEATURES + s, l, lanes)]
                ma += sum_grad * of_face[3 * s]
                mb += sum_grad * of_face[3 * s + 1]
                mc += sum_grad * of_face[3 * s + 2]
                totals[slot(OF_FEATURES + 3 * s, l, lanes)] += sum_grad * va
                totals[slot(OF_FEATURES + 3 * s + 1, l, lanes)] += sum_grad * vb
                totals[slot(OF_FEATURES + 3 * s + 2, l, lanes)] += sum_grad * vc
            weight_grad += ua * ma + ub * mb + uc * mc
        if ti.static(looked_up):
            weight_grad += looks[slot(0, l, lanes)]
        if ti.static(looked_up and between > 0):
            tu_grad, tv_grad = looks[slot(1, l, lanes)], looks[slot(2, l, lanes)]
            ma = tu_grad * of_face[0] + tv_grad * of_face[3]
            mb = tu_grad * of_face[1] + tv_grad * of_face[4]
            mc = tu_grad * of_face[2] + tv_grad * of_face[5]
            of_places = ti.static([tu_grad * ua, tu_grad * ub, tu_grad * uc, tv_grad * ua, tv_grad * ub, tv_grad * uc])
            for i in ti.static(range(6)):
                totals[slot(OF_FEATURES + i, l, lanes)] += of_places[i]
        depth_grad = depth_sum_grad
        if ti.static(not hard):
            u_grad += weight_grad * nearness * density
            depth_grad -= weight_grad * over_depth_gamma
        if ti.static(looked_up):
            depth_grad *= weight
        else:
            worth = weight
        ga, gb, gc, gaz, gbz, gcz = depth_adjoint(depth, depth_grad, ma, mb, mc, la, lb, lc, ua, ub, uc, face, choices.interpolation)
        if ti.static(clipped):  # but for a face without area
            within = inside | (area != 0)
            ka, kb, kc = clipped_adjoint(ga, gb, gc, wa, wb, wc)
            ga, gb, gc = ti.select(within, ka, ga), ti.select(within, kb, gb), ti.select(within, kc, gc)
            la, lb, lc = ti.select(within, wa, la), ti.select(within, wb, lb), ti.select(within, wc, lc)
        gaz, gbz, gcz = worth * gaz, worth * gbz, worth * gcz
    distance_grad = -2.0 * u_grad * du
    hx, hy = distance_grad * slope_x, distance_grad * slope_y
    if ti.static(choices.distance == Distance.BARYCENTRIC):
        da = ti.select((wa <= wb) & (wa <= wc), distance_grad * smallest * area, 0.0)
        db = ti.select((wb < wa) & (wb <= wc), distance_grad * smallest * area, 0.0)
        dc = ti.select((wc < wa) & (wc < wb), distance_grad * smallest * area, 0.0)
        hx, hy = da * (by - cy) + db * (cy - ay) + dc * (ay - by), da * (cx - bx) + db * (ax - cx) + dc * (bx - ax)
        ea, eb, ec = wa, wb, wc
    gax, gay, gbx, gby, gcx, gcy = zero, zero, zero, zero, zero, zero
    if ti.static(choices.distance == Distance.EUCLIDEAN):
        gax, gay, gbx, gby, gcx, gcy = screen_adjoint(ga, gb, gc, worth, la, lb, lc, within, ab, bc, t_ab, t_bc, t_ca, rx, ry, hx, hy, face, at_once > 0)
    else:
        if ti.static(at_once > 0):
            gax, gay, gbx, gby, gcx, gcy = screen_adjoint(ga, gb, gc, worth, la, lb, lc, within, ab, bc, t_ab, t_bc, t_ca, rx, ry, zero, zero, face, True)
        gax, gay, gbx, gby, gcx, gcy = gax + ea * hx, gay + ea * hy, gbx + eb * hx, gby + eb * hy, gcx + ec * hx, gcy + ec * hy
    of_corners = ti.static([gax, gay, gaz, gbx, gby, gbz, gcx, gcy, gcz])
    for i in ti.static(range(OF_FEATURES)):
        totals[slot(i, l, lanes)] += of_corners[i]


@ti.func
def shares_adjoint(
    features: ti.template(), softness_array: ti.template(), nearest_face: ti.template(), strongest_face: ti.template(), set_ups: ti.template(),
    faces: ti.template(), corners: ti.template(), face_image: ti.template(), reached: ti.template(), packed: ti.template(), rows: ti.template(),
    row_of_face: ti.template(), n_features: ti.template(), n_groups: ti.template(), n_shares: ti.template(), height: ti.template(), width: ti.template(),
    choices: ti.template(), of_hidden: ti.template(), single: ti.template(), variant: ti.template(),
):  # fmt: skip
    """What each face is told by its pixels, where they are few: those of `TOGETHER` faces one after the other, so that all lanes are filled."""
    lanes, at_once = ti.static(variant.lanes, choices.features_at_once)
    hard, strongest_only = ti.static(choices.blending == Blending.HARD, choices.silhouette.value.strongest)
    of_row, between = ti.static(n_of_face(choices), n_interpolated(choices))
    M, n_held = ti.static(n_packed(choices) - 1, N_SET_UP + 3 * at_once)
    spread = ti.static(variant.spread(A_SHARE))
    ti.loop_config(serialize=variant.serial)
    for part in range(n_shares * n_groups * spread):
        if part % spread != 0:
            continue
        share, group = item_and_group(part // spread, n_groups, choices)
        n_faces = faces.shape[0]
        softness = ti.Vector([softness_array[i] for i in ti.static(range(N_SOFTNESS))])
        half_pixel = half_pixel_of(height, width, variant)
        tiles_x, tiles_y = tiles_of_image(height, width, variant)
        totals = ti.Vector.zero(variant.real, of_row * lanes)
        pixels = ti.Vector.zero(variant.real, (M + 1) * lanes)
        held = ti.Vector.zero(variant.real, n_held * lanes)  # of the face of each lane
        xs, ys = ti.Vector.zero(variant.real, lanes), ti.Vector.zero(variant.real, lanes)
        who = ti.Vector.zero(ti.i32, lanes)
        nearest = ti.Vector([-1 for l in ti.static(range(lanes))], dt=ti.i32)
        strongest = ti.Vector([-1 for l in ti.static(range(lanes))], dt=ti.i32)
        looks = ti.Vector.zero(variant.real, 1)
        is_hit = ti.Vector.zero(ti.i32, lanes)
        waiting_face, waiting_row, waiting_pixel = ti.Vector.zero(ti.i32, 2 * lanes), ti.Vector.zero(ti.i32, 2 * lanes), ti.Vector.zero(ti.i32, 2 * lanes)
        waiting_x, waiting_y = ti.Vector.zero(variant.real, 2 * lanes), ti.Vector.zero(variant.real, 2 * lanes)
        n_waiting, next_row = 0, share * TOGETHER + NO_ROW
        if share == 0:
            for i in range(of_row):
                rows[(NO_ROW * n_groups + group) * of_row + i] = 0.0
        face = ti.Vector.zero(variant.real, N_SET_UP)
        f, last_face = share * TOGETHER - 1, ti.min((share + 1) * TOGETHER, n_faces) - 1
        left, own_row, tx, ty, column_0, row_0, column_1, row_1 = 0, NO_ROW, 0, 0, 0, 0, 0, 0
        pa, qa, ra, pb, qb, rb, pc, qc, rc = 0, 0, 0, 0, 0, 0, 0, 0, 0
        while f < last_face or left != 0 or n_waiting > 0:
            if left == 0 and f < last_face:
                f += 1
                first_tile = reached[2 * f]
                left = reached[2 * f + 1]
                own_row, row_of_face[f] = NO_ROW, NO_ROW
                if left != 0:
                    column_0, row_0 = first_tile % tiles_x, first_tile // tiles_x % tiles_y
                    tx, ty = column_0, row_0
                    face = load_set_up(f, set_ups)
                    if left == LARGE:
                        column_1, row_1, pa, qa, ra, pb, qb, rb, pc, qc, rc = large_box(f, n_faces, reached)
            if left != 0:
                is_reached = True
                if left == LARGE:
                    is_reached = not misses_tile(tx, ty, pa, qa, ra, pb, qb, rb, pc, qc, rc)
                else:
                    row, column, rest = next_in_box(left)
                    tx, ty, left = column_0 + column, row_0 + row, rest
                if is_reached:
                    tile = (face_image[f] * tiles_y + ty) * tiles_x + tx
                    for l in range(lanes):
                        line, column = place_in_image(tx, ty, l, variant)
                        centre_x, centre_y = centres_at(line, column, height, width, half_pixel, single)
                        x, y = centre_x[0], centre_y[0]
                        distance_sq, inside, _, _, _ = locate(x, y, face, choices.distance, choices.extrapolation)
                        is_hit[slot(0, l, lanes)] = ti.select(in_reach_of(x, y, distance_sq, inside, face, softness, choices), 1 << l, 0)
                    hits = is_hit[0]
                    for l in ti.static(range(1, lanes)):
                        hits = hits | is_hit[l]
                    if hits != 0 and own_row == NO_ROW:
                        next_row += 1
                        own_row, row_of_face[f] = next_row, next_row  # other threads, which have other groups, write the same
                        for i in range(of_row):
                            rows[(next_row * n_groups + group) * of_row + i] = 0.0
                    while hits != 0:
                        l = ti.math.popcnt((hits & -hits) - 1)
                        hits = hits & (hits - 1)
                        line, column = place_in_image(tx, ty, l, variant)
                        centre_x, centre_y = centres_at(line, column, height, width, half_pixel, single)
                        waiting_face[n_waiting], waiting_row[n_waiting], waiting_pixel[n_waiting] = f, own_row, tile * lanes + l
                        waiting_x[n_waiting], waiting_y[n_waiting] = centre_x[0], centre_y[0]
                        n_waiting += 1
                if left == LARGE:
                    tx += 1
                    at_end = tx >= column_1
                    tx = ti.select(at_end, column_0, tx)
                    ty = ti.select(at_end, ty + 1, ty)
                    left = ti.select(ty < row_1, left, 0)
            if n_waiting >= lanes or (n_waiting > 0 and left == 0 and f == last_face):
                n_filled = ti.min(n_waiting, lanes)
                sees = False
                for l in range(lanes):
                    mine = ti.min(l, n_filled - 1)  # what is left over is not added
                    g, pixel = waiting_face[mine], waiting_pixel[mine]
                    for i in range(N_SET_UP):
                        held[slot(i, l, lanes)] = set_ups[in_set_up(g, i)]
                    here, lane = pixel // lanes * n_groups + group, pixel % lanes
                    pixels[slot(SILHOUETTE, l, lanes)] = load_lane(packed, here * (M + 1) + SILHOUETTE, lane, variant)
                    pixels[slot(M, l, lanes)] = load_lane(packed, here * (M + 1) + M, lane, variant)
                    if ti.static(hard):
                        nearest[slot(0, l, lanes)] = nearest_face[pixel]
                    if ti.static(strongest_only):
                        strongest[slot(0, l, lanes)] = strongest_face[pixel]
                    who[slot(0, l, lanes)] = g
                    xs[slot(0, l, lanes)], ys[slot(0, l, lanes)] = waiting_x[mine], waiting_y[mine]
                for i in range(of_row * lanes):
                    totals[i] = 0.0
                if ti.static(at_once > 0):
                    for l in range(lanes):
                        of_lane = ti.Vector([held[slot(i, l, lanes)] for i in ti.static(range(N_SET_UP))])
                        hidden = hidden_from(of_lane, softness, variant.real)
                        is_hit[slot(0, l, lanes)] = ti.select(sees_face(l, who[slot(0, l, lanes)], hidden, pixels, nearest, choices, variant), 1, 0)
                    for l in ti.static(range(lanes)):
                        sees = sees | (is_hit[l] != 0)
                    if sees:
                        for l in range(lanes):
                            mine = ti.min(l, n_filled - 1)
                            g, pixel = waiting_face[mine], waiting_pixel[mine]
                            for s in ti.static(range(at_once)):
                                for corner in ti.static(range(3)):
                                    held[slot(N_SET_UP + 3 * s + corner, l, lanes)] = features[corners[g, corner], channel_of(group, s, n_features, choices)]
                            here, lane = pixel // lanes * n_groups + group, pixel % lanes
                            for i in range(WEIGHT, M):
                                pixels[slot(i, l, lanes)] = load_lane(packed, here * (M + 1) + i, lane, variant)
                        for l in range(lanes):
                            of_lane = ti.Vector([held[slot(i, l, lanes)] for i in ti.static(range(N_SET_UP))])
                            shown = ti.Vector([held[slot(N_SET_UP + i, l, lanes)] for i in ti.static(range(3 * at_once))])
                            lane_adjoint(
                                l, who[slot(0, l, lanes)], xs[slot(0, l, lanes)], ys[slot(0, l, lanes)], of_lane, shown, pixels, nearest, strongest, looks,
                                totals, softness, softness_array, choices, variant,
                            )  # fmt: skip
                if not sees:
                    for l in range(lanes):
                        of_lane = ti.Vector([held[slot(i, l, lanes)] for i in ti.static(range(N_SET_UP))])
                        lane_adjoint(
                            l, who[slot(0, l, lanes)], xs[slot(0, l, lanes)], ys[slot(0, l, lanes)], of_lane, of_lane, pixels, nearest, strongest, looks,
                            totals, softness, softness_array, of_hidden, variant,
                        )  # fmt: skip
                for l in range(n_filled):
                    here = (waiting_row[l] * n_groups + group) * of_row
                    for corner in range(3):
                        at_corner = here + corner * ti.static(3 + between)
                        for axis in range(3):
                            rows[at_corner + axis] = rows[at_corner + axis] + totals[slot(3 * corner + axis, l, lanes)]
                        for s in range(ti.select(sees, between, 0)):
                            rows[at_corner + 3 + s] = rows[at_corner + 3 + s] + totals[slot(OF_FEATURES + 3 * s + corner, l, lanes)]
                for l in range(lanes):
                    waiting_face[l], waiting_row[l], waiting_pixel[l] = waiting_face[lanes + l], waiting_row[lanes + l], waiting_pixel[lanes + l]
                    waiting_x[l], waiting_y[l] = waiting_x[lanes + l], waiting_y[lanes + l]
                n_waiting -= n_filled


@ti.func
def tiles_at_a_time(width, variant: ti.template()):
    """How many tiles a thread takes on its way from the image to the sums: a line of them, and on GPUs one."""
    at_a_time = 1
    if ti.static(variant.lanes > 1):
        at_a_time = (width + variant.tile_width - 1) // variant.tile_width
    return at_a_time


@ti.func
def resolve_adjoint(
    grads: ti.template(), of_background: ti.template(), pixels: ti.template(), l, behind: ti.template(), softness: ti.template(), choices: ti.template(),
    share, variant: ti.template(),
):  # fmt: skip
    """In ``grads``, the gradient of the sums of lane l in place of that of its alpha, depth and features (`resolve_pixel`), and m; adds up the background's.

    alpha = g^-1(S); with T = W + w_b a value is v = (V + w_b v_b)/T, so dL/dV = dL/dv/T, dL/dv_b = w_b dL/dv/T, dL/dW = -sum v dL/dv/T.
    """
    lanes, at_once = ti.static(variant.lanes, choices.features_at_once)
    grads[slot(SILHOUETTE, l, lanes)] *= silhouette_inverse_slope(pixels[slot(SILHOUETTE, l, lanes)], share, softness, choices.silhouette, variant.real)
    if ti.static(at_once > 0):
        m = pixels[slot(FEATURES + at_once, l, lanes)]
        weight_sum = pixels[slot(WEIGHT, l, lanes)]
        background_weight = background_weight_of(m, weight_sum, softness, choices.blending, variant.real)
        one_over_total = 1.0 / (weight_sum + background_weight)
        depth = (pixels[slot(DEPTH, l, lanes)] + background_weight * softness[FAR]) * one_over_total
        depth_sum_grad = grads[slot(DEPTH, l, lanes)] * one_over_total
        weight_grad = depth * depth_sum_grad
        for s in ti.static(range(at_once)):
            value = (pixels[slot(FEATURES + s, l, lanes)] + background_weight * behind[s]) * one_over_total
            value_grad = grads[slot(FEATURES + s, l, lanes)] * one_over_total
            weight_grad += value * value_grad
            grads[slot(FEATURES + s, l, lanes)] = value_grad
            of_background[slot(s, l, lanes)] += background_weight * value_grad
        grads[slot(DEPTH, l, lanes)] = depth_sum_grad
        grads[slot(WEIGHT, l, lanes)] = -weight_grad
        grads[slot(FEATURES + at_once, l, lanes)] = m


@functools.cache
def adjoint_kernel(variant: Variant, choices: Choices, few_pixels: bool):
    """Adds the gradient of the image to that of the vertices, features and background: first to the sums, packed block by block, then face by face.

    On the CPU a thread writes what a face adds to its corners into a row of its own, and a second loop adds up what there is for each vertex: no atomics, and
    the same bits in every run. With ``few_pixels`` (`has_few_pixels`) the lanes are those pixels, of several faces, that are in reach. On GPUs a thread works
    on a pair of face and tile, and adds at once; on CUDA `AT_A_PAIR` threads do, some of the pixels each, and add up in shared memory first.
    """
    real, index = variant.array, variant.index
    single, wide = replace(variant, lanes=1), min(variant.lanes, variant.tile_width)
    lanes, blocks_per_tile = variant.lanes, variant.blocks_per_tile
    at_once = choices.features_at_once
    hard, strongest_only = choices.blending is Blending.HARD, choices.silhouette.value.strongest
    at_vertices = choices.texture is Texture.VERTEX
    looked_up = at_once > 0 and not at_vertices
    by_pair = lanes == 1
    M = n_packed(choices) - 1  # place of m, after the gradient of a pixel's sums
    between, of_row = n_interpolated(choices), n_of_face(choices)
    a_line, a_face = variant.spread(128), AT_A_PAIR if variant.team > 1 else variant.spread(8)
    blocks_of_thread = blocks_per_tile // (AT_A_PAIR if variant.team > 1 else 1)
    hides, of_hidden = lanes > 1 and at_once > 0, choices.of_hidden() if at_once else choices

    # The ends of the loops are arguments, for LLVM leaves all loops of a kernel scalar that works out one of them with a division.
    @ti.kernel
    def adjoint(
        vertices_screen: real(2),  # [N, 3]
        features: real(2),  # [M, n_features]
        places: real(2),  # [P, 2] as of `draw`
        background: real(2),  # [B, n_features]
        softness_array: real(1),
        vertices_screen_grad: real(2),  # [N, 3] added to
        features_grad: real(2),  # [M, n_features] added to
        places_grad: real(2),  # [P, 2] added to
        background_grad: real(2),  # [B, n_features] added to
        alpha_img_grad: real(3),  # [B, H, W]
        features_img_grad: real(4),  # [B, H, W, n_features]
        depth_img_grad: real(3),  # [B, H, W]
        sums: variant.blocks(2),  # [tiles * n_sums, blocks, lanes]
        max_depth_norm: variant.blocks(2),  # [tiles, blocks, lanes]
        nearest_face: index(1),  # [tiles * tile_pixels] (hard)
        strongest_face: index(1),  # [tiles * tile_pixels] (maximum)
        set_ups: real(1),  # [F * N_SET_UP] of `triangle`
        faces: index(2),
        corners: index(2),
        face_image: index(1),
        reached: index(1),  # [N_REACHED F] which tiles each face reaches (`count_tiles`)
        pair_face: index(1),  # of the pairs (one lane)
        pair_tile: index(1),
        packed: variant.blocks(1),  # [tiles * blocks * n_groups * n_packed, lanes] written: the gradient of the sums, and m, block by block
        rows: real(1),  # [rows * n_groups * n_of_face] written, of the faces that have one (several lanes)
        row_of_face: index(1),  # [F] written
        vertex_offset: index(1),  # [N + 1] from where on the corners at each vertex stand in
        vertex_corner: index(1),  # [3 F] 3 f + corner
        feature_offset: index(1),  # [M + 1], or [P + 1], the same for the rows of features, or for the places on the textures
        feature_corner: index(1),  # or, of ``n_together`` rows, the vertices that each stands at
        levels: index(2),  # [levels, 3], [textures, 2] the tables of `texture_image`
        textures: index(2),
        texture_size: ti.i32,  # R, of R x R texels per face
        one_over_faces: real(1),  # [B] one over the number of faces of each image
        n_features: ti.i32,
        n_groups: ti.i32,
        n_lines: ti.i32,  # of the tiles' blocks (`tiles_at_a_time`); nought if they are packed already
        n_items: ti.i32,  # faces or pairs; with ``few_pixels`` shares of the faces
        n_vertices: ti.i32,  # nought if no gradient is wanted
        n_rows: ti.i32,  # of features or places; likewise
        n_together: ti.i32,  # rows of features, of one group, each of which stands at vertices of its own; then the two others are nought
        texels_wanted: ti.i32,
        background_wanted: ti.i32,
        height: ti.i32,
        width: ti.i32,
    ):
        ti.loop_config(serialize=variant.serial)
        for part in range(n_lines * a_line):
            if part % a_line != 0:
                continue
            line = part // a_line
            at_a_time = tiles_at_a_time(width, variant)
            softness = ti.Vector([softness_array[i] for i in ti.static(range(N_SOFTNESS))])
            block, first_tile = line % blocks_per_tile, line // blocks_per_tile * at_a_time
            for group in range(n_groups):
                channels = ti.static([channel_of(group, s, n_features, choices) for s in ti.static(range(at_once))])
                image, _, _ = block_of(first_tile, block, height, width, variant)
                share = one_over_faces[image]
                colors_behind = ti.Vector([background[image, channel] for channel in ti.static(channels)])
                of_background = ti.Vector.zero(variant.real, max(at_once, 1) * lanes)
                counts = ti.select(group == 0, 1.0, 0.0)  # what is not of a channel counts once
                for tile in range(first_tile, first_tile + at_a_time):
                    pixels = ti.Vector.zero(variant.real, (M + 1) * lanes)
                    grads = ti.Vector.zero(variant.real, (M + 1) * lanes)
                    load_block(pixels, SILHOUETTE, sums, sum_row(tile, SILHOUETTE, n_groups, choices), block, variant)
                    if ti.static(at_once > 0):
                        load_block(pixels, WEIGHT, sums, sum_row(tile, WEIGHT, n_groups, choices), block, variant)
                    here = (tile * blocks_per_tile + block) * n_groups + group
                    coverage = variant.real(background_wanted)
                    for l in ti.static(range(lanes)):
                        coverage += pixels[SILHOUETTE * lanes + l]
                        if ti.static(at_once > 0):
                            coverage += pixels[WEIGHT * lanes + l]
                    if coverage > 0:
                        if ti.static(at_once > 0):
                            load_block(pixels, DEPTH, sums, sum_row(tile, DEPTH, n_groups, choices), block, variant)
                            if ti.static(not hard):
                                load_block(pixels, M, max_depth_norm, tile, block, variant)
                        for s in ti.static(range(at_once)):
                            load_block(pixels, FEATURES + s, sums, sum_row(tile, FEATURES + group * at_once + s, n_groups, choices), block, variant)
                        _, first_row, first_column = block_of(tile, block, height, width, variant)
                        for l in ti.static(range(lanes)):
                            row, column = first_row + l // wide, first_column + l % wide
                            if row < height and column < width:
                                grads[slot(SILHOUETTE, l, lanes)] = alpha_img_grad[image, row, column] * counts
                                if ti.static(at_once > 0):
                                    grads[slot(DEPTH, l, lanes)] = depth_img_grad[image, row, column] * counts
                                for s in ti.static(range(at_once)):
                                    if group * at_once + s < n_features:
                                        grads[slot(FEATURES + s, l, lanes)] = features_img_grad[image, row, column, channels[s]]
                        if ti.static(lanes == 1):  # Taichi makes no valid code for Vulkan of a loop here
                            resolve_adjoint(grads, of_background, pixels, 0, colors_behind, softness, choices, share, variant)
                        else:
                            for l in range(lanes):
                                resolve_adjoint(grads, of_background, pixels, l, colors_behind, softness, choices, share, variant)
                    for i in ti.static(range(M + 1)):  # elsewhere nought: a face may come there, of which nothing is in reach
                        store_lanes(packed, here * (M + 1) + i, grads, i, variant)
                if background_wanted != 0:
                    for s in ti.static(range(at_once)):
                        if group * at_once + s < n_features:
                            background_grad[image, channels[s]] += total_of(of_background, s, lanes)

        if ti.static(few_pixels):
            shares_adjoint(
                features, softness_array, nearest_face, strongest_face, set_ups, faces, corners, face_image, reached, packed, rows, row_of_face, n_features,
                n_groups, n_items, height, width, choices, of_hidden, single, variant,
            )  # fmt: skip
        else:
            ti.loop_config(serialize=variant.serial)
            for part in range(whole_teams(n_items * n_groups * a_face, variant)):
                item, nth_thread = part // a_face, part % a_face
                if ti.static(variant.team > 1):  # all threads of a team go all the way, for they wait for each other; those too many work, and do not add
                    item = ti.min(item, n_items * n_groups - 1)
                elif nth_thread != 0:
                    continue
                texels_here = texels_wanted
                if ti.static(variant.team > 1):
                    texels_here = ti.select(part // a_face == item, texels_wanted, 0)
                place, group = item_and_group(item, n_groups, choices)
                f = place
                if ti.static(by_pair):
                    f = pair_face[place]
                # Which tiles: that of the pair; or those whose bits are left; or, of a large box, all that are not missed.
                left, first_tile = 1, 0
                if ti.static(by_pair):
                    first_tile = pair_tile[place]
                else:
                    first_tile, left = reached[2 * f], reached[2 * f + 1]
                    row_of_face[f] = ti.select(left != 0, f + 1, NO_ROW)
                    if f == 0:
                        for i in ti.static(range(of_row)):
                            rows[(NO_ROW * n_groups + group) * of_row + i] = 0.0
                    if left == 0:
                        continue
                softness = ti.Vector([softness_array[i] for i in ti.static(range(N_SOFTNESS))])
                half_pixel = half_pixel_of(height, width, variant)
                totals = ti.Vector.zero(variant.real, of_row * lanes)  # a gradient, and a lane of it
                face = load_set_up(f, set_ups)
                hidden = hidden_from(face, softness, variant.real)
                channels = ti.static([channel_of(group, s, n_features, choices) for s in ti.static(range(at_once))])
                of_face = ti.Vector.zero(variant.real, max(3 * at_once, 6))  # the channels of its corners, or their places on the texture
                for s in ti.static(range(2 if looked_up else at_once)):
                    for corner in ti.static(range(3)):
                        if ti.static(at_vertices):
                            of_face[3 * s + corner] = features[corners[f, corner], channels[s]]
                        else:
                            of_face[3 * s + corner] = places[corners[f, corner], s]
                tiles_x, tiles_y = tiles_of_image(height, width, variant)
                pa, qa, ra, pb, qb, rb, pc, qc, rc = 0, 0, 0, 0, 0, 0, 0, 0, 0
                column_0, row_0 = first_tile % tiles_x, first_tile // tiles_x % tiles_y
                column_1, row_1 = column_0, row_0
                if ti.static(not by_pair):
                    if left == LARGE:
                        column_1, row_1, pa, qa, ra, pb, qb, rb, pc, qc, rc = large_box(f, n_items, reached)

                pixels = ti.Vector.zero(variant.real, (M + 1) * lanes)  # what comes from the image: the gradient of its sums, and m
                nearest = ti.Vector([-1 for l in ti.static(range(lanes))], dt=ti.i32)
                strongest = ti.Vector([-1 for l in ti.static(range(lanes))], dt=ti.i32)
                looks = ti.Vector.zero(variant.real, 3 * lanes if looked_up else 1)  # of the lanes at the texture
                tx, ty = column_0, row_0
                while left != 0:  # no two nested loops: LLVM would interleave four rounds of the inner one, and spill all registers
                    is_reached = True
                    if left == LARGE:
                        is_reached = not misses_tile(tx, ty, pa, qa, ra, pb, qb, rb, pc, qc, rc)
                    else:
                        row, column, rest = next_in_box(left)
                        tx, ty, left = column_0 + column, row_0 + row, rest
                    if is_reached:
                        tile = (face_image[f] * tiles_y + ty) * tiles_x + tx
                        for nth_block in range(blocks_of_thread):
                            block = nth_block
                            if ti.static(variant.team > 1):
                                block = nth_block * AT_A_PAIR + nth_thread
                            here = (tile * blocks_per_tile + block) * n_groups + group
                            for i in ti.static(range(M + 1)):
                                load_lanes(pixels, i, packed, here * (M + 1) + i, variant)
                            for l in ti.static(range(lanes)):
                                if ti.static(hard):
                                    nearest[l] = nearest_face[tile * variant.tile_pixels + block * lanes + l]
                                if ti.static(strongest_only):
                                    strongest[l] = strongest_face[tile * variant.tile_pixels + block * lanes + l]
                            sees = True
                            if ti.static(hides):
                                sees = any_sees(f, hidden, pixels, nearest, choices, variant)
                            if sees:
                                if ti.static(looked_up):  # in loops of its own, so that the others are vectors' still
                                    for l in range(lanes):
                                        line, column = place_in_image(tx, ty, block * lanes + l, variant)
                                        x, y = centres_at(line, column, height, width, half_pixel, single)
                                        _, coverage, depth, colored, ua, ub, uc, _, _, _ = evaluate_with(
                                            softness, softness_array, x, y, face, choices, variant.real
                                        )
                                        weight = variant.real(0.0)
                                        if ti.static(hard):
                                            weight = ti.select(nearest[slot(0, l, lanes)] == f, 1.0, weight)
                                        else:
                                            m = pixels[slot(M, l, lanes)]
                                            depth_norm = ti.select(colored[0], normalised_depth(depth[0], softness), m)
                                            weight = ti.select(colored[0], coverage[0] * depth_weight(depth_norm, m, softness, variant.real), weight)
                                        looks[slot(0, l, lanes)] = weight
                                        looks[slot(1, l, lanes)] = ua[0] * of_face[0] + ub[0] * of_face[1] + uc[0] * of_face[2]
                                        looks[slot(2, l, lanes)] = ua[0] * of_face[3] + ub[0] * of_face[4] + uc[0] * of_face[5]
                                    for l in range(lanes):
                                        weight, tu, tv = looks[slot(0, l, lanes)], looks[slot(1, l, lanes)], looks[slot(2, l, lanes)]
                                        shown, tu_grad, tv_grad = weight * 0.0, weight * 0.0, weight * 0.0
                                        if weight != 0:
                                            shown, tu_grad, tv_grad = texture_adjoint(
                                                f, tu, tv, weight, pixels, l, group, n_features, features, features_grad, texels_here, corners, levels,
                                                textures, texture_size, choices, variant,
                                            )  # fmt: skip
                                        looks[slot(0, l, lanes)], looks[slot(1, l, lanes)], looks[slot(2, l, lanes)] = shown, tu_grad, tv_grad
                                for l in range(lanes):
                                    line, column = place_in_image(tx, ty, block * lanes + l, variant)
                                    centre_x, centre_y = centres_at(line, column, height, width, half_pixel, single)
                                    lane_adjoint(
                                        l, f, centre_x[0], centre_y[0], face, of_face, pixels, nearest, strongest, looks, totals, softness, softness_array,
                                        choices, variant,
                                    )  # fmt: skip
                            if ti.static(hides):
                                if not sees and any_wants_silhouette(pixels, variant):
                                    for l in range(lanes):
                                        line, column = place_in_image(tx, ty, block * lanes + l, variant)
                                        centre_x, centre_y = centres_at(line, column, height, width, half_pixel, single)
                                        lane_adjoint(
                                            l, f, centre_x[0], centre_y[0], face, of_face, pixels, nearest, strongest, looks, totals, softness, softness_array,
                                            of_hidden, variant,
                                        )  # fmt: skip
                    if left == LARGE:
                        tx += 1
                        at_end = tx >= column_1
                        tx = ti.select(at_end, column_0, tx)
                        ty = ti.select(at_end, ty + 1, ty)
                        left = ti.select(ty < row_1, left, 0)

                if ti.static(variant.team > 1):
                    together = ti.simt.block.SharedArray((of_row * variant.team,), variant.real)
                    thread = part % variant.team
                    for i in ti.static(range(of_row)):
                        together[i * variant.team + thread] = totals[i]
                    ti.simt.block.sync()
                    if part // a_face == item:
                        for turn in range((of_row - nth_thread + AT_A_PAIR - 1) // AT_A_PAIR):
                            i = nth_thread + turn * AT_A_PAIR
                            total = variant.real(0.0)
                            for k in ti.static(range(AT_A_PAIR)):
                                total += together[i * variant.team + thread - nth_thread + k]
                            if i < OF_FEATURES:
                                vertices_screen_grad[faces[f, i // 3], i % 3] += total
                            elif ti.static(at_once > 0 and at_vertices):
                                features_grad[corners[f, i % 3], channel_of(group, i // 3 - 3, n_features, choices)] += total
                            elif ti.static(between > 0):
                                places_grad[corners[f, i % 3], i // 3 - 3] += total
                    ti.simt.block.sync()
                elif ti.static(by_pair):
                    channels = ti.static([channel_of(group, s, n_features, choices) for s in ti.static(range(at_once))])
                    for corner in ti.static(range(3)):
                        for axis in ti.static(range(3 if at_once else 2)):
                            vertices_screen_grad[faces[f, corner], axis] += total_of(totals, 3 * corner + axis, lanes)
                        for s in ti.static(range(between)):
                            if ti.static(at_vertices):
                                features_grad[corners[f, corner], channels[s]] += total_of(totals, OF_FEATURES + 3 * s + corner, lanes)
                            else:
                                places_grad[corners[f, corner], s] += total_of(totals, OF_FEATURES + 3 * s + corner, lanes)
                else:
                    for i in ti.static(range(of_row)):
                        rows[((f + 1) * n_groups + group) * of_row + ti.static(place_in_row(i, between))] = total_of(totals, i, lanes)

        if ti.static(not by_pair):
            ti.loop_config(serialize=variant.serial)
            for i in range(n_vertices + n_rows + n_together):
                # No ``+=``, which would be atomic: nobody else writes here. Nor a branch: nobody could foretell it.
                groups = n_groups
                if ti.static(not choices.grouped):
                    groups = 1
                if i < n_together:  # both at once, since what is read stands side by side
                    of_features = ti.Vector.zero(variant.real, max(at_once, 1))
                    for j in range(feature_offset[i], feature_offset[i + 1]):
                        v = feature_corner[j]
                        grad = ti.Vector.zero(variant.real, 3)
                        for k in range(vertex_offset[v], vertex_offset[v + 1]):
                            f, corner = vertex_corner[k] // 3, vertex_corner[k] % 3
                            here = row_of_face[f] * of_row + corner * ti.static(3 + between)
                            for axis in ti.static(range(3)):
                                grad[axis] += rows[here + axis]
                            for s in ti.static(range(at_once if at_vertices else 0)):
                                of_features[s] += rows[here + 3 + s]
                        for axis in ti.static(range(3)):
                            vertices_screen_grad[v, axis] = vertices_screen_grad[v, axis] + grad[axis]
                    for s in ti.static(range(at_once if at_vertices else 0)):
                        if s < n_features:
                            features_grad[i, s] = features_grad[i, s] + of_features[s]
                elif i < n_vertices:
                    gx, gy, gz = variant.real(0.0), variant.real(0.0), variant.real(0.0)
                    for k in range(vertex_offset[i], vertex_offset[i + 1]):
                        f, corner = vertex_corner[k] // 3, vertex_corner[k] % 3
                        row = row_of_face[f]
                        for group in range(groups):
                            here = (row * groups + group) * of_row + corner * ti.static(3 + between)
                            gx += rows[here]
                            gy += rows[here + 1]
                            gz += rows[here + 2]
                    vertices_screen_grad[i, 0] = vertices_screen_grad[i, 0] + gx
                    vertices_screen_grad[i, 1] = vertices_screen_grad[i, 1] + gy
                    vertices_screen_grad[i, 2] = vertices_screen_grad[i, 2] + gz
                elif ti.static(between > 0):
                    r = i - n_vertices
                    for group in range(groups):
                        total = ti.Vector.zero(variant.real, between)
                        for k in range(feature_offset[r], feature_offset[r + 1]):
                            f, corner = feature_corner[k] // 3, feature_corner[k] % 3
                            here = (row_of_face[f] * groups + group) * of_row + corner * ti.static(3 + between) + 3
                            for s in ti.static(range(between)):
                                total[s] += rows[here + s]
                        for s in ti.static(range(between)):
                            if ti.static(not at_vertices):
                                places_grad[r, s] = places_grad[r, s] + total[s]
                            elif group * at_once + s < n_features:  # the last group may have places to spare
                                features_grad[r, group * at_once + s] = features_grad[r, group * at_once + s] + total[s]

    return adjoint
