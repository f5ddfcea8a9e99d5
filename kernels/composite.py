"""Faces that let light through: composited by opacity, the nearest first, as Triangle Splatting (arXiv 2505.19175, eq. 3) and its descendants do.

At a pixel whose faces are ordered by their depth there, near to far,

    a_j = o_j D_j                          o_j the opacity, D_j the coverage
    T_j = prod_{i < j} (1 - a_i)           the light that the faces before let through; T behind all of them
    color = sum_j T_j a_j C_j + T C_b      depth and other features likewise; alpha = 1 - T

The order is exact, and no number of layers is too many. The faces of a tile come sorted by the nearest of their depths (`taichi_softras.engine.binning`), and
each is put among those that each lane of a block has met, from behind: as they nearly are in order, it moves few. Once every face to come is farther than the
first of them, these are composited. So that all lanes do the same, a face is a layer of each of them, of which a_j is nought where it does not count; one that
counts nowhere is none. Where T has fallen to a cut-off, a pixel has seen enough, and where all pixels of a block have, the faces behind are not even looked at.

The way back keeps nothing of the way forward. `layers_adjoint` walks through each pixel once more, and then from the back to the front. With
c_j = dL/dalpha + dL/dcolor C_j + dL/ddepth z_j, what layer j is worth to the loss L, and B_j the same of all that lies behind it,

    B_last = dL/dcolor C_b + dL/ddepth far     B_{j-1} = a_j c_j + (1 - a_j) B_j
    dL/da_j = T_j (c_j - B_j)                  dL/dc_j = T_j a_j

which has no quotient that an opaque face would make infinite. From there to corners, features and opacities it is straight-line code: the gradient that Taichi
generates of `layers`, which computes a_j and c_j of each pair and lane; by hand for the usual choices (`kernels.composite_adjoint`).
"""

import functools
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from ..language import ti
from .blending import Order
from .composite_adjoint import faces_adjoint_kernel, gather_rows_kernel, has_face_adjoint, n_of_row, pairs_by_face_kernel
from .coverage import Distribution
from .face import (
    CompositeChoices,
    block_centres,
    centres_at,
    evaluate,
    evaluate_with,
    half_pixel_of,
    item_and_group,
    load_lanes,
    load_set_up,
    slot,
    store_lane,
    store_lanes,
)
from .op import Op
from .softness import FAR, N_SOFTNESS, SHAPE
from .special import larger
from .texture import Texture, channel_of, face_features, features_at
from .tiles import block_of, place_and_block
from .triangle import AZ, BZ, CZ, in_set_up, load_face, set_up
from .variant import AT_ONCE, Variant

__all__ = ["NUMBERS_OF_LAYER", "N_HELD", "RUN", "composite_op"]

DEPTH_SLACK = 1e-5  # by this part of it a depth at a pixel may come out nearer than the nearest corner, by rounding
FEWEST_AT_ONCE = 4  # faces (`faces_at_once`)
RUN = 8  # neighbouring tiles that a worker does one after the other: they share lines of the cache
WINDOW = 16  # layers at hand among which others are put; 2^n
FARTHEST = 3e38  # no depth is larger
ASIDE = 1.000001  # by this factor a layer that does not count at a pixel is put behind the last there, where it moves no other, and ties with none
LANES_OF_PICTURES = 1  # the gradient to texels is scattered one by one: with all lanes it would compile for half a minute

# Of what is held of a layer. On the way forward features follow, on the way back c_j.
DEPTH, A = 0, 1
N_HELD = 3  # on the way back
NUMBERS_OF_LAYER = 2  # that the way back writes down for a pair of a face and a tile, at each of its pixels
NONE = -1.0  # in place of a_j on the way back, where a face does not count


@functools.cache
def composite_op(variant: Variant, choices: CompositeChoices) -> Op:
    """Inputs: vertices_screen, features, places, opacity, opacity_places, window, background, softness. Outputs: alpha, features and depth of the image.

    Among the rest is one argument with `chunks` that stand for the pairs, sorted, and the scratch of the workers (`taichi_softras.engine.composite`).
    """
    return Op(name="composite", kernel=_composite_kernel(variant, choices), n_inputs=8, n_outputs=3, gradient=_gradient(variant, choices))


@functools.cache
def _gradient(variant: Variant, choices: CompositeChoices) -> Callable[[Any, Sequence[Any]], None]:
    """Layer by layer, by hand, to a_j and c_j; then as Taichi generates it."""
    by_hand = has_face_adjoint(variant, choices)
    walk_back = layers_adjoint_kernel(variant, choices, by_face=by_hand)
    of_layers = _faces_gradient(variant, choices) if by_hand else _generated_gradient(variant, choices)

    def gradient(arrays: Any, arguments: Sequence[Any]) -> None:
        inputs, images, (set_ups, faces, corners, opacity_corners, face_image, face_source, walk, *rest) = arguments[:8], arguments[8:11], arguments[11:]
        constants = [arrays.constant(array) for array in inputs]
        grads = [arrays.gradient_or_scratch(array) for array in (inputs[6], *images)]  # of the background, and of the images
        background_wanted = int(arrays.gradient_of(inputs[6]) is not None)
        lists = (faces, corners, opacity_corners, face_image, face_source)

        def layers_of(chunk: tuple[Any, ...], place_of_pair: Any) -> Any:
            """The layers of a chunk, with their gradient."""
            n = max(chunk[5], 1) * variant.blocks_per_tile
            layers = arrays.empty((2 * n, variant.lanes)) if by_hand else arrays.with_gradient(arrays.kept((n, 2, variant.lanes)))
            found = layers if by_hand else arrays.gradient_of(layers)
            arrays.launch(walk_back, (*constants, *grads, place_of_pair, found, set_ups, *lists, *chunk, *rest, background_wanted))
            return layers

        of_layers(arrays, inputs, grads[1:], set_ups, lists, walk, layers_of, rest)

    return gradient


