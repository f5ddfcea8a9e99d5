"""The command ``taichi-softras fit``: from pictures with cameras to a textured mesh, in phases that go on where they were stopped."""

import argparse
import importlib.util
import json
import platform
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from .. import __version__
from ..checks import check_integer
from ..interrupting import noting_interrupts
from ..language import NAME, VERSION
from ..recover import (
    SHARP,
    Capture,
    Fit,
    FitOptions,
    Pictures,
    Score,
    SplatFit,
    Start,
    TextureFit,
    Views,
    compare_surfaces,
    fit_curves,
    is_of_cameras,
    mean_score,
    registered,
    render_views,
    report,
    rotation_to_y_up,
    save_picture,
    score,
    seen_from,
    sheet,
    splits_of,
    turntable,
    up_of,
)
from ..replacing import replacing
from ..runtime import current_arch, init_for
from ..scene import Camera, Mesh, read_json
from .common import DISTANCE, FOV, GPUS, INTERRUPTED, add_arch, add_command, add_page, check_out, colored, notes_on_masks, numbered, say
from .splatting import MESH, TRIANGLES, splat_options, write_triangles

__all__ = ["add_fit"]

CHECKPOINT, SOURCE = "checkpoint.npz", "source.json"
TRAIN, TEST = "train", "test"
HELD_OUT_EVERY = 6  # without a test split, every sixth picture is not fitted
NEEDED = {"skimage": "begins with marching cubes", "gpytoolbox": "makes meshes anew", "xatlas": "makes an atlas"}
STEPS = {Start.HULL: 200, Start.SPHERE: 1200}
UPS = {"x": (1, 0, 0), "-x": (-1, 0, 0), "y": (0, 1, 0), "-y": (0, -1, 0), "z": (0, 0, 1), "-z": (0, 0, -1)}
REFINING = 4  # times as many steps are due where cameras are to be found, too
LOCATING_STEPS = 100  # of the descent on cameras whose pictures were not fitted
Tell = Callable[[str, int, int], None]
LARGE = 512  # pixels a side: of larger pictures, four samples of each pixel are enough to measure by


EXAMPLES = """\
first of all
  --size says how fine the result is and how long it takes: 128 is a first look, 256 and more show what the pictures hold.
  Without masks in the pictures, or beside them in a folder `masks`: --segment, and look at what it has found in OUT/masks.
  Where the outline of the result is doubled or eaten away, the cameras are not exact: --refine-cameras.

examples
  taichi-softras fit -o out/creature                                   try it out, on an embedded creature
  taichi-softras fit PICTURES -o OUT --size 256                        photographs with masks, and their cameras
  taichi-softras fit PICTURES -o OUT --segment --refine-cameras        masks are found, cameras mended
  taichi-softras fit MESH.obj -o OUT                                   pictures of a mesh are rendered first
  taichi-softras fit -o OUT --resume                                   go on after Ctrl-C

OUT then holds report.html, a page with all of it (the mesh turns in it), and by themselves mesh.glb (y up), mesh.obj (in the cameras' world), sheet.png,
curves.png, turntable.gif, unseen.png and metrics.json.
"""


