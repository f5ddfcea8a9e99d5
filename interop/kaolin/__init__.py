"""The mesh half of Kaolin (0.18), name for name, on our kernels: meshes and their files, cameras, DIB-R, materials and light, metrics, time lines of training.

Change ``import kaolin`` to ``from taichi_softras.interop import kaolin``; or leave the import as it is, and call `stand_in` before it. What is not a mesh
(`left_out`) can be imported, and says so when it is used.
"""

from ..left_out import leave_out
from ..stand_in import answer_to
from . import io, metrics, ops, render, rep, utils, visualize
from .left_out import SINGLE, WHOLE

__all__ = ["io", "metrics", "ops", "render", "rep", "stand_in", "utils", "visualize"]

leave_out(__name__, "kaolin", WHOLE, SINGLE)


def stand_in() -> None:
    """From now on ``import kaolin`` gives this package, in this process. (It is the mesh half of Kaolin: other names say that they are not there.)

    Raises:
        RuntimeError: if another ``kaolin`` has been imported already.
    """
    answer_to("kaolin", __name__)
