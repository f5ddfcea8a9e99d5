"""From per-pixel sums to the image: alpha, features and depth."""

import functools
from dataclasses import replace

import taichi as ti

from .adjoint import has_resolve_adjoint, resolve_adjoint_kernel
from .blending import Blending, background_weight_of
from .face import DEPTH, FEATURES, SILHOUETTE, WEIGHT, Choices, copy_sums, item_and_group, slot
from .op import Op
from .silhouette import silhouette_inverse
from .softness import FAR, N_SOFTNESS
from .texture import channel_of
from .tiles import block_of, n_tiles_of_image
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
    return Op(
        name="resolve",
        kernel=_flat_kernel(variant, choices),
        n_inputs=3,
        n_outputs=3,
        forward=_by_tiles_kernel(variant, choices),
        gradient=_gradient_by_hand(variant, choices) if has_resolve_adjoint(choices) else None,
    )


def _gradient_by_hand(variant: Variant, choices: Choices):
    kernel = resolve_adjoint_kernel(variant, choices)

    def gradient(arrays, arguments) -> None:
        sums, background, softness, alpha, color, depth, max_depth_norm, _, *sizes = arguments
        gradients = [arrays.gradient_or_scratch(array) for array in (sums, background, alpha, color, depth)]
        wanted = arrays.gradient_of(background) is not None
        arrays.launch(kernel, (sums, background, softness, *gradients, max_depth_norm, int(wanted), *sizes))

    return gradient


def _by_tiles_kernel(variant: Variant, choices: Choices):
    """The forward pass, a block of lanes at a time: first all arithmetic, on local variables, for LLVM to vectorise, then the writing."""
    real = variant.array
    lanes, blocks_per_tile, at_once = variant.lanes, variant.blocks_per_tile, choices.features_at_once
    single = replace(variant, lanes=1)

    @ti.kernel
    def resolve(
        sums: real(3),  # [tiles, n_sums, tile_pixels]
        background: real(2),  # [B, n_features]
        softness_array: real(1),  # [N_SOFTNESS]
        alpha_img: real(3),  # [B, H, W] written
        features_img: real(4),  # [B, H, W, n_features] written
        depth_img: real(3),  # [B, H, W] written
        max_depth_norm: real(2),  # [tiles, tile_pixels]
        one_over_faces: real(1),  # [B] one over the number of faces of each image
        n_features: ti.i32,
        n_groups: ti.i32,
        n_images: ti.i32,
        height: ti.i32,
        width: ti.i32,
    ):
        for item in range(n_images * n_tiles_of_image(height, width, variant) * blocks_per_tile * n_groups):
            place, group = item_and_group(item, n_groups, choices)
            tile, block = place // blocks_per_tile, place % blocks_per_tile
            first = block * lanes
            image, _, _ = block_of(tile, block, height, width, variant)
            softness = ti.Vector([softness_array[i] for i in ti.static(range(N_SOFTNESS))])
            share = one_over_faces[image]
            behind = ti.Vector([background[image, channel_of(group, s, n_features, choices)] for s in ti.static(range(at_once))])
            pixels = ti.Vector.zero(variant.real, (FEATURES + at_once) * lanes)
            copy_sums(pixels, sums, tile, first, group, choices, lanes)
            m = ti.Vector.zero(variant.real, lanes)
            if ti.static(at_once > 0 and choices.blending != Blending.HARD):
                for l in range(lanes):
                    m[slot(0, l, lanes)] = max_depth_norm[tile, first + l]
            for l in range(lanes):
                pixels[slot(SILHOUETTE, l, lanes)] = silhouette_inverse(pixels[slot(SILHOUETTE, l, lanes)], share, softness, choices.silhouette, variant.real)
                if ti.static(at_once > 0):
                    background_weight = background_weight_of(m[slot(0, l, lanes)], pixels[slot(WEIGHT, l, lanes)], softness, choices.blending, variant.real)
                    one_over_total = 1.0 / (pixels[slot(WEIGHT, l, lanes)] + background_weight)
                    pixels[slot(DEPTH, l, lanes)] = (pixels[slot(DEPTH, l, lanes)] + background_weight * softness[FAR]) * one_over_total
                    for s in ti.static(range(at_once)):
                        pixels[slot(FEATURES + s, l, lanes)] = (pixels[slot(FEATURES + s, l, lanes)] + background_weight * behind[s]) * one_over_total
            for l in range(lanes):
                _, row, column = block_of(tile, first + l, height, width, single)
                if row < height and column < width:
                    if group == 0:
                        alpha_img[image, row, column] = pixels[slot(SILHOUETTE, l, lanes)]
                        if ti.static(at_once > 0):
                            depth_img[image, row, column] = pixels[slot(DEPTH, l, lanes)]
                    for s in ti.static(range(at_once)):
                        channel = group * at_once + s
                        if channel < n_features:  # the last group may have places to spare
                            features_img[image, row, column, channel] = pixels[slot(FEATURES + s, l, lanes)]

    return resolve


def _flat_kernel(variant: Variant, choices: Choices):
    """The same, flat: its generated gradient is that of all choices. Same arguments; the images are added to."""
    real = variant.array
    at_once = choices.features_at_once

    @ti.kernel
    def resolve_flat(
        sums: real(3),
        background: real(2),
        softness: real(1),
        alpha_img: real(3),
        features_img: real(4),
        depth_img: real(3),
        max_depth_norm: real(2),
        one_over_faces: real(1),
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
                background_weight = background_weight_of(max_depth_norm[tile, pixel], sums[tile, WEIGHT, pixel], softness, choices.blending, variant.real)
                one_over_total = 1.0 / (sums[tile, WEIGHT, pixel] + background_weight)
                depth_img[image, row, column] += counts * (sums[tile, DEPTH, pixel] + background_weight * softness[FAR]) * one_over_total
                for s in ti.static(range(at_once)):
                    channel = group * at_once + s
                    last = ti.min(channel, n_features - 1)  # the last group may have places to spare, which add nothing
                    value = (sums[tile, FEATURES + channel, pixel] + background_weight * background[image, last]) * one_over_total
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
