"""PyTorch3D's ``pytorch3d.utils``: shapes, and the cameras of others."""

from .camera_conversions import cameras_from_opencv_projection, opencv_from_cameras_projection
from .checkerboard import checkerboard
from .ico_sphere import ico_sphere
from .torus import torus

__all__ = ["cameras_from_opencv_projection", "checkerboard", "ico_sphere", "opencv_from_cameras_projection", "torus"]
