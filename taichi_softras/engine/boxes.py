"""Things in a binary tree of boxes, for kernels that look for some of them."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..runtime import Arrays

__all__ = ["Boxes"]

IN_A_LEAF = 2  # things, about
FINE = 2**21 - 1  # steps along each axis of the curve that the leaves are laid along
SPREAD = ((32, 0x1F00000000FFFF), (16, 0x1F0000FF0000FF), (8, 0x100F00F00F00F00F), (4, 0x10C30C30C30C30C3), (2, 0x1249249249249249))


@dataclass(frozen=True, kw_only=True, eq=False)
class Boxes:
    """A binary tree of boxes around things, in arrays: see `kernels/nearest.py`.

    Attributes:
        order: [N] int32, the things along a curve that fills space.
        starts: [L + 1] int32, where each of the L leaves begins in it.
        boxes: [2 L, 6] least and greatest x, y, z of each node.
    """

    order: np.ndarray
    starts: np.ndarray
    boxes: np.ndarray

    @property
    def n_leaves(self) -> int:
        return len(self.starts) - 1

    def on(self, arrays: Arrays) -> tuple[Any, Any, Any]:
        """The three as arrays of a library."""
        return arrays.index(self.order), arrays.index(self.starts), arrays.real(self.boxes)

    @classmethod
    def around(cls, corners: np.ndarray) -> "Boxes":
        """Of things with K corners each [N, K, 3], finite ones."""
        low, high = corners.min(1), corners.max(1)
        order = np.argsort(_along_curve((low / 2 + high / 2).astype(np.float64)))
        n_leaves = 1 << max(len(corners) // IN_A_LEAF, 1).bit_length() - 1
        starts = np.arange(n_leaves + 1) * len(corners) // n_leaves
        boxes = np.zeros((2 * n_leaves, 6), corners.dtype)
        boxes[n_leaves:, :3] = np.minimum.reduceat(low[order], starts[:-1])
        boxes[n_leaves:, 3:] = np.maximum.reduceat(high[order], starts[:-1])
        while n_leaves > 1:
            children = boxes[n_leaves : 2 * n_leaves].reshape(-1, 2, 6)
            n_leaves //= 2
            boxes[n_leaves : 2 * n_leaves, :3] = children[:, :, :3].min(1)
            boxes[n_leaves : 2 * n_leaves, 3:] = children[:, :, 3:].max(1)
        return cls(order=order.astype(np.int32), starts=starts.astype(np.int32), boxes=boxes)


def _along_curve(points: np.ndarray) -> np.ndarray:
    """[N] where points [N, 3] stand along the Z-curve (Morton 1966) through their box: the bits of x, y and z in turn."""
    low = points.min(0)
    steps = ((points - low) * (FINE / max(float(np.ptp(points, axis=0).max()), 1e-300))).astype(np.uint64)
    for shift, mask in SPREAD:
        steps = (steps | (steps << np.uint64(shift))) & np.uint64(mask)
    return steps[:, 0] | steps[:, 1] << np.uint64(1) | steps[:, 2] << np.uint64(2)
