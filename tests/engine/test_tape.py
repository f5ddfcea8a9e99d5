"""The renderer for people who use Taichi alone: on `ti.ad.Tape`, among their own kernels.

Plan: the gradients of a render on the tape against those of the torch layer; the user's kernels before and after ours on the same tape; two renders on one
tape; what the tape does not see; cameras and background as parameters; fields instead of ndarrays.
"""

import time
from dataclasses import replace

import numpy as np
import pytest
import torch
from scenes import IMAGE_SIZE, SMOOTH, relative_error, world_scene

from taichi_softras import SGD, Camera, FieldArrays, Mesh, RasterizeSettings, RenderedImage, Renderer, TaichiArrays, Topology, losses, render_mesh
from taichi_softras.interop import losses as torch_losses
from taichi_softras.interop import render
from taichi_softras.language import ti
from taichi_softras.runtime import variant_of

SCENE = world_scene(71)
TARGET = np.random.default_rng(0).uniform(0, 1, (2, *IMAGE_SIZE))
TARGET_COLOR = np.random.default_rng(1).uniform(0, 1, (2, *IMAGE_SIZE, 3))


@ti.kernel
def shift(source: ti.types.ndarray(ndim=2), offset: ti.types.ndarray(ndim=1), moved: ti.types.ndarray(ndim=2)):
    for i, k in source:
        moved[i, k] += source[i, k] + offset[k]


@ti.kernel
def weighted_square_sum(image: ti.types.ndarray(ndim=3), target: ti.types.ndarray(ndim=3), loss: ti.types.ndarray(ndim=1), weight: ti.f64):
    for b, i, j in image:
        loss[0] += weight * (image[b, i, j] - target[b, i, j]) ** 2


def renderer(dtype=ti.f64) -> Renderer:
    return Renderer(IMAGE_SIZE, SMOOTH, arrays=TaichiArrays(dtype))


def torch_gradients(function, *points: np.ndarray) -> list[np.ndarray]:
    leaves = [torch.tensor(point, requires_grad=True) for point in points]
    function(*leaves).backward()
    return [leaf.grad.numpy() for leaf in leaves]


def torch_image(vertices: torch.Tensor, colors: torch.Tensor | None = None, **camera: torch.Tensor) -> RenderedImage:
    return render(vertices, SCENE.topology, replace(SCENE.camera, **camera), colors, settings=SMOOTH, image_size=IMAGE_SIZE)


class TestGradient:
    def test_equals_the_torch_layer(self):
        r = renderer()
        vertices, colors, loss = r.parameter(SCENE.vertices), r.parameter(SCENE.colors), r.parameter(np.zeros(1))
        with ti.ad.Tape(loss):
            image = r(vertices, SCENE.topology, SCENE.camera, colors)
            losses.silhouette_iou(image.alpha, r.parameter(TARGET), into=loss)
            losses.color_l1(image.color, r.parameter(TARGET_COLOR), r.parameter(TARGET), into=loss, weight=0.7)

        def expected(v, c):
            image = torch_image(v, c)
            iou = torch_losses.silhouette_iou(image.alpha, torch.tensor(TARGET))
            return iou + 0.7 * torch_losses.color_l1(image.color, torch.tensor(TARGET_COLOR), torch.tensor(TARGET))

        for got, want in zip((vertices, colors), torch_gradients(expected, SCENE.vertices, SCENE.colors), strict=True):
            assert relative_error(got.grad.to_numpy(), want) < 1e-9

    def test_float32(self):
        """The default arrays."""
        r = Renderer(IMAGE_SIZE, SMOOTH)
        vertices, loss = r.parameter(SCENE.vertices), r.parameter(np.zeros(1))
        with ti.ad.Tape(loss):
            losses.silhouette_iou(r(vertices, SCENE.topology, SCENE.camera).alpha, r.parameter(TARGET), into=loss)
        (expected,) = torch_gradients(lambda v: torch_losses.silhouette_iou(torch_image(v).alpha, torch.tensor(TARGET)), SCENE.vertices)
        assert relative_error(vertices.grad.to_numpy(), expected) < 1e-4

    def test_camera_and_background(self):
        r = renderer()
        arrays = [r.parameter(values) for values in (SCENE.background, SCENE.camera.camera_from_world, SCENE.camera.intrinsics)]
        background, camera_from_world, intrinsics = arrays
        vertices, colors, loss = r.parameter(SCENE.vertices), r.parameter(SCENE.colors), r.parameter(np.zeros(1))
        camera = replace(SCENE.camera, camera_from_world=camera_from_world, intrinsics=intrinsics)
        with ti.ad.Tape(loss):
            image = r(vertices, SCENE.topology, camera, colors, background)
            losses.color_l1(image.color, r.parameter(TARGET_COLOR), r.parameter(TARGET), into=loss)

        def expected(background, camera_from_world, intrinsics):
            camera = replace(SCENE.camera, camera_from_world=camera_from_world, intrinsics=intrinsics)
            image = render(
                torch.tensor(SCENE.vertices), SCENE.topology, camera, torch.tensor(SCENE.colors), background=background, settings=SMOOTH, image_size=IMAGE_SIZE
            )
            return torch_losses.color_l1(image.color, torch.tensor(TARGET_COLOR), torch.tensor(TARGET))

        points = (SCENE.background, SCENE.camera.camera_from_world, SCENE.camera.intrinsics)
        for got, want in zip(arrays, torch_gradients(expected, *points), strict=True):
            assert relative_error(got.grad.to_numpy(), want) < 1e-9

    def test_tape_after_tape(self):
        """Taichi does not clear the gradients of ndarrays; cleared by hand, a second step is as the first."""
        r = renderer()
        vertices, loss, target = r.parameter(SCENE.vertices), r.parameter(np.zeros(1)), r.parameter(TARGET)
        gradients = []
        for _ in range(2):
            vertices.grad.fill(0)
            with ti.ad.Tape(loss):
                losses.silhouette_iou(r(vertices, SCENE.topology, SCENE.camera).alpha, target, into=loss)
            gradients.append(vertices.grad.to_numpy())
        np.testing.assert_allclose(gradients[1], gradients[0], rtol=1e-9, atol=1e-12)
        assert np.abs(gradients[0]).max() > 0


