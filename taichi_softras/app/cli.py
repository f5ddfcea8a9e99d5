"""The command ``taichi-softras``."""

import argparse
import importlib.metadata
import importlib.util
import json
import signal
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import ImageColor
from tqdm import tqdm

from .. import __version__
from ..checks import MAX_IMAGE_SIDE, check_image_size, check_integer, check_number
from ..recover import (
    DEPTH_SCALE,
    SHARP,
    Capture,
    Fit,
    FitOptions,
    Views,
    fit_curves,
    normal_colors,
    render_geometry,
    render_views,
    score,
    sheet,
    turntable,
)
from ..replacing import replacing
from ..runtime import GPU_BACKENDS, init_for
from ..scene import Camera, Mesh, RasterizeSettings, creature, read_json

__all__ = ["main"]

DISTANCE, FOV = 3.2, 40.0  # of the cameras around a mesh of radius 1
ROOM = 2.0  # world units that are seen behind the middle of that mesh
MOST_DISTANT = 1e4  # of the cameras: farther away, float32 knows no depths
DEEPEST = DEPTH_SCALE * (2**16 - 1)  # of a picture of depths
GREY = 0.8  # of a mesh without colours, under a light
GPUS = ("cuda",)  # of descents and of pictures whose size changes: Taichi compiles its fields, which Vulkan and Metal need, anew for each size
CHECKPOINT = "checkpoint.npz"
TRAIN, TEST = "train", "test"
INTERRUPTED = 130  # the exit status of a program ended by Ctrl-C
VIEWS = ("color", "alpha", "depth", "normals", "coverage", "gradient")  # of the viewer
TASKS = ("shape", "color", "shape and color", "pose")
CAMERA_FILES = (".json", ".npz", ".bin", ".txt")  # which are not meshes
HELD_OUT_EVERY = 6  # without a test split, every sixth picture is not fitted


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command and returns its exit status; what the user did wrong is one sentence on stderr."""
    options = _parser().parse_args(arguments)
    try:
        return options.run(options)
    except (ValueError, TypeError, OSError, RuntimeError, MemoryError, FloatingPointError) as error:
        print(f"taichi-softras: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("taichi-softras: interrupted", file=sys.stderr)
        return INTERRUPTED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="taichi-softras", description="A differentiable mesh renderer in Taichi.")
    parser.add_argument("--version", action="version", version=f"taichi_softras {__version__} (taichi {importlib.metadata.version('taichi')})")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    fit = commands.add_parser(
        "fit",
        help="recover a coloured mesh from pictures",
        description="Recovers shape and vertex colours from pictures with masks and cameras, by gradient descent from a sphere.",
    )
    fit.add_argument(
        "source",
        nargs="?",
        metavar="SOURCE",
        help="pictures with cameras: a folder, or its file of cameras, of NeRF, nerfstudio, instant-ngp, COLMAP, NeuS or Middlebury; or a mesh file (pictures "
        "of it are rendered first); by default an embedded creature",
    )
    fit.add_argument("-o", "--out", type=Path, required=True, help="folder for the results")
    fit.add_argument("--resume", action="store_true", help="go on with the fit in OUT, with its source and options")
    fit.add_argument("--overwrite", action="store_true", help="start anew although OUT holds a fit")
    fit.add_argument("--size", type=int, default=128, help="shorter side of the pictures, pixels; larger ones are reduced (default: %(default)s)")
    fit.add_argument("--masks", type=Path, metavar="DIR", help="folder of masks, named as the pictures are: 0 outside, 255 inside, 128 unknown")
    fit.add_argument("--segment", action="store_true", help="find masks where there are none, roughly, and write them to OUT/masks (or DIR): look at them")
    fit.add_argument("--views", type=int, default=36, help="of a mesh, how many pictures to render for the fit (default: %(default)s)")
    fit.add_argument("--test-views", type=int, default=12, help="of a mesh, how many more to measure the result (default: %(default)s)")
    defaults = FitOptions()
    for name, meaning in (
        ("steps", "steps of gradient descent"),
        ("views_per_step", "pictures that one step looks at"),
        ("smoothness", "of the surface while it moves"),
        ("color_weight", "weight of the colour loss"),
        ("normal_weight", "weight of the normal consistency loss"),
        ("seed", "of the order of the pictures"),
    ):
        default = getattr(defaults, name)
        fit.add_argument(f"--{name.replace('_', '-')}", type=type(default), default=default, help=f"{meaning} (default: %(default)s)")
    _add_arch(fit, GPUS)
    fit.set_defaults(run=_fit)

    _add_render(commands)
    examine = commands.add_parser(
        "doctor",
        help="what this machine offers, and whether it works",
        description="Prints versions and devices, and tries a forward and a backward pass on each backend, compared with the CPU's.",
    )
    examine.set_defaults(run=_doctor)
    _add_view(commands)
    return parser


def _add_arch(command: argparse.ArgumentParser, gpus: Sequence[str]) -> None:
    choices = ("auto", "cpu", *gpus)
    meaning = f"what to compute on; auto: {' or '.join(gpus)} if there is such a GPU, else cpu (default: %(default)s)"
    command.add_argument("--arch", choices=choices, default="cpu", help=meaning)


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
    _add_arch(render, GPU_BACKENDS)
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
    _add_arch(view, GPUS)
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
    mesh = _colored(options.mesh, None if light is None else GREY)
    init_for("render", options.arch, GPU_BACKENDS)
    views = render_views(mesh, camera, size, _numbered(len(camera)), settings, options.samples, light)
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
    if options.headless and options.screenshot is None and options.video is None:
        raise ValueError("view: --headless must come with --screenshot or --video, got neither")
    if options.video is not None and not options.headless:
        raise ValueError("view: --video must come with --headless (in the window, V records)")
    if options.screenshot is not None and options.frames is None and not options.headless:
        raise ValueError("view: --screenshot must come with --frames or --headless (in the window, P saves a picture)")
    from ..viewer.app import show, start, take_pictures

    init_for("view", options.arch, GPUS)
    model = start(options)
    if options.headless:
        take_pictures(model, size, options.frames or 1, options.screenshot, options.video)
    else:
        show(model, size, options.frames, options.screenshot)
    for path in (options.screenshot, options.video):
        if path is not None:
            print(f"saved {path}")
    return 0


def _fit(options: argparse.Namespace) -> int:
    began = time.monotonic()
    if importlib.util.find_spec("matplotlib") is None:
        raise RuntimeError("fit draws its curves with matplotlib, which is not installed: pip install 'taichi_softras[plot]'")
    out: Path = options.out
    if out.exists() and not out.is_dir():
        raise NotADirectoryError(f"fit: OUT must be a folder, got the file {out}")
    checkpoint = out / CHECKPOINT
    if options.resume and not checkpoint.is_file():
        raise FileNotFoundError(f"fit: there is no fit to resume in {out} (no {CHECKPOINT})")
    if checkpoint.is_file() and not (options.resume or options.overwrite):
        raise FileExistsError(f"fit: {out} already holds a fit; go on with it (--resume), replace it (--overwrite) or choose another folder")
    defaults = vars(FitOptions())
    changed = any(getattr(options, name) != default for name, default in defaults.items() if hasattr(options, name))
    if options.resume and (options.source is not None or changed):
        raise ValueError("fit: --resume goes on with the source and the options of the fit in OUT; give neither")
    if options.resume:
        init_for("fit", options.arch, GPUS)
        source, size, masks, segment = _read_source(out)
        train, test = (capture.views(size) for capture in _captures(Path(source), masks, segment))
        fit = Fit.load(checkpoint, train)
    else:
        choices = FitOptions(**{name: getattr(options, name) for name in defaults if hasattr(options, name)})
        for name, low in (("size", 8), ("views", 1), ("test_views", 1)):
            check_integer("fit", f"--{name.replace('_', '-')}", getattr(options, name), low, 4096)
        source = options.source
        of_pictures = source is not None and (Path(source).is_dir() or Path(source).suffix.lower() in CAMERA_FILES)
        masks = options.masks or (out / "masks" if options.segment else None)
        if masks is not None and not of_pictures:
            raise ValueError(f"fit: --masks and --segment must come with pictures, got the mesh {source or 'embedded here'}")
        mesh = None if of_pictures else _colored(source)
        init_for("fit", options.arch, GPUS)
        if mesh is not None:
            source = str(out / "views")
            for split, count, turn in ((TRAIN, options.views, 0.0), (TEST, options.test_views, 50.0)):
                _orbiting_views(mesh, count, turn, (options.size, options.size), SHARP, 4).save(source, split)
        train, test = (capture.views(options.size) for capture in _captures(Path(source), masks, options.segment))
        fit = Fit(train, choices)
        out.mkdir(parents=True, exist_ok=True)
        with replacing(out / "source.json") as partial:
            where = None if masks is None else str(masks.resolve())
            partial.write_text(json.dumps({"source": str(Path(source).resolve()), "size": options.size, "masks": where, "segment": options.segment}))
    finished = _descend(fit, checkpoint)
    _write_results(out, fit, train, test, time.monotonic() - began)
    if not finished:
        print(f"interrupted after {len(fit.losses)} of {fit.options.steps} steps; go on with: taichi-softras fit -o {out} --resume")
        return INTERRUPTED
    return 0


def _descend(fit: Fit, checkpoint: Path) -> bool:
    """Steps until the fit is done, or until Ctrl-C, which ends it after the step at hand. Returns whether it is done."""
    interrupted = []
    previous = signal.signal(signal.SIGINT, lambda *_: interrupted.append(True))
    try:
        pause = 0.1 if sys.stderr.isatty() else 10  # seconds between two looks of the bar: a log file needs few
        with tqdm(total=fit.options.steps, initial=len(fit.losses), unit="step", desc="fit", dynamic_ncols=True, mininterval=pause) as bar:
            while not (fit.done or interrupted):
                loss = fit.step()
                bar.set_postfix(loss=f"{loss:.4f}", IoU=f"{fit.scores[-1][1]:.3f}" if fit.scores else "-", refresh=False)
                bar.update()
                if len(fit.losses) % fit.options.score_every == 0:
                    fit.save(checkpoint)
        fit.remember_best()
        fit.save(checkpoint)
    finally:
        signal.signal(signal.SIGINT, previous)
    return fit.done


def _write_results(out: Path, fit: Fit, train: Views, test: Views, seconds: float) -> None:
    mesh = fit.best
    for name in ("mesh.glb", "mesh.obj"):
        mesh.save(out / name)
    rendered = {name: fit.render(mesh, views) for name, views in ((TRAIN, train), (TEST, test))}
    scores = {name: score(rendered[name], views) for name, views in ((TRAIN, train), (TEST, test))}
    sheet(out / "sheet.png", test, rendered[TEST])
    stage_starts = np.cumsum([0, *(stage.steps for stage in fit.stages)])[:-1].tolist()
    fit_curves(out / "curves.png", fit.losses, fit.scores, stage_starts)
    turntable(out / "turntable.gif", mesh)
    metrics = {
        "views_not_fitted": len(test),
        "image_size": list(test.image_size),
        "iou": scores[TEST].iou,
        "psnr": scores[TEST].psnr,
        "psnr_white": scores[TEST].psnr_white,
        "fitted": asdict(scores[TRAIN]),
        "faces": len(mesh.faces),
        "steps": len(fit.losses),
        "seconds": round(seconds, 1),
        "meaning": {
            "iou": "of silhouettes (alpha > 0.5), mean over pictures that were not fitted",
            "psnr": "dB, of colour, over the pixels inside both silhouettes",
            "psnr_white": "dB, over all pixels of the pictures laid over white",
        },
    }
    with replacing(out / "metrics.json") as partial:
        partial.write_text(json.dumps(metrics, indent=1) + "\n")
    print(f"on {len(test)} pictures that were not fitted: IoU {scores[TEST].iou:.4f}, PSNR {scores[TEST].psnr:.2f} dB; {seconds:.0f} s")
    print(f"mesh.glb, mesh.obj, turntable.gif, sheet.png, curves.png and metrics.json are in {out}")


def _colored(source: str | None, grey: float | None = None) -> Mesh:
    """The mesh of a file, or the embedded one, of radius 1; one without colours shows its normals, or is grey."""
    mesh = creature() if source is None else Mesh.load(source).normalized()
    if mesh.is_colored:
        return mesh
    return normal_colors(mesh) if grey is None else replace(mesh, colors=np.full_like(mesh.vertices, grey))


def _orbiting_views(mesh: Mesh, count: int, turn: float, size: tuple[int, int], settings: RasterizeSettings, samples: int) -> Views:
    """Pictures from all around, above and below."""
    camera = Camera.all_around(count, DISTANCE, turn, fov=FOV)
    return render_views(mesh, camera, size, _numbered(count), settings, samples)


def _numbered(count: int) -> tuple[str, ...]:
    return tuple(f"r_{k:03d}" for k in range(count))


def _captures(source: Path, masks: Path | None, segment: bool) -> tuple[Capture, Capture]:
    """(pictures to fit, pictures to measure the result with): as the source is split, or every sixth is kept. ``masks``: where they are, or are written to."""
    if (source / f"transforms_{TRAIN}.json").is_file():
        splits = [TRAIN, *[split for split in (TEST, "val") if (source / f"transforms_{split}.json").is_file()][:1]]
        folders = [masks if masks is None or not segment else masks / split for split in splits]
        captures = [Capture.open(source, split, masks=folder, segment=segment) for split, folder in zip(splits, folders, strict=True)]
        if len(captures) == 2:
            return captures[0], captures[1]
        whole = captures[0]
    else:
        whole = Capture.open(source, masks=masks, segment=segment)
    if len(whole) < 2:
        raise ValueError(f"fit: {source} must hold at least two pictures (one is kept to measure the result), got {len(whole)}")
    held_out = np.arange(len(whole)) % HELD_OUT_EVERY == HELD_OUT_EVERY - 1
    held_out[-1] |= not held_out.any()
    return whole.select(np.flatnonzero(~held_out)), whole.select(np.flatnonzero(held_out))


def _read_source(out: Path) -> tuple[str, int, Path | None, bool]:
    note = out / "source.json"
    try:
        described = read_json(f"fit: {note}", note)
        if not isinstance(described["source"], str) or not isinstance(described["size"], int) or described["size"] < 8:
            raise ValueError(f"a source and a size from 8 pixels on, not {described}")
        masks, segment = described.get("masks"), described.get("segment", False)
        if not isinstance(masks, (str, type(None))) or not isinstance(segment, bool):
            raise ValueError(f"a folder of masks or none, not {described}")
        return described["source"], described["size"], None if masks is None else Path(masks), segment
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        if str(error).startswith("fit: "):
            raise
        raise ValueError(f"fit: {note} must tell what is fitted, got {type(error).__name__}: {error}") from error


if __name__ == "__main__":
    sys.exit(main())
