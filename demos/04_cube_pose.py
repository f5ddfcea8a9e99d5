"""The pose of a coloured cube from one picture (SoftRas's experiment), from several random starts at once.

A kernel of this program makes cameras of quaternions; it stands on Taichi's tape beside the renderer's, and the gradient flows back through both. The picture
begins soft, so that a face feels where it is wanted even from the other side of the cube, and grows sharp. Still a start may end in a pose that only looks
alike; which one is right the pictures tell.

    python demos/04_cube_pose.py
    python demos/04_cube_pose.py --sharp    # for comparison, sharp all the time: fewer starts arrive

OUT then holds cube_pose.gif (the target; all starts on their way, the one that matches best framed) and metrics.json.
"""

import json
import sys
from dataclasses import replace

import numpy as np
import trimesh
from program import program_parser, run_program
from tqdm import tqdm

import taichi_softras as tsr
from taichi_softras.language import ti
from taichi_softras.recover import save_animation

DISTANCE, FOV = 4.0, 40.0
COLORS = np.array([(0.9, 0.2, 0.2), (0.2, 0.7, 0.3), (0.2, 0.35, 0.9), (0.95, 0.85, 0.2), (0.85, 0.4, 0.85), (0.3, 0.85, 0.9)])
Array = ti.types.ndarray


def cube() -> tuple[tsr.Mesh, np.ndarray]:
    """A cube of side 1.2, and a colour for each of its faces [12, 3]."""
    box = trimesh.creation.box((1.2, 1.2, 1.2))
    axis, sign = np.abs(box.face_normals).argmax(1), box.face_normals.sum(1) > 0
    return tsr.Mesh(vertices=box.vertices, faces=box.faces), COLORS[2 * axis + sign]


@ti.kernel
def cameras_of(quaternions: Array(dtype=ti.f32, ndim=2), camera_from_world: Array(dtype=ti.f32, ndim=3)):
    """[B, 4] w, x, y, z of any length to [B, 3, 4]: the object turned, then ``DISTANCE`` away."""
    for b in range(quaternions.shape[0]):
        w, x, y, z = quaternions[b, 0], quaternions[b, 1], quaternions[b, 2], quaternions[b, 3]
        s = 2.0 / (w * w + x * x + y * y + z * z)
        camera_from_world[b, 0, 0] = 1.0 - s * (y * y + z * z)
        camera_from_world[b, 0, 1] = s * (x * y - w * z)
        camera_from_world[b, 0, 2] = s * (x * z + w * y)
        camera_from_world[b, 1, 0] = s * (x * y + w * z)
        camera_from_world[b, 1, 1] = 1.0 - s * (x * x + z * z)
        camera_from_world[b, 1, 2] = s * (y * z - w * x)
        camera_from_world[b, 2, 0] = s * (x * z - w * y)
        camera_from_world[b, 2, 1] = s * (y * z + w * x)
        camera_from_world[b, 2, 2] = 1.0 - s * (x * x + y * y)
        camera_from_world[b, 2, 3] = -DISTANCE


def degrees_between(quaternions: np.ndarray, true: np.ndarray) -> np.ndarray:
    """[B] angles of the rotations that lead from the ones to the other."""
    cosine = np.abs(quaternions @ true) / np.linalg.norm(quaternions, axis=1) / np.linalg.norm(true)
    return np.degrees(2 * np.arccos(np.minimum(cosine, 1)))


class Pictures:
    """The cube as B quaternions turn it."""

    def __init__(self, size: int, count: int) -> None:
        mesh, colors = cube()
        self.renderer = tsr.Renderer(size)
        self.vertices, self.colors, self.matrices = (self.renderer.parameter(v) for v in (mesh.vertices, colors, np.zeros((count, 3, 4))))
        self.camera = replace(tsr.Camera.orbit(np.full(count, DISTANCE), fov=FOV), camera_from_world=self.matrices)
        self.topology = tsr.Topology.shared(mesh.faces, len(mesh.vertices), count)

    def __call__(self, quaternions: ti.Ndarray, softness: float) -> ti.Ndarray:
        """[B, size, size, 3], from soft (1) to sharp (0)."""
        self.renderer.settings = tsr.RasterizeSettings(
            sigma=10 ** (1.5 * softness - 4), gamma=10 ** (2.5 * softness - 2.5), near=DISTANCE - 1.1, far=DISTANCE + 1.1, texture=tsr.Texture.FACE
        )
        cameras_of(quaternions, self.matrices)
        return self.renderer(self.vertices, self.topology, self.camera, self.colors).color


