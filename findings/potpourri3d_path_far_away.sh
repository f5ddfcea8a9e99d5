#!/usr/bin/env bash
# potpourri3d 1.4.0: in a survey's coordinates a geodesic path between two vertices does not arrive: it ends up to half a metre and more beside its target.
#
# Expected: EdgeFlipGeodesicSolver.find_geodesic_path(a, b) gives points from vertex a to vertex b, along which the way is locally the shortest. Moving a mesh by a vector moves the path by it: the
#   method (flips of edges) works on lengths of edges and angles only. float64 has room for a nanometre at 5,400 km.
# Happens: a terrain of 6 x 6 m with a point each 10 cm, at an easting of 450,000 m and a northing of 5,400,000 m: one path in six ends elsewhere, up to 0.7 m beside its target, and
#   lengths are wrong by up to 14 %; with a point each centimetre it is nine of ten, by up to half the terrain. The very same coordinates less the same vector (exact in float64, so that they
#   are rounded alike) give paths that arrive. Heat method and areas of the same package do not mind where the mesh lies. No error, no warning.
# What to do: subtract a vertex from all before; compare path[-1] with the target.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check potpourri3d==1.4.0 numpy==2.4.6 scipy==1.17.1
cat >"$folder/finding.py" <<'PYTHON'
import sys
from importlib.metadata import version

import numpy as np
import potpourri3d

print("potpourri3d", version("potpourri3d"))
SIDE, PAIRS, SURVEY = 60, 40, np.array([450_000.0, 5_400_000.0, 100.0])
index = np.arange(SIDE * SIDE).reshape(SIDE, SIDE)
lower, right, across, own = index[1:, :-1], index[:-1, 1:], index[1:, 1:], index[:-1, :-1]
faces = np.concatenate([np.stack(corners, -1).reshape(-1, 3) for corners in ((own, lower, across), (own, across, right))])
random = np.random.default_rng(0)
x, y = np.meshgrid(np.arange(SIDE), np.arange(SIDE), indexing="ij")
height = 3 * np.sin(x / 7) * np.cos(y / 9) + 0.2 * random.normal(size=x.shape)
terrain = np.stack([x + random.uniform(-0.3, 0.3, x.shape), y + random.uniform(-0.3, 0.3, x.shape), height], -1).reshape(-1, 3)
pairs = [random.choice(SIDE * SIDE, 2, replace=False).tolist() for _ in range(PAIRS)]


def length(path):
    return float(np.linalg.norm(np.diff(path, axis=0), axis=1).sum())


def paths(vertices):
    """Of each pair: how far from its target the path ends, and its length."""
    found = []
    for start, target in pairs:
        path = potpourri3d.EdgeFlipGeodesicSolver(vertices, faces).find_geodesic_path(start, target)
        found.append((float(np.linalg.norm(path[-1] - vertices[target])), length(path)))
    return np.array(found).T


seen = {}
for spacing in (0.1, 0.01):
    far = terrain * spacing + SURVEY
    near = far - SURVEY
    assert (near + SURVEY == far).all()  # the same mesh, to the last bit
    (near_end, near_length), (far_end, far_length) = paths(near), paths(far)
    astray, longer = float((far_end > spacing / 2).mean()), float(np.abs(far_length / near_length - 1).max())
    seen[spacing] = near_end.max(), astray, far_end.max(), longer
    print(f"a point each {spacing} m, {PAIRS} paths: near the origin they end within {near_end.max():.1g} m of their target;")
    print(f"  in a survey's coordinates {astray:.0%} end elsewhere, up to {far_end.max():.3g} m off; lengths differ by up to {longer:.0%}  WRONG")
right_near = all(values[0] < 1e-6 for values in seen.values())
wrong = seen[0.1][1] > 0.05 and seen[0.1][2] > 0.3 and seen[0.01][1] > 0.5
sys.exit(0 if right_near and wrong else 1)
PYTHON
"$folder/venv/bin/python" "$folder/finding.py" || { echo "It is no longer so: paths arrive wherever the mesh lies."; exit 1; }
echo "Still so: far from the origin paths do not arrive."
