"""The drop-in for PyTorch3D's mesh renderer.

Plan: everything recorded (`golden/pytorch3d`): fragments, pictures and gradients, off the pixels where rounding decides. Where the recorded gradient is not the
gradient of the recorded picture (faces whose perspective correction is cut off at a pixel), ours against autograd through the rules written down a second time
(`pytorch3d_rules.py`). Then cameras, meshes, textures and lights against their formulas, batches, what is accepted besides our own `Meshes`, cameras inside
meshes, and wrong input.
"""

import json
import math
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from conftest import SHARED
from pytorch3d_rules import Rules, rasterize
from scenes import relative_error
from test_clipping import TestInsideABox as Box
from test_gradcheck import check

from taichi_softras import Camera, Mesh
from taichi_softras.interop import pytorch3d as p3d

FOLDER = SHARED / "golden" / "pytorch3d"
FILES = sorted(path.stem for path in FOLDER.glob("*.npz"))
FLOORED = ("10_", "15_", "19_", "21_")  # recorded gradients of norm 2,000 to 77,000 that rest on a few such faces
NAMES = (
    "RasterizationSettings MeshRasterizer Fragments MeshRenderer MeshRendererWithFragments BlendParams SoftSilhouetteShader SoftPhongShader HardPhongShader "
    "SoftGouraudShader HardGouraudShader HardFlatShader sigmoid_alpha_blend softmax_rgb_blend hard_rgb_blend phong_shading gouraud_shading flat_shading "
    "interpolate_face_attributes FoVPerspectiveCameras PerspectiveCameras FoVOrthographicCameras OrthographicCameras look_at_view_transform look_at_rotation "
    "camera_position_from_spherical_angles PointLights DirectionalLights AmbientLights Materials TexturesVertex TexturesUV TexturesAtlas Meshes"
)


class Case:
    """A recorded file."""

    def __init__(self, name: str) -> None:
        with np.load(FOLDER / f"{name}.npz") as file:
            self.arrays = dict(file)
        self.given = json.loads(str(self.arrays["params_json"]))

    def tensor(self, name: str, dtype: torch.dtype = torch.float32) -> torch.Tensor:
        return torch.tensor(self.arrays[name]).to(dtype)

    def scene(self, dtype: torch.dtype) -> tuple[p3d.Meshes, p3d.MeshRenderer]:
        """Meshes with leaves as vertices and colours, and the renderer that was recorded."""
        given, light = self.given, self.given["light"]
        verts, colors = (self.tensor(name, dtype).requires_grad_() for name in ("verts", "colors"))
        cameras = p3d.FoVPerspectiveCameras(znear=given["znear"], zfar=given["zfar"], fov=given["fov"], R=self.tensor("R", dtype), T=self.tensor("T", dtype))
        settings = p3d.RasterizationSettings(
            **{name: given[name] for name in ("blur_radius", "faces_per_pixel", "perspective_correct", "clip_barycentric_coords", "cull_backfaces")},
            image_size=tuple(given["image_size"]),
        )
        blend_params = p3d.BlendParams(given["sigma"], given["gamma"], given["background_color"])
        lit = {name: ((light[name],) * 3,) if np.isscalar(light[name]) else (tuple(light[name]),) for name in ("ambient", "diffuse", "specular")}
        lights = p3d.PointLights(location=[light["location"]], **{f"{name}_color": color for name, color in lit.items()})
        if given["shader"] == "SoftSilhouette":
            shader = p3d.SoftSilhouetteShader(blend_params)
        else:
            kind = getattr(p3d, given["shader"] + "Shader")
            shader = kind(cameras=cameras, lights=lights, materials=p3d.Materials(shininess=given["shininess"]), blend_params=blend_params)
        meshes = p3d.Meshes([verts], [torch.tensor(self.arrays["faces"])], p3d.TexturesVertex([colors]))
        return meshes, p3d.MeshRenderer(p3d.MeshRasterizer(cameras, settings), shader)

    def rules(self, meshes: p3d.Meshes, renderer: p3d.MeshRenderer) -> Rules:
        given = self.given
        return rasterize(
            renderer.rasterizer.transform(meshes).verts_packed(),
            meshes.faces_packed(),
            tuple(given["image_size"]),
            blur_radius=given["blur_radius"],
            n_slots=given["faces_per_pixel"],
            perspective=given["perspective_correct"],
            clipped=given["clip_barycentric_coords"],
            cull=given["cull_backfaces"],
        )

    def gradients(self, image: torch.Tensor, meshes: p3d.Meshes) -> tuple[np.ndarray, np.ndarray]:
        """Of sum(upstream * image), to vertices and colours."""
        leaves = [meshes.verts_list()[0], meshes.textures.verts_features_list()[0]]
        found = torch.autograd.grad((image * self.tensor("upstream", image.dtype)).sum(), leaves, allow_unused=True)
        return tuple(np.zeros(leaf.shape) if grad is None else grad.numpy() for leaf, grad in zip(leaves, found, strict=True))


def small_scene(n_images: int = 1, distance: float = 3.0, **camera) -> tuple[p3d.Meshes, p3d.FoVPerspectiveCameras]:
    sphere = Mesh.icosphere(1)
    colors = torch.rand(sphere.vertices.shape, generator=torch.Generator().manual_seed(0))
    meshes = p3d.Meshes([torch.tensor(sphere.vertices)], [torch.tensor(sphere.faces)], p3d.TexturesVertex([colors])).extend(n_images)
    R, T = p3d.look_at_view_transform(distance, 20.0, torch.linspace(0, 90, n_images))
    return meshes, p3d.FoVPerspectiveCameras(R=R, T=T, **camera)


