"""Inside a room: a camera walks about in it, and another one finds out from a single picture where it stands.

Most walls reach behind the camera, and so does what it walks past: faces are cut at the near plane, and the gradient knows of the cut.

    python demos/room.py -o out/room

OUT then holds room.gif (the walk), sheet.png (some of its frames: colour, alpha, depth), pose.png (the first guess, the given picture, what was found) and
metrics.json: how far from the truth the guess was, and the result is.
"""

import json
import sys
from collections.abc import Callable, Sequence

import numpy as np
import torch
import trimesh
from program import program_parser, run_program
from tqdm import tqdm

import taichi_softras as tsr
from taichi_softras.interop import render
from taichi_softras.recover import render_views, save_animation, save_picture
from taichi_softras.scene import creature

WIDTH, HEIGHT, LENGTH = 6.0, 2.8, 5.0  # of the room, along x, y and z; the floor's middle is the origin
FOV = 70.0
NEAR, FAR = 0.1, 10.0
SHARP = tsr.RasterizeSettings(sigma=1e-7, gamma=1e-4, near=NEAR, far=FAR, silhouette=tsr.Silhouette.HARD)
LIGHT = np.array([0.35, 0.8, 0.48])

TRUE_POSITION, TRUE_YAW = (1.1, 1.4, 1.2), 40.0  # yaw in degrees: 0 looks along -z, 90 along -x
GUESS_POSITION, GUESS_YAW = (0.6, 1.7, 0.8), 54.0

Color = Sequence[float]


def lit(colors: np.ndarray, normals: np.ndarray) -> np.ndarray:
    return colors * (0.8 + 0.2 * normals @ LIGHT)[:, None]


def panel(corner: Color, along: Color, up: Color, tiles: tuple[int, int], color: Callable[[int, int], Color]) -> tsr.Mesh:
    """A rectangle of tiles, each with a colour of its own; it faces where ``along`` x ``up`` points."""
    corner, along, up = (np.array(v, np.float64) for v in (corner, along, up))
    normal = np.cross(along, up) / np.linalg.norm(np.cross(along, up))
    vertices, colors = [], []
    for i, j in np.ndindex(*tiles):
        s, t = np.array([0, 1, 1, 0]) + i, np.array([0, 0, 1, 1]) + j
        vertices.append(corner + s[:, None] / tiles[0] * along + t[:, None] / tiles[1] * up)
        colors.append(np.tile(color(i, j), (4, 1)))
    faces = np.concatenate([np.array([[0, 1, 2], [0, 2, 3]]) + 4 * k for k in range(len(vertices))])
    return tsr.Mesh(vertices=np.concatenate(vertices), faces=faces, colors=lit(np.concatenate(colors), normal[None]).clip(0, 1))


def solid(shape: trimesh.Trimesh, color: Color, middle: Color) -> tsr.Mesh:
    colors = lit(np.tile(color, (len(shape.vertices), 1)), shape.vertex_normals)
    return tsr.Mesh(vertices=shape.vertices + np.array(middle), faces=shape.faces, colors=colors.clip(0, 1))


def box(size: Color, middle: Color, color: Color) -> tsr.Mesh:
    shape = trimesh.creation.box(size)
    shape.unmerge_vertices()
    return solid(shape, color, middle)


def upright(shape: trimesh.Trimesh) -> trimesh.Trimesh:
    """Its z axis upwards."""
    return shape.apply_transform(trimesh.transformations.rotation_matrix(-np.pi / 2, [1, 0, 0]))