class TestOwnKernels:
    def test_before_and_after(self):
        """Vertices are moved by the user's kernel, and the picture is judged by another one of theirs."""
        r = renderer()
        vertices, offset, loss = r.parameter(SCENE.vertices), r.parameter(np.array([0.02, -0.01, 0.03])), r.parameter(np.zeros(1))
        moved, target = r.parameter(np.zeros_like(SCENE.vertices)), r.parameter(TARGET)
        with ti.ad.Tape(loss):
            shift(vertices, offset, moved)
            image = r(moved, SCENE.topology, SCENE.camera)
            weighted_square_sum(image.alpha, target, loss, 0.5)

        def expected(v, o):
            return 0.5 * (torch_image(v + o).alpha - torch.tensor(TARGET)).square().sum()

        for got, want in zip((vertices, offset), torch_gradients(expected, SCENE.vertices, np.array([0.02, -0.01, 0.03])), strict=True):
            assert relative_error(got.grad.to_numpy(), want) < 1e-9

    def test_two_renders_on_one_tape(self):
        r, small = renderer(), Renderer((6, 9), SMOOTH, arrays=TaichiArrays(ti.f64))
        vertices, colors, loss = r.parameter(SCENE.vertices), r.parameter(SCENE.colors), r.parameter(np.zeros(1))
        other = SCENE.camera[[1, 0]]
        with ti.ad.Tape(loss):
            first = r(vertices, SCENE.topology, SCENE.camera, colors)
            second = small(vertices, SCENE.topology, other, colors)
            weighted_square_sum(second.depth, small.parameter(np.zeros((2, 6, 9))), loss, 0.3)
            losses.color_l1(second.color, small.parameter(np.zeros((2, 6, 9, 3))), second.alpha, into=loss)
            weighted_square_sum(first.alpha, r.parameter(TARGET), loss, 1.0)

        def expected(v, c):
            first = torch_image(v, c)
            second = render(v, SCENE.topology, other, c, settings=SMOOTH, image_size=(6, 9))
            of_second = 0.3 * second.depth.square().sum() + torch_losses.color_l1(second.color, torch.zeros_like(second.color), second.alpha)
            return (first.alpha - torch.tensor(TARGET)).square().sum() + of_second

        for got, want in zip((vertices, colors), torch_gradients(expected, SCENE.vertices, SCENE.colors), strict=True):
            assert relative_error(got.grad.to_numpy(), want) < 1e-9

    def test_descent(self):
        """What it is for: a sphere finds a target's silhouette, nearly to the loss that soft edges leave between a picture and itself."""
        camera = Camera.orbit(3.0, 20.0, [0.0, 120.0])
        settings = RasterizeSettings(sigma=3e-3)
        sphere = Mesh.icosphere(1)
        target = render_mesh(Mesh(vertices=sphere.vertices * [1.2, 0.7, 0.9], faces=sphere.faces), camera, 24, settings).alpha
        r = Renderer(24, settings)
        vertices, loss, goal = r.parameter(sphere.vertices), r.parameter(np.zeros(1)), r.parameter(target)
        history = []
        for _ in range(40):
            vertices.grad.fill(0)
            with ti.ad.Tape(loss):
                losses.silhouette_iou(r(vertices, sphere.faces, camera).alpha, goal, into=loss)
            vertices.from_numpy(vertices.to_numpy() - 2 * vertices.grad.to_numpy())
            history.append(loss.to_numpy()[0])
        least = torch_losses.silhouette_iou(torch.tensor(target), torch.tensor(target)).item()
        assert history[-1] - least < 0.2 * (history[0] - least)


