"""Kaolin's ``kaolin.render.materials``: what surfaces are made of."""

import copy
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any

import torch

from ....checks import check_flag
from ...checks import as_tensor
from ..utils.testing import tensor_info

__all__ = ["Material", "PBRMaterial"]

VALUES = {  # and how many numbers they have
    "diffuse_color": 3,
    "roughness_value": 1,
    "metallic_value": 1,
    "clearcoat_value": 1,
    "clearcoat_roughness_value": 1,
    "opacity_value": 1,
    "opacity_threshold": 1,
    "ior_value": 1,
    "specular_color": 3,
    "displacement_value": 1,
    "transmittance_value": 1,
}
CHANNELS = (
    "diffuse", "roughness", "metallic", "clearcoat", "clearcoat_roughness", "opacity", "ior", "specular", "normals", "displacement", "transmittance",
)  # fmt: skip
TEXTURES = tuple(f"{channel}_texture" for channel in CHANNELS)
COLORSPACES = tuple(f"{channel}_colorspace" for channel in CHANNELS)
WITH_SRGB = ("diffuse_colorspace", "specular_colorspace", "normals_colorspace")
MISC = ("is_specular_workflow", "material_name", "shader_name")


class Material(ABC):
    """What has a name, and the name of a shader."""

    def __init__(self, name: str, shader_name: str) -> None:
        self.material_name, self.shader_name = str(name), str(shader_name)

    @abstractmethod
    def as_dict(self) -> dict[str, Any]:
        """All of it, by name; `from_dict` makes it again."""

    @staticmethod
    def from_dict(in_dict: dict[str, Any]) -> "Material":
        """What `as_dict` told. (Each kind of material has its own, too.)"""
        if in_dict.get("classname") != "pbr":
            raise ValueError(f"Material.from_dict: classname must be 'pbr', got {in_dict.get('classname')!r}")
        return PBRMaterial(**{name: value for name, value in in_dict.items() if name != "classname"})


