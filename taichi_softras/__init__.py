"""A differentiable mesh renderer in Taichi: every triangle contributes to every pixel with a probability.

What is exported here needs no torch; `taichi_softras.interop` does.
"""

from . import lighting, losses
from .arrays import FieldArrays, TaichiArrays
from .budget import memory_budget, set_memory_budget
from .camera import Camera, Convention, Lens
from .connectivity import Connectivity
from .lighting import AmbientLight, DirectionalLight, Material, PointLight, SHBasis, Specular, SphericalHarmonics
from .mesh import Mesh
from .optimizers import SGD, Adam
from .rasterizer import Output, RenderedImage
from .renderer import Renderer, render_mesh
from .runtime import current_arch, init
from .settings import Blending, Distance, Distribution, Extrapolation, Interpolation, RasterizeSettings, Sides, Silhouette, Texture
from .textures import Filter, TextureSettings, UVTexture, Wrap
from .topology import Topology

__version__ = "0.1.0"

__all__ = [
    "SGD",
    "Adam",
    "AmbientLight",
    "Blending",
    "Camera",
    "Connectivity",
    "Convention",
    "DirectionalLight",
    "Distance",
    "Distribution",
    "Extrapolation",
    "FieldArrays",
    "Filter",
    "Interpolation",
    "Lens",
    "Material",
    "Mesh",
    "Output",
    "PointLight",
    "RasterizeSettings",
    "RenderedImage",
    "Renderer",
    "SHBasis",
    "Sides",
    "Silhouette",
    "Specular",
    "SphericalHarmonics",
    "TaichiArrays",
    "Texture",
    "TextureSettings",
    "Topology",
    "UVTexture",
    "Wrap",
    "current_arch",
    "init",
    "lighting",
    "losses",
    "memory_budget",
    "render_mesh",
    "set_memory_budget",
]
