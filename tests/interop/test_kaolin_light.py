"""Kaolin's lights against integrals over the sphere, DefTet's renderer against a loop over all faces, `easy_render` against what its parts say, gradients."""

import math

import numpy as np
import pytest
import torch
from scipy.special import sph_harm_y

from taichi_softras.interop.kaolin.metrics.render import mask_iou
from taichi_softras.interop.kaolin.render import easy_render, lighting
from taichi_softras.interop.kaolin.render.camera import Camera
from taichi_softras.interop.kaolin.render.materials import PBRMaterial
from taichi_softras.interop.kaolin.render.mesh import deftet, deftet_sparse_render, rasterize
from taichi_softras.interop.kaolin.rep import SurfaceMesh

REAL = torch.float64


def numbers(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(seed).normal(size=shape))


def units(n: int, seed: int = 0) -> torch.Tensor:
    return torch.nn.functional.normalize(numbers(n, 3, seed=seed), dim=1)


def over_the_sphere(function, n: int = 400) -> np.ndarray:
    """The integral of a function of directions [N, 3]."""
    height, weights = np.polynomial.legendre.leggauss(n)
    azimuth = 2 * np.pi * np.arange(2 * n) / (2 * n)
    z, phi = np.meshgrid(height, azimuth, indexing="ij")
    level = np.sqrt(1 - z**2)
    values = function(np.stack([level * np.cos(phi), level * np.sin(phi), z], -1).reshape(-1, 3))
    return np.einsum("n...,n->...", values, np.repeat(weights * 2 * np.pi / (2 * n), 2 * n))


def gaussian(x: np.ndarray, amplitude, direction, sharpness) -> np.ndarray:
    """[N, 3] of one."""
    return np.exp(float(sharpness) * (x @ np.asarray(direction) - 1))[:, None] * np.asarray(amplitude)


class TestHarmonics:
    def test_functions(self):
        """SciPy's, real: sqrt(2) times the imaginary or the real part."""
        directions = units(20)
        x, y, z = directions.numpy().T
        polar, azimuth = np.arccos(z), np.arctan2(y, x)
        expected = []
        for degree in range(3):
            for order in range(-degree, degree + 1):
                value = sph_harm_y(degree, abs(order), polar, azimuth)
                part = value.real if order == 0 else math.sqrt(2) * (value.imag if order < 0 else value.real)
                expected.append(part)  # with Condon and Shortley's sign
        np.testing.assert_allclose(lighting.project_onto_sh9(directions), np.stack(expected, 1), atol=1e-12)
        np.testing.assert_allclose(lighting.project_onto_sh9([0.0, 0.0, 1.0])[2], math.sqrt(3 / (4 * math.pi)), rtol=1e-6)

    def test_irradiance(self):
        """A cosine's integral with light of the nine functions, to the third band."""
        lights, normals = numbers(9), units(2, seed=1)

        def seen(x: np.ndarray, normal: np.ndarray) -> np.ndarray:
            return (lighting.project_onto_sh9(torch.from_numpy(x)).numpy() @ lights.numpy()) * np.clip(x @ normal, 0, None)

        expected = [over_the_sphere(lambda x, n=normal: seen(x, n), 150) for normal in normals.numpy()]
        np.testing.assert_allclose(lighting.sh9_irradiance(lights, normals), expected, atol=3e-4)  # the cosine's edge is what the integral misses
        albedo = torch.rand(2, 3, dtype=REAL)
        diffuse = lighting.sh9_diffuse(units(1, seed=2)[0], normals, albedo)
        np.testing.assert_allclose(diffuse, albedo * lighting.sh9_irradiance(lighting.project_onto_sh9(units(1, seed=2)[0]), normals)[:, None], atol=1e-12)
        assert torch.autograd.gradcheck(lighting.sh9_irradiance, (lights.requires_grad_(), normals.requires_grad_()))


