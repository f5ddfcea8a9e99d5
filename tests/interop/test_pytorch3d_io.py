"""The drop-in's files: what PyTorch3D's functions return of OBJ, PLY, OFF and GLB files, and what they write.

Plan: a file with everything in it (polygons, normals, texture coordinates, negative indices, four materials) against its own lists; a texture atlas against the
bilinear formula at the middles of the small triangles, in float64; what is missing or wrong; then what is written, read again by the drop-in and by `Mesh`, and
compared byte for byte where the original's bytes are known; `IO` with each format, streams, a path manager, and a format of one's own.
"""

import io
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from taichi_softras import Mesh
from taichi_softras.interop import pytorch3d as p3d
from taichi_softras.interop.pytorch3d.io import mtl_io
from taichi_softras.interop.pytorch3d.io.experimental_gltf_io import MeshGlbFormat
from taichi_softras.interop.pytorch3d.io.pluggable_formats import MeshFormatInterpreter

RNG = np.random.default_rng(0)
VERTS, UVS, NORMALS = np.round(RNG.random((8, 3)), 6), np.round(RNG.random((5, 2)), 6), np.round(RNG.random((4, 3)), 6)
PICTURES = {"a.png": RNG.integers(0, 256, (7, 5, 3), dtype=np.uint8), "b.png": RNG.integers(0, 256, (4, 6, 4), dtype=np.uint8)}
MATERIALS = """# two pictures
newmtl one
Ka 0.1 0.2 0.3
Kd 0.4 0.5 0.6
Ks 0.7 0.8 0.9
Ns 12
map_Kd a.png

newmtl two
Kd 1 0 0.5
map_Kd b.png
newmtl three
Kd 0.2 0.3 0.4
newmtl unused
Kd 1 1 1
"""
FACES = """f 1 2 3
usemtl one
f 1/1/1 2/2/2 3/3/3 4/4/4
usemtl two
f 2/5/1 3/1/2 -4/2/-1
usemtl three
f 5//1 6//2 7//3
usemtl one
f 8/1 7/-4 1/3
"""
VERTS_IDX = [[0, 1, 2], [0, 1, 2], [0, 2, 3], [1, 2, 4], [4, 5, 6], [7, 6, 0]]
TEXTURES_IDX = [[-1] * 3, [0, 1, 2], [0, 2, 3], [4, 0, 1], [-1] * 3, [0, 1, 2]]
NORMALS_IDX = [[-1] * 3, [0, 1, 2], [0, 2, 3], [0, 1, 3], [0, 1, 2], [-1] * 3]
MATERIALS_IDX = [-1, 0, 0, 1, 2, 0]
SQUARE = torch.tensor([[0.0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]])
HALVES = torch.tensor([[0, 1, 2], [0, 2, 3]])


def rows(keyword: str, table: np.ndarray) -> str:
    return "".join(f"{keyword} {' '.join(f'{number:.6f}' for number in row)}\n" for row in table)


@pytest.fixture
def everything(tmp_path) -> Path:
    for name, pixels in PICTURES.items():
        Image.fromarray(pixels).save(tmp_path / name)
    (tmp_path / "m.mtl").write_text(MATERIALS)
    (tmp_path / "m.obj").write_text("mtllib m.mtl\n" + rows("v", VERTS) + rows("vt", UVS) + rows("vn", NORMALS) + FACES)
    return tmp_path / "m.obj"


def bilinear(picture: np.ndarray, u: float, v: float) -> np.ndarray:
    """Row 0 of the picture at v = 1, 0 and 1 the middles of the outermost texels."""
    x, y = u * (picture.shape[1] - 1), (1 - v) * (picture.shape[0] - 1)
    i, j = (min(int(place), size - 2) for place, size in ((y, picture.shape[0]), (x, picture.shape[1])))
    s, t = y - i, x - j
    return (1 - s) * ((1 - t) * picture[i, j] + t * picture[i, j + 1]) + s * ((1 - t) * picture[i + 1, j] + t * picture[i + 1, j + 1])


