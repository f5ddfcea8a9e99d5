"""In which number type, storage and width a kernel is instantiated.

A kernel is written once, inside a cached factory that takes a :class:`Variant`; the factory asks the variant for the annotations of its
array arguments. So the one source serves float32 and float64, arrays (``ti.ndarray``, NumPy, torch) and fields.
"""

import enum
from dataclasses import dataclass
from typing import Any

import taichi as ti

__all__ = ["Storage", "Variant"]


class Storage(enum.Enum):
    """What a kernel's array arguments are."""

    ARRAY = "array"
    """``ti.ndarray``, NumPy arrays and torch tensors. Their gradients are right on CPU and CUDA, and silently wrong on Vulkan."""
    FIELD = "field"
    """``ti.field``. Their gradients are right on every backend; each new field instantiates the kernel again."""


@dataclass(frozen=True, kw_only=True)
class Variant:
    """One instantiation of the kernels.

    ``tile_width`` pixels of a row are computed side by side when ``lanes`` equals it (explicit SIMD, for CPUs) or by as many threads when
    ``lanes`` is 1 (for GPUs).
    """

    real: Any = ti.f32
    storage: Storage = Storage.ARRAY
    lanes: int = 8
    tile_width: int = 8
    tile_height: int = 1

    def __post_init__(self) -> None:
        if self.tile_width % self.lanes:
            raise ValueError(f"Variant: tile_width must be a multiple of lanes ({self.lanes}), got {self.tile_width}")

    def array(self, ndim: int) -> Any:
        """Annotation of an array of real numbers."""
        return self._annotation(self.real, ndim)

    def index(self, ndim: int) -> Any:
        """Annotation of an array of 32-bit integers."""
        return self._annotation(ti.i32, ndim)

    @property
    def vector(self) -> Any:
        """The type of one value per lane."""
        return ti.types.vector(self.lanes, self.real)

    @property
    def loss_place(self) -> int | None:
        """Where the one number of a loss stands: ``ti.ad.Tape`` wants an array [1], or a field without dimensions."""
        return None if self.storage is Storage.FIELD else 0

    @property
    def tile_pixels(self) -> int:
        return self.tile_width * self.tile_height

    def _annotation(self, dtype: object, ndim: int) -> Any:
        if self.storage is Storage.FIELD:
            return ti.template()
        return ti.types.ndarray(dtype=dtype, ndim=ndim)
