"""Cameras that are not quite right: poses and focal length are moved until a mesh looks like the pictures.

`CameraRefinement` goes along with a descent on the mesh, by the gradient that rendering has to cameras. `registered` finds the cameras of a mesh that stands:
least squares on all pixels by Levenberg and Marquardt. A pose has six numbers; the focal length is one for all cameras, and the Schur complement of the poses
gives its step (Triggs, McLauchlan, Hartley and Fitzgibbon, "Bundle Adjustment: A Modern Synthesis", 2000, section 6.1). Soft pictures change smoothly with a
camera, so that a few pixels' error is no trap: the edges begin soft and end sharp. Derivatives are differences of pictures: least squares wants one per pixel.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from scipy.spatial.transform import Rotation

from ..checks import check_array, check_finite, check_flag, check_integer, check_kind, check_number
from ..engine import Renderer
from ..scene import Camera, Mesh, RasterizeSettings, Topology
from .optimize import NumpyAdam
from .rendering import depth_range
from .views import Views

__all__ = ["CameraRefinement", "carried_over", "registered"]

TURN_RATE, SHIFT_RATE, FOCAL_RATE = 2e-3, 2e-3, 3e-4  # a step of Adam: radians; radii of the object; of the focal length's logarithm
N_SHIFT, N_POSE = 3, 6  # a shift (camera space, the object's radii); and a turn about the object's centre (a rotation vector, radians, the world's axes)
STEP = 2e-3  # of the differences
LEVELS = (  # the shorter side to which the pictures are reduced, pixels (0: they are not); sigma, squared pixels; how many of a camera's numbers may be free
    (64, 4.0, N_SHIFT),
    (64, 1.0, N_POSE),  # soft silhouettes are too large, which a focal length would make up for
    (64, 0.3, N_POSE + 1),
    (0, 0.3, N_POSE + 1),
    (0, 0.05, N_POSE + 1),
)
PIXELS_AT_ONCE = 2**19
DAMPING, LESS, MORE = 1e-2, 0.3, 8.0  # of the diagonal; after a step that has helped, after one that has not
LENGTHS = (1.0, 2.0, 4.0, 8.0)  # of a step


def registered(
    views: Views,
    mesh: Mesh,
    *,
    focal: bool = False,
    color_weight: float = 0.0,
    gains: np.ndarray | None = None,
    steps: int = 2,
    softest: float = 4.0,
    sharpest: float = 0.05,
) -> Camera:
    """The cameras of ``views``, moved until the mesh looks like the pictures from them.

    Args:
        focal: whether the focal lengths may change, too, all by one factor. It wants cameras that stand near, and some ``steps`` more: from afar, a larger
            focal length looks like a smaller distance.
        color_weight: of the colours' differences, where the mask's is 1; the mesh must have colours then.
        gains: [N, 3] what the mesh's colours are multiplied by in each picture.
        steps: of least squares, for each degree of sharpness.
        softest, sharpest: the degrees of sharpness to go through: sigma in squared pixels, 4 for cameras that may be ten pixels off, .05 for the last tenth.
    """
    check_kind("registered", "views", views, Views)
    check_kind("registered", "mesh", mesh, Mesh)
    check_flag("registered", "focal", focal)
    check_number("registered", "color_weight", color_weight, 0.0, low_too=True)
    check_integer("registered", "steps", steps, 0, 2**31 - 1)
    check_number("registered", "softest", softest, 0.0)
    check_number("registered", "sharpest", sharpest, 0.0)
    if gains is not None:
        check_array("registered", "gains", gains, (len(views), 3))
        check_finite("registered", "gains", gains)
    if color_weight and mesh.colors is None:
        raise ValueError("registered: mesh must have colours if they are given a weight, got none")
    vertices = np.asarray(mesh.vertices, np.float64)
    centre = (vertices.min(0) + vertices.max(0)) / 2
    radius = float(np.linalg.norm(vertices - centre, axis=1).max())
    numbers = np.zeros((len(views), N_POSE + 1))
    for side, sigma, n_free in LEVELS:
        if not sharpest <= sigma <= softest:
            continue
        seen = views.reduced(max(1, round(min(views.image_size) / side))) if side else views  # sigma is in pixels of these
        look = _Look.of(seen, mesh, centre, radius, sigma, color_weight, gains)
        numbers = _least_squares(look, numbers, n_free if focal else min(n_free, N_POSE), steps)
    return _moved(views.camera, centre, radius, numbers).about(-centre)


def _moved(camera: Camera, centre: np.ndarray, radius: float, numbers: np.ndarray) -> Camera:
    """N cameras, told about the centre, moved by [N, 7]: a pose, and the logarithm of a factor of the focal length."""
    matrices, intrinsics = np.array(camera.about(centre).camera_from_world, np.float64), np.array(camera.intrinsics, np.float64)
    matrices[:, :, :3] = matrices[:, :, :3] @ Rotation.from_rotvec(numbers[:, N_SHIFT:N_POSE]).as_matrix()
    matrices[:, :, 3] += radius * numbers[:, :N_SHIFT]
    intrinsics[:, :2] *= np.exp(numbers[:, N_POSE:])
    return replace(camera, camera_from_world=matrices, intrinsics=intrinsics)


def carried_over(camera: Camera, before: Camera, after: Camera) -> Camera:
    """``camera``, which sees the pictures of ``before`` in another size, moved as ``after`` was: to its poses, and its focal lengths by the same factor."""
    wider = np.asarray(after.intrinsics, np.float64)[:, :2] / np.asarray(before.intrinsics)[:, :2]
    intrinsics = np.array(camera.intrinsics, np.float64)
    intrinsics[:, :2] *= wider
    return replace(camera, camera_from_world=after.camera_from_world, intrinsics=intrinsics)


class CameraRefinement:
    """Poses that turn about ``centre`` and shift, and one factor for all focal lengths, each with its own Adam.

    Args:
        camera: N cameras to begin with.
        centre: [3] of the object; the turn of a camera leaves it where it is in the picture.
        radius: of the object, world units: the unit of shifts.

    Attributes:
        turns: [N, 3] rotation vectors, radians, in the world's axes.
        shifts: [N, 3] in camera space, radii.
        log_focal: logarithm of the factor.
    """

    PARTS = ("turns", "shifts", "log_focal")

    def __init__(self, camera: Camera, centre: np.ndarray, radius: float) -> None:
        self.base, self.centre, self.radius = camera, np.asarray(centre, np.float64), float(radius)
        self.turns, self.shifts, self.log_focal = np.zeros((len(camera), 3)), np.zeros((len(camera), 3)), np.zeros(1)
        self.adams = {part: NumpyAdam(betas=(0.8, 0.99)) for part in self.PARTS}

    @property
    def camera(self) -> Camera:
        """The cameras as they are now."""
        focal = np.full((len(self.turns), 1), self.log_focal)
        return _moved(self.base, self.centre, self.radius, np.concatenate([self.shifts, self.turns, focal], 1)).about(-self.centre)

    def gradients(self, which: list[int], grad_matrices: np.ndarray, grad_intrinsics: np.ndarray) -> dict[str, np.ndarray]:
        """What a loss's gradients to the cameras ``which`` ([n, 3, 4], of the world about ``centre``, and [n, 4]) say about turns, shifts and focal length."""
        rotation = np.asarray(self.base.camera_from_world, np.float64)[which, :, :3]
        grad_turned = rotation.swapaxes(1, 2) @ grad_matrices[:, :, :3]  # to the rotation matrices of the turns
        turns, shifts = np.zeros_like(self.turns), np.zeros_like(self.shifts)
        turns[which] = _to_rotvec(self.turns[which], grad_turned)
        shifts[which] = self.radius * grad_matrices[:, :, 3]
        intrinsics = np.asarray(self.base.intrinsics)[which, :2] * np.exp(self.log_focal)
        return {"turns": turns, "shifts": shifts, "log_focal": np.array([(grad_intrinsics[:, :2] * intrinsics).sum()])}

    def step(self, which: list[int], gradients: dict[str, np.ndarray], scale: float = 1.0) -> None:
        """One step of Adam; cameras that were not looked at stay."""
        for part, rate in zip(self.PARTS, (TURN_RATE, SHIFT_RATE, FOCAL_RATE), strict=True):
            before = getattr(self, part)
            after = self.adams[part].step(before, gradients[part], rate * scale)
            if part != "log_focal":
                seen = np.zeros((len(before), 1), bool)
                seen[which] = True
                after = np.where(seen, after, before)
            setattr(self, part, after)


