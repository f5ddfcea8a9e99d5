"""Why softness helps: the energy landscape of a coloured cube's pose, from sharp pictures to soft ones (SoftRas's experiment).

The energy is the squared difference between a sharp picture of the cube and one of the cube turned by two angles, rendered with ever larger sigma and gamma.
From afar the sharp landscape looks well. From near it is a staircase: pixel after pixel flips, and every step may hold a pit in which a descent ends. Softness
makes a slope of it; but it moves the valley's floor away from the truth (the dashed line), so that a fit begins soft and ends sharp.

    python demos/05_energy_landscape.py

OUT then holds energy_landscape.png (pictures, the energy over both angles, along one, and a part of that from near) and metrics.json.
"""

import json
from pathlib import Path

import numpy as np
import trimesh
from program import program_parser, run_program, say
from tqdm import tqdm

import taichi_softras as tsr

try:
    from matplotlib.figure import Figure
except ImportError:
    raise SystemExit("this program draws with matplotlib, which is not installed: pip install 'taichi_softras[plot]'") from None

DISTANCE, FOV = 4.0, 40.0
TRUE_AZIMUTH, TRUE_ELEVATION = 30.0, 25.0  # degrees
COLORS = np.array([(0.9, 0.2, 0.2), (0.2, 0.7, 0.3), (0.2, 0.35, 0.9), (0.95, 0.85, 0.2), (0.85, 0.4, 0.85), (0.3, 0.85, 0.9)])
SOFTNESS = [(1e-6, 1e-3), (1e-3, 1e-1), (2e-3, 2e-1), (4e-3, 4e-1)]  # sigma and gamma
FLAT = 1e-6  # smaller differences of energy are rounding
NEARBY = (100.0, 112.0)  # of azimuth, the part shown from near
AT_ONCE = 128  # pictures that are rendered together


def cube() -> tuple[tsr.Mesh, np.ndarray]:
    """A cube of side 1.2, and a colour for each of its faces [12, 3]."""
    box = trimesh.creation.box((1.2, 1.2, 1.2))
    axis, sign = np.abs(box.face_normals).argmax(1), box.face_normals.sum(1) > 0
    return tsr.Mesh(vertices=box.vertices, faces=box.faces), COLORS[2 * axis + sign]


def pictures(azimuth: np.ndarray, elevation: np.ndarray, softness: tuple[float, float], size: int) -> np.ndarray:
    """[B, size, size, 3] of the cube turned by B pairs of angles: of the camera going round it, which is the same."""
    (mesh, colors), (sigma, gamma) = cube(), softness
    renderer = tsr.Renderer(
        size, tsr.RasterizeSettings(sigma=sigma, gamma=gamma, near=DISTANCE - 1.1, far=DISTANCE + 1.1, cutoff=1e-3, texture=tsr.Texture.FACE)
    )
    vertices, texels = renderer.arrays.real(mesh.vertices), renderer.arrays.real(colors)
    parts = []
    for i in range(0, len(azimuth), AT_ONCE):
        camera = tsr.Camera.orbit(DISTANCE, elevation[i : i + AT_ONCE], azimuth[i : i + AT_ONCE], fov=FOV)
        parts.append(renderer(vertices, mesh.faces, camera, texels).color.to_numpy())
    return np.concatenate(parts)


def energies(target: np.ndarray, azimuth: np.ndarray, elevation: np.ndarray, softness: tuple[float, float]) -> np.ndarray:
    """Mean squared difference from the target, in the shape of the angles."""
    differences = pictures(azimuth.ravel(), elevation.ravel(), softness, len(target)) - target
    return (differences**2).mean((1, 2, 3)).reshape(azimuth.shape)


def pits(energy: np.ndarray) -> int:
    """How often a line that closes to a ring turns from falling to rising."""
    change = np.diff(energy, append=energy[0])
    rising = change[np.abs(change) > FLAT] > 0
    return int((~rising & np.roll(rising, -1)).sum())


