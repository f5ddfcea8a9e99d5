"""The rasteriser as a whole, forward.

Plan: every output against the plain torch of `interop/dense.py` on random soups, for settings in which every two options meet, in float64 nearly to the
last digit and in float32 to its own; single scenes whose image can be worked out by hand; then what a user counts on: the same bits in every run, no
compilation when a number changes, and no damage from faces without area, behind the eye or outside the picture.
"""

from dataclasses import replace

import numpy as np
import pytest
import reference
import torch
from scenes import IMAGE_SIZE, SMOOTH, ScreenScene, orthogonal_settings, screen_scene

from taichi_softras import (
    Blending,
    Camera,
    Distribution,
    Extrapolation,
    Interpolation,
    Mesh,
    RasterizeSettings,
    Sides,
    Silhouette,
    Topology,
    language,
    render_mesh,
)
from taichi_softras.interop import dense, rasterize, render
from taichi_softras.runtime import arrays, devices

FLOAT32_TOLERANCE = 3e-5
COMPOSITED = replace(SMOOTH, blending=Blending.COMPOSITE)


def render_scene(
    scene: ScreenScene, settings: RasterizeSettings, image_size: tuple[int, int] = IMAGE_SIZE, dtype: torch.dtype = torch.float64
) -> list[np.ndarray]:
    tensors = [torch.tensor(values, dtype=dtype) for values in (scene.vertices, scene.features, scene.background)]
    image = rasterize(tensors[0], scene.topology, tensors[1], background=tensors[2], settings=settings, image_size=image_size)
    return [tensor.numpy() for tensor in (image.alpha, image.color, image.depth)]


def assert_equals_reference(scene: ScreenScene, settings: RasterizeSettings, image_size: tuple[int, int], dtype: torch.dtype, tolerance: float) -> None:
    got = render_scene(scene, settings, image_size, dtype)
    expected = expected_of(scene, settings, image_size)
    for name, ours, theirs, scale in zip(("alpha", "color", "depth"), got, expected, (1, 1, settings.far), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=tolerance * scale, err_msg=name)


def expected_of(scene: ScreenScene, settings: RasterizeSettings, image_size: tuple[int, int]) -> list[np.ndarray]:
    vertices, features, background = (torch.tensor(values) for values in (scene.vertices, scene.features, scene.background))
    image = dense.rasterize(vertices, scene.topology, features, background=background, settings=settings, image_size=image_size)
    return [tensor.numpy() for tensor in (image.alpha, image.color, image.depth)]


