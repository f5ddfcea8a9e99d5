"""The formats that our own `Mesh` reads and writes and PyTorch3D does not, or only here: GLB, glTF and STL."""

from pathlib import Path
from typing import Any

from ....scene import Mesh
from ..structures import Meshes
from .pluggable_formats import MeshFormatInterpreter, check_options, endswith, mesh_of, meshes_of

__all__ = ["MeshGlbFormat", "MeshStlFormat"]


class _OwnFormat(MeshFormatInterpreter):
    """Files that `taichi_softras.Mesh` reads and writes."""

    known_suffixes: tuple[str, ...] = ()

    def read(self, path: Any, include_textures: bool, device: Any, path_manager: Any, **kwargs: Any) -> Meshes | None:
        if not self._is_path(path):
            return None
        check_options("load_mesh", kwargs)
        return meshes_of(Mesh.load(_local(path, path_manager)), include_textures, device)

    def save(self, data: Meshes, path: Any, path_manager: Any, binary: bool | None, **kwargs: Any) -> bool:
        if not self._is_path(path):
            return False
        check_options("save_mesh", kwargs)
        if binary is False:
            raise ValueError(f"save_mesh: binary must be True or None for {', '.join(self.known_suffixes)}, got False")
        mesh_of(data).save(_local(path, path_manager))
        return True

    def _is_path(self, path: Any) -> bool:
        return isinstance(path, (str, Path)) and endswith(path, self.known_suffixes)


def _local(path: Any, path_manager: Any) -> Any:
    return path if path_manager is None or isinstance(path, Path) else path_manager.get_local_path(path)


class MeshGlbFormat(_OwnFormat):
    """GLB and glTF files, for `IO`: a scene as one mesh, with `TexturesUV`, or `TexturesVertex` of its colours. Written is GLB."""

    known_suffixes = (".glb", ".gltf")


class MeshStlFormat(_OwnFormat):
    """STL files, for `IO`."""

    known_suffixes = (".stl",)
