"""The materials of OBJ files, and texels of the faces made of their pictures."""

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

from ....checks import check_integer
from ....scene import Material, NamedFiles, picture_file, pixels, read_materials, without_comment
from .utils import opened

__all__ = ["load_mtl", "make_material_atlas", "make_mesh_texture_atlas"]

MAX_TEXELS = 1 << 10  # along a side of a face

Colors = dict[str, dict[str, torch.Tensor]]
Pictures = dict[str, torch.Tensor]


def load_mtl(f: Any, *, material_names: list[str], data_dir: str, device: Any = "cpu", path_manager: Any = None) -> tuple[Colors, Pictures]:
    """The colours and the pictures of materials, by their names.

    Args:
        f: path of the material file.
        material_names: those that are wanted; if none, the file has one, and that is.
        data_dir: the folder that pictures are looked for in.
        path_manager: iopath's, for names that are no paths.

    Returns:
        of each material what it has of ambient_color, diffuse_color, specular_color [3] and shininess [1]; and of those that have one the picture [H, W, 3],
        row 0 at the top, in [0, 1].

    Raises:
        FileNotFoundError: if there is no such file. ValueError: if no material is asked for, and it has several; or a picture is none.

    Warns:
        UserWarning: of a picture that is not there.
    """
    files, _ = opened("load_mtl", f, path_manager)
    beside = files if path_manager is not None else NamedFiles(Path(data_dir) / files.path.name)
    known = read_materials(files, [files.path.name], "load_mtl")
    return of_materials("load_mtl", beside, known, wanted_names("load_mtl", material_names, known), device)


def wanted_names(op: str, names: list[str], known: dict[str, Material]) -> list[str]:
    """The names that an OBJ file uses, or that of the only material there is."""
    bare = list(dict.fromkeys(map(without_comment, known)))
    if not names and len(bare) > 1:
        raise ValueError(f"{op}: the file must say by usemtl which of several materials it uses, got {', '.join(bare)}")
    return names or bare


def of_materials(op: str, files: NamedFiles, known: dict[str, Material], names: list[str], device: Any) -> tuple[Colors, Pictures]:
    """See `load_mtl`."""
    colors, pictures = Colors(), Pictures()
    for name in names:
        material = known.get(name) or known.get(without_comment(name))
        if material is None:
            continue
        said = {"ambient_color": material.ambient, "diffuse_color": material.color, "specular_color": material.specular}
        said["shininess"] = None if material.shininess is None else (material.shininess,)
        colors[name] = {key: torch.tensor(value, dtype=torch.float32, device=device) for key, value in said.items() if value is not None}
        if material.picture is None:
            continue
        subject = f"{op}: the texture of {files.path}"
        if (place := files.find(subject, material.picture)) is None:
            warnings.warn(f"{op}: {files.path} names the texture {material.picture!r}, and there is no such file", stacklevel=4)
            continue
        if (material.scale, material.offset) != ((1, 1), (0, 0)):
            warnings.warn(f"{op}: the options -s and -o of the texture {material.picture!r} of {files.path} are left out", stacklevel=4)
        with picture_file(subject, place, place.name) as picture:
            pictures[name] = torch.from_numpy(pixels(subject, place.name, picture, "RGB")).to(device)
    return colors, pictures


def make_mesh_texture_atlas(
    material_properties: Colors | None,
    texture_images: Pictures | None,
    face_material_names: Any,
    faces_uvs: torch.Tensor,
    verts_uvs: torch.Tensor,
    texture_size: int,
    texture_wrap: str | None,
) -> torch.Tensor:
    """[F, R, R, 3] texels of the faces: of their material's picture, else of its diffuse colour, else white.

    Args:
        material_properties, texture_images: as `load_mtl` gives them.
        face_material_names: [F] the name of each face's material.
        faces_uvs: [F, 3] into verts_uvs, -1 where a face has none; verts_uvs: [T, 2].
        texture_size: R.
        texture_wrap: "repeat": if any coordinate is outside of [0, 1], each corner's is taken modulo 1; "clamp"; or None: outside of pictures it is black.

    Warns:
        UserWarning: if coordinates are taken modulo 1.
    """
    op = "make_mesh_texture_atlas"
    check_integer(op, "texture_size", texture_size, 1, MAX_TEXELS)
    check_wrap(op, texture_wrap)
    names = np.asarray(face_material_names)
    atlas = torch.ones(len(faces_uvs), texture_size, texture_size, 3, device=faces_uvs.device)

    def of_material(name: str) -> torch.Tensor:
        return torch.from_numpy(np.flatnonzero(names == name)).to(faces_uvs.device)

    for name, said in (material_properties or {}).items():
        if "diffuse_color" in said:
            atlas[of_material(name)] = said["diffuse_color"].to(atlas)
    if len(verts_uvs) == 0 or not texture_images:
        return atlas
    uvs = verts_uvs[faces_uvs]
    outside = (uvs < 0) | (uvs > 1)
    if texture_wrap == "repeat" and bool(outside.any()):
        warnings.warn(f"{op}: texture coordinates outside of [0, 1] are taken modulo 1 at each corner of a face", stacklevel=2)
        uvs = uvs % 1
    elif texture_wrap == "clamp":
        uvs = uvs.clamp(0, 1)
    for name, picture in texture_images.items():
        faces = of_material(name)
        faces = faces[(faces_uvs[faces] >= 0).all(1)]
        atlas[faces] = make_material_atlas(picture[..., :3].flip(0).to(uvs), uvs[faces], texture_size).to(atlas)
    return atlas


def check_wrap(op: str, texture_wrap: str | None) -> None:
    if texture_wrap not in ("repeat", "clamp", None):
        raise ValueError(f"{op}: texture_wrap must be 'repeat', 'clamp' or None, got {texture_wrap!r}")


def make_material_atlas(image: torch.Tensor, faces_verts_uvs: torch.Tensor, texture_size: int) -> torch.Tensor:
    """[F, R, R, 3] bilinear samples of a picture [H, W, 3], row 0 at the bottom, where faces with texture coordinates [F, 3, 2] have their texels.

    Texel [y, x] is at the middle of one of the R^2 small triangles that a face is cut into: those beside the line x + y = R - 1 or below stand upright.
    """
    check_integer("make_material_atlas", "texture_size", texture_size, 1, MAX_TEXELS)
    R = texture_size
    line = torch.arange(R, device=image.device)
    y, x = torch.meshgrid(line, line, indexing="ij")
    upright = x + y < R
    weights = [torch.where(upright, k + 1 / 3, R - 1 - k + 2 / 3) / R for k in (x, y)]
    bary = torch.stack([*weights, 1 - weights[0] - weights[1]], -1).to(faces_verts_uvs)
    places = torch.einsum("yxk,fkc->fyxc", bary, faces_verts_uvs) * 2 - 1
    pictures = image.permute(2, 0, 1)[None]
    found = F.grid_sample(pictures, places.reshape(1, -1, R, 2), mode="bilinear", align_corners=True)
    return found[0].permute(1, 2, 0).reshape(-1, R, R, image.shape[2])
