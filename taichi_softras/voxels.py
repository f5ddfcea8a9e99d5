"""Solid voxels of closed meshes, and how well two sets of them agree."""

from typing import Any

import numpy as np

from .arrays import Arrays
from .checks import check_integer
from .kernels.voxelization import OUTSIDE, flood_kernel, surface_kernel

__all__ = ["voxel_iou", "voxelize"]

MARGIN = 1  # empty voxels around the grid, so that a mesh that reaches its border is closed by it


def voxelize(arrays: Arrays, corners: Any, face_image: np.ndarray, n_images: int, size: int) -> np.ndarray:
    """[B, size, size, size] of 0 and 1: the voxels that the surface crosses and those that it encloses.

    Args:
        arrays: the library of ``corners``.
        corners: [F, 3, 3] of the faces, in voxels: the grid spans [0, size].
        face_image: [F] which of the B meshes each face belongs to.
    """
    check_integer("voxelize", "size", size, 1, 1024)
    grid = size + 2 * MARGIN
    voxels = arrays.zeros_index(n_images * grid**3)
    arrays.launch(surface_kernel(arrays.variant), (corners, arrays.index(np.ascontiguousarray(face_image, np.int32)), voxels, len(face_image), grid, MARGIN))
    changed = True
    while changed:
        count = arrays.zeros_index(1)
        arrays.launch(flood_kernel(arrays.variant), (voxels, count, n_images, grid))
        changed = bool(arrays.to_numpy(count)[0])
    inner = slice(MARGIN, MARGIN + size)
    solid = arrays.to_numpy(voxels).reshape(n_images, grid, grid, grid)[:, inner, inner, inner] != OUTSIDE
    return solid.astype(np.int32)


def voxel_iou(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """[B] intersection over union of voxels [B, N, N, N]; 1 where both are empty."""
    a, b = np.asarray(a, bool), np.asarray(b, bool)
    union = (a | b).sum((1, 2, 3))
    return np.where(union > 0, (a & b).sum((1, 2, 3)) / np.maximum(union, 1), 1.0)
