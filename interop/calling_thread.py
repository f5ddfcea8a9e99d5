"""What torch does with all of its threads, done on the CPU by the calling thread.

For 32,768 numbers and more torch opens a parallel region. Afterwards its threads wait in a loop for some milliseconds (unless OMP_WAIT_POLICY is passive), and
take the cores from Taichi's, which costs far more than they save. So no operation of ours opens one on the way to a picture and back.
"""

import numpy as np
import torch

__all__ = ["extremes", "filled", "int32", "same_indices", "within", "zeroed"]

MANY = 1 << 15  # numbers, for which torch wakes its threads


def filled(tensor: torch.Tensor, value: float) -> torch.Tensor:
    """The tensor, whose numbers all are ``value`` now."""
    if tensor.device.type != "cpu" or tensor.numel() < MANY:
        return tensor.fill_(value)
    tensor.numpy().fill(value)
    return tensor


def zeroed(tensor: torch.Tensor) -> torch.Tensor:
    """The tensor, all nought."""
    return filled(tensor, 0)


def int32(indices: torch.Tensor) -> torch.Tensor:
    """Indices as kernels want them."""
    if indices.device.type != "cpu" or indices.dtype == torch.int32:
        return indices.to(torch.int32).contiguous()
    return torch.from_numpy(np.ascontiguousarray(indices.detach().numpy(), np.int32))


def same_indices(one: torch.Tensor, other: torch.Tensor) -> bool:
    """``torch.equal``."""
    if one.device.type != "cpu" or other.device.type != "cpu":
        return torch.equal(one, other)
    return np.array_equal(one.detach().numpy(), other.detach().numpy())


def within(indices: torch.Tensor, n: int) -> bool:
    """Whether all are from 0 to n - 1."""
    if indices.device.type != "cpu" or indices.dtype != torch.int64:
        low, high = extremes(indices)
        return low >= 0 and high < n
    return int(indices.detach().numpy().view(np.uint64).max()) < n  # a negative one, read without a sign, is the largest of all


def extremes(indices: torch.Tensor) -> tuple[int, int]:
    """The least and the largest of at least one."""
    if indices.device.type == "cpu":
        numbers = indices.detach().numpy()
        return int(numbers.min()), int(numbers.max())
    low, high = torch.aminmax(indices)
    return int(low), int(high)
