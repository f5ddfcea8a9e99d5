#!/usr/bin/env bash
# trimesh 5.2.0: texture coordinates that a glTF 2.0 file keeps as normalised integers are read as if they were plain ones.
#
# Expected: glTF 2.0 lets TEXCOORD_n be float, or unsigned byte or unsigned short with "normalized": true, without any extension (its table of a mesh's attributes); the
#   integer c then stands for c/255 or c/65535. Tools that make files small write these. So the triangle with the texture coordinates (0, 0), (1, 0), (0, 1) is the
#   same mesh in all three files. (trimesh's v runs up, glTF's down: it gives 1 - v.)
# Happens: the floats are read rightly. Of the integers u comes out as 255 and 65535, and v, turned round within the integer's own type, wraps: 1 - 255 and
#   1 - 65535 are 2. Whoever repeats the texture finds every corner at the same texel. No error, no warning.
# What to do: look at "normalized" of the accessor, and divide before v is turned.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check trimesh==5.2.0 numpy==2.4.6 pillow==13.0.0
cat >"$folder/finding.py" <<'PYTHON'
import base64
import json
import sys
from pathlib import Path

import numpy as np
import trimesh

CORNERS = np.array([[0, 0], [1, 0], [0, 1]])
KINDS = {"float": (5126, np.float32, 1), "unsigned byte": (5121, np.uint8, 255), "unsigned short": (5123, np.uint16, 65535)}


def gltf(uvs, component):
    """One triangle; every texture coordinate begins at a multiple of four bytes, as the format asks for."""
    positions, indices = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0]], np.float32), np.array([0, 1, 2], np.uint16)
    stride = max(4, 2 * uvs.itemsize)
    rows = b"".join(row.tobytes().ljust(stride, b"\0") for row in uvs)
    data = positions.tobytes() + rows + indices.tobytes()
    return {
        "asset": {"version": "2.0"},
        "scene": 0,
        "scenes": [{"nodes": [0]}],
        "nodes": [{"mesh": 0}],
        "meshes": [{"primitives": [{"attributes": {"POSITION": 0, "TEXCOORD_0": 1}, "indices": 2, "material": 0}]}],
        "materials": [{"pbrMetallicRoughness": {"baseColorFactor": [1, 0.5, 0.25, 1]}}],
        "buffers": [{"byteLength": len(data), "uri": "data:application/octet-stream;base64," + base64.b64encode(data).decode()}],
        "bufferViews": [
            {"buffer": 0, "byteOffset": 0, "byteLength": 36, "target": 34962},
            {"buffer": 0, "byteOffset": 36, "byteLength": len(rows), "byteStride": stride, "target": 34962},
            {"buffer": 0, "byteOffset": 36 + len(rows), "byteLength": 6, "target": 34963},
        ],
        "accessors": [
            {"bufferView": 0, "componentType": 5126, "count": 3, "type": "VEC3", "min": [0, 0, 0], "max": [1, 1, 0]},
            {"bufferView": 1, "componentType": component, "count": 3, "type": "VEC2", **({} if component == 5126 else {"normalized": True})},
            {"bufferView": 2, "componentType": 5123, "count": 3, "type": "SCALAR"},
        ],
    }


print(f"trimesh {trimesh.__version__}; u and 1 - v of the three corners should be", (CORNERS * [1, -1] + [0, 1]).tolist())
read = {}
for name, (component, dtype, one) in KINDS.items():
    path = Path(__file__).with_name(name.replace(" ", "_") + ".gltf")
    path.write_text(json.dumps(gltf((CORNERS * one).astype(dtype), component)))
    read[name] = trimesh.load_scene(path, process=False).to_mesh().visual.uv.astype(float).tolist()
    print(f"{name:14} {read[name]}")
right = read["float"] == [[0, 1], [1, 1], [0, 0]]
raw = read["unsigned byte"] == [[0, 1], [255, 1], [0, 2]] and read["unsigned short"] == [[0, 1], [65535, 1], [0, 2]]
sys.exit(0 if right and raw else 1)
PYTHON
"$folder/venv/bin/python" "$folder/finding.py" || { echo "It is no longer so: texture coordinates are read otherwise."; exit 1; }
echo "Still so: normalised texture coordinates are not divided, and v wraps."
