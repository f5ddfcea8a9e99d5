"""The drop-in for SoftRas beyond its rasteriser: names, cameras, normals, lights, losses, voxels, files and whole renders.

Plan: values and gradients against what the original computes (`golden/softras`, files P_*), in float64; what the original gets wrong against what is right.
"""

import inspect
import json
from typing import ClassVar

import numpy as np
import pytest
import torch
from PIL import Image

from taichi_softras import Mesh
from taichi_softras.engine.voxels import voxel_iou
from taichi_softras.interop import soft_renderer as sr
from taichi_softras.interop.soft_renderer import functional as srf
from taichi_softras.interop.soft_renderer.obj import create_texture_atlas

NAMES = (
    "AmbientLighting DirectionalLighting FlattenLoss LaplacianLoss Lighting Look LookAt Mesh Projection Renderer SoftRasterizer SoftRenderer "
    "Transform functional"
)
FUNCTIONS = (
    "ambient_lighting directional_lighting face_vertices get_points_from_angles load_obj look look_at orthogonal perspective projection save_obj save_voxel "
    "soft_rasterize vertex_normals voxelization"
)


@pytest.fixture
def golden(shared):
    def load(name: str) -> dict[str, np.ndarray]:
        with np.load(shared / "golden" / "softras" / f"P_{name}.npz") as file:
            return dict(file)

    return load


def check(case: dict, name: str, function, tolerance: float = 1e-7) -> None:
    """Value and gradient of a function of `<name>_in`."""
    given = torch.tensor(case[f"{name}_in"], dtype=torch.float64, requires_grad=True)
    got = function(given)
    np.testing.assert_allclose(got.detach().numpy(), case[f"{name}_f64"], atol=tolerance, rtol=tolerance)
    (got * torch.tensor(case[f"{name}_upstream"], dtype=torch.float64)).sum().backward()
    expected = case[f"{name}_grad_f64"]
    assert np.linalg.norm(given.grad.numpy() - expected) <= tolerance * np.linalg.norm(expected)


class TestNames:
    def test_all_are_there(self):
        assert all(hasattr(sr, name) for name in NAMES.split())
        assert all(hasattr(srf, name) for name in FUNCTIONS.split())

    def test_unmodified_import(self, run_python):
        program = (
            "from taichi_softras.interop.soft_renderer import stand_in; stand_in()\n"
            "import soft_renderer as sr, soft_renderer.functional as srf\n"
            "from soft_renderer.mesh import Mesh\n"
            "assert Mesh is sr.Mesh and srf is sr.functional and sr.SoftRenderer(camera_mode='look_at')\n"
        )
        run_python(program)


class TestArguments:
    """The original's names, in its order, with its defaults, by place and by name; lists of its are tuples here."""

    RASTERIZER: ClassVar = {
        "image_size": 256, "background_color": (0, 0, 0), "near": 1, "far": 100, "anti_aliasing": False, "fill_back": False, "eps": 1e-3,
        "sigma_val": 1e-5, "dist_func": "euclidean", "dist_eps": 1e-4, "gamma_val": 1e-4, "aggr_func_rgb": "softmax", "aggr_func_alpha": "prod",
        "texture_type": "surface",
    }  # fmt: skip
    OTHERS: ClassVar = {
        "camera_mode": "projection", "P": None, "dist_coeffs": None, "orig_size": 512, "perspective": True, "viewing_angle": 30, "viewing_scale": 1.0,
        "eye": None, "camera_direction": (0, 0, 1), "light_mode": "surface", "light_intensity_ambient": 0.5, "light_color_ambient": (1, 1, 1),
        "light_intensity_directionals": 0.5, "light_color_directionals": (1, 1, 1), "light_directions": (0, 1, 0),
    }  # fmt: skip
    OTHER_VALUES = (
        8, (0, 0, 1), 2, 50, True, True, 1e-2, 1e-3, "hard", 1e-5, 1e-2, "hard", "hard", "vertex",
        "look", None, None, 256, False, 20, 2.0, (1, 2, 3), (0, 1, 0), "vertex", 0.1, (1, 2, 3), 0.2, (3, 2, 1), (1, 0, 0),
    )  # fmt: skip

    def test_names_order_and_defaults(self):
        for kind, expected in ((sr.SoftRasterizer, self.RASTERIZER), (sr.SoftRenderer, self.RASTERIZER | {"fill_back": True} | self.OTHERS)):
            parameters = inspect.signature(kind).parameters.values()
            assert [(p.name, p.default) for p in parameters] == list(expected.items())
            assert {p.kind for p in parameters} == {inspect.Parameter.POSITIONAL_OR_KEYWORD}

    def test_each_reaches_its_part(self):
        names = [*self.RASTERIZER, *self.OTHERS]
        for renderer in (sr.SoftRenderer(*self.OTHER_VALUES), sr.SoftRenderer(**dict(zip(names, self.OTHER_VALUES, strict=True)))):
            rasterizer, look, lights = renderer.rasterizer, renderer.transform.transformer, renderer.lighting
            assert tuple(getattr(rasterizer, name) for name in self.RASTERIZER) == self.OTHER_VALUES[:14]
            assert isinstance(look, sr.Look)
            assert (look.perspective, look.viewing_angle, look.viewing_scale, look._eye, look.camera_direction) == self.OTHER_VALUES[18:23]
            ambient, directional = lights.ambient, lights.directionals[0]
            assert (lights.light_mode, ambient.light_intensity, ambient.light_color) == self.OTHER_VALUES[23:26]
            assert (directional.light_intensity, directional.light_color, directional.light_direction) == self.OTHER_VALUES[26:]

    def test_a_parameter_may_be_one_of_them(self):
        background = torch.nn.Parameter(torch.zeros(3))
        assert next(sr.SoftRasterizer(8, background).parameters()) is background

    @pytest.mark.parametrize("kind", [sr.SoftRasterizer, sr.SoftRenderer])
    def test_faults(self, kind):
        with pytest.raises(TypeError, match=rf"{kind.__name__}.__init__\(\) got an unexpected keyword argument 'sigma'"):
            kind(sigma=1e-4)
        with pytest.raises(TypeError, match="too many positional arguments"):
            kind(*range(30))
        with pytest.raises(TypeError, match="multiple values for argument 'image_size'"):
            kind(8, image_size=8)


