"""SoftRas's figure of rendering effects: one mesh from sharp to soft, in the plane (sigma) and in depth (gamma), as one labelled picture.

    python demos/sigma_gamma_grid.py                       # the embedded creature
    python demos/sigma_gamma_grid.py MESH -o out/mine      # an OBJ, GLB, glTF, PLY, STL or OFF file: with a texture, with colours per vertex, or with neither
    python demos/sigma_gamma_grid.py --quick               # small and coarse, in seconds

OUT then holds grid.png (above, silhouettes over sigma; below, colour over sigma and gamma) and metrics.json: of each picture, how far it is from the sharp one.

Colours are mixed by SoftRas's softmax with a white background, then laid over white by the silhouette's alpha. near and far are SoftRas's, 1 and 100: they make
the unit of gamma.
"""

import json
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.figure import Figure
from program import check_folder, program_parser, run_program
from tqdm import tqdm

import taichi_softras as tsr
from taichi_softras.recover import normal_colors, shaded
from taichi_softras.scene import creature

SIGMAS = (1e-6, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2)
GAMMAS = (1e-4, 1e-3, 3e-3, 1e-2, 1.0)
QUICK = {"size": 96, "samples": 1, "sigmas": (1e-6, 1e-3, 1e-2), "gammas": (1e-4, 1e-2, 1.0)}
FULL = {"size": 192, "samples": 2, "sigmas": SIGMAS, "gammas": GAMMAS}
DISTANCE, FOV = 2.732, 53.0
NEAR, FAR = 1.0, 100.0
SHARPEST = (1e-8, 1e-5)  # sigma and gamma of what the pictures are compared with
SOFT = (0.02, 0.98)  # a pixel whose alpha lies between belongs to the soft edge


def read_mesh(path: Path | None, quick: bool) -> tsr.Mesh:
    """A file's mesh, or the embedded creature, of radius 1. What has no texture is lit from above, so that it has a shape without one."""
    mesh = creature(3 if quick else 4) if path is None else tsr.Mesh.load(path).normalized()
    if mesh.texture is not None:
        return mesh
    mesh = mesh if mesh.is_colored else normal_colors(mesh)
    return replace(mesh, colors=mesh.colors * (0.3 + 0.7 * shaded(mesh).colors / 0.95))


def picture(mesh: tsr.Mesh, camera: tsr.Camera, softness: tuple[float, float], size: int, samples: int) -> tuple[np.ndarray, np.ndarray]:
    """alpha [size, size] and colour over white [size, size, 3]."""
    sigma, gamma = softness
    settings = tsr.RasterizeSettings(sigma=sigma, gamma=gamma, near=NEAR, far=FAR)
    image = tsr.render_mesh(mesh, camera, size * samples, settings, background=(1.0, 1.0, 1.0))
    over_white = 1 + image.alpha[0, ..., None] * (image.color[0] - 1)
    blocks = np.concatenate([image.alpha[0, ..., None], over_white], -1).reshape(size, samples, size, samples, 4).mean((1, 3))
    return blocks[..., 0], blocks[..., 1:]


def power(value: float) -> str:
    """For matplotlib: 3 10^-3."""
    mantissa, exponent = f"{value:.1e}".split("e")
    tens = f"10^{{{int(exponent)}}}" if int(exponent) else ""
    return tens if float(mantissa) == 1 and tens else f"{float(mantissa):g}" + (rf"\cdot {tens}" if tens else "")


def save_grid(
    path: Path,
    pictures: Sequence[Sequence[np.ndarray]],
    rows: Sequence[str],
    columns: Sequence[str],
    title: str = "",
    bar: tuple[ScalarMappable, str] | None = None,
) -> None:
    """Writes rows of pictures [H, W, 3], all of one size, pixel by pixel as they are; labels at the left and above, a colour bar at the right."""
    height, width = pictures[0][0].shape[:2]
    dpi, gap, left, top, right = 100, 3, 26, 30 + 26 * bool(title), 90 * (bar is not None)
    letters = min(11.0, 0.075 * min(height, width))  # points: a label is no longer than a picture
    full = left + len(columns) * (width + gap) + right, top + len(rows) * (height + gap)
    figure = Figure(figsize=(full[0] / dpi, full[1] / dpi), dpi=dpi, facecolor="white")
    for i, row in enumerate(pictures):
        low = full[1] - top - (i + 1) * (height + gap) + gap
        figure.text((left / 2) / full[0], (low + height / 2) / full[1], rows[i], ha="center", va="center", rotation=90, fontsize=letters)
        for j, shown in enumerate(row):
            rgba = np.concatenate([np.clip(shown, 0, 1), np.ones_like(shown[..., :1])], -1)
            figure.figimage(rgba, left + j * (width + gap), low)
    for j, label in enumerate(columns):
        figure.text((left + j * (width + gap) + width / 2) / full[0], 1 - (top - 15) / full[1], label, ha="center", va="center", fontsize=letters)
    if title:
        figure.text(0.5, 1 - 14 / full[1], title, ha="center", va="center", fontsize=12)
    if bar is not None:
        axes = figure.add_axes(((full[0] - right + 10) / full[0], 0.08, 14 / full[0], 0.92 - top / full[1]))
        figure.colorbar(bar[0], cax=axes, label=bar[1], extend="max")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=dpi)


