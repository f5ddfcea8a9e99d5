"""PyTorch3D's ``pytorch3d.transforms``: 4 x 4 matrices, and all representations of rotations."""

from .math import acos_linear_extrapolation
from .rotation_conversions import *  # noqa: F403
from .rotation_conversions import __all__ as _rotations
from .se3 import se3_exp_map, se3_log_map
from .so3 import so3_exp_map, so3_exponential_map, so3_log_map, so3_relative_angle, so3_rotation_angle
from .transform3d import Rotate, RotateAxisAngle, Scale, Transform3d, Translate

__all__ = [
    "Rotate",
    "RotateAxisAngle",
    "Scale",
    "Transform3d",
    "Translate",
    "acos_linear_extrapolation",
    "se3_exp_map",
    "se3_log_map",
    "so3_exp_map",
    "so3_exponential_map",
    "so3_log_map",
    "so3_relative_angle",
    "so3_rotation_angle",
    *_rotations,
]
