"""PyTorch3D's cameras as other libraries tell them."""

from ..renderer.camera_conversions import cameras_from_opencv_projection, opencv_from_cameras_projection

__all__ = ["cameras_from_opencv_projection", "opencv_from_cameras_projection"]
