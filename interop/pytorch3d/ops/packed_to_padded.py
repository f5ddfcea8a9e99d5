"""Rows of several things one after the other, and each thing's by themselves with padding."""

import torch

from ....checks import check_integer
from ...checks import check_tensors
from ..batches import parts

__all__ = ["packed_to_padded", "padded_to_packed"]


def packed_to_padded(inputs: torch.Tensor, first_idxs: torch.Tensor, max_size: int) -> torch.Tensor:
    """[N, max_size, ...], padded with zeros.

    Args:
        inputs: [F, ...], the rows of N things one after the other.
        first_idxs: [N] where those of each thing begin.
        max_size: at least the largest number of rows of a thing.

    Gradient: to inputs.
    """
    op = "packed_to_padded"
    check_tensors(op, inputs=inputs)
    if not inputs.ndim:
        raise ValueError(f"{op}: inputs must have shape (F, ...), got ()")
    check_integer(op, "max_size", max_size, 0, 2**31)
    rows, places = _places(op, "max_size", first_idxs, len(inputs), max_size)
    padded = inputs.new_zeros(len(first_idxs) * max_size, *inputs.shape[1:])
    return padded.index_copy(0, places, inputs.index_select(0, rows)).reshape(len(first_idxs), max_size, *inputs.shape[1:])


def padded_to_packed(inputs: torch.Tensor, first_idxs: torch.Tensor, num_inputs: int, max_size_dim: int = 1) -> torch.Tensor:
    """[F, ...], the rows of N things one after the other, without the padding.

    Args:
        inputs: [N, ..., max_size, ...].
        first_idxs: [N] where those of each thing begin in the result.
        num_inputs: how many rows there are, F.
        max_size_dim: which axis the rows are along, not the first.

    Gradient: to inputs.
    """
    op = "padded_to_packed"
    check_tensors(op, inputs=inputs)
    if inputs.ndim < 2:
        raise ValueError(f"{op}: inputs must have shape (N, ..., max_size, ...), got {tuple(inputs.shape)}")
    check_integer(op, "num_inputs", num_inputs, 0, 2**31)
    check_integer(op, "max_size_dim", max_size_dim, -inputs.ndim + 1, inputs.ndim - 1)
    inputs = inputs.movedim(max_size_dim, 1)
    rows, places = _places(op, "inputs", first_idxs, num_inputs, inputs.shape[1])
    if len(first_idxs) != len(inputs):
        raise ValueError(f"{op}: first_idxs must have shape (N) with N = {len(inputs)}, got {tuple(first_idxs.shape)}")
    packed = inputs.new_zeros(num_inputs, *inputs.shape[2:])
    return packed.index_copy(0, rows, inputs.flatten(0, 1).index_select(0, places))


def _places(op: str, name: str, first_idxs: torch.Tensor, n: int, max_size: int) -> tuple[torch.Tensor, torch.Tensor]:
    """The packed rows, and where they stand among the padded ones."""
    sizes = torch.tensor([size for _, size in parts(op, first_idxs, n)], dtype=torch.int64, device=first_idxs.device)
    if len(sizes) and int(sizes.max()) > max_size:
        raise ValueError(f"{op}: {name} must have room for {int(sizes.max())} rows, got {max_size}")
    rows = torch.arange(n - int(sizes.sum()), n, device=first_idxs.device)
    thing = torch.arange(len(sizes), device=first_idxs.device).repeat_interleave(sizes)
    return rows, thing * max_size + rows - first_idxs.long()[thing]
