"""The K nearest faces of every pixel, one by one: for people who shade and blend them themselves.

What counts as a hit, the weights and the distance are PyTorch3D's (0.7, `rasterize_meshes`), with its small constants, so that its numbers come out:

    w_a = s_a / (area + AREA_EPSILON)                                       s_a, s_b, s_c the areas on the far side of the edges
    perspective     w_a z_b z_c / (w_a z_b z_c + w_b z_a z_c + w_c z_a z_b) and so on
    clipped         max(w, 0) / max(sum of max(w, 0), LEAST_SUM)
    depth           w_a z_a + w_b z_b + w_c z_c

Two steps. `nearest_faces` walks the faces of each tile and keeps the K nearest of each pixel: a decision, without gradient. `fragments_op` computes what those
faces are to their pixels; its gradient is Taichi's.
"""

import functools
from dataclasses import dataclass

import taichi as ti

from .face import Interpolation, Sides, block_centres
from .op import Op
from .tiles import block_of, place_and_block
from .triangle import load_face, one_over_length_sq, segment
from .variant import Variant

__all__ = ["FragmentChoices", "fragments_op", "list_slots_kernel", "nearest_faces_kernel"]

AREA_EPSILON = 1e-8  # added to twice the signed area; a face whose area is not larger is not seen
SHORT_EDGE_SQ = 1e-8  # an edge whose squared length is not larger counts as its second end
LEAST_DENOMINATOR = 1e-8  # of the perspective correction
LEAST_SUM = 1e-5  # of clipped weights
EMPTY = -1.0  # what an unused slot holds


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
    lanes = variant.lanes

    @ti.kernel
    def nearest_faces(
        vertices_screen: real(2),  # [N, 3] x, y on the screen; depth
        slot_face: index(4),  # [B, H, W, K] -1; written
        slot_depth: real(4),  # [B, H, W, K] written where a slot is used
        n_used: index(1),  # [B * H * W] nought; used slots of each pixel, written
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
            x, y = block_centres(tile, block, height, width, variant)
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
                    depth, _, _, _, distance_sq, inside = fragment(x, y, ax, ay, az, bx, by, bz, cx, cy, cz, choices)
                    hit = (inside | (distance_sq < reach_sq)) & (depth >= 0)
                    for l in ti.static(range(lanes)):
                        line, column = first_line + ti.static(variant.lane_places[l][0]), first_column + ti.static(variant.lane_places[l][1])
                        if hit[l] and column < width and line < height:
                            pixel = (image * height + line) * width + column
                            used = n_used[pixel]
                            place = used
                            if used == n_slots:
                                place = ti.select(depth[l] < slot_depth[image, line, column, n_slots - 1], n_slots - 1, n_slots)
                            else:
                                n_used[pixel] = used + 1
                            if place < n_slots:
                                while place > 0 and slot_depth[image, line, column, ti.max(place - 1, 0)] > depth[l]:
                                    slot_depth[image, line, column, place] = slot_depth[image, line, column, place - 1]
                                    slot_face[image, line, column, place] = slot_face[image, line, column, place - 1]
                                    place -= 1
                                slot_depth[image, line, column, place] = depth[l]
                                slot_face[image, line, column, place] = f

    return nearest_faces


@functools.cache
def list_slots_kernel(variant: Variant):
    """Lists the used slots of all pixels, counted over [B, H, W, K]: a gradient need not visit the empty ones."""
    index = variant.index

    @ti.kernel
    def list_slots(
        n_used: index(1),  # [B * H * W]
        first_place: index(1),  # [B * H * W] the sum of n_used before each pixel
        used_slots: index(1),  # [sum of n_used] written
        n_slots: ti.i32,
        n_pixels: ti.i32,
    ):
        for pixel in range(n_pixels):
            for k in range(n_used[pixel]):
                used_slots[first_place[pixel] + k] = pixel * n_slots + k

    return list_slots


@functools.cache
def fragments_op(variant: Variant, choices: FragmentChoices) -> Op:
    """Depth, weights and signed squared distance (negative inside) of the faces in the slots.

    Inputs: vertices_screen. Outputs: depth, bary, distance_sq_signed. The forward pass writes -1 into empty slots, which have no gradient.
    """
    return Op(
        name="fragments",
        kernel=_slots_kernel(variant, choices, flat=True),
        n_inputs=1,
        n_outputs=3,
        forward=_slots_kernel(variant, choices, flat=False),
    )


@ti.func
def fragment_at(column, line, height, width, f, vertices_screen: ti.template(), faces: ti.template(), choices: ti.template()):
    """(depth, weights, signed squared distance) of the face f at a pixel."""
    ax, ay, az, bx, by, bz, cx, cy, cz = load_face(f, vertices_screen, faces)
    shorter_side = ti.min(height, width) + ax * 0.0
    x, y = (2 * column + 1 - width) / shorter_side, (height - 2 * line - 1) / shorter_side
    depth, wa, wb, wc, distance_sq, inside = fragment(x, y, ax, ay, az, bx, by, bz, cx, cy, cz, choices)
    return depth, wa, wb, wc, ti.select(inside, -distance_sq, distance_sq)


def _slots_kernel(variant: Variant, choices: FragmentChoices, flat: bool):
    """Writes all slots of all pixels; or, if ``flat``, adds the same numbers to the used slots alone: its generated gradient is that of both."""
    real, index = variant.array, variant.index

    @ti.kernel
    def slots(
        vertices_screen: real(2),  # [N, 3] x, y on the screen; depth
        depth_img: real(4),  # [B, H, W, K] written; if flat, added to
        bary_img: real(5),  # [B, H, W, K, 3] likewise
        distance_img: real(4),  # [B, H, W, K] likewise
        slot_face: index(4),  # [B, H, W, K]
        used_slots: index(1),  # [n_used]
        faces: index(2),  # [F, 3]
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
                f = slot_face[image, line, column, k]
                depth, wa, wb, wc, distance = fragment_at(column, line, height, width, f, vertices_screen, faces, choices)
                depth_img[image, line, column, k] += depth
                distance_img[image, line, column, k] += distance
                bary_img[image, line, column, k, 0] += wa
                bary_img[image, line, column, k, 1] += wb
                bary_img[image, line, column, k, 2] += wc
        else:
            for pixel in range(n_images * height * width):
                column, line, image = pixel % width, pixel // width % height, pixel // (width * height)
                for k in range(n_slots):
                    f = slot_face[image, line, column, k]
                    if f < 0:
                        depth_img[image, line, column, k] = EMPTY
                        distance_img[image, line, column, k] = EMPTY
                        for j in ti.static(range(3)):
                            bary_img[image, line, column, k, j] = EMPTY
                    else:
                        depth, wa, wb, wc, distance = fragment_at(column, line, height, width, f, vertices_screen, faces, choices)
                        depth_img[image, line, column, k] = depth
                        distance_img[image, line, column, k] = distance
                        bary_img[image, line, column, k, 0] = wa
                        bary_img[image, line, column, k, 1] = wb
                        bary_img[image, line, column, k, 2] = wc

    return slots
