"""Kaolin's ``kaolin.render.camera.extrinsics``: where cameras are, and how they are turned."""

import copy
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import torch
import torch.nn.functional as F

from .....checks import check_flag, check_shape
from ....checks import as_tensor, check_tensor
from .extrinsics_backends import BACKENDS, ExtrinsicsParamsDefEnum, ExtrinsicsRep, check_matrices, register_backend

__all__ = ["CameraExtrinsics", "ExtrinsicsRep", "allclose", "register_backend"]

Numbers = Any  # a tensor, an array, or nested lists of numbers
Amount = float | torch.Tensor


def _tensor(op: str, name: str, values: Numbers, dtype: torch.dtype | None, device: torch.device | str | None) -> torch.Tensor:
    if getattr(values, "is_complex", bool)():
        raise TypeError(f"{op}: {name} must be real numbers, got {values.dtype}")
    own = device if device is not None or not isinstance(values, torch.Tensor) else values.device
    return as_tensor(op, name, values, torch.empty(0, dtype=dtype or torch.get_default_dtype(), device=own))


def _vectors(op: str, name: str, values: Numbers, dtype: torch.dtype | None, device: torch.device | str | None) -> torch.Tensor:
    """[C, 3] of [3], [3, 1], [C, 3] or [C, 3, 1]."""
    given = _tensor(op, name, values, dtype, device)
    vectors = given[..., 0] if given.ndim > 1 and given.shape[-1] == 1 else given
    vectors = vectors[None] if vectors.ndim == 1 else vectors
    if vectors.ndim != 2 or vectors.shape[1] != 3:
        raise ValueError(f"{op}: {name} must have shape (3), (3, 1), (C, 3) or (C, 3, 1), got {tuple(given.shape)}")
    return vectors


