"""The drop-in's `transforms`: rotations in every representation, rigid motions, and `Transform3d`.

Plan: values against SciPy's rotations and matrix exponentials, in float64, where SciPy has them; where PyTorch3D has a way of its own (quaternions with a
negative real part, angles beyond pi, an arc cosine that goes on, what a matrix that is no rotation is inverted to), against what PyTorch3D 0.7.9 computes in
float64, recorded. Gradients against finite differences, at generic points and at those where a formula could be singular. Then what is accepted, and wrong
input.
"""

import math
from functools import partial
from itertools import product

import numpy as np
import pytest
import torch
from scipy.linalg import expm
from scipy.spatial.transform import Rotation
from torch.autograd import gradcheck

from taichi_softras.interop.pytorch3d import transforms as t3d
from taichi_softras.interop.pytorch3d.common import get_device, make_device
from taichi_softras.interop.pytorch3d.transforms import so3
from taichi_softras.interop.pytorch3d.transforms.rotation_conversions import _axis_angle_rotation

CONVENTIONS = ["".join(axes) for axes in product("XYZ", repeat=3) if axes[0] != axes[1] != axes[2]]
LOGARITHMS = torch.tensor(np.random.default_rng(0).normal(size=(20, 3)))  # lengths of 0.4 to 3.1
ROTATIONS = Rotation.from_rotvec(LOGARITHMS.numpy())
MATRICES = torch.tensor(ROTATIONS.as_matrix())
QUATERNIONS = torch.tensor(ROTATIONS.as_quat(canonical=True, scalar_first=True))
NOUGHT, ONE = torch.zeros(2, 3, dtype=torch.float64), torch.eye(3, dtype=torch.float64).expand(2, 3, 3)
HALF_TURNS = torch.diag_embed(torch.tensor([[1.0, -1, -1], [-1, 1, -1], [-1, -1, 1]], dtype=torch.float64))


def double(values) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.float64)


def differentiable(function, *inputs) -> bool:
    return gradcheck(function, [values.detach().clone().requires_grad_() for values in inputs])


