"""Kaolin's ``kaolin.render``: meshes, and the cameras of DIB-R."""

from . import camera, mesh

__all__ = ["camera", "mesh"]
