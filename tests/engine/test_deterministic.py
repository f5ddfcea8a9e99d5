"""The same bits in every run: pictures always, gradients where it is asked for.

Plan: a scene in which many faces share a vertex, drawn again and again. Each way of running needs a Taichi of its own, so each is a process of its own, which
goes through all choices.
"""

import os
from collections.abc import Iterable

import pytest

import taichi_softras as tsr

SCENE = """
import numpy as np, trimesh
from taichi_softras.language import ti
import taichi_softras as tsr
from taichi_softras.engine import rasterize

tsr.init("cpu"{options})
ball = trimesh.creation.uv_sphere(radius=0.8, count=[20, 20])
vertices = np.asarray(ball.vertices) + [0.0, 0.0, 3.0]
topology = tsr.Topology.shared(ball.faces, len(vertices))
arrays = tsr.TaichiArrays()
for choice in [{choices}]:
    settings = tsr.RasterizeSettings(sigma=1e-3, gamma=1e-2, **choice)
    bits = []
    for _ in range(8):
        at, colors, background = (arrays.parameter(values) for values in (vertices, np.abs(vertices), np.full((1, 3), 0.3)))
        with ti.ad.Tape(arrays.parameter(np.zeros(1))):
            image = rasterize(arrays, topology, at, colors, background, settings, (64, 64))
            for output in (image.alpha, image.color, image.depth):
                arrays.untracked(lambda: output.grad.fill(1.0))
        bits.append([array.to_numpy().tobytes() for array in (image.color, at.grad, colors.grad, background.grad)])
    print("RESULT", *(len(set(outcomes)) for outcomes in zip(*bits)), tsr.runtime.is_deterministic())
"""


CHOICES = {
    "by hand": "dict(silhouette=tsr.Silhouette.PROBABILISTIC)",
    "generated": "dict(silhouette=tsr.Silhouette.EINSTEIN)",
    "composited": "dict(blending=tsr.Blending.COMPOSITE)",
}
ALWAYS = ("by hand", "composited")


def numbers_of_outcomes(run_python, options: str, names: Iterable[str]) -> dict[str, list[str]]:
    """For each choice: of the picture, and of the gradients of vertices, colours and background; and whether it is said to be so."""
    printed = run_python(SCENE.format(options=options, choices=", ".join(CHOICES[name] for name in names))).stdout
    return dict(zip(names, [line.split()[1:] for line in printed.splitlines() if line.startswith("RESULT")], strict=True))


@pytest.fixture(scope="module")
def on_request(run_python) -> dict[str, list[str]]:
    return numbers_of_outcomes(run_python, ", deterministic=True", CHOICES)


@pytest.fixture(scope="module")
def always(run_python) -> dict[str, list[str]]:
    return numbers_of_outcomes(run_python, "", ALWAYS)


@pytest.mark.parametrize("choice", CHOICES)
def test_on_request(on_request, choice):
    assert on_request[choice] == ["1", "1", "1", "1", "True"]


@pytest.mark.parametrize("choice", ALWAYS)
def test_pictures_always(always, choice):
    """And what is written by hand of the gradients."""
    pictures, vertices, colors, _, deterministic = always[choice]
    assert pictures == vertices == colors == "1"
    assert deterministic == str(os.cpu_count() == 1)


def test_only_the_cpu_can():
    with pytest.raises(ValueError, match="arch must be cpu where deterministic gradients are wanted, got 'vulkan'"):
        tsr.init("vulkan", deterministic=True)


def test_a_flag():
    with pytest.raises(TypeError, match="init: deterministic must be"):
        tsr.init("cpu", deterministic=1)


def test_too_late():
    if tsr.runtime.is_deterministic():
        pytest.skip("this machine has one core, and is so always")
    with pytest.raises(RuntimeError, match="already runs with several threads"):
        tsr.init("cpu", deterministic=True)


class TestTorch:
    def test_its_flag_is_heeded(self):
        torch = pytest.importorskip("torch")
        interop = pytest.importorskip("taichi_softras.interop")
        if tsr.runtime.is_deterministic():
            pytest.skip("this machine has one core, and is so always")
        vertices = torch.tensor([[-0.5, -0.5, 3.0], [0.5, -0.5, 3.0], [0.0, 0.5, 3.0]], requires_grad=True)
        topology = tsr.Topology.shared([[0, 1, 2]], 3)
        torch.use_deterministic_algorithms(True)
        try:
            alpha = interop.rasterize(vertices, topology, image_size=8).alpha.sum()
            with pytest.raises(RuntimeError, match="deterministic=True"):
                alpha.backward()
            torch.use_deterministic_algorithms(True, warn_only=True)
            with pytest.warns(UserWarning, match="deterministic=True"):
                interop.rasterize(vertices, topology, image_size=8).alpha.sum().backward()
        finally:
            torch.use_deterministic_algorithms(False)
