"""Kaolin's files: OBJ as Kaolin returns it, pictures, views, USD and time lines. What is written is read by another reader; what is wrong is refused, or told.

Plan: files are put together byte by byte, or written and read back by Pillow, by `Mesh.load` or by USD's own library.
"""

import json
import math

import numpy as np
import pytest
import torch
from PIL import Image

from taichi_softras import Mesh
from taichi_softras.interop import kaolin as kal
from taichi_softras.interop.kaolin.io import gltf, import_mesh, obj, render, usd, utils
from taichi_softras.interop.kaolin.io import materials as errors
from taichi_softras.interop.kaolin.render.materials import PBRMaterial

OBJ = """mtllib m.mtl
v 0 0 0
v 1 0 0
v 1 1 0
v 0 1 0
v 0 0 1
vt 0 0
vt 1 0.25
vt 1 1
vn 0 0 1
vn 0 1 0
usemtl red
f 1/1/1 2/2/1 3/3/1 4/1/2
usemtl a picture
f -5/1/2 2/2/1 5/3/1
usemtl red
f 1//1 3//1 5//2
"""
MTL = "newmtl a picture\nKd 0.5 0.5 0.5\nmap_Kd -imfchan g p.png\nbump p.png\nnewmtl red\nKa 1 1 1\nKd 1 0 0\nKs 0.25\n"


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "m.obj").write_text(OBJ)
    (tmp_path / "m.mtl").write_text(MTL)
    Image.fromarray(np.arange(2 * 3 * 3, dtype=np.uint8).reshape(2, 3, 3)).save(tmp_path / "p.png")
    return tmp_path


