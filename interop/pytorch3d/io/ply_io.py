"""PLY files, as PyTorch3D reads and writes them. (Their rows are read as `taichi_softras.Mesh` reads them.)"""

import warnings
from typing import Any

import numpy as np
import torch

from ....checks import check_finite, check_flag
from ....scene import NamedFiles, fans_of, picture_file, pixels, ply_bytes, read_ply_content
from ...checks import check_index_tensor, check_tensor
from ..renderer.mesh.textures import TexturesUV, TexturesVertex
from ..structures import Meshes
from .obj_io import decimals, empty_rows
from .pluggable_formats import MeshFormatInterpreter, check_options, endswith
from .utils import opened, written

__all__ = ["MeshPlyFormat", "load_ply", "save_ply"]

Table = np.ndarray | None


def load_ply(f: Any, *, path_manager: Any = None) -> tuple[torch.Tensor, torch.Tensor]:
    """(vertices [V, 3] float32, faces [F, 3] int64) of a PLY file, which may have no faces; polygons become fans. (`IO.load_mesh` reads more of it.)

    Args:
        f: a path, or a stream of bytes.
        path_manager: iopath's, for names that are no paths.

    Raises:
        FileNotFoundError: if there is no such file. TypeError, ValueError: if it is none, or not what it should be.
    """
    _, verts, faces, _ = _content("load_ply", f, path_manager)
    return verts, faces


def _content(op: str, f: Any, path_manager: Any) -> tuple[NamedFiles, torch.Tensor, torch.Tensor, Any]:
    files, content = opened(op, f, path_manager)
    subject = f"{op}: {files.path}"
    read = read_ply_content(subject, content)
    check_finite(op, f"the vertices of {files.path}", read.vertices)
    return files, torch.from_numpy(read.vertices.astype(np.float32)), triangles_of_polygons(subject, read.corners, read.sizes, len(read.vertices)), read


def triangles_of_polygons(subject: str, corners: np.ndarray, sizes: np.ndarray, n_vertices: int) -> torch.Tensor:
    """[F, 3] int64 polygons as fans, in the order of `in_turn`.

    Raises:
        ValueError: if a polygon has fewer than three corners, or one that is no vertex.
    """
    if len(sizes) and sizes.min() < 3:
        raise ValueError(f"{subject} must have faces of three corners or more, got one of {sizes.min()}")
    if len(sizes) and (corners.min() < 0 or corners.max() >= n_vertices):
        wrong = corners.min() if corners.min() < 0 else corners.max()
        raise ValueError(f"{subject} must have faces between its vertices, 0 to {n_vertices - 1}, got the vertex {wrong}")
    return torch.from_numpy(in_turn(corners[fans_of(sizes)].astype(np.int64), sizes))


