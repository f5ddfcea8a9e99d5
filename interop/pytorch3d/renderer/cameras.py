"""PyTorch3D's cameras. View space: +X left, +Y up, +Z forward; points are row vectors, x_view = x_world R + T. In NDC the shorter image side spans [-1, 1]."""

import math
from abc import ABC, abstractmethod
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

from ....checks import check_shape
from ...checks import check_tensors
from ..transforms import Transform3d
from .utils import Batch, broadcast

__all__ = [
    "CamerasBase",
    "FoVOrthographicCameras",
    "FoVPerspectiveCameras",
    "OrthographicCameras",
    "PerspectiveCameras",
    "camera_position_from_spherical_angles",
    "get_world_to_view_transform",
    "look_at_rotation",
    "look_at_view_transform",
]

_R = torch.eye(3)[None]
_T = torch.zeros(1, 3)


def _matrix(like: torch.Tensor, rows: list[list[Any]]) -> torch.Tensor:
    """[N, 4, 4] of columns that multiply from the left, transposed for row vectors; entries are numbers or tensors [N]."""
    entries = [entry if isinstance(entry, torch.Tensor) else like.new_full((len(like),), float(entry)) for row in rows for entry in row]
    return torch.stack(torch.broadcast_tensors(*entries), -1).reshape(-1, 4, 4).mT


class CamerasBase(Batch, ABC):
    """What all cameras have. Methods take R, T and the camera's parameters as keywords; R and T so given are kept."""

    R: torch.Tensor
    T: torch.Tensor
    K: torch.Tensor | None

    def __init__(self, device: Any, **values: Any) -> None:
        super().__init__(device, **values)
        for name, shape in (("R", (3, 3)), ("T", (3,)), ("K", (4, 4))):
            if getattr(self, name) is not None:
                check_shape(type(self).__name__, name, getattr(self, name).shape, ("N", *shape))

    @abstractmethod
    def is_perspective(self) -> bool: ...

    def in_ndc(self) -> bool:
        return True

    def get_znear(self) -> Any:
        return getattr(self, "znear", None)

    def get_image_size(self) -> Any:
        return getattr(self, "image_size", None)

    @abstractmethod
    def _projection(self, values: dict[str, Any]) -> torch.Tensor: ...

    def get_projection_transform(self, **kwargs: Any) -> Transform3d:
        """From view space to NDC (or the screen, for a camera that is defined there)."""
        K = kwargs.get("K", self.K)
        if K is not None:
            if K.shape[1:] != (4, 4):
                raise ValueError(f"{type(self).__name__}: K must have shape (N, 4, 4), got {tuple(K.shape)}")
            return Transform3d(matrix=K.mT)
        values = {name: getattr(self, name) for name in self._names}
        values |= {
            name: torch.as_tensor(kwargs[name]).to(own) + torch.zeros_like(own) for name, own in values.items() if name in kwargs and name not in ("R", "T")
        }
        return Transform3d(matrix=self._projection(values))

    def get_world_to_view_transform(self, **kwargs: Any) -> Transform3d:
        self.R, self.T = kwargs.get("R", self.R), kwargs.get("T", self.T)
        return get_world_to_view_transform(self.R, self.T)

    def get_full_projection_transform(self, **kwargs: Any) -> Transform3d:
        return self.get_world_to_view_transform(**kwargs).compose(self.get_projection_transform(**kwargs))

    def get_camera_center(self, **kwargs: Any) -> torch.Tensor:
        """[N, 3] in the world."""
        return self.get_world_to_view_transform(**kwargs).inverse().get_matrix()[:, 3, :3]

    def get_ndc_camera_transform(self, **kwargs: Any) -> Transform3d:
        """From where `get_projection_transform` leads to NDC."""
        return Transform3d(device=self.device, dtype=self.R.dtype)

    def transform_points(self, points: torch.Tensor, eps: float | None = None, **kwargs: Any) -> torch.Tensor:
        return self.get_full_projection_transform(**kwargs).transform_points(points, eps=eps)

    def transform_points_ndc(self, points: torch.Tensor, eps: float | None = None, **kwargs: Any) -> torch.Tensor:
        return self.get_full_projection_transform(**kwargs).compose(self.get_ndc_camera_transform(**kwargs)).transform_points(points, eps=eps)

    def transform_points_screen(self, points: torch.Tensor, eps: float | None = None, with_xyflip: bool = True, **kwargs: Any) -> torch.Tensor:
        """In pixels: x right and y down from the upper left corner."""
        ndc = self.transform_points_ndc(points, eps=eps, **kwargs)
        flip = -1.0 if with_xyflip else 1.0
        return _screen_from_ndc(self, kwargs.get("image_size", self.get_image_size()), flip).transform_points(ndc, eps=eps)

    def unproject_points(self, xy_depth: torch.Tensor, world_coordinates: bool = True, from_ndc: bool = False, **kwargs: Any) -> torch.Tensor:
        """Points (x, y, depth), x and y as `transform_points` gives them, back in the world or in view space."""
        transform = self.get_projection_transform(**kwargs)
        if from_ndc:
            transform = transform.compose(self.get_ndc_camera_transform(**kwargs))
        flat = xy_depth if xy_depth.ndim == 3 else xy_depth.reshape(1, -1, 3)
        # The point of the same ray at the given depth: the third coordinate after projection is a function of the depth alone.
        depth = torch.cat([torch.zeros_like(flat[..., :2]), flat[..., 2:]], -1)
        third = transform.transform_points(depth)[..., 2:]
        third = third if third.ndim == 3 else third[None]
        xy = flat[..., :2].expand(len(third), -1, -1)
        view = transform.inverse().transform_points(torch.cat([xy, third], -1))
        points = self.get_world_to_view_transform(**kwargs).inverse().transform_points(view) if world_coordinates else view
        return points.reshape(xy_depth.shape) if points.numel() == xy_depth.numel() else points


