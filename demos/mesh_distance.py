"""How far a mesh is from another, say a reconstruction from a scan: as a coloured map, and as figures.

    python demos/mesh_distance.py                              # an embedded pair: a noisy "scan", and a "reconstruction" without its finer parts
    python demos/mesh_distance.py MESH OTHER -o out/mine       # two mesh files in one coordinate system
    python demos/mesh_distance.py MESH OTHER --protocol points --samples 2500      # DIB-R's way to measure

OUT then holds map.png (MESH, its distance to OTHER, OTHER's distance to MESH, from five sides, with a colour bar), mesh.ply and other.ply (the distances as
colours, and as the vertex attribute ``quality``) and metrics.json.

What is printed, where d(a, B) is the distance (not squared) of a point from a surface and points are drawn evenly on the surfaces:

* Chamfer distance: half the sum of the mean of d(a, OTHER) over points a of MESH and the mean of d(b, MESH) over points b of OTHER.
* F-score at the tolerance t: 2 P R/(P + R), the precision P being the share of a with d(a, OTHER) < t, the recall R that of b with d(b, MESH) < t.

With ``--protocol surface`` d is the distance to the triangles, exact. With ``--protocol points`` it is the distance to the nearest of the points that are drawn
on the other surface, as DIB-R and others measure with 2,500 of them: it never falls below the distance between such points. The tolerance is a share of
the diagonal of OTHER's bounding box.
"""

import json
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import trimesh
from matplotlib import colormaps
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from program import check_folder, program_parser, run_program
from scipy.spatial import cKDTree
from sigma_gamma_grid import save_grid
from tqdm import tqdm

import taichi_softras as tsr
from taichi_softras.engine.nearest import squared_distances
from taichi_softras.recover import render_views, shaded
from taichi_softras.recover.metrics import surface_points
from taichi_softras.scene import creature

COLORS = "turbo"
VIEWS = ((20.0, 35.0, "front"), (10.0, 125.0, "side"), (20.0, 215.0, "back"), (75.0, 35.0, "above"), (-60.0, 35.0, "below"))  # elevation, azimuth, name
DISTANCE, FOV = 3.0, 40.0
SAMPLES = {"surface": 20_000, "points": 2500}
FINE = 20_000  # meshes of fewer faces are divided, so that the map also tells of the inside of large faces


def distances(points: np.ndarray, surface: tsr.Mesh) -> np.ndarray:
    """[N]: of points [N, 3] from the nearest triangles, exactly."""
    return np.sqrt(squared_distances(points, np.asarray(surface.vertices, np.float64)[surface.faces]))


def measure(mesh: tsr.Mesh, other: tsr.Mesh, tolerance: float, samples: int, protocol: str = "surface", seed: int = 0) -> dict:
    """Chamfer distance, F-score (see above) and what they are made of.

    Args:
        tolerance: in units of the meshes.
        samples: points on each surface.
    """
    there, back = surface_points(mesh, samples, seed), surface_points(other, samples, seed + 1)
    if protocol == "surface":
        to_other, to_mesh = distances(there, other), distances(back, mesh)
    else:
        to_other, to_mesh = cKDTree(back).query(there)[0], cKDTree(there).query(back)[0]
    precision, recall = float((to_other < tolerance).mean()), float((to_mesh < tolerance).mean())

    def figures(distance: np.ndarray, share: float) -> dict[str, float]:
        percentile = float(np.percentile(distance, 95))
        return {
            "mean": float(distance.mean()),
            "rms": float(np.sqrt((distance**2).mean())),
            "percentile_95": percentile,
            "max": float(distance.max()),
            "within": share,
        }

    return {
        "mesh_to_other": figures(to_other, precision),
        "other_to_mesh": figures(to_mesh, recall),
        "chamfer_distance": float(to_other.mean() + to_mesh.mean()) / 2,
        "f_score": 2 * precision * recall / (precision + recall) if precision + recall else 0.0,
    }


