"""The renderer on Vulkan, with fields, against the CPU.

Plan: one process starts Taichi on Vulkan, renders one small scene with gradients on the tape, and prints the numbers; they are compared with the same scene
on the CPU. Where there is no Vulkan the test says so and is skipped, but not on CI, where there must be one.
"""

import json
import os

import numpy as np
import pytest
import torch
from scenes import relative_error

from taichi_softras import Camera, Connectivity, RasterizeSettings, Renderer, TaichiArrays, Topology
from taichi_softras.interop import losses, render
from taichi_softras.language import ti

NO_VULKAN = 77  # the status with which a script ends where Taichi falls back to another backend

PREAMBLE = f"""
import json, sys
import numpy as np
from taichi_softras.language import arch_name, ti
ti.init(arch=ti.vulkan, log_level=ti.ERROR)
if arch_name() != "vulkan":
    sys.exit({NO_VULKAN})
"""

RENDER = (
    PREAMBLE
    + """
from taichi_softras import Camera, FieldArrays, RasterizeSettings, Renderer, Topology

@ti.kernel
def square_sum(image: ti.template(), loss: ti.template()):
    for I in ti.grouped(image):
        loss[None] += image[I] * image[I]

scene = json.loads(sys.stdin.read())
renderer = Renderer(scene["size"], RasterizeSettings(**scene["settings"]), arrays=FieldArrays())
vertices, colors = renderer.parameter(np.array(scene["vertices"], np.float32)), renderer.parameter(np.array(scene["colors"], np.float32))
loss = ti.field(ti.f32, (), needs_grad=True)
with ti.ad.Tape(loss):
    image = renderer(vertices, Topology.shared(np.array(scene["faces"]), len(scene["vertices"])), Camera.orbit(**scene["camera"]), colors)
    for array in (image.alpha, image.color, image.depth):
        square_sum(array, loss)
arrays = {"alpha": image.alpha, "color": image.color, "depth": image.depth, "grad_vertices": vertices.grad, "grad_colors": colors.grad}
print("RESULT", json.dumps({name: array.to_numpy().tolist() for name, array in arrays.items()}))
"""
)

LOSSES = (
    PREAMBLE
    + """
from taichi_softras import Connectivity, FieldArrays, losses

scene = json.loads(sys.stdin.read())
arrays = FieldArrays()
vertices, alpha, target = arrays.parameter(scene["vertices"]), arrays.parameter(scene["alpha"]), arrays.parameter(scene["target"])
connectivity = Connectivity.of(scene["faces"], len(scene["vertices"]))
loss = ti.field(ti.f32, (), needs_grad=True)
with ti.ad.Tape(loss):
    losses.silhouette_iou(alpha, target, into=loss, weight=3.0, arrays=arrays)
    losses.laplacian(vertices, connectivity, into=loss, weight=0.5, arrays=arrays)
    losses.flatten(vertices, connectivity, into=loss, arrays=arrays)
print("RESULT", json.dumps({"loss": loss[None], "grad_vertices": vertices.grad.to_numpy().tolist(), "grad_alpha": alpha.grad.to_numpy().tolist()}))
"""
)

SCENE = {
    "size": [6, 11],
    "settings": {"sigma": 0.02, "gamma": 0.1, "near": 1.0, "far": 6.0},
    "vertices": [[-0.9, -0.5, 0.2], [0.4, -0.7, -0.1], [-0.3, 0.6, 0.3], [0.8, 0.5, -0.4], [0.1, 0.2, 0.9]],
    "faces": [[0, 1, 2], [1, 3, 2], [0, 4, 3]],
    "colors": [[0.9, 0.1, 0.2], [0.1, 0.8, 0.3], [0.2, 0.3, 0.9], [0.7, 0.7, 0.1], [0.5, 0.1, 0.6]],
    "camera": {"distance": 3.1, "elevation": 15.0, "azimuth": 25.0},
}


