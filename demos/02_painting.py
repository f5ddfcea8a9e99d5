"""A photograph painted with a few hundred triangles, by gradient descent from soft edges to sharp ones.

Where the triangles lie, what colour they have and which of two lies above the other: all of it is moved by the gradient of one difference of pictures.

    python demos/02_painting.py                       # the photograph of Grace Hopper that matplotlib brings along
    python demos/02_painting.py PICTURE -o out/mine

OUT then holds painting.gif (the progress) and painting.png (the photograph, the painting).
"""

import sys
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError
from program import program_parser, run_program
from tqdm import tqdm

import taichi_softras as tsr
from taichi_softras.language import ti
from taichi_softras.recover import save_animation, save_picture
from taichi_softras.scene import PICTURE_FORMATS

DISTANCE = 2.0  # of the camera; triangles lie between 1 and 3 from it
CAMERA = tsr.Camera.orbit(DISTANCE, orthographic_height=2)  # the world's x and y are the screen's


def photograph(path: Path | None) -> Image.Image:
    if path is None:
        from matplotlib.cbook import get_sample_data

        path = Path(get_sample_data("grace_hopper.jpg", asfileobj=False))
    try:
        return Image.open(path, formats=PICTURE_FORMATS).convert("RGB")
    except UnidentifiedImageError as error:
        raise ValueError(f"PICTURE must be a picture in {', '.join(PICTURE_FORMATS)}, got {path}") from error


def resized(photo: Image.Image, height: int, width: int) -> np.ndarray:
    """[height, width, 3] in [0, 1]."""
    return np.asarray(photo.resize((width, height), Image.Resampling.LANCZOS), np.float64) / 255


def first_triangles(target: np.ndarray, count: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """([3 count, 3], [count, 3]): corners and colours. A quarter are large and far; the others small, and more of them where the picture has detail."""
    height, width, _ = target.shape
    detail = np.hypot(*np.gradient(target.mean(-1)))
    chance = detail.ravel() / detail.sum() + 0.5 / detail.size
    pixel = np.where(np.arange(count) < count // 4, rng.integers(detail.size, size=count), rng.choice(detail.size, count, p=chance / chance.sum()))
    radius = np.where(np.arange(count) < count // 4, 6.0, 2.5) / np.sqrt(count)
    row, column = np.divmod(pixel, width)
    middle = np.stack([2 * column + 1 - width, height - 2 * row - 1], -1) / min(height, width)
    angle = rng.uniform(0, 2 * np.pi, count)[:, None] + np.array([0, 2, 4]) * np.pi / 3
    corners = middle[:, None] + radius[:, None, None] * np.stack([np.cos(angle), np.sin(angle)], -1)
    depth = np.linspace(-0.9, 0.9, count).repeat(3).reshape(count, 3, 1)
    return np.concatenate([corners, depth], -1).reshape(-1, 3), target.reshape(-1, 3)[pixel]


def settings(softness: float, pixel: float) -> tsr.RasterizeSettings:
    """From soft (1) to sharp (0)."""
    return tsr.RasterizeSettings(
        sigma=pixel**2 * 10**softness,
        gamma=10 ** (0.5 * softness - 1.25),
        cutoff=2e-3,
        near=1.0,
        far=3.0,
        background_depth_norm=0.2,
        texture=tsr.Texture.FACE,
    )


def paint(target: np.ndarray, count: int, steps: int, seed: int) -> tuple[list[np.ndarray], np.ndarray]:
    """The progress, and the final painting three times as large."""
    height, width, _ = target.shape
    pixel = 2 / min(height, width)
    renderer = tsr.Renderer((height, width))
    vertices, colors = (renderer.parameter(values) for values in first_triangles(target, count, np.random.default_rng(seed)))
    goal, mask, loss = (renderer.parameter(values) for values in (target[None], np.ones((1, height, width)), np.zeros(1)))
    topology = tsr.Topology.separate_faces(count, 1)
    movers = [tsr.Adam(vertices, betas=(0.9, 0.99)), tsr.Adam(colors, betas=(0.9, 0.99))]
    frames = []
    for step in tqdm(range(steps), desc="painting", mininterval=0.1 if sys.stderr.isatty() else 10):
        done = step / steps
        renderer.settings = settings(max(1 - 1.25 * done, 0.0), pixel)
        with ti.ad.Tape(loss):
            picture = renderer(vertices, topology, CAMERA, colors, background=target.mean((0, 1))).color
            tsr.losses.color_l1(picture, goal, mask, into=loss)
        if step % max(1, steps // 40) == 0:
            frames.append(picture.to_numpy()[0])
        for mover, rate in zip(movers, (0.6 * pixel, 0.02), strict=True):
            mover.rate = rate * (1 - 0.9 * done)
            mover.step()
    frames.append(renderer(vertices, topology, CAMERA, colors, background=target.mean((0, 1))).color.to_numpy()[0])
    large = tsr.Renderer((3 * height, 3 * width), settings(0.0, pixel))
    return frames, large(vertices, topology, CAMERA, colors, background=target.mean((0, 1))).color.to_numpy()[0]


def main() -> None:
    parser = program_parser(__doc__, "out/02_painting")
    parser.add_argument("picture", nargs="?", type=Path, help="an image file; by default matplotlib's photograph of Grace Hopper")
    parser.add_argument("--triangles", type=int, default=500, help="how many (default: %(default)s)")
    parser.add_argument("--size", type=int, default=160, help="shorter side of the picture, pixels (default: %(default)s)")
    parser.add_argument("--steps", type=int, default=600, help="of gradient descent (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="of the triangles to begin with (default: %(default)s)")
    options = parser.parse_args()
    if options.triangles < 1 or options.size < 8 or options.steps < 1 or options.seed < 0:
        raise ValueError("--triangles and --steps must be at least 1, --size 8 and --seed 0")
    photo = photograph(options.picture)
    width, height = (round(side * options.size / min(photo.size)) for side in photo.size)
    target = resized(photo, height, width)
    frames, large = paint(target, options.triangles, options.steps, options.seed)
    save_animation(options.out / "painting.gif", [*frames, *[frames[-1]] * (len(frames) // 4)], seconds=6)
    save_picture(options.out / "painting.png", np.concatenate([resized(photo, *large.shape[:2]), large], 1))
    first, last = (-10 * np.log10(((frame - target) ** 2).mean()) for frame in (frames[0], frames[-1]))
    print(f"{options.triangles} triangles, {options.steps} steps: PSNR {first:.2f} dB at the start, {last:.2f} dB at the end")
    print(f"painting.gif and painting.png are in {options.out}")


if __name__ == "__main__":
    run_program("02_painting", main)
