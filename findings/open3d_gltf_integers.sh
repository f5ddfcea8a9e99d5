#!/usr/bin/env bash
# Open3D 0.20.0: what a glTF file keeps as integers, texture coordinates and positions, is read as the bits of floats: NaN and 1e-40.
#
# Expected: glTF 2.0 lets TEXCOORD_n be unsigned bytes or shorts with "normalized": true, without any extension (c stands for c/255 or c/65535), and with KHR_mesh_quantization also POSITION
#   be shorts, normalised or plain. Tools that make files small write these by default. A reader that does not know an extension in "extensionsRequired" has to refuse the file.
# Happens: the file is read, triangles and all, and two shorts make one float: positions are at 0 and at 1e-40, texture coordinates are NaN, 1e-40 and, v, 1. That is so of
#   o3d.io.read_triangle_mesh, read_triangle_model and o3d.t.io.read_triangle_mesh. Indices, and colours that are integers, are read rightly. No error, no warning.
# What to do: look whether points are finite and apart; or make floats of the file before (gltf-transform's dequantize).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check open3d==0.20.0 numpy==2.4.6
cat >"$folder/finding.py" <<'PYTHON'
import base64
import json
import sys
from pathlib import Path

import numpy as np
import open3d as o3d

POSITIONS = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0]])
UVS = np.array([[0, 0], [1, 0], [0, 1]])


def rows(values, dtype):
    """The bytes of an array whose rows begin at multiples of four, as the format asks for, and their stride."""
    values = np.asarray(values, dtype)
    stride = -(-values[0].nbytes // 4) * 4
    return b"".join(row.tobytes().ljust(stride, b"\0") for row in values), stride


def gltf(position, uv):
    """One triangle; of each attribute its component type, its dtype, what stands for 1, and whether it is normalised."""
    parts = [(POSITIONS, "VEC3", *position), (UVS, "VEC2", *uv)]
    views, accessors, data = [], [], b""
    for values, kind, component, dtype, one, normalized in parts:
        content, stride = rows(values * one, dtype)
        views.append({"buffer": 0, "byteOffset": len(data), "byteLength": len(content), "byteStride": stride, "target": 34962})
        entry = {"bufferView": len(accessors), "componentType": component, "count": 3, "type": kind} | ({"normalized": True} if normalized else {})
        accessors.append(entry | ({"min": (values * one).min(0).tolist(), "max": (values * one).max(0).tolist()} if kind == "VEC3" else {}))
        data += content
    views.append({"buffer": 0, "byteOffset": len(data), "byteLength": 6, "target": 34963})
    accessors.append({"bufferView": 2, "componentType": 5123, "count": 3, "type": "SCALAR"})
    data += np.array([0, 1, 2], np.uint16).tobytes() + bytes(22)
    scale = 1 if position[3] else 1 / position[2]
    file = {
        "asset": {"version": "2.0"},
        "scene": 0,
        "scenes": [{"nodes": [0]}],
        "nodes": [{"mesh": 0, "scale": [scale] * 3}],
        "meshes": [{"primitives": [{"attributes": {"POSITION": 0, "TEXCOORD_0": 1}, "indices": 2}]}],
        "buffers": [{"byteLength": len(data), "uri": "data:application/octet-stream;base64," + base64.b64encode(data).decode()}],
        "bufferViews": views,
        "accessors": accessors,
    }
    needed = {"extensionsUsed": ["KHR_mesh_quantization"], "extensionsRequired": ["KHR_mesh_quantization"]} if position[0] != 5126 else {}
    return file | needed


FLOAT, USHORT = (5126, "<f4", 1, False), (5123, "<u2", 65535, True)
FILES = {
    "all floats": (FLOAT, FLOAT),
    "coordinates of the texture unsigned shorts": (FLOAT, USHORT),
    "positions shorts, normalised": ((5122, "<i2", 32767, True), FLOAT),
    "positions shorts, scaled by the node": ((5122, "<i2", 1000, False), FLOAT),
}
print("Open3D", o3d.__version__, "; positions", POSITIONS.tolist(), "; u and 1 - v", (UVS * [1, -1] + [0, 1]).tolist())
right = {}
for name, kinds in FILES.items():
    path = Path(__file__).with_name("triangle.gltf")
    path.write_text(json.dumps(gltf(*kinds)))
    mesh = o3d.io.read_triangle_mesh(str(path))
    tensor = o3d.t.io.read_triangle_mesh(str(path))
    positions, uvs = np.asarray(mesh.vertices), np.asarray(mesh.triangle_uvs)
    assert len(mesh.triangles) == 1 and np.allclose(positions, tensor.vertex.positions.numpy(), atol=1e-6, equal_nan=True)
    right[name] = np.allclose(positions, POSITIONS, atol=1e-3), np.allclose(uvs, UVS * [1, -1] + [0, 1], atol=1e-3)
    told = [f"{what} {np.array2string(values, precision=3).replace(chr(10), '')}{'' if good else '  WRONG'}" for what, values, good in zip(("positions", "uv"), (positions, uvs), right[name])]
    print(f"{name}:\n    {told[0]}\n    {told[1]}")
expected = {name: (kinds[0] == FLOAT, kinds[1] == FLOAT) for name, kinds in FILES.items()}
sys.exit(0 if right == expected else 1)
PYTHON
"$folder/venv/bin/python" "$folder/finding.py" || { echo "It is no longer so: integers are read, or refused."; exit 1; }
echo "Still so: integers are taken for the bits of floats."
