"""Kaolin's ``kaolin.io``: files."""

from . import gltf, materials, obj, render, usd, utils
from .mesh import import_mesh

__all__ = ["gltf", "import_mesh", "materials", "obj", "render", "usd", "utils"]
