"""Compositing: by hand against plain torch, against finite differences in float64, and against what its limits are.

Scenes are those of `scenes.py`: several tiles, an image that is not square, a batch whose meshes differ; faces at generic depths pass through each other. As
settings share what is compiled for them, values and gradients are compared with `interop/dense.py` at once (`second_opinion.py`), and where that is another way
from the kernels also with finite differences.
"""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch
import trimesh
from scenes import IMAGE_SIZE, SMOOTH, relative_error, screen_scene, world_scene
from second_opinion import agree
from torch.autograd import gradcheck

from taichi_softras import (
    Blending,
    Camera,
    Distance,
    Distribution,
    Extrapolation,
    Filter,
    Interpolation,
    Opacity,
    Order,
    RasterizeSettings,
    Sides,
    Texture,
    TextureSettings,
    Topology,
    UVTexture,
    set_memory_budget,
)
from taichi_softras.interop import rasterize, render
from taichi_softras.kernels import composite
from taichi_softras.language import arch_name

COMPOSITE = replace(SMOOTH, blending=Blending.COMPOSITE, transmittance_cutoff=1e-14)
SUM_ORDER = 1e-9  # threads add in any order


def opacities(n: int, seed: int = 5) -> np.ndarray:
    return np.random.default_rng(seed).uniform(0.2, 0.95, (n, 1))


def everything(image) -> torch.Tensor:
    return torch.cat([tensor.flatten() for tensor in (image.alpha, image.color, image.depth) if tensor is not None])


def mixtures(values: torch.Tensor, n: int = 3) -> torch.Tensor:
    return torch.randn(n, len(values), dtype=values.dtype, generator=torch.Generator().manual_seed(0)) @ values


def check(function, *inputs, fast: bool = True) -> None:
    """Fast: along a random direction of each input."""
    leaves = [torch.as_tensor(values).detach().clone().requires_grad_() for values in inputs]
    assert gradcheck(lambda *x: mixtures(function(rasterize, *x)), leaves, eps=1e-6, atol=2e-6, rtol=1e-5, nondet_tol=SUM_ORDER, fast_mode=fast)


def drawing(scene, settings, **more):
    def function(rasterize, vertices, features, background, opacity):
        return everything(
            rasterize(vertices, scene.topology, features, background=background, opacity=opacity, settings=settings, image_size=IMAGE_SIZE, **more)
        )

    return function


GENERATED = {  # whose gradient Taichi generates
    "hard": {"distance": Distance.HARD},
    "barycentric": {"distance": Distance.BARYCENTRIC},
    "chebyshev": {"distance": Distance.CHEBYSHEV},
    "gaussian": {"distribution": Distribution.GAUSSIAN, "squared": False, "sigma": 0.1},
}
BY_HAND = {
    "logistic": {},
    "not squared": {"squared": False, "sigma": 0.1},
    "window": {"distribution": Distribution.WINDOW, "shape": 1.3},
    "clipped": {"extrapolation": Extrapolation.CLIPPED, "interpolation": Interpolation.MIXED, "sides": Sides.CLOCKWISE},
    "linear": {"interpolation": Interpolation.LINEAR, "near": 2.6, "far": 5.4},
}


