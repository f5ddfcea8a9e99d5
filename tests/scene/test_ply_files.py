"""PLY files, byte by byte: every format, every type, lists of any length, and what else stands in them.

Plan: one solid of a quad and four triangles is written as text and binary, in both byte orders, with every integer type of list; colours and texture
coordinates under each of their names and types; polygons that are not convex; strips; unknown elements and properties; then headers and rows that are wrong.
"""

from pathlib import Path

import numpy as np
import pytest
from formats.builders import ply
from PIL import Image

from taichi_softras import Mesh

FORMATS = ("ascii", "binary_little_endian", "binary_big_endian")
ROOF = np.array([[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0], [0.5, 0.5, 1]])
MIXED = [[0, 3, 2, 1], [0, 1, 4], [1, 2, 4], [2, 3, 4], [3, 0, 4]]
MIXED_TRIANGLES = [[0, 3, 2], [0, 2, 1], [0, 1, 4], [1, 2, 4], [2, 3, 4], [3, 0, 4]]
XYZ = ["float x", "float y", "float z"]


def load(folder: Path, content: bytes) -> Mesh:
    (folder / "m.ply").write_bytes(content)
    return Mesh.load(folder / "m.ply")


def vertices(points=ROOF, *more: list) -> list[list]:
    return [[*map(float, point), *extra] for point, *extra in zip(points, *more, strict=True)]


def faces(polygons, *more: list) -> list[list]:
    return [[list(polygon), *extra] for polygon, *extra in zip(polygons, *more, strict=True)]


@pytest.mark.parametrize("kind", FORMATS)
class TestShapes:
    @pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
    def test_triangles(self, tmp_path, kind, newline):
        mesh = load(tmp_path, ply(kind, ("vertex", XYZ, vertices()), ("face", ["list uchar int vertex_indices"], faces(MIXED[1:])), newline=newline))
        np.testing.assert_array_equal(mesh.vertices, ROOF.astype(np.float32))
        np.testing.assert_array_equal(mesh.faces, MIXED[1:])
        assert mesh.colors is None

    @pytest.mark.parametrize("order", [1, -1])
    @pytest.mark.parametrize("length", ["char", "uchar", "short", "ushort", "int", "uint", "uint8", "int16"])
    @pytest.mark.parametrize("item", ["int", "uint", "ushort", "uchar"])
    def test_triangles_and_quads(self, tmp_path, kind, length, item, order):
        """Whichever comes first, with other things before and after the list."""
        properties = ["uchar flags", f"list {length} {item} vertex_index", "double weight"]
        rows = [[7, polygon, 0.5] for polygon in MIXED[::order]]
        mesh = load(tmp_path, ply(kind, ("vertex", XYZ, vertices()), ("face", properties, rows)))
        expected = MIXED_TRIANGLES if order == 1 else [*MIXED_TRIANGLES[:1:-1], *MIXED_TRIANGLES[:2]]
        np.testing.assert_array_equal(mesh.faces, expected)

    def test_an_l(self, tmp_path, kind):
        """A polygon that is not convex has its own area: 3, where a fan covers 4."""
        corners = np.array([[0, 0, 0], [2, 0, 0], [2, 1, 0], [1, 1, 0], [1, 2, 0], [0, 2, 0]])
        for turn in range(6):
            mesh = load(
                tmp_path,
                ply(kind, ("vertex", XYZ, vertices(corners)), ("face", ["list uchar int vertex_indices"], [[np.roll(range(6), turn).tolist()]])),
            )
            a, b, c = mesh.vertices[mesh.faces].transpose(1, 0, 2)
            normals = np.cross(b - a, c - a)
            assert np.linalg.norm(normals, axis=1).sum() / 2 == pytest.approx(3)
            assert (normals[:, 2] > 0).all()

    def test_strips(self, tmp_path, kind):
        """Two in one list, parted by -1, and one of a single vertex; every second triangle is turned, and one without an area leads on."""
        strips = [[0, 1, 2, 3, -1, 2, 1, 4], [3], [0, 1, 1, 4, 2]]
        mesh = load(tmp_path, ply(kind, ("vertex", XYZ, vertices()), ("tristrips", ["list int int vertex_indices"], faces(strips))))
        np.testing.assert_array_equal(mesh.faces, [[0, 1, 2], [2, 1, 3], [2, 1, 4], [1, 4, 2]])

    def test_faces_and_strips(self, tmp_path, kind):
        content = ply(
            kind,
            ("vertex", XYZ, vertices()),
            ("face", ["list uchar int vertex_indices"], faces(MIXED[:2])),
            ("tristrips", ["list int int vertex_indices"], faces([[1, 2, 4]])),
        )
        np.testing.assert_array_equal(load(tmp_path, content).faces, [*MIXED_TRIANGLES[:3], [1, 2, 4]])

    @pytest.mark.parametrize("properties", [XYZ, [*XYZ, "float nx", "float ny", "float nz", "uchar red", "uchar green", "uchar blue"]])
    def test_nothing(self, tmp_path, kind, properties):
        """As Blender writes an object without vertices: no byte behind the header."""
        lists = ["list uchar uint vertex_indices", "list uchar float texcoord"]
        with pytest.raises(ValueError, match=r"^Mesh.load: .*m.ply must hold triangles, got none$"):
            load(tmp_path, ply(kind, ("vertex", properties, []), ("face", lists, [])))

    def test_other_elements_and_properties(self, tmp_path, kind):
        content = ply(
            kind,
            ("camera", ["float view", "list uchar double path"], [[1.0, [1.0, 2.0]], [2.0, []]]),
            (
                "vertex",
                ["double nx", *XYZ, "list uchar short marks", "short quality"],
                [[0.0, *map(float, p), [1] * i, i] for i, p in enumerate(ROOF)],
            ),
            ("edge", ["int vertex1", "int vertex2"], [[0, 1]]),
            (
                "face",
                ["list uchar uchar names", "list uchar int vertex_indices", "list uchar float weights"],
                [[[9] * i, p, [0.5]] for i, p in enumerate(MIXED)],
            ),
            ("material", ["list uint int empty"], [[[]]]),
            comments=("comment made by hand", "obj_info of no use", "comment"),
        )
        mesh = load(tmp_path, content)
        np.testing.assert_array_equal(mesh.vertices, ROOF.astype(np.float32))
        np.testing.assert_array_equal(mesh.faces, MIXED_TRIANGLES)

    def test_positions_of_other_types(self, tmp_path, kind):
        content = ply(
            kind,
            ("vertex", ["short x", "double y", "int8 z"], [[1, -2.5, 3], [-300, 0.0, 1], [2, 1.0, 0]]),
            ("face", ["list uchar int vertex_indices"], [[[0, 1, 2]]]),
        )
        np.testing.assert_array_equal(load(tmp_path, content).vertices, [[1, -2.5, 3], [-300, 0, 1], [2, 1, 0]])


