"""Kaolin's ``kaolin.render``: cameras, meshes, light and materials."""

from . import camera, easy_render, lighting, materials, mesh

__all__ = ["camera", "easy_render", "lighting", "materials", "mesh"]
