"""The drop-in for Kaolin's DIB-R: names, recorded values and gradients, gradients of what goes beyond them, and the functions around.

Plan: `golden/dibr` in float64, all files; `gradcheck` of all variants on an image that is not square and a batch; textures and lights against formulas of their
own; cameras against ours; mistakes.
"""

import inspect
import json
import math
from itertools import product

import numpy as np
import pytest
import torch
from scenes import relative_error
from torch.autograd import gradcheck

from taichi_softras import Camera, Mesh
from taichi_softras.interop import kaolin
from taichi_softras.interop.kaolin.ops.mesh import face_normals, index_vertices_by_faces
from taichi_softras.interop.kaolin.render import camera
from taichi_softras.interop.kaolin.render.mesh import (
    dibr_rasterization,
    dibr_soft_mask,
    prepare_vertices,
    rasterize,
    spherical_harmonic_lighting,
    texture_mapping,
)

HEIGHT, WIDTH = 13, 21
SOFT = {"sigmainv": 200.0, "boxlen": 0.4, "knum": 3}  # what a face adds at the border of its box is too little to be seen


def tensors(case: dict, *names: str) -> list[torch.Tensor]:
    return [torch.tensor(case[name]) for name in names]


def soup(seed: int, n_images: int = 2, n_faces: int = 6, dtype: torch.dtype = torch.float64) -> tuple[torch.Tensor, ...]:
    """z, image, features and normals_z of random triangles."""
    rng = np.random.default_rng(seed)
    image = rng.uniform(-0.8, 0.8, (n_images, n_faces, 1, 2)) + rng.normal(0, 0.5, (n_images, n_faces, 3, 2))
    z, features = rng.uniform(-6, -2, (n_images, n_faces, 3)), rng.uniform(0, 1, (n_images, n_faces, 3, 5))
    return tuple(torch.tensor(values, dtype=dtype) for values in (z, image, features, rng.uniform(-0.5, 1, (n_images, n_faces))))


def mixtures(*outputs: torch.Tensor, n: int = 3) -> torch.Tensor:
    """Random mixtures of all pixels of each picture."""
    generator = torch.Generator().manual_seed(0)
    return torch.cat([torch.randn(n, tensor.numel(), dtype=tensor.dtype, generator=generator) @ tensor.flatten() for tensor in outputs])


class TestNames:
    def test_signatures(self):
        """Kaolin's arguments in Kaolin's order with Kaolin's defaults; what is more comes by name only."""
        given = {
            dibr_rasterization: "height width face_vertices_z face_vertices_image face_features face_normals_z sigmainv=7000 boxlen=0.02 knum=30 "
            "multiplier=None eps=None rast_backend=cuda",
            dibr_soft_mask: "face_vertices_image selected_face_idx sigmainv=7000 boxlen=0.02 knum=30 multiplier=1000.0",
            rasterize: "height width face_vertices_z face_vertices_image face_features valid_faces=None multiplier=None eps=None backend=cuda",
            texture_mapping: "texture_coordinates texture_maps mode=nearest",
            spherical_harmonic_lighting: "imnormal lights",
            prepare_vertices: "vertices faces camera_proj camera_rot=None camera_trans=None camera_transform=None",
            index_vertices_by_faces: "vertices_features faces",
            face_normals: "face_vertices unit=False",
            camera.rotate_translate_points: "points camera_rot camera_trans",
            camera.perspective_camera: "points camera_proj",
            camera.generate_perspective_projection: "fovyangle ratio=1.0 dtype=torch.float32",
            camera.generate_rotate_translate_matrices: "camera_position look_at camera_up_direction",
            camera.generate_transformation_matrix: "camera_position look_at camera_up_direction",
        }
        for function, expected in given.items():
            parameters = [p for p in inspect.signature(function).parameters.values() if p.kind is not p.KEYWORD_ONLY]
            assert " ".join(p.name if p.default is p.empty else f"{p.name}={p.default}" for p in parameters) == expected
        assert kaolin.render.mesh.dibr_rasterization is dibr_rasterization
        assert kaolin.ops.mesh.face_normals is face_normals

    def test_unmodified_import(self, run_python):
        program = (
            "from taichi_softras.interop.kaolin import stand_in; stand_in()\n"
            "import kaolin as kal\n"
            "from kaolin.render.mesh import dibr_rasterization\n"
            "assert kal.render.mesh.dibr_rasterization is dibr_rasterization and kal.render.camera.perspective_camera and kal.ops.mesh.face_normals\n"
        )
        run_python(program)

    def test_another_kaolin(self, run_python):
        program = (
            "import sys, types; sys.modules['kaolin'] = types.ModuleType('kaolin')\n"
            "from taichi_softras.interop.kaolin import stand_in\n"
            "try: stand_in()\n"
            "except RuntimeError as error: assert 'before anything imports kaolin' in str(error)\n"
            "else: raise SystemExit(1)\n"
        )
        run_python(program)


