"""OFF files (Geomview's): a list of vertices and a list of polygons, as text."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .contents import Contents, unit_colors
from .polygon_files import colors_at_vertices, numbers_in, triangles_of

__all__ = ["OffContent", "off_text", "read_off", "read_off_content"]

HEADER = re.compile(rb"((ST)?(C)?(N)?(4)?(n)?(?:OFF|off))(\d*)")  # ModelNet's files have the first count next to it


@dataclass(frozen=True, kw_only=True)
class OffContent:
    """What an OFF file says.

    Attributes:
        vertices: [V, 3] float64.
        corners: [N] of polygon after polygon, into ``vertices``; not looked at.
        sizes: [P] how many corners each polygon has.
        colors: [V, 3] in [0, 1], uvs: [V, 2], of the vertices; face_colors: [P, 3], white where a face has none. None where none are.
    """

    vertices: np.ndarray
    corners: np.ndarray
    sizes: np.ndarray
    colors: np.ndarray | None
    uvs: np.ndarray | None
    face_colors: np.ndarray | None


def read_off(path: Path) -> Contents:
    """The mesh of an OFF file: OFF, COFF, NOFF, STOFF and what they make together; the counts may stand in the line of the header, or the header be left out.

    Faces are polygons (`polygons.triangulated`). Colours are those of the vertices (COFF), else of the faces, three or four numbers behind their corners;
    what unit they have, `unit_colors` tells. Comments, normals and transparency are skipped.

    Raises:
        ValueError: if it is not what it should be; also for 4OFF and nOFF (in other than three dimensions), OFF BINARY, and a face with the number of a
            colour in a table, which Geomview keeps elsewhere.
    """
    subject = f"Mesh.load: {path}"
    content = read_off_content(subject, path.read_bytes())
    triangles = triangles_of(subject, content.vertices, content.corners, content.sizes)
    faces, colors = content.corners[triangles], content.colors
    if colors is None and content.face_colors is not None:
        colors = colors_at_vertices(faces, np.repeat(content.face_colors, content.sizes - 2, axis=0), len(content.vertices))
    return Contents(vertices=content.vertices, faces=faces, colors=colors, uvs=content.uvs)


def read_off_content(subject: str, content: bytes) -> OffContent:
    """What the bytes of an OFF file say. ``subject`` begins the sentence of an error, such as "Mesh.load: m.off".

    Raises:
        ValueError: as `read_off`.
    """
    lines = [line.split(b"#", 1)[0] for line in re.split(rb"\r\n|\n|\r", content.removeprefix(b"\xef\xbb\xbf"))]
    lines = [line for line in lines if line.strip()]
    said, counts, first = _header(subject, lines)
    n_vertices, n_faces = counts
    if n_vertices + n_faces > len(lines) - first:
        raise ValueError(f"{subject} must hold {n_vertices} vertices and {n_faces} faces, each in a line, got {len(lines) - first} lines")
    table = _table(subject, lines[first : first + n_vertices])
    vertices, colors, uvs = _vertices(subject, said, table)
    corners, sizes, behind = _faces(subject, lines[first + n_vertices : first + n_vertices + n_faces])
    of_faces = _face_colors(subject, *behind) if colors is None else None
    return OffContent(vertices=vertices, corners=corners, sizes=sizes, colors=colors, uvs=uvs, face_colors=of_faces)


def off_text(vertices: np.ndarray, faces: np.ndarray, face_colors: np.ndarray | None = None, number: str = "%f") -> Iterator[str]:
    """The lines of an OFF file, with [V, 3] vertices, or [V, 6] with colours, [F, 3] faces, and the colours of these [F, 3] or [F, 4], numbers as "%f" says."""
    yield f"off\n{len(vertices)} {len(faces)} 0\n"
    yield from (" ".join([number] * len(row)) % tuple(row) + "\n" for row in vertices.tolist())
    behind = [[]] * len(faces) if face_colors is None else face_colors.tolist()
    for face, color in zip(faces.tolist(), behind, strict=True):
        yield " ".join(["3", *map(str, face), *(number % value for value in color)]) + "\n"


def _header(subject: str, lines: list[bytes]) -> tuple[dict[str, bool], tuple[int, int], int]:
    """What the name of the format says of vertices; how many vertices and faces there are; where the first vertex is."""
    words = lines[0].split() if lines else []
    match = HEADER.fullmatch(words[0]) if words else None
    if match is not None:
        if match[5] or match[6]:
            raise ValueError(f"{subject} must be of three dimensions, got {match[1].decode()}")
        if words[1:2] == [b"BINARY"]:
            raise ValueError(f"{subject} must be a text, got OFF BINARY")
        words = [match[7], *words[1:]] if match[7] else words[1:]
    first = 1
    if not words and len(lines) > 1:
        words, first = lines[1].split(), 2
    if len(words) not in (2, 3) or not all(word.isdigit() and len(word) < 16 for word in words):
        raise ValueError(f"{subject} must begin with OFF and how many vertices, faces and edges it has, got something else")
    said = {"uvs": bool(match and match[2]), "colors": bool(match and match[3]), "normals": bool(match and match[4])}
    return said, (int(words[0]), int(words[1])), first


def _table(subject: str, lines: list[bytes]) -> np.ndarray:
    """[V, n] float64, of lines with as many numbers each."""
    numbers = numbers_in(subject, b"\n".join(lines))
    widths = {len(line.split()) for line in lines}
    if len(widths) != 1:
        raise ValueError(f"{subject} must have vertices with as many numbers each, got {' and '.join(str(width) for width in sorted(widths)) or 'none'}")
    return numbers.reshape(len(lines), -1)


def _vertices(subject: str, said: dict[str, bool], table: np.ndarray) -> tuple[np.ndarray, np.ndarray | None, np.ndarray | None]:
    """Positions, colours and texture coordinates: they stand in the order position, normal, colour, texture coordinates."""
    n_others = 3 + 3 * said["normals"] + 2 * said["uvs"]
    n_colors = table.shape[1] - n_others
    if not any(said.values()) and n_colors in (3, 4):  # as PyTorch3D writes them
        said = said | {"colors": True}
    if n_colors < 0 or (said["colors"] and n_colors not in (3, 4)):
        wanted = f"{n_others + 3} or {n_others + 4}" if said["colors"] else str(n_others)
        raise ValueError(f"{subject} must have vertices of {wanted} numbers, as its header says, got {table.shape[1]}")
    begin = 3 + 3 * said["normals"]
    colors = unit_colors(table[:, begin : begin + 3]) if said["colors"] else None
    uvs = table[:, begin + (n_colors if said["colors"] else 0) :][:, :2] if said["uvs"] else None
    return table[:, :3], colors, uvs


def _faces(subject: str, lines: list[bytes]) -> tuple[np.ndarray, np.ndarray, tuple[np.ndarray, np.ndarray]]:
    """The indices at all corners; how many each face has; the numbers that stand behind them, and how many of these each face has."""
    numbers = numbers_in(subject, b"\n".join(lines))
    widths = np.array([len(line.split()) for line in lines], np.int64)
    begins = np.cumsum(widths) - widths
    sizes = numbers[begins]
    if not ((sizes % 1 == 0) & (sizes >= 0) & (sizes < widths)).all():
        wrong = np.flatnonzero(~((sizes % 1 == 0) & (sizes >= 0) & (sizes < widths)))[0]
        raise ValueError(
            f"{subject} must have faces that say how many corners they have and then name these, got {lines[wrong][:80].decode(errors='replace')!r}"
        )
    sizes = sizes.astype(np.int64)
    within = np.arange(len(numbers)) - np.repeat(begins, widths)
    of_corner = (within > 0) & (within <= np.repeat(sizes, widths))
    corners = numbers[of_corner]
    if not ((corners % 1 == 0) & (np.abs(corners) < 2**53)).all():
        raise ValueError(f"{subject} must have whole numbers as corners of faces, got {corners[corners % 1 != 0][:1].tolist()}")
    return corners.astype(np.int64), sizes, (numbers[within > np.repeat(sizes, widths)], widths - 1 - sizes)


def _face_colors(subject: str, numbers: np.ndarray, lengths: np.ndarray) -> np.ndarray | None:
    """[F, 3], white where a face has none; None if none has."""
    for n, got in ((1, "the number of one in a table, which is not in the file"), (2, "two numbers")):
        if (lengths == n).any():
            raise ValueError(f"{subject} must have three or four numbers, or none, as the colour of a face, got {got}")
    colored = np.flatnonzero(lengths >= 3)
    if not len(colored):
        return None
    begins = (np.cumsum(lengths) - lengths)[colored]
    colors = np.ones((len(lengths), 3))
    colors[colored] = unit_colors(numbers[begins[:, None] + np.arange(3)])
    return colors