class FoVPerspectiveCameras(CamerasBase):
    """Perspective, by its field of view (degrees, of the shorter image side)."""

    fov: torch.Tensor

    def __init__(
        self,
        znear: Any = 1.0,
        zfar: Any = 100.0,
        aspect_ratio: Any = 1.0,
        fov: Any = 60.0,
        degrees: bool = True,
        R: torch.Tensor = _R,
        T: torch.Tensor = _T,
        K: torch.Tensor | None = None,
        device: Any = "cpu",
    ) -> None:
        super().__init__(device, znear=znear, zfar=zfar, aspect_ratio=aspect_ratio, fov=fov, R=R, T=T, K=K)
        self.degrees = degrees

    def is_perspective(self) -> bool:
        return True

    def get_projection_transform(self, **kwargs: Any) -> Transform3d:
        unit = math.pi / 180 if kwargs.get("degrees", self.degrees) else 1.0
        return super().get_projection_transform(**kwargs | {"fov": kwargs.get("fov", self.fov) * unit})

    def _projection(self, values: dict[str, Any]) -> torch.Tensor:
        near, far = values["znear"], values["zfar"]
        y = 1 / torch.tan(values["fov"] / 2)
        return _matrix(near, [[y / values["aspect_ratio"], 0, 0, 0], [0, y, 0, 0], [0, 0, far / (far - near), -far * near / (far - near)], [0, 0, 1, 0]])


class FoVOrthographicCameras(CamerasBase):
    """Orthographic, by the box that is seen."""

    def __init__(
        self,
        znear: Any = 1.0,
        zfar: Any = 100.0,
        max_y: Any = 1.0,
        min_y: Any = -1.0,
        max_x: Any = 1.0,
        min_x: Any = -1.0,
        scale_xyz: Any = ((1.0, 1.0, 1.0),),
        R: torch.Tensor = _R,
        T: torch.Tensor = _T,
        K: torch.Tensor | None = None,
        device: Any = "cpu",
    ) -> None:
        super().__init__(
            device, znear=znear, zfar=zfar, max_y=max_y, min_y=min_y, max_x=max_x, min_x=min_x, scale_xyz=scale_xyz, R=R, T=T, K=K
        )  # fmt: skip

    def is_perspective(self) -> bool:
        return False

    def _projection(self, values: dict[str, Any]) -> torch.Tensor:
        near, far, scale = values["znear"], values["zfar"], values["scale_xyz"]
        width, height = values["max_x"] - values["min_x"], values["max_y"] - values["min_y"]
        middle_x, middle_y = (values["max_x"] + values["min_x"]) / width, (values["max_y"] + values["min_y"]) / height
        return _matrix(
            near,
            [
                [2 / width * scale[:, 0], 0, 0, -middle_x],
                [0, 2 / height * scale[:, 1], 0, -middle_y],
                [0, 0, scale[:, 2] / (far - near), -near / (far - near)],
                [0, 0, 0, 1],
            ],
        )


