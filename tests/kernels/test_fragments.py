"""The K nearest faces of a pixel, in float64 and float32.

Plan: values and gradients against PyTorch3D's rules written down a second time (`pytorch3d_rules.py`), for both interpolations, clipped and not, on soups that
have several tiles and an image that is not square; finite differences through the real kernels; then which faces are kept (K above and below what there is,
equal depths, sides, faces behind the eye, without area, with a short edge), batches, Taichi's own arrays, and wrong input.
"""

from dataclasses import replace

import numpy as np
import pytest
import torch
from pytorch3d_rules import Rules, rasterize
from scenes import IMAGE_SIZE, ScreenScene, of_gpus, relative_error, screen_scene
from torch.autograd import gradcheck

from taichi_softras import FieldArrays, Interpolation, Sides, TaichiArrays, Topology
from taichi_softras.engine.fragments import Fragments, FragmentSettings, fragments
from taichi_softras.interop import TorchArrays
from taichi_softras.language import ti

SETTINGS = FragmentSettings(faces_per_pixel=12, reach_sq=0.02)
FLIP = torch.tensor([-1.0, 1.0, 1.0], dtype=torch.float64)  # our x is to the right
EVERY = [(interpolation, clip) for interpolation in (Interpolation.PERSPECTIVE, Interpolation.LINEAR) for clip in (True, False)]


def run(vertices: torch.Tensor, topology: Topology, settings: FragmentSettings = SETTINGS, image_size=IMAGE_SIZE) -> Fragments:
    return fragments(TorchArrays.of("test", vertices=vertices), topology, vertices, settings, image_size)


def leaf(scene: ScreenScene) -> torch.Tensor:
    return torch.tensor(scene.vertices, requires_grad=True)


def expected(vertices: torch.Tensor, topology: Topology, image: int, settings: FragmentSettings, image_size=IMAGE_SIZE) -> Rules:
    faces = torch.tensor(topology.faces[topology.face_image == image], dtype=torch.int64)
    return rasterize(
        vertices * FLIP,
        faces,
        image_size,
        blur_radius=settings.reach_sq,
        n_slots=settings.faces_per_pixel,
        perspective=settings.interpolation is Interpolation.PERSPECTIVE,
        clipped=settings.clip_bary,
        cull=settings.sides is Sides.COUNTERCLOCKWISE,
    )


def one(corners, image_size=(8, 8), **options) -> Fragments:
    """Faces [F, 3, 3] that share no vertices, in one image."""
    corners = torch.tensor(corners, dtype=torch.float64)
    topology = Topology.separate_faces(len(corners), 1)
    return run(corners.reshape(-1, 3), topology, replace(SETTINGS, **options), image_size)


def wall(depth: float, size: float = 3.0) -> list:
    """A face that covers the screen, at one depth, counter-clockwise."""
    return [[-size, -size, depth], [size, -size, depth], [0, 2 * size, depth]]


