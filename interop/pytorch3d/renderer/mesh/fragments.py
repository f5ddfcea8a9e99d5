"""What the pixels see: all slots, as PyTorch3D has them, and those that hold a face, in a list. Where K is large most slots are empty."""

from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from functools import cached_property
from typing import Any

import torch

from .....engine.fragments import UsedFragments, UsedSlots
from .....runtime import current_arch

__all__ = ["EMPTY", "Fragments", "Used", "can_run", "is_kind", "used_of"]

EMPTY = -1  # what a slot without a face holds
REALS = (torch.float32, torch.float64)


@dataclass(frozen=True, eq=False)
class Fragments:
    """What the pixels see. A slot without a face holds -1.

    pix_to_face: [N, H, W, K] int64, into the packed faces of the batch, nearest first. zbuf: [N, H, W, K] depth in view space.
    bary_coords: [N, H, W, K, 3]. dists: [N, H, W, K] squared NDC distance to the outline of the face, negative inside.

    Those of `MeshRasterizer` keep the list of the slots that hold a face, which is what our shaders read; a tensor is made when it is asked for.
    """

    pix_to_face: torch.Tensor
    zbuf: torch.Tensor
    bary_coords: torch.Tensor
    dists: torch.Tensor | None

    @classmethod
    def of_used(cls, used: "Used") -> "Fragments":
        """Made when they are asked for."""
        fragments = object.__new__(cls)
        fragments.__dict__.update(_used=used, _versions={})
        return fragments

    def __getattr__(self, name: str) -> torch.Tensor:
        used = self.__dict__.get("_used")
        if used is None or name not in _FIELDS:
            raise AttributeError(f"{type(self).__name__} has no attribute {name!r}")
        made = used.slots_of(name)
        self.__dict__[name] = made
        self.__dict__["_versions"][name] = made._version
        return made

    def __iter__(self) -> Iterator[torch.Tensor]:
        return (getattr(self, name) for name in _FIELDS)

    def __len__(self) -> int:
        return len(_FIELDS)

    def __getitem__(self, index: Any) -> Any:
        return tuple(self)[index]

    def __reduce__(self) -> Any:
        return type(self), tuple(self)

    def detach(self) -> "Fragments":
        """The same without gradient."""
        used = used_of(self)
        if used.dense is None:
            return Fragments.of_used(used.detach())
        return Fragments(self.pix_to_face, self.zbuf.detach(), self.bary_coords.detach(), None if self.dists is None else self.dists.detach())


_FIELDS = tuple(each.name for each in fields(Fragments))