class TestObj:
    def test_all_of_it(self, folder):
        mesh = obj.import_mesh(folder / "m.obj", with_materials=True, with_normals=True, triangulate=True)
        assert (mesh.vertices.dtype, mesh.faces.dtype, mesh.material_assignments.dtype) == (torch.float32, torch.int64, torch.int16)
        assert mesh.faces.tolist() == [[0, 1, 2], [0, 2, 3], [0, 1, 4], [0, 2, 4]]
        assert mesh.face_uvs_idx.tolist() == [[0, 1, 2], [0, 2, 0], [0, 1, 2], [-1, -1, -1]]
        assert mesh.face_normals_idx.tolist() == [[0, 0, 0], [0, 0, 1], [1, 0, 0], [0, 0, 1]]
        np.testing.assert_allclose(mesh.uvs, [[0, 1], [1, 0.75], [1, 0]])  # v down
        np.testing.assert_allclose(mesh.normals, [[0, 0, 1], [0, 1, 0]])
        assert [material["material_name"] for material in mesh.materials] == ["a picture", "red"]
        assert mesh.material_assignments.tolist() == [1, 1, 0, 1]
        picture, red = mesh.materials
        assert picture["map_Kd"].tolist() == np.arange(18).reshape(2, 3, 3)[..., 1:2].tolist()  # its green channel
        assert (picture["bump"].dtype, picture["bump"].shape) == (torch.uint8, (2, 3, 3))
        assert (red["Kd"].tolist(), red["Ks"].tolist()) == ([1, 0, 0], [0.25] * 3)

    def test_as_little_as_possible(self, folder):
        mesh = obj.import_mesh(folder / "m.obj", triangulate=True)
        assert mesh.get_attributes(only_tensors=True) == ["vertices", "faces"]
        assert (mesh.uvs, mesh.materials, mesh.normals) == (None, None, None)

    @pytest.mark.parametrize("batching", ["NONE", "FIXED", "LIST"])
    def test_a_file_without_normals_and_texture_coordinates(self, folder, batching):
        """There are lists of none of them, as in Kaolin, and normals are the faces' own."""
        (folder / "m.obj").write_text("v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\n")
        mesh = obj.import_mesh(folder / "m.obj", with_materials=True, with_normals=True)
        assert (len(mesh.normals), len(mesh.uvs)) == (0, 0)
        mesh = mesh if batching == "NONE" else mesh.to_batched() if batching == "FIXED" else mesh.to_batched().set_batching(batching)
        assert torch.as_tensor(mesh.face_normals if batching != "LIST" else mesh.face_normals[0]).reshape(-1, 3).tolist() == [[0, 0, 1]] * 3
        assert torch.as_tensor(mesh.vertex_normals if batching != "LIST" else mesh.vertex_normals[0]).reshape(-1, 3).tolist() == [[0, 0, 1]] * 3
        assert not mesh.has_or_can_compute_attribute("face_uvs")

    def test_physically_based(self, folder):
        picture, red = obj.import_mesh(folder / "m.obj", with_materials=True, triangulate=True, raw_materials=False).materials
        assert red.diffuse_color.tolist() == [1, 0, 0]
        np.testing.assert_allclose(picture.diffuse_texture[..., 0], np.arange(18).reshape(2, 3, 3)[..., 1] / 255, rtol=1e-6)
        np.testing.assert_allclose(picture.normals_texture, np.arange(18).reshape(2, 3, 3) / 127.5 - 1, rtol=1e-5)

    def test_polygons_of_several_sizes(self, folder):
        with pytest.raises(utils.NonHomogeneousMeshError, match="must have one number of corners, got 3 to 4"):
            obj.import_mesh(folder / "m.obj")
        with pytest.warns(UserWarning, match="None is returned"):
            assert obj.import_mesh(folder / "m.obj", heterogeneous_mesh_handler=utils.heterogeneous_mesh_handler_skip) is None

        def first_three(vertices, counts, *features, face_assignments=None):
            """Of each polygon its first three corners."""
            begins = torch.cumsum(counts, 0) - counts
            return vertices, torch.full_like(counts, 3), *(f if f is None else f[begins[:, None] + torch.arange(3)] for f in features), face_assignments

        mesh = obj.import_mesh(folder / "m.obj", with_materials=True, heterogeneous_mesh_handler=first_three)
        assert mesh.faces.tolist() == [[0, 1, 2], [0, 1, 4], [0, 2, 4]]
        assert mesh.material_assignments.tolist() == [1, 0, 1]
        (folder / "q.obj").write_text("v 0 0 0\nv 1 0 0\nv 1 1 0\nv 0 1 0\nf 1 2 3 4\n")
        assert obj.import_mesh(folder / "q.obj").faces.tolist() == [[0, 1, 2, 3]]

    def test_what_is_wrong_with_materials(self, folder):
        """Raised, skipped with a warning, ignored, or made up, as the handler wants it."""
        (folder / "m.mtl").write_text("newmtl red\nKd 1 0\n")
        wanted = {"with_materials": True, "triangulate": True}
        with pytest.raises(errors.MaterialLoadError, match="Kd must be three numbers, or one for all, got 2"):
            obj.import_mesh(folder / "m.obj", **wanted)
        (folder / "m.mtl").write_text("newmtl red\nKd 1 0 0\n")
        with pytest.raises(errors.MaterialNotFoundError, match="no material 'a picture'"):
            obj.import_mesh(folder / "m.obj", **wanted)
        with pytest.warns(UserWarning, match="no material 'a picture'"):
            mesh = obj.import_mesh(folder / "m.obj", error_handler=obj.skip_error_handler, **wanted)
        assert mesh.material_assignments.tolist() == [0, 0, -1, 0]
        with pytest.warns(UserWarning, match="One is made up"):
            mesh = obj.import_mesh(folder / "m.obj", error_handler=obj.create_missing_materials_error_handler, **wanted)
        assert [material["material_name"] for material in mesh.materials] == ["a picture", "red"]
        (folder / "m.mtl").unlink()
        with pytest.raises(errors.MaterialFileError, match="there is no file"):
            obj.import_mesh(folder / "m.obj", **wanted)
        assert obj.import_mesh(folder / "m.obj", error_handler=obj.ignore_error_handler, **wanted).materials == []

    @pytest.mark.parametrize(
        ("text", "sentence"),
        [("v 0 0 0\nf 1 2 3\n", "where there are 1"), ("v 0 0\n", "a vertex of 2 numbers"), ("v 0 0 0\nf 1/a 1 1\n", "a face with the corner")],
    )
    def test_wrong_files(self, tmp_path, text, sentence):
        (tmp_path / "m.obj").write_text(text)
        with pytest.raises(ValueError, match=rf"import_mesh: .*m.obj must be a readable .obj file, got ValueError: .*{sentence}"):
            obj.import_mesh(tmp_path / "m.obj")
        with pytest.raises(FileNotFoundError, match="import_mesh: there is no file"):
            obj.import_mesh(tmp_path / "n.obj")

    def test_empty(self, tmp_path):
        (tmp_path / "m.obj").write_text("v 0 0 0\n")
        assert obj.import_mesh(tmp_path / "m.obj", True, True).faces.shape == (0, 3)


