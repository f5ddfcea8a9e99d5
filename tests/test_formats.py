"""`docs/formats.md` tells what really comes of each file; and what is wrong is seen, not told in other words.

Plan: the page is made anew and compared. Then a reader is broken, a cell is forgotten, a judge is fooled: each is an error.
"""

import warnings

import numpy as np
import pytest
from conftest import REPOSITORY
from formats import NONE, Row, outcome, page, sentence
from formats.meshes import C4, SQUARE, colored, shows

from taichi_softras import Mesh
from taichi_softras.scene import gltf_files

FACES = np.array([[0, 1, 2], [0, 2, 3]])


def test_the_page(tmp_path):
    pytest.importorskip("DracoPy", reason="Draco's library is an optional extra")
    told = page.text(tmp_path)
    assert (REPOSITORY / "docs/formats.md").read_text(encoding="utf-8") == told, "python -m tests.formats writes it"
    rows = [line for line in told.splitlines() if line.startswith("| ")]
    assert len(rows) > 100
    assert not [line for line in rows if "|  |" in line or line.endswith("|  |")]


def test_a_reader_that_is_wrong(tmp_path, monkeypatch):
    """Fans that are read as strips."""
    monkeypatch.setattr(gltf_files, "FAN", 7)
    with pytest.raises(AssertionError, match="triangle fans, GLB: triangles"):
        page.text(tmp_path)


class TestRows:
    def test_a_cell_that_is_forgotten(self, tmp_path):
        row = Row(feature="nothing", judge=lambda _: "read", files={"A": lambda _: None}, none=("B",))
        assert (row.cell("A", tmp_path), row.cell("B", tmp_path)) == ("read", NONE)
        with pytest.raises(AssertionError, match="nothing of C must be a file, or none"):
            row.cell("C", tmp_path)

    def test_what_is_refused_and_warned_of(self):
        def refuse() -> None:
            raise ValueError("Mesh.load: /a/b/m.obj must be a readable .obj file, got ValueError: a face with 2 corners")

        def warn() -> None:
            warnings.warn("Mesh.load: /a/b/m.glb: no picture", stacklevel=2)

        assert outcome(refuse, lambda _: "read", "") == "refused: `a face with 2 corners`"
        assert outcome(warn, lambda _: "read", "") == "read; warned of: `no picture`"
        long = sentence("op: " + "word " * 60 + "end")
        assert len(long) < 170
        assert long.endswith("word end")

    @pytest.mark.parametrize(
        "changed",
        [
            {"vertices": SQUARE * 2},
            {"faces": FACES[:, ::-1]},
            {"faces": FACES[:1]},
            {"colors": C4[::-1]},
            {"colors": None},
            {"uvs": SQUARE[:, :2], "texture": np.ones((2, 2, 3))},
        ],
    )
    def test_judges(self, changed):
        good = {"vertices": SQUARE, "faces": FACES, "colors": C4}
        assert colored()(Mesh(**good)) == "read"
        with pytest.raises(AssertionError):
            colored()(Mesh(**(good | changed)))

    def test_shapes_do_not_hang_on_numbers(self):
        judge = shows(SQUARE[[0, 1, 2]], SQUARE[[0, 2, 3]])
        assert judge(Mesh(vertices=SQUARE[::-1], faces=(3 - FACES)[::-1][:, [1, 2, 0]])) == "read"
