"""The K nearest faces of every pixel, one by one: for people who shade and blend them themselves.

What counts as a hit, the weights and the distance are PyTorch3D's (0.7, `rasterize_meshes`), with its small constants, so that its numbers come out:

    w_a = s_a / (area + AREA_EPSILON)                                       s_a, s_b, s_c the areas on the far side of the edges
    perspective     w_a z_b z_c / (w_a z_b z_c + w_b z_a z_c + w_c z_a z_b) and so on
    clipped         max(w, 0) / max(sum of max(w, 0), LEAST_SUM)
    depth           w_a z_a + w_b z_b + w_c z_c

Three steps. `nearest_faces` walks the faces of each tile and keeps the K nearest of each pixel: a decision, without gradient. `used_fragments_op` computes what
those faces are to their pixels, for the slots that hold a face, in one list; `spread_op` puts them into their places among all slots, if that is wanted. Most
slots are empty where K is large.
"""

import functools
from dataclasses import dataclass, replace

from ..language import ti
from .face import Interpolation, Sides, centres_at, slot, total_of
from .op import Op
from .tiles import block_of, half_pixel_of, place_and_block
from .triangle import load_face, one_over_length_sq, segment
from .variant import Variant

__all__ = [
    "FragmentChoices",
    "list_slots_kernel",
    "nearest_faces_kernel",
    "sort_by_face_kernel",
    "spread_op",
    "used_fragments_op",
    "used_slot",
]

AREA_EPSILON = 1e-8  # added to twice the signed area; a face whose area is not larger is not seen
SHORT_EDGE_SQ = 1e-8  # an edge whose squared length is not larger counts as its second end
LEAST_DENOMINATOR = 1e-8  # of the perspective correction
LEAST_SUM = 1e-5  # of clipped weights
EMPTY = -1.0  # what an unused slot holds
FAR_AWAY = 3e38  # no depth is larger


@dataclass(frozen=True, kw_only=True)
class FragmentChoices:
    """The discrete choices that specialise the kernels."""

    interpolation: Interpolation = Interpolation.PERSPECTIVE
    clipped: bool = True
    sides: Sides = Sides.BOTH


@ti.func
def edge(x, y, ax, ay, bx, by):
    """Squared distance of (x, y) to the segment ab, and the cross product of ab and a->(x, y)."""
    _, _, _, distance_sq, cross = segment(x, y, ax, ay, bx, by, one_over_length_sq(bx - ax, by - ay))
    length_sq = (bx - ax) * (bx - ax) + (by - ay) * (by - ay)
    to_b_sq = (x - bx) * (x - bx) + (y - by) * (y - by)
    return ti.select(length_sq > SHORT_EDGE_SQ, distance_sq, to_b_sq), cross


@ti.func
def double_area(ax, ay, bx, by, cx, cy):
    """Twice the signed area of abc, positive if counter-clockwise with y up."""
    return (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)


@ti.func
def fragment(x, y, ax, ay, az, bx, by, bz, cx, cy, cz, choices: ti.template()):
    """What the face abc is to the pixel (x, y): (depth, weights of a, b and c, squared distance to the outline, whether inside)."""
    d_ab, s_c = edge(x, y, ax, ay, bx, by)
    d_bc, s_a = edge(x, y, bx, by, cx, cy)
    d_ca, s_b = edge(x, y, cx, cy, ax, ay)
    one_over_area = 1.0 / (double_area(ax, ay, bx, by, cx, cy) + AREA_EPSILON)
    wa = s_a * one_over_area
    wb = s_b * one_over_area
    wc = s_c * one_over_area
    if ti.static(choices.interpolation == Interpolation.PERSPECTIVE):
        ta, tb, tc = wa * bz * cz, wb * az * cz, wc * az * bz
        one_over_sum = 1.0 / ti.max(ta + tb + tc, LEAST_DENOMINATOR)
        wa, wb, wc = ta * one_over_sum, tb * one_over_sum, tc * one_over_sum
    inside = (wa > 0) & (wb > 0) & (wc > 0)
    if ti.static(choices.clipped):
        pa, pb, pc = ti.max(wa, 0.0), ti.max(wb, 0.0), ti.max(wc, 0.0)
        one_over_total = 1.0 / ti.max(pa + pb + pc, LEAST_SUM)
        wa, wb, wc = pa * one_over_total, pb * one_over_total, pc * one_over_total
    depth = wa * az + wb * bz + wc * cz
    return depth, wa, wb, wc, ti.min(d_ab, ti.min(d_bc, d_ca)), inside


