"""The torch layer: the renderer and the losses as autograd functions and modules."""

try:
    import torch  # noqa: F401
except ImportError as error:
    raise ImportError("taichi_softras.interop needs torch: pip install 'taichi_softras[torch]'") from error

from . import lighting, losses
from .bridge import TorchArrays
from .lighting import Shading, face_normals, shade, shade_dibr_phong, vertex_normals
from .modules import EdgeLengthLoss, FlattenLoss, LaplacianLoss, NormalConsistencyLoss, SilhouetteIoULoss, SoftRenderer
from .ops import fragments, rasterize, render
from .textures import mip_pyramid, sample_texture

__all__ = [
    "EdgeLengthLoss",
    "FlattenLoss",
    "LaplacianLoss",
    "NormalConsistencyLoss",
    "Shading",
    "SilhouetteIoULoss",
    "SoftRenderer",
    "TorchArrays",
    "face_normals",
    "fragments",
    "lighting",
    "losses",
    "mip_pyramid",
    "rasterize",
    "render",
    "sample_texture",
    "shade",
    "shade_dibr_phong",
    "vertex_normals",
]
