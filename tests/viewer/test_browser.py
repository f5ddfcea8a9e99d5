"""The viewer's page and the live page of a fit, in a real browser; and clients that mean no good.

Plan: one process serves both pages, one headless Chromium (software WebGL) opens them. What is on the screen is compared with the picture that the page's
button "save picture" has the engine make of the same camera. Clients of messages (`browsers.Client`) then do what browsers do not.
"""

import json
import os
import re
import shutil
import socket
import time
from collections.abc import Iterator

import numpy as np
import pytest
from browsers import Browser, Client, Serving, psnr
from websockets.exceptions import ConnectionClosed

from taichi_softras.app import main
from taichi_softras.scene import creature
from taichi_softras.viewer.browser import check_address
from taichi_softras.viewer.browser.page import Eye, glb_of
from taichi_softras.viewer.browser.server import is_loopback

EMPTY = (33, 36, 41)  # the background


@pytest.fixture(scope="module")
def serving(tmp_path_factory) -> Iterator[Serving]:
    for program in ("chromium", "chromedriver"):
        if shutil.which(program) is None:
            if os.environ.get("CI"):
                pytest.fail(f"{program} is missing on CI")
            pytest.skip(f"{program} is not on this machine")
    one = Serving(tmp_path_factory.mktemp("serving"))
    yield one
    one.stop()


@pytest.fixture(scope="module")
def browser(tmp_path_factory) -> Iterator[Browser]:
    one = Browser(tmp_path_factory.mktemp("downloads"))
    yield one
    one.driver.quit()


def is_object(picture: np.ndarray) -> np.ndarray:
    return np.abs(picture - EMPTY).max(-1) > 6


class TestViewerPage:
    def test_picture_drag_list_and_second_tab(self, serving, browser):
        browser.open(serving.viewer)
        first = browser.still()
        assert 0.1 < is_object(first).mean() < 0.9
        assert browser.agreement() > 25
        first = browser.still()

        browser.drag(120, 40)
        turned = browser.still(unlike=first)
        assert browser.agreement() > 25

        browser.choose("show", "viser's mesh")  # the same camera, another renderer
        browser.until(lambda: np.abs(browser.screen() - turned).mean() > 1 and is_object(browser.screen()).mean() > 0.1, "mesh of viser's")
        theirs = is_object(browser.still())
        ours = is_object(turned)
        assert (theirs & ours).sum() / (theirs | ours).sum() > 0.97
        browser.choose("show", "the soft picture")

        browser.choose("view", "normals")
        normals = browser.still(unlike=turned)
        assert browser.agreement() > 25

        own = browser.driver.current_window_handle
        browser.open(serving.viewer, tab=True)
        serving.wait(lambda: serving.state()["sessions"] == 2, "second session")
        second = browser.still()
        assert psnr(second, first) > 25  # it begins anew
        browser.driver.close()
        browser.driver.switch_to.window(own)
        serving.wait(lambda: serving.state()["sessions"] == 1, "one session less")
        assert psnr(browser.screen(), normals) > 40
        assert not serving.log()

    def test_uploaded_mesh_is_shown(self, serving, browser, tmp_path):
        triangle, square = tmp_path / "triangle.obj", tmp_path / "square.obj"
        triangle.write_text("v -1 -1 0\nv 1 -1 0\nv 1 1 0\nf 1 2 3\n")
        square.write_text("v -1 -1 0\nv 1 -1 0\nv 1 1 0\nv -1 1 0\nf 1 2 3 4\n")
        browser.drop(triangle)
        browser.until(lambda: "1 faces loaded" in browser.words(), "mesh that was dropped")
        browser.still()
        before = browser.screen()
        chooser = browser.driver.find_element("xpath", "//input[@type='file']")
        chooser.send_keys(str(square))
        browser.until(lambda: "2 faces loaded" in browser.words(), "mesh that was loaded")
        after = browser.still(unlike=before)
        pixels = after[is_object(after)]
        assert (np.abs(pixels - np.median(pixels, 0)).max(-1) < 10).mean() > 0.95  # a plane has one normal: one colour