class TestReference:
    @pytest.mark.parametrize("settings", orthogonal_settings().values(), ids=orthogonal_settings())
    def test_every_option(self, settings):
        assert_equals_reference(screen_scene(1), settings, IMAGE_SIZE, torch.float64, 1e-12)

    @pytest.mark.parametrize("image_size", [(1, 1), (1, 40), (40, 1), (8, 8), (17, 16), (9, 33)])
    def test_image_sizes(self, image_size):
        assert_equals_reference(screen_scene(2, (9, 2, 5)), SMOOTH, image_size, torch.float64, 1e-12)

    @pytest.mark.parametrize("sigma", [1e-5, 1e-3, 0.3])
    @pytest.mark.parametrize("gamma", [1e-4, 1e-2, 1.0])
    def test_softness(self, sigma, gamma):
        """From sharp to blurred; the cut-off is SoftRas's, so that pairs do fall out of reach."""
        settings = RasterizeSettings(sigma=sigma, gamma=gamma, cutoff=1e-4, near=1.0, far=20.0)
        assert_equals_reference(screen_scene(3, (25, 10)), settings, (19, 30), torch.float64, 1e-11)

    def test_many_small_faces(self):
        """Every tile has faces, and no face has many tiles."""
        scene = screen_scene(4, (300, 50), size=0.05)
        assert_equals_reference(scene, RasterizeSettings(sigma=1e-4, gamma=1e-2, near=1.0, far=10.0), (37, 29), torch.float64, 1e-11)

    def test_faces_larger_than_the_picture(self):
        scene = screen_scene(5, (6, 3), size=30.0)
        assert_equals_reference(scene, SMOOTH, IMAGE_SIZE, torch.float64, 1e-12)

    @pytest.mark.parametrize("sides", [Sides.COUNTERCLOCKWISE, Sides.CLOCKWISE])
    def test_culling(self, sides):
        """Faces that show their other side are not there at all."""
        assert_equals_reference(screen_scene(8), replace(SMOOTH, sides=sides, culling=True), IMAGE_SIZE, torch.float64, 1e-12)

    @pytest.mark.parametrize("n_features", [1, 2, 5, 9])
    def test_feature_counts(self, n_features):
        assert_equals_reference(screen_scene(6, n_features=n_features), SMOOTH, IMAGE_SIZE, torch.float64, 1e-12)

    def test_silhouette_alone(self):
        scene = screen_scene(7)
        image = rasterize(torch.tensor(scene.vertices), scene.topology, settings=SMOOTH, image_size=IMAGE_SIZE)
        expected, _, _ = expected_of(scene, SMOOTH, IMAGE_SIZE)
        np.testing.assert_allclose(image.alpha.numpy(), expected, rtol=0, atol=1e-12)
        assert image.color is None
        assert image.depth is None

    @pytest.mark.parametrize("name", ["perspective-both-closest_point-within", "mixed-both-clipped-beyond"])
    def test_float32(self, name):
        settings = replace(orthogonal_settings()[name], near=0.5, far=8.0)  # no face ends at near or far, where single precision decides otherwise
        for seed in range(5):
            assert_equals_reference(screen_scene(seed), settings, (21, 34), torch.float32, FLOAT32_TOLERANCE)

    def test_float32_sharp(self):
        """Sharp edges multiply rounding by one over sigma: at 1e-4, a distance of .1 known to 1e-7 gives a coverage known to 1e-4 only where it is steep."""
        settings = RasterizeSettings(sigma=1e-4, gamma=1e-2, near=1.0, far=10.0)
        scene = screen_scene(8, (30, 20), size=0.3)
        got = render_scene(scene, settings, (40, 50), torch.float32)
        expected = expected_of(scene, settings, (40, 50))
        for ours, theirs, scale in zip(got, expected, (1, 1, 10), strict=True):
            error = np.abs(ours - theirs) / scale
            assert np.quantile(error, 0.99) < 1e-4
            assert error.max() < 1e-2

    def test_float32_far_from_small_faces(self):
        """The closest point of an outline lies beside a corner, which is as near to seven digits: what the face shows changes along the one edge alone."""
        scene, settings = screen_scene(2, (8,), size=0.02), replace(SMOOTH, sigma=0.1)
        scene = replace(scene, vertices=scene.vertices.astype(np.float32).astype(np.float64))  # the same triangles: they are hardly larger than their rounding
        assert_equals_reference(scene, settings, (96, 128), torch.float32, FLOAT32_TOLERANCE)