def embedded_pair(quick: bool) -> tuple[tsr.Mesh, tsr.Mesh]:
    """A reconstruction that is too smooth, and a scan: a little rough."""
    fine = creature(4 if quick else 5)
    scan = fine.vertices + np.random.default_rng(0).normal(0, 0.001, fine.vertices.shape)
    coarse = creature(4)
    smooth = trimesh.Trimesh(coarse.vertices, coarse.faces, process=False)
    trimesh.smoothing.filter_taubin(smooth, lamb=0.5, nu=0.5, iterations=300)
    return tsr.Mesh(vertices=smooth.vertices, faces=smooth.faces), replace(fine, vertices=scan, colors=None)


def divided(mesh: tsr.Mesh) -> tsr.Mesh:
    """The same surface of at least FINE faces; without texture and colours."""
    vertices, faces = mesh.vertices, mesh.faces
    while len(faces) < FINE:
        vertices, faces = trimesh.remesh.subdivide(vertices, faces)
    return tsr.Mesh(vertices=vertices, faces=faces)


def in_one_frame(meshes: list[tsr.Mesh]) -> list[tsr.Mesh]:
    """All moved and scaled alike, so that together they have radius 1."""
    points = np.concatenate([mesh.vertices for mesh in meshes]).astype(np.float64)
    center = (points.min(0) + points.max(0)) / 2
    radius = np.linalg.norm(points - center, axis=1).max()
    return [replace(mesh, vertices=(mesh.vertices - center) / radius) for mesh in meshes]


def mapped(mesh: tsr.Mesh, distance: np.ndarray, limit: float) -> tsr.Mesh:
    """Coloured by distance [V]."""
    return replace(mesh, colors=colormaps[COLORS](np.clip(distance / limit, 0, 1))[:, :3])


def seen(mesh: tsr.Mesh, camera: tsr.Camera, size: int) -> np.ndarray:
    """[B, size, size, 3] over white; the colours a little darker where the light does not fall."""
    lit = replace(mesh, colors=mesh.colors * (0.55 + 0.45 * shaded(mesh).colors / 0.95))
    return render_views(lit, camera, (size, size), ("",) * len(camera), samples=2).over_white()


def save_map(path: Path, meshes: list[tsr.Mesh], distances: list[np.ndarray], limit: float, size: int) -> None:
    mesh, other = in_one_frame(meshes)
    camera = tsr.Camera.orbit(DISTANCE, [view[0] for view in VIEWS], [view[1] for view in VIEWS], fov=FOV)
    grey = [replace(one, colors=np.full_like(one.vertices, 0.8)) for one in (mesh, other)]
    rows = [*grey, mapped(mesh, distances[0], limit), mapped(other, distances[1], limit)]
    labels = ["MESH", "OTHER", "MESH to OTHER", "OTHER to MESH"]
    pictures = [list(seen(row, camera, size)) for row in tqdm(rows, desc="pictures", leave=False, disable=None)]
    bar = (ScalarMappable(Normalize(0, limit), COLORS), "distance")
    save_grid(path, pictures, labels, [view[2] for view in VIEWS], bar=bar)


def save_ply(path: Path, mesh: tsr.Mesh, distance: np.ndarray) -> None:
    """With the distance as ``quality`` (what MeshLab calls it), besides colours."""
    out = trimesh.Trimesh(mesh.vertices, mesh.faces, process=False, vertex_attributes={"quality": distance.astype(np.float32)})
    rgb = np.round(mesh.colors * 255).astype(np.uint8)
    out.visual.vertex_colors = np.concatenate([rgb, np.full((len(rgb), 1), 255, np.uint8)], 1)
    out.export(path)


