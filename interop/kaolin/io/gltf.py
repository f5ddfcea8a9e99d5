"""Kaolin's ``kaolin.io.gltf``: glTF and GLB files, read by `taichi_softras.Mesh.load`."""

from pathlib import Path
from typing import Any

import torch

from ....scene import Mesh
from ..render.materials import PBRMaterial
from ..rep import SurfaceMesh

__all__ = ["import_mesh"]


def import_mesh(path: str | Path) -> SurfaceMesh:
    """The mesh of a glTF or GLB file, moved as its nodes say: vertices, faces, and of what looks it has ``uvs`` (v down) and one material.

    Where Kaolin has a material for each of the file's, several pictures and colours here become one picture (see `taichi_softras.Mesh.load`), which is the
    ``diffuse_texture`` [H, W, 3]; other channels (metallic, roughness, normals) are left out. Colours of vertices are ``vertex_colors``.
    """
    mesh = Mesh.load(path)
    if Path(path).suffix.lower() not in (".gltf", ".glb"):
        raise ValueError(f"import_mesh: path must end in .gltf or .glb, got {path}")
    faces = torch.tensor(mesh.faces, dtype=torch.int64)
    kept: dict[str, Any] = {}
    if mesh.uvs is not None:
        uvs = torch.tensor(mesh.uvs)
        uvs[:, 1] = 1 - uvs[:, 1]
        kept |= {"uvs": uvs, "face_uvs_idx": faces if mesh.face_uvs is None else torch.tensor(mesh.face_uvs, dtype=torch.int64)}
    if mesh.texture is not None:
        picture = torch.tensor(mesh.texture[..., :3])
        materials = [PBRMaterial(diffuse_texture=picture, material_name="material_0")]
        return SurfaceMesh(
            torch.tensor(mesh.vertices, dtype=torch.float32),
            faces,
            materials=materials,
            material_assignments=torch.zeros(len(faces), dtype=torch.int16),
            **kept,
        )
    colors = None if mesh.colors is None else torch.tensor(mesh.colors)
    return SurfaceMesh(torch.tensor(mesh.vertices, dtype=torch.float32), faces, vertex_colors=colors, **kept)
