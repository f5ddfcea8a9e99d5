"""Lists of frames (``transforms.json``), as NeRF's makers, nerfstudio, instant-ngp and COLMAP's converters write them, and what all readers say of cameras.

A frame is a dictionary in which what it says itself stands before what the list says for all. Lenses are `Camera`'s; what it cannot hold is refused by name.
"""

import posixpath
from pathlib import Path
from typing import Any

import numpy as np

from ..checks import check_finite
from ..scene import Lens, read_json
from .frames import OPEN, Frame, Listing
from .named import NamedPictures

__all__ = ["COEFFICIENTS", "SPLITS", "intrinsics_of", "is_angle_alone", "lens_of", "read_transforms", "size_told", "splits_told"]

COEFFICIENTS = {  # in the order of `Camera.distortion`
    Lens.PERSPECTIVE: (),
    Lens.OPENCV: ("k1", "k2", "p1", "p2", "k3", "k4", "k5", "k6"),
    Lens.FISHEYE: ("k1", "k2", "k3", "k4"),
}
MODELS = {  # COLMAP's names, which nerfstudio has taken over
    "SIMPLE_PINHOLE": Lens.PERSPECTIVE,
    "PINHOLE": Lens.PERSPECTIVE,
    "SIMPLE_RADIAL": Lens.OPENCV,
    "RADIAL": Lens.OPENCV,
    "OPENCV": Lens.OPENCV,
    "FULL_OPENCV": Lens.OPENCV,
    "OPENCV_FISHEYE": Lens.FISHEYE,
    "SIMPLE_RADIAL_FISHEYE": Lens.FISHEYE,
    "RADIAL_FISHEYE": Lens.FISHEYE,
}
NO_LENS_OF_OURS = ("orthographic", "equirectangular", "latlong", "ftheta_p0")  # how instant-ngp says that a camera is of another kind
ALL_COEFFICIENTS = (*COEFFICIENTS[Lens.OPENCV], "s1", "s2", "s3", "s4", "sx1", "sy1")
NERFSTUDIO_ORDER = ("k1", "k2", "k3", "k4", "p1", "p2")  # of its distortion_params
SPLITS, FILENAMES = ("train", "test", "val"), "_filenames"
ROUGHLY = 1e-3  # how far a rotation that was written down may be from one


def splits_told(index: Path) -> tuple[str, ...]:
    """The splits that a list itself tells, as nerfstudio's do, by the names of their pictures: ``train_filenames``, ``val_filenames``, ``test_filenames``."""
    described = read_json(f"{OPEN}: {index}", index)
    return tuple(split for split in SPLITS if isinstance(described, dict) and described.get(split + FILENAMES))


def read_transforms(index: Path, split: str | None = None) -> Listing:
    """The list ``index`` and the pictures, masks and maps of known pixels that it names; with ``split`` those of one that `splits_told` gives.

    A mask that two frames share cannot be that of an object (the camera has moved): it is nerfstudio's of a lens, and tells which pixels count.

    Raises:
        ValueError: if it is not what it should be.
        FileNotFoundError: if a mask that it names is absent.
    """
    described = read_json(f"{OPEN}: {index}", index)
    try:
        told = described["frames"] if split is None else _of_split(index, described, split + FILENAMES)
        matrices = np.array([frame["transform_matrix"] for frame in told], np.float64)
        names = [str(frame["file_path"]) for frame in told]
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError) as error:
        if str(error).startswith(OPEN):
            raise
        raise ValueError(f"{OPEN}: {index} must list frames with file_path and transform_matrix, got {type(error).__name__}: {error}") from error
    if matrices.shape == (len(told), 3, 4):  # of which instant-ngp reads no more
        matrices = np.concatenate([matrices, np.tile([[[0.0, 0.0, 0.0, 1.0]]], (len(told), 1, 1))], axis=1)
    if matrices.shape != (len(told), 4, 4) or not len(told):
        raise ValueError(f"{OPEN}: {index} must hold a transform_matrix of 4 x 4 (or 3 x 4) for each of at least one frame, got shape {matrices.shape}")
    matrices = _poses(index, matrices)
    masks, known = (_named_pictures(index, told, key) for key in ("mask_path", "known_path"))
    if len(told) > 1 and len(set(masks)) < len(told) and None not in masks:
        masks, known = [None] * len(told), [mask if one is None else one for mask, one in zip(masks, known, strict=True)]
    pictures = NamedPictures(index)
    frames = [
        Frame(name=name, path=pictures.find(name, other_ending=True), world_from_camera=matrix, listed=described, own=own, mask=mask, known=counts)
        for name, matrix, own, mask, counts in zip(names, matrices, told, masks, known, strict=True)
    ]
    return Listing(index=index, frames=frames)