class TestLivePage:
    def test_watched_paused_left_and_stopped(self, serving, browser):
        """The last of the browser's tests: it ends the fit."""

        def loss() -> float:
            found = re.search(r"loss (\d\.\d+)", browser.words())
            return float(found[1]) if found else np.nan

        browser.open(serving.live)
        browser.until(lambda: loss() > 0, "loss")
        first = serving.state()["first_loss"]  # of the fit, which may have gone on for long
        browser.until(lambda: loss() < 0.7 * first, "loss that has fallen")
        assert is_object(browser.screen()).mean() > 0.1
        assert len(browser.driver.find_elements("xpath", "//img")) >= 3  # target, result, difference

        browser.press("pause")
        browser.until(lambda: "(paused)" in browser.words(), "pause")
        time.sleep(0.5)
        assert "go on" in browser.words()
        browser.press("go on")
        browser.until(lambda: "left" in browser.words(), "fit that goes on")

        steps = serving.state()["steps"]
        browser.driver.get("about:blank")
        serving.wait(lambda: serving.state()["steps"] > steps + 10, "step after the page was left")
        browser.open(serving.live)
        browser.until(lambda: "stop and keep" in browser.words(), "page")
        browser.press("stop and keep")
        serving.wait(lambda: serving.state()["stopped"], "end of the fit")
        steps = serving.state()["steps"]
        time.sleep(0.5)
        assert serving.state()["steps"] == steps


@pytest.fixture
def client(serving) -> Iterator[Client]:
    """One whose page has been built."""
    one = Client(serving.viewer)
    one.look()
    one.picture()
    yield one
    one.vanish()


def upload_button(serving: Serving, client: Client) -> str:
    client.look()
    return client.find("GuiUploadButtonMessage")["uuid"]


