"""From triangles on the screen to per-pixel sums: the heart of the renderer.

Per pixel only sums over the faces in reach are formed, so that nothing but the sums need be kept:

    SILHOUETTE   sum_j g(D_j)         g the generator of the T-conorm, D_j the coverage (for the maximum: the largest D_j)
    WEIGHT       sum_j w_j            w_j = D_j exp((depth_norm_j - m)/gamma), m the largest depth_norm at the pixel (or the background's)
    DEPTH        sum_j w_j z_j
    FEATURES+c   sum_j w_j C_jc

Two kernels compute them from the same functions. `aggregate` walks the faces of each tile and is made for speed. `contribute` is flat, one iteration per
(face, tile) pair and block of lanes, and exists for its gradient, which Taichi generates; m is a constant to it, because it cancels in `resolve`.
With hard colour w_j is one for the nearest face that has the pixel inside, `nearest_face`, and nought for all others.

Both see pixels in tiles: ``sums[tile, s, pixel of the tile]``, and features in groups of `features_at_once` channels, so that any number of channels compiles
as fast as four: what a pixel is to a face is evaluated once for each group.
"""

import functools
from dataclasses import replace

import taichi as ti

from .adjoint import OF_FEATURES, adjoint_kernel, has_adjoint, n_packed
from .blending import Blending, depth_weight, normalised_depth
from .face import DEPTH, FEATURES, SILHOUETTE, WEIGHT, Choices, block_centres, evaluate, evaluate_with, item_and_group, load_face, slot
from .op import Op
from .softness import BACKGROUND_DEPTH_NORM, FAR, GAMMA, N_SOFTNESS, NEAR
from .special import larger, smaller
from .texture import Texture, face_features, features_at
from .variant import Variant

__all__ = ["rasterize_op"]

LANES_OF_PICTURES = 1  # the gradient to texels is scattered one by one: with all lanes it would compile for half a minute


@functools.cache
def rasterize_op(variant: Variant, choices: Choices) -> Op:
    """Inputs: vertices_screen, features, places, softness. Output: sums.

    `max_depth_norm`, `nearest_face` and `strongest_face` are written on the way forward and read on the way back.
    """
    narrow = replace(variant, lanes=min(variant.lanes, LANES_OF_PICTURES)) if choices.texture is Texture.IMAGE else variant
    return Op(
        name="rasterize",
        kernel=_contribute_kernel(narrow, choices),
        n_inputs=4,
        n_outputs=1,
        forward=_aggregate_kernel(variant, choices),
        gradient=_gradient_by_hand(variant, choices) if has_adjoint(choices) else None,
    )


def _gradient_by_hand(variant: Variant, choices: Choices):
    kernel = adjoint_kernel(variant, choices)

    def gradient(arrays, arguments) -> None:
        vertices, features, _, softness, sums, max_depth_norm, _, _, faces, corners, face_image, walk, *rest = arguments
        n_features, n_groups, height, width = rest[-4:]
        gradients = [arrays.gradient_or_scratch(array) for array in (vertices, features, sums)]
        heads = (vertices, features, softness, *gradients, max_depth_norm, faces, corners, face_image)
        packed = arrays.empty((sums.shape[0] * variant.blocks_per_tile * n_groups, n_packed(choices), variant.lanes))
        if variant.lanes == 1:
            nothing, rows = face_image, arrays.zeros((1, 1))
            for pair_face, pair_tile, _, _, _, n_pairs in walk.chunks():
                lists = (pair_face, pair_tile, packed, rows, nothing, nothing, nothing, nothing)
                arrays.launch(kernel, (*heads, *lists, n_features, n_groups, sums.shape[0], n_pairs, 0, 0, height, width))
            return
        n_faces = faces.shape[0]
        rows = arrays.empty((n_faces * n_groups, OF_FEATURES + 3 * choices.features_at_once))
        n_vertices, n_rows = (array.shape[0] if arrays.gradient_of(array) is not None else 0 for array in (vertices, features))
        nothing = (face_image, face_image)
        at_vertices = walk.corners_at_vertices() if n_vertices else nothing
        at_features = walk.corners_at_features() if n_rows else nothing
        lists = (*nothing, packed, rows, *at_vertices, *at_features)  # a face finds its tiles itself
        arrays.launch(kernel, (*heads, *lists, n_features, n_groups, sums.shape[0], n_faces, n_vertices, n_rows, height, width))

    return gradient


