"""From per-pixel sums to the image: alpha, features and depth."""

import functools

import taichi as ti

from .blending import Blending, depth_weight
from .op import Op
from .rasterize import BACKGROUND_DEPTH_NORM, DEPTH, FAR, FEATURES, GAMMA, SILHOUETTE, WEIGHT, Choices
from .silhouette import silhouette_inverse
from .variant import Variant

__all__ = ["resolve_op"]


@functools.cache
def resolve_op(variant: Variant, choices: Choices) -> Op:
    """alpha = g^-1(sum); features = (sum_j w_j C_j + w_b C_b)/(sum_j w_j + w_b); depth likewise, the background being at ``far``.

    Inputs: sums, background, softness. Outputs: alpha_img, features_img, depth_img.
    """
    real = variant.array
    n_features = choices.n_features
    tile_width, tile_height = variant.tile_width, variant.tile_height

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
        n_images: ti.i32,
        height: ti.i32,
        width: ti.i32,
    ):
        for item in range(n_images * height * width):
            image = item // (height * width)
            row = (item // width) % height
            column = item % width
            tiles_x = (width + tile_width - 1) // tile_width
            tiles_y = (height + tile_height - 1) // tile_height
            tile = (image * tiles_y + row // tile_height) * tiles_x + column // tile_width
            pixel = (row % tile_height) * tile_width + column % tile_width
            alpha_img[image, row, column] += silhouette_inverse(sums[tile, SILHOUETTE, pixel], one_over_faces[image], choices.silhouette)
            if ti.static(n_features > 0):
                background_weight = sums[tile, WEIGHT, pixel] * 0.0
                if ti.static(choices.blending == Blending.HARD):
                    background_weight = 1.0 - sums[tile, WEIGHT, pixel]
                else:
                    background_weight = depth_weight(softness[BACKGROUND_DEPTH_NORM], max_depth_norm[tile, pixel], softness[GAMMA])
                one_over_total = 1.0 / (sums[tile, WEIGHT, pixel] + background_weight)
                depth_img[image, row, column] += (sums[tile, DEPTH, pixel] + background_weight * softness[FAR]) * one_over_total
                for s in ti.static(range(n_features)):
                    features_img[image, row, column, s] += (sums[tile, FEATURES + s, pixel] + background_weight * background[image, s]) * one_over_total

    return Op(name="resolve", kernel=resolve, n_inputs=3, n_outputs=3)
