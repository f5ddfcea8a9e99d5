#!/usr/bin/env bash
# pye57 0.4.19: coordinates in float64 are written to an E57 file in single precision: a survey's northing comes back in steps of half a metre, as float64.
#
# Expected: E57 is the exchange format of surveying; its coordinates are scaled integers, or floats of single or double precision, as the writer chooses. read_scan and read_scan_raw give float64.
#   So coordinates that are handed over in float64 come back as they were, or the writer offers a choice.
# Happens: write_scan_raw writes single precision always, without an option. At an easting of 450,000 m steps are 3 cm, at a northing of 5,400,000 m half a metre: a wall is stairs, and points
#   that were a centimetre apart are one. They come back in float64. The bounds in the same file are of double precision, so that points may lie outside of them. No error, no warning.
# What to do: subtract a point near by, in float64, and hand it over as `translation`, which is kept in double precision; read_scan adds it again.
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
place = np.array([450_000.0, 5_400_000.0, 100.0])
points = place + np.random.default_rng(0).uniform(0, 10, (10_000, 3))
seen = {}
for title, translation in (("as they are", 0 * place), ("less a translation", place)):
    path = str(Path(__file__).with_name("scan.e57"))
    Path(path).unlink(missing_ok=True)
    with pye57.E57(path, mode="w") as file:
        columns = {f"cartesian{axis}": (points - translation)[:, i].copy() for i, axis in enumerate("XYZ")}
        file.write_scan_raw(columns, translation=translation)
    with pye57.E57(path) as file:
        data = file.read_scan(0, ignore_missing_fields=True)
    back = np.stack([data[f"cartesian{axis}"] for axis in "XYZ"], 1)
    error, count = np.abs(back - points).max(0), [len(np.unique(values)) for values in back.T]
    seen[title] = error, back.dtype, count
    print(f"{title}: back come {back.dtype}; greatest error in x, y, z {error.round(7).tolist()} m{'  WRONG' if error.max() > 1e-3 else ''}; different values among {len(points)}: {count}")
right = seen["less a translation"][0].max() < 1e-5
wrong = seen["as they are"][0][1] > 0.2 and seen["as they are"][1] == np.float64 and seen["as they are"][2][1] < 30
sys.exit(0 if right and wrong else 1)
PYTHON
"$folder/venv/bin/python" "$folder/finding.py" || { echo "It is no longer so: coordinates come back as they were handed over."; exit 1; }
echo "Still so: coordinates of an E57 file are of single precision."
