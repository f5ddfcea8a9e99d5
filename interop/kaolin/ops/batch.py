"""Kaolin's ``kaolin.ops.batch``, as far as it packs: tensors of several sizes one after the other. (Padding is left to ``torch.nn.utils.rnn``.)

Each tensor is [..., C]; its shape without C is a row of ``shape_per_tensor`` [N, D]. Packed, what they hold stands in rows [M, C].
"""

from itertools import pairwise
from typing import Any

import torch

from ...checks import check_index_tensor

__all__ = ["get_first_idx", "get_shape_per_tensor", "list_to_packed", "packed_to_list", "tile_to_packed"]

LARGEST = 2**31 - 1


def check_numbers(op: str, name: str, numbers: Any) -> list[int]:
    """[N] how many of something each tensor has."""
    check_index_tensor(op, name, numbers, ("N",), "numbers", LARGEST)
    return numbers.tolist()


def _check_list(op: str, tensor_list: Any) -> None:
    """Tensors that have as many dimensions, and as many channels in the last of them; at least one."""
    if not isinstance(tensor_list, (list, tuple)) or not tensor_list:
        raise TypeError(f"{op}: tensor_list must be a list of at least one tensor, got {type(tensor_list).__name__} {tensor_list!r}")
    first = tensor_list[0]
    for tensor in tensor_list:
        if not isinstance(tensor, torch.Tensor):
            raise TypeError(f"{op}: tensor_list must be of tensors, got {type(tensor).__name__}")
        if tensor.ndim == 0 or tensor.ndim != first.ndim or tensor.shape[-1] != first.shape[-1]:
            raise ValueError(f"{op}: tensor_list must be of tensors with {first.ndim} dimensions and as many channels each, got {tuple(tensor.shape)}")
        if (tensor.dtype, tensor.device) != (first.dtype, first.device):
            kinds = f"{first.dtype} on {first.device}", f"{tensor.dtype} on {tensor.device}"
            raise ValueError(f"{op}: tensor_list must be of tensors of one type and device, got {kinds[0]} and {kinds[1]}")


def get_shape_per_tensor(tensor_list: Any) -> torch.Tensor:
    """[N, D] int64: the shapes of N tensors without their last dimension."""
    _check_list("get_shape_per_tensor", tensor_list)
    return torch.tensor([tensor.shape[:-1] for tensor in tensor_list], dtype=torch.int64)


def list_to_packed(tensor_list: Any) -> tuple[torch.Tensor, torch.Tensor]:
    """[M, C] what N tensors [..., C] hold, one after the other, and their shapes [N, D].

    Gradient: to the tensors.
    """
    _check_list("list_to_packed", tensor_list)
    return torch.cat([tensor.reshape(-1, tensor.shape[-1]) for tensor in tensor_list]), get_shape_per_tensor(tensor_list)


def get_first_idx(numel_per_tensor: torch.Tensor) -> torch.Tensor:
    """[N + 1] int64: where each of N tensors with so many rows [N] begins, and how many rows there are."""
    check_numbers("get_first_idx", "numel_per_tensor", numel_per_tensor)
    return torch.cat([numel_per_tensor.new_zeros(1, dtype=torch.int64), numel_per_tensor.cumsum(0)])


def tile_to_packed(values: torch.Tensor, numel_per_tensor: torch.Tensor) -> torch.Tensor:
    """[M, 1]: each of the values [N] as many times as its tensor has rows, ``numel_per_tensor`` [N].

    Gradient: to values.
    """
    op = "tile_to_packed"
    numbers = check_numbers(op, "numel_per_tensor", numel_per_tensor)
    if not isinstance(values, torch.Tensor):
        raise TypeError(f"{op}: values must be a torch.Tensor, got {type(values).__name__}")
    if values.shape != (len(numbers),):
        raise ValueError(f"{op}: values must have shape (N) with N = {len(numbers)}, got {tuple(values.shape)}")
    return values.repeat_interleave(numel_per_tensor.long().to(values.device))[:, None]


def packed_to_list(packed_tensor: torch.Tensor, shape_per_tensor: torch.Tensor, first_idx: torch.Tensor) -> list[torch.Tensor]:
    """N tensors [..., C], views of the rows [M, C].

    Args:
        packed_tensor: [M, C].
        shape_per_tensor: [N, D] their shapes without C.
        first_idx: [N + 1] where each begins, and M.
    """
    op = "packed_to_list"
    if not isinstance(packed_tensor, torch.Tensor):
        raise TypeError(f"{op}: packed_tensor must be a torch.Tensor, got {type(packed_tensor).__name__}")
    if packed_tensor.ndim != 2:
        raise ValueError(f"{op}: packed_tensor must have shape (M, C), got {tuple(packed_tensor.shape)}")
    check_index_tensor(op, "shape_per_tensor", shape_per_tensor, ("N", "D"), "sizes", LARGEST)
    check_index_tensor(op, "first_idx", first_idx, (len(shape_per_tensor) + 1,), "rows", len(packed_tensor) + 1)
    firsts = first_idx.tolist()
    numbers = [end - begin for begin, end in pairwise(firsts)]
    if numbers != shape_per_tensor.prod(1).tolist():
        raise ValueError(f"{op}: first_idx must go on by the sizes in shape_per_tensor, {shape_per_tensor.prod(1).tolist()}, got {numbers}")
    shapes = zip(firsts, numbers, shape_per_tensor.tolist(), strict=False)
    return [packed_tensor[begin : begin + number].reshape(*shape, packed_tensor.shape[1]) for begin, number, shape in shapes]
