"""Kaolin's ``kaolin.metrics.render``: how far two masks agree."""

import torch

from ....checks import check_shape
from ...checks import check_tensors

__all__ = ["mask_iou"]

TINY_AREA = 1e-10  # added to the area of the union before it divides, as Kaolin does


def mask_iou(lhs_mask: torch.Tensor, rhs_mask: torch.Tensor) -> torch.Tensor:
    """1 - the mean over the batch of intersection / union of two masks [B, H, W] in [0, 1]: a loss, 0 where they agree. (One may be integers, or booleans.)"""
    op = "mask_iou"
    masks = []
    for name, mask in (("lhs_mask", lhs_mask), ("rhs_mask", rhs_mask)):
        if not isinstance(mask, torch.Tensor):
            raise TypeError(f"{op}: {name} must be a torch.Tensor, got {type(mask).__name__}")
        if mask.is_complex():
            raise TypeError(f"{op}: {name} must be real numbers, got {mask.dtype}")
        masks.append(mask)
    common = torch.promote_types(lhs_mask.dtype, rhs_mask.dtype)
    lhs, rhs = (mask.to(common if common.is_floating_point else torch.get_default_dtype()) for mask in masks)
    check_tensors(op, lhs_mask=lhs, rhs_mask=rhs)
    sizes: dict[str, int] = {}
    check_shape(op, "lhs_mask", lhs.shape, ("B", "H", "W"), sizes)
    check_shape(op, "rhs_mask", rhs.shape, ("B", "H", "W"), sizes)
    both = (lhs * rhs).sum((1, 2))
    return 1 - (both / ((lhs + rhs).sum((1, 2)) - both + TINY_AREA)).mean()
