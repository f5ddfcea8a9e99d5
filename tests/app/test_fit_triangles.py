"""``fit --representation triangles``: its files, going on after Ctrl-C, its faults in one sentence each."""

import json
import signal

import numpy as np
import pytest
from PIL import Image

from taichi_softras import Mesh
from taichi_softras.app import main, splatting
from taichi_softras.recover import SplatFit, Triangles

SHORT = ["--representation", "triangles", "--steps", "20", "--triangles", "200"]


class TestFitTriangles:
    def test_all_results_are_written_and_a_stopped_fit_goes_on(self, ellipsoid_views, tmp_path, capsys, monkeypatch):
        ellipsoid_views.save(tmp_path / "pictures")
        out = tmp_path / "out"
        step, stopped = SplatFit.step, []

        def stopping_step(fit):
            if len(fit.losses) == 12 and not stopped:
                stopped.append(True)
                signal.raise_signal(signal.SIGINT)
            return step(fit)

        monkeypatch.setattr(SplatFit, "step", stopping_step)
        monkeypatch.setattr(splatting, "FRAMES", 4)  # of the turntable, drawn twice
        assert main(["fit", str(tmp_path / "pictures"), "-o", str(out), *SHORT]) == 130
        assert "interrupted after 13 of 20 steps" in capsys.readouterr().out
        assert main(["fit", "-o", str(out), "--resume"]) == 0
        assert "PSNR over white" in capsys.readouterr().out
        metrics = json.loads((out / "metrics.json").read_text())
        assert metrics["steps"] == 20
        assert metrics["views_not_fitted"] == 1
        assert metrics["soft"]["psnr_white"] > 12
        assert 0 < metrics["opaque"]["ssim"] < 1
        mesh, soft = Mesh.load(out / "mesh.glb"), Triangles.load(out / "triangles.npz")
        assert mesh.colors is not None
        assert len(mesh.faces) == metrics["faces"]
        assert len(soft) == metrics["triangles"] <= 200
        assert np.ptp(soft.opacity) > 0
        assert metrics["soft"]["own_size"]["psnr_white"] == pytest.approx(metrics["soft"]["psnr_white"], abs=1)
        page = (out / "report.html").read_text()
        assert f"{metrics['soft']['own_size']['psnr_white']:.2f} dB" in page
        assert "own_size" in page
        assert len(Mesh.load(out / "soft.glb").faces) <= len(soft)
        for name in ("sheet.png", "sheet_opaque.png", "curves.png"):
            with Image.open(out / name) as picture:
                picture.load()
        with Image.open(out / "turntable.gif") as turntable:
            assert turntable.size == (512, 256)
            assert turntable.n_frames == 4

    @pytest.mark.parametrize(
        ("arguments", "sentence"),
        [
            (["--representation", "triangles", "--faces", "100"], "--faces must be left out"),
            (["--representation", "triangles", "--refine-cameras"], "--refine-cameras must be left out"),
            (["--representation", "triangles", "--triangles", "0"], "triangles must be between"),
            (["--representation", "triangles", "--steps", "2"], "steps must be between"),
            (["--triangles", "100"], "must come with --representation triangles"),
        ],
    )
    def test_faults_are_one_sentence(self, tmp_path, capsys, arguments, sentence):
        assert main(["fit", *arguments, "-o", str(tmp_path / "out")]) == 1
        lines = capsys.readouterr().err.strip().splitlines()
        assert len(lines) == 1
        assert sentence in lines[0]
