#!/usr/bin/env bash
# OpenCV 5.0.0.93: how exactly remap and warpAffine interpolate depends on the number of channels, and float64 is less exact than float32.
#
# Expected: each channel is interpolated by itself, so that it comes out the same whatever stands beside it; and float64 is at least as exact as float32. The documentation of remap
#   has one formula, dst(x, y) = src(map_x(x, y), map_y(x, y)), for all types and numbers of channels.
# Happens: with 1, 3 or 4 channels of uint8, uint16 or float32 the result is bilinear interpolation, to rounding. With 2 channels, or 5, or with float64 or int16, places are first
#   rounded to 1/32 of a pixel, as all were in OpenCV 4 of old: of noise the same channel is then up to 2 % of its range off. So a flow field, or grey with alpha, is warped less
#   exactly than its channels one by one, and turning to float64 for accuracy loses five digits. No error, no warning. (On x86-64; other processors may have other routines.)
# What to do: float32, and 1, 3 or 4 channels: split others, or put a channel of zeros beside two.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check opencv-python-headless==5.0.0.93 numpy==2.4.6
cat >"$folder/finding.py" <<'PYTHON'
import sys

import cv2
import numpy as np

HEIGHT, WIDTH = 96, 128
random = np.random.default_rng(0)
row, column = np.mgrid[:HEIGHT, :WIDTH].astype(np.float64)
affine = np.array([[0.96, -0.03, 5.71], [0.02, 0.95, 3.33]])  # from a pixel of the result to its place in the source
x, y = (np.float32(line[0] * column + line[1] * row + line[2]).astype(np.float64) for line in affine)
inside = (x > 1) & (x < WIDTH - 2) & (y > 1) & (y < HEIGHT - 2)  # far from the border, where it is not the matter
left, top = np.floor(x).astype(int), np.floor(y).astype(int)


def bilinear(channel, x, y):
    """The textbook, in float64: four pixels around each place."""
    u, v = x - left, y - top
    i, j = np.clip(top, 0, HEIGHT - 2), np.clip(left, 0, WIDTH - 2)
    upper = channel[i, j] * (1 - u) + channel[i, j + 1] * u
    return upper * (1 - v) + (channel[i + 1, j] * (1 - u) + channel[i + 1, j + 1] * u) * v


print(f"OpenCV {cv2.__version__}: largest error of the first channel, in per cent of its range of values; none should be more than rounding, and all of a row the same")
seen, kinds = {}, {"uint8": (0, 255), "uint16": (0, 65535), "int16": (-32768, 32767), "float32": (0, 1), "float64": (0, 1)}
for kind, (low, high) in kinds.items():
    drawn = low + (high - low) * random.random((HEIGHT, WIDTH))
    channel = (drawn if kind.startswith("float") else np.rint(drawn)).astype(kind)
    truth = bilinear(channel.astype(np.float64), x, y)
    for channels in (1, 2, 3, 4, 5):
        picture = np.ascontiguousarray(np.stack([channel] + [channel[::-1]] * (channels - 1), -1))
        for name, warped in (
            ("remap", cv2.remap(picture, x.astype(np.float32), y.astype(np.float32), cv2.INTER_LINEAR)),
            ("warpAffine", cv2.warpAffine(picture, affine, (WIDTH, HEIGHT), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)),
        ):
            first = warped.reshape(HEIGHT, WIDTH, channels)[..., 0].astype(np.float64)
            seen[name, kind, channels] = float(np.abs(first - truth)[inside].max() / (high - low) * 100)
for name in ("remap", "warpAffine"):
    for kind in kinds:
        print(f"{name:10} {kind:8}", "  ".join(f"{channels} ch. {seen[name, kind, channels]:.5f}" for channels in (1, 2, 3, 4, 5)))
rounding = {"uint8": 0.25, "uint16": 0.02, "float32": 0.02}
exact = all(seen[name, kind, channels] < rounding[kind] for name in ("remap", "warpAffine") for kind in rounding for channels in (1, 3, 4))
coarse = all(seen[name, kind, channels] > 1 for name in ("remap", "warpAffine") for kind in kinds for channels in (2, 5))
double = all(seen[name, "float64", channels] > 1 for name in ("remap", "warpAffine") for channels in (1, 3, 4))
places = [np.rint(place * 32) / 32 for place in (x, y)]
flow = random.random((HEIGHT, WIDTH, 2)).astype(np.float32)
moved = cv2.remap(flow, x.astype(np.float32), y.astype(np.float32), cv2.INTER_LINEAR)[..., 0]
by_32 = float(np.abs(moved - bilinear(flow[..., 0].astype(np.float64), *places))[inside].max())
print(f"two channels of float32 against the textbook at places rounded to 1/32 of a pixel: {by_32:.1e}")
sys.exit(0 if exact and coarse and double and by_32 < 1e-5 else 1)
PYTHON
"$folder/venv/bin/python" "$folder/finding.py" || { echo "It is no longer so: channels and types are interpolated alike."; exit 1; }
echo "Still so: two channels, and float64, are interpolated less exactly than one, three or four of float32."
