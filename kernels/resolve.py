"""From per-pixel sums to the image: alpha, features and depth."""

import functools

from ..language import ti
from .blending import Blending, background_weight_of
from .face import DEPTH, FEATURES, SILHOUETTE, WEIGHT, Choices, item_and_group, slot, sum_row
from .silhouette import silhouette_inverse
from .softness import FAR
from .tiles import pixel_place
from .variant import Variant

__all__ = ["face_id_kernel", "resolve_flat_kernel", "resolve_pixel"]


@ti.func
def resolve_pixel(state: ti.template(), l, behind: ti.template(), share, softness: ti.template(), choices: ti.template(), variant: ti.template()):
    """Alpha, depth and features of lane l in place of its sums. ``behind`` are the features of the background, m stands after the sums.

    alpha = g^-1(sum); features = (sum_j w_j C_j + w_b C_b)/(sum_j w_j + w_b); depth likewise, the background being at ``far``.
    """
    lanes, at_once = ti.static(variant.lanes, choices.features_at_once)
    state[slot(SILHOUETTE, l, lanes)] = silhouette_inverse(state[slot(SILHOUETTE, l, lanes)], share, softness, choices.silhouette, variant.real)
    if ti.static(at_once > 0):
        weight_sum = state[slot(WEIGHT, l, lanes)]
        background_weight = background_weight_of(state[slot(FEATURES + at_once, l, lanes)], weight_sum, softness, choices.blending, variant.real)
        one_over_total = 1.0 / (weight_sum + background_weight)
        state[slot(DEPTH, l, lanes)] = (state[slot(DEPTH, l, lanes)] + background_weight * softness[FAR]) * one_over_total
        for s in ti.static(range(at_once)):
            state[slot(FEATURES + s, l, lanes)] = (state[slot(FEATURES + s, l, lanes)] + background_weight * behind[s]) * one_over_total


@functools.cache
def resolve_flat_kernel(variant: Variant, choices: Choices):
    """The same, flat, for the gradient that Taichi generates of it. The images are added to."""
    real = variant.array
    at_once = choices.features_at_once

    @ti.kernel
    def resolve_flat(
        sums: real(3),  # [tiles * n_sums, blocks, lanes]
        background: real(2),
        softness: real(1),
        alpha_img: real(3),
        features_img: real(4),
        depth_img: real(3),
        max_depth_norm: real(3),
        one_over_faces: real(1),
        n_features: ti.i32,
        n_groups: ti.i32,
        height: ti.i32,
        width: ti.i32,
    ):
        for item in range(alpha_img.shape[0] * height * width * n_groups):
            place, group = item_and_group(item, n_groups, choices)
            image = place // (height * width)
            row = (place // width) % height
            column = place % width
            tile, pixel = pixel_place(image, row, column, height, width, variant)
            block, lane = pixel // variant.lanes, pixel % variant.lanes
            silhouette_sum = sums[sum_row(tile, SILHOUETTE, n_groups, choices), block, lane]
            counts = ti.select(group == 0, silhouette_sum * 0.0 + 1.0, 0.0)
            alpha_img[image, row, column] += counts * silhouette_inverse(silhouette_sum, one_over_faces[image], softness, choices.silhouette, variant.real)
            if ti.static(at_once > 0):
                weight_sum = sums[sum_row(tile, WEIGHT, n_groups, choices), block, lane]
                m = variant.real(0.0)
                if ti.static(choices.blending != Blending.HARD):
                    m = max_depth_norm[tile, block, lane]
                background_weight = background_weight_of(m, weight_sum, softness, choices.blending, variant.real)
                one_over_total = 1.0 / (weight_sum + background_weight)
                depth_sum = sums[sum_row(tile, DEPTH, n_groups, choices), block, lane]
                depth_img[image, row, column] += counts * (depth_sum + background_weight * softness[FAR]) * one_over_total
                for s in ti.static(range(at_once)):
                    channel = group * at_once + s
                    last = ti.min(channel, n_features - 1)  # the last group may have places to spare, which add nothing
                    features_sum = sums[sum_row(tile, FEATURES + channel, n_groups, choices), block, lane]
                    value = (features_sum + background_weight * background[image, last]) * one_over_total
                    features_img[image, row, column, last] += ti.select(channel < n_features, value, 0.0)

    return resolve_flat


@functools.cache
def face_id_kernel(variant: Variant):
    """From the nearest face of each pixel of each tile, -1 for none, to a picture of the mesh's faces."""
    index = variant.index

    @ti.kernel
    def face_id(
        nearest_face: index(1),  # [tiles * tile_pixels]
        face_source: index(2),  # [F, 1]
        face_img: index(3),  # [B, H, W] written
        n_images: ti.i32,
        height: ti.i32,
        width: ti.i32,
    ):
        for item in range(n_images * height * width):
            image, row, column = item // (height * width), item // width % height, item % width
            tile, pixel = pixel_place(image, row, column, height, width, variant)
            face = nearest_face[tile * variant.tile_pixels + pixel]
            face_img[image, row, column] = ti.select(face < 0, -1, face_source[ti.max(face, 0), 0])

    return face_id
