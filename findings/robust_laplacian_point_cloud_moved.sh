#!/usr/bin/env bash
# robust_laplacian 1.1.0: the Laplacian of a point cloud depends on where the cloud lies: that of a wall ten metres in front of a scanner has half the eigenvalues.
#
# Expected: point_cloud_laplacian is made of the distances between neighbours, so that a cloud that is moved, with nothing else done to it, has the same matrices, but for rounding; float64
#   has 14 digits left at 10 m. So has it mesh_laplacian of the same package, and potpourri3d's distances in point clouds, by the same author.
# Happens: each point's tangent plane is fitted to its neighbours around a centre that is their sum divided by one more than there are: with 30 neighbours it lies 1/31 of the way
#   towards the origin of the coordinates. Where that is more than the size of the neighbourhood and the surface looks towards the origin, the planes stand upright on the
#   surface, and what is triangulated is the surface seen from its edge. A square metre ten metres away has the area 0.70, and the eigenvalues that should be 1, 1, 2, 4 times pi^2
#   are 0.54, 0.56, 1.13, 2.21; of a ball ten radii away a quarter of the matrix's entries are others. No error, no warning: the matrix stays symmetric, its rows sum to zero.
# What to do: subtract the mean of the points before. That is enough for an object, not for a large scene, whose far parts keep the fault: give it in parts.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check robust_laplacian==1.1.0 numpy==2.4.6 scipy==1.17.1
cat >"$folder/finding.py" <<'PYTHON'
import sys
from importlib.metadata import version

import numpy as np
import robust_laplacian
import scipy.sparse.linalg
import scipy.spatial

print("robust_laplacian", version("robust_laplacian"))
SIDE, BALL = 50, 3000
rows, columns = np.meshgrid(np.arange(SIDE), np.arange(SIDE))
wall = np.column_stack([(rows.ravel() + 0.5) / SIDE, (columns.ravel() + 0.5) / SIDE, np.zeros(SIDE**2)])
wall[:, :2] += np.random.default_rng(0).uniform(-0.2, 0.2, (SIDE**2, 2)) / SIDE  # no two distances are the same
index = np.arange(BALL) + 0.5
z, angle = 1 - 2 * index / BALL, index * np.pi * (3 - np.sqrt(5))
ball = np.column_stack([np.sqrt(1 - z * z) * np.cos(angle), np.sqrt(1 - z * z) * np.sin(angle), z])  # evenly spread over the unit sphere


def mesh_laplacian(points):
    return robust_laplacian.mesh_laplacian(points, faces)


def show(name, laplacian, points, unit, count):
    """Eigenvalues and sum of the masses for each distance from the origin, and the part of the matrix's entries that are not those at the origin."""
    at_origin, eigenvalues, masses, changed = laplacian(points)[0], {}, {}, {}
    for distance in (0, 0.1, 1, 10, 100):
        matrix, mass = laplacian(points + [0, 0, distance])
        eigenvalues[distance] = np.sort(scipy.sparse.linalg.eigsh(matrix, count + 1, mass, sigma=-1e-6, v0=np.ones(len(points)))[0])[1:] / unit
        difference = abs(matrix - at_origin)
        masses[distance] = mass.sum()
        changed[distance] = float((difference.data > 1e-3 * abs(at_origin).max()).sum() / (abs(matrix) + abs(at_origin)).nnz)
        values = " ".join(f"{value:.3f}" for value in eigenvalues[distance])
        print(f"  {name:16} {distance:5} away: {values}; area {masses[distance]:.3f}; {changed[distance]:5.1%} of the entries are others; rows sum to {abs(matrix.sum(axis=1)).max():.0e}")
    return eigenvalues, masses, changed


print("A wall of 1 x 1; eigenvalues by pi^2, which should be 1 1 2 4 4 5 5, and the area 1, wherever it stands (both but for the coarse points: see the row of 0):")
wall_eigenvalues, wall_area, wall_changed = show("point cloud", robust_laplacian.point_cloud_laplacian, wall, np.pi**2, 7)
faces = scipy.spatial.Delaunay(wall[:, :2]).simplices
mesh_eigenvalues, mesh_area, mesh_changed = show("mesh", mesh_laplacian, wall, np.pi**2, 7)
print("A ball of radius 1; eigenvalues, which should be 2 2 2 6 6 6 6 6, and the area 12.566:")
ball_eigenvalues, ball_area, ball_changed = show("point cloud", robust_laplacian.point_cloud_laplacian, ball, 1, 8)
exact = np.array([1, 1, 2, 4, 4, 5, 5])
right = np.abs(wall_eigenvalues[0] / exact - 1).max() < 0.05 and abs(wall_area[0] - 1) < 0.05
wrong = np.abs(wall_eigenvalues[10] / exact - 1).min() > 0.3 and wall_area[10] < 0.8 and wall_changed[10] > 0.5 and ball_changed[10] > 0.1
mesh = max(np.abs(mesh_eigenvalues[distance] / mesh_eigenvalues[0] - 1).max() for distance in (1, 10, 100)) < 1e-6 and mesh_changed[100] == 0
sys.exit(0 if right and wrong and mesh else 1)
PYTHON
"$folder/venv/bin/python" "$folder/finding.py" || { echo "It is no longer so: the Laplacian of a moved point cloud is the same, or differs otherwise."; exit 1; }
echo "Still so: the farther a point cloud lies from the origin, the less its Laplacian is that of its surface."
