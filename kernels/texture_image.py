"""Pictures as textures: from (u, v) to a colour.

u runs to the right and v UP: (0, 0) is the lower left corner of the picture, whose row 0 is the top, (1, 1) the upper right one. Texel (row r, column c) of an
H x W picture has its centre at u = (c + 1/2)/W, v = 1 - (r + 1/2)/H, and fills the square around it, as on GPUs.

All texels of all textures and of all their mip levels stand in one array ``texels`` [T, C], row by row; a table says where each level begins and how large it
is, so that one kernel serves every size:

    levels    [levels, 3]    first texel, height, width
    textures  [textures, 2]  first level in that table, number of levels

The functions take single numbers or one number a lane alike.
"""

import enum
import functools

from ..language import ti
from .op import Op
from .variant import Variant

__all__ = [
    "Filter",
    "Wrap",
    "bilinear_mix",
    "bilinear_place",
    "join_op",
    "level_between",
    "level_of_detail",
    "mipmap_op",
    "nearest_place",
    "sample_op",
]

# Columns of the tables.
FIRST_TEXEL, HEIGHT, WIDTH = 0, 1, 2
FIRST_LEVEL, N_LEVELS = 0, 1

CHANNELS_AT_ONCE = 4  # of a point, by one iteration
TINY_FOOTPRINT_SQ = 1e-30  # in texels: a pixel that covers nothing of the texture has a finite level of detail, far below zero


class Wrap(enum.Enum):
    """What lies outside of [0, 1]."""

    REPEAT = "repeat"
    """The picture again and again."""
    CLAMP = "clamp"
    """The texels of the border."""
    MIRROR = "mirror"
    """The picture again and again, every other time mirrored."""


class Filter(enum.Enum):
    """How a colour is made of texels."""

    NEAREST = "nearest"
    """The texel that the point falls into."""
    BILINEAR = "bilinear"
    """The four texels around the point, by their nearness."""
    MIPMAPPED = "mipmapped"
    """Bilinear in the two mip levels around the level of detail, and linear between them (trilinear)."""


@ti.func
def within_picture(u, wrap: ti.template()):
    """The point of [0, 1] that has the colour of u."""
    folded = ti.min(ti.max(u, 0.0), 1.0)
    if ti.static(wrap == Wrap.REPEAT):
        folded = u - ti.floor(u)
    if ti.static(wrap == Wrap.MIRROR):
        folded = 1.0 - ti.abs(u - 2.0 * ti.floor(0.5 * u) - 1.0)
    return folded


@ti.func
def texel_index(i, size, wrap: ti.template()):
    """The texel at place i of [-1, size], a picture and one texel around it. Always within [0, size), even if u was not a number."""
    before, after = size * 0, size - 1
    if ti.static(wrap == Wrap.REPEAT):
        before, after = size - 1, size * 0
    return ti.select(i < 0, before, ti.select(i >= size, after, i))


@ti.func
def nearest_place(u, v, first, height, width, wrap: ti.template()):
    """Which texel (u, v) falls into."""
    column = texel_index(ti.cast(ti.floor(within_picture(u, wrap) * width), ti.i32), width, wrap)
    row = texel_index(height - 1 - ti.cast(ti.floor(within_picture(v, wrap) * height), ti.i32), height, wrap)
    return first + row * width + column


@ti.func
def bilinear_place(u, v, first, height, width, wrap: ti.template()):
    """The four texels around (u, v): left above, right above, left below, right below; and how far it is to the right of the left and below the upper ones."""
    x = within_picture(u, wrap) * width - 0.5
    y = (1.0 - within_picture(v, wrap)) * height - 0.5
    left, above = ti.floor(x), ti.floor(y)
    column, row = ti.cast(left, ti.i32), ti.cast(above, ti.i32)
    column_l, column_r = texel_index(column, width, wrap), texel_index(column + 1, width, wrap)
    row_a, row_b = texel_index(row, height, wrap), texel_index(row + 1, height, wrap)
    return (
        first + row_a * width + column_l, first + row_a * width + column_r,
        first + row_b * width + column_l, first + row_b * width + column_r,
        x - left, y - above,
    )  # fmt: skip


