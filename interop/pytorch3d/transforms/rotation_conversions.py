"""PyTorch3D's representations of rotations: matrices, quaternions, Euler angles, axis and angle, six numbers.

Matrices multiply columns from the left. Quaternions (w, x, y, z) have the real part first. Angles are in radians. All take any number of dimensions before the
last; gradients go to every argument.
"""

from functools import reduce

import torch
import torch.nn.functional as F

from ....checks import check_integer
from ...checks import check_last, check_tensors
from ..common.datatypes import Device

__all__ = [
    "axis_angle_to_matrix",
    "axis_angle_to_quaternion",
    "euler_angles_to_matrix",
    "matrix_to_axis_angle",
    "matrix_to_euler_angles",
    "matrix_to_quaternion",
    "matrix_to_rotation_6d",
    "quaternion_apply",
    "quaternion_invert",
    "quaternion_multiply",
    "quaternion_raw_multiply",
    "quaternion_to_axis_angle",
    "quaternion_to_matrix",
    "random_quaternions",
    "random_rotation",
    "random_rotations",
    "rotation_6d_to_matrix",
    "standardize_quaternion",
]

AXES = "XYZ"


def cross_matrix(v: torch.Tensor) -> torch.Tensor:
    """[..., 3, 3] of vectors [..., 3]: its product with a column w is v x w."""
    x, y, z = v.unbind(-1)
    zero = torch.zeros_like(x)
    return torch.stack([zero, -z, y, z, zero, -x, -y, x, zero], -1).reshape(*v.shape, 3)


def sinc(angle: torch.Tensor) -> torch.Tensor:
    """sin(angle) / angle, and 1 at nought."""
    return torch.sinc(angle / torch.pi)


# ------------------------------------------------------------------------------------------------------------------------ quaternions


def quaternion_to_matrix(quaternions: torch.Tensor) -> torch.Tensor:
    """[..., 3, 3] of [..., 4], which need not be of unit length: 1 + 2 (w [v] + [v][v]) / |q|^2."""
    check_last("quaternion_to_matrix", "quaternions", quaternions, 4)
    real, turned = quaternions[..., :1, None], cross_matrix(quaternions[..., 1:])
    factor = 2 / quaternions.square().sum(-1)[..., None, None]
    return torch.eye(3, dtype=turned.dtype, device=turned.device) + factor * (real * turned + turned @ turned)


def matrix_to_quaternion(matrix: torch.Tensor) -> torch.Tensor:
    """[..., 4] with a real part that is not negative, of rotations [..., 3, 3].

    4 q q^T is linear in the matrix; the row of its largest diagonal entry, which is at least 1, is divided by twice that entry's root (Shepperd 1978).
    """
    check_last("matrix_to_quaternion", "matrix", matrix, 3, 3)
    m00, m01, m02, m10, m11, m12, m20, m21, m22 = matrix.flatten(-2).unbind(-1)
    x, y, z = m21 - m12, m02 - m20, m10 - m01
    xy, yz, zx = m10 + m01, m21 + m12, m02 + m20
    rows = [
        1 + m00 + m11 + m22, x, y, z,
        x, 1 + m00 - m11 - m22, xy, zx,
        y, xy, 1 - m00 + m11 - m22, yz,
        z, zx, yz, 1 - m00 - m11 + m22,
    ]  # fmt: skip
    products = torch.stack(rows, -1).reshape(*matrix.shape[:-2], 4, 4)
    best = products.diagonal(dim1=-2, dim2=-1).argmax(-1)[..., None]
    row = products.gather(-2, best[..., None].expand(*best.shape, 4))[..., 0, :]
    return standardize_quaternion(row / (2 * row.gather(-1, best).sqrt()))


def standardize_quaternion(quaternions: torch.Tensor) -> torch.Tensor:
    """[..., 4]: the one of q and -q, which are the same rotation, whose real part is not negative."""
    check_last("standardize_quaternion", "quaternions", quaternions, 4)
    return torch.where(quaternions[..., :1] < 0, -quaternions, quaternions)


def _of_one_dtype(op: str, **tensors: torch.Tensor) -> list[torch.Tensor]:
    """The tensors, of the wider of their dtypes."""
    for name, tensor in tensors.items():
        check_tensors(op, **{name: tensor})
    dtype = reduce(torch.promote_types, (tensor.dtype for tensor in tensors.values()))
    alike = {name: tensor.to(dtype) for name, tensor in tensors.items()}
    check_tensors(op, **alike)
    return list(alike.values())


