"""Shading and normals: what they compute, on Taichi's arrays and through torch, and what they refuse.

Plan: every model against its formula, written here in NumPy point by point and light by light; the spherical harmonics against SciPy's, and against an
integral over the sphere; images with different lights, per row and as pictures; normals against trimesh's; places where something has no length; the tape;
wrong input. (Gradients against finite differences are in `interop/test_lighting_gradcheck.py`.)
"""

from types import SimpleNamespace

import numpy as np
import pytest
import scipy.special
import torch
import trimesh

from taichi_softras import FieldArrays, Mesh, TaichiArrays, Topology, lighting
from taichi_softras.engine.lighting import AmbientLight, DirectionalLight, Material, PointLight, SHBasis, Specular, SphericalHarmonics
from taichi_softras.interop import lighting as torch_lighting
from taichi_softras.language import ti

B, L, N = 2, 3, 14
SHAPES = {"rows": (N, 3), "pictures": (B, 3, 5, 3)}


def unit(v: np.ndarray) -> np.ndarray:
    return v / np.linalg.norm(v)


@pytest.fixture(params=SHAPES)
def scene(request) -> SimpleNamespace:
    """A surface with all there is to light it, different in both images."""
    rng = np.random.default_rng(5)
    shape = SHAPES[request.param]
    rows = request.param == "rows"
    return SimpleNamespace(
        albedo=rng.uniform(0.1, 1, shape),
        normals=rng.normal(size=shape),
        positions=rng.normal(0, 0.3, shape),
        eye=rng.normal(0, 2, (B, 3)),
        color=rng.uniform(0.1, 1, (B, L, 3)),
        direction=rng.normal(size=(B, L, 3)),
        position=rng.normal(0, 2, (B, L, 3)),
        attenuation=rng.uniform(0.1, 1, (B, L, 3)),
        coefficients=rng.normal(size=(B, 9, 3)),
        material={name: rng.uniform(size=(B, 3)) for name in ("ambient", "diffuse", "specular")} | {"shininess": np.array([4.0, 9.0])},
        row_image=rng.integers(0, B, N) if rows else None,
        images=None,
        mask=rng.uniform(0, 1, shape[:-1]),
    )  # fmt: skip


def tensors(values):
    if isinstance(values, dict):
        return {name: tensors(value) for name, value in values.items()}
    return torch.tensor(values)


def by_point(scene, function) -> np.ndarray:
    """function(image, albedo, normal, position, mask) at every point."""
    pictures = scene.albedo.ndim == 4
    images = np.broadcast_to(np.arange(B)[:, None, None], scene.albedo.shape[:-1]).ravel() if pictures else scene.row_image
    flat = [getattr(scene, name).reshape(-1, 3) for name in ("albedo", "normals", "positions")]
    points = [function(b, a, unit(n), p, m) for b, a, n, p, m in zip(images, *flat, scene.mask.ravel(), strict=True)]
    return np.reshape(points, scene.albedo.shape)


def highlight(specular: Specular, n, l, e, s) -> float:
    """Phong's and Blinn's, without a floor."""
    if specular is Specular.NONE:
        return 0.0
    cosine = (2 * (n @ l) * n - l) @ e if specular is Specular.PHONG else n @ unit(l + e)
    return max(cosine, 0.0) ** s


def direct(scene, specular: Specular, point: bool) -> np.ndarray:
    """(Kd T max(n.l, 0) + Ks highlight) Lc attenuation, light by light."""

    def function(b, albedo, n, p, _):
        total = np.zeros(3)
        for j in range(L):
            to_light = scene.position[b, j] - p if point else scene.direction[b, j]
            d = np.linalg.norm(to_light)
            strength = 1 / (scene.attenuation[b, j] @ [1, d, d * d]) if point else 1.0
            l, e = unit(to_light), unit(scene.eye[b] - p)
            shine = highlight(specular, n, l, e, scene.material["shininess"][b])
            both = scene.material["diffuse"][b] * albedo * max(n @ l, 0.0) + scene.material["specular"][b] * shine
            total += both * scene.color[b, j] * strength
        return total

    return by_point(scene, function)


def shade(scene, lights, specular: Specular = Specular.NONE) -> np.ndarray:
    material = Material(**tensors(scene.material))
    surface = [tensors(x) for x in (scene.albedo, scene.normals, scene.positions, scene.eye)]
    return torch_lighting.shade(*surface, lights=lights, material=material, specular=specular, row_image=scene.row_image).numpy()


