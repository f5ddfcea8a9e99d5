"""PyTorch3D's ``Transform3d``: 4 x 4 matrices that multiply row vectors from the right."""

import copy
import math
import os
import warnings
from collections.abc import Callable
from functools import reduce
from typing import Any

import torch
import torch.nn.functional as F

from ....checks import check_kind
from ...checks import as_tensor, check_tensors
from ..common.datatypes import Device, get_device, make_device
from .rotation_conversions import AXES, axis_rotation
from .se3 import se3_log_map

__all__ = ["Rotate", "RotateAxisAngle", "Scale", "Transform3d", "Translate"]


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
    """A batch of projective transforms. ``matrix``: [N, 4, 4] or [4, 4]; one that changes nothing by default, of ``dtype`` and on ``device``.

    A transform that was composed is inverted part by part, as in the original: the inverse of a rotation is its transpose.
    """

    _parts: tuple["Transform3d", ...] = ()  # of which it was composed; none: it is a part itself

    def __init__(self, dtype: torch.dtype = torch.float32, device: Device = "cpu", matrix: torch.Tensor | None = None) -> None:
        if matrix is None:
            matrix = torch.eye(4, dtype=dtype, device=make_device(device))
        check_tensors("Transform3d", matrix=matrix)
        if matrix.ndim not in (2, 3) or matrix.shape[-2:] != (4, 4):
            raise ValueError(f"Transform3d: matrix must have shape (N, 4, 4) or (4, 4), got {tuple(matrix.shape)}")
        self._matrix = matrix[None] if matrix.ndim == 2 else matrix

    def __len__(self) -> int:
        return len(self._matrix)

    def _mapped(self, function: Callable[[torch.Tensor], torch.Tensor]) -> "Transform3d":
        """One of the same kind, whose matrices went through ``function``."""
        other = copy.copy(self)
        other._matrix, other._parts = function(self._matrix), tuple(part._mapped(function) for part in self._parts)
        return other

    def __getitem__(self, index: Any) -> "Transform3d":
        """Those of a number, a slice, a list of numbers, or a tensor of numbers or of True and False. They are of the same kind."""
        try:
            matrix = self._matrix[[index] if isinstance(index, int) else index]
        except (IndexError, TypeError) as error:
            raise type(error)(f"Transform3d: the index must be of transforms 0 to {len(self) - 1}, got {index!r}") from error
        chosen = copy.copy(self)
        chosen._matrix, chosen._parts = matrix, ()
        return chosen

    @property
    def device(self) -> torch.device:
        return self._matrix.device

    @property
    def dtype(self) -> torch.dtype:
        return self._matrix.dtype

    def get_matrix(self) -> torch.Tensor:
        """[N, 4, 4], for the caller to keep."""
        return self._matrix.clone()

    def get_se3_log(self, eps: float = 1e-4, cos_bound: float = 1e-4) -> torch.Tensor:
        """[N, 6], see `se3_log_map`."""
        return se3_log_map(self._matrix, eps, cos_bound)

    def compose(self, *others: "Transform3d") -> "Transform3d":
        """This one first, then the others. One of a batch goes with all of another."""
        parts = [self]
        for other in others:
            if not hasattr(other, "get_matrix"):  # those of an installed PyTorch3D are welcome
                raise TypeError(f"Transform3d.compose: others must be Transform3d, got {type(other).__name__}")
            parts.append(other if isinstance(other, Transform3d) else Transform3d(matrix=other.get_matrix()))
            if other.device != self.device:
                raise ValueError(f"Transform3d.compose: others must be on the device of the first one ({self.device}), got {other.device}")
            if len(other) != len(self) and len(other) != 1 and len(self) != 1:
                raise ValueError(f"Transform3d.compose: others must be 1 or {len(self)} transforms, as the first one, got {len(other)}")
        dtype = reduce(torch.promote_types, (part.dtype for part in parts))
        composed = Transform3d(matrix=reduce(torch.matmul, (part._matrix.to(dtype) for part in parts)))
        composed._parts = tuple(small for part in parts for small in part._parts or (part,))
        return composed

    def _inverse_matrix(self) -> torch.Tensor:
        return torch.linalg.inv(self._matrix)

    def inverse(self, invert_composed: bool = False) -> "Transform3d":
        """The way back; ``invert_composed``: by the inverse of the matrix as a whole, not part by part."""
        if invert_composed:
            return Transform3d(matrix=torch.linalg.inv(self._matrix))
        if not self._parts:
            return Transform3d(matrix=self._inverse_matrix())
        first, *others = (part.inverse() for part in reversed(self._parts))
        return first.compose(*others)

    def stack(self, *others: "Transform3d") -> "Transform3d":
        """The batches one after the other."""
        for other in others:
            check_kind("Transform3d.stack", "others", other, Transform3d)
        return Transform3d(matrix=torch.cat([self._matrix, *(other._matrix for other in others)]))

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

    def translate(self, x: Any, y: Any = None, z: Any = None) -> "Transform3d":
        """This one, then a `Translate`."""
        return self.compose(Translate(x, y, z, dtype=self.dtype, device=self.device))

    def scale(self, x: Any, y: Any = None, z: Any = None) -> "Transform3d":
        """This one, then a `Scale`."""
        return self.compose(Scale(x, y, z, dtype=self.dtype, device=self.device))

    def rotate(self, R: torch.Tensor, orthogonal_tol: float = 1e-5) -> "Transform3d":
        """This one, then a `Rotate`."""
        return self.compose(Rotate(R, dtype=self.dtype, device=self.device, orthogonal_tol=orthogonal_tol))

    def rotate_axis_angle(self, angle: Any, axis: str = "X", degrees: bool = True) -> "Transform3d":
        """This one, then a `RotateAxisAngle`."""
        return self.compose(RotateAxisAngle(angle, axis, degrees, dtype=self.dtype, device=self.device))

    def clone(self) -> "Transform3d":
        return self._mapped(torch.clone)

    def to(self, device: Device, copy: bool = False, dtype: torch.dtype | None = None) -> "Transform3d":
        """On another device, or of another dtype; itself if nothing changes, unless a ``copy`` is wanted."""
        there, kind = make_device(device), self.dtype if dtype is None else dtype
        if not copy and (there, kind) == (self.device, self.dtype):
            return self
        return self._mapped(lambda matrix: matrix.to(there, kind, copy=copy))

    def cpu(self) -> "Transform3d":
        return self.to("cpu")

    def cuda(self) -> "Transform3d":
        return self.to("cuda")


