"""PyTorch3D's soft shading of a pixel's fragments in one operation: interpolation, Phong's light, and SoftRas's mixture of the K nearest faces.

A fragment (a used slot, see `fragments`) has corner weights b_i, depth z and signed squared distance d; its pixel's picture is

    p = sum b_i p_i, n = sum b_i n_i, T = sum b_i T_i       point, normal, texture (or T of the slot itself)
    c = (A + D max(cos, 0)) T + S a^s                       cos = n.l, a = max(v.r, 0) if cos > 0, r = 2 cos n - l; n, l, v made units
    w = sigmoid(-d/sigma) exp((q - m)/gamma)                q = (far - z)/(far - near), m = max(q, LEAST)
    rgb = (sum w c + w_b background)/(sum w + w_b)          w_b = max(exp((LEAST - m)/gamma), LEAST)
    alpha = 1 - prod(1 - sigmoid(-d/sigma))

with A, D, S the products of the light's and the material's colours, l to the light and v to the eye. The way back, with W = sum w + w_b and g = dL/d(rgb):

    dL/dc = g w/W, dL/dw = (c - rgb).g/W, dL/dd = -s (1 - s)/sigma dL/ds - (1 - alpha) s/sigma dL/d(alpha), s = sigmoid(-d/sigma)
    dL/dq = w/gamma dL/dw; rgb does not depend on m, but for a w_b that is LEAST: then dL/dm = w_b (background - rgb).g/(W gamma)

It visits the slots face by face: what is wanted of a face's corners, and of the light, is added up in registers.
"""

import functools
from dataclasses import dataclass

import taichi as ti

from .fragments import used_slot
from .losses import dot
from .op import Op
from .variant import Variant

__all__ = ["N_KEPT", "N_LIGHT", "ShadingChoices", "soft_shading_op"]

LEAST = 1e-10  # weight of the background, and q of what is behind everything
LEAST_LENGTH = 1e-6  # of a vector that is made a unit
SMALL = 1e-2  # below it six terms of a series have 13 digits

# Places in the numbers of a light, as an image sees it.
AMBIENT, DIFFUSE, SPECULAR, PLACE, EYE, SHININESS = 0, 3, 6, 9, 12, 15
N_LIGHT = 16

# What is kept of a pixel for the way back.
RGB, ALPHA, TOTAL, DEEPEST = 0, 3, 4, 5  # the picture, W, m
N_KEPT = 6
N_OF_CORNERS = 27  # gradients of points, normals and colours


@dataclass(frozen=True, kw_only=True)
class ShadingChoices:
    """The discrete choices that specialise the kernels.

    Attributes:
        lit: whether there is light; without it the texture is the colour (PyTorch3D's Gouraud shading, whose vertices were lit before).
        per_slot: whether each slot has a texture value of its own, instead of its face's corners.
    """

    lit: bool = True
    per_slot: bool = False


@ti.func
def own_row(image, rows):
    return ti.min(image, rows - 1)


@ti.func
def mixed(values: ti.template(), a, b, c, wa, wb, wc):
    """Of three rows."""
    return [wa * values[a, k] + wb * values[b, k] + wc * values[c, k] for k in ti.static(range(3))]


@ti.func
def length_of(v, real: ti.template()):
    return ti.max(ti.sqrt(dot(v, v)), real(LEAST_LENGTH))


@ti.func
def over_length_adjoint(unit, g, length, real: ti.template()):
    """Through v/|v|: (g - u (u.g))/|v|; a vector shorter than LEAST_LENGTH is divided by that number."""
    along = ti.select(length > real(LEAST_LENGTH), dot(unit, g), real(0.0))
    return [(g[k] - unit[k] * along) / length for k in ti.static(range(3))]


