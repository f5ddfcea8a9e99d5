#!/usr/bin/env bash
# VTK 9.7.2 (by way of PyVista 0.49.1): decimate and subdivide take float64 and give float32: in a survey's coordinates they ruin the mesh, or do nothing.
#
# Expected: what a filter makes of points in float64 are points in float64, as clip, slice, smooth, clean and fill_holes give. So do decimate_pro and subdivide_adaptive, which do the same by other
#   ways. Moving a mesh changes neither how many faces are left nor its shape; linear subdivision cuts faces at the middles of their edges and leaves the surface as it is.
# Happens: decimate (vtkQuadricDecimation) and subdivide (linear, loop and butterfly) put the points into float32. At a northing of 4,000,000 m these are 0.25 m apart, so that a terrain
#   of 10 m is 10 % larger after a subdivision that should not change it, and faces lose their area. And of that terrain decimate removes 42 of 6,962 faces, not the 4,873 asked
#   for (and found near the origin). VTK's and PyVista's documentation of these filters does not speak of precision. No error, no warning.
# What to do: subtract an offset before; or decimate_pro and subdivide_adaptive, whose VTK filters alone have an OutputPointsPrecision.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check vtk==9.7.2 pyvista==0.49.1 numpy==2.4.6
cat >"$folder/finding.py" <<'PYTHON'
import sys

import numpy as np
import pyvista
import vtk

SIDE, METRES = 60, 10.0
SURVEY = np.array([500_000.0, 4_000_000.0, 100.0])
x, y = np.meshgrid(np.linspace(0, 1, SIDE), np.linspace(0, 1, SIDE))
terrain = METRES * np.stack([x.ravel(), y.ravel(), 0.1 * np.sin(7 * x.ravel()) * np.cos(5 * y.ravel())], axis=1)
corner = np.arange(SIDE * SIDE).reshape(SIDE, SIDE)
a, b, c, d = (corner[rows, columns].ravel() for rows in (slice(-1), slice(1, None)) for columns in (slice(-1), slice(1, None)))
faces = np.concatenate([np.stack([a, b, d], axis=1), np.stack([a, d, c], axis=1)])

FILTERS = {
    "decimate, 70 %": lambda mesh: mesh.decimate(0.7),
    "decimate_pro, 70 %": lambda mesh: mesh.decimate_pro(0.7),
    "subdivide, linear": lambda mesh: mesh.subdivide(1, "linear"),
    "subdivide, loop": lambda mesh: mesh.subdivide(1, "loop"),
    "subdivide, butterfly": lambda mesh: mesh.subdivide(1, "butterfly"),
    "subdivide_adaptive": lambda mesh: mesh.subdivide_adaptive(max_edge_len=METRES / 80),
    "clip": lambda mesh: mesh.clip("z", origin=mesh.center),
    "clean": lambda mesh: mesh.clean(),
    "smooth": lambda mesh: mesh.smooth(n_iter=1),
}


def results(offset):
    mesh = pyvista.PolyData.from_regular_faces(terrain + offset, faces)
    assert mesh.points.dtype == np.float64
    return mesh, {name: apply(mesh) for name, apply in FILTERS.items()}


print(f"VTK {vtk.vtkVersion.GetVTKVersion()}, PyVista {pyvista.__version__}; a terrain of 10 m x 10 m in float64, near the origin | in a survey's coordinates")
print("Faces and area should be the same in both, and the type float64")
(near, at_origin), (far, at_survey) = results(0 * SURVEY), results(SURVEY)
print(f"{'as it is':21} {near.n_cells:6} faces, area {near.area:8.4f}, {near.points.dtype} | {far.n_cells:6} faces, area {far.area:8.4f}, {far.points.dtype}")
for name in FILTERS:
    shown = [f"{mesh.n_cells:6} faces, area {mesh.area:8.4f}, {mesh.points.dtype}" for mesh in (at_origin[name], at_survey[name])]
    print(f"{name:21} {shown[0]} | {shown[1]}")
lossy = [name for name in FILTERS if name == "decimate, 70 %" or name.startswith("subdivide, ")]
exact = [name for name in FILTERS if name not in lossy]
kept = all(at_survey[name].points.dtype == np.float64 and abs(at_survey[name].area / at_origin[name].area - 1) < 0.01 for name in exact)
lost = all(at_survey[name].points.dtype == np.float32 and at_survey[name].area / at_origin[name].area > 1.03 for name in lossy)
asked = abs(at_origin["decimate, 70 %"].n_cells - 0.3 * near.n_cells) < 5 and at_survey["decimate, 70 %"].n_cells > 0.9 * near.n_cells
sys.exit(0 if kept and lost and asked else 1)
PYTHON
"$folder/venv/bin/python" "$folder/finding.py" || { echo "It is no longer so: decimate and subdivide keep float64, or other filters do not."; exit 1; }
echo "Still so: decimate and subdivide give float32, and the mesh is ruined; their siblings keep float64."
