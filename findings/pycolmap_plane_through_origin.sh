#!/usr/bin/env bash
# pycolmap 4.2.1: whether a similarity between points of a plane is found depends on where the origin is: not at all if the plane passes through it.
#
# Expected: three points that are not on a line determine a rotation, a translation and a scale (Umeyama 1991, section III: rank 2 of the covariance, that is of the points less
#   their mean, is enough), so points of one plane do, wherever the origin is. Moving them changes nothing but the translation.
# Happens: the corners of a board, a table or a floor (z = 0, as one measures them) give None from estimate_sim3d, estimate_rigid3d and estimate_sim3d_robust. The same corners with
#   z = 5, or with z = 1e-9, give the exact answer. It is enough that one of the two sets lies so: the estimate the other way round is None too. Nothing is said, and the documentation
#   tells of no such limit; None reads as "on a line", or as "too few inliers".
# What to do: move both sets until no plane of theirs passes through the origin (not to their mean, which always lies in it), and put that back into the translation.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check pycolmap==4.2.1 numpy==2.4.6
cat >"$folder/finding.py" <<'PYTHON'
import sys

import numpy as np
import pycolmap

turn = pycolmap.Rotation3d(np.array([0.3, -0.2, 0.5]))  # axis times angle
truth = pycolmap.Sim3d(2.0, turn, np.array([1.0, 2.0, 40.0]))
column, row = np.meshgrid(np.arange(6.0), np.arange(5.0))
board = np.stack([column.ravel(), row.ravel(), np.zeros(30)], 1)
tilted = board @ pycolmap.Rotation3d(np.array([1.0, 0.4, -0.3])).matrix().T
line = np.stack([np.arange(30.0), np.zeros(30), np.full(30, 5.0)], 1)


def error(found, source, target):
    return None if found is None else float(np.abs(found * source - target).max())


def by_umeyama(source, target):
    """The textbook: Umeyama 1991, equations 40 to 42."""
    centre, other = source.mean(0), target.mean(0)
    u, singular, vt = np.linalg.svd((target - other).T @ (source - centre))
    sign = np.diag([1, 1, np.linalg.det(u @ vt)])
    scale = (singular * sign.diagonal()).sum() / ((source - centre) ** 2).sum()
    return scale * (source - centre) @ (u @ sign @ vt).T + other


print(f"pycolmap {pycolmap.__version__}; the largest error of each estimate, which should be 0 but for rounding, wherever the points are")
seen = {}
for name, source in {
    "board, z = 0": board,
    "the same, z = 5": board + [0, 0, 5],
    "the same, z = 1e-9": board + [0, 0, 1e-9],
    "the same, z = 0, tilted": tilted,
    "tilted, moved by (1, 2, 5)": tilted + [1, 2, 5],
    "three corners, z = 0": board[[0, 5, 24]],
    "three corners, z = 5": board[[0, 5, 24]] + [0, 0, 5],
}.items():
    target = truth * source
    rigid = pycolmap.Rigid3d(turn, np.array([1.0, 2.0, 40.0])) * source
    robust = pycolmap.estimate_sim3d_robust(source, target, {"max_error": 0.01})
    back = pycolmap.estimate_sim3d(target, source)
    seen[name] = [
        error(pycolmap.estimate_sim3d(source, target), source, target),
        error(pycolmap.estimate_rigid3d(source, rigid), source, rigid),
        error(robust and robust["tgt_from_src"], source, target),
        error(back and back.inverse(), source, target),
        float(np.abs(by_umeyama(source, target) - target).max()),
    ]
    told = ", ".join(f"{what} {'None' if value is None else format(value, '.0e')}" for what, value in zip(("sim3d", "rigid3d", "robust", "the other way round", "Umeyama"), seen[name]))
    print(f"{name:27} {told}")
print(f"a line at z = 5, which does not determine a rotation: {pycolmap.estimate_sim3d(line, truth * line)}")
through = [name for name in seen if name in ("board, z = 0", "the same, z = 0, tilted", "three corners, z = 0")]
lost = all(seen[name][:4] == [None] * 4 and seen[name][4] < 1e-6 for name in through)
found = all(value is not None and value < 1e-6 for name in seen if name not in through for value in seen[name])
sys.exit(0 if lost and found else 1)
PYTHON
"$folder/venv/bin/python" "$folder/finding.py" || { echo "It is no longer so: a plane through the origin is estimated too, or others are not."; exit 1; }
echo "Still so: a plane through the origin gives None, and the same points beside it the exact answer."
