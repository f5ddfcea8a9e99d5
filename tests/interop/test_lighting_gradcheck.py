"""Every gradient of shading and normals against finite differences, in float64, through the real kernels.

Plan: for each kind of light and highlight, a few random mixtures of the colours of a surface in two images with different lights; each entry of the
Jacobian is checked for every input: surface, eye, light and material. Points are random: no cosine is zero.
"""

import numpy as np
import pytest
import torch
from torch.autograd import gradcheck

from taichi_softras import Mesh
from taichi_softras.engine.lighting import AmbientLight, DirectionalLight, Material, PointLight, SHBasis, Specular, SphericalHarmonics
from taichi_softras.interop import lighting

B, L = 2, 3
SHAPES = {"rows": (7, 3), "pictures": (B, 2, 2, 3)}
SUM_ORDER = 1e-9  # threads add in any order: the last digits of a gradient differ from run to run


def check(function, *inputs: np.ndarray) -> None:
    """Of three random mixtures of what the function returns; the gradient to each input must be there."""
    tensors = [torch.tensor(values, dtype=torch.float64, requires_grad=True) for values in inputs]
    generator = torch.Generator().manual_seed(0)
    weights = torch.randn(3, function(*tensors).numel(), dtype=torch.float64, generator=generator)

    def mixtures(*tensors):
        return weights @ function(*tensors).flatten()

    assert gradcheck(mixtures, tensors, eps=1e-6, atol=2e-6, rtol=1e-5, nondet_tol=SUM_ORDER)
    for gradient in torch.autograd.grad(mixtures(*tensors).square().sum(), tensors):
        assert gradient.abs().max() > 1e-3


@pytest.fixture(params=SHAPES)
def surface(request) -> tuple[list[np.ndarray], np.ndarray | None]:
    """Albedo, normals and positions; the image of each row."""
    rng = np.random.default_rng(11)
    shape = SHAPES[request.param]
    row_image = np.array([0, 1, 1, 0, 0, 1, 0]) if request.param == "rows" else None
    return [rng.uniform(0.1, 1, shape), rng.normal(size=shape), rng.normal(0, 0.3, shape)], row_image


def parameters() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(12)
    return {
        "color": rng.uniform(0.1, 1, (B, L, 3)),
        "direction": rng.normal(size=(B, L, 3)),
        "position": rng.normal(0, 2, (B, L, 3)),
        "attenuation": rng.uniform(0.1, 1, (B, L, 3)),
        "eye": rng.normal(0, 2, (B, 3)),
        "reflected": rng.uniform(0.2, 1, (B, 3)),
        "shiny": rng.uniform(0.2, 1, (B, 3)),
        "shininess": np.array([2.5, 6.0]),
    }


P = parameters()


