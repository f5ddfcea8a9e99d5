"""DIB-R: a hard foreground, and a soft mask around it (Chen et al. 2019, "Learning to Predict 3D Objects with an Interpolation-based Differentiable Renderer").

* Foreground: a pixel has the features of the nearest face that has it inside, interpolated (equation 1 of the paper).
* Soft mask: 1 in the foreground; elsewhere 1 - prod_j (1 - A_j), A_j = exp(-sigmainv d_j^2), d_j the distance to face j (equations 5 and 6). With a box around
  each face and a number of faces per pixel (Kaolin) it is decided which faces count.

Image coordinates: x and y run over [-1, 1] across the width and the height, y up; z along the view axis, negative ahead: the larger is the nearer. Pixels come
in tiles (`tiles`), and the kernels are told where their centres are.

Kernels that decide (which face is nearest, which ones count) have no gradient and loop over the faces of a tile. The others are flat.
"""

import enum
import functools
from dataclasses import replace

from ..language import ti
from .op import Op
from .tiles import block_of, pixel_place, place_and_block
from .triangle import one_over_length_sq, oriented_area, segment
from .variant import Variant

__all__ = [
    "ALL_FACES",
    "NO_FACE",
    "MaskFaces",
    "choose_kernel",
    "collect_kernel",
    "interpolate_op",
    "mark_kernel",
    "mask_op",
    "nearest_kernel",
    "screen_kernel",
    "soften_op",
]

NO_FACE = -1
ALL_FACES = (1 << 31) - 1  # every face comes before it
FARTHEST_SQ = 1e30  # no squared distance is larger
EQUALLY_NEAR = 1e-5  # squared distances that differ by less than this part are equal: rounding does not decide which faces count
LEAST_FREE = 1e-16  # what a face leaves free of a pixel, at least: its logarithm is finite

# Places in the second dimension of `bounds`.
SURE = 0  # faces up to this squared distance count
CUT = 1  # and of those up to this one, those that come first


class MaskFaces(enum.Enum):
    """Which of the faces whose box holds a pixel count for its soft mask."""

    FIRST = "first"
    """The first ``knum``, in the order of the mesh (Kaolin). Which ones a pixel is drawn to then depends on how the faces are numbered."""
    NEAREST = "nearest"
    """The ``knum`` nearest; of equally near ones the first."""
    ALL = "all"
    """All of them."""


@ti.func
def centres(tile, block, column_x: ti.template(), row_y: ti.template(), height, width, variant: ti.template()):
    """Image coordinates x and y of a block of lanes, two vectors."""
    _, line, column = block_of(tile, block, height, width, variant)
    x = variant.vector([column_x[column + place[1]] for place in ti.static(variant.lane_places)])
    y = variant.vector([row_y[line + place[0]] for place in ti.static(variant.lane_places)])
    return x, y


@ti.func
def outline(f, vertices_image: ti.template(), faces: ti.template()):
    """The corners of a face in the image."""
    a, b, c = faces[f, 0], faces[f, 1], faces[f, 2]
    return vertices_image[a, 0], vertices_image[a, 1], vertices_image[b, 0], vertices_image[b, 1], vertices_image[c, 0], vertices_image[c, 1]


@ti.func
def in_box(x, y, ax, ay, bx, by, cx, cy, margin):
    """Whether the box around a face, grown by ``margin``, holds the pixel. Its right and upper sides do not belong to it."""
    across = (x >= ti.min(ax, bx, cx) - margin) & (x < ti.max(ax, bx, cx) + margin)
    along = (y >= ti.min(ay, by, cy) - margin) & (y < ti.max(ay, by, cy) + margin)
    return across & along


@ti.func
def opposite_areas(x, y, ax, ay, bx, by, cx, cy, eps):
    """Twice the signed areas between the pixel and the sides opposite to a, b and c; and their sum, moved off zero by ``eps``, which makes weights of them."""
    wa = (bx - x) * (cy - y) - (by - y) * (cx - x)
    wb = (cx - x) * (ay - y) - (cy - y) * (ax - x)
    wc = (ax - x) * (by - y) - (ay - y) * (bx - x)
    total = wa + wb + wc
    return wa, wb, wc, total + ti.select(total < 0, total * 0.0 - eps, total * 0.0 + eps)


