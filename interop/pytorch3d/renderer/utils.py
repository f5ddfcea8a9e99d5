"""Batches of named tensors: what PyTorch3D's cameras, lights and materials have in common."""

import copy
from typing import Any

import torch

from ...checks import as_tensor

__all__ = ["Batch", "broadcast"]


def _dtype_of(values: Any) -> torch.dtype:
    """float64 if any tensor is, else float32."""
    return torch.float64 if any(isinstance(value, torch.Tensor) and value.dtype == torch.float64 for value in values) else torch.float32


def broadcast(op: str, device: Any, **values: Any) -> dict[str, torch.Tensor]:
    """The values as tensors [N, ...] of one dtype: each is a number, or has 1 or N entries.

    Raises:
        ValueError: if the numbers of entries do not go together.
    """
    dtype = _dtype_of(values.values())
    tensors = {}
    for name, value in values.items():
        tensor = as_tensor(op, name, value)
        if tensor.is_complex():
            raise TypeError(f"{op}: {name} must be real numbers, got {tensor.dtype}")
        if tensor.is_meta and torch.device(device).type != "meta":
            raise ValueError(f"{op}: {name} must be on a device with memory, such as {device}, got {tensor.device}")
        tensor = tensor.to(device=device, dtype=torch.bool if tensor.dtype is torch.bool else dtype)
        tensors[name] = tensor[None] if tensor.ndim == 0 else tensor
    n = max(len(tensor) for tensor in tensors.values())
    for name, tensor in tensors.items():
        if len(tensor) not in (1, n):
            raise ValueError(f"{op}: {name} must have 1 or {n} entries, got {len(tensor)}")
    return {name: tensor.expand(n, *tensor.shape[1:]) for name, tensor in tensors.items()}


class Batch:
    """Tensors whose first dimension is the batch, kept as attributes; None stays None."""

    def __init__(self, device: Any = "cpu", **values: Any) -> None:
        given = broadcast(type(self).__name__, device, **{name: value for name, value in values.items() if value is not None})
        self.device = next(iter(given.values())).device
        self._names = tuple(given)
        self._N = len(next(iter(given.values())))
        for name in values:
            setattr(self, name, given.get(name))

    def __len__(self) -> int:
        return self._N

    def isempty(self) -> bool:
        return self._N == 0

    def _mapped(self, function: Any) -> Any:
        """A copy whose tensors went through ``function``."""
        other = copy.copy(self)
        for name in self._names:
            setattr(other, name, function(getattr(self, name)))
        first = getattr(other, self._names[0])
        other.device, other._N = first.device, len(first)
        return other

    def clone(self) -> Any:
        return self._mapped(torch.clone)

    def to(self, device: Any) -> Any:
        return self._mapped(lambda tensor: tensor.to(device))

    def cpu(self) -> Any:
        return self.to("cpu")

    def cuda(self) -> Any:
        return self.to("cuda")

    def __getitem__(self, index: Any) -> Any:
        index = [index] if isinstance(index, int) else index
        return self._mapped(lambda tensor: tensor[index])

    def gather_props(self, batch_idx: torch.Tensor) -> Any:
        """The properties repeated as ``batch_idx`` says, such as that of its mesh for every vertex; one that is the same for all stays one."""
        return self._mapped(lambda tensor: tensor if len(tensor) == 1 else tensor[batch_idx])
