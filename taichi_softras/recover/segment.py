"""Masks for pictures that have none: by rembg, if it and its weights are there, else roughly, by OpenCV's GrabCut.

GrabCut (Rother, Kolmogorov and Blake, SIGGRAPH 2004) is begun from the box that the cameras agree on. Alone in each picture it takes gaps within the object for
part of it, since they begin inside of its box. So what all pictures together have taken for object and for surroundings gives one likelihood of colours, by
which pixels change sides, and each picture is cut anew; that twice.
"""

import importlib.util
import os
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import scipy.ndimage
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from tqdm import tqdm

from ..replacing import replacing
from ..scene import Camera, is_file, picture_file
from .frames import OPEN
from .pixels import Window, read_color

__all__ = ["finder_of", "object_sphere", "segmented"]

SIDE = 320  # the shorter side of the pictures that are cut
RIM = 0.04  # of the shorter side, at the borders, which the object is taken not to reach
NEAR = 0.5  # of the sphere that the pictures show: points within are the object's
WIDER = 1.15  # than those points is the box
ITERATIONS = (3, 1, 1)  # of each cut
BINS = 32  # of a colour channel
REMBG_MODELS = ("birefnet-general", "isnet-general-use", "u2net", "u2netp")  # the better ones first
FINDER = "Mask found by"  # a text within the PNG; programs by which a mask is corrected do not write it again
BACKGROUND, OBJECT, MAYBE_BACKGROUND, MAYBE_OBJECT = 0, 1, 2, 3  # GrabCut's


def segmented(
    paths: Sequence[Path],
    names: Sequence[str],
    sizes: np.ndarray,
    orientations: Sequence[int],
    camera: Camera,
    points: np.ndarray | None,
    sphere: tuple[np.ndarray, float] | None,
    folder: Path,
) -> tuple[Path, ...]:
    """Writes a mask for each picture into the folder, ``NAME.png`` of the picture's size, and returns where they are. For the arguments see `Capture`.

    Raises:
        RuntimeError: if neither rembg with weights nor OpenCV is installed.

    Warns:
        UserWarning: that they are rough, and where to look at them.
    """
    windows = [Window.of(height, width, SIDE) for height, width in sizes.tolist()]
    model = _rembg_model()
    if model is None and importlib.util.find_spec("cv2") is None:
        raise RuntimeError(f"{OPEN}: masks are found by rembg or by OpenCV, of which none is installed: pip install 'taichi_softras[segment]'")
    if model is not None:
        cut, by = _by_rembg(model), f"rembg ({model})"
    else:
        centre, radius = object_sphere(camera, sizes, points, sphere)
        boxes = [_box(camera[i], size, window, centre, radius) for i, (size, window) in enumerate(zip(sizes.tolist(), windows, strict=True))]
        cut, by = _by_grabcut(boxes), "GrabCut"
    small = [_small(path, turn, window) for path, turn, window in zip(_counted(paths, "read"), orientations, windows, strict=True)]
    targets, note = [], PngInfo()
    note.add_text(FINDER, by)
    for name, size, window, mask in zip(names, sizes.tolist(), windows, cut(small), strict=True):
        target = folder / f"{name}.png"
        target.parent.mkdir(parents=True, exist_ok=True)
        with replacing(target) as partial:
            Image.fromarray(_enlarged(mask, size, window)).save(partial, pnginfo=note)
        targets.append(target)
    better = ""
    if model is None and importlib.util.find_spec("rembg") is not None:
        better = f" (rembg is there, but not its weights, which come by: python -c 'import rembg; rembg.new_session(\"{REMBG_MODELS[1]}\")')"
    warnings.warn(
        f"{OPEN}: the masks of {len(paths)} pictures are rough, by {by}{better}: look at them in {folder}, correct what is wrong (0 outside, 255 inside), and "
        "begin again; what lies there is kept",
        UserWarning,
        stacklevel=4,
    )
    return tuple(targets)


def finder_of(mask: Path) -> str | None:
    """By what `segmented` has found a mask; None of one that somebody else has made, or has corrected and saved since."""
    with picture_file(f"{OPEN}: a mask", mask, str(mask)) as picture:
        return picture.info.get(FINDER)