class TestAgainstTheRules:
    @pytest.mark.parametrize(("interpolation", "clip"), EVERY)
    @pytest.mark.parametrize("seed", [1, 2])
    def test_values_and_gradient(self, interpolation, clip, seed):
        settings = replace(SETTINGS, interpolation=interpolation, clip_bary=clip)
        scene = screen_scene(seed, (9, 5))
        ours, theirs = leaf(scene), leaf(scene)
        got = run(ours, scene.topology, settings)
        upstream = torch.Generator().manual_seed(seed)
        losses = [0.0, 0.0]
        first_face = 0
        for image, n_faces in enumerate((9, 5)):
            rules = expected(theirs, scene.topology, image, settings)
            np.testing.assert_array_equal(got.face[image], torch.where(rules.face >= 0, rules.face + first_face, -1))
            assert (rules.face >= 0).sum() > 50
            for i, (name, wanted) in enumerate({"depth": rules.depth, "bary": rules.bary, "distance_sq_signed": rules.dists}.items()):
                value = getattr(got, name)[image]
                scale = wanted.abs().clamp(min=1)  # weights that are not clipped may be huge
                np.testing.assert_allclose((value / scale).detach(), (wanted / scale).detach(), atol=1e-9)
                weight = torch.randn(wanted.shape, dtype=torch.float64, generator=upstream) / (1 + wanted.detach() ** 2) * (1, 1, 50)[i]
                losses[0] = losses[0] + (weight * value).sum()
                losses[1] = losses[1] + (weight * wanted).sum()
            first_face += n_faces
        for loss in losses:
            loss.backward()
        assert relative_error(ours.grad.numpy(), theirs.grad.numpy()) < 1e-6

    def test_sides(self):
        scene = screen_scene(3)
        ours = torch.tensor(scene.vertices)
        front = run(ours, scene.topology, replace(SETTINGS, sides=Sides.COUNTERCLOCKWISE))
        back = run(ours, scene.topology, replace(SETTINGS, sides=Sides.CLOCKWISE))
        rules = expected(ours, scene.topology, 0, replace(SETTINGS, sides=Sides.COUNTERCLOCKWISE))
        np.testing.assert_array_equal(front.face[0], rules.face)
        both = set(run(ours, scene.topology).face.unique().tolist())
        seen = [set(side.face.unique().tolist()) - {-1} for side in (front, back)]
        assert seen[0]
        assert seen[1]
        assert not seen[0] & seen[1]
        assert seen[0] | seen[1] == both - {-1}

    def test_float32(self):
        scene = screen_scene(4)
        double, single = run(torch.tensor(scene.vertices), scene.topology), run(torch.tensor(scene.vertices, dtype=torch.float32), scene.topology)
        same = double.face == single.face
        assert same.double().mean() > 0.999
        np.testing.assert_allclose(single.depth[same], double.depth[same], atol=1e-4)
        np.testing.assert_allclose(single.distance_sq_signed[same], double.distance_sq_signed[same], atol=1e-5)


class TestGradcheck:
    @pytest.mark.parametrize(("interpolation", "clip"), EVERY)
    def test_mixtures(self, interpolation, clip):
        """Each entry of the Jacobian of random mixtures of all numbers; weights that are not clipped are weighed down where they are huge."""
        scene = screen_scene(11, (5, 3))
        settings = replace(SETTINGS, interpolation=interpolation, clip_bary=clip, reach_sq=0.005)
        first = run(torch.tensor(scene.vertices), scene.topology, settings)
        generator = torch.Generator().manual_seed(0)

        def mixing(values):
            return torch.randn(3, values.numel(), dtype=torch.float64, generator=generator) / (1 + values.flatten() ** 2)

        mixtures = [mixing(values) for values in (first.depth, first.bary, first.distance_sq_signed)]

        def function(vertices):
            got = run(vertices, scene.topology, settings)
            return sum(m @ values.flatten() for m, values in zip(mixtures, (got.depth, got.bary, got.distance_sq_signed), strict=True))

        assert gradcheck(function, [leaf(scene)], eps=1e-7, atol=1e-5, rtol=1e-4, nondet_tol=1e-9)