class TestRotations:
    def test_axis_and_angle(self):
        assert LOGARITHMS.norm(dim=1).max() < math.pi
        for fast in (False, True):
            np.testing.assert_allclose(t3d.axis_angle_to_matrix(LOGARITHMS, fast=fast), MATRICES, atol=1e-12)
            np.testing.assert_allclose(t3d.matrix_to_axis_angle(MATRICES, fast=fast), LOGARITHMS, atol=1e-12)
            half_turns = t3d.matrix_to_axis_angle(HALF_TURNS, fast=fast)
            np.testing.assert_allclose(half_turns.abs(), math.pi * torch.eye(3), atol=1e-12)
        np.testing.assert_allclose(t3d.axis_angle_to_quaternion(LOGARITHMS), QUATERNIONS, atol=1e-12)
        np.testing.assert_allclose(t3d.quaternion_to_axis_angle(QUATERNIONS), LOGARITHMS, atol=1e-12)
        beyond_pi = double([[-0.5, 0.1, 0.7, -0.2]])
        recorded = [[0.5901245101551597, 4.130871571086117, -1.1802490203103193]]
        np.testing.assert_allclose(t3d.quaternion_to_axis_angle(beyond_pi / beyond_pi.norm()), recorded, atol=1e-12)

    def test_quaternions(self):
        np.testing.assert_allclose(t3d.quaternion_to_matrix(QUATERNIONS), MATRICES, atol=1e-12)
        np.testing.assert_allclose(t3d.quaternion_to_matrix(3 * QUATERNIONS), MATRICES, atol=1e-12)
        np.testing.assert_allclose(t3d.matrix_to_quaternion(MATRICES), QUATERNIONS, atol=1e-12)
        np.testing.assert_allclose(t3d.quaternion_to_matrix(t3d.matrix_to_quaternion(HALF_TURNS)), HALF_TURNS, atol=1e-12)
        assert (t3d.matrix_to_quaternion(MATRICES.reshape(4, 5, 3, 3)) == t3d.matrix_to_quaternion(MATRICES).reshape(4, 5, 4)).all()
        others = ROTATIONS[::-1]
        b = -QUATERNIONS.flip(0)
        both = (ROTATIONS * others).as_quat(canonical=True, scalar_first=True)
        np.testing.assert_allclose(t3d.quaternion_multiply(QUATERNIONS, b), both, atol=1e-12)
        raw = t3d.quaternion_raw_multiply(QUATERNIONS, b)
        np.testing.assert_allclose(t3d.standardize_quaternion(raw), both, atol=1e-12)
        assert (raw[:, 0] < 0).any()
        points = LOGARITHMS.flip(1)
        np.testing.assert_allclose(t3d.quaternion_apply(QUATERNIONS, points), ROTATIONS.apply(points), atol=1e-12)
        np.testing.assert_allclose(t3d.quaternion_apply(t3d.quaternion_invert(QUATERNIONS), points), ROTATIONS.inv().apply(points), atol=1e-12)
        np.testing.assert_allclose(t3d.quaternion_apply(QUATERNIONS[:, None], points)[3, 5], ROTATIONS[3].apply(points[5]), atol=1e-12)

    def test_of_two_dtypes(self):
        """The wider one, as with PyTorch3D."""
        narrow, points = QUATERNIONS.float(), torch.tensor([[0.1, 0.2, 0.3]])
        for found, expected in (
            (t3d.quaternion_multiply(narrow, QUATERNIONS), t3d.quaternion_multiply(narrow.double(), QUATERNIONS)),
            (t3d.quaternion_raw_multiply(QUATERNIONS, narrow), t3d.quaternion_raw_multiply(QUATERNIONS, narrow.double())),
            (t3d.quaternion_apply(QUATERNIONS, points), t3d.quaternion_apply(QUATERNIONS, points.double())),
        ):
            assert found.dtype == torch.float64
            torch.testing.assert_close(found, expected, rtol=0, atol=0)

    @pytest.mark.parametrize("axis", "XYZ")
    def test_about_an_axis(self, axis):
        """By the private name that users of the original import."""
        angles = torch.tensor([0.3, -1.2], dtype=torch.float64)
        expected = t3d.euler_angles_to_matrix(angles[:, None] * torch.tensor([1.0, 0, 0], dtype=torch.float64), axis + ("Y" if axis != "Y" else "Z") + axis)
        torch.testing.assert_close(_axis_angle_rotation(axis, angles), expected)
        with pytest.raises(ValueError, match="_axis_angle_rotation: axis must be 'X', 'Y' or 'Z', got 'x'"):
            _axis_angle_rotation("x", angles)

    @pytest.mark.parametrize("convention", CONVENTIONS)
    def test_euler_angles(self, convention):
        angles = torch.tensor(ROTATIONS.as_euler(convention))
        np.testing.assert_allclose(t3d.euler_angles_to_matrix(angles, convention), MATRICES, atol=1e-12)
        np.testing.assert_allclose(t3d.matrix_to_euler_angles(MATRICES, convention), angles, atol=1e-12)
        assert differentiable(partial(t3d.euler_angles_to_matrix, convention=convention), angles[:2])
        assert differentiable(partial(t3d.matrix_to_euler_angles, convention=convention), MATRICES[:2])

    def test_six_numbers(self):
        d6 = double([[1.0, 2, 3, -1, 0.5, 2]])
        recorded = [
            [0.2672612419124244, 0.5345224838248488, 0.8017837257372732],
            [-0.8728715609439696, -0.21821789023599242, 0.4364357804719847],
            [0.408248290463863, -0.816496580927726, 0.408248290463863],
        ]
        np.testing.assert_allclose(t3d.rotation_6d_to_matrix(d6)[0], recorded, atol=1e-12)
        np.testing.assert_allclose(t3d.rotation_6d_to_matrix(t3d.matrix_to_rotation_6d(MATRICES)), MATRICES, atol=1e-12)
        assert t3d.matrix_to_rotation_6d(MATRICES.reshape(4, 5, 3, 3)).shape == (4, 5, 6)

    def test_random(self):
        """The numbers that PyTorch3D draws; all rotations are equally likely: each entry of a matrix is uniform between -1 and 1, of variance 1/3."""
        torch.manual_seed(0)
        recorded = [
            [0.56153266089081, -0.1069242896544219, -0.7939419137346801, 0.2071340258144413],
            [0.5424487142211165, 0.6995395523515059, -0.20174317330579317, -0.4191580837347895],
        ]
        np.testing.assert_allclose(t3d.random_quaternions(2, dtype=torch.float64), recorded, atol=1e-12)
        torch.manual_seed(0)
        np.testing.assert_allclose(t3d.random_rotation(dtype=torch.float64), t3d.quaternion_to_matrix(double(recorded[0])), atol=1e-12)
        many = t3d.random_rotations(4000)
        np.testing.assert_allclose(many @ many.mT, torch.eye(3).expand(4000, 3, 3), atol=1e-5)
        np.testing.assert_allclose(torch.linalg.det(many), np.ones(4000), atol=1e-5)
        np.testing.assert_allclose(many.mean(0), np.zeros((3, 3)), atol=0.04)
        np.testing.assert_allclose(many.square().mean(0), np.full((3, 3), 1 / 3), atol=0.03)

    @pytest.mark.parametrize(
        ("function", "inputs"),
        [
            (t3d.quaternion_to_matrix, [QUATERNIONS[:2]]),
            (t3d.matrix_to_quaternion, [MATRICES[:4]]),
            (t3d.matrix_to_quaternion, [ONE]),
            (t3d.matrix_to_quaternion, [HALF_TURNS @ t3d.axis_angle_to_matrix(double([[0.02, 0.03, 0.05]]))]),
            (t3d.quaternion_multiply, [QUATERNIONS[:2], QUATERNIONS[2:4]]),
            (t3d.quaternion_apply, [QUATERNIONS[:2], LOGARITHMS[:2]]),
            (t3d.axis_angle_to_matrix, [LOGARITHMS[:2]]),
            (t3d.axis_angle_to_matrix, [NOUGHT]),
            (t3d.matrix_to_axis_angle, [MATRICES[:2]]),
            (t3d.matrix_to_axis_angle, [ONE]),
            (t3d.axis_angle_to_quaternion, [LOGARITHMS[:2]]),
            (t3d.axis_angle_to_quaternion, [NOUGHT]),
            (t3d.quaternion_to_axis_angle, [QUATERNIONS[:2]]),
            (t3d.rotation_6d_to_matrix, [torch.cat([LOGARITHMS[:2], LOGARITHMS[2:4]], 1)]),
            (t3d.so3_exp_map, [NOUGHT]),
            (t3d.so3_log_map, [ONE]),
            (t3d.so3_relative_angle, [MATRICES[:2], MATRICES[2:4]]),
            (t3d.se3_exp_map, [torch.cat([LOGARITHMS[:2], LOGARITHMS[2:4]], 1)]),
            (t3d.se3_exp_map, [torch.cat([LOGARITHMS[:2], NOUGHT], 1)]),
            (t3d.acos_linear_extrapolation, [double([-1.3, -1.0, -0.4, 0.3, 1.0, 1.1])]),
        ],
        ids=lambda value: value.__name__ if callable(value) else "",
    )
    def test_gradient(self, function, inputs):
        assert differentiable(function, *inputs)

    @pytest.mark.parametrize("matrices", [ONE, HALF_TURNS])
    def test_gradient_is_finite_where_nothing_is_generic(self, matrices):
        matrices = matrices.clone().requires_grad_()
        for function in (t3d.matrix_to_quaternion, t3d.matrix_to_axis_angle, t3d.so3_log_map, t3d.so3_rotation_angle):
            (gradient,) = torch.autograd.grad(function(matrices).sum(), matrices)
            assert gradient.isfinite().all()


