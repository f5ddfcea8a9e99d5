"""Kaolin's ``kaolin.render.easy_render``: a picture of a mesh with materials, in one call."""

from .common import default_camera, default_lighting, default_material
from .mesh import (
    RenderPass,
    mesh_rasterize_interpolate_cuda,
    mesh_rasterize_interpolate_nvdiffrast,
    render_mesh,
    sg_shade,
    texture_sample_materials,
)

__all__ = [
    "RenderPass",
    "default_camera",
    "default_lighting",
    "default_material",
    "mesh_rasterize_interpolate_cuda",
    "mesh_rasterize_interpolate_nvdiffrast",
    "render_mesh",
    "sg_shade",
    "texture_sample_materials",
]
