"""Kaolin's layout of a batch, and its settings, as the kernels take them."""

from collections.abc import Sequence
from typing import Any

import torch

from .....checks import check_features, check_integer, check_kind, check_number, check_shape
from .....engine.dibr import DibrSettings, MaskFaces
from .....scene import Topology
from ....bridge import TorchArrays

BACKENDS = ("cuda", "nvdiffrast", "nvdiffrast_fwd")
MULTIPLIER, EPS = 1000.0, 1e-8
SMALLEST_EPS = 2e-18  # of what DibrSettings takes

Features = torch.Tensor | Sequence[torch.Tensor]


class Batch:
    """Kaolin's layout as the kernels take it: triangles that share no vertices, one image after the other."""

    def __init__(self, op: str, height: int, width: int, z: torch.Tensor, image: torch.Tensor, features: Features) -> None:
        several = isinstance(features, (list, tuple))
        given: list[Any] = list(features) if several else [features]
        if not given:
            raise ValueError(f"{op}: face_features must be at least one, got none")
        names = [f"face_features[{i}]" if several else "face_features" for i in range(len(given))]
        arrays = TorchArrays.of(op, face_vertices_z=z, face_vertices_image=image, **dict(zip(names, given, strict=True)))
        sizes: dict[str, int] = {}
        check_shape(op, "face_vertices_z", z.shape, ("B", "F", 3), sizes)
        check_shape(op, "face_vertices_image", image.shape, ("B", "F", 3, 2), sizes)
        for name, tensor in zip(names, given, strict=True):
            check_shape(op, name, tensor.shape, ("B", "F", 3, "D"), dict(sizes))
            check_features(op, name, tensor.shape[2:], {})
        check_integer(op, "height", height, 1, 1 << 14)
        check_integer(op, "width", width, 1, 1 << 14)
        if 0 in z.shape:
            raise ValueError(f"{op}: there must be at least one face, got face_vertices_z of shape {tuple(z.shape)}")
        self.arrays, self.image_size = arrays, (height, width)
        self.channels = [tensor.shape[-1] for tensor in given] if several else None
        self.features = torch.cat(given, -1).reshape(-1, sum(tensor.shape[-1] for tensor in given))
        corners = torch.cat([image, z[..., None]], -1).reshape(-1, 3)
        self.scene = (arrays, Topology.separate_faces(z.shape[1], z.shape[0]), corners)

    def shown(self, valid: torch.Tensor) -> torch.Tensor:
        return valid.to(self.arrays.device, torch.int32).reshape(-1).contiguous()

    def parts(self, image: torch.Tensor) -> Any:
        return image if self.channels is None else tuple(image.split(self.channels, -1))


def settings_of(
    op: str, multiplier: float | None, eps: float | None, perspective: bool, sigmainv: float = 7000, boxlen: float = 0.02, knum: int = 30, which: str = "first"
) -> DibrSettings:
    multiplier, eps = MULTIPLIER if multiplier is None else multiplier, EPS if eps is None else eps
    check_number(op, "multiplier", multiplier, 0.0)
    check_number(op, "eps", eps, 0.0)
    names = [member.value for member in MaskFaces]
    if which not in names:
        raise ValueError(f"{op}: mask_faces must be one of {', '.join(map(repr, names))}, got {which!r}")
    return DibrSettings(
        sigmainv=sigmainv,
        boxlen=boxlen,
        knum=knum,
        mask_faces=MaskFaces(which),
        perspective=perspective,
        eps=max(eps / multiplier**2, SMALLEST_EPS),
        multiplier=multiplier,
    )


def check_beside(op: str, name: str, tensor: torch.Tensor, arrays: TorchArrays) -> None:
    """A tensor of any dtype, where the others are."""
    check_kind(op, name, tensor, torch.Tensor)
    if tensor.device != arrays.device:
        raise ValueError(f"{op}: {name} must be on the device of the other tensors ({arrays.device}), got {tensor.device}")


def check_backend(op: str, name: str, backend: str) -> None:
    if backend not in BACKENDS:
        raise ValueError(f"{op}: {name} must be one of {', '.join(map(repr, BACKENDS))}, got {backend!r}")