def point_lights(scene) -> PointLight:
    return PointLight(position=tensors(scene.position), color=tensors(scene.color), attenuation=tensors(scene.attenuation))


def directional_lights(scene) -> DirectionalLight:
    return DirectionalLight(direction=tensors(scene.direction), color=tensors(scene.color))


class TestModels:
    """Two images with different lights, three lights in each."""

    def test_ambient(self, scene):
        expected = by_point(scene, lambda b, albedo, n, p, m: scene.material["ambient"][b] * albedo * scene.color[b].sum(0))
        np.testing.assert_allclose(shade(scene, AmbientLight(color=tensors(scene.color))), expected, rtol=1e-12)

    @pytest.mark.parametrize("specular", Specular)
    def test_directional(self, scene, specular):
        np.testing.assert_allclose(shade(scene, directional_lights(scene), specular), direct(scene, specular, point=False), rtol=1e-9, atol=1e-15)

    @pytest.mark.parametrize("specular", Specular)
    def test_point(self, scene, specular):
        np.testing.assert_allclose(shade(scene, point_lights(scene), specular), direct(scene, specular, point=True), rtol=1e-9, atol=1e-15)

    @pytest.mark.parametrize("basis", SHBasis)
    @pytest.mark.parametrize("colors", [1, 3])
    def test_spherical_harmonics(self, scene, basis, colors):
        coefficients = scene.coefficients[..., :colors]
        functions = scipy_basis if basis is SHBasis.STANDARD else dibr_basis
        expected = by_point(scene, lambda b, albedo, n, p, m: scene.material["diffuse"][b] * albedo * (functions(n) @ coefficients[b]))
        light = SphericalHarmonics(coefficients=tensors(coefficients), basis=basis)
        np.testing.assert_allclose(shade(scene, light), expected, rtol=1e-12, atol=1e-14)

    def test_all_at_once(self, scene):
        """What several lights do adds up."""
        lights = [point_lights(scene), AmbientLight(color=0.3), directional_lights(scene), SphericalHarmonics(coefficients=scene.coefficients)]
        together = shade(scene, lights, Specular.BLINN_PHONG)
        np.testing.assert_allclose(together, sum(shade(scene, light, Specular.BLINN_PHONG) for light in lights), rtol=1e-12, atol=1e-14)

    def test_dibr_phong(self, scene):
        """Twice as bright as it should be, so that both clamps are met."""
        k = {name: 2 * values for name, values in scene.material.items()}

        def function(b, albedo, n, p, mask):
            l, e = unit(scene.direction[b, 0]), unit(scene.eye[b] - p)
            c = np.clip(n @ l, 0, 1)
            a = np.clip((2 * c * n - l) @ e, 1e-5, 1) ** k["shininess"][b]
            return np.clip(((k["ambient"][b] + k["diffuse"][b] * c) * albedo + k["specular"][b] * a) * mask, 0, 1)

        surface = [tensors(x) for x in (scene.albedo, scene.normals, scene.positions, scene.eye, scene.direction[:, 0])]
        got = torch_lighting.shade_dibr_phong(*surface, material=Material(**tensors(k)), mask=tensors(scene.mask), row_image=scene.row_image).numpy()
        np.testing.assert_allclose(got, by_point(scene, function), rtol=1e-9)
        assert (got == 1).any()
        assert (got < 1).any()

    def test_dibr_phong_without_mask(self, scene):
        surface = [tensors(x) for x in (scene.albedo, scene.normals, scene.positions, scene.eye, scene.direction[:, 0])]
        ones = torch.ones(scene.mask.shape, dtype=torch.float64)
        assert torch.equal(*(torch_lighting.shade_dibr_phong(*surface, mask=mask, row_image=scene.row_image) for mask in (ones, None)))


def scipy_basis(n: np.ndarray) -> np.ndarray:
    """A_l/pi Y_lm: sqrt(2) times the real (m > 0) or imaginary (m < 0) part of SciPy's complex harmonics, which have the Condon-Shortley phase."""
    theta, phi = np.arccos(n[2]), np.arctan2(n[1], n[0])
    out = []
    for degree, lobe in enumerate((np.pi, 2 * np.pi / 3, np.pi / 4)):
        for m in range(-degree, degree + 1):
            y = scipy.special.sph_harm_y(degree, abs(m), theta, phi)
            out.append(lobe / np.pi * (y.real if m == 0 else np.sqrt(2) * (y.real if m > 0 else y.imag)))
    return np.array(out)


