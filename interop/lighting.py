"""`taichi_softras.engine.lighting` on torch tensors: the same kernels. Lights and materials are made of tensors, which receive gradient, or of numbers."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import nn

from ..checks import as_array, check_choice, check_kind, check_shape
from ..engine import lighting
from ..engine.lighting import AmbientLight, DirectionalLight, Light, Material, Parameters, PointLight, SHBasis, Specular, SphericalHarmonics
from ..scene import Topology
from .bridge import TorchArrays
from .ops import topology_of

__all__ = [
    "AmbientLight",
    "DirectionalLight",
    "Light",
    "Material",
    "PointLight",
    "SHBasis",
    "Shading",
    "Specular",
    "SphericalHarmonics",
    "face_normals",
    "shade",
    "shade_dibr_phong",
    "vertex_normals",
]


def shade(
    albedo: torch.Tensor,
    normals: torch.Tensor,
    positions: torch.Tensor | None = None,
    eye: torch.Tensor | Sequence[float] | np.ndarray | None = None,
    *,
    lights: Light | Sequence[Light],
    material: Material | None = None,
    specular: Specular = Specular.NONE,
    row_image: torch.Tensor | np.ndarray | None = None,
) -> torch.Tensor:
    """See `taichi_softras.engine.lighting.shade`. albedo, normals and positions: [N, 3] or [B, H, W, 3]."""
    lights = [lights] if isinstance(lights, Light) else list(lights)
    material = material or Material()
    tensors = {"albedo": albedo, "normals": normals, "positions": positions}
    arrays = _library("shade", tensors, {"eye": eye}, _places(lights, material))
    return lighting.shade(
        arrays, albedo, normals, positions, _per_image(eye),
        lights=[_with_all_dimensions(light) for light in lights], material=_with_all_dimensions(material), specular=specular, row_image=_indices(row_image),
    )  # fmt: skip


def shade_dibr_phong(
    albedo: torch.Tensor,
    normals: torch.Tensor,
    positions: torch.Tensor,
    eye: torch.Tensor | Sequence[float] | np.ndarray,
    direction: torch.Tensor | Sequence[float] | np.ndarray,
    *,
    material: Material | None = None,
    mask: torch.Tensor | None = None,
    row_image: torch.Tensor | np.ndarray | None = None,
) -> torch.Tensor:
    """See `taichi_softras.engine.lighting.shade_dibr_phong`."""
    material = material or Material()
    tensors = {"albedo": albedo, "normals": normals, "positions": positions, "mask": mask}
    arrays = _library("shade_dibr_phong", tensors, {"eye": eye, "direction": direction}, _places((), material))
    return lighting.shade_dibr_phong(
        arrays, albedo, normals, positions, _per_image(eye), _per_image(direction),
        material=_with_all_dimensions(material), mask=mask, row_image=_indices(row_image),
    )  # fmt: skip


def vertex_normals(vertices: torch.Tensor, faces: torch.Tensor | np.ndarray | Topology) -> torch.Tensor:
    """See `taichi_softras.engine.lighting.vertex_normals`; vertices [V, 3], or [B, V, 3] of meshes with the same faces, whose normals are [B, V, 3]."""
    return _normals("vertex_normals", lighting.vertex_normals, vertices, faces)


def face_normals(vertices: torch.Tensor, faces: torch.Tensor | np.ndarray | Topology) -> torch.Tensor:
    """See `taichi_softras.engine.lighting.face_normals`; [F, 3], or [B, F, 3] for vertices [B, V, 3]."""
    return _normals("face_normals", lighting.face_normals, vertices, faces)


class Shading(nn.Module):
    """`shade` with its lights and material kept. Those of their numbers that are ``nn.Parameter`` are parameters of the module: they can be learnt."""

    def __init__(self, lights: Light | Sequence[Light], material: Material | None = None, specular: Specular = Specular.NONE) -> None:
        super().__init__()
        self.lights = (lights,) if isinstance(lights, Light) else tuple(lights)
        self.material, self.specular = Material() if material is None else material, specular
        if not self.lights:
            raise ValueError("Shading: lights must be at least one, got none")
        for light in self.lights:
            if not isinstance(light, Light):
                raise TypeError(f"Shading: each of the lights must be a light, such as DirectionalLight, got {type(light).__name__}")
        check_kind("Shading", "material", self.material, Material)
        check_choice("Shading", "specular", self.specular, Specular)
        for place, owner in _places(self.lights, self.material).items():
            for name, values in _named(owner):
                if isinstance(values, nn.Parameter):
                    self.register_parameter(re.sub(r"\W+", "_", f"{place}.{name}"), values)

    def forward(
        self, albedo: torch.Tensor, normals: torch.Tensor, positions: torch.Tensor | None = None, eye: Any = None, row_image: Any = None
    ) -> torch.Tensor:
        return shade(albedo, normals, positions, eye, lights=self.lights, material=self.material, specular=self.specular, row_image=row_image)

    def extra_repr(self) -> str:
        return f"{', '.join(type(light).__name__ for light in self.lights)}, specular={self.specular}"


def _places(lights: Sequence[Light], material: Material) -> dict[str, Parameters]:
    """What lights a surface, by the names that it has in messages."""
    return {f"lights[{i}]": light for i, light in enumerate(lights)} | {"material": material}


def _named(owner: Parameters) -> Iterable[tuple[str, Any]]:
    return ((name, getattr(owner, name)) for name in owner.SHAPES)


def _library(op: str, tensors: dict[str, Any], others: dict[str, Any], owners: dict[str, Any]) -> TorchArrays:
    """The library that all tensors agree on: ``tensors`` must be some (or None), those of ``others`` and ``owners`` may be."""
    owned = [(place, owner) for place, owner in owners.items() if isinstance(owner, Parameters)]
    parameters = {f"{place}.{name}": values for place, owner in owned for name, values in _named(owner)}
    return TorchArrays.of(op, **tensors, **{name: values for name, values in (others | parameters).items() if isinstance(values, torch.Tensor)})


def _with_all_dimensions(owner: Any) -> Any:
    """Tensors with the leading dimensions that were left out."""
    if not isinstance(owner, Parameters):
        return owner  # `lighting.shade` says what is wrong
    tensors = {name: values for name, values in _named(owner) if isinstance(values, torch.Tensor)}
    return replace(owner, **{name: tensor.reshape(owner.full_shape(name, tuple(tensor.shape))) for name, tensor in tensors.items()})


def _per_image(values: Any) -> Any:
    return values[None] if isinstance(values, torch.Tensor) and values.ndim == 1 else values


def _indices(row_image: Any) -> Any:
    return None if row_image is None else as_array("shade", "row_image", row_image)


def _normals(op: str, function: Any, vertices: torch.Tensor, faces: Any) -> torch.Tensor:
    arrays = TorchArrays.of(op, vertices=vertices)
    if isinstance(faces, Topology):
        return function(arrays, vertices, faces)
    batch = vertices.ndim == 3
    check_shape(op, "vertices", vertices.shape, ("B", "V", 3) if batch else ("V", 3))
    topology = topology_of(faces, vertices.shape[-2], vertices.shape[0] if batch else 1, one_mesh=not batch)
    return function(arrays, vertices.reshape(-1, 3), topology).reshape(*vertices.shape[:-2], -1, 3)
