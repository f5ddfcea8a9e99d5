"""The demo that fits a thicket: the scene, and all of it in short, with going on."""

import json
import sys

import numpy as np
import pytest

TINY = ("--leaves", "6", "--pictures", "10", "--size", "32", "--triangles", "150", "--steps", "20", "--no-mesh")


@pytest.fixture(scope="module")
def splatting():
    from conftest import REPOSITORY

    sys.path.insert(0, str(REPOSITORY))
    try:
        import demos.splatting.__main__ as program
        import demos.splatting.beside as beside
        import demos.splatting.thicket as scene
    finally:
        sys.path.remove(str(REPOSITORY))
    return program, scene, beside


class TestThicket:
    def test_it_is_within_its_ball_and_partly_of_glass(self, splatting):
        triangles = splatting[1].thicket(30, 5)
        assert np.linalg.norm(triangles.vertices, axis=1).max() < 1.3
        assert (triangles.opacity < 1).sum() == 1280
        assert (triangles.opacity[:100] == 1).all()
        np.testing.assert_array_equal(triangles.corners, splatting[1].thicket(30, 5).corners)


class TestProgram:
    def test_the_files_and_the_table(self, splatting, tmp_path, monkeypatch, capsys):
        program = splatting[0]
        monkeypatch.setattr(program.tsr, "init", lambda arch: None)
        monkeypatch.setattr(sys, "argv", ["splatting", "-o", str(tmp_path / "out"), *TINY])
        program.main()
        assert "| opaque |" in capsys.readouterr().out
        rows = json.loads((tmp_path / "out" / "metrics.json").read_text())
        assert rows["soft"]["psnr_white"] > 10
        for name in ("sheet.png", "mesh.glb", "triangles.npz", "views/transforms_test.json"):
            assert (tmp_path / "out" / name).is_file()
        monkeypatch.setattr(sys, "argv", ["splatting", "-o", str(tmp_path / "out"), *TINY, "--steps", "30"])
        with pytest.raises(ValueError, match="OUT must be another folder"):
            program.main()


class TestBeside:
    def test_the_table_has_what_fit_prints_and_meshes_need_no_masks(self, splatting, tmp_path, monkeypatch):
        beside, asked = splatting[2], []

        def told(psnr: float, own: float | None) -> dict:
            return {"psnr_white": psnr, "iou": 0.5, "own_size": None if own is None else {"psnr_white": own, "iou": 0.25}}

        def fitted(source, out, options):
            asked.append((source, "--segment" in options))
            out.mkdir(parents=True)
            triangles = {"soft": told(30.0, 29.0), "opaque": told(28.0, None), "triangles": 7, "faces": 6}
            (out / "metrics.json").write_text(json.dumps(told(20.0, 19.0) | {"faces": 5} if out.name == "mesh" else triangles))
            return 3.0

        monkeypatch.setattr(beside, "fitted", fitted)
        pictures = tmp_path / "pictures"
        pictures.mkdir()
        monkeypatch.setattr(sys, "argv", ["beside", str(pictures), "bob.obj", "--segment", "-o", str(tmp_path / "out")])
        beside.main()
        assert asked == [(str(pictures), True)] * 2 + [("bob.obj", False)] * 2
        assert (tmp_path / "out" / "table.md").read_text().splitlines()[2:5] == [
            "| pictures | mesh | 19.00 | 0.2500 | 5 | 3 |",
            "| pictures | triangles, soft | 29.00 | 0.2500 | 7 | 3 |",
            "| pictures | opaque | 28.00 | 0.5000 | 6 | 3 |",
        ]
