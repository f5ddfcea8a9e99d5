"""Cameras that are not quite right: their poses and focal lengths are moved until the pictures agree, by the gradient that rendering has to them."""

from dataclasses import replace
from typing import Any

import numpy as np
import taichi as ti
from scipy.spatial.transform import Rotation

from ..checks import check_integer, check_kind, check_number
from ..engine import Renderer, losses
from ..scene import Camera, Mesh, RasterizeSettings, Topology
from .optimize import NumpyAdam
from .views import Views

__all__ = ["CameraRefinement", "registered"]

TURN_RATE, SHIFT_RATE, FOCAL_RATE = 6e-3, 6e-3, 1e-3  # a step: radians; radii of the object; of the focal length's logarithm
VIEWS_AT_ONCE = 6
SOFT, SHARP_ENOUGH = 3.0, 0.03  # sigma in squared pixels, at first and at last
SLOWER = 0.05  # the last step, of the first


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
        rotation, centre_seen = self._about_centre()
        turned = rotation @ Rotation.from_rotvec(self.turns).as_matrix()
        shift = centre_seen + self.radius * self.shifts - turned @ self.centre
        intrinsics = np.array(self.base.intrinsics, np.float64)
        intrinsics[:, :2] *= np.exp(self.log_focal)
        return replace(self.base, camera_from_world=np.concatenate([turned, shift[:, :, None]], 2), intrinsics=intrinsics)

    def _about_centre(self) -> tuple[np.ndarray, np.ndarray]:
        matrices = np.asarray(self.base.camera_from_world, np.float64)
        rotation = matrices[:, :, :3]
        return rotation, rotation @ self.centre + matrices[:, :, 3]

    def gradients(self, which: list[int], grad_matrices: np.ndarray, grad_intrinsics: np.ndarray) -> dict[str, np.ndarray]:
        """What a loss's gradients to the cameras ``which`` ([n, 3, 4], of the world about ``centre``, and [n, 4]) say about turns, shifts and focal length."""
        rotation = self._about_centre()[0][which]
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


def registered(views: Views, mesh: Mesh, steps: int = 30, *, focal: bool = True, color_weight: float = 0.0) -> Camera:
    """The cameras of ``views``, moved until the mesh looks like the pictures from them: silhouettes, and colours if they are given a weight.

    Args:
        steps: how often each picture is looked at.
        focal: whether the focal lengths (by a common factor) may change, too.
    """
    check_kind("registered", "views", views, Views)
    check_kind("registered", "mesh", mesh, Mesh)
    check_integer("registered", "steps", steps, 0, 2**31 - 1)
    check_number("registered", "color_weight", color_weight, -1e-300)
    vertices = np.asarray(mesh.vertices, np.float64)
    centre = (vertices.min(0) + vertices.max(0)) / 2
    radius = float(np.linalg.norm(vertices - centre, axis=1).max())
    refinement = CameraRefinement(views.camera, centre, radius)
    distance = np.linalg.norm(views.camera.eye - centre, axis=1)
    near, far = max(distance.min() - 4 * radius, 0.05 * distance.min()), distance.max() + 4 * radius
    pixel_sq = (2 / min(views.image_size)) ** 2
    n = len(views)
    batches = [list(range(i, min(i + VIEWS_AT_ONCE, n))) for i in range(0, n, VIEWS_AT_ONCE)]
    renderer = Renderer(views.image_size)
    topologies = {len(batch): Topology.shared(mesh.faces, len(vertices), len(batch)) for batch in batches}
    colors = mesh.colors if mesh.colors is not None else np.full_like(vertices, 0.5)
    for step in range(steps):
        progress = step / max(steps - 1, 1)
        sigma = SOFT * (SHARP_ENOUGH / SOFT) ** progress * pixel_sq
        renderer.settings = RasterizeSettings(sigma=sigma, gamma=2.5e-4, cutoff=1e-3, near=near, far=far)
        for batch in batches:
            camera = refinement.camera[batch].about(centre)
            matrices, intrinsics, loss = (renderer.parameter(a) for a in (camera.camera_from_world, camera.intrinsics, np.zeros(1)))
            placed = replace(camera, camera_from_world=matrices, intrinsics=intrinsics)
            _look(renderer, vertices - centre, colors, topologies[len(batch)], placed, views, batch, loss, color_weight)
            gradients = refinement.gradients(batch, matrices.grad.to_numpy().astype(np.float64), intrinsics.grad.to_numpy().astype(np.float64))
            if not focal:
                gradients["log_focal"][...] = 0.0
            refinement.step(batch, gradients, SLOWER**progress)
    return refinement.camera


def _look(
    renderer: Renderer, vertices: np.ndarray, colors: np.ndarray, topology: Topology, camera: Camera, views: Views, batch: list[int], loss: Any, weight: float
) -> None:
    arrays = renderer.arrays
    alpha, place = arrays.real(views.alpha[batch]), arrays.real(vertices)
    painted, color = arrays.real(colors), arrays.real(views.color[batch])
    with ti.ad.Tape(loss):
        image = renderer(place, topology, camera, painted if weight else None)
        losses.silhouette_iou(image.alpha, alpha, into=loss)
        if weight:
            losses.color_l1(image.color, color, alpha, into=loss, weight=weight)
