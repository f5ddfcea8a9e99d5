"""Kaolin's ``kaolin.render.camera.intrinsics``: what all lenses have in common."""

import copy
import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from enum import IntEnum
from typing import Any, ClassVar

import torch

from .....checks import check_integer, check_number
from ....checks import as_tensor, check_tensor

__all__ = ["CameraFOV", "CameraIntrinsics", "IntrinsicsParamsDefEnum", "allclose", "down_from_homogeneous", "up_to_homogeneous"]

MAX_SIDE = 1 << 24  # pixels
Amount = float | torch.Tensor


def up_to_homogeneous(vectors: torch.Tensor) -> torch.Tensor:
    """[..., 4]: points [..., 3] with a 1 behind; what has four numbers already stays."""
    check_tensor("up_to_homogeneous", "vectors", vectors, _shape_of(vectors, 4 if _is_homogeneous(vectors) else 3))
    return vectors if vectors.shape[-1] == 4 else torch.cat([vectors, torch.ones_like(vectors[..., :1])], -1)


def down_from_homogeneous(homogeneous_vectors: torch.Tensor) -> torch.Tensor:
    """[..., 3]: [..., 4] divided by the last of the four."""
    check_tensor("down_from_homogeneous", "homogeneous_vectors", homogeneous_vectors, _shape_of(homogeneous_vectors, 4))
    return homogeneous_vectors[..., :-1] / homogeneous_vectors[..., -1:]


def _is_homogeneous(vectors: Any) -> bool:
    return isinstance(vectors, torch.Tensor) and vectors.shape[-1:] == (4,)


def _shape_of(vectors: Any, last: int) -> tuple[str | int, ...]:
    n_letters = max(vectors.ndim - 1, 0) if isinstance(vectors, torch.Tensor) else 0
    return (*(f"N{i}" for i in range(n_letters)), last)


class CameraFOV(IntEnum):
    """Along which side of the image an angle of view is measured."""

    HORIZONTAL = 0
    VERTICAL = 1
    DIAGONAL = 2


IntrinsicsParamsDefEnum = IntEnum  # what the numbers of a lens are called, in their order; each lens has its own