@pytest.fixture(scope="module")
def goldens(shared) -> dict[str, dict[str, np.ndarray]]:
    cases = {}
    for path in sorted((shared / "golden" / "dibr").glob("*.npz")):
        with np.load(path) as file:
            cases[path.name] = dict(file)
    assert len(cases) >= 16
    return cases


class TestGolden:
    def test_dibr_rasterization(self, goldens):
        for name, case in goldens.items():
            given = json.loads(str(case["params_json"]))
            z, image, features, normals_z = tensors(case, "face_vertices_z", "face_vertices_image", "face_features", "face_normals_z")
            for leaf in (z, image, features):
                leaf.requires_grad_()
            options = {key: given[key] for key in ("sigmainv", "boxlen", "knum", "multiplier", "eps")}
            got, mask, face_index = dibr_rasterization(given["height"], given["width"], z, image, features, normals_z, **options)
            assert face_index.dtype == torch.int64
            np.testing.assert_array_equal(face_index, case["face_idx"], err_msg=name)
            np.testing.assert_allclose(got.detach(), case["features"], atol=1e-9, err_msg=name)
            np.testing.assert_allclose(mask.detach(), case["soft_mask"], atol=1e-9, err_msg=name)
            upstream = tensors(case, "upstream_features", "upstream_mask")
            ((upstream[0] * got).sum() + (upstream[1] * mask).sum()).backward()
            assert relative_error(image.grad.numpy(), case["grad_face_vertices_image"]) < 1e-7, name
            assert relative_error(features.grad.numpy(), case["grad_face_features"]) < 1e-7, name
            assert not z.grad.any(), name

    def test_parts(self, goldens):
        """The foreground, with a list of features, and the mask around it; the defaults are the recorded ones (1000 and 1e-8)."""
        for case in goldens.values():
            given = json.loads(str(case["params_json"]))
            z, image, features, normals_z = tensors(case, "face_vertices_z", "face_vertices_image", "face_features", "face_normals_z")
            (left, right), face_index = rasterize(given["height"], given["width"], z, image, [features[..., :2], features[..., 2:]], normals_z >= 0)
            mask = dibr_soft_mask(image, face_index, given["sigmainv"], given["boxlen"], given["knum"])
            np.testing.assert_array_equal(face_index, case["face_idx"])
            np.testing.assert_allclose(torch.cat([left, right], -1), case["features"], atol=1e-9)
            np.testing.assert_allclose(mask, case["soft_mask"], atol=1e-9)

    def test_float32(self, goldens):
        for name, case in goldens.items():
            given = json.loads(str(case["params_json"]))
            z, image, features, normals_z = tensors(case, "face_vertices_z", "face_vertices_image", "face_features", "face_normals_z")
            image, features = image.float().requires_grad_(), features.float().requires_grad_()
            options = {key: given[key] for key in ("sigmainv", "boxlen", "knum", "multiplier", "eps")}
            got, mask, face_index = dibr_rasterization(given["height"], given["width"], z.float(), image, features, normals_z.float(), **options)
            upstream = tensors(case, "upstream_features", "upstream_mask")
            ((upstream[0].float() * got).sum() + (upstream[1].float() * mask).sum()).backward()
            np.testing.assert_array_equal(face_index, case["face_idx"], err_msg=name)
            np.testing.assert_allclose(mask.detach(), case["soft_mask"], atol=2e-4, err_msg=name)
            assert relative_error(got.detach().numpy(), case["features"]) < 1e-5, name
            assert relative_error(image.grad.numpy(), case["grad_face_vertices_image"]) < 2e-4, name
            assert relative_error(features.grad.numpy(), case["grad_face_features"]) < 1e-5, name