def quaternion_raw_multiply(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """The product [..., 4] of quaternions [..., 4]."""
    a, b = _of_one_dtype("quaternion_raw_multiply", a=a, b=b)
    check_last("quaternion_raw_multiply", "a", a, 4)
    check_last("quaternion_raw_multiply", "b", b, 4)
    a, b = torch.broadcast_tensors(a, b)
    (a_real, a_rest), (b_real, b_rest) = (q.split([1, 3], -1) for q in (a, b))
    real = a_real * b_real - (a_rest * b_rest).sum(-1, keepdim=True)
    return torch.cat([real, a_real * b_rest + b_real * a_rest + torch.linalg.cross(a_rest, b_rest)], -1)


def quaternion_multiply(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """The rotation [..., 4] that does b, then a; its real part is not negative."""
    return standardize_quaternion(quaternion_raw_multiply(a, b))


def quaternion_invert(quaternion: torch.Tensor) -> torch.Tensor:
    """[..., 4]: the inverse of quaternions of unit length."""
    check_last("quaternion_invert", "quaternion", quaternion, 4)
    return torch.cat([quaternion[..., :1], -quaternion[..., 1:]], -1)


def quaternion_apply(quaternion: torch.Tensor, point: torch.Tensor) -> torch.Tensor:
    """Points [..., 3], turned by quaternions [..., 4] of unit length."""
    quaternion, point = _of_one_dtype("quaternion_apply", quaternion=quaternion, point=point)
    check_last("quaternion_apply", "quaternion", quaternion, 4)
    check_last("quaternion_apply", "point", point, 3)
    turned = quaternion_raw_multiply(quaternion_raw_multiply(quaternion, F.pad(point, (1, 0))), quaternion_invert(quaternion))
    return turned[..., 1:]


def random_quaternions(n: int, dtype: torch.dtype | None = None, device: Device | None = None) -> torch.Tensor:
    """[n, 4]: rotations, all equally likely, with real parts that are not negative. They are drawn from torch's generator as PyTorch3D draws them."""
    check_integer("random_quaternions", "n", n, 0, 1 << 31)
    drawn = torch.randn((n, 4), dtype=dtype, device=device)
    return standardize_quaternion(drawn / drawn.norm(dim=1, keepdim=True))


def random_rotations(n: int, dtype: torch.dtype | None = None, device: Device | None = None) -> torch.Tensor:
    """[n, 3, 3]: rotations, all equally likely."""
    return quaternion_to_matrix(random_quaternions(n, dtype, device))


def random_rotation(dtype: torch.dtype | None = None, device: Device | None = None) -> torch.Tensor:
    """[3, 3]: one of them."""
    return random_rotations(1, dtype, device)[0]


# ------------------------------------------------------------------------------------------------------------------------ axis and angle


def axis_angle_to_matrix(axis_angle: torch.Tensor, fast: bool = False) -> torch.Tensor:
    """[..., 3, 3] of [..., 3], whose direction is the axis, and whose length the angle (anticlockwise): Rodrigues' formula.

    ``fast`` has no effect: the original's faster formula is the only one here.
    """
    check_last("axis_angle_to_matrix", "axis_angle", axis_angle, 3)
    angle, turned = axis_angle.norm(dim=-1)[..., None, None], cross_matrix(axis_angle)
    return torch.eye(3, dtype=turned.dtype, device=turned.device) + sinc(angle) * turned + 0.5 * sinc(angle / 2).square() * (turned @ turned)


def matrix_to_axis_angle(matrix: torch.Tensor, fast: bool = False) -> torch.Tensor:
    """[..., 3], of lengths from 0 to pi, of rotations [..., 3, 3]. ``fast`` has no effect: the way over quaternions is right at half turns, too."""
    check_last("matrix_to_axis_angle", "matrix", matrix, 3, 3)
    return quaternion_to_axis_angle(matrix_to_quaternion(matrix))


def axis_angle_to_quaternion(axis_angle: torch.Tensor) -> torch.Tensor:
    """[..., 4] of [..., 3]."""
    check_last("axis_angle_to_quaternion", "axis_angle", axis_angle, 3)
    half = axis_angle.norm(dim=-1, keepdim=True) / 2
    return torch.cat([torch.cos(half), axis_angle * (sinc(half) / 2)], -1)


def quaternion_to_axis_angle(quaternions: torch.Tensor) -> torch.Tensor:
    """[..., 3] of [..., 4]; the angle is beyond pi where the real part is negative."""
    check_last("quaternion_to_axis_angle", "quaternions", quaternions, 4)
    rest = quaternions[..., 1:]
    half = torch.atan2(rest.norm(dim=-1, keepdim=True), quaternions[..., :1])
    return rest * (2 / sinc(half))


# ------------------------------------------------------------------------------------------------------------------------ Euler angles


def _axes(op: str, convention: str) -> tuple[int, int, int]:
    """The numbers of three axes."""
    if not isinstance(convention, str) or len(convention) != 3 or set(convention) - set(AXES) or convention[1] in (convention[0], convention[2]):
        raise ValueError(f"{op}: convention must be three letters of X, Y and Z, no two neighbours the same, got {convention!r}")
    a, b, c = (AXES.index(letter) for letter in convention)
    return a, b, c


def axis_rotation(axis: int, angle: torch.Tensor) -> torch.Tensor:
    """[..., 3, 3]: anticlockwise by angles [...] about axis 0, 1 or 2."""
    direction = torch.eye(3, dtype=angle.dtype, device=angle.device)[axis]
    turned, others = cross_matrix(direction), torch.diag(1 - direction)
    cos, sin = torch.cos(angle)[..., None, None], torch.sin(angle)[..., None, None]
    return torch.diag(direction) + cos * others + sin * turned


def _axis_angle_rotation(axis: str, angle: torch.Tensor) -> torch.Tensor:
    """`axis_rotation` about "X", "Y" or "Z": users of the original import it by this name."""
    if axis not in tuple(AXES):
        raise ValueError(f"_axis_angle_rotation: axis must be 'X', 'Y' or 'Z', got {axis!r}")
    return axis_rotation(AXES.index(axis), angle)


def euler_angles_to_matrix(euler_angles: torch.Tensor, convention: str) -> torch.Tensor:
    """[..., 3, 3] of [..., 3]: the product of rotations about the three axes of ``convention``, such as "XYZ", in that order."""
    check_last("euler_angles_to_matrix", "euler_angles", euler_angles, 3)
    axes = _axes("euler_angles_to_matrix", convention)
    return reduce(torch.matmul, (axis_rotation(axis, angle) for axis, angle in zip(axes, euler_angles.unbind(-1), strict=True)))


def matrix_to_euler_angles(matrix: torch.Tensor, convention: str) -> torch.Tensor:
    """[..., 3] of rotations [..., 3, 3], see `euler_angles_to_matrix`. The second is within +-pi/2, or from 0 to pi if the first axis is the third one, too."""
    check_last("matrix_to_euler_angles", "matrix", matrix, 3, 3)
    a, b, c = _axes("matrix_to_euler_angles", convention)
    other = 3 - a - b
    sign = 1.0 if (b - a) % 3 == 1 else -1.0  # whether a, b and the other one are in cyclic order
    if a == c:
        first = torch.atan2(matrix[..., b, a], -sign * matrix[..., other, a])
        second = torch.acos(matrix[..., a, a].clamp(-1, 1))
        third = torch.atan2(matrix[..., a, b], sign * matrix[..., a, other])
    else:
        first = torch.atan2(-sign * matrix[..., b, c], matrix[..., c, c])
        second = torch.asin(sign * matrix[..., a, c].clamp(-1, 1))
        third = torch.atan2(-sign * matrix[..., a, b], matrix[..., a, a])
    return torch.stack([first, second, third], -1)


# ------------------------------------------------------------------------------------------------------------------------ six numbers


def rotation_6d_to_matrix(d6: torch.Tensor) -> torch.Tensor:
    """[..., 3, 3] of [..., 6]: two vectors, made orthonormal, are its first two rows (Zhou et al. 2019, On the Continuity of Rotation Representations)."""
    check_last("rotation_6d_to_matrix", "d6", d6, 6)
    first, second = d6.split(3, -1)
    x = F.normalize(first, dim=-1)
    y = F.normalize(second - (x * second).sum(-1, keepdim=True) * x, dim=-1)
    return torch.stack([x, y, torch.linalg.cross(x, y)], -2)


def matrix_to_rotation_6d(matrix: torch.Tensor) -> torch.Tensor:
    """[..., 6]: the first two rows of [..., 3, 3]."""
    check_last("matrix_to_rotation_6d", "matrix", matrix, 3, 3)
    return matrix[..., :2, :].flatten(-2).clone()
