#!/usr/bin/env bash
# meshio 5.3.5: a file NAME.msh is written for Ansys Fluent, not for Gmsh, and of points in float32 it holds rubbish, and no triangle can be read back.
#
# Expected: the format is "inferred from extension"; .msh is Gmsh's to most, and whatever is chosen, what is written is read back. Fluent's sections say the width of their numbers:
#   2010 begins binary nodes in single precision, 3010 those in double.
# Happens: two formats have the extension, and the first is taken, without a word. That writer puts 3010 before float32, too. The reader takes twice as many bytes as there are, so
#   points are of 1e-315 or 1e+185, and the triangles are swallowed: a mesh without cells, no error, no warning. With float64, or file_format="gmsh" (which says that it converts), all is right.
# What to do: file_format="gmsh", or points.astype(float).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check meshio==5.3.5 numpy==2.4.6
cat >"$folder/finding.py" <<'PYTHON'
import sys
from pathlib import Path

import meshio
import numpy as np

points = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [1, 1, 0]])
triangles = np.array([[0, 1, 2], [1, 3, 2]])
print(f"meshio {meshio.__version__}: a square of two triangles, written to square.msh and read back; 4 points, at most 0 off, and 2 triangles are right")
path = Path(__file__).with_name("square.msh")
right, begins = {}, {}
for dtype in (np.float64, np.float32):
    for chosen in (None, "gmsh", "ansys"):
        meshio.write(path, meshio.Mesh(points.astype(dtype), [("triangle", triangles)]), file_format=chosen)
        begins[dtype, chosen] = path.read_bytes()[:11]
        section = "".join(f", section {number} of nodes" for number in (2010, 3010) if f"({number} ".encode() in path.read_bytes())
        back = meshio.read(path)
        off = np.abs(back.points - points).max()
        cells = sum(len(block.data) for block in back.cells)
        right[dtype, chosen] = off == 0 and cells == 2 and np.array_equal(back.cells[0].data, triangles)
        print(f"{dtype.__name__}, file_format={chosen!s:5}: begins with {begins[dtype, chosen].decode()!r}{section}; {len(back.points)} points, {off:.0e} off; {cells} triangles")
fluent = all(begins[dtype, None] == begins[dtype, "ansys"] != begins[dtype, "gmsh"] for dtype in (np.float32, np.float64))
wrong = {case for case, well in right.items() if not well}
sys.exit(0 if fluent and wrong == {(np.float32, None), (np.float32, "ansys")} else 1)
PYTHON
"$folder/venv/bin/python" "$folder/finding.py" || { echo "It is no longer so: .msh is Gmsh's, or float32 is read back."; exit 1; }
echo "Still so: .msh is Fluent's, and of float32 nothing is read back."
