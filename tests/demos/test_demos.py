"""The programs under `demos/`, in short: they do what they say, write what they promise, and go on where they were interrupted."""

import json
import signal

import numpy as np
import pytest
from PIL import Image

from taichi_softras import Mesh

pytest.importorskip("torch", reason="these demos use torch")


class TestSoftrasRender:
    def test_turntable_and_softness(self, run_demo, tmp_path):
        run_demo("softras_render", "-o", "out", "--frames", "3", "--size", "48")
        with Image.open(tmp_path / "out" / "rotation.gif") as animation:
            assert animation.n_frames == 3
            frames = []
            for i in range(3):
                animation.seek(i)
                frames.append(np.asarray(animation.convert("RGB"), np.float64))
        assert all(frame.max() > 100 for frame in frames)
        assert np.abs(frames[0] - frames[1]).mean() > 1  # it turns
        pictures = np.asarray(Image.open(tmp_path / "out" / "softness.png"), np.float64).reshape(48, 5, 48, 3).transpose(1, 0, 2, 3)
        lit = (pictures.max(-1) > 8).mean((1, 2))
        assert (np.diff(lit) > 0).all()  # softer is wider
        assert len(Mesh.load(tmp_path / "out" / "mesh.obj").faces) == 5120

    def test_spot(self, run_demo, shared, tmp_path):
        run_demo("softras_render", next((shared / "data" / "spot").glob("*.obj")), "-o", "out", "--frames", "2", "--size", "48")
        assert np.asarray(Image.open(tmp_path / "out" / "softness.png")).std() > 10


class TestSoftrasDeform:
    def test_the_published_protocol_in_short(self, run_demo, shared, tmp_path):
        """12 of the 120 published views and 150 iterations: already far from the sphere, whose IoU is 0.1."""
        data = shared / "data" / "softras_deform"
        (tmp_path / "views").mkdir()
        for name in ("source.npy", "camera.npy"):
            np.save(tmp_path / "views" / name, np.load(data / name)[5::10])
        template = shared / "data" / "meshes" / "sphere_642.obj"
        common = ("-o", "out", "--views", "views", "--template", template, "--reference", data / "plane_published.obj", "--iterations", "150")
        run_demo("softras_deform", *common)
        metrics = json.loads((tmp_path / "out" / "metrics.json").read_text())
        assert metrics["iou_soft"] > 0.6
        assert metrics["iou_hard"] > 0.55
        assert metrics["chamfer_distance"] < 0.08
        assert (tmp_path / "out" / "sheet.png").is_file()

    def test_our_recipe_in_short(self, run_demo, tmp_path):
        run_demo("softras_deform", "--recipe", "large_steps", "-o", "out", "--iterations", "60")
        assert json.loads((tmp_path / "out" / "metrics.json").read_text())["iou_hard"] > 0.85

    def test_it_goes_on_after_an_interruption(self, run_demo, tmp_path):
        """Two iterations, Ctrl-C, and three in all: the same mesh as three without a break."""

        def interrupt_in_the_second(module):
            loss = module.neg_iou_loss

            def counting(*arguments):
                counting.calls += 1
                if counting.calls == 2:
                    signal.raise_signal(signal.SIGINT)  # Ctrl-C
                return loss(*arguments)

            counting.calls = 0
            module.neg_iou_loss = counting

        with pytest.raises(SystemExit, match="interrupted"):
            run_demo("softras_deform", "-o", "broken", "--iterations", "3", prepare=interrupt_in_the_second)
        run_demo("softras_deform", "-o", "broken", "--iterations", "3")
        run_demo("softras_deform", "-o", "whole", "--iterations", "3")
        meshes = [Mesh.load(tmp_path / folder / "mesh.obj") for folder in ("broken", "whole")]
        assert np.abs(meshes[0].vertices - meshes[1].vertices).max() < 1e-3

    def test_wrong_views(self, run_demo, tmp_path):
        np.save(tmp_path / "source.npy", np.zeros((2, 3, 8, 8), np.uint8))
        np.save(tmp_path / "camera.npy", np.zeros((2, 3)))
        with pytest.raises(ValueError, match=r"must have shapes \(N, 4, S, S\) and \(N, 3\), got \(2, 3, 8, 8\)"):
            run_demo("softras_deform", "-o", "out", "--views", tmp_path)