class _FocalCameras(CamerasBase):
    """Cameras by focal length and principal point: in NDC (+X left, +Y up), or with ``in_ndc=False`` in pixels (principal point x right, y down)."""

    focal_length: torch.Tensor
    principal_point: torch.Tensor
    image_size: torch.Tensor | None

    def __init__(
        self,
        focal_length: Any = 1.0,
        principal_point: Any = ((0.0, 0.0),),
        R: torch.Tensor = _R,
        T: torch.Tensor = _T,
        K: torch.Tensor | None = None,
        device: Any = "cpu",
        in_ndc: bool = True,
        image_size: Any = None,
    ) -> None:
        super().__init__(device, focal_length=focal_length, principal_point=principal_point, R=R, T=T, K=K, image_size=image_size)
        if self.image_size is not None and bool((self.image_size < 1).any()):
            raise ValueError(f"{type(self).__name__}: image_size must be (height, width) of at least 1, got {image_size}")
        focal = self.focal_length
        self.focal_length = (focal[:, None] if focal.ndim == 1 else focal).expand(-1, 2)
        self._in_ndc = in_ndc

    def in_ndc(self) -> bool:
        return self._in_ndc

    def get_principal_point(self, **kwargs: Any) -> torch.Tensor:
        """[N, 2]"""
        return self.get_projection_transform(**kwargs).get_matrix()[:, 2 if self.is_perspective() else 3, :2]

    def get_ndc_camera_transform(self, **kwargs: Any) -> Transform3d:
        if self.in_ndc():
            return super().get_ndc_camera_transform(**kwargs)
        point = self.get_principal_point(**kwargs)  # points left and up of it have positive coordinates, whereas it is counted to the right and down
        turned = Transform3d(matrix=_matrix(point[:, 0], [[1, 0, 0, -2 * point[:, 0]], [0, 1, 0, -2 * point[:, 1]], [0, 0, 1, 0], [0, 0, 0, 1]]))
        return turned.compose(_screen_from_ndc(self, kwargs.get("image_size", self.get_image_size()), 1.0).inverse())


def _focal_xy(values: dict[str, Any]) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    focal, point = values["focal_length"], values["principal_point"]
    focal = focal[:, None] if focal.ndim == 1 else focal
    return focal[:, 0], focal[:, -1], point[:, 0], point[:, 1]


class PerspectiveCameras(_FocalCameras):
    """Perspective, by focal length and principal point. It has no znear: nothing is cut off before the eye."""

    def is_perspective(self) -> bool:
        return True

    def _projection(self, values: dict[str, Any]) -> torch.Tensor:
        fx, fy, px, py = _focal_xy(values)
        return _matrix(fx, [[fx, 0, px, 0], [0, fy, py, 0], [0, 0, 0, 1], [0, 0, 1, 0]])


class OrthographicCameras(_FocalCameras):
    """Orthographic, by focal length (a scale) and principal point."""

    def is_perspective(self) -> bool:
        return False

    def _projection(self, values: dict[str, Any]) -> torch.Tensor:
        fx, fy, px, py = _focal_xy(values)
        return _matrix(fx, [[fx, 0, 0, px], [0, fy, 0, py], [0, 0, 1, 0], [0, 0, 0, 1]])


def _screen_from_ndc(cameras: CamerasBase, image_size: Any, flip: float) -> Transform3d:
    """Pixels from NDC, about the upper left corner; ``flip`` -1: to the right and down."""
    if image_size is None:
        raise ValueError(f"{type(cameras).__name__}: image_size must be given as ((height, width),), got None")
    size = torch.as_tensor(image_size).to(cameras.R).reshape(-1, 2)
    half, height, width = size.amin(1) / 2, size[:, 0], size[:, 1]
    rows: list[list[Any]] = [[flip * half, 0, 0, -flip * width / 2], [0, flip * half, 0, -flip * height / 2], [0, 0, 1, 0], [0, 0, 0, 1]]
    return Transform3d(matrix=_matrix(half, rows))


