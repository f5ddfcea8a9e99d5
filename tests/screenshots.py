"""The pictures of pages in the docs, by a headless Chromium.

``python -m tests.screenshots MESH -o docs`` makes browser.png and browser_both.png of the viewer's page, and live.png of a fit's.
"""

import argparse
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from .browsers import REPOSITORY, Browser, Serving

SIGMA = "1e-3"  # of the soft half
STEPS, SHOWN = 200, 120  # of the fit, and of them those after which it is looked at


def viewer(browser: Browser, mesh: str, folder: Path, out: Path) -> None:
    serving = Serving(folder, mesh, fitting="no")
    try:
        browser.open(serving.viewer)
        first = browser.still()
        browser.driver.save_screenshot(str(out / "browser.png"))
        browser.type("sigma", SIGMA)
        browser.still(unlike=first)
        browser.choose("show", "both: soft | viser's mesh")
        browser.until(lambda: serving.state()["sessions"], "session")
        browser.still()
        browser.driver.save_screenshot(str(out / "browser_both.png"))
    finally:
        serving.stop()


def live(browser: Browser, mesh: str, folder: Path, out: Path) -> None:
    command = [sys.executable, "-c", "from taichi_softras.app import main; main()", "fit", mesh, "-o", str(folder), "--live", "--port", "0"]
    command += ["--steps", str(STEPS), "--views", "24"]
    log = folder.with_suffix(".txt")
    with log.open("w") as file:
        fit = subprocess.Popen(command, cwd=REPOSITORY, stdout=file, stderr=file)
    try:
        found = browser.until(lambda: re.search(r"the page is at http://(\S+)", log.read_text()), "page", 600)
        browser.open(found[1])
        browser.until(lambda: (done := re.search(r"shape: (\d+) of", browser.words())) and int(done[1]) >= SHOWN, "mesh", 600)
        browser.press("pause")
        browser.until(lambda: "(paused)" in browser.words(), "pause")
        browser.driver.save_screenshot(str(out / "live.png"))
    finally:
        fit.kill()
        fit.wait(timeout=30)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("mesh", help="a mesh file")
    parser.add_argument("-o", "--out", type=Path, default=REPOSITORY / "docs", help="folder for the pictures (default: %(default)s)")
    options = parser.parse_args()
    mesh = str(Path(options.mesh).resolve())
    with tempfile.TemporaryDirectory() as folder:
        (downloads := Path(folder) / "downloads").mkdir()
        browser = Browser(downloads)
        try:
            viewer(browser, mesh, Path(folder) / "serving", options.out)
            live(browser, mesh, Path(folder) / "fit", options.out)
        finally:
            browser.driver.quit()


if __name__ == "__main__":
    main()
