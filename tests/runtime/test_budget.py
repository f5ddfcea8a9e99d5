"""A budget for the lists of (face, tile) pairs: what does not fit is worked off in chunks, and nothing else changes.

Plan: the same scene without a bound, and with budgets that leave room for a few tiles, or for one, must give the same picture to the last bit and the same
gradient (but for the order of sums), by hand and generated, on Taichi's arrays and torch's; then a scene whose faces reach every pixel.
"""

from dataclasses import replace

import numpy as np
import pytest
from scenes import IMAGE_SIZE, SMOOTH, of_gpus, screen_scene

import taichi_softras as tsr
from taichi_softras import RasterizeSettings, Silhouette
from taichi_softras.engine import rasterize
from taichi_softras.engine.binning import ChunkedPairs, Pairs
from taichi_softras.engine.rasterizer import pairs_in_reach
from taichi_softras.kernels.variant import Variant
from taichi_softras.language import ti
from taichi_softras.runtime import TaichiArrays, budget
from taichi_softras.runtime.budget import SHARE_OF_FREE

SCENE = screen_scene(61, (30, 12))
ONE_LANE = of_gpus()
SMALLEST = 256


@pytest.fixture(autouse=True)
def no_budget_is_left():
    yield
    tsr.set_memory_budget(None)


def draw(settings: RasterizeSettings, budget: int | None, variant: Variant | None = None) -> tuple[list[np.ndarray], list[np.ndarray], object]:
    """(images, gradients of the vertices and features, pairs)."""
    tsr.set_memory_budget(budget)
    arrays = TaichiArrays(ti.f64)
    arrays.variant = variant or arrays.variant
    vertices, features = arrays.parameter(SCENE.vertices), arrays.parameter(SCENE.features)
    with ti.ad.Tape(arrays.parameter(np.zeros(1))):
        image = rasterize(arrays, SCENE.topology, vertices, features, arrays.real(SCENE.background), settings, IMAGE_SIZE)
        rng = np.random.default_rng(3)
        for output in (image.alpha, image.color, image.depth):
            output.grad.from_numpy(rng.standard_normal(output.shape))
    pairs = pairs_in_reach(arrays, SCENE.topology, vertices, settings, IMAGE_SIZE)
    images = [arrays.to_numpy(output) for output in (image.alpha, image.color, image.depth)]
    return images, [vertices.grad.to_numpy(), features.grad.to_numpy()], pairs


@pytest.mark.parametrize(
    ("settings", "variant"),
    [(SMOOTH, None), (SMOOTH, ONE_LANE), (replace(SMOOTH, silhouette=Silhouette.EINSTEIN), ONE_LANE)],
    ids=["by hand", "by hand, as GPUs", "generated"],
)
def test_chunks_change_nothing(settings, variant):
    images, gradients, pairs = draw(settings, None, variant)
    in_chunks, gradients_in_chunks, chunked = draw(settings, SMALLEST, variant)
    assert isinstance(pairs, Pairs)
    assert isinstance(chunked, ChunkedPairs)
    assert chunked.n == pairs.n
    assert len(chunked.boundaries) > 3
    for expected, got in zip(images, in_chunks, strict=True):
        np.testing.assert_array_equal(got, expected)
    for expected, got in zip(gradients, gradients_in_chunks, strict=True):
        assert np.abs(expected).max() > 0
        np.testing.assert_allclose(got, expected, rtol=0, atol=1e-13 * np.abs(expected).max())


def test_the_chunks_are_the_list():
    arrays = TaichiArrays(ti.f64)
    whole = pairs_in_reach(arrays, SCENE.topology, arrays.real(SCENE.vertices), SMOOTH, IMAGE_SIZE)
    tsr.set_memory_budget(SMALLEST)
    chunked = pairs_in_reach(arrays, SCENE.topology, arrays.real(SCENE.vertices), SMOOTH, IMAGE_SIZE)
    faces, tiles = [], []
    for face, tile, offsets, first, n_tiles, n in chunked.chunks():
        face, tile, offsets = map(arrays.to_numpy, (face, tile, offsets))
        assert n * 8 <= SMALLEST or n_tiles == 1
        assert offsets[-1] == n
        np.testing.assert_array_equal(np.bincount(tile[:n] - first, minlength=n_tiles), np.diff(offsets))
        faces.extend(face[:n])
        tiles.extend(tile[:n])
    np.testing.assert_array_equal(faces, arrays.to_numpy(whole.face)[: whole.n])
    np.testing.assert_array_equal(tiles, arrays.to_numpy(whole.tile)[: whole.n])


def test_every_face_reaches_every_pixel():
    """With sigma so large, each of the 42 faces is listed for each tile of its image; and all of it fits into 256 bytes at a time, or what one tile takes."""
    settings = replace(SMOOTH, sigma=10.0)
    images, gradients, pairs = draw(settings, SMALLEST)
    assert pairs.n == 42 * pairs.n_tiles // 2
    expected, expected_gradients, _ = draw(settings, None)
    np.testing.assert_array_equal(images[0], expected[0])
    np.testing.assert_allclose(gradients[0], expected_gradients[0], rtol=0, atol=1e-13 * np.abs(expected_gradients[0]).max())
    assert (images[0] > 0.5).all()


def test_the_default_is_a_share_of_what_is_free():
    tsr.set_memory_budget(None)
    assert 2**20 < tsr.memory_budget() < SHARE_OF_FREE * 2**50
    tsr.set_memory_budget(12345)
    assert tsr.memory_budget() == 12345


def test_on_a_gpu_it_is_the_gpus(monkeypatch):
    monkeypatch.setattr(budget, "current_arch", lambda: "cuda")
    monkeypatch.setattr(budget, "cuda_free_memory", lambda: 4 << 30)
    assert tsr.memory_budget() == 1 << 30
    monkeypatch.setattr(budget, "cuda_free_memory", lambda: None)
    assert tsr.memory_budget() == SHARE_OF_FREE * budget.WHERE_UNKNOWN


@pytest.mark.parametrize(("n_bytes", "error"), [(100, ValueError), (-1, ValueError), (1e6, TypeError), ("1 GB", TypeError), (True, TypeError)])
def test_wrong_input(n_bytes, error):
    with pytest.raises(error, match="set_memory_budget: n_bytes must be"):
        tsr.set_memory_budget(n_bytes)


class TestTorch:
    def test_chunks(self):
        torch = pytest.importorskip("torch")
        interop = pytest.importorskip("taichi_softras.interop")
        vertices = torch.tensor(SCENE.vertices[:90], requires_grad=True)
        topology = tsr.Topology.shared(np.arange(90).reshape(30, 3), 90)
        colors = torch.tensor(SCENE.features[:90])

        def loss() -> tuple[float, np.ndarray]:
            vertices.grad = None
            image = interop.rasterize(vertices, topology, colors, settings=SMOOTH, image_size=IMAGE_SIZE)
            total = (image.color**2).sum() + image.alpha.sum()
            total.backward()
            return total.item(), vertices.grad.numpy()

        expected, expected_gradient = loss()
        tsr.set_memory_budget(SMALLEST)
        total, gradient = loss()
        assert total == expected
        np.testing.assert_allclose(gradient, expected_gradient, rtol=0, atol=1e-13 * np.abs(expected_gradient).max())
