"""How light makes a colour of a surface: ambient, directional and point lights, spherical harmonics; diffuse and specular reflection.

Symbols, as in Phong's and Blinn's papers: n the normal, l the direction to the light, e the direction to the eye, all of unit length; r the mirror image of l;
h halfway between l and e; s the shininess; T the albedo (the texture); Ka, Kd, Ks what the material reflects of ambient light, diffusely and specularly.

A surface is rows [N, 3] (vertices) or pictures [B, H, W, 3] (deferred shading); the kernels run over the (row or pixel, light) pairs, and each adds what its
light does. Arrays of lights are [B, L, ...], those of materials and eyes [B, ...]; a dimension of size 1 is shared by all images, or all lights.
"""

import enum
import functools
from typing import Any

from ..language import ti
from .losses import dot
from .normals import TINY_LENGTH_SQ, normalised
from .op import Op
from .variant import Variant

__all__ = ["LightKind", "SHBasis", "Specular", "Surface", "add_colors_op", "ambient_light_op", "dibr_phong_op", "direct_light_op", "harmonic_light_op"]

HIGHLIGHT_FLOOR = 1e-5  # of the cosine that shininess is the power of: the logarithm in its gradient stays finite (DIB-R has the same number)
TINY_ATTENUATION = 1e-9  # below it the denominator of the attenuation counts as this: its square still is a float32
N_HARMONICS = 9


class LightKind(enum.Enum):
    """Where direct light comes from."""

    DIRECTIONAL = "directional"
    """From infinitely far, in one direction."""
    POINT = "point"
    """From a point, growing weaker as one over constant + linear d + quadratic d^2."""


class Specular(enum.Enum):
    """The highlight."""

    NONE = "none"
    """There is none."""
    PHONG = "phong"
    """max(r.e, 0)^s with r = 2 (n.l) n - l (Phong 1975)."""
    BLINN_PHONG = "blinn_phong"
    """max(n.h, 0)^s with h = (l + e)/|l + e| (Blinn 1977)."""


class SHBasis(enum.Enum):
    """The nine functions of spherical-harmonics lighting, in the order (l, m) = (0, 0), (1, -1), (1, 0), (1, 1), (2, -2), ..., (2, 2)."""

    STANDARD = "standard"
    """Real spherical harmonics with the Condon-Shortley phase, convolved with the cosine lobe and divided by pi: A_l/pi Y_lm, A = (pi, 2 pi/3, pi/4).

    So if the coefficients are those of the radiance that comes from each direction, the sum is irradiance over pi: a white matt surface under radiance 1 from
    everywhere is 1 (Ramamoorthi and Hanrahan 2001).
    """
    DIBR = "dibr"
    """The constants of DIB-R's old code: as the standard ones but for those of z^2 (.1365686 for .2365437) and xz (-.1931371 for -.2731371)."""


class Surface(enum.Enum):
    """How the points of a surface are stored."""

    ROWS = "rows"
    """[N, 3]"""
    PICTURES = "pictures"
    """[B, H, W, 3]"""

    @property
    def ndim(self) -> int:
        return 2 if self is Surface.ROWS else 4


# Factors of 1, (y, z, x), (xy, yz, x^2 - y^2), z^2, one, xz; signs stand in `harmonics`.
SH_CONSTANTS = {
    SHBasis.STANDARD: (
        0.28209479177387814,  # 1/2 sqrt(1/pi)
        0.32573500793527994,  # 2/3 1/2 sqrt(3/pi)
        0.27313710764801974,  # 1/4 1/2 sqrt(15/pi)
        0.13656855382400987,  # 1/4 1/4 sqrt(15/pi)
        0.23654367393939002,  # 1/4 3/4 sqrt(5/pi)
        0.07884789131313001,  # 1/4 1/4 sqrt(5/pi)
        0.27313710764801974,
    ),
    SHBasis.DIBR: (0.2820948, 0.325735, 0.2731371, 0.1365686, 0.1365686, 0.0788479, 0.1931371),
}


@ti.func
def own(index, size):
    """Where an array of ``size`` has what belongs to an image or light: at its index, or, where there is but one for all, at 0."""
    return ti.min(index, size - 1)


