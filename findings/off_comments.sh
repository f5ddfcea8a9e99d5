#!/usr/bin/env bash
# trimesh 5.2.0, pymeshlab 2025.7.post1: a comment behind the numbers of a line of an OFF file makes another mesh, or lets it fail, depending on the line; Open3D reads all.
#
# Expected: in a file of Geomview, where OFF comes from, "#" begins a comment that reaches to the end of the line, wherever it stands (its manual, "Syntax Common to All OOGL File Formats"). Files
#   name the parts of a model so. A reader that does not know comments raises.
# Happens: see the table that it prints. Behind a vertex, trimesh takes the line of the counts and the next ones for vertices, and has one face of four; pymeshlab has four faces, without volume.
#   No error, no warning. A line that is nothing but a comment does no harm.
# What to do: sed 's/#.*//' before; or Open3D.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check trimesh==5.2.0 pymeshlab==2025.7.post1 open3d==0.20.0 numpy==2.4.6
cat >"$folder/finding.py" <<'PYTHON'
import sys
from importlib.metadata import version
from pathlib import Path

import numpy as np
import open3d as o3d
import pymeshlab
import trimesh

print("trimesh", version("trimesh"), ", pymeshlab", version("pymeshlab"), ", Open3D", version("open3d"))
LINES = ["OFF", "4 4 6", "0 0 0", "1 0 0", "0 1 0", "0 0 1", "3 0 2 1", "3 0 1 3", "3 0 3 2", "3 1 2 3"]  # a tetrahedron
FILES = {
    "none": LINES,
    "own_line": [LINES[0], "# a tetrahedron", *LINES[1:]],
    "behind_counts": [line + " # vertices, faces, edges" if line == "4 4 6" else line for line in LINES],
    "behind_vertex": [line + " # tip" if line == "1 0 0" else line for line in LINES],
    "behind_face": [line + " # base" if line == "3 0 2 1" else line for line in LINES],
}


def of_pymeshlab(path):
    meshes = pymeshlab.MeshSet()
    meshes.load_new_mesh(path)
    return meshes.current_mesh().vertex_matrix(), meshes.current_mesh().face_matrix()


def of_open3d(path):
    mesh = o3d.io.read_triangle_mesh(path)
    return np.asarray(mesh.vertices), np.asarray(mesh.triangles)


def of_trimesh(path):
    mesh = trimesh.load(path, force="mesh", process=False)
    return mesh.vertices, mesh.faces


def told(read, path):
    """The number of faces, and the volume that they enclose."""
    try:
        vertices, faces = read(path)
    except Exception as error:
        return type(error).__name__
    corners = np.asarray(vertices, float)[np.asarray(faces)] if len(faces) else np.zeros((0, 3, 3))
    return len(corners), abs(round(float(np.linalg.det(corners).sum() / 6), 4))


seen = {}
for name, lines in FILES.items():
    path = Path(__file__).with_name(f"{name}.off")
    path.write_text("\n".join(lines) + "\n")
    seen[name] = {package: told(read, str(path)) for package, read in (("Open3D", of_open3d), ("trimesh", of_trimesh), ("pymeshlab", of_pymeshlab))}
    row = "; ".join(f"{package}: {found}{'' if found == (4, 0.1667) else '  WRONG'}" for package, found in seen[name].items())
    print(f"{name + '.off':18s} (faces, volume)  {row}")
fine = (4, 0.1667)
right = all(row["Open3D"] == fine for row in seen.values()) and all(seen[name][package] == fine for name in ("none", "own_line") for package in ("trimesh", "pymeshlab"))
wrong = all(isinstance(seen["behind_vertex"][package], tuple) and seen["behind_vertex"][package] != fine for package in ("trimesh", "pymeshlab"))
sys.exit(0 if right and wrong else 1)
PYTHON
"$folder/venv/bin/python" "$folder/finding.py" || { echo "It is no longer so: comments are skipped, or refused."; exit 1; }
echo "Still so: comments of an OFF file are read as if they were none."