@functools.cache
def nearest_faces_kernel(variant: Variant, choices: FragmentChoices):
    """Writes the K nearest faces of every pixel into its slots, nearest first, and of equal depths the face that comes first.

    A face counts at a pixel that is inside of it, or nearer to it than the reach, if its depth there is not negative.
    """
    real, index = variant.array, variant.index
    lanes, wide, single = variant.lanes, min(variant.lanes, variant.tile_width), replace(variant, lanes=1)

    @ti.kernel
    def nearest_faces(
        vertices_screen: real(2),  # [N, 3] x, y on the screen; depth
        slot_face: index(4),  # [B, H, W, K] written where a slot is used
        slot_depth: real(4),  # [B, H, W, K] written where a slot is used
        n_used: index(1),  # [B * H * W] used slots of each pixel, written
        faces: index(2),  # [F, 3]
        pair_face: index(1),  # [pairs]
        tile_offset: index(1),  # [tiles + 1]
        reach_sq: variant.real,
        n_tiles: ti.i32,
        n_slots: ti.i32,
        height: ti.i32,
        width: ti.i32,
    ):
        for item in range(n_tiles * variant.blocks_per_tile):
            tile, block = place_and_block(item, variant)
            image, first_line, first_column = block_of(tile, block, height, width, variant)
            n_here = ti.Vector([0 for l in ti.static(range(lanes))], dt=ti.i32)
            farthest = ti.Vector.zero(variant.real, lanes)  # a hit must be nearer: that of the last slot, once there is one
            for l in range(lanes):
                farthest[slot(0, l, lanes)] = ti.select((first_line + l // wide < height) & (first_column + l % wide < width), variant.real(FAR_AWAY), EMPTY)
            half_pixel = half_pixel_of(height, width, variant)
            for pair in range(tile_offset[tile], tile_offset[tile + 1]):
                f = pair_face[pair]
                ax, ay, az, bx, by, bz, cx, cy, cz = load_face(f, vertices_screen, faces)
                area = double_area(ax, ay, bx, by, cx, cy)
                seen = (ti.abs(area) > AREA_EPSILON) & (ti.max(az, bz, cz) >= 0)
                if ti.static(choices.sides == Sides.COUNTERCLOCKWISE):
                    seen = seen & (area > 0)
                if ti.static(choices.sides == Sides.CLOCKWISE):
                    seen = seen & (area < 0)
                if seen:
                    depths, n_hits = ti.Vector.zero(variant.real, lanes), 0  # EMPTY where the face takes no slot
                    for l in range(lanes):  # without a branch, so that LLVM does lanes side by side
                        x, y = centres_at(first_line + l // wide, first_column + l % wide, height, width, half_pixel, single)
                        depth, _, _, _, distance_sq, inside = fragment(x[0], y[0], ax, ay, az, bx, by, bz, cx, cy, cz, choices)
                        hit = (inside | (distance_sq < reach_sq)) & (depth >= 0) & (depth < farthest[slot(0, l, lanes)])
                        depths[slot(0, l, lanes)] = ti.select(hit, depth, EMPTY)
                        n_hits += ti.cast(hit, ti.i32)
                    if n_hits > 0:
                        for l in ti.static(range(lanes)):
                            if depths[l] >= 0:
                                line, column = first_line + ti.static(variant.lane_places[l][0]), first_column + ti.static(variant.lane_places[l][1])
                                place = ti.min(n_here[l], n_slots - 1)
                                while place > 0 and slot_depth[image, line, column, ti.max(place - 1, 0)] > depths[l]:
                                    slot_depth[image, line, column, place] = slot_depth[image, line, column, place - 1]
                                    slot_face[image, line, column, place] = slot_face[image, line, column, place - 1]
                                    place -= 1
                                slot_depth[image, line, column, place] = depths[l]
                                slot_face[image, line, column, place] = f
                                n_here[l] = ti.min(n_here[l] + 1, n_slots)
                                if n_here[l] == n_slots:
                                    farthest[l] = slot_depth[image, line, column, n_slots - 1]
            for l in ti.static(range(lanes)):
                line, column = first_line + ti.static(variant.lane_places[l][0]), first_column + ti.static(variant.lane_places[l][1])
                if line < height and column < width:
                    n_used[(image * height + line) * width + column] = n_here[l]

    return nearest_faces


@functools.cache
def list_slots_kernel(variant: Variant):
    """Lists the used slots of all pixels, pixel by pixel: who shades and blends need not visit the empty ones."""
    index = variant.index

    @ti.kernel
    def list_slots(
        slot_face: index(4),  # [B, H, W, K]
        n_used: index(1),  # [B * H * W]
        first_used: index(1),  # [B * H * W + 1] the sum of n_used before each pixel
        used_pixels: index(1),  # [sum of n_used] written
        used_slots: index(1),  # [sum of n_used] written: counted over [B, H, W, K]
        used_faces: index(1),  # [sum of n_used] written: the faces in them
        n_slots: ti.i32,
        height: ti.i32,
        width: ti.i32,
        n_pixels: ti.i32,
    ):
        for pixel in range(n_pixels):
            image, line, column = pixel // (height * width), pixel // width % height, pixel % width
            for k in range(n_used[pixel]):
                i = first_used[pixel] + k
                used_pixels[i] = pixel
                used_slots[i] = pixel * n_slots + k
                used_faces[i] = slot_face[image, line, column, k]

    return list_slots


@functools.cache
def sort_by_face_kernel(variant: Variant):
    """Lists the used slots once more, face by face, by counting: who adds up what is wanted of a face then does so in registers. One thread, for CPUs."""
    index = variant.index

    @ti.kernel
    def sort_by_face(
        used_faces: index(1),  # [n_used]
        place: index(1),  # [F] nought; scratch
        by_face: index(1),  # [n_used] written: numbers of used slots
        n_used: ti.i32,
        n_faces: ti.i32,
    ):
        ti.loop_config(serialize=True)
        for _ in range(1):
            for i in range(n_used):
                place[used_faces[i]] = place[used_faces[i]] + 1
            before = 0
            for f in range(n_faces):
                here = place[f]
                place[f] = before
                before += here
            for i in range(n_used):
                f = used_faces[i]
                by_face[place[f]] = i
                place[f] = place[f] + 1

    return sort_by_face


@ti.func
def used_slot(i, by_face: ti.template(), variant: ti.template()):
    """The i-th used slot in the order of a gradient: face by face; on GPUs, where a thread adds atomically what is wanted of its slot alone, as they are."""
    at = i
    if ti.static(variant.lanes > 1):
        at = by_face[i]
    return at


@functools.cache
def used_fragments_op(variant: Variant, choices: FragmentChoices) -> Op:
    """Depth, weights and signed squared distance (negative inside) of the used slots.

    Inputs: vertices_screen. Outputs: depth, bary, distance_sq_signed. The list of used slots comes as one argument that has `chunks`, and `by_face`
    (`taichi_softras.engine.fragments`). The gradient is by hand, and goes face by face.
    """
    real, index = variant.array, variant.index

    @ti.kernel
    def used_fragments(
        vertices_screen: real(2),  # [N, 3] x, y on the screen; depth
        depth: real(1),  # [n_used] written
        bary: real(2),  # [n_used, 3] written
        distance: real(1),  # [n_used] written
        first_used: index(1),  # [B * H * W + 1]
        used_pixels: index(1),  # [n_used]
        used_faces: index(1),  # [n_used]
        n_used: ti.i32,
        faces: index(2),  # [F, 3]
        n_pixels: ti.i32,
        height: ti.i32,
        width: ti.i32,
    ):
        for pixel in range(n_pixels):
            x, y = centre_of(pixel % width, pixel // width % height, height, width, half_pixel_of(height, width, variant), variant.real)
            for i in range(first_used[pixel], first_used[pixel + 1]):
                ax, ay, az, bx, by, bz, cx, cy, cz = load_face(used_faces[i], vertices_screen, faces)
                z, wa, wb, wc, distance_sq, inside = fragment(x, y, ax, ay, az, bx, by, bz, cx, cy, cz, choices)
                depth[i] = z
                distance[i] = ti.select(inside, -distance_sq, distance_sq)
                bary[i, 0] = wa
                bary[i, 1] = wb
                bary[i, 2] = wc

    def gradient(arrays, arguments):
        vertices_screen, depth, bary, distance, used, faces, _, height, width = arguments
        arrays.launch(
            used_fragments_adjoint_kernel(variant, choices),
            (
                arrays.constant(vertices_screen), arrays.gradient_or_scratch(vertices_screen), *(arrays.gradient_of(a) for a in (depth, bary, distance)),
                used.pixel, used.face, used.by_face(arrays), faces, used.n, used.n_at_once, height, width,
            ),
        )  # fmt: skip

    return Op(name="fragments", kernel=used_fragments, n_inputs=1, n_outputs=3, gradient=gradient)


@functools.cache
def used_fragments_adjoint_kernel(variant: Variant, choices: FragmentChoices):
    """Adds the gradient of the used slots to that of the vertices: what is wanted of one face is summed up first, of a slot in each lane."""
    real, index, lanes = variant.array, variant.index, variant.lanes

    @ti.kernel
    def used_fragments_adjoint(
        vertices_screen: real(2),
        vertices_screen_grad: real(2),  # [N, 3] added to
        depth_grad: real(1),  # [n_used]
        bary_grad: real(2),  # [n_used, 3]
        distance_grad: real(1),  # [n_used]
        used_pixels: index(1),
        used_faces: index(1),
        by_face: index(1),  # [n_used] `sort_by_face_kernel`
        faces: index(2),
        n_used: ti.i32,
        n_at_once: ti.i32,  # slots that a thread visits in one go
        height: ti.i32,
        width: ti.i32,
    ):
        ti.loop_config(serialize=variant.serial)
        for part in range((n_used + n_at_once - 1) // n_at_once):
            half_pixel = half_pixel_of(height, width, variant)
            xs, ys = ti.Vector.zero(variant.real, lanes), ti.Vector.zero(variant.real, lanes)
            wanted = ti.Vector.zero(variant.real, N_OF_FRAGMENT * lanes)
            place, end = part * n_at_once, ti.min((part + 1) * n_at_once, n_used)
            while place < end:  # a face's slots follow each other
                f = used_faces[used_slot(place, by_face, variant)]
                face = with_quotients(load_face(f, vertices_screen, faces))
                first_line = used_pixels[used_slot(place, by_face, variant)] // width // height * height
                sums = ti.Vector.zero(variant.real, 9 * lanes)
                is_same = True
                while is_same:
                    n, of_weights = 0, False
                    while is_same and n < lanes:
                        i = used_slot(place, by_face, variant)
                        line = used_pixels[i] // width  # of all images: integers are slow to divide
                        x, y = centre_of(used_pixels[i] - line * width, line - first_line, height, width, half_pixel, variant.real)
                        xs[n], ys[n] = x, y
                        of_fragment = ti.static([depth_grad[i], bary_grad[i, 0], bary_grad[i, 1], bary_grad[i, 2], distance_grad[i]])
                        for k in ti.static(range(N_OF_FRAGMENT)):
                            wanted[slot(k, n, lanes)] = of_fragment[k]
                            if ti.static(k < N_OF_FRAGMENT - 1):  # of faces behind others nothing is wanted but of the distance
                                of_weights = of_weights | (of_fragment[k] != 0)
                        n += 1
                        place += 1
                        is_same = place < end
                        if is_same:
                            is_same = used_faces[used_slot(place, by_face, variant)] == f
                    for l in range(n, lanes):
                        for k in ti.static(range(N_OF_FRAGMENT)):
                            wanted[slot(k, l, lanes)] = 0.0
                    if of_weights:
                        add_fragments(xs, ys, face, wanted, sums, True, lanes, choices)
                    else:
                        add_fragments(xs, ys, face, wanted, sums, False, lanes, choices)
                for corner in ti.static(range(3)):
                    for k in ti.static(range(3)):
                        vertices_screen_grad[faces[f, corner], k] += total_of(sums, 3 * corner + k, lanes)

    return used_fragments_adjoint


@ti.func
def centre_of(column, line, height, width, half_pixel, real: ti.template()):
    """x and y of a pixel."""
    return ti.cast(2 * column + 1 - width, real) * half_pixel, ti.cast(height - 2 * line - 1, real) * half_pixel


# Of a face, after its corners as `load_face` gives them: one over the squared lengths of its edges (nought for a short one) and over its area.
OVER_AB_SQ, OVER_BC_SQ, OVER_CA_SQ, OVER_AREA = 9, 10, 11, 12
N_OF_FACE = 13
N_OF_FRAGMENT = 5  # gradients of a slot: of its depth, weights and distance


@ti.func
def with_quotients(corners: ti.template()):
    ax, ay, az, bx, by, bz, cx, cy, cz = corners
    return ti.Vector([
        ax, ay, az, bx, by, bz, cx, cy, cz, over_length_sq(bx - ax, by - ay), over_length_sq(cx - bx, cy - by), over_length_sq(ax - cx, ay - cy),
        1.0 / (double_area(ax, ay, bx, by, cx, cy) + AREA_EPSILON),
    ])  # fmt: skip


@ti.func
def over_length_sq(ex, ey):
    """Nought for a short edge, which counts as its second end."""
    return ti.select(ex * ex + ey * ey > SHORT_EDGE_SQ, one_over_length_sq(ex, ey), ex * 0.0)


@ti.func
def add_fragments(
    xs: ti.template(), ys: ti.template(), face: ti.template(), wanted: ti.template(), sums: ti.template(), of_weights: ti.template(), lanes: ti.template(),
    choices: ti.template(),
):  # fmt: skip
    """Adds to ``sums`` what the corners of a face are told by its slots in the lanes. Straight-line code on local variables, which LLVM does side by side."""
    for l in range(lanes):
        of_lane = ti.Vector([wanted[slot(k, l, lanes)] for k in ti.static(range(N_OF_FRAGMENT))])
        grads = fragment_adjoint(xs[slot(0, l, lanes)], ys[slot(0, l, lanes)], face, of_lane, of_weights, choices)
        for k in ti.static(range(9)):
            sums[slot(k, l, lanes)] += grads[k]


@ti.func
def nearest_edge(d_ab, d_bc, d_ca, of_ab, of_bc, of_ca):
    """What belongs to the nearest edge, as the least of `fragment` takes it."""
    return ti.select(d_ab <= ti.min(d_bc, d_ca), of_ab, ti.select(d_bc <= d_ca, of_bc, of_ca))


@ti.func
def closest_point(x, y, ax, ay, bx, by, over):
    """(squared distance of (x, y) to the segment ab, what separates it from the closest point, how far that is from a to b)."""
    t, dx, dy, distance_sq, _ = segment(x, y, ax, ay, bx, by, over)
    to_bx, to_by = x - bx, y - by
    return (
        ti.select(over > 0, distance_sq, to_bx * to_bx + to_by * to_by), ti.select(over > 0, dx, to_bx), ti.select(over > 0, dy, to_by),
        ti.select(over > 0, t, 1.0),
    )  # fmt: skip


@ti.func
def fragment_adjoint(x, y, face: ti.template(), wanted: ti.template(), of_weights: ti.template(), choices: ti.template()):
    """Through `fragment`, from dL/d(depth, weights, signed squared distance) to (x, y, depth) of a, b and c: from below to above. Without ``of_weights``
    nothing is wanted of depth and weights.

    Quotients q_k = p_k/sum p have dL/dp_k = (dL/dq_k - sum q_j dL/dq_j)/sum p; w_k = s_k/A has dL/dA = -sum w_k dL/dw_k/A; the distance of the closest point
    c = a + t (b - a) has dd^2/da = -2 (1 - t) (p - c), dd^2/db = -2 t (p - c): its own motion does not count.
    """
    ax, ay, az, bx, by, bz, cx, cy, cz = face[0], face[1], face[2], face[3], face[4], face[5], face[6], face[7], face[8]
    # The weights, as `fragment` has them.
    over_area = face[OVER_AREA]
    la = double_area(bx, by, cx, cy, x, y) * over_area
    lb = double_area(cx, cy, ax, ay, x, y) * over_area
    lc = double_area(ax, ay, bx, by, x, y) * over_area
    wa, wb, wc, over_sum, sum_counts = la, lb, lc, over_area, over_area * 0.0
    if ti.static(choices.interpolation == Interpolation.PERSPECTIVE):
        ta, tb, tc = la * bz * cz, lb * az * cz, lc * az * bz
        over_sum = 1.0 / ti.max(ta + tb + tc, LEAST_DENOMINATOR)
        sum_counts = ti.select(ta + tb + tc > LEAST_DENOMINATOR, 1.0, over_area * 0.0)
        wa, wb, wc = ta * over_sum, tb * over_sum, tc * over_sum
    # The distance to the nearest edge.
    d_ab, x_ab, y_ab, t_ab = closest_point(x, y, ax, ay, bx, by, face[OVER_AB_SQ])
    d_bc, x_bc, y_bc, t_bc = closest_point(x, y, bx, by, cx, cy, face[OVER_BC_SQ])
    d_ca, x_ca, y_ca, t_ca = closest_point(x, y, cx, cy, ax, ay, face[OVER_CA_SQ])
    gd = ti.select((wa > 0) & (wb > 0) & (wc > 0), -2.0, 2.0) * wanted[4]
    rx, ry = gd * nearest_edge(d_ab, d_bc, d_ca, x_ab, x_bc, x_ca), gd * nearest_edge(d_ab, d_bc, d_ca, y_ab, y_bc, y_ca)
    ha = nearest_edge(d_ab, d_bc, d_ca, 1.0 - t_ab, t_bc * 0.0, t_ca)
    hb = nearest_edge(d_ab, d_bc, d_ca, t_ab, 1.0 - t_bc, t_ca * 0.0)
    hc = 1.0 - ha - hb
    grads = ti.Vector([-ha * rx, -ha * ry, rx * 0.0, -hb * rx, -hb * ry, rx * 0.0, -hc * rx, -hc * ry, rx * 0.0])
    if ti.static(of_weights):
        qa, qb, qc, over_total, total_counts = wa, wb, wc, over_sum, over_sum * 0.0
        if ti.static(choices.clipped):
            qa, qb, qc = ti.max(wa, 0.0), ti.max(wb, 0.0), ti.max(wc, 0.0)
            over_total = 1.0 / ti.max(qa + qb + qc, LEAST_SUM)
            total_counts = ti.select(qa + qb + qc > LEAST_SUM, 1.0, over_sum * 0.0)
            qa, qb, qc = qa * over_total, qb * over_total, qc * over_total
        # The depth.
        gaz, gbz, gcz = wanted[0] * qa, wanted[0] * qb, wanted[0] * qc
        ga, gb, gc = wanted[1] + wanted[0] * az, wanted[2] + wanted[0] * bz, wanted[3] + wanted[0] * cz
        # The weights.
        if ti.static(choices.clipped):
            mean = total_counts * (ga * qa + gb * qb + gc * qc)
            ga = ti.select(wa > 0, (ga - mean) * over_total, 0.0)
            gb = ti.select(wb > 0, (gb - mean) * over_total, 0.0)
            gc = ti.select(wc > 0, (gc - mean) * over_total, 0.0)
        if ti.static(choices.interpolation == Interpolation.PERSPECTIVE):
            mean = sum_counts * (ga * wa + gb * wb + gc * wc)
            ga, gb, gc = (ga - mean) * over_sum, (gb - mean) * over_sum, (gc - mean) * over_sum
            gaz += gb * lb * cz + gc * lc * bz
            gbz += ga * la * cz + gc * lc * az
            gcz += ga * la * bz + gb * lb * az
            ga, gb, gc = ga * bz * cz, gb * az * cz, gc * az * bz
        ga, gb, gc = ga * over_area, gb * over_area, gc * over_area
        g_area = -(ga * la + gb * lb + gc * lc)
        grads += ti.Vector([
            g_area * (by - cy) + gb * (y - cy) + gc * (by - y), g_area * (cx - bx) + gb * (cx - x) + gc * (x - bx), gaz,
            g_area * (cy - ay) + gc * (y - ay) + ga * (cy - y), g_area * (ax - cx) + gc * (ax - x) + ga * (x - cx), gbz,
            g_area * (ay - by) + ga * (y - by) + gb * (ay - y), g_area * (bx - ax) + ga * (bx - x) + gb * (x - ax), gcz,
        ])  # fmt: skip
    return grads


@functools.cache
def spread_op(variant: Variant) -> Op:
    """Depth, weights and distance of the used slots, in place among all slots. Outputs as the inputs, [B, H, W, K, ...]; an empty slot holds -1."""
    return Op(name="spread", kernel=_spread_kernel(variant, flat=True), n_inputs=3, n_outputs=3, forward=_spread_kernel(variant, flat=False))


def _spread_kernel(variant: Variant, flat: bool):
    """Writes all slots of all pixels; or, if ``flat``, adds to the used slots alone: its generated gradient is that of both."""
    real, index = variant.array, variant.index

    @ti.kernel
    def spread(
        depth: real(1),  # [n_used]
        bary: real(2),  # [n_used, 3]
        distance: real(1),  # [n_used]
        depth_img: real(4),  # [B, H, W, K] written; if flat, added to
        bary_img: real(5),  # [B, H, W, K, 3] likewise
        distance_img: real(4),  # [B, H, W, K] likewise
        used_slots: index(1),  # [n_used]
        first_used: index(1),  # [B * H * W + 1]
        n_used: ti.i32,
        n_images: ti.i32,
        height: ti.i32,
        width: ti.i32,
        n_slots: ti.i32,
    ):
        if ti.static(flat):
            for i in range(n_used):
                k, pixel = used_slots[i] % n_slots, used_slots[i] // n_slots
                column, line, image = pixel % width, pixel // width % height, pixel // (width * height)
                depth_img[image, line, column, k] += depth[i]
                distance_img[image, line, column, k] += distance[i]
                for j in ti.static(range(3)):
                    bary_img[image, line, column, k, j] += bary[i, j]
        else:
            for pixel in range(n_images * height * width):
                column, line, image = pixel % width, pixel // width % height, pixel // (width * height)
                for k in range(n_slots):
                    i = first_used[pixel] + k
                    used = i < first_used[pixel + 1]
                    i = ti.select(used, i, 0)
                    depth_img[image, line, column, k] = ti.select(used, depth[i], EMPTY)
                    distance_img[image, line, column, k] = ti.select(used, distance[i], EMPTY)
                    for j in ti.static(range(3)):
                        bary_img[image, line, column, k, j] = ti.select(used, bary[i, j], EMPTY)

    return spread
