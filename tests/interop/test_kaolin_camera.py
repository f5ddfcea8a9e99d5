"""Kaolin's cameras: matrices against formulas of NumPy's, rays against the projection, gradients by gradcheck; how they are made, moved and learned."""

import copy
import json
import math

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from taichi_softras.interop.kaolin.render import camera as kc

REAL = torch.float64
PINHOLE = {"width": 40, "height": 30, "fov": 0.7, "x0": 3.0, "y0": -2.0, "near": 0.3, "far": 9.0}
ORTHO = {"width": 40, "height": 30, "fov_distance": 1.7, "near": 0.3, "far": 9.0}


def numbers(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(seed).normal(size=shape))


def cameras(n: int, lens: dict = PINHOLE, **more) -> kc.Camera:
    eye = numbers(n, 3) * 0.3 + torch.tensor([1.0, 2.0, 4.0], dtype=REAL)
    return kc.Camera.from_args(eye=eye, at=numbers(n, 3, seed=1) * 0.1, up=torch.tensor([0.1, 1.0, 0.0]), dtype=REAL, **lens, **more)


def looking(eye: np.ndarray, at: np.ndarray, up: np.ndarray) -> np.ndarray:
    """The matrix from the world to a camera, of one."""
    back = (eye - at) / np.linalg.norm(eye - at)
    right = np.cross(up, back)
    right /= np.linalg.norm(right)
    rows = np.stack([right, np.cross(back, right), back])
    matrix = np.eye(4)
    matrix[:3, :3], matrix[:3, 3] = rows, -rows @ eye
    return matrix


class TestExtrinsics:
    def test_look_at(self):
        eye, at, up = numbers(3, 3).numpy(), numbers(3, 3, seed=1).numpy(), np.array([0.2, 1.0, 0.1])
        extrinsics = kc.CameraExtrinsics.from_lookat(eye, at, up, dtype=REAL)
        expected = np.stack([looking(e, a, up) for e, a in zip(eye, at, strict=True)])
        np.testing.assert_allclose(extrinsics.view_matrix(), expected, atol=1e-12)
        np.testing.assert_allclose(extrinsics.inv_view_matrix(), np.linalg.inv(expected), atol=1e-12)
        np.testing.assert_allclose(extrinsics.cam_pos()[..., 0], eye, atol=1e-12)
        axes = (extrinsics.cam_right(), extrinsics.cam_up(), extrinsics.cam_forward())
        np.testing.assert_allclose(torch.cat(axes, 2).mT, expected[:, :3, :3], atol=1e-12)

    def test_other_ways_to_make_it(self):
        one = kc.CameraExtrinsics.from_lookat([1.0, 2.0, 3.0], [0.0, 0.1, 0.0], [0.0, 1.0, 0.0], dtype=REAL)
        posed = kc.CameraExtrinsics.from_camera_pose(one.cam_pos(), one.R.mT, dtype=REAL)
        given = kc.CameraExtrinsics.from_view_matrix(one.view_matrix()[0].numpy(), dtype=REAL)
        for other in (posed, given, kc.CameraExtrinsics.cat([one, given])[1], copy.deepcopy(one), one.float().double()):
            assert torch.allclose(other, one, atol=1e-6)
        assert kc.CameraExtrinsics.from_dict(json.loads(json.dumps(one.as_dict()))).dtype == torch.float32

    def test_points_and_rays(self):
        extrinsics, points = cameras(2).extrinsics, numbers(5, 3, seed=2)
        at_camera = np.einsum("cij,bj->cbi", extrinsics.R.numpy(), points.numpy()) + extrinsics.t.numpy().transpose(0, 2, 1)
        np.testing.assert_allclose(extrinsics.transform(points), at_camera, atol=1e-12)
        origins, ends = extrinsics.inv_transform_rays(torch.from_numpy(at_camera), torch.from_numpy(at_camera))
        np.testing.assert_allclose(origins, points.expand(2, 5, 3), atol=1e-12)
        np.testing.assert_allclose(ends, np.einsum("cji,cbj->cbi", extrinsics.R.numpy(), at_camera), atol=1e-12)

    @pytest.mark.parametrize(("name", "axis"), [("yaw", "y"), ("pitch", "x"), ("roll", "z")])
    def test_turned(self, name, axis):
        """About its own axes; the world turns the other way, but for the roll."""
        camera = cameras(2)
        before = camera.R.numpy()
        camera.rotate(**{name: 0.3})
        sign = 1 if name == "roll" else -1
        np.testing.assert_allclose(camera.R, Rotation.from_euler(axis, sign * 0.3).as_matrix() @ before, atol=1e-12)

    def test_moved(self):
        camera = cameras(2)
        position, axes = camera.cam_pos(), (camera.cam_right(), camera.cam_up(), camera.cam_forward())
        camera.translate(torch.tensor([0.1, -0.2, 0.3], dtype=REAL))
        position = position + torch.tensor([[0.1], [-0.2], [0.3]], dtype=REAL)
        for move, axis, amount in zip((camera.move_right, camera.move_up, camera.move_forward), axes, (0.5, -0.4, 0.2), strict=True):
            move(amount)
            position = position + axis * amount
        torch.testing.assert_close(camera.cam_pos(), position)

    def test_other_axes(self):
        camera = cameras(1)
        before = camera.view_matrix()
        camera.change_coordinate_system(kc.blender_coords())
        torch.testing.assert_close(camera.R, before[:, :3, :3] @ kc.blender_coords().to(REAL).T)
        camera.reset_coordinate_system()
        torch.testing.assert_close(camera.view_matrix(), before)
        assert torch.equal(camera.basis_change_matrix, torch.eye(3, dtype=REAL))


