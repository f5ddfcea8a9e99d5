"""PyTorch3D's ``pytorch3d.structures``: batches of meshes."""

from .meshes import Meshes

__all__ = ["Meshes"]
