#!/usr/bin/env bash
# meshoptimizer 0.2.30a0 (Python): of positions that are a part of an interleaved array, as they come from a GLB file, it reads the neighbours' normals as positions.
#
# Expected: simplify and its siblings take a numpy array of positions, and "vertex_positions_stride: stride of vertex positions in bytes (optional, derived from vertex_positions if
#   not provided)". Equal arrays give equal results, whether they are a view (rows[:, :3] of positions beside normals, or columns of x, y and z) or a copy.
# Happens: the stride is taken from the array's shape, not from its strides. From the view the library reads the first three numbers, then the three normals as the second vertex, and so
#   on, so that half of the vertices are never seen. Asked for a sixth of the triangles of a ball it gives back something else, which is no ball: that goes for Fortran's order, too, and
#   simplify_sloppy, simplify_scale and optimize_overdraw. No error, no warning.
# What to do: np.ascontiguousarray (it costs nothing where the array is so already), or give vertex_positions_stride.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check meshoptimizer==0.2.30a0 numpy==2.4.6 scipy==1.17.1
cat >"$folder/finding.py" <<'PYTHON'
import sys
from importlib.metadata import version

import meshoptimizer
import numpy as np
from scipy.spatial import ConvexHull

print("meshoptimizer", version("meshoptimizer"))
COUNT, ASKED = 600, 600  # vertices; indices that shall be left
turn, height = np.arange(COUNT) * np.pi * (3 - 5**0.5), 1 - (2 * np.arange(COUNT) + 1) / COUNT
around = np.sqrt(1 - height**2)
positions = np.stack([around * np.cos(turn), around * np.sin(turn), height], axis=1).astype(np.float32) + np.float32([3, 0, 0])
faces = ConvexHull(positions).simplices
a, b, c = np.moveaxis(positions[faces], 1, 0)
inwards = np.einsum("ij,ij->i", np.cross(b - a, c - a), a - np.float32([3, 0, 0])) < 0
faces[inwards] = faces[inwards][:, ::-1]
indices = faces.astype(np.uint32).ravel()
interleaved = np.hstack([positions, positions - np.float32([3, 0, 0])])  # x, y, z and the normal


def volume(left):
    a, b, c = np.moveaxis(positions[left.reshape(-1, 3)].astype(float), 1, 0)
    return float(np.einsum("ij,ij->", a, np.cross(b, c)) / 6)


seen = {}
for name, array, options in (
    ("a copy", positions.copy(), {}),
    ("a view", interleaved[:, :3], {}),
    ("a view, its stride told", interleaved[:, :3], {"vertex_positions_stride": 24}),
    ("Fortran's order", np.asfortranarray(positions), {}),
):
    assert np.array_equal(array, positions)
    left = np.zeros_like(indices)
    count = meshoptimizer.simplify(left, indices, array, target_index_count=ASKED, target_error=1.0, **options)
    seen[name] = int(count), volume(left[:count]), float(meshoptimizer.simplify_scale(array, **options))
    print(f"{name:24} {count // 3:4d} triangles of {len(faces)}, {ASKED // 3} asked for; volume {seen[name][1]:.3f} of {volume(indices):.3f}; scale {seen[name][2]:.3f}", "" if seen[name] == seen["a copy"] else " WRONG")
right = seen["a copy"] == seen["a view, its stride told"] and seen["a copy"][0] <= ASKED and abs(seen["a copy"][1] / volume(indices) - 1) < 0.1
wrong = all(seen[name] != seen["a copy"] for name in ("a view", "Fortran's order"))
sys.exit(0 if right and wrong else 1)
PYTHON
"$folder/venv/bin/python" "$folder/finding.py" || { echo "It is no longer so: a view gives what a copy gives."; exit 1; }
echo "Still so: the strides of an array are not looked at."
