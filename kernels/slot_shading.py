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

It visits the slots face by face, one in each lane: what is wanted of a face's corners, and of the light, is added up in each lane, and then over them.
"""

import functools
import math
from dataclasses import dataclass

from ..language import ti
from .face import slot, total_of
from .fragments import used_slot
from .losses import dot
from .op import Op
from .special import exp, expm1, larger, log, log_of_one_plus, smaller
from .variant import Variant

__all__ = ["N_KEPT", "N_LIGHT", "ShadingChoices", "soft_shading_op"]

LEAST = 1e-10  # weight of the background, and q of what is behind everything
LOG_LEAST = math.log(LEAST)
LEAST_LENGTH = 1e-6  # of a vector that is made a unit
TINY = 1e-30  # keeps a logarithm finite

# Places in the numbers of a light, as an image sees it.
AMBIENT, DIFFUSE, SPECULAR, PLACE, EYE, SHININESS = 0, 3, 6, 9, 12, 15
N_LIGHT = 16

# What is kept of a pixel for the way back.
RGB, ALPHA, TOTAL, FOREMOST = 0, 3, 4, 5  # the picture, W, m
N_KEPT = 6
N_OF_CORNERS = 27  # points, normals and colours, and their gradients: those of a, b and c, one after the other

# Numbers of a slot that the way back collects, a slot in each lane. In the places of the depth, weights and texture it leaves their gradients, and in that of e
# the coverage's.
DISTANCE, SLOT_DEPTH, BARY, TEXTURE, IMAGE_GRAD, PIXEL = 0, 1, 2, 5, 8, 12
IS_NEAREST, COVERAGE, E = PIXEL + N_KEPT, PIXEL + N_KEPT + 1, PIXEL + N_KEPT + 2
N_OF_SLOT = E + 1


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
def mixture(of_face: ti.template(), first: ti.template(), wa, wb, wc):
    """The same of the three from place ``first`` on."""
    return [wa * of_face[first + k] + wb * of_face[first + 3 + k] + wc * of_face[first + 6 + k] for k in ti.static(range(3))]


@ti.func
def over_length(v, real: ti.template()):
    """1/max(|v|, LEAST_LENGTH)"""
    return 1.0 / larger(ti.sqrt(dot(v, v)), real(LEAST_LENGTH))


@ti.func
def unit_adjoint(unit, g, over, real: ti.template()):
    """Through v/|v|: (g - u (u.g))/|v|; a vector shorter than LEAST_LENGTH is divided by that number."""
    along = ti.select(over < real(1 / LEAST_LENGTH), dot(unit, g), real(0.0))
    return [(g[k] - unit[k] * along) * over for k in ti.static(range(3))]


@ti.func
def phong_geometry(point, normal, light: ti.template(), is_point, real: ti.template()):
    """Units n, l, v and one over the lengths that they had; cos and a."""
    to_light = [light[PLACE + k] - is_point * point[k] for k in ti.static(range(3))]
    to_eye = [light[EYE + k] - point[k] for k in ti.static(range(3))]
    over_n, over_l, over_v = over_length(normal, real), over_length(to_light, real), over_length(to_eye, real)
    n = ti.Vector([normal[k] * over_n for k in ti.static(range(3))])
    l = ti.Vector([to_light[k] * over_l for k in ti.static(range(3))])
    v = ti.Vector([to_eye[k] * over_v for k in ti.static(range(3))])
    cosine = dot(n, l)
    mirrored = 2.0 * cosine * dot(n, v) - dot(l, v)  # v.r
    return n, l, v, over_n, over_l, over_v, cosine, ti.select(cosine > 0.0, larger(mirrored, 0.0), real(0.0))


@ti.func
def highlight(a, shininess, real: ti.template()):
    """a^s and log(a), which is nought where a is."""
    log_a = ti.select(a > 0.0, log(larger(a, real(TINY)), real), real(0.0))
    return ti.select(a > 0.0, exp(shininess * log_a, real), ti.select(shininess == 0.0, real(1.0), real(0.0))), log_a


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
    real, index, number, lanes = variant.array, variant.index, variant.real, variant.lanes
    lit, per_slot = choices.lit, choices.per_slot

    @ti.func
    def color_of(
        f, i, wa, wb, wc, points: ti.template(), normals: ti.template(), colors: ti.template(), light: ti.template(), faces: ti.template(), is_point
    ):  # fmt: skip
        """c"""
        p, q, r = faces[f, 0], faces[f, 1], faces[f, 2]
        texture = [colors[i, k] for k in ti.static(range(3))] if ti.static(per_slot) else mixed(colors, p, q, r, wa, wb, wc)
        color = ti.Vector([texture[k] for k in ti.static(range(3))])
        if ti.static(lit):
            point, normal = mixed(points, p, q, r, wa, wb, wc), mixed(normals, p, q, r, wa, wb, wc)
            _, _, _, _, _, _, cosine, a = phong_geometry(point, normal, light, is_point, number)
            bright, _ = highlight(a, light[SHININESS], number)
            for k in ti.static(range(3)):
                color[k] = (light[AMBIENT + k] + light[DIFFUSE + k] * larger(cosine, 0.0)) * texture[k] + light[SPECULAR + k] * bright
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
            lamp = ti.Vector([light[row, k] for k in ti.static(range(N_LIGHT))])
            total, log_free = behind, number(0.0)
            rgb = ti.Vector([behind * background[k] for k in ti.static(range(3))])
            for i in range(first, last):
                coverage, log_free_of_it = coverage_of(distance[i], over_sigma, number)
                weight = coverage * exp(((far - depth[i]) * over_range - m) * over_gamma, number)
                log_free += log_free_of_it
                total += weight
                if weight > 0.0:
                    rgb += weight * color_of(used_faces[i], i, bary[i, 0], bary[i, 1], bary[i, 2], points, normals, colors, lamp, faces, is_point)
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
    def add_corners(f, sums: ti.template(), points_grad: ti.template(), normals_grad: ti.template(), colors_grad: ti.template(), faces: ti.template()):
        for corner in ti.static(range(3)):
            for k in ti.static(range(3)):
                if ti.static(lit):
                    points_grad[faces[f, corner], k] += total_of(sums, 3 * corner + k, lanes)
                    normals_grad[faces[f, corner], k] += total_of(sums, 9 + 3 * corner + k, lanes)
                if ti.static(not per_slot):
                    colors_grad[faces[f, corner], k] += total_of(sums, 18 + 3 * corner + k, lanes)

    @ti.func
    def add_light(row, sums: ti.template(), light_grad: ti.template()):
        for k in ti.static(range(N_LIGHT)):
            light_grad[row, k] += total_of(sums, k, lanes)

    @ti.func
    def share(sums: ti.template(), first: ti.template(), k: ti.template(), l, wa, wb, wc, g):
        """Of what is wanted of a mixture, to the three that it is made of."""
        sums[slot(first + k, l, lanes)] += wa * g
        sums[slot(first + 3 + k, l, lanes)] += wb * g
        sums[slot(first + 6 + k, l, lanes)] += wc * g

    @ti.func
    def weigh(l, held: ti.template(), far, over_range, over_sigma, over_gamma):
        """Coverage and exp((q - m)/gamma) of lane l."""
        coverage, _ = coverage_of(held[slot(DISTANCE, l, lanes)], over_sigma, number)
        held[slot(COVERAGE, l, lanes)] = coverage
        q = (far - held[slot(SLOT_DEPTH, l, lanes)]) * over_range
        held[slot(E, l, lanes)] = exp((q - held[slot(PIXEL + FOREMOST, l, lanes)]) * over_gamma, number)

    @ti.func
    def shade_back(
        l, held: ti.template(), of_face: ti.template(), lamp: ti.template(), background: ti.template(), is_point, over_range, over_gamma,
        sums: ti.template(), of_light: ti.template(),
    ):  # fmt: skip
        """The way back of lane l, from its picture's gradient: in ``held``, the gradients of its texture, weights, depth and coverage."""
        coverage, e = held[slot(COVERAGE, l, lanes)], held[slot(E, l, lanes)]
        weight, over_total = coverage * e, 1.0 / held[slot(PIXEL + TOTAL, l, lanes)]
        wa, wb, wc = held[slot(BARY, l, lanes)], held[slot(BARY + 1, l, lanes)], held[slot(BARY + 2, l, lanes)]
        g = [held[slot(IMAGE_GRAD + k, l, lanes)] * over_total for k in ti.static(range(3))]
        g_color = [g[k] * weight for k in ti.static(range(3))]
        texture = ti.Vector([held[slot(TEXTURE + k, l, lanes)] for k in ti.static(range(3))])
        if ti.static(not per_slot):
            texture = ti.Vector(mixture(of_face, 18, wa, wb, wc))
        color = ti.Vector([texture[k] for k in ti.static(range(3))])
        g_texture = ti.Vector([g_color[k] for k in ti.static(range(3))])
        gwa, gwb, gwc = weight * 0.0, weight * 0.0, weight * 0.0
        if ti.static(lit):
            point, normal = mixture(of_face, 0, wa, wb, wc), mixture(of_face, 9, wa, wb, wc)
            n, to_light, v, over_n, over_l, over_v, cosine, a = phong_geometry(point, normal, lamp, is_point, number)
            lambert = larger(cosine, 0.0)
            bright, log_a = highlight(a, lamp[SHININESS], number)
            g_lambert, g_bright = weight * 0.0, weight * 0.0
            for k in ti.static(range(3)):
                received = lamp[AMBIENT + k] + lamp[DIFFUSE + k] * lambert
                color[k] = received * texture[k] + lamp[SPECULAR + k] * bright
                g_texture[k] = g_color[k] * received
                g_lambert += g_color[k] * texture[k] * lamp[DIFFUSE + k]
                g_bright += g_color[k] * lamp[SPECULAR + k]
                of_light[slot(AMBIENT + k, l, lanes)] += g_color[k] * texture[k]
                of_light[slot(DIFFUSE + k, l, lanes)] += g_color[k] * texture[k] * lambert
                of_light[slot(SPECULAR + k, l, lanes)] += g_color[k] * bright
            of_light[slot(SHININESS, l, lanes)] += g_bright * bright * log_a
            g_a = ti.select(a > 0.0, g_bright * lamp[SHININESS] * bright / ti.select(a > 0.0, a, number(1.0)), number(0.0))
            # v.r = 2 cos (n.v) - l.v
            g_cosine = ti.select(cosine > 0.0, g_lambert, number(0.0)) + 2.0 * g_a * dot(n, v)
            g_n = [g_cosine * to_light[k] + 2.0 * g_a * cosine * v[k] for k in ti.static(range(3))]
            g_l = [g_cosine * n[k] - g_a * v[k] for k in ti.static(range(3))]
            g_v = [g_a * (2.0 * cosine * n[k] - to_light[k]) for k in ti.static(range(3))]
            g_normal, g_place, g_eye = (
                unit_adjoint(n, g_n, over_n, number),
                unit_adjoint(to_light, g_l, over_l, number),
                unit_adjoint(v, g_v, over_v, number),
            )
            for k in ti.static(range(3)):
                of_light[slot(PLACE + k, l, lanes)] += g_place[k]
                of_light[slot(EYE + k, l, lanes)] += g_eye[k]
                g_point = 0.0 - is_point * g_place[k] - g_eye[k]
                gwa += g_point * of_face[k] + g_normal[k] * of_face[9 + k]
                gwb += g_point * of_face[3 + k] + g_normal[k] * of_face[12 + k]
                gwc += g_point * of_face[6 + k] + g_normal[k] * of_face[15 + k]
                share(sums, 0, k, l, wa, wb, wc, g_point)
                share(sums, 9, k, l, wa, wb, wc, g_normal[k])
        g_weight, g_behind = weight * 0.0, weight * 0.0
        for k in ti.static(range(3)):
            held[slot(TEXTURE + k, l, lanes)] = g_texture[k]
            if ti.static(not per_slot):
                gwa += g_texture[k] * of_face[18 + k]
                gwb += g_texture[k] * of_face[21 + k]
                gwc += g_texture[k] * of_face[24 + k]
                share(sums, 18, k, l, wa, wb, wc, g_texture[k])
            g_weight += g[k] * (color[k] - held[slot(PIXEL + RGB + k, l, lanes)])
            g_behind += g[k] * (background[k] - held[slot(PIXEL + RGB + k, l, lanes)])
        held[slot(BARY, l, lanes)], held[slot(BARY + 1, l, lanes)], held[slot(BARY + 2, l, lanes)] = gwa, gwb, gwc
        g_q = g_weight * weight * over_gamma
        is_least = (number(LEAST) - held[slot(PIXEL + FOREMOST, l, lanes)]) * over_gamma < number(LOG_LEAST)
        g_q += ti.select((held[slot(IS_NEAREST, l, lanes)] > 0.0) & is_least, number(LEAST) * g_behind * over_gamma, number(0.0))
        held[slot(SLOT_DEPTH, l, lanes)] = -over_range * g_q
        held[slot(E, l, lanes)] = g_weight * e * (1.0 - coverage)

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
            of_light, row, over_sigma, over_gamma = ti.Vector.zero(number, N_LIGHT * lanes), -1, 1.0 / sigma, 1.0 / gamma
            held, which = ti.Vector.zero(number, N_OF_SLOT * lanes), ti.Vector([0 for _ in ti.static(range(lanes))])
            lamp, far, over_range = ti.Vector.zero(number, N_LIGHT), number(0.0), number(0.0)
            behind = ti.Vector([background[k] for k in ti.static(range(3))])
            place, end = part * n_at_once, ti.min((part + 1) * n_at_once, n_used)
            while place < end:  # a face's slots follow each other
                f = used_faces[used_slot(place, by_face, variant)]
                image = used_pixels[used_slot(place, by_face, variant)] // pixels_per_image
                far, over_range = depth_range[own_row(image, depth_range.shape[0]), 0], depth_range[own_row(image, depth_range.shape[0]), 1]
                here = own_row(image, light.shape[0])
                if here != row:
                    if row >= 0 and light_wanted != 0:
                        add_light(row, of_light, light_grad)
                    row = here
                    for i in range(N_LIGHT * lanes):
                        of_light[i] = 0.0
                    for k in ti.static(range(N_LIGHT)):
                        lamp[k] = light[row, k]
                sums, of_face = ti.Vector.zero(number, N_OF_CORNERS * lanes), ti.Vector.zero(number, N_OF_CORNERS)
                for corner in ti.static(range(3)):
                    for k in ti.static(range(3)):
                        if ti.static(lit):
                            of_face[3 * corner + k] = points[faces[f, corner], k]
                            of_face[9 + 3 * corner + k] = normals[faces[f, corner], k]
                        if ti.static(not per_slot):
                            of_face[18 + 3 * corner + k] = colors[faces[f, corner], k]
                is_same = True
                while is_same:
                    n = 0
                    while is_same and n < lanes:
                        i = used_slot(place, by_face, variant)
                        pixel = used_pixels[i]
                        which[n] = i
                        held[slot(DISTANCE, n, lanes)], held[slot(SLOT_DEPTH, n, lanes)] = distance[i], depth[i]
                        held[slot(IS_NEAREST, n, lanes)] = ti.select(nearest[pixel] == i, number(1.0), number(0.0))
                        for k in ti.static(range(3)):
                            held[slot(BARY + k, n, lanes)] = bary[i, k]
                            if ti.static(per_slot):
                                held[slot(TEXTURE + k, n, lanes)] = colors[i, k]
                        for k in ti.static(range(4)):
                            held[slot(IMAGE_GRAD + k, n, lanes)] = image_grad[pixel, k]
                        for k in ti.static(range(N_KEPT)):
                            held[slot(PIXEL + k, n, lanes)] = kept[pixel, k]
                        n += 1
                        place += 1
                        is_same = place < end
                        if is_same:
                            is_same = used_faces[used_slot(place, by_face, variant)] == f
                    for l in range(n, lanes):  # as the last, but for the gradient of its picture
                        for k in ti.static(range(N_OF_SLOT)):
                            held[slot(k, l, lanes)] = ti.static(0.0 if IMAGE_GRAD <= k < IMAGE_GRAD + 4 else 1.0) * held[slot(k, n - 1, lanes)]
                    for l in range(lanes):
                        weigh(l, held, far, over_range, over_sigma, over_gamma)
                    has_weight = False
                    for l in ti.static(range(lanes)):
                        has_weight = has_weight | (held[COVERAGE * lanes + l] * held[E * lanes + l] > 0.0) | (held[IS_NEAREST * lanes + l] > 0.0)
                    if has_weight:
                        for l in range(lanes):
                            shade_back(l, held, of_face, lamp, behind, is_point, over_range, over_gamma, sums, of_light)
                    for l in range(n):
                        i, g_coverage = which[l], (1.0 - held[slot(PIXEL + ALPHA, l, lanes)]) * held[slot(IMAGE_GRAD + 3, l, lanes)]
                        if has_weight:
                            g_coverage += held[slot(E, l, lanes)]
                            depth_grad[i] = depth_grad[i] + held[slot(SLOT_DEPTH, l, lanes)]
                            for k in ti.static(range(3)):
                                bary_grad[i, k] = bary_grad[i, k] + held[slot(BARY + k, l, lanes)]
                                if ti.static(per_slot):
                                    colors_grad[i, k] = colors_grad[i, k] + held[slot(TEXTURE + k, l, lanes)]  # one thread alone writes here: no atomics
                        # by alpha, dL/dd is -s/sigma times its share
                        distance_grad[i] = distance_grad[i] - over_sigma * held[slot(COVERAGE, l, lanes)] * g_coverage
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
