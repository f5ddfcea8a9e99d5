"""The engine's textures on torch tensors: the same kernels."""

import torch

from .. import engine
from ..engine import TextureSettings
from .bridge import TorchArrays

__all__ = ["mip_pyramid", "sample_texture"]


def sample_texture(picture: torch.Tensor, uv: torch.Tensor, settings: TextureSettings | None = None, *, lod: torch.Tensor | None = None) -> torch.Tensor:
    """See `taichi_softras.engine.sample_texture`; repeated and bilinear if nothing else is said."""
    arrays = TorchArrays.of("sample_texture", picture=picture, uv=uv, lod=lod)
    return engine.sample_texture(arrays, picture, uv, settings or TextureSettings(), lod)


def mip_pyramid(picture: torch.Tensor) -> list[torch.Tensor]:
    """See `taichi_softras.engine.mip_pyramid`."""
    return engine.mip_pyramid(TorchArrays.of("mip_pyramid", picture=picture), picture)
