"""A differentiable operation: a kernel and the roles of its arguments.

The order of the arguments is the contract: first the inputs (differentiable arrays), then the outputs (arrays that the kernel adds to), then everything
else (index arrays, numbers). An array library that knows this can run any operation: `taichi_softras.arrays` does it for Taichi's own arrays and its
tape, `taichi_softras.interop.bridge` for torch and its autograd.
"""

from dataclasses import dataclass
from typing import Any

__all__ = ["Op"]


@dataclass(frozen=True, eq=False, kw_only=True)
class Op:
    """``kernel.grad`` is the gradient. ``forward`` computes the same outputs faster, from the same arguments, where the two differ."""

    name: str
    kernel: Any
    n_inputs: int
    n_outputs: int
    forward: Any = None

    @property
    def primal(self) -> Any:
        return self.forward or self.kernel