class TestWithoutATape:
    def test_values_are_those_of_torch(self):
        r = renderer()
        image = r(r.parameter(SCENE.vertices), SCENE.topology, SCENE.camera, r.parameter(SCENE.colors), SCENE.background)
        expected = render(
            torch.tensor(SCENE.vertices),
            SCENE.topology,
            SCENE.camera,
            torch.tensor(SCENE.colors),
            background=SCENE.background,
            settings=SMOOTH,
            image_size=IMAGE_SIZE,
        )
        for name in ("alpha", "color", "depth"):
            np.testing.assert_array_equal(getattr(image, name).to_numpy(), getattr(expected, name).numpy())

    def test_render_mesh(self):
        """NumPy in, NumPy out; white where the mesh has no colours."""
        mesh, camera = Mesh.icosphere(1), Camera.orbit(azimuth=[0, 60])
        image = render_mesh(mesh, camera, (13, 21), background=(0.0, 0.0, 1.0))
        assert image.alpha.shape == (2, 13, 21)
        assert image.color.shape == (2, 13, 21, 3)
        assert image.depth.shape == (2, 13, 21)
        np.testing.assert_allclose(image.color[:, 6, 10], 1)
        np.testing.assert_allclose(image.color[:, 0, 0], [[0, 0, 1]] * 2)
        expected = render(torch.tensor(mesh.vertices), mesh.faces, camera, torch.ones(42, 3), background=[0.0, 0.0, 1.0], image_size=(13, 21))
        np.testing.assert_array_equal(image.alpha, expected.alpha)

    def test_colors_of_a_mesh(self):
        sphere = Mesh.icosphere(1)
        mesh = Mesh(vertices=sphere.vertices, faces=sphere.faces, colors=np.full((42, 3), [0.1, 0.5, 0.7]))
        np.testing.assert_allclose(render_mesh(mesh, Camera.orbit(), 9).color[0, 4, 4], [0.1, 0.5, 0.7], rtol=1e-5)

    @pytest.mark.parametrize("background", [None, [0.1, 0.2, 0.3], np.array([[0.1, 0.2, 0.3], [0.4, 0.5, 0.6]])])
    def test_backgrounds(self, background):
        r = renderer()
        away = SCENE.vertices + np.array([0.0, 500.0, 0.0])
        color = r(r.parameter(away), SCENE.topology, SCENE.camera, r.parameter(SCENE.colors), background).color.to_numpy()
        expected = np.broadcast_to(np.zeros(3) if background is None else background, (2, 3))
        np.testing.assert_allclose(color, np.broadcast_to(expected[:, None, None], color.shape))


@ti.kernel
def field_square_sum(image: ti.template(), loss: ti.template()):
    for b, i, j in image:
        loss[None] += image[b, i, j] * image[b, i, j]


