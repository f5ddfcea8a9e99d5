"""Tensors of several sizes as a list, padded to one size, or packed one after the other."""

from collections.abc import Sequence
from typing import Any

import torch

__all__ = ["list_to_packed", "list_to_padded", "packed_to_list", "padded_to_list", "padded_to_packed"]


def _check_list(op: str, x: Any) -> list[torch.Tensor]:
    """Tensors, at least one."""
    if not isinstance(x, (list, tuple)):
        raise TypeError(f"{op}: x must be a list of tensors, got {type(x).__name__}")
    if not x:
        raise ValueError(f"{op}: x must hold at least one tensor, got none")
    for tensor in x:
        if not isinstance(tensor, torch.Tensor):
            raise ValueError(f"{op}: x must hold nothing but tensors, got {type(tensor).__name__}")
    return list(x)


def _check_padded(op: str, x: Any, n_dimensions: int | None = None) -> None:
    if not isinstance(x, torch.Tensor):
        raise TypeError(f"{op}: x must be a torch.Tensor, got {type(x).__name__}")
    if x.ndim != n_dimensions if n_dimensions is not None else x.ndim == 0:
        raise ValueError(f"{op}: x must have {n_dimensions or 'at least one'} dimension{'s' if n_dimensions else ''}, got {tuple(x.shape)}")


def _check_sizes(op: str, split_size: Any, x: torch.Tensor) -> None:
    if not isinstance(split_size, (list, tuple)) or len(split_size) != len(x):
        got = len(split_size) if isinstance(split_size, (list, tuple)) else type(split_size).__name__
        raise ValueError(f"{op}: split_size must be a list of as many sizes as x has rows ({len(x)}), got {got}")


def list_to_padded(x: Any, pad_size: Sequence[int] | None = None, pad_value: float = 0.0, equisized: bool = False) -> torch.Tensor:
    """[N, ...] of N tensors that have as many dimensions each; one of shape (0,) stands for an empty one.

    Args:
        pad_size: the size of each, without N; the largest of them by default.
        pad_value: what stands where a tensor ends before.
        equisized: whether all are known to be of one size: then they are stacked, and nothing else is looked at.

    Raises:
        TypeError, ValueError: if they do not go together, or are larger than ``pad_size``.

    Gradient: to the tensors.

    Examples:
        >>> list_to_padded([torch.tensor([1, 2]), torch.tensor([3])], pad_value=-1).tolist()
        [[1, 2], [3, -1]]
    """
    tensors = _check_list("list_to_padded", x)
    if equisized:
        return torch.stack(tensors)
    n_dimensions = max(tensor.ndim for tensor in tensors)
    tensors = [tensor.new_zeros([0] * n_dimensions) if tensor.shape == (0,) else tensor for tensor in tensors]
    if any(tensor.ndim != n_dimensions for tensor in tensors):
        raise ValueError(f"list_to_padded: x must hold tensors of as many dimensions each, got {sorted({tensor.ndim for tensor in tensors})}")
    filled = [tensor for tensor in tensors if len(tensor)]
    size = [max((tensor.shape[k] for tensor in filled), default=0) for k in range(n_dimensions)] if pad_size is None else list(pad_size)
    if len(size) != n_dimensions:
        raise ValueError(f"list_to_padded: pad_size must have a number for each of the {n_dimensions} dimensions, got {tuple(size)}")
    padded = tensors[0].new_full((len(tensors), *size), pad_value)
    for i, tensor in enumerate(tensors):
        if len(tensor) == 0:
            continue
        if any(given > most for given, most in zip(tensor.shape, size, strict=True)):
            raise ValueError(f"list_to_padded: x must fit into pad_size {tuple(size)}, got {tuple(tensor.shape)}")
        padded[i][tuple(slice(n) for n in tensor.shape)] = tensor
    return padded


def padded_to_list(x: torch.Tensor, split_size: Any = None) -> list[torch.Tensor]:
    """The N rows of [N, ...], each as a view of its first ``split_size[n]`` entries, or of a size for each of its dimensions; whole by default.

    Raises:
        TypeError, ValueError: if x is no such tensor, or there are not as many sizes as rows.
    """
    _check_padded("padded_to_list", x)
    rows = list(x.unbind(0))
    if split_size is None:
        return rows
    _check_sizes("padded_to_list", split_size, x)
    sizes = [[size] if isinstance(size, int) else size for size in split_size]
    return [row[tuple(slice(n) for n in size)] for row, size in zip(rows, sizes, strict=True)]


def list_to_packed(x: Any) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    """N tensors [M_n, ...] one after the other: ([sum of M_n, ...]; [N] each M_n; [N] where each begins; [sum of M_n] which tensor each row is of).

    Raises:
        TypeError, ValueError: if there is none, or something else than tensors.
    """
    tensors = _check_list("list_to_packed", x)
    sizes = torch.tensor([len(tensor) for tensor in tensors], device=tensors[0].device)
    index = torch.arange(len(tensors), device=sizes.device).repeat_interleave(sizes)
    return torch.cat(tensors), sizes, sizes.cumsum(0) - sizes, index


def packed_to_list(x: torch.Tensor, split_size: Any) -> tuple[torch.Tensor, ...]:
    """Views of [sum of M_n, ...] of the sizes M_n, or all of one size."""
    _check_padded("packed_to_list", x)
    return x.split(split_size, 0)


def padded_to_packed(x: torch.Tensor, split_size: Any = None, pad_value: float | None = None) -> torch.Tensor:
    """[sum of M_n, D] of [N, M, D]: the first ``split_size[n]`` entries of each row; or what is not ``pad_value`` throughout; or all.

    Raises:
        TypeError, ValueError: if x has another shape, or both are given, or there are not as many sizes as rows.

    Gradient: to x.
    """
    op = "padded_to_packed"
    _check_padded(op, x, 3)
    if split_size is not None and pad_value is not None:
        raise ValueError(f"{op}: either split_size or pad_value must be None, got both")
    flat = x.reshape(-1, x.shape[2])
    if pad_value is not None:
        return flat[flat.ne(pad_value).any(1)]
    if split_size is None:
        return flat
    _check_sizes(op, split_size, x)
    if not all(isinstance(size, int) for size in split_size):
        raise ValueError(f"{op}: split_size must be whole numbers, got {split_size!r}")
    sizes = torch.tensor(split_size, device=x.device)
    return x[torch.arange(x.shape[1], device=x.device) < sizes[:, None]]
