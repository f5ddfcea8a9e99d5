"""SoftRas's lights: modules that colour a mesh."""

from typing import Any

import torch
from torch import nn

from ...checks import check_kind
from . import functional as srf
from .mesh import Mesh

__all__ = ["AmbientLighting", "DirectionalLighting", "Lighting"]


class AmbientLighting(nn.Module):
    def __init__(self, light_intensity: Any = 0.5, light_color: Any = (1, 1, 1)) -> None:
        super().__init__()
        self.light_intensity, self.light_color = light_intensity, light_color

    def forward(self, light: torch.Tensor) -> torch.Tensor:
        return srf.ambient_lighting(light, self.light_intensity, self.light_color)


class DirectionalLighting(nn.Module):
    def __init__(self, light_intensity: Any = 0.5, light_color: Any = (1, 1, 1), light_direction: Any = (0, 1, 0)) -> None:
        super().__init__()
        self.light_intensity, self.light_color, self.light_direction = light_intensity, light_color, light_direction

    def forward(self, light: torch.Tensor, normals: torch.Tensor) -> torch.Tensor:
        return srf.directional_lighting(light, normals, self.light_intensity, self.light_color, self.light_direction)


class Lighting(nn.Module):
    """Ambient and directional light, per face ("surface") or per vertex. Intensities, colours and directions may be tensors and receive gradient."""

    def __init__(
        self,
        light_mode: str = "surface",
        intensity_ambient: Any = 0.5,
        color_ambient: Any = (1, 1, 1),
        intensity_directionals: Any = 0.5,
        color_directionals: Any = (1, 1, 1),
        directions: Any = (0, 1, 0),
    ) -> None:
        super().__init__()
        if light_mode not in ("surface", "vertex"):
            raise ValueError(f"Lighting: light_mode must be 'surface' or 'vertex', got {light_mode!r}")
        self.light_mode = light_mode
        self.ambient = AmbientLighting(intensity_ambient, color_ambient)
        self.directionals = nn.ModuleList([DirectionalLighting(intensity_directionals, color_directionals, directions)])

    def forward(self, mesh: Mesh) -> Mesh:
        """The mesh with its textures lit; the one given stays as it was (the original changes it)."""
        check_kind("Lighting", "mesh", mesh, Mesh)
        shape = (*mesh.faces.shape[:2], 3) if self.light_mode == "surface" else mesh.vertices.shape
        light = self.ambient(mesh.vertices.new_zeros(shape))
        lit = [each for each in self.directionals if not _is_dark(each.light_intensity)]
        if lit:
            normals = mesh.surface_normals if self.light_mode == "surface" else mesh.vertex_normals
        for directional in lit:
            light = directional(light, normals)
        textures = mesh.textures * (light[:, :, None] if mesh.texture_type == "surface" else light)
        return Mesh(mesh.vertices, mesh.faces, textures, mesh.texture_res, mesh.texture_type)


def _is_dark(intensity: Any) -> bool:
    """Whether it is the number 0, as people turn a light off."""
    return isinstance(intensity, (int, float)) and intensity == 0