class TestFields:
    """`ti.field` on the CPU: what Vulkan and Metal run on. (On Vulkan itself: `test_vulkan.py`.) Fields compile per field, so one small scene."""

    FACES = np.array([[0, 1, 2], [1, 3, 2]])
    VERTICES, COLORS = SCENE.vertices[4:], SCENE.colors[4:]
    SIZE = (5, 9)

    def test_with_own_kernels(self):
        arrays = FieldArrays()
        r = Renderer(self.SIZE, SMOOTH, arrays=arrays)
        vertices, colors, loss = r.parameter(self.VERTICES), r.parameter(self.COLORS), ti.field(ti.f32, (), needs_grad=True)
        with ti.ad.Tape(loss):
            image = r(vertices, Topology.shared(self.FACES, 4), SCENE.camera[1], colors)
            field_square_sum(image.alpha, loss)
            field_square_sum(image.depth, loss)

        def expected(v, c):
            image = render(v, self.FACES, SCENE.camera[1], c, settings=SMOOTH, image_size=self.SIZE)
            for name in ("alpha", "color", "depth"):
                assert relative_error(getattr(fields, name).to_numpy(), getattr(image, name).detach().numpy()) < 1e-5
            return image.alpha.square().sum() + image.depth.square().sum()

        fields = image
        v_grad, _ = torch_gradients(expected, self.VERTICES, self.COLORS)
        assert relative_error(vertices.grad.to_numpy(), v_grad) < 1e-4

    def test_with_our_losses(self):
        """The loss of a tape is a field without dimensions; ours add to it like the user's."""
        arrays = FieldArrays()
        a, b = np.random.default_rng(3).uniform(0, 1, (2, 1, 3, 5)).astype(np.float32)
        alpha, target, loss = arrays.parameter(a), arrays.real(b), ti.field(ti.f32, (), needs_grad=True)
        with ti.ad.Tape(loss):
            losses.silhouette_iou(alpha, target, into=loss, weight=2.0, arrays=arrays)
        (expected,) = torch_gradients(lambda alpha: 2 * torch_losses.silhouette_iou(alpha, torch.tensor(b)), a)
        assert loss[None] == pytest.approx(2 * torch_losses.silhouette_iou(torch.tensor(a), torch.tensor(b)).item(), rel=1e-5)
        assert relative_error(alpha.grad.to_numpy(), expected) < 1e-5

    @pytest.fixture
    def in_one_lane(self, monkeypatch):
        """As on Vulkan, a thread a pixel, which compiles several times faster; in eight: `test_with_own_kernels`."""
        monkeypatch.setattr("taichi_softras.runtime.arrays.variant_of", lambda arch, *given: variant_of("vulkan", *given))

    @pytest.mark.usefixtures("in_one_lane")
    def test_steps_after_the_first_compile_nothing(self):
        """The fields of one tape serve the next: a step takes no longer than it must, and finds what the ndarrays find."""
        results, mesh = [], Mesh.icosphere(1)
        for arrays in (FieldArrays(ti.f64), TaichiArrays(ti.f64)):
            r = Renderer(12, SMOOTH, arrays=arrays)
            target = arrays.real(r(arrays.real(mesh.vertices * [1.2, 0.8, 1]), mesh.faces, Camera.orbit(3.0)).alpha.to_numpy())
            vertices, loss, seconds, values = r.parameter(mesh.vertices), r.loss(), [], []
            optimizer = SGD(vertices, 0.1)
            for _ in range(6):
                begin = time.perf_counter()
                with ti.ad.Tape(loss):
                    losses.silhouette_iou(r(vertices, mesh.faces, Camera.orbit(3.0)).alpha, target, into=loss)
                optimizer.step()
                seconds.append(time.perf_counter() - begin)
                values.append(loss.to_numpy().item())
            assert min(seconds[3:]) < 0.1 * seconds[0]
            results.append(values)
        np.testing.assert_allclose(*results, rtol=1e-9)
        assert results[0][-1] < results[0][0]

    @pytest.mark.usefixtures("in_one_lane")
    def test_pictures_made_without_a_tape_stay(self):
        r = Renderer(self.SIZE, SMOOTH, arrays=FieldArrays())
        vertices = r.parameter(self.VERTICES)
        topology = Topology.shared(self.FACES, 4)
        first = r(vertices, topology, SCENE.camera[1]).alpha
        kept = first.to_numpy()
        vertices.from_numpy(self.VERTICES.astype(np.float32) * 0.5)
        assert not np.array_equal(r(vertices, topology, SCENE.camera[1]).alpha.to_numpy(), kept)
        assert np.array_equal(first.to_numpy(), kept)

    def test_a_topology_outlives_taichi(self, run_python):
        """What a topology keeps for one Taichi is not handed to the next, whose fields it would not be."""
        run_python("""
from taichi_softras.language import ti
from taichi_softras import Camera, FieldArrays, Mesh, Renderer, Topology
mesh = Mesh.icosphere(0)
topology = Topology.shared(mesh.faces, 12)
for _ in range(2):
    ti.init(arch=ti.cpu)
    renderer = Renderer(8, arrays=FieldArrays())
    assert renderer(renderer.parameter(mesh.vertices), topology, Camera.orbit()).alpha.to_numpy().max() > 0.9
""")

    def test_parameters_are_converted_silently(self, capfd):
        """As those of `TaichiArrays` are: NumPy's default is float64."""
        parameter = FieldArrays().parameter(np.ones((2, 3)))
        assert parameter.dtype == ti.f32
        assert "lose precision" not in capfd.readouterr().err
