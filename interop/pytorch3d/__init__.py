"""The mesh half of PyTorch3D (0.7.9), name for name, on our kernels: compiled by nobody, on CPU and CUDA, with any number of faces per pixel.

Change ``from pytorch3d.renderer import ...`` to ``from taichi_softras.interop.pytorch3d.renderer import ...`` (the names of `renderer`, `structures` and
`transforms` may be taken from here, too); or leave the import as it is, and call `stand_in` before it. The modules are called as the original's are; what is no
mesh (`left_out`) can be imported, and says so when it is used. Meshes, cameras, lights and textures of an installed PyTorch3D are accepted too.
"""

from ..left_out import leave_out
from ..stand_in import answer_to
from . import common, io, loss, ops, renderer, structures, transforms, utils, vis
from .io import *  # noqa: F403
from .left_out import SINGLE, WHOLE
from .loss import *  # noqa: F403
from .ops import *  # noqa: F403
from .renderer import *  # noqa: F403
from .structures import *  # noqa: F403
from .transforms import *  # noqa: F403
from .utils import *  # noqa: F403
from .vis import *  # noqa: F403

__all__ = [
    "common",
    "io",
    "loss",
    "ops",
    "renderer",
    "stand_in",
    "structures",
    "transforms",
    "utils",
    "vis",
    *io.__all__,
    *loss.__all__,
    *ops.__all__,
    *renderer.__all__,
    *structures.__all__,
    *transforms.__all__,
    *utils.__all__,
    *vis.__all__,
]

leave_out(__name__, "pytorch3d", WHOLE, SINGLE)


def stand_in() -> None:
    """From now on ``import pytorch3d`` gives this package, in this process. (It is the mesh half of PyTorch3D: other names say that they are not there.)

    Raises:
        RuntimeError: if another ``pytorch3d`` has been imported already.
    """
    answer_to("pytorch3d", __name__)
