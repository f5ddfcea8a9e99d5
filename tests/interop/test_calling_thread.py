"""That a step of ours wakes none of torch's threads, which wait in a loop afterwards, and take the cores from Taichi's."""

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from taichi_softras import Camera, Mesh
from taichi_softras.interop import calling_thread, losses, render

PARALLEL_FROM = 32768  # numbers: at::internal::GRAIN_SIZE
NO_WORK = {"aten::detach", "aten::lift_fresh", "aten::empty", "aten::empty_like", "aten::view", "aten::_unsafe_view", "aten::expand", "aten::alias"}
NO_WORK |= {"aten::slice", "aten::select", "aten::unsqueeze", "aten::t", "aten::transpose"}


class Recorder(TorchDispatchMode):
    """Operations that torch gives to its threads."""

    def __init__(self):
        super().__init__()
        self.found = []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        result = func(*args, **(kwargs or {}))
        sizes = [tensor.numel() for tensor in (*args, result) if isinstance(tensor, torch.Tensor)]
        if max(sizes, default=0) >= PARALLEL_FROM and func.name().split(".")[0] not in NO_WORK:
            self.found.append((func.name(), sizes))
        return result


@pytest.fixture(scope="module")
def step():
    ball = Mesh.icosphere(5)
    vertices, colors = (torch.tensor(values, dtype=torch.float32).requires_grad_() for values in (ball.vertices, abs(ball.vertices)))
    faces, target = torch.tensor(ball.faces, dtype=torch.int64), torch.rand(1, 128, 256, 3)

    def step(loss):
        image = render(vertices, faces, Camera.orbit(2.732), colors, image_size=(128, 256))
        loss(image, target).backward()
        return vertices.grad

    return step


def test_a_step_of_ours_wakes_none(step):
    step(lambda image, target: losses.color_l1(image.color, target))
    with Recorder() as recorder:
        assert step(lambda image, target: losses.color_l1(image.color, target)).abs().max() > 0
    assert recorder.found == []


def test_that_others_are_seen(step):
    with Recorder() as recorder:
        step(lambda image, target: (image.color - target).abs().mean())
    assert {"aten::sub.Tensor", "aten::abs"} <= {name for name, _ in recorder.found}


def test_they_do_what_torch_does():
    indices = torch.randint(-9, 9, (5, 3))
    assert calling_thread.extremes(indices) == tuple(map(int, torch.aminmax(indices)))
    assert calling_thread.same_indices(indices, indices.clone())
    assert not calling_thread.same_indices(indices, indices + 1)
    assert torch.equal(calling_thread.int32(indices.T), indices.T.to(torch.int32))
    assert calling_thread.int32(indices.T).is_contiguous()
    assert calling_thread.zeroed(torch.ones(4, 2)).abs().max() == 0
    assert torch.equal(calling_thread.filled(torch.zeros(3), 2.5), torch.full((3,), 2.5))
