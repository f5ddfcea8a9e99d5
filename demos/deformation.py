"""One shape becomes another: shape and colour from pictures, by gradient descent through the soft rasteriser (SoftRas's figure of shape deformation).

    python demos/deformation.py                                  # a sphere becomes a car, a car becomes an airplane; all made by formulas
    python demos/deformation.py --source A.obj --target B.glb    # your own; --target alone begins with a sphere
    python demos/deformation.py --quick                          # the same two, coarser, in a minute or two
    python demos/deformation.py --recipe softras                 # as the paper optimises

The target is seen in pictures only, from all around. The loss is the paper's: 1 - IoU of silhouettes, L1 of colours, Laplacian and flatten terms. Two recipes:

* ``large_steps``: what is moved is u = (I + smoothness L) v, by Adam with one step size for all (Nicolet, Jacobson and Jakob 2021); sigma shrinks from one
  squared pixel to a hundredth, and the mesh is divided on the way where it is coarse.
* ``softras``: vertices moved one by one by Adam (betas 0.5 and 0.99), sigma 1e-4 throughout. (Its published rate, 0.01, is of a number inside of a
  sigmoid, which makes steps of at most 0.005 on a shape of radius 1; 0.003 here.)

OUT then holds metrics.json and curves.png, and for each pair a folder with sheet.png (source, on the way, result, target), deformation.gif, source.ply,
target.ply, result.ply and result.glb. Ctrl-C ends after the step at hand; the same command goes on there, also after a kill, from the last checkpoint.
"""

import argparse
import json
import sys
import time
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from itertools import product
from pathlib import Path

import numpy as np
import torch
import trimesh
from matplotlib.figure import Figure
from mesh_distance import measure
from program import GOES_ON, check_folder, check_ranges, program_parser, run_program
from scipy.sparse.linalg import splu
from sigma_gamma_grid import save_grid
from tqdm import tqdm

import taichi_softras as tsr
from taichi_softras.interop import SoftRenderer, losses
from taichi_softras.interrupting import noting_interrupts
from taichi_softras.recover import NumpyAdam, Views, render_views, save_animation, score, shaded
from taichi_softras.replacing import replacing

DISTANCE, FOV = 3.2, 40.0  # of the cameras around a mesh of radius 1
NEAR, FAR = DISTANCE - 1.5, DISTANCE + 1.5
GAMMA = 3e-3
HELD_OUT = 12  # pictures that only measure
HELD_OUT_SIZE = 128
TOLERANCE = 0.02  # of the F-score, share of the diagonal
SAVE_SECONDS = 10.0  # between checkpoints
SPHERE_RADIUS = 0.6
LARGEST = 30_000  # faces: a mesh is not divided beyond
SHOWN = ((15.0, 35.0, "front"), (5.0, 90.0, "side"), (70.0, 35.0, "above"))  # elevation, azimuth, name
AXLES = (-0.58, 0.6)  # of the car

# ------------------------------------------------------------------------------------------------------------- shapes made by formulas

Field = Callable[[np.ndarray], np.ndarray]  # of points [..., 3] the distance from a surface, negative inside


def rounded(q: np.ndarray, radius: float) -> np.ndarray:
    """The intersection of solids whose distances are q[..., i], its edges rounded."""
    q = q + radius
    return np.linalg.norm(np.maximum(q, 0), axis=-1) + np.minimum(q.max(-1), 0) - radius


def rounded_box(p: np.ndarray, half: tuple, radius: float) -> np.ndarray:
    """About the origin; a half width may vary from point to point."""
    return rounded(np.abs(p) - np.stack(np.broadcast_arrays(*half), -1), radius)


def tube(p: np.ndarray, start: tuple, end: tuple, radius: float) -> np.ndarray:
    a, along = np.array(start), np.array(end) - np.array(start)
    t = np.clip((p - a) @ along / (along @ along), 0, 1)
    return np.linalg.norm(p - a - t[..., None] * along, axis=-1) - radius


def blended(fields: list[np.ndarray], width: float) -> np.ndarray:
    """Their union, rounded where they meet."""
    return -width * np.logaddexp.reduce([-field / width for field in fields])