class TestLoadObj:
    def test_everything(self, everything):
        verts, faces, aux = p3d.load_obj(everything)
        np.testing.assert_allclose(verts, VERTS, atol=1e-7)
        assert verts.dtype is torch.float32
        assert faces._fields == ("verts_idx", "normals_idx", "textures_idx", "materials_idx")
        assert [indices.tolist() for indices in faces] == [VERTS_IDX, NORMALS_IDX, TEXTURES_IDX, MATERIALS_IDX]
        assert {indices.dtype for indices in faces} == {torch.int64}
        assert aux._fields == ("normals", "verts_uvs", "material_colors", "texture_images", "texture_atlas")
        np.testing.assert_allclose(aux.normals, NORMALS, atol=1e-7)
        np.testing.assert_allclose(aux.verts_uvs, UVS, atol=1e-7)
        assert list(aux.material_colors) == ["one", "two", "three"]
        said = {name: [round(value, 6) for value in values.tolist()] for name, values in aux.material_colors["one"].items()}
        wanted = {"ambient_color": [0.1, 0.2, 0.3], "diffuse_color": [0.4, 0.5, 0.6], "specular_color": [0.7, 0.8, 0.9], "shininess": [12]}
        assert said == wanted
        assert list(aux.material_colors["three"]) == ["diffuse_color"]
        assert list(aux.texture_images) == ["one", "two"]
        for name, file in (("one", "a.png"), ("two", "b.png")):
            np.testing.assert_allclose(aux.texture_images[name], PICTURES[file][..., :3] / 255, atol=1e-7)
        assert aux.texture_atlas is None

    def test_without_textures(self, everything):
        aux = p3d.load_obj(str(everything), load_textures=False)[2]
        assert (aux.material_colors, aux.texture_images, aux.texture_atlas) == (None, None, None)
        assert len(aux.verts_uvs) == 5

    def test_atlas(self, everything):
        """Texel [y, x] is the picture at (x + 1/3, y + 1/3) / R in the first two weights, above the diagonal at (R - 1 - x + 2/3, ...) / R."""
        R = 3
        atlas = p3d.load_obj(everything, create_texture_atlas=True, texture_atlas_size=R)[2].texture_atlas
        assert atlas.shape == (6, R, R, 3)
        np.testing.assert_allclose(atlas[0], 1)
        np.testing.assert_allclose(atlas[4], np.broadcast_to([0.2, 0.3, 0.4], (R, R, 3)), atol=1e-7)
        for face, file in ((1, "a.png"), (2, "a.png"), (3, "b.png"), (5, "a.png")):
            picture, corners = PICTURES[file][..., :3] / 255, UVS[TEXTURES_IDX[face]]
            for y in range(R):
                for x in range(R):
                    upright = x + y < R
                    a, b = ((k + 1 / 3) / R if upright else (R - 1 - k + 2 / 3) / R for k in (x, y))
                    wanted = bilinear(picture, *(a * corners[0] + b * corners[1] + (1 - a - b) * corners[2]))
                    np.testing.assert_allclose(atlas[face, y, x], wanted, atol=1e-6)

    def test_atlas_beyond_the_picture(self):
        """Coordinates of corners modulo 1, or clamped; or as they are: then nothing is there."""
        picture = torch.from_numpy(PICTURES["a.png"][..., :3] / 255)
        uvs = torch.tensor([[1.25, -0.25], [1.25, -0.25], [1.25, -0.25]], dtype=torch.float64)
        given = ({}, {"m": picture}, ["m"], torch.tensor([[0, 1, 2]]), uvs, 2)
        with pytest.warns(UserWarning, match="modulo 1"):
            repeated = mtl_io.make_mesh_texture_atlas(*given, "repeat")
        np.testing.assert_allclose(repeated[0, 0, 0], bilinear(picture.numpy(), 0.25, 0.75), atol=1e-6)
        np.testing.assert_allclose(mtl_io.make_mesh_texture_atlas(*given, "clamp")[0, 1, 1], picture[-1, -1], atol=1e-6)
        assert mtl_io.make_mesh_texture_atlas(*given, None).abs().max() < 1

    def test_streams(self, everything, monkeypatch):
        monkeypatch.chdir(everything.parent)
        for stream in (io.StringIO(everything.read_text()), io.BytesIO(everything.read_bytes())):
            verts, _, aux = p3d.load_obj(stream)
            np.testing.assert_allclose(verts, VERTS, atol=1e-7)
            assert list(aux.texture_images) == ["one", "two"]

    def test_one_material_that_nobody_names(self, tmp_path):
        (tmp_path / "m.mtl").write_text("newmtl alone\nKd 0.5 0.5 0\n")
        (tmp_path / "m.obj").write_text("mtllib m.mtl\nv 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\n")
        _, faces, aux = p3d.load_obj(tmp_path / "m.obj", create_texture_atlas=True)
        assert faces.materials_idx.tolist() == [0]
        np.testing.assert_allclose(aux.texture_atlas[0, 0, 0], [0.5, 0.5, 0])
        (tmp_path / "m.mtl").write_text("newmtl one\nKd 1 1 0\nnewmtl two\nKd 1 1 0\n")
        with pytest.raises(ValueError, match="must say by usemtl which of several materials it uses, got one, two"):
            p3d.load_obj(tmp_path / "m.obj")

    def test_nothing_in_it(self, tmp_path):
        (tmp_path / "m.obj").write_text("v 0 0 0\nv 1 0 0\nf 1 2\n")
        verts, faces, aux = p3d.load_obj(tmp_path / "m.obj")
        assert verts.shape == (2, 3)
        assert [tuple(indices.shape) for indices in faces] == [(0, 3), (0, 3), (0, 3), (0,)]
        assert tuple(aux) == (None,) * 5
        assert p3d.load_objs_as_meshes([tmp_path / "m.obj"]).isempty()

    def test_missing_files(self, everything):
        (everything.parent / "b.png").unlink()
        with pytest.warns(UserWarning, match=r"names the texture 'b\.png', and there is no such file"):
            aux = p3d.load_obj(everything)[2]
        assert list(aux.texture_images) == ["one"]
        (everything.parent / "m.mtl").unlink()
        with pytest.warns(UserWarning, match=r"names the material file 'm\.mtl', and there is no such file"):
            aux = p3d.load_obj(everything)[2]
        assert aux.material_colors is None
        everything.write_text(everything.read_text().removeprefix("mtllib m.mtl\n"))
        with pytest.warns(UserWarning, match="has materials, and names no material file"):
            p3d.load_obj(everything)
        with pytest.raises(FileNotFoundError, match="load_obj: there is no file"):
            p3d.load_obj(everything.parent / "n.obj")

    def test_indices_of_nothing(self, tmp_path):
        """Of normals and texture coordinates: then a face has none, as many files of ShapeNet want it."""
        head = "v 0 0 0\nv 1 0 0\nv 0 1 0\nvt 0 0\nvn 0 0 1\n"
        (tmp_path / "m.obj").write_text(head + "f 1/1/1 2/2/1 3/1/1\nf 1/1/1 2/1/1 3/1/7\n")
        with pytest.warns(UserWarning, match="are not in the file: they have none") as warned:
            _, faces, _ = p3d.load_obj(tmp_path / "m.obj")
        assert [str(one.message).split("has ")[1] for one in warned] == [
            "faces whose texture coordinates are not in the file: they have none",
            "faces whose normals are not in the file: they have none",
        ]
        assert faces.textures_idx.tolist() == [[-1] * 3, [0] * 3]
        assert faces.normals_idx.tolist() == [[0] * 3, [-1] * 3]
        for line, sentence in (
            ("f 1 2 4", "the vertex 4, where there are 3"),
            ("f 1/1 2 3", "a face with texture coordinates at some of its corners only"),
            ("f 1//1 2 3", "a face with normals at some of its corners only"),
            ("f 1//-2 2//1 3//1", "the normal -2, where there are 1 before it"),
            ("vn 1 2", "a normal of 2 numbers"),
            ("v 1e300 0 0", "overflow"),
        ):
            (tmp_path / "m.obj").write_text(f"{head}{line}\n")
            with pytest.raises(ValueError, match=rf"load_obj: .*m\.obj must be an OBJ file, got \w+: .*{sentence}"):
                p3d.load_obj(tmp_path / "m.obj")

    def test_options_of_a_picture_are_told(self, everything):
        (everything.parent / "m.mtl").write_text(MATERIALS.replace("map_Kd a.png", "map_Kd -s 2 2 a.png"))
        with pytest.warns(UserWarning, match=r"the options -s and -o of the texture 'a\.png'"):
            assert "one" in p3d.load_obj(everything)[2].texture_images

    def test_load_mtl(self, everything):
        colors, pictures = mtl_io.load_mtl(everything.with_suffix(".mtl"), material_names=["two"], data_dir=str(everything.parent))
        assert list(colors) == list(pictures) == ["two"]
        assert pictures["two"].shape == (4, 6, 3)

    @pytest.mark.parametrize(
        ("changed", "error", "sentence"),
        [
            ({"texture_wrap": "mirror"}, ValueError, "texture_wrap must be 'repeat', 'clamp' or None, got 'mirror'"),
            ({"texture_atlas_size": 0}, ValueError, "texture_atlas_size must be"),
            ({"load_textures": 1}, TypeError, "load_textures must be"),
            ({"f": 3}, TypeError, "f must be a path"),
        ],
    )
    def test_wrong(self, everything, changed, error, sentence):
        with pytest.raises(error, match=f"load_obj: {sentence}"):
            p3d.load_obj(**{"f": everything} | changed)


