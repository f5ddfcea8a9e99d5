#!/usr/bin/env bash
# pymeshlab 2025.7.post1: the shape diameter, in parts of the mesh's size, depends on the unit that the mesh is measured in, at both ends.
#
# Expected: the shape diameter function (Shapira, Shamir and Cohen-Or 2008) is a mean of the lengths of rays that go inwards: it scales with the mesh. Meshes are float64 here, and the
#   rays, whose number and cone are the only parameters, are the same in each call: called twice it gives the same bits.
# Happens: it is as if lengths of a fixed size took part. Of a box of 2 x 1 x 0.5 mm, in metres, diameters are up to twice as large as of the same box in millimetres; of a ball with a
#   radius of 3 mm, in micrometres (3,000), the median is a quarter too small (half from 100,000 on), and some vertices have a diameter of nearly nothing. Between 1 and 100 units
#   all agree to 0.5 %. Who looks for thin walls finds them in the ball, and not in the box. No error, no warning.
# What to do: scale the mesh to a size of 1 to 100 before, and the diameters back.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check pymeshlab==2025.7.post1 trimesh==5.2.0 numpy==2.4.6
cat >"$folder/finding.py" <<'PYTHON'
import sys
from importlib.metadata import version

import numpy as np
import pymeshlab
import trimesh

MESHES = {"ball, radius 1": trimesh.creation.icosphere(subdivisions=3), "box, 2 x 1 x 0.5": trimesh.creation.box((2, 1, 0.5)).subdivide().subdivide().subdivide()}


def diameters(mesh, unit):
    meshes = pymeshlab.MeshSet()
    meshes.add_mesh(pymeshlab.Mesh(mesh.vertices * unit, mesh.faces))
    meshes.compute_scalar_by_shape_diameter_function_per_vertex()
    return meshes.current_mesh().vertex_scalar_array() / unit


print(f"pymeshlab {version('pymeshlab')}; shape diameters over the scale: each mesh should have the same in every row")
error = {}
for name, mesh in MESHES.items():
    reference = diameters(mesh, 10.0)
    for unit in (0.001, 0.01, 1.0, 10.0, 100.0, 3000.0, 1e5):
        found, again = diameters(mesh, unit), diameters(mesh, unit)
        ratio = found / reference
        error[name[:4], unit] = float(np.abs(ratio - 1).max())
        shown = f"{found.min():.4f}, {np.median(found):.4f}, {found.max():.4f}"
        print(f"{name:16} times {unit:8g}: least, median, greatest {shown}; over those of times 10: {ratio.min():.3f} to {ratio.max():.3f}; twice the same {np.array_equal(found, again)}")
middle = all(error[name, unit] < 0.01 for name in ("ball", "box,") for unit in (1.0, 10.0, 100.0))
sys.exit(0 if middle and error["box,", 0.001] > 0.2 and error["ball", 3000.0] > 0.2 else 1)
PYTHON
"$folder/venv/bin/python" "$folder/finding.py" || { echo "It is no longer so: shape diameters scale with the mesh."; exit 1; }
echo "Still so: shape diameters of small numbers are too large, and of large numbers too small."