def get_world_to_view_transform(R: torch.Tensor = _R, T: torch.Tensor = _T) -> Transform3d:
    """x R + T, for R [N, 3, 3] and T [N, 3]."""
    check_tensors("get_world_to_view_transform", R=R)
    check_tensors("get_world_to_view_transform", T=T)
    if T.device != R.device:
        raise ValueError(f"get_world_to_view_transform: T must be on the device of R ({R.device}), got {T.device}")
    if R.ndim != 3 or R.shape[1:] != (3, 3):
        raise ValueError(f"get_world_to_view_transform: R must have shape (N, 3, 3), got {tuple(R.shape)}")
    if T.shape != (len(R), 3):
        raise ValueError(f"get_world_to_view_transform: T must have shape (N, 3) with N = {len(R)}, got {tuple(T.shape)}")
    rows = torch.cat([R, T[:, None].to(R)], 1)
    last_column = R.new_tensor([0.0, 0.0, 0.0, 1.0])[:, None].expand(len(R), 4, 1)
    return Transform3d(matrix=torch.cat([rows, last_column], 2))


def camera_position_from_spherical_angles(distance: Any, elevation: Any, azimuth: Any, degrees: bool = True, device: Any = "cpu") -> torch.Tensor:
    """[N, 3]; azimuth 0 is on the z axis."""
    given = broadcast("camera_position_from_spherical_angles", device, distance=distance, elevation=elevation, azimuth=azimuth)
    unit = math.pi / 180 if degrees else 1.0
    distance, elevation, azimuth = given["distance"].reshape(-1), given["elevation"].reshape(-1) * unit, given["azimuth"].reshape(-1) * unit
    flat = distance * torch.cos(elevation)
    return torch.stack([flat * torch.sin(azimuth), distance * torch.sin(elevation), flat * torch.cos(azimuth)], 1)


def _vectors(op: str, device: Any, **values: Any) -> list[torch.Tensor]:
    """Positions and directions [N, 3]; one vector may come without a batch."""
    for name, value in values.items():
        if not isinstance(value, (torch.Tensor, np.ndarray, list, tuple)) or len(value) == 0:
            raise TypeError(f"{op}: {name} must be positions of shape (N, 3), got {type(value).__name__}")
    batched = {name: value[None] if isinstance(value, torch.Tensor) and value.ndim == 1 else value for name, value in values.items()}
    batched = {name: [value] if not isinstance(value, torch.Tensor) and not hasattr(value[0], "__len__") else value for name, value in batched.items()}
    tensors = broadcast(op, device, **batched)
    for name, tensor in tensors.items():
        if tensor.shape[1:] != (3,):
            raise ValueError(f"{op}: {name} must have shape (N, 3), got {tuple(tensor.shape)}")
    return list(tensors.values())


def look_at_rotation(camera_position: Any, at: Any = ((0, 0, 0),), up: Any = ((0, 1, 0),), device: Any = "cpu") -> torch.Tensor:
    """R [N, 3, 3] of a camera that looks at ``at``."""
    camera_position, at, up = _vectors("look_at_rotation", device, camera_position=camera_position, at=at, up=up)
    z = F.normalize(at - camera_position, eps=1e-5)
    x = F.normalize(torch.linalg.cross(up, z), eps=1e-5)
    y = F.normalize(torch.linalg.cross(z, x), eps=1e-5)
    up_is_ahead = (x.abs() < 5e-3).all(1, keepdim=True)
    x = torch.where(up_is_ahead, F.normalize(torch.linalg.cross(y, z), eps=1e-5), x)
    return torch.stack([x, y, z], 2)


def look_at_view_transform(
    dist: Any = 1.0,
    elev: Any = 0.0,
    azim: Any = 0.0,
    degrees: bool = True,
    eye: Any = None,
    at: Any = ((0, 0, 0),),
    up: Any = ((0, 1, 0),),
    device: Any = "cpu",
) -> tuple[torch.Tensor, torch.Tensor]:
    """(R [N, 3, 3], T [N, 3]) of a camera at ``eye``, or at distance and angles from ``at``, that looks at ``at``."""
    op = "look_at_view_transform"
    if eye is None:
        (at,) = _vectors(op, device, at=at)
        eye = camera_position_from_spherical_angles(dist, elev, azim, degrees=degrees, device=device) + at
    eye, at, up = _vectors(op, device, eye=eye, at=at, up=up)
    R = look_at_rotation(eye, at, up, device=device)
    return R, -(eye[:, None] @ R)[:, 0]
