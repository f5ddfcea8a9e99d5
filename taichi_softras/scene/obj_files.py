"""OBJ files: one reader, whatever stands in them, and one writer.

An OBJ file has two lists of indices, one into positions and one into texture coordinates, which keep a surface in one piece along the seams of its texture.
Its lines are read by `obj_lines`, its materials by `obj_materials`; here they become a mesh.
"""

import warnings
from collections.abc import Iterator
from dataclasses import replace
from functools import cached_property
from pathlib import Path

import numpy as np

from ..kernels.texture_image import Wrap
from ..replacing import replacing
from .atlas import atlas
from .contents import REDUCED, Contents, colors_at, find_texture, picture_of, read_texture, unit_colors
from .foreign_files import NamedFiles
from .obj_lines import ObjLines, read_obj_lines
from .obj_materials import Material, material_called, read_materials
from .polygons import triangulated

__all__ = ["obj_text", "read_obj", "write_obj"]

WHITE = (1.0, 1.0, 1.0)
Look = tuple[Path | tuple[float, ...], Wrap | None]  # a picture and how it goes on, or a colour
ROWS = 1 << 14  # lines of a file that are written at once


def read_obj(path: Path) -> Contents:
    """The mesh of an OBJ file: all of its objects and groups, polygons cut into triangles (see `polygons.triangulated`).

    Texture coordinates are kept if every corner has some, and all faces the same picture, or none. Pictures beside others, and beside plain colours, become one
    (`atlas`). Where that would be too large, or colours stand at the vertices of faces without a picture, there are the colours at the vertices alone.

    Colours are of the picture at a vertex. Where none is, they are those that stand at the vertices (``v x y z r g b``), white for a vertex that has none, as
    tinyobjloader has it; where none stand there, the materials' Kd, else white. Along a border of materials, and a seam, the last corner decides. What unit
    those at the vertices have, `unit_colors` tells. Other numbers after the third, such as a weight, are left out.

    Warns:
        UserWarning: of a texture that is named and not found; of several that are reduced to colours at the vertices.

    Raises:
        ValueError: as `Mesh.load` says.
    """
    try:
        with path.open("rb") as file:
            lines = read_obj_lines(file)
        if len(lines.sizes) == 0:
            raise ValueError(f"Mesh.load: {path} must hold triangles, got none")
        if lines.sizes.min() < 3:
            raise ValueError(f"a face with {lines.sizes.min()} corners")
        return _Surface(path, lines).contents()
    except (ValueError, OverflowError, OSError) as error:
        if str(error).startswith("Mesh.load"):
            raise
        raise ValueError(f"Mesh.load: {path} must be a readable .obj file, got {type(error).__name__}: {error}") from error


class _Cut:
    """Polygons cut into triangles: what the triangles have of them."""

    def __init__(self, lines: ObjLines) -> None:
        self.extra = None if (lines.sizes == 3).all() else lines.sizes - 2
        self.places = None if self.extra is None else triangulated(lines.positions, lines.corners, lines.sizes)

    def corners(self, at_corners: np.ndarray) -> np.ndarray:
        """[F, 3] of [N]."""
        return at_corners.reshape(-1, 3) if self.places is None else at_corners[self.places]

    def faces(self, of_polygon: np.ndarray) -> np.ndarray:
        """[F] of [P]."""
        return of_polygon if self.extra is None else np.repeat(of_polygon, self.extra)


