"""Rendering and losses as ``torch.nn.Module``s."""

from collections.abc import Collection
from typing import Any

import torch
from torch import nn

from ..checks import check_image_size, check_kind
from ..engine import Output, RenderedImage, UVTexture
from ..scene import Camera, Connectivity, RasterizeSettings, Topology
from . import losses
from .ops import render

__all__ = ["EdgeLengthLoss", "FlattenLoss", "LaplacianLoss", "NormalConsistencyLoss", "SilhouetteIoULoss", "SoftRenderer"]


class SoftRenderer(nn.Module):
    """`render` with its settings kept. ``settings`` may be exchanged at any time; a new sigma or gamma compiles nothing."""

    def __init__(self, image_size: int | tuple[int, int] = 256, settings: RasterizeSettings | None = None, background: Any = None) -> None:
        super().__init__()
        self.image_size = check_image_size("SoftRenderer", image_size)
        self.settings = RasterizeSettings() if settings is None else settings
        check_kind("SoftRenderer", "settings", self.settings, RasterizeSettings)
        self.background = background

    def forward(
        self,
        vertices: torch.Tensor,
        faces: torch.Tensor | Topology,
        camera: Camera,
        colors: torch.Tensor | UVTexture | None = None,
        *,
        features: torch.Tensor | None = None,
        outputs: Collection[Output] = (),
        opacity: torch.Tensor | None = None,
        window: torch.Tensor | None = None,
    ) -> RenderedImage:
        own = {"background": self.background, "settings": self.settings, "image_size": self.image_size}
        return render(vertices, faces, camera, colors, features=features, outputs=outputs, opacity=opacity, window=window, **own)

    def extra_repr(self) -> str:
        return f"image_size={self.image_size}, settings={self.settings}"


class SilhouetteIoULoss(nn.Module):
    """1 - IoU of two batches of soft silhouettes [B, H, W]."""

    def forward(self, alpha: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        return losses.silhouette_iou(alpha, target)


class _MeshLoss(nn.Module):
    """A loss on vertices [V, 3] of a mesh whose faces do not change."""

    function: Any

    def __init__(self, faces: torch.Tensor | Any, n_vertices: int) -> None:
        super().__init__()
        self.connectivity = Connectivity.of(faces, n_vertices)

    def forward(self, vertices: torch.Tensor) -> torch.Tensor:
        return type(self).function(vertices, self.connectivity)


class LaplacianLoss(_MeshLoss):
    """See `taichi_softras.engine.losses.laplacian`."""

    function = staticmethod(losses.laplacian)


class FlattenLoss(_MeshLoss):
    """See `taichi_softras.engine.losses.flatten`."""

    function = staticmethod(losses.flatten)


class EdgeLengthLoss(_MeshLoss):
    """See `taichi_softras.engine.losses.edge_length`."""

    function = staticmethod(losses.edge_length)


class NormalConsistencyLoss(_MeshLoss):
    """See `taichi_softras.engine.losses.normal_consistency`."""

    function = staticmethod(losses.normal_consistency)