class TestGradients:
    @pytest.mark.parametrize(("mask_faces", "perspective"), list(product(("first", "nearest", "all"), (False, True))))
    def test_all_variants(self, mask_faces, perspective):
        """Exact, to depths too."""
        *leaves, normals_z = soup(1, n_faces=5)

        def function(z, image, features):
            choices = {"mask_faces": mask_faces, "perspective": perspective}
            got, mask, _ = dibr_rasterization(HEIGHT, WIDTH, z, image, features, normals_z, **SOFT, **choices)
            return mixtures(got, mask)

        assert gradcheck(function, [leaf.requires_grad_() for leaf in leaves], eps=1e-6, atol=2e-6, rtol=1e-5, nondet_tol=1e-9)
        gradient = torch.autograd.grad(function(*leaves).sum(), leaves)
        assert gradient[0].any().item() is perspective

    def test_a_wide_box(self):
        """Many faces count for every pixel, and knum cuts many of them off."""
        for mask_faces in ("first", "nearest", "all"):
            *leaves, normals_z = soup(3, 1, 12)
            options = {"sigmainv": 3.0, "boxlen": 9.0, "knum": 4, "mask_faces": mask_faces}

            def function(image, leaves=leaves, normals_z=normals_z, options=options):
                return mixtures(dibr_rasterization(HEIGHT, WIDTH, leaves[0], image, leaves[2], normals_z, **options)[1])

            assert gradcheck(function, [leaves[1].requires_grad_()], eps=1e-6, atol=2e-6, rtol=1e-5, nondet_tol=1e-9)

    def test_float32(self):
        for mask_faces, perspective in product(("first", "nearest", "all"), (False, True)):
            results = []
            for dtype in (torch.float32, torch.float64):
                *leaves, normals_z = soup(4, dtype=dtype)
                choices = {"mask_faces": mask_faces, "perspective": perspective}
                got, mask, _ = dibr_rasterization(HEIGHT, WIDTH, *(leaf.requires_grad_() for leaf in leaves), normals_z, **SOFT, **choices)
                (got.square().sum() + mask.square().sum()).backward()
                results.append([got, mask, *(leaf.grad for leaf in leaves)])
            for single, double in zip(*results, strict=True):
                assert (single - double).norm() <= 1e-4 * double.norm()

    def test_perspective(self):
        """A square in two triangles that leans away: the picture is that of the camera's rays, across the diagonal too; the linear one is not."""
        corners = torch.tensor([[-1.0, -1.0, -2.0], [1.0, -1.0, -2.0], [1.0, 1.0, -5.0], [-1.0, 1.0, -5.0]], dtype=torch.float64)
        faces = torch.tensor([[0, 1, 2], [0, 2, 3]])
        in_camera = corners[faces][None]
        in_image = in_camera[..., :2] / -in_camera[..., 2:]
        uv = (corners[:, :2] * 0.5 + 0.5)[faces][None]
        pictures = {}
        for perspective in (True, False):
            pictures[perspective], face_index = rasterize(HEIGHT, WIDTH, in_camera[..., 2], in_image, uv, perspective=perspective)
        seen = torch.nonzero(face_index[0] >= 0)
        assert len(seen) > 20
        x, y = (2 * seen[:, 1] + 1 - WIDTH) / WIDTH, (HEIGHT - 2 * seen[:, 0] - 1) / HEIGHT
        distance = 3.5 / (1 - 1.5 * y.double())  # of the point of the plane z = -3.5 - 1.5 y along the ray (x, y, -1)
        expected = torch.stack([x * distance, y * distance], -1) * 0.5 + 0.5
        got = {perspective: picture[0][seen[:, 0], seen[:, 1]] for perspective, picture in pictures.items()}
        torch.testing.assert_close(got[True], expected, atol=1e-6, rtol=0)  # the drop-in's pixel centres are of single precision
        assert (got[False] - expected).abs().max() > 0.1

    def test_no_gradient_wanted(self):
        z, image, features, normals_z = soup(5)
        with torch.no_grad():
            got, mask, _ = dibr_rasterization(HEIGHT, WIDTH, z, image.requires_grad_(), features, normals_z)
        assert not got.requires_grad
        assert not mask.requires_grad

    def test_strided(self):
        z, image, features, normals_z = soup(6)
        wide = torch.cat([image, z[..., None]], -1)
        expected = dibr_rasterization(HEIGHT, WIDTH, z, image, features, normals_z, **SOFT)
        got = dibr_rasterization(HEIGHT, WIDTH, wide[..., 2], wide[..., :2], features.flip(-1).flip(-1), normals_z[..., None], **SOFT)
        for a, b in zip(got, expected, strict=True):
            torch.testing.assert_close(a, b, atol=0, rtol=0)


