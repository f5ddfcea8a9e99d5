"""Kaolin's ``kaolin.render.camera.intrinsics_pinhole``: the pinhole camera."""

import math
from typing import Any

import torch

from .....checks import check_choice, check_number
from ....checks import as_tensor
from .intrinsics import Amount, CameraFOV, CameraIntrinsics, IntrinsicsParamsDefEnum, check_matrix_args, tan_half

__all__ = ["PinholeIntrinsics"]


class PinholeParamsDefEnum(IntrinsicsParamsDefEnum):
    """In pixels: the principal point from the middle of the image (x right, y up), and the focal lengths."""

    x0 = 0
    y0 = 1
    focal_x = 2
    focal_y = 3


class PinholeIntrinsics(CameraIntrinsics):
    """Pinhole lenses, made by `from_focal` or `from_fov`: x_ndc = 2 (focal_x x/(-z) + x0)/width, y alike, where the camera looks along -z.

    A change of ``width`` or ``height`` leaves the angle of view along that side as it is.
    """

    @classmethod
    def param_types(cls) -> Any:
        return PinholeParamsDefEnum

    @classmethod
    def registered_name(cls) -> str:
        return "pinhole"

    @property
    def lens_type(self) -> str:
        return "pinhole"

    @classmethod
    def from_focal(
        cls,
        width: int,
        height: int,
        focal_x: Any,
        focal_y: Any = None,
        x0: Any = None,
        y0: Any = None,
        near: Any = CameraIntrinsics.DEFAULT_NEAR,
        far: Any = CameraIntrinsics.DEFAULT_FAR,
        num_cameras: int = 1,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> "PinholeIntrinsics":
        """Focal lengths and principal point in pixels, the latter from the middle of the image: numbers for all cameras, or [C]."""
        numbers = (0.0 if x0 is None else x0, 0.0 if y0 is None else y0, focal_x, focal_x if focal_y is None else focal_y)
        return cls(width, height, cls._allocate_params(*numbers, num_cameras=num_cameras, device=device, dtype=dtype), near, far)

    @classmethod
    def from_fov(
        cls,
        width: int,
        height: int,
        fov: Any,
        fov_direction: CameraFOV = CameraFOV.VERTICAL,
        x0: Any = 0.0,
        y0: Any = 0.0,
        near: Any = CameraIntrinsics.DEFAULT_NEAR,
        far: Any = CameraIntrinsics.DEFAULT_FAR,
        num_cameras: int = 1,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> "PinholeIntrinsics":
        """Of an angle of view in radians, along the image's height or width."""
        side = _side("PinholeIntrinsics.from_fov", "fov_direction", fov_direction, width, height)
        focal = side / 2 / tan_half("PinholeIntrinsics.from_fov", fov)
        return cls.from_focal(width, height, focal, focal, x0, y0, near, far, num_cameras, device, dtype)

    @classmethod
    def _from_numbers(cls, **numbers: Any) -> "PinholeIntrinsics":
        return cls.from_focal(**numbers)

    # ------------------------------------------------------------------------------------------------------------------ its matrices

    def perspective_matrix(self) -> torch.Tensor:
        """[C, 4, 4]: (x, y, z, 1) to (focal_x x - x0 z, focal_y y - y0 z, 1, z)."""
        zero, one = torch.zeros_like(self.x0), torch.ones_like(self.x0)
        rows = [[self.focal_x, zero, -self.x0, zero], [zero, self.focal_y, -self.y0, zero], [zero, zero, zero, one], [zero, zero, one, zero]]
        return torch.stack([torch.stack(row, 1) for row in rows], 1)

    def ndc_matrix(self, left: Any, right: Any, bottom: Any, top: Any, near: Any, far: Any) -> torch.Tensor:
        """[1, 4, 4]: what `perspective_matrix` gives, to NDC before the division by -z: ``left`` to ``right`` and ``bottom`` to ``top`` become [-1, 1]."""
        ends = {"left": left, "right": right, "bottom": bottom, "top": top, "near": near, "far": far}
        check_matrix_args("PinholeIntrinsics.ndc_matrix", ends)
        across, along, deep = right - left, top - bottom, far - near
        rows = [
            [2 / across, 0, 0, (right + left) / across],
            [0, 2 / along, 0, (top + bottom) / along],
            [0, 0, -2 * near * far / deep, -(far + near) / deep],
            [0, 0, 0, -1],
        ]
        return self.params.new_tensor(rows)[None]

    def projection_matrix(self) -> torch.Tensor:
        """[C, 4, 4], NDC from camera space, before the division by -z. Gradient: to ``params``."""
        x, y = self.width / 2, self.height / 2
        return self.ndc_matrix(-x, x, -y, y, self.near, self.far) @ self.perspective_matrix()

    # ------------------------------------------------------------------------------------------------------------------ its numbers

    @property
    def x0(self) -> torch.Tensor:
        """[C]: the principal point, to the right of the middle; pixels."""
        return self.params[:, 0]

    @x0.setter
    def x0(self, val: Amount) -> None:
        self._set_param("x0", val)

    @property
    def y0(self) -> torch.Tensor:
        """[C]: the principal point, above the middle; pixels."""
        return self.params[:, 1]

    @y0.setter
    def y0(self, val: Amount) -> None:
        self._set_param("y0", val)

    @property
    def focal_x(self) -> torch.Tensor:
        """[C], pixels."""
        return self.params[:, 2]

    @focal_x.setter
    def focal_x(self, val: Amount) -> None:
        self._set_param("focal_x", val)

    @property
    def focal_y(self) -> torch.Tensor:
        """[C], pixels."""
        return self.params[:, 3]

    @focal_y.setter
    def focal_y(self, val: Amount) -> None:
        self._set_param("focal_y", val)

    @property
    def cx(self) -> torch.Tensor:
        """[C]: width/2 + x0."""
        return self.width / 2 + self.x0

    @property
    def cy(self) -> torch.Tensor:
        """[C]: height/2 + y0."""
        return self.height / 2 + self.y0

    def tan_half_fov(self, camera_fov_direction: CameraFOV = CameraFOV.VERTICAL) -> torch.Tensor:
        """[C]: the tangent of half the angle of view."""
        return self._half(camera_fov_direction, "tan_half_fov") / self._focal(camera_fov_direction)

    def fov(self, camera_fov_direction: CameraFOV = CameraFOV.VERTICAL, in_degrees: bool = True) -> torch.Tensor:
        """[C]: the angle of view, in degrees or radians."""
        half = self._half(camera_fov_direction, "fov")
        angle = 2 * torch.atan2(self.params.new_tensor(half), self._focal(camera_fov_direction))
        return angle.rad2deg() if in_degrees else angle

    def _half(self, direction: CameraFOV, method: str) -> Any:
        return _side(f"PinholeIntrinsics.{method}", "camera_fov_direction", direction, self.width, self.height) / 2

    def _focal(self, direction: CameraFOV) -> torch.Tensor:
        return self.focal_x if direction is CameraFOV.HORIZONTAL else self.focal_y

    @property
    def fov_x(self) -> torch.Tensor:
        """[C]: the angle of view across, in degrees."""
        return self.fov(CameraFOV.HORIZONTAL)

    @fov_x.setter
    def fov_x(self, angle_degs: Amount) -> None:
        self.focal_x = self.width / 2 / self._tan_half("fov_x", angle_degs)

    @property
    def fov_y(self) -> torch.Tensor:
        """[C]: the angle of view along, in degrees."""
        return self.fov(CameraFOV.VERTICAL)

    @fov_y.setter
    def fov_y(self, angle_degs: Amount) -> None:
        self.focal_y = self.height / 2 / self._tan_half("fov_y", angle_degs)

    def _tan_half(self, name: str, degrees: Amount) -> torch.Tensor:
        return torch.tan(as_tensor("PinholeIntrinsics", name, degrees, self.params) * (math.pi / 360))

    @property
    def width(self) -> int:
        """Of the image, in pixels."""
        return self._shared_fields["width"]

    @width.setter
    def width(self, value: int) -> None:
        angle = self.fov_x
        CameraIntrinsics.width.fset(self, value)  # type: ignore[attr-defined]
        self.fov_x = angle

    @property
    def height(self) -> int:
        """Of the image, in pixels."""
        return self._shared_fields["height"]

    @height.setter
    def height(self, value: int) -> None:
        angle = self.fov_y
        CameraIntrinsics.height.fset(self, value)  # type: ignore[attr-defined]
        self.fov_y = angle

    def zoom(self, amount: Amount) -> None:
        """Makes the angle of view along the image smaller by so many degrees, and that across in proportion."""
        if not isinstance(amount, torch.Tensor):
            check_number("PinholeIntrinsics.zoom", "amount", amount)
        ratio = self.fov_x / self.fov_y
        self.fov_y = self.fov_y - amount
        self.fov_x = self.fov_y * ratio


def _side(op: str, name: str, direction: CameraFOV, width: int, height: int) -> int:
    check_choice(op, name, direction, CameraFOV)
    if direction is CameraFOV.DIAGONAL:
        raise ValueError(f"{op}: {name} must be CameraFOV.HORIZONTAL or CameraFOV.VERTICAL, got {direction!s}")
    return width if direction is CameraFOV.HORIZONTAL else height
