"""What a folder, or a file, of cameras holds, found out without reading a pixel."""

import fnmatch
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from ..scene import Camera, is_file
from .colmap import find_model, read_colmap
from .frames import MASK_FOLDERS, OPEN, PICTURE_ENDINGS, Frame, Listing
from .named import ending_of
from .pixels import TRANSPOSED, Facts, facts_of
from .projections import read_middlebury, read_neus
from .transforms import SPLITS, intrinsics_of, is_angle_alone, lens_of, read_transforms, size_told, splits_told

__all__ = ["described", "is_of_cameras", "splits_of"]

NEUS_FILES = ("cameras_sphere.npz", "cameras.npz")
COLMAP_FILES = ("cameras", "images", "points3D")
ENDINGS = (".json", ".npz", ".bin", ".txt")  # of files of cameras that are read
OTHER_LISTS = {  # files of cameras that are not, and who writes them
    "*.sfm": "such as Meshroom writes",
    "sfm_data.*": "such as OpenMVG writes",
    "*.xml": "such as Metashape writes",
    "*.csv": "such as RealityScan writes",
    "bundle*.out": "such as Bundler writes",
    "*.nvm": "such as VisualSFM writes",
    "poses_bounds.npy": "such as LLFF writes",
    "*.log": "such as Tanks and Temples has",
    "scene_camera.json": "such as BOP has",
    "*_cam.txt": "such as MVSNet has",
    "meta_data.json": "such as SDFStudio has",
    "rendering_metadata.txt": "such as 3D-R2N2 has",
    "*_annotations.jgz": "such as CO3D has",
    "database.db": "in which COLMAP keeps features, and of which its mapper makes a model",
}


def described(source: Path, split: str | None, masks: Path | None, partial: bool) -> dict[str, Any]:
    """The attributes of a `Capture`: what the folder or file holds, its pictures measured. ``partial``: the folder ``masks`` need not have a mask for each.

    Raises, Warns:
        as `Capture.open` says.
    """
    listing = _listing(source, split)
    index, frames = listing.index, _present(listing)
    names = _names(frames)
    paths = [frame.path for frame in frames if frame.path is not None]
    facts = [facts_of(f"{OPEN}: {path}", path) for path in paths]
    try:
        lens, distortion = lens_of(index, [frame.listed | frame.own for frame in frames])
        orientations = [_orientation(index, frame, one) for frame, one in zip(frames, facts, strict=True)]
        sizes = [(one.width, one.height) if turn in TRANSPOSED else (one.height, one.width) for one, turn in zip(facts, orientations, strict=True)]
        k = np.stack([intrinsics_of(index, frame.listed, frame.own, *size) for frame, size in zip(frames, sizes, strict=True)])
    except (TypeError, ValueError, OverflowError, ZeroDivisionError) as error:
        if str(error).startswith(OPEN):
            raise
        raise ValueError(f"{OPEN}: the intrinsics in {index} must be numbers, got {type(error).__name__}: {error}") from error
    _tell_of_blender(index, frames, sizes)
    try:
        poses = np.linalg.inv(np.stack([frame.world_from_camera for frame in frames]))
        cameras = [
            Camera.from_matrices(pose[None], matrix, size, lens=lens, distortion=None if distortion is None else distortion[i])
            for i, (pose, matrix, size) in enumerate(zip(poses, k, sizes, strict=True))
        ]
    except ValueError as error:
        raise ValueError(f"{OPEN}: {index} must hold good cameras: {str(error).split(': ', 1)[-1]}") from error
    camera = replace(
        cameras[0],
        camera_from_world=np.concatenate([one.camera_from_world for one in cameras]),
        intrinsics=np.concatenate([one.intrinsics for one in cameras]),
        distortion=None if distortion is None else np.concatenate([one.distortion for one in cameras]),
    )
    return {
        "index": index,
        "names": names,
        "paths": tuple(paths),
        "sizes": np.array(sizes),
        "camera": camera,
        "masks": _masks(names, frames, masks, partial),
        "known": tuple(frame.known for frame in frames),
        "orientations": tuple(orientations),
        "transparent": np.array([one.transparent for one in facts]),
        "points": listing.points,
        "sphere": listing.sphere,
    }


