"""The way back through a texture: from the gradient of the channels at a pixel to the texels, and to where on the texture the pixel lies."""

from ..language import ti
from .face import FEATURES, Choices, slot
from .texture import TEXTURE, Texture, channel_of, texel_of
from .texture_image import FIRST_LEVEL, FIRST_TEXEL, HEIGHT, WIDTH, Filter, Wrap, bilinear_mix, bilinear_place, nearest_place

__all__ = ["has_texture_adjoint", "n_interpolated", "texture_adjoint"]


def has_texture_adjoint(choices: Choices) -> bool:
    """Whether the gradient of this texture is written here."""
    return choices.texture is not Texture.IMAGE or choices.filter is not Filter.MIPMAPPED


def n_interpolated(choices: Choices) -> int:
    """Of how many numbers at a face's corners the gradient is gathered: channels, or the place on a picture; texels that a pixel falls into have no slope."""
    if not choices.features_at_once or choices.texture is Texture.VERTEX:
        return choices.features_at_once
    return 2 if choices.texture is Texture.IMAGE and choices.filter is not Filter.NEAREST else 0


@ti.func
def within_picture_slope(u, wrap: ti.template()):
    """d `within_picture`/du."""
    slope = ti.select((u > 0.0) & (u < 1.0), u * 0.0 + 1.0, 0.0)
    if ti.static(wrap == Wrap.REPEAT):
        slope = u * 0.0 + 1.0
    if ti.static(wrap == Wrap.MIRROR):
        slope = ti.select(u - 2.0 * ti.floor(0.5 * u) < 1.0, u * 0.0 + 1.0, -1.0)
    return slope


@ti.func
def texture_adjoint(
    f, u, v, weight, pixels: ti.template(), l, group, n_features, features: ti.template(), features_grad: ti.template(), wanted, corners: ti.template(),
    levels: ti.template(), textures: ti.template(), texture_size, choices: ti.template(), variant: ti.template(),
):  # fmt: skip
    """Of a group of channels of face f, which weigh ``weight`` at lane l of ``pixels``, where the gradient of their sums stands.

    Adds to the texels' gradient, if it is ``wanted``; returns (the sum over channels of dL/dsum times what is shown, dL/du, dL/dv).
    """
    lanes, at_once = ti.static(variant.lanes, choices.features_at_once)
    channels = ti.static([channel_of(group, s, n_features, choices) for s in ti.static(range(at_once))])
    shown, u_grad, v_grad = weight * 0.0, weight * 0.0, weight * 0.0
    texture = corners[f, TEXTURE]
    if ti.static(choices.texture == Texture.FACE or choices.filter == Filter.NEAREST):
        texel = 0
        if ti.static(choices.texture == Texture.FACE):
            texel = texture * texture_size * texture_size + texel_of(u, v, texture_size)
        else:
            level = textures[texture, FIRST_LEVEL]
            texel = nearest_place(u, v, levels[level, FIRST_TEXEL], levels[level, HEIGHT], levels[level, WIDTH], choices.wrap)
        for s in ti.static(range(at_once)):
            sum_grad = pixels[slot(FEATURES + s, l, lanes)]
            shown += sum_grad * features[texel, channels[s]]
            if wanted != 0:
                features_grad[texel, channels[s]] += weight * sum_grad
    else:
        level = textures[texture, FIRST_LEVEL]
        first, height, width = levels[level, FIRST_TEXEL], levels[level, HEIGHT], levels[level, WIDTH]
        la, ra, lb, rb, right, below = bilinear_place(u, v, first, height, width, choices.wrap)
        for s in ti.static(range(at_once)):
            channel = channels[s]
            sum_grad = pixels[slot(FEATURES + s, l, lanes)]
            value_la, value_ra, value_lb, value_rb = features[la, channel], features[ra, channel], features[lb, channel], features[rb, channel]
            shown += sum_grad * bilinear_mix(value_la, value_ra, value_lb, value_rb, right, below)
            u_grad += sum_grad * ((1.0 - below) * (value_ra - value_la) + below * (value_rb - value_lb))
            v_grad += sum_grad * ((1.0 - right) * (value_la - value_lb) + right * (value_ra - value_rb))
            if wanted != 0:
                value_grad = weight * sum_grad
                features_grad[la, channel] += value_grad * (1.0 - below) * (1.0 - right)
                features_grad[ra, channel] += value_grad * (1.0 - below) * right
                features_grad[lb, channel] += value_grad * below * (1.0 - right)
                features_grad[rb, channel] += value_grad * below * right
        u_grad *= weight * width * within_picture_slope(u, choices.wrap)
        v_grad *= weight * height * within_picture_slope(v, choices.wrap)
    return shown, u_grad, v_grad
