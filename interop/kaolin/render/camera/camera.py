"""Kaolin's ``kaolin.render.camera.camera``: cameras, of where they are and of their lens."""

import copy
from collections.abc import Callable, Sequence
from typing import Any

import torch

from .extrinsics import CameraExtrinsics
from .extrinsics_backends import ExtrinsicsParamsDefEnum
from .intrinsics import CameraIntrinsics
from .intrinsics_ortho import OrthographicIntrinsics
from .intrinsics_pinhole import PinholeIntrinsics
from .raygen import generate_rays

__all__ = ["Camera", "allclose"]

# What tells one way to make them from another: names that must be given.
EXTRINSICS: list[tuple[set[str], Callable[..., CameraExtrinsics]]] = [
    ({"eye", "at", "up"}, CameraExtrinsics.from_lookat),
    ({"cam_pos", "cam_dir"}, CameraExtrinsics.from_camera_pose),
    ({"view_matrix"}, CameraExtrinsics.from_view_matrix),
]
LENSES: list[tuple[set[str], set[str], Callable[..., CameraIntrinsics]]] = [  # must be given, may be given
    ({"width", "height", "fov"}, {"fov_direction", "x0", "y0"}, PinholeIntrinsics.from_fov),
    ({"width", "height", "focal_x"}, {"focal_y", "x0", "y0"}, PinholeIntrinsics.from_focal),
    ({"width", "height"}, {"fov_distance"}, OrthographicIntrinsics.from_frustum),
]
OF_EXTRINSICS, OF_LENSES, OF_BOTH = {"requires_grad", "backend"}, {"near", "far", "num_cameras"}, {"dtype", "device"}


