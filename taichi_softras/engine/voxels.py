"""Solid voxels of closed meshes, and how well two sets of them agree."""

from typing import Any

import numpy as np

from ..checks import as_array, check_array, check_countable, check_indices, check_integer, check_reals, check_shape
from ..kernels.voxelization import OUTSIDE, flood_kernel, surface_kernel
from ..runtime import Arrays

__all__ = ["voxel_iou", "voxelize"]

MARGIN = 1  # empty voxels around the grid, so that a mesh that reaches its border is closed by it


def voxelize(arrays: Arrays, corners: Any, face_image: np.ndarray, n_images: int, size: int) -> np.ndarray:
    """[B, size, size, size] of 0 and 1: the voxels that the surface crosses and those that it encloses.

    Args:
        arrays: the library of ``corners``.
        corners: [F, 3, 3] of the faces, in voxels: the grid spans [0, size].
        face_image: [F] which of the B meshes each face belongs to.
    """
    op = "voxelize"
    check_integer(op, "size", size, 1, 1024)
    check_integer(op, "n_images", n_images, 1, 2**20)
    check_reals(op, arrays, corners=corners)
    sizes: dict[str, int] = {}
    check_shape(op, "corners", corners.shape, ("F", 3, 3), sizes)
    check_shape(op, "face_image", np.shape(face_image), ("F",), sizes)
    face_image = check_indices(op, "face_image", face_image, "images", n_images)
    grid = size + 2 * MARGIN
    check_countable(op, "voxels", n_images * grid**3)
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
    op, sizes, voxels = "voxel_iou", dict[str, int](), []
    for name, given in (("a", a), ("b", b)):
        array = as_array(op, name, given)
        check_array(op, name, array, ("B", "N", "N", "N"), sizes)
        voxels.append(array.astype(bool))
    a, b = voxels
    union = (a | b).sum((1, 2, 3))
    return np.where(union > 0, (a & b).sum((1, 2, 3)) / np.maximum(union, 1), 1.0)
