"""What all readers of cameras make of their files: a `Listing` of `Frame`s, whose cameras are told as `transforms.py` says."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

__all__ = ["MASK_FOLDERS", "OPEN", "PICTURE_ENDINGS", "Frame", "Listing"]

OPEN = "Capture.open"  # which the sentences of all readers begin with
MASK_FOLDERS = ("masks", "mask")
PICTURE_ENDINGS = (".png", ".webp", ".tif", ".tiff", ".jpg", ".jpeg", ".bmp", ".tga")  # in this order, where a list leaves out the ending


@dataclass(frozen=True, kw_only=True)
class Frame:
    """A picture as a file of cameras tells of it.

    Attributes:
        name: as it is written there.
        path: where it lies; None if it is absent.
        world_from_camera: [4, 4], OpenGL's axes.
        listed: its intrinsics, in the words of `transforms.py`; of this size or another one with the same proportions.
        own: the same, of just the size of the picture; it goes first.
        mask: the picture of its mask, if the file of cameras names one.
        known: a picture of the pixels that count, if it names one.
    """

    name: str
    path: Path | None
    world_from_camera: np.ndarray
    listed: dict[str, Any] = field(default_factory=dict)
    own: dict[str, Any] = field(default_factory=dict)
    mask: Path | None = None
    known: Path | None = None


@dataclass(frozen=True, kw_only=True)
class Listing:
    """What a file, or a folder, of cameras holds.

    Attributes:
        index: the file that sentences name.
        frames: at least one.
        points: [P, 3] that are seen in the pictures, or None.
        sphere: (centre [3], radius) of where the object is, or None.
    """

    index: Path
    frames: list[Frame]
    points: np.ndarray | None = None
    sphere: tuple[np.ndarray, float] | None = None
