"""What the original SoftRas computes, reproduced: values, and gradients where the original's are true.

The files are described in `shared/golden/softras/README.md`; ours are all that have the Euclidean distance, softmax colour, product alpha and vertex colours.
Plan: values off the flagged pixels to 1e-7 (most agree to 1e-12; the rest is the 1e-8 by which single-precision parameters differ), the gradient to vertices
to the true gradient and the gradient to colours to the original's; where no true gradient is on file, against finite differences along a direction.
"""

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from scenes import central_difference_along, relative_error

from taichi_softras import Extrapolation, Interpolation, RasterizeSettings, Sides, Topology
from taichi_softras.interop import rasterize

SOUPS = (
    "A71_soup24_euclidean_softmax_prod_vertex_nofb",
    *(f"B_soup40_euclidean_s{s}_g{g}" for s in ("1e-05", "0.0001", "0.001", "0.03") for g in ("0.0001_e0.0001", "0.0001_e1e-10", "0.01_e1e-10", "1_e0.0001")),
    "E_nearfar_0",
    "E_nearfar26_0",
    "E_offscreen_0",
    "E_twosided_0",
    "F_soup_misc0",
    "F_soup_misc2",
    "F_soup_misc5",
    "F_soup_misc6",
)
MESHES = (
    "C0_sphere642_euclidean_softmax_prod_vertex",
    "C1_sphere642_euclidean_softmax_prod_vertex",
    "C2_sphere642_euclidean_softmax_prod_vertex",
    "C20_sphere642_64px",
    "C22_sphere642_batch3",
    "D0_spotdec_euclidean_softmax_prod_vertex_64",
    "D9_spotfull_default_64",
)
PIXELS_ON_KINKS = "E_pixelties_0"
WITHOUT_AREA = "E_degenerate_0"
ORIGINAL_IS_NAN = "F_soup_misc3"


class Golden:
    """One file: its inputs, and ours as its outputs."""

    def __init__(self, path: Path) -> None:
        with np.load(path) as file:
            self.arrays = dict(file)
        self.parameters = json.loads(str(self.arrays["params_json"]))
        self.vertices = self.arrays["face_vertices"].astype(np.float64)  # [B, F, 3, 3]
        self.colors = self.arrays["textures"].astype(np.float64)  # [B, F, 3, 3]
        self.upstream = torch.tensor(self.arrays["upstream"], dtype=torch.float64)  # [B, 4, S, S]
        n_images, n_faces = self.vertices.shape[:2]
        self.topology = Topology.batch([np.arange(3 * n_faces).reshape(n_faces, 3)] * n_images, [3 * n_faces] * n_images)
        p = {name: float(np.float32(value)) if isinstance(value, float) else value for name, value in self.parameters.items()}  # C floats in the original
        log_odds = float(np.float32(math.log(1 / p["dist_eps"] - 1)))
        self.settings = RasterizeSettings(
            sigma=p["sigma_val"],
            gamma=p["gamma_val"],
            cutoff=1 / (1 + math.exp(log_odds)),
            near=p["near"],
            far=p["far"],
            background_depth_norm=2 * p["eps"],  # the original weighs the background with exp(2 eps / gamma): README, item 4
            interpolation=Interpolation.MIXED,
            extrapolation=Extrapolation.CLIPPED,
            sides=Sides.BOTH if p["fill_back"] else Sides.CLOCKWISE,
            silhouette_beyond_depth_range=True,
        )
        self.background = [float(np.float32(value)) for value in p["background_color"]]

    def render(self, vertices: torch.Tensor, colors: torch.Tensor, settings: RasterizeSettings | None = None) -> torch.Tensor:
        """[B, 4, S, S], as the original returns it."""
        image = rasterize(
            vertices.reshape(-1, 3),
            self.topology,
            colors.reshape(-1, 3),
            background=self.background,
            settings=settings or self.settings,
            image_size=self.parameters["image_size"],
        )
        return torch.cat([image.color, image.alpha[..., None]], -1).permute(0, 3, 1, 2)

    def loss(self, vertices: torch.Tensor, colors: torch.Tensor, settings: RasterizeSettings | None = None) -> torch.Tensor:
        return (self.upstream * self.render(vertices, colors, settings)).sum()

    def gradients(self, settings: RasterizeSettings | None = None) -> tuple[np.ndarray, np.ndarray]:
        vertices, colors = (torch.tensor(values, requires_grad=True) for values in (self.vertices, self.colors))
        self.loss(vertices, colors, settings).backward()
        return vertices.grad.numpy(), colors.grad.numpy()

    def check_values(self) -> None:
        got = self.render(torch.tensor(self.vertices), torch.tensor(self.colors)).numpy()
        expected = self.arrays["colors_clamped_f64" if "colors_clamped_f64" in self.arrays else "colors_f64"]
        sound = np.broadcast_to((self.arrays["flags"] == 0)[:, None], expected.shape)
        assert sound.mean() > 0.1
        np.testing.assert_allclose(got[sound], expected[sound], rtol=0, atol=1e-7)


