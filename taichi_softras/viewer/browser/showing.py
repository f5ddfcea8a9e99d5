"""`show`: a mesh, a picture, or pictures with their cameras, where one works: in a notebook's cell, or in a browser.

In a notebook it is viser's scene in a frame that holds all of it (one megabyte and the mesh): it turns without a server, over any connection, and in the
notebook that was saved. What is no scene, and everything where viser is not installed, is a PNG. From a script it is a page in the browser.
"""

import html
import importlib
import importlib.util
import os
import sys
import tempfile
import webbrowser
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from ...checks import as_numbers, check_finite, check_integer
from ...engine import RenderedImage
from ...recover import Views, up_of
from ...runtime import ensure_initialized, has_display
from ...scene import Mesh
from ..model import Model
from .live import add_frusta
from .page import glb_of, to_bytes
from .server import FIELD_OF_VIEW, check_address, without_banner
from .viewing import view_in_browser

__all__ = ["show"]

COLUMNS, GAP = 6, 4  # of pictures beside each other; pixels between them
NARROWEST = 256  # pixels: a picture is enlarged to that
AROUND = 3.3  # radii: where a scene is looked at from at first


def show(what: Any, height: int = 480, port: int = 8080) -> None:
    """Shows a mesh, pictures with their cameras, or a picture.

    In a notebook: in the cell, a mesh or cameras as a scene of viser's that can be turned, without a server; as a PNG where the extra ``browser`` is not
    installed. From a script: in the browser; of a mesh the viewer's page (`taichi-softras view --browser`), which is served until Ctrl-C.

    Args:
        what: a `Mesh`; `Views`; the `RenderedImage` of a `Renderer`; or an array [H, W], [H, W, 1, 3 or 4] or [B, H, W, 1, 3 or 4] of numbers in [0, 1]
            (integers: up to 255), NumPy's, Taichi's or torch's. A fourth channel is alpha, and laid over white.
        height: of the cell's frame, pixels.
        port: of the page, or the next free one.

    Raises:
        TypeError, ValueError: if it is none of these.
        RuntimeError: from a script, for a mesh or `Views`, without viser.
    """
    check_integer("show", "height", height, 50, 10_000)
    check_integer("show", "port", port, 0, 65_535)
    scene = what if isinstance(what, (Mesh, Views)) else None
    picture = None if scene is not None else _picture_of(what)
    if _in_notebook():
        if scene is not None and importlib.util.find_spec("viser") is not None:
            _display_html(_scene_html(scene), height)
        else:
            _display_png(to_bytes(_still(scene, height) if picture is None else picture))
    elif picture is not None:
        _open_file(to_bytes(picture), ".png")
    else:
        check_address("show", "localhost", port)
        if isinstance(scene, Mesh):
            ensure_initialized()
            view_in_browser(Model(scene.normalized()), "localhost", port)
        else:
            _open_file(_scene_html(scene).encode(), ".html")


def _picture_of(what: Any) -> np.ndarray:
    """[H, W, 3] uint8 of a picture, or of several beside each other."""
    if isinstance(what, RenderedImage):
        what = what.alpha if what.color is None else what.color
        what = what if len(what.shape) == 4 else _array(what)[..., None]
    values = _array(what)
    if values.ndim not in (2, 3, 4) or 0 in values.shape or (values.ndim > 2 and values.shape[-1] not in (1, 3, 4)):
        raise ValueError(f"show: a picture must have shape (H, W), (H, W, 1, 3 or 4) or (B, H, W, 1, 3 or 4), got {values.shape}")
    check_finite("show", "a picture", values)
    values = values[..., None] if values.ndim == 2 else values
    if values.shape[-1] == 4:
        values = values[..., 3:] * values[..., :3] + 1 - values[..., 3:]
    return _beside(np.clip(values if values.ndim == 4 else values[None], 0, 1))