def car_parts(p: np.ndarray) -> dict[str, np.ndarray]:
    """Distances from the parts; z is forward, y up."""
    x, y, z = np.abs(p[..., 0]), p[..., 1], p[..., 2]
    slope = 1 + np.maximum(y - 0.1, 0)
    wheels = [rounded(np.stack([np.hypot(y + 0.21, z - axle) - 0.19, np.abs(x - 0.36) - 0.09], -1), 0.03) for axle in AXLES]
    return {
        "body": rounded_box(np.stack([x, y + 0.03, z], -1), (0.42, 0.17, 0.98), 0.13),
        "cabin": rounded_box(np.stack([x * slope, y - 0.2, (z + 0.14) * (slope + 0.9 * np.maximum(y - 0.1, 0))], -1), (0.36, 0.22, 0.56), 0.12),
        "wheels": np.minimum(*wheels),
    }


def car(p: np.ndarray) -> np.ndarray:
    parts = car_parts(p)
    return blended([blended([parts["body"], parts["cabin"]], 0.025), parts["wheels"]], 0.012)


def car_colors(p: np.ndarray) -> np.ndarray:
    parts = car_parts(p)
    x, y, z = np.abs(p[..., 0]), p[..., 1], p[..., 2]
    colors = np.tile((0.85, 0.16, 0.12), (len(p), 1))
    colors[(parts["cabin"] < 0.05) & (y > 0.17) & (y < 0.36)] = (0.16, 0.24, 0.38)  # windows
    colors[(np.abs(x) < 0.1) & (y > 0.36)] = (0.95, 0.92, 0.85)  # a stripe
    colors[(x > 0.2) & (z > 0.9) & (np.abs(y) < 0.08)] = (1.0, 0.93, 0.55)
    colors[(x > 0.2) & (z < -0.9) & (np.abs(y) < 0.08)] = (0.4, 0.03, 0.05)
    colors[parts["wheels"] < 0.02] = (0.13, 0.13, 0.15)
    for axle in AXLES:
        colors[(np.hypot(y + 0.21, z - axle) < 0.085) & (x > 0.38)] = (0.8, 0.8, 0.82)
    return colors


def airplane_parts(p: np.ndarray) -> dict[str, np.ndarray]:
    """Distances from the parts; z is forward, y up."""
    x, y, z = np.abs(p[..., 0]), p[..., 1], p[..., 2]
    wing = np.stack([x, y + 0.03 - 0.08 * x, z - 0.13 + 0.45 * x], -1)
    tail = np.stack([x, y - 0.05, z + 0.78 + 0.4 * x], -1)
    fin = np.stack([x, y - 0.22, z + 0.74 + 0.5 * y], -1)
    return {
        "fuselage": tube(p, (0, 0, -0.72), (0, 0, 0.78), 0.0) - (0.15 - 0.09 * np.clip((-z - 0.2) / 0.6, 0, 1) ** 2),
        "wings": rounded_box(wing, (0.95, 0.036, 0.2 - 0.12 * x), 0.034),
        "tail": rounded_box(tail, (0.36, 0.032, 0.11 - 0.08 * x), 0.03),
        "fin": rounded_box(fin, (0.032, 0.22, 0.12), 0.03),
        "engines": tube(np.stack([x, y, z], -1), (0.36, -0.1, -0.1), (0.36, -0.1, 0.13), 0.068),
    }


def airplane(p: np.ndarray) -> np.ndarray:
    return blended(list(airplane_parts(p).values()), 0.018)


def airplane_colors(p: np.ndarray) -> np.ndarray:
    parts = airplane_parts(p)
    x, y, z = np.abs(p[..., 0]), p[..., 1], p[..., 2]
    colors = np.tile((0.92, 0.92, 0.94), (len(p), 1))
    colors[(np.abs(y - 0.01) < 0.03) & (parts["fuselage"] < 0.02)] = (0.15, 0.3, 0.65)  # a stripe
    colors[(z > 0.8) & (y > 0.03)] = (0.12, 0.15, 0.22)  # the cockpit's windows
    colors[(parts["wings"] < 0.01) & (x > 0.16)] = (0.2, 0.45, 0.75)
    colors[(parts["wings"] < 0.01) & (x > 0.8)] = (0.95, 0.6, 0.1)
    colors[(parts["engines"] < 0.01) & (y < -0.06)] = (0.4, 0.42, 0.47)
    colors[(np.minimum(parts["tail"], parts["fin"]) < 0.01) & ((x > 0.1) | (y > 0.16))] = (0.9, 0.3, 0.2)
    return colors