class TestGradients:
    @pytest.mark.usefixtures("one_lane")
    @pytest.mark.parametrize("choice", GENERATED)
    def test_as_taichi_generates_it(self, choice):
        """As GPUs run it: a thread a pixel, in tiles of 8 x 8."""
        scene, settings = screen_scene(41), replace(COMPOSITE, **GENERATED[choice])
        inputs = scene.vertices, scene.features, scene.background, opacities(len(scene.features))
        agree(drawing(scene, settings), *inputs)
        check(drawing(scene, settings), *inputs)

    @pytest.mark.parametrize("choice", BY_HAND)
    def test_by_hand(self, choice):
        scene, settings = screen_scene(41), replace(COMPOSITE, **BY_HAND[choice])
        inputs = scene.vertices, scene.features, scene.background, opacities(len(scene.features))
        agree(drawing(scene, settings), *inputs)
        check(drawing(scene, settings), *inputs, fast=choice != "logistic")

    def test_by_hand_it_is_what_taichi_generates(self, monkeypatch):
        """With eight lanes."""
        scene, found = screen_scene(40), []
        for by_hand in (True, False):
            if not by_hand:
                monkeypatch.setattr(composite, "has_face_adjoint", lambda *_: False)
                composite.composite_op.cache_clear()
                composite._gradient.cache_clear()
            leaves = [torch.tensor(values, requires_grad=True) for values in (scene.vertices, scene.features, opacities(len(scene.features)))]
            drawing(scene, COMPOSITE)(rasterize, leaves[0], leaves[1], torch.tensor(scene.background), leaves[2]).square().sum().backward()
            found.append([leaf.grad for leaf in leaves])
        monkeypatch.undo()
        composite.composite_op.cache_clear()
        composite._gradient.cache_clear()
        for ours, its in zip(*found, strict=True):
            assert relative_error(ours.numpy(), its.numpy()) < 1e-9

    def test_of_opacity_per_face_and_windows_of_their_own(self):
        scene, n = screen_scene(42), 11
        settings = replace(COMPOSITE, opacity=Opacity.FACE, distribution=Distribution.WINDOW)
        windows = np.random.default_rng(1).uniform(0.4, 2.0, (n, 1))

        def function(rasterize, vertices, features, background, opacity, window):
            return drawing(scene, settings, window=window)(rasterize, vertices, features, background, opacity)

        agree(function, scene.vertices, scene.features, scene.background, opacities(n), windows)
        check(function, scene.vertices, scene.features, scene.background, opacities(n), windows)
        agree(function, scene.vertices, scene.features, scene.background, opacities(n), windows[:1])

    def test_of_opacity_as_the_last_channel(self):
        scene, settings = screen_scene(43), replace(COMPOSITE, opacity=Opacity.CHANNEL)
        features = np.concatenate([scene.features, opacities(len(scene.features))], 1)
        agree(lambda r, v, f, b: drawing(scene, settings)(r, v, f, b, None), scene.vertices, features, scene.background)

    @pytest.mark.usefixtures("one_lane")
    @pytest.mark.parametrize("filter_", [Filter.BILINEAR, Filter.MIPMAPPED])
    def test_of_the_alpha_of_a_texture(self, filter_):
        scene, settings = screen_scene(44), replace(COMPOSITE, opacity=Opacity.CHANNEL)
        rng = np.random.default_rng(2)
        picture, uvs = rng.uniform(0.2, 0.9, (5, 7, 4)), rng.uniform(0.1, 0.9, (len(scene.vertices), 2))

        def function(rasterize, vertices, picture, uvs, background):
            texture = UVTexture(picture, uvs, settings=TextureSettings(filter=filter_))
            return drawing(scene, settings)(rasterize, vertices, texture, background, None)

        agree(function, scene.vertices, picture, uvs, scene.background)
        if filter_ is Filter.BILINEAR:
            check(function, scene.vertices, picture, uvs, scene.background)

    @pytest.mark.usefixtures("one_lane")
    def test_of_texels_per_face_with_opacity_per_vertex(self):
        scene, settings = screen_scene(45), replace(COMPOSITE, texture=Texture.FACE)
        texels = np.random.default_rng(3).uniform(0, 1, (11 * 4, 3))
        agree(drawing(scene, settings), scene.vertices, texels, scene.background, opacities(len(scene.vertices)))

    def test_of_many_channels(self):
        scene = screen_scene(46, n_features=7)
        agree(drawing(scene, COMPOSITE), scene.vertices, scene.features, scene.background, opacities(len(scene.features)))

    def test_of_the_silhouette_alone(self):
        scene = screen_scene(47)

        def function(rasterize, vertices, opacity):
            return rasterize(vertices, scene.topology, opacity=opacity, settings=COMPOSITE, image_size=IMAGE_SIZE).alpha.flatten()

        agree(function, scene.vertices, opacities(len(scene.features)))

    def test_in_the_order_of_the_nearest_corners(self):
        scene, settings = screen_scene(48), replace(COMPOSITE, order=Order.TILE)
        agree(drawing(scene, settings), scene.vertices, scene.features, scene.background, opacities(len(scene.features)))

    def test_of_coplanar_faces(self):
        """Equal depths: the first face is nearer. What moves them out of their plane has no derivative, and is left alone."""
        scene = screen_scene(49, depths=(3.0, 3.0))
        settings = replace(COMPOSITE, interpolation=Interpolation.LINEAR, extrapolation=Extrapolation.CLOSEST_POINT)
        rng = np.random.default_rng(4)
        colors = rng.uniform(0, 1, (11, 3)).repeat(3, 0)  # one for each face
        depth = torch.full((len(scene.vertices), 1), 3.0, dtype=torch.float64)

        def function(rasterize, places, opacity):
            vertices = torch.cat([places, depth], 1)
            return drawing(scene, settings)(rasterize, vertices, torch.ones_like(torch.as_tensor(colors)), torch.zeros(2, 3).double(), opacity)

        agree(function, scene.vertices[:, :2], opacities(len(scene.features)))
        check(function, scene.vertices[:, :2], opacities(len(scene.features)))

    def test_of_faces_that_meet(self):
        """Beyond a corner of the outline its faces are equally deep: the one whose nearest corner is nearer comes first, whatever their numbers."""
        sphere, rng = trimesh.creation.icosphere(1, 0.7), np.random.default_rng(6)
        faces = rng.permutation(sphere.faces[rng.permutation(len(sphere.faces))[:40]])
        vertices = (sphere.vertices @ np.linalg.qr(rng.normal(size=(3, 3)))[0] + [0, 0, 4])[faces].reshape(-1, 3)
        topology, settings = Topology.shared(np.arange(120).reshape(40, 3), 120), replace(COMPOSITE, opacity=Opacity.FACE, near=2.0, far=6.0)
        # A GPU fuses products and sums: along an edge that two faces share it rounds their depths otherwise, and at a pixel or two the other one is nearer.
        tolerance = 1e-9 if arch_name() == "cpu" else 1e-2
        agree(
            lambda rasterize, vertices, features, opacity: everything(
                rasterize(vertices, topology, features, opacity=opacity, settings=settings, image_size=IMAGE_SIZE)
            ),
            vertices, rng.uniform(0, 1, (120, 3)), opacities(40), tolerance=tolerance,
        )  # fmt: skip

    @pytest.mark.parametrize("interpenetrating", [True, False])
    def test_of_more_faces_than_are_at_hand(self, interpenetrating):
        """Of which none is in its place before all have come; or each is at once, and waits for the way back."""
        rng, n = np.random.default_rng(3), max(composite.WINDOW, composite.WINDOW_BACK) + 2 * composite.WINDOW + 5
        places = rng.uniform(-1.2, 1.2, (3 * n, 2))
        depths = np.where(np.arange(3 * n) % 3 == 0, 2.0, rng.uniform(2.5, 6.0, 3 * n)) if interpenetrating else np.linspace(2, 6, n).repeat(3)
        vertices = np.concatenate([places, depths[:, None]], 1)
        topology = Topology.shared(np.arange(3 * n).reshape(n, 3), 3 * n)
        agree(
            lambda rasterize, vertices, features, opacity: everything(
                rasterize(vertices, topology, features, opacity=opacity, settings=COMPOSITE, image_size=IMAGE_SIZE)
            ),
            vertices, rng.uniform(0, 1, (3 * n, 3)), 0.1 * opacities(3 * n),
        )  # fmt: skip

    @pytest.mark.parametrize("perspective", [True, False])
    def test_to_cameras_and_a_batch_of_different_meshes(self, perspective):
        scene = world_scene(50, perspective=perspective)

        def function(vertices, colors, opacity, camera_from_world, intrinsics):
            camera = replace(scene.camera, camera_from_world=camera_from_world, intrinsics=intrinsics)
            image = render(vertices, scene.topology, camera, colors, opacity=opacity, settings=COMPOSITE, image_size=IMAGE_SIZE)
            return mixtures(everything(image))

        inputs = scene.vertices, scene.colors, opacities(len(scene.colors)), scene.camera.camera_from_world, scene.camera.intrinsics
        leaves = [torch.as_tensor(values).clone().requires_grad_() for values in inputs]
        assert gradcheck(function, leaves, eps=1e-6, atol=2e-6, rtol=1e-5, nondet_tol=SUM_ORDER, fast_mode=True)


