"""OFF files by hand: what their name says of vertices, counts in its line, comments, any polygons, colours of vertices and of faces; then what is wrong."""

import numpy as np
import pytest

from taichi_softras import Mesh

SQUARE = np.array([[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]], np.float32)
POINTS = ["0 0 0", "1 0 0", "1 1 0", "0 1 0"]
NORMAL, COLORS, BYTES = " 0 0 1", [" 1 0 0 1", " 0 1 0 1", " 0 0 1 1", " 0.5 0.5 0.5 1"], [" 255 0 0 255", " 0 255 0 255", " 0 0 255 255", " 51 102 153 255"]
UVS = [" 0 0", " 1 0", " 1 1", " 0 1"]
FACES = ["4 0 1 2 3"]


def load(folder, *lines: str, newline: str = "\n") -> Mesh:
    (folder / "m.off").write_bytes(newline.join([*lines, ""]).encode())
    return Mesh.load(folder / "m.off")


def beside(*columns) -> list[str]:
    """Lines of several columns."""
    return ["".join(parts) for parts in zip(*([column] * 4 if isinstance(column, str) else column for column in columns), strict=True)]


class TestHeaders:
    @pytest.mark.parametrize(
        "header",
        [
            ["OFF", "4 1 4"],
            ["off", "4 1 4"],
            ["OFF 4 1 4"],
            ["OFF 4 1"],
            ["OFF4 1 0"],
            ["4 1 4"],
            ["# made", "", "OFF # by hand", "4 1 0 # and more"],
            ["\ufeffOFF", "4 1 0"],
        ],
    )
    @pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
    def test_there_are_many(self, tmp_path, header, newline):
        mesh = load(tmp_path, *header, POINTS[0] + " # the first", "", *POINTS[1:], "# faces", "4 0 1 2 3 # a square", newline=newline)
        np.testing.assert_array_equal(mesh.vertices, SQUARE)
        np.testing.assert_array_equal(mesh.faces, [[0, 1, 2], [0, 2, 3]])
        assert (mesh.colors, mesh.uvs) == (None, None)

    @pytest.mark.parametrize(
        ("name", "columns"),
        [
            ("NOFF", [POINTS, NORMAL]),
            ("COFF", [POINTS, COLORS]),
            ("off", [POINTS, COLORS]),
            ("STOFF", [POINTS, UVS]),
            ("CNOFF", [POINTS, NORMAL, COLORS]),
            ("STNOFF", [POINTS, NORMAL, UVS]),
            ("STCOFF", [POINTS, COLORS, UVS]),
            ("STCNOFF", [POINTS, NORMAL, COLORS, UVS]),
        ],
    )
    def test_what_the_name_says(self, tmp_path, name, columns):
        mesh = load(tmp_path, name, "4 1 0", *beside(*columns), *FACES)
        np.testing.assert_array_equal(mesh.vertices, SQUARE)
        if "C" in name or name == "off":  # PyTorch3D does not say it
            np.testing.assert_allclose(mesh.colors, [[1, 0, 0], [0, 1, 0], [0, 0, 1], [0.5, 0.5, 0.5]])
        else:
            assert mesh.colors is None
        if "ST" in name:
            np.testing.assert_array_equal(mesh.uvs, SQUARE[:, :2])
        else:
            assert mesh.uvs is None


class TestColors:
    @pytest.mark.parametrize("alpha", [True, False])
    def test_whole_numbers_up_to_255(self, tmp_path, alpha):
        colors = BYTES if alpha else [color.rsplit(" ", 1)[0] for color in BYTES]
        mesh = load(tmp_path, "COFF", "4 1 0", *beside(POINTS, colors), *FACES)
        np.testing.assert_allclose(mesh.colors, [[1, 0, 0], [0, 1, 0], [0, 0, 1], [0.2, 0.4, 0.6]], atol=1e-6)

    @pytest.mark.parametrize(("red", "blue"), [("255 0 0", "0 0 255"), ("1.0 0 0", "0 0 1"), ("1 0 0 1", "0 0 1 1"), ("255 0 0 10", "0 0 255 10")])
    def test_of_faces(self, tmp_path, red, blue):
        """At a vertex they are mixed; a face without one is white."""
        mesh = load(tmp_path, "OFF", "5 3 0", *POINTS, "9 9 9", f"3 0 1 2 {red}", f"3 0 2 3 {blue}", "3 1 2 4")
        np.testing.assert_allclose(mesh.colors[0], [0.5, 0, 0.5])
        np.testing.assert_allclose(mesh.colors[1], [1, 0.5, 0.5])
        np.testing.assert_allclose(mesh.colors[4], [1, 1, 1])

    @pytest.mark.parametrize(
        ("color", "expected"),
        [("0 0.5 1.0001", [0, 0.5, 1]), ("0 0.5 1.2", [0, 0.5, 1]), ("0 1 2", [0, 1 / 255, 2 / 255]), ("0 25.5 254.9", [0, 0.1, 254.9 / 255])],
    )
    def test_unit(self, tmp_path, color, expected):
        """The same rule as in OBJ and PLY files, of vertices and of faces."""
        for lines in (["COFF", "4 1 0", *beside(POINTS, f" {color}"), *FACES], ["OFF", "4 1 0", *POINTS, f"4 0 1 2 3 {color}"]):
            np.testing.assert_allclose(load(tmp_path, *lines).colors, [expected] * 4, atol=1e-6)

    def test_those_of_vertices_go_first(self, tmp_path):
        mesh = load(tmp_path, "COFF", "4 1 0", *beside(POINTS, COLORS), "4 0 1 2 3 9 9 9")
        np.testing.assert_allclose(mesh.colors[1], [0, 1, 0])