class TestLoadObjsAsMeshes:
    def test_picture(self, everything):
        with pytest.warns(UserWarning, match="the first of 2 is taken"):
            meshes = p3d.load_objs_as_meshes([everything, str(everything)], device="cpu")
        assert len(meshes) == 2
        assert meshes.faces_list()[1].tolist() == VERTS_IDX
        uv = meshes.textures
        assert isinstance(uv, p3d.TexturesUV)
        np.testing.assert_allclose(uv.maps_padded()[1], PICTURES["a.png"] / 255, atol=1e-7)
        assert uv.faces_uvs_list()[0].tolist() == [[4] * 3, *TEXTURES_IDX[1:4], [4] * 3, TEXTURES_IDX[5]]
        np.testing.assert_allclose(uv.verts_uvs_list()[0], UVS, atol=1e-7)

    def test_atlas(self, everything):
        meshes = p3d.load_objs_as_meshes([everything], create_texture_atlas=True, texture_atlas_size=2)
        np.testing.assert_array_equal(meshes.textures.atlas_packed(), p3d.load_obj(everything, True, True, 2)[2].texture_atlas)

    def test_none(self, everything):
        assert p3d.load_objs_as_meshes([everything], load_textures=False).textures is None
        with pytest.raises(ValueError, match="files must be a list of at least one path"):
            p3d.load_objs_as_meshes([])


