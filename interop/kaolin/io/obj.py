"""Kaolin's ``kaolin.io.obj``: OBJ files, read by `taichi_softras.scene`'s reader, as Kaolin returns them."""

import re
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ....checks import check_flag
from ....scene import NamedFiles, as_path, is_file, material_of_map, picture_file, pixels, read_obj_lines, read_text, without_comment
from ..render.materials import PBRMaterial
from ..rep import SurfaceMesh
from .materials import (
    MaterialFileError,
    MaterialLoadError,
    MaterialNotFoundError,
    is_handler,
    lower_keys,
    process_materials_and_assignments,
)
from .utils import NonHomogeneousMeshError, mesh_handler_naive_triangulate

__all__ = [
    "create_missing_materials_error_handler",
    "default_error_handler",
    "ignore_error_handler",
    "import_mesh",
    "load_mtl",
    "raw_material_to_pbr",
    "skip_error_handler",
]

COLORS = ("kd", "ka", "ks")
MAPS = ("map_kd", "map_ka", "map_ks", "bump", "map_bump", "disp", "map_d", "map_ns", "map_refl")
OF_PBR = {  # what a material file calls it
    "map_kd": "diffuse_texture",
    "map_ks": "specular_texture",
    "bump": "normals_texture",
    "map_bump": "normals_texture",
    "disp": "displacement_texture",
    "map_d": "opacity_texture",
    "map_refl": "metallic_texture",
    "map_ns": "roughness_texture",
    "kd": "diffuse_color",
    "ks": "specular_color",
}

ErrorHandler = Callable[..., Any]


def ignore_error_handler(error: Exception, **kwargs: Any) -> None:
    """Says nothing, and goes on."""


def skip_error_handler(error: Exception, **kwargs: Any) -> None:
    """Warns, and goes on."""
    warnings.warn(str(error), UserWarning, stacklevel=2)


def create_missing_materials_error_handler(error: Exception, **kwargs: Any) -> dict[str, Any] | None:
    """Warns; of a material that is nowhere it makes one, of some colour; other errors than those with materials are raised."""
    if isinstance(error, MaterialNotFoundError):
        warnings.warn(f"{error} One is made up.", UserWarning, stacklevel=2)
        return {"Ka": torch.rand(3), "error": str(error)}
    if not isinstance(error, (MaterialFileError, MaterialLoadError)):
        raise error
    warnings.warn(str(error), UserWarning, stacklevel=2)
    return None


def default_error_handler(error: Exception, **kwargs: Any) -> None:
    """Raises it."""
    raise error