@pytest.mark.skipif(not FILES, reason="the recorded data is not on this machine")
@pytest.mark.parametrize("name", FILES)
class TestGolden:
    def test_case(self, name):
        case = Case(name)
        meshes, renderer = case.scene(torch.float64)
        rules = case.rules(meshes, renderer)
        left_out = rules.floored.numpy() & name.startswith(FLOORED)
        gradients = {}
        for dtype in (torch.float32, torch.float64):
            meshes_there, renderer_there = case.scene(dtype)
            image, fragments = p3d.MeshRendererWithFragments(renderer_there.rasterizer, renderer_there.shader)(meshes_there)
            self.check_fragments(case, fragments.detach(), ~rules.resting.numpy())
            np.testing.assert_allclose(image.detach(), case.arrays["image"], atol=1e-4)
            gradients[dtype] = case.gradients(image, meshes_there)
            self.check_gradients(case, gradients[dtype], left_out)
        self.check_against_rules(case, fragments, rules)
        by_rules = p3d.Fragments(rules.face[None], rules.depth[None], rules.bary[None], rules.dists[None])
        wanted, _ = case.gradients(renderer.shader(by_rules, meshes), meshes)
        assert relative_error(gradients[torch.float64][0], wanted) < 1e-6
        assert relative_error(gradients[torch.float32][0], wanted) < 1e-3
        if left_out.any():  # ours is the gradient of the picture, and it is small
            assert np.linalg.norm(case.arrays["grad_verts"]) > 5 * np.linalg.norm(wanted)

    def check_fragments(self, case, got, certain):
        assert certain.mean() > 0.6
        np.testing.assert_array_equal(got.pix_to_face[0][certain], case.arrays["pix_to_face"][0][certain])
        for field, tolerance in (("zbuf", 5e-5), ("bary_coords", 2e-4), ("dists", 5e-7)):
            np.testing.assert_allclose(getattr(got, field)[0][certain], case.arrays[field][0][certain], atol=tolerance)

    def check_gradients(self, case, got, left_out):
        """Off the vertices of some faces whose perspective correction is cut off at a pixel: there the recorded gradient is rounding divided by 1e-16."""
        (grad_verts, grad_colors), trusted = got, np.ones(len(got[0]), bool)
        trusted[case.arrays["faces"][left_out]] = False
        assert trusted.mean() > 0.9
        assert relative_error(grad_verts[trusted], case.arrays["grad_verts"][trusted]) < 1e-3
        np.testing.assert_allclose(grad_colors, case.arrays["grad_colors"], atol=1e-3 * (np.linalg.norm(case.arrays["grad_colors"]) + 1e-9))

    def check_against_rules(self, case, got, rules):
        same = (got.pix_to_face[0] == rules.face) & (rules.face >= 0)
        assert same.sum() > 0.99 * (rules.face >= 0).sum()  # faces that meet in a vertex have one depth there, to the last bit or not
        for ours, theirs in ((got.zbuf[0], rules.depth), (got.bary_coords[0], rules.bary), (got.dists[0], rules.dists)):
            np.testing.assert_allclose(ours[same].detach(), theirs[same].detach(), atol=1e-9)


class TestNames:
    def test_all_are_there(self):
        assert all(hasattr(p3d, name) for name in NAMES.split())

    def test_unmodified_import(self, run_python):
        run_python(
            "from taichi_softras.interop.pytorch3d import stand_in\n"
            "stand_in(); stand_in()\n"
            "import torch\n"
            "from pytorch3d.structures import Meshes\n"
            "from pytorch3d.renderer import FoVPerspectiveCameras, look_at_view_transform, RasterizationSettings, MeshRenderer, MeshRasterizer\n"
            "from pytorch3d.renderer import SoftPhongShader, PointLights, TexturesVertex\n"
            "from pytorch3d.renderer.mesh.shader import HardPhongShader\n"
            "from pytorch3d.ops import interpolate_face_attributes\n"
            "from pytorch3d.io import IO, load_obj, load_objs_as_meshes, save_obj\n"
            "from pytorch3d.io.obj_io import load_obj as same\n"
            "from pytorch3d.structures.volumes import Volumes\n"
            "from pytorch3d.renderer.points.rasterizer import PointsRasterizer\n"
            "from pytorch3d.utils import ico_sphere\n"
            "import pytorch3d.utils.torus\n"
            "assert same is load_obj and len(ico_sphere(1)) == 1\n"
            "import pytorch3d.renderer as renderer\n"
            "assert renderer.HardPhongShader is HardPhongShader\n"
            "R, T = look_at_view_transform(2.7, 0, 0)\n"
            "cameras = FoVPerspectiveCameras(R=R, T=T)\n"
            "verts = torch.tensor([[0., 0, 0], [1, 0, 0], [0, 1, 0]])\n"
            "mesh = Meshes(verts=[verts], faces=[torch.tensor([[0, 1, 2]])], textures=TexturesVertex(verts_features=torch.ones(1, 3, 3)))\n"
            "lights = PointLights(location=[[0.0, 0.0, 3.0]])\n"
            "render = MeshRenderer(rasterizer=MeshRasterizer(cameras=cameras, raster_settings=RasterizationSettings(image_size=16)),\n"
            "                      shader=SoftPhongShader(cameras=cameras, lights=lights))\n"
            "image = render(mesh)\n"
            "assert image.shape == (1, 16, 16, 4) and image[..., 3].sum() > 5\n"
        )

    def test_another_one_is_there(self, run_python):
        run_python(
            "import sys, types\n"
            "sys.modules['pytorch3d'] = types.ModuleType('pytorch3d')\n"
            "from taichi_softras.interop.pytorch3d import stand_in\n"
            "try:\n    stand_in()\n"
            "except RuntimeError as error:\n    assert 'before anything imports pytorch3d' in str(error)\n"
            "else:\n    raise AssertionError\n"
        )


