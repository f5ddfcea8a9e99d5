"""The page that tells of a fit, in a real browser: the mesh turns in it as the engine would show it, all figures are there, nothing is asked of the network."""

import base64
import io
import json
import re
import shutil
import time

import numpy as np
import pytest
from PIL import Image

from taichi_softras import Camera, Mesh
from taichi_softras.recover import SHARP, normal_colors, render_views, report

FIGURES = {"iou": 0.98765, "own_size": {"psnr": 41.25, "sizes": [640, 480]}, "name": "<b>&amp;", "nothing": None}
MEANING = {"iou": "of silhouettes", "own_size": "of the pictures <themselves>"}


def textured() -> Mesh:
    """A tilted roof of two quads: every corner of its picture has another colour, so that nothing may be flipped, turned or mixed up unseen."""
    picture = np.zeros((64, 64, 3))
    picture[:32, :32], picture[:32, 32:], picture[32:, :32], picture[32:, 32:] = [0.9, 0.2, 0.1], [0.1, 0.7, 0.2], [0.2, 0.3, 0.9], [0.9, 0.8, 0.1]
    vertices = np.array([[-1.0, -0.5, 0.4], [0.0, -0.6, -0.1], [1.1, -0.4, 0.5], [-0.9, 0.6, 0.2], [0.1, 0.5, -0.2], [1.0, 0.7, 0.1]])
    vertices += [0.3, 0.2, -0.1]
    faces = np.array([[0, 1, 4], [0, 4, 3], [1, 2, 5], [1, 5, 4]], np.int32)
    uvs = np.array([[0.0, 0.0], [0.5, 0.0], [1.0, 0.0], [0.0, 1.0], [0.5, 1.0], [1.0, 1.0]])
    return Mesh(vertices=vertices, faces=faces, uvs=uvs, texture=picture)


def written(folder, mesh: Mesh) -> str:
    mesh.save(folder / "mesh.glb", normals=True)
    Image.new("RGB", (30, 20), "red").save(folder / "sheet.png")
    report(
        folder / "new" / "report.html",
        "A <title>",
        folder / "mesh.glb",
        {"IoU": "0.9877", "PSNR over white": "41.25 dB", "faces": "4,996", "seconds": "58"},
        {"The & sheet": folder / "sheet.png"},
        {"Figures": FIGURES, "Options": {"steps": 200}},
        MEANING,
        ["Of 12 & more pictures.", "All masks are rough."],
    )
    return (folder / "new" / "report.html").read_text()


class TestPage:
    def test_holds_the_files_as_they_are(self, tmp_path):
        page = written(tmp_path, normal_colors(Mesh.icosphere(1)))
        for name, pattern in (("mesh.glb", r'id="glb">([^<]*)<'), ("sheet.png", r'src="data:image/png;base64,([^"]*)"')):
            assert base64.b64decode(re.search(pattern, page)[1]) == (tmp_path / name).read_bytes()

    def test_of_text_nothing_is_taken_for_a_tag(self, tmp_path):
        page = written(tmp_path, normal_colors(Mesh.icosphere(1)))
        assert "<title>A &lt;title&gt;</title>" in page
        assert "&lt;b&gt;&amp;amp;" in page
        assert "<themselves>" not in page

    def test_a_file_that_is_not_there(self, tmp_path):
        with pytest.raises(FileNotFoundError, match=r"no\.glb"):
            report(tmp_path / "report.html", "title", tmp_path / "no.glb", {}, {}, {})
        assert not (tmp_path / "report.html").exists()

    def test_notes_that_are_none(self, tmp_path):
        with pytest.raises(TypeError, match=r"^report: notes must be a list of text, got 'rough'$"):
            report(tmp_path / "report.html", "title", tmp_path / "no.glb", {}, {}, {}, notes="rough")