def _aggregate_kernel(variant: Variant, choices: Choices):
    """The forward pass: each tile's block of lanes walks the tile's faces and owns its sums (an online softmax: one exponential a pair).

    The inner loop over lanes is written for one pixel, without a branch, and touches nothing but local variables (so the settings and the features of the face
    are copied to some): then LLVM turns it into vector instructions. On a GPU there is one lane.
    """
    real, index = variant.array, variant.index
    lanes, blocks_per_tile = variant.lanes, variant.blocks_per_tile
    single = replace(variant, lanes=1)
    at_once = choices.features_at_once
    hard = choices.blending is Blending.HARD
    strongest_only = choices.silhouette.value.strongest
    n_held = 3 * at_once if choices.texture is Texture.VERTEX else 6
    M = FEATURES + at_once  # place of m in the state of a pixel, after its sums

    @ti.kernel
    def aggregate(
        vertices_screen: real(2),  # [N, 3] x, y on the screen; depth
        features: real(2),  # [M, n_features]
        places: real(2),  # [P, 2] on the textures; with texels per face, barycentric coordinates
        softness_array: real(1),  # [N_SOFTNESS + what the distribution needs]
        sums: real(3),  # [tiles, n_sums, tile_pixels] nought; written
        max_depth_norm: real(2),  # [tiles, tile_pixels] written: m (softmax)
        nearest_face: index(1),  # [tiles * tile_pixels] written: the face that is seen, or -1 (hard)
        strongest_face: index(1),  # [tiles * tile_pixels] written: the face with the largest coverage, or -1 (maximum)
        faces: index(2),  # [F, 3] into vertices_screen
        corners: index(2),  # [F, 3] into features; with texels [F, 4]: into places, and the number of the texture
        face_image: index(1),  # [F] the image each face is in
        pair_face: index(1),  # [pairs] of a chunk of the tiles
        pair_tile: index(1),  # [pairs]
        tile_offset: index(1),  # [tiles of the chunk + 1]
        first_tile: ti.i32,
        n_tiles: ti.i32,  # of the chunk
        n_pairs: ti.i32,
        levels: index(2),  # [levels, 3], [textures, 2] the tables of `texture_image`
        textures: index(2),
        texture_size: ti.i32,  # R, of R x R texels per face
        n_features: ti.i32,
        n_groups: ti.i32,
        height: ti.i32,
        width: ti.i32,
    ):
        for item in range(n_tiles * blocks_per_tile * n_groups):
            place, group = item_and_group(item, n_groups, choices)
            tile = first_tile + place // blocks_per_tile
            first_pixel = place % blocks_per_tile * lanes
            softness = ti.Vector([softness_array[i] for i in ti.static(range(N_SOFTNESS))])
            first_pair, last_pair = tile_offset[tile - first_tile], tile_offset[tile - first_tile + 1]
            pixel_size = 2.0 / ti.cast(ti.min(height, width), variant.real)
            state = ti.Vector.zero(variant.real, (M + 1) * lanes)
            nearest = ti.Vector([-1 for l in ti.static(range(lanes))], dt=ti.i32)
            strongest = ti.Vector([-1 for l in ti.static(range(lanes))], dt=ti.i32)
            for l in range(lanes):
                state[slot(M, l, lanes)] = softness[BACKGROUND_DEPTH_NORM]
            for k in range(first_pair, last_pair):
                f = pair_face[k]
                ax, ay, az, bx, by, bz, cx, cy, cz = load_face(f, vertices_screen, faces)
                of_face = ti.static(face_features(f, group, n_features, features, corners, places, choices))
                held = ti.Vector([of_face[i] for i in ti.static(range(n_held))])
                for l in range(lanes):
                    x, y = block_centres(tile, first_pixel + l, height, width, single)
                    generated, coverage, depth, colored, wa, wb, wc, qa, qb, qc = evaluate_with(
                        softness, softness_array, x, y, ax, ay, az, bx, by, bz, cx, cy, cz, choices, variant.real
                    )
                    if ti.static(strongest_only):
                        strongest[slot(0, l, lanes)] = ti.select(generated[0] > state[slot(SILHOUETTE, l, lanes)], f, strongest[slot(0, l, lanes)])
                        state[slot(SILHOUETTE, l, lanes)] = ti.max(state[slot(SILHOUETTE, l, lanes)], generated[0])
                    else:
                        state[slot(SILHOUETTE, l, lanes)] += generated[0]
                    if ti.static(at_once > 0):
                        weight, rescale = variant.real(0.0), variant.real(1.0)
                        if ti.static(hard):
                            nearer = colored[0] & ((nearest[slot(0, l, lanes)] < 0) | (depth[0] < state[slot(DEPTH, l, lanes)]))
                            nearest[slot(0, l, lanes)] = ti.select(nearer, f, nearest[slot(0, l, lanes)])
                            weight = ti.select(nearer, 1.0, weight)
                            rescale = ti.select(nearer, 0.0, rescale)
                        else:
                            m = state[slot(M, l, lanes)]
                            depth_norm = normalised_depth(depth[0], softness[NEAR], softness[FAR])
                            nearer = colored[0] & (depth_norm > m)
                            farther_weight = depth_weight(smaller(depth_norm, m), larger(depth_norm, m), softness[GAMMA], variant.real)
                            rescale = ti.select(nearer, farther_weight, rescale)
                            weight = ti.select(colored[0], coverage[0] * ti.select(nearer, 1.0, farther_weight), weight)
                            state[slot(M, l, lanes)] = ti.select(nearer, depth_norm, m)
                        state[slot(WEIGHT, l, lanes)] = state[slot(WEIGHT, l, lanes)] * rescale + weight
                        state[slot(DEPTH, l, lanes)] = state[slot(DEPTH, l, lanes)] * rescale + weight * depth[0]
                        values = ti.static(
                            features_at(
                                f, held, group, n_features, ax, ay, qa, bx, by, qb, cx, cy, qc, wa, wb, wc, pixel_size, features, corners, levels,
                                textures, texture_size, choices, single,
                            )
                        )  # fmt: skip
                        for s in ti.static(range(at_once)):
                            state[slot(FEATURES + s, l, lanes)] = state[slot(FEATURES + s, l, lanes)] * rescale + weight * values[s][0]
            if first_pair < last_pair:
                for l in range(lanes):
                    pixel = first_pixel + l
                    if group == 0:
                        sums[tile, SILHOUETTE, pixel] = state[slot(SILHOUETTE, l, lanes)]
                        if ti.static(strongest_only):
                            strongest_face[tile * variant.tile_pixels + pixel] = strongest[slot(0, l, lanes)]
                        if ti.static(at_once > 0):
                            if ti.static(hard):
                                nearest_face[tile * variant.tile_pixels + pixel] = nearest[slot(0, l, lanes)]
                            else:
                                max_depth_norm[tile, pixel] = state[slot(M, l, lanes)]
                            sums[tile, WEIGHT, pixel] = state[slot(WEIGHT, l, lanes)]
                            sums[tile, DEPTH, pixel] = state[slot(DEPTH, l, lanes)]
                    for s in ti.static(range(at_once)):
                        sums[tile, FEATURES + group * at_once + s, pixel] = state[slot(FEATURES + s, l, lanes)]
            else:  # `sums` are nought as they are
                for l in range(lanes):
                    place = tile * variant.tile_pixels + first_pixel + l
                    if ti.static(strongest_only):
                        strongest_face[place] = -1
                    if ti.static(hard and at_once > 0):
                        nearest_face[place] = -1
                    if ti.static(not hard and at_once > 0):
                        max_depth_norm[tile, first_pixel + l] = softness[BACKGROUND_DEPTH_NORM]

    return aggregate


