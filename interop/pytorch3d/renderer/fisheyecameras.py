"""PyTorch3D's fish-eye cameras: radial, tangential and thin-prism distortion."""

from collections.abc import Callable
from typing import Any

import torch

from ....checks import check_flag, check_shape
from ...checks import check_last, check_tensors
from ..common.datatypes import Device
from .cameras import _R, _T, CamerasBase
from .utils import check_no_texts

__all__ = ["FishEyeCameras"]

MAX_STEPS = 50  # of Newton's method; it stops when nothing changes any more
WIDEST = 0.999 * torch.pi / 2  # angle from the axis: nothing at right angles to it has a place at z = 1
LEAST_SLOPE = 1e-10  # of the radial polynomial


class FishEyeCameras(CamerasBase):
    """Cameras that bend: with a = x/z, b = y/z, r = |(a, b)| and theta = arctan r,

        (x_r, y_r) = (a, b) theta/r (1 + k_1 theta^2 + k_2 theta^4 + ...)                  R^2 = x_r^2 + y_r^2
        (u, v)     = (x_r, y_r) + 2 (x_r p_1 + y_r p_2) (x_r, y_r) + R^2 (p_1, p_2)        tangential
                                + (s_1 R^2 + s_2 R^4, s_3 R^2 + s_4 R^4)                   thin prism

    and the picture is focal_length (u, v) + principal_point. A point behind the eye goes where the one mirrored at it goes.

    Args:
        focal_length: [N, 1] or [N, 2]. principal_point: [N, 2]. radial_params: k, [N, any number]. tangential_params: p, [N, 2]. thin_prism_params: s, [N, 4].
        R, T: [N, 3, 3] and [N, 3].
        world_coordinates: whether points are of the world, to be brought to view space by R and T; or else they are in view space already.
        use_radial: whether (u, v) begins with (x_r, y_r), or else with (a, b). use_tangential, use_thin_prism: whether their lines count.
        image_size: [N, 2] (height, width).
    """

    _FIELDS = (
        "focal_length", "principal_point", "radial_params", "tangential_params", "thin_prism_params", "R", "T", "world_coordinates", "use_radial",
        "use_tangential", "use_thin_prism", "image_size",
    )  # fmt: skip
    _SHARED_FIELDS = ("world_coordinates", "use_radial", "use_tangential", "use_thin_prism")
    focal_length: torch.Tensor
    principal_point: torch.Tensor
    radial_params: torch.Tensor
    tangential_params: torch.Tensor
    thin_prism_params: torch.Tensor
    image_size: torch.Tensor | None
    world_coordinates: bool
    use_radial: bool
    use_tangential: bool
    use_thin_prism: bool

    def __init__(
        self,
        focal_length: Any = ((1.0,),),
        principal_point: Any = ((0.0, 0.0),),
        radial_params: Any = ((0.0,) * 6,),
        tangential_params: Any = ((0.0, 0.0),),
        thin_prism_params: Any = ((0.0,) * 4,),
        R: torch.Tensor = _R,
        T: torch.Tensor = _T,
        world_coordinates: bool = False,
        use_radial: bool = True,
        use_tangential: bool = True,
        use_thin_prism: bool = True,
        device: Device = "cpu",
        image_size: Any = None,
    ) -> None:
        op = "FishEyeCameras"
        flags: dict[str, Any] = {
            "world_coordinates": world_coordinates,
            "use_radial": use_radial,
            "use_tangential": use_tangential,
            "use_thin_prism": use_thin_prism,
        }
        for name, value in flags.items():
            check_flag(op, name, value)
        numbers: dict[str, Any] = {
            "focal_length": focal_length, "principal_point": principal_point, "radial_params": radial_params, "tangential_params": tangential_params,
            "thin_prism_params": thin_prism_params, "R": R, "T": T, "image_size": image_size,
        }  # fmt: skip
        check_no_texts(op, numbers)
        super().__init__(device=device, **numbers, **flags)
        if self.focal_length.ndim == 1:
            self.focal_length = self.focal_length[:, None]
        for name, width in (("principal_point", 2), ("radial_params", "k"), ("tangential_params", 2), ("thin_prism_params", 4)):
            check_shape(op, name, getattr(self, name).shape, ("N", width))
        if tuple(self.focal_length.shape[1:]) not in ((1,), (2,)):
            raise ValueError(f"{op}: focal_length must have shape (N, 1) or (N, 2), got {tuple(self.focal_length.shape)}")
        if self.image_size is not None and bool((self.image_size < 1).any()):
            raise ValueError(f"{op}: image_size must be (height, width) of at least 1, got {image_size}")

    @property
    def keywords(self) -> frozenset[str]:
        return frozenset({"R", "T"})

    @property
    def focal(self) -> torch.Tensor:
        """The original's name of the focal length."""
        return self.focal_length

    @property
    def num_radial(self) -> int:
        return self.radial_params.shape[1]

    def is_perspective(self) -> bool:
        return False

    def in_ndc(self) -> bool:
        return True

    def check_input(self, points: torch.Tensor, batch_size: int) -> bool:
        """Whether points [P, 3], [1, P, 3] or [M, P, 3] go with so many cameras."""
        return points.ndim in (2, 3) and points.shape[-1] == 3 and (points.ndim == 2 or len(points) in (1, batch_size) or batch_size == 1)

    def _batch(self, op: str, points: torch.Tensor) -> torch.Tensor:
        """Points as [1 or N, P, 3]."""
        check_tensors(op, points=points)
        if not self.check_input(points, len(self)):
            raise ValueError(f"{op}: points must have shape (P, 3), (1, P, 3), or (M, P, 3) with 1 camera or M cameras, got {tuple(points.shape)}")
        return (points if points.ndim == 3 else points[None]).to(self.device)

    def transform_points(self, points: torch.Tensor, eps: float | None = None, **kwargs: Any) -> torch.Tensor:
        """Points [P, 3] or [M, P, 3] (of the world, if ``world_coordinates``) in the picture, the third number 1: [N, P, 3]; [P, 3] stay so with one camera.

        ``eps``: the least that is divided by. Gradient: to points and all parameters.
        """
        op = "FishEyeCameras.transform_points"
        self._check(kwargs)
        batch = self._batch(op, points)
        if self.world_coordinates:
            batch = self.get_world_to_view_transform(**kwargs).transform_points(batch)
        z = batch[..., 2:]
        if eps is not None:
            z = torch.where(z < 0, -1.0, 1.0).to(z) * z.abs().clamp(min=eps)
        ahead = batch[..., :2] / z
        begin, bent = self._bent(ahead)
        picture = self.focal_length[:, None] * (begin + self._added(bent)) + self.principal_point[:, None]
        picture = torch.cat([picture, torch.ones_like(picture[..., :1])], -1)
        return picture[0] if points.ndim == 2 and len(picture) == 1 else picture

    def _bent(self, ahead: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """(what the other distortions are added to, what they are computed from), of (a, b) [N, P, 2]."""
        r = ahead.norm(dim=-1, keepdim=True)
        theta = torch.atan(r)
        bent = ahead * torch.where(r > 0, theta / torch.where(r > 0, r, 1.0), 1.0) * self._polynomial(theta)
        return (bent if self.use_radial else ahead), bent

    def _polynomial(self, theta: torch.Tensor, slope: bool = False) -> torch.Tensor:
        """1 + k_1 theta^2 + k_2 theta^4 + ...; or, with ``slope``, the derivative of theta times that."""
        powers = torch.arange(2, 2 * self.num_radial + 2, 2, device=theta.device)
        weights = self.radial_params * (powers + 1) if slope else self.radial_params
        return 1 + (theta**powers * weights[:, None]).sum(-1, keepdim=True)

    def _added(self, bent: torch.Tensor) -> torch.Tensor:
        """The tangential and the thin-prism distortion of (x_r, y_r) [N, P, 2]."""
        added, r_sq = torch.zeros_like(bent), bent.square().sum(-1, keepdim=True)
        if self.use_tangential:
            p = self.tangential_params[:, None]
            added = added + 2 * (bent * p).sum(-1, keepdim=True) * bent + r_sq * p
        if self.use_thin_prism:
            s = self.thin_prism_params[:, None]
            added = added + s[..., 0::2] * r_sq + s[..., 1::2] * r_sq.square()
        return added

    def unproject_points(self, xy_depth: torch.Tensor, world_coordinates: bool = True, scaled_depth_input: bool = False, **kwargs: Any) -> torch.Tensor:
        """Where in view space, at z = 1, the points (x, y, anything) [P, 3] or [M, P, 3] of the picture are: [N, P, 3]; [P, 3] stay so with one camera.

        As in the original the third number, ``world_coordinates`` and ``scaled_depth_input`` have no effect: times a depth it is the point of that depth.
        """
        op = "FishEyeCameras.unproject_points"
        self._check(kwargs)
        check_last(op, "xy_depth", xy_depth, 3)
        xy = self._batch(op, xy_depth)[..., :2]
        uv = ((xy - self.principal_point[:, None]) / self.focal_length[:, None]).expand(len(self) if len(xy) == 1 else len(xy), -1, -1)
        if self.use_radial:
            ahead = self._straight(_newton(lambda bent: bent + self._added(bent), uv))
        else:
            ahead = _newton(lambda ahead: ahead + self._added(self._bent(ahead)[1]), uv)
        points = torch.cat([ahead, torch.ones_like(ahead[..., :1])], -1)
        return points[0] if xy_depth.ndim == 2 and len(points) == 1 else points

    def _straight(self, bent: torch.Tensor) -> torch.Tensor:
        """(a, b) of (x_r, y_r) [N, P, 2]: the angle whose polynomial is their length, by Newton's method, whose last step carries the gradient."""
        length = bent.norm(dim=-1, keepdim=True)
        with torch.no_grad():
            theta = length.clamp(max=WIDEST)
            for _ in range(MAX_STEPS):
                slope = self._polynomial(theta, slope=True)
                step = (length - theta * self._polynomial(theta)) / torch.where(slope.abs() > LEAST_SLOPE, slope, LEAST_SLOPE)
                before, theta = theta, (theta + step).clamp(-WIDEST, WIDEST)
                if torch.equal(before, theta):
                    break
            slope = self._polynomial(theta, slope=True)
            slope = torch.where(slope.abs() > LEAST_SLOPE, slope, LEAST_SLOPE)
        theta = (theta + (length - theta * self._polynomial(theta)) / slope).clamp(-WIDEST, WIDEST)
        return bent * torch.where(length > 0, torch.tan(theta) / torch.where(length > 0, length, 1.0), 1.0)


def _newton(function: Callable[[torch.Tensor], torch.Tensor], target: torch.Tensor) -> torch.Tensor:
    """x [..., 2] with function(x) = target [..., 2], begun at the target. The last step carries the gradient."""

    def step(x: torch.Tensor, jacobian: torch.Tensor) -> torch.Tensor:
        return x + torch.linalg.solve(jacobian, (target - function(x))[..., None])[..., 0]

    def jacobian(x: torch.Tensor) -> torch.Tensor:
        with torch.enable_grad():
            x = x.detach().requires_grad_()
            return torch.stack([torch.autograd.grad(component.sum(), x, retain_graph=True)[0] for component in function(x).unbind(-1)], -2)

    with torch.no_grad():
        x = target.detach()
        for _ in range(MAX_STEPS):
            before, x = x, step(x, jacobian(x))
            if torch.equal(before, x):
                break
    return step(x, jacobian(x))
