"""Files of meshes: which there are, and who reads and writes each of them."""

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import trimesh

from .foreign_files import is_file
from .off_files import read_off
from .ply_files import read_ply, write_ply
from .stl_files import read_stl, write_stl
from .textured_files import (
    MAX_FACES,
    Contents,
    read_textured_obj,
    textured_scene,
    trimesh_scene,
    vertex_colors,
    write_textured_glb,
    write_textured_obj,
    write_untextured,
)

__all__ = ["READABLE", "WRITABLE", "read_mesh", "write_mesh"]

READABLE = (".glb", ".gltf", ".obj", ".off", ".ply", ".stl")
WRITABLE = (".glb", ".obj", ".ply", ".stl")

OF_POLYGONS = {".off": read_off, ".ply": read_ply, ".stl": read_stl}

M = TypeVar("M")


def read_mesh(path: Path, make: Callable[..., M]) -> M:
    """What ``make`` (`Mesh`) makes of what a file holds; a scene becomes one mesh. See `Mesh.load`, which calls this.

    Raises:
        FileNotFoundError, ValueError: as `Mesh.load` says.
    """
    kind = path.suffix.lower()
    if kind not in READABLE:
        raise ValueError(f"Mesh.load: the file must be one of {', '.join(READABLE)}, got {path.name!r}")
    if not is_file(path):
        raise FileNotFoundError(f"Mesh.load: there is no file {path}")
    if kind == ".obj" and (textured := read_textured_obj(path)) is not None:
        return _made(path, make, textured)
    if kind in OF_POLYGONS:
        return _made(path, make, OF_POLYGONS[kind](path))
    try:
        scene, loaded = trimesh_scene(path)
    except Exception as error:  # trimesh's readers raise whatever the malformed file makes them stumble over
        if str(error).startswith("Mesh.load"):
            raise
        raise ValueError(f"Mesh.load: {path} must be a readable {path.suffix} file, got {type(error).__name__}: {error}") from error
    if not isinstance(loaded, trimesh.Trimesh) or len(loaded.faces) == 0:
        raise ValueError(f"Mesh.load: {path} must hold triangles, got none")
    _made(path, make, Contents(vertices=loaded.vertices, faces=loaded.faces))  # before anything looks up what the faces point to
    if kind != ".obj" and (textured := textured_scene(path, scene, loaded)) is not None:
        return _made(path, make, textured)
    return _made(path, make, Contents(vertices=loaded.vertices, faces=loaded.faces, colors=vertex_colors(scene, loaded)))


def _made(path: Path, make: Callable[..., M], contents: Contents) -> M:
    if len(contents.faces) > MAX_FACES:
        raise ValueError(f"Mesh.load: {path} must have at most 2^27 faces, got {len(contents.faces)}")
    try:
        return make(**vars(contents))
    except (TypeError, ValueError) as error:
        raise ValueError(f"Mesh.load: {path} must hold a good mesh: {str(error).removeprefix('Mesh: ')}") from error


def write_mesh(path: Path, contents: Contents) -> None:
    """Writes a file, as its name says. See `Mesh.save`, which calls this.

    Raises:
        ValueError: if its name is not that of a mesh's file.
    """
    kind = path.suffix.lower()
    if kind not in WRITABLE:
        raise ValueError(f"Mesh.save: the file must be one of {', '.join(WRITABLE)}, got {path.name!r}")
    path.parent.mkdir(parents=True, exist_ok=True)
    if kind == ".ply":
        write_ply(path, contents)
    elif kind == ".stl":
        write_stl(path, contents)
    elif contents.uvs is not None and kind == ".glb":
        write_textured_glb(path, contents, contents.uvs)
    elif contents.uvs is not None and kind == ".obj":
        write_textured_obj(path, contents, contents.uvs)
    else:
        write_untextured(path, contents)
