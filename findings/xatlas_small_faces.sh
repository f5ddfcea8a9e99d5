#!/usr/bin/env bash
# xatlas 0.0.11: whether a face gets texture coordinates depends on the unit that the mesh is measured in.
#
# Expected: texture coordinates have no unit (they come normalised to [0, 1]), so a mesh in metres and the same in millimetres get the same atlas, but for rounding. float32 has
#   room for it: a thousandth of a unit is as exact as a unit. Nothing in the signature, the README or the options speaks of a unit.
# Happens: a face with an area below FLT_EPSILON, 1.19e-7 square units, is taken for one of no area, and all of its corners come back with the texture coordinates (0, 0). An object
#   of a centimetre, in metres, with 1,280 triangles, loses those of 768 of them; a scan of 10 cm is there with half a million triangles. The Python package has neither an
#   error, a warning nor a count of them (in C++ a print function may be set, which tells). The texture then shows one texel where they are.
# What to do: scale the mesh before, so that its area is 1 or more; the coordinates need no scaling back.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check xatlas==0.0.11 numpy==2.4.6
cat >"$folder/finding.py" <<'PYTHON'
import sys

import numpy as np
import xatlas

RINGS, SECTORS = 21, 32


def ellipsoid(radii):
    """[V, 3] vertices and [F, 3] faces, closed, no face of area zero."""
    polar, around = np.arange(1, RINGS) * np.pi / RINGS, np.arange(SECTORS) * 2 * np.pi / SECTORS
    rings = np.stack([np.outer(np.sin(polar), np.cos(around)), np.outer(np.sin(polar), np.sin(around)), np.outer(np.cos(polar), np.ones(SECTORS))], -1)
    vertices = np.concatenate([rings.reshape(-1, 3), [[0, 0, 1], [0, 0, -1]]]) * radii
    i, j = np.meshgrid(np.arange(RINGS - 2), np.arange(SECTORS), indexing="ij")
    a, b = (i * SECTORS + j).ravel(), (i * SECTORS + (j + 1) % SECTORS).ravel()
    top, bottom, last = len(vertices) - 2, len(vertices) - 1, (RINGS - 2) * SECTORS
    j = np.arange(SECTORS)
    caps = [np.stack([np.full(SECTORS, top), j, (j + 1) % SECTORS], 1), np.stack([np.full(SECTORS, bottom), last + (j + 1) % SECTORS, last + j], 1)]
    return vertices, np.concatenate([np.stack([a, a + SECTORS, b], 1), np.stack([b, a + SECTORS, b + SECTORS], 1), *caps])


vertices, faces = ellipsoid([0.005, 0.003, 0.002])  # metres
smallest = np.finfo(np.float32).eps
print(f"{len(faces)} faces of an ellipsoid of 10 x 6 x 4 mm; faces with all three corners at the texture coordinates (0, 0) should be none")
lost = {}
for unit, per_metre in (("millimetres", 1000), ("metres", 1)):
    measured = (vertices * per_metre).astype(np.float32)
    corners = measured[faces].astype(np.float64)
    area = np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1) / 2
    _, indices, uvs = xatlas.parametrize(measured, faces.astype(np.uint32))
    gone = (uvs[indices] == 0).all((1, 2))
    lost[unit] = gone
    told = f", of at most {area[gone].max():.3g} square {unit}; the others have at least {area[~gone].min():.3g}" if gone.any() else ""
    print(f"in {unit:11} {gone.sum():5}{told}")
    if unit == "metres":
        by_area = bool(gone.any() and not gone.all() and area[gone].max() < smallest * 1.01 and area[~gone].min() > smallest * 0.99)
print(f"FLT_EPSILON is {smallest:.3g}")
sys.exit(0 if by_area and not lost["millimetres"].any() else 1)
PYTHON
"$folder/venv/bin/python" "$folder/finding.py" || { echo "It is no longer so: the unit makes no difference, or another one."; exit 1; }
echo "Still so: small faces lose their texture coordinates, by an absolute measure of area."
