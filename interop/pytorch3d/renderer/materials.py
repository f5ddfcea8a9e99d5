"""PyTorch3D's materials: what a surface does with light."""

from typing import Any

import torch

from ..common.datatypes import Device
from .lighting import check_channels, vector_of
from .utils import TensorProperties, check_no_texts

__all__ = ["Materials"]


class Materials(TensorProperties):
    """How much of each light a surface throws back, and the exponent of its highlights.

    Colours are [N, C], C numbers, or one number, which is all channels; shininess is [N], or a number. Where C is not 3, all colours have the same.
    """

    ambient_color: torch.Tensor
    diffuse_color: torch.Tensor
    specular_color: torch.Tensor
    shininess: torch.Tensor

    def __init__(
        self,
        ambient_color: Any = ((1, 1, 1),),
        diffuse_color: Any = ((1, 1, 1),),
        specular_color: Any = ((1, 1, 1),),
        shininess: Any = 64,
        device: Device = "cpu",
    ) -> None:
        op = "Materials"
        given = {"ambient_color": ambient_color, "diffuse_color": diffuse_color, "specular_color": specular_color}
        colors: dict[str, Any] = {name: vector_of(op, name, value) for name, value in given.items()}
        n_channels = max((color.shape[-1] for color in colors.values() if color.ndim), default=3)
        colors = {name: vector_of(op, name, value, n_channels) for name, value in given.items()}
        check_no_texts(op, {"shininess": shininess})
        super().__init__(device=device, **colors, shininess=shininess)
        for name in colors:
            check_channels(op, name, getattr(self, name), n_channels)
        if self.shininess.ndim != 1:
            raise ValueError(f"{op}: shininess must have shape (N,), got {tuple(self.shininess.shape)}")