class TestHostileClients:
    """After each of them the server draws a picture for the next; what happened is a sentence each."""

    @pytest.fixture(autouse=True)
    def _others_are_served(self, serving):
        before = len(serving.log())
        yield
        other = Client(serving.viewer)
        other.look()
        assert other.picture().shape[2] == 3
        other.close()
        assert "Traceback" not in serving.everything()
        assert len(serving.log()) <= before + 4

    @pytest.mark.parametrize(
        "content",
        [b"", b"\xc1", os.urandom(3000), "text", b"\x81\xa4type\xa7Nothing", b"\x80", b"\x93\x01\x02\x03"],
        ids=["empty", "never used", "random", "text", "unknown type", "no type", "list"],
    )
    def test_no_message_at_all(self, serving, content):
        before = len(serving.log())
        client = Client(serving.viewer)
        client.raw(content)
        serving.line_after(before)
        assert "could not be read" in serving.log()[-1] or "connection was closed" in serving.log()[-1]

    @pytest.mark.parametrize(
        "wrong",
        [
            {"position": (np.nan, 0.0, 0.0)},
            {"position": (1e300, 0.0, 0.0)},
            {"wxyz": (0.0, 0.0, 0.0, 0.0)},
            {"wxyz": (1.0, 0.0)},
            {"fov": -1.0},
            {"image_height": 0},
            {"image_height": -(10**9)},
        ],
        ids=["not a number", "far away", "no turn", "two numbers", "no angle", "no height", "less than none"],
    )
    def test_no_camera(self, serving, client, wrong):
        before = len(serving.log())
        client.look(**wrong)
        serving.line_after(before)
        client.look(80.0)
        client.picture()  # it is still served itself

    def test_a_canvas_without_end_is_drawn_small(self, client):
        client.look(30.0, image_height=10**9, image_width=2 * 10**9)
        assert max(client.picture().shape) <= 2048

    @pytest.mark.parametrize("updates", [{"value": "no such"}, {"value": [1, 2]}, {"value": None}, {"update_cb": 5}, {"no_such": 1}])
    def test_no_value_of_a_list(self, serving, updates):
        before = len(serving.log())
        client = Client(serving.viewer)
        client.look()
        uuid = client.find("GuiDropdownMessage", label="view")["uuid"]
        client.send(type="GuiUpdateMessage", uuid=uuid, updates=updates)
        client.send(type="GuiUpdateMessage", uuid=uuid, updates={"value": "alpha"})
        serving.line_after(before)
        client.close()

    @pytest.mark.parametrize("value", [1e9, -1e9, float("nan"), "much"])
    def test_no_value_of_a_slider(self, serving, value):
        before = len(serving.log())
        client = Client(serving.viewer)
        client.look()
        client.send(type="GuiUpdateMessage", uuid=client.find("GuiSliderMessage", label="log sigma")["uuid"], updates={"value": value})
        serving.line_after(before)
        client.close()

    @pytest.mark.parametrize(
        ("name", "content", "instead"),
        [
            ("mesh.glb", b"no such thing", {}),
            ("mesh.glb", glb_of(creature(1))[:-100], {}),
            ("mesh.obj", b"f 1 2 3\n", {}),
            ("/etc/passwd", b"v 0 0 0\n", {}),
            ("../../../../etc/passwd.exe", b"v 0 0 0\n", {}),
            ("big.obj", b"v 0 0 0\n", {"size_bytes": 1 << 40}),
            ("big.obj", b"v" * (1 << 21), {}),
            ("text.obj", "not bytes", {}),
        ],
        ids=["no file", "cut", "no vertices", "a path", "a path upwards", "said to be large", "large", "text"],
    )
    def test_no_mesh(self, serving, name, content, instead):
        before = len(serving.log())
        client = Client(serving.viewer)
        client.upload(upload_button(serving, client), name, content, **instead)
        serving.line_after(before)
        client.close()

    def test_files_that_a_mesh_names_are_not_read(self, serving, tmp_path):
        """By an absolute path, and by one upwards; in a glTF file, too."""
        (tmp_path / "red.mtl").write_text("newmtl m\nKd 1 0 0\n")
        (tmp_path / "points.bin").write_bytes(bytes(36))
        upwards = "../" * 12
        for folder in (f"{tmp_path}/", f"{upwards}{str(tmp_path)[1:]}/"):
            obj = f"mtllib {folder}red.mtl\nv -1 -1 0\nv 1 -1 0\nv 1 1 0\nusemtl m\nf 1 2 3\n"
            gltf = {
                "asset": {"version": "2.0"},
                "buffers": [{"uri": f"{folder}points.bin", "byteLength": 36}],
                "bufferViews": [{"buffer": 0, "byteLength": 36}],
                "accessors": [{"bufferView": 0, "componentType": 5126, "count": 3, "type": "VEC3"}],
                "meshes": [{"primitives": [{"attributes": {"POSITION": 0}}]}],
                "nodes": [{"mesh": 0}],
            }
            for name, content in ((f"{upwards}mesh.obj", obj), ("mesh.gltf", json.dumps(gltf))):
                before = len(serving.log())
                client = Client(serving.viewer)
                client.upload(upload_button(serving, client), name, content.encode())
                serving.line_after(before)
                assert "near" in serving.log()[-1]
                client.close()

    def test_left_in_the_middle_of_a_frame(self, serving):
        """Half of a frame, and half of a handshake."""
        client = Client(serving.viewer)
        client.look()
        client._connection.socket.sendall(b"\x82\xfe\x10\x00abcd half of")
        client.vanish()
        host, port = serving.viewer.split(":")
        for content in (b"GET / HTTP/1.1\r\nHost:", b"\x00" * 5000):
            with socket.create_connection((host, int(port))) as raw:
                raw.sendall(content)

    def test_pages_of_other_sites_are_not_let_in(self, serving):
        for headers in ({"Origin": "https://elsewhere.example"}, {"Origin": f"http://elsewhere.example:{serving.viewer.split(':')[1]}"}):
            stranger = Client(serving.viewer, **headers)
            stranger.look()
            with pytest.raises(ConnectionClosed):
                stranger.picture()
            assert "is not let in" in serving.log()[-1]
        ours = Client(serving.viewer, Origin=f"http://{serving.viewer}")
        ours.look()
        ours.picture()
        ours.close()

    def test_nobody_has_the_server_published(self, serving, client):
        before = serving.everything()
        client.send(type="ShareUrlRequest")
        client.look(50.0)
        client.picture()
        assert "hare" not in serving.everything()[len(before) :]