class TestSaveObj:
    def test_text(self, tmp_path):
        p3d.save_obj(tmp_path / "m.obj", SQUARE, HALVES, decimal_places=2)
        wanted = "v 0.00 0.00 0.00\nv 1.00 0.00 0.00\nv 1.00 1.00 0.00\nv 0.00 1.00 0.00\nf 1 2 3\nf 1 3 4"
        assert (tmp_path / "m.obj").read_text() == wanted
        p3d.save_obj(str(tmp_path / "m.obj"), SQUARE, HALVES)
        assert (tmp_path / "m.obj").read_text() == wanted.replace(".00", ".000000")

    def test_everything(self, tmp_path):
        picture = torch.from_numpy(PICTURES["a.png"] / 255.0).float()
        uvs, normals = torch.tensor([[0.0, 0.5], [0.25, 0.75]]), torch.tensor([[0.0, 0, 1]])
        indices = torch.tensor([[0, 1, 0], [1, 1, 0]])
        p3d.save_obj(
            tmp_path / "m.obj", SQUARE, HALVES, 1, normals=normals, faces_normals_idx=indices * 0, verts_uvs=uvs, faces_uvs=indices, texture_map=picture
        )
        head = "\nmtllib m.mtl\nusemtl mesh\n\n"
        lines = ["v 0.0 0.0 0.0", "v 1.0 0.0 0.0", "v 1.0 1.0 0.0", "v 0.0 1.0 0.0", "vn 0.0 0.0 1.0", "vt 0.0 0.5", "vt 0.2 0.8"]
        assert (tmp_path / "m.obj").read_text() == head + "\n".join([*lines, "f 1/1/1 2/2/1 3/1/1", "f 1/2/1 3/2/1 4/1/1"])
        assert (tmp_path / "m.mtl").read_text() == "newmtl mesh\nmap_Kd m.png\n"
        _, faces, aux = p3d.load_obj(tmp_path / "m.obj")
        assert [part.tolist() for part in faces] == [HALVES.tolist(), [[0] * 3] * 2, indices.tolist(), [0, 0]]
        np.testing.assert_array_equal(aux.texture_images["mesh"], picture)
        assert Mesh.load(tmp_path / "m.obj").texture.shape == (7, 5, 3)

    def test_parts(self, tmp_path):
        """Texture coordinates without a picture are not written."""
        p3d.save_obj(tmp_path / "m.obj", SQUARE, HALVES, 0, verts_uvs=torch.zeros(1, 2), faces_uvs=HALVES * 0)
        assert "vt" not in (tmp_path / "m.obj").read_text()
        p3d.save_obj(tmp_path / "m.obj", SQUARE, torch.tensor([]), 0)
        assert (tmp_path / "m.obj").read_text().count("\n") == 4
        with pytest.warns(UserWarning, match="verts and faces are empty"):
            p3d.save_obj(tmp_path / "m.obj", torch.tensor([]), torch.tensor([]))
        assert (tmp_path / "m.obj").read_bytes() == b""

    @pytest.mark.parametrize(
        ("changed", "error", "sentence"),
        [
            ({"faces": HALVES + 2}, ValueError, "faces must index verts 0 to 3, got 5"),
            ({"faces": HALVES.float()}, TypeError, "faces must be integers"),
            ({"verts": SQUARE[:, :2]}, ValueError, "verts must have shape"),
            ({"normals": SQUARE}, ValueError, "normals and faces_normals_idx must both be given, or none, got normals"),
            ({"faces_normals_idx": HALVES}, ValueError, "normals and faces_normals_idx must both be given, or none, got the indices"),
            ({"verts_uvs": SQUARE, "faces_uvs": HALVES}, ValueError, "verts_uvs must have shape"),
            ({"faces_uvs": HALVES[:1]}, ValueError, "faces_uvs must have shape"),
            ({"texture_map": SQUARE}, ValueError, "texture_map must have shape"),
            ({"decimal_places": -1}, ValueError, "decimal_places must be"),
            ({"f": 3}, TypeError, "f must be a path"),
        ],
    )
    def test_wrong(self, tmp_path, changed, error, sentence):
        with pytest.raises(error, match=f"save_obj: {sentence}"):
            p3d.save_obj(**{"f": tmp_path / "m.obj", "verts": SQUARE, "faces": HALVES} | changed)
        assert list(tmp_path.iterdir()) == []


