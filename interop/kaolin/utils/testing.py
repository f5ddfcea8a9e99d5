"""Kaolin's ``kaolin.utils.testing``: what tensors are like, in words, and whether they are as they should be."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch

__all__ = ["check_tensor", "contained_torch_equal", "tensor_info"]


def tensor_info(t: Any, name: str = "", print_stats: bool = False, detailed: bool = False) -> str:
    """A line about a tensor or an array: its shape, type and place; with its least, largest and mean number; with how gradient flows to it."""
    head = f"{name}: " if name else ""
    if isinstance(t, Mapping):
        return "\n".join(tensor_info(value, f"{name}[{key}]", print_stats, detailed) for key, value in t.items())
    if not isinstance(t, (torch.Tensor, np.ndarray)):
        return f"{head}{t}"
    told = f"{head}{list(t.shape)} ({t.dtype})"
    if isinstance(t, torch.Tensor):
        told += f"[{t.device}]"
    if print_stats and 0 not in t.shape:
        numbers = torch.as_tensor(t).detach().double()
        told += f" - [min {numbers.min():.4f}, max {numbers.max():.4f}, mean {numbers.mean():.4f}]"
    if detailed and isinstance(t, torch.Tensor):
        told += f" - req_grad={t.requires_grad}, is_leaf={t.is_leaf}, layout={t.layout}"
    return told


def check_tensor(
    tensor: torch.Tensor,
    shape: Sequence[int | None] | None = None,
    dtype: torch.dtype | None = None,
    device: torch.device | str | None = None,
    throw: bool = True,
) -> bool:
    """Whether it has this shape (None is any size), dtype and device.

    Raises:
        ValueError, TypeError: instead of False, if ``throw``.
    """
    if not isinstance(tensor, torch.Tensor):
        raise TypeError(f"check_tensor: tensor must be a torch.Tensor, got {type(tensor).__name__}")
    place = None if device is None else torch.device(device)
    wrong: Exception | None = None
    if shape is not None and not (tensor.ndim == len(shape) and all(want in (None, size) for want, size in zip(shape, tensor.shape, strict=True))):
        wrong = ValueError(f"check_tensor: tensor must have shape {tuple(shape)}, got {tuple(tensor.shape)}")
    elif dtype is not None and tensor.dtype != dtype:
        wrong = TypeError(f"check_tensor: tensor must be {dtype}, got {tensor.dtype}")
    elif place is not None and (tensor.device.type != place.type or place.index not in (None, tensor.device.index)):
        wrong = TypeError(f"check_tensor: tensor must be on {place}, got {tensor.device}")
    if wrong is not None and throw:
        raise wrong
    return wrong is None


def contained_torch_equal(
    elem: Any, other: Any, approximate: bool = False, print_error_context: str | None = None, ignore_device: bool = False, **allclose_args: Any
) -> bool:  # fmt: skip
    """Whether two things are equal, however tensors lie in lists, tuples, dicts and attributes; ``approximate`` by `torch.allclose`.

    With ``print_error_context`` it is printed where they are not.
    """

    def told(path: str, equal: bool) -> bool:
        if not equal and print_error_context is not None:
            print(f"{print_error_context}{path}: {tensor_info(elem)} is not {tensor_info(other)}")
        return equal

    def inner(one: Any, another: Any, path: str) -> bool:
        context = None if print_error_context is None else print_error_context + path
        return contained_torch_equal(one, another, approximate, context, ignore_device, **allclose_args)

    if isinstance(elem, torch.Tensor):
        if not isinstance(other, torch.Tensor) or elem.shape != other.shape or (elem.device != other.device and not ignore_device):
            return told("", False)
        another = other.to(elem.device)
        return told("", torch.allclose(elem, another, **allclose_args) if approximate else torch.equal(elem, another))
    if type(elem) is not type(other):
        return told("", False)
    if isinstance(elem, Mapping):
        return told("", elem.keys() == other.keys()) and all(inner(elem[key], other[key], f"[{key}]") for key in elem)
    if isinstance(elem, (list, tuple)):
        return told("", len(elem) == len(other)) and all(inner(*pair, f"[{i}]") for i, pair in enumerate(zip(elem, other, strict=True)))
    if isinstance(elem, float) and approximate:
        return told("", bool(np.isclose(elem, other, **allclose_args)))
    if hasattr(elem, "__dict__") and not isinstance(elem, type):
        return inner(vars(elem), vars(other), "")
    return told("", bool(elem == other))
