"""PyTorch3D's textures: colours per vertex, pictures with texture coordinates, texels per face."""

import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable
from itertools import accumulate
from typing import Any, ClassVar

import numpy as np
import torch
import torch.nn.functional as F

from .....checks import check_flag, check_shape
from .....kernels.slot_texture import slot_texture_op
from .....scene import packed
from ....bridge import TorchArrays
from ...ops.interp_face_attrs import interpolate_face_attributes
from ...structures.utils import list_to_padded
from .fragments import Used, can_run, used_of

__all__ = ["Textures", "TexturesAtlas", "TexturesBase", "TexturesUV", "TexturesVertex"]

Tensors = list[torch.Tensor]
PADDINGS, SAMPLINGS = ("border", "zeros", "reflection"), ("bilinear", "nearest")


def _list(op: str, name: str, values: Any, n_dimensions: int, integers: bool = False) -> Tensors:
    """A tensor for each mesh, of a list or a padded tensor."""
    if not isinstance(values, (torch.Tensor, list, tuple)) or (isinstance(values, torch.Tensor) and values.ndim == 0):
        raise TypeError(f"{op}: {name} must be a tensor or a list of tensors, got {type(values).__name__}")
    tensors = list(values)
    for tensor in tensors:
        if not isinstance(tensor, torch.Tensor) or tensor.ndim != n_dimensions:
            got = tuple(tensor.shape) if isinstance(tensor, torch.Tensor) else type(tensor).__name__
            raise ValueError(f"{op}: {name} must be tensors of {n_dimensions} dimensions, one for each mesh, got {got}")
        if tensor.is_floating_point() == integers or tensor.is_complex():
            raise TypeError(f"{op}: {name} must be {'integers' if integers else 'floating point numbers'}, got {tensor.dtype}")
        if tensor.device != tensors[0].device:
            raise ValueError(f"{op}: {name} must be on one device, got {tensors[0].device} and {tensor.device}")
        if not integers and tensor.shape[-1] != tensors[0].shape[-1]:
            raise ValueError(f"{op}: {name} must have one number of channels, got {tensors[0].shape[-1]} and {tensor.shape[-1]}")
    return tensors


