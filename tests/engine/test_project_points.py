"""Where points are seen: as the renderer sees them, through every lens.

Plan: pictures that say for each pixel which point of the world it shows; these points must be seen at the pixels' centres.
"""

from dataclasses import replace

import numpy as np
import pytest

from taichi_softras import Camera, Lens, Mesh, Output, Renderer
from taichi_softras.engine import project_points
from taichi_softras.recover import SHARP

DISTORTION = {
    Lens.OPENCV: [-0.21, 0.09, 0.004, -0.003, 0.02, 0.05, -0.01, 0.003],
    Lens.FISHEYE: [-0.03, 0.02, -0.008, 0.001],
}


def camera_of(lens: Lens) -> Camera:
    """Two of them, with unequal focal lengths and a middle that is not the picture's."""
    orbit = Camera.orbit([2.2, 2.9], [25.0, -10.0], [35.0, 200.0], fov=60.0, orthographic_height=2.5 if lens is Lens.ORTHOGRAPHIC else None)
    coefficients = np.tile(DISTORTION[lens], (2, 1)) if lens in DISTORTION else None
    return replace(orbit, intrinsics=orbit.intrinsics * [1.0, 1.1, 1.0, 1.0] + [0.0, 0.0, 0.07, -0.04], lens=lens, distortion=coefficients)


@pytest.mark.parametrize("lens", Lens, ids=lambda lens: lens.name)
def test_points_are_seen_at_the_pixels_that_show_them(lens):
    camera, (height, width) = camera_of(lens), (24, 36)
    renderer = Renderer((height, width), replace(SHARP, sigma=1e-8))
    ball = Mesh.icosphere(5)  # triangles stay straight between their corners, whatever the lens
    image = renderer(renderer.parameter(ball.vertices), ball.faces, camera, outputs=[Output.POSITIONS])
    shown, depth = renderer.arrays.to_numpy(image.positions), renderer.arrays.to_numpy(image.depth)
    covered = renderer.arrays.to_numpy(image.alpha) > 0.999
    row, column = np.mgrid[:height, :width]
    centres = np.stack([2 * column + 1 - width, height - 2 * row - 1], -1) / height
    for i in range(2):
        assert covered[i].sum() > 100
        screen = project_points(shown[i][covered[i]], camera)[i]
        np.testing.assert_allclose(screen[:, :2], centres[covered[i]], atol=2e-3)  # a pixel is 8e-2 wide
        np.testing.assert_allclose(screen[:, 2], depth[i][covered[i]], atol=2e-3)


def test_far_from_the_origin():
    """Single precision counts from where the points are."""
    camera, away = camera_of(Lens.PERSPECTIVE), np.array([3e6, -2e6, 5e6])
    points = np.random.default_rng(0).uniform(-1, 1, (50, 3))
    np.testing.assert_allclose(project_points(points + away, camera.about(-away)), project_points(points, camera), atol=1e-5)


def test_no_points():
    assert project_points(np.zeros((0, 3)), camera_of(Lens.PERSPECTIVE)).shape == (2, 0, 3)


def test_wrong_arguments():
    with pytest.raises(ValueError, match=r"project_points: points must have shape \(P, 3\), got \(3,\)"):
        project_points(np.zeros(3), camera_of(Lens.PERSPECTIVE))
    with pytest.raises(TypeError, match="project_points: camera must be a Camera, got ndarray"):
        project_points(np.zeros((1, 3)), np.eye(4))
