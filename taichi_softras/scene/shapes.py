"""The embedded target: a small creature with concavities, thin parts and colours, made by a formula."""

from dataclasses import replace

import numpy as np

from .mesh import Mesh

__all__ = ["creature"]

# (direction, height, sharpness, colour): bumps and, with a negative height, dents of a sphere.
_LIMBS = [
    *[((x, -0.75, z), 0.85, 16.0, (0.95, 0.75, 0.25)) for x in (-0.75, 0.75) for z in (-0.75, 0.75)],  # four legs
    *[((x, 0.9, 0.45), 0.8, 45.0, (0.85, 0.25, 0.2)) for x in (-0.45, 0.45)],  # two horns
    ((0.0, 0.1, 1.0), 0.35, 9.0, (0.95, 0.55, 0.6)),  # a muzzle
    ((0.0, 0.35, -1.0), 0.75, 60.0, (0.85, 0.25, 0.2)),  # a thin tail
    ((0.0, 0.95, -0.35), -0.3, 10.0, (0.15, 0.3, 0.6)),  # a hollow in the back
    ((-1.0, 0.15, 0.0), -0.22, 9.0, (0.15, 0.3, 0.6)),  # and one in either flank
    ((1.0, 0.15, 0.0), -0.22, 9.0, (0.15, 0.3, 0.6)),
]
_BODY = (0.35, 0.7, 0.75)
_EYES = [((x, 0.5, 0.8), (0.1, 0.1, 0.12)) for x in (-0.38, 0.38)]


def creature(subdivisions: int = 5) -> Mesh:
    """The creature, of radius 1 about the origin; 20 * 4^subdivisions faces. It looks towards +z."""
    sphere = Mesh.icosphere(subdivisions)
    directions = sphere.vertices.astype(np.float64)
    radius = np.full(len(directions), 0.62)
    colors = np.tile(_BODY, (len(directions), 1))
    for direction, height, sharpness, color in _LIMBS:
        closeness = _closeness(directions, direction, sharpness)
        radius += height * 0.62 * closeness
        colors += np.minimum(1.6 * closeness, 1.0)[:, None] * (np.array(color) - colors)
    for direction, color in _EYES:
        colors[_closeness(directions, direction, 60.0) > 0.5] = color
    return replace(sphere, vertices=directions * radius[:, None], colors=colors).normalized()


def _closeness(directions: np.ndarray, to: tuple[float, float, float], sharpness: float) -> np.ndarray:
    """1 in the direction ``to``, falling off smoothly around it."""
    axis = np.array(to) / np.linalg.norm(to)
    return np.exp(sharpness * (directions @ axis - 1.0))