class _Textures(ABC):
    """Lists of tensors, one for each mesh; or in their place one padded tensor, if it was given or has been asked for.

    As in the original a padded tensor is handed out as it is kept: what is written into it, or a gradient that is wanted of it, is so for the textures. Users
    of the original also read and set what it keeps, by names with an underscore (`_kept`).
    """

    _DIMENSIONS: ClassVar[dict[str, tuple[int, bool]]] = {}  # of a mesh's tensor; whether it holds integers
    _held: dict[str, Tensors | torch.Tensor]

    def _hold(self, **given: Any) -> None:
        """Keeps, and checks, lists or padded tensors."""
        self._held = {name: self._checked(name, values) for name, values in given.items()}

    def _dimensions(self, name: str) -> tuple[int, bool]:
        return self._DIMENSIONS[name]

    def _checked(self, name: str, values: Any) -> Tensors | torch.Tensor:
        tensors = _list(type(self).__name__, name, values, *self._dimensions(name))
        return values if isinstance(values, torch.Tensor) and len(tensors) else tensors

    def _list_of(self, name: str) -> Tensors:
        held = self._held[name]
        return [held[i] for i in range(len(held))] if isinstance(held, torch.Tensor) else held

    def _padded_of(self, name: str) -> torch.Tensor:
        """What is kept, or is from now on: unless the tensors of the list are of several sizes, or gradients flow to them."""
        held = self._held[name]
        if isinstance(held, torch.Tensor):
            return held
        padded = list_to_padded(held)
        alike = all(tensor.shape == held[0].shape for tensor in held)
        if alike and not padded.requires_grad and not torch.is_inference_mode_enabled():
            self._held[name] = padded
        return padded

    def _lists(self) -> dict[str, Tensors]:
        return {name: self._list_of(name) for name in self._held}

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

    @abstractmethod
    def submeshes(self, vertex_ids_list: list[Tensors], faces_ids_list: Any) -> Any:
        """The textures of parts of the meshes: of each mesh, for each of its parts, which vertices and which faces it has. See `Meshes.submeshes`."""

    @abstractmethod
    def faces_verts_textures_packed(self, faces_packed: torch.Tensor | None = None) -> torch.Tensor:
        """[sum of F_n, 3, C] the texture at the corners of the faces."""

    @abstractmethod
    def check_shapes(self, batch_size: int, max_num_verts: int, max_num_faces: int) -> bool:
        """Whether it is of so many meshes, of which the largest has so many vertices and faces."""

    @abstractmethod
    def join_scene(self) -> Any:
        """The textures of all meshes as that of one. See `structures.join_meshes_as_scene`."""

    def _sampling(self) -> dict[str, Any]:
        """How it is sampled, which those that are joined have in common."""
        return {}

    def join_batch(self, textures: list[Any]) -> Any:
        """These, and then others of the same kind. See `structures.join_meshes_as_batch`."""
        op = f"{type(self).__name__}.join_batch"
        for other in textures:
            if not isinstance(other, type(self)):
                raise ValueError(f"{op}: textures must be {type(self).__name__}, got {type(other).__name__}")
            if other._sampling() != self._sampling():
                raise ValueError(f"{op}: textures must have {self._sampling()}, got {other._sampling()}")
        return self._with(**{name: [tensor for each in (self, *textures) for tensor in each._lists()[name]] for name in self._lists()})

    def isempty(self) -> bool | torch.Tensor:
        """Whether it is of no mesh: a tensor of bool, as in the original, but True where it is."""
        return len(self) == 0 or torch.tensor(False, device=self.device)

    def __len__(self) -> int:
        return len(next(iter(self._held.values())))

    @property
    def _N(self) -> int:  # noqa: N802 - PyTorch3D's name
        return len(self)

    @property
    def device(self) -> torch.device:
        held = next(iter(self._held.values()))
        return held[0].device if len(held) else torch.device("cpu")

    def __getitem__(self, index: Any) -> Any:
        places = [index] if isinstance(index, int) else torch.arange(len(self))[index].tolist()
        return self._mapped(lambda tensors: [tensors[i] for i in places])

    def extend(self, N: int) -> Any:
        if not isinstance(N, int) or N < 1:
            raise ValueError(f"{type(self).__name__}.extend: N must be a whole number of at least 1, got {N!r}")
        return self._mapped(lambda tensors: [tensor for tensor in tensors for _ in range(N)])

    def clone(self) -> Any:
        return self._mapped(lambda tensors: [tensor.clone() for tensor in tensors])

    def detach(self) -> Any:
        return self._mapped(lambda tensors: [tensor.detach() for tensor in tensors])

    def to(self, device: Any) -> Any:
        """Goes to another device itself, as in the original."""
        self._held = {name: held.to(device) if isinstance(held, torch.Tensor) else [each.to(device) for each in held] for name, held in self._held.items()}
        return self


def _kept(name: str, padded: bool) -> Any:
    """What the original keeps as ``_<name>_list`` or ``_<name>_padded``; None, which it sets where the other is given, changes nothing."""

    def get(self: Any) -> Any:
        return getattr(self, f"{name}_{'padded' if padded else 'list'}")()

    def put(self: Any, values: Any) -> None:
        if values is not None:
            self._held[name] = self._checked(name, values)

    return property(get, put)


def _parts(tensors: Tensors, ids_list: Any) -> Tensors:
    """The rows of each tensor that each part of its mesh has."""
    if len(ids_list) != len(tensors):
        raise ValueError(f"Meshes.submeshes: there must be parts of as many meshes as there are textures ({len(tensors)}), got {len(ids_list)}")
    return [tensor[part] for tensor, parts in zip(tensors, ids_list, strict=True) for part in parts]


