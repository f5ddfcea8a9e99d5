"""COLMAP's models, text and binary: ``cameras``, ``images`` and ``points3D`` with ``.txt`` or ``.bin``.

The formats are those of https://colmap.github.io/format.html. COLMAP's world is kept; its camera axes are OpenCV's, and the centre of its first pixel is
at (0.5, 0.5), as ours. Files that versions from 3.12 on write beside (``rigs``, ``frames``) say nothing more of where a picture was taken. EXIF's orientation
is nothing to COLMAP (tried with 4.2.1): its models speak of pictures as they are stored.
"""

import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..scene import is_file, read_content, read_text
from .frames import MASK_FOLDERS, OPEN, Frame, Listing
from .named import NamedPictures

__all__ = ["find_model", "read_colmap"]

FOLDERS = ("", "sparse/0", "sparse", "colmap/sparse/0", "0")  # where a model lies within a folder that one names
PICTURES = ("images", "images_2", "images_4", "images_8")  # the folder of its pictures: the largest ones
FILES = ("cameras", "images")


@dataclass(frozen=True)
class Model:
    """A camera model of COLMAP's: its number in binary files, and its parameters in our words (those of `transforms.py`), None if our lenses cannot hold it."""

    name: str
    n: int
    parameters: tuple[str, ...] | None = None
    lens: str | None = None  # as `transforms.py` calls it, where that is another name


_F, _FXY, _C = ("fl",), ("fl_x", "fl_y"), ("cx", "cy")
MODELS = {
    0: Model("SIMPLE_PINHOLE", 3, (*_F, *_C)),
    1: Model("PINHOLE", 4, (*_FXY, *_C)),
    2: Model("SIMPLE_RADIAL", 4, (*_F, *_C, "k1")),
    3: Model("RADIAL", 5, (*_F, *_C, "k1", "k2")),
    4: Model("OPENCV", 8, (*_FXY, *_C, "k1", "k2", "p1", "p2")),
    5: Model("OPENCV_FISHEYE", 8, (*_FXY, *_C, "k1", "k2", "k3", "k4")),
    6: Model("FULL_OPENCV", 12, (*_FXY, *_C, "k1", "k2", "p1", "p2", "k3", "k4", "k5", "k6")),
    7: Model("FOV", 5),
    8: Model("SIMPLE_RADIAL_FISHEYE", 4, (*_F, *_C, "k1")),
    9: Model("RADIAL_FISHEYE", 5, (*_F, *_C, "k1", "k2")),
    10: Model("THIN_PRISM_FISHEYE", 12),
    11: Model("RAD_TAN_THIN_PRISM_FISHEYE", 16),
    12: Model("SIMPLE_DIVISION", 4),
    13: Model("DIVISION", 5),
    14: Model("SIMPLE_FISHEYE", 3, (*_F, *_C), "OPENCV_FISHEYE"),
    15: Model("FISHEYE", 4, (*_FXY, *_C), "OPENCV_FISHEYE"),
    16: Model("EUCM", 6),
    17: Model("EQUIRECTANGULAR", 2),
}


def find_model(folder: Path) -> Path | None:
    """The file of a model's pictures (``images.bin`` or ``images.txt``), in the folder or where COLMAP and nerfstudio leave it within."""
    for place in FOLDERS:
        for ending in (".bin", ".txt"):
            if all(is_file(folder / place / (name + ending)) for name in FILES):
                return folder / place / f"images{ending}"
    return None


