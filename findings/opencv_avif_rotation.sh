#!/usr/bin/env bash
# OpenCV 5.0.0.93: imread turns JPEG, PNG and WebP as they say, but not AVIF, whose turn is no advice but part of the picture.
#
# Expected: imread turns a picture unless IMREAD_IGNORE_ORIENTATION or IMREAD_UNCHANGED is given. In AVIF the turn is the property "irot" (and "imir"), which HEIF (ISO/IEC 23008-12)
#   counts among the transformative ones: what a file shows is the picture after them, and they are marked as essential, which no reader may pass over. EXIF's tag is advice beside.
# Happens: the formats whose tag is mere EXIF come turned, and AVIF comes as its pixels are coded, with height and width the other way round than in every browser.
#   No warning. Sets of pictures that were turned into AVIF (Pillow writes the tag as irot) no longer fit their cameras or their masks.
# What to do: read AVIF by Pillow and ImageOps.exif_transpose, or turn the pixels before they are written.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check opencv-python-headless==5.0.0.93 pillow==13.0.0 numpy==2.4.6
cat >"$folder/finding.py" <<'PYTHON'
import sys
from pathlib import Path

import cv2
import numpy as np
from PIL import ExifTags, Image, ImageOps

stored = np.full((32, 64, 3), 255, np.uint8)  # 64 wide; its upper left quarter is black
stored[:16, :32] = 0
exif = Image.Exif()
exif[ExifTags.Base.Orientation] = 6  # to be turned to the right by a quarter


def seen(picture):
    """(height, width), and whether each quarter is dark, row by row."""
    height, width = picture.shape[:2]
    return (height, width), [bool(picture[y, x].mean() < 128) for y in (height // 4, 3 * height // 4) for x in (width // 4, 3 * width // 4)]


turned = ((64, 32), [False, True, False, False])
print("To be seen: (height, width) and dark quarters", turned)
found = {}
for ending, options in (("jpg", {"quality": 95}), ("png", {}), ("webp", {"lossless": True}), ("avif", {"quality": 90})):
    path = Path(__file__).with_name(f"picture.{ending}")
    Image.fromarray(stored).save(path, exif=exif, **options)
    found[ending] = seen(cv2.imread(str(path)))
    with Image.open(path) as picture:
        by_pillow = seen(np.asarray(ImageOps.exif_transpose(picture)))
    print(f"{ending:5} imread: {found[ending]}  Pillow's exif_transpose: {'the same as to be seen' if by_pillow == turned else by_pillow}")
    if ending == "avif":
        content = path.read_bytes()
        irot = content.index(b"irot")
        print(f"      the file has irot with {content[irot + 4]} quarters to the left, and {'no' if b'Exif' not in content else 'an'} EXIF")
others = all(found[ending] == turned for ending in ("jpg", "png", "webp"))
sys.exit(0 if others and found["avif"] == seen(stored) and content[irot + 4] == 3 else 1)
PYTHON
"$folder/venv/bin/python" "$folder/finding.py" || { echo "It is no longer so: AVIF is turned, or others are not."; exit 1; }
echo "Still so: of four formats AVIF alone is not turned."
