"""What PyTorch3D's drop-in makes of fragments: the one operation for SoftPhong, the general path, depth, splats, textures of several pictures, figures.

Plan: the fused operation and the lookup of pictures against the general path (plain torch, which `test_pytorch3d.py` holds to recorded numbers), values and
gradients to everything, in float64; finite differences through the real kernels, as CPUs and as GPUs run them. Then what is not of our kinds: lights, shaders,
fragments of the user's own, pictures as backgrounds. Then the depth shaders, splats and maps_ids against formulas pixel by pixel, and what is drawn.
"""

import functools
import pickle
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from test_gradcheck import check

from taichi_softras import Mesh
from taichi_softras.interop import pytorch3d as p3d
from taichi_softras.interop.pytorch3d.renderer.mesh.fragments import used_of
from taichi_softras.interop.pytorch3d.renderer.mesh.shading import _apply_lighting, _phong_shading_with_pixels

SIZE, K = (14, 18), 4
SPHERE = Mesh.icosphere(1)
BLEND = p3d.BlendParams(sigma=2e-3, gamma=5e-2, background_color=(0.2, 0.4, 0.9))


class OwnLights(p3d.PointLights):
    """Of a class that the fused operation does not know."""


class FiveDimensions(p3d.PointLights):
    """A user's light that counts on the dimensions which PyTorch3D hands it."""

    def diffuse(self, normals, points=None):
        n, h, w, k, three = points.shape
        assert three == 3
        return super().diffuse(normals, points) * torch.ones(n, h, w, k, 1, dtype=points.dtype)


class WithoutProperties:
    """A light that is no batch of properties: it sees whole pictures."""

    ambient_color = torch.full((1, 3), 0.5, dtype=torch.float64)

    def __init__(self, lights):
        self.lights = lights

    def diffuse(self, normals, points=None):
        assert points.shape == (2, *SIZE, K, 3)
        return self.lights.diffuse(normals, points)

    def specular(self, normals, points, camera_position, shininess):
        return self.lights.specular(normals, points, camera_position, shininess)


class Scene:
    """Two spheres, two cameras, and leaves for all that can receive a gradient."""

    def __init__(self, lights=p3d.PointLights, textures="vertex", dtype=torch.float64, one_light=False):
        g = torch.Generator().manual_seed(0)
        random = lambda *shape: torch.rand(*shape, generator=g, dtype=torch.float64).to(dtype).requires_grad_()  # noqa: E731
        faces = torch.tensor(SPHERE.faces)
        self.verts = [
            (torch.tensor(SPHERE.vertices) * size + 0.05 * random(len(SPHERE.vertices), 3).detach()).to(dtype).requires_grad_() for size in (1.0, 0.7)
        ]
        if textures == "vertex":
            self.shown = random(2, len(SPHERE.vertices), 3)
            made = p3d.TexturesVertex(self.shown)
        else:
            self.shown, self.uvs = random(2, 5, 7, 3), [(1.4 * random(30, 2) - 0.2).detach().requires_grad_() for _ in range(2)]
            made = p3d.TexturesUV(self.shown, torch.randint(0, 30, (2, len(faces), 3), generator=g), self.uvs, **textures)
        self.meshes = p3d.Meshes(self.verts, [faces] * 2, made)
        R, T = p3d.look_at_view_transform(torch.tensor([2.6, 3.0]), 15.0, torch.tensor([10.0, 60.0]))
        self.T = T.to(dtype).requires_grad_()
        self.cameras = p3d.FoVPerspectiveCameras(R=R.to(dtype), T=self.T)
        n = 1 if one_light else 2
        self.light = {f"{name}_color": random(n, 3) for name in ("ambient", "diffuse", "specular")}
        if issubclass(lights, p3d.AmbientLights):
            self.light = {"ambient_color": self.light["ambient_color"]}
        else:
            self.light["direction" if issubclass(lights, p3d.DirectionalLights) else "location"] = (3 * random(n, 3) - 1).detach().requires_grad_()
        self.lights = lights(**self.light)
        self.shininess = torch.full((1,), 9.0, dtype=dtype, requires_grad=True)
        self.materials = p3d.Materials(shininess=self.shininess, diffuse_color=((0.9, 0.8, 0.7),))
        self.rasterizer = p3d.MeshRasterizer(self.cameras, p3d.RasterizationSettings(image_size=SIZE, blur_radius=4e-3, faces_per_pixel=K))

    def shader(self, name="SoftPhong", lights=None, **options):
        options = {"blend_params": BLEND} | options
        return getattr(p3d, f"{name}Shader")(cameras=self.cameras, lights=lights or self.lights, materials=self.materials, **options)

    @functools.cached_property
    def fragments(self) -> p3d.renderer.mesh.Fragments:
        return self.rasterizer(self.meshes)

    def leaves(self) -> list[torch.Tensor]:
        return [*self.verts, self.shown, *getattr(self, "uvs", []), self.T, self.shininess, *self.light.values()]

    def picture(self, **options) -> torch.Tensor:
        return self.shader(**options)(self.rasterizer(self.meshes), self.meshes)