@ti.func
def seen_weights(wa, wb, wc, az, bz, cz):
    """What a pinhole camera sees of a flat triangle: w_i/z_i over their sum, which is 1/z."""
    qa, qb, qc = wa / az, wb / bz, wc / cz
    z = 1.0 / (qa + qb + qc)
    return qa * z, qb * z, qc * z


@ti.func
def outline_distance_sq(x, y, ax, ay, bx, by, cx, cy):
    """d^2 to the nearest edge whose foot lies within, or corner."""
    _, _, _, ab, _ = segment(x, y, ax, ay, bx, by, one_over_length_sq(bx - ax, by - ay))
    _, _, _, bc, _ = segment(x, y, bx, by, cx, cy, one_over_length_sq(cx - bx, cy - by))
    _, _, _, ca, _ = segment(x, y, cx, cy, ax, ay, one_over_length_sq(ax - cx, ay - cy))
    return ti.min(ab, ti.min(bc, ca))


@ti.func
def left_free(distance_sq, sigmainv, real: ti.template()):
    """-log(1 - A), A = exp(-sigmainv d^2): what the faces of a pixel leave free of it is exp(-their sum)."""
    return -ti.log(ti.max(1.0 - ti.exp(-sigmainv * distance_sq), real(LEAST_FREE)))


@ti.func
def accepted(
    f, x, y, tile, block, vertices_image: ti.template(), faces: ti.template(), lasts: ti.template(), bounds: ti.template(), boxlen,
    which: ti.template(), variant: ti.template(),
):  # fmt: skip
    """Whether a face counts for the masks of a block of lanes, and the squared distances to it."""
    ax, ay, bx, by, cx, cy = outline(f, vertices_image, faces)
    held = in_box(x, y, ax, ay, bx, by, cx, cy, boxlen)
    distance_sq = outline_distance_sq(x, y, ax, ay, bx, by, cx, cy)
    first = block * variant.lanes
    last = ti.Vector([lasts[tile * variant.tile_pixels + first + l] for l in ti.static(range(variant.lanes))], dt=ti.i32)
    counts = held & (last >= f)
    if ti.static(which == MaskFaces.NEAREST):
        sure = variant.vector([bounds[tile, SURE, first + l] for l in ti.static(range(variant.lanes))])
        cut = variant.vector([bounds[tile, CUT, first + l] for l in ti.static(range(variant.lanes))])
        counts = held & ((distance_sq <= sure) | ((distance_sq <= cut) & (last >= f)))
    return counts, distance_sq


@functools.cache
def screen_kernel(variant: Variant):
    """Image coordinates as those of the screen (the shorter image side spans [-1, 1]), and depth: what `tiles` wants."""
    real = variant.array

    @ti.kernel
    def to_screen(vertices_image: real(2), vertices_screen: real(2), scale_x: variant.real, scale_y: variant.real, n: ti.i32):
        for i in range(n):
            vertices_screen[i, 0] = vertices_image[i, 0] * scale_x
            vertices_screen[i, 1] = vertices_image[i, 1] * scale_y
            vertices_screen[i, 2] = -vertices_image[i, 2]

    return to_screen


