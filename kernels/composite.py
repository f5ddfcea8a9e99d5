"""Faces that let light through: composited by opacity, the nearest first, as Triangle Splatting (arXiv 2505.19175, eq. 3) and its descendants do.

At a pixel whose faces are ordered by their depth there, near to far,

    a_j = o_j D_j                          o_j the opacity, D_j the coverage
    T_j = prod_{i < j} (1 - a_i)           the light that the faces before let through; T behind all of them
    color = sum_j T_j a_j C_j + T C_b      depth and other features likewise; alpha = 1 - T

The order is exact, and no number of layers is too many. The faces of a tile come sorted by the nearest of their depths (`taichi_softras.engine.binning`). A
block of lanes looks at some of them, and then puts each among those that its lanes have met before, from behind: as they nearly are in order, it moves few.
(One by one it would take twice as long, for a processor that has foretold wrongly whether a face moves waits until it knows its depth.) Once every face to come
is farther than the first of them, these are composited. So that all lanes do the same, a face is a layer of each of them, of which a_j is nought where it does
not count; one that counts nowhere is none. Where T has fallen to a cut-off, a pixel has seen enough, and where all pixels of a block have, the faces behind are
not even looked at.

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
from .composite_adjoint import NO_PIXEL, faces_adjoint_kernel, gather_rows_kernel, has_face_adjoint, n_of_row, packed_pixel, pairs_by_face_kernel
from .coverage import Distribution
from .face import (
    CompositeChoices,
    block_centres,
    centres_at,
    evaluate,
    evaluate_with,
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
from .tiles import block_of, half_pixel_of, place_and_block
from .triangle import AZ, BZ, CZ, in_set_up, load_face, set_up
from .variant import AT_ONCE, Variant

__all__ = ["NUMBERS_OF_LAYER", "N_HELD", "RUN", "composite_op"]

DEPTH_SLACK = 1e-5  # by this part of it a depth at a pixel may come out nearer than the nearest corner, by rounding
FEWEST_AT_ONCE = 4  # faces (`faces_at_once`)
RUN = 8  # neighbouring tiles that a worker does one after the other: they share lines of the cache
WINDOW = 16  # layers at hand among which others are put; 2^n
WINDOW_BACK = 64  # the same on a CPU's way back, where those whose turn has come stay, too, as long as there is room
FARTHEST = 3e38  # no depth is larger
LANES_OF_PICTURES = 1  # the gradient to texels is scattered one by one: with all lanes it would compile for half a minute

# What is held of a layer, by place.
DEPTH, A = 0, 1  # on the way forward features follow
C = 2  # on the way back: what it is worth
T = DEPTH  # which takes the place of the depth there, once the layer's turn has come
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

        def layers_of(chunk: tuple[Any, ...], place_of_pair: Any, pixel_at: Any) -> Any:
            """The layers of a chunk, with their gradient."""
            n = max(chunk[5], 1) * variant.blocks_per_tile
            layers = arrays.empty((2 * n, variant.lanes)) if by_hand else arrays.with_gradient(arrays.kept((n, 2, variant.lanes)))
            found = layers if by_hand else arrays.gradient_of(layers)
            arrays.launch(walk_back, (*constants, *grads, place_of_pair, found, pixel_at, set_ups, *lists, *chunk, *rest, background_wanted))
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
            layers = layers_of(chunk, chunk[0], chunk[0])
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
            pair_face, n_pairs = chunk[0], chunk[5]
            last_of_face, place_of_pair = arrays.zeros_index(n_faces), arrays.empty_index(max(n_pairs, 1))
            pixel_at = arrays.empty_index(max(n_pairs, 1) * variant.blocks_per_tile)
            arrays.launch(by_faces, (pair_face, last_of_face, place_of_pair, n_pairs, n_faces))
            layers = layers_of(chunk, place_of_pair, pixel_at)
            numbers = (opacity_channel, n_features, n_groups, n_faces, height, width)
            lists_of_faces = (corners, opacity_corners, face_image, face_source, last_of_face)
            arrays.launch(of_faces, (*constants, layers, pixel_at, *image_grads[1:], set_ups, *lists_of_faces, rows, *numbers))
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
def rounds_of(n_groups, choices: ti.template()):
    """How many groups of channels there are: a constant, and so no loop, where there is one."""
    n = n_groups
    if ti.static(not choices.grouped):
        n = 1
    return n


@ti.func
def faces_at_once(n_waiting, variant: ti.template()):
    """How many a block looks at before it finds out which layers are in their place for sure, and whether all of its pixels have seen enough.

    On a CPU, as many as there is room for beside those that wait; on GPUs always as many: neighbouring threads go on together.
    """
    n = WINDOW
    if ti.static(variant.lanes > 1):
        n = ti.max(WINDOW - n_waiting, FEWEST_AT_ONCE)
    return n


def places_at_hand(numbered: bool, variant: Variant) -> int:
    """How many places are in local vectors; those of the way back are ``numbered``."""
    return WINDOW_BACK if numbered and variant.lanes > 1 else WINDOW


@ti.func
def make_room(
    n, n_spilled, n_layers, base, at_hand: ti.template(), numbers_at_hand: ti.template(), held: ti.template(), numbers: ti.template(),
    numbered: ti.template(), n_held: ti.template(), variant: ti.template(),
):  # fmt: skip
    """Makes room at hand for n layers more. Returns how many places stand before those at hand."""
    first = n_spilled
    room = ti.static(places_at_hand(numbered, variant))
    if n_layers + n - first > room:
        layer = ti.Vector.zero(variant.real, ti.static(n_held * variant.lanes))
        number = ti.Vector([0 for l in ti.static(range(variant.lanes))], dt=ti.i32)
        while n_layers + n - first > room and first < n_layers:
            read_at_hand(layer, number, first, at_hand, numbers_at_hand, numbered, n_held, variant)
            store_layer(layer, number, base + first, held, numbers, numbered, n_held, variant)
            first += 1
    return first


@ti.func
def put_in_order(
    n_sorted, n_layers, first, n_spilled, base, at_hand: ti.template(), numbers_at_hand: ti.template(), held: ti.template(), numbers: ti.template(),
    numbered: ti.template(), n_held: ti.template(), variant: ti.template(),
):  # fmt: skip
    """Puts the layers from place ``n_sorted`` on, which are at hand, among those from place ``first`` on: each behind all that are not farther.

    Those behind it move by one place. Places before ``n_spilled`` stand in ``held``, and have a loop of their own: LLVM takes lanes one by one where it cannot
    tell which of the two is meant.
    """
    lanes = ti.static(variant.lanes)
    new, other = ti.Vector.zero(variant.real, ti.static(n_held * lanes)), ti.Vector.zero(variant.real, ti.static(n_held * lanes))
    number = ti.Vector([0 for l in ti.static(range(lanes))], dt=ti.i32)
    other_number = ti.Vector([0 for l in ti.static(range(lanes))], dt=ti.i32)
    is_behind = ti.Vector([0 for l in ti.static(range(lanes))], dt=ti.i32)
    for nth in range(n_sorted, n_layers):
        moves = nth > first
        if nth > ti.max(first, n_spilled):
            moves = is_before(nth, at_hand, numbered, n_held, variant)
        if moves:
            read_at_hand(new, number, nth, at_hand, numbers_at_hand, numbered, n_held, variant)
            place = nth
            goes_on = place > ti.max(first, n_spilled)
            while goes_on:
                read_at_hand(other, other_number, place - 1, at_hand, numbers_at_hand, numbered, n_held, variant)
                goes_on = exchange(other, other_number, new, number, is_behind, numbered, n_held, variant)
                if goes_on:
                    write_at_hand(other, other_number, place, at_hand, numbers_at_hand, numbered, n_held, variant)
                    place -= 1
                    goes_on = place > ti.max(first, n_spilled)
            goes_on = place > first and place <= n_spilled
            while goes_on:
                load_layer(other, other_number, base + place - 1, held, numbers, numbered, n_held, variant)
                goes_on = exchange(other, other_number, new, number, is_behind, numbered, n_held, variant)
                if goes_on:
                    write_layer(other, other_number, place, base, n_spilled, at_hand, numbers_at_hand, held, numbers, numbered, n_held, variant)
                    place -= 1
                    goes_on = place > first
            if place < nth:
                write_layer(new, number, place, base, n_spilled, at_hand, numbers_at_hand, held, numbers, numbered, n_held, variant)


@ti.func
def is_before(place, at_hand: ti.template(), numbered: ti.template(), n_held: ti.template(), variant: ti.template()):
    """Whether a layer at hand is nearer than the one before it, in any lane."""
    lanes, n = ti.static(variant.lanes, places_at_hand(numbered, variant))
    at, before, found = place & (n - 1), (place - 1) & (n - 1), 0
    for l in range(lanes):
        found |= ti.cast(at_hand[slot(before * n_held + DEPTH, l, lanes)] > at_hand[slot(at * n_held + DEPTH, l, lanes)], ti.i32)
    return found > 0


@ti.func
def exchange(
    other: ti.template(), other_number: ti.template(), new: ti.template(), number: ti.template(), is_behind: ti.template(), numbered: ti.template(),
    n_held: ti.template(), variant: ti.template(),
):  # fmt: skip
    """Makes ``other`` the farther of two layers, in each lane; returns whether it was the nearer in all, which then are left as they are."""
    lanes = ti.static(variant.lanes)
    any_behind = 0
    for l in range(lanes):
        behind = ti.cast(other[slot(DEPTH, l, lanes)] > new[slot(DEPTH, l, lanes)], ti.i32)
        is_behind[slot(0, l, lanes)] = behind
        any_behind |= behind
    if any_behind > 0:
        for l in range(lanes):
            behind = is_behind[slot(0, l, lanes)] > 0
            for i in ti.static(range(n_held)):
                this, that = new[slot(i, l, lanes)], other[slot(i, l, lanes)]
                new[slot(i, l, lanes)], other[slot(i, l, lanes)] = ti.select(behind, this, that), ti.select(behind, that, this)
            if ti.static(numbered):
                this_number, that_number = number[slot(0, l, lanes)], other_number[slot(0, l, lanes)]
                number[slot(0, l, lanes)] = ti.select(behind, this_number, that_number)
                other_number[slot(0, l, lanes)] = ti.select(behind, that_number, this_number)
    return any_behind > 0


@ti.func
def read_at_hand(
    layer: ti.template(), number: ti.template(), place, at_hand: ti.template(), numbers_at_hand: ti.template(), numbered: ti.template(),
    n_held: ti.template(), variant: ti.template(),
):  # fmt: skip
    """The layers at a place that is at hand."""
    lanes, at = ti.static(variant.lanes), place & ti.static(places_at_hand(numbered, variant) - 1)
    for l in range(lanes):
        if ti.static(numbered):
            number[slot(0, l, lanes)] = numbers_at_hand[slot(at, l, lanes)]
        for i in ti.static(range(n_held)):
            layer[slot(i, l, lanes)] = at_hand[slot(at * n_held + i, l, lanes)]


@ti.func
def write_at_hand(
    layer: ti.template(), number: ti.template(), place, at_hand: ti.template(), numbers_at_hand: ti.template(), numbered: ti.template(),
    n_held: ti.template(), variant: ti.template(),
):  # fmt: skip
    """The other way."""
    lanes, at = ti.static(variant.lanes), place & ti.static(places_at_hand(numbered, variant) - 1)
    for l in range(lanes):
        if ti.static(numbered):
            numbers_at_hand[slot(at, l, lanes)] = number[slot(0, l, lanes)]
        for i in ti.static(range(n_held)):
            at_hand[slot(at * n_held + i, l, lanes)] = layer[slot(i, l, lanes)]


@ti.func
def write_layer(
    layer: ti.template(), number: ti.template(), place, base, n_spilled, at_hand: ti.template(), numbers_at_hand: ti.template(), held: ti.template(),
    numbers: ti.template(), numbered: ti.template(), n_held: ti.template(), variant: ti.template(),
):  # fmt: skip
    """Writes a layer to its place, wherever that is."""
    if place >= n_spilled:
        write_at_hand(layer, number, place, at_hand, numbers_at_hand, numbered, n_held, variant)
    else:
        store_layer(layer, number, base + place, held, numbers, numbered, n_held, variant)


@ti.func
def any_farther(layer: ti.template(), nearest, variant: ti.template()):
    """Whether a layer lies behind ``nearest`` in any lane, or as far."""
    found = 0
    for l in range(variant.lanes):
        found |= ti.cast(layer[slot(DEPTH, l, variant.lanes)] >= nearest, ti.i32)
    return found > 0


@ti.func
def let_through(left: ti.template(), sums: ti.template(), layer: ti.template(), cutoff, at_once: ti.template(), variant: ti.template()):
    """On the way forward: adds a layer to the sums of depth and features; what is left is T behind it."""
    lanes = ti.static(variant.lanes)
    for l in range(lanes):
        t = left[slot(0, l, lanes)]
        weight = ti.select(t > cutoff, t * layer[slot(A, l, lanes)], 0.0)
        sums[slot(0, l, lanes)] += weight * layer[slot(DEPTH, l, lanes)]
        for s in ti.static(range(at_once)):
            sums[slot(1 + s, l, lanes)] += weight * layer[slot(2 + s, l, lanes)]
        left[slot(0, l, lanes)] = t - weight


@ti.func
def reach(left: ti.template(), layer: ti.template(), cutoff, variant: ti.template()):
    """On the way back: puts into a layer what light reaches it, in place of its depth; what is left is T behind it."""
    lanes = ti.static(variant.lanes)
    for l in range(lanes):
        t, a = left[slot(0, l, lanes)], layer[slot(A, l, lanes)]
        reached = ti.select((t > cutoff) & (a >= 0), t, 0.0)
        layer[slot(T, l, lanes)] = reached
        left[slot(0, l, lanes)] = t - reached * a


@ti.func
def go_back(behind: ti.template(), layer: ti.template(), is_reached, variant: ti.template()):
    """From the values of a layer to their gradients; what was ``behind`` it is behind the one before, then."""
    lanes = ti.static(variant.lanes)
    for l in range(lanes):
        a, c, t = layer[slot(A, l, lanes)], layer[slot(C, l, lanes)], layer[slot(T, l, lanes)]
        t = ti.select(is_reached, t, 0.0)
        off = c - behind[slot(0, l, lanes)]
        layer[slot(A, l, lanes)] = t * off
        layer[slot(C, l, lanes)] = t * a
        behind[slot(0, l, lanes)] += ti.select(t > 0, a * off, 0.0)


@ti.func
def store_gradients(layer: ti.template(), number: ti.template(), block, layer_grads: ti.template(), by_face: ti.template(), variant: ti.template()):
    """Each lane's to its own pair."""
    lanes = ti.static(variant.lanes)
    for l in ti.static(range(lanes)):
        at = number[l] * variant.blocks_per_tile + block
        if ti.static(by_face):
            store_lane(layer_grads, 2 * at, l, layer[A * lanes + l], variant)
            store_lane(layer_grads, 2 * at + 1, l, layer[C * lanes + l], variant)
        else:
            layer_grads[at, 0, l] = layer[A * lanes + l]
            layer_grads[at, 1, l] = layer[C * lanes + l]


