"""PyTorch3D's blending of the colours [N, H, W, K, C] of a pixel's fragments into RGBA [N, H, W, C + 1] (C is 3)."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F

from ....checks import check_number
from ...checks import as_tensor, check_tensors

__all__ = ["BlendParams", "hard_rgb_blend", "sigmoid_alpha_blend", "softmax_rgb_blend"]

LEAST_WEIGHT = 1e-10  # of the background


class BlendParams(NamedTuple):
    """sigma divides squared NDC distances, gamma normalised inverse depth."""

    sigma: float = 1e-4
    gamma: float = 1e-4
    background_color: torch.Tensor | Sequence[float] = (1.0, 1.0, 1.0)


def _check(op: str, colors: torch.Tensor, fragments: Any, blend_params: BlendParams) -> None:
    """Arguments of a blending: those of an installed PyTorch3D are welcome."""
    check_tensors(op, colors=colors)
    if not hasattr(fragments, "pix_to_face"):
        raise TypeError(f"{op}: fragments must be Fragments, got {type(fragments).__name__}")
    *image, n_slots = fragments.pix_to_face.shape
    if colors.ndim != 5 or list(colors.shape[:3]) != image or colors.shape[3] not in (1, n_slots):
        raise ValueError(f"{op}: colors must have shape {(*image, n_slots, 'C')}, got {tuple(colors.shape)}")
    if not hasattr(blend_params, "background_color"):
        raise TypeError(f"{op}: blend_params must be BlendParams, got {type(blend_params).__name__}")
    for name in ("sigma", "gamma"):
        if not isinstance(getattr(blend_params, name), torch.Tensor):
            check_number(op, f"blend_params.{name}", getattr(blend_params, name), 0.0)
    background = as_tensor(op, "blend_params.background_color", blend_params.background_color, colors)
    if background.ndim > 1 or background.numel() not in (1, colors.shape[-1]):
        raise ValueError(f"{op}: blend_params.background_color must have shape ({colors.shape[-1]},), got {tuple(background.shape)}")


def _background(blend_params: BlendParams, colors: torch.Tensor) -> torch.Tensor:
    return torch.as_tensor(blend_params.background_color).to(colors)


def _alpha(fragments: Any, sigma: float) -> torch.Tensor:
    """1 - prod(1 - sigmoid(-dists/sigma)), with the sum of logarithms: no product of noughts."""
    log_free = torch.where(fragments.pix_to_face >= 0, F.logsigmoid(fragments.dists / sigma), 0.0)
    return -torch.expm1(log_free.sum(-1))


def hard_rgb_blend(colors: torch.Tensor, fragments: Any, blend_params: BlendParams) -> torch.Tensor:
    """The colour of the nearest face, or the background; alpha is 1 or 0, without gradient."""
    _check("hard_rgb_blend", colors, fragments, blend_params)
    covered = fragments.pix_to_face[..., :1] >= 0
    rgb = torch.where(covered, colors[..., 0, :], _background(blend_params, colors))
    return torch.cat([rgb, covered.to(rgb)], -1)


def sigmoid_alpha_blend(colors: torch.Tensor, fragments: Any, blend_params: BlendParams) -> torch.Tensor:
    """The silhouette: alpha by the distances of all faces; the colour of the nearest slot."""
    _check("sigmoid_alpha_blend", colors, fragments, blend_params)
    return torch.cat([colors[..., 0, :], _alpha(fragments, blend_params.sigma)[..., None]], -1)


def softmax_rgb_blend(
    colors: torch.Tensor, fragments: Any, blend_params: BlendParams, znear: float | torch.Tensor = 1.0, zfar: float | torch.Tensor = 100
) -> torch.Tensor:
    """SoftRas's: weights sigmoid(-dists/sigma) exp((z_inv - z_max)/gamma), z_inv = (zfar - zbuf)/(zfar - znear)."""
    _check("softmax_rgb_blend", colors, fragments, blend_params)
    for name, value in (("znear", znear), ("zfar", zfar)):
        if not isinstance(value, torch.Tensor):
            check_number("softmax_rgb_blend", name, value)
    used = fragments.pix_to_face >= 0
    near, far = (z[:, None, None, None] if isinstance(z, torch.Tensor) and z.ndim else z for z in (znear, zfar))
    z_inv = torch.where(used, (far - fragments.zbuf) / (far - near), 0.0)
    z_max = z_inv.amax(-1, keepdim=True).clamp(min=LEAST_WEIGHT)
    coverage = torch.where(used, torch.sigmoid(-fragments.dists / blend_params.sigma), 0.0)
    weights = coverage * torch.exp((z_inv - z_max) / blend_params.gamma)
    background_weight = torch.exp((LEAST_WEIGHT - z_max) / blend_params.gamma).clamp(min=LEAST_WEIGHT)
    total = weights.sum(-1, keepdim=True) + background_weight
    rgb = ((weights[..., None] * colors).sum(-2) + background_weight * _background(blend_params, colors)) / total
    return torch.cat([rgb, _alpha(fragments, blend_params.sigma)[..., None]], -1)