def surface_nets(field: Field, low: tuple, high: tuple, spacing: float) -> tsr.Mesh:
    """The surface where a field is zero: a vertex in each cell of a grid that the surface crosses, amid the crossings of its edges (Gibson 1998).

    The vertices are then evened out, and put on the surface.
    """
    axes = [np.arange(a, b + spacing, spacing) for a, b in zip(low, high, strict=True)]
    points = np.stack(np.meshgrid(*axes, indexing="ij"), -1)
    values = field(points)
    cells = tuple(n - 1 for n in values.shape)
    total, count = np.zeros((*cells, 3)), np.zeros(cells, int)
    crossings = []
    for axis in range(3):
        begin, end = (tuple(cut if i == axis else slice(None) for i in range(3)) for cut in (slice(None, -1), slice(1, None)))
        crossed = (values[begin] < 0) != (values[end] < 0)
        t = np.where(crossed, values[begin] / np.where(crossed, values[begin] - values[end], 1), 0)
        where = points[begin] + t[..., None] * spacing * np.eye(3)[axis]
        for offsets in product((0, 1), repeat=2):  # an edge belongs to four cells
            shift = list(offsets)
            near = tuple(slice(None) if i == axis else slice((o := shift.pop(0)), o + cells[i]) for i in range(3))
            total += np.where(crossed, 1, 0)[near][..., None] * where[near]
            count += crossed[near]
        crossings.append((np.argwhere(crossed), values[begin][crossed] < 0))
    number = np.cumsum(count.ravel() > 0).reshape(cells) - 1
    vertices = total[count > 0] / count[count > 0][:, None]
    quads = []
    for axis, (edges, inside) in enumerate(crossings):
        right, up = np.eye(3, dtype=int)[[(axis + 1) % 3, (axis + 2) % 3]]
        quad = np.stack([number[tuple((edges - shift).T)] for shift in (right + up, up, 0 * up, right)], -1)
        quads.append(np.where(inside[:, None], quad, quad[:, ::-1]))
    a, b, c, d = np.concatenate(quads).T
    short = np.linalg.norm(vertices[a] - vertices[c], axis=1) < np.linalg.norm(vertices[b] - vertices[d], axis=1)
    first = np.where(short[:, None], np.stack([a, b, c], -1), np.stack([a, b, d], -1))
    second = np.where(short[:, None], np.stack([a, c, d], -1), np.stack([b, c, d], -1))
    faces = np.concatenate([first, second])
    connectivity = tsr.Connectivity.of(faces, len(vertices))
    for _ in range(6):
        sums = np.zeros_like(vertices)
        for i, j in (connectivity.edges.T, connectivity.edges.T[::-1]):
            np.add.at(sums, i, vertices[j])
        vertices = on_surface(field, 0.5 * vertices + 0.5 * sums * connectivity.one_over_degree[:, None])
    return tsr.Mesh(vertices=vertices, faces=faces)


def on_surface(field: Field, points: np.ndarray) -> np.ndarray:
    """The points after two of Newton's steps along the gradient."""
    for _ in range(2):
        steps = 1e-4 * np.eye(3)
        gradient = np.stack([field(points + step) - field(points - step) for step in steps], -1) / 2e-4
        points = points - (field(points) / np.maximum((gradient**2).sum(-1), 0.1))[:, None] * gradient
    return points


def car_mesh(spacing: float) -> tsr.Mesh:
    mesh = surface_nets(car, (-0.6, -0.6, -1.15), (0.6, 0.6, 1.15), spacing)
    return replace(mesh, colors=car_colors(mesh.vertices)).normalized()


def airplane_mesh(spacing: float) -> tsr.Mesh:
    mesh = surface_nets(airplane, (-1.15, -0.35, -1.15), (1.15, 0.65, 1.15), spacing)
    return replace(mesh, colors=airplane_colors(mesh.vertices)).normalized()


