#!/usr/bin/env bash
# fast-simplification 0.2.0: how many faces are left depends on the unit of the mesh: in large numbers it keeps all of them, whatever was asked for.
#
# Expected: target_reduction is the share of the faces to remove, target_count the number to keep; simplifying commutes with scaling, for which faces go, and where vertices come to lie,
#   does not depend on the unit (quadrics all grow with the square of it). trimesh's simplify_quadric_decimation is this function, too.
# Happens: an edge goes if its error is below a threshold that grows from round to round, in the square of the mesh's unit, up to round 100. Then it ends, with what is there. A bumpy
#   ball of 1 to 1,000 units gets as small as asked; with a radius of 30,000 it keeps four times as many faces as asked, with 1,000,000 (a metre, in micrometres) 99.8 %. And
#   in small numbers (a millimetre, in metres) all edges pass in the first round, in the order of the file: the error that should choose them does not count. pyfqmr 0.5.0, of the
#   same origin, does the same, but tells of the threshold in its documentation (not of its unit). No error, no warning.
# What to do: scale the mesh to a size of about 1 to 100 before, and back; and count the faces afterwards.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check fast-simplification==0.2.0 trimesh==5.2.0 numpy==2.4.6 scipy==1.17.1
cat >"$folder/finding.py" <<'PYTHON'
import sys
from importlib.metadata import version

import fast_simplification
import numpy as np
import trimesh

# Half of the ball is smooth: there faces can go at no cost. The other half is bumpy.
sphere = trimesh.creation.icosphere(subdivisions=4)
points = np.asarray(sphere.vertices, np.float64)
bumps = np.where(points[:, 2] > 0, points[:, 2] * np.sin(12 * points[:, 0]) * np.cos(12 * points[:, 1]), 0)
points = points * (1 + 0.1 * bumps[:, None])
faces = np.asarray(sphere.faces, np.int32)
asked = len(faces) // 10


def off(vertices, kept):
    """How far every eighth of the old vertices lies from the new faces, in radii: the root of the mean of the squares."""
    new = trimesh.Trimesh(vertices, kept, process=False)
    return float(np.sqrt(np.mean(trimesh.proximity.closest_point_naive(new, points[::8])[1] ** 2)))


print(f"fast-simplification {version('fast-simplification')}, trimesh {trimesh.__version__}; {asked} of {len(faces)} faces asked for, as a share, as a number, and by trimesh")
print("Each row should be the same as the others; scaled: the same mesh, brought to a radius of 10 and back")
seen = {}
for radius in (1e6, 1e5, 3e4, 1e3, 10.0, 1.0, 1e-3):
    mesh = points * radius
    by_share = fast_simplification.simplify(mesh, faces, target_reduction=0.9)
    by_number = fast_simplification.simplify(mesh, faces, target_count=asked)
    by_trimesh = trimesh.Trimesh(mesh, faces, process=False).simplify_quadric_decimation(percent=0.9)
    scaled = fast_simplification.simplify(mesh / radius * 10, faces, target_reduction=0.9)
    counts = len(by_share[1]), len(by_number[1]), len(by_trimesh.faces), len(scaled[1])
    seen[radius] = *counts, off(by_share[0] / radius, by_share[1]), off(scaled[0] / 10, scaled[1])
    print(f"radius {radius:9g}: {counts[0]:5}, {counts[1]:5}, {counts[2]:5}; scaled {counts[3]:4}; off by {seen[radius][4]:.5f} radii, scaled by {seen[radius][5]:.5f}")
good = all(abs(count - asked) <= 4 for radius in (1.0, 10.0, 1e3) for count in seen[radius][:3]) and all(abs(row[3] - asked) <= 4 for row in seen.values())
left = all(count > 0.9 * len(faces) for count in seen[1e6][:3]) and all(count > 2 * asked for count in seen[3e4][:3])
sys.exit(0 if good and left and seen[1e-3][4] > 1.1 * seen[1e-3][5] else 1)
PYTHON
"$folder/venv/bin/python" "$folder/finding.py" || { echo "It is no longer so: as many faces are left as asked for, in every unit, or otherwise."; exit 1; }
echo "Still so: the larger the numbers, the more faces are left."
