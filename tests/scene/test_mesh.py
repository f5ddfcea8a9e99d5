"""Meshes and their files.

Plan: what is saved is what is loaded, for every kind of file, with colours where the kind has them; what trimesh might do to a mesh on the way (merge,
reorder or drop vertices, turn faces) would break the one-to-one order that colours and optimisation rest on. Then the textured mesh of the shared data, the
makers, and what a `Mesh` promises of its arrays.

Textures: what is written and read again has the same triangles, texture coordinates at their corners and pixels, with seams, without, and with every kind of
index list; files by other hands (options of a map, missing pictures, several materials, 16 bits); and files that lie.
"""

import json
import struct
import zlib
from dataclasses import FrozenInstanceError, replace

import numpy as np
import pytest
import trimesh
from PIL import Image

from taichi_softras import Mesh
from taichi_softras.engine import Wrap


def noisy_sphere(colors: bool = True) -> Mesh:
    sphere = Mesh.icosphere(2)
    rng = np.random.default_rng(0)
    vertices = sphere.vertices + rng.normal(0, 0.05, sphere.vertices.shape).astype(np.float32)
    return Mesh(vertices=vertices, faces=sphere.faces, colors=rng.uniform(0, 1, vertices.shape) if colors else None)


def triangles(mesh: Mesh) -> np.ndarray:
    """[F, 3, 3] corners."""
    return mesh.vertices[mesh.faces]


