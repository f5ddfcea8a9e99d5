"""PyTorch3D's shaders: fragments and meshes to RGBA pictures [N, H, W, 4]."""

import warnings
from typing import Any

import torch
from torch import nn

from ...structures import Meshes
from ..blending import BlendParams, alpha_of_used, check_blend_params, check_range, hard_of_used, softmax_of_used
from ..cameras import check_of_shader
from ..lighting import PointLights
from ..materials import Materials
from ..splatter_blend import SplatterBlender
from .fragments import Used, is_kind, used_of
from .fused import soft_shading
from .shading import check_scene, flat_of_used, phong_of_used, vertices_lit
from .textures import TexturesAtlas, TexturesUV, TexturesVertex

__all__ = [
    "HardDepthShader",
    "HardFlatShader",
    "HardGouraudShader",
    "HardPhongShader",
    "ShaderBase",
    "SoftDepthShader",
    "SoftGouraudShader",
    "SoftPhongShader",
    "SoftSilhouetteShader",
    "SplatterPhongShader",
    "TexturedSoftPhongShader",
]


SPLAT_SIGMA = 0.5  # pixels
TEXTURES = (TexturesAtlas, TexturesUV, TexturesVertex)


def _check_shaded(op: str, fragments: Any, meshes: Any) -> None:
    for name, value, attribute in (("fragments", fragments, "pix_to_face"), ("meshes", meshes, "faces_packed")):
        if not is_kind(value, attribute):  # those of an installed PyTorch3D are welcome
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

    def _get_cameras(self, **kwargs: Any) -> Any:
        """Those of the call, or of the shader."""
        cameras = kwargs.get("cameras", self.cameras)
        if cameras is None:
            raise ValueError(f"{type(self).__name__}: cameras must be given when it is made or called, got None")
        return cameras

    def _scene(self, fragments: Any, meshes: Any, kwargs: dict[str, Any]) -> dict[str, Any]:
        """Lights, cameras and materials; checks what is to be shaded."""
        check_of_shader(type(self).__name__, kwargs, kwargs.get("cameras", self.cameras))
        scene = {name: kwargs.get(name, getattr(self, name)) for name in ("lights", "materials")} | {"cameras": self._get_cameras(**kwargs)}
        _check_shaded(type(self).__name__, fragments, meshes)
        return scene

    def _hard(self, colors: torch.Tensor, used: Used, kwargs: dict[str, Any]) -> torch.Tensor:
        blend_params = kwargs.get("blend_params", self.blend_params)
        check_blend_params("hard_rgb_blend", blend_params, colors, (*used.slots.shape[:3], colors.shape[-1]))
        return hard_of_used(used, colors, blend_params)

    def _soft(
        self, colors: torch.Tensor, used: Used, meshes: Any, kwargs: dict[str, Any], scene: dict[str, Any] | None, per_slot: bool
    ) -> torch.Tensor:  # fmt: skip
        """Of textures of the vertices, or ``per_slot``; ``scene`` is what lights them, if they are not lit yet."""
        blend_params, cameras = kwargs.get("blend_params", self.blend_params), self._get_cameras(**kwargs)
        light = (scene or {}).get("lights")
        n_channels = max(colors.shape[-1], 1 if light is None else light.ambient_color.shape[-1])
        check_blend_params("softmax_rgb_blend", blend_params, colors, (*used.slots.shape[:3], 3 if n_channels == 1 else n_channels))
        znear, zfar = (kwargs.get(name, getattr(cameras, name, default)) for name, default in (("znear", 1.0), ("zfar", 100.0)))
        check_range("softmax_rgb_blend", znear, zfar)
        image = soft_shading(used, meshes, colors, blend_params, (znear, zfar), scene, per_slot)
        if image is None:
            colors = colors if per_slot else used.interpolate(colors, meshes.faces_packed())
            image = softmax_of_used(used, colors if scene is None else phong_of_used(used, meshes, colors, **scene), blend_params, znear, zfar)
        return image


