"""What is rendered: `Mesh` (and its files), `Camera`, `Topology` (batches), `Connectivity` (who is whose neighbour), and how: `RasterizeSettings`.

Nothing here computes a picture, and nothing starts Taichi. What files of others may do to us is in `foreign_files`.
"""

from .atlas import packed
from .camera import Camera, Convention, Lens, distortion_limit
from .connectivity import Connectivity, edges_of, pairs_at_edges
from .contents import vertex_normals
from .foreign_files import (
    MAX_PIXELS,
    PICTURE_FORMATS,
    NamedFiles,
    as_path,
    file_near,
    is_file,
    is_transparent,
    picture_file,
    pixels,
    read_arrays,
    read_content,
    read_json,
    read_text,
    without_comment,
)
from .mesh import Mesh
from .obj_files import obj_text
from .obj_lines import read_obj_lines
from .obj_materials import Material, material_of_map, read_materials
from .off_files import off_text, read_off_content
from .ply_files import ply_bytes, read_ply_content
from .polygons import fans_of
from .settings import Blending, Distance, Distribution, Extrapolation, Interpolation, Opacity, Order, RasterizeSettings, Sides, Silhouette, Texture
from .shapes import creature
from .subdivision import Subdivision
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
    "Material",
    "Mesh",
    "NamedFiles",
    "Opacity",
    "Order",
    "RasterizeSettings",
    "Sides",
    "Silhouette",
    "Subdivision",
    "Texture",
    "Topology",
    "as_path",
    "creature",
    "distortion_limit",
    "edges_of",
    "fans_of",
    "file_near",
    "is_file",
    "is_transparent",
    "material_of_map",
    "obj_text",
    "off_text",
    "packed",
    "pairs_at_edges",
    "picture_file",
    "pixels",
    "ply_bytes",
    "read_arrays",
    "read_content",
    "read_json",
    "read_materials",
    "read_obj_lines",
    "read_off_content",
    "read_ply_content",
    "read_text",
    "vertex_normals",
    "without_comment",
]
