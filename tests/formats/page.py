"""The page `docs/formats.md`."""

import functools
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from . import Row, cameras, meshes, outcome, written

HEAD = """# Files that are read and written

What each format can say, and what comes of it. Every cell is what came of a file that a test has put together byte by byte: `python -m tests.formats` writes
this page, and `tests/test_formats.py` compares it.

* read: as the format's specification means it.
* left out: the rest is read as if it were not there.
* refused: an error with this sentence, before anything is computed; warned of: a `UserWarning` with it. (Without the name of the file; `...` stands for what is
  left out here. The sentences in full: [errors](errors.md).)
* the format has none: it cannot say such a thing.

All files are read by readers of ours; of other libraries, DracoPy decodes Draco's compression, and Pillow [pictures](errors.md).

Colours come in sRGB, from 0 to 1. Where a format does not tell the unit of colours (OBJ, OFF, PLY's floats), they are in 0..255 if all are whole numbers and
the largest is at least 2, or if it is above 16; else in 0..1.
"""


def text(folder: Path) -> str:
    """The whole page; ``folder`` is where the files are made."""
    tables = (
        ("Meshes, read", "", meshes.FORMATS, meshes.general()),
        ("glTF alone", "", meshes.GLTF_ALONE, meshes.of_gltf()),
        ("OBJ and MTL alone", "", meshes.OBJ_ALONE, meshes.of_obj()),
        ("Meshes, written", "By `Mesh.save`.\n\n", written.FORMATS, written.rows()),
        ("Lists of cameras", "`transforms.json`, read by `Views.load` and written by `Views.save`.\n\n", cameras.MAKERS, cameras.rows()),
        ("Lists of every kind, and the pictures that they name", "By `Capture.open`.\n\n", cameras.LISTS, cameras.of_pictures()),
    )
    parts, number = [HEAD], 0
    for title, words, columns, rows in tables:
        lines, number = _table(columns, rows, folder, number)
        parts.append(f"\n## {title}\n\n{words}" + "".join(lines))
    parts.append("\n## Other formats\n")
    for what, files in (("Meshes, read", meshes.of_others()), ("Meshes, written", written.refused()), ("Lists of cameras", cameras.of_others())):
        parts.append(f"\n{what}: {_refusals(files, folder)}\n")
    return "".join(parts)


def _refusals(files: Iterable[tuple[str, Callable[[Path], Any]]], folder: Path) -> str:
    said: dict[str, list[str]] = {}
    for suffix, make in files:
        words = outcome(functools.partial(make, folder), lambda _: "not refused", suffix)
        said.setdefault(words.replace(f"m{suffix}", "m.EXT"), []).append(f"`{suffix}`")
    return "; ".join(f"{', '.join(suffixes)} are {words}" for words, suffixes in said.items()) + "."


def _table(columns: Sequence[str], rows: Iterable[Row], folder: Path, number: int) -> tuple[list[str], int]:
    lines = [f"| | {' | '.join(columns)} |\n", "|---" * (len(columns) + 1) + "|\n"]
    for row in rows:
        cells = []
        for column in columns:
            number += 1
            own = folder / str(number)
            own.mkdir()
            cells.append(row.cell(column, own))
        assert all(cells), f"{row.feature} with an empty cell: {cells}"
        lines.append(f"| {row.feature} | {' | '.join(cell.replace('|', '&#124;') for cell in cells)} |\n")
    return lines, number