def _contribute_kernel(variant: Variant, choices: Choices):
    """The same sums, flat: its generated gradient is the gradient of `aggregate`.

    Same arguments; ``sums`` are added to; m, `nearest_face` and `strongest_face` are read.
    """
    real, index, vector = variant.array, variant.index, variant.vector
    lanes = variant.lanes
    blocks_per_tile = variant.blocks_per_tile
    at_once = choices.features_at_once
    hard = choices.blending is Blending.HARD
    strongest_only = choices.silhouette.value.strongest

    @ti.kernel
    def contribute(
        vertices_screen: real(2),
        features: real(2),
        places: real(2),
        softness: real(1),
        sums: real(3),
        max_depth_norm: real(2),
        nearest_face: index(1),
        strongest_face: index(1),
        faces: index(2),
        corners: index(2),
        face_image: index(1),
        pair_face: index(1),
        pair_tile: index(1),
        tile_offset: index(1),
        first_tile: ti.i32,
        n_tiles: ti.i32,
        n_pairs: ti.i32,
        levels: index(2),
        textures: index(2),
        texture_size: ti.i32,
        n_features: ti.i32,
        n_groups: ti.i32,
        height: ti.i32,
        width: ti.i32,
    ):
        for item in range(n_pairs * blocks_per_tile * n_groups):
            place, group = item_and_group(item, n_groups, choices)
            f = pair_face[place // blocks_per_tile]
            tile = pair_tile[place // blocks_per_tile]
            block = place % blocks_per_tile
            x, y = block_centres(tile, block, height, width, variant)
            pixel_size = 2.0 / ti.cast(ti.min(height, width), variant.real)
            ax, ay, az, bx, by, bz, cx, cy, cz = load_face(f, vertices_screen, faces)
            generated, coverage, depth, colored, wa, wb, wc, qa, qb, qc = evaluate(x, y, ax, ay, az, bx, by, bz, cx, cy, cz, softness, choices, variant.real)
            first_pixel = tile * variant.tile_pixels + block * lanes
            counts = variant.real(1.0)
            if ti.static(choices.grouped):  # what is not of a channel is added once
                counts = ti.select(group == 0, counts, 0.0)
                generated = generated * counts
            if ti.static(strongest_only):
                strongest = ti.Vector([strongest_face[first_pixel + l] for l in ti.static(range(lanes))], dt=ti.i32)
                generated = ti.select(strongest == f, generated, 0.0)
            for l in ti.static(range(lanes)):
                sums[tile, SILHOUETTE, block * lanes + l] += generated[l]
            if ti.static(at_once > 0):
                weight = vector(0)
                if ti.static(hard):
                    nearest = ti.Vector([nearest_face[first_pixel + l] for l in ti.static(range(lanes))], dt=ti.i32)
                    weight = ti.select(nearest == f, 1.0, weight)
                else:
                    m = vector([max_depth_norm[tile, block * lanes + l] for l in ti.static(range(lanes))])
                    depth_norm = ti.select(colored, normalised_depth(depth, softness[NEAR], softness[FAR]), m)
                    weight = ti.select(colored, coverage * depth_weight(depth_norm, m, softness[GAMMA], variant.real), weight)
                once = weight
                if ti.static(choices.grouped):
                    once = weight * counts
                for l in ti.static(range(lanes)):
                    sums[tile, WEIGHT, block * lanes + l] += once[l]
                    sums[tile, DEPTH, block * lanes + l] += once[l] * depth[l]
                of_face = ti.static(face_features(f, group, n_features, features, corners, places, choices))
                values = ti.static(
                    features_at(
                        f, of_face, group, n_features, ax, ay, qa, bx, by, qb, cx, cy, qc, wa, wb, wc, pixel_size, features, corners, levels, textures,
                        texture_size, choices, variant,
                    )
                )  # fmt: skip
                for s in ti.static(range(at_once)):
                    value = weight * values[s]
                    for l in ti.static(range(lanes)):
                        sums[tile, FEATURES + group * at_once + s, block * lanes + l] += value[l]

    return contribute