def find(target: np.ndarray, starts: np.ndarray, steps: int, softest: float, frames: int = 40) -> tuple[np.ndarray, np.ndarray, list[np.ndarray]]:
    """(quaternions [B, 4], how far each picture is from the target [B], pictures [B, size, size, 3] on the way)."""
    count, size, shown = len(starts), len(target), []
    pictures = Pictures(size, count)
    parameter = pictures.renderer.parameter
    quaternions, goal, mask, loss = (parameter(v) for v in (starts, np.stack([target] * count), np.ones((count, size, size)), np.zeros(1)))
    adam = tsr.Adam(quaternions, betas=(0.8, 0.95))
    for step in tqdm(range(steps), desc="pose", mininterval=0.1 if sys.stderr.isatty() else 10):
        done = step / steps
        adam.zero_grad()
        with ti.ad.Tape(loss):
            color = pictures(quaternions, softest * (1 - done))
            tsr.losses.color_l1(color, goal, mask, into=loss)
        if step * frames // steps > (step - 1) * frames // steps:
            shown.append(color.to_numpy())
        adam.rate = 0.16 * (1 - done) + 0.002
        adam.step()
    shown.append(pictures(quaternions, 0.0).to_numpy())
    return quaternions.to_numpy(), np.abs(shown[-1] - target).mean((1, 2, 3)), shown


def sheet(target: np.ndarray, pictures: np.ndarray, best: int) -> np.ndarray:
    """The target, and beside it the pictures in three rows, the best one framed."""
    framed = pictures.copy()
    framed[best, :2] = framed[best, -2:] = framed[best, :, :2] = framed[best, :, -2:] = 1
    rows = [np.concatenate(list(row), 1) for row in np.split(framed, 3)]
    return np.concatenate([target, np.concatenate(rows)], 1)


def main() -> None:
    parser = program_parser(__doc__, "out/04_cube_pose")
    parser.add_argument("--starts", type=int, default=18, help="random ones, a multiple of 3 (default: %(default)s)")
    parser.add_argument("--size", type=int, default=64, help="side of the picture, pixels (default: %(default)s)")
    parser.add_argument("--steps", type=int, default=150, help="of gradient descent (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="of the true pose and the starts (default: %(default)s)")
    parser.add_argument("--sharp", action="store_true", help="no softness, for comparison")
    options = parser.parse_args()
    if options.starts < 3 or options.starts % 3 or options.size < 8 or options.steps < 1 or options.seed < 0:
        raise ValueError("--starts must be 3, 6, 9 ..., --size at least 8, --steps 1 and --seed 0")
    rng = np.random.default_rng(options.seed)
    true, starts = rng.normal(size=4), rng.normal(size=(options.starts, 4))
    starts /= np.linalg.norm(starts, axis=1, keepdims=True)
    small, large = (Pictures(size, 1) for size in (options.size, 3 * options.size))
    target, shown_target = (one(one.renderer.parameter(true[None]), 0.0).to_numpy()[0] for one in (small, large))
    found, distance, shown = find(target, starts, options.steps, 0.0 if options.sharp else 1.0)

    best, errors = int(distance.argmin()), degrees_between(found, true)
    save_animation(options.out / "cube_pose.gif", [sheet(shown_target, pictures, best) for pictures in [*shown, *[shown[-1]] * 12]], seconds=6)
    metrics = {
        "degrees_at_the_start": degrees_between(starts, true).round(2).tolist(),
        "degrees_at_the_end": errors.round(2).tolist(),
        "starts_within_5_degrees": int((errors < 5).sum()),
        "degrees_of_the_best_match": round(float(errors[best]), 3),
    }
    (options.out / "metrics.json").write_text(json.dumps(metrics, indent=1) + "\n")
    print(json.dumps(metrics))
    print(f"cube_pose.gif and metrics.json are in {options.out}")


if __name__ == "__main__":
    run_program("04_cube_pose", main)