class TestCameras:
    def test_conventions(self):
        """+X left, +Y up, +Z forward; the centre of the picture is ahead."""
        R, T = p3d.look_at_view_transform(dist=5.0, elev=0.0, azim=0.0)  # on the z axis
        cameras = p3d.FoVPerspectiveCameras(R=R, T=T, fov=90.0)
        np.testing.assert_allclose(cameras.get_camera_center(), [[0, 0, 5]], atol=1e-6)
        view = cameras.get_world_to_view_transform().transform_points(torch.tensor([[1.0, 2.0, 3.0]]))
        np.testing.assert_allclose(view, [[-1, 2, 2]], atol=1e-6)
        ndc = cameras.transform_points(torch.tensor([[1.0, 2.0, 3.0]]))
        near, far = 1.0, 100.0
        np.testing.assert_allclose(ndc, [[-0.5, 1, far * (2 - near) / (2 * (far - near))]], atol=1e-5)
        np.testing.assert_allclose(cameras.transform_points_screen(torch.tensor([[1.0, 2.0, 3.0]]), image_size=((40, 60),))[:, :2], [[40, 0]], atol=1e-4)

    def test_look_at(self):
        eye, at, up = torch.tensor([[1.0, 2.0, 3.0], [0.0, 5.0, 0.1]]), ((0.5, 0.0, 0.0),), ((0.0, 1.0, 0.0),)
        R, T = p3d.look_at_view_transform(eye=eye, at=at, up=up)
        np.testing.assert_allclose(R.mT @ R, np.eye(3)[None].repeat(2, 0), atol=1e-5)
        np.testing.assert_allclose(torch.linalg.det(R), [1, 1], atol=1e-5)
        np.testing.assert_allclose((eye[:, None] @ R)[:, 0] + T, np.zeros((2, 3)), atol=1e-5)
        ahead = (torch.tensor(at) - eye) / (torch.tensor(at) - eye).norm(dim=1, keepdim=True)
        np.testing.assert_allclose(R[:, :, 2], ahead, atol=1e-5)
        assert (R[:, 1, 1] > 0).all()
        np.testing.assert_allclose(p3d.look_at_rotation(eye, at, up), R)
        position = p3d.camera_position_from_spherical_angles(2.0, 30.0, torch.tensor([0.0, 90.0]))
        np.testing.assert_allclose(position, [[0, 1, 3**0.5], [3**0.5, 1, 0]], atol=1e-6)

    def test_straight_down(self):
        """Where up is ahead."""
        R, _ = p3d.look_at_view_transform(2.0, 90.0, 0.0)
        assert R.isfinite().all()
        np.testing.assert_allclose(p3d.look_at_rotation(((0.0, 2.0, 0.0),))[0, :, 2], [0, -1, 0], atol=1e-6)

    def test_focal_length_and_field_of_view_agree(self):
        R, T = p3d.look_at_view_transform(3.0, 10.0, 20.0)
        points = torch.rand(7, 3, generator=torch.Generator().manual_seed(0))
        fov = p3d.FoVPerspectiveCameras(R=R, T=T, fov=50.0).transform_points_ndc(points)
        focal = 1 / math.tan(math.radians(25))
        ndc = p3d.PerspectiveCameras(R=R, T=T, focal_length=focal).transform_points_ndc(points)
        pixels = p3d.PerspectiveCameras(
            R=R, T=T, focal_length=focal * 30, principal_point=((50.0, 30.0),), in_ndc=False, image_size=((60, 100),)
        )  # fmt: skip
        np.testing.assert_allclose(ndc[:, :2], fov[:, :2], atol=1e-5)
        np.testing.assert_allclose(pixels.transform_points_ndc(points)[:, :2], fov[:, :2], atol=1e-5)
        np.testing.assert_allclose(pixels.transform_points_screen(points)[:, :2], torch.stack([50 - 30 * fov[:, 0], 30 - 30 * fov[:, 1]], 1), atol=1e-3)

    def test_principal_point(self):
        """In pixels it is counted from the upper left corner; in NDC to the left and up."""
        ahead = torch.tensor([[0.0, 0.0, 2.0]])
        screen = p3d.PerspectiveCameras(focal_length=30.0, principal_point=((10.0, 20.0),), in_ndc=False, image_size=((60, 100),))
        np.testing.assert_allclose(screen.transform_points_screen(ahead)[:, :2], [[10, 20]], atol=1e-4)
        assert p3d.PerspectiveCameras(principal_point=((0.3, 0.1),)).transform_points(ahead)[0, :2].tolist() == pytest.approx([0.3, 0.1])

    def test_orthographic(self):
        points = torch.tensor([[0.2, 0.4, 3.0]])
        fov = p3d.FoVOrthographicCameras(max_x=2.0, min_x=-1.0, max_y=4.0, min_y=-4.0)
        np.testing.assert_allclose(fov.transform_points(points)[:, :2], [[(0.2 - 0.5) / 1.5, 0.1]], atol=1e-6)
        focal = p3d.OrthographicCameras(focal_length=((2.0, 3.0),), principal_point=((0.1, -0.1),))
        np.testing.assert_allclose(focal.transform_points(points), [[0.5, 1.1, 3.0]], atol=1e-6)
        screen = p3d.OrthographicCameras(focal_length=30.0, principal_point=((10.0, 20.0),), in_ndc=False, image_size=((60, 100),))
        np.testing.assert_allclose(screen.transform_points_screen(points)[:, :2], [[10 - 6, 20 - 12]], atol=1e-4)

    @pytest.mark.parametrize(
        "cameras",
        [
            p3d.FoVPerspectiveCameras(T=torch.tensor([[0.1, 0.2, 4.0]])),
            p3d.FoVOrthographicCameras(T=torch.tensor([[0.1, 0.2, 4.0]])),
            p3d.PerspectiveCameras(T=torch.tensor([[0.1, 0.2, 4.0]]), focal_length=1.5),
            p3d.OrthographicCameras(T=torch.tensor([[0.1, 0.2, 4.0]]), principal_point=((0.2, 0.3),)),
        ],
        ids=lambda cameras: type(cameras).__name__,
    )
    def test_there_and_back(self, cameras):
        points = torch.rand(5, 3, generator=torch.Generator().manual_seed(0))
        depth = cameras.get_world_to_view_transform().transform_points(points)[:, 2:]
        xy_depth = torch.cat([cameras.transform_points(points)[:, :2], depth], 1)
        np.testing.assert_allclose(cameras.unproject_points(xy_depth), points, atol=1e-4)

    def test_parameters_given_to_the_call(self):
        points = torch.rand(3, 3) + 1
        narrow = p3d.FoVPerspectiveCameras(fov=30.0)
        for cameras, given in ((p3d.FoVPerspectiveCameras(), {"fov": 30.0}), (p3d.FoVPerspectiveCameras(), {"fov": math.radians(30), "degrees": False})):
            np.testing.assert_allclose(cameras.transform_points(points, **given), narrow.transform_points(points), rtol=1e-5)
        focal = p3d.PerspectiveCameras().transform_points(points, focal_length=torch.tensor([[2.0, 3.0]]))
        np.testing.assert_allclose(focal[:, :2], points[:, :2] / points[:, 2:] * torch.tensor([2.0, 3.0]), rtol=1e-5)

    def test_they_receive_gradient(self):
        fov = torch.tensor([50.0], dtype=torch.float64, requires_grad=True)
        R, T = (x.double().requires_grad_() for x in p3d.look_at_view_transform(3.0, 10.0, 20.0))
        points = torch.rand(4, 3, dtype=torch.float64)
        function = lambda fov, R, T: p3d.FoVPerspectiveCameras(fov=fov, R=R, T=T).transform_points(points)  # noqa: E731
        assert torch.autograd.gradcheck(function, (fov, R, T))

    def test_batches(self):
        cameras = p3d.FoVPerspectiveCameras(fov=torch.tensor([40.0, 50.0, 60.0]))
        assert len(cameras) == 3
        assert cameras.R.shape == (3, 3, 3)
        assert cameras[1].fov.tolist() == [50.0]
        assert len(cameras[[0, 2]]) == 2
        assert cameras.clone().to("cpu").fov.tolist() == [40, 50, 60]
        assert len(p3d.FoVPerspectiveCameras(R=torch.eye(3).expand(4, 3, 3), T=torch.zeros(4, 3)).get_projection_transform()) == 4


