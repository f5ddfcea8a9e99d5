"""The main job in small: it recovers a shape, keeps its state, stops cleanly and goes on; the command and its files."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scenes import euler_number, is_closed, pictures_of, torus

from taichi_softras import Camera, Mesh
from taichi_softras.recover import Fit, FitOptions, Score, Start, Views, initial_sphere, mean_score, render_views, score, seen_from, self_intersections
from taichi_softras.scene import creature

SMALL = ["--size", "32", "--views", "8", "--test-views", "3", "--views-per-step", "3"]


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
        a, b = shifted.alpha > 0.499, ellipsoid_views.alpha > 0.499
        result = score(shifted, ellipsoid_views)
        assert result.iou == pytest.approx(np.mean([(x & y).sum() / (x | y).sum() for x, y in zip(a, b, strict=True)]))
        inside = [((x - y)[both] ** 2).mean() for x, y, both in zip(shifted.color, ellipsoid_views.color, a & b, strict=True)]
        assert result.psnr == pytest.approx(np.mean(-10 * np.log10(inside)), rel=1e-5)
        white = ((shifted.over_white() - ellipsoid_views.over_white()) ** 2).mean((1, 2, 3))
        assert result.psnr_white == pytest.approx(np.mean(-10 * np.log10(white)), rel=1e-5)

    def test_of_many_is_the_mean_of_each_by_itself(self, ellipsoid_views):
        """Also where some of a picture is not known, and where nothing is common to two silhouettes."""
        known = np.ones_like(ellipsoid_views.alpha)
        known[0, :20] = 0
        views = replace(ellipsoid_views, alpha=ellipsoid_views.alpha * known, known=known)
        shifted = replace(views, alpha=np.roll(views.alpha, 3, axis=1), color=views.color * 0.9)
        shifted.alpha[1] = 0
        each = [score(shifted.select([i]), views.select([i])) for i in range(len(views))]
        assert vars(score(shifted, views)) == pytest.approx(vars(mean_score(each)))
        assert each[1].psnr == 0


def scored(mesh: Mesh, views: Views) -> Score:
    return score(render_views(mesh, views.camera, views.image_size, views.names), views)


def finished(fit: Fit) -> Fit:
    while not fit.done:
        fit.step()
    return fit


class TestFit:
    def test_recovers_shape_and_colour(self, ellipsoid_views):
        """The hull is near already in shape; colours are grey, and the descent finds them."""
        fit = Fit(ellipsoid_views, FitOptions(steps=100, views_per_step=4))
        before = scored(fit.mesh, ellipsoid_views)
        after = scored(finished(fit).best, ellipsoid_views)
        assert before.iou > 0.95
        assert after.iou > 0.96
        assert after.psnr > before.psnr + 5
        assert len(fit.losses) == 100

    def test_from_a_sphere(self, ellipsoid_views):
        fit = Fit(ellipsoid_views, FitOptions(start=Start.SPHERE, steps=150, views_per_step=4))
        before = scored(fit.mesh, ellipsoid_views)
        after = scored(finished(fit).best, ellipsoid_views)
        assert before.iou < 0.85
        assert after.iou > 0.93
        assert after.psnr > before.psnr + 5
        assert len(fit.stages) == 4

    def test_from_a_mesh_of_ones_own(self, ellipsoid_views):
        """Which has colours, that are kept."""
        start = initial_sphere(ellipsoid_views)
        fit = Fit(ellipsoid_views, FitOptions(views_per_step=3), start=replace(start, colors=np.full_like(start.vertices, 0.25)))
        np.testing.assert_allclose(fit.colors, 0.25, atol=1e-6)
        np.testing.assert_allclose(np.linalg.norm(fit.vertices - fit.vertices.mean(0), axis=1), fit.radius, rtol=0.02)

    def test_a_hole_stays(self):
        """A torus, whose hull has a hole, is a torus in the end, and does not cross itself."""
        views = pictures_of(replace(torus(), colors=np.full((512, 3), 0.7)), Camera.all_around(10, 3.2, fov=40))
        fit = finished(Fit(views, FitOptions(steps=40, views_per_step=4, score_every=20)))
        assert euler_number(fit.best) == 0
        assert is_closed(fit.best)
        assert len(self_intersections(fit.best)) == 0
        assert fit.best_iou > 0.95

    @pytest.mark.parametrize(("faces", "low", "high"), [(1000, 700, 1600), (4000, 2800, 6400)])
    def test_as_many_faces_as_asked_for(self, ellipsoid_views, faces, low, high):
        """Somewhat more, where the surface is curved."""
        fit = Fit(ellipsoid_views, FitOptions(steps=4, views_per_step=3, faces=faces))
        assert low < len(finished(fit).faces) < high

    def test_saved_fit_goes_on_as_if_never_stopped(self, ellipsoid_views, tmp_path):
        """Also across the border of a stage. Sums over two threads differ in the last bits, hence the tolerance."""
        options = FitOptions(steps=20, views_per_step=3, score_every=5)
        self.assert_goes_on(ellipsoid_views, options, tmp_path, 8)

    def test_also_where_the_mesh_is_made_anew(self, ellipsoid_views, tmp_path):
        """From a sphere it is so within a stage, too."""
        options = FitOptions(start=Start.SPHERE, steps=80, views_per_step=3, score_every=50)
        self.assert_goes_on(ellipsoid_views, options, tmp_path, 24)
        assert options.stages((32, 32))[0].remesh_every == 25 < options.stages((32, 32))[0].steps

    def test_also_with_cameras_and_gains(self, ellipsoid_views, tmp_path):
        options = FitOptions(steps=20, views_per_step=3, score_every=5, refine_cameras=True, balance=True)
        bright = replace(ellipsoid_views, color=ellipsoid_views.color * np.linspace(0.8, 1.2, 8)[:, None, None, None].astype(np.float32))
        straight, resumed = self.assert_goes_on(bright, options, tmp_path, 8)
        for part in ("turns", "shifts", "log_focal"):
            now = getattr(straight.refinement, part)
            assert np.abs(now).max() > 0
            np.testing.assert_allclose(getattr(resumed.refinement, part), now, atol=1e-4)
        assert np.ptp(straight.gains) > 0.1
        np.testing.assert_allclose(resumed.gains, straight.gains, rtol=1e-3)
        np.testing.assert_allclose(resumed.camera.camera_from_world, straight.camera.camera_from_world, atol=1e-4)
        np.testing.assert_allclose(resumed.best_camera.camera_from_world, straight.best_camera.camera_from_world, atol=1e-4)

    def assert_goes_on(self, views: Views, options: FitOptions, folder: Path, stop: int) -> tuple[Fit, Fit]:
        straight = Fit(views, options)
        for _ in range(stop):
            straight.step()
        straight.save(folder / "state.npz")
        resumed = Fit.load(folder / "state.npz", views)
        np.testing.assert_array_equal(resumed.vertices, straight.vertices)
        np.testing.assert_array_equal(resumed.colors, straight.colors)
        np.testing.assert_array_equal(resumed.camera.camera_from_world, straight.camera.camera_from_world)
        assert resumed.best_iou == straight.best_iou
        faces = straight.faces
        for _ in range(4):
            straight.step(), resumed.step()
        assert straight.faces is not faces  # made anew meanwhile
        assert resumed.stage == straight.stage
        np.testing.assert_array_equal(resumed.faces, straight.faces)
        np.testing.assert_allclose(resumed.losses, straight.losses, rtol=1e-3)
        np.testing.assert_allclose(resumed.vertices, straight.vertices, atol=1e-3)
        return straight, resumed

    def test_a_finished_fit_is_read(self, ellipsoid_views, tmp_path):
        fit = finished(Fit(ellipsoid_views, FitOptions(steps=4, views_per_step=3)))
        fit.save(tmp_path / "state.npz")
        resumed = Fit.load(tmp_path / "state.npz", ellipsoid_views)
        assert resumed.done
        np.testing.assert_array_equal(resumed.vertices, fit.vertices)
        np.testing.assert_array_equal(resumed.best.vertices, fit.best.vertices)
        resumed.save(tmp_path / "again.npz")
        assert Fit.load(tmp_path / "again.npz", ellipsoid_views).done

    def test_gains_are_found(self):
        """Half of the pictures are darker, half of them brighter; the mesh has the colours between."""
        sphere = Mesh.icosphere(3)
        mesh = replace(sphere, vertices=sphere.vertices * [0.7, 0.4, 0.5], colors=0.5 + 0.2 * np.sin(6 * sphere.vertices))
        true, gains = pictures_of(mesh, Camera.all_around(8, 3.2, fov=40)), np.where(np.arange(8) % 2 == 0, 0.8, 1.25)
        views = replace(true, color=(true.color * gains[:, None, None, None]).astype(np.float32))
        options = FitOptions(steps=60, views_per_step=4, score_every=10)
        plain, balanced = (finished(Fit(views, replace(options, balance=balance))) for balance in (False, True))
        np.testing.assert_allclose(balanced.gains, np.stack([gains] * 3, -1), rtol=0.06)
        assert (plain.gains == 1).all()
        assert scored(balanced.best, true).psnr > scored(plain.best, true).psnr + 2

    def test_cameras_are_refined(self, ellipsoid_views):
        """All stand two hundredths of their distance aside; what is left cannot be told from a mesh that has moved with them."""
        camera = ellipsoid_views.camera
        aside = np.random.default_rng(2).normal(size=(8, 3))
        aside[:, 2] = 0
        matrices = np.array(camera.camera_from_world)
        matrices[:, :, 3] += 0.02 * 3.2 * aside / np.linalg.norm(aside, axis=1, keepdims=True)
        wrong = replace(ellipsoid_views, camera=replace(camera, camera_from_world=matrices))
        options = FitOptions(steps=60, views_per_step=4, score_every=20)
        stubborn, refined = (finished(Fit(wrong, replace(options, refine_cameras=refine))) for refine in (False, True))
        assert refined.best_iou > 0.95
        assert refined.best_iou > stubborn.best_iou + 0.02
        seen = seen_from(replace(wrong, camera=refined.best_camera), refined.best, samples=1)
        assert score(seen, wrong).iou == pytest.approx(refined.best_iou, abs=2e-3)

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
