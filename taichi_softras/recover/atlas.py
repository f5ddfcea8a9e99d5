"""Texture atlases: a surface cut into charts, laid flat and packed into one picture (by xatlas), and which texel shows which place of the surface."""

import importlib.util
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from ..checks import check_integer, check_kind
from ..scene import Mesh
from .remesh import face_areas

__all__ = ["LARGEST_SIDE", "needs_xatlas", "texels_of", "unwrap"]

LARGEST_SIDE = 4096  # of an atlas, texels
PADDING = 4  # texels between two charts: two mip levels, and what bilinear filtering reads of them, stay apart
MAX_COST = 8.0  # of a chart's growth: 4 times xatlas's own, which halves the number of charts and the time
CANDIDATES = 1 << 18  # texels that are looked at together
ROOM = 0.6  # of an atlas, that charts fill at least, as a first guess
SCALE = 1000.0  # the root of the area that a surface is given for xatlas


def needs_xatlas(op: str) -> None:
    """Raises RuntimeError if xatlas is not installed."""
    if importlib.util.find_spec("xatlas") is None:
        raise RuntimeError(f"{op} makes texture coordinates with xatlas, which is not installed: pip install 'taichi_softras[fit]'")


def unwrap(mesh: Mesh, texels: int, largest_side: int = LARGEST_SIDE) -> tuple[Mesh, tuple[int, int]]:
    """The mesh with texture coordinates of its own: no two places of the surface share a texel, and all are shown equally large.

    Args:
        mesh: its colours, texture and texture coordinates, if any, are left out; its vertices and faces stay as they are.
        texels: how many texels the surface is to have, about; the atlas is larger by what stays free between the charts.
        largest_side: of the atlas; a surface that does not fit gets as many texels as there is room for.

    Returns:
        the mesh, and (height, width) of the picture that its texture coordinates were made for.

    The same mesh gives the same coordinates. Needs xatlas.

    Raises:
        RuntimeError: if xatlas is not installed.
        ValueError: if the surface has no area.
    """
    check_kind("unwrap", "mesh", mesh, Mesh)
    check_integer("unwrap", "largest_side", largest_side, 16, 1 << 14)
    check_integer("unwrap", "texels", texels, 1, 1 << 28)
    needs_xatlas("unwrap")
    vertices = mesh.vertices.astype(np.float64)
    vertices -= (vertices.min(0) + vertices.max(0)) / 2
    area = float(face_areas(mesh).sum())
    if not area > 0:
        raise ValueError(f"unwrap: the mesh must have an area, got {area:g}")
    vertices *= SCALE / np.sqrt(area)  # xatlas 0.0.11 gives faces that are smaller than 1.2e-7 no place of their own
    per_unit = min(texels, ROOM * largest_side**2) ** 0.5 / SCALE
    while True:
        uvs, face_uvs, width, height = _packed(vertices, mesh.faces, per_unit)
        if max(width, height) <= largest_side:
            break
        per_unit *= 0.98 * largest_side / max(width, height)
    uvs[:, 1] = 1 - uvs[:, 1]  # its rows run down
    return replace(mesh, colors=None, texture=None, wrap=None, uvs=uvs, face_uvs=face_uvs), (height, width)


def _packed(vertices: np.ndarray, faces: np.ndarray, per_unit: float) -> tuple[np.ndarray, np.ndarray, int, int]:
    """Coordinates [T, 2] in [0, 1], rows running down; the corners of the faces [F, 3]; width and height of the atlas."""
    import xatlas

    charts, packing = xatlas.ChartOptions(), xatlas.PackOptions()
    charts.max_cost = MAX_COST
    packing.padding, packing.bilinear, packing.texels_per_unit = PADDING, True, per_unit
    atlas = xatlas.Atlas()
    atlas.add_mesh(np.ascontiguousarray(vertices, np.float32), np.ascontiguousarray(faces, np.uint32))
    atlas.generate(charts, packing)
    _, face_uvs, uvs = atlas.get_mesh(0)
    return np.clip(uvs, 0, 1).astype(np.float32), face_uvs.astype(np.int32), int(atlas.width), int(atlas.height)


def texels_of(mesh: Mesh, size: tuple[int, int], margin: float = 0.0) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Which face, and which place on it, each texel of a mesh's texture shows.

    Args:
        mesh: with uvs that lie in [0, 1].
        size: (height, width) of the texture.
        margin: how many texels outside of a face the centre of a texel may lie and count as its, drawn to its border.

    Yields:
        texels [N] (row * width + column), faces [N] and bary [N, 3] (within the face), for some of the faces at a time. A texel on the border of two faces
        comes with both.
    """
    height, width = size
    assert mesh.uvs is not None
    corners = mesh.uvs[mesh.faces if mesh.face_uvs is None else mesh.face_uvs].astype(np.float64)
    corners = corners * [width, -height] + [-0.5, height - 0.5]  # (column, row), whole at the centres of texels
    low = np.clip(np.ceil(corners.min(1) - margin), 0, [width, height]).astype(np.int64)
    high = np.clip(np.floor(corners.max(1) + margin) + 1, low, [width, height]).astype(np.int64)
    columns, rows = (high - low).T
    ends = np.cumsum(columns * rows)
    begin = 0
    while begin < len(corners):
        done = ends[begin - 1] if begin else 0
        end = max(begin + 1, int(np.searchsorted(ends, done + CANDIDATES, "right")))
        count = (columns * rows)[begin:end]
        face = np.repeat(np.arange(begin, end), count)
        place = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
        row, column = np.divmod(place, np.maximum(columns[face], 1))
        column, row = column + low[face, 0], row + low[face, 1]
        inside, bary = _bary(np.stack([column, row], 1).astype(np.float64), corners[face], margin)
        yield row[inside] * width + column[inside], face[inside], bary[inside]
        begin = end


def _bary(points: np.ndarray, corners: np.ndarray, margin: float) -> tuple[np.ndarray, np.ndarray]:
    """Whether points [N, 2] lie within ``margin`` of the triangles [N, 3, 2], and their barycentric coordinates, drawn into the triangle."""
    a, b, c = corners.transpose(1, 0, 2)
    doubled = _cross(b - a, c - a)
    signed = np.stack([_cross(c - b, points - b), _cross(a - c, points - c), _cross(b - a, points - a)], 1)
    lengths = np.stack([np.linalg.norm(c - b, axis=1), np.linalg.norm(a - c, axis=1), np.linalg.norm(b - a, axis=1)], 1)
    sign = np.where(doubled < 0, -1.0, 1.0)[:, None]
    inside = (sign * signed >= -margin * lengths).all(1) & (np.abs(doubled) > 1e-12)
    bary = np.maximum(signed * sign, 0)
    return inside, bary / np.maximum(bary.sum(1, keepdims=True), 1e-12)


def _cross(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]
