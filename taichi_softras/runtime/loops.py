"""Parallel loops on CUDA, without a launch beforehand that works out how long they are.

Where the end of a parallel loop is no constant, Taichi 1.7 has a kernel of one thread write it down, and the loop's threads read it: a launch more for every
loop. So the outermost loops of this package's kernels are made of as many threads as the GPU holds, and each of these takes every so many-th turn, which it
counts itself: ``for i in range(a, b)`` becomes

    for thread in range(N):
        for turn in range((b - a - thread + N - 1) // N):
            i = a + thread + turn * N

(and so the launch has N threads, not four times as many, which Taichi would take). Gradients that Taichi generates stay as they are, and so do other people's
kernels, and all on other backends.
"""

import ast
import functools
import textwrap
from typing import Any

from ..language import BODIES, TRANSFORMER, arch_name, decorator_of, without_gradient
from .devices import cuda_threads

__all__ = ["of_resident_threads"]

OURS = "taichi_softras."
_open = 0  # loops and branches around what is being read, in the function that calls as well


def of_resident_threads(loop: ast.For, n_threads: int) -> ast.For:
    """The same loop, over a constant number of threads."""
    arguments = loop.iter.args  # type: ignore[attr-defined]
    text = f"""
        for thread_ in range({n_threads}):
            for turn_ in range((end_ - begin_ - thread_ + {n_threads - 1}) // {n_threads}):
                {ast.unparse(loop.target)} = begin_ + thread_ + turn_ * {n_threads}
        """
    given = {"begin_": arguments[0] if len(arguments) == 2 else ast.Constant(0), "end_": arguments[-1]}

    class Fill(ast.NodeTransformer):
        def visit_Name(self, name: ast.Name) -> ast.expr:
            return given.get(name.id, name)

    made = Fill().visit(ast.parse(textwrap.dedent(text)).body[0])
    for node in ast.walk(made):
        ast.copy_location(node, loop)  # errors point at the loop
    made.body[0].body += loop.body
    return made


def _is_constant(context: Any, node: Any) -> bool:
    return bool(decorator_of(context, node) == "static")


def _is_outermost_range(context: Any, node: Any) -> bool:
    """Whether it is a parallel loop of ours, on CUDA, whose end may be no constant."""
    if _open or not isinstance(node, ast.For) or not isinstance(node.iter, ast.Call) or getattr(node.iter.func, "id", None) != "range":
        return False
    if not getattr(context.func.func, "__module__", "").startswith(OURS) or arch_name() != "cuda" or not without_gradient():
        return False
    return not all(isinstance(argument, ast.Constant) or _is_constant(context, argument) for argument in node.iter.args)


def _counting(build: Any) -> Any:
    """Taichi's ``build`` of a loop or a branch."""

    @functools.wraps(build)
    def counted(context: Any, node: Any) -> Any:
        global _open
        if _is_constant(context, getattr(node, "iter", None) or node.test):  # it is gone when the kernel has been read
            return build(context, node)
        if _is_outermost_range(context, node):
            node = of_resident_threads(node, cuda_threads())
        _open += 1
        try:
            return build(context, node)
        finally:
            _open -= 1

    return counted


def _install() -> None:
    for name in BODIES:
        setattr(TRANSFORMER, name, staticmethod(_counting(getattr(TRANSFORMER, name))))


_install()
