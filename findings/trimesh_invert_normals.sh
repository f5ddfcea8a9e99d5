#!/usr/bin/env bash
# trimesh 5.2.0: invert() and fix_normals() turn the triangles round and leave their normals as they were, if somebody has looked at these before.
#
# Expected: invert() is documented as "reversing the winding of every face and negating normals": face_normals are those of the faces, whether they were asked for before or not.
#   To look at a property changes nothing.
# Happens: normals that were never asked for are right. Those that were are to be negated before the triangles are turned; the setter finds that they do not fit the triangles,
#   drops them without a word (a debug line in the log), and the old ones are then kept as if they were new. vertex_normals are made of them, unless these too were asked for before:
#   then they are right. The volume is right. fix_normals() calls invert(): a mesh that was inside out has triangles that look outward, and normals that look inward. An STL
#   file gets normals that contradict its triangles, and the signed distance of a point inside a mesh keeps its sign.
# What to do: make the mesh anew of its vertices and faces after either call; or ask for no normals before.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check trimesh==5.2.0 numpy==2.4.6 scipy==1.17.1 networkx==3.6.1 rtree==1.4.1
cat >"$folder/finding.py" <<'PYTHON'
import sys

import numpy as np
import trimesh

print("trimesh", trimesh.__version__)
sphere = trimesh.creation.icosphere(subdivisions=2)
STL_FACE = np.dtype([("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("extra", "<u2")])


def outward(normals, centres):
    return float(np.mean(np.sum(normals * centres, axis=1) > 0))


def found(do, looked_at):
    """How many of the normals look outward (of the faces, by the triangles, of the vertices, in an STL file), the volume, and the signed distance of a point inside."""
    inside_out = do == "fix_normals"
    mesh = trimesh.Trimesh(sphere.vertices, sphere.faces[:, ::-1] if inside_out else sphere.faces, process=False)
    if looked_at:
        assert outward(mesh.face_normals, mesh.triangles_center) == (0.0 if inside_out else 1.0)
    getattr(mesh, do)()
    in_stl = np.frombuffer(mesh.export(file_type="stl")[84:], STL_FACE)
    return (
        outward(mesh.face_normals, mesh.triangles_center),
        outward(np.cross(*np.moveaxis(np.diff(mesh.triangles, axis=1), 1, 0)), mesh.triangles_center),
        outward(mesh.vertex_normals, mesh.vertices),
        outward(in_stl["normal"], in_stl["corners"].mean(axis=1)),
        round(float(mesh.volume), 3),
        round(float(trimesh.proximity.signed_distance(mesh, [[0.1, 0.2, 0.5]])[0]), 3),
    )


print("A sphere. Part of the normals that look outward, in face_normals, by the triangles, in vertex_normals, in an STL file; volume; signed distance of a point inside")
seen = {}
for do in ("invert", "fix_normals"):
    for looked_at in (False, True):
        seen[do, looked_at] = found(do, looked_at)
        print(f"{do:11}  face_normals {'looked at' if looked_at else 'not asked for'} before: {seen[do, looked_at]}{'  WRONG' if looked_at else '  as expected'}")
same = True
for do, true in (("invert", 0.0), ("fix_normals", 1.0)):
    right, wrong = seen[do, False], seen[do, True]
    same &= right[:4] == (true, true, true, true) and wrong[:4] == (1 - true, true, 1 - true, 1 - true) and right[4] == wrong[4] and right[5] == -wrong[5] != 0
sys.exit(0 if same else 1)
PYTHON
"$folder/venv/bin/python" "$folder/finding.py" || { echo "It is no longer so: the normals are those of the faces, or something else has changed."; exit 1; }
echo "Still so: normals that were looked at outlive the turning of their triangles."
