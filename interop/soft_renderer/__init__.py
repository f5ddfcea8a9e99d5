"""SoftRas's ``soft_renderer``, name for name, on our kernels.

Change ``import soft_renderer as sr`` to ``from taichi_softras.interop import soft_renderer as sr``; or leave the import as it is, and call `stand_in`
before it.
"""

from ..stand_in import answer_to
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
    answer_to("soft_renderer", __name__)