class TestMeshes:
    def meshes(self) -> p3d.Meshes:
        verts = [torch.rand(n, 3, generator=torch.Generator().manual_seed(n)) for n in (4, 6)]
        return p3d.Meshes(verts, [torch.tensor([[0, 1, 2], [1, 2, 3]]), torch.tensor([[0, 1, 2], [3, 4, 5], [0, 2, 5]])])

    def test_layouts(self):
        meshes = self.meshes()
        assert meshes.verts_packed().shape == (10, 3)
        assert meshes.verts_padded().shape == (2, 6, 3)
        assert meshes.faces_padded().tolist()[0] == [[0, 1, 2], [1, 2, 3], [-1, -1, -1]]
        assert meshes.faces_packed().tolist()[2:] == [[4, 5, 6], [7, 8, 9], [4, 6, 9]]
        assert meshes.num_verts_per_mesh().tolist() == [4, 6]
        assert meshes.num_faces_per_mesh().tolist() == [2, 3]
        assert meshes.mesh_to_faces_packed_first_idx().tolist() == [0, 2]
        assert meshes.mesh_to_verts_packed_first_idx().tolist() == [0, 4]
        assert meshes.faces_packed_to_mesh_idx().tolist() == [0, 0, 1, 1, 1]
        assert meshes.verts_packed_to_mesh_idx().tolist() == [0] * 4 + [1] * 6
        again = p3d.Meshes(meshes.verts_padded(), meshes.faces_padded())
        assert [len(f) for f in again.faces_list()] == [2, 3]
        assert len(meshes[1].verts_list()[0]) == 6
        assert meshes.get_bounding_boxes().shape == (2, 3, 2)

    def test_other_batches(self):
        meshes = self.meshes()
        moved = meshes.offset_verts(torch.ones(10, 3))
        np.testing.assert_allclose(moved.verts_packed(), meshes.verts_packed() + 1)
        np.testing.assert_allclose(meshes.offset_verts(torch.tensor([1.0, 2.0, 3.0])).verts_list()[1], meshes.verts_list()[1] + torch.tensor([1.0, 2, 3]))
        np.testing.assert_allclose(meshes.scale_verts(2.0).verts_packed(), 2 * meshes.verts_packed())
        assert [len(v) for v in meshes.extend(2).verts_list()] == [4, 4, 6, 6]
        assert len(meshes.clone().detach().to("cpu")) == 2

    def test_normals(self):
        meshes = self.meshes()
        for verts, faces, face_normals, vertex_normals in zip(
            meshes.verts_list(), meshes.faces_list(), meshes.faces_normals_list(), meshes.verts_normals_list(), strict=True
        ):
            v, f = verts.numpy().astype(float), faces.numpy()
            crosses = np.cross(v[f[:, 1]] - v[f[:, 0]], v[f[:, 2]] - v[f[:, 0]])
            sums = np.zeros_like(v)
            for face, normal in zip(f, crosses, strict=True):
                sums[face] += normal
            np.testing.assert_allclose(face_normals, crosses / np.linalg.norm(crosses, axis=1, keepdims=True), atol=1e-5)
            np.testing.assert_allclose(vertex_normals, sums / np.linalg.norm(sums, axis=1, keepdims=True), atol=1e-5)
        given = torch.rand(10, 3)
        with_normals = p3d.Meshes(meshes.verts_list(), meshes.faces_list(), verts_normals=given.split([4, 6]))
        np.testing.assert_allclose(with_normals.verts_normals_packed(), given)


def fragments_at(faces: list[int], bary: list[list[float]]) -> SimpleNamespace:
    """One row of pixels with one slot each."""
    return SimpleNamespace(pix_to_face=torch.tensor(faces)[None, None, :, None], bary_coords=torch.tensor(bary)[None, None, :, None])


class TestTextures:
    def test_uv(self):
        """With align_corners, u = 0 and 1 are the middles of the outermost texels; v = 1 is row 0; outside the border goes on."""
        picture = torch.tensor([[0.0, 1.0, 2.0], [10.0, 11.0, 12.0]])[..., None]
        uvs = torch.tensor([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [2.0, 3.0]])
        fragments = fragments_at([0, 0, 0, 0, 1, -1], [[1, 0, 0], [0, 1, 0], [0, 0, 1], [0.5, 0.25, 0.25], [0.0, 1.0, 0.0], [-1, -1, -1]])
        faces = torch.tensor([[0, 1, 2], [0, 3, 2]])
        texels = p3d.TexturesUV([picture], [faces], [uvs]).sample_textures(fragments)
        assert texels.shape == (1, 1, 6, 1, 1)
        u, v = 0.25, 0.25
        np.testing.assert_allclose(texels.flatten()[:5], [10, 12, 0, u * 2 + (1 - v) * 10, 2], atol=1e-5)
        outside = p3d.TexturesUV([picture], [faces], [uvs], padding_mode="zeros").sample_textures(fragments)
        assert outside.flatten()[4] == 0
        edges = p3d.TexturesUV([picture], [faces], [uvs], align_corners=False, sampling_mode="nearest").sample_textures(fragments)
        np.testing.assert_allclose(edges.flatten()[:3], [10, 12, 0])

    def test_uv_receives_gradient(self):
        picture = torch.rand(2, 3, 3, dtype=torch.float64, requires_grad=True)
        uvs = torch.tensor([[0.1, 0.1], [0.8, 0.2], [0.2, 0.9]], dtype=torch.float64, requires_grad=True)
        fragments = fragments_at([0], [[0.3, 0.3, 0.4]])
        fragments.bary_coords = fragments.bary_coords.double()
        function = lambda picture, uvs: p3d.TexturesUV([picture], [torch.tensor([[0, 1, 2]])], [uvs]).sample_textures(fragments)  # noqa: E731
        assert torch.autograd.gradcheck(function, (picture, uvs))

    def test_atlas(self):
        """Texel [y, x] at w0 = x/R, w1 = y/R below the diagonal, and turned above it."""
        atlas = torch.arange(2 * 4, dtype=torch.float32).reshape(2, 2, 2, 1)
        fragments = fragments_at([0, 0, 0, 1, 0, -1], [[0.1, 0.1, 0.8], [0.9, 0.05, 0.05], [0.05, 0.9, 0.05], [0.1, 0.1, 0.8], [0.4, 0.4, 0.2], [-1, -1, -1]])
        texels = p3d.TexturesAtlas([atlas]).sample_textures(fragments)
        np.testing.assert_allclose(texels.flatten(), [0, 1, 2, 4, 3, 0])

    def test_batches(self):
        vertex = p3d.TexturesVertex([torch.rand(3, 2), torch.rand(4, 2)])
        assert [len(t) for t in vertex.extend(2).verts_features_list()] == [3, 3, 4, 4]
        assert len(vertex[1].verts_features_packed()) == 4
        assert vertex.verts_features_padded().shape == (2, 4, 2)
        uv = p3d.TexturesUV(torch.rand(2, 3, 4, 3), torch.zeros(2, 1, 3, dtype=torch.int64), torch.rand(2, 5, 2))
        assert uv.extend(3).maps_padded().shape == (6, 3, 4, 3)
        assert len(uv.clone().detach().to("cpu")) == 2

    def test_padding_is_left_out(self):
        """Of meshes of different size, given padded."""
        verts, faces = [torch.rand(3, 3), torch.rand(4, 3)], [torch.tensor([[0, 1, 2]]), torch.tensor([[0, 1, 2], [1, 2, 3]])]
        features = torch.rand(2, 4, 3)
        packed = p3d.Meshes(verts, faces, p3d.TexturesVertex(features)).textures.verts_features_packed()
        np.testing.assert_array_equal(packed, torch.cat([features[0, :3], features[1]]))
        uv = p3d.TexturesUV(torch.rand(2, 3, 4, 3), torch.zeros(2, 2, 3, dtype=torch.int64), torch.rand(2, 5, 2))
        assert p3d.Meshes(verts, faces, uv).textures.faces_verts_uvs_packed().shape == (3, 3, 2)
        assert p3d.Meshes(verts, faces, p3d.TexturesAtlas(torch.rand(2, 2, 2, 2, 3))).textures.atlas_packed().shape == (3, 2, 2, 3)

    def test_empty_slots_are_nought(self):
        values = p3d.interpolate_face_attributes(torch.tensor([[[[0, -1]]]]), torch.full((1, 1, 1, 2, 3), 0.5), torch.ones(1, 3, 4))
        np.testing.assert_allclose(values, [[[[[1.5] * 4, [0] * 4]]]])


