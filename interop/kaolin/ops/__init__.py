"""Kaolin's ``kaolin.ops``: what it has of meshes, and of points, batches and random numbers as far as meshes want it."""

from . import batch, coords, mesh, pointcloud, random

__all__ = ["batch", "coords", "mesh", "pointcloud", "random"]