def add_fit(commands: Any) -> None:
    """The command's options."""
    fit = add_command(
        commands,
        "fit",
        what="recover a textured mesh from pictures",
        usage="[SOURCE] -o OUT [OPTION ...]",
        description="Recovers shape and colour from pictures with masks and cameras: the visual hull of the masks, gradient descent on it, a texture.",
        epilog=EXAMPLES,
    )
    fit.add_argument(
        "source",
        nargs="?",
        metavar="SOURCE",
        help="pictures with cameras: a folder, or its file of cameras, of NeRF, nerfstudio, instant-ngp, COLMAP, NeuS or Middlebury; or a mesh file (pictures "
        "of it are rendered first); by default an embedded creature",
    )
    add = fit.add_argument_group("where to").add_argument
    add("-o", "--out", type=Path, required=True, help="folder for the results")
    add("--resume", action="store_true", help="go on with the fit in OUT, with its source and options")
    add("--overwrite", action="store_true", help="start anew although OUT holds a fit")
    add = fit.add_argument_group("the pictures").add_argument
    add("--size", type=int, default=128, help="shorter side of the pictures that shape is fitted to, pixels; larger ones are reduced (default: %(default)s)")
    add("--masks", type=Path, metavar="DIR", help="folder of masks, named as the pictures are: 0 outside, 255 inside, 128 unknown")
    add("--segment", action="store_true", help="find masks where there are none, roughly, and write them to OUT/masks (or DIR): look at them")
    add("--refine-cameras", action="store_true", help="move the cameras, too: for poses that are not exact")
    add("--balance", action="store_true", help="find each picture's exposure and white balance")
    add = fit.add_argument_group("what comes out").add_argument
    defaults = FitOptions()

    def add_own(name: str, meaning: str) -> None:
        default = getattr(defaults, name)
        add(f"--{name.replace('_', '-')}", type=type(default), default=default, help=f"{meaning} (default: %(default)s)")

    add("--representation", choices=(MESH, TRIANGLES), default=MESH, help="one mesh, or triangles that let light through (default: %(default)s)")
    add("--triangles", type=int, help="of that representation, how many at most (default: 20000)")
    add_own("faces", "about how many faces the mesh has in the end; 0: as many as the pictures can show")
    add("--colors", choices=("texture", "vertex"), default="texture", help="a texture as sharp as the pictures, or colours at vertices (default: %(default)s)")
    add("--up", choices=("auto", *UPS), default="auto", help="what of the cameras' world is up in mesh.glb (default: as the cameras were held)")
    add("--reference", metavar="MESH", help="compare the result with this mesh, in the cameras' world (of a mesh's pictures, that mesh)")
    add = fit.add_argument_group("where SOURCE is a mesh").add_argument
    add("--views", type=int, default=36, help="how many pictures to render for the fit (default: %(default)s)")
    add("--test-views", type=int, default=12, help="how many more to measure the result (default: %(default)s)")
    add = fit.add_argument_group("how it descends (seldom needed)").add_argument
    told = f"{STEPS[Start.HULL]}, of triangles 6000, from a sphere or a mesh {STEPS[Start.SPHERE]}; with --refine-cameras {REFINING} times as many"
    add("--steps", type=int, help=f"steps of gradient descent (default: {told})")
    add("--init", default="hull", metavar="hull|sphere|MESH", help="what to begin with; a mesh lies in the cameras' world (default: %(default)s)")
    for name, meaning in (
        ("smoothness", "of the surface while it moves, the larger the smoother"),
        ("color_weight", "weight of the colour loss"),
        ("normal_weight", "weight of the normal consistency loss"),
        ("seed", "of the order of the pictures"),
    ):
        add_own(name, meaning)
    add("--views-per-step", type=int, help=f"pictures that one step looks at (default: {defaults.views_per_step}, of triangles 1)")
    add_page(fit, "--live", "watch it in a browser: pictures, mesh, curves; pause, go on, stop and keep. Closing the page does not stop the fit")
    add_arch(fit, GPUS)
    fit.set_defaults(run=partial(_fit, fit.get_default))