def _trimmed(what: str, tensors: Tensors, sizes: list[int]) -> Tensors:
    if len(tensors) != len(sizes):
        raise ValueError(f"Meshes: textures must be of as many meshes as verts ({len(sizes)}), got {len(tensors)}")
    for tensor, size in zip(tensors, sizes, strict=True):
        if len(tensor) < size:
            raise ValueError(f"Meshes: textures must have one entry for each of the {size} {what} of a mesh, got {len(tensor)}")
    return [tensor[:size] for tensor, size in zip(tensors, sizes, strict=True)]


def _fits(tensors: Any, sizes: list[int]) -> bool:
    return [len(tensor) for tensor in tensors] == sizes


TexturesBase = _Textures


def Textures(  # noqa: N802 - PyTorch3D's name
    maps: Any = None, faces_uvs: Any = None, verts_uvs: Any = None, verts_rgb: Any = None
) -> "TexturesVertex | TexturesUV":  # fmt: skip
    """The older name of `TexturesVertex` (of verts_rgb) and `TexturesUV` (of the others)."""
    if (faces_uvs is None) != (verts_uvs is None) or (maps is not None and faces_uvs is None):
        raise ValueError("Textures: maps, faces_uvs and verts_uvs must be given together")
    if (verts_rgb is None) == (maps is None):
        raise ValueError("Textures: either maps, with faces_uvs and verts_uvs, or verts_rgb must be given")
    warnings.warn("Textures: it is now called TexturesVertex or TexturesUV", PendingDeprecationWarning, stacklevel=2)
    return TexturesVertex(verts_rgb) if maps is None else TexturesUV(maps, faces_uvs, verts_uvs)


class TexturesVertex(_Textures):
    """Features per vertex: a list of [V_n, C], or padded [N, V, C] (of meshes that have V vertices each)."""

    _DIMENSIONS: ClassVar = {"verts_features": (2, False)}
    _verts_features_list, _verts_features_padded = _kept("verts_features", False), _kept("verts_features", True)

    def __init__(self, verts_features: Any) -> None:
        self._hold(verts_features=verts_features)

    def _with(self, **lists: Tensors) -> "TexturesVertex":
        return TexturesVertex(**lists)

    def fitted(self, n_verts: list[int], n_faces: list[int]) -> "TexturesVertex":
        features = self.verts_features_list()
        return self if _fits(features, n_verts) else TexturesVertex(_trimmed("verts", features, n_verts))

    def verts_features_list(self) -> Tensors:
        return self._list_of("verts_features")

    def verts_features_packed(self) -> torch.Tensor:
        held = self._held["verts_features"]
        if isinstance(held, torch.Tensor):
            return held.reshape(-1, held.shape[-1])
        return torch.cat(held) if held else torch.zeros(0, 3)

    def verts_features_padded(self) -> torch.Tensor:
        """[N, V, C], padded with 0."""
        return self._padded_of("verts_features") if len(self) else torch.zeros(0, 0, 3)

    def submeshes(self, vertex_ids_list: list[Tensors], faces_ids_list: Any) -> "TexturesVertex":
        return TexturesVertex(_parts(self.verts_features_list(), vertex_ids_list))

    def faces_verts_textures_packed(self, faces_packed: torch.Tensor | None = None) -> torch.Tensor:
        if faces_packed is None:
            raise ValueError("TexturesVertex.faces_verts_textures_packed: faces_packed must be given, got None")
        return self.verts_features_packed()[faces_packed]

    def join_scene(self) -> "TexturesVertex":
        return TexturesVertex([self.verts_features_packed()])

    def check_shapes(self, batch_size: int, max_num_verts: int, max_num_faces: int) -> bool:
        return self.verts_features_padded().shape[:2] == (batch_size, max_num_verts)

    def sample_textures(self, fragments: Any, faces_packed: torch.Tensor | None = None) -> torch.Tensor:
        """[N, H, W, K, C]"""
        if faces_packed is None:
            raise ValueError("TexturesVertex.sample_textures: faces_packed must be given, got None")
        return interpolate_face_attributes(fragments.pix_to_face, fragments.bary_coords, self.verts_features_packed()[faces_packed])

    def at_used(self, used: Used, faces_packed: torch.Tensor) -> torch.Tensor:
        """[P, C] at the slots that hold a face."""
        return used.interpolate(self.verts_features_packed(), faces_packed)


