"""The kernels of the rasteriser compute the same sums, and the same image.

`draw` is what an image is made with, `contribute` and `resolve_flat` are what its gradient is generated from: a gradient is that of the image only if they
agree. Plan: run both on the same pairs, the second two with the m that the first found, over several tiles and images, for settings in which every two options
meet.
"""

from dataclasses import replace

import numpy as np
import pytest
from scenes import IMAGE_SIZE, SMOOTH, of_gpus, orthogonal_settings, screen_scene

from taichi_softras import RasterizeSettings, Silhouette
from taichi_softras.engine.rasterizer import Scene
from taichi_softras.engine.surfaces import Surface
from taichi_softras.kernels.face import FEATURES
from taichi_softras.kernels.op import in_chunks
from taichi_softras.kernels.rasterize import contribute_kernel
from taichi_softras.kernels.resolve import resolve_flat_kernel
from taichi_softras.kernels.variant import Variant
from taichi_softras.language import ti
from taichi_softras.runtime import TaichiArrays, current_arch, variant_of


def both_sums(settings: RasterizeSettings, real: object, variant: Variant | None = None, n_features: int = 3, seed: int = 41) -> tuple[np.ndarray, np.ndarray]:
    arrays = TaichiArrays(real)
    arrays.variant = variant or arrays.variant
    scene = screen_scene(seed, (30, 12), n_features=max(n_features, 1))
    vertices, surface = arrays.real(scene.vertices), Surface.of(arrays, scene.topology, arrays.real(scene.features), settings)
    drawn = Scene.of(arrays, scene.topology, vertices, settings, IMAGE_SIZE)
    pairs = drawn.pairs
    assert pairs.n_tiles > 60 / arrays.variant.tile_height / 2
    assert pairs.n > (100 if arrays.variant.lanes > 1 else 80)
    op, inputs, shapes, (sums, max_depth_norm, *rest) = drawn.plan(surface, arrays.real(scene.background) if n_features else None)
    fast, flat = [[arrays.zeros(shape) for shape in shapes] for _ in range(2)]
    sums.fill(np.nan)  # all is written
    op.launch(arrays, (*inputs, *fast, sums, max_depth_norm, *rest))

    vertices, features, places, background, softness = inputs
    choices, flat_sums = surface.choices(settings, n_features), arrays.zeros(sums.shape)
    for arguments in in_chunks((vertices, features, places, softness, flat_sums, max_depth_norm, *rest)):
        contribute_kernel(arrays.variant, choices)(*arguments)
    resolve_flat_kernel(arrays.variant, choices)(flat_sums, background, softness, *flat, max_depth_norm, *rest[-5:])
    fast, flat = ([arrays.to_numpy(array) for array in images[: None if n_features else 1]] for images in (fast, flat))
    for ours, theirs in zip(fast, flat, strict=True):
        assert ours.any()
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=(1e-4 if real is ti.f32 else 1e-9) * np.abs(theirs).max())
    by_tile = (pairs.n_tiles, -1, arrays.variant.tile_pixels)
    return arrays.to_numpy(sums).reshape(by_tile), arrays.to_numpy(flat_sums).reshape(by_tile)


def assert_equal_sums(fast: np.ndarray, flat: np.ndarray, tolerance: float) -> None:
    assert np.count_nonzero(fast[:, 0]) > 200
    scale = np.abs(fast).max((0, 2), keepdims=True)
    np.testing.assert_allclose(fast / scale, flat / scale, rtol=0, atol=tolerance)


@pytest.mark.parametrize("settings", orthogonal_settings().values(), ids=orthogonal_settings())
def test_float64(settings):
    assert_equal_sums(*both_sums(settings, ti.f64), 1e-13)


@pytest.mark.parametrize("name", ["perspective-both-closest_point-within", "mixed-both-clipped-beyond"])
def test_float32(name):
    assert_equal_sums(*both_sums(orthogonal_settings()[name], ti.f32), 1e-5)


def test_sharp_settings():
    """At gamma 1e-4 the weights span hundreds of orders of magnitude: what `draw` rescales must come out as `contribute` has it,
    but for the rounding of exponents of up to 1e4, which is 1e-12 of a weight."""
    assert_equal_sums(*both_sums(RasterizeSettings(sigma=1e-4, gamma=1e-4, near=1.0, far=10.0), ti.f64), 1e-10)


def test_silhouette_alone():
    fast, flat = both_sums(RasterizeSettings(sigma=0.02), ti.f64, n_features=0)
    assert fast.shape[1] == 1
    assert_equal_sums(fast, flat, 1e-13)


def test_many_features():
    """Nine channels are three groups, the last with places to spare."""
    fast, flat = both_sums(SMOOTH, ti.f64, n_features=9)
    assert fast.shape[1] == FEATURES + 12
    assert_equal_sums(fast, flat, 1e-13)


def test_the_strongest_face_alone():
    fast, flat = both_sums(replace(SMOOTH, silhouette=Silhouette.MAX), ti.f64, n_features=0)
    assert fast.max() <= 1
    assert_equal_sums(fast, flat, 1e-13)


def test_the_tiles_of_gpus():
    """A thread a pixel in tiles of 8 x 8: the same kernels in the variant that GPUs run. Its sums are those of the lanes, at other places."""
    settings = orthogonal_settings()["perspective-both-closest_point-within"]
    gpu = of_gpus()
    fast, flat = both_sums(settings, ti.f64, gpu)
    assert_equal_sums(fast, flat, 1e-13)
    lanes, _ = both_sums(settings, ti.f64)
    square, pictures = in_pictures(fast, gpu), in_pictures(lanes, variant_of(current_arch(), ti.f64))
    assert square.shape[3] == FEATURES + 3
    np.testing.assert_allclose(square, pictures, atol=1e-12 * np.abs(pictures).max())


def in_pictures(sums: np.ndarray, variant: Variant) -> np.ndarray:
    """[B, H, W, n_sums] of [tiles, n_sums, tile_pixels]."""
    height, width = IMAGE_SIZE
    tiles_y, tiles_x = -(-height // variant.tile_height), -(-width // variant.tile_width)
    tiles = sums.reshape(2, tiles_y, tiles_x, -1, variant.tile_height, variant.tile_width)
    return tiles.transpose(0, 1, 4, 2, 5, 3).reshape(2, tiles_y * variant.tile_height, tiles_x * variant.tile_width, -1)[:, :height, :width]
