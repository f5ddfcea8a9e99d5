"""Kaolin's ``kaolin.render.camera.extrinsics_backends``: how positions and orientations of cameras are kept as numbers that may be learned."""

import warnings
from abc import ABC, abstractmethod
from enum import IntEnum
from typing import Any, ClassVar

import torch
import torch.nn.functional as F

from ....checks import check_tensor

__all__ = ["BACKENDS", "ExtrinsicsParamsDefEnum", "ExtrinsicsRep", "register_backend"]


class ExtrinsicsParamsDefEnum(IntEnum):
    """What the numbers of a camera are of."""

    R = 0  # its orientation
    t = 1  # its position


class ExtrinsicsRep(ABC):
    """Numbers ``params`` [C, K] of C cameras, and the way from them to matrices [C, 4, 4] (camera from world) and back.

    A way of your own is a class with the four methods below, under `register_backend`.
    """

    params: torch.Tensor

    def __init__(
        self, params: torch.Tensor, dtype: torch.dtype | None = None, device: torch.device | str | None = None, requires_grad: bool = False
    ) -> None:  # fmt: skip
        params = params.to(device=device, dtype=dtype)
        if params.grad_fn is None or not requires_grad:  # numbers that were computed keep their way back if they want gradient
            params = params.detach().requires_grad_(requires_grad)
        self.params = params

    @classmethod
    def from_mat(
        cls, mat: torch.Tensor, dtype: torch.dtype | None = None, device: torch.device | str | None = None, requires_grad: bool = False
    ) -> "ExtrinsicsRep":  # fmt: skip
        """Of matrices [C, 4, 4]."""
        return cls(cls.convert_from_mat(mat), dtype, device, requires_grad)

    @abstractmethod
    def convert_to_mat(self) -> torch.Tensor:
        """[C, 4, 4]."""

    @classmethod
    @abstractmethod
    def convert_from_mat(cls, mat: torch.Tensor) -> torch.Tensor:
        """``params`` [C, K] of matrices [C, 4, 4]."""

    @classmethod
    @abstractmethod
    def param_idx(cls, param: ExtrinsicsParamsDefEnum) -> list[int]:
        """Which of the K numbers are of the orientation, or of the position."""

    @classmethod
    @abstractmethod
    def backend_name(cls) -> str:
        """What it is called."""

    def update(self, mat: torch.Tensor) -> None:
        """Takes the numbers of these matrices [C, 4, 4]."""
        self.params = self.convert_from_mat(mat)

    def to(self, *args: Any, **kwargs: Any) -> "ExtrinsicsRep":
        """Itself if nothing changes, else another one, as `torch.Tensor.to` takes it."""
        moved = self.params.to(*args, **kwargs)
        return self if moved is self.params else type(self)(moved, requires_grad=moved.requires_grad)

    def __getitem__(self, item: Any) -> "ExtrinsicsRep":
        params = self.params[item]
        return type(self)(params[None] if params.ndim == 1 else params, requires_grad=self.requires_grad)

    def __len__(self) -> int:
        return len(self.params)

    @property
    def device(self) -> torch.device:
        return self.params.device

    @property
    def dtype(self) -> torch.dtype:
        return self.params.dtype

    @property
    def requires_grad(self) -> bool:
        return self.params.requires_grad

    @requires_grad.setter
    def requires_grad(self, val: bool) -> None:
        if not self.params.is_leaf:
            self.params = self.params.detach()
        self.params.requires_grad = val


BACKENDS: dict[str, type[ExtrinsicsRep]] = {}


def register_backend(backend_class: type[ExtrinsicsRep]) -> type[ExtrinsicsRep]:
    """Makes a class known by its `ExtrinsicsRep.backend_name`; a decorator."""
    if not (isinstance(backend_class, type) and issubclass(backend_class, ExtrinsicsRep)):
        raise TypeError(f"register_backend: backend_class must be a subclass of ExtrinsicsRep, got {backend_class!r}")
    BACKENDS[backend_class.backend_name()] = backend_class
    return backend_class


@register_backend
class MatrixSE3(ExtrinsicsRep):
    """The matrix itself, 16 numbers. A descent does not keep it a rotation."""

    _indices: ClassVar = {ExtrinsicsParamsDefEnum.R: [0, 1, 2, 4, 5, 6, 8, 9, 10], ExtrinsicsParamsDefEnum.t: [3, 7, 11]}

    def __init__(
        self, params: torch.Tensor, dtype: torch.dtype | None = None, device: torch.device | str | None = None, requires_grad: bool = False
    ) -> None:  # fmt: skip
        super().__init__(params, dtype, device, requires_grad)
        self._warn(requires_grad)

    @ExtrinsicsRep.requires_grad.setter  # type: ignore[attr-defined]
    def requires_grad(self, val: bool) -> None:
        self._warn(val)
        ExtrinsicsRep.requires_grad.fset(self, val)  # type: ignore[attr-defined]

    @staticmethod
    def _warn(requires_grad: bool) -> None:
        if requires_grad:
            warnings.warn("CameraExtrinsics: a descent on matrix_se3 does not keep it a rotation; matrix_6dof_rotation does", UserWarning, stacklevel=5)

    def convert_to_mat(self) -> torch.Tensor:
        return self.params.clone().reshape(-1, 4, 4)

    @classmethod
    def convert_from_mat(cls, mat: torch.Tensor) -> torch.Tensor:
        return mat.reshape(-1, 16)

    @classmethod
    def param_idx(cls, param: ExtrinsicsParamsDefEnum) -> list[int]:
        return cls._indices[param]

    @classmethod
    def backend_name(cls) -> str:
        return "matrix_se3"


@register_backend
class Matrix6DofRotation(ExtrinsicsRep):
    """The first two rows of the rotation and the translation, 9 numbers: whatever they are, they give a rotation (Zhou et al. 2019, by Gram and Schmidt)."""

    def convert_to_mat(self) -> torch.Tensor:
        first, second, translation = self.params.split(3, 1)
        x = F.normalize(first, dim=1)
        y = F.normalize(second - (x * second).sum(1, keepdim=True) * x, dim=1)
        rows = torch.stack([x, y, torch.cross(x, y, dim=1)], 1)
        last = self.params.new_tensor([0.0, 0.0, 0.0, 1.0]).expand(len(self), 1, 4)
        return torch.cat([torch.cat([rows, translation[..., None]], 2), last], 1)

    @classmethod
    def convert_from_mat(cls, mat: torch.Tensor) -> torch.Tensor:
        return torch.cat([mat[:, 0, :3], mat[:, 1, :3], mat[:, :3, 3]], 1)

    @classmethod
    def param_idx(cls, param: ExtrinsicsParamsDefEnum) -> list[int]:
        return list(range(6)) if param == ExtrinsicsParamsDefEnum.R else [6, 7, 8]

    @classmethod
    def backend_name(cls) -> str:
        return "matrix_6dof_rotation"


def check_matrices(op: str, name: str, mat: torch.Tensor) -> None:
    """[C, 4, 4] of real numbers."""
    check_tensor(op, name, mat, ("C", 4, 4))
