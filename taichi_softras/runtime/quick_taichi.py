"""What Taichi does over and over on its way from Python to its own language, done once.

Of the time that Taichi 1.7 takes to read a kernel, before anything is compiled (and so with all in its cache, too), more than half goes into three things:
for every expression, each time that it is met, it breaks the source line into 80 columns, for the case that an error has to point at it; for every call of a
function it looks up that function's source again, and parses it; and for every decorator it goes through all modules to read one line. Here they are
remembered, or read directly. What Taichi gets is the same to the letter (`tests/runtime/test_quick_taichi.py`), so nothing else changes, for other people's
kernels neither; where Taichi has none of these names, nothing is done.
"""

import functools
import linecache
import sys
import textwrap
from typing import Any

from ..language import CLASS_LINES, INSIDE_CLASS, POSITIONS, SOURCES, TREES, WRAPPER

__all__ = ["class_line", "positions_once", "sources_once", "trees_once", "wrapper_of"]

OURS = "taichi_softras."  # files of this package do not change while it runs
KEPT = 1 << 16  # wrapped lines, of some hundred bytes each

_wrap = functools.lru_cache(KEPT)(lambda width, text: tuple(textwrap.wrap(text, width)))


class wrapper_of:  # noqa: N801 (it stands for a class of the standard library)
    """`textwrap.TextWrapper(width=...)`, whose `wrap` remembers."""

    def __init__(self, width: int) -> None:
        self.width = width

    def wrap(self, text: str) -> tuple[str, ...]:
        if len(text) > self.width or "\t" in text:
            return _wrap(self.width, text)
        line = text.rstrip()  # it fits
        return (line,) if line else ()


def positions_once(get_pos_info: Any) -> Any:
    """Taichi's ``get_pos_info``, which remembers what it said of the expressions of this package: those of a function are met anew wherever it is called."""
    remembered: dict[Any, str] = {}

    @functools.wraps(get_pos_info)
    def pos_info(context: Any, node: Any) -> str:
        function = context.func.func
        if not getattr(function, "__module__", "").startswith(OURS):
            return get_pos_info(context, node)
        place = (node.lineno, node.col_offset, node.end_lineno, node.end_col_offset)
        key = (context.file, context.lineno_offset, function.__name__, type(node), place)
        said = remembered.get(key)
        if said is None:
            said = remembered[key] = get_pos_info(context, node)
        return said

    return pos_info


def sources_once(getsourcelines: Any) -> Any:
    """Taichi's ``getsourcelines``, which remembers the functions of this package."""
    remembered: dict[Any, Any] = {}

    @functools.wraps(getsourcelines)
    def sourcelines(function: Any) -> Any:
        if not getattr(function, "__module__", "").startswith(OURS):
            return getsourcelines(function)
        code = function.__code__
        key = (code.co_filename, code.co_firstlineno, code.co_name)
        if key not in remembered:
            remembered[key] = getsourcelines(function)
        return tuple(list(part) if isinstance(part, list) else part for part in remembered[key])

    return sourcelines


def trees_once(get_tree_and_context: Any) -> Any:
    """Taichi's ``_get_tree_and_ctx``, which remembers how the functions of this package were parsed. (It walks through the bodies of static loops again and
    again, too: what it notes in a tree on its way is noted anew.) Kernels it parses each time, for it takes their arguments out of the tree; and it does not
    keep what they are called with, which it has no use for: in a circle of functions, the arrays of the first step would live on until Python collects it."""
    remembered: dict[Any, Any] = {}
    globals_of = get_tree_and_context.__globals__["_get_global_vars"]

    @functools.wraps(get_tree_and_context)
    def tree_and_context(function: Any, *args: Any, **given: Any) -> Any:
        python = function.func
        is_ours, is_kernel = getattr(python, "__module__", "").startswith(OURS), given.get("is_kernel", True)
        if args or is_kernel or given.get("is_real_function") or not is_ours:
            tree, context = get_tree_and_context(function, *args, **given)
            if is_kernel and is_ours:
                context.argument_data = None
            return tree, context
        code = python.__code__
        key = (code.co_filename, code.co_firstlineno, code.co_name)
        if key not in remembered:
            tree, context = get_tree_and_context(function, **given)
            remembered[key] = tree, type(context), {"src": context.src, "file": context.file, "start_lineno": context.lineno_offset + 1}
            return tree, context
        tree, kind, source = remembered[key]
        given = {"argument_data" if name == "args" else name: value for name, value in given.items()}
        return tree, kind(func=function, global_vars=globals_of(python), **given, **source)

    return tree_and_context


def class_line(taichis: Any) -> Any:
    """Taichi's ``_inside_class``, which reads the one line that it looks at: whether the line that is being executed so many frames up begins a class."""

    @functools.wraps(taichis)
    def inside_class(level_of_class_stackframe: int) -> bool:
        try:
            frame = sys._getframe(level_of_class_stackframe)
        except ValueError:
            return False
        line = linecache.getline(frame.f_code.co_filename, frame.f_lineno, frame.f_globals).strip()
        return any(pattern.match(line) for pattern in CLASS_LINES)

    return inside_class


def _install() -> None:
    ways = ((WRAPPER, lambda _: wrapper_of), (POSITIONS, positions_once), (SOURCES, sources_once), (TREES, trees_once), (INSIDE_CLASS, class_line))
    for (where, name), quicker in ways:
        if hasattr(where, name):
            setattr(where, name, quicker(getattr(where, name)))


_install()
