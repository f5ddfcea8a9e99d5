#!/usr/bin/env bash
# trimesh 5.2.0: a line of an OBJ file whose keyword is followed by a tab is skipped: all with tabs is an empty scene, and one vertex with a tab makes all faces behind it those of other vertices.
#
# Expected: the words of a line are separated by white space. trimesh reads tabs between the numbers of a line; Open3D, pymeshlab, VTK and meshio read them behind the keyword, too. A reader
#   that does not know a line with data says so.
# Happens: "v<tab>1 0 0" is no vertex, and "f<tab>1 3 2" no face, to trimesh. Of a file with tabs throughout there comes Scene with no geometry, or with force="mesh" a mesh without faces.
#   Where one vertex has a tab, all later ones move up by one number, and faces take other corners: a tetrahedron of volume 1/6 has another shape. One face with a tab is a hole. No error, no
#   warning.
# What to do: replace tabs by spaces before (sed 's/\t/ /g'); or read with another package.
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
LINES = ["v 0 0 0", "v 1 0 0", "v 0 1 0", "v 0 0 1", "v 3 3 3", "f 1 3 2", "f 1 2 4", "f 1 4 3", "f 2 3 4"]  # a tetrahedron, and a vertex that no face has
FILES = {
    "spaces": LINES,
    "tabs_between_numbers": [line[:2] + line[2:].replace(" ", "\t") for line in LINES],
    "tabs": [line.replace(" ", "\t") for line in LINES],
    "one_vertex": [line.replace("v ", "v\t") if line == "v 1 0 0" else line for line in LINES],
    "one_face": [line.replace("f ", "f\t") if line == "f 2 3 4" else line for line in LINES],
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


def told(vertices, faces):
    """The number of faces, and the volume that they enclose."""
    corners = np.asarray(vertices, float)[np.asarray(faces)] if len(faces) else np.zeros((0, 3, 3))
    return len(corners), round(float(np.linalg.det(corners).sum() / 6), 4)


seen = {}
for name, lines in FILES.items():
    path = Path(__file__).with_name(f"{name}.obj")
    path.write_text("\n".join(lines) + "\n")
    seen[name] = {package: told(*read(str(path))) for package, read in (("Open3D", of_open3d), ("pymeshlab", of_pymeshlab), ("trimesh", of_trimesh))}
    row = "; ".join(f"{package}: {count} faces, volume {volume}{'' if (count, volume) == (4, 0.1667) else '  WRONG'}" for package, (count, volume) in seen[name].items())
    print(f"{name + '.obj':24s} {row}")
print("trimesh.load of tabs.obj:", trimesh.load(str(Path(__file__).with_name("tabs.obj"))))
fine = (4, 0.1667)
right = all(row["Open3D"] == row["pymeshlab"] == fine for row in seen.values()) and all(seen[name]["trimesh"] == fine for name in ("spaces", "tabs_between_numbers"))
wrong = seen["tabs"]["trimesh"][0] == 0 and seen["one_vertex"]["trimesh"][0] == 4 and seen["one_vertex"]["trimesh"] != fine and seen["one_face"]["trimesh"][0] == 3
sys.exit(0 if right and wrong else 1)
PYTHON
"$folder/venv/bin/python" "$folder/finding.py" || { echo "It is no longer so: lines with tabs are read, or refused."; exit 1; }
echo "Still so: lines with a tab behind the keyword are skipped."
