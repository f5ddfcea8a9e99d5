#!/usr/bin/env bash
# scikit-image 0.26.0: marching_cubes puts its vertices at the given spacing, and leaves the normals as they are for cubes of side one.
#
# Expected: vertices, faces and normals are of one mesh. "spacing" is the distance between voxels along each axis; the normals are "the normal direction at each vertex, as
#   calculated from the data", and come back with the length 1. The normal of a level set is its gradient, in the units of the vertices: differences between voxels over their spacing.
# Happens: the differences are never divided. With cubic voxels of any size that is the same direction; with voxels as scanners and stacks of slices have them (spacing 1, 1, 4) the
#   normals of a plane are 31 degrees off, and those of a ball up to 50 (16 once divided: it has few slices), both with Lewiner's method and Lorensen's. No error, no warning, and
#   the length is still 1: the shape is right, and its shading is that of another one.
# What to do: divide the normals by the spacing, and make their length 1 again; or compute them from the faces.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check scikit-image==0.26.0 scipy==1.17.1 numpy==2.4.6
cat >"$folder/finding.py" <<'PYTHON'
import sys

import numpy as np
import skimage
from skimage.measure import marching_cubes


def angles(normals, truth):
    """Degrees between two sets of lines: which side a normal points to is not the matter here."""
    truth = truth / np.linalg.norm(truth, axis=-1, keepdims=True)
    return np.degrees(np.arccos(np.clip(np.abs((normals * truth).sum(-1)), 0, 1)))


def plane(x, y, z):
    return x - 0.25 * z + 0.1 * y - 2.3, lambda points: np.broadcast_to([1, 0.1, -0.25], points.shape)


def ball(x, y, z):
    centre = np.array([10.3, 10.7, 11.2])
    return np.sqrt((x - centre[0]) ** 2 + (y - centre[1]) ** 2 + (z - centre[2]) ** 2) - 7, lambda points: points - centre


print(f"scikit-image {skimage.__version__}; largest angle in degrees between the normals and the true ones at the vertices")
print("It should be next to nothing for a plane, small for a ball, and no larger than that of the normals divided by the spacing")
seen = {}
for shape in (plane, ball):
    for spacing in ((1, 1, 1), (0.5, 0.5, 0.5), (1, 1, 4), (1, 0.5, 1)):
        for method in ("lewiner", "lorensen"):
            size = np.ceil(24 / np.array(spacing)).astype(int)
            grid = [index * step for index, step in zip(np.meshgrid(*map(np.arange, size), indexing="ij"), spacing)]
            values, gradient = shape(*grid)
            vertices, faces, normals, _ = marching_cubes(values, 0, spacing=spacing, method=method)
            distance = np.abs(shape(*vertices.T)[0]).max()
            divided = normals / spacing
            divided /= np.linalg.norm(divided, axis=1, keepdims=True)
            found = angles(normals, gradient(vertices)).max(), angles(divided, gradient(vertices)).max()
            seen[shape.__name__, spacing, method] = found
            length = np.abs(np.linalg.norm(normals, axis=1) - 1).max()
            told = f"vertices at most {distance:.3f} off, lengths {length:.0e} off 1"
            print(f"{shape.__name__:5} spacing {str(spacing):15} {method:8} {found[0]:7.3f}; divided by the spacing {found[1]:6.3f}; {told}")
cubic = all(abs(found[0] - found[1]) < 0.1 for (_, spacing, _), found in seen.items() if len(set(spacing)) == 1)
flat = all(found[0] > 20 and found[1] < 0.1 for (shape, spacing, _), found in seen.items() if shape == "plane" and spacing == (1, 1, 4))
others = all(found[0] > 2 * found[1] for (_, spacing, _), found in seen.items() if len(set(spacing)) > 1)
sys.exit(0 if cubic and flat and others else 1)
PYTHON
"$folder/venv/bin/python" "$folder/finding.py" || { echo "It is no longer so: the normals are those of the mesh."; exit 1; }
echo "Still so: the normals are of cubic voxels, whatever the spacing."
