"""PyTorch3D's ``Meshes``: a batch of triangle meshes of any sizes, as lists, packed one after the other, or padded."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
import torch.nn.functional as F

from ....checks import check_shape
from ...checks import check_tensors

__all__ = ["Meshes"]

LEAST_LENGTH = 1e-6  # of a normal before it is made a unit


def _padded(tensors: Sequence[torch.Tensor], value: float) -> torch.Tensor:
    return torch.nn.utils.rnn.pad_sequence(list(tensors), batch_first=True, padding_value=value)


class Meshes:
    """A batch of N meshes.

    Args:
        verts: a list of [V_n, 3], or padded [N, V, 3].
        faces: a list of [F_n, 3] integers into the mesh's own vertices, or padded [N, F, 3] with -1.
        textures: `TexturesVertex`, `TexturesUV` or `TexturesAtlas`, or None.
        verts_normals: normals to be used instead of those of the faces, like verts.
    """

    def __init__(self, verts: Any, faces: Any, textures: Any = None, *, verts_normals: Any = None) -> None:
        for name, given in (("verts", verts), ("faces", faces)):
            if not isinstance(given, (torch.Tensor, list, tuple)) or (isinstance(given, torch.Tensor) and given.ndim == 0):
                raise TypeError(f"Meshes: {name} must be a tensor or a list of tensors, got {type(given).__name__}")
            for tensor in given:
                if not isinstance(tensor, torch.Tensor):
                    raise TypeError(f"Meshes: {name} must be tensors, got {type(tensor).__name__}")
                of_kind = tensor.is_floating_point() == (name == "verts") and not tensor.is_complex() and tensor.dtype is not torch.bool
                if not of_kind and (tensor.numel() or name == "verts"):
                    raise TypeError(f"Meshes: {name} must be {'floating point numbers' if name == 'verts' else 'integers'}, got {tensor.dtype}")
                if tensor.device != verts[0].device:
                    raise ValueError(f"Meshes: {name} must be on the device of the first verts ({verts[0].device}), got {tensor.device}")
                if name == "verts" and tensor.dtype != verts[0].dtype:
                    raise TypeError(f"Meshes: verts must be of one dtype, got {verts[0].dtype} and {tensor.dtype}")
        if len(verts) != len(faces):
            raise ValueError(f"Meshes: faces must be of as many meshes as verts ({len(verts)}), got {len(faces)}")
        if isinstance(verts, torch.Tensor) and verts.ndim != 3:
            raise ValueError(f"Meshes: verts must have shape (N, V, 3), got {tuple(verts.shape)}")
        faces_list = [f[(f >= 0).all(1)] if isinstance(faces, torch.Tensor) else f for f in faces]
        self._verts, self._faces = list(verts), [f.to(torch.int64) for f in faces_list]
        for name, tensors in (("verts", self._verts), ("faces", self._faces)):
            for tensor in tensors:
                if tensor.ndim != 2 or tensor.shape[1] != 3:
                    raise ValueError(f"Meshes: {name} must have shape ({name[0].upper()}, 3) each, got {tuple(tensor.shape)}")
        for v, f in zip(self._verts, self._faces, strict=True):
            if f.numel() and (int(f.min()) < 0 or int(f.max()) >= len(v)):
                bad = int(f.min()) if int(f.min()) < 0 else int(f.max())
                raise ValueError(f"Meshes: faces must index verts 0 to {len(v) - 1}, got {bad}")
        self._normals = None if verts_normals is None else self._checked_normals(verts_normals)
        self.device = self._verts[0].device if self._verts else torch.device("cpu")
        self.textures = textures.fitted(list(map(len, self._verts)), list(map(len, self._faces))) if hasattr(textures, "fitted") else textures

    def _checked_normals(self, verts_normals: Any) -> list[torch.Tensor]:
        if not isinstance(verts_normals, (torch.Tensor, list, tuple)):
            raise TypeError(f"Meshes: verts_normals must be a tensor or a list of tensors, got {type(verts_normals).__name__}")
        normals = list(verts_normals)
        if len(normals) != len(self._verts):
            raise ValueError(f"Meshes: verts_normals must be of as many meshes as verts ({len(self._verts)}), got {len(normals)}")
        for verts, own in zip(self._verts, normals, strict=True):
            check_tensors("Meshes", verts=verts, verts_normals=own)
            check_shape("Meshes", "verts_normals", own.shape, tuple(verts.shape))
        return normals

    def __len__(self) -> int:
        return len(self._verts)

    def __getitem__(self, index: Any) -> "Meshes":
        places = [index] if isinstance(index, int) else torch.arange(len(self))[index].tolist()
        textures = None if self.textures is None else self.textures[places]
        return self._with([self._verts[i] for i in places], [self._faces[i] for i in places], textures, places)

    def _with(self, verts: list[torch.Tensor], faces: list[torch.Tensor], textures: Any, places: Sequence[int] | None = None) -> "Meshes":
        """A batch whose faces are known to fit."""
        normals = self._normals if self._normals is None or places is None else [self._normals[i] for i in places]
        other = object.__new__(Meshes)
        other._verts, other._faces, other._normals, other.textures = verts, faces, normals, textures
        other.device = verts[0].device if verts else self.device
        return other

    def isempty(self) -> bool:
        return not any(len(faces) for faces in self._faces)

    # ------------------------------------------------------------------ vertices and faces

    def verts_list(self) -> list[torch.Tensor]:
        return self._verts

    def faces_list(self) -> list[torch.Tensor]:
        return self._faces

    def verts_packed(self) -> torch.Tensor:
        """[sum of V_n, 3]"""
        return torch.cat(self._verts)

    def faces_packed(self) -> torch.Tensor:
        """[sum of F_n, 3], into the packed vertices."""
        return torch.cat([f + first for f, first in zip(self._faces, self._firsts(self._verts), strict=True)])

    def verts_padded(self) -> torch.Tensor:
        """[N, V, 3], padded with 0."""
        return _padded(self._verts, 0.0)

    def faces_padded(self) -> torch.Tensor:
        """[N, F, 3], padded with -1."""
        return _padded(self._faces, -1)

    @staticmethod
    def _firsts(tensors: Sequence[torch.Tensor]) -> list[int]:
        firsts = [0]
        for tensor in tensors:
            firsts.append(firsts[-1] + len(tensor))
        return firsts[:-1]

    def num_verts_per_mesh(self) -> torch.Tensor:
        return torch.tensor([len(v) for v in self._verts], device=self.device)

    def num_faces_per_mesh(self) -> torch.Tensor:
        return torch.tensor([len(f) for f in self._faces], device=self.device)

    def mesh_to_verts_packed_first_idx(self) -> torch.Tensor:
        return torch.tensor(self._firsts(self._verts), device=self.device)

    def mesh_to_faces_packed_first_idx(self) -> torch.Tensor:
        return torch.tensor(self._firsts(self._faces), device=self.device)

    def verts_packed_to_mesh_idx(self) -> torch.Tensor:
        return torch.arange(len(self), device=self.device).repeat_interleave(self.num_verts_per_mesh())

    def faces_packed_to_mesh_idx(self) -> torch.Tensor:
        return torch.arange(len(self), device=self.device).repeat_interleave(self.num_faces_per_mesh())

    def get_bounding_boxes(self) -> torch.Tensor:
        """[N, 3, 2] least and greatest x, y and z."""
        return torch.stack([torch.stack([v.amin(0), v.amax(0)], 1) for v in self._verts])

    # ------------------------------------------------------------------ normals and areas

    def _crosses(self) -> torch.Tensor:
        a, b, c = self.verts_packed()[self.faces_packed()].unbind(1)
        return torch.linalg.cross(b - a, c - a)

    def faces_areas_packed(self) -> torch.Tensor:
        """[sum of F_n]"""
        return self._crosses().norm(dim=1) / 2

    def faces_normals_packed(self) -> torch.Tensor:
        """[sum of F_n, 3], unit length."""
        return F.normalize(self._crosses(), dim=1, eps=LEAST_LENGTH)

    def verts_normals_packed(self) -> torch.Tensor:
        """[sum of V_n, 3], unit length: the normals of a vertex's faces, weighted by their areas."""
        if self._normals is not None:
            return torch.cat(self._normals)
        verts, faces, crosses = self.verts_packed(), self.faces_packed(), self._crosses()
        return F.normalize(torch.zeros_like(verts).index_add(0, faces.T.reshape(-1), crosses.repeat(3, 1)), dim=1, eps=LEAST_LENGTH)

    def verts_normals_list(self) -> list[torch.Tensor]:
        return list(self.verts_normals_packed().split([len(v) for v in self._verts]))

    def faces_normals_list(self) -> list[torch.Tensor]:
        return list(self.faces_normals_packed().split([len(f) for f in self._faces]))

    def verts_normals_padded(self) -> torch.Tensor:
        return _padded(self.verts_normals_list(), 0.0)

    def faces_normals_padded(self) -> torch.Tensor:
        return _padded(self.faces_normals_list(), 0.0)

    # ------------------------------------------------------------------ other batches

    def update_padded(self, new_verts_padded: torch.Tensor) -> "Meshes":
        """The same faces with other vertices."""
        return self._with([new[: len(old)] for new, old in zip(new_verts_padded, self._verts, strict=True)], self._faces, self.textures)

    def offset_verts(self, vert_offsets_packed: torch.Tensor) -> "Meshes":
        """Vertices moved by [sum of V_n, 3], or all by [3]."""
        check_tensors("Meshes.offset_verts", offsets=vert_offsets_packed)
        if vert_offsets_packed.ndim == 1:
            return self._with([v + vert_offsets_packed for v in self._verts], self._faces, self.textures)
        if vert_offsets_packed.shape != (sum(map(len, self._verts)), 3):
            expected = (sum(map(len, self._verts)), 3)
            raise ValueError(f"Meshes.offset_verts: offsets must have shape {expected} or (3,), got {tuple(vert_offsets_packed.shape)}")
        offsets = vert_offsets_packed.split([len(v) for v in self._verts])
        return self._with([v + offset for v, offset in zip(self._verts, offsets, strict=True)], self._faces, self.textures)

    def offset_verts_(self, vert_offsets_packed: torch.Tensor) -> "Meshes":
        """In place."""
        self._verts = self.offset_verts(vert_offsets_packed)._verts
        return self

    def scale_verts(self, scale: Any) -> "Meshes":
        """Vertices times one number, or one for each mesh."""
        factors = scale if isinstance(scale, torch.Tensor) and scale.ndim else [scale] * len(self)
        return self._with([v * factor for v, factor in zip(self._verts, factors, strict=True)], self._faces, self.textures)

    def scale_verts_(self, scale: Any) -> "Meshes":
        """In place."""
        self._verts = self.scale_verts(scale)._verts
        return self

    def extend(self, N: int) -> "Meshes":
        """Every mesh N times, one after the other."""
        if not isinstance(N, int) or N < 1:
            raise ValueError(f"Meshes.extend: N must be a whole number of at least 1, got {N!r}")
        places = [i for i in range(len(self)) for _ in range(N)]
        textures = None if self.textures is None else self.textures.extend(N)
        return self._with([self._verts[i] for i in places], [self._faces[i] for i in places], textures, places)

    def _mapped(self, function: Callable[[torch.Tensor], torch.Tensor], of_textures: Callable[[Any], Any]) -> "Meshes":
        textures = None if self.textures is None else of_textures(self.textures)
        other = self._with([function(v) for v in self._verts], [function(f) for f in self._faces], textures)
        other._normals = None if self._normals is None else [function(n) for n in self._normals]
        return other

    def clone(self) -> "Meshes":
        return self._mapped(torch.clone, lambda textures: textures.clone())

    def detach(self) -> "Meshes":
        return self._mapped(torch.detach, lambda textures: textures.detach())

    def to(self, device: Any) -> "Meshes":
        return self._mapped(lambda tensor: tensor.to(device), lambda textures: textures.to(device))

    def cpu(self) -> "Meshes":
        return self.to("cpu")

    def cuda(self) -> "Meshes":
        return self.to("cuda")

    def sample_textures(self, fragments: Any) -> torch.Tensor:
        """[N, H, W, K, C] of the textures at the fragments."""
        if self.textures is None:
            raise ValueError("Meshes.sample_textures: the meshes must have textures, got None")
        return self.textures.sample_textures(fragments, faces_packed=self.faces_packed())
