"""Cameras: where they stand, what they see, and how they are exchanged with others.

Plan: positions against trigonometry; two ways of making the same camera against each other; the pixel that a point appears in, against the sentence in
`camera.py` that promises it, by rendering a triangle much smaller than a pixel there; matrices of other conventions, there and back, and against projections
written out as their libraries have them.
"""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from taichi_softras import Camera, Convention, Lens, Mesh, RasterizeSettings, render_mesh
from taichi_softras.interop import render

POINTS = np.array([[0.3, -0.2, 0.1], [-0.4, 0.5, -0.3], [0.0, 0.1, 0.6], [0.7, 0.4, 0.2]])


def in_camera(camera: Camera, points: np.ndarray) -> np.ndarray:
    """[B, P, 3] in camera space."""
    return points @ camera.camera_from_world[:, :, :3].swapaxes(1, 2) + camera.camera_from_world[:, None, :, 3]


def on_screen(camera: Camera, points: np.ndarray) -> np.ndarray:
    """[B, P, 2] by the sentences of `camera.py`: x_screen = fx X/depth + cx, or fx X + cx."""
    xyz = in_camera(camera, points)
    focal, centre = camera.intrinsics[:, None, :2], camera.intrinsics[:, None, 2:]
    return focal * (xyz[..., :2] / -xyz[..., 2:] if camera.lens is Lens.PERSPECTIVE else xyz[..., :2]) + centre


class TestOrbit:
    def test_eye(self):
        """0 looks from +z, 90 from +x; elevation lifts it towards +y."""
        camera = Camera.orbit(3.0, [0, 0, 0, 90, -90, 30], [0, 90, 180, 0, 40, 45])
        s, c = np.sin(np.radians(30)), np.cos(np.radians(30)) * np.sqrt(0.5)
        np.testing.assert_allclose(camera.eye, 3 * np.array([[0, 0, 1], [1, 0, 0], [0, 0, -1], [0, 1, 0], [0, -1, 0], [c, s, c]]), atol=1e-12)

    def test_target(self):
        targets = np.array([[1.0, 2.0, 3.0], [-1.0, 0.0, 0.5]])
        camera = Camera.orbit(2.0, [0, 20], [90, 10], target=targets)
        np.testing.assert_allclose(camera.eye[0], [3.0, 2.0, 3.0])
        for i in range(2):  # in front of the camera, in the middle of the picture
            np.testing.assert_allclose(in_camera(camera, targets[i : i + 1])[i], [[0, 0, -2]], atol=1e-12)

    def test_rotations(self):
        camera = Camera.orbit(2.0, np.linspace(-90, 90, 13), np.linspace(-200, 400, 13))
        rotation = camera.camera_from_world[:, :, :3]
        np.testing.assert_allclose(rotation @ rotation.swapaxes(1, 2), np.broadcast_to(np.eye(3), (13, 3, 3)), atol=1e-12)
        np.testing.assert_allclose(np.linalg.det(rotation), 1)

    def test_up_is_up(self):
        """A point above the target is above the middle of the picture, also from straight above, where up is the way the camera would have come."""
        camera = Camera.orbit(3.0, [0, 40, -40], [10, 100, 200])
        assert (in_camera(camera, np.array([[0.0, 0.1, 0.0]]))[:, 0, 1] > 0).all()
        above = Camera.orbit(3.0, 90, 0)
        assert in_camera(above, np.array([[0.0, 0.0, -0.1]]))[0, 0, 1] > 0

    def test_broadcast_and_length(self):
        assert len(Camera.orbit()) == 1
        assert len(Camera.orbit(2, 10, np.arange(7))) == 7
        assert len(Camera.orbit([2, 3], [10], 5)) == 2

    def test_fov(self):
        """A point at the edge of the field of view is at the edge of the shorter side."""
        camera = Camera.orbit(2.0, fov=40.0)
        edge = 2.0 * np.tan(np.radians(20))
        np.testing.assert_allclose(on_screen(camera, np.array([[edge, -edge, 0.0]])), [[[1, -1]]], atol=1e-12)

    def test_orthographic_height(self):
        camera = Camera.orbit(2.0, orthographic_height=3.0)
        assert camera.lens is Lens.ORTHOGRAPHIC
        np.testing.assert_allclose(on_screen(camera, np.array([[1.5, -1.5, 0.0], [1.5, -1.5, 0.9]])), [[[1, -1], [1, -1]]], atol=1e-12)


