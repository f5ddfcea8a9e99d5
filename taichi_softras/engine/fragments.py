"""The K nearest faces of every pixel, with depth, weights and distance: for people who shade and blend them themselves.

The rules are PyTorch3D's (see `kernels.fragments`); its renderer on top of this is `taichi_softras.interop.pytorch3d`.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..checks import check_choice, check_countable, check_flag, check_image_size, check_integer, check_kind, check_number, check_reals, check_shape
from ..kernels import tiles
from ..kernels.face import Interpolation, Sides
from ..kernels.fragments import FragmentChoices, fragments_op, list_slots_kernel, nearest_faces_kernel
from ..runtime import Arrays
from ..scene import Topology
from .binning import PairSearch, prefix_sum

__all__ = ["FragmentSettings", "Fragments", "fragments"]

MAX_FACES_PER_PIXEL = 1 << 16


@dataclass(frozen=True, kw_only=True)
class FragmentSettings:
    """Which faces a pixel keeps, and how they are interpolated.

    Attributes:
        faces_per_pixel: K, how many faces a pixel keeps: the nearest in depth. Memory grows with it, time with the faces that are there.
        reach_sq: squared screen units: a face also counts at a pixel outside of it whose squared distance is less (PyTorch3D's blur_radius).
        interpolation: PERSPECTIVE or LINEAR (on the screen).
        clip_bary: whether negative weights, outside of the face, are set to nought and the rest divided by their sum.
        sides: which side of a face is seen.
        near: a face with a vertex at or before this depth is left out; None leaves none out: only the depth at the pixel must not be negative.
    """

    faces_per_pixel: int = 8
    reach_sq: float = 0.0
    interpolation: Interpolation = Interpolation.PERSPECTIVE
    clip_bary: bool = True
    sides: Sides = Sides.BOTH
    near: float | None = tiles.BEHIND_EYE

    def __post_init__(self) -> None:
        op = "FragmentSettings"
        check_integer(op, "faces_per_pixel", self.faces_per_pixel, 1, MAX_FACES_PER_PIXEL)
        check_number(op, "reach_sq", self.reach_sq, high=1e6)
        if self.reach_sq < 0:
            raise ValueError(f"{op}: reach_sq must not be negative, got {self.reach_sq}")
        check_choice(op, "interpolation", self.interpolation, Interpolation)
        if self.interpolation is Interpolation.MIXED:
            raise ValueError(f"{op}: interpolation must be {Interpolation.PERSPECTIVE} or {Interpolation.LINEAR}, got {self.interpolation}")
        check_flag(op, "clip_bary", self.clip_bary)
        check_choice(op, "sides", self.sides, Sides)
        if self.near is not None:
            check_number(op, "near", self.near)

    @property
    def choices(self) -> FragmentChoices:
        """What specialises the kernels."""
        return FragmentChoices(interpolation=self.interpolation, clipped=self.clip_bary, sides=self.sides)


@dataclass(frozen=True)
class Fragments:
    """Arrays of the library that was given (the faces, on the CPU with Taichi's own arrays, are NumPy's). Row 0 is the top; a slot without a face holds -1.

    Attributes:
        face: [B, H, W, K] 32-bit integers, into the faces of the topology; nearest first, and of equal depths the lower number first.
        depth: [B, H, W, K] depth of the face at the pixel.
        bary: [B, H, W, K, 3] weights of the face's three vertices.
        distance_sq_signed: [B, H, W, K] squared distance to the outline of the face, in squared screen units; negative inside.
    """

    face: Any
    depth: Any
    bary: Any
    distance_sq_signed: Any


def fragments(
    arrays: Arrays, topology: Topology, vertices_screen: Any, settings: FragmentSettings, image_size: int | tuple[int, int]
) -> Fragments:  # fmt: skip
    """The K nearest faces of every pixel.

    Args:
        arrays: the library of the arrays.
        topology: which vertices make which faces in which image.
        vertices_screen: [N, 3] x right and y up (the shorter image side spans [-1, 1]), and depth, positive ahead.
        settings: which faces, and how they are interpolated.
        image_size: (height, width), or one number for a square.

    Raises:
        ValueError: if a shape does not fit, or a vertex is not finite. MemoryError: if there are 2^31 slots or more.

    Gradient: from depth, bary and distance_sq_signed to vertices_screen, exact; none through the decision which faces a slot holds. It is undefined where two
    edges are equally near, and where a clipped weight is nought.
    """
    op = "fragments"
    height, width = check_image_size(op, image_size)
    if not isinstance(settings, FragmentSettings):
        raise TypeError(f"{op}: settings must be FragmentSettings, got {type(settings).__name__}")
    check_kind(op, "topology", topology, Topology)
    check_reals(op, arrays, vertices_screen=vertices_screen)
    check_shape(op, "vertices_screen", vertices_screen.shape, ("N", 3), {"N": len(topology.vertex_source)})
    shape = (topology.n_images, height, width, settings.faces_per_pixel)
    check_countable(op, "numbers in the fragments", int(np.prod(shape, dtype=np.int64)) * 3)
    variant, faces = arrays.variant, topology.on(arrays)["faces"]
    slot_face = arrays.index(np.full(shape, -1, np.int32))
    used_slots, n_used = arrays.untracked(lambda: _select(arrays, topology, vertices_screen, settings, slot_face, shape))
    depth, bary, distance = arrays.run(
        fragments_op(variant, settings.choices),
        (vertices_screen,),
        [shape, (*shape, 3), shape],
        (slot_face, used_slots, faces, n_used, *shape),
    )
    return Fragments(slot_face, depth, bary, distance)


def _select(
    arrays: Arrays, topology: Topology, vertices_screen: Any, settings: FragmentSettings, slot_face: Any, shape: tuple[int, int, int, int]
) -> tuple[Any, int]:  # fmt: skip
    """Fills the slots, and lists those that are used."""
    n_images, height, width, n_slots = shape
    variant, n_pixels = arrays.variant, n_images * height * width
    behind = tiles.NOTHING_BEHIND if settings.near is None else settings.near
    pairs = PairSearch(
        op="fragments",
        arrays=arrays,
        topology=topology,
        vertices_screen=vertices_screen,
        image_size=(height, width),
        reach=settings.reach_sq**0.5,
        behind=behind,
    ).all()
    counts, places = arrays.zeros_index(n_pixels), arrays.zeros_index(n_pixels)
    arrays.launch(
        nearest_faces_kernel(variant, settings.choices),
        (
            arrays.constant(vertices_screen), slot_face, arrays.zeros(shape), counts, topology.on(arrays)["faces"], pairs.face, pairs.tile_offset,
            settings.reach_sq, pairs.n_tiles, n_slots, height, width,
        ),
    )  # fmt: skip
    n_used = prefix_sum(arrays, counts, places, n_pixels)
    used_slots = arrays.zeros_index(arrays.capacity(max(n_used, 1)))
    arrays.launch(list_slots_kernel(variant), (counts, places, used_slots, n_slots, n_pixels))
    return used_slots, n_used