@ti.func
def phong_geometry(point, normal, light: ti.template(), b, is_point, real: ti.template()):
    """Units n, l, v with the lengths that they had; cos, v.r and a."""
    to_light = [light[b, PLACE + k] - is_point * point[k] for k in ti.static(range(3))]
    to_eye = [light[b, EYE + k] - point[k] for k in ti.static(range(3))]
    n_length, l_length, v_length = length_of(normal, real), length_of(to_light, real), length_of(to_eye, real)
    n = ti.Vector([normal[k] / n_length for k in ti.static(range(3))])
    l = ti.Vector([to_light[k] / l_length for k in ti.static(range(3))])
    v = ti.Vector([to_eye[k] / v_length for k in ti.static(range(3))])
    cosine = dot(n, l)
    mirrored = 2.0 * cosine * dot(n, v) - dot(l, v)  # v.r
    a = ti.select(cosine > 0.0, ti.max(mirrored, 0.0), real(0.0))
    return n, l, v, n_length, l_length, v_length, cosine, a


@ti.func
def coverage_of(distance, over_sigma, real: ti.template()):
    """sigmoid(-d/sigma), without overflow."""
    e = ti.exp(-ti.abs(distance) * over_sigma)
    return ti.select(distance > 0.0, e, real(1.0)) / (1.0 + e)


@ti.func
def log_free_of(distance, over_sigma, real: ti.template()):
    """log(1 - sigmoid(-d/sigma)) = min(u, 0) - log(1 + exp(-|u|)), u = d/sigma; a series where 1 + exp(-|u|) is rounded."""
    u = distance * over_sigma
    e = ti.exp(-ti.abs(u))
    series = e * (1.0 - e * (real(1 / 2) - e * (real(1 / 3) - e * (real(1 / 4) - e * (real(1 / 5) - e * real(1 / 6))))))
    return ti.min(u, 0.0) - ti.select(e < real(SMALL), series, ti.log(1.0 + e))


@ti.func
def one_less_exp(s, real: ti.template()):
    """1 - exp(s) for s <= 0; a series where that is rounded."""
    series = -s * (1.0 + s * (real(1 / 2) + s * (real(1 / 6) + s * (real(1 / 24) + s * (real(1 / 120) + s * real(1 / 720))))))
    return ti.select(s > real(-SMALL), series, 1.0 - ti.exp(s))


