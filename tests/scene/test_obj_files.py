"""OBJ files, made byte by byte: what each says is what comes.

Plan: each habit of the format by the smallest file that has it, with the number that is right; colours; polygons. Then random files, read line by line by a
reader that is written here to be understood, not to be fast: ours, which looks at all lines of a kind at once, must say the same, wherever its pieces end. Then
materials, and what they name; what is refused; and what we write, read by ours and by trimesh.
"""

import io
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import trimesh
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from taichi_softras import Mesh
from taichi_softras.engine import Wrap
from taichi_softras.scene import obj_files, obj_lines, read_obj_lines
from taichi_softras.scene.polygons import fans_of, triangulated

TRIANGLE = "v 0 0 0\nv 1 0 0\nv 0 1 0\n"
QUAD = TRIANGLE + "v 1 1 0\nvt 0 0\nvt 1 0\nvt 0 1\nvt 1 1\n"


def load(folder: Path, content: str | bytes, material: str | bytes | None = None, **pictures: tuple[int, int, int]) -> Mesh:
    """A mesh of this file, its material file ``m.mtl``, and pictures of 2 x 2 pixels of one colour."""
    for name, said in (("m.obj", content), ("m.mtl", material)):
        if said is not None:
            (folder / name).write_bytes(said if isinstance(said, bytes) else said.encode())
    for name, color in pictures.items():
        Image.new("RGB", (2, 2), color).save(folder / f"{name}.png")
    return Mesh.load(folder / "m.obj")


def corner_uvs(mesh: Mesh) -> np.ndarray:
    return mesh.uvs[mesh.face_uvs]


