"""Which faces reach which tile: count, prefix sum, fill. Nothing is capped and nothing is dropped.

A tile is a small block of pixels of one image. The faces of a tile come out in ascending order whatever the number of threads, because the
faces are dealt in ``n_shares`` contiguous shares, each written by one thread: a stable counting sort. So a picture has the same bits in every run.

On CUDA a thread takes one face, and a tile's faces are listed as they come (atomic additions tell each its place). Then a team of threads sorts the list of
each tile, by a bit for each face: that takes as long as the list is, in whatever order it was.

Where the faces of a tile are wanted in another order, the same for all tiles, they are dealt in that (``ordered``).
"""

import functools

from ..language import ti
from .special import larger, smaller
from .triangle import N_SET_UP, TINY_LENGTH_SQ, in_set_up, load_face, oriented_area, set_up
from .variant import AT_ONCE, Variant

__all__ = [
    "BAD_FACE",
    "BEFORE_PLANE",
    "BEHIND_EYE",
    "BOX_COLUMNS",
    "FACES",
    "LARGE",
    "MAX_PAIRS",
    "NOTHING_BEHIND",
    "N_REACHED",
    "N_STATISTICS",
    "OVERFLOW",
    "SCAN_CHUNK",
    "TOTAL",
    "bin_kernel",
    "block_of",
    "fill_kernel",
    "half_pixel_of",
    "large_box",
    "misses_tile",
    "nearest_corners_kernel",
    "next_in_box",
    "pixel_place",
    "place_and_block",
    "place_in_image",
    "powers_of_two",
    "scan_kernel",
    "tiles_of_image",
    "whole_teams",
]

# What `statistics` holds, after `see` (`kernels.projection`) and after `scan`; the host reads all of it at once:
TOTAL = 0  # number of (face, tile) pairs
OVERFLOW = 1  # 1 if that number does not fit
BAD_FACE = 2  # 1 + index of a face with a vertex that is NaN or infinite, or 0
BEFORE_PLANE = 3  # 1 if a vertex lies before the plane at which faces are cut
FACES = 4  # number of faces that reach any tile (counted where there are lanes)
N_STATISTICS = 5

MAX_PAIRS = 1 << 30
BEHIND_EYE = 1e-6  # a face with a vertex at or before this depth is left out: its screen position means nothing
NOTHING_BEHIND = -3e38  # no vertex lies before this depth
SCAN_CHUNK = 1024
SORT_WORDS, SORT_TEAMS = 1024, 2048  # of bits of a team, in its shared memory; teams, which is more than any GPU of today has at once
NO_FACE = (1 << 31) - 1
BOX_COLUMNS, BOX_ROWS = 4, 7  # a box of tiles no larger than that has a bit for each in the record of `count_tiles`
LARGE = -1  # in place of the bits: the box is larger
N_LARGE = 11  # what is written down of a larger box: where it ends, and what `misses_tile` goes by
N_REACHED = 2 + N_LARGE  # numbers in the record of a face
LARGEST_SUM = 1 << 29  # of the products in `misses_tile`; what is added to them is up to twice as large: all of it fits 32 bits
REACH_SLACK = 1e-5  # a tile is kept if it is this fraction of the screen beyond reach: rounding never drops a pair


@ti.func
def tiles_of_image(height, width, variant: ti.template()):
    """How many tiles there are across an image, and how many down."""
    return (width + variant.tile_width - 1) // variant.tile_width, (height + variant.tile_height - 1) // variant.tile_height


@ti.func
def place_and_block(item, variant: ti.template()):
    """Which tile, or which pair of a face and a tile, an iteration works on, and which block of lanes of it."""
    return item // variant.blocks_per_tile, item % variant.blocks_per_tile


@ti.func
def whole_teams(n, variant: ti.template()):
    """So many turns, rounded up to whole teams: all threads of one make as many."""
    return (n + variant.team - 1) // variant.team * variant.team


