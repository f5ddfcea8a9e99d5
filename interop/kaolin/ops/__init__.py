"""Kaolin's ``kaolin.ops``: what it has of meshes, and of points and batches as far as meshes want it."""

from . import batch, mesh, pointcloud

__all__ = ["batch", "mesh", "pointcloud"]
