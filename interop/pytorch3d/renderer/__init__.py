"""PyTorch3D's ``pytorch3d.renderer``: cameras, lights, materials, blending, and all of ``renderer.mesh``."""

from . import mesh
from .blending import BlendParams, hard_rgb_blend, sigmoid_alpha_blend, softmax_rgb_blend
from .cameras import (
    CamerasBase,
    FoVOrthographicCameras,
    FoVPerspectiveCameras,
    OrthographicCameras,
    PerspectiveCameras,
    camera_position_from_spherical_angles,
    get_world_to_view_transform,
    look_at_rotation,
    look_at_view_transform,
)
from .lighting import AmbientLights, DirectionalLights, PointLights, diffuse, specular
from .materials import Materials
from .mesh import *  # noqa: F403

__all__ = [
    "AmbientLights",
    "BlendParams",
    "CamerasBase",
    "DirectionalLights",
    "FoVOrthographicCameras",
    "FoVPerspectiveCameras",
    "Materials",
    "OrthographicCameras",
    "PerspectiveCameras",
    "PointLights",
    "camera_position_from_spherical_angles",
    "diffuse",
    "get_world_to_view_transform",
    "hard_rgb_blend",
    "look_at_rotation",
    "look_at_view_transform",
    "mesh",
    "sigmoid_alpha_blend",
    "softmax_rgb_blend",
    "specular",
    *mesh.__all__,
]