@dataclass(frozen=True, kw_only=True)
class _Source:
    """What is fitted, and what is made of it: all that --resume needs beside the checkpoint.

    Attributes:
        source: pictures with their cameras.
        representation: a mesh, or triangles.
        size, masks, segment, colors, up: as the options say; masks where they are, or are written to.
        reference: the mesh to compare with, "" for the embedded one, None for none; normalized: whether it was brought to radius 1.
    """

    source: str
    representation: str = MESH
    size: int
    masks: str | None
    segment: bool
    colors: str
    up: str
    reference: str | None
    normalized: bool

    def save(self, out: Path) -> None:
        with replacing(out / SOURCE) as partial:
            partial.write_text(json.dumps(asdict(self)))

    @classmethod
    def load(cls, out: Path) -> "_Source":
        note = out / SOURCE
        try:
            described = {"representation": MESH} | read_json(f"fit: {note}", note)  # fits of before there were others do not say it
            kinds: dict[str, Any] = {"source": str, "representation": str, "size": int, "masks": (str, type(None)), "segment": bool, "colors": str, "up": str}
            kinds |= {"reference": (str, type(None)), "normalized": bool}
            if set(described) != set(kinds) or not all(isinstance(described[name], kind) for name, kind in kinds.items()):
                raise ValueError(f"{', '.join(kinds)}, not {described}")
            choices = {"representation": (MESH, TRIANGLES), "colors": ("texture", "vertex"), "up": ("auto", *UPS)}
            if described["size"] < 8 or any(described[name] not in allowed for name, allowed in choices.items()):
                raise ValueError(f"a size from 8 pixels on, {', '.join(choices)} as the options say, not {described}")
            return cls(**described)
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            if str(error).startswith("fit: "):
                raise
            raise ValueError(f"fit: {note} must tell what is fitted, got {type(error).__name__}: {error}") from error

    def captures(self) -> tuple[Capture, Capture]:
        """(pictures to fit, pictures to measure the result with): as the source is split, or every sixth is kept."""
        source, masks = Path(self.source), None if self.masks is None else Path(self.masks)
        there = splits_of(source)
        if TRAIN in there:
            others = [split for split in (TEST, "val") if split in there]
            splits = [TRAIN, *[split for split in others if there[split]][:1]]
            if others and splits == [TRAIN]:
                warnings.warn(
                    f"fit: {source} names pictures to measure the result with ({' and '.join(others)}), and none of them is there: "
                    f"some of the others ({TRAIN}) are kept for it",
                    UserWarning,
                    stacklevel=2,
                )
            folders = [masks if masks is None or not self.segment else masks / split for split in splits]
            captures = [Capture.open(source, split, masks=folder, segment=self.segment) for split, folder in zip(splits, folders, strict=True)]
            if len(captures) == 2:
                return captures[0], captures[1]
            whole = captures[0]
        else:
            whole = Capture.open(source, masks=masks, segment=self.segment)
        if len(whole) < 2:
            raise ValueError(f"fit: {source} must hold at least two pictures (one is kept to measure the result), got {len(whole)}")
        held_out = np.arange(len(whole)) % HELD_OUT_EVERY == HELD_OUT_EVERY - 1
        held_out[-1] |= not held_out.any()
        return whole.select(np.flatnonzero(~held_out)), whole.select(np.flatnonzero(held_out))

    def reference_mesh(self) -> Mesh | None:
        if self.reference is None:
            return None
        return colored(self.reference or None) if self.normalized else Mesh.load(self.reference)

    def rotation(self, camera: Camera) -> np.ndarray:
        """[3, 3] from the cameras' world to one whose y is up."""
        return rotation_to_y_up(up_of(camera) if self.up == "auto" else np.array(UPS[self.up], np.float64))


def _fit(default_of: Callable[[str], Any], options: argparse.Namespace) -> int:
    began = time.monotonic()
    for name, what in NEEDED.items():
        if importlib.util.find_spec(name) is None:
            raise RuntimeError(f"fit {what} with {name}, which is not installed: pip install 'taichi_softras[fit]'")
    if options.live:
        from ..viewer.browser import check_address

        check_address("fit", options.host, options.port)
    out: Path = options.out
    check_out("fit", "OUT", out)
    checkpoint = out / CHECKPOINT
    if options.resume and not checkpoint.is_file():
        raise FileNotFoundError(f"fit: there is no fit to resume in {out} (no {CHECKPOINT})")
    if checkpoint.is_file() and not (options.resume or options.overwrite):
        raise FileExistsError(f"fit: {out} already holds a fit; go on with it (--resume), replace it (--overwrite) or choose another folder")
    if options.resume:
        given = vars(options).keys() - {"out", "resume", "arch", "run", "live", "host", "port"}
        if any(getattr(options, name) != default_of(name) for name in given):
            raise ValueError("fit: --resume goes on with the source and the options of the fit in OUT; give neither")
        source = _Source.load(out)
        _check_live(options, source.representation)
        init_for("fit", options.arch, GPUS)
        train, test = source.captures()
        fit = (SplatFit if source.representation == TRIANGLES else Fit).load(checkpoint, train.views(source.size))
    else:
        _check_live(options, options.representation)
        source, train, test, fit = _begin(options, out, default_of)
        fit.save(checkpoint)
    notes = notes_on_masks(train, test)
    with noting_interrupts() as interrupted, _watched(options, fit, interrupted) as tell:
        whole = _descend(fit, checkpoint, interrupted, tell)
        done = "" if whole else f"interrupted after {len(fit.losses)} of {fit.options.steps} steps"
        if isinstance(fit, SplatFit):
            say("results are measured and written")
            write_triangles(out, fit, test, source.size, source.rotation(fit.views.camera), began, _options(source, fit), notes, interrupted)
        else:
            mesh, seen = fit.best, None
            if not done and source.colors == "texture":
                mesh, seen = _textured(fit, train, interrupted, tell)
                done = "interrupted before the texture was made" if seen is None else ""
            tell("measuring and writing", 0, 1)
            _write_results(out, source, fit, mesh, seen, test, began, notes, interrupted)
    if done:
        print(f"{done}; go on with: taichi-softras fit -o {out} --resume")
        return INTERRUPTED
    return 0


