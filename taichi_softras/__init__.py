"""A differentiable mesh renderer in Taichi: every triangle contributes to every pixel with a probability.

What is exported here needs no torch; `taichi_softras.interop` does.
"""

import importlib
from typing import TYPE_CHECKING, Any

from .runtime import FieldArrays, TaichiArrays, current_arch, init, memory_budget, set_memory_budget  # first: it makes the reading of kernels quick

# isort: split
from .engine import SGD, Adam, Filter, Output, RenderedImage, Renderer, TextureSettings, UVTexture, Wrap, lighting, losses, render_mesh
from .engine.lighting import AmbientLight, DirectionalLight, Material, PointLight, SHBasis, Specular, SphericalHarmonics
from .moved import MOVED, moved_module
from .scene import (
    Blending,
    Camera,
    Connectivity,
    Convention,
    Distance,
    Distribution,
    Extrapolation,
    Interpolation,
    Lens,
    Mesh,
    Opacity,
    Order,
    RasterizeSettings,
    Sides,
    Silhouette,
    Texture,
    Topology,
)

if TYPE_CHECKING:
    from .recover import Capture
    from .viewer.browser.showing import show

__version__ = "0.1.0"

__all__ = [
    "SGD",
    "Adam",
    "AmbientLight",
    "Blending",
    "Camera",
    "Capture",
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
    "Opacity",
    "Order",
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
    "show",
]


def __getattr__(name: str) -> Any:
    """What is imported when it is asked for: the main job, which needs half of SciPy, and `show`; and modules by the paths that they had."""
    if name in ("Capture", "recover"):
        recover = importlib.import_module(".recover", __name__)
        return recover if name == "recover" else recover.Capture
    if name == "show":
        return importlib.import_module(".viewer.browser.showing", __name__).show
    if name in MOVED:
        return moved_module(name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
