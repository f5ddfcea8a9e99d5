"""Kaolin's ``kaolin.rep``: what a mesh is."""

from .surface_mesh import SurfaceMesh
from .tensor_container import TensorContainerBase

__all__ = ["SurfaceMesh", "TensorContainerBase"]
