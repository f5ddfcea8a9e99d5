"""From per-pixel sums to the image: alpha, features and depth."""

import functools

import taichi as ti

from .blending import Blending, depth_weight
from .op import Op
from .rasterize import DEPTH, FEATURES, SILHOUETTE, WEIGHT, Choices
from .silhouette import silhouette_inverse
from .softness import BACKGROUND_DEPTH_NORM, FAR, GAMMA
from .variant import Variant

__all__ = ["face_id_kernel", "resolve_op"]


@ti.func
def pixel_place(image, row, column, height, width, variant: ti.template()):
    """(tile, place in it) of a pixel."""
    tiles_x = (width + variant.tile_width - 1) // variant.tile_width
    tiles_y = (height + variant.tile_height - 1) // variant.tile_height
    tile = (image * tiles_y + row // variant.tile_height) * tiles_x + column // variant.tile_width
    return tile, (row % variant.tile_height) * variant.tile_width + column % variant.tile_width


@functools.cache
def resolve_op(variant: Variant, choices: Choices) -> Op:
    """alpha = g^-1(sum); features = (sum_j w_j C_j + w_b C_b)/(sum_j w_j + w_b); depth likewise, the background being at ``far``.

    Inputs: sums, background, softness. Outputs: alpha_img, features_img, depth_img.
    """
    real = variant.array
    at_once = choices.features_at_once

    @ti.kernel
    def resolve(
        sums: real(3),  # [tiles, n_sums, tile_pixels]
        background: real(2),  # [B, n_features]
        softness: real(1),  # [N_SOFTNESS]
        alpha_img: real(3),  # [B, H, W] added to
        features_img: real(4),  # [B, H, W, n_features] added to
        depth_img: real(3),  # [B, H, W] added to
        max_depth_norm: real(2),  # [tiles, tile_pixels]
        one_over_faces: real(1),  # [B] one over the number of faces of each image
        n_features: ti.i32,
        n_groups: ti.i32,
        n_images: ti.i32,
        height: ti.i32,
        width: ti.i32,
    ):
        for item in range(n_images * height * width * n_groups):
            group = item % n_groups
            place = item // n_groups
            image = place // (height * width)
            row = (place // width) % height
            column = place % width
            tile, pixel = pixel_place(image, row, column, height, width, variant)
            counts = ti.select(group == 0, sums[tile, SILHOUETTE, pixel] * 0.0 + 1.0, 0.0)
            alpha_img[image, row, column] += counts * silhouette_inverse(
                sums[tile, SILHOUETTE, pixel], one_over_faces[image], softness, choices.silhouette, variant.real
            )
            if ti.static(at_once > 0):
                background_weight = sums[tile, WEIGHT, pixel] * 0.0
                if ti.static(choices.blending == Blending.HARD):
                    background_weight = 1.0 - sums[tile, WEIGHT, pixel]
                else:
                    background_weight = depth_weight(softness[BACKGROUND_DEPTH_NORM], max_depth_norm[tile, pixel], softness[GAMMA])
                one_over_total = 1.0 / (sums[tile, WEIGHT, pixel] + background_weight)
                depth_img[image, row, column] += counts * (sums[tile, DEPTH, pixel] + background_weight * softness[FAR]) * one_over_total
                for s in ti.static(range(at_once)):
                    channel = group * at_once + s
                    last = ti.min(channel, n_features - 1)  # the last group may have places to spare, which add nothing
                    value = (sums[tile, FEATURES + channel, pixel] + background_weight * background[image, last]) * one_over_total
                    features_img[image, row, column, last] += ti.select(channel < n_features, value, 0.0)

    return Op(name="resolve", kernel=resolve, n_inputs=3, n_outputs=3)


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
