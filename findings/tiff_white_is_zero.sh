#!/usr/bin/env bash
# Pillow 13.0.0, OpenCV 5.0.0.93: a TIFF in which zero is white comes turned to brightness if it has 8 bits, and as it is stored if it has 16: the same picture, once positive and once negative.
#
# Expected: PhotometricInterpretation 0 (WhiteIsZero, baseline TIFF 6.0) says that 0 is white, as scanners of film and X-rays write it. A reader gives brightness always, or the stored numbers
#   always, and says which (tifffile: stored). That Image.open and imread give brightness is what every TIFF with 8 bits shows.
# Happens: with 16 bits both give the stored numbers: a ramp from black to white comes as one from white to black. With OpenCV even the flag matters: the 16 bits that IMREAD_UNCHANGED gives are
#   negative, and the 8 bits that IMREAD_GRAYSCALE makes of the same file positive. Masks and depths from such files are the other way round. No error, no warning.
# What to do: look at tag 262 (Image.open(name).tag_v2[262]); where it is 0 and the numbers have 16 bits, 65535 - values.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check pillow==13.0.0 opencv-python-headless==5.0.0.93 tifffile==2026.3.3 numpy==2.4.6
cat >"$folder/finding.py" <<'PYTHON'
import sys
from importlib.metadata import version
from pathlib import Path

import cv2
import numpy as np
import tifffile
from PIL import Image

print("Pillow", version("pillow"), ", OpenCV", version("opencv-python-headless"))
BRIGHTNESS = np.array([[0, 64, 128, 255]])  # what the picture shows, 255 is white
seen = {}
for bits, scale in ((8, 1), (16, 257)):
    for photometric in ("minisblack", "miniswhite"):
        shown = BRIGHTNESS * scale
        stored = (shown if photometric == "minisblack" else 255 * scale - shown).astype(f"u{bits // 8}")
        path = str(Path(__file__).with_name(f"{photometric}_{bits}.tif"))
        tifffile.imwrite(path, stored, photometric=photometric)
        picture = Image.open(path)
        values = {
            "Pillow": np.asarray(picture).astype(int) // scale,
            "OpenCV IMREAD_UNCHANGED": cv2.imread(path, cv2.IMREAD_UNCHANGED).astype(int) // scale,
            "OpenCV IMREAD_GRAYSCALE": cv2.imread(path, cv2.IMREAD_GRAYSCALE).astype(int),
        }
        print(f"{bits:2d} bits, {photometric} (tag 262: {picture.tag_v2[262]}), shows {BRIGHTNESS[0].tolist()} of 255")
        for name, value in values.items():
            told = "" if np.abs(value - BRIGHTNESS).max() <= 1 else "  NEGATIVE" if np.abs(255 - value - BRIGHTNESS).max() <= 1 else "  WRONG"
            seen[bits, photometric, name] = told.strip()
            print(f"  {name}: {value[0].tolist()}{told}")
both = ("Pillow", "OpenCV IMREAD_UNCHANGED")
right = not any(told for (bits, photometric, name), told in seen.items() if bits == 8 or photometric == "minisblack" or name not in both)
wrong = all(seen[16, "miniswhite", name] == "NEGATIVE" for name in both)
sys.exit(0 if right and wrong else 1)
PYTHON
"$folder/venv/bin/python" "$folder/finding.py" || { echo "It is no longer so: 8 and 16 bits are read alike."; exit 1; }
echo "Still so: white is zero in TIFF files with 16 bits, and not in those with 8."
