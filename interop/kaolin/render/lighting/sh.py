"""Kaolin's ``kaolin.render.lighting.sh``: the nine real spherical harmonics of the first three bands (Ramamoorthi and Hanrahan 2001)."""

import math
from typing import Any

import torch

from .....checks import check_shape
from ....checks import as_tensor, check_tensor, check_tensors

__all__ = ["project_onto_sh9", "sh9_diffuse", "sh9_irradiance"]

BAND_0, BAND_1 = math.sqrt(1 / (4 * math.pi)), math.sqrt(3 / (4 * math.pi))
BAND_2 = (math.sqrt(15 / (4 * math.pi)), math.sqrt(5 / (16 * math.pi)), math.sqrt(15 / (16 * math.pi)))  # of products, of 3 z^2 - 1, of x^2 - y^2
COSINE = (math.pi, 2 * math.pi / 3, math.pi / 4)  # what a clamped cosine leaves of each band


def project_onto_sh9(directions: Any) -> torch.Tensor:
    """[..., 9]: 1, -y, z, -x, xy, -yz, 3 z^2 - 1, -xz, x^2 - y^2 of directions [..., 3] (a tensor, or a list of three numbers), times their constants."""
    given = directions if isinstance(directions, torch.Tensor) else as_tensor("project_onto_sh9", "directions", directions)
    given = given if given.is_floating_point() or given.is_complex() else given.to(torch.get_default_dtype())
    letters = [f"N{i}" for i in range(given.ndim - 1)]
    check_tensor("project_onto_sh9", "directions", given, (*letters, 3))
    x, y, z = given.unbind(-1)
    a, b, c = BAND_2
    bands = [
        torch.full_like(x, BAND_0),
        -BAND_1 * y, BAND_1 * z, -BAND_1 * x,
        a * x * y, -a * y * z, b * (3 * z * z - 1), -a * x * z, c * (x * x - y * y),
    ]  # fmt: skip
    return torch.stack(bands, -1)


def sh9_irradiance(lights: torch.Tensor, normals: torch.Tensor) -> torch.Tensor:
    """[P]: the irradiance at surfaces of normals [P, 3], of light that comes as nine coefficients [9] tell (`project_onto_sh9`)."""
    check_tensors("sh9_irradiance", lights=lights, normals=normals)
    check_shape("sh9_irradiance", "lights", lights.shape, (9,))
    check_shape("sh9_irradiance", "normals", normals.shape, ("P", 3))
    left = lights.new_tensor([COSINE[0], *[COSINE[1]] * 3, *[COSINE[2]] * 5])
    return project_onto_sh9(normals) @ (lights * left)


def sh9_diffuse(directions: torch.Tensor, normals: torch.Tensor, albedo: torch.Tensor) -> torch.Tensor:
    """[P, 3]: albedo [P, 3] times the irradiance at normals [P, 3] of a light from one direction [3]."""
    check_tensors("sh9_diffuse", directions=directions, normals=normals, albedo=albedo)
    check_shape("sh9_diffuse", "directions", directions.shape, (3,))
    sizes: dict[str, int] = {}
    check_shape("sh9_diffuse", "normals", normals.shape, ("P", 3), sizes)
    check_shape("sh9_diffuse", "albedo", albedo.shape, ("P", 3), sizes)
    return albedo * sh9_irradiance(project_onto_sh9(directions), normals)[:, None]