class TestFiles:
    @pytest.mark.parametrize("colors", [True, False], ids=["colors", "plain"])
    @pytest.mark.parametrize("suffix", [".obj", ".ply", ".glb", ".OBJ"])
    def test_there_and_back(self, tmp_path, suffix, colors):
        mesh = noisy_sphere(colors)
        mesh.save(tmp_path / f"mesh{suffix}")
        back = Mesh.load(tmp_path / f"mesh{suffix}")
        np.testing.assert_allclose(back.vertices, mesh.vertices, atol=1e-6)
        np.testing.assert_array_equal(back.faces, mesh.faces)
        if colors:
            np.testing.assert_allclose(back.colors, mesh.colors, atol=0.5 / 255 + 1e-6)
        else:
            assert back.colors is None

    def test_stl(self, tmp_path):
        """STL has neither colours nor an order of vertices, but the same triangles, joined again."""
        mesh = noisy_sphere()
        mesh.save(tmp_path / "mesh.stl")
        back = Mesh.load(tmp_path / "mesh.stl")
        np.testing.assert_allclose(triangles(back), triangles(mesh), atol=1e-6)
        assert len(back.vertices) == len(mesh.vertices)
        assert back.colors is None

    @pytest.mark.parametrize("suffix", [".obj", ".ply", ".glb"])
    def test_vertices_keep_their_places(self, tmp_path, suffix):
        """Two at one point, and one without a face: trimesh would merge and drop them if it were let."""
        vertices = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [9, 9, 9], [1, 0, 0], [0, 1, 0], [1, 1, 0]], np.float32)
        mesh = Mesh(vertices=vertices, faces=[[0, 1, 2], [5, 4, 6]])
        mesh.save(tmp_path / f"mesh{suffix}")
        back = Mesh.load(tmp_path / f"mesh{suffix}")
        np.testing.assert_allclose(back.vertices, vertices)
        np.testing.assert_array_equal(back.faces, mesh.faces)

    def test_seams_stay_joined(self, tmp_path):
        """A vertex with two texture coordinates stays one vertex: split in two, the surface would tear along the seam when it is optimised."""
        Image.new("RGB", (2, 2), (10, 200, 30)).save(tmp_path / "t.png")
        (tmp_path / "m.mtl").write_text("newmtl m\nmap_Kd t.png\n")
        corners = ["v 0 0 0", "v 1 0 0", "v 1 1 0", "v 0 1 0", "vt 0 0", "vt 1 0", "vt 1 1", "vt 0 1", "vt .3 .3", "vt .7 .7"]
        (tmp_path / "m.obj").write_text("\n".join(["mtllib m.mtl", "usemtl m", *corners, "f 1/1 2/2 3/3", "f 1/5 3/6 4/4"]))
        mesh = Mesh.load(tmp_path / "m.obj")
        np.testing.assert_allclose(mesh.vertices, [[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]])
        np.testing.assert_array_equal(mesh.faces, [[0, 1, 2], [0, 2, 3]])
        np.testing.assert_allclose(mesh.colors, np.broadcast_to(np.array([10, 200, 30]) / 255, (4, 3)), atol=0.01)

    def test_colors_are_clipped(self, tmp_path):
        """An optimisation may leave [0, 1]; a byte cannot."""
        mesh = Mesh(vertices=np.eye(3), faces=[[0, 1, 2]], colors=[[-1, 0.5, 2], [0, 0, 0], [1, 1, 1]])
        mesh.save(tmp_path / "mesh.ply")
        np.testing.assert_allclose(Mesh.load(tmp_path / "mesh.ply").colors[0], [0, 0.5, 1], atol=0.003)

    def test_a_material_without_a_picture_is_one_colour(self, tmp_path):
        """As most GLB files are that have no texture; with texture coordinates and without. The factor is linear, our colours are not."""
        for uv in (None, np.zeros((12, 2))):
            sphere = trimesh.creation.icosahedron()
            material = trimesh.visual.material.PBRMaterial(baseColorFactor=[51, 102, 204, 255])
            sphere.visual = trimesh.visual.TextureVisuals(uv=uv, material=material)
            sphere.export(tmp_path / "mesh.glb")
            np.testing.assert_allclose(Mesh.load(tmp_path / "mesh.glb").colors, np.tile([0.4845, 0.6652, 0.9063], (12, 1)), atol=1e-4)
        (tmp_path / "kd.mtl").write_text("newmtl m\nKd 1 0 0\n")
        (tmp_path / "kd.obj").write_text("mtllib kd.mtl\nusemtl m\nv 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\n")
        np.testing.assert_allclose(Mesh.load(tmp_path / "kd.obj").colors, [[1, 0, 0]] * 3, atol=0.01)

    def test_far_from_the_origin(self):
        """Normalising in float64, whatever the offset leaves of float32."""
        mesh = Mesh.icosphere(1)
        moved = Mesh(vertices=mesh.vertices + 1000.0, faces=mesh.faces).normalized()
        np.testing.assert_allclose(moved.vertices, mesh.normalized().vertices, atol=2e-4)

    def test_makes_folders(self, tmp_path):
        noisy_sphere().save(tmp_path / "a" / "b" / "mesh.ply")
        assert Mesh.load(str(tmp_path / "a" / "b" / "mesh.ply")).vertices.shape == (162, 3)

    def test_off_and_quads(self, tmp_path):
        (tmp_path / "mesh.off").write_text("OFF\n5 2 0\n0 0 0\n1 0 0\n1 1 0\n0 1 0\n0 0 1\n4 0 1 2 3\n3 0 1 4\n")
        mesh = Mesh.load(tmp_path / "mesh.off")
        assert mesh.faces.shape == (3, 3)
        np.testing.assert_allclose(mesh.vertices[4], [0, 0, 1])

    def test_obj_with_groups(self, tmp_path):
        """Objects of one file become one mesh."""
        (tmp_path / "mesh.obj").write_text("o a\nv 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\no b\nv 0 0 1\nv 1 0 1\nv 0 1 1\nf 4 5 6\n")
        mesh = Mesh.load(tmp_path / "mesh.obj")
        np.testing.assert_allclose(np.sort(triangles(mesh)[:, 0, 2]), [0, 1])

    def test_texture_becomes_colors(self, tmp_path):
        """A picture of four colours, and corners in the middle of each: v = 0 is the picture's bottom."""
        Image.fromarray(np.array([[[255, 0, 0], [0, 255, 0]], [[0, 0, 255], [255, 255, 255]]], np.uint8)).save(tmp_path / "t.png")
        (tmp_path / "m.mtl").write_text("newmtl m\nmap_Kd t.png\n")
        lines = ["mtllib m.mtl", "usemtl m", "v 0 0 0", "v 1 0 0", "v 0 1 0", "vt .25 .75", "vt .75 .75", "vt .25 .25", "f 1/1 2/2 3/3"]
        (tmp_path / "m.obj").write_text("\n".join(lines))
        mesh = Mesh.load(tmp_path / "m.obj")
        order = [np.flatnonzero((mesh.vertices == corner).all(1))[0] for corner in ([0, 0, 0], [1, 0, 0], [0, 1, 0])]
        np.testing.assert_allclose(mesh.colors[order], [[1, 0, 0], [0, 1, 0], [0, 0, 1]], atol=0.02)

    def test_face_colors(self, tmp_path):
        (tmp_path / "mesh.off").write_text("OFF\n3 1 0\n0 0 0\n1 0 0\n0 1 0\n3 0 1 2 255 0 0\n")
        mesh = Mesh.load(tmp_path / "mesh.off")
        assert mesh.colors is None or np.allclose(mesh.colors, [1, 0, 0])


def corner_uvs(mesh: Mesh) -> np.ndarray:
    """[F, 3, 2] texture coordinates at the corners."""
    return mesh.uvs[mesh.faces if mesh.face_uvs is None else mesh.face_uvs]


