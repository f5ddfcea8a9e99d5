"""Features of a face: where they are taken from, and what they are at a block of pixels."""

import enum

from ..language import ti
from .texture_image import (
    FIRST_LEVEL,
    FIRST_TEXEL,
    HEIGHT,
    N_LEVELS,
    WIDTH,
    Filter,
    bilinear_mix,
    bilinear_place,
    level_between,
    level_of_detail,
    nearest_place,
)
from .triangle import AX, AY, BX, BY, CX, CY, TINY_AREA

__all__ = ["TEXTURE", "Texture", "channel_of", "face_features", "face_level_of_detail", "features_at", "texel_of"]


EDGE_SLACK = 1e-5  # in texels: a point on the edge wa + wb = 1 belongs to the upright triangle along it, however it is rounded
TEXTURE = 3  # column of a face's corners: the number of its texture


class Texture(enum.Enum):
    """What the rows of the features are."""

    VERTEX = "vertex"
    """One per vertex, interpolated over the face."""
    FACE = "face"
    """R x R texels per face, nearest neighbour (SoftRas's "surface" texture)."""
    IMAGE = "image"
    """The texels of pictures, which the faces' corners have places on (texture coordinates)."""


@ti.func
def texel_of(wa, wb, size):
    """Which of the size x size texels of a face the barycentric point (wa, wb, 1 - wa - wb) falls into.

    The square of texels is cut along its diagonal: the half below it tiles the face in upright small triangles, the half above it in the upturned ones between.
    """
    column = ti.min(ti.cast(wa * size, ti.i32), size - 1)
    line = ti.min(ti.cast(wb * size, ti.i32), size - 1)
    upright = (wa + wb) * size - ti.cast(column + line, ti.f32) <= 1.0 + EDGE_SLACK
    return ti.select(upright, line * size + column, (size - 1 - line) * size + (size - 1 - column))


@ti.func
def face_level_of_detail(u, v, ax, ay, ua, va, qa, bx, by, ub, vb, qb, cx, cy, uc, vc, qc, pixel, height, width):
    """The level of detail of a face's texture at the pixels where it shows (u, v).

    With the barycentric coordinates l_i on the screen, u = sum l_i q_i u_i and sum l_i q_i = 1 (q_i = depth/depth_i, or one where u is linear on the screen),
    so that du/dx = sum dl_i/dx q_i (u_i - u). dl_i/dx is a difference of coordinates over twice the area, which is taken out: it may be tiny.
    ``pixel`` is the width of a pixel; height and width are those of the texture.
    """
    wide_a, wide_b, wide_c = (by - cy) * qa * pixel, (cy - ay) * qb * pixel, (ay - by) * qc * pixel
    high_a, high_b, high_c = (cx - bx) * qa * pixel, (ax - cx) * qb * pixel, (bx - ax) * qc * pixel
    du_dx = wide_a * (ua - u) + wide_b * (ub - u) + wide_c * (uc - u)
    dv_dx = wide_a * (va - v) + wide_b * (vb - v) + wide_c * (vc - v)
    du_dy = high_a * (ua - u) + high_b * (ub - u) + high_c * (uc - u)
    dv_dy = high_a * (va - v) + high_b * (vb - v) + high_c * (vc - v)
    area2 = ti.max(ti.abs((bx - ax) * (cy - ay) - (by - ay) * (cx - ax)), TINY_AREA)
    return level_of_detail(du_dx, dv_dx, du_dy, dv_dy, height, width) - ti.log(area2) / ti.log(area2 * 0.0 + 2.0)


@ti.func
def channel_of(group, s: ti.template(), n_features, choices: ti.template()):
    """The channel of place s in a group. The last group may have places to spare: what is done there, nobody reads."""
    channel = s
    if ti.static(choices.grouped):
        channel = ti.min(group * choices.features_at_once + s, n_features - 1)
    return channel


@ti.func
def gather(rows, channel, features: ti.template(), variant: ti.template()):
    """One channel of one row a lane."""
    return variant.vector([features[rows[l], channel] for l in ti.static(range(variant.lanes))])


@ti.func
def gather_bilinear(texels, channel, features: ti.template(), variant: ti.template()):
    """One channel of four texels a lane, mixed (`bilinear_place`)."""
    la, ra, lb, rb, right, below = texels
    return bilinear_mix(
        gather(la, channel, features, variant),
        gather(ra, channel, features, variant),
        gather(lb, channel, features, variant),
        gather(rb, channel, features, variant),
        right,
        below,
    )