def read_colmap(index: Path) -> Listing:
    """The model whose file of pictures is ``index``, in the order of the pictures' names.

    Raises:
        ValueError: if it is not what it should be.
    """
    binary = index.suffix == ".bin"
    files = [index.with_name(f"{name}{index.suffix}") for name in ("cameras", "images", "points3D")]
    cameras = _read(files[0], _binary_cameras if binary else _text_cameras)
    images = _read(files[1], _binary_images if binary else _text_images)
    points = _read(files[2], _binary_points if binary else _text_points) if is_file(files[2]) else None
    if not images:
        raise ValueError(f"{OPEN}: {index} must hold at least one picture, got none")
    images = sorted(images, key=lambda image: image[0])
    pictures, frames = NamedPictures(index, folder=_pictures(index, images[0][0])), []
    for name, camera, quaternion, translation in images:
        if camera not in cameras:
            raise ValueError(f"{OPEN}: {index} must name cameras of {files[0].name}, got {camera}")
        norm = np.linalg.norm(quaternion)
        if not (np.isfinite([*quaternion, *translation]).all() and norm > 0):
            raise ValueError(f"{OPEN}: {index} must hold finite poses, got {[*quaternion, *translation]} of {name}")
        path = pictures.find(name, other_ending=True)
        frames.append(Frame(name=name, path=path, world_from_camera=_pose(quaternion / norm, translation), listed=cameras[camera]))
    return Listing(index=index, frames=frames, points=points)


def _pictures(index: Path, name: str) -> Path:
    """The folder that names of pictures are relative to: ``images`` beside the model, or beside the folders it lies in.

    If there is none, it is the only folder there, but for one of masks, that has a picture of this name.
    """
    folder = index.absolute().parent
    for place in (folder, *list(folder.parents)[:3]):
        for called in PICTURES:
            if (place / called).is_dir():
                return place / called
    beside = [entry for place in (folder, *list(folder.parents)[:2]) for entry in _entries(place) if entry.name not in MASK_FOLDERS]
    holding = [entry for entry in beside if is_file(entry / name)]
    return holding[0] if len(holding) == 1 and not is_file(folder / name) else folder


