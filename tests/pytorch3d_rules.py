"""What PyTorch3D's rasteriser computes, written down a second time: every face at every pixel, in plain torch, in NDC with +X to the left.

Slow and short. Autograd gives its gradient. `resting` tells where rounding decides: no two programs need agree there.
"""

from dataclasses import dataclass

import torch

EPSILON = 1e-8
LEAST_SUM = 1e-5


def cross(o: torch.Tensor, a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """Twice the area of (o, a, b), positive if its vertices run clockwise as numbers, which with +X to the left is counter-clockwise to the eye."""
    return (a[..., 1] - o[..., 1]) * (b[..., 0] - o[..., 0]) - (a[..., 0] - o[..., 0]) * (b[..., 1] - o[..., 1])


def to_edge_sq(p: torch.Tensor, a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    length_sq = ((b - a) ** 2).sum(-1)
    t = (((p - a) * (b - a)).sum(-1) / length_sq.clamp(min=EPSILON)).clamp(0, 1)
    nearest = torch.where((length_sq > EPSILON)[..., None], a + t[..., None] * (b - a), b)
    return ((p - nearest) ** 2).sum(-1)


def pixel_centres(height: int, width: int) -> torch.Tensor:
    """[H, W, 2] in NDC."""
    side = min(height, width)
    y = (height - 1 - 2 * torch.arange(height, dtype=torch.float64)) / side
    x = (width - 1 - 2 * torch.arange(width, dtype=torch.float64)) / side
    return torch.stack(torch.broadcast_tensors(x[None, :], y[:, None]), -1)


@dataclass
class Rules:
    """Fragments [H, W, K] of one image; `resting` [H, W] where rounding decides, `floored` [F] faces whose perspective correction is cut off somewhere."""

    face: torch.Tensor
    depth: torch.Tensor
    bary: torch.Tensor
    dists: torch.Tensor
    resting: torch.Tensor
    floored: torch.Tensor


@dataclass
class At:
    """Faces at pixels, [H, W, n] each."""

    area: torch.Tensor
    bary: torch.Tensor  # [H, W, n, 3] before it is clipped
    weights: torch.Tensor  # [H, W, n, 3]
    depth: torch.Tensor
    outline_sq: torch.Tensor
    inside: torch.Tensor
    floored: torch.Tensor


def faces_at(p: torch.Tensor, corners: torch.Tensor, perspective: bool, clipped: bool) -> At:
    """p [H, W, 1, 2]; corners [..., n, 3, 3]."""
    (a, b, c), z = (corners[..., i, :2] for i in range(3)), corners[..., 2]
    area = cross(a, b, c)
    bary = torch.stack([cross(b, c, p), cross(c, a, p), cross(a, b, p)], -1) / (area + EPSILON)[..., None]
    floored = torch.zeros(bary.shape[:3], dtype=torch.bool)
    if perspective:
        top = bary * torch.stack([z[..., 1] * z[..., 2], z[..., 0] * z[..., 2], z[..., 0] * z[..., 1]], -1)
        floored = top.sum(-1) <= EPSILON
        bary = top / top.sum(-1, keepdim=True).clamp(min=EPSILON)
    kept = bary.clamp(min=0) if clipped else bary
    weights = kept / kept.sum(-1, keepdim=True).clamp(min=LEAST_SUM) if clipped else bary
    outline_sq = torch.minimum(to_edge_sq(p, a, b), torch.minimum(to_edge_sq(p, b, c), to_edge_sq(p, c, a)))
    return At(area, bary, weights, (weights * z).sum(-1), outline_sq, (bary > 0).all(-1), floored)


def rasterize(
    vertices: torch.Tensor,
    faces: torch.Tensor,
    image_size: tuple[int, int],
    *,
    blur_radius: float,
    n_slots: int,
    perspective: bool,
    clipped: bool,
    cull: bool = False,
    margin: float = 1e-5,
) -> Rules:
    """vertices [V, 3] float64 in NDC (z in view space), faces [F, 3]."""
    corners, p = vertices[faces], pixel_centres(*image_size)[:, :, None]
    with torch.no_grad():
        at = faces_at(p, corners, perspective, clipped)
        seen = (at.area.abs() > EPSILON) & (corners[:, :, 2].amax(1) >= 0) & ((at.area >= 0) | (not cull))
        hit = seen & (at.inside | (at.outline_sq < blur_radius)) & (at.depth >= 0)
        order = torch.where(hit, at.depth, torch.inf).sort(dim=-1, stable=True)
        near_tie = ((order.values[..., 1:] - order.values[..., :-1]) < margin * order.values[..., :-1]) & order.values[..., 1:].isfinite()
        near_edge = seen & (at.bary.abs().amin(-1) < margin) & (at.outline_sq < blur_radius + margin)
        near_reach = seen & ~at.inside & ((at.outline_sq - blur_radius).abs() < margin * max(blur_radius, margin))
        resting = near_tie.any(-1) | near_edge.any(-1) | near_reach.any(-1)
        n = min(n_slots, len(faces))
        face, empty = order.indices[..., :n], order.values[..., :n].isinf()
    kept = faces_at(p, corners[face], perspective, clipped)

    def slots(values: torch.Tensor) -> torch.Tensor:
        return torch.nn.functional.pad(torch.where(empty, -1, values), (0, n_slots - n), value=-1)

    return Rules(
        face=slots(face),
        depth=slots(kept.depth),
        bary=torch.stack([slots(kept.weights[..., i]) for i in range(3)], -1),
        dists=slots(torch.where(kept.inside, -kept.outline_sq, kept.outline_sq)),
        resting=resting,
        floored=(at.floored & hit).any(0).any(0),
    )