def textured_sphere(channels: int = 3, seams: bool = True) -> Mesh:
    """A picture that is not square, texture coordinates far outside of it, and as many seams as there are edges, or none."""
    sphere, rng = noisy_sphere(colors=False), np.random.default_rng(1)
    texture = rng.integers(0, 256, (5, 7, channels)) / 255
    if not seams:
        return replace(sphere, uvs=rng.uniform(-2, 3, (len(sphere.vertices), 2)), texture=texture)
    face_uvs = rng.integers(0, 500, sphere.faces.shape)
    return replace(sphere, uvs=rng.uniform(-2, 3, (500, 2)), face_uvs=face_uvs, texture=texture)


def assert_same(mesh: Mesh, other: Mesh) -> None:
    """The same surface: vertices, faces, texture coordinates at their corners, and texture."""
    np.testing.assert_allclose(mesh.vertices, other.vertices, atol=1e-6)
    np.testing.assert_array_equal(mesh.faces, other.faces)
    np.testing.assert_allclose(corner_uvs(mesh), corner_uvs(other), rtol=1e-6, atol=1e-6)
    assert (mesh.texture is None) == (other.texture is None)
    if mesh.texture is not None:
        np.testing.assert_array_equal(np.round(mesh.texture * 255), np.round(other.texture * 255))


def quad(folder, uv_of_faces="f 1/1 2/2 3/3\nf 1/5 3/6 4/4", material="newmtl m\nmap_Kd t.png\n", head="mtllib m.mtl\nusemtl m") -> Mesh:
    """Two triangles with a seam between them, by another hand."""
    if material is not None:
        (folder / "m.mtl").write_text(material)
    corners = "v 0 0 0\nv 1 0 0\nv 1 1 0\nv 0 1 0\nvt 0 0\nvt 1 0\nvt 1 1\nvt 0 1\nvt .3 .3\nvt .7 .7"
    (folder / "m.obj").write_text(f"{head}\n{corners}\n{uv_of_faces}\n")
    return Mesh.load(folder / "m.obj")


def png_header(width: int, height: int) -> bytes:
    """What a PNG of that size begins with."""
    header = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    data = b"IDAT" + zlib.compress(b"")
    chunks = [struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk)) for chunk in (header, data, b"IEND")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


class TestTextures:
    @pytest.mark.parametrize("seams", [True, False], ids=["seams", "whole"])
    @pytest.mark.parametrize("channels", [3, 4])
    @pytest.mark.parametrize("name", ["mesh.obj", "mesh.glb", "a mesh, with #1.OBJ"])
    def test_there_and_back(self, tmp_path, name, channels, seams):
        mesh = textured_sphere(channels, seams)
        mesh.save(tmp_path / "folder" / name)
        back = Mesh.load(tmp_path / "folder" / name)
        assert_same(back, mesh)
        assert back.wrap is None
        assert back.colors.shape == mesh.vertices.shape
        back.save(tmp_path / f"again{(tmp_path / name).suffix}")
        assert_same(Mesh.load(tmp_path / f"again{(tmp_path / name).suffix}"), mesh)

    @pytest.mark.parametrize("colors", [True, False])
    @pytest.mark.parametrize("suffix", [".obj", ".glb"])
    def test_without_a_picture(self, tmp_path, suffix, colors):
        """Texture coordinates beside colours per vertex."""
        mesh = replace(textured_sphere(), texture=None, colors=noisy_sphere().colors if colors else None)
        mesh.save(tmp_path / f"mesh{suffix}")
        back = Mesh.load(tmp_path / f"mesh{suffix}")
        assert_same(back, mesh)
        if colors:
            np.testing.assert_allclose(back.colors, mesh.colors, atol=0.5 / 255 + 1e-6)
        else:
            assert back.colors is None

    @pytest.mark.parametrize(("suffix", "wraps"), [(".glb", tuple(Wrap)), (".obj", (Wrap.CLAMP,))])
    def test_wrap(self, tmp_path, suffix, wraps):
        for wrap in wraps:
            replace(textured_sphere(), wrap=wrap).save(tmp_path / f"mesh{suffix}")
            assert Mesh.load(tmp_path / f"mesh{suffix}").wrap is wrap

    @pytest.mark.parametrize("suffix", [".ply", ".stl"])
    def test_other_kinds_have_none(self, tmp_path, suffix):
        textured_sphere().save(tmp_path / f"mesh{suffix}")
        back = Mesh.load(tmp_path / f"mesh{suffix}")
        assert back.uvs is None
        assert back.texture is None

    def test_a_texture_out_of_range_is_clipped(self, tmp_path):
        """As colours are."""
        mesh = textured_sphere()
        replace(mesh, texture=mesh.texture * 3 - 1).save(tmp_path / "mesh.glb")
        np.testing.assert_allclose(Mesh.load(tmp_path / "mesh.glb").texture, np.clip(mesh.texture * 3 - 1, 0, 1), atol=0.5 / 255 + 1e-6)

    def test_vertices_without_a_face(self, tmp_path):
        mesh = Mesh(vertices=np.eye(4)[:, :3], faces=[[0, 1, 3]], uvs=np.eye(3)[:, :2], face_uvs=[[2, 1, 0]], texture=np.ones((1, 1, 3)))
        for suffix in (".obj", ".glb"):
            mesh.save(tmp_path / f"mesh{suffix}")
            assert_same(Mesh.load(tmp_path / f"mesh{suffix}"), mesh)

    def test_replace(self):
        """A mesh with another shape keeps its texture."""
        mesh = replace(textured_sphere(), wrap=Wrap.MIRROR).normalized()
        np.testing.assert_array_equal(mesh.texture, textured_sphere().texture)
        np.testing.assert_array_equal(corner_uvs(mesh), corner_uvs(textured_sphere()))
        assert mesh.wrap is Wrap.MIRROR
        assert (mesh.uvs.dtype, mesh.face_uvs.dtype, mesh.texture.dtype) == (np.float32, np.int32, np.float32)


