"""Where to begin: the visual hull of the masks (Laurentini, "The Visual Hull Concept for Silhouette-Based Image Understanding", PAMI 1994).

A point belongs to the object if every picture shows it inside the mask. Here it has a signed distance instead of yes or no: the smallest, over the pictures, of
its distances to the outline, in world units. So the surface lies between the points of the grid where it should, and a point tells how far away the surface
can be at least, which lets a coarse grid find the cells that a finer one must look at. A few pictures may be outvoted, as masks are never all good.
"""

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from ..checks import check_integer, check_kind
from ..engine import project_points
from ..scene import Camera, Mesh
from .views import Views

__all__ = ["Hull", "bounding_sphere", "signed_distances", "visual_hull"]

POINTS_AT_ONCE = 2**22  # seen by one camera each: it bounds the memory
COARSE = 32  # cells along the longest side at first
FEWEST_WITNESSES = 2  # pictures that must see a point


@dataclass(frozen=True, eq=False)
class Hull:
    """A grid of signed distances.

    Attributes:
        values: [X, Y, Z] float32, world units, positive inside; what is further from the surface than the coarse grid's cells is known roughly.
        origin: [3] where the first point of the grid is.
        spacing: between two points, world units.
    """

    values: np.ndarray
    origin: np.ndarray
    spacing: float

    def mesh(self) -> Mesh:
        """Its surface, by marching cubes; every component of it closed, if the grid's border is outside."""
        from skimage.measure import marching_cubes

        vertices, faces, _, _ = marching_cubes(self.values, 0.0, spacing=(self.spacing,) * 3, gradient_direction="ascent")
        return Mesh(vertices=vertices + self.origin, faces=faces.astype(np.int32))


def signed_distances(alpha: np.ndarray) -> np.ndarray:
    """[N, H, W] float32: how far inside of the outline of masks [N, H, W] each pixel's centre is, in pixels; negative outside.

    A pixel that the outline crosses is as far from it as its alpha says (a straight outline covers 1/2 + d of a pixel that it passes at a distance d).
    """
    distances = np.empty(alpha.shape, np.float32)
    for mask, distance in zip(alpha, distances, strict=True):
        for side, sign in ((mask >= 1, 1.0), (mask <= 0, -1.0)):
            if side.all():
                distance[...] = sign * np.hypot(*mask.shape)
                break
            away, nearest = ndimage.distance_transform_edt(side, return_indices=True)
            distance[side] = (sign * away + mask[tuple(nearest)] - 0.5)[side]
        else:
            edge = (mask > 0) & (mask < 1)
            distance[edge] = mask[edge] - 0.5
    return distances


class _Masks:
    """The masks as signed distances, asked at points of the world."""

    def __init__(self, views: Views, camera: Camera | None = None) -> None:
        self.camera = views.camera if camera is None else camera
        self.distances, self.known = signed_distances(views.alpha), getattr(views, 'known', None)
        self.half = min(views.image_size) / 2

    def at(self, points: np.ndarray, outvoted: int) -> np.ndarray:
        """[P] signed distance in world units: the smallest of the pictures', ``outvoted`` of them left out. What too few pictures see is outside."""
        values = np.empty(len(points), np.float32)
        at_once = max(1, POINTS_AT_ONCE // len(self.camera))
        for start in range(0, len(points), at_once):
            seen = self.per_view(points[start : start + at_once])
            values[start : start + at_once] = np.partition(seen, outvoted, axis=0)[outvoted] if outvoted else seen.min(0)
            witnesses = np.isfinite(seen).sum(0)
            values[start : start + at_once][witnesses < min(FEWEST_WITNESSES + outvoted, len(self.camera))] = -1e3
        return values

    def per_view(self, points: np.ndarray) -> np.ndarray:
        """[N, P] signed distances in world units; infinite where a picture does not see the point or does not know."""
        n, height, width = self.distances.shape
        screen = project_points(points, self.camera)
        depth = screen[..., 2]
        column, row = screen[..., 0] * self.half + width / 2 - 0.5, height / 2 - screen[..., 1] * self.half - 0.5
        seen = (depth > 0) & (column > -0.5) & (column < width - 0.5) & (row > -0.5) & (row < height - 0.5)
        column, row = np.clip(column, 0, width - 1), np.clip(row, 0, height - 1)
        c, r = np.minimum(column.astype(np.int32), width - 2), np.minimum(row.astype(np.int32), height - 2)
        u, v = (column - c).astype(np.float32), (row - r).astype(np.float32)
        flat, first = self.distances.ravel(), (np.arange(n, dtype=np.int64)[:, None] * height + r) * width + c
        above = flat[first] * (1 - u) + flat[first + 1] * u
        below = flat[first + width] * (1 - u) + flat[first + width + 1] * u
        value = (above * (1 - v) + below * v) * depth / (np.asarray(self.camera.intrinsics)[:, :2].mean(1, keepdims=True) * self.half)
        if self.known is not None:
            seen &= self.known.ravel()[first + width * (v > 0.5) + (u > 0.5)] > 0.5
        return np.where(seen, value, np.inf).astype(np.float32)


def visual_hull(views: Views, centre: np.ndarray, radius: float, cells: int, outvoted: int = 0) -> Hull:
    """The visual hull on a grid with ``cells`` cells along the longest side of its box.

    Args:
        centre, radius: of a ball that holds the object.
        outvoted: so many pictures may see a point of the object outside of their mask.
    """
    check_kind("visual_hull", "views", views, Views)
    check_integer("visual_hull", "cells", cells, 4, 1024)
    check_integer("visual_hull", "outvoted", outvoted, 0, len(views) - 1)
    masks = _Masks(views)
    grid = [np.linspace(c - radius, c + radius, COARSE + 1) for c in centre]
    values = masks.at(_points(grid), outvoted).reshape([COARSE + 1] * 3)
    step = 2 * radius / COARSE
    near = np.argwhere(values > -step * np.sqrt(3) / 2)  # a point that is farther out has no inside within its cell
    if not len(near):
        raise ValueError("fit: the masks must agree on an object, got masks that leave no place for one; are the cameras right?")
    low, high = near.min(0) - 1, near.max(0) + 1
    origin = np.asarray(centre) - radius + low * step
    spacing = float((high - low).max() * step / cells)
    size = np.ceil((high - low) * step / spacing).astype(int) + 1
    # What the coarse grid says, and anew where the surface may be.
    where = [(origin[k] + spacing * np.arange(size[k]) - grid[k][0]) / step for k in range(3)]
    index = np.meshgrid(*where, indexing="ij")
    fine = ndimage.map_coordinates(values, [i.ravel() for i in index], order=1, mode="nearest").reshape(size).astype(np.float32)
    unsure = np.abs(fine) < step * np.sqrt(3)
    points = origin + spacing * np.argwhere(unsure)
    fine[unsure] = masks.at(points, outvoted)
    for axis in range(3):  # closed at the border
        for end in (0, -1):
            fine[(slice(None),) * axis + (end,)] = np.minimum(fine[(slice(None),) * axis + (end,)], -1e-3 * spacing)
    return Hull(values=fine, origin=origin, spacing=spacing)


def _points(grid: list[np.ndarray]) -> np.ndarray:
    return np.stack(np.meshgrid(*grid, indexing="ij"), -1).reshape(-1, 3)
