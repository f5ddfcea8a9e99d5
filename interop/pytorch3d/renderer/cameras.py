"""PyTorch3D's cameras. View space: +X left, +Y up, +Z forward; points are row vectors, x_view = x_world R + T. In NDC the shorter image side spans [-1, 1]."""

import math
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

from ....checks import check_shape
from ...checks import as_tensor, check_keywords, check_last, check_tensor, check_tensors
from ..common.datatypes import Device
from ..transforms import Rotate, Transform3d, Translate
from .utils import HANDED_ON, TensorProperties, broadcast, check_handed_on, check_no_texts

__all__ = [
    "CamerasBase",
    "FoVOrthographicCameras",
    "FoVPerspectiveCameras",
    "OpenGLOrthographicCameras",
    "OpenGLPerspectiveCameras",
    "OrthographicCameras",
    "PerspectiveCameras",
    "SfMOrthographicCameras",
    "SfMPerspectiveCameras",
    "camera_position_from_spherical_angles",
    "get_ndc_to_screen_transform",
    "get_screen_to_ndc_transform",
    "get_world_to_view_transform",
    "look_at_rotation",
    "look_at_view_transform",
    "try_get_projection_transform",
]

_R = torch.eye(3)[None]
_T = torch.zeros(1, 3)
_BatchFloatType = float | Sequence[float] | torch.Tensor  # cameras of the user's own import these two, too
_FocalLengthType = float | Sequence[tuple[float]] | Sequence[tuple[float, float]] | torch.Tensor


def _matrix(like: torch.Tensor, rows: list[list[Any]]) -> torch.Tensor:
    """[N, 4, 4] that multiplies columns from the left; entries are numbers or tensors [N]."""
    entries = [entry if isinstance(entry, torch.Tensor) else like.new_full((len(like),), float(entry)) for row in rows for entry in row]
    return torch.stack(torch.broadcast_tensors(*entries), -1).reshape(-1, 4, 4)


