"""PyTorch3D's ``pytorch3d.utils``: shapes, and the cameras of others."""

from .checkerboard import checkerboard
from .ico_sphere import ico_sphere
from .torus import torus

__all__ = ["checkerboard", "ico_sphere", "torus"]