class TestCameras:
    def test_look_at(self, golden):
        case = golden("look_at")
        check(case, "list_eye", lambda v: srf.look_at(v, case["list_eye_eye"].tolist()))
        check(case, "batch_eye", lambda v: srf.look_at(v, case["batch_eye_eye"]))
        check(case, "full", lambda v: srf.look_at(v, case["full_eye"], case["full_at"], case["full_up"]))

    def test_look_at_in_batches_of_three(self, golden):
        """Where the original crosses along the wrong dimension."""
        case = golden("look_at")
        np.testing.assert_allclose(srf.look_at(torch.tensor(case["b3_in"]), case["b3_eye"]).numpy(), case["b3_intended"], atol=1e-6)

    def test_look(self, golden):
        case = golden("look")
        check(case, "look", lambda v: srf.look(v, case["look_eye"], case["look_direction"], case["look_up"]))
        assert srf.look(torch.rand(1, 4, 3), [0.0, 0.0, -3.0], [0.0, 0.0, 1.0], None).isfinite().all()

    def test_projection(self, golden):
        case = golden("projection")
        for name, tolerance in (("nodist", 1e-7), ("dist", 1e-7), ("distK", 2e-3)):  # distK's coordinates reach 1e5: absolute
            p, coefficients = (torch.tensor(case[f"{name}_{key}"], dtype=torch.float64) for key in ("P", "dist"))
            check(case, name, lambda v, p=p, c=coefficients, n=name: srf.projection(v, p, c, int(case[f"{n}_orig_size"])), tolerance)

    def test_perspective_and_orthogonal(self, golden):
        case = golden("perspective_orthogonal")
        for angle in (15, 30, 60):
            check(case, f"persp{angle}", lambda v, angle=angle: srf.perspective(v, angle))
        check(case, "ortho", lambda v: srf.orthogonal(v, float(case["ortho_scale"])))

    def test_points_from_angles(self, golden):
        case = golden("points_from_angles")
        for arguments, expected in zip(case["args"], case["scalar"], strict=True):
            np.testing.assert_allclose(srf.get_points_from_angles(*arguments.tolist()), expected, atol=1e-12)
        np.testing.assert_allclose(srf.get_points_from_angles(*torch.tensor(case["args"].T)).numpy(), case["tensor"], atol=1e-6)

    def test_eyes(self):
        transform = sr.Transform("look_at")
        transform.set_eyes_from_angles(2.732, 30, 45)
        np.testing.assert_allclose(transform.eyes, srf.get_points_from_angles(2.732, 30, 45))
        for number in (torch.tensor, np.array):
            np.testing.assert_allclose(srf.get_points_from_angles(2.732, number(30.0), number(45.0)), srf.get_points_from_angles(2.732, 30, 45))
        with pytest.raises(ValueError, match="got 'projection'"):
            sr.Transform("projection", P=np.zeros((1, 3, 4), np.float32)).set_eyes([0, 0, 1])


