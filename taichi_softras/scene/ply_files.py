"""PLY files: what their rows mean (see `ply_rows`)."""

import codecs
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ..kernels.texture_image import Wrap
from ..replacing import replacing
from .atlas import atlas
from .contents import REDUCED, Contents, colors_at, find_texture, read_texture, unit_colors
from .foreign_files import NamedFiles
from .ply_rows import TYPES, Rows, read_rows
from .polygon_files import colors_at_vertices, triangles_of

__all__ = ["PlyContent", "ply_bytes", "read_ply", "read_ply_content", "write_ply"]

POSITIONS = (("x", "y", "z"),)
COLORS = (("red", "green", "blue"), ("diffuse_red", "diffuse_green", "diffuse_blue"), ("r", "g", "b"))
UVS = (("s", "t"), ("u", "v"), ("texture_u", "texture_v"), ("texture_s", "texture_t"))
NORMALS = (("nx", "ny", "nz"),)
CORNERS = ("vertex_indices", "vertex_index")


@dataclass(frozen=True, kw_only=True)
class PlyContent:
    """What a PLY file says.

    Attributes:
        vertices: [V, 3] float64.
        corners: [N] of polygon after polygon, into ``vertices``; not looked at.
        sizes: [P] how many corners each polygon has.
        colors: [V, 3] in [0, 1] (see `read_ply`), normals: [V, 3], uvs: [V, 2], of the vertices; None where they have none.
        pictures: the names of pictures (``comment TextureFile``).
        faces: what is said of the polygons; None if they are strips, of which nothing is said.
    """

    vertices: np.ndarray
    corners: np.ndarray
    sizes: np.ndarray
    colors: np.ndarray | None
    normals: np.ndarray | None
    uvs: np.ndarray | None
    pictures: list[str]
    faces: Rows | None


def read_ply_content(subject: str, content: bytes) -> PlyContent:
    """What the bytes of a PLY file say. ``subject`` begins the sentence of an error, such as "Mesh.load: m.ply".

    Raises:
        ValueError: if it is none, or has no vertices with x, y and z.
    """
    rows, names = read_rows(subject, content.removeprefix(codecs.BOM_UTF8))
    if "vertex" not in rows or (places := rows["vertex"].places(POSITIONS)) is None:
        raise ValueError(f"{subject} must have vertices with x, y and z, got none")
    corners, sizes = _polygons(subject, rows)
    of_vertices = [None if (found := rows["vertex"].places(names_of)) is None else rows["vertex"].table(found) for names_of in (NORMALS, UVS)]
    return PlyContent(
        vertices=rows["vertex"].table(places),
        corners=corners,
        sizes=sizes,
        colors=_colors(rows["vertex"]),
        normals=of_vertices[0],
        uvs=of_vertices[1],
        pictures=names,
        faces=rows["face"] if "face" in rows and rows["face"].element.count == len(sizes) else None,
    )


