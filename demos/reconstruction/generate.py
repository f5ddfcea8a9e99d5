"""Draws objects of the six families in the published layout, with this package's renderer."""

import argparse
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tqdm import tqdm

import taichi_softras as tsr
from taichi_softras.recover import render_views

from .data import IMAGE_SIZE, SPLITS, VIEWS, cameras, solid_voxels, write_array
from .families import FAMILIES, Part, make_object

__all__ = ["GenerateOptions", "add_count_flags", "corners_of", "draw", "generate", "voxels_of_parts", "write_objects"]

Make = Callable[[str, np.random.Generator], dict[str, np.ndarray]]
AMBIENT, LIGHT = 0.45, np.array([0.35, 0.8, 0.48])  # the light stands still in the world


@dataclass(frozen=True, kw_only=True)
class GenerateOptions:
    """How many objects of each family there are in each split, and the seed that they follow from."""

    train: int = 1000
    val: int = 50
    test: int = 200
    seed: int = 0
    families: tuple[str, ...] = tuple(FAMILIES)

    def __post_init__(self) -> None:
        if min(self.train, self.val, self.test) < 1:
            raise ValueError(f"generate: there must be at least one object in each split, got {self.train}, {self.val} and {self.test}")
        unknown = set(self.families) - set(FAMILIES)
        if unknown or not self.families:
            raise ValueError(f"generate: families must be some of {', '.join(FAMILIES)}, got {', '.join(sorted(unknown)) or 'none'}")


def add_count_flags(parser: argparse.ArgumentParser, options: type[GenerateOptions], quick: Mapping[str, Any]) -> None:
    """A flag for the number of objects in each split."""
    for split in SPLITS:
        usual = f"default: {getattr(options, split)}, with --quick {quick[split]}"
        parser.add_argument(f"--{split}", type=int, help=f"objects of each family ({usual})")


def corners_of(parts: Sequence[Part]) -> np.ndarray:
    """[F, 3, 3] the triangles of all parts."""
    return np.concatenate([part.corners for part in parts])


def shaded_mesh(parts: Sequence[Part]) -> tsr.Mesh:
    """Every triangle has vertices of its own, lit as it faces the light."""
    corners = [part.corners for part in parts]
    colors = np.concatenate([np.tile(part.color, (len(own), 1)) for part, own in zip(parts, corners, strict=True)])
    triangles = np.concatenate(corners)
    normals = np.cross(triangles[:, 1] - triangles[:, 0], triangles[:, 2] - triangles[:, 0])
    normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)
    lit = colors * (AMBIENT + (1 - AMBIENT) * np.clip(0.35 + 0.65 * normals @ LIGHT, 0, 1))[:, None]
    return tsr.Mesh(vertices=triangles.reshape(-1, 3), faces=np.arange(3 * len(triangles)).reshape(-1, 3), colors=np.repeat(lit, 3, 0).clip(0, 1))


def draw(parts: Sequence[Part]) -> np.ndarray:
    """[24, 4, 64, 64] uint8: all views with hard edges, antialiased, colours over black."""
    views = render_views(shaded_mesh(parts), cameras(np.arange(VIEWS)), (IMAGE_SIZE, IMAGE_SIZE), ("",) * VIEWS, samples=2)
    rgba = np.concatenate([views.color * views.alpha[..., None], views.alpha[..., None]], -1)
    return np.round(rgba.transpose(0, 3, 1, 2).clip(0, 1) * 255).astype(np.uint8)


def generate(folder: Path, options: GenerateOptions) -> None:
    """Writes pictures and voxels, see :func:`write_objects`."""

    def made(family: str, random: np.random.Generator) -> dict[str, np.ndarray]:
        parts = make_object(family, random)
        return {"voxels": voxels_of_parts(parts), "images": draw(parts)}

    write_objects(folder, options, ("voxels", "images"), made)


def voxels_of_parts(parts: Sequence[Part]) -> np.ndarray:
    """[32, 32, 32] bool."""
    corners = corners_of(parts)
    return solid_voxels(torch.from_numpy(corners).float(), np.zeros(len(corners), np.int32), 1)[0]


def write_objects(folder: Path, options: GenerateOptions, files: tuple[str, ...], made: Make, **note: str) -> None:
    """Writes ``<family>_<split>_<file>.npz`` of all ``files`` where one is not there yet: what is ``made`` of a family and random numbers.

    An object follows from the seed, its family, split and number alone. ``note`` is kept beside the options.

    Raises:
        ValueError: if the folder holds data that was generated with other options.
    """
    folder.mkdir(parents=True, exist_ok=True)
    described, note_path = json.loads(json.dumps(asdict(options))) | note, folder / "generate.json"
    if note_path.is_file() and json.loads(note_path.read_text()) != described:
        raise ValueError(f"generate: {folder} holds data of other options, {note_path.read_text().strip()}; give another folder")
    note_path.write_text(json.dumps(described) + "\n")
    counts = {split: getattr(options, split) for split in SPLITS}
    with tqdm(total=sum(counts.values()) * len(options.families), desc="generate", mininterval=0.1 if sys.stderr.isatty() else 30) as bar:
        for family in options.families:
            for split, count in counts.items():
                paths = {what: folder / f"{family}_{split}_{what}.npz" for what in files}
                if all(path.is_file() for path in paths.values()):
                    bar.update(count)
                    continue
                found: dict[str, np.ndarray] = {}
                for i in range(count):
                    own = made(family, np.random.default_rng([options.seed, list(FAMILIES).index(family), SPLITS.index(split), i]))
                    found = found or {what: np.zeros((count, *own[what].shape), own[what].dtype) for what in files}
                    for what in files:
                        found[what][i] = own[what]
                    bar.update()
                for what, path in paths.items():
                    write_array(path, found[what])
