"""The part of Kaolin that DIB-R needs, name for name, on our kernels: `render.mesh`, and what it takes from `render.camera` and `ops.mesh`.

Change ``import kaolin`` to ``from taichi_softras.interop import kaolin``; or leave the import as it is, and call `stand_in` before it.
"""

from ..stand_in import answer_to
from . import metrics, ops, render

__all__ = ["metrics", "ops", "render", "stand_in"]


def stand_in() -> None:
    """From now on ``import kaolin`` gives this package, in this process. (It is a small part of Kaolin: other names are not there.)

    Raises:
        RuntimeError: if another ``kaolin`` has been imported already.
    """
    answer_to("kaolin", __name__)
