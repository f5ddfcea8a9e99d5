"""PyTorch3D's arc cosine that has a finite gradient everywhere."""

import torch

from ....checks import check_number
from ...checks import check_tensors

__all__ = ["acos_linear_extrapolation"]

DEFAULT_ACOS_BOUND = 1.0 - 1e-4


def acos_linear_extrapolation(x: torch.Tensor, bounds: tuple[float, float] = (-DEFAULT_ACOS_BOUND, DEFAULT_ACOS_BOUND)) -> torch.Tensor:
    """arccos(x) between the bounds, and its tangents at the bounds beyond them: also where x is not within [-1, 1]. x is of any shape.

    Raises:
        ValueError: if the bounds are not in order, or not between -1 and 1.
    """
    op = "acos_linear_extrapolation"
    check_tensors(op, x=x)
    low, high = bounds
    check_number(op, "the lower bound", low, -1.0, 1.0)
    check_number(op, "the upper bound", high, -1.0, 1.0)
    if low > high:
        raise ValueError(f"{op}: bounds must be in order, got {tuple(bounds)}")
    inside = x.clamp(low, high)
    beyond = x - inside.detach()
    slope = -torch.rsqrt(1 - inside.detach() ** 2)
    return torch.where(beyond == 0, torch.acos(inside), torch.acos(inside.detach()) + slope * beyond)