# ------------------------------------------------------------------------------------------------------------------------------ the fit


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How the fit goes about.

    Attributes:
        steps: of gradient descent.
        views: pictures of the target in all; ``views_per_step`` of them are compared in a step.
        size: side of the pictures, pixels.
        shape_rate, color_rate: about how far a coordinate and a colour move in a step, at the start; in the end ``last_rate`` times that.
        betas: of Adam on the vertices.
        smoothness: of the coordinates that are moved (see above); 0 moves the vertices themselves, each by a step size of its own.
        sigma: at the start and at the end, in squared pixels; None for 1e-4 squared screen units.
        divide_at: shares of the steps after which each face is divided in four (if there are then at most LARGEST).
        color, laplacian, flatten: weights beside the silhouettes' 1.
    """

    steps: int
    views: int
    views_per_step: int
    size: int
    shape_rate: float
    color_rate: float
    last_rate: float
    betas: tuple[float, float]
    smoothness: float
    sigma: tuple[float, float] | None
    divide_at: tuple[float, ...]
    color: float = 1.0
    laplacian: float = 0.03
    flatten: float = 3e-4


RECIPES = {
    "large_steps": Recipe(
        steps=1200, views=48, views_per_step=8, size=96, shape_rate=0.04, color_rate=0.03, last_rate=0.05, betas=(0.9, 0.99), smoothness=10.0,
        sigma=(1.0, 0.01), divide_at=(0.3, 0.6),
    ),
    "softras": Recipe(
        steps=1200, views=48, views_per_step=8, size=96, shape_rate=0.003, color_rate=0.01, last_rate=1.0, betas=(0.5, 0.99), smoothness=0.0,
        sigma=None, divide_at=(),
    ),
}  # fmt: skip
QUICK = {"steps": 150, "views": 24, "size": 64}


class Deformation:
    """A fit in progress: :meth:`step` goes on, :meth:`save` and :meth:`load` keep all of its state.

    Attributes:
        vertices, faces, colors: the mesh as it is now.
        losses: of each step: all, silhouettes, colours.
        frames: the mesh as it was on the way: vertices and colours, and which of ``levels`` its faces are.
    """

    def __init__(self, source: tsr.Mesh, views: Views, recipe: Recipe, frames: int) -> None:
        self.views, self.recipe, self.n_frames = views, recipe, frames
        self.vertices, self.faces = source.vertices.astype(np.float64), source.faces
        self.colors = vertex_colors(source)
        self.losses: list[list[float]] = []
        self.seconds = 0.0
        self.levels = [self.faces]
        self.frames: list[tuple[np.ndarray, np.ndarray, int]] = []
        everything = [part.ravel() for part in (self.vertices, self.colors, views.alpha, views.color)]
        self._fingerprint = zlib.crc32(np.concatenate(everything).astype(np.float32).tobytes())
        self._pictures = torch.from_numpy(np.ascontiguousarray(views.alpha)), torch.from_numpy(np.ascontiguousarray(views.color))
        self._rng = np.random.default_rng(0)
        self._queue: list[int] = []
        self._begin_level()
        self._remember()

    @property
    def done(self) -> bool:
        return len(self.losses) == self.recipe.steps

    @property
    def mesh(self) -> tsr.Mesh:
        return tsr.Mesh(vertices=self.vertices, faces=self.faces, colors=self.colors)

    def frame(self, i: int) -> tsr.Mesh:
        vertices, colors, level = self.frames[i]
        return tsr.Mesh(vertices=vertices, faces=self.levels[level], colors=colors)

    def step(self) -> list[float]:
        """One step of gradient descent. Returns the losses before it."""
        began, recipe, done = time.monotonic(), self.recipe, len(self.losses) / self.recipe.steps
        rate = recipe.last_rate**done
        found, grad_vertices, grad_colors = self._gradients(self._next_views(), done)
        if not (np.isfinite(found).all() and np.isfinite(grad_vertices).all() and np.isfinite(grad_colors).all()):
            raise FloatingPointError(f"the gradient must be finite, got NaN or infinity at step {len(self.losses)}")
        self._coordinates = self._shape_adam.step(self._coordinates, self._solve(grad_vertices), recipe.shape_rate * rate)
        self.vertices = self._solve(self._coordinates)
        self.colors = np.clip(self._color_adam.step(self.colors, grad_colors, recipe.color_rate * rate), 0, 1)
        self.losses.append(found)
        n = len(self.losses)
        if any(n == round(share * recipe.steps) for share in recipe.divide_at) and 4 * len(self.faces) <= LARGEST:
            both, faces = trimesh.remesh.subdivide(np.concatenate([self.vertices, self.colors], 1), self.faces)
            self.vertices, self.colors, self.faces = both[:, :3], both[:, 3:], faces.astype(np.int32)
            self.levels.append(self.faces)
            self._begin_level()
        if n * self.n_frames // recipe.steps > (n - 1) * self.n_frames // recipe.steps:
            self._remember()
        self.seconds += time.monotonic() - began
        return found

    def _gradients(self, picked: list[int], done: float) -> tuple[list[float], np.ndarray, np.ndarray]:
        recipe, vertices, colors = self.recipe, *(torch.tensor(part, dtype=torch.float32, requires_grad=True) for part in (self.vertices, self.colors))
        high, low = recipe.sigma or (1.0, 1.0)
        sigma = (2 / recipe.size) ** 2 * high * (low / high) ** done if recipe.sigma else 1e-4
        self._render.settings = tsr.RasterizeSettings(sigma=sigma, gamma=GAMMA, cutoff=1e-3, near=NEAR, far=FAR)
        image = self._render(vertices, self._topology, self.views.camera[picked], colors)
        alpha, color = (part[picked] for part in self._pictures)
        silhouettes, painted = losses.silhouette_iou(image.alpha, alpha), losses.color_l1(image.color, color, alpha)
        even = recipe.laplacian * losses.laplacian(vertices, self._connectivity) + recipe.flatten * losses.flatten(vertices, self._connectivity)
        loss = silhouettes + recipe.color * painted + even
        loss.backward()
        return [part.item() for part in (loss, silhouettes, painted)], vertices.grad.numpy().astype(np.float64), colors.grad.numpy().astype(np.float64)

    def _next_views(self) -> list[int]:
        """Pictures in random order; each is seen once before any is seen again."""
        if len(self._queue) < self.recipe.views_per_step:
            self._queue += self._rng.permutation(len(self.views)).tolist()
        picked, self._queue = self._queue[: self.recipe.views_per_step], self._queue[self.recipe.views_per_step :]
        return picked

    def _begin_level(self) -> None:
        """What follows from the mesh, made anew."""
        recipe, n = self.recipe, len(self.vertices)
        self._connectivity = tsr.Connectivity.of(self.faces, n)
        self._topology = tsr.Topology.shared(self.faces, n, recipe.views_per_step)
        self._render = SoftRenderer(recipe.size)
        system = self._connectivity.smoothing_system(recipe.smoothness)
        self._solve = splu(system).solve
        self._coordinates = system @ self.vertices
        self._shape_adam, self._color_adam = NumpyAdam(uniform=recipe.smoothness > 0, betas=recipe.betas), NumpyAdam()

    def _remember(self) -> None:
        self.frames.append((self.vertices.astype(np.float32), self.colors.astype(np.float32), len(self.levels) - 1))

    def save(self, path: Path) -> None:
        """Writes all of the state."""
        facts = {
            "recipe": asdict(self.recipe),
            "fingerprint": self._fingerprint,
            "n_frames": self.n_frames,
            "losses": self.losses,
            "seconds": self.seconds,
            "queue": self._queue,
            "random": self._rng.bit_generator.state,
            "adam_steps": [self._shape_adam.steps, self._color_adam.steps],
            "frame_levels": [level for *_, level in self.frames],
        }
        arrays = {"vertices": self.vertices, "colors": self.colors, "coordinates": self._coordinates}
        arrays |= {f"level_{i}": faces for i, faces in enumerate(self.levels)}
        arrays |= {f"frame_{i}": np.stack(frame[:2]) for i, frame in enumerate(self.frames)}
        arrays |= {f"{name}_{moment}": getattr(adam, moment) for name, adam in self._adams() for moment in ("first", "second")}
        with replacing(path) as partial, open(partial, "wb") as file:
            np.savez(file, facts=json.dumps(facts), **arrays)

    def load(self, path: Path) -> None:
        """Takes up what was saved: the steps that follow are those that would have followed.

        Raises:
            ValueError: if the file is no such state, or one of another source, target or recipe.
        """
        try:
            with open(path, "rb") as file, np.load(file, allow_pickle=False) as saved:
                arrays = dict(saved)
            facts = json.loads(str(arrays["facts"]))
            given = json.loads(json.dumps([asdict(self.recipe), self._fingerprint, self.n_frames]))
            if [facts["recipe"], facts["fingerprint"], facts["n_frames"]] != given:
                raise ValueError("one of another source, target or recipe")
            self.levels = [arrays[f"level_{i}"] for i in range(len([name for name in arrays if name.startswith("level_")]))]
            self.vertices, self.colors, self.faces = arrays["vertices"], arrays["colors"], self.levels[-1]
            self._begin_level()
            self._coordinates = arrays["coordinates"]
            for (name, adam), steps in zip(self._adams(), facts["adam_steps"], strict=True):
                adam.steps, adam.first, adam.second = steps, arrays[f"{name}_first"], arrays[f"{name}_second"]
            self.frames = [(*arrays[f"frame_{i}"], level) for i, level in enumerate(facts["frame_levels"])]
            self.losses, self.seconds, self._queue = facts["losses"], facts["seconds"], facts["queue"]
            self._rng.bit_generator.state = facts["random"]
        except (OSError, KeyError, EOFError, ValueError, TypeError, zipfile.BadZipFile) as error:
            raise ValueError(f"{path} must be a checkpoint of this run (delete it, or give another --out), got {type(error).__name__}: {error}") from error

    def _adams(self) -> list[tuple[str, NumpyAdam]]:
        return [("shape", self._shape_adam), ("color", self._color_adam)]


def vertex_colors(mesh: tsr.Mesh) -> np.ndarray:
    """[V, 3]: its colours, those of its texture at the vertices, or grey."""
    if mesh.texture is not None and mesh.uvs is not None:
        corners = mesh.uvs[mesh.faces if mesh.face_uvs is None else mesh.face_uvs].reshape(-1, 2) % 1
        height, width = mesh.texture.shape[:2]
        texels = mesh.texture[((1 - corners[:, 1]) * height).astype(int).clip(0, height - 1), (corners[:, 0] * width).astype(int).clip(0, width - 1), :3]
        colors = np.full(mesh.vertices.shape, 0.5)
        colors[mesh.faces.ravel()] = texels
        return colors
    return np.full(mesh.vertices.shape, 0.5) if mesh.colors is None else mesh.colors.astype(np.float64)


def look(mesh: tsr.Mesh, camera: tsr.Camera, size: int) -> Views:
    return render_views(mesh, camera, (size, size), tuple(str(i) for i in range(len(camera))), samples=2)


def run(name: str, source: tsr.Mesh, target: tsr.Mesh, recipe: Recipe, frames: int, folder: Path, interrupted: list[bool]) -> Deformation:
    """The finished fit; goes on where an earlier one was interrupted. An entry of ``interrupted`` ends the program after the step at hand."""
    views = look(target, tsr.Camera.all_around(recipe.views, DISTANCE, fov=FOV), recipe.size)
    fit, state = Deformation(source, views, recipe, frames), folder / "state.npz"
    folder.mkdir(parents=True, exist_ok=True)
    if state.is_file():
        fit.load(state)
    saved = time.monotonic()
    with tqdm(total=recipe.steps, initial=len(fit.losses), desc=name, mininterval=0.1 if sys.stderr.isatty() else 20) as bar:
        while not fit.done:
            loss, silhouettes, painted = fit.step()
            bar.set_postfix(loss=f"{loss:.4f}", silhouettes=f"{silhouettes:.4f}", colors=f"{painted:.4f}", refresh=False)
            bar.update()
            if interrupted or fit.done or time.monotonic() - saved > SAVE_SECONDS:
                fit.save(state)
                saved = time.monotonic()
            if interrupted and not fit.done:
                sys.exit(GOES_ON)
    return fit


# -------------------------------------------------------------------------------------------------------------------------- the results


def figures(mesh: tsr.Mesh, target: tsr.Mesh) -> dict[str, float]:
    """On pictures that were not fitted, and in space."""
    camera = tsr.Camera.all_around(HELD_OUT, DISTANCE, 50.0, fov=FOV)
    result, truth = look(mesh, camera, HELD_OUT_SIZE), look(target, camera, HELD_OUT_SIZE)
    both, on_pictures = (result.alpha > 0.5) & (truth.alpha > 0.5), score(result, truth)
    diagonal = float(np.linalg.norm(np.ptp(target.vertices, axis=0)))
    in_space = measure(mesh, target, TOLERANCE * diagonal, 10_000)
    return {
        "iou": on_pictures.iou,
        "color_l1": float(np.abs(result.color - truth.color)[both].mean()) if both.any() else 1.0,
        "psnr": on_pictures.psnr,
        "chamfer": in_space["chamfer_distance"] / diagonal,
        "f_score": in_space["f_score"],
    }


def lit(mesh: tsr.Mesh, camera: tsr.Camera, size: int) -> np.ndarray:
    """[B, size, size, 3] over white: the colours, under a light from above."""
    colors, light = (look(one, camera, size) for one in (mesh, shaded(mesh)))
    return replace(colors, color=colors.color * (0.4 + 0.6 * light.color / 0.95)).over_white()


def save_sheet(path: Path, source: tsr.Mesh, fit: Deformation, target: tsr.Mesh, size: int) -> None:
    camera = tsr.Camera.orbit(DISTANCE, [view[0] for view in SHOWN], [view[1] for view in SHOWN], fov=FOV)
    steps, last = fit.recipe.steps, len(fit.frames) - 1
    on_the_way = sorted({max(1, round(last * share)) for share in (0.02, 0.15, 0.4)} - {last})
    shown = [("source", source), *((f"step {steps * i // last}", fit.frame(i)) for i in on_the_way), (f"result, step {steps}", fit.mesh), ("target", target)]
    pictures = [lit(mesh, camera, size) for _, mesh in shown]
    save_grid(path, [[column[i] for column in pictures] for i in range(len(SHOWN))], [view[2] for view in SHOWN], [name for name, _ in shown])


def save_film(path: Path, fit: Deformation, target: tsr.Mesh, size: int) -> None:
    """Result and target side by side, swaying; at the end it stays for a while."""
    shown = [*range(len(fit.frames)), *[len(fit.frames) - 1] * (len(fit.frames) // 2)]
    cameras = tsr.Camera.orbit(DISTANCE, 20.0, 35 + 55 * np.sin(np.arange(len(shown)) * 2 * np.pi / len(shown)), fov=FOV)
    film = [
        np.concatenate([lit(mesh, cameras[k], size)[0] for mesh in (fit.frame(i), target)], 1)
        for k, i in enumerate(tqdm(shown, desc="film", leave=False, disable=None))
    ]
    save_animation(path, film, seconds=len(shown) / 10)


def save_curves(path: Path, fits: dict[str, Deformation]) -> None:
    figure = Figure(figsize=(4.5 * len(fits), 3.2), layout="constrained")
    for axes, (name, fit) in zip(np.atleast_1d(figure.subplots(1, len(fits))), fits.items(), strict=True):
        for values, label in zip(np.array(fit.losses).T, ("loss", "1 - IoU", "colour L1"), strict=True):
            axes.plot(values, linewidth=0.8, label=label)
        axes.set(title=name, xlabel="step", yscale="log")
        axes.legend()
    figure.savefig(path, dpi=110)


def pairs_of(options: argparse.Namespace) -> dict[str, tuple[tsr.Mesh, tsr.Mesh]]:
    """Name, source and target."""
    if options.source is not None and options.target is None:
        raise ValueError("--target must be given with --source, got none")
    sphere = tsr.Mesh.icosphere(3 if RECIPES[options.recipe].divide_at else 4, radius=SPHERE_RADIUS)
    if options.target is not None:
        source = sphere if options.source is None else tsr.Mesh.load(options.source).normalized()
        return {f"{options.source.stem if options.source else 'sphere'}_to_{options.target.stem}": (source, tsr.Mesh.load(options.target).normalized())}
    fine, coarse = (0.04, 0.06) if options.quick else (0.022, 0.05)
    return {"sphere_to_car": (sphere, car_mesh(fine)), "car_to_airplane": (car_mesh(coarse), airplane_mesh(min(fine, 0.03)))}


def main() -> None:
    parser = program_parser(__doc__, "out/deformation")
    parser.add_argument("--source", type=Path, help="mesh file to begin with (default, with --target: a sphere)")
    parser.add_argument("--target", type=Path, help="mesh file to end with")
    parser.add_argument("--recipe", choices=RECIPES, default="large_steps", help="(default: %(default)s)")
    parser.add_argument("--quick", action="store_true", help="fewer steps, fewer and smaller pictures")
    parser.add_argument("--steps", type=int, help="of gradient descent (default: 1200, with --quick 150)")
    parser.add_argument("--views", type=int, help="pictures of the target (default: 48, with --quick 24)")
    parser.add_argument("--size", type=int, help="side of the pictures, pixels (default: 96, with --quick 64)")
    parser.add_argument("--frames", type=int, help="of the animation (default: 40, with --quick 20)")
    options = parser.parse_args()
    given = {name: value for name in ("steps", "views", "size") if (value := getattr(options, name)) is not None}
    recipe = replace(RECIPES[options.recipe], **((QUICK if options.quick else {}) | given))
    if options.frames is None:
        options.frames = 20 if options.quick else 40
    check_ranges(recipe, steps=(2, 10**6), views=(1, 1000), size=(16, 1024))
    check_ranges(options, frames=(1, 1000))
    check_folder(options.out)
    recipe = replace(recipe, views_per_step=min(recipe.views_per_step, recipe.views))
    torch.set_num_threads(1)  # its idle threads would take the cores from Taichi's
    pairs = pairs_of(options)

    with noting_interrupts() as interrupted:
        fits = {name: run(name, *pair, recipe, options.frames, options.out / name, interrupted) for name, pair in pairs.items()}
    size = 110 if options.quick else 150
    table = {}
    for name, (source, target) in pairs.items():
        fit, folder = fits[name], options.out / name
        for part, mesh in (("source", source), ("target", target), ("result", fit.mesh)):
            mesh.save(folder / f"{part}.ply")
        fit.mesh.save(folder / "result.glb")
        painted = replace(source, colors=vertex_colors(source), texture=None)
        table[name] = {"before": figures(painted, target), "after": figures(fit.mesh, target), "seconds": round(fit.seconds, 1), "faces": len(fit.faces)}
        save_sheet(folder / "sheet.png", painted, fit, target, size)
        save_film(folder / "deformation.gif", fit, target, size)
    save_curves(options.out / "curves.png", fits)
    (options.out / "metrics.json").write_text(json.dumps({"recipe": {"name": options.recipe} | asdict(recipe), "results": table}, indent=1) + "\n")

    print(f"{options.recipe}: {recipe.steps} steps, {recipe.views} pictures of {recipe.size} x {recipe.size}. IoU (hard), L1 and PSNR (colour, inside both")
    print(f"silhouettes) are of {HELD_OUT} other pictures. Chamfer distance: to triangles, not squared, mean of both directions, in percent of the target's")
    print("diagonal; F-score at 2 percent of it.")
    print(f"{'':<26}{'IoU':>8}{'L1':>8}{'PSNR':>8}{'Chamfer %':>11}{'F-score':>9}{'seconds':>9}{'faces':>9}")
    for name, row in table.items():
        for when in ("before", "after"):
            f = row[when]
            line = f"{name + ', ' + when:<26}{f['iou']:8.4f}{f['color_l1']:8.4f}{f['psnr']:8.2f}{100 * f['chamfer']:11.3f}{f['f_score']:9.4f}"
            print(line + (f"{row['seconds']:9.1f}{row['faces']:9,}" if when == "after" else ""))
    print(f"sheet.png, deformation.gif, result.glb and the meshes are in {options.out}/{{{','.join(pairs)}}}")


if __name__ == "__main__":
    run_program("deformation", main)