def on_vulkan(run_python, script: str, given: str = "") -> str:
    """What the script printed."""
    result = run_python(script, check=False, given=given)
    if result.returncode == NO_VULKAN:
        sentence = "Taichi finds no Vulkan on this machine (it wants libvulkan.so.1 and a driver, such as lavapipe)"
        if os.environ.get("CI"):
            pytest.fail(sentence, pytrace=False)
        pytest.skip(sentence)
    if result.returncode:
        pytest.fail(f"the script ended with {result.returncode}\n{result.stdout}\n{result.stderr}", pytrace=False)
    return result.stdout


def on_cpu() -> dict[str, np.ndarray]:
    """The same in float64 on the CPU, with the torch layer's gradients (`test_tape.py` compares them with the tape's)."""
    leaves = [torch.tensor(SCENE[name], dtype=torch.float64, requires_grad=True) for name in ("vertices", "colors")]
    image = render(
        leaves[0], SCENE["faces"], Camera.orbit(**SCENE["camera"]), leaves[1], settings=RasterizeSettings(**SCENE["settings"]), image_size=tuple(SCENE["size"])
    )
    (image.alpha.square().sum() + image.color.square().sum() + image.depth.square().sum()).backward()
    tensors = {"alpha": image.alpha, "color": image.color, "depth": image.depth, "grad_vertices": leaves[0].grad, "grad_colors": leaves[1].grad}
    return {name: tensor.detach().numpy() for name, tensor in tensors.items()}


def test_losses_equal_the_cpu(run_python):
    alpha, target = np.random.default_rng(0).uniform(0, 1, (2, 1, 3, 9))
    printed = on_vulkan(
        run_python, LOSSES, json.dumps({"vertices": SCENE["vertices"], "faces": SCENE["faces"], "alpha": alpha.tolist(), "target": target.tolist()})
    )
    got = json.loads(printed.split("RESULT ")[1])
    v, a = (torch.tensor(values, dtype=torch.float64, requires_grad=True) for values in (SCENE["vertices"], alpha))
    connectivity = Connectivity.of(SCENE["faces"], 5)
    loss = 3 * losses.silhouette_iou(a, torch.tensor(target)) + 0.5 * losses.laplacian(v, connectivity) + losses.flatten(v, connectivity)
    loss.backward()
    for name, expected in {"loss": loss, "grad_vertices": v.grad, "grad_alpha": a.grad}.items():
        assert relative_error(np.array(got[name]), expected.detach().numpy()) < 1e-4, name


def test_fields_equal_the_cpu(run_python):
    printed = on_vulkan(run_python, RENDER, json.dumps(SCENE))
    got = json.loads(printed.split("RESULT ")[1])
    for name, expected in on_cpu().items():
        assert np.linalg.norm(expected) > 0.1
        assert relative_error(np.array(got[name]), expected) < 1e-4, name


def test_ndarrays_and_tensors_are_refused(run_python):
    """Taichi's gradients of them are silently wrong on Vulkan: a sentence says what to do instead."""
    script = (
        PREAMBLE
        + """
import torch
from taichi_softras import Camera, FieldArrays, Renderer, TaichiArrays
from taichi_softras.interop import render
for wrong, words in (
    (lambda: TaichiArrays(), "gradients of ti.ndarray are right on cpu and cuda only, and Taichi runs on vulkan; use fields (FieldArrays)"),
    (lambda: render(torch.zeros(3, 3), [[0, 1, 2]], Camera.orbit()), "Taichi runs on vulkan, and the tensors are on cpu"),
):
    try:
        wrong()
    except RuntimeError as error:
        assert words in str(error), error
    else:
        raise AssertionError("nothing was raised")
assert isinstance(Renderer(8).arrays, FieldArrays)
print("RESULT refused")
"""
    )
    assert "RESULT refused" in on_vulkan(run_python, script)


def test_the_scene_has_a_picture():
    """So that the comparison is of something: faces and background both show."""
    renderer = Renderer(tuple(SCENE["size"]), RasterizeSettings(**SCENE["settings"]), arrays=TaichiArrays(ti.f32))
    alpha = renderer(renderer.parameter(SCENE["vertices"]), Topology.shared(np.array(SCENE["faces"]), 5), Camera.orbit(**SCENE["camera"])).alpha.to_numpy()
    assert alpha.max() > 0.8
    assert alpha.min() < 0.1