@functools.cache
def _generated_gradient(variant: Variant, choices: CompositeChoices) -> Callable[..., None]:
    """From layers to all that they are made of, for all choices."""
    layers_grad = layers_kernel(variant, choices).grad

    def gradient(arrays, inputs, image_grads, set_ups, lists, walk, layers_of, rest) -> None:
        *tables, _, opacity_channel, n_features, n_groups, height, width = rest
        for chunk in walk.chunks():
            layers = layers_of(chunk, chunk[0])
            numbers = (chunk[5], *tables, opacity_channel, n_features, n_groups, height, width)
            arrays.launch(layers_grad, (*inputs[:6], inputs[7], *image_grads, layers, *lists, *chunk[:2], *numbers))

    return gradient


@functools.cache
def _faces_gradient(variant: Variant, choices: CompositeChoices) -> Callable[..., None]:
    """The same for the choices of `has_face_adjoint`."""
    at_once = choices.features.features_at_once
    of_faces, gather, by_faces = faces_adjoint_kernel(variant, choices), gather_rows_kernel(variant, at_once), pairs_by_face_kernel(variant)

    def gradient(arrays, inputs, image_grads, set_ups, lists, walk, layers_of, rest) -> None:
        vertices, features, _, opacity, _, window, _, softness = inputs
        faces, corners, opacity_corners, face_image, face_source = lists
        *_, opacity_channel, n_features, n_groups, height, width = rest
        constants, n_faces = [arrays.constant(array) for array in (features, opacity, window, softness)], faces.shape[0]
        rows = arrays.zeros((n_faces * n_groups, n_of_row(choices)))
        for chunk in walk.chunks():
            pair_face, pair_tile, _, _, _, n_pairs = chunk[:6]
            last_of_face, place_of_pair, tile_at = arrays.zeros_index(n_faces), *(arrays.empty_index(max(n_pairs, 1)) for _ in range(2))
            arrays.launch(by_faces, (pair_face, pair_tile, last_of_face, place_of_pair, tile_at, n_pairs, n_faces))
            layers = layers_of(chunk, place_of_pair)
            numbers = (opacity_channel, n_features, n_groups, n_faces, height, width)
            lists_of_faces = (corners, opacity_corners, face_image, face_source, last_of_face, tile_at)
            arrays.launch(of_faces, (*constants, layers, *image_grads[1:], set_ups, *lists_of_faces, rows, *numbers))
        differentiable = (vertices, features, opacity, window)
        wanted = [arrays.gradient_of(array) is not None for array in differentiable]
        n_rows = [array.shape[0] if want else 0 for array, want in zip(differentiable, wanted, strict=True)]
        grads = [arrays.gradient_or_scratch(array) for array in differentiable]
        places = [place for want, at in zip(wanted, walk.corners_at, strict=True) for place in (at() if want else (pair_face, pair_face))]
        arrays.launch(gather, (rows, *grads, *places, *n_rows, opacity_channel, n_features, n_groups))

    return gradient


@ti.func
def nearest_depth(f, set_ups: ti.template()):
    """Of the three corners."""
    return ti.min(set_ups[in_set_up(f, AZ)], set_ups[in_set_up(f, BZ)], set_ups[in_set_up(f, CZ)])


@ti.func
def softness_of(f, softness: ti.template(), window: ti.template(), face_source: ti.template(), choices: ti.template()):
    """The settings of a face: those of all, and the window of its own."""
    held = softness
    if ti.static(choices.features.distribution == Distribution.WINDOW):
        held[SHAPE] = window[ti.min(face_source[f, 0], window.shape[0] - 1), 0]
    return held