class TestWhichFaces:
    def test_nearest_first(self):
        got = one([wall(3.0), wall(1.0), wall(2.0)])
        np.testing.assert_array_equal(got.face[0, 4, 4, :4], [1, 2, 0, -1])
        np.testing.assert_allclose(got.depth[0, 4, 4, :4], [1, 2, 3, -1])

    @pytest.mark.parametrize("n_slots", [1, 2, 3])
    def test_fewer_slots_than_faces(self, n_slots):
        scene = screen_scene(5, (40, 30), size=0.9)
        few, all_of_them = (run(torch.tensor(scene.vertices), scene.topology, replace(SETTINGS, faces_per_pixel=k)) for k in (n_slots, 40))
        for name in ("face", "depth", "bary", "distance_sq_signed"):
            np.testing.assert_array_equal(getattr(few, name), getattr(all_of_them, name)[..., :n_slots, :] if name == "bary" else
                                          getattr(all_of_them, name)[..., :n_slots])  # fmt: skip

    def test_more_than_any_cap(self):
        """PyTorch3D's limit is 150."""
        got = one([wall(1 + 0.01 * i) for i in reversed(range(200))], faces_per_pixel=201)
        np.testing.assert_array_equal(got.face[0, 0, 0], [*reversed(range(200)), -1])

    def test_equal_depths(self):
        np.testing.assert_array_equal(one([wall(2.0), wall(2.0), wall(2.0)], faces_per_pixel=2).face[0, 4, 4], [0, 1])

    def test_reach(self):
        """A pixel's centre is 1/8 from the edge x = 0."""
        half = [[[0, -9, 2], [9, -9, 2], [0, 9, 2]]]
        near, far = one(half, reach_sq=1.01 / 64), one(half, reach_sq=0.99 / 64)
        assert near.face[0, 4, 3, 0] == 0
        assert near.distance_sq_signed[0, 4, 3, 0].item() == pytest.approx(1 / 64)
        assert far.face[0, 4, 3, 0] == -1
        assert far.distance_sq_signed[0, 4, 4, 0].item() == pytest.approx(-1 / 64)

    def test_empty_slots(self):
        got = one([[[5.0, 5, 2], [6, 5, 2], [5, 6, 2]]])
        for values in (got.face, got.depth, got.bary, got.distance_sq_signed):
            assert (values == -1).all()

    def test_without_area(self):
        assert (one([[[-1.0, -1, 2], [0, 0, 2], [1, 1, 2]]], reach_sq=0.5).face == -1).all()

    def test_short_edge_counts_as_its_second_end(self):
        corners = torch.tensor([[0.125 - 4e-5, 0.0, 2.0], [0.125 + 5e-5, 0.0, 2.0], [0.125, 0.9, 2.0]], dtype=torch.float64)
        topology, settings = Topology.separate_faces(1, 1), replace(SETTINGS, reach_sq=0.5)
        rules = expected(corners, topology, 0, settings, (8, 8))
        got = run(corners, topology, settings, (8, 8))
        np.testing.assert_allclose(got.distance_sq_signed[0], rules.dists, atol=1e-12)
        assert got.distance_sq_signed[0, 4, 4, 0].item() == pytest.approx(1 / 64 + 4e-5**2, abs=1e-12)  # as the end of another edge

    def test_behind_but_for_what_lies_outside_of_it(self):
        """Its plane comes before the eye only where the face has ended."""
        face = [[-0.9, 0.0, -0.1], [0.9, 0.0, -0.1], [0.0, 0.2, -1.0]]
        assert (one([face], near=None, interpolation=Interpolation.LINEAR, clip_bary=False, reach_sq=0.1).face == -1).all()

    def test_behind(self):
        before, crossing = wall(-1.0), [[-9.0, -9, 2], [9, -9, 2], [0, 9, -1]]
        assert (one([before]).face == -1).all()
        assert (one([before], near=None).face == -1).all()
        assert (one([crossing]).face == -1).all()
        depth = one([crossing], near=None, interpolation=Interpolation.LINEAR).depth
        assert (depth[0, 7, :, 0] > 0).all()
        assert (one([wall(0.4), wall(0.6)], near=0.5).face[..., 0] == 1).all()

    def test_batches(self):
        """Each image as if it were alone."""
        scene = screen_scene(6, (9, 2, 5))
        together = run(torch.tensor(scene.vertices), scene.topology)
        first = 0
        for image, n_faces in enumerate((9, 2, 5)):
            corners = torch.tensor(scene.vertices[3 * first : 3 * (first + n_faces)])
            alone = run(corners, Topology.separate_faces(n_faces, 1))
            np.testing.assert_array_equal(together.face[image], torch.where(alone.face[0] >= 0, alone.face[0] + first, -1))
            np.testing.assert_allclose(together.bary[image], alone.bary[0], atol=1e-12)
            first += n_faces


class TestSquareTiles:
    def test_one_pixel_a_thread(self):
        """The variant for GPUs, on the CPU as well."""
        scene = screen_scene(9)
        vertices = torch.tensor(scene.vertices, requires_grad=True)
        arrays = TorchArrays.of("test", vertices=vertices)
        arrays.variant = of_gpus()
        got, wanted = fragments(arrays, scene.topology, vertices, SETTINGS, IMAGE_SIZE), run(leaf(scene), scene.topology)
        for name in ("face", "depth", "bary", "distance_sq_signed"):
            np.testing.assert_allclose(getattr(got, name).detach(), getattr(wanted, name).detach(), atol=1e-12)
        (grad,) = torch.autograd.grad(got.distance_sq_signed.sum() + got.depth.sum(), vertices)
        assert grad.abs().sum() > 0


