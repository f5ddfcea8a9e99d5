"""Which faces reach which tile: count, prefix sum, fill. Nothing is capped and nothing is dropped.

A tile is a small block of pixels of one image. The faces of a tile come out in ascending order whatever the number of threads, because the
faces are dealt in ``n_blocks`` contiguous blocks, each written by one thread: a stable counting sort. So a picture has the same bits in every run.
"""

import functools

import taichi as ti

from .triangle import oriented_area
from .variant import Variant

__all__ = [
    "BAD_FACE",
    "BEHIND_EYE",
    "MAX_PAIRS",
    "N_STATISTICS",
    "OVERFLOW",
    "REACH_SLACK",
    "SCAN_CHUNK",
    "TOTAL",
    "count_kernel",
    "fill_kernel",
    "row_of",
    "scan_kernel",
]

# What `statistics` holds after `scan`:
TOTAL = 0  # number of (face, tile) pairs
OVERFLOW = 1  # 1 if that number does not fit
BAD_FACE = 2  # 1 + index of a face with a vertex that is NaN or infinite, or 0
N_STATISTICS = 3

MAX_PAIRS = 1 << 30
BEHIND_EYE = 1e-6  # a face with a vertex at or before this depth is left out: its screen position means nothing
SCAN_CHUNK = 1024
REACH_SLACK = 1e-5  # a tile is kept if it is this fraction of the screen beyond reach: rounding never drops a pair