class CamerasBase(TensorProperties):
    """What all cameras have. Methods take the camera's properties as keywords, in place of those that it was made with; R and T so given are kept.

    A kind of camera names its properties in ``_FIELDS``, those that are the same for the whole batch in ``_SHARED_FIELDS``, too. Its ``__init__`` takes them by
    these names (less a leading underscore), so that cameras can be picked (`__getitem__`) and joined (`join_cameras_as_batch`).
    """

    _FIELDS: tuple[str, ...] = ()
    _SHARED_FIELDS: tuple[str, ...] = ()
    R: torch.Tensor
    T: torch.Tensor
    K: torch.Tensor | None

    def __init__(self, dtype: torch.dtype = torch.float32, device: Device = "cpu", **kwargs: Any) -> None:
        super().__init__(dtype, device, **kwargs)
        for name, shape in (("R", (3, 3)), ("T", (3,)), ("K", (4, 4))):
            if getattr(self, name, None) is not None:
                check_shape(type(self).__name__, name, getattr(self, name).shape, ("N", *shape))

    @property
    def keywords(self) -> frozenset[str] | None:
        """The properties that methods take by name; None: nobody said."""
        return frozenset(name for name in self._FIELDS if not name.startswith("_")) or None

    def _check(self, kwargs: dict[str, Any]) -> None:
        check_handed_on(type(self).__name__, kwargs, self)

    def _given(self, name: str, kwargs: dict[str, Any]) -> torch.Tensor:
        """A property [N, ...], or what was given in its place."""
        own: torch.Tensor = getattr(self, name)
        if name not in kwargs:
            return own
        value = as_tensor(type(self).__name__, name, kwargs[name], own)
        value = value[None] if value.ndim == 0 else value
        short = {(), (1,)} if name == "focal_length" else set()
        if tuple(value.shape[1:]) not in {tuple(own.shape[1:])} | short:
            raise ValueError(f"{type(self).__name__}: {name} must have shape {('N', *own.shape[1:])}, got {tuple(value.shape)}".replace("'", ""))
        return value

    def __getitem__(self, index: Any) -> Any:
        """The cameras of a number, a slice, a list of numbers, or a tensor of numbers or of True and False: always a batch.

        Raises:
            TypeError: if it is none of these. IndexError: if there is no such camera. ValueError: for other than N of True and False.
        """
        op, n = type(self).__name__, len(self)
        numbers = isinstance(index, list) and all(isinstance(i, int) and not isinstance(i, bool) for i in index)
        tensor = isinstance(index, torch.Tensor) and index.dtype in (torch.bool, torch.int64)
        if not (numbers or tensor or isinstance(index, slice) or (isinstance(index, int) and not isinstance(index, bool))):
            raise TypeError(f"{op}: the index must be a number, a slice, a list of numbers, or a tensor of int64 or bool, got {type(index).__name__}")
        if tensor and index.dtype is torch.bool and tuple(index.shape) != (n,):
            raise ValueError(f"{op}: an index of True and False must have shape ({n},), got {tuple(index.shape)}")
        index = [index] if isinstance(index, int) else index
        if not isinstance(index, slice) and not (tensor and index.dtype is torch.bool) and any(not -n <= int(i) < n for i in index):
            raise IndexError(f"{op}: the index must be of cameras 0 to {n - 1}, got {index}")
        chosen = {}
        for name in self._FIELDS:
            value = getattr(self, name)
            chosen[name.lstrip("_")] = value[index] if isinstance(value, torch.Tensor) else value
        given: dict[str, Any] = {name: value for name, value in chosen.items() if value is not None}
        return type(self)(**given, device=self.device)

    def is_perspective(self) -> bool:
        raise NotImplementedError(f"{type(self).__name__}.is_perspective: a kind of camera must say whether it is, got nothing")

    def in_ndc(self) -> bool:
        """Whether `transform_points` leads to NDC; or else to the screen."""
        raise NotImplementedError(f"{type(self).__name__}.in_ndc: a kind of camera must say whether it is, got nothing")

    def get_znear(self) -> Any:
        return getattr(self, "znear", None)

    def get_image_size(self) -> Any:
        """[N, 2] (height, width), or None."""
        return getattr(self, "image_size", None)

    def get_projection_transform(self, **kwargs: Any) -> Transform3d:
        """From view space to NDC (or the screen, for a camera that is defined there)."""
        raise NotImplementedError(f"{type(self).__name__}.get_projection_transform: a kind of camera must have one, got none")

    def get_world_to_view_transform(self, **kwargs: Any) -> Transform3d:
        self._check(kwargs)
        self.R, self.T = kwargs.get("R", self.R), kwargs.get("T", self.T)
        return get_world_to_view_transform(self.R, self.T)

    def get_full_projection_transform(self, **kwargs: Any) -> Transform3d:
        world_to_view = self.get_world_to_view_transform(**{name: value for name, value in kwargs.items() if name in ("R", "T")})
        return world_to_view.compose(self.get_projection_transform(**kwargs))

    def get_camera_center(self, **kwargs: Any) -> torch.Tensor:
        """[N, 3] in the world."""
        return self.get_world_to_view_transform(**kwargs).inverse().get_matrix()[:, 3, :3]

    def get_ndc_camera_transform(self, **kwargs: Any) -> Transform3d:
        """From where `get_projection_transform` leads to NDC."""
        self._check(kwargs)
        if self.in_ndc():
            return Transform3d(device=self.device, dtype=self.R.dtype)
        return get_screen_to_ndc_transform(self, image_size=kwargs.get("image_size"))

    def transform_points(self, points: torch.Tensor, eps: float | None = None, **kwargs: Any) -> torch.Tensor:
        """Points [P, 3] or [N, P, 3] of the world, in NDC or on the screen. ``eps``: the least that is divided by."""
        return self.get_full_projection_transform(**kwargs).transform_points(points, eps=eps)

    def transform_points_ndc(self, points: torch.Tensor, eps: float | None = None, **kwargs: Any) -> torch.Tensor:
        """In NDC. It is the projection's matrix that counts, as in the original; `transform_points` does where a kind of camera has none."""
        try:
            to_ndc = self.get_full_projection_transform(**kwargs)
        except NotImplementedError:
            points = self.transform_points(points, eps=eps, **kwargs)
            return points if self.in_ndc() else self.get_ndc_camera_transform(**kwargs).transform_points(points, eps=eps)
        if not self.in_ndc():
            to_ndc = to_ndc.compose(self.get_ndc_camera_transform(**kwargs))
        return to_ndc.transform_points(points, eps=eps)

    def transform_points_screen(self, points: torch.Tensor, eps: float | None = None, with_xyflip: bool = True, **kwargs: Any) -> torch.Tensor:
        """In pixels: x right and y down from the upper left corner; without ``with_xyflip`` left and up, which makes them negative."""
        ndc = self.transform_points_ndc(points, eps=eps, **kwargs)
        return get_ndc_to_screen_transform(self, with_xyflip, kwargs.get("image_size")).transform_points(ndc, eps=eps)

    def unproject_points(
        self, xy_depth: torch.Tensor, world_coordinates: bool = True, *, from_ndc: bool = False, scaled_depth_input: bool = False, **kwargs: Any
    ) -> torch.Tensor:
        """Points (x, y, depth) [..., 3], x and y as `transform_points` gives them, back in the world or in view space.

        Args:
            from_ndc: whether x and y are NDC, also for a camera that is defined on the screen.
            scaled_depth_input: whether the third number is that of `transform_points` (0 at znear, 1 at zfar), not the depth in view space; for cameras that
                have znear and zfar.
        """
        if scaled_depth_input and self.get_znear() is None:
            raise ValueError(f"{type(self).__name__}.unproject_points: scaled_depth_input must be False for cameras without znear and zfar, got True")
        check_last(f"{type(self).__name__}.unproject_points", "xy_depth", xy_depth, 3)
        transform = self.get_projection_transform(**kwargs)
        if from_ndc:
            transform = transform.compose(self.get_ndc_camera_transform(**kwargs))
        flat = xy_depth if xy_depth.ndim == 3 else xy_depth.reshape(1, -1, 3)
        if not scaled_depth_input:
            # The point of the same ray at the given depth: the third coordinate after projection is a function of the depth alone.
            third = transform.transform_points(torch.cat([torch.zeros_like(flat[..., :2]), flat[..., 2:]], -1))[..., 2:]
            flat = torch.cat([flat[..., :2].expand(*third.shape[:-1], 2), third], -1)
        points = transform.inverse().transform_points(flat)
        if world_coordinates:
            extrinsics = {name: value for name, value in kwargs.items() if name in ("R", "T")}
            points = self.get_world_to_view_transform(**extrinsics).inverse().transform_points(points)
        return points.reshape(xy_depth.shape) if points.numel() == xy_depth.numel() else points


