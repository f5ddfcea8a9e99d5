"""PyTorch3D's lights: Phong's model."""

from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

from ....checks import as_numbers
from ...checks import as_tensor, check_tensors
from ..common.datatypes import Device
from .utils import TensorProperties

__all__ = ["AmbientLights", "DirectionalLights", "PointLights", "diffuse", "specular"]

LEAST_LENGTH = 1e-6


def _unit(vectors: torch.Tensor) -> torch.Tensor:
    return F.normalize(vectors, dim=-1, eps=LEAST_LENGTH)


def _like(values: torch.Tensor, points: torch.Tensor, n_trailing: int = 1) -> torch.Tensor:
    """[N, ...] with ones between, to go with points [N, ..., 3]."""
    if values.ndim - n_trailing >= points.ndim - 1:
        return values
    return values.reshape(len(values), *[1] * (points.ndim - 2), *values.shape[1:])


def _vectors(op: str, like: torch.Tensor, **given: Any) -> list[torch.Tensor]:
    """Vectors [N, ..., 3], of the dtype of ``like``, if they are not tensors; one may come without a batch."""
    tensors = []
    for name, value in given.items():
        tensor = value if isinstance(value, torch.Tensor) else as_tensor(op, name, value, like)
        tensor = tensor[None] if tensor.ndim == 1 else tensor
        check_tensors(op, **{name: tensor})
        if tensor.ndim < 2 or tensor.shape[-1] != 3:
            raise ValueError(f"{op}: {name} must have shape (N, ..., 3), got {tuple(tensor.shape)}")
        tensors.append(tensor)
    return tensors


def _points(op: str, name: str, points: Any) -> torch.Tensor:
    check_tensors(op, **{name: points})
    if points.ndim < 2 or points.shape[-1] != 3:
        raise ValueError(f"{op}: {name} must have shape (N, ..., 3), got {tuple(points.shape)}")
    return points


def diffuse(normals: torch.Tensor, color: Any, direction: Any) -> torch.Tensor:
    """color * max(0, cosine of normal and direction to the light). normals: [N, ..., 3]; color, direction: [N, 3], or as the normals; or three numbers."""
    _points("diffuse", "normals", normals)
    color, direction = _vectors("diffuse", normals, color=color, direction=direction)
    angle = F.relu((_unit(normals) * _unit(_like(direction, normals))).sum(-1, keepdim=True))
    return _like(color, normals) * angle


def specular(points: torch.Tensor, normals: torch.Tensor, direction: Any, color: Any, camera_position: Any, shininess: Any) -> torch.Tensor:
    """color * max(0, cosine of the view and the mirrored light) ^ shininess, where the light is before the surface.

    points, normals: [N, ..., 3]; direction, color, camera_position: [N, 3], or as the points; or three numbers. shininess: [N], or as the points; or a number.
    """
    _points("specular", "points", points)
    _points("specular", "normals", normals)
    direction, color, camera_position = _vectors("specular", points, direction=direction, color=color, camera_position=camera_position)
    shininess = shininess if isinstance(shininess, torch.Tensor) else as_tensor("specular", "shininess", shininess, points)
    check_tensors("specular", shininess=shininess)
    shininess = shininess[None] if shininess.ndim == 0 else shininess
    if points.shape != normals.shape:
        raise ValueError(f"specular: normals must have the shape of points, {tuple(points.shape)}, got {tuple(normals.shape)}")
    normals, direction = _unit(normals), _unit(_like(direction, points))
    cosine = (normals * direction).sum(-1, keepdim=True)
    view = _unit(_like(camera_position, points) - points)
    mirrored = 2 * cosine * normals - direction
    alpha = F.relu((view * mirrored).sum(-1, keepdim=True)) * (cosine > 0)
    return _like(color, points) * alpha ** _like(shininess, points, n_trailing=0)[..., None]


class _Lights(TensorProperties):
    """Lights that have a direction at each point. A colour is [N, 3], three numbers, or one, which is grey."""

    ambient_color: torch.Tensor
    diffuse_color: torch.Tensor
    specular_color: torch.Tensor

    def __init__(self, device: Device, **values: Any) -> None:
        op = type(self).__name__
        values = {name: vector_of(op, name, value, n_channels=3) for name, value in values.items()}
        super().__init__(device=device, **values)
        for name in values:
            check_channels(op, name, getattr(self, name), 3)

    def _direction(self, points: torch.Tensor) -> torch.Tensor:
        raise NotImplementedError

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
        device: Device = "cpu",
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
        device: Device = "cpu",
    ) -> None:
        super().__init__(device, ambient_color=ambient_color, diffuse_color=diffuse_color, specular_color=specular_color, location=location)

    def reshape_location(self, points: torch.Tensor) -> torch.Tensor:
        """The locations, with ones between, to go with points [N, ..., 3]."""
        return _like(self.location, points)

    def _direction(self, points: torch.Tensor) -> torch.Tensor:
        return self.reshape_location(points) - points


class AmbientLights(TensorProperties):
    """Light from everywhere; the colour, [N, C], may have any number of channels."""

    ambient_color: torch.Tensor

    def __init__(self, *, ambient_color: Any = None, device: Device = "cpu") -> None:
        color = vector_of("AmbientLights", "ambient_color", ((1.0, 1.0, 1.0),) if ambient_color is None else ambient_color)
        super().__init__(ambient_color=color, device=device)
        check_channels("AmbientLights", "ambient_color", self.ambient_color, "C")

    def diffuse(self, normals: torch.Tensor, points: torch.Tensor | None = None) -> torch.Tensor:
        return normals.new_zeros(*normals.shape[:-1], self.ambient_color.shape[-1])

    def specular(self, normals: torch.Tensor, points: torch.Tensor, camera_position: torch.Tensor, shininess: torch.Tensor) -> torch.Tensor:
        return self.diffuse(points)


def vector_of(op: str, name: str, value: Any, n_channels: int = 1) -> torch.Tensor | np.ndarray:
    """[N, C] of one number, which is all channels, of one vector, or of several: a tensor, if it was given as one."""
    vectors = value if isinstance(value, torch.Tensor) else as_numbers(op, name, value)
    vectors = vectors.reshape(1).repeat(n_channels) if vectors.ndim == 0 else vectors
    return vectors[None] if vectors.ndim == 1 else vectors


def check_channels(op: str, name: str, value: torch.Tensor, n_channels: int | str) -> None:
    if value.ndim != 2 or (isinstance(n_channels, int) and value.shape[1] != n_channels):
        raise ValueError(f"{op}: {name} must have shape (N, {n_channels}), got {tuple(value.shape)}")
