"""Clipping at the near plane has exact gradients.

Plan: float64 finite differences, along random mixtures of all numbers, of the cut vertices and of what is carried over; then through the whole way: world,
camera, clipping, screen, picture; to vertices, colours and cameras. Then the same gradient on Taichi's tape.
"""

from dataclasses import replace

import numpy as np
import pytest
import torch
from scenes import IMAGE_SIZE, SMOOTH, relative_error
from test_clipping import PLANE, soup
from test_gradcheck import check, mixtures

from taichi_softras import Camera, TaichiArrays, Topology
from taichi_softras.engine import RenderedImage, clip_near, render
from taichi_softras.interop.bridge import TorchArrays
from taichi_softras.language import ti

pytestmark = pytest.mark.usefixtures("one_lane")


def projections(values: torch.Tensor, n: int = 3) -> torch.Tensor:
    """[n] random mixtures of all numbers."""
    return torch.randn(n, values.numel(), dtype=values.dtype, generator=torch.Generator().manual_seed(0)) @ values.flatten()


class TestCuts:
    def test_vertices(self):
        topology, vertices = soup(1, (5, 4))

        def function(vertices):
            return projections(clip_near(TorchArrays.of("test", vertices=vertices), topology, vertices, PLANE).vertices_camera)

        check(function, vertices)

    def test_rows(self):
        topology, vertices = soup(2, (5, 4))
        rows = np.random.default_rng(0).normal(size=(len(vertices), 2))

        def function(rows, vertices):
            clipped = clip_near(TorchArrays.of("test", vertices=vertices), topology, vertices, PLANE)
            return torch.cat([projections(clipped.cut_rows(rows, topology.feature_faces)[0]), projections(clipped.corner_weights()[0])])

        check(function, rows, vertices)

    def test_rows_that_are_the_vertices(self):
        """One array as both inputs: the two gradients add up to that of `vertices_camera`."""
        topology, vertices = soup(3, (5, 4))
        leaf = torch.tensor(vertices, requires_grad=True)
        clipped = clip_near(TorchArrays.of("test", vertices=leaf), topology, leaf, PLANE)
        again, faces = clipped.cut_rows(leaf, topology.faces)
        np.testing.assert_allclose(again.detach(), clipped.vertices_camera.detach(), atol=1e-12)
        np.testing.assert_array_equal(faces, clipped.topology.faces)
        upstream = torch.randn(again.shape, dtype=again.dtype, generator=torch.Generator().manual_seed(1))
        gradients = [torch.autograd.grad((values * upstream).sum(), leaf)[0] for values in (again, clipped.vertices_camera)]
        np.testing.assert_allclose(*gradients, atol=1e-9)

    def test_an_edge_almost_parallel_to_the_plane(self):
        just_behind = float(np.nextafter(np.float32(-PLANE), np.float32(0)))
        vertices = torch.tensor([[0.0, 0, -PLANE], [1, 0, just_behind], [0, 1, -PLANE - 1]], requires_grad=True)
        clipped = clip_near(TorchArrays.of("test", vertices=vertices), Topology.shared(np.array([[0, 1, 2]]), 3), vertices, PLANE)
        (clipped.vertices_camera.square().sum() + clipped.corner_weights()[0].square().sum()).backward()
        assert vertices.grad.isfinite().all()


# A tent around two cameras: faces cross each near plane, wholly and in part behind it, and some are ahead.
CORNERS = np.array([[-1.5, -0.8, -2.0], [1.4, -0.9, -2.2], [1.6, -0.7, 1.3], [-1.3, -1.0, 1.5], [0.1, 1.3, -1.9], [0.0, 1.2, 1.4]])
FACES = np.array([[0, 1, 4], [1, 2, 5], [1, 5, 4], [3, 0, 4], [3, 4, 5], [0, 3, 2], [0, 2, 1], [3, 5, 2]])
CAMERA = Camera.look_at([[0.1, 0.05, 0.2], [-0.2, -0.1, -0.4]], [[0.3, 0.0, -2.0], [0.9, 0.1, 1.0]], fov=80)
SETTINGS = replace(SMOOTH, near=2 * PLANE)
TOPOLOGY = Topology.shared(FACES, len(CORNERS), 2)
COLORS, BACKGROUND = (np.random.default_rng(seed).uniform(size=(n, 2)) for seed, n in ((1, len(CORNERS)), (2, 2)))


def picture(arrays, vertices, colors, background, camera_from_world, intrinsics) -> RenderedImage:
    camera = replace(CAMERA, camera_from_world=camera_from_world, intrinsics=intrinsics)
    return render(arrays, TOPOLOGY, vertices, colors, background, camera, SETTINGS, IMAGE_SIZE)


INPUTS = (CORNERS, COLORS, BACKGROUND, CAMERA.camera_from_world, CAMERA.intrinsics)


class TestPictureFromInside:
    def test_every_input(self):
        vertices_camera = np.einsum("bij,vj->bvi", CAMERA.camera_from_world[:, :, :3], CORNERS) + CAMERA.camera_from_world[:, None, :, 3]
        behind = (-vertices_camera.reshape(-1, 3)[:, 2] < PLANE)[TOPOLOGY.faces].sum(1)
        assert {0, 1, 2} <= set(behind.tolist())
        function = lambda *inputs: mixtures(picture(TorchArrays.of("test", vertices=inputs[0]), *inputs))  # noqa: E731
        leaves = [torch.tensor(values) for values in INPUTS]
        assert function(*leaves).abs().min() > 0.1
        check(function, *leaves)

    def test_on_the_tape(self):
        """Taichi's tape sees the same way: the gradients are those of torch."""
        arrays = TaichiArrays(ti.f64)
        parameters, loss = [arrays.parameter(values) for values in INPUTS], arrays.parameter(np.zeros(1))
        with ti.ad.Tape(loss):
            square_sum(picture(arrays, *parameters).depth, loss)
        leaves = [torch.tensor(values, requires_grad=True) for values in INPUTS]
        picture(TorchArrays.of("test", vertices=leaves[0]), *leaves).depth.square().sum().backward()
        for parameter, leaf in zip(parameters, leaves, strict=True):
            if leaf.grad.abs().max() > 0:  # depth does not depend on colours
                assert relative_error(parameter.grad.to_numpy(), leaf.grad.numpy()) < 1e-9
            else:
                assert (parameter.grad.to_numpy() == 0).all()


@ti.kernel
def square_sum(image: ti.types.ndarray(ndim=3), loss: ti.types.ndarray(ndim=1)):
    for b, i, j in image:
        loss[0] += image[b, i, j] ** 2
