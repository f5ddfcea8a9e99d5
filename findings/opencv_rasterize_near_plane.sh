#!/usr/bin/env bash
# OpenCV 5.0.0: triangleRasterize draws a triangle that reaches behind the camera at the wrong place, and turned over.
#
# Expected: triangleRasterize (new in OpenCV 5) is documented with "zNear minimum Z value to render, everything closer is clipped", in OpenGL's camera. Of a floor that goes on under and
#   behind the camera the part before zNear is drawn, where it is seen.
# Happens: triangles are not clipped. A corner behind the camera is divided by its negative depth and comes out on the opposite side of the picture, and the triangle between these
#   three places is drawn. A floor from ten units before the camera to a corner behind it is seen in 1,153 pixels. None of them is drawn, but 40 others are: beyond the floor's far
#   edge, at depths from 10 to 100 that the floor does not have, and culling drops what it should keep. With the corner before the camera, closer than zNear or not, each pixel is right.
#   No error, no warning.
# What to do: cut triangles at the near plane, or divide them until none reaches behind the camera, before they are given to it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check opencv-python-headless==5.0.0.93 numpy==2.4.6
cat >"$folder/finding.py" <<'PYTHON'
import sys

import cv2
import numpy as np

WIDTH, HEIGHT, NEAR, FAR = 64, 48, 0.1, 100.0
print("OpenCV", cv2.__version__)
x, y = np.meshgrid((np.arange(WIDTH) + 0.5 - WIDTH / 2) / (HEIGHT / 2), -(np.arange(HEIGHT) + 0.5 - HEIGHT / 2) / (HEIGHT / 2))
rays = np.stack([x, y, -np.ones_like(x)], -1)  # 90 degrees from the top to the bottom; each ray has a depth of 1


def by_rays(corners):
    """Depth of the triangle in each pixel, FAR where there is none."""
    a, b, c = corners
    normal = np.cross(b - a, c - a)
    depth = (a @ normal) / (rays @ normal)
    inside = (depth > NEAR) & (depth < FAR)
    for start, end in ((a, b), (b, c), (c, a)):
        inside &= np.einsum("yxi,i->yx", rays * depth[..., None] - start, np.cross(normal, end - start)) >= 0
    return np.where(inside, depth, FAR)


def rasterized(corners, culling):
    settings = cv2.TriangleRasterizeSettings()
    settings.setCullingMode(culling)
    depth = np.full((HEIGHT, WIDTH), FAR, np.float32)
    vertices, faces = corners.astype(np.float32)[:, None], np.array([[[0, 1, 2]]], np.int32)
    return cv2.triangleRasterizeDepth(vertices, faces, depth, np.eye(4, dtype=np.float32), np.pi / 2, NEAR, FAR, settings)


shares = {}
print(f"A floor at y = -1, ten units before the camera, to a corner at z; pixels of {WIDTH} x {HEIGHT}; no point of it is deeper than 10")
for z in (-2.0, -0.2, -0.05, 0.05, 1.0, 5.0):
    corners = np.array([[-5, -1, -10], [5, -1, -10], [0, -1, z]])
    true = by_rays(corners)
    drawn = rasterized(corners, cv2.RASTERIZE_CULLING_NONE)
    both = (true < FAR) & (drawn < FAR)
    right = both & (np.abs(drawn - true) < 1e-3 * true)
    kept = {name: int((rasterized(corners, mode) < FAR).sum()) for name, mode in (("CW", cv2.RASTERIZE_CULLING_CW), ("CCW", cv2.RASTERIZE_CULLING_CCW))}
    shares[z] = [int((true < FAR).sum()), int((drawn < FAR).sum()), int(right.sum()), int(((drawn < FAR) & (drawn > 10.001)).sum()), kept["CW"] > kept["CCW"]]
    print(f"corner at z = {z:5}: seen in {shares[z][0]:4} pixels; drawn in {shares[z][1]:4}, of them right {shares[z][2]:4}, deeper than 10 {shares[z][3]:4}; without clockwise {kept['CW']:4}, counterclockwise {kept['CCW']:4}")
before = all(shares[z][0] == shares[z][1] == shares[z][2] and shares[z][3] == 0 for z in (-2.0, -0.2, -0.05))
behind = all(shares[z][0] > 500 and shares[z][2] == 0 and shares[z][3] == shares[z][1] > 0 for z in (0.05, 1.0, 5.0))
print("the same triangle is turned over as its corner passes the camera:", shares[-2.0][4] != shares[5.0][4])
sys.exit(0 if before and behind and shares[-2.0][4] != shares[5.0][4] else 1)
PYTHON
"$folder/venv/bin/python" "$folder/finding.py" || { echo "It is no longer so: triangles are clipped, or drawn otherwise."; exit 1; }
echo "Still so: what reaches behind the camera is drawn where it is not."
