"""``taichi-softras fit --live``: the page of a fit in progress.

The fit's own thread serves it, between two steps: now and then, so that no more than a tenth of the time goes to those who look on, and not at all while
nobody does. What is shown stands in the world of the cameras, moved to the object and scaled to its size (viser has single precision).
"""

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from scipy.spatial.transform import Rotation

from ...recover import Fit, Views, seen_from, up_of
from ...scene import Camera, Convention, Mesh
from ..overlay import enlarge
from .page import glb_of, show_curve
from .server import Server, Session

__all__ = ["Live", "add_frusta"]

EVERY, SELDOM, SHARE = 0.5, 5.0, 0.1  # seconds between two looks of the page, so many that they take this share of the time
AT_ONCE = 0.1  # seconds after which a button that was pressed is heard
THUMBNAIL = 64  # pixels: the longer side
FRUSTUM, ORANGE, GREY = 0.25, (255, 170, 60), (120, 120, 125)
MOST_POINTS = 1000  # of a curve
COMPARED = 200  # pixels: the height of the pictures in the panel
AWAY = 8.0  # radii: where one looks from at first, so that most cameras are seen, too


class Live:
    """The page, and what its users want of the fit.

    Args:
        fit: what is shown.
        interrupted: made longer by the button "stop and keep": the fit ends after the step at hand, as it does after Ctrl-C.
        host, port: where the page is.

    Attributes:
        server: of the page.
        paused: whether the fit waits.
        phase, done, total: what the fit does, and how far it is.
    """

    def __init__(self, fit: Fit, interrupted: list[bool], host: str, port: int) -> None:
        self.fit, self.interrupted, self.paused = fit, interrupted, False
        self.phase, self.done, self.total = "begins", 0, 1
        self._phase_began, self._done_before = time.monotonic(), 0
        self._next, self._ended = 0.0, 0.0
        up = np.asarray(up_of(fit.views.camera), np.float64)
        aside = np.cross(up, np.eye(3)[np.abs(up).argmin()])
        eye = AWAY * (aside / np.linalg.norm(aside) + 0.5 * up) / np.linalg.norm([1.0, 0.5])
        self.server = Server(lambda server, client: LivePage(server, client, self), host, port, "fit", eye, np.zeros(3), up)

    def tell(self, phase: str, done: int, total: int) -> None:
        """A step has been taken. Shows it, if somebody looks on; waits here as long as the fit is paused."""
        if phase != self.phase:
            self._phase_began, self._done_before = time.monotonic(), done
        self.phase, self.done, self.total = phase, done, total
        if not self.server.busy:
            return
        self._look()
        began = time.monotonic()
        while self.paused and not self.interrupted:
            self.server.wait(EVERY)
            self.server.work()
        self._phase_began += time.monotonic() - began

    def _look(self) -> None:
        now = time.monotonic()
        if now < self._next and not (self.server.awake and now > self._ended + AT_ONCE):
            return
        self.server.work()
        self._ended = ended = time.monotonic()
        self._next = ended + min(max(EVERY, (ended - now) / SHARE), SELDOM)

    @property
    def seconds_left(self) -> float | None:
        """Of this phase; None before anything is known."""
        steps = self.done - self._done_before
        return None if steps < 2 else (time.monotonic() - self._phase_began) / steps * (self.total - self.done)

    def close(self, words: str) -> None:
        """Says how it ended, and ends the server."""
        self.phase, self.done, self.total = words, 1, 1
        if self.server.busy:
            self.server.work()
            time.sleep(AT_ONCE)  # for the words to be sent
        self.server.stop()


