#!/usr/bin/env bash
# pye57 0.4.19: the bounds that it writes for a scan are two corners of the box, carried to the world by the scan's pose: in other coordinates than the points, and with a minimum above the maximum.
#
# Expected: an E57 file keeps the points of each scan in the scanner's coordinates and, beside them, a pose that carries these to the world. cartesianBounds is "an axis-aligned box in local
#   cartesian coordinates" (the reference of libE57Format, which pye57 is built on; ASTM E2807 says the same of the points' own coordinates): the least and greatest of the stored coordinates.
# Happens: write_scan_raw(data, rotation=..., translation=...) carries the least and the greatest corner by the pose and writes these. Turned by half a turn, the minimum lies above the maximum. They are
#   no box of the world either: turned by 45 degrees, 80 % of a slab of 4 x 3 x 2 m lie outside of it. Who chooses scans or cells by these bounds skips points that are there. Without a pose
#   they are right. No error, no warning.
# What to do: write bounds yourself (scan_header with xMinimum ... zMaximum, taken as they are), or without a pose; who reads: take them from the points.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check pye57==0.4.19 numpy==2.4.6
cat >"$folder/finding.py" <<'PYTHON'
import sys
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pye57

print("pye57", version("pye57"))
SIZE = np.array([4.0, 3.0, 2.0])
points = np.random.default_rng(0).uniform(0, 1, (1000, 3)) * SIZE
points[:8] = np.array(np.meshgrid([0, 1], [0, 1], [0, 1])).reshape(3, -1).T * SIZE  # the corners of the slab
seen = {}
for degrees in (0, 45, 180):
    angle, translation = np.radians(degrees), np.array([10.0, 20, 30]) * (degrees > 0)
    path = str(Path(__file__).with_name(f"turned_{degrees}.e57"))
    with pye57.E57(path, mode="w") as file:
        columns = {f"cartesian{axis}": points[:, i].copy() for i, axis in enumerate("XYZ")}
        file.write_scan_raw(columns, rotation=np.array([np.cos(angle / 2), 0, 0, np.sin(angle / 2)]), translation=translation)
    with pye57.E57(path) as file:
        bounds = file.get_header(0)["cartesianBounds"]
        told = np.array([[bounds[axis + end].value() for axis in "xyz"] for end in ("Minimum", "Maximum")])
        stored = np.stack([file.read_scan_raw(0)[f"cartesian{axis}"] for axis in "XYZ"], 1)
        world = np.stack([file.read_scan(0, ignore_missing_fields=True)[f"cartesian{axis}"] for axis in "XYZ"], 1)
    turn = np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]])
    assert np.allclose(stored, points, atol=1e-6) and np.allclose(world, points @ turn.T + translation, atol=1e-5)
    inside = [float(((values >= told[0] - 1e-5) & (values <= told[1] + 1e-5)).all(1).mean()) for values in (stored, world)]
    local = np.allclose(told, [stored.min(0), stored.max(0)], atol=1e-5)
    seen[degrees] = local, inside, told
    print(f"turned by {degrees} degrees, moved by {translation.tolist()}: the file's minimum {np.round(told[0], 3).tolist()}, maximum {np.round(told[1], 3).tolist()}{'' if local else '  WRONG'}")
    print(f"  the stored points are within {stored.min(0).round(3).tolist()} and {stored.max(0).round(3).tolist()}: {inside[0]:.0%} of them lie in the bounds")
    print(f"  in the world they are within {world.min(0).round(3).tolist()} and {world.max(0).round(3).tolist()}: {inside[1]:.0%} of them lie in the bounds")
right = seen[0][0] and seen[0][1] == [1, 1]
wrong = all(not seen[degrees][0] and seen[degrees][1][0] == 0 and seen[degrees][1][1] < 0.7 for degrees in (45, 180)) and (seen[180][2][0] > seen[180][2][1])[:2].all()
sys.exit(0 if right and wrong else 1)
PYTHON
"$folder/venv/bin/python" "$folder/finding.py" || { echo "It is no longer so: the bounds of a scan are those of its points."; exit 1; }
echo "Still so: the bounds of a scan with a pose are not those of its points."
