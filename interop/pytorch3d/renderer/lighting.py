"""PyTorch3D's lights: Phong's model."""

from abc import ABC, abstractmethod
from typing import Any

import torch
import torch.nn.functional as F

from ...checks import as_tensor, check_tensors
from .utils import Batch

__all__ = ["AmbientLights", "DirectionalLights", "PointLights", "diffuse", "specular"]

LEAST_LENGTH = 1e-6


def _unit(vectors: torch.Tensor) -> torch.Tensor:
    return F.normalize(vectors, dim=-1, eps=LEAST_LENGTH)


def _like(values: torch.Tensor, points: torch.Tensor, n_trailing: int = 1) -> torch.Tensor:
    """[N, ...] with ones between, to go with points [N, ..., 3]."""
    if values.ndim - n_trailing >= points.ndim - 1:
        return values
    return values.reshape(len(values), *[1] * (points.ndim - 2), *values.shape[1:])


def _check_vectors(op: str, **given: torch.Tensor) -> None:
    for name, tensor in given.items():
        check_tensors(op, **{name: tensor})
        if tensor.ndim < 2 or tensor.shape[-1] != 3:
            raise ValueError(f"{op}: {name} must have shape (N, ..., 3), got {tuple(tensor.shape)}")


def diffuse(normals: torch.Tensor, color: torch.Tensor, direction: torch.Tensor) -> torch.Tensor:
    """color * max(0, cosine of normal and direction to the light). normals: [N, ..., 3]; color, direction: [N, 3], or as the normals."""
    _check_vectors("diffuse", normals=normals, color=color, direction=direction)
    angle = F.relu((_unit(normals) * _unit(_like(direction, normals))).sum(-1, keepdim=True))
    return _like(color, normals) * angle


def specular(
    points: torch.Tensor, normals: torch.Tensor, direction: torch.Tensor, color: torch.Tensor, camera_position: torch.Tensor, shininess: torch.Tensor
) -> torch.Tensor:
    """color * max(0, cosine of the view and the mirrored light) ^ shininess, where the light is before the surface."""
    given = {"points": points, "normals": normals, "direction": direction, "color": color, "camera_position": camera_position}
    check_tensors("specular", shininess=shininess)
    _check_vectors("specular", **given)
    if points.shape != normals.shape:
        raise ValueError(f"specular: normals must have the shape of points, {tuple(points.shape)}, got {tuple(normals.shape)}")
    normals, direction = _unit(normals), _unit(_like(direction, points))
    cosine = (normals * direction).sum(-1, keepdim=True)
    view = _unit(_like(camera_position, points) - points)
    mirrored = 2 * cosine * normals - direction
    alpha = F.relu((view * mirrored).sum(-1, keepdim=True)) * (cosine > 0)
    return _like(color, points) * alpha ** _like(shininess, points, n_trailing=0)[..., None]


class _Lights(Batch, ABC):
    ambient_color: torch.Tensor
    diffuse_color: torch.Tensor
    specular_color: torch.Tensor

    def __init__(self, device: Any, **values: Any) -> None:
        super().__init__(device, **{name: vector_of(type(self).__name__, name, value) for name, value in values.items()})
        for name in self._names:
            check_color(type(self).__name__, name, getattr(self, name))

    @abstractmethod
    def _direction(self, points: torch.Tensor) -> torch.Tensor: ...

    def diffuse(self, normals: torch.Tensor, points: torch.Tensor | None = None) -> torch.Tensor:
        return diffuse(normals, self.diffuse_color, self._direction(normals if points is None else points))

    def specular(self, normals: torch.Tensor, points: torch.Tensor, camera_position: torch.Tensor, shininess: torch.Tensor) -> torch.Tensor:
        return specular(points, normals, self._direction(points), self.specular_color, camera_position, shininess)


class DirectionalLights(_Lights):
    """Light from a direction (to the light), the same everywhere."""

    direction: torch.Tensor

    def __init__(
        self,
        ambient_color: Any = ((0.5, 0.5, 0.5),),
        diffuse_color: Any = ((0.3, 0.3, 0.3),),
        specular_color: Any = ((0.2, 0.2, 0.2),),
        direction: Any = ((0, 1, 0),),
        device: Any = "cpu",
    ) -> None:
        super().__init__(device, ambient_color=ambient_color, diffuse_color=diffuse_color, specular_color=specular_color, direction=direction)

    def _direction(self, points: torch.Tensor) -> torch.Tensor:
        return self.direction


class PointLights(_Lights):
    """Light from a place."""

    location: torch.Tensor

    def __init__(
        self,
        ambient_color: Any = ((0.5, 0.5, 0.5),),
        diffuse_color: Any = ((0.3, 0.3, 0.3),),
        specular_color: Any = ((0.2, 0.2, 0.2),),
        location: Any = ((0, 1, 0),),
        device: Any = "cpu",
    ) -> None:
        super().__init__(device, ambient_color=ambient_color, diffuse_color=diffuse_color, specular_color=specular_color, location=location)

    def _direction(self, points: torch.Tensor) -> torch.Tensor:
        return _like(self.location, points) - points


class AmbientLights(Batch):
    """Light from everywhere; the colour may have any number of channels."""

    ambient_color: torch.Tensor

    def __init__(self, *, ambient_color: Any = None, device: Any = "cpu") -> None:
        super().__init__(device, ambient_color=vector_of("AmbientLights", "ambient_color", ((1.0, 1.0, 1.0),) if ambient_color is None else ambient_color))

    def diffuse(self, normals: torch.Tensor, points: torch.Tensor | None = None) -> torch.Tensor:
        return torch.zeros_like(normals[..., :1])

    def specular(self, normals: torch.Tensor, points: torch.Tensor, camera_position: torch.Tensor, shininess: torch.Tensor) -> torch.Tensor:
        return torch.zeros_like(normals[..., :1])


def vector_of(op: str, name: str, value: Any) -> torch.Tensor:
    """[N, C] of one vector or of several."""
    tensor = value if isinstance(value, torch.Tensor) else as_tensor(op, name, value).to(torch.float32)
    return tensor[None] if tensor.ndim == 1 else tensor


def check_color(op: str, name: str, value: torch.Tensor) -> None:
    if value.ndim != 2 or value.shape[1] != 3:
        raise ValueError(f"{op}: {name} must have shape (N, 3), got {tuple(value.shape)}")
