#!/usr/bin/env bash
# OpenEXR 3.5.3 (its Python module): OpenEXR.File(...).write takes NumPy arrays for contiguous and writes what lies in their memory: a picture of torch's order (channels first), seen as rows, columns,
#   channels, comes out scrambled.
#
# Expected: an array is what indexing it gives. np.moveaxis, .T, picture[..., 1] and torch's permute(...).numpy() give views of other strides; a function that cannot take them raises or copies.
# Happens: the header's size is taken from the view's shape, the pixels from memory, row after row: of three channels the picture is a mixture, a transposed depth map is cut into other rows,
#   and one channel of an interleaved picture is filled with all of them. Values are plausible, as they are the picture's own. Floats, halves and integers alike. No error, no warning.
#   (Known to the maintainers, and not in the documentation.)
# What to do: np.ascontiguousarray(picture).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check openexr==3.5.3 numpy==2.4.6
cat >"$folder/finding.py" <<'PYTHON'
import sys
from importlib.metadata import version
from pathlib import Path

import numpy as np
import OpenEXR

print("OpenEXR", version("openexr"))
HEIGHT, WIDTH = 4, 6
channels_first = np.arange(3 * HEIGHT * WIDTH).reshape(3, HEIGHT, WIDTH)
picture = np.moveaxis(channels_first, 0, -1)  # a view of rows, columns, channels
pixels = np.ascontiguousarray(picture)


def written(values, name):
    path = str(Path(__file__).with_name("picture.exr"))
    OpenEXR.File({"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage}, {name: values}).write(path)
    with OpenEXR.File(path) as file:
        return file.channels()[name].pixels.copy()


cases = {}
for kind in ("float32", "float16", "uint32"):
    cases[f"channels first, as a view, {kind}"] = picture.astype(kind, order="K"), "RGB"
cases["a transposed depth map"] = channels_first[0].astype("float32").T, "Z"
cases["one channel of an interleaved picture"] = pixels.astype("float32")[..., 1], "Z"
seen = {}
for title, (values, name) in cases.items():
    assert not values.flags.c_contiguous
    view, copy = written(values, name), written(np.ascontiguousarray(values), name)
    seen[title] = np.array_equal(view, values), np.array_equal(copy, values)
    part = f"first row {values[0].ravel()[:6].tolist()}, comes back {view[0].ravel()[:6].tolist()}"
    print(f"{title} {values.shape}: {float((view == values).mean()):.0%} of the values are right{'' if seen[title][0] else '  WRONG'}; of a contiguous copy {float((copy == values).mean()):.0%}; {part}")
sys.exit(0 if all(not view and copy for view, copy in seen.values()) else 1)
PYTHON
"$folder/venv/bin/python" "$folder/finding.py" || { echo "It is no longer so: views are written as they are, or refused."; exit 1; }
echo "Still so: the memory of a view is written, and not the view."
