"""The viewer's page in a browser: the soft picture follows the browser's camera, controls for everything in a model beside it.

Behind the scene of viser's lies the engine's picture as its background, small while something moves, and finer and finer at rest; viser's own mesh can be
shown instead, or on the right of it, so that one can compare. What is state and drawing is the window's (`Model`), one for each client.
"""

import enum
import io
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from PIL import Image
from scipy.spatial.transform import Rotation

from ...checks import check_number
from ...recover import save_animation
from ...scene import Blending, Camera, Convention, Distance, Distribution, Mesh, Silhouette
from ..model import Model
from ..optimise import Loss, Task
from ..overlay import enlarge
from ..scene import BACKGROUND, Orbit, View
from .server import FIELD_OF_VIEW, Server, Session

__all__ = ["Eye", "Page", "Show", "glb_of", "show_curve", "to_bytes"]

LARGEST = 2048  # pixels: the longer side of a picture that is sent
MOVING_QUALITY = 80  # of JPEG; a picture at rest is a PNG, as it is
TURNTABLE_FRAMES, TURNTABLE_SIDE, TURNTABLE_SECONDS = 48, 480, 4.0
MESH_EVERY = 0.5  # seconds between two of viser's meshes while one changes
ANNOUNCED = 0.03  # seconds for words to be sent before a compiler holds Python's lock
FAR_AWAY = 160.0  # in viser's depths, which end at 167
SUFFIXES = (".glb", ".gltf", ".obj", ".off", ".ply", ".stl")
# A file that is let fall anywhere on the page goes the way of one that is picked: viser's button takes none, but its input does. (HTML that is put into a page
# runs no script; what an image does that cannot be shown is run.)
DROP = """<img src="data:," hidden onerror="
window.ondragover = event => event.preventDefault();
window.ondrop = event => {
  event.preventDefault();
  const input = document.querySelector('input[type=file]');
  if (input === null || event.dataTransfer.files.length === 0) return;
  input.files = event.dataTransfer.files;
  input.dispatchEvent(new Event('change', { bubbles: true }));
};">"""
HELP = "left drag: turn, right drag: pan, wheel: zoom. With the view *coverage*, a click chooses the face."
Member = TypeVar("Member", bound=enum.Enum)


class Show(enum.Enum):
    """What the canvas holds."""

    SOFT = "the soft picture"
    BOTH = "both: soft | viser's mesh"
    MESH = "viser's mesh"


@dataclass
class Eye(Orbit):
    """A browser's camera. Where the light stands is told of its orbit, the picture is made with its pose.

    Attributes:
        pose: the camera as the browser has it; None before it has told.
    """

    pose: Camera | None = field(default=None)

    @classmethod
    def of(cls, radius: float, turn: np.ndarray, eye: np.ndarray, target: np.ndarray, fov: float, size: tuple[int, int]) -> "Eye":
        """What `Session.pose` tells, of a mesh of that radius."""
        backward = eye - target
        distance = max(float(np.linalg.norm(backward)), 1e-6 * radius)
        rotation = Rotation.from_quat(turn[[1, 2, 3, 0]]).as_matrix().T
        matrix = np.concatenate([rotation, -rotation @ eye[:, None]], 1)
        height, width = size
        focal = height / 2 / np.tan(fov / 2)
        k = np.array([[focal, 0, width / 2], [0, focal, height / 2], [0, 0, 1]])
        return cls(
            target=target,
            radius=radius,
            distance=distance / radius,
            azimuth=float(np.degrees(np.arctan2(backward[0], backward[2]))),
            elevation=float(np.degrees(np.arcsin(np.clip(backward[1] / distance, -1, 1)))),
            fov=float(np.degrees(2 * np.arctan(min(size) / height * np.tan(fov / 2)))),
            pose=Camera.from_matrices(matrix, k, size, convention=Convention.OPENCV),
        )

    @property
    def camera(self) -> Camera:
        return super().camera if self.pose is None else self.pose


