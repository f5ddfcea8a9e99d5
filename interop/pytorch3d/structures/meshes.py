"""PyTorch3D's ``Meshes``: a batch of triangle meshes of any sizes, as lists, packed one after the other, or padded."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
import torch.nn.functional as F

from ....checks import check_flag, check_shape
from ...calling_thread import extremes, within
from ...checks import check_index_tensor, check_tensors
from ...geometry import crosses
from ..batches import face_lists, has_nothing
from ..ops.laplacian_matrices import laplacian
from .utils import list_to_padded, padded_to_list

__all__ = ["Meshes", "join_meshes_as_batch", "join_meshes_as_scene"]

LEAST_LENGTH = 1e-6  # of a normal before it is made a unit


def _made_by(name: str) -> Any:
    """What the original keeps under a name with an underscore: here a method makes it."""
    return property(lambda meshes: getattr(meshes, name)())


class Meshes:
    """A batch of N meshes; N may be 0, and a mesh may have no faces, or no vertices either.

    Nothing is remembered that could go stale: what depends on the vertices is made when it is asked for, and edges are found again while faces are the same.

    Args:
        verts: a list of [V_n, 3], or padded [N, V, 3] (of which all are vertices).
        faces: a list of [F_n, 3] integers into the mesh's own vertices, or padded [N, F, 3]; rows of -1 at the end of each are left out.
        textures: `TexturesVertex`, `TexturesUV` or `TexturesAtlas`, or None.
        verts_normals: normals to be used instead of those of the faces, like verts; until the vertices are moved other than as a whole, or
            meshes are picked, repeated, cut into parts or joined.
    """

    def __init__(self, verts: Any, faces: Any, textures: Any = None, *, verts_normals: Any = None) -> None:
        for name, given in (("verts", verts), ("faces", faces)):
            if not isinstance(given, (torch.Tensor, list, tuple)) or (isinstance(given, torch.Tensor) and given.ndim == 0):
                raise TypeError(f"Meshes: {name} must be a tensor or a list of tensors, got {type(given).__name__}")
            for tensor in given:
                if not isinstance(tensor, torch.Tensor):
                    raise TypeError(f"Meshes: {name} must be tensors, got {type(tensor).__name__}")
                is_real, is_number = tensor.is_floating_point(), not tensor.is_complex() and tensor.dtype is not torch.bool
                of_kind = is_number and (is_real if name == "verts" else not is_real or bool((tensor == tensor.round()).all()))
                if not of_kind and (tensor.numel() or name == "verts"):
                    raise TypeError(f"Meshes: {name} must be {'floating point numbers' if name == 'verts' else 'integers'}, got {tensor.dtype}")
                if len(verts) and tensor.device != verts[0].device:
                    raise ValueError(f"Meshes: {name} must be on the device of the first verts ({verts[0].device}), got {tensor.device}")
                if name == "verts" and tensor.dtype != verts[0].dtype:
                    raise TypeError(f"Meshes: verts must be of one dtype, got {verts[0].dtype} and {tensor.dtype}")
        if len(verts) != len(faces):
            raise ValueError(f"Meshes: faces must be of as many meshes as verts ({len(verts)}), got {len(faces)}")
        if isinstance(verts, torch.Tensor) and verts.ndim != 3:
            raise ValueError(f"Meshes: verts must have shape (N, V, 3), got {tuple(verts.shape)}")
        self._verts_list, self._faces_list = ([t.reshape(0, 3) if t.shape == (0,) else t for t in tensors] for tensors in (verts, faces))
        for name, tensors in (("verts", self._verts_list), ("faces", self._faces_list)):
            for tensor in tensors:
                if tensor.ndim != 2 or tensor.shape[1] != 3:
                    raise ValueError(f"Meshes: {name} must have shape ({name[0].upper()}, 3) each, got {tuple(tensor.shape)}")
        self._faces_list = [self._checked_faces(f, len(v), isinstance(faces, torch.Tensor)) for v, f in zip(self._verts_list, self._faces_list, strict=True)]
        self._normals = None if verts_normals is None else self._checked_normals(verts_normals)
        self.device = verts.device if isinstance(verts, torch.Tensor) else self._verts_list[0].device if self._verts_list else torch.device("cpu")
        self.textures = textures

    @property
    def textures(self) -> Any:
        """Of the size of the meshes, whenever they are given."""
        return self._textures

    @textures.setter
    def textures(self, textures: Any) -> None:
        if textures is not None and not hasattr(textures, "sample_textures"):
            raise ValueError(f"Meshes: textures must be TexturesVertex, TexturesUV or TexturesAtlas, got {type(textures).__name__}")
        if hasattr(textures, "fitted"):
            textures = textures.fitted(*([len(tensor) for tensor in tensors] for tensors in (self._verts_list, self._faces_list)))
        self._textures = textures

    @staticmethod
    def _checked_faces(faces: torch.Tensor, n_verts: int, is_padded: bool) -> torch.Tensor:
        """Without the rows of -1, which stand at the end where a tensor is padded."""
        faces = faces if faces.dtype == torch.int64 else faces.to(torch.int64)
        if not len(faces) or within(faces, n_verts):
            return faces
        low, high = extremes(faces)
        if low == -1:
            used = (faces >= 0).all(1)
            if is_padded and bool((used[1:] & ~used[:-1]).any()):
                raise ValueError("Meshes: faces must have their padding of -1 at the end, got a face behind it")
            if bool((faces[~used] != -1).any()):
                raise ValueError("Meshes: faces must have rows of -1 or none, got a row with some -1")
            faces = faces[used]
        if low < -1 or high >= n_verts:
            raise ValueError(f"Meshes: faces must index verts 0 to {n_verts - 1}, got {low if low < -1 else high}")
        return faces

    def _checked_normals(self, verts_normals: Any) -> list[torch.Tensor]:
        if not isinstance(verts_normals, (torch.Tensor, list, tuple)):
            raise TypeError(f"Meshes: verts_normals must be a tensor or a list of tensors, got {type(verts_normals).__name__}")
        if len(verts_normals) != len(self._verts_list):
            raise ValueError(f"Meshes: verts_normals must be of as many meshes as verts ({len(self._verts_list)}), got {len(verts_normals)}")
        if isinstance(verts_normals, torch.Tensor):
            verts_normals = padded_to_list(verts_normals, [len(v) for v in self._verts_list])
        normals = list(verts_normals)
        for verts, own in zip(self._verts_list, normals, strict=True):
            check_tensors("Meshes", verts=verts, verts_normals=own)
            check_shape("Meshes", "verts_normals", own.shape, tuple(verts.shape))
        return normals

    def __len__(self) -> int:
        return len(self._verts_list)

    def __getitem__(self, index: Any) -> "Meshes":
        """Some of the meshes: a whole number, a slice, a list of numbers, or a tensor of numbers or of bool. Given normals do not go with them."""
        if isinstance(index, torch.Tensor):
            if index.ndim != 1 or index.is_floating_point() or index.is_complex():
                raise IndexError(f"Meshes: the index must be a tensor [n] of integers or bool, got {tuple(index.shape)} of {index.dtype}")
            places = torch.arange(len(self))[index.cpu()].tolist()
        elif isinstance(index, slice):
            places = list(range(len(self)))[index]
        elif isinstance(index, list):
            places = torch.arange(len(self))[index].tolist() if index else []
        elif hasattr(index, "__index__"):
            places = [index.__index__()]
        else:
            raise IndexError(f"Meshes: the index must be a number, a slice, a list or a tensor of numbers, got {type(index).__name__}")
        textures = None if self.textures is None else self.textures[places]
        return self._picked(places, textures)

    def _with(self, verts: list[torch.Tensor], faces: list[torch.Tensor], textures: Any, normals: list[torch.Tensor] | None) -> "Meshes":
        """A batch whose faces are known to fit."""
        other = object.__new__(type(self))
        other._verts_list, other._faces_list, other._normals, other._textures = verts, faces, normals, textures
        other.device = verts[0].device if verts else self.device
        return other

    def _picked(self, places: list[int], textures: Any) -> "Meshes":
        """The meshes at these places. Their normals are those of the faces, as in the original, whatever was given."""
        return self._with([self._verts_list[i] for i in places], [self._faces_list[i] for i in places], textures, None)

    def _moved(self, verts: list[torch.Tensor], keeps_normals: bool) -> "Meshes":
        """The same faces and textures."""
        return self._with(verts, self._faces_list, self.textures, self._normals if keeps_normals else None)

    def _become(self, other: "Meshes") -> "Meshes":
        """What a method with an underscore does: the vertices, and the normals, of another."""
        self._verts_list, self._normals = other._verts_list, other._normals
        return self

    @property
    def valid(self) -> torch.Tensor:
        """[N] which meshes have vertices and faces."""
        return torch.tensor([len(v) > 0 and len(f) > 0 for v, f in zip(self._verts_list, self._faces_list, strict=True)], dtype=torch.bool, device=self.device)

    @property
    def equisized(self) -> bool:
        """Whether all meshes have as many vertices, and as many faces."""
        return len({(len(v), len(f)) for v, f in zip(self._verts_list, self._faces_list, strict=True)}) == 1

    # Users of the original know how many meshes there are, and the most vertices and faces of one, by these names.
    @property
    def _N(self) -> int:  # noqa: N802
        return len(self._verts_list)

    @property
    def _V(self) -> int:  # noqa: N802
        return max(map(len, self._verts_list), default=0)

    @property
    def _F(self) -> int:  # noqa: N802
        return max(map(len, self._faces_list), default=0)

    # They also read what the original keeps, set its vertices, and have the rest of it made anew. Here nothing of it is kept.
    @property
    def _verts_padded(self) -> torch.Tensor:
        return self.verts_padded()

    @_verts_padded.setter
    def _verts_padded(self, verts: torch.Tensor) -> None:
        self._verts_list = self.update_padded(verts)._verts_list

    @property
    def _verts_packed(self) -> torch.Tensor:
        return self.verts_packed()

    @_verts_packed.setter
    def _verts_packed(self, verts: torch.Tensor) -> None:
        check_tensors("Meshes._verts_packed", verts=verts)
        check_shape("Meshes._verts_packed", "verts", verts.shape, (sum(map(len, self._verts_list)), 3))
        self._verts_list = list(verts.split([len(own) for own in self._verts_list]))

    _faces_padded, _faces_packed, _edges_packed = _made_by("faces_padded"), _made_by("faces_packed"), _made_by("edges_packed")
    _verts_normals_packed, _faces_normals_packed = _made_by("verts_normals_packed"), _made_by("faces_normals_packed")
    _faces_areas_packed, _num_verts_per_mesh = _made_by("faces_areas_packed"), _made_by("num_verts_per_mesh")
    _num_faces_per_mesh = _made_by("num_faces_per_mesh")

    def _compute_vertex_normals(self, refresh: bool = False) -> None:
        """Given normals are dropped by ``refresh``: then they are those of the faces."""
        if refresh:
            self._normals = None

    def _compute_packed(self, refresh: bool = False) -> None:
        """Nothing: see above."""

    _compute_padded = _compute_edges_packed = _compute_face_areas_normals = _compute_packed

    def isempty(self) -> bool | torch.Tensor:
        """Whether no mesh has vertices and faces: a tensor of bool, as in the original, but True where there is no mesh."""
        return len(self) == 0 or torch.tensor(has_nothing(self), device=self.device)

    # ------------------------------------------------------------------ vertices and faces

    def verts_list(self) -> list[torch.Tensor]:
        return self._verts_list

    def faces_list(self) -> list[torch.Tensor]:
        return self._faces_list

    def get_mesh_verts_faces(self, index: int) -> tuple[torch.Tensor, torch.Tensor]:
        """([V_n, 3], [F_n, 3]) of one mesh."""
        if not isinstance(index, int) or not 0 <= index < len(self):
            raise ValueError(f"Meshes.get_mesh_verts_faces: index must be a whole number from 0 to {len(self) - 1}, got {index!r}")
        return self._verts_list[index], self._faces_list[index]

    def verts_packed(self) -> torch.Tensor:
        """[sum of V_n, 3]"""
        return torch.cat(self._verts_list) if self._verts_list else torch.zeros(0, 3, device=self.device)

    def faces_packed(self) -> torch.Tensor:
        """[sum of F_n, 3], into the packed vertices."""
        if not self._faces_list:
            return torch.zeros(0, 3, dtype=torch.int64, device=self.device)
        if len(self._faces_list) == 1:
            return self._faces_list[0]
        return torch.cat([f + first for f, first in zip(self._faces_list, self._firsts(self._verts_list), strict=True)])

    def verts_padded(self) -> torch.Tensor:
        """[N, V, 3], padded with 0."""
        return self._padded(self._verts_list, self._V, self.verts_packed(), 0.0)

    def faces_padded(self) -> torch.Tensor:
        """[N, F, 3], padded with -1."""
        return self._padded(self._faces_list, self._F, self.faces_packed(), -1)

    @staticmethod
    def _padded(tensors: list[torch.Tensor], size: int, like: torch.Tensor, value: float) -> torch.Tensor:
        return list_to_padded(tensors, (size, 3), value) if tensors else like.new_zeros(0, size, 3)

    @staticmethod
    def _firsts(tensors: Sequence[torch.Tensor]) -> list[int]:
        firsts = [0]
        for tensor in tensors:
            firsts.append(firsts[-1] + len(tensor))
        return firsts[:-1]

    def _numbers(self, numbers: Sequence[int]) -> torch.Tensor:
        return torch.tensor(numbers, dtype=torch.int64, device=self.device)

    def num_verts_per_mesh(self) -> torch.Tensor:
        return self._numbers([len(v) for v in self._verts_list])

    def num_faces_per_mesh(self) -> torch.Tensor:
        return self._numbers([len(f) for f in self._faces_list])

    def mesh_to_verts_packed_first_idx(self) -> torch.Tensor:
        return self._numbers(self._firsts(self._verts_list))

    def mesh_to_faces_packed_first_idx(self) -> torch.Tensor:
        return self._numbers(self._firsts(self._faces_list))

    def verts_packed_to_mesh_idx(self) -> torch.Tensor:
        return torch.arange(len(self), device=self.device).repeat_interleave(self.num_verts_per_mesh())

    def faces_packed_to_mesh_idx(self) -> torch.Tensor:
        return torch.arange(len(self), device=self.device).repeat_interleave(self.num_faces_per_mesh())

    def verts_padded_to_packed_idx(self) -> torch.Tensor:
        """[sum of V_n] where the packed vertices stand in ``verts_padded().reshape(-1, 3)``."""
        is_vert = torch.arange(self._V, device=self.device) < self.num_verts_per_mesh()[:, None]
        return is_vert.reshape(-1).nonzero()[:, 0]

    def get_bounding_boxes(self) -> torch.Tensor:
        """[N, 3, 2] least and greatest x, y and z."""
        return torch.stack([torch.stack([v.amin(0), v.amax(0)], 1) for v in self._verts_list])

    # ------------------------------------------------------------------ edges

    def edges_packed(self) -> torch.Tensor:
        """[E, 2] int64 each edge once, into the packed vertices: its lower end first, and edges ascending."""
        return face_lists(self).edges

    def faces_packed_to_edges_packed(self) -> torch.Tensor:
        """[sum of F_n, 3] int64 the edges of each face, into the packed edges: that across from its first corner, from its second, from its third."""
        return face_lists(self).face_edges

    def edges_packed_to_mesh_idx(self) -> torch.Tensor:
        """[E] the mesh of each edge."""
        return self.verts_packed_to_mesh_idx()[self.edges_packed()[:, 0]]

    def num_edges_per_mesh(self) -> torch.Tensor:
        """[N] int32"""
        return self.edges_packed_to_mesh_idx().bincount(minlength=len(self)).to(torch.int32)

    def mesh_to_edges_packed_first_idx(self) -> torch.Tensor:
        """[N]"""
        numbers = self.num_edges_per_mesh().to(torch.int64)
        return numbers.cumsum(0) - numbers

    def laplacian_packed(self) -> torch.Tensor:
        """[V, V] sparse, of all packed vertices: -1 on the diagonal, and in a row the mean over the neighbours."""
        edges = self.edges_packed()
        return laplacian(self.verts_packed(), edges[edges[:, 0] != edges[:, 1]])

    # ------------------------------------------------------------------ normals and areas

    def _crosses(self) -> torch.Tensor:
        return crosses(self.verts_packed(), self.faces_packed())

    def faces_areas_packed(self) -> torch.Tensor:
        """[sum of F_n]"""
        return self._crosses().norm(dim=1) / 2

    def faces_normals_packed(self) -> torch.Tensor:
        """[sum of F_n, 3], unit length."""
        return F.normalize(self._crosses(), dim=1, eps=LEAST_LENGTH)

    def has_verts_normals(self) -> bool:
        """Whether there are normals that were given. (Those of the faces are made when they are asked for.)"""
        return self._normals is not None

    def verts_normals_packed(self) -> torch.Tensor:
        """[sum of V_n, 3], unit length: the normals of a vertex's faces, weighted by their areas; or what was given."""
        if self._normals:
            return torch.cat(self._normals)
        verts, faces, crosses = self.verts_packed(), self.faces_packed(), self._crosses()
        return F.normalize(torch.zeros_like(verts).index_add(0, faces.T.reshape(-1), crosses.repeat(3, 1)), dim=1, eps=LEAST_LENGTH)

    def verts_normals_list(self) -> list[torch.Tensor]:
        return list(self.verts_normals_packed().split([len(v) for v in self._verts_list])) if self._verts_list else []

    def faces_normals_list(self) -> list[torch.Tensor]:
        return list(self.faces_normals_packed().split([len(f) for f in self._faces_list])) if self._faces_list else []

    def verts_normals_padded(self) -> torch.Tensor:
        """[N, V, 3], padded with 0."""
        return self._padded(self.verts_normals_list(), self._V, self.verts_packed(), 0.0)

    def faces_normals_padded(self) -> torch.Tensor:
        """[N, F, 3], padded with 0."""
        return self._padded(self.faces_normals_list(), self._F, self.verts_packed(), 0.0)

    # ------------------------------------------------------------------ other batches

    def update_padded(self, new_verts_padded: torch.Tensor) -> "Meshes":
        """The same faces with other vertices [N, V, 3]. Given normals do not go with them."""
        check_tensors("Meshes.update_padded", new_verts_padded=new_verts_padded)
        check_shape("Meshes.update_padded", "new_verts_padded", new_verts_padded.shape, (self._N, self._V, 3))
        return self._moved(padded_to_list(new_verts_padded, [len(v) for v in self._verts_list]), keeps_normals=False)

    def offset_verts(self, vert_offsets_packed: torch.Tensor) -> "Meshes":
        """Vertices moved by [sum of V_n, 3], or all by [3]. Given normals go along with all, and are dropped otherwise: then they are those of the faces."""
        check_tensors("Meshes.offset_verts", offsets=vert_offsets_packed)
        if vert_offsets_packed.shape == (3,):
            return self._moved([v + vert_offsets_packed for v in self._verts_list], keeps_normals=True)
        if vert_offsets_packed.shape != (sum(map(len, self._verts_list)), 3):
            expected = (sum(map(len, self._verts_list)), 3)
            raise ValueError(f"Meshes.offset_verts: offsets must have shape {expected} or (3,), got {tuple(vert_offsets_packed.shape)}")
        offsets = vert_offsets_packed.split([len(v) for v in self._verts_list])
        return self._moved([v + offset for v, offset in zip(self._verts_list, offsets, strict=True)], keeps_normals=False)

    def offset_verts_(self, vert_offsets_packed: torch.Tensor) -> "Meshes":
        """In place."""
        return self._become(self.offset_verts(vert_offsets_packed))

    def scale_verts(self, scale: Any) -> "Meshes":
        """Vertices times one number, or one for each mesh [N]."""
        if isinstance(scale, torch.Tensor) and scale.ndim:
            check_shape("Meshes.scale_verts", "scale", scale.shape, (len(self),))
        factors = scale if isinstance(scale, torch.Tensor) and scale.ndim else [scale] * len(self)
        return self._moved([v * factor for v, factor in zip(self._verts_list, factors, strict=True)], keeps_normals=True)

    def scale_verts_(self, scale: Any) -> "Meshes":
        """In place."""
        return self._become(self.scale_verts(scale))

    def extend(self, N: int) -> "Meshes":
        """Every mesh N times, one after the other. Given normals do not go with them."""
        if not isinstance(N, int) or N < 1:
            raise ValueError(f"Meshes.extend: N must be a whole number of at least 1, got {N!r}")
        textures = None if self.textures is None else self.textures.extend(N)
        return self._picked([i for i in range(len(self)) for _ in range(N)], textures)

    def split(self, split_sizes: list[int]) -> list["Meshes"]:
        """Batches of these sizes, one after the other."""
        sizes = list(split_sizes)
        if not all(isinstance(size, int) and size >= 0 for size in sizes) or sum(sizes) > len(self):
            raise ValueError(f"Meshes.split: split_sizes must be whole numbers with a sum of at most {len(self)}, got {split_sizes!r}")
        return [self[sum(sizes[:i]) : sum(sizes[: i + 1])] for i in range(len(sizes))]

    def submeshes(self, face_indices: Any) -> "Meshes":
        """Parts of the meshes: some of the faces of each, with the vertices of these alone, in their order, and the textures that they have. Given normals do
        not go with them.

        Args:
            face_indices: for each mesh a list of integer tensors [F_k] (or a tensor [parts, F_k]), a part each; it may be empty.
        """
        op = "Meshes.submeshes"
        if len(face_indices) != len(self):
            raise ValueError(f"{op}: face_indices must be of as many meshes as there are ({len(self)}), got {len(face_indices)}")
        verts, faces, kept_verts = list[torch.Tensor](), list[torch.Tensor](), list[list[torch.Tensor]]()
        for i, chosen in enumerate(face_indices):
            kept_verts.append([])
            for part in chosen:
                check_index_tensor(op, "face_indices", part, ("F",), "faces", len(self._faces_list[i]))
                kept, renumbered = torch.unique(self._faces_list[i][part], return_inverse=True)
                verts.append(self._verts_list[i][kept])
                faces.append(renumbered.reshape(-1, 3))
                kept_verts[-1].append(kept)
        textures = None if self.textures is None else self.textures.submeshes(kept_verts, face_indices)
        return self._with(verts, faces, textures, None)

    def _mapped(self, function: Callable[[torch.Tensor], torch.Tensor], of_textures: Callable[[Any], Any]) -> "Meshes":
        textures = None if self.textures is None else of_textures(self.textures)
        normals = None if self._normals is None else list(map(function, self._normals))
        return self._with(list(map(function, self._verts_list)), list(map(function, self._faces_list)), textures, normals)

    def clone(self) -> "Meshes":
        return self._mapped(torch.clone, lambda textures: textures.clone())

    def detach(self) -> "Meshes":
        return self._mapped(torch.detach, lambda textures: textures.detach())

    def to(self, device: Any, copy: bool = False) -> "Meshes":
        """The same on a device: itself if it is there already, unless a ``copy`` is wanted."""
        check_flag("Meshes.to", "copy", copy)
        device = torch.device(device)
        if device.type == "cuda" and device.index is None:
            device = torch.device("cuda", torch.cuda.current_device())
        if device == self.device:
            return self.clone() if copy else self
        moved = self._mapped(lambda tensor: tensor.to(device), lambda textures: textures.clone().to(device))
        moved.device = device
        return moved

    def cpu(self) -> "Meshes":
        return self.to("cpu")

    def cuda(self) -> "Meshes":
        return self.to("cuda")

    def sample_textures(self, fragments: Any) -> torch.Tensor:
        """[N, H, W, K, C] of the textures at the fragments."""
        if self.textures is None:
            raise ValueError("Meshes.sample_textures: the meshes must have textures, got None")
        return self.textures.sample_textures(fragments, faces_packed=self.faces_packed())


