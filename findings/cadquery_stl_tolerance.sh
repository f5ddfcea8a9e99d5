#!/usr/bin/env bash
# CadQuery 2.8.0: exporters.export(..., "x.stl", tolerance=t) is told to keep within t "in model units", and keeps within t times the length of an edge: the error grows with the model.
#
# Expected: its docstring says "tolerance: the deflection tolerance, in model units". A ball, written with a tolerance of 0.05, is nowhere much further than that from the true ball, and has
#   the more triangles the larger it is. (angularTolerance is wide here, so that it does not decide.)
# Happens: balls of radius 1 and of radius 1000 have the very same triangles but for the size, in STL files as in those for three.js; the largest lies 31 beside its surface, 630 times the
#   tolerance. The STL writer of a shape, which is what runs below, has an option, relative, true by default, and says so; the function that chooses the format by the ending neither
#   tells of it nor passes it on, in opt either. A model in micrometres or of a whole house gets facets that the tolerance should have forbidden. No error, no warning.
# What to do: shape.exportStl(name, tolerance, angularTolerance, relative=False): within about twice the tolerance.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check cadquery==2.8.0 numpy==2.4.6
cat >"$folder/finding.py" <<'PYTHON'
import json
import sys
from importlib.metadata import version
from pathlib import Path

import cadquery as cq
import numpy as np

TOLERANCE, ANGULAR = 0.05, 1.5
print("CadQuery", version("cadquery"), "; tolerance", TOLERANCE)
triangle = np.dtype([("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("attribute", "<u2")])
weights = np.random.default_rng(0).dirichlet([1, 1, 1], 300)


def beside(triangles, radius):
    """How far points of the triangles lie from the ball, at most."""
    points = np.einsum("sk,fkc->sfc", weights, triangles.astype(float))
    return float(np.abs(np.linalg.norm(points, axis=-1) - radius).max())


def of_stl(path):
    return np.frombuffer(path.read_bytes(), triangle, offset=84)["corners"]


def of_tjs(path):
    told = json.loads(path.read_text())
    return np.reshape(told["vertices"], (-1, 3))[np.reshape(told["faces"], (-1, 4))[:, 1:]]


seen = {}
for radius in (1.0, 10.0, 100.0, 1000.0):
    row = []
    for ending, read in (("stl", of_stl), ("tjs", of_tjs), ("direct", of_stl)):
        ball = cq.Workplane().sphere(radius)  # a new one each time: it keeps what triangles were made
        path = Path(__file__).with_name(f"ball.{ending}")
        if ending == "direct":
            ball.val().exportStl(str(path), TOLERANCE, ANGULAR, relative=False)
        else:
            cq.exporters.export(ball, str(path), exportType=ending.upper(), tolerance=TOLERANCE, angularTolerance=ANGULAR)
        triangles = read(path)
        row.append((len(triangles), beside(triangles, radius)))
    seen[radius] = row
    told = [f"{count:6d} triangles, {error:7.3f} beside{'  WRONG' if error > 4 * TOLERANCE else ''}" for count, error in row]
    print(f"radius {radius:5.0f}:  export to .stl {told[0]};  to .tjs {told[1]};  exportStl(relative=False) {told[2]}")
counts = {row[0][0] for row in seen.values()} | {row[1][0] for row in seen.values()}
still = len(counts) == 1 and all(row[0][1] > 10 * TOLERANCE for radius, row in seen.items() if radius >= 100)
right = all(row[2][1] < 4 * TOLERANCE for row in seen.values()) and seen[1000.0][2][0] > 100 * seen[1.0][2][0]
sys.exit(0 if still and right else 1)
PYTHON
"$folder/venv/bin/python" "$folder/finding.py" || { echo "It is no longer so: an exported file keeps within the tolerance."; exit 1; }
echo "Still so: the tolerance of an exported file is relative."
