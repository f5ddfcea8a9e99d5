"""`taichi_softras.engine.losses` on torch tensors: the same kernels, returning scalars."""

import torch

from ..engine import losses
from ..scene import Connectivity
from .bridge import TorchArrays
from .calling_thread import filled

__all__ = ["color_l1", "edge_length", "flatten", "laplacian", "normal_consistency", "silhouette_iou"]


def silhouette_iou(alpha: torch.Tensor, target: torch.Tensor, known: torch.Tensor | None = None) -> torch.Tensor:
    """See `taichi_softras.engine.losses.silhouette_iou`."""
    return losses.silhouette_iou(alpha, target, known, arrays=TorchArrays.of("silhouette_iou", alpha=alpha, target=target, known=known))[0]


def color_l1(color: torch.Tensor, target: torch.Tensor, mask: torch.Tensor | None = None) -> torch.Tensor:
    """See `taichi_softras.engine.losses.color_l1`; without a mask every pixel counts."""
    arrays = TorchArrays.of("color_l1", color=color, target=target, mask=mask)
    mask = filled(torch.empty(color.shape[:-1], dtype=color.dtype, device=color.device), 1) if mask is None else mask
    return losses.color_l1(color, target, mask, arrays=arrays)[0]


def laplacian(vertices: torch.Tensor, connectivity: Connectivity) -> torch.Tensor:
    """See `taichi_softras.engine.losses.laplacian`."""
    return losses.laplacian(vertices, connectivity, arrays=TorchArrays.of("laplacian", vertices=vertices))[0]


def flatten(vertices: torch.Tensor, connectivity: Connectivity, epsilon: float = 1e-12) -> torch.Tensor:
    """See `taichi_softras.engine.losses.flatten`."""
    return losses.flatten(vertices, connectivity, epsilon=epsilon, arrays=TorchArrays.of("flatten", vertices=vertices))[0]


def edge_length(vertices: torch.Tensor, connectivity: Connectivity, target: float = 0.0) -> torch.Tensor:
    """See `taichi_softras.engine.losses.edge_length`."""
    return losses.edge_length(vertices, connectivity, target=target, arrays=TorchArrays.of("edge_length", vertices=vertices))[0]


def normal_consistency(vertices: torch.Tensor, connectivity: Connectivity) -> torch.Tensor:
    """See `taichi_softras.engine.losses.normal_consistency`."""
    return losses.normal_consistency(vertices, connectivity, arrays=TorchArrays.of("normal_consistency", vertices=vertices))[0]
