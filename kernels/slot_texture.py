"""Pictures as the fragments of a pixel see them, with PyTorch3D's texture coordinates: bilinear, and beyond [0, 1] the texel of the border.

(u, v) = sum b_i (u_i, v_i); u runs to the right and v up. In an H x W picture the column is x = u (W - 1) and the row y = (1 - v) (H - 1) if 0 and 1 are the
middles of the outermost texels, x = u W - 1/2 and y = (1 - v) H - 1/2 if they are their outer edges. (Our own textures: `texture_image`.)
"""

import functools

from ..language import ti
from .fragments import used_slot
from .op import Op
from .texture_image import FIRST_TEXEL, HEIGHT, WIDTH
from .variant import Variant

__all__ = ["slot_texture_op"]


@ti.func
def texel_place(u, v, level, levels: ti.template(), middles, real: ti.template()):
    """The four texels around (u, v), above left, above right, below left and below right; how far it is between them; how x and y change with u and v."""
    height, width = levels[level, HEIGHT], levels[level, WIDTH]
    across, down = ti.cast(width - middles, real), ti.cast(height - middles, real)
    margin = ti.cast(1 - middles, real) * 0.5
    x, y = u * across - margin, (1.0 - v) * down - margin
    right, bottom = ti.cast(width - 1, real), ti.cast(height - 1, real)
    dx = ti.select((x > 0.0) & (x < right), across, real(0.0))
    dy = ti.select((y > 0.0) & (y < bottom), -down, real(0.0))
    x, y = ti.min(ti.max(x, 0.0), right), ti.min(ti.max(y, 0.0), bottom)
    column, row = ti.cast(ti.floor(x), ti.i32), ti.cast(ti.floor(y), ti.i32)
    column, row = ti.min(ti.max(column, 0), width - 1), ti.min(ti.max(row, 0), height - 1)  # whatever u and v are
    above = levels[level, FIRST_TEXEL] + row * width + column
    to_right, to_below = ti.cast(column + 1 < width, ti.i32), ti.cast(row + 1 < height, ti.i32) * width
    return above, above + to_right, above + to_below, above + to_below + to_right, x - column, y - row, dx, dy


