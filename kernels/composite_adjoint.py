"""From the gradient of layers to corners, features, opacities and windows, by hand, for the choices that most people make (see `kernels.adjoint`).

`kernels.composite` gives dL/da_j and dL/dc_j of each layer at each pixel, where a = o D and c = dL/dcolor C + dL/ddepth z (+ what has no gradient here). A face
visits its pairs, collects the pixels that want something of it (of those of its tiles two in three, where these are of four pixels, and two in five of eight),
sums up over them, lanes at a time, and writes a row of its own; `gather_rows_kernel` adds up the rows. It collects many before it works on the first: a number
that has just been written alone is slow to be read together with others. With the names of `kernels.adjoint`, what differs from there is

    opacity     o = sum p_k o_k, p_k the weights of features       dL/do = D dL/da, dL/dD = o dL/da
    window      D = (d/r)^q, 1/r = circumference/|2 area|           dL/dd^2 = q D/(2 d^2) dL/dD, dL/d(1/r) = q D r dL/dD, dL/dq = D log(d/r) dL/dD
"""

import functools
from dataclasses import replace

from ..language import ti
from .adjoint import OF_FEATURES, clipped_adjoint, depth_adjoint, screen_adjoint
from .coverage import Distribution, coverage_of
from .face import (
    CompositeChoices,
    centres_at,
    face_depth,
    feature_weights,
    item_and_group,
    load_lanes,
    load_set_up,
    over_inradius,
    slot,
    total_of,
)
from .softness import N_SOFTNESS, OVER_SIGMA, SHAPE
from .special import log, smaller
from .texture import Texture, channel_of
from .tiles import half_pixel_of
from .triangle import (
    AX,
    AY,
    BX,
    BY,
    CX,
    CY,
    OVER_AREA2,
    TINY_LENGTH_SQ,
    Distance,
    Extrapolation,
    on_triangle,
)
from .variant import Variant

COLUMN_BITS = 15  # an image has no more columns than that, nor lines (`checks.MAX_IMAGE_SIDE`)
COLUMN_MASK = (1 << COLUMN_BITS) - 1
NO_PIXEL = -1
ROOM = 8  # blocks of lanes that a face has at hand for pixels that want something of it; 2^n
TINY = 1e-30  # keeps logarithms finite

__all__ = ["NO_PIXEL", "faces_adjoint_kernel", "gather_rows_kernel", "has_face_adjoint", "n_of_row", "packed_pixel", "pairs_by_face_kernel"]


def has_face_adjoint(variant: Variant, choices: CompositeChoices) -> bool:
    """Whether the gradient of these choices is written here."""
    shown = choices.features
    return (
        variant.lanes > 1
        and shown.distance is Distance.EUCLIDEAN
        and shown.distribution in (Distribution.LOGISTIC, Distribution.WINDOW)
        and shown.texture is Texture.VERTEX
        and choices.opacity.texture is Texture.VERTEX
    )


def n_of_row(choices: CompositeChoices) -> int:
    """Numbers of a face's row: of its corners, of the features at them, of the opacities at them, of its window."""
    return OF_FEATURES + 3 * choices.features.features_at_once + 4


@ti.func
def packed_pixel(line, column):
    """One number for the place of a pixel."""
    return (line << COLUMN_BITS) + column


@functools.cache
def pairs_by_face_kernel(variant: Variant):
    """Where each pair stands in a list that goes face by face, by counting: what is written there is read one after the other. One thread."""
    index = variant.index

    @ti.kernel
    def pairs_by_face(
        pair_face: index(1),  # [pairs]
        last_of_face: index(1),  # [F] nought; written: one past the last place of each face
        place_of_pair: index(1),  # [pairs] written
        n_pairs: ti.i32,
        n_faces: ti.i32,
    ):
        ti.loop_config(serialize=True)
        for _ in range(1):
            for pair in range(n_pairs):
                last_of_face[pair_face[pair]] = last_of_face[pair_face[pair]] + 1
            before = 0
            for f in range(n_faces):
                here = last_of_face[f]
                last_of_face[f] = before
                before += here
            for pair in range(n_pairs):
                f = pair_face[pair]
                place = last_of_face[f]
                place_of_pair[pair] = place
                last_of_face[f] = place + 1

    return pairs_by_face


