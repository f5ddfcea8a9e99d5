"""The main job in small: it recovers a shape, keeps its state, stops cleanly and goes on; the command and its files."""

from dataclasses import replace

import numpy as np
import pytest

from taichi_softras import Camera, Mesh
from taichi_softras.recover import Fit, FitOptions, Score, Views, initial_sphere, render_views, score
from taichi_softras.scene import creature

SMALL = ["--size", "32", "--views", "8", "--test-views", "3", "--views-per-step", "3"]


def pictures(mesh: Mesh, count: int = 8, size: int = 32) -> Views:
    i = np.arange(count) + 0.5
    camera = Camera.orbit(3.2, np.degrees(np.arcsin(1 - 2 * i / count)), i * 137.5, fov=40)
    return render_views(mesh, camera, (size, size), tuple(f"r_{k}" for k in range(count)))


@pytest.fixture(scope="module")
def ellipsoid_views() -> Views:
    """An off-centre ellipsoid, red above and blue below."""
    sphere = Mesh.icosphere(3)
    colors = np.where(sphere.vertices[:, 1:2] > 0, [0.9, 0.1, 0.1], [0.1, 0.1, 0.9])
    return pictures(replace(sphere, vertices=sphere.vertices * [0.7, 0.4, 0.5] + [0.15, 0.1, -0.1], colors=colors))


class TestInitialSphere:
    def test_lies_where_the_object_is(self, ellipsoid_views):
        sphere = initial_sphere(ellipsoid_views)
        np.testing.assert_allclose(sphere.vertices.mean(0), [0.15, 0.1, -0.1], atol=0.05)
        assert np.linalg.norm(sphere.vertices - sphere.vertices.mean(0), axis=1).mean() == pytest.approx((0.7 * 0.4 * 0.5) ** (1 / 3), rel=0.15)

    def test_empty_masks(self, ellipsoid_views):
        with pytest.raises(ValueError, match="all empty"):
            initial_sphere(replace(ellipsoid_views, alpha=np.zeros_like(ellipsoid_views.alpha)))

    @pytest.mark.parametrize(("low", "high", "found"), [(1.0, 1.0, "1"), (254 / 255, 1.0, "0.996 to 1"), (0.25, 0.25, "0.25"), (0.6, 1.0, "0.6 to 1")])
    def test_masks_that_leave_nothing_out(self, ellipsoid_views, low, high, found):
        """As of photos that were saved with an alpha channel: nothing in them says where the object is."""
        alpha = np.full_like(ellipsoid_views.alpha, low)
        alpha[:, ::2] = high
        n = len(alpha)
        sentence = rf"^fit: the masks \(alpha\) must leave the object's surroundings out, got {found} in every pixel of all {n} pictures$"
        for of in (initial_sphere, Fit):
            with pytest.raises(ValueError, match=sentence):
                of(replace(ellipsoid_views, alpha=alpha))

    def test_one_mask_that_leaves_nothing_out(self, ellipsoid_views):
        """A close-up among others."""
        alpha = ellipsoid_views.alpha.copy()
        alpha[0] = 1.0
        initial_sphere(replace(ellipsoid_views, alpha=alpha))


class TestScore:
    def test_of_itself_is_perfect(self, ellipsoid_views):
        assert score(ellipsoid_views, ellipsoid_views) == Score(iou=1.0, psnr=100.0, psnr_white=100.0)

    def test_against_its_definition(self, ellipsoid_views):
        shifted = replace(ellipsoid_views, alpha=np.roll(ellipsoid_views.alpha, 2, axis=2), color=ellipsoid_views.color * 0.9)
        a, b = shifted.alpha > 0.5, ellipsoid_views.alpha > 0.5
        result = score(shifted, ellipsoid_views)
        assert result.iou == pytest.approx(np.mean([(x & y).sum() / (x | y).sum() for x, y in zip(a, b, strict=True)]))
        both = a & b
        assert result.psnr == pytest.approx(-10 * np.log10(((shifted.color - ellipsoid_views.color)[both] ** 2).mean()), rel=1e-5)