class TestMesh:
    def test_normals(self, golden):
        case = golden("normals")
        faces = torch.tensor(case["faces"]).expand(2, -1, -1)
        check(case, "vertex_normals", lambda v: srf.vertex_normals(v, faces))
        check(case, "surface_normals", lambda v: sr.Mesh(v, faces).surface_normals)

    def test_normals_of_three_faces(self):
        """Where the original crosses along the wrong dimension."""
        vertices = torch.rand(1, 5, 3)
        faces = torch.tensor([[[0, 1, 2], [1, 2, 3], [2, 3, 4]]])
        a, b, c = vertices[0][faces[0]].unbind(1)
        expected = torch.nn.functional.normalize(torch.linalg.cross(b - a, c - a), dim=1)
        torch.testing.assert_close(sr.Mesh(vertices, faces).surface_normals[0], expected, atol=1e-5, rtol=1e-5)

    def test_fill_back_and_reset(self):
        mesh = sr.Mesh(torch.rand(4, 3), torch.tensor([[0, 1, 2], [1, 2, 3]]))
        mesh.fill_back_()
        assert mesh.num_faces == 4
        mesh.reset_()
        assert mesh.num_faces == 2

    def test_arrays_without_a_batch(self):
        mesh = sr.Mesh(np.eye(4, 3, dtype=np.float32), np.array([[0, 1, 2]]), texture_type="vertex")
        assert mesh.face_vertices.shape == mesh.face_textures.shape == (1, 1, 3, 3)

    @pytest.mark.parametrize(("name", "value"), [("vertices", torch.rand(4, 2)), ("faces", torch.zeros(1, 2, dtype=torch.int32))])
    def test_shapes(self, name, value):
        with pytest.raises(ValueError, match=f"Mesh: {name} must have shape"):
            sr.Mesh(**({"vertices": torch.rand(4, 3), "faces": torch.tensor([[0, 1, 2]])} | {name: value}))


class TestLighting:
    @pytest.mark.parametrize(("mode", "textures"), [("surface", "texS"), ("vertex", "texV")])
    def test_golden(self, golden, mode, textures):
        case = golden("lighting")
        given = json.loads(str(case["light_params"]))
        names = ("intensity_ambient", "color_ambient", "intensity_directionals", "color_directionals", "directions")
        lighting = sr.Lighting(mode, *(given[name] for name in names))
        faces, texels = torch.tensor(case["faces"]).expand(2, -1, -1), torch.tensor(case[textures], dtype=torch.float64)
        check(case, f"light_{mode}", lambda v: lighting(sr.Mesh(v, faces, texels, texture_type=mode)).textures)

    def test_lights_receive_gradient(self):
        parameters = [torch.rand(3, dtype=torch.float64, requires_grad=True) for _ in range(3)] + [torch.rand(2, dtype=torch.float64, requires_grad=True)]
        normals = torch.nn.functional.normalize(torch.rand(2, 5, 3, dtype=torch.float64), dim=2)

        def lit(ambient, color, direction, intensities):
            light = srf.ambient_lighting(torch.zeros(2, 5, 3, dtype=torch.float64), intensities[0], ambient)
            return srf.directional_lighting(light, normals, intensities[1], color, direction)

        assert torch.autograd.gradcheck(lit, parameters)


class TestLosses:
    @pytest.mark.parametrize("name", ["ico162", "sphere642"])
    def test_golden(self, golden, name):
        case = golden(f"losses_{name}")
        faces = torch.tensor(case["faces"])
        check(case, "laplacian_loss", sr.LaplacianLoss(torch.tensor(case["vertices"]), faces), 2e-6)  # the original's matrix is float32
        check(case, "flatten_loss", sr.FlattenLoss(faces))

    def test_average(self):
        faces = torch.tensor([[0, 1, 2], [1, 3, 2]])
        vertices = torch.rand(3, 4, 3)
        for make in (lambda **k: sr.FlattenLoss(faces, **k), lambda **k: sr.LaplacianLoss(vertices[0], faces, **k)):
            torch.testing.assert_close(make(average=True)(vertices), make()(vertices).mean())


