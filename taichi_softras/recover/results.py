"""What is done with a fit when it is over: the pictures once more at their own size, a mean of scores, which way is up."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from ..checks import check_kind, check_shape
from ..scene import Camera
from .metrics import Score
from .poses import carried_over
from .views import Capture, Views, scene_up

__all__ = ["Pictures", "mean_score", "rotation_to_y_up", "up_of"]

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
        which = range(len(self))[which]
        views = self.capture.views(which=[which])
        if self.fitted is None or self.moved is None:
            return views
        return replace(views, camera=carried_over(views.camera, self.fitted[which], self.moved[which]))


def mean_score(scores: Sequence[Score]) -> Score:
    """The mean of at least one: of pictures measured each by itself, as NeRF's literature has it."""
    return Score(**{name: float(np.mean([getattr(one, name) for one in scores])) for name in asdict(scores[0])})


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
