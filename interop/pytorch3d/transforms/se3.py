"""PyTorch3D's logarithms of rigid motions: [N, 6], of the translation and of the rotation (Blanco 2010, A tutorial on SE(3), section 9.4.2)."""

import torch

from ...checks import check_tensor
from .rotation_conversions import cross_matrix, sinc
from .so3 import so3_exp_map, so3_log_map

__all__ = ["se3_exp_map", "se3_log_map"]

SMALL_ANGLE = 0.5  # below it (a - sin a) / a^3 is summed up as a series: the difference would have no digits left
MOST_PROJECTION = 1e-5  # of the last column of what is still a rigid motion


def _translation_map(log_rotation: torch.Tensor) -> torch.Tensor:
    """[N, 3, 3] V of [N, 3]: a translation is V times its logarithm. 1 + (1 - cos a)/a^2 [w] + (a - sin a)/a^3 [w][w]."""
    turned, angle = cross_matrix(log_rotation), log_rotation.norm(dim=1)[:, None, None]
    a_sq = angle.square()
    series = 1 / 6 - a_sq / 120 * (1 - a_sq / 42 * (1 - a_sq / 72 * (1 - a_sq / 110 * (1 - a_sq / 156))))
    large = angle.clamp(min=SMALL_ANGLE)
    third = torch.where(angle < SMALL_ANGLE, series, (large - torch.sin(large)) / large**3)
    return torch.eye(3, dtype=turned.dtype, device=turned.device) + 0.5 * sinc(angle / 2).square() * turned + third * (turned @ turned)


def se3_exp_map(log_transform: torch.Tensor, eps: float = 1e-4) -> torch.Tensor:
    """Rigid motions [N, 4, 4] that multiply rows from the right, of their logarithms [N, 6]. ``eps`` has no effect: nothing is singular."""
    check_tensor("se3_exp_map", "log_transform", log_transform, ("N", 6))
    log_translation, log_rotation = log_transform.split(3, 1)
    rotation = so3_exp_map(log_rotation)
    translation = (_translation_map(log_rotation) @ log_translation[..., None]).mT
    last = log_transform.new_tensor([0.0, 0.0, 0.0, 1.0])[:, None].expand(len(log_transform), 4, 1)
    return torch.cat([torch.cat([rotation.mT, translation], 1), last], 2)


def se3_log_map(transform: torch.Tensor, eps: float = 1e-4, cos_bound: float = 1e-4) -> torch.Tensor:
    """Logarithms [N, 6] of rigid motions [N, 4, 4] that multiply rows from the right. ``eps`` and ``cos_bound`` have no effect: nothing is singular.

    Raises:
        ValueError: if the last column is not (0, 0, 0, 1).
    """
    check_tensor("se3_log_map", "transform", transform, ("N", 4, 4))
    last = transform[:, :3, 3].detach()
    if last.numel() and not last.is_meta and not float(last.abs().max()) <= MOST_PROJECTION:
        raise ValueError(f"se3_log_map: transform must have a last column of (0, 0, 0, 1), got {float(last.abs().max()):g} in it")
    log_rotation = so3_log_map(transform[:, :3, :3].mT)
    log_translation = torch.linalg.solve(_translation_map(log_rotation), transform[:, 3, :3, None])[..., 0]
    return torch.cat([log_translation, log_rotation], 1)
