"""The torch layer: the renderer and the losses as autograd functions and modules."""

try:
    import torch  # noqa: F401
except ImportError as error:
    raise ImportError("taichi_softras.interop needs torch: pip install 'taichi_softras[torch]'") from error

from . import losses
from .bridge import TorchArrays
from .modules import EdgeLengthLoss, FlattenLoss, LaplacianLoss, NormalConsistencyLoss, SilhouetteIoULoss, SoftRenderer
from .ops import rasterize, render

__all__ = [
    "EdgeLengthLoss",
    "FlattenLoss",
    "LaplacianLoss",
    "NormalConsistencyLoss",
    "SilhouetteIoULoss",
    "SoftRenderer",
    "TorchArrays",
    "losses",
    "rasterize",
    "render",
]
