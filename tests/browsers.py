"""Those who look at pages: a process that serves them, a headless Chromium, and a client that speaks viser's messages, or says that it does.

The process serves the viewer's page and a fit's, which goes on whoever looks on; it writes down how things are (``state.json``). The client of messages is for
what no browser does: to send nonsense, to leave in the middle of a frame, and to be many.
"""

import contextlib
import io
import json
import logging
import os
import subprocess
import sys
import time
from pathlib import Path

import msgspec
import numpy as np
import zstandard
from PIL import Image
from websockets.sync.client import connect

REPOSITORY = Path(__file__).resolve().parents[1]
PATIENCE = 180.0  # seconds
LEFT = 580  # pixels of the page's width that the panel does not hide
SERVING = """
import json, os, sys, threading, time
from pathlib import Path
import psutil
import taichi_softras
from taichi_softras import Mesh
from taichi_softras.recover import Fit, FitOptions, Start
from taichi_softras.scene import creature
from taichi_softras.viewer import Model
from taichi_softras.viewer.browser import live, server, viewing
from taichi_softras.viewer.model import Refinement
from taichi_softras.viewer.optimise import views_of

state, mesh, fitting = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
taichi_softras.init("cpu")
server.MAX_UPLOAD, server.MOST_SENTENCES = 1 << 20, 10_000
Refinement.__init__.__defaults__ = (0.07, 60.0, time.monotonic)  # at rest as fine as it gets, on a machine that does much else, too
viewer = viewing.viewer_of(Model(creature(2) if mesh == "creature" else Mesh.load(mesh).normalized()), port=0)
interrupted, watched, fit = [], None, None
if fitting != "no":
    fit = Fit(views_of(creature(2), 32, 6), FitOptions(start=Start.SPHERE, steps=100_000, views_per_step=2, faces=400, score_every=20))
    watched = live.Live(fit, interrupted, "localhost", 0)


def tell():
    facts = {
        "viewer": viewer.viser.get_port(), "live": watched and watched.server.viser.get_port(), "sessions": len(viewer.sessions),
        "steps": len(fit.losses) if fit else 0, "loss": fit.losses[-1] if fit and fit.losses else None,
        "first_loss": fit.losses[0] if fit and fit.losses else None, "stopped": bool(interrupted),
        "threads": threading.active_count(), "resident": psutil.Process().memory_info().rss / 2**20, "cpu": time.process_time(),
    }
    state.with_suffix(".new").write_text(json.dumps(facts))
    os.replace(state.with_suffix(".new"), state)


looked, told = False, 0.0
while state.parent.is_dir():  # until the tests are over
    busy = viewer.work()
    looked = looked or (fit is not None and (fitting == "always" or watched.server.busy))
    if looked and not interrupted and not (fitting == "slowly" and busy):
        fit.step()
        watched.tell("shape", len(fit.losses), fit.options.steps)
    elif fit is not None and interrupted:
        watched.server.work()
    if not (busy or looked) or interrupted:
        viewer.wait(0.03)
    if time.monotonic() - told > 0.2:
        told = time.monotonic()
        tell()
"""


class Serving:
    """A process that serves the viewer's page, and a fit's (``fitting``: "no", "slowly" once somebody looks on, "always" from the beginning)."""

    def __init__(self, folder: Path, mesh: str = "creature", fitting: str = "slowly") -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._state, self._log = folder / "state.json", folder / "log.txt"
        (folder / "serving.py").write_text(SERVING)
        paths = os.pathsep.join([str(REPOSITORY), os.environ.get("PYTHONPATH", "")])
        command = [sys.executable, str(folder / "serving.py"), str(self._state), mesh, fitting]
        with self._log.open("w") as log:
            environment = os.environ | {"PYTHONPATH": paths, "OMP_WAIT_POLICY": "passive", "TI_SKIP_VERSION_CHECK": "ON"}
            self.process = subprocess.Popen(command, env=environment, stdout=log, stderr=log, cwd=folder)
        try:
            self.wait(self._state.is_file, "server")
        except AssertionError:
            self.stop()
            raise
        self.viewer, self.live = (f"localhost:{self.state()[name]}" for name in ("viewer", "live"))

    def state(self) -> dict:
        return json.loads(self._state.read_text())

    def log(self) -> list[str]:
        """What it said of its clients."""
        return [line for line in self._log.read_text().splitlines() if line.startswith("taichi-softras:")]

    def line_after(self, n: int) -> str:
        """The last line of the log, as soon as it has more than n."""
        self.wait(lambda: len(self.log()) > n, "sentence in the log")
        return self.log()[-1]

    def everything(self) -> str:
        return self._log.read_text()

    def wait(self, condition, what: str, patience: float = PATIENCE):
        """Until a condition holds; what it returned."""
        end = time.monotonic() + patience
        while not (result := condition()):
            if self.process.poll() is not None:
                raise AssertionError(f"the server ended before there was a {what}\n{self.everything()}")
            if time.monotonic() > end:
                raise AssertionError(f"there was no {what} after {patience:.0f} s\n{self.everything()}")
            time.sleep(0.05)
        return result

    def stop(self) -> None:
        self.process.kill()
        self.process.wait(timeout=30)


