"""Draws objects of the six families, painted and lit, in the layout of `demos.reconstruction`, with the truth beside the pictures.

The paint is plain, striped, checked or in two tones; the lamp of every picture is somewhere else. Each pixel is shaded by itself: DIB-R's foreground says which
face it sees, and where.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from demos.reconstruction import generate as unpainted
from demos.reconstruction.data import IMAGE_SIZE, VIEWS, cameras
from demos.reconstruction.families import Part, make_object, paint
from taichi_softras.interop import kaolin as kal

from .data import AMBIENT, DIFFUSE, POINTS, random_lamps
from .surface import project

__all__ = ["KINDS", "GenerateOptions", "Paint", "draw", "generate", "paints", "surface_points"]

KINDS = ("plain", "stripes", "checks", "two tones")
SAMPLES = 2  # along each side of a pixel
CONTRAST = 0.5  # the least distance between the two colours of a paint


@dataclass(frozen=True, kw_only=True)
class GenerateOptions(unpainted.GenerateOptions):
    """The same as without paint, with fewer objects."""

    train: int = 500
    val: int = 20
    test: int = 100


@dataclass(frozen=True)
class Paint:
    """A pattern in space, of two colours.

    Attributes:
        kind: one of KINDS.
        colors: [2, 3].
        axis: [3] across the stripes, or the border of two tones; unit length.
        period: of stripes (light and dark together) and checks, world units.
        shift: where the pattern begins.
    """

    kind: str
    colors: np.ndarray
    axis: np.ndarray
    period: float
    shift: float

    def at(self, points: np.ndarray) -> np.ndarray:
        """[N, 3] colours at points [N, 3]."""
        if self.kind == "plain":
            second = np.zeros(len(points), int)
        elif self.kind == "stripes":
            second = np.floor((points @ self.axis + self.shift) / self.period * 2).astype(int) % 2
        elif self.kind == "checks":
            second = np.floor((points + self.shift) / self.period * 2).astype(int).sum(1) % 2
        else:
            second = (points @ self.axis > self.shift).astype(int)
        return self.colors[second]


def paints(parts: list[Part], random: np.random.Generator) -> list[Paint]:
    """One for each part; parts that a family gave one colour have one paint, whose first colour that is."""
    known: list[tuple[np.ndarray, Paint]] = []
    result = []
    for part in parts:
        own = next((given for color, given in known if color is part.color), None)
        if own is None:
            other = paint(random)
            while np.linalg.norm(other - part.color) < CONTRAST:
                other = paint(random)
            axis = np.eye(3)[random.integers(3)] if random.random() < 0.7 else random.normal(size=3)
            points = np.concatenate([every.points for every in parts if every.color is part.color])
            across = points @ (axis := axis / np.linalg.norm(axis))
            kind = str(random.choice(KINDS, p=(0.4, 0.2, 0.15, 0.25)))
            shift = random.uniform(*np.quantile(across, [0.3, 0.7])) if kind == "two tones" else random.uniform(0, 1)
            own = Paint(kind, np.stack([part.color, other]), axis, random.uniform(0.35, 0.6), shift)
            known.append((part.color, own))
        result.append(own)
    return result


def draw(parts: list[Part], painted: list[Paint], lamps: np.ndarray, size: int = IMAGE_SIZE) -> tuple[np.ndarray, np.ndarray]:
    """[24, 4, S, S] and [24, 3, S, S], uint8: all views under their lamps [24, 3] (in camera space), and without light; colours over black."""
    corners = torch.from_numpy(unpainted.corners_of(parts)).float()
    part_of_face = np.repeat(np.arange(len(parts)), [len(part.corners) for part in parts])
    normals = torch.linalg.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    camera, n_faces, samples = cameras(np.arange(VIEWS)), len(corners), size * SAMPLES
    in_camera, in_image = project(corners.reshape(1, -1, 3).expand(VIEWS, -1, -1), camera)
    depth, in_image = in_camera[..., 2].reshape(VIEWS, n_faces, 3), in_image.reshape(VIEWS, n_faces, 3, 2)
    places, face = kal.render.mesh.rasterize(samples, samples, depth, in_image, corners.expand(VIEWS, -1, -1, -1).contiguous(), perspective=True)
    view, row, column = (index.numpy() for index in torch.nonzero(face >= 0, as_tuple=True))
    points, face = places[view, row, column].double().numpy(), face[view, row, column].numpy()
    albedo = np.zeros((len(face), 3))
    for i, own in enumerate(painted):
        mine = part_of_face[face] == i
        albedo[mine] = own.at(points[mine])
    rotation = np.asarray(camera.camera_from_world)[:, :, :3]
    seen = np.einsum("nij,nj->ni", rotation[view], torch.nn.functional.normalize(normals, dim=1).double().numpy()[face])
    shading = AMBIENT + DIFFUSE * np.clip((seen * lamps[view]).sum(1), 0, None)
    pixels = np.zeros((VIEWS, samples, samples, 7))
    pixels[view, row, column] = np.concatenate([albedo * shading[:, None], np.ones((len(face), 1)), albedo], 1)
    means = pixels.reshape(VIEWS, size, SAMPLES, size, SAMPLES, 7).mean((2, 4)).transpose(0, 3, 1, 2)
    pictures = np.round(means * 255).astype(np.uint8)
    return pictures[:, :4], pictures[:, 4:]


def surface_points(parts: list[Part], random: np.random.Generator, count: int = POINTS) -> np.ndarray:
    """[count, 3] points on the outside: evenly on all parts, without those that lie inside of another part."""
    corners = [part.corners for part in parts]
    triangles, owner = np.concatenate(corners), np.repeat(np.arange(len(parts)), list(map(len, corners)))
    areas = np.linalg.norm(np.cross(triangles[:, 1] - triangles[:, 0], triangles[:, 2] - triangles[:, 0]), axis=1)
    found: list[np.ndarray] = []
    while sum(map(len, found)) < count:
        face = random.choice(len(triangles), 2 * count, p=areas / areas.sum())
        a, b = np.sort(random.random((2, 2 * count)), 0)
        points = np.einsum("nk,nkj->nj", np.stack([a, b - a, 1 - b], 1), triangles[face])
        hidden = np.zeros(len(points), bool)
        for i, part in enumerate(parts):
            hidden |= part.contains(points) & (owner[face] != i)
        found.append(points[~hidden])
    return np.concatenate(found)[:count].astype(np.float32)


def generate(folder: Path, options: GenerateOptions) -> None:
    """Writes pictures and voxels, and the truth besides, see :func:`demos.reconstruction.generate.write_objects`."""

    def made(family: str, random: np.random.Generator) -> dict[str, np.ndarray]:
        parts = make_object(family, random)
        lamps = random_lamps(VIEWS, random)
        images, albedo = draw(parts, paints(parts, random), lamps)
        points = surface_points(parts, random)
        return {"points": points, "lights": lamps.astype(np.float32), "albedo": albedo, "voxels": unpainted.voxels_of_parts(parts), "images": images}

    unpainted.write_objects(folder, options, ("points", "lights", "albedo", "voxels", "images"), made, drawn_by="demos.dibr")
