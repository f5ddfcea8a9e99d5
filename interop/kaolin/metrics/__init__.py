"""Kaolin's ``kaolin.metrics``."""

from . import pointcloud, render, trianglemesh

__all__ = ["pointcloud", "render", "trianglemesh"]
