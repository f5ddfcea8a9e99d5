"""GenDR's distributions and T-conorms in the renderer: exact gradients, and nothing but finite numbers.

Plan: float64 finite differences of the silhouette for 54 pairs: every distribution with three T-conorms that shift from one to the next, so that every
distribution, T-conorm and distance, squared and plain, is met. Then of the colours for every distribution; and pixels deep inside and far outside, in both
precisions. Each is compared with the plain torch of `interop/dense.py`, too.
"""

from dataclasses import replace
from functools import partial

import pytest
import torch
from scenes import IMAGE_SIZE, SMOOTH, screen_scene
from second_opinion import agree
from test_gradcheck import check, mixtures

from taichi_softras import Distance, Distribution, RasterizeSettings, Silhouette
from taichi_softras.interop import rasterize

pytestmark = pytest.mark.usefixtures("one_lane")

DISTRIBUTIONS = [kind for kind in Distribution if kind is not Distribution.WINDOW]  # which is none, and in `test_composite`
CONORMS = [kind for kind in Silhouette if kind is not Silhouette.HARD]
DISTANCES = (Distance.EUCLIDEAN, Distance.BARYCENTRIC, Distance.CHEBYSHEV)


def soft(distribution: Distribution, silhouette: Silhouette, **changes) -> RasterizeSettings:
    return replace(SMOOTH, distribution=distribution, silhouette=silhouette, shape=1.7, shift=0.3, cutoff=1e-12, **changes)


PAIRS = [(distribution, CONORMS[(3 * i + k) % len(CONORMS)], i + k) for i, distribution in enumerate(DISTRIBUTIONS) for k in range(3)]


def settings_of(distribution: Distribution, silhouette: Silhouette, number: int, sigma: float, sigma_squared: float) -> RasterizeSettings:
    """The number tells the distance, and whether it is squared."""
    squared = number % 2 == 0
    return soft(distribution, silhouette, squared=squared, sigma=sigma_squared if squared else sigma, distance=DISTANCES[number % 3])


ONCE = [PAIRS[3 * i + i % 3] for i in range(len(DISTRIBUTIONS))]  # every distribution once, every T-conorm at least once


def test_every_one_is_met():
    for pairs, times in ((PAIRS, 3), (ONCE, 1)):
        assert [distribution for distribution, *_ in pairs] == [distribution for distribution in DISTRIBUTIONS for _ in range(times)]
        assert {conorm for _, conorm, _ in pairs} == set(CONORMS)
        assert {number % 6 for *_, number in pairs} == set(range(6))  # each distance, squared and plain


@pytest.mark.parametrize(("distribution", "silhouette", "number"), PAIRS, ids=lambda value: getattr(value, "name", str(value)))
def test_gradient_of_the_silhouette(distribution, silhouette, number):
    settings = settings_of(distribution, silhouette, number, 0.2, 0.05)
    scene = screen_scene(51, (4, 3))

    def function(rasterize, vertices):
        return mixtures(rasterize(vertices, scene.topology, settings=settings, image_size=IMAGE_SIZE))

    check(partial(function, rasterize), scene.vertices, fast=True)
    agree(function, scene.vertices)


@pytest.mark.parametrize("distribution", DISTRIBUTIONS, ids=lambda d: d.name)
def test_gradient_of_colour(distribution):
    settings = soft(distribution, Silhouette.PROBABILISTIC, squared=False, sigma=0.2)
    scene = screen_scene(52, (4, 3), n_features=1)

    def function(rasterize, vertices, features, background):
        return mixtures(rasterize(vertices, scene.topology, features, background=background, settings=settings, image_size=IMAGE_SIZE))

    check(partial(function, rasterize), scene.vertices, scene.features, scene.background, fast=True)
    agree(function, scene.vertices, scene.features, scene.background)


@pytest.mark.parametrize("distribution", [Distribution.LEVY, Distribution.GAMMA, Distribution.EXPONENTIAL])
def test_coverages_that_vanish_inside_give_the_background(distribution):
    """The edge of a face, where a one-sided distribution is nought, before a sharp gamma: neither a face nor the background has a weight."""
    scene = screen_scene(54, (6, 5))
    settings = RasterizeSettings(distribution=distribution, sigma=1e-6, gamma=1e-5)
    vertices = torch.tensor(scene.vertices, dtype=torch.float32, requires_grad=True)
    features, background = torch.ones(len(vertices), 1), torch.full((2, 1), 0.5)
    image = rasterize(vertices, scene.topology, features, background=background, settings=settings, image_size=(40, 50))
    assert image.color.isfinite().all()
    assert image.color.min() >= 0.5 - 1e-6
    assert image.color.max() <= 1 + 1e-6
    (image.color.sum() + image.depth.sum()).backward()
    assert vertices.grad.isfinite().all()


@pytest.mark.parametrize(
    ("distribution", "silhouette", "number", "dtype"),
    [*[(*pair, torch.float64) for pair in PAIRS], *[(*pair, torch.float32) for pair in ONCE]],
    ids=lambda value: getattr(value, "name", str(value)),
)
def test_sure_and_impossible_coverages_are_finite(distribution, silhouette, number, dtype):
    """Sharp edges: coverage is exactly 0 or 1 nearly everywhere, and several faces have it at once. (In float64 with the kernels of the gradients above.)"""
    settings = settings_of(distribution, silhouette, number, 1e-4, 1e-8)
    scene = screen_scene(53, (6, 5))
    vertices = torch.tensor(scene.vertices, dtype=dtype, requires_grad=True)
    alpha = rasterize(vertices, scene.topology, settings=settings, image_size=IMAGE_SIZE).alpha
    alpha.sum().backward()
    assert alpha.isfinite().all()
    assert alpha.min() >= 0
    assert alpha.max() <= 1 + 1e-6
    assert vertices.grad.isfinite().all()