def _texels(meshes: Any, fragments: Any, used: Used) -> torch.Tensor:
    """[P, C] of the textures: ours look at the used slots alone, others are asked in their own way."""
    if type(meshes) is Meshes and type(meshes.textures) in TEXTURES:
        return meshes.textures.at_used(used, meshes.faces_packed())
    return used.gather(meshes.sample_textures(fragments)[..., : used.slots.shape[3], :])


class HardPhongShader(ShaderBase):
    """Lit at every pixel; the nearest face."""

    def forward(self, fragments: Any, meshes: Any, **kwargs: Any) -> torch.Tensor:
        scene = self._scene(fragments, meshes, kwargs)
        check_scene("phong_shading", meshes, fragments, **scene)
        used = used_of(fragments).nearest()
        return self._hard(phong_of_used(used, meshes, _texels(meshes, fragments, used), **scene), used, kwargs)


class SoftPhongShader(ShaderBase):
    """Lit at every pixel; all faces, softly."""

    def forward(self, fragments: Any, meshes: Any, **kwargs: Any) -> torch.Tensor:
        scene = self._scene(fragments, meshes, kwargs)
        check_scene("phong_shading", meshes, fragments, **scene)
        used = used_of(fragments)
        if type(meshes) is Meshes and type(meshes.textures) is TexturesVertex:
            return self._soft(meshes.textures.verts_features_packed(), used, meshes, kwargs, scene, per_slot=False)
        return self._soft(_texels(meshes, fragments, used), used, meshes, kwargs, scene, per_slot=True)


class HardGouraudShader(ShaderBase):
    """Lit at the vertices; the nearest face."""

    def forward(self, fragments: Any, meshes: Any, **kwargs: Any) -> torch.Tensor:
        colors = vertices_lit(meshes, fragments, **self._scene(fragments, meshes, kwargs))
        used = used_of(fragments).nearest()
        return self._hard(used.interpolate(colors, meshes.faces_packed()), used, kwargs)


class SoftGouraudShader(ShaderBase):
    """Lit at the vertices; all faces, softly."""

    def forward(self, fragments: Any, meshes: Any, **kwargs: Any) -> torch.Tensor:
        colors = vertices_lit(meshes, fragments, **self._scene(fragments, meshes, kwargs))
        return self._soft(colors, used_of(fragments), meshes, kwargs, None, per_slot=False)


class HardFlatShader(ShaderBase):
    """Lit once a face; the nearest face."""

    def forward(self, fragments: Any, meshes: Any, **kwargs: Any) -> torch.Tensor:
        scene = self._scene(fragments, meshes, kwargs)
        check_scene("flat_shading", meshes, fragments, **scene)
        used = used_of(fragments).nearest()
        return self._hard(flat_of_used(used, meshes, _texels(meshes, fragments, used), **scene), used, kwargs)


class SoftSilhouetteShader(nn.Module):
    """The silhouette in the fourth channel; the others are 1."""

    def __init__(self, blend_params: BlendParams | None = None) -> None:
        super().__init__()
        self.blend_params = blend_params or BlendParams()

    def forward(self, fragments: Any, meshes: Any, **kwargs: Any) -> torch.Tensor:
        check_of_shader("SoftSilhouetteShader", kwargs)
        _check_shaded("SoftSilhouetteShader", fragments, meshes)
        blend_params, used = kwargs.get("blend_params", self.blend_params), used_of(fragments)
        check_blend_params("sigmoid_alpha_blend", blend_params, used.dists, (*used.slots.shape[:3], 3))
        alpha = alpha_of_used(used, blend_params.sigma)[..., None]
        return torch.cat([torch.ones_like(alpha).expand(*alpha.shape[:-1], 3), alpha], -1)


class HardDepthShader(ShaderBase):
    """The depth of the nearest face [N, H, W, 1]; zfar of the cameras (100 if they have none) where there is none."""

    def forward(self, fragments: Any, meshes: Any, **kwargs: Any) -> torch.Tensor:
        scene = self._scene(fragments, meshes, kwargs)
        depth, zfar = fragments.zbuf[..., :1], _zfar(scene["cameras"], kwargs)
        return torch.where(fragments.pix_to_face[..., :1] >= 0, depth, zfar if isinstance(zfar, float) else zfar.to(depth))


