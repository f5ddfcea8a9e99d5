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
        import demos.splatting.thicket as scene
    finally:
        sys.path.remove(str(REPOSITORY))
    return program, scene


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
