"""The part of Kaolin that DIB-R needs, name for name, on our kernels: `render.mesh`, and what it takes from `render.camera` and `ops.mesh`.

Change ``import kaolin`` to ``from taichi_softras.interop import kaolin``; or leave the import as it is, and call :func:`stand_in` before it.
"""

import sys

from . import ops, render

__all__ = ["ops", "render", "stand_in"]


def stand_in() -> None:
    """From now on ``import kaolin`` gives this package, in this process. (It is a small part of Kaolin: other names are not there.)

    Raises:
        RuntimeError: if another ``kaolin`` has been imported already.
    """
    here = sys.modules[__name__]
    other = sys.modules.get("kaolin", here)
    if other is not here:
        raise RuntimeError(f"stand_in: it must be called before anything imports kaolin, which is {getattr(other, '__file__', other)} already")
    for name, module in list(sys.modules.items()):
        if name == __name__ or name.startswith(__name__ + "."):
            sys.modules["kaolin" + name[len(__name__) :]] = module
