#!/usr/bin/env bash
# libigl 2.6.3 (Python): a PLY file says that its coordinates are doubles, and has six digits of them.
#
# Expected: write_triangle_mesh takes float64, and the ending chooses the format. Its OBJ and OFF files have 15 digits or more, its MESH file and its binary PLY every bit; a PLY
#   whose header declares "property double" ought to hold one. read_triangle_mesh then gives back what was written.
# Happens: the text that PLY gets by default is rounded to six digits. A model in a survey's coordinates (eastings of 500,000 m, northings of 4,000,000 m) comes back with its
#   vertices on a grid of 1 m by 10 m: of 400 places on a sheet of a metre 20 are left. Files of models around the origin look right. No error, no warning.
# What to do: encoding=igl.FileEncoding.Binary.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check libigl==2.6.3 numpy==2.4.6 scipy==1.17.1
cat >"$folder/finding.py" <<'PYTHON'
import sys
from importlib.metadata import version
from pathlib import Path

import igl
import numpy as np

print("libigl", version("libigl"))
SIDE = 20
across, along = np.meshgrid(np.linspace(0, 1, SIDE), np.linspace(0, 1, SIDE))
local = np.stack([across.ravel(), along.ravel(), np.sin(3 * across.ravel())], axis=1)  # a sheet of 1 m
corner = np.arange(SIDE * SIDE).reshape(SIDE, SIDE)
a, b, c, d = (corner[rows, columns].ravel() for rows in (slice(-1), slice(1, None)) for columns in (slice(-1), slice(1, None)))
faces = np.concatenate([np.stack([a, b, d], axis=1), np.stack([a, d, c], axis=1)]).astype(np.int64)


def returned(ending, place, **options):
    """(greatest error of a coordinate, number of different vertices) after a mesh was written and read."""
    path, vertices = Path(__file__).with_name(f"sheet.{ending}"), local + place
    igl.write_triangle_mesh(str(path), vertices, faces, **options)
    read, _ = igl.read_triangle_mesh(str(path))
    return float(np.abs(read - vertices).max()), len(np.unique(read, axis=0))


SURVEY = np.array([500_000.0, 4_000_000.0, 100.0])
seen = {}
for name, ending, options in (("obj", "obj", {}), ("off", "off", {}), ("mesh", "mesh", {}), ("ply binary", "ply", {"encoding": igl.FileEncoding.Binary}), ("ply", "ply", {})):
    seen[name] = returned(ending, SURVEY, **options)
    print(f"{name:10}  greatest error {seen[name][0]:.1e} m, {seen[name][1]:3d} different vertices of {len(local)}{'  WRONG' if seen[name][0] > 1e-6 else ''}")
content = Path(__file__).with_name("sheet.ply").read_text().split("\n")
print("ply: the header says", content[3:4], "and the last vertex is", content[content.index("end_header") + len(local)], "for", *(local + SURVEY)[-1])
right = all(error < 1e-8 and count == len(local) for name, (error, count) in seen.items() if name != "ply")
sys.exit(0 if right and seen["ply"][0] > 0.1 and seen["ply"][1] < len(local) // 2 and content[3] == "property double x" else 1)
PYTHON
"$folder/venv/bin/python" "$folder/finding.py" || { echo "It is no longer so: the PLY file keeps the coordinates, or others do not."; exit 1; }
echo "Still so: a double in a PLY file has six digits."