def draw(path: Path, seen: list[np.ndarray], grids: list[np.ndarray], lines: list[np.ndarray], near: list[np.ndarray]) -> None:
    """A column for each softness."""
    figure = Figure(figsize=(12, 8.6), layout="constrained")
    axes = figure.subplots(4, len(SOFTNESS), height_ratios=(1, 1, 0.8, 0.8))
    for column, (sigma, gamma) in enumerate(SOFTNESS):
        picture, grid, line, part = axes[:, column]
        picture.imshow(seen[column].clip(0, 1), interpolation="nearest")
        picture.set(title=f"sigma {sigma:g}, gamma {gamma:g}", xticks=[], yticks=[])
        grid.imshow(grids[column], extent=(-180, 180, -88, 88), origin="lower", aspect="auto", cmap="viridis")
        grid.plot(TRUE_AZIMUTH, TRUE_ELEVATION, "*", color="white", markersize=11)
        grid.axhline(TRUE_ELEVATION, color="white", linewidth=0.6, linestyle=":")
        grid.set(xticks=range(-180, 181, 90), yticks=[-60, 0, 60])
        line.plot(np.linspace(-180, 180, len(lines[column]), endpoint=False), lines[column], linewidth=1)
        line.axvline(TRUE_AZIMUTH, color="0.6", linewidth=0.8, linestyle="--")
        line.set(title=f"{pits(lines[column])} pits", xticks=range(-180, 181, 90))
        part.plot(np.linspace(*NEARBY, len(near[column])), near[column], linewidth=1, color="tab:red")
        part.set(xlabel="azimuth, degrees", title="a part of it, from near")
    axes[1, 0].set(ylabel="elevation, degrees")
    axes[2, 0].set(ylabel="energy")
    axes[3, 0].set(ylabel="energy")
    figure.savefig(path, dpi=80)


def main() -> None:
    parser = program_parser(__doc__, "out/05_energy_landscape")
    parser.add_argument("--size", type=int, default=48, help="side of the pictures, pixels (default: %(default)s)")
    parser.add_argument("--samples", type=int, default=1440, help="of the line, all around (default: %(default)s)")
    options = parser.parse_args()
    if options.size < 8 or options.samples < 72:
        raise ValueError(f"--size must be at least 8 and --samples 72, got {options.size} and {options.samples}")
    azimuths, nearby = np.linspace(-180, 180, options.samples, endpoint=False), np.linspace(*NEARBY, options.samples // 4)
    elevation, azimuth = np.meshgrid(np.linspace(-85, 85, 35), np.linspace(-180, 180, 73), indexing="ij")
    true = np.array([TRUE_AZIMUTH]), np.array([TRUE_ELEVATION])
    target = pictures(*true, SOFTNESS[0], options.size)[0]
    seen, grids, lines, near = [], [], [], []
    for softness in tqdm(SOFTNESS, desc="landscapes"):
        seen.append(pictures(*true, softness, 4 * options.size)[0])
        grids.append(energies(target, azimuth, elevation, softness))
        lines.append(energies(target, azimuths, np.full_like(azimuths, TRUE_ELEVATION), softness))
        near.append(energies(target, nearby, np.full_like(nearby, TRUE_ELEVATION), softness))
    options.out.mkdir(parents=True, exist_ok=True)
    say("energy_landscape.png is drawn")
    draw(options.out / "energy_landscape.png", seen, grids, lines, near)
    metrics = [
        {"sigma": sigma, "gamma": gamma, "pits": pits(line), "lowest_at_degrees": float(azimuths[line.argmin()])}
        for (sigma, gamma), line in zip(SOFTNESS, lines, strict=True)
    ]
    (options.out / "metrics.json").write_text(json.dumps(metrics, indent=1) + "\n")
    for line in metrics:
        print(json.dumps(line))
    print(f"energy_landscape.png and metrics.json are in {options.out}")


if __name__ == "__main__":
    run_program("05_energy_landscape", main)
