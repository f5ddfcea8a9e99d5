"""The renderer as it is written down: plain torch, every face against every pixel, gradients by autograd. The best place to begin reading.

It renders what `rasterize` renders, with every choice of `RasterizeSettings` and every texture, slowly and in few lines: no tiles, no lanes, no sums. The
tests compare the kernels with it, values and gradients. Tensors are [F faces, P pixels], with 3 corners k (or edges, from corner k to the next) between.
"""

import math
from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
import torch
from torch.utils.checkpoint import checkpoint

from ..checks import check_image_size
from ..engine import RenderedImage, UVTexture
from ..kernels.silhouette import HALF
from ..scene import Blending, Distance, Distribution, Extrapolation, Interpolation, Opacity, Order, RasterizeSettings, Sides, Silhouette, Topology
from .dense_surfaces import surface

__all__ = ["image_of", "locate", "pixel_centres", "rasterize"]

EYE = 1e-6  # a face with a vertex nearer than this is left out
TINY = 1e-18  # a squared length or twice an area below it counts as none
FLAT = 1e-7  # so does the area of a triangle that is so much longer than high
LEAST = 1e-16  # what a face leaves free of a pixel, at least
PAIRS_AT_ONCE = 1 << 20  # of a face and a pixel: about 300 MB

# F(u), the distribution (GenDR table 1), with shape p and shift b. Three have mirror images, 1 - F(-u).
F: dict[Distribution, Callable[..., torch.Tensor]] = {
    Distribution.HEAVISIDE: lambda u, p, b: (u > 0).to(u),
    Distribution.UNIFORM: lambda u, p, b: (u / 2 + 0.5).clamp(0, 1),
    Distribution.CUBIC_HERMITE: lambda u, p, b: (y := (u / 2 + 0.5).clamp(0, 1)) ** 2 * (3 - 2 * y),
    Distribution.WIGNER_SEMICIRCLE: lambda u, p, b: 0.5 + ((c := u.clamp(-1 + 1e-9, 1 - 1e-9)) * (1 - c**2).sqrt() + c.asin()) / math.pi,
    Distribution.GAUSSIAN: lambda u, p, b: torch.special.ndtr(u),
    Distribution.LAPLACE: lambda u, p, b: torch.where(u < 0, (-u.abs()).exp() / 2, 1 - (-u.abs()).exp() / 2),
    Distribution.LOGISTIC: lambda u, p, b: torch.sigmoid(u),
    Distribution.HYPERBOLIC_SECANT: lambda u, p, b: torch.atan(torch.tanh(u / 2)) * 2 / math.pi + 0.5,
    Distribution.CAUCHY: lambda u, p, b: torch.atan(u) / math.pi + 0.5,
    Distribution.RECIPROCAL: lambda u, p, b: u / (2 + 2 * u.abs()) + 0.5,
    Distribution.GUMBEL_MAX: lambda u, p, b: (-(-u).clamp_max(80).exp()).exp(),
    Distribution.GUMBEL_MIN: lambda u, p, b: -torch.expm1(-u.clamp_max(80).exp()),
    Distribution.EXPONENTIAL: lambda u, p, b: -torch.expm1(-(u + b).clamp_min(0)),
    Distribution.GAMMA: lambda u, p, b: torch.special.gammainc(torch.full_like(u, p), (u + b).clamp_min(1e-30)),
    Distribution.LEVY: lambda u, p, b: torch.erfc((0.5 / (u + b).clamp_min(1e-3)).sqrt()),
    Distribution.WINDOW: lambda u, p, b: torch.where(u > 0, power(u.clamp_max(1), p), 0),
}
MIRRORED = {getattr(Distribution, f"{name}_REV"): getattr(Distribution, name) for name in ("EXPONENTIAL", "GAMMA", "LEVY")}

# S(a, b), the T-conorm of two coverages (GenDR table 2), with parameter p; x = 1 - a and y = 1 - b are what they leave free.
S: dict[Silhouette, Callable[..., torch.Tensor]] = {
    Silhouette.MAX: lambda a, b, x, y, p: torch.maximum(a, b),
    Silhouette.EINSTEIN: lambda a, b, x, y, p: (a + b) / (1 + a * b),
    Silhouette.HAMACHER: lambda a, b, x, y, p: 1 - x * y / (p + (1 - p) * (x + y - x * y)),
    Silhouette.FRANK: lambda a, b, x, y, p: 1 - torch.log1p(torch.expm1(x * math.log(p)) * torch.expm1(y * math.log(p)) / (p - 1)) / math.log(p),
    Silhouette.YAGER: lambda a, b, x, y, p: root(power(a, p) + power(b, p), p).clamp_max(1),
    Silhouette.ACZEL_ALSINA: lambda a, b, x, y, p: 1 - (-root(power(-x.log(), p) + power(-y.log(), p), p)).exp(),
    Silhouette.DOMBI: lambda a, b, x, y, p: 1 - 1 / (1 + root(power(a / x, p) + power(b / y, p), p)),
    Silhouette.SCHWEIZER_SKLAR: lambda a, b, x, y, p: 1 - (x**p + y**p - 1) ** (1 / p),
}