class TestTextures:
    def picture(self) -> tuple[torch.Tensor, torch.Tensor]:
        generator = torch.Generator().manual_seed(0)
        maps = torch.rand(2, 3, 5, 7, dtype=torch.float64, generator=generator)
        return maps, torch.rand(2, 4, 6, 2, dtype=torch.float64, generator=generator) * 1.4 - 0.2

    def expected(self, maps: np.ndarray, uv: np.ndarray, nearest: bool) -> np.ndarray:
        """By the formula, point by point; texel centres at half-integers, v up, coordinates clamped, and so texels of the border."""
        colors = np.zeros((*uv.shape[:-1], maps.shape[1]))
        height, width = maps.shape[2:]
        for place in np.ndindex(*uv.shape[:-1]):
            u, v = np.clip(uv[place], 0, 1)
            x, y, picture = u * width - 0.5, (1 - v) * height - 0.5, maps[place[0]]
            if nearest:
                colors[place] = picture[:, min(max(round(y), 0), height - 1), min(max(round(x), 0), width - 1)]
                continue
            x, y = min(max(x, 0), width - 1), min(max(y, 0), height - 1)
            i, j = min(int(y), height - 2), min(int(x), width - 2)
            colors[place] = sum(
                picture[:, i + a, j + b] * (1 - abs(y - i - a)) * (1 - abs(x - j - b)) for a, b in product((0, 1), repeat=2)
            )  # fmt: skip
        return colors

    @pytest.mark.parametrize("mode", ["nearest", "bilinear"])
    def test_texture_mapping(self, mode):
        maps, uv = self.picture()
        given = uv.clone()
        expected = self.expected(maps.numpy(), uv.numpy(), mode == "nearest")
        np.testing.assert_allclose(texture_mapping(uv, maps, mode), expected, atol=1e-12)
        np.testing.assert_allclose(texture_mapping(uv.reshape(2, 24, 2), maps, mode), expected.reshape(2, 24, 3), atol=1e-12)
        assert (uv == given).all()

    def test_default_and_gradient(self):
        maps, uv = self.picture()
        torch.testing.assert_close(texture_mapping(uv, maps), texture_mapping(uv, maps, "nearest"))
        assert gradcheck(lambda uv, maps: texture_mapping(uv, maps, "bilinear"), (uv.requires_grad_(), maps.requires_grad_()))

    def test_mistakes(self):
        maps, uv = self.picture()
        with pytest.raises(ValueError, match="texture_mapping: mode must be one of 'nearest', 'bilinear', 'bicubic', got 'linear'"):
            texture_mapping(uv, maps, "linear")
        with pytest.raises(ValueError, match=r"texture_mapping: texture_coordinates must have shape \(B, h, w, 2\) with B = 2.*, got \(1, 4, 6, 2\)"):
            texture_mapping(uv[:1], maps)
        with pytest.raises(ValueError, match=r"texture_mapping: texture_maps must have shape \(B, C, H, W\), got \(3, 5, 7\)"):
            texture_mapping(uv, maps[0])


