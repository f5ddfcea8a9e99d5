#!/usr/bin/env bash
# OpenCV 5.0.0.93: imread(..., IMREAD_UNCHANGED) multiplies the colours of a TIFF with 8 bits by its alpha, and leaves those of a TIFF with 16 bits, of a PNG and of a WebP as they are.
#
# Expected: TIFF says by its tag ExtraSamples whether colours are multiplied by alpha already (1, "associated") or not (2, "unassociated"), as those of a PNG never are. IMREAD_UNCHANGED is said to
#   "return the loaded image as is (with alpha channel ...)". So the same picture with the same alpha, not multiplied, has the same colours in all of these files.
# Happens: in a TIFF with 8 bits per channel whose alpha is said to be unassociated, as Pillow and others write it, colours come multiplied by alpha and rounded: half-transparent orange is half as
#   bright, and what is transparent is black; composed over a background, alpha counts twice, and an edge gets a dark fringe. With 16 bits or floats nothing is multiplied; nor with 8 bits
#   where the tag is missing, as in TIFF files that OpenCV writes, so that its own round trip shows nothing. No error, no warning, and no way to tell from the array.
# What to do: PNG; or tifffile or Pillow for TIFF files with alpha.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check opencv-python-headless==5.0.0.93 pillow==13.0.0 tifffile==2026.3.3 numpy==2.4.6
cat >"$folder/finding.py" <<'PYTHON'
import sys
from importlib.metadata import version
from pathlib import Path

import cv2
import numpy as np
import tifffile
from PIL import Image

print("OpenCV", version("opencv-python-headless"))
PICTURE = np.array([[[200, 100, 50, 255], [200, 100, 50, 128], [200, 100, 50, 0]]], np.uint8)
MULTIPLIED = np.dstack([np.round(PICTURE[..., :3] * (PICTURE[..., 3:] / 255)), PICTURE[..., 3:]]).astype(np.uint8)
folder = Path(__file__).parent
Image.fromarray(PICTURE).save(folder / "pillow.png")
Image.fromarray(PICTURE).save(folder / "pillow.tif")
tifffile.imwrite(folder / "tifffile_8.tif", PICTURE, photometric="rgb", extrasamples=["unassalpha"])
tifffile.imwrite(folder / "tifffile_16.tif", PICTURE.astype(np.uint16) * 257, photometric="rgb", extrasamples=["unassalpha"])
tifffile.imwrite(folder / "tifffile_float.tif", PICTURE.astype(np.float32) / 255, photometric="rgb", extrasamples=["unassalpha"])
told = tifffile.TiffFile(folder / "pillow.tif").pages[0].extrasamples
print("ExtraSamples of pillow.tif:", [int(value) for value in told], "(2: unassociated)")
print("the picture (R, G, B, alpha):     ", PICTURE[0].tolist())
seen = {}
for name, scale in (("pillow.png", 1), ("pillow.tif", 1), ("tifffile_8.tif", 1), ("tifffile_16.tif", 257), ("tifffile_float.tif", 1 / 255)):
    values = cv2.imread(str(folder / name), cv2.IMREAD_UNCHANGED)[..., [2, 1, 0, 3]] / scale
    seen[name] = np.round(values).astype(int)
    print(f"imread of {name:19s} {values.shape}: {seen[name][0].tolist()}{'' if (seen[name] == PICTURE).all() else '  WRONG'}")
others = np.asarray(Image.open(folder / "tifffile_8.tif")), tifffile.imread(folder / "pillow.tif")
print("Pillow's reading of tifffile_8.tif:", others[0][0].tolist(), "; tifffile's of pillow.tif:", others[1][0].tolist())
over = {name: (seen[name][0, 1, :3] * 128 // 255).tolist() for name in ("pillow.png", "pillow.tif")}
print("the second pixel, composed over black:", over)
right = all((seen[name] == PICTURE).all() for name in ("pillow.png", "tifffile_16.tif", "tifffile_float.tif")) and all((other == PICTURE).all() for other in others)
wrong = all((np.abs(seen[name] - MULTIPLIED) <= 1).all() for name in ("pillow.tif", "tifffile_8.tif"))
sys.exit(0 if right and wrong and tuple(told) == (2,) else 1)
PYTHON
"$folder/venv/bin/python" "$folder/finding.py" || { echo "It is no longer so: colours of a TIFF come as its files hold them."; exit 1; }
echo "Still so: the colours of a TIFF with 8 bits come multiplied by alpha."
