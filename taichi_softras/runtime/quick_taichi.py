"""What Taichi does over and over on its way from Python to its own language, done once.

Of the time that Taichi 1.7 takes to read a kernel, before anything is compiled (and so with all in its cache, too), more than half goes into three things:
for every expression it breaks the source line into 80 columns, for the case that an error has to point at it; for every call of a function it looks up that
function's source again; and for every decorator it goes through all modules to read one line. Here they are remembered, or read directly. What Taichi gets
is the same to the letter (`tests/runtime/test_quick_taichi.py`), so nothing else changes, for other people's kernels neither; where Taichi has none of these
names, nothing is done.
"""

import functools
import linecache
import sys
import textwrap
from typing import Any

from taichi.lang import kernel_impl
from taichi.lang.ast import ast_transformer_utils

__all__ = ["class_line", "sources_once", "wrapper_of"]

KEPT = 1 << 16  # wrapped lines, of some hundred bytes each

_wrap = functools.lru_cache(KEPT)(lambda width, text: tuple(textwrap.wrap(text, width)))


class wrapper_of:  # noqa: N801 (it stands for a class of the standard library)
    """`textwrap.TextWrapper(width=...)`, whose `wrap` remembers."""

    def __init__(self, width: int) -> None:
        self.width = width

    def wrap(self, text: str) -> tuple[str, ...]:
        return _wrap(self.width, text)


def sources_once(getsourcelines: Any) -> Any:
    """Taichi's ``getsourcelines``, which remembers the functions of this package: their files do not change while it runs."""
    remembered: dict[Any, Any] = {}

    @functools.wraps(getsourcelines)
    def sourcelines(function: Any) -> Any:
        if not getattr(function, "__module__", "").startswith("taichi_softras."):
            return getsourcelines(function)
        code = function.__code__
        key = (code.co_filename, code.co_firstlineno, code.co_name)
        if key not in remembered:
            remembered[key] = getsourcelines(function)
        lines, first = remembered[key]
        return list(lines), first

    return sourcelines


def class_line(taichis: Any) -> Any:
    """Taichi's ``_inside_class``, which reads the one line that it looks at: whether the line that is being executed so many frames up begins a class."""

    @functools.wraps(taichis)
    def inside_class(level_of_class_stackframe: int) -> bool:
        try:
            frame = sys._getframe(level_of_class_stackframe)
        except ValueError:
            return False
        line = linecache.getline(frame.f_code.co_filename, frame.f_lineno, frame.f_globals).strip()
        return any(pattern.match(line) for pattern in kernel_impl._KERNEL_CLASS_STACKFRAME_STMT_RES)

    return inside_class


def _install() -> None:
    if hasattr(ast_transformer_utils, "TextWrapper"):
        ast_transformer_utils.TextWrapper = wrapper_of
    if hasattr(kernel_impl, "getsourcelines"):
        kernel_impl.getsourcelines = sources_once(kernel_impl.getsourcelines)
    if hasattr(kernel_impl, "_inside_class") and hasattr(kernel_impl, "_KERNEL_CLASS_STACKFRAME_STMT_RES"):
        kernel_impl._inside_class = class_line(kernel_impl._inside_class)


_install()
