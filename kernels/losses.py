"""What the pictures and the mesh are compared with. Each adds ``weight`` times its value to the loss: an array [1], or a field without dimensions."""

import functools
from collections.abc import Sequence
from typing import Any

from ..language import ti
from .op import Op
from .tiles import powers_of_two
from .variant import Variant

__all__ = [
    "edge_length_op",
    "flatten_op",
    "image_l1_op",
    "laplacian_op",
    "normal_consistency_op",
    "silhouette_iou_op",
    "square_sum_op",
]

TINY_LENGTH_SQ = 1e-12  # added under square roots: an edge or a face without extent has a finite gradient
TINY_AREA_SQ = 1e-20  # the same for squared areas
EMPTY_UNION = 1e-6  # added to the union, as SoftRas does: two empty pictures have IoU 0, not NaN


def pixels_at_once(variant: Variant) -> int:
    """How many pixels of a line are summed before they meet the others in memory, in one atomic addition."""
    return 256 if variant.lanes > 1 else 8


def gradients_and_wishes(arrays: Any, inputs: Sequence[Any]) -> tuple[list[Any], list[int]]:
    """Where the gradients of inputs are to be added, and whether they are wanted; what is not wanted has an array of one number."""
    found = [arrays.gradient_of(array) for array in inputs]
    return [arrays.empty((1,) * len(array.shape)) if gradient is None else gradient for array, gradient in zip(inputs, found, strict=True)], [
        int(gradient is not None) for gradient in found
    ]


@ti.func
def piece_of(item, height, width, variant: ti.template()):
    """(image, line, first column, one past the last) of a piece of a picture: part of a line."""
    pieces = (width + ti.static(pixels_at_once(variant)) - 1) // ti.static(pixels_at_once(variant))
    first = item % pieces * ti.static(pixels_at_once(variant))
    return item // (pieces * height), item // pieces % height, first, ti.min(first + ti.static(pixels_at_once(variant)), width)


