#!/usr/bin/env bash
# PyVista 0.49.1 (VTK 9.7.2): smooth_taubin moves a mesh by a part of its coordinates, a house in a survey's by ten metres.
#
# Expected: a smoothing that does not shrink keeps a mesh where it is, wherever that is: its middle stays, to rounding, as with smooth of the same package, and as Taubin's filter has it, which
#   lets the lowest frequency through as it is.
# Happens: the windowed series that stands for the filter passes the lowest frequency at 1.000002 of its size, with pass_band=0.01 at 0.99998, so that all coordinates grow or shrink by that.
#   A ball of 20 m at (450000, 5400000, 100), in UTM, comes out 10.8 m beside, with pass_band=0.01 110 m; its shape is right to the micrometre, so that a plot that is centred
#   shows nothing. float64 throughout: it is no rounding. No error, no warning. normalize_coordinates, which is off, is documented to "minimize the scaling of the translation
#   effects"; neither that these are there nor how large they are is said.
# What to do: normalize_coordinates=True, which is exact; or subtract the middle before, and add it after.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check pyvista==0.49.1 vtk==9.7.2 numpy==2.4.6
cat >"$folder/finding.py" <<'PYTHON'
import sys

import numpy as np
import pyvista
import vtk

print(f"PyVista {pyvista.__version__}, VTK {vtk.vtkVersion().GetVTKVersion()}")
ball = pyvista.Icosphere(radius=10, nsub=3)
points, faces = np.asarray(ball.points, float), ball.regular_faces
ways = {
    "smooth_taubin": lambda mesh: mesh.smooth_taubin(),
    "smooth_taubin, 50 steps": lambda mesh: mesh.smooth_taubin(n_iter=50),
    "smooth_taubin, pass_band=0.01": lambda mesh: mesh.smooth_taubin(pass_band=0.01),
    "smooth_taubin, normalized": lambda mesh: mesh.smooth_taubin(normalize_coordinates=True),
    "smooth": lambda mesh: mesh.smooth(),
}
moved, shape = {}, {}
for place in ([0, 0, 0], [1000, 0, 0], [450_000, 5_400_000, 100]):
    print(f"A ball of radius 10 at {place}; its middle should not move, and its shape be the one at the origin:")
    for name, smooth in ways.items():
        smoothed = smooth(pyvista.PolyData.from_regular_faces(points + place, faces)).points
        assert smoothed.dtype == np.float64
        middle = (smoothed - place).mean(0)
        moved[name, place[0]] = float(np.linalg.norm(middle))
        if place[0] == 0:
            shape[name] = smoothed - smoothed.mean(0)
        difference = float(np.abs(smoothed - smoothed.mean(0) - shape[name]).max())
        print(f"  {name:30} moves it by {moved[name, place[0]]:10.6f}, {' '.join(f'{value:+.3f}' for value in middle)}; the shape differs by {difference:.0e}")
        assert difference < 1e-4
survey = {name: moved[name, 450_000] for name in ways}
part = survey["smooth_taubin"] / np.linalg.norm([450_000, 5_400_000, 100])
print(f"smooth_taubin moves by {part:.3e} of the distance from the origin at the survey's place, {moved['smooth_taubin', 1000] / 1000:.3e} at 1000")
right = survey["smooth"] < 1e-6 and survey["smooth_taubin, normalized"] < 1e-6
sys.exit(0 if right and survey["smooth_taubin"] > 5 and survey["smooth_taubin, pass_band=0.01"] > 50 and moved["smooth_taubin", 0] < 1e-6 else 1)
PYTHON
"$folder/venv/bin/python" "$folder/finding.py" || { echo "It is no longer so: a smoothed mesh stays where it is, or moves otherwise."; exit 1; }
echo "Still so: what is smoothed moves by two millionths of its coordinates, or more."
