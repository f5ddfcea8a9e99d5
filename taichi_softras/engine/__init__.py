"""From vertices to pixels and back: `render` and `Renderer`, textures, lights, losses, optimisers; `dibr` and `fragments` beside our own rasteriser; voxels;
what is `nearest`, `sampling` of surfaces, `laplacians`.

Written against `Arrays`, so that Taichi's tape and torch's autograd run the same. `dibr`, `fragments`, `laplacians`, `nearest`, `sampling` and `voxels` are
imported when they are asked for.
"""

from . import lighting, losses
from .clipping import Clipped, clip_near
from .optimizers import SGD, Adam
from .rasterizer import Output, RenderedImage, as_seen_by, check_scene, project, project_points, rasterize, render, view
from .renderer import MeshRenderer, Renderer, render_mesh
from .textures import (
    Filter,
    FlatTextures,
    TextureLevels,
    TextureSettings,
    UVTexture,
    Wrap,
    flat_textures,
    mip_pyramid,
    n_channels,
    n_pictures,
    sample_flat,
    sample_texture,
)

__all__ = [
    "SGD",
    "Adam",
    "Clipped",
    "Filter",
    "FlatTextures",
    "MeshRenderer",
    "Output",
    "RenderedImage",
    "Renderer",
    "TextureLevels",
    "TextureSettings",
    "UVTexture",
    "Wrap",
    "as_seen_by",
    "check_scene",
    "clip_near",
    "dibr",
    "flat_textures",
    "fragments",
    "laplacians",
    "lighting",
    "losses",
    "mip_pyramid",
    "n_channels",
    "n_pictures",
    "nearest",
    "project",
    "project_points",
    "rasterize",
    "render",
    "render_mesh",
    "sample_flat",
    "sample_texture",
    "sampling",
    "view",
    "voxels",
]
