"""STL files: triangles that each have corners of their own, as text or binary."""

import codecs
import re
from pathlib import Path

import numpy as np

from ..replacing import replacing
from .contents import Contents, joined
from .polygon_files import colors_at_vertices, numbers_in

__all__ = ["read_stl", "write_stl"]

HEAD = 84  # bytes: a name, and the number of triangles
TRIANGLE = np.dtype([("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("attribute", "<u2")])
CORNER = re.compile(rb"\bvertex[ \t]+([^\r\n]*)", re.IGNORECASE)
TRIANGLES = re.compile(rb"\bouter[ \t]+loop\b", re.IGNORECASE)
ENDS = re.compile(rb"\bendsolid\b", re.IGNORECASE)
WHOLE_COLOR = re.compile(rb"COLOR=(.{3})", re.DOTALL)  # in the head, where Magics has written it: red, green, blue
MESHLAB = re.compile(rb"COLOR=.{3} MATERIAL=", re.DOTALL)  # the head of its own that MeshLab means to be Magics's, which has a fourth byte and a comma
FLAG, LARGEST = 1 << 15, 31  # of an attribute: its highest bit, and that of five


def read_stl(path: Path) -> Contents:
    """The mesh of an STL file; corners at one point are one vertex. The word solid at its beginning makes no text of a binary file.

    The two bytes behind a triangle are its colour if the file has the habit of Magics (``COLOR=`` in its head) or of VisCAM (their highest bit is set): see
    `_face_colors`. Else they mean nothing.

    Raises:
        ValueError: if it is not what it should be.
    """
    subject = f"Mesh.load: {path}"
    data, colors = path.read_bytes(), None
    n = int.from_bytes(data[80:HEAD], "little")
    if len(data) >= HEAD and len(data) == HEAD + TRIANGLE.itemsize * n:
        corners, colors = _of_binary(data, n)
    elif data.removeprefix(codecs.BOM_UTF8).lstrip()[:5].lower() == b"solid":
        corners = _of_text(subject, data)
    elif len(data) > HEAD + TRIANGLE.itemsize * n and n:
        corners, colors = _of_binary(data, n)
    else:
        got = f"{n} of {TRIANGLE.itemsize} bytes, where there are {len(data) - HEAD}" if len(data) >= HEAD else f"{len(data)} bytes"
        raise ValueError(f"{subject} must hold as many triangles as it says, got {got}")
    if not len(corners):
        raise ValueError(f"{subject} must hold triangles, got none")
    faces = np.arange(len(corners)).reshape(-1, 3)
    if (join := joined(corners)) is not None:
        first, places = join
        corners, faces = corners[first], places.reshape(-1, 3)
    return Contents(vertices=corners, faces=faces, colors=None if colors is None else colors_at_vertices(faces, colors, len(corners)))


def _of_binary(data: bytes, n: int) -> tuple[np.ndarray, np.ndarray | None]:
    """[3 F, 3] the corners, and [F, 3] the colours."""
    triangles = np.frombuffer(data, TRIANGLE, n, HEAD)
    return triangles["corners"].reshape(-1, 3).astype(np.float64), _face_colors(data[:80], triangles["attribute"])


def _face_colors(head: bytes, attributes: np.ndarray) -> np.ndarray | None:
    """[F, 3] the colours in attributes, of five bits a channel; None if there are none.

    Magics has a colour for all in the head, and in an attribute whose highest bit is not set a triangle's own, red in the lowest bits. (MeshLab sets that bit
    of every triangle, and means its own all the same.) VisCAM and SolidView set it where there is a colour, blue in the lowest bits; other triangles are
    white here.
    """
    channels = (attributes[:, None] >> np.array([0, 5, 10]) & LARGEST) / LARGEST
    is_set = (attributes & FLAG > 0)[:, None]
    if MESHLAB.match(head):
        return channels
    if (whole := WHOLE_COLOR.search(head)) is not None:
        return np.where(is_set, np.frombuffer(whole[1], np.uint8) / 255, channels)
    return np.where(is_set, channels[:, ::-1], 1.0) if is_set.any() else None


def _of_text(subject: str, data: bytes) -> np.ndarray:
    """[3 F, 3] the corners."""
    found = CORNER.findall(data)
    corners = numbers_in(subject, b"\n".join(found))
    if len(found) != 3 * len(TRIANGLES.findall(data)) or len(corners) != 3 * len(found) or not ENDS.search(data):
        raise ValueError(f"{subject} must have loops of three vertices of three numbers, and end with endsolid, got something else")
    return corners.reshape(-1, 3)


def write_stl(path: Path, mesh: Contents) -> None:
    """Writes the triangles, with their normals: binary, or, where that would lose positions of float64, as a text."""
    corners = mesh.vertices[mesh.faces].astype(np.float64)
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), np.finfo(np.float64).tiny)
    if mesh.vertices.dtype == np.float64:
        facet = "facet normal %.9g %.9g %.9g\nouter loop\n" + "vertex %.17g %.17g %.17g\n" * 3 + "endloop\nendfacet\n"
        rows = np.concatenate([normals, corners.reshape(-1, 9)], 1).tolist()
        with replacing(path) as partial, partial.open("w", encoding="ascii", newline="\n") as file:
            file.write("solid mesh\n")
            file.writelines(facet % tuple(row) for row in rows)
            file.write("endsolid mesh\n")
        return
    triangles = np.zeros(len(corners), TRIANGLE)
    triangles["normal"], triangles["corners"] = normals, corners
    with replacing(path) as partial:
        partial.write_bytes(bytes(80) + len(triangles).to_bytes(4, "little") + triangles.tobytes())