class Camera:
    """C cameras: ``extrinsics`` (`CameraExtrinsics`, where they are) and ``intrinsics`` (`PinholeIntrinsics` or `OrthographicIntrinsics`, their lens).

    What either of the two has may be asked of, and set on, the camera itself: ``camera.cam_pos()``, ``camera.focal_x = 300.0``. A point of the world goes
    through `CameraExtrinsics.transform` and `CameraIntrinsics.transform` to NDC. Gradient: to both `parameters`, see `requires_grad_`.
    """

    extrinsics: CameraExtrinsics
    intrinsics: CameraIntrinsics

    def __init__(self, extrinsics: CameraExtrinsics, intrinsics: CameraIntrinsics) -> None:
        for name, given, kind in (("extrinsics", extrinsics, CameraExtrinsics), ("intrinsics", intrinsics, CameraIntrinsics)):
            if not isinstance(given, kind):
                raise TypeError(f"Camera: {name} must be {kind.__name__}, got {type(given).__name__}")
        if len(extrinsics) != len(intrinsics):
            raise ValueError(f"Camera: intrinsics must be of as many cameras as extrinsics ({len(extrinsics)}), got {len(intrinsics)}")
        if extrinsics.device != intrinsics.device:
            raise ValueError(f"Camera: intrinsics must be on the device of extrinsics ({extrinsics.device}), got {intrinsics.device}")
        self.extrinsics = extrinsics
        self.intrinsics = intrinsics

    @classmethod
    def from_args(cls, **kwargs: Any) -> "Camera":
        """Of the arguments of one way to place cameras and one lens, told apart by their names:

        * `CameraExtrinsics.from_lookat` (eye, at, up), `from_camera_pose` (cam_pos, cam_dir) or `from_view_matrix` (view_matrix);
        * `PinholeIntrinsics.from_fov` (width, height, fov), `from_focal` (width, height, focal_x) or `OrthographicIntrinsics.from_frustum` (width, height);
        * what each of these takes besides: near, far, x0, y0, dtype, device, requires_grad (of the extrinsics), ...
        """
        op, given = "Camera.from_args", set(kwargs)
        places = [(names, make) for names, make in EXTRINSICS if names <= given]
        if len(places) != 1:
            ways = "; or ".join(", ".join(sorted(names)) for names, _ in EXTRINSICS)
            raise ValueError(f"{op}: there must be one way to place cameras ({ways}), got {', '.join(sorted(given)) or 'nothing'}")
        lenses = [(names, more, make) for names, more, make in LENSES if names <= given]
        if not lenses:
            raise ValueError(f"{op}: there must be a width and a height, got {', '.join(sorted(given))}")
        names, more, make_lens = lenses[0]
        own, make_place = places[0]
        if unknown := given - own - names - more - OF_EXTRINSICS - OF_LENSES - OF_BOTH:
            raise ValueError(f"{op}: arguments must go together, got {', '.join(sorted(unknown))} beside {', '.join(sorted(own | names))}")
        devices = {value.device for value in kwargs.values() if isinstance(value, torch.Tensor)}
        if "device" not in given and len(devices) > 1:
            raise ValueError(f"{op}: device must be given, or all tensors be on one, got {', '.join(sorted(map(str, devices)))}")
        extrinsics = make_place(**{name: kwargs[name] for name in given & (own | OF_EXTRINSICS | OF_BOTH)})
        of_lens = {name: kwargs[name] for name in given & (names | more | OF_LENSES)}
        intrinsics = make_lens(**{"num_cameras": len(extrinsics), **of_lens, "dtype": extrinsics.dtype, "device": extrinsics.device})
        return cls(extrinsics, intrinsics)

    @classmethod
    def from_dict(cls, in_dict: dict[str, Any]) -> "Camera":
        """What `as_dict` told."""
        for name in ("extrinsics", "intrinsics"):
            if name not in in_dict:
                raise ValueError(f"Camera.from_dict: in_dict must have extrinsics and intrinsics, got {sorted(in_dict)}")
        return cls(CameraExtrinsics.from_dict(in_dict["extrinsics"]), CameraIntrinsics.from_dict(in_dict["intrinsics"]))

    def as_dict(self) -> dict[str, Any]:
        """Of one camera, all that makes it again with `from_dict`, for JSON."""
        if len(self) != 1:
            raise ValueError(f"Camera.as_dict: there must be one camera, got {len(self)}")
        return {"intrinsics": self.intrinsics.as_dict(), "extrinsics": self.extrinsics.as_dict()}

    @classmethod
    def cat(cls, cameras: "Sequence[Camera]") -> "Camera":
        """All of them as one, with the first one's image size and depths."""
        if len(cameras) == 0:
            raise ValueError("Camera.cat: cameras must be at least one, got none")
        extrinsics, intrinsics = CameraExtrinsics.cat([c.extrinsics for c in cameras]), CameraIntrinsics.cat([c.intrinsics for c in cameras])
        assert extrinsics is not None
        assert intrinsics is not None
        return cls(extrinsics, intrinsics)

    # ------------------------------------------------------------------------------------------------------------------ what it does

    def transform(self, vectors: torch.Tensor) -> torch.Tensor:
        """Points [B, 3] or [C, B, 3] of the world, in NDC; of the same shape if there is one camera, else [C, B, 3]."""
        seen = self.intrinsics.transform(self.extrinsics.transform(vectors))
        return seen.reshape(vectors.shape) if len(self) == 1 else seen

    def view_projection_matrix(self) -> torch.Tensor:
        """[C, 4, 4], NDC from the world, before the division by the last coordinate."""
        return self.intrinsics.projection_matrix() @ self.extrinsics.view_matrix()

    def generate_rays(self, coords_grid: Any = None) -> tuple[torch.Tensor, torch.Tensor]:
        """Origins and unit directions [H W, 3] in the world, of one camera: see `raygen.generate_rays`."""
        return generate_rays(self, coords_grid)

    # ------------------------------------------------------------------------------------------------------------------ what it is

    @property
    def width(self) -> int:
        """Of the image, in pixels."""
        return self.intrinsics.width

    @width.setter
    def width(self, value: int) -> None:
        self.intrinsics.width = value

    @property
    def height(self) -> int:
        """Of the image, in pixels."""
        return self.intrinsics.height

    @height.setter
    def height(self, value: int) -> None:
        self.intrinsics.height = value

    @property
    def lens_type(self) -> str:
        """ "pinhole" or "ortho"."""
        return self.intrinsics.lens_type

    @property
    def device(self) -> torch.device:
        return self.extrinsics.device

    @property
    def dtype(self) -> torch.dtype:
        return self.extrinsics.dtype

    def parameters(self) -> tuple[torch.Tensor, torch.Tensor]:
        """The numbers of extrinsics and intrinsics that are learned."""
        return self.extrinsics.parameters(), self.intrinsics.parameters()

    def named_params(self) -> list[dict[str, Any]]:
        """Of each camera, its numbers by name."""
        return [place | lens for place, lens in zip(self.extrinsics.named_params(), self.intrinsics.named_params(), strict=True)]

    def gradient_mask(self, *args: Any) -> tuple[torch.Tensor, torch.Tensor]:
        """Masks of both `parameters`, true for the numbers that are named ("R", "t", "focal_x", ...)."""
        of_place = [arg for arg in args if isinstance(arg, ExtrinsicsParamsDefEnum) or arg in ExtrinsicsParamsDefEnum.__members__]
        of_lens = [arg for arg in args if not isinstance(arg, ExtrinsicsParamsDefEnum) and arg not in ExtrinsicsParamsDefEnum.__members__]
        return self.extrinsics.gradient_mask(*of_place), self.intrinsics.gradient_mask(*of_lens)

    def requires_grad_(self, val: bool) -> None:
        """Whether gradient flows to both `parameters`."""
        self.extrinsics.requires_grad = val
        self.intrinsics.requires_grad = val

    def to(self, *args: Any, **kwargs: Any) -> "Camera":
        """Another one, as `torch.Tensor.to` takes it."""
        return Camera(self.extrinsics.to(*args, **kwargs), self.intrinsics.to(*args, **kwargs))

    def cpu(self) -> "Camera":
        return self.to("cpu")

    def cuda(self) -> "Camera":
        return self.to("cuda")

    def half(self) -> "Camera":
        return self.to(torch.float16)

    def float(self) -> "Camera":
        return self.to(torch.float32)

    def double(self) -> "Camera":
        return self.to(torch.float64)

    def __getattr__(self, item: str) -> Any:
        parts = [self.__dict__[name] for name in ("extrinsics", "intrinsics") if name in self.__dict__]
        for part in parts if not item.startswith("_") else ():
            if hasattr(part, item):
                return getattr(part, item)
        raise AttributeError(f"Camera has no attribute {item}")

    def __setattr__(self, item: str, value: Any) -> None:
        part = None
        if item not in ("extrinsics", "intrinsics") and not hasattr(type(self), item):
            part = next((part for part in (self.extrinsics, self.intrinsics) if not item.startswith("_") and hasattr(part, item)), None)
        if part is None:
            super().__setattr__(item, value)
        else:
            setattr(part, item, value)

    def __len__(self) -> int:
        return len(self.extrinsics)

    def __getitem__(self, item: Any) -> "Camera":
        return Camera(self.extrinsics[item], self.intrinsics[item])

    def __copy__(self) -> "Camera":
        return Camera(self.extrinsics, self.intrinsics)

    def __deepcopy__(self, memo: dict[int, Any]) -> "Camera":
        return Camera(copy.deepcopy(self.extrinsics, memo), copy.deepcopy(self.intrinsics, memo))

    def __repr__(self) -> str:
        return f"{self.extrinsics!r}\n{self.intrinsics!r}"

    @classmethod
    def __torch_function__(cls, func: Callable[..., Any], types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return allclose(*args, **(kwargs or {})) if func is torch.allclose else NotImplemented


def allclose(input: Camera, other: Camera, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False) -> bool:  # noqa: A002
    """Whether the numbers of both are close, their lenses and image sizes the same."""
    for name, given in (("input", input), ("other", other)):
        if not isinstance(given, Camera):
            raise TypeError(f"allclose: {name} must be a Camera, got {type(given).__name__}")
    parts = ((input.extrinsics, other.extrinsics), (input.intrinsics, other.intrinsics))
    return all(torch.allclose(one, another, rtol=rtol, atol=atol, equal_nan=equal_nan) for one, another in parts)  # type: ignore[arg-type]