def dibr_basis(n: np.ndarray) -> np.ndarray:
    """The constants as its authors published them."""
    x, y, z = n
    return np.array([
        0.2820948, -0.325735 * y, 0.325735 * z, -0.325735 * x, 0.2731371 * x * y, -0.2731371 * y * z,
        0.1365686 * z * z - 0.0788479, -0.1931371 * x * z, 0.1365686 * (x * x - y * y),
    ])  # fmt: skip


class TestSphericalHarmonics:
    def test_irradiance_over_pi(self):
        """Coefficients of a radiance (itself of degree two) give the integral over the sphere of radiance times max(n.w, 0), over pi."""
        rng = np.random.default_rng(2)
        n, coefficients = rng.normal(size=(5, 3)), rng.normal(size=9)
        z, weights = np.polynomial.legendre.leggauss(400)
        phi = np.arange(400) * 2 * np.pi / 400
        w = np.stack([np.outer(np.sqrt(1 - z * z), np.cos(phi)), np.outer(np.sqrt(1 - z * z), np.sin(phi)), np.outer(z, np.ones(400))], -1)
        theta, azimuth = np.arccos(w[..., 2]), np.arctan2(w[..., 1], w[..., 0])
        radiance = np.zeros(w.shape[:-1])
        for c, (degree, m) in zip(coefficients, [(d, m) for d in range(3) for m in range(-d, d + 1)], strict=True):
            y = scipy.special.sph_harm_y(degree, abs(m), theta, azimuth)
            radiance += c * (y.real if m == 0 else np.sqrt(2) * (y.real if m > 0 else y.imag))
        solid_angle = (weights * 2 * np.pi / 400)[:, None]
        expected = [(radiance * np.maximum(w @ unit(v), 0) * solid_angle).sum() / np.pi for v in n]
        got = torch_lighting.shade(torch.ones(5, 3).double(), torch.tensor(n), lights=SphericalHarmonics(coefficients=coefficients))
        np.testing.assert_allclose(got.numpy(), np.tile(np.array(expected)[:, None], 3), atol=1e-4)

    def test_radiance_one_from_everywhere(self):
        light = SphericalHarmonics(coefficients=[np.sqrt(4 * np.pi), *[0.0] * 8])
        got = torch_lighting.shade(torch.ones(4, 3), torch.randn(4, 3), lights=light)
        np.testing.assert_allclose(got, 1.0, rtol=1e-6)

    @pytest.mark.parametrize("shape", [(9,), (1, 9), (9, 1), (1, 9, 1)])
    @pytest.mark.parametrize("convert", [np.asarray, torch.tensor])
    def test_shapes_of_white_light(self, shape, convert):
        values = np.random.default_rng(0).normal(size=9)
        surface = torch.rand(4, 3).double(), torch.randn(4, 3).double()
        expected = torch_lighting.shade(*surface, lights=SphericalHarmonics(coefficients=np.tile(values[:, None], 3)))
        got = torch_lighting.shade(*surface, lights=SphericalHarmonics(coefficients=convert(values.reshape(shape))))
        torch.testing.assert_close(got, expected)


class TestSharing:
    """One light, one material, one eye for all images; one colour for all lights."""

    def test_constants(self):
        rng = np.random.default_rng(8)
        surface = [torch.tensor(rng.normal(size=(B, 2, 3, 3))) for _ in range(3)]
        eye, position, color, attenuation = np.array([1.0, 2.0, 3.0]), rng.normal(size=(L, 3)), np.array([0.2, 0.4, 0.6]), np.array([0.5, 0.1, 0.2])
        small = shade_points(surface, eye, position, color, attenuation, 0.5, 3.0)
        full = shade_points(
            surface, np.tile(eye, (B, 1)), np.tile(position, (B, 1, 1)), np.tile(color, (B, L, 1)), np.tile(attenuation, (B, L, 1)),
            np.full((B, 3), 0.5), np.full(B, 3.0),
        )  # fmt: skip
        torch.testing.assert_close(small, full)
        as_tensors = shade_points(surface, *(torch.tensor(x) for x in (eye, position, color, attenuation, np.full(3, 0.5), np.array(3.0))))
        torch.testing.assert_close(as_tensors, full)

    def test_rows_share_what_there_is_one_of(self):
        """Without `row_image` all rows are of one image."""
        rng = np.random.default_rng(9)
        surface = [torch.tensor(rng.normal(size=(6, 3))) for _ in range(2)]
        light = DirectionalLight(direction=rng.normal(size=(1, 2, 3)))
        torch.testing.assert_close(
            torch_lighting.shade(*surface, lights=light), torch_lighting.shade(*surface, lights=light, row_image=torch.tensor([0, 4, 1, 1, 0, 2]))
        )


