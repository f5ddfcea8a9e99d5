"""Kaolin's ``kaolin.ops.random``: seeds, and numbers of torch's generators: for a seed the same ones."""

import math
import random
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from ....checks import check_integer, check_kind, check_number, check_shape

__all__ = ["get_state", "manual_seed", "random_shape_per_tensor", "random_tensor", "sample_spherical_coords", "set_state"]

REALS = (torch.half, torch.float, torch.double)
INTEGERS = (torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64)
LARGEST_SEED = 2**32 - 1  # NumPy's
LARGEST = 2**63 - 2  # one more must still be an int64


def manual_seed(torch_seed: int, random_seed: int | None = None, numpy_seed: int | None = None) -> None:
    """Seeds torch, Python's random and NumPy: the latter two as torch, if no others are given."""
    random_seed = torch_seed if random_seed is None else random_seed
    numpy_seed = torch_seed if numpy_seed is None else numpy_seed
    for name, seed, low, high in (
        ("torch_seed", torch_seed, -(2**63), 2**64 - 1),
        ("random_seed", random_seed, -(2**63), 2**64 - 1),
        ("numpy_seed", numpy_seed, 0, LARGEST_SEED),
    ):
        check_integer("manual_seed", name, seed, low, high)
    random.seed(int(random_seed))
    torch.manual_seed(int(torch_seed))
    np.random.seed(int(numpy_seed))  # noqa: NPY002 - the generator that users of Kaolin seed


def get_state() -> tuple[torch.Tensor, tuple[Any, ...], Any]:
    """The states of torch's generator on the CPU, of Python's random and of NumPy's, for `set_state`."""
    return torch.get_rng_state(), random.getstate(), np.random.get_state()  # noqa: NPY002


def set_state(torch_state: torch.Tensor, random_state: tuple[Any, ...], numpy_state: Any) -> None:
    """What `get_state` gave: from there numbers go on as they did."""
    check_kind("set_state", "torch_state", torch_state, torch.Tensor)
    if torch_state.dtype is not torch.uint8:
        raise TypeError(f"set_state: torch_state must be torch.uint8, got {torch_state.dtype}")
    check_shape("set_state", "torch_state", torch_state.shape, tuple(torch.get_rng_state().shape))
    check_kind("set_state", "random_state", random_state, tuple)
    if not isinstance(numpy_state, (tuple, dict)):
        raise TypeError(f"set_state: numpy_state must be a tuple, got {type(numpy_state).__name__}")
    random.setstate(random_state)
    np.random.set_state(numpy_state)  # noqa: NPY002
    torch.set_rng_state(torch_state)


def _sizes(op: str, name: str, sizes: Any) -> list[int]:
    """A list, tuple or tensor of whole numbers of at least 0."""
    if not isinstance(sizes, (list, tuple, torch.Tensor)):
        raise TypeError(f"{op}: {name} must be a list of whole numbers, got {type(sizes).__name__}")
    if isinstance(sizes, torch.Tensor):
        check_shape(op, name, sizes.shape, ("D",))
        sizes = sizes.tolist()
    for size in sizes:
        check_integer(op, name, size, 0, LARGEST)
    return [int(size) for size in sizes]


def random_shape_per_tensor(batch_size: int, min_shape: Any = None, max_shape: Any = None) -> torch.Tensor:
    """[batch_size, D] int64: as many shapes, each dimension drawn evenly from that of ``min_shape`` [D] (by default 1) to that of ``max_shape`` [D]."""
    op = "random_shape_per_tensor"
    check_integer(op, "batch_size", batch_size, 0, LARGEST)
    highs = _sizes(op, "max_shape", max_shape)
    lows = [1] * len(highs) if min_shape is None else _sizes(op, "min_shape", min_shape)
    if not highs:
        raise ValueError(f"{op}: max_shape must have at least one dimension, got none")
    if len(lows) != len(highs):
        raise ValueError(f"{op}: min_shape must have as many dimensions as max_shape ({len(highs)}), got {len(lows)}")
    for low, high in zip(lows, highs, strict=True):
        check_integer(op, "max_shape", high, low, LARGEST)
    return torch.cat([torch.randint(low, high + 1, (int(batch_size), 1)) for low, high in zip(lows, highs, strict=True)], 1)


def random_tensor(low: Any, high: Any, shape: Sequence[int] | torch.Tensor, dtype: torch.dtype = torch.float, device: Any = "cpu") -> torch.Tensor:
    """A tensor of a shape, drawn evenly: real numbers from ``low`` up to ``high``, whole ones with both; of bool either may be None."""
    op = "random_tensor"
    check_kind(op, "dtype", dtype, torch.dtype)
    sizes = _sizes(op, "shape", shape)
    if dtype in REALS:
        check_number(op, "low", low)
        check_number(op, "high", high)
        drawn = torch.rand(sizes, dtype=dtype, device=device)
        return drawn if low == 0 and high == 1 else drawn * (high - low) + low
    if dtype is torch.bool:
        for name, value, only in (("low", low, 0), ("high", high, 1)):
            if value is not None and value != only:
                raise ValueError(f"{op}: {name} must be {only} or None of torch.bool, got {value}")
        return torch.randint(0, 2, sizes, dtype=dtype, device=device)
    if dtype not in INTEGERS:
        raise TypeError(f"{op}: dtype must be one of {', '.join(map(str, (*REALS, torch.bool, *INTEGERS)))}, got {dtype}")
    least, most = torch.iinfo(dtype).min, min(torch.iinfo(dtype).max, LARGEST)
    check_integer(op, "low", low, least, most)
    check_integer(op, "high", high, int(low), most)
    return torch.randint(int(low), int(high) + 1, sizes, dtype=dtype, device=device)


def sample_spherical_coords(
    shape: Sequence[int],
    azimuth_low: float = 0.0,
    azimuth_high: float = math.pi * 2,
    elevation_low: float = 0.0,
    elevation_high: float = math.pi * 0.5,
    device: Any = "cpu",
    dtype: torch.dtype = torch.float,
) -> tuple[torch.Tensor, torch.Tensor]:
    """(azimuth, elevation) in radians, each of ``shape``, drawn evenly on the part of the sphere between the bounds; see `coords.spherical2cartesian`."""
    op = "sample_spherical_coords"
    sizes = _sizes(op, "shape", shape)
    bounds = {"azimuth_low": azimuth_low, "azimuth_high": azimuth_high, "elevation_low": elevation_low, "elevation_high": elevation_high}
    for name, value in bounds.items():
        check_number(op, name, value)
    if dtype not in REALS:
        raise TypeError(f"{op}: dtype must be one of {', '.join(map(str, REALS))}, got {dtype}")
    ones = [1] * len(sizes)
    low = torch.tensor([azimuth_low, math.sin(elevation_low)], device=device, dtype=dtype).reshape(2, *ones)
    high = torch.tensor([azimuth_high, math.sin(elevation_high)], device=device, dtype=dtype).reshape(2, *ones)
    azimuth, height = low + torch.rand([2, *sizes], dtype=dtype, device=device) * (high - low)
    return azimuth, torch.asin(height)
