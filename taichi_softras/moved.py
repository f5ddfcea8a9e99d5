"""Modules that have moved into rooms: their old paths go on working for one version, and say where the new ones are.

A path of before is one entry here and no file: a finder at the end of `sys.meta_path`, which is asked only for what is not found otherwise.
"""

import importlib
import importlib.abc
import importlib.machinery
import sys
import warnings
from collections.abc import Sequence
from types import ModuleType

__all__ = ["MOVED", "moved_module"]

MOVED = {
    **dict.fromkeys(("camera", "connectivity", "foreign_files", "mesh", "settings", "shapes", "topology"), "scene"),
    **dict.fromkeys(("arrays", "budget", "devices", "launch", "spare_memory"), "runtime"),
    **dict.fromkeys(("binning", "clipping", "dibr", "fragments", "lighting", "losses", "optimizers"), "engine"),
    **dict.fromkeys(("rasterizer", "renderer", "surfaces", "textures", "voxels"), "engine"),
    **dict.fromkeys(("fit", "metrics", "pictures", "views"), "recover"),
    **dict.fromkeys(("cli", "doctor"), "app"),
}
"""The room of each module that once lay beside this file."""

PACKAGE = __name__.rpartition(".")[0]


def moved_module(name: str) -> ModuleType:
    """The module that was ``taichi_softras.NAME``, with a warning that names the new place.

    (The warning points at who imports: Python leaves its own frames out of the ``stacklevel``.)
    """
    place = f"{PACKAGE}.{MOVED[name]}.{name}"
    warnings.warn(f"{PACKAGE}.{name} is now {place}; the old path goes with the next version", DeprecationWarning, stacklevel=3)
    module, room = importlib.import_module(place), importlib.import_module(f"{PACKAGE}.{MOVED[name]}")
    for own in room.__all__:  # what has since moved to another module of the room is found by the old path, too
        if own in vars(room) and not hasattr(module, own):
            setattr(module, own, getattr(room, own))
    return module


class _Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    def find_spec(self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None) -> importlib.machinery.ModuleSpec | None:
        package, _, name = fullname.rpartition(".")
        return importlib.machinery.ModuleSpec(fullname, self) if package == PACKAGE and name in MOVED else None

    def exec_module(self, module: ModuleType) -> None:
        """Both paths lead to one module: what is imported is the one of the new path."""
        sys.modules[module.__name__] = moved_module(module.__name__.rpartition(".")[2])


sys.meta_path.append(_Finder())
