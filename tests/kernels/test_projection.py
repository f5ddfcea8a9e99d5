"""Vertices on the screen in one go: `see` is `view` and `project`, and its way back by hand is the generated one."""

from dataclasses import replace

import numpy as np
import pytest

from taichi_softras.engine import project, view
from taichi_softras.engine.rasterizer import see
from taichi_softras.kernels.projection import Lens
from taichi_softras.kernels.tiles import BEFORE_PLANE
from taichi_softras.language import ti
from taichi_softras.runtime import TaichiArrays
from taichi_softras.scene import Camera, Topology


def scene(arrays: TaichiArrays, lens: Lens, camera_wanted: bool):
    """Points ahead of three cameras, and one that is behind the eye of the first."""
    rng = np.random.default_rng(3)
    points = rng.normal(size=(7, 3))
    points[0] = [0.0, 0.0, 2.5]  # behind the eye of the first camera
    camera = Camera.orbit(2.0, azimuth=[0.0, 100.0, 200.0], elevation=[0.0, 20.0, -30.0], orthographic_height=2.5 if lens is Lens.ORTHOGRAPHIC else None)
    faces = [rng.permutation(7)[:3][None].astype(np.int32) for _ in range(3)]
    topology = Topology.shared(np.concatenate(faces), 7, 3)
    vertices = arrays.parameter(points)
    if camera_wanted:
        camera = replace(camera, camera_from_world=arrays.parameter(camera.camera_from_world))
    return vertices, topology, camera.on(arrays)


def after_a_loss(arrays: TaichiArrays, lens: Lens, camera_wanted: bool, at_once: bool) -> tuple[np.ndarray, ...]:
    """Where the vertices are seen, and the gradient of a sum of them, weighted at random, to the vertices (and the cameras)."""
    vertices, topology, camera = scene(arrays, lens, camera_wanted)
    weights = arrays.parameter(np.random.default_rng(4).normal(size=(21, 3)))
    loss = arrays.parameter(np.zeros(1))

    @ti.kernel
    def weigh(seen: arrays.variant.array(2), weights: arrays.variant.array(2), loss: arrays.variant.array(1)):
        for i, k in ti.ndrange(21, 3):
            loss[0] += seen[i, k] * weights[i, k]

    with ti.ad.Tape(loss):
        if at_once:
            seen, _ = see(arrays, topology, vertices, camera, 1.0)
        else:
            seen = project(arrays, topology, view(arrays, topology, vertices, camera), camera)
        weigh(seen, weights, loss)
    wanted = [vertices] + ([camera.camera_from_world] if camera_wanted else [])
    return (arrays.to_numpy(seen), *(array.grad.to_numpy() for array in wanted))


@pytest.mark.parametrize("lens", [Lens.PERSPECTIVE, Lens.ORTHOGRAPHIC])
@pytest.mark.parametrize("camera_wanted", [False, True])
def test_view_and_project_in_one(lens: Lens, camera_wanted: bool) -> None:
    arrays = TaichiArrays(ti.f64)
    for at_once, in_two in zip(after_a_loss(arrays, lens, camera_wanted, True), after_a_loss(arrays, lens, camera_wanted, False), strict=True):
        np.testing.assert_allclose(at_once, in_two, rtol=1e-12, atol=1e-12)


def test_whether_a_vertex_is_before_the_plane() -> None:
    arrays = TaichiArrays(ti.f64)
    vertices, topology, camera = scene(arrays, Lens.PERSPECTIVE, False)
    depths = arrays.to_numpy(see(arrays, topology, vertices, camera, 0.0)[0])[:, 2]
    for plane, expected in ((float(depths.min()), 0), (float(np.nextafter(depths.min(), 10.0)), 1)):
        assert arrays.to_numpy(see(arrays, topology, vertices, camera, plane)[1])[BEFORE_PLANE] == expected
