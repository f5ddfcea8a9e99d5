"""SoftRas's ``soft_renderer``, name for name, on our kernels.

Change ``import soft_renderer as sr`` to ``from taichi_softras.interop import soft_renderer as sr``; or leave the import as it is, and call :func:`stand_in`
before it.
"""

import sys

from . import functional
from .lighting import AmbientLighting, DirectionalLighting, Lighting
from .losses import FlattenLoss, LaplacianLoss
from .mesh import Mesh
from .renderer import Renderer, SoftRasterizer, SoftRenderer
from .transform import Look, LookAt, Projection, Transform

__all__ = [
    "AmbientLighting",
    "DirectionalLighting",
    "FlattenLoss",
    "LaplacianLoss",
    "Lighting",
    "Look",
    "LookAt",
    "Mesh",
    "Projection",
    "Renderer",
    "SoftRasterizer",
    "SoftRenderer",
    "Transform",
    "functional",
    "stand_in",
]


def stand_in() -> None:
    """From now on ``import soft_renderer`` gives this package, in this process.

    Raises:
        RuntimeError: if another ``soft_renderer`` has been imported already.
    """
    here = sys.modules[__name__]
    other = sys.modules.get("soft_renderer", here)
    if other is not here:
        raise RuntimeError(f"stand_in: it must be called before anything imports soft_renderer, which is {getattr(other, '__file__', other)} already")
    for name, module in list(sys.modules.items()):
        if name == __name__ or name.startswith(__name__ + "."):
            sys.modules["soft_renderer" + name[len(__name__) :]] = module