FIFTHS = np.array([[0.2, 0.6, 1.0], [0, 0, 0], [1, 1, 1], [0.4, 0.2, 0], [0.8, 0, 0.2]])


@pytest.mark.parametrize("kind", FORMATS)
class TestColors:
    @pytest.mark.parametrize("names", ["red green blue", "diffuse_red diffuse_green diffuse_blue", "r g b"])
    @pytest.mark.parametrize(("of", "white"), [("uchar", 255), ("ushort", 65535), ("float", 1), ("double", 1), ("int", 255), ("float", 255)])
    def test_of_vertices(self, tmp_path, kind, names, of, white):
        colors = FIFTHS * white if of in ("float", "double") else np.round(FIFTHS * white).astype(int)
        properties = [*XYZ, *(f"{of} {name}" for name in names.split()), f"{of} alpha"]
        rows = [[*map(float, point), *color, color[0]] for point, color in zip(ROOF, colors.tolist(), strict=True)]
        mesh = load(tmp_path, ply(kind, ("vertex", properties, rows), ("face", ["list uchar int vertex_indices"], faces(MIXED))))
        np.testing.assert_allclose(mesh.colors, FIFTHS, atol=1e-6)

    @pytest.mark.parametrize(
        ("color", "expected"),
        [([0, 0.5, 1.0001], [0, 0.5, 1]), ([0, 0.5, 1.2], [0, 0.5, 1]), ([0, 1, 2], [0, 1 / 255, 2 / 255]), ([0, 51, 254.9], [0, 0.2, 254.9 / 255])],
    )
    def test_unit_of_floats(self, tmp_path, kind, color, expected):
        """The same rule as in OBJ and OFF files."""
        rows = [[*map(float, point), *map(float, color)] for point in ROOF]
        properties = [*XYZ, "float red", "float green", "float blue"]
        mesh = load(tmp_path, ply(kind, ("vertex", properties, rows), ("face", ["list uchar int vertex_indices"], faces(MIXED))))
        np.testing.assert_allclose(mesh.colors, [expected] * len(ROOF), atol=1e-6)

    def test_of_faces(self, tmp_path, kind):
        """At a vertex they are mixed."""
        points = [[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0], [5, 5, 5]]
        properties = ["list uchar int vertex_indices", "uchar red", "uchar green", "uchar blue"]
        rows = [[[0, 1, 2], 255, 0, 0], [[0, 2, 3], 0, 0, 255]]
        mesh = load(tmp_path, ply(kind, ("vertex", XYZ, vertices(points)), ("face", properties, rows)))
        np.testing.assert_allclose(mesh.colors, [[0.5, 0, 0.5], [1, 0, 0], [0.5, 0, 0.5], [0, 0, 1], [1, 1, 1]], atol=1e-6)


