"""What faces show in the dense renderer (`dense.py`): features of vertices, texels per face, pictures. Plain torch."""

from collections.abc import Callable

import numpy as np
import torch

from ..engine import Filter, UVTexture, Wrap
from ..scene import RasterizeSettings, Texture, Topology

__all__ = ["surface"]

Shown = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]


def surface(
    features: torch.Tensor | UVTexture, topology: Topology, mine: np.ndarray, image: int, corners: torch.Tensor, pixel: float, s: RasterizeSettings
) -> Shown:
    """What some faces of an image show.

    Args:
        mine: their numbers.
        corners: [F, 3, 3] on the screen.
        pixel: how wide a pixel is there.

    Returns:
        A function to features [F, P, C], of the corners' weights [F, 3, P] and of q, which made these of the weights on the screen.
    """
    source = topology.face_source[mine, 0]
    if isinstance(features, UVTexture):
        given = features.picture
        pictures = given if isinstance(given, (list, tuple)) else given.reshape(-1, *given.shape[-3:])
        uvs = features.uvs[topology.feature_faces[mine] if features.face_uvs is None else features.face_uvs[source]]  # [F, 3, 2]
        picture, how = pictures[image % len(pictures)], features.settings
        if how.filter is Filter.MIPMAPPED:
            return lambda weights, q: trilinear(picture, texture_coordinates(weights, uvs), level_of_detail(weights, q, uvs, corners, pixel, picture), how.wrap)
        look_up = nearest if how.filter is Filter.NEAREST else bilinear
        return lambda weights, q: look_up(picture, texture_coordinates(weights, uvs), how.wrap)
    if s.texture is Texture.FACE:
        size = round((len(features) / topology.n_source_faces) ** 0.5)
        texels = features.unflatten(0, (-1, size * size))[source]  # [F, R * R, C]
        return lambda weights, q: texels.take_along_dim(texel_of(weights, size)[..., None], 1)
    of_corners = features[topology.feature_faces[mine]]  # [F, 3, C]
    return lambda weights, q: torch.einsum("fkp,fkc->fpc", weights, of_corners)


def texel_of(weights: torch.Tensor, size: int) -> torch.Tensor:
    """[F, P] which of a face's R x R texels (SoftRas): small upright triangles below the square's diagonal, the upturned ones between them above it."""
    a, b = weights[:, 0] * size, weights[:, 1] * size
    column, line = a.long().clamp_max(size - 1), b.long().clamp_max(size - 1)
    upright = a + b - column - line <= 1 + 1e-5
    return torch.where(upright, line * size + column, (size - 1 - line) * size + size - 1 - column)


def texture_coordinates(weights: torch.Tensor, uvs: torch.Tensor) -> torch.Tensor:
    """(u, v) [F, P, 2]."""
    return torch.einsum("fkp,fkd->fpd", weights, uvs)


def texel(picture: torch.Tensor, row: torch.Tensor, column: torch.Tensor, wrap: Wrap) -> torch.Tensor:
    """The texel at any row and column, the picture [H, W, C] going on beyond its borders."""

    def within(i: torch.Tensor, n: int) -> torch.Tensor:
        if wrap is Wrap.CLAMP:
            return i.clamp(0, n - 1)
        return i % n if wrap is Wrap.REPEAT else torch.minimum(i % (2 * n), 2 * n - 1 - i % (2 * n))

    return picture[within(row.long(), picture.shape[0]), within(column.long(), picture.shape[1])]


def nearest(picture: torch.Tensor, uv: torch.Tensor, wrap: Wrap) -> torch.Tensor:
    height, width, _ = picture.shape
    return texel(picture, height - 1 - (uv[..., 1] * height).floor(), (uv[..., 0] * width).floor(), wrap)


def bilinear(picture: torch.Tensor, uv: torch.Tensor, wrap: Wrap) -> torch.Tensor:
    height, width, _ = picture.shape
    x, y = uv[..., 0] * width - 0.5, (1 - uv[..., 1]) * height - 0.5
    left, above = x.detach().floor(), y.detach().floor()
    right, below = (x - left)[..., None], (y - above)[..., None]
    upper = (1 - right) * texel(picture, above, left, wrap) + right * texel(picture, above, left + 1, wrap)
    lower = (1 - right) * texel(picture, above + 1, left, wrap) + right * texel(picture, above + 1, left + 1, wrap)
    return (1 - below) * upper + below * lower


def trilinear(picture: torch.Tensor, uv: torch.Tensor, lod: torch.Tensor, wrap: Wrap) -> torch.Tensor:
    """Bilinear in the two mip levels around the level of detail, and linear between them."""
    levels = [picture]
    while levels[-1].shape[:2] != (1, 1):
        levels.append(halved(levels[-1]))
    within = lod.clamp(0, len(levels) - 1)
    colors = [bilinear(level, uv, wrap) * (1 - (within - i).abs()).clamp_min(0)[..., None] for i, level in enumerate(levels)]
    return torch.stack(colors).sum(0)


def halved(picture: torch.Tensor) -> torch.Tensor:
    """The next mip level: each texel is the mean of what it covers, of an odd side some texels in part."""

    def coverage(n: int) -> torch.Tensor:
        m = max(1, n // 2)
        first, at = torch.arange(m).to(picture)[:, None] * n / m, torch.arange(n).to(picture)
        return (torch.minimum(first + n / m, at + 1) - torch.maximum(first, at)).clamp_min(0) * m / n

    return torch.einsum("ir,jc,rcd->ijd", coverage(picture.shape[0]), coverage(picture.shape[1]), picture)


def level_of_detail(weights: torch.Tensor, q: torch.Tensor, uvs: torch.Tensor, corners: torch.Tensor, pixel: float, picture: torch.Tensor) -> torch.Tensor:
    """log2 of how many texels a pixel spans, the longer of its two sides in the picture [F, P] (OpenGL 4.6, section 8.14.1).

    With barycentric coordinates l on the screen, u = sum l_k q_k u_k and sum l_k q_k = 1, so that du/dx = sum dl_k/dx q_k (u_k - u).
    """
    a, b, c = corners[:, :, :2].unbind(1)
    area = (b - a)[:, 0] * (c - a)[:, 1] - (b - a)[:, 1] * (c - a)[:, 0]
    opposite = torch.stack([c - b, a - c, b - a], 1)  # the edge that l_k is zero on
    slope = torch.stack([-opposite[..., 1], opposite[..., 0]], -1) / area[:, None, None]  # [F, 3, 2] dl_k/dx, dl_k/dy
    texels = torch.tensor([picture.shape[1], picture.shape[0]]).to(uvs)
    away = (uvs[:, :, None] - texture_coordinates(weights, uvs)[:, None]) * texels  # [F, 3, P, 2]
    spans = torch.einsum("fkd,fkp,fkpc->fpdc", slope * pixel, q, away)
    return spans.square().sum(-1).amax(-1).clamp_min(1e-30).log2() / 2