class PBRMaterial(Material):
    """A physically based material with the channels of the USD Preview Surface.

    Each channel has a number or a colour, or none (``diffuse_color``, ``specular_color`` [3]; ``roughness_value``, ``metallic_value``, ... [1]), a picture,
    or none (``diffuse_texture``, ... of three dimensions, [C, H, W] or [H, W, C], in [0, 1]; ``normals_texture`` in [-1, 1]), and a ``..._colorspace``, "auto",
    "raw" or, of diffuse, specular and normals, "sRGB". ``is_specular_workflow`` says whether it is specular, else metallic, that counts.
    """

    diffuse_color: torch.Tensor | None
    roughness_value: torch.Tensor | None
    metallic_value: torch.Tensor | None
    clearcoat_value: torch.Tensor | None
    clearcoat_roughness_value: torch.Tensor | None
    opacity_value: torch.Tensor | None
    opacity_threshold: torch.Tensor | None
    ior_value: torch.Tensor | None
    specular_color: torch.Tensor | None
    displacement_value: torch.Tensor | None
    transmittance_value: torch.Tensor | None
    diffuse_texture: torch.Tensor | None
    roughness_texture: torch.Tensor | None
    metallic_texture: torch.Tensor | None
    clearcoat_texture: torch.Tensor | None
    clearcoat_roughness_texture: torch.Tensor | None
    opacity_texture: torch.Tensor | None
    ior_texture: torch.Tensor | None
    specular_texture: torch.Tensor | None
    normals_texture: torch.Tensor | None
    displacement_texture: torch.Tensor | None
    transmittance_texture: torch.Tensor | None

    def __init__(
        self,
        diffuse_color: Any = None,
        roughness_value: Any = None,
        metallic_value: Any = None,
        clearcoat_value: Any = None,
        clearcoat_roughness_value: Any = None,
        opacity_value: Any = None,
        opacity_threshold: Any = None,
        ior_value: Any = None,
        specular_color: Any = None,
        displacement_value: Any = None,
        transmittance_value: Any = None,
        diffuse_texture: torch.Tensor | None = None,
        roughness_texture: torch.Tensor | None = None,
        metallic_texture: torch.Tensor | None = None,
        clearcoat_texture: torch.Tensor | None = None,
        clearcoat_roughness_texture: torch.Tensor | None = None,
        opacity_texture: torch.Tensor | None = None,
        ior_texture: torch.Tensor | None = None,
        specular_texture: torch.Tensor | None = None,
        normals_texture: torch.Tensor | None = None,
        displacement_texture: torch.Tensor | None = None,
        transmittance_texture: torch.Tensor | None = None,
        is_specular_workflow: bool = False,
        diffuse_colorspace: str = "auto",
        roughness_colorspace: str = "auto",
        metallic_colorspace: str = "auto",
        clearcoat_colorspace: str = "auto",
        clearcoat_roughness_colorspace: str = "auto",
        opacity_colorspace: str = "auto",
        ior_colorspace: str = "auto",
        specular_colorspace: str = "auto",
        normals_colorspace: str = "auto",
        displacement_colorspace: str = "auto",
        transmittance_colorspace: str = "auto",
        material_name: str = "",
        shader_name: str = "UsdPreviewSurface",
    ) -> None:
        given = dict(locals())
        super().__init__(material_name, shader_name)
        check_flag("PBRMaterial", "is_specular_workflow", is_specular_workflow)
        self.is_specular_workflow = is_specular_workflow
        for name, n_numbers in VALUES.items():
            setattr(self, name, None if given[name] is None else _numbers(name, given[name], n_numbers))
        for name in TEXTURES:
            texture = given[name]
            if texture is not None and not isinstance(texture, torch.Tensor):
                raise TypeError(f"PBRMaterial: {name} must be a torch.Tensor, got {type(texture).__name__}")
            if texture is not None and texture.ndim != 3:
                raise ValueError(f"PBRMaterial: {name} must have shape (C, H, W) or (H, W, C), got {tuple(texture.shape)}")
            setattr(self, name, texture)
        for name in COLORSPACES:
            known = ("auto", "raw", "sRGB") if name in WITH_SRGB else ("auto", "raw")
            if given[name] not in known:
                raise ValueError(f"PBRMaterial: {name} must be one of {', '.join(map(repr, known))}, got {given[name]!r}")
            setattr(self, name, given[name])

    @classmethod
    def supported_texture_attributes(cls) -> list[str]:
        """The names of all pictures."""
        return list(TEXTURES)

    @classmethod
    def supported_tensor_attributes(cls) -> list[str]:
        """Of all pictures, numbers and colours."""
        return [*TEXTURES, *VALUES]

    def get_attributes(self, only_tensors: bool = False) -> list[str]:
        """The names of what is set."""
        names = [*VALUES, *TEXTURES, *(() if only_tensors else (*COLORSPACES, *MISC))]
        return [name for name in names if getattr(self, name) is not None]

    def as_dict(self) -> dict[str, Any]:
        """All that is set, by name."""
        return {"classname": "pbr", **{name: getattr(self, name) for name in self.get_attributes()}}

    @classmethod
    def from_dict(cls, in_dict: dict[str, Any]) -> "PBRMaterial":
        """What `as_dict` told."""
        return cls(**{name: value for name, value in in_dict.items() if name != "classname"})

    def _construct_apply(self, func: Callable[[torch.Tensor], torch.Tensor], attributes: Sequence[str] | None = None) -> "PBRMaterial":
        other = copy.copy(self)
        for name in self.get_attributes(only_tensors=True) if attributes is None else attributes:
            if getattr(self, name) is not None:
                setattr(other, name, func(getattr(self, name)))
        return other

    def to(self, device: torch.device | str) -> "PBRMaterial":
        """A copy on a device."""
        return self._construct_apply(lambda tensor: tensor.to(device))

    def cuda(
        self, device: Any = None, non_blocking: bool = False, memory_format: torch.memory_format = torch.preserve_format
    ) -> "PBRMaterial":  # fmt: skip
        """A copy on a GPU."""
        return self._construct_apply(lambda tensor: tensor.cuda(device, non_blocking=non_blocking, memory_format=memory_format))

    def cpu(self, memory_format: torch.memory_format = torch.preserve_format) -> "PBRMaterial":
        """A copy on the CPU."""
        return self._construct_apply(lambda tensor: tensor.cpu(memory_format=memory_format))

    def contiguous(self, memory_format: torch.memory_format = torch.contiguous_format) -> "PBRMaterial":
        """A copy whose tensors are laid out in order."""
        return self._construct_apply(lambda tensor: tensor.contiguous(memory_format=memory_format))

    def hwc(self) -> "PBRMaterial":
        """A copy with pictures [H, W, C]: those whose first side is 1, 3 or 4 are turned."""
        return self._construct_apply(lambda t: t.permute(1, 2, 0) if t.shape[0] in (1, 3, 4) else t, TEXTURES)

    def chw(self) -> "PBRMaterial":
        """A copy with pictures [C, H, W]: those whose last side is 1, 3 or 4 are turned."""
        return self._construct_apply(lambda t: t.permute(2, 0, 1) if t.shape[2] in (1, 3, 4) else t, TEXTURES)

    def describe_attribute(self, attr: str, print_stats: bool = False, detailed: bool = False) -> str:
        """A line about a part of it; none about a colorspace that is "auto"."""
        if attr not in (*VALUES, *TEXTURES, *COLORSPACES, *MISC):
            raise ValueError(f"PBRMaterial.describe_attribute: attr must be an attribute of it, got {attr!r}")
        value = getattr(self, attr)
        if isinstance(value, torch.Tensor):
            return tensor_info(value, f"{attr:>33}", print_stats, detailed) + (f" {value}" if attr in VALUES else "")
        return f"{attr:>33}: {value}" if value and value != "auto" else ""

    def to_string(self, print_stats: bool = False, detailed: bool = False) -> str:
        """What is set, a line each."""
        names = ["material_name", "is_specular_workflow", "shader_name", *self.get_attributes(only_tensors=True), *COLORSPACES]
        lines = [self.describe_attribute(name, print_stats, detailed) for name in names]
        return "\n".join(["PBRMaterial object with", *(line for line in lines if line)])

    def __str__(self) -> str:
        return self.to_string()


def _numbers(name: str, values: Any, n: int) -> torch.Tensor:
    """[n] float32. (A specular colour may be one number for all three.)"""
    numbers = as_tensor("PBRMaterial", name, values).reshape(-1).float()
    if name == "specular_color" and len(numbers) == 1:
        numbers = numbers.repeat(n)
    if len(numbers) != n:
        raise ValueError(f"PBRMaterial: {name} must be {'a number' if n == 1 else f'{n} numbers'}, got {len(numbers)}")
    return numbers
