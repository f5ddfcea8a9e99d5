"""Pictures as textures, sampled at (u, v): for every array library, with exact gradients.

u runs to the right and v up; (0, 0) is the lower left corner of the picture, whose row 0 is the top. Texel centres are at half-integers: the first one of a
row of W is at u = 0.5/W. (So OBJ and OpenGL; glTF's v runs down, and `Mesh` turns it.)
"""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..checks import check_choice, check_corners, check_countable, check_integer, check_kind, check_reals, check_shape, check_table
from ..kernels.texture_image import Filter, Wrap, join_op, mipmap_op, sample_op
from ..runtime import Arrays

__all__ = [
    "Filter",
    "FlatTextures",
    "TextureLevels",
    "TextureSettings",
    "UVTexture",
    "Wrap",
    "flat_textures",
    "mip_pyramid",
    "n_channels",
    "n_pictures",
    "sample_flat",
    "sample_texture",
]

Array = Any


@dataclass(frozen=True, kw_only=True)
class TextureSettings:
    """How a texture is sampled.

    Attributes:
        wrap: what lies outside of [0, 1].
        filter: how a colour is made of texels.
    """

    wrap: Wrap = Wrap.REPEAT
    filter: Filter = Filter.BILINEAR

    def __post_init__(self) -> None:
        check_choice("TextureSettings", "wrap", self.wrap, Wrap)
        check_choice("TextureSettings", "filter", self.filter, Filter)


@dataclass(frozen=True, kw_only=True, eq=False)
class TextureLevels:
    """Where each mip level of each texture stands in the flat texels.

    Attributes:
        levels: [L, 3] int32, of each level its first texel, height and width.
        textures: [B, 2] int32, of each texture its first level in that table, and how many it has (1 if it is not mipmapped).
        n_texels: number of texels T.
    """

    levels: np.ndarray
    textures: np.ndarray
    n_texels: int
    _placed: dict[Any, Any] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        op = "TextureLevels"
        check_integer(op, "n_texels", self.n_texels, 0, 2**31 - 1)
        check_table(op, "levels", self.levels, ("L", 3), 2**31)
        check_table(op, "textures", self.textures, ("B", 2), len(self.levels) + 1)
        first, height, width = self.levels.astype(np.int64).T
        if (first + height * width).max() > self.n_texels:
            raise ValueError(f"{op}: levels must lie within the {self.n_texels} texels, got one that ends at {int((first + height * width).max())}")
        if not ((self.textures[:, 1] >= 1).all() and self.textures.sum(1).max() <= len(self.levels)):
            raise ValueError(f"{op}: textures must name levels 0 to {len(self.levels) - 1}, and at least one each, got {self.textures.tolist()}")

    def __getstate__(self) -> dict[str, Any]:
        """What is copied and pickled: not what lies on a device."""
        return vars(self) | {"_placed": {}}

    def on(self, arrays: Arrays) -> dict[str, Any]:
        """The tables as arrays of the library ``arrays``, made once."""
        if arrays.place not in self._placed:
            with arrays.lasting():
                self._placed[arrays.place] = {"levels": arrays.index(self.levels), "textures": arrays.index(self.textures)}
        return self._placed[arrays.place]


@dataclass(frozen=True, eq=False)
class FlatTextures:
    """Textures as the kernels take them: texels [T, C] of all levels of all textures, and where each level stands."""

    texels: Array
    levels: TextureLevels

    def __post_init__(self) -> None:
        check_kind("FlatTextures", "levels", self.levels, TextureLevels)
        if not hasattr(self.texels, "shape"):
            raise TypeError(f"FlatTextures: texels must be an array, got {type(self.texels).__name__}")
        check_shape("FlatTextures", "texels", self.texels.shape, (self.levels.n_texels, "C"))


