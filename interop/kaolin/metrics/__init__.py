"""Kaolin's ``kaolin.metrics``."""

from . import pointcloud, trianglemesh

__all__ = ["pointcloud", "trianglemesh"]
