"""Kaolin's ``kaolin.ops``: what it has of meshes, and of points and batches as far as meshes want it."""

from . import batch, coords, mesh, pointcloud

__all__ = ["batch", "coords", "mesh", "pointcloud"]
