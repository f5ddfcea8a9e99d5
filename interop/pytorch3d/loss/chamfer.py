"""Chamfer distance of clouds of points."""

from typing import Any

import torch
import torch.nn.functional as F

from ....checks import check_flag, check_one_of, check_shape
from ...checks import check_tensors
from ..batches import check_lengths
from ..ops.knn import knn_gather, knn_points

__all__ = ["chamfer_distance"]

Loss = torch.Tensor | tuple[torch.Tensor, torch.Tensor]


def chamfer_distance(
    x: Any,
    y: Any,
    x_lengths: torch.Tensor | None = None,
    y_lengths: torch.Tensor | None = None,
    x_normals: torch.Tensor | None = None,
    y_normals: torch.Tensor | None = None,
    weights: torch.Tensor | None = None,
    batch_reduction: str | None = "mean",
    point_reduction: str | None = "mean",
    norm: int = 2,
    single_directional: bool = False,
    abs_cosine: bool = True,
) -> tuple[Loss, Loss | None]:
    """How far each point of x is from the nearest one of y, squared, and the other way.

    Args:
        x, y: [N, P, D] and [N, Q, D], or `Pointclouds`.
        x_lengths, y_lengths: [N] how many of the points each cloud has; the rest is padding.
        x_normals, y_normals: [N, P, 3] and [N, Q, 3]; if both are given, 1 - cos(angle between the normals of a point and its nearest one) is a second loss.
        weights: [N] of the pairs of clouds, not negative.
        batch_reduction: "mean" (over the weights), "sum" or None.
        point_reduction: of each cloud's points: "mean"; "sum"; "max", the larger of both directions (Hausdorff's distance), without normals; None, only
            without batch_reduction.
        norm: 2, squared distances; 1, the sum of differences along the axes.
        single_directional: from x to y alone.
        abs_cosine: opposite normals count as equal.

    Returns:
        The loss, and that of the normals (None without normals): numbers; [N] without batch_reduction; without point_reduction a pair [N, P], [N, Q] (or the
        first alone, if single_directional), zero where there is padding.

    Gradient: to points, normals and weights; the choice of the nearest is taken as given.
    """
    op = "chamfer_distance"
    check_one_of(op, "batch_reduction", batch_reduction, ("mean", "sum", None))
    check_one_of(op, "point_reduction", point_reduction, ("mean", "sum", "max", None))
    if point_reduction is None and batch_reduction is not None:
        raise ValueError(f"{op}: batch_reduction must be None where point_reduction is, got {batch_reduction!r}")
    check_one_of(op, "norm", norm, (1, 2))
    check_flag(op, "single_directional", single_directional)
    check_flag(op, "abs_cosine", abs_cosine)
    sizes: dict[str, int] = {}
    x, x_lengths, x_normals = _cloud(op, "x", ("N", "P", "D"), x, x_lengths, x_normals, sizes)
    y, y_lengths, y_normals = _cloud(op, "y", ("N", "Q", "D"), y, y_lengths, y_normals, sizes)
    if point_reduction == "max" and (x_normals is not None or y_normals is not None):
        raise ValueError(f"{op}: normals must be None where point_reduction is 'max', got {'x' if x_normals is not None else 'y'}_normals")
    check_tensors(op, x=x, y=y, x_normals=x_normals, y_normals=y_normals, weights=weights)
    if weights is not None:
        check_shape(op, "weights", weights.shape, ("N",), sizes)
        if not bool((weights >= 0).all()):
            raise ValueError(f"{op}: weights must not be negative, got {float(weights.min())}")
    there = (x, y, x_lengths, y_lengths, x_normals, y_normals)
    back = (y, x, y_lengths, x_lengths, y_normals, x_normals)
    found = [_one_way(*way, weights, point_reduction, norm, abs_cosine) for way in ((there,) if single_directional else (there, back))]
    angles = [angle for _, angle in found if angle is not None]
    loss = _reduced([distance for distance, _ in found], weights, batch_reduction, point_reduction)
    return loss, _reduced(angles, weights, batch_reduction, point_reduction) if angles else None


def _cloud(
    op: str, name: str, pattern: tuple[str, ...], points: Any, lengths: torch.Tensor | None, normals: Any, sizes: dict[str, int]
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor | None]:
    if hasattr(points, "points_padded"):
        points, lengths, normals = points.points_padded(), points.num_points_per_cloud(), points.normals_padded()
    if not isinstance(points, torch.Tensor):
        raise TypeError(f"{op}: {name} must be a torch.Tensor or Pointclouds, got {type(points).__name__}")
    check_tensors(op, **{name: points, f"{name}_normals": normals})
    check_shape(op, name, points.shape, pattern, sizes)
    if normals is not None:
        check_shape(op, f"{name}_normals", normals.shape, (*pattern[:2], 3), sizes)
    numbers = check_lengths(op, f"{name}_lengths", lengths, points.shape[0], points.shape[1], points.device)
    return points, torch.tensor(numbers, device=points.device), normals


def _handle_pointcloud_input(points: Any, lengths: torch.Tensor | None, normals: torch.Tensor | None) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor | None]:
    """Points [N, P, D], how many each cloud has [N], and normals, if there are any: users of the original import it by this name."""
    return _cloud("_handle_pointcloud_input", "points", ("N", "P", "D"), points, lengths, normals, {})


def _one_way(
    x: torch.Tensor, y: torch.Tensor, x_lengths: torch.Tensor, y_lengths: torch.Tensor, x_normals: torch.Tensor | None, y_normals: torch.Tensor | None,
    weights: torch.Tensor | None, point_reduction: str | None, norm: int, abs_cosine: bool,
) -> tuple[torch.Tensor, torch.Tensor | None]:  # fmt: skip
    """[N, P] or [N]: distances, and what the normals say."""
    found = knn_points(x, y, lengths1=x_lengths, lengths2=y_lengths, norm=norm)
    losses: list[torch.Tensor | None] = [found.dists[..., 0], None]
    is_there = torch.arange(x.shape[1], device=x.device) < x_lengths[:, None]
    if x_normals is not None and y_normals is not None:
        near = knn_gather(y_normals, found.idx, y_lengths)[:, :, 0]
        cosine = F.cosine_similarity(x_normals, near, dim=2, eps=1e-6)
        losses[1] = torch.where(is_there, 1 - (cosine.abs() if abs_cosine else cosine), 0.0)
    for k, loss in enumerate(losses):
        if loss is None:
            continue
        if weights is not None:
            loss = loss * weights[:, None]
        if point_reduction == "max":
            loss = loss.amax(1) if loss.shape[1] else loss.sum(1)
        elif point_reduction is not None:
            loss = loss.sum(1) / (x_lengths.clamp(min=1) if point_reduction == "mean" else 1)
        losses[k] = loss
    assert losses[0] is not None
    return losses[0], losses[1]


def _reduced(ways: list[torch.Tensor], weights: torch.Tensor | None, batch_reduction: str | None, point_reduction: str | None) -> Loss:
    """Of one direction or both."""
    if point_reduction is None:
        return ways[0] if len(ways) == 1 else (ways[0], ways[1])
    loss = ways[0] if len(ways) == 1 else torch.maximum(*ways) if point_reduction == "max" else ways[0] + ways[1]
    if batch_reduction is None:
        return loss
    if batch_reduction == "sum":
        return loss.sum()
    share = max(len(loss), 1) if weights is None else torch.where(weights.sum() == 0, 1.0, weights.sum())
    return loss.sum() / share