@dataclass(frozen=True, eq=False)
class UVTexture:
    """Pictures on the faces of a mesh, for the rasteriser to show: sampled at each pixel's (u, v), with each face's own level of detail if mipmapped.

    Attributes:
        picture: [H, W, C]; or one for each image, [B, H, W, C] or a sequence of [H, W, C]; or what `flat_textures` has made of them, so that it is not
            done anew for each image.
        uvs: [U, 2] texture coordinates.
        face_uvs: [F, 3] integers into uvs, for each corner of the mesh's faces; None if uvs are per vertex (U = V).
        settings: wrap and filter.

    Raises:
        TypeError, ValueError: if an argument does not fit.

    Gradient: to picture and uvs (with mipmaps also through the level of detail); and to the mesh, through the places where its pixels see the picture.
    """

    picture: Any
    uvs: Array
    face_uvs: Any | None = None
    settings: TextureSettings = field(default_factory=TextureSettings)

    def __post_init__(self) -> None:
        op = "UVTexture"
        if not isinstance(self.settings, TextureSettings):
            raise TypeError(f"{op}: settings must be TextureSettings, got {type(self.settings).__name__}")
        if not isinstance(self.picture, (FlatTextures, list, tuple)):
            _check_picture(op, self.picture)
        if not hasattr(self.uvs, "shape"):
            raise TypeError(f"{op}: uvs must be an array, got {type(self.uvs).__name__}")
        check_shape(op, "uvs", self.uvs.shape, ("U", 2))
        if self.face_uvs is not None:
            object.__setattr__(self, "face_uvs", check_corners(op, "face_uvs", self.face_uvs, "uvs", self.uvs.shape[0]))


def n_channels(features: Array | UVTexture) -> int:
    """C, of features [..., C] or of a texture."""
    pictures = features.picture if isinstance(features, UVTexture) else features
    if isinstance(pictures, FlatTextures):
        return pictures.texels.shape[-1]
    first = pictures[0] if isinstance(pictures, (list, tuple)) and pictures else pictures
    if not hasattr(first, "shape") or len(first.shape) == 0:
        raise TypeError(f"n_channels: features must be arrays [..., C] or a UVTexture, got {type(first).__name__}")
    return first.shape[-1]


def n_pictures(texture: UVTexture) -> int:
    """How many pictures a texture has."""
    picture = texture.picture
    if isinstance(picture, FlatTextures):
        return len(picture.levels.textures)
    return len(picture) if isinstance(picture, (list, tuple)) else picture.shape[0] if len(picture.shape) == 4 else 1


