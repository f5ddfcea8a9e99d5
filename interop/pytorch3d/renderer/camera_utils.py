"""PyTorch3D's helpers around cameras."""

from collections.abc import Sequence
from typing import Any

import torch

from ...checks import check_tensors
from ..transforms import Transform3d
from .cameras import CamerasBase

__all__ = ["camera_to_eye_at_up", "join_cameras_as_batch", "rotate_on_spot"]


def camera_to_eye_at_up(world_to_view_transform: Transform3d) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Where N cameras are, points ahead of them, and their directions up, each [N, 3]: what `look_at_view_transform` makes the same cameras of."""
    if not hasattr(world_to_view_transform, "get_matrix"):  # one of an installed PyTorch3D is welcome
        raise TypeError(f"camera_to_eye_at_up: world_to_view_transform must be a Transform3d, got {type(world_to_view_transform).__name__}")
    matrix = world_to_view_transform.inverse().get_matrix()
    eye, up, ahead = matrix[:, 3, :3], matrix[:, 1, :3], matrix[:, 2, :3]
    return eye, eye + ahead, up


def rotate_on_spot(R: torch.Tensor, T: torch.Tensor, rotation: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """(R [N, 3, 3], T [N, 3]) of cameras that stay where they are, and are turned by ``rotation``.

    Args:
        R, T: [3, 3] and [3], or [N, 3, 3] and [N, 3].
        rotation: [3, 3], or one for each camera, of columns: about the y axis of the view a positive angle turns the camera to the right.
    """
    op = "rotate_on_spot"
    check_tensors(op, R=R, T=T, rotation=rotation)
    R, T, rotation = (R if R.ndim == 3 else R[None]), (T if T.ndim == 2 else T[None]), (rotation if rotation.ndim == 3 else rotation[None])
    for name, given, shape in (("R", R, (3, 3)), ("T", T, (3,)), ("rotation", rotation, (3, 3))):
        if given.ndim != len(shape) + 1 or tuple(given.shape[1:]) != shape:
            raise ValueError(f"{op}: {name} must have shape {shape} or {('N', *shape)}, got {tuple(given.shape)}".replace("'", ""))
        if len(given) not in (1, max(len(R), len(T), len(rotation))):
            raise ValueError(f"{op}: {name} must be of 1 camera or {max(len(R), len(T), len(rotation))}, got {len(given)}")
    turned = R @ rotation.mT
    return turned, (T[:, None] @ R.mT @ turned)[:, 0].expand(len(turned), 3)


def join_cameras_as_batch(cameras_list: Sequence[CamerasBase]) -> Any:
    """The cameras of all, one after the other: of one kind, on one device, and with the same properties given.

    Raises:
        TypeError: if they are not of one kind. ValueError: if they do not go together, or there are none.
    """
    op = "join_cameras_as_batch"
    if not isinstance(cameras_list, Sequence):
        raise TypeError(f"{op}: cameras_list must be a list of cameras, got {type(cameras_list).__name__}")
    cameras = list(cameras_list)
    if not cameras:
        raise ValueError(f"{op}: cameras_list must hold at least one, got none")
    for other in cameras:
        if not isinstance(other, CamerasBase):
            raise TypeError(f"{op}: cameras_list must hold cameras, got {type(other).__name__}")
        if type(other) is not type(cameras[0]):
            raise TypeError(f"{op}: cameras_list must be of one kind, {type(cameras[0]).__name__}, got {type(other).__name__}")
        if other.device != cameras[0].device:
            raise ValueError(f"{op}: cameras_list must be on one device ({cameras[0].device}), got {other.device}")
    joined: dict[str, Any] = {}
    for name in cameras[0]._FIELDS:
        values = [getattr(other, name) for other in cameras]
        missing = [value is None for value in values]
        if any(missing) and not all(missing):
            raise ValueError(f"{op}: {name.lstrip('_')} must be given for all cameras, or for none, got it for {missing.count(False)} of {len(values)}")
        if name in cameras[0]._SHARED_FIELDS and any(value != values[0] for value in values):
            raise ValueError(f"{op}: {name.lstrip('_')} must be the same for all cameras, got {values}")
        joined[name.lstrip("_")] = torch.cat(values) if isinstance(values[0], torch.Tensor) else values[0]
    return type(cameras[0])(**{name: value for name, value in joined.items() if value is not None}, device=cameras[0].device)