class TestLights:
    points = torch.tensor([[[0.0, 0.0, 0.0], [1.0, 0.0, 0.0]]])
    normals = torch.tensor([[[0.0, 2.0, 0.0], [0.0, 0.0, 1.0]]])

    def test_point(self):
        lights = p3d.PointLights(location=((0.0, 3.0, 3.0),), diffuse_color=((1.0, 0.5, 0.0),))
        cosines = [3 / 18**0.5, 3 / 19**0.5]
        np.testing.assert_allclose(lights.diffuse(self.normals, self.points)[0], [[c, c / 2, 0] for c in cosines], atol=1e-6)
        mirrored = torch.tensor([[0.0, 1.0, -1.0]])  # of the light, at the first point
        shine = lights.specular(self.normals, self.points, 4 * mirrored, torch.tensor([5.0]))
        np.testing.assert_allclose(shine[0, 0], [0.2, 0.2, 0.2], atol=1e-6)
        behind = lights.specular(-self.normals, self.points, mirrored, torch.tensor([5.0]))
        assert (behind == 0).all()

    def test_directional_and_ambient(self):
        lights = p3d.DirectionalLights(direction=((0.0, 1.0, 0.0),))
        np.testing.assert_allclose(lights.diffuse(self.normals, self.points)[0], [[0.3] * 3, [0] * 3], atol=1e-6)
        ambient = p3d.AmbientLights()
        assert (ambient.diffuse(self.normals, self.points) == 0).all()
        assert ambient.ambient_color.tolist() == [[1, 1, 1]]

    def test_defaults(self):
        assert p3d.PointLights().location.tolist() == [[0, 1, 0]]
        assert p3d.Materials().shininess.tolist() == [64]
        assert p3d.BlendParams() == (1e-4, 1e-4, (1.0, 1.0, 1.0))
        assert p3d.RasterizationSettings().faces_per_pixel == 1


class TestRender:
    @pytest.mark.parametrize("shader", ["SoftPhong", "HardPhong", "SoftGouraud", "HardGouraud", "HardFlat"])
    def test_batches(self, shader):
        """Different meshes, cameras and lights in one batch: each as if it were alone. The picture is not square."""
        sphere, cameras = small_scene()
        triangle = p3d.Meshes([torch.tensor([[0.0, -1, 0], [1, 0, 0.5], [-1, 1, 0]])], [torch.tensor([[0, 1, 2]])], p3d.TexturesVertex(torch.rand(1, 3, 3)))
        meshes = [sphere, triangle]
        batch = p3d.Meshes(
            [m.verts_list()[0] for m in meshes],
            [m.faces_list()[0] for m in meshes],
            p3d.TexturesVertex([m.textures.verts_features_list()[0] for m in meshes]),
        )
        R, T = p3d.look_at_view_transform(torch.tensor([3.0, 4.0]), 10.0, torch.tensor([0.0, 30.0]))
        cameras = p3d.FoVPerspectiveCameras(R=R, T=T, znear=torch.tensor([1.0, 0.5]))
        locations = torch.tensor([[2.0, 2.0, 2.0], [-2.0, 1.0, 3.0]])
        lights = p3d.PointLights(location=locations)
        settings = p3d.RasterizationSettings(image_size=(20, 28), blur_radius=1e-3, faces_per_pixel=6)

        def picture(meshes, cameras, lights):
            return p3d.MeshRenderer(p3d.MeshRasterizer(cameras, settings), getattr(p3d, f"{shader}Shader")(cameras=cameras, lights=lights))(meshes)

        together = picture(batch, cameras, lights)
        assert together.shape == (2, 20, 28, 4)
        for i in range(2):
            alone = picture(meshes[i], cameras[i], p3d.PointLights(location=locations[i]))
            np.testing.assert_allclose(together[i], alone[0], atol=1e-5)
            assert alone[..., 3].sum() > 20

    def test_packed_faces(self):
        meshes, cameras = small_scene(3)
        _, fragments = p3d.MeshRendererWithFragments(
            p3d.MeshRasterizer(cameras, p3d.RasterizationSettings(image_size=24)), p3d.HardFlatShader(cameras=cameras)
        )(meshes)  # fmt: skip
        assert fragments.pix_to_face.dtype == torch.int64
        for i in range(3):
            faces = fragments.pix_to_face[i][fragments.pix_to_face[i] >= 0]
            assert 80 * i <= faces.min()
            assert faces.max() < 80 * (i + 1)

    def test_flat_shading(self):
        """One colour a face."""
        meshes, cameras = small_scene()
        meshes.textures = p3d.TexturesVertex([torch.full_like(meshes.verts_packed(), 0.5)])
        rasterizer = p3d.MeshRasterizer(cameras, p3d.RasterizationSettings(image_size=24))
        lights = p3d.DirectionalLights(direction=((0.3, 0.5, 1.0),), specular_color=((0.0, 0.0, 0.0),))
        fragments = rasterizer(meshes)
        image = p3d.HardFlatShader(cameras=cameras, lights=lights)(fragments, meshes)
        direction = torch.nn.functional.normalize(torch.tensor([0.3, 0.5, 1.0]), dim=0)
        expected = 0.5 * (0.5 + 0.3 * (meshes.faces_normals_packed() @ direction).clamp(min=0))
        seen = fragments.pix_to_face[..., 0] >= 0
        np.testing.assert_allclose(image[seen][:, 0], expected[fragments.pix_to_face[..., 0][seen]], atol=1e-5)
        assert (image[~seen] == torch.tensor([1.0, 1.0, 1.0, 0.0])).all()

    def test_camera_given_to_the_call(self):
        """As the tutorials optimise a camera: R and T are given to the renderer, and receive gradient."""
        meshes, _ = small_scene()
        cameras = p3d.FoVPerspectiveCameras()
        settings = p3d.RasterizationSettings(image_size=24, blur_radius=1e-3, faces_per_pixel=20)
        render = p3d.MeshRenderer(p3d.MeshRasterizer(cameras, settings), p3d.SoftSilhouetteShader())
        position = torch.tensor([[0.5, 0.6, 2.5]], requires_grad=True)
        R = p3d.look_at_rotation(position)
        T = -torch.bmm(R.transpose(1, 2), position[:, :, None])[:, :, 0]
        image = render(meshes_world=meshes, R=R, T=T)
        image[..., 3].square().sum().backward()
        assert image[..., 3].sum() > 50
        assert position.grad.abs().min() > 0
        np.testing.assert_allclose(cameras.get_camera_center().detach(), position.detach(), atol=1e-5)

    def test_the_users_own_container(self):
        """Whatever has the methods of PyTorch3D's Meshes."""
        meshes, cameras = small_scene()

        class Other:
            def __init__(self, meshes):
                self._meshes = meshes

            def __len__(self):
                return len(self._meshes)

            def __getattr__(self, name):
                return getattr(self._meshes, name)

        rasterizer = p3d.MeshRasterizer(cameras, p3d.RasterizationSettings(image_size=16))
        np.testing.assert_array_equal(rasterizer(Other(meshes)).pix_to_face, rasterizer(meshes).pix_to_face)

    def test_an_empty_mesh(self):
        meshes, cameras = small_scene()
        nothing = torch.zeros(0, 3)
        both = p3d.Meshes([nothing, *meshes.verts_list()], [nothing.long(), *meshes.faces_list()])
        rasterizer = p3d.MeshRasterizer(cameras, p3d.RasterizationSettings(image_size=16, faces_per_pixel=2))
        fragments = rasterizer(both)
        assert (fragments.pix_to_face[0] == -1).all()
        np.testing.assert_array_equal(fragments.pix_to_face[1], rasterizer(meshes).pix_to_face[0])
        alone = rasterizer(both[0])
        assert alone.pix_to_face.shape == (1, 16, 16, 2)
        assert all((value == -1).all() for value in alone)

    def test_none_decides(self):
        """perspective_correct follows the camera, clipping the blur."""
        meshes, cameras = small_scene()
        for blur, clip in ((0.0, False), (1e-3, True)):
            chosen = p3d.MeshRasterizer(cameras, p3d.RasterizationSettings(image_size=16, blur_radius=blur, faces_per_pixel=4))(meshes)
            said = p3d.MeshRasterizer(cameras, p3d.RasterizationSettings(16, blur, 4, perspective_correct=True, clip_barycentric_coords=clip))(meshes)
            np.testing.assert_array_equal(chosen.bary_coords, said.bary_coords)

    def test_orthographic(self):
        """A wall of 1.0 x 1.0 seen by a camera of 2.0 x 2.0 covers a quarter; its depth is that in view space."""
        square = torch.tensor([[-0.5, -0.5, 0.0], [0.5, -0.5, 0], [0.5, 0.5, 0], [-0.5, 0.5, 0]])
        meshes = p3d.Meshes([square], [torch.tensor([[0, 1, 2], [0, 2, 3]])])
        R, T = p3d.look_at_view_transform(3.0)
        for cameras in (p3d.FoVOrthographicCameras(R=R, T=T), p3d.OrthographicCameras(R=R, T=T)):
            fragments = p3d.MeshRasterizer(cameras, p3d.RasterizationSettings(image_size=31, cull_backfaces=True))(meshes)
            seen = fragments.pix_to_face >= 0
            assert seen.float().mean().item() == pytest.approx(0.25, abs=0.05)
            np.testing.assert_allclose(fragments.zbuf[seen], 3.0, atol=1e-5)

    def test_hard_blending_has_no_alpha_gradient(self):
        meshes, cameras = small_scene()
        verts = meshes.verts_packed().clone().requires_grad_()
        meshes = p3d.Meshes([verts], meshes.faces_list(), meshes.textures)
        image = p3d.MeshRenderer(p3d.MeshRasterizer(cameras, p3d.RasterizationSettings(image_size=16)), p3d.HardPhongShader(cameras=cameras))(meshes)
        assert image.requires_grad
        assert image[..., 3].unique().tolist() == [0, 1]