class TestTexturesByOtherHands:
    def test_obj(self, tmp_path):
        Image.fromarray(np.arange(24, dtype=np.uint8).reshape(2, 4, 3)).save(tmp_path / "t.png")
        mesh = quad(tmp_path)
        np.testing.assert_array_equal(mesh.faces, [[0, 1, 2], [0, 2, 3]])
        np.testing.assert_array_equal(mesh.face_uvs, [[0, 1, 2], [4, 5, 3]])
        np.testing.assert_allclose(mesh.uvs[4], [0.3, 0.3])
        np.testing.assert_allclose(mesh.texture * 255, np.arange(24).reshape(2, 4, 3), atol=1e-4)

    def test_indices_from_the_end_normals_and_polygons(self, tmp_path):
        Image.new("RGB", (2, 2)).save(tmp_path / "t.png")
        expected = quad(tmp_path, "f 1/1 2/2 3/3\nf 1/1 3/3 4/4")
        for faces in (
            "f -4/-6 -3/-5 -2/-4 -1/-3",
            "vn 0 0 1\nf 1/1/1 2/2/1 3/3/1 4/4/1  # comment",
            "f 1/1 2/2 \\\n 3/3 4/4",
            "o a\ng b\ns off\nf 1/1 2/2 3/3 4/4",
        ):
            assert_same(quad(tmp_path, faces), expected)

    @pytest.mark.parametrize(
        ("statement", "wrap"),
        [
            ("map_Kd t.png", None),
            ("map_Kd -clamp on t.png", Wrap.CLAMP),
            ("map_kd   -clamp off  t.png", Wrap.REPEAT),
            ("map_Kd -s 1 1 1 -o 0 0 -mm 0 1 -bm 0.5 -blendu on -clamp on t.png", Wrap.CLAMP),
            ("map_Kd -clamp on sub\\a b.png", Wrap.CLAMP),
        ],
    )
    def test_options_of_a_map(self, tmp_path, statement, wrap):
        (tmp_path / "sub").mkdir()
        for name in ("t.png", "sub/a b.png"):
            Image.new("RGB", (3, 2), (1, 2, 3)).save(tmp_path / name)
        mesh = quad(tmp_path, material=f"newmtl m\nKd 0.5 0.5 0.5\n{statement}\n")
        assert mesh.texture.shape == (2, 3, 3)
        assert mesh.wrap is wrap

    @pytest.mark.parametrize(
        ("picture", "expected"),
        [
            (Image.new("L", (2, 1), 51), [0.2, 0.2, 0.2]),
            (Image.new("RGBA", (2, 1), (51, 102, 153, 204)), [0.2, 0.4, 0.6, 0.8]),
            (Image.new("LA", (2, 1), (51, 204)), [0.2, 0.2, 0.2, 0.8]),
            (Image.new("P", (2, 1)), [0, 0, 0]),
            (Image.fromarray(np.full((1, 2), 13107, np.uint16)), [0.2, 0.2, 0.2]),
        ],
        ids=["grey", "transparent", "grey-transparent", "palette", "16-bit"],
    )
    def test_kinds_of_pictures(self, tmp_path, picture, expected):
        picture.save(tmp_path / "t.png")
        texture = quad(tmp_path).texture
        np.testing.assert_allclose(texture, np.broadcast_to(expected, (1, 2, len(expected))), atol=1e-6)

    @pytest.mark.parametrize(
        "material", [None, "", "newmtl other\nKd 1 0 0\n", "newmtl m\nmap_Kd gone.png\n", "newmtl m\nmap_Kd\n", "newmtl m\nmap_Kd .\nKd a b c\n", "x"]
    )
    @pytest.mark.filterwarnings("ignore:Mesh.load. .* names the texture")
    def test_what_is_missing(self, tmp_path, material):
        """No material file, no such material, no picture: the shape and its texture coordinates."""
        mesh = quad(tmp_path, material=material)
        assert mesh.texture is None
        assert mesh.uvs.shape == (6, 2)

    def test_a_colour_where_the_picture_is_missing(self, tmp_path):
        with pytest.warns(UserWarning, match=r"^Mesh.load: .*m.obj names the texture 'gone.png', and there is no such file"):
            mesh = quad(tmp_path, material="newmtl m\nKd 0 0.5 1\nmap_Kd gone.png\n")
        np.testing.assert_allclose(mesh.colors, [[0, 0.5, 1]] * 4)

    def test_several_materials(self, tmp_path):
        """Of one picture: the texture. Of two: one that has both."""
        for name, color in (("t.png", (255, 0, 0)), ("u.png", (0, 0, 255))):
            Image.new("RGB", (8, 8), color).save(tmp_path / name)
        faces = "usemtl a\nf 1/1 2/2 3/3\nusemtl b\nf 1/5 3/6 4/4"
        one = quad(tmp_path, faces, "newmtl a\nmap_Kd t.png\nnewmtl b\nmap_Kd t.png\n", "mtllib m.mtl")
        assert one.texture.shape == (8, 8, 3)
        two = quad(tmp_path, faces, "newmtl a\nmap_Kd t.png\nnewmtl b\nmap_Kd u.png\n", "mtllib m.mtl")
        height, width = two.texture.shape[:2]
        column, row = (two.uvs[two.face_uvs].mean(1) * [width, height]).astype(int).T
        np.testing.assert_array_equal(two.texture[height - 1 - row, column], [[1, 0, 0], [0, 0, 1]])
        assert {tuple(color) for color in np.round(two.colors).astype(int)} == {(1, 0, 0), (0, 0, 1)}

    def test_some_corners_without_texture_coordinates(self, tmp_path):
        Image.new("RGB", (2, 2)).save(tmp_path / "t.png")
        assert len(quad(tmp_path, "f 1/1 2/2 3/3\nf 1 3 4").faces) == 2

    def test_glb_seams_are_joined(self, tmp_path):
        """Another program's GLB repeats a vertex along a seam; here it is one, and each corner keeps its coordinates."""
        box = trimesh.creation.box()
        split = box.vertices[box.faces].reshape(-1, 3)
        uv = np.random.default_rng(2).uniform(0, 1, (36, 2))
        material = trimesh.visual.material.PBRMaterial(baseColorTexture=Image.new("RGB", (4, 4), (1, 2, 3)))
        visual = trimesh.visual.TextureVisuals(uv=uv, material=material)
        trimesh.Trimesh(split, np.arange(36).reshape(-1, 3), visual=visual, process=False).export(tmp_path / "box.glb")
        mesh = Mesh.load(tmp_path / "box.glb")
        assert len(mesh.vertices) == 8
        np.testing.assert_allclose(triangles(mesh), split.reshape(-1, 3, 3), atol=1e-6)
        np.testing.assert_allclose(corner_uvs(mesh), uv.reshape(-1, 3, 2), atol=1e-6)

    def test_a_scene_with_two_pictures(self, tmp_path):
        """One mesh, with one texture, and colours."""
        scene = trimesh.Scene()
        for x, color in ((0, (255, 0, 0)), (5, (0, 0, 255))):
            box = trimesh.creation.box(transform=trimesh.transformations.translation_matrix([x, 0, 0]))
            material = trimesh.visual.material.PBRMaterial(baseColorTexture=Image.new("RGB", (4, 4), color))
            box.visual = trimesh.visual.TextureVisuals(uv=np.full((8, 2), 0.5), material=material)
            scene.add_geometry(box)
        scene.export(tmp_path / "boxes.glb")
        mesh = Mesh.load(tmp_path / "boxes.glb")
        assert mesh.texture is not None
        assert len(mesh.vertices) == 16
        np.testing.assert_allclose(mesh.colors, np.where(mesh.vertices[:, :1] < 2, [[1, 0, 0]], [[0, 0, 1]]), atol=0.02)

    def test_samplers_that_make_no_sense(self, tmp_path):
        """A sampler out of range, or of an unknown kind, says nothing."""
        for sampler in (7, -1, "x", None, {}):
            replace(textured_sphere(), wrap=Wrap.CLAMP).save(tmp_path / "mesh.glb")
            edit_glb(tmp_path / "mesh.glb", lambda tree, sampler=sampler: [texture.update(sampler=sampler) for texture in tree["textures"]])
            assert Mesh.load(tmp_path / "mesh.glb").wrap in (None, Wrap.CLAMP)
        replace(textured_sphere(), wrap=Wrap.CLAMP).save(tmp_path / "mesh.glb")
        edit_glb(tmp_path / "mesh.glb", lambda tree: tree["samplers"][0].update(wrapS=1))
        assert Mesh.load(tmp_path / "mesh.glb").wrap is None


