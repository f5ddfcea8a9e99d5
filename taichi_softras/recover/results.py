"""What a fit leaves behind: the mesh with its texture, pictures of it, and how good it is, in figures."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from ..checks import check_kind, check_shape
from ..scene import Camera, Mesh
from .atlas import unwrap
from .metrics import Score, score
from .texture import BakeOptions, TextureFit, texels_shown
from .views import Capture, Views, scene_up

__all__ = ["Pictures", "measured", "rotation_to_y_up", "texture_fit", "up_of"]

ALONG_AXIS = np.cos(np.radians(10.0))  # a mean camera up that is so near to an axis of the world is taken to be it


@dataclass(frozen=True, eq=False)
class Pictures(Sequence[Views]):
    """The pictures of a capture at their own size, read one by one when they are asked for, with cameras that may have been moved since.

    Args:
        capture: whose pictures.
        fitted, moved: the cameras that a fit began with, and those it has ended with; None if they were not moved.
    """

    capture: Capture
    fitted: Camera | None = None
    moved: Camera | None = None

    def __len__(self) -> int:
        return len(self.capture)

    def __getitem__(self, which: Any) -> Any:
        if isinstance(which, slice):
            return [self[i] for i in range(*which.indices(len(self)))]
        views = self.capture.views(which=[range(len(self))[which]])
        if self.fitted is None or self.moved is None:
            return views
        intrinsics = np.array(views.camera.intrinsics, np.float64)
        intrinsics[:, :2] *= (np.asarray(self.moved.intrinsics) / np.asarray(self.fitted.intrinsics))[[which], :2]
        return replace(views, camera=replace(views.camera, camera_from_world=np.asarray(self.moved.camera_from_world)[[which]], intrinsics=intrinsics))


def texture_fit(mesh: Mesh, pictures: Sequence[Views], gains: np.ndarray | None, options: BakeOptions | None = None) -> TextureFit:
    """The making of a texture for a mesh without texture coordinates, as fine as the pictures show it; see `bake`."""
    options = options or BakeOptions()
    texels = max(1, min(round(texels_shown(mesh, pictures) * options.detail**2), options.largest_side**2))
    unwrapped, size = unwrap(replace(mesh, colors=None), texels, options.largest_side)
    return TextureFit(unwrapped, size, pictures, options, gains=gains)


def measured(render: Callable[[Mesh, Views], Views], mesh: Mesh, pictures: Sequence[Views], progress: Callable[[], object] | None = None) -> Score:
    """The mean of the scores of each picture by itself, as NeRF's literature has it; one is in memory at a time.

    Args:
        render: of `Fit`.
        progress: called after each picture, if it is given.
    """
    scores = []
    for i in range(len(pictures)):
        views = pictures[i]
        scores.append(asdict(score(render(mesh, views), views)))
        if progress is not None:
            progress()
    return Score(**{name: float(np.mean([one[name] for one in scores])) for name in scores[0]})


def up_of(camera: Camera) -> np.ndarray:
    """[3] up in the world of cameras: the axis nearest to `scene_up`, if there is one within ten degrees."""
    up = scene_up(camera)
    axis = int(np.abs(up).argmax())
    return np.sign(up[axis]) * np.eye(3)[axis] if abs(up[axis]) > ALONG_AXIS else up


def rotation_to_y_up(up: np.ndarray) -> np.ndarray:
    """[3, 3] the smallest turn that brings ``up`` [3] (any length) to +y; half a turn about x if it is -y."""
    check_kind("rotation_to_y_up", "up", up, np.ndarray)
    check_shape("rotation_to_y_up", "up", up.shape, (3,))
    x, y, z = up / np.linalg.norm(up)
    if y < -1 + 1e-12:
        return np.diag([1.0, -1.0, -1.0])
    cross = np.array([[0, -x, 0], [x, 0, z], [0, -z, 0]])  # [up x e_y]x
    return np.eye(3) + cross + cross @ cross / (1 + y)