def read_ply(path: Path) -> Contents:
    """The mesh of a PLY file.

    Faces are polygons (`polygons.triangulated`) and triangle strips. Colours are those of the vertices, else of the faces: integers in 0..255, of 16 bits
    without a sign in 0..65535; what unit floats have, `unit_colors` tells. Texture coordinates stand at vertices (s t, u v, texture_u texture_v) or at the
    corners of faces (texcoord), and the picture in ``comment TextureFile``; several become one (`atlas`). Other elements and properties are skipped, normals
    and transparency among them.

    Warns:
        UserWarning: of a picture that is named and not found; of several that are reduced to colours at the vertices.

    Raises:
        ValueError: if it is not what it should be.
    """
    subject = f"Mesh.load: {path}"
    content = read_ply_content(subject, path.read_bytes())
    vertices, corners, sizes, told, names = content.vertices, content.corners, content.sizes, content.faces, content.pictures
    triangles = triangles_of(subject, vertices, corners, sizes)
    faces, face = corners[triangles], np.repeat(np.arange(len(sizes)), sizes - 2)
    colors = content.colors
    if colors is None and told is not None and (of_faces := _colors(told)) is not None:
        colors = colors_at_vertices(faces, of_faces[face], len(vertices))
    at_corners = None if told is None else _uvs_at_corners(subject, told, sizes)
    uvs = content.uvs if at_corners is None else at_corners
    if uvs is None:
        return Contents(vertices=vertices, faces=faces, colors=colors)
    face_uvs = None if at_corners is None else triangles
    of_picture = _pictures_of_faces(told, len(sizes), len(names))[face]
    files = NamedFiles(path)
    found = {number: find_texture(files, names[number], stacklevel=5) if number >= 0 else None for number in np.unique(of_picture).tolist()}
    mesh = Contents(vertices=vertices, faces=faces, colors=colors, uvs=uvs, face_uvs=face_uvs)
    if not any(found.values()):
        return mesh
    painted = np.ones((len(vertices), 3)) if colors is None else colors
    coordinates, corner_uvs = uvs, faces if face_uvs is None else face_uvs

    def shown() -> Iterator[tuple[np.ndarray, tuple[Wrap, Wrap]]]:
        """One after the other: a file may name many. What they are at the vertices is painted."""
        for number, place in found.items():
            picture = np.ones((1, 1, 3), np.float32) if place is None else read_texture(path, place)
            with_it = of_picture == number
            if place is not None:
                painted[faces[with_it].ravel()] = colors_at(coordinates[corner_uvs[with_it].ravel()].astype(np.float32), picture)
            yield picture, (Wrap.REPEAT, Wrap.REPEAT)

    pictures = shown()
    if len(set(found.values())) == 1:
        *_, (texture, _) = pictures
        return replace(mesh, colors=painted, texture=texture)
    varies = colors is not None and not all(found.values())
    made = None if varies else atlas(coordinates, corner_uvs, np.searchsorted(list(found), of_picture), pictures)
    for _ in pictures:  # those that it did not ask for are painted, too
        pass
    if made is None:
        warnings.warn(f"{subject}: {REDUCED}", stacklevel=4)
        return Contents(vertices=vertices, faces=faces, colors=painted)
    texture, uvs, face_uvs = made
    return replace(mesh, colors=painted, uvs=uvs, face_uvs=face_uvs, texture=texture)


def _polygons(subject: str, rows: dict[str, Rows]) -> tuple[np.ndarray, np.ndarray]:
    """The indices of vertices, polygon after polygon, and how many each has; there may be none."""
    parts = [_indices(subject, rows["face"])] if "face" in rows and rows["face"].element.count else []
    if "tristrips" in rows:
        strips = _of_strips(*_indices(subject, rows["tristrips"]))
        parts += [(strips.ravel(), np.full(len(strips), 3))] if len(strips) else []
    parts = parts or [(np.zeros(0, np.int64), np.zeros(0, np.int64))]
    return np.concatenate([corners for corners, _ in parts]), np.concatenate([sizes for _, sizes in parts])


def _indices(subject: str, rows: Rows) -> tuple[np.ndarray, np.ndarray]:
    place = rows.list_called(CORNERS)
    if place is None:
        raise ValueError(f"{subject} must have {rows.element.name} with a list {' or '.join(CORNERS)}, got none")
    found, lengths = rows.flat(place)
    if found.dtype.kind == "f" and not (np.abs(found) < 2**53).all():
        raise ValueError(f"{subject} must have faces between its vertices, got an index that is no number")
    corners = found.astype(np.int64)
    if found.dtype.kind == "f" and (corners != found).any():
        raise ValueError(f"{subject} must have whole numbers as {rows.element.properties[place].name}, got {found[corners != found][0]:g}")
    return corners, lengths


