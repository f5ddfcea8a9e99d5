"""The command ``taichi-softras``."""

import argparse
import importlib.util
import io
import os
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
from .common import DISTANCE, FOV, GPUS, INTERRUPTED, Help, add_arch, add_command, add_page, check_out, colored, numbered, say
from .fitting import add_fit

__all__ = ["main"]

ROOM = 2.0  # world units that are seen behind the middle of that mesh
MOST_DISTANT = 1e4  # of the cameras: farther away, float32 knows no depths
DEEPEST = DEPTH_SCALE * (2**16 - 1)  # of a picture of depths
GREY = 0.8  # of a mesh without colours, under a light
VIEWS = ("color", "alpha", "depth", "normals", "coverage", "gradient")  # of the viewer
TASKS = ("shape", "color", "shape and color", "pose")
WRONG_CALL = 2  # the exit status that argparse gives
GONE = 141  # the exit status of a program whose reader has gone
SHELLS = ("bash", "zsh", "tcsh")
EPILOG = """\
first of all
  taichi-softras doctor                     does it work here?
  taichi-softras fit -o out/creature        the main job, on an embedded creature: a mesh from pictures
  taichi-softras COMMAND --help             options, and examples

exit status
  0    done
  1    it could not be done, and one sentence on the standard error says why; of `doctor`: something does not work
  2    an option or a command that there is not, or a value that is none
  130  interrupted by Ctrl-C; what `fit` has until then is in OUT, and goes on with --resume
  141  whoever read its output has gone

The results are told on the standard output, all else (progress, warnings, faults) on the standard error.
"""
RENDER_EXAMPLES = """\
examples
  taichi-softras render MESH.glb -o OUT                                        36 pictures from all around, as `fit` reads them
  taichi-softras render MESH.glb -o OUT --elevation 20 --light headlight --background white
  taichi-softras render MESH.glb -o OUT --views 8 --size 480 640 --depth --normals
"""
VIEW_EXAMPLES = """\
examples
  taichi-softras view MESH.glb
  taichi-softras view --browser MESH.glb                                       where there is no display, as over SSH
  taichi-softras view MESH.glb --target OTHER.glb --optimise shape             watch one become the other
  taichi-softras view MESH.glb --headless --screenshot PICTURE.png             a picture, without a window
"""
COMPLETION_EXAMPLES = """\
examples
  eval "$(taichi-softras completion bash)"                                     in ~/.bashrc, or once
  taichi-softras completion zsh > "${fpath[1]}/_taichi-softras"
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command and returns its exit status; what the user did wrong is one sentence on stderr."""
    _open_streams()
    words, parser = sys.argv[1:] if arguments is None else arguments, _parser()
    if not words:  # that a command is wanted tells nobody which there are
        parser.print_help(sys.stderr)
        return WRONG_CALL
    options = parser.parse_args(words)
    try:
        with warnings.catch_warnings():
            warnings.showwarning = _show_warning
            status: int = options.run(options)
            sys.stdout.flush()
            return status
    except BrokenPipeError:  # who read the output has gone, as `head` does: there is nobody to tell
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # what is still in the buffer goes there when Python ends
        return GONE
    except (ValueError, TypeError, OSError, RuntimeError, MemoryError, FloatingPointError) as error:
        print(f"taichi-softras: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("taichi-softras: interrupted", file=sys.stderr)
        return INTERRUPTED


def _open_streams() -> None:
    """A stream that is closed (by a shell's ``>&-``, or of a program without a console) takes what is said, and gives it to nobody; what a stream's letters
    cannot say is escaped."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, "w"))  # noqa: SIM115 (until the process ends)
        elif isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _show_warning(message: Warning | str, category: type[Warning], filename: str, lineno: int, file: TextIO | None = None, line: str | None = None) -> None:
    """A user's warning as a sentence, without the line of code that gave it; others with their kind."""
    kind = "" if issubclass(category, UserWarning) else f" ({category.__name__})"
    print(f"taichi-softras: warning{kind}: {message}", file=sys.stderr)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="taichi-softras", description="A differentiable mesh renderer in Taichi.", epilog=EPILOG, formatter_class=Help)
    parser.add_argument("--version", action="version", version=f"taichi_softras {__version__} ({NAME} {VERSION})")
    commands = parser.add_subparsers(required=True, metavar="COMMAND", title="commands")

    add_fit(commands)
    _add_render(commands)
    _add_view(commands)
    examine = add_command(
        commands,
        "doctor",
        what="what this machine offers, and whether it works",
        usage="",
        description="Prints versions and devices, and tries a forward and a backward pass on each backend, compared with the CPU's.",
        epilog="examples\n  taichi-softras doctor && echo all that is here works",
    )
    examine.set_defaults(run=_doctor)
    complete = add_command(
        commands,
        "completion",
        what="a script by which a shell completes this command",
        usage="SHELL",
        description="Prints a script by which a shell completes commands, options and files. Made by shtab: pip install 'taichi_softras[completion]'.",
        epilog=COMPLETION_EXAMPLES,
    )
    complete.add_argument("shell", metavar="SHELL", choices=SHELLS, help=", ".join(SHELLS))
    complete.set_defaults(run=lambda options: _completion(parser, options.shell))
    return parser


