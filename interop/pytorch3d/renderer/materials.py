"""PyTorch3D's materials: what a surface does with light."""

from typing import Any

import torch

from .lighting import check_color, vector_of
from .utils import Batch

__all__ = ["Materials"]


class Materials(Batch):
    """How much of each light a surface throws back, and the exponent of its highlights."""

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
        device: Any = "cpu",
    ) -> None:
        colors = {"ambient_color": ambient_color, "diffuse_color": diffuse_color, "specular_color": specular_color}
        colors = {name: vector_of("Materials", name, value) for name, value in colors.items()}
        super().__init__(device, **colors, shininess=shininess)
        for name in colors:
            check_color("Materials", name, getattr(self, name))
        if self.shininess.ndim != 1:
            raise ValueError(f"Materials: shininess must have shape (N,), got {tuple(self.shininess.shape)}")