def object_sphere(
    camera: Camera, sizes: np.ndarray, points: np.ndarray | None = None, sphere: tuple[np.ndarray, float] | None = None
) -> tuple[np.ndarray, float]:
    """(centre [3], radius) of a sphere that holds the object: ``sphere``, if it is given; else the cameras look at it.

    Its centre is then the point nearest to all view axes (least squares), and its radius such that in the middle one of the pictures (by that radius) it is as
    wide as the longer side. Where there are points, it is made smaller: to the middle (median) of those within half of it, and 1.15 times as far as nineteen
    of twenty of these lie.
    """
    if sphere is not None:
        return sphere
    rotation, eye = np.asarray(camera.camera_from_world, np.float64)[:, :, :3], camera.eye
    axes = -rotation[:, 2]
    across = np.eye(3) - axes[:, :, None] * axes[:, None, :]
    centre = np.linalg.lstsq(across.sum(0), (across @ eye[:, :, None]).sum(0)[:, 0], rcond=None)[0]
    distance = np.linalg.norm(eye - centre, axis=1)
    radius = float(np.median(distance * sizes.max(1) / sizes.min(1) / np.asarray(camera.intrinsics)[:, 0]))
    near = np.zeros((0, 3)) if points is None else points[np.linalg.norm(points - centre, axis=1) < NEAR * radius]
    if len(near) < 20:
        return centre, radius
    middle = np.median(near, axis=0)
    return middle, WIDER * float(np.quantile(np.linalg.norm(near - middle, axis=1), 0.95))


def _counted(pictures: Sequence[Any], what: str) -> Iterator[Any]:
    """The pictures, with a bar for who waits at a terminal."""
    return iter(tqdm(pictures, desc=f"masks, {what}", unit="picture", dynamic_ncols=True, disable=True if sys.stderr is None else None))


def _box(camera: Camera, size: list[int], window: Window, centre: np.ndarray, radius: float) -> tuple[int, int, int, int]:
    """(top, bottom, left, right) of the sphere in the smaller picture, within its rim; all within the rim, if the sphere is not before the camera."""
    rim = max(1, round(RIM * min(window.height, window.width)))
    whole = (rim, window.height - rim, rim, window.width - rim)
    x, y, z = np.asarray(camera.camera_from_world, np.float64)[0] @ np.append(centre, 1.0)
    fx, fy, cx, cy = np.asarray(camera.intrinsics, np.float64)[0]
    if -z <= radius:
        return whole
    half = min(size) / 2
    column, row = size[1] / 2 + half * (cx + fx * x / -z), size[0] / 2 - half * (cy + fy * y / -z)
    reach = half * max(fx, fy) * radius / np.sqrt(z * z - radius * radius)
    low = [(at - reach - start) / window.step for at, start in ((row, window.top), (column, window.left))]
    high = [(at + reach - start) / window.step for at, start in ((row, window.top), (column, window.left))]
    box = (max(rim, int(low[0])), min(whole[1], int(high[0]) + 1), max(rim, int(low[1])), min(whole[3], int(high[1]) + 1))
    return box if box[0] < box[1] and box[2] < box[3] else whole


def _small(path: Path, orientation: int, window: Window) -> np.ndarray:
    """[h, w, 3] uint8, of the window's size."""
    color, pitch = read_color(f"{OPEN}: {path}", path, orientation, window.step)
    return np.round(window.average(color, pitch) * 255).astype(np.uint8)


def _enlarged(mask: np.ndarray, size: list[int], window: Window) -> np.ndarray:
    """[H, W] uint8 of a mask [h, w] of the smaller picture: between the centres of its pixels it changes evenly."""
    if window.step == 1:
        return np.round(mask * 255).astype(np.uint8)
    row = np.clip((np.arange(size[0]) + 0.5 - window.top) / window.step - 0.5, 0, window.height - 1)
    column = np.clip((np.arange(size[1]) + 0.5 - window.left) / window.step - 0.5, 0, window.width - 1)
    tall = scipy.ndimage.map_coordinates(mask.astype(np.float32), np.meshgrid(row, column, indexing="ij"), order=1)
    return np.round(tall * 255).astype(np.uint8)