class Client:
    """One who speaks viser's messages without being a browser."""

    def __init__(self, address: str, size: tuple[int, int] = (96, 128), **headers: str) -> None:
        import viser

        own = logging.Logger("client", logging.CRITICAL + 1)  # that it vanished itself is no news
        options = {"additional_headers": headers, "max_size": None, "compression": None, "open_timeout": PATIENCE, "ping_interval": None, "logger": own}
        self._connection = connect(f"ws://{address}", subprotocols=[f"viser-v{viser.__version__}"], **options)
        self.size = size

    def send(self, **message: object) -> None:
        self._connection.send(msgspec.msgpack.encode(message))

    def raw(self, content: bytes | str) -> None:
        self._connection.send(content)

    def look(self, azimuth: float = 20.0, **instead: object) -> None:
        """Stands three units away, and looks at the origin."""
        from scipy.spatial.transform import Rotation

        a = np.radians(azimuth)
        eye = 3.0 * np.array([np.sin(a), 0.0, np.cos(a)])
        backward, down = eye / 3.0, np.array([0.0, -1.0, 0.0])
        rotation = np.stack([np.cross(down, -backward), down, -backward], 1)
        x, y, z, w = Rotation.from_matrix(rotation).as_quat().tolist()
        camera = {"wxyz": (w, x, y, z), "position": eye.tolist(), "fov": 0.7, "near": 0.01, "far": 100.0}
        camera |= {"image_height": self.size[0], "image_width": self.size[1], "look_at": (0.0, 0.0, 0.0), "up_direction": (0.0, 1.0, 0.0)}
        self.send(type="ViewerCameraMessage", **(camera | instead))

    def messages(self, timeout: float) -> list[dict]:
        """Those of the next window of messages; none if nothing comes."""
        try:
            content = self._connection.recv(timeout=timeout)
        except TimeoutError:
            return []
        length = int.from_bytes(content[8:16], "little")
        unpacked = zstandard.ZstdDecompressor().decompress(content[16 : 16 + length], max_output_size=int.from_bytes(content[:8], "little"))
        return msgspec.msgpack.decode(unpacked)["messages"]

    def find(self, kind: str, patience: float = PATIENCE, **properties: object) -> dict:
        """The next message of a kind, whose properties (``props``) are these."""
        end = time.monotonic() + patience
        while (left := end - time.monotonic()) > 0:
            for message in self.messages(left):
                if message["type"] == kind and all(message.get("props", {}).get(name) == value for name, value in properties.items()):
                    return message
        raise AssertionError(f"no {kind} came in {patience:.0f} s")

    def picture(self, patience: float = PATIENCE) -> np.ndarray:
        """The next picture that it is sent [H, W, 3]."""
        while (data := self.find("BackgroundImageMessage", patience)["rgb_data"]) is None:  # viser's own beginning
            pass
        return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))

    def upload(self, component: str, name: str, content: bytes, **instead: object) -> None:
        start = {"source_component_uuid": component, "transfer_uuid": "t", "filename": name, "mime_type": "", "part_count": 1, "size_bytes": len(content)}
        self.send(type="FileTransferStartUpload", **(start | instead))
        self.send(type="FileTransferPart", source_component_uuid=component, transfer_uuid="t", part_index=0, content=content)

    def vanish(self) -> None:
        """Without a word, as when a cable is pulled."""
        with contextlib.suppress(OSError):
            self._connection.socket.close()

    def close(self) -> None:
        self._connection.close()


def chromium(downloads: Path, size: tuple[int, int] = (1000, 760)):
    """A headless Chromium that draws WebGL on the CPU, and saves what it downloads in a folder."""
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = "/usr/bin/chromium"
    flags = ["--headless=new", "--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--disable-dev-shm-usage", "--mute-audio"]
    for flag in (*flags, f"--window-size={size[0]},{size[1]}", f"--user-data-dir={downloads / 'profile'}", "--force-device-scale-factor=1"):
        options.add_argument(flag)
    options.add_experimental_option("prefs", {"download.default_directory": str(downloads), "download.prompt_for_download": False})
    return webdriver.Chrome(options=options, service=webdriver.ChromeService("/usr/bin/chromedriver"))