class TexturesUV(_Textures):
    """A picture for each mesh, or several, and texture coordinates.

    Args:
        maps: a list of [H_n, W_n, C], or [N, H, W, C]. Row 0 is the top, where v is 1. With maps_ids a list of [M_n, H_n, W_n, C], or [N, M, H, W, C].
        faces_uvs: a list of [F_n, 3] integers into verts_uvs, or padded [N, F, 3].
        verts_uvs: a list of [T_n, 2], or padded [N, T, 2]: u to the right, v up.
        maps_ids: a list of [F_n] integers, or padded [N, F]: which of the pictures of its mesh each face shows.
        padding_mode: "border", "zeros" or "reflection", outside of [0, 1]. align_corners: whether 0 and 1 are the middles of the outermost texels, or their
            outer edges. sampling_mode: "bilinear" or "nearest".
    """

    _DIMENSIONS: ClassVar = {"maps": (3, False), "faces_uvs": (2, True), "verts_uvs": (2, False), "maps_ids": (1, True)}
    _maps_list, _maps_padded = _kept("maps", False), _kept("maps", True)
    _faces_uvs_list, _faces_uvs_padded = _kept("faces_uvs", False), _kept("faces_uvs", True)
    _verts_uvs_list, _verts_uvs_padded = _kept("verts_uvs", False), _kept("verts_uvs", True)

    def __init__(
        self,
        maps: Any,
        faces_uvs: Any,
        verts_uvs: Any,
        padding_mode: str = "border",
        align_corners: bool = True,
        sampling_mode: str = "bilinear",
        *,
        maps_ids: Any = None,
    ) -> None:
        op = "TexturesUV"
        for name, value, choices in (("padding_mode", padding_mode, PADDINGS), ("sampling_mode", sampling_mode, SAMPLINGS)):
            if value not in choices:
                raise ValueError(f"{op}: {name} must be one of {', '.join(map(repr, choices))}, got {value!r}")
        check_flag(op, "align_corners", align_corners)
        self._has_ids = maps_ids is not None
        self._hold(maps=maps, faces_uvs=faces_uvs, verts_uvs=verts_uvs, **({"maps_ids": maps_ids} if self._has_ids else {}))
        sizes = tuple(len(self._held[name]) for name in ("maps", "faces_uvs", "verts_uvs"))
        if len(set(sizes)) > 1:
            raise ValueError(f"{op}: maps, faces_uvs and verts_uvs must be of as many meshes, got {sizes}")
        self._without_padding()
        for faces, uvs in zip(self._faces_uvs, self._verts_uvs, strict=True):
            if faces.numel() and int(faces.max()) >= len(uvs):
                raise ValueError(f"{op}: faces_uvs must index verts_uvs 0 to {len(uvs) - 1}, got {int(faces.max())}")
        self.padding_mode, self.align_corners, self.sampling_mode = padding_mode, align_corners, sampling_mode

    def _dimensions(self, name: str) -> tuple[int, bool]:
        return (4, False) if name == "maps" and self._has_ids else super()._dimensions(name)

    def _checked(self, name: str, values: Any) -> Tensors | torch.Tensor:
        held = super()._checked(name, values)
        for tensor in held:
            if name in ("faces_uvs", "verts_uvs"):
                check_shape("TexturesUV", name, tensor.shape, ("F", 3) if name == "faces_uvs" else ("T", 2))
        if name in ("maps", "verts_uvs"):
            return held
        return held.to(torch.int64) if isinstance(held, torch.Tensor) else [tensor.to(torch.int64) for tensor in held]

    def _without_padding(self) -> None:
        """Checks maps_ids, and leaves out the faces that stand for none, with theirs."""
        faces_uvs = self._faces_uvs
        used = [(faces >= 0).all(1) for faces in faces_uvs]
        if self._has_ids:
            self._held["maps_ids"] = self._checked_ids(self._list_of("maps_ids"), used)
        if not all(bool(own.all()) for own in used):
            self._held["faces_uvs"] = [faces[own] for faces, own in zip(faces_uvs, used, strict=True)]

    def _checked_ids(self, maps_ids: Tensors, used: Tensors) -> Tensors:
        """Without those of padding."""
        if len(maps_ids) != len(self):
            raise ValueError(f"TexturesUV: maps_ids must be of as many meshes as maps ({len(self)}), got {len(maps_ids)}")
        checked = list[torch.Tensor]()
        for ids, own, pictures in zip(maps_ids, used, self._maps, strict=True):
            check_shape("TexturesUV", "maps_ids", ids.shape, ("F",), {"F": len(own)})
            of_faces = ids[own]
            if of_faces.numel() and (int(of_faces.min()) < 0 or int(of_faces.max()) >= len(pictures)):
                bad = int(of_faces.min()) if int(of_faces.min()) < 0 else int(of_faces.max())
                raise ValueError(f"TexturesUV: maps_ids must index maps 0 to {len(pictures) - 1}, got {bad}")
            checked.append(of_faces)
        return checked

    @property
    def _maps(self) -> Tensors:
        return self._list_of("maps")

    @property
    def _faces_uvs(self) -> Tensors:
        return self._list_of("faces_uvs")

    @property
    def _verts_uvs(self) -> Tensors:
        return self._list_of("verts_uvs")

    @property
    def _maps_ids(self) -> Tensors | None:
        return self._list_of("maps_ids") if self._has_ids else None

    def join_batch(self, textures: list[Any]) -> "TexturesUV":
        """As `_Textures.join_batch`: all have maps_ids, or none."""
        for other in textures:
            if isinstance(other, TexturesUV) and (other._maps_ids is None) != (self._maps_ids is None):
                raise ValueError("TexturesUV.join_batch: textures must all have maps_ids, or none of them")
        return super().join_batch(textures)

    def _sampling(self) -> dict[str, Any]:
        return {"padding_mode": self.padding_mode, "align_corners": self.align_corners, "sampling_mode": self.sampling_mode}

    def _with(self, **lists: Any) -> "TexturesUV":
        return TexturesUV(**lists, **self._sampling())

    def fitted(self, n_verts: list[int], n_faces: list[int]) -> "TexturesUV":
        if _fits(self._faces_uvs, n_faces):
            return self
        lists = self._lists() | {"faces_uvs": _trimmed("faces", self._faces_uvs, n_faces)}
        if self._maps_ids is not None:
            lists["maps_ids"] = _trimmed("faces", self._maps_ids, n_faces)
        return self._with(**lists)

    def maps_list(self) -> Tensors:
        return self._maps

    def maps_padded(self) -> torch.Tensor:
        """[N, H, W, C], of maps of several sizes all as large as the largest height and width, bilinearly. (They are sampled as they are.)

        With maps_ids [N, M, H, W, C], with black pictures where a mesh has fewer.
        """
        if not len(self):
            return torch.zeros(*[0] * (3 if self._maps_ids is None else 4), 3)
        if self._maps_ids is None and len({maps.shape for maps in self._maps}) == 1:
            return self._padded_of("maps")
        size = (max(maps.shape[-3] for maps in self._maps), max(maps.shape[-2] for maps in self._maps))
        alike = [maps if maps.shape[-3:-1] == size else self._resized(maps, size) for maps in self._maps]
        return torch.stack(alike) if self._maps_ids is None else list_to_padded(alike)

    def maps_ids_list(self) -> Tensors | None:
        return self._maps_ids

    def maps_ids_padded(self) -> torch.Tensor | None:
        """[N, F], padded with 0."""
        if self._maps_ids is None:
            return None
        return list_to_padded(self._maps_ids) if self._maps_ids else torch.zeros(0, 0, dtype=torch.int64)

    def _pictures(self) -> Tensors:
        """Those of all meshes."""
        return self._maps if self._maps_ids is None else [picture for maps in self._maps for picture in maps]

    def _face_picture(self) -> torch.Tensor:
        """[sum of F_n] which of `_pictures` each face shows."""
        if self._maps_ids is None:
            return torch.arange(len(self), device=self.device).repeat_interleave(torch.tensor([len(f) for f in self._faces_uvs], device=self.device))
        return torch.cat([ids + first for ids, first in zip(self._maps_ids, accumulate((len(maps) for maps in self._maps), initial=0), strict=False)])

    def _resized(self, picture: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
        pictures = picture.reshape(-1, *picture.shape[-3:]).permute(0, 3, 1, 2)
        resized = F.interpolate(pictures, size, mode="bilinear", align_corners=self.align_corners).permute(0, 2, 3, 1)
        return resized.reshape(*picture.shape[:-3], *resized.shape[1:])

    def faces_uvs_list(self) -> Tensors:
        return self._faces_uvs

    def faces_uvs_padded(self) -> torch.Tensor:
        """[N, F, 3], padded with 0."""
        return self._padded_of("faces_uvs") if len(self) else torch.zeros(0, 0, 3, dtype=torch.int64)

    def verts_uvs_list(self) -> Tensors:
        return self._verts_uvs

    def verts_uvs_padded(self) -> torch.Tensor:
        """[N, T, 2], padded with 0."""
        return self._padded_of("verts_uvs") if len(self) else torch.zeros(0, 0, 2)

    def _faces_verts_uvs(self) -> Tensors:
        return [uvs[faces] for uvs, faces in zip(self._verts_uvs, self._faces_uvs, strict=True)]

    def faces_verts_uvs_packed(self) -> torch.Tensor:
        """[sum of F_n, 3, 2]"""
        return torch.cat(self._faces_verts_uvs()) if self._maps else torch.zeros(0, 3, 2)

    def _looked_up(self, picture: torch.Tensor, uv: torch.Tensor) -> torch.Tensor:
        """[..., C] of the picture at [..., 2]."""
        place = ((uv * 2 - 1) * uv.new_tensor([1.0, -1.0])).reshape(1, 1, -1, 2)
        texels = F.grid_sample(picture.permute(2, 0, 1)[None].to(uv), place, self.sampling_mode, self.padding_mode, self.align_corners)
        return texels[0, :, 0].T.reshape(*uv.shape[:-1], -1)

    def _looked_up_each(self, which: torch.Tensor, uv: torch.Tensor) -> torch.Tensor:
        """[P, ..., C] of the pictures ``which`` [P] at [P, ..., 2]."""
        pictures = self._pictures()
        if len(pictures) == 1:
            return self._looked_up(pictures[0], uv)
        texels = uv.new_zeros(*uv.shape[:-1], pictures[0].shape[-1])
        for i in which.unique().tolist():
            places = (which == i).nonzero()[:, 0]
            texels = texels.index_copy(0, places, self._looked_up(pictures[i], uv.index_select(0, places)))
        return texels

    def sample_textures(self, fragments: Any, faces_packed: torch.Tensor | None = None) -> torch.Tensor:
        """[N, H, W, K, C]; where there is no face, the texel at (0, 0)."""
        used = used_of(fragments)
        texels, shape = self.at_used(used), used.slots.shape
        nth = 0 if self._maps_ids is None else int(self._maps_ids[0][0]) if len(self._maps_ids[0]) else 0  # PyTorch3D's: the map of the very first face
        shown = [maps if self._maps_ids is None else maps[min(nth, len(maps) - 1)] for maps in self._maps]
        corners = [self._looked_up(picture, texels.new_zeros(1, 2)) for picture in shown]
        elsewhere = torch.cat(corners)[:, None].expand(-1, used.n_pixels // shape[0] * shape[3], -1).reshape(-1, texels.shape[1])
        return elsewhere.index_copy(0, used.slot, texels).reshape(*shape, -1)

    def at_used(self, used: Used, faces_packed: torch.Tensor | None = None) -> torch.Tensor:
        """[P, C] at the slots that hold a face."""
        firsts = accumulate((len(uvs) for uvs in self._verts_uvs), initial=0)
        face_uvs = torch.cat([faces + first for faces, first in zip(self._faces_uvs, firsts, strict=False)])
        uvs, face_picture = torch.cat(self._verts_uvs).to(used.bary), self._face_picture()
        if used.slots.n and used.slots.n_faces > len(face_uvs) and int(used.face.max()) >= len(face_uvs):
            raise ValueError(f"TexturesUV.sample_textures: pix_to_face must index faces 0 to {len(face_uvs) - 1}, got {int(used.face.max())}")
        if self.padding_mode != "border" or self.sampling_mode != "bilinear" or not can_run(used.bary):
            return self._looked_up_each(face_picture.index_select(0, used.face), used.interpolate(uvs, face_uvs))
        pictures = [picture.to(used.bary) for picture in self._pictures()]
        texels = torch.cat([picture.reshape(-1, picture.shape[-1]) for picture in pictures])
        places = accumulate((picture.shape[0] * picture.shape[1] for picture in pictures), initial=0)
        levels = np.array([[first, *picture.shape[:2]] for first, picture in zip(places, pictures, strict=False)], np.int32)
        arrays = TorchArrays(used.bary.dtype, used.bary.device)
        (colors,) = arrays.run(
            slot_texture_op(arrays.variant),
            (used.bary, uvs, texels),
            [(len(used.bary), texels.shape[1])],
            (used.slots, face_uvs.to(torch.int32), face_picture.to(torch.int32), arrays.index(levels), int(self.align_corners), texels.shape[1]),
        )
        return colors

    def centers_for_image(self, index: int) -> torch.Tensor:
        """[T, 2] where the texture coordinates of a mesh lie in its picture: column and row, as they are sampled, on the CPU and without gradient.

        Raises:
            ValueError: with maps_ids: a coordinate lies in no picture of its own.
        """
        if self._maps_ids is not None:
            raise ValueError("TexturesUV.centers_for_image: the textures must have one map for each mesh, got maps_ids")
        if not isinstance(index, int) or not -len(self) <= index < len(self):
            raise ValueError(f"TexturesUV.centers_for_image: index must be a whole number between 0 and {len(self) - 1}, got {index!r}")
        height, width = self._maps[index].shape[:2]
        uv = self._verts_uvs[index].detach().cpu()
        rows, columns = torch.meshgrid(torch.arange(height).to(uv), torch.arange(width).to(uv), indexing="ij")
        return self._looked_up(torch.stack([columns, rows], -1), uv)

    def faces_verts_textures_packed(self, faces_packed: torch.Tensor | None = None) -> torch.Tensor:
        return self._looked_up_each(self._face_picture(), torch.cat(self._faces_verts_uvs())) if self._maps else torch.zeros(0, 3, 3)

    def submeshes(self, vertex_ids_list: list[Tensors], faces_ids_list: Any) -> "TexturesUV":
        faces_uvs = _parts(self._faces_uvs, faces_ids_list)
        maps, verts_uvs = ([tensor for tensor, parts in zip(tensors, faces_ids_list, strict=True) for _ in parts] for tensors in (self._maps, self._verts_uvs))
        ids = {} if self._maps_ids is None else {"maps_ids": _parts(self._maps_ids, faces_ids_list)}
        return self._with(maps=maps, faces_uvs=faces_uvs, verts_uvs=verts_uvs, **ids)

    def join_scene(self) -> "TexturesUV":
        """The pictures as one, each once, and texture coordinates that lead into it; these are to lie in [0, 1]. Gradient: to pictures and coordinates."""
        if self._maps_ids is not None:
            raise ValueError("TexturesUV.join_scene: the textures must have one map for each mesh, got maps_ids")
        border = 0 if self.align_corners else 1  # there 0 and 1 are the edges of a picture, where half of what is seen lies beyond
        places: dict[int, tuple[int, int]] = {}
        maps = self._maps
        different = list({id(picture): picture for picture in maps}.values())
        corners, (height, width) = packed([(len(picture) + 2 * border, picture.shape[1] + 2 * border) for picture in different])
        joined = different[0].new_zeros(height, width, different[0].shape[2])
        for picture, (x, y) in zip(different, corners, strict=True):
            mode = "constant" if self.padding_mode == "zeros" else "replicate"
            tile = F.pad(picture.permute(2, 0, 1)[None], [border] * 4, mode)[0].permute(1, 2, 0) if border else picture
            joined[y : y + len(tile), x : x + tile.shape[1]] = tile
            places[id(picture)] = (x + border, y + border)
        least = 1 - border  # with align_corners they are the middles of the outermost texels
        uvs = list[torch.Tensor]()
        for picture, own in zip(maps, self._verts_uvs, strict=True):
            (x, y), (h, w) = places[id(picture)], picture.shape[:2]
            u = (x + own[:, 0] * (w - least)) / max(width - least, 1)
            v = 1 - (y + (1 - own[:, 1]) * (h - least)) / max(height - least, 1)
            uvs.append(torch.stack([u, v], 1))
        begins = [sum(map(len, self._verts_uvs[:i])) for i in range(len(self))]
        faces_uvs = torch.cat([faces + begin for faces, begin in zip(self._faces_uvs, begins, strict=True)])
        return self._with(maps=[joined], faces_uvs=[faces_uvs], verts_uvs=[torch.cat(uvs)])

    def check_shapes(self, batch_size: int, max_num_verts: int, max_num_faces: int) -> bool:
        return self.faces_uvs_padded().shape[:2] == (batch_size, max_num_faces)


class TexturesAtlas(_Textures):
    """R x R texels for each face: a list of [F_n, R, R, C], or [N, F, R, R, C]. The nearest texel is taken: no gradient goes to the vertices."""

    _DIMENSIONS: ClassVar = {"atlas": (4, False)}
    _atlas_list, _atlas_padded = _kept("atlas", False), _kept("atlas", True)

    def __init__(self, atlas: Any) -> None:
        self._hold(atlas=atlas)

    def _checked(self, name: str, values: Any) -> Tensors | torch.Tensor:
        held = super()._checked(name, values)
        for tensor in held:
            check_shape("TexturesAtlas", "atlas", tensor.shape, ("F", "R", "R", "C"), {"R": held[0].shape[1]})
        return held

    def _with(self, **lists: Tensors) -> "TexturesAtlas":
        return TexturesAtlas(**lists)

    def fitted(self, n_verts: list[int], n_faces: list[int]) -> "TexturesAtlas":
        atlas = self.atlas_list()
        return self if _fits(atlas, n_faces) else TexturesAtlas(_trimmed("faces", atlas, n_faces))

    def atlas_list(self) -> Tensors:
        return self._list_of("atlas")

    def atlas_packed(self) -> torch.Tensor:
        held = self._held["atlas"]
        if isinstance(held, torch.Tensor):
            return held.reshape(-1, *held.shape[2:])
        return torch.cat(held) if held else torch.zeros(0, 1, 1, 3)

    def atlas_padded(self) -> torch.Tensor:
        """[N, F, R, R, C], padded with 0."""
        return self._padded_of("atlas") if len(self) else torch.zeros(0, 0, 1, 1, 3)

    def submeshes(self, vertex_ids_list: list[Tensors], faces_ids_list: Any) -> "TexturesAtlas":
        return TexturesAtlas(_parts(self.atlas_list(), faces_ids_list))

    def faces_verts_textures_packed(self, faces_packed: torch.Tensor | None = None) -> torch.Tensor:
        atlas = self.atlas_packed()
        return torch.stack([atlas[:, 0, -1], atlas[:, -1, 0], atlas[:, 0, 0]], 1)

    def join_scene(self) -> "TexturesAtlas":
        return TexturesAtlas([self.atlas_packed()])

    def check_shapes(self, batch_size: int, max_num_verts: int, max_num_faces: int) -> bool:
        return self.atlas_padded().shape[:2] == (batch_size, max_num_faces)

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
