"""A page that tells of a fit: one file of HTML with pictures, figures and the mesh itself, which turns; it asks nothing of any network."""

import base64
import html
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..checks import check_kind
from ..replacing import replacing
from ..scene import as_path, is_file

__all__ = ["report"]

PAGE = Path(__file__).with_name("report.html")


def report(
    path: str | Path,
    title: str,
    model: str | Path,
    headline: Mapping[str, Any],
    pictures: Mapping[str, str | Path],
    tables: Mapping[str, Mapping[str, Any]],
    meaning: Mapping[str, str] | None = None,
    notes: Sequence[str] = (),
) -> None:
    """Writes a page of HTML that holds all of itself. The mesh turns in it, by WebGL 2; where a browser has none, a sentence says so.

    Args:
        title: of the page.
        model: a GLB file that `Mesh.save` has written with normals; it is in the page whole, and can be taken out of it.
        headline: names and what stands beside them above everything.
        pictures: headings, and the PNG file below each.
        tables: headings, and names and values below each; values within a mapping are named "outer.inner".
        meaning: what stands in the tables beside a name, or beside the first that is within it.
        notes: sentences below the headline: what one should know before one believes it.

    Raises:
        FileNotFoundError: if ``model`` or a picture is not there.
        ValueError: if ``model`` is no GLB file.
    """
    op = "report"
    path = as_path(op, "path", path)
    check_kind(op, "title", title, str)
    for name, given in (("headline", headline), ("pictures", pictures), ("tables", tables), ("meaning", {} if meaning is None else meaning)):
        check_kind(op, name, given, Mapping)
    if not isinstance(notes, (tuple, list)) or not all(isinstance(note, str) for note in notes):
        raise TypeError(f"{op}: notes must be a list of text, got {notes!r}")
    glb = _contents("model", model)
    if not glb.startswith(b"glTF"):
        raise ValueError(f"{op}: model must be a GLB file, got {model}")
    parts = {
        "TITLE": html.escape(title),
        "HEADLINE": "".join(f"<span>{html.escape(name)} <b>{html.escape(_told(value))}</b></span>\n" for name, value in headline.items()),
        "NOTES": "".join(f"<p>{html.escape(note)}</p>\n" for note in notes),
        "PICTURES": "".join(f"<h2>{html.escape(name)}</h2>\n{_picture(file, name)}\n" for name, file in pictures.items()),
        "TABLES": "".join(f"<h2>{html.escape(name)}</h2>\n{_table(rows, meaning or {})}\n" for name, rows in tables.items()),
        "GLB": base64.b64encode(glb).decode(),
    }
    page = re.sub("@([A-Z]+)@", lambda found: parts[found[1]], PAGE.read_text(encoding="utf-8"))
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as partial:
        partial.write_bytes(page.encode("utf-8", "replace"))  # a file's name may be no text


def _contents(name: str, path: object) -> bytes:
    file = as_path("report", name, path)
    if not is_file(file):
        raise FileNotFoundError(f"report: {name} must be a file that is there, got {file}")
    return file.read_bytes()


def _picture(file: object, name: str) -> str:
    return f'<img alt="{html.escape(name)}" src="data:image/png;base64,{base64.b64encode(_contents("each of the pictures", file)).decode()}">'


def _table(rows: Mapping[str, Any], meaning: Mapping[str, str]) -> str:
    cells, before = [], ""
    for name, value in _flat(rows):
        outer = name.partition(".")[0]
        said = meaning.get(name, "" if outer == before else meaning.get(outer, ""))
        before = outer
        cells.append(f"<tr><td>{html.escape(name)}</td><td>{html.escape(_told(value))}</td><td>{html.escape(said)}</td></tr>")
    return f"<table>\n{chr(10).join(cells)}\n</table>"


def _flat(rows: Mapping[str, Any], outer: str = "") -> list[tuple[str, Any]]:
    flat = []
    for name, value in rows.items():
        flat += _flat(value, f"{outer}{name}.") if isinstance(value, Mapping) else [(f"{outer}{name}", value)]
    return flat


def _told(value: Any) -> str:
    """A figure to five digits; others as they are in JSON, text without its quotes."""
    if isinstance(value, float):
        return f"{value:.5g}"
    if isinstance(value, list):
        return f"[{', '.join(_told(one) for one in value)}]"
    return value if isinstance(value, str) else json.dumps(value)
