"""What mouse and keys do, for whichever window they come from."""

from collections.abc import Collection

from .keys import BUTTONS, CONTROL, MIDDLE, RIGHT, SHIFT
from .model import Model
from .scene import Orbit, View

__all__ = ["Controls"]

ARROWS = {"Left": (-1, 0), "Right": (1, 0), "Up": (0, 1), "Down": (0, -1)}
ARROW_TURN, KEY_ZOOM = 0.04, 0.15  # of the picture's shorter side; of the logarithm of the distance
DRAG_ZOOM = 3.0


class Controls:
    """Turns events into changes of a model.

    Attributes:
        leaving: whether the user wants to leave.
    """

    def __init__(self, model: Model) -> None:
        self.model, self.leaving = model, False
        self.size = (512, 512)  # height and width of the picture
        self._held: frozenset[str] = frozenset()
        self._dragging = False
        self._cursor = (0.0, 0.0)

    def follow(self, x: float, y: float, held: Collection[str]) -> None:
        """The mouse, once a frame.

        Args:
            x, y: of the cursor, in pixels from the picture's lower left corner. A drag counts if it began within the picture.
            held: the buttons and the modifier keys that are down.
        """
        height, width = self.size
        buttons = frozenset(held) & frozenset(BUTTONS)
        moved = (x, y) != self._cursor
        if buttons and not self._held:
            self._dragging = 0 <= x < width and 0 <= y < height
        elif buttons and self._dragging and moved:
            side = min(height, width)
            self._drag((x - self._cursor[0]) / side, (y - self._cursor[1]) / side, held)
        elif not buttons and moved:
            self.model.hover(x / width, y / height, height, width)
        self._held, self._cursor = buttons, (x, y)

    def _drag(self, x: float, y: float, held: Collection[str]) -> None:
        orbit = self.model.scene.orbit
        if MIDDLE in held or CONTROL in held:
            orbit.zoom(DRAG_ZOOM * y)
        elif RIGHT in held or SHIFT in held:
            orbit.pan(x, y)
        else:
            orbit.turn(x, y)
        self.model.touch()

    def wheel(self, notches: float) -> None:
        """Zooms (only the simple window tells of the wheel)."""
        self.model.scene.orbit.zoom(KEY_ZOOM * notches)
        self.model.touch()

    def press(self, key: str) -> None:
        """A key, by the name that Taichi gives it. Unknown ones do nothing."""
        model = self.model
        views = {str(i + 1): view for i, view in enumerate(View)}
        actions = {
            "w": self._toggle_wireframe,
            "f": self._frame,
            " ": self.start_or_pause,
            "n": model.step,
            "r": model.reset,
            "p": lambda: model.save_picture(*self.size),
            "v": model.record,
            "m": model.save_mesh,
            "=": lambda: self.wheel(1),
            "+": lambda: self.wheel(1),
            "-": lambda: self.wheel(-1),
            "h": self._toggle_help,
            "Escape": self._leave,
        }
        if key in views:
            model.scene.look.view = views[key]
            model.touch()
        elif key in ARROWS:
            model.scene.orbit.turn(*(ARROW_TURN * direction for direction in ARROWS[key]))
            model.touch()
        elif key.lower() in actions or key in actions:
            actions[key if key in actions else key.lower()]()

    def start_or_pause(self) -> None:
        self.model.running = not self.model.running

    def _toggle_wireframe(self) -> None:
        self.model.scene.look.wireframe = not self.model.scene.look.wireframe
        self.model.touch()

    def _toggle_help(self) -> None:
        self.model.help = not self.model.help

    def _frame(self) -> None:
        """All of the mesh, from the same side."""
        old = self.model.scene.orbit
        new = Orbit.around(self.model.scene.mesh)
        new.azimuth, new.elevation, new.fov = old.azimuth, old.elevation, old.fov
        self.model.scene.orbit = new
        self.model.touch()

    def _leave(self) -> None:
        self.leaving = True
