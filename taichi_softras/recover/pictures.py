"""What people look at: turntables, sheets of target and result, curves."""

import itertools
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import trimesh
from PIL import Image, ImageDraw, ImageFont

from ..checks import MAX_IMAGE_SIDE, check_array, check_finite, check_integer, check_kind, check_number
from ..replacing import replacing
from ..scene import Camera, Mesh, as_path
from .metrics import score
from .rendering import render_views
from .views import Views

__all__ = ["fit_curves", "normal_colors", "save_animation", "shaded", "sheet", "turntable"]

SHORTEST_FRAME = 2  # hundredths of a second: viewers show a frame of a GIF that says less for ten
LONGEST = 655.36  # seconds: a GIF counts the hundredths of a frame in two bytes, and pictures that are alike become one frame
CELL, MARGIN, FONT, LINE = 128, 72, 13, 18  # pixels of a sheet: the least width of a picture, what stands left of them, letters and their lines
HEAD = 3 * LINE
_LIGHT = np.array([0.35, 0.65, 0.68])


def normal_colors(mesh: Mesh) -> Mesh:
    """The mesh, its vertices coloured by their normals: a look for meshes that have no colours."""
    check_kind("normal_colors", "mesh", mesh, Mesh)
    return replace(mesh, colors=0.5 + 0.45 * _normals(mesh), texture=None)


def shaded(mesh: Mesh) -> Mesh:
    """The mesh in grey, as if lit from above: shows the shape without its colours."""
    check_kind("shaded", "mesh", mesh, Mesh)
    lit = 0.25 + 0.7 * np.clip(0.5 + 0.5 * (_normals(mesh) @ _LIGHT), 0, 1) ** 1.5
    return replace(mesh, colors=np.repeat(lit[:, None], 3, axis=1), texture=None)


def _normals(mesh: Mesh) -> np.ndarray:
    size = float(np.ptp(mesh.vertices, axis=0).max()) or 1.0  # trimesh takes small faces for none, whatever the unit
    return trimesh.Trimesh(np.asarray(mesh.vertices, np.float64) / size, mesh.faces, process=False).vertex_normals