@ti.func
def item_of(turn, worker, n_workers):
    """Which block a worker does in a turn. (`n_turns` is an argument, for LLVM leaves all loops of a kernel scalar that works out an end with a division.)"""
    return (turn // RUN * n_workers + worker) * RUN + turn % RUN


@ti.func
def first_place(worker, room, first_pair, n_here, block, variant: ti.template()):
    """Where the layers of a block begin in the scratch: a worker on a CPU has ``room`` of its own; on GPUs each block has some for each of its faces."""
    place = worker * room
    if ti.static(variant.lanes == 1):
        place = first_pair * variant.tile_pixels + block * n_here
    return place


@ti.func
def faces_at_once(n_at_hand, variant: ti.template()):
    """How many a block looks at before it finds out which layers are in their place for sure, and whether all of its pixels have seen enough.

    On a CPU, as many as there is room for at hand, so that few layers have to be put elsewhere; on GPUs always as many: neighbouring threads go on together.
    """
    n = WINDOW
    if ti.static(variant.lanes > 1):
        n = ti.max(WINDOW - n_at_hand, FEWEST_AT_ONCE)
    return n


@ti.func
def insert(
    new: ti.template(), number: ti.template(), base, n_done, n_spilled, n_layers, at_hand: ti.template(), numbers_at_hand: ti.template(), held: ti.template(),
    numbers: ti.template(), face_of: ti.template(), in_order: ti.template(), n_held: ti.template(), variant: ti.template(),
):  # fmt: skip
    """Puts a layer of each lane among those not yet composited, behind all that are nearer; those behind it move by one place.

    The last `WINDOW` places are at hand, in a local vector; those before ``n_spilled`` stand in ``held``.
    On a tie the first face is nearer: the numbers of the layers tell, if these are ``in_order``, or else the faces that stand there in ``face_of``.
    """
    lanes = ti.static(variant.lanes)
    other = ti.Vector.zero(variant.real, ti.static(n_held * lanes))
    other_number = ti.Vector([0 for l in ti.static(range(lanes))], dt=ti.i32)
    is_behind = ti.Vector([0 for l in ti.static(range(lanes))], dt=ti.i32)
    place, goes_on = n_layers, n_layers > n_done
    while goes_on:
        read_key(other, other_number, place - 1, base, n_spilled, at_hand, numbers_at_hand, held, numbers, n_held, variant)
        any_behind, any_ties = 0, 0
        for l in range(lanes):
            there, here = other[slot(DEPTH, l, lanes)], new[slot(DEPTH, l, lanes)]
            behind, ties = ti.cast(there > here, ti.i32), ti.cast(there == here, ti.i32)
            if ti.static(in_order):
                behind = behind | (ties & ti.cast(other_number[slot(0, l, lanes)] > number[slot(0, l, lanes)], ti.i32))
            is_behind[slot(0, l, lanes)] = behind
            any_behind |= behind
            any_ties |= ties
        if ti.static(not in_order):
            if any_ties > 0:
                for l in ti.static(range(lanes)):
                    if other[DEPTH * lanes + l] == new[DEPTH * lanes + l]:
                        is_behind[l] = ti.cast(face_of[other_number[l]] > face_of[number[l]], ti.i32)
                        any_behind |= is_behind[l]
        goes_on = any_behind > 0
        if goes_on:
            read_payload(other, place - 1, base, n_spilled, at_hand, held, n_held, variant)
            for l in range(lanes):
                behind = is_behind[slot(0, l, lanes)] > 0
                for i in ti.static(range(n_held)):
                    this, that = new[slot(i, l, lanes)], other[slot(i, l, lanes)]
                    new[slot(i, l, lanes)], other[slot(i, l, lanes)] = ti.select(behind, this, that), ti.select(behind, that, this)
                this_number, that_number = number[slot(0, l, lanes)], other_number[slot(0, l, lanes)]
                number[slot(0, l, lanes)] = ti.select(behind, this_number, that_number)
                other_number[slot(0, l, lanes)] = ti.select(behind, that_number, this_number)
            write_layer(other, other_number, place, base, n_spilled, at_hand, numbers_at_hand, held, numbers, n_held, variant)
            place -= 1
            goes_on = place > n_done
    write_layer(new, number, place, base, n_spilled, at_hand, numbers_at_hand, held, numbers, n_held, variant)


@ti.func
def read_key(
    layer: ti.template(), number: ti.template(), place, base, n_spilled, at_hand: ti.template(), numbers_at_hand: ti.template(), held: ti.template(),
    numbers: ti.template(), n_held: ti.template(), variant: ti.template(),
):  # fmt: skip
    """What the layers at a place are put in their order by."""
    lanes = ti.static(variant.lanes)
    if place >= n_spilled:
        at = place & (WINDOW - 1)
        for l in range(lanes):
            number[slot(0, l, lanes)] = numbers_at_hand[slot(at, l, lanes)]
            layer[slot(DEPTH, l, lanes)] = at_hand[slot(at * n_held + DEPTH, l, lanes)]
    else:
        load_lanes(layer, DEPTH, held, (base + place) * n_held + DEPTH, variant)
        load_lanes(number, 0, numbers, base + place, variant)


@ti.func
def read_payload(layer: ti.template(), place, base, n_spilled, at_hand: ti.template(), held: ti.template(), n_held: ti.template(), variant: ti.template()):
    """The rest of them."""
    lanes = ti.static(variant.lanes)
    if place >= n_spilled:
        at = place & (WINDOW - 1)
        for l in range(lanes):
            for i in ti.static(range(A, n_held)):
                layer[slot(i, l, lanes)] = at_hand[slot(at * n_held + i, l, lanes)]
    else:
        for i in ti.static(range(A, n_held)):
            load_lanes(layer, i, held, (base + place) * n_held + i, variant)


@ti.func
def read_layer(
    layer: ti.template(), number: ti.template(), place, base, n_spilled, at_hand: ti.template(), numbers_at_hand: ti.template(), held: ti.template(),
    numbers: ti.template(), n_held: ti.template(), variant: ti.template(),
):  # fmt: skip
    """The layers at a place."""
    read_key(layer, number, place, base, n_spilled, at_hand, numbers_at_hand, held, numbers, n_held, variant)
    read_payload(layer, place, base, n_spilled, at_hand, held, n_held, variant)


@ti.func
def write_layer(
    layer: ti.template(), number: ti.template(), place, base, n_spilled, at_hand: ti.template(), numbers_at_hand: ti.template(), held: ti.template(),
    numbers: ti.template(), n_held: ti.template(), variant: ti.template(),
):  # fmt: skip
    """The other way."""
    lanes = ti.static(variant.lanes)
    if place >= n_spilled:
        at = place & (WINDOW - 1)
        for l in range(lanes):
            numbers_at_hand[slot(at, l, lanes)] = number[slot(0, l, lanes)]
            for i in ti.static(range(n_held)):
                at_hand[slot(at * n_held + i, l, lanes)] = layer[slot(i, l, lanes)]
    else:
        store_layer(layer, number, base + place, held, numbers, n_held, variant)


@ti.func
def spill(
    n_done, n_spilled, n_layers, base, at_hand: ti.template(), numbers_at_hand: ti.template(), held: ti.template(), numbers: ti.template(),
    n_held: ti.template(), variant: ti.template(),
):  # fmt: skip
    """Makes room at hand for one layer more. Returns how many places stand before it."""
    lanes = ti.static(variant.lanes)
    n = ti.max(n_done, n_spilled)
    if n_layers - n == WINDOW:
        layer = ti.Vector.zero(variant.real, ti.static(n_held * lanes))
        number = ti.Vector([0 for l in ti.static(range(lanes))], dt=ti.i32)
        read_layer(layer, number, n, base, n, at_hand, numbers_at_hand, held, numbers, n_held, variant)
        store_layer(layer, number, base + n, held, numbers, n_held, variant)
        n += 1
    return n


@ti.func
def store_nothing(at, layer_grads: ti.template(), by_face: ti.template(), variant: ti.template()):
    """Of a pair, and a block, no pixel of which sees anything of it."""
    if ti.static(by_face):
        nothing = ti.Vector.zero(variant.real, variant.lanes)
        store_lanes(layer_grads, 2 * at, nothing, 0, variant)
        store_lanes(layer_grads, 2 * at + 1, nothing, 0, variant)
    else:
        for i in ti.static(range(2)):
            for l in ti.static(range(variant.lanes)):
                layer_grads[at, i, l] = 0.0


@ti.func
def store_layer(layer: ti.template(), number: ti.template(), at, held: ti.template(), numbers: ti.template(), n_held: ti.template(), variant: ti.template()):
    for i in ti.static(range(n_held)):
        store_lanes(held, at * n_held + i, layer, i, variant)
    store_lanes(numbers, at, number, 0, variant)


@functools.cache
def _composite_kernel(variant: Variant, choices: CompositeChoices):
    """The way forward."""
    real, index = variant.array, variant.index
    lanes = variant.lanes
    single, wide = replace(variant, lanes=1), min(variant.lanes, variant.tile_width)
    shown, opaque = choices.features, choices.opacity
    at_once, n_held = shown.features_at_once, choices.n_held
    n_of_face = 3 * at_once if shown.texture is Texture.VERTEX else 6
    n_of_opacity = 3 if opaque.texture is Texture.VERTEX else 6
    a_worker = variant.spread(AT_ONCE)

    @ti.kernel
    def composite(
        vertices_screen: real(2),  # [N, 3] x, y on the screen; depth
        features: real(2),  # [M, n_features or more]
        places: real(2),  # [P, 2] on the textures; with texels per face, barycentric coordinates
        opacity: real(2),  # [O, opacity_channel + 1 or more] in [0, 1]
        opacity_places: real(2),  # [Q, 2] likewise
        window: real(2),  # [1 or source faces, 1] exponents (`Distribution.WINDOW`)
        background: real(2),  # [B, n_features]
        softness_array: real(1),
        alpha_img: real(3),  # [B, H, W] written
        features_img: real(4),  # [B, H, W, n_features] written
        depth_img: real(3),  # [B, H, W] written
        set_ups: real(1),  # [F * N_SET_UP] of `triangle`
        faces: index(2),  # [F, 3]
        corners: index(2),  # [F, 3] into features; with texels [F, 4]: into places, and the number of the texture
        opacity_corners: index(2),  # likewise
        face_image: index(1),  # [F]
        face_source: index(2),  # [F, 1]
        pair_face: index(1),  # [pairs] of a chunk of the tiles, sorted
        pair_tile: index(1),
        tile_offset: index(1),  # [tiles of the chunk + 1]
        first_tile: ti.i32,
        n_tiles: ti.i32,  # of the chunk
        n_pairs: ti.i32,
        held: variant.blocks(1),  # [room of all workers * n_held or more, lanes] scratch: layers of each lane, the nearest first
        numbers: variant.index_blocks(1),  # [room of all workers, lanes] the same: their faces
        room: ti.i32,  # of a worker: layers
        n_workers: ti.i32,
        n_turns: ti.i32,  # of a worker: runs of `RUN`, the last of which may go beyond the end
        levels: index(2),
        textures: index(2),
        opacity_levels: index(2),
        opacity_textures: index(2),
        texture_size: ti.i32,
        opacity_size: ti.i32,
        cutoff: variant.real,
        opacity_channel: ti.i32,
        n_features: ti.i32,
        n_groups: ti.i32,
        height: ti.i32,
        width: ti.i32,
    ):
        ti.loop_config(serialize=variant.serial)
        for part in range(n_workers * a_worker):
            if part % a_worker != 0:
                continue
            worker = part // a_worker
            for turn in range(n_turns):
                item = item_of(turn, worker, n_workers)
                if item < n_tiles * variant.blocks_per_tile:
                    nth_tile, block = place_and_block(item, variant)
                    image, first_line, first_column = block_of(first_tile + nth_tile, block, height, width, variant)
                    first_pair, n_here = tile_offset[nth_tile], tile_offset[nth_tile + 1] - tile_offset[nth_tile]
                    base = first_place(worker, room, first_pair, n_here, block, variant)
                    softness = ti.Vector([softness_array[i] for i in ti.static(range(N_SOFTNESS))])
                    half_pixel = half_pixel_of(height, width, variant)
                    pixel_size = 2.0 / ti.cast(ti.min(height, width), variant.real)
                    for group in range(n_groups):
                        left = ti.Vector.zero(variant.real, lanes)  # T
                        sums = ti.Vector.zero(variant.real, (1 + at_once) * lanes)  # of depth and features
                        layer = ti.Vector.zero(variant.real, n_held * lanes)
                        at_hand = ti.Vector.zero(variant.real, ti.static(WINDOW * n_held * lanes))
                        numbers_at_hand = ti.Vector([0 for l in ti.static(range(WINDOW * lanes))], dt=ti.i32)
                        number = ti.Vector([0 for l in ti.static(range(lanes))], dt=ti.i32)
                        looks = ti.Vector([0 for l in ti.static(range(lanes))], dt=ti.i32)  # whether a pixel has not seen enough
                        last_depth = ti.Vector.zero(variant.real, lanes)
                        for l in range(lanes):
                            within = first_line + l // wide < height and first_column + l % wide < width
                            left[slot(0, l, lanes)] = ti.select(within, 1.0, 0.0)
                            looks[slot(0, l, lanes)] = ti.cast(within, ti.i32)
                        k, n_layers, n_done, n_spilled, goes_on = 0, 0, 0, 0, n_here > 0  # done: composited
                        while goes_on:
                            end = ti.min(k + faces_at_once(n_layers - ti.max(n_done, n_spilled), variant), n_here)
                            while k < end:
                                f = pair_face[first_pair + k]
                                face = load_set_up(f, set_ups)
                                of_face = ti.static(face_features(f, group, n_features, features, corners, places, shown))
                                shows = ti.Vector([of_face[i] for i in ti.static(range(n_of_face))])
                                at_opacity = ti.static(face_features(f, opacity_channel, opacity_channel + 1, opacity, opacity_corners, opacity_places, opaque))
                                lets_through = ti.Vector([at_opacity[i] for i in ti.static(range(n_of_opacity))])
                                own_softness = softness_of(f, softness, window, face_source, choices)
                                nearest_here = nearest_depth(f, set_ups)
                                if n_layers > n_done:
                                    for l in range(lanes):
                                        last_depth[slot(0, l, lanes)] = at_hand[slot(((n_layers - 1) & (WINDOW - 1)) * n_held + DEPTH, l, lanes)]
                                n_counting = 0
                                for l in range(lanes):
                                    x, y = centres_at(first_line + l // wide, first_column + l % wide, height, width, half_pixel, single)
                                    _, coverage, depth, colored, wa, wb, wc, qa, qb, qc = evaluate_with(
                                        own_softness, softness_array, x, y, face, shown, variant.real
                                    )
                                    opacities = ti.static(
                                        features_at(
                                            f, lets_through, opacity_channel, opacity_channel + 1, face, qa, qb, qc, wa, wb, wc, pixel_size, opacity,
                                            opacity_corners, opacity_levels, opacity_textures, opacity_size, opaque, single,
                                        )
                                    )  # fmt: skip
                                    counts = colored[0] & (looks[slot(0, l, lanes)] > 0)
                                    n_counting += ti.cast(counts, ti.i32)
                                    layer[slot(A, l, lanes)] = ti.select(counts, coverage[0] * opacities[0][0], 0.0)
                                    aside = larger(last_depth[slot(0, l, lanes)] * ASIDE, nearest_here)  # where it moves no other
                                    layer[slot(DEPTH, l, lanes)] = ti.select(counts, depth[0], aside)
                                    number[slot(0, l, lanes)] = f
                                    values = ti.static(
                                        features_at(
                                            f, shows, group, n_features, face, qa, qb, qc, wa, wb, wc, pixel_size, features, corners, levels, textures,
                                            texture_size, shown, single,
                                        )
                                    )  # fmt: skip
                                    for s in ti.static(range(at_once)):
                                        layer[slot(2 + s, l, lanes)] = values[s][0]
                                if n_counting > 0:
                                    n_spilled = spill(n_done, n_spilled, n_layers, base, at_hand, numbers_at_hand, held, numbers, n_held, variant)
                                    first = ti.select(ti.static(choices.order == Order.PIXEL), n_done, n_layers)
                                    insert(
                                        layer, number, base, first, n_spilled, n_layers, at_hand, numbers_at_hand, held, numbers,
                                        pair_face, True, n_held, variant,
                                    )  # fmt: skip
                                    n_layers += 1
                                k += 1
                            nearest = variant.real(FARTHEST)
                            if ti.static(choices.order == Order.PIXEL):
                                if k < n_here:
                                    nearest = nearest_depth(pair_face[first_pair + k], set_ups) * (1.0 - DEPTH_SLACK)
                            settled = n_done < n_layers
                            while settled:
                                read_layer(layer, number, n_done, base, n_spilled, at_hand, numbers_at_hand, held, numbers, n_held, variant)
                                any_farther = 0
                                for l in range(lanes):
                                    any_farther |= ti.cast(layer[slot(DEPTH, l, lanes)] >= nearest, ti.i32)
                                settled = any_farther == 0
                                if settled:
                                    for l in range(lanes):
                                        t = left[slot(0, l, lanes)]
                                        weight = ti.select(t > cutoff, t * layer[slot(A, l, lanes)], 0.0)
                                        sums[slot(0, l, lanes)] += weight * layer[slot(DEPTH, l, lanes)]
                                        for s in ti.static(range(at_once)):
                                            sums[slot(1 + s, l, lanes)] += weight * layer[slot(2 + s, l, lanes)]
                                        left[slot(0, l, lanes)] = t - weight
                                    n_done += 1
                                    settled = n_done < n_layers
                            n_looking = 0
                            for l in range(lanes):
                                looks[slot(0, l, lanes)] = ti.cast(left[slot(0, l, lanes)] > cutoff, ti.i32)
                                n_looking += looks[slot(0, l, lanes)]
                            goes_on = n_looking > 0 and k < n_here

                        behind = ti.Vector([background[image, channel_of(group, s, n_features, shown)] for s in ti.static(range(at_once))])
                        for l in range(lanes):
                            line, column = first_line + l // wide, first_column + l % wide
                            if line < height and column < width:
                                if group == 0:
                                    alpha_img[image, line, column] = 1.0 - left[slot(0, l, lanes)]
                                    if ti.static(at_once > 0):
                                        depth_img[image, line, column] = sums[slot(0, l, lanes)] + left[slot(0, l, lanes)] * softness[FAR]
                                for s in ti.static(range(at_once)):
                                    channel = group * at_once + s
                                    if channel < n_features:  # the last group may have places to spare
                                        features_img[image, line, column, channel] = sums[slot(1 + s, l, lanes)] + left[slot(0, l, lanes)] * behind[s]

    return composite


@functools.cache
def layers_adjoint_kernel(variant: Variant, choices: CompositeChoices, by_face: bool):
    """From the gradient of the image to that of a_j and c_j of each pair and lane; adds that of the background. With ``by_face`` pairs stand face by face."""
    real, index = variant.array, variant.index
    lanes, blocks_per_tile = variant.lanes, variant.blocks_per_tile
    single, wide = replace(variant, lanes=1), min(variant.lanes, variant.tile_width)
    shown, opaque = choices.features, choices.opacity
    at_once = shown.features_at_once
    n_of_face = 3 * at_once if shown.texture is Texture.VERTEX else 6
    n_of_opacity = 3 if opaque.texture is Texture.VERTEX else 6
    a_worker = variant.spread(AT_ONCE)
    C = 2  # of what is held: what a layer is worth
    T = DEPTH  # takes the place of the depth, once a layer's turn has come

    @ti.kernel
    def layers_adjoint(
        vertices_screen: real(2),
        features: real(2),
        places: real(2),
        opacity: real(2),
        opacity_places: real(2),
        window: real(2),
        background: real(2),
        softness_array: real(1),
        background_grad: real(2),  # [B, n_features] added to
        alpha_img_grad: real(3),
        features_img_grad: real(4),
        depth_img_grad: real(3),
        place_of_pair: index(1),  # [pairs] with ``by_face``, where a pair stands in the list of those of its face
        layer_grads: variant.blocks(1) if by_face else real(3),  # [pairs * blocks, 2, lanes] (by face, [2 pairs * blocks, lanes]) written: dL/da_j, dL/dc_j
        set_ups: real(1),
        faces: index(2),
        corners: index(2),
        opacity_corners: index(2),
        face_image: index(1),
        face_source: index(2),
        pair_face: index(1),
        pair_tile: index(1),
        tile_offset: index(1),
        first_tile: ti.i32,
        n_tiles: ti.i32,
        n_pairs: ti.i32,
        held: variant.blocks(1),
        numbers: variant.index_blocks(1),  # the places of their pairs
        room: ti.i32,
        n_workers: ti.i32,
        n_turns: ti.i32,  # of a worker: runs of `RUN`, the last of which may go beyond the end
        levels: index(2),
        textures: index(2),
        opacity_levels: index(2),
        opacity_textures: index(2),
        texture_size: ti.i32,
        opacity_size: ti.i32,
        cutoff: variant.real,
        opacity_channel: ti.i32,
        n_features: ti.i32,
        n_groups: ti.i32,
        height: ti.i32,
        width: ti.i32,
        background_wanted: ti.i32,
    ):
        ti.loop_config(serialize=variant.serial)
        for part in range(n_workers * a_worker):
            if part % a_worker != 0:
                continue
            worker = part // a_worker
            for turn in range(n_turns):
                item = item_of(turn, worker, n_workers)
                if item < n_tiles * blocks_per_tile:
                    nth_tile, block = place_and_block(item, variant)
                    image, first_line, first_column = block_of(first_tile + nth_tile, block, height, width, variant)
                    first_pair, n_here = tile_offset[nth_tile], tile_offset[nth_tile + 1] - tile_offset[nth_tile]
                    base = first_place(worker, room, first_pair, n_here, block, variant)
                    softness = ti.Vector([softness_array[i] for i in ti.static(range(N_SOFTNESS))])
                    half_pixel = half_pixel_of(height, width, variant)
                    pixel_size = 2.0 / ti.cast(ti.min(height, width), variant.real)
                    left = ti.Vector.zero(variant.real, lanes)  # T
                    wanted = ti.Vector.zero(variant.real, (2 + at_once) * lanes)  # the gradient of alpha, depth and features of a group
                    layer = ti.Vector.zero(variant.real, N_HELD * lanes)
                    at_hand = ti.Vector.zero(variant.real, ti.static(WINDOW * N_HELD * lanes))
                    numbers_at_hand = ti.Vector([0 for l in ti.static(range(WINDOW * lanes))], dt=ti.i32)
                    number = ti.Vector([0 for l in ti.static(range(lanes))], dt=ti.i32)
                    looks = ti.Vector([0 for l in ti.static(range(lanes))], dt=ti.i32)  # whether a pixel has not seen enough
                    last_depth = ti.Vector.zero(variant.real, lanes)
                    for l in range(lanes):
                        line, column = first_line + l // wide, first_column + l % wide
                        if line < height and column < width:
                            left[slot(0, l, lanes)] = 1.0
                            looks[slot(0, l, lanes)] = 1
                            wanted[slot(0, l, lanes)] = alpha_img_grad[image, line, column]
                            if ti.static(at_once > 0):
                                wanted[slot(1, l, lanes)] = depth_img_grad[image, line, column]
                            if ti.static(at_once > 0 and not shown.grouped):
                                for s in ti.static(range(at_once)):
                                    wanted[slot(2 + s, l, lanes)] = features_img_grad[image, line, column, s]
                    k, n_layers, n_done, n_spilled, goes_on = 0, 0, 0, 0, n_here > 0
                    while goes_on:
                        end = ti.min(k + faces_at_once(n_layers - ti.max(n_done, n_spilled), variant), n_here)
                        while k < end:
                            f = pair_face[first_pair + k]
                            face = load_set_up(f, set_ups)
                            at_opacity = ti.static(face_features(f, opacity_channel, opacity_channel + 1, opacity, opacity_corners, opacity_places, opaque))
                            lets_through = ti.Vector([at_opacity[i] for i in ti.static(range(n_of_opacity))])
                            own_softness = softness_of(f, softness, window, face_source, choices)
                            nearest_here = nearest_depth(f, set_ups)
                            at = first_pair + k
                            if ti.static(by_face):
                                at = place_of_pair[at]
                            if n_layers > n_done:
                                for l in range(lanes):
                                    last_depth[slot(0, l, lanes)] = at_hand[slot(((n_layers - 1) & (WINDOW - 1)) * N_HELD + DEPTH, l, lanes)]
                            n_counting = 0
                            for group in range(n_groups):
                                of_face = ti.static(face_features(f, group, n_features, features, corners, places, shown))
                                shows = ti.Vector([of_face[i] for i in ti.static(range(n_of_face))])
                                if ti.static(shown.grouped):
                                    for l in range(lanes):
                                        line, column = first_line + l // wide, first_column + l % wide
                                        for s in ti.static(range(at_once)):
                                            channel = group * at_once + s
                                            if line < height and column < width and channel < n_features:
                                                wanted[slot(2 + s, l, lanes)] = features_img_grad[image, line, column, channel]
                                            else:
                                                wanted[slot(2 + s, l, lanes)] = 0.0
                                for l in range(lanes):
                                    x, y = centres_at(first_line + l // wide, first_column + l % wide, height, width, half_pixel, single)
                                    _, coverage, depth, colored, wa, wb, wc, qa, qb, qc = evaluate_with(
                                        own_softness, softness_array, x, y, face, shown, variant.real
                                    )
                                    opacities = ti.static(
                                        features_at(
                                            f, lets_through, opacity_channel, opacity_channel + 1, face, qa, qb, qc, wa, wb, wc, pixel_size, opacity,
                                            opacity_corners, opacity_levels, opacity_textures, opacity_size, opaque, single,
                                        )
                                    )  # fmt: skip
                                    counts = colored[0] & (looks[slot(0, l, lanes)] > 0)
                                    n_counting += ti.cast(counts, ti.i32)
                                    layer[slot(A, l, lanes)] = ti.select(counts, coverage[0] * opacities[0][0], NONE)
                                    aside = larger(last_depth[slot(0, l, lanes)] * ASIDE, nearest_here)
                                    layer[slot(DEPTH, l, lanes)] = ti.select(counts, depth[0], aside)
                                    number[slot(0, l, lanes)] = at
                                    worth = wanted[slot(0, l, lanes)] + wanted[slot(1, l, lanes)] * depth[0]
                                    if ti.static(shown.grouped):
                                        worth = ti.select(group == 0, worth, layer[slot(C, l, lanes)])
                                    values = ti.static(
                                        features_at(
                                            f, shows, group, n_features, face, qa, qb, qc, wa, wb, wc, pixel_size, features, corners, levels, textures,
                                            texture_size, shown, single,
                                        )
                                    )  # fmt: skip
                                    for s in ti.static(range(at_once)):
                                        worth += wanted[slot(2 + s, l, lanes)] * values[s][0]
                                    layer[slot(C, l, lanes)] = worth
                            if n_counting > 0:
                                n_spilled = spill(n_done, n_spilled, n_layers, base, at_hand, numbers_at_hand, held, numbers, N_HELD, variant)
                                first = ti.select(ti.static(choices.order == Order.PIXEL), n_done, n_layers)
                                insert(
                                    layer, number, base, first, n_spilled, n_layers, at_hand, numbers_at_hand, held, numbers,
                                    pair_face, by_face, N_HELD, variant,
                                )  # fmt: skip
                                n_layers += 1
                            else:
                                store_nothing(at * blocks_per_tile + block, layer_grads, by_face, variant)
                            k += 1
                        nearest = variant.real(FARTHEST)
                        if ti.static(choices.order == Order.PIXEL):
                            if k < n_here:
                                nearest = nearest_depth(pair_face[first_pair + k], set_ups) * (1.0 - DEPTH_SLACK)
                        settled = n_done < n_layers
                        while settled:
                            read_layer(layer, number, n_done, base, n_spilled, at_hand, numbers_at_hand, held, numbers, N_HELD, variant)
                            any_farther = 0
                            for l in range(lanes):
                                any_farther |= ti.cast(layer[slot(DEPTH, l, lanes)] >= nearest, ti.i32)
                            settled = any_farther == 0
                            if settled:
                                for l in range(lanes):
                                    t, a = left[slot(0, l, lanes)], layer[slot(A, l, lanes)]
                                    reached = ti.select((t > cutoff) & (a >= 0), t, 0.0)
                                    layer[slot(T, l, lanes)] = reached
                                    left[slot(0, l, lanes)] = t - reached * a
                                store_layer(layer, number, base + n_done, held, numbers, N_HELD, variant)
                                n_done += 1
                                settled = n_done < n_layers
                        n_looking = 0
                        for l in range(lanes):
                            looks[slot(0, l, lanes)] = ti.cast(left[slot(0, l, lanes)] > cutoff, ti.i32)
                            n_looking += looks[slot(0, l, lanes)]
                        goes_on = n_looking > 0 and k < n_here

                    behind = ti.Vector.zero(variant.real, lanes)  # B
                    for l in range(lanes):
                        line, column = first_line + l // wide, first_column + l % wide
                        if line < height and column < width:
                            behind[slot(0, l, lanes)] = wanted[slot(1, l, lanes)] * softness[FAR]
                            for channel in range(n_features):
                                grad = features_img_grad[image, line, column, channel]
                                behind[slot(0, l, lanes)] += grad * background[image, channel]
                                if background_wanted != 0:
                                    background_grad[image, channel] += left[slot(0, l, lanes)] * grad
                    for turned in range(n_layers):  # those whose turn has not come, too
                        place = n_layers - 1 - turned
                        read_layer(layer, number, place, base, ti.max(n_spilled, n_done), at_hand, numbers_at_hand, held, numbers, N_HELD, variant)
                        for l in range(lanes):
                            a, c, t = layer[slot(A, l, lanes)], layer[slot(C, l, lanes)], layer[slot(T, l, lanes)]
                            t = ti.select(place < n_done, t, 0.0)
                            off = c - behind[slot(0, l, lanes)]
                            layer[slot(A, l, lanes)] = t * off
                            layer[slot(C, l, lanes)] = t * a
                            behind[slot(0, l, lanes)] += ti.select(t > 0, a * off, 0.0)
                        for l in ti.static(range(lanes)):
                            at = number[l] * blocks_per_tile + block
                            if ti.static(by_face):
                                store_lane(layer_grads, 2 * at, l, layer[A * lanes + l], variant)
                                store_lane(layer_grads, 2 * at + 1, l, layer[C * lanes + l], variant)
                            else:
                                layer_grads[at, 0, l] = layer[A * lanes + l]
                                layer_grads[at, 1, l] = layer[C * lanes + l]
                    for j in range(k, n_here):
                        at = first_pair + j
                        if ti.static(by_face):
                            at = place_of_pair[at]
                        store_nothing(at * blocks_per_tile + block, layer_grads, by_face, variant)

    return layers_adjoint


@functools.cache
def layers_kernel(variant: Variant, choices: CompositeChoices):
    """a_j and c_j of each pair and lane, flat, for the gradient that Taichi generates of it."""
    side_by_side = variant.lanes
    shown, opaque = choices.features, choices.opacity
    if Texture.IMAGE in (shown.texture, opaque.texture):
        variant = replace(variant, lanes=min(variant.lanes, LANES_OF_PICTURES))
    real, index, vector = variant.array, variant.index, variant.vector
    lanes = variant.lanes
    at_once = shown.features_at_once

    @ti.kernel
    def layers(
        vertices_screen: real(2),
        features: real(2),
        places: real(2),
        opacity: real(2),
        opacity_places: real(2),
        window: real(2),
        softness_array: real(1),
        alpha_img_grad: real(3),
        features_img_grad: real(4),
        depth_img_grad: real(3),
        layer: real(3),  # [pairs * blocks, 2, lanes] added to: a_j and c_j
        faces: index(2),
        corners: index(2),
        opacity_corners: index(2),
        face_image: index(1),
        face_source: index(2),
        pair_face: index(1),
        pair_tile: index(1),
        n_pairs: ti.i32,
        levels: index(2),
        textures: index(2),
        opacity_levels: index(2),
        opacity_textures: index(2),
        texture_size: ti.i32,
        opacity_size: ti.i32,
        opacity_channel: ti.i32,
        n_features: ti.i32,
        n_groups: ti.i32,
        height: ti.i32,
        width: ti.i32,
    ):
        for item in range(n_pairs * variant.blocks_per_tile * n_groups):
            place, group = item_and_group(item, n_groups, shown)
            pair, block = place_and_block(place, variant)
            f, tile = pair_face[pair], pair_tile[pair]
            at_block, at_lane = place * lanes // side_by_side, place * lanes % side_by_side
            image, first_line, first_column = block_of(tile, block, height, width, variant)
            x, y = block_centres(tile, block, height, width, variant)
            pixel_size = 2.0 / ti.cast(ti.min(height, width), variant.real)
            face = set_up(*load_face(f, vertices_screen, faces))
            coverage, depth, colored, wa, wb, wc, qa, qb, qc = ti.static(_evaluated(x, y, f, face, softness_array, window, face_source, choices, variant))
            counts = ti.select(group == 0, 1.0, 0.0)
            at_opacity = ti.static(face_features(f, opacity_channel, opacity_channel + 1, opacity, opacity_corners, opacity_places, opaque))
            opacities_here = ti.static(
                features_at(
                    f, at_opacity, opacity_channel, opacity_channel + 1, face, qa, qb, qc, wa, wb, wc, pixel_size, opacity, opacity_corners, opacity_levels,
                    opacity_textures, opacity_size, opaque, variant,
                )
            )  # fmt: skip
            a = ti.select(colored, coverage * opacities_here[0], 0.0)
            for l in ti.static(range(lanes)):
                layer[at_block, 0, at_lane + l] += a[l] * counts
            if ti.static(at_once > 0):
                lines = ti.Vector([ti.min(first_line + ti.static(p[0]), height - 1) for p in ti.static(variant.lane_places)])
                columns = ti.Vector([ti.min(first_column + ti.static(p[1]), width - 1) for p in ti.static(variant.lane_places)])
                of_depth = vector([depth_img_grad[image, lines[l], columns[l]] for l in ti.static(range(lanes))])
                of_face = ti.static(face_features(f, group, n_features, features, corners, places, shown))
                values = ti.static(
                    features_at(
                        f, of_face, group, n_features, face, qa, qb, qc, wa, wb, wc, pixel_size, features, corners, levels, textures, texture_size, shown,
                        variant,
                    )
                )  # fmt: skip
                for l in ti.static(range(lanes)):
                    layer[at_block, 1, at_lane + l] += counts * of_depth[l] * depth[l]
                for s in ti.static(range(at_once)):
                    channel = channel_of(group, s, n_features, shown)
                    is_one = ti.select(group * at_once + s < n_features, 1.0, 0.0)
                    for l in ti.static(range(lanes)):
                        layer[at_block, 1, at_lane + l] += is_one * features_img_grad[image, lines[l], columns[l], channel] * values[s][l]

    return layers


@ti.func
def _evaluated(
    x, y, f, face: ti.template(), softness_array: ti.template(), window: ti.template(), face_source: ti.template(), choices: ti.template(),
    variant: ti.template(),
):  # fmt: skip
    """`evaluate` with the window of the face, where there are windows; a list, for ``ti.static``."""
    if ti.static(choices.features.distribution == Distribution.WINDOW):
        exponent = window[ti.min(face_source[f, 0], window.shape[0] - 1), 0]
        own = ti.Vector([exponent if i == SHAPE else softness_array[i] for i in ti.static(range(N_SOFTNESS))])
        _, coverage, depth, colored, wa, wb, wc, qa, qb, qc = evaluate(x, y, face, own, choices.features, variant.real)
        return [coverage, depth, colored, wa, wb, wc, qa, qb, qc]
    _, coverage, depth, colored, wa, wb, wc, qa, qb, qc = evaluate(x, y, face, softness_array, choices.features, variant.real)
    return [coverage, depth, colored, wa, wb, wc, qa, qb, qc]