@functools.cache
def nearest_kernel(variant: Variant, perspective: bool):
    """Which face is seen at each pixel: of those shown that have it inside, the one with the largest z; on ties the first; or `NO_FACE`."""
    real, index, vector, lanes = variant.array, variant.index, variant.vector, variant.lanes

    @ti.kernel
    def nearest(
        vertices_image: real(2),  # [N, 3] x, y; z, negative ahead
        column_x: real(1),  # [W + tile] centres of the pixels
        row_y: real(1),  # [H + tile]
        face_img: index(3),  # [B, H, W] written: the number of the face within its image
        faces: index(2),  # [F, 3]
        face_shown: index(1),  # [F] 0: left out
        first_face: index(1),  # [B] of each image
        pair_face: index(1),  # [pairs]
        tile_offset: index(1),  # [tiles + 1]
        eps: variant.real,
        n_tiles: ti.i32,
        height: ti.i32,
        width: ti.i32,
    ):
        for item in range(n_tiles * variant.blocks_per_tile):
            tile, block = place_and_block(item, variant)
            image, line, column = block_of(tile, block, height, width, variant)
            x, y = centres(tile, block, column_x, row_y, height, width, variant)
            found = ti.Vector([NO_FACE for l in ti.static(range(lanes))], dt=ti.i32)
            found_z = vector(0)
            for k in range(tile_offset[tile], tile_offset[tile + 1]):
                f = pair_face[k]
                ax, ay, bx, by, cx, cy = outline(f, vertices_image, faces)
                _, sign = oriented_area(ax, ay, bx, by, cx, cy)
                if face_shown[f] != 0 and sign != 0 and y[0] >= ti.min(ay, by, cy) and y[lanes - 1] < ti.max(ay, by, cy):
                    az, bz, cz = vertices_image[faces[f, 0], 2], vertices_image[faces[f, 1], 2], vertices_image[faces[f, 2], 2]
                    wa, wb, wc, total = opposite_areas(x, y, ax, ay, bx, by, cx, cy, eps)
                    wa, wb, wc = wa / total, wb / total, wc / total
                    inside = (wa >= 0) & (wb >= 0) & (wc >= 0) & in_box(x, y, ax, ay, bx, by, cx, cy, 0)
                    z = wa * az + wb * bz + wc * cz
                    if ti.static(perspective):
                        z = 1.0 / ti.select(inside, wa / az + wb / bz + wc / cz, -1.0)
                    nearer = inside & ((found < 0) | (z > found_z))
                    found = ti.select(nearer, f, found)
                    found_z = ti.select(nearer, z, found_z)
            for l in ti.static(range(lanes)):
                r, c = line + ti.static(variant.lane_places[l][0]), column + ti.static(variant.lane_places[l][1])
                if r < height and c < width:
                    face_img[image, r, c] = ti.select(found[l] < 0, NO_FACE, found[l] - first_face[image])

    return nearest


@functools.cache
def interpolate_op(variant: Variant, perspective: bool, at_once: int) -> Op:
    """The features of the face that is seen at each pixel; 0 where there is none. ``at_once`` channels by one iteration.

    Inputs: vertices_image, features. Output: features_img.
    """
    real, index = variant.array, variant.index

    @ti.kernel
    def interpolate(
        vertices_image: real(2),  # [N, 3]
        features: real(2),  # [V, n_features]
        features_img: real(4),  # [B, H, W, n_features] added to
        column_x: real(1),
        row_y: real(1),
        face_img: index(3),  # [B, H, W]
        faces: index(2),  # [F, 3] into vertices_image
        feature_faces: index(2),  # [F, 3] into features
        first_face: index(1),  # [B]
        eps: variant.real,
        n_features: ti.i32,
        n_groups: ti.i32,
        n_faces: ti.i32,
        n_images: ti.i32,
        height: ti.i32,
        width: ti.i32,
    ):
        for item in range(n_images * height * width * n_groups):
            place, group = item // n_groups, item % n_groups
            image, line, column = place // (height * width), place // width % height, place % width
            seen = face_img[image, line, column] >= 0
            # Where no face is seen, any will do: nothing is taken of it. Another one at each pixel, so that threads do not meet when they add their zeros.
            f = ti.select(seen, first_face[image] + face_img[image, line, column], place % n_faces)
            ax, ay, bx, by, cx, cy = outline(f, vertices_image, faces)
            area_a, area_b, area_c, total = opposite_areas(column_x[column], row_y[line], ax, ay, bx, by, cx, cy, eps)
            one_over_total = 1.0 / ti.select(seen, total, 1.0)
            wa, wb, wc = area_a * one_over_total, area_b * one_over_total, area_c * one_over_total
            if ti.static(perspective):
                az = ti.select(seen, vertices_image[faces[f, 0], 2], -1.0)
                bz = ti.select(seen, vertices_image[faces[f, 1], 2], -1.0)
                cz = ti.select(seen, vertices_image[faces[f, 2], 2], -1.0)
                third = wa * 0.0 + 1.0 / 3.0
                wa, wb, wc = seen_weights(ti.select(seen, wa, third), ti.select(seen, wb, third), ti.select(seen, wc, third), az, bz, cz)
            for s in ti.static(range(at_once)):
                channel = ti.min(group * at_once + s, n_features - 1)  # the last group may have places to spare, which add nothing
                value = wa * features[feature_faces[f, 0], channel] + wb * features[feature_faces[f, 1], channel] + wc * features[feature_faces[f, 2], channel]
                features_img[image, line, column, channel] += ti.select(seen & (group * at_once + s < n_features), value, 0.0)

    return Op(name="interpolate", kernel=interpolate, n_inputs=2, n_outputs=1)