def import_mesh(
    path: str | Path,
    with_materials: bool = False,
    with_normals: bool = False,
    error_handler: ErrorHandler | None = None,
    heterogeneous_mesh_handler: Callable[..., Any] | None = None,
    triangulate: bool = False,
    raw_materials: bool = True,
) -> SurfaceMesh | None:
    """The mesh of an OBJ file: float32 ``vertices`` and int64 ``faces``, all of whose polygons must have the same number of corners.

    Args:
        path: of the file.
        with_materials: whether there are ``uvs`` (u to the right, v *down*: the file's v is turned), ``face_uvs_idx`` (-1 of a corner without),
            ``materials`` (sorted by name) and ``material_assignments`` ([F] int16, -1 of none).
        with_normals: whether there are ``normals`` and ``face_normals_idx`` (-1 of a corner without).
        error_handler: a function that is called with an error of a material, and may go on; by default it is raised.
        heterogeneous_mesh_handler: what makes the polygons alike, as `mesh_handler_naive_triangulate`, or gives up and returns None. It is called with the
            vertices, the numbers of corners, and flat lists of what is at the corners (see there).
        triangulate: whether polygons become fans of triangles.
        raw_materials: whether materials are dicts of what the file says (`load_mtl`); else they are `PBRMaterial`.

    Returns:
        The mesh, on the CPU; None if the handler gave up.

    Raises:
        NonHomogeneousMeshError: if polygons differ, and no handler makes them alike.
        MaterialFileError, MaterialLoadError, MaterialNotFoundError: unless the error handler goes on.
        FileNotFoundError: if there is no such file.
        ValueError: if it is no OBJ file.
    """
    op = "import_mesh"
    place = as_path(op, "path", path)
    flags = {"with_materials": with_materials, "with_normals": with_normals, "triangulate": triangulate, "raw_materials": raw_materials}
    for name, flag in flags.items():
        check_flag(op, name, flag)
    is_handler(op, "error_handler", error_handler)
    is_handler(op, "heterogeneous_mesh_handler", heterogeneous_mesh_handler)
    if not is_file(place):
        raise FileNotFoundError(f"{op}: there is no file {place}")
    on_error = error_handler or default_error_handler
    try:
        lines = read_obj_lines(place.read_bytes(), with_normals)
    except (ValueError, OverflowError) as error:
        raise ValueError(f"{op}: {place} must be a readable .obj file, got {type(error).__name__}: {error}") from error

    raw: dict[str, Any] = {}
    if with_materials:
        files = NamedFiles(place)
        for library in dict.fromkeys(lines.libraries):
            found = files.find(f"{op}: the material file of {place}", library)
            raw |= load_mtl(place.parent / without_comment(library) if found is None else found, on_error)
    vertices = torch.from_numpy(lines.positions.astype(np.float32))
    counts = torch.from_numpy(lines.sizes.astype(np.int64))
    corners: list[Any] = [torch.from_numpy(lines.corners.astype(np.int64))]
    corners.append(torch.from_numpy(lines.corner_uvs.astype(np.int64)) if with_materials else None)
    corners.append(torch.from_numpy(lines.corner_normals.astype(np.int64)) if with_normals else None)
    assigned = _ranges(lines.of_polygon, [_called(name, raw) for name in lines.materials]) if with_materials else {}

    handlers = []
    if len(counts) and bool((counts != counts[0]).any()):
        handler = heterogeneous_mesh_handler or (mesh_handler_naive_triangulate if triangulate else None)
        if handler is None:
            raise NonHomogeneousMeshError(f"{op}: the polygons of {place} must have one number of corners, got {int(counts.min())} to {int(counts.max())}")
        handlers.append(handler)
    if triangulate and bool((counts != 3).any()) and handlers != [mesh_handler_naive_triangulate]:
        handlers.append(mesh_handler_naive_triangulate)
    for handler in handlers:
        flat = [None if feature is None else feature.reshape(-1) for feature in corners]
        alike = handler(vertices, counts, *flat, face_assignments=assigned)
        if alike is None:
            warnings.warn(f"{op}: {place} has polygons that its handler leaves out: None is returned", UserWarning, stacklevel=2)
            return None
        vertices, counts, *corners, assigned = alike
    n_corners = int(counts[0]) if len(counts) else 3
    faces, face_uvs, face_normals = (None if feature is None else torch.as_tensor(feature).reshape(-1, n_corners).long() for feature in corners)

    kept: dict[str, Any] = {}
    if with_materials:
        uvs = torch.from_numpy(lines.uvs.astype(np.float32))
        uvs[:, 1] = 1 - uvs[:, 1]
        materials, assignments = process_materials_and_assignments(raw, assigned, on_error, len(counts), str(place))
        materials = materials if raw_materials else [raw_material_to_pbr(material) for material in materials]
        kept |= {"uvs": uvs, "face_uvs_idx": face_uvs, "materials": materials, "material_assignments": assignments}
    if with_normals:
        kept |= {"normals": torch.from_numpy(lines.normals.astype(np.float32)), "face_normals_idx": face_normals}
    return SurfaceMesh(vertices=vertices, faces=faces, unset_attributes_return_none=True, **kept)


def _called(name: str, raw: dict[str, Any]) -> str:
    """A ``#`` in a name may be of the name, or begin a comment: the name goes first."""
    return name if name in raw else without_comment(name)


