"""Shape from silhouettes: a sphere becomes what a few black and white pictures show, on Taichi's tape alone.

The vertices are not moved one by one: what Adam moves is u = (I + smoothness L) v, L the mesh's Laplacian, so that a step moves whole neighbourhoods
(Nicolet, Jacobson and Jakob, "Large Steps in Inverse Rendering of Geometry", 2021).

    python demos/03_silhouettes.py                    # an embedded creature, seen from 16 sides
    python demos/03_silhouettes.py MESH -o out/mine   # a mesh file

OUT then holds silhouettes.gif (the shape as it grows, turning; its target), silhouettes.png (target, result and difference of views that were not fitted) and
mesh.glb.
"""

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import scipy.sparse as sp
from program import program_parser, run_program, say
from scipy.sparse.linalg import splu
from tqdm import tqdm

import taichi_softras as tsr
from taichi_softras.language import ti
from taichi_softras.recover import SHARP, render_views, save_animation, save_picture, shaded
from taichi_softras.recover.metrics import silhouette_iou
from taichi_softras.scene import creature

SMOOTHNESS = 8.0
DISTANCE, FOV = 3.2, 40.0  # of the cameras around a mesh of radius 1


def around(count: int, turn: float = 0.0) -> tsr.Camera:
    """Cameras on all sides, above and below (a Fibonacci sphere)."""
    i = np.arange(count) + 0.5
    return tsr.Camera.orbit(DISTANCE, np.degrees(np.arcsin(1 - 2 * i / count)), i * 137.508 + turn, fov=FOV)


def silhouettes(mesh: tsr.Mesh, camera: tsr.Camera, size: int) -> np.ndarray:
    """[B, size, size]"""
    return render_views(mesh, camera, (size, size), ("",) * len(camera), samples=2).alpha


def coordinates(connectivity: tsr.Connectivity) -> tuple[sp.csc_matrix, Callable[[np.ndarray], np.ndarray]]:
    """I + SMOOTHNESS L, and the way back: a step on this times the vertices moves neighbours together (Nicolet et al. 2021)."""
    system = connectivity.smoothing_system(SMOOTHNESS)
    return system, splu(system).solve


def fit(sphere: tsr.Mesh, target: np.ndarray, camera: tsr.Camera, steps: int, frames: int) -> list[tsr.Mesh]:
    """The mesh as it was ``frames`` times on the way, and in the end."""
    size = target.shape[-1]
    renderer = tsr.Renderer(size)
    connectivity = tsr.Connectivity.of(sphere.faces, len(sphere.vertices))
    topology = tsr.Topology.shared(sphere.faces, len(sphere.vertices), len(camera))
    system, solve = coordinates(connectivity)
    u, vertices, goal, loss = (renderer.parameter(values) for values in (system @ sphere.vertices, sphere.vertices, target, np.zeros(1)))
    adam, meshes = tsr.Adam(u, betas=(0.9, 0.99), uniform=True), [sphere]
    bar = tqdm(range(steps), desc="silhouettes", mininterval=0.1 if sys.stderr.isatty() else 10)
    for step in bar:
        done = step / steps
        renderer.settings = tsr.RasterizeSettings(sigma=(2 / size) ** 2 * 0.02**done, cutoff=1e-3)
        with ti.ad.Tape(loss):
            tsr.losses.silhouette_iou(renderer(vertices, topology, camera).alpha, goal, into=loss)
            tsr.losses.normal_consistency(vertices, connectivity, into=loss, weight=0.01)
        u.grad.from_numpy(solve(vertices.grad.to_numpy()).astype(np.float32))
        adam.rate = 0.07 * (1 - 0.9 * done)
        adam.step()
        vertices.from_numpy(solve(u.to_numpy()).astype(np.float32))
        bar.set_postfix(loss=f"{loss.to_numpy()[0]:.4f}", refresh=False)
        if (step + 1) * frames // steps > step * frames // steps:
            meshes.append(tsr.Mesh(vertices=vertices.to_numpy(), faces=sphere.faces))
    return meshes


def clay(mesh: tsr.Mesh, tint: tuple[float, float, float]) -> tsr.Mesh:
    lit = shaded(mesh)
    return replace(lit, colors=lit.colors * np.array(tint))


def animation(meshes: list[tsr.Mesh], target: tsr.Mesh, size: int = 160) -> list[np.ndarray]:
    """Result and target side by side, swaying all the while, and for as long again in the end."""
    shown = [*meshes, *[meshes[-1]] * len(meshes)]
    cameras = tsr.Camera.orbit(DISTANCE, 15.0, 30 + 70 * np.sin(np.arange(len(shown)) * 2 * np.pi / len(meshes)), fov=FOV)
    pairs = [(clay(mesh, (1.0, 0.72, 0.4)), clay(target, (0.5, 0.75, 0.95))) for mesh in shown]
    halves = [[render_views(mesh, cameras[i], (size, size), ("",), SHARP, 2).over_white()[0] for mesh in pair] for i, pair in enumerate(pairs)]
    return [np.concatenate(pair, 1) for pair in halves]


def main() -> None:
    parser = program_parser(__doc__, "out/03_silhouettes")
    parser.add_argument("mesh", nargs="?", type=Path, help="a mesh file; by default an embedded creature")
    parser.add_argument("--views", type=int, default=16, help="pictures to fit (default: %(default)s)")
    parser.add_argument("--size", type=int, default=64, help="side of the pictures, pixels (default: %(default)s)")
    parser.add_argument("--steps", type=int, default=150, help="of gradient descent (default: %(default)s)")
    parser.add_argument("--subdivisions", type=int, default=4, help="of the sphere: 20 * 4^N faces (default: %(default)s)")
    parser.add_argument("--frames", type=int, default=30, help="of the animation while it grows (default: %(default)s)")
    options = parser.parse_args()
    if min(options.views, options.steps, options.frames) < 1 or options.size < 8 or not 0 <= options.subdivisions <= 6:
        raise ValueError("--views, --steps and --frames must be at least 1, --size 8, and --subdivisions between 0 and 6")
    target = creature(4) if options.mesh is None else tsr.Mesh.load(options.mesh).normalized()
    camera, others = around(options.views), around(8, 50.0)
    sphere = tsr.Mesh.icosphere(options.subdivisions, radius=0.6)
    meshes = fit(sphere, silhouettes(target, camera, options.size), camera, options.steps, options.frames)

    shown = [silhouettes(mesh, others, options.size) for mesh in (sphere, meshes[-1], target)]
    before, after = (silhouette_iou(alpha, shown[2]).mean() for alpha in shown[:2])
    rows = [np.concatenate(list(1 - row), 1) for row in (shown[2], shown[1], np.abs(shown[1] - shown[2]))]
    save_picture(options.out / "silhouettes.png", np.repeat(np.concatenate(rows)[..., None], 3, -1))
    print(f"{options.views} silhouettes, {options.steps} steps: on 8 others, IoU {before:.4f} before, {after:.4f} after")
    say("silhouettes.gif is drawn")
    save_animation(options.out / "silhouettes.gif", animation(meshes, target), seconds=6)
    meshes[-1].save(options.out / "mesh.glb")
    print(f"silhouettes.gif, silhouettes.png and mesh.glb are in {options.out}")


if __name__ == "__main__":
    run_program("03_silhouettes", main)