def _by_grabcut(boxes: list[tuple[int, int, int, int]]) -> Callable[[list[np.ndarray]], list[np.ndarray]]:
    def cut(pictures: list[np.ndarray]) -> list[np.ndarray]:
        labels = []
        for picture, (top, bottom, left, right) in zip(_counted(pictures, f"cut 1 of {len(ITERATIONS)}"), boxes, strict=True):
            begun = np.full(picture.shape[:2], BACKGROUND, np.uint8)
            begun[top:bottom, left:right] = MAYBE_OBJECT
            labels.append(_grabcut(picture, begun, ITERATIONS[0]))
        for turn, iterations in enumerate(ITERATIONS[1:], 2):
            likelihood = _object_likelihood(pictures, labels)
            for i, picture in enumerate(_counted(pictures, f"cut {turn} of {len(ITERATIONS)}")):
                found, label = likelihood[_color_bins(picture)], labels[i]
                free = label != BACKGROUND
                label[free & (found < 0)] = MAYBE_BACKGROUND
                label[free & (found > 0)] = MAYBE_OBJECT
                labels[i] = _grabcut(picture, label, iterations)
        return [_is_object(label) for label in labels]

    return cut


def _grabcut(picture: np.ndarray, labels: np.ndarray, iterations: int) -> np.ndarray:
    import cv2

    if not _is_object(labels).any() or _is_object(labels).all():  # nothing to learn a colour from
        return labels
    cv2.setRNGSeed(0)  # it clusters colours at random: the same masks in every run
    cut, _, _ = cv2.grabCut(picture, labels.copy(), (0, 0, 1, 1), np.zeros((1, 65)), np.zeros((1, 65)), iterations, cv2.GC_INIT_WITH_MASK)
    return np.asarray(cut)


def _is_object(labels: np.ndarray) -> np.ndarray:
    return (labels == OBJECT) | (labels == MAYBE_OBJECT)


def _color_bins(picture: np.ndarray) -> np.ndarray:
    """[h, w]: the number of the box of colours that each pixel is in."""
    return (picture.astype(np.int64) * BINS // 256) @ np.array([BINS * BINS, BINS, 1])


def _object_likelihood(pictures: list[np.ndarray], labels: list[np.ndarray]) -> np.ndarray:
    """[BINS^3]: by how many nats a colour is likelier within the object than outside, over all pictures."""
    counts = np.zeros((2, BINS**3))
    for picture, label in zip(pictures, labels, strict=True):
        inside = _is_object(label)
        for side, chosen in enumerate((~inside, inside)):
            counts[side] += np.bincount(_color_bins(picture)[chosen], minlength=BINS**3)
    smooth = [scipy.ndimage.gaussian_filter(one.reshape(BINS, BINS, BINS), 0.7).ravel() for one in counts]
    outside, inside = (one / max(one.sum(), 1.0) + 1e-7 for one in smooth)
    return np.log(inside / outside)


def _rembg_model() -> str | None:
    """The best of rembg's models whose weights are on this machine. (rembg itself would download them.)"""
    if importlib.util.find_spec("rembg") is None:
        return None
    data, told = os.environ.get("XDG_DATA_HOME"), os.environ
    homes: tuple[str | None, ...] = (told.get("REMBG_HOME"), f"{data}/rembg" if data else "~/.rembg", f"{data or '~'}/.u2net")
    homes = (told["U2NET_HOME"],) if "U2NET_HOME" in told else homes
    places = [Path(home).expanduser() for home in homes if home]
    return next(
        (model for model in REMBG_MODELS for home in places if any(is_file(home / at) for at in (f"{model}.onnx", f"models/{model}/{model}.onnx"))), None
    )


def _by_rembg(model: str) -> Callable[[list[np.ndarray]], list[np.ndarray]]:
    def cut(pictures: list[np.ndarray]) -> list[np.ndarray]:
        import rembg

        session: Any = rembg.new_session(model)
        found = (rembg.remove(Image.fromarray(picture), session=session, only_mask=True) for picture in _counted(pictures, "cut"))
        return [np.asarray(mask.convert("L"), np.float32) / 255 for mask in found]

    return cut
