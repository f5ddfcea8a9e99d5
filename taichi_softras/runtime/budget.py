"""How much memory a picture's lists may take."""

import os
from pathlib import Path

from ..checks import check_integer
from .devices import cuda_free_memory
from .start import current_arch

__all__ = ["free_memory", "memory_budget", "set_memory_budget", "within_budget"]

SHARE_OF_FREE = 0.25  # of the memory that is free, unless a budget is set
WHERE_UNKNOWN = 1 << 32  # bytes, where the system does not tell what is free
SMALLEST = 1 << 8
SMALL = 1 << 25

_budget: int | None = None


def set_memory_budget(n_bytes: int | None) -> None:
    """Bounds the memory of the lists of (face, tile) pairs, which grow with faces, pixels and softness.

    What does not fit is worked off in chunks, with the same picture to the last bit and the same gradient but for rounding; it takes longer, for the lists are
    made anew on the way back (not for the default choices on the CPU, whose way back needs none).

    Args:
        n_bytes: at least 256; None for a quarter of the memory that is free when a picture is made (with CUDA, of the GPU's).

    Raises:
        TypeError, ValueError: if it is no such number.
    """
    global _budget
    if n_bytes is not None:
        check_integer("set_memory_budget", "n_bytes", n_bytes, SMALLEST, 2**62)
    _budget = n_bytes


def memory_budget() -> int:
    """The bytes that the lists may take now.

    Examples:
        >>> set_memory_budget(1 << 20)
        >>> memory_budget()
        1048576
        >>> set_memory_budget(None)
    """
    return max(int(SHARE_OF_FREE * _free_where_kernels_run()), SMALLEST) if _budget is None else _budget


def within_budget(n_bytes: int) -> bool:
    """Whether a list of so many bytes may be made. (For a small one the system is not asked.)"""
    return (_budget is None and n_bytes <= SMALL) or n_bytes <= memory_budget()


def _free_where_kernels_run() -> int:
    if current_arch() == "cuda":
        free = cuda_free_memory()
        return WHERE_UNKNOWN if free is None else free
    return free_memory()


def free_memory() -> int:
    """The bytes that the host has free. (Vulkan and Metal do not tell: there lists are bounded by the same figure, or by `set_memory_budget`.)"""
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
        return 1024 * next(int(line.split()[1]) for line in lines if line.startswith("MemAvailable:"))
    except (OSError, StopIteration):
        names = getattr(os, "sysconf_names", {})
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") if "SC_AVPHYS_PAGES" in names else WHERE_UNKNOWN
