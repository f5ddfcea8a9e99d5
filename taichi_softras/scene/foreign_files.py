"""Files that nobody vouches for, and what those name: what is opened of them, and how large it may be.

Nothing that is read here can run a program. Of pictures only the formats in `PICTURE_FORMATS` are opened, whatever a file is called (Pillow would start
Ghostscript for an EPS file), and their size is looked at before a pixel is decoded: a file of a few kilobytes can stand for a picture that fills all memory.
Only files are read, no devices and no pipes, which might never end; and of those that a file names only what lies near it: in its folder, in one beside that,
or below (symbolic links are followed: those who can make them can read).
"""

import codecs
import contextlib
import json
import os
import re
import threading
import zipfile
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import unquote

import numpy as np
from PIL import Image

__all__ = [
    "MAX_PIXELS",
    "PICTURE_FORMATS",
    "NamedFiles",
    "as_path",
    "check_picture",
    "file_near",
    "is_file",
    "is_transparent",
    "own_pixel_limit",
    "picture_file",
    "pixels",
    "read_arrays",
    "read_content",
    "read_json",
    "read_text",
    "without_comment",
]

MAX_PIXELS = 1 << 28
OVERSHOOT = 0.1  # beyond [0, 1], of floats: a sharpening filter may leave so much
BITS_PER_SAMPLE, PHOTOMETRIC, WHITE_IS_ZERO = 258, 262, 0  # tags of TIFF, and what the second may be
MAX_TEXT = 1 << 28  # bytes of a list of cameras or materials
PICTURE_FORMATS = ("BMP", "GIF", "JPEG", "PNG", "PPM", "TGA", "TIFF", "WEBP")

_limit_lock = threading.RLock()


def as_path(op: str, name: str, path: object) -> Path:
    """The path that a user gives."""
    if not isinstance(path, (str, os.PathLike)):
        raise TypeError(f"{op}: {name} must be a path, got {type(path).__name__}")
    return Path(path)


def is_file(path: Path) -> bool:
    """Whether there is such a file; a name that cannot be one is none."""
    try:
        return path.is_file()
    except (OSError, ValueError):  # too long, or with a zero in it
        return False


def file_near(subject: str, path: Path, name: str) -> Path | None:
    """The file that the file ``path`` calls ``name``; None if there is none. ``subject`` begins the sentence of an error.

    Raises:
        ValueError: if it is there, but not near.
    """
    for spelling in (name, name.replace("\\", "/")):
        place = path.parent / spelling
        if is_file(place):
            near = Path(os.path.abspath(path)).parent.parent
            if not Path(os.path.abspath(place)).is_relative_to(near):
                raise ValueError(f"{subject} must lie near {path.name} (in its folder, or in one beside that), got {name}")
            return place
    return None


def without_comment(words: str) -> str:
    """What stands before a ``#`` that begins a word."""
    return re.split(r"(?:^|\s)#", words, maxsplit=1)[0].strip()


class NamedFiles:
    """The files that the mesh ``path``, or a material of its, names.

    Programs write names with quotes, with ``%20`` for a space, with a comment behind, and with folders of another computer: in the end the base name is looked
    for beside ``path``, in any case of letters.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def find(self, subject: str, name: str) -> Path | None:
        """The file that is called so; None if there is none.

        Raises:
            ValueError: if it is there, but not near. ``subject`` begins the sentence.
        """
        bare = without_comment(name)
        spellings = dict.fromkeys((name, bare, bare.strip("\"'"), unquote(bare.strip("\"'"))))
        for spelling in spellings:
            if (found := file_near(subject, self.path, spelling)) is not None:
                return found
        for spelling in spellings:
            found = self._beside.get(re.split(r"[\\/]", spelling)[-1].lower())
            if found is not None and is_file(found):
                return found
        return None

    @cached_property
    def _beside(self) -> dict[str, Path]:
        with contextlib.suppress(OSError):
            return {entry.name.lower(): entry for entry in sorted(self.path.parent.iterdir(), reverse=True)}
        return {}


def read_content(subject: str, path: Path) -> bytes:
    """The bytes of a file that is a text. ``subject`` begins the sentence of an error, such as "Mesh.load: m.mtl"."""
    n = path.stat().st_size
    if n > MAX_TEXT:
        raise ValueError(f"{subject} must have at most 2^28 bytes, got {n}")
    return path.read_bytes()


def read_text(subject: str, path: Path) -> str:
    """The text of a file, without a byte order mark: in UTF-16 if it has one of that, else in UTF-8. What is neither is replaced."""
    content = read_content(subject, path)
    encoding = "utf-16" if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else "utf-8-sig"
    return content.decode(encoding, errors="replace")


def read_arrays(path: Path, max_bytes: int) -> dict[str, np.ndarray]:
    """What an .npz file holds, if it is no larger unpacked than ``max_bytes``. Nothing is unpickled.

    Raises:
        OSError, LookupError, EOFError, ValueError, TypeError, AttributeError, MemoryError, zipfile.BadZipFile, zlib.error: if it is damaged, or none.
    """
    with zipfile.ZipFile(path) as archive:
        n_bytes = sum(entry.file_size for entry in archive.infolist())
    if n_bytes > max_bytes:
        raise ValueError(f"{n_bytes} bytes, where there may be at most {max_bytes}")
    try:
        with open(path, "rb") as file, np.load(file, allow_pickle=False) as saved:
            return dict(saved)
    except RuntimeError as error:  # compressed in a way that is not known, or encrypted
        raise ValueError(str(error)) from error


def read_json(subject: str, path: Path) -> Any:
    """What a JSON file says.

    Raises:
        ValueError: if it is none.
    """
    try:
        return json.loads(read_text(subject, path))
    except (json.JSONDecodeError, RecursionError) as error:
        raise ValueError(f"{subject} must be a JSON file, got {type(error).__name__}: {error}") from error


@contextlib.contextmanager
def own_pixel_limit() -> Iterator[None]:
    """Pillow's limit is lower than ours, and in part a warning: within this, a picture is to be measured by `check_picture`."""
    with _limit_lock:
        limit, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
        try:
            yield
        finally:
            Image.MAX_IMAGE_PIXELS = limit