class CameraIntrinsics(ABC):
    """The lens of C cameras: numbers ``params`` [C, K] that may be learned, and one image size and range of depths for all.

    What is seen comes to NDC: x to the right and y up in [-1, 1] across and along the image, z from -1 at ``near`` to 1 at ``far``.
    """

    DEFAULT_NEAR = 1e-2
    DEFAULT_FAR = 1e2
    _lenses: ClassVar[dict[str, "type[CameraIntrinsics]"]] = {}

    def __init__(self, width: int, height: int, params: torch.Tensor, near: float = DEFAULT_NEAR, far: float = DEFAULT_FAR) -> None:
        op = type(self).__name__
        check_integer(op, "width", width, 1, MAX_SIDE)
        check_integer(op, "height", height, 1, MAX_SIDE)
        check_number(op, "near", near)
        check_number(op, "far", far)
        if near == far:
            raise ValueError(f"{op}: far must differ from near, got {far} for both")
        check_tensor(op, "params", params, ("C", self.param_count()))
        self.params = params
        self._shared_fields: dict[str, Any] = {"width": width, "height": height, "near": float(near), "far": float(far)}  # with views, as lens[0]

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        CameraIntrinsics._lenses[cls.registered_name()] = cls

    @classmethod
    def registered_name(cls) -> str:
        """What `as_dict` calls it."""
        return cls.__name__

    @classmethod
    @abstractmethod
    def param_types(cls) -> Any:
        """The enum of its numbers."""

    @property
    @abstractmethod
    def lens_type(self) -> str:
        """ "pinhole" or "ortho"."""

    @abstractmethod
    def projection_matrix(self) -> torch.Tensor:
        """[C, 4, 4], NDC from camera space, before the division by the last coordinate. Gradient: to ``params``."""

    @abstractmethod
    def zoom(self, amount: Amount) -> None:
        """Comes closer (or less so)."""

    @classmethod
    def _allocate_params(
        cls, *args: Any, num_cameras: int = 1, device: torch.device | str | None = None, dtype: torch.dtype | None = None
    ) -> torch.Tensor:  # fmt: skip
        """[C, K] of one number for all, or of [C], each."""
        like, columns = torch.empty(0, dtype=dtype or torch.get_default_dtype(), device=device), []
        for param, value in zip(cls.param_types(), args, strict=True):
            column = as_tensor(cls.__name__, param.name, value, like).reshape(-1)
            if len(column) not in (1, num_cameras):
                raise ValueError(f"{cls.__name__}: {param.name} must be a number, or have shape (C) with C = {num_cameras}, got {tuple(column.shape)}")
            columns.append(column.expand(num_cameras))
        return torch.stack(columns, 1)

    # ------------------------------------------------------------------------------------------------------------------ what it does

    def project(self, vectors: torch.Tensor) -> torch.Tensor:
        """[C, B, 4]: points of camera space, [B, 3], [C, B, 3] or with four coordinates, before the division by the last."""
        op = f"{type(self).__name__}.project"
        last = 4 if _is_homogeneous(vectors) else 3
        one_for_all = isinstance(vectors, torch.Tensor) and (len(self) == 1 or len(vectors) == 1)
        expected = ("C", "B", last) if isinstance(vectors, torch.Tensor) and vectors.ndim == 3 else ("B", last)
        check_tensor(op, "vectors", vectors, expected, {} if one_for_all else {"C": len(self)})
        return up_to_homogeneous(vectors) @ self.projection_matrix().mT

    def transform(self, vectors: torch.Tensor) -> torch.Tensor:
        """[C, B, 3] in NDC: points of camera space, [B, 3], [C, B, 3] or with four coordinates."""
        return down_from_homogeneous(self.project(vectors))

    def normalize_depth(self, depth: torch.Tensor) -> torch.Tensor:
        """[C, N] in [0, 1] from ``near`` to ``far``, of depths [N] or [C, N] (positive ahead, outside of the range as at its end), as NDC measures them.

        Of an orthographic lens, too, it is by 1/depth, as in Kaolin.
        """
        op = f"{type(self).__name__}.normalize_depth"
        check_tensor(op, "depth", depth, ("C", "N") if isinstance(depth, torch.Tensor) and depth.ndim > 1 else ("N",), {"C": len(self)})
        z = self.projection_matrix()[:, 2]
        kept = depth.clamp(min(self.near, self.far), max(self.near, self.far))
        ndc = -z[:, None, 2] + z[:, None, 3] / kept
        return ((ndc + 1) / 2).clamp(0, 1)

    def clip_mask(self, depth: torch.Tensor) -> torch.Tensor:
        """Whether depths of any shape are between ``near`` and ``far``."""
        if not isinstance(depth, torch.Tensor):
            raise TypeError(f"{type(self).__name__}.clip_mask: depth must be a torch.Tensor, got {type(depth).__name__}")
        return (depth >= min(self.near, self.far)) & (depth <= max(self.near, self.far))

    def viewport_matrix(
        self, vl: float = 0, vr: float | None = None, vb: float = 0, vt: float | None = None, min_depth: float = 0.0, max_depth: float = 1.0
    ) -> torch.Tensor:  # fmt: skip
        """[1, 4, 4]: from NDC to a window from ``vl`` to ``vr`` and ``vb`` to ``vt`` (the whole image by default, y up), and depths between the last two."""
        ends = ((vl, self.width if vr is None else vr), (vb, self.height if vt is None else vt), (min_depth, max_depth))
        matrix = torch.eye(4, dtype=self.dtype, device=self.device)
        for axis, (low, high) in enumerate(ends):
            matrix[axis, axis], matrix[axis, 3] = (high - low) / 2, (high + low) / 2
        return matrix[None]

    def aspect_ratio(self) -> float:
        """Width / height."""
        return self.width / self.height

    # ------------------------------------------------------------------------------------------------------------------ what it is

    @property
    def width(self) -> int:
        """Of the image, in pixels."""
        return self._shared_fields["width"]

    @width.setter
    def width(self, value: int) -> None:
        check_integer(type(self).__name__, "width", value, 1, MAX_SIDE)
        self._shared_fields["width"] = value

    @property
    def height(self) -> int:
        """Of the image, in pixels."""
        return self._shared_fields["height"]

    @height.setter
    def height(self, value: int) -> None:
        check_integer(type(self).__name__, "height", value, 1, MAX_SIDE)
        self._shared_fields["height"] = value

    @property
    def near(self) -> Any:
        """The depth that becomes -1."""
        return self._shared_fields["near"]

    @near.setter
    def near(self, value: Any) -> None:
        check_number(type(self).__name__, "near", value)
        self._shared_fields["near"] = value

    @property
    def far(self) -> Any:
        """The depth that becomes 1."""
        return self._shared_fields["far"]

    @far.setter
    def far(self, value: Any) -> None:
        check_number(type(self).__name__, "far", value)
        self._shared_fields["far"] = value

    @property
    def ndc_min(self) -> Any:
        return -1.0

    @property
    def ndc_max(self) -> Any:
        return 1.0

    def set_ndc_range(self, ndc_min: Any, ndc_max: Any) -> None:
        """NDC is [-1, 1]; another range is refused, as in Kaolin."""
        if (ndc_min, ndc_max) != (-1, 1):
            raise NotImplementedError(f"{type(self).__name__}.set_ndc_range: the range must be (-1, 1), got ({ndc_min}, {ndc_max})")

    def parameters(self) -> torch.Tensor:
        """[C, K]: the numbers that are learned."""
        return self.params

    def param_count(self) -> int:
        """K."""
        return len(self.param_types())

    def named_params(self) -> list[dict[str, Any]]:
        """Of each camera, its numbers by name."""
        return [{param.name: value for param, value in zip(self.param_types(), row, strict=True)} for row in self.params.tolist()]

    def _set_param(self, name: str, value: Any) -> None:
        """A number for all cameras, or [C]."""
        values = as_tensor(type(self).__name__, name, value, self.params)
        if values.ndim > 1 or values.numel() not in (1, len(self)):
            raise ValueError(f"{type(self).__name__}: {name} must be a number, or have shape (C) with C = {len(self)}, got {tuple(values.shape)}")
        self.params[:, self.param_types()[name]] = values

    def gradient_mask(self, *args: Any) -> torch.Tensor:
        """[C, K] bool: true for the numbers that are named; to multiply a gradient with."""
        names = self.param_types().__members__
        mask = torch.zeros_like(self.params, dtype=torch.bool)
        for arg in args:
            if not isinstance(arg, self.param_types()) and arg not in names:
                raise ValueError(f"{type(self).__name__}.gradient_mask: arguments must be of {', '.join(map(repr, names))}, got {arg!r}")
            mask[:, names[arg] if isinstance(arg, str) else arg] = True
        return mask

    @property
    def requires_grad(self) -> bool:
        """Whether gradient flows to ``params``."""
        return self.params.requires_grad

    @requires_grad.setter
    def requires_grad(self, val: bool) -> None:
        self.params.requires_grad = val

    def as_dict(self) -> dict[str, Any]:
        """Of one camera, all that makes it again with `from_dict`, for JSON."""
        if len(self) != 1:
            raise ValueError(f"{type(self).__name__}.as_dict: there must be one camera, got {len(self)}")
        return {"width": self.width, "height": self.height, **self.named_params()[0], "near": self.near, "far": self.far, "classname": self.registered_name()}

    @classmethod
    def from_dict(cls, in_dict: dict[str, Any]) -> "CameraIntrinsics":
        """What `as_dict` told: of the lens that is named in it, if it is asked of `CameraIntrinsics` itself."""
        lens: Any = CameraIntrinsics._lenses.get(in_dict.get("classname", "")) if cls is CameraIntrinsics else cls
        if lens is None:
            raise ValueError(f"CameraIntrinsics.from_dict: classname must be one of {sorted(CameraIntrinsics._lenses)}, got {in_dict.get('classname')!r}")
        return lens._from_numbers(**{key: value for key, value in in_dict.items() if key != "classname"})

    @classmethod
    def _from_numbers(cls, **numbers: Any) -> "CameraIntrinsics":
        raise NotImplementedError(f"{cls.__name__}: it cannot be made of its numbers")

    @classmethod
    def cat(cls, cameras: "Sequence[CameraIntrinsics]") -> "CameraIntrinsics | None":
        """All of them as one, with the first one's image size and depths; None of none."""
        if len(cameras) == 0:
            return None
        first = cameras[0]
        for camera in cameras:
            if type(camera) is not type(first):
                raise TypeError(f"CameraIntrinsics.cat: cameras must be of one lens, got {type(first).__name__} and {type(camera).__name__}")
        return type(first)(first.width, first.height, torch.cat([camera.params for camera in cameras]), first.near, first.far)

    @property
    def device(self) -> torch.device:
        return self.params.device

    @property
    def dtype(self) -> torch.dtype:
        return self.params.dtype

    def to(self, *args: Any, **kwargs: Any) -> "CameraIntrinsics":
        """Itself if nothing changes, else another one, as `torch.Tensor.to` takes it."""
        moved = self.params.to(*args, **kwargs)
        return self if moved is self.params else type(self)(self.width, self.height, moved, self.near, self.far)

    def cpu(self) -> "CameraIntrinsics":
        return self.to("cpu")

    def cuda(self) -> "CameraIntrinsics":
        return self.to("cuda")

    def half(self) -> "CameraIntrinsics":
        return self.to(torch.float16)

    def float(self) -> "CameraIntrinsics":
        return self.to(torch.float32)

    def double(self) -> "CameraIntrinsics":
        return self.to(torch.float64)

    def __len__(self) -> int:
        return len(self.params)

    def __getitem__(self, item: Any) -> "CameraIntrinsics":
        """Some of the cameras, which share their numbers and image size with these."""
        some = copy.copy(self)
        params = self.params[item]
        some.params = params[None] if params.ndim == 1 else params
        return some

    def __repr__(self) -> str:
        return f"{type(self).__name__} of {len(self)} cameras, {self.width} x {self.height}: {self.named_params()}"

    @classmethod
    def __torch_function__(cls, func: Callable[..., Any], types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return allclose(*args, **(kwargs or {})) if func is torch.allclose else NotImplemented


def allclose(input: CameraIntrinsics, other: CameraIntrinsics, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False) -> bool:  # noqa: A002
    """Whether they are of one lens and one image size, and their numbers are close."""
    for name, given in (("input", input), ("other", other)):
        if not isinstance(given, CameraIntrinsics):
            raise TypeError(f"allclose: {name} must be a CameraIntrinsics, got {type(given).__name__}")
    alike = type(input) is type(other) and (input.width, input.height) == (other.width, other.height)
    return alike and torch.allclose(input.params, other.params, rtol=rtol, atol=atol, equal_nan=equal_nan)


def tan_half(op: str, angle: Any) -> float:
    """Of an angle of view in radians."""
    check_number(op, "fov", angle, 0.0, math.pi)
    return math.tan(angle / 2)


def check_matrix_args(op: str, ends: dict[str, Any]) -> None:
    """Finite numbers, of which no two opposite ones are equal."""
    for name, value in ends.items():
        check_number(op, name, value)
    for low, high in (("left", "right"), ("bottom", "top"), ("near", "far")):
        if ends[low] == ends[high]:
            raise ValueError(f"{op}: {high} must differ from {low}, got {ends[high]} for both")
