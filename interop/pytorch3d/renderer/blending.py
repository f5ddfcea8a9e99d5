"""PyTorch3D's blending of the colours [N, H, W, K, C] of a pixel's fragments into RGBA [N, H, W, C + 1].

C is 3; one channel is grey, except where it is hard.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F

from ....checks import check_number
from ...checks import as_tensor, check_tensors
from .mesh.fragments import is_kind, used_of

__all__ = ["BlendParams", "hard_rgb_blend", "sigmoid_alpha_blend", "softmax_rgb_blend"]

LEAST_WEIGHT = 1e-10  # of the background


class BlendParams(NamedTuple):
    """sigma divides squared NDC distances, gamma normalised inverse depth. background_color: of all pixels, or a picture [H, W, 3] or [N, H, W, 3]."""

    sigma: float = 1e-4
    gamma: float = 1e-4
    background_color: torch.Tensor | Sequence[float] = (1.0, 1.0, 1.0)


def _check(op: str, colors: torch.Tensor, fragments: Any, blend_params: BlendParams) -> torch.Tensor:
    """Arguments of a blending: those of an installed PyTorch3D are welcome. The colours; one channel is grey where the original has three."""
    check_tensors(op, colors=colors)
    if not is_kind(fragments, "pix_to_face"):
        raise TypeError(f"{op}: fragments must be Fragments, got {type(fragments).__name__}")
    *image, n_slots = used_of(fragments).slots.shape
    if colors.ndim != 5 or list(colors.shape[:3]) != image or colors.shape[3] not in (1, n_slots):
        raise ValueError(f"{op}: colors must have shape {(*image, n_slots, 'C')}, got {tuple(colors.shape)}")
    colors = colors.expand(*colors.shape[:4], 3) if colors.shape[4] == 1 and op != "hard_rgb_blend" else colors
    check_blend_params(op, blend_params, colors, (*image, colors.shape[4]))
    return colors


# What a blending looks at: it does not matter what the rest is.
_LOOKS_AT = {
    "hard_rgb_blend": ("background_color",),
    "sigmoid_alpha_blend": ("sigma",),
    "SoftDepthShader": ("sigma",),
    "SplatterBlender": ("sigma", "background_color"),
}


def check_blend_params(op: str, blend_params: BlendParams, colors: torch.Tensor, shape: Sequence[int]) -> None:
    """``shape``: (N, H, W, C) of the picture."""
    if not hasattr(blend_params, "background_color"):
        raise TypeError(f"{op}: blend_params must be BlendParams, got {type(blend_params).__name__}")
    looks_at = _LOOKS_AT.get(op, BlendParams._fields)
    for name in ("sigma", "gamma"):
        if name in looks_at and not isinstance(getattr(blend_params, name), torch.Tensor):
            check_number(op, f"blend_params.{name}", getattr(blend_params, name), 0.0)
    if "background_color" not in looks_at:
        return
    background = as_tensor(op, "blend_params.background_color", blend_params.background_color, colors)
    if background.ndim == 1 and shape[3] != 3 and bool((background == background[:1]).all()):
        return  # a grey one goes with any number of channels
    sides = zip(reversed(background.shape), reversed(shape), strict=False)
    if background.ndim > 4 or any(side not in (1, wanted) for side, wanted in sides):
        expected = f"({shape[3]},), or go with a picture {tuple(shape)}"
        raise ValueError(f"{op}: blend_params.background_color must have shape {expected}, got {tuple(background.shape)}")


def background_of(blend_params: BlendParams, colors: torch.Tensor, image: Sequence[int]) -> torch.Tensor:
    """[C] or [1] of one colour, or [N * H * W, C] of a picture that goes with ``image``, (N, H, W)."""
    background = torch.as_tensor(blend_params.background_color).to(colors)
    n_channels = colors.shape[-1]
    if background.ndim > 1:
        return background.expand(*image, n_channels).reshape(-1, n_channels)
    return background[:1] if background.ndim and len(background) != n_channels else background


def alpha_of_used(used: Any, sigma: float) -> torch.Tensor:
    """[N, H, W] 1 - prod(1 - sigmoid(-dists/sigma)), with the sum of logarithms: no product of noughts."""
    return -torch.expm1(used.summed(F.logsigmoid(used.dists / sigma))).reshape(used.slots.shape[:3])


def hard_of_used(used: Any, colors: torch.Tensor, blend_params: BlendParams) -> torch.Tensor:
    """Of the colours [P, C] of slots that are the first of their pixels."""
    n_images, height, width, _ = used.slots.shape
    background = background_of(blend_params, colors, (n_images, height, width))
    rgb = background.expand(used.n_pixels, colors.shape[-1]).index_copy(0, used.pixel, colors)
    covered = rgb.new_zeros(used.n_pixels, 1).index_fill(0, used.pixel, 1)
    return torch.cat([rgb, covered], -1).reshape(n_images, height, width, -1)


def softmax_of_used(used: Any, colors: torch.Tensor, blend_params: BlendParams, znear: float | torch.Tensor, zfar: float | torch.Tensor) -> torch.Tensor:
    """SoftRas's mixture of the colours [P, C] of the used slots."""
    near, far = (z.index_select(0, used.image) if isinstance(z, torch.Tensor) and z.ndim and len(z) > 1 else z for z in (znear, zfar))
    z_inv = (far - used.depth) / (far - near)
    z_max = z_inv.new_full((used.n_pixels,), LEAST_WEIGHT).scatter_reduce(0, used.pixel, z_inv, "amax")
    weights = torch.sigmoid(-used.dists / blend_params.sigma) * torch.exp((z_inv - z_max.index_select(0, used.pixel)) / blend_params.gamma)
    behind = torch.exp((LEAST_WEIGHT - z_max) / blend_params.gamma).clamp(min=LEAST_WEIGHT)
    total = used.summed(weights) + behind
    colors = colors.expand(-1, 3) if colors.shape[1] == 1 else colors  # grey
    background = background_of(blend_params, colors, used.slots.shape[:3])
    rgb = (used.summed(weights[:, None] * colors) + behind[:, None] * background) / total[:, None]
    return torch.cat([rgb.reshape(*used.slots.shape[:3], -1), alpha_of_used(used, blend_params.sigma)[..., None]], -1)


