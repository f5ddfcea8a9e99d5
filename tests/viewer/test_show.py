"""`show` in a notebook's cell and from a script, with viser and without.

Plan: a notebook is run by a kernel of its own; for the rest IPython and the browser are stood in for, and what they would be shown is looked at.
"""

import importlib
import io
import sys
import types
from pathlib import Path

import nbclient
import nbformat
import numpy as np
import pytest
from PIL import Image

import taichi_softras as tsr
from taichi_softras.scene import creature
from taichi_softras.viewer.browser import showing


@pytest.fixture
def opened(monkeypatch) -> list[Path]:
    """The files that a browser is asked to show."""
    files: list[Path] = []
    monkeypatch.setattr(showing, "has_display", lambda: True)
    monkeypatch.setattr(showing.webbrowser, "open", lambda address: files.append(Path(address.removeprefix("file://"))))
    yield files
    for file in files:
        file.unlink()


@pytest.fixture
def cell(monkeypatch) -> list[tuple[str, object]]:
    """What is displayed in a notebook's cell: (kind, content)."""
    shown: list[tuple[str, object]] = []
    display = types.SimpleNamespace(display=lambda one: shown.append(one), HTML=lambda text: ("html", text), Image=lambda data, **kind: (kind["format"], data))
    python = types.SimpleNamespace(get_ipython=lambda: types.SimpleNamespace(kernel=1))
    real = importlib.import_module
    stand_ins = {"IPython": python, "IPython.display": display}
    monkeypatch.setattr(showing.importlib, "import_module", lambda name, *rest: stand_ins.get(name) or real(name, *rest))
    monkeypatch.setitem(sys.modules, "IPython", python)
    return shown


def test_in_a_notebook_a_scene_that_needs_no_server(tmp_path):
    """And nothing else, but what is said of compiling."""
    cells = ["import taichi_softras as tsr", "tsr.show(tsr.Mesh.icosphere(1), height=300)"]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in cells])
    nbclient.NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(tmp_path)}}).execute()
    (output,) = [output for output in notebook.cells[1].outputs if output["output_type"] != "stream"]
    page = output["data"]["text/html"]
    assert "<iframe srcdoc=" in page
    assert 'height="300"' in page
    assert "VISER_EMBED_DATA" in page
    assert "http://localhost" not in page.split("VISER_EMBED_DATA")[-1]


def test_in_a_notebook_cameras_and_pictures(cell, ellipsoid_views):
    tsr.show(ellipsoid_views)
    tsr.show(np.linspace(0, 1, 300 * 400).reshape(300, 400))
    (kind, page), (png, content) = cell
    assert (kind, png) == ("html", "png")
    assert "VISER_EMBED_DATA" in page
    picture = np.asarray(Image.open(io.BytesIO(content)))
    assert picture.shape == (300, 400, 3)
    assert picture[0, 0, 0] == 0
    assert picture[-1, -1, 0] == 255


def test_in_a_notebook_without_viser(cell, monkeypatch, ellipsoid_views):
    monkeypatch.setattr(showing.importlib.util, "find_spec", lambda name: None)
    tsr.show(creature(2), height=60)
    tsr.show(ellipsoid_views)
    mesh, views = (np.asarray(Image.open(io.BytesIO(content))) for kind, content in cell if kind == "png")
    assert mesh.shape == (60, 80, 3)
    assert mesh.std() > 20
    assert views.std() > 20


def test_from_a_script(opened, ellipsoid_views, capsys):
    mesh = tsr.Mesh.icosphere(1)
    image = tsr.render_mesh(mesh, tsr.Camera.orbit(3.0), (20, 30))
    for what in (image, np.array([[0, 255]], np.uint8), np.zeros((3, 8, 8, 4)), ellipsoid_views):
        tsr.show(what)
    pictures = [np.asarray(Image.open(file)) for file in opened[:3]]
    assert [file.suffix for file in opened] == [".png", ".png", ".png", ".html"]
    assert pictures[0].std() > 20
    assert pictures[1].shape[1] >= 256
    assert (pictures[1][:, 0].max(), pictures[1][:, -1].min()) == (0, 255)
    assert (pictures[2] == 255).all()  # nothing, over white
    said = capsys.readouterr().err
    assert all(str(file) in said for file in opened)


def test_a_mesh_from_a_script_is_the_viewers_page(monkeypatch):
    served = []
    monkeypatch.setattr(showing, "view_in_browser", lambda model, host, port: served.append((model, host, port)))
    tsr.show(tsr.Mesh.icosphere(1), port=8123)
    (model, host, port) = served[0]
    assert (host, port) == ("localhost", 8123)
    assert len(model.scene.mesh.faces) == 80


@pytest.mark.parametrize(
    ("what", "kind", "sentence"),
    [
        ("mesh.obj", TypeError, "must be a Mesh, Views, a RenderedImage or an array of numbers, got str"),
        (None, TypeError, "got NoneType"),
        (np.zeros(3), ValueError, r"must have shape \(H, W\)"),
        (np.zeros((4, 4, 2)), ValueError, r"got \(4, 4, 2\)"),
        (np.zeros((0, 4)), ValueError, r"got \(0, 4\)"),
        (np.full((4, 4), np.nan), ValueError, "finite"),
    ],
)
def test_what_cannot_be_shown_is_a_sentence(what, kind, sentence):
    with pytest.raises(kind, match=sentence):
        tsr.show(what)


def test_wrong_options():
    with pytest.raises(ValueError, match="show: height must be between"):
        tsr.show(np.zeros((2, 2)), height=1)
    with pytest.raises(ValueError, match="show: port must be between"):
        tsr.show(np.zeros((2, 2)), port=70_000)


def test_the_package_does_not_import_viser(run_python):
    run_python("import sys, taichi_softras, taichi_softras.app.cli\nimport taichi_softras.viewer.browser.showing\nassert 'viser' not in sys.modules")
