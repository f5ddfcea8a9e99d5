"""PyTorch3D's ``pytorch3d.renderer``: cameras, lights, materials, blending, and all of ``renderer.mesh``."""

from . import mesh
from .blending import BlendParams, hard_rgb_blend, sigmoid_alpha_blend, softmax_rgb_blend
from .camera_utils import camera_to_eye_at_up, join_cameras_as_batch, rotate_on_spot
from .cameras import (
    CamerasBase,
    FoVOrthographicCameras,
    FoVPerspectiveCameras,
    OpenGLOrthographicCameras,
    OpenGLPerspectiveCameras,
    OrthographicCameras,
    PerspectiveCameras,
    SfMOrthographicCameras,
    SfMPerspectiveCameras,
    camera_position_from_spherical_angles,
    get_world_to_view_transform,
    look_at_rotation,
    look_at_view_transform,
)
from .fisheyecameras import FishEyeCameras
from .lighting import AmbientLights, DirectionalLights, PointLights, diffuse, specular
from .materials import Materials
from .mesh import *  # noqa: F403
from .utils import TensorProperties, convert_to_tensors_and_broadcast, ndc_grid_sample, ndc_to_grid_sample_coords

__all__ = [
    "AmbientLights",
    "BlendParams",
    "CamerasBase",
    "DirectionalLights",
    "FishEyeCameras",
    "FoVOrthographicCameras",
    "FoVPerspectiveCameras",
    "Materials",
    "OpenGLOrthographicCameras",
    "OpenGLPerspectiveCameras",
    "OrthographicCameras",
    "PerspectiveCameras",
    "PointLights",
    "SfMOrthographicCameras",
    "SfMPerspectiveCameras",
    "TensorProperties",
    "camera_position_from_spherical_angles",
    "camera_to_eye_at_up",
    "convert_to_tensors_and_broadcast",
    "diffuse",
    "get_world_to_view_transform",
    "hard_rgb_blend",
    "join_cameras_as_batch",
    "look_at_rotation",
    "look_at_view_transform",
    "mesh",
    "ndc_grid_sample",
    "ndc_to_grid_sample_coords",
    "rotate_on_spot",
    "sigmoid_alpha_blend",
    "softmax_rgb_blend",
    "specular",
    *mesh.__all__,
]
