"""Every gradient against finite differences, in float64, through the real kernels.

Plan: `torch.autograd.gradcheck` on scenes at generic points (`scenes.py`: several tiles, an image that is not square, a batch whose meshes differ), for
settings in which every two options meet. A picture has thousands of numbers, so what is differentiated is a few random mixtures of all of its pixels: each
entry of the Jacobian of the mixtures is checked, for every input number. Softness is chosen so that differences are well-conditioned, and the cut-off so that
a pair that crosses it cannot be seen. Where every number is compared with the plain torch of `interop/dense.py` as well (`second_opinion.py`), differences are
taken along a random direction of each input.
"""

import inspect
from dataclasses import replace
from functools import partial

import pytest
import torch
from scenes import IMAGE_SIZE, SMOOTH, orthogonal_settings, relative_error, screen_scene, world_scene
from second_opinion import agree
from torch.autograd import gradcheck

from taichi_softras import Connectivity, Mesh
from taichi_softras.engine import RenderedImage
from taichi_softras.interop import dense, losses, rasterize, render

SUM_ORDER = 1e-9  # threads add in any order: the last digits of a gradient differ from run to run


def check(function, *inputs, fast: bool = False) -> None:
    """``fast``: along a random direction of all inputs instead of each number by itself; for what `agree` holds, number by number, against another gradient."""
    inputs = [torch.as_tensor(values).detach().clone().requires_grad_() for values in inputs]
    assert gradcheck(function, inputs, eps=1e-6, atol=2e-6, rtol=1e-5, nondet_tol=SUM_ORDER, fast_mode=fast)


def mixtures(image: RenderedImage, n: int = 3) -> torch.Tensor:
    """[3 n] random mixtures: n of alpha's pixels, n of color's and n of depth's."""
    generator = torch.Generator().manual_seed(0)
    outputs = [tensor for tensor in (image.alpha, image.color, image.depth) if tensor is not None]
    return torch.cat([torch.randn(n, tensor.numel(), dtype=tensor.dtype, generator=generator) @ tensor.flatten() for tensor in outputs])


def test_the_second_opinion_takes_what_it_is_compared_with():
    assert inspect.signature(dense.rasterize) == inspect.signature(rasterize)


class TestRasterize:
    @pytest.mark.parametrize("settings", orthogonal_settings().values(), ids=orthogonal_settings())
    def test_every_option(self, settings):
        scene = screen_scene(21)

        def function(rasterize, vertices, features, background):
            return mixtures(rasterize(vertices, scene.topology, features, background=background, settings=settings, image_size=IMAGE_SIZE))

        check(partial(function, rasterize), scene.vertices, scene.features, scene.background, fast=True)
        agree(function, scene.vertices, scene.features, scene.background)

    @pytest.mark.parametrize("sigma", [3e-3, 0.1])
    @pytest.mark.parametrize("gamma", [0.02, 1.0])
    def test_softness(self, sigma, gamma):
        scene = screen_scene(22)
        settings = replace(SMOOTH, sigma=sigma, gamma=gamma)

        def function(rasterize, vertices, features, background):
            return mixtures(rasterize(vertices, scene.topology, features, background=background, settings=settings, image_size=IMAGE_SIZE))

        check(partial(function, rasterize), scene.vertices, scene.features, scene.background, fast=True)
        agree(function, scene.vertices, scene.features, scene.background)

    def test_silhouette_alone(self):
        scene = screen_scene(23)
        check(lambda v: mixtures(rasterize(v, scene.topology, settings=SMOOTH, image_size=IMAGE_SIZE)), scene.vertices)

    def test_small_faces(self):
        """Faces of a few pixels, where most pixels are outside of most faces."""
        scene = screen_scene(24, (6, 3), size=0.1)

        def function(vertices, features):
            return mixtures(rasterize(vertices, scene.topology, features, settings=SMOOTH, image_size=IMAGE_SIZE))

        check(function, scene.vertices, scene.features)


class TestFloat32:
    @pytest.mark.parametrize("name", ["perspective-both-closest_point-within", "mixed-both-clipped-beyond"])
    def test_equals_float64(self, name):
        """Gradcheck is for float64; what people use is float32. Away from near and far, where single precision decides otherwise."""
        settings = replace(orthogonal_settings()[name], near=0.5, far=8.0)
        for seed in range(25, 30):
            scene = screen_scene(seed)
            gradients = []
            for dtype in (torch.float32, torch.float64):
                leaves = [torch.tensor(values, dtype=dtype, requires_grad=True) for values in (scene.vertices, scene.features, scene.background)]
                image = rasterize(leaves[0], scene.topology, leaves[1], background=leaves[2], settings=settings, image_size=IMAGE_SIZE)
                (image.alpha.square().sum() + image.color.square().sum() + image.depth.square().sum()).backward()
                gradients.append([leaf.grad.double() for leaf in leaves])
            for single, double in zip(*gradients, strict=True):
                assert relative_error(single.numpy(), double.numpy()) < 1e-4


