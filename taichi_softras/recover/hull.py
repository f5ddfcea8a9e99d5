"""Where to begin: the visual hull of the masks (Laurentini, "The Visual Hull Concept for Silhouette-Based Image Understanding", PAMI 1994).

A point belongs to the object if every picture shows it inside the mask. Here it has a signed distance instead of yes or no: the smallest, over the pictures, of
its distances to the outline, in world units. So the surface lies between the points of the grid where it should, and a point tells how far away the surface
can be at least, which lets a coarse grid find the cells that a finer one must look at. A few pictures may be outvoted, as masks are never all good.
"""

import warnings
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy import ndimage

from ..checks import check_array, check_finite, check_flag, check_integer, check_kind
from ..engine import project_points
from ..scene import Mesh
from .metrics import score
from .remesh import components, joined
from .rendering import seen_from
from .views import Views, check_masks

__all__ = ["Hull", "bounding_sphere", "hull_mesh", "needed_pieces", "signed_distances", "visual_hull"]

NEXT = np.hypot(*np.mgrid[-1:2, -1:2])  # how far a pixel's neighbours are
POINTS_AT_ONCE = 500_000  # points times pictures, looked at together: it bounds the memory
COARSE = 32  # cells along the longest side at first
FEWEST_WITNESSES = 2  # pictures that must see a point
CELLS = (32, 160)  # along the longest side: as many as the object has pixels there, within these
OUTVOTED = (0.03, 0.06, 0.12, 0.2)  # of the pictures, tried in turn where not all agree
AGREED, DOUBTFUL, CONTRADICTING = 0.96, 0.8, 0.5  # mean IoU of the hull with the masks that it is made of
MOST_PIECES, WORTH = 16, 2e-4  # pieces of a hull that are looked at; the mean IoU that one must bring
ROOM = 1.15  # around the farthest pixel of a mask


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

        cubes: Any = marching_cubes
        vertices, faces, _, _ = cubes(self.values, 0.0, spacing=(self.spacing,) * 3, gradient_direction="ascent")
        return Mesh(vertices=vertices + self.origin, faces=faces.astype(np.int32))


def bounding_sphere(views: Views) -> tuple[np.ndarray, float]:
    """Centre [3] and radius of a ball as large as the silhouettes look: nearest to the rays through their centroids.

    Raises:
        ValueError: if the masks do not show where the object is: all are empty, or none has an outside; or if the cameras do not look at one object.
    """
    check_kind("fit", "views", views, Views)
    check_masks("fit", views.alpha, views.known)
    _, height, width = views.alpha.shape
    area = views.alpha.sum((1, 2))
    seen = area > 0
    half = min(height, width) / 2
    columns, rows = np.arange(width) + 0.5, np.arange(height) + 0.5
    weight = np.where(seen, area, 1.0)
    x = ((views.alpha.sum(1) @ columns) / weight - width / 2) / half
    y = (height / 2 - (views.alpha.sum(2) @ rows) / weight) / half
    rotation, focal = np.asarray(views.camera.camera_from_world)[:, :, :3], np.asarray(views.camera.intrinsics)
    eye = views.camera.eye
    rays = np.stack([(x - focal[:, 2]) / focal[:, 0], (y - focal[:, 3]) / focal[:, 1], -np.ones(len(views))], -1)
    rays = (rotation.swapaxes(1, 2) @ rays[:, :, None])[:, :, 0]
    rays /= np.linalg.norm(rays, axis=1, keepdims=True)
    across = (np.eye(3) - rays[:, :, None] * rays[:, None, :])[seen]
    centre = np.linalg.lstsq(across.sum(0), (across @ eye[seen][:, :, None]).sum(0)[:, 0], rcond=None)[0]
    distance = np.linalg.norm(eye - centre, axis=1)
    if not ((rays * (centre - eye)).sum(1)[seen] > 1e-6 * np.abs(eye - centre).max()).all():
        raise ValueError(
            "fit: the cameras must stand apart and look at one object, got cameras that have it behind or around them; "
            "transform_matrix must map the camera to the world, the camera looking along -z (OpenGL)"
        )
    radius = np.mean((np.sqrt(area / np.pi) / half * distance / focal[:, 0])[seen])
    return centre, float(radius)