@ti.func
def store_nothing(at, layer_grads: ti.template(), pixel_at: ti.template(), by_face: ti.template(), variant: ti.template()):
    """Of a pair, and a block, no pixel of which sees anything of it."""
    if ti.static(by_face):
        pixel_at[at] = NO_PIXEL
    else:
        for i in ti.static(range(2)):
            for l in ti.static(range(variant.lanes)):
                layer_grads[at, i, l] = 0.0


@ti.func
def store_layer(
    layer: ti.template(), number: ti.template(), at, held: ti.template(), numbers: ti.template(), numbered: ti.template(), n_held: ti.template(),
    variant: ti.template(),
):  # fmt: skip
    """Writes layers to scratch."""
    for i in ti.static(range(n_held)):
        store_lanes(held, at * n_held + i, layer, i, variant)
    if ti.static(numbered):
        store_lanes(numbers, at, number, 0, variant)


@ti.func
def load_layer(
    layer: ti.template(), number: ti.template(), at, held: ti.template(), numbers: ti.template(), numbered: ti.template(), n_held: ti.template(),
    variant: ti.template(),
):  # fmt: skip
    """The other way."""
    for i in ti.static(range(n_held)):
        load_lanes(layer, i, held, at * n_held + i, variant)
    if ti.static(numbered):
        load_lanes(number, 0, numbers, at, variant)


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
        numbers: variant.index_blocks(1),  # [room of all workers, lanes] the same of the way back
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
                    pixel_size = 2.0 * half_pixel_of(height, width, variant)
                    for group in range(rounds_of(n_groups, shown)):
                        left = ti.Vector.zero(variant.real, lanes)  # T
                        sums = ti.Vector.zero(variant.real, (1 + at_once) * lanes)  # of depth and features
                        layer = ti.Vector.zero(variant.real, n_held * lanes)
                        at_hand = ti.Vector.zero(variant.real, ti.static(places_at_hand(False, variant) * n_held * lanes))
                        number = ti.Vector([0 for l in ti.static(range(lanes))], dt=ti.i32)  # no part of a layer here
                        looks = ti.Vector([0 for l in ti.static(range(lanes))], dt=ti.i32)  # whether a pixel has not seen enough
                        last_depth = ti.Vector.zero(variant.real, lanes)
                        for l in range(lanes):
                            within = first_line + l // wide < height and first_column + l % wide < width
                            left[slot(0, l, lanes)] = ti.select(within, 1.0, 0.0)
                            looks[slot(0, l, lanes)] = ti.cast(within, ti.i32)
                        k, n_layers, n_done, n_spilled, goes_on = 0, 0, 0, 0, n_here > 0  # done: composited
                        while goes_on:
                            end = ti.min(k + faces_at_once(n_layers - n_done, variant), n_here)
                            n_sorted, n_spilled = n_layers, ti.max(n_done, n_spilled)
                            if ti.static(lanes > 1):
                                n_spilled = make_room(end - k, n_spilled, n_layers, base, at_hand, number, held, numbers, False, n_held, variant)
                            while k < end:
                                f = pair_face[first_pair + k]
                                face = load_set_up(f, set_ups)
                                of_face = ti.static(face_features(f, group, n_features, features, corners, places, shown))
                                shows = ti.Vector([of_face[i] for i in ti.static(range(n_of_face))])
                                at_opacity = ti.static(face_features(f, opacity_channel, opacity_channel + 1, opacity, opacity_corners, opacity_places, opaque))
                                lets_through = ti.Vector([at_opacity[i] for i in ti.static(range(n_of_opacity))])
                                own_softness = softness_of(f, softness, window, face_source, choices)
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
                                    here = ti.select(counts, depth[0], last_depth[slot(0, l, lanes)])
                                    layer[slot(DEPTH, l, lanes)] = here
                                    last_depth[slot(0, l, lanes)] = larger(here, last_depth[slot(0, l, lanes)])
                                    values = ti.static(
                                        features_at(
                                            f, shows, group, n_features, face, qa, qb, qc, wa, wb, wc, pixel_size, features, corners, levels, textures,
                                            texture_size, shown, single,
                                        )
                                    )  # fmt: skip
                                    for s in ti.static(range(at_once)):
                                        layer[slot(2 + s, l, lanes)] = values[s][0]
                                if ti.static(lanes == 1):  # one after the other: as many as can be stay at hand
                                    n_sorted = n_layers
                                    n_spilled = make_room(1, n_spilled, n_layers, base, at_hand, number, held, numbers, False, n_held, variant)
                                write_at_hand(layer, number, n_layers, at_hand, number, False, n_held, variant)
                                n_layers += ti.cast(n_counting > 0, ti.i32)  # else the next takes its place: nobody could foretell a branch
                                if ti.static(lanes == 1 and choices.order == Order.PIXEL):
                                    put_in_order(n_sorted, n_layers, n_done, n_spilled, base, at_hand, number, held, numbers, False, n_held, variant)
                                k += 1
                            if ti.static(lanes > 1 and choices.order == Order.PIXEL):
                                put_in_order(n_sorted, n_layers, n_done, n_spilled, base, at_hand, number, held, numbers, False, n_held, variant)
                            nearest = variant.real(FARTHEST)
                            if ti.static(choices.order == Order.PIXEL):
                                if k < n_here:
                                    nearest = nearest_depth(pair_face[first_pair + k], set_ups) * (1.0 - DEPTH_SLACK)
                            settled = True
                            while settled and n_done < n_spilled:
                                load_layer(layer, number, base + n_done, held, numbers, False, n_held, variant)
                                settled = not any_farther(layer, nearest, variant)
                                if settled:
                                    let_through(left, sums, layer, cutoff, at_once, variant)
                                    n_done += 1
                            while settled and n_done < n_layers:
                                read_at_hand(layer, number, n_done, at_hand, number, False, n_held, variant)
                                settled = not any_farther(layer, nearest, variant)
                                if settled:
                                    let_through(left, sums, layer, cutoff, at_once, variant)
                                    n_done += 1
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
        pixel_at: index(1),  # [pairs * blocks] with ``by_face`` written: the first pixel of each block (`packed_pixel`), `NO_PIXEL` where none sees the face
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
                    pixel_size = 2.0 * half_pixel_of(height, width, variant)
                    left = ti.Vector.zero(variant.real, lanes)  # T
                    wanted = ti.Vector.zero(variant.real, (2 + at_once) * lanes)  # the gradient of alpha, depth and features of a group
                    layer = ti.Vector.zero(variant.real, N_HELD * lanes)
                    at_hand = ti.Vector.zero(variant.real, ti.static(places_at_hand(True, variant) * N_HELD * lanes))
                    numbers_at_hand = ti.Vector([0 for l in ti.static(range(places_at_hand(True, variant) * lanes))], dt=ti.i32)
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
                        end = ti.min(k + faces_at_once(n_layers - n_done, variant), n_here)
                        n_sorted = n_layers
                        if ti.static(lanes > 1):
                            n_spilled = make_room(end - k, n_spilled, n_layers, base, at_hand, numbers_at_hand, held, numbers, True, N_HELD, variant)
                        while k < end:
                            f = pair_face[first_pair + k]
                            face = load_set_up(f, set_ups)
                            at_opacity = ti.static(face_features(f, opacity_channel, opacity_channel + 1, opacity, opacity_corners, opacity_places, opaque))
                            lets_through = ti.Vector([at_opacity[i] for i in ti.static(range(n_of_opacity))])
                            own_softness = softness_of(f, softness, window, face_source, choices)
                            at = first_pair + k
                            if ti.static(by_face):
                                at = place_of_pair[at]
                            n_counting = 0
                            for group in range(rounds_of(n_groups, shown)):
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
                                    here = ti.select(counts, depth[0], last_depth[slot(0, l, lanes)])
                                    layer[slot(DEPTH, l, lanes)] = here
                                    last_depth[slot(0, l, lanes)] = larger(here, last_depth[slot(0, l, lanes)])
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
                            if ti.static(lanes == 1):
                                n_sorted = n_layers
                                n_spilled = make_room(1, n_spilled, n_layers, base, at_hand, numbers_at_hand, held, numbers, True, N_HELD, variant)
                            write_at_hand(layer, number, n_layers, at_hand, numbers_at_hand, True, N_HELD, variant)
                            if ti.static(by_face):
                                pixel_at[at * blocks_per_tile + block] = ti.select(n_counting > 0, packed_pixel(first_line, first_column), NO_PIXEL)
                            elif n_counting == 0:
                                store_nothing(at * blocks_per_tile + block, layer_grads, pixel_at, by_face, variant)
                            n_layers += ti.cast(n_counting > 0, ti.i32)
                            if ti.static(lanes == 1 and choices.order == Order.PIXEL):
                                put_in_order(n_sorted, n_layers, n_done, n_spilled, base, at_hand, numbers_at_hand, held, numbers, True, N_HELD, variant)
                            k += 1
                        if ti.static(lanes > 1 and choices.order == Order.PIXEL):
                            put_in_order(n_sorted, n_layers, n_done, n_spilled, base, at_hand, numbers_at_hand, held, numbers, True, N_HELD, variant)
                        nearest = variant.real(FARTHEST)
                        if ti.static(choices.order == Order.PIXEL):
                            if k < n_here:
                                nearest = nearest_depth(pair_face[first_pair + k], set_ups) * (1.0 - DEPTH_SLACK)
                        settled = True
                        while settled and n_done < n_spilled:
                            load_layer(layer, number, base + n_done, held, numbers, True, N_HELD, variant)
                            settled = not any_farther(layer, nearest, variant)
                            if settled:
                                reach(left, layer, cutoff, variant)
                                store_layer(layer, number, base + n_done, held, numbers, True, N_HELD, variant)
                                n_done += 1
                        while settled and n_done < n_layers:
                            read_at_hand(layer, number, n_done, at_hand, numbers_at_hand, True, N_HELD, variant)
                            settled = not any_farther(layer, nearest, variant)
                            if settled:
                                reach(left, layer, cutoff, variant)
                                write_at_hand(layer, number, n_done, at_hand, numbers_at_hand, True, N_HELD, variant)
                                n_done += 1
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
                    place = n_layers - 1  # those whose turn has not come, too
                    while place >= n_spilled:
                        read_at_hand(layer, number, place, at_hand, numbers_at_hand, True, N_HELD, variant)
                        go_back(behind, layer, place < n_done, variant)
                        store_gradients(layer, number, block, layer_grads, by_face, variant)
                        place -= 1
                    while place >= 0:
                        load_layer(layer, number, base + place, held, numbers, True, N_HELD, variant)
                        go_back(behind, layer, place < n_done, variant)
                        store_gradients(layer, number, block, layer_grads, by_face, variant)
                        place -= 1
                    for j in range(k, n_here):
                        at = first_pair + j
                        if ti.static(by_face):
                            at = place_of_pair[at]
                        store_nothing(at * blocks_per_tile + block, layer_grads, pixel_at, by_face, variant)

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
            pixel_size = 2.0 * half_pixel_of(height, width, variant)
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