def check_picture(subject: str, name: str, picture: Image.Image) -> None:
    """Its size and its format; ``name`` is what the sentence calls it."""
    if picture.width * picture.height > MAX_PIXELS:
        raise ValueError(f"{subject} must have at most 2^28 pixels, got {picture.width} x {picture.height} in {name}")
    if picture.format not in (*PICTURE_FORMATS, "MPO", None):  # MPO: a JPEG with more than one picture; None: no file
        raise ValueError(f"{subject} must be one of {', '.join(PICTURE_FORMATS)}, got {picture.format} in {name}")


@contextlib.contextmanager
def picture_file(subject: str, path: Path | BinaryIO, name: str) -> Iterator[Image.Image]:
    """The picture of a file, or of what stands for one, measured and not yet decoded.

    Raises:
        ValueError: if it is none that we open.
    """
    with own_pixel_limit():
        try:
            picture = Image.open(path, formats=PICTURE_FORMATS)
        except Exception as error:  # readers raise whatever the malformed file makes them stumble over
            why = f": {error}" if isinstance(path, Path) else ""
            raise ValueError(f"{subject} must be a picture in {', '.join(PICTURE_FORMATS)}, got {name}{why}") from error
        with picture:
            check_picture(subject, name, picture)
            yield picture


def is_transparent(picture: Image.Image) -> bool:
    """Whether a picture says of its pixels, or of some colour, how opaque they are."""
    palette = getattr(picture.palette, "mode", "") if picture.mode == "P" else ""
    return picture.getbands()[-1] in "Aa" or "transparency" in picture.info or palette.endswith("A")


def pixels(subject: str, name: str, picture: Image.Image, mode: str | None = None) -> np.ndarray:
    """[H, W, 3 or 4] float32 in [0, 1]: with ``mode`` "RGB" or "RGBA" so many channels, else four if the picture has transparency.

    Numbers are divided by the largest one that their kind can hold: 255, or 65535 (which a PNM file's own largest number stands for), or of a TIFF file as many
    bits as it has. Floats are taken as they are, and must lie in [0, 1] (but for what a resampling leaves beyond). CMYK is converted without a profile.

    Raises:
        ValueError: if the picture is damaged, or has numbers of which nobody knows what white is.
    """
    whole = "RGBA" if is_transparent(picture) else mode or "RGB"
    wanted = mode or whole
    try:
        if picture.mode not in ("I", "F") and not picture.mode.startswith("I;16"):
            return np.asarray(picture.convert(whole))[..., : len(wanted)].astype(np.float32) / np.float32(255)
        grey = np.asarray(picture)
    except Exception as error:  # what a damaged picture makes its reader stumble over
        raise ValueError(f"{subject} must be a readable picture, got {type(error).__name__}: {error} in {name}") from error
    if picture.mode == "I" and picture.format not in ("PNG", "PPM"):  # these have no more than 16 bits
        raise ValueError(f"{subject} must have 8 or 16 bits a channel, or floats, got integers of 32 bits in {name}")
    tags = getattr(picture, "tag_v2", {})  # of a TIFF file: Pillow heeds what these say of pictures of 8 bits alone
    white = np.float32(1 if picture.mode == "F" else 2 ** tags.get(BITS_PER_SAMPLE, (16,))[0] - 1)
    values = grey.astype(np.float32) / white
    if tags.get(PHOTOMETRIC) == WHITE_IS_ZERO:
        values = 1 - values
    if not (values.min() >= -OVERSHOOT and values.max() <= 1 + OVERSHOOT):
        raise ValueError(f"{subject} must have numbers from 0 to 1 where they are floats, got {values.min():g} to {values.max():g} in {name}")
    channels = np.repeat(np.clip(values, 0, 1)[..., None], len(wanted), axis=2)
    if wanted == "RGBA":
        channels[..., 3] = grey != picture.info.get("transparency", np.nan)
    return channels