@ti.kernel
def mix(values: ti.types.ndarray(ndim=4), weight: ti.types.ndarray(ndim=4), loss: ti.types.ndarray(ndim=1)):
    for b, i, j, k in values:
        loss[0] += values[b, i, j, k] * weight[b, i, j, k]


class TestTaichiAlone:
    def test_tape(self):
        scene = screen_scene(7)
        arrays = TaichiArrays(ti.f64)
        vertices, loss = arrays.parameter(scene.vertices), arrays.parameter(np.zeros(1))
        weight = np.random.default_rng(0).normal(size=(2, *IMAGE_SIZE, SETTINGS.faces_per_pixel))
        with ti.ad.Tape(loss):
            got = fragments(arrays, scene.topology, vertices, SETTINGS, IMAGE_SIZE)
            mix(got.distance_sq_signed, arrays.parameter(weight), loss)
        tensor = leaf(scene)
        wanted = run(tensor, scene.topology)
        (wanted.distance_sq_signed * torch.tensor(weight)).sum().backward()
        np.testing.assert_array_equal(arrays.to_numpy(got.face), wanted.face)
        np.testing.assert_allclose(vertices.grad.to_numpy(), tensor.grad.numpy(), atol=1e-10)

    def test_fields(self):
        scene = screen_scene(8)
        arrays = FieldArrays()
        got = fragments(arrays, scene.topology, arrays.parameter(scene.vertices), SETTINGS, IMAGE_SIZE)
        wanted = run(torch.tensor(scene.vertices, dtype=torch.float32), scene.topology)
        np.testing.assert_array_equal(got.face.to_numpy(), wanted.face)
        np.testing.assert_allclose(got.bary.to_numpy(), wanted.bary, atol=1e-4)


class TestBadInput:
    @pytest.mark.parametrize(
        ("options", "sentence"),
        [
            ({"faces_per_pixel": 0}, "FragmentSettings: faces_per_pixel must be between 1 and 65536, got 0"),
            ({"faces_per_pixel": 2.5}, "FragmentSettings: faces_per_pixel must be a whole number, got 2.5"),
            ({"reach_sq": -0.1}, "FragmentSettings: reach_sq must not be negative, got -0.1"),
            ({"reach_sq": float("nan")}, "FragmentSettings: reach_sq must be a finite number"),
            ({"interpolation": "linear"}, "FragmentSettings: interpolation must be one of"),
            ({"interpolation": Interpolation.MIXED}, "FragmentSettings: interpolation must be Interpolation.PERSPECTIVE or Interpolation.LINEAR"),
            ({"clip_bary": 1}, "FragmentSettings: clip_bary must be True or False, got 1"),
            ({"sides": "front"}, "FragmentSettings: sides must be one of"),
            ({"near": "eye"}, "FragmentSettings: near must be a number, got str"),
        ],
    )
    def test_settings(self, options, sentence):
        with pytest.raises((TypeError, ValueError), match=sentence):
            FragmentSettings(**options)

    def test_arguments(self):
        topology, vertices = Topology.separate_faces(1, 1), torch.tensor(wall(2.0))
        with pytest.raises(ValueError, match=r"fragments: vertices_screen must have shape \(N, 3\) with N = 3, got \(2, 3\)"):
            run(vertices[:2], topology)
        with pytest.raises(ValueError, match="fragments: vertices must be finite, got NaN or infinity in face 0"):
            run(vertices * torch.nan, topology)
        with pytest.raises(ValueError, match="fragments: image height must be between 1 and"):
            run(vertices, topology, image_size=(0, 4))
        with pytest.raises(TypeError, match="fragments: settings must be FragmentSettings, got NoneType"):
            run(vertices, topology, None)
        with pytest.raises(MemoryError, match=r"fragments: there must be fewer than \d+ numbers in the fragments"):
            run(vertices, topology, replace(SETTINGS, faces_per_pixel=60000), (4000, 4000))