def hard_rgb_blend(colors: torch.Tensor, fragments: Any, blend_params: BlendParams) -> torch.Tensor:
    """The colour of the nearest face, or the background; alpha is 1 or 0, without gradient."""
    colors = _check("hard_rgb_blend", colors, fragments, blend_params)
    covered = fragments.pix_to_face[..., :1] >= 0
    background = background_of(blend_params, colors, covered.shape[:3])
    rgb = torch.where(covered, colors[..., 0, :], background.reshape(*covered.shape[:3], -1) if background.ndim == 2 else background)
    return torch.cat([rgb, covered.to(rgb)], -1)


def sigmoid_alpha_blend(colors: torch.Tensor, fragments: Any, blend_params: BlendParams) -> torch.Tensor:
    """The silhouette: alpha by the distances of all faces; the colour of the nearest slot."""
    colors = _check("sigmoid_alpha_blend", colors, fragments, blend_params)
    return torch.cat([colors[..., 0, :], alpha_of_used(used_of(fragments), blend_params.sigma)[..., None]], -1)


def softmax_rgb_blend(
    colors: torch.Tensor, fragments: Any, blend_params: BlendParams, znear: float | torch.Tensor = 1.0, zfar: float | torch.Tensor = 100
) -> torch.Tensor:
    """SoftRas's: weights sigmoid(-dists/sigma) exp((z_inv - z_max)/gamma), z_inv = (zfar - zbuf)/(zfar - znear)."""
    colors = _check("softmax_rgb_blend", colors, fragments, blend_params)
    check_range("softmax_rgb_blend", znear, zfar)
    used = used_of(fragments)
    colors = used.gather(colors.expand(*used.slots.shape, colors.shape[-1]))
    return softmax_of_used(used, colors, blend_params, znear, zfar)


def check_range(op: str, znear: float | torch.Tensor, zfar: float | torch.Tensor) -> None:
    for name, value in (("znear", znear), ("zfar", zfar)):
        if not isinstance(value, torch.Tensor):
            check_number(op, name, value)
