"""Pictures and masks read from files: turned as they must be, and made smaller while they are read, one in memory at a time."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import scipy.sparse as sp
from PIL import Image

from ..scene import is_transparent, picture_file, pixels

__all__ = ["Facts", "Window", "facts_of", "read_color", "read_mask", "read_transparent", "turned"]

ORIENTATION = 0x0112  # of EXIF, and of TIFF
TRANSPOSED = (5, 6, 7, 8)  # the orientations that make a wide picture a high one
UNKNOWN = [127, 128, 129]
TRIMAP = [0, 1, *UNKNOWN, 254, 255]  # the levels of a mask that has three: outside, unknown, inside
GREY = 8 / 255  # how far the channels of a grey picture may differ, by a JPEG's rounding
FINER = 2  # a JPEG is decoded at least so many times finer than asked for: silhouettes cut through the pixels of a coarser one


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What the head of a file says of a picture.

    Attributes:
        height, width: as it is stored.
        orientation: EXIF's, 1 to 8.
        transparent: whether it has alpha.
    """

    height: int
    width: int
    orientation: int
    transparent: bool


def facts_of(subject: str, path: Path) -> Facts:
    """Reads no pixel.

    Raises:
        ValueError: if it is no picture that we open, or a TIFF that says it is turned (which Pillow turns while it reads it).
    """
    with picture_file(subject, path, path.name) as picture:
        try:
            orientation = picture.getexif().get(ORIENTATION, 1)
        except Exception:  # a damaged head says nothing
            orientation = 1
        orientation = orientation if orientation in range(1, 9) else 1
        if picture.format == "TIFF" and orientation != 1:
            raise ValueError(
                f"{subject} must be stored as it is to be seen (a TIFF that is turned by a tag, others read either way), got orientation {orientation}"
            )
        return Facts(height=picture.height, width=picture.width, orientation=orientation, transparent=is_transparent(picture))


def turned(picture: np.ndarray, orientation: int) -> np.ndarray:
    """A picture [H, W, ...] as EXIF's orientation wants it to be seen."""
    if orientation in TRANSPOSED:
        picture = picture.swapaxes(0, 1)
    rows, columns = {1: (1, 1), 2: (1, -1), 3: (-1, -1), 4: (-1, 1), 5: (1, 1), 6: (1, -1), 7: (-1, -1), 8: (-1, 1)}[orientation]
    return picture[::rows, ::columns]


@dataclass(frozen=True, kw_only=True)
class Window:
    """The part of a picture that is kept, and how large a pixel of the smaller picture is.

    Attributes:
        top, left: where it begins, in pixels of the picture.
        step: the side of a pixel of the smaller picture, in pixels of the picture; at least 1.
        height, width: of the smaller picture.
    """

    top: float
    left: float
    step: float
    height: int
    width: int

    @classmethod
    def of(cls, height: int, width: int, size: int | None) -> "Window":
        """Of a picture whose shorter side is to be ``size``, if it is longer; a rest at the longer side, less than a pixel, is cut off at both ends."""
        step = 1.0 if size is None else max(1.0, min(height, width) / size)
        h, w = (max(1, int(side / step + 1e-9)) for side in (height, width))
        return cls(top=np.floor((height - h * step) / 2), left=np.floor((width - w * step) / 2), step=step, height=h, width=w)

    def average(self, picture: np.ndarray, pitch: int = 1) -> np.ndarray:
        """[height, width, C] means over areas of a picture [H, W, C] whose pixels are ``pitch`` of those that the window counts in."""
        if self.step == 1 and pitch == 1:
            return picture
        rows = _means(self.top / pitch, self.step / pitch, self.height, picture.shape[0])
        columns = _means(self.left / pitch, self.step / pitch, self.width, picture.shape[1])
        channels = picture.shape[2]
        low = (rows @ picture.reshape(len(picture), -1)).reshape(self.height, -1, channels).swapaxes(0, 1)
        small = columns @ low.reshape(low.shape[0], -1)
        return np.ascontiguousarray(small.reshape(self.width, self.height, channels).swapaxes(0, 1))


