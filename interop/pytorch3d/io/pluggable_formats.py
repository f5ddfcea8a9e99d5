"""What a format of files is, for `IO`: one's own can be registered."""

from pathlib import Path
from typing import Any

import torch

from ....scene import Mesh
from ..renderer.mesh.textures import TexturesUV, TexturesVertex
from ..structures import Meshes

__all__ = ["MeshFormatInterpreter", "PointcloudFormatInterpreter", "endswith"]


def endswith(path: Any, suffixes: tuple[str, ...]) -> bool:
    """Whether a path has one of the endings, in any case of letters. (A stream may have any.)"""
    if isinstance(path, (str, Path)):
        return str(path).lower().endswith(suffixes)
    return True


class MeshFormatInterpreter:
    """Reads and writes the files of one format: a class of one's own has these two methods."""

    def read(self, path: Any, include_textures: bool, device: Any, path_manager: Any, **kwargs: Any) -> Meshes | None:
        """The one mesh of a file; None if it is of another format."""
        raise NotImplementedError("MeshFormatInterpreter.read: it is for a class of one's own to be defined")

    def save(self, data: Meshes, path: Any, path_manager: Any, binary: bool | None, **kwargs: Any) -> bool:
        """Writes one mesh; False if the file is of another format."""
        raise NotImplementedError("MeshFormatInterpreter.save: it is for a class of one's own to be defined")


class PointcloudFormatInterpreter:
    """A format of points, which `IO` does not read."""


def check_options(op: str, given: dict[str, Any], known: tuple[str, ...] = ()) -> None:
    """That no option is given which the format does not have."""
    for name in given:
        if name not in known:
            raise TypeError(f"{op}: an option must be {' or '.join(known) or 'none, for this format'}, got {name}")


def meshes_of(mesh: Mesh, include_textures: bool, device: Any) -> Meshes:
    """A batch of one mesh of ours, with its texture, else with its colours."""
    textures: TexturesUV | TexturesVertex | None = None
    if include_textures and mesh.texture is not None and mesh.uvs is not None:
        face_uvs = mesh.faces if mesh.face_uvs is None else mesh.face_uvs
        maps, faces_uvs, verts_uvs = ([torch.tensor(array, device=device)] for array in (mesh.texture[..., :3], face_uvs, mesh.uvs))
        textures = TexturesUV(maps, faces_uvs, verts_uvs)
    elif include_textures and mesh.colors is not None:
        textures = TexturesVertex([torch.tensor(mesh.colors, device=device)])
    return Meshes([torch.tensor(mesh.vertices, device=device)], [torch.tensor(mesh.faces, device=device)], textures)


def mesh_of(meshes: Meshes) -> Mesh:
    """The mesh of a batch of one, with its picture (three or four channels), or its colours at the vertices (three)."""
    looks: dict[str, Any] = {}
    textures = meshes.textures
    if isinstance(textures, TexturesUV):
        names = {"texture": textures.maps_list(), "uvs": textures.verts_uvs_list(), "face_uvs": textures.faces_uvs_list()}
        looks = {name: tensors[0].detach().cpu().numpy() for name, tensors in names.items()}
    elif isinstance(textures, TexturesVertex):
        looks = {"colors": textures.verts_features_list()[0].detach().cpu().numpy()}
    return Mesh(vertices=meshes.verts_list()[0].detach().cpu().numpy(), faces=meshes.faces_list()[0].cpu().numpy(), **looks)