@functools.cache
def faces_adjoint_kernel(variant: Variant, choices: CompositeChoices):
    """Adds to the rows of all faces what the pairs of a chunk want of them."""
    real, index = variant.array, variant.index
    single = replace(variant, lanes=1)
    lanes, blocks_per_tile = variant.lanes, variant.blocks_per_tile
    shown = choices.features
    at_once = shown.features_at_once
    clipped = shown.extrapolation is Extrapolation.CLIPPED
    windowed = shown.distribution is Distribution.WINDOW
    OF_OPACITY = OF_FEATURES + 3 * at_once  # places in the sums of a face
    OF_WINDOW = OF_OPACITY + 3
    OF_INRADIUS = OF_WINDOW + 1
    a_face = variant.spread(8)
    AT_HAND = ROOM * lanes

    @ti.kernel
    def faces_adjoint(
        features: real(2),  # [M, n_features]
        opacity: real(2),  # [O, 1]
        window: real(2),  # [1 or source faces, 1]
        softness_array: real(1),
        layer_grads: variant.blocks(1),  # [2 pairs * blocks, lanes] dL/da_j, dL/dc_j, face by face
        pixel_at: index(1),  # [pairs * blocks] likewise: the first pixel of each block (`packed_pixel`), `NO_PIXEL` where none sees the face
        features_img_grad: real(4),
        depth_img_grad: real(3),
        set_ups: real(1),  # [F * N_SET_UP]
        corners: index(2),  # [F, 3] into features
        opacity_corners: index(2),  # [F, 3] into opacity
        face_image: index(1),  # [F]
        face_source: index(2),  # [F, 1]
        last_of_face: index(1),  # [F] one past its last pair (`pairs_by_face_kernel`)
        rows: real(2),  # [F * n_groups, n_of_row] added to
        opacity_channel: ti.i32,
        n_features: ti.i32,
        n_groups: ti.i32,
        n_faces: ti.i32,
        height: ti.i32,
        width: ti.i32,
    ):
        ti.loop_config(serialize=variant.serial)
        for part in range(n_faces * n_groups * a_face):
            if part % a_face != 0:
                continue
            item = part // a_face
            f, group = item_and_group(item, n_groups, shown)
            image = face_image[f]
            first, last = 0, last_of_face[f]
            if f > 0:
                first = last_of_face[f - 1]
            totals = ti.Vector.zero(variant.real, ti.static((OF_INRADIUS + 1) * lanes))
            layer = ti.Vector.zero(variant.real, 2 * lanes)
            # Of the pixels at hand, the first n of which wait for their turn:
            pixels = ti.Vector([0 for _ in ti.static(range(AT_HAND))], dt=ti.i32)  # where they are
            at_hand = ti.Vector.zero(variant.real, 2 * AT_HAND)  # dL/da_j, and from the middle on dL/dc_j
            wanted = ti.Vector.zero(variant.real, (1 + at_once) * AT_HAND)  # the gradient of depth and features
            softness = ti.Vector([softness_array[i] for i in ti.static(range(N_SOFTNESS))])
            half_pixel = half_pixel_of(height, width, variant)
            if ti.static(windowed):
                softness[SHAPE] = window[ti.min(face_source[f, 0], window.shape[0] - 1), 0]
            face = load_set_up(f, set_ups)
            area = face[OVER_AREA2]
            over_radius = over_inradius(face)
            of_face = ti.Vector.zero(variant.real, 3 * at_once + 3)
            for s in ti.static(range(at_once)):
                channel = channel_of(group, s, n_features, shown)
                for corner in ti.static(range(3)):
                    of_face[3 * s + corner] = features[corners[f, corner], channel]
            for corner in ti.static(range(3)):
                of_face[3 * at_once + corner] = opacity[opacity_corners[f, corner], opacity_channel]
            counts = ti.select(group == 0, 1.0, 0.0)  # what is not of a channel counts once
            place, end, n, n_looked_up = first * blocks_per_tile, last * blocks_per_tile, 0, 0
            while place < end or n > 0:
                while place < end and n <= AT_HAND - lanes:
                    first_pixel = pixel_at[place]
                    if first_pixel != NO_PIXEL:
                        load_lanes(layer, 0, layer_grads, 2 * place, variant)
                        load_lanes(layer, 1, layer_grads, 2 * place + 1, variant)
                        for l in ti.static(range(lanes)):
                            pixels[n] = first_pixel + ti.static((variant.lane_places[l][0] << COLUMN_BITS) + variant.lane_places[l][1])
                            at_hand[n] = layer[l]
                            at_hand[AT_HAND + n] = layer[lanes + l]
                            n += ti.cast((layer[l] != 0) | (layer[lanes + l] != 0), ti.i32)
                    place += 1
                if ti.static(at_once > 0):
                    for i in range(n_looked_up, n):
                        line, column = pixels[i] >> COLUMN_BITS, pixels[i] & COLUMN_MASK
                        wanted[i] = depth_img_grad[image, line, column]
                        for s in ti.static(range(at_once)):
                            if ti.static(not shown.grouped):
                                wanted[(1 + s) * AT_HAND + i] = features_img_grad[image, line, column, s]
                            elif group * at_once + s < n_features:  # the last group may have places to spare
                                wanted[(1 + s) * AT_HAND + i] = features_img_grad[image, line, column, group * at_once + s]
                n_blocks = n // lanes
                if place >= end:  # the last is filled up with what adds nothing
                    n_blocks = (n + lanes - 1) // lanes
                    for i in range(n, n_blocks * lanes):
                        at_hand[i], at_hand[AT_HAND + i] = 0.0, 0.0
                        for s in ti.static(range(1 + at_once)):
                            wanted[s * AT_HAND + i] = 0.0
                for nth in range(n_blocks):
                    here = nth & (ROOM - 1)  # as LLVM does not see by itself that it is
                    for l in range(lanes):
                        pixel = pixels[slot(here, l, lanes)]
                        centre_x, centre_y = centres_at(pixel >> COLUMN_BITS, pixel & COLUMN_MASK, height, width, half_pixel, single)
                        x, y = centre_x[0], centre_y[0]
                        t_ab, t_bc, t_ca, ab, bc, wa, wb, wc, inside, _, _, _, la, lb, lc, rx, ry, distance_sq = on_triangle(x, y, face, shown.extrapolation)
                        distance = ti.sqrt(ti.max(distance_sq, TINY_LENGTH_SQ))
                        side = ti.select(inside, 1.0, -1.0)
                        du = side * softness[OVER_SIGMA]  # du/dd^2
                        u = du * distance_sq
                        if ti.static(windowed):
                            u = ti.select(inside, distance * over_radius, -1.0)
                            du = 0.5 / (distance * distance)  # of log u
                        elif ti.static(not shown.squared):
                            u = du * distance
                            du = ti.select(distance_sq > TINY_LENGTH_SQ, 0.5 * du / distance, 0.0)
                        coverage, complement = coverage_of(u, softness, shown.distribution, variant.real)
                        depth, _ = face_depth(la, lb, lc, face, softness, shown.interpolation)
                        ua, ub, uc = feature_weights(la, lb, lc, depth, face, shown.interpolation)
                        a_grad, worth_grad = at_hand[slot(here, l, lanes)], at_hand[slot(ROOM + here, l, lanes)]  # of layers alone: nought where it is none
                        if ti.static(shown.grouped):
                            a_grad *= counts
                        oa, ob, oc = of_face[3 * at_once], of_face[3 * at_once + 1], of_face[3 * at_once + 2]
                        coverage_grad = a_grad * (ua * oa + ub * ob + uc * oc)
                        opacity_grad = a_grad * coverage
                        totals[slot(OF_OPACITY, l, lanes)] += opacity_grad * ua
                        totals[slot(OF_OPACITY + 1, l, lanes)] += opacity_grad * ub
                        totals[slot(OF_OPACITY + 2, l, lanes)] += opacity_grad * uc
                        ma, mb, mc = opacity_grad * oa, opacity_grad * ob, opacity_grad * oc  # of the weights of features
                        for s in ti.static(range(at_once)):
                            value_grad = worth_grad * wanted[slot((1 + s) * ROOM + here, l, lanes)]
                            ma += value_grad * of_face[3 * s]
                            mb += value_grad * of_face[3 * s + 1]
                            mc += value_grad * of_face[3 * s + 2]
                            totals[slot(OF_FEATURES + 3 * s, l, lanes)] += value_grad * ua
                            totals[slot(OF_FEATURES + 3 * s + 1, l, lanes)] += value_grad * ub
                            totals[slot(OF_FEATURES + 3 * s + 2, l, lanes)] += value_grad * uc
                        u_grad = coverage_grad * coverage * complement
                        if ti.static(windowed):
                            u_grad = coverage_grad * coverage * softness[SHAPE]  # of log u
                            totals[slot(OF_WINDOW, l, lanes)] += ti.select(
                                u > 0, coverage_grad * coverage * log(ti.max(smaller(u, 1.0), TINY), variant.real), 0.0
                            )
                            totals[slot(OF_INRADIUS, l, lanes)] += u_grad
                        depth_grad = worth_grad * wanted[slot(here, l, lanes)]
                        if ti.static(shown.grouped):
                            depth_grad *= counts
                        ga, gb, gc, gaz, gbz, gcz = depth_adjoint(depth, depth_grad, ma, mb, mc, la, lb, lc, ua, ub, uc, face, shown.interpolation)
                        within = inside
                        if ti.static(clipped):  # but for a face without area
                            within = inside | (area != 0)
                            ka, kb, kc = clipped_adjoint(ga, gb, gc, wa, wb, wc)
                            ga, gb, gc = ti.select(within, ka, ga), ti.select(within, kb, gb), ti.select(within, kc, gc)
                            la, lb, lc = ti.select(within, wa, la), ti.select(within, wb, lb), ti.select(within, wc, lc)
                        distance_grad = -2.0 * u_grad * du
                        hx, hy = distance_grad * rx, distance_grad * ry
                        gax, gay, gbx, gby, gcx, gcy = screen_adjoint(
                            ga, gb, gc, 1.0, la, lb, lc, within, ab, bc, t_ab, t_bc, t_ca, rx, ry, hx, hy, face, True
                        )  # fmt: skip
                        of_corners = ti.static([gax, gay, gaz, gbx, gby, gbz, gcx, gcy, gcz])
                        for i in ti.static(range(OF_FEATURES)):
                            totals[slot(i, l, lanes)] += of_corners[i]
                n_done = n_blocks * lanes
                n = ti.max(n - n_done, 0)
                n_looked_up = n
                for i in range(n):
                    pixels[i] = pixels[n_done + i]
                    at_hand[i], at_hand[AT_HAND + i] = at_hand[n_done + i], at_hand[AT_HAND + n_done + i]
                    for s in ti.static(range(1 + at_once)):
                        wanted[s * AT_HAND + i] = wanted[s * AT_HAND + n_done + i]
            of_radius = ti.Vector.zero(variant.real, 6)
            if ti.static(windowed):
                of_radius = inradius_adjoint(total_of(totals, OF_INRADIUS, lanes), face)
            for i in ti.static(range(OF_INRADIUS)):
                total = total_of(totals, i, lanes)
                if ti.static(windowed and i < OF_FEATURES and i % 3 < 2):
                    total += of_radius[i // 3 * 2 + i % 3]
                rows[item, i] = rows[item, i] + total

    return faces_adjoint


@ti.func
def inradius_adjoint(log_grad, face: ti.template()):
    """From the gradient of the logarithm of one over the inradius to x and y of the corners a, b and c.

    It is log(circumference) - log|2 area|; d|e|/db = e/|e| for the edge e from a to b, d(2 area)/da = (y_b - y_c, x_c - x_b) and so on.
    """
    ax, ay, bx, by, cx, cy = face[AX], face[AY], face[BX], face[BY], face[CX], face[CY]
    ab = ti.sqrt(ti.max((bx - ax) ** 2 + (by - ay) ** 2, TINY_LENGTH_SQ))
    bc = ti.sqrt(ti.max((cx - bx) ** 2 + (cy - by) ** 2, TINY_LENGTH_SQ))
    ca = ti.sqrt(ti.max((ax - cx) ** 2 + (ay - cy) ** 2, TINY_LENGTH_SQ))
    of_length, of_area = log_grad / (ab + bc + ca), -log_grad * face[OVER_AREA2]
    abx, aby, bcx, bcy, cax, cay = (bx - ax) / ab, (by - ay) / ab, (cx - bx) / bc, (cy - by) / bc, (ax - cx) / ca, (ay - cy) / ca
    return ti.Vector(
        [
            of_length * (cax - abx) + of_area * (by - cy), of_length * (cay - aby) + of_area * (cx - bx),
            of_length * (abx - bcx) + of_area * (cy - ay), of_length * (aby - bcy) + of_area * (ax - cx),
            of_length * (bcx - cax) + of_area * (ay - by), of_length * (bcy - cay) + of_area * (bx - ax),
        ]
    )  # fmt: skip


@functools.cache
def gather_rows_kernel(variant: Variant, at_once: int):
    """Adds up the rows of the faces: at the vertices, the rows of features, those of opacities, and the windows. Nobody else writes there: no atomics."""
    real, index = variant.array, variant.index
    OF_OPACITY = OF_FEATURES + 3 * at_once
    OF_WINDOW = OF_OPACITY + 3

    @ti.kernel
    def gather_rows(
        rows: real(2),  # [F * n_groups, n_of_row]
        vertices_screen_grad: real(2),  # [N, 3] added to
        features_grad: real(2),  # [M, n_features] added to
        opacity_grad: real(2),  # [O, 1] added to
        window_grad: real(2),  # [W, 1] added to
        vertex_offset: index(1),  # [N + 1] from where on the corners at each vertex stand in
        vertex_corner: index(1),  # [3 F] 3 f + corner
        feature_offset: index(1),
        feature_corner: index(1),
        opacity_offset: index(1),
        opacity_corner: index(1),
        window_offset: index(1),
        window_face: index(1),  # [F] faces
        n_vertices: ti.i32,  # each nought if no gradient is wanted
        n_rows: ti.i32,
        n_opacities: ti.i32,
        n_windows: ti.i32,
        opacity_channel: ti.i32,
        n_features: ti.i32,
        n_groups: ti.i32,
    ):
        ti.loop_config(serialize=variant.serial)
        for r in range(ti.max(n_vertices, n_rows, n_opacities, n_windows)):  # one loop: to wake threads for another takes longer than what it would do
            if r < n_vertices:
                gx, gy, gz = variant.real(0.0), variant.real(0.0), variant.real(0.0)
                for k in range(vertex_offset[r], vertex_offset[r + 1]):
                    f, corner = vertex_corner[k] // 3, vertex_corner[k] % 3
                    for group in range(n_groups):
                        gx += rows[f * n_groups + group, 3 * corner]
                        gy += rows[f * n_groups + group, 3 * corner + 1]
                        gz += rows[f * n_groups + group, 3 * corner + 2]
                vertices_screen_grad[r, 0] = vertices_screen_grad[r, 0] + gx
                vertices_screen_grad[r, 1] = vertices_screen_grad[r, 1] + gy
                vertices_screen_grad[r, 2] = vertices_screen_grad[r, 2] + gz
            if ti.static(at_once > 0):
                if r < n_rows:
                    for k in range(feature_offset[r], feature_offset[r + 1]):
                        f, corner = feature_corner[k] // 3, feature_corner[k] % 3
                        for channel in range(n_features):
                            of_face = f * n_groups + channel // at_once
                            features_grad[r, channel] = features_grad[r, channel] + rows[of_face, OF_FEATURES + 3 * (channel % at_once) + corner]
            if r < n_opacities:
                total = variant.real(0.0)
                for k in range(opacity_offset[r], opacity_offset[r + 1]):
                    total += rows[opacity_corner[k] // 3 * n_groups, OF_OPACITY + opacity_corner[k] % 3]
                opacity_grad[r, opacity_channel] = opacity_grad[r, opacity_channel] + total
            if r < n_windows:
                total = variant.real(0.0)
                for k in range(window_offset[r], window_offset[r + 1]):
                    total += rows[window_face[k] * n_groups, OF_WINDOW]
                window_grad[r, 0] = window_grad[r, 0] + total

    return gather_rows
