"""What PyTorch3D has for older torch and Python."""

from math import prod

import torch

__all__ = ["meshgrid_ij", "prod"]


def meshgrid_ij(*A: torch.Tensor) -> tuple[torch.Tensor, ...]:
    """`torch.meshgrid` of tensors [N], the first one along the first dimension."""
    return torch.meshgrid(*A, indexing="ij")