class Browser:
    """Somebody at a browser."""

    def __init__(self, downloads) -> None:
        self.downloads, self.driver = downloads, chromium(downloads)
        self.driver.set_script_timeout(60)

    def open(self, address: str, tab: bool = False) -> None:
        if tab:
            self.driver.switch_to.new_window("tab")
        self.driver.get(f"http://{address}")
        # viser says that WebGL is drawn by the CPU, in a box over the canvas.
        self.until(lambda: self.driver.find_elements("xpath", "//*[contains(text(), 'Software WebGL')]"), "words of viser's")
        self.driver.execute_script("document.querySelectorAll('.mantine-Notifications-root').forEach(box => box.style.display = 'none')")

    def until(self, condition, what: str, patience: float = PATIENCE):
        end = time.monotonic() + patience
        while not (result := condition()):
            assert time.monotonic() < end, f"there was no {what}"
            time.sleep(0.1)
        return result

    def screen(self) -> np.ndarray:
        """What is to be seen beside the panel."""
        return np.asarray(Image.open(io.BytesIO(self.driver.get_screenshot_as_png())).convert("RGB"))[:, :LEFT].astype(np.float64)

    def words(self) -> str:
        """What is to be read on the page. (Selenium looks for the ``text`` of an element by itself, thirty times as long.)"""
        return self.driver.execute_script("return document.body.innerText")

    def still(self, unlike: np.ndarray | None = None) -> np.ndarray:
        """The screen when the picture is as fine as it gets, and stays; one that differs from another screen, if that is given."""
        if unlike is not None:
            self.until(lambda: np.abs(self.screen() - unlike).mean() > 5, "other picture")

        def found() -> tuple[str, bytes] | None:
            words = self.words().partition(" ms.")[0]
            return (words, self.screen().tobytes()) if "antialiased" in words else None

        before = self.until(found, "fine picture")
        while time.sleep(0.5) or (after := self.until(found, "fine picture")) != before:
            before = after
        return self.screen()

    def drag(self, x: int, y: int) -> None:
        from selenium.webdriver.common.action_chains import ActionChains

        canvas = self.driver.find_elements("tag name", "canvas")[1]
        actions = ActionChains(self.driver, duration=50).move_to_element_with_offset(canvas, -200, 0).click_and_hold()
        for _ in range(4):
            actions.move_by_offset(x // 4, y // 4)
        actions.release().perform()

    def drop(self, path) -> None:
        """Lets a file fall onto the canvas."""
        for kind in ("dragEnter", "dragOver", "drop"):
            data = {"items": [], "files": [str(path)], "dragOperationsMask": 1}
            self.driver.execute_cdp_cmd("Input.dispatchDragEvent", {"type": kind, "x": 200, "y": 300, "data": data})

    def choose(self, label: str, option: str) -> None:
        self.driver.find_element("xpath", f"//label[normalize-space()='{label}']/ancestor::*[.//input][1]//input").click()
        found = f'//*[@role="option" and normalize-space()="{option}"]'
        self.until(lambda: self.driver.find_elements("xpath", found), option)[0].click()

    def type(self, label: str, text: str) -> None:
        field = self.driver.find_element("xpath", f"//label[normalize-space()='{label}']/ancestor::*[.//input][1]//input")
        field.send_keys("\ue009a\ue000", text)  # in place of all of it (control and A)

    def press(self, button: str) -> None:
        self.driver.execute_script("arguments[0].click()", self.driver.find_element("xpath", f"//button[normalize-space()='{button}']"))

    def saved(self, button: str, name: str) -> bytes:
        """What a button has the browser download."""
        path = self.downloads / name
        path.unlink(missing_ok=True)
        self.press(button)
        self.until(path.is_file, name)
        return path.read_bytes()

    def agreement(self) -> float:
        """PSNR of the screen and the engine's own picture of the same camera, dB."""
        engine = Image.open(io.BytesIO(self.saved("save picture", "picture.png"))).convert("RGB")
        whole = Image.open(io.BytesIO(self.driver.get_screenshot_as_png()))
        return psnr(self.still(), np.asarray(engine.resize(whole.size, Image.Resampling.BILINEAR))[:, :LEFT].astype(np.float64))


def psnr(a: np.ndarray, b: np.ndarray) -> float:
    return float(10 * np.log10(255**2 / max(np.mean((a - b) ** 2), 1e-9)))
