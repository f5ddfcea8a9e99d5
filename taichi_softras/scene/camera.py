"""Cameras, and the one place where conventions are stated.

* **World**: right-handed.
* **Camera space**: x right, y up, the camera looks along -z (OpenGL, Blender, NeRF). OpenCV's (x right, y down, looking along +z) is converted on the
  way in and out.
* **Screen**: x right, y up; the shorter image side spans [-1, 1] and pixels are square. The pixel in row r and column c of an H x W image has its centre at
  ((2c + 1 - W)/S, (H - 2r - 1)/S), S = min(H, W). Row 0 is the top.
* **Depth**: distance along the view axis, positive ahead.
* **Winding**: seen from outside, the vertices of a face run counter-clockwise.
* **Names**: ``camera_from_world`` maps a point of the world into camera space: p_camera = R p_world + t.
* **Intrinsics**: fx, fy, cx, cy in screen units: x_screen = fx X/depth + cx (perspective), fx X + cx (orthographic).
* **Distortion**: OpenCV's coefficients, unchanged (its camera axes are y down; the formulas turn them). Triangles stay straight between their projected
  vertices: a coarse mesh wants to be subdivided before a lens bends it.
* **Pixel intrinsics** K = [[fl_x, 0, cx], [0, fl_y, cy], [0, 0, 1]]: in pixels, x right and y down from the top left corner of the image, so that the centre
  of the first pixel is at (0.5, 0.5).
"""

import enum
import functools
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
from numpy.polynomial import Polynomial

from ..checks import as_numbers, check_choice, check_finite, check_image_size, check_integer, check_number, check_shape, is_taken
from ..kernels.projection import Lens

__all__ = ["Camera", "Convention", "Lens", "distortion_limit"]

COEFFICIENTS = {Lens.OPENCV: 8, Lens.FISHEYE: 4}  # of distortion
LARGEST_TANGENT = 1e4  # of an angle off the view axis
SLOPES = (0.1, 100.0)  # a distortion is used while its slope lies between: below, it would turn back; above, its powers would leave float32
GOLDEN_ANGLE = 180 * (3 - 5**0.5)  # degrees: points after points spread evenly
MAX_SKEW = 0.5  # pixels, at the border of the picture
NEARLY_NONE = 1e-6  # of what stands where K has a 0, for what is 1
_FLIP = np.array([1.0, -1.0, -1.0])  # between OpenGL's and OpenCV's camera axes


class Convention(enum.Enum):
    """Axes of camera space."""

    OPENGL = "opengl"
    """x right, y up, looking along -z: also Blender's and NeRF's."""
    OPENCV = "opencv"
    """x right, y down, looking along +z: also COLMAP's."""


