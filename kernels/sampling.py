"""Points on the faces of a mesh: which face each is on, where on it, and what stands there."""

import functools
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..language import thoroughly, ti
from .face import slot
from .losses import cross, dot
from .op import Op
from .variant import Variant

__all__ = ["ROW", "SURE", "areas_kernel", "blocks_of", "interpolate_op", "places_at_once", "places_kernel", "sample_op"]


SURE = 2147483647  # odds of 1, and the largest number of 31 bits
SHARES = 1 << 24  # into which a weight is divided: where on a face a place is is told in whole numbers, the same on any device
SPREAD = 512  # little iterations that a part of the places counts as
AT_ONCE = 64  # places that a thread of a CPU draws side by side
ROW = 4  # numbers of a row of three, and of a vector: so many are read, added to and written in one go


@ti.func
def random_bits(s, seed, stream):
    """Three times 32 bits: pcg3d of Jarzynski and Olano, "Hash Functions for GPU Rendering", JCGT 2020."""
    x = ti.cast(s, ti.u32) * ti.u32(1664525) + ti.u32(1013904223)
    y = ti.cast(seed, ti.u32) * ti.u32(1664525) + ti.u32(1013904223)
    z = ti.cast(stream, ti.u32) * ti.u32(1664525) + ti.u32(1013904223)
    x += y * z
    y += z * x
    z += x * y
    x, y, z = x ^ (x >> ti.u32(16)), y ^ (y >> ti.u32(16)), z ^ (z >> ti.u32(16))
    x += y * z
    y += z * x
    z += x * y
    return x, y, z


@ti.func
def area(a, b, c):
    """Of a face abc, in float64, since squares of small numbers vanish in float32."""
    ab = [b[k] - a[k] for k in ti.static(range(3))]
    ac = [c[k] - a[k] for k in ti.static(range(3))]
    normal = [ti.cast(x, ti.f64) for x in ti.static(cross(ab, ac))]
    return ti.sqrt(dot(normal, normal)) / 2.0


@functools.cache
def areas_kernel(variant: Variant) -> Any:
    """Areas [F] of faces [F, 3] of vertices [V, 3]."""
    real, index = variant.array, variant.index

    @ti.kernel
    def measure(vertices: real(2), faces: index(2), areas: variant.doubles(1), n_faces: ti.i32):
        ti.loop_config(serialize=variant.serial)
        for f in range(n_faces):
            corners = [[vertices[faces[f, corner], k] for k in ti.static(range(3))] for corner in ti.static(range(3))]
            areas[f] = area(*corners)

    return measure


@ti.func
def passed(areas: ti.template(), f, end, mean, large: ti.template()):
    """The next face from f on that is large, or not."""
    at = f
    while at < end and (areas[at] > mean) != large:
        at += 1
    return at


@ti.func
def share_out(areas: ti.template(), begin, end, odds: ti.template()):
    """The odds (`sample_op`) of the faces from ``begin`` to ``end``, by which one number draws one of them: Walker's alias table (1977), by the sweep of
    Huebschle-Schneider and Sanders ("Parallel Weighted Random Sampling", 2019, section 3.2). Returns their area; where it is not positive and finite, the odds
    are of no use.

    The faces of a mesh are cells of one size. A face of less than the mean area fills a part of its cell, its odds, and a larger one the rest; and this, when
    less than a cell is left of it, is completed by the next large one.
    """
    whole = ti.cast(0.0, ti.f64)
    for f in range(begin, end):
        whole += areas[f]
    mean = whole / (end - begin)
    small, giver = passed(areas, begin, end, mean, False), passed(areas, begin, end, mean, True)
    last, left = giver, ti.cast(0.0, ti.f64)
    if giver < end:
        left = areas[giver]
    while giver < end:
        if left > mean and small < end:
            odds[slot(small, 0, 2)] = ti.cast(areas[small] / mean * SURE, ti.i32)
            odds[slot(small, 1, 2)] = giver
            left -= mean - areas[small]
            small = passed(areas, small + 1, end, mean, False)
        else:
            odds[slot(giver, 0, 2)] = ti.cast(ti.min(left / mean, 1.0) * SURE, ti.i32)
            last = giver
            giver = passed(areas, giver + 1, end, mean, True)
            odds[slot(last, 1, 2)] = ti.select(giver < end, giver, last)
            if giver < end:
                left += areas[giver] - mean
    while small < end:  # by rounding
        odds[slot(small, 0, 2)] = ti.cast(ti.min(areas[small] / mean, 1.0) * SURE, ti.i32)
        odds[slot(small, 1, 2)] = ti.select(last < end, last, small)
        small = passed(areas, small + 1, end, mean, False)
    return whole


