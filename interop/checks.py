"""Checks of tensors, with the sentences of `taichi_softras.checks`."""

from collections.abc import Iterable, Sequence
from typing import Any

import torch

from ..checks import check_shape
from .calling_thread import extremes, within

__all__ = ["as_tensor", "check_index_tensor", "check_integers", "check_keywords", "check_last", "check_tensor", "check_tensors"]


def as_tensor(op: str, name: str, values: Any, like: torch.Tensor | None = None, dtype: torch.dtype | None = None) -> torch.Tensor:
    """A tensor of numbers, tuples, lists or arrays, or of another tensor; with the dtype and the device of ``like``, if that is given.

    ``dtype``: of numbers with a fraction that come in no tensor: they have all the digits that it holds.
    """
    dtype = dtype if like is None else like.dtype
    try:
        tensor = values if isinstance(values, torch.Tensor) else torch.as_tensor(values)
        if tensor is not values and tensor.is_floating_point():  # float32, until it is said what it is to be
            tensor = torch.as_tensor(values, dtype=dtype)
    except (TypeError, ValueError, RuntimeError, OverflowError) as error:
        raise TypeError(f"{op}: {name} must be numbers or a tensor, got {type(values).__name__}: {error}") from error
    if dtype is not None and tensor.is_complex():
        raise TypeError(f"{op}: {name} must be real numbers, got {tensor.dtype}")
    if like is None:
        return tensor
    if tensor.is_meta and not like.is_meta:
        raise ValueError(f"{op}: {name} must be on the device of the other tensors ({like.device}), got {tensor.device}")
    return tensor.to(device=like.device, dtype=like.dtype)


def check_tensors(op: str, **given: Any) -> None:
    """Tensors of floating point numbers, all of one dtype and on one device. (None is none.)"""
    first_name, first = "", None
    for name, tensor in given.items():
        if tensor is None:
            continue
        if not isinstance(tensor, torch.Tensor):
            raise TypeError(f"{op}: {name} must be a torch.Tensor, got {type(tensor).__name__}")
        if not tensor.is_floating_point():
            raise TypeError(f"{op}: {name} must be floating point numbers, got {tensor.dtype}")
        if first is None:
            first_name, first = name, tensor
        if tensor.dtype != first.dtype:
            raise TypeError(f"{op}: {name} must have the dtype of {first_name} ({first.dtype}), got {tensor.dtype}")
        if tensor.device != first.device:
            raise ValueError(f"{op}: {name} must be on the device of {first_name} ({first.device}), got {tensor.device}")


def check_tensor(op: str, name: str, tensor: Any, expected: Sequence[int | str], sizes: dict[str, int] | None = None) -> None:
    """One tensor of floating point numbers, of a shape (see `check_shape`)."""
    check_tensors(op, **{name: tensor})
    check_shape(op, name, tensor.shape, expected, sizes)


def check_last(op: str, name: str, tensor: Any, *sizes: int) -> None:
    """One tensor of floating point numbers, whose last dimensions have these sizes."""
    check_tensors(op, **{name: tensor})
    if tuple(tensor.shape[-len(sizes) :]) != sizes:
        raise ValueError(f"{op}: {name} must have shape (..., {', '.join(map(str, sizes))}), got {tuple(tensor.shape)}")


def check_keywords(op: str, given: Iterable[str], known: Iterable[str]) -> None:
    """What was given by name is known."""
    known = sorted(known)
    for name in given:
        if name not in known:
            raise TypeError(f"{op}: a keyword must be one of {', '.join(known)}, got {name}")


def check_integers(op: str, name: str, tensor: Any) -> None:
    """One tensor of integers."""
    if not isinstance(tensor, torch.Tensor):
        raise TypeError(f"{op}: {name} must be a torch.Tensor, got {type(tensor).__name__}")
    if tensor.is_floating_point() or tensor.is_complex() or tensor.dtype == torch.bool:
        raise TypeError(f"{op}: {name} must be integers, got {tensor.dtype}")


def check_index_tensor(
    op: str, name: str, tensor: Any, expected: Sequence[int | str], of: str, n: int, sizes: dict[str, int] | None = None
) -> None:  # fmt: skip
    """A tensor of integers, of a shape, within [0, n). torch itself reads a negative one from the end, and on a GPU ends the process for one too large."""
    check_integers(op, name, tensor)
    check_shape(op, name, tensor.shape, expected, sizes)
    if tensor.numel() and not tensor.is_meta and not within(tensor, n):
        low, high = extremes(tensor)
        raise ValueError(f"{op}: {name} must index {of} 0 to {n - 1}, got {low if low < 0 else high}")
