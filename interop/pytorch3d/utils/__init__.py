"""PyTorch3D's ``pytorch3d.utils``: shapes, and the cameras of others."""

from .camera_conversions import cameras_from_opencv_projection, opencv_from_cameras_projection

__all__ = ["cameras_from_opencv_projection", "opencv_from_cameras_projection"]
