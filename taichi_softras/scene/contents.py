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
    column, row = _pixel(u * (width - 1), width), _pixel((1 - v) * (height - 1), height)
    return texture.reshape(height * width, -1)[:, :3].take(row * width + column, 0)


def _pixel(at: np.ndarray, n: int) -> np.ndarray:
    inside = at.size and at.min() >= 0 and at.max() <= n - 1  # then there is nothing to divide, which takes longest
    return np.round(at).astype(np.int64) if inside else np.round(at % n).astype(np.int64) % n