def splits_of(source: Path) -> dict[str, int]:
    """How many pictures are there of each split that `Capture.open` takes: of NeRF's lists, or of nerfstudio's, which tell splits themselves. (It may be none:
    BlenderNeRF writes a list of cameras alone, for a test.)"""
    lists = {split: source / f"transforms_{split}.json" for split in SPLITS}
    listings = {split: read_transforms(index) for split, index in lists.items() if is_file(index)}
    whole = source if source.suffix == ".json" else source / "transforms.json"
    if not listings and is_file(whole):
        listings = {split: read_transforms(whole, split) for split in splits_told(whole)}
    return {split: sum(frame.path is not None for frame in listing.frames) for split, listing in listings.items()}


def _listing(source: Path, split: str | None) -> Listing:
    """What the folder or file holds."""
    if is_file(source):
        if split is not None and source.suffix == ".json" and split in splits_told(source):
            return read_transforms(source, split)
        if split is not None:
            raise ValueError(f"{OPEN}: split must be None where source is a file, got {split!r} with {source}")
        return _read_index(source)
    wanted = source / ("transforms.json" if split is None else f"transforms_{split}.json")
    if is_file(wanted):
        return read_transforms(wanted)
    whole = source / "transforms.json"
    if split is not None and is_file(whole) and split in splits_told(whole):
        return read_transforms(whole, split)
    if split is not None:
        raise FileNotFoundError(f"{OPEN}: there is no file {wanted}")
    model = find_model(source)
    if model is not None:
        return read_colmap(model)
    for name in NEUS_FILES:
        if is_file(source / name):
            return read_neus(source / name)
    parameters = sorted(source.glob("*_par.txt")) if source.is_dir() else []
    if len(parameters) == 1:
        return read_middlebury(parameters[0])
    raise FileNotFoundError(
        f"{OPEN}: there is no file {wanted}, nor another one of cameras: a model of COLMAP's (cameras and images, .bin or .txt, there or in sparse/0), "
        f"{NEUS_FILES[0]}, or one *_par.txt" + (f" (but {len(parameters)} of them)" if parameters else _not_read(source))
    )


def is_of_cameras(source: Path) -> bool:
    """Whether a file is one of cameras, read or not, by its name."""
    return source.suffix.lower() in ENDINGS or _writer(source) is not None


def _writer(source: Path) -> str | None:
    """What is said of a file of cameras that is not read."""
    return next((writer for pattern, writer in OTHER_LISTS.items() if fnmatch.fnmatch(source.name.lower(), pattern)), None)


def _not_read(folder: Path) -> str:
    """That a file of cameras is there, and not read, or not without a split, if there is one."""
    for index in sorted(folder.glob("transforms_*.json")):
        return f"; {index.name} is read with the split {index.stem.removeprefix('transforms_')!r}"
    for source in [*sorted(folder.iterdir()), *sorted(folder.glob("cams/*_cam.txt"))] if folder.is_dir() else []:
        if _writer(source) is not None:
            return f"; {source.relative_to(folder)}, {_writer(source)}, is not read: COLMAP's format, which most programs export, and transforms.json are"
    return ""


def _read_index(source: Path) -> Listing:
    if source.suffix == ".json":
        return read_transforms(source)
    if source.suffix == ".npz":
        return read_neus(source)
    if source.suffix in (".bin", ".txt") and source.stem in COLMAP_FILES:
        model = find_model(source.parent)
        if model is not None:
            return read_colmap(source.with_name(f"images{source.suffix}"))
    if source.name.endswith("_par.txt"):
        return read_middlebury(source)
    others = "" if _writer(source) is None else f", {_writer(source)}: let what found the cameras export COLMAP's format"
    raise ValueError(f"{OPEN}: source must be a folder, or a file of cameras (.json, .npz, one of COLMAP's, or *_par.txt), got {source}{others}")


def _present(listing: Listing) -> list[Frame]:
    """The frames whose pictures are there."""
    present = [frame for frame in listing.frames if frame.path is not None]
    absent = [frame.name for frame in listing.frames if frame.path is None]
    if not present:
        raise FileNotFoundError(f"{OPEN}: there is no picture of those that {listing.index} names, {len(absent)}, the first {absent[0]}")
    if absent:
        warnings.warn(
            f"{OPEN}: {len(absent)} of the {len(listing.frames)} pictures that {listing.index} names are absent, and left out, the first {absent[0]}",
            UserWarning,
            stacklevel=4,
        )
    renamed = [(frame.name, frame.path.name) for frame in present if frame.path is not None and ending_of(frame.name) not in ("", frame.path.suffix.lower())]
    if renamed:
        warnings.warn(
            f"{OPEN}: {len(renamed)} of the {len(listing.frames)} pictures that {listing.index} names are there with another ending alone, and taken so, "
            f"the first {renamed[0][1]} for {renamed[0][0]}",
            UserWarning,
            stacklevel=4,
        )
    return present