class TestByHand:
    """Images that need no reference."""

    CORNERS = torch.tensor([[-9.0, -9.0, 2.0], [9.0, -9.0, 2.0], [0.0, 9.0, 2.0]], dtype=torch.float64)  # covers the picture, far from its edges
    FACE = Topology.shared(np.array([[0, 1, 2]]), 3)

    def test_an_opaque_face(self):
        color = torch.tensor([[0.2, 0.5, 0.9]] * 3, dtype=torch.float64)
        image = rasterize(self.CORNERS, self.FACE, color, background=[1.0, 0.0, 0.0], settings=RasterizeSettings(), image_size=(5, 9))
        np.testing.assert_allclose(image.alpha, 1)
        np.testing.assert_allclose(image.color, color[0].expand(1, 5, 9, 3))
        np.testing.assert_allclose(image.depth, 2)

    def test_an_empty_pixel(self):
        far_off = self.CORNERS + torch.tensor([100.0, 0.0, 0.0], dtype=torch.float64)
        image = rasterize(
            far_off, self.FACE, torch.ones(3, 3, dtype=torch.float64), background=[0.3, 0.2, 0.1], settings=RasterizeSettings(far=7), image_size=(5, 9)
        )
        assert (image.alpha == 0).all()
        np.testing.assert_allclose(image.color, torch.tensor([0.3, 0.2, 0.1]).expand(1, 5, 9, 3))
        np.testing.assert_allclose(image.depth, 7)

    def test_on_an_edge_the_coverage_is_one_half(self):
        """A picture of one pixel, its centre in the middle of an edge."""
        corners = torch.tensor([[-1.0, 0.0, 2.0], [1.0, 0.0, 2.0], [0.0, 1.0, 2.0]], dtype=torch.float64)
        assert rasterize(corners, self.FACE, image_size=1).alpha.item() == pytest.approx(0.5)

    def test_the_nearer_face_wins(self):
        vertices = torch.cat([self.CORNERS + torch.tensor([0.0, 0.0, 1.0], dtype=torch.float64), self.CORNERS])
        colors = torch.tensor([[1.0, 0.0, 0.0]] * 3 + [[0.0, 1.0, 0.0]] * 3, dtype=torch.float64)
        image = rasterize(vertices, Topology.shared(np.arange(6).reshape(2, 3), 6), colors, image_size=4)
        np.testing.assert_allclose(image.color[..., 1], 1)
        np.testing.assert_allclose(image.depth, 2)

    def test_perspective_interpolation(self):
        """Midway on the screen between depths 1 and 3, a pinhole camera sees depth 1.5, a quarter of the way along."""
        corners = torch.tensor([[-1.0, -1e-3, 1.0], [1.0, -1e-3, 3.0], [0.0, 1.0, 1.5]], dtype=torch.float64)
        feature = torch.tensor([[0.0], [1.0], [0.25]], dtype=torch.float64)
        sharp = RasterizeSettings(sigma=1e-9, gamma=1e-4, far=10.0)
        image = rasterize(corners, self.FACE, feature, settings=sharp, image_size=1)
        assert image.depth.item() == pytest.approx(1.5, abs=1e-3)
        assert image.color.item() == pytest.approx(0.25, abs=1e-3)
        linear = rasterize(corners, self.FACE, feature, settings=replace(sharp, interpolation=Interpolation.LINEAR), image_size=1)
        assert linear.depth.item() == pytest.approx(2.0, abs=1e-3)
        mixed = rasterize(corners, self.FACE, feature, settings=replace(sharp, interpolation=Interpolation.MIXED), image_size=1)
        assert (mixed.depth.item(), mixed.color.item()) == (pytest.approx(1.5, abs=1e-3), pytest.approx(0.5, abs=1e-3))

    def test_sides(self):
        """CORNERS run counter-clockwise: one choice shows the background, all show the silhouette."""
        color = torch.ones(3, 3, dtype=torch.float64)
        for sides, shown in ((Sides.BOTH, 1), (Sides.COUNTERCLOCKWISE, 1), (Sides.CLOCKWISE, 0)):
            image = rasterize(self.CORNERS, self.FACE, color, settings=RasterizeSettings(sides=sides), image_size=2)
            np.testing.assert_allclose(image.color, shown)
            np.testing.assert_allclose(image.alpha, 1)

    def test_orthographic_camera_interpolates_linearly(self):
        """Seen orthographically, perspective-correct means linear: `PERSPECTIVE` and `LINEAR` are then the same."""
        mesh, camera = Mesh.icosphere(1), Camera.orbit(elevation=20, orthographic_height=2.5)
        a, b = (render_mesh(mesh, camera, 24, RasterizeSettings(interpolation=kind)) for kind in (Interpolation.PERSPECTIVE, Interpolation.LINEAR))
        np.testing.assert_array_equal(a.depth, b.depth)


class TestSameBits:
    def test_two_runs(self):
        scene = screen_scene(9, (200, 100), size=0.3)
        for dtype in (torch.float32, torch.float64):
            first, second = (render_scene(scene, SMOOTH, (40, 50), dtype) for _ in range(2))
            for a, b in zip(first, second, strict=True):
                np.testing.assert_array_equal(a, b)


