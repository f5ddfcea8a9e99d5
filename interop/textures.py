"""`taichi_softras.textures` on torch tensors: the same kernels."""

import torch

from .. import textures
from ..textures import TextureSettings
from .bridge import TorchArrays

__all__ = ["mip_pyramid", "sample_texture"]


def sample_texture(picture: torch.Tensor, uv: torch.Tensor, settings: TextureSettings | None = None, *, lod: torch.Tensor | None = None) -> torch.Tensor:
    """See `taichi_softras.textures.sample_texture`; repeated and bilinear if nothing else is said."""
    arrays = TorchArrays.of("sample_texture", picture=picture, uv=uv, lod=lod)
    return textures.sample_texture(arrays, picture, uv, settings or TextureSettings(), lod)


def mip_pyramid(picture: torch.Tensor) -> list[torch.Tensor]:
    """See `taichi_softras.textures.mip_pyramid`."""
    return textures.mip_pyramid(TorchArrays.of("mip_pyramid", picture=picture), picture)
