"""What of pictures stands at vertices."""

from typing import Any

import torch
import torch.nn.functional as F

from ....checks import check_flag, check_one_of, check_shape
from ...checks import check_tensors

__all__ = ["vert_align"]


def vert_align(
    feats: torch.Tensor | list[torch.Tensor],
    verts: Any,
    return_packed: bool = False,
    interp_mode: str = "bilinear",
    padding_mode: str = "zeros",
    align_corners: bool = True,
) -> torch.Tensor:
    """Features of pictures at the x, y of vertices: -1, -1 is the upper left corner, 1, 1 the lower right one (Wang et al., "Pixel2Mesh", ECCV 2018).

    Args:
        feats: [N, C, H, W], or a list of such, which may differ in all but N.
        verts: [N, V, 3], or `Meshes` or `Pointclouds`.
        return_packed: whether the rows are wanted one after the other, without the padding.
        interp_mode: "bilinear" or "nearest".
        padding_mode: of what lies outside: "zeros", "border" or "reflection".
        align_corners: whether the corners are the middles of the outermost pixels; else their outer corners.

    Returns:
        [N, V, sum of C], or [sum of V_n, sum of C].

    Gradient: to feats and verts.
    """
    op, sizes = "vert_align", dict[str, int]()
    check_flag(op, "return_packed", return_packed)
    check_one_of(op, "interp_mode", interp_mode, ("bilinear", "nearest"))
    check_one_of(op, "padding_mode", padding_mode, ("zeros", "border", "reflection"))
    check_flag(op, "align_corners", align_corners)
    of_batch = next((getattr(verts, f"{name}_padded")() for name in ("verts", "points") if hasattr(verts, f"{name}_padded")), verts)
    check_tensors(op, verts=of_batch)
    check_shape(op, "verts", of_batch.shape, ("N", "V", 3), sizes)
    pictures = [feats] if isinstance(feats, torch.Tensor) else feats
    if not isinstance(pictures, (list, tuple)) or not pictures:
        raise TypeError(f"{op}: feats must be a tensor or a list of tensors, got {type(feats).__name__}")
    for picture in pictures:
        check_tensors(op, verts=of_batch, feats=picture)
        check_shape(op, "feats", picture.shape, ("N", "C", "H", "W"), {"N": sizes["N"]})
    grid = of_batch[:, None, :, :2]
    sampled = [F.grid_sample(picture, grid, mode=interp_mode, padding_mode=padding_mode, align_corners=align_corners)[:, :, 0] for picture in pictures]
    rows = torch.cat(sampled, 1).transpose(1, 2)
    if not return_packed:
        return rows
    if of_batch is verts:
        return rows.flatten(0, 1)
    numbers = verts.num_verts_per_mesh() if hasattr(verts, "num_verts_per_mesh") else verts.num_points_per_cloud()
    return torch.cat([row[:number] for row, number in zip(rows, numbers.tolist(), strict=True)])
