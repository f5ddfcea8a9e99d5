"""SoftRas's losses, on batches [B, V, 3]."""

import torch
from torch import nn

from ...checks import check_corners, check_flag, check_shape
from ...scene import Connectivity
from .. import losses
from ..checks import check_tensors

__all__ = ["FlattenLoss", "LaplacianLoss"]


class _BatchLoss(nn.Module):
    """A loss of our own for each mesh of a batch."""

    def __init__(self, connectivity: Connectivity, average: bool) -> None:
        super().__init__()
        self.connectivity, self.average = connectivity, average

    def of_one(self, vertices: torch.Tensor) -> torch.Tensor:
        """The loss of one mesh [V, 3]."""
        raise TypeError(f"{type(self).__name__}: a loss must say what it is of one mesh")

    def forward(self, vertices: torch.Tensor) -> torch.Tensor:
        """[B, V, 3] to [B], or to their mean."""
        check_tensors(type(self).__name__, vertices=vertices)
        if vertices.ndim != 3:
            raise ValueError(f"{type(self).__name__}: vertices must have shape (B, V, 3), got {tuple(vertices.shape)}")
        values = torch.stack([self.of_one(one) for one in vertices])
        return values.sum() / len(values) if self.average else values


class LaplacianLoss(_BatchLoss):
    """Sum over vertices of |v - mean of its neighbours|^2, sparse inside. A vertex without neighbours counts nothing (the original gives NaN)."""

    def __init__(self, vertex: torch.Tensor, faces: torch.Tensor, average: bool = False) -> None:
        check_flag("LaplacianLoss", "average", average)
        if not hasattr(vertex, "shape"):
            raise TypeError(f"LaplacianLoss: vertex must be an array, got {type(vertex).__name__}")
        check_shape("LaplacianLoss", "vertex", vertex.shape, ("V", 3))
        super().__init__(Connectivity.of(faces, len(vertex)), average)

    def of_one(self, vertices: torch.Tensor) -> torch.Tensor:
        return losses.laplacian(vertices, self.connectivity)


class FlattenLoss(_BatchLoss):
    """Sum over edges with two faces of (cos theta + 1)^2.

    All such edges count, and open meshes are welcome (the original finds edges 01 and 12 of the faces only).
    """

    def __init__(self, faces: torch.Tensor, average: bool = False) -> None:
        check_flag("FlattenLoss", "average", average)
        indices = check_corners("FlattenLoss", "faces", faces, "vertices", 2**31 - 1)
        super().__init__(Connectivity.of(indices, int(indices.max()) + 1), average)

    def of_one(self, vertices: torch.Tensor) -> torch.Tensor:
        return losses.flatten(vertices, self.connectivity, epsilon=1e-6)
