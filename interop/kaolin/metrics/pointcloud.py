"""Kaolin's ``kaolin.metrics.pointcloud``: how far clouds of points are from each other."""

import torch

from ....checks import check_flag, check_number
from ...checks import check_tensor, check_tensors
from ...geometry import check_finite_tensor, nearest_points, squared_distances

__all__ = ["chamfer_distance", "f_score", "sided_distance"]


def sided_distance(p1: torch.Tensor, p2: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """How far each point of p1 is from the nearest one of p2.

    Args:
        p1: [B, N, 3], finite.
        p2: [B, M, 3], finite; at least one point.

    Returns:
        The squared distances [B, N], and which points of p2 [B, N] int64.

    Gradient: to p1 and p2, the choice being taken as given.

    On the CPU SciPy's trees find them (in Kaolin this is for CUDA alone); on a GPU each point is compared with each, in parts.
    """
    return _sided("sided_distance", "p1", p1, "p2", p2)


def _sided(op: str, name1: str, p1: torch.Tensor, name2: str, p2: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    sizes: dict[str, int] = {}
    check_tensors(op, **{name1: p1, name2: p2})
    check_tensor(op, name1, p1, ("B", "N", 3), sizes)
    check_tensor(op, name2, p2, ("B", "M", 3), sizes)
    for name, points in ((name1, p1), (name2, p2)):
        check_finite_tensor(op, name, points)
        if not points.shape[1] and name == name2:
            raise ValueError(f"{op}: {name} must have at least one point, got {tuple(points.shape)}")
    n, n_others = len(p1), p2.shape[1]
    if not p1.numel():
        return (p1 * p1).sum(2), torch.zeros(p1.shape[:2], dtype=torch.int64, device=p1.device)
    index = torch.stack([nearest_points(points, others)[:, 0] for points, others in zip(p1, p2, strict=True)])
    rows = (index + n_others * torch.arange(n, device=p1.device)[:, None]).flatten()
    return squared_distances(p1, p2.flatten(0, 1).index_select(0, rows).reshape(p1.shape)), index


def _root(squared: torch.Tensor) -> torch.Tensor:
    """Whose gradient is zero at zero."""
    is_apart = squared > 0
    return torch.where(is_apart, torch.where(is_apart, squared, 1.0).sqrt(), 0.0)


def chamfer_distance(p1: torch.Tensor, p2: torch.Tensor, w1: float = 1.0, w2: float = 1.0, squared: bool = True) -> torch.Tensor:
    """[B]: w1 times the mean over p1 of the distance to the nearest point of p2, plus w2 times that the other way.

    Args:
        p1, p2: [B, N, 3] and [B, M, 3], finite, at least one point each.
        w1, w2: numbers.
        squared: whether the distances are squared.

    Gradient: to p1 and p2; zero from points that lie on each other (in Kaolin NaN, if not squared).
    """
    op = "chamfer_distance"
    check_number(op, "w1", w1)
    check_number(op, "w2", w2)
    check_flag(op, "squared", squared)
    there, back = (_sided(op, *way)[0] for way in (("p1", p1, "p2", p2), ("p2", p2, "p1", p1)))
    if not squared:
        there, back = _root(there), _root(back)
    return w1 * there.mean(1) + w2 * back.mean(1)


def f_score(gt_points: torch.Tensor, pred_points: torch.Tensor, radius: float = 0.01, eps: float = 1e-8) -> torch.Tensor:
    """[B]: 2 P R/(P + R + eps), the precision P = r/(r + wrong) and the recall R = r/(r + missed) as Kaolin counts them.

    r predicted points are nearer than the radius to a true one, the others are wrong; missed are the true points that no predicted one is so near to. (R is the
    share of true points found only where there is one predicted point for each.)

    Args:
        gt_points, pred_points: [B, N, 3] and [B, M, 3], finite, at least one point each.
        radius: in the unit of the points.
    """
    op = "f_score"
    check_number(op, "radius", radius, 0.0)
    check_number(op, "eps", eps, 0.0, low_too=True)
    missed = (_sided(op, "gt_points", gt_points, "pred_points", pred_points)[0].sqrt() > radius).sum(1).to(gt_points.dtype)
    wrong = (_sided(op, "pred_points", pred_points, "gt_points", gt_points)[0].sqrt() > radius).sum(1).to(gt_points.dtype)
    right = pred_points.shape[1] - wrong
    precision, recall = right / (right + wrong), right / (right + missed)
    recall = torch.where(right + missed > 0, recall, 0.0)
    return 2 * precision * recall / (precision + recall + eps)