def _numbers(op: str, name: str, values: Any, dtype: torch.dtype, device: torch.device) -> torch.Tensor:
    """[N] of a number, or of several."""
    tensor = as_tensor(op, name, values, dtype=dtype).to(device=device, dtype=dtype)
    if tensor.ndim > 1:
        raise ValueError(f"{op}: {name} must be a number, or have shape (N,), got {tuple(tensor.shape)}")
    return tensor.reshape(-1)


def _xyz(op: str, x: Any, y: Any, z: Any, dtype: torch.dtype, device: Device | None) -> torch.Tensor:
    """[N, 3] of such a tensor, or of three numbers or three tensors [N]."""
    there = get_device(x, device)
    rows = as_tensor(op, "x", x, dtype=dtype)
    if rows.ndim == 2:
        if rows.shape[1] != 3 or y is not None or z is not None:
            raise ValueError(f"{op}: x must have shape (N, 3) where y and z are not given, or be a number or of shape (N,), got {tuple(rows.shape)}")
        return rows.to(device=there, dtype=dtype)
    for name, value in (("y", y), ("z", z)):
        if value is None:
            raise ValueError(f"{op}: {name} must be given, as x is not of shape (N, 3), got None")
    columns = [_numbers(op, name, value, dtype, there) for name, value in (("x", x), ("y", y), ("z", z))]
    n = max(map(len, columns))
    for name, column in zip("xyz", columns, strict=True):
        if len(column) not in (1, n):
            raise ValueError(f"{op}: {name} must have 1 or {n} entries, got {len(column)}")
    return torch.stack([column.expand(n) for column in columns], 1)


