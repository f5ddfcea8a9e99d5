"""What the file of a mesh holds, and the pictures in it: what the readers and writers of all formats share."""

import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from ..checks import BRIGHTEST
from ..kernels.texture_image import Wrap
from .foreign_files import NamedFiles, picture_file, pixels

__all__ = ["REDUCED", "Contents", "colors_at", "find_texture", "joined", "picture_of", "read_texture", "texture_subject", "unit_colors", "vertex_normals"]

REDUCED = (
    "its pictures do not make one texture (they are too large, or repeated too often, or colours vary beside them), and are reduced to colours at the vertices"
)
LEAST_OF_255 = 2  # the largest of whole numbers that are colours in 0..255


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


def find_texture(files: NamedFiles, name: str, stacklevel: int) -> Path | None:
    """The picture that the mesh of ``files`` calls so; None, with a warning at ``stacklevel`` from here, if there is none."""
    found = files.find(texture_subject(files.path), name)
    if found is None:
        warnings.warn(f"Mesh.load: {files.path} names the texture {name!r}, and there is no such file", UserWarning, stacklevel=stacklevel)
    return found


def read_texture(path: Path, place: Path) -> np.ndarray:
    """[H, W, 3], or [H, W, 4] if the picture has transparency, float32 in [0, 1]: the picture at ``place``, of the mesh ``path``."""
    with picture_file(texture_subject(path), place, place.name) as picture:
        return pixels(texture_subject(path), place.name, picture)


def picture_of(texture: np.ndarray) -> Image.Image:
    """The picture to be written, in 8 bits."""
    return Image.fromarray(np.round(np.clip(texture, 0, 1) * 255).astype(np.uint8))


def vertex_normals(vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """[V, 3] float32 unit normals, the mean of those of the faces around by their area; (0, 0, 1) where there is none, as files want a unit vector."""
    a, b, c = vertices.astype(np.float64)[faces].transpose(1, 0, 2)
    of_face = np.cross(b - a, c - a)
    total = np.stack([np.bincount(faces.ravel(), np.repeat(of_face[:, k], 3), len(vertices)) for k in range(3)], 1)
    length = np.linalg.norm(total, axis=1, keepdims=True)
    return np.where(length > 0, total / np.where(length > 0, length, 1), [0.0, 0.0, 1.0]).astype(np.float32)


def colors_at(uvs: np.ndarray, texture: np.ndarray) -> np.ndarray:
    """[N, 3] the nearest pixels, the outermost ones standing on the borders."""
    height, width = texture.shape[:2]
    u, v = uvs.astype(np.float64).T
    column, row = _pixel(u * (width - 1), width), _pixel((1 - v) * (height - 1), height)
    return texture.reshape(height * width, -1)[:, :3].take(row * width + column, 0)


def unit_colors(colors: np.ndarray) -> np.ndarray:
    """[N, 3] in [0, 1] of numbers that a file does not say the unit of; NaN stays so.

    They are in 0..255 if all are whole numbers and the largest is at least 2, or if it is above 16; else in 0..1, and what is above 1, as rounding and bright
    lights leave it, is 1.
    """
    given = colors[~np.isnan(colors)]
    largest = given.max(initial=0)
    of_255 = largest > BRIGHTEST or (largest >= LEAST_OF_255 and not (given % 1).any())
    return np.clip(colors / (255 if of_255 else 1), 0, 1)


def _pixel(at: np.ndarray, n: int) -> np.ndarray:
    inside = at.size and at.min() >= 0 and at.max() <= n - 1  # then there is nothing to divide, which takes longest
    return np.round(at).astype(np.int64) if inside else np.round(at % n).astype(np.int64) % n


def joined(points: np.ndarray, colors: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray] | None:
    """The first of all equal vertices (points, and colours if given), in their order, and for each vertex which of these it is, int32; None if all differ.

    Vertices are sorted by a hash; were two different ones to share it, they would be told apart by a slower sort.
    """
    points = points + points.dtype.type(0)  # no negative zero: equal numbers have equal bits
    columns = [points] if colors is None else [points, colors + np.float32(0)]
    hashed = _hash(columns)
    in_order = np.sort(hashed)  # several times faster than argsort, which is needed only if two are equal
    if (in_order[1:] != in_order[:-1]).all():
        return None
    order = np.argsort(hashed)
    in_order = hashed[order]
    is_first = np.concatenate([[True], in_order[1:] != in_order[:-1]])
    sorted_columns = (rows.take(order, 0).T for rows in columns)
    if all((is_first[1:] | (numbers[1:] == numbers[:-1])).all() for rows in sorted_columns for numbers in rows):
        first = np.minimum.reduceat(order, np.flatnonzero(is_first))
        inverse = np.empty(len(points), np.int64)
        inverse[order] = np.cumsum(is_first) - 1
    else:
        rows = np.concatenate([column.astype(np.float64) for column in columns], axis=1)
        _, first, inverse = np.unique(rows, axis=0, return_index=True, return_inverse=True)
        inverse = inverse.reshape(-1)
    ranks = np.argsort(first)
    place = np.empty(len(ranks), np.int32)
    place[ranks] = np.arange(len(ranks), dtype=np.int32)
    return first[ranks], place[inverse]


def _hash(columns: list[np.ndarray]) -> np.ndarray:
    """[V] uint64: a sum of the bits of each number times an odd number of its own."""
    hashed, odd = np.zeros(len(columns[0]), np.uint64), 0x9E3779B97F4A7C15
    for rows in columns:
        for column in np.ascontiguousarray(rows).view(f"u{rows.dtype.itemsize}").T:
            hashed += column * np.uint64(odd)
            odd = odd * 0xD1342543DE82EF95 % (1 << 64)
    return hashed
