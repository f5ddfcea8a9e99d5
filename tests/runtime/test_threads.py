"""Little work is done by one thread, much by all of them: with the same numbers.

Plan: a batch of two meshes over many tiles, listed and drawn both ways, whatever this machine would have chosen; then that work is told to be little or much by
what there is to do for each thread.
"""

import numpy as np
import pytest
from scenes import IMAGE_SIZE, screen_scene

import taichi_softras as tsr
from taichi_softras import RasterizeSettings, Silhouette, TaichiArrays
from taichi_softras.engine import rasterizer
from taichi_softras.language import ti
from taichi_softras.runtime import arrays

SETTINGS = {
    "by hand": RasterizeSettings(sigma=5e-3, gamma=1e-2),
    "generated": RasterizeSettings(sigma=5e-3, gamma=1e-2, silhouette=Silhouette.EINSTEIN),
    "beyond the box": RasterizeSettings(sigma=0.1, gamma=0.5, distance=tsr.Distance.BARYCENTRIC),
}


def picture_and_gradients(settings: RasterizeSettings, monkeypatch: pytest.MonkeyPatch, one_thread: bool) -> list[np.ndarray]:
    library, scene = TaichiArrays(ti.f64), screen_scene(3, (40, 25))
    monkeypatch.setattr(library, "variant_for", lambda n, few=0: arrays.serial(library.variant) if one_thread else library.variant)
    vertices, features, background = map(library.parameter, (scene.vertices, scene.features, scene.background))
    with ti.ad.Tape(library.parameter(np.zeros(1))):
        image = rasterizer.rasterize(library, scene.topology, vertices, features, background, settings, IMAGE_SIZE)
        for output in (image.alpha, image.color, image.depth):
            library.untracked(lambda output=output: output.grad.from_numpy(np.random.default_rng(4).normal(size=output.shape)))
    return [library.to_numpy(array) for array in (image.alpha, image.color, image.depth, vertices.grad, features.grad, background.grad)]


@pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS)
def test_the_same_numbers(settings, monkeypatch):
    one, all_of_them = (picture_and_gradients(settings, monkeypatch, one_thread) for one_thread in (True, False))
    for ours, theirs in zip(one, all_of_them, strict=True):
        assert np.abs(ours).max() > 1e-3
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-12 * np.abs(ours).max())
    for ours, theirs in zip(one[:3], all_of_them[:3], strict=True):
        np.testing.assert_array_equal(ours, theirs)  # the faces of a tile are in ascending order either way


def test_what_is_little(monkeypatch):
    if tsr.runtime.is_deterministic():
        pytest.skip("this machine has one core, which does everything")
    library = TaichiArrays()
    monkeypatch.setattr(arrays, "cpu_threads", lambda: 8)
    assert library.variant_for(100, 800).serial
    assert not library.variant_for(101, 800).serial
    assert library.variant_for(100, 800).tile_width == library.variant.tile_width


def test_gpus_have_nothing_to_wake():
    gpu = arrays.variant_of("cuda", ti.f32)
    assert arrays.serial(gpu) == gpu