@ti.func
def bilinear_mix(la, ra, lb, rb, right, below):
    """The colours of the four texels, mixed."""
    return (1.0 - below) * ((1.0 - right) * la + right * ra) + below * ((1.0 - right) * lb + right * rb)


@ti.func
def level_of_detail(du_dx, dv_dx, du_dy, dv_dy, height, width):
    """log2 of how many texels of level 0 a pixel spans: the longer of its two sides in the texture (OpenGL 4.6, section 8.14.1)."""
    along_x = (du_dx * width) * (du_dx * width) + (dv_dx * height) * (dv_dx * height)
    along_y = (du_dy * width) * (du_dy * width) + (dv_dy * height) * (dv_dy * height)
    span_sq = ti.max(along_x, along_y, TINY_FOOTPRINT_SQ)
    return ti.log(span_sq) / ti.log(span_sq * 0.0 + 4.0)


@ti.func
def level_between(lod, n_levels):
    """The two mip levels around a level of detail, and how far it is from the first to the second."""
    within = ti.min(ti.max(lod, 0.0), n_levels - 1.0)
    below = ti.floor(within)
    lower = ti.max(ti.min(ti.cast(below, ti.i32), n_levels - 1), 0)
    return lower, ti.min(lower + 1, n_levels - 1), within - below


