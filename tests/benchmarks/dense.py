"""The same mathematics as it is written down, in plain torch: every face against every pixel, tensors [F, ..., P], and autograd.

The yardstick that everyone can run. It renders what `taichi_softras.rasterizer.rasterize` renders with its default choices (Euclidean, logistic,
probabilistic, softmax, perspective-correct, weights of the closest point) and features per vertex. Pixels are worked off in chunks; where there are several,
their way forward is computed once more on the way back (`torch.utils.checkpoint`), so that memory is bounded.
"""

from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch.utils.checkpoint import checkpoint

from taichi_softras import RasterizeSettings, Topology

__all__ = ["DenseImage", "rasterize"]

PAIRS_AT_ONCE = 1 << 20  # about 300 MB
EYE = 1e-6  # a face with a vertex nearer than this is left out
TINY = 1e-18  # a squared length or twice an area below it counts as none


class DenseImage(NamedTuple):
    alpha: torch.Tensor  # [B, H, W]
    color: torch.Tensor | None  # [B, H, W, C]
    depth: torch.Tensor | None  # [B, H, W]


def rasterize(
    vertices_screen: torch.Tensor,
    topology: Topology,
    features: torch.Tensor | None,
    background: torch.Tensor | None,
    settings: RasterizeSettings,
    image_size: tuple[int, int],
) -> DenseImage:
    """Arguments as those of `taichi_softras.rasterizer.rasterize`."""
    pixels = pixel_centres(*image_size, vertices_screen)
    images = []
    for b in range(topology.n_images):
        mine = np.flatnonzero(topology.face_image == b)
        corners = vertices_screen[topology.faces[mine]]
        ahead = corners[:, :, 2].amin(1) > EYE
        arguments = [corners[ahead]]
        if features is not None:
            arguments += [features[topology.feature_faces[mine]][ahead], background[b]]
        images.append(in_chunks(settings, pixels, arguments))
    return DenseImage(*[None if parts[0] is None else torch.stack(parts).unflatten(1, image_size) for parts in zip(*images, strict=True)])


def pixel_centres(height: int, width: int, like: torch.Tensor) -> torch.Tensor:
    """[2, H * W] screen x and y; the shorter side spans [-1, 1], row 0 is the top."""
    x = (2 * torch.arange(width).to(like) + 1 - width) / min(height, width)
    y = (height - 1 - 2 * torch.arange(height).to(like)) / min(height, width)
    return torch.stack([x.repeat(height), y.repeat_interleave(width)])


def in_chunks(settings: RasterizeSettings, pixels: torch.Tensor, arguments: list[torch.Tensor]) -> list[torch.Tensor | None]:
    """alpha [P], color [P, C] and depth [P] of one image."""
    chunks = pixels.split(max(PAIRS_AT_ONCE // max(len(arguments[0]), 1), 1), 1)
    if len(chunks) == 1:
        return list(shade(settings, pixels, *arguments))
    parts = [checkpoint(shade, settings, chunk, *arguments, use_reentrant=False) for chunk in chunks]
    return [None if of_chunks[0] is None else torch.cat(of_chunks) for of_chunks in zip(*parts, strict=True)]


def shade(
    s: RasterizeSettings,
    pixels: torch.Tensor,  # [2, P]
    corners: torch.Tensor,  # [F, 3, 3] x, y on the screen; depth
    features: torch.Tensor | None = None,  # [F, 3, C]
    background: torch.Tensor | None = None,  # [C]
) -> tuple[torch.Tensor, torch.Tensor | None, torch.Tensor | None]:
    """The papers' formulas (SoftRas eq. 1 to 5)."""
    distance_sq, inside, weights = locate(*pixels, corners[:, :, :2])
    over_depth = weights / corners[:, :, 2:]  # [F, 3, P]
    depth = 1 / over_depth.sum(1)
    u = torch.where(inside, distance_sq, -distance_sq) / s.sigma
    visible = (inside | (distance_sq < s.reach**2)) & (depth >= s.near) & (depth <= s.far)
    missed = torch.where(visible, F.logsigmoid(-u), 0).sum(0)  # log prod (1 - D_j)
    alpha = -torch.expm1(missed)
    if features is None or background is None:
        return alpha, None, None

    depth_norm = (s.far - depth) / (s.far - s.near)
    with torch.no_grad():
        m = torch.where(visible, depth_norm, s.background_depth_norm).amax(0).clamp_min(s.background_depth_norm)
    exponent = torch.where(visible, depth_norm - m, 0) / s.gamma
    weight = torch.where(visible, torch.sigmoid(u) * exponent.exp(), 0)  # w_j
    background_weight = ((s.background_depth_norm - m) / s.gamma).exp()
    total = weight.sum(0) + background_weight
    mixed_depth = ((weight * depth).sum(0) + background_weight * s.far) / total
    mixed = torch.einsum("fkp,fkc->pc", (weight * depth)[:, None] * over_depth, features)
    return alpha, (mixed + background_weight[:, None] * background) / total[:, None], mixed_depth


def locate(x: torch.Tensor, y: torch.Tensor, corners: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Squared distance to the outline [F, P], whether inside [F, P], weights of the closest point of the triangle [F, 3, P]."""
    edges = corners.roll(-1, 1) - corners  # of each corner to the next
    ex, ey = edges[:, :, 0, None], edges[:, :, 1, None]
    qx, qy = x - corners[:, :, 0, None], y - corners[:, :, 1, None]
    t = ((qx * ex + qy * ey) / (ex**2 + ey**2).clamp_min(TINY)).clamp(0, 1)
    to_edges = (qx - t * ex) ** 2 + (qy - t * ey) ** 2
    nearest = to_edges.argmin(1, keepdim=True)

    turns = ex * qy - ey * qx  # [F, 3, P] twice the areas of pixel and edge
    area2 = ex[:, 0] * ey[:, 1] - ey[:, 0] * ex[:, 1]  # [F, 1]
    has_area = area2.abs() > TINY
    inside = (turns * area2[:, None] > 0).all(1) & has_area
    bary = turns.roll(-1, 1) / torch.where(has_area, area2, 1)[:, None]
    on_edge = torch.arange(3, device=x.device)[:, None] == nearest
    of_edge = torch.where(on_edge, 1 - t, 0) + torch.where(on_edge, t, 0).roll(1, 1)
    return to_edges.gather(1, nearest)[:, 0], inside, torch.where(inside[:, None], bary, of_edge)
