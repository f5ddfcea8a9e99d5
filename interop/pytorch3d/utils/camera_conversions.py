"""PyTorch3D's cameras as other libraries tell them."""

from ...stand_in import left_out
from ..renderer.camera_conversions import cameras_from_opencv_projection, opencv_from_cameras_projection

__all__ = ["cameras_from_opencv_projection", "opencv_from_cameras_projection"]

pulsar_from_cameras_projection = left_out("pulsar_from_cameras_projection", "spheres (pulsar)", __name__)
pulsar_from_opencv_projection = left_out("pulsar_from_opencv_projection", "spheres (pulsar)", __name__)