@ti.func
def place_of(row, height, width, surface: ti.template()):
    """The indices of a row: itself, or (image, row, column)."""
    if ti.static(surface == Surface.ROWS):
        return ti.Vector([row])
    return ti.Vector([row // (height * width), row // width % height, row % width])


@ti.func
def length(a):
    """|a|, at least 1e-10"""
    return ti.sqrt(ti.max(dot(a, a), TINY_LENGTH_SQ))


@ti.func
def lambert(n, l):
    """max(n.l, 0)"""
    return ti.max(dot(n, l), 0.0)


@ti.func
def mirrored(n, l, cosine):
    """r = 2 (n.l) n - l"""
    return [2.0 * cosine * n[k] - l[k] for k in ti.static(range(3))]


@ti.func
def phong(n, l, e, shininess, floor):
    """max(r.e, floor)^s"""
    return ti.pow(ti.max(dot(mirrored(n, l, dot(n, l)), e), floor), shininess)


@ti.func
def blinn_phong(n, l, e, shininess, floor):
    """max(n.h, floor)^s"""
    h = normalised([l[k] + e[k] for k in ti.static(range(3))])
    return ti.pow(ti.max(dot(n, h), floor), shininess)


@ti.func
def attenuated(distance, constant, linear, quadratic):
    """1/(constant + linear d + quadratic d^2)"""
    return 1.0 / ti.max(constant + linear * distance + quadratic * distance * distance, TINY_ATTENUATION)


@ti.func
def harmonics(n, c):
    """The nine basis functions at the direction n, with the factors ``SH_CONSTANTS``."""
    x, y, z = n[0], n[1], n[2]
    return [
        x * 0.0 + c[0],
        -c[1] * y, c[1] * z, -c[1] * x,
        c[2] * x * y, -c[2] * y * z, c[4] * z * z - c[5], -c[6] * x * z, c[3] * (x * x - y * y),
    ]  # fmt: skip


@functools.cache
def ambient_light_op(variant: Variant, surface: Surface) -> Op:
    """color += Ka T La. Inputs: albedo, light_color [B, L, 3], ambient [B, 3]. Output: color."""
    real, index, ndim = variant.array, variant.index, surface.ndim

    @ti.kernel
    def ambient_light(
        albedo: real(ndim), light_color: real(3), ambient: real(2), color: real(ndim),
        row_image: index(1), n_rows: ti.i32, height: ti.i32, width: ti.i32, n_lights: ti.i32,
    ):  # fmt: skip
        ti.loop_config(serialize=variant.serial)
        for item in range(n_rows * n_lights):
            row, light = item // n_lights, item % n_lights
            place = place_of(row, height, width, surface)
            image = row_image[row // (height * width)]
            b, j, m = own(image, light_color.shape[0]), own(light, light_color.shape[1]), own(image, ambient.shape[0])
            for k in ti.static(range(3)):
                color[place, k] += ambient[m, k] * albedo[place, k] * light_color[b, j, k]

    return Op(name="ambient_light", kernel=ambient_light, n_inputs=3, n_outputs=1)


@functools.cache
def direct_light_op(variant: Variant, surface: Surface, kind: LightKind, specular: Specular) -> Op:
    """color += (Kd T max(n.l, 0) + Ks highlight) Lc attenuation, for each light. Output: color.

    The highlight is not cut off where the light stands behind the surface (n.l < 0): that would be a jump, of which a gradient knows nothing.
    """
    real, index, ndim = variant.array, variant.index, surface.ndim
    number: Any = variant.real
    point_light = kind is LightKind.POINT

    @ti.kernel
    def direct_light(
        albedo: real(ndim),
        normals: real(ndim),  # of any length
        positions: real(ndim),  # read for point lights and highlights
        light_color: real(3),  # [B, L, 3]
        light_place: real(3),  # [B, L, 3] direction to the light, of any length, or its position
        attenuation: real(3),  # [B, L, 3] constant, linear, quadratic; read for point lights
        diffuse: real(2),  # [B, 3]
        specular_color: real(2),  # [B, 3] this and what follows: read for highlights
        shininess: real(1),  # [B]
        eye: real(2),  # [B, 3] position
        color: real(ndim),  # added to
        row_image: index(1),  # [N] or [B]
        n_rows: ti.i32,
        height: ti.i32,  # 1 for rows
        width: ti.i32,  # 1 for rows
        n_lights: ti.i32,
    ):
        ti.loop_config(serialize=variant.serial)
        for item in range(n_rows * n_lights):
            row, light = item // n_lights, item % n_lights
            place = place_of(row, height, width, surface)
            image = row_image[row // (height * width)]
            b, j = own(image, light_place.shape[0]), own(light, light_place.shape[1])
            bc, jc = own(image, light_color.shape[0]), own(light, light_color.shape[1])
            md = own(image, diffuse.shape[0])
            ba, ja = own(image, attenuation.shape[0]), own(light, attenuation.shape[1])
            n = normalised([normals[place, k] for k in ti.static(range(3))])
            from_here = [light_place[b, j, k] - (positions[place, k] if ti.static(point_light) else 0.0) for k in ti.static(range(3))]
            constant, linear, quadratic = attenuation[ba, ja, 0], attenuation[ba, ja, 1], attenuation[ba, ja, 2]
            strength = attenuated(length(from_here), constant, linear, quadratic) if ti.static(point_light) else 1.0
            l = normalised(from_here)
            cosine = lambert(n, l)
            if ti.static(specular == Specular.NONE):
                for k in ti.static(range(3)):
                    color[place, k] += diffuse[md, k] * albedo[place, k] * cosine * light_color[bc, jc, k] * strength
            else:
                ms, mh, me = own(image, specular_color.shape[0]), own(image, shininess.shape[0]), own(image, eye.shape[0])
                e = normalised([eye[me, k] - positions[place, k] for k in ti.static(range(3))])
                s, floor = shininess[mh], number(HIGHLIGHT_FLOOR)
                bright = phong(n, l, e, s, floor) if ti.static(specular == Specular.PHONG) else blinn_phong(n, l, e, s, floor)
                for k in ti.static(range(3)):
                    reflected = diffuse[md, k] * albedo[place, k] * cosine + specular_color[ms, k] * bright
                    color[place, k] += reflected * light_color[bc, jc, k] * strength

    return Op(name="direct_light", kernel=direct_light, n_inputs=10, n_outputs=1)


@functools.cache
def harmonic_light_op(variant: Variant, surface: Surface, basis: SHBasis) -> Op:
    """color += Kd T sum_i c_i h_i(n). Inputs: albedo, normals, coefficients [B, 9, 1 or 3], diffuse [B, 3]. Output: color."""
    real, index, ndim = variant.array, variant.index, surface.ndim
    number: Any = variant.real
    constants = SH_CONSTANTS[basis]

    @ti.kernel
    def harmonic_light(
        albedo: real(ndim), normals: real(ndim), coefficients: real(3), diffuse: real(2), color: real(ndim),
        row_image: index(1), n_rows: ti.i32, height: ti.i32, width: ti.i32,
    ):  # fmt: skip
        ti.loop_config(serialize=variant.serial)
        for row in range(n_rows):
            place = place_of(row, height, width, surface)
            image = row_image[row // (height * width)]
            b, m = own(image, coefficients.shape[0]), own(image, diffuse.shape[0])
            n = normalised([normals[place, k] for k in ti.static(range(3))])
            h = harmonics(n, [number(constants[i]) for i in ti.static(range(7))])
            for k in ti.static(range(3)):
                channel = own(k, coefficients.shape[2])
                light = [coefficients[b, i, channel] * h[i] for i in ti.static(range(N_HARMONICS))]
                color[place, k] += diffuse[m, k] * albedo[place, k] * ti.Vector(light).sum()

    return Op(name="harmonic_light", kernel=harmonic_light, n_inputs=4, n_outputs=1)


@functools.cache
def dibr_phong_op(variant: Variant, surface: Surface) -> Op:
    """color += clamp(((Ka + Kd c) T + Ks a) mask, 0, 1), c = clamp(n.l, 0, 1), r = 2 c n - l, a = clamp(r.e, 1e-5, 1)^s (DIB-R). Output: color."""
    real, index, ndim = variant.array, variant.index, surface.ndim
    number: Any = variant.real

    @ti.kernel
    def dibr_phong(
        albedo: real(ndim),
        normals: real(ndim),
        positions: real(ndim),
        mask: real(ndim - 1),  # [N] or [B, H, W]
        direction: real(2),  # [B, 3] to the light
        ambient: real(2),  # [B, 3]
        diffuse: real(2),  # [B, 3]
        specular_color: real(2),  # [B, 3]
        shininess: real(1),  # [B]
        eye: real(2),  # [B, 3]
        color: real(ndim),  # added to
        row_image: index(1),
        n_rows: ti.i32,
        height: ti.i32,
        width: ti.i32,
    ):
        ti.loop_config(serialize=variant.serial)
        for row in range(n_rows):
            place = place_of(row, height, width, surface)
            image = row_image[row // (height * width)]
            b, ma, md = own(image, direction.shape[0]), own(image, ambient.shape[0]), own(image, diffuse.shape[0])
            ms, mh, me = own(image, specular_color.shape[0]), own(image, shininess.shape[0]), own(image, eye.shape[0])
            n = normalised([normals[place, k] for k in ti.static(range(3))])
            l = normalised([direction[b, k] for k in ti.static(range(3))])
            e = normalised([eye[me, k] - positions[place, k] for k in ti.static(range(3))])
            c = ti.min(lambert(n, l), 1.0)
            a = ti.pow(ti.min(ti.max(dot(mirrored(n, l, c), e), number(HIGHLIGHT_FLOOR)), 1.0), shininess[mh])
            for k in ti.static(range(3)):
                bright = ((ambient[ma, k] + diffuse[md, k] * c) * albedo[place, k] + specular_color[ms, k] * a) * mask[place]
                color[place, k] += ti.min(1.0, ti.max(0.0, bright))  # in this order the gradient is one at 0 and at 1, as that of torch.clamp

    return Op(name="dibr_phong", kernel=dibr_phong, n_inputs=10, n_outputs=1)


@functools.cache
def add_colors_op(variant: Variant, surface: Surface) -> Op:
    """color += a + b. Inputs: a, b. Output: color."""
    real, ndim = variant.array, surface.ndim

    @ti.kernel
    def add_colors(a: real(ndim), b: real(ndim), color: real(ndim), n_rows: ti.i32, height: ti.i32, width: ti.i32):
        ti.loop_config(serialize=variant.serial)
        for row in range(n_rows):
            place = place_of(row, height, width, surface)
            for k in ti.static(range(3)):
                color[place, k] += a[place, k] + b[place, k]

    return Op(name="add_colors", kernel=add_colors, n_inputs=2, n_outputs=1)