class TestVoxels:
    @pytest.mark.parametrize("name", ["sphere", "spot"])
    def test_golden(self, golden, name):
        case = golden("voxelization")
        corners = srf.face_vertices(torch.tensor(case[f"{name}_vertices"])[None], torch.tensor(case[f"{name}_faces"])[None])
        np.testing.assert_array_equal(srf.voxelization(corners * 31 / 32 + 0.5, 32, False).numpy(), case[f"{name}_recon"])

    def test_a_mesh_that_reaches_the_border_is_filled(self):
        """A cube that fills the grid exactly; the original empties such a mesh."""
        x = np.array([[i, j, k] for i in (-0.5, 0.5) for j in (-0.5, 0.5) for k in (-0.5, 0.5)], np.float32)
        faces = np.array([[0, 1, 3], [0, 3, 2], [4, 6, 7], [4, 7, 5], [0, 4, 5], [0, 5, 1], [2, 3, 7], [2, 7, 6], [0, 2, 6], [0, 6, 4], [1, 5, 7], [1, 7, 3]])
        assert sr.Mesh(x, faces).voxelize(16).sum() == 16**3

    def test_iou(self):
        a = np.zeros((2, 4, 4, 4))
        a[0, :2] = 1
        b = np.zeros_like(a)
        b[0, 1:3] = 1
        np.testing.assert_allclose(voxel_iou(a, b), [1 / 3, 1.0])