class TestLines:
    def test_indices_count_back_from_what_was_read_so_far(self, tmp_path):
        """Each triangle follows its three vertices: not the last one twice."""
        parts = [f"v {k} 0 0\nv {k} 1 0\nv {k} 0 1\nvt .{k} 0\nvt .{k} 1\nvt .{k} .5\n" for k in (1, 2)]
        for corners in ("f -3 -2 -1\n", "f -3/-3 -2/-2 -1/-1\n", "vn 0 0 1\nf -3//-1 -2//-1 -1//-1\n"):
            mesh = load(tmp_path, "".join(part + corners for part in parts))
            np.testing.assert_array_equal(mesh.faces, [[0, 1, 2], [3, 4, 5]])
            np.testing.assert_array_equal(mesh.vertices[mesh.faces][:, :, 0], [[1, 1, 1], [2, 2, 2]])
        mesh = load(tmp_path, "".join(part + "f -3/-3 -2/-2 -1/-1\n" for part in parts))
        np.testing.assert_array_equal(mesh.face_uvs, [[0, 1, 2], [3, 4, 5]])

    @pytest.mark.parametrize(
        "content",
        [
            TRIANGLE + "f 1 2 3",
            TRIANGLE.replace("\n", "\r\n") + "f 1 2 3\r\n",
            TRIANGLE.replace("\n", "\r") + "f 1 2 3\r",
            "\ufeff" + TRIANGLE + "f 1 2 3\n",
            ("\ufeff" + TRIANGLE + "f 1 2 3\n").encode("utf-16-le"),
            "#\n# v 9 9 9\n" + TRIANGLE.replace("\n", "# v\n") + "f 1 2 3 # 4\n",
            TRIANGLE + "f 1 \\\n 2 \\\n3\n",
            "# C:\\folder\\\n" + TRIANGLE + "f 1 2 3\n",
            TRIANGLE.replace(" ", "\t") + "  f\t1  2 3  \n",
            " " + TRIANGLE.replace("\n", "  \n\n \n") + "f 1 2 3\n",
            "o a\ng b\ns off\nvn 0 0 1\nvp 0 1\nl 1 2 3\np 1\nsurely nothing\nvx\nfo\n" + TRIANGLE + "f 1//1 2//1 3//1\nl 1 2\n",
            "f 1 2 3\n" + TRIANGLE,
            TRIANGLE.replace("0\n", "0 1.0\n") + "f 1 2 3\n",
            TRIANGLE.replace("0\n", "0e0 1 1\n") + "f 1 2 3\n",
            TRIANGLE + "f 1/ 2/ 3/\n",
            TRIANGLE + "f 1/2/3/4 2 03\nvt 0\nvt 1 2 3\n",
            "usemtl a b\n" + TRIANGLE + "f 1 2 3\nmtllib\nusemtl\nmtllib none here.mtl\n",
        ],
    )
    def test_one_triangle(self, tmp_path, content):
        """The last byte, line ends, a mark (the first vertex is there), comments, continued lines, blanks, unknown statements, weights."""
        mesh = load(tmp_path, content)
        np.testing.assert_array_equal(mesh.vertices, [[0, 0, 0], [1, 0, 0], [0, 1, 0]])
        np.testing.assert_array_equal(mesh.faces, [[0, 1, 2]])
        assert mesh.colors is None
        assert mesh.uvs is None

    def test_positions_keep_their_digits(self, tmp_path):
        """Those of a surveyor, to a millionth."""
        (tmp_path / "m.obj").write_text("v 500000.123456 4500000.654321 100\n" + TRIANGLE + "f 1 2 3\n")
        vertices = obj_files.read_obj(tmp_path / "m.obj").vertices
        assert vertices.dtype == np.float64
        np.testing.assert_array_equal(vertices[0], [500000.123456, 4500000.654321, 100])

    @pytest.mark.parametrize("uv", [False, True])
    def test_groups_and_materials_split_no_vertex(self, tmp_path, uv):
        """Ten materials in turn: the vertices of the file, not ten times as many."""
        i, j = np.mgrid[0:20, 0:10].reshape(2, -1)
        vertices = "".join(f"v {a} {b} 0\n" for a, b in zip(i, j, strict=True)) + ("vt 0 0\n" if uv else "")
        quads = [(a * 10 + b + 1, a * 10 + b + 11, a * 10 + b + 12, a * 10 + b + 2) for a in range(19) for b in range(9)]
        faces = "".join(f"g {k}\nusemtl m{k % 10}\nf " + " ".join(f"{c}/1" if uv else f"{c}" for c in quad) + "\n" for k, quad in enumerate(quads))
        materials = "".join(f"newmtl m{k}\nKd .{k} 0 1\n" for k in range(10))
        mesh = load(tmp_path, "mtllib m.mtl\n" + vertices + faces, materials)
        assert (mesh.vertices.shape, mesh.faces.shape) == ((200, 3), (342, 3))
        last = {int(v): k for k, face in enumerate(mesh.faces) for v in face}
        np.testing.assert_allclose(mesh.colors[:, 0], [(last[v] // 2 % 10) / 10 for v in range(200)], atol=1e-6)


class TestColors:
    @pytest.mark.parametrize(
        ("given", "expected"),
        [
            ("0 0.5 1", [0, 0.5, 1]),
            ("0 0.5 1.0001", [0, 0.5, 1]),
            ("0 0.5 1.2", [0, 0.5, 1]),
            ("0 0.5 3.7", [0, 0.5, 1]),
            ("-0.1 0.5 1", [0, 0.5, 1]),
            ("0 1 1", [0, 1, 1]),
            ("0 51 255", [0, 0.2, 1]),
            ("0 1 2", [0, 1 / 255, 2 / 255]),
            ("0.0 51.0 255.0", [0, 0.2, 1]),
            ("0 25.5 254.9", [0, 0.1, 254.9 / 255]),
            ("0 51 300", [0, 0.2, 1]),
            ("0 0.5 1 0.3", [0, 0.5, 1]),
        ],
    )
    def test_range(self, tmp_path, given, expected):
        mesh = load(tmp_path, "v 0 0 0 0 0 0\nv 1 0 0 0 0 0\nv 0 1 0 " + given + "\nf 1 2 3\n")
        np.testing.assert_allclose(mesh.colors[2], expected, atol=1e-6)
        np.testing.assert_array_equal(mesh.vertices[2], [0, 1, 0])

    def test_some_vertices_have_none(self, tmp_path):
        """White."""
        mesh = load(tmp_path, "v 0 0 0\nv 1 0 0 51 0 255\nv 0 1 0 1\nf 1 2 3\n")
        np.testing.assert_allclose(mesh.colors, [[1, 1, 1], [0.2, 0, 1], [1, 1, 1]], atol=1e-6)

    def test_beside_materials(self, tmp_path):
        """They go before Kd; a picture goes before them."""
        vertices = "mtllib m.mtl\nusemtl a\n" + TRIANGLE.replace("0\n", "0 .2 .4 .6\n") + "v 1 1 0 1 0 0\nvt 0 0\n"
        material = "newmtl a\nKd 0 1 0\nnewmtl b\nmap_Kd t.png\n"
        for faces in ("f 1 2 3\n", "f 1/1 2/1 3/1\n"):
            np.testing.assert_allclose(load(tmp_path, vertices + faces, material, t=(0, 0, 255)).colors, [[0.2, 0.4, 0.6]] * 3 + [[1, 0, 0]], atol=1e-6)
        with pytest.warns(UserWarning, match=r"m.obj: its pictures do not make one texture .*, and are reduced to colours at the vertices") as told:
            mixed = load(tmp_path, vertices + "f 1 2 3\nusemtl b\nf 2/1 3/1 4/1\n", material)
        assert [Path(warning.filename).name for warning in told] == ["test_obj_files.py"]
        np.testing.assert_allclose(mixed.colors, [[0.2, 0.4, 0.6], [0, 0, 1], [0, 0, 1], [0, 0, 1]], atol=1e-6)

    def test_kd(self, tmp_path):
        """Three numbers, or one for all; anything else says nothing."""
        for said, expected in (
            ("Kd .1 .2 .3", [0.1, 0.2, 0.3]),
            ("kd .5 # grey", [0.5] * 3),
            ("Kd 1 0", None),
            ("Kd xyz 1 1 1", None),
            ("Kd spectral f.rfl", None),
        ):
            mesh = load(tmp_path, "mtllib m.mtl\nusemtl a\n" + TRIANGLE + "f 1 2 3\n", f"newmtl a\n{said}\n")
            assert (mesh.colors is None) == (expected is None)
            if expected is not None:
                np.testing.assert_allclose(mesh.colors, [expected] * 3, atol=1e-6)


class TestPolygons:
    L = np.array([[0, 0, 0], [2, 0, 0], [2, 1, 0], [1, 1, 0], [1, 2, 0], [0, 2, 0]], float)

    @staticmethod
    def areas(vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
        """[F] signed, as seen from above."""
        a, b, c = np.asarray(vertices, float)[faces].transpose(1, 0, 2)
        return np.cross(b - a, c - a)[:, 2] / 2

    @pytest.mark.parametrize("turn", [1, -1])
    @pytest.mark.parametrize("begin", range(6))
    def test_an_l(self, tmp_path, begin, turn):
        """Whichever corner it begins at, and whichever way round: area 3, not 4, and turned as it was; texture coordinates go with their corners."""
        corners = np.roll(np.arange(6), begin)[::turn]
        lines = "".join(f"v {x:g} {y:g} {z:g}\nvt {x:g} {y:g}\n" for x, y, z in self.L) + "f " + " ".join(f"{c + 1}/{c + 1}" for c in corners)
        mesh = load(tmp_path, lines)
        areas = turn * self.areas(mesh.vertices, mesh.faces)
        assert len(mesh.vertices) == 6
        assert len(areas) == 4
        assert areas.sum() == 3
        assert areas.min() > 0
        np.testing.assert_array_equal(mesh.faces, mesh.face_uvs)

    def test_from_every_side(self):
        """Seen along its own normal, and a little bent."""
        rng = np.random.default_rng(0)
        for _ in range(50):
            turned = np.linalg.qr(rng.normal(size=(3, 3)))[0]
            points = (self.L + rng.normal(0, 0.02, self.L.shape)) @ turned
            flat = points[triangulated(points, np.arange(6), np.array([6]))] @ turned.T
            areas = self.areas(flat.reshape(-1, 3), np.arange(12).reshape(-1, 3))
            assert areas.min() > 0
            assert areas.sum() == pytest.approx(3, abs=0.2)

    def test_convex_ones_are_fans(self):
        angles = np.linspace(0, 2 * np.pi, 9)[:-1]
        circle = np.stack([np.cos(angles), np.sin(angles), 0 * angles], 1)
        corners, sizes = np.array([0, 1, 2, *range(8), 4, 3, 2, 1]), np.array([3, 8, 4])
        expected = [[0, 1, 2], *([3, 3 + k, 4 + k] for k in range(1, 7)), [11, 12, 13], [11, 13, 14]]
        np.testing.assert_array_equal(triangulated(circle, corners, sizes), expected)
        np.testing.assert_array_equal(fans_of(sizes), expected)

    def test_a_concave_quad(self):
        """The diagonal that lies inside, whichever corner comes first."""
        arrow = np.array([[0, 0, 0], [2, 1, 0], [0, 2, 0], [1, 1, 0]], float)
        for begin in range(4):
            areas = self.areas(np.roll(arrow, begin, 0), triangulated(np.roll(arrow, begin, 0), np.arange(4), np.array([4])))
            np.testing.assert_allclose(areas, [0.5, 0.5])

    def test_corners_in_the_middle_of_an_edge_stay(self):
        """The neighbour has them, too: without them there would be a gap."""
        rng, n = np.random.default_rng(1), 0
        for _ in range(300):
            angles = np.sort(rng.uniform(0, 2 * np.pi, rng.integers(3, 9)))
            gaps = np.diff(angles, append=angles[0] + 2 * np.pi)
            if gaps.max() > 3 or gaps.min() < 0.1:
                continue
            points = np.round(np.stack([np.cos(angles), np.sin(angles), 0 * angles], 1) * rng.integers(2, 9, len(angles))[:, None] * 400)
            ends = np.roll(points, -1, 0)
            points = np.concatenate([a + (b - a) * np.linspace(0, 1, rng.integers(1, 4), endpoint=False)[:, None] for a, b in zip(points, ends, strict=True)])
            x, y = points[:, 0], points[:, 1]
            area = (x * np.roll(y, -1) - y * np.roll(x, -1)).sum() / 2
            found = triangulated(points, np.arange(len(points)), np.array([len(points)]))
            assert len(found) == len(points) - 2
            assert set(found.ravel()) == set(range(len(points)))
            assert np.abs(self.areas(points, found)).sum() == pytest.approx(area, rel=1e-9)
            n += 1
        assert n > 100

    def test_too_large_to_be_cut(self, tmp_path):
        """Clipping would take too long if it were tangled; a convex one of any size is read."""
        angles = np.linspace(0, 2 * np.pi, 9001)[:-1]
        for radius, sentence in (
            (1 + 0.5 * np.cos(100 * angles), "a polygon of 9000 corners that is not convex, where at most 8192 can be cut"),
            (angles**0, None),
        ):
            lines = "".join(f"v {x} {y} 0\n" for x, y in zip(radius * np.cos(angles), radius * np.sin(angles), strict=True))
            content = lines + "f " + " ".join(map(str, range(1, 9001)))
            if sentence is None:
                assert len(load(tmp_path, content).faces) == 8998
            else:
                with pytest.raises(ValueError, match=f"^Mesh.load: .*m.obj must be a readable .obj file, got ValueError: {sentence}"):
                    load(tmp_path, content)

    @pytest.mark.parametrize(
        "points",
        [
            np.zeros((5, 3)),
            np.arange(18.0).reshape(6, 3),
            np.array([[0, 0, 0], [1, 1, 0], [1, 0, 0], [0, 1, 0]]),
            np.array([[0, 0, 0], [2, 2, 0], [2, 0, 0], [0, 2, 0], [1, 5, 0], [1, -5, 1]]),
            np.full((6, 3), np.nan),
            np.array([[0, 0, 0], [1e300, 0, 0], [1e300, 1e300, 0], [0, 1e300, 0], [np.inf, 0, 0]]),
        ],
        ids=["a point", "a line", "a bow tie", "a tangle", "nan", "huge"],
    )
    def test_what_nothing_covers(self, points):
        """n - 2 triangles, of its corners."""
        n = len(points)
        found = triangulated(points, np.arange(n), np.array([n]))
        assert found.shape == (n - 2, 3)
        assert set(found.ravel()) <= set(range(n))


def read_slowly(content: str) -> dict[str, list]:
    """What the lines say, one after the other."""
    names = ("positions", "colors", "uvs", "normals", "corners", "corner_uvs", "corner_normals", "sizes", "materials", "of_polygon")
    found: dict[str, list] = {name: [] for name in names}

    def index(word: str, rows: str) -> int:
        return -1 if not word else int(word) - 1 if int(word) > 0 else len(found[rows]) + int(word)

    for line in content.splitlines():
        words = line.split("#")[0].split()
        match words[:1]:
            case ["v"]:
                numbers = [float(word) for word in words[1:]]
                found["positions"].append(numbers[:3])
                found["colors"].append(numbers[3:6] if len(numbers) > 5 else [np.nan] * 3)
            case ["vt"]:
                found["uvs"].append([float(words[1]), float(words[2]) if len(words) > 2 else 0.0])
            case ["vn"]:
                found["normals"].append([float(word) for word in words[1:4]])
            case ["usemtl"]:
                found["materials"].append(line[7:].strip())
            case ["f"]:
                found["sizes"].append(len(words) - 1)
                found["of_polygon"].append(len(found["materials"]) - 1)
                for word in words[1:]:
                    first, second, third = (*word.split("/"), "", "")[:3]
                    found["corners"].append(index(first, "positions"))
                    found["corner_uvs"].append(index(second, "uvs"))
                    found["corner_normals"].append(index(third, "normals"))
    return found


@st.composite
def obj_texts(draw: st.DrawFn) -> str:
    """Statements in any order, once there is a vertex, a texture coordinate and a normal to point to."""
    number = st.floats(-1e9, 1e9).map("{:.6g}".format) | st.integers(-9, 9).map(str)
    lines, n, m, k = ["v 0 0 0", "vt 0 0", "vn 1 0 0"], 1, 1, 1
    for kind in draw(st.lists(st.sampled_from(["v", "v", "vt", "f", "f", "usemtl a", "usemtl b #2", "", "# f 1", "vn", "l 1", "g a"]), max_size=30)):
        words = [kind]
        if kind == "v":
            words += [draw(number) for _ in range(draw(st.sampled_from([3, 3, 3, 4, 6, 7])))]
            n += 1
        elif kind == "vt":
            words += [draw(number) for _ in range(draw(st.sampled_from([2, 2, 1, 3])))]
            m += 1
        elif kind == "vn":
            words += [draw(number) for _ in range(3)]
            k += 1
        elif kind == "f":
            for _ in range(draw(st.integers(1, 6))):
                first = draw(st.integers(-n, n).filter(bool))
                second = draw(st.integers(-m, m).filter(bool))
                third = draw(st.integers(-k, k).filter(bool))
                words.append(draw(st.sampled_from([f"{first}", f"{first}/{second}", f"{first}/{second}/{third}", f"{first}//{third}", f"{first}/"])))
        lines.append(" ".join(words) + draw(st.sampled_from(["", "", " ", " # 1 2"])))
    return "\n".join(lines) + draw(st.sampled_from(["", "\n"]))


class TestAllLinesAtOnce:
    @settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(text=obj_texts(), piece=st.sampled_from([1, 20, 100, 1 << 20]))
    def test_as_line_by_line(self, monkeypatch, text, piece):
        """Of random files, cut into pieces of any length."""
        monkeypatch.setattr(obj_lines, "PIECE", piece)
        ours, expected = vars(read_obj_lines(text.encode(), normals=True)), read_slowly(text)
        without = vars(read_obj_lines(text.encode()))
        assert len(without["normals"]) == 0
        assert (without["corner_normals"] == -1).all()
        if ours["colors"] is None:
            assert np.isnan(expected.pop("colors")).all()
        for name, values in expected.items():
            if name == "materials":
                assert ours[name] == values
            else:
                np.testing.assert_array_equal(ours[name], np.array(values).reshape(ours[name].shape))
                if "normals" not in name:
                    np.testing.assert_array_equal(without[name], ours[name])

    def test_a_file_of_several_pieces(self, monkeypatch):
        """That there are some."""
        text = (TRIANGLE + "f -3 -2 -1\nusemtl a\n") * 100
        whole = read_obj_lines(text.encode())
        monkeypatch.setattr(obj_lines, "PIECE", 64)
        assert len(list(obj_lines._pieces(io.BytesIO(text.encode())))) > 30
        for name, values in vars(read_obj_lines(text.encode())).items():
            np.testing.assert_array_equal(values, vars(whole)[name])


class TestMaterials:
    HEAD = "mtllib m.mtl\nusemtl a\n" + QUAD

    @pytest.mark.parametrize(
        ("options", "corner"),
        [
            ("", (1, 1)),
            ("-o .25 .5 -s 3 2", (3.25, 2.5)),
            ("-s 3 2 1 -o .25 .5 0", (3.25, 2.5)),
            ("-s 3", (3, 1)),
            ("-o -0.25", (0.75, 1)),
            ("-t .1 .2 .3 -S 2 2", (2, 2)),
            ("-bm 1 -mm 0 1 -blendu on -colorspace sRGB -type sphere -s 2 2 2", (2, 2)),
        ],
    )
    def test_scale_and_offset(self, tmp_path, options, corner):
        """Of the texture coordinate (1, 1)."""
        mesh = load(tmp_path, self.HEAD + "f 1/1 2/2 4/4 3/3\n", f"newmtl a\nmap_Kd {options} t.png\n", t=(1, 2, 3))
        np.testing.assert_allclose(corner_uvs(mesh)[0, 2], corner)
        assert mesh.texture.shape == (2, 2, 3)

    def test_two_scales_of_one_picture(self, tmp_path):
        """Each face has those of its material; a coordinate that both use becomes two."""
        faces = "f 1/1 2/2 3/3\nusemtl b\nf 2/2 4/4 3/3\nusemtl c\nf 3/3 2/2 1/1\n"
        material = "newmtl a\nmap_Kd -s 2 2 t.png\nnewmtl b\nmap_Kd -o .5 0 t.png\nnewmtl c\nmap_Kd -s 2 2 t.png\n"
        mesh = load(tmp_path, self.HEAD + faces, material, t=(1, 2, 3))
        np.testing.assert_allclose(corner_uvs(mesh), [[[0, 0], [2, 0], [0, 2]], [[1.5, 0], [1.5, 1], [0.5, 1]], [[0, 2], [2, 0], [0, 0]]])
        assert len(mesh.uvs) == 6
        np.testing.assert_array_equal(mesh.face_uvs[0], mesh.face_uvs[2, ::-1])

    @pytest.mark.parametrize(
        ("newmtl", "usemtl"),
        [
            ("a", "a  # the roof"),
            ("a # the roof", "a"),
            ("a # the roof", "a #the floor"),
            ("two words", "two words"),
            ("Material #25", "Material #25"),
            ("#1", "#1"),
            ("\u00fcber", "\u00fcber"),
        ],
    )
    def test_names(self, tmp_path, newmtl, usemtl):
        """With spaces; a # begins a comment where there is no material of the whole name."""
        others = "newmtl Material #26\nKd 0 0 1\nnewmtl b\nKd 0 0 1\n"
        mesh = load(tmp_path, f"mtllib m.mtl # materials\nusemtl {usemtl}\n{TRIANGLE}f 1 2 3\n", f"\ufeffnewmtl {newmtl}\r\nKd 1 0 0 # red\r\n{others}")
        np.testing.assert_array_equal(mesh.colors, [[1, 0, 0]] * 3)

    @pytest.mark.parametrize(
        "said",
        [
            "t.png",
            "t.png # the wood",
            '"t.png"',
            "C:\\Users\\anna\\T.PNG",
            "/home/anna/textures/T.Png",
            "sub\\a b.jpg",
            "sub/a%20b.jpg",
            "a%20b.JPG",
            "with #1.png",
        ],
    )
    def test_where_a_picture_is(self, tmp_path, said):
        """By its name; then its name without quotes, comment and %20; then its base name, beside the mesh, in any case of letters."""
        (tmp_path / "sub").mkdir()
        for name in ("t.png", "sub/a b.jpg", "a b.jpg", "with #1.png"):
            Image.new("RGB", (2, 2)).save(tmp_path / name)
        assert load(tmp_path, self.HEAD + "f 1/1 2/2 3/3\n", f"newmtl a\nmap_Kd {said}\n").texture is not None

    def test_a_picture_that_is_nowhere(self, tmp_path):
        """A warning that names it, once, and points to who called; the shape comes, and its texture coordinates."""
        material = "newmtl a\nmap_Kd wood\\gone.png\nnewmtl b\nmap_Kd wood\\gone.png\n"
        with pytest.warns(UserWarning, match=r"^Mesh.load: .*m.obj names the texture 'wood\\\\gone.png', and there is no such file") as told:
            mesh = load(tmp_path, self.HEAD + "f 1/1 2/2 3/3\nusemtl b\nf 2/2 4/4 3/3\n", material)
        assert [Path(warning.filename).name for warning in told] == ["test_obj_files.py"]
        assert mesh.texture is None
        np.testing.assert_array_equal(corner_uvs(mesh)[0], [[0, 0], [1, 0], [0, 1]])

    def test_one_picture_of_many_spellings(self, tmp_path):
        """Several materials, and all of it in one mesh with one texture."""
        faces = "f 1/1 2/2 3/3\nusemtl b\nf 2/2 4/4 3/3\n"
        mesh = load(tmp_path, self.HEAD + faces, "newmtl a\nmap_Kd t.png\nnewmtl b\nmap_Kd -clamp on T.PNG\n", t=(255, 0, 0))
        assert mesh.texture.shape == (2, 2, 3)
        assert mesh.wrap is None
        assert load(tmp_path, self.HEAD + faces, "newmtl a\nmap_Kd -clamp on t.png\nnewmtl b\nmap_Kd -clamp on t.png\n").wrap is Wrap.CLAMP

    def test_two_pictures(self, tmp_path):
        """They become one, also beside a plain part, and one without texture coordinates; colours at the vertices are of the last face there."""
        faces = "usemtl b\nf 2/2 4/4 3/3\nusemtl a\nf 1/1 2/2 3/3\n"
        material = "newmtl a\nKd 0 1 0\nmap_Kd t.png\nnewmtl b\nmap_Kd u.png\nnewmtl c\nKd .2 .4 .6\n"
        mesh = load(tmp_path, self.HEAD + faces, material, t=(255, 0, 0), u=(0, 0, 255))
        np.testing.assert_array_equal(mesh.colors, [[1, 0, 0], [1, 0, 0], [1, 0, 0], [0, 0, 1]])
        np.testing.assert_array_equal(self.in_the_middle(mesh), [[0, 0, 1], [1, 0, 0]])
        more = load(tmp_path, self.HEAD + faces + "f 1 2 3\nusemtl c\nf 1/1 2/2 3/3\n", material)
        np.testing.assert_allclose(self.in_the_middle(more), [[0, 0, 1], [1, 0, 0], [0, 1, 0], [0.2, 0.4, 0.6]], atol=1e-6)
        assert len(more.vertices) == 4

    @staticmethod
    def in_the_middle(mesh: Mesh) -> np.ndarray:
        """[F, 3] the texture in the middle of each face."""
        height, width = mesh.texture.shape[:2]
        column, row = (corner_uvs(mesh).mean(1) * [width, height]).astype(int).T
        return mesh.texture[height - 1 - row, column]

    def test_a_picture_that_no_corner_can_show(self, tmp_path):
        """Without texture coordinates nothing is looked for."""
        mesh = load(tmp_path, "mtllib m.mtl\nusemtl a\n" + TRIANGLE + "f 1 2 3\n", "newmtl a\nKd 0 1 0\nmap_Kd gone.png\n")
        np.testing.assert_array_equal(mesh.colors, [[0, 1, 0]] * 3)

    def test_a_material_file_by_its_base_name(self, tmp_path):
        mesh = load(tmp_path, "mtllib C:\\models\\M.MTL\nusemtl a\n" + TRIANGLE + "f 1 2 3\n", "newmtl a\nKd 0 1 0\n")
        np.testing.assert_array_equal(mesh.colors, [[0, 1, 0]] * 3)

    def test_lines_of_a_material_file(self, tmp_path):
        """Continued, in comments, with every line end, in any case of letters; what comes last counts."""
        said = "# C:\\folder\\\nnewmtl a\r\n  KD 1 \\\n 0 0\r\n#Kd 0 1 0\rNs 10\r# x\rmap_Kd t.png\r"
        np.testing.assert_array_equal(load(tmp_path, "mtllib m.mtl\nusemtl a\n" + TRIANGLE + "f 1 2 3\n", said, t=(0, 0, 255)).colors, [[1, 0, 0]] * 3)
        np.testing.assert_array_equal(load(tmp_path, self.HEAD + "f 1/1 2/2 3/3\n", said).texture, [[[0, 0, 1]] * 2] * 2)


class TestRefused:
    @pytest.mark.parametrize(
        ("content", "sentence"),
        [
            (TRIANGLE + "f 0 1 2", "the vertex 0, where OBJ counts from 1"),
            (TRIANGLE + "f 1 2 4", "the vertex 4, where there are 3"),
            (TRIANGLE + "f 1 2 -4", "the vertex -4, where there are 3 before it"),
            ("v 0 0 0\nf -1 -1 -2\n" + TRIANGLE, "the vertex -2, where there are 1 before it"),
            (QUAD + "f 1/1 2/0 3/3", "the texture coordinate 0, where OBJ counts from 1"),
            (QUAD + "f 1/1 2/5 3/3", "the texture coordinate 5, where there are 4"),
            (QUAD + "f 1/1 2/-5 3/3", "the texture coordinate -5, where there are 4 before it"),
            (TRIANGLE + "f 1 2 123456789012345678", "the vertex 123456789012345678, where there are 3"),
            (TRIANGLE + "f 1 2 " + "9" * 100, f"a face with the number '{'9' * 40}...'"),
            (TRIANGLE + "f 1 2", "a face with 2 corners"),
            (TRIANGLE + "f", "a face with 0 corners"),
            (TRIANGLE + "f 1 2 x", "a face with the corner 'x'"),
            (TRIANGLE + "f 1 2 3.0", "a face with the corner '3.0'"),
            (TRIANGLE + "f 1 2 /3", "a face with the corner '/3'"),
            (TRIANGLE + "f 1 2 1-2", "a face with the corner '1-2'"),
            (TRIANGLE + "f 1 2 --2", "a face with the corner '--2'"),
            (TRIANGLE + "f 1 2 -", "a face with the corner '-'"),
            (TRIANGLE + "f 1 2 - 3", "a face with the corner '-'"),
            (TRIANGLE + "f 1 2 +3", "a face with the corner '+3'"),
            (TRIANGLE + "f 1 2 99999999999999999999", "a face with the number '99999999999999999999'"),
            (TRIANGLE + "f 1 2 f", "a face with the corner 'f'"),
            ("v 1 2 3\nv 1 2\nv 1 2 3 4\nf 1 2 3\n", "a vertex of 2 numbers"),
            ("v 1 2 3\nv 1 2 v\nf 1 2 3\n", "a vertex with 'v'"),
            (TRIANGLE + "f " + "/" * 10**6, f"a face with the corner '{'/' * 40}...'"),
            (TRIANGLE + "f 1 2 \0", r"a face with the corner '\\x00'"),
            ("v 1 2\n", "a vertex of 2 numbers"),
            ("v\n", "a vertex of 0 numbers"),
            ("v 1 2 3\nv 1 2\n", "a vertex of 2 numbers"),
            ("v 1 2 nan\n", "a vertex with 'nan', which is not finite"),
            ("v 1 2 -inf\n", "a vertex with '-inf', which is not finite"),
            ("v 1 2 1e999\n", "a vertex with '1e999', which is not finite"),
            ("v 1 2 3 nan 0 0\n", "a vertex with 'nan', which is not finite"),
            ("v 1 2 " + "x" * 100, f"a vertex with '{'x' * 40}...'"),
            ("v 1 2 3\nv 1 2 3 0 0 z\n", "a vertex with 'z'"),
            ("vt\n", "a texture coordinate of 0 numbers"),
            (b"\xff\xfe\0", "'utf-16-le' codec can't decode"),
        ],
    )
    def test_lines(self, tmp_path, content, sentence):
        with pytest.raises(ValueError, match=r"^Mesh.load: .*m.obj must be a readable .obj file, got \w+: ") as told:
            load(tmp_path, content)
        assert sentence.replace("\\\\", "\\") in str(told.value)
        assert len(str(told.value)) < 400

    @pytest.mark.parametrize("content", ["", "/" * 10**6, "\n" * 10**6, TRIANGLE, "l 1 2\n" + TRIANGLE, "\ufeff", b"\xff" * 1000, bytes(1000)])
    def test_no_faces(self, tmp_path, content):
        with pytest.raises(ValueError, match=r"^Mesh.load: .*m.obj must hold triangles, got none$"):
            load(tmp_path, content)

    def test_numbers_that_float32_cannot_hold(self, tmp_path):
        for lines in (TRIANGLE.replace("v 1", "v 1e300") + "f 1 2 3\n", QUAD.replace("vt 1", "vt 1e300") + "f 1/1 2/2 3/3\n"):
            with pytest.raises(
                ValueError, match=r"^Mesh.load: .*m.obj must (hold a good mesh: vertices must be at most|be a readable .obj file, .*not finite)"
            ):
                load(tmp_path, lines)

    def test_scales_that_are_none(self, tmp_path):
        """A material file is as foreign as a mesh."""
        for scale in ("nan", "inf", "1e300"):
            with pytest.raises(ValueError, match=r"^Mesh.load: .*m.obj must be a readable .obj file, got ValueError: a texture coordinate that is not finite"):
                load(tmp_path, TestMaterials.HEAD + "f 1/1 2/2 3/3\n", f"newmtl a\nmap_Kd -s {scale} 1 t.png\n", t=(1, 2, 3))

    def test_a_name_does_not_lead_away(self, tmp_path):
        """Nor does %2e%2e, or a base name that is a folder's."""
        home = tmp_path / "far" / "from" / "home"
        home.mkdir(parents=True)
        Image.new("RGB", (2, 2)).save(tmp_path / "t.png")
        for name in ("../../../t.png", "%2e%2e/../..%2ft.png", '"../../../t.png"', "..\\..\\..\\t.png"):
            with pytest.raises(ValueError, match=r"^Mesh.load: the texture of .*m.obj must lie near m.obj"):
                load(home, TestMaterials.HEAD + "f 1/1 2/2 3/3\n", f"newmtl a\nmap_Kd {name}\n")
        for name in ("..", ".", "far/..", "%00", "x/"):
            with pytest.warns(UserWarning, match="names the texture"):
                load(home, TestMaterials.HEAD + "f 1/1 2/2 3/3\n", f"newmtl a\nmap_Kd {name}\n")


class TestWritten:
    def mesh(self, texture: bool) -> Mesh:
        ball, rng = Mesh.icosphere(1), np.random.default_rng(0)
        colors = None if texture else rng.uniform(0, 1, ball.vertices.shape)
        if not texture:
            return replace(ball, colors=colors)
        return replace(ball, uvs=rng.uniform(-1, 2, (70, 2)), face_uvs=rng.integers(0, 70, ball.faces.shape), texture=rng.integers(0, 256, (3, 5, 3)) / 255)

    @pytest.mark.parametrize("texture", [True, False])
    def test_there_and_back(self, tmp_path, texture):
        """To the last bit; a picture to 8 bits."""
        mesh = self.mesh(texture)
        mesh.save(tmp_path / "m.obj")
        back = Mesh.load(tmp_path / "m.obj")
        for name in ("vertices", "faces", *(("uvs", "face_uvs") if texture else ("colors",))):
            np.testing.assert_array_equal(getattr(back, name), getattr(mesh, name))
        if texture:
            np.testing.assert_array_equal(np.round(back.texture * 255), np.round(mesh.texture * 255))

    def test_float64(self, tmp_path):
        ball = Mesh.icosphere(0)
        vertices = ball.vertices + np.array([5e5, 4.5e6, 1 / 3])
        obj_files.write_obj(tmp_path / "m.obj", obj_files.Contents(vertices=vertices, faces=ball.faces))
        np.testing.assert_array_equal(obj_files.read_obj(tmp_path / "m.obj").vertices, vertices)

    def test_read_by_trimesh(self, tmp_path):
        mesh = self.mesh(texture=False)
        mesh.save(tmp_path / "colors.obj")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            theirs = trimesh.load(tmp_path / "colors.obj", process=False, maintain_order=True)
            self.mesh(texture=True).save(tmp_path / "texture.obj")
            textured = trimesh.load(tmp_path / "texture.obj", process=False)
        np.testing.assert_allclose(theirs.vertices, mesh.vertices, atol=1e-7)
        np.testing.assert_array_equal(theirs.faces, mesh.faces)
        np.testing.assert_allclose(theirs.visual.vertex_colors[:, :3] / 255, mesh.colors, atol=1 / 255)
        expected = self.mesh(texture=True)
        np.testing.assert_allclose(textured.vertices[textured.faces], expected.vertices[expected.faces], atol=1e-6)
        np.testing.assert_allclose(textured.visual.uv[textured.faces], corner_uvs(expected), atol=1e-6)
        np.testing.assert_array_equal(np.asarray(textured.visual.material.image)[..., :3], np.round(expected.texture * 255))