def _tell_of_blender(index: Path, frames: list[Frame], sizes: list[tuple[int, int]]) -> None:
    """Warns where the one angle that is told may be another one: Blender's camera.angle_x is that of the longer side, whatever it is called."""
    doubtful = sum(height > width and is_angle_alone(frame.listed, frame.own) for frame, (height, width) in zip(frames, sizes, strict=True))
    if doubtful:
        warnings.warn(
            f"{OPEN}: camera_angle_x in {index} is taken as the angle of the width, and {doubtful} pictures are higher than wide: Blender's camera.angle_x is "
            "that of their height; if it came from there, write it as camera_angle_y (or fl_x in pixels)",
            UserWarning,
            stacklevel=4,
        )


def _orientation(index: Path, frame: Frame, facts: Facts) -> int:
    """How the picture is to be turned, so that it has the size that its camera is told for."""
    if facts.orientation == 1 or size_told(frame.listed, frame.own, facts.height, facts.width):
        return 1
    turns = facts.orientation in TRANSPOSED
    as_seen = size_told(frame.listed, frame.own, facts.width, facts.height) if turns else size_told(frame.listed, frame.own, facts.height, facts.width)
    if as_seen:
        return facts.orientation
    if as_seen is None and turns:
        raise ValueError(
            f"{OPEN}: {index} must say w and h of the pictures where EXIF turns one ({frame.path} is stored as {facts.width} x {facts.height}, "
            f"and seen as {facts.height} x {facts.width}), got neither"
        )
    return 1


def _names(frames: list[Frame]) -> tuple[str, ...]:
    """The names of the files without ending; with their folders, if that does not tell them apart."""
    stems = [frame.path.stem for frame in frames if frame.path is not None]
    if len(set(stems)) == len(stems):
        return tuple(stems)
    return tuple(
        "_".join(part for part in (*Path(frame.name.replace("\\", "/")).parent.parts, stem) if part not in (".", "..", "/"))
        for frame, stem in zip(frames, stems, strict=True)
    )


def _masks(names: tuple[str, ...], frames: list[Frame], folder: Path | None, partial: bool) -> tuple[Path | None, ...]:
    """The file of each picture's mask, or None. ``partial``: the folder need not have them all."""
    files: dict[Path, dict[str, Path]] = {}
    found: list[Path | None] = []
    for name, frame in zip(names, frames, strict=True):
        assert frame.path is not None
        if folder is None:
            found.append(frame.mask or _mask_beside(files, frame.path))
        else:
            within = [part for part in Path(frame.name.replace("\\", "/")).parent.parts if part not in ("..", "/")]
            found.append(_mask_in(files, folder, [Path(*within, frame.path.name), Path(*within[1:], frame.path.name), Path(name + frame.path.suffix)]))
    absent = [frame.path for frame, mask in zip(frames, found, strict=True) if mask is None]
    if folder is not None and absent and not partial:
        raise FileNotFoundError(f"{OPEN}: there is no mask in {folder} for {len(absent)} of the {len(frames)} pictures, the first {absent[0]}")
    return tuple(found)


def _mask_beside(files: dict[Path, dict[str, Path]], path: Path) -> Path | None:
    """In a folder of masks beside the picture, beside its folder, or beside the folder of that."""
    for place in list(path.absolute().parents)[:3]:
        relative = path.absolute().relative_to(place)
        for name in MASK_FOLDERS:
            mask = _mask_in(files, place / name, [relative, *([Path(*relative.parts[1:])] if len(relative.parts) > 1 else [])])
            if mask is not None and mask != path.absolute():
                return mask
    return None


def _mask_in(files: dict[Path, dict[str, Path]], folder: Path, names: list[Path]) -> Path | None:
    """What a folder holds as the mask of a picture of one of these names; ``files`` remembers what folders hold."""
    for name in names:
        place = folder / name.parent
        if place not in files:
            entries = sorted(place.iterdir(), reverse=True) if place.is_dir() else []
            files[place] = {entry.name.lower(): entry for entry in entries if entry.suffix.lower() in PICTURE_ENDINGS}
        for stem in (name.name, name.stem):
            for ending in PICTURE_ENDINGS:
                mask = files[place].get((stem + ending).lower())
                if mask is not None and is_file(mask):
                    return mask
    return None
