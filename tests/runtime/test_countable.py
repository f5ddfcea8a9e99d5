"""The kernels count in 32 bits: whatever becomes a range of theirs, or a place in an array, stays below `COUNTABLE`, or is refused in one sentence.

Plan: the functions that say how much at once, at their limits; lists of pairs that are cut where loops make several turns for a pair; and arrays that are too
large, which here take no memory (one number, repeated), handed to an operation of each kind.
"""

from dataclasses import replace

import numpy as np
import pytest
from scenes import IMAGE_SIZE, SMOOTH, screen_scene

from taichi_softras import Blending, Connectivity, Distribution, RasterizeSettings, Silhouette, Topology
from taichi_softras.checks import COUNTABLE, check_features
from taichi_softras.engine import binning, losses, nearest, rasterize, sampling
from taichi_softras.engine.surfaces import Surface
from taichi_softras.kernels import tiles
from taichi_softras.kernels.rasterize import most_numbers
from taichi_softras.kernels.texture import Texture
from taichi_softras.kernels.variant import Variant
from taichi_softras.language import ti
from taichi_softras.runtime import TaichiArrays

ON_GPUS = Variant(lanes=1, tile_width=8, tile_height=8)
ON_CPUS = Variant()
GENERATED = RasterizeSettings(distribution=Distribution.WINDOW)
SENTENCE = rf"there must be fewer than {COUNTABLE} "


def surface_of(n_channels: int, kind: Texture = Texture.VERTEX) -> Surface:
    return Surface(kind=kind, features=np.zeros((1, n_channels)), places=None, corners=None)


def huge(*shape: int) -> np.ndarray:
    """An array of so many numbers that takes the memory of one."""
    return np.broadcast_to(np.float32(0.5), shape)


