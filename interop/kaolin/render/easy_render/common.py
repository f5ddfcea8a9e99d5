"""Kaolin's ``kaolin.render.easy_render.common``: what is used where nothing is given."""

import math
from typing import Any

import torch

from ..camera import Camera
from ..lighting import SgLightingParameters, sg_direction_from_azimuth_elevation
from ..materials import PBRMaterial

__all__ = ["default_camera", "default_lighting", "default_material"]

GREEN = (118 / 255, 185 / 255, 0.0)


def default_lighting() -> SgLightingParameters:
    """One light, from the upper right in front."""
    return SgLightingParameters(amplitude=3.0, direction=sg_direction_from_azimuth_elevation(2.3, math.pi / 3), sharpness=5.0)


def default_camera(resolution: int = 512) -> Camera:
    """At (1, 1, 1), looking at the origin, y up, 45 degrees wide, of a square image."""
    return Camera.from_args(eye=torch.ones(3), at=torch.zeros(3), up=torch.tensor([0.0, 1.0, 0.0]), fov=math.pi / 4, width=resolution, height=resolution)


def default_material(diffuse_color: Any = None) -> PBRMaterial:
    """A little glossy; green by default."""
    color = GREEN if diffuse_color is None else diffuse_color
    return PBRMaterial(diffuse_color=color, specular_color=(0.7, 0.5, 0.7), is_specular_workflow=True, material_name="DefaultMaterial")
