"""Losses on pictures and on meshes, once for every array library.

Each returns an array [1]. On ``ti.ad.Tape`` pass the tape's loss as ``into``: the value, times ``weight``, is added to it. (torch users take
`taichi_softras.interop.losses`: the same functions on tensors.)
"""

from typing import Any

from .arrays import Arrays, library_of
from .checks import check_number, check_shape
from .connectivity import Connectivity
from .kernels import losses as ops
from .kernels.variant import Storage

__all__ = ["color_l1", "edge_length", "flatten", "laplacian", "normal_consistency", "silhouette_iou"]


def _library(arrays: Arrays | None, example: Any) -> Arrays:
    return arrays or library_of(example)


def silhouette_iou(alpha: Any, target: Any, *, into: Any = None, weight: float = 1.0, arrays: Arrays | None = None) -> Any:
    """1 - IoU of soft silhouettes, averaged over images (SoftRas eq. 6); 1 where both are empty.

    Args:
        alpha, target: [B, H, W] in [0, 1].

    Gradient: to both.
    """
    arrays = _library(arrays, alpha)
    check_shape("silhouette_iou", "alpha", alpha.shape, ("B", "H", "W"))
    check_shape("silhouette_iou", "target", target.shape, tuple(alpha.shape))
    n_images = alpha.shape[0]
    (overlap,) = arrays.run(ops.overlap_op(arrays.variant), (alpha, target), [(n_images, 2)], tuple(alpha.shape))
    return arrays.run(ops.intersection_over_union_op(arrays.variant), (overlap,), [_loss(arrays, into)], (weight, n_images))[0]


def color_l1(color: Any, target: Any, mask: Any, *, into: Any = None, weight: float = 1.0, arrays: Arrays | None = None) -> Any:
    """Mean over pixels and channels of mask |color - target|.

    Args:
        color, target: [B, H, W, C].
        mask: [B, H, W], the weight of each pixel.

    Gradient: to all three; at equality, zero.
    """
    arrays = _library(arrays, color)
    sizes: dict[str, int] = {}
    check_shape("color_l1", "color", color.shape, ("B", "H", "W", "C"), sizes)
    check_shape("color_l1", "target", target.shape, ("B", "H", "W", "C"), sizes)
    check_shape("color_l1", "mask", mask.shape, ("B", "H", "W"), sizes)
    n_images, height, width, n_channels = color.shape
    share = weight / (n_images * height * width * n_channels)
    return arrays.run(
        ops.image_l1_op(arrays.variant), (color, target, mask), [_loss(arrays, into)], (share, n_images, height, width, n_channels)
    )[0]  # fmt: skip


def laplacian(vertices: Any, connectivity: Connectivity, *, into: Any = None, weight: float = 1.0, arrays: Arrays | None = None) -> Any:
    """Sum over vertices of |v - mean of its neighbours|^2 (SoftRas section 4.2). A vertex without neighbours counts nothing.

    Args:
        vertices: [V, 3].

    Gradient: to vertices.
    """
    arrays = _checked(arrays, "laplacian", vertices, connectivity)
    lists = connectivity.on(arrays)
    (difference,) = arrays.run(
        ops.laplacian_op(arrays.variant), (vertices,), [tuple(vertices.shape)], (lists["edges"], lists["one_over_degree"], len(connectivity.edges))
    )  # fmt: skip
    return arrays.run(ops.square_sum_op(arrays.variant), (difference,), [_loss(arrays, into)], (weight, connectivity.n_vertices))[0]


def flatten(vertices: Any, connectivity: Connectivity, *, epsilon: float = 1e-12, into: Any = None, weight: float = 1.0, arrays: Arrays | None = None) -> Any:
    """Sum over edges with two faces of (cos theta + 1)^2, zero where the surface is flat (SoftRas section 4.2).

    Args:
        vertices: [V, 3].
        epsilon: against division by zero, under roots and in denominators (SoftRas has 1e-6).

    Gradient: to vertices.
    """
    arrays = _checked(arrays, "flatten", vertices, connectivity)
    n = len(connectivity.hinges)
    return arrays.run(ops.flatten_op(arrays.variant), (vertices,), [_loss(arrays, into)], (connectivity.on(arrays)["hinges"], weight, epsilon, n))[0]


def edge_length(vertices: Any, connectivity: Connectivity, *, target: float = 0.0, into: Any = None, weight: float = 1.0, arrays: Arrays | None = None) -> Any:
    """Mean over edges of (length - target)^2.

    Args:
        vertices: [V, 3].
        target: the length wanted, world units.

    Gradient: to vertices.
    """
    check_number("edge_length", "target", target)
    arrays = _checked(arrays, "edge_length", vertices, connectivity)
    n = len(connectivity.edges)
    share = weight / max(n, 1)
    return arrays.run(ops.edge_length_op(arrays.variant), (vertices,), [_loss(arrays, into)], (connectivity.on(arrays)["edges"], target, share, n))[0]


def normal_consistency(vertices: Any, connectivity: Connectivity, *, into: Any = None, weight: float = 1.0, arrays: Arrays | None = None) -> Any:
    """Mean over edges with two faces of 1 - cos(angle between their normals).

    Args:
        vertices: [V, 3].

    Gradient: to vertices.
    """
    arrays = _checked(arrays, "normal_consistency", vertices, connectivity)
    n = len(connectivity.hinges)
    share = weight / max(n, 1)
    return arrays.run(ops.normal_consistency_op(arrays.variant), (vertices,), [_loss(arrays, into)], (connectivity.on(arrays)["hinges"], share, n))[0]


def _loss(arrays: Arrays, into: Any) -> Any:
    return (() if arrays.variant.storage is Storage.FIELD else (1,)) if into is None else into


def _checked(arrays: Arrays | None, op: str, vertices: Any, connectivity: Connectivity) -> Arrays:
    check_shape(op, "vertices", vertices.shape, (connectivity.n_vertices, 3))
    return _library(arrays, vertices)
