"""PyTorch3D's mesh renderers: a rasteriser and a shader in one."""

from typing import Any

import torch
from torch import nn

from ..utils import known_keywords
from .rasterizer import Fragments

__all__ = ["MeshRenderer", "MeshRendererWithFragments"]


class MeshRendererWithFragments(nn.Module):
    """Pictures [N, H, W, 4], and the fragments that they were made of.

    Keywords go to the rasteriser and the shader: cameras, lights, materials, blend_params, raster_settings, and properties of the cameras. One that no part
    knows raises TypeError, unless the shader is the user's own: then those are for it.
    """

    def __init__(self, rasterizer: Any, shader: Any) -> None:
        super().__init__()
        self.rasterizer, self.shader = rasterizer, shader

    def to(self, device: Any) -> Any:  # type: ignore[override]
        self.rasterizer, self.shader = self.rasterizer.to(device), self.shader.to(device)
        return self

    def _of_rasterizer(self, kwargs: dict[str, Any]) -> dict[str, Any]:
        """The keywords without those of a shader of the user's own."""
        shader, rasterizer = (getattr(type(part), "forward", None) for part in (self.shader, self.rasterizer))
        ours = [getattr(forward, "__module__", "").startswith(__package__) for forward in (shader, rasterizer)]
        known = known_keywords(kwargs.get("cameras", getattr(self.rasterizer, "cameras", None)))
        if ours != [False, True] or known is None:
            return kwargs
        return {name: value for name, value in kwargs.items() if name in known}

    def forward(self, meshes_world: Any, **kwargs: Any) -> tuple[torch.Tensor, Fragments]:
        fragments = self.rasterizer(meshes_world, **self._of_rasterizer(kwargs))
        return self.shader(fragments, meshes_world, **kwargs), fragments


class MeshRenderer(MeshRendererWithFragments):
    """Pictures [N, H, W, 4]."""

    def forward(self, meshes_world: Any, **kwargs: Any) -> torch.Tensor:  # type: ignore[override]
        return super().forward(meshes_world, **kwargs)[0]
