"""SoftRas's ``Mesh``."""

from typing import Any

import numpy as np
import torch

from ...checks import as_array, check_integer, check_shape, dtype_of
from . import functional as srf

__all__ = ["Mesh"]


def _numbers(name: str, values: Any) -> np.ndarray:
    array = as_array("Mesh", name, values)
    if array.dtype.kind not in "fiu":
        raise TypeError(f"Mesh: {name} must be numbers, got {dtype_of(array)}")
    return np.array(array)


def _batched(name: str, values: Any, dtype: torch.dtype | None, device: torch.device | None) -> torch.Tensor:
    """A tensor [B, ...] of an array or tensor with or without a batch."""
    tensor = values if isinstance(values, torch.Tensor) else torch.from_numpy(_numbers(name, values))
    if dtype == torch.int32 and (tensor.is_floating_point() or tensor.is_complex() or tensor.dtype == torch.bool):
        raise TypeError(f"Mesh: {name} must be integers, got {tensor.dtype}")
    if dtype is not None and tensor.dtype != dtype and not (dtype.is_floating_point and tensor.is_floating_point()):
        tensor = tensor.to(dtype)
    return tensor.to(device) if device is not None else tensor


class Mesh:
    """Triangles with textures, in batches. Tensors or arrays: vertices [B, V, 3] or [V, 3], faces [B, F, 3] or [F, 3].

    Args:
        textures: texture_type "surface": [B, F, R * R, 3] texels; "vertex": [B, V, 3]; white by default.
        texture_res: R of the default texture.

    Arrays become tensors on the device of the vertices (the original puts them on a GPU whatever the machine).
    """

    def __init__(self, vertices: Any, faces: Any, textures: Any = None, texture_res: int = 1, texture_type: str = "surface") -> None:
        if texture_type not in ("surface", "vertex"):
            raise ValueError(f"Mesh: texture_type must be 'surface' or 'vertex', got {texture_type!r}")
        check_integer("Mesh", "texture_res", texture_res, 1, 1 << 10)
        vertices = _batched("vertices", vertices, torch.float32, None)
        self._vertices = vertices[None] if vertices.ndim == 2 else vertices
        faces = _batched("faces", faces, torch.int32, self._vertices.device)
        self._faces = faces[None] if faces.ndim == 2 else faces
        for name, tensor in (("vertices", self._vertices), ("faces", self._faces)):
            if tensor.ndim != 3 or tensor.shape[2] != 3:
                raise ValueError(f"Mesh: {name} must have shape (B, N, 3), got {tuple(tensor.shape)}")
        self.device = self._vertices.device
        self.texture_type = texture_type
        self.batch_size = len(self._vertices)
        self.num_vertices, self.num_faces = self._vertices.shape[1], self._faces.shape[1]
        if len(self._faces) == 1 and self.batch_size > 1:
            self._faces = self._faces.expand(self.batch_size, -1, -1)
        if len(self._faces) != self.batch_size:
            raise ValueError(f"Mesh: faces must be of one mesh, or of as many as vertices ({self.batch_size}), got {len(self._faces)}")
        if textures is None:
            shape = (self.batch_size, self.num_faces, texture_res**2, 3) if texture_type == "surface" else (self.batch_size, self.num_vertices, 3)
            self._textures = torch.ones(shape, dtype=self._vertices.dtype, device=self.device)
            self.texture_res = texture_res
        else:
            textures = _batched("textures", textures, torch.float32, self.device)
            wanted = 4 if texture_type == "surface" else 3
            self._textures = textures[None] if textures.ndim == wanted - 1 else textures
            if self._textures.ndim != wanted:
                raise ValueError(f"Mesh: {texture_type} textures must have {wanted} dimensions, got {tuple(textures.shape)}")
            rows = self.num_faces if texture_type == "surface" else self.num_vertices
            expected = (self.batch_size, rows, "texels", 3) if texture_type == "surface" else (self.batch_size, rows, 3)
            check_shape("Mesh", "textures", self._textures.shape, expected)
            self.texture_res = int(np.sqrt(self._textures.shape[2])) if texture_type == "surface" else 1
        self._origin = (self._vertices, self._faces, self._textures)
        self._fill_back = False

    @property
    def vertices(self) -> torch.Tensor:
        """[B, V, 3]"""
        return self._vertices

    @vertices.setter
    def vertices(self, vertices: torch.Tensor) -> None:
        self._vertices = vertices
        self.num_vertices = vertices.shape[1]

    @property
    def faces(self) -> torch.Tensor:
        """[B, F, 3]"""
        return self._faces

    @faces.setter
    def faces(self, faces: torch.Tensor) -> None:
        self._faces = faces
        self.num_faces = faces.shape[1]

    @property
    def textures(self) -> torch.Tensor:
        """[B, F, R * R, 3] or [B, V, 3]"""
        return self._textures

    @textures.setter
    def textures(self, textures: torch.Tensor) -> None:
        self._textures = textures

    @property
    def face_vertices(self) -> torch.Tensor:
        """[B, F, 3, 3]"""
        return srf.face_vertices(self.vertices, self.faces)

    @property
    def surface_normals(self) -> torch.Tensor:
        """[B, F, 3], unit length. Right for every number of faces (the original fails at 3)."""
        return srf.surface_normals(self.face_vertices)

    @property
    def vertex_normals(self) -> torch.Tensor:
        """[B, V, 3], unit length."""
        return srf.vertex_normals(self.vertices, self.faces)

    @property
    def face_textures(self) -> torch.Tensor:
        """What `soft_rasterize` takes."""
        return self.textures if self.texture_type == "surface" else srf.face_vertices(self.textures, self.faces)

    def fill_back_(self) -> None:
        """Adds every face once more, turned over."""
        if not self._fill_back:
            self.faces = torch.cat([self.faces, self.faces[:, :, [2, 1, 0]]], 1)
            if self.texture_type == "surface":
                self.textures = torch.cat([self.textures, self.textures], 1)
            self._fill_back = True

    def reset_(self, bake_lighting_lambda: float | None = None) -> None:
        """Back to the vertices, faces and textures that the mesh was made with."""
        self.vertices, self.faces, self.textures = self._origin
        self._fill_back = False

    @classmethod
    def from_obj(
        cls,
        filename_obj: Any,
        normalization: bool = False,
        load_texture: bool = False,
        texture_res: int = 1,
        texture_type: str = "surface",
    ) -> "Mesh":
        """Reads an OBJ file, its textures baked per face."""
        if load_texture:
            vertices, faces, textures = srf.load_obj(
                filename_obj, normalization=normalization, texture_res=texture_res, load_texture=True, texture_type=texture_type
            )
        else:
            vertices, faces = srf.load_obj(filename_obj, normalization=normalization, texture_res=texture_res, load_texture=False)
            textures = None
        return cls(vertices, faces, textures, texture_res, texture_type)

    def save_obj(self, filename_obj: Any, save_texture: bool = False, texture_res_out: int = 16) -> None:
        """Writes the first (and only) mesh of the batch, with a texture atlas if wanted."""
        if self.batch_size != 1:
            raise ValueError(f"save_obj: the batch must hold one mesh, got {self.batch_size}")
        textures = self.textures[0] if save_texture else None
        srf.save_obj(filename_obj, self.vertices[0], self.faces[0], textures=textures, texture_res=texture_res_out, texture_type=self.texture_type)

    def voxelize(self, voxel_size: int = 32) -> torch.Tensor:
        """[B, N, N, N] of 0 and 1, for vertices within +-0.5. Nothing is lost of a mesh that reaches the border (the original loses most of it)."""
        check_integer("voxelize", "voxel_size", voxel_size, 2, 1024)
        corners = self.face_vertices * (voxel_size / (voxel_size - 1)) + 0.5
        return srf.voxelization(corners, voxel_size, False)
