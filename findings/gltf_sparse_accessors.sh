#!/usr/bin/env bash
# trimesh 5.2.0, pymeshlab 2025.7.post1: a glTF accessor that is sparse, as the core of glTF 2.0 has it, is read without the values that it replaces; Open3D replaces them.
#
# Expected: by the specification of glTF 2.0 (3.6.2.3, no extension) an accessor may name elements that differ from its buffer view, by their indices and their values, and may have no buffer
#   view at all: then all others are zero. Exporters write so what differs in few places. A reader that cannot do it says so.
# Happens: trimesh and pymeshlab give what the buffer view holds: a corner stays where it was before it was moved. Of an accessor that has only sparse values trimesh makes zeros: a mesh with
#   all vertices at the origin. Colours too. The accessor's own minimum and maximum say otherwise. No error, no warning.
# What to do: Open3D; or look for "sparse" in the JSON part of a file before.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check trimesh==5.2.0 pymeshlab==2025.7.post1 open3d==0.20.0 numpy==2.4.6
cat >"$folder/finding.py" <<'PYTHON'
import base64
import json
import sys
from importlib.metadata import version
from pathlib import Path

import numpy as np
import open3d as o3d
import pymeshlab
import trimesh

print("trimesh", version("trimesh"), ", pymeshlab", version("pymeshlab"), ", Open3D", version("open3d"))
BEFORE = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0]], "<f4")
MEANT = np.array([[0, 0, 0], [1, 0, 0], [0, 5, 0]], "<f4")


def write(name, with_view):
    """A triangle whose third corner is moved to (0, 5, 0) by sparse values, or whose corners but the first are sparse values only."""
    places = np.array([2] if with_view else [1, 2], "<u2")
    buffer, views = b"", []
    for values in (BEFORE, np.arange(3, dtype="<u2"), places, MEANT[places]):
        buffer += bytes(-len(buffer) % 4)
        views.append({"buffer": 0, "byteOffset": len(buffer), "byteLength": values.nbytes})
        buffer += values.tobytes()
    sparse = {"count": len(places), "indices": {"bufferView": 2, "byteOffset": 0, "componentType": 5123}, "values": {"bufferView": 3, "byteOffset": 0}}
    positions = {"componentType": 5126, "count": 3, "type": "VEC3", "min": MEANT.min(0).tolist(), "max": MEANT.max(0).tolist(), "sparse": sparse}
    if with_view:
        positions["bufferView"] = 0
    told = {
        "asset": {"version": "2.0"},
        "scene": 0,
        "scenes": [{"nodes": [0]}],
        "nodes": [{"mesh": 0}],
        "meshes": [{"primitives": [{"attributes": {"POSITION": 0}, "indices": 1}]}],
        "accessors": [positions, {"bufferView": 1, "componentType": 5123, "count": 3, "type": "SCALAR"}],
        "bufferViews": views,
        "buffers": [{"byteLength": len(buffer), "uri": "data:application/octet-stream;base64," + base64.b64encode(buffer).decode()}],
    }
    path = Path(__file__).with_name(name)
    path.write_text(json.dumps(told))
    return str(path)


def of_pymeshlab(path):
    meshes = pymeshlab.MeshSet()
    meshes.load_new_mesh(path)
    return meshes.current_mesh().vertex_matrix()


readers = {
    "Open3D": lambda path: np.asarray(o3d.io.read_triangle_mesh(path).vertices),
    "trimesh": lambda path: trimesh.load(path, force="mesh", process=False).vertices,
    "pymeshlab": of_pymeshlab,
}
seen = {}
for name, title, with_view in (("view.gltf", "a buffer view and one sparse value", True), ("sparse.gltf", "sparse values only", False)):
    path = write(name, with_view)
    print(f"{title}: the corners are {MEANT.tolist()}")
    for reader, read in readers.items():
        if reader != "pymeshlab" or with_view:
            seen[reader, name] = np.asarray(read(path)).tolist()
            print(f"  {reader:9s} {seen[reader, name]}{'' if seen[reader, name] == MEANT.tolist() else '  WRONG'}")
right = seen["Open3D", "view.gltf"] == seen["Open3D", "sparse.gltf"] == MEANT.tolist()
wrong = seen["trimesh", "view.gltf"] == seen["pymeshlab", "view.gltf"] == BEFORE.tolist() and not np.any(seen["trimesh", "sparse.gltf"])
sys.exit(0 if right and wrong else 1)
PYTHON
"$folder/venv/bin/python" "$folder/finding.py" || { echo "It is no longer so: sparse values are read, or refused."; exit 1; }
echo "Still so: sparse values of a glTF file are lost."