class TestLogarithms:
    def test_rotations(self):
        for i in range(5):
            np.testing.assert_allclose(t3d.so3_exp_map(LOGARITHMS)[i], expm(so3.hat(LOGARITHMS)[i].numpy()), atol=1e-12)
        np.testing.assert_allclose(t3d.so3_log_map(MATRICES), LOGARITHMS, atol=1e-12)
        np.testing.assert_allclose(so3.hat(LOGARITHMS) @ LOGARITHMS.flip(0)[..., None], torch.linalg.cross(LOGARITHMS, LOGARITHMS.flip(0))[..., None])
        np.testing.assert_array_equal(so3.hat_inv(so3.hat(LOGARITHMS)), LOGARITHMS)
        with pytest.warns(PendingDeprecationWarning, match="an older name of so3_exp_map"):
            assert (t3d.so3_exponential_map(LOGARITHMS) == t3d.so3_exp_map(LOGARITHMS)).all()

    def test_angles(self):
        np.testing.assert_allclose(t3d.so3_rotation_angle(MATRICES), ROTATIONS.magnitude(), atol=1e-4)  # near pi the arc cosine goes on straight
        np.testing.assert_allclose(t3d.so3_rotation_angle(MATRICES, cos_bound=0.0), ROTATIONS.magnitude(), atol=1e-10)
        np.testing.assert_allclose(t3d.so3_rotation_angle(MATRICES, cos_angle=True), np.cos(ROTATIONS.magnitude()), atol=1e-12)
        between = (ROTATIONS * ROTATIONS[::-1].inv()).magnitude()
        np.testing.assert_allclose(t3d.so3_relative_angle(MATRICES, MATRICES.flip(0), cos_bound=0.0), between, atol=1e-10)

    def test_arc_cosine(self):
        recorded = [17.277010835090373, 3.1309860224098767, 1.2661036727794992, 0.007071008882321425, -14.13541818150058]
        np.testing.assert_allclose(t3d.acos_linear_extrapolation(double([-1.2, -0.99995, 0.3, 1.0, 1.2])), recorded, atol=1e-9)
        bounded = t3d.acos_linear_extrapolation(double([0.6]), (-0.5, 0.5))
        np.testing.assert_allclose(bounded, [math.acos(0.5) - 0.1 / math.sqrt(0.75)], atol=1e-12)

    @pytest.mark.parametrize("angle", [0.0, 1e-9, 1e-4, 0.01, 0.4999, 0.5001, 1.0, 3.0, 5.0])
    def test_rigid_motions(self, angle):
        """Where (a - sin a)/a^3 has no digits left, and on both sides of where it is summed up as a series. PyTorch3D's gradient is off by 4e-6 there."""
        log = torch.cat([LOGARITHMS[:3], angle * torch.nn.functional.normalize(LOGARITHMS[3:6], dim=1)], 1)
        exponents = torch.zeros(3, 4, 4, dtype=torch.float64)
        exponents[:, :3, :3], exponents[:, :3, 3] = so3.hat(log[:, 3:]), log[:, :3]
        motions = t3d.se3_exp_map(log)
        for motion, exponent in zip(motions, exponents, strict=True):
            np.testing.assert_allclose(motion, expm(exponent.numpy()).T, atol=1e-12)
        assert differentiable(t3d.se3_exp_map, log)
        if angle < math.pi:
            np.testing.assert_allclose(t3d.se3_log_map(motions), log, atol=1e-11)
            assert differentiable(lambda log: t3d.se3_log_map(t3d.se3_exp_map(log)), log)

    def test_as_recorded(self):
        """Beyond pi the logarithm is the shorter way."""
        log = double([[1.0, 2, 3, 2, -3, 1]])
        motion = [
            [-0.30378504433947073, -0.9331923538236467, -0.19200697279199935, 0.0],
            [-0.6313496993837178, 0.34810747783026474, -0.6929781677417701, 0.0],
            [0.7135209905277876, -0.08929285886191217, -0.6949205576413116, 0.0],
            [-1.749502208453377, -0.7071091779196716, 0.3776768831477382, 1.0],
        ]
        shorter = [-0.9191450381288149, -0.9986641220762741, -2.157702289971193, -1.3585038167254282, 2.037755725088142, -0.6792519083627141]
        np.testing.assert_allclose(t3d.se3_exp_map(log)[0], motion, atol=1e-9)
        np.testing.assert_allclose(t3d.se3_log_map(t3d.se3_exp_map(log))[0], shorter, atol=1e-9)

    def test_single_precision(self):
        log = torch.cat([LOGARITHMS[:3], 1e-3 * LOGARITHMS[3:6]], 1).float().requires_grad_()
        back = t3d.se3_log_map(t3d.se3_exp_map(log))
        np.testing.assert_allclose(back.detach(), log.detach(), atol=1e-6)
        (gradient,) = torch.autograd.grad((back * log.detach()).sum(), log)
        np.testing.assert_allclose(gradient, log.detach(), atol=1e-4)