def _ranges(of_polygon: np.ndarray, names: list[str]) -> dict[str, torch.Tensor]:
    """By name, [K, 2] the ranges of faces that have a material."""
    ranges: dict[str, list[tuple[int, int]]] = {}
    edges = np.flatnonzero(np.diff(of_polygon, prepend=-2, append=-2))
    for begin, end in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
        if of_polygon[begin] >= 0:
            ranges.setdefault(names[of_polygon[begin]], []).append((begin, end))
    return {name: torch.tensor(several) for name, several in ranges.items()}


def load_mtl(mtl_path: str | Path, error_handler: ErrorHandler) -> dict[str, dict[str, Any]]:
    """What a material file says, by the names of its materials: dicts with ``material_name`` and, spelled as in the file, what is there of

    Kd, Ka, Ks ([3] float32), map_Kd, map_Ka, map_Ks, bump, map_bump, disp, map_d, map_Ns, map_refl ([H, W, 3] uint8, or [H, W, 1] with the option -imfchan).

    ``error_handler`` is called with a `MaterialFileError` if it cannot be opened, with a `MaterialLoadError` about each line that cannot be read.
    """
    op = "load_mtl"
    place = as_path(op, "mtl_path", mtl_path)
    is_handler(op, "error_handler", error_handler)
    found: dict[str, dict[str, Any]] = {}
    if not is_file(place):
        error_handler(MaterialFileError(f"{op}: there is no file {place}"), mtl_path=place, mtl_data=found)
        return found
    files, material = NamedFiles(place), None
    for line in read_text(f"{op}: {place}", place).replace("\\\n", " ").splitlines():
        keyword, rest = (*line.split(maxsplit=1), "", "")[:2]
        rest = rest.strip()
        try:
            if keyword.lower() == "newmtl":
                name = without_comment(rest)
                material = found[name] = {"material_name": name}
            elif keyword.lower() in (*MAPS, *COLORS):
                if material is None:
                    raise ValueError(f"{keyword} must come after newmtl, got it before")
                material[keyword] = _picture(files, rest) if keyword.lower() in MAPS else _color(keyword, rest)
        except (ValueError, OSError) as error:
            error_handler(MaterialLoadError(f"{op}: {place}: {error}"), data=line.split(), mtl_data=found)
    return found


def _color(keyword: str, rest: str) -> torch.Tensor:
    words = without_comment(rest).split()
    try:
        numbers = torch.tensor([float(word) for word in words])
    except ValueError:
        raise ValueError(f"{keyword} must be numbers, got {rest!r}") from None
    if len(numbers) not in (1, 3):
        raise ValueError(f"{keyword} must be three numbers, or one for all, got {len(numbers)}")
    return numbers.expand(3).clone()


def _picture(files: NamedFiles, statement: str) -> torch.Tensor:
    """[H, W, 3] uint8, or [H, W, 1], the channel that ``-imfchan`` names."""
    name = material_of_map(statement).picture
    if name is None:
        raise ValueError("a map must name a picture, got none")
    subject = "the picture of a map"
    place = files.find(subject, name)
    if place is None:
        raise FileNotFoundError(f"there is no picture {name}")
    with picture_file(subject, place, place.name) as picture:
        values = pixels(subject, place.name, picture, "RGB")
    channel = re.search(r"(?:^|\s)-imfchan\s+([rgb])\b", statement)
    values = values if channel is None else values[..., ["rgb".index(channel[1])]]
    return torch.from_numpy(np.round(values * 255).astype(np.uint8))


def raw_material_to_pbr(material: dict[str, Any]) -> PBRMaterial:
    """A material of `load_mtl` as a `PBRMaterial` (of the metallic kind); Ka and map_Ka, which have no place there, are left out."""
    if not isinstance(material, dict):
        raise TypeError(f"raw_material_to_pbr: material must be a dict, got {type(material).__name__}")
    given = lower_keys(material)
    kept: dict[str, Any] = {"material_name": given.pop("material_name", "")}
    for key, value in given.items():
        name = OF_PBR.get(key)
        if name is None:
            continue
        if name.endswith("_color"):
            kept[name] = value
        else:
            picture = value.float() / 255
            kept[name] = picture * 2 - 1 if name == "normals_texture" else picture
    return PBRMaterial(**kept)
