"""Every option of the renderer on Vulkan, with fields, against the CPU in float64: values and gradients.

Plan: a list of scenes in which every distance, distribution, T-conorm, blending, texture, filter, wrap, interpolation, extrapolation, side, lens and output
occurs at least once; one process renders them all on Vulkan. On the CPU the plain torch of `interop/dense.py` draws them, for which nothing is compiled, and
the kernels where it knows no such picture.
"""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from scenes import relative_error, world_scene
from test_vulkan import PREAMBLE, on_vulkan

import taichi_softras as tsr
from taichi_softras import engine
from taichi_softras.interop import dense, render
from taichi_softras.interop.bridge import TorchArrays
from taichi_softras.language import ti

SOFT = {"sigma": 0.02, "gamma": 0.2, "cutoff": 1e-9, "near": 1.0, "far": 8.0}
PLAIN = {"squared": False, "sigma": 0.15, "shape": 1.7, "shift": 0.3}
SIZE = (9, 13)
SCENE = world_scene(61)  # with one topology: fields are compiled for, each by itself, and it has its own
CASES: list[dict] = [
    {"outputs": ["NORMALS", "POSITIONS", "FACE_ID"], "channels": 6},
    {"distance": "BARYCENTRIC", "silhouette": "MAX", "interpolation": "MIXED", "extrapolation": "CLIPPED"},
    {"distance": "CHEBYSHEV", "silhouette": "SUM", "sides": "COUNTERCLOCKWISE", "culling": True},
    {"distance": "HARD", "silhouette": "HARD", "blending": "HARD", "sides": "CLOCKWISE"},
    {"silhouette": "HAMACHER", "texture": "FACE", "silhouette_beyond_depth_range": True, "interpolation": "MIXED"},
    {"silhouette": "FRANK", "picture": ["BILINEAR", "REPEAT"], "lens": "OPENCV"},
    {"silhouette": "YAGER", "picture": ["MIPMAPPED", "CLAMP"], "lens": "FISHEYE"},
    {"silhouette": "ACZEL_ALSINA", "picture": ["NEAREST", "MIRROR"], "lens": "ORTHOGRAPHIC"},
    {"inside": True},
    {"blending": "COMPOSITE", "opacity": "VERTEX", "inside": True},
    {"blending": "COMPOSITE", "opacity": "CHANNEL", "distribution": "WINDOW", "picture": ["BILINEAR", "CLAMP"]},
]
"""What differs from `SOFT`, colours per vertex, a perspective camera."""


def _others(kind, given: str) -> list:
    """The members that no case has yet, to be spread over further cases."""
    default = getattr(tsr.RasterizeSettings(), given)
    taken = {case.get(given) for case in CASES}
    return [member.name for member in kind if member is not default and member.name not in taken]


_distributions, _conorms = _others(tsr.Distribution, "distribution"), _others(tsr.Silhouette, "silhouette")
CASES += [
    PLAIN | {"distribution": name} | ({"silhouette": _conorms[i]} if i < len(_conorms) else {}) | ({"colorless": True} if i % 3 else {})
    for i, name in enumerate(_distributions)
]


def settings_of(case: dict) -> tsr.RasterizeSettings:
    numbers = {name: case[name] for name in ("squared", "sigma", "shape", "shift", "culling", "silhouette_beyond_depth_range") if name in case}
    kinds = {"distance": tsr.Distance, "silhouette": tsr.Silhouette, "distribution": tsr.Distribution, "blending": tsr.Blending, "texture": tsr.Texture}
    kinds["opacity"] = tsr.Opacity
    kinds |= {"interpolation": tsr.Interpolation, "extrapolation": tsr.Extrapolation, "sides": tsr.Sides}
    return tsr.RasterizeSettings(**SOFT | numbers | {name: kind[case[name]] for name, kind in kinds.items() if name in case})


def inputs_of(case: dict) -> dict[str, np.ndarray]:
    """What receives gradient."""
    rng = np.random.default_rng(3)
    given = {"vertices": SCENE.vertices * (4.0 if case.get("inside") else 1.0)}
    if "picture" in case:
        given |= {"picture": rng.uniform(0, 1, (5, 6, 2)), "uvs": rng.uniform(-0.3, 1.4, (8, 2))}
    elif case.get("texture") == "FACE":
        given |= {"colors": rng.uniform(0, 1, (6 * 4, 2))}
    elif not case.get("colorless"):
        given |= {"colors": rng.uniform(0, 1, (8, 2))}
    if case.get("opacity") == "VERTEX":
        given |= {"opacity": rng.uniform(0.2, 0.9, (8, 1))}
    if "channels" in case:
        given |= {"features": rng.uniform(0, 1, (8, case["channels"]))}
    return given


def camera_of(case: dict) -> tsr.Camera:
    camera = tsr.Camera.orbit([2.9, 3.4], [25.0, -10.0], [35.0, 200.0], fov=50.0, orthographic_height=3.0 if case.get("lens") == "ORTHOGRAPHIC" else None)
    distortions = {"OPENCV": [[-0.2, 0.05, 0.01, -0.01, 0, 0, 0, 0]] * 2, "FISHEYE": [[0.02, -0.01, 0, 0]] * 2}
    if case.get("lens") in distortions:
        camera = replace(camera, lens=tsr.Lens[case["lens"]], distortion=np.array(distortions[case["lens"]]))
    return camera


