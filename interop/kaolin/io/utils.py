"""Kaolin's ``kaolin.io.utils``: polygons of several sizes, and pictures."""

import io
import posixpath
import warnings
from pathlib import Path, PurePath
from typing import Any, BinaryIO

import numpy as np
import torch
from PIL import Image

from ....checks import check_kind, check_shape
from ....replacing import replacing
from ....scene import as_path, fans_of, is_file, picture_file
from ...checks import as_tensor, check_integers

__all__ = [
    "NonHomogeneousMeshError",
    "TextureExporter",
    "heterogeneous_mesh_handler_naive_homogenize",
    "heterogeneous_mesh_handler_skip",
    "mesh_handler_naive_triangulate",
    "read_image",
    "read_image_from_buffer",
    "write_image",
]


class NonHomogeneousMeshError(Exception):
    """A mesh whose faces have different numbers of corners, where one is wanted."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


def heterogeneous_mesh_handler_skip(*args: Any, **kwargs: Any) -> None:
    """Leaves the mesh out: whoever reads it returns None."""


def heterogeneous_mesh_handler_naive_homogenize(*args: Any, **kwargs: Any) -> Any:
    """The older name of `mesh_handler_naive_triangulate`.

    Warns:
        DeprecationWarning: that it is.
    """
    warnings.warn("heterogeneous_mesh_handler_naive_homogenize: it is mesh_handler_naive_triangulate now", DeprecationWarning, stacklevel=2)
    return mesh_handler_naive_triangulate(*args, **kwargs)


def mesh_handler_naive_triangulate(
    vertices: torch.Tensor, face_vertex_counts: torch.Tensor, *features: Any, face_assignments: dict[str, torch.Tensor] | None = None
) -> tuple[Any, ...]:
    """Every polygon as a fan of triangles about its first corner: (vertices, [T] threes, each feature [T, 3], ...[, assignments]).

    Args:
        vertices: [V, 3], which stay as they are.
        face_vertex_counts: [F] how many corners each face has; one of fewer than three is left out.
        features: each [N], at the corners of face after face, as indices of vertices; None stays None.
        face_assignments: by name, [K] numbers of faces, or [K, 2] ranges of faces; those of the triangles are returned in the same form.
    """
    op = "mesh_handler_naive_triangulate"
    counts = as_tensor(op, "face_vertex_counts", face_vertex_counts)
    check_integers(op, "face_vertex_counts", counts)
    check_shape(op, "face_vertex_counts", counts.shape, ("F",))
    fans = torch.from_numpy(fans_of(counts.cpu().numpy()))
    triangles = [None if feature is None else _of_corners(op, feature, int(counts.sum()))[fans] for feature in features]
    result = (vertices, torch.full((len(fans),), 3, dtype=torch.int64), *triangles)
    if face_assignments is None:
        return result
    ends = (counts.long() - 2).clamp(min=0).cumsum(0)
    starts = torch.cat([ends.new_zeros(1), ends])  # [F + 1]: where the triangles of each face begin
    moved = {}
    for name, faces in face_assignments.items():
        if faces.ndim == 2 and faces.shape[1] == 2:
            moved[name] = starts[faces.long()]
        elif faces.ndim == 1:
            spans = [torch.arange(int(starts[face]), int(starts[face + 1])) for face in faces.tolist()]
            moved[name] = torch.cat(spans) if spans else faces.long()
        else:
            raise ValueError(f"{op}: face_assignments[{name!r}] must have shape (K) or (K, 2), got {tuple(faces.shape)}")
    return (*result, moved)


def _of_corners(op: str, feature: Any, n_corners: int) -> torch.Tensor:
    values = torch.as_tensor(feature)
    if values.ndim != 1 or len(values) != n_corners:
        raise ValueError(f"{op}: features must have shape (N) with N = {n_corners}, got {tuple(values.shape)}")
    return values


def write_image(img_tensor: torch.Tensor, path: str | Path) -> None:
    """Writes a picture; its folder is made if it is not there.

    Args:
        img_tensor: [C, H, W], [H, W, C], [H, W], or one of them with a 1 before: floats in [0, 1], or bytes. C is 1, 3 or 4.
        path: of a PNG, JPEG, ...
    """
    check_kind("write_image", "img_tensor", img_tensor, torch.Tensor)
    place = as_path("write_image", "path", path)
    picture = img_tensor.detach()
    if picture.is_floating_point():
        picture = (picture * 255).clamp(0, 255).to(torch.uint8)
    picture = picture[0] if picture.ndim == 4 and len(picture) == 1 else picture
    picture = picture[..., None] if picture.ndim == 2 else picture
    if picture.ndim == 3 and picture.shape[0] in (1, 3, 4) and picture.shape[2] not in (1, 3, 4):
        picture = picture.permute(1, 2, 0)
    if picture.dtype != torch.uint8:
        raise TypeError(f"write_image: img_tensor must be floating point numbers or torch.uint8, got {img_tensor.dtype}")
    if picture.ndim != 3 or picture.shape[2] not in (1, 3, 4) or 0 in picture.shape:
        raise ValueError(f"write_image: img_tensor must have shape (C, H, W) or (H, W, C) with C = 1, 3 or 4, got {tuple(img_tensor.shape)}")
    image = Image.fromarray(picture.cpu().squeeze(2).numpy())
    place.parent.mkdir(parents=True, exist_ok=True)
    with replacing(place) as partial:
        image.save(partial)


def read_image(path: str | Path) -> torch.Tensor:
    """[H, W, C] float32 in [0, 1]: a picture, with the channels that its file has."""
    place = as_path("read_image", "path", path)
    if not is_file(place):
        raise FileNotFoundError(f"read_image: there is no file {place}")
    return _numbers("read_image", "path", place)


def read_image_from_buffer(buffer: bytes) -> torch.Tensor:
    """[H, W, C] float32 in [0, 1]: the same of the bytes of a file."""
    if not isinstance(buffer, (bytes, bytearray, memoryview)):
        raise TypeError(f"read_image_from_buffer: buffer must be bytes, got {type(buffer).__name__}")
    return _numbers("read_image_from_buffer", "buffer", io.BytesIO(buffer))


def _numbers(op: str, name: str, place: Path | BinaryIO) -> torch.Tensor:
    told = place.name if isinstance(place, Path) else "these bytes"
    with picture_file(f"{op}: {name}", place, told) as picture:
        try:
            values = np.asarray(picture)
        except Exception as error:  # what a damaged picture makes its reader stumble over
            raise ValueError(f"{op}: {name} must be a readable picture, got {type(error).__name__}: {error} in {told}") from error
    if values.dtype not in (np.uint8, np.uint16, np.bool_):
        raise ValueError(f"{op}: {name} must have 8 or 16 bits a channel, got {values.dtype} in {told}")
    white = {np.dtype(np.uint8): 255, np.dtype(np.uint16): 65535}.get(values.dtype, 1)
    tensor = torch.from_numpy(values.astype(np.float32)) / white
    return tensor[..., None] if tensor.ndim == 2 else tensor


class TextureExporter:
    """Writes pictures into a folder, each under a name that is free: ``exporter(picture, "diffuse")`` returns the path from ``base_dir``.

    Args:
        base_dir: a folder that is there.
        relative_dir: one within it, which is made.
        file_prefix: what the names begin with.
        image_extension: what they end with.
        overwrite_files: whether a picture that is there is replaced; else the new one has a number behind its name.
    """

    def __init__(
        self,
        base_dir: str | Path,
        relative_dir: str | Path = "",
        file_prefix: str = "",
        image_extension: str = ".png",
        overwrite_files: bool = False,
    ) -> None:
        self.base_dir = as_path("TextureExporter", "base_dir", base_dir)
        self.relative_dir = PurePath(relative_dir).as_posix() if str(relative_dir) else ""
        self.file_prefix, self.image_extension, self.overwrite_files = file_prefix, image_extension, overwrite_files

    def __call__(self, image: torch.Tensor, texture_file_basename: str, extension: str | None = None) -> str:
        if not self.base_dir.is_dir():
            raise ValueError(f"TextureExporter: base_dir must be a folder, got {self.base_dir}")
        ending, number = self.image_extension if extension is None else extension, 0
        name = f"{self.file_prefix}{texture_file_basename}{ending}"
        while not self.overwrite_files and (self.base_dir / self.relative_dir / name).exists():
            name = f"{self.file_prefix}{texture_file_basename}_{number}{ending}"
            number += 1
        relative = posixpath.join(self.relative_dir, name)
        write_image(image, self.base_dir / relative)
        return relative
