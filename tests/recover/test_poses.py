"""Cameras that are not quite right: gradients of poses and focal length; the cameras of a known mesh are found again."""

from dataclasses import replace

import numpy as np
import pytest
from scenes import balls, central_differences, pictures_of, relative_error
from scipy.spatial.transform import Rotation

from taichi_softras import Camera
from taichi_softras.engine import project_points
from taichi_softras.recover import Views, registered
from taichi_softras.recover.poses import CameraRefinement

HEAP = balls((-0.45, -0.3, 0.1, 0.4), (0.4, -0.2, 0.2, 0.3), (0.0, 0.5, -0.2, 0.25), (-0.1, 0.0, 0.0, 0.45))
RNG = np.random.default_rng(0)
TRUE = Camera.look_at(Camera.all_around(6, 1.0).eye * RNG.uniform(2.4, 3.6, (6, 1)), RNG.uniform(-0.1, 0.1, (6, 3)), fov=50)
SIZE = 48


def disturbed(camera: Camera, degrees: float, share: float, seed: int = 1) -> Camera:
    """Each turned about the world's middle and shifted by a share of its distance, in random directions."""
    rng = np.random.default_rng(seed)
    axis, shift = rng.normal(size=(2, len(camera), 3))
    turn = np.radians(degrees) * axis / np.linalg.norm(axis, axis=1, keepdims=True)
    matrices = np.array(camera.camera_from_world)
    matrices[:, :, :3] = matrices[:, :, :3] @ Rotation.from_rotvec(turn).as_matrix()
    matrices[:, :, 3] += share * np.linalg.norm(camera.eye, axis=1, keepdims=True) * shift / np.linalg.norm(shift, axis=1, keepdims=True)
    return replace(camera, camera_from_world=matrices)


def pixels_off(camera: Camera) -> np.ndarray:
    """[N] how far from its place the heap is seen, on average over its vertices."""
    apart = project_points(HEAP.vertices, camera) - project_points(HEAP.vertices, TRUE)
    return np.linalg.norm(apart[..., :2], axis=-1).mean(1) * SIZE / 2


@pytest.fixture(scope="module")
def views() -> Views:
    return pictures_of(replace(HEAP, colors=(HEAP.vertices + 1) / 2), TRUE, SIZE)


class TestRegistered:
    def test_cameras_are_brought_back_to_the_pixel(self, views):
        """From two degrees and two hundredths of the distance."""
        wrong = disturbed(TRUE, 2.0, 0.02)
        assert pixels_off(wrong).min() > 0.8
        found = registered(replace(views, camera=wrong), HEAP)
        assert pixels_off(found).max() < 0.5
        assert pixels_off(found).mean() < pixels_off(wrong).mean() / 3
        np.testing.assert_array_equal(found.intrinsics, wrong.intrinsics)

    def test_the_focal_length_is_found(self):
        """From a tenth too long, where cameras stand near enough to tell; and a right one is left nearly as it is."""
        rng = np.random.default_rng(0)
        eye = Camera.all_around(8, 1.0).eye * rng.uniform(1.5, 3.5, (8, 1))
        true = Camera.look_at(eye, rng.uniform(-0.1, 0.1, (8, 3)), fov=75)
        seen = pictures_of(HEAP, true, 128)
        for factor in (1.0, 1.1):
            wrong = replace(true, intrinsics=true.intrinsics * [factor, factor, 1, 1])
            found = registered(replace(seen, camera=disturbed(wrong, 1.0, 0.01)), HEAP, focal=True, steps=5)
            np.testing.assert_allclose(found.intrinsics[:, :2] / true.intrinsics[:, :2], 1, atol=0.03)

    def test_colours_tell_what_silhouettes_do_not(self):
        """Pictures that show nothing but a part of a ball; each has an exposure of its own."""
        ball = balls((0.0, 0.0, 0.0, 0.9), subdivisions=4)
        ball = replace(ball, colors=0.5 + 0.4 * np.sin(8 * ball.vertices))
        gains = np.linspace(0.7, 1.3, 18).reshape(6, 3).astype(np.float32)
        near = replace(TRUE, intrinsics=TRUE.intrinsics * [3.0, 3.0, 1, 1])
        seen = pictures_of(ball, near, SIZE)
        assert seen.alpha.min() == 1
        seen = replace(seen, color=seen.color * gains[:, None, None], camera=disturbed(near, 1.0, 0.0))

        def pixels_off_within(camera: Camera) -> float:
            there, here = project_points(ball.vertices, camera), project_points(ball.vertices, near)
            shown = (np.abs(here[..., :2]).max(-1) < 1) & (here[..., 2] < np.linalg.norm(near.eye, axis=1)[:, None])
            return float(np.linalg.norm((there - here)[shown][:, :2], axis=-1).mean()) * SIZE / 2

        assert pixels_off_within(seen.camera) > 0.7
        assert pixels_off_within(registered(seen, ball)) > 0.7
        assert pixels_off_within(registered(seen, ball, color_weight=1.0, gains=gains)) < 0.35

    def test_what_is_not_known_does_not_pull(self, views):
        """The masks are wrong where nobody knows."""
        alpha, known = views.alpha.copy(), np.ones_like(views.alpha)
        alpha[:, :, :10], known[:, :, :10] = 0, 0
        found = registered(replace(views, alpha=alpha, known=known, camera=disturbed(TRUE, 1.0, 0.01)), HEAP)
        assert pixels_off(found).max() < 0.6
        fooled = registered(replace(views, alpha=alpha, camera=disturbed(TRUE, 1.0, 0.01)), HEAP)
        assert pixels_off(fooled).max() > 1.0

    def test_no_steps_is_no_move(self, views):
        found = registered(views, HEAP, steps=0)
        np.testing.assert_allclose(found.camera_from_world, TRUE.camera_from_world, atol=1e-12)

    def test_far_from_the_origin(self, views):
        """The same cameras in another world are moved as they were."""
        away = np.array([1e5, -2e5, 3e5])
        wrong = disturbed(TRUE, 2.0, 0.02)
        there = registered(replace(views, camera=wrong.about(-away)), replace(HEAP, vertices=HEAP.vertices.astype(np.float64) + away))
        assert pixels_off(there.about(away)).max() < 0.5


