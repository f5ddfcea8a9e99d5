"""What is rendered: meshes and their files, cameras, batches, and how a scene is to be rasterised. Nothing here computes a picture."""

from .camera import Camera, Convention, Lens, distortion_limit
from .connectivity import Connectivity
from .foreign_files import MAX_PIXELS, PICTURE_FORMATS, as_path, file_near, is_file, is_transparent, picture_file, pixels, read_json, read_text
from .mesh import Mesh
from .settings import Blending, Distance, Distribution, Extrapolation, Interpolation, RasterizeSettings, Sides, Silhouette, Texture
from .shapes import creature
from .topology import Topology

__all__ = [
    "MAX_PIXELS",
    "PICTURE_FORMATS",
    "Blending",
    "Camera",
    "Connectivity",
    "Convention",
    "Distance",
    "Distribution",
    "Extrapolation",
    "Interpolation",
    "Lens",
    "Mesh",
    "RasterizeSettings",
    "Sides",
    "Silhouette",
    "Texture",
    "Topology",
    "as_path",
    "creature",
    "distortion_limit",
    "file_near",
    "is_file",
    "is_transparent",
    "picture_file",
    "pixels",
    "read_json",
    "read_text",
]