class _MatrixCameras(CamerasBase):
    """Cameras by a 4 x 4 matrix that is made of their properties, or given as K."""

    def __init__(self, device: Device, **kwargs: Any) -> None:
        check_no_texts(type(self).__name__, kwargs)
        super().__init__(device=device, **kwargs)

    def _matrix_of(self, kwargs: dict[str, Any]) -> torch.Tensor:
        """[N, 4, 4] that multiplies columns from the left."""
        raise NotImplementedError

    def get_projection_transform(self, **kwargs: Any) -> Transform3d:
        self._check(kwargs)
        K = kwargs.get("K", self.K)
        if K is None:
            return Transform3d(matrix=self._matrix_of(kwargs).mT)
        check_tensor(type(self).__name__, "K", K, ("N", 4, 4))
        return Transform3d(matrix=K.mT)


class _FoVCameras(_MatrixCameras):
    """Cameras that have znear and zfar, and are defined in NDC."""

    def in_ndc(self) -> bool:
        return True

    def unproject_points(
        self, xy_depth: torch.Tensor, world_coordinates: bool = True, scaled_depth_input: bool = False, from_ndc: bool = False, **kwargs: Any
    ) -> torch.Tensor:
        return super().unproject_points(xy_depth, world_coordinates, from_ndc=from_ndc, scaled_depth_input=scaled_depth_input, **kwargs)

    unproject_points.__doc__ = CamerasBase.unproject_points.__doc__


