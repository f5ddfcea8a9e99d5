"""Gradients in float32 are as near to float64's as `docs/limits.md` says; the table there is made by `tests/accuracy.py`.

Plan: the default at two sigmas (by hand), and the two heaviest tails (generated), whose far pixels see both ends of every edge as equally near; the default
once more with eight lanes. Then the pixel whose gradient was lost: before a short edge, far away.
"""

import numpy as np
import pytest
import torch
from accuracy import errors, settings_of

from taichi_softras import Distribution, Topology
from taichi_softras.interop import rasterize

BOUND = 1e-4


@pytest.mark.parametrize("sigma", [1e-3, 1e-5])
def test_the_default(sigma):
    for seed in range(3):
        assert errors(settings_of(sigma=sigma), seed)[0] < BOUND


@pytest.mark.parametrize("distribution", [Distribution.CAUCHY, Distribution.RECIPROCAL])
def test_heavy_tails(distribution, one_lane):
    for seed in range(3):
        assert errors(settings_of(distribution=distribution), seed)[0] < BOUND


def test_a_far_pixel_before_a_short_edge(one_lane):
    """To the pixel, the nearest point lies on the edge just beside a corner, and that corner is as near to nine digits: depth changes along the edge alone."""
    corners = np.array([[0.36122081, 0.57804662, 2.63367844], [0.36813888, 0.57176942, 2.43963027], [0.18013282, 0.6653893, 2.52670002]])
    found = []
    for dtype in (torch.float64, torch.float32):
        vertices = torch.tensor(np.float32(corners), dtype=dtype).requires_grad_()
        settings = settings_of(distribution=Distribution.RECIPROCAL, sigma=1e-2)
        image = rasterize(vertices, Topology.shared(np.array([[0, 1, 2]]), 3), torch.ones(3, 3, dtype=dtype), settings=settings, image_size=(48, 64))
        image.depth[0, 1, 48].backward()
        found.append(vertices.grad[:, :2].double().numpy())
    assert np.abs(found[0][:2]).max() > 0
    np.testing.assert_allclose(found[1], found[0], rtol=0, atol=1e-3 * np.abs(found[0]).max())
