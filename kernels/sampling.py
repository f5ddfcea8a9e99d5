"""Points on the faces of a mesh: which face each is on, where on it, and what stands there."""

import functools
from collections.abc import Sequence
from typing import Any

from ..language import ti
from .op import Op
from .variant import Variant

__all__ = ["interpolate_op", "place_kernel"]


@functools.cache
def place_kernel(variant: Variant) -> object:
    """Places drawn evenly on a surface.

    Arguments:
        shares: [F] sums of the areas of the faces up to each, over the area of all, ascending to 1; float64.
        guide: [G] the first face at which a number of [g/G, (g+1)/G) can be (Chen and Asau 1974): from there a few steps lead to it.
        face: [S] is written.
        weights: [S, 3] is written, of the face's corners (Osada et al., "Shape distributions", 2002, equation 1).
        seed, stream: the same two make the same places.
    """
    real, index, number = variant.array, variant.index, variant.real

    @ti.func
    def drawn(s, seed, stream):
        """Three numbers of [0, 1): pcg3d of Jarzynski and Olano, "Hash Functions for GPU Rendering", JCGT 2020."""
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
        return ti.cast(x, ti.f64) * ti.f64(2.0**-32), ti.cast(y >> ti.u32(8), number) * number(2.0**-24), ti.cast(z >> ti.u32(8), number) * number(2.0**-24)

    @ti.kernel
    def place(
        shares: variant.doubles(1), guide: index(1), face: index(1), weights: real(2),
        seed: ti.i32, stream: ti.i32, n_guides: ti.i32, n: ti.i32,
    ):  # fmt: skip
        ti.loop_config(serialize=variant.serial)
        for s in range(n):
            which, u, v = drawn(s, seed, stream)
            f = guide[ti.cast(which * n_guides, ti.i32)]
            while shares[f] <= which:
                f += 1
            from_a = ti.sqrt(u)
            face[s] = f
            weights[s, 0], weights[s, 1], weights[s, 2] = 1.0 - from_a, from_a * (1.0 - v), from_a * v

    return place


@functools.cache
def interpolate_op(variant: Variant, points: bool = False) -> Op:
    """Input: values [V, C] at the vertices. Output: values [S, C] at places of faces: the sum of those at the corners, times ``weights`` [S, 3].

    On a CPU one thread adds up the gradient: several would have to add atomically, which takes longer than waiting for one, and in any order.

    Args:
        points: whether C is 3: unrolled, it takes half the time.
    """
    real, index = variant.array, variant.index

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
            for k in range(n_channels):
                result[s, k] = result[s, k] + w_a * values[a, k] + w_b * values[b, k] + w_c * values[c, k]

    @ti.kernel
    def spread(grad_values: real(2), grad_result: real(2), faces: index(2), face: index(1), weights: real(2), n: ti.i32, n_channels: ti.i32):
        ti.loop_config(serialize=True)
        for s in range(n):
            f = face[s]
            a, b, c = faces[f, 0], faces[f, 1], faces[f, 2]
            w_a, w_b, w_c = weights[s, 0], weights[s, 1], weights[s, 2]
            for k in range(n_channels):
                grad = grad_result[s, k]
                grad_values[a, k] = grad_values[a, k] + w_a * grad
                grad_values[b, k] = grad_values[b, k] + w_b * grad
                grad_values[c, k] = grad_values[c, k] + w_c * grad

    @ti.kernel
    def interpolate_points(values: real(2), result: real(2), faces: index(2), face: index(1), weights: real(2), n: ti.i32, n_channels: ti.i32):
        ti.loop_config(serialize=variant.serial)
        for s in range(n):
            f = face[s]
            a, b, c = faces[f, 0], faces[f, 1], faces[f, 2]
            w_a, w_b, w_c = weights[s, 0], weights[s, 1], weights[s, 2]
            for k in ti.static(range(3)):
                result[s, k] = result[s, k] + w_a * values[a, k] + w_b * values[b, k] + w_c * values[c, k]

    @ti.kernel
    def spread_points(grad_values: real(2), grad_result: real(2), faces: index(2), face: index(1), weights: real(2), n: ti.i32, n_channels: ti.i32):
        ti.loop_config(serialize=True)
        for s in range(n):
            f = face[s]
            corners = [faces[f, corner] for corner in ti.static(range(3))]
            at = [weights[s, corner] for corner in ti.static(range(3))]
            grad = [grad_result[s, k] for k in ti.static(range(3))]
            for corner in ti.static(range(3)):
                sums = [grad_values[corners[corner], k] + at[corner] * grad[k] for k in ti.static(range(3))]
                for k in ti.static(range(3)):
                    grad_values[corners[corner], k] = sums[k]

    def gradient(arrays: Any, arguments: Sequence[Any]) -> None:
        if variant.lanes == 1:
            arrays.launch(interpolate.grad, arguments)
            return
        values, result, *rest = arguments
        grad_result = arrays.gradient_of(result)
        if grad_result is not None:
            arrays.launch(spread_points if points else spread, (arrays.gradient_or_scratch(values), grad_result, *rest))

    return Op(name="interpolate", kernel=interpolate, n_inputs=1, n_outputs=1, forward=interpolate_points if points else interpolate_rows, gradient=gradient)