class FoVPerspectiveCameras(_FoVCameras):
    """Perspective, by its field of view (degrees, of the shorter image side; or radians)."""

    _FIELDS = ("K", "znear", "zfar", "aspect_ratio", "fov", "R", "T", "degrees")
    _SHARED_FIELDS = ("degrees",)
    degrees: bool

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
        device: Device = "cpu",
    ) -> None:
        super().__init__(device=device, znear=znear, zfar=zfar, aspect_ratio=aspect_ratio, fov=fov, degrees=degrees, R=R, T=T, K=K)

    def is_perspective(self) -> bool:
        return True

    def compute_projection_matrix(self, znear: Any, zfar: Any, fov: Any, aspect_ratio: Any, degrees: bool) -> torch.Tensor:
        """[N, 4, 4], that multiplies columns from the left."""
        near, far, angle, aspect = (as_tensor("FoVPerspectiveCameras", "a property", value, self.R) for value in (znear, zfar, fov, aspect_ratio))
        y = 1 / torch.tan(angle * (math.pi / 180) / 2 if degrees else angle / 2)
        return _matrix(self.R, [[y / aspect, 0, 0, 0], [0, y, 0, 0], [0, 0, far / (far - near), -far * near / (far - near)], [0, 0, 1, 0]])

    def _matrix_of(self, kwargs: dict[str, Any]) -> torch.Tensor:
        given = {name: self._given(name, kwargs) for name in ("znear", "zfar", "fov", "aspect_ratio")}
        return self.compute_projection_matrix(**given, degrees=kwargs.get("degrees", self.degrees))


class FoVOrthographicCameras(_FoVCameras):
    """Orthographic, by the box that is seen."""

    _FIELDS = ("K", "znear", "zfar", "R", "T", "max_y", "min_y", "max_x", "min_x", "scale_xyz")

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
        device: Device = "cpu",
    ) -> None:
        super().__init__(
            device=device, znear=znear, zfar=zfar, max_y=max_y, min_y=min_y, max_x=max_x, min_x=min_x, scale_xyz=scale_xyz, R=R, T=T, K=K
        )  # fmt: skip

    def is_perspective(self) -> bool:
        return False

    def compute_projection_matrix(self, znear: Any, zfar: Any, max_x: Any, min_x: Any, max_y: Any, min_y: Any, scale_xyz: Any) -> torch.Tensor:
        """[N, 4, 4], that multiplies columns from the left."""
        near, far, right, left, top, bottom, scale = (
            as_tensor("FoVOrthographicCameras", "a property", value, self.R) for value in (znear, zfar, max_x, min_x, max_y, min_y, scale_xyz)
        )
        width, height, depth = right - left, top - bottom, far - near
        return _matrix(
            self.R,
            [
                [2 / width * scale[:, 0], 0, 0, -(right + left) / width],
                [0, 2 / height * scale[:, 1], 0, -(top + bottom) / height],
                [0, 0, scale[:, 2] / depth, -near / depth],
                [0, 0, 0, 1],
            ],
        )

    def _matrix_of(self, kwargs: dict[str, Any]) -> torch.Tensor:
        return self.compute_projection_matrix(
            **{name: self._given(name, kwargs) for name in ("znear", "zfar", "max_x", "min_x", "max_y", "min_y", "scale_xyz")}
        )


