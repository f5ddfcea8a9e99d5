"""Several pictures and colours as one picture: the texture of a mesh that has several materials."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from ..kernels.texture_image import Wrap

__all__ = ["atlas", "packed"]

BORDER = 8  # texels around what is reached, so that neighbours do not show in a picture that is looked at from afar: up to its third mip level
ALIGNED = 16  # texels: where tiles begin, for the same reason
MAX_TEXELS, MAX_LOOKS = 1 << 26, 1 << 12


@dataclass(frozen=True)
class _Tile:
    """What is reached of a picture that goes on for ever.

    Attributes:
        texels: [h, w, 3 or 4], with the border.
        begin: (x, y) of the first of them, in texels of the picture, y down.
        size: (width, height) of the picture.
    """

    texels: np.ndarray
    begin: np.ndarray
    size: np.ndarray


def atlas(
    uvs: np.ndarray, face_uvs: np.ndarray, look_of_face: np.ndarray, looks: Iterable[tuple[np.ndarray, tuple[Wrap, Wrap]]]
) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
    """One texture [H, W, 3 or 4] for faces of different looks, and the texture coordinates [T, 2] and [F, 3] that lead into it; None if it would be too large.

    Of each picture it has what is reached, which may be the same several times, as it goes on outside of [0, 1]. A picture of one pixel is a plain colour.

    Args:
        uvs: [N, 2], u to the right, v up.
        face_uvs: [F, 3] into ``uvs``.
        look_of_face: [F] which of ``looks`` each face has.
        looks: of each the picture [h, w, 3 or 4], and how that goes on in u and in v. They are asked for one after the other, until one is too large, and
            of each what is needed is kept.
    """
    n_looks = int(look_of_face.max()) + 1
    if n_looks > MAX_LOOKS:
        return None
    by_look = np.split(np.argsort(look_of_face, kind="stable"), np.cumsum(np.bincount(look_of_face))[:-1])
    tiles, owned, places = list[_Tile](), list[np.ndarray](), np.zeros(face_uvs.shape, np.int32)
    n_uvs = n_texels = 0
    for faces, (picture, wraps) in zip(by_look, looks, strict=True):
        used, of_corner = np.unique(face_uvs[faces], return_inverse=True)
        own = uvs[used].astype(np.float64)
        if picture.shape[:2] == (1, 1):
            own, of_corner = np.full((1, 2), 0.5), np.zeros_like(of_corner)
        places[faces] = n_uvs + of_corner.reshape(-1, 3)
        if (tile := _tile(picture, wraps, own, MAX_TEXELS - n_texels)) is None:
            return None
        tiles.append(tile)
        owned.append(own)
        n_uvs, n_texels = n_uvs + len(own), n_texels + tile.texels.shape[0] * tile.texels.shape[1]
    corners, (height, width) = packed([tile.texels.shape[:2] for tile in tiles], ALIGNED)
    if height * width > MAX_TEXELS:
        return None
    texture = np.ones((height, width, max(tile.texels.shape[2] for tile in tiles)), np.float32)
    for (x, y), tile in zip(corners, tiles, strict=True):
        h, w, channels = tile.texels.shape
        texture[y : y + h, x : x + w, :channels] = tile.texels
    moved = [_moved(own, tile, corner, (width, height)) for own, tile, corner in zip(owned, tiles, corners, strict=True)]
    return texture, np.concatenate(moved), places


def _reached(uvs: np.ndarray, size: np.ndarray) -> np.ndarray:
    """[N, 2] x and y, in texels, y down."""
    return np.stack([uvs[:, 0], 1 - uvs[:, 1]], 1) * size


def _tile(picture: np.ndarray, wraps: tuple[Wrap, Wrap], uvs: np.ndarray, room: int) -> _Tile | None:
    size = np.array(picture.shape[1::-1])
    with np.errstate(all="ignore"):  # coordinates that are not finite, or far away, reach too much
        reached = _reached(uvs, size)
        begin, end = np.floor(reached.min(0)) - BORDER, np.ceil(reached.max(0)) + BORDER
        if not (end - begin).prod() <= room:
            return None
    columns, rows = (_texels(np.arange(begin[k], end[k]).astype(np.int64), int(size[k]), wraps[k]) for k in range(2))
    return _Tile(picture[rows[:, None], columns], begin, size)


def _texels(places: np.ndarray, n: int, wrap: Wrap) -> np.ndarray:
    """The texels in these places of a side of ``n`` that goes on."""
    if wrap is Wrap.CLAMP:
        return np.clip(places, 0, n - 1)
    if wrap is Wrap.MIRROR:
        return np.minimum(places % (2 * n), 2 * n - 1 - places % (2 * n))
    return places % n


def packed(shapes: list[tuple[int, ...]], step: int = 1) -> tuple[list[tuple[int, int]], tuple[int, int]]:
    """(x, y) of each rectangle (height, width), multiples of a step, and the height and width of all: on shelves, the highest first."""
    aligned = [tuple(-(-side // step) * step for side in shape) for shape in shapes]
    across = max(max(w for _, w in aligned), -(-int(sum(h * w for h, w in aligned) ** 0.5) // step) * step)
    corners, x, y, shelf = [(0, 0)] * len(shapes), 0, 0, 0
    for k in sorted(range(len(shapes)), key=lambda k: aligned[k], reverse=True):
        h, w = aligned[k]
        if x + w > across:
            x, y, shelf = 0, y + shelf, 0
        corners[k] = (x, y)
        x, shelf = x + w, max(shelf, h)
    return corners, (y + shelf, across)


def _moved(uvs: np.ndarray, tile: _Tile, corner: tuple[int, int], size: tuple[int, int]) -> np.ndarray:
    x, y = ((_reached(uvs, tile.size) - tile.begin + corner) / size).T
    return np.stack([x, 1 - y], 1)
