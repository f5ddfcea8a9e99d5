"""The command ``taichi-softras``."""

import argparse
import sys
import warnings
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TextIO

import numpy as np
from PIL import ImageColor

from .. import __version__
from ..checks import MAX_IMAGE_SIDE, check_image_size, check_integer, check_number
from ..language import NAME, VERSION
from ..recover import DEPTH_SCALE, SHARP, render_geometry, render_views
from ..runtime import GPU_BACKENDS, init_for
from ..scene import Camera, RasterizeSettings
from .common import DISTANCE, FOV, GPUS, INTERRUPTED, add_arch, add_page, colored, numbered
from .fitting import add_fit

__all__ = ["main"]

ROOM = 2.0  # world units that are seen behind the middle of that mesh
MOST_DISTANT = 1e4  # of the cameras: farther away, float32 knows no depths
DEEPEST = DEPTH_SCALE * (2**16 - 1)  # of a picture of depths
GREY = 0.8  # of a mesh without colours, under a light
VIEWS = ("color", "alpha", "depth", "normals", "coverage", "gradient")  # of the viewer
TASKS = ("shape", "color", "shape and color", "pose")


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command and returns its exit status; what the user did wrong is one sentence on stderr."""
    options = _parser().parse_args(arguments)
    try:
        with warnings.catch_warnings():
            warnings.showwarning = _show_warning
            return options.run(options)
    except (ValueError, TypeError, OSError, RuntimeError, MemoryError, FloatingPointError) as error:
        print(f"taichi-softras: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("taichi-softras: interrupted", file=sys.stderr)
        return INTERRUPTED


def _show_warning(message: Warning | str, category: type[Warning], filename: str, lineno: int, file: TextIO | None = None, line: str | None = None) -> None:
    """A user's warning as a sentence, without the line of code that gave it; others with their kind."""
    kind = "" if issubclass(category, UserWarning) else f" ({category.__name__})"
    print(f"taichi-softras: warning{kind}: {message}", file=sys.stderr)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="taichi-softras", description="A differentiable mesh renderer in Taichi.")
    parser.add_argument("--version", action="version", version=f"taichi_softras {__version__} ({NAME} {VERSION})")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    add_fit(commands)
    _add_render(commands)
    examine = commands.add_parser(
        "doctor",
        help="what this machine offers, and whether it works",
        description="Prints versions and devices, and tries a forward and a backward pass on each backend, compared with the CPU's.",
    )
    examine.set_defaults(run=_doctor)
    _add_view(commands)
    return parser


def _add_render(commands: Any) -> None:
    render = commands.add_parser(
        "render",
        help="render pictures of a mesh",
        description="Renders a mesh of radius 1 into a folder in the NeRF-synthetic layout that `fit` reads: from cameras spread over a sphere, or on a ring.",
    )
    render.add_argument("mesh", metavar="MESH", nargs="?", help="a mesh file; by default the embedded creature")
    render.add_argument("-o", "--out", type=Path, required=True, help="folder for the pictures and transforms.json")
    render.add_argument("--views", type=int, default=36, help="how many pictures (default: %(default)s)")
    render.add_argument("--size", type=int, nargs="+", default=[128], metavar="N", help="side, or height and width, in pixels (default: 128)")
    render.add_argument("--elevation", type=float, metavar="DEGREES", help="of all cameras, which then stand on one ring (default: all over a sphere)")
    render.add_argument("--azimuth", type=float, default=0.0, metavar="DEGREES", help="of the first camera of a ring; turns a sphere (default: %(default)s)")
    render.add_argument("--distance", type=float, default=DISTANCE, help="of the cameras from the mesh's middle, in its radii (default: %(default)s)")
    render.add_argument("--fov", type=float, default=FOV, metavar="DEGREES", help="across the shorter side of a picture (default: %(default)s)")
    render.add_argument(
        "--light",
        nargs="+",
        default=["none"],
        metavar="L",
        help="none: the mesh's colours as they are; headlight: from the eye; or X Y Z: from there, in the mesh's world, y up (default: none)",
    )
    render.add_argument(
        "--background",
        nargs="+",
        metavar="C",
        help="a colour, by name, as #rrggbb, or three numbers from 0 to 1 (default: transparent, which `fit` needs)",
    )
    render.add_argument("--depth", action="store_true", help=f"write r_000_depth.png, too: 16 bits, {DEPTH_SCALE:g} radii a step, 0 where nothing is")
    render.add_argument("--normals", action="store_true", help="write r_000_normal.png, too: x, y, z of the world as red, green, blue")
    render.add_argument("--sigma", type=float, help="softness of edges, squared screen units (default: none)")
    render.add_argument("--gamma", type=float, default=SHARP.gamma, help="softness in depth (default: %(default)s)")
    render.add_argument("--samples", type=int, default=4, help="antialiasing: render so many times larger and average (default: %(default)s)")
    render.add_argument("--overwrite", action="store_true", help="render anew although OUT holds pictures with their transforms.json")
    add_arch(render, GPU_BACKENDS)
    render.set_defaults(run=_render)