@functools.cache
def soft_shading_op(variant: Variant, choices: ShadingChoices) -> Op:
    """Inputs: bary, depth, distance, points, normals, colors, light. Output: image.

    Without ``lit`` points and normals are one row each that nobody reads. The list of used slots comes as one argument that has `chunks` and `by_face`.
    """
    real, index, number = variant.array, variant.index, variant.real
    lit, per_slot = choices.lit, choices.per_slot

    @ti.func
    def color_of(
        f, i, wa, wb, wc, points: ti.template(), normals: ti.template(), colors: ti.template(), light: ti.template(), faces: ti.template(), b, is_point
    ):  # fmt: skip
        """c"""
        p, q, r = faces[f, 0], faces[f, 1], faces[f, 2]
        texture = [colors[i, k] for k in ti.static(range(3))] if ti.static(per_slot) else mixed(colors, p, q, r, wa, wb, wc)
        color = ti.Vector([texture[k] for k in ti.static(range(3))])
        if ti.static(lit):
            point, normal = mixed(points, p, q, r, wa, wb, wc), mixed(normals, p, q, r, wa, wb, wc)
            _, _, _, _, _, _, cosine, a = phong_geometry(point, normal, light, b, is_point, number)
            bright = ti.pow(a, light[b, SHININESS])
            for k in ti.static(range(3)):
                color[k] = (light[b, AMBIENT + k] + light[b, DIFFUSE + k] * ti.max(cosine, 0.0)) * texture[k] + light[b, SPECULAR + k] * bright
        return color

    @ti.kernel
    def soft_shading(
        bary: real(2),  # [n_used, 3]
        depth: real(1),  # [n_used]
        distance: real(1),  # [n_used]
        points: real(2),  # [V, 3]
        normals: real(2),  # [V, 3]
        colors: real(2),  # [V, 3], or [n_used, 3]
        light: real(2),  # [1 or B, N_LIGHT]
        image: real(4),  # [B, H, W, 4] written
        used_slots: index(1),
        used_faces: index(1),
        n_used: ti.i32,
        first_used: index(1),  # [B * H * W + 1]
        faces: index(2),  # [F, 3]
        depth_range: real(2),  # [1 or B, 2] far, 1/(far - near)
        background: real(1),  # [3]
        kept: real(2),  # [B * H * W, N_KEPT] written
        deepest: index(1),  # [B * H * W] written: which used slot has m; -1 if m is LEAST
        is_point: number,  # 1 for a light at a place, 0 for one in a direction
        sigma: number,
        gamma: number,
        n_pixels: ti.i32,
        height: ti.i32,
        width: ti.i32,
    ):
        ti.loop_config(serialize=variant.serial)
        for pixel in range(n_pixels):
            first, last, b = first_used[pixel], first_used[pixel + 1], pixel // (height * width)
            near_row, row = own_row(b, depth_range.shape[0]), own_row(b, light.shape[0])
            far, over_range, over_sigma, over_gamma = depth_range[near_row, 0], depth_range[near_row, 1], 1.0 / sigma, 1.0 / gamma
            m, nearest = number(LEAST), -1
            for i in range(first, last):
                q = (far - depth[i]) * over_range
                if q > m:
                    m, nearest = q, i
            behind = ti.max(ti.exp((number(LEAST) - m) * over_gamma), number(LEAST))
            total, log_free = behind, number(0.0)
            rgb = ti.Vector([behind * background[k] for k in ti.static(range(3))])
            for i in range(first, last):
                weight = coverage_of(distance[i], over_sigma, number) * ti.exp(((far - depth[i]) * over_range - m) * over_gamma)
                log_free += log_free_of(distance[i], over_sigma, number)
                total += weight
                if weight > 0.0:
                    rgb += weight * color_of(used_faces[i], i, bary[i, 0], bary[i, 1], bary[i, 2], points, normals, colors, light, faces, row, is_point)
            rgb /= total
            alpha = one_less_exp(log_free, number)
            line, column = pixel // width % height, pixel % width
            for k in ti.static(range(3)):
                image[b, line, column, k] = rgb[k]
                kept[pixel, RGB + k] = rgb[k]
            image[b, line, column, 3] = alpha
            kept[pixel, ALPHA] = alpha
            kept[pixel, TOTAL] = total
            kept[pixel, DEEPEST] = m
            deepest[pixel] = nearest

    @ti.func
    def add_corners(f, sums, points_grad: ti.template(), normals_grad: ti.template(), colors_grad: ti.template(), faces: ti.template()):
        for corner in ti.static(range(3)):
            for k in ti.static(range(3)):
                if ti.static(lit):
                    points_grad[faces[f, corner], k] += sums[3 * corner + k]
                    normals_grad[faces[f, corner], k] += sums[9 + 3 * corner + k]
                if ti.static(not per_slot):
                    colors_grad[faces[f, corner], k] += sums[18 + 3 * corner + k]

    @ti.kernel
    def soft_shading_adjoint(
        bary: real(2),
        depth: real(1),
        distance: real(1),
        points: real(2),
        normals: real(2),
        colors: real(2),
        light: real(2),
        bary_grad: real(2),  # these are added to
        depth_grad: real(1),
        distance_grad: real(1),
        points_grad: real(2),
        normals_grad: real(2),
        colors_grad: real(2),
        light_grad: real(2),
        image_grad: real(4),
        used_slots: index(1),
        used_faces: index(1),
        by_face: index(1),
        faces: index(2),
        depth_range: real(2),
        background: real(1),
        kept: real(2),
        deepest: index(1),
        is_point: number,
        sigma: number,
        gamma: number,
        n_used: ti.i32,
        n_at_once: ti.i32,
        n_slots: ti.i32,
        height: ti.i32,
        width: ti.i32,
        light_wanted: ti.i32,
    ):
        ti.loop_config(serialize=variant.serial)
        for part in range((n_used + n_at_once - 1) // n_at_once):
            sums, of_light = ti.Vector.zero(number, N_OF_CORNERS), ti.Vector.zero(number, N_LIGHT)
            f, row, over_sigma, over_gamma = -1, -1, 1.0 / sigma, 1.0 / gamma
            va, vb, vc = 0, 0, 0
            for place in range(part * n_at_once, ti.min((part + 1) * n_at_once, n_used)):
                i = used_slot(place, by_face, variant)
                pixel = used_slots[i] // n_slots
                image = pixel // (height * width)
                if used_faces[i] != f:
                    if f >= 0:
                        add_corners(f, sums, points_grad, normals_grad, colors_grad, faces)
                    f = used_faces[i]
                    va, vb, vc = faces[f, 0], faces[f, 1], faces[f, 2]
                    sums.fill(0.0)
                if ti.static(lit):
                    here = own_row(image, light.shape[0])
                    if here != row:
                        if row >= 0 and light_wanted != 0:
                            for k in ti.static(range(N_LIGHT)):
                                light_grad[row, k] += of_light[k]
                        row = here
                        of_light.fill(0.0)
                line, column, near_row = pixel // width % height, pixel % width, own_row(image, depth_range.shape[0])
                wa, wb, wc = bary[i, 0], bary[i, 1], bary[i, 2]
                m, over_total, alpha = kept[pixel, DEEPEST], 1.0 / kept[pixel, TOTAL], kept[pixel, ALPHA]
                g = [image_grad[image, line, column, k] for k in ti.static(range(3))]
                coverage = coverage_of(distance[i], over_sigma, number)
                e = ti.exp(((depth_range[near_row, 0] - depth[i]) * depth_range[near_row, 1] - m) * over_gamma)
                weight = coverage * e

                # The colour.
                texture = [colors[i, k] for k in ti.static(range(3))] if ti.static(per_slot) else mixed(colors, va, vb, vc, wa, wb, wc)
                g_color = [g[k] * weight * over_total for k in ti.static(range(3))]
                color = ti.Vector([texture[k] for k in ti.static(range(3))])
                g_texture = ti.Vector([g_color[k] for k in ti.static(range(3))])
                gwa, gwb, gwc = number(0.0), number(0.0), number(0.0)
                if ti.static(lit):
                    point, normal = mixed(points, va, vb, vc, wa, wb, wc), mixed(normals, va, vb, vc, wa, wb, wc)
                    n, l, v, n_length, l_length, v_length, cosine, a = phong_geometry(point, normal, light, row, is_point, number)
                    shininess, lambert = light[row, SHININESS], ti.max(cosine, 0.0)
                    bright = ti.pow(a, shininess)
                    g_lambert, g_bright = number(0.0), number(0.0)
                    for k in ti.static(range(3)):
                        received = light[row, AMBIENT + k] + light[row, DIFFUSE + k] * lambert
                        color[k] = received * texture[k] + light[row, SPECULAR + k] * bright
                        g_texture[k] = g_color[k] * received
                        g_lambert += g_color[k] * texture[k] * light[row, DIFFUSE + k]
                        g_bright += g_color[k] * light[row, SPECULAR + k]
                        of_light[AMBIENT + k] += g_color[k] * texture[k]
                        of_light[DIFFUSE + k] += g_color[k] * texture[k] * lambert
                        of_light[SPECULAR + k] += g_color[k] * bright
                    shines = a > 0.0
                    a_safe = ti.select(shines, a, number(1.0))
                    g_a = ti.select(shines, g_bright * shininess * bright / a_safe, number(0.0))  # to v.r
                    of_light[SHININESS] += ti.select(shines, g_bright * bright * ti.log(a_safe), number(0.0))
                    # v.r = 2 cos (n.v) - l.v
                    nv = dot(n, v)
                    g_cosine = ti.select(cosine > 0.0, g_lambert, number(0.0)) + 2.0 * g_a * nv
                    g_n = [g_cosine * l[k] + 2.0 * g_a * cosine * v[k] for k in ti.static(range(3))]
                    g_l = [g_cosine * n[k] - g_a * v[k] for k in ti.static(range(3))]
                    g_v = [g_a * (2.0 * cosine * n[k] - l[k]) for k in ti.static(range(3))]
                    g_normal = over_length_adjoint(n, g_n, n_length, number)
                    g_place = over_length_adjoint(l, g_l, l_length, number)
                    g_eye = over_length_adjoint(v, g_v, v_length, number)
                    for k in ti.static(range(3)):
                        of_light[PLACE + k] += g_place[k]
                        of_light[EYE + k] += g_eye[k]
                        g_point = -is_point * g_place[k] - g_eye[k]
                        gwa += g_point * points[va, k] + g_normal[k] * normals[va, k]
                        gwb += g_point * points[vb, k] + g_normal[k] * normals[vb, k]
                        gwc += g_point * points[vc, k] + g_normal[k] * normals[vc, k]
                        for corner in ti.static(range(3)):
                            share = wa if ti.static(corner == 0) else (wb if ti.static(corner == 1) else wc)
                            sums[3 * corner + k] += share * g_point
                            sums[9 + 3 * corner + k] += share * g_normal[k]
                for k in ti.static(range(3)):
                    if ti.static(per_slot):
                        colors_grad[i, k] = colors_grad[i, k] + g_texture[k]
                    else:
                        gwa += g_texture[k] * colors[va, k]
                        gwb += g_texture[k] * colors[vb, k]
                        gwc += g_texture[k] * colors[vc, k]
                        sums[18 + k] += wa * g_texture[k]
                        sums[21 + k] += wb * g_texture[k]
                        sums[24 + k] += wc * g_texture[k]
                bary_grad[i, 0] = bary_grad[i, 0] + gwa
                bary_grad[i, 1] = bary_grad[i, 1] + gwb
                bary_grad[i, 2] = bary_grad[i, 2] + gwc

                # The mixture.
                g_weight, g_behind = number(0.0), number(0.0)
                for k in ti.static(range(3)):
                    g_weight += g[k] * (color[k] - kept[pixel, RGB + k]) * over_total
                    g_behind += g[k] * (background[k] - kept[pixel, RGB + k]) * over_total
                distance_grad[i] = distance_grad[i] - over_sigma * coverage * (
                    g_weight * e * (1.0 - coverage) + (1.0 - alpha) * image_grad[image, line, column, 3]
                )
                g_q = g_weight * weight * over_gamma
                if deepest[pixel] == i and (number(LEAST) - m) * over_gamma < ti.log(number(LEAST)):
                    g_q += number(LEAST) * g_behind * over_gamma
                depth_grad[i] = depth_grad[i] - depth_range[near_row, 1] * g_q  # one thread: no atomics
            if f >= 0:
                add_corners(f, sums, points_grad, normals_grad, colors_grad, faces)
            if ti.static(lit):
                if row >= 0 and light_wanted != 0:
                    for k in ti.static(range(N_LIGHT)):
                        light_grad[row, k] += of_light[k]

    def gradient(arrays, arguments):
        inputs, image, used, (_, faces, depth_range, background, kept, deepest, is_point, sigma, gamma, _, height, width) = (
            arguments[:7], arguments[7], arguments[8], arguments[9:],
        )  # fmt: skip
        arrays.launch(
            soft_shading_adjoint,
            (
                *(arrays.constant(array) for array in inputs), *(arrays.gradient_or_scratch(array) for array in inputs), arrays.gradient_of(image),
                used.slot, used.face, used.by_face(arrays), faces, depth_range, background, kept, deepest, is_point, sigma, gamma,
                used.n, used.n_at_once, used.shape[3], height, width, int(arrays.gradient_of(inputs[6]) is not None),
            ),
        )  # fmt: skip

    return Op(name="soft_shading", kernel=soft_shading, n_inputs=7, n_outputs=1, gradient=gradient)