class TestLookAt:
    @pytest.mark.parametrize("height", [None, 2.0])
    def test_equals_orbit(self, height):
        target = np.array([0.3, -0.2, 0.5])
        orbit = Camera.orbit([2.0, 3.0, 4.0], [10.0, -70.0, 35.0], [0.0, 123.0, -50.0], fov=35.0, target=target, orthographic_height=height)
        same = Camera.look_at(orbit.eye, target, fov=35.0, orthographic_height=height)
        np.testing.assert_allclose(same.camera_from_world, orbit.camera_from_world, atol=1e-12)
        np.testing.assert_allclose(same.intrinsics, orbit.intrinsics)
        assert same.lens is orbit.lens

    def test_eye(self):
        eyes = np.array([[1.0, 2.0, 3.0], [-2.0, 0.1, 0.0]])
        np.testing.assert_allclose(Camera.look_at(eyes, [0.5, 0.5, 0.5]).eye, eyes, atol=1e-12)

    def test_up(self):
        """Up need not be a unit vector, nor perpendicular to the line of sight."""
        camera = Camera.look_at([0, 0, 3], up=[5.0, 0.0, 1.0])
        x, y, _ = in_camera(camera, np.array([[1.0, 0.0, 0.0]]))[0, 0]
        assert (x, y) == (pytest.approx(0), pytest.approx(1))

    def test_broadcast(self):
        assert len(Camera.look_at([0, 0, 3], np.zeros((4, 3)))) == 4


class TestSelection:
    def test_index(self):
        cameras = Camera.orbit(2, 10, [0, 10, 20, 30])
        for which, expected in ((1, [1]), (-1, [3]), (slice(1, 3), [1, 2]), (np.array([2, 0]), [2, 0]), ([3], [3]), (np.int64(2), [2])):
            np.testing.assert_array_equal(cameras[which].camera_from_world, cameras.camera_from_world[expected])
            assert len(cameras[which]) == len(expected)