class TestLenses:
    def test_pinhole(self):
        points, lens = numbers(6, 3) - torch.tensor([0.0, 0.0, 4.0], dtype=REAL), cameras(1).intrinsics
        focal = 15 / math.tan(0.35)
        x, y, z = points.numpy().T
        n, f = 0.3, 9.0
        depth = (f + n) / (f - n) + 2 * f * n / (f - n) / z
        expected = np.stack([(focal * x / -z + 3) / 20, (focal * y / -z - 2) / 15, depth], 1)
        np.testing.assert_allclose(lens.transform(points)[0], expected, atol=1e-12)
        np.testing.assert_allclose(lens.normalize_depth(torch.tensor([0.3, 9.0, 20.0], dtype=REAL)), [[0, 1, 1]], atol=1e-12)
        np.testing.assert_allclose([lens.cx.item(), lens.cy.item(), lens.fov(in_degrees=False).item()], [23, 13, 0.7])

    def test_orthographic(self):
        points, lens = numbers(6, 3), cameras(1, ORTHO).intrinsics
        x, y, z = points.numpy().T
        expected = np.stack([x / (1.7 * 4 / 3), y / 1.7, -(2 * z + 9.3) / 8.7], 1)
        np.testing.assert_allclose(lens.transform(points)[0], expected, atol=1e-12)
        lens.zoom(0.3)
        assert lens.fov_distance.item() == pytest.approx(2.0)

    def test_window(self):
        matrix = cameras(1).viewport_matrix(vl=10)[0]
        corners = torch.tensor([[-1.0, -1, -1, 1], [1, 1, 1, 1]], dtype=REAL) @ matrix.T
        np.testing.assert_allclose(corners[:, :3], [[10, 0, 0], [40, 30, 1]])

    def test_sides_and_angles(self):
        """A change of a side leaves the angle along it; a zoom takes degrees off."""
        camera = cameras(1)
        across, along = camera.fov_x.item(), camera.fov_y.item()
        camera.width, camera.height = 80, 90
        assert (camera.width, camera.height) == (80, 90)
        np.testing.assert_allclose([camera.fov_x.item(), camera.fov_y.item()], [across, along])
        camera.zoom(5.0)
        np.testing.assert_allclose([camera.fov_x.item(), camera.fov_y.item()], [(along - 5) * across / along, along - 5])

    @pytest.mark.parametrize("lens", [PINHOLE, ORTHO], ids=["pinhole", "ortho"])
    def test_rays_meet_their_pixels(self, lens):
        camera = cameras(1, lens)
        origins, directions = camera.generate_rays()
        np.testing.assert_allclose(directions.norm(dim=1), 1)
        seen = camera.transform(origins + 2.5 * directions).reshape(30, 40, 3)
        column, row = np.meshgrid(np.arange(40) + 0.5, np.arange(30) + 0.5)
        np.testing.assert_allclose(seen[..., 0], column / 20 - 1, atol=1e-9)
        np.testing.assert_allclose(seen[..., 1], 1 - row / 15, atol=1e-9)

    def test_coarse_grid(self):
        y, x = kc.generate_centered_custom_resolution_pixel_coords(40, 30, 4, 3)
        np.testing.assert_allclose(x[0], [5, 15, 25, 35])
        np.testing.assert_allclose(y[:, 0], [5, 15, 25])
        origins, _ = kc.generate_rays(cameras(1), (y.to(REAL), x.to(REAL)))
        assert origins.shape == (12, 3)
        y, x = kc.generate_centered_pixel_coords(3, 2)
        assert (y[1, 0], x[0, 2]) == (1.5, 2.5)