@pytest.fixture(scope="module")
def browser():
    """Debian's Chromium without a screen, WebGL on the CPU."""
    programs = [shutil.which(name) for name in ("chromium", "chromedriver")]
    if None in programs:
        pytest.skip("there is no Chromium with its driver (Debian: chromium, chromium-driver)")
    webdriver = pytest.importorskip("selenium.webdriver")
    options = webdriver.ChromeOptions()
    options.binary_location = programs[0]
    for argument in ("headless=new", "no-sandbox", "use-angle=swiftshader", "enable-unsafe-swiftshader", "force-device-scale-factor=1", "window-size=640,900"):
        options.add_argument(f"--{argument}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(programs[1]))
    yield driver
    driver.quit()


class TestInABrowser:
    @pytest.fixture(params=["texture", "colours"])
    def mesh(self, request) -> Mesh:
        return textured() if request.param == "texture" else normal_colors(Mesh.icosphere(2))

    @pytest.fixture
    def opened(self, browser, mesh, tmp_path):
        written(tmp_path, mesh)
        for log in ("browser", "performance"):
            browser.get_log(log)  # what is of the page before is taken out of it
        browser.get((tmp_path / "new" / "report.html").as_uri())
        deadline = time.monotonic() + 30
        while not browser.execute_script("return document.getElementById('model').dataset.azimuth") and time.monotonic() < deadline:
            time.sleep(0.05)
        return browser

    @staticmethod
    def canvas(browser) -> np.ndarray:
        """[H, W, 3] what is to be seen in it, 0 to 1."""
        png = browser.find_element("id", "model").screenshot_as_png
        return np.asarray(Image.open(io.BytesIO(png)).convert("RGB"), np.float64) / 255

    @staticmethod
    def place(browser) -> dict[str, float]:
        return {name: float(value) for name, value in browser.execute_script("return {...document.getElementById('model').dataset}").items()}

    def test_the_mesh_turns_and_is_what_the_engine_shows(self, opened, mesh):
        from selenium.webdriver import ActionChains

        first, before = self.canvas(opened), self.place(opened)
        deadline = time.monotonic() + 30
        while self.place(opened)["azimuth"] < before["azimuth"] + 20 and time.monotonic() < deadline:
            time.sleep(0.05)
        second = self.canvas(opened)
        assert (first != second).any(2).mean() > 0.01
        opened.find_element("id", "upright").click()
        ActionChains(opened).drag_and_drop_by_offset(opened.find_element("id", "model"), 60, 25).perform()
        place = self.place(opened)
        assert place["azimuth"] < -10  # a drag to the right shows more of the left
        assert place["elevation"] > 25
        time.sleep(0.3)
        assert self.place(opened) == place  # it stands still, to be looked at
        shown = self.canvas(opened)
        camera = Camera.orbit(place["distance"], place["elevation"], place["azimuth"], fov=40)
        expected = render_views(mesh.normalized(), camera, shown.shape[:2], ("a",), SHARP, samples=2).over_white()[0]
        assert (shown < 0.9).any(2).mean() > 0.05  # it is not blank
        psnr = -10 * np.log10(((shown - expected) ** 2).mean())
        assert psnr > 28
        opened.find_element("id", "look").click()
        time.sleep(0.3)
        grey = self.canvas(opened)
        assert np.ptp(grey, axis=2).max() < 0.02 < np.ptp(shown, axis=2).max()

    def test_names_stay_beside_their_figures_however_narrow_the_page_is(self, opened):
        size = opened.get_window_size()
        try:
            opened.set_window_size(500, 900)
            spans = opened.find_elements("css selector", ".figures span")
            lines = [opened.execute_script("return arguments[0].getClientRects().length", span) for span in spans]
            assert lines == [1, 1, 1, 1]
            assert len({span.location["y"] for span in spans}) > 1  # there is no room for all of them in a line
            assert opened.execute_script("return document.documentElement.scrollWidth <= innerWidth")
        finally:
            opened.set_window_size(size["width"], size["height"])

    def test_all_figures_are_in_it_and_nothing_is_fetched(self, opened):
        text = opened.find_element("tag name", "body").text
        for figure in ("A <title>", "0.9877", "0.98765", "41.25", "[640, 480]", "own_size.psnr", "<b>&amp;", "null", "200", "of the pictures <themselves>"):
            assert figure in text
        assert "seconds 58\nOf 12 & more pictures.\nAll masks are rough.\n" in text
        assert [image.size["width"] for image in opened.find_elements("tag name", "img")] == [30]
        assert opened.get_log("browser") == []
        messages = [json.loads(entry["message"])["message"] for entry in opened.get_log("performance")]
        asked = {message["params"]["request"]["url"] for message in messages if message["method"] == "Network.requestWillBeSent"}
        assert {url.partition(":")[0] for url in asked} <= {"file", "data", "blob"}
        assert sum(url.startswith("file:") for url in asked) == 1
