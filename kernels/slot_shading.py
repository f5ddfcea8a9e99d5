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
import math
from dataclasses import dataclass

from ..language import ti
from .fragments import used_slot
from .losses import dot
from .op import Op
from .special import exp, expm1, log_of_one_plus, smaller
from .variant import Variant

__all__ = ["N_KEPT", "N_LIGHT", "ShadingChoices", "soft_shading_op"]

LEAST = 1e-10  # weight of the background, and q of what is behind everything
LOG_LEAST = math.log(LEAST)
LEAST_LENGTH = 1e-6  # of a vector that is made a unit

# Places in the numbers of a light, as an image sees it.
AMBIENT, DIFFUSE, SPECULAR, PLACE, EYE, SHININESS = 0, 3, 6, 9, 12, 15
N_LIGHT = 16

# What is kept of a pixel for the way back.
RGB, ALPHA, TOTAL, FOREMOST = 0, 3, 4, 5  # the picture, W, m
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
def over_length(v, real: ti.template()):
    """1/max(|v|, LEAST_LENGTH)"""
    return 1.0 / ti.max(ti.sqrt(dot(v, v)), real(LEAST_LENGTH))


@ti.func
def unit_adjoint(unit, g, over, real: ti.template()):
    """Through v/|v|: (g - u (u.g))/|v|; a vector shorter than LEAST_LENGTH is divided by that number."""
    along = ti.select(over < real(1 / LEAST_LENGTH), dot(unit, g), real(0.0))
    return [(g[k] - unit[k] * along) * over for k in ti.static(range(3))]


@ti.func
def phong_geometry(point, normal, light: ti.template(), b, is_point, real: ti.template()):
    """Units n, l, v and one over the lengths that they had; cos and a."""
    to_light = [light[b, PLACE + k] - is_point * point[k] for k in ti.static(range(3))]
    to_eye = [light[b, EYE + k] - point[k] for k in ti.static(range(3))]
    over_n, over_l, over_v = over_length(normal, real), over_length(to_light, real), over_length(to_eye, real)
    n = ti.Vector([normal[k] * over_n for k in ti.static(range(3))])
    l = ti.Vector([to_light[k] * over_l for k in ti.static(range(3))])
    v = ti.Vector([to_eye[k] * over_v for k in ti.static(range(3))])
    cosine = dot(n, l)
    mirrored = 2.0 * cosine * dot(n, v) - dot(l, v)  # v.r
    return n, l, v, over_n, over_l, over_v, cosine, ti.select(cosine > 0.0, ti.max(mirrored, 0.0), real(0.0))


@ti.func
def highlight(a, shininess, real: ti.template()):
    """a^s and log(a), which is nought where a is."""
    log_a, bright = real(0.0), ti.select(shininess == 0.0, real(1.0), real(0.0))
    if a > 0.0:
        log_a = ti.log(a)
        bright = exp(shininess * log_a, real)
    return bright, log_a