@dataclass(frozen=True, kw_only=True)
class Camera:
    """A batch of B cameras.

    Attributes:
        camera_from_world: [B, 3, 4], R and t side by side.
        intrinsics: [B, 4] fx, fy, cx, cy in screen units.
        lens: how camera space is seen on the screen.
        distortion: [B, 8] k1, k2, p1, p2, k3, k4, k5, k6 with Lens.OPENCV; [B, 4] k1, k2, k3, k4 with Lens.FISHEYE; else None. Beyond where
            the model would turn back (its slope falls below a tenth) or run away (above a hundred), points go straight on outwards: they are not seen in the
            picture a second time. (Gradients to the coefficients take that place as given.)

    The constructors make NumPy arrays (float64), and refuse tensors that want a gradient, which would be lost. Arrays of another library (such tensors, say)
    are put in with ``dataclasses.replace``.
    """

    ARRAYS: ClassVar = ("camera_from_world", "intrinsics", "distortion")  # the attributes that may want gradient

    camera_from_world: Any
    intrinsics: Any
    lens: Lens = Lens.PERSPECTIVE
    distortion: Any = None

    def __post_init__(self) -> None:
        check_choice("Camera", "lens", self.lens, Lens)
        for name in self.ARRAYS:
            value = getattr(self, name)
            if not hasattr(value, "shape") and not (name == "distortion" and value is None):
                raise TypeError(f"Camera: {name} must be an array, got {type(value).__name__}")
            if isinstance(value, np.ndarray) and value.dtype.kind not in "fiu":
                raise TypeError(f"Camera: {name} must be real numbers, got {value.dtype}")
        sizes: dict[str, int] = {}
        check_shape("Camera", "camera_from_world", self.camera_from_world.shape, ("B", 3, 4), sizes)
        check_shape("Camera", "intrinsics", self.intrinsics.shape, ("B", 4), sizes)
        coefficients = COEFFICIENTS.get(self.lens)
        if coefficients is None and self.distortion is not None:
            raise ValueError(f"Camera: distortion must be None with {self.lens}, got one")
        if coefficients is not None:
            if self.distortion is None:
                raise ValueError(f"Camera: distortion must be given with {self.lens}, got None")
            check_shape("Camera", "distortion", self.distortion.shape, ("B", coefficients), sizes)
        for name in self.ARRAYS:
            if isinstance(getattr(self, name), np.ndarray):
                check_finite("Camera", name, getattr(self, name))

    def __len__(self) -> int:
        return self.camera_from_world.shape[0]

    def __getitem__(self, which: Any) -> "Camera":
        """The cameras that an index, a slice or an index array selects."""
        which = [which] if isinstance(which, (int, np.integer)) else which
        own = {name: getattr(self, name) for name in self.ARRAYS}
        chosen: dict[str, Any] = {name: None if value is None else value[which] for name, value in own.items()}
        return replace(self, **chosen)

    def on(self, arrays: Any) -> "Camera":
        """The cameras, what is NumPy's of them as arrays of the library ``arrays``; of tensors that it does not take, their numbers."""
        own = {name: getattr(self, name) for name in self.ARRAYS}
        own |= {name: _numbers("Camera", name, value) for name, value in own.items() if hasattr(value, "detach") and not is_taken(arrays, value)}
        placed: dict[str, Any] = {name: arrays.fixed(value) if isinstance(value, np.ndarray) else value for name, value in own.items()}
        return replace(self, **placed)

    def about(self, origin: Any) -> "Camera":
        """The same cameras, told in a world whose origin is at ``origin`` [3] of theirs: what is far from theirs is near to it, where float32 is exact."""
        origin = _numbers("Camera.about", "origin", origin)
        check_shape("Camera.about", "origin", origin.shape, (3,))
        check_finite("Camera.about", "origin", origin)
        matrices = _numbers("Camera.about", "camera_from_world", self.camera_from_world)
        matrices[:, :, 3] += matrices[:, :, :3] @ origin
        return replace(self, camera_from_world=matrices)

    @classmethod
    def orbit(
        cls,
        distance: Any = 2.732,
        elevation: Any = 0.0,
        azimuth: Any = 0.0,
        *,
        fov: float = 60.0,
        target: Any = (0.0, 0.0, 0.0),
        orthographic_height: float | None = None,
    ) -> "Camera":
        """Cameras around ``target``, y being up. Distance, elevation and azimuth broadcast to [B].

        Args:
            distance: from the target, world units.
            elevation: degrees above the horizon, -90 to 90.
            azimuth: degrees; 0 looks from +z, 90 from +x.
            fov: degrees, full angle across the shorter image side.
            target: [3] or [B, 3] point looked at.
            orthographic_height: if given, the projection is orthographic and the shorter image side spans this many world units.

        Examples:
            >>> cameras = Camera.orbit(distance=2, azimuth=[0, 90, 180, 270])
            >>> len(cameras), len(cameras[1:3])
            (4, 2)
            >>> (cameras.eye.round(6) + 0.0).tolist()
            [[0.0, 0.0, 2.0], [2.0, 0.0, 0.0], [0.0, 0.0, -2.0], [-2.0, 0.0, 0.0]]
        """
        op, names = "Camera.orbit", "distance, elevation and azimuth"
        distance, elevation, azimuth, target = (
            _numbers(op, name, v) for name, v in (("distance", distance), ("elevation", elevation), ("azimuth", azimuth), ("target", target))
        )
        check_shape(op, "target", target.shape, (3,) if target.ndim < 2 else ("B", 3))
        distance, elevation, azimuth = _broadcast("Camera.orbit", names, *(np.atleast_1d(v) for v in (distance, elevation, azimuth)))
        check_shape("Camera.orbit", names, distance.shape, ("B",))
        if not (distance > 0).all():
            raise ValueError(f"Camera.orbit: distance must be positive, got {distance.min()}")
        if not (np.abs(elevation) <= 90).all():
            raise ValueError(f"Camera.orbit: elevation must be between -90 and 90 degrees, got {elevation[np.abs(elevation).argmax()]}")
        for name, values in (("distance", distance), ("azimuth", azimuth), ("target", target)):
            check_finite("Camera.orbit", name, values)
        e, a = np.radians(elevation), np.radians(azimuth)
        zeros = np.zeros_like(a)
        backward = np.stack([np.cos(e) * np.sin(a), np.sin(e), np.cos(e) * np.cos(a)], -1)
        right = np.stack([np.cos(a), zeros, -np.sin(a)], -1)
        rotation = np.stack([right, np.cross(backward, right), backward], -2)
        (eye, _) = _broadcast("Camera.orbit", "target and distance", target + np.zeros(3), distance[:, None] * backward)
        eye = eye + distance[:, None] * backward
        return cls._from_pose(rotation, eye, fov, orthographic_height)

    @classmethod
    def all_around(cls, count: int, distance: float = 2.732, turn: float = 0.0, *, fov: float = 60.0, target: Any = (0.0, 0.0, 0.0)) -> "Camera":
        """``count`` cameras spread evenly over a sphere around ``target`` (a Fibonacci sphere), turned by ``turn`` degrees. For the rest see `orbit`."""
        check_integer("Camera.all_around", "count", count, 1, 2**20)
        check_number("Camera.all_around", "turn", turn)
        i = np.arange(count) + 0.5
        return cls.orbit(distance, np.degrees(np.arcsin(1 - 2 * i / count)), i * GOLDEN_ANGLE + turn, fov=fov, target=target)

    @classmethod
    def look_at(
        cls,
        eye: Any,
        target: Any = (0.0, 0.0, 0.0),
        up: Any = (0.0, 1.0, 0.0),
        *,
        fov: float = 60.0,
        orthographic_height: float | None = None,
    ) -> "Camera":
        """Cameras at ``eye`` [3] or [B, 3] that look at ``target``, with ``up`` upwards in the image. For the rest see `orbit`."""
        points = [_numbers("Camera.look_at", name, v) for name, v in (("eye", eye), ("target", target), ("up", up))]
        for name, point in zip(("eye", "target", "up"), points, strict=True):
            check_shape("Camera.look_at", name, point.shape, (3,) if point.ndim < 2 else ("B", 3))
        eye, target, up = _broadcast("Camera.look_at", "eye, target and up", *(np.atleast_2d(point) for point in points))
        backward = eye - target
        right = np.cross(up, backward)
        lengths = np.linalg.norm(right, axis=-1)
        if not (lengths > 1e-9 * np.linalg.norm(up, axis=-1) * np.linalg.norm(backward, axis=-1)).all():
            raise ValueError(
                f"Camera.look_at: eye and target must differ and up must not be parallel to the line between them, got camera {int(lengths.argmin())}"
            )
        right = right / lengths[:, None]
        backward = backward / np.linalg.norm(backward, axis=-1, keepdims=True)
        return cls._from_pose(np.stack([right, np.cross(backward, right), backward], -2), eye, fov, orthographic_height)

    @classmethod
    def from_matrices(
        cls,
        camera_from_world: Any,
        pixel_intrinsics: Any,
        image_size: tuple[int, int],
        *,
        convention: Convention = Convention.OPENGL,
        lens: Lens = Lens.PERSPECTIVE,
        distortion: Any = None,
    ) -> "Camera":
        """Cameras from [R | t] ([B, 3, 4] or [B, 4, 4]) in the given convention and K ([3, 3] or [B, 3, 3], pixels).

        K is [[fx, 0, cx], [0, fy, cy], [0, 0, 1]], or any multiple of it, as decompositions of projections give it. A skew, which no lens here has, may move
        a point of the picture by half a pixel at most.
        ``image_size`` is (height, width) of the picture that K belongs to; the camera can render any size of the same aspect.
        For a NeRF ``transform_matrix`` (camera to world) pass its inverse. OpenCV's own cx and cy count from the centre of the first pixel: add 0.5 to them.

        ``distortion`` [n], [1, n], [n, 1] or [B, n] are OpenCV's coefficients, as calibration gives them: k1, k2, p1, p2[, k3[, k4, k5, k6]] with Lens.OPENCV
        (its thin prism and tilt, which may follow, must be zero), k1, k2, k3, k4 with Lens.FISHEYE. What is left out is zero.

        Examples:
            >>> world_to_camera = np.eye(4)
            >>> world_to_camera[2, 3] = 3.0  # OpenCV looks along +z: the origin is three units ahead
            >>> k = np.array([[500.0, 0.0, 320.0], [0.0, 500.0, 240.0], [0.0, 0.0, 1.0]])
            >>> camera = Camera.from_matrices(world_to_camera[None], k, (480, 640), convention=Convention.OPENCV)
            >>> (camera.eye + 0.0).tolist()
            [[0.0, 0.0, -3.0]]
        """
        check_choice("Camera.from_matrices", "convention", convention, Convention)
        check_choice("Camera.from_matrices", "lens", lens, Lens)
        if lens is Lens.ORTHOGRAPHIC:
            raise ValueError(f"Camera.from_matrices: lens must not be {lens}, for which K has no meaning")
        matrices = _numbers("Camera.from_matrices", "camera_from_world", camera_from_world)
        matrices = matrices[None] if matrices.ndim == 2 else matrices
        rows = 3 if matrices.shape[1:2] == (3,) else 4
        check_shape("Camera.from_matrices", "camera_from_world", matrices.shape, ("B", rows, 4))
        matrices = matrices[:, :3]
        rotations = matrices[:, :, :3]
        wrong = "Camera.from_matrices: the left 3 x 3 of camera_from_world must be a rotation, got"
        if not np.allclose(rotations @ rotations.swapaxes(1, 2), np.eye(3), atol=1e-3):
            raise ValueError(f"{wrong} rows that are not orthonormal")
        if not (np.linalg.det(rotations) > 0).all():
            raise ValueError(f"{wrong} a mirror image")
        if convention is Convention.OPENCV:
            matrices = matrices * _FLIP[:, None]
        k = _numbers("Camera.from_matrices", "pixel_intrinsics", pixel_intrinsics)
        check_shape("Camera.from_matrices", "pixel_intrinsics", k.shape, (3, 3) if k.ndim == 2 else ("B", 3, 3), {"B": len(matrices)})
        check_finite("Camera.from_matrices", "pixel_intrinsics", k)
        height, width = check_image_size("Camera.from_matrices", image_size)
        k = _without_skew(np.broadcast_to(k, (len(matrices), 3, 3)), height, width)
        half = min(height, width) / 2
        intrinsics = np.stack([k[:, 0, 0], k[:, 1, 1], k[:, 0, 2] - width / 2, height / 2 - k[:, 1, 2]], -1) / half
        return cls(camera_from_world=matrices, intrinsics=intrinsics, lens=lens, distortion=_coefficients(lens, distortion, len(matrices)))

    def to_matrices(self, image_size: tuple[int, int], *, convention: Convention = Convention.OPENGL) -> tuple[np.ndarray, np.ndarray]:
        """([B, 4, 4] camera_from_world, [B, 3, 3] K in pixels of an (height, width) image), the inverse of `from_matrices`."""
        check_choice("Camera.to_matrices", "convention", convention, Convention)
        matrices = np.tile(np.eye(4), (len(self), 1, 1))
        matrices[:, :3] = _numbers("Camera.to_matrices", "camera_from_world", self.camera_from_world)
        if convention is Convention.OPENCV:
            matrices[:, :3] *= _FLIP[:, None]
        height, width = check_image_size("Camera.to_matrices", image_size)
        half = min(height, width) / 2
        fx, fy, cx, cy = (_numbers("Camera.to_matrices", "intrinsics", self.intrinsics) * half).T
        k = np.tile(np.eye(3), (len(self), 1, 1))
        k[:, 0, 0], k[:, 1, 1], k[:, 0, 2], k[:, 1, 2] = fx, fy, cx + width / 2, height / 2 - cy
        return matrices, k

    @property
    def eye(self) -> np.ndarray:
        """[B, 3] positions in the world."""
        rotation, translation = self.camera_from_world[:, :, :3], self.camera_from_world[:, :, 3:]
        return -(rotation.swapaxes(1, 2) @ translation)[:, :, 0]

    @classmethod
    def _from_pose(cls, rotation: np.ndarray, eye: np.ndarray, fov: float, orthographic_height: float | None) -> "Camera":
        if orthographic_height is None:
            check_number("Camera", "fov", fov, 0, 180)
            focal = 1 / np.tan(np.radians(fov) / 2)
        else:
            check_number("Camera", "orthographic_height", orthographic_height, 0)
            focal = 2 / orthographic_height
        rotation = np.broadcast_to(rotation, (len(eye), 3, 3))
        translation = -(rotation @ eye[:, :, None])
        return cls(
            camera_from_world=np.concatenate([rotation, translation], -1),
            intrinsics=np.tile([focal, focal, 0.0, 0.0], (len(eye), 1)),
            lens=Lens.PERSPECTIVE if orthographic_height is None else Lens.ORTHOGRAPHIC,
        )


