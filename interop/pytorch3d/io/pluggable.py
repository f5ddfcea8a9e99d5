"""PyTorch3D's ``IO``: meshes of whatever format a file has."""

from collections import deque
from typing import Any

from ....checks import check_flag, check_kind
from ..structures import Meshes
from .experimental_gltf_io import MeshGlbFormat, MeshStlFormat
from .obj_io import MeshObjFormat
from .off_io import MeshOffFormat
from .pluggable_formats import MeshFormatInterpreter
from .ply_io import MeshPlyFormat

__all__ = ["IO"]


class IO:
    """Reads and writes OBJ, PLY and OFF files as PyTorch3D does, and GLB, glTF and STL as our own `Mesh` does; and what formats are registered.

    Args:
        include_default_formats: whether it knows these, or nothing yet.
        path_manager: iopath's, for names that are no paths.
    """

    def __init__(self, include_default_formats: bool = True, path_manager: Any = None) -> None:
        check_flag("IO", "include_default_formats", include_default_formats)
        self.path_manager = path_manager
        self.mesh_interpreters: deque[MeshFormatInterpreter] = deque()
        if include_default_formats:
            self.register_default_formats()

    def register_default_formats(self) -> None:
        for interpreter in (MeshStlFormat(), MeshGlbFormat(), MeshObjFormat(), MeshOffFormat(), MeshPlyFormat()):
            self.register_meshes_format(interpreter)

    def register_meshes_format(self, interpreter: MeshFormatInterpreter) -> None:
        """A further format, which is asked before the others."""
        check_kind("IO.register_meshes_format", "interpreter", interpreter, MeshFormatInterpreter)
        self.mesh_interpreters.appendleft(interpreter)

    def load_mesh(self, path: Any, include_textures: bool = True, device: Any = "cpu", **kwargs: Any) -> Meshes:
        """The one mesh of a file; ``kwargs`` are options of its format.

        Raises:
            FileNotFoundError: if there is no such file. TypeError, ValueError: if no format knows the name, or it is not what it should be.
        """
        check_flag("load_mesh", "include_textures", include_textures)
        for interpreter in self.mesh_interpreters:
            mesh = interpreter.read(path, include_textures=include_textures, path_manager=self.path_manager, device=device, **kwargs)
            if mesh is not None:
                return mesh
        raise ValueError(f"load_mesh: the file must be of a format that is registered, got {path}")

    def save_mesh(self, data: Meshes, path: Any, binary: bool | None = None, include_textures: bool = True, **kwargs: Any) -> None:
        """Writes the one mesh of a batch; ``kwargs`` are options of the format.

        Args:
            binary: whether the file is to be binary, if the format may be a text, too.
            include_textures: whether textures are written where the format can.

        Raises:
            TypeError, ValueError: if there is not one mesh, or no format knows the name.
        """
        if not hasattr(data, "verts_list"):
            raise TypeError(f"save_mesh: data must be Meshes, got {type(data).__name__}")
        if len(data) != 1:
            raise ValueError(f"save_mesh: data must be one mesh, got {len(data)}")
        check_flag("save_mesh", "include_textures", include_textures)
        if not include_textures:
            normals = data.verts_normals_list() if data.has_verts_normals() else None
            data = Meshes(data.verts_list(), data.faces_list(), verts_normals=normals)
        for interpreter in self.mesh_interpreters:
            if interpreter.save(data, path, path_manager=self.path_manager, binary=binary, **kwargs):
                return
        raise ValueError(f"save_mesh: the file must be of a format that is registered, got {path}")