def _add_view(commands: Any) -> None:
    view = commands.add_parser(
        "view",
        help="look at a mesh, and watch an optimisation, in a window",
        description="Shows a mesh in a window: softness, light and kinds of views by sliders, live optimisation, pictures and videos. H shows the keys.",
    )
    view.add_argument("mesh", metavar="MESH", nargs="?", help="a mesh file; by default the embedded creature")
    view.add_argument("--target", metavar="TARGET", help="what an optimisation is to reach: a mesh file, or a folder as `fit` reads it (default: MESH itself)")
    view.add_argument("-o", "--out", type=Path, default=Path("out/view"), help="folder for pictures, videos and meshes (default: %(default)s)")
    view.add_argument("--size", type=int, nargs=2, default=[800, 1160], metavar=("H", "W"), help="of the window, or the picture, in pixels (default: 800 1160)")
    view.add_argument("--view", default="color", choices=VIEWS, help="what is shown at first (default: %(default)s)")
    view.add_argument("--wireframe", action="store_true", help="draw the edges")
    view.add_argument("--sigma", type=float, help="softness of edges at first")
    view.add_argument("--gamma", type=float, help="softness in depth at first")
    view.add_argument("--optimise", choices=TASKS, help="begin at once to recover this")
    view.add_argument("--frames", type=int, help="end after so many frames; each is a step of the optimisation (default: until you leave; 1 with --headless)")
    view.add_argument("--screenshot", type=Path, metavar="PNG", help="save the last frame")
    view.add_argument("--headless", action="store_true", help="open no window: needs neither display nor Vulkan")
    add_page(view, "--browser", "show it in a browser instead: no display or Vulkan is needed here, and it may be another machine's")
    add_arch(view, GPUS)
    view.add_argument("--video", type=Path, metavar="GIF", help="with --headless: save all frames, the camera going round once")
    view.set_defaults(run=_view)


def _doctor(_: argparse.Namespace) -> int:
    from .doctor import doctor

    return 0 if doctor() else 1


def _render(options: argparse.Namespace) -> int:
    if len(options.size) > 2:
        raise ValueError(f"render: --size must be one number, or height and width, got {len(options.size)} numbers")
    size = check_image_size("render", options.size[0] if len(options.size) == 1 else tuple(options.size))
    check_integer("render", "--views", options.views, 1, 100_000)
    check_integer("render", "--samples", options.samples, 1, 16)
    if max(size) * options.samples > MAX_IMAGE_SIDE:
        raise ValueError(f"render: --size times --samples must be at most {MAX_IMAGE_SIDE} pixels a side, got {max(size)} x {options.samples}")
    if options.out.exists() and not options.out.is_dir():
        raise NotADirectoryError(f"render: OUT must be a folder, got the file {options.out}")
    if (options.out / "transforms.json").exists() and not options.overwrite:
        raise FileExistsError(f"render: {options.out} already holds a transforms.json; replace it (--overwrite) or choose another folder")
    settings, camera = _softness(options), _cameras(options)
    light, background = _light(options.light, camera), _background(options.background)
    if options.depth and options.distance + 1 > DEEPEST:
        raise ValueError(f"render: --distance must be at most {DEEPEST - 1:g} with --depth (16 bits of thousandths), got {options.distance:g}")
    mesh = colored(options.mesh, None if light is None else GREY)
    init_for("render", options.arch, GPU_BACKENDS)
    views = render_views(mesh, camera, size, numbered(len(camera)), settings, options.samples, light)
    if background is not None:
        views = replace(views, color=views.over(background), alpha=np.ones_like(views.alpha))
    depth, normals = None, None
    if options.depth or options.normals:
        depth, normals = render_geometry(mesh, camera, size, replace(SHARP, near=settings.near, far=settings.far))
    views.save(options.out, depth=depth if options.depth else None, normals=normals if options.normals else None)
    beside = "".join(f", {name}" for name in ("depth", "normals") if getattr(options, name))
    print(f"{options.views} pictures of {size[0]} x {size[1]} pixels{beside} and transforms.json are in {options.out}")
    return 0


