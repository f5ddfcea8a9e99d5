"""What the pictures and the mesh are compared with. Each adds ``weight`` times its value to the loss: an array [1], or a field without dimensions."""

import functools

from ..language import ti
from .op import Op
from .variant import Variant

__all__ = [
    "PIXELS_PER_ITEM",
    "edge_length_op",
    "flatten_op",
    "image_l1_op",
    "intersection_over_union_op",
    "laplacian_op",
    "normal_consistency_op",
    "overlap_op",
    "square_sum_op",
]

PIXELS_PER_ITEM = 8  # summed before they meet in memory: one atomic addition for eight pixels
TINY_LENGTH_SQ = 1e-12  # added under square roots: an edge or a face without extent has a finite gradient
TINY_AREA_SQ = 1e-20  # the same for squared areas
EMPTY_UNION = 1e-6  # added to the union, as SoftRas does: two empty pictures have IoU 0, not NaN


@functools.cache
def overlap_op(variant: Variant, weighted: bool = False) -> Op:
    """Inputs: a, b and, if ``weighted``, the pixels' weights, all [B, H, W]. Output: overlap [B, 2], the sums over pixels of a b (intersection) and
    a + b - a b (union)."""
    real = variant.array

    @ti.kernel
    def overlap(a: real(3), b: real(3), weights: real(3), overlap: real(2), n_images: ti.i32, height: ti.i32, width: ti.i32):
        for item in range(n_images * height * ((width + PIXELS_PER_ITEM - 1) // PIXELS_PER_ITEM)):
            items = (width + PIXELS_PER_ITEM - 1) // PIXELS_PER_ITEM
            image = item // (items * height)
            row = item // items % height
            first = item % items * PIXELS_PER_ITEM
            columns = [ti.min(first + l, width - 1) for l in ti.static(range(PIXELS_PER_ITEM))]
            shares = [
                ti.select(first + l < width, weights[image, row, columns[l]] if ti.static(weighted) else 1.0, 0.0) for l in ti.static(range(PIXELS_PER_ITEM))
            ]
            products = [shares[l] * a[image, row, columns[l]] * b[image, row, columns[l]] for l in ti.static(range(PIXELS_PER_ITEM))]
            sums = [shares[l] * (a[image, row, columns[l]] + b[image, row, columns[l]]) for l in ti.static(range(PIXELS_PER_ITEM))]
            overlap[image, 0] += ti.Vector(products).sum()
            overlap[image, 1] += ti.Vector(sums).sum() - ti.Vector(products).sum()

    return Op(name="overlap", kernel=overlap, n_inputs=3, n_outputs=1)


@functools.cache
def intersection_over_union_op(variant: Variant) -> Op:
    """Input: overlap [B, 2]. Output: loss; the mean over images of 1 - intersection / union (SoftRas eq. 6)."""
    real = variant.array
    at = variant.loss_place

    @ti.kernel
    def intersection_over_union(overlap: real(2), loss: real(1), weight: variant.real, n_images: ti.i32):
        for image in range(n_images):
            loss[at] += weight * (1.0 - overlap[image, 0] / (overlap[image, 1] + EMPTY_UNION)) / n_images

    return Op(name="intersection_over_union", kernel=intersection_over_union, n_inputs=1, n_outputs=1)


@functools.cache
def image_l1_op(variant: Variant) -> Op:
    """Inputs: a, b [B, H, W, C], mask [B, H, W]. Output: loss; the sum of mask |a - b| over pixels and channels."""
    real = variant.array
    at = variant.loss_place

    @ti.kernel
    def image_l1(
        a: real(4), b: real(4), mask: real(3), loss: real(1), weight: variant.real, n_images: ti.i32, height: ti.i32, width: ti.i32, n_channels: ti.i32
    ):
        for item in range(n_images * height * ((width + PIXELS_PER_ITEM - 1) // PIXELS_PER_ITEM) * n_channels):
            items = (width + PIXELS_PER_ITEM - 1) // PIXELS_PER_ITEM
            channel = item % n_channels
            image = item // (n_channels * items * height)
            row = item // (n_channels * items) % height
            first = item // n_channels % items * PIXELS_PER_ITEM
            columns = [ti.min(first + l, width - 1) for l in ti.static(range(PIXELS_PER_ITEM))]
            differences = [
                ti.select(
                    first + l < width,
                    mask[image, row, columns[l]] * ti.abs(a[image, row, columns[l], channel] - b[image, row, columns[l], channel]),
                    0.0,
                )
                for l in ti.static(range(PIXELS_PER_ITEM))
            ]
            loss[at] += weight * ti.Vector(differences).sum()

    return Op(name="image_l1", kernel=image_l1, n_inputs=3, n_outputs=1)


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
