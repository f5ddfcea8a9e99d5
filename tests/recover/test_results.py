"""What is done with a fit when it is over: pictures at their own size with cameras that were moved, means of scores, which way is up, another surface."""

from dataclasses import replace

import numpy as np
import pytest
from scenes import balls, pictures_of, torus

from taichi_softras import Camera, Mesh
from taichi_softras.recover import Capture, Pictures, Score, compare_surfaces, mean_score, normal_colors, rotation_to_y_up, up_of


class TestPictures:
    def test_cameras_that_were_moved_are_carried_over_to_another_size(self, ellipsoid_views, tmp_path):
        """Of 32 x 32 pixels, fitted at 16 x 16: the poses are those that were found, the focal lengths wider by as much, the centre as it was."""
        ellipsoid_views.save(tmp_path)
        capture = Capture.open(tmp_path)
        fitted = capture.views(16).camera
        intrinsics = np.array(fitted.intrinsics) * [1.1, 1.2, 1, 1]
        moved = replace(fitted, camera_from_world=np.array(fitted.camera_from_world) + np.array([0, 0, 0, 0.1]), intrinsics=intrinsics)
        own = Pictures(capture, fitted, moved)
        assert len(own) == 8
        for i, views in enumerate(own):
            assert views.image_size == (32, 32)
            np.testing.assert_array_equal(views.camera.camera_from_world[0], moved.camera_from_world[i])
            np.testing.assert_allclose(views.camera.intrinsics[0] / [1.1, 1.2, 1, 1], capture.camera.intrinsics[i])
        np.testing.assert_array_equal(own[-1].alpha, own[7].alpha)

    def test_that_were_not_moved(self, ellipsoid_views, tmp_path):
        ellipsoid_views.save(tmp_path)
        first, second = Pictures(Capture.open(tmp_path))[:2]
        np.testing.assert_allclose(first.camera.camera_from_world, ellipsoid_views.camera[0].camera_from_world, atol=1e-12)
        np.testing.assert_allclose(second.alpha, ellipsoid_views.alpha[1:2], atol=1 / 255)


def test_mean_score():
    assert mean_score([Score(iou=0.5, psnr=20.0, psnr_white=30.0), Score(iou=1.0, psnr=30.0, psnr_white=20.0)]) == Score(iou=0.75, psnr=25.0, psnr_white=25.0)


class TestUp:
    def test_an_axis_that_is_near_is_meant(self):
        np.testing.assert_array_equal(up_of(Camera.all_around(30, 3.0)), [0, 1, 0])
        np.testing.assert_array_equal(up_of(Camera.look_at([[3, 0, 0], [-3, 0, 0.3]], up=(0.05, 0, 1))), [0, 0, 1])

    def test_no_axis_is_near(self):
        up = np.array([0.0, 1, 1]) / np.sqrt(2)
        np.testing.assert_allclose(up_of(Camera.look_at([[3.0, 0, 0], [-3, 0, 0]], up=up)), up, atol=1e-12)

    @pytest.mark.parametrize("up", [[0, 0, 1.0], [1, 2, 3.0], [0, -1, 0.0], [0, 1, 0.0], [0.3, -0.99, 0.1]])
    def test_rotation(self, up):
        rotation, up = rotation_to_y_up(np.array(up)), np.array(up)
        np.testing.assert_allclose(rotation @ up, [0, np.linalg.norm(up), 0], atol=1e-12)
        np.testing.assert_allclose(rotation @ rotation.T, np.eye(3), atol=1e-12)
        assert np.linalg.det(rotation) > 0