def signed_distances(alpha: np.ndarray) -> np.ndarray:
    """[N, H, W] float32: how far inside of the outline of masks [N, H, W] each pixel's centre is, in pixels; negative outside.

    A pixel that the outline crosses is as far from it as its alpha says (a straight outline covers 1/2 + d of a pixel that it passes at a distance d).
    """
    check_array("signed_distances", "alpha", alpha, ("N", "H", "W"))
    check_finite("signed_distances", "alpha", alpha)
    distances = np.empty(alpha.shape, np.float32)
    for mask, distance in zip(alpha, distances, strict=True):
        for side, cover, sign in ((mask >= 1, mask, 1.0), (mask <= 0, 1 - mask, -1.0)):
            if side.all():
                distance[...] = sign * np.hypot(*mask.shape)
                break
            away, nearest = ndimage.distance_transform_edt(side, return_indices=True)
            away += cover[tuple(nearest)] - 0.5
            beside = ndimage.grey_erosion(np.where(side, np.inf, cover), structure=-NEXT, mode="constant", cval=np.inf) - 0.5
            distance[side] = sign * np.where(np.isfinite(beside), beside, away)[side]  # next to the outline: of all neighbours, not of one among equals
        else:
            edge = (mask > 0) & (mask < 1)
            distance[edge] = mask[edge] - 0.5
    return distances


class _Masks:
    """The masks as signed distances, asked at points of the world."""

    def __init__(self, views: Views) -> None:
        self.camera, self.known = views.camera, views.known
        self.distances = signed_distances(views.alpha)
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


def visual_hull(views: Views, cells: int, outvoted: int = 0) -> Hull:
    """The visual hull on a grid with ``cells`` cells along the longest side of its box.

    Args:
        outvoted: so many pictures may see a point of the object outside of their mask.

    Raises:
        ValueError: if no point is inside of the masks.
    """
    check_kind("visual_hull", "views", views, Views)
    check_integer("visual_hull", "cells", cells, 4, 1024)
    check_integer("visual_hull", "outvoted", outvoted, 0, len(views) - 1)
    return _hull_of(_Masks(views), *_holding_ball(views), cells, outvoted)


def _hull_of(masks: _Masks, centre: np.ndarray, radius: float, cells: int, outvoted: int) -> Hull:
    grid = [np.linspace(c - radius, c + radius, COARSE + 1) for c in centre]
    values = masks.at(np.stack(np.meshgrid(*grid, indexing="ij"), -1).reshape(-1, 3), outvoted).reshape([COARSE + 1] * 3)
    step = 2 * radius / COARSE
    near = np.argwhere(values > -step * np.sqrt(3) / 2)  # a point that is farther out has no inside within its cell
    if not len(near):
        raise ValueError("fit: the masks must agree on an object, got masks that leave no place for one; are the cameras right?")
    low, high = near.min(0) - 1, near.max(0) + 1
    origin = np.asarray(centre) - radius + low * step
    spacing = float((high - low).max() * step / cells)
    size = np.ceil((high - low) * step / spacing).astype(int) + 1
    # What the coarse grid says, and anew where the surface may be.
    where = np.meshgrid(*((origin[k] + spacing * np.arange(size[k]) - grid[k][0]) / step for k in range(3)), indexing="ij")
    fine = ndimage.map_coordinates(values, where, order=1, mode="nearest").astype(np.float32)
    unsure = np.abs(fine) < step * np.sqrt(3) / 2 + spacing
    fine[unsure] = masks.at(origin + spacing * np.argwhere(unsure), outvoted)
    for axis in range(3):  # closed at the border
        for end in (0, -1):
            face = (slice(None),) * axis + (end,)
            fine[face] = np.minimum(fine[face], -1e-3 * spacing)
    return Hull(values=fine, origin=origin, spacing=spacing)


def _holding_ball(views: Views) -> tuple[np.ndarray, float]:
    """A ball that holds the object, as far as the pictures show: up to the farthest pixels of the masks (of a few pictures, which may have specks, not)."""
    centre, radius = bounding_sphere(views)
    screen = project_points(centre[None], views.camera)[:, 0]
    _, height, width = views.alpha.shape
    half, focal = min(height, width) / 2, np.asarray(views.camera.intrinsics)[:, :2].mean(1)
    column, row = np.meshgrid(np.arange(width) + 0.5, np.arange(height) + 0.5)
    reach = []
    for mask, (x, y, depth), f in zip(views.alpha, screen, focal, strict=True):
        inside = mask > 0.5
        if inside.any():
            away = np.hypot(column[inside] - (x * half + width / 2), row[inside] - (height / 2 - y * half)).max()
            reach.append(away * depth / (f * half))
    return centre, max(float(np.quantile(reach, 0.9)) * ROOM, radius)


