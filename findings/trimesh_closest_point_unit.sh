#!/usr/bin/env bash
# trimesh 5.2.0: which point of a mesh is the closest depends on the unit that the mesh is measured in, and need not be the closest one.
#
# Expected: closest_point, documented as "the closest point on any triangle", and mesh.nearest.on_surface give distances that scale with the mesh, but for rounding: nothing here is
#   near the limits of float64. trimesh's tolerance tol.merge is 1e-8, a length at which vertices count as one.
# Happens: of the two nearest triangles that face which looks more towards the point is taken if their distances differ by less than tol.merge, and it is the SQUARES that are
#   compared with it. Two places of a mesh whose squared distances differ by less than 1e-8 count as one, however far they lie from each other, if the point is farther than 1e-4. So for
#   a sphere with a radius of 1 mm, in metres, one distance in seven is too long, by up to 3 % of the radius here; of a meter's radius all are right. No error, no warning.
# What to do: scale mesh and points before so that the mesh is a thousand units wide, and the distances back.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check trimesh==5.2.0 numpy==2.4.6 scipy==1.17.1 rtree==1.4.1
cat >"$folder/finding.py" <<'PYTHON'
import sys

import numpy as np
import trimesh

print("trimesh", trimesh.__version__)
sphere = trimesh.creation.icosphere(subdivisions=2)
points = np.random.default_rng(0).normal(size=(400, 3))


def nearest_of_all(mesh, points):
    """The distance of each point from the nearest of all triangles, one triangle after the other."""
    each = [trimesh.triangles.closest_point(np.broadcast_to(triangle, (len(points), 3, 3)), points) for triangle in np.asarray(mesh.triangles)]
    return np.min(np.linalg.norm(np.stack(each) - points, axis=2), axis=0)


print("The greatest error of a distance, in radii of the sphere, against the least of the distances to all of its triangles; it should be 1e-12 or less in each row")
errors = {}
for radius in (1000.0, 1.0, 0.01, 0.001):
    mesh = trimesh.Trimesh(sphere.vertices * radius, sphere.faces, process=False)
    closest, distance, _ = trimesh.proximity.closest_point(mesh, points * radius)
    true = nearest_of_all(mesh, points * radius)
    error = distance - true
    errors[radius] = float(np.abs(error).max() / radius)
    consistent = np.allclose(np.linalg.norm(closest - points * radius, axis=1), distance, rtol=1e-9, atol=0)
    print(f"radius {radius:8g}: {errors[radius]:.1e}; {np.sum(np.abs(error) > 1e-9 * radius):3d} of {len(points)} distances wrong; the point is as far as it says: {consistent}")
sys.exit(0 if errors[1000.0] < 1e-10 and errors[0.001] > 0.03 and errors[0.01] > 1e-5 else 1)
PYTHON
"$folder/venv/bin/python" "$folder/finding.py" || { echo "It is no longer so: distances are right in every unit, or wrong otherwise."; exit 1; }
echo "Still so: the smaller the numbers, the worse the closest point."
