"""DIB-R: a hard foreground with features, and a soft mask around it, once for every array library (Chen et al. 2019, and Kaolin's `dibr_rasterization`).

Image coordinates, other than the rest of this package: x and y each run over [-1, 1], across the width and across the height of the image, y up; z runs along
the view axis and is negative ahead of the camera (camera space), so that the larger is the nearer. Row 0 is the top.
(torch users who know Kaolin take `taichi_softras.interop.kaolin`.)
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..checks import (
    check_choice,
    check_countable,
    check_features,
    check_flag,
    check_image_size,
    check_integer,
    check_kind,
    check_number,
    check_reals,
    check_shape,
)
from ..kernels import dibr as ops
from ..kernels.dibr import MaskFaces
from ..kernels.tiles import BEHIND_EYE, NOTHING_BEHIND
from ..runtime import Arrays
from ..scene import Topology
from .binning import PairSearch, prefix_sum

__all__ = ["DibrImage", "DibrSettings", "MaskFaces", "dibr_foreground", "dibr_rasterize", "dibr_soft_mask"]

FEATURES_AT_ONCE = 4  # channels that a kernel has in hand: more compile slowly
PIXEL_SLACK = 0.1  # a face is looked at in tiles this part of a pixel beyond its box: rounding never drops it


@dataclass(frozen=True, kw_only=True)
class DibrSettings:
    """All that DIB-R is told besides the scene. Changing a number never compiles anything; changing a choice does, once.

    Attributes:
        sigmainv: sharpness of the mask: A = exp(-sigmainv d^2), d the distance to a face in image coordinates. Kaolin recommends 1/3e-4 to 1/3e-5.
        boxlen: how far the box around a face is grown, in image coordinates: within it the face counts for the mask. Kaolin recommends 0.05 to 0.2.
        knum: how many faces count for the mask of a pixel, unless ``mask_faces`` is MaskFaces.ALL. Kaolin recommends 20 to 100.
        mask_faces: which ones they are. FIRST is Kaolin's.
        perspective: whether depth and features vary over a face as a pinhole camera sees it. If not, they are linear in the image (Kaolin's). Faces with a
            vertex at or behind the eye (z > -1e-6) are then left out, from the mask too: their place in the image means nothing.
        eps: added to twice the area of a face (away from zero) before weights are divided by it. Kaolin's 1e-8, with its multiplier of 1000, is 1e-14 here.
        multiplier: None for exact pixel centres. With a number they are rounded as in Kaolin, which computes them in single precision after enlarging the
            image by it: (multiplier/W)(2 c + 1 - W).
    """

    sigmainv: float = 7000.0
    boxlen: float = 0.02
    knum: int = 30
    mask_faces: MaskFaces = MaskFaces.FIRST
    perspective: bool = False
    eps: float = 1e-14
    multiplier: float | None = None

    def __post_init__(self) -> None:
        op = "DibrSettings"
        check_number(op, "sigmainv", self.sigmainv, 0.0, 1e12)
        check_number(op, "boxlen", self.boxlen, -1e-30, 1e3)
        check_integer(op, "knum", self.knum, 1, 2**30)
        check_choice(op, "mask_faces", self.mask_faces, MaskFaces)
        check_flag(op, "perspective", self.perspective)
        check_number(op, "eps", self.eps, 1e-18, 1.0)  # above: its square still is a float32
        if self.multiplier is not None:
            check_number(op, "multiplier", self.multiplier, 0.0, 1e9)


@dataclass(frozen=True)
class DibrImage:
    """What DIB-R returns: arrays of the library that it was given. Row 0 is the top.

    Attributes:
        features: [B, H, W, D] of the face that is seen; 0 where there is none.
        soft_mask: [B, H, W] 1 where a face is seen; elsewhere 0 to 1, falling with the distance from the faces.
        face_index: [B, H, W] int32, the number of the face that is seen among the faces of its image; -1 where there is none.
    """

    features: Any
    soft_mask: Any
    face_index: Any


def dibr_rasterize(
    arrays: Arrays,
    topology: Topology,
    vertices_image: Any,
    features: Any,
    settings: DibrSettings,
    image_size: tuple[int, int],
    *,
    face_shown: Any | None = None,
) -> DibrImage:
    """DIB-R: the nearest face's features at each pixel, and a mask that is soft outside of the faces.

    Args:
        arrays: the library of the arrays that follow.
        topology: which vertices make which faces in which image.
        vertices_image: [N, 3] x, y and z in image coordinates.
        features: [V, D] per vertex.
        settings: softness and choices.
        image_size: (height, width).
        face_shown: [F] integers of the library, F the faces of all images: a face with 0 is left out of the foreground (a back face, say), but counts for the
            mask. All are shown if None.

    Raises:
        TypeError, ValueError, MemoryError: if an argument does not fit, or the scene is too large.

    Gradient: to features; to x and y, through the weights of the interpolation and through the mask outside of the foreground; to z only with
        ``settings.perspective``. None through the decisions which face is seen and which ones count. A face seen edge-on covers nothing.
    """
    check_kind("dibr_rasterize", "settings", settings, DibrSettings)
    scene = _Scene("dibr_rasterize", arrays, topology, vertices_image, settings, image_size, settings.boxlen)
    image, face_index = scene.foreground(features, face_shown)
    return DibrImage(image, scene.soft_mask(face_index), face_index)


def dibr_foreground(
    arrays: Arrays,
    topology: Topology,
    vertices_image: Any,
    features: Any,
    settings: DibrSettings,
    image_size: tuple[int, int],
    *,
    face_shown: Any | None = None,
) -> tuple[Any, Any]:
    """The first and the last of what `dibr_rasterize` returns: features [B, H, W, D] and face_index [B, H, W]."""
    return _Scene("dibr_foreground", arrays, topology, vertices_image, settings, image_size, 0.0).foreground(features, face_shown)


def dibr_soft_mask(arrays: Arrays, topology: Topology, vertices_image: Any, face_index: Any, settings: DibrSettings) -> Any:
    """The soft mask [B, H, W] of `dibr_rasterize`, around a given foreground.

    Args:
        face_index: [B, H, W] int32; what is not negative is foreground.
    """
    check_kind("dibr_soft_mask", "topology", topology, Topology)
    check_kind("dibr_soft_mask", "settings", settings, DibrSettings)
    _check_integers("dibr_soft_mask", "face_index", face_index)
    check_shape("dibr_soft_mask", "face_index", face_index.shape, ("B", "H", "W"), {"B": topology.n_images})
    image_size = (int(face_index.shape[1]), int(face_index.shape[2]))
    return _Scene("dibr_soft_mask", arrays, topology, vertices_image, settings, image_size, settings.boxlen).soft_mask(face_index)


class _Scene:
    """Checked arguments, and the (face, tile) pairs within ``margin`` (image coordinates) of the faces."""

    def __init__(
        self, op: str, arrays: Arrays, topology: Topology, vertices_image: Any, settings: DibrSettings, image_size: tuple[int, int], margin: float
    ) -> None:
        self.op, self.arrays, self.topology, self.vertices, self.settings = op, arrays, topology, vertices_image, settings
        check_kind(op, "topology", topology, Topology)
        check_kind(op, "settings", settings, DibrSettings)
        self.height, self.width = check_image_size(op, image_size)
        check_reals(op, arrays, vertices_image=vertices_image)
        check_shape(op, "vertices_image", vertices_image.shape, ("N", 3), {"N": len(topology.vertex_source)})
        check_countable(op, "numbers of the pixels", topology.n_images * (self.height + 8) * (self.width + 8) * 2)
        variant = arrays.variant
        self.indices = topology.on(arrays)
        self.column_x = arrays.real(_centres(self.width, variant.tile_width, settings.multiplier))
        self.row_y = arrays.real(-_centres(self.height, variant.tile_height, settings.multiplier))
        arrays.untracked(lambda: self._find_pairs(margin))

    def foreground(self, features: Any, face_shown: Any | None) -> tuple[Any, Any]:
        arrays, topology, settings, variant = self.arrays, self.topology, self.settings, self.arrays.variant
        check_reals(self.op, arrays, features=features)
        check_features(self.op, "features", features.shape, {"V": topology.n_vertices})
        n_faces, n_features = len(topology.faces), int(features.shape[1])
        if face_shown is None:
            face_shown = arrays.index(np.ones(n_faces, np.int32))
        _check_integers(self.op, "face_shown", face_shown)
        check_shape(self.op, "face_shown", face_shown.shape, (n_faces,))
        shape = (topology.n_images, self.height, self.width)
        at_once = min(n_features, FEATURES_AT_ONCE)
        n_groups = -(-n_features // at_once)
        check_countable(self.op, "numbers in the picture", int(np.prod(shape)) * n_groups * at_once)
        first_face = arrays.index(np.searchsorted(topology.face_image, np.arange(topology.n_images)).astype(np.int32))
        face_index = arrays.zeros_index(shape)
        nearest = ops.nearest_kernel(variant, settings.perspective)
        decided = (
            arrays.constant(self.vertices), self.column_x, self.row_y, face_index, self.indices["faces"], face_shown, first_face,
            self.pair_face, self.tile_offset, settings.eps, self.n_tiles, self.height, self.width,
        )  # fmt: skip
        arrays.untracked(lambda: arrays.launch(nearest, decided))
        (image,) = arrays.run(
            ops.interpolate_op(variant, settings.perspective, at_once),
            (self.vertices, features),
            [(*shape, n_features)],
            (
                self.column_x, self.row_y, face_index, self.indices["faces"], self.indices["feature_faces"], first_face,
                settings.eps, n_features, n_groups, n_faces, *shape,
            ),
        )  # fmt: skip
        return image, face_index

    def soft_mask(self, face_index: Any) -> Any:
        arrays, settings, variant = self.arrays, self.settings, self.arrays.variant
        shape = (self.topology.n_images, self.height, self.width)
        lasts = arrays.zeros_index(self.n_tiles * variant.tile_pixels)
        bounds = arrays.zeros((self.n_tiles, 2, variant.tile_pixels) if settings.mask_faces is MaskFaces.NEAREST else (1, 1, 1))
        marked_face, marked_tile, places, n_marked = arrays.untracked(lambda: self._marked_pairs(face_index, lasts, bounds))
        (sums,) = arrays.run(
            ops.soften_op(variant, settings.mask_faces),
            (self.vertices,),
            [(self.n_tiles, variant.tile_pixels)],
            (
                self.column_x, self.row_y, lasts, bounds, self.indices["faces"], marked_face, marked_tile, places, self.tile_offset,
                settings.boxlen, settings.sigmainv, n_marked, self.n_pairs, self.n_tiles, self.height, self.width,
            ),
        )  # fmt: skip
        return arrays.run(ops.mask_op(variant), (sums,), [shape], (face_index, *shape))[0]

    def _marked_pairs(self, face_index: Any, lasts: Any, bounds: Any) -> tuple[Any, Any, Any, int]:
        """Decides which faces count for which pixels; the pairs that count for any, how many of them come before each pair, and their number."""
        arrays, settings, variant, which = self.arrays, self.settings, self.arrays.variant, self.settings.mask_faces
        vertices, size = arrays.constant(self.vertices), (self.height, self.width)
        centres, faces, n = (self.column_x, self.row_y), self.indices["faces"], self.n_pairs
        arrays.launch(
            ops.choose_kernel(variant, which),
            (
                vertices, *centres, lasts, bounds, face_index, faces, self.pair_face, self.tile_offset,
                settings.boxlen, min(settings.knum, len(self.topology.faces)), self.n_tiles, *size,
            ),
        )  # fmt: skip
        marks, places = arrays.zeros_index(max(n, 1)), arrays.zeros_index(max(n, 1))
        n_marked = 0
        if n > 0:
            mark = ops.mark_kernel(variant, which)
            arrays.launch(mark, (vertices, *centres, marks, lasts, bounds, faces, self.pair_face, self.pair_tile, settings.boxlen, n, *size))
            n_marked = prefix_sum(arrays, marks, places, n)
        marked_face, marked_tile = arrays.zeros_index(max(n_marked, 1)), arrays.zeros_index(max(n_marked, 1))
        if n_marked > 0:
            arrays.launch(ops.collect_kernel(variant), (marks, places, self.pair_face, self.pair_tile, marked_face, marked_tile, n))
        return marked_face, marked_tile, places, n_marked

    def _find_pairs(self, margin: float) -> None:
        """Of the boxes around the faces, on our screen, whose shorter side spans [-1, 1]."""
        arrays, shorter = self.arrays, min(self.height, self.width)
        n_vertices = len(self.topology.vertex_source)
        vertices_screen = arrays.zeros((n_vertices, 3))
        to_screen = ops.screen_kernel(arrays.variant)
        arrays.launch(to_screen, (arrays.constant(self.vertices), vertices_screen, self.width / shorter, self.height / shorter, n_vertices))
        reach = margin * max(self.height, self.width) / shorter + 2 * PIXEL_SLACK / shorter
        behind = BEHIND_EYE if self.settings.perspective else NOTHING_BEHIND
        pairs = PairSearch(
            op=self.op,
            arrays=arrays,
            topology=self.topology,
            vertices_screen=vertices_screen,
            image_size=(self.height, self.width),
            reach=reach,
            behind=behind,
            whole_box=True,
        ).all()
        self.pair_face, self.pair_tile, self.tile_offset = pairs.face, pairs.tile, pairs.tile_offset
        self.n_pairs, self.n_tiles = pairs.n, pairs.n_tiles


def _check_integers(op: str, name: str, array: Any) -> None:
    """32-bit integers of whatever library."""
    if str(getattr(array, "dtype", None)) not in ("i32", "int32", "torch.int32"):
        raise TypeError(f"{op}: {name} must be an array of int32, got {getattr(array, 'dtype', type(array).__name__)}")


def _centres(size: int, tile: int, multiplier: float | None) -> np.ndarray:
    """Image coordinates of pixel centres, from -1 to 1, and on to the end of the last tile."""
    odd = 2 * np.arange(-(-size // tile) * tile) + 1 - size
    if multiplier is None:
        return odd / size
    step = np.float32(multiplier) / np.float32(size)
    return (step * odd.astype(np.float32)).astype(np.float64) / multiplier