class TestShade:
    def test_ambient(self, surface):
        (albedo, normals, _), row_image = surface

        def function(albedo, color, ambient):
            return lighting.shade(albedo, torch.tensor(normals), lights=AmbientLight(color=color), material=Material(ambient=ambient), row_image=row_image)

        check(function, albedo, P["color"], P["reflected"])

    def test_directional(self, surface):
        (albedo, normals, _), row_image = surface

        def function(albedo, normals, direction, color, diffuse):
            light = DirectionalLight(direction=direction, color=color)
            return lighting.shade(albedo, normals, lights=light, material=Material(diffuse=diffuse), row_image=row_image)

        check(function, albedo, normals, P["direction"], P["color"], P["reflected"])

    def test_point(self, surface):
        (albedo, normals, positions), row_image = surface

        def function(albedo, normals, positions, position, color, attenuation, diffuse):
            light = PointLight(position=position, color=color, attenuation=attenuation)
            return lighting.shade(albedo, normals, positions, lights=light, material=Material(diffuse=diffuse), row_image=row_image)

        check(function, albedo, normals, positions, P["position"], P["color"], P["attenuation"], P["reflected"])

    @pytest.mark.parametrize("specular", [Specular.PHONG, Specular.BLINN_PHONG])
    @pytest.mark.parametrize("kind", [DirectionalLight, PointLight])
    def test_highlights(self, surface, kind, specular):
        (albedo, normals, positions), row_image = surface
        at = "position" if kind is PointLight else "direction"

        def function(albedo, normals, positions, eye, place, color, diffuse, shiny, shininess, attenuation=None):
            light = kind(**{at: place}, color=color) if attenuation is None else kind(**{at: place}, color=color, attenuation=attenuation)
            material = Material(diffuse=diffuse, specular=shiny, shininess=shininess)
            return lighting.shade(albedo, normals, positions, eye, lights=light, material=material, specular=specular, row_image=row_image)

        inputs = [albedo, normals, positions, *(P[name] for name in ("eye", at, "color", "reflected", "shiny", "shininess"))]
        check(function, *inputs, *([P["attenuation"]] if kind is PointLight else []))

    @pytest.mark.parametrize("basis", SHBasis)
    @pytest.mark.parametrize("shape", [(B, 9), (9, 3)])
    def test_spherical_harmonics(self, surface, basis, shape):
        (albedo, normals, _), row_image = surface

        def function(albedo, normals, coefficients, diffuse):
            light = SphericalHarmonics(coefficients=coefficients, basis=basis)
            return lighting.shade(albedo, normals, lights=light, material=Material(diffuse=diffuse), row_image=row_image)

        check(function, albedo, normals, np.random.default_rng(13).normal(size=shape), P["reflected"])

    def test_what_all_share(self, surface):
        """One light for both images; its gradient is the sum over them. Several kinds at once."""
        (albedo, normals, positions), row_image = surface

        def function(albedo, normals, positions, eye, position, direction, coefficients, shininess):
            lights = [PointLight(position=position), DirectionalLight(direction=direction, color=0.4), SphericalHarmonics(coefficients=coefficients)]
            material = Material(shininess=shininess)
            return lighting.shade(albedo, normals, positions, eye, lights=lights, material=material, specular=Specular.PHONG, row_image=row_image)

        check(function, albedo, normals, positions, P["eye"][0], P["position"][0, 0], P["direction"][0], np.arange(9.0), np.array(3.0))

    def test_dibr_phong(self, surface):
        (albedo, normals, positions), row_image = surface
        mask = np.random.default_rng(14).uniform(0.2, 0.9, albedo.shape[:-1])

        def function(albedo, normals, positions, eye, direction, ambient, diffuse, shiny, shininess, mask):
            material = Material(ambient=ambient, diffuse=diffuse, specular=shiny, shininess=shininess)
            return lighting.shade_dibr_phong(albedo, normals, positions, eye, direction, material=material, mask=mask, row_image=row_image)

        l = np.array([[0.3, 0.2, 1.0], [-0.4, 0.1, 1.2]])
        inputs = [3 * l + 0.5 * P["eye"], l, 0.3 * P["reflected"], P["reflected"], P["shiny"], P["shininess"]]
        check(function, albedo, normals + np.array([0.0, 0.0, 2.0]), positions, *inputs, mask)


class TestFloat32:
    @pytest.mark.parametrize("specular", Specular)
    def test_equals_float64(self, specular):
        """Gradcheck is for float64; what people use is float32."""
        rng = np.random.default_rng(15)
        inputs = [rng.uniform(0.1, 1, (40, 3)), rng.normal(size=(40, 3)), rng.normal(0, 0.3, (40, 3))]
        inputs += [P[name][:1] for name in ("eye", "position", "attenuation")] + [rng.normal(size=(1, 9, 3))]
        gradients = []
        for dtype in (torch.float32, torch.float64):
            leaves = [torch.tensor(values, dtype=dtype, requires_grad=True) for values in inputs]
            albedo, normals, positions, eye, position, attenuation, coefficients = leaves
            lights = [PointLight(position=position, attenuation=attenuation), SphericalHarmonics(coefficients=coefficients)]
            lighting.shade(albedo, normals, positions, eye, lights=lights, specular=specular).square().sum().backward()
            gradients.append([leaf.grad.double() for leaf in leaves if leaf.grad is not None])
        for single, double in zip(*gradients, strict=True):
            assert (single - double).abs().max() < 1e-4 * double.abs().max()


class TestNormals:
    @pytest.mark.parametrize("function", [lighting.vertex_normals, lighting.face_normals], ids=lambda function: function.__name__)
    def test_noisy_sphere(self, function):
        sphere = Mesh.icosphere(0)
        check(lambda v: function(v, sphere.faces), sphere.vertices + np.random.default_rng(1).normal(0, 0.1, sphere.vertices.shape))

    @pytest.mark.parametrize("function", [lighting.vertex_normals, lighting.face_normals], ids=lambda function: function.__name__)
    def test_a_batch(self, function):
        check(lambda v: function(v, [[0, 1, 2], [1, 3, 2], [2, 3, 4]]), np.random.default_rng(2).normal(size=(2, 6, 3)))

    def test_through_to_the_colors(self):
        """A mesh lit per vertex: the vertices are also the positions."""
        sphere = Mesh.icosphere(0)

        def function(vertices, position):
            normals = lighting.vertex_normals(vertices, sphere.faces)
            light = PointLight(position=position)
            return lighting.shade(torch.ones_like(vertices), normals, vertices, (0.0, 0.0, 3.0), lights=light, specular=Specular.BLINN_PHONG)

        check(function, sphere.vertices + np.random.default_rng(3).normal(0, 0.1, sphere.vertices.shape), np.array([1.0, 2.0, 3.0]))