class TestGaussians:
    amplitude, direction, sharpness = numbers(3, 3).abs(), units(3, seed=1), torch.tensor([0.7, 3.0, 12.0], dtype=REAL)
    normal, albedo = units(4, seed=2), numbers(4, 3, seed=3).abs()
    roughness = torch.tensor([0.2, 0.4, 0.6, 0.9], dtype=REAL)
    view = torch.nn.functional.normalize(units(4, seed=2) + 0.4 * units(4, seed=4), dim=1)

    def test_inner_product(self):
        from taichi_softras.interop.kaolin.render.lighting.sg import unbatched_reduced_sg_inner_product, unbatched_sg_inner_product

        one = (self.amplitude, self.direction, self.sharpness)
        other = (numbers(2, 3, seed=5).abs(), units(2, seed=6), torch.tensor([1.5, 4.0], dtype=REAL))
        product = unbatched_sg_inner_product(*one, *other)
        for i in range(3):
            for j in range(2):
                expected = over_the_sphere(lambda x, i=i, j=j: gaussian(x, *(t[i] for t in one)) * gaussian(x, *(t[j] for t in other)))
                np.testing.assert_allclose(product[i, j], expected, rtol=1e-9)
        torch.testing.assert_close(unbatched_reduced_sg_inner_product(*one, *other), product.sum(1))
        against = unbatched_sg_inner_product(
            self.amplitude[:1], self.direction[:1], self.sharpness[:1], self.amplitude[:1], -self.direction[:1], self.sharpness[:1]
        )
        expected = 4 * math.pi * math.exp(-2 * 0.7) * self.amplitude[0] ** 2
        torch.testing.assert_close(against[0, 0], expected)  # the two directions cancel

    def test_irradiance(self):
        """Of lights that are not too wide Hill's fit is within a few percent of all that they shine; the inner product is that with its Gaussian cosine."""
        expected = np.stack([
            [over_the_sphere(lambda x, n=n, i=i: gaussian(x, self.amplitude[i], self.direction[i], self.sharpness[i]) * np.clip(x @ n, 0, None)[:, None], 100)
             for i in range(3)]
            for n in self.normal.numpy()
        ])  # fmt: skip
        fitted = lighting.sg_irradiance_fitted(self.amplitude, self.direction, self.sharpness, self.normal)
        shone = lighting.approximate_sg_integral(self.amplitude, self.sharpness).numpy()
        assert np.abs((fitted.numpy() - expected) / shone)[:, 1:].max() < 0.03
        lobe, given = lighting.cosine_lobe_sg(self.normal), (self.amplitude, self.direction, self.sharpness)
        product = np.stack([
            sum(
                over_the_sphere(lambda x, n=n, i=i: gaussian(x, *(t[n] for t in lobe)) * gaussian(x, *(t[i] for t in given)), 100)
                for i in range(3)
            )
            for n in range(4)
        ])  # fmt: skip
        given = (*given, self.normal)
        np.testing.assert_allclose(lighting.sg_irradiance_inner_product(*given), product, rtol=1e-9)
        torch.testing.assert_close(lighting.sg_diffuse_inner_product(*given, self.albedo), torch.from_numpy(product) * self.albedo / math.pi)
        torch.testing.assert_close(lighting.sg_diffuse_fitted(*given, self.albedo), fitted.mean(1) * self.albedo / math.pi)

    def test_specular(self):
        """By the formula of Cook and Torrance in NumPy, the lobe put where it is mirrored."""
        got = lighting.sg_warp_specular_term(self.amplitude, self.direction, self.sharpness, self.normal, self.roughness, self.view, self.albedo).numpy()
        for n, r, v, albedo, value in zip(*(t.numpy() for t in (self.normal, self.roughness, self.view, self.albedo)), got, strict=True):
            m = r * r
            mirrored = 2 * (n @ v) * n - v
            lobe = (np.full(3, 1 / (math.pi * m)), mirrored, 2 / m / (4 * max(n @ v, 1e-4)))
            shone = sum(
                over_the_sphere(lambda x, i=i, lobe=lobe: gaussian(x, *lobe) * gaussian(x, self.amplitude[i], self.direction[i], self.sharpness[i]), 300)
                for i in range(3)
            )
            cosines = [np.clip(c, 0, 1) for c in (n @ mirrored, n @ v)]
            seen = np.prod([1 / (c + math.sqrt(m + (1 - m) * c * c)) for c in cosines])
            half = (mirrored + v) / np.linalg.norm(mirrored + v)
            reflected = albedo + (1 - albedo) * (1 - np.clip(mirrored @ half, 0, 1)) ** 5
            np.testing.assert_allclose(value, np.clip(shone * seen * reflected * cosines[0], 0, None), rtol=1e-6)

    def test_integral_and_directions(self):
        exact = [over_the_sphere(lambda x, i=i: gaussian(x, self.amplitude[i], self.direction[i], self.sharpness[i])) for i in range(3)]
        lost = 1 - np.exp(-2 * self.sharpness.numpy())[:, None]
        np.testing.assert_allclose(lighting.approximate_sg_integral(self.amplitude, self.sharpness).numpy() * lost, exact, rtol=1e-9)
        up = lighting.sg_direction_from_azimuth_elevation(torch.tensor([0.0, math.pi / 2]), 0.3)
        np.testing.assert_allclose(up, [[0, math.sin(0.3), math.cos(0.3)], [math.cos(0.3), math.sin(0.3), 0]], atol=1e-6)

    def test_suns(self):
        """At its rim half a unit of light is left."""
        sun = lighting.SgLightingParameters.from_sun(torch.tensor([[0.0, 2.0, 0.0]], dtype=REAL), strength=4.0, angle=0.5, color=(1.0, 0.5, 0.25))
        rim = torch.tensor([[math.sin(0.25), math.cos(0.25), 0.0]], dtype=REAL)
        np.testing.assert_allclose(gaussian(rim.numpy(), sun.amplitude[0], sun.direction[0], sun.sharpness[0])[0], [0.5, 0.25, 0.125], rtol=1e-9)
        several = lighting.SgLightingParameters(2.0, torch.tensor([[1.0, 0.0, 0.0], [0.0, 3.0, 0.0]]), 5.0)
        assert (several.amplitude.shape, several.sharpness.shape) == ((2, 3), (2,))
        np.testing.assert_allclose(several.to("cpu").direction.norm(dim=1), 1)
        with pytest.raises(ValueError, match="amplitude must have shape"):
            lighting.SgLightingParameters((1.0, 2.0))

    @pytest.mark.parametrize("name", ["sg_irradiance_fitted", "sg_diffuse_inner_product", "sg_warp_specular_term"])
    def test_gradients(self, name):
        surface = {"sg_irradiance_fitted": [self.normal], "sg_diffuse_inner_product": [self.normal, self.albedo]}
        given = [self.amplitude, self.direction, self.sharpness, *surface.get(name, [self.normal, self.roughness, self.view, self.albedo])]
        assert torch.autograd.gradcheck(getattr(lighting, name), [tensor.clone().requires_grad_() for tensor in given])


