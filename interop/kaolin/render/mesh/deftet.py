"""Kaolin's ``kaolin.render.mesh.deftet``: all faces that a pixel meets, one behind the other (Gao et al., Learning Deformable Tetrahedral Meshes, 2020)."""

from typing import Any

import torch

from .....checks import check_integer, check_number, check_shape
from ....checks import check_tensors
from .layout import Features

__all__ = ["deftet_sparse_render"]

PAIRS_AT_ONCE = 1 << 22  # of a pixel and a face in whose columns it lies


def deftet_sparse_render(
    pixel_coords: torch.Tensor,
    render_ranges: torch.Tensor,
    face_vertices_z: torch.Tensor,
    face_vertices_image: torch.Tensor,
    face_features: Features,
    knum: int = 300,
    eps: float = 1e-8,
) -> tuple[Any, torch.Tensor]:
    """(features [B, P, knum, D], face index [B, P, knum] int64): what each pixel meets, the nearest first; zeros and -1 behind the last.

    Args:
        pixel_coords: [B, P, 2] in the image, where ``face_vertices_image`` is.
        render_ranges: [B, P, 2], least and largest depth; a face counts from the least to just before the largest.
        face_vertices_z: [B, F, 3] depths: negative ahead, the larger is the nearer. Linear in the image.
        face_vertices_image: [B, F, 3, 2].
        face_features: [B, F, 3, D], or a list of such, for each of which features are returned.
        knum: at most so many faces count for a pixel: the first ones, by their number.
        eps: added to twice the area of a face, away from zero, before it divides.

    Gradient: to face_vertices_image and face_features. (Weights are differentiated as they are computed, ``eps`` included.)
    """
    op = "deftet_sparse_render"
    several = isinstance(face_features, (list, tuple))
    given: list[torch.Tensor] = list(face_features) if several else [face_features]  # type: ignore[list-item]
    if not given:
        raise ValueError(f"{op}: face_features must be at least one, got none")
    names = [f"face_features[{i}]" if several else "face_features" for i in range(len(given))]
    check_tensors(
        op,
        pixel_coords=pixel_coords,
        render_ranges=render_ranges,
        face_vertices_z=face_vertices_z,
        face_vertices_image=face_vertices_image,
        **dict(zip(names, given, strict=True)),
    )
    sizes: dict[str, int] = {}
    check_shape(op, "pixel_coords", pixel_coords.shape, ("B", "P", 2), sizes)
    check_shape(op, "render_ranges", render_ranges.shape, ("B", "P", 2), sizes)
    check_shape(op, "face_vertices_z", face_vertices_z.shape, ("B", "F", 3), sizes)
    check_shape(op, "face_vertices_image", face_vertices_image.shape, ("B", "F", 3, 2), sizes)
    for name, tensor in zip(names, given, strict=True):
        check_shape(op, name, tensor.shape, ("B", "F", 3, "D"), dict(sizes))
    if face_vertices_z.shape[1] == 0:
        raise ValueError(f"{op}: there must be at least one face, got face_vertices_z of shape {tuple(face_vertices_z.shape)}")
    check_integer(op, "knum", knum, 1, 1 << 20)
    check_number(op, "eps", eps, 0.0)
    features = torch.cat(given, -1)
    met = [
        _met(*one, knum, eps) for one in zip(pixel_coords.detach(), render_ranges.detach(), face_vertices_z.detach(), face_vertices_image.detach(), strict=True)
    ]
    face_index = torch.stack(met)  # [B, P, K]
    hit, images = face_index >= 0, torch.arange(len(face_index), device=face_index.device)[:, None, None]
    chosen = face_index.clamp(min=0)
    a, b = _weights(pixel_coords.detach()[:, :, None], face_vertices_image[images, chosen], eps)
    weights = torch.stack([a, b, 1 - a - b], -1)[..., None]
    seen = torch.where(hit[..., None], (weights * features[images, chosen]).sum(-2), 0.0)
    return (tuple(seen.split([tensor.shape[-1] for tensor in given], -1)) if several else seen), face_index


def _weights(points: torch.Tensor, corners: torch.Tensor, eps: float) -> tuple[torch.Tensor, torch.Tensor]:
    """Weights [...] of the first two corners [..., 3, 2] at points [..., 2]: areas opposite to them over the area of all."""
    to_a, to_b, to_c = (corners - points[..., None, :]).unbind(-2)
    areas = [x[..., 0] * y[..., 1] - x[..., 1] * y[..., 0] for x, y in ((to_b, to_c), (to_c, to_a), (to_a, to_b))]
    whole = areas[0] + areas[1] + areas[2]
    whole = whole + torch.where(whole < 0, -eps, eps)
    return areas[0] / whole, areas[1] / whole


def _met(points: torch.Tensor, ranges: torch.Tensor, z: torch.Tensor, corners: torch.Tensor, knum: int, eps: float) -> torch.Tensor:
    """[P, knum] faces of one image that points [P, 2] meet, in the order of their depths.

    Points are sorted by x: those between a face's left and right side are a run, and only these are looked at.
    """
    n_points, n_faces = len(points), len(z)
    found_points, found_faces, found_depths = [points.new_zeros(0, dtype=torch.int64)], [points.new_zeros(0, dtype=torch.int64)], [points.new_zeros(0)]
    if n_points and n_faces:
        x, order = points[:, 0].contiguous().sort()
        low, high = corners.amin(1), corners.amax(1)  # [F, 2]
        first, end = (torch.searchsorted(x, side[:, 0].contiguous()) for side in (low, high))  # low <= x < high
        counts = (end - first).clamp(min=0)
        total = counts.cumsum(0)
        begin = 0
        while begin < n_faces:
            before = int(total[begin - 1]) if begin else 0
            stop = max(int(torch.searchsorted(total, before + PAIRS_AT_ONCE, right=True)), begin + 1)
            faces = torch.arange(begin, stop, device=z.device).repeat_interleave(counts[begin:stop])
            place = torch.arange(len(faces), device=z.device) + before - (total - counts)[faces]
            at = order[first[faces] + place]
            y = points[at, 1]
            inside = (y >= low[faces, 1]) & (y < high[faces, 1])
            at, faces = at[inside], faces[inside]
            a, b = _weights(points[at], corners[faces], eps)
            c = 1 - a - b
            depth = a * z[faces, 0] + b * z[faces, 1] + c * z[faces, 2]
            hit = (a >= 0) & (b >= 0) & (c >= 0) & (depth >= ranges[at, 0]) & (depth < ranges[at, 1])
            found_points.append(at[hit])
            found_faces.append(faces[hit])
            found_depths.append(depth[hit])
            begin = stop
    at, faces, depth = torch.cat(found_points), torch.cat(found_faces), torch.cat(found_depths)
    at, by_point = at.sort(stable=True)  # the faces of a point stay in the order of their numbers
    rank = torch.arange(len(at), device=at.device) - torch.searchsorted(at, at)
    kept = rank < knum
    at, faces, depth, rank = at[kept], faces[by_point][kept], depth[by_point][kept], rank[kept]
    index = faces.new_full((n_points, knum), -1)
    behind = depth.new_full((n_points, knum), -torch.inf)
    index[at, rank], behind[at, rank] = faces, depth
    return index.gather(1, behind.argsort(dim=1, descending=True, stable=True))
