"""PyTorch3D's shaders: fragments and meshes to RGBA pictures [N, H, W, 4]."""

from typing import Any

import torch
from torch import nn

from ..blending import BlendParams, hard_rgb_blend, sigmoid_alpha_blend, softmax_rgb_blend
from ..cameras import check_of_shader
from ..lighting import PointLights
from ..materials import Materials
from .shading import flat_shading, gouraud_shading, phong_shading

__all__ = [
    "HardFlatShader",
    "HardGouraudShader",
    "HardPhongShader",
    "ShaderBase",
    "SoftGouraudShader",
    "SoftPhongShader",
    "SoftSilhouetteShader",
]


def _check_shaded(op: str, fragments: Any, meshes: Any) -> None:
    for name, value, attribute in (("fragments", fragments, "pix_to_face"), ("meshes", meshes, "faces_packed")):
        if not hasattr(value, attribute):  # those of an installed PyTorch3D are welcome
            raise TypeError(f"{op}: {name} must be {name.capitalize()}, got {type(value).__name__}")


class ShaderBase(nn.Module):
    """Lights, cameras, materials and blending; each may also be given to the call."""

    def __init__(self, device: Any = "cpu", cameras: Any = None, lights: Any = None, materials: Any = None, blend_params: BlendParams | None = None) -> None:
        super().__init__()
        self.cameras = cameras
        self.lights = PointLights(device=device) if lights is None else lights
        self.materials = Materials(device=device) if materials is None else materials
        self.blend_params = blend_params or BlendParams()

    def to(self, device: Any) -> "ShaderBase":  # type: ignore[override]
        if self.cameras is not None:
            self.cameras = self.cameras.to(device)
        self.lights, self.materials = self.lights.to(device), self.materials.to(device)
        return self

    def _scene(self, fragments: Any, meshes: Any, kwargs: dict[str, Any]) -> dict[str, Any]:
        """Lights, cameras and materials; checks what is to be shaded."""
        check_of_shader(type(self).__name__, kwargs, kwargs.get("cameras", self.cameras))
        scene = {name: kwargs.get(name, getattr(self, name)) for name in ("lights", "cameras", "materials")}
        if scene["cameras"] is None:
            raise ValueError(f"{type(self).__name__}: cameras must be given when it is made or called, got None")
        _check_shaded(type(self).__name__, fragments, meshes)
        return scene

    def _hard(self, colors: torch.Tensor, fragments: Any, kwargs: dict[str, Any]) -> torch.Tensor:
        return hard_rgb_blend(colors, fragments, kwargs.get("blend_params", self.blend_params))

    def _soft(self, colors: torch.Tensor, fragments: Any, kwargs: dict[str, Any]) -> torch.Tensor:
        cameras = kwargs.get("cameras", self.cameras)
        znear, zfar = (kwargs.get(name, getattr(cameras, name, default)) for name, default in (("znear", 1.0), ("zfar", 100.0)))
        return softmax_rgb_blend(colors, fragments, kwargs.get("blend_params", self.blend_params), znear=znear, zfar=zfar)


class HardPhongShader(ShaderBase):
    """Lit at every pixel; the nearest face."""

    def forward(self, fragments: Any, meshes: Any, **kwargs: Any) -> torch.Tensor:
        scene = self._scene(fragments, meshes, kwargs)
        colors = phong_shading(meshes, fragments, texels=meshes.sample_textures(fragments), **scene)
        return self._hard(colors, fragments, kwargs)


class SoftPhongShader(ShaderBase):
    """Lit at every pixel; all faces, softly."""

    def forward(self, fragments: Any, meshes: Any, **kwargs: Any) -> torch.Tensor:
        scene = self._scene(fragments, meshes, kwargs)
        colors = phong_shading(meshes, fragments, texels=meshes.sample_textures(fragments), **scene)
        return self._soft(colors, fragments, kwargs)


class HardGouraudShader(ShaderBase):
    """Lit at the vertices; the nearest face."""

    def forward(self, fragments: Any, meshes: Any, **kwargs: Any) -> torch.Tensor:
        return self._hard(gouraud_shading(meshes, fragments, **self._scene(fragments, meshes, kwargs)), fragments, kwargs)


class SoftGouraudShader(ShaderBase):
    """Lit at the vertices; all faces, softly."""

    def forward(self, fragments: Any, meshes: Any, **kwargs: Any) -> torch.Tensor:
        return self._soft(gouraud_shading(meshes, fragments, **self._scene(fragments, meshes, kwargs)), fragments, kwargs)


class HardFlatShader(ShaderBase):
    """Lit once a face; the nearest face."""

    def forward(self, fragments: Any, meshes: Any, **kwargs: Any) -> torch.Tensor:
        scene = self._scene(fragments, meshes, kwargs)
        colors = flat_shading(meshes, fragments, texels=meshes.sample_textures(fragments), **scene)
        return self._hard(colors, fragments, kwargs)


class SoftSilhouetteShader(nn.Module):
    """The silhouette in the fourth channel; the others are 1."""

    def __init__(self, blend_params: BlendParams | None = None) -> None:
        super().__init__()
        self.blend_params = blend_params or BlendParams()

    def forward(self, fragments: Any, meshes: Any, **kwargs: Any) -> torch.Tensor:
        check_of_shader("SoftSilhouetteShader", kwargs)
        _check_shaded("SoftSilhouetteShader", fragments, meshes)
        white = torch.ones_like(fragments.bary_coords[..., :1, :])
        return sigmoid_alpha_blend(white, fragments, kwargs.get("blend_params", self.blend_params))
