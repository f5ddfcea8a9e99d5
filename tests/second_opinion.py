"""The kernels against the plain torch of `interop/dense.py`: values, and the gradient of random mixtures of all pixels, in float64."""

from collections.abc import Callable

import torch
from scenes import relative_error

from taichi_softras.interop import dense, rasterize

__all__ = ["agree"]


def agree(function: Callable[..., torch.Tensor], *inputs: object, tolerance: float = 1e-9) -> None:
    """``function(rasterize, *inputs)`` must be the same with either `rasterize`, and so must its gradient to all inputs; both relative, in norm."""
    results = []
    for draw in (rasterize, dense.rasterize):
        leaves = [torch.as_tensor(values).detach().clone().requires_grad_() for values in inputs]
        outcome = function(draw, *leaves)
        generator = torch.Generator().manual_seed(1)
        if outcome.requires_grad:  # hard choices have no gradient at all
            (outcome * torch.randn(outcome.shape, dtype=outcome.dtype, generator=generator)).sum().backward()
        results.append([outcome.detach(), *(torch.zeros_like(leaf) if leaf.grad is None else leaf.grad for leaf in leaves)])
    for place, (ours, its) in enumerate(zip(*results, strict=True)):
        name = "value" if place == 0 else f"gradient to input {place}"
        if its.abs().max() == 0:
            assert ours.abs().max() < 1e-12, name
        else:
            assert relative_error(ours.numpy(), its.numpy()) < tolerance, name