def _add_render(commands: Any) -> None:
    render = add_command(
        commands,
        "render",
        what="render pictures of a mesh",
        usage="[MESH] -o OUT [OPTION ...]",
        description="Renders a mesh of radius 1 into a folder in the NeRF-synthetic layout that `fit` reads: from cameras spread over a sphere, or on a ring.",
        epilog=RENDER_EXAMPLES,
    )
    render.add_argument("mesh", metavar="MESH", nargs="?", help="a mesh file; by default the embedded creature")
    add = render.add_argument_group("the pictures").add_argument
    add("-o", "--out", type=Path, required=True, help="folder for the pictures and transforms.json")
    add("--views", type=int, default=36, help="how many pictures (default: %(default)s)")
    add("--size", type=int, nargs="+", default=[128], metavar="N", help="side, or height and width, in pixels (default: 128)")
    add("--depth", action="store_true", help=f"write r_000_depth.png, too: 16 bits, {DEPTH_SCALE:g} radii a step, 0 where nothing is")
    add("--normals", action="store_true", help="write r_000_normal.png, too: x, y, z of the world as red, green, blue")
    add("--overwrite", action="store_true", help="render anew although OUT holds pictures with their transforms.json")
    add = render.add_argument_group("the cameras").add_argument
    add("--elevation", type=float, metavar="DEGREES", help="of all cameras, which then stand on one ring (default: all over a sphere)")
    add("--azimuth", type=float, default=0.0, metavar="DEGREES", help="of the first camera of a ring; turns a sphere (default: %(default)s)")
    add("--distance", type=float, default=DISTANCE, help="of the cameras from the mesh's middle, in its radii (default: %(default)s)")
    add("--fov", type=float, default=FOV, metavar="DEGREES", help="across the shorter side of a picture (default: %(default)s)")
    add = render.add_argument_group("light and softness").add_argument
    add(
        "--light",
        nargs="+",
        default=["none"],
        metavar="L",
        help="none: the mesh's colours as they are; headlight: from the eye; or X Y Z: from there, in the mesh's world, y up (default: none)",
    )
    add(
        "--background",
        nargs="+",
        metavar="C",
        help="a colour, by name, as #rrggbb, or three numbers from 0 to 1 (default: transparent, which `fit` needs)",
    )
    add("--sigma", type=float, help="softness of edges, squared screen units (default: hard edges)")
    add("--gamma", type=float, default=SHARP.gamma, help="softness in depth (default: %(default)s)")
    add("--samples", type=int, default=4, help="antialiasing: render so many times larger and average (default: %(default)s)")
    add_arch(render, GPU_BACKENDS)
    render.set_defaults(run=_render)


