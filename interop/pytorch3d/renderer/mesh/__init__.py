"""PyTorch3D's ``pytorch3d.renderer.mesh``: rasteriser, shaders and textures of meshes."""

from .rasterize_meshes import rasterize_meshes
from .rasterizer import Fragments, MeshRasterizer, RasterizationSettings
from .renderer import MeshRenderer, MeshRendererWithFragments
from .shader import HardFlatShader, HardGouraudShader, HardPhongShader, ShaderBase, SoftGouraudShader, SoftPhongShader, SoftSilhouetteShader
from .shading import flat_shading, gouraud_shading, phong_shading
from .textures import TexturesAtlas, TexturesUV, TexturesVertex

__all__ = [
    "Fragments",
    "HardFlatShader",
    "HardGouraudShader",
    "HardPhongShader",
    "MeshRasterizer",
    "MeshRenderer",
    "MeshRendererWithFragments",
    "RasterizationSettings",
    "ShaderBase",
    "SoftGouraudShader",
    "SoftPhongShader",
    "SoftSilhouetteShader",
    "TexturesAtlas",
    "TexturesUV",
    "TexturesVertex",
    "flat_shading",
    "gouraud_shading",
    "phong_shading",
    "rasterize_meshes",
]