@functools.cache
def sample_op(variant: Variant, n_channels: int, wrap: Wrap, filtering: Filter) -> Op:
    """The colours of points.

    Inputs: uv, texels and, if mipmapped, lod. Output: colors. Up to `CHANNELS_AT_ONCE` channels are compiled; more are taken in groups.
    """
    real, index = variant.array, variant.index
    group = min(n_channels, CHANNELS_AT_ONCE)
    n_groups = -(-n_channels // group)

    if filtering is Filter.MIPMAPPED:

        @ti.kernel
        def sample_mipmapped(
            uv: real(2),  # [N, 2]
            texels: real(2),  # [T, C]
            lod: real(1),  # [N] the mip level, 0 the finest
            colors: real(2),  # [N, C] added to
            levels: index(2),  # [levels, 3]
            textures: index(2),  # [textures, 2]
            points_per_texture: ti.i32,  # the first so many points are of texture 0, the next of texture 1, ...
            n_points: ti.i32,
        ):
            for item in range(n_points * n_groups):
                i, s0 = item // n_groups, item % n_groups * group
                u, v, texture = uv[i, 0], uv[i, 1], i // points_per_texture
                lower, upper, share = level_between(lod[i], textures[texture, N_LEVELS])
                a, b = textures[texture, FIRST_LEVEL] + lower, textures[texture, FIRST_LEVEL] + upper
                la, ra, lb, rb, right, below = bilinear_place(u, v, levels[a, FIRST_TEXEL], levels[a, HEIGHT], levels[a, WIDTH], wrap)
                la2, ra2, lb2, rb2, right2, below2 = bilinear_place(u, v, levels[b, FIRST_TEXEL], levels[b, HEIGHT], levels[b, WIDTH], wrap)
                for k in ti.static(range(group)):
                    s = ti.min(s0 + k, n_channels - 1)
                    sharp = bilinear_mix(texels[la, s], texels[ra, s], texels[lb, s], texels[rb, s], right, below)
                    coarse = bilinear_mix(texels[la2, s], texels[ra2, s], texels[lb2, s], texels[rb2, s], right2, below2)
                    colors[i, s] += ti.select(s0 + k < n_channels, (1.0 - share) * sharp + share * coarse, 0.0)

        return Op(name="sample", kernel=sample_mipmapped, n_inputs=3, n_outputs=1)

    @ti.kernel
    def sample(
        uv: real(2),  # [N, 2]
        texels: real(2),  # [T, C]
        colors: real(2),  # [N, C] added to
        levels: index(2),  # [levels, 3]
        textures: index(2),  # [textures, 2]
        points_per_texture: ti.i32,
        n_points: ti.i32,
    ):
        for item in range(n_points * n_groups):
            i, s0 = item // n_groups, item % n_groups * group
            level = textures[i // points_per_texture, FIRST_LEVEL]
            first, height, width = levels[level, FIRST_TEXEL], levels[level, HEIGHT], levels[level, WIDTH]
            if ti.static(filtering == Filter.NEAREST):
                at = nearest_place(uv[i, 0], uv[i, 1], first, height, width, wrap)
                for k in ti.static(range(group)):
                    s = ti.min(s0 + k, n_channels - 1)
                    colors[i, s] += ti.select(s0 + k < n_channels, texels[at, s], 0.0)
            else:
                la, ra, lb, rb, right, below = bilinear_place(uv[i, 0], uv[i, 1], first, height, width, wrap)
                for k in ti.static(range(group)):
                    s = ti.min(s0 + k, n_channels - 1)
                    mixed = bilinear_mix(texels[la, s], texels[ra, s], texels[lb, s], texels[rb, s], right, below)
                    colors[i, s] += ti.select(s0 + k < n_channels, mixed, 0.0)

    return Op(name="sample", kernel=sample, n_inputs=2, n_outputs=1)


@ti.func
def halving_weights(j, size, real: ti.template()):
    """How much of texel j of the next level comes from the texels 2 j, 2 j + 1 and 2 j + 2 of this one, along one side.

    The next level has n = max(1, size // 2) texels, each the mean of what it covers: two texels if ``size`` is even; if it is 2 n + 1, (2 n + 1)/n of them, so
    that nothing is shifted or dropped. (If it is 1, all three are the one texel.)
    """
    odd, n = size % 2 == 1, ti.cast(size // 2, real)
    one_over_size = 1.0 / ti.cast(size, real)
    first = ti.select(odd, (n - ti.cast(j, real)) * one_over_size, 0.5)
    second = ti.select(odd, n * one_over_size, 0.5)
    return first, second, 1.0 - first - second


@functools.cache
def mipmap_op(variant: Variant, batched: bool) -> Op:
    """Input: picture [H, W, C], or [B, H, W, C] if ``batched``. Output: the next mip level, max(1, H // 2) x max(1, W // 2); see `halving_weights`."""
    real = variant.array
    dims = 4 if batched else 3

    @ti.kernel
    def mipmap(picture: real(dims), halved: real(dims), n_pictures: ti.i32, height: ti.i32, width: ti.i32, n_channels: ti.i32):
        for item in range(n_pictures * ti.max(1, height // 2) * ti.max(1, width // 2) * n_channels):
            rows, columns = ti.max(1, height // 2), ti.max(1, width // 2)
            s = item % n_channels
            column = item // n_channels % columns
            row = item // (n_channels * columns) % rows
            b = item // (n_channels * columns * rows)
            x0, x1, x2 = halving_weights(column, width, variant.real)
            y0, y1, y2 = halving_weights(row, height, variant.real)
            across, down = [x0, x1, x2], [y0, y1, y2]
            for j in ti.static(range(3)):
                for i in ti.static(range(3)):
                    r, c = ti.min(2 * row + j, height - 1), ti.min(2 * column + i, width - 1)
                    if ti.static(batched):
                        halved[b, row, column, s] += down[j] * across[i] * picture[b, r, c, s]
                    else:
                        halved[row, column, s] += down[j] * across[i] * picture[r, c, s]

    return Op(name="mipmap", kernel=mipmap, n_inputs=1, n_outputs=1)


@functools.cache
def join_op(variant: Variant, dims: int) -> Op:
    """Inputs: picture [B, H, W, C], [H, W, C] or texels [N, C], which have ``dims`` dimensions; tail [M, C]. Output: all of their texels [N + M, C]."""
    real = variant.array

    @ti.kernel
    def join(picture: real(dims), tail: real(2), texels: real(2), n_here: ti.i32, height: ti.i32, width: ti.i32, n_tail: ti.i32, n_channels: ti.i32):
        for item in range((n_here + n_tail) * n_channels):
            s, at = item % n_channels, item // n_channels
            here = at % n_here
            after = tail[ti.select(at < n_here, at % ti.max(n_tail, 1), at - n_here), s]
            value = after
            if ti.static(dims == 4):
                value = ti.select(at < n_here, picture[here // (height * width), here // width % height, here % width, s], after)
            elif ti.static(dims == 3):
                value = ti.select(at < n_here, picture[here // width, here % width, s], after)
            else:
                value = ti.select(at < n_here, picture[here, s], after)
            texels[at, s] += value

    return Op(name="join", kernel=join, n_inputs=2, n_outputs=1)