def test_clients_come_and_go(serving):
    """A short version of `tests/benchmarks/clients.py`: threads and sessions end with their clients."""
    before = serving.state()
    for _ in range(3):
        clients = [Client(serving.viewer) for _ in range(5)]
        for i, client in enumerate(clients):
            client.look(10.0 * i)
        for client in clients[:3]:
            client.picture()
        for i, client in enumerate(clients):
            client.vanish() if i % 2 else client.close()
    serving.wait(lambda: serving.state()["sessions"] <= before["sessions"], "end of the sessions")
    assert serving.state()["threads"] <= before["threads"] + 1


class TestCommand:
    @pytest.mark.parametrize(
        ("arguments", "sentence"),
        [
            (["view", "--browser", "--headless"], "--browser must come without --headless"),
            (["view", "--browser", "--frames", "3"], "--browser must come without --headless, --frames"),
            (["view", "--browser", "--port", "70000"], "--port must be between"),
            (["view", "--browser", "--host", "no.such.host.invalid"], "--host must be an address of this machine"),
            (["view", "--browser", "no_such.obj"], "no file no_such.obj"),
            (["fit", "-o", "out", "--live", "--port", "-1"], "--port must be between"),
            (["fit", "-o", "out", "--live", "--representation", "triangles"], "--live must be left out with --representation triangles"),
        ],
    )
    def test_faults_are_one_sentence(self, capsys, monkeypatch, tmp_path, arguments, sentence):
        monkeypatch.chdir(tmp_path)
        assert main(arguments) == 1
        lines = capsys.readouterr().err.strip().splitlines()
        assert len(lines) == 1
        assert sentence in lines[0]

    def test_without_viser_a_sentence(self, monkeypatch):
        monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
        with pytest.raises(RuntimeError, match=r"taichi_softras\[browser\]"):
            check_address("view", "localhost", 8080)

    def test_who_may_come(self):
        assert all(map(is_loopback, ("localhost", "127.0.0.1", "127.8.8.8", "::1")))
        assert not any(map(is_loopback, ("0.0.0.0", "192.168.1.2", "example.com", "", None, "::")))


def test_the_camera_is_the_browsers():
    """What viser tells, as ours: a point is where the browser has it."""
    rng = np.random.default_rng(3)
    eye, target = np.array([1.0, 2.0, 3.0]), np.array([0.1, -0.2, 0.3])
    forward = (target - eye) / np.linalg.norm(target - eye)
    right = np.cross(forward, [0.0, 1.0, 0.0])
    right /= np.linalg.norm(right)
    down = np.cross(forward, right)
    from scipy.spatial.transform import Rotation

    x, y, z, w = Rotation.from_matrix(np.stack([right, down, forward], 1)).as_quat()
    one = Eye.of(1.5, np.array([w, x, y, z]), eye, target, 0.8, (300, 500))
    points = rng.normal(0, 0.5, (20, 3))
    local = (points - eye) @ np.stack([right, down, forward], 1)
    rows, columns = 150 + 150 / np.tan(0.4) * local[:, 1] / local[:, 2], 250 + 150 / np.tan(0.4) * local[:, 0] / local[:, 2]
    camera = one.camera
    ours = points @ camera.camera_from_world[0, :, :3].T + camera.camera_from_world[0, :, 3]
    fx, fy, cx, cy = camera.intrinsics[0]
    np.testing.assert_allclose(150 - 150 * (fy * ours[:, 1] / -ours[:, 2] + cy), rows, atol=1e-9)
    np.testing.assert_allclose(250 + 150 * (fx * ours[:, 0] / -ours[:, 2] + cx), columns, atol=1e-9)
    assert one.distance == pytest.approx(np.linalg.norm(eye - target) / 1.5)
    np.testing.assert_allclose(one.direction(0.0, 0.0), -forward, atol=1e-9)