def soup(seed: int = 0, n_faces: int = 30, n_points: int = 25) -> tuple[torch.Tensor, ...]:
    rng = np.random.default_rng(seed)
    image = rng.uniform(-1, 1, (2, n_faces, 3, 2)) * 1.5
    image[1, 0, 2] = image[1, 0, 1]  # without an area
    arrays = (rng.uniform(-1, 1, (2, n_points, 2)), np.tile([-9.0, -1.5], (2, n_points, 1)), rng.uniform(-10, 0, (2, n_faces, 3)), image)
    return (*(torch.from_numpy(array) for array in arrays), torch.from_numpy(rng.normal(size=(2, n_faces, 3, 4))))


class TestDeftet:
    def test_all_faces_of_a_pixel(self, monkeypatch):
        """By a loop over all faces of all points; the same when few pairs are looked at at once."""
        points, ranges, z, image, features = soup()
        (left, right), index = deftet_sparse_render(points, ranges, z, image, [features[..., :1], features[..., 1:]], knum=20)
        got = torch.cat([left, right], -1)
        n_most = 0
        for b in range(2):
            for p in range(25):
                met = []
                for f in range(30):
                    corners = np.concatenate([image[b, f].numpy().T, np.ones((1, 3))])
                    if abs(np.linalg.det(corners)) < 1e-12:
                        continue
                    weights = np.linalg.solve(corners, [*points[b, p].tolist(), 1.0])
                    depth = weights @ z[b, f].numpy()
                    if (weights >= 0).all() and -9 <= depth < -1.5:
                        met.append((depth, f, weights @ features[b, f].numpy()))
                met.sort(key=lambda found: -found[0])
                n_most = max(n_most, len(met))
                assert index[b, p].tolist() == [f for _, f, _ in met] + [-1] * (20 - len(met))
                expected = np.stack([values for _, _, values in met]) if met else np.zeros((0, 4))
                np.testing.assert_allclose(got[b, p, : len(met)], expected, atol=1e-6)  # eps moves them by so much
                assert not got[b, p, len(met) :].any()
        assert n_most > 4
        monkeypatch.setattr(deftet, "PAIRS_AT_ONCE", 17)
        again, index_again = deftet_sparse_render(points, ranges, z, image, features, knum=20)
        assert torch.equal(index, index_again)
        torch.testing.assert_close(again, got)

    def test_the_first_ones(self):
        """Too many faces for a pixel: those with the least numbers stay."""
        points, ranges, z, image, features = soup()
        _, whole = deftet_sparse_render(points, ranges, z, image, features, knum=20)
        _, few = deftet_sparse_render(points, ranges, z, image, features, knum=2)
        for all_of_them, kept in zip(whole.reshape(-1, 20).tolist(), few.reshape(-1, 2).tolist(), strict=True):
            first = sorted(f for f in all_of_them if f >= 0)[:2]
            assert [f for f in kept if f >= 0] == [f for f in all_of_them if f in first]

    def test_gradient(self):
        points, ranges, z, image, features = soup(n_faces=8, n_points=6)
        image, features = image.requires_grad_(), features.requires_grad_()
        assert torch.autograd.gradcheck(lambda i, f: deftet_sparse_render(points, ranges, z, i, f, knum=4)[0], (image, features))

    def test_nothing(self):
        points, ranges, z, image, features = soup()
        got, index = deftet_sparse_render(points[:, :0], ranges[:, :0], z, image, features, knum=3)
        assert (got.shape, index.shape) == ((2, 0, 3, 4), (2, 0, 3))
        with pytest.raises(ValueError, match="there must be at least one face"):
            deftet_sparse_render(points, ranges, z[:, :0], image[:, :0], features[:, :0], knum=3)


