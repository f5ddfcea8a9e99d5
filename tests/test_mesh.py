"""Meshes and their files.

Plan: what is saved is what is loaded, for every kind of file, with colours where the kind has them; what trimesh might do to a mesh on the way (merge,
reorder or drop vertices, turn faces) would break the one-to-one order that colours and optimisation rest on. Then the textured mesh of the shared data, the
makers, and what a `Mesh` promises of its arrays.
"""

from dataclasses import FrozenInstanceError

import numpy as np
import pytest
import trimesh
from PIL import Image

from taichi_softras import Mesh


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
        """As most GLB files are that have no texture; with texture coordinates and without."""
        for uv in (None, np.zeros((12, 2))):
            sphere = trimesh.creation.icosahedron()
            material = trimesh.visual.material.PBRMaterial(baseColorFactor=[51, 102, 204, 255])
            sphere.visual = trimesh.visual.TextureVisuals(uv=uv, material=material)
            sphere.export(tmp_path / "mesh.glb")
            np.testing.assert_allclose(Mesh.load(tmp_path / "mesh.glb").colors, np.tile([0.2, 0.4, 0.8], (12, 1)), atol=0.01)
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


class TestSharedMeshes:
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
