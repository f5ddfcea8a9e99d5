"""OBJ files, as PyTorch3D reads and writes them. (The lines and the materials are read as `taichi_softras.Mesh` reads them.)"""

import io
import os
import warnings
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from PIL import Image

from ....checks import check_flag, check_integer
from ....scene import NamedFiles, as_path, fans_of, obj_text, read_materials, read_obj_lines, without_comment
from ...checks import check_index_tensor, check_tensor
from ..renderer.mesh.textures import TexturesAtlas, TexturesUV
from ..structures import Meshes, join_meshes_as_batch
from .mtl_io import MAX_TEXELS, Colors, Pictures, check_wrap, make_mesh_texture_atlas, of_materials, wanted_names
from .pluggable_formats import MeshFormatInterpreter, check_options, endswith
from .utils import opened, written

__all__ = ["MeshObjFormat", "load_obj", "load_objs_as_meshes", "save_obj"]

MOST_DECIMALS = 30


class Faces(NamedTuple):
    """Of the triangles of an OBJ file, [F, 3] int64 each: the vertices, normals and texture coordinates at their corners, -1 where none are; and [F]
    materials_idx, the place of their material among the names in the file (as in ``material_colors``, where all of them are there), -1 before the first."""

    verts_idx: torch.Tensor
    normals_idx: torch.Tensor
    textures_idx: torch.Tensor
    materials_idx: torch.Tensor


class Properties(NamedTuple):
    """What else an OBJ file has; None for what it has not, or what was not asked for.

    normals: [M, 3]. verts_uvs: [T, 2]. material_colors, texture_images: see `mtl_io.load_mtl`. texture_atlas: [F, R, R, 3].
    """

    normals: torch.Tensor | None
    verts_uvs: torch.Tensor | None
    material_colors: Colors | None
    texture_images: Pictures | None
    texture_atlas: torch.Tensor | None


def load_obj(
    f: Any,
    load_textures: bool = True,
    create_texture_atlas: bool = False,
    texture_atlas_size: int = 4,
    texture_wrap: str | None = "repeat",
    device: Any = "cpu",
    path_manager: Any = None,
) -> tuple[torch.Tensor, Faces, Properties]:
    """What an OBJ file says: vertices [V, 3] float32, `Faces`, and `Properties`. Polygons become fans about their first corner.

    Args:
        f: a path, or a stream of text or bytes (whose material file is looked for where the program runs).
        load_textures: whether material files and pictures are read.
        create_texture_atlas: whether to make texels of the faces, ``texture_atlas_size`` along a side; see `mtl_io.make_mesh_texture_atlas`.
        texture_wrap: "repeat", "clamp" or None, for these texels.
        device: where the tensors are to be.
        path_manager: iopath's, for names that are no paths.

    Raises:
        FileNotFoundError: if there is no such file. TypeError, ValueError: if an argument is none that fits, a line makes no sense, a vertex is not there, some
            corners of a face have a normal or texture coordinates and others not; or it names several materials, and says of no face which it has.

    Warns:
        UserWarning: if a material file or a picture is named, and not there; if faces have normals or texture coordinates that are not there: they have none.
    """
    op = "load_obj"
    for name, flag in (("load_textures", load_textures), ("create_texture_atlas", create_texture_atlas)):
        check_flag(op, name, flag)
    check_integer(op, "texture_atlas_size", texture_atlas_size, 1, MAX_TEXELS)
    check_wrap(op, texture_wrap)
    files, content = opened(op, f, path_manager)
    try:
        lines = read_obj_lines(content, normals=True, lenient=True)
        of_corners, of_uvs, of_normals = (indices.astype(np.int64) for indices in (lines.corners, lines.corner_uvs, lines.corner_normals))
        for what, indices, n in (("texture coordinates", of_uvs, len(lines.uvs)), ("normals", of_normals, len(lines.normals))):
            if _without_stray(what, indices, lines.sizes, n):
                warnings.warn(f"{op}: {files.path} has faces whose {what} are not in the file: they have none", stacklevel=2)
        with np.errstate(over="raise"):
            tables = [torch.from_numpy(table.astype(np.float32)).to(device) for table in (lines.positions, lines.normals, lines.uvs)]
    except (ValueError, OverflowError, FloatingPointError) as error:
        raise ValueError(f"{op}: {files.path} must be an OBJ file, got {type(error).__name__}: {error}") from error
    verts, normals, uvs = tables
    fans = fans_of(lines.sizes)
    corners, uv_corners, normal_corners = (torch.from_numpy(indices[fans]).to(device) for indices in (of_corners, of_uvs, of_normals))
    names, of_polygon = _names(lines.materials, lines.of_polygon)
    colors, pictures, names, first = (None, None, names, -1) if not load_textures else _materials(op, files, lines.libraries, names, device)
    of_face = np.repeat(np.maximum(of_polygon, first), np.maximum(lines.sizes - 2, 0))
    atlas = None
    if create_texture_atlas:
        of_names = np.array([*names, ""], dtype=object)[of_face]
        atlas = make_mesh_texture_atlas(colors, pictures, of_names, uv_corners, uvs, texture_atlas_size, texture_wrap)
    faces = Faces(corners, normal_corners, uv_corners, torch.from_numpy(of_face).to(device))
    return verts, faces, Properties(normals if len(normals) else None, uvs if len(uvs) else None, colors, pictures, atlas)


