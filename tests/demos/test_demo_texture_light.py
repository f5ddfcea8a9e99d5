"""DIB-R's experiment in short: texture and light come much nearer to the truth, and the results are written."""

import json
import subprocess

import numpy as np
import pytest
from conftest import REPOSITORY
from PIL import Image

from taichi_softras import Mesh

pytest.importorskip("torch", reason="these demos use torch")

TINY = ("--size", "64", "--texture-size", "48", "--views", "12", "--held-out", "5", "--steps", "250")


@pytest.fixture
def run(run_python, tmp_path):
    """Runs the demo in a process, and a folder, of its own."""

    def run(*arguments: str) -> subprocess.CompletedProcess:
        path = str(REPOSITORY / "demos" / "dibr_texture_light.py")
        script = (
            "import os, runpy, sys\nimport torch\n"
            f"os.chdir({str(tmp_path)!r})\nsys.argv, sys.path[0] = {[path, *arguments]!r}, os.path.dirname({path!r})\n"
            f"runpy.run_path({path!r}, run_name='__main__')\n"
        )
        return run_python(script, check=False)

    return run


class TestTextureAndLight:
    @pytest.mark.parametrize("light", ["directional", "sh"])
    def test_they_are_recovered(self, run, tmp_path, light):
        done = run("-o", "out", "--light", light, *TINY)
        assert done.returncode == 0, done.stderr
        metrics = json.loads((tmp_path / "out" / "metrics.json").read_text())
        before, after = metrics["before"], metrics["after"]
        assert before["light_angle_degrees"] > 60
        assert after["light_angle_degrees"] < 5
        assert before["texture_l1"] > 0.15
        for name in ("texture_l1", "image_l1_train", "image_l1_held_out"):
            assert after[name] < before[name] / 4, name
        assert f"{after['light_angle_degrees']:.2f}" in done.stdout
        check_files(tmp_path / "out")


def check_files(folder) -> None:
    recovered = Mesh.load(folder / "recovered.glb")
    texture = np.asarray(Image.open(folder / "texture.png"), np.float32) / 255
    assert recovered.texture is not None
    assert np.abs(recovered.texture[..., :3] - texture).max() < 0.01
    truth, guess, found, difference = np.asarray(Image.open(folder / "sheet.png"), np.float64).reshape(4, 64, -1, 3) / 255
    assert np.abs(truth - found).mean() < np.abs(truth - guess).mean() / 4
    assert difference.min() < difference.max()


class TestWrongInput:
    def test_a_mesh_without_texture(self, run, tmp_path):
        Mesh.icosphere(1).save(tmp_path / "sphere.obj")
        done = run("sphere.obj", "-o", "out")
        assert done.returncode == 1
        assert done.stderr.strip().splitlines()[-1] == "dibr_texture_light: the mesh must have texture coordinates and a texture, got none in sphere.obj"
        assert "Traceback" not in done.stderr

    def test_a_wrong_number(self, run_demo):
        with pytest.raises(ValueError, match="--views must be between 2 and 1000, got 0"):
            run_demo("dibr_texture_light", "-o", "out", "--views", "0")

    def test_a_file_in_place_of_the_folder(self, run_demo, tmp_path):
        (tmp_path / "out").write_text("")
        with pytest.raises(ValueError, match="OUT must be a folder, got the file out"):
            run_demo("dibr_texture_light", "-o", "out")