class TestLanes:
    """Whether the CPU's vectors have four numbers or eight, picture and gradient are the same."""

    @pytest.mark.parametrize(
        "settings",
        [SMOOTH, replace(SMOOTH, blending=Blending.HARD, silhouette=Silhouette.MAX), COMPOSITED, replace(COMPOSITED, distribution=Distribution.WINDOW)],
        ids=["softmax", "hard", "composite", "windows"],
    )
    def test_four_and_eight(self, settings, monkeypatch):
        monkeypatch.setattr(arrays, "_variant", arrays._variant.__wrapped__)  # it is found once
        found = []
        for bits in (128, 256):
            monkeypatch.setattr(arrays, "cpu_vector_bits", lambda bits=bits: bits)
            scene = screen_scene(9, (60, 25), size=0.3)
            vertices, features, background = (torch.tensor(each, requires_grad=True) for each in (scene.vertices, scene.features, scene.background))
            image = rasterize(vertices, scene.topology, features, background=background, settings=settings, image_size=(19, 30))
            weights = torch.linspace(-1, 1, image.color.numel()).reshape(image.color.shape)
            ((image.color * weights).sum() + (image.alpha**2).sum() + image.depth.sum()).backward()
            found.append([each.detach().numpy() for each in (image.alpha, image.color, image.depth, vertices.grad, features.grad, background.grad)])
        for four, eight in zip(*found, strict=True):
            np.testing.assert_allclose(four, eight, rtol=0, atol=1e-11 * np.abs(eight).max())

    @pytest.mark.parametrize(
        ("machine", "facts", "runtime", "bits"),
        [
            ("x86_64", {"vendor_id": "GenuineIntel", "cpu family": "6", "flags": "sse2 avx avx2 fma"}, "taichi", 256),
            ("x86_64", {"vendor_id": "GenuineIntel", "cpu family": "6", "flags": "sse2 ssse3"}, "taichi", 128),
            ("x86_64", {"vendor_id": "AuthenticAMD", "cpu family": "25", "flags": "sse2 avx avx2 fma"}, "taichi", 256),
            ("x86_64", {"vendor_id": "AuthenticAMD", "cpu family": "26", "flags": "sse2 avx avx2 avx512f"}, "taichi", 128),
            ("x86_64", {"vendor_id": "AuthenticAMD", "cpu family": "26", "flags": "sse2 avx avx2 avx512f"}, "quadrants", 256),
            ("x86_64", {"vendor_id": "HygonGenuine", "cpu family": "24", "flags": "sse2 avx avx2"}, "taichi", 128),
            ("AMD64", {"vendor_id": "AuthenticAMD", "cpu family": "25"}, "taichi", 256),
            ("x86_64", {}, "taichi", 256),
            ("arm64", {}, "taichi", 128),
            ("aarch64", {"CPU implementer": "0x41"}, "quadrants", 128),
        ],
    )
    def test_which_of_both(self, machine, facts, runtime, bits, monkeypatch):
        """By what the compiler knows of the processor: Intel's with AVX and without, AMD's of 2022 and of 2024, on Windows, a Mac of Intel's, ARM."""
        monkeypatch.setattr("platform.machine", lambda: machine)
        monkeypatch.setattr(devices, "_cpu_facts", lambda: facts)
        monkeypatch.setattr(devices, "NAME", runtime)
        assert devices.cpu_vector_bits() == bits


class TestNoCompilation:
    """Changing a number or a size compiles nothing: it would cost seconds in the midst of an optimisation."""

    def test_numbers_and_sizes_are_arguments(self):
        def step(seed: int, n_faces: tuple[int, ...], settings: RasterizeSettings, image_size: tuple[int, int]) -> None:
            scene = screen_scene(seed, n_faces)
            tensors = [torch.tensor(values, dtype=torch.float64, requires_grad=True) for values in (scene.vertices, scene.features, scene.background)]
            image = rasterize(tensors[0], scene.topology, tensors[1], background=tensors[2], settings=settings, image_size=image_size)
            (image.alpha.sum() + image.color.sum() + image.depth.sum()).backward()

        step(10, (4, 3), SMOOTH, IMAGE_SIZE)
        before = language.runtime().get_num_compiled_functions()
        assert before > 0
        step(11, (4, 3), replace(SMOOTH, sigma=0.013, gamma=0.17, cutoff=1e-5, near=0.7, far=12.0, background_depth_norm=0.1), IMAGE_SIZE)
        step(12, (2, 11, 5), SMOOTH, (30, 9))
        assert language.runtime().get_num_compiled_functions() == before


DEGENERATE = {
    "point": [[0.1, 0.2, 3.0]] * 3,
    "two corners equal": [[-0.5, 0.1, 3.0], [0.6, -0.2, 2.0], [0.6, -0.2, 2.0]],
    "collinear": [[-0.5, -0.25, 3.0], [0.0, 0.0, 2.0], [0.5, 0.25, 4.0]],
    "vertical line": [[0.05, -0.5, 3.0], [0.05, 0.5, 3.0], [0.05, 0.2, 3.0]],
    "nearly collinear": [[-0.5, -0.25, 3.0], [0.0, 1e-7, 2.0], [0.5, 0.25, 4.0]],
}