@ti.func
def place_on_level(u, v, level, levels: ti.template(), wrap: ti.template(), variant: ti.template()):
    """`bilinear_place` with a mip level for each lane."""
    first = ti.Vector([levels[level[l], FIRST_TEXEL] for l in ti.static(range(variant.lanes))])
    height = ti.Vector([levels[level[l], HEIGHT] for l in ti.static(range(variant.lanes))])
    width = ti.Vector([levels[level[l], WIDTH] for l in ti.static(range(variant.lanes))])
    return bilinear_place(u, v, first, height, width, wrap)


@ti.func
def face_features(f, group, n_features, features: ti.template(), corners: ti.template(), places: ti.template(), choices: ti.template()):
    """What a face brings for `features_at`, a list of numbers: features of its corners a, b, c, or their places on the texture. For ``ti.static``."""
    a, b, c = corners[f, 0], corners[f, 1], corners[f, 2]
    if ti.static(choices.texture == Texture.VERTEX):
        channels = ti.static([channel_of(group, s, n_features, choices) for s in ti.static(range(choices.features_at_once))])
        return [features[corner, channel] for channel in ti.static(channels) for corner in ti.static([a, b, c])]
    return [places[a, 0], places[a, 1], places[b, 0], places[b, 1], places[c, 0], places[c, 1]]


@ti.func
def features_at(
    f, of_face: ti.template(), group, n_features, face: ti.template(), qa, qb, qc, wa, wb, wc, pixel, features: ti.template(), corners: ti.template(),
    levels: ti.template(), textures: ti.template(), texture_size, choices: ti.template(), variant: ti.template(),
):  # fmt: skip
    """A group of channels of a face at a block of pixels, where its corners weigh wa, wb, wc: a list of vectors. ``face`` is its set-up; for qa, ...,
    pixel see `face_level_of_detail`.

    To be called within ``ti.static``: the gradient of a list of Python's compiles ten times faster than that of a matrix of Taichi's.
    """
    if ti.static(choices.texture == Texture.VERTEX):
        return [wa * of_face[3 * s] + wb * of_face[3 * s + 1] + wc * of_face[3 * s + 2] for s in ti.static(range(choices.features_at_once))]
    channels = ti.static([channel_of(group, s, n_features, choices) for s in ti.static(range(choices.features_at_once))])
    ua, va, ub, vb, uc, vc = of_face[0], of_face[1], of_face[2], of_face[3], of_face[4], of_face[5]
    texture = corners[f, TEXTURE]
    u = wa * ua + wb * ub + wc * uc
    v = wa * va + wb * vb + wc * vc
    if ti.static(choices.texture == Texture.FACE):
        texel = texture * texture_size * texture_size + texel_of(u, v, texture_size)
        return [gather(texel, k, features, variant) for k in ti.static(channels)]
    level = textures[texture, FIRST_LEVEL]
    first, height, width = levels[level, FIRST_TEXEL], levels[level, HEIGHT], levels[level, WIDTH]
    if ti.static(choices.filter == Filter.NEAREST):
        texel = nearest_place(u, v, first, height, width, choices.wrap)
        return [gather(texel, k, features, variant) for k in ti.static(channels)]
    if ti.static(choices.filter == Filter.BILINEAR):
        texels = ti.static(bilinear_place(u, v, first, height, width, choices.wrap))
        return [gather_bilinear(texels, k, features, variant) for k in ti.static(channels)]
    ax, ay, bx, by, cx, cy = face[AX], face[AY], face[BX], face[BY], face[CX], face[CY]
    lod = face_level_of_detail(u, v, ax, ay, ua, va, qa, bx, by, ub, vb, qb, cx, cy, uc, vc, qc, pixel, height, width)
    lower, upper, share = level_between(lod, textures[texture, N_LEVELS])
    sharp = ti.static(place_on_level(u, v, level + lower, levels, choices.wrap, variant))
    coarse = ti.static(place_on_level(u, v, level + upper, levels, choices.wrap, variant))
    return [(1.0 - share) * gather_bilinear(sharp, k, features, variant) + share * gather_bilinear(coarse, k, features, variant) for k in ti.static(channels)]
