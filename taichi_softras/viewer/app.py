"""``taichi-softras view``: chooses the window that this machine can open, or none."""

import argparse
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
from tqdm import trange

from ..language import HAS_WINDOWS, NAME
from ..recover import Views, initial_sphere, is_of_cameras, save_animation, save_picture
from ..runtime import has_display, vulkan_offer
from ..scene import Mesh, creature
from .model import Model
from .optimise import Task, load_views
from .scene import View

__all__ = ["show", "start", "take_pictures"]

ROOM_TO_GROW = 1.6  # what the sphere becomes is larger
HEADLESS = "taichi-softras view --headless --screenshot out.png"
BROWSER = "taichi-softras view --browser"


def start(options: argparse.Namespace) -> Model:
    """The model that the options of the command describe.

    A mesh is shown with radius 1, except beside a folder of pictures, in whose world it stays; without a mesh, what those pictures show begins as a sphere.
    """
    target: Mesh | Views | None = None
    if options.target is not None:
        of_pictures = Path(options.target).is_dir() or is_of_cameras(Path(options.target))
        target = load_views(options.target) if of_pictures else Mesh.load(options.target).normalized()
    if isinstance(target, Views):
        mesh = initial_sphere(target, 4) if options.mesh is None else Mesh.load(options.mesh)
    else:
        mesh = creature() if options.mesh is None else Mesh.load(options.mesh).normalized()
    origin = np.zeros(3)
    if isinstance(target, Views) and mesh.vertices.dtype == np.float64:  # far from the origin, where float32 is coarse
        origin = mesh.vertices.mean(0)
        mesh, target = replace(mesh, vertices=mesh.vertices - origin), replace(target, camera=target.camera.about(origin))
    model = Model(mesh, target, options.out, origin)
    if options.mesh is None and isinstance(target, Views):
        model.scene.orbit.distance *= ROOM_TO_GROW
    look = model.scene.look
    look.view, look.wireframe = View(options.view), options.wireframe
    if look.view is View.COVERAGE:
        model.scene.face = model.scene.pick(0.5, 0.5, (64, 64))  # until the cursor comes
    look.sigma, look.gamma = options.sigma or look.sigma, options.gamma or look.gamma
    if options.optimise is not None:
        model.task, model.running = Task(options.optimise), True
    return model


def show(model: Model, size: tuple[int, int], frames: int | None = None, screenshot: Path | None = None) -> None:
    """Opens a window of (height, width) pixels: GGUI's with its panel, or without Vulkan the simple one, and says so on stderr.

    Raises:
        RuntimeError: if there is no display, or the runtime has no windows; the sentence says what else to do.
    """
    if not HAS_WINDOWS:
        raise RuntimeError(f"view: {NAME} opens no windows; in a browser, here or elsewhere: {BROWSER}; a picture alone: {HEADLESS}")
    if not has_display():
        raise RuntimeError(f"view: there is no display to open a window on (DISPLAY); in a browser, here or elsewhere: {BROWSER}; a picture alone: {HEADLESS}")
    from .window import SimpleWindow, Window

    if sys.platform.startswith("linux") and not vulkan_offer().devices:  # elsewhere Taichi brings a loader of its own
        _say_without_vulkan()
        SimpleWindow(model, size).run(frames, screenshot)
        return
    try:
        window = Window(model, size)
    except Exception as error:  # GGUI has kinds of its own
        print(f"taichi-softras: view: {error}", file=sys.stderr)
        _say_without_vulkan()
        SimpleWindow(model, size).run(frames, screenshot)
        return
    window.run(frames, screenshot)


def _say_without_vulkan() -> None:
    print(
        "taichi-softras: view: there is no Vulkan, which the window with the panel needs (libvulkan1 and a driver, such as mesa-vulkan-drivers); "
        f"this is the simple window, H shows its keys; with a panel, in a browser: {BROWSER}",
        file=sys.stderr,
    )


def take_pictures(model: Model, size: tuple[int, int], frames: int, screenshot: Path | None, video: Path | None) -> None:
    """Without a window: so many frames, each a step if the model is running; the last one as a PNG, all of them, the camera going round once, as a GIF."""
    pictures: list[np.ndarray] = []
    for _ in trange(frames, desc="frames", disable=frames == 1, dynamic_ncols=True):
        if model.running:
            model.step()
        if video is not None:
            model.scene.orbit.azimuth += 360 / frames
            pictures.append(model.best_frame(*size) / 255)
    if video is not None:
        save_animation(video, pictures, seconds=frames / 15)
    if screenshot is not None:
        save_picture(screenshot, model.best_frame(*size) / 255)