def hull_mesh(views: Views, most_cells: int = CELLS[1], doubtful: bool = True) -> Mesh:
    """The visual hull as a mesh: as fine as the pictures, with as many of them outvoted as makes the masks agree best, and without pieces that none needs.

    Args:
        most_cells: of the grid, along its longest side.
        doubtful: whether masks and cameras that contradict each other are an error, or a warning where they do so a little.

    Raises:
        ValueError: if they do; the sentence names the convention with which they agree, if there is one. If no hull is left.
    """
    check_kind("hull_mesh", "views", views, Views)
    check_integer("hull_mesh", "most_cells", most_cells, CELLS[0], 1024)
    check_flag("hull_mesh", "doubtful", doubtful)
    masks = _Masks(views)
    centre, radius = _holding_ball(views)
    distance = np.linalg.norm(views.camera.eye - centre, axis=1)
    pixel = float((distance / np.asarray(views.camera.intrinsics)[:, 0]).mean()) / masks.half
    cells = int(np.clip(2 * radius / ROOM / pixel, CELLS[0], most_cells))
    n = len(views)
    best, agreement = None, -1.0
    for outvoted in sorted({0, *(round(share * n) for share in OUTVOTED)}):
        try:
            mesh = _hull_of(masks, centre, radius, cells, outvoted).mesh()
        except ValueError:  # nothing is left
            continue
        found = _agreement(mesh, views)
        if found > agreement:
            best, agreement = mesh, found
        if agreement > AGREED or found < agreement:
            break
    if doubtful and agreement < DOUBTFUL:
        _tell_contradiction(views, agreement)
    if best is None:
        raise ValueError("fit: the masks must agree on an object, got masks that leave no place for one; are the cameras right?")
    return needed_pieces(best, views)


def _agreement(mesh: Mesh, views: Views) -> float:
    """Mean IoU with the masks."""
    return score(seen_from(views, mesh, samples=1), views).iou


def needed_pieces(mesh: Mesh, views: Views) -> Mesh:
    """The largest piece, and others without which the masks are not filled. (A hull has pieces in places that all pictures see behind or before the object.)"""
    check_kind("needed_pieces", "mesh", mesh, Mesh)
    check_kind("needed_pieces", "views", views, Views)
    pieces = components(mesh)
    kept, rest = pieces[:1], pieces[1 : 1 + MOST_PIECES]
    if not rest:
        return mesh
    agreement = _agreement(kept[0], views)
    if _agreement(mesh, views) - agreement < WORTH:
        return kept[0]
    for piece in rest:
        found = _agreement(joined([*kept, piece]), views)
        if found > agreement + WORTH:
            kept, agreement = [*kept, piece], found
    return joined(kept)


def _tell_contradiction(views: Views, agreement: float) -> None:
    """Says that masks and cameras do not go together, and with which convention they would."""
    matrices, intrinsics = np.asarray(views.camera.camera_from_world, np.float64), np.asarray(views.camera.intrinsics, np.float64)
    rotation = matrices[:, :, :3]
    inverse = np.concatenate([rotation.swapaxes(1, 2), -(rotation.swapaxes(1, 2) @ matrices[:, :, 3:])], 2)
    flip = np.array([1.0, -1.0, -1.0])[:, None]
    others = {
        "the cameras looking along +z, y down (OpenCV, COLMAP), turned into looking along -z (OpenGL)": _with_poses(views, matrices * flip),
        "transform_matrix inverted (it must map the camera to the world)": _with_poses(views, inverse),
        "transform_matrix inverted and its axes turned from OpenCV's to OpenGL's": _with_poses(views, inverse * flip),
        "the pictures mirrored left to right": replace(views, alpha=np.ascontiguousarray(views.alpha[:, :, ::-1])),
        "the pictures mirrored top to bottom": replace(views, alpha=np.ascontiguousarray(views.alpha[:, ::-1])),
        "the pictures turned by 180 degrees": replace(views, alpha=np.ascontiguousarray(views.alpha[:, ::-1, ::-1])),
        "twice the focal length": replace(views, camera=replace(views.camera, intrinsics=intrinsics * [2, 2, 1, 1])),
        "half the focal length": replace(views, camera=replace(views.camera, intrinsics=intrinsics * [0.5, 0.5, 1, 1])),
    }
    found = {}
    for name, other in others.items():
        try:
            found[name] = _agreement(visual_hull(other, CELLS[0]).mesh(), other)
        except ValueError:
            continue
    said = f"got a hull of the masks that has an IoU of {max(agreement, 0.0):.2f} with them"
    best, name = max(((iou, name) for name, iou in found.items()), default=(0.0, ""))
    if best > max(DOUBTFUL, agreement + 0.15):
        raise ValueError(f"fit: masks and cameras must agree, {said}; with {name} it would be {best:.2f}")
    if agreement < CONTRADICTING:
        raise ValueError(f"fit: masks and cameras must agree, {said}; are these the cameras of these pictures, and do the masks show one object?")
    warnings.warn(f"masks and cameras agree badly: the hull of the masks has an IoU of {agreement:.2f} with them", UserWarning, stacklevel=2)


def _with_poses(views: Views, matrices: np.ndarray) -> Views:
    return replace(views, camera=replace(views.camera, camera_from_world=matrices))
