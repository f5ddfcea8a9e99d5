"""PyTorch3D's textures: colours per vertex, pictures with texture coordinates, texels per face."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F

from .....checks import check_flag, check_shape
from .....scene import packed
from ...ops.interp_face_attrs import interpolate_face_attributes
from ...structures.utils import list_to_padded

__all__ = ["TexturesAtlas", "TexturesUV", "TexturesVertex"]

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

    def isempty(self) -> bool:
        return len(self) == 0

    def __len__(self) -> int:
        return len(next(iter(self._lists().values())))

    @property
    def device(self) -> torch.device:
        tensors = next(iter(self._lists().values()))
        return tensors[0].device if tensors else torch.device("cpu")

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
        return self._mapped(lambda tensors: [tensor.to(device) for tensor in tensors])


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
        return torch.cat(self._features) if self._features else torch.zeros(0, 3)

    def verts_features_padded(self) -> torch.Tensor:
        """[N, V, C], padded with 0."""
        return list_to_padded(self._features) if self._features else torch.zeros(0, 0, 3)

    def submeshes(self, vertex_ids_list: list[Tensors], faces_ids_list: Any) -> "TexturesVertex":
        return TexturesVertex(_parts(self._features, vertex_ids_list))

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

    def _sampling(self) -> dict[str, Any]:
        return {"padding_mode": self.padding_mode, "align_corners": self.align_corners, "sampling_mode": self.sampling_mode}

    def _with(self, **lists: Any) -> "TexturesUV":
        return TexturesUV(**lists, **self._sampling())

    def fitted(self, n_verts: list[int], n_faces: list[int]) -> "TexturesUV":
        return self._with(maps=self._maps, faces_uvs=_trimmed("faces", self._faces_uvs, n_faces), verts_uvs=self._verts_uvs)

    def maps_list(self) -> Tensors:
        return self._maps

    def maps_padded(self) -> torch.Tensor:
        """[N, H, W, C], of maps of several sizes all as large as the largest height and width, bilinearly. (They are sampled as they are.)"""
        if not self._maps:
            return torch.zeros(0, 0, 0, 3)
        size = (max(len(picture) for picture in self._maps), max(picture.shape[1] for picture in self._maps))
        return torch.stack([picture if picture.shape[:2] == size else self._resized(picture, size) for picture in self._maps])

    def _resized(self, picture: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
        return F.interpolate(picture.permute(2, 0, 1)[None], size, mode="bilinear", align_corners=self.align_corners)[0].permute(1, 2, 0)

    def faces_uvs_list(self) -> Tensors:
        return self._faces_uvs

    def faces_uvs_padded(self) -> torch.Tensor:
        """[N, F, 3], padded with 0."""
        return list_to_padded(self._faces_uvs) if self._faces_uvs else torch.zeros(0, 0, 3, dtype=torch.int64)

    def verts_uvs_list(self) -> Tensors:
        return self._verts_uvs

    def verts_uvs_padded(self) -> torch.Tensor:
        """[N, T, 2], padded with 0."""
        return list_to_padded(self._verts_uvs) if self._verts_uvs else torch.zeros(0, 0, 2)

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

    def sample_textures(self, fragments: Any, faces_packed: torch.Tensor | None = None) -> torch.Tensor:
        """[N, H, W, K, C]"""
        uv = interpolate_face_attributes(fragments.pix_to_face, fragments.bary_coords, self.faces_verts_uvs_packed())
        return torch.stack([self._looked_up(picture, of_image) for picture, of_image in zip(self._maps, uv, strict=True)])

    def faces_verts_textures_packed(self, faces_packed: torch.Tensor | None = None) -> torch.Tensor:
        if not self._maps:
            return torch.zeros(0, 3, 3)
        return torch.cat([self._looked_up(picture, uv) for picture, uv in zip(self._maps, self._faces_verts_uvs(), strict=True)])

    def submeshes(self, vertex_ids_list: list[Tensors], faces_ids_list: Any) -> "TexturesUV":
        faces_uvs = _parts(self._faces_uvs, faces_ids_list)
        maps, verts_uvs = ([tensor for tensor, parts in zip(tensors, faces_ids_list, strict=True) for _ in parts] for tensors in (self._maps, self._verts_uvs))
        return self._with(maps=maps, faces_uvs=faces_uvs, verts_uvs=verts_uvs)

    def join_scene(self) -> "TexturesUV":
        """The pictures as one, each once, and texture coordinates that lead into it; these are to lie in [0, 1]. Gradient: to pictures and coordinates."""
        border = 0 if self.align_corners else 1  # there 0 and 1 are the edges of a picture, where half of what is seen lies beyond
        places: dict[int, tuple[int, int]] = {}
        different = list({id(picture): picture for picture in self._maps}.values())
        corners, (height, width) = packed([(len(picture) + 2 * border, picture.shape[1] + 2 * border) for picture in different])
        joined = different[0].new_zeros(height, width, different[0].shape[2])
        for picture, (x, y) in zip(different, corners, strict=True):
            mode = "constant" if self.padding_mode == "zeros" else "replicate"
            tile = F.pad(picture.permute(2, 0, 1)[None], [border] * 4, mode)[0].permute(1, 2, 0) if border else picture
            joined[y : y + len(tile), x : x + tile.shape[1]] = tile
            places[id(picture)] = (x + border, y + border)
        least = 1 - border  # with align_corners they are the middles of the outermost texels
        uvs = list[torch.Tensor]()
        for picture, own in zip(self._maps, self._verts_uvs, strict=True):
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

    def __init__(self, atlas: Any) -> None:
        self._atlas = _list("TexturesAtlas", "atlas", atlas, 4)
        for tensor in self._atlas:
            check_shape("TexturesAtlas", "atlas", tensor.shape, ("F", "R", "R", "C"), {"R": self._atlas[0].shape[1]})

    def _lists(self) -> dict[str, Tensors]:
        return {"atlas": self._atlas}

    def _with(self, **lists: Tensors) -> "TexturesAtlas":
        return TexturesAtlas(**lists)

    def fitted(self, n_verts: list[int], n_faces: list[int]) -> "TexturesAtlas":
        return TexturesAtlas(_trimmed("faces", self._atlas, n_faces))

    def atlas_list(self) -> Tensors:
        return self._atlas

    def atlas_packed(self) -> torch.Tensor:
        return torch.cat(self._atlas) if self._atlas else torch.zeros(0, 1, 1, 3)

    def atlas_padded(self) -> torch.Tensor:
        """[N, F, R, R, C], padded with 0."""
        return torch.nn.utils.rnn.pad_sequence(self._atlas, batch_first=True) if self._atlas else torch.zeros(0, 0, 1, 1, 3)

    def submeshes(self, vertex_ids_list: list[Tensors], faces_ids_list: Any) -> "TexturesAtlas":
        return TexturesAtlas(_parts(self._atlas, faces_ids_list))

    def faces_verts_textures_packed(self, faces_packed: torch.Tensor | None = None) -> torch.Tensor:
        atlas = self.atlas_packed()
        return torch.stack([atlas[:, 0, -1], atlas[:, -1, 0], atlas[:, 0, 0]], 1)

    def join_scene(self) -> "TexturesAtlas":
        return TexturesAtlas([self.atlas_packed()])

    def check_shapes(self, batch_size: int, max_num_verts: int, max_num_faces: int) -> bool:
        return self.atlas_padded().shape[:2] == (batch_size, max_num_faces)

    def sample_textures(self, fragments: Any, faces_packed: torch.Tensor | None = None) -> torch.Tensor:
        """[N, H, W, K, C]"""
        atlas, used = self.atlas_packed(), fragments.pix_to_face >= 0
        R = atlas.shape[1]
        along = torch.where(used[..., None], fragments.bary_coords[..., :2], 0.0) * R
        cell = along.to(torch.int64)
        lower = (along.sum(-1) - cell.sum(-1) <= 1)[..., None]
        cell = torch.where(lower, cell, R - 1 - cell).clamp(0, R - 1)
        texels = atlas[fragments.pix_to_face.clamp(min=0), cell[..., 1], cell[..., 0]]
        return texels * used[..., None]
