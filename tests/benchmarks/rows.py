"""What is measured: a row is one scene, and rows come in groups that show one thing each.

All are a sphere under SoftRas's default camera (distance 2.732, half angle 30 degrees), scaled so that it covers 23 % of the image; gamma and cut-off 1e-4.
With sigma 1e-4 that is scene S. A batch shows the same sphere in every image.
"""

import functools
import math
from dataclasses import dataclass, replace

import numpy as np
import trimesh

from taichi_softras import RasterizeSettings

__all__ = ["ROWS", "Row", "Scene", "chosen", "scene_of"]

RADIUS = 0.86  # of the sphere that covers 23 % of the image
DISTANCE, HALF_ANGLE = 2.732, math.radians(30)
QUICK_FACES, QUICK_PIXELS = 1280, 64 * 64


@dataclass(frozen=True, kw_only=True)
class Row:
    """One line of the table.

    Attributes:
        group: what the row is there to show.
        faces: how many the sphere has, about: 20 f^2 for a whole number f (and exactly that many if it is such a number).
        size: the image is ``size`` x ``size`` pixels.
        sigma: softness of edges, squared screen units.
        batch: number of images.
        silhouette_only: no colours.
        target_ms: the most that forward and backward together are to take on two cores.
    """

    group: str
    faces: int
    size: int
    sigma: float = 1e-4
    batch: int = 1
    silhouette_only: bool = False
    target_ms: float | None = None

    @property
    def name(self) -> str:
        """Unique, and made of what is in the row."""
        return f"{self.group}-{self.faces}-{self.size}" + (f"-b{self.batch}" if self.batch > 1 else "") + (f"-s{self.sigma:.0e}" if self.sigma != 1e-4 else "")

    @property
    def is_quick(self) -> bool:
        return self.faces <= QUICK_FACES and self.batch * self.size**2 <= QUICK_PIXELS


def _silhouette(rows: list[Row]) -> list[Row]:
    return [replace(row, group="silhouette", silhouette_only=True) for row in rows]


ROWS = [
    Row(group="S", faces=1280, size=64, target_ms=2),
    Row(group="S", faces=1280, size=128),
    Row(group="S", faces=1280, size=256),
    Row(group="S", faces=5120, size=64),
    Row(group="S", faces=5120, size=128, target_ms=8),
    Row(group="S", faces=5120, size=256, target_ms=20),
    Row(group="S", faces=20480, size=256, target_ms=60),
    Row(group="S", faces=1280, size=64, batch=8, target_ms=10),
    *[Row(group="faces", faces=faces, size=256, sigma=1e-5) for faces in (1280, 2420, 5120, 10580, 20480, 40500, 81920)],
    *[Row(group="pixels", faces=5120, size=size) for size in (128, 256, 512, 1024, 2048)],
    *[Row(group="sigma", faces=5120, size=128, sigma=sigma) for sigma in (1e-5, 1e-4, 1e-3, 1e-2)],
    *[Row(group="batch", faces=320, size=64, batch=batch) for batch in (1, 8, 64)],
    Row(group="batch", faces=1280, size=64, batch=64),
    Row(group="large", faces=81920, size=512, sigma=1e-5),
    Row(group="large", faces=100_000, size=512, sigma=1e-5, target_ms=200),
    Row(group="large", faces=327_680, size=1024, sigma=1e-5),
    Row(group="large", faces=1_000_000, size=1024, sigma=1e-6, target_ms=1500),
    *_silhouette([Row(group="", faces=faces, size=size) for faces, size in ((1280, 64), (5120, 128), (5120, 256), (20480, 256))]),
    *_silhouette([Row(group="", faces=100_000, size=512, sigma=1e-5)]),
]


def chosen(names: list[str] | None, quick: bool) -> list[Row]:
    """The rows that have one of the names, or whose group has."""
    rows = [row for row in ROWS if row.is_quick] if quick else ROWS
    return rows if names is None else [row for row in rows if row.name in names or row.group in names]


@dataclass(frozen=True, eq=False, kw_only=True)
class Scene:
    """A row's arrays, as every renderer gets them.

    Attributes:
        vertices_screen: [V, 3] x right, y up, [-1, 1] across the image; depth, positive ahead. The same for all images of the batch.
        faces: [F, 3] int32.
        colors: [V, 3]; None for the silhouette alone.
        batch, size: B images of size x size pixels.
        settings: softness; near and far.
    """

    vertices_screen: np.ndarray
    faces: np.ndarray
    colors: np.ndarray | None
    batch: int
    size: int
    settings: RasterizeSettings


def scene_of(row: Row) -> Scene:
    vertices, faces = sphere(row.faces)
    return Scene(
        vertices_screen=project(vertices),
        faces=faces,
        colors=None if row.silhouette_only else np.random.default_rng(0).random((len(vertices), 3)),
        batch=row.batch,
        size=row.size,
        settings=RasterizeSettings(sigma=row.sigma, gamma=1e-4, cutoff=1e-4, near=1.0, far=100.0),
    )


@functools.lru_cache(maxsize=2)
def sphere(n_faces: int) -> tuple[np.ndarray, np.ndarray]:
    """Vertices and faces of a sphere with about so many faces, all of about the same size."""
    frequency = max(round(math.sqrt(n_faces / 20)), 1)
    level = frequency.bit_length() - 1
    if frequency == 1 << level:
        mesh = trimesh.creation.icosphere(subdivisions=level, radius=RADIUS)
        return np.asarray(mesh.vertices), np.asarray(mesh.faces, np.int32)
    return geodesic(frequency)


def geodesic(frequency: int) -> tuple[np.ndarray, np.ndarray]:
    """An icosahedron whose edges are cut in so many parts, and its faces in the square of that."""
    icosahedron = trimesh.creation.icosahedron()
    i, j = (index[np.add.outer(range(frequency + 1), range(frequency + 1)) <= frequency] for index in np.indices((frequency + 1, frequency + 1)))
    number = np.full((frequency + 2, frequency + 2), -1)
    number[i, j] = np.arange(len(i))
    upright = np.stack([number[i, j], number[i + 1, j], number[i, j + 1]], 1)
    inverted = np.stack([number[i + 1, j], number[i + 1, j + 1], number[i, j + 1]], 1)
    faces = np.concatenate([upright, inverted])
    faces = faces[(faces >= 0).all(1)]
    weights = np.stack([frequency - i - j, i, j], 1) / frequency
    points = np.einsum("nk,fkd->fnd", weights, icosahedron.vertices[icosahedron.faces]).reshape(-1, 3)
    points *= RADIUS / np.linalg.norm(points, axis=1, keepdims=True)
    _, first, same = np.unique(np.round(points / RADIUS * 1e7).astype(np.int64), axis=0, return_index=True, return_inverse=True)
    faces = faces[None] + len(i) * np.arange(20)[:, None, None]
    return points[first], same.reshape(-1)[faces.reshape(-1, 3)].astype(np.int32)


def project(vertices: np.ndarray) -> np.ndarray:
    """Through SoftRas's default camera, onto the screen."""
    depth = DISTANCE - vertices[:, 2]
    return np.stack([*(vertices[:, :2].T / depth / math.tan(HALF_ANGLE)), depth], 1)
