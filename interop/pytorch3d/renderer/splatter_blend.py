"""Blending by splats: Cole et al., Differentiable Surface Rendering via Non-Differentiable Sampling (ICCV 2021), section 3, as PyTorch3D has it."""

import itertools
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from ....checks import check_shape
from ...checks import check_tensors
from .blending import BlendParams, background_of, check_blend_params

__all__ = ["SplatterBlender"]

MORE_WEIGHT = 0.05  # than one in all, so that gradients go through the normalisation of pixels within a surface, too (section 3.3.1)


class SplatterBlender(nn.Module):
    """Each fragment is a splat of 3 x 3 pixels, whose place has a gradient although the choice of the fragment has none.

    Args:
        input_shape: (N, H, W, K) of the pictures.
        device: where they will be; nothing is kept there.
    """

    def __init__(self, input_shape: tuple[int, int, int, int], device: Any = "cpu") -> None:
        super().__init__()
        check_shape("SplatterBlender", "input_shape", (len(input_shape),), (4,))
        self.input_shape = tuple(input_shape)

    def forward(
        self, colors: torch.Tensor, pixel_coords_cameras: torch.Tensor, cameras: Any, background_mask: torch.Tensor, blend_params: BlendParams
    ) -> torch.Tensor:  # fmt: skip
        """[N, H, W, 4]; alpha is nought where nothing is seen.

        Args:
            colors: [N, H, W, K, 3] of the fragments.
            pixel_coords_cameras: [N, H, W, K, 3] where they are in the world, interpolated from the vertices: gradients go this way.
            cameras: what projects these points.
            background_mask: [N, H, W, K] where there is no fragment.
            blend_params: sigma (pixels), the standard deviation of a splat, and the background.
        """
        op, sizes = "SplatterBlender", dict(zip("NHWK", self.input_shape, strict=True))
        check_tensors(op, colors=colors, pixel_coords_cameras=pixel_coords_cameras)
        for name, tensor in (("colors", colors), ("pixel_coords_cameras", pixel_coords_cameras)):
            check_shape(op, name, tensor.shape, ("N", "H", "W", "K", 3), sizes)
        if not hasattr(cameras, "transform_points_screen"):
            raise TypeError(f"{op}: cameras must be PyTorch3D's kind of cameras, got {type(cameras).__name__}")
        if not isinstance(background_mask, torch.Tensor) or background_mask.dtype is not torch.bool:
            raise TypeError(f"{op}: background_mask must be a tensor of yes and no, got {getattr(background_mask, 'dtype', type(background_mask).__name__)}")
        check_shape(op, "background_mask", background_mask.shape, ("N", "H", "W", "K"), sizes)
        n_images, height, width, _ = self.input_shape
        check_blend_params(op, blend_params, colors, (n_images, height, width, 3))
        # Left and up, as in NDC: the gradient of a splat's place points the right way where only squares of its coordinates count.
        screen = cameras.transform_points_screen(pixel_coords_cameras.reshape(n_images, -1, 3), image_size=(height, width), with_xyflip=False)
        screen = torch.where(background_mask[..., None], 1.0, screen.reshape(pixel_coords_cameras.shape))
        seen = (~background_mask).to(colors)[..., None]
        layers = _surfaces(screen[..., 2].detach(), _splats(screen[..., :2], torch.cat([colors * seen, seen], -1), float(blend_params.sigma)))
        background = background_of(blend_params, colors, (n_images, height, width)).expand(n_images * height * width, 3).reshape(n_images, height, width, 3)
        image = F.pad(background, (0, 1))
        for layer in layers:  # from the farthest to the nearest, one over the other
            normalized = layer[..., :4] / layer[..., 4:].clamp(min=1)
            image = normalized + (1 - normalized[..., 3:]) * image
        return image


def _splats(places: torch.Tensor, rgba: torch.Tensor, sigma: float) -> list[torch.Tensor]:
    """What each pixel receives of its neighbours [N, H, W, K, 5]: colour, alpha and weight; nine, for offsets of x -1, 0, 1, and within each of y -1, 0, 1."""
    offsets = places.new_tensor(list(itertools.product((-1, 0, 1), repeat=2)))
    norm = (1 + MORE_WEIGHT) / torch.exp(-offsets.square().sum(1) / (2 * sigma**2)).sum()
    from_middle = places.floor() - places + 0.5
    received = []
    for offset in offsets:
        weight = rgba[..., 3:] * norm * torch.exp(-(from_middle + offset).square().sum(-1, keepdim=True) / (2 * sigma**2))
        x, y = int(offset[0]), int(offset[1])
        received.append(_moved(torch.cat([weight * rgba, weight], -1), x, y))
    return received


def _moved(values: torch.Tensor, x: int, y: int) -> torch.Tensor:
    """[N, H, W, ...] of the pixel y lines below and x columns to the right; nought beyond the picture."""
    height, width = values.shape[1:3]
    padded = F.pad(values, [0, 0] * (values.ndim - 3) + [1, 1, 1, 1])
    return padded[:, 1 + y : 1 + y + height, 1 + x : 1 + x + width]


def _surfaces(depth: torch.Tensor, splats: list[torch.Tensor]) -> list[torch.Tensor]:
    """The splats [N, H, W, K, 5] summed up: those behind the pixel's surface, on it, and before it [N, H, W, 5] each.

    Which of a neighbour's K fragments are on the pixel's own surface is told by their depth [N, H, W, K] (figure 4). The depth is that of the neighbour across
    the diagonal, as in PyTorch3D, whose offsets have the line first where it looks depths up, and the column where it moves splats.
    """
    layers = [torch.zeros_like(splats[0][..., 0, :]) for _ in range(3)]
    slots = torch.arange(depth.shape[-1], device=depth.device)
    for (y, x), splat in zip(itertools.product((-1, 0, 1), repeat=2), splats, strict=True):
        of_neighbor = _moved(depth, x, y)
        to_own, nth_of_neighbor = (of_neighbor - depth[..., :1]).abs().min(-1)  # which of the neighbour's fragments continues our first one
        to_neighbor, nth_of_own = (of_neighbor[..., :1] - depth).abs().min(-1)  # which of ours continues the neighbour's first one
        surface = torch.where(to_neighbor < to_own, -nth_of_own, nth_of_neighbor)[..., None]
        for i, part in enumerate((surface < slots, surface == slots, surface > slots)):
            layers[i] = layers[i] + (splat * part[..., None]).sum(-2)
    return layers