class SoftDepthShader(ShaderBase):
    """The mean depth of a pixel's faces [N, H, W, 1]: each has the share sigmoid(-dists/sigma), nearest first, until they are one; zfar has the rest."""

    def forward(self, fragments: Any, meshes: Any, **kwargs: Any) -> torch.Tensor:
        scene = self._scene(fragments, meshes, kwargs)
        if fragments.dists is None:
            raise ValueError("SoftDepthShader: fragments must have dists, got None")
        blend_params, zfar = kwargs.get("blend_params", self.blend_params), _zfar(scene["cameras"], kwargs)
        check_blend_params("SoftDepthShader", blend_params, fragments.dists, (*fragments.dists.shape[:3], 3))
        used = fragments.pix_to_face >= 0
        covered = (torch.sigmoid(-fragments.dists / blend_params.sigma) * used).cumsum(-1).clamp(max=1)
        shares = covered.diff(dim=-1, prepend=torch.zeros_like(covered[..., :1]))
        return (shares * fragments.zbuf).sum(-1, keepdim=True) + (1 - covered[..., -1:]) * zfar


def _zfar(cameras: Any, kwargs: dict[str, Any]) -> Any:
    """A number, or [N, 1, 1, 1]."""
    zfar = kwargs.get("zfar", getattr(cameras, "zfar", 100.0))
    if isinstance(zfar, torch.Tensor):
        return zfar.reshape(-1, 1, 1, 1)
    check_range("depth", 1.0, zfar)
    return float(zfar)


class SplatterPhongShader(ShaderBase):
    """Lit at every pixel, and blended by splats; see `SplatterBlender`. blend_params.sigma is in pixels, and meant to be 0.5: another one is warned of."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.splatter_blender: SplatterBlender | None = None

    def forward(self, fragments: Any, meshes: Any, **kwargs: Any) -> torch.Tensor:
        scene = self._scene(fragments, meshes, kwargs)
        check_scene("phong_shading", meshes, fragments, **scene)
        blend_params = kwargs.get("blend_params", self.blend_params)
        self.check_blend_params(blend_params)
        used = used_of(fragments)
        texels, chosen = _texels(meshes, fragments, used), used_of(fragments.detach())
        colors = phong_of_used(chosen, meshes, texels, **scene)
        points = chosen.interpolate(meshes.verts_packed(), meshes.faces_packed())
        if self.splatter_blender is None or self.splatter_blender.input_shape != used.slots.shape:
            self.splatter_blender = SplatterBlender(used.slots.shape, colors.device)
        nothing = used.spread(torch.zeros_like(used.slot, dtype=torch.bool), True)
        return self.splatter_blender(used.spread(colors), used.spread(points), scene["cameras"], nothing, blend_params)

    def check_blend_params(self, blend_params: BlendParams) -> None:
        """Warns of a sigma that is not in pixels."""
        if not hasattr(blend_params, "sigma"):
            raise TypeError(f"SplatterPhongShader: blend_params must be BlendParams, got {type(blend_params).__name__}")
        if blend_params.sigma != SPLAT_SIGMA:
            warnings.warn(f"SplatterPhongShader: blend_params.sigma is in pixels, and meant to be {SPLAT_SIGMA}, got {blend_params.sigma}", stacklevel=3)


def TexturedSoftPhongShader(  # noqa: N802 - PyTorch3D's name
    device: Any = "cpu", cameras: Any = None, lights: Any = None, materials: Any = None, blend_params: BlendParams | None = None
) -> SoftPhongShader:  # fmt: skip
    """The older name of `SoftPhongShader`."""
    warnings.warn("TexturedSoftPhongShader: it is now called SoftPhongShader", PendingDeprecationWarning, stacklevel=2)
    return SoftPhongShader(device, cameras, lights, materials, blend_params)
