#!/usr/bin/env bash
# Open3D 0.20.0: its tensor API writes a point cloud's colours into a PLY file as floats in 0..1; its other API, and VTK and PyVista, read them back as black.
#
# Expected: o3d.t.io.write_point_cloud gives "property float red" for colours that are float32, as Open3D has them (0..1), and both o3d.t.io.read_point_cloud and
#   o3d.io.read_point_cloud read "ply" and give colours in 0..1: the same, up to a step of 8 bits. A reader that cannot ought to say so.
# Happens: o3d.io.read_point_cloud and read_triangle_mesh divide whatever the file's type is by 255: white is 0.0039, and 16 bits (which the tensor API writes too, for uint16)
#   come out as up to 257. VTK's reader cuts the floats to whole bytes: all that is not quite 1 is 0, and 1 is 1 of 255. Clouds show as black; averages and colour registration
#   (which look at the colours) go on with them. In a mesh (o3d.t.io.write_triangle_mesh) the same colours are written as bytes, and all is well. No error, no warning.
# What to do: colours as uint8 before writing, cloud.point.colors = (cloud.point.colors * 255).round().to(o3c.uint8); who reads: look at the type of the property.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check open3d==0.20.0 numpy==2.4.6 pyvista==0.49.1 vtk==9.6.2
cat >"$folder/finding.py" <<'PYTHON'
import sys
from pathlib import Path

import numpy as np
import open3d as o3d
import pyvista

COLORS = np.array([[1, 1, 1], [0.5, 0.5, 0.5], [0.8, 0.4, 0.2]], np.float32)
POINTS = np.eye(3, dtype=np.float32)
print("Open3D", o3d.__version__, "PyVista", pyvista.__version__, "; the colours of three points:", COLORS.round(3).tolist())


def files():
    for name, colors in {"float32": COLORS, "uint16": np.round(COLORS * 65535).astype(np.uint16), "uint8": np.round(COLORS * 255).astype(np.uint8)}.items():
        cloud = o3d.t.geometry.PointCloud(o3d.core.Tensor(POINTS))
        cloud.point.colors = o3d.core.Tensor(colors)
        path = Path(__file__).with_name(f"{name}.ply")
        assert o3d.t.io.write_point_cloud(str(path), cloud)
        yield name, path
    mesh = o3d.t.geometry.TriangleMesh(o3d.core.Tensor(POINTS), o3d.core.Tensor([[0, 1, 2]]))
    mesh.vertex.colors = o3d.core.Tensor(COLORS)
    path = Path(__file__).with_name("mesh.ply")
    assert o3d.t.io.write_triangle_mesh(str(path), mesh)
    yield "mesh of float32", path


seen = {}
for name, path in files():
    declared = [line.split()[1] for line in path.read_bytes().decode("latin1").split("\n") if line.endswith("red")]
    tensor = o3d.t.io.read_point_cloud(str(path)).point.colors.numpy().astype(float)
    legacy = np.asarray(o3d.io.read_point_cloud(str(path)).colors)
    vtk = pyvista.read(path).point_data["RGB"].astype(float)
    seen[name] = tensor, legacy, vtk
    print(f"{name}, in the file 'property {declared[0]} red':")
    print("    o3d.t.io.read_point_cloud:", tensor.round(3).tolist())
    print("    o3d.io.read_point_cloud:  ", legacy.round(4).tolist(), "" if np.abs(legacy - COLORS).max() < 0.003 else " WRONG")
    print("    PyVista, of 255:          ", vtk.tolist(), "" if np.abs(vtk / 255 - COLORS).max() < 0.003 else " WRONG")
tensor, legacy, vtk = seen["float32"]
still = np.allclose(tensor, COLORS) and np.allclose(legacy, COLORS / 255, atol=1e-6) and np.array_equal(vtk, np.floor(COLORS))
still &= np.allclose(seen["uint16"][1], np.round(COLORS * 65535) / 255, atol=1e-3)
right = all(np.abs(seen[name][1] - COLORS).max() < 0.003 and np.abs(seen[name][2] / 255 - COLORS).max() < 0.003 for name in ("uint8", "mesh of float32"))
sys.exit(0 if still and right else 1)
PYTHON
"$folder/venv/bin/python" "$folder/finding.py" || { echo "It is no longer so: colours that are floats come back."; exit 1; }
echo "Still so: colours that are floats are read as black by the other half of the library, and by VTK."
