"""The command `fit`: all of its files, its phases stopped and taken up, its faults in one sentence each."""

import json
import signal
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pytest
import trimesh
from PIL import Image

from taichi_softras import Mesh
from taichi_softras.app import main
from taichi_softras.recover import Views
from taichi_softras.recover.pictures import HEAD, LINE, MARGIN

SMALL = ["--size", "32", "--views", "8", "--test-views", "3", "--views-per-step", "3"]
INTERRUPTED = """
import functools, sys
from taichi_softras.app import fitting, main

fitting.turntable = functools.partial(fitting.turntable, frames=2, size=32)  # as in the fixture `small_turntable`
sys.exit(main())
"""
FILES = ("mesh.glb", "mesh.obj", "turntable.gif", "sheet.png", "curves.png", "metrics.json", "report.html")


class TestFitCommand:
    def test_default_target_writes_all_results(self, tmp_path, capsys):
        out = tmp_path / "out"
        assert main(["fit", "-o", str(out), "--steps", "30", *SMALL]) == 0
        told = capsys.readouterr()
        assert "IoU" in told.out
        for what in (
            "pictures of the mesh are rendered",
            "the hull of their masks is made",
            "kernels are made ready",
            "laid out flat",
            "turntable.gif is drawn",
        ):
            assert what in told.err  # each of which takes seconds
        metrics = json.loads((out / "metrics.json").read_text())
        assert 0.8 < metrics["iou"] < 1
        assert metrics["views_not_fitted"] == 3
        assert metrics["own_size"]["psnr_white"] > 20
        assert metrics["reference"]["chamfer"] < 0.02  # the embedded mesh itself is the reference
        assert metrics["reference"]["euler_number"] == [2, 2]
        for name in ("mesh.glb", "mesh.obj"):
            mesh = Mesh.load(out / name)
            assert mesh.texture is not None
            assert len(mesh.faces) == metrics["faces"]
        with Image.open(out / "unseen.png") as unseen:
            assert unseen.size == mesh.texture.shape[1::-1]
        with Image.open(out / "turntable.gif") as turntable, Image.open(out / "sheet.png") as sheet, Image.open(out / "curves.png") as curves:
            assert turntable.n_frames == 48
            assert sheet.size == (MARGIN + 3 * 128, HEAD + 3 * 128 + LINE)  # pictures of 32 pixels are shown four times as large
            assert curves.size[0] > 500
        page = (out / "report.html").read_text()
        for figure in (f"{metrics['own_size']['iou']:.4f}", f"{metrics['own_size']['psnr_white']:.2f} dB", "views_per_step", "turntable.gif"):
            assert figure in page
        assert page.count("data:image/png;base64,") == 2
        assert len(Views.load(out / "views", "train")) == 8

    @pytest.mark.usefixtures("small_turntable")
    def test_a_folder_without_a_test_split_and_without_matplotlib(self, ellipsoid_views, tmp_path, capsys, monkeypatch):
        """Pictures are kept back; the curves alone are left out, with a sentence."""
        ellipsoid_views.save(tmp_path / "pictures")
        monkeypatch.setitem(sys.modules, "matplotlib", None)
        out = tmp_path / "out"
        assert main(["fit", str(tmp_path / "pictures"), "-o", str(out), "--steps", "4", "--views-per-step", "3"]) == 0
        told = capsys.readouterr()
        assert json.loads((out / "metrics.json").read_text())["views_not_fitted"] == 1
        assert "curves.png is left out" in told.err
        assert "curves.png" not in told.out
        assert sorted(path.name for path in out.iterdir() if path.name in FILES) == sorted(set(FILES) - {"curves.png"})
        assert (out / "report.html").read_text().count("data:image/png;base64,") == 1

    @pytest.mark.usefixtures("small_turntable")
    def test_a_list_that_tells_its_splits(self, ellipsoid_views, tmp_path):
        """nerfstudio's: what it names for a test is not fitted."""
        pictures, out = tmp_path / "pictures", tmp_path / "out"
        ellipsoid_views.save(pictures)
        index = pictures / "transforms.json"
        told = json.loads(index.read_text())
        names = [frame["file_path"] for frame in told["frames"]]
        index.write_text(json.dumps(told | {"train_filenames": names[3:], "val_filenames": names[:3]}))
        assert main(["fit", str(pictures), "-o", str(out), "--steps", "4", "--views-per-step", "3", "--colors", "vertex"]) == 0
        assert json.loads((out / "metrics.json").read_text())["views_not_fitted"] == 3
        assert "a mesh from 5 pictures" in (out / "report.html").read_text()

    @pytest.mark.filterwarnings("default:fit")
    @pytest.mark.usefixtures("small_turntable")
    def test_a_list_of_cameras_alone_for_a_test(self, ellipsoid_views, tmp_path, capsys):
        """As BlenderNeRF writes it unless told otherwise: pictures are kept back from those there are."""
        pictures = tmp_path / "pictures"
        ellipsoid_views.save(pictures, "train")
        (pictures / "transforms_test.json").write_text((pictures / "transforms_train.json").read_text().replace("./train/", "./test/"))
        out = tmp_path / "out"
        assert main(["fit", str(pictures), "-o", str(out), "--steps", "4", "--views-per-step", "3", "--colors", "vertex"]) == 0
        told = capsys.readouterr().err
        assert f"warning: fit: {pictures} names pictures to measure the result with (test), and none of them is there: some of the others (train)" in told
        assert json.loads((out / "metrics.json").read_text())["views_not_fitted"] == 1

    @pytest.mark.usefixtures("small_turntable")
    def test_colors_at_vertices_from_a_mesh_beside_a_reference(self, ellipsoid_views, tmp_path):
        ellipsoid_views.save(tmp_path / "pictures")
        sphere = Mesh.icosphere(3)
        (replace(sphere, vertices=0.5 * sphere.vertices + [0.15, 0.1, -0.1])).save(tmp_path / "ball.ply")
        out = tmp_path / "out"
        more = ["--init", str(tmp_path / "ball.ply"), "--colors", "vertex", "--reference", str(tmp_path / "ball.ply"), "--steps", "4", "--faces", "300"]
        assert main(["fit", str(tmp_path / "pictures"), "-o", str(out), "--views-per-step", "3", *more]) == 0
        assert Mesh.load(out / "mesh.glb").colors is not None
        assert not (out / "unseen.png").exists()
        assert json.loads((out / "metrics.json").read_text())["reference"]["chamfer"] < 0.1

    @pytest.mark.usefixtures("small_turntable")
    def test_the_glb_stands_upright(self, ellipsoid_views, tmp_path):
        """Of a world whose z is up, as COLMAP's and NeRF's are; the OBJ stays in the cameras' world. Another reader finds both so."""
        turn = np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]])  # y up to z up
        camera = ellipsoid_views.camera
        matrices = np.concatenate([camera.camera_from_world[:, :, :3] @ turn.T, camera.camera_from_world[:, :, 3:]], 2)
        replace(ellipsoid_views, camera=replace(camera, camera_from_world=matrices)).save(tmp_path / "pictures")
        out = tmp_path / "out"
        assert main(["fit", str(tmp_path / "pictures"), "-o", str(out), "--steps", "4", "--views-per-step", "3", "--up", "z", "--colors", "vertex"]) == 0
        upright, standing = (np.ptp(trimesh.load(out / name, force="mesh").vertices, axis=0) for name in ("mesh.glb", "mesh.obj"))
        np.testing.assert_allclose(upright, [1.4, 0.8, 1.0], atol=0.15)
        np.testing.assert_allclose(standing, [1.4, 1.0, 0.8], atol=0.15)

    def test_contradicting_cameras_are_told_at_once(self, ellipsoid_views, tmp_path, capsys):
        mirrored = replace(ellipsoid_views, alpha=ellipsoid_views.alpha[:, :, ::-1].copy(), color=ellipsoid_views.color[:, :, ::-1].copy())
        mirrored.save(tmp_path / "pictures")
        assert main(["fit", str(tmp_path / "pictures"), "-o", str(tmp_path / "out")]) == 1
        assert "pictures mirrored" in capsys.readouterr().err

    def test_missing_pictures_are_named(self, ellipsoid_views, tmp_path, capsys):
        ellipsoid_views.save(tmp_path / "pictures")
        for path in (tmp_path / "pictures" / "images").iterdir():
            path.unlink()
        assert main(["fit", str(tmp_path / "pictures"), "-o", str(tmp_path / "out")]) == 1
        assert "the first ./images/r_0" in capsys.readouterr().err

    def test_existing_results_are_not_overwritten_unasked(self, tmp_path, capsys):
        (tmp_path / "checkpoint.npz").write_bytes(b"precious")
        assert main(["fit", "-o", str(tmp_path)]) == 1
        assert "--resume" in capsys.readouterr().err
        assert (tmp_path / "checkpoint.npz").read_bytes() == b"precious"

    def test_resume_takes_no_other_source_or_options(self, tmp_path, capsys):
        (tmp_path / "checkpoint.npz").write_bytes(b"")
        for more in (["other.obj"], ["--steps", "7"], ["--colors", "vertex"]):
            assert main(["fit", *more, "-o", str(tmp_path), "--resume"]) == 1
            assert "give neither" in capsys.readouterr().err

    def test_out_must_be_a_folder(self, tmp_path, capsys):
        (tmp_path / "file").write_text("")
        for command in ("fit", "render"):
            for out in ("file", "file/within"):
                assert main([command, "-o", str(tmp_path / out)]) == 1
                assert "OUT must be a folder" in capsys.readouterr().err

    def test_nothing_to_resume(self, tmp_path, capsys):
        assert main(["fit", "-o", str(tmp_path), "--resume"]) == 1
        assert "no fit to resume" in capsys.readouterr().err

    @pytest.mark.parametrize(
        ("arguments", "sentence"),
        [
            (["no_such_mesh.obj"], "no file no_such_mesh.obj"),
            (["no_such_folder"], "no folder and no file no_such_folder"),
            ([__file__], "must be one of"),
            (["cameras.sfm"], "cameras.sfm, such as Meshroom writes: let what found the cameras export COLMAP's format"),
            (["--steps", "0"], "steps must be between"),
            (["--init", "no_such_start.obj"], "no file no_such_start.obj"),
            (["--reference", "no_such_reference.obj"], "no file no_such_reference.obj"),
            (["--segment"], "must come with pictures"),
            (["--smoothness", "-1"], "smoothness must be a finite number of at least 0, got -1.0"),
            (["--size", "2"], "--size must be between"),
            (["--views", "0"], "--views must be between"),
        ],
    )
    def test_faults_are_one_sentence(self, tmp_path, capsys, monkeypatch, arguments, sentence):
        monkeypatch.chdir(tmp_path)
        (tmp_path / "cameras.sfm").touch()
        assert main(["fit", *arguments, "-o", str(tmp_path / "out")]) == 1
        lines = capsys.readouterr().err.strip().splitlines()
        assert len(lines) == 1
        assert sentence in lines[0]

    def test_ctrl_c_keeps_the_best_mesh_and_resume_goes_on(self, tmp_path):
        """A real interrupt of a real process."""
        out = tmp_path / "out"
        command = [sys.executable, "-c", INTERRUPTED, "fit", "-o", str(out)]
        process = subprocess.Popen([*command, "--steps", "100000", *SMALL], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        deadline = time.monotonic() + 120
        written = set()  # at the beginning, and after fifty steps
        while len(written) < 2 and time.monotonic() < deadline and process.poll() is None:
            time.sleep(0.2)
            written |= {path.stat().st_mtime_ns for path in out.glob("checkpoint.npz")}
        process.send_signal(signal.SIGINT)
        stdout, stderr = process.communicate(timeout=120)
        assert process.returncode == 130, stderr
        assert "--resume" in stdout
        assert "Traceback" not in stderr
        steps = json.loads((out / "metrics.json").read_text())["steps"]
        assert steps >= 50
        assert Mesh.load(out / "mesh.glb").colors is not None  # the texture comes after the last step
        process = subprocess.Popen([*command, "--resume"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        before = (out / "checkpoint.npz").stat().st_mtime_ns
        while (out / "checkpoint.npz").stat().st_mtime_ns == before and time.monotonic() < deadline + 120 and process.poll() is None:
            time.sleep(0.2)
        process.send_signal(signal.SIGINT)
        _, stderr = process.communicate(timeout=120)
        assert process.returncode == 130, stderr
        assert json.loads((out / "metrics.json").read_text())["steps"] > steps

    @pytest.mark.usefixtures("small_turntable")
    def test_ctrl_c_while_the_texture_is_made(self, ellipsoid_views, tmp_path, capsys, monkeypatch):
        """The mesh is there with the colours at its vertices; --resume makes the texture, the same as without the interruption."""
        from taichi_softras.recover import TextureFit

        ellipsoid_views.save(tmp_path / "pictures")
        command = ["fit", str(tmp_path / "pictures"), "--steps", "4", "--views-per-step", "3"]
        whole = TextureFit.step

        def interrupted(self):
            if self.taken == 2:
                signal.raise_signal(signal.SIGINT)
            whole(self)

        monkeypatch.setattr(TextureFit, "step", interrupted)
        assert main([*command, "-o", str(tmp_path / "out")]) == 130
        assert "before the texture was made" in capsys.readouterr().out
        assert Mesh.load(tmp_path / "out" / "mesh.glb").colors is not None
        monkeypatch.setattr(TextureFit, "step", whole)
        assert main(["fit", "-o", str(tmp_path / "out"), "--resume"]) == 0
        resumed = Mesh.load(tmp_path / "out" / "mesh.glb")
        assert resumed.texture is not None
        assert json.loads((tmp_path / "out" / "metrics.json").read_text())["steps"] == 4