def _entries(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except OSError:
        return []


def _pose(quaternion: np.ndarray, translation: np.ndarray) -> np.ndarray:
    """World from camera in OpenGL's axes, of COLMAP's camera from world (w first)."""
    w, x, y, z = quaternion
    rotation = np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
            [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
            [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
        ]
    )
    pose = np.eye(4)
    pose[:3, :3], pose[:3, 3] = rotation.T, -rotation.T @ translation
    return pose @ np.diag([1.0, -1.0, -1.0, 1.0])


def _read(path: Path, reader: Callable[[Any], Any]) -> Any:
    subject = f"{OPEN}: {path}"
    try:
        return reader(read_content(subject, path) if path.suffix == ".bin" else read_text(subject, path))
    except (ValueError, IndexError, OverflowError, struct.error) as error:
        if str(error).startswith(OPEN):
            raise
        raise ValueError(f"{subject} must be one of COLMAP's, got {error}") from error


def _camera(model: Model, width: int, height: int, values: list[float]) -> dict[str, Any]:
    """In the words of `transforms.py`. Of a model that no lens of ours holds the name alone, which is refused there if a picture wants it."""
    if model.parameters is None:
        return {"camera_model": model.name}
    named = dict(zip(model.parameters, values, strict=True))
    if "fl" in named:
        named["fl_x"] = named["fl_y"] = named.pop("fl")
    return {"camera_model": model.lens or model.name, "w": width, "h": height, **named}


# ---- text ------------------------------------------------------------------------------------------------------------------------------------------------


def _rows(text: str) -> list[str]:
    return [line for line in (line.strip() for line in text.splitlines()) if line and not line.startswith("#")]


def _text_cameras(text: str) -> dict[int, dict[str, Any]]:
    by_name = {model.name: model for model in MODELS.values()}
    cameras = {}
    for row in _rows(text):
        number, name, width, height, *values = row.split()
        model = by_name.get(name, Model(name, len(values)))
        if len(values) != model.n:
            raise ValueError(f"{len(values)} parameters of a {name}, which has {model.n}")
        cameras[int(number)] = _camera(model, int(width), int(height), [float(value) for value in values])
    return cameras


def _text_images(text: str) -> list[tuple[str, int, np.ndarray, np.ndarray]]:
    """Two lines a picture; the second, of the points seen, may be empty."""
    images, lines = [], iter(text.splitlines())
    for line in lines:
        line = line.strip()
        if not line or line.startswith("#"):
            continue
        words = line.split(maxsplit=9)
        if len(words) < 10:
            raise ValueError(f"a picture told by {len(words)} of 10 words")
        images.append((words[9], int(words[8]), np.array(words[1:5], np.float64), np.array(words[5:8], np.float64)))
        seen = next(lines, "").strip()
        if seen and not seen.startswith("#") and not _is_integer(seen.rsplit(maxsplit=1)[-1]):  # the next picture, which would be left out without a word
            raise ValueError(f"no line of the points seen (it may be empty) behind that of {words[9]}")
    return images


def _is_integer(word: str) -> bool:
    return word.removeprefix("-").isdecimal()


def _text_points(text: str) -> np.ndarray:
    points = np.array([row.split(maxsplit=4)[1:4] for row in _rows(text)], np.float64).reshape(-1, 3)
    return _finite(points)


# ---- binary ----------------------------------------------------------------------------------------------------------------------------------------------


class Cursor:
    """Numbers of a binary file, one after the other; what would reach beyond its end is refused before it is read."""

    def __init__(self, content: bytes) -> None:
        self.content, self.at = content, 0

    def take(self, layout: str) -> tuple[Any, ...]:
        fields = struct.Struct("<" + layout)
        self.need(fields.size)
        values = fields.unpack_from(self.content, self.at)
        self.at += fields.size
        return values

    def count(self, at_least: int) -> int:
        """How many follow, each of at least so many bytes."""
        (n,) = self.take("Q")
        self.need(n * at_least, f"{n} entries")
        return n

    def need(self, n_bytes: int, what: str = "numbers") -> None:
        if n_bytes > len(self.content) - self.at:
            raise ValueError(f"{what} that reach to byte {self.at + n_bytes} of {len(self.content)}")

    def skip(self, n_bytes: int) -> None:
        self.need(n_bytes)
        self.at += n_bytes

    def name(self) -> str:
        end = self.content.find(b"\0", self.at)
        if end < 0:
            raise ValueError(f"a name without an end, at byte {self.at} of {len(self.content)}")
        name, self.at = self.content[self.at : end], end + 1
        return name.decode("utf-8", errors="replace")

    def end(self) -> None:
        if self.at != len(self.content):
            raise ValueError(f"{len(self.content) - self.at} bytes more than it says")


def _binary_cameras(content: bytes) -> dict[int, dict[str, Any]]:
    cursor, cameras = Cursor(content), {}
    for _ in range(cursor.count(24 + 16)):
        number, kind, width, height = cursor.take("IiQQ")
        if kind not in MODELS:
            raise ValueError(f"the camera model {kind}, where 0 to {max(MODELS)} are known")
        cameras[number] = _camera(MODELS[kind], width, height, list(cursor.take(f"{MODELS[kind].n}d")))
    cursor.end()
    return cameras


def _binary_images(content: bytes) -> list[tuple[str, int, np.ndarray, np.ndarray]]:
    cursor, images = Cursor(content), []
    for _ in range(cursor.count(64 + 1 + 8)):
        _, *pose, camera = cursor.take("I7dI")
        name = cursor.name()
        images.append((name, camera, np.array(pose[:4]), np.array(pose[4:])))
        cursor.skip(24 * cursor.count(24))
    cursor.end()
    return images


def _binary_points(content: bytes) -> np.ndarray:
    cursor = Cursor(content)
    points = np.empty((cursor.count(8 + 24 + 3 + 8 + 8), 3))
    for i in range(len(points)):
        _, points[i, 0], points[i, 1], points[i, 2], *_ = cursor.take("Q3d3Bd")
        cursor.skip(8 * cursor.count(8))
    cursor.end()
    return _finite(points)


def _finite(points: np.ndarray) -> np.ndarray:
    if not np.isfinite(points).all():
        raise ValueError("points that are not finite")
    return points