def shade_points(surface, eye, position, color, attenuation, grey, shininess) -> torch.Tensor:
    light = PointLight(position=position, color=color, attenuation=attenuation)
    return torch_lighting.shade(*surface, eye, lights=light, material=Material(diffuse=grey, specular=grey, shininess=shininess), specular=Specular.PHONG)


class TestDegenerate:
    """Finite values and gradients where something has no length, for float32."""

    @pytest.mark.parametrize("specular", Specular)
    def test_no_normal_no_distance(self, specular):
        """A normal of zero, a light at the surface, an eye at the surface, light and eye opposite, cosines of exactly zero."""
        normals = torch.tensor([[0.0, 0, 0], [0, 0, 1], [0, 0, 1], [0, 0, 1], [1, 0, 0], [0, 0, -1], [1e-25, 0, 0]], requires_grad=True)
        positions = torch.tensor([[0.0, 0, 0], [0, 0, 2], [0, 0, -3], [0, 0, 0], [0, 0, 0], [0, 0, 0], [0, 0, 0]], requires_grad=True)
        parameters = [torch.tensor(x, requires_grad=True) for x in ([0.0, 0, 2], [1.0, 1, 1], [0.0, 0, 1], [0.0, 0, -3], [0.5])]
        position, color, attenuation, eye, shininess = parameters
        lights = [PointLight(position=position, color=color, attenuation=attenuation), DirectionalLight(direction=position)]
        lights.append(SphericalHarmonics(coefficients=range(1, 10)))
        got = torch_lighting.shade(torch.ones(7, 3), normals, positions, eye, lights=lights, material=Material(shininess=shininess), specular=specular)
        got.sum().backward()
        for tensor in (got, normals.grad, positions.grad, *(p.grad for p in parameters if p.grad is not None)):
            assert tensor.isfinite().all()
        assert (normals.grad[[0, 6]] == 0).all()

    def test_inverse_square_at_the_light(self):
        light = PointLight(position=(0, 0, 0), attenuation=(0, 0, 1))
        positions = torch.zeros(1, 3, requires_grad=True)
        got = torch_lighting.shade(torch.ones(1, 3), torch.ones(1, 3), positions, lights=light)
        got.sum().backward()
        assert got.isfinite().all()
        assert positions.grad.isfinite().all()

    def test_dibr_clamps_like_torch(self):
        """At exactly 0, where the mask is, the gradient of the mask goes through; above 1 none does."""
        mask = torch.tensor([0.0, 0.5, 3.0], requires_grad=True)
        normals, zero = torch.tensor([[0.0, 0, 1]]).expand(3, 3), torch.zeros(3, 3)
        material = Material(ambient=0.0, diffuse=0.8, specular=0.0)
        torch_lighting.shade_dibr_phong(torch.ones(3, 3), normals, zero, (0, 0, 1), (0, 0, 1), material=material, mask=mask).sum().backward()
        torch.testing.assert_close(mask.grad, torch.tensor([2.4, 2.4, 0.0]))

    @pytest.mark.parametrize("function", [torch_lighting.vertex_normals, torch_lighting.face_normals], ids=lambda function: function.__name__)
    def test_faces_without_area(self, function):
        """A face that is a line, one that is a point, and a vertex without a face."""
        vertices = torch.tensor([[0.0, 0, 0], [1, 0, 0], [2, 0, 0], [5, 5, 5], [0, 1, 0], [7, 7, 7], [7, 7, 7]], requires_grad=True)
        normals = function(vertices, [[0, 1, 2], [5, 6, 5], [0, 1, 4]])
        (normals * torch.arange(3)).sum().backward()
        assert normals.isfinite().all()
        assert vertices.grad.isfinite().all()
        assert (vertices.grad[[3, 5, 6]] == 0).all()
        lengths = normals.norm(dim=1).tolist()
        assert lengths == ([1, 1, 0, 0, 1, 0, 0] if len(normals) == 7 else [0, 0, 1])

    def test_small_meshes_have_normals(self):
        """Faces of an area of 1e-9, in float32."""
        sphere = Mesh.icosphere(2)
        got = torch_lighting.vertex_normals(torch.tensor(sphere.vertices * 2e-4), sphere.faces)
        np.testing.assert_allclose(got, torch_lighting.vertex_normals(torch.tensor(sphere.vertices), sphere.faces), atol=1e-5)