class TestFans:
    def test_with_assignments(self):
        flat = torch.arange(12)
        counts = torch.tensor([3, 5, 4])
        given = {"one": torch.tensor([2, 0]), "ranges": torch.tensor([[0, 1], [1, 3]])}
        vertices, sizes, faces, none, moved = utils.mesh_handler_naive_triangulate(torch.zeros(12, 3), counts, flat, None, face_assignments=given)
        assert faces.tolist() == [[0, 1, 2], [3, 4, 5], [3, 5, 6], [3, 6, 7], [8, 9, 10], [8, 10, 11]]
        assert (len(vertices), sizes.tolist(), none) == (12, [3] * 6, None)
        assert (moved["one"].tolist(), moved["ranges"].tolist()) == ([4, 5, 0], [[0, 1], [1, 6]])
        with pytest.warns(DeprecationWarning, match="mesh_handler_naive_triangulate now"):
            assert len(utils.heterogeneous_mesh_handler_naive_homogenize(torch.zeros(12, 3), counts, flat)) == 3
        with pytest.raises(ValueError, match=r"features must have shape \(N\) with N = 12, got \(11,\)"):
            utils.mesh_handler_naive_triangulate(torch.zeros(12, 3), counts, flat[1:])


class TestPictures:
    @pytest.mark.parametrize("shape", [(3, 5, 6), (5, 6, 3), (1, 3, 5, 6), (5, 6), (5, 6, 4)])
    def test_written_and_read(self, tmp_path, shape):
        given = torch.from_numpy(np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8))
        utils.write_image(given, tmp_path / "deep/p.png")
        read = utils.read_image(tmp_path / "deep/p.png")
        expected = given[0] if given.ndim == 4 else given
        expected = expected.permute(1, 2, 0) if expected.shape[0] == 3 else expected.reshape(5, 6, -1)
        np.testing.assert_allclose(read * 255, expected, atol=1e-4)
        torch.testing.assert_close(utils.read_image_from_buffer((tmp_path / "deep/p.png").read_bytes()), read)
        utils.write_image(given.float() / 255 + 0.001, tmp_path / "f.png")
        torch.testing.assert_close(utils.read_image(tmp_path / "f.png"), read)

    def test_refused(self, tmp_path):
        with pytest.raises(ValueError, match=r"img_tensor must have shape \(C, H, W\) or \(H, W, C\)"):
            utils.write_image(torch.zeros(2, 3, 5, 6), tmp_path / "p.png")
        with pytest.raises(TypeError, match=r"floating point numbers or torch.uint8, got torch.int64"):
            utils.write_image(torch.zeros(5, 6, 3, dtype=torch.int64), tmp_path / "p.png")
        with pytest.raises(ValueError, match="must be a picture"):
            utils.read_image_from_buffer(b"nothing")
        assert not list(tmp_path.iterdir())

    def test_names_that_are_free(self, tmp_path):
        export = utils.TextureExporter(tmp_path, "textures", "m_")
        assert [export(torch.zeros(3, 4, 5), "diffuse") for _ in range(3)] == [f"textures/m_diffuse{end}.png" for end in ("", "_0", "_1")]
        assert utils.TextureExporter(tmp_path, "textures", "m_", overwrite_files=True)(torch.zeros(3, 4, 5), "diffuse") == "textures/m_diffuse.png"
        with pytest.raises(ValueError, match="base_dir must be a folder"):
            utils.TextureExporter(tmp_path / "none")(torch.zeros(3, 4, 5), "diffuse")


