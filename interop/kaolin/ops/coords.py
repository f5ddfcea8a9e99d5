"""Kaolin's ``kaolin.ops.coords``: spherical coordinates, z up."""

import torch

from ...checks import check_tensors

__all__ = ["cartesian2spherical", "spherical2cartesian"]


def spherical2cartesian(
    azimuth: torch.Tensor, elevation: torch.Tensor, distance: torch.Tensor | float | None = None
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:  # fmt: skip
    """(x, y, z) of an azimuth from x towards y and an elevation (radians), at a distance of 1 by default; tensors that fit each other."""
    check_tensors("spherical2cartesian", azimuth=azimuth, elevation=elevation, distance=distance if isinstance(distance, torch.Tensor) else None)
    far = 1.0 if distance is None else distance
    level = torch.cos(elevation) * far
    return torch.cos(azimuth) * level, torch.sin(azimuth) * level, torch.sin(elevation) * far


def cartesian2spherical(x: torch.Tensor, y: torch.Tensor, z: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """(azimuth, elevation, distance) of points, see `spherical2cartesian`. At the origin, and on the axis, there is no gradient."""
    check_tensors("cartesian2spherical", x=x, y=y, z=z)
    level = torch.hypot(x, y)
    return torch.atan2(y, x), torch.atan2(z, level), torch.hypot(level, z)