def _of_split(index: Path, described: dict[str, Any], key: str) -> list[dict[str, Any]]:
    """The frames whose names the list has under ``key``."""
    wanted = described[key]
    if not isinstance(wanted, list) or not all(isinstance(name, str) for name in wanted):
        raise ValueError(f"{OPEN}: {key} in {index} must be a list of names, got {type(wanted).__name__}")
    frames = {_plain(str(frame["file_path"])): frame for frame in described["frames"]}
    for name in wanted:
        if _plain(name) not in frames:
            raise ValueError(f"{OPEN}: {key} in {index} must be names of its frames, got {name}")
    chosen = {_plain(name) for name in wanted}
    return [frame for name, frame in frames.items() if name in chosen]


def _plain(name: str) -> str:
    """``./images/a.png`` and ``images/a.png`` are one name."""
    return posixpath.normpath(name.replace("\\", "/"))


def _named_pictures(index: Path, frames: list[dict[str, Any]], key: str) -> list[Path | None]:
    """The picture that each frame names so, or None where it names none."""
    named = NamedPictures(index, key)
    found: list[Path | None] = []
    for frame in frames:
        name = frame.get(key)
        place = None if name is None else named.find(str(name))
        if name is not None and place is None:
            raise FileNotFoundError(f"{OPEN}: there is no picture {index.parent / str(name)}, which a {key} of {index} names")
        found.append(place)
    return found


def _poses(index: Path, matrices: np.ndarray) -> np.ndarray:
    """[N, 4, 4] world from camera: rotations and translations, of matrices [N, 4, 4] that may also scale evenly, which no camera sees."""
    if not np.isfinite(matrices).all() or (np.abs(np.linalg.det(matrices)) < 1e-9).any():
        raise ValueError(f"{OPEN}: every transform_matrix in {index} must be finite and invertible")
    must = f"{OPEN}: every transform_matrix in {index} must be a rotation (with an even scale, if any) and a translation, got"
    for i, matrix in enumerate(matrices):
        if not np.allclose(matrix[3], [0, 0, 0, 1], atol=ROUGHLY):
            raise ValueError(f"{must} the last row {matrix[3].tolist()} in frame {i}")
        scale = np.cbrt(np.linalg.det(matrix[:3, :3]))
        if scale < 0:
            raise ValueError(f"{must} a mirror image in frame {i}")
        if not np.allclose(matrix[:3, :3].T @ matrix[:3, :3] / scale**2, np.eye(3), atol=ROUGHLY):
            raise ValueError(f"{must} axes that are not at right angles, or not of one length, in frame {i}")
    scales = np.cbrt(np.linalg.det(matrices[:, :3, :3]))
    rigid = matrices.copy()
    even = np.abs(scales - 1) > ROUGHLY  # what is nearer to one is rounding
    rigid[even, :3, :3] /= scales[even, None, None]
    return rigid


