"""What the faces show: features per vertex, texels per face, or pictures, as the rasteriser's kernels take them."""

import functools
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ..checks import check_features, check_shape
from ..kernels.face import Choices
from ..kernels.rasterize import LANES_OF_PICTURES
from ..kernels.texture import Texture
from ..kernels.variant import Variant
from ..runtime import Arrays
from ..scene import RasterizeSettings, Topology
from .textures import FlatTextures, TextureLevels, TextureSettings, UVTexture, flat_textures, n_pictures

if TYPE_CHECKING:
    from .clipping import Clipped

__all__ = ["Surface"]

NO_LEVELS = TextureLevels(levels=np.zeros((1, 3), np.int32), textures=np.array([[0, 1]], np.int32), n_texels=0)
CORNERS = np.array([[1.0, 0.0], [0.0, 1.0], [0.0, 0.0]])  # barycentric coordinates (of a and b) of a face's corners a, b and c


@dataclass(frozen=True, eq=False, kw_only=True)
class Surface:
    """Features of the faces of a topology.

    Attributes:
        kind: what they are.
        features: [R, C] rows per vertex, or texels. (Without features, one row that nobody reads.)
        places: [P, 2] where corners of faces lie on their textures: (u, v), or barycentric coordinates with texels per face.
        corners: [F, 3] or [F, 4] index array of the library: rows of ``features`` (or of ``places``, and the number of the texture).
        texture_size: R, of R x R texels per face.
        levels: where the pictures stand in ``features``.
        sampling: how pictures are sampled.
        n_hidden: how many of the last channels are not shown.
    """

    kind: Texture
    features: Any
    places: Any
    corners: Any
    texture_size: int = 1
    levels: TextureLevels = NO_LEVELS
    sampling: TextureSettings = field(default_factory=TextureSettings)
    n_hidden: int = 0

    @classmethod
    def of(cls, arrays: Arrays, topology: Topology, features: Any | None, settings: RasterizeSettings) -> "Surface":
        """The surface that a user describes: [V, C], texels [F * R * R, C], a `UVTexture`, or nothing."""
        if isinstance(features, UVTexture):
            return cls._of_pictures(arrays, topology, features)
        indices, nowhere = topology.on(arrays), arrays.zeros((1, 2))
        if features is None:
            return cls(kind=Texture.VERTEX, features=arrays.zeros((1, 1)), places=nowhere, corners=indices["feature_faces"])
        if settings.texture is Texture.FACE:
            check_features("rasterize", "features", features.shape, {})
            size = _texture_size(features.shape[0], topology.n_source_faces)
            if size == 1:  # a texel per face is the same at all three corners: what vertices have, and cheaper
                rows = topology.table(arrays, "one texel", None, lambda: np.repeat(topology.face_source, 3, axis=1))
                return cls(kind=Texture.VERTEX, features=features, places=nowhere, corners=rows)
            corners = topology.table(arrays, "texels", None, lambda: _with_number(np.tile([0, 1, 2], (len(topology.faces), 1)), topology.face_source))
            return cls(kind=Texture.FACE, features=features, places=arrays.real(CORNERS), corners=corners, texture_size=size)
        check_features("rasterize", "features", features.shape, {"V": topology.n_vertices})
        return cls(kind=Texture.VERTEX, features=features, places=nowhere, corners=indices["feature_faces"])

    @classmethod
    def _of_pictures(cls, arrays: Arrays, topology: Topology, texture: UVTexture) -> "Surface":
        n_textures, n_uvs, face_uvs = n_pictures(texture), texture.uvs.shape[0], texture.face_uvs
        if n_textures not in (1, topology.n_images):
            raise ValueError(f"rasterize: there must be one texture, or one for each of the {topology.n_images} images, got {n_textures}")
        if face_uvs is None:
            check_shape("rasterize", "uvs", texture.uvs.shape, ("V", 2), {"V": topology.n_vertices})
        else:
            check_shape("rasterize", "face_uvs", face_uvs.shape, ("F", 3), {"F": topology.n_source_faces})

        flat = texture.picture if isinstance(texture.picture, FlatTextures) else flat_textures(arrays, texture.picture, texture.settings)

        def corners() -> np.ndarray:
            rows = topology.feature_faces if face_uvs is None else face_uvs[topology.face_source[:, 0]]
            return _with_number(rows, topology.face_image[:, None] if n_textures > 1 else np.zeros((len(rows), 1), np.int32))

        return cls(
            kind=Texture.IMAGE,
            features=flat.texels,
            places=texture.uvs,
            corners=topology.table(arrays, f"uvs of {n_uvs} on {n_textures}", face_uvs, corners),
            levels=flat.levels,
            sampling=texture.settings,
        )

    @property
    def n_features(self) -> int:
        return self.features.shape[1] - self.n_hidden

    def choices(self, settings: RasterizeSettings, n_features: int) -> Choices:
        """What specialises the kernels."""
        return _choices(settings, n_features, self.kind, self.sampling)

    def turns(self, settings: RasterizeSettings, variant: Variant) -> int:
        """How many turns the kernels' loops over pairs make for each, at most: over blocks of pixels (of pictures, the gradient's are smaller), and groups."""
        lanes = min(variant.lanes, LANES_OF_PICTURES) if self.kind is Texture.IMAGE else variant.lanes
        return variant.tile_pixels // lanes * self.choices(settings, self.n_features).n_groups(self.n_features)

    def corners_at_features(self, arrays: Arrays, topology: Topology, name: str = "features") -> tuple[Any, Any]:
        """Which corners of the faces show each row of the features, or have each place on their textures (`Topology.corners_at`)."""
        n_rows = (self.features if self.kind is Texture.VERTEX else self.places).shape[0]
        return topology.corners_at(arrays, name, arrays.to_numpy(self.corners), n_rows, source=self.corners)

    def cut(self, arrays: Arrays, clipped: "Clipped") -> "Surface":
        """The surface of what clipping has left."""
        corners = arrays.to_numpy(self.corners)
        if self.kind is Texture.VERTEX:
            features, rows = clipped.cut_rows(self.features, corners)
            return replace(self, features=features, corners=arrays.index(rows))
        places, rows = clipped.cut_rows(self.places, corners[:, :3])
        return replace(self, places=places, corners=arrays.index(_with_number(rows, corners[clipped.face_origin, 3:])))


@functools.lru_cache(maxsize=256)
def _choices(settings: RasterizeSettings, n_features: int, kind: Texture, sampling: TextureSettings) -> Choices:
    return replace(settings.choices(n_features), texture=kind, wrap=sampling.wrap, filter=sampling.filter)


def _with_number(rows: np.ndarray, number: np.ndarray) -> np.ndarray:
    """[F, 4] int32: corners, and the texture's number [F, 1]."""
    return np.ascontiguousarray(np.concatenate([rows, number], 1), dtype=np.int32)


def _texture_size(n_texels: int, n_faces: int) -> int:
    """R, of R x R texels per face."""
    size = round((n_texels / n_faces) ** 0.5)
    if size < 1 or n_faces * size * size != n_texels:
        raise ValueError(f"rasterize: features must have R * R rows for each of the {n_faces} faces, got {n_texels} rows")
    return size