@ti.func
def row_of(tile, row, height, width, variant: ti.template()):
    """(image, line, column of the first pixel) of a row of lanes."""
    tiles_x = (width + variant.tile_width - 1) // variant.tile_width
    tiles_y = (height + variant.tile_height - 1) // variant.tile_height
    lanes_per_row = ti.static(variant.tile_width // variant.lanes)
    column = (tile % tiles_x) * variant.tile_width + (row % lanes_per_row) * variant.lanes
    line = (tile // tiles_x) % tiles_y * variant.tile_height + row // lanes_per_row
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
    return ti.min(ti.max(pixel, -4.0), size + 4.0)


@ti.func
def saturated_sum(a, b):
    """a + b, or MAX_PAIRS + 1 where it is more than MAX_PAIRS: nothing overflows."""
    return ti.select(a > MAX_PAIRS - b, MAX_PAIRS + 1, a + b)


@ti.func
def edge_misses_box(ax, ay, bx, by, sign, reach, x0, x1, y0, y1):
    """Whether the whole box lies farther than ``reach`` outside of the edge ab of a triangle whose area has the given sign."""
    ex = (bx - ax) * sign
    ey = (by - ay) * sign
    x = ti.select(ey > 0, x0, x1)
    y = ti.select(ex > 0, y1, y0)
    return ex * (y - ay) - ey * (x - ax) < -reach * ti.sqrt(ex * ex + ey * ey)


def _visit_tiles(variant: Variant, filling: bool, whole_box: bool):
    """The kernel that visits every (face, tile) pair in reach; counting and filling must agree on them, so they are one source.

    With ``whole_box`` everything within the bounding box grown by the reach counts as in reach.
    """
    real, index = variant.array, variant.index
    tile_width, tile_height = variant.tile_width, variant.tile_height
    double = variant.real is ti.f64

    @ti.kernel
    def visit(
        vertices_screen: real(2),  # [N, 3] x, y on the screen; depth
        faces: index(2),  # [F, 3]
        face_image: index(1),  # [F] the image each face is in
        counts: index(1),  # [tiles * n_blocks + 1] counted; or the first free place of each (tile, block)
        pair_face: index(1),  # [pairs] filled
        pair_tile: index(1),  # [pairs] filled
        statistics: index(1),  # [N_STATISTICS]
        reach: variant.real,
        behind: variant.real,  # a face with a vertex at or before this depth is left out
        n_faces: ti.i32,
        n_blocks: ti.i32,
        height: ti.i32,
        width: ti.i32,
    ):
        for block in range(n_blocks):
            tiles_x = (width + tile_width - 1) // tile_width
            tiles_y = (height + tile_height - 1) // tile_height
            shorter_side = ti.min(height, width)
            first = block * (n_faces // n_blocks) + ti.min(block, n_faces % n_blocks)
            last = first + n_faces // n_blocks + ti.cast(block < n_faces % n_blocks, ti.i32)
            for f in range(first, last):
                a, b, c = faces[f, 0], faces[f, 1], faces[f, 2]
                ax, ay, az = vertices_screen[a, 0], vertices_screen[a, 1], vertices_screen[a, 2]
                bx, by, bz = vertices_screen[b, 0], vertices_screen[b, 1], vertices_screen[b, 2]
                cx, cy, cz = vertices_screen[c, 0], vertices_screen[c, 1], vertices_screen[c, 2]
                finite = (
                    is_finite(ax, double) and is_finite(ay, double) and is_finite(az, double)
                    and is_finite(bx, double) and is_finite(by, double) and is_finite(bz, double)
                    and is_finite(cx, double) and is_finite(cy, double) and is_finite(cz, double)
                )  # fmt: skip
                if not finite:
                    statistics[BAD_FACE] = f + 1
                elif ti.min(az, bz, cz) > behind:
                    _, sign = oriented_area(ax, ay, bx, by, cx, cy)
                    column_0 = ti.cast(ti.ceil(pixel_of(ti.min(ax, bx, cx) - reach, width, shorter_side)), ti.i32)
                    column_1 = ti.cast(ti.floor(pixel_of(ti.max(ax, bx, cx) + reach, width, shorter_side)), ti.i32)
                    row_0 = ti.cast(ti.ceil(pixel_of(-ti.max(ay, by, cy) - reach, height, shorter_side)), ti.i32)
                    row_1 = ti.cast(ti.floor(pixel_of(-ti.min(ay, by, cy) + reach, height, shorter_side)), ti.i32)
                    column_0, column_1 = ti.max(column_0, 0), ti.min(column_1, width - 1)
                    row_0, row_1 = ti.max(row_0, 0), ti.min(row_1, height - 1)
                    if column_0 <= column_1 and row_0 <= row_1:
                        for ty in range(row_0 // tile_height, row_1 // tile_height + 1):
                            y1 = ti.cast(height - 2 * ty * tile_height - 1, variant.real) / shorter_side
                            y0 = y1 - ti.cast(2 * (tile_height - 1), variant.real) / shorter_side
                            for tx in range(column_0 // tile_width, column_1 // tile_width + 1):
                                x0 = ti.cast(2 * tx * tile_width + 1 - width, variant.real) / shorter_side
                                x1 = x0 + ti.cast(2 * (tile_width - 1), variant.real) / shorter_side
                                missed = False
                                if ti.static(not whole_box):
                                    missed = (
                                        edge_misses_box(ax, ay, bx, by, sign, reach, x0, x1, y0, y1)
                                        or edge_misses_box(bx, by, cx, cy, sign, reach, x0, x1, y0, y1)
                                        or edge_misses_box(cx, cy, ax, ay, sign, reach, x0, x1, y0, y1)
                                    )
                                if not missed:
                                    tile = (face_image[f] * tiles_y + ty) * tiles_x + tx
                                    if ti.static(filling):
                                        place = counts[tile * n_blocks + block]
                                        counts[tile * n_blocks + block] = place + 1
                                        pair_face[place] = f
                                        pair_tile[place] = tile
                                    else:
                                        # No ``+=``: nobody else counts here, and lavapipe (Mesa 22.3) leaves a loop that holds an atomic after two rounds.
                                        counts[tile * n_blocks + block] = counts[tile * n_blocks + block] + 1

    return visit


@functools.cache
def count_kernel(variant: Variant, whole_box: bool = False):
    """counts[tile * n_blocks + block] = number of the block's faces that reach the tile."""
    return _visit_tiles(variant, filling=False, whole_box=whole_box)


@functools.cache
def fill_kernel(variant: Variant, whole_box: bool = False):
    """Writes every pair's face and tile at the places that `scan` made of the counts, and moves those places on."""
    return _visit_tiles(variant, filling=True, whole_box=whole_box)


@functools.cache
def scan_kernel(variant: Variant):
    """Exclusive prefix sum of ``values`` into ``places``, in chunks; also each tile's first pair and the total."""
    index = variant.index

    @ti.kernel
    def scan(
        values: index(1),  # [n]
        places: index(1),  # [n]
        chunk_sums: index(1),  # [ceil(n / SCAN_CHUNK)]
        tile_offset: index(1),  # [n / n_blocks + 1]
        statistics: index(1),  # [N_STATISTICS]
        n: ti.i32,
        n_blocks: ti.i32,
    ):
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
            tile_offset[n // n_blocks] = statistics[TOTAL]
        for chunk in range((n + SCAN_CHUNK - 1) // SCAN_CHUNK):
            place = chunk_sums[chunk]
            for i in range(chunk * SCAN_CHUNK, ti.min((chunk + 1) * SCAN_CHUNK, n)):
                places[i] = place
                if i % n_blocks == 0:
                    tile_offset[i // n_blocks] = place
                place += values[i]

    return scan
