"""The visual hull of masks: distances to outlines, handles and pieces, masks and cameras that are wrong."""

from dataclasses import replace

import numpy as np
import pytest
from scenes import balls, euler_number, is_closed, pictures_of, torus

from taichi_softras import Camera, Lens
from taichi_softras.recover import Views, components, hull_mesh, render_views, score, visual_hull
from taichi_softras.recover.hull import Hull, bounding_sphere, signed_distances

AROUND = Camera.all_around(12, 3.2, fov=40)
TWO = balls((-0.5, 0.0, -0.5, 0.3), (0.5, 0.0, 0.5, 0.3))


@pytest.fixture(scope="module")
def views() -> Views:
    """Of a heap of balls, unlike its mirror images, from cameras that are not turned to its middle, so that they depend on the focal length."""
    rng = np.random.default_rng(0)
    eye = Camera.all_around(12, 1.0).eye * rng.uniform(2.4, 4.5, (12, 1))
    camera = Camera.look_at(eye, rng.uniform(-0.5, 0.5, (12, 3)), fov=60)
    return pictures_of(balls((-0.45, -0.3, 0.1, 0.4), (0.4, -0.2, 0.2, 0.3), (0.0, 0.5, -0.2, 0.25), (-0.1, 0.0, 0.0, 0.45)), camera)


def iou(hull: Hull, views: Views) -> float:
    return score(render_views(hull.mesh(), views.camera, views.image_size, views.names), views).iou


class TestSignedDistances:
    @pytest.mark.parametrize("at", [5.0, 5.25, 5.5, 5.9])
    def test_from_an_upright_edge(self, at):
        """Exact: the mask is 1 left of ``at``."""
        column = np.arange(16)
        mask = np.broadcast_to(np.clip(at - column, 0, 1), (1, 16, 16))
        np.testing.assert_allclose(signed_distances(mask.astype(np.float32))[0, 3], at - (column + 0.5), atol=1e-5)

    @pytest.mark.parametrize("radius", [9.4, 11.2])
    def test_from_a_disc(self, radius):
        y, x = np.mgrid[:320, :320] / 10 + 0.05  # ten by ten samples a pixel
        mask = (np.hypot(x - 15.3, y - 16.2) < radius).reshape(32, 10, 32, 10).mean((1, 3))
        row, column = np.mgrid[:32, :32] + 0.5
        expected = radius - np.hypot(column - 15.3, row - 16.2)
        off = np.abs(signed_distances(mask[None].astype(np.float32))[0] - expected)  # pixels
        assert off[np.abs(expected) < 1].max() < 0.25
        assert off.max() < 0.7
        assert off.mean() < 0.1

    def test_of_a_mask_without_an_outline(self):
        distances = signed_distances(np.stack([np.zeros((3, 4)), np.ones((3, 4))]).astype(np.float32))
        np.testing.assert_allclose(distances, np.broadcast_to([[[-5.0]], [[5.0]]], (2, 3, 4)))


class TestShape:
    def test_a_sphere_within_the_grids_spacing(self):
        centre = np.array([0.1, -0.05, 0.2])
        seen = pictures_of(balls((*centre, 0.6), subdivisions=4), Camera.all_around(24, 3.2, fov=40))
        hull = visual_hull(seen, 32)
        surface = hull.mesh()
        assert np.abs(np.linalg.norm(surface.vertices - centre, axis=1) - 0.6).max() < hull.spacing < 0.05
        assert is_closed(surface)
        assert euler_number(surface) == 2
        volume = np.linalg.det(surface.vertices[surface.faces].astype(np.float64)).sum() / 6
        assert volume == pytest.approx(4 / 3 * np.pi * 0.6**3, rel=0.05)  # positive: its faces look outwards
        np.testing.assert_allclose(bounding_sphere(seen)[0], centre, atol=0.01)

    def test_a_torus_has_one_handle(self):
        hull = hull_mesh(pictures_of(torus(), AROUND))
        assert is_closed(hull)
        assert euler_number(hull) == 0

    def test_two_balls_are_two_pieces(self):
        hull = hull_mesh(pictures_of(TWO, AROUND))
        assert [euler_number(piece) for piece in components(hull)] == [2, 2]

    def test_what_two_pictures_cannot_rule_out_is_dropped(self):
        """Seen from the front and from the side, there may be four balls; two of them fill the masks."""
        seen = pictures_of(TWO, Camera.orbit(3.2, 0, [0, 90], fov=40))
        assert len(components(visual_hull(seen, 32).mesh())) == 4
        assert len(components(hull_mesh(seen))) == 2

    def test_a_wide_lens(self):
        """Where the lens says, not where a pinhole would see it; rays that go far beside the middle are bent most."""
        camera = Camera.look_at(Camera.all_around(12, 1.6).eye, fov=110)
        camera = replace(camera, lens=Lens.OPENCV, distortion=np.tile([-0.2, 0.03, 0.002, -0.003, 0, 0, 0, 0], (12, 1)))
        centre = np.array([0.25, -0.05, 0.2])
        seen = pictures_of(balls((*centre, 0.5), subdivisions=4), camera, 48)
        as_pinhole = replace(seen, camera=replace(camera, lens=Lens.PERSPECTIVE, distortion=None))
        off = [np.linalg.norm(visual_hull(pictures, 32).mesh().vertices - centre, axis=1) - 0.5 for pictures in (seen, as_pinhole)]
        assert np.abs(off[0]).max() < visual_hull(seen, 32).spacing
        assert np.abs(off[1]).max() > 1.5 * np.abs(off[0]).max()

    def test_pictures_that_are_not_square(self, views):
        """Of twice the height, with the object where it was."""
        tall = replace(
            views,
            alpha=np.pad(views.alpha, ((0, 0), (16, 16), (0, 0))),
            color=np.pad(views.color, ((0, 0), (16, 16), (0, 0), (0, 0))),
        )
        np.testing.assert_allclose(visual_hull(tall, 32).mesh().vertices.mean(0), visual_hull(views, 32).mesh().vertices.mean(0), atol=0.02)