class TestGradients:
    def test_of_the_place(self):
        points, eye = numbers(4, 3, seed=3) * 0.3, torch.tensor([[1.0, 2.0, 4.0], [3.0, 1.0, 2.0]], dtype=REAL, requires_grad=True)
        up = torch.tensor([0.0, 1.0, 0.0])

        def seen(eye: torch.Tensor) -> torch.Tensor:
            return kc.Camera.from_args(eye=eye, at=torch.zeros(3), up=up, dtype=REAL, requires_grad=True, **PINHOLE).transform(points)

        assert torch.autograd.gradcheck(seen, eye)

    @pytest.mark.parametrize("lens", [PINHOLE, ORTHO], ids=["pinhole", "ortho"])
    def test_of_the_numbers(self, lens):
        camera, points = cameras(2, lens), numbers(4, 3, seed=3) * 0.3
        camera.requires_grad_(True)
        places, lenses = (numbers.detach().clone().requires_grad_() for numbers in camera.parameters())

        def seen(place: torch.Tensor, lens: torch.Tensor) -> torch.Tensor:
            camera.extrinsics._backend.params, camera.intrinsics.params = place, lens
            return camera.transform(points)

        assert torch.autograd.gradcheck(seen, (places, lenses))

    def test_learned_rotations_stay_rotations(self):
        """And find a camera that was moved away."""
        goal, points = cameras(1), numbers(8, 3, seed=4) * 0.5
        seen = goal.transform(points)[..., :2]
        camera = copy.deepcopy(goal)
        camera.rotate(yaw=0.05, pitch=0.03)
        camera.requires_grad_(True)
        assert camera.backend_name == "matrix_6dof_rotation"
        optimizer = torch.optim.Adam([camera.parameters()[0]], 5e-3)
        losses = []
        for _ in range(100):
            optimizer.zero_grad()
            loss = ((camera.transform(points)[..., :2] - seen) ** 2).mean()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        rotation = camera.R[0].detach()
        np.testing.assert_allclose(rotation @ rotation.T, np.eye(3), atol=1e-12)
        assert losses[-1] < 0.01 * losses[0]

    def test_masks(self):
        camera = cameras(2)
        place, lens = camera.gradient_mask("t", "focal_x")
        assert place.sum() == 2 * 3
        assert torch.equal(lens[0], torch.tensor([False, False, True, False]))
        with pytest.raises(ValueError, match="arguments must be of 'x0', 'y0', 'focal_x', 'focal_y', got 'focal'"):
            camera.gradient_mask("focal")

    def test_backends(self):
        """To want gradient changes how the matrix is kept, unless somebody has chosen; whoever chooses the matrix is warned."""
        camera = cameras(1)
        view = camera.view_matrix()
        camera.requires_grad_(True)
        camera.requires_grad_(False)
        assert camera.backend_name == "matrix_se3"
        camera.switch_backend("matrix_6dof_rotation")
        torch.testing.assert_close(camera.view_matrix(), view)
        camera.switch_backend("matrix_se3")
        with pytest.warns(UserWarning, match="does not keep it a rotation"):
            camera.requires_grad_(True)
        assert camera.parameters()[0].shape == (1, 16)


class TestCamera:
    def test_routes(self):
        camera = cameras(2)
        camera.focal_x = torch.tensor([100.0, 200.0])
        np.testing.assert_allclose(camera.intrinsics.params[:, 2], [100, 200])
        assert camera[1].focal_x.item() == 200
        assert (len(camera), camera.lens_type, camera.dtype) == (2, "pinhole", REAL)
        assert camera.named_params()[0]["focal_x"] == 100
        camera.note = "kept here"
        assert (camera.note, hasattr(camera.intrinsics, "note")) == ("kept here", False)
        with pytest.raises(AttributeError, match="no attribute lens"):
            camera.lens  # noqa: B018

    def test_together(self):
        one, two = cameras(1), cameras(2)
        both = kc.Camera.cat([one, two])
        assert len(both) == 3
        assert torch.allclose(both[0], one)
        assert not torch.allclose(both[1:], cameras(2, ORTHO))

    def test_as_a_file(self):
        camera = cameras(1).float()
        again = kc.Camera.from_dict(json.loads(json.dumps(camera.as_dict())))
        assert torch.allclose(again, camera)
        assert again.near == camera.near

    def test_copies(self):
        camera = cameras(1)
        other, same = copy.deepcopy(camera), copy.copy(camera)
        other.move_up(1.0)
        assert not torch.allclose(other, camera)
        assert same.extrinsics is camera.extrinsics
        assert camera.to(REAL).extrinsics is camera.extrinsics

    @pytest.mark.parametrize(
        ("given", "sentence"),
        [
            ({"fov": 1.0, "width": 4, "height": 4}, "there must be one way to place cameras"),
            ({"view_matrix": np.eye(4)}, "there must be a width and a height"),
            ({"view_matrix": np.eye(4), "width": 4, "height": 4, "fov": 1.0, "focal_x": 3.0}, "arguments must go together, got focal_x"),
            ({"view_matrix": np.eye(4), "width": 4, "height": 4, "fovy": 1.0}, "arguments must go together, got fovy"),
            ({"view_matrix": np.eye(3), "width": 4, "height": 4, "fov": 1.0}, r"view_matrix must have shape \(C, 4, 4\)"),
            ({"view_matrix": np.eye(4), "width": 0, "height": 4, "fov": 1.0}, "width must be between 1 and"),
            ({"view_matrix": np.eye(4), "width": 4, "height": 4, "fov": 4.0}, "fov must be a finite number between 0 and 3.14159"),
            ({"view_matrix": np.eye(4), "width": 4, "height": 4, "focal_x": torch.ones(3)}, r"focal_x must be a number, or have shape \(C\) with C = 1"),
        ],
    )
    def test_wrong_arguments(self, given, sentence):
        with pytest.raises(ValueError, match=sentence):
            kc.Camera.from_args(**given)
