"""Kaolin's ``kaolin.render.camera.intrinsics_ortho``: the orthographic camera."""

from typing import Any

import torch

from .....checks import check_number
from .intrinsics import Amount, CameraIntrinsics, IntrinsicsParamsDefEnum, check_matrix_args

__all__ = ["OrthographicIntrinsics"]

TINY_FOV = 1e-5  # what `zoom` leaves at least, as Kaolin does


class OrthoParamsDefEnum(IntrinsicsParamsDefEnum):
    """How much of the world the image shows."""

    fov_distance = 0


class OrthographicIntrinsics(CameraIntrinsics):
    """Lenses without perspective, made by `from_frustum`: y_ndc = y/fov_distance; x_ndc = x/(fov_distance width/height)."""

    @classmethod
    def param_types(cls) -> Any:
        return OrthoParamsDefEnum

    @classmethod
    def registered_name(cls) -> str:
        return "orthographic"

    @property
    def lens_type(self) -> str:
        return "ortho"

    @classmethod
    def from_frustum(
        cls,
        width: int,
        height: int,
        fov_distance: Any = 1.0,
        near: Any = CameraIntrinsics.DEFAULT_NEAR,
        far: Any = CameraIntrinsics.DEFAULT_FAR,
        num_cameras: int = 1,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> "OrthographicIntrinsics":
        """Whose image is 2 ``fov_distance`` high in the world: a number for all cameras, or [C]."""
        return cls(width, height, cls._allocate_params(fov_distance, num_cameras=num_cameras, device=device, dtype=dtype), near, far)

    @classmethod
    def _from_numbers(cls, **numbers: Any) -> "OrthographicIntrinsics":
        return cls.from_frustum(**numbers)

    def orthographic_matrix(self, left: Any, right: Any, bottom: Any, top: Any, near: Any, far: Any) -> torch.Tensor:
        """[C, 4, 4]: the box between these sides, times fov_distance across and along, to NDC; the camera looks along -z."""
        ends = {"left": left, "right": right, "bottom": bottom, "top": top, "near": near, "far": far}
        check_matrix_args("OrthographicIntrinsics.orthographic_matrix", ends)
        fov = self.fov_distance
        zero, one = torch.zeros_like(fov), torch.ones_like(fov)
        rows = [
            [2 / (fov * (right - left)), zero, zero, one * (-(right + left) / (right - left))],
            [zero, 2 / (fov * (top - bottom)), zero, one * (-(top + bottom) / (top - bottom))],
            [zero, zero, one * (-2 / (far - near)), one * (-(far + near) / (far - near))],
            [zero, zero, zero, one],
        ]
        return torch.stack([torch.stack(row, 1) for row in rows], 1)

    def projection_matrix(self) -> torch.Tensor:
        """[C, 4, 4], NDC from camera space. Gradient: to ``params``."""
        ratio = self.aspect_ratio()
        return self.orthographic_matrix(-ratio, ratio, -1.0, 1.0, self.near, self.far)

    @property
    def fov_distance(self) -> torch.Tensor:
        """[C]: half the height of the world that the image shows."""
        return self.params[:, 0]

    @fov_distance.setter
    def fov_distance(self, val: Amount) -> None:
        self._set_param("fov_distance", val)

    def zoom(self, amount: Amount) -> None:
        """Shows so much more of the world."""
        if not isinstance(amount, torch.Tensor):
            check_number("OrthographicIntrinsics.zoom", "amount", amount)
        self.fov_distance = (self.fov_distance + amount).clamp(min=TINY_FOV)
