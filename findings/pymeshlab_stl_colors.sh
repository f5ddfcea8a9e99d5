#!/usr/bin/env bash
# pymeshlab 2025.7.post1: a coloured STL file, with the colour encoding of Materialise (the default), says of every triangle that it has no colour of its own.
#
# Expected: save_current_mesh to .stl has the option colormode, true by default: "Materialise Color Encoding", else that of VisCAM and SolidView. Both keep five bits of red, green and
#   blue in the two bytes behind a triangle, and both say by the sixteenth bit whether they mean anything, the other way round: with VisCAM it is 1 where the triangle has a colour;
#   with Materialise's Magics it is 0 where the triangle has its own, and 1 where it has that of the whole, which stands behind "COLOR=" in the head of the file.
# Happens: the bit is 1 in both. A reader that follows Magics's rule shows one grey (127, 127, 127), the colour of the whole that the head names; the colours stand in the fifteen
#   bits beside, unused. MeshLab itself reads them, as it does not look at the bit. No error, no warning.
# What to do: colormode=False; or another format (PLY). Who reads: the head "COLOR=" with three bytes and " MATERIAL=" behind is MeshLab's own (Magics has four, and a comma).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check pymeshlab==2025.7.post1 numpy==2.3.5
cat >"$folder/finding.py" <<'PYTHON'
import sys
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pymeshlab

COLORS = np.array([[255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 0]])
meshes = pymeshlab.MeshSet()
meshes.add_mesh(
    pymeshlab.Mesh(
        vertex_matrix=np.array([[0.0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]]),
        face_matrix=np.array([[0, 2, 1], [0, 1, 3], [0, 3, 2], [1, 2, 3]]),
        f_color_matrix=np.column_stack([COLORS / 255, np.ones(4)]),
    )
)
print("pymeshlab", version("pymeshlab"), "\nthe colours of four triangles:", COLORS.tolist())
triangle = np.dtype([("numbers", "<f4", 12), ("attribute", "<u2")])


def shown(name, **options):
    """The colours that a file means by the rule of its encoding, and whether the highest bit is set."""
    path = Path(__file__).with_name(name)
    meshes.save_current_mesh(str(path), binary=True, save_face_color=True, **options)
    content = path.read_bytes()
    attributes = np.frombuffer(content, triangle, 4, 84)["attribute"]
    fives = (attributes[:, None] >> np.array([0, 5, 10]) & 31) * 255 // 31
    is_set, place = attributes >> 15 == 1, content[:80].find(b"COLOR=")
    if place < 0:  # VisCAM: blue lowest, white where there is none
        return np.where(is_set[:, None], fives[:, ::-1], 255).tolist(), is_set.all()
    whole = np.frombuffer(content[place + 6 : place + 9], np.uint8)
    return np.where(is_set[:, None], whole, fives).tolist(), is_set.all()


viscam, viscam_set = shown("viscam.stl", colormode=False)
print("colormode=False, by VisCAM's rule:     ", viscam)
magics, magics_set = shown("magics.stl")
print("by default, by Magics's rule:          ", magics, " WRONG" if magics != COLORS.tolist() else "")
again = pymeshlab.MeshSet()
again.load_new_mesh(str(Path(__file__).with_name("magics.stl")))
back = np.round(again.current_mesh().face_color_matrix()[:, :3] * 255).astype(int)
print("the same file, read by pymeshlab again:", back.tolist())
right = viscam == COLORS.tolist() and viscam_set and (np.abs(back - COLORS) < 9).all()
sys.exit(0 if right and magics_set and magics == [[127, 127, 127]] * 4 else 1)
PYTHON
"$folder/venv/bin/python" "$folder/finding.py" || { echo "It is no longer so: triangles have the colours that they were given, by the rule of the encoding."; exit 1; }
echo "Still so: each triangle is said to have the colour of the whole."
