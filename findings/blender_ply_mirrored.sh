#!/usr/bin/env bash
# Blender 4.5.15 (bpy): the PLY file of a mirrored object is inside out; OBJ and STL files are not.
#
# Expected: an object with a scale of -1 (so mirrored halves, left hands and wheels are made) is drawn and rendered like any other, its faces looking out. Its exporters write vertices
#   in the world; where the transformation mirrors, corners must be written in the other order, or the faces look in. OBJ's and STL's do so.
# Happens: PLY's moves the vertices and leaves the order of the corners. The signed volume of a closed mesh comes out negative, normals of faces point inwards, and programs that leave out
#   back faces show the far walls. Beside objects that are not mirrored in the same file, some parts are right and some are not. The normals that it writes at request point out all
#   the same, against the order of the corners. No error, no warning.
# What to do: Object > Apply > Scale (which turns the faces) before the export, or OBJ.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3.11 -m venv "$folder/venv"  # Blender is for just one version of Python
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check bpy==4.5.15 numpy==1.26.4
cat >"$folder/finding.py" <<'PYTHON'
import sys
from pathlib import Path

import bpy
import numpy as np

FOLDER = Path(__file__).parent


def volume(triangles):
    """Signed, of a closed mesh: positive if the corners run counter-clockwise, seen from outside."""
    a, b, c = np.array(triangles, float).transpose(1, 0, 2)
    return float((a * np.cross(b, c)).sum() / 6)


def fans(polygons, vertices):
    return [[vertices[face[0]], vertices[face[i]], vertices[face[i + 1]]] for face in polygons for i in range(1, len(face) - 1)]


def of_obj(path):
    rows = [line.split() for line in path.read_text().splitlines()]
    vertices = [[float(x) for x in row[1:4]] for row in rows if row[:1] == ["v"]]
    return fans([[int(corner.split("/")[0]) - 1 for corner in row[1:]] for row in rows if row[:1] == ["f"]], vertices), None


def of_stl(path):
    rows = [line.split() for line in path.read_text().splitlines()]
    return np.array([[float(x) for x in row[1:4]] for row in rows if row[:1] == ["vertex"]]).reshape(-1, 3, 3), None


def of_ply(path):
    head, body = path.read_text().split("end_header\n")
    count = int(head.split("element vertex ")[1].split()[0])
    rows = [[float(x) for x in line.split()] for line in body.splitlines()]
    vertices, faces = [row[:3] for row in rows[:count]], [[int(x) for x in row[1:]] for row in rows[count:]]
    outward = [float(np.dot(row[:3], row[3:6])) for row in rows[:count]]
    return fans(faces, vertices), outward


seen, outward = {}, []
for scale in (1.0, -1.0):
    bpy.ops.wm.read_factory_settings(use_empty=True)
    bpy.ops.mesh.primitive_cube_add(size=2)
    bpy.context.object.scale = (scale, 1, 1)
    options = {"forward_axis": "Y", "up_axis": "Z"}
    bpy.ops.wm.obj_export(filepath=str(FOLDER / "cube.obj"), **options)
    bpy.ops.wm.stl_export(filepath=str(FOLDER / "cube.stl"), ascii_format=True, **options)
    bpy.ops.wm.ply_export(filepath=str(FOLDER / "cube.ply"), ascii_format=True, export_normals=True, **options)
    for name, read in (("obj", of_obj), ("stl", of_stl), ("ply", of_ply)):
        triangles, along = read(FOLDER / f"cube.{name}")
        seen[name, scale] = volume(triangles)
        outward += along or []
print("Blender", bpy.app.version_string, "\nsigned volume of a cube of side 2, which should be 8")
for (name, scale), found in seen.items():
    print(f"scale {scale:4}  {name}  {found:5.1f}{'  WRONG' if found < 0 else ''}")
print("normals written into the PLY files point outwards:", min(outward) > 0)
right = all(abs(found - 8) < 1e-4 for key, found in seen.items() if key != ("ply", -1.0))
sys.exit(0 if right and abs(seen["ply", -1.0] + 8) < 1e-4 and min(outward) > 0 else 1)
PYTHON
"$folder/venv/bin/python" "$folder/finding.py" || { echo "It is no longer so: the faces of the PLY file look out, too."; exit 1; }
echo "Still so: the PLY file is inside out."
