"""PyTorch3D's blending of the colours [N, H, W, K, C] of a pixel's fragments into RGBA [N, H, W, C + 1] (C is 3)."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F

__all__ = ["BlendParams", "hard_rgb_blend", "sigmoid_alpha_blend", "softmax_rgb_blend"]

LEAST_WEIGHT = 1e-10  # of the background


class BlendParams(NamedTuple):
    """sigma divides squared NDC distances, gamma normalised inverse depth."""

    sigma: float = 1e-4
    gamma: float = 1e-4
    background_color: torch.Tensor | Sequence[float] = (1.0, 1.0, 1.0)


def _background(blend_params: BlendParams, colors: torch.Tensor) -> torch.Tensor:
    return torch.as_tensor(blend_params.background_color).to(colors)


def _alpha(fragments: Any, sigma: float) -> torch.Tensor:
    """1 - prod(1 - sigmoid(-dists/sigma)), with the sum of logarithms: no product of noughts."""
    log_free = torch.where(fragments.pix_to_face >= 0, F.logsigmoid(fragments.dists / sigma), 0.0)
    return -torch.expm1(log_free.sum(-1))


def hard_rgb_blend(colors: torch.Tensor, fragments: Any, blend_params: BlendParams) -> torch.Tensor:
    """The colour of the nearest face, or the background; alpha is 1 or 0, without gradient."""
    covered = fragments.pix_to_face[..., :1] >= 0
    rgb = torch.where(covered, colors[..., 0, :], _background(blend_params, colors))
    return torch.cat([rgb, covered.to(rgb)], -1)


def sigmoid_alpha_blend(colors: torch.Tensor, fragments: Any, blend_params: BlendParams) -> torch.Tensor:
    """The silhouette: alpha by the distances of all faces; the colour of the nearest slot."""
    return torch.cat([colors[..., 0, :], _alpha(fragments, blend_params.sigma)[..., None]], -1)


def softmax_rgb_blend(
    colors: torch.Tensor, fragments: Any, blend_params: BlendParams, znear: float | torch.Tensor = 1.0, zfar: float | torch.Tensor = 100
) -> torch.Tensor:
    """SoftRas's: weights sigmoid(-dists/sigma) exp((z_inv - z_max)/gamma), z_inv = (zfar - zbuf)/(zfar - znear)."""
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
