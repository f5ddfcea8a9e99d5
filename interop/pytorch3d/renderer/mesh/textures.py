"""PyTorch3D's textures: colours per vertex, pictures with texture coordinates, texels per face."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from itertools import accumulate
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

from .....checks import check_flag, check_shape
from .....kernels.slot_texture import slot_texture_op
from ....bridge import TorchArrays
from ...ops.interp_face_attrs import interpolate_face_attributes
from .fragments import Used, can_run, used_of

__all__ = ["TexturesAtlas", "TexturesUV", "TexturesVertex"]

Tensors = list[torch.Tensor]
PADDINGS, SAMPLINGS = ("border", "zeros", "reflection"), ("bilinear", "nearest")


def _list(op: str, name: str, values: Any, n_dimensions: int, integers: bool = False) -> Tensors:
    """A tensor for each mesh, of a list or a padded tensor."""
    if not isinstance(values, (torch.Tensor, list, tuple)) or (isinstance(values, torch.Tensor) and values.ndim == 0):
        raise TypeError(f"{op}: {name} must be a tensor or a list of tensors, got {type(values).__name__}")
    tensors = list(values)
    if not tensors:
        raise ValueError(f"{op}: {name} must be of at least one mesh, got none")
    for tensor in tensors:
        if not isinstance(tensor, torch.Tensor) or tensor.ndim != n_dimensions:
            got = tuple(tensor.shape) if isinstance(tensor, torch.Tensor) else type(tensor).__name__
            raise ValueError(f"{op}: {name} must be tensors of {n_dimensions} dimensions, one for each mesh, got {got}")
        if tensor.is_floating_point() == integers or tensor.is_complex():
            raise TypeError(f"{op}: {name} must be {'integers' if integers else 'floating point numbers'}, got {tensor.dtype}")
        if tensor.device != tensors[0].device:
            raise ValueError(f"{op}: {name} must be on one device, got {tensors[0].device} and {tensor.device}")
    return tensors


class _Textures(ABC):
    """Lists of tensors, one for each mesh."""

    @abstractmethod
    def _lists(self) -> dict[str, Tensors]: ...

    @abstractmethod
    def _with(self, **lists: Tensors) -> Any: ...

    def _mapped(self, function: Callable[[Tensors], Tensors]) -> Any:
        return self._with(**{name: function(tensors) for name, tensors in self._lists().items()})

    @abstractmethod
    def fitted(self, n_verts: list[int], n_faces: list[int]) -> Any:
        """Without what pads it beyond the vertices and faces of its meshes.

        Raises:
            ValueError: if it has too little for them.
        """

    def __len__(self) -> int:
        return len(next(iter(self._lists().values())))

    @property
    def device(self) -> torch.device:
        return next(iter(self._lists().values()))[0].device

    def __getitem__(self, index: Any) -> Any:
        places = [index] if isinstance(index, int) else torch.arange(len(self))[index].tolist()
        return self._mapped(lambda tensors: [tensors[i] for i in places])

    def extend(self, N: int) -> Any:
        return self._mapped(lambda tensors: [tensor for tensor in tensors for _ in range(N)])

    def clone(self) -> Any:
        return self._mapped(lambda tensors: [tensor.clone() for tensor in tensors])

    def detach(self) -> Any:
        return self._mapped(lambda tensors: [tensor.detach() for tensor in tensors])

    def to(self, device: Any) -> Any:
        return self._mapped(lambda tensors: [tensor.to(device) for tensor in tensors])


def _trimmed(what: str, tensors: Tensors, sizes: list[int]) -> Tensors:
    if len(tensors) != len(sizes):
        raise ValueError(f"Meshes: textures must be of as many meshes as verts ({len(sizes)}), got {len(tensors)}")
    for tensor, size in zip(tensors, sizes, strict=True):
        if len(tensor) < size:
            raise ValueError(f"Meshes: textures must have one entry for each of the {size} {what} of a mesh, got {len(tensor)}")
    return [tensor[:size] for tensor, size in zip(tensors, sizes, strict=True)]


class TexturesVertex(_Textures):
    """Features per vertex: a list of [V_n, C], or padded [N, V, C] (of meshes that have V vertices each)."""

    def __init__(self, verts_features: Any) -> None:
        self._features = _list("TexturesVertex", "verts_features", verts_features, 2)

    def _lists(self) -> dict[str, Tensors]:
        return {"verts_features": self._features}

    def _with(self, **lists: Tensors) -> "TexturesVertex":
        return TexturesVertex(**lists)

    def fitted(self, n_verts: list[int], n_faces: list[int]) -> "TexturesVertex":
        return TexturesVertex(_trimmed("verts", self._features, n_verts))

    def verts_features_list(self) -> Tensors:
        return self._features

    def verts_features_packed(self) -> torch.Tensor:
        return torch.cat(self._features)

    def verts_features_padded(self) -> torch.Tensor:
        return torch.nn.utils.rnn.pad_sequence(self._features, batch_first=True)

    def sample_textures(self, fragments: Any, faces_packed: torch.Tensor | None = None) -> torch.Tensor:
        """[N, H, W, K, C]"""
        if faces_packed is None:
            raise ValueError("TexturesVertex.sample_textures: faces_packed must be given, got None")
        return interpolate_face_attributes(fragments.pix_to_face, fragments.bary_coords, self.verts_features_packed()[faces_packed])

    def at_used(self, used: Used, faces_packed: torch.Tensor) -> torch.Tensor:
        """[P, C] at the slots that hold a face."""
        return used.interpolate(self.verts_features_packed(), faces_packed)


class TexturesUV(_Textures):
    """A picture for each mesh, and texture coordinates.

    Args:
        maps: a list of [H_n, W_n, C], or [N, H, W, C]. Row 0 is the top, where v is 1.
        faces_uvs: a list of [F_n, 3] integers into verts_uvs, or padded [N, F, 3].
        verts_uvs: a list of [T_n, 2], or padded [N, T, 2]: u to the right, v up.
        padding_mode: "border", "zeros" or "reflection", outside of [0, 1]. align_corners: whether 0 and 1 are the middles of the outermost texels, or their
            outer edges. sampling_mode: "bilinear" or "nearest".
    """

    def __init__(
        self, maps: Any, faces_uvs: Any, verts_uvs: Any, padding_mode: str = "border", align_corners: bool = True, sampling_mode: str = "bilinear"
    ) -> None:
        for name, value, choices in (("padding_mode", padding_mode, PADDINGS), ("sampling_mode", sampling_mode, SAMPLINGS)):
            if value not in choices:
                raise ValueError(f"TexturesUV: {name} must be one of {', '.join(map(repr, choices))}, got {value!r}")
        check_flag("TexturesUV", "align_corners", align_corners)
        self._maps = _list("TexturesUV", "maps", maps, 3)
        self._faces_uvs = [faces.to(torch.int64) for faces in _list("TexturesUV", "faces_uvs", faces_uvs, 2, integers=True)]
        self._verts_uvs = _list("TexturesUV", "verts_uvs", verts_uvs, 2)
        if not len(self._maps) == len(self._faces_uvs) == len(self._verts_uvs):
            sizes = (len(self._maps), len(self._faces_uvs), len(self._verts_uvs))
            raise ValueError(f"TexturesUV: maps, faces_uvs and verts_uvs must be of as many meshes, got {sizes}")
        self._faces_uvs = [faces[(faces >= 0).all(1)] for faces in self._faces_uvs]
        for faces, uvs in zip(self._faces_uvs, self._verts_uvs, strict=True):
            check_shape("TexturesUV", "faces_uvs", faces.shape, ("F", 3))
            check_shape("TexturesUV", "verts_uvs", uvs.shape, ("T", 2))
            if faces.numel() and int(faces.max()) >= len(uvs):
                raise ValueError(f"TexturesUV: faces_uvs must index verts_uvs 0 to {len(uvs) - 1}, got {int(faces.max())}")
        self.padding_mode, self.align_corners, self.sampling_mode = padding_mode, align_corners, sampling_mode

    def _lists(self) -> dict[str, Tensors]:
        return {"maps": self._maps, "faces_uvs": self._faces_uvs, "verts_uvs": self._verts_uvs}

    def _with(self, **lists: Tensors) -> "TexturesUV":
        return TexturesUV(**lists, padding_mode=self.padding_mode, align_corners=self.align_corners, sampling_mode=self.sampling_mode)

    def fitted(self, n_verts: list[int], n_faces: list[int]) -> "TexturesUV":
        return self._with(maps=self._maps, faces_uvs=_trimmed("faces", self._faces_uvs, n_faces), verts_uvs=self._verts_uvs)

    def maps_list(self) -> Tensors:
        return self._maps

    def maps_padded(self) -> torch.Tensor:
        """[N, H, W, C] of maps of one size."""
        return torch.stack(self._maps)

    def faces_uvs_list(self) -> Tensors:
        return self._faces_uvs

    def verts_uvs_list(self) -> Tensors:
        return self._verts_uvs

    def faces_verts_uvs_packed(self) -> torch.Tensor:
        """[sum of F_n, 3, 2]"""
        return torch.cat([uvs[faces] for uvs, faces in zip(self._verts_uvs, self._faces_uvs, strict=True)])

    def sample_textures(self, fragments: Any, faces_packed: torch.Tensor | None = None) -> torch.Tensor:
        """[N, H, W, K, C]"""
        uv = interpolate_face_attributes(fragments.pix_to_face, fragments.bary_coords, self.faces_verts_uvs_packed())
        place = (uv * 2 - 1) * uv.new_tensor([1.0, -1.0])
        n_images, height, width, n_slots = fragments.pix_to_face.shape
        texels = [
            F.grid_sample(
                picture.permute(2, 0, 1)[None].to(grid),
                grid.reshape(1, height, width * n_slots, 2),
                mode=self.sampling_mode,
                padding_mode=self.padding_mode,
                align_corners=self.align_corners,
            )
            for picture, grid in zip(self._maps, place, strict=True)
        ]
        return torch.cat(texels).permute(0, 2, 3, 1).reshape(n_images, height, width, n_slots, -1)

    def at_used(self, used: Used, faces_packed: torch.Tensor) -> torch.Tensor:
        """[P, C] at the slots that hold a face."""
        firsts = list(accumulate((len(uvs) for uvs in self._verts_uvs), initial=0))
        face_uvs = torch.cat([faces + first for faces, first in zip(self._faces_uvs, firsts, strict=False)])
        uvs = torch.cat(self._verts_uvs).to(used.bary)
        if self.padding_mode != "border" or self.sampling_mode != "bilinear" or not can_run(used.bary):
            return self._sampled(used, used.interpolate(uvs, face_uvs))
        maps = [picture.to(used.bary) for picture in self._maps]
        sizes = [len(faces) for faces in self._faces_uvs]
        texels = torch.cat([picture.reshape(-1, picture.shape[-1]) for picture in maps])
        levels = np.array([[first, *picture.shape[:2]] for first, picture in zip(accumulate((p[..., 0].numel() for p in maps), initial=0), maps, strict=False)])
        arrays = TorchArrays(used.bary.dtype, used.bary.device)
        (colors,) = arrays.run(
            slot_texture_op(arrays.variant),
            (used.bary, uvs, texels),
            [(len(used.bary), texels.shape[1])],
            (
                used.slots, face_uvs.to(torch.int32), arrays.index(np.repeat(np.arange(len(maps), dtype=np.int32), sizes)),
                arrays.index(levels.astype(np.int32)), int(self.align_corners), texels.shape[1],
            ),
        )  # fmt: skip
        return colors

    def _sampled(self, used: Used, uv: torch.Tensor) -> torch.Tensor:
        """[P, C] at texture coordinates [P, 2], by torch."""
        grids = ((uv * 2 - 1) * uv.new_tensor([1.0, -1.0])).split(torch.bincount(used.image, minlength=len(self)).tolist())
        texels = [
            F.grid_sample(
                picture.permute(2, 0, 1)[None].to(grid), grid[None, :, None], mode=self.sampling_mode, padding_mode=self.padding_mode,
                align_corners=self.align_corners,
            )[0, :, :, 0].T
            for picture, grid in zip(self._maps, grids, strict=True)
        ]  # fmt: skip
        return torch.cat(texels)


class TexturesAtlas(_Textures):
    """R x R texels for each face: a list of [F_n, R, R, C], or [N, F, R, R, C]. The nearest texel is taken: no gradient goes to the vertices."""

    def __init__(self, atlas: Any) -> None:
        self._atlas = _list("TexturesAtlas", "atlas", atlas, 4)
        for tensor in self._atlas:
            check_shape("TexturesAtlas", "atlas", tensor.shape, ("F", "R", "R", "C"), {"R": tensor.shape[1]})

    def _lists(self) -> dict[str, Tensors]:
        return {"atlas": self._atlas}

    def _with(self, **lists: Tensors) -> "TexturesAtlas":
        return TexturesAtlas(**lists)

    def fitted(self, n_verts: list[int], n_faces: list[int]) -> "TexturesAtlas":
        return TexturesAtlas(_trimmed("faces", self._atlas, n_faces))

    def atlas_list(self) -> Tensors:
        return self._atlas

    def atlas_packed(self) -> torch.Tensor:
        return torch.cat(self._atlas)

    def sample_textures(self, fragments: Any, faces_packed: torch.Tensor | None = None) -> torch.Tensor:
        """[N, H, W, K, C]"""
        used = used_of(fragments)
        return used.spread(self.at_used(used))

    def at_used(self, used: Used, faces_packed: torch.Tensor | None = None) -> torch.Tensor:
        """[P, C] at the slots that hold a face."""
        atlas = self.atlas_packed()
        R = atlas.shape[1]
        along = used.bary[:, :2] * R
        cell = along.to(torch.int64)
        lower = (along.sum(-1) - cell.sum(-1) <= 1)[..., None]
        cell = torch.where(lower, cell, R - 1 - cell).clamp(0, R - 1)
        return atlas[used.face, cell[:, 1], cell[:, 0]]
