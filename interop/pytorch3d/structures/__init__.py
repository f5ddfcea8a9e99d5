"""PyTorch3D's ``pytorch3d.structures``: batches of meshes, and of points."""

from .meshes import Meshes
from .pointclouds import Pointclouds

__all__ = ["Meshes", "Pointclouds"]