def _check_live(options: argparse.Namespace, representation: str) -> None:
    if options.live and representation == TRIANGLES:
        raise ValueError(f"fit: --live must be left out with --representation {TRIANGLES}, got it")


def _begin(options: argparse.Namespace, out: Path, default_of: Callable[[str], Any]) -> tuple[_Source, Capture, Capture, Fit | SplatFit]:
    """Reads the pictures, or renders them, and finds what the descent begins with."""
    of_triangles = options.representation == TRIANGLES
    if options.triangles is not None and not of_triangles:
        raise ValueError(f"fit: --triangles must come with --representation {TRIANGLES}, got {options.triangles}")
    splatting = splat_options(options, default_of) if of_triangles else None
    start = {"hull": Start.HULL, "sphere": Start.SPHERE}.get(options.init, Start.SPHERE)
    own = {name: getattr(options, name) for name in vars(FitOptions()) if getattr(options, name, None) is not None and name not in ("start", "steps")}
    steps = STEPS[start] * (REFINING if options.refine_cameras else 1) if options.steps is None else options.steps
    choices = FitOptions(start=start, steps=steps, **own)
    for name, low in (("size", 8), ("views", 1), ("test_views", 1)):
        check_integer("fit", f"--{name.replace('_', '-')}", getattr(options, name), low, 4096)
    given: str | None = options.source
    if given is not None and not Path(given).exists():
        raise FileNotFoundError(f"fit: there is no folder and no file {given}")
    of_pictures = given is not None and (Path(given).is_dir() or is_of_cameras(Path(given)))
    masks = options.masks or (out / "masks" if options.segment else None)
    if masks is not None and not of_pictures:
        raise ValueError(f"fit: --masks and --segment must come with pictures, got the mesh {given or 'embedded here'}")
    mesh = None if of_pictures else colored(given)
    first = None if options.init in ("hull", "sphere") else Mesh.load(options.init)
    if options.reference is not None:
        Mesh.load(options.reference)  # what is wrong with it is told before anything is computed
    init_for("fit", options.arch, GPUS)
    if mesh is not None:
        say(f"{options.views} and {options.test_views} pictures of the mesh are rendered")
        for split, count, turn in ((TRAIN, options.views, 0.0), (TEST, options.test_views, 50.0)):
            camera = Camera.all_around(count, DISTANCE, turn, fov=FOV)
            render_views(mesh, camera, (options.size, options.size), numbered(count), SHARP).save(out / "views", split)
    of_mesh = mesh is not None and options.reference is None
    source = _Source(
        representation=options.representation,
        source=str((out / "views" if mesh is not None else Path(str(given))).resolve()),
        size=options.size,
        masks=None if masks is None else str(masks.resolve()),
        segment=options.segment,
        colors=options.colors,
        up="y" if mesh is not None and options.up == "auto" else options.up,
        reference=("" if given is None else str(Path(given).resolve())) if of_mesh else options.reference and str(Path(options.reference).resolve()),
        normalized=of_mesh,
    )
    if options.segment:
        say(f"masks are found for pictures that have none; they are kept in {masks}")
    train, test = source.captures()
    say(f"{len(train)} pictures are read, and {'the hull of their masks is made' if first is None and start is Start.HULL else 'the descent is made ready'}")
    views = train.views(source.size)
    fit = Fit(views, choices, first) if splatting is None else SplatFit(views, splatting, train.points)
    out.mkdir(parents=True, exist_ok=True)
    source.save(out)
    return source, train, test, fit


def _bar(what: str, total: int, initial: int = 0, unit: str = "picture") -> tqdm:
    pause = 0.1 if getattr(sys.stderr, "isatty", bool)() else 10  # seconds between two looks of the bar: a log file needs few
    return tqdm(total=total, initial=initial, unit=unit, desc=what, dynamic_ncols=True, mininterval=pause)