def in_turn(of_triangles: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """What triangles have, [F, ...], in the original's order: where all polygons have as many corners, first the first of each, then the second of each."""
    if not len(sizes) or (sizes != sizes[0]).any():
        return of_triangles
    return np.concatenate([of_triangles[k :: sizes[0] - 2] for k in range(sizes[0] - 2)])


def save_ply(
    f: Any,
    verts: torch.Tensor,
    faces: torch.Tensor | None = None,
    verts_normals: torch.Tensor | None = None,
    ascii: bool = False,  # noqa: A002
    decimal_places: int | None = None,
    path_manager: Any = None,
) -> None:
    """Writes a PLY file: float32, binary and little-endian, or as a text.

    Args:
        f: a path, or a stream of bytes.
        verts: [V, 3]. faces: [F, 3] integers, or None.
        verts_normals: [V, 3].
        ascii: whether it is to be a text, its numbers with ``decimal_places``, 6 by default.

    Raises:
        TypeError, ValueError: if they do not go together, or an index is out of range.

    Warns:
        UserWarning: if there are no vertices.
    """
    _save("save_ply", f, verts, faces, verts_normals, None, ascii, decimal_places, False, path_manager)


def _save(
    op: str,
    f: Any,
    verts: torch.Tensor,
    faces: torch.Tensor | None,
    normals: torch.Tensor | None,
    colors: torch.Tensor | None,
    is_text: bool,
    decimal_places: int | None,
    colors_as_uint8: bool,
    path_manager: Any,
) -> None:
    check_flag(op, "ascii", is_text)
    check_flag(op, "colors_as_uint8", colors_as_uint8)
    verts, faces = empty_rows(verts), empty_rows(faces, torch.int64)
    check_tensor(op, "verts", verts, ("V", 3))
    if faces is not None:
        check_index_tensor(op, "faces", faces, ("F", 3), "verts", len(verts))
    columns = list[tuple[str, str, np.ndarray]]()
    for name, letters, kind, rows in (
        ("verts", ("x", "y", "z"), "float", verts),
        ("verts_normals", ("nx", "ny", "nz"), "float", normals),
        ("colors", ("red", "green", "blue"), "uchar" if colors_as_uint8 else "float", colors),
    ):
        if rows is not None:
            check_tensor(op, name, rows, (len(verts), 3))
            table = rows.detach().cpu().numpy()
            table = np.round(np.clip(table, 0, 1) * 255).astype(np.uint8) if kind == "uchar" else table.astype(np.float32)
            columns += [(letter, kind, table[:, k]) for k, letter in enumerate(letters)]
    if not len(verts):
        warnings.warn(f"{op}: verts are empty", stacklevel=3)
    number = decimals(op, decimal_places)
    triangles = None if faces is None or not len(verts) else faces.cpu().numpy()
    written(op, f, ply_bytes(columns, triangles, number if is_text else None, "vertex_index"), path_manager)


class MeshPlyFormat(MeshFormatInterpreter):
    """PLY files, for `IO`.

    Read with normals, and `TexturesVertex` of the colours, else `TexturesUV` if vertices have texture coordinates and the file names a picture. Written with
    the normals that were given, and colours of `TexturesVertex`, with the options ``decimal_places``, and ``colors_as_uint8`` for colours of 8 bits.
    """

    known_suffixes = (".ply",)

    def read(self, path: Any, include_textures: bool, device: Any, path_manager: Any, **kwargs: Any) -> Meshes | None:
        if not endswith(path, self.known_suffixes):
            return None
        check_options("load_mesh", kwargs)
        files, verts, faces, content = _content("load_mesh", path, path_manager)
        verts, faces = verts.to(device), faces.to(device)
        colors, uvs, normals = (on_device(table, device) for table in (content.colors, content.uvs, content.normals))
        textures: TexturesUV | TexturesVertex | None = None
        if include_textures and colors is not None:
            textures = TexturesVertex([colors])
        elif include_textures and uvs is not None and content.pictures:
            textures = TexturesUV([_picture(files, content.pictures[-1]).to(device)], [faces], [uvs])
        return Meshes([verts], [faces], textures, verts_normals=None if normals is None else [normals])

    def save(self, data: Meshes, path: Any, path_manager: Any, binary: bool | None, **kwargs: Any) -> bool:
        if not endswith(path, self.known_suffixes):
            return False
        check_options("save_mesh", kwargs, ("decimal_places", "colors_as_uint8"))
        colors = data.textures.verts_features_list()[0] if isinstance(data.textures, TexturesVertex) else None
        if colors is not None and colors.shape[1] != 3:
            warnings.warn(f"save_mesh: textures must have 3 channels to be saved in a PLY file, got {colors.shape[1]}: they are left out", stacklevel=3)
            colors = None
        normals = data.verts_normals_list()[0] if data.has_verts_normals() else None
        options = {"decimal_places": None, "colors_as_uint8": False} | kwargs
        _save("save_mesh", path, *data.get_mesh_verts_faces(0), normals, colors, binary is False, **options, path_manager=path_manager)
        return True


def on_device(table: Table, device: Any) -> torch.Tensor | None:
    return None if table is None else torch.from_numpy(table.astype(np.float32)).to(device)


def _picture(files: NamedFiles, name: str) -> torch.Tensor:
    subject = f"load_mesh: the texture of {files.path}"
    place = files.find(subject, name)
    if place is None:
        raise FileNotFoundError(f"{subject} must be there, got {name!r}, which is no file")
    with picture_file(subject, place, place.name) as picture:
        return torch.from_numpy(pixels(subject, place.name, picture, "RGB"))