@ti.func
def n_pieces(n_images, height, width, variant: ti.template()):
    """How many there are."""
    return n_images * height * ((width + ti.static(pixels_at_once(variant)) - 1) // ti.static(pixels_at_once(variant)))


@ti.func
def team_pieces(n_images, height, width, variant: ti.template()):
    """How many pieces of as many pixels as a team has threads, times `pixels_at_once`, the pictures have."""
    of_team = ti.static(variant.team * pixels_at_once(variant))
    return n_images * ((height * width + of_team - 1) // of_team)


@ti.func
def team_place(part, height, width, variant: ti.template()):
    """(image, first pixel) of the piece of a thread's team."""
    of_team = ti.static(variant.team * pixels_at_once(variant))
    of_image = (height * width + of_team - 1) // of_team
    piece = part // variant.team
    return piece // of_image, piece % of_image * of_team


@ti.func
def team_sum(value, thread, shared: ti.template(), variant: ti.template()):
    """The sum over the threads of a team, for the first of them; ``shared`` [team] is their memory."""
    shared[thread] = value
    ti.simt.block.sync()
    for step in ti.static(powers_of_two(variant.team)[::-1]):
        if thread < step:
            shared[thread] = shared[thread] + shared[thread + step]
        ti.simt.block.sync()
    return shared[0]


@ti.func
def distance_of_silhouettes(intersection, union, n_images):
    """What an image adds to the loss."""
    return (1.0 - intersection / (union + EMPTY_UNION)) / n_images


@functools.cache
def silhouette_iou_op(variant: Variant, weighted: bool = False) -> Op:
    """Inputs: a, b and, if ``weighted``, the pixels' weights, all [B, H, W]. Output: loss; the mean over images of 1 - intersection / union (SoftRas eq. 6).

    ``overlap`` [B, 3], nought before, holds the sums over pixels of a b (intersection) and of a + b - a b (union) for the way back, and on CUDA how many pieces
    of the picture have been added. There the team that adds the last one goes on to the loss: the fence keeps what it adds before that it has added it, and
    it reads by atomic additions, since no others see at once what those of other multiprocessors did.
    """
    real = variant.array
    at = variant.loss_place
    a_piece, on_cpu = variant.spread(8), variant.lanes > 1

    @ti.kernel
    def silhouette_iou(
        a: real(3), b: real(3), weights: real(3), loss: real(1), overlap: real(2), weight: variant.real, n_images: ti.i32, height: ti.i32, width: ti.i32
    ):
        if ti.static(variant.team > 1):
            for part in range(team_pieces(n_images, height, width, variant) * variant.team):
                image, first = team_place(part, height, width, variant)
                shared, thread = ti.simt.block.SharedArray((variant.team,), variant.real), part % variant.team
                intersection, union = variant.real(0.0), variant.real(0.0)
                for k in range(ti.static(pixels_at_once(variant))):
                    pixel = first + k * variant.team + thread
                    if pixel < height * width:
                        row, column = pixel // width, pixel % width
                        share = weights[image, row, column] if ti.static(weighted) else variant.real(1.0)
                        both = a[image, row, column] * b[image, row, column]
                        intersection += share * both
                        union += share * (a[image, row, column] + b[image, row, column] - both)
                all_intersection = team_sum(intersection, thread, shared, variant)
                ti.simt.block.sync()
                all_union = team_sum(union, thread, shared, variant)
                if thread == 0:
                    overlap[image, 0] += all_intersection
                    overlap[image, 1] += all_union
                    ti.simt.grid.memfence()
                    if ti.atomic_add(overlap[image, 2], 1.0) == team_pieces(1, height, width, variant) - 1:
                        ti.simt.grid.memfence()
                        of_image = ti.atomic_add(overlap[image, 0], 0.0), ti.atomic_add(overlap[image, 1], 0.0)
                        loss[at] += weight * distance_of_silhouettes(*of_image, n_images)
                ti.simt.block.sync()
        else:
            ti.loop_config(serialize=variant.serial)
            for part in range(n_pieces(n_images, height, width, variant) * a_piece):
                if part % a_piece == 0:
                    image, row, first, last = piece_of(part // a_piece, height, width, variant)
                    intersection, union = variant.real(0.0), variant.real(0.0)
                    for column in range(first, last):
                        share = weights[image, row, column] if ti.static(weighted) else variant.real(1.0)
                        both = a[image, row, column] * b[image, row, column]
                        intersection += share * both
                        union += share * (a[image, row, column] + b[image, row, column] - both)
                    overlap[image, 0] += intersection
                    overlap[image, 1] += union
            ti.loop_config(serialize=on_cpu)
            for image in range(n_images):
                loss[at] += weight * distance_of_silhouettes(overlap[image, 0], overlap[image, 1], n_images)

    @ti.kernel
    def silhouette_iou_adjoint(
        a: real(3), b: real(3), weights: real(3), loss_grad: real(1), a_grad: real(3), b_grad: real(3), weights_grad: real(3), overlap: real(2),
        weight: variant.real, a_wanted: ti.i32, b_wanted: ti.i32, weights_wanted: ti.i32, n_images: ti.i32, height: ti.i32, width: ti.i32,
    ):  # fmt: skip
        ti.loop_config(serialize=variant.serial)
        for part in range(n_pieces(n_images, height, width, variant) * a_piece):
            if part % a_piece == 0:
                image, row, first, last = piece_of(part // a_piece, height, width, variant)
                union = overlap[image, 1] + EMPTY_UNION
                of_intersection = -weight * loss_grad[at] / (n_images * union)
                of_union = -of_intersection * overlap[image, 0] / union
                for column in range(first, last):  # no ``+=``, which would be atomic: nobody else writes here
                    share = weights[image, row, column] if ti.static(weighted) else variant.real(1.0)
                    at_a, at_b = a[image, row, column], b[image, row, column]
                    if a_wanted != 0:
                        a_grad[image, row, column] = a_grad[image, row, column] + share * (of_intersection * at_b + of_union * (1.0 - at_b))
                    if b_wanted != 0:
                        b_grad[image, row, column] = b_grad[image, row, column] + share * (of_intersection * at_a + of_union * (1.0 - at_a))
                    if ti.static(weighted):
                        if weights_wanted != 0:
                            of_share = of_intersection * at_a * at_b + of_union * (at_a + at_b - at_a * at_b)
                            weights_grad[image, row, column] = weights_grad[image, row, column] + of_share

    def gradient(arrays, arguments) -> None:
        *inputs, loss, overlap, weight, n_images, height, width = arguments
        gradients, wanted = gradients_and_wishes(arrays, inputs)
        arrays.launch(silhouette_iou_adjoint, (*inputs, arrays.gradient_of(loss), *gradients, overlap, weight, *wanted, n_images, height, width))

    return Op(name="silhouette_iou", kernel=silhouette_iou, n_inputs=3, n_outputs=1, gradient=gradient)


@functools.cache
def image_l1_op(variant: Variant) -> Op:
    """Inputs: a, b [B, H, W, C], mask [B, H, W]. Output: loss; the sum of mask |a - b| over pixels and channels."""
    real = variant.array
    at = variant.loss_place
    a_piece = variant.spread(8)

    @ti.kernel
    def image_l1(
        a: real(4), b: real(4), mask: real(3), loss: real(1), weight: variant.real, n_images: ti.i32, height: ti.i32, width: ti.i32, n_channels: ti.i32
    ):
        if ti.static(variant.team > 1):
            for part in range(team_pieces(n_images, height, width, variant) * variant.team):
                image, first = team_place(part, height, width, variant)
                shared, thread = ti.simt.block.SharedArray((variant.team,), variant.real), part % variant.team
                total = variant.real(0.0)
                for k in range(ti.static(pixels_at_once(variant))):
                    pixel = first + k * variant.team + thread
                    if pixel < height * width:
                        row, column = pixel // width, pixel % width
                        for channel in range(n_channels):
                            total += mask[image, row, column] * ti.abs(a[image, row, column, channel] - b[image, row, column, channel])
                of_team = team_sum(total, thread, shared, variant)
                if thread == 0:
                    loss[at] += weight * of_team
                ti.simt.block.sync()
        else:
            ti.loop_config(serialize=variant.serial)
            for part in range(n_pieces(n_images, height, width, variant) * a_piece):
                if part % a_piece == 0:
                    image, row, first, last = piece_of(part // a_piece, height, width, variant)
                    total = variant.real(0.0)
                    for column in range(first, last):
                        difference = variant.real(0.0)
                        for channel in range(n_channels):
                            difference += ti.abs(a[image, row, column, channel] - b[image, row, column, channel])
                        total += mask[image, row, column] * difference
                    loss[at] += weight * total

    @ti.kernel
    def image_l1_adjoint(
        a: real(4), b: real(4), mask: real(3), loss_grad: real(1), a_grad: real(4), b_grad: real(4), mask_grad: real(3), weight: variant.real,
        a_wanted: ti.i32, b_wanted: ti.i32, mask_wanted: ti.i32, n_images: ti.i32, height: ti.i32, width: ti.i32, n_channels: ti.i32,
    ):  # fmt: skip
        ti.loop_config(serialize=variant.serial)
        for part in range(n_pieces(n_images, height, width, variant) * a_piece):
            if part % a_piece == 0:
                image, row, first, last = piece_of(part // a_piece, height, width, variant)
                share = weight * loss_grad[at]
                for column in range(first, last):  # no ``+=``, which would be atomic: nobody else writes here
                    total, of_pixel = variant.real(0.0), share * mask[image, row, column]
                    for channel in range(n_channels):
                        difference = a[image, row, column, channel] - b[image, row, column, channel]
                        total += ti.abs(difference)
                        slope = of_pixel * (ti.cast(difference > 0.0, variant.real) - ti.cast(difference < 0.0, variant.real))
                        if a_wanted != 0:
                            a_grad[image, row, column, channel] = a_grad[image, row, column, channel] + slope
                        if b_wanted != 0:
                            b_grad[image, row, column, channel] = b_grad[image, row, column, channel] - slope
                    if mask_wanted != 0:
                        mask_grad[image, row, column] = mask_grad[image, row, column] + share * total

    def gradient(arrays, arguments) -> None:
        *inputs, loss, weight, n_images, height, width, n_channels = arguments
        gradients, wanted = gradients_and_wishes(arrays, inputs)
        sizes = (n_images, height, width, n_channels)
        arrays.launch(image_l1_adjoint, (*inputs, arrays.gradient_of(loss), *gradients, weight, *wanted, *sizes))

    return Op(name="image_l1", kernel=image_l1, n_inputs=3, n_outputs=1, gradient=gradient)


@functools.cache
def laplacian_op(variant: Variant) -> Op:
    """Input: vertices [V, 3]. Output: laplacian [V, 3], each vertex minus the mean of its neighbours: (I - D^-1 A) v."""
    real, index = variant.array, variant.index

    @ti.kernel
    def laplacian(vertices: real(2), laplacian: real(2), edges: index(2), one_over_degree: real(1), n_edges: ti.i32):
        for e in range(n_edges):
            i, j = edges[e, 0], edges[e, 1]
            for k in ti.static(range(3)):
                difference = vertices[i, k] - vertices[j, k]
                laplacian[i, k] += difference * one_over_degree[i]
                laplacian[j, k] += -difference * one_over_degree[j]

    return Op(name="laplacian", kernel=laplacian, n_inputs=1, n_outputs=1)


@functools.cache
def square_sum_op(variant: Variant) -> Op:
    """Input: values [N, 3]. Output: loss; the sum of their squares."""
    real = variant.array
    at = variant.loss_place

    @ti.kernel
    def square_sum(values: real(2), loss: real(1), weight: variant.real, n: ti.i32):
        for i in range(n):
            loss[at] += weight * (values[i, 0] * values[i, 0] + values[i, 1] * values[i, 1] + values[i, 2] * values[i, 2])

    return Op(name="square_sum", kernel=square_sum, n_inputs=1, n_outputs=1)


@functools.cache
def edge_length_op(variant: Variant) -> Op:
    """Input: vertices [V, 3]. Output: loss; the sum over edges of (length - target)^2."""
    real, index = variant.array, variant.index
    at = variant.loss_place

    @ti.kernel
    def edge_length(vertices: real(2), loss: real(1), edges: index(2), target: variant.real, weight: variant.real, n_edges: ti.i32):
        for e in range(n_edges):
            d = [vertices[edges[e, 0], k] - vertices[edges[e, 1], k] for k in ti.static(range(3))]
            excess = ti.sqrt(d[0] * d[0] + d[1] * d[1] + d[2] * d[2] + TINY_LENGTH_SQ) - target
            loss[at] += weight * excess * excess

    return Op(name="edge_length", kernel=edge_length, n_inputs=1, n_outputs=1)


@ti.func
def dot(a, b):
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]


@ti.func
def one_over_length(a, tiny):
    """Of each vector by itself: the product of two tiny lengths would underflow."""
    return 1.0 / ti.sqrt(dot(a, a) + tiny)


@ti.func
def cross(a, b):
    return [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]]


@ti.func
def perpendicular(along, length_sq, to, epsilon):
    """The part of ``to`` perpendicular to ``along``, and its length: |to| sin(angle between the two)."""
    product = dot(to, along)
    to_length = ti.sqrt(dot(to, to) + epsilon)
    cosine = product / (ti.sqrt(length_sq + epsilon) * to_length + epsilon)
    share = product / (length_sq + epsilon)
    return [to[k] - share * along[k] for k in ti.static(range(3))], to_length * ti.sqrt(ti.max(1.0 - cosine * cosine, 0.0) + epsilon)


@functools.cache
def flatten_op(variant: Variant) -> Op:
    """Input: vertices [V, 3]. Output: loss; the sum over hinges of (cos theta + 1)^2.

    theta is the angle between the perpendiculars to the edge that lie in its two faces: 180 degrees, and the term zero, where the surface is flat
    (SoftRas section 4.2). ``epsilon`` stands where SoftRas has 1e-6, under roots and in denominators.
    """
    real, index = variant.array, variant.index
    at = variant.loss_place

    @ti.kernel
    def flatten(vertices: real(2), loss: real(1), hinges: index(2), weight: variant.real, epsilon: variant.real, n_hinges: ti.i32):
        for h in range(n_hinges):
            a, b, c, d = hinges[h, 0], hinges[h, 1], hinges[h, 2], hinges[h, 3]
            along = [vertices[b, k] - vertices[a, k] for k in ti.static(range(3))]
            to_c = [vertices[c, k] - vertices[a, k] for k in ti.static(range(3))]
            to_d = [vertices[d, k] - vertices[a, k] for k in ti.static(range(3))]
            length_sq = dot(along, along)
            p, p_length = perpendicular(along, length_sq, to_c, epsilon)
            q, q_length = perpendicular(along, length_sq, to_d, epsilon)
            cosine = dot(p, q) / (p_length * q_length + epsilon)
            cosine = ti.min(ti.max(cosine, -1.0), 1.0)  # of a sliver, single precision makes a hundred
            loss[at] += weight * (cosine + 1.0) * (cosine + 1.0)

    return Op(name="flatten", kernel=flatten, n_inputs=1, n_outputs=1)


@functools.cache
def normal_consistency_op(variant: Variant) -> Op:
    """Input: vertices [V, 3]. Output: loss; the sum over hinges of 1 - cos(angle between the normals of the two faces)."""
    real, index = variant.array, variant.index
    at = variant.loss_place

    @ti.kernel
    def normal_consistency(vertices: real(2), loss: real(1), hinges: index(2), weight: variant.real, n_hinges: ti.i32):
        for h in range(n_hinges):
            a, b, c, d = hinges[h, 0], hinges[h, 1], hinges[h, 2], hinges[h, 3]
            along = [vertices[b, k] - vertices[a, k] for k in ti.static(range(3))]
            to_c = [vertices[c, k] - vertices[a, k] for k in ti.static(range(3))]
            to_d = [vertices[d, k] - vertices[a, k] for k in ti.static(range(3))]
            n = cross(along, to_c)
            m = cross(to_d, along)
            cosine = dot(n, m) * one_over_length(n, TINY_AREA_SQ) * one_over_length(m, TINY_AREA_SQ)
            loss[at] += weight * (1.0 - cosine)

    return Op(name="normal_consistency", kernel=normal_consistency, n_inputs=1, n_outputs=1)