class TestWrongMasks:
    def halved(self, views: Views) -> Views:
        """One mask is cut in the middle, which takes more than a half of it away."""
        alpha = views.alpha.copy()
        alpha[3, :, :16] = 0
        assert alpha[3].sum() < 0.5 * views.alpha[3].sum()
        return replace(views, alpha=alpha)

    def test_one_is_outvoted(self, views):
        damaged = self.halved(views)
        assert iou(visual_hull(damaged, 32), views) < 0.8
        assert iou(visual_hull(damaged, 32, outvoted=1), views) > 0.95
        mesh = hull_mesh(damaged)
        assert score(render_views(mesh, views.camera, views.image_size, views.names), views).iou > 0.95

    def test_pixels_that_are_not_known_do_not_carve(self, views):
        damaged = self.halved(views)
        known = np.ones_like(views.alpha)
        known[3, :, :16] = 0
        assert iou(visual_hull(replace(damaged, known=known), 32), views) > 0.95

    def test_of_nothing_in_common(self, views):
        """Each mask is a spot, in another corner."""
        alpha = np.zeros_like(views.alpha)
        for i in range(len(alpha)):
            alpha[i, 2 + 25 * (i % 2) :, 2 + 25 * (i // 2 % 2) :][:4, :4] = 1
        with pytest.raises(ValueError, match=r"fit: (the masks must agree on an object|masks and cameras must agree)"):
            hull_mesh(replace(views, alpha=alpha))


class TestWrongConventions:
    """Each is refused by a sentence that names it."""

    def inverse(self, camera: Camera) -> np.ndarray:
        turned = camera.camera_from_world[:, :, :3].swapaxes(1, 2)
        return np.concatenate([turned, -turned @ camera.camera_from_world[:, :, 3:]], 2)

    def test_right_ones_are_not(self, views):
        hull_mesh(views)

    @pytest.mark.parametrize("inverted", [False, True])
    @pytest.mark.parametrize("turned", [False, True])
    def test_matrices(self, views, inverted, turned):
        if not (inverted or turned):
            return
        matrices = self.inverse(views.camera) if inverted else views.camera.camera_from_world
        matrices = matrices * np.array([1.0, -1.0, -1.0])[:, None] if turned else matrices
        wrong = replace(views, camera=replace(views.camera, camera_from_world=matrices))
        with pytest.raises(ValueError, match=r"must map the camera to the world.*OpenGL|looking along \+z|transform_matrix inverted"):
            hull_mesh(wrong)

    @pytest.mark.parametrize(
        ("factor", "sentence"), [(2.0, "with half the focal length it would be 0.9"), (0.5, "with twice the focal length it would be 0.9")]
    )
    def test_focal_length(self, views, factor, sentence):
        wrong = replace(views, camera=replace(views.camera, intrinsics=views.camera.intrinsics * [factor, factor, 1, 1]))
        with pytest.raises(ValueError, match=f"^fit: masks and cameras must agree, got .*; {sentence}"):
            hull_mesh(wrong)

    @pytest.mark.parametrize(("axes", "sentence"), [((2,), "mirrored left to right"), ((1,), "mirrored top to bottom"), ((1, 2), "turned by 180 degrees")])
    def test_pictures(self, views, axes, sentence):
        wrong = replace(views, alpha=np.flip(views.alpha, axes).copy())
        with pytest.raises(ValueError, match=f"^fit: masks and cameras must agree, got .*; with the pictures {sentence} it would be 0.9"):
            hull_mesh(wrong)

    def test_cameras_of_other_pictures(self, views):
        """No convention helps."""
        wrong = replace(views, alpha=np.roll(views.alpha, 5, axis=0))
        with pytest.raises(ValueError, match="are these the cameras of these pictures, and do the masks show one object"):
            hull_mesh(wrong)

    def test_a_little_contradiction_is_a_warning(self, views):
        """All pictures are shifted, half of them to the left and half to the right."""
        alpha = views.alpha.copy()
        alpha[::2], alpha[1::2] = np.roll(alpha[::2], 1, axis=2), np.roll(alpha[1::2], -1, axis=2)
        with pytest.warns(UserWarning, match="masks and cameras agree badly: the hull of the masks has an IoU of 0.[567]"):
            hull_mesh(replace(views, alpha=alpha))
        hull_mesh(replace(views, alpha=alpha), doubtful=False)  # without a word