class TestPixels:
    """The pixel in row r and column c of an H x W image has its centre at ((2c + 1 - W)/S, (H - 2r - 1)/S), S = min(H, W). Row 0 is the top."""

    def seen_at(self, camera: Camera, point: np.ndarray, image_size: tuple[int, int]) -> tuple[int, int]:
        """Row and column of the only pixel that a tiny triangle around a point lights."""
        size = 0.02 * np.linalg.norm(camera.eye[0] - point) / min(image_size)
        rotation = camera.camera_from_world[0, :, :3]
        corners = point + size * np.array([[-1, -1, 0], [1, -1, 0], [0, 1, 0]]) @ rotation  # faces the camera
        sigma = (0.4 / min(image_size)) ** 2 / 10  # a fifth of a pixel
        alpha = render(torch.tensor(corners), [[0, 1, 2]], camera, settings=RasterizeSettings(sigma=sigma), image_size=image_size).alpha[0]
        assert alpha.max() > 0.3
        row, column = divmod(int(alpha.argmax()), image_size[1])
        assert alpha.sum() - alpha.max() < 0.1 * alpha.max()
        return row, column

    @pytest.mark.parametrize("image_size", [(8, 8), (13, 21), (21, 13), (6, 17)])
    @pytest.mark.parametrize("perspective", [True, False])
    def test_points_on_pixel_centres(self, image_size, perspective):
        """The world point is found by going the projection backwards."""
        height, width = image_size
        orbit = Camera.orbit(3.0, 20.0, 130.0, fov=50.0, orthographic_height=None if perspective else 2.5)
        camera = replace(orbit, intrinsics=orbit.intrinsics * [1.0, 1.2, 1.0, 1.0] + [0.0, 0.0, 0.1, -0.15])
        fx, fy, cx, cy = camera.intrinsics[0]
        for row, column in ((0, 0), (height - 1, width - 1), (1, width - 2), (height // 2, width // 3)):
            x, y = (2 * column + 1 - width) / min(image_size), (height - 2 * row - 1) / min(image_size)
            depth = 2.7
            scale = depth if perspective else 1.0
            point = np.array([(x - cx) / fx * scale, (y - cy) / fy * scale, -depth])
            rotation, translation = camera.camera_from_world[0, :, :3], camera.camera_from_world[0, :, 3]
            assert self.seen_at(camera, rotation.T @ (point - translation), image_size) == (row, column)

    def test_directions(self):
        """A camera at +z: what is at +x is at the right, what is at +y is at the top. By hand: 11/16 of the shorter half to the right is 11/2 of 16 pixels."""
        camera = Camera.orbit(3.0)
        x, y = np.array([11, 9]) / 16 * 3 * np.tan(np.radians(30))
        assert self.seen_at(camera, np.array([x, y, 0.0]), (16, 24)) == (16 / 2 - 9 / 2 - 0.5, 24 / 2 + 11 / 2 - 0.5)

    def test_depth(self):
        """The distance along the view axis, not to the eye."""
        camera = Camera.look_at([0, 0, 3], fov=90)
        plane = torch.tensor([[-9.0, -9.0, 1.0], [9.0, -9.0, 1.0], [0.0, 20.0, 1.0]], dtype=torch.float64)
        depth = render(plane, [[0, 1, 2]], camera, torch.ones(3, 1, dtype=torch.float64), image_size=(5, 8)).depth
        np.testing.assert_allclose(depth, 2)

    def test_off_centre(self):
        """A principal point that is moved to the right and up moves the picture so."""
        orbit = Camera.orbit(3.0)
        camera = replace(orbit, intrinsics=orbit.intrinsics + np.array([0.0, 0.0, 4 / 16, 6 / 16]))
        point = np.array([1, 1, 0]) / 16 * 3 * np.tan(np.radians(30))
        row, column = self.seen_at(orbit, point, (16, 24))
        assert self.seen_at(camera, point, (16, 24)) == (row - 3, column + 2)


class TestMatrices:
    K = np.array([[25.0, 0.0, 11.0], [0.0, 27.0, 5.5], [0.0, 0.0, 1.0]])
    SIZE = (13, 21)

    @pytest.mark.parametrize("convention", list(Convention))
    def test_there_and_back(self, convention):
        orbit = Camera.orbit([2.0, 3.0], [10.0, -20.0], [30.0, 200.0])
        camera = replace(orbit, intrinsics=orbit.intrinsics * [1.0, 1.3, 1.0, 1.0] + [0.0, 0.0, 0.1, -0.2])
        matrices, k = camera.to_matrices(self.SIZE, convention=convention)
        assert matrices.shape == (2, 4, 4)
        assert k.shape == (2, 3, 3)
        for given in (matrices, matrices[:, :3]):
            back = Camera.from_matrices(given, k, self.SIZE, convention=convention)
            np.testing.assert_allclose(back.camera_from_world, camera.camera_from_world, atol=1e-12)
            np.testing.assert_allclose(back.intrinsics, camera.intrinsics, atol=1e-12)
            assert back.lens is Lens.PERSPECTIVE

    @pytest.mark.parametrize("convention", list(Convention))
    def test_back_and_there(self, convention):
        pose = np.eye(4)
        pose[:3] = Camera.orbit(2.0, 33.0, 44.0).camera_from_world[0]
        matrices, k = Camera.from_matrices(pose, self.K, self.SIZE, convention=convention).to_matrices(self.SIZE, convention=convention)
        np.testing.assert_allclose(matrices[0], pose, atol=1e-12)
        np.testing.assert_allclose(k[0], self.K, atol=1e-12)

    def test_conventions_differ_by_y_and_z(self):
        camera = Camera.orbit(2.0, 33.0, 44.0)
        gl, _ = camera.to_matrices(self.SIZE, convention=Convention.OPENGL)
        cv, _ = camera.to_matrices(self.SIZE, convention=Convention.OPENCV)
        np.testing.assert_allclose(np.diag([1, -1, -1, 1]) @ gl[0], cv[0])

    def test_opencv_projection(self):
        """OpenCV: pixel (u, v) = K [R | t] p, divided by its last entry; here with the centre of the first pixel at (.5, .5)."""
        rotation, translation = np.eye(3), np.array([0.1, -0.2, 3.0])  # looks along +z, y down
        camera = Camera.from_matrices(np.column_stack([rotation, translation]), self.K, self.SIZE, convention=Convention.OPENCV)
        uvw = (POINTS @ rotation.T + translation) @ self.K.T
        u, v = (uvw[:, :2] / uvw[:, 2:]).T
        height, width = self.SIZE
        expected = np.stack([(2 * u - width) / height, (height - 2 * v) / height], -1)  # column c = u - .5, row r = v - .5
        np.testing.assert_allclose(on_screen(camera, POINTS)[0], expected, atol=1e-12)

    @pytest.mark.parametrize("factor", [4.0, -0.5])
    def test_k_counts_up_to_a_factor(self, factor):
        camera, same = (Camera.from_matrices(np.eye(4), k, self.SIZE) for k in (self.K, factor * self.K))
        np.testing.assert_allclose(same.intrinsics, camera.intrinsics, rtol=1e-12)

    def test_a_skew_that_is_not_seen(self):
        k = self.K + np.array([[0, 0.4, 0], [0, 0, 0], [0, 0, 0]])
        assert Camera.from_matrices(np.eye(4), k, self.SIZE).intrinsics.tolist() == Camera.from_matrices(np.eye(4), self.K, self.SIZE).intrinsics.tolist()

    def test_a_point_in_the_first_pixel(self):
        """K maps it to (.5, .5), and there it is seen."""
        camera = Camera.from_matrices(np.eye(4), self.K, self.SIZE)
        fx, fy, cx, cy = self.K[0, 0], self.K[1, 1], self.K[0, 2], self.K[1, 2]
        point = np.array([(0.5 - cx) / fx * 3, -(0.5 - cy) / fy * 3, -3.0])
        assert TestPixels().seen_at(camera, point, self.SIZE) == (0, 0)

    def test_one_k_for_all(self):
        poses = Camera.orbit(2.0, 0.0, [0, 10, 20]).camera_from_world
        assert len(Camera.from_matrices(poses, self.K, self.SIZE)) == 3

    def test_other_sizes_of_the_same_aspect(self):
        """Intrinsics are in screen units: half the size needs no other camera."""
        whole = Camera.from_matrices(np.eye(4), self.K, (26, 42))
        k_of_half = self.K * [[0.5], [0.5], [1]]
        half = Camera.from_matrices(np.eye(4), k_of_half, (13, 21))
        np.testing.assert_allclose(half.intrinsics, whole.intrinsics)

    def test_nerf(self):
        """A NeRF `transform_matrix` is camera to world, columns right, up and back; `camera_angle_x` spans the width."""
        right, up, back, eye = [0.0, 0.0, -1.0], [0.0, 1.0, 0.0], [1.0, 0.0, 0.0], [4.0, 0.0, 0.0]
        transform = np.vstack([np.column_stack([right, up, back, eye]), [0, 0, 0, 1]])
        angle, height, width = 0.7, 16, 16
        focal = width / 2 / np.tan(angle / 2)
        k = np.array([[focal, 0, width / 2], [0, focal, height / 2], [0, 0, 1]])
        camera = Camera.from_matrices(np.linalg.inv(transform), k, (height, width))
        expected = Camera.orbit(4.0, azimuth=90.0, fov=np.degrees(angle))
        np.testing.assert_allclose(camera.camera_from_world, expected.camera_from_world, atol=1e-12)
        np.testing.assert_allclose(camera.intrinsics, expected.intrinsics, atol=1e-12)

    def test_nerf_views_of_spot(self, shared):
        """Pictures of another renderer: our silhouette through their cameras covers theirs."""
        views = shared / "data" / "spot_views"
        description = json.loads((views / "transforms_test.json").read_text())
        frames = description["frames"][:3]
        transforms = np.array([frame["transform_matrix"] for frame in frames])
        mesh = Mesh.load(shared / "data" / "spot" / "spot_triangulated.obj").normalized()
        focal = 64 / np.tan(description["camera_angle_x"] / 2)
        camera = Camera.from_matrices(np.linalg.inv(transforms), [[focal, 0, 64], [0, focal, 64], [0, 0, 1]], (128, 128))
        alpha = render_mesh(mesh, camera, 128, RasterizeSettings(sigma=1e-6)).alpha
        for ours, frame in zip(alpha, frames, strict=True):
            path = views / frame["file_path"]
            with Image.open(path if path.suffix else path.with_suffix(".png")) as picture:
                theirs = np.asarray(picture)[..., 3] / 255
            assert np.minimum(ours, theirs).sum() / np.maximum(ours, theirs).sum() > 0.97


WANTING = torch.tensor([1.0], requires_grad=True)
POSE, K = np.eye(4)[None], np.eye(3) * [30, 30, 1]


@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("Camera.orbit: azimuth", lambda: Camera.orbit(2.0, azimuth=WANTING)),
        ("Camera.orbit: distance", lambda: Camera.orbit(WANTING * 2)),
        ("Camera.look_at: eye", lambda: Camera.look_at(WANTING * torch.ones(3))),
        ("Camera.from_matrices: camera_from_world", lambda: Camera.from_matrices(torch.from_numpy(POSE) * WANTING, K, (4, 6))),
        ("Camera.from_matrices: pixel_intrinsics", lambda: Camera.from_matrices(POSE, torch.from_numpy(K) * WANTING, (4, 6))),
        ("Camera.about: origin", lambda: Camera.orbit(2.0).about(WANTING * torch.ones(3))),
    ],
)
def test_a_gradient_that_would_be_lost(name, make):
    """What these make is NumPy's; it was made without a word."""
    with pytest.raises(TypeError, match=rf"^{name} must want no gradient, which would be lost"):
        make()
    with torch.no_grad():  # what is computed there wants none
        assert len(Camera.orbit(WANTING * 2)) == 1