def main() -> None:
    parser = program_parser(__doc__, "out/mesh_distance")
    parser.add_argument("mesh", nargs="?", type=Path, help="the mesh that is judged; by default an embedded pair")
    parser.add_argument("other", nargs="?", type=Path, help="what it should be")
    parser.add_argument("--tolerance", type=float, default=0.02, help="of the F-score, share of the diagonal of OTHER's bounding box (default: %(default)s)")
    parser.add_argument("--protocol", choices=SAMPLES, default="surface", help="distances to triangles, or to points on them (default: %(default)s)")
    parser.add_argument("--samples", type=int, help="points drawn on each surface (default: 20000, with --protocol points 2500)")
    parser.add_argument("--limit", type=float, help="distance of the last colour, in units of the meshes (default: below it are 98 percent of MESH's vertices)")
    parser.add_argument("--size", type=int, default=200, help="side of a picture, pixels (default: %(default)s)")
    parser.add_argument("--quick", action="store_true", help="coarser: fewer points, smaller pictures")
    options = parser.parse_args()
    if (options.mesh is None) != (options.other is None):
        raise ValueError("two mesh files must be given, or none, got one")
    if not 0 < options.tolerance < 1:
        raise ValueError(f"--tolerance must be a share of the diagonal, between 0 and 1, got {options.tolerance}")
    if options.limit is not None and not 0 < options.limit < np.inf:
        raise ValueError(f"--limit must be a positive distance, got {options.limit}")
    samples = options.samples if options.samples is not None else SAMPLES[options.protocol] // (4 if options.quick else 1)
    size = min(options.size, 120) if options.quick else options.size
    if not 1 <= samples <= 10_000_000 or not 16 <= size <= 2048:
        raise ValueError(f"--samples must be between 1 and 10,000,000 and --size between 16 and 2048, got {samples} and {size}")
    check_folder(options.out)
    mesh, other = embedded_pair(options.quick) if options.mesh is None else (tsr.Mesh.load(options.mesh), tsr.Mesh.load(options.other))
    for name, one in (("MESH", mesh), ("OTHER", other)):
        if not trimesh.Trimesh(one.vertices, one.faces, process=False).area > 0:
            raise ValueError(f"{name} must have a surface, got triangles without area")
    began = time.monotonic()
    diagonal = float(np.linalg.norm(np.ptp(other.vertices, axis=0)))
    tolerance = options.tolerance * diagonal
    figures = measure(mesh, other, tolerance, samples, options.protocol)

    fine = [divided(mesh), divided(other)]
    far = [distances(fine[0].vertices, other), distances(fine[1].vertices, mesh)]
    limit = options.limit or max(float(np.percentile(far[0], 98)), 1e-6 * diagonal)
    options.out.mkdir(parents=True, exist_ok=True)
    save_map(options.out / "map.png", fine, far, limit, size)
    for name, one, distance in zip(("mesh", "other"), fine, far, strict=True):
        save_ply(options.out / f"{name}.ply", mapped(one, distance, limit), distance)
    facts = {"protocol": options.protocol, "samples": samples, "diagonal": diagonal, "tolerance": tolerance, "tolerance_share": options.tolerance}
    (options.out / "metrics.json").write_text(json.dumps(facts | figures | {"seconds": round(time.monotonic() - began, 2)}, indent=1) + "\n")

    what = "to the triangles" if options.protocol == "surface" else "to the nearest such point"
    print(f"{len(mesh.faces):,} and {len(other.faces):,} faces; {samples:,} points on each surface, distances {what}, not squared, in units of the meshes")
    print(f"{'':<16}{'mean':>10}{'rms':>10}{'95 %':>10}{'max':>10}   within {tolerance:.4g}")
    for name, key in (("MESH to OTHER", "mesh_to_other"), ("OTHER to MESH", "other_to_mesh")):
        row = figures[key]
        print(f"{name:<16}" + "".join(f"{row[column]:10.5f}" for column in ("mean", "rms", "percentile_95", "max")) + f"   {row['within']:.1%}")
    chamfer = figures["chamfer_distance"]
    print(f"Chamfer distance (mean of the two means) {chamfer:.5f}, {chamfer / diagonal:.3%} of the diagonal of OTHER's bounding box, {diagonal:.4g}")
    print(f"F-score at {options.tolerance:.3g} of the diagonal: {figures['f_score']:.4f}")
    print(f"map.png, mesh.ply, other.ply and metrics.json are in {options.out}")


if __name__ == "__main__":
    run_program("mesh_distance", main)
