"""PyTorch3D's logarithms of rotations: vectors [N, 3], whose direction is the axis, and whose length the angle."""

import warnings

import torch

from ....checks import check_number
from ...checks import check_tensor, check_tensors
from .math import acos_linear_extrapolation
from .rotation_conversions import axis_angle_to_matrix, cross_matrix, matrix_to_axis_angle

__all__ = ["hat", "hat_inv", "so3_exp_map", "so3_exponential_map", "so3_log_map", "so3_relative_angle", "so3_rotation_angle"]

MOST_ASYMMETRY = 1e-5  # of what hat_inv takes for skew-symmetric


def so3_relative_angle(R1: torch.Tensor, R2: torch.Tensor, cos_angle: bool = False, cos_bound: float = 1e-4, eps: float = 1e-4) -> torch.Tensor:
    """[N] angles of the rotations that lead from R2 to R1, each [N, 3, 3]; see `so3_rotation_angle`."""
    sizes: dict[str, int] = {}
    check_tensors("so3_relative_angle", R1=R1, R2=R2)
    check_tensor("so3_relative_angle", "R1", R1, ("N", 3, 3), sizes)
    check_tensor("so3_relative_angle", "R2", R2, ("N", 3, 3), sizes)
    return so3_rotation_angle(R1 @ R2.mT, cos_angle=cos_angle, cos_bound=cos_bound, eps=eps)


def so3_rotation_angle(R: torch.Tensor, eps: float = 1e-4, cos_angle: bool = False, cos_bound: float = 1e-4) -> torch.Tensor:
    """[N] angles of rotations [N, 3, 3], by (trace - 1) / 2, which is their cosine.

    Args:
        eps: how far the trace may be outside of [-1, 3].
        cos_angle: whether the cosines are wanted, not the angles.
        cos_bound: nearer than this to -1 and 1 the arc cosine goes on straight, so that its gradient is finite (see `acos_linear_extrapolation`); 0: not.

    Raises:
        ValueError: if a trace is that of no rotation.
    """
    op = "so3_rotation_angle"
    check_tensor(op, "R", R, ("N", 3, 3))
    check_number(op, "eps", eps)
    check_number(op, "cos_bound", cos_bound, high=1.0)
    trace = R.diagonal(dim1=1, dim2=2).sum(1)
    if not trace.is_meta and bool(((trace < -1 - eps) | (trace > 3 + eps)).any()):
        raise ValueError(f"{op}: R must be rotations, with traces from -1 to 3, got {float(trace.min()):g} to {float(trace.max()):g}")
    cosine = (trace - 1) / 2
    if cos_angle:
        return cosine
    return acos_linear_extrapolation(cosine, (cos_bound - 1, 1 - cos_bound)) if cos_bound > 0 else torch.acos(cosine)


def so3_exp_map(log_rot: torch.Tensor, eps: float = 0.0001) -> torch.Tensor:
    """Rotations [N, 3, 3] of their logarithms [N, 3]. ``eps`` has no effect (as in the original): nothing is singular."""
    check_tensor("so3_exp_map", "log_rot", log_rot, ("N", 3))
    return axis_angle_to_matrix(log_rot)


def so3_exponential_map(log_rot: torch.Tensor, eps: float = 0.0001) -> torch.Tensor:
    """The older name of `so3_exp_map`."""
    warnings.warn("so3_exponential_map is an older name of so3_exp_map", PendingDeprecationWarning, stacklevel=2)
    return so3_exp_map(log_rot, eps)


def so3_log_map(R: torch.Tensor, eps: float = 0.0001, cos_bound: float = 1e-4) -> torch.Tensor:
    """Logarithms [N, 3] of rotations [N, 3, 3]. ``eps`` and ``cos_bound`` have no effect (as in the original)."""
    check_tensor("so3_log_map", "R", R, ("N", 3, 3))
    return matrix_to_axis_angle(R)


def hat(v: torch.Tensor) -> torch.Tensor:
    """[N, 3, 3] of [N, 3]: its product with a column w is v x w."""
    check_tensor("hat", "v", v, ("N", 3))
    return cross_matrix(v)


def hat_inv(h: torch.Tensor) -> torch.Tensor:
    """[N, 3] of skew-symmetric [N, 3, 3]; see `hat`.

    Raises:
        ValueError: if one is not skew-symmetric.
    """
    check_tensor("hat_inv", "h", h, ("N", 3, 3))
    most = float((h + h.mT).detach().abs().max()) if h.numel() and not h.is_meta else 0.0
    if not most <= MOST_ASYMMETRY:
        raise ValueError(f"hat_inv: h must be skew-symmetric, got entries whose sum with their mirror images is {most:g}")
    return torch.stack([h[:, 2, 1], h[:, 0, 2], h[:, 1, 0]], 1)
