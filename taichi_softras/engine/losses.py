"""Losses on pictures and on meshes, once for every array library.

Each returns an array [1]. On ``ti.ad.Tape`` pass the tape's loss as ``into``: the value, times ``weight``, is added to it. (torch users take
`taichi_softras.interop.losses`: the same functions on tensors.)
"""

import math
from typing import Any

import numpy as np

from ..checks import check_kind, check_number, check_reals, check_shape
from ..kernels import losses as ops
from ..kernels.variant import Storage
from ..language import ti
from ..runtime import Arrays, TaichiArrays, library_of
from ..scene import Connectivity

__all__ = ["color_l1", "edge_length", "flatten", "laplacian", "normal_consistency", "silhouette_iou"]


def _library(op: str, arrays: Arrays | None, **given: Any) -> Arrays:
    """The library of the arrays, or else of the first one."""
    name, first = next(iter(given.items()))
    if arrays is None:
        if not isinstance(first, (ti.Ndarray, ti.Field, np.ndarray)):
            raise TypeError(f"{op}: {name} must be a Taichi array or field, got {type(first).__name__}")
        arrays = TaichiArrays(ti.f64 if first.dtype == np.float64 else ti.f32) if isinstance(first, np.ndarray) else library_of(first)
    check_reals(op, arrays, **given)
    return arrays


def silhouette_iou(alpha: Any, target: Any, known: Any = None, *, into: Any = None, weight: float = 1.0, arrays: Arrays | None = None) -> Any:
    """1 - IoU of soft silhouettes, averaged over images (SoftRas eq. 6); 1 where both are empty.

    Args:
        alpha, target: [B, H, W] in [0, 1].
        known: [B, H, W] how much each pixel counts; None: all alike.

    Gradient: to all of them.
    """
    arrays = _library("silhouette_iou", arrays, alpha=alpha, target=target, **({} if known is None else {"known": known}))
    check_number("silhouette_iou", "weight", weight)
    loss = _loss("silhouette_iou", arrays, into)
    check_shape("silhouette_iou", "alpha", alpha.shape, ("B", "H", "W"))
    check_shape("silhouette_iou", "target", target.shape, tuple(alpha.shape))
    if known is not None:
        check_shape("silhouette_iou", "known", known.shape, tuple(alpha.shape))
    n_images = alpha.shape[0]
    inputs = (alpha, target, arrays.fixed(np.zeros((1, 1, 1))) if known is None else known)
    variant = arrays.variant_for(math.prod(alpha.shape))
    rest = (arrays.zeros((n_images, 3)), weight, *alpha.shape)
    return arrays.run(ops.silhouette_iou_op(variant, known is not None), inputs, [loss], rest)[0]


def color_l1(color: Any, target: Any, mask: Any, *, into: Any = None, weight: float = 1.0, arrays: Arrays | None = None) -> Any:
    """Mean over pixels and channels of mask |color - target|.

    Args:
        color, target: [B, H, W, C].
        mask: [B, H, W], the weight of each pixel.

    Gradient: to all three; at equality, zero.
    """
    arrays = _library("color_l1", arrays, color=color, target=target, mask=mask)
    check_number("color_l1", "weight", weight)
    loss = _loss("color_l1", arrays, into)
    sizes: dict[str, int] = {}
    check_shape("color_l1", "color", color.shape, ("B", "H", "W", "C"), sizes)
    check_shape("color_l1", "target", target.shape, ("B", "H", "W", "C"), sizes)
    check_shape("color_l1", "mask", mask.shape, ("B", "H", "W"), sizes)
    n_images, height, width, n_channels = color.shape
    share = weight / (n_images * height * width * n_channels)
    variant = arrays.variant_for(math.prod(color.shape))
    return arrays.run(ops.image_l1_op(variant), (color, target, mask), [loss], (share, n_images, height, width, n_channels))[0]