class TestLighting:
    def normals(self) -> torch.Tensor:
        directions = torch.randn(2, 3, 4, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
        return directions / directions.norm(dim=-1, keepdim=True)

    def test_bases(self):
        """Each basis by its numbers: the real spherical harmonics without sign, as far as they are right."""
        pi = math.pi
        normals = self.normals()
        x, y, z = normals.unbind(-1)
        one, two = math.sqrt(3 / (4 * pi)), math.sqrt(15 / (4 * pi))
        zonal = math.sqrt(5 / (16 * pi)) * (3 * z**2 - 1)
        constant = torch.full_like(x, math.sqrt(1 / (4 * pi)))
        expected = {
            "kaolin": [constant, one * x, one * z, one * y, two * x * y, two * y * z, zonal, two * x * z / 2**0.5, two / 2 * (x**2 - y**2) / 2**0.5],
            "standard": [
                constant, *(2 / 3 * one * k for k in (-y, z, -x)),
                two / 4 * x * y, -two / 4 * y * z, zonal / 4, -two / 4 * x * z, two / 8 * (x**2 - y**2),
            ],
            "dibr": [
                torch.full_like(x, 0.2820948), -0.325735 * y, 0.325735 * z, -0.325735 * x,
                0.2731371 * x * y, -0.2731371 * y * z, 0.1365686 * z**2 - 0.0788479, -0.1931371 * x * z, 0.1365686 * (x**2 - y**2),
            ],
        }  # fmt: skip
        for basis, functions in expected.items():
            for i, function in enumerate(functions):
                lights = torch.zeros(2, 9, dtype=torch.float64)
                lights[0, i], lights[1, i] = 1.0, -2.0
                got = spherical_harmonic_lighting(normals, lights, basis=basis)
                torch.testing.assert_close(got, function * torch.tensor([1.0, -2.0]).reshape(2, 1, 1), atol=1e-8, rtol=0)

    def test_default_and_gradient(self):
        normals, lights = self.normals(), torch.randn(2, 9, dtype=torch.float64)
        torch.testing.assert_close(spherical_harmonic_lighting(normals, lights), spherical_harmonic_lighting(normals, lights, basis="kaolin"))
        assert gradcheck(spherical_harmonic_lighting, (normals.requires_grad_(), lights.requires_grad_()))

    def test_mistakes(self):
        with pytest.raises(ValueError, match="basis must be one of 'kaolin', 'dibr', 'standard', got 'sh'"):
            spherical_harmonic_lighting(self.normals(), torch.zeros(2, 9), basis="sh")
        with pytest.raises(ValueError, match=r"lights must have shape \(B, 9\).*, got \(3, 9\)"):
            spherical_harmonic_lighting(self.normals(), torch.zeros(3, 9))
        with pytest.raises(ValueError, match=r"imnormal must have shape \(B, H, W, 3\), got \(2, 3\)"):
            spherical_harmonic_lighting(torch.zeros(2, 3), torch.zeros(2, 9))


class TestCameras:
    EYES = torch.tensor([[0.3, 1.0, 2.5], [-2.0, 0.4, 1.0]], dtype=torch.float64)
    TARGET = torch.tensor([[0.1, 0.0, -0.1]], dtype=torch.float64)
    UP = torch.tensor([[0.0, 1.0, 0.0]], dtype=torch.float64)

    def test_prepare_vertices(self):
        """As our own cameras see it."""
        mesh = Mesh.icosphere(1)
        vertices = torch.tensor(mesh.vertices, dtype=torch.float64).expand(2, -1, -1)
        faces = torch.tensor(mesh.faces)
        projection = camera.generate_perspective_projection(math.radians(49.13), 1.5, torch.float64)
        rotation, position = camera.generate_rotate_translate_matrices(self.EYES, self.TARGET, self.UP)
        in_camera, in_image, normals = prepare_vertices(vertices, faces, projection, rotation, position)
        ours = Camera.look_at(self.EYES.numpy(), self.TARGET.numpy(), fov=49.13)
        expected = np.einsum("bij,vj->bvi", ours.camera_from_world[..., :3], mesh.vertices) + ours.camera_from_world[:, None, :, 3]
        np.testing.assert_allclose(in_camera, expected[:, mesh.faces], atol=1e-9)
        focal = ours.intrinsics[0, 0]
        np.testing.assert_allclose(in_image, (expected[..., :2] / -expected[..., 2:] * [focal / 1.5, focal])[:, mesh.faces], atol=1e-9)
        np.testing.assert_allclose(normals.norm(dim=-1), 1, atol=1e-8)
        outwards = (normals * (in_camera.mean(2) - torch.tensor(ours.camera_from_world[:, None, :, 3]))).sum(-1)
        assert (outwards > 0.5).all()
        transform = camera.generate_transformation_matrix(self.EYES, self.TARGET, self.UP)
        for a, b in zip(prepare_vertices(vertices, faces, projection, camera_transform=transform), (in_camera, in_image, normals), strict=True):
            torch.testing.assert_close(a, b)

    @pytest.mark.parametrize("shape", [(-1, 3), (1, -1, 3)])
    def test_vertices_that_all_cameras_see(self, shape):
        """Without a batch, or of one: as text2mesh hands them over."""
        vertices, faces = torch.tensor(Mesh.icosphere(0).vertices, dtype=torch.float64), torch.tensor(Mesh.icosphere(0).faces)
        projection = camera.generate_perspective_projection(0.8, dtype=torch.float64)
        rotation, position = camera.generate_rotate_translate_matrices(self.EYES, self.TARGET, self.UP)
        for place in (
            {"camera_rot": rotation, "camera_trans": position},
            {"camera_transform": camera.generate_transformation_matrix(self.EYES, self.TARGET, self.UP)},
        ):
            one, each = vertices.clone().reshape(shape).requires_grad_(), vertices.expand(2, -1, -1).clone().requires_grad_()
            found, expected = (prepare_vertices(given, faces, projection, **place) for given in (one, each))
            for a, b in zip(found, expected, strict=True):
                torch.testing.assert_close(a, b)
            grads = [torch.autograd.grad(sum(value.square().sum() for value in parts), given)[0] for parts, given in ((found, one), (expected, each))]
            torch.testing.assert_close(grads[0].reshape(-1, 3), grads[1].sum(0))

    def test_a_sphere(self):
        """The whole way: half of the faces look away, and the mask is one where the sphere is."""
        mesh = Mesh.icosphere(2)
        projection = camera.generate_perspective_projection(math.radians(60))
        rotation, position = camera.generate_rotate_translate_matrices(torch.tensor([[0.0, 0.0, 3.0]]), torch.zeros(1, 3), torch.tensor([[0.0, 1.0, 0.0]]))
        vertices = torch.tensor(mesh.vertices)[None].requires_grad_()
        in_camera, in_image, normals = prepare_vertices(vertices, torch.tensor(mesh.faces), projection, rotation, position)
        _, mask, face_index = dibr_rasterization(32, 32, in_camera[..., 2], in_image, in_camera, normals[..., 2])
        radius = math.tan(math.asin(1 / 3)) / math.tan(math.radians(30))
        assert (face_index >= 0).double().mean().item() == pytest.approx(math.pi * radius**2 / 4, rel=0.1)
        assert (mask[face_index >= 0] == 1).all()
        (grown,) = torch.autograd.grad(mask.sum(), vertices)
        assert (grown * vertices).sum() > 0  # a larger sphere has a larger mask

    def test_normals(self):
        corners = torch.tensor([[[[0.0, 0.0, 0.0], [2.0, 0.0, 0.0], [0.0, 3.0, 0.0]], [[1.0, 1.0, 1.0]] * 3]])
        torch.testing.assert_close(face_normals(corners), torch.tensor([[[0.0, 0.0, 6.0], [0.0, 0.0, 0.0]]]))
        torch.testing.assert_close(face_normals(corners, unit=True), torch.tensor([[[0.0, 0.0, 1.0], [0.0, 0.0, 0.0]]]))

    def test_mistakes(self):
        vertices, faces, projection = torch.zeros(1, 4, 3), torch.tensor([[0, 1, 2]]), camera.generate_perspective_projection(1.0)
        for options in ({}, {"camera_rot": torch.eye(3)[None]}, {"camera_rot": torch.eye(3)[None], "camera_transform": torch.zeros(1, 4, 3)}):
            with pytest.raises(ValueError, match="prepare_vertices: either camera_rot and camera_trans or camera_transform must be given"):
                prepare_vertices(vertices, faces, projection, **options)
        with pytest.raises(ValueError, match="faces must index vertices 0 to 3, got 4"):
            index_vertices_by_faces(vertices, torch.tensor([[1, 2, 4]]))
        with pytest.raises(TypeError, match=r"faces must be integers, got torch.float32"):
            index_vertices_by_faces(vertices, torch.zeros(1, 3))
        with pytest.raises(ValueError, match=r"face_vertices must have shape \(B, F, 3, 3\), got \(1, 2, 4, 3\)"):
            face_normals(torch.zeros(1, 2, 4, 3))
        with pytest.raises(ValueError, match=r"fovyangle must be a finite number between 0 and 3.14"):
            camera.generate_perspective_projection(49.13)


class TestBadInput:
    def call(self, **changed):
        z, image, features, normals_z = soup(7)
        arguments = {"height": 4, "width": 5, "face_vertices_z": z, "face_vertices_image": image, "face_features": features, "face_normals_z": normals_z}
        return dibr_rasterization(**(arguments | changed))

    @pytest.mark.parametrize(
        ("changed", "error", "words"),
        [
            ({"height": 0}, ValueError, "height must be between 1 and 16384, got 0"),
            ({"width": 5.0}, TypeError, "width must be a whole number, got 5.0"),
            ({"face_vertices_z": torch.zeros(2, 6, 2).double()}, ValueError, r"face_vertices_z must have shape \(B, F, 3\), got \(2, 6, 2\)"),
            ({"face_vertices_image": torch.zeros(2, 5, 3, 2).double()}, ValueError, r"face_vertices_image must have shape .* F = 6.*, got \(2, 5, 3, 2\)"),
            ({"face_features": torch.zeros(2, 6, 4).double()}, ValueError, r"face_features must have shape \(B, F, 3, D\).*, got \(2, 6, 4\)"),
            ({"face_features": torch.zeros(2, 6, 3, 0).double()}, ValueError, "face_features must have at least one channel"),
            ({"face_features": []}, ValueError, "face_features must be at least one, got none"),
            ({"face_features": [torch.zeros(2, 6, 3, 1)]}, TypeError, r"face_features\[0\] must have the dtype of face_vertices_z .*, got torch.float32"),
            ({"face_vertices_z": [1.0]}, TypeError, "face_vertices_z must be a torch.Tensor, got list"),
            ({"face_normals_z": torch.zeros(2, 5)}, ValueError, r"face_normals_z must have shape \(B, F\) with B = 2, F = 6, got \(2, 5\)"),
            ({"rast_backend": "opengl"}, ValueError, "rast_backend must be one of 'cuda', 'nvdiffrast', 'nvdiffrast_fwd', got 'opengl'"),
            ({"mask_faces": "last"}, ValueError, "mask_faces must be one of 'first', 'nearest', 'all', got 'last'"),
            ({"multiplier": 0.0}, ValueError, "multiplier must be a finite number"),
            ({"eps": -1e-8}, ValueError, "eps must be a finite number"),
            ({"knum": 0}, ValueError, "knum must be between 1 and"),
            ({"sigmainv": -1}, ValueError, "sigmainv must be a finite number"),
        ],
    )
    def test_dibr_rasterization(self, changed, error, words):
        with pytest.raises(error, match=words):
            self.call(**changed)

    def test_no_numbers(self):
        _, image, _, _ = soup(7)
        image[1, 2, 0, 1] = torch.nan
        with pytest.raises(ValueError, match="dibr_rasterize: vertices must be finite, got NaN or infinity in face 8 of the batch"):
            self.call(face_vertices_image=image)

    def test_no_faces(self):
        with pytest.raises(ValueError, match="rasterize: there must be at least one face"):
            rasterize(4, 5, torch.zeros(1, 0, 3), torch.zeros(1, 0, 3, 2), torch.zeros(1, 0, 3, 1))

    def test_rasterize(self):
        z, image, features, _ = soup(7)
        with pytest.raises(ValueError, match=r"rasterize: valid_faces must have shape \(2, 6\), got \(6,\)"):
            rasterize(4, 5, z, image, features, torch.ones(6, dtype=torch.bool))
        with pytest.raises(ValueError, match=r"rasterize: backend must be one of .*, got 'cpu'"):
            rasterize(4, 5, z, image, features, backend="cpu")

    def test_dibr_soft_mask(self):
        _, image, _, _ = soup(7)
        with pytest.raises(ValueError, match=r"dibr_soft_mask: selected_face_idx must have shape \(B, H, W\) with B = 2, got \(1, 4, 5\)"):
            dibr_soft_mask(image, torch.zeros(1, 4, 5, dtype=torch.int64))
        with pytest.raises(TypeError, match=r"dibr_soft_mask: selected_face_idx must be integers, got torch.float32"):
            dibr_soft_mask(image, torch.zeros(2, 4, 5))
        with pytest.raises(ValueError, match=r"dibr_soft_mask: face_vertices_image must have shape \(B, F, 3, 2\), got \(2, 6, 3\)"):
            dibr_soft_mask(image[..., 0], torch.zeros(2, 4, 5, dtype=torch.int64))

    def test_a_tiny_eps(self):
        """Smaller than single precision can square."""
        z, image, features, normals_z = soup(7, dtype=torch.float32)
        got, _, _ = self.call(face_vertices_z=z, face_vertices_image=image.requires_grad_(), face_features=features, face_normals_z=normals_z, eps=1e-30)
        got.sum().backward()
        assert got.isfinite().all()
        assert image.grad.isfinite().all()
