"""PyTorch3D's ``Transform3d``: 4 x 4 matrices that multiply row vectors from the right."""

from typing import Any

import torch

from ...checks import check_tensors

__all__ = ["Transform3d"]


def _batch(op: str, name: str, rows: torch.Tensor, n: int) -> torch.Tensor:
    """[P, 3] or [N, P, 3], for ``n`` transforms, as a batch."""
    check_tensors(op, **{name: rows})
    if rows.ndim not in (2, 3) or rows.shape[-1] != 3:
        raise ValueError(f"{op}: {name} must have shape (P, 3) or (N, P, 3), got {tuple(rows.shape)}")
    batch = rows if rows.ndim == 3 else rows[None]
    if len(batch) not in (1, n) and n != 1:
        raise ValueError(f"{op}: {name} must be of 1 or {n} batches, as many as transforms, got {len(batch)}")
    return batch


class Transform3d:
    """A batch of projective transforms. ``matrix``: [N, 4, 4] or [4, 4]; one by default."""

    def __init__(self, dtype: torch.dtype = torch.float32, device: Any = "cpu", matrix: torch.Tensor | None = None) -> None:
        if matrix is None:
            matrix = torch.eye(4, dtype=dtype, device=device)
        check_tensors("Transform3d", matrix=matrix)
        if matrix.ndim not in (2, 3) or matrix.shape[-2:] != (4, 4):
            raise ValueError(f"Transform3d: matrix must have shape (N, 4, 4) or (4, 4), got {tuple(matrix.shape)}")
        self._matrix = matrix[None] if matrix.ndim == 2 else matrix

    def __len__(self) -> int:
        return len(self._matrix)

    def __getitem__(self, index: Any) -> "Transform3d":
        return Transform3d(matrix=self._matrix[[index] if isinstance(index, int) else index])

    @property
    def device(self) -> torch.device:
        return self._matrix.device

    @property
    def dtype(self) -> torch.dtype:
        return self._matrix.dtype

    def get_matrix(self) -> torch.Tensor:
        """[N, 4, 4]"""
        return self._matrix

    def compose(self, *others: "Transform3d") -> "Transform3d":
        """This one first, then the others."""
        matrix = self._matrix
        for other in others:
            matrix = matrix @ other.get_matrix()
        return Transform3d(matrix=matrix)

    def inverse(self) -> "Transform3d":
        return Transform3d(matrix=torch.linalg.inv(self._matrix))

    def to(self, device: Any) -> "Transform3d":
        return Transform3d(matrix=self._matrix.to(device))

    def clone(self) -> "Transform3d":
        return Transform3d(matrix=self._matrix.clone())

    def transform_points(self, points: torch.Tensor, eps: float | None = None) -> torch.Tensor:
        """Points [P, 3] or [N, P, 3], divided by their fourth coordinate, which ``eps`` keeps off zero. [P, 3] stay so if there is one transform."""
        batch = _batch("Transform3d.transform_points", "points", points, len(self))
        matrix = self._matrix.to(batch.dtype)
        moved = batch @ matrix[:, :3] + matrix[:, 3:]
        w = moved[..., 3:]
        if eps is not None:
            w = torch.where(w < 0, -1.0, 1.0).to(w) * w.abs().clamp(min=eps)
        moved = moved[..., :3] / w
        return moved[0] if points.ndim == 2 and len(moved) == 1 else moved

    def transform_normals(self, normals: torch.Tensor) -> torch.Tensor:
        """Normals [P, 3] or [N, P, 3], by the inverse transpose; not of unit length."""
        batch = _batch("Transform3d.transform_normals", "normals", normals, len(self))
        moved = batch @ torch.linalg.inv(self._matrix.to(batch.dtype)[:, :3, :3]).mT
        return moved[0] if normals.ndim == 2 and len(moved) == 1 else moved