RED_GREEN = np.array([[[255, 0, 0], [0, 255, 0]]], np.uint8)  # left, right
TEXTURE = ("comment TextureFile t.png",)


@pytest.fixture
def folder(tmp_path):
    Image.fromarray(RED_GREEN).save(tmp_path / "t.png")
    Image.fromarray(RED_GREEN[:, ::-1].copy()).save(tmp_path / "a b.png")
    return tmp_path


@pytest.mark.parametrize("kind", FORMATS)
class TestTextures:
    QUAD = np.array([[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]])

    @pytest.mark.parametrize("names", ["s t", "u v", "texture_u texture_v"])
    def test_at_vertices(self, folder, kind, names):
        properties = [*XYZ, *(f"float {name}" for name in names.split())]
        rows = [[*map(float, point), float(point[0]), float(point[1])] for point in self.QUAD]
        mesh = load(folder, ply(kind, ("vertex", properties, rows), ("face", ["list uchar int vertex_indices"], [[[0, 1, 2, 3]]]), comments=TEXTURE))
        np.testing.assert_array_equal(mesh.uvs, self.QUAD[:, :2])
        assert mesh.face_uvs is None
        np.testing.assert_array_equal(mesh.texture, RED_GREEN / 255)
        np.testing.assert_allclose(mesh.colors, [[1, 0, 0], [0, 1, 0], [0, 1, 0], [1, 0, 0]])

    def test_at_corners(self, folder, kind):
        """Of a quad and a triangle; each corner keeps its own."""
        polygons = [[0, 1, 2, 3], [0, 2, 1]]
        coordinates = [[0.0, 0.0, 1.0, 0.0, 1.0, 1.0, 0.0, 1.0], [0.25, 0.5, 0.5, 0.25, 0.75, 0.5]]
        properties = ["list uchar int vertex_indices", "list uchar float texcoord"]
        mesh = load(folder, ply(kind, ("vertex", XYZ, vertices(self.QUAD)), ("face", properties, faces(polygons, coordinates)), comments=TEXTURE))
        np.testing.assert_array_equal(mesh.faces, [[0, 1, 2], [0, 2, 3], [0, 2, 1]])
        np.testing.assert_array_equal(mesh.uvs[mesh.face_uvs], [[[0, 0], [1, 0], [1, 1]], [[0, 0], [1, 1], [0, 1]], [[0.25, 0.5], [0.5, 0.25], [0.75, 0.5]]])
        assert mesh.texture.shape == (1, 2, 3)

    def test_two_pictures(self, folder, kind):
        """They become one; the colours at the vertices are theirs, too."""
        points = [*self.QUAD[:3], *np.add(self.QUAD[:3], [5, 0, 0])]
        properties = ["list uchar int vertex_indices", "list uchar float texcoord", "int texnumber"]
        rows = [[[0, 1, 2], [0.0, 0.0, 1.0, 0.0, 1.0, 1.0], 0], [[3, 4, 5], [0.0, 0.0, 1.0, 0.0, 1.0, 1.0], 1]]
        mesh = load(folder, ply(kind, ("vertex", XYZ, vertices(points)), ("face", properties, rows), comments=(*TEXTURE, "comment TextureFile a b.png")))
        height, width = mesh.texture.shape[:2]
        column, row = (np.clip(mesh.uvs[mesh.face_uvs] - 1e-6, 0, 1) * [width, height]).astype(int).transpose(2, 0, 1)
        colors = [[1, 0, 0], [0, 1, 0], [0, 1, 0], [0, 1, 0], [1, 0, 0], [1, 0, 0]]
        np.testing.assert_allclose(mesh.colors, colors)
        np.testing.assert_allclose(mesh.texture[height - 1 - row, column].reshape(6, 3)[[1, 4]], np.array(colors)[[1, 4]])

    def test_a_picture_beside_colors_of_vertices(self, folder, kind):
        """A texture cannot have those of faces without a picture: all are reduced."""
        points = [[*map(float, point), *color] for point, color in zip(self.QUAD, np.eye(4, 3, dtype=int).tolist(), strict=True)]
        properties = ["list uchar int vertex_indices", "list uchar float texcoord", "int texnumber"]
        rows = [[[0, 1, 2], [0.0, 0.0, 1.0, 0.0, 1.0, 1.0], 0], [[0, 2, 3], [0.0] * 6, -1]]
        content = ply(kind, ("vertex", [*XYZ, "uchar red", "uchar green", "uchar blue"], points), ("face", properties, rows), comments=TEXTURE)
        with pytest.warns(UserWarning, match=r"m.ply: its pictures do not make one texture .*, and are reduced to colours at the vertices") as told:
            mesh = load(folder, content)
        assert [Path(warning.filename).name for warning in told] == ["test_ply_files.py"]
        assert (mesh.texture, mesh.uvs) == (None, None)

    def test_one_of_two_pictures(self, folder, kind):
        properties = ["list uchar int vertex_indices", "list uchar float texcoord", "uchar texnumber"]
        rows = [[[0, 1, 2], [0.0, 0.0, 1.0, 0.0, 1.0, 1.0], 1]]
        mesh = load(folder, ply(kind, ("vertex", XYZ, vertices(self.QUAD)), ("face", properties, rows), comments=(*TEXTURE, "comment TextureFile a b.png")))
        np.testing.assert_array_equal(mesh.texture, RED_GREEN[:, ::-1] / 255)

    def test_some_faces_without(self, folder, kind):
        properties = ["list uchar int vertex_indices", "list uchar float texcoord"]
        rows = [[[0, 1, 2], [0.0, 0.0, 1.0, 0.0, 1.0, 1.0]], [[0, 2, 3], []]]
        mesh = load(folder, ply(kind, ("vertex", XYZ, vertices(self.QUAD)), ("face", properties, rows), comments=TEXTURE))
        assert (mesh.texture, mesh.uvs) == (None, None)

    def test_a_picture_that_is_not_there(self, folder, kind):
        rows = [[*map(float, point), 0.0, 0.0] for point in self.QUAD]
        content = ply(
            kind,
            ("vertex", [*XYZ, "float s", "float t"], rows),
            ("face", ["list uchar int vertex_indices"], [[[0, 1, 2]]]),
            comments=("comment TextureFile gone.png",),
        )
        with pytest.warns(UserWarning, match="m.ply names the texture 'gone.png', and there is no such file"):
            mesh = load(folder, content)
        assert mesh.texture is None
        assert mesh.uvs.shape == (4, 2)