class CameraExtrinsics:
    """Positions and orientations of C cameras: the matrix from the world to the camera, [R t; 0 1].

    Camera space: x right, y up, looking along -z. The numbers behind the matrices, `parameters`, are of one of `available_backends`: "matrix_se3", the matrix
    itself, or "matrix_6dof_rotation", which a descent leaves a rotation. That is chosen by whether gradient is wanted, unless you name one.

    Made by `from_lookat`, `from_camera_pose` or `from_view_matrix`.
    """

    DEFAULT_BACKEND = "matrix_se3"
    DEFAULT_DIFFERENTIABLE_BACKEND = "matrix_6dof_rotation"

    def __init__(self, backend: ExtrinsicsRep, shared_fields: dict[str, Any] | None = None) -> None:
        if not isinstance(backend, ExtrinsicsRep):
            raise TypeError(f"CameraExtrinsics: backend must be an ExtrinsicsRep, got {type(backend).__name__}; see from_lookat, from_view_matrix")
        self._backend = backend
        self._shared_fields: dict[str, Any] = {} if shared_fields is None else shared_fields  # with views, as camera[0]
        if shared_fields is None:
            self._shared_fields |= {"base_change_matrix": torch.eye(3, device=self.device, dtype=self.dtype), "user_requested_backend": False}

    # ------------------------------------------------------------------------------------------------------------------ how it is made

    @classmethod
    def from_lookat(
        cls,
        eye: Numbers,
        at: Numbers,
        up: Numbers,
        dtype: torch.dtype | None = None,
        device: torch.device | str | None = None,
        requires_grad: bool = False,
        backend: str | None = None,
    ) -> "CameraExtrinsics":
        """Cameras at ``eye`` that look at ``at``, each [3], [3, 1], [C, 3] or [C, 3, 1].

        Gradient: to eye, at and up if ``requires_grad``; without, the camera is cut off from them.
        """
        op = "CameraExtrinsics.from_lookat"
        eyes, ats, ups = (_vectors(op, name, values, dtype, device) for name, values in (("eye", eye), ("at", at), ("up", up)))
        n_cameras = max(len(eyes), len(ats), len(ups))
        for name, vectors in (("eye", eyes), ("at", ats), ("up", ups)):
            if len(vectors) not in (1, n_cameras):
                raise ValueError(f"{op}: {name} must have shape (C, 3) with C = {n_cameras}, got {tuple(vectors.shape)}")
        forward, ups, eyes = torch.broadcast_tensors(F.normalize(ats - eyes, dim=1), ups, eyes)
        right = F.normalize(torch.cross(forward, ups, dim=1), dim=1)
        rotation = torch.stack([right, torch.cross(right, forward, dim=1), -forward], 1)
        return cls._posed(rotation, -rotation @ eyes[..., None], requires_grad, backend)

    @classmethod
    def from_camera_pose(
        cls,
        cam_pos: Numbers,
        cam_dir: Numbers,
        dtype: torch.dtype | None = None,
        device: torch.device | str | None = None,
        requires_grad: bool = False,
        backend: str | None = None,
    ) -> "CameraExtrinsics":
        """Cameras at ``cam_pos`` ([3], [3, 1], [C, 3] or [C, 3, 1]), whose axes in the world are the columns of ``cam_dir`` ([3, 3] or [C, 3, 3])."""
        op = "CameraExtrinsics.from_camera_pose"
        positions = _vectors(op, "cam_pos", cam_pos, dtype, device)
        axes = _tensor(op, "cam_dir", cam_dir, dtype, device)
        axes = axes[None] if axes.ndim == 2 else axes
        check_shape(op, "cam_dir", axes.shape, ("C", 3, 3), {} if 1 in (len(positions), len(axes)) else {"C": len(positions)})
        rotation = axes.mT.expand(max(len(axes), len(positions)), 3, 3)
        return cls._posed(rotation, -rotation @ positions[..., None], requires_grad, backend)

    @classmethod
    def from_view_matrix(
        cls,
        view_matrix: Numbers,
        dtype: torch.dtype | None = None,
        device: torch.device | str | None = None,
        requires_grad: bool = False,
        backend: str | None = None,
    ) -> "CameraExtrinsics":
        """Of matrices [C, 4, 4] or [4, 4], camera from world, for columns."""
        op = "CameraExtrinsics.from_view_matrix"
        mat = _tensor(op, "view_matrix", view_matrix, dtype, device)
        mat = mat[None] if mat.ndim == 2 else mat
        check_matrices(op, "view_matrix", mat)
        return cls._of(mat.clone(), requires_grad, backend)

    @classmethod
    def _posed(cls, rotation: torch.Tensor, translation: torch.Tensor, requires_grad: bool, backend: str | None) -> "CameraExtrinsics":
        last = rotation.new_tensor([0.0, 0.0, 0.0, 1.0]).expand(len(rotation), 1, 4)
        return cls._of(torch.cat([torch.cat([rotation, translation], 2), last], 1), requires_grad, backend)

    @classmethod
    def _of(cls, mat: torch.Tensor, requires_grad: bool, backend: str | None) -> "CameraExtrinsics":
        check_flag("CameraExtrinsics", "requires_grad", requires_grad)
        name = backend or (cls.DEFAULT_DIFFERENTIABLE_BACKEND if requires_grad else cls.DEFAULT_BACKEND)
        extrinsics = cls(_backend_called(name).from_mat(mat, requires_grad=requires_grad))
        extrinsics._shared_fields["user_requested_backend"] = backend is not None
        return extrinsics

    @classmethod
    def cat(cls, cameras: "Sequence[CameraExtrinsics]") -> "CameraExtrinsics | None":
        """All of them as one, with the first one's backend and axes; None of none."""
        if len(cameras) == 0:
            return None
        first = cameras[0]
        together = cls._of(torch.cat([camera.view_matrix() for camera in cameras]), first.requires_grad, first.backend_name)
        together._base_change_matrix = first._base_change_matrix
        return together

    def as_dict(self) -> dict[str, Any]:
        """The matrix as lists, for JSON; `from_dict` reads it."""
        return {"view_matrix": self.view_matrix().squeeze(0).detach().cpu().tolist()}

    @classmethod
    def from_dict(cls, in_dict: dict[str, Any]) -> "CameraExtrinsics":
        if "view_matrix" not in in_dict:
            raise ValueError(f"CameraExtrinsics.from_dict: in_dict must have a view_matrix, got {sorted(in_dict)}")
        return cls.from_view_matrix(in_dict["view_matrix"])

    # ------------------------------------------------------------------------------------------------------------------ its matrices

    def view_matrix(self) -> torch.Tensor:
        """[C, 4, 4], camera from world. Gradient: to `parameters`."""
        return self._backend.convert_to_mat()

    def inv_view_matrix(self) -> torch.Tensor:
        """[C, 4, 4], world from camera."""
        back = self.R.mT
        last = back.new_tensor([0.0, 0.0, 0.0, 1.0]).expand(len(self), 1, 4)
        return torch.cat([torch.cat([back, -back @ self.t], 2), last], 1)

    def update(self, mat: torch.Tensor) -> None:
        """Puts the cameras where these matrices [C, 4, 4] have them."""
        check_matrices("CameraExtrinsics.update", "mat", mat)
        self._backend.update(mat)

    @property
    def R(self) -> torch.Tensor:  # noqa: N802
        """[C, 3, 3]: its rows are the camera's right, up and backward axes in the world."""
        return self.view_matrix()[:, :3, :3]

    @R.setter
    def R(self, val: torch.Tensor) -> None:  # noqa: N802
        mat = self.view_matrix().clone()
        mat[:, :3, :3] = val
        self._backend.update(mat)

    @property
    def t(self) -> torch.Tensor:
        """[C, 3, 1]: where the world's origin is to the camera."""
        return self.view_matrix()[:, :3, 3:]

    @t.setter
    def t(self, val: torch.Tensor) -> None:
        mat = self.view_matrix().clone()
        mat[:, :3, 3:] = val[..., None] if val.ndim == 1 else val
        self._backend.update(mat)

    def cam_pos(self) -> torch.Tensor:
        """[C, 3, 1]: the cameras' positions in the world."""
        return -self.R.mT @ self.t

    def cam_right(self) -> torch.Tensor:
        """[C, 3, 1]: their right, in the world."""
        return self.R[:, 0, :, None]

    def cam_up(self) -> torch.Tensor:
        """[C, 3, 1]: their up, in the world."""
        return self.R[:, 1, :, None]

    def cam_forward(self) -> torch.Tensor:
        """[C, 3, 1]: their z axis, in the world. It is where they look away from: Kaolin calls it forward."""
        return self.R[:, 2, :, None]

    # ------------------------------------------------------------------------------------------------------------------ points and rays

    def transform(self, vectors: torch.Tensor) -> torch.Tensor:
        """[C, B, 3]: points [B, 3] or [C, B, 3] of the world, to the cameras."""
        return self._points("transform", "vectors", vectors) @ self.R.mT + self.t.mT

    def inv_transform_rays(self, ray_orig: torch.Tensor, ray_dir: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Origins and directions [C, B, 3] in the world, of rays [B, 3] or [C, B, 3] in camera space."""
        origins, directions = (self._points("inv_transform_rays", name, rays) for name, rays in (("ray_orig", ray_orig), ("ray_dir", ray_dir)))
        return (origins - self.t.mT) @ self.R, directions @ self.R

    def _points(self, method: str, name: str, points: torch.Tensor) -> torch.Tensor:
        op = f"CameraExtrinsics.{method}"
        n_cameras = len(self)
        one_for_all = isinstance(points, torch.Tensor) and points.ndim == 3 and (len(points) == 1 or n_cameras == 1)
        check_tensor(
            op, name, points, ("C", "B", 3) if isinstance(points, torch.Tensor) and points.ndim == 3 else ("B", 3), {} if one_for_all else {"C": n_cameras}
        )
        self._check_like_own(op, name, points)
        return points.expand(max(n_cameras, len(points) if points.ndim == 3 else 1), -1, 3)

    def _check_like_own(self, op: str, name: str, tensor: torch.Tensor) -> None:
        if tensor.dtype != self.dtype:
            raise TypeError(f"{op}: {name} must have the dtype of the camera ({self.dtype}), got {tensor.dtype}")
        if tensor.device != self.device:
            raise ValueError(f"{op}: {name} must be on the device of the camera ({self.device}), got {tensor.device}")

    # ------------------------------------------------------------------------------------------------------------------ how it is moved

    def translate(self, t: torch.Tensor) -> None:
        """Moves the cameras by ``t`` in the world: [3] or [3, 1] for all, [C, 3, 1] for each."""
        op = "CameraExtrinsics.translate"
        if not isinstance(t, torch.Tensor):
            raise TypeError(f"{op}: t must be a torch.Tensor, got {type(t).__name__}")
        self._check_like_own(op, "t", t)
        columns = t if t.shape[-1:] == (1,) else t[..., None]
        if columns.shape[-2:] != (3, 1) or (columns.ndim == 3 and len(columns) not in (1, len(self))) or columns.ndim > 3:
            raise ValueError(f"{op}: t must have shape (3), (3, 1) or (C, 3, 1) with C = {len(self)}, got {tuple(t.shape)}")
        self.t = self.t - self.R @ columns

    def rotate(self, yaw: Amount | None = None, pitch: Amount | None = None, roll: Amount | None = None) -> None:
        """Turns the cameras about their own up, right and backward axes, in this order, by radians: a number for all, or [C]."""
        turned = self.view_matrix()
        for name, angle, (i, j) in (("yaw", yaw, (2, 0)), ("pitch", pitch, (1, 2)), ("roll", roll, (1, 0))):
            if angle is None:
                continue
            angles = as_tensor("CameraExtrinsics.rotate", name, angle, turned)
            if angles.numel() not in (1, len(self)):
                raise ValueError(f"CameraExtrinsics.rotate: {name} must be a number, or have shape (C) with C = {len(self)}, got {tuple(angles.shape)}")
            angles = angles.reshape(-1).expand(len(self))
            turn = torch.eye(4, dtype=self.dtype, device=self.device).repeat(len(self), 1, 1)
            turn[:, i, i] = turn[:, j, j] = angles.cos()
            turn[:, i, j], turn[:, j, i] = angles.sin(), -angles.sin()
            turned = turn @ turned
        self._backend.update(turned)

    def move_right(self, amount: Amount) -> None:
        """Moves the cameras along their right."""
        self._move("move_right", 0, amount)

    def move_up(self, amount: Amount) -> None:
        """Moves them along their up."""
        self._move("move_up", 1, amount)

    def move_forward(self, amount: Amount) -> None:
        """Moves them along `cam_forward`: away from what they look at."""
        self._move("move_forward", 2, amount)

    def _move(self, method: str, axis: int, amount: Amount) -> None:
        along = torch.zeros_like(self.t)
        along[:, axis] = 1
        self.t = self.t - along * as_tensor(f"CameraExtrinsics.{method}", "amount", amount, along)

    def change_coordinate_system(self, basis_change: Numbers) -> None:
        """Goes over to a world of other axes: a permutation with signs [3, 3], see `blender_coords`. Changes that follow each other add up."""
        op = "CameraExtrinsics.change_coordinate_system"
        change = _tensor(op, "basis_change", basis_change, self.dtype, self.device)
        check_shape(op, "basis_change", change.shape, (3, 3))
        self._base_change_matrix = self._base_change_matrix @ change
        self.R = self.R @ change.T

    def reset_coordinate_system(self) -> None:
        """Goes back to Kaolin's own world."""
        self.change_coordinate_system(self._base_change_matrix.T)

    @property
    def basis_change_matrix(self) -> torch.Tensor:
        """[3, 3]: all changes of axes so far."""
        return self._base_change_matrix

    @property
    def _base_change_matrix(self) -> torch.Tensor:
        return self._shared_fields["base_change_matrix"]

    @_base_change_matrix.setter
    def _base_change_matrix(self, value: torch.Tensor) -> None:
        self._shared_fields["base_change_matrix"] = value

    # ------------------------------------------------------------------------------------------------------------------ its numbers

    def parameters(self) -> torch.Tensor:
        """[C, K]: the numbers that are kept and learned; what they are, the backend says."""
        return self._backend.params

    def named_params(self) -> list[dict[str, torch.Tensor]]:
        """Of each camera, the numbers of its orientation R and position t."""
        return [{param.name: row[self._backend.param_idx(param)] for param in ExtrinsicsParamsDefEnum} for row in self.parameters()]

    def gradient_mask(self, *args: "str | ExtrinsicsParamsDefEnum") -> torch.Tensor:
        """[C, K] bool: true for the numbers of "R" and "t", as they are named; to multiply a gradient with."""
        mask = torch.zeros_like(self.parameters(), dtype=torch.bool)
        for arg in args:
            if not isinstance(arg, ExtrinsicsParamsDefEnum) and arg not in ExtrinsicsParamsDefEnum.__members__:
                raise ValueError(f"CameraExtrinsics.gradient_mask: arguments must be of 'R', 't', got {arg!r}")
            mask[:, self._backend.param_idx(ExtrinsicsParamsDefEnum[arg] if isinstance(arg, str) else arg)] = True
        return mask

    @property
    def requires_grad(self) -> bool:
        """Whether gradient flows to `parameters`. To set it changes the backend, unless you named one."""
        return self._backend.requires_grad

    @requires_grad.setter
    def requires_grad(self, val: bool) -> None:
        check_flag("CameraExtrinsics", "requires_grad", val)
        if val != self.requires_grad and not self._shared_fields["user_requested_backend"]:
            is_leaf = self.parameters().is_leaf
            self._switch(self.DEFAULT_DIFFERENTIABLE_BACKEND if val and is_leaf else self.DEFAULT_BACKEND, val)
        elif val != self.requires_grad:
            self._backend.requires_grad = val

    @classmethod
    def available_backends(cls) -> Iterable[str]:
        """The names of all backends."""
        return BACKENDS.keys()

    @property
    def backend_name(self) -> str:
        return self._backend.backend_name()

    def switch_backend(self, backend_name: str) -> None:
        """Keeps the cameras in another way from now on, whatever happens to ``requires_grad``. No gradient flows through the change."""
        self._switch(backend_name, self.requires_grad)
        self._shared_fields["user_requested_backend"] = True

    def _switch(self, name: str, requires_grad: bool) -> None:
        self._backend = _backend_called(name).from_mat(self.view_matrix().detach(), requires_grad=requires_grad)
        self._shared_fields = dict(self._shared_fields)  # views stay as they were

    @property
    def device(self) -> torch.device:
        return self._backend.device

    @property
    def dtype(self) -> torch.dtype:
        return self._backend.dtype

    def to(self, *args: Any, **kwargs: Any) -> "CameraExtrinsics":
        """Itself if nothing changes, else another one, as `torch.Tensor.to` takes it."""
        moved = self._backend.to(*args, **kwargs)
        if moved is self._backend:
            return self
        other = CameraExtrinsics(moved, dict(self._shared_fields))
        other._base_change_matrix = self._base_change_matrix.to(*args, **kwargs).clone()
        return other

    def cpu(self) -> "CameraExtrinsics":
        return self.to("cpu")

    def cuda(self) -> "CameraExtrinsics":
        return self.to("cuda")

    def half(self) -> "CameraExtrinsics":
        return self.to(torch.float16)

    def float(self) -> "CameraExtrinsics":
        return self.to(torch.float32)

    def double(self) -> "CameraExtrinsics":
        return self.to(torch.float64)

    def __len__(self) -> int:
        return len(self._backend)

    def __getitem__(self, item: Any) -> "CameraExtrinsics":
        return CameraExtrinsics(self._backend[item], self._shared_fields)

    def __deepcopy__(self, memo: dict[int, Any]) -> "CameraExtrinsics":
        backend = type(self._backend)(self.parameters().detach().clone())
        if self.requires_grad:
            backend.params.requires_grad_()
        return CameraExtrinsics(backend, copy.deepcopy(self._shared_fields, memo))

    def __repr__(self) -> str:
        return f"CameraExtrinsics of {len(self)} cameras on {self.device}, {self.dtype}, {self.backend_name}: {self.parameters()}"

    @classmethod
    def __torch_function__(cls, func: Callable[..., Any], types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return allclose(*args, **(kwargs or {})) if func is torch.allclose else NotImplemented


def _backend_called(name: str) -> type[ExtrinsicsRep]:
    if name not in BACKENDS:
        raise ValueError(f"CameraExtrinsics: backend must be one of {', '.join(map(repr, BACKENDS))}, got {name!r}")
    return BACKENDS[name]


def allclose(input: CameraExtrinsics, other: CameraExtrinsics, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False) -> bool:  # noqa: A002
    """Whether their numbers are, and they are of one backend."""
    for name, given in (("input", input), ("other", other)):
        if not isinstance(given, CameraExtrinsics):
            raise TypeError(f"allclose: {name} must be a CameraExtrinsics, got {type(given).__name__}")
    return input.backend_name == other.backend_name and torch.allclose(input.parameters(), other.parameters(), rtol=rtol, atol=atol, equal_nan=equal_nan)