def power(a: torch.Tensor, p: float | torch.Tensor) -> torch.Tensor:
    return a.clamp_min(1e-30) ** p  # 0 ** p may have no slope


def root(a: torch.Tensor, p: float) -> torch.Tensor:
    return power(a, 1 / p)


def rasterize(
    vertices_screen: torch.Tensor,
    topology: Topology,
    features: torch.Tensor | UVTexture | None = None,
    *,
    background: torch.Tensor | Sequence[float] | None = None,
    opacity: torch.Tensor | None = None,
    window: torch.Tensor | None = None,
    settings: RasterizeSettings | None = None,
    image_size: int | tuple[int, int] = 256,
) -> RenderedImage:
    """The same as :func:`taichi_softras.interop.rasterize`, in whose place it can be called. (It does not check its arguments.)"""
    s, (height, width) = settings or RasterizeSettings(), check_image_size("rasterize", image_size)
    pixels, images = pixel_centres(height, width, vertices_screen), []
    behind = vertices_screen.new_zeros(1) if background is None else torch.as_tensor(background).to(vertices_screen)
    for b in range(topology.n_images):
        mine = np.flatnonzero(topology.face_image == b)
        n_faces = len(mine)
        if not s.silhouette_beyond_depth_range:
            mine = mine[(vertices_screen[topology.faces[mine]][:, :, 2] > EYE).all(1).cpu().numpy()]
        corners = vertices_screen[topology.faces[mine]]
        shown = None if features is None else surface(features, topology, mine, b, corners, 2 / min(height, width), s)
        source = topology.face_source[mine, 0]
        of_corners = None if opacity is None else opacity[topology.feature_faces[mine] if s.opacity is Opacity.VERTEX else source[:, None].repeat(3, 1)]
        exponent = s.shape if window is None else window[source if len(window) > 1 else [0]]
        background_here = behind[b] if behind.ndim == 2 else behind
        draw = partial(
            image_of, corners=corners, shown=shown, background=background_here, n_faces=n_faces, s=s, opacity=of_corners, exponent=exponent
        )  # fmt: skip
        chunks = pixels.split(max(PAIRS_AT_ONCE // max(n_faces, 1), 1))  # where there are several, they are computed once more on the way back
        parts = [draw(chunks[0])] if len(chunks) == 1 else [checkpoint(draw, chunk, use_reentrant=False) for chunk in chunks]
        images.append([None if of_chunks[0] is None else torch.cat(of_chunks) for of_chunks in zip(*parts, strict=True)])
    return RenderedImage(*[None if parts[0] is None else torch.stack(parts).unflatten(1, (height, width)) for parts in zip(*images, strict=True)])


def pixel_centres(height: int, width: int, like: torch.Tensor) -> torch.Tensor:
    """[P, 2] x and y on the screen, whose shorter side spans [-1, 1]; row 0 is the top."""
    x = (2 * torch.arange(width).to(like) + 1 - width) / min(height, width)
    y = (height - 1 - 2 * torch.arange(height).to(like)) / min(height, width)
    return torch.stack([x.repeat(height), y.repeat_interleave(width)], -1)


def image_of(
    pixels: torch.Tensor,  # [P, 2]
    corners: torch.Tensor,  # [F, 3, 3] x, y on the screen; depth
    shown: Callable[[torch.Tensor, torch.Tensor], torch.Tensor] | None,  # weights of the corners, q -> features [F, P, C]
    background: torch.Tensor,  # [C]
    n_faces: int,
    s: RasterizeSettings,
    opacity: torch.Tensor | None = None,  # [F, 3, 1] at the corners
    exponent: float | torch.Tensor = 1.0,  # [F, 1] of the window
) -> tuple[torch.Tensor, torch.Tensor | None, torch.Tensor | None]:
    """alpha [P], features [P, C] and depth [P] (SoftRas eq. 1 to 5; composited: `composite`)."""
    distance_sq, inside, turn, weights = locate(pixels, corners[:, :, :2], s)
    z = torch.where(corners[:, :, 2:].abs() < 1e-8, 1e-8, corners[:, :, 2:])
    depth = (weights * z).sum(1) if s.interpolation is Interpolation.LINEAR else 1 / (weights / z).sum(1)
    in_range = (depth >= s.near) & (depth <= s.far)
    depth = torch.where(in_range, depth, s.far)

    distance = distance_sq if s.squared else distance_sq.clamp_min(TINY).sqrt()
    coverage = probability(torch.where(inside, distance, -distance) / s.sigma, s) if s.distance is not Distance.HARD else inside.to(z)  # D
    if s.distribution is Distribution.WINDOW:
        u = distance_sq.clamp_min(TINY).sqrt() / inradius(corners[:, :, :2])
        coverage = F[s.distribution](torch.where(inside, u, -1), exponent, 0)
    in_reach = inside | (coverage > s.cutoff)
    facing = (turn > 0 if s.sides is Sides.COUNTERCLOCKWISE else turn < 0) if s.sides is not Sides.BOTH else turn == turn
    counted = (in_reach if s.silhouette_beyond_depth_range else in_reach & in_range) & (facing if s.culling else True)
    colored = in_reach & in_range & facing & (coverage > 1e-17)
    q = depth[:, None] / z if s.interpolation is Interpolation.PERSPECTIVE else torch.ones_like(weights)  # linear in space, not on the screen
    if s.blending is Blending.COMPOSITE:
        values = torch.zeros(*depth.shape, 0) if shown is None else shown(weights * q, q)
        share = 1.0 if opacity is None else (weights * q * opacity).sum(1)
        if s.opacity is Opacity.CHANNEL:
            values, share = values[..., :-1], values[..., -1]
        nearest_first = z.amin((1, 2)).sort(stable=True).indices  # by the nearest of their corners: so they stand where they are as deep as each other
        order = nearest_first[:, None].expand(depth.shape)
        if s.order is Order.PIXEL:
            deepest_last = torch.where(colored, depth, torch.inf)[nearest_first].sort(dim=0, stable=True).indices
            order = nearest_first[deepest_last]
        alpha, color, depth = composite(torch.where(colored, coverage * share, 0), depth, values, order, background, s)
        return (alpha, None, None) if shown is None else (alpha, color, depth)
    alpha = fuse(torch.where(counted, coverage, 0), n_faces, s)
    if shown is None:
        return alpha, None, None

    if s.blending is Blending.HARD:
        first = torch.where(colored & inside, depth, torch.inf).argmin(0) if len(depth) else depth.sum(0)
        weight = (torch.arange(len(depth), device=first.device)[:, None] == first) & colored & inside
        weight, background_weight = weight.to(z), 1 - weight.sum(0).to(z)
    else:
        depth_norm = torch.where(colored, (s.far - depth) / (s.far - s.near), -torch.inf)
        behind = depth_norm.new_full((1, len(pixels)), s.background_depth_norm)
        most = torch.cat([depth_norm, behind]).amax(0).detach()
        weight = torch.where(colored, coverage * ((torch.where(colored, depth_norm, 0) - most).clamp_max(0) / s.gamma).exp(), 0)
        background_weight = ((behind[0] - most) / s.gamma).exp()
    total = weight.sum(0) + background_weight
    color = torch.einsum("fp,fpc->pc", weight, shown(weights * q, q)) + background_weight[:, None] * background
    return alpha, color / total[:, None], ((weight * depth).sum(0) + background_weight * s.far) / total


def composite(
    a: torch.Tensor, depth: torch.Tensor, values: torch.Tensor, order: torch.Tensor, background: torch.Tensor, s: RasterizeSettings
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:  # fmt: skip
    """alpha [P], features [P, C] and depth [P] of layers that cover a [F, P] (Triangle Splatting eq. 3, arXiv 2505.19175), in the given order [F, P]."""
    a, depth, values = a.gather(0, order), depth.gather(0, order), values.gather(0, order[..., None].expand(values.shape))
    after = (1 - a).cumprod(0)  # the light that is left behind each layer
    before = torch.cat([torch.ones_like(after[:1]), after[:-1]])
    weight = torch.where(before > s.transmittance_cutoff, before * a, 0)
    left = 1 - weight.sum(0)
    return 1 - left, torch.einsum("fp,fpc->pc", weight, values) + left[:, None] * background, (weight * depth).sum(0) + left * s.far


def inradius(triangles: torch.Tensor) -> torch.Tensor:
    """[F, 1] of the inscribed circles of triangles [F, 3, 2]: twice the area over the circumference."""
    edges = triangles.roll(-1, 1) - triangles
    area = edges[:, 0, 0] * edges[:, 1, 1] - edges[:, 0, 1] * edges[:, 1, 0]
    return (area.abs() / edges.square().sum(-1).clamp_min(TINY).sqrt().sum(1)).clamp_min(TINY)[:, None]


def probability(u: torch.Tensor, s: RasterizeSettings) -> torch.Tensor:
    """D = F(u)."""
    mirrored = MIRRORED.get(s.distribution)
    return F[s.distribution](u, s.shape, s.shift) if mirrored is None else 1 - F[mirrored](-u, s.shape, s.shift)


def fuse(coverage: torch.Tensor, n_faces: int, s: RasterizeSettings) -> torch.Tensor:
    """alpha [P]: the coverages [F, P] folded by the T-conorm, face by face."""
    if s.silhouette is Silhouette.PROBABILISTIC:
        return 1 - (1 - coverage).prod(0)
    if s.silhouette is Silhouette.SUM:
        return coverage.sum(0) / n_faces
    if s.silhouette is Silhouette.HARD:
        return (coverage >= HALF).any(0).to(coverage)
    p, alpha = s.silhouette.value.parameter if s.conorm is None else s.conorm, torch.zeros_like(coverage[:1].sum(0))
    for of_face in coverage:
        alpha = S[s.silhouette](alpha, of_face, (1 - alpha).clamp_min(LEAST), (1 - of_face).clamp_min(LEAST), p)
    return alpha


def locate(pixels: torch.Tensor, triangles: torch.Tensor, s: RasterizeSettings) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    """Squared distance to the outline [F, P], whether inside [F, P], which way round [F, 1] (0 without area), and the corners' weights [F, 3, P]."""
    (x, y), (ax, ay) = pixels.T, triangles[..., None].unbind(2)  # [P], [F, 3, 1]
    ex, ey, qx, qy = ax.roll(-1, 1) - ax, ay.roll(-1, 1) - ay, x - ax, y - ay  # edges, and corners to pixels
    area = ex[:, 0] * ey[:, 1] - ey[:, 0] * ex[:, 1]  # [F, 1] twice the triangle's
    longest = (ex**2 + ey**2)[:, ::2].amax(1)
    turn = torch.where(area.abs() > (FLAT * longest).clamp_min(TINY), area.sign(), 0)
    t = ((qx * ex + qy * ey) / (ex**2 + ey**2).clamp_min(TINY)).clamp(0, 1)  # the closest point of the edge
    to_edges = (qx - t * ex) ** 2 + (qy - t * ey) ** 2
    order = torch.arange(3, device=pixels.device)[:, None]
    # Without area a triangle is its longest edge, the last of those that are as long.
    only = 2 - torch.maximum(ex.abs(), ey.abs()).flip(1).argmax(1, keepdim=True)
    to_edges = torch.where((turn[:, None] != 0) | (order == only), to_edges, torch.inf)
    nearest = order == to_edges.argmin(1, keepdim=True)
    closest = torch.where(nearest, 1 - t, 0) + torch.where(nearest, t, 0).roll(1, 1)

    cross = ex * qy - ey * qx  # twice the area of edge and pixel
    bary = cross.roll(-1, 1) / torch.where(turn != 0, area, 1)[:, None]
    inside = (bary > 0).all(1) & (turn != 0)
    distance_sq = to_edges.amin(1)
    if s.distance is Distance.CHEBYSHEV:
        distance_sq = chebyshev(qx, qy, ex, ey).amin(1) ** 2
    if s.distance is Distance.BARYCENTRIC:
        in_box = (triangles.amin(1)[:, None] - s.reach <= pixels) & (pixels <= triangles.amax(1)[:, None] + s.reach)
        distance_sq = torch.where((turn != 0) & in_box.all(-1), bary.amin(1) ** 2, 1e6)
    clipped = bary.clamp(0, 1) / bary.clamp(0, 1).sum(1, keepdim=True).clamp_min(0.5)
    outside = torch.where(turn[:, None] != 0, clipped, closest) if s.extrapolation is Extrapolation.CLIPPED else closest
    return distance_sq, inside, turn, torch.where(inside[:, None], bary, outside)


def chebyshev(qx: torch.Tensor, qy: torch.Tensor, ex: torch.Tensor, ey: torch.Tensor) -> torch.Tensor:
    """min over t in [0, 1] of max(|x|, |y|) of q - t e [F, 3, P]: it is at an end, or where both are equal."""
    equal = [(qx - sign * qy) / torch.where((ex - sign * ey).abs() < 1e-9, 1e-9, ex - sign * ey) for sign in (1, -1)]
    places = [torch.zeros_like(qx), torch.ones_like(qx), *(t.clamp(0, 1) for t in equal)]
    return torch.stack([torch.maximum((qx - t * ex).abs(), (qy - t * ey).abs()) for t in places]).amin(0)