@ti.func
def coverage_of(distance, over_sigma, real: ti.template()):
    """s = sigmoid(-d/sigma), without overflow, and log(1 - s) = min(u, 0) - log(1 + exp(-|u|)), u = d/sigma."""
    u = distance * over_sigma
    e = exp(-ti.abs(u), real)
    return ti.select(u > 0.0, e, real(1.0)) / (1.0 + e), smaller(u, 0.0) - log_of_one_plus(e, real)


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
            bright, _ = highlight(a, light[b, SHININESS], number)
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
        image: real(2),  # [B * H * W, 4] written
        first_used: index(1),  # [B * H * W + 1]
        used_pixels: index(1),  # [n_used]
        used_faces: index(1),  # [n_used]
        n_used: ti.i32,
        faces: index(2),  # [F, 3]
        depth_range: real(2),  # [1 or B, 2] far, 1/(far - near)
        background: real(1),  # [3]
        kept: real(2),  # [B * H * W, N_KEPT] written
        nearest: index(1),  # [B * H * W] written: which used slot has m; -1 if m is LEAST
        is_point: number,  # 1 for a light at a place, 0 for one in a direction
        sigma: number,
        gamma: number,
        n_pixels: ti.i32,
        pixels_per_image: ti.i32,
    ):
        ti.loop_config(serialize=variant.serial)
        for pixel in range(n_pixels):
            first, last, b = first_used[pixel], first_used[pixel + 1], pixel // pixels_per_image
            near_row, row = own_row(b, depth_range.shape[0]), own_row(b, light.shape[0])
            far, over_range, over_sigma, over_gamma = depth_range[near_row, 0], depth_range[near_row, 1], 1.0 / sigma, 1.0 / gamma
            m, foremost = number(LEAST), -1
            for i in range(first, last):
                q = (far - depth[i]) * over_range
                if q > m:
                    m, foremost = q, i
            behind = ti.max(exp((number(LEAST) - m) * over_gamma, number), number(LEAST))
            total, log_free = behind, number(0.0)
            rgb = ti.Vector([behind * background[k] for k in ti.static(range(3))])
            for i in range(first, last):
                coverage, log_free_of_it = coverage_of(distance[i], over_sigma, number)
                weight = coverage * exp(((far - depth[i]) * over_range - m) * over_gamma, number)
                log_free += log_free_of_it
                total += weight
                if weight > 0.0:
                    rgb += weight * color_of(used_faces[i], i, bary[i, 0], bary[i, 1], bary[i, 2], points, normals, colors, light, faces, row, is_point)
            rgb /= total
            alpha = -expm1(log_free, number)
            for k in ti.static(range(3)):
                image[pixel, k] = rgb[k]
                kept[pixel, RGB + k] = rgb[k]
            image[pixel, 3] = alpha
            kept[pixel, ALPHA] = alpha
            kept[pixel, TOTAL] = total
            kept[pixel, FOREMOST] = m
            nearest[pixel] = foremost

    @ti.func
    def add_corners(f, sums, points_grad: ti.template(), normals_grad: ti.template(), colors_grad: ti.template(), faces: ti.template()):
        for corner in ti.static(range(3)):
            for k in ti.static(range(3)):
                if ti.static(lit):
                    points_grad[faces[f, corner], k] += sums[3 * corner + k]
                    normals_grad[faces[f, corner], k] += sums[9 + 3 * corner + k]
                if ti.static(not per_slot):
                    colors_grad[faces[f, corner], k] += sums[18 + 3 * corner + k]

    @ti.func
    def add_light(row, sums, light_grad: ti.template()):
        for k in ti.static(range(N_LIGHT)):
            light_grad[row, k] += sums[k]

    @ti.func
    def add_shares(sums: ti.template(), k: ti.template(), wa, wb, wc, g):
        """Of what is wanted of a mixture, to the three that it is made of."""
        sums[k] += wa * g
        sums[3 + k] += wb * g
        sums[6 + k] += wc * g

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
        image_grad: real(2),
        used_pixels: index(1),
        used_faces: index(1),
        by_face: index(1),
        faces: index(2),
        depth_range: real(2),
        background: real(1),
        kept: real(2),
        nearest: index(1),
        is_point: number,
        sigma: number,
        gamma: number,
        n_used: ti.i32,
        n_at_once: ti.i32,
        pixels_per_image: ti.i32,
        light_wanted: ti.i32,
    ):
        ti.loop_config(serialize=variant.serial)
        for part in range((n_used + n_at_once - 1) // n_at_once):
            sums, of_light = ti.Vector.zero(number, N_OF_CORNERS), ti.Vector.zero(number, N_LIGHT)
            f, row, over_sigma, over_gamma = -1, -1, 1.0 / sigma, 1.0 / gamma
            va, vb, vc, far, over_range = 0, 0, 0, number(0.0), number(0.0)
            for place in range(part * n_at_once, ti.min((part + 1) * n_at_once, n_used)):
                i = used_slot(place, by_face, variant)
                pixel = used_pixels[i]
                if used_faces[i] != f:
                    if f >= 0:
                        add_corners(f, sums, points_grad, normals_grad, colors_grad, faces)
                    f = used_faces[i]
                    va, vb, vc = faces[f, 0], faces[f, 1], faces[f, 2]
                    sums.fill(0.0)
                    image = pixel // pixels_per_image
                    far, over_range = depth_range[own_row(image, depth_range.shape[0]), 0], depth_range[own_row(image, depth_range.shape[0]), 1]
                    here = own_row(image, light.shape[0])
                    if here != row:
                        if row >= 0 and light_wanted != 0:
                            add_light(row, of_light, light_grad)
                        row = here
                        of_light.fill(0.0)
                coverage, _ = coverage_of(distance[i], over_sigma, number)
                g_coverage = (1.0 - kept[pixel, ALPHA]) * image_grad[pixel, 3]  # dL/dd is -s/sigma times this, by alpha
                m, over_total = kept[pixel, FOREMOST], 1.0 / kept[pixel, TOTAL]
                e = exp(((far - depth[i]) * over_range - m) * over_gamma, number)
                weight = coverage * e
                if weight > 0.0:
                    wa, wb, wc = bary[i, 0], bary[i, 1], bary[i, 2]
                    g = [image_grad[pixel, k] * over_total for k in ti.static(range(3))]
                    # The colour.
                    texture = [colors[i, k] for k in ti.static(range(3))] if ti.static(per_slot) else mixed(colors, va, vb, vc, wa, wb, wc)
                    g_color = [g[k] * weight for k in ti.static(range(3))]
                    color = ti.Vector([texture[k] for k in ti.static(range(3))])
                    g_texture = ti.Vector([g_color[k] for k in ti.static(range(3))])
                    gwa, gwb, gwc = number(0.0), number(0.0), number(0.0)
                    if ti.static(lit):
                        point, normal = mixed(points, va, vb, vc, wa, wb, wc), mixed(normals, va, vb, vc, wa, wb, wc)
                        n, l, v, over_n, over_l, over_v, cosine, a = phong_geometry(point, normal, light, row, is_point, number)
                        lambert = ti.max(cosine, 0.0)
                        bright, log_a = highlight(a, light[row, SHININESS], number)
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
                        of_light[SHININESS] += g_bright * bright * log_a
                        g_a = ti.select(a > 0.0, g_bright * light[row, SHININESS] * bright / ti.select(a > 0.0, a, number(1.0)), number(0.0))
                        # v.r = 2 cos (n.v) - l.v
                        g_cosine = ti.select(cosine > 0.0, g_lambert, number(0.0)) + 2.0 * g_a * dot(n, v)
                        g_n = [g_cosine * l[k] + 2.0 * g_a * cosine * v[k] for k in ti.static(range(3))]
                        g_l = [g_cosine * n[k] - g_a * v[k] for k in ti.static(range(3))]
                        g_v = [g_a * (2.0 * cosine * n[k] - l[k]) for k in ti.static(range(3))]
                        g_normal, g_place, g_eye = (
                            unit_adjoint(n, g_n, over_n, number),
                            unit_adjoint(l, g_l, over_l, number),
                            unit_adjoint(v, g_v, over_v, number),
                        )
                        for k in ti.static(range(3)):
                            of_light[PLACE + k] += g_place[k]
                            of_light[EYE + k] += g_eye[k]
                            g_point = 0.0 - is_point * g_place[k] - g_eye[k]
                            gwa += g_point * points[va, k] + g_normal[k] * normals[va, k]
                            gwb += g_point * points[vb, k] + g_normal[k] * normals[vb, k]
                            gwc += g_point * points[vc, k] + g_normal[k] * normals[vc, k]
                            add_shares(sums, k, wa, wb, wc, g_point)
                            add_shares(sums, 9 + k, wa, wb, wc, g_normal[k])
                    for k in ti.static(range(3)):
                        if ti.static(per_slot):
                            colors_grad[i, k] = colors_grad[i, k] + g_texture[k]  # one thread alone writes here: no atomics
                        else:
                            gwa += g_texture[k] * colors[va, k]
                            gwb += g_texture[k] * colors[vb, k]
                            gwc += g_texture[k] * colors[vc, k]
                            add_shares(sums, 18 + k, wa, wb, wc, g_texture[k])
                    bary_grad[i, 0] = bary_grad[i, 0] + gwa
                    bary_grad[i, 1] = bary_grad[i, 1] + gwb
                    bary_grad[i, 2] = bary_grad[i, 2] + gwc

                    # The mixture.
                    g_weight, g_behind = number(0.0), number(0.0)
                    for k in ti.static(range(3)):
                        g_weight += g[k] * (color[k] - kept[pixel, RGB + k])
                        g_behind += g[k] * (background[k] - kept[pixel, RGB + k])
                    g_coverage += g_weight * e * (1.0 - coverage)
                    g_q = g_weight * weight * over_gamma
                    if nearest[pixel] == i and (number(LEAST) - m) * over_gamma < number(LOG_LEAST):
                        g_q += number(LEAST) * g_behind * over_gamma
                    depth_grad[i] = depth_grad[i] - over_range * g_q
                distance_grad[i] = distance_grad[i] - over_sigma * coverage * g_coverage
            if f >= 0:
                add_corners(f, sums, points_grad, normals_grad, colors_grad, faces)
            if row >= 0 and light_wanted != 0:
                add_light(row, of_light, light_grad)

    def gradient(arrays, arguments):
        inputs, image, used, (faces, depth_range, background, kept, nearest, is_point, sigma, gamma, _, pixels_per_image) = (
            arguments[:7], arguments[7], arguments[8], arguments[9:],
        )  # fmt: skip
        arrays.launch(
            soft_shading_adjoint,
            (
                *(arrays.constant(array) for array in inputs), *(arrays.gradient_or_scratch(array) for array in inputs), arrays.gradient_of(image),
                used.pixel, used.face, used.by_face(arrays), faces, depth_range, background, kept, nearest, is_point, sigma, gamma,
                used.n, used.n_at_once, pixels_per_image, int(arrays.gradient_of(inputs[6]) is not None),
            ),
        )  # fmt: skip

    return Op(name="soft_shading", kernel=soft_shading, n_inputs=7, n_outputs=1, gradient=gradient)