MESHES = {
    "closed": (Mesh.icosphere(1).vertices + np.random.default_rng(7).normal(0, 0.1, (42, 3)), Mesh.icosphere(1).faces),
    "open": (np.random.default_rng(8).normal(size=(6, 3)), np.array([[0, 1, 2], [1, 3, 2], [2, 3, 4], [5, 4, 3]])),
}


class TestNormals:
    @pytest.mark.parametrize(("vertices", "faces"), MESHES.values(), ids=MESHES)
    def test_as_trimesh(self, vertices, faces):
        mesh = trimesh.Trimesh(vertices, faces, process=False)
        np.testing.assert_allclose(torch_lighting.face_normals(torch.tensor(vertices), faces), mesh.face_normals, atol=1e-12)
        expected = trimesh.geometry.weighted_vertex_normals(len(vertices), faces, mesh.face_normals, mesh.area_faces[:, None] * np.ones((1, 3)), use_loop=True)
        np.testing.assert_allclose(torch_lighting.vertex_normals(torch.tensor(vertices), faces), expected, atol=1e-12)

    def test_outwards(self):
        sphere = Mesh.icosphere(3)
        got = torch_lighting.vertex_normals(torch.tensor(sphere.vertices), sphere.faces)
        np.testing.assert_allclose(got, sphere.vertices, atol=2e-2)

    def test_batches(self):
        """The same faces with other vertices; and meshes of different size."""
        vertices, faces = MESHES["closed"]
        both = torch.tensor(np.stack([vertices, vertices * [1.0, 2.0, 3.0]]))
        for function, n in ((torch_lighting.vertex_normals, 42), (torch_lighting.face_normals, 80)):
            got = function(both, torch.tensor(faces))
            assert got.shape == (2, n, 3)
            torch.testing.assert_close(got, torch.stack([function(v, faces) for v in both]))
        small, small_faces = MESHES["open"]
        topology = Topology.batch([faces, small_faces], [42, 6])
        got = torch_lighting.vertex_normals(torch.tensor(np.concatenate([vertices, small])), topology)
        expected = [torch_lighting.vertex_normals(torch.tensor(v), f) for v, f in MESHES.values()]
        torch.testing.assert_close(got, torch.cat(expected))


@ti.kernel
def square_sum(values: ti.types.ndarray(dtype=ti.f32, ndim=2), loss: ti.types.ndarray(dtype=ti.f32, ndim=1)):
    for i in range(values.shape[0]):
        for k in ti.static(range(3)):
            loss[0] += values[i, k] * values[i, k]


class TestTape:
    def test_from_vertices_to_colors(self):
        """Normals, then two kinds of light, on ti.ndarray: the torch layer's gradients."""
        rng = np.random.default_rng(4)
        vertices, faces = MESHES["closed"]
        given = {"vertices": vertices, "albedo": rng.uniform(size=(42, 3)), "position": rng.normal(0, 3, (1, 2, 3)), "eye": np.array([[0.0, 1.0, 4.0]])}
        given |= {"shininess": np.array([5.0]), "coefficients": rng.normal(size=(1, 9, 1))}

        def lights(position, coefficients):
            return PointLight(position=position, color=(0.5, 0.6, 0.7)), SphericalHarmonics(coefficients=coefficients)

        arrays = TaichiArrays()
        p = {name: arrays.parameter(values) for name, values in given.items()}
        loss = arrays.parameter(np.zeros(1))
        with ti.ad.Tape(loss):
            normals = lighting.vertex_normals(arrays, p["vertices"], faces)
            color = lighting.shade(
                arrays, p["albedo"], normals, p["vertices"], p["eye"],
                lights=lights(p["position"], p["coefficients"]), material=Material(shininess=p["shininess"]), specular=Specular.BLINN_PHONG,
            )  # fmt: skip
            square_sum(color, loss)
        t = {name: torch.tensor(values, requires_grad=True) for name, values in given.items()}
        normals = torch_lighting.vertex_normals(t["vertices"], faces)
        material = Material(shininess=t["shininess"])
        expected = torch_lighting.shade(
            t["albedo"], normals, t["vertices"], t["eye"], lights=lights(t["position"], t["coefficients"]), material=material, specular=Specular.BLINN_PHONG
        )
        expected.square().sum().backward()
        np.testing.assert_allclose(color.to_numpy(), expected.detach(), rtol=1e-4, atol=1e-5)
        for name in given:
            want = t[name].grad.numpy()
            assert np.abs(p[name].grad.to_numpy() - want).max() < 1e-4 * np.abs(want).max(), name
            assert np.abs(want).max() > 1e-3, name


