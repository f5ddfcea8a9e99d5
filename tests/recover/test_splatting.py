"""Splatting: a tiny scene improves and becomes opaque, triangles are divided and removed as they should be, a saved fit goes on as if never stopped."""

from dataclasses import replace

import numpy as np
import pytest

from taichi_softras import Camera, Mesh
from taichi_softras.recover import SplatFit, SplatOptions, Triangles, composited_from, first_triangles, render_triangles, score, structural_similarity

TINY = SplatOptions(steps=60, triangles=300, start=0.5, views_per_step=2, score_every=30)


def some_triangles(n: int = 5, seed: int = 0) -> Triangles:
    rng = np.random.default_rng(seed)
    corners = rng.normal(0, 0.3, (n, 1, 3)) + rng.normal(0, 0.3, (n, 3, 3))
    return Triangles(corners=corners, colors=rng.random((n, 3, 3)), opacity=rng.uniform(0.2, 0.9, n), window=rng.uniform(0.2, 2, n))


def area(corners: np.ndarray) -> np.ndarray:
    a, b, c = corners.reshape(-1, 3, 3).transpose(1, 0, 2)
    return np.linalg.norm(np.cross(b - a, c - a), axis=1) / 2


@pytest.fixture(scope="module")
def fitted(ellipsoid_views) -> SplatFit:
    fit = SplatFit(ellipsoid_views, TINY)
    while not fit.done:
        fit.step()
    return fit


class TestTriangles:
    def test_a_file_gives_back_what_was_written(self, tmp_path):
        triangles = some_triangles()
        triangles.save(tmp_path / "triangles.npz")
        read = Triangles.load(tmp_path / "triangles.npz")
        for name in ("corners", "colors", "opacity", "window"):
            np.testing.assert_array_equal(getattr(read, name), getattr(triangles, name))

    def test_without_windows_they_hold_back_as_much_light(self):
        """The mean of a window over a triangle, by points at random all over it."""
        exponent, rng = 1.7, np.random.default_rng(0)
        a, b = rng.random((2, 400_000))
        a, b = np.where(a + b > 1, 1 - a, a), np.where(a + b > 1, 1 - b, b)
        to_edges = np.minimum(np.minimum(a, b), (1 - a - b) / np.sqrt(2))
        mean = ((to_edges * (2 + np.sqrt(2))) ** exponent).mean()  # over the inradius of a right-angled triangle of area one half
        pane = Triangles(corners=np.zeros((1, 3, 3)), colors=np.zeros((1, 3, 3)), opacity=np.full(1, 0.6), window=np.full(1, exponent))
        np.testing.assert_allclose(pane.flat_opacity, 0.6 * mean, rtol=5e-3)

    @pytest.mark.parametrize("content", [b"", b"rubbish", b"PK\x03\x04"])
    def test_rubbish_is_none(self, tmp_path, content):
        (tmp_path / "triangles.npz").write_bytes(content)
        with pytest.raises(ValueError, match="must hold triangles"):
            Triangles.load(tmp_path / "triangles.npz")

    def test_two_panes_before_each_other(self):
        """What is seen through both is known without a renderer: half of the first, a quarter of the second."""
        pane = np.array([[-9.0, -9, 0], [9, -9, 0], [0, 12, 0]])
        panes = Triangles(
            corners=np.stack([pane, pane - [0, 0, 0.5]]),
            colors=np.stack([np.tile([1.0, 0, 0], (3, 1)), np.tile([0, 1.0, 0], (3, 1))]),
            opacity=np.array([0.5, 0.5]),
            window=np.full(2, 1e-6),
        )
        camera = Camera.look_at([[0.0, 0.0, 3.0], [0.0, 0.0, -3.0]])
        seen = render_triangles(panes, camera, 16, ("before", "behind"))
        np.testing.assert_allclose(seen.alpha, 0.75, atol=1e-5)
        np.testing.assert_allclose(seen.over_white()[0, 8, 8], [0.75, 0.5, 0.25], atol=1e-5)
        np.testing.assert_allclose(seen.over_white()[1, 8, 8], [0.5, 0.75, 0.25], atol=1e-5)

    def test_none_at_all_shows_nothing(self):
        assert (render_triangles(some_triangles().select(np.zeros(5, bool)), Camera.orbit(3), 8, ("empty",)).alpha == 0).all()

    def test_faces_of_a_mesh(self):
        mesh = Mesh.icosphere(1)
        triangles = Triangles.of_mesh(mesh, 0.3)
        np.testing.assert_array_equal(triangles.mesh.vertices[triangles.mesh.faces], mesh.vertices[mesh.faces])
        assert (triangles.opacity == np.float32(0.3)).all()

    @pytest.mark.parametrize(("name", "value"), [("opacity", [1.5]), ("window", [0.0]), ("colors", np.full((1, 3, 3), -1.0)), ("corners", np.zeros((1, 3, 2)))])
    def test_what_is_no_triangle(self, name, value):
        good = {"corners": np.zeros((1, 3, 3)), "colors": np.zeros((1, 3, 3)), "opacity": np.ones(1), "window": np.ones(1)}
        with pytest.raises(ValueError, match=name):
            Triangles(**good | {name: np.asarray(value)})


