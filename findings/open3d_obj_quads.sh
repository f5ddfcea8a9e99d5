#!/usr/bin/env bash
# Open3D 0.20.0: read_triangle_mesh leaves the quadrilaterals of an OBJ file out, and gives the triangles beside them as the mesh.
#
# Expected: an OBJ file's faces may have any number of corners, and those of most modelling programs have four. Of the same mesh as PLY or OFF, read_triangle_mesh makes triangles of
#   all faces; read_triangle_model and o3d.t.io.read_triangle_mesh do so of the OBJ file, too.
# Happens: of a cube with two of its six faces cut into triangles these two are left, an open mesh of a third of the area, with normals, volume and samples of what is left. With
#   quadrilaterals alone the mesh is empty; with enable_post_processing so is that of the first. No error, no warning: a line of the level INFO, "Skipping non-triangle primitive geometry", is all.
# What to do: o3d.t.io.read_triangle_mesh(name).to_legacy().
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check open3d==0.20.0 numpy==2.4.6
cat >"$folder/finding.py" <<'PYTHON'
import sys
from pathlib import Path

import numpy as np
import open3d as o3d

print("Open3D", o3d.__version__)
CORNERS = np.array([[x, y, z] for x in (0, 1) for y in (0, 1) for z in (0, 1)])
QUADS = [[0, 1, 3, 2], [4, 6, 7, 5], [0, 4, 5, 1], [2, 3, 7, 6], [0, 2, 6, 4], [1, 5, 7, 3]]  # of a cube, seen from outside
CUT = [face for quad in QUADS[:2] for face in (quad[:3], [quad[0], *quad[2:]])]


def obj(faces):
    return "\n".join([*(f"v {x} {y} {z}" for x, y, z in CORNERS), *("f " + " ".join(str(corner + 1) for corner in face) for face in faces), ""])


def off(faces):
    return "\n".join(["OFF", f"8 {len(faces)} 0", *(f"{x} {y} {z}" for x, y, z in CORNERS), *(f"{len(face)} " + " ".join(map(str, face)) for face in faces), ""])


def ply(faces):
    head = ["ply", "format ascii 1.0", "element vertex 8", *(f"property float {axis}" for axis in "xyz"), f"element face {len(faces)}", "property list uchar int vertex_indices", "end_header"]
    return "\n".join([*head, *off(faces).split("\n")[2:]])


def read(name, text, how):
    path = Path(__file__).with_name(name)
    path.write_text(text)
    mesh = how(str(path))
    return len(mesh.triangles), mesh.get_surface_area() if len(mesh.triangles) else 0.0


def of_model(path):
    (part,) = o3d.io.read_triangle_model(path).meshes
    return part.mesh


seen = {}
for shape, faces in {"two faces cut": CUT + QUADS[2:], "none cut": QUADS, "all cut": [part for quad in QUADS for part in (quad[:3], [quad[0], *quad[2:]])]}.items():
    for name, text, how in (
        ("OBJ, read_triangle_mesh", obj(faces), o3d.io.read_triangle_mesh),
        ("OBJ, with post-processing", obj(faces), lambda path: o3d.io.read_triangle_mesh(path, enable_post_processing=True)),
        ("OBJ, read_triangle_model", obj(faces), of_model),
        ("OBJ, o3d.t.io", obj(faces), lambda path: o3d.t.io.read_triangle_mesh(path).to_legacy()),
        ("PLY, read_triangle_mesh", ply(faces), o3d.io.read_triangle_mesh),
        ("OFF, read_triangle_mesh", off(faces), o3d.io.read_triangle_mesh),
    ):
        seen[shape, name] = read("cube." + name[:3].lower(), text, how)
        print(f"{shape:14} {name:26} {seen[shape, name][0]:3d} triangles of 12, area {seen[shape, name][1]:.3f} of 6", "" if abs(seen[shape, name][1] - 6) < 1e-6 else " WRONG", flush=True)
lost = seen["two faces cut", "OBJ, read_triangle_mesh"] == (4, 2.0) and seen["none cut", "OBJ, read_triangle_mesh"][0] == 0
right = all(count == 12 and abs(area - 6) < 1e-6 for (shape, name), (count, area) in seen.items() if shape == "all cut" or not name.startswith("OBJ, read_triangle_mesh") and "post" not in name)
sys.exit(0 if lost and right else 1)
PYTHON
"$folder/venv/bin/python" "$folder/finding.py" || { echo "It is no longer so: faces of four corners are read, or others are not."; exit 1; }
echo "Still so: faces of four corners are left out."
