"""PyTorch3D's mesh renderers: a rasteriser and a shader in one."""

from typing import Any

import torch
from torch import nn

from .rasterizer import Fragments

__all__ = ["MeshRenderer", "MeshRendererWithFragments"]


class MeshRendererWithFragments(nn.Module):
    """Pictures [N, H, W, 4], and the fragments that they were made of. Keywords go to the rasteriser and the shader."""

    def __init__(self, rasterizer: Any, shader: Any) -> None:
        super().__init__()
        self.rasterizer, self.shader = rasterizer, shader

    def to(self, device: Any) -> Any:  # type: ignore[override]
        self.rasterizer, self.shader = self.rasterizer.to(device), self.shader.to(device)
        return self

    def forward(self, meshes_world: Any, **kwargs: Any) -> tuple[torch.Tensor, Fragments]:
        fragments = self.rasterizer(meshes_world, **kwargs)
        return self.shader(fragments, meshes_world, **kwargs), fragments


class MeshRenderer(MeshRendererWithFragments):
    """Pictures [N, H, W, 4]."""

    def forward(self, meshes_world: Any, **kwargs: Any) -> torch.Tensor:  # type: ignore[override]
        return super().forward(meshes_world, **kwargs)[0]
