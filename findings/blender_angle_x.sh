#!/usr/bin/env bash
# Blender 4.5.15 (bpy): a camera's angle_x, its "horizontal field of view", is not that of a picture that is higher than wide, nor of one whose sensor is fitted vertically.
#
# Expected: Camera.angle_x is documented as "Camera lens horizontal field of view", angle_y as the vertical one. The list of cameras that NeRF's makers wrote out of Blender, and all
#   that read it since, takes angle_x as camera_angle_x: the focal length in pixels is then width / 2 / tan(angle_x / 2).
# Happens: angle_x and angle_y are those of the sensor as it stands in the settings (36 mm x 24 mm at first), and know neither the picture nor sensor_fit. With sensor_fit AUTO (the
#   default) the sensor's width lies along the longer side: of a picture that is higher than wide, angle_x is the angle of its height, and focal lengths are taken too short by the ratio
#   of the sides. With VERTICAL angle_x is no side's at all, and with AUTO or HORIZONTAL angle_y is that of a picture of 3 : 2 alone. Wide pictures are right in x. No error, no warning.
# What to do: take the focal length from calc_matrix_camera of the camera object, which knows the picture: width / 2 times its first number.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3.11 -m venv "$folder/venv"  # Blender is for just one version of Python
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check bpy==4.5.15 numpy==1.26.4
cat >"$folder/finding.py" <<'PYTHON'
import math
import sys

import bpy
from bpy_extras.object_utils import world_to_camera_view
from mathutils import Vector

bpy.ops.wm.read_factory_settings(use_empty=True)
scene = bpy.context.scene
lens = bpy.data.cameras.new("camera")
camera = bpy.data.objects.new("camera", lens)  # at the origin, looking along -z
scene.collection.objects.link(camera)
bpy.context.view_layer.update()
print("Blender", bpy.app.version_string, "\nfocal length in pixels: where Blender puts a point, by calc_matrix_camera, and by angle_x")
seen = {}
for width, height in ((1200, 800), (800, 800), (800, 1200), (1080, 1920)):
    for fit in ("AUTO", "HORIZONTAL", "VERTICAL"):
        scene.render.resolution_x, scene.render.resolution_y, scene.render.resolution_percentage = width, height, 100
        lens.sensor_fit = fit
        u, _, _ = world_to_camera_view(scene, camera, Vector((0.1, 0.0, -1.0)))
        true = (u - 0.5) * width / 0.1
        matrix = camera.calc_matrix_camera(bpy.context.evaluated_depsgraph_get(), x=width, y=height)
        by_matrix, by_angle = matrix[0][0] * width / 2, width / 2 / math.tan(lens.angle_x / 2)
        seen[width, height, fit] = true, by_matrix, by_angle
        print(f"{width:4} x {height:4}  {fit:10}  {true:7.1f}  {by_matrix:7.1f}  {by_angle:7.1f}{'  WRONG' if abs(by_angle - true) > 1 else ''}")
wrong = {key: abs(by_angle - true) > 1 for key, (true, _, by_angle) in seen.items()}
expected = {(w, h, fit): fit == "VERTICAL" and w * 24 != h * 36 or fit == "AUTO" and h > w for w, h, fit in seen}
sys.exit(0 if wrong == expected and all(abs(by_matrix - true) < 0.1 for true, by_matrix, _ in seen.values()) else 1)
PYTHON
"$folder/venv/bin/python" "$folder/finding.py" || { echo "It is no longer so: angle_x is the picture's."; exit 1; }
echo "Still so: angle_x is not the horizontal angle of a picture that is higher than wide."