def inside_a_box(dtype=torch.float32, **settings) -> tuple[p3d.Meshes, p3d.MeshRasterizer]:
    """A box whose twelve faces nearly all cross the plane at which they are cut, and two cameras in it."""
    box, faces = torch.tensor(Box.BOX, dtype=dtype), torch.tensor(Box.FACES)
    eyes, targets = torch.tensor(Box.EYES, dtype=dtype), torch.tensor(Box.TARGETS, dtype=dtype)
    R = p3d.look_at_rotation(eyes, targets)
    T = -(eyes[:, None] @ R)[:, 0]
    meshes = p3d.Meshes([box] * 2, [faces] * 2, p3d.TexturesVertex([torch.rand(8, 3, dtype=dtype, generator=torch.Generator().manual_seed(0))] * 2))
    cameras = p3d.FoVPerspectiveCameras(R=R, T=T, fov=100.0, znear=0.5)
    return meshes, p3d.MeshRasterizer(cameras, p3d.RasterizationSettings(**{"image_size": Box.SIZE} | settings))


class TestClipping:
    """Faces that cross the plane at z_clip_value."""

    @pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
    def test_inside_a_box(self, dtype):
        """The depth of the walls; and the fragments are told of the faces as they were given: their corners, weighted, are what the pixel sees."""
        meshes, rasterizer = inside_a_box(dtype)
        fragments = rasterizer(meshes)
        tolerance = 1e-4 if dtype is torch.float32 else 1e-6  # PyTorch3D's area + 1e-8
        depths = torch.tensor(Box().depths(Camera.look_at(Box.EYES, Box.TARGETS, fov=100)))
        assert depths.max() > 3 * depths.min()
        seen = fragments.pix_to_face[..., 0] >= 0
        assert seen.float().mean() > 0.995  # on the very edge of two faces a pixel is in neither
        np.testing.assert_allclose(fragments.zbuf[..., 0][seen], depths[seen], rtol=tolerance)
        corners = meshes.verts_packed()[meshes.faces_packed()]
        points = p3d.interpolate_face_attributes(fragments.pix_to_face, fragments.bary_coords, corners)[..., 0, :]
        ndc = rasterizer.cameras.transform_points(points.reshape(2, -1, 3)).reshape(points.shape)
        height, width = Box.SIZE
        x, y = -(2 * torch.arange(width) + 1 - width) / height, (height - 2 * torch.arange(height)[:, None] - 1) / height
        for axis, expected in enumerate(torch.broadcast_tensors(x, y)):
            np.testing.assert_allclose(ndc[..., axis][seen], expected.expand(2, -1, -1)[seen], atol=10 * tolerance)
        np.testing.assert_allclose(fragments.bary_coords[seen].sum(-1), 1, atol=tolerance)
        cut = seen & (fragments.bary_coords[..., 0, :].amax(-1) < 1)
        assert cut.any()

    @pytest.mark.usefixtures("one_lane")
    def test_gradient(self):
        """Of depth, weights and distances, with blur, to vertices and cameras: triangles without a common corner, for where faces meet rounding sorts them."""
        verts = torch.tensor(np.random.default_rng(3).normal([0.0, 0, 1.0], [1.0, 1.0, 1.5], (2, 15, 3)))
        faces = torch.arange(15).reshape(5, 3)
        generator = torch.Generator()

        def function(verts, T):
            cameras = p3d.FoVPerspectiveCameras(R=torch.eye(3, dtype=verts.dtype).expand(2, 3, 3), T=T, fov=100.0, znear=0.5)
            settings = p3d.RasterizationSettings((7, 9), blur_radius=0.02, faces_per_pixel=3)
            fragments = p3d.MeshRasterizer(cameras, settings)(p3d.Meshes(list(verts), [faces, faces]))
            assert (fragments.pix_to_face >= 0).sum() > 100
            generator.manual_seed(0)
            mixed = [torch.randn(2, values.numel(), dtype=values.dtype, generator=generator) @ values.flatten() for values in fragments[1:]]
            return torch.cat(mixed)

        before = (verts[..., 2] < 0.25)[:, faces].sum(-1)
        assert {0, 1, 2} <= set(before.flatten().tolist())
        check(function, verts, torch.zeros(2, 3, dtype=torch.float64))

    def test_two_pieces_are_one_face(self):
        """Within the blur of both, the nearer one on the screen counts, and K slots hold K faces. Against the rules, on pieces cut by hand."""
        meshes, rasterizer = inside_a_box(torch.float64, blur_radius=0.05, faces_per_pixel=2, clip_barycentric_coords=False)
        # The two halves of a wall no longer lie in one plane, where rounding would sort them.
        meshes = meshes.offset_verts(torch.tensor(np.random.default_rng(0).normal(0, 0.05, (8, 3))).repeat(2, 1))
        fragments = rasterizer(meshes)
        view = rasterizer.cameras.get_world_to_view_transform().transform_points(meshes.verts_padded())
        corners, z_clip = view[0][torch.tensor(Box.FACES)].numpy(), 0.25
        pieces, origin = [], []
        for f, face in enumerate(corners):
            behind = face[:, 2] < z_clip
            if behind.all():
                continue
            alone = int(np.argmax(behind if behind.sum() == 1 else ~behind)) if behind.any() else 0
            a, b, c = np.roll(face, -alone, 0)
            ab, ac = (a + (end - a) * (z_clip - a[2]) / (end[2] - a[2]) for end in (b, c))
            pieces += [[[a, b, c]], [[ab, b, ac], [ac, b, c]], [[a, ab, ac]]][behind.sum()]
            origin += [f] * (2 if behind.sum() == 1 else 1)
        assert len(origin) > len(set(origin)) > 6
        flat = torch.tensor(np.array(pieces)).reshape(-1, 3)
        ndc = rasterizer.cameras[0].get_projection_transform().transform_points(flat)
        rules = rasterize(
            torch.cat([ndc[:, :2], flat[:, 2:]], 1), torch.arange(len(flat)).reshape(-1, 3), Box.SIZE, blur_radius=0.05, n_slots=len(pieces), perspective=True,
            clipped=False, margin=0.0,
        )  # fmt: skip
        n_doubles = 0
        for i, j in np.ndindex(*Box.SIZE):
            best: dict[int, tuple[float, float]] = {}
            for piece, depth, distance in zip(rules.face[i, j].tolist(), rules.depth[i, j].tolist(), rules.dists[i, j].tolist(), strict=True):
                if piece >= 0:
                    n_doubles += origin[piece] in best
                    best[origin[piece]] = min(best.get(origin[piece], (np.inf, 0.0)), (distance, depth))
            expected = sorted((depth, face, distance) for face, (distance, depth) in best.items())[:2]
            used = fragments.pix_to_face[0, i, j] >= 0
            assert fragments.pix_to_face[0, i, j][used].tolist() == [face for _, face, _ in expected]
            np.testing.assert_allclose(fragments.zbuf[0, i, j][used], [depth for depth, _, _ in expected], atol=1e-9)
            np.testing.assert_allclose(fragments.dists[0, i, j][used], [distance for _, _, distance in expected], atol=1e-9)
        assert n_doubles > 20

    def test_shaders(self):
        """They see faces as they were given: colours on the walls are those of the analytic points."""
        meshes, rasterizer = inside_a_box(torch.float64)
        meshes.textures = p3d.TexturesVertex([0.2 * torch.tensor(Box.BOX) + 0.5] * 2)  # linear in space
        shader = p3d.HardFlatShader(cameras=rasterizer.cameras, lights=p3d.AmbientLights())
        image = p3d.MeshRenderer(rasterizer, shader)(meshes)
        fragments = rasterizer(meshes)
        points = p3d.interpolate_face_attributes(fragments.pix_to_face, fragments.bary_coords, meshes.verts_packed()[meshes.faces_packed()])[..., 0, :]
        seen = fragments.pix_to_face[..., 0] >= 0
        np.testing.assert_allclose(image[..., :3][seen], 0.2 * points[seen] + 0.5, atol=1e-9)

    def test_a_corner_beside_the_eye(self):
        """z is nought there: NDC has no number for it. A face wholly behind is dropped."""
        verts = torch.tensor([[1.0, -0.5, 0.0], [-1, -1, 3], [0, 2, 3], [-0.1, -0.1, 0.3], [0.1, -0.1, 0.4], [0, 0.1, 0.4]], requires_grad=True)
        rasterizer = p3d.MeshRasterizer(p3d.FoVPerspectiveCameras(), p3d.RasterizationSettings(image_size=16))
        for faces, n_seen in (([[0, 1, 2], [3, 4, 5]], 1), ([[3, 4, 5]], 0)):
            fragments = rasterizer(p3d.Meshes([verts], [torch.tensor(faces)]))
            assert fragments.pix_to_face.max() == n_seen - 1
            assert all(values.isfinite().all() for values in fragments)
        fragments = rasterizer(p3d.Meshes([verts], [torch.tensor([[0, 1, 2]])]))
        (fragments.zbuf.sum() + fragments.bary_coords.square().sum()).backward()
        assert verts.grad.isfinite().all()
        assert verts.grad[0].abs().max() > 0

    @pytest.mark.parametrize("z_clip_value", [0.6, -0.2, None])
    def test_orthographic(self, z_clip_value):
        """A ramp of depths ends where its depth is the value. Nothing is cut unless it is asked for; a face with a corner behind is not seen."""
        z = torch.tensor([-1.0, 2.0, 2.0, -1.0])
        ramp = torch.stack([torch.tensor([-1.0, 1, 1, -1]), torch.tensor([-1.0, -1, 1, 1]), z], 1)
        faces = torch.tensor([[0, 1, 2], [0, 2, 3]])
        settings = p3d.RasterizationSettings(image_size=33, z_clip_value=z_clip_value)
        fragments = p3d.MeshRasterizer(p3d.FoVOrthographicCameras(), settings)(p3d.Meshes([ramp], [faces]))
        there = fragments.pix_to_face >= 0
        depth = torch.linspace(2, -1, 67)[1::2]  # of the columns: +X is to the left
        depth = depth[None, :, None].expand(33, 33, 1)
        if z_clip_value != 0.6:
            assert not there.any()
            return
        assert (there[0] != (depth > z_clip_value)).float().mean() < 0.05  # the diagonal is in neither face
        np.testing.assert_allclose(fragments.zbuf[there], depth[None][there], atol=1e-5)
        points = p3d.interpolate_face_attributes(fragments.pix_to_face, fragments.bary_coords, ramp[faces])[there]
        np.testing.assert_allclose(points[:, 2], depth[None][there], atol=1e-5)
        np.testing.assert_allclose(points[:, 0], (2 * depth[None][there] - 1) / 3, atol=1e-5)

    def test_a_corner_behind_without_perspective(self):
        """It would turn over, and the face would cover what it does not cover; PyTorch3D leaves such faces out, whatever the camera."""
        verts = torch.tensor([[-1.0, -1, 3], [1, -1, 3], [0, 2, -0.5]])
        for cameras in (p3d.FoVPerspectiveCameras(), p3d.PerspectiveCameras()):
            settings = p3d.RasterizationSettings(image_size=16, perspective_correct=False, blur_radius=1e-2, faces_per_pixel=2)
            fragments = p3d.MeshRasterizer(cameras, settings)(p3d.Meshes([verts], [torch.tensor([[0, 1, 2]])]))
            assert (fragments.pix_to_face == -1).all()

    @pytest.mark.parametrize("z", [0.0, 1e-20, -1e-20, 1e-9, 1e-7, 1e-3, -0.5])
    def test_a_camera_without_znear(self, z):
        """A corner beside the eye, or behind it, takes its face with it, and no other; what gradient there is is finite."""
        verts = torch.tensor([[0.1, 0.2, z], [-1, -1, 3], [0, 2, 3], [-1, -1, 2], [1, -1, 2], [0, 1, 2]], requires_grad=True)
        rasterizer = p3d.MeshRasterizer(p3d.PerspectiveCameras(), p3d.RasterizationSettings(image_size=16, blur_radius=1e-3, faces_per_pixel=3))
        fragments = rasterizer(p3d.Meshes([verts], [torch.tensor([[0, 1, 2], [3, 4, 5]])]))
        assert (fragments.pix_to_face == 1).sum() > 20
        if z < 1e-8:
            assert (fragments.pix_to_face != 0).all()
        sum((values[fragments.pix_to_face >= 0] ** 2).sum() for values in fragments[1:]).backward()
        assert verts.grad.isfinite().all()
        assert verts.grad[3:].abs().max() > 0

    def test_nothing_before_the_plane(self):
        """Then z_clip_value has no effect, to the last bit; a vertex on the plane is ahead of it."""
        meshes, cameras = small_scene()
        nearest = cameras.get_world_to_view_transform().transform_points(meshes.verts_packed())[:, 2].min().item()
        settings = [p3d.RasterizationSettings(24, 1e-3, 3, z_clip_value=value) for value in (nearest, 0.1)]
        for one, other in zip(*(p3d.MeshRasterizer(cameras, s)(meshes) for s in settings), strict=True):
            np.testing.assert_array_equal(one, other)


