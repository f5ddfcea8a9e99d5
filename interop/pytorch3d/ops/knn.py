"""The nearest neighbours of points."""

from typing import NamedTuple

import torch

from ....checks import check_flag, check_integer, check_one_of, check_shape
from ...checks import check_index_tensor, check_tensors
from ...geometry import check_finite_tensor, nearest_points
from ..batches import check_lengths

__all__ = ["knn_gather", "knn_points"]


class KNN(NamedTuple):
    """What `knn_points` finds.

    Attributes:
        dists: [N, P1, K] squared distances (norm 2), or sums of differences along the axes (norm 1).
        idx: [N, P1, K] int64, which points of p2.
        knn: [N, P1, K, D] these points, if they were asked for.
    """

    dists: torch.Tensor
    idx: torch.Tensor
    knn: torch.Tensor | None


def knn_points(
    p1: torch.Tensor,
    p2: torch.Tensor,
    lengths1: torch.Tensor | None = None,
    lengths2: torch.Tensor | None = None,
    norm: int = 2,
    K: int = 1,
    version: int = -1,
    return_nn: bool = False,
    return_sorted: bool = True,
) -> KNN:
    """The K nearest points of p2 to each of p1, cloud by cloud.

    Args:
        p1, p2: [N, P1, D] and [N, P2, D], finite.
        lengths1, lengths2: [N] how many of the points each cloud has; the rest is padding.
        norm: 2 or 1.
        K: how many.
        version: of PyTorch3D's kernels; without effect.
        return_nn: whether the points themselves are wanted.
        return_sorted: without effect: they always come sorted, the nearest first.

    Returns:
        `KNN`, all zero where p1 has padding, or p2 fewer than K points.

    Gradient: to p1 and p2, the choice being taken as given; with norm 1, none along an axis on which two points agree (in PyTorch3D it is -1).

    On the CPU trees find them; on a GPU each point is compared with each, in parts.
    """
    op, sizes = "knn_points", dict[str, int]()
    check_tensors(op, p1=p1, p2=p2)
    check_shape(op, "p1", p1.shape, ("N", "P1", "D"), sizes)
    check_shape(op, "p2", p2.shape, ("N", "P2", "D"), sizes)
    check_one_of(op, "norm", norm, (1, 2))
    check_integer(op, "K", K, 1, 2**31 - 1)
    check_integer(op, "version", version, -(2**31), 2**31)
    check_flag(op, "return_nn", return_nn)
    check_flag(op, "return_sorted", return_sorted)
    n, n_points = p1.shape[:2]
    numbers1 = check_lengths(op, "lengths1", lengths1, n, n_points, p1.device)
    numbers2 = check_lengths(op, "lengths2", lengths2, n, p2.shape[1], p1.device)
    idx = torch.zeros(n, n_points, K, dtype=torch.int64, device=p1.device)
    there = torch.zeros(n, n_points, K, dtype=torch.bool, device=p1.device)
    for cloud, (n1, n2) in enumerate(zip(numbers1, numbers2, strict=True)):
        count = min(K, n2)
        if n1 and count:
            points, others = p1[cloud, :n1], p2[cloud, :n2]
            check_finite_tensor(op, "p1", points)
            check_finite_tensor(op, "p2", others)
            idx[cloud, :n1, :count] = nearest_points(points, others, count, norm)
            there[cloud, :n1, :count] = True
    near = _gathered(p2, idx)
    apart = p1[:, :, None] - near
    # What is not there is taken out before it is squared: padding may hold anything.
    apart = torch.where(there[..., None], apart, 0.0)
    dists = apart.abs().sum(-1) if norm == 1 else apart.square().sum(-1)
    return KNN(dists=dists, idx=idx, knn=knn_gather(p2, idx, lengths2) if return_nn else None)


def knn_gather(x: torch.Tensor, idx: torch.Tensor, lengths: torch.Tensor | None = None) -> torch.Tensor:
    """[N, L, K, U]: rows of x [N, M, U] at idx [N, L, K], as `knn_points` finds them for clouds of ``lengths`` [N]; zero from the length of a cloud on in K.

    Gradient: to x.
    """
    op, sizes = "knn_gather", dict[str, int]()
    check_tensors(op, x=x)
    check_shape(op, "x", x.shape, ("N", "M", "U"), sizes)
    check_index_tensor(op, "idx", idx, ("N", "L", "K"), "points", max(x.shape[1], 1), sizes)
    numbers = check_lengths(op, "lengths", lengths, x.shape[0], x.shape[1], x.device)
    there = torch.arange(idx.shape[2], device=x.device) < torch.tensor(numbers, device=x.device, dtype=torch.int64)[:, None]
    return torch.where(there[:, None, :, None], _gathered(x, idx), 0.0)


def _gathered(x: torch.Tensor, idx: torch.Tensor) -> torch.Tensor:
    """[N, L, K, U]; zero where x has no points at all."""
    n, n_points, n_values = x.shape
    if not n_points:
        return x.new_zeros(*idx.shape, n_values)
    rows = idx + n_points * torch.arange(n, device=x.device)[:, None, None]
    return x.reshape(-1, n_values).index_select(0, rows.reshape(-1)).reshape(*idx.shape, n_values)