def test_mask_iou():
    one, other = torch.rand(2, 4, 5, dtype=REAL), torch.rand(2, 4, 5, dtype=REAL)
    ratio = [(a * b).sum() / (a + b - a * b).sum() for a, b in zip(one.numpy(), other.numpy(), strict=True)]
    assert mask_iou(one, other).item() == pytest.approx(1 - np.mean(ratio), abs=1e-9)
    assert mask_iou(one.round(), one.round().int()).item() == pytest.approx(0, abs=1e-9)
    assert torch.autograd.gradcheck(mask_iou, (one.requires_grad_(), other))
    with pytest.raises(ValueError, match=r"rhs_mask must have shape \(B, H, W\) with B = 2, H = 4, W = 5, got \(2, 4, 5, 1\)"):
        mask_iou(one, other[..., None])


class TestEasyRender:
    @staticmethod
    def scene(**of_mesh) -> tuple[Camera, SurfaceMesh]:
        """A square across the image, upright, whose left half is another material; u runs to the right."""
        vertices = torch.tensor([[-1.0, -1, 0], [0, -1, 0], [1, -1, 0], [-1, 1, 0], [0, 1, 0], [1, 1, 0]])
        faces = torch.tensor([[0, 1, 4], [0, 4, 3], [1, 2, 5], [1, 5, 4]])
        uvs = torch.stack([vertices[:, 0] / 2 + 0.5, 0.5 - vertices[:, 1] / 2], 1) * 0.98 + 0.01
        camera = Camera.from_args(eye=[0.0, 0.0, 2.5], at=[0.0, 0.0, 0.0], up=[0.0, 1.0, 0.0], fov=2 * math.atan(1 / 2), width=16, height=12)
        return camera, SurfaceMesh(vertices, faces, **({"uvs": uvs, "face_uvs_idx": faces} | of_mesh))

    def test_what_is_seen(self):
        camera, mesh = self.scene()
        face_idx, normals, tangents, uvs, features = easy_render.mesh_rasterize_interpolate_cuda(mesh, camera)
        x, y = (np.arange(16) + 0.5 - 8) / 6 * 1.25, (6 - np.arange(12) - 0.5) / 6 * 1.25
        seen = (np.abs(x) < 1)[None] & (np.abs(y) < 1)[:, None]
        np.testing.assert_array_equal(face_idx[0] >= 0, seen)
        np.testing.assert_allclose(normals[0][face_idx[0] >= 0], np.tile([0.0, 0, 1], (seen.sum(), 1)), atol=1e-6)
        np.testing.assert_allclose(tangents[0][face_idx[0] >= 0], np.tile([1.0, 0, 0], (seen.sum(), 1)), atol=1e-6)
        expected = np.stack(np.broadcast_arrays(x[None] / 2 + 0.5, 0.5 - y[:, None] / 2), -1) * 0.98 + 0.01
        np.testing.assert_allclose(uvs[0][face_idx[0] >= 0], expected[seen], atol=1e-5)
        assert features is None
        only = easy_render.mesh_rasterize_interpolate_nvdiffrast(mesh, camera, None, normals_required=False, tangents_required=False)
        assert only[1] is only[2] is None
        np.testing.assert_allclose(only[3], uvs, atol=1e-5)  # the square faces the camera: both ways are the same

    def test_materials(self):
        """The left half has a picture, red to the left, and is a metal; the right half is glossy blue."""
        picture = torch.zeros(1, 2, 3)
        picture[0, 0] = torch.tensor([1.0, 0, 0])
        materials = [
            PBRMaterial(diffuse_texture=picture, metallic_value=0.25),
            PBRMaterial(diffuse_color=(0, 0, 1), specular_color=0.5, is_specular_workflow=True),
        ]
        camera, mesh = self.scene(materials=materials, material_assignments=torch.tensor([0, 0, 1, 1]))
        passes = easy_render.render_mesh(camera, mesh)
        left, right = passes["albedo"][0, 6, 4], passes["albedo"][0, 6, 11]
        _, normals, tangents, uvs, _ = easy_render.mesh_rasterize_interpolate_cuda(mesh, camera)
        u = uvs[0, 6, 4, 0].item()
        red = np.clip(1 - (2 * u - 0.5), 0, 1)  # texel centres at 1/4 and 3/4
        np.testing.assert_allclose(left, [0.75 * red, 0, 0], atol=1e-5)
        np.testing.assert_allclose(right, [0, 0, 1], atol=1e-6)
        index = passes["face_idx"]
        _, specular, _, roughness = easy_render.texture_sample_materials("cuda", index, normals, materials, uvs, mesh.material_assignments, tangents)
        np.testing.assert_allclose(specular[0, 6, 4], [0.03 + 0.25 * red, 0.03, 0.03], atol=1e-5)
        np.testing.assert_allclose(specular[0, 6, 11], 0.5)
        assert roughness.unique().tolist() == [0.5]
        torch.testing.assert_close(passes["render"], passes["diffuse"] + passes["specular"])
        light = easy_render.default_lighting()
        lit = lighting.sg_diffuse_inner_product(light.amplitude, light.direction, light.sharpness, torch.tensor([[0.0, 0, 1]]), right[None])
        torch.testing.assert_close(passes["diffuse"][0, 6, 11], lit[0])
        assert not passes["render"][0, 0, 0].any()

    def test_seen_from_behind(self):
        """Normals are those of the side that is seen."""
        camera, mesh = self.scene()
        behind = Camera.from_args(eye=[0.0, 0.0, -2.5], at=[0.0, 0.0, 0.0], up=[0.0, 1.0, 0.0], fov=1.0, width=16, height=12)
        for one, z in ((camera, 1), (behind, -1)):
            passes = easy_render.render_mesh(one, mesh)
            np.testing.assert_allclose(passes["normals"][passes["face_idx"] >= 0][:, 2], z, atol=1e-6)

    def test_bent_normals(self):
        """A picture of normals that lean to u: towards the tangent."""
        lean = torch.tensor([0.6, 0.0, 0.8]).expand(2, 2, 3)
        camera, mesh = self.scene(materials=[PBRMaterial(normals_texture=lean)])
        normals = easy_render.render_mesh(camera, mesh)["normals"]
        np.testing.assert_allclose(normals[0, 6, 8], [0.6, 0, 0.8], atol=1e-5)

    def test_gradient(self):
        """To the picture, the vertices, the light and the camera; by differences, of the picture and the light."""
        picture = torch.rand(4, 4, 3, requires_grad=True)
        amplitude = torch.tensor([[2.0, 1.0, 0.5]], requires_grad=True)
        camera, mesh = self.scene(materials=[PBRMaterial(diffuse_texture=picture)])
        mesh.vertices.requires_grad = True
        camera.requires_grad_(True)
        light = lighting.SgLightingParameters(amplitude, (0.3, 0.4, 1.0), 4.0)
        passes = easy_render.render_mesh(camera, mesh, light)
        weights = torch.rand(passes["render"].shape)
        (passes["render"] * weights).sum().backward()
        assert all(tensor.grad.abs().sum() > 0 for tensor in (mesh.vertices, camera.parameters()[0], camera.parameters()[1]))
        with torch.no_grad():
            for tensor, step in ((picture, torch.rand(4, 4, 3)), (amplitude, torch.rand(1, 3))):
                kept, differences = tensor.clone(), []
                for sign in (1, -1):
                    tensor.copy_(kept + sign * 0.05 * step)
                    parts = lighting.SgLightingParameters(amplitude, (0.3, 0.4, 1.0), 4.0)
                    differences.append(sign * (easy_render.render_mesh(camera, mesh, parts)["render"] * weights).sum())
                tensor.copy_(kept)
                assert (sum(differences) / 0.1).item() == pytest.approx((tensor.grad * step).sum().item(), rel=1e-3)

    def test_what_is_refused(self):
        camera, mesh = self.scene()
        with pytest.raises(ValueError, match="mesh must be one, got 2"):
            easy_render.render_mesh(camera, SurfaceMesh.cat([mesh, mesh]))
        with pytest.raises(ValueError, match="backend must be one of 'cuda', 'nvdiffrast', got 'optix'"):
            easy_render.render_mesh(camera, mesh, backend="optix")
        with pytest.raises(TypeError, match=r"materials\[0\] must be a PBRMaterial, got dict"):
            easy_render.render_mesh(camera, mesh, custom_materials=[{"Kd": (1, 0, 0)}])
        with pytest.raises(ValueError, match="material_assignments must be of all faces, got 2"):
            easy_render.render_mesh(camera, mesh, custom_material_assignments=torch.zeros(2, dtype=torch.int64))


def test_rasterize_is_where_the_original_has_it():
    from taichi_softras.interop.kaolin.render.mesh import rasterization, utils

    assert rasterization.rasterize is rasterize
    assert utils.texture_mapping.__module__.endswith("render.mesh.utils")