def _softness(options: argparse.Namespace) -> RasterizeSettings:
    """Sharp, unless a softness is asked for; what is seen reaches behind the mesh."""
    far = max(SHARP.far, options.distance + ROOM)
    if options.sigma is None:
        return replace(SHARP, gamma=options.gamma, far=far)
    return RasterizeSettings(sigma=options.sigma, gamma=options.gamma, far=far)


def _cameras(options: argparse.Namespace) -> Camera:
    check_number("render", "--distance", options.distance, 0.0, MOST_DISTANT)
    check_number("render", "--fov", options.fov, 0.0, 180.0)
    check_number("render", "--azimuth", options.azimuth, -1e6, 1e6)
    if options.elevation is None:
        return Camera.all_around(options.views, options.distance, options.azimuth, fov=options.fov)
    if not abs(options.elevation) <= 90:
        raise ValueError(f"render: --elevation must be between -90 and 90 degrees, got {options.elevation:g}")
    return Camera.orbit(options.distance, options.elevation, options.azimuth + np.arange(options.views) * 360 / options.views, fov=options.fov)


def _light(words: list[str], camera: Camera) -> np.ndarray | None:
    """Where to a light stands: [3], or [N, 3] for each camera; None without one."""
    if words == ["none"]:
        return None
    if words == ["headlight"]:
        return camera.eye
    direction = _three_numbers(words)
    if direction is None or not np.isfinite(direction).all() or not direction.any():
        raise ValueError(f"render: --light must be none, headlight or a direction X Y Z that has a length, got {' '.join(words)}")
    return direction


def _background(words: list[str] | None) -> np.ndarray | None:
    """A colour [3]; None for none."""
    if words is None:
        return None
    color = _three_numbers(words)
    if color is None and len(words) == 1:
        try:
            color = np.array(ImageColor.getrgb(words[0])[:3]) / 255
        except ValueError:
            color = None
    if color is None or not ((color >= 0) & (color <= 1)).all():
        raise ValueError(f"render: --background must be the name of a colour, #rrggbb or three numbers from 0 to 1, got {' '.join(words)}")
    return color


def _three_numbers(words: list[str]) -> np.ndarray | None:
    try:
        return np.array([float(word) for word in words]) if len(words) == 3 else None
    except ValueError:
        return None


def _view(options: argparse.Namespace) -> int:
    size = check_image_size("view", tuple(options.size))
    if 2 * max(size) > MAX_IMAGE_SIDE:
        raise ValueError(f"view: --size must be at most {MAX_IMAGE_SIDE // 2} pixels a side, got {max(size)}")
    for name in ("sigma", "gamma"):
        if getattr(options, name) is not None:
            check_number("view", f"--{name}", getattr(options, name), 1e-12, 1e6)
    if options.frames is not None:
        check_integer("view", "--frames", options.frames, 1, 100_000)
    for name, suffix in (("screenshot", ".png"), ("video", ".gif")):
        path = getattr(options, name)
        if path is not None and path.suffix.lower() != suffix:
            raise ValueError(f"view: --{name} must be a {suffix} file, got {path}")
    if options.browser and (options.headless or options.frames is not None or options.screenshot is not None):
        raise ValueError("view: --browser must come without --headless, --frames and --screenshot (the page has buttons that save)")
    if options.headless and options.screenshot is None and options.video is None:
        raise ValueError("view: --headless must come with --screenshot or --video, got neither")
    if options.video is not None and not options.headless:
        raise ValueError("view: --video must come with --headless (in the window, V records)")
    if options.screenshot is not None and options.frames is None and not options.headless:
        raise ValueError("view: --screenshot must come with --frames or --headless (in the window, P saves a picture)")
    from ..viewer.app import show, start, take_pictures
    from ..viewer.browser import check_address, view_in_browser

    if options.browser:
        check_address("view", options.host, options.port)
    init_for("view", options.arch, GPUS)
    model = start(options)
    if options.browser:
        view_in_browser(model, options.host, options.port)
    elif options.headless:
        take_pictures(model, size, options.frames or 1, options.screenshot, options.video)
    else:
        show(model, size, options.frames, options.screenshot)
    for path in (options.screenshot, options.video):
        if path is not None:
            print(f"saved {path}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