class TestViews:
    @pytest.fixture
    def told(self, tmp_path):
        told = {
            "camera_properties": {
                "tf_mat": np.arange(16.0).reshape(4, 4).tolist(),
                "resolution": {"width": 8, "height": 4},
                "focal_length": 24.0,
                "horizontal_aperture": 21.0,
                "clipping_range": [1.0, 100.0],
            },
            "asset_transforms": [["/World/mesh", np.eye(4).tolist()]],
            "bbox_2d_tight": {"xmin": 1},
        }
        (tmp_path / "0_metadata.json").write_text(json.dumps(told))
        pixels = np.arange(4 * 8 * 4, dtype=np.uint8).reshape(4, 8, 4)
        Image.fromarray(pixels, "RGBA").save(tmp_path / "0_rgb.png")
        np.save(tmp_path / "0_semantic.npy", np.ones((4, 8, 1), np.int32))
        return told

    def test_a_view(self, tmp_path, told):
        view = render.import_synthetic_view(tmp_path, 0, semantic=True, instance=True, bbox_2d_tight=True)
        np.testing.assert_allclose(view["rgb"], np.arange(128).reshape(4, 8, 4)[..., :3] / 255, rtol=1e-6)
        assert (view["semantic"].dtype, view["semantic"].shape, view["instance"]) == (torch.int32, (4, 8, 1), None)
        camera = view["metadata"]
        np.testing.assert_array_equal(camera["cam_transform"], np.arange(16).reshape(4, 4)[:, :3])
        tangent = 21 / 48
        np.testing.assert_allclose(camera["cam_proj"], [[1 / (2 * tangent)], [1 / tangent], [-1]], rtol=1e-6)
        assert (view["bbox_2d_tight"], camera["clipping_range"]) == ({"xmin": 1}, [1.0, 100.0])
        assert "normals" not in view

    def test_wrong_views(self, tmp_path, told):
        with pytest.raises(FileNotFoundError, match=r"there is no file .*1_metadata.json"):
            render.import_synthetic_view(tmp_path, 1)
        with pytest.raises(ValueError, match="must tell of a camera as the Data Generator does, got KeyError: 'bbox_2d_loose'"):
            render.import_synthetic_view(tmp_path, 0, bbox_2d_loose=True)
        np.save(tmp_path / "0_semantic.npy", np.array([{}], object), allow_pickle=True)
        with pytest.raises(ValueError, match=r"0_semantic.npy must hold an array of numbers"):
            render.import_synthetic_view(tmp_path, 0, semantic=True)


def test_gltf(tmp_path):
    """Written by us, v down, one material."""
    vertices, faces = np.random.default_rng(0).normal(size=(4, 3)).astype(np.float32), np.array([[0, 1, 2], [0, 2, 3]])
    uvs, texture = np.array([[0, 0], [1, 0], [1, 1], [0, 0.25]], np.float32), np.random.default_rng(1).integers(0, 256, (3, 2, 3)) / 255
    Mesh(vertices=vertices, faces=faces, uvs=uvs, texture=texture).save(tmp_path / "m.glb")
    mesh = import_mesh(tmp_path / "m.glb")
    np.testing.assert_allclose(mesh.vertices[mesh.faces], vertices[faces], atol=1e-6)
    np.testing.assert_allclose(mesh.face_uvs, np.stack([uvs[faces][..., 0], 1 - uvs[faces][..., 1]], -1), atol=1e-6)
    np.testing.assert_allclose(mesh.materials[0].diffuse_texture, texture, atol=1e-6)
    Mesh(vertices=vertices, faces=faces, colors=np.abs(vertices).clip(0, 1)).save(tmp_path / "c.glb")
    assert gltf.import_mesh(tmp_path / "c.glb").vertex_colors.shape == (4, 3)
    (tmp_path / "m.off").write_text("OFF\n0 0 0\n")
    with pytest.raises(ValueError, match=r"filename must end in .obj, .gltf"):
        import_mesh(tmp_path / "m.off")


