"""PyTorch3D's ``pytorch3d.utils``."""

from .camera_conversions import (
    cameras_from_opencv_projection,
    opencv_from_cameras_projection,
)
from .camera_conversions import pulsar_from_cameras_projection as pulsar_from_cameras_projection
from .camera_conversions import pulsar_from_opencv_projection as pulsar_from_opencv_projection

__all__ = ["cameras_from_opencv_projection", "opencv_from_cameras_projection"]