def soup(n: int, seed: int, size: float = 0.3) -> tuple[torch.Tensor, Topology, torch.Tensor, torch.Tensor]:
    scene = screen_scene(seed, (n,), size=size)
    return torch.tensor(scene.vertices), scene.topology, torch.tensor(scene.features), torch.tensor(opacities(n, seed))


class TestLimits:
    def test_opaque_and_sharp_it_is_the_z_buffer(self):
        vertices, topology, features, _ = soup(60, 51)
        draw = partial(rasterize, vertices, topology, features, background=[0.1, 0.2, 0.3], image_size=IMAGE_SIZE)
        sharp = RasterizeSettings(sigma=1e-12 * 1.01, near=0.5, far=10.0, distance=Distance.HARD)
        ours, hard = draw(settings=replace(sharp, blending=Blending.COMPOSITE)), draw(settings=replace(sharp, blending=Blending.HARD))
        for name in ("alpha", "color", "depth"):
            torch.testing.assert_close(getattr(ours, name), getattr(hard, name), rtol=0, atol=1e-12)
        assert 0.1 < ours.alpha.mean() < 0.95

    def test_one_layer_is_its_coverage(self):
        vertices, topology, features, _ = soup(1, 52, size=0.7)
        settings = replace(COMPOSITE, distribution=Distribution.LOGISTIC)
        ours = rasterize(vertices, topology, torch.ones_like(features), settings=settings, image_size=IMAGE_SIZE)
        alpha = rasterize(vertices, topology, settings=replace(SMOOTH), image_size=IMAGE_SIZE).alpha
        torch.testing.assert_close(ours.alpha, alpha, rtol=0, atol=1e-12)
        torch.testing.assert_close(ours.color[..., 0], alpha, rtol=0, atol=1e-12)

    def test_the_window_is_one_at_the_incentre_and_nought_on_the_outline(self):
        """Triangle Splatting eq. 2, of a right-angled triangle with sides 3, 4 and 5, whose inscribed circle has radius 1."""
        corners = np.array([[0.0, 0.0], [4.0, 0.0], [0.0, 3.0]])
        vertices = torch.tensor(np.concatenate([(corners - 1) / 4, np.full((3, 1), 2.0)], 1))
        topology = Topology.shared(np.array([[0, 1, 2]]), 3)
        n = 81  # so that the middle of the picture, where the incentre is, is a pixel's
        settings = replace(COMPOSITE, distribution=Distribution.WINDOW, shape=2.0)
        alpha = rasterize(vertices, topology, settings=settings, image_size=n).alpha[0].numpy()
        x, y = (np.arange(n) * 2 + 1 - n) / n * 4 + 1, (n - 1 - np.arange(n) * 2) / n * 4 + 1
        to_edges = np.stack(np.broadcast_arrays(x[None], y[:, None], (12 - 3 * x[None] - 4 * y[:, None]) / 5)).min(0)
        np.testing.assert_allclose(alpha, np.maximum(to_edges, 0) ** 2, atol=1e-9)
        assert alpha[n // 2, n // 2] == pytest.approx(1, abs=1e-9)

    def test_the_order_of_faces_does_not_matter(self):
        vertices, topology, features, opacity = soup(200, 53)
        settings = replace(COMPOSITE, sigma=1e-3, opacity=Opacity.FACE)
        turned = torch.arange(199, -1, -1)
        rows = (3 * turned[:, None] + torch.arange(3)).flatten()
        one = everything(rasterize(vertices, topology, features, opacity=opacity, settings=settings, image_size=IMAGE_SIZE))
        other = everything(rasterize(vertices[rows], topology, features[rows], opacity=opacity[turned], settings=settings, image_size=IMAGE_SIZE))
        torch.testing.assert_close(one, other, rtol=0, atol=1e-12)

    def test_the_cut_off_ends_early_and_changes_no_more_than_it_says(self):
        vertices, topology, features, opacity = soup(300, 54, size=0.5)
        draw = partial(rasterize, vertices, topology, features, opacity=opacity, image_size=IMAGE_SIZE)
        settings = replace(COMPOSITE, sigma=1e-3, opacity=Opacity.FACE)
        exact, cut = draw(settings=settings), draw(settings=replace(settings, transmittance_cutoff=1e-2))
        difference = (exact.color - cut.color).abs().max()
        assert 0 < difference < 1e-2
        assert (exact.alpha - cut.alpha).abs().max() < 1e-2

    def test_in_chunks_it_is_the_same(self):
        vertices, topology, features, opacity = soup(100, 55)
        settings = replace(COMPOSITE, sigma=1e-3, opacity=Opacity.FACE)

        def run() -> list[torch.Tensor]:
            leaves = [tensor.clone().requires_grad_() for tensor in (vertices, features, opacity)]
            image = everything(rasterize(leaves[0], topology, leaves[1], opacity=leaves[2], settings=settings, image_size=IMAGE_SIZE))
            image.square().sum().backward()
            return [image.detach(), *(leaf.grad for leaf in leaves)]

        whole = run()
        set_memory_budget(8 * 64)
        try:
            chunked = run()
        finally:
            set_memory_budget(None)
        for one, other in zip(whole, chunked, strict=True):
            torch.testing.assert_close(one, other, rtol=1e-9, atol=1e-12)

    def test_depth_and_features_have_the_same_weights(self):
        vertices = torch.tensor([[-1.0, -1.0, 0.0], [1.0, -1.0, 0.2], [0.0, 1.0, 0.4]], dtype=torch.float64)
        settings = replace(COMPOSITE, opacity=Opacity.FACE)
        faces, opacity = torch.tensor([[0, 1, 2]]), torch.tensor([[0.5]], dtype=torch.float64)
        image = render(vertices, faces, Camera.orbit(3.0), vertices, features=vertices, opacity=opacity, settings=settings, image_size=IMAGE_SIZE)
        torch.testing.assert_close(image.color, image.features, rtol=0, atol=0)
