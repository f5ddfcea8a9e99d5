"""Kaolin's ``kaolin.render.mesh``: DIB-R. The same names, arguments, defaults and layouts, on any device, float32 or float64.

What goes beyond the original comes after a ``*`` in the arguments. What differs is said in each docstring; where nothing is said, the results are the same.
"""

from .deftet import deftet_sparse_render
from .dibr import dibr_rasterization, dibr_soft_mask
from .rasterization import rasterize
from .utils import prepare_vertices, spherical_harmonic_lighting, texture_mapping

__all__ = [
    "deftet_sparse_render",
    "dibr_rasterization",
    "dibr_soft_mask",
    "prepare_vertices",
    "rasterize",
    "spherical_harmonic_lighting",
    "texture_mapping",
]
