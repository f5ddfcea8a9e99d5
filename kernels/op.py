"""A differentiable operation: a kernel and the roles of its arguments.

The order of the arguments is the contract: first the inputs (differentiable arrays), then the outputs (arrays that the kernel adds to), then everything
else (index arrays, numbers). An array library that knows this can run any operation: `taichi_softras.runtime.arrays` does it for Taichi's own arrays and its
tape, `taichi_softras.interop.bridge` for torch and its autograd.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

__all__ = ["Op", "in_chunks"]


@dataclass(frozen=True, eq=False, kw_only=True)
class Op:
    """``kernel.grad`` is the gradient.

    Attributes:
        name: for errors.
        kernel: the differentiable kernel.
        n_inputs, n_outputs: how many of the arguments are inputs, and outputs.
        adds: whether the outputs are added to, and so are nought before; else they are written.
        forward: computes the same outputs faster, from the same arguments, where the two differ.
        gradient: called with (array library, arguments of which some have a ``grad``), does what ``kernel.grad`` would, faster.
    """

    name: str
    kernel: Any
    n_inputs: int
    n_outputs: int
    adds: bool = True
    forward: Any = None
    gradient: Callable[[Any, Sequence[Any]], None] | None = None

    @property
    def primal(self) -> Any:
        return self.forward or self.kernel

    def launch(self, arrays: Any, arguments: Sequence[Any]) -> None:
        """Writes the outputs."""
        for chunk in in_chunks(arguments):
            arrays.launch(self.primal, chunk)

    def launch_gradient(self, arrays: Any, arguments: Sequence[Any]) -> None:
        """Adds to the ``grad`` of the inputs what that of the outputs makes of it."""
        if self.gradient is not None:
            self.gradient(arrays, arguments)
            return
        for chunk in in_chunks(arguments):
            arrays.launch(self.kernel.grad, chunk)


def in_chunks(arguments: Sequence[Any]) -> Iterator[tuple[Any, ...]]:
    """Arguments for kernels: one that has ``chunks`` stands for several arguments, and for several launches."""
    at = next((i for i, argument in enumerate(arguments) if hasattr(type(argument), "chunks")), None)
    if at is None:
        yield tuple(arguments)
        return
    for chunk in arguments[at].chunks():
        yield (*arguments[:at], *chunk, *arguments[at + 1 :])