def laplacian(vertices: Any, connectivity: Connectivity, *, into: Any = None, weight: float = 1.0, arrays: Arrays | None = None) -> Any:
    """Sum over vertices of |v - mean of its neighbours|^2 (SoftRas section 4.2). A vertex without neighbours counts nothing.

    Args:
        vertices: [V, 3].

    Gradient: to vertices.
    """
    arrays = _checked(arrays, "laplacian", vertices, connectivity, weight)
    loss = _loss("laplacian", arrays, into)
    lists = connectivity.on(arrays)
    (difference,) = arrays.run(
        ops.laplacian_op(arrays.variant), (vertices,), [tuple(vertices.shape)], (lists["edges"], lists["one_over_degree"], len(connectivity.edges))
    )  # fmt: skip
    return arrays.run(ops.square_sum_op(arrays.variant), (difference,), [loss], (weight, connectivity.n_vertices))[0]


def flatten(vertices: Any, connectivity: Connectivity, *, epsilon: float = 1e-12, into: Any = None, weight: float = 1.0, arrays: Arrays | None = None) -> Any:
    """Sum over edges with two faces of (cos theta + 1)^2, zero where the surface is flat (SoftRas section 4.2).

    Args:
        vertices: [V, 3].
        epsilon: against division by zero, under roots and in denominators (SoftRas has 1e-6).

    Gradient: to vertices.
    """
    check_number("flatten", "epsilon", epsilon, 0.0, 1.0)
    arrays = _checked(arrays, "flatten", vertices, connectivity, weight)
    loss = _loss("flatten", arrays, into)
    n = len(connectivity.hinges)
    return arrays.run(ops.flatten_op(arrays.variant), (vertices,), [loss], (connectivity.on(arrays)["hinges"], weight, epsilon, n))[0]


def edge_length(vertices: Any, connectivity: Connectivity, *, target: float = 0.0, into: Any = None, weight: float = 1.0, arrays: Arrays | None = None) -> Any:
    """Mean over edges of (length - target)^2.

    Args:
        vertices: [V, 3].
        target: the length wanted, world units.

    Gradient: to vertices.
    """
    check_number("edge_length", "target", target)
    arrays = _checked(arrays, "edge_length", vertices, connectivity, weight)
    loss = _loss("edge_length", arrays, into)
    n = len(connectivity.edges)
    share = weight / max(n, 1)
    return arrays.run(ops.edge_length_op(arrays.variant), (vertices,), [loss], (connectivity.on(arrays)["edges"], target, share, n))[0]


def normal_consistency(vertices: Any, connectivity: Connectivity, *, into: Any = None, weight: float = 1.0, arrays: Arrays | None = None) -> Any:
    """Mean over edges with two faces of 1 - cos(angle between their normals).

    Args:
        vertices: [V, 3].

    Gradient: to vertices.
    """
    arrays = _checked(arrays, "normal_consistency", vertices, connectivity, weight)
    loss = _loss("normal_consistency", arrays, into)
    n = len(connectivity.hinges)
    share = weight / max(n, 1)
    return arrays.run(ops.normal_consistency_op(arrays.variant), (vertices,), [loss], (connectivity.on(arrays)["hinges"], share, n))[0]


def _loss(op: str, arrays: Arrays, into: Any) -> Any:
    """Where the value goes; made anew if ``into`` is None."""
    if into is not None:
        check_reals(op, arrays, into=into)
        check_shape(op, "into", into.shape, () if arrays.variant.storage is Storage.FIELD else (1,))
    return (() if arrays.variant.storage is Storage.FIELD else (1,)) if into is None else into


def _checked(arrays: Arrays | None, op: str, vertices: Any, connectivity: Connectivity, weight: float) -> Arrays:
    check_kind(op, "connectivity", connectivity, Connectivity)
    check_number(op, "weight", weight)
    arrays = _library(op, arrays, vertices=vertices)
    check_shape(op, "vertices", vertices.shape, (connectivity.n_vertices, 3))
    return arrays
