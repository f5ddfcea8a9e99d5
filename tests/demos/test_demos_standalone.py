"""The demos that need no torch, in short, each in a process of its own where torch cannot be imported: they do what they say and write what they promise."""

import json
import re

import numpy as np
import pytest
from conftest import REPOSITORY
from PIL import Image

from taichi_softras import Mesh
from taichi_softras.scene import PICTURE_FORMATS

SCRIPT = """
import os, runpy, sys
sys.modules["torch"] = None  # `import torch` is an ImportError
sys.argv = {arguments!r}
os.chdir({folder!r})
sys.path.insert(0, os.path.dirname({path!r}))  # where Python finds what a program imports; run_path does not see to it
try:
    runpy.run_path({path!r}, run_name="__main__")
finally:
    assert not any(name.startswith(("torch.", "taichi_softras.interop")) for name in sys.modules)
"""


@pytest.fixture
def run_demo_without_torch(run_python, tmp_path):
    """Runs a demo and returns what it printed; its results are in the folder ``out`` of ``tmp_path``."""

    def run(name: str, *arguments: str, check: bool = True):
        path = str(REPOSITORY / "demos" / f"{name}.py")
        result = run_python(SCRIPT.format(arguments=[path, "-o", "out", *arguments], folder=str(tmp_path), path=path), check=check)
        return result.stdout if check else result

    return run


def picture(path) -> np.ndarray:
    return np.asarray(Image.open(path).convert("RGB"), np.float64) / 255


def frames(path) -> list[np.ndarray]:
    with Image.open(path) as animation:
        shown = []
        for i in range(animation.n_frames):
            animation.seek(i)
            shown.append(np.asarray(animation.convert("RGB"), np.float64) / 255)
    return shown


def figures(line: str, text: str) -> tuple[float, ...]:
    """The numbers in the line of ``text`` that matches."""
    return tuple(float(number) for number in re.search(line, text).groups())


def test_triangle(run_demo_without_torch, tmp_path):
    """The softer, the farther it feels."""
    printed = run_demo_without_torch("01_triangle")
    rows = [(float(loss), float(gradient)) for loss, gradient in re.findall(r"1 - IoU (\S+), longest gradient (\S+)", printed)]
    losses, gradients = zip(*rows, strict=True)
    assert losses[0] == 1.0
    assert gradients[0] == 0.0
    assert gradients[1] > 1e-3
    assert gradients[2] > 5 * gradients[1]
    assert picture(tmp_path / "out" / "triangle.png").std() > 0.1


class TestPainting:
    def test_the_photograph(self, run_demo_without_torch, tmp_path):
        printed = run_demo_without_torch("02_painting", "--triangles", "60", "--size", "32", "--steps", "60")
        start, end = figures(r"PSNR (\S+) dB at the start, (\S+) dB at the end", printed)
        assert start < 13
        assert end > 16.5
        photo, painting = np.split(picture(tmp_path / "out" / "painting.png"), 2, axis=1)
        assert painting.shape == (114, 96, 3)
        assert -10 * np.log10(((photo - painting) ** 2).mean()) > 15  # three times as large as it was fitted
        shown = frames(tmp_path / "out" / "painting.gif")
        assert len(shown) > 30
        assert ((shown[-1] - shown[0]) ** 2).mean() > 0.005

    def test_a_picture_of_ones_own(self, run_demo_without_torch, tmp_path):
        own = np.zeros((40, 60, 3), np.uint8)
        own[:, :30], own[:20, 30:] = (230, 40, 40), (40, 60, 220)
        Image.fromarray(own).save(tmp_path / "own.png")
        printed = run_demo_without_torch("02_painting", "own.png", "--triangles", "24", "--size", "24", "--steps", "60")
        assert figures(r"(\S+) dB at the end", printed)[0] > 22
        assert picture(tmp_path / "out" / "painting.png").shape == (72, 216, 3)

    def test_what_is_no_picture(self, run_demo_without_torch, tmp_path):
        (tmp_path / "notes.txt").write_text("not a picture")
        result = run_demo_without_torch("02_painting", "notes.txt", check=False)
        assert result.returncode == 1
        assert result.stderr.strip().splitlines()[-1] == f"02_painting: PICTURE must be a picture in {', '.join(PICTURE_FORMATS)}, got notes.txt"


def test_silhouettes(run_demo_without_torch, tmp_path):
    small = ("--views", "12", "--size", "32", "--steps", "60", "--subdivisions", "3", "--frames", "3")
    before, after = figures(r"IoU (\S+) before, (\S+) after", run_demo_without_torch("03_silhouettes", *small))
    assert before < 0.7
    assert after > 0.85
    assert len(Mesh.load(tmp_path / "out" / "mesh.glb").faces) == 1280
    target, result, difference = np.split(1 - picture(tmp_path / "out" / "silhouettes.png")[..., 0], 3)
    assert target.shape == (32, 8 * 32)
    assert np.minimum(target, result).sum() / np.maximum(target, result).sum() == pytest.approx(after, abs=0.05)
    np.testing.assert_allclose(difference, np.abs(target - result), atol=0.01)
    grown = frames(tmp_path / "out" / "silhouettes.gif")
    assert len(grown) > 4
    assert np.abs(grown[0] - grown[-1]).mean() > 0.01


class TestCubePose:
    def test_the_best_of_some_starts(self, run_demo_without_torch, tmp_path):
        run_demo_without_torch("04_cube_pose", "--starts", "12", "--size", "32", "--steps", "100")
        soft = json.loads((tmp_path / "out" / "metrics.json").read_text())
        assert min(soft["degrees_at_the_start"]) > 15
        assert soft["degrees_of_the_best_match"] < 1.0
        assert soft["starts_within_5_degrees"] >= 3
        assert np.mean(soft["degrees_at_the_end"]) < np.mean(soft["degrees_at_the_start"]) - 20
        first, *_, last = frames(tmp_path / "out" / "cube_pose.gif")
        assert first.shape == (96, 96 + 4 * 32, 3)
        assert np.abs(first[:, :96] - last[:, :96]).mean() < 0.01  # the target stays
        assert np.abs(first[:, 96:] - last[:, 96:]).mean() > 0.05

    def test_wrong_starts(self, run_demo_without_torch):
        result = run_demo_without_torch("04_cube_pose", "--starts", "4", check=False)
        assert "04_cube_pose: --starts must be 3, 6, 9" in result.stderr


def test_energy_landscape(run_demo_without_torch, tmp_path):
    """Softness fills the pits, and moves the floor of the valley."""
    run_demo_without_torch("05_energy_landscape", "--size", "24", "--samples", "720")
    landscapes = json.loads((tmp_path / "out" / "metrics.json").read_text())
    assert landscapes[0]["pits"] > 100
    assert landscapes[-1]["pits"] < 20
    assert landscapes[0]["lowest_at_degrees"] == 30.0
    assert 5 < landscapes[-1]["lowest_at_degrees"] < 29
    assert picture(tmp_path / "out" / "energy_landscape.png").std() > 0.1
