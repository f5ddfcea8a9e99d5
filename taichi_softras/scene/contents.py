"""What the file of a mesh holds, and the pictures in it: what the readers and writers of all formats share."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from ..kernels.texture_image import Wrap
from .foreign_files import check_picture, pixels

__all__ = ["Contents", "colors_at", "picture_of", "texture_of", "texture_subject"]


@dataclass(frozen=True, kw_only=True)
class Contents:
    """What the file of a mesh holds, not yet looked at: a `Mesh` looks at it."""

    vertices: np.ndarray
    faces: np.ndarray
    colors: np.ndarray | None = None
    uvs: np.ndarray | None = None
    face_uvs: np.ndarray | None = None
    texture: np.ndarray | None = None
    wrap: Wrap | None = None


def texture_subject(path: Path) -> str:
    """How a sentence about the texture of a file begins."""
    return f"Mesh.load: the texture of {path}"


def texture_of(path: Path, name: str, picture: Image.Image) -> np.ndarray:
    """[H, W, 3], or [H, W, 4] if the picture has transparency, float32 in [0, 1]."""
    check_picture(texture_subject(path), name, picture)
    return pixels(texture_subject(path), name, picture)


def picture_of(texture: np.ndarray) -> Image.Image:
    """The picture to be written, in 8 bits."""
    return Image.fromarray(np.round(np.clip(texture, 0, 1) * 255).astype(np.uint8))


def colors_at(uvs: np.ndarray, texture: np.ndarray) -> np.ndarray:
    """[N, 3] the nearest pixels, the outermost ones standing on the borders."""
    height, width = texture.shape[:2]
    u, v = uvs.astype(np.float64).T
    column = np.round(u * (width - 1) % width).astype(np.int64) % width
    row = np.round((1 - v) * (height - 1) % height).astype(np.int64) % height
    return texture[row, column, :3]
