"""The viewer's window in Taichi's GGUI (needs Vulkan), and a simple one without panel where there is none."""

import enum
import math
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from ..language import ti
from .controls import Controls
from .keys import BUTTONS, CONTROL, KEYS, SHIFT
from .model import Model
from .optimise import Loss, Task
from .scene import View

__all__ = ["SimpleWindow", "Window"]

PANEL_WIDTH = 330  # pixels
PANEL_COLOR = (24, 25, 29)
MESSAGE, COMPILING, FAINT = (1.0, 1.0, 1.0), (1.0, 0.7, 0.25), (0.6, 0.63, 0.68)
FRAMES_PER_SECOND = 60
Choice = TypeVar("Choice", bound=enum.Enum)


class Window:
    """A window with the picture on the left and a panel on the right.

    Args:
        model: what it shows.
        size: (height, width) in pixels.

    Raises:
        RuntimeError: if there is no Vulkan. (Without a display the process would end: see `devices.has_display`.)
    """

    def __init__(self, model: Model, size: tuple[int, int]) -> None:
        self.model, self.controls = model, Controls(model)
        self._window = ti.ui.Window("taichi_softras", (size[1], size[0]), fps_limit=FRAMES_PER_SECOND, pos=(40, 40))
        self._canvas, self._panel = self._window.get_canvas(), Panel(model, self.controls, self._window.get_gui())
        self._announced = False
        self._picture: np.ndarray | None = None

    def run(self, frames: int | None = None, screenshot: Path | None = None) -> None:
        """Until the user leaves, or for so many frames; then the window is saved as ``screenshot``."""
        shown = 0
        try:
            while self._window.running and not self.controls.leaving and (frames is None or shown < frames):
                shown += self._tick()
            if screenshot is not None:
                screenshot.parent.mkdir(parents=True, exist_ok=True)
                self._tick(screenshot)
        finally:
            self._window.destroy()  # Taichi crashes at exit otherwise

    def _tick(self, screenshot: Path | None = None) -> int:
        """One frame, shown, or saved instead. Returns 1 if it shows what it should, 0 if it only says that kernels are being compiled."""
        width, height = self._window.get_window_shape()
        self.controls.size = height, max(width - PANEL_WIDTH, 1)
        self._listen(height, width)
        self._announced = self.model.compiles and not self._announced
        if not self._announced:
            if self.model.running:
                self.model.step()
            self._picture = self.model.frame(*self.controls.size)
        self._canvas.set_image(self._whole(height, width))
        self._panel.draw(width, compiling=self._announced)
        if screenshot is None:
            self._window.show()
        else:
            self._window.save_image(str(screenshot))  # after show() the next, empty, picture would be saved
        return int(not self._announced)

    def _listen(self, height: int, width: int) -> None:
        for event in self._window.get_events(ti.ui.PRESS):
            self.controls.press(event.key)
        x, y = self._window.get_cursor_pos()
        self.controls.follow(x * width, y * height, [key for key in (*BUTTONS, SHIFT, CONTROL) if self._window.is_pressed(key)])

    def _whole(self, height: int, width: int) -> np.ndarray:
        """Picture and panel as Taichi wants them: [width, height, 3], from the lower left corner."""
        whole = np.full((height, width, 3), PANEL_COLOR, np.uint8)
        if self._picture is not None:
            h, w = min(height, self._picture.shape[0]), min(width, self._picture.shape[1])
            whole[:h, :w] = self._picture[:h, :w]
        return np.ascontiguousarray(whole[::-1].swapaxes(0, 1))