class TestRender:
    @pytest.mark.parametrize("perspective", [True, False], ids=["perspective", "orthographic"])
    def test_a_batch_of_different_meshes(self, perspective):
        scene = world_scene(31, perspective=perspective)

        def function(vertices, colors, background, camera_from_world, intrinsics):
            camera = replace(scene.camera, camera_from_world=camera_from_world, intrinsics=intrinsics)
            return mixtures(render(vertices, scene.topology, camera, colors, background=background, settings=SMOOTH, image_size=IMAGE_SIZE))

        check(function, scene.vertices, scene.colors, scene.background, scene.camera.camera_from_world, scene.camera.intrinsics)

    def test_one_mesh_in_two_images(self):
        """The gradient of a vertex is the sum over the images that see it."""
        scene = world_scene(32)
        faces = torch.tensor([[0, 1, 2], [0, 3, 1], [0, 2, 3]])

        def function(vertices, colors, background):
            return mixtures(render(vertices, faces, scene.camera, colors, background=background, settings=SMOOTH, image_size=IMAGE_SIZE))

        check(function, scene.vertices[:4], scene.colors[:4], scene.background[0])

    def test_a_mesh_for_each_image(self):
        scene = world_scene(33)
        faces = torch.tensor([[0, 1, 2], [0, 3, 1], [0, 2, 3]])

        def function(vertices, colors):
            return mixtures(render(vertices, faces, scene.camera, colors, settings=SMOOTH, image_size=IMAGE_SIZE))

        check(function, scene.vertices.reshape(2, 4, 3), scene.colors.reshape(2, 4, 3))

    def test_silhouette_alone(self):
        scene = world_scene(34)
        check(lambda v: mixtures(render(v, scene.topology, scene.camera, settings=SMOOTH, image_size=IMAGE_SIZE)), scene.vertices)


class TestLosses:
    def noisy_sphere(self) -> tuple[torch.Tensor, Connectivity]:
        mesh = Mesh.icosphere(0)
        vertices = torch.as_tensor(mesh.vertices, dtype=torch.float64)
        return vertices + 0.1 * torch.randn(vertices.shape, dtype=torch.float64, generator=torch.Generator().manual_seed(1)), Connectivity.of(
            mesh.faces, len(vertices)
        )

    @pytest.mark.parametrize("loss", [losses.laplacian, losses.flatten, losses.edge_length, losses.normal_consistency], ids=lambda loss: loss.__name__)
    def test_on_meshes(self, loss):
        vertices, connectivity = self.noisy_sphere()
        check(lambda v: loss(v, connectivity), vertices)

    def test_edge_length_with_a_target(self):
        vertices, connectivity = self.noisy_sphere()
        check(lambda v: losses.edge_length(v, connectivity, target=0.7), vertices)

    def test_on_an_open_mesh(self):
        """Edges of the border, and a vertex that no face has."""
        vertices = torch.randn(6, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
        connectivity = Connectivity.of([[0, 1, 2], [1, 3, 2], [3, 4, 2]], 6)
        for loss in (losses.laplacian, losses.flatten, losses.edge_length, losses.normal_consistency):
            check(lambda v, loss=loss: loss(v, connectivity), vertices)

    def pictures(self, *shape: int) -> list[torch.Tensor]:
        generator = torch.Generator().manual_seed(3)
        return [torch.rand(shape, dtype=torch.float64, generator=generator) for _ in range(2)]

    def test_silhouette_iou(self):
        check(losses.silhouette_iou, *self.pictures(2, 3, 11))

    def test_silhouette_iou_of_what_is_known(self):
        """To the weights of the pixels, too."""
        check(losses.silhouette_iou, *self.pictures(2, 3, 11), self.pictures(2, 3, 11)[0])

    def test_color_l1(self):
        mask, _ = self.pictures(2, 3, 11)
        check(losses.color_l1, *self.pictures(2, 3, 11, 3), mask)
        check(losses.color_l1, *self.pictures(2, 3, 11, 3))