class TestFiles:
    def test_load(self, golden, shared):
        case = golden("load_obj")
        spot = shared / "data" / "spot" / "spot_triangulated.obj"
        for size, step in ((2, 1), (4, 8), (5, 8)):
            _, _, textures = srf.load_obj(spot, load_texture=True, texture_res=size)
            np.testing.assert_allclose(textures[::step].numpy(), case[f"spot_tex_res{size}"], atol=5e-5)  # bilinear sampling in float32
        np.testing.assert_allclose(srf.load_obj(spot, normalization=True)[0].numpy(), case["spot_v_normalized"], atol=1e-6)
        vertices, faces = srf.load_obj(shared / "data" / "meshes" / "sphere_642.obj")
        np.testing.assert_array_equal(vertices.numpy(), case["sphere_v"])
        np.testing.assert_array_equal(faces.numpy(), case["sphere_f"])

    def test_atlas(self, golden):
        case = golden("save_obj")
        atlas, uv = create_texture_atlas(case["textures"].astype(np.float64), 16)
        np.testing.assert_allclose(atlas, case["atlas"], atol=1e-6)
        np.testing.assert_allclose(uv, case["uv"], atol=1e-6)

    def test_surface_textures_survive(self, tmp_path):
        torch.manual_seed(0)
        mesh = sr.Mesh(torch.rand(5, 3), torch.tensor([[0, 1, 2], [1, 2, 3], [2, 3, 4]]), torch.rand(1, 3, 4, 3))
        mesh.save_obj(tmp_path / "mesh.obj", save_texture=True, texture_res_out=32)
        with Image.open(tmp_path / "mesh.png") as atlas:
            assert atlas.size == (64, 64)
        again = sr.Mesh.from_obj(tmp_path / "mesh.obj", load_texture=True, texture_res=2)
        torch.testing.assert_close(again.vertices, mesh.vertices, atol=1e-6, rtol=0)
        torch.testing.assert_close(again.textures, mesh.textures, atol=0.01, rtol=0)

    def test_vertex_textures_survive(self, tmp_path):
        """The original raises."""
        mesh = sr.Mesh(torch.rand(4, 3), torch.tensor([[0, 1, 2], [1, 2, 3]]), torch.rand(1, 4, 3), texture_type="vertex")
        mesh.save_obj(tmp_path / "mesh.obj", save_texture=True)
        again = sr.Mesh.from_obj(tmp_path / "mesh.obj", load_texture=True, texture_type="vertex")
        torch.testing.assert_close(again.textures, mesh.textures, atol=1e-6, rtol=0)

    def test_lines_are_read_as_by_mesh(self, tmp_path):
        """Indices that count back from what was read so far, a byte order mark, comments behind names; polygons are fans, as in the original."""
        parts = "".join(f"v {k} 0 0\nv {k} 1 0\nv {k} 0 1\nvt .{k} 0\nvt 0 1\nvt 0 0\nf -3/-3 -2/-2 -1/-1 # {k}\n" for k in (1, 2))
        (tmp_path / "m.obj").write_text("\ufeffmtllib m.mtl # one\nusemtl red # roof\n" + parts + "usemtl blue\nf 1/1 2/2 4/4 3/3\nf 1 2\n", encoding="utf-8")
        (tmp_path / "m.mtl").write_text("newmtl red\nKd 1 0 0 # red\nnewmtl blue # sky\nKd 0 0 1\n")
        vertices, faces, textures = srf.load_obj(tmp_path / "m.obj", load_texture=True, texture_res=1)
        np.testing.assert_array_equal(vertices[:, 0].numpy(), [1, 1, 1, 2, 2, 2])
        np.testing.assert_array_equal(faces.numpy(), [[0, 1, 2], [3, 4, 5], [0, 1, 3], [0, 3, 2]])
        np.testing.assert_array_equal(textures[:, 0].numpy(), [[1, 0, 0], [1, 0, 0], [0, 0, 1], [0, 0, 1]])

    def test_far_from_the_origin(self, tmp_path):
        """A sphere in surveyors' coordinates is normalised to a sphere: float32 would have moved its vertices by a quarter of its radius before."""
        ball = Mesh.icosphere(2)
        far = ball.vertices + np.array([5e5, 4.5e6, 100])
        for name, vertices in (("near.obj", ball.vertices), ("far.obj", far)):
            Mesh(vertices=vertices, faces=ball.faces).save(tmp_path / name)
        near, far = (srf.load_obj(tmp_path / name, normalization=True)[0] for name in ("near.obj", "far.obj"))
        torch.testing.assert_close(far, near, atol=1e-6, rtol=0)
        torch.testing.assert_close(far.norm(dim=1), torch.ones(len(far)), atol=1e-6, rtol=0)

    @pytest.mark.parametrize(
        ("options", "expected"), [("", 0), ("-o 1 0", 1), ("-s 2 2 2 -o 1 0 -bm 1", 1), ("-o 4 0", 0), ("-clamp on -o 4 0", 1), ("-clamp on -o -4 0", 0)]
    )
    def test_options_of_a_picture(self, tmp_path, options, expected):
        """At u = 0, which they scale and move; the picture's left half is black, its right half white."""
        (tmp_path / "m.obj").write_text("mtllib m.mtl\nusemtl a\nv 0 0 0\nv 1 0 0\nv 0 1 0\nvt 0 0\nf 1/1 2/1 3/1\n")
        (tmp_path / "m.mtl").write_text(f"newmtl a\nmap_Kd {options} t.png\n")
        Image.fromarray(np.repeat(np.array([[0, 255]], np.uint8), 3).reshape(1, 2, 3)).save(tmp_path / "t.png")
        _, _, textures = srf.load_obj(tmp_path / "m.obj", load_texture=True, texture_res=1)
        np.testing.assert_allclose(textures.numpy(), expected, atol=1e-6)

    def test_save_voxel(self, tmp_path):
        srf.save_voxel(tmp_path / "voxels.obj", torch.ones(2, 2, 2))
        assert (tmp_path / "voxels.obj").read_text().count("\nv ") == 8

    def test_faults(self, tmp_path):
        with pytest.raises(FileNotFoundError, match="no file"):
            srf.load_obj(tmp_path / "none.obj")
        (tmp_path / "bad.obj").write_text("v 0 0\nf 1 2 3\n")
        with pytest.raises(ValueError, match="must be an OBJ file"):
            srf.load_obj(tmp_path / "bad.obj")
        (tmp_path / "plain.obj").write_text("v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\n")
        with pytest.raises(ValueError, match="material file"):
            srf.load_obj(tmp_path / "plain.obj", load_texture=True)


