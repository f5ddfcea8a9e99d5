"""Gradient descent on shape, colour or pose of a mesh, a step at a time, and the gradients that it goes by."""

import enum
from dataclasses import replace
from pathlib import Path

import numpy as np
import scipy.sparse.linalg as spla
from scipy.spatial.transform import Rotation

from ..engine import Renderer, losses
from ..language import ti
from ..recover import SHARP, Capture, NumpyAdam, Views, initial_sphere, render_views
from ..runtime import TaichiArrays
from ..scene import Camera, Connectivity, Mesh, RasterizeSettings, Topology

__all__ = ["Loss", "Optimisation", "Task", "load_views", "starting_mesh", "views_of", "with_vertex_colors"]

SIZE = 64  # pixels: the shorter side of the pictures that are fitted
N_VIEWS, MOST_VIEWS = 16, 48
VIEWS_PER_STEP, VIEWS_OF_GRADIENT = 4, 12
SMOOTHNESS = 10.0
SHAPE_RATE, COLOR_RATE, TURN_RATE, SHIFT_RATE = 2e-2, 3e-2, 3e-2, 1e-2  # radii, colours, radians and radii a step
NORMAL_WEIGHT = 0.01
GREY = 0.5
TURN = Rotation.from_euler("yx", [45, 20], degrees=True)  # how far off a pose starts
SHIFT = np.array([0.15, -0.1, 0.1])  # radii


class Task(enum.Enum):
    """What is recovered."""

    SHAPE = "shape"
    COLOR = "color"
    SHAPE_AND_COLOR = "shape and color"
    POSE = "pose"


class Loss(enum.Enum):
    """Whose gradient can be shown on the mesh."""

    TOTAL = "all that is minimised"
    SILHOUETTE = "silhouette IoU"
    COLOR = "color L1"
    NORMALS = "normal consistency"
    LAPLACIAN = "laplacian"
    EDGES = "edge length"


class Optimisation:
    """A descent in progress.

    Args:
        task: what is recovered.
        start: the mesh to begin with, coloured per vertex.
        views: the pictures to reach.
        settings: softness and choices; ``settings`` may be changed between steps.

    Attributes:
        mesh: as it is now.
        losses: the loss of every step.
    """

    def __init__(self, task: Task, start: Mesh, views: Views, settings: RasterizeSettings) -> None:
        self.task, self.views, self.settings = task, views, settings
        self.mesh, self.losses = with_vertex_colors(start), list[float]()
        self.connectivity = Connectivity.of(start.faces, len(start.vertices))
        self._topologies: dict[int, Topology] = {}
        self._start = self.mesh.vertices.astype(np.float64)
        self._centre = self._start.mean(0)
        self._radius = max(float(np.linalg.norm(self._start - self._centre, axis=1).mean()), 1e-9)
        self._arrays = TaichiArrays()
        self._vertices, self._colors = self._start, np.asarray(self.mesh.colors, np.float64)
        self._rotation, self._shift = Rotation.identity(), np.zeros(3)
        self._shape_adam, self._color_adam, self._pose_adam = NumpyAdam(uniform=True), NumpyAdam(), NumpyAdam()
        self._order, self._next = np.random.default_rng(0).permutation(len(views)), 0
        if self.moves_shape:
            system = self.connectivity.smoothing_system(SMOOTHNESS)
            self._solve = spla.splu(system).solve
            self._coordinates = system @ self._vertices

    @property
    def moves_shape(self) -> bool:
        return self.task in (Task.SHAPE, Task.SHAPE_AND_COLOR)

    @property
    def moves_color(self) -> bool:
        return self.task in (Task.COLOR, Task.SHAPE_AND_COLOR)

    def step(self) -> float:
        """One step on a few of the pictures, in turn. Returns the loss before it.

        Raises:
            FloatingPointError: if the gradient is not finite.
        """
        n = len(self.views)
        picked = [int(self._order[(self._next + k) % n]) for k in range(min(VIEWS_PER_STEP, n))]
        loss, grad_vertices, grad_colors = self._gradients(Loss.TOTAL, picked)
        if not (np.isfinite(loss) and np.isfinite(grad_vertices).all() and np.isfinite(grad_colors).all()):
            raise FloatingPointError(f"the gradient is not finite at step {len(self.losses)}; reset, or soften the edges")
        self._next = (self._next + len(picked)) % n
        if self.moves_shape:
            self._coordinates = self._shape_adam.step(self._coordinates, self._solve(grad_vertices), SHAPE_RATE * self._radius)
            self._vertices = self._solve(self._coordinates)
        if self.moves_color:
            self._colors = np.clip(self._color_adam.step(self._colors, grad_colors, COLOR_RATE), 0, 1)
        if self.task is Task.POSE:
            self._step_pose(grad_vertices)
        self.mesh = replace(self.mesh, vertices=self._vertices, colors=self._colors)
        self.losses.append(loss)
        return loss

    def _step_pose(self, grad: np.ndarray) -> None:
        """v = centre + shift + R (v_start - centre): d loss/d shift is the sum of the gradients, that of a small further turn the sum of arm x gradient."""
        arm = self._vertices - self._centre - self._shift
        grad_turn, grad_shift = np.cross(arm, grad).sum(0) / self._radius, grad.sum(0)
        move = self._pose_adam.step(np.zeros(6), np.concatenate([grad_turn, grad_shift]), 1.0)
        self._rotation = Rotation.from_rotvec(TURN_RATE * move[:3]) * self._rotation
        self._shift = self._shift + SHIFT_RATE * self._radius * move[3:]
        self._vertices = self._centre + self._shift + self._rotation.apply(self._start - self._centre)

    def gradient(self, loss: Loss) -> np.ndarray:
        """[V, 3] d loss/d vertices, over a dozen of the pictures."""
        return self._gradients(loss, self._order[:VIEWS_OF_GRADIENT].tolist())[1]

    def _gradients(self, loss: Loss, picked: list[int]) -> tuple[float, np.ndarray, np.ndarray]:
        renderer = Renderer(self.views.image_size, self.settings, arrays=self._arrays)
        vertices, colors, total = (renderer.parameter(values) for values in (self._vertices, self._colors, np.zeros(1)))
        weights = self._weights(loss)
        with ti.ad.Tape(total):
            if weights[Loss.SILHOUETTE] or weights[Loss.COLOR]:
                self._picture_losses(renderer, vertices, colors, picked, weights, total)
            for kind, function in ((Loss.NORMALS, losses.normal_consistency), (Loss.LAPLACIAN, losses.laplacian), (Loss.EDGES, losses.edge_length)):
                if weights[kind]:
                    function(vertices, self.connectivity, into=total, weight=weights[kind])
        return float(total.to_numpy()[0]), *(array.grad.to_numpy().astype(np.float64) for array in (vertices, colors))

    def _picture_losses(
        self, renderer: Renderer, vertices: ti.Ndarray, colors: ti.Ndarray, picked: list[int], weights: dict[Loss, float], total: ti.Ndarray
    ) -> None:
        n = len(picked)
        if n not in self._topologies:
            self._topologies[n] = Topology.shared(self.mesh.faces, len(self.mesh.vertices), n)
        image = renderer(vertices, self._topologies[n], self.views.camera[picked], colors)
        alpha, color = self._arrays.real(self.views.alpha[picked]), self._arrays.real(self.views.color[picked])
        if weights[Loss.SILHOUETTE]:
            losses.silhouette_iou(image.alpha, alpha, into=total, weight=weights[Loss.SILHOUETTE])
        if weights[Loss.COLOR]:
            losses.color_l1(image.color, color, alpha, into=total, weight=weights[Loss.COLOR])

    def _weights(self, loss: Loss) -> dict[Loss, float]:
        """What one loss is made of."""
        weights = dict.fromkeys(Loss, 0.0)
        if loss is not Loss.TOTAL:
            return weights | {loss: 1.0}
        if self.task is not Task.COLOR:
            weights[Loss.SILHOUETTE] = 1.0
        if self.task is not Task.SHAPE:
            weights[Loss.COLOR] = 1.0
        if self.moves_shape:
            weights[Loss.NORMALS] = NORMAL_WEIGHT
        return weights