class TestTransform3d:
    shear = double([[[1.0, 0.2, 0], [0, 1, 0.3], [0.1, 0, 1]]])

    def chain(self) -> t3d.Transform3d:
        return t3d.Transform3d(dtype=torch.float64).scale(2.0, 1, 0.5).rotate(self.shear).translate(1, 2, 3).rotate_axis_angle(30, "Z")

    def test_as_recorded(self):
        """The inverse of what `Rotate` was given is its transpose, also of a matrix that is no rotation; as a whole it is the inverse."""
        matrix = [
            [1.5320508075688775, 1.3464101615137753, 0.0, 0.0],
            [-0.49999999999999994, 0.8660254037844387, 0.3, 0.0],
            [0.04330127018922194, 0.024999999999999998, 0.5, 0.0],
            [-0.13397459621556118, 2.232050807568877, 3.0, 1.0],
        ]
        inverse = [
            [0.38301270189221936, -0.49999999999999994, 0.17320508075688776, 0.0],
            [0.33660254037844384, 0.8660254037844387, 0.09999999999999999, 0.0],
            [0.0, 0.3, 2.0, 0.0],
            [-0.7, -2.9, -6.2, 1.0],
        ]
        chain = self.chain()
        np.testing.assert_allclose(chain.get_matrix()[0], matrix, atol=1e-12)
        np.testing.assert_allclose(chain.inverse().get_matrix()[0], inverse, atol=1e-12)
        np.testing.assert_allclose(chain.inverse(invert_composed=True).get_matrix()[0], np.linalg.inv(matrix), atol=1e-12)
        rigid = t3d.Transform3d(dtype=torch.float64).rotate(MATRICES[0]).translate(1, 2, 3)
        np.testing.assert_allclose(rigid.inverse().inverse().get_matrix(), rigid.get_matrix(), atol=1e-12)
        normals = [[0.2891368645535207, 0.4137131827173499, 5.95427435387674]]
        np.testing.assert_allclose(chain.transform_normals(double([[1.0, 2, 3]])), normals, atol=1e-12)
        logarithm = [-0.3732792741283442, 2.0, 3.243485307600791, 0.0, 0.8726646259971648, 0.0]
        turned = t3d.Transform3d(dtype=torch.float64).rotate_axis_angle(50.0, "Y").translate(1, 2, 3)
        np.testing.assert_allclose(turned.get_se3_log()[0], logarithm, atol=1e-9)

    def test_parts(self):
        points = LOGARITHMS
        np.testing.assert_allclose(t3d.Translate(1, 2, 3, dtype=torch.float64).transform_points(points), points + double([1, 2, 3]))
        np.testing.assert_allclose(t3d.Scale(2.0, dtype=torch.float64).transform_points(points), 2 * points)
        np.testing.assert_allclose(t3d.Rotate(MATRICES[0], dtype=torch.float64).transform_points(points), points @ MATRICES[0], atol=1e-12)
        for axis, quarter in (("X", [0, 0, 1]), ("y", [0, 1, 0]), ("Z", [-1, 0, 0])):  # of (0, 1, 0)
            for angle, degrees in ((90, True), (math.pi / 2, False)):
                turned = t3d.RotateAxisAngle(angle, axis, degrees, dtype=torch.float64).transform_points(double([[0, 1, 0]]))
                np.testing.assert_allclose(turned[0], quarter, atol=1e-12)
        batch = t3d.Translate(torch.arange(3.0), 1, torch.tensor(2.0))
        np.testing.assert_array_equal(batch.get_matrix()[:, 3], [[0, 1, 2, 1], [1, 1, 2, 1], [2, 1, 2, 1]])
        assert len(t3d.Scale(torch.arange(3.0))) == 3
        np.testing.assert_array_equal(t3d.Scale(torch.tensor([[1.0, 2, 4]])).inverse().get_matrix().diagonal(dim1=1, dim2=2), [[1, 0.5, 0.25, 1]])
        assert t3d.Translate(points).dtype is torch.float32  # as said, whatever is given
        one_of = {t3d.Translate: batch[1], t3d.Scale: t3d.Scale(torch.arange(3.0))[1], t3d.Rotate: t3d.Rotate(MATRICES)[1]}
        assert all(type(one) is kind and len(one) == 1 for kind, one in one_of.items())
        np.testing.assert_array_equal(one_of[t3d.Rotate].inverse().get_matrix()[0, :3, :3], MATRICES[1].T.float())

    def test_batches(self):
        one, many = t3d.Transform3d().translate(1.0, 0, 0), t3d.Rotate(MATRICES[:4])
        assert len(one.compose(many)) == len(many.compose(one)) == 4
        assert len(one.stack(many, one)) == 6
        points = torch.rand(4, 7, 3)
        np.testing.assert_allclose(one.compose(many).transform_points(points), many.transform_points(points + torch.tensor([1.0, 0, 0])), atol=1e-6)
        for transform, rows, expected in (
            (one, (7, 3), (7, 3)), (one, (1, 7, 3), (1, 7, 3)), (one, (5, 7, 3), (5, 7, 3)), (many, (7, 3), (4, 7, 3)), (many, (1, 7, 3), (4, 7, 3)),
        ):  # fmt: skip
            assert transform.transform_points(torch.zeros(rows)).shape == expected
            assert transform.transform_normals(torch.zeros(rows)).shape == expected
        for index in (2, -2, [2], torch.tensor([2]), slice(2, 3), torch.tensor([False, False, True, False])):
            np.testing.assert_array_equal(one.compose(many)[index].get_matrix(), one.compose(many).get_matrix()[2:3])

    def test_what_is_divided_by(self):
        project = torch.eye(4)
        project[2, 3], project[3, 3] = 1.0, 0.0
        points = torch.tensor([[1.0, 0, 0.0], [1, 0, 1e-3], [1, 0, -1e-3], [1, 0, 2]])
        np.testing.assert_allclose(t3d.Transform3d(matrix=project).transform_points(points, eps=0.01)[:, 0], [100, 100, -100, 0.5])

    def test_copies(self):
        chain = self.chain()
        assert chain.to("cpu") is chain
        assert chain.to("cpu", copy=True) is not chain
        assert chain.to("cpu", dtype=torch.float32).dtype is torch.float32
        copied = chain.clone()
        chain.get_matrix().zero_()
        np.testing.assert_array_equal(copied.get_matrix(), chain.get_matrix())
        np.testing.assert_allclose(copied.inverse().get_matrix(), chain.inverse().get_matrix())
        assert chain.cpu().device == torch.device("cpu")

    def test_gradient(self):
        points = double(np.random.default_rng(1).normal(size=(5, 3)))

        def function(scale, R, offset, angle, points):
            transform = t3d.Transform3d(dtype=torch.float64).scale(scale).rotate(R).translate(offset).rotate_axis_angle(angle, "Y")
            back = transform.inverse()
            return transform.transform_points(points), back.transform_points(points), transform.transform_normals(points)

        assert differentiable(function, double([1.5, 0.7]), MATRICES[:2], LOGARITHMS[:2], double([20.0, -40.0]), points)

    def test_a_matrix_that_is_no_rotation(self, monkeypatch, recwarn):
        t3d.Rotate(self.shear)
        assert not recwarn.list
        monkeypatch.setenv("PYTORCH3D_CHECK_ROTATION_MATRICES", "1")
        t3d.Rotate(MATRICES)
        t3d.Rotate(MATRICES * (1 + 1e-6), dtype=torch.float64, orthogonal_tol=1e-5)
        with pytest.warns(UserWarning, match="R is not a valid rotation matrix"):
            t3d.Rotate(self.shear)
        with pytest.warns(UserWarning, match="R is not a valid rotation matrix"):
            t3d.Rotate(MATRICES * (1 + 1e-6), dtype=torch.float64, orthogonal_tol=1e-7)

    def test_devices(self):
        assert make_device("cpu") == get_device(None) == get_device(torch.zeros(1)) == torch.device("cpu")
        assert get_device(torch.zeros(1), "meta").type == "meta"