def edit_glb(path, change) -> None:
    """Changes the JSON part of a GLB file."""
    content = path.read_bytes()
    length = int.from_bytes(content[12:16], "little")
    tree = json.loads(content[20 : 20 + length])
    change(tree)
    text = json.dumps(tree).encode()
    text += b" " * (-len(text) % 4)
    body = struct.pack("<I", len(text)) + b"JSON" + text + content[20 + length :]
    path.write_bytes(content[:8] + struct.pack("<I", len(body) + 12) + body)


class TestTexturesThatLie:
    @pytest.mark.parametrize(
        "faces", ["f 1/1 2/2 3/9", "f 1/1 2/2 3/-9", "f 1/1 2/2 3/0", "f 9/1 2/2 3/3", "f 1/1 2/2 x/3", "f 1/1 2/2", "f 1/1 2/2 3/99999999999999999999"]
    )
    def test_bad_indices(self, tmp_path, faces):
        Image.new("RGB", (2, 2)).save(tmp_path / "t.png")
        with pytest.raises(ValueError, match=r"^Mesh.load: .*m.obj must be a readable .obj file, got .*"):
            quad(tmp_path, faces)

    @pytest.mark.parametrize("line", ["vt x 0", "vt", "vt 0 nan", "v 0 0", "v a b c"])
    def test_bad_numbers(self, tmp_path, line):
        with pytest.raises(ValueError, match=r"^Mesh(.load)?: .*(readable .obj file|must be finite|must have shape)"):
            quad(tmp_path, f"{line}\nf 1/1 2/2 3/3")

    @pytest.mark.parametrize(
        "content", [b"", b"no picture", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", png_header(4, 4)], ids=["empty", "prose", "eps", "short"]
    )
    def test_no_picture(self, tmp_path, content):
        (tmp_path / "t.png").write_bytes(content)
        with pytest.raises(ValueError, match=r"^Mesh.load: the texture of .*m.obj must be a (readable picture|picture in BMP, .*), got .*t.png"):
            quad(tmp_path)

    def gltf(self, folder, picture: str) -> Mesh:
        """A glTF file by another hand, whose picture is the given file beside it."""
        sphere, visuals = textured_sphere(), trimesh.visual
        material = visuals.material.PBRMaterial(baseColorTexture=Image.new("RGB", (2, 2)))
        visual = visuals.TextureVisuals(uv=sphere.uvs[: len(sphere.vertices)], material=material)
        for name, content in trimesh.Trimesh(sphere.vertices, sphere.faces, visual=visual, process=False).export(file_type="gltf").items():
            (folder / name).write_bytes(content)
        tree = json.loads((folder / "model.gltf").read_text())
        (folder / "model.gltf").write_text(json.dumps(tree | {"images": [{"uri": picture}]}))
        return Mesh.load(folder / "model.gltf")

    def test_a_picture_beside_a_gltf_file(self, tmp_path):
        Image.new("RGB", (3, 2), (51, 102, 153)).save(tmp_path / "t.png")
        np.testing.assert_allclose(self.gltf(tmp_path, "t.png").texture, np.broadcast_to([0.2, 0.4, 0.6], (2, 3, 3)), atol=1e-6)
        with pytest.warns(UserWarning, match="there is no picture gone.png"):
            assert self.gltf(tmp_path, "gone.png").texture is None
        (tmp_path / "short.png").write_bytes(png_header(4, 4))
        with pytest.raises(ValueError, match=r"^Mesh.load: .*model.gltf must be a readable"):
            self.gltf(tmp_path, "short.png")

    def test_eps_is_not_opened(self, tmp_path):
        """Its reader starts a program."""
        (tmp_path / "t.eps").write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\n")
        with pytest.raises(ValueError, match=r"^Mesh.load: the texture of .*model.gltf must be a picture in BMP, .*, got t.eps"):
            self.gltf(tmp_path, "t.eps")
        with pytest.raises(ValueError, match=r"^Mesh.load: the texture of .*m.obj must be a picture in BMP, .*, got t.eps"):
            quad(tmp_path, material="newmtl m\nmap_Kd t.eps\n")

    def test_too_large(self, tmp_path):
        """Beside an OBJ file, beside a glTF file, and in memory."""
        sentence = r"^Mesh.load: the texture of .* must have at most 2\^28 pixels, got 65536 x 4097 in "
        (tmp_path / "t.png").write_bytes(png_header(1 << 16, 4097))
        with pytest.raises(ValueError, match=sentence):
            quad(tmp_path)
        with pytest.raises(ValueError, match=sentence):
            self.gltf(tmp_path, "t.png")
        with pytest.raises(ValueError, match=r"^Mesh: texture must have at most 2\^28 pixels, got 65536 x 4097"):
            replace(textured_sphere(), texture=np.broadcast_to(np.float32(0), (1 << 16, 4097, 3)))

    def test_the_limit_of_pillow_is_as_it_was(self, tmp_path):
        before = Image.MAX_IMAGE_PIXELS
        (tmp_path / "t.png").write_bytes(b"")
        with pytest.raises(ValueError, match="texture"):
            quad(tmp_path)
        assert before == Image.MAX_IMAGE_PIXELS


class TestTexturesInMemory:
    @pytest.mark.parametrize(
        ("change", "error", "sentence"),
        [
            ({"uvs": None, "texture": np.zeros((2, 2, 3))}, ValueError, "texture must come with uvs, got None"),
            ({"uvs": None, "face_uvs": [[0, 1, 2]]}, ValueError, "face_uvs must come with uvs, got None"),
            ({"uvs": np.zeros((4, 2))}, ValueError, r"uvs must have shape \(V, 2\) with V = 3, got \(4, 2\)"),
            ({"uvs": np.zeros((3, 3))}, ValueError, r"uvs must have shape \(V, 2\) with V = 3, got \(3, 3\)"),
            ({"uvs": np.full((3, 2), np.inf)}, ValueError, r"uvs must be finite, got inf at \(0, 0\)"),
            ({"face_uvs": [[0, 1, 3]]}, ValueError, "face_uvs must index uvs 0 to 2, got 3"),
            ({"face_uvs": [[0, -1, 2]]}, ValueError, "face_uvs must index uvs 0 to 2, got -1"),
            ({"face_uvs": [[0, 1, 2]] * 2}, ValueError, r"face_uvs must have shape \(F, 3\) with F = 1, got \(2, 3\)"),
            ({"face_uvs": [[0.0, 1.0, 2.0]]}, TypeError, "face_uvs must be integers, got float64"),
            ({"uvs": np.zeros((0, 2)), "face_uvs": [[0, 1, 2]]}, ValueError, "face_uvs must index uvs"),
            ({"texture": np.zeros((2, 2))}, ValueError, r"texture must have shape \(H, W, 3\) or \(H, W, 4\), got \(2, 2\)"),
            ({"texture": np.zeros((2, 2, 1))}, ValueError, r"texture must have shape \(H, W, 3\) or \(H, W, 4\), got \(2, 2, 1\)"),
            ({"texture": np.zeros((0, 2, 3))}, ValueError, r"texture must have shape \(H, W, 3\) or \(H, W, 4\), got \(0, 2, 3\)"),
            ({"texture": np.full((2, 2, 3), np.nan)}, ValueError, r"texture must be finite, got nan at \(0, 0, 0\)"),
            ({"wrap": "repeat"}, TypeError, "wrap must be one of Wrap.REPEAT, .*, got 'repeat'"),
        ],
    )
    def test_bad_input(self, change, error, sentence):
        with pytest.raises(error, match=f"^Mesh: {sentence}"):
            Mesh(**({"vertices": np.eye(3), "faces": [[0, 1, 2]], "uvs": np.eye(3)[:, :2]} | change))


class TestSharedMeshes:
    @pytest.mark.parametrize("suffix", [".obj", ".glb"])
    def test_spot_there_and_back(self, shared, tmp_path, suffix):
        spot = Mesh.load(shared / "data" / "spot" / "spot_triangulated.obj")
        assert (spot.vertices.shape, spot.faces.shape, spot.face_uvs.shape) == ((2930, 3), (5856, 3), (5856, 3))
        spot.save(tmp_path / f"spot{suffix}")
        back = Mesh.load(tmp_path / f"spot{suffix}")
        assert_same(back, spot)
        np.testing.assert_allclose(back.colors, spot.colors, atol=1e-6)

    def test_texture_of_spot(self, shared):
        """Texture coordinates and pixels are those of the files."""
        folder = shared / "data" / "spot"
        mesh = Mesh.load(folder / "spot_triangulated.obj")
        lines = [line.split() for line in (folder / "spot_triangulated.obj").read_text().splitlines()]
        uv = np.array([line[1:3] for line in lines if line and line[0] == "vt"], float)
        corners = np.array([[corner.split("/")[:2] for corner in line[1:4]] for line in lines if line and line[0] == "f"], int) - 1
        np.testing.assert_allclose(corner_uvs(mesh), uv[corners[..., 1]], atol=1e-6)
        np.testing.assert_array_equal(mesh.faces, corners[..., 0])
        with Image.open(folder / "spot_texture.png") as picture:
            np.testing.assert_array_equal(np.round(mesh.texture * 255), np.asarray(picture.convert("RGB")))

    def test_spot(self, shared):
        """The textured cow: its colours are those of the picture at its texture coordinates."""
        folder = shared / "data" / "spot"
        mesh = Mesh.load(folder / "spot_triangulated.obj")
        assert len(mesh.faces) == 5856
        assert len(mesh.vertices) == 2930
        assert mesh.colors.shape == mesh.vertices.shape
        assert len(np.unique(mesh.colors, axis=0)) > 100
        lines = [line.split() for line in (folder / "spot_triangulated.obj").read_text().splitlines()]
        positions = np.array([line[1:4] for line in lines if line and line[0] == "v"], float)
        uv = np.array([line[1:3] for line in lines if line and line[0] == "vt"], float)
        corners = np.array([[corner.split("/")[:2] for corner in line[1:4]] for line in lines if line and line[0] == "f"], int) - 1
        np.testing.assert_allclose(triangles(mesh), positions[corners[..., 0]], atol=1e-5)
        with Image.open(folder / "spot_texture.png") as picture:
            texture = np.asarray(picture.convert("RGB")) / 255
        height, width = texture.shape[:2]
        u, v = uv[corners[..., 1]].transpose(2, 0, 1)
        expected = texture[np.clip(((1 - v) * (height - 1)).round().astype(int), 0, height - 1), np.clip((u * (width - 1)).round().astype(int), 0, width - 1)]
        error = np.abs(mesh.colors[mesh.faces] - expected).max(-1)
        assert np.quantile(error, 0.9) < 0.05

    @pytest.mark.parametrize("name", ["sphere_642", "sphere_1352", "teapot", "airplane", "chair_1", "chair_2"])
    def test_the_others(self, shared, name):
        path = shared / "data" / "meshes" / f"{name}.obj"
        mesh = Mesh.load(path)
        lines = [line.split() for line in path.read_text().splitlines()]
        positions = np.array([line[1:4] for line in lines if line and line[0] == "v"], float)
        corners = np.array([[corner.split("/")[0] for corner in line[1:4]] for line in lines if line and line[0] == "f"], int) - 1
        np.testing.assert_allclose(triangles(mesh), positions[corners], atol=1e-5)


class TestMakers:
    @pytest.mark.parametrize("subdivisions", [0, 1, 3])
    def test_icosphere(self, subdivisions):
        mesh = Mesh.icosphere(subdivisions, radius=2.5)
        assert len(mesh.faces) == 20 * 4**subdivisions
        assert len(mesh.vertices) == 10 * 4**subdivisions + 2
        np.testing.assert_allclose(np.linalg.norm(mesh.vertices, axis=1), 2.5, rtol=1e-5)

    @pytest.mark.parametrize("subdivisions", [0, 1, 2, 4])
    def test_icosphere_is_numbered_as_trimesh_numbers_it(self, subdivisions):
        ours, its = Mesh.icosphere(subdivisions), trimesh.creation.icosphere(subdivisions=subdivisions)
        np.testing.assert_array_equal(ours.faces, its.faces)
        np.testing.assert_allclose(ours.vertices, its.vertices, atol=1e-7)

    def test_icosphere_faces_look_outwards(self):
        """Counter-clockwise seen from outside."""
        a, b, c = triangles(Mesh.icosphere(1)).transpose(1, 0, 2)
        assert (np.einsum("ij,ij->i", np.cross(b - a, c - a), a + b + c) > 0).all()

    def test_normalized(self):
        mesh = noisy_sphere()
        moved = Mesh(vertices=mesh.vertices * [3, 1, 2] + [10, -5, 3], faces=mesh.faces, colors=mesh.colors)
        normalized = moved.normalized()
        box = normalized.vertices.min(0) + normalized.vertices.max(0)
        np.testing.assert_allclose(box, 0, atol=1e-5)
        assert np.linalg.norm(normalized.vertices, axis=1).max() == pytest.approx(1, abs=1e-5)
        np.testing.assert_array_equal(normalized.faces, mesh.faces)
        np.testing.assert_array_equal(normalized.colors, mesh.colors)
        again = normalized.normalized()
        np.testing.assert_allclose(again.vertices, normalized.vertices, atol=1e-6)


class TestArrays:
    def test_dtypes(self):
        mesh = Mesh(vertices=[[0, 0, 0], [1, 0, 0], [0, 1, 0]], faces=[[0, 1, 2]], colors=np.eye(3))
        assert (mesh.vertices.dtype, mesh.faces.dtype, mesh.colors.dtype) == (np.float32, np.int32, np.float32)
        assert all(array.flags.c_contiguous for array in (mesh.vertices, mesh.faces, mesh.colors))

    def test_frozen(self):
        with pytest.raises(FrozenInstanceError):
            Mesh.icosphere(0).vertices = np.zeros((3, 3))
