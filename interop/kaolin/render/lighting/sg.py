"""Kaolin's ``kaolin.render.lighting.sg``: spherical Gaussians, a exp(sharpness (direction . x - 1)), as light and as what a surface does with it.

Wang et al., All-Frequency Rendering of Dynamic, Spatially-Varying Reflectance, 2009; DIB-R++, Chen et al. 2021. L lights have an amplitude [L, 3] (colour and
strength), a unit direction [L, 3] and a sharpness [L]; P points a unit normal [P, 3].
"""

import math
from typing import Any

import torch
import torch.nn.functional as F

from .....checks import check_shape
from ....checks import as_tensor, check_tensor, check_tensors

__all__ = [
    "SgLightingParameters",
    "approximate_sg_integral",
    "cosine_lobe_sg",
    "fresnel",
    "sg_diffuse_fitted",
    "sg_diffuse_inner_product",
    "sg_direction_from_azimuth_elevation",
    "sg_distribution_term",
    "sg_from_sun",
    "sg_irradiance_fitted",
    "sg_irradiance_inner_product",
    "sg_warp_distribution",
    "sg_warp_specular_term",
    "unbatched_reduced_sg_inner_product",
    "unbatched_sg_inner_product",
]

COSINE_AMPLITUDE, COSINE_SHARPNESS = 1.17, 2.133  # the Gaussian that is most like a clamped cosine
TINY_COSINE = 1e-4  # of the angle to the viewer, that a lobe is at most stretched by, as Kaolin does
TINY_LENGTH = 1e-12  # of the sum of two lobes' directions: its square still is a float32
FIT = 0.36  # of Hill's fit of the irradiance


def _check_lights(op: str, amplitude: Any, direction: Any, sharpness: Any, letter: str = "L", prefix: str = "", **points: Any) -> None:
    """Lights, and what is [P, 3] or, of roughness, [P]."""
    lights = {f"{prefix}amplitude": amplitude, f"{prefix}direction": direction, f"{prefix}sharpness": sharpness}
    check_tensors(op, **lights, **points)
    sizes: dict[str, int] = {}
    for name, tensor in lights.items():
        check_shape(op, name, tensor.shape, (letter,) if name.endswith("sharpness") else (letter, 3), sizes)
    for name, tensor in points.items():
        check_shape(op, name, tensor.shape, ("P",) if name == "roughness" else ("P", 3), sizes)


class SgLightingParameters:
    """L lights: ``amplitude`` [L, 3], ``direction`` [L, 3] of length 1, ``sharpness`` [L].

    Each may be a tensor, numbers, or one number for all; L is that of the first tensor among amplitude, direction and sharpness.
    """

    def __init__(self, amplitude: Any = 3.0, direction: Any = (1.0, 0.0, 0.0), sharpness: Any = 5.0) -> None:
        op = "SgLightingParameters"
        given = {"amplitude": (amplitude, (-1, 3)), "direction": (direction, (-1, 3)), "sharpness": (sharpness, (-1,))}
        tensors = {}
        for name, (values, shape) in given.items():
            tensor = as_tensor(op, name, values)
            tensor = tensor if tensor.is_floating_point() else tensor.to(torch.get_default_dtype())
            if tensor.numel() > 1 and tensor.numel() % (3 if len(shape) == 2 else 1):
                raise ValueError(f"{op}: {name} must have shape (L, 3), got {tuple(tensor.shape)}")
            tensors[name] = tensor if tensor.numel() == 1 else tensor.reshape(shape)
        n_lights = max((len(tensor) for tensor in tensors.values() if tensor.numel() > 1), default=1)
        self.amplitude = _for_each(op, "amplitude", tensors["amplitude"], (n_lights, 3))
        self.direction = F.normalize(_for_each(op, "direction", tensors["direction"], (n_lights, 3)), dim=1)
        self.sharpness = _for_each(op, "sharpness", tensors["sharpness"], (n_lights,))

    @staticmethod
    def from_sun(direction: Any, strength: Any = 3.0, angle: Any = math.pi * 0.25, color: Any = None) -> "SgLightingParameters":
        """Of suns in these directions [L, 3], seen under an angle (radians) with a strength, each a number or [L], and a colour [L, 3], white by default."""
        op = "SgLightingParameters.from_sun"
        directions = as_tensor(op, "direction", direction)
        directions = (directions if directions.is_floating_point() else directions.to(torch.get_default_dtype())).reshape(-1, 3)
        n_suns = len(directions)
        values = [
            _for_each(op, name, as_tensor(op, name, given, directions), shape)
            for name, given, shape in (("strength", strength, (n_suns,)), ("angle", angle, (n_suns,)), ("color", 1.0 if color is None else color, (n_suns, 3)))
        ]
        return SgLightingParameters(*sg_from_sun(directions, *values))

    def to(self, device: torch.device | str) -> "SgLightingParameters":
        """The same on a device."""
        return SgLightingParameters(self.amplitude.to(device), self.direction.to(device), self.sharpness.to(device))

    def cuda(self) -> "SgLightingParameters":
        return self.to("cuda")

    def cpu(self) -> "SgLightingParameters":
        return self.to("cpu")