class _FocalCameras(_MatrixCameras):
    """Cameras by focal length and principal point: in NDC (+X left, +Y up), or with ``in_ndc=False`` in pixels (principal point x right, y down)."""

    _FIELDS = ("K", "R", "T", "focal_length", "principal_point", "_in_ndc", "image_size")
    _SHARED_FIELDS = ("_in_ndc",)
    focal_length: torch.Tensor
    principal_point: torch.Tensor
    image_size: torch.Tensor | None
    _in_ndc: bool

    def _begin(self, image_size: Any, in_ndc: bool, **properties: Any) -> None:
        """What the two kinds do when they are made. Kinds of the user's own may begin with that of `CamerasBase`: no other stands between."""
        super().__init__(image_size=image_size, _in_ndc=in_ndc, **properties)
        if self.image_size is not None and bool((self.image_size < 1).any()):
            raise ValueError(f"{type(self).__name__}: image_size must be (height, width) of at least 1, got {image_size}")
        focal = self.focal_length
        self.focal_length = (focal[:, None] if focal.ndim == 1 else focal).expand(-1, 2)

    def in_ndc(self) -> bool:
        return self._in_ndc

    def _focal_xy(self, kwargs: dict[str, Any]) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
        focal, point = self._given("focal_length", kwargs), self._given("principal_point", kwargs)
        focal = focal[:, None] if focal.ndim == 1 else focal
        return focal[:, 0], focal[:, -1], point[:, 0], point[:, 1]

    def get_principal_point(self, **kwargs: Any) -> torch.Tensor:
        """[N, 2]"""
        return self.get_projection_transform(**kwargs).get_matrix()[:, 2 if self.is_perspective() else 3, :2]

    def get_ndc_camera_transform(self, **kwargs: Any) -> Transform3d:
        to_ndc = super().get_ndc_camera_transform(**kwargs)
        if self.in_ndc():
            return to_ndc
        point = self.get_principal_point(**kwargs)  # points left and up of it have positive coordinates, whereas it is counted to the right and down
        turned = _matrix(point[:, 0], [[1, 0, 0, -2 * point[:, 0]], [0, 1, 0, -2 * point[:, 1]], [0, 0, 1, 0], [0, 0, 0, 1]])
        return Transform3d(matrix=turned.mT).compose(to_ndc)

    def unproject_points(
        self, xy_depth: torch.Tensor, world_coordinates: bool = True, from_ndc: bool = False, scaled_depth_input: bool = False, **kwargs: Any
    ) -> torch.Tensor:
        return super().unproject_points(xy_depth, world_coordinates, from_ndc=from_ndc, scaled_depth_input=scaled_depth_input, **kwargs)

    unproject_points.__doc__ = CamerasBase.unproject_points.__doc__


class PerspectiveCameras(_FocalCameras):
    """Perspective, by focal length and principal point. It has no znear: faces are left out that have a vertex behind the eye, or beside it."""

    def __init__(
        self,
        focal_length: Any = 1.0,
        principal_point: Any = ((0.0, 0.0),),
        R: torch.Tensor = _R,
        T: torch.Tensor = _T,
        K: torch.Tensor | None = None,
        device: Device = "cpu",
        in_ndc: bool = True,
        image_size: Any = None,
    ) -> None:
        self._begin(image_size, in_ndc, device=device, focal_length=focal_length, principal_point=principal_point, R=R, T=T, K=K)

    def is_perspective(self) -> bool:
        return True

    def _matrix_of(self, kwargs: dict[str, Any]) -> torch.Tensor:
        fx, fy, px, py = self._focal_xy(kwargs)
        return _matrix(fx, [[fx, 0, px, 0], [0, fy, py, 0], [0, 0, 0, 1], [0, 0, 1, 0]])


class OrthographicCameras(_FocalCameras):
    """Orthographic, by focal length (a scale) and principal point."""

    def __init__(
        self,
        focal_length: Any = 1.0,
        principal_point: Any = ((0.0, 0.0),),
        R: torch.Tensor = _R,
        T: torch.Tensor = _T,
        K: torch.Tensor | None = None,
        device: Device = "cpu",
        in_ndc: bool = True,
        image_size: Any = None,
    ) -> None:
        self._begin(image_size, in_ndc, device=device, focal_length=focal_length, principal_point=principal_point, R=R, T=T, K=K)

    def is_perspective(self) -> bool:
        return False

    def _matrix_of(self, kwargs: dict[str, Any]) -> torch.Tensor:
        fx, fy, px, py = self._focal_xy(kwargs)
        return _matrix(fx, [[fx, 0, 0, px], [0, fy, 0, py], [0, 0, 1, 0], [0, 0, 0, 1]])