class TestBadInput:
    def test_sentences(self):
        meshes, cameras = small_scene()
        two = meshes.extend(2)
        three = p3d.FoVPerspectiveCameras(fov=torch.tensor([40.0, 50.0, 60.0]))
        for function, sentence in (
            (lambda: p3d.MeshRasterizer()(meshes), "MeshRasterizer: cameras must be given when it is made or called, got None"),
            (lambda: p3d.MeshRasterizer(three)(two), "MeshRasterizer: there must be 1 camera or 2, as many as meshes, got 3"),
            (lambda: p3d.MeshRasterizer(cameras, p3d.RasterizationSettings(image_size=0))(meshes), "MeshRasterizer: image height must be between 1 and"),
            (lambda: p3d.MeshRasterizer(cameras, p3d.RasterizationSettings(faces_per_pixel=0))(meshes), "faces_per_pixel must be between 1 and"),
            (lambda: p3d.MeshRasterizer(cameras, p3d.RasterizationSettings(blur_radius=-1.0))(meshes), "reach_sq must not be negative, got -1"),
            (
                lambda: p3d.MeshRasterizer(cameras, p3d.RasterizationSettings(z_clip_value=0.0))(meshes),
                r"MeshRasterizer: z_clip_value \(or znear\) must be a finite number between 0 and inf \(exclusive\), got 0.0",
            ),
            (lambda: p3d.HardPhongShader()(None, meshes), "HardPhongShader: cameras must be given when it is made or called, got None"),
            (lambda: p3d.Meshes([torch.zeros(3, 3)], [torch.tensor([[0, 1, 3]])]), "Meshes: faces must index verts 0 to 2, got 3"),
            (lambda: p3d.Meshes([torch.zeros(3, 2)], [torch.tensor([[0, 1, 2]])]), r"Meshes: verts must have shape \(V, 3\) each, got \(3, 2\)"),
            (lambda: p3d.Meshes([torch.zeros(3, 3)], []), r"Meshes: faces must be of as many meshes as verts \(1\), got 0"),
            (lambda: p3d.Meshes([torch.zeros(3, 3)], [torch.zeros(0, 3)], p3d.TexturesVertex(torch.zeros(2, 3, 3))), "Meshes: textures must be of as many"),
            (
                lambda: p3d.Meshes([torch.zeros(3, 3)], [torch.zeros(0, 3)], p3d.TexturesVertex(torch.zeros(1, 2, 3))),
                "for each of the 3 verts of a mesh, got 2",
            ),
            (lambda: two.offset_verts(torch.zeros(3, 3)), r"Meshes.offset_verts: offsets must have shape \(84, 3\) or \(3,\), got \(3, 3\)"),
            (lambda: meshes.extend(0), "Meshes.extend: N must be a whole number of at least 1, got 0"),
            (lambda: p3d.Meshes([torch.zeros(3, 3)], [torch.tensor([[0, 1, 2]])]).sample_textures(None), "the meshes must have textures, got None"),
            (lambda: p3d.TexturesVertex([torch.zeros(3)]), "TexturesVertex: verts_features must be tensors of 2 dimensions"),
            (lambda: p3d.TexturesUV([torch.zeros(2, 2, 3)], [torch.tensor([[0, 1, 2]])], [torch.zeros(2, 2)]), "faces_uvs must index verts_uvs 0 to 1, got 2"),
            (lambda: p3d.PointLights(diffuse_color=((0.5, 0.5),)), r"PointLights: diffuse_color must have shape \(N, 3\), got \(1, 2\)"),
            (lambda: p3d.FoVPerspectiveCameras(fov=torch.ones(2), znear=torch.ones(3)), "FoVPerspectiveCameras: fov must have 1 or 3 entries, got 2"),
            (lambda: cameras.transform_points_screen(torch.zeros(1, 3)), r"image_size must be given as \(\(height, width\),\), got None"),
            (lambda: p3d.gouraud_shading(p3d.Meshes([torch.zeros(3, 3)], [torch.tensor([[0, 1, 2]])]), None, None, None, None), "must have TexturesVertex"),
            (lambda: p3d.interpolate_face_attributes(torch.zeros(1, 2), torch.zeros(1), torch.zeros(1)), r"pix_to_face must have shape \(N, H, W, K\)"),
        ):
            with pytest.raises((TypeError, ValueError), match=sentence):
                function()
