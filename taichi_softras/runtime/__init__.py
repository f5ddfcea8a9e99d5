"""How Taichi is started, fed and launched: `init`, devices, libraries of arrays (`Arrays`), the memory that they take, the short way to call a kernel.

What is done with Taichi's private names is done here.
"""

from . import loops, quick_taichi  # noqa: F401, before the first kernel is read

# isort: split
from .arrays import Arrays, Constants, FieldArrays, TaichiArrays, check_sizes, cpu_shares, default_arrays, library_of, variant_of
from .budget import free_memory, memory_budget, set_memory_budget, within_budget
from .devices import GPU_BACKENDS, cpu_name, has_display, is_cpu_known, offer_of, vulkan_offer
from .spare_memory import spare_array
from .start import check_not_forked, current_arch, current_runtime, ensure_initialized, init, init_for, is_deterministic, one_at_a_time

__all__ = [
    "GPU_BACKENDS",
    "Arrays",
    "Constants",
    "FieldArrays",
    "TaichiArrays",
    "check_not_forked",
    "check_sizes",
    "cpu_name",
    "cpu_shares",
    "current_arch",
    "current_runtime",
    "default_arrays",
    "ensure_initialized",
    "free_memory",
    "has_display",
    "init",
    "init_for",
    "is_cpu_known",
    "is_deterministic",
    "library_of",
    "memory_budget",
    "offer_of",
    "one_at_a_time",
    "set_memory_budget",
    "spare_array",
    "variant_of",
    "vulkan_offer",
    "within_budget",
]
