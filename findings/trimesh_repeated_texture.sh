#!/usr/bin/env bash
# trimesh 5.2.0: a texture repeats after one texel less than its width, so that a vertex takes another colour in each repetition.
#
# Expected: texture coordinates beyond [0, 1] repeat the picture, as glTF's default and OBJ say; trimesh takes them so too (they are not clamped). So u and u + 1 are the same place.
# Happens: visual.color.uv_to_color, and with it mesh.visual.to_color(), multiplies by width - 1 and takes the rest by width. Within [0, 1] this is half a texel off at most. But
#   u + k lands k texels beside u: in a palette of eight colours, as low-polygon models have, each repetition takes the colour before, the eighth is right again, and nothing
#   looks broken. uv_to_interpolated_color does the same. No error, no warning.
# What to do: take uv modulo 1 before; or take the texels oneself, floor(u * width) modulo width.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check trimesh==5.2.0 numpy==2.4.6 pillow==13.0.0
cat >"$folder/finding.py" <<'PYTHON'
import sys

import numpy as np
import trimesh
from PIL import Image
from trimesh.visual.color import uv_to_interpolated_color

print("trimesh", trimesh.__version__)
SIDE = 8
palette = np.zeros((SIDE, SIDE, 3), np.uint8)
palette[..., 0] = 10 * np.arange(SIDE)  # the red of a texel is ten times its column
picture = Image.fromarray(palette)
CENTRES = (np.arange(3) + 2.5) / SIDE  # of columns 2, 3 and 4


def columns(shift):
    """The columns that the corners of a triangle take their colours from, at the centres of three texels, u + shift."""
    uv = np.stack([CENTRES + shift, np.full(3, 0.5)], axis=1)
    visual = trimesh.visual.TextureVisuals(uv=uv, material=trimesh.visual.material.PBRMaterial(baseColorTexture=picture))
    mesh = trimesh.Trimesh([[0, 0, 0], [1, 0, 0], [0, 1, 0]], [[0, 1, 2]], visual=visual, process=False)
    return (mesh.visual.to_color().vertex_colors[:, 0] // 10).tolist()


print("Texels of the columns 2, 3, 4 of eight; u + k must give the same for every k")
seen = {shift: columns(shift) for shift in (-2, -1, 0, 1, 2, 3, 8)}
for shift, column in seen.items():
    print(f"u {shift:+d}: columns {column}{'' if column == [2, 3, 4] else '  WRONG'}")
smooth = [uv_to_interpolated_color(np.array([[0.5 + k, 0.5]]), picture)[0, 0].item() for k in range(3)]
print("uv_to_interpolated_color at u = 0.5, 1.5, 2.5: red", smooth, "which must be the same three times (35, between the columns 3 and 4)")
same = all(column == [(c - shift) % SIDE for c in (2, 3, 4)] for shift, column in seen.items())
sys.exit(0 if same and seen[0] == [2, 3, 4] and smooth[0] == 35 and len(set(smooth)) == 3 else 1)
PYTHON
"$folder/venv/bin/python" "$folder/finding.py" || { echo "It is no longer so: u and u + 1 give the same colour, or others than before."; exit 1; }
echo "Still so: each repetition is one texel further."
