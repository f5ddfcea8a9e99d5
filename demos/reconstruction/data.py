"""The layout in which NMR's renders of ShapeNet were published, and data in it.

A folder holds, for each class and split (train, val, test), ``<class>_<split>_images.npz`` [N, 24, 4, 64, 64] uint8 (RGBA, row 0 the top) and
``<class>_<split>_voxels.npz`` [N, 32, 32, 32], each with one array ``arr_0``. View i has azimuth -15 i degrees, elevation 30, distance 2.732 and half an angle
of view of 15 degrees. Voxels are indexed [y, x, z] in our right-handed world; the grid's voxel (i, j, k) begins at 32/31 ((j, i, k)/32 - 1/2).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from taichi_softras import Camera
from taichi_softras.engine.voxels import voxelize
from taichi_softras.interop import TorchArrays
from taichi_softras.replacing import replacing

__all__ = ["IMAGE_SIZE", "SPLITS", "VIEWS", "VOXELS", "Batch", "ShapeData", "cameras", "solid_voxels", "write_array"]

VIEWS, IMAGE_SIZE, VOXELS = 24, 64, 32
SPLITS = ("train", "val", "test")
DISTANCE, ELEVATION, HALF_ANGLE = 2.732, 30.0, 15.0
PUBLISHED = {
    "02691156": "airplane", "02828884": "bench", "02933112": "dresser", "02958343": "car", "03001627": "chair", "03211117": "display", "03636649": "lamp",
    "03691459": "speaker", "04090263": "rifle", "04256520": "sofa", "04379243": "table", "04401088": "phone", "04530566": "vessel",
}  # fmt: skip


def cameras(views: Any) -> Camera:
    """The cameras of views [B] (numbers 0 to 23)."""
    return Camera.orbit(DISTANCE, ELEVATION, -360.0 / VIEWS * np.asarray(views), fov=2 * HALF_ANGLE)


def solid_voxels(corners: Any, face_image: np.ndarray, n_objects: int) -> np.ndarray:
    """[B, 32, 32, 32] bool in the published order: what closed meshes within +-0.5, given as triangles [F, 3, 3] (a tensor), cross or enclose."""
    arrays = TorchArrays.of("solid_voxels", corners=corners)
    in_voxels = arrays.constant((corners * ((VOXELS - 1) / VOXELS) + 0.5) * VOXELS)
    return voxelize(arrays, in_voxels, face_image, n_objects, VOXELS).transpose(0, 2, 1, 3).astype(bool)


def write_array(path: Path, array: np.ndarray) -> None:
    """A compressed .npz with ``arr_0``."""
    with replacing(path) as partial, partial.open("wb") as file:
        np.savez_compressed(file, array)


def read_array(path: Path, ending: tuple[int, ...], op: str = "ShapeData") -> np.ndarray:
    """``arr_0`` of an .npz, of shape (N, *ending)."""
    if not path.is_file():
        raise FileNotFoundError(f"{op}: there is no file {path}")
    try:
        with np.load(path, allow_pickle=False) as file:
            array = file["arr_0"]
    except (ValueError, KeyError, OSError, EOFError) as error:
        raise ValueError(f"{op}: {path} must be an .npz file with an array arr_0, got {type(error).__name__}: {error}") from error
    if array.ndim != 1 + len(ending) or array.shape[1:] != ending:
        raise ValueError(f"{op}: arr_0 of {path} must have shape (N, {', '.join(map(str, ending))}), got {array.shape}")
    return array


@dataclass(frozen=True)
class Batch:
    """B objects, each seen twice.

    Attributes:
        images: [2 B, 4, H, W] in [0, 1], the first views of all, then the second ones.
        views: [2 B] their numbers.
    """

    images: torch.Tensor
    views: np.ndarray


@dataclass(frozen=True, kw_only=True)
class ShapeData:
    """One split of some classes.

    Attributes:
        classes: their names, as the files have them.
        images: [N, 24, 4, S, S] uint8.
        voxels: [N, 32, 32, 32] bool.
        first: [classes + 1] where each class begins.
    """

    classes: tuple[str, ...]
    images: np.ndarray
    voxels: np.ndarray
    first: np.ndarray

    def __len__(self) -> int:
        return len(self.images)

    @staticmethod
    def found(folder: Path, split: str = "train") -> tuple[str, ...]:
        """The classes that a folder holds."""
        return tuple(sorted(path.name.removesuffix(f"_{split}_images.npz") for path in folder.glob(f"*_{split}_images.npz")))

    @classmethod
    def load(cls, folder: str | Path, split: str, classes: Sequence[str] = (), image_size: int = IMAGE_SIZE) -> "ShapeData":
        """Reads a split of the classes (all that are found, by default); pictures are reduced by a whole factor to ``image_size``.

        Raises:
            FileNotFoundError: if a file is missing. ValueError: if one is not in the layout.
        """
        folder = Path(folder)
        if split not in SPLITS:
            raise ValueError(f"ShapeData: split must be one of {', '.join(SPLITS)}, got {split!r}")
        if image_size < 8 or IMAGE_SIZE % image_size:
            raise ValueError(f"ShapeData: image_size must be 8, 16, 32 or 64, got {image_size}")
        classes = tuple(classes) or cls.found(folder, split)
        if not classes:
            raise FileNotFoundError(f"ShapeData: there is no file *_{split}_images.npz in {folder}")
        images, voxels = [], []
        for name in classes:
            images.append(reduced(read_array(folder / f"{name}_{split}_images.npz", (VIEWS, 4, IMAGE_SIZE, IMAGE_SIZE)), image_size))
            voxels.append(read_array(folder / f"{name}_{split}_voxels.npz", (VOXELS,) * 3) > 0)
            if len(images[-1]) != len(voxels[-1]) or len(voxels[-1]) == 0:
                raise ValueError(f"ShapeData: {name}_{split} must have as many images as voxels, and one at least, got {len(images[-1])} and {len(voxels[-1])}")
        first = np.cumsum([0, *map(len, images)])
        return cls(classes=classes, images=np.concatenate(images), voxels=np.concatenate(voxels), first=first)

    def objects(self, name: str) -> np.ndarray:
        """The numbers of a class's objects."""
        i = self.classes.index(name)
        return np.arange(self.first[i], self.first[i + 1])

    def pictures(self, objects: np.ndarray, views: np.ndarray) -> torch.Tensor:
        """[B, 4, S, S] float32 in [0, 1]."""
        return torch.from_numpy(self.images[objects, views].astype(np.float32) / 255)

    def batch(self, size: int, step: int, seed: int, share: tuple[int, int] = (0, 1), augment: bool = False) -> Batch:
        """The batch of a training step, which follows from step and seed alone: a run that goes on later sees what it would have seen.

        ``share`` (i, n): the i-th of n equal parts of it. Classes are equally likely, whatever their size. ``augment`` exchanges red, green and blue of
        each object at random, and makes half of the objects their mirror images: a picture of view v, flipped, shows the mirror image from view -v.
        """
        random = np.random.default_rng([seed, step])
        kind = random.integers(0, len(self.classes), size)
        objects = self.first[kind] + (random.random(size) * (self.first[kind + 1] - self.first[kind])).astype(int)
        views = random.integers(0, VIEWS, (2, size))
        mine = slice(size * share[0] // share[1], size * (share[0] + 1) // share[1])
        if not augment:
            objects, views = np.tile(objects[mine], 2), views[:, mine].ravel()
            return Batch(self.pictures(objects, views), views)
        flipped, channels = np.tile(random.random(size)[mine] < 0.5, 2), random.permuted(np.tile(np.arange(3), (size, 1)), axis=1)[mine]
        objects, views = np.tile(objects[mine], 2), views[:, mine].ravel()
        channels = np.tile(np.pad(channels, ((0, 0), (0, 1)), constant_values=3), (2, 1))
        pictures = self.pictures(objects, views)[torch.arange(len(views))[:, None], torch.from_numpy(channels)]
        pictures[flipped] = pictures[flipped].flip(-1)
        return Batch(pictures, np.where(flipped, -views % VIEWS, views))


def reduced(images: np.ndarray, size: int) -> np.ndarray:
    """Means over blocks of pixels."""
    if images.dtype != np.uint8:
        raise ValueError(f"ShapeData: images must be uint8, got {images.dtype}")
    factor = images.shape[-1] // size
    if factor == 1:
        return images
    out = np.empty((*images.shape[:-2], size, size), np.uint8)
    for i, object_images in enumerate(images):
        blocks = object_images.reshape(*object_images.shape[:-2], size, factor, size, factor)
        out[i] = np.round(blocks.mean((-3, -1), dtype=np.float32))
    return out