LIST = "list uchar int vertex_indices"
HEAD = "ply\nformat {} 1.0\nelement vertex 3\nproperty float x\nproperty float y\nproperty float z\nelement face 1\nproperty {}\nend_header\n"
POINTS = "0 0 0\n1 0 0\n0 1 0\n"
WRONG = {
    "no header": (b"ply\n", "must be a PLY file, which begins with ply and has a line end_header, got something else"),
    "another beginning": (b"plum\nend_header\n", "must be a PLY file"),
    "no format": (b"ply\nelement vertex 0\nend_header\n", "must say its format, ascii, binary_little_endian, binary_big_endian, got none"),
    "an unknown format": (b"ply\nformat binary 1.0\nend_header\n", "must have a PLY header, got the line 'format binary 1.0'"),
    "an unknown type": (HEAD.format("ascii", "list uchar half vertex_indices").encode(), "got the line 'property list uchar half vertex_indices'"),
    "lengths that are floats": (HEAD.format("ascii", "list float int vertex_indices").encode(), "whose lists have lengths that are no whole numbers"),
    "a count that is no number": (b"ply\nformat ascii 1.0\nelement vertex -3\nend_header\n", "got the line 'element vertex -3'"),
    "no positions": (b"ply\nformat ascii 1.0\nelement vertex 1\nproperty float x\nend_header\n0\n", "must have vertices with x, y and z, got none"),
    "no faces": (HEAD.format("ascii", LIST).replace("face 1", "face 0").encode() + POINTS.encode(), "must hold triangles, got none"),
    "faces without a list": (
        HEAD.format("ascii", "int material").encode() + POINTS.encode() + b"1\n",
        "must have face with a list vertex_indices or vertex_index, got none",
    ),
    "words": (HEAD.format("ascii", LIST).encode() + POINTS.replace("1", "one").encode(), "must have numbers only behind its header"),
    "an end too early": (HEAD.format("ascii", LIST).encode() + POINTS.encode() + b"3 0 1\n", "got an end within the 1 rows of face"),
    "numbers too many": (
        HEAD.format("ascii", LIST).encode() + POINTS.encode() + b"3 0 1 2 255 0 0\n",
        "must hold no more than its header says, got 3 numbers more",
    ),
    "a length of 2.5": (HEAD.format("ascii", LIST).encode() + POINTS.encode() + b"2.5 0 1 2\n", "must have lists with a whole number of things, got 2.5"),
    "a length of -1": (
        HEAD.format("binary_little_endian", LIST.replace("uchar", "char")).encode() + bytes(36) + b"\xff" * 13,
        "must have lists with a whole number of things, got -1",
    ),
    "a vertex too many": (
        HEAD.format("ascii", LIST).encode() + POINTS.encode() + b"3 0 1 3\n",
        "must have faces between its vertices, 0 to 2, got the vertex 3",
    ),
    "a vertex below zero": (HEAD.format("ascii", LIST).encode() + POINTS.encode() + b"3 0 1 -1\n", "got the vertex -1"),
    "half a vertex": (HEAD.format("ascii", LIST).encode() + POINTS.encode() + b"3 0 1 1.5\n", "must have whole numbers as vertex_indices, got 1.5"),
    "a vertex that is NaN": (HEAD.format("ascii", LIST).encode() + POINTS.encode() + b"3 0 1 nan\n", "got an index that is no number"),
    "two corners": (HEAD.format("ascii", LIST).encode() + POINTS.encode() + b"2 0 1\n", "must have faces of three corners or more, got one of 2"),
    "strips that are too short": (
        ply("ascii", ("vertex", XYZ, vertices()), ("tristrips", ["list int int vertex_indices"], [[[0]], [[1, 2]], [[]]])),
        "must hold triangles, got none",
    ),
    "a binary list that is too long": (
        HEAD.format("binary_big_endian", "list uint int vertex_indices").encode() + bytes(36) + b"\xff" * 16,
        "got an end within the 1 rows of face",
    ),
    "billions of vertices": (
        HEAD.format("binary_little_endian", LIST).replace("vertex 3", "vertex 4000000000").encode() + bytes(90),
        "got an end within the 4000000000 rows of vertex",
    ),
    "billions of faces in a text": (
        HEAD.format("ascii", LIST).replace("face 1", "face 4000000000").encode() + POINTS.encode(),
        "got an end within the 4000000000 rows of face",
    ),
    "three coordinates of texture": (
        ply("ascii", ("vertex", XYZ, vertices()), ("face", [LIST, "list uchar float texcoord"], [[[0, 1, 2], [0.0, 0.0, 1.0]]])),
        "must have two numbers of texcoord for each corner of a face, got 3",
    ),
    "infinity": (HEAD.format("ascii", LIST).encode() + POINTS.replace("1", "inf").encode() + b"3 0 1 2\n", "must hold a good mesh: vertices must be finite"),
}


@pytest.mark.parametrize("name", WRONG)
def test_one_sentence(tmp_path, name):
    content, sentence = WRONG[name]
    with pytest.raises(ValueError, match=r"^Mesh.load: .*m.ply ") as raised:
        load(tmp_path, content)
    assert sentence in str(raised.value)