class TestHardCases:
    """What must not break a picture or an optimisation."""

    def check_finite(
        self, vertices: np.ndarray, faces: np.ndarray, settings: RasterizeSettings, dtype: torch.dtype = torch.float64
    ) -> tuple[np.ndarray, np.ndarray]:
        """Renders; checks that picture and gradients are finite; returns alpha and the gradient to the vertices."""
        v = torch.tensor(vertices, dtype=dtype, requires_grad=True)
        c = torch.linspace(0, 1, v.numel(), dtype=dtype).reshape(-1, 3).requires_grad_()
        image = rasterize(v, Topology.shared(faces, len(vertices)), c, settings=settings, image_size=IMAGE_SIZE)
        (image.alpha.sum() + image.color.square().sum() + image.depth.sum()).backward()
        for tensor in (image.alpha, image.color, image.depth, v.grad, c.grad):
            assert tensor.isfinite().all()
        return image.alpha.detach().numpy(), v.grad.numpy()

    @pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
    @pytest.mark.parametrize("name", ["perspective-both-closest_point-within", "mixed-both-clipped-beyond"])
    @pytest.mark.parametrize("corners", DEGENERATE.values(), ids=DEGENERATE)
    def test_a_face_without_area_is_finite(self, corners, name, dtype):
        settings = replace(orthogonal_settings()[name], near=0.5, far=10.0)
        self.check_finite(np.array(corners), np.array([[0, 1, 2]]), settings, dtype)
        self.check_finite(np.array(corners), np.array([[0, 1, 2]]), replace(settings, sigma=1e-5, gamma=1e-4, cutoff=1e-4), dtype)

    @pytest.mark.parametrize("extrapolation", Extrapolation)
    @pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
    def test_a_face_seen_exactly_edge_on(self, extrapolation, dtype):
        """Rounding leaves it an area of 1e-17, and the pixels on its line an inside of that width: the gradient must not be its reciprocal."""
        vertices = torch.tensor([[-0.5, -0.5, 0], [0.5, -0.5, 0], [0.5, 0.5, 0], [-0.5, 0.5, 0]], dtype=dtype, requires_grad=True)
        settings = RasterizeSettings(extrapolation=extrapolation)
        image = render(vertices, [[0, 1, 2], [0, 2, 3]], Camera.orbit(2.7, 0, 90), torch.rand(4, 3, dtype=dtype), settings=settings, image_size=33)
        (image.color.sum() + image.alpha.sum()).backward()
        assert vertices.grad.abs().max() < 1e4

    @pytest.mark.parametrize("gamma", [1e-6, 1e-9, 2e-12])
    def test_tiny_gamma_is_finite_in_float32(self, gamma):
        scene = screen_scene(3, (60,))
        self.check_finite(scene.vertices * np.array([3.0, 3.0, 1.0]), scene.topology.faces, replace(SMOOTH, gamma=gamma), torch.float32)

    @pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
    @pytest.mark.parametrize("size", [1e-5, 1e-8, 1e-9, 1e-10, 1e-12, 1e-15, 1e-19, 1e-25, 1e-40])
    def test_a_face_far_smaller_than_a_pixel(self, size, dtype):
        """On its way to a point a face passes every size at which a square, or the square of a square, leaves the range of float32."""
        triangle = np.array([[0.0, 0.0, 3.0], [size, 0.0, 3.1], [0.3 * size, size, 2.9]])
        needle = np.array([[0.0, 0.0, 3.0], [size, 0.0, 3.1], [0.3, 0.4, 2.9]])
        settings = replace(SMOOTH, sigma=1e-3)
        for corners in (triangle, needle):
            self.check_finite(corners, np.array([[0, 1, 2]]), settings, dtype)
            self.check_finite(corners, np.array([[0, 1, 2]]), replace(settings, extrapolation=Extrapolation.CLIPPED), dtype)

    @pytest.mark.parametrize("corners", list(DEGENERATE.values())[:4], ids=list(DEGENERATE)[:4])
    def test_a_face_without_area_is_its_edges(self, corners):
        """Its coverage is that of the distance to its outline, seen from outside: never above one half. The original lights whole pictures."""
        scene = ScreenScene(np.array(corners), Topology.shared(np.array([[0, 1, 2]]), 3), np.ones((3, 3)), np.zeros((1, 3)))
        alpha, _, _ = render_scene(scene, SMOOTH)
        distance, _ = reference.closest_on_outline(reference.pixel_centres(*IMAGE_SIZE), np.array(corners)[:, :2])
        np.testing.assert_allclose(alpha[0], 1 / (1 + np.exp(distance**2 / SMOOTH.sigma)), atol=1e-9)
        assert 0 < alpha.max() <= 0.5

    def test_among_others(self):
        """A face without area changes neither the others' picture beyond its own share, nor makes their gradients infinite."""
        scene = screen_scene(13, (5,))
        vertices = np.concatenate([scene.vertices, [[0.0, 0.0, 3.0]]])
        self.check_finite(vertices, np.concatenate([scene.topology.faces, [[15, 15, 15], [0, 0, 15]]]), SMOOTH)

    def test_everything_behind_the_camera(self):
        """The background, no gradient and no crash; through a camera and on the screen."""
        v = torch.tensor(Mesh.icosphere(1).vertices, dtype=torch.float64, requires_grad=True)
        c = torch.ones_like(v).requires_grad_()
        away = Camera.look_at([0, 0, 5], [0, 0, 10])
        image = render(v, Mesh.icosphere(1).faces, away, c, background=[0.1, 0.2, 0.3], settings=SMOOTH, image_size=IMAGE_SIZE)
        assert (image.alpha == 0).all()
        np.testing.assert_allclose(image.color.detach(), torch.tensor([0.1, 0.2, 0.3]).expand(1, *IMAGE_SIZE, 3))
        np.testing.assert_allclose(image.depth.detach(), SMOOTH.far)
        (image.alpha.sum() + image.color.sum() + image.depth.sum()).backward()
        assert (v.grad == 0).all()
        assert (c.grad == 0).all()

    @pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
    @pytest.mark.parametrize("depth", [-3.0, 0.0, -1e-30, 1e-7, 2e-6])
    @pytest.mark.parametrize("name", ["perspective-both-closest_point-within", "mixed-both-clipped-beyond"])
    def test_a_vertex_at_or_behind_the_eye(self, depth, name, dtype):
        settings = orthogonal_settings()[name]
        scene = screen_scene(14, (3,))
        vertices = scene.vertices.copy()
        vertices[0, 2] = depth
        alpha, gradient = self.check_finite(vertices, scene.topology.faces, settings, dtype)
        if depth < 1e-6 and not settings.silhouette_beyond_depth_range:
            without, _ = self.check_finite(vertices, scene.topology.faces[1:], settings, dtype)
            np.testing.assert_array_equal(alpha, without)
            assert (gradient[:3] == 0).all()

    @pytest.mark.parametrize("far", [1e6, 1e12, 1e30])
    @pytest.mark.parametrize("depth", [-3.0, -1e-7, 0.0, 2e-6])
    def test_beyond_a_far_plane_far_away(self, depth, far):
        """Where such a face is out of range its gradient is nought times what it would be in range, which must be a number: far is squared in it."""
        vertices = screen_scene(14, (3,)).vertices
        vertices[0, 2] = depth
        for name in ("mixed-both-clipped-beyond", "perspective-both-closest_point-within"):
            settings = replace(orthogonal_settings()[name], far=far, silhouette_beyond_depth_range=True)
            self.check_finite(vertices, np.arange(9).reshape(3, 3), settings, torch.float32)

    @pytest.mark.parametrize("size", [1e3, 1e6, 1e12])
    def test_a_face_far_larger_than_the_picture(self, size):
        """As a vertex next to the plane of the eye makes it: one corner in the picture, two of them far away."""
        corners = np.array([[0.1, 0.2, 3.0], [-0.7 * size, 0.4 * size, 2.0], [0.5 * size, size, 2.5]])
        for extrapolation in Extrapolation:
            self.check_finite(corners, np.array([[0, 1, 2]]), replace(SMOOTH, extrapolation=extrapolation), torch.float32)

    def test_outside_the_picture(self):
        """A face off the screen has no pixels, and a picture without any face in reach is possible."""
        scene = screen_scene(15, (3,))
        moved = scene.vertices + np.array([50.0, 0.0, 0.0])
        alpha, gradient = self.check_finite(moved, scene.topology.faces, SMOOTH)
        assert (alpha == 0).all()
        assert (gradient == 0).all()

    def test_beyond_the_depth_range(self):
        """By default a face out of near and far counts for nothing; SoftRas counts it for alpha."""
        settings = replace(SMOOTH, near=0.5, far=1.5)  # all faces are farther
        scene = screen_scene(16, (5,))
        assert render_scene(scene, settings)[0].max() == 0
        alpha, color, depth = render_scene(scene, replace(settings, silhouette_beyond_depth_range=True))
        np.testing.assert_allclose(alpha, render_scene(scene, SMOOTH)[0], atol=1e-12)
        np.testing.assert_allclose(color, np.broadcast_to(scene.background[0], color.shape))
        np.testing.assert_allclose(depth, settings.far)
