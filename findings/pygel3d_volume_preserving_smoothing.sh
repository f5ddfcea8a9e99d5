#!/usr/bin/env bash
# PyGEL 0.8.2: volume_preserving_cc_smooth moves a triangle mesh towards the origin of the coordinates, and its volume is not preserved.
#
# Expected: volume_preserving_cc_smooth smooths "to preserve volume ... as in Taubin smoothing", and a smoothing commutes with a shift: a ball that lies 100 radii away stays there. So it is
#   with taubin_smooth and laplacian_smooth of the same package, and with this function when all the faces are quadrilaterals.
# Happens: the weights of a vertex's neighbours sum to 1 if all its faces have four corners, and with triangles to 1 - 1/n, where n is its number of edges: 5/6 in most places of a mesh.
#   Each step takes the ball 2.8 % of the way to the origin and 8.5 % of its volume; vertices with five edges go another way than those with six, so that 100 radii away
#   twelve spikes stand out of the ball after three steps, as long as five radii. cc_smooth, which its page gives for a step after cc_split (all quadrilaterals then), takes it a sixth of the way at once.
#   No error, no warning.
# What to do: taubin_smooth; or cc_split before.
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
ball = trimesh.creation.icosphere(subdivisions=3)  # twelve vertices have five edges, the others six


def smoothed(name, distance, split, steps):
    """Volume by the one before, how far the middle went by its distance, and how far the vertices lie from the middle."""
    mesh = hmesh.Manifold.from_triangles(ball.vertices + [distance, 0, 0], ball.faces)
    if split:
        hmesh.cc_split(mesh)
    positions = np.array(mesh.positions())
    before, middle_before = hmesh.volume(mesh), positions[list(mesh.vertices())].mean(0)
    for _ in range(steps):
        {"volume_preserving_cc_smooth": lambda m: hmesh.volume_preserving_cc_smooth(m, 1), "taubin_smooth": lambda m: hmesh.taubin_smooth(m, 1)}[name](mesh)
    positions = np.array(mesh.positions())[list(mesh.vertices())]
    middle = positions.mean(0)
    radii = np.linalg.norm(positions - middle, axis=1)
    return hmesh.volume(mesh) / before, float((middle - middle_before)[0] / max(distance, 1)), float(radii.min()), float(radii.max())


found = {}
print(f"A ball of radius 1 of {len(ball.faces)} triangles, three steps; the volume should stay near 1, the middle where it was, and the radii near 1")
for name, split in (("volume_preserving_cc_smooth", False), ("volume_preserving_cc_smooth", True), ("taubin_smooth", False)):
    for distance in (0, 10, 100, 1000):
        found[name, split, distance] = volume, moved, least, greatest = smoothed(name, distance, split, 3)
        print(f"  {name}{' of quadrilaterals' if split else '':18}, at x = {distance:4}: volume {volume:7.4f}, moved by {moved * max(distance, 1):+9.4f}, radii {least:.3f} to {greatest:.3f}")
wrong = [found["volume_preserving_cc_smooth", False, distance] for distance in (10, 100, 1000)]
right = [values for (name, split, _), values in found.items() if split or name == "taubin_smooth"]
still = all(values[1] < -0.05 and abs(values[0] - 1) > 0.1 for values in wrong) and wrong[2][3] > 3
sys.exit(0 if still and all(abs(values[1]) < 1e-6 and abs(values[0] - 1) < 0.05 and values[3] < 1.1 for values in right) else 1)
PYTHON
"$folder/venv/bin/python" "$folder/finding.py" || { echo "It is no longer so: a mesh of triangles stays where it is, or moves otherwise."; exit 1; }
echo "Still so: a smoothing that is to preserve the volume takes triangles to the origin."
