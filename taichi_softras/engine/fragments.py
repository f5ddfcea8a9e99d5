"""The K nearest faces of every pixel, with depth, weights and distance: for people who shade and blend them themselves.

The rules are PyTorch3D's (see `kernels.fragments`); its renderer on top of this is `taichi_softras.interop.pytorch3d`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..checks import check_choice, check_countable, check_flag, check_image_size, check_integer, check_kind, check_number, check_reals, check_shape
from ..kernels import tiles
from ..kernels.face import Interpolation, Sides
from ..kernels.fragments import FragmentChoices, list_slots_kernel, nearest_faces_kernel, sort_by_face_kernel, spread_op, used_fragments_op
from ..runtime import Arrays
from ..scene import Topology
from .binning import PairSearch, prefix_sum

__all__ = ["FragmentSettings", "Fragments", "UsedFragments", "UsedSlots", "fragments", "used_fragments"]

MAX_FACES_PER_PIXEL = 1 << 16
EMPTY = -1  # what a slot without a face holds
SLOTS_AT_ONCE = 256  # that a thread of a CPU visits in one go: of few faces, and it adds up what is wanted of each before it writes


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


@dataclass(eq=False)
class UsedSlots:
    """The slots that hold a face: pixel by pixel, those of a pixel in their order.

    Attributes:
        pixel: [n] 32-bit integers, counted over [B, H, W]: the pixel of each.
        slot: [n] the slot itself, counted over [B, H, W, K].
        face: [n] which face it holds.
        first: [B * H * W + 1] the first one of each pixel.
        n: how many there are. (Arrays of fields may be longer.)
        n_faces: how many faces there are to be held.
        shape: (B, H, W, K).
    """

    pixel: Any
    slot: Any
    face: Any
    first: Any
    n: int
    n_faces: int
    shape: tuple[int, int, int, int]
    _by_face: Any = None

    @property
    def n_at_once(self) -> int:
        """Slots that a thread visits in one go, in the order of `by_face`."""
        return 1 if self._by_face is self.slot else SLOTS_AT_ONCE

    def chunks(self) -> Iterator[tuple[Any, Any, Any, int]]:
        """As kernels take it, in one piece: the first one of each pixel; pixels, faces, their number."""
        yield self.first, self.pixel, self.face, self.n

    def by_face(self, arrays: Arrays) -> Any:
        """[n] numbers of used slots, face by face. On GPUs nobody reads it, for there slots are visited as they are."""
        if self._by_face is None:
            self._by_face = self.slot
            if arrays.variant.lanes > 1:
                self._by_face = arrays.empty_index(max(self.n, 1))
                place = arrays.zeros_index(max(self.n_faces, 1))
                arrays.launch(sort_by_face_kernel(arrays.variant), (self.face, place, self._by_face, self.n, self.n_faces))
        return self._by_face


@dataclass(frozen=True)
class UsedFragments:
    """What the pixels see, of the slots that hold a face alone.

    Attributes:
        slots: which these are.
        depth: [n] depth of the face at the pixel.
        bary: [n, 3] weights of the face's three vertices.
        distance_sq_signed: [n] squared distance to the outline of the face, in squared screen units; negative inside.
    """

    slots: UsedSlots
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
        ValueError: if a shape does not fit, or a vertex is not finite. MemoryError: if there are too many slots to be counted in 32 bits.

    Gradient: from depth, bary and distance_sq_signed to vertices_screen, exact; none through the decision which faces a slot holds. It is undefined where two
    edges are equally near, and where a clipped weight is nought.
    """
    used, slot_face = _used_fragments(arrays, topology, vertices_screen, settings, image_size, all_slots=True)
    slots = used.slots
    depth, bary, distance = arrays.run(
        spread_op(arrays.variant),
        (used.depth, used.bary, used.distance_sq_signed),
        [slots.shape, (*slots.shape, 3), slots.shape],
        (slots.slot, slots.first, slots.n, *slots.shape),
    )
    return Fragments(slot_face, depth, bary, distance)


def used_fragments(
    arrays: Arrays, topology: Topology, vertices_screen: Any, settings: FragmentSettings, image_size: int | tuple[int, int]
) -> UsedFragments:  # fmt: skip
    """The same as `fragments`, in a list: where K is large, most slots are empty."""
    return _used_fragments(arrays, topology, vertices_screen, settings, image_size, all_slots=False)[0]


def _used_fragments(
    arrays: Arrays, topology: Topology, vertices_screen: Any, settings: FragmentSettings, image_size: int | tuple[int, int], all_slots: bool
) -> tuple[UsedFragments, Any]:  # fmt: skip
    """And the face of each slot [B, H, W, K], with ``all_slots`` of the empty ones, too."""
    op = "fragments"
    height, width = check_image_size(op, image_size)
    if not isinstance(settings, FragmentSettings):
        raise TypeError(f"{op}: settings must be FragmentSettings, got {type(settings).__name__}")
    check_kind(op, "topology", topology, Topology)
    check_reals(op, arrays, vertices_screen=vertices_screen)
    check_shape(op, "vertices_screen", vertices_screen.shape, ("N", 3), {"N": len(topology.vertex_source)})
    shape = (topology.n_images, height, width, settings.faces_per_pixel)
    check_countable(op, "numbers in the fragments", int(np.prod(shape, dtype=np.int64)) * 3)
    slot_face = arrays.index(np.full(shape, EMPTY, np.int32)) if all_slots else arrays.empty_index(shape)
    slots = arrays.untracked(lambda: _select(arrays, topology, vertices_screen, settings, slot_face, shape))
    room = len(slots.slot) if hasattr(slots.slot, "__len__") else slots.slot.shape[0]
    depth, bary, distance = arrays.run(
        used_fragments_op(arrays.variant, settings.choices),
        (vertices_screen,),
        [(room,), (room, 3), (room,)],
        (slots, topology.on(arrays)["faces"], topology.n_images * height * width, height, width),
    )
    return UsedFragments(slots, depth, bary, distance), slot_face


def _select(
    arrays: Arrays, topology: Topology, vertices_screen: Any, settings: FragmentSettings, slot_face: Any, shape: tuple[int, int, int, int]
) -> UsedSlots:  # fmt: skip
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
    counts, places, first = (arrays.empty_index(n) for n in (n_pixels, n_pixels, n_pixels + 1))
    arrays.launch(
        nearest_faces_kernel(variant, settings.choices),
        (
            arrays.constant(vertices_screen), slot_face, arrays.empty(shape), counts, topology.on(arrays)["faces"], pairs.face, pairs.tile_offset,
            settings.reach_sq, pairs.n_tiles, n_slots, height, width,
        ),
    )  # fmt: skip
    n_used = prefix_sum(arrays, counts, places, n_pixels, first)
    room = arrays.capacity(max(n_used, 1))
    pixel, slot, face = (arrays.empty_index(room) for _ in range(3))
    used = UsedSlots(pixel, slot, face, first, n_used, len(topology.faces), shape)
    arrays.launch(list_slots_kernel(variant), (slot_face, counts, first, used.pixel, used.slot, used.face, n_slots, height, width, n_pixels))
    return used