def _without_skew(k: np.ndarray, height: int, width: int) -> np.ndarray:
    """K [B, 3, 3] of pictures of a size, divided by its last number."""
    if (k[:, 2, 2] == 0).any():
        raise ValueError("Camera.from_matrices: pixel_intrinsics must end in a 1, or another number than 0, got 0")
    k = k / k[:, 2:, 2:]
    f, c = k[:, [0, 1], [0, 1]], k[:, :2, 2]
    if not (f > 0).all():
        raise ValueError(f"Camera.from_matrices: pixel_intrinsics must have positive focal lengths (x right, y down), got {f[(f <= 0).any(1)][0].tolist()}")
    moved = np.abs(k[:, [1, 0], [0, 1]]) / f * np.maximum(c, (width, height) - c)
    if (moved > MAX_SKEW).any() or (np.abs(k[:, 2, :2]) > NEARLY_NONE).any():
        wrong = ((moved > MAX_SKEW) | (np.abs(k[:, 2, :2]) > NEARLY_NONE)).any(1)
        raise ValueError(f"Camera.from_matrices: pixel_intrinsics must be [[fx, 0, cx], [0, fy, cy], [0, 0, 1]], without skew, got {k[wrong][0].tolist()}")
    return k


def _coefficients(lens: Lens, distortion: Any, n: int) -> np.ndarray | None:
    """[n, 8 or 4], what was left out being zero."""
    if lens not in COEFFICIENTS:
        if distortion is not None:
            raise ValueError(f"Camera.from_matrices: distortion must be None with {lens}, got one")
        return None
    full = COEFFICIENTS[lens]
    given = np.zeros(full) if distortion is None else _numbers("Camera.from_matrices", "distortion", distortion)
    allowed = (4,) if lens is Lens.FISHEYE else (4, 5, 8)
    if given.ndim == 2 and 1 in given.shape:  # as OpenCV returns them
        given = given.ravel()
    if lens is Lens.OPENCV and given.shape[-1:] in ((12,), (14,)):
        if given[..., 8:].any():
            raise ValueError("Camera.from_matrices: distortion must be radial and tangential, got a thin prism or a tilted sensor (its 9th number and on)")
        given = given[..., :8]
    if given.ndim not in (1, 2) or given.shape[-1] not in allowed or (given.ndim == 2 and len(given) != n):
        counts = " or ".join(str(count) for count in allowed)
        raise ValueError(f"Camera.from_matrices: distortion must have {counts} coefficients, for all or for each of the {n} cameras, got shape {given.shape}")
    padded = np.concatenate([given, np.zeros((*given.shape[:-1], full - given.shape[-1]))], -1)
    return np.array(np.broadcast_to(padded, (n, full)))