@dataclass(eq=False)
class Used:
    """The slots that hold a face: pixel by pixel, those of a pixel in their order. P is their number.

    Attributes:
        slots: which they are.
        dense: fragments that depth, weights and distances are taken from, where these are not given.
        given: depth [P], bary [P, 3] and dists [P].
    """

    slots: UsedSlots
    dense: Any = None
    given: dict[str, torch.Tensor] = field(default_factory=dict)

    @classmethod
    def found(cls, found: UsedFragments) -> "Used":
        """What our rasteriser found."""
        given = {"depth": found.depth, "bary": found.bary, "dists": found.distance_sq_signed}
        return cls(found.slots, None, {name: values[: found.slots.n] for name, values in given.items()})

    @classmethod
    def among(cls, fragments: Any) -> "Used":
        """Of fragments that somebody else made, or changed."""
        pix_to_face = fragments.pix_to_face
        n_images, height, width, n_slots = pix_to_face.shape
        flat = pix_to_face.reshape(-1)
        slot = (flat >= 0).nonzero()[:, 0]
        face = flat[slot]
        counts = (pix_to_face >= 0).reshape(-1, n_slots).sum(-1)
        first = torch.cat([counts.new_zeros(1), counts.cumsum(0)])
        n_faces = int(face.max()) + 1 if len(face) else 0
        pixels, slots, faces, firsts = (each.to(torch.int32) for each in (slot.div(n_slots, rounding_mode="floor"), slot, face, first))
        used = UsedSlots(pixels, slots, faces, firsts, len(slot), n_faces, (n_images, height, width, n_slots))
        return cls(used, fragments)

    def detach(self) -> "Used":
        return Used(self.slots, None, {name: values.detach() for name, values in self.given.items()})

    # ------------------------------------------------------------------ [P, ...]

    @cached_property
    def slot(self) -> torch.Tensor:
        return self.slots.slot[: self.slots.n].to(torch.int64)

    @cached_property
    def face(self) -> torch.Tensor:
        return self.slots.face[: self.slots.n].to(torch.int64)

    @cached_property
    def pixel(self) -> torch.Tensor:
        return self.slots.pixel[: self.slots.n].to(torch.int64)

    @cached_property
    def image(self) -> torch.Tensor:
        return self.pixel.div(self.slots.shape[1] * self.slots.shape[2], rounding_mode="floor")

    @property
    def n_pixels(self) -> int:
        n_images, height, width, _ = self.slots.shape
        return n_images * height * width

    @property
    def depth(self) -> torch.Tensor:
        return self._values("depth", "zbuf")

    @property
    def bary(self) -> torch.Tensor:
        return self._values("bary", "bary_coords")

    @property
    def dists(self) -> torch.Tensor:
        return self._values("dists", "dists")

    def _values(self, name: str, of_fragments: str) -> torch.Tensor:
        return self.given[name] if name in self.given else self.gather(getattr(self.dense, of_fragments))

    def gather(self, values: torch.Tensor) -> torch.Tensor:
        """[P, ...] of [N, H, W, K, ...]."""
        return values.reshape(-1, *values.shape[4:]).index_select(0, self.slot)

    def interpolate(self, values: torch.Tensor, faces: torch.Tensor) -> torch.Tensor:
        """[P, C] of [V, C] at the corners [F, 3]."""
        a, b, c = (values.index_select(0, corner) for corner in faces.index_select(0, self.face).unbind(1))
        wa, wb, wc = self.bary.unbind(1)
        return wa[:, None] * a + wb[:, None] * b + wc[:, None] * c

    # ------------------------------------------------------------------ all slots, all pixels

    def spread(self, values: torch.Tensor, empty: float = 0.0) -> torch.Tensor:
        """[N, H, W, K, ...] of [P, ...]."""
        shape = self.slots.shape
        everywhere = values.new_full((self.n_pixels * shape[3], *values.shape[1:]), empty)
        return everywhere.index_copy(0, self.slot, values).reshape(*shape, *values.shape[1:])

    def slots_of(self, name: str) -> torch.Tensor:
        """One of the four tensors of `Fragments`."""
        return self.spread({"pix_to_face": self.face, "zbuf": self.depth, "bary_coords": self.bary, "dists": self.dists}[name], EMPTY)

    def summed(self, values: torch.Tensor) -> torch.Tensor:
        """[N * H * W, ...] sums over the slots of each pixel."""
        return values.new_zeros(self.n_pixels, *values.shape[1:]).index_add(0, self.pixel, values)

    @cached_property
    def is_first(self) -> torch.Tensor:
        """Which are the first slots of their pixels [P]."""
        return self.slot == self.pixel * self.slots.shape[3]

    def nearest(self) -> "Used":
        """The first slots of the pixels alone, and no other slots."""
        n_images, height, width, _ = self.slots.shape
        places = self.is_first.nonzero()[:, 0]
        face, pixel = (indices.index_select(0, places) for indices in (self.face, self.pixel))
        covered = pixel.new_zeros(self.n_pixels).index_fill(0, pixel, 1)
        first = torch.cat([covered.new_zeros(1), covered.cumsum(0)])
        pixels, faces, firsts = (each.to(torch.int32) for each in (pixel, face, first))
        slots = UsedSlots(pixels, pixels, faces, firsts, len(pixel), self.slots.n_faces, (n_images, height, width, 1))
        return Used(slots, None, {"bary": self.bary.index_select(0, places)})


def used_of(fragments: Any) -> Used:
    """The used slots of any fragments; listed once, if they are ours and nobody writes into their tensors."""
    if not isinstance(fragments, Fragments):
        return Used.among(fragments)
    of_object = fragments.__dict__
    versions = {name: of_object[name]._version for name in _FIELDS if of_object.get(name) is not None}
    if "_used" not in of_object or versions != of_object["_versions"]:
        tensors = dict(zip(_FIELDS, fragments, strict=True))  # all are made now, of what the list was before
        of_object.update(_used=Used.among(fragments), _versions={name: tensor._version for name, tensor in tensors.items() if tensor is not None})
    return of_object["_used"]


def is_kind(value: Any, attribute: str) -> bool:
    """Whether it has what is needed of it; our own fragments make their tensors only when they are asked for."""
    return isinstance(value, Fragments) or hasattr(value, attribute) if attribute in _FIELDS else hasattr(value, attribute)


def can_run(tensor: torch.Tensor) -> bool:
    """Whether our kernels take it: where Taichi runs on another device, fragments that somebody else made are still shaded by torch."""
    return tensor.dtype in REALS and tensor.device.type in ("cpu", "cuda") and current_arch() in (None, tensor.device.type)