def turntable(path: str | Path, mesh: Mesh, frames: int = 48, size: int = 256, seconds: float = 4.0) -> None:
    """Writes a GIF of the mesh turning once: its colours on the left, its shape in grey on the right."""
    op = "turntable"
    path = as_path(op, "path", path)
    check_kind(op, "mesh", mesh, Mesh)
    check_integer(op, "frames", frames, 1, 10_000)
    check_integer(op, "size", size, 1, MAX_IMAGE_SIDE // 2)
    check_number(op, "seconds", seconds, 0.0, LONGEST)
    centred = mesh.normalized()
    camera = Camera.orbit(3.0, 20.0, np.arange(frames) * 360.0 / frames, fov=40.0)
    names = tuple(str(frame) for frame in range(frames))
    meshes = (centred if centred.is_colored else normal_colors(centred), shaded(centred))
    halves = [render_views(colored, camera, (size, size), names, samples=2).over_white() for colored in meshes]
    save_animation(path, np.concatenate(halves, 2), seconds)


def save_animation(path: str | Path, pictures: Sequence[np.ndarray] | np.ndarray, seconds: float = 4.0) -> None:
    """Writes pictures [H, W, 3] with numbers in [0, 1] as a GIF that plays for ever, each round taking ``seconds``.

    A GIF counts time in hundredths of a second, and viewers slow down frames that are shorter than two: the frames' times are whole hundredths that add up to
    ``seconds``, and where there are more pictures than that leaves room for, some are left out evenly. A round takes less than 655.36 seconds.
    """
    op = "save_animation"
    path = as_path(op, "path", path)
    check_number(op, "seconds", seconds, 0.0, LONGEST)
    check_kind(op, "pictures", pictures, Sequence if not isinstance(pictures, np.ndarray) else np.ndarray)
    if len(pictures) == 0:
        raise ValueError(f"{op}: pictures must be at least one, got none")
    sizes: dict[str, int] = {}
    for picture in pictures:
        check_array(op, "each of the pictures", picture, ("H", "W", 3), sizes)
        check_finite(op, "each of the pictures", picture)
    which, hundredths = _frame_times(len(pictures), seconds)
    frames = [Image.fromarray(np.round(np.clip(pictures[i], 0, 1) * 255).astype(np.uint8)) for i in which]
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as partial:
        frames[0].save(partial, save_all=True, append_images=frames[1:], duration=[10 * n for n in hundredths], loop=0)


def _frame_times(n_pictures: int, seconds: float) -> tuple[list[int], list[int]]:
    """Which of the pictures are shown, and for how many hundredths of a second each: together ``seconds``, rounded."""
    whole = min(max(round(100 * seconds), SHORTEST_FRAME), 2**16 - 1)
    n = min(n_pictures, whole // SHORTEST_FRAME)
    ends = [round(whole * i / n) for i in range(n + 1)]
    return [i * n_pictures // n for i in range(n)], [end - start for start, end in itertools.pairwise(ends)]


def sheet(path: str | Path, target: Views, result: Views, columns: int = 8) -> None:
    """Writes a PNG with three rows, over white: target, result, and their difference (white where there is none).

    Above each column stand the view's name, the IoU of its silhouettes and the PSNR over white (`score`); below all of them, the mean over all views, also of
    those that are not shown. Pictures smaller than `CELL` pixels are enlarged by a whole factor.
    """
    for name, given in (("target", target), ("result", result)):
        check_kind("sheet", name, given, Views)
    check_integer("sheet", "columns", columns, 1, 10_000)
    if result.alpha.shape != target.alpha.shape:
        raise ValueError(f"sheet: result must have the shape of target, {target.alpha.shape}, got {result.alpha.shape}")
    path = as_path("sheet", "path", path)
    scores = [score(result.select([i]), target.select([i])) for i in range(len(target))]
    which = np.linspace(0, len(target) - 1, min(columns, len(target))).astype(int)
    rows = [views.select(which).over_white() for views in (target, result)]
    rows.append(1 - np.abs(rows[0] - rows[1]))
    larger = max(1, -(-CELL // target.image_size[1]))
    height, width = larger * target.image_size[0], larger * target.image_size[1]
    iou, psnr = (float(np.mean([getattr(one, name) for one in scores])) for name in ("iou", "psnr_white"))
    below, font = f"mean of {len(target)} pictures: IoU {iou:.4f}, PSNR over white {psnr:.2f} dB", ImageFont.load_default(FONT)
    paper = Image.new("RGB", (max(MARGIN + len(which) * width, int(font.getlength(below)) + 8), HEAD + 3 * height + LINE), "white")
    pen = ImageDraw.Draw(paper)
    pen.text((4, HEAD + 3 * height), below, "black", font)
    for r, (row, what) in enumerate(zip(rows, ("target", "result", "difference"), strict=True)):
        pen.text((4, HEAD + r * height + height // 2), what, "black", font, anchor="lm")
        for c, picture in enumerate(row):
            pixels = Image.fromarray(np.round(np.clip(picture, 0, 1) * 255).astype(np.uint8))
            paper.paste(pixels.resize((width, height), Image.Resampling.NEAREST), (MARGIN + c * width, HEAD + r * height))
    for c, i in enumerate(which):
        label = f"IoU {scores[i].iou:.3f}", f"PSNR {scores[i].psnr_white:.1f} dB"
        for line, text in enumerate((_shortened(target.names[i], font, width - 4), *label)):
            pen.text((MARGIN + c * width + width // 2, line * LINE), text, "black", font, anchor="ma")
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as partial:
        paper.save(partial)


def _shortened(text: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont, width: int) -> str:
    """The end of a text, as much as there is room for: pictures differ in the ends of their names."""
    if font.getlength(text) <= width:
        return text
    while text and font.getlength(f"...{text}") > width:
        text = text[1:]
    return f"...{text}"


def fit_curves(path: str | Path, losses: list[float], scores: list[tuple[int, float]], stage_starts: list[int], figure_of_merit: str = "IoU") -> None:
    """Writes a PNG of the loss of every step and of a figure (the IoU, or what it is called) on the fitted pictures. Needs matplotlib."""
    path = as_path("fit_curves", "path", path)
    from matplotlib.figure import Figure  # not pyplot, which has a backend that is the user's

    figure = Figure(figsize=(8, 4.5), layout="constrained")
    left = figure.subplots()
    left.plot(losses, linewidth=0.7, color="tab:blue", label=f"loss, {losses[-1]:.3g} in the end" if losses else "loss")
    left.set(xlabel="step", ylabel="loss", yscale="log")
    right = left.twinx()
    if scores:
        label = f"{figure_of_merit} on the fitted pictures, {scores[-1][1]:.4f} in the end"
        right.plot(*zip(*scores, strict=True), "o-", markersize=3, color="tab:orange", label=label)
    right.set(ylabel=figure_of_merit)
    if figure_of_merit == "IoU":
        right.set(ylim=(min([0.9, *(iou - 0.01 for _, iou in scores)]), 1.0))
    for stage, start in enumerate(stage_starts, 1):
        left.axvline(start, color="0.7", linewidth=0.8, linestyle="--")
        left.text(start, 0.01, f" stage {stage}", color="0.5", transform=left.get_xaxis_transform())
    figure.legend(loc="outside upper center", ncols=2)
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as partial:
        figure.savefig(partial, dpi=120)
