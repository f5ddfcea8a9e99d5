#!/usr/bin/env bash
# pycolmap 4.2.1: ellipsoid_to_utm tears a scene at the equator: points 22 m apart come back 10,000 km apart.
#
# Expected: one set of points gets one coordinate system. ellipsoid_to_utm takes all points together and gives one zone for all of them (which it does: at the border of two zones
#   neighbours stay neighbours), so that differences of coordinates are metres; and utm_to_ellipsoid, which takes one zone and one hemisphere, is the way back.
# Happens: the zone is common, and the hemisphere is each point's own: 10,000,000 m are added to the northing of those south of the equator, and to no others. The hemisphere is not
#   returned; with either value of is_north the way back is wrong for one side of the equator, which lands 87.5 degrees away, near a pole and on another meridian. No error, no warning.
# What to do: ellipsoid_to_enu with a point of the scene; or subtract 10,000,000 from the northing of what lies south of the equator, before anything else.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check pycolmap==4.2.1 numpy==2.4.6
cat >"$folder/finding.py" <<'PYTHON'
import sys

import numpy as np
import pycolmap

earth = pycolmap.GPSTransform(pycolmap.GPSTransformEllipsoid.WGS84)
scenes = {  # latitude, longitude, altitude
    "47 degrees north": np.array([[47.0001, 8.5, 0], [46.9999, 8.5, 0]]),
    "33 degrees south": np.array([[-32.9999, 151.2, 0], [-33.0001, 151.2, 0]]),
    "border of zones 31 and 32": np.array([[47, 5.9999, 0], [47, 6.0001, 0]]),
    "equator": np.array([[0.0001, 36.5, 0], [-0.0001, 36.5, 0]]),
}
print(f"pycolmap {pycolmap.__version__}: the distance of two points in metres, through the earth, as East, North, Up, and by UTM; and the way back, degrees off")
print("The three should be the same but for the scale of UTM, 0.1 per cent; and one of the two ways back should be 0")
seen = {}
for name, points in scenes.items():
    right = np.linalg.norm(np.diff(earth.ellipsoid_to_ecef(points), axis=0))
    local = np.linalg.norm(np.diff(earth.ellipsoid_to_enu(points, *points[0]), axis=0))
    utm, zone = earth.ellipsoid_to_utm(points)
    apart = np.linalg.norm(np.diff(utm, axis=0))
    back = {north: float(np.abs(earth.utm_to_ellipsoid(utm, zone, north) - points)[:, 0].max()) for north in (True, False)}
    seen[name] = right, local, apart, min(back.values())
    print(f"{name:26} {right:.3f}  {local:.3f}  {apart:.3f}; northings {utm[0, 1]:.3f} and {utm[1, 1]:.3f}, zone {zone}; back: is_north {back[True]:.6f}, not {back[False]:.6f}")
equator = seen.pop("equator")
others = all(abs(local - right) < 1e-3 * right and abs(apart - right) < 2e-3 * right and off < 1e-6 for right, local, apart, off in seen.values())
right, local, apart, off = equator
sys.exit(0 if others and abs(local - right) < 1e-3 * right and abs(apart + right - 1e7) < 1 and off > 80 else 1)
PYTHON
"$folder/venv/bin/python" "$folder/finding.py" || { echo "It is no longer so: the equator is as any other place."; exit 1; }
echo "Still so: two points 22 m apart, on both sides of the equator, are 10,000 km apart in UTM."
