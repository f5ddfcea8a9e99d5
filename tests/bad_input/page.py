"""The page `docs/errors.md`."""

import re
from collections.abc import Sequence
from pathlib import Path

from . import Function, Kind, outcome
from .public import EXCUSED, EXCUSED_KINDS, INTERNAL

HEAD = """# What is said about mistakes

A mistake raises one sentence, `what: argument must ..., got ...`, before anything is computed; nothing that is wrong is silently mended, and no wrong
argument ends the process. `TypeError` is for types and dtypes, `ValueError` for shapes, ranges and contents, `MemoryError` for what is too large.

The tables below are what the calls really raise (`python -m tests.bad_input`), and tests compare them with it. `FOLDER` stands for a folder; what comes
after the name of an error of NumPy, Pillow or trimesh is theirs, and left out.

**Values.** NaN and infinity are looked for where numbers enter (meshes, cameras, settings, lights, files) and, among the vertices of faces, in every
picture. Colours, features, texels and the arguments of losses are not looked at, which would cost time in each step: NaN in, NaN out.

**Devices.** All tensors of a call must be on one device, cpu or cuda. `meta`, without memory, stands for "another device" in the tables.

**Files.** Nothing that is read can run a program. Nothing is unpickled: saved fits are NumPy's `.npz` without objects. Of pictures only BMP, GIF, JPEG,
PNG, PPM, TGA, TIFF and WEBP are opened, whatever they are called, and of at most 2^28 pixels; the pictures of a folder of views must fit into free memory.
A mesh or a list of cameras can name files in its folder, in one beside that, or below (symbolic links are followed); others are refused. Devices and
pipes are not read. A mesh has at most 2^27 faces, a saved fit at most 2^30 bytes unpacked, a list of cameras or materials (and an OBJ file of
`soft_renderer.load_obj`) at most 2^28. Reading is not bounded otherwise: for files of strangers a limit of the process's memory (`resource.setrlimit`, a
container) is a good idea. `tests/scene/test_hostile_files.py` reads 200 damaged files of each kind under one: each loads, or is refused by a sentence of ours.

**Not found.** On a GPU `pytorch3d.interpolate_face_attributes` does not look whether `pix_to_face` points beyond the faces (torch ends the process
there); on the CPU it does. Index lists of a `Topology` are looked at when it is made, not when somebody writes into them later. `engine.render`,
below `Renderer` and `interop.render`, leaves the types of its arrays to those.
"""


def text(functions: Sequence[Function], folder: Path) -> str:
    """The whole page."""
    groups: dict[str, list[Function]] = {}
    for function in functions:
        groups.setdefault(_group(function.name), []).append(function)
    counts = dict.fromkeys(Kind, 0)
    parts, number = list[str](), 0
    for group, members in groups.items():
        parts.append(f"\n## {group}\n")
        for function in members:
            parts.append(f"\n### `{function.name}`\n\n| kind | mistake | what is said |\n|---|---|---|\n")
            for case in function.cases():
                number += 1
                counts[case.kind] += 1
                own = folder / str(number)
                own.mkdir()
                parts.append(f"| {case.kind.value} | {_cell(case.what)} | {_code(_stable(outcome(case, own)))} |\n")
            for name, nature in function.natures.items():
                if (function.name, name) in EXCUSED_KINDS:
                    parts.append(f"| | `{name}` | ({_cell(EXCUSED_KINDS[function.name, name])}) |\n")
                if nature.excuse:
                    parts.append(f"| | `{name}` | ({_cell(nature.excuse)}) |\n")
    total = f"\n{number} mistakes in {len(functions)} functions: {', '.join(f'{n} of {kind.value}' for kind, n in counts.items())}.\n"
    return HEAD + total + "".join(parts) + _left_out()


def _group(name: str) -> str:
    for drop_in in ("soft_renderer", "kaolin", "pytorch3d"):
        if name.startswith(f"interop.{drop_in}."):
            return f"The drop-in `{drop_in}`"
    return "With torch" if name.startswith("interop.") else "Without torch"


def _left_out() -> str:
    rows = [f"| `{name}` | {reason} |\n" for name, reason in sorted({**INTERNAL, **EXCUSED}.items()) if reason]
    return "\n## What is in no table, and why\n\n| name | reason |\n|---|---|\n" + "".join(rows)


def _stable(sentence: str) -> str:
    """Without what differs from machine to machine."""
    sentence = re.sub(r"m{20,}", "mmm...", sentence)
    return re.sub(r"must fit into \d+ free bytes", "must fit into N free bytes", sentence)


def _cell(content: str) -> str:
    return content.replace("|", "\\|").replace("<", "&lt;")


def _code(content: str) -> str:
    return "`" + content.replace("|", "\\|").replace("`", "'") + "`"
