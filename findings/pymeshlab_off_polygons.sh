#!/usr/bin/env bash
# pymeshlab 2025.7.post1: faces of five or more corners in an OFF file are built from the first vertices of the file, whatever vertices they name.
#
# Expected: a face of an OFF file is a number of corners and that many indices; pymeshlab, whose meshes are of triangles, cuts it into triangles. It does so with faces of OBJ and PLY
#   files, and with triangles and quadrilaterals of OFF files, right beside.
# Happens: a face of five or more corners becomes the right number of triangles, which name the places within the face (0, 1, 2, ...) in place of the vertices that stand there. Each
#   pentagon of a dodecahedron lies on vertices 0 to 4 then, one upon the other; of a prism the upper lid is gone and the lower one there twice. The number of faces and of vertices
#   is right. No error, no warning.
# What to do: write the mesh as PLY or OBJ, or cut its polygons into triangles before.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check pymeshlab==2025.7.post1 numpy==2.4.6
cat >"$folder/finding.py" <<'PYTHON'
import sys
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pymeshlab

print("pymeshlab", version("pymeshlab"))
folder = Path(sys.argv[1])


def prism(corners):
    """A closed prism of height 1 over a regular polygon of radius 1: two lids and `corners` quadrilaterals, all seen from outside counterclockwise."""
    angle = np.arange(corners) * 2 * np.pi / corners
    ring = np.column_stack([np.cos(angle), np.sin(angle)])
    vertices = np.concatenate([np.column_stack([ring, np.full(corners, height)]) for height in (0.0, 1.0)])
    sides = [[i, (i + 1) % corners, corners + (i + 1) % corners, corners + i] for i in range(corners)]
    return vertices, [list(range(corners))[::-1], list(range(corners, 2 * corners)), *sides]


def dodecahedron():
    golden = (1 + 5**0.5) / 2
    cube = [[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)]
    rest = [np.roll([0, y / golden, z * golden], turn) for turn in range(3) for y in (-1, 1) for z in (-1, 1)]
    vertices = np.array([*cube, *rest])
    faces = []
    for axis in (np.roll([0, a * golden, b], turn) for turn in range(3) for a in (-1, 1) for b in (-1, 1)):  # the middles of the faces are those of an icosahedron
        axis = np.array(axis) / np.linalg.norm(axis)
        corners = np.argsort(-vertices @ axis)[:5]
        side = np.cross(axis, [0.3, 0.5, 0.7])
        faces.append(corners[np.argsort(np.arctan2(vertices[corners] @ np.cross(axis, side), vertices[corners] @ side))].tolist())
    return vertices, faces


def write(path, vertices, faces):
    points = [" ".join(f"{value:.17g}" for value in vertex) for vertex in vertices]
    if path.suffix == ".obj":
        lines = [f"v {point}" for point in points] + ["f " + " ".join(str(i + 1) for i in face) for face in faces]
    else:
        head = ["OFF", f"{len(points)} {len(faces)} 0"]
        if path.suffix == ".ply":
            head = ["ply", "format ascii 1.0", f"element vertex {len(points)}", *(f"property double {axis}" for axis in "xyz")]
            head += [f"element face {len(faces)}", "property list uchar int vertex_indices", "end_header"]
        lines = [*head, *points, *(" ".join(map(str, [len(face), *face])) for face in faces)]
    path.write_text("\n".join(lines) + "\n")


def volume_and_area(vertices, triangles):
    a, b, c = (vertices[triangles[:, i]] for i in range(3))
    return float(np.einsum("ij,ij->", a, np.cross(b, c)) / 6), float(np.linalg.norm(np.cross(b - a, c - a), axis=1).sum() / 2)


def fans(faces):
    return np.array([[face[0], face[i], face[i + 1]] for face in faces for i in range(1, len(face) - 1)])


found = {}
for name, (vertices, faces) in (("prism of 3", prism(3)), ("prism of 4", prism(4)), ("prism of 5", prism(5)), ("prism of 12", prism(12)), ("dodecahedron", dodecahedron())):
    true = volume_and_area(vertices, fans(faces))
    print(f"{name:12}: volume {true[0]:.4f}, area {true[1]:.4f}", end="")
    for kind in ("obj", "ply", "off"):
        path = folder / f"mesh.{kind}"
        write(path, vertices, faces)
        meshes = pymeshlab.MeshSet()
        meshes.load_new_mesh(str(path))
        mesh = meshes.current_mesh()
        read = volume_and_area(mesh.vertex_matrix(), mesh.face_matrix())
        assert mesh.face_number() == len(fans(faces)) and mesh.vertex_number() == len(vertices)
        found[name, kind] = float(np.abs(np.subtract(read, true)).max() / true[0])
        print(f"; read from {kind.upper()} {read[0]:.4f}, {read[1]:.4f}, vertices used {len(np.unique(mesh.face_matrix()))} of {len(vertices)}", end="")
    print()
right = all(error < 1e-6 for (name, kind), error in found.items() if kind != "off" or name in ("prism of 3", "prism of 4"))
sys.exit(0 if right and all(found[name, "off"] > 0.1 for name in ("prism of 5", "prism of 12", "dodecahedron")) else 1)
PYTHON
"$folder/venv/bin/python" "$folder/finding.py" "$folder" || { echo "It is no longer so: polygons of OFF files are read as those of others, or otherwise."; exit 1; }
echo "Still so: polygons of an OFF file lie where its first vertices are."