class TestTensors:
    """Cameras whose arrays are tensors, after a pose was found with torch: what is not torch's takes their numbers, unless they want a gradient."""

    @pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
    def test_numbers(self, dtype):
        plain = Camera.orbit(2.7, 20.0, [0.0, 50.0])
        camera = replace(plain, camera_from_world=torch.from_numpy(plain.camera_from_world).to(dtype), intrinsics=torch.from_numpy(plain.intrinsics).to(dtype))
        sphere = Mesh.icosphere(1)
        np.testing.assert_allclose(render_mesh(sphere, camera, 16).alpha, render_mesh(sphere, plain, 16).alpha, atol=1e-5)
        for got, expected in zip(camera.to_matrices((8, 9)), plain.to_matrices((8, 9)), strict=True):
            np.testing.assert_allclose(got, expected, atol=1e-5)
        np.testing.assert_allclose(camera.about((1, 2, 3)).camera_from_world, plain.about((1, 2, 3)).camera_from_world, atol=1e-5)

    def test_wanting_a_gradient(self):
        plain = Camera.orbit(2.7, 20.0, [0.0, 50.0])
        camera = replace(plain, camera_from_world=torch.from_numpy(plain.camera_from_world).float().requires_grad_())
        for use in (lambda: render_mesh(Mesh.icosphere(1), camera, 16), lambda: camera.to_matrices((8, 9)), lambda: camera.about((1, 2, 3))):
            with pytest.raises(TypeError, match=r"^Camera.*: camera_from_world must want no gradient, which would be lost"):
                use()