def _of_strips(corners: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """[T, 3] the triangles of strips, every second one turned; -1 begins a strip anew. What is flat there only leads from one part of a strip to the next."""
    begins = np.zeros(len(corners), bool)
    begins[(np.cumsum(lengths) - lengths)[lengths > 0]] = True
    begins[1:] |= corners[:-1] == -1
    strip = np.cumsum(begins) - 1
    odd = (np.arange(len(corners)) - np.flatnonzero(begins)[strip]) % 2 == 1
    i = np.flatnonzero((strip[2:] == strip[:-2]) & (corners[2:] != -1)) if len(corners) > 2 else np.zeros(0, np.int64)
    a, b, c = corners[i + odd[i]], corners[i + ~odd[i]], corners[i + 2]
    return np.stack([a, b, c], 1)[(a != b) & (b != c) & (c != a)]


def _colors(rows: Rows) -> np.ndarray | None:
    places = rows.places(COLORS)
    if places is None:
        return None
    kind, table = rows.element.properties[places[0]].kind, rows.table(places)
    return unit_colors(table) if kind.kind == "f" else np.clip(table / (65535 if kind.str[1:] == "u2" else 255), 0, 1)


def _uvs_at_corners(subject: str, faces: Rows, sizes: np.ndarray) -> np.ndarray | None:
    """[corners, 2]; None if they are not there for each corner of each face."""
    place = faces.list_called(("texcoord",))
    if place is None:
        return None
    found, lengths = faces.flat(place)
    if ((lengths != 0) & (lengths != 2 * sizes)).any():
        raise ValueError(f"{subject} must have two numbers of texcoord for each corner of a face, got {lengths[(lengths != 0) & (lengths != 2 * sizes)][0]}")
    return found.reshape(-1, 2).astype(np.float64) if (lengths > 0).all() else None


def _pictures_of_faces(faces: Rows | None, n_faces: int, n_pictures: int) -> np.ndarray:
    """[F] the number of the picture of each face; -1 where it has none."""
    places = None if faces is None else faces.places((("texnumber",),))
    numbers = np.zeros(n_faces, np.int64) if faces is None or places is None else faces.table(places)[:, 0].astype(np.int64)
    return np.where((numbers >= 0) & (numbers < n_pictures), numbers, -1)


def write_ply(path: Path, mesh: Contents) -> None:
    """Writes positions, as float or double, colours in 8 bits, and faces; binary, little-endian."""
    kind = "double" if mesh.vertices.dtype == np.float64 else "float"
    columns = [(name, kind, mesh.vertices[:, axis]) for axis, name in enumerate("xyz")]
    if mesh.colors is not None:
        rgb = np.round(np.clip(mesh.colors, 0, 1) * 255).astype(np.uint8)
        columns += [(name, "uchar", rgb[:, channel]) for channel, name in enumerate(("red", "green", "blue"))]
    with replacing(path) as partial:
        partial.write_bytes(ply_bytes(columns, mesh.faces))


def ply_bytes(columns: list[tuple[str, str, np.ndarray]], faces: np.ndarray | None, number: str | None = None, corners: str = "vertex_indices") -> bytes:
    """A PLY file: binary and little-endian, or a text.

    Args:
        columns: of the vertices: a name, a type such as "float", and [V] numbers.
        faces: [F, 3], or None if nothing is to be said of them.
        number: how the numbers of a text are written where they are not whole, such as "%f"; None: the file is binary.
        corners: how the list of a face's corners is called.
    """
    n_vertices = len(columns[0][2])
    header = ["ply", f"format {'binary_little_endian' if number is None else 'ascii'} 1.0", f"element vertex {n_vertices}"]
    header += [f"property {kind} {name}" for name, kind, _ in columns]
    if faces is not None:
        header += [f"element face {len(faces)}", f"property list uchar int {corners}"]
    head = "\n".join([*header, "end_header", ""]).encode()
    if number is not None:
        line = " ".join("%d" if TYPES[kind][0] in "iu" else number for _, kind, _ in columns)
        text = "".join(f"{line}\n" % row for row in zip(*(values.tolist() for _, _, values in columns), strict=True))
        triangles = "" if faces is None else "".join(f"3 {a} {b} {c}\n" for a, b, c in faces.tolist())
        return head + (text + triangles).encode()
    rows = np.empty(n_vertices, [(name, "<" + TYPES[kind]) for name, kind, _ in columns])
    for name, _, values in columns:
        rows[name] = values
    lists = np.empty(0 if faces is None else len(faces), [("n", "u1"), ("corners", "<i4", 3)])
    if faces is not None:
        lists["n"], lists["corners"] = 3, faces
    return head + rows.tobytes() + lists.tobytes()