def join_meshes_as_batch(meshes: Sequence[Meshes], include_textures: bool = True) -> Meshes:
    """One batch of all meshes of a list of batches. Given normals do not go with them.

    Textures are joined if all batches have some of one kind (and of one resolution, or one way of sampling); or left out by ``include_textures=False``.

    Raises:
        TypeError: if it is no list of `Meshes`. ValueError: if their textures are not of one kind.
    """
    op = "join_meshes_as_batch"
    if not isinstance(meshes, (list, tuple)) or not all(hasattr(mesh, "verts_list") for mesh in meshes):
        got = type(meshes).__name__ if not isinstance(meshes, (list, tuple)) else next(type(m).__name__ for m in meshes if not hasattr(m, "verts_list"))
        raise TypeError(f"{op}: meshes must be a list of Meshes, got {got}")
    check_flag(op, "include_textures", include_textures)
    verts, faces = ([tensor for mesh in meshes for tensor in getattr(mesh, name)()] for name in ("verts_list", "faces_list"))
    textures = [mesh.textures for mesh in meshes] if include_textures else []
    kinds = {type(own) for own in textures}
    if len(kinds) > 1:
        raise ValueError(f"{op}: meshes must all have textures of one kind, or none, got {' and '.join(sorted(kind.__name__ for kind in kinds))}")
    joined = textures[0].join_batch(textures[1:]) if textures and textures[0] is not None else None
    return Meshes(verts, faces, joined)


def join_meshes_as_scene(meshes: Meshes | Sequence[Meshes], include_textures: bool = True) -> Meshes:
    """One mesh of all meshes of a batch, or of a list of batches: their vertices and faces one after the other, their textures as one. Given normals do not go
    with several.

    Of `TexturesUV`, whose pictures become one, texture coordinates are to lie in [0, 1].

    Raises:
        TypeError, ValueError: as `join_meshes_as_batch`.
    """
    batch: Any = meshes if hasattr(meshes, "verts_list") else join_meshes_as_batch(meshes, include_textures)
    check_flag("join_meshes_as_scene", "include_textures", include_textures)
    textures = batch.textures if include_textures else None
    if len(batch) == 1 and textures is batch.textures:
        return batch
    joined = None if textures is None else textures.join_scene()
    normals = batch.verts_normals_list() if len(batch) == 1 and batch.has_verts_normals() else None
    return Meshes([batch.verts_packed()], [batch.faces_packed()], joined, verts_normals=normals)