def _add_view(commands: Any) -> None:
    view = add_command(
        commands,
        "view",
        what="look at a mesh, and watch an optimisation, in a window or a browser",
        usage="[MESH] [OPTION ...]",
        description="Shows a mesh in a window or a browser: softness, light and kinds of views by sliders, live optimisation, pictures and videos. "
        "In the window, H shows the keys.",
        epilog=VIEW_EXAMPLES,
    )
    view.add_argument("mesh", metavar="MESH", nargs="?", help="a mesh file; by default the embedded creature")
    add = view.add_argument_group("what is shown").add_argument
    add("--view", default="color", choices=VIEWS, help="what is shown at first (default: %(default)s)")
    add("--wireframe", action="store_true", help="draw the edges")
    add("--sigma", type=float, help="softness of edges at first, squared screen units (default: 1e-06)")
    add("--gamma", type=float, help="softness in depth at first (default: 1e-05)")
    add("--size", type=int, nargs=2, default=[800, 1160], metavar=("H", "W"), help="of the window, or the picture, in pixels (default: 800 1160)")
    add = view.add_argument_group("an optimisation to watch").add_argument
    add("--optimise", choices=TASKS, help="begin at once to recover this")
    add("--target", metavar="TARGET", help="what an optimisation is to reach: a mesh file, or pictures as `fit` reads them (default: MESH itself)")
    add = view.add_argument_group("what is saved").add_argument
    add("-o", "--out", type=Path, default=Path("out/view"), help="folder for pictures, videos and meshes (default: %(default)s)")
    add("--frames", type=int, help="end after so many frames; each is a step of the optimisation (default: until you leave; 1 with --headless)")
    add("--screenshot", type=Path, metavar="PNG", help="save the last frame")
    add("--headless", action="store_true", help="open no window: needs neither display nor Vulkan")
    add("--video", type=Path, metavar="GIF", help="with --headless: save all frames, the camera going round once")
    add_page(view, "--browser", "show it in a browser instead: no display or Vulkan is needed here, and it may be another machine's")
    add_arch(view, GPUS)
    view.set_defaults(run=_view)


def _completion(parser: argparse.ArgumentParser, shell: str) -> int:
    if importlib.util.find_spec("shtab") is None:
        raise RuntimeError("completion: the script is made by shtab, which is not installed: pip install 'taichi_softras[completion]'")
    import shtab

    for command in next(action for action in parser._actions if isinstance(action, argparse._SubParsersAction)).choices.values():
        for action in command._actions:
            if action.type is Path or action.dest in ("source", "mesh", "target", "reference", "init"):
                action.complete = shtab.FILE
    print(shtab.complete(parser, shell))
    return 0


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
    check_out("render", "OUT", options.out)
    if (options.out / "transforms.json").exists() and not options.overwrite:
        raise FileExistsError(f"render: {options.out} already holds a transforms.json; replace it (--overwrite) or choose another folder")
    settings, camera = _softness(options), _cameras(options)
    light, background = _light(options.light, camera), _background(options.background)
    if options.depth and options.distance + 1 > DEEPEST:
        raise ValueError(f"render: --distance must be at most {DEEPEST - 1:g} with --depth (16 bits of thousandths), got {options.distance:g}")
    mesh = colored(options.mesh, None if light is None else GREY)
    init_for("render", options.arch, GPU_BACKENDS)
    say(f"{options.views} pictures are rendered")
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
    for name in ("sigma", "gamma"):
        if getattr(options, name) is not None:
            check_number("view", f"--{name}", getattr(options, name), 1e-12, 1e6)
    if options.frames is not None:
        check_integer("view", "--frames", options.frames, 1, 100_000)
    for name, suffix in (("screenshot", ".png"), ("video", ".gif")):
        path = getattr(options, name)
        if path is not None and path.suffix.lower() != suffix:
            raise ValueError(f"view: --{name} must be a {suffix} file, got {path}")
        if path is not None:
            check_out("view", f"the folder of --{name}", path.parent)
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
