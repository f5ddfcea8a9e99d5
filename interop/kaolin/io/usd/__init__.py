"""Kaolin's ``kaolin.io.usd``: meshes and materials in USD files. It needs usd-core, the extra ``usd``."""

from .materials import export_material, import_material
from .mesh import add_mesh, export_mesh, get_mesh_scene_paths, import_mesh, import_meshes
from .utils import create_stage, get_authored_time_samples, get_scene_paths

__all__ = [
    "add_mesh",
    "create_stage",
    "export_material",
    "export_mesh",
    "get_authored_time_samples",
    "get_mesh_scene_paths",
    "get_scene_paths",
    "import_material",
    "import_mesh",
    "import_meshes",
]