_KINDS = (FoVPerspectiveCameras, FoVOrthographicCameras, PerspectiveCameras, OrthographicCameras)
_PROPERTIES = HANDED_ON.union(*([name for name in kind._FIELDS if not name.startswith("_")] for kind in _KINDS))


def check_of_shader(op: str, kwargs: dict[str, Any], cameras: Any = None) -> None:
    """TypeError for a keyword that neither a shader nor the rasteriser before it, whose cameras a shader need not know, would look at."""
    if cameras is None or hasattr(cameras, "keywords"):
        check_keywords(op, kwargs, _PROPERTIES | (getattr(cameras, "keywords", None) or frozenset()))


# ------------------------------------------------------------------------------------------------------------------------ older names


def OpenGLPerspectiveCameras(  # noqa: N802 - PyTorch3D's name
    znear: Any = 1.0, zfar: Any = 100.0, aspect_ratio: Any = 1.0, fov: Any = 60.0, degrees: bool = True, R: Any = _R, T: Any = _T, device: Device = "cpu"
) -> FoVPerspectiveCameras:
    """The older name of `FoVPerspectiveCameras`."""
    _is_older("OpenGLPerspectiveCameras", FoVPerspectiveCameras)
    return FoVPerspectiveCameras(znear, zfar, aspect_ratio, fov, degrees, R, T, device=device)


def OpenGLOrthographicCameras(  # noqa: N802 - PyTorch3D's name
    znear: Any = 1.0,
    zfar: Any = 100.0,
    top: Any = 1.0,
    bottom: Any = -1.0,
    left: Any = -1.0,
    right: Any = 1.0,
    scale_xyz: Any = ((1.0, 1.0, 1.0),),
    R: Any = _R,
    T: Any = _T,
    device: Device = "cpu",
) -> FoVOrthographicCameras:
    """The older name of `FoVOrthographicCameras`."""
    _is_older("OpenGLOrthographicCameras", FoVOrthographicCameras)
    return FoVOrthographicCameras(znear, zfar, top, bottom, right, left, scale_xyz, R, T, device=device)


def SfMPerspectiveCameras(  # noqa: N802 - PyTorch3D's name
    focal_length: Any = 1.0, principal_point: Any = ((0.0, 0.0),), R: Any = _R, T: Any = _T, device: Device = "cpu"
) -> PerspectiveCameras:
    """The older name of `PerspectiveCameras`."""
    _is_older("SfMPerspectiveCameras", PerspectiveCameras)
    return PerspectiveCameras(focal_length, principal_point, R, T, device=device)


def SfMOrthographicCameras(  # noqa: N802 - PyTorch3D's name
    focal_length: Any = 1.0, principal_point: Any = ((0.0, 0.0),), R: Any = _R, T: Any = _T, device: Device = "cpu"
) -> OrthographicCameras:
    """The older name of `OrthographicCameras`."""
    _is_older("SfMOrthographicCameras", OrthographicCameras)
    return OrthographicCameras(focal_length, principal_point, R, T, device=device)


def _is_older(name: str, kind: type) -> None:
    warnings.warn(f"{name} is an older name of {kind.__name__}", PendingDeprecationWarning, stacklevel=3)


# ------------------------------------------------------------------------------------------------------------------------ transforms


def _check_cameras(op: str, cameras: Any) -> None:
    if not hasattr(cameras, "get_projection_transform"):  # those of an installed PyTorch3D are welcome
        raise TypeError(f"{op}: cameras must be PyTorch3D's kind of cameras, got {type(cameras).__name__}")