def _for_each(op: str, name: str, tensor: torch.Tensor, shape: tuple[int, ...]) -> torch.Tensor:
    try:
        return tensor.expand(shape).clone() if tensor.numel() == 1 else tensor.reshape(-1, *shape[1:]).expand(shape)
    except RuntimeError:
        raise ValueError(f"{op}: {name} must have shape {shape}, or be one number, got {tuple(tensor.shape)}") from None


def sg_from_sun(
    direction: torch.Tensor, strength: torch.Tensor, angle: torch.Tensor, color: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:  # fmt: skip
    """(amplitude [L, 3], direction, sharpness [L]) of suns: half a unit of light is left at the rim of a sun that is seen under ``angle`` [L] (radians)."""
    op = "sg_from_sun"
    check_tensors(op, direction=direction, strength=strength, angle=angle, color=color)
    sizes: dict[str, int] = {}
    for name, tensor in (("direction", direction), ("strength", strength), ("angle", angle), ("color", color)):
        check_shape(op, name, tensor.shape, ("L", 3) if name in ("direction", "color") else ("L",), sizes)
    return color * strength[:, None], direction, torch.log(0.5 / strength) / (torch.cos(angle / 2) - 1)


def sg_direction_from_azimuth_elevation(azimuth: Any, elevation: Any) -> torch.Tensor:
    """[L, 3]: the unit vector with y up, from z (azimuth 0) towards x, and up by the elevation; radians, numbers or [L]."""
    op = "sg_direction_from_azimuth_elevation"
    angles = [as_tensor(op, name, angle) for name, angle in (("azimuth", azimuth), ("elevation", elevation))]
    angles = [(a if a.is_floating_point() else a.to(torch.get_default_dtype())) for a in angles]
    a, e = torch.broadcast_tensors(*(angle[None] if angle.ndim == 0 else angle for angle in angles))
    return torch.stack([torch.sin(a) * torch.cos(e), torch.sin(e), torch.cos(a) * torch.cos(e)], -1)


def approximate_sg_integral(amplitude: torch.Tensor, sharpness: torch.Tensor) -> torch.Tensor:
    """[L, 3]: 2 pi amplitude / sharpness, the integral over the sphere, but for exp(-2 sharpness)."""
    check_tensors("approximate_sg_integral", amplitude=amplitude, sharpness=sharpness)
    sizes: dict[str, int] = {}
    check_shape("approximate_sg_integral", "amplitude", amplitude.shape, ("L", "C"), sizes)
    check_shape("approximate_sg_integral", "sharpness", sharpness.shape, ("L",), sizes)
    return 2 * math.pi * amplitude / sharpness[:, None]


def cosine_lobe_sg(direction: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """(amplitude [P, 3], direction, sharpness [P]): the Gaussian that is most like the clamped cosine about these normals [P, 3]."""
    check_tensor("cosine_lobe_sg", "direction", direction, ("P", 3))
    return torch.full_like(direction, COSINE_AMPLITUDE), direction, torch.full_like(direction[:, 0], COSINE_SHARPNESS)


def _inner(direction: torch.Tensor, sharpness: torch.Tensor, other_direction: torch.Tensor, other_sharpness: torch.Tensor) -> torch.Tensor:
    """[N, M]: the integrals of the products of Gaussians of amplitude 1: 2 pi exp(d - l) (1 - exp(-2 d)) / d, of l the sum of both sharpnesses, and d the
    length of the sum of both directions times their sharpness."""
    one, two = direction * sharpness[:, None], other_direction * other_sharpness[:, None]
    square = ((one[:, None] + two[None]) ** 2).sum(-1)
    d = torch.sqrt(square.clamp(min=TINY_LENGTH**2))
    return 2 * math.pi * torch.exp(d - (sharpness[:, None] + other_sharpness[None])) * -torch.expm1(-2 * d) / d


def unbatched_sg_inner_product(
    amplitude: torch.Tensor,
    direction: torch.Tensor,
    sharpness: torch.Tensor,
    other_amplitude: torch.Tensor,
    other_direction: torch.Tensor,
    other_sharpness: torch.Tensor,
) -> torch.Tensor:
    """[N, M, 3]: the integral over the sphere of the product of each of N Gaussians with each of M others."""
    op = "unbatched_sg_inner_product"
    _check_lights(op, amplitude, direction, sharpness, "N")
    _check_lights(op, other_amplitude, other_direction, other_sharpness, "M", "other_")
    return _inner(direction, sharpness, other_direction, other_sharpness)[..., None] * amplitude[:, None] * other_amplitude[None]


def unbatched_reduced_sg_inner_product(
    amplitude: torch.Tensor,
    direction: torch.Tensor,
    sharpness: torch.Tensor,
    other_amplitude: torch.Tensor,
    other_direction: torch.Tensor,
    other_sharpness: torch.Tensor,
) -> torch.Tensor:
    """[N, 3]: the sum of `unbatched_sg_inner_product` over the others."""
    op = "unbatched_reduced_sg_inner_product"
    _check_lights(op, amplitude, direction, sharpness, "N")
    _check_lights(op, other_amplitude, other_direction, other_sharpness, "M", "other_")
    return amplitude * (_inner(direction, sharpness, other_direction, other_sharpness) @ other_amplitude)


def sg_irradiance_fitted(amplitude: torch.Tensor, direction: torch.Tensor, sharpness: torch.Tensor, normal: torch.Tensor) -> torch.Tensor:
    """[P, L, 3]: the irradiance at each normal of each light, by Hill's fit (2016, in Kaplanyan's and Pettineo's Baking Lab)."""
    _check_lights("sg_irradiance_fitted", amplitude, direction, sharpness, normal=normal)
    cosine = normal @ direction.T
    once, twice = torch.exp(-sharpness), torch.exp(-2 * sharpness)
    scale = 1 + 2 * twice - 1 / sharpness
    bias = (once - twice) / sharpness - twice
    root = torch.sqrt(1 - scale)
    x, edge = FIT * cosine, root / (4 * FIT)
    between = (x + edge) ** 2 / root
    lit = torch.where(x.abs() <= edge, between, cosine.clamp(0, 1))
    return (scale * lit + bias)[..., None] * approximate_sg_integral(amplitude, sharpness)


def sg_diffuse_fitted(
    amplitude: torch.Tensor, direction: torch.Tensor, sharpness: torch.Tensor, normal: torch.Tensor, albedo: torch.Tensor
) -> torch.Tensor:  # fmt: skip
    """[P, 3]: what a matt surface of this albedo [P, 3] sends out, by `sg_irradiance_fitted`. Of several lights it is the *mean*, as in Kaolin."""
    _check_lights("sg_diffuse_fitted", amplitude, direction, sharpness, normal=normal, albedo=albedo)
    return sg_irradiance_fitted(amplitude, direction, sharpness, normal).mean(1).clamp(min=0) * albedo / math.pi


def sg_irradiance_inner_product(amplitude: torch.Tensor, direction: torch.Tensor, sharpness: torch.Tensor, normal: torch.Tensor) -> torch.Tensor:
    """[P, 3]: the irradiance at each normal of all lights, by the inner product with `cosine_lobe_sg`."""
    _check_lights("sg_irradiance_inner_product", amplitude, direction, sharpness, normal=normal)
    return unbatched_reduced_sg_inner_product(*cosine_lobe_sg(normal), amplitude, direction, sharpness).clamp(min=0)


def sg_diffuse_inner_product(
    amplitude: torch.Tensor, direction: torch.Tensor, sharpness: torch.Tensor, normal: torch.Tensor, albedo: torch.Tensor
) -> torch.Tensor:  # fmt: skip
    """[P, 3]: what a matt surface of this albedo [P, 3] sends out, by `sg_irradiance_inner_product`: the diffuse part of DIB-R++."""
    _check_lights("sg_diffuse_inner_product", amplitude, direction, sharpness, normal=normal, albedo=albedo)
    return sg_irradiance_inner_product(amplitude, direction, sharpness, normal) * albedo / math.pi


def sg_distribution_term(direction: torch.Tensor, roughness: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """(amplitude [P, 3], direction, sharpness [P]): the Gaussian that is like the distribution of Trowbridge and Reitz (GGX) of this roughness [P]."""
    check_tensors("sg_distribution_term", direction=direction, roughness=roughness)
    sizes: dict[str, int] = {}
    check_shape("sg_distribution_term", "direction", direction.shape, ("P", 3), sizes)
    check_shape("sg_distribution_term", "roughness", roughness.shape, ("P",), sizes)
    square = roughness**2
    return (1 / (math.pi * square))[:, None].expand(-1, 3), direction, 2 / square


def sg_warp_distribution(
    amplitude: torch.Tensor, direction: torch.Tensor, sharpness: torch.Tensor, view: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:  # fmt: skip
    """(amplitude, direction [P, 3], sharpness [P]): a Gaussian of half vectors as one of the light that goes to ``view`` [P, 3] (Wang et al., eq. 20)."""
    check_tensors("sg_warp_distribution", amplitude=amplitude, direction=direction, sharpness=sharpness, view=view)
    sizes: dict[str, int] = {}
    for name, tensor in (("amplitude", amplitude), ("direction", direction), ("sharpness", sharpness), ("view", view)):
        check_shape("sg_warp_distribution", name, tensor.shape, ("P",) if name == "sharpness" else ("P", 3), sizes)
    cosine = (direction * view).sum(-1)
    return amplitude, 2 * cosine[:, None] * direction - view, sharpness / (4 * cosine.clamp(min=TINY_COSINE))


def fresnel(ldh: torch.Tensor, spec_albedo: torch.Tensor) -> torch.Tensor:
    """spec_albedo + (1 - spec_albedo) (1 - ldh)^5 (Schlick), of tensors that fit each other."""
    check_tensors("fresnel", ldh=ldh, spec_albedo=spec_albedo)
    return spec_albedo + (1 - spec_albedo) * (1 - ldh) ** 5


def sg_warp_specular_term(
    amplitude: torch.Tensor,
    direction: torch.Tensor,
    sharpness: torch.Tensor,
    normal: torch.Tensor,
    roughness: torch.Tensor,
    view: torch.Tensor,
    spec_albedo: torch.Tensor,
) -> torch.Tensor:
    """[P, 3]: what a glossy surface (Cook and Torrance, GGX) of this roughness [P] and specular albedo [P, 3] sends in the directions ``view`` [P, 3]."""
    op = "sg_warp_specular_term"
    _check_lights(op, amplitude, direction, sharpness, normal=normal, roughness=roughness, view=view, spec_albedo=spec_albedo)
    lobe = sg_warp_distribution(*sg_distribution_term(normal, roughness), view)
    towards = lobe[1]  # where the light comes from that is mirrored
    half = F.normalize(towards + view, dim=-1, eps=TINY_LENGTH)
    to_light, to_eye, to_half = ((x * y).sum(-1, keepdim=True).clamp(0, 1) for x, y in ((normal, towards), (normal, view), (towards, half)))
    square = (roughness**2)[:, None]
    seen = 1.0 / (to_light + torch.sqrt(square + (1 - square) * to_light**2)) / (to_eye + torch.sqrt(square + (1 - square) * to_eye**2))
    shone = unbatched_reduced_sg_inner_product(*lobe, amplitude, direction, sharpness)
    return (shone * seen * fresnel(to_half, spec_albedo) * to_light).clamp(min=0)