def intrinsics_of(index: Path, listed: dict[str, Any], own: dict[str, Any], height: int, width: int) -> np.ndarray:
    """K of a frame that says ``own``, in a list that says ``listed``, for pictures of the size found.

    A list may speak of another size with the same proportions: its numbers are scaled. What a frame says itself is the size of its picture.
    """
    described = listed | own
    w, h = _number(described.get("w", width)), _number(described.get("h", height))
    if ("w" in own and w != width) or ("h" in own and h != height):
        raise ValueError(f"{OPEN}: w and h of a frame in {index} must be the size of its picture, {width} x {height}, got {w:g} x {h:g}")
    if not _alike(w, h, width, height):
        raise ValueError(f"{OPEN}: w and h in {index} must have the proportions of the pictures, {width} x {height}, got {w:g} x {h:g}")
    told = _tells_focal_length(listed, own)
    fl_x, fl_y = _focal_length(told, "x", w), _focal_length(told, "y", h)
    if fl_x is None and fl_y is None:
        raise ValueError(f"{OPEN}: {index} must hold camera_angle_x or fl_x, got neither")
    fl_x, fl_y = fl_y if fl_x is None else fl_x, fl_x if fl_y is None else fl_y
    cx, cy = _number(described.get("cx", w / 2)), _number(described.get("cy", h / 2))
    k = np.array([[fl_x, 0, cx], [0, fl_y, cy], [0, 0, 1]], np.float64)
    if not (np.isfinite(k).all() and k[0, 0] > 0 and k[1, 1] > 0):
        raise ValueError(f"{OPEN}: the intrinsics in {index} must be finite and positive, got fl_x {fl_x}, fl_y {fl_y}, cx {cx}, cy {cy}")
    return np.diag([width / w, height / h, 1.0]) @ k


def is_angle_alone(listed: dict[str, Any], own: dict[str, Any]) -> bool:
    """Whether nothing but camera_angle_x is said of the focal length, as in NeRF's lists, which were written by Blender."""
    told = _tells_focal_length(listed, own)
    return "camera_angle_x" in told and "fl_x" not in told and _focal_length(told, "y", 1.0) is None


def size_told(listed: dict[str, Any], own: dict[str, Any], height: int, width: int) -> bool | None:
    """Whether the size that is said of a picture may be that of one of so many pixels; None if none is said."""
    described = listed | own
    if "w" not in described or "h" not in described:
        return None
    w, h = _number(described["w"]), _number(described["h"])
    return _alike(w, h, width, height) and ("w" not in own or w == width) and ("h" not in own or h == height)


def _alike(w: float, h: float, width: int, height: int) -> bool:
    """Whether two sizes have the same proportions, within a pixel."""
    return w > 0 and h > 0 and abs(w * height - h * width) < max(w, h, width, height)


def _tells_focal_length(listed: dict[str, Any], own: dict[str, Any]) -> dict[str, Any]:
    return own if any(_focal_length(own, axis, 1.0) is not None for axis in "xy") else listed


def _focal_length(described: dict[str, Any], axis: str, side: float) -> float | None:
    """In pixels, along a side of so many: said as a length, as a full angle in radians or (by instant-ngp) in degrees; None if nothing is said."""
    length, radians, degrees = f"fl_{axis}", f"camera_angle_{axis}", f"{axis}_fov"
    if length in described:
        return _number(described[length])
    if radians in described:
        return float(0.5 * side / np.tan(0.5 * _number(described[radians])))
    return float(0.5 * side / np.tan(0.5 * np.radians(_number(described[degrees])))) if degrees in described else None


def _number(value: object) -> float:
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        raise TypeError(repr(value))
    return float(value)


