#!/usr/bin/env bash
# Mitsuba 3.9.1: turning a picture of floats into one of whole numbers adds a pattern: an even grey becomes two greys.
#
# Expected: the documentation of Bitmap.convert tells four steps: out of the source's gamma, into the target's, "clamped against the representable range of the desired component format",
#   and "written to the new bitmap". So equal values stay equal, each value goes to the nearest whole number, at most 0.5 from it, and a part of the picture comes out as it does within the whole.
# Happens: before it is rounded each value gets a number between -0.5 and 0.5 that depends on the place (blue noise, 256 pixels wide). The help of the command-line program tonemap
#   calls that dithering; the documentation of convert, write_bitmap and convert_to_bitmap does not, and none can be told not to. One value of noise in four is not the nearest, errors go
#   up to 1, of a picture cut out before the conversion a third of the values differs from the same cut afterwards, and alpha and 16 bits get it, too: there even whole numbers, as
#   depths in millimetres are, come out one off, where float32 is not exact. Goldens, masks by "==", and compression suffer.
# What to do: np.round in NumPy, and Bitmap(array of uint8 or uint16), which is written as it is.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check mitsuba==3.9.1 numpy==2.4.6 pillow==13.0.0
cat >"$folder/finding.py" <<'PYTHON'
import sys
from pathlib import Path

import mitsuba
import numpy as np
from PIL import Image

mitsuba.set_variant("scalar_rgb")
FORMATS = {1: mitsuba.Bitmap.PixelFormat.Y, 3: mitsuba.Bitmap.PixelFormat.RGB, 4: mitsuba.Bitmap.PixelFormat.RGBA}
KINDS = {255: mitsuba.Struct.Type.UInt8, 65535: mitsuba.Struct.Type.UInt16}
here = Path(__file__).parent


def convert(picture, most=255, srgb=False):
    return np.array(mitsuba.Bitmap(np.ascontiguousarray(picture)).convert(FORMATS[picture.shape[2]], KINDS[most], srgb)).reshape(picture.shape)


def counted(values):
    numbers, times = np.unique(values, return_counts=True)
    return ", ".join(f"{number} ({count})" for number, count in zip(numbers.tolist(), times.tolist()))


print(f"Mitsuba {mitsuba.__version__}; an even picture of 64 x 64, which should come out as one number, the nearest; found, and how often")
numbers = {}
for value, most, size in ((0.305, 255, 1), (0.52, 255, 1), (0.2, 255, 1), (0.2, 65535, 1)):
    even = np.full((64, 64, size), value, np.float32)
    found = convert(even, most)
    numbers[value, most] = len(np.unique(found))
    print(f"{value} of {most:5}, {value * most:8.2f}: {counted(found)}")
even = np.full((64, 64, 4), 0.52, np.float32)
print(f"0.52 as alpha,  {0.52 * 255:8.2f}: {counted(convert(even, srgb=True)[..., 3])}")
alpha = len(np.unique(convert(even, srgb=True)[..., 3]))
mitsuba.util.write_bitmap(str(here / "even.png"), np.full((64, 64, 3), 0.2, np.float32), write_async=False)
png = np.asarray(Image.open(here / "even.png"))
print(f"write_bitmap of 0.2, 123.55 in sRGB: {counted(png[..., 0])}")

noise = np.random.default_rng(0).random((64, 64, 3)).astype(np.float32)
found, exact = convert(noise), noise * 255.0
nearest = np.round(exact)
cut = float((convert(noise[5:, 7:]) != found[5:, 7:]).mean())
print(f"noise: {np.mean(found != nearest):.1%} of the values are not the nearest number, and the largest error is {np.abs(found - exact).max():.2f}; it should be 0 and 0.5")
print(f"noise, cut before and after the conversion: {cut:.1%} of the values differ; it should be 0")
depth = np.random.default_rng(0).integers(20000, 65000, (256, 256, 1))
metres = (depth / 65535).astype(np.float32)
back = convert(metres, 65535).astype(int)
rounded = np.round(metres.astype(np.float64) * 65535).astype(int)
print(f"whole numbers of 16 bits, by way of float32: {np.sum(back != depth)} of {depth.size} come back as others; by NumPy's rounding {np.sum(rounded != depth)}")
exactly = nearest.astype(np.uint8)
mitsuba.Bitmap(exactly).write(str(here / "exact.png"))
kept = np.array_equal(np.asarray(Image.open(here / "exact.png")), exactly)
print(f"rounded by NumPy and written as uint8: every value kept {kept}")
dithered = numbers[0.305, 255] == numbers[0.52, 255] == alpha == 2 and numbers[0.2, 255] == 1 and len(np.unique(png)) == 2
sys.exit(0 if dithered and np.mean(found != nearest) > 0.1 and cut > 0.1 and np.sum(back != depth) > np.sum(rounded != depth) == 0 and kept else 1)
PYTHON
"$folder/venv/bin/python" "$folder/finding.py" || { echo "It is no longer so: values go to the nearest number, or otherwise."; exit 1; }
echo "Still so: a picture of floats gets a pattern when it is turned into whole numbers."