class TestCameraRefinement:
    CENTRE, RADIUS = np.array([0.3, -0.2, 0.5]), 0.8

    def refinement(self, turned: float) -> CameraRefinement:
        made = CameraRefinement(TRUE, self.CENTRE, self.RADIUS)
        rng = np.random.default_rng(3)
        made.turns, made.shifts, made.log_focal = turned * rng.normal(size=(6, 3)), turned * rng.normal(size=(6, 3)), np.array([turned * 0.3])
        return made

    def loss(self, made: CameraRefinement, which: list[int], weights: tuple[np.ndarray, np.ndarray]) -> float:
        camera = made.camera[which].about(self.CENTRE)
        return float((camera.camera_from_world * weights[0]).sum() + (np.sin(camera.intrinsics) * weights[1]).sum())

    @pytest.mark.parametrize("turned", [0.0, 1e-5, 0.4, 1.5])
    def test_gradients(self, turned):
        """Against differences of a loss on the matrices and the intrinsics of three of the cameras."""
        made, which = self.refinement(turned), [4, 0, 3]
        rng = np.random.default_rng(4)
        weights = rng.normal(size=(3, 3, 4)), rng.normal(size=(3, 4))
        intrinsics = made.camera[which].intrinsics
        found = made.gradients(which, weights[0], np.cos(intrinsics) * weights[1])
        for part in made.PARTS:
            here = getattr(made, part).copy()

            def of(values: np.ndarray, part: str = part) -> float:
                setattr(made, part, values)
                return self.loss(made, which, weights)

            expected = central_differences(of, here)
            setattr(made, part, here)
            assert relative_error(found[part], expected) < 1e-6, part
            assert np.abs(found[part]).max() > 0
        assert not found["turns"][[1, 2, 5]].any()

    def test_a_turn_leaves_the_centre_where_it_is(self):
        made = CameraRefinement(TRUE, self.CENTRE, self.RADIUS)
        made.turns = np.random.default_rng(5).normal(size=(6, 3))
        points = self.CENTRE[None]
        np.testing.assert_allclose(project_points(points, made.camera), project_points(points, TRUE), atol=1e-5)
        assert np.abs(made.camera.camera_from_world - TRUE.camera_from_world).max() > 0.1

    def test_to_begin_with_it_is_the_cameras(self):
        made = CameraRefinement(TRUE, self.CENTRE, self.RADIUS).camera
        np.testing.assert_allclose(made.camera_from_world, TRUE.camera_from_world, atol=1e-12)
        np.testing.assert_array_equal(made.intrinsics, TRUE.intrinsics)

    def test_cameras_that_were_not_looked_at_stay(self):
        made = CameraRefinement(TRUE, self.CENTRE, self.RADIUS)
        ones = np.ones((2, 3, 4)), np.ones((2, 4))
        made.step([0, 1], made.gradients([0, 1], *ones))
        made.step([2, 3], made.gradients([2, 3], *ones))
        before = made.turns.copy()
        made.step([4, 5], made.gradients([4, 5], *ones))
        np.testing.assert_array_equal(made.turns[:4], before[:4])  # although their moments would carry them on
        assert (made.turns[4:] != before[4:]).any(1).all()
        assert made.log_focal[0] < 0