@pytest.mark.parametrize(
    ("function", "sentence"),
    [
        (lambda: t3d.quaternion_to_matrix(torch.zeros(3)), r"quaternion_to_matrix: quaternions must have shape \(..., 4\), got \(3,\)"),
        (lambda: t3d.matrix_to_quaternion(torch.zeros(3, 4)), r"matrix_to_quaternion: matrix must have shape \(..., 3, 3\), got \(3, 4\)"),
        (lambda: t3d.matrix_to_quaternion([1.0]), "matrix_to_quaternion: matrix must be a torch.Tensor, got list"),
        (lambda: t3d.euler_angles_to_matrix(torch.zeros(3), "XXY"), "convention must be three letters of X, Y and Z, no two neighbours the same, got 'XXY'"),
        (lambda: t3d.random_quaternions(-1), "random_quaternions: n must be between 0 and"),
        (lambda: t3d.so3_exp_map(torch.zeros(3)), r"so3_exp_map: log_rot must have shape \(N, 3\), got \(3,\)"),
        (lambda: t3d.so3_rotation_angle(2 * torch.eye(3)[None]), "so3_rotation_angle: R must be rotations, with traces from -1 to 3, got 6 to 6"),
        (lambda: so3.hat_inv(torch.ones(1, 3, 3)), "hat_inv: h must be skew-symmetric, got entries whose sum with their mirror images is 2"),
        (lambda: t3d.se3_log_map(torch.ones(1, 4, 4)), r"se3_log_map: transform must have a last column of \(0, 0, 0, 1\), got 1 in it"),
        (lambda: t3d.acos_linear_extrapolation(torch.zeros(1), (0.5, -0.5)), r"bounds must be in order, got \(0.5, -0.5\)"),
        (
            lambda: t3d.acos_linear_extrapolation(torch.zeros(1), (-1.0, 0.5)),
            r"the lower bound must be a finite number between -1 and 1 .*, got -1.0",
        ),
        (lambda: t3d.Translate(1.0), "Translate: y must be given, as x is not of shape"),
        (lambda: t3d.Translate(torch.zeros(2, 3), 1.0), r"Translate: x must have shape \(N, 3\) where y and z are not given"),
        (lambda: t3d.Scale(torch.zeros(2), torch.zeros(3), 1), "Scale: x must have 1 or 3 entries, got 2"),
        (lambda: t3d.Rotate(torch.zeros(3, 4)), r"Rotate: R must have shape \(3, 3\) or \(N, 3, 3\), got \(3, 4\)"),
        (lambda: t3d.RotateAxisAngle(1.0, "W"), "RotateAxisAngle: axis must be 'X', 'Y' or 'Z', got 'W'"),
        (lambda: t3d.RotateAxisAngle(torch.zeros(2, 2)), r"RotateAxisAngle: angle must be a number, or have shape \(N,\), got \(2, 2\)"),
        (lambda: t3d.Transform3d().compose(torch.eye(4)), "Transform3d.compose: others must be Transform3d, got Tensor"),
        (lambda: t3d.Rotate(MATRICES[:2]).compose(t3d.Rotate(MATRICES[:3])), "others must be 1 or 2 transforms, as the first one, got 3"),
        (lambda: t3d.Transform3d()[3], "Transform3d: the index must be of transforms 0 to 0, got 3"),
        (lambda: make_device(3), "make_device: device must be a name or a torch.device, got int"),
    ],
)
def test_sentences(function, sentence):
    with pytest.raises((TypeError, ValueError, IndexError), match=sentence):
        function()
