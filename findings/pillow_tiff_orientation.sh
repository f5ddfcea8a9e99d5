#!/usr/bin/env bash
# Pillow 13.0.0: a TIFF that its tag Orientation turns comes turned, while it still says that it is to be turned; JPEG, PNG and WebP with the same tag come as they are stored.
#
# Expected: one rule for all formats. Image.open turns nothing (that is what ImageOps.exif_transpose is for, or one's own turning by getexif()[274]): .size and the pixels are those
#   of the file, and the tag says what is still to be done.
# Happens: so it is with JPEG, PNG and WebP. Of a TIFF .size is the turned one from the start, the pixels are turned when they are loaded, and the tag is there until then, and
#   gone afterwards. Whoever asks for the tag first, as one does to know the size without reading a pixel, and turns what was loaded turns it twice; whoever takes .size for
#   that of the stored picture has height and width the wrong way round. (exif_transpose itself loads first, and does right by all four.)
# What to do: load before the tag is asked for; or leave TIFF's tag alone.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check pillow==13.0.0 numpy==2.4.6
cat >"$folder/finding.py" <<'PYTHON'
import sys
from pathlib import Path

import numpy as np
from PIL import ExifTags, Image, ImageOps

TAG, TURN_RIGHT = ExifTags.Base.Orientation, 6
stored = np.full((32, 64, 3), 255, np.uint8)  # 64 wide; its upper left quarter is black
stored[:16, :32] = 0
exif = Image.Exif()
exif[TAG] = TURN_RIGHT


def quarter(picture):
    dark = np.asarray(picture.convert("L")) < 128
    height, width = dark.shape
    return {(True, False, False, False): "upper left", (False, True, False, False): "upper right"}[
        tuple(bool(dark[y, x]) for y in (height // 4, 3 * height // 4) for x in (width // 4, 3 * width // 4))
    ]


print("Stored: 64 x 32, the upper left quarter black, orientation 6; to be seen: 32 x 64, the upper right quarter black")
found = {}
for ending, options in (("jpg", {"quality": 95}), ("png", {}), ("webp", {"lossless": True}), ("tif", {})):
    path = Path(__file__).with_name(f"picture.{ending}")
    Image.fromarray(stored).save(path, exif=exif, **options)
    with Image.open(path) as picture:
        size, tag = picture.size, picture.getexif().get(TAG)
        picture.load()
        found[ending] = size, tag, picture.size, quarter(picture), picture.getexif().get(TAG)
    with Image.open(path) as picture:
        right = ImageOps.exif_transpose(picture)
        by_exif_transpose = right.size, quarter(right)
    print(f"{ending:5} opened: {size}, orientation {tag}; loaded: {found[ending][2]}, {found[ending][3]}, orientation {found[ending][4]}; exif_transpose: {by_exif_transpose}")
as_stored = all(found[ending] == ((64, 32), 6, (64, 32), "upper left", 6) for ending in ("jpg", "png", "webp"))
sys.exit(0 if as_stored and found["tif"] == ((32, 64), 6, (32, 64), "upper right", None) else 1)
PYTHON
"$folder/venv/bin/python" "$folder/finding.py" || { echo "It is no longer so: the four formats come alike, or otherwise."; exit 1; }
echo "Still so: a TIFF comes turned, and says that it is to be turned until it is loaded."
