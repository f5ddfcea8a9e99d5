"""PyTorch3D's ``pytorch3d.renderer.mesh``: rasteriser, shaders and textures of meshes."""

from ..blending import BlendParams
from .fragments import Fragments
from .rasterize_meshes import rasterize_meshes
from .rasterizer import MeshRasterizer, RasterizationSettings
from .renderer import MeshRenderer, MeshRendererWithFragments
from .shader import (
    HardDepthShader,
    HardFlatShader,
    HardGouraudShader,
    HardPhongShader,
    ShaderBase,
    SoftDepthShader,
    SoftGouraudShader,
    SoftPhongShader,
    SoftSilhouetteShader,
    SplatterPhongShader,
    TexturedSoftPhongShader,
)
from .shading import flat_shading, gouraud_shading, phong_shading
from .textures import Textures, TexturesAtlas, TexturesBase, TexturesUV, TexturesVertex
from .utils import pack_rectangles, pack_unique_rectangles

__all__ = [
    "BlendParams",
    "Fragments",
    "HardDepthShader",
    "HardFlatShader",
    "HardGouraudShader",
    "HardPhongShader",
    "MeshRasterizer",
    "MeshRenderer",
    "MeshRendererWithFragments",
    "RasterizationSettings",
    "ShaderBase",
    "SoftDepthShader",
    "SoftGouraudShader",
    "SoftPhongShader",
    "SoftSilhouetteShader",
    "SplatterPhongShader",
    "TexturedSoftPhongShader",
    "Textures",
    "TexturesAtlas",
    "TexturesBase",
    "TexturesUV",
    "TexturesVertex",
    "flat_shading",
    "gouraud_shading",
    "pack_rectangles",
    "pack_unique_rectangles",
    "phong_shading",
    "rasterize_meshes",
]