def lens_of(index: Path, frames: list[dict[str, Any]]) -> tuple[Lens, np.ndarray | None]:
    """The lens of all frames and its coefficients [N, n]; one that all coefficients of OpenCV's leave straight is a pinhole."""
    told = [_lens(index, frame) for frame in frames]
    lenses = {lens for lens, _ in told}
    lens = Lens.OPENCV if lenses == {Lens.PERSPECTIVE, Lens.OPENCV} else next(iter(lenses))
    if not lenses <= {lens, Lens.PERSPECTIVE} or (lens is Lens.FISHEYE and len(lenses) > 1):
        raise ValueError(f"{OPEN}: {index} must have cameras of one kind, got {' and '.join(sorted(str(one) for one in lenses))}")
    if lens is Lens.OPENCV and not any(value for _, given in told for value in given.values()):
        lens = Lens.PERSPECTIVE  # bent by nothing
    names = COEFFICIENTS[lens]
    return lens, np.array([[given[name] for name in names] for _, given in told]) if names else None


def _lens(index: Path, frame: dict[str, Any]) -> tuple[Lens, dict[str, float]]:
    """The lens of a frame and its coefficients by name; those of other lenses must be zero."""
    model, kinds = frame.get("camera_model"), ", ".join(MODELS)
    for name in NO_LENS_OF_OURS:
        if frame.get(name) or (name == "ftheta_p0" and name in frame):
            raise ValueError(f"{OPEN}: {index} must have a lens that is {kinds}, got instant-ngp's {name}")
    if model is not None and not (isinstance(model, str) and model in MODELS):
        raise ValueError(f"{OPEN}: {index} must have a camera_model that is {kinds}, or none, got {model}")
    if model is not None and frame.get("is_fisheye") and MODELS[model] is not Lens.FISHEYE:
        raise ValueError(f"{OPEN}: {index} must have cameras of one kind, got {model} and is_fisheye")
    lens = Lens.FISHEYE if frame.get("is_fisheye") else Lens.PERSPECTIVE if model is None else MODELS[model]
    given = _coefficients(index, frame)
    if frame.get("is_fisheye") and not (given["k3"] or given["k4"]):  # instant-ngp has one place for k3 and p1, and one for k4 and p2
        given |= {"k3": given["p1"], "k4": given["p2"], "p1": 0.0, "p2": 0.0}
    if lens is Lens.PERSPECTIVE and any(given.values()):  # as nerfstudio and instant-ngp do, whether or not it is called a pinhole
        lens = Lens.OPENCV
    if lens is Lens.OPENCV and given["k4"] and model != "FULL_OPENCV" and not ("k5" in frame and "k6" in frame):
        raise ValueError(
            f"{OPEN}: k4 in {index} must come with camera_model FULL_OPENCV (as OpenCV has it: in the denominator) or with one of a fisheye, "
            f"got {model or 'no camera_model'}"
        )
    for name, value in given.items():
        if value and name not in COEFFICIENTS[lens]:
            raise ValueError(f"{OPEN}: the distortion in {index} must be {', '.join(COEFFICIENTS[lens])} with {lens}, got {name} {value:g}")
    return lens, given


def _coefficients(index: Path, frame: dict[str, Any]) -> dict[str, float]:
    values = [frame.get(name) or 0.0 for name in ALL_COEFFICIENTS]
    try:
        given = dict(zip(ALL_COEFFICIENTS, np.array(values, np.float64).reshape(len(ALL_COEFFICIENTS)).tolist(), strict=True))
        listed = np.array(frame.get("distortion_params") or [], np.float64)
    except (TypeError, ValueError, OverflowError) as error:
        raise ValueError(f"{OPEN}: the distortion in {index} must be numbers, got {type(error).__name__}: {error}") from error
    if listed.size:
        if listed.shape != (len(NERFSTUDIO_ORDER),):
            raise ValueError(f"{OPEN}: distortion_params in {index} must be {', '.join(NERFSTUDIO_ORDER)}, got shape {listed.shape}")
        given |= dict(zip(NERFSTUDIO_ORDER, listed.tolist(), strict=True))
    check_finite(OPEN, f"the distortion in {index}", np.array(list(given.values())))
    return given
