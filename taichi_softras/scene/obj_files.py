"""OBJ files: one reader, whatever stands in them, and one writer.

An OBJ file has two lists of indices, one into positions and one into texture coordinates, which keep a surface in one piece along the seams of its texture.
Its lines are read by `obj_lines`, its materials by `obj_materials`; here they become a mesh.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from ..kernels.texture_image import Wrap
from ..replacing import replacing
from .contents import Contents, colors_at, find_texture, picture_of, read_texture
from .foreign_files import NamedFiles
from .obj_lines import ObjLines, read_obj_lines
from .obj_materials import Material, material_called, read_materials
from .polygons import triangulated

__all__ = ["read_obj", "write_obj"]

LEAST_OF_255 = 2  # the largest of whole numbers that are colours in 0..255
SURELY_OF_255 = 16  # the largest of any numbers that are
ROWS = 1 << 14  # lines of a file that are written at once


def read_obj(path: Path) -> Contents:
    """The mesh of an OBJ file: all of its objects and groups, polygons cut into triangles (see `polygons.triangulated`).

    Texture coordinates are kept if every corner has some, and all faces the same picture, or none. Else there are the colours at the vertices alone.

    Colours are of the picture at a vertex. Where none is, they are those that stand at the vertices (``v x y z r g b``), white for a vertex that has none, as
    tinyobjloader has it; where none stand there, the materials' Kd, else white. Along a border of materials, and a seam, the last corner decides. Colours at
    vertices are in 0..255 if all are whole numbers and the largest is at least 2, or if it is above 16; else in 0..1, and what is above 1 is 1. Other numbers
    after the third, such as a weight, are left out.

    Warns:
        UserWarning: of a texture that is named and not found.

    Raises:
        ValueError: as `Mesh.load` says.
    """
    try:
        lines = read_obj_lines(path.read_bytes())
        if len(lines.sizes) == 0:
            raise ValueError(f"Mesh.load: {path} must hold triangles, got none")
        if lines.sizes.min() < 3:
            raise ValueError(f"a face with {lines.sizes.min()} corners")
        return _Surface(path, lines).contents()
    except (ValueError, OverflowError, OSError) as error:
        if str(error).startswith("Mesh.load"):
            raise
        raise ValueError(f"Mesh.load: {path} must be a readable .obj file, got {type(error).__name__}: {error}") from error


class _Surface:
    """Triangles, and of which material each is."""

    def __init__(self, path: Path, lines: ObjLines) -> None:
        self.path, self.files, self.lines = path, NamedFiles(path), lines
        places = triangulated(lines.positions, lines.corners, lines.sizes)
        self.faces = lines.corners[places]
        begins = np.cumsum(lines.sizes) - lines.sizes
        self.has_uv = np.repeat(np.logical_and.reduceat(lines.corner_uvs >= 0, begins), lines.sizes - 2)
        self.face_uvs = lines.corner_uvs[places]
        known = read_materials(self.files, lines.libraries)
        named = [material_called(name, known) for name in lines.materials]
        numbers: dict[Material, int] = {}
        number_of = np.array([numbers.setdefault(material, len(numbers)) for material in [*named, Material()]])  # the last one: before any is named
        self.of_face = np.repeat(number_of[lines.of_polygon], lines.sizes - 2)
        self.materials = list(numbers)
        self.used = _which(self.of_face)
        self.uvs = self._moved_uvs()

    def _moved_uvs(self) -> np.ndarray:
        """[T, 2] float32, scaled and moved as the materials say; those that two materials move differently are two."""
        uvs = self.lines.uvs
        ways: dict[tuple[tuple[float, float], tuple[float, float]], int] = {}
        way_of = np.array([ways.setdefault((material.scale, material.offset), len(ways)) for material in self.materials])
        used = sorted({int(way_of[number]) for number in _which(self.of_face[self.has_uv])})
        scales, offsets = (np.array([way[k] for way in ways]) for k in range(2))
        with np.errstate(over="ignore", invalid="ignore"):
            if len(used) == 1:
                uvs = uvs * scales[used[0]] + offsets[used[0]]
            elif len(used) > 1:
                keys, inverse = np.unique(way_of[self.of_face[self.has_uv]][:, None] * len(uvs) + self.face_uvs[self.has_uv], return_inverse=True)
                self.face_uvs[self.has_uv] = inverse.reshape(-1, 3)
                way, place = np.divmod(keys, len(uvs))
                uvs = uvs[place] * scales[way] + offsets[way]
            uvs = uvs.astype(np.float32)
        if not np.isfinite(uvs).all():
            raise ValueError("a texture coordinate that is not finite")
        return uvs

    def _pictures(self) -> dict[int, Path | None]:
        """The picture of each material in use that has texture coordinates; None where none is named, or none is there."""
        found: dict[str, Path | None] = {}
        pictures: dict[int, Path | None] = dict.fromkeys(self.used)
        for number in _which(self.of_face[self.has_uv]):
            name = self.materials[number].picture
            if name is None:
                continue
            if name not in found:
                found[name] = find_texture(self.files, name, stacklevel=7)
            pictures[number] = found[name]
        return pictures

    def contents(self) -> Contents:
        pictures = self._pictures()
        colors, texture = self._colors(pictures)
        mesh = Contents(vertices=self.lines.positions, faces=self.faces, colors=colors)
        if len(set(pictures.values())) > 1 or not self.has_uv.all():
            return mesh
        wraps = {self.materials[number].wrap for number in self.used}
        wrap = wraps.pop() if texture is not None and len(wraps) == 1 else None
        return Contents(vertices=mesh.vertices, faces=mesh.faces, colors=colors, uvs=self.uvs, face_uvs=self.face_uvs, texture=texture, wrap=wrap)

    def _colors(self, pictures: dict[int, Path | None]) -> tuple[np.ndarray | None, np.ndarray | None]:
        """[V, 3] at the vertices, None if nothing is said; and the picture that was read last."""
        places = [place for place in dict.fromkeys(pictures.values()) if place is not None]
        given = self.lines.colors is not None or any(self.materials[number].color is not None for number in self.used)
        if not given and not places:
            return None, None
        last = np.full(len(self.lines.positions), -1)
        last[self.faces.ravel()] = np.arange(self.faces.size)
        seen = np.flatnonzero(last >= 0)
        face = last[seen] // 3
        if self.lines.colors is not None:
            colors = _unit_colors(self.lines.colors)
        else:
            colors = np.ones((len(last), 3))
            colors[seen] = np.array([material.color or (1.0, 1.0, 1.0) for material in self.materials])[self.of_face[face]]
        texture = None
        for place in places:  # one after the other: a file may name many
            texture = read_texture(self.path, place)
            with_it = np.isin(self.of_face[face], [number for number in self.used if pictures[number] == place]) & self.has_uv[face]
            colors[seen[with_it]] = colors_at(self.uvs[self.face_uvs.ravel()[last[seen[with_it]]]], texture)
        return colors, texture


def _which(numbers: np.ndarray) -> list[int]:
    """Each of the numbers, which are not negative, once."""
    return np.flatnonzero(np.bincount(numbers)).tolist()


def _unit_colors(colors: np.ndarray) -> np.ndarray:
    """[V, 3] in [0, 1] of numbers as they stand in the file; white where there is NaN."""
    largest, whole = np.nanmax(colors), not (np.nan_to_num(colors) % 1).any()
    of_255 = largest > SURELY_OF_255 or (whole and largest >= LEAST_OF_255)
    return np.clip(np.nan_to_num(colors / (255 if of_255 else 1), nan=1.0), 0, 1)


def write_obj(path: Path, mesh: Contents, normals: np.ndarray | None = None) -> None:
    """Writes an OBJ file and, with a texture, a material file and a PNG of the same name beside it. With a texture there are no colours besides it.

    Numbers are written so that they are read as they were: with 9 digits, float64 with 17.
    """
    head = ""
    rows = mesh.vertices if mesh.texture is not None or mesh.colors is None else np.concatenate([mesh.vertices, np.clip(mesh.colors, 0, 1)], 1)
    if mesh.texture is not None:
        picture, library = path.with_suffix(".png"), path.with_suffix(".mtl")
        with replacing(picture) as partial:
            picture_of(mesh.texture).save(partial)
        clamp = "-clamp on " if mesh.wrap is Wrap.CLAMP else ""
        with replacing(library) as partial:
            partial.write_text(f"newmtl material_0\nKd 1 1 1\nmap_Kd {clamp}{picture.name}\n", encoding="utf-8")
        head = f"mtllib {library.name}\nusemtl material_0\n"
    indices, corner = [mesh.faces], "%d"
    if mesh.uvs is not None:
        indices, corner = [mesh.faces, mesh.faces if mesh.face_uvs is None else mesh.face_uvs], "%d/%d"
    if normals is not None:
        indices, corner = [*indices, mesh.faces], "%d//%d" if mesh.uvs is None else "%d/%d/%d"
    corners = np.stack(indices, -1) + 1
    with replacing(path) as partial, partial.open("w", encoding="utf-8", newline="\n") as file:
        file.write(head)
        file.writelines(_written("v", [_number(rows)] * rows.shape[1], rows))
        if mesh.uvs is not None:
            file.writelines(_written("vt", [_number(mesh.uvs)] * 2, mesh.uvs))
        if normals is not None:
            file.writelines(_written("vn", [_number(normals)] * 3, normals))
        file.writelines(_written("f", [corner] * 3, corners.reshape(len(corners), -1)))


def _number(numbers: np.ndarray) -> str:
    return "%.17g" if numbers.dtype == np.float64 else "%.9g"


def _written(keyword: str, words: list[str], rows: np.ndarray) -> Iterator[str]:
    """Lines of a file, many at once."""
    line = " ".join([keyword, *words]) + "\n"
    for begin in range(0, len(rows), ROWS):
        some = rows[begin : begin + ROWS]
        yield line * len(some) % tuple(some.ravel().tolist())