def _to_rotvec(turns: np.ndarray, grad: np.ndarray) -> np.ndarray:
    """[n, 3]: gradients to rotation matrices [n, 3, 3] as gradients to their rotation vectors (Gallego and Yezzi 2015, "A Compact Formula for the Derivative of
    a 3-D Rotation in Exponential Coordinates")."""
    matrices, eye = Rotation.from_rotvec(turns).as_matrix(), np.eye(3)
    found = np.empty_like(turns)
    square = (turns**2).sum(1)
    small = square < 1e-16
    for k in range(3):
        # dR/dv_k = (v_k [v]x + [v x (I - R) e_k]x) / |v|^2 R, and [e_k]x R at zero
        axis = turns[:, k : k + 1] * turns + np.cross(turns, (eye - matrices) @ eye[k])
        axis = np.where(small[:, None], eye[k], axis / np.maximum(square, 1e-300)[:, None])
        found[:, k] = (grad * (_cross_matrix(axis) @ matrices)).sum((1, 2))
    return found


def _cross_matrix(v: np.ndarray) -> np.ndarray:
    zero = np.zeros(len(v))
    return np.stack([zero, -v[:, 2], v[:, 1], v[:, 2], zero, -v[:, 0], -v[:, 1], v[:, 0], zero], -1).reshape(-1, 3, 3)