@pytest.fixture
def golden(shared, request) -> Golden:
    return Golden(shared / "golden" / "softras" / f"{request.param}.npz")


def test_no_file_is_left_out(shared):
    """These lists are all files of the four kinds."""
    found = set()
    for path in (shared / "golden" / "softras").glob("*.npz"):
        with np.load(path) as arrays:
            p = json.loads(str(arrays["params_json"])) if "params_json" in arrays else {}
        kinds = tuple(p.get(name) for name in ("dist_func", "aggr_func_rgb", "aggr_func_alpha", "texture_type"))
        found |= {path.stem} if kinds == ("euclidean", "softmax", "prod", "vertex") else set()
    assert found == {*SOUPS, *MESHES, PIXELS_ON_KINKS, WITHOUT_AREA, ORIGINAL_IS_NAN}


@pytest.mark.parametrize("golden", [*SOUPS, *MESHES, PIXELS_ON_KINKS, WITHOUT_AREA], indirect=True)
def test_values(golden):
    golden.check_values()


@pytest.mark.parametrize("golden", SOUPS, indirect=True)
def test_gradients(golden):
    vertices, colors = golden.gradients()
    assert relative_error(vertices, golden.arrays["grad_faces_true_f64"]) < 1e-6
    assert relative_error(colors, golden.arrays["grad_textures_f64"]) < 1e-6


@pytest.mark.parametrize("golden", MESHES, indirect=True)
def test_color_gradients_on_meshes(golden):
    _, colors = golden.gradients()
    assert relative_error(colors, golden.arrays["grad_textures_f64"]) < 1e-6


@pytest.mark.parametrize("golden", [PIXELS_ON_KINKS], indirect=True)
def test_gradients_at_kinks(golden):
    """Vertices and edges of this file lie exactly on pixel centres, where a pixel's nearest edge, and whether it is inside, change: x and y then have two
    one-sided derivatives, and which of them one gets is a matter of taste. Depth and colours vary smoothly."""
    vertices, colors = golden.gradients()
    assert relative_error(vertices[..., 2], golden.arrays["grad_faces_true_f64"][..., 2]) < 1e-6
    assert relative_error(colors, golden.arrays["grad_textures_f64"]) < 1e-6
    assert np.isfinite(vertices).all()


@pytest.mark.parametrize("golden", [WITHOUT_AREA], indirect=True)
def test_gradients_without_area(golden):
    """In the original, faces without area paint whole regions (README, item 8): those pixels are flagged, and its gradients mean nothing. Ours are finite."""
    for gradient in golden.gradients():
        assert np.isfinite(gradient).all()
        assert np.abs(gradient).max() < 1e6


@pytest.mark.parametrize("golden", [ORIGINAL_IS_NAN], indirect=True)
def test_finite_where_the_original_is_not(golden):
    assert np.isnan(golden.arrays["colors_f64"]).any()
    assert golden.render(torch.tensor(golden.vertices), torch.tensor(golden.colors)).isfinite().all()
    for gradient in golden.gradients():
        assert np.isfinite(gradient).all()


@pytest.mark.parametrize("golden", [MESHES[0], MESHES[3], MESHES[5]], indirect=True)
def test_vertex_gradients_on_meshes(golden):
    """Along a smooth random direction, against differences with steps so small that no edge crosses a pixel; and with a cut-off so small that a pair which
    comes into reach is not seen (the original's, 1e-4, would make the picture jump)."""
    settings = replace(golden.settings, cutoff=1e-15)
    gradient, _ = golden.gradients(settings)
    colors = torch.tensor(golden.colors)
    errors = []
    for seed in range(3):
        waves = np.random.default_rng(seed).normal(size=(3, 3))
        direction = np.sin(2 * golden.vertices @ waves + seed)
        expected = central_difference_along(lambda v: golden.loss(torch.tensor(v), colors, settings).item(), golden.vertices, direction, 1e-8)
        errors.append(abs((gradient * direction).sum() - expected) / abs(expected))
    assert max(errors) < 1e-5