@contextmanager
def _watched(options: argparse.Namespace, fit: Fit | SplatFit, interrupted: list[bool]) -> Iterator[Tell]:
    """What is to be told of each step: (phase, steps done, steps in all). With --live a page shows it, until the fit ends."""
    if not options.live:
        yield lambda *_: None
        return
    from ..viewer.browser import open_page
    from ..viewer.browser.live import Live

    assert isinstance(fit, Fit)
    live = Live(fit, interrupted, options.host, options.port)
    open_page(live.server)
    try:
        yield live.tell
    finally:
        live.close(f"ended; the results are in {options.out}")


def _descend(fit: Fit | SplatFit, checkpoint: Path, interrupted: Sequence[bool], tell: Tell) -> bool:
    """Steps until the fit is done, or until Ctrl-C, which ends it after the step at hand. Returns whether it is done."""
    if fit.done:
        return True
    with _bar("triangles" if isinstance(fit, SplatFit) else "shape", fit.options.steps, len(fit.losses), "step") as bar:
        bar.set_postfix_str("kernels are made ready")  # which takes much longer than a step
        while not (fit.done or interrupted):
            loss = fit.step()
            figure = {"PSNR" if isinstance(fit, SplatFit) else "IoU": f"{fit.scores[-1][1]:.3f}" if fit.scores else "-"}
            bar.set_postfix(loss=f"{loss:.4f}", **figure, refresh=False)
            bar.update()
            if len(fit.losses) % fit.options.score_every == 0:
                fit.save(checkpoint)
            tell("shape", len(fit.losses), fit.options.steps)
    if isinstance(fit, Fit):
        fit.remember_best()
    fit.save(checkpoint)
    return fit.done


def _textured(fit: Fit, train: Capture, interrupted: Sequence[bool], tell: Tell) -> tuple[Mesh, np.ndarray | None]:
    """The best mesh with a texture, and which texels were seen; without them after Ctrl-C. It is made anew from its beginning, always the same."""
    moved = fit.best_camera if fit.options.refine_cameras else None
    say("the mesh is laid out flat for its texture")
    texture = TextureFit.for_mesh(fit.best, Pictures(train, fit.views.camera, moved), gains=fit.gains)
    with _bar("texture", texture.n_steps) as bar:
        while not (texture.done or interrupted):
            texture.step()
            bar.update()
            tell("texture", bar.n, texture.n_steps)
    return texture.result() if texture.done else (fit.best, None)


def _write_results(
    out: Path,
    source: _Source,
    fit: Fit,
    mesh: Mesh,
    seen: np.ndarray | None,
    test: Capture,
    began: float,
    notes: Sequence[str],
    interrupted: Sequence[bool],
) -> None:
    say("results are written")
    turn = source.rotation(fit.views.camera)
    upright = replace(mesh, vertices=np.asarray(mesh.vertices, np.float64) @ turn.T)
    upright.save(out / "mesh.glb", normals=True)
    mesh.save(out / "mesh.obj", normals=True)
    pictures = {"Pictures that were not fitted": "sheet.png"}
    if importlib.util.find_spec("matplotlib") is not None:
        fit_curves(out / "curves.png", fit.losses, fit.scores, np.cumsum([0, *(stage.steps for stage in fit.stages)])[:-1].tolist())
        pictures["The descent"] = "curves.png"
    else:
        print("taichi-softras: curves.png is left out: matplotlib, which draws it, is not installed (pip install 'taichi_softras[plot]')", file=sys.stderr)
    written = ["mesh.glb", "mesh.obj", "turntable.gif", *pictures.values(), "metrics.json", "report.html"]
    if seen is not None:
        save_picture(out / "unseen.png", np.repeat(1 - seen[..., None], 3, 2))  # white where no picture shows the surface
        written.insert(2, "unseen.png")
    views = test.views(source.size)
    fitted, moved = views.camera, None
    if fit.options.refine_cameras:  # the world has moved with the cameras: where these stood is found from what they show
        moved = _cameras_of(fit, views)
        views = replace(views, camera=moved)
    rendered = seen_from(views, mesh)
    sheet(out / "sheet.png", views, rendered)
    say("turntable.gif is drawn")
    turntable(out / "turntable.gif", upright)
    say("its figures are found")
    fitted_to = replace(fit.views, camera=fit.best_camera)
    scores = {"test": score(rendered, views), "fitted": score(seen_from(fitted_to, mesh, samples=2), fitted_to)}
    fitted_as_they_are = (test.sizes == views.image_size).all()
    own_size = scores["test"] if fitted_as_they_are else _score_at_own_size(mesh, Pictures(test, fitted, moved), interrupted)
    seconds = time.monotonic() - began
    metrics = _metrics(source, fit, mesh, views, scores, own_size, seconds, turn)
    with replacing(out / "metrics.json") as partial:
        partial.write_text(json.dumps(metrics, indent=1) + "\n")
    found = own_size or scores["test"]
    meaning = metrics.pop("meaning")
    report(
        out / "report.html",
        title=f"{out.resolve().name}: a mesh from {len(fit.views)} pictures",
        model=out / "mesh.glb",
        headline={
            "IoU": f"{found.iou:.4f}",
            "PSNR over white": f"{found.psnr_white:.2f} dB",
            "faces": f"{len(mesh.faces):,}",
            "seconds": f"{seconds:.0f}",
        },
        pictures={name: out / file for name, file in pictures.items()},
        tables={"Figures": metrics, "Options": _options(source, fit)},
        meaning=meaning,
        notes=[f"IoU and PSNR are of {len(test)} pictures that were not fitted.", *notes],
    )
    print(f"on {len(test)} pictures that were not fitted: IoU {found.iou:.4f}, PSNR over white {found.psnr_white:.2f} dB; {seconds:.0f} s")
    print(f"{', '.join(written[:-1])} and {written[-1]} (all of it on one page) are in {out}", *notes, sep="\n")