def test_an_l(tmp_path):
    """A polygon that is not convex has its own area: 3, where a fan covers 4."""
    mesh = load(tmp_path, "OFF", "6 2 0", "2 0 0", "2 1 0", "1 1 0", "1 2 0", "0 2 0", "0 0 0", "6 0 1 2 3 4 5", "3 0 1 2")
    a, b, c = mesh.vertices[mesh.faces[:4]].transpose(1, 0, 2)
    assert np.cross(b - a, c - a)[:, 2].sum() / 2 == pytest.approx(3)
    assert (np.cross(b - a, c - a)[:, 2] > 0).all()
    np.testing.assert_array_equal(mesh.faces[4], [0, 1, 2])


def test_a_polygon_of_very_many_corners(tmp_path):
    """A comb of 2^13 teeth."""
    n = 2**14
    points = [f"{i / n} {i % 2} 0" for i in range(n)] + ["1 -1 0", "0 -1 0"]
    face = " ".join(map(str, [n + 2, *range(n + 1, -1, -1)]))
    with pytest.raises(ValueError, match=r"^Mesh.load: .*m.off must have polygons that can be cut, got a polygon of 16386 corners that is not convex"):
        load(tmp_path, "OFF", f"{n + 2} 1 0", *points, face)


@pytest.mark.parametrize(
    ("lines", "sentence"),
    [
        ([], "must begin with OFF and how many vertices, faces and edges it has"),
        (["OFF"], "must begin with OFF"),
        (["OFF", "4 one 0"], "must begin with OFF"),
        (["PLY", "4 1 0"], "must begin with OFF"),
        (["OFF BINARY", "4 1 0"], "must be a text, got OFF BINARY"),
        (["4OFF", "4 1 0"], "must be of three dimensions, got 4OFF"),
        (["CnOFF", "4", "4 1 0"], "must be of three dimensions, got CnOFF"),
        (["OFF", "4 1 0", *POINTS], "must hold 4 vertices and 1 faces, each in a line, got 4 lines"),
        (["OFF", "4000000000 1 0", *POINTS, *FACES], "must hold 4000000000 vertices and 1 faces, each in a line, got 5 lines"),
        (["OFF", "4 0 0", *POINTS], "must hold triangles, got none"),
        (["OFF", "0 1 0", *FACES], "must have vertices with as many numbers each, got none"),
        (["OFF", "4 1 0", *POINTS[:3], "0 1", *FACES], "must have vertices with as many numbers each, got 2 and 3"),
        (["OFF", "4 1 0", *["0 1"] * 4, *FACES], "must have vertices of 3 numbers, as its header says, got 2"),
        (["COFF", "4 1 0", *POINTS, *FACES], "must have vertices of 6 or 7 numbers, as its header says, got 3"),
        (["OFF", "4 1 0", *POINTS[:3], "0 one 0", *FACES], "must have numbers only behind its header"),
        (["OFF", "4 1 0", *POINTS, "4 0 1 2"], "must have faces that say how many corners they have and then name these, got '4 0 1 2'"),
        (["OFF", "4 1 0", *POINTS, "3.5 0 1 2 3"], "must have faces that say how many corners"),
        (["OFF", "4 1 0", *POINTS, "-1 0 1 2 3"], "must have faces that say how many corners"),
        (["OFF", "4 1 0", *POINTS, "nan 0 1 2 3"], "must have faces that say how many corners"),
        (["OFF", "4 1 0", *POINTS, "4 0 1 2 3 7"], "must have three or four numbers, or none, as the colour of a face, got the number of one in a table"),
        (["OFF", "4 1 0", *POINTS, "4 0 1 2 3 7 7"], "must have three or four numbers, or none, as the colour of a face, got two numbers"),
        (["OFF", "4 1 0", *POINTS, "3 0 1 1.5"], "must have whole numbers as corners of faces, got [1.5]"),
        (["OFF", "4 1 0", *POINTS, "3 0 1 4"], "must have faces between its vertices, 0 to 3, got the vertex 4"),
        (["OFF", "4 1 0", *POINTS, "3 0 1 -1"], "got the vertex -1"),
        (["OFF", "4 1 0", *POINTS, "2 0 1"], "must have faces of three corners or more, got one of 2"),
        (["OFF", "4 1 0", *POINTS[:3], "0 inf 0", *FACES], "must hold a good mesh: vertices must be finite"),
    ],
)
def test_one_sentence(tmp_path, lines, sentence):
    with pytest.raises(ValueError, match=r"^Mesh.load: .*m.off ") as raised:
        load(tmp_path, *lines)
    assert sentence in str(raised.value)
