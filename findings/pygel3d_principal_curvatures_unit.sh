#!/usr/bin/env bash
# PyGEL 0.8.2: the principal curvatures of a mesh depend on its unit: of a ball with a radius of 2 cm, in metres, they are a hundredth of the true ones.
#
# Expected: a curvature is one by a length: a ball of radius r has 1 / r everywhere, in any unit, as mean_curvature and gaussian_curvature of the same package give it, and principal_curvatures
#   when the ball is large. The fit is of six points to three numbers, in float64.
# Happens: principal_curvatures fits a paraboloid by least squares, and adds 1e-10 for each neighbour to the diagonal of a matrix whose entries are fourth powers of the edges' lengths. Edges
#   of 8 mm, in metres, lose a quarter of the curvature by that, those of 4 mm three quarters, those of 1.5 mm 99 %. The finer a mesh is divided, the flatter it becomes: a ball of
#   10 cm has 0.99 of its curvature with 1,280 faces and 0.2 with 20,480. Mean and sign stay plausible. No error, no warning.
# What to do: scale the mesh until its edges are 0.1 or longer, and multiply the curvatures by the same number; or take mean and Gaussian curvature, and solve k^2 - 2 H k + K = 0.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check pygel3d==0.8.2 trimesh==5.2.0 numpy==2.4.6
cat >"$folder/finding.py" <<'PYTHON'
import sys
from importlib.metadata import version

import numpy as np
import trimesh
from pygel3d import hmesh

print("PyGEL", version("pygel3d"))
print("Curvatures of a ball times its radius, least to greatest of 64 vertices; all should be near 1 (a mesh is not quite a ball)")
principal = {}
for subdivisions in (3, 4, 5):
    ball = trimesh.creation.icosphere(subdivisions=subdivisions)
    for radius in (100.0, 1.0, 0.1, 0.02):
        mesh = hmesh.Manifold.from_triangles(ball.vertices * radius, ball.faces)
        vertices = np.random.default_rng(0).choice(len(ball.vertices), 64, replace=False).tolist()
        both = np.array([mesh.principal_curvatures(vertex)[:2] for vertex in vertices]) * radius
        mean = np.array([mesh.mean_curvature(vertex) for vertex in vertices]) * radius
        gaussian = np.array([mesh.gaussian_curvature(vertex) for vertex in vertices]) * radius**2
        principal[subdivisions, radius] = float(np.median(both))
        edge = ball.edges_unique_length.mean() * radius
        print(
            f"  radius {radius:6}, {len(ball.faces):5} faces, edges of {edge:8.5f}: principal {both.min():.4f} to {both.max():.4f}, half of them below {np.median(both):.4f};",
            f"mean {mean.min():.3f} to {mean.max():.3f}, Gaussian {gaussian.min():.3f} to {gaussian.max():.3f}",
        )
        assert np.abs(mean - 1).max() < 0.02 and np.abs(gaussian - 1).max() < 0.02
right = all(abs(principal[subdivisions, radius] - 1) < 0.03 for subdivisions in (3, 4, 5) for radius in (100.0, 1.0))
finer = principal[3, 0.1] > 0.95 and principal[4, 0.1] < 0.85 and principal[5, 0.1] < 0.3
sys.exit(0 if right and finer and principal[4, 0.02] < 0.02 and principal[3, 0.02] < 0.2 else 1)
PYTHON
"$folder/venv/bin/python" "$folder/finding.py" || { echo "It is no longer so: principal curvatures do not depend on the unit, or depend on it otherwise."; exit 1; }
echo "Still so: the smaller the edges, the flatter the surface."