class _Surface:
    """Triangles, and of which material each is."""

    def __init__(self, path: Path, lines: ObjLines) -> None:
        self.path, self.files, self.lines = path, NamedFiles(path), lines
        self.cut = _Cut(lines)
        self.faces = self.cut.corners(lines.corners)
        self.has_uv, self.face_uvs = np.zeros(len(self.faces), bool), np.broadcast_to(-1, self.faces.shape)
        if len(lines.uvs):
            begins = np.cumsum(lines.sizes) - lines.sizes
            self.has_uv = self.cut.faces(np.logical_and.reduceat(lines.corner_uvs >= 0, begins))
            self.face_uvs = self.cut.corners(lines.corner_uvs)
        known = read_materials(self.files, lines.libraries)
        named = [material_called(name, known) for name in lines.materials]
        numbers: dict[Material, int] = {}
        number_of = np.array([numbers.setdefault(material, len(numbers)) for material in [*named, Material()]], np.int32)  # the last one: before any is named
        self.of_face = self.cut.faces(number_of[lines.of_polygon])
        self.materials = list(numbers)
        self.used = _which(self.of_face)
        self.uvs = self._moved_uvs()

    @cached_property
    def last(self) -> np.ndarray:
        """Of each vertex in a face, its last corner, which decides about its colour."""
        last = np.full(len(self.lines.positions), -1)
        last[self.faces.ravel()] = np.arange(self.faces.size)
        return last[last >= 0]

    @cached_property
    def seen(self) -> np.ndarray:
        """The vertices in faces."""
        return np.flatnonzero(np.bincount(self.faces.ravel(), minlength=len(self.lines.positions)))

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

    def _looks(self) -> tuple[dict[Look, int], np.ndarray]:
        """The looks that faces have, with their numbers, and [F] the number of each face."""
        found: dict[str, Path | None] = {}
        n_materials = len(self.materials)
        twice = np.where(self.has_uv, self.of_face, self.of_face + n_materials)  # a face without texture coordinates shows no picture
        looks, number_of = dict[Look, int](), np.zeros(2 * n_materials, np.int64)
        for number in _which(twice):
            material, place = self.materials[number % n_materials], None
            if number < n_materials and material.picture is not None:
                if material.picture not in found:
                    found[material.picture] = find_texture(self.files, material.picture, stacklevel=7)
                place = found[material.picture]
            look = (material.color or WHITE, None) if place is None else (place, material.wrap)
            number_of[number] = looks.setdefault(look, len(looks))
        return looks, number_of[twice]

    def contents(self) -> Contents:
        looks, look_of_face = self._looks()
        n_pictures = sum(isinstance(what, Path) for what, _ in looks)
        colors = self._plain_colors(n_pictures > 0)
        mesh = Contents(vertices=self.lines.positions, faces=self.faces, colors=colors)
        if n_pictures == 0:
            return replace(mesh, uvs=self.uvs, face_uvs=self.face_uvs) if self.has_uv.all() else mesh
        assert colors is not None
        shown = self._shown(looks, look_of_face, colors)
        if len({what for what, _ in looks}) == 1:
            *_, (texture, _) = shown
            wraps = {wrap for _, wrap in looks}
            return replace(mesh, uvs=self.uvs, face_uvs=self.face_uvs, texture=texture, wrap=wraps.pop() if len(wraps) == 1 else None)
        varies = self.lines.colors is not None and n_pictures < len(looks)
        made = None if varies else atlas(self.uvs, self.face_uvs, look_of_face, shown)
        for _ in shown:  # those that it did not ask for have colours, too
            pass
        if made is None:
            warnings.warn(f"Mesh.load: {self.path}: {REDUCED}", stacklevel=5)
            return mesh
        texture, uvs, face_uvs = made
        return replace(mesh, uvs=uvs, face_uvs=face_uvs, texture=texture)

    def _plain_colors(self, is_needed: bool) -> np.ndarray | None:
        """[V, 3] at the vertices, without pictures; None if nothing is said, and none is needed."""
        if self.lines.colors is not None:
            return np.nan_to_num(unit_colors(self.lines.colors), nan=1.0)
        if not is_needed and not any(self.materials[number].color is not None for number in self.used):
            return None
        colors, of_material = np.ones((len(self.lines.positions), 3)), np.array([material.color or WHITE for material in self.materials])
        colors[self.seen] = of_material[self.of_face[self.last // 3]]
        return colors

    def _shown(self, looks: dict[Look, int], look_of_face: np.ndarray, colors: np.ndarray) -> Iterator[tuple[np.ndarray, tuple[Wrap, Wrap]]]:
        """The pictures of looks, read one after the other: a file may name many. What they are at the vertices comes into ``colors``."""
        for (what, wrap), number in looks.items():
            if not isinstance(what, Path):
                yield np.array(what, np.float32)[None, None], (Wrap.REPEAT, Wrap.REPEAT)
                continue
            picture = read_texture(self.path, what)
            with_it = look_of_face[self.last // 3] == number
            colors[self.seen[with_it]] = colors_at(self.uvs[self.face_uvs.ravel()[self.last[with_it]]], picture)
            yield picture, (wrap or Wrap.REPEAT, wrap or Wrap.REPEAT)


def _which(numbers: np.ndarray) -> list[int]:
    """Each of the numbers, which are not negative, once."""
    return np.flatnonzero(np.bincount(numbers)).tolist()


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
    face_uvs = mesh.faces if mesh.face_uvs is None else mesh.face_uvs
    with replacing(path) as partial, partial.open("w", encoding="utf-8", newline="\n") as file:
        file.write(head)
        file.writelines(obj_text(rows, mesh.faces, mesh.uvs, face_uvs, normals, mesh.faces))


def obj_text(
    vertices: np.ndarray,
    faces: np.ndarray,
    uvs: np.ndarray | None = None,
    face_uvs: np.ndarray | None = None,
    normals: np.ndarray | None = None,
    face_normals: np.ndarray | None = None,
    number: str | None = None,
) -> Iterator[str]:
    """The lines of an OBJ file, many at once: vertices, normals, texture coordinates, faces.

    Args:
        vertices: [V, 3], or [V, 6] with colours.
        faces, face_uvs, face_normals: [F, 3] from zero, into vertices, uvs and normals.
        number: how numbers are written, such as "%f"; by default so that they are read as they were.
    """
    tables = (("v", vertices, faces), ("vt", uvs, face_uvs), ("vn", normals, face_normals))
    for keyword, rows, _ in (tables[0], tables[2], tables[1]):
        if rows is not None:
            yield from _written(keyword, [number or _number(rows)] * rows.shape[1], rows)
    corner = "%d" if uvs is None and normals is None else "%d/%d" if normals is None else "%d//%d" if uvs is None else "%d/%d/%d"
    corners = np.stack([indices for _, rows, indices in tables if rows is not None and indices is not None], -1) + 1
    yield from _written("f", [corner] * 3, corners.reshape(len(faces), 3 * corners.shape[2]))


def _number(numbers: np.ndarray) -> str:
    return "%.17g" if numbers.dtype == np.float64 else "%.9g"


def _written(keyword: str, words: list[str], rows: np.ndarray) -> Iterator[str]:
    """Lines of a file, many at once."""
    line = " ".join([keyword, *words]) + "\n"
    for begin in range(0, len(rows), ROWS):
        some = rows[begin : begin + ROWS]
        yield line * len(some) % tuple(some.ravel().tolist())