def distortion_limit(lens: Lens, coefficients: np.ndarray) -> np.ndarray:
    """[B, 2] up to where distortions [B, n] are used, and their radial slope there.

    The first is the tangent of the angle off the view axis (Lens.OPENCV) or that angle (Lens.FISHEYE) at which the model's slope, in the direction where it is
    least, leaves `SLOPES`; the largest that there can be if it never does.
    """
    check_choice("distortion_limit", "lens", lens, Lens)
    if lens not in COEFFICIENTS:
        raise ValueError(f"distortion_limit: lens must be one with distortion, got {lens}")
    coefficients = as_numbers("distortion_limit", "coefficients", coefficients)
    check_shape("distortion_limit", "coefficients", coefficients.shape, ("B", COEFFICIENTS[lens]))
    return np.array([_limit(lens, *row) for row in coefficients.tolist()])


@functools.lru_cache(maxsize=1 << 12)
def _limit(lens: Lens, k1: float, k2: float, *others: float) -> tuple[float, float]:
    if lens is Lens.FISHEYE:
        k3, k4 = others
        radial, below, tangential, end = Polynomial([0, 1, 0, k1, 0, k2, 0, k3, 0, k4]), Polynomial([1]), 0.0, np.pi
    else:
        p1, p2, k3, k4, k5, k6 = others
        radial, below = Polynomial([0, 1, 0, k1, 0, k2, 0, k3]), Polynomial([1, 0, k4, 0, k5, 0, k6])
        tangential, end = np.hypot(p1, p2), LARGEST_TANGENT  # in direction (c, s), this part moves points outwards by 3 r^2 (p1 s + p2 c)
    rise, square = radial.deriv() * below - radial * below.deriv(), below * below
    leaves = [rise - Polynomial([slope, 6 * tangential]) * square for slope in SLOPES]
    if not all(np.isfinite(polynomial.coef).all() for polynomial in leaves):
        return np.nan, np.nan
    roots = np.concatenate([polynomial.roots() for polynomial in leaves])
    limit = min([end, *roots.real[(roots.imag == 0) & (roots.real > 0)]])
    return limit, rise(limit) / square(limit)


def _numbers(op: str, name: str, values: Any) -> np.ndarray:
    """As float64; a tensor that wants a gradient would not get it."""
    if getattr(values, "requires_grad", False) is True:
        raise TypeError(
            f"{op}: {name} must want no gradient, which would be lost (detach() it; arrays of a camera that want one are put in by dataclasses.replace), "
            "got a tensor that requires one"
        )
    return as_numbers(op, name, values)


def _broadcast(op: str, names: str, *arrays: np.ndarray) -> list[np.ndarray]:
    try:
        return list(np.broadcast_arrays(*arrays))
    except ValueError:
        raise ValueError(f"{op}: {names} must have shapes that go together, got {', '.join(str(array.shape) for array in arrays)}") from None
