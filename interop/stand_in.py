"""Letting one package answer to the name of another, for the drop-ins."""

import sys
from typing import Any

__all__ = ["answer_to", "refuse"]


def refuse(name: str, other: Any) -> None:
    """RuntimeError, for a module ``other`` that has the name already."""
    raise RuntimeError(f"stand_in: it must be called before anything imports {name}, which is {getattr(other, '__file__', other)} already")


def answer_to(name: str, package: str) -> None:
    """From now on ``import name`` gives the package, with all of its modules that have been imported, in this process.

    Raises:
        RuntimeError: if another module of that name has been imported already.
    """
    here = sys.modules[package]
    other = sys.modules.get(name, here)
    if other is not here:
        refuse(name, other)
    for full_name, module in list(sys.modules.items()):
        if full_name == package or full_name.startswith(package + "."):
            sys.modules[name + full_name[len(package) :]] = module