class Panel:
    """Sliders and buttons for everything in a model. What they change is drawn anew."""

    def __init__(self, model: Model, controls: Controls, gui: Any) -> None:
        self.model, self._controls, self._gui = model, controls, gui
        self._changed = False

    def draw(self, window_width: int, compiling: bool) -> None:
        gui, share = self._gui, min(PANEL_WIDTH / window_width, 1.0)
        self._changed = False
        with gui.sub_window("taichi_softras", 1 - share, 0.0, share, 1.0):
            self._look()
            self._light()
            self._optimisation()
            self._exports()
            self._words(compiling)
        if self._changed:
            self.model.touch()

    def _look(self) -> None:
        gui, look, orbit = self._gui, self.model.scene.look, self.model.scene.orbit
        look.view = self._choice("view", look.view)
        look.sigma = self._logarithmic("sigma", look.sigma, -8, -2)
        look.gamma = self._logarithmic("gamma", look.gamma, -6, 0)
        look.distribution = self._choice("distribution", look.distribution)
        look.silhouette = self._choice("T-conorm", look.silhouette)
        look.distance = self._choice("distance", look.distance)
        look.blending = self._choice("blending", look.blending)
        orbit.fov = self._number("field of view", orbit.fov, 5, 120)
        look.wireframe = self._noted(look.wireframe, gui.checkbox("wireframe", look.wireframe))

    def _light(self) -> None:
        look = self.model.scene.look
        look.light_azimuth = self._number("light azimuth", look.light_azimuth, -180, 180)
        look.light_elevation = self._number("light height", look.light_elevation, -90, 90)
        look.light = self._number("light", look.light, 0, 2)
        look.ambient = self._number("ambient", look.ambient, 0, 1)

    def _optimisation(self) -> None:
        gui, model = self._gui, self.model
        model.task = self._choice("recover", model.task)
        model.fit_sigma = self._logarithmic("sigma", model.fit_sigma, -6, -2, name="its sigma")
        if model.scene.look.view is View.GRADIENT:
            model.loss = self._choice("gradient of", model.loss)
        if gui.button("pause" if model.running else "start"):
            self._controls.start_or_pause()
        if gui.button("step"):
            model.step()
        if gui.button("reset"):
            model.reset()

    def _exports(self) -> None:
        gui, model = self._gui, self.model
        if gui.button("save picture"):
            model.save_picture(*self._controls.size)
        if gui.button("end video" if model.recording else "record video"):
            model.record()
        if gui.button("save mesh"):
            model.save_mesh()

    def _words(self, compiling: bool) -> None:
        gui, (height, width) = self._gui, self.model.drawn
        gui.text(f"{width} x {height} in {1000 * self.model.seconds:.0f} ms")
        gui.text("compiling kernels ..." if compiling else self.model.message or "ready", COMPILING if compiling else MESSAGE)
        for line in KEYS:
            gui.text(line, FAINT)

    def _noted(self, old: Any, new: Any) -> Any:
        self._changed |= new != old
        return new

    def _choice(self, title: str, value: Choice) -> Choice:
        """A member of an enum. What follows ### names the slider, whose label may then change while it is dragged."""
        members = list(type(value))
        self._gui.text(f"{title}: {_spoken(value)}")
        return self._noted(value, members[self._gui.slider_int(f"###{title}", members.index(value), 0, len(members) - 1)])

    def _logarithmic(self, title: str, value: float, low: float, high: float, name: str | None = None) -> float:
        old = math.log10(value)
        new = self._gui.slider_float(f"{title} {value:.1e}###{name or title}", old, low, high)
        return value if abs(new - old) < 1e-4 else self._noted(value, 10**new)  # the slider is single precision

    def _number(self, title: str, value: float, low: float, high: float) -> float:
        new = self._gui.slider_float(title, value, low, high)
        return value if abs(new - value) < 1e-4 else self._noted(value, new)


def _spoken(member: enum.Enum) -> str:
    return member.value if isinstance(member, (View, Task, Loss)) else member.name.lower().replace("_", " ")


class SimpleWindow:
    """The picture alone, in Taichi's older window, which needs no Vulkan. Mouse and keys do what they do in the other one; the wheel zooms."""

    def __init__(self, model: Model, size: tuple[int, int]) -> None:
        self.model, self.controls, self._size = model, Controls(model), size
        self.controls.size = size
        self._gui = ti.GUI("taichi_softras", res=(size[1], size[0]), show_gui=True)

    def run(self, frames: int | None = None, screenshot: Path | None = None) -> None:
        """Until the user leaves, or for so many frames; then the window is saved as ``screenshot``."""
        gui, shown = self._gui, 0
        while gui.running and not self.controls.leaving and (frames is None or shown < frames):
            self._listen()
            if self.model.running:
                self.model.step()
            gui.set_image(np.ascontiguousarray(self.model.frame(*self._size)[::-1].swapaxes(0, 1)))
            shown += 1
            if screenshot is not None and shown == frames:
                screenshot.parent.mkdir(parents=True, exist_ok=True)
                gui.show(str(screenshot))
            else:
                gui.show()
        gui.close()

    def _listen(self) -> None:
        gui, (height, width) = self._gui, self._size
        for event in gui.get_events(ti.GUI.PRESS, ti.GUI.MOTION):
            if event.key == ti.GUI.WHEEL:
                self.controls.wheel(math.copysign(1, event.delta[1]))
            elif event.type == ti.GUI.PRESS:
                self.controls.press(event.key)
        x, y = gui.get_cursor_pos()
        self.controls.follow(x * width, y * height, [key for key in (*BUTTONS, SHIFT, CONTROL) if gui.is_pressed(key)])