def walls() -> list[tsr.Mesh]:
    """Floor, ceiling, four walls of panels, a window, a door and pictures."""
    w, l = WIDTH / 2, LENGTH / 2

    def plain(color: Color, contrast: float) -> Callable[[int, int], Color]:
        return lambda i, j: np.array(color) * (1 - contrast * ((i + j) % 2))

    def stripes(i: int, j: int) -> Color:
        return np.array([0.95, 0.55, 0.2] if (i // 2 + j) % 2 else [0.15, 0.3, 0.55]) * (0.8 + 0.2 * (i % 2))

    return [
        panel((-w, 0, l), (WIDTH, 0, 0), (0, 0, -LENGTH), (12, 10), lambda i, j: (0.92, 0.88, 0.8) if (i + j) % 2 else (0.45, 0.3, 0.2)),
        panel((-w, HEIGHT, -l), (WIDTH, 0, 0), (0, 0, LENGTH), (4, 4), plain((1.2, 1.2, 1.15), 0.03)),
        panel((-w, 0, -l), (WIDTH, 0, 0), (0, HEIGHT, 0), (6, 3), plain((0.9, 0.55, 0.45), 0.08)),
        panel((w, 0, l), (-WIDTH, 0, 0), (0, HEIGHT, 0), (6, 3), plain((0.55, 0.75, 0.6), 0.08)),
        panel((-w, 0, l), (0, 0, -LENGTH), (0, HEIGHT, 0), (5, 3), plain((0.5, 0.62, 0.85), 0.08)),
        panel((w, 0, -l), (0, 0, LENGTH), (0, HEIGHT, 0), (5, 3), plain((0.9, 0.8, 0.5), 0.08)),
        panel((-1.7, 0.9, -l + 0.01), (1.6, 0, 0), (0, 1.3, 0), (2, 2), lambda i, j: (0.75, 0.93, 1.2)),
        panel((0.9, 1.1, -l + 0.01), (1.2, 0, 0), (0, 0.9, 0), (6, 5), stripes),
        panel((1.9, 0, l - 0.01), (-0.95, 0, 0), (0, 2.05, 0), (1, 2), plain((0.5, 0.33, 0.22), 0.1)),
        panel((-w + 0.01, 1.1, 0.9), (0, 0, -1.5), (0, 1.0, 0), (5, 4), lambda i, j: (0.25 + 0.15 * i, 0.9 - 0.2 * j, 0.35 + 0.1 * (i + j) % 2)),
    ]


def furniture() -> list[tsr.Mesh]:
    """A table with a creature, a ball and a ring on it; a shelf of books; a lamp; a bench; a rug."""
    wood, dark = (0.75, 0.52, 0.32), (0.4, 0.26, 0.18)
    little = creature(3)
    books = [
        box((0.2, 0.34 - 0.05 * (k % 3), 0.07), (2.83, 0.32 + 0.5 * row - 0.025 * (k % 3), -1.32 + 0.085 * k), color)
        for row in range(4)
        for k, color in enumerate(np.random.default_rng(row).uniform(0.15, 0.95, (13, 3)))
    ]
    return [
        box((1.5, 0.06, 0.9), (-0.6, 0.75, -0.5), wood),
        *[box((0.07, 0.72, 0.07), (-0.6 + x, 0.36, -0.5 + z), dark) for x in (-0.65, 0.65) for z in (-0.36, 0.36)],
        tsr.Mesh(vertices=little.vertices * 0.24 + np.array([-0.85, 1.0, -0.45]), faces=little.faces, colors=little.colors),
        solid(trimesh.creation.icosphere(3, 0.13), (0.85, 0.2, 0.25), (-0.35, 0.91, -0.65)),
        solid(upright(trimesh.creation.torus(0.14, 0.05, major_sections=24, minor_sections=12)), (0.25, 0.6, 0.35), (-0.15, 0.83, -0.25)),
        *[box((0.28, 0.03, 1.3), (2.85, 0.13 + 0.5 * row, -0.8), wood) for row in range(5)],
        *[box((0.28, 2.1, 0.04), (2.85, 1.05, z), dark) for z in (-1.45, -0.15)],
        *books,
        solid(upright(trimesh.creation.cylinder(0.03, 1.5, sections=10)), dark, (-2.5, 0.75, -2.0)),
        solid(upright(trimesh.creation.cone(0.32, 0.4, sections=20)), (1.0, 0.85, 0.45), (-2.5, 1.45, -2.0)),
        box((0.7, 0.4, 1.9), (-2.5, 0.2, 0.9), (0.55, 0.2, 0.4)),
        box((0.2, 0.45, 1.9), (-2.8, 0.6, 0.9), (0.6, 0.25, 0.45)),
        solid(upright(trimesh.creation.cylinder(0.95, 0.02, sections=32)), (0.7, 0.25, 0.2), (0.9, 0.011, 0.6)),
    ]


def room() -> tsr.Mesh:
    parts = walls() + furniture()
    first = np.cumsum([0] + [len(part.vertices) for part in parts[:-1]])
    return tsr.Mesh(
        vertices=np.concatenate([part.vertices for part in parts]),
        faces=np.concatenate([part.faces + start for part, start in zip(parts, first, strict=True)]),
        colors=np.concatenate([part.colors for part in parts]),
    )


def walk(frames: int) -> tsr.Camera:
    """Once around the table, close to it, looking ahead and a little inwards."""
    angle = np.arange(frames) * 2 * np.pi / frames

    def at(angle: np.ndarray, width: float, length: float) -> np.ndarray:
        return np.stack([width * np.cos(angle), 1.35 + 0.12 * np.sin(2 * angle), length * np.sin(angle)], -1)

    target = at(angle + 1.1, 1.3, 1.0)
    target[:, 1] -= 0.25
    return tsr.Camera.look_at(at(angle, 2.1, 1.7), target, fov=FOV)


def camera_at(position: torch.Tensor, yaw: torch.Tensor) -> tsr.Camera:
    """An upright camera; position [3] and yaw (radians) receive gradient."""
    cos, sin, zero = torch.cos(yaw), torch.sin(yaw), torch.zeros_like(yaw)
    rotation = torch.stack([cos, zero, -sin, zero, zero + 1, zero, sin, zero, cos]).reshape(3, 3)
    focal = 1 / np.tan(np.radians(FOV / 2))
    matrix = torch.cat([rotation, -(rotation @ position)[:, None]], 1)
    return tsr.Camera(camera_from_world=matrix[None], intrinsics=matrix.new_tensor([[focal, focal, 0, 0]]))


def numpy_camera(position: torch.Tensor, yaw: torch.Tensor) -> tsr.Camera:
    camera = camera_at(position.double(), yaw.double())
    return tsr.Camera(camera_from_world=camera.camera_from_world.numpy(), intrinsics=camera.intrinsics.numpy())


def halved(picture: torch.Tensor) -> torch.Tensor:
    """[1, H, W, 3] at half the size."""
    return torch.nn.functional.avg_pool2d(picture.permute(0, 3, 1, 2), 2, ceil_mode=True).permute(0, 2, 3, 1)


def difference(picture: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Mean absolute difference, of the pictures and of ever smaller ones: large patches tell the way from afar."""
    total = (picture - target).abs().mean()
    while min(picture.shape[1:3]) > 6:
        picture, target = halved(picture), halved(target)
        total = total + (picture - target).abs().mean()
    return total


def find_pose(mesh: tsr.Mesh, target: torch.Tensor, steps: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Position and yaw from which the room looks like ``target`` [1, H, W, 3], from the guess on."""
    vertices, faces, colors = (torch.from_numpy(array) for array in (mesh.vertices, mesh.faces, mesh.colors))
    position, yaw = torch.tensor(GUESS_POSITION, requires_grad=True), torch.tensor(np.radians(GUESS_YAW), dtype=torch.float32, requires_grad=True)
    optimizer = torch.optim.Adam([{"params": [position]}, {"params": [yaw]}], betas=(0.8, 0.95))
    for step in tqdm(range(steps), desc="pose", mininterval=0.1 if sys.stderr.isatty() else 60):
        done = step / steps
        for group, rate in zip(optimizer.param_groups, (0.06, 0.03), strict=True):
            group["lr"] = rate * ((1 - done) ** 1.5 + 0.01)
        settings = tsr.RasterizeSettings(sigma=10 ** (-3.5 - 2 * done), gamma=1e-3, near=NEAR, far=FAR)
        picture = render(vertices, faces, camera_at(position, yaw), colors, settings=settings, image_size=tuple(target.shape[1:3])).color
        optimizer.zero_grad()
        difference(picture, target).backward()
        optimizer.step()
    return position.detach(), yaw.detach()


def errors(position: torch.Tensor, yaw: torch.Tensor) -> dict[str, float]:
    degrees = (np.degrees(yaw.item()) - TRUE_YAW + 180) % 360 - 180
    return {"position_error": round((position - torch.tensor(TRUE_POSITION)).norm().item(), 4), "angle_error_degrees": round(abs(float(degrees)), 3)}


def main() -> None:
    parser = program_parser(__doc__)
    parser.add_argument("--frames", type=int, default=72, help="of the walk (default: %(default)s)")
    parser.add_argument("--size", type=int, default=180, help="height of its pictures, pixels (default: %(default)s)")
    parser.add_argument("--steps", type=int, default=150, help="of finding the pose (default: %(default)s)")
    options = parser.parse_args()
    if options.frames < 1 or options.size < 20 or options.steps < 1:
        raise ValueError(f"--frames and --steps must be at least 1 and --size 20, got {options.frames}, {options.steps} and {options.size}")
    options.out.mkdir(parents=True, exist_ok=True)
    mesh, size = room(), (options.size, options.size * 4 // 3)

    cameras = walk(options.frames)
    frames = [render_views(mesh, cameras[i], size, (str(i),), SHARP, samples=2).color[0] for i in tqdm(range(options.frames), desc="walk")]
    save_animation(options.out / "room.gif", frames, seconds=options.frames / 12)
    some = tsr.render_mesh(mesh, cameras[np.linspace(0, options.frames, 5)[:4].astype(int)], size, SHARP)
    grey = [np.repeat(values[..., None], 3, -1) for values in (some.alpha, 1 - some.depth / some.depth.max())]
    save_picture(options.out / "sheet.png", np.concatenate([np.concatenate(list(row), 1) for row in (some.color, *grey)]))

    true, guess = ((torch.tensor(p), torch.tensor(np.radians(y))) for p, y in ((TRUE_POSITION, TRUE_YAW), (GUESS_POSITION, GUESS_YAW)))
    small = (options.size * 2 // 5, options.size * 8 // 15)
    target = render_views(mesh, numpy_camera(*true), small, ("target",), SHARP, samples=2).color
    found = find_pose(mesh, torch.from_numpy(target), options.steps)
    pictures = [render_views(mesh, numpy_camera(*pose), size, ("",), SHARP, samples=2).color[0] for pose in (guess, true, found)]
    save_picture(options.out / "pose.png", np.concatenate(pictures, 1))
    metrics = {"before": errors(*guess), "after": errors(*found), "steps": options.steps}
    (options.out / "metrics.json").write_text(json.dumps(metrics, indent=1) + "\n")
    print(json.dumps(metrics, indent=1))
    print(f"room.gif, sheet.png, pose.png and metrics.json are in {options.out}")


if __name__ == "__main__":
    run_program("room", main)