class TestCompareSurfaces:
    def test_a_surface_and_itself(self):
        """Distances are to the surface, not to points drawn on it."""
        found = compare_surfaces(torus(), torus())
        assert max(found.to_reference, found.from_reference) < 1e-6
        assert found.normal_angle < 5  # between neighbours of those drawn
        assert (found.euler_number, found.components, found.self_intersections) == ((0, 0), (1, 1), (0, 0))

    def test_a_plane_above_another(self):
        """Each point is as far as the planes are apart; twice as large, it reaches beyond the reference's border. A square's diagonal is the root of 8."""
        square = Mesh(vertices=np.array([[-1.0, -1, 0], [1, -1, 0], [1, 1, 0], [-1, 1, 0]]), faces=np.array([[0, 1, 2], [0, 2, 3]], np.int32))
        found = compare_surfaces(replace(square, vertices=square.vertices + np.array([0, 0, 0.1])), square)
        assert found.to_reference == pytest.approx(0.1 / np.sqrt(8), rel=1e-5)
        assert found.from_reference == pytest.approx(0.1 / np.sqrt(8), rel=1e-5)
        assert found.chamfer == (found.to_reference + found.from_reference) / 2
        assert found.normal_angle < 1e-3
        larger = compare_surfaces(replace(square, vertices=square.vertices * 2), square)
        assert larger.from_reference < 1e-6
        assert larger.to_reference > 0.1

    def test_a_plane_that_is_tilted(self):
        square = Mesh(vertices=np.array([[-1.0, -1, 0], [1, -1, 0], [1, 1, 0], [-1, 1, 0]]), faces=np.array([[0, 1, 2], [0, 2, 3]], np.int32))
        tilted = replace(square, vertices=square.vertices * [np.cos(0.3), 1, 1] + square.vertices[:, :1] * [0, 0, np.sin(0.3)])
        assert compare_surfaces(tilted, square).normal_angle == pytest.approx(np.degrees(0.3), rel=1e-4)

    @pytest.mark.parametrize("unit", [1e-9, 1e9])
    def test_any_unit_gives_the_same(self, unit):
        ball, off = balls((0, 0, 0, 1.0)), balls((0.02, 0, 0, 1.1))
        in_metres, in_others = (compare_surfaces(*(replace(mesh, vertices=mesh.vertices * scale) for mesh in (off, ball))) for scale in (1.0, unit))
        for name in ("to_reference", "from_reference", "normal_angle"):
            assert getattr(in_others, name) == pytest.approx(getattr(in_metres, name), rel=1e-3)
        assert in_others.euler_number == in_metres.euler_number == (2, 2)

    def test_pieces_and_crossings_count_equal_vertices_once(self):
        """Two balls that cross, each face with vertices of its own."""
        two = balls((-0.4, 0.01, 0.02, 0.6), (0.4, 0, 0, 0.6))
        split = Mesh(vertices=two.vertices[two.faces].reshape(-1, 3), faces=np.arange(3 * len(two.faces), dtype=np.int32).reshape(-1, 3))
        found = compare_surfaces(split, two)
        assert found.components == (2, 2)
        assert found.euler_number == (4, 4)
        assert found.self_intersections[0] == found.self_intersections[1] > 0


def test_pictures_of_a_far_mesh_are_measured_in_its_unit():
    """Whatever the unit of the world: a mesh a thousand times as large gives the same pictures."""
    from taichi_softras.recover import seen_from

    small, camera = Mesh.icosphere(2), Camera.all_around(3, 3.2, fov=40)
    views = pictures_of(small, camera)
    matrices = camera.camera_from_world * np.array([1, 1, 1, 1000.0])
    large = seen_from(replace(views, camera=replace(camera, camera_from_world=matrices)), replace(small, vertices=1000 * small.vertices))
    np.testing.assert_allclose(large.alpha, views.alpha, atol=0.1)
    assert np.abs(large.alpha - views.alpha).mean() < 1e-3


@pytest.mark.parametrize("unit", [1e-9, 1e9])
def test_colours_of_normals_in_any_unit(unit):
    """A ball's normal at a vertex is the vertex."""
    ball = balls((0, 0, 0, 1.0))
    colors = normal_colors(replace(ball, vertices=ball.vertices * unit)).colors
    np.testing.assert_allclose(colors, 0.5 + 0.45 * ball.vertices, atol=0.05)