def main() -> None:
    parser = program_parser(__doc__, "out/sigma_gamma_grid")
    parser.add_argument("mesh", nargs="?", type=Path, help="a mesh file; by default an embedded creature")
    parser.add_argument("--quick", action="store_true", help="fewer and smaller pictures of a coarser creature")
    parser.add_argument("--sigmas", type=float, nargs="+", help=f"the columns (default: {' '.join(f'{sigma:g}' for sigma in SIGMAS)})")
    parser.add_argument("--gammas", type=float, nargs="+", help=f"the rows (default: {' '.join(f'{gamma:g}' for gamma in GAMMAS)})")
    parser.add_argument("--size", type=int, help=f"side of a picture, pixels (default: {FULL['size']})")
    parser.add_argument("--samples", type=int, help=f"for antialiasing, along each side of a pixel (default: {FULL['samples']})")
    parser.add_argument("--azimuth", type=float, default=30.0, help="of the camera, degrees; 0 looks from +z (default: %(default)s)")
    parser.add_argument("--elevation", type=float, default=20.0, help="of the camera, degrees (default: %(default)s)")
    options = parser.parse_args()
    preset = QUICK if options.quick else FULL
    sigmas, gammas, size, samples = (
        preset[name] if getattr(options, name) is None else getattr(options, name) for name in ("sigmas", "gammas", "size", "samples")
    )
    if not 16 <= size <= 2048 or not 1 <= samples <= 8:
        raise ValueError(f"--size must be between 16 and 2048 and --samples between 1 and 8, got {size} and {samples}")
    for sigma in sigmas:
        tsr.RasterizeSettings(sigma=sigma)
    for gamma in gammas:
        tsr.RasterizeSettings(gamma=gamma)
    check_folder(options.out)
    mesh = read_mesh(options.mesh, options.quick)
    camera = tsr.Camera.orbit(DISTANCE, options.elevation, options.azimuth, fov=FOV)

    sharp_alpha, sharp = picture(mesh, camera, SHARPEST, size, samples)
    if not sharp_alpha.any():
        raise ValueError("the mesh must be seen by the camera, got an empty picture")
    silhouettes: dict[float, np.ndarray] = {}
    colored: dict[tuple[float, float], np.ndarray] = {}
    table = []
    for gamma, sigma in tqdm([(gamma, sigma) for gamma in gammas for sigma in sigmas], desc="pictures", mininterval=0.1 if sys.stderr.isatty() else 10):
        began = time.monotonic()
        alpha, colored[gamma, sigma] = picture(mesh, camera, (sigma, gamma), size, samples)
        silhouettes[sigma] = np.repeat(1 - alpha[..., None], 3, -1)
        table.append(
            {
                "sigma": sigma,
                "gamma": gamma,
                "area": round(float(alpha.mean() / sharp_alpha.mean()), 4),
                "soft_pixels": round(float(((alpha > SOFT[0]) & (alpha < SOFT[1])).mean()), 4),
                "l1_to_sharp": round(float(np.abs(colored[gamma, sigma] - sharp).mean()), 4),
                "seconds": round(time.monotonic() - began, 2),
            }
        )
    rows = ["silhouette", *(rf"colour, $\gamma = {power(gamma)}$" for gamma in gammas)]
    columns = [rf"$\sigma = {power(sigma)}$" for sigma in sigmas]
    save_grid(options.out / "grid.png", [[silhouettes[s] for s in sigmas], *[[colored[g, s] for s in sigmas] for g in gammas]], rows, columns)
    (options.out / "metrics.json").write_text(json.dumps({"faces": len(mesh.faces), "size": size, "samples": samples, "pictures": table}, indent=1) + "\n")
    print(f"{len(mesh.faces):,} faces, {size} x {size} pixels of {samples} x {samples} samples. Area: of the silhouette, where that of the sharp one is 1.")
    print(f"Soft: share of pixels with alpha between {SOFT[0]} and {SOFT[1]}. L1: mean absolute difference of colour to the sharp picture.")
    print(f"{'sigma':>9} {'gamma':>9} {'area':>7} {'soft':>7} {'L1':>7} {'seconds':>8}")
    for line in table:
        print("{sigma:9.0e} {gamma:9.0e} {area:7.3f} {soft_pixels:7.3f} {l1_to_sharp:7.4f} {seconds:8.2f}".format(**line))
    print(f"grid.png and metrics.json are in {options.out}")


if __name__ == "__main__":
    run_program("sigma_gamma_grid", main)
