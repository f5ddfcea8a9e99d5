"""Every option of SoftRas through the drop-in's `soft_rasterize`, in float64: against finite differences, and against what the original computes.

Plan: every combination of its choices has an exact gradient, which is that of `interop/dense.py`, too. Then, with the same kernels, all recorded cases of
`golden/softras` (option matrix, sigma x gamma x dist_eps, meshes, hard cases, batches): values off the flagged pixels; the gradient to face vertices to the
true gradient where it is recorded, the gradient to textures to the recorded one. Parameters are C floats in the original: rounded to float32 first.
"""

import json
import math
from functools import partial
from itertools import product
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import SHARED
from scenes import IMAGE_SIZE, screen_scene
from second_opinion import agree
from test_gradcheck import check, mixtures

from taichi_softras.engine import RenderedImage
from taichi_softras.interop import rasterize
from taichi_softras.interop.soft_renderer import functional
from taichi_softras.interop.soft_renderer.functional import soft_rasterize

pytestmark = pytest.mark.usefixtures("one_lane")  # every option compiles anew

FOLDER = SHARED / "golden" / "softras"
FILES = sorted(path.stem for path in FOLDER.glob("[A-F]*.npz"))
OUT_OF_BOUNDS, BY_ROUNDING = 1, 2  # flags: a texel outside of the face (the clamped values have none); a texel that rests on rounding

# Pixels exactly on edges and corners: x and y have one-sided gradients there. Faces without area: the original lights pictures with them, ours does not.
KINKED = ("E_pixelties", "E_degenerate")


def rounded(value: float) -> float:
    return float(np.float32(value))


def parameters(raw: dict) -> dict:
    given = {name: rounded(value) if isinstance(value, float) else value for name, value in raw.items()}
    given["background_color"] = [rounded(value) for value in raw["background_color"]]
    given["dist_eps"] = 1 / (1 + math.exp(np.float32(math.log(1 / rounded(raw["dist_eps"]) - 1))))  # its logarithm is a float, too
    return given


def relative(got: np.ndarray, expected: np.ndarray) -> float:
    return float(np.linalg.norm(got - expected) / max(np.linalg.norm(expected), 1e-12))


class TestEveryCombinationOfSoftRas:
    """4 distances x 2 aggregations of colour x 3 of alpha x 2 textures. A hard choice is constant around a generic point: the differences do not see it."""

    @pytest.mark.parametrize(
        ("dist_func", "aggr_func_rgb", "aggr_func_alpha", "texture_type"),
        list(product(("hard", "barycentric", "euclidean", "chebyshev"), ("softmax", "hard"), ("prod", "sum", "hard"), ("surface", "vertex"))),
    )
    def test_combination(self, dist_func, aggr_func_rgb, aggr_func_alpha, texture_type, monkeypatch):
        scene = screen_scene(26, (5, 5))
        textures = np.random.default_rng(1).uniform(size=(2, 5, 4 if texture_type == "surface" else 3, 3))
        choices = {"dist_func": dist_func, "aggr_func_rgb": aggr_func_rgb, "aggr_func_alpha": aggr_func_alpha, "texture_type": texture_type}
        # A barycentric distance is a fraction of the triangle, a fifth of the others here.
        softness = {"sigma_val": 4e-3 if dist_func == "barycentric" else 2e-2, "gamma_val": 0.2, "dist_eps": 1e-12, "near": 2.6, "far": 5.4, "eps": 0.15}

        def function(rasterize, faces, textures, background):
            monkeypatch.setattr(functional, "rasterize", rasterize)
            picture = functional.soft_rasterize(faces, textures, IMAGE_SIZE, background, **choices, **softness)
            return mixtures(RenderedImage(picture[:, 3], picture[:, :3], None))

        check(partial(function, rasterize), scene.vertices.reshape(2, 5, 3, 3), textures, scene.background, fast=True)
        agree(function, scene.vertices.reshape(2, 5, 3, 3), textures, scene.background)


@pytest.mark.skipif(not FILES, reason="the recorded data is not on this machine")
@pytest.mark.parametrize("name", FILES)
def test_recorded_case(name):
    with np.load(Path(FOLDER / f"{name}.npz")) as file:
        case = dict(file)
    faces = torch.tensor(case["face_vertices"], dtype=torch.float64, requires_grad=True)
    textures = torch.tensor(case["textures"], dtype=torch.float64, requires_grad=True)
    picture = soft_rasterize(faces, textures, **parameters(json.loads(str(case["params_json"]))))
    (picture * torch.tensor(case["upstream"], dtype=torch.float64)).sum().backward()
    clamped = "colors_clamped_f64" in case
    expected = case["colors_clamped_f64" if clamped else "colors_f64"]
    if np.isnan(expected).any():  # the original's softmax overflows
        assert picture.isfinite().all()
        assert faces.grad.isfinite().all()
        return
    flags = case["flags"] & ~np.uint8(OUT_OF_BOUNDS if clamped else 0)
    sound = np.broadcast_to((flags == 0)[:, None], expected.shape)
    if name == "E_degenerate_2":  # barycentric: the original lights faces without area
        sound = sound & (np.abs(expected) < 1e-9)
    error = np.abs(picture.detach().numpy() - expected)[sound]
    assert error.size == 0 or error.max() < 1e-5
    assert faces.grad.isfinite().all()
    assert textures.grad.isfinite().all()
    if name.startswith(KINKED):
        return
    # A texel that rests on rounding may be the neighbour: that shows in gradients, which cannot be masked afterwards.
    tolerance = 1e-3 if clamped and (case["flags"] & BY_ROUNDING).any() else 1e-6
    if "grad_faces_true_f64" in case:
        assert relative(faces.grad.numpy(), case["grad_faces_true_f64"]) < tolerance
    expected = case["grad_textures_clamped_f64" if "grad_textures_clamped_f64" in case else "grad_textures_f64"]
    assert relative(textures.grad.numpy(), expected) < tolerance