def views_of(mesh: Mesh, size: int = SIZE, count: int = N_VIEWS) -> Views:
    """Pictures of a mesh from all around, above and below (a Fibonacci sphere)."""
    low, high = mesh.vertices.min(0), mesh.vertices.max(0)
    target = (low + high).astype(np.float64) / 2
    radius = float(np.linalg.norm(mesh.vertices - target, axis=1).max())
    camera = Camera.all_around(count, 3.2 * radius, fov=40.0, target=target)
    names = tuple(f"r_{k:03d}" for k in range(count))
    shown = mesh if mesh.is_colored else replace(mesh, colors=np.full_like(mesh.vertices, GREY))
    return render_views(shown, camera, (size, size), names, replace(SHARP, near=1e-2 * radius, far=10 * radius))


def load_views(folder: str | Path) -> Views:
    """The pictures of a folder as `taichi-softras fit` reads it, reduced to 64 pixels, and no more than 48 of them."""
    folder = Path(folder)
    capture = Capture.open(folder, "train" if (folder / "transforms_train.json").is_file() else None)
    which = np.linspace(0, len(capture) - 1, min(len(capture), MOST_VIEWS)).astype(int)
    return capture.views(SIZE, which)


def starting_mesh(task: Task, mesh: Mesh, views: Views) -> Mesh:
    """Where a descent towards pictures of ``mesh`` itself begins: a sphere, the mesh in grey, or the mesh turned and moved."""
    if task in (Task.SHAPE, Task.SHAPE_AND_COLOR):
        return initial_sphere(views, 4)
    coloured = with_vertex_colors(mesh)
    if task is Task.COLOR:
        return replace(coloured, colors=np.full_like(mesh.vertices, GREY))
    centre = coloured.vertices.mean(0)
    radius = float(np.linalg.norm(coloured.vertices - centre, axis=1).mean())
    return replace(coloured, vertices=centre + TURN.apply(coloured.vertices - centre) + radius * SHIFT)


def with_vertex_colors(mesh: Mesh) -> Mesh:
    """The mesh with colours per vertex instead of its texture: the texel nearest to each vertex; grey without any."""
    if mesh.texture is None or mesh.uvs is None:
        return mesh if mesh.colors is not None else replace(mesh, colors=np.full_like(mesh.vertices, GREY))
    uvs = mesh.uvs
    if mesh.face_uvs is not None:
        uvs = np.zeros((len(mesh.vertices), 2), np.float32)
        uvs[mesh.faces.ravel()] = mesh.uvs[mesh.face_uvs.ravel()]
    height, width = mesh.texture.shape[:2]
    column = np.minimum(((uvs[:, 0] % 1.0) * width).astype(int), width - 1)
    row = np.minimum(((1.0 - uvs[:, 1] % 1.0) * height).astype(int), height - 1)
    return Mesh(vertices=mesh.vertices, faces=mesh.faces, colors=mesh.texture[row, column, :3])