class TestPly:
    @pytest.mark.parametrize("is_text", [False, True])
    def test_there_and_back(self, tmp_path, is_text):
        normals = torch.nn.functional.normalize(SQUARE + 1, dim=1)
        p3d.save_ply(tmp_path / "m.ply", SQUARE / 3, HALVES, normals, ascii=is_text, decimal_places=8)
        verts, faces = p3d.load_ply(tmp_path / "m.ply")
        np.testing.assert_allclose(verts, SQUARE / 3, atol=1e-8)
        assert faces.tolist() == HALVES.tolist()
        np.testing.assert_allclose(p3d.IO().load_mesh(tmp_path / "m.ply").verts_normals_packed(), normals, atol=1e-7)
        np.testing.assert_allclose(Mesh.load(tmp_path / "m.ply").vertices, SQUARE / 3, atol=1e-8)

    def test_text(self):
        stream = io.BytesIO()
        p3d.save_ply(stream, SQUARE[:3], HALVES[:1], ascii=True, decimal_places=1)
        head = "ply\nformat ascii 1.0\nelement vertex 3\nproperty float x\nproperty float y\nproperty float z\nelement face 1\n"
        body = "property list uchar int vertex_index\nend_header\n0.0 0.0 0.0\n1.0 0.0 0.0\n1.0 1.0 0.0\n3 0 1 2\n"
        assert stream.getvalue().decode() == head + body

    def test_points_alone(self):
        stream = io.BytesIO()
        p3d.save_ply(stream, SQUARE)
        verts, faces = p3d.load_ply(io.BytesIO(stream.getvalue()))
        assert (len(verts), tuple(faces.shape)) == (4, (0, 3))
        with pytest.warns(UserWarning, match="verts are empty"):
            p3d.save_ply(stream, torch.tensor([]))

    def test_polygons(self):
        """Of as many corners each: first the first triangle of each."""
        head = "ply\nformat ascii 1.0\nelement vertex 6\nproperty float x\nproperty float y\nproperty float z\nelement face 2\n"
        head += "property list uchar int vertex_indices\nend_header\n" + "0 0 0\n" * 6
        load = lambda text: p3d.load_ply(io.StringIO(head + text))[1].tolist()  # noqa: E731
        assert load("4 0 1 2 3\n4 2 3 4 5\n") == [[0, 1, 2], [2, 3, 4], [0, 2, 3], [2, 4, 5]]
        assert load("4 0 1 2 3\n3 2 3 4\n") == [[0, 1, 2], [0, 2, 3], [2, 3, 4]]
        with pytest.raises(ValueError, match="load_ply: stream must have faces between its vertices, 0 to 5, got the vertex 6"):
            load("3 0 1 2\n3 4 5 6\n")
        with pytest.raises(ValueError, match="load_ply: stream must have faces of three corners or more, got one of 2"):
            load("3 0 1 2\n2 4 5\n")

    @pytest.mark.parametrize(("small", "atol"), [(False, 1e-7), (True, 0.5 / 255)])
    def test_colors(self, tmp_path, small, atol):
        colors = torch.from_numpy(RNG.random((4, 3))).float()
        mesh = p3d.Meshes([SQUARE], [HALVES], p3d.TexturesVertex([colors]))
        p3d.IO().save_mesh(mesh, tmp_path / "m.ply", colors_as_uint8=small)
        again = p3d.IO().load_mesh(tmp_path / "m.ply")
        np.testing.assert_allclose(again.textures.verts_features_packed(), colors, atol=atol)
        assert not again.has_verts_normals()
        assert p3d.IO().load_mesh(tmp_path / "m.ply", include_textures=False).textures is None
        p3d.IO().save_mesh(mesh, tmp_path / "m.ply", binary=False, include_textures=False)
        assert b"ascii" in (tmp_path / "m.ply").read_bytes()[:20]
        assert p3d.IO().load_mesh(tmp_path / "m.ply").textures is None

    def test_picture(self, tmp_path):
        Image.fromarray(PICTURES["a.png"]).save(tmp_path / "a.png")
        head = "ply\nformat ascii 1.0\ncomment TextureFile a.png\nelement vertex 3\n" + "".join(f"property float {name}\n" for name in "xyzst")
        text = head + "element face 1\nproperty list uchar int vertex_indices\nend_header\n0 0 0 0.5 0.5\n1 0 0 1 0\n0 1 0 0 1\n3 0 1 2\n"
        (tmp_path / "m.ply").write_text(text)
        uv = p3d.IO().load_mesh(str(tmp_path / "m.ply")).textures
        np.testing.assert_allclose(uv.maps_padded()[0], PICTURES["a.png"] / 255, atol=1e-7)
        assert uv.verts_uvs_padded().tolist() == [[[0.5, 0.5], [1, 0], [0, 1]]]
        (tmp_path / "a.png").unlink()
        with pytest.raises(FileNotFoundError, match=r"load_mesh: the texture of .*m\.ply must be there, got 'a\.png'"):
            p3d.IO().load_mesh(tmp_path / "m.ply")

    def test_wrong(self, tmp_path):
        for changed, sentence in (
            ({"faces": HALVES + 3}, "faces must index verts 0 to 3"),
            ({"verts_normals": SQUARE[:2]}, "verts_normals must have shape"),
            ({"decimal_places": 1.5}, "decimal_places must be"),
            ({"ascii": 1}, "ascii must be"),
        ):
            with pytest.raises((TypeError, ValueError), match=f"save_ply: {sentence}"):
                p3d.save_ply(**{"f": tmp_path / "m.ply", "verts": SQUARE} | changed)