class TestRenderer:
    # How many of the 4096 numbers may rest on a texel that rounding chooses: the pictures were recorded without flags.
    CASES: ClassVar = {"surface_default": 20, "vertex_soft": 0, "surface_hard_aa": 0, "ortho": 50, "lookat15_recon": 0}
    HARD = ("surface_hard_aa", "lookat15_recon")  # whose gradient the original has right, because no colour gets any

    @pytest.mark.parametrize("name", CASES)
    def test_golden(self, golden, name):
        case = golden(f"render_{name}")
        renderer = sr.SoftRenderer(image_size=32, camera_mode="look_at", **json.loads(str(case["kwargs"])))
        renderer.transform.set_eyes_from_angles(2.732, 30, 40)
        vertices = torch.tensor(case["image_in"], dtype=torch.float64, requires_grad=True)
        textures, mode = torch.tensor(case["textures"], dtype=torch.float64), str(case["mode"])
        picture = renderer(vertices, torch.tensor(case["faces"])[None], textures, texture_type=mode)
        error = np.abs(picture.detach().numpy() - case["clamped_f64"])
        assert (error > 1e-5).sum() <= self.CASES[name]
        (picture * torch.tensor(case["image_upstream"])).sum().backward()
        if name in self.HARD:
            assert np.linalg.norm(vertices.grad.numpy() - case["clamped_grad_f64"]) < 1e-5 * np.linalg.norm(case["clamped_grad_f64"])

    def test_rendering_twice_gives_the_same(self):
        """The original changes the mesh, and the second picture is another."""
        mesh = sr.Mesh(torch.rand(4, 3), torch.tensor([[0, 1, 2], [1, 2, 3]]))
        renderer = sr.SoftRenderer(image_size=(9, 14), camera_mode="look_at")
        first = renderer.render_mesh(mesh)
        assert first.shape == (1, 4, 9, 14)
        assert torch.equal(first, renderer.render_mesh(mesh))

    def test_modes_and_settings(self):
        mesh = sr.Mesh(torch.rand(4, 3), torch.tensor([[0, 1, 2], [1, 2, 3]]))
        renderer = sr.SoftRenderer(image_size=8, camera_mode="look_at")
        whole = renderer.render_mesh(mesh)
        assert torch.equal(renderer.render_mesh(mesh, "silhouettes"), whole[:, 3])
        assert torch.equal(renderer.render_mesh(mesh, "rgb"), whole[:, :3])
        renderer.set_sigma(1e-2)
        renderer.set_gamma(1e-2)
        assert not torch.equal(renderer.render_mesh(mesh), whole)
        with pytest.raises(ValueError, match="mode must be"):
            renderer.render_mesh(mesh, "depth")

    def test_the_hard_renderer(self):
        """The original's names a class that does not exist."""
        picture = sr.Renderer(image_size=8)(torch.rand(1, 4, 3) - 0.5, torch.tensor([[[0, 1, 2], [1, 2, 3]]]))
        assert set(picture[:, 3].unique().tolist()) <= {0.0, 1.0}

    @pytest.mark.parametrize(
        ("name", "value"), [("dist_func", "manhattan"), ("aggr_func_rgb", "mean"), ("aggr_func_alpha", "max"), ("texture_type", "uv"), ("sigma_val", -1)]
    )
    def test_faults(self, name, value):
        with pytest.raises(ValueError, match=name.removesuffix("_val")):
            srf.soft_rasterize(torch.rand(1, 2, 3, 3), torch.rand(1, 2, 1, 3), 8, **{name: value})


class TestChebyshev:
    """The distance of the TPAMI paper, which the original's code does not have."""

    def test_silhouette_and_gradient(self):
        torch.manual_seed(1)
        faces = torch.rand(1, 3, 3, 3, dtype=torch.float64) * 2 - 1
        faces[..., 2] += 3
        faces.requires_grad_()
        options = {"sigma_val": 3e-2, "gamma_val": 0.1, "dist_eps": 1e-12, "dist_func": "chebyshev", "texture_type": "vertex"}
        assert torch.autograd.gradcheck(lambda f: srf.soft_rasterize(f, torch.ones(1, 3, 3, 3, dtype=f.dtype) * 0.5, (7, 11), **options), faces, fast_mode=True)

    def test_value(self):
        """Against the smallest of max(|dx|, |dy|) over densely sampled edges."""
        corners = np.array([[-0.5, -0.4], [0.6, -0.2], [-0.1, 0.7]])
        faces = torch.tensor(np.concatenate([corners, np.full((3, 1), 3.0)], 1))[None, None]
        alpha = srf.soft_rasterize(faces, torch.ones(1, 1, 1, 3, dtype=torch.float64), 9, sigma_val=0.1, dist_eps=1e-12, dist_func="chebyshev")[0, 3]
        t = np.linspace(0, 1, 20001)[:, None]
        outline = np.concatenate([corners[i] * (1 - t) + corners[(i + 1) % 3] * t for i in range(3)])
        for row, column in ((0, 0), (4, 4), (8, 3), (2, 7), (5, 2)):
            p = np.array([(2 * column - 8) / 9, (8 - 2 * row) / 9])
            distance = np.abs(outline - p).max(1).min()
            sides = [np.linalg.det([corners[(i + 1) % 3] - corners[i], p - corners[i]]) for i in range(3)]
            u = distance**2 / 0.1 * (1 if min(sides) > 0 else -1)
            assert alpha[row, column].item() == pytest.approx(1 / (1 + np.exp(-u)), abs=1e-4)