class LivePage(Session):
    """What one client sees of a fit."""

    def __init__(self, server: Server, client: Any, live: Live) -> None:
        super().__init__(server, client)
        self.live, self._chosen, self._seen = live, 0, -1
        self._frusta: list[Any] = []

    def begin(self) -> None:
        fit, gui, live = self.live.fit, self.client.gui, self.live
        gui.configure_theme(dark_mode=True, show_logo=False, show_share_button=False)
        self._words, self._bar = gui.add_markdown(""), gui.add_progress_bar(0.0)
        self._pause = gui.add_button("pause")
        self._button(self._pause, "pause", self._pause_or_go_on)
        self._button(gui.add_button("stop and keep"), "stop", lambda: live.interrupted.append(True))
        curve = {"series": ({}, {"stroke": "orange", "label": "loss"}), "height": 130}
        self._losses = gui.add_uplot((np.zeros(1), np.zeros(1)), title="loss", scales={"x": {"time": False}, "y": {"distr": 3}}, **curve)
        curve["series"] = ({}, {"stroke": "deepskyblue", "label": "IoU"})
        self._scores = gui.add_uplot((np.zeros(1), np.zeros(1)), title="IoU on the fitted pictures", scales={"x": {"time": False}}, visible=False, **curve)
        names = tuple(fit.views.names)
        self._picked = gui.add_dropdown("picture", names, initial_value=names[0])
        self.listen(self._picked, "picture", names.index, self._choose)
        blank = np.full((*fit.views.image_size, 3), 255, np.uint8)
        self._pictures = [gui.add_image(blank, label=label, format="jpeg") for label in ("target", "result", "difference")]
        self._frusta = add_frusta(self.client.scene, self._local(fit.camera), fit.views)
        for i, frustum in enumerate(self._frusta):
            self._on_click(frustum, i)

    def end(self) -> None:
        self._frusta.clear()

    def proceed(self) -> bool:
        fit, live = self.live.fit, self.live
        left = live.seconds_left
        words = f"**{live.phase}**: {live.done} of {live.total}" if live.total > 1 else f"**{live.phase}**"
        words += " (paused)" if live.paused else "" if left is None else f", {_spoken(left)} left"
        if fit.losses:
            words += f"; loss {fit.losses[-1]:.4f}" + (f", IoU {fit.scores[-1][1]:.4f}" if fit.scores else "")
        self._words.content, self._bar.value = words, 100.0 * live.done / live.total
        self._pause.label = "go on" if live.paused else "pause"
        if len(fit.losses) == self._seen:
            return False
        self._seen = len(fit.losses)
        self._plot()
        mesh = fit.mesh
        local = replace(mesh, vertices=(np.asarray(mesh.vertices, np.float64) - fit.centre) / fit.radius)
        self.client.scene.add_glb("/mesh", glb_of(local))
        if fit.refinement is not None:
            for frustum, (turn, eye) in zip(self._frusta, poses_of(self._local(fit.camera)), strict=True):
                frustum.wxyz, frustum.position = turn, eye
        self._compare(mesh)
        return True

    def _local(self, camera: Camera) -> Camera:
        """The cameras in the page's world."""
        moved = camera.about(self.live.fit.centre)
        matrices = np.array(moved.camera_from_world, np.float64)
        matrices[:, :, 3] /= self.live.fit.radius
        return replace(moved, camera_from_world=matrices)

    def _plot(self) -> None:
        fit = self.live.fit
        for handle, rows in ((self._losses, list(enumerate(fit.losses, 1))), (self._scores, fit.scores)):
            if len(rows) > 1:
                which = np.unique(np.linspace(0, len(rows) - 1, min(len(rows), MOST_POINTS)).astype(int))
                steps, values = np.array(rows, np.float64)[which].T
                show_curve(handle, steps, values)

    def _compare(self, mesh: Mesh) -> None:
        """The picture that was clicked, as it should be, as it is, and what lies between."""
        fit = self.live.fit
        target = replace(fit.views, camera=fit.camera).select([self._chosen])
        result = seen_from(target, mesh, samples=1)
        pictures = [views.over_white()[0] for views in (target, result)]
        pictures.append(1 - np.abs(pictures[0] - pictures[1]))
        for handle, picture in zip(self._pictures, pictures, strict=True):
            handle.image = enlarge(picture, COMPARED, round(COMPARED * picture.shape[1] / picture.shape[0]))

    def _choose(self, which: int) -> None:
        for i, color in ((self._chosen, GREY), (which, ORANGE)):
            self._frusta[i].color = color
        self._chosen, self._seen = which, -1
        self._picked.value = self.live.fit.views.names[which]

    def _pause_or_go_on(self) -> None:
        self.live.paused = not self.live.paused

    def _button(self, handle: Any, kind: str, do: Any) -> None:
        @handle.on_click
        async def _(_: Any) -> None:
            self.wish(kind, do)

    def _on_click(self, frustum: Any, which: int) -> None:
        @frustum.on_click
        async def _(_: Any) -> None:
            self.wish("picture", lambda: self._choose(which))


def add_frusta(scene: Any, camera: Camera, views: Views) -> list[Any]:
    """The cameras of pictures in a scene of viser's, as frustums with thumbnails."""
    height, width = views.image_size
    shrink = min(1.0, THUMBNAIL / max(height, width))
    _, k = camera.to_matrices((height, width))
    return [
        scene.add_camera_frustum(
            f"/cameras/{i:04d}",
            fov=float(2 * np.arctan(height / 2 / k[i, 1, 1])),
            aspect=width / height,
            scale=FRUSTUM,
            thickness=0.005,
            color=ORANGE if i == 0 else GREY,
            image=enlarge(views.select([i]).over_white()[0], max(1, round(height * shrink)), max(1, round(width * shrink))),
            format="jpeg",
            wxyz=turn,
            position=eye,
        )
        for i, (turn, eye) in enumerate(poses_of(camera))
    ]


def poses_of(camera: Camera) -> Sequence[tuple[np.ndarray, np.ndarray]]:
    """viser's (quaternion, position) of each camera."""
    matrices, _ = camera.to_matrices((2, 2), convention=Convention.OPENCV)
    turns = Rotation.from_matrix(matrices[:, :3, :3].swapaxes(1, 2)).as_quat()
    return list(zip(turns[:, [3, 0, 1, 2]], camera.eye, strict=True))


def _spoken(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min"