class Manager:
    """A path manager: names begin with ``store://here/``."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def get_local_path(self, name: str) -> str:
        return str(self.folder / name.removeprefix("store://here/"))

    def exists(self, name: str) -> bool:
        return name.startswith("store://here/") and Path(self.get_local_path(name)).exists()

    def open(self, name: str, mode: str) -> io.IOBase:
        assert name.startswith("store://here/")
        return open(self.get_local_path(name), mode)


class TestIO:
    def uv_mesh(self) -> p3d.Meshes:
        uvs = torch.tensor([[0.0, 0], [1, 0], [1, 1], [0, 1]])
        return p3d.Meshes([SQUARE], [HALVES], p3d.TexturesUV([torch.from_numpy(PICTURES["a.png"] / 255.0).float()], [HALVES], [uvs]))

    @pytest.mark.parametrize("suffix", [".obj", ".glb"])
    def test_pictures(self, tmp_path, suffix):
        mesh = self.uv_mesh()
        p3d.IO().save_mesh(mesh, tmp_path / f"m{suffix}")
        again = p3d.IO().load_mesh(tmp_path / f"m{suffix}")
        np.testing.assert_allclose(again.verts_packed(), SQUARE, atol=1e-6)
        np.testing.assert_allclose(again.textures.maps_padded(), mesh.textures.maps_padded(), atol=1e-6)
        corners = (batch.textures.faces_verts_uvs_packed() for batch in (again, mesh))
        np.testing.assert_allclose(*corners, atol=1e-6)
        assert p3d.IO().load_mesh(tmp_path / f"m{suffix}", include_textures=False).textures is None

    @pytest.mark.parametrize(("suffix", "atol"), [(".off", 1e-6), (".glb", 1e-6)])
    def test_colors(self, tmp_path, suffix, atol):
        colors = torch.from_numpy(RNG.random((4, 3))).float()
        p3d.IO().save_mesh(p3d.Meshes([SQUARE], [HALVES], p3d.TexturesVertex([colors])), tmp_path / f"m{suffix}")
        again = p3d.IO().load_mesh(tmp_path / f"m{suffix}")
        assert again.faces_packed().tolist() == HALVES.tolist()
        np.testing.assert_allclose(again.textures.verts_features_packed(), colors, atol=atol)

    def test_off_with_colors_of_faces(self, tmp_path):
        atlas = torch.tensor([[0.25, 0.5, 0.75], [1.0, 0.0, 0.5]])[:, None, None]
        p3d.IO().save_mesh(p3d.Meshes([SQUARE], [HALVES], p3d.TexturesAtlas([atlas])), tmp_path / "m.off", decimal_places=3)
        assert (tmp_path / "m.off").read_text().splitlines()[-1] == "3 0 2 3 1.000 0.000 0.500"
        np.testing.assert_allclose(p3d.IO().load_mesh(tmp_path / "m.off").textures.atlas_packed(), atlas)
        (tmp_path / "q.off").write_text("OFF\n4 2 0\n0 0 0\n1 0 0\n1 1 0\n0 1 0\n4 0 1 2 3 255 0 0\n4 3 2 1 0 0 255 0\n")
        mesh = p3d.IO().load_mesh(tmp_path / "q.off")
        assert mesh.faces_packed().tolist() == [[0, 1, 2], [3, 2, 1], [0, 2, 3], [3, 1, 0]]
        assert mesh.textures.atlas_packed()[:, 0, 0].tolist() == [[1, 0, 0], [0, 1, 0]] * 2

    def test_stl(self, tmp_path):
        p3d.IO().save_mesh(p3d.Meshes([SQUARE], [HALVES]), tmp_path / "m.STL")
        assert p3d.IO().load_mesh(tmp_path / "m.STL").faces_areas_packed().sum() == 1

    def test_path_manager(self, everything):
        with pytest.warns(UserWarning, match="the first of 2 is taken"):
            mesh = p3d.IO(path_manager=Manager(everything.parent)).load_mesh("store://here/m.obj")
        assert mesh.textures.maps_padded().shape == (1, 7, 5, 3)
        manager = Manager(everything.parent)
        p3d.IO(path_manager=manager).save_mesh(self.uv_mesh(), "store://here/new.obj")
        assert {path.name for path in everything.parent.glob("new.*")} == {"new.obj", "new.mtl", "new.png"}
        p3d.save_ply("store://here/new.ply", SQUARE, path_manager=manager)
        assert len(p3d.load_ply("store://here/new.ply", path_manager=manager)[0]) == 4

    def test_a_format_of_ones_own(self, tmp_path):
        class Numbers(MeshFormatInterpreter):
            def read(self, path, include_textures, device, path_manager, **kwargs):
                return p3d.ico_sphere(kwargs["level"]) if str(path).endswith(".sphere") else None

            def save(self, data, path, path_manager, binary, **kwargs):
                return False

        files = p3d.IO(include_default_formats=False)
        with pytest.raises(ValueError, match=r"a format that is registered, got a\.obj"):
            files.load_mesh("a.obj")
        files.register_meshes_format(Numbers())
        files.register_meshes_format(MeshGlbFormat())
        assert len(files.load_mesh("a.sphere", level=1).faces_packed()) == 80
        with pytest.raises(ValueError, match="save_mesh: the file must be of a format that is registered"):
            files.save_mesh(p3d.ico_sphere(0), tmp_path / "a.sphere")
        with pytest.raises(TypeError, match="interpreter must be"):
            files.register_meshes_format("obj")

    def test_wrong(self, tmp_path):
        mesh, files = p3d.Meshes([SQUARE], [HALVES]), p3d.IO()
        for call, sentence in (
            (lambda: files.save_mesh(mesh.extend(2), tmp_path / "m.obj"), "data must be one mesh, got 2"),
            (lambda: files.save_mesh(SQUARE, tmp_path / "m.obj"), "data must be Meshes, got Tensor"),
            (lambda: files.save_mesh(mesh, tmp_path / "m.xyz"), "the file must be of a format that is registered"),
            (lambda: files.save_mesh(mesh, tmp_path / "m.obj", decimals=3), "an option must be decimal_places, got decimals"),
            (lambda: files.save_mesh(mesh, tmp_path / "m.glb", decimal_places=3), "an option must be none, for this format, got decimal_places"),
            (lambda: files.save_mesh(mesh, tmp_path / "m.glb", binary=False), "binary must be True or None"),
            (lambda: files.load_mesh(tmp_path / "m.ply", texture_wrap=None), "an option must be none, for this format, got texture_wrap"),
        ):
            with pytest.raises((TypeError, ValueError), match=sentence):
                call()
        assert list(tmp_path.iterdir()) == []
        for call in (lambda: files.load_pointcloud("a.ply"), lambda: files.save_pointcloud(None, "a.ply"), lambda: files.register_pointcloud_format(None)):
            with pytest.raises(NotImplementedError, match="it is not in this drop-in: points stay with PyTorch3D"):
                call()

    def test_pictures_survive_eight_bits(self, tmp_path):
        """Each of the 256 values is written as itself."""
        values = torch.arange(256.0).reshape(16, 16, 1).expand(16, 16, 3) / 255
        p3d.save_obj(tmp_path / "m.obj", SQUARE, HALVES, verts_uvs=torch.zeros(1, 2), faces_uvs=HALVES * 0, texture_map=values)
        np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "m.png"))[..., 0].ravel(), np.arange(256))