@functools.cache
def choose_kernel(variant: Variant, which: MaskFaces):
    """Up to which face, and within which distances, faces count for each pixel without a foreground."""
    real, index = variant.array, variant.index
    single, number = replace(variant, lanes=1), variant.real

    @ti.kernel
    def choose(
        vertices_image: real(2),  # [N, 3]
        column_x: real(1),
        row_y: real(1),
        lasts: index(1),  # [tiles * tile_pixels] written: the last face that counts; NO_FACE for a pixel of the foreground
        bounds: real(3),  # [tiles, 2, tile_pixels] written (nearest): squared distances, SURE and CUT
        face_img: index(3),  # [B, H, W]
        faces: index(2),  # [F, 3]
        pair_face: index(1),  # [pairs]
        tile_offset: index(1),  # [tiles + 1]
        boxlen: variant.real,
        knum: ti.i32,
        n_tiles: ti.i32,
        height: ti.i32,
        width: ti.i32,
    ):
        for item in range(n_tiles * variant.tile_pixels):
            tile, pixel = place_and_block(item, single)
            image, line, column = block_of(tile, pixel, height, width, single)
            first, end = tile_offset[tile], tile_offset[tile + 1]
            x, y = column_x[column], row_y[line]
            last = NO_FACE
            sure, cut = number(-1.0), number(-1.0)
            if line < height and column < width:
                if face_img[image, line, column] < 0:
                    last = ALL_FACES
                    sure = number(FARTHEST_SQ)
            if ti.static(which != MaskFaces.ALL):
                n_held = 0
                for k in range(first, end):
                    if last == ALL_FACES:
                        ax, ay, bx, by, cx, cy = outline(pair_face[k], vertices_image, faces)
                        if in_box(x, y, ax, ay, bx, by, cx, cy, boxlen):
                            n_held += 1
                            if ti.static(which == MaskFaces.FIRST):
                                if n_held == knum:
                                    last = pair_face[k]
                if ti.static(which == MaskFaces.NEAREST):
                    if n_held > knum:  # the nearest ones, the next nearest, and so on, until there are enough
                        sure = number(-1.0)
                        n_near = 0
                        while n_near < knum:
                            nearest_sq = number(FARTHEST_SQ)  # beyond the cut
                            for k in range(first, end):
                                ax, ay, bx, by, cx, cy = outline(pair_face[k], vertices_image, faces)
                                if in_box(x, y, ax, ay, bx, by, cx, cy, boxlen):
                                    distance_sq = outline_distance_sq(x, y, ax, ay, bx, by, cx, cy)
                                    if distance_sq > cut:
                                        nearest_sq = ti.min(nearest_sq, distance_sq)
                                    elif distance_sq > sure:
                                        n_near += 1
                                        if n_near == knum:
                                            last = pair_face[k]
                            if n_near < knum:
                                sure = cut
                                cut = nearest_sq * (1.0 + EQUALLY_NEAR)
            lasts[item] = last
            if ti.static(which == MaskFaces.NEAREST):
                bounds[tile, SURE, pixel] = sure
                bounds[tile, CUT, pixel] = cut

    return choose


@functools.cache
def mark_kernel(variant: Variant, which: MaskFaces):
    """marks[pair] = 1 if the face counts for a pixel of the tile: few do."""
    real, index = variant.array, variant.index

    @ti.kernel
    def mark(
        vertices_image: real(2),
        column_x: real(1),
        row_y: real(1),
        marks: index(1),  # [pairs] written
        lasts: index(1),
        bounds: real(3),
        faces: index(2),
        pair_face: index(1),
        pair_tile: index(1),
        boxlen: variant.real,
        n_pairs: ti.i32,
        height: ti.i32,
        width: ti.i32,
    ):
        for pair in range(n_pairs):
            f, tile = pair_face[pair], pair_tile[pair]
            bare = False
            for pixel in range(tile * variant.tile_pixels, (tile + 1) * variant.tile_pixels):
                bare = bare or lasts[pixel] != NO_FACE
            marked = 0
            if bare:
                for block in range(variant.blocks_per_tile):
                    x, y = centres(tile, block, column_x, row_y, height, width, variant)
                    counts, _ = accepted(f, x, y, tile, block, vertices_image, faces, lasts, bounds, boxlen, which, variant)
                    for l in ti.static(range(variant.lanes)):
                        marked = ti.select(counts[l], 1, marked)
            marks[pair] = marked

    return mark


