"""The mesh renderer of PyTorch3D (0.7.9), name for name, on our kernels: compiled by nobody, on CPU and CUDA, with any number of faces per pixel.

Change ``from pytorch3d.renderer import ...`` to ``from taichi_softras.interop.pytorch3d import ...``; or leave the import as it is, and call `stand_in`
before it. Meshes, cameras, lights and textures of an installed PyTorch3D are accepted too.
"""

import sys
from types import ModuleType

from ..stand_in import refuse
from . import attributes, blending, cameras, lighting, rasterizer, renderer, shader, shading, structures, textures, transforms
from .attributes import interpolate_face_attributes
from .blending import BlendParams, hard_rgb_blend, sigmoid_alpha_blend, softmax_rgb_blend
from .cameras import (
    CamerasBase,
    FoVOrthographicCameras,
    FoVPerspectiveCameras,
    OrthographicCameras,
    PerspectiveCameras,
    camera_position_from_spherical_angles,
    get_world_to_view_transform,
    look_at_rotation,
    look_at_view_transform,
)
from .lighting import AmbientLights, DirectionalLights, Materials, PointLights, diffuse, specular
from .rasterizer import Fragments, MeshRasterizer, RasterizationSettings
from .renderer import MeshRenderer, MeshRendererWithFragments
from .shader import HardFlatShader, HardGouraudShader, HardPhongShader, ShaderBase, SoftGouraudShader, SoftPhongShader, SoftSilhouetteShader
from .shading import flat_shading, gouraud_shading, phong_shading
from .structures import Meshes
from .textures import TexturesAtlas, TexturesUV, TexturesVertex
from .transforms import Transform3d

__all__ = [
    "AmbientLights",
    "BlendParams",
    "CamerasBase",
    "DirectionalLights",
    "FoVOrthographicCameras",
    "FoVPerspectiveCameras",
    "Fragments",
    "HardFlatShader",
    "HardGouraudShader",
    "HardPhongShader",
    "Materials",
    "MeshRasterizer",
    "MeshRenderer",
    "MeshRendererWithFragments",
    "Meshes",
    "OrthographicCameras",
    "PerspectiveCameras",
    "PointLights",
    "RasterizationSettings",
    "ShaderBase",
    "SoftGouraudShader",
    "SoftPhongShader",
    "SoftSilhouetteShader",
    "TexturesAtlas",
    "TexturesUV",
    "TexturesVertex",
    "Transform3d",
    "camera_position_from_spherical_angles",
    "diffuse",
    "flat_shading",
    "get_world_to_view_transform",
    "gouraud_shading",
    "hard_rgb_blend",
    "interpolate_face_attributes",
    "look_at_rotation",
    "look_at_view_transform",
    "phong_shading",
    "sigmoid_alpha_blend",
    "softmax_rgb_blend",
    "specular",
    "stand_in",
]


def stand_in() -> None:
    """From now on ``import pytorch3d`` gives this package's modules, in this process: renderer, structures and transforms, as far as they are there.

    Raises:
        RuntimeError: if another ``pytorch3d`` has been imported already.
    """
    here = sys.modules[__name__]
    other = sys.modules.get("pytorch3d")
    if other is not None and getattr(other, "renderer", None) is not here:
        refuse("pytorch3d", other)
    top = ModuleType("pytorch3d", __doc__)
    top.__path__ = []  # a package, whose modules are those below
    vars(top).update(renderer=here, structures=structures, transforms=transforms)
    sys.modules["pytorch3d"] = top
    modules = {
        "renderer": here, "structures": structures, "transforms": transforms, "ops": attributes,
        "renderer.blending": blending, "renderer.cameras": cameras, "renderer.lighting": lighting, "renderer.materials": lighting,
        "renderer.mesh": here, "renderer.mesh.rasterizer": rasterizer, "renderer.mesh.renderer": renderer, "renderer.mesh.shader": shader,
        "renderer.mesh.shading": shading, "renderer.mesh.textures": textures,
        "structures.meshes": structures, "ops.interp_face_attrs": attributes,
    }  # fmt: skip
    for name, module in modules.items():
        sys.modules[f"pytorch3d.{name}"] = module
