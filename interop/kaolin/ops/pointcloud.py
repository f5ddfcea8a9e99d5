"""Kaolin's ``kaolin.ops.pointcloud``, as far as it is there: clouds moved to the middle."""

import torch

from ....checks import check_flag, check_number
from ...checks import check_tensor

__all__ = ["center_points"]


def center_points(points: torch.Tensor, normalize: bool = False, eps: float = 1e-6) -> torch.Tensor:
    """[B, N, C]: each cloud with the middle of its box at the origin.

    Args:
        points: [B, N, C], at least one.
        normalize: whether the longest side of the box becomes 1.
        eps: a shorter side than this counts as this.

    Gradient: to points.
    """
    op = "center_points"
    check_tensor(op, "points", points, ("B", "N", "C"))
    check_flag(op, "normalize", normalize)
    check_number(op, "eps", eps, 0.0)
    if not points.shape[1]:
        raise ValueError(f"{op}: points must have at least one point, got {tuple(points.shape)}")
    low, high = points.amin(1, keepdim=True), points.amax(1, keepdim=True)
    centered = points - (low + high) / 2
    return centered / (high - low).amax(2, keepdim=True).clamp(min=eps) if normalize else centered