def _array(what: Any) -> np.ndarray:
    """Numbers up to one, as NumPy's."""
    if hasattr(what, "detach"):
        what = what.detach().cpu()
    elif hasattr(what, "to_numpy"):
        what = what.to_numpy()
    values = np.asarray(what)
    if values.dtype.kind not in "fiu":
        raise TypeError(f"show: what is shown must be a Mesh, Views, a RenderedImage or an array of numbers, got {type(what).__name__}")
    return as_numbers("show", "a picture", values) / (1 if values.dtype.kind == "f" else 255)


def _beside(pictures: np.ndarray) -> np.ndarray:
    """[H, W, 3] uint8 of [B, h, w, 1 or 3]: in rows, on white."""
    n, h, w, _ = pictures.shape
    larger = max(1, -(-NARROWEST // max(h, w))) if n == 1 else 1
    columns = min(n, COLUMNS)
    sheet = np.full((-(-n // columns) * (h + GAP) - GAP, columns * (w + GAP) - GAP, 3), 1.0)
    for i, picture in enumerate(pictures):
        row, column = i // columns * (h + GAP), i % columns * (w + GAP)
        sheet[row : row + h, column : column + w] = picture
    return np.round(255 * sheet).astype(np.uint8).repeat(larger, 0).repeat(larger, 1)


def _still(scene: Mesh | Views | None, height: int) -> np.ndarray:
    """Where there is no viser: the engine's picture of a mesh; the pictures of views."""
    if isinstance(scene, Mesh):
        ensure_initialized()
        return Model(scene).best_frame(height, round(height * 4 / 3))
    assert scene is not None
    return _beside(scene.over_white())


def _scene_html(scene: Mesh | Views | None) -> str:
    """A page that holds a scene of viser's: a mesh, or cameras with their pictures."""
    viser = importlib.import_module("viser")
    with without_banner():
        server = viser.ViserServer(host="localhost", port=0, verbose=False)
        try:
            server.scene.set_up_direction(tuple(map(float, up_of(scene.camera))) if isinstance(scene, Views) else "+y")
            first = server.initial_camera
            first.position, first.look_at, first.fov = AROUND * np.array([0.4, 0.3, 0.85]), (0.0, 0.0, 0.0), float(np.radians(FIELD_OF_VIEW))
            if isinstance(scene, Mesh):
                server.scene.add_glb("/mesh", glb_of(scene.normalized()))
            elif scene is not None:
                eyes = scene.camera.eye
                extent = max(float(np.linalg.norm(eyes - eyes.mean(0), axis=1).max()), 1e-9)
                moved = scene.camera.about(eyes.mean(0))
                matrices = np.array(moved.camera_from_world)
                matrices[:, :, 3] /= extent
                add_frusta(server.scene, replace(moved, camera_from_world=matrices), scene)
            return str(server.get_scene_serializer().as_html())
        finally:
            server.stop()


def _in_notebook() -> bool:
    """Whether a kernel of Jupyter's runs this (IPython in a terminal shows no pictures)."""
    if "IPython" not in sys.modules:
        return False
    shell = importlib.import_module("IPython").get_ipython()
    return shell is not None and hasattr(shell, "kernel")


def _display_html(page: str, height: int) -> None:
    display = importlib.import_module("IPython.display")
    frame = f'<iframe srcdoc="{html.escape(page, quote=True)}" width="100%" height="{height}" style="border:none;display:block"></iframe>'
    display.display(display.HTML(f"<div>{frame}</div>"))  # in a box: of a bare frame IPython says that there are better ways


def _display_png(content: bytes) -> None:
    display = importlib.import_module("IPython.display")
    display.display(display.Image(data=content, format="png"))


def _open_file(content: bytes, suffix: str) -> None:
    """Opens a new file in the browser, and tells where it is."""
    handle, name = tempfile.mkstemp(suffix, "taichi_softras_")
    with os.fdopen(handle, "wb") as file:
        file.write(content)
    print(f"show: {name}", file=sys.stderr)
    if has_display():
        webbrowser.open(Path(name).as_uri())