def at_most(n: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lists are as long as if the kernels counted to n. (They hold `tiles.MAX_PAIRS` themselves, in what is compiled for the whole process.)"""
    monkeypatch.setattr(binning, "most_pairs", lambda turns: max(n // turns, 1))


def test_a_gpus_threads_do_not_run_past_the_end():
    """They go on by their number: at most 2,048 of them on each of a few hundred multiprocessors."""
    assert COUNTABLE + 2048 * 1024 < 2**31


@pytest.mark.parametrize("n_channels", [1, 3, 4, 9, 100, 1000])
@pytest.mark.parametrize("kind", [Texture.VERTEX, Texture.IMAGE])
@pytest.mark.parametrize("variant", [ON_GPUS, ON_CPUS], ids=["GPU", "CPU"])
def test_turns_over_pairs(variant, kind, n_channels):
    """Blocks of pixels times groups of channels, and pictures go pixel by pixel: 9 channels and 11.19 million pairs once made 32 bits overflow."""
    turns = surface_of(n_channels, kind).turns(GENERATED, variant)
    n_groups = GENERATED.choices(n_channels).n_groups(n_channels)
    assert turns == n_groups * (variant.blocks_per_tile if kind is Texture.VERTEX else variant.tile_pixels)
    assert binning.most_pairs(turns) * turns < COUNTABLE


@pytest.mark.parametrize("background", [True, False], ids=["colours", "alpha"])
def test_numbers_of_layers(background, monkeypatch):
    """The way back writes two numbers for each pixel of a pair."""
    asked, scene, arrays = [], screen_scene(1), TaichiArrays()
    monkeypatch.setattr(binning, "most_pairs", lambda turns: asked.append(turns) or 1 << 20)
    features, behind = (arrays.real(scene.features), arrays.real(scene.background)) if background else (None, None)
    rasterize(arrays, scene.topology, arrays.parameter(scene.vertices), features, behind, replace(SMOOTH, blending=Blending.COMPOSITE), IMAGE_SIZE)
    (turns,) = asked
    assert tiles.MAX_PAIRS // turns * 2 * arrays.variant.tile_pixels < COUNTABLE


def test_lists_are_cut_where_loops_make_several_turns_for_a_pair(monkeypatch):
    """As for the memory budget: the same picture, and the same gradient but for the order of sums."""
    scene, settings = screen_scene(61, (12, 7), n_features=9), replace(SMOOTH, silhouette=Silhouette.EINSTEIN)
    found = []
    for most in (tiles.MAX_PAIRS, 3 * 64 * 12):  # room for all, or for twelve pairs of three groups of channels
        at_most(most, monkeypatch)
        arrays = TaichiArrays(ti.f64)
        arrays.variant = replace(ON_GPUS, real=ti.f64)
        vertices, features = arrays.parameter(scene.vertices), arrays.parameter(scene.features)
        with ti.ad.Tape(arrays.parameter(np.zeros(1))):
            image = rasterize(arrays, scene.topology, vertices, features, arrays.real(scene.background), settings, IMAGE_SIZE)
            image.color.grad.fill(1.0)
        found.append([array.to_numpy() for array in (image.color, vertices.grad, features.grad)])
        scene.topology.remembered.clear()
    for whole, cut in zip(*found, strict=True):
        assert np.abs(whole).max() > 0
        np.testing.assert_allclose(cut, whole, rtol=0, atol=1e-13 * np.abs(whole).max())


def test_lists_that_are_not_cut_are_refused(monkeypatch):
    scene = screen_scene(61, (30, 12))
    at_most(100, monkeypatch)
    arrays = TaichiArrays(ti.f64)
    search = binning.PairSearch(
        op="some_op", arrays=arrays, topology=scene.topology, vertices_screen=arrays.real(scene.vertices), image_size=IMAGE_SIZE, reach=0.1, turns=4
    )
    with pytest.raises(MemoryError, match=r"some_op: more than 25 \(face, tile\) pairs"):
        search.all()


def test_numbers_of_a_pixel_and_of_a_face():
    """By hand, the gradient packs eight numbers of a pixel for each group of up to four channels, and on the CPU a row for each face."""
    by_hand = RasterizeSettings().choices(9)
    assert most_numbers(ON_CPUS, by_hand, 9) == (3 * (3 + 4 + 1), 3 * (9 + 3 * 4))
    assert most_numbers(ON_GPUS, by_hand, 9) == (3 * (3 + 4 + 1), 0)
    assert most_numbers(ON_CPUS, GENERATED.choices(9), 9) == (3 + 3 * 4, 0)


def test_a_picture_that_is_too_large():
    scene, arrays = screen_scene(61, (1,)), TaichiArrays()
    with pytest.raises(MemoryError, match=f"rasterize: {SENTENCE}numbers in the picture"):
        rasterize(arrays, scene.topology, arrays.parameter(scene.vertices), huge(3, 8192), huge(1, 8192), RasterizeSettings(), (1, 2**14))


class TestOperations:
    PICTURE = (1, 2**16, 2**15)

    def test_losses(self):
        with pytest.raises(MemoryError, match=f"silhouette_iou: {SENTENCE}numbers in an array"):
            losses.silhouette_iou(huge(*self.PICTURE), huge(*self.PICTURE))
        with pytest.raises(MemoryError, match=f"image_l1: {SENTENCE}numbers in an array"):
            losses.color_l1(huge(1, 2**15, 2**14, 4), huge(1, 2**15, 2**14, 4), huge(1, 2**15, 2**14))

    def test_features(self):
        with pytest.raises(MemoryError, match=f"some_op: {SENTENCE}numbers in features"):
            check_features("some_op", "features", (2**20, 2**11), {})

    def test_nearest(self):
        arrays = TaichiArrays()
        with pytest.raises(MemoryError, match=f"nearest: {SENTENCE}coordinates"):
            nearest.search(arrays, huge(2**30, 3), huge(1, 9), 0.0, of_points=True)
        with pytest.raises(MemoryError, match=f"crossings: {SENTENCE}coordinates"):
            nearest.crossings(arrays, huge(1, 3), huge(2**28, 9))

    def test_sampling(self):
        with pytest.raises(ValueError, match="sample_surface: count must be between 1 and"):
            sampling.sample_surface(np.eye(3), [[0, 1, 2]], COUNTABLE // 3 + 1)

    def test_topology(self):
        with pytest.raises(MemoryError, match=f"Topology: {SENTENCE}coordinates in all images"):
            Topology.batch([np.array([[0, 1, 2]])], [COUNTABLE // 3 + 1])

    def test_connectivity(self):
        with pytest.raises(MemoryError, match=f"Connectivity: {SENTENCE}numbers in a list"):
            Connectivity(
                n_vertices=COUNTABLE // 3 + 1, edges=np.zeros((0, 2), np.int32), hinges=np.zeros((0, 4), np.int32), one_over_degree=huge(COUNTABLE // 3 + 1)
            )
