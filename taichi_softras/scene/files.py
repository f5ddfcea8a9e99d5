"""Files of meshes: which there are, and who reads and writes each of them."""

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import numpy as np

from .contents import Contents, vertex_normals
from .foreign_files import is_file
from .gltf_files import read_gltf, write_glb
from .obj_files import read_obj, write_obj
from .off_files import read_off
from .ply_files import read_ply, write_ply
from .stl_files import read_stl, write_stl

__all__ = ["READERS", "WRITERS", "read_mesh", "write_mesh"]

READERS: dict[str, Callable[[Path], Contents]] = {
    ".glb": read_gltf,
    ".gltf": read_gltf,
    ".obj": read_obj,
    ".off": read_off,
    ".ply": read_ply,
    ".stl": read_stl,
}
WRITERS: dict[str, Callable[..., None]] = {".glb": write_glb, ".obj": write_obj, ".ply": write_ply, ".stl": write_stl}
WITH_NORMALS = (".glb", ".obj")
WITH_OPACITY = (".glb",)

MAX_FACES = 1 << 27

M = TypeVar("M")


def read_mesh(path: Path, make: Callable[..., M]) -> M:
    """What ``make`` (`Mesh`) makes of what a file holds; a scene becomes one mesh. See `Mesh.load`, which calls this.

    Raises:
        FileNotFoundError, ValueError: as `Mesh.load` says.
    """
    kind = path.suffix.lower()
    if kind not in READERS:
        raise ValueError(f"Mesh.load: the file must be one of {', '.join(READERS)}, got {path.name!r}")
    if not is_file(path):
        raise FileNotFoundError(f"Mesh.load: there is no file {path}")
    contents = READERS[kind](path)
    if len(contents.faces) > MAX_FACES:
        raise ValueError(f"Mesh.load: {path} must have at most 2^27 faces, got {len(contents.faces)}")
    try:
        return make(**vars(contents))
    except (TypeError, ValueError) as error:
        raise ValueError(f"Mesh.load: {path} must hold a good mesh: {str(error).removeprefix('Mesh: ')}") from error


def write_mesh(path: Path, contents: Contents, normals: bool = False, opacity: np.ndarray | None = None) -> None:
    """Writes a file, as its name says. See `Mesh.save`, which calls this.

    Raises:
        ValueError: if its name is not that of a mesh's file, or of one that has no normals, or no opacities, where they are asked for.
    """
    kind = path.suffix.lower()
    if kind not in WRITERS:
        raise ValueError(f"Mesh.save: the file must be one of {', '.join(WRITERS)}, got {path.name!r}")
    if normals and kind not in WITH_NORMALS:
        raise ValueError(f"Mesh.save: with normals the file must be one of {', '.join(WITH_NORMALS)}, got {path.name!r}")
    if opacity is not None and kind not in WITH_OPACITY:
        raise ValueError(f"Mesh.save: with opacity the file must be one of {', '.join(WITH_OPACITY)}, got {path.name!r}")
    path.parent.mkdir(parents=True, exist_ok=True)
    more = {"normals": vertex_normals(contents.vertices, contents.faces)} if normals else {}
    WRITERS[kind](path, contents, **more | ({} if opacity is None else {"opacity": opacity}))
