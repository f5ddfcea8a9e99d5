"""STL files, byte by byte: text and binary, told apart by what they hold and not by their first word; corners at one point are one vertex."""

import struct

import numpy as np
import pytest

from taichi_softras import Mesh
from taichi_softras.scene import contents

CORNERS = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]], np.float32)
FACES = np.array([[0, 2, 1], [0, 1, 3], [1, 2, 3], [2, 0, 3]])


def binary(head: bytes = b"", count: int | None = None, triangles: np.ndarray = CORNERS[FACES], attributes: tuple[int, ...] = (7, 7, 7, 7)) -> bytes:
    rows = [struct.pack("<12fH", 0, 0, 0, *triangle.ravel().tolist(), attribute) for triangle, attribute in zip(triangles, attributes, strict=True)]
    return head.ljust(80, b" ") + struct.pack("<I", len(rows) if count is None else count) + b"".join(rows)


def text(newline: str = "\n", indent: str = "  ", case: type = str, end: str = "endsolid ball") -> bytes:
    lines = ["solid ball"]
    for triangle in CORNERS[FACES].tolist():
        lines += ["facet normal 0 0 0", f"{indent}outer loop", *(f"{indent * 2}vertex {x:e} {y} {z}" for x, y, z in triangle), f"{indent}endloop", "endfacet"]
    return case(newline.join([*lines, end, ""])).encode()


def load(folder, content: bytes) -> Mesh:
    (folder / "m.stl").write_bytes(content)
    return Mesh.load(folder / "m.stl")


@pytest.mark.parametrize(
    "content",
    [
        binary(),
        binary(b"solid"),
        binary(b"solid ball\nfacet normal 0 0 0\nouter loop\n"),
        binary(b"made by a scanner") + b"\0\0",
        text(),
        text("\r\n", "\t"),
        text("\r", " "),
        b"\n  " + text(),
        text(case=str.upper),
        text() + text(),
    ],
    ids=["binary", "binary, solid", "binary, like a text", "binary, and more", "text", "CRLF", "CR", "blanks", "capitals", "two solids"],
)
def test_read(tmp_path, content):
    mesh = load(tmp_path, content)
    np.testing.assert_array_equal(np.sort(mesh.vertices, axis=0), np.sort(CORNERS, axis=0))
    np.testing.assert_array_equal(mesh.vertices[mesh.faces[:4]], CORNERS[FACES])
    assert len(mesh.faces) == (8 if content == text() + text() else 4)
    np.testing.assert_array_equal(mesh.vertices[0], CORNERS[0])  # in the order of the file
    assert mesh.colors is None


RED, BLUE, OWN = 31, 31 << 10, 1 << 15  # as Magics has them; where VisCAM has blue, red


@pytest.mark.parametrize(
    ("head", "attributes", "expected"),
    [
        (b"", (RED, BLUE, 0, 31 << 5), None),
        (b"", (OWN | BLUE, OWN | BLUE, OWN | BLUE, OWN | 10 << 5), [[1, 0, 0], [1, 0, 0], [1, 0, 0], [0, 10 / 31, 0]]),
        (b"", (OWN | RED, 0, RED, RED), [[0, 0, 1], [1, 1, 1], [1, 1, 1], [1, 1, 1]]),
        (b"made by COLOR=\x33\x66\xff\xff,MATERIAL=abcdefghijkl", (OWN, OWN | RED, RED, BLUE), [[0.2, 0.4, 1], [0.2, 0.4, 1], [1, 0, 0], [0, 0, 1]]),
        (b"COLOR=\n\n\n\xff", (OWN, OWN, OWN, OWN), [[10 / 255] * 3] * 4),
        (b"COLOR=\x7f\x7f\x7f MATERIAL=\x7f\x7f\x7f ", (OWN | RED, OWN | BLUE, OWN, OWN), [[1, 0, 0], [0, 0, 1], [0, 0, 0], [0, 0, 0]]),
        (b" " * 72 + b"COLOR=12", (0, 0, 0, 0), None),
    ],
    ids=["attributes that mean nothing", "VisCAM", "VisCAM, some", "Magics", "Magics, all", "MeshLab", "a head that is cut"],
)
def test_colors(tmp_path, head, attributes, expected):
    """Of the triangles: a vertex has the mean of those that it is in."""
    colors = load(tmp_path, binary(head, attributes=attributes)).colors
    assert (colors is None) == (expected is None)
    for vertex in range(4 if expected else 0):
        (index,) = np.flatnonzero((load(tmp_path, binary(head, attributes=attributes)).vertices == CORNERS[vertex]).all(1))
        np.testing.assert_allclose(colors[index], np.mean([expected[face] for face in range(4) if vertex in FACES[face]], 0), atol=1e-6)


def test_zeros_of_both_signs_are_one_point(tmp_path):
    triangles = CORNERS[FACES].copy()
    triangles[1:][triangles[1:] == 0] = -0.0
    assert len(load(tmp_path, binary(triangles=triangles)).vertices) == 4


def test_points_that_are_mixed_alike(tmp_path, monkeypatch):
    """Points are found by a number made of their bits; where two that differ have the same one, they are told apart by all of them."""
    monkeypatch.setattr(contents, "_hash", lambda columns: np.zeros(len(columns[0]), np.uint64))
    mesh = load(tmp_path, binary())
    np.testing.assert_array_equal(mesh.vertices[mesh.faces], CORNERS[FACES])
    assert len(mesh.vertices) == 4


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "must hold as many triangles as it says, got 0 bytes"),
        (b"prose", "must hold as many triangles as it says, got 5 bytes"),
        (binary(count=0)[:84], "must hold triangles, got none"),
        (binary()[:-1], "must hold as many triangles as it says, got 4 of 50 bytes, where there are 199"),
        (binary(count=2**32 - 1), "got 4294967295 of 50 bytes, where there are 200"),
        (binary(b"solid")[:-1], "must have loops of three vertices of three numbers, and end with endsolid"),
        (text()[:-20], "must have loops of three vertices"),
        (text()[: len(text()) // 2], "must have loops of three vertices"),
        (text().replace(b"vertex", b"vertices", 1), "must have loops of three vertices"),
        (text().replace(b"1.0 0.0\n", b"1.0\n", 1), "must have loops of three vertices of three numbers"),
        (text().replace(b"1.0", b"one", 1), "must have numbers only behind its header"),
        (b"solid empty\nendsolid empty\n", "must hold triangles, got none"),
        (text().replace(b" 1.0 ", b" nan "), "must hold a good mesh: vertices must be finite"),
    ],
)
def test_one_sentence(tmp_path, content, sentence):
    with pytest.raises(ValueError, match=r"^Mesh.load: .*m.stl ") as raised:
        load(tmp_path, content)
    assert sentence in str(raised.value)