@ti.kernel
def field_square_sum(values: ti.template(), loss: ti.template()):
    for i, k in values:
        loss[None] += values[i, k] * values[i, k]


class TestFields:
    """`ti.field`: what Vulkan and Metal run on."""

    def test_from_vertices_to_colors(self):
        sphere, arrays = Mesh.icosphere(0), FieldArrays()
        vertices, position = arrays.parameter(sphere.vertices), arrays.parameter(np.array([[[1.0, 2.0, 3.0]]]))
        loss = ti.field(ti.f32, (), needs_grad=True)
        with ti.ad.Tape(loss):
            normals = lighting.vertex_normals(arrays, vertices, sphere.faces)
            light = PointLight(position=position)
            color = lighting.shade(arrays, np.ones((12, 3)), normals, vertices, (0, 0, 3), lights=light, specular=Specular.PHONG)
            field_square_sum(color, loss)
        v, p = torch.tensor(sphere.vertices, requires_grad=True), torch.tensor([1.0, 2.0, 3.0], requires_grad=True)
        normals = torch_lighting.vertex_normals(v, sphere.faces)
        expected = torch_lighting.shade(torch.ones(12, 3), normals, v, (0, 0, 3), lights=PointLight(position=p), specular=Specular.PHONG)
        expected.square().sum().backward()
        np.testing.assert_allclose(color.to_numpy(), expected.detach(), rtol=1e-4, atol=1e-6)
        np.testing.assert_allclose(position.grad.to_numpy()[0, 0], p.grad, rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(vertices.grad.to_numpy(), v.grad, rtol=1e-4, atol=1e-4)


class TestModule:
    def test_learns_the_light(self):
        """Its parameters are those among the numbers that are parameters."""
        generator = torch.Generator().manual_seed(0)
        albedo, normals = torch.rand(50, 3, generator=generator), torch.randn(50, 3, generator=generator)
        direction = torch.tensor([0.3, 0.8, -0.5])
        target = torch_lighting.shade(albedo, normals, lights=DirectionalLight(direction=direction))
        shading = torch_lighting.Shading(DirectionalLight(direction=torch.nn.Parameter(torch.tensor([0.0, 0.5, 1.0]))))
        assert list(dict(shading.named_parameters())) == ["lights_0_direction"]
        assert "DirectionalLight" in repr(shading)
        optimizer = torch.optim.Adam(shading.parameters(), lr=0.05)
        for _ in range(150):
            optimizer.zero_grad()
            (shading(albedo, normals) - target).square().mean().backward()
            optimizer.step()
        found = next(iter(shading.parameters())).detach()
        assert torch.cosine_similarity(found, direction, dim=0) > 0.9999


ROWS, PICTURES = torch.ones(4, 3), torch.ones(2, 4, 5, 3)
SUN = DirectionalLight()


class TestBadInput:
    @pytest.mark.parametrize("shape", [(4,), (4, 2), (2, 4, 3), (2, 4, 5, 4), ()])
    def test_albedo(self, shape):
        with pytest.raises(ValueError, match=r"shade: albedo must have shape \((N|B, H, W), 3\), got \("):
            torch_lighting.shade(torch.ones(shape), ROWS, lights=SUN)

    def test_no_points(self):
        with pytest.raises(ValueError, match="shade: albedo must have at least one point"):
            torch_lighting.shade(torch.ones(0, 3), torch.ones(0, 3), lights=SUN)

    def test_normals_and_positions(self):
        with pytest.raises(ValueError, match=r"shade: normals must have shape \(4, 3\), got \(5, 3\)"):
            torch_lighting.shade(ROWS, torch.ones(5, 3), lights=SUN)
        with pytest.raises(ValueError, match=r"shade: positions must have shape \(4, 3\), got \(3,\)"):
            torch_lighting.shade(ROWS, ROWS, torch.ones(3), lights=SUN)

    def test_what_is_needed(self):
        with pytest.raises(ValueError, match="shade: positions must be given for PointLight, got None"):
            torch_lighting.shade(ROWS, ROWS, lights=PointLight(position=(0, 0, 1)))
        with pytest.raises(ValueError, match="shade: eye must be given for highlights, got None"):
            torch_lighting.shade(ROWS, ROWS, ROWS, lights=SUN, specular=Specular.PHONG)

    def test_lights(self):
        with pytest.raises(ValueError, match="shade: lights must be at least one, got none"):
            torch_lighting.shade(ROWS, ROWS, lights=[])
        with pytest.raises(TypeError, match=r"shade: lights\[0\] must be an AmbientLight, .* got str"):
            torch_lighting.shade(ROWS, ROWS, lights=["sun"])
        with pytest.raises(TypeError, match=r"shade: specular must be one of Specular.NONE, .* got 'phong'"):
            torch_lighting.shade(ROWS, ROWS, lights=SUN, specular="phong")
        with pytest.raises(ValueError, match=r"shade: lights\[0\] must have as many of each \(or one\), got direction \(1, 2, 3\), color \(1, 3, 3\)"):
            torch_lighting.shade(ROWS, ROWS, lights=DirectionalLight(direction=np.ones((2, 3)), color=np.ones((3, 3))))

    def test_images(self):
        with pytest.raises(ValueError, match=r"shade: lights\[0\].color must be one for all, or those of 2 images, got shape \(3, 1, 3\)"):
            torch_lighting.shade(PICTURES, PICTURES, lights=AmbientLight(color=np.ones((3, 1, 3))))
        with pytest.raises(ValueError, match=r"must be one for all, or those of 1 images, got shape \(2, 1, 3\)"):
            torch_lighting.shade(ROWS, ROWS, lights=AmbientLight(color=np.ones((2, 1, 3))))
        with pytest.raises(ValueError, match=r"must be one for all, or those of more than 2 images, got shape \(2, 1, 3\)"):
            torch_lighting.shade(ROWS, ROWS, lights=AmbientLight(color=np.ones((2, 1, 3))), row_image=[0, 1, 2, 0])
        with pytest.raises(ValueError, match=r"must be one for all, or those of 3 images, got shape \(2,\)"):
            torch_lighting.shade(ROWS, ROWS, ROWS, np.ones((3, 3)), lights=SUN, material=Material(shininess=[1.0, 2.0]), row_image=[0, 1, 1, 0])

    def test_row_image(self):
        with pytest.raises(ValueError, match=r"shade: row_image must have shape \(4\), got \(3,\)"):
            torch_lighting.shade(ROWS, ROWS, lights=SUN, row_image=[0, 0, 0])
        with pytest.raises(TypeError, match="shade: row_image must be integers, got float32"):
            torch_lighting.shade(ROWS, ROWS, lights=SUN, row_image=torch.zeros(4))
        with pytest.raises(ValueError, match="shade: row_image must not be negative, got -1"):
            torch_lighting.shade(ROWS, ROWS, lights=SUN, row_image=[0, 0, -1, 0])
        with pytest.raises(ValueError, match="shade: row_image must be None for pictures"):
            torch_lighting.shade(PICTURES, PICTURES, lights=SUN, row_image=[0, 1])

    @pytest.mark.parametrize(
        ("make", "sentence"),
        [
            (lambda: AmbientLight(color=(1, 1)), r"AmbientLight: color must have shape \(3\), got \(2,\)"),
            (lambda: AmbientLight(color=torch.ones(())), r"AmbientLight: color must have shape \(3\), got \(\)"),
            (lambda: DirectionalLight(direction=1.0), r"DirectionalLight: direction must have shape \(3\), got \(\)"),
            (lambda: AmbientLight(color=torch.ones(1, 1, 1, 3)), r"AmbientLight: color must have shape \(B, L, 3\), got \(1, 1, 1, 3\)"),
            (lambda: AmbientLight(color=(1, np.nan, 1)), r"AmbientLight: color must be finite, got nan at \(1,\)"),
            (lambda: DirectionalLight(direction=(0, 0, 0)), r"DirectionalLight: direction must have a length, got \(0, 0, 0\)"),
            (lambda: PointLight(position=(0, 0, 0), attenuation=(1, -1, 0)), "PointLight: attenuation must have no negative number"),
            (lambda: PointLight(position=(0, 0, 0), attenuation=(0, 0, 0)), "PointLight: attenuation must have no negative number, and one that is positive"),
            (lambda: SphericalHarmonics(coefficients=np.ones(8)), r"SphericalHarmonics: coefficients must have shape .*, got \(8,\)"),
            (lambda: SphericalHarmonics(coefficients=np.ones((9, 2))), r"SphericalHarmonics: coefficients must have shape .*, got \(9, 2\)"),
            (lambda: SphericalHarmonics(coefficients=torch.ones(3, 9, 9)), r"SphericalHarmonics: coefficients must have shape .*, got \(3, 9, 9\)"),
            (lambda: Material(shininess=-1.0), "Material: shininess must not be negative, got -1"),
            (lambda: Material(diffuse=(1, 1, 1, 1)), r"Material: diffuse must have shape \(3\), got \(4,\)"),
        ],
    )  # fmt: skip
    def test_values(self, make, sentence):
        with pytest.raises(ValueError, match=sentence):
            make()

    def test_types(self):
        with pytest.raises(TypeError, match="Material: shininess must be numbers, got 'high'"):
            Material(shininess="high")
        with pytest.raises(TypeError, match=r"SphericalHarmonics: basis must be one of SHBasis.STANDARD, SHBasis.DIBR, got 'dibr'"):
            SphericalHarmonics(coefficients=np.ones(9), basis="dibr")
        with pytest.raises(TypeError, match=r"shade: albedo must be a torch.Tensor, got ndarray"):
            torch_lighting.shade(np.ones((4, 3)), ROWS, lights=SUN)
        with pytest.raises(TypeError, match=r"shade: material.shininess must have the dtype of albedo \(torch.float32\), got torch.float64"):
            torch_lighting.shade(ROWS, ROWS, lights=SUN, material=Material(shininess=torch.ones(1).double()))

    def test_dibr(self):
        with pytest.raises(ValueError, match=r"shade_dibr_phong: mask must have shape \(4\), got \(5,\)"):
            torch_lighting.shade_dibr_phong(ROWS, ROWS, ROWS, (0, 0, 1), (0, 0, 1), mask=torch.ones(5))
        with pytest.raises(ValueError, match="shade_dibr_phong: direction must have a length"):
            torch_lighting.shade_dibr_phong(ROWS, ROWS, ROWS, (0, 0, 1), (0, 0, 0))
        with pytest.raises(ValueError, match=r"shade_dibr_phong: direction must have shape \(B, 3\), got \(2, 2\)"):
            torch_lighting.shade_dibr_phong(ROWS, ROWS, ROWS, (0, 0, 1), np.ones((2, 2)))

    def test_normals(self):
        for function in (torch_lighting.vertex_normals, torch_lighting.face_normals):
            with pytest.raises(ValueError, match="faces must index vertices 0 to 3, got 4"):
                function(ROWS, [[0, 1, 4]])
            with pytest.raises(ValueError, match=r"_normals: vertices must have shape \(V, 3\), got \(4, 2\)"):
                function(torch.ones(4, 2), [[0, 1, 2]])
            with pytest.raises(ValueError, match=r"_normals: vertices must have shape \(V, 3\) with V = 3, got \(4, 3\)"):
                function(ROWS, Topology.shared([[0, 1, 2]], 3))

    def test_taichi_arrays_have_all_dimensions(self):
        arrays = TaichiArrays()
        rows = arrays.parameter(np.ones((4, 3)))
        with pytest.raises(ValueError, match=r"shade: lights\[0\].direction must have shape \(B, L, 3\), got \(2, 3\)"):
            lighting.shade(arrays, rows, rows, lights=DirectionalLight(direction=arrays.parameter(np.ones((2, 3)))))