class TestFit:
    def test_recovers_shape_and_colour(self, ellipsoid_views):
        fit = Fit(ellipsoid_views, FitOptions(steps=150, views_per_step=4))
        before = score(render_views(fit.mesh, ellipsoid_views.camera, (32, 32), ellipsoid_views.names), ellipsoid_views)
        while not fit.done:
            fit.step()
        after = score(render_views(fit.best, ellipsoid_views.camera, (32, 32), ellipsoid_views.names), ellipsoid_views)
        assert before.iou < 0.85
        assert after.iou > 0.93
        assert after.psnr > before.psnr + 5
        assert len(fit.losses) == 150

    def test_saved_fit_goes_on_as_if_never_stopped(self, ellipsoid_views, tmp_path):
        """Also across the border of a stage. Sums over two threads differ in the last bits, hence the tolerance."""
        options = FitOptions(steps=20, views_per_step=3, score_every=5)
        straight, stopped = Fit(ellipsoid_views, options), Fit(ellipsoid_views, options)
        for _ in range(6):
            straight.step(), stopped.step()
        stopped.save(tmp_path / "state.npz")
        resumed = Fit.load(tmp_path / "state.npz", ellipsoid_views)
        np.testing.assert_array_equal(resumed.vertices, stopped.vertices)
        assert resumed.best_iou == stopped.best_iou
        for _ in range(3):
            straight.step(), resumed.step()
        assert resumed.stage == straight.stage == 1
        np.testing.assert_allclose(resumed.losses, straight.losses, rtol=1e-3)
        np.testing.assert_allclose(resumed.vertices, straight.vertices, atol=1e-3)

    @pytest.mark.parametrize("scale", [0.01, 1000.0])
    def test_any_unit_of_the_world(self, ellipsoid_views, scale):
        """Millimetres are as good as kilometres: depth ranges follow the cameras."""
        camera = ellipsoid_views.camera
        matrices = camera.camera_from_world * np.array([1.0, 1.0, 1.0, scale])
        fit = Fit(replace(ellipsoid_views, camera=replace(camera, camera_from_world=matrices)), FitOptions(steps=20, views_per_step=4))
        assert fit.radius == pytest.approx(0.52 * scale, rel=0.2)
        while not fit.done:
            fit.step()
        assert fit.best_iou > 0.8

    def test_cameras_that_look_away(self, ellipsoid_views):
        """OpenCV's matrices taken for OpenGL's, say."""
        camera = ellipsoid_views.camera
        matrices = camera.camera_from_world * np.array([1.0, -1.0, -1.0])[:, None]
        with pytest.raises(ValueError, match="looking along -z"):
            Fit(replace(ellipsoid_views, camera=replace(camera, camera_from_world=matrices)))

    def test_saved_fit_of_other_pictures(self, ellipsoid_views, tmp_path):
        Fit(ellipsoid_views).save(tmp_path / "state.npz")
        with pytest.raises(ValueError, match="other pictures"):
            Fit.load(tmp_path / "state.npz", ellipsoid_views.select([0, 1, 2]))

    def test_the_mesh_of_an_early_end_is_measured(self, ellipsoid_views):
        fit = Fit(ellipsoid_views, FitOptions(views_per_step=3))
        for _ in range(4):
            fit.step()
        fit.remember_best()
        np.testing.assert_allclose(fit.best.vertices, fit.vertices, atol=1e-6)

    @pytest.mark.parametrize("content", [b"", b"rubbish", b"PK\x03\x04"])
    def test_rubbish_is_no_saved_fit(self, ellipsoid_views, tmp_path, content):
        (tmp_path / "state.npz").write_bytes(content)
        with pytest.raises(ValueError, match="must be a saved fit"):
            Fit.load(tmp_path / "state.npz", ellipsoid_views)

    @pytest.mark.parametrize(("name", "value"), [("steps", 0), ("views_per_step", 0), ("smoothness", -1.0), ("color_rate", float("nan"))])
    def test_options_are_checked(self, name, value):
        with pytest.raises(ValueError, match=name):
            FitOptions(**{name: value})


class TestCreature:
    def test_has_concavities_thin_parts_and_colours(self):
        mesh = creature(4)
        radius = np.linalg.norm(mesh.vertices, axis=1)
        assert radius.max() <= 1.0 + 1e-6
        assert radius.min() < 0.45
        assert len(np.unique(np.round(mesh.colors, 1), axis=0)) > 10