def gradients(image: torch.Tensor, leaves: list[torch.Tensor]) -> list[torch.Tensor]:
    upstream = (torch.rand(image.shape, dtype=torch.float64, generator=torch.Generator().manual_seed(3)) - 0.3).to(image.dtype)
    found = torch.autograd.grad((image * upstream).sum(), leaves, allow_unused=True)
    return [torch.zeros_like(leaf) if grad is None else grad for leaf, grad in zip(leaves, found, strict=True)]


def without_fusing(monkeypatch) -> None:
    monkeypatch.setattr("taichi_softras.interop.pytorch3d.renderer.mesh.shader.soft_shading", lambda *_: None)


def same(one: list[torch.Tensor], other: list[torch.Tensor], tolerance: float) -> None:
    for a, b in zip(one, other, strict=True):
        assert (a - b).norm() <= tolerance * (b.norm() + 1e-6), (tuple(a.shape), a.norm(), b.norm())


PICTURES = [{}, {"align_corners": False}]


class TestFused:
    @pytest.mark.parametrize("lights", [p3d.PointLights, p3d.DirectionalLights, p3d.AmbientLights])
    @pytest.mark.parametrize("shader", ["SoftPhong", "SoftGouraud"])
    def test_is_the_general_path(self, monkeypatch, lights, shader):
        scene = Scene(lights)
        ours = scene.picture(name=shader)
        assert type(ours.grad_fn.next_functions[0][0]).__name__ == "_RunBackward"
        found = gradients(ours, scene.leaves())
        without_fusing(monkeypatch)
        general = scene.picture(name=shader)
        assert ((ours[..., 3] > 0.01) & (ours[..., 3] < 0.99)).sum() > 50
        np.testing.assert_allclose(ours.detach(), general.detach(), atol=1e-10)
        same(found, gradients(general, scene.leaves()), 1e-8)

    @pytest.mark.parametrize("how", PICTURES)
    def test_with_pictures(self, monkeypatch, how):
        scene = Scene(textures=how, one_light=True)
        ours = scene.picture()
        found = gradients(ours, scene.leaves())
        without_fusing(monkeypatch)
        monkeypatch.setattr("taichi_softras.interop.pytorch3d.renderer.mesh.textures.can_run", lambda _: False)
        general = scene.picture()
        np.testing.assert_allclose(ours.detach(), general.detach(), atol=1e-10)
        same(found, gradients(general, scene.leaves()), 1e-8)
        assert all(grad.abs().sum() > 0 for grad in found)

    def test_float32(self):
        double, single = Scene(), Scene(dtype=torch.float32)
        wanted, got = double.picture(), single.picture()
        assert got.dtype == torch.float32
        assert np.quantile((got - wanted).abs().detach().numpy(), 0.99) < 1e-4
        same([g.double() for g in gradients(got, single.leaves())], gradients(wanted, double.leaves()), 2e-3)

    @pytest.mark.usefixtures("one_lane")
    def test_as_on_gpus(self):
        """A thread a slot, which adds atomically."""
        one_lane = Scene(textures={})
        image = one_lane.picture()
        found = gradients(image, one_lane.leaves())
        with pytest.MonkeyPatch.context() as patch:
            without_fusing(patch)
            patch.setattr("taichi_softras.interop.pytorch3d.renderer.mesh.textures.can_run", lambda _: False)
            general = one_lane.picture()
        np.testing.assert_allclose(image.detach(), general.detach(), atol=1e-10)
        same(found, gradients(general, one_lane.leaves()), 1e-8)

    @pytest.mark.parametrize("textures", ["vertex", {}])
    def test_gradcheck(self, textures):
        """Finite differences of vertices, colours or texels, light, eye and shininess through the real kernels, with the fragments held still."""
        scene = Scene(textures=textures)
        fragments = scene.rasterizer(scene.meshes).detach()
        few = torch.rand(2, *SIZE, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(0))

        def function(shown, location, T, shininess):
            made = p3d.TexturesVertex(shown) if textures == "vertex" else p3d.TexturesUV(shown, scene.meshes.textures.faces_uvs_list(), scene.uvs)
            meshes = p3d.Meshes([v.detach() for v in scene.verts], scene.meshes.faces_list(), made)
            cameras = p3d.FoVPerspectiveCameras(R=scene.cameras.R, T=T)
            lights = p3d.PointLights(**{**{name: value.detach() for name, value in scene.light.items()}, "location": location})
            shader = p3d.SoftPhongShader(cameras=cameras, lights=lights, materials=p3d.Materials(shininess=shininess), blend_params=BLEND)
            return (shader(fragments, meshes) * few).sum((1, 2, 3))

        inputs = (scene.shown[:, :3] if textures == "vertex" else scene.shown, scene.light["location"], scene.T, scene.shininess)
        rest = scene.shown[:, 3:].detach()
        whole = (lambda shown, *others: function(torch.cat([shown, rest], 1), *others)) if textures == "vertex" else function
        check(whole, *(leaf.detach() for leaf in inputs))

    def test_gradcheck_of_differing_meshes(self):
        """Finite differences of vertices and colours, of a batch whose meshes have other numbers of vertices and faces."""
        scene, few = Scene(), torch.rand(2, *SIZE, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
        triangle = torch.tensor([[-0.9, -0.6, 0.3], [0.8, -0.7, -0.2], [0.1, 0.9, 0.1]], dtype=torch.float64)
        faces, colors = [scene.meshes.faces_list()[0], torch.tensor([[0, 1, 2]])], scene.shown.detach()
        sphere = scene.verts[0].detach()
        fragments = scene.rasterizer(p3d.Meshes([sphere, triangle], faces)).detach()

        def function(corners, of_corners, of_sphere):
            textures = p3d.TexturesVertex([torch.cat([of_sphere, colors[0, 3:]]), of_corners])
            return (scene.shader()(fragments, p3d.Meshes([sphere, corners], faces, textures)) * few).sum((1, 2, 3))

        check(function, triangle, colors[1, :3], colors[0, :3])

    def test_fragments_receive_gradient(self):
        """Finite differences of depth, weights and distances, which somebody else made."""
        scene = Scene()
        found = scene.rasterizer(scene.meshes).detach()
        used = found.pix_to_face >= 0
        few = torch.rand(2, *SIZE, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
        places = used.reshape(-1).nonzero()[::29, 0]

        def function(depth, bary, dists):
            put = lambda whole, part: whole.reshape(-1, *part.shape[1:]).index_copy(0, places, part).reshape(whole.shape)  # noqa: E731
            changed = p3d.Fragments(found.pix_to_face, put(found.zbuf, depth), put(found.bary_coords, bary), put(found.dists, dists))
            return (scene.shader()(changed, scene.meshes) * few).sum((1, 2, 3))

        take = lambda whole: whole.reshape(-1, *whole.shape[4:])[places].detach()  # noqa: E731
        check(function, take(found.zbuf), take(found.bary_coords), take(found.dists))

    def test_what_it_leaves_to_the_general_path(self):
        """Gradients of the blending's numbers; channels other than three."""
        scene = Scene()
        background = torch.full((3,), 0.5, dtype=torch.float64, requires_grad=True)
        image = scene.picture(blend_params=p3d.BlendParams(2e-3, 5e-2, background))
        (grad,) = torch.autograd.grad(image[..., :3].sum(), background)
        assert grad.min() > 100
        scene.meshes.textures = p3d.TexturesVertex(torch.rand(2, len(SPHERE.vertices), 1, dtype=torch.float64))
        image = scene.picture()  # one channel under three colours of light
        assert image.shape == (2, *SIZE, 4)

    def test_nothing_is_seen(self):
        scene = Scene()
        away = scene.meshes.offset_verts(torch.tensor([50.0, 0, 0], dtype=torch.float64))
        image = scene.shader()(scene.rasterizer(away), away)
        np.testing.assert_allclose(image.detach()[..., :3], torch.tensor(BLEND.background_color).expand(2, *SIZE, 3), atol=1e-7)
        assert (image[..., 3] == 0).all()
        assert all((grad == 0).all() for grad in gradients(image, scene.verts))


class TestOwn:
    @pytest.mark.parametrize("shader", ["SoftPhong", "HardPhong", "HardFlat"])
    @pytest.mark.parametrize("kind", [OwnLights, FiveDimensions])
    def test_lights(self, shader, kind):
        scene = Scene()
        wanted, got = scene.picture(name=shader), scene.picture(name=shader, lights=kind(**scene.light))
        np.testing.assert_allclose(got.detach(), wanted.detach(), atol=1e-10)
        same(gradients(got, scene.leaves()), gradients(wanted, scene.leaves()), 1e-8)

    def test_lights_without_properties(self):
        scene = Scene()
        scene.light["ambient_color"] = torch.full((2, 3), 0.5, dtype=torch.float64)
        wanted = scene.picture(lights=p3d.PointLights(**scene.light))
        np.testing.assert_allclose(scene.picture(lights=WithoutProperties(p3d.PointLights(**scene.light))).detach(), wanted.detach(), atol=1e-10)

    def test_a_shader(self):
        """As the originals' documentation writes them: with `_get_cameras`, dense texels and the functions."""

        class Own(p3d.ShaderBase):
            def forward(self, fragments, meshes, **kwargs):
                cameras = super()._get_cameras(**kwargs)
                texels = meshes.sample_textures(fragments)
                colors = p3d.phong_shading(
                    meshes=meshes, fragments=fragments, texels=texels, lights=self.lights, cameras=cameras, materials=self.materials
                )  # fmt: skip
                return p3d.softmax_rgb_blend(colors, fragments, self.blend_params, znear=cameras.znear, zfar=cameras.zfar)

        scene = Scene(textures={})
        own = Own(cameras=scene.cameras, lights=scene.lights, materials=scene.materials, blend_params=BLEND)
        wanted, got = scene.picture(), own(scene.rasterizer(scene.meshes), scene.meshes)
        np.testing.assert_allclose(got.detach(), wanted.detach(), atol=1e-10)
        same(gradients(got, scene.leaves()), gradients(wanted, scene.leaves()), 1e-8)
        with pytest.raises(ValueError, match="Own: cameras must be given when it is made or called, got None"):
            Own()(None, scene.meshes)

    def test_fragments(self):
        scene = Scene()
        found = scene.rasterizer(scene.meshes)
        theirs = SimpleNamespace(pix_to_face=found.pix_to_face, zbuf=found.zbuf, bary_coords=found.bary_coords, dists=found.dists)
        for shader in ("SoftPhong", "HardGouraud", "SoftDepth", "HardDepth"):
            wanted, got = (scene.shader(shader)(fragments, scene.meshes) for fragments in (found, theirs))
            np.testing.assert_allclose(got.detach(), wanted.detach(), atol=1e-12)

    def test_fragments_that_are_written_into(self):
        scene = Scene()
        fragments = scene.rasterizer(scene.meshes).detach()
        before = scene.shader("HardPhong")(fragments, scene.meshes)
        fragments.pix_to_face[:, :5] = -1
        after = scene.shader("HardPhong")(fragments, scene.meshes)
        assert before[:, :5, :, 3].sum() > 5
        assert after[:, :5, :, 3].sum() == 0
        np.testing.assert_array_equal(before[:, 5:].detach(), after[:, 5:].detach())


class TestBackground:
    """A picture as the background; and what does not matter to a blending need not be right."""

    SHADERS = ("SoftPhong", "SoftGouraud", "HardPhong", "HardFlat", "HardGouraud")

    @staticmethod
    def image(shader, background, **more):
        scene = Scene()
        return scene.shader(shader, blend_params=p3d.BlendParams(2e-3, 5e-2, background), **more)(scene.fragments, scene.meshes)

    @pytest.mark.parametrize("shape", [(), (2,), (1,)])
    @pytest.mark.parametrize("shader", SHADERS)
    def test_a_picture(self, shader, shape):
        """The mixture is linear in the background: between black and white, pixel by pixel."""
        picture = torch.rand(*shape, *SIZE, 3, generator=torch.Generator().manual_seed(1), dtype=torch.float64).requires_grad_()
        black, white = (self.image(shader, (value,) * 3).detach() for value in (0.0, 1.0))
        image = self.image(shader, picture)
        torch.testing.assert_close(image[..., :3].detach(), (black + (white - black) * torch.nn.functional.pad(picture.detach(), (0, 1)))[..., :3])
        torch.testing.assert_close(image[..., 3].detach(), black[..., 3])
        weights = torch.rand(2, *SIZE, 3, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
        (image[..., :3] * weights).sum().backward()
        share = ((white - black)[..., :3] * weights).reshape(2, *SIZE, 3)
        torch.testing.assert_close(picture.grad, (share if shape == (2,) else share.sum(0)).reshape(picture.shape))

    def test_splats(self):
        picture = torch.rand(*SIZE, 3, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
        scene = Scene()
        black, white, image = (
            scene.shader("SplatterPhong", blend_params=p3d.BlendParams(0.5, 0.0, value))(scene.fragments, scene.meshes).detach()
            for value in ((0.0,) * 3, (1.0,) * 3, picture)
        )
        torch.testing.assert_close(image[..., :3], black[..., :3] + (white - black)[..., :3] * picture)

    def test_does_not_matter(self):
        """Hard blending has no softness; the silhouette no background and no gamma."""
        nothing = p3d.BlendParams(0, 0, BLEND.background_color)
        scene = Scene()
        for shader in self.SHADERS[2:]:
            found, expected = (scene.shader(shader, blend_params=blend)(scene.fragments, scene.meshes) for blend in (nothing, BLEND))
            torch.testing.assert_close(found, expected, rtol=0, atol=0)
        silhouette = [p3d.SoftSilhouetteShader(blend)(scene.fragments, scene.meshes) for blend in (BLEND, p3d.BlendParams(2e-3, 0, torch.ones(5, 7)))]
        torch.testing.assert_close(*silhouette, rtol=0, atol=0)
        with pytest.raises(ValueError, match=r"softmax_rgb_blend: blend_params\.sigma must be"):
            scene.shader("SoftPhong", blend_params=nothing)(scene.fragments, scene.meshes)

    def test_one_channel(self):
        """It is grey where the original's picture has three; a background that is grey goes with any number."""
        scene = Scene()
        colors = torch.rand(2, *SIZE, K, 5, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
        for blend in (p3d.renderer.softmax_rgb_blend, p3d.renderer.sigmoid_alpha_blend):
            torch.testing.assert_close(*(blend(colors[..., :1].expand(2, *SIZE, K, n), scene.fragments, BLEND) for n in (1, 3)))
        grey = p3d.BlendParams(background_color=(0.25,) * 3)
        for n in (1, 2, 5):
            image = p3d.renderer.hard_rgb_blend(colors[..., :n], scene.fragments, grey)
            covered = scene.fragments.pix_to_face[..., :1] >= 0
            torch.testing.assert_close(image, torch.cat([torch.where(covered, colors[..., 0, :n], 0.25), covered.double()], -1))
        with pytest.raises(ValueError, match="background_color must have shape"):
            p3d.renderer.hard_rgb_blend(colors, scene.fragments, BLEND)


class TestPartsOfShading:
    """By the names with an underscore that shaders of the user's own import."""

    def test_lighting(self):
        scene = Scene()
        parts = (scene.lights, scene.cameras, scene.materials)
        texels = scene.meshes.sample_textures(scene.fragments)
        colors, points = _phong_shading_with_pixels(scene.meshes, scene.fragments, *parts, texels)
        torch.testing.assert_close(colors, p3d.renderer.phong_shading(scene.meshes, scene.fragments, *parts, texels))
        faces, verts = scene.meshes.faces_packed(), scene.meshes.verts_packed()
        pix_to_face, bary = scene.fragments.pix_to_face, scene.fragments.bary_coords
        torch.testing.assert_close(points, p3d.ops.interpolate_face_attributes(pix_to_face, bary, verts[faces]))
        normals = p3d.ops.interpolate_face_attributes(pix_to_face, bary, scene.meshes.verts_normals_packed()[faces])
        ambient, diffuse, specular = _apply_lighting(points, normals, *parts)
        torch.testing.assert_close((ambient + diffuse) * texels + specular, colors)
        packed = _apply_lighting(points[0, 0, 0], normals[0, 0, 0], *(part.clone().gather_props(torch.zeros(1, dtype=torch.int64)) for part in parts))
        torch.testing.assert_close(packed[1], diffuse[0, 0, 0])


class TestFragments:
    def test_made_when_asked_for(self):
        scene = Scene()
        fragments = scene.rasterizer(scene.meshes)
        used = used_of(fragments)
        assert "zbuf" not in vars(fragments)
        assert used.slots.n == len(used.depth) == (fragments.pix_to_face >= 0).sum()
        assert fragments.zbuf.shape == (2, *SIZE, K)
        assert fragments.zbuf.requires_grad
        assert all((values[fragments.pix_to_face < 0] == -1).all() for values in fragments)
        again = pickle.loads(pickle.dumps(fragments.detach()))
        for one, other, dense in zip(fragments, again, fragments.detach(), strict=True):
            np.testing.assert_array_equal(one.detach(), other)
            assert not dense.requires_grad
        assert len(fragments) == 4
        assert fragments[0] is fragments.pix_to_face
        with pytest.raises(AttributeError, match="no attribute 'depth'"):
            _ = fragments.depth

    def test_no_distances(self):
        scene = Scene()
        found = scene.rasterizer(scene.meshes).detach()
        without = p3d.Fragments(found.pix_to_face, found.zbuf, found.bary_coords, None)
        np.testing.assert_array_equal(scene.shader("HardPhong")(without, scene.meshes).detach(), scene.shader("HardPhong")(found, scene.meshes).detach())
        with pytest.raises(ValueError, match="SoftDepthShader: fragments must have dists, got None"):
            scene.shader("SoftDepth")(without, scene.meshes)


class TestDepth:
    def test_pixel_by_pixel(self):
        scene = Scene()
        fragments = scene.rasterizer(scene.meshes)
        hard, soft = (scene.shader(name)(fragments, scene.meshes, zfar=50.0) for name in ("HardDepth", "SoftDepth"))
        found = fragments.detach()
        for place in np.ndindex(2, *SIZE):
            left, mean, first = 1.0, 0.0, 50.0
            for k in range(K):
                if found.pix_to_face[place][k] >= 0:
                    depth = found.zbuf[place][k].item()
                    first = depth if k == 0 else first
                    share = min(left, 1 / (1 + np.exp(found.dists[place][k].item() / BLEND.sigma)))
                    left, mean = left - share, mean + share * depth
            assert hard[place].item() == pytest.approx(first, abs=1e-12)
            assert soft[place].item() == pytest.approx(mean + left * 50, abs=1e-9)
        assert hard.shape == soft.shape == (2, *SIZE, 1)
        assert all(grad.abs().sum() > 0 for grad in gradients(soft, scene.verts))

    def test_of_the_cameras(self):
        """zfar of each image."""
        scene = Scene()
        cameras = p3d.FoVPerspectiveCameras(R=scene.cameras.R, T=scene.T, zfar=torch.tensor([10.0, 20.0]))
        for shader in (p3d.HardDepthShader(cameras=cameras), p3d.SoftDepthShader(cameras=cameras)):
            image = shader(scene.rasterizer(scene.meshes), scene.meshes)
            np.testing.assert_allclose(image[:, 0, 0, 0].detach(), [10, 20], rtol=1e-6)


class TestSplats:
    def test_pixel_by_pixel(self):
        """Written down once more, pixel by pixel (Cole et al., section 3)."""
        g = torch.Generator().manual_seed(0)
        shape = (1, 4, 5, 3)
        colors, depth = (torch.rand(*shape, n, generator=g, dtype=torch.float64) for n in (3, 1))
        depth = depth.sort(3).values + 1
        nothing = (torch.rand(*shape, generator=g) < 0.3).sort(-1).values
        middles = torch.stack(torch.meshgrid(torch.arange(5) + 0.5, torch.arange(4) + 0.5, indexing="xy"), -1).double()
        points = torch.cat([middles[None, :, :, None].expand(*shape, 2), depth], -1)
        cameras = SimpleNamespace(transform_points_screen=lambda points, image_size, with_xyflip: points)
        image = p3d.SplatterBlender(shape)(colors, points, cameras, nothing, p3d.BlendParams(sigma=0.5, background_color=(0.1, 0.2, 0.3)))[0]
        z = np.pad(torch.where(nothing, 1.0, depth[..., 0])[0].numpy(), ((1, 1), (1, 1), (0, 0)))
        kernel = np.exp(-2 * (np.arange(-1, 2)[:, None] ** 2 + np.arange(-1, 2) ** 2))
        kernel *= 1.05 / kernel.sum()
        for line, column in np.ndindex(4, 5):
            layers = np.zeros((3, 5))
            for y, x in np.ndindex(3, 3):
                p, q = z[line + x, column + y], z[line + 1, column + 1]  # the depth is that across the diagonal
                on, under = np.abs(p - q[0]), np.abs(p[0] - q)
                surface = -under.argmin() if under.min() < on.min() else on.argmin()
                i, j = line + y - 1, column + x - 1
                if 0 <= i < 4 and 0 <= j < 5:
                    for k in range(3):
                        if not nothing[0, i, j, k]:
                            layers[int(np.sign(surface - k)) + 1] += kernel[y, x] * np.array([*colors[0, i, j, k].tolist(), 1, 1])
            expected = np.array([0.1, 0.2, 0.3, 0])
            for layer in layers:
                expected = layer[:4] / max(layer[4], 1) + (1 - layer[3] / max(layer[4], 1)) * expected
            np.testing.assert_allclose(image[line, column], expected, atol=1e-9)

    def test_shader(self):
        """Vertices receive a gradient by their places, also of the outline; another sigma is warned of."""
        scene = Scene()
        shader = scene.shader("SplatterPhong", blend_params=p3d.BlendParams(0.5, background_color=(0.0, 0.0, 0.0)))
        fragments = scene.rasterizer(scene.meshes)
        image = shader(fragments, scene.meshes)
        assert image.shape == (2, *SIZE, 4)
        assert (image[fragments.pix_to_face[..., 0] >= 0][:, 3] > 0.5).all()
        assert all(grad.abs().sum() > 0 for grad in gradients(image[..., 3:], scene.verts))
        with pytest.warns(UserWarning, match=r"SplatterPhongShader: blend_params.sigma is in pixels, and meant to be 0.5, got 0.002"):
            scene.picture(name="SplatterPhong")

    def test_gradient(self):
        """To the places: finite differences of a soft sum, off the borders between pixels."""
        g = torch.Generator().manual_seed(1)
        colors, nothing = torch.rand(1, 3, 4, 2, 3, generator=g, dtype=torch.float64), torch.zeros(1, 3, 4, 2, dtype=torch.bool)
        places = torch.rand(1, 3, 4, 2, 3, generator=g, dtype=torch.float64) * 0.8 + 0.1
        cameras = SimpleNamespace(transform_points_screen=lambda points, image_size, with_xyflip: points)
        function = lambda places, colors: p3d.SplatterBlender((1, 3, 4, 2))(colors, places, cameras, nothing, p3d.BlendParams(0.5))  # noqa: E731
        assert torch.autograd.gradcheck(function, (torch.cat([places[..., :2], places[..., 2:].detach()], -1).requires_grad_(), colors.requires_grad_()))


class TestSeveralPictures:
    def textures(self, **options) -> tuple[p3d.TexturesUV, torch.Tensor]:
        g = torch.Generator().manual_seed(0)
        maps = torch.rand(2, 3, 4, 6, 3, generator=g)
        faces_uvs, ids = torch.randint(0, 9, (2, 80, 3), generator=g), torch.randint(0, 3, (2, 80), generator=g)
        return p3d.TexturesUV(maps, faces_uvs, torch.rand(2, 9, 2, generator=g), maps_ids=ids, **options), ids

    @pytest.mark.parametrize("options", [{}, {"padding_mode": "reflection"}])
    def test_each_face_shows_its_own(self, options):
        textures, ids = self.textures(**options)
        fragments = Scene(dtype=torch.float32).rasterizer(Scene(dtype=torch.float32).meshes).detach()
        texels = textures.sample_textures(fragments)
        for m in range(3):
            alone = p3d.TexturesUV([maps[m] for maps in textures.maps_list()], textures.faces_uvs_list(), textures.verts_uvs_list(), **options)
            mine = (fragments.pix_to_face >= 0) & (ids.flatten()[fragments.pix_to_face.clamp(min=0)] == m)
            assert mine.sum() > 20
            np.testing.assert_allclose(texels[mine], alone.sample_textures(fragments)[mine], atol=1e-6)
            corners = textures.faces_verts_textures_packed()[ids.flatten() == m]
            np.testing.assert_allclose(corners, alone.faces_verts_textures_packed()[ids.flatten() == m], atol=1e-6)

    def test_batches(self):
        textures, ids = self.textures()
        assert textures.maps_padded().shape == (2, 3, 4, 6, 3)
        np.testing.assert_array_equal(textures.maps_ids_padded(), ids)
        assert len(textures.extend(2).maps_ids_list()) == 4
        np.testing.assert_array_equal(textures[1].maps_ids_list()[0], ids[1])
        assert len(textures.join_batch([textures])) == 4
        assert len(textures.clone().detach().to("cpu").maps_ids_list()) == 2
        plain = p3d.TexturesUV(torch.rand(1, 2, 2, 3), torch.zeros(1, 1, 3).long(), torch.rand(1, 3, 2))
        assert plain.maps_ids_list() is None is plain.maps_ids_padded()
        for function, sentence in (
            (lambda: textures.join_batch([plain]), "textures must all have maps_ids, or none of them"),
            (lambda: textures.join_scene(), "must have one map for each mesh, got maps_ids"),
            (lambda: textures.centers_for_image(0), "must have one map for each mesh, got maps_ids"),
            (lambda: p3d.TexturesUV(torch.rand(1, 2, 2, 2, 3), torch.zeros(1, 1, 3).long(), torch.rand(1, 3, 2), maps_ids=torch.full((1, 1), 2)),
             "maps_ids must index maps 0 to 1, got 2"),
            (lambda: p3d.TexturesUV(torch.rand(1, 2, 2, 2, 3), torch.zeros(1, 1, 3).long(), torch.rand(1, 3, 2), maps_ids=torch.zeros(1, 4).long()),
             r"maps_ids must have shape \(F\) with F = 1, got \(4,\)"),
            (lambda: p3d.TexturesUV(torch.rand(1, 2, 2, 3), torch.zeros(1, 1, 3).long(), torch.rand(1, 3, 2), maps_ids=torch.zeros(1, 1).long()),
             "maps must be tensors of 4 dimensions"),
        ):  # fmt: skip
            with pytest.raises(ValueError, match=sentence):
                function()

    def test_older_name(self):
        with pytest.warns(PendingDeprecationWarning, match="TexturesVertex or TexturesUV"):
            assert isinstance(p3d.Textures(verts_rgb=torch.rand(1, 3, 3)), p3d.TexturesVertex)
        with pytest.warns(PendingDeprecationWarning):
            assert isinstance(p3d.Textures(torch.rand(1, 2, 2, 3), torch.zeros(1, 1, 3).long(), torch.rand(1, 3, 2)), p3d.TexturesUV)
        with pytest.raises(ValueError, match="Textures: either maps"):
            p3d.Textures()
        with pytest.warns(PendingDeprecationWarning, match="SoftPhongShader"):
            assert type(p3d.TexturedSoftPhongShader()) is p3d.SoftPhongShader


class TestFigures:
    uvs = torch.tensor([[0.0, 0.0], [1.0, 1.0], [0.25, 0.5], [1.5, 0.5]])

    def texture(self, **options) -> p3d.TexturesUV:
        return p3d.TexturesUV(torch.rand(1, 5, 9, 3), torch.tensor([[[0, 1, 2]]]), self.uvs[None], **options)

    def test_centers(self):
        np.testing.assert_allclose(self.texture().centers_for_image(0), [[0, 4], [8, 0], [2, 2], [8, 2]], atol=1e-5)
        np.testing.assert_allclose(self.texture(align_corners=False).centers_for_image(index=0)[2], [9 / 4 - 0.5, 2], atol=1e-5)
        with pytest.raises(ValueError, match="index must be a whole number between 0 and 0, got 3"):
            self.texture().centers_for_image(3)

    def test_matplotlib(self):
        plt = pytest.importorskip("matplotlib.pyplot")
        figure, (left, right) = plt.subplots(1, 2)
        plt.sca(left)
        p3d.vis.texturesuv_image_matplotlib(self.texture(), radius=2, subsample=None)
        np.testing.assert_allclose([patch.center for patch in left.patches], [[0, 4], [8, 0], [2, 2], [8, 2]], atol=1e-5)
        assert left.images[0].get_array().shape == (5, 9, 3)
        plt.sca(right)
        p3d.vis.texturesuv_image_matplotlib(self.texture(), subsample=2)
        assert len(right.patches) == 2
        plt.close(figure)

    def test_pillow(self):
        image = p3d.vis.texturesuv_image_PIL(self.texture(), radius=0.2, color="blue")
        assert image.size == (9, 5)
        assert image.getpixel((2, 2)) == (0, 0, 255)

    def test_plot_scene(self):
        pytest.importorskip("plotly")
        scene = Scene(dtype=torch.float32)
        figure = p3d.vis.plot_scene({"one": {"mesh": scene.meshes[0], "cameras": scene.cameras}, "two": {"mesh": scene.meshes[1]}}, ncols=2,
                                    viewpoint_cameras=scene.cameras)  # fmt: skip
        mesh, cameras, _ = figure.data
        assert (mesh.type, cameras.type) == ("mesh3d", "scatter3d")
        np.testing.assert_allclose(np.stack([mesh.x, mesh.y, mesh.z], 1), scene.verts[0].detach(), atol=1e-6)
        red, green, blue = (255 * scene.shown[0, 0].detach()).round().int().tolist()
        assert mesh.vertexcolor[0] == f"rgb({red}, {green}, {blue})"
        line = np.stack([cameras.x, cameras.y, cameras.z], 1)
        assert len(line) == 2 * 15 + 1
        assert np.isnan(line[15]).all()
        np.testing.assert_allclose(line[8], scene.cameras.get_camera_center()[0].detach(), atol=1e-5)
        # The eye in the figure's own measure is where the camera is.
        ranges = [figure.layout.scene[f"{axis}axis"].range for axis in "xyz"]
        eye = [figure.layout.scene.camera.eye[axis] for axis in "xyz"]
        back = [np.mean(r) + e * (r[1] - r[0]) / 2 for r, e in zip(ranges, eye, strict=True)]
        np.testing.assert_allclose(back, scene.cameras.get_camera_center()[0].detach(), atol=1e-4)
        each = p3d.vis.plot_batch_individually([scene.meshes, scene.cameras[0]], axis_args=p3d.vis.AxisArgs(showgrid=True))
        assert len(each.data) == 4
        assert each.layout.scene2.xaxis.showgrid
        assert len(p3d.vis.plot_batch_individually([scene.meshes, scene.cameras[0]], extend_struct=False).data) == 3

    def test_sentences(self):
        scene = Scene(dtype=torch.float32)
        for function, sentence in (
            (lambda: p3d.vis.plot_scene({"a": {"b": torch.zeros(3)}}), "what is plotted must be Meshes or cameras, got Tensor"),
            (lambda: p3d.vis.plot_scene({}, color="red"), "keywords must be among axis_args, lighting, xaxis, yaxis, zaxis, got color"),
            (lambda: p3d.vis.plot_scene([]), "plots must be a dictionary of dictionaries, got list"),
            (lambda: p3d.vis.plot_batch_individually([scene.meshes, scene.meshes.extend(2)]), "must have 1 or 4 entries each, got 2"),
            (lambda: p3d.vis.plot_batch_individually(scene.meshes, subplot_titles=["one"]), "subplot_titles must be 2, as many as there are parts, got 1"),
            (lambda: p3d.vis.texturesuv_image_PIL(scene.meshes), "texture must be TexturesUV, got Meshes"),
            (lambda: p3d.vis.texturesuv_image_matplotlib(self.texture(), origin="left"), "origin must be 'upper' or 'lower', got 'left'"),
        ):
            with pytest.raises((TypeError, ValueError), match=sentence):
                function()


class TestRectangles:
    def test_none_overlap(self):
        sizes = [tuple(size) for size in np.random.default_rng(0).integers(1, 20, (30, 2)).tolist()]
        found = p3d.pack_rectangles(sizes)
        width, height = found.total_size
        taken = np.zeros((height, width), int)
        for (x_size, y_size), place in zip(sizes, found.locations, strict=True):
            assert not place.flipped
            taken[place.y : place.y + y_size, place.x : place.x + x_size] += 1
        assert taken.max() == 1
        assert taken.sum() == sum(x * y for x, y in sizes)

    def test_one_of_each(self):
        rectangle = p3d.renderer.mesh.utils.Rectangle
        found = p3d.pack_unique_rectangles([rectangle(3, 4, 7), rectangle(5, 2, 8), rectangle(3, 4, 7)])
        assert [place.is_first for place in found.locations] == [True, True, False]
        assert found.locations[0][:2] == found.locations[2][:2]
        alone = p3d.pack_unique_rectangles([rectangle(3, 4, 7)] * 2)
        assert alone.total_size == (3, 4)
        with pytest.raises(ValueError, match="sizes must be of two rectangles at least, got 1"):
            p3d.pack_rectangles([(1, 2)])
