#!/usr/bin/env bash
# trimesh 5.2.0: the moments of inertia of a mesh depend on where it stands: of a house in a survey's coordinates they are 35 times too large.
#
# Expected: moment_inertia is taken "at the center of mass", so moving the mesh changes nothing. Vertices are float64, and 4,000,000 m with a step of 5e-10 m: volume and centre of
#   mass, from the same integrals, come out to the last digit.
# Happens: the integrals are taken about the origin, and the centre's share, which grows with the square of the distance, is subtracted at the end: what is left of a box of 10 m at an
#   easting of 500,000 and a northing of 4,000,000 is rounding. The three moments are 35, 0.97 and 22 times the true ones, the products are not zero, and the principal axes
#   are turned by that; of a chair there no digit is right, and moments are negative, which no body has. is_watertight and is_volume are true. No error, no warning.
#   pymeshlab 2025.7.post1's get_geometric_measures does the same, to the same mesh. (100 km from the origin a house is right to 0.1 %.)
# What to do: move a copy by minus center_mass (or minus a vertex) first: inertia about the centre does not change by that.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check trimesh==5.2.0 numpy==2.4.6 scipy==1.17.1 pymeshlab==2025.7.post1
cat >"$folder/finding.py" <<'PYTHON'
import sys
from importlib.metadata import version

import numpy as np
import pymeshlab
import trimesh

SIDES = np.array([10.0, 8.0, 6.0])
PLACES = {"the origin": (0, 0, 0), "10 km off": (6000, 8000, 100), "a survey's": (500_000, 4_000_000, 100)}


def by_meshlab(mesh):
    meshes = pymeshlab.MeshSet()
    meshes.add_mesh(pymeshlab.Mesh(mesh.vertices, mesh.faces))
    return np.asarray(meshes.get_geometric_measures()["inertia_tensor"])


def show(moments):
    return "(" + ", ".join(f"{value:.4g}" for value in moments) + ")"


print(f"trimesh {trimesh.__version__}, pymeshlab {version('pymeshlab')}; moments of boxes, in the unit of their true ones: each should be 1, and each product 0")
worst = {}
for name, scale in {"house": 1.0, "chair": 0.1}.items():
    sides = SIDES * scale
    volume = sides.prod()
    truth = volume / 12 * ((sides**2).sum() - sides**2)  # of a solid box about its centre
    for place, offset in PLACES.items():
        mesh = trimesh.creation.box(sides)
        mesh.vertices += offset
        moved = mesh.copy()
        moved.vertices -= mesh.center_mass
        given = {"trimesh": mesh.moment_inertia, "pymeshlab": by_meshlab(mesh), "trimesh, moved to its centre": moved.moment_inertia}
        centre = np.abs(mesh.center_mass - offset).max()
        print(f"{name} at {place:11}: is_volume {mesh.is_volume}, volume off by {abs(mesh.volume / volume - 1):.0e}, centre of mass by {centre:.0e}")
        for who, tensor in given.items():
            ratio = np.diag(tensor) / truth
            product = np.abs(tensor - np.diag(np.diag(tensor))).max() / truth.max()
            worst[name, place, who] = max(np.abs(ratio - 1).max(), product)
            print(f"    {who:28} moments {show(ratio)}, largest product {product:.2g}")
near = all(error < 1e-3 for (_, place, _), error in worst.items() if place != "a survey's")
far = all(worst[name, "a survey's", who] > 0.3 for name in ("house", "chair") for who in ("trimesh", "pymeshlab"))
mended = all(error < 1e-5 for (*_, who), error in worst.items() if who.endswith("centre"))
sys.exit(0 if near and far and mended else 1)
PYTHON
"$folder/venv/bin/python" "$folder/finding.py" || { echo "It is no longer so: inertia is the same wherever the mesh stands."; exit 1; }
echo "Still so: the inertia of a mesh far from the origin is rounding, and its volume and centre are right."