class TestFirstTriangles:
    def test_they_are_where_the_object_is_in_its_colours(self, ellipsoid_views):
        first = first_triangles(ellipsoid_views, 200)
        middles = first.corners.mean(1)
        outwards = np.linalg.norm((middles - [0.15, 0.1, -0.1]) / [0.7, 0.4, 0.5], axis=1)  # one at the surface of the ellipsoid
        assert np.quantile(outwards, 0.9) < 1.15
        assert 0.3 < (outwards > 0.7).mean() < 0.98
        upper = middles[:, 1] > np.median(middles[:, 1])
        red, blue = (first.colors[upper].mean((0, 1)), first.colors[~upper].mean((0, 1)))
        assert red[0] > blue[0]
        assert red[2] < blue[2]

    def test_known_points_come_first_if_they_are_within(self, ellipsoid_views):
        centre = first_triangles(ellipsoid_views, 50).corners.mean((0, 1))
        points = centre + np.array([[0.0, 0, 0], [0.05, 0, 0], [50.0, 0, 0]])
        found = first_triangles(ellipsoid_views, 50, points).corners.mean(1)
        away = np.linalg.norm(found[:, None] - points[None], axis=2).min(0)
        assert (away[:2] < 1e-5).all()
        assert away[2] > 40


class TestSplatFit:
    def test_a_tiny_scene_improves_and_becomes_opaque(self, ellipsoid_views, fitted):
        first = SplatFit(ellipsoid_views, TINY)
        before, soft, opaque = (
            score(composited_from(ellipsoid_views, one), ellipsoid_views).psnr_white for one in (first.triangles, fitted.soft, fitted.hardened)
        )
        assert soft > before + 3
        assert opaque > soft - 5  # in so few steps
        assert opaque > before + 3
        assert np.mean(fitted.losses[-10:]) < 0.5 * np.mean(fitted.losses[:5])
        assert fitted.hardness == 1
        assert (fitted.triangles.opacity == 1).all()
        assert (fitted.hardened.opacity == 1).all()
        assert fitted.soft.opacity.min() < 0.9
        assert 150 < len(fitted) <= 300
        assert [step for step, _ in fitted.scores] == [30, 60]

    def test_saved_fit_goes_on_as_if_never_stopped(self, ellipsoid_views, fitted, tmp_path):
        """Across the beginning of hardening. Sums over two threads differ in the last bits, hence the tolerance."""
        straight = SplatFit(ellipsoid_views, TINY)
        while len(straight.losses) < 34:
            straight.step()
        straight.save(tmp_path / "state.npz")
        resumed = SplatFit.load(tmp_path / "state.npz", ellipsoid_views)
        for name, values in vars(straight.triangles).items():
            np.testing.assert_array_equal(getattr(resumed.triangles, name), values)
        assert resumed.soft is None
        for _ in range(5):
            straight.step(), resumed.step()
        np.testing.assert_allclose(resumed.losses, straight.losses, rtol=1e-3)
        assert len(resumed) == len(straight)
        np.testing.assert_allclose(resumed.triangles.corners, straight.triangles.corners, atol=5e-3)
        assert resumed.soft is not None
        resumed.save(tmp_path / "again.npz")
        np.testing.assert_array_equal(SplatFit.load(tmp_path / "again.npz", ellipsoid_views).soft.corners, resumed.soft.corners)

    def test_what_becomes_harder_holds_back_as_much_light(self, ellipsoid_views, fitted):
        """Pieces are smaller by what they are more opaque, at each stage and in the mesh that is left; the soft ones are kept as they were."""
        fit = SplatFit(ellipsoid_views, TINY)
        held_back = (area(fit._values["corners"]) * fit._light(0.0)).sum()
        before, n = fit._values["corners"].copy(), len(fit)
        fit.losses = [0.0] * 45
        fit._harden(0.0, 0.4)
        assert n < len(fit) <= TINY.triangles
        assert (area(fit._values["corners"]) * fit._light(0.4)).sum() == pytest.approx(held_back)
        fit._harden(0.4, 1.0)
        assert area(fit._values["corners"]).sum() * fit._light(1.0)[0] == pytest.approx(held_back)
        fit.losses = [0.0] * 60
        for power in (0, 1):
            opaque = fit._opaque(fit._light(1.0) ** power)
            assert area(opaque.corners).sum() == pytest.approx(held_back * fit._light(1.0)[0] ** (power - 1), rel=1e-5)
            assert score(composited_from(fit._some, opaque), fit._some).psnr_white <= score(composited_from(fit._some, fit.hardened), fit._some).psnr_white
        np.testing.assert_allclose(fit.soft.corners.reshape(-1, 9) - np.tile(fit.centre, 3), before, atol=1e-6)
        assert fit.soft.window.max() == pytest.approx(1.0)

    def test_what_has_much_to_shrink_is_in_fine_pieces(self, ellipsoid_views):
        """As far as there is room: the largest first; what is opaque stays whole."""
        fit = SplatFit(ellipsoid_views, replace(TINY, triangles=100_000, start=0.001))
        fit._values["opacity"][:50] = 3.0
        fit._make_pieces()
        corners = fit._values["corners"].reshape(-1, 3, 3)
        edge = np.linalg.norm(corners - np.roll(corners, 1, 1), axis=2).max(1) / fit._pixel
        assert (edge[50:] <= 3).all()
        assert (edge[50:] > 1.4).all()
        assert (edge[:50] > 3).any()

    def test_removed_are_the_faint_and_the_hidden(self, ellipsoid_views):
        fit = SplatFit(ellipsoid_views, TINY)
        fit.losses = [0.0] * 32  # where nothing is divided
        fit._values["opacity"][:10] = -6.0
        fit._seen[:] = 1.0
        fit._seen[10:14] = 0.0
        kept = fit._values["corners"][14:].copy()
        fit._look_through()
        np.testing.assert_array_equal(fit._values["corners"], kept)
        fit.losses = [0.0] * 42  # while they harden, what is too small to be seen
        fit._values["opacity"][:10] = -6.0
        fit._values["corners"][20:] = 0.0
        fit._look_through()
        np.testing.assert_array_equal(fit._values["corners"], kept[:20])

    def test_divided_are_those_on_which_pictures_pull(self, ellipsoid_views):
        """A large one becomes four that cover it, a small one two; the others stay as they are."""
        fit = SplatFit(ellipsoid_views, TINY)
        corners, n = fit._values["corners"], len(fit)
        corners[1] = corners[1].reshape(3, 3).mean(0).repeat(3).reshape(3, 3).T.ravel() + 1e-3 * corners[1]
        before = corners.copy()
        fit._pull[:] = 0
        fit._pull[:2] = 2.0, 1.0
        fit._divide(4)
        assert len(fit) == n + 4

        np.testing.assert_allclose(area(fit._values["corners"][[0, n, n + 1, n + 2]]), area(before[:1])[0] / 4)
        np.testing.assert_array_equal(fit._values["corners"][1:n], before[1:])
        np.testing.assert_allclose(area(fit._values["corners"][n + 3 :]), area(before[1:2]))

    def test_saved_fit_of_other_pictures(self, ellipsoid_views, fitted, tmp_path):
        fitted.save(tmp_path / "state.npz")
        assert SplatFit.load(tmp_path / "state.npz", ellipsoid_views).done
        with pytest.raises(ValueError, match="other pictures"):
            SplatFit.load(tmp_path / "state.npz", ellipsoid_views.select([0, 1, 2]))

    @pytest.mark.parametrize(("name", "value"), [("steps", 0), ("triangles", 0), ("start", 0.0), ("corner_rate", -1.0), ("alpha_weight", float("nan"))])
    def test_options_are_checked(self, name, value):
        with pytest.raises(ValueError, match=name):
            SplatOptions(**{name: value})


class TestStructuralSimilarity:
    def test_another_program_finds_the_same(self):
        metrics = pytest.importorskip("skimage.metrics")
        rng = np.random.default_rng(0)
        a = rng.random((2, 24, 31, 3))
        b = np.clip(a + rng.normal(0, 0.2, a.shape), 0, 1)
        theirs = [
            metrics.structural_similarity(x, y, channel_axis=2, data_range=1, gaussian_weights=True, sigma=1.5, use_sample_covariance=False)
            for x, y in zip(a, b, strict=True)
        ]
        np.testing.assert_allclose(structural_similarity(a, b), theirs, atol=1e-6)

    def test_pictures_must_hold_a_window(self):
        with pytest.raises(ValueError, match="more than 10 pixels"):
            structural_similarity(np.zeros((1, 10, 20, 3)), np.zeros((1, 10, 20, 3)))
