"""Kaolin's ``kaolin.io.mesh``: a mesh of a file, whatever its format."""

from pathlib import Path

from ....checks import check_flag
from ....scene import as_path, is_file
from ..rep import SurfaceMesh
from . import gltf, obj, usd
from .utils import mesh_handler_naive_triangulate

__all__ = ["import_mesh"]


def import_mesh(filename: str | Path, triangulate: bool = False) -> SurfaceMesh | None:
    """The mesh of an OBJ, glTF, GLB or USD file, with all that is read of it: see `obj.import_mesh`, `gltf.import_mesh`, `usd.import_mesh`."""
    op = "import_mesh"
    path = as_path(op, "filename", filename)
    check_flag(op, "triangulate", triangulate)
    if not is_file(path):
        raise FileNotFoundError(f"{op}: there is no file {path}")
    ending = path.suffix.lower()
    if ending == ".obj":
        handler = mesh_handler_naive_triangulate
        return obj.import_mesh(path, True, True, heterogeneous_mesh_handler=handler, triangulate=triangulate, raw_materials=False)
    if ending in (".gltf", ".glb"):
        return gltf.import_mesh(path)
    if ending in (".usd", ".usda", ".usdc", ".usdz"):
        return usd.import_mesh(path, triangulate=triangulate)
    raise ValueError(f"{op}: filename must end in .obj, .gltf, .glb, .usd, .usda, .usdc or .usdz, got {path.name}")