def get_ndc_to_screen_transform(cameras: CamerasBase, with_xyflip: bool = False, image_size: Any = None) -> Transform3d:
    """Pixels from NDC: left and up as in NDC; with ``with_xyflip`` right and down. ``image_size``: ((height, width),), by default the cameras'."""
    _check_cameras("get_ndc_to_screen_transform", cameras)
    image_size = cameras.get_image_size() if image_size is None else image_size
    if image_size is None:
        raise ValueError(f"{type(cameras).__name__}: image_size must be given as ((height, width),), got None")
    size = as_tensor(type(cameras).__name__, "image_size", image_size, cameras.R).reshape(-1, 2)
    flip = -1.0 if with_xyflip else 1.0
    half, height, width = size.amin(1) / 2, size[:, 0], size[:, 1]
    rows: list[list[Any]] = [[flip * half, 0, 0, -flip * width / 2], [0, flip * half, 0, -flip * height / 2], [0, 0, 1, 0], [0, 0, 0, 1]]
    return Transform3d(matrix=_matrix(half, rows).mT)


def get_screen_to_ndc_transform(cameras: CamerasBase, with_xyflip: bool = False, image_size: Any = None) -> Transform3d:
    """The way back, see `get_ndc_to_screen_transform`."""
    return get_ndc_to_screen_transform(cameras, with_xyflip, image_size).inverse()


def try_get_projection_transform(cameras: CamerasBase, cameras_kwargs: dict[str, Any]) -> Transform3d | None:
    """The projection as a matrix; None for cameras that have none, such as `FishEyeCameras`."""
    _check_cameras("try_get_projection_transform", cameras)
    try:
        return cameras.get_projection_transform(**cameras_kwargs)
    except NotImplementedError:
        return None


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
    return Rotate(R, dtype=R.dtype).compose(Translate(T, dtype=R.dtype))


def camera_position_from_spherical_angles(distance: Any, elevation: Any, azimuth: Any, degrees: bool = True, device: Device = "cpu") -> torch.Tensor:
    """[N, 3]; azimuth 0 is on the z axis."""
    given = broadcast("camera_position_from_spherical_angles", device, {"distance": distance, "elevation": elevation, "azimuth": azimuth})
    unit = math.pi / 180 if degrees else 1.0
    distance, elevation, azimuth = given["distance"].reshape(-1), given["elevation"].reshape(-1) * unit, given["azimuth"].reshape(-1) * unit
    flat = distance * torch.cos(elevation)
    return torch.stack([flat * torch.sin(azimuth), distance * torch.sin(elevation), flat * torch.cos(azimuth)], 1)


def _vectors(op: str, device: Device, **values: Any) -> list[torch.Tensor]:
    """Positions and directions [N, 3]; one vector may come without a batch."""
    for name, value in values.items():
        if not isinstance(value, (torch.Tensor, np.ndarray, list, tuple)) or len(value) == 0:
            raise TypeError(f"{op}: {name} must be positions of shape (N, 3), got {type(value).__name__}")
    batched = {name: value[None] if isinstance(value, torch.Tensor) and value.ndim == 1 else value for name, value in values.items()}
    batched = {name: [value] if not isinstance(value, torch.Tensor) and not hasattr(value[0], "__len__") else value for name, value in batched.items()}
    tensors = broadcast(op, device, batched)
    for name, tensor in tensors.items():
        if tensor.shape[1:] != (3,):
            raise ValueError(f"{op}: {name} must have shape (N, 3), got {tuple(tensor.shape)}")
    return list(tensors.values())


def look_at_rotation(camera_position: Any, at: Any = ((0, 0, 0),), up: Any = ((0, 1, 0),), device: Device = "cpu") -> torch.Tensor:
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
    device: Device = "cpu",
) -> tuple[torch.Tensor, torch.Tensor]:
    """(R [N, 3, 3], T [N, 3]) of a camera at ``eye``, or at distance and angles from ``at``, that looks at ``at``."""
    op = "look_at_view_transform"
    if eye is None:
        (at,) = _vectors(op, device, at=at)
        eye = camera_position_from_spherical_angles(dist, elev, azim, degrees=degrees, device=device) + at
    eye, at, up = _vectors(op, device, eye=eye, at=at, up=up)
    R = look_at_rotation(eye, at, up, device=device)
    return R, -(eye[:, None] @ R)[:, 0]