def _without_stray(what: str, at_corners: np.ndarray, sizes: np.ndarray, n: int) -> bool:
    """Puts -1 at all corners of polygons that have an index of n or more at one; whether there were any. Others have something at all corners, or at none."""

    def some(is_so: np.ndarray) -> np.ndarray:
        """[P] at how many corners of each polygon."""
        sums, ends = np.concatenate([[0], np.cumsum(is_so)]), np.cumsum(sizes)
        return sums[ends] - sums[ends - sizes]

    n_there = some(at_corners >= 0)
    if ((n_there > 0) & (n_there < sizes)).any():
        raise ValueError(f"a face with {what} at some of its corners only")
    stray = some(at_corners >= n) > 0
    at_corners[np.repeat(stray, sizes)] = -1
    return bool(stray.any())


def _names(materials: list[str], of_polygon: np.ndarray) -> tuple[list[str], np.ndarray]:
    """Each name once, in the order of the file; and which each polygon has, -1 before the first."""
    numbers = {name: number for number, name in enumerate(dict.fromkeys(materials))}
    return list(numbers), np.array([*(numbers[name] for name in materials), -1], np.int64)[of_polygon]


def _materials(op: str, files: NamedFiles, libraries: list[str], names: list[str], device: Any) -> tuple[Colors | None, Pictures | None, list[str], int]:
    """(colours; pictures; the names that faces have; the one that those before any ``usemtl`` have)."""
    if not libraries and names:
        warnings.warn(f"{op}: {files.path} has materials, and names no material file", stacklevel=3)
    if not libraries:
        return None, None, names, -1
    known = read_materials(files, libraries, op)
    if not known and not any(files.find(op, without_comment(library)) for library in libraries):
        warnings.warn(f"{op}: {files.path} names the material file {libraries[-1]!r}, and there is no such file", stacklevel=3)
        return None, None, names, -1
    wanted = wanted_names(op, names, known)
    colors, pictures = of_materials(op, files, known, wanted, device)
    return colors, pictures, wanted, -1 if names or not wanted else 0


def load_objs_as_meshes(
    files: list[Any],
    device: Any = None,
    load_textures: bool = True,
    create_texture_atlas: bool = False,
    texture_atlas_size: int = 4,
    texture_wrap: str | None = "repeat",
    path_manager: Any = None,
) -> Meshes:
    """A batch of the meshes of OBJ files, with `TexturesUV` of the first picture that a file names, or `TexturesAtlas`; the arguments are those of `load_obj`.

    Warns:
        UserWarning: if a file names several pictures: ``create_texture_atlas`` has them all.
    """
    op = "load_objs_as_meshes"
    if not isinstance(files, (list, tuple)) or not files:
        raise ValueError(f"{op}: files must be a list of at least one path, got {files if isinstance(files, (list, tuple)) else type(files).__name__}")
    meshes, device = list[Meshes](), "cpu" if device is None else device
    for f in files:
        verts, faces, aux = load_obj(f, load_textures, create_texture_atlas, texture_atlas_size, texture_wrap, device, path_manager)
        textures: TexturesAtlas | TexturesUV | None = None
        if create_texture_atlas:
            textures = TexturesAtlas([aux.texture_atlas])
        elif aux.texture_images and aux.verts_uvs is not None:
            if len(aux.texture_images) > 1:
                warnings.warn(f"{op}: {f} must have one picture to have TexturesUV: the first of {len(aux.texture_images)} is taken", stacklevel=2)
            faces_uvs = torch.where(faces.textures_idx < 0, len(aux.verts_uvs) - 1, faces.textures_idx)
            textures = TexturesUV([next(iter(aux.texture_images.values()))], [faces_uvs], [aux.verts_uvs])
        meshes.append(Meshes([verts], [faces.verts_idx], textures))
    return meshes[0] if len(meshes) == 1 else join_meshes_as_batch(meshes)


