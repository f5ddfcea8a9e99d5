"""``taichi-softras view --browser``: serves the viewer's page until Ctrl-C."""

import sys
import webbrowser

import numpy as np

from ...runtime import has_display
from ..model import Model
from .page import Page
from .server import FIELD_OF_VIEW, Server

__all__ = ["open_page", "view_in_browser", "viewer_of"]


def viewer_of(model: Model, host: str = "localhost", port: int = 8080, op: str = "view") -> Server:
    """A server of pages that begin with what the model shows; `Server.serve` is to be called by the thread that may launch kernels."""
    orbit = model.scene.orbit
    orbit.fov = FIELD_OF_VIEW
    return Server(lambda server, client: Page(server, client, model.another), host, port, op, orbit.camera.eye[0], orbit.target, np.array([0.0, 1.0, 0.0]))


def open_page(server: Server) -> None:
    """Tells where the page is, and opens it where there is a browser with a display."""
    print(server.greet(), file=sys.stderr, flush=True)
    if has_display():
        webbrowser.open(server.address)


def view_in_browser(model: Model, host: str, port: int) -> None:
    """Serves the viewer's page until Ctrl-C. The calling thread computes."""
    server = viewer_of(model, host, port)
    try:
        open_page(server)
        server.serve()
    except KeyboardInterrupt:
        print("view: the page is closed", file=sys.stderr)
    finally:
        server.stop()