@functools.cache
def collect_kernel(variant: Variant):
    """The marked pairs, in their order."""
    index = variant.index

    @ti.kernel
    def collect(
        marks: index(1),  # [pairs]
        places: index(1),  # [pairs] how many are marked before each
        pair_face: index(1),
        pair_tile: index(1),
        marked_face: index(1),  # [marked] written
        marked_tile: index(1),  # [marked] written
        n_pairs: ti.i32,
    ):
        for pair in range(n_pairs):
            if marks[pair] != 0:
                marked_face[places[pair]] = pair_face[pair]
                marked_tile[places[pair]] = pair_tile[pair]

    return collect


@functools.cache
def soften_op(variant: Variant, which: MaskFaces) -> Op:
    """Per pixel the sum over its faces of -log(1 - A). Input: vertices_image. Output: sums [tiles, tile_pixels].

    The way forward walks the marked pairs of each tile, so that a picture has the same bits in every run; its gradient is that of the flat kernel.
    """
    return Op(name="soften", kernel=_soften_kernel(variant, which, flat=True), n_inputs=1, n_outputs=1, forward=_soften_kernel(variant, which, flat=False))


def _soften_kernel(variant: Variant, which: MaskFaces, flat: bool):
    """One iteration for each marked pair and block of lanes, if ``flat``, else for each tile and block, which then writes the sums."""
    real, index, vector, lanes = variant.array, variant.index, variant.vector, variant.lanes

    @ti.kernel
    def soften(
        vertices_image: real(2),  # [N, 3]
        sums: real(2),  # [tiles, tile_pixels] written; if flat, added to
        column_x: real(1),
        row_y: real(1),
        lasts: index(1),
        bounds: real(3),
        faces: index(2),
        marked_face: index(1),  # [marked]
        marked_tile: index(1),  # [marked]
        places: index(1),  # [pairs] how many are marked before each
        tile_offset: index(1),  # [tiles + 1] into the pairs
        boxlen: variant.real,
        sigmainv: variant.real,
        n_marked: ti.i32,
        n_pairs: ti.i32,
        n_tiles: ti.i32,
        height: ti.i32,
        width: ti.i32,
    ):
        if ti.static(flat):
            for item in range(n_marked * variant.blocks_per_tile):
                pair, block = place_and_block(item, variant)
                f, tile = marked_face[pair], marked_tile[pair]
                x, y = centres(tile, block, column_x, row_y, height, width, variant)
                counts, distance_sq = accepted(f, x, y, tile, block, vertices_image, faces, lasts, bounds, boxlen, which, variant)
                share = ti.select(counts, left_free(distance_sq, sigmainv, variant.real), 0.0)
                for l in ti.static(range(lanes)):
                    sums[tile, block * lanes + l] += share[l]
        else:
            for item in range(n_tiles * variant.blocks_per_tile):
                tile, block = place_and_block(item, variant)
                x, y = centres(tile, block, column_x, row_y, height, width, variant)
                first, last = n_marked, n_marked
                if tile_offset[tile] < n_pairs:
                    first = places[tile_offset[tile]]
                if tile_offset[tile + 1] < n_pairs:
                    last = places[tile_offset[tile + 1]]
                total = vector(0)
                for k in range(first, last):
                    counts, distance_sq = accepted(marked_face[k], x, y, tile, block, vertices_image, faces, lasts, bounds, boxlen, which, variant)
                    total += ti.select(counts, left_free(distance_sq, sigmainv, variant.real), 0.0)
                for l in ti.static(range(lanes)):
                    sums[tile, block * lanes + l] = total[l]

    return soften


@functools.cache
def mask_op(variant: Variant) -> Op:
    """1 in the foreground, without gradient; elsewhere 1 - exp(-sum). Input: sums. Output: mask_img [B, H, W]."""
    real, index = variant.array, variant.index

    @ti.kernel
    def mask(sums: real(2), mask_img: real(3), face_img: index(3), n_images: ti.i32, height: ti.i32, width: ti.i32):
        for place in range(n_images * height * width):
            image, line, column = place // (height * width), place // width % height, place % width
            tile, pixel = pixel_place(image, line, column, height, width, variant)
            mask_img[image, line, column] += ti.select(face_img[image, line, column] >= 0, 1.0, 1.0 - ti.exp(-sums[tile, pixel]))

    return Op(name="mask", kernel=mask, n_inputs=1, n_outputs=1)
