"""Optimisers on Taichi's arrays: the same steps as torch's, ndarrays and fields; and gradients that are cleared when a tape begins."""

import numpy as np
import pytest
import torch

from taichi_softras import SGD, Adam, Camera, FieldArrays, Mesh, Renderer, TaichiArrays, losses
from taichi_softras.language import ti

RNG = np.random.default_rng(0)
START, GRADIENTS = RNG.normal(size=(5, 3)), RNG.normal(size=(6, 5, 3))


def steps(make, arrays) -> np.ndarray:
    """Where six given gradients lead."""
    parameter = arrays.parameter(START)
    optimizer = make([parameter])
    for gradient in GRADIENTS:
        parameter.grad.from_numpy(gradient)
        optimizer.step()
    return parameter.to_numpy()


def torch_steps(make) -> np.ndarray:
    parameter = torch.tensor(START, requires_grad=True)
    optimizer = make([parameter])
    for gradient in GRADIENTS:
        parameter.grad = torch.tensor(gradient)
        optimizer.step()
    return parameter.detach().numpy()


@pytest.mark.parametrize("library", [TaichiArrays, FieldArrays])
class TestSteps:
    def test_adam(self, library):
        expected = torch_steps(lambda p: torch.optim.Adam(p, lr=0.03, betas=(0.8, 0.95), eps=1e-12))
        np.testing.assert_allclose(steps(lambda p: Adam(p, 0.03, (0.8, 0.95)), library(ti.f64)), expected, atol=1e-12)

    def test_sgd(self, library):
        for momentum in (0.0, 0.7):
            expected = torch_steps(lambda p, momentum=momentum: torch.optim.SGD(p, lr=0.03, momentum=momentum))
            np.testing.assert_allclose(steps(lambda p, momentum=momentum: SGD(p, 0.03, momentum), library(ti.f64)), expected, atol=1e-12)

    def test_uniform_adam_keeps_the_direction_of_the_gradient(self, library):
        arrays = library(ti.f64)
        parameter = arrays.parameter(START)
        parameter.grad.from_numpy(GRADIENTS[0])
        Adam(parameter, 0.1, uniform=True).step()
        moved = START - parameter.to_numpy()
        np.testing.assert_allclose(moved, GRADIENTS[0] * 0.1 / np.abs(GRADIENTS[0]).max(), atol=1e-9)

    def test_zero_gradients_move_nothing(self, library):
        arrays = library(ti.f32)
        parameter = arrays.parameter(START)
        parameter.grad.fill(3)
        for optimizer in (Adam(parameter), SGD(parameter, 0.1)):
            optimizer.zero_grad()
            optimizer.step()
        assert np.array_equal(parameter.to_numpy(), START.astype(np.float32))


def test_a_tape_begins_with_gradients_of_zero():
    """One that ran before leaves nothing; but two uses within one tape add up."""
    mesh, camera = Mesh.icosphere(1), Camera.orbit(3.0, 10.0, 20.0)
    renderer = Renderer(16)
    target = renderer.parameter(np.full((1, 16, 16), 0.5))

    def gradient(vertices, times: int) -> np.ndarray:
        loss = renderer.parameter(np.zeros(1))
        with ti.ad.Tape(loss):
            for _ in range(times):
                losses.silhouette_iou(renderer(vertices, mesh.faces, camera).alpha, target, into=loss)
        return vertices.grad.to_numpy()

    vertices = renderer.parameter(mesh.vertices)
    once = gradient(vertices, 1)
    assert np.abs(once).max() > 0
    np.testing.assert_allclose(gradient(vertices, 1), once, rtol=1e-4, atol=1e-7)
    np.testing.assert_allclose(gradient(vertices, 2), 2 * once, rtol=1e-4, atol=1e-7)


def test_fitting_a_silhouette():
    mesh, camera = Mesh.icosphere(2), Camera.orbit(3.0, 10.0, [20.0, 140.0, 260.0])
    renderer = Renderer(32)
    arrays = renderer.arrays
    target = arrays.real(renderer(arrays.real(mesh.vertices * [1.3, 0.7, 1.0]), mesh.faces, camera).alpha.to_numpy())
    vertices, loss = renderer.parameter(mesh.vertices), renderer.parameter(np.zeros(1))
    optimizer, history = Adam(vertices, 0.02), []
    for _ in range(25):
        with ti.ad.Tape(loss):
            losses.silhouette_iou(renderer(vertices, mesh.faces, camera).alpha, target, into=loss)
        optimizer.step()
        history.append(float(loss.to_numpy()[0]))
    assert history[-1] < 0.25 * history[0]


class TestFaults:
    def test_parameters(self):
        parameter = TaichiArrays().parameter(START)
        with pytest.raises(ValueError, match="Adam: there must be at least one parameter, got none"):
            Adam([])
        with pytest.raises(TypeError, match="SGD: each of the parameters must be a Taichi array or field, got ndarray"):
            SGD([START], 0.1)
        with pytest.raises(ValueError, match="must have a gradient"):
            Adam(ti.ndarray(ti.f32, 3))
        with pytest.raises(TypeError, match="must be float32 or float64, got f16"):
            Adam(ti.field(ti.f16, 3, needs_grad=True))
        with pytest.raises(ValueError, match="Adam: rate must be"):
            Adam(parameter, -1.0)
        with pytest.raises(ValueError, match="SGD: momentum must be"):
            SGD(parameter, 0.1, 1.5)
        optimizer = Adam(parameter)
        optimizer.rate = float("nan")
        with pytest.raises(ValueError, match="Adam: rate must be"):
            optimizer.step()