@functools.cache
def slot_texture_op(variant: Variant) -> Op:
    """Inputs: bary [n, 3], uvs [T, 2], texels [N, C]. Output: colors [n, C]. The list of used slots comes as one argument with `chunks` and `by_face`."""
    real, index, number = variant.array, variant.index, variant.real

    @ti.func
    def coordinates(i, f, bary: ti.template(), uvs: ti.template(), face_uvs: ti.template()):
        a, b, c = face_uvs[f, 0], face_uvs[f, 1], face_uvs[f, 2]
        return [bary[i, 0] * uvs[a, k] + bary[i, 1] * uvs[b, k] + bary[i, 2] * uvs[c, k] for k in ti.static(range(2))]

    @ti.kernel
    def slot_texture(
        bary: real(2),  # [n_used, 3]
        uvs: real(2),  # [T, 2]
        texels: real(2),  # [N, C] row by row, picture by picture
        colors: real(2),  # [n_used, C] added to
        first_used: index(1),
        used_pixels: index(1),
        used_faces: index(1),
        n_used: ti.i32,
        face_uvs: index(2),  # [F, 3]
        face_level: index(1),  # [F] which picture each face shows
        levels: index(2),  # [pictures, 3] first texel, height, width
        middles: ti.i32,  # 1 if (0, 0) is the middle of a texel
        n_channels: ti.i32,
    ):
        ti.loop_config(serialize=variant.serial)
        for i in range(n_used):
            f = used_faces[i]
            uv = coordinates(i, f, bary, uvs, face_uvs)
            la, ra, lb, rb, right, below, _, _ = texel_place(uv[0], uv[1], face_level[f], levels, middles, number)
            for k in range(n_channels):
                above = (1.0 - right) * texels[la, k] + right * texels[ra, k]
                colors[i, k] = colors[i, k] + (1.0 - below) * above + below * ((1.0 - right) * texels[lb, k] + right * texels[rb, k])

    @ti.func
    def add_uvs(f, sums, uvs_grad: ti.template(), face_uvs: ti.template()):
        for corner in ti.static(range(3)):
            for k in ti.static(range(2)):
                uvs_grad[face_uvs[f, corner], k] += sums[2 * corner + k]

    @ti.kernel
    def slot_texture_adjoint(
        bary: real(2),
        uvs: real(2),
        texels: real(2),
        bary_grad: real(2),  # added to, like the two that follow
        uvs_grad: real(2),
        texels_grad: real(2),
        colors_grad: real(2),
        used_faces: index(1),
        by_face: index(1),
        face_uvs: index(2),
        face_level: index(1),
        levels: index(2),
        middles: ti.i32,
        n_channels: ti.i32,
        n_used: ti.i32,
        n_at_once: ti.i32,
        n_textured: ti.i32,  # n_used, or nought if texels want no gradient
    ):
        ti.loop_config(serialize=variant.serial)
        for part in range((n_used + n_at_once - 1) // n_at_once):
            sums, f = ti.Vector.zero(number, 6), -1
            for place in range(part * n_at_once, ti.min((part + 1) * n_at_once, n_used)):
                i = used_slot(place, by_face, variant)
                if used_faces[i] != f:
                    if f >= 0:
                        add_uvs(f, sums, uvs_grad, face_uvs)
                    f = used_faces[i]
                    sums.fill(0.0)
                wanted = number(0.0)
                for k in range(n_channels):
                    wanted += ti.abs(colors_grad[i, k])
                if wanted > 0.0:  # nothing is wanted of faces behind others
                    uv = coordinates(i, f, bary, uvs, face_uvs)
                    la, ra, lb, rb, right, below, dx, dy = texel_place(uv[0], uv[1], face_level[f], levels, middles, number)
                    gu, gv = number(0.0), number(0.0)
                    for k in range(n_channels):
                        g = colors_grad[i, k]
                        gu += g * ((1.0 - below) * (texels[ra, k] - texels[la, k]) + below * (texels[rb, k] - texels[lb, k]))
                        gv += g * ((1.0 - right) * (texels[lb, k] - texels[la, k]) + right * (texels[rb, k] - texels[ra, k]))
                    gu, gv = gu * dx, gv * dy
                    for corner in ti.static(range(3)):
                        at = face_uvs[f, corner]
                        bary_grad[i, corner] = bary_grad[i, corner] + gu * uvs[at, 0] + gv * uvs[at, 1]
                        sums[2 * corner] += gu * bary[i, corner]
                        sums[2 * corner + 1] += gv * bary[i, corner]
            if f >= 0:
                add_uvs(f, sums, uvs_grad, face_uvs)

        # One thread on a CPU: without atomics, which take longer there than two threads save.
        ti.loop_config(serialize=variant.lanes > 1)
        for i in range(n_textured):
            wanted = number(0.0)
            for k in range(n_channels):
                wanted += ti.abs(colors_grad[i, k])
            if wanted > 0.0:
                f = used_faces[i]
                uv = coordinates(i, f, bary, uvs, face_uvs)
                la, ra, lb, rb, right, below, _, _ = texel_place(uv[0], uv[1], face_level[f], levels, middles, number)
                places = [la, ra, lb, rb]
                weights = [(1.0 - below) * (1.0 - right), (1.0 - below) * right, below * (1.0 - right), below * right]
                for k in range(n_channels):
                    for j in ti.static(range(4)):
                        if ti.static(variant.lanes > 1):
                            texels_grad[places[j], k] = texels_grad[places[j], k] + weights[j] * colors_grad[i, k]
                        else:
                            texels_grad[places[j], k] += weights[j] * colors_grad[i, k]

    def gradient(arrays, arguments):
        inputs, colors, used, rest = arguments[:3], arguments[3], arguments[4], arguments[5:]
        arrays.launch(
            slot_texture_adjoint,
            (
                *(arrays.constant(array) for array in inputs), *(arrays.gradient_or_scratch(array) for array in inputs), arrays.gradient_of(colors),
                used.face, used.by_face(arrays), *rest, used.n, used.n_at_once, used.n if arrays.gradient_of(inputs[2]) is not None else 0,
            ),
        )  # fmt: skip

    return Op(name="slot_texture", kernel=slot_texture, n_inputs=3, n_outputs=1, gradient=gradient)