def _options(source: _Source, fit: Fit | SplatFit) -> dict[str, Any]:
    """With which the fit can be done once more, and by what it was done."""
    options = {name: value.value if isinstance(value, Start) else value for name, value in asdict(fit.options).items()}
    versions = {"taichi_softras": __version__, NAME: VERSION, "numpy": np.__version__, "python": platform.python_version()}
    return asdict(source) | options | {"versions": versions, "computed on": current_arch()}


def _cameras_of(fit: Fit, views: Views) -> Camera:
    """From where pictures that were not fitted show the mesh: a descent on their cameras alone."""
    begun = replace(views, camera=registered(views, fit.best, steps=3))
    still = replace(fit.options, shape_rate=0.0, color_rate=0.0, steps=LOCATING_STEPS, views_per_step=2 * fit.options.views_per_step, balance=False)
    locating = Fit(begun, replace(still, start=Start.HULL, score_every=LOCATING_STEPS), fit.best)
    with _bar("cameras", LOCATING_STEPS, unit="step") as bar:
        while not locating.done:
            locating.step()
            bar.update()
    return locating.camera


def _score_at_own_size(mesh: Mesh, pictures: Pictures, interrupted: Sequence[bool]) -> Score | None:
    """The mean of the pictures' own scores; None after Ctrl-C, as this may take long."""
    scores = []
    with _bar("measure", len(pictures)) as bar:
        for views in pictures:
            if interrupted:
                return None
            scores.append(score(seen_from(views, mesh, samples=4 if max(views.image_size) <= LARGE else 2), views))
            bar.update()
    return mean_score(scores)


def _metrics(
    source: _Source, fit: Fit, mesh: Mesh, views: Views, scores: dict[str, Score], own_size: Score | None, seconds: float, turn: np.ndarray
) -> dict[str, Any]:
    metrics: dict[str, Any] = {
        "views_not_fitted": len(views),
        "image_size": list(views.image_size),
        **asdict(scores["test"]),
        "fitted": asdict(scores["fitted"]),
        "own_size": None if own_size is None else asdict(own_size),
        "faces": len(mesh.faces),
        "steps": len(fit.losses),
        "seconds": round(seconds, 1),
        "world_of_glb": turn.tolist(),
    }
    meaning = {
        "iou": "of silhouettes (alpha of one half and more), mean over pictures that were not fitted",
        "psnr": "dB, of colour, over the pixels inside both silhouettes, the mean of the pictures' own",
        "psnr_white": "dB, over all pixels of the pictures laid over white, likewise",
        "own_size": "the same at the pictures' own size; what is told first",
        "world_of_glb": "the rotation of mesh.glb, whose y is up, from the cameras' world, in which mesh.obj is",
    }
    reference = source.reference_mesh()
    if reference is not None:
        comparison = compare_surfaces(fit.best, reference)
        metrics["reference"] = asdict(comparison) | {"chamfer": comparison.chamfer}
        meaning["reference"] = "distances over the reference's diagonal, degrees between normals; (found, reference) of Euler number, pieces, crossings"
    return metrics | {"meaning": meaning}