def colors_of(case: dict, given: dict):
    if "picture" not in case:
        return given.get("colors")
    filtering, wrap = case["picture"]
    return tsr.UVTexture(given["picture"], given["uvs"], None, tsr.TextureSettings(filter=tsr.Filter[filtering], wrap=tsr.Wrap[wrap]))


def pictures(image: tsr.RenderedImage) -> dict:
    names = ("alpha", "color", "depth", "features", "normals", "positions")
    return {name: getattr(image, name) for name in names if getattr(image, name) is not None}


def drawn_by_dense(case: dict, leaves: dict[str, torch.Tensor]) -> tsr.RenderedImage:
    """Of faces none of which is cut at the near plane; without further outputs."""
    camera, vertices = camera_of(case), leaves["vertices"]
    arrays = TorchArrays.of("draw", vertices=vertices)
    placed = camera.on(arrays)
    on_screen = engine.project(arrays, SCENE.topology, engine.view(arrays, SCENE.topology, vertices, placed), placed)
    settings = engine.as_seen_by(camera, settings_of(case))
    return dense.rasterize(on_screen, SCENE.topology, colors_of(case, leaves), opacity=leaves.get("opacity"), settings=settings, image_size=SIZE)


def on_the_cpu(case: dict) -> dict[str, np.ndarray]:
    leaves = {name: torch.tensor(values, requires_grad=True) for name, values in inputs_of(case).items()}
    outputs = [tsr.Output[name] for name in case.get("outputs", ())]
    if outputs or case.get("inside"):
        image = render(
            leaves["vertices"], SCENE.topology, camera_of(case), colors_of(case, leaves), features=leaves.get("features"), outputs=outputs,
            opacity=leaves.get("opacity"), settings=settings_of(case), image_size=SIZE,
        )  # fmt: skip
    else:
        image = drawn_by_dense(case, leaves)
    sum(picture.square().sum() for picture in pictures(image).values()).backward()
    found = {name: picture.detach().numpy() for name, picture in pictures(image).items()}
    gradients = {name: torch.zeros_like(leaf) if leaf.grad is None else leaf.grad for name, leaf in leaves.items()}  # hard choices have none
    return found | {f"gradient of {name}": gradient.numpy() for name, gradient in gradients.items()} | ({"face_id": image.face_id.numpy()} if outputs else {})


@ti.kernel
def square_sum(image: ti.template(), loss: ti.template()):
    for I in ti.grouped(image):
        loss[None] += image[I] * image[I]


def on_fields(case: dict) -> dict[str, list]:
    """To be run on Vulkan."""
    renderer = tsr.Renderer(SIZE, settings_of(case), arrays=tsr.FieldArrays())
    leaves, loss = {name: renderer.parameter(values) for name, values in inputs_of(case).items()}, renderer.loss()
    outputs = [tsr.Output[name] for name in case.get("outputs", ())]
    with ti.ad.Tape(loss):
        image = renderer(
            leaves["vertices"], SCENE.topology, camera_of(case), colors_of(case, leaves), features=leaves.get("features"), outputs=outputs,
            opacity=leaves.get("opacity"),
        )  # fmt: skip
        for picture in pictures(image).values():
            square_sum(picture, loss)
    found = {name: picture.to_numpy().tolist() for name, picture in pictures(image).items()}
    found |= {f"gradient of {name}": leaf.grad.to_numpy().tolist() for name, leaf in leaves.items()}
    return found | ({"face_id": image.face_id.to_numpy().tolist()} if outputs else {})


def test_every_option_is_there():
    for name, kind in {"distribution": tsr.Distribution, "silhouette": tsr.Silhouette, "distance": tsr.Distance, "lens": tsr.Lens}.items():
        default = getattr(tsr.RasterizeSettings(), name, tsr.Lens.PERSPECTIVE)
        assert {case[name] for case in CASES if name in case} | {default.name} == {member.name for member in kind}
    assert {case["picture"][0] for case in CASES if "picture" in case} == {member.name for member in tsr.Filter}
    assert {case["picture"][1] for case in CASES if "picture" in case} == {member.name for member in tsr.Wrap}


@pytest.mark.usefixtures("one_lane")
def test_vulkan_equals_the_cpu(run_python):
    script = (
        f"import torch\n{PREAMBLE}\n"
        f"sys.path.insert(0, {str(__file__).rpartition('/')[0]!r})\nimport test_vulkan_options as here\n"
        "print('RESULT', json.dumps([here.on_fields(case) for case in here.CASES]))\n"
    )
    everything = json.loads(on_vulkan(run_python, script).split("RESULT ")[1])
    assert len(everything) == len(CASES)
    for case, got in zip(CASES, everything, strict=True):
        expected = on_the_cpu(case)
        assert got.keys() == expected.keys()
        for name, values in expected.items():
            if name == "face_id":
                assert np.mean(np.array(got[name]) != values) < 0.02
            elif np.linalg.norm(values) < 1e-9:
                assert np.abs(got[name]).max() < 1e-6, (case, name)
            else:
                assert relative_error(np.array(got[name]), values) < 1e-3, (case, name, relative_error(np.array(got[name]), values))
