"""The sections of names in the coming-from pages are what our modules have, and no name is missing without a reason; what is left out says so.

Plan: each section is made anew and compared. Then a name, a method and a reason are taken away, and something that only raises is put in their place: each is
seen.
"""

import drop_in_names
import pytest
from conftest import REPOSITORY
from drop_in_names import PACKAGES, Module, left_out, looked_up, only_raises, reason_for, section, with_section, without_reason
from drop_in_names.listing import listed

from taichi_softras.interop import kaolin


@pytest.mark.parametrize("package", PACKAGES)
class TestPages:
    def test_the_page(self, package):
        page = (REPOSITORY / f"docs/coming_from_{package}.md").read_text(encoding="utf-8")
        assert with_section(page, package) == page, "python -m tests.drop_in_names writes it"

    def test_no_name_without_a_reason(self, package):
        assert without_reason(package) == []


def kaolin_module(name: str) -> Module:
    return next(module for module in looked_up("kaolin") if module.name == name)


class TestFaults:
    """Each is seen."""

    def test_a_name_that_is_gone(self, monkeypatch):
        assert "rasterize" in kaolin_module("kaolin.render.mesh.rasterization").there
        monkeypatch.delattr(kaolin.render.mesh.rasterization, "rasterize")
        assert kaolin_module("kaolin.render.mesh.rasterization").missing["rasterize"] == ""
        assert "kaolin.render.mesh.rasterization.rasterize" in without_reason("kaolin")

    def test_a_method_that_is_gone(self, monkeypatch):
        there, all_of_them = kaolin_module("kaolin.rep.surface_mesh").there["SurfaceMesh"]
        assert there == all_of_them > 20
        monkeypatch.delattr(kaolin.rep.SurfaceMesh, "flatten")
        module = kaolin_module("kaolin.rep.surface_mesh")
        assert module.there["SurfaceMesh"] == (there - 1, all_of_them)
        assert module.missing == {"SurfaceMesh.flatten": ""}

    def test_what_only_raises(self, monkeypatch):
        def mask_iou(lhs_mask, rhs_mask):
            """A docstring."""
            raise NotImplementedError("mask_iou: it must be written, got nothing")

        monkeypatch.setattr(kaolin.metrics.render, "mask_iou", mask_iou)
        assert only_raises(mask_iou)
        assert not only_raises(looked_up)
        assert kaolin_module("kaolin.metrics.render").missing == {"mask_iou": ""}

    def test_what_is_left_out_tells_why(self):
        module = kaolin_module("kaolin.rep")
        assert list(module.there) == ["SurfaceMesh", "TensorContainerBase"]
        assert module.missing["Spc"] == "structured point clouds (octrees) stay with Kaolin"
        assert left_out(kaolin.rep.SurfaceMesh) is None
        assert "`rep.spc` (1)" in section("kaolin")

    def test_reasons(self, monkeypatch):
        """The longest beginning counts; without one there is none."""
        monkeypatch.setattr(drop_in_names, "REASONS", {"a.b": "short", "a.b.c": "long"})
        assert [reason_for(name) for name in ("a.b.d", "a.b.cd", "b")] == ["short", "long", ""]

    def test_a_page_without_marks(self):
        with pytest.raises(ValueError, match="must have <!-- names"):
            with_section("# A page\n", "kaolin")


def test_listing(tmp_path):
    """From sources: by ``__all__``, by definitions, over packages; what is private, imported from elsewhere or named and not there is left out."""
    files = {
        "__init__.py": "from .a import *\nfrom .b import B as Bee\nimport os\n",
        "a.py": "__all__ = ['f', 'missing', '_g']\ndef f(): pass\ndef _g(): pass\ndef h(): pass\n",
        "b.py": "from os import path\nclass B:\n    def m(self): pass\n    def _n(self): pass\n    @property\n    def p(self): pass\nX = 1\n",
        "c.py": "class _Own: pass\nown = _Own.apply\n_own = _Own.apply\n",
    }
    folder = tmp_path / "pack"
    folder.mkdir()
    for name, text in files.items():
        (folder / name).write_text(text)
    assert listed(folder) == ["pack: Bee f", "pack.a: f", "pack.b: B", "class pack.b.B: m p", "pack.c: own"]


def test_left_out_names_are_imported_and_refused(run_python):
    program = (
        "from taichi_softras.interop.kaolin import stand_in; stand_in()\n"
        "import kaolin as kal, kaolin.physics.simplicits\n"
        "from kaolin.ops.spc.points import points_to_morton\n"
        "from kaolin.rep import Spc, SurfaceMesh\n"
        "assert not isinstance(1, Spc) and kal.physics.simplicits.Gravity is not None\n"
        "try: import kaolin.nothing\n"
        "except ModuleNotFoundError: pass\n"
        "else: raise SystemExit(1)\n"
        "for use in (points_to_morton, Spc, kal.physics.simplicits.SimplicitsScene, kal.visualize.Timelapse('x').add_voxelgrid_batch, lambda: Spc.cat([])):\n"
        "    try: use()\n"
        "    except NotImplementedError as error: print(error)\n"
    )
    said = run_python(program).stdout.splitlines()
    assert said[-5:] == [
        "kaolin.ops.spc.points.points_to_morton: it is not in this drop-in: structured point clouds (octrees) stay with Kaolin",
        "kaolin.rep.Spc: it is not in this drop-in: structured point clouds (octrees) stay with Kaolin",
        "kaolin.physics.simplicits.SimplicitsScene: it is not in this drop-in: simulation stays with Kaolin",
        "kaolin.visualize.Timelapse.add_voxelgrid_batch: it is not in this drop-in: voxel grids, tetrahedra and what turns them into meshes stay with Kaolin",
        "kaolin.rep.Spc: it is not in this drop-in: structured point clouds (octrees) stay with Kaolin",
    ]