def _means(start: float, step: float, n: int, n_pixels: int) -> sp.csr_array:
    """[n, n_pixels] float32: the means over n intervals of a row of pixels, the first of which begins at ``start``."""
    ends = np.clip(start + step * np.arange(n + 1), 0, n_pixels)
    first, last = np.floor(ends[:-1]).astype(np.int64), np.ceil(ends[1:]).astype(np.int64)
    last = np.maximum(last, first + 1)
    counts = last - first
    row = np.repeat(np.arange(n), counts)
    column = np.arange(len(row)) - np.repeat(np.cumsum(counts) - counts, counts) + first[row]
    covered = np.clip(np.minimum(column + 1, ends[row + 1]) - np.maximum(column, ends[row]), 0, None)
    weight = covered / np.bincount(row, covered, n)[row]
    return sp.csr_array((weight.astype(np.float32), (row, column)), shape=(n, n_pixels))


def read_transparent(subject: str, path: Path, orientation: int) -> tuple[np.ndarray, np.ndarray]:
    """(color [H, W, 3], alpha [H, W, 1]) of a picture with alpha."""
    with picture_file(subject, path, path.name) as picture:
        rgba = turned(pixels(subject, path.name, picture, "RGBA"), orientation)
    return rgba[..., :3], rgba[..., 3:]


def read_color(subject: str, path: Path, orientation: int, step: float = 1.0) -> tuple[np.ndarray, int]:
    """[H, W, 3], and how many of the file's pixels a pixel stands for along a side.

    A JPEG that is to be made ``step`` times smaller is decoded 2, 4 or 8 times smaller, if that leaves it `FINER` and its sides are divisible: its pixels are
    then means over whole squares.
    """
    with picture_file(subject, path, path.name) as picture:
        full = picture.size
        pitch = next((pitch for pitch in (8, 4, 2) if pitch * FINER <= step and all(side % pitch == 0 for side in full)), 1)
        if pitch > 1:
            picture.draft(None, (full[0] // pitch, full[1] // pitch))
            pitch = full[0] // picture.width
        return turned(pixels(subject, path.name, picture, "RGB"), orientation), pitch


def read_mask(subject: str, path: Path, size: tuple[int, int], orientation: int) -> tuple[np.ndarray, np.ndarray | None]:
    """(alpha [H, W, 1], known [H, W, 1] or None if all is known) of the mask of a picture that has the given size once it is turned.

    Raises:
        ValueError: if it is of another size, or no mask.
    """
    facts = facts_of(subject, path)
    stored = (facts.height, facts.width)
    if stored != size:
        if stored != size[::-1] or orientation not in TRANSPOSED:
            raise ValueError(f"{subject} must have the size of its picture, {size[1]} x {size[0]}, got {stored[1]} x {stored[0]}")
    else:
        orientation = 1  # a mask made of the picture as it is seen
    with picture_file(subject, path, path.name) as picture:
        levels = _levels(subject, path.name, picture)
    levels = np.ascontiguousarray(turned(levels, orientation))[..., None]
    whole = levels if levels.dtype == np.uint8 else np.round(levels * 255).astype(np.uint8)
    counts = np.array(Image.fromarray(whole[..., 0]).histogram())
    if counts[1] and not counts[2:].any():  # 0 and 1: of a program that counts so
        return (whole > 0).astype(np.float32), None
    if counts[UNKNOWN].any() and counts[TRIMAP].sum() == counts.sum():
        return (whole > max(UNKNOWN)).astype(np.float32), ((whole < min(UNKNOWN)) | (whole > max(UNKNOWN))).astype(np.float32)
    return levels / np.float32(255) if levels.dtype == np.uint8 else levels, None


def _levels(subject: str, name: str, picture: Image.Image) -> np.ndarray:
    """[H, W] what a mask says: uint8 of a picture that has but that, else float32 in [0, 1]."""
    if picture.mode in ("1", "L") and not is_transparent(picture):
        try:
            return np.asarray(picture.convert("L"))
        except Exception as error:  # what a damaged picture makes its reader stumble over
            raise ValueError(f"{subject} must be a readable picture, got {type(error).__name__}: {error} in {name}") from error
    values = pixels(subject, name, picture)
    if values.shape[2] == 4 and values[..., 3].min() < values[..., 3].max():
        return values[..., 3]
    apart = values[..., :3].max(2) - values[..., :3].min(2)
    if apart.max() > GREY:
        raise ValueError(f"{subject} must be grey (0 outside, 255 inside), or have its mask in alpha, got colours")
    return values[..., 0]