@dataclass(frozen=True, eq=False)
class _Look:
    """What is seen of a mesh from N cameras, less what their pictures show."""

    views: Views
    mesh: Mesh
    renderer: Renderer
    centre: np.ndarray
    radius: float
    color_weight: float
    gains: np.ndarray

    @classmethod
    def of(cls, views: Views, mesh: Mesh, centre: np.ndarray, radius: float, sigma: float, color_weight: float, gains: np.ndarray | None) -> "_Look":
        near, far = depth_range(views.camera, centre, radius)
        settings = RasterizeSettings(sigma=sigma * (2 / min(views.image_size)) ** 2, gamma=2.5e-4, cutoff=1e-3, near=near, far=far)
        gains = np.ones((len(views), 3), np.float32) if gains is None else np.asarray(gains, np.float32)
        return cls(views, mesh, Renderer(views.image_size, settings), centre, radius, color_weight, gains)

    def residuals(self, numbers: np.ndarray, which: np.ndarray) -> np.ndarray:
        """[n, R] of the cameras ``which`` [n] (one may come several times), moved by numbers [n, 7]."""
        arrays, views = self.renderer.arrays, self.views
        camera = _moved(views.camera[which], self.centre, self.radius, numbers)
        topology = Topology.shared(self.mesh.faces, len(self.mesh.vertices), len(which))
        colors = arrays.real(np.asarray(self.mesh.colors)) if self.color_weight else None
        image = self.renderer(arrays.real(self.mesh.vertices - self.centre), topology, camera, colors)
        alpha = views.alpha[which]
        apart = [(arrays.to_numpy(image.alpha) - alpha)[..., None]]
        if self.color_weight:
            difference = arrays.to_numpy(image.color) * self.gains[which, None, None] - views.color[which]
            apart.append(self.color_weight * alpha[..., None] * difference)
        all_apart = np.concatenate(apart, -1)
        if views.known is not None:
            all_apart *= views.known[which][..., None]
        return all_apart.reshape(len(which), -1)

    def parts(self, copies: int) -> Iterator[np.ndarray]:
        """The cameras' numbers, so many at once that ``copies`` pictures of each fit."""
        height, width = self.views.image_size
        at_once = max(1, PIXELS_AT_ONCE // (height * width * copies))
        for start in range(0, len(self.views), at_once):
            yield np.arange(start, min(start + at_once, len(self.views)))

    def costs(self, numbers: np.ndarray) -> np.ndarray:
        """[N] sums of squares."""
        return np.concatenate([(self.residuals(numbers[which], which) ** 2).sum(1, dtype=np.float64) for which in self.parts(1)])

    def normal_equations(self, numbers: np.ndarray, n_free: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """([N, n, n] J^T J, [N, n] J^T r, [N] r^T r) of the first n of the seven numbers."""
        squares, pulls, costs = [], [], []
        for which in self.parts(n_free + 1):
            moved = np.repeat(numbers[which], n_free + 1, axis=0).reshape(len(which), n_free + 1, -1)
            moved[:, 1:, :n_free] += STEP * np.eye(n_free)
            seen = self.residuals(moved.reshape(-1, N_POSE + 1), np.repeat(which, n_free + 1)).reshape(len(which), n_free + 1, -1).astype(np.float64)
            here, jacobian = seen[:, 0], (seen[:, 1:] - seen[:, :1]) / STEP
            squares.append(jacobian @ jacobian.swapaxes(1, 2))
            pulls.append((jacobian @ here[:, :, None])[:, :, 0])
            costs.append((here**2).sum(1))
        return np.concatenate(squares), np.concatenate(pulls), np.concatenate(costs)


def _least_squares(look: _Look, numbers: np.ndarray, n_free: int, steps: int) -> np.ndarray:
    """The numbers [N, 7] after so many steps on the first ``n_free`` of them; a camera that a step does not help stays where it was.

    A step is tried at several lengths: soft edges are narrow, and what least squares sees from there is too short a way.
    """
    damping = np.full(len(numbers), DAMPING)
    for _ in range(steps):
        squares, pulls, costs = look.normal_equations(numbers, n_free)
        step = _step(squares, pulls, damping)
        before, best = costs, numbers
        if n_free > N_POSE:  # the focal length moves for all cameras, and with their poses, or not at all
            for length in LENGTHS:
                trial = numbers + length * step
                found = look.costs(trial)
                if found.sum() < costs.sum():
                    best, costs = trial, found
        focal = best[:, N_POSE:]
        for length in LENGTHS:
            trial = np.concatenate([(numbers + length * step)[:, :N_POSE], focal], 1)
            found = look.costs(trial)
            best, costs = np.where((found < costs)[:, None], trial, best), np.minimum(found, costs)
        helped = costs < before
        numbers, damping = best, np.where(helped, LESS * damping, MORE * damping)
    return numbers


def _step(squares: np.ndarray, pulls: np.ndarray, damping: np.ndarray) -> np.ndarray:
    """[N, 7] the step of damped least squares; the last number's is common to all."""
    n = squares.shape[1]
    diagonal = np.einsum("nii->ni", squares)
    damped = squares + np.eye(n) * (damping[:, None] * diagonal + 1e-9 * diagonal.max(1, keepdims=True) + 1e-12)[:, :, None]
    pose, cross, n_pose = damped[:, :N_POSE, :N_POSE], damped[:, :N_POSE, N_POSE:], min(n, N_POSE)
    step = np.zeros((len(squares), N_POSE + 1))
    towards = -np.linalg.solve(pose, pulls[:, :N_POSE, None])
    if n > N_POSE:
        along = np.linalg.solve(pose, cross)
        left = (damped[:, N_POSE, N_POSE] - (cross * along).sum((1, 2))).sum()
        focal = -(pulls[:, N_POSE] + (cross * towards).sum((1, 2))).sum() / max(left, 1e-12)
        towards = towards - along * focal
        step[:, N_POSE] = focal
    step[:, :n_pose] = towards[:, :, 0]
    return step