def level_sizes(height: int, width: int) -> list[tuple[int, int]]:
    """Height and width of each mip level, from the picture itself to a single texel."""
    sizes = [(height, width)]
    while sizes[-1] != (1, 1):
        sizes.append((max(1, sizes[-1][0] // 2), max(1, sizes[-1][1] // 2)))
    return sizes


def mip_pyramid(arrays: Arrays, picture: Array) -> list[Array]:
    """All mip levels of a picture, from itself to a single texel.

    Each level has half the height and width of the one before, rounded down, and each texel of it is the mean of what it covers: of 2 x 2 texels; along a side
    of odd size 2 n + 1, of (2 n + 1)/n texels, the outer ones in part. So no level is shifted, and the mean of the picture is kept.

    Args:
        picture: [H, W, C] or [B, H, W, C].

    Gradient: to the picture.
    """
    check_reals("mip_pyramid", arrays, picture=picture)
    batched, height, width = _check_picture("mip_pyramid", picture)
    n_pictures, n_channels = (picture.shape[0] if batched else 1), picture.shape[-1]
    pyramid = [picture]
    sizes = level_sizes(height, width)
    for (h, w), (next_h, next_w) in itertools.pairwise(sizes):
        shape = (*picture.shape[:-3], next_h, next_w, n_channels)
        pyramid += arrays.run(mipmap_op(arrays.variant, batched), (pyramid[-1],), [shape], (n_pictures, h, w, n_channels))
    return pyramid


def flat_textures(arrays: Arrays, pictures: Array | Sequence[Array], settings: TextureSettings) -> FlatTextures:
    """Textures in the layout that the kernels take, with their mip levels if ``settings`` want them.

    Args:
        pictures: one texture [H, W, C]; B of one size, [B, H, W, C]; or a sequence of [H, W, C] of any sizes and with the same number of channels.

    Gradient: to the pictures.
    """
    check_kind("flat_textures", "settings", settings, TextureSettings)
    if isinstance(pictures, (list, tuple)):
        return _joined_textures(arrays, pictures, settings)
    check_reals("flat_textures", arrays, pictures=pictures)
    picture: Array = pictures
    batched, height, width = _check_picture("flat_textures", picture)
    n_pictures = picture.shape[0] if batched else 1
    mipmapped = settings.filter is Filter.MIPMAPPED
    sizes = level_sizes(height, width) if mipmapped else [(height, width)]
    levels, first = [], 0
    for h, w in sizes:
        levels.append([(first + b * h * w, h, w) for b in range(n_pictures)])
        first += n_pictures * h * w
    check_countable("flat_textures", "numbers", first * picture.shape[-1])
    table = np.array(levels, np.int32).transpose(1, 0, 2).reshape(-1, 3)
    textures = np.array([(b * len(sizes), len(sizes)) for b in range(n_pictures)], np.int32)
    texels = None
    for level in reversed(mip_pyramid(arrays, picture) if mipmapped else [picture]):
        texels = _join(arrays, level, texels)
    return FlatTextures(texels, TextureLevels(levels=np.ascontiguousarray(table), textures=textures, n_texels=first))


def _joined_textures(arrays: Arrays, pictures: Sequence[Array], settings: TextureSettings) -> FlatTextures:
    if len(pictures) == 0:
        raise ValueError("flat_textures: pictures must be at least one, got none")
    channels: dict[str, int] = {}
    for picture in pictures:
        check_reals("flat_textures", arrays, **{"each of the pictures": picture})
        check_shape("flat_textures", "each of the pictures", picture.shape, ("H", "W", "C"), channels)
        channels = {"C": channels["C"]}
    parts = [flat_textures(arrays, picture, settings) for picture in pictures]
    starts = np.cumsum([0, *(part.levels.n_texels for part in parts)])
    counts = np.cumsum([0, *(len(part.levels.levels) for part in parts)])
    check_countable("flat_textures", "numbers", int(starts[-1]) * channels["C"])
    table = np.concatenate([part.levels.levels + np.array([start, 0, 0], np.int32) for part, start in zip(parts, starts, strict=False)])
    textures = np.concatenate([part.levels.textures + np.array([count, 0], np.int32) for part, count in zip(parts, counts, strict=False)])
    texels = [part.texels for part in parts]
    while len(texels) > 1:  # two and two: every texel is copied as often as the number of textures can be halved
        pairs = [_join(arrays, *texels[i : i + 2]) for i in range(0, len(texels) - 1, 2)]
        texels = pairs + texels[2 * len(pairs) :]
    return FlatTextures(texels[0], TextureLevels(levels=table.astype(np.int32), textures=textures.astype(np.int32), n_texels=int(starts[-1])))


def _join(arrays: Arrays, picture: Array, tail: Array | None) -> Array:
    """The texels of a picture (or texels [N, C]), and after them those of ``tail``."""
    *batch, n_channels = picture.shape
    n_here, n_tail = math.prod(batch), (0 if tail is None else tail.shape[0])
    given = arrays.zeros((1, n_channels)) if tail is None else tail
    height, width = batch[-2:] if len(batch) > 1 else (1, 1)
    return arrays.run(
        join_op(arrays.variant, len(picture.shape)), (picture, given), [(n_here + n_tail, n_channels)], (n_here, height, width, n_tail, n_channels)
    )[0]  # fmt: skip


def sample_flat(arrays: Arrays, textures: FlatTextures, uv: Array, settings: TextureSettings, lod: Array | None = None) -> Array:
    """Colours [N, C] of N points.

    Args:
        textures: see `flat_textures`.
        uv: [N, 2]; the first N/B points are of texture 0, the next ones of texture 1, and so on.
        settings: as ``textures`` were made with.
        lod: [N] the level of detail of each point, only with Filter.MIPMAPPED: 0 is the picture itself, 1 the next mip level; between two levels both are
            mixed, and beyond the first and the last these stand.

    Gradient: to texels; to uv (zero with Filter.NEAREST; at a texel centre, where the slope steps, that to the right and below); to lod within the levels.
    """
    check_kind("sample_texture", "textures", textures, FlatTextures)
    check_kind("sample_texture", "settings", settings, TextureSettings)
    check_reals("sample_texture", arrays, uv=uv, texels=textures.texels, lod=lod)
    sizes: dict[str, int] = {}
    check_shape("sample_texture", "uv", uv.shape, ("N", 2), sizes)
    n_points, n_textures, n_channels = sizes["N"], len(textures.levels.textures), textures.texels.shape[1]
    check_shape("sample_texture", "texels", textures.texels.shape, (textures.levels.n_texels, "C"))
    if n_points == 0 or n_points % n_textures:
        raise ValueError(f"sample_texture: uv must have as many points for each of the {n_textures} textures, and at least one, got {n_points} in all")
    _check_lod(lod, settings)
    check_countable("sample_texture", "numbers", n_points * n_channels)
    if lod is not None:
        check_shape("sample_texture", "lod", lod.shape, ("N",), sizes)
    inputs = (uv, textures.texels) if lod is None else (uv, textures.texels, lod)
    tables = textures.levels.on(arrays)
    rest = (tables["levels"], tables["textures"], n_points // n_textures, n_points)
    return arrays.run(sample_op(arrays.variant, n_channels, settings.wrap, settings.filter), inputs, [(n_points, n_channels)], rest)[0]


def sample_texture(arrays: Arrays, picture: Array, uv: Array, settings: TextureSettings, lod: Array | None = None) -> Array:
    """Colours [..., C] of a picture at points.

    Args:
        arrays: the library of the arrays that follow.
        picture: [H, W, C], or [B, H, W, C] for as many sets of points.
        uv: [..., 2]; [B, ..., 2] with B pictures. Taichi's own arrays cannot be reshaped: [N, 2], and one picture (or `sample_flat`).
        settings: wrap and filter.
        lod: [...] as uv without its last axis; only with Filter.MIPMAPPED: see `sample_flat`.

    Gradient: to picture, uv and lod: see `sample_flat`.
    """
    check_kind("sample_texture", "settings", settings, TextureSettings)
    check_reals("sample_texture", arrays, picture=picture, uv=uv, lod=lod)
    batched, _, _ = _check_picture("sample_texture", picture)
    places = tuple(uv.shape[:-1])
    if tuple(uv.shape[-1:]) != (2,) or (batched and places[:1] != (picture.shape[0],)):
        expected = f"({picture.shape[0]}, ..., 2)" if batched else "(..., 2)"
        raise ValueError(f"sample_texture: uv must have shape {expected}, got {tuple(uv.shape)}")
    if 0 in places:
        raise ValueError(f"sample_texture: uv must have at least one point, got shape {tuple(uv.shape)}")
    _check_lod(lod, settings)
    if lod is not None:
        check_shape("sample_texture", "lod", lod.shape, places)
    if len(places) != 1:
        if not hasattr(uv, "reshape"):
            raise ValueError(f"sample_texture: uv must have shape (N, 2) where it is an array of Taichi's, got {tuple(uv.shape)}")
        uv, lod = uv.reshape(-1, 2), (None if lod is None else lod.reshape(-1))
    colors = sample_flat(arrays, flat_textures(arrays, picture, settings), uv, settings, lod)
    return colors.reshape((*places, colors.shape[-1])) if len(places) != 1 else colors


def _check_picture(op: str, picture: Array) -> tuple[bool, int, int]:
    """Whether there are several, height and width."""
    if not hasattr(picture, "shape"):
        raise TypeError(f"{op}: picture must be an array, got {type(picture).__name__}")
    if len(picture.shape) not in (3, 4) or 0 in tuple(picture.shape):
        raise ValueError(f"{op}: picture must have shape (H, W, C) or (B, H, W, C), none of them zero, got {tuple(picture.shape)}")
    return len(picture.shape) == 4, picture.shape[-3], picture.shape[-2]


def _check_lod(lod: Array | None, settings: TextureSettings) -> None:
    mipmapped = settings.filter is Filter.MIPMAPPED
    if mipmapped != (lod is not None):
        raise ValueError(f"sample_texture: lod must be {'given' if mipmapped else 'None'} with {settings.filter}, got {'None' if lod is None else 'one'}")
