"""A differentiable mesh renderer in Taichi: every triangle contributes to every pixel with a probability.

What is exported here needs no torch; `taichi_softras.interop` does.
"""

from . import losses
from .arrays import FieldArrays, TaichiArrays
from .camera import Camera, Convention
from .connectivity import Connectivity
from .mesh import Mesh
from .rasterizer import RenderedImage
from .renderer import Renderer, render_mesh
from .runtime import current_arch, init
from .settings import Blending, Distance, Extrapolation, Interpolation, RasterizeSettings, Sides, Silhouette, Texture
from .topology import Topology

__version__ = "0.1.0"

__all__ = [
    "Blending",
    "Camera",
    "Connectivity",
    "Convention",
    "Distance",
    "Extrapolation",
    "FieldArrays",
    "Interpolation",
    "Mesh",
    "RasterizeSettings",
    "RenderedImage",
    "Renderer",
    "Sides",
    "Silhouette",
    "TaichiArrays",
    "Texture",
    "Topology",
    "current_arch",
    "init",
    "losses",
    "render_mesh",
]