@ti.func
def pixel_place(image, line, column, height, width, variant: ti.template()):
    """(tile, place in it) of a pixel."""
    tiles_x, tiles_y = tiles_of_image(height, width, variant)
    tile = (image * tiles_y + line // variant.tile_height) * tiles_x + column // variant.tile_width
    return tile, (line % variant.tile_height) * variant.tile_width + column % variant.tile_width


@ti.func
def place_in_image(tx, ty, pixel, variant: ti.template()):
    """(line, column) of a pixel of the tile in column ``tx`` and row ``ty`` of the tiles."""
    return ty * variant.tile_height + pixel // variant.tile_width, tx * variant.tile_width + pixel % variant.tile_width


@ti.func
def half_pixel_of(height, width, variant: ti.template()):
    """Half the side of a pixel, in screen units: to be asked for once, for LLVM takes a division by an argument for a new one in each turn of a loop."""
    return 1.0 / ti.cast(ti.min(height, width), variant.real)


@ti.func
def block_of(tile, block, height, width, variant: ti.template()):
    """(image, line, column of the first pixel) of a block of lanes. Where its other pixels are: `Variant.lane_places`."""
    tiles_x, tiles_y = tiles_of_image(height, width, variant)
    line, column = place_in_image(tile % tiles_x, (tile // tiles_x) % tiles_y, block * variant.lanes, variant)
    return tile // (tiles_x * tiles_y), line, column


@ti.func
def is_finite(value, double: ti.template()):
    """By the bits: comparisons with NaN mean nothing under fast arithmetic."""
    finite = True
    if ti.static(double):
        finite = ((ti.bit_cast(value, ti.i64) >> 52) & 0x7FF) != 0x7FF
    else:
        finite = ((ti.bit_cast(value, ti.i32) >> 23) & 0xFF) != 0xFF
    return finite


@ti.func
def pixel_of(coordinate, size, shorter_side):
    """The (fractional) pixel index of a screen coordinate, clamped so that it fits an integer."""
    pixel = (coordinate * shorter_side + size - 1) * 0.5
    return smaller(larger(pixel, -4.0), size + 4.0)


@ti.func
def saturated_sum(a, b):
    """a + b, or MAX_PAIRS + 1 where it is more than MAX_PAIRS: nothing overflows."""
    return ti.select(a > MAX_PAIRS - b, MAX_PAIRS + 1, a + b)


@ti.func
def with_slack(reach, height, width):
    """The reach that tiles are chosen with."""
    return reach * (1.0 + REACH_SLACK) + REACH_SLACK / ti.min(height, width)


@ti.func
def tiles_of_box(ax, ay, bx, by, cx, cy, reach, height, width, variant: ti.template()):
    """Columns and rows of the tiles that the bounding box of a face, grown by the reach, touches: (first column, one past the last, first row, one past)."""
    shorter_side = ti.min(height, width)
    column_0 = ti.cast(ti.ceil(pixel_of(smaller(ax, smaller(bx, cx)) - reach, width, shorter_side)), ti.i32)
    column_1 = ti.cast(ti.floor(pixel_of(larger(ax, larger(bx, cx)) + reach, width, shorter_side)), ti.i32)
    row_0 = ti.cast(ti.ceil(pixel_of(-larger(ay, larger(by, cy)) - reach, height, shorter_side)), ti.i32)
    row_1 = ti.cast(ti.floor(pixel_of(-smaller(ay, smaller(by, cy)) + reach, height, shorter_side)), ti.i32)
    column_0, column_1 = ti.max(column_0, 0), ti.min(column_1, width - 1)
    row_0, row_1 = ti.max(row_0, 0), ti.min(row_1, height - 1)
    none = column_0 > column_1 or row_0 > row_1
    end = ti.select(none, row_0 // variant.tile_height, row_1 // variant.tile_height + 1)
    return column_0 // variant.tile_width, column_1 // variant.tile_width + 1, row_0 // variant.tile_height, end


@ti.func
def tiles_beyond_edge(ax, ay, bx, by, sign, reach, height, width, variant: ti.template()):
    """(p, q, r), whole numbers, with p column + q row + r < 0 for the tiles whose pixels all lie farther than ``reach`` outside of the edge ab.

    ``sign`` is that of the face's area. They are rounded up, so that a tile is rather kept, and scaled so that their sum fits 32 bits for every tile.
    """
    half_pixel = half_pixel_of(height, width, variant)
    over_length = sign / ti.sqrt(larger((bx - ax) * (bx - ax) + (by - ay) * (by - ay), TINY_LENGTH_SQ))
    ex = (bx - ax) * over_length
    ey = (by - ay) * over_length
    x = ti.cast(1 - width, variant.real) * half_pixel  # of the tile's pixel that is nearest to the inside, in the first tile
    y = ti.cast(height - 1, variant.real) * half_pixel
    x = ti.select(ey > 0, x, x + ti.static(2.0 * (variant.tile_width - 1)) * half_pixel)
    y = ti.select(ex > 0, y, y - ti.static(2.0 * (variant.tile_height - 1)) * half_pixel)
    step_x, step_y = ti.static(2.0 * variant.tile_width) * half_pixel, ti.static(2.0 * variant.tile_height) * half_pixel
    tiles_x, tiles_y = tiles_of_image(height, width, variant)
    scale = LARGEST_SUM / (ti.cast(tiles_x + tiles_y, variant.real) * ti.max(step_x, step_y))
    r = smaller(larger((ex * (y - ay) - ey * (x - ax) + reach) * scale, -2.0 * LARGEST_SUM), 2.0 * LARGEST_SUM)
    return ti.cast(ti.ceil(-ey * step_x * scale), ti.i32), ti.cast(ti.ceil(-ex * step_y * scale), ti.i32), ti.cast(ti.ceil(r), ti.i32)


@ti.func
def misses_tile(tx, ty, pa, qa, ra, pb, qb, rb, pc, qc, rc):
    """Whether no pixel of a tile is in reach of the face, by `tiles_beyond_edge`. A few that are not are not recognised: those beyond a corner."""
    return (pa * tx + qa * ty + ra < 0) | (pb * tx + qb * ty + rb < 0) | (pc * tx + qc * ty + rc < 0)


@ti.func
def large_box(f, n_faces, reached: ti.template()):
    """Of a face whose box is `LARGE`: one past its last column and its last row, and the nine numbers for `misses_tile`."""
    first = 2 * n_faces + N_LARGE * f
    return ti.static([reached[first + i] for i in range(N_LARGE)])


@ti.func
def next_in_box(bits):
    """(row, column) in its box of the first tile of the bits that are left, and the bits without it."""
    bit = ti.math.popcnt((bits & -bits) - 1)
    return bit // BOX_COLUMNS, bit % BOX_COLUMNS, bits & (bits - 1)


@ti.func
def fill_place(tile, f, i, share, first_tile, n_shares, places: ti.template(), pair_face: ti.template(), pair_tile: ti.template(), variant: ti.template()):
    """Writes a pair down, at its share's next place for the tile; with teams as which the face is dealt alone, in place of the tile, for `sort_tiles`."""
    if ti.static(variant.team > 1):
        pair_tile[ti.atomic_add(places[tile - first_tile], 1)] = i
    else:
        place = places[(tile - first_tile) * n_shares + share]
        # No ``+=``: nobody else counts here, and lavapipe (Mesa 22.3) leaves a loop that holds an atomic after two rounds.
        places[(tile - first_tile) * n_shares + share] = place + 1
        pair_face[place] = f
        pair_tile[place] = tile


@ti.func
def first_of_share(share, n_faces, n_shares):
    """The first face of a share; the next share's first is one past the last."""
    return share * (n_faces // n_shares) + ti.min(share, n_faces % n_shares)


@ti.func
def dealt(i, face_order: ti.template(), ordered: ti.template()):
    """The face that is dealt as the i-th."""
    f = i
    if ti.static(ordered):
        f = face_order[i]
    return f


@ti.func
def count_face(
    f, share, vertices_screen: ti.template(), faces: ti.template(), face_image: ti.template(), set_ups: ti.template(), reached: ti.template(),
    counts: ti.template(), statistics: ti.template(), reach, behind, n_faces, n_shares, height, width, whole_box: ti.template(), variant: ti.template(),
):  # fmt: skip
    """`count_tiles` for one face."""
    double = ti.static(variant.real == ti.f64)
    tiles_x, tiles_y = tiles_of_image(height, width, variant)
    slack_reach = with_slack(reach, height, width)
    a, b, c = faces[f, 0], faces[f, 1], faces[f, 2]
    ax, ay, az = vertices_screen[a, 0], vertices_screen[a, 1], vertices_screen[a, 2]
    bx, by, bz = vertices_screen[b, 0], vertices_screen[b, 1], vertices_screen[b, 2]
    cx, cy, cz = vertices_screen[c, 0], vertices_screen[c, 1], vertices_screen[c, 2]
    bits = 0
    finite = (
        is_finite(ax, double) and is_finite(ay, double) and is_finite(az, double)
        and is_finite(bx, double) and is_finite(by, double) and is_finite(bz, double)
        and is_finite(cx, double) and is_finite(cy, double) and is_finite(cz, double)
    )  # fmt: skip
    if not finite:
        statistics[BAD_FACE] = f + 1
    if finite and smaller(az, smaller(bz, cz)) > behind:
        of_face = set_up(*load_face(f, vertices_screen, faces))
        for i in ti.static(range(N_SET_UP)):
            set_ups[in_set_up(f, i)] = of_face[i]
        column_0, column_1, row_0, row_1 = tiles_of_box(ax, ay, bx, by, cx, cy, slack_reach, height, width, variant)
        pa, qa, ra, pb, qb, rb, pc, qc, rc = 0, 0, 0, 0, 0, 0, 0, 0, 0
        if ti.static(not whole_box):
            _, sign = oriented_area(ax, ay, bx, by, cx, cy)
            pa, qa, ra = tiles_beyond_edge(ax, ay, bx, by, sign, slack_reach, height, width, variant)
            pb, qb, rb = tiles_beyond_edge(bx, by, cx, cy, sign, slack_reach, height, width, variant)
            pc, qc, rc = tiles_beyond_edge(cx, cy, ax, ay, sign, slack_reach, height, width, variant)
        first_row = face_image[f] * tiles_y
        reached[2 * f] = (first_row + row_0) * tiles_x + column_0
        if row_1 > row_0 and (column_1 - column_0 > BOX_COLUMNS or row_1 - row_0 > BOX_ROWS):
            bits = LARGE
            of_box = ti.static([column_1, row_1, pa, qa, ra, pb, qb, rb, pc, qc, rc])
            for i in ti.static(range(N_LARGE)):
                reached[2 * n_faces + N_LARGE * f + i] = of_box[i]
        for ty in range(row_0, row_1):
            for tx in range(column_0, column_1):
                if not misses_tile(tx, ty, pa, qa, ra, pb, qb, rb, pc, qc, rc):
                    place = ((first_row + ty) * tiles_x + tx) * n_shares + share
                    if ti.static(variant.team > 1):
                        ti.atomic_add(counts[place], 1)
                    else:
                        counts[place] = counts[place] + 1
                    if bits != LARGE:
                        bits = bits | (1 << ((ty - row_0) * BOX_COLUMNS + tx - column_0))
    reached[2 * f + 1] = bits


@ti.func
def count_tiles(
    vertices_screen: ti.template(), faces: ti.template(), face_image: ti.template(), face_order: ti.template(), set_ups: ti.template(), reached: ti.template(),
    counts: ti.template(), statistics: ti.template(), reach: ti.template(), behind: ti.template(), n_faces: ti.template(), n_shares: ti.template(),
    height: ti.template(), width: ti.template(), whole_box: ti.template(), ordered: ti.template(), variant: ti.template(),
):  # fmt: skip
    """Decides which tiles each face reaches, and counts them. The outer loop is parallel.

    It writes down each face's set-up (`triangle`), and what was decided: the first tile of its box and a bit for each tile of it, `BOX_COLUMNS` to a row, or
    `LARGE` (of a box that has tiles), and then what `large_box` reads. Who comes later (filling, the gradient) goes by that: what two kernels work out, a
    compiler may round differently, and to read is faster. So the numbers that decide of a large box are whole ones.

    With ``whole_box`` everything within the bounding box grown by the reach counts as in reach.

    (Its numbers are templates, as below: a value that is handed over outside of a loop is kept by a kernel of one thread.)
    """
    if ti.static(variant.team > 1):
        for f in range(n_faces):
            count_face(
                f, 0, vertices_screen, faces, face_image, set_ups, reached, counts, statistics, reach, behind, n_faces, 1, height, width, whole_box, variant
            )  # fmt: skip
    else:
        spread = ti.static(variant.spread(AT_ONCE))
        ti.loop_config(serialize=variant.serial)
        for part in range(n_shares * spread):
            if part % spread != 0:
                continue
            share, n_reaching = part // spread, 0
            for i in range(first_of_share(share, n_faces, n_shares), first_of_share(share + 1, n_faces, n_shares)):
                f = dealt(i, face_order, ordered)
                count_face(
                    f, share, vertices_screen, faces, face_image, set_ups, reached, counts, statistics, reach, behind, n_faces, n_shares, height, width,
                    whole_box, variant,
                )  # fmt: skip
                n_reaching += ti.select(reached[2 * f + 1] != 0, 1, 0)
            if ti.static(variant.lanes > 1):
                ti.atomic_add(statistics[FACES], n_reaching)


@ti.func
def fill_face(
    i, share, face_order: ti.template(), reached: ti.template(), places: ti.template(), pair_face: ti.template(), pair_tile: ti.template(), first_tile,
    last_tile, n_faces, n_shares, height, width, ordered: ti.template(), variant: ti.template(),
):  # fmt: skip
    """`fill_tiles` for the face that is dealt as the i-th."""
    f = dealt(i, face_order, ordered)
    tiles_x, tiles_y = tiles_of_image(height, width, variant)
    corner, left = reached[2 * f], reached[2 * f + 1]
    if left == LARGE:
        column_1, row_1, pa, qa, ra, pb, qb, rb, pc, qc, rc = large_box(f, n_faces, reached)
        first_row = corner // tiles_x // tiles_y * tiles_y
        row_0 = ti.max(corner // tiles_x, first_tile // tiles_x) - first_row
        row_1 = ti.min(row_1, (last_tile - 1) // tiles_x + 1 - first_row)
        for ty in range(row_0, row_1):
            for tx in range(corner % tiles_x, column_1):
                tile = (first_row + ty) * tiles_x + tx
                if tile >= first_tile and tile < last_tile and not misses_tile(tx, ty, pa, qa, ra, pb, qb, rb, pc, qc, rc):
                    fill_place(tile, f, i, share, first_tile, n_shares, places, pair_face, pair_tile, variant)
    else:
        while left != 0:
            row, column, left = next_in_box(left)
            tile = corner + row * tiles_x + column
            if tile >= first_tile and tile < last_tile:
                fill_place(tile, f, i, share, first_tile, n_shares, places, pair_face, pair_tile, variant)


@ti.func
def fill_tiles(
    face_order: ti.template(), reached: ti.template(), places: ti.template(), tile_offset: ti.template(), pair_face: ti.template(), pair_tile: ti.template(),
    first_tile: ti.template(), last_tile: ti.template(), n_faces: ti.template(), n_shares: ti.template(), is_wanted: ti.template(), height: ti.template(),
    width: ti.template(), ordered: ti.template(), variant: ti.template(),
):  # fmt: skip
    """Lists what `count_tiles` has decided, of some of the tiles, or (not ``is_wanted``) does nothing. The outer loop is parallel, as there."""
    if ti.static(variant.team > 1):
        for i in range(ti.select(is_wanted, n_faces, 0)):
            fill_face(i, 0, face_order, reached, places, pair_face, pair_tile, first_tile, last_tile, n_faces, 1, height, width, ordered, variant)
        sort_tiles(face_order, tile_offset, pair_face, pair_tile, first_tile, ti.select(is_wanted, last_tile - first_tile, 0), ordered, variant)
    else:
        spread = ti.static(variant.spread(AT_ONCE))
        ti.loop_config(serialize=variant.serial)
        for part in range(ti.select(is_wanted, n_shares * spread, 0)):
            if part % spread != 0:
                continue
            share = part // spread
            for i in range(first_of_share(share, n_faces, n_shares), first_of_share(share + 1, n_faces, n_shares)):
                fill_face(
                    i, share, face_order, reached, places, pair_face, pair_tile, first_tile, last_tile, n_faces, n_shares, height, width, ordered, variant
                )  # fmt: skip


def powers_of_two(n: int) -> list[int]:
    """Those below n, which is one."""
    return [1 << i for i in range(n.bit_length() - 1)]


@ti.func
def sum_before(mine, thread, sums: ti.template(), n: ti.template()):
    """The sum of what the threads before this one of its block of n (a power of two) have, and the sum of all. ``sums`` [n] is shared memory."""
    sums[thread] = mine
    ti.simt.block.sync()
    for step in ti.static(powers_of_two(n)):
        other = 0
        if thread >= step:
            other = sums[thread - step]
        ti.simt.block.sync()
        sums[thread] = saturated_sum(sums[thread], other)
        ti.simt.block.sync()
    before = 0
    if thread > 0:
        before = sums[thread - 1]
    return before, sums[n - 1]


@ti.func
def sort_tiles(
    face_order: ti.template(), tile_offset: ti.template(), pair_face: ti.template(), pair_tile: ti.template(), first_tile: ti.template(),
    n_tiles: ti.template(), ordered: ti.template(), variant: ti.template(),
):  # fmt: skip
    """Lists the faces of each tile in the order in which they are dealt; they stand in ``pair_tile`` in any. And the tiles. A team takes a tile at a time.

    Each face of the list sets its bit, of so many faces as there are bits (`SORT_WORDS`), beginning with the first of the list; then the bits that are set are
    written down in order, and so on with the first of the list that is beyond.
    """
    team = ti.static(variant.team)
    ti.loop_config(block_dim=variant.team)
    for item in range(ti.static(variant.team * SORT_TEAMS)):
        bits = ti.simt.block.SharedArray((SORT_WORDS,), ti.i32)
        sums = ti.simt.block.SharedArray((team,), ti.i32)
        following = ti.simt.block.SharedArray((1,), ti.i32)
        thread = item % team
        for turn in range((n_tiles - item // team + ti.static(SORT_TEAMS - 1)) // SORT_TEAMS):
            nth = item // team + turn * SORT_TEAMS
            first, n = tile_offset[nth], tile_offset[nth + 1] - tile_offset[nth]
            mine = (n - thread + team - 1) // team  # of the list, a face in so many
            done = first
            if thread == 0:
                following[0] = NO_FACE
            ti.simt.block.sync()
            for k in range(mine):
                ti.atomic_min(following[0], pair_tile[first + thread + k * team])
            ti.simt.block.sync()
            begin = following[0]
            while begin != NO_FACE:
                for k in ti.static(range(SORT_WORDS // variant.team)):
                    bits[thread + k * team] = 0
                ti.simt.block.sync()
                if thread == 0:
                    following[0] = NO_FACE
                ti.simt.block.sync()
                for k in range(mine):
                    f = pair_tile[first + thread + k * team]
                    if f >= begin:
                        if f - begin < 32 * SORT_WORDS:
                            ti.atomic_or(bits[(f - begin) >> 5], 1 << ((f - begin) & 31))
                        else:
                            ti.atomic_min(following[0], f)
                ti.simt.block.sync()
                n_mine = 0
                for k in ti.static(range(SORT_WORDS // variant.team)):
                    n_mine += ti.math.popcnt(bits[thread * ti.static(SORT_WORDS // variant.team) + k])
                before, n_all = sum_before(n_mine, thread, sums, variant.team)
                place = done + before
                for k in ti.static(range(SORT_WORDS // variant.team)):
                    word = thread * ti.static(SORT_WORDS // variant.team) + k
                    left = bits[word]
                    while left != 0:
                        pair_face[place] = dealt(begin + 32 * word + ti.math.popcnt((left & -left) - 1), face_order, ordered)
                        place += 1
                        left = left & (left - 1)
                done += n_all
                begin = following[0]
                ti.simt.block.sync()
            for k in range(mine):
                pair_tile[first + thread + k * team] = first_tile + nth


@ti.func
def scan_counts(
    values: ti.template(), places: ti.template(), chunk_sums: ti.template(), tile_offset: ti.template(), statistics: ti.template(), n: ti.template(),
    n_shares: ti.template(), variant: ti.template(),
):  # fmt: skip
    """Exclusive prefix sum of ``values`` into ``places``; also each tile's first pair and the total.

    On CUDA one block of threads does it, a stretch each. On other GPUs in chunks, in parallel. On a CPU in one go: a few threads that are to be woken three
    times are slower.
    """
    if ti.static(variant.team > 1):
        ti.loop_config(block_dim=SCAN_CHUNK)
        for thread in range(ti.static(SCAN_CHUNK)):
            sums = ti.simt.block.SharedArray((SCAN_CHUNK,), ti.i32)
            each = (n + SCAN_CHUNK - 1) // SCAN_CHUNK
            first, last = ti.min(thread * each, n), ti.min((thread + 1) * each, n)
            mine = 0
            for i in range(first, last):
                mine = saturated_sum(mine, values[i])
            place, total = sum_before(mine, thread, sums, SCAN_CHUNK)
            for i in range(first, last):
                places[i] = place
                if i % n_shares == 0:
                    tile_offset[i // n_shares] = place
                place = saturated_sum(place, values[i])
            if thread == 0:
                statistics[TOTAL] = total
                statistics[OVERFLOW] = ti.cast(total > MAX_PAIRS, ti.i32)
                tile_offset[n // n_shares] = total
    elif ti.static(variant.lanes > 1):
        ti.loop_config(serialize=True)
        for _ in range(1):
            total = 0
            for i in range(n):
                places[i] = total
                if i % n_shares == 0:
                    tile_offset[i // n_shares] = total
                total = saturated_sum(total, values[i])
            statistics[TOTAL] = total
            statistics[OVERFLOW] = ti.cast(total > MAX_PAIRS, ti.i32)
            tile_offset[n // n_shares] = total
    else:
        for chunk in range((n + SCAN_CHUNK - 1) // SCAN_CHUNK):
            chunk_sum = 0
            for i in range(chunk * SCAN_CHUNK, ti.min((chunk + 1) * SCAN_CHUNK, n)):
                chunk_sum = saturated_sum(chunk_sum, values[i])
            chunk_sums[chunk] = chunk_sum
        for _ in range(1):
            total = 0
            for chunk in range((n + SCAN_CHUNK - 1) // SCAN_CHUNK):
                chunk_sum = chunk_sums[chunk]
                chunk_sums[chunk] = total
                total = saturated_sum(total, chunk_sum)
            statistics[TOTAL] = total
            statistics[OVERFLOW] = ti.cast(total > MAX_PAIRS, ti.i32)
            tile_offset[n // n_shares] = total
        for chunk in range((n + SCAN_CHUNK - 1) // SCAN_CHUNK):
            place = chunk_sums[chunk]
            for i in range(chunk * SCAN_CHUNK, ti.min((chunk + 1) * SCAN_CHUNK, n)):
                places[i] = place
                if i % n_shares == 0:
                    tile_offset[i // n_shares] = place
                place += values[i]


@functools.cache
def nearest_corners_kernel(variant: Variant):
    """The nearest depth of each face, in single precision."""
    real, index = variant.array, variant.index

    @ti.kernel
    def nearest_corners(
        vertices_screen: real(2),  # [N, 3]
        faces: index(2),  # [F, 3]
        depths: real(1),  # [F] written
        n_faces: ti.i32,
    ):
        ti.loop_config(serialize=variant.serial)
        for f in range(n_faces):
            depths[f] = ti.min(vertices_screen[faces[f, 0], 2], vertices_screen[faces[f, 1], 2], vertices_screen[faces[f, 2], 2])

    return nearest_corners


@functools.cache
def bin_kernel(variant: Variant, whole_box: bool, ordered: bool):
    """All in one: counts, sums up, and, if there is room for all pairs, lists them. (If not, `statistics` tells how much room is needed.)"""
    real, index = variant.array, variant.index

    @ti.kernel
    def bin_faces(
        vertices_screen: real(2),  # [N, 3] x, y on the screen; depth
        faces: index(2),  # [F, 3]
        face_image: index(1),  # [F] the image each face is in
        face_order: index(1),  # [F] with ``ordered``, the order in which faces are dealt
        set_ups: real(1),  # [F * N_SET_UP] written, of the faces that are not left out
        reached: index(1),  # [N_REACHED F] written: which tiles each face reaches
        counts: index(1),  # [tiles * n_shares] nought; counted: the number of the faces of the share that reach the tile
        places: index(1),  # [tiles * n_shares] written
        chunk_sums: index(1),  # [ceil(tiles * n_shares / SCAN_CHUNK)] written
        tile_offset: index(1),  # [tiles + 1] written: the first pair of each tile
        pair_face: index(1),  # [capacity] written
        pair_tile: index(1),  # [capacity] written
        statistics: index(1),  # [N_STATISTICS] nought; written
        reach: variant.real,
        behind: variant.real,  # a face with a vertex at or before this depth is left out
        capacity: ti.i32,
        n_tiles: ti.i32,
        n_faces: ti.i32,
        n_shares: ti.i32,
        height: ti.i32,
        width: ti.i32,
    ):
        count_tiles(
            vertices_screen, faces, face_image, face_order, set_ups, reached, counts, statistics, reach, behind, n_faces, n_shares, height, width, whole_box,
            ordered, variant,
        )  # fmt: skip
        scan_counts(counts, places, chunk_sums, tile_offset, statistics, n_tiles * n_shares, n_shares, variant)
        fill_tiles(
            face_order, reached, places, tile_offset, pair_face, pair_tile, 0, n_tiles, n_faces, n_shares, statistics[TOTAL] <= capacity, height, width,
            ordered, variant,
        )  # fmt: skip

    return bin_faces


@functools.cache
def fill_kernel(variant: Variant, ordered: bool):
    """Lists the pairs of some of the tiles, at given places, which are moved on."""
    index = variant.index

    @ti.kernel
    def fill(
        face_order: index(1),  # as of `bin_faces`
        reached: index(1),  # [N_REACHED F] as `bin_faces` has written it
        places: index(1),  # [tiles * n_shares] of the chosen tiles
        tile_offset: index(1),  # [tiles + 1] their first pairs
        pair_face: index(1),  # written
        pair_tile: index(1),  # written
        first_tile: ti.i32,
        last_tile: ti.i32,  # one past the last
        n_faces: ti.i32,
        n_shares: ti.i32,
        height: ti.i32,
        width: ti.i32,
    ):
        fill_tiles(
            face_order, reached, places, tile_offset, pair_face, pair_tile, first_tile, last_tile, n_faces, n_shares, True, height, width, ordered, variant
        )  # fmt: skip

    return fill


@functools.cache
def scan_kernel(variant: Variant):
    """The exclusive prefix sum (`scan_counts`)."""
    index = variant.index

    @ti.kernel
    def scan(
        values: index(1),  # [n]
        places: index(1),  # [n]
        chunk_sums: index(1),  # [ceil(n / SCAN_CHUNK)]
        tile_offset: index(1),  # [n / n_shares + 1]
        statistics: index(1),  # [N_STATISTICS]
        n: ti.i32,
        n_shares: ti.i32,
    ):
        scan_counts(values, places, chunk_sums, tile_offset, statistics, n, n_shares, variant)

    return scan