def save_obj(
    f: Any,
    verts: torch.Tensor,
    faces: torch.Tensor,
    decimal_places: int | None = None,
    path_manager: Any = None,
    *,
    normals: torch.Tensor | None = None,
    faces_normals_idx: torch.Tensor | None = None,
    verts_uvs: torch.Tensor | None = None,
    faces_uvs: torch.Tensor | None = None,
    texture_map: torch.Tensor | None = None,
) -> None:
    """Writes an OBJ file; with verts_uvs, faces_uvs and texture_map also a .mtl and a .png of the same name beside it.

    Args:
        verts: [V, 3]. faces: [F, 3] integers.
        decimal_places: of all numbers; 6 by default.
        normals, faces_normals_idx: [M, 3] and [F, 3] into them; both or none.
        verts_uvs, faces_uvs, texture_map: [T, 2]; [F, 3] into them; [H, W, 3] in [0, 1], row 0 at the top.

    Raises:
        TypeError, ValueError: if they do not go together, or an index is out of range.

    Warns:
        UserWarning: if there are neither vertices nor faces: then the file is empty.
    """
    op, sizes = "save_obj", dict[str, int]()
    verts, faces = empty_rows(verts), empty_rows(faces, torch.int64)
    check_tensor(op, "verts", verts, ("V", 3), sizes)
    check_index_tensor(op, "faces", faces, ("F", 3), "verts", len(verts), sizes)
    if (normals is None) != (faces_normals_idx is None):
        raise ValueError(f"{op}: normals and faces_normals_idx must both be given, or none, got {'normals' if faces_normals_idx is None else 'the indices'}")
    for name, rows, index_name, indices, width in (
        ("normals", normals, "faces_normals_idx", faces_normals_idx, 3),
        ("verts_uvs", verts_uvs, "faces_uvs", faces_uvs, 2),
    ):
        if rows is not None:
            check_tensor(op, name, rows, ("rows", width))
        if indices is not None:
            check_index_tensor(op, index_name, indices, ("F", 3), name, 1 << 62 if rows is None else len(rows), sizes)
    if texture_map is not None:
        check_tensor(op, "texture_map", texture_map, ("H", "W", 3))
    path = as_path(op, "f", f)
    if not len(verts) and not len(faces):
        warnings.warn(f"{op}: verts and faces are empty", stacklevel=2)
        written(op, f, b"", path_manager)
        return
    number = decimals(op, decimal_places)
    head = ""
    if verts_uvs is None or faces_uvs is None or texture_map is None:
        verts_uvs = faces_uvs = None
    else:
        _save_material(op, f, path, texture_map, path_manager)
        head = f"\nmtllib {path.stem}.mtl\nusemtl mesh\n\n"
    names = ("vertices", "faces", "uvs", "face_uvs", "normals", "face_normals")
    tensors = dict(zip(names, (verts, faces, verts_uvs, faces_uvs, normals, faces_normals_idx), strict=True))
    arrays: dict[str, Any] = {name: tensor.detach().cpu().numpy() for name, tensor in tensors.items() if tensor is not None}
    text = head + "".join(obj_text(**arrays, number=number))
    written(op, f, (text.removesuffix("\n") if len(faces) else text).encode(), path_manager)


def empty_rows(tensor: Any, dtype: torch.dtype | None = None) -> Any:
    """[0, 3] of a tensor in which nothing is, of whatever shape and type."""
    return tensor.reshape(0, 3).to(dtype or tensor.dtype) if isinstance(tensor, torch.Tensor) and tensor.numel() == 0 else tensor


def decimals(op: str, decimal_places: int | None) -> str:
    """How numbers are written."""
    if decimal_places is None:
        return "%f"
    check_integer(op, "decimal_places", decimal_places, 0, MOST_DECIMALS)
    return f"%.{decimal_places}f"


def _save_material(op: str, f: Any, path: Path, texture_map: torch.Tensor, path_manager: Any) -> None:
    """A picture and the material file that names it, beside ``path``; ``f`` is how the user called it."""
    picture = Image.fromarray((texture_map.detach().cpu().clamp(0, 1) * 255).round().to(torch.uint8).numpy())
    png = io.BytesIO()
    picture.save(png, "PNG")
    material = f"newmtl mesh\nmap_Kd {path.stem}.png\n".encode()
    for suffix, content in ((".png", png.getvalue()), (".mtl", material)):
        written(op, os.path.splitext(f)[0] + suffix if isinstance(f, str) else path.with_suffix(suffix), content, path_manager)


class MeshObjFormat(MeshFormatInterpreter):
    """OBJ files, for `IO`: read as `load_objs_as_meshes` does, with its options; written as `save_obj` does, with ``decimal_places``."""

    known_suffixes = (".obj",)

    def read(self, path: Any, include_textures: bool, device: Any, path_manager: Any, **kwargs: Any) -> Meshes | None:
        if not endswith(path, self.known_suffixes):
            return None
        check_options("load_mesh", kwargs, ("create_texture_atlas", "texture_atlas_size", "texture_wrap"))
        return load_objs_as_meshes([path], device, include_textures, path_manager=path_manager, **kwargs)

    def save(self, data: Meshes, path: Any, path_manager: Any, binary: bool | None, **kwargs: Any) -> bool:
        if not endswith(path, self.known_suffixes):
            return False
        check_options("save_mesh", kwargs, ("decimal_places",))
        textures = data.textures if isinstance(data.textures, TexturesUV) else None
        looks = {"verts_uvs": textures.verts_uvs_list(), "faces_uvs": textures.faces_uvs_list(), "texture_map": textures.maps_list()} if textures else {}
        options: dict[str, Any] = {name: tensors[0] for name, tensors in looks.items()} | kwargs
        verts, faces = data.get_mesh_verts_faces(0)
        save_obj(path, verts, faces, path_manager=path_manager, **options)
        return True
