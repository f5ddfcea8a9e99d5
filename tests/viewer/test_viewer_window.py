"""The viewer's windows, moved by a real mouse and real keys on a display without a screen (Xvfb, xdotool).

Plan: a process opens the window on a small mesh and prints its state when the user leaves; meanwhile the mouse turns the mesh, pulls a slider and presses a
button, and keys save pictures, which are compared. Where a program is missing the tests say so and are skipped, but not on CI, where all are installed.
"""

import json
import os
import shutil
import subprocess
import sys
import time

import numpy as np
import pytest
from conftest import REPOSITORY
from PIL import Image

from taichi_softras.runtime import vulkan_offer

SCRIPT = """
import json, sys
from pathlib import Path
import taichi_softras
from taichi_softras.scene import creature
from taichi_softras.viewer import Model
from taichi_softras.viewer.app import show
from taichi_softras.viewer.optimise import Task

taichi_softras.init("cpu")
model = Model(creature(3), out=sys.argv[1])
model.task = Task.SHAPE
step = model.step


def counted():
    step()
    Path("steps").write_text(str(len(model.optimisation.losses)))


model.step = counted
show(model, (520, 660))
orbit, look, optimisation = model.scene.orbit, model.scene.look, model.optimisation
print("RESULT", json.dumps({"azimuth": orbit.azimuth, "elevation": orbit.elevation, "distance": orbit.distance, "sigma": look.sigma, "view": look.view.value,
    "target": orbit.target.tolist(), "wireframe": look.wireframe, "running": model.running, "losses": optimisation.losses if optimisation else []}))
"""
PANEL_LEFT = 660 - 330
SIGMA_ROW, START_ROW = 76, 484  # of the panel, pixels from its top
PATIENCE = 60.0  # seconds


def needs(missing: str | None) -> None:
    if missing is not None:
        if os.environ.get("CI"):
            pytest.fail(f"{missing} is missing on CI")
        pytest.skip(f"{missing} is not on this machine")


@pytest.fixture(scope="module")
def display():
    """A display of its own. (Without ``-noreset`` Xvfb begins anew whenever its last client leaves, as xdotool often does; a window just then finds none.)"""
    needs(next((program for program in ("Xvfb", "xdotool") if shutil.which(program) is None), None))
    reader, writer = os.pipe()
    server = subprocess.Popen(["Xvfb", "-noreset", "-displayfd", str(writer), "-screen", "0", "1280x800x24"], pass_fds=[writer], stderr=subprocess.DEVNULL)
    os.close(writer)
    with os.fdopen(reader) as pipe:
        number = pipe.readline().strip()
    yield f":{number}"
    server.terminate()
    server.wait(timeout=30)