class Page(Session):
    """One client's viewer.

    Args:
        server, client: as for `Session`.
        start: makes the model that it begins with.
    """

    def __init__(self, server: Server, client: Any, start: Callable[[], Model]) -> None:
        super().__init__(server, client)
        self._start, self.show = start, Show.SOFT
        self._size = (512, 512)
        self._job: Iterator[None] | None = None
        self._mesh_shown: Mesh | None = None
        self._mesh_handle: Any = None
        self._mesh_sent, self._resting = 0.0, False
        self._said = ""
        client.camera.on_update(self._moved)

    # ------------------------------------------------------------------------------------------------------------------- engine

    def begin(self) -> None:
        self.model = self._start()
        self._build()
        self._look_from(self.client.camera)

    def end(self) -> None:
        self._job = self._mesh_shown = self._mesh_handle = None
        self.__dict__.pop("model", None)  # its arrays are Taichi's: they go in the engine's thread

    def work(self) -> bool:
        try:
            busy = super().work()
        except Exception as error:
            self.model.running, self._job, self._resting = False, None, True  # what fails is not tried again before something changes
            self._notify("that failed", str(error))
            raise
        return busy

    def wish(self, kind: str, fulfil: Callable[[], None]) -> None:
        def fulfilled() -> None:
            self._resting = False
            fulfil()

        super().wish(kind, fulfilled)

    def proceed(self) -> bool:
        if self._job is not None:
            if next(self._job, self) is self:
                self._job = None
            return True
        if self._resting:
            return False
        model = self.model
        if model.running:
            model.step()
            self._plot()
        self._update_mesh()
        if model.compiles:
            self._tell("compiling kernels ...")
            self.client.flush()
            time.sleep(ANNOUNCED)
        picture = model.draw(*self._size)
        if picture is not None:
            self._send(picture)
        self._tell(model.message)
        return picture is not None or model.running or model.refinement.next() is not None

    def _send(self, picture: np.ndarray) -> None:
        finest = picture.shape[0] >= self._size[0]
        pixels = enlarge(picture, *(self._size if finest else picture.shape[:2]))
        depth = None
        if self.show is not Show.SOFT:
            soft = pixels.shape[1] // 2 if self.show is Show.BOTH else 0
            pixels[:, soft:] = np.round(255 * BACKGROUND)
            depth = np.full(pixels.shape[:2], FAR_AWAY)
            depth[:, :soft] = 0.0
        self.client.scene.set_background_image(pixels, "png" if finest else "jpeg", jpeg_quality=None if finest else MOVING_QUALITY, depth=depth)
        self.client.flush()

    def _update_mesh(self) -> None:
        """viser's mesh, if it is to be seen, is the one that is shown; one that changes all the time is sent now and then."""
        mesh, now, wanted = self.model.scene.mesh, time.monotonic(), self.show is not Show.SOFT
        if wanted and mesh is not self._mesh_shown and now - self._mesh_sent >= MESH_EVERY:
            self._mesh_handle = self.client.scene.add_glb("/mesh", glb_of(mesh))
            self._mesh_shown, self._mesh_sent = mesh, now
        elif self._mesh_handle is not None and self._mesh_handle.visible != wanted:
            self._mesh_handle.visible = wanted

    def _look_from(self, camera: Any) -> None:
        """Takes over the browser's camera, as it is at this moment."""
        turn, eye, target, fov, size = self.pose(camera)
        if max(size) > LARGEST:
            size = (max(1, round(size[0] * LARGEST / max(size))), max(1, round(size[1] * LARGEST / max(size))))
        self._size = size
        self.model.scene.orbit = Eye.of(self.model.scene.orbit.radius, turn, eye, target, fov, size)
        self._fov.value = float(np.clip(np.degrees(fov), 5, 120))
        self.model.touch()

    def _load(self, suffix: str, content: bytes) -> None:
        """A file that the client has sent, under a name of ours; what it names beside it is not there."""
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "upload" / f"mesh{suffix}"
            path.parent.mkdir()
            path.write_bytes(content)
            try:
                mesh = Mesh.load(path).normalized()
            except Exception as error:
                sentence = str(error).replace(str(path), "the file").replace(folder, "")
                self.say(sentence)
                self._notify("not loaded", sentence)
                return
        old = self.model
        self.model = Model(mesh, out=old.out)
        self.model.refinement = old.refinement
        self.model.scene.look, self.model.task, self.model.fit_sigma = old.scene.look, old.task, old.fit_sigma
        self._look_from(self.client.camera)
        self._plot()
        self.model.message = f"{len(mesh.faces)} faces loaded"

    def _pick(self, x: float, y: float) -> None:
        self.model.hover(x, 1 - y, *self._size)

    # ------------------------------------------------------------------------------------------------------------------ callbacks

    async def _moved(self, camera: Any) -> None:
        def look() -> None:
            try:
                self._look_from(self.client.camera)  # as it is by then
            except (ValueError, TypeError, OverflowError) as error:
                self.say(str(error))

        self.wish("camera", look)

    async def _clicked(self, event: Any) -> None:
        x, y = map(float, event.screen_pos)
        self.wish("click", lambda: self._pick(x, y))

    async def _uploaded(self, event: Any) -> None:
        file = event.target.value
        suffix = Path(str(file.name)).suffix.lower()
        if suffix not in SUFFIXES or not isinstance(file.content, bytes):
            self.say(f"a mesh's file must be one of {', '.join(SUFFIXES)}, got {suffix[:12]!r}")
            self._notify("not loaded", f"a mesh's file is one of {', '.join(SUFFIXES)}")
            return
        self.wish("mesh", lambda: self._load(suffix, file.content))

    # ---------------------------------------------------------------------------------------------------------------------- panel

    def _build(self) -> None:
        gui, model = self.client.gui, self.model
        gui.configure_theme(dark_mode=True, show_logo=False, show_share_button=False)
        self._words = gui.add_markdown("")
        self._list("show", Show, lambda: self, "show")
        with gui.add_folder("look"):
            self._list("view", View, lambda: self.model.scene.look, "view")
            self._list("gradient of", Loss, lambda: self.model, "loss")
            self._logarithmic("sigma", lambda: self.model.scene.look, "sigma", -8, -2)
            self._logarithmic("gamma", lambda: self.model.scene.look, "gamma", -6, 0)
            self._list("distribution", Distribution, lambda: self.model.scene.look, "distribution")
            self._list("T-conorm", Silhouette, lambda: self.model.scene.look, "silhouette")
            self._list("distance", Distance, lambda: self.model.scene.look, "distance")
            self._list("blending", Blending, lambda: self.model.scene.look, "blending")
            self._switch("wireframe", lambda: self.model.scene.look, "wireframe")
            self._fov = gui.add_slider("field of view", 5.0, 120.0, 0.5, FIELD_OF_VIEW)
            self.listen(
                self._fov, "field of view", self._number("field of view", 5, 120), lambda value: setattr(self.client.camera, "fov", float(np.radians(value)))
            )
        with gui.add_folder("light", expand_by_default=False):
            for title, name, low, high in (
                ("azimuth", "light_azimuth", -180, 180),
                ("height", "light_elevation", -90, 90),
                ("light", "light", 0, 2),
                ("ambient", "ambient", 0, 1),
            ):
                self._slider(title, lambda: self.model.scene.look, name, low, high)
        with gui.add_folder("recover", expand_by_default=False):
            self._list("recover", Task, lambda: self.model, "task")
            self._logarithmic("its sigma", lambda: self.model, "fit_sigma", -6, -2)
            self._button("start or pause", self._start_or_pause)
            self._button("step", self._step)
            self._button("reset", self._reset)
            self._losses = gui.add_uplot((np.zeros(1), np.zeros(1)), series=({}, {"stroke": "orange", "label": "loss"}), height=150, visible=False)
        with gui.add_folder("files"):
            upload = gui.add_upload_button("load a mesh, or drop it", hint=", ".join(SUFFIXES))
            upload.on_upload(self._uploaded)
            gui.add_html(DROP)
            self._button("save picture", self._download_picture)
            self._button("save mesh", lambda: self._download("mesh.glb", glb_of(self.model.scene.mesh)))
            self._button("save turntable", self._begin_turntable)
        gui.add_markdown(HELP)
        self.client.scene.on_click()(self._clicked)
        self._tell(model.message)

    def _list(self, title: str, kind: type[Member], holder: Callable[[], Any], name: str) -> None:
        members = {_spoken(member): member for member in kind}
        handle = self.client.gui.add_dropdown(title, tuple(members), initial_value=_spoken(getattr(holder(), name)))
        self.listen(handle, title, members.__getitem__, lambda value: self._change(holder(), name, value))

    def _switch(self, title: str, holder: Callable[[], Any], name: str) -> None:
        self.listen(self.client.gui.add_checkbox(title, getattr(holder(), name)), title, bool, lambda value: self._change(holder(), name, value))

    def _slider(self, title: str, holder: Callable[[], Any], name: str, low: float, high: float) -> None:
        handle = self.client.gui.add_slider(title, float(low), float(high), 0.01, float(getattr(holder(), name)))
        self.listen(handle, title, self._number(title, low, high), lambda value: self._change(holder(), name, value))

    def _logarithmic(self, title: str, holder: Callable[[], Any], name: str, low: int, high: int) -> None:
        """A field with the value itself, and a slider with its logarithm; each follows the other."""
        value = float(getattr(holder(), name))
        marks = tuple((float(exponent), f"1e{exponent}") for exponent in range(low, high + 1, 2))
        field = self.client.gui.add_text(title, f"{value:.3g}", hint=f"from 1e{low} to 1e{high}")
        slider = self.client.gui.add_slider(f"log {title}", float(low), float(high), 0.01, float(np.clip(np.log10(value), low, high)), marks=marks)

        def typed(value: float) -> None:
            slider.value = float(np.log10(value))
            self._change(holder(), name, value)

        def dragged(exponent: float) -> None:
            field.value = f"{10**exponent:.3g}"
            self._change(holder(), name, float(10**exponent))

        # One kind of wish: of both, the later one counts.
        self.listen(field, title, lambda text: _typed(text, 0.999 * 10.0**low, 1.001 * 10.0**high), typed)
        self.listen(slider, title, self._number(title, low, high), dragged)

    def _button(self, title: str, do: Callable[[], Any]) -> None:
        @self.client.gui.add_button(title).on_click
        async def _(_: Any) -> None:
            self.wish(title, do)

    @staticmethod
    def _number(title: str, low: float, high: float) -> Callable[[Any], float]:
        def read(value: Any) -> float:
            number = float(value)
            check_number("view", title, number, np.nextafter(low, -np.inf), np.nextafter(high, np.inf))
            return number

        return read

    def _change(self, holder: Any, name: str, value: Any) -> None:
        setattr(holder, name, value)
        self.model.touch()

    # --------------------------------------------------------------------------------------------------------------------- buttons

    def _start_or_pause(self) -> None:
        self.model.running = not self.model.running

    def _step(self) -> None:
        self.model.step()
        self._plot()

    def _reset(self) -> None:
        self.model.reset()
        self._plot()

    def _download(self, name: str, content: bytes) -> None:
        self.client.send_file_download(name, content, save_immediately=True)

    def _download_picture(self) -> None:
        self._download("picture.png", to_bytes(self.model.best_frame(*self._size)))

    def _begin_turntable(self) -> None:
        self._job = self._turntable()

    def _turntable(self) -> Iterator[None]:
        """The camera goes round once: a picture each time that it is this client's turn."""
        shrink = min(1.0, TURNTABLE_SIDE / max(self._size))
        size = (max(1, round(self._size[0] * shrink)), max(1, round(self._size[1] * shrink)))
        model, began, pictures = self.model, self.model.scene.orbit, list[np.ndarray]()
        try:
            for i in range(TURNTABLE_FRAMES):
                model.scene.orbit = Orbit(began.target, began.radius, began.distance, began.azimuth + i * 360 / TURNTABLE_FRAMES, began.elevation, began.fov)
                pictures.append(model.best_frame(*size) / 255)
                self._tell(f"turntable: {i + 1} of {TURNTABLE_FRAMES}")
                yield
        finally:
            model.scene.orbit = began
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "turntable.gif"
            save_animation(path, pictures, TURNTABLE_SECONDS)
            self._download(path.name, path.read_bytes())
        self._tell("")

    # ----------------------------------------------------------------------------------------------------------------------- words

    def _tell(self, message: str) -> None:
        (height, width), seconds = self.model.drawn, self.model.seconds
        fine = ", antialiased," if self.model.samples > 1 else ""
        words = f"{width} x {height}{fine} in {1000 * seconds:.0f} ms. {message}"
        if words != self._said:
            self._said = self._words.content = words

    def _plot(self) -> None:
        losses = self.model.optimisation.losses if self.model.optimisation is not None else []
        self._losses.visible = len(losses) > 1
        if len(losses) > 1:
            show_curve(self._losses, np.arange(len(losses), dtype=np.float64), np.array(losses))

    def _notify(self, title: str, body: str) -> None:
        self.client.add_notification(title, body[:500], color="red", auto_close_seconds=8.0)


def _spoken(member: enum.Enum) -> str:
    return member.value if isinstance(member.value, str) else member.name.lower().replace("_", " ")


def show_curve(handle: Any, steps: np.ndarray, values: np.ndarray) -> None:
    """Puts a curve that grows into a plot of viser's, all of it. (viser 1.1.1 keeps the part of the steps that is shown; if a slow browser gets two curves at
    once, it takes the second one for a part that somebody has chosen. What has a range is left as it is.)"""
    handle.scales = (handle.scales or {}) | {"x": {"time": False, "range": (float(steps[0]), float(steps[-1]))}}
    handle.data, handle.visible = (steps, values), True


def _typed(text: Any, low: float, high: float) -> float | None:
    """The number that stands in a field; None while it is being typed."""
    try:
        number = float(text)
    except (ValueError, TypeError):
        return None
    return number if low <= number <= high else None


def to_bytes(picture: np.ndarray) -> bytes:
    """A picture [H, W, 3] uint8 as a PNG."""
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "PNG")
    return buffer.getvalue()


def glb_of(mesh: Mesh) -> bytes:
    """The mesh as the bytes of a GLB file with normals."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "mesh.glb"
        mesh.save(path, normals=True)
        return path.read_bytes()
