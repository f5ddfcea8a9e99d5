"""In which number type, storage and width a kernel is instantiated.

A kernel is written once, inside a cached factory that takes a :class:`Variant`; the factory asks the variant for the annotations of its
array arguments. So the one source serves float32 and float64, arrays (``ti.ndarray``, NumPy, torch) and fields.
"""

import enum
import functools
from dataclasses import dataclass, fields
from typing import Any

from ..language import ti

__all__ = ["Storage", "Variant"]

AT_ONCE = 512  # iterations: what Taichi gives to one thread of a CPU is never less


class Storage(enum.Enum):
    """What a kernel's array arguments are."""

    ARRAY = "array"
    """``ti.ndarray``, NumPy arrays and torch tensors. Their gradients are right on CPU and CUDA, and silently wrong on Vulkan."""
    FIELD = "field"
    """``ti.field``. Their gradients are right on every backend; each new field instantiates the kernel again."""


@dataclass(frozen=True, kw_only=True)
class Variant:
    """One instantiation of the kernels.

    The pixels of a tile are numbered row by row. ``lanes`` consecutive ones, a block, are computed side by side (explicit SIMD, for CPUs); with one lane, by as
    many threads (for GPUs). ``team`` threads share memory and can wait for each other (CUDA); 1 where none can. With ``serial`` the outer loops run in the
    calling thread: to wake the others (0.1 ms a loop) takes longer than little work does.
    """

    real: Any = ti.f32
    storage: Storage = Storage.ARRAY
    lanes: int = 8
    tile_width: int = 4
    tile_height: int = 2
    serial: bool = False
    team: int = 1

    def __post_init__(self) -> None:
        if self.tile_pixels % self.lanes or (self.tile_width % self.lanes and self.lanes % self.tile_width):
            raise ValueError(f"Variant: tiles must be made of blocks of {self.lanes} lanes, got {self.tile_width} x {self.tile_height} pixels")

    def __hash__(self) -> int:
        return self._hash

    @functools.cached_property
    def _hash(self) -> int:
        """Found once: every kernel is looked up by it, at every call."""
        return hash(tuple(getattr(self, field.name) for field in fields(self)))

    def array(self, ndim: int) -> Any:
        """Annotation of an array of real numbers."""
        return self._annotation(self.real, ndim)

    def doubles(self, ndim: int) -> Any:
        """Annotation of an array of 64-bit real numbers, whatever the others are."""
        return self._annotation(ti.f64, ndim)

    def index(self, ndim: int) -> Any:
        """Annotation of an array of 32-bit integers."""
        return self._annotation(ti.i32, ndim)

    @property
    def has_blocks(self) -> bool:
        """Whether kernels may read and write the lanes of a block in one go (`blocks`)."""
        return self.lanes > 1 and self.storage is Storage.ARRAY

    def blocks(self, ndim: int) -> Any:
        """Annotation of an array of blocks of lanes; in memory the lanes are its last dimension, and without `has_blocks` for the kernel, too."""
        return ti.types.ndarray(dtype=self.vector, ndim=ndim) if self.has_blocks else self.array(ndim + 1)

    def index_blocks(self, ndim: int) -> Any:
        """The same of 32-bit integers."""
        return ti.types.ndarray(dtype=ti.types.vector(self.lanes, ti.i32), ndim=ndim) if self.has_blocks else self.index(ndim + 1)

    @property
    def vector(self) -> Any:
        """The type of one value per lane."""
        return ti.types.vector(self.lanes, self.real)

    def spread(self, work: int) -> int:
        """Over how many iterations of a parallel loop a piece of work is to be spread, all but the first of them empty, so that all threads of a CPU get some.

        Taichi 1.7.4 hands a thread no fewer than `AT_ONCE` iterations, whatever ``block_dim`` says: a shorter loop runs in one thread. ``work`` is how many
        iterations of little work last about as long as the piece.
        """
        return 1 if self.serial or self.lanes == 1 else min(work, AT_ONCE)

    @property
    def loss_place(self) -> int | None:
        """Where the one number of a loss stands: ``ti.ad.Tape`` wants an array [1], or a field without dimensions."""
        return None if self.storage is Storage.FIELD else 0

    @property
    def tile_pixels(self) -> int:
        return self.tile_width * self.tile_height

    @property
    def blocks_per_tile(self) -> int:
        return self.tile_pixels // self.lanes

    @property
    def lane_places(self) -> list[tuple[int, int]]:
        """(line, column) of each lane from the first one of its block."""
        return [divmod(lane, min(self.lanes, self.tile_width)) for lane in range(self.lanes)]

    def _annotation(self, dtype: object, ndim: int) -> Any:
        if self.storage is Storage.FIELD:
            return ti.template()
        return ti.types.ndarray(dtype=dtype, ndim=ndim)