class TestUsd:
    """Read by USD's own library, and by ours."""

    @pytest.fixture(autouse=True)
    def pxr(self):
        return pytest.importorskip("pxr", reason="usd-core is an optional extra")

    vertices = torch.tensor([[0.0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]])
    faces = torch.tensor([[0, 1, 2], [0, 2, 3]])
    uvs = torch.tensor([[0.0, 0.25], [1, 0], [1, 1]])
    face_uvs = torch.tensor([[0, 1, 2], [2, 1, 0]])

    def test_a_mesh(self, tmp_path):
        from pxr import Usd, UsdGeom

        move = torch.eye(4)
        move[:3, 3] = torch.tensor([1.0, 2.0, 3.0])
        normals = torch.nn.functional.normalize(torch.rand(2, 3, 3), dim=2)
        usd.export_mesh(tmp_path / "m.usda", "/World/square", self.vertices, self.faces, self.uvs, self.face_uvs, normals, local_to_world=move, up_axis="Z")
        stage = Usd.Stage.Open(str(tmp_path / "m.usda"))
        assert (UsdGeom.GetStageUpAxis(stage), str(stage.GetDefaultPrim().GetPath())) == ("Z", "/World")
        mesh = UsdGeom.Mesh(stage.GetPrimAtPath("/World/square"))
        np.testing.assert_allclose(mesh.GetPointsAttr().Get(), self.vertices)
        assert list(mesh.GetFaceVertexCountsAttr().Get()) == [3, 3]
        st = UsdGeom.PrimvarsAPI(mesh.GetPrim()).GetPrimvar("st")
        expected = self.uvs[self.face_uvs].reshape(-1, 2).numpy() * [1, -1] + [0, 1]  # v up
        np.testing.assert_allclose(st.ComputeFlattened(), expected)
        assert np.array(mesh.ComputeLocalToWorldTransform(0))[3].tolist() == [1, 2, 3, 1]
        read = import_mesh(tmp_path / "m.usda")
        np.testing.assert_allclose(read.vertices, self.vertices + torch.tensor([1.0, 2.0, 3.0]))
        assert torch.equal(read.face_uvs, self.uvs[self.face_uvs])
        torch.testing.assert_close(usd.import_mesh(tmp_path / "m.usda", with_normals=True).face_normals, normals)
        with pytest.raises(ValueError, match="file_path must be free without overwrite"):
            usd.export_mesh(tmp_path / "m.usda", vertices=self.vertices)

    def test_materials(self, tmp_path):
        """A picture, numbers and colours, of the faces that have them."""
        picture = torch.rand(4, 5, 3)
        materials = [
            PBRMaterial(diffuse_texture=picture, roughness_value=0.25, diffuse_colorspace="sRGB"),
            PBRMaterial(diffuse_color=(1, 0, 0.5), is_specular_workflow=True),
        ]
        usd.export_mesh(tmp_path / "m.usd", "/World/m", self.vertices, self.faces, material_assignments=torch.tensor([1, 0]), materials=materials)
        read = usd.import_mesh(tmp_path / "m.usd", with_materials=True)
        first, second = (read.materials[number] for number in read.material_assignments.tolist())
        np.testing.assert_allclose(first.diffuse_color, [1, 0, 0.5])
        assert (first.is_specular_workflow, second.is_specular_workflow) == (True, False)
        np.testing.assert_allclose(second.diffuse_texture, picture, atol=1 / 255)
        assert (second.roughness_value.item(), second.diffuse_colorspace) == (0.25, "sRGB")
        path, _ = usd.export_material(PBRMaterial(normals_texture=picture * 2 - 1, material_name="my name"), tmp_path / "m.usd")
        assert path == "/World/Looks/my_name_0"
        np.testing.assert_allclose(usd.import_material(tmp_path / "m.usd", path).normals_texture, picture * 2 - 1, atol=2 / 255)
        (tmp_path / "textures/my_name_0_normals.png").unlink()
        with pytest.raises(errors.MaterialLoadError, match="there is no picture"):
            usd.import_material(tmp_path / "m.usd", path)
        assert len(usd.get_mesh_scene_paths(tmp_path / "m.usd")) == len(usd.import_meshes(tmp_path / "m.usd")) == 1

    def test_a_stage_of_ones_own(self, tmp_path):
        stage = usd.create_stage(tmp_path / "m.usda")
        for time, vertices in ((0, self.vertices), (2, self.vertices * 3)):
            usd.add_mesh(stage, "/World/a", vertices, self.faces if time == 0 else None, time=time)
        stage.Save()
        assert usd.get_authored_time_samples(tmp_path / "m.usda") == [0, 2]
        np.testing.assert_allclose(usd.import_mesh(tmp_path / "m.usda", time=1).vertices, self.vertices * 2)
        assert torch.equal(usd.import_meshes(stage, ["/World/a"], times=[2])[0].vertices, self.vertices * 3)

    def test_a_time_line(self, tmp_path):
        """Each call writes whole files; what is not given stays as it was; variants are looks."""
        timelapse = kal.visualize.Timelapse(tmp_path)
        timelapse.add_mesh_batch(0, "a", [self.vertices] * 2, [self.faces] * 2)
        timelapse.add_mesh_batch(5, "a", [self.vertices + 1, self.vertices + 2], materials_list=[PBRMaterial(diffuse_color=(1, 0, 0)), {"x": PBRMaterial()}])
        parser = kal.visualize.TimelapseParser(tmp_path)
        assert (parser.num_mesh_items(), parser.num_mesh_categories(), parser.num_pointcloud_items()) == (2, 1, 0)
        assert parser.get_category_info("mesh", "a") == {"category": "a", "ids": [0, 1], "end_time": 5}
        read = usd.import_mesh(parser.get_file_path("mesh", "a", 1), time=5)
        assert torch.equal(read.vertices, self.vertices + 2)
        assert torch.equal(read.faces, self.faces)
        assert not parser.check_for_updates()
        timelapse.add_mesh_batch(6, "b", [self.vertices], [self.faces])
        assert parser.check_for_updates()
        assert parser.get_category_names_by_type("mesh") == ["a", "b"]
        assert sorted(path.name for path in (tmp_path / "a").iterdir()) == ["mesh_0.usd", "mesh_1.usd"]

    def test_refused(self, tmp_path):
        timelapse = kal.visualize.Timelapse(tmp_path / "logs")
        for given, error, sentence in (
            ({}, ValueError, "there must be lists of one length, got none"),
            ({"vertices_list": [self.vertices], "faces_list": []}, ValueError, "there must be lists of one length"),
            ({"vertices_list": [self.vertices[:, :2]]}, ValueError, r"vertices must have shape \(V, 3\)"),
            ({"vertices_list": [self.vertices[:2]], "faces_list": [self.faces]}, ValueError, "faces must be 0 to 1, got 0 to 3"),
            ({"materials_list": [{"9": PBRMaterial()}]}, ValueError, "names of letters, digits and _, got '9'"),
            ({"materials_list": [[1]]}, TypeError, "must be PBRMaterials"),
        ):
            with pytest.raises(error, match=sentence):
                timelapse.add_mesh_batch(**given)
        assert not (tmp_path / "logs").exists()
        (tmp_path / "m.usda").write_text("nothing")
        with pytest.raises(ValueError, match="must be a readable USD file"):
            usd.import_mesh(tmp_path / "m.usda")
        with pytest.raises(ValueError, match="there is no mesh at any path"):
            usd.import_mesh(usd.create_stage(tmp_path / "n.usda"))


def test_without_usd(monkeypatch, tmp_path):
    monkeypatch.setitem(__import__("sys").modules, "pxr", None)
    with pytest.raises(RuntimeError, match=r"add_mesh_batch works with usd-core, which is not installed: pip install 'taichi_softras\[usd\]'"):
        kal.visualize.Timelapse(tmp_path).add_mesh_batch(vertices_list=[torch.zeros(3, 3)])
    assert math.isfinite(render.generate_perspective_projection(1.0).sum().item())