def _affine(linear: torch.Tensor, offset: torch.Tensor) -> torch.Tensor:
    """[N, 4, 4] of [N, 3, 3] and [N, 3]."""
    last = linear.new_tensor([0.0, 0.0, 0.0, 1.0])[:, None].expand(len(linear), 4, 1)
    return torch.cat([torch.cat([linear, offset[:, None]], 1), last], 2)


class Translate(Transform3d):
    """Moves points by x, y and z: numbers or tensors [N] (1 goes with all), or all of it as one tensor [N, 3]; of ``dtype``, whatever theirs is."""

    def __init__(self, x: Any, y: Any = None, z: Any = None, dtype: torch.dtype = torch.float32, device: Device | None = None) -> None:
        offset = _xyz("Translate", x, y, z, dtype, device)
        super().__init__(matrix=_affine(torch.eye(3, dtype=dtype, device=offset.device).expand(len(offset), 3, 3), offset))

    def _inverse_matrix(self) -> torch.Tensor:
        return _affine(self._matrix[:, :3, :3], -self._matrix[:, 3, :3])


class Scale(Transform3d):
    """Multiplies x, y and z: numbers or tensors [N] (1 goes with all), or all of it as one tensor [N, 3]; or x alone, for all three. Of ``dtype``."""

    def __init__(self, x: Any, y: Any = None, z: Any = None, dtype: torch.dtype = torch.float32, device: Device | None = None) -> None:
        if y is None and z is None and as_tensor("Scale", "x", x).ndim < 2:
            y = z = x
        factors = _xyz("Scale", x, y, z, dtype, device)
        super().__init__(matrix=torch.diag_embed(F.pad(factors, (0, 1), value=1.0)))

    def _inverse_matrix(self) -> torch.Tensor:
        return torch.diag_embed(1 / self._matrix.diagonal(dim1=1, dim2=2))


class Rotate(Transform3d):
    """Turns points by R: [3, 3] or [N, 3, 3], which multiplies them from the right; of ``dtype``. Its inverse is its transpose.

    With PYTORCH3D_CHECK_ROTATION_MATRICES=1 in the environment it warns where R R^T is further than ``orthogonal_tol`` from 1, or det R is not 1.
    """

    def __init__(self, R: torch.Tensor, dtype: torch.dtype = torch.float32, device: Device | None = None, orthogonal_tol: float = 1e-5) -> None:
        check_tensors("Rotate", R=R)
        if R.ndim not in (2, 3) or R.shape[-2:] != (3, 3):
            raise ValueError(f"Rotate: R must have shape (3, 3) or (N, 3, 3), got {tuple(R.shape)}")
        R = (R if R.ndim == 3 else R[None]).to(device=get_device(R, device), dtype=dtype)
        if os.environ.get("PYTORCH3D_CHECK_ROTATION_MATRICES") == "1":
            off = (R @ R.mT - torch.eye(3, dtype=dtype, device=R.device)).detach().abs().max()
            if float(off) > orthogonal_tol or not torch.allclose(torch.linalg.det(R), R.new_ones(len(R))):
                warnings.warn("R is not a valid rotation matrix", stacklevel=2)
        super().__init__(matrix=_affine(R, R.new_zeros(len(R), 3)))

    def _inverse_matrix(self) -> torch.Tensor:
        return self._matrix.mT


class RotateAxisAngle(Rotate):
    """Turns points anticlockwise about an axis, "X", "Y" or "Z". ``angle``: a number or a tensor [N], in degrees or radians; of ``dtype``."""

    def __init__(self, angle: Any, axis: str = "X", degrees: bool = True, dtype: torch.dtype = torch.float32, device: Device | None = None) -> None:
        if not isinstance(axis, str) or axis.upper() not in tuple(AXES):
            raise ValueError(f"RotateAxisAngle: axis must be 'X', 'Y' or 'Z', got {axis!r}")
        angles = _numbers("RotateAxisAngle", "angle", angle, dtype, get_device(angle, device))
        super().__init__(axis_rotation(AXES.index(axis.upper()), angles * (math.pi / 180) if degrees else angles).mT, dtype=dtype)
