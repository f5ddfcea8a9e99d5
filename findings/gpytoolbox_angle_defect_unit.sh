#!/usr/bin/env bash
# gpytoolbox 0.3.8: the angles of a small triangle do not sum to 180 degrees, so that the curvature of a mesh depends on its unit.
#
# Expected: an angle has no unit: tip_angles gives 90, 45, 45 degrees for half a square of any size, and angle_defect of a closed surface sums to 4 pi (Gauss and Bonnet), to rounding.
#   The option use_small_angle_approx, which is on, is documented as "a different, more stable formula for small angles".
# Happens: it is not the angle that is compared with the square root of the machine's precision, but the squared length of the side opposite. Each side shorter than 0.00012 (of float32:
#   0.019) gets the formula sin x = x, however wide its angle is. A right angle becomes 81.0 degrees, one of 157 degrees 112.4, and the three of an equilateral triangle 57.3 each.
#   A ball of 1 mm, in metres, with 5,120 faces has 60 times the total curvature of a ball; in float32 that is so for a ball of 10 cm, too. No error, no warning.
# What to do: use_small_angle_approx=False, which is exact to 14 digits here.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check gpytoolbox==0.3.8 numpy==2.4.6
cat >"$folder/finding.py" <<'PYTHON'
import sys
from importlib.metadata import version

import gpytoolbox
import numpy as np

print("gpytoolbox", version("gpytoolbox"))
face = np.array([[0, 1, 2]])
print("Angles of one triangle in degrees, of a side of 1 and of one of 0.0001:")
wrong = {}
for name, corners in (("half a square", [[0, 0, 0], [1, 0, 0], [0, 1, 0]]), ("equilateral", [[0, 0, 0], [1, 0, 0], [0.5, 0.75**0.5, 0]]), ("flat", [[0.5, 0.1, 0], [0, 0, 0], [1, 0, 0]])):
    large, small = (np.degrees(gpytoolbox.tip_angles(np.array(corners, float) * size, face)[0]) for size in (1, 5e-5))
    exact = np.degrees(gpytoolbox.tip_angles(np.array(corners) * 5e-5, face, use_small_angle_approx=False)[0])
    wrong[name] = float(np.abs(small - large).max())
    print(f"  {name:13}: {large.round(2).tolist()}, sum {large.sum():.2f}; {small.round(2).tolist()}, sum {small.sum():.2f}; without the approximation {exact.round(2).tolist()}")
    assert np.abs(exact - large).max() < 1e-9
vertices, faces = gpytoolbox.icosphere(4)
print(f"Curvature of a ball of {len(faces)} faces by 4 pi, which should be 1:")
curvature = {}
for dtype in (np.float64, np.float32):
    for diameter in (10.0, 1.0, 0.1, 0.01, 0.001):
        ball = (vertices * diameter / 2).astype(dtype)
        curvature[dtype, diameter] = [float(gpytoolbox.angle_defect(ball, faces, use_small_angle_approx=approximation).sum() / (4 * np.pi)) for approximation in (True, False)]
        side = np.sqrt(gpytoolbox.halfedge_lengths_squared(ball, faces).max())
        print(f"  {dtype.__name__}, diameter {diameter:6g}, sides up to {side:.6f}: {curvature[dtype, diameter][0]:.4f}; without the approximation {curvature[dtype, diameter][1]:.4f}")
right = abs(curvature[np.float64, 1.0][0] - 1) < 1e-9 and all(abs(values[1] - 1) < 0.02 for values in curvature.values())
sys.exit(0 if right and wrong["half a square"] > 8 and wrong["flat"] > 40 and curvature[np.float64, 0.001][0] > 10 and curvature[np.float32, 0.1][0] > 10 else 1)
PYTHON
"$folder/venv/bin/python" "$folder/finding.py" || { echo "It is no longer so: angles do not depend on the unit, or depend on it otherwise."; exit 1; }
echo "Still so: a mesh in a larger unit has other angles."
