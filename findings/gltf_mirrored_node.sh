#!/usr/bin/env bash
# Open3D 0.20.0, PyVista 0.49.1 (VTK 9.7.2) and pymeshlab 2025.7.post1: a glTF node with a negative scale comes inside out; with trimesh 5.2.0 it does not.
#
# Expected: glTF 2.0 says of a node whose global transform has a negative determinant that the front of its triangles is clockwise, so that a mirrored half of a body is a body. A reader that
#   applies the transform to the vertices has to turn the triangles over: a closed mesh has a positive volume, and its normals point outwards, mirrored or not.
# Happens: the three of them apply the transform and leave the triangles as they are. The volume is negative, normals by the triangles point inwards, signed distances have the wrong sign,
#   and a surface that is lit or culled from one side is dark or gone. A rotation of the node, or two negative scales, does no harm. No error, no warning.
# What to do: read with trimesh; or where a closed mesh has a negative volume, turn its faces over.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check open3d==0.20.0 pyvista==0.49.1 vtk==9.7.2 pymeshlab==2025.7.post1 trimesh==5.2.0 numpy==2.4.6
cat >"$folder/finding.py" <<'PYTHON'
import json
import struct
import sys
from importlib.metadata import version
from pathlib import Path

import numpy as np

path = Path(sys.argv[1]) / "mesh.glb"
VERTICES = np.array([[0, 0, 0], [1, 0, 0], [0, 2, 0], [0, 0, 3]], "<f4")  # volume 1
FACES = np.array([[0, 2, 1], [0, 1, 3], [0, 3, 2], [1, 2, 3]], "<u4")


def write(node):
    data = VERTICES.tobytes() + FACES.tobytes()
    views = [{"buffer": 0, "byteOffset": 0, "byteLength": VERTICES.nbytes}, {"buffer": 0, "byteOffset": VERTICES.nbytes, "byteLength": FACES.nbytes}]
    positions = {"bufferView": 0, "componentType": 5126, "count": 4, "type": "VEC3", "min": VERTICES.min(0).tolist(), "max": VERTICES.max(0).tolist()}
    document = {"asset": {"version": "2.0"}, "scene": 0, "scenes": [{"nodes": [0]}], "nodes": [{"mesh": 0, **node}], "buffers": [{"byteLength": len(data)}]}
    document |= {"bufferViews": views, "accessors": [positions, {"bufferView": 1, "componentType": 5125, "count": 12, "type": "SCALAR"}]}
    document["meshes"] = [{"primitives": [{"attributes": {"POSITION": 0}, "indices": 1}]}]
    text = json.dumps(document).encode()
    text += b" " * (-len(text) % 4)
    path.write_bytes(struct.pack("<4sIII4s", b"glTF", 2, 28 + len(text) + len(data), len(text), b"JSON") + text + struct.pack("<I4s", len(data), b"BIN\0") + data)


def by_trimesh():
    import trimesh

    mesh = trimesh.load(path, force="mesh", process=False)
    return mesh.vertices, mesh.faces


def by_open3d():
    import open3d

    mesh = open3d.io.read_triangle_mesh(str(path))
    return mesh.vertices, mesh.triangles


def by_pyvista():
    import pyvista

    mesh = pyvista.read(path).combine().extract_surface(algorithm="dataset_surface").triangulate()
    return mesh.points, mesh.faces.reshape(-1, 4)[:, 1:]


def by_pymeshlab():
    import pymeshlab

    meshes = pymeshlab.MeshSet()
    meshes.load_new_mesh(str(path))
    return meshes.current_mesh().transformed_vertex_matrix(), meshes.current_mesh().face_matrix()


def volume(vertices, faces):
    a, b, c = np.asarray(vertices, float)[np.asarray(faces)].swapaxes(0, 1)
    return float(np.einsum("ij,ij->", a, np.cross(b, c)) / 6)


print("; ".join(f"{name} {version(name)}" for name in ("trimesh", "open3d", "pyvista", "vtk", "pymeshlab")))
print("Volumes of a tetrahedron of volume 1, after the node's transform; each should be the one of the first column")
found = {}
turn = [0, 0.5**0.5, 0, 0.5**0.5]
nodes = {"none": {}, "rotation": {"rotation": turn}, "scale 2": {"scale": [2, 2, 2]}, "scale -1 -1 1": {"scale": [-1, -1, 1]}, "scale -1 1 1": {"scale": [-1, 1, 1]}}
nodes |= {"scale -2 -2 -2": {"scale": [-2, -2, -2]}, "matrix, mirrored": {"matrix": [0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 1, 0, 5, 6, 7, 1]}}
for name, node in nodes.items():
    write(node)
    true = float(abs(np.prod(node.get("scale", [1, 1, 1]))))
    found[name] = {reader.__name__[3:]: volume(*reader()) / true for reader in (by_trimesh, by_open3d, by_pyvista, by_pymeshlab)}
    print(f"  {name:16} {true:5.2f}: {', '.join(f'{reader} {value * true:.2f}' for reader, value in found[name].items())}")
mirrored = ("scale -1 1 1", "scale -2 -2 -2", "matrix, mirrored")
right = all(abs(value - 1) < 1e-5 for name in nodes for reader, value in found[name].items() if reader == "trimesh" or name not in mirrored)
wrong = all(abs(found[name][reader] + 1) < 1e-5 for name in mirrored for reader in ("open3d", "pyvista", "pymeshlab"))
sys.exit(0 if right and wrong else 1)
PYTHON
"$folder/venv/bin/python" "$folder/finding.py" "$folder" || { echo "It is no longer so: a mirrored node is turned the right side out, at least by one of them."; exit 1; }
echo "Still so: a mirrored node of a glTF file is read inside out."
