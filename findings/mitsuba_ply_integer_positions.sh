#!/usr/bin/env bash
# Mitsuba 3.9.1: the positions of a PLY file that keeps them as integers are taken for sRGB colours, and a straight line comes out bent.
#
# Expected: a PLY file says of each property what type its numbers have; "property short x" and "property float x" with the same numbers are the same mesh, as all other readers have it.
#   Voxels, scans in whole millimetres and compressed meshes are kept so. Mitsuba's page of its PLY plugin names no types.
# Happens: numbers of type short, ushort, int and uint are divided by the greatest that the type holds, and then go through the sRGB curve that belongs to colours: eight points at equal
#   distances on a line, 4000 apart in short, come at 0, 0.014, 0.049, 0.11, 0.2, 0.33, 0.5 and 0.7, and what was flat no longer is. In uchar the numbers are right; in int a
#   mesh of 1000 units becomes one of 4e-8. Binary and ASCII files are alike. No error, no warning.
# What to do: write positions as float.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check mitsuba==3.9.1 trimesh==5.2.0 numpy==2.4.6
cat >"$folder/finding.py" <<'PYTHON'
import sys
from pathlib import Path

import mitsuba
import numpy as np
import trimesh

mitsuba.set_variant("scalar_rgb")
print("Mitsuba", mitsuba.__version__, "and trimesh", trimesh.__version__)
path = Path(sys.argv[1]) / "mesh.ply"
TYPES = {"float": "<f4", "double": "<f8", "uchar": "<u1", "short": "<i2", "ushort": "<u2", "int": "<i4", "uint": "<u4"}


def write(kind, vertices, binary=True):
    """A strip of triangles: rows of two vertices."""
    faces = [face for i in range(0, len(vertices) - 2, 2) for face in ([i, i + 1, i + 2], [i + 1, i + 3, i + 2])]
    header = f"ply\nformat {'binary_little_endian' if binary else 'ascii'} 1.0\nelement vertex {len(vertices)}\n"
    header += "".join(f"property {kind} {axis}\n" for axis in "xyz") + f"element face {len(faces)}\nproperty list uchar int vertex_indices\nend_header\n"
    if binary:
        records = np.array([(3, face) for face in faces], dtype=[("count", "u1"), ("face", "<i4", 3)])
        path.write_bytes(header.encode() + vertices.astype(TYPES[kind]).tobytes() + records.tobytes())
    else:
        path.write_text(header + "".join(" ".join(map(str, row)) + "\n" for row in [*vertices.tolist(), *([3, *face] for face in faces)]))


def read():
    mesh = mitsuba.load_dict({"type": "ply", "filename": str(path)})
    positions = np.array(mitsuba.traverse(mesh)["vertex_positions"]).reshape(-1, 3)
    return positions, np.asarray(trimesh.load(path, process=False).vertices)


def srgb_to_linear(value):
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)


still = True
for kind, step in (("float", 4000), ("double", 4000), ("uchar", 30), ("short", 4000), ("ushort", 8000), ("int", 4000), ("int", 250_000_000), ("uint", 500_000_000)):
    x = np.arange(8) * step
    vertices = np.column_stack([np.repeat(x, 2), np.repeat(x // 2, 2), np.tile([0, step], 8)])  # flat: y is half of x
    print(f"{kind:6} x = 0, {step}, {2 * step} ... {7 * step}:", end=" ")
    for binary in (True, False):
        write(kind, vertices, binary)
        positions, by_trimesh = read()
        assert (by_trimesh == vertices).all()
        same = np.allclose(positions, vertices, rtol=1e-6)
        greatest = 1 if kind in ("float", "double", "uchar") else np.iinfo(TYPES[kind]).max
        as_colour = np.allclose(positions, srgb_to_linear(vertices / greatest), rtol=1e-3, atol=1e-12) if greatest > 1 else False
        still &= same if greatest == 1 else as_colour
    from_plane = np.abs(positions[:, 1] - positions[:, 0] / 2).max() / positions[:, 0].max()
    print("as it is" if same else f"{' '.join(f'{value:.3g}' for value in positions[::2, 0])}; these are sRGB colours x / {greatest}: {as_colour}; a flat wall is bent by {from_plane:.1%} of its length")
sys.exit(0 if still else 1)
PYTHON
"$folder/venv/bin/python" "$folder/finding.py" "$folder" || { echo "It is no longer so: integers are read as they are, or otherwise."; exit 1; }
echo "Still so: positions that are integers are decoded as if they were colours."