def places_at_once(variant: Variant) -> int:
    """How many places, which all lie on one mesh, are drawn side by side.

    LLVM turns a loop over them, which only reads arrays and writes local vectors, into code for several of them.
    """
    return AT_ONCE if variant.lanes > 1 else 1


def blocks_of(variant: Variant, n_meshes: int, count: int) -> int:
    """Of how many blocks, of `places_at_once` each or fewer, ``count`` places on each mesh are made."""
    return n_meshes * (-(-count // places_at_once(variant)))


@ti.func
def place_of(block, count, at_once: ti.template()):
    """The mesh of a block of places, and which of its places is the first."""
    per_mesh = (count - 1) // at_once + 1
    mesh = block // per_mesh
    return mesh, (block - mesh * per_mesh) * at_once


@ti.func
def weights_at(weights: ti.template(), block, l, at_once: ti.template()):
    """Those of the three corners at a place, of which the last two are kept."""
    w_b, w_c = weights[slot(2 * block, l, at_once)], weights[slot(2 * block + 1, l, at_once)]
    return [1.0 - w_b - w_c, w_b, w_c]


@functools.cache
def sample_op(variant: Variant) -> Op:
    """Input: vertices [V, 3]. Output: points [M * S, 3] drawn evenly on M meshes, S on each.

    Other arguments:
        rows: [4 V] scratch on a CPU, for the vertices in rows of four numbers; else empty.
        faces: [F, 3].
        areas: [F + M] on a CPU, those of the faces, and then those of the meshes, which are written. Where one of these is not positive and finite, nothing is
            drawn on its mesh.
        n_unknown: how many of the areas are measured before: F, or none if they are known.
        odds: [2 F] tell of each face how likely it is that a number in its cell draws itself, 0 to `SURE`, and which face it draws otherwise. On a CPU they are
            written. (A GPU would take long for what goes step by step, and is given them.)
        first: [M + 1] where the faces of each mesh begin, and F.
        face, weights: [N * A] and [N * 2 * A], of N blocks of A places (`places_at_once`), are written: the face of each place, and what the second and
            the third of its corners weigh there, all seconds of a block before its thirds.
        seed: the same one draws the same places.
        count: S.
        n_parts: into how many the blocks are dealt; on a GPU as many as there are.
        n_blocks: N (`blocks_of`).
    """
    real, index, number = variant.array, variant.index, variant.real
    at_once, a_part, on_cpu = places_at_once(variant), variant.spread(SPREAD), variant.lanes > 1

    @ti.func
    def weight(share):
        """Of so many of `SHARES`: float32 has these numbers, and their sums, as they are."""
        return ti.cast(share, number) * number(1.0 / SHARES)

    @ti.func
    def draw(drawn: ti.template(), at: ti.template(), mesh, begin, seed, odds: ti.template(), first: ti.template()):
        """Writes the face of each place from ``begin`` on of a mesh, and the weights of its corners there: all firsts, all seconds, all thirds.

        A place is drawn anywhere in a parallelogram whose one half is the face, and turned into that if it is in the other (Turk, "Generating random points in
        triangles", Graphics Gems, 1990).
        """
        first_face = first[mesh]
        n_faces, odd = first[mesh + 1] - first_face, ti.Vector.zero(ti.i32, at_once)
        for l in range(at_once):
            which, u, v = random_bits(begin + l, seed, mesh)
            cell = ti.cast(which, ti.u64) * ti.cast(ti.cast(n_faces, ti.u32), ti.u64)
            drawn[slot(0, l, at_once)] = first_face + ti.cast(cell >> ti.u64(32), ti.i32)
            odd[slot(0, l, at_once)] = ti.cast(ti.cast(cell, ti.u32) >> ti.u32(1), ti.i32)
            b, c = ti.cast(u >> ti.u32(8), ti.i32), ti.cast(v >> ti.u32(8), ti.i32)
            a = SHARES - b - c
            at[slot(0, l, at_once)] = weight(ti.abs(a))
            at[slot(1, l, at_once)] = weight(ti.select(a < 0, SHARES - b, b))
            at[slot(2, l, at_once)] = weight(ti.select(a < 0, SHARES - c, c))
        for l in range(at_once):
            f = drawn[slot(0, l, at_once)]
            own, other = odds[slot(f, 0, 2)], odds[slot(f, 1, 2)]
            drawn[slot(0, l, at_once)] = ti.select(odd[slot(0, l, at_once)] < own, f, other)

    @ti.func
    def keep(drawn: ti.template(), at: ti.template(), block, face: ti.template(), weights: ti.template()):
        """In rows, since LLVM does not turn loops that write to arrays into code for several places."""
        if ti.static(on_cpu):
            for row in range(at_once // ROW):
                for k in ti.static(range(ROW)):
                    face[slot(block * (at_once // ROW) + row, k, ROW)] = drawn[slot(row, k, ROW)]
            for row in range(2 * at_once // ROW):
                for k in ti.static(range(ROW)):
                    weights[slot(2 * block * (at_once // ROW) + row, k, ROW)] = at[slot(at_once // ROW + row, k, ROW)]
        else:
            face[block], weights[2 * block], weights[2 * block + 1] = drawn[0], at[1], at[2]

    @ti.func
    def has_area(areas: ti.template(), n_faces, mesh):
        sure = True
        if ti.static(on_cpu):
            sure = 0.0 < areas[n_faces + mesh] < np.inf
        return sure

    @thoroughly
    @ti.kernel
    def sample(
        vertices: real(2), points: real(2), rows: real(1), faces: index(2), areas: variant.doubles(1), n_unknown: ti.i32, odds: index(1), first: index(1),
        face: index(1), weights: real(1), seed: ti.i32, count: ti.i32, n_parts: ti.i32, n_blocks: ti.i32,
    ):  # fmt: skip
        if ti.static(on_cpu):
            ti.loop_config(serialize=True)
            for v in range(vertices.shape[0]):
                for k in ti.static(range(ROW)):
                    rows[slot(v, k, ROW)] = vertices[v, ti.static(min(k, 2))]
            ti.loop_config(serialize=variant.serial)
            for f in range(n_unknown):
                corners = [[rows[slot(faces[f, corner], k, ROW)] for k in ti.static(range(3))] for corner in ti.static(range(3))]
                areas[f] = area(*corners)
            ti.loop_config(serialize=True)
            for mesh in range(first.shape[0] - 1):
                areas[faces.shape[0] + mesh] = share_out(areas, first[mesh], first[mesh + 1], odds)
        ti.loop_config(serialize=variant.serial)
        for i in range(n_parts * a_part):
            if i % a_part != 0:
                continue
            per_part = (n_blocks - 1) // n_parts + 1
            for block in range(i // a_part * per_part, ti.min((i // a_part + 1) * per_part, n_blocks)):
                mesh, begin = place_of(block, count, at_once)
                n = ti.min(at_once, count - begin)
                if not has_area(areas, faces.shape[0], mesh):
                    continue
                drawn, at = ti.Vector.zero(ti.i32, at_once), ti.Vector.zero(number, 3 * at_once)
                draw(drawn, at, mesh, begin, seed, odds, first)
                keep(drawn, at, block, face, weights)
                if ti.static(on_cpu):
                    point = ti.Vector.zero(number, ROW * at_once)
                    for l in range(n):
                        f = drawn[slot(0, l, at_once)]
                        a, b, c = faces[f, 0], faces[f, 1], faces[f, 2]
                        w_a, w_b, w_c = at[slot(0, l, at_once)], at[slot(1, l, at_once)], at[slot(2, l, at_once)]
                        for k in ti.static(range(ROW)):
                            point[slot(l, k, ROW)] = w_a * rows[slot(a, k, ROW)] + w_b * rows[slot(b, k, ROW)] + w_c * rows[slot(c, k, ROW)]
                        # Since an array is written, too, LLVM takes rows of four numbers, and not each number of eight places, which takes longer.
                        points[mesh * count + begin + l, 2] = point[slot(l, 2, ROW)]
                    for l in range(n):
                        for k in ti.static(range(2)):
                            points[mesh * count + begin + l, k] = point[slot(l, k, ROW)]
                else:
                    a, b, c = faces[drawn[0], 0], faces[drawn[0], 1], faces[drawn[0], 2]
                    for k in ti.static(range(3)):
                        points[mesh * count + begin, k] = at[0] * vertices[a, k] + at[1] * vertices[b, k] + at[2] * vertices[c, k]

    @thoroughly
    @ti.kernel
    def spread(
        grad_vertices: real(2), sums: real(1), grad_points: real(2), faces: index(2), face: index(1), weights: real(1),
        count: ti.i32, n_vertices: ti.i32, n_parts: ti.i32, n_blocks: ti.i32,
    ):  # fmt: skip
        """Each part adds to rows of its own."""
        ti.loop_config(serialize=variant.serial)
        for i in range(n_parts * a_part):
            if i % a_part != 0:
                continue
            per_part = (n_blocks - 1) // n_parts + 1
            own = i // a_part * n_vertices
            for row in range(own, own + n_vertices):
                for k in ti.static(range(ROW)):
                    sums[slot(row, k, ROW)] = 0.0
            for block in range(i // a_part * per_part, ti.min((i // a_part + 1) * per_part, n_blocks)):
                mesh, begin = place_of(block, count, at_once)
                n = ti.min(at_once, count - begin)
                grads = ti.Vector.zero(number, ROW * at_once)
                for l in range(n):
                    for k in ti.static(range(ROW)):
                        grads[slot(l, k, ROW)] = grad_points[mesh * count + begin + l, ti.static(min(k, 2))]
                for l in range(n):
                    f, at = face[slot(block, l, at_once)], weights_at(weights, block, l, at_once)
                    corners = [faces[f, corner] for corner in ti.static(range(3))]
                    for corner in ti.static(range(3)):
                        row = (own + corners[corner]) * ROW
                        more = [sums[row + k] + at[corner] * grads[slot(l, k, ROW)] for k in ti.static(range(ROW))]
                        for k in ti.static(range(ROW)):
                            sums[row + k] = more[k]
        ti.loop_config(serialize=True)
        for v in range(n_vertices):
            total = [grad_vertices[v, k] for k in ti.static(range(3))]
            for part in range(n_parts):
                for k in ti.static(range(3)):
                    total[k] += sums[slot(part * n_vertices + v, k, ROW)]
            for k in ti.static(range(3)):
                grad_vertices[v, k] = total[k]

    def gradient(arrays: Any, arguments: Sequence[Any]) -> None:
        vertices, points, _, faces, _, _, _, _, *kept, _, count, _, n_blocks = arguments
        n_vertices, n = vertices.shape[0], points.shape[0]
        if variant.lanes == 1:
            face, weights = arrays.empty_index(n), arrays.empty((n, 3))
            arrays.launch(places_kernel(variant), (face, weights, *kept, count, n_blocks, n_blocks))
            interpolate_op(variant, points=True).launch_gradient(arrays, (vertices, points, faces, face, weights, n, 3))
            return
        grad_points = arrays.gradient_of(points)
        if grad_points is None:
            return
        n_parts = 1 if variant.serial or 3 * n_vertices > n else arrays.n_shares // 2
        sums = arrays.empty((ROW * n_parts * n_vertices,))
        grad_vertices = arrays.gradient_or_scratch(vertices)
        arrays.launch(spread, (grad_vertices, sums, grad_points, faces, *kept, count, n_vertices, n_parts, n_blocks))

    return Op(name="sample", kernel=sample, n_inputs=1, n_outputs=1, adds=False, gradient=gradient)


@functools.cache
def places_kernel(variant: Variant) -> Any:
    """Where the points of `sample_op` are, as it has kept it: the face [M * S] of each, and the weights [M * S, 3] of its corners there."""
    real, index, at_once, a_part = variant.array, variant.index, places_at_once(variant), variant.spread(SPREAD)

    @ti.kernel
    def tell(faces: index(1), at: real(2), face: index(1), weights: real(1), count: ti.i32, n_parts: ti.i32, n_blocks: ti.i32):
        ti.loop_config(serialize=variant.serial)
        for i in range(n_parts * a_part):
            if i % a_part != 0:
                continue
            per_part = (n_blocks - 1) // n_parts + 1
            for block in range(i // a_part * per_part, ti.min((i // a_part + 1) * per_part, n_blocks)):
                mesh, begin = place_of(block, count, at_once)
                for l in range(ti.min(at_once, count - begin)):
                    s, of_corners = mesh * count + begin + l, weights_at(weights, block, l, at_once)
                    faces[s] = face[slot(block, l, at_once)]
                    for k in ti.static(range(3)):
                        at[s, k] = of_corners[k]

    return tell


@functools.cache
def interpolate_op(variant: Variant, points: bool = False) -> Op:
    """Input: values [V, C] at the vertices. Output: values [S, C] at places of faces: the sum of those at the corners, times ``weights`` [S, 3].

    On a CPU each thread adds up the gradient of its part of the places by itself, and then these sums are added: several threads would have to add atomically,
    which takes longer, and in any order.

    Args:
        points: whether C is 3: unrolled, it takes half the time.
    """
    real, index = variant.array, variant.index
    a_part = variant.spread(SPREAD)

    @ti.kernel
    def interpolate(values: real(2), result: real(2), faces: index(2), face: index(1), weights: real(2), n: ti.i32, n_channels: ti.i32):
        ti.loop_config(serialize=variant.serial)
        for i in range(n * n_channels):
            s = i // n_channels
            c = i % n_channels
            f = face[s]
            result[s, c] += weights[s, 0] * values[faces[f, 0], c] + weights[s, 1] * values[faces[f, 1], c] + weights[s, 2] * values[faces[f, 2], c]

    @ti.kernel
    def interpolate_rows(values: real(2), result: real(2), faces: index(2), face: index(1), weights: real(2), n: ti.i32, n_channels: ti.i32):
        ti.loop_config(serialize=variant.serial)
        for s in range(n):
            f = face[s]
            a, b, c = faces[f, 0], faces[f, 1], faces[f, 2]
            w_a, w_b, w_c = weights[s, 0], weights[s, 1], weights[s, 2]
            if ti.static(points):
                for k in ti.static(range(3)):
                    result[s, k] = result[s, k] + w_a * values[a, k] + w_b * values[b, k] + w_c * values[c, k]
            else:
                for k in range(n_channels):
                    result[s, k] = result[s, k] + w_a * values[a, k] + w_b * values[b, k] + w_c * values[c, k]

    @thoroughly
    @ti.kernel
    def spread(sums: real(2), grad_result: real(2), faces: index(2), face: index(1), weights: real(2), n: ti.i32, n_channels: ti.i32, n_parts: ti.i32):
        ti.loop_config(serialize=variant.serial)
        for i in range(n_parts * a_part):
            if i % a_part != 0:
                continue
            per_part = (n - 1) // n_parts + 1
            begin, own = i // a_part * per_part, i // a_part * (sums.shape[0] // n_parts)
            for s in range(begin, ti.min(begin + per_part, n)):
                f = face[s]
                corners = [own + faces[f, corner] for corner in ti.static(range(3))]
                at = [weights[s, corner] for corner in ti.static(range(3))]
                if ti.static(points):
                    grad = [grad_result[s, k] for k in ti.static(range(3))]
                    for corner in ti.static(range(3)):
                        more = [sums[corners[corner], k] + at[corner] * grad[k] for k in ti.static(range(3))]
                        for k in ti.static(range(3)):
                            sums[corners[corner], k] = more[k]
                else:
                    for k in range(n_channels):
                        grad = grad_result[s, k]
                        for corner in ti.static(range(3)):
                            sums[corners[corner], k] = sums[corners[corner], k] + at[corner] * grad

    @ti.kernel
    def add_up(grad_values: real(2), sums: real(2), n_values: ti.i32, n_channels: ti.i32, n_parts: ti.i32):
        ti.loop_config(serialize=True)
        for part in range(n_parts):
            for v in range(n_values):
                if ti.static(points):
                    more = [grad_values[v, k] + sums[part * n_values + v, k] for k in ti.static(range(3))]
                    for k in ti.static(range(3)):
                        grad_values[v, k] = more[k]
                else:
                    for k in range(n_channels):
                        grad_values[v, k] = grad_values[v, k] + sums[part * n_values + v, k]

    def gradient(arrays: Any, arguments: Sequence[Any]) -> None:
        if variant.lanes == 1:
            arrays.launch(interpolate.grad, arguments)
            return
        values, result, *rest, n, n_channels = arguments
        grad_result = arrays.gradient_of(result)
        if grad_result is None:
            return
        grad_values, n_values = arrays.gradient_or_scratch(values), values.shape[0]
        n_parts = 1 if variant.serial or n_values * n_channels > n else arrays.n_shares // 2
        sums = grad_values if n_parts == 1 else arrays.zeros((n_parts * n_values, n_channels))
        arrays.launch(spread, (sums, grad_result, *rest, n, n_channels, n_parts))
        if n_parts > 1:
            arrays.launch(add_up, (grad_values, sums, n_values, n_channels, n_parts))

    return Op(name="interpolate", kernel=interpolate, n_inputs=1, n_outputs=1, forward=interpolate_rows, gradient=gradient)
