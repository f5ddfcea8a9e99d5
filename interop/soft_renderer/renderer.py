"""SoftRas's rasteriser and renderers. What they take stands once, where it is used: in `soft_rasterize`, `Transform` and `Lighting`."""

import functools
import inspect
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from ...checks import check_image_size, check_kind
from . import functional as srf
from .lighting import Lighting
from .mesh import Mesh
from .transform import Transform

__all__ = ["Renderer", "SoftRasterizer", "SoftRenderer"]

Parameters = list[inspect.Parameter]


def _optional(function: Any) -> Parameters:
    """What has a default, in its order."""
    return [parameter for parameter in inspect.signature(function).parameters.values() if parameter.default is not parameter.empty]


def _changed(parameters: Parameters, **defaults: Any) -> Parameters:
    """The same, with some other defaults."""
    return [parameter.replace(default=defaults.get(parameter.name, parameter.default)) for parameter in parameters]


def _takes(parameters: Parameters) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Of an ``__init__`` that wants them all by name, one that takes them as if they stood in its head: by place or by name, or not at all."""
    signature = inspect.Signature([inspect.Parameter("self", inspect.Parameter.POSITIONAL_ONLY), *parameters], return_annotation=None)

    def with_signature(init: Callable[..., None]) -> Callable[..., None]:
        @functools.wraps(init)
        def bound(self: Any, *values: Any, **named: Any) -> None:
            try:
                given = signature.bind(self, *values, **named)
            except TypeError as error:
                raise TypeError(f"{init.__qualname__}() {error}") from None
            given.apply_defaults()
            init(**given.arguments)

        setattr(bound, "__signature__", signature)  # noqa: B010 - what `help` shows
        return bound

    return with_signature


_RASTERIZE = _optional(srf.soft_rasterize)
_ANTI_ALIASING = inspect.Parameter("anti_aliasing", inspect.Parameter.POSITIONAL_OR_KEYWORD, default=False, annotation=bool)
_BEFORE = [parameter.name for parameter in _RASTERIZE].index("fill_back")
_RASTERIZER = _changed([*_RASTERIZE[:_BEFORE], _ANTI_ALIASING, *_RASTERIZE[_BEFORE:]], fill_back=False)
_TRANSFORM = _optional(Transform)
_LIGHTING = [parameter.replace(name="light_" + parameter.name.removeprefix("light_")) for parameter in _optional(Lighting)]


class SoftRasterizer(nn.Module):
    """`soft_rasterize` as a module; ``anti_aliasing`` (after ``far``) renders at twice the size and averages. Here ``fill_back`` is False by default."""

    image_size: Any
    anti_aliasing: bool
    sigma_val: float
    gamma_val: float
    texture_type: str

    @_takes(_RASTERIZER)
    def __init__(self, **settings: Any) -> None:
        super().__init__()
        for name, value in settings.items():
            setattr(self, name, value)

    def forward(self, mesh: Mesh, mode: str | None = None) -> torch.Tensor:
        """[B, 4, H, W] of a mesh that is on the screen; ``mode`` "silhouettes" gives alpha alone, [B, H, W], "rgb" the colours."""
        if mode not in (None, "rgb", "silhouettes"):
            raise ValueError(f"SoftRasterizer: mode must be None, 'rgb' or 'silhouettes', got {mode!r}")
        check_kind("SoftRasterizer", "mesh", mesh, Mesh)
        height, width = check_image_size("SoftRasterizer", self.image_size)
        samples = 2 if self.anti_aliasing else 1
        settings = {parameter.name: getattr(self, parameter.name) for parameter in _RASTERIZE} | {"image_size": (height * samples, width * samples)}
        images = srf.soft_rasterize(mesh.face_vertices, None if mode == "silhouettes" else mesh.face_textures, **settings)
        if self.anti_aliasing:
            images = F.avg_pool2d(images, kernel_size=2, stride=2)
        return images if mode is None else images[:, :3] if mode == "rgb" else images[:, 0]


class SoftRenderer(nn.Module):
    """Lighting, camera and rasteriser in one: takes what `SoftRasterizer`, `Transform` and `Lighting` (there without ``light_``) take, in this order.

    Here ``fill_back`` is True by default.
    """

    @_takes([*_changed(_RASTERIZER, fill_back=True), *_TRANSFORM, *_LIGHTING])
    def __init__(self, **settings: Any) -> None:
        super().__init__()
        self.lighting, self.transform, self.rasterizer = (
            part(*(settings[parameter.name] for parameter in parameters))
            for part, parameters in ((Lighting, _LIGHTING), (Transform, _TRANSFORM), (SoftRasterizer, _RASTERIZER))
        )

    def set_sigma(self, sigma: float) -> None:
        self.rasterizer.sigma_val = sigma

    def set_gamma(self, gamma: float) -> None:
        self.rasterizer.gamma_val = gamma

    def set_texture_mode(self, mode: str) -> None:
        if mode not in ("surface", "vertex"):
            raise ValueError(f"SoftRenderer: the texture mode must be 'surface' or 'vertex', got {mode!r}")
        self.lighting.light_mode = mode
        self.rasterizer.texture_type = mode

    def render_mesh(self, mesh: Mesh, mode: str | None = None) -> torch.Tensor:
        """[B, 4, H, W]. The mesh stays as it was: rendering it again gives the same picture (with the original it does not)."""
        check_kind("SoftRenderer", "mesh", mesh, Mesh)
        self.set_texture_mode(mesh.texture_type)
        return self.rasterizer(self.transform(self.lighting(mesh)), mode)

    def forward(
        self, vertices: torch.Tensor, faces: torch.Tensor, textures: Any = None, mode: str | None = None, texture_type: str = "surface"
    ) -> torch.Tensor:
        return self.render_mesh(Mesh(vertices, faces, textures=textures, texture_type=texture_type), mode)


class Renderer(SoftRenderer):
    """The same, with hard edges and hard colour by default. (The original's names a class that does not exist.)"""

    def __init__(self, image_size: int | tuple[int, int] = 256, background_color: Any = (0, 0, 0), near: float = 1, far: float = 100, **options: Any) -> None:
        options = {"dist_func": "hard", "aggr_func_rgb": "hard", "aggr_func_alpha": "hard", "camera_mode": "look_at"} | options
        super().__init__(image_size, background_color, near, far, **options)
