#!/usr/bin/env bash
# OpenCV 5.0.0.93: grabCut of the same picture, called again, gives another mask.
#
# Expected: the same input gives the same output. GrabCut as published has no chance in it (minimum cuts and Gaussians fitted in turn), the function takes no seed, and its
#   documentation speaks of none; nothing of the first call is handed to the second.
# Happens: the colours are first clustered by k-means, whose centres are drawn by the process's one generator, and each call goes on where the last one left it. So a mask depends on
#   how many pictures were cut before it, and on whatever else drew from that generator (kmeans, RANSAC, randu): one picture by itself, or cut anew after an error, is
#   not what it was in the row. Where colours are plain the masks agree, so that a test with an easy picture tells nothing.
# What to do: cv2.setRNGSeed(0) before each call.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check opencv-python-headless==5.0.0.93 numpy==2.4.6
cat >"$folder/finding.py" <<'PYTHON'
import sys

import cv2
import numpy as np

SIDE, CELL, CALLS = 96, 8, 5
row, column = np.mgrid[:SIDE, :SIDE]
disk = (row - SIDE / 2) ** 2 + (column - SIDE / 2) ** 2 < 26**2


def patchwork(seed):
    """A disk of patches in six colours before patches in eight others, with noise."""
    random, cells = np.random.default_rng(seed), (SIDE // CELL) ** 2
    which = row // CELL * (SIDE // CELL) + column // CELL
    behind, before = (random.integers(0, 256, (n, 3))[random.integers(0, n, cells)][which] for n in (8, 6))
    return np.clip(np.where(disk[..., None], before, behind) + random.normal(0, 12, (SIDE, SIDE, 3)), 0, 255).astype(np.uint8)


def cut(picture):
    mask, models = np.zeros((SIDE, SIDE), np.uint8), [np.zeros((1, 65)), np.zeros((1, 65))]
    cv2.grabCut(picture, mask, (20, 20, 56, 56), *models, 3, cv2.GC_INIT_WITH_RECT)
    return mask & 1


def seeded(picture):
    cv2.setRNGSeed(0)
    return cut(picture)


print(f"Pixels in which {CALLS} masks of the same picture differ from the first of them; all should be 0")
differ = {"called again and again": 0, "setRNGSeed(0) before each call": 0}
for seed in range(10):
    picture = patchwork(seed)
    for name, call in (("called again and again", cut), ("setRNGSeed(0) before each call", seeded)):
        masks = [call(picture) for _ in range(CALLS)]
        others = [int((mask != masks[0]).sum()) for mask in masks[1:]]
        differ[name] += sum(others)
        print(f"picture {seed}, {name:31} {others}, of {int(masks[0].sum())} inside")
sys.exit(0 if differ["called again and again"] > 0 and differ["setRNGSeed(0) before each call"] == 0 else 1)
PYTHON
"$folder/venv/bin/python" "$folder/finding.py" || { echo "It is no longer so: the same picture gives the same mask."; exit 1; }
echo "Still so: grabCut draws from a generator that all calls share."