class User:
    """Somebody at a viewer, in a process of its own."""

    def __init__(self, display: str, folder, environment: dict[str, str]) -> None:
        self.folder, self.out = folder, folder / "out"
        (folder / "script.py").write_text(SCRIPT)
        paths = os.pathsep.join([str(REPOSITORY), os.environ.get("PYTHONPATH", "")])
        self._environment = os.environ | {"DISPLAY": display, "PYTHONPATH": paths, "OMP_WAIT_POLICY": "passive"} | environment
        command = [sys.executable, str(folder / "script.py"), str(self.out)]
        self.process = subprocess.Popen(command, env=self._environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=folder)
        self.window = ""

    def do(self, *words: object) -> str:
        return subprocess.run(["xdotool", *map(str, words)], env=self._environment, capture_output=True, text=True, check=False, timeout=30).stdout.strip()

    def wait(self, condition, what: str):
        end = time.monotonic() + PATIENCE
        while not (result := condition()):
            if time.monotonic() > end or self.process.poll() is not None:
                self.process.kill()
                stdout, stderr = self.process.communicate()
                pytest.fail(f"there was no {what}\n{stdout}\n{stderr}", pytrace=False)
            time.sleep(0.1)
        return result

    def find_window(self) -> None:
        self.window = self.wait(lambda: self.do("search", "--onlyvisible", "--name", "taichi_softras"), "window").splitlines()[-1]
        self.do("windowfocus", self.window)
        self.picture(1)

    def key(self, name: str) -> None:
        self.do("key", "--window", self.window, name)

    def picture(self, number: int) -> np.ndarray:
        """Saved by the key P."""
        path = self.out / f"picture_{number:03d}.png"
        self.do("key", "--window", self.window, "p")
        self.wait(path.is_file, f"picture {path.name}")
        time.sleep(0.3)
        with Image.open(path) as picture:
            return np.asarray(picture, np.float64)

    def drag(self, button: int, start: tuple[int, int], end: tuple[int, int], steps: int = 12) -> None:
        self.do("mousemove", "--window", self.window, *start)
        time.sleep(0.3)
        self.do("mousedown", button)
        time.sleep(0.3)
        for i in range(1, steps + 1):
            self.do("mousemove", "--window", self.window, *(round(a + (b - a) * i / steps) for a, b in zip(start, end, strict=True)))
            time.sleep(0.08)
        time.sleep(0.3)
        self.do("mouseup", button)
        time.sleep(0.3)

    def steps(self) -> int:
        """How many steps the optimisation has taken."""
        path = self.folder / "steps"
        return int(path.read_text() or 0) if path.is_file() else 0

    def leave(self) -> tuple[dict, str]:
        """The state that the viewer printed, and what it said on stderr."""
        self.key("Escape")
        stdout, stderr = self.process.communicate(timeout=PATIENCE)
        assert self.process.returncode == 0, stderr
        return json.loads(stdout.split("RESULT", 1)[1]), stderr


@pytest.fixture
def user(display, tmp_path):
    """Opens a viewer; ends it if a test fails before the user leaves."""
    started = []

    def start(**environment: str) -> User:
        started.append(User(display, tmp_path, environment))
        started[-1].find_window()
        return started[-1]

    yield start
    for one in started:
        if one.process.poll() is None:
            one.process.kill()
            one.process.communicate()


class TestWindow:
    def test_mouse_slider_and_button(self, user):
        needs(None if vulkan_offer().devices else "Vulkan")
        one = user()
        before = one.picture(2)
        one.drag(1, (60, 200), (260, 280))
        turned = one.picture(3)
        assert np.abs(turned - before).mean() > 5
        one.drag(1, (PANEL_LEFT + 75, SIGMA_ROW), (PANEL_LEFT + 160, SIGMA_ROW))
        soft = one.picture(4)
        assert np.abs(soft - turned).mean() > 1
        one.drag(1, (PANEL_LEFT + 20, START_ROW), (PANEL_LEFT + 20, START_ROW), steps=1)
        one.wait(lambda: one.steps() >= 10, "tenth step")
        one.key("space")
        state, _ = one.leave()
        assert state["azimuth"] != pytest.approx(25.0, abs=20)
        assert state["sigma"] > 2e-5
        assert len(state["losses"]) > 3
        assert np.mean(state["losses"][-3:]) < np.mean(state["losses"][:3])
        assert not state["running"]

    def test_simple_window_without_vulkan(self, user):
        """One sentence, and a window all the same."""
        one = user(VK_ICD_FILENAMES="/nonexistent")
        before = one.picture(2)
        one.drag(1, (60, 200), (260, 280))
        one.key("w")
        assert np.abs(one.picture(3) - before).mean() > 5
        state, stderr = one.leave()
        assert state["azimuth"] != pytest.approx(25.0, abs=20)
        assert state["wireframe"]
        said = [line for line in stderr.splitlines() if line.strip() and not line.startswith("[Taichi]")]
        assert said == [line for line in said if "there is no Vulkan" in line]
        assert stderr.count("there is no Vulkan") == 1
