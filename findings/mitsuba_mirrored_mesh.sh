#!/usr/bin/env bash
# Mitsuba 3.9.1: whether a mirrored mesh shows its outside or its inside depends on whether its file has normals.
#
# Expected: "to_world" puts a shape into the scene, "flip_normals" turns it inside out; so a mirroring to_world gives the mirror image, as of the shapes "cube" and "cylinder" it does, and as
#   in renderers that count a transformation's sign. At the least the same mesh does the same with the normals at its vertices as without: the file's are those that would be computed.
# Happens: without normals in the file (or with face_normals) the order of the corners decides, a mirror turns it round, and all normals point inwards: a diffuse body is black, and a
#   lamp gives no light. With normals in the file those are mirrored rightly: the body is bright. But then the two normals of each hit contradict each other: si.n
#   points inwards, si.sh_frame.n outwards. With scale(-1, -1, 1), which turns, all is well. No error, no warning; the documentation of "ply", "obj" and to_world says nothing.
# What to do: mirror vertices and the order of the corners before loading; or flip_normals=True, for meshes without normals in their files only: it turns the others black.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check mitsuba==3.9.1 numpy==2.4.6
cat >"$folder/finding.py" <<'PYTHON'
import sys
from pathlib import Path

import mitsuba
import numpy as np

mitsuba.set_variant("scalar_rgb")
Transform = mitsuba.ScalarTransform4f
here = Path(__file__).parent

# A ball of 32 x 16 quads cut in two, turning left as seen from outside; those at the poles are triangles.
around, down = np.meshgrid(np.linspace(0, 2 * np.pi, 33), np.linspace(0, np.pi, 17))
vertices = np.stack([np.sin(down) * np.cos(around), np.sin(down) * np.sin(around), np.cos(down)], axis=-1).reshape(-1, 3)
index = np.arange(17 * 33).reshape(17, 33)
a, b, c, d = (index[rows, columns].ravel() for rows in (slice(-1), slice(1, None)) for columns in (slice(-1), slice(1, None)))
faces = np.concatenate([np.stack([a, c, d], 1)[:-32], np.stack([a, d, b], 1)[32:]])
used = np.unique(faces)
vertices, faces = vertices[used], np.searchsorted(used, faces)
corners = vertices[faces]
assert (np.einsum("ij,ij->i", np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), corners.mean(1)) > 0).all()


def ply(name, normals):
    """The ball as text; its normals are its vertices, which lie on the unit sphere."""
    properties = "xyz" if not normals else ("x", "y", "z", "nx", "ny", "nz")
    rows = np.hstack([vertices, vertices]) if normals else vertices
    lines = ["ply", "format ascii 1.0", f"element vertex {len(rows)}", *(f"property float {what}" for what in properties)]
    lines += [f"element face {len(faces)}", "property list uchar int vertex_indices", "end_header"]
    lines += [" ".join(f"{value:.9g}" for value in row) for row in rows] + [f"3 {i} {j} {k}" for i, j, k in faces]
    (here / name).write_text("\n".join(lines) + "\n")
    return {"type": "ply", "filename": str(here / name)}


def brightness(shape, lamp):
    """The middle of the picture: of a grey body (half of the light comes back) under an even white sky, or of a lamp in the dark."""
    kind = {"emitter": {"type": "area", "radiance": {"type": "rgb", "value": 1.0}}} if lamp else {"bsdf": {"type": "diffuse", "reflectance": {"type": "rgb", "value": 0.5}}}
    scene = {
        "type": "scene",
        "integrator": {"type": "path", "max_depth": 8},
        "sensor": {
            "type": "perspective",
            "fov": 40,
            "to_world": Transform().look_at([0, 0, 5], [0, 0, 0], [0, 1, 0]),
            "film": {"type": "hdrfilm", "width": 8, "height": 8, "rfilter": {"type": "box"}},
        },
        "shape": shape | kind,
    }
    if not lamp:
        scene["sky"] = {"type": "constant", "radiance": {"type": "rgb", "value": 1.0}}
    return float(np.array(mitsuba.render(mitsuba.load_dict(scene), spp=256, seed=1))[3:5, 3:5].mean())


def outward(shape):
    """Of a hit from the front: does the face's normal point to the eye, does the one that is shaded with?"""
    scene = mitsuba.load_dict({"type": "scene", "shape": shape})
    hit = scene.ray_intersect(mitsuba.Ray3f(mitsuba.Point3f(0.1, 0.2, 5), mitsuba.Vector3f(0, 0, -1)))
    return bool(hit.n.z > 0), bool(hit.sh_frame.n.z > 0)


print(f"Mitsuba {mitsuba.__version__}: brightness of a grey body, which should be 0.5, and of a lamp, which should be 1; and whether si.n and si.sh_frame.n point outwards")
shapes = {
    "mesh, no normals in the file": ply("plain.ply", False),
    "mesh, normals in the file": ply("normals.ply", True),
    "the same, with face_normals": ply("normals.ply", True) | {"face_normals": True},
    "cube": {"type": "cube"},
    "cylinder": {"type": "cylinder", "p0": [0, -1, 0], "p1": [0, 1, 0]},
}
seen = {}
for name, shape in shapes.items():
    for place, scale in {"as it is": (1, 1, 1), "turned, scale(-1, -1, 1)": (-1, -1, 1), "mirrored, scale(-1, 1, 1)": (-1, 1, 1)}.items():
        placed = shape | {"to_world": Transform().scale(scale)}
        seen[name, place[:3]] = brightness(placed, False), brightness(placed, True), *outward(placed)
        body, lamp, n, shaded = seen[name, place[:3]]
        print(f"{name:29} {place:26} body {body:.2f}, lamp {lamp:.2f}, si.n {n}, si.sh_frame.n {shaded}")


def right(result):
    return abs(result[0] - 0.5) < 0.05 and abs(result[1] - 1) < 0.01


unmoved = all(right(result) and result[2:] == (True, True) for (_, place), result in seen.items() if place != "mir")
black = all(seen[name, "mir"][:2] == (0, 0) for name in ("mesh, no normals in the file", "the same, with face_normals"))
bright = all(right(seen[name, "mir"]) for name in ("mesh, normals in the file", "cube", "cylinder"))
contrary = seen["mesh, normals in the file", "mir"][2:] == (False, True)
sys.exit(0 if unmoved and black and bright and contrary else 1)
PYTHON
"$folder/venv/bin/python" "$folder/finding.py" || { echo "It is no longer so: mirrored meshes do the same with normals in their files and without."; exit 1; }
echo "Still so: a mirrored mesh is turned inside out unless its file has normals."
