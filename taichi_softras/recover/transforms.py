"""What a list of frames (``transforms.json``) says about its cameras, as NeRF's makers, nerfstudio, instant-ngp and the converters of COLMAP write it.

A frame is a dictionary in which what it says itself stands before what the list says for all. Lenses are `Camera`'s; what it cannot hold is refused by name.
"""

from pathlib import Path
from typing import Any

import numpy as np

from ..checks import check_finite
from ..scene import Lens

__all__ = ["COEFFICIENTS", "intrinsics_of", "lens_of", "poses_of"]

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
ROUGHLY = 1e-3  # how far a rotation that was written down may be from one


def poses_of(index: Path, matrices: np.ndarray) -> np.ndarray:
    """[N, 4, 4] world from camera: rotations and translations, of matrices [N, 4, 4] that may also scale evenly, which no camera sees."""
    if not np.isfinite(matrices).all() or (np.abs(np.linalg.det(matrices)) < 1e-9).any():
        raise ValueError(f"Views.load: every transform_matrix in {index} must be finite and invertible")
    must = f"Views.load: every transform_matrix in {index} must be a rotation (with an even scale, if any) and a translation, got"
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
        raise ValueError(f"Views.load: w and h of a frame in {index} must be the size of its picture, {width} x {height}, got {w:g} x {h:g}")
    if not (w > 0 and h > 0 and abs(w * height - h * width) < max(w, h, width, height)):  # within a pixel
        raise ValueError(f"Views.load: w and h in {index} must have the proportions of the pictures, {width} x {height}, got {w:g} x {h:g}")
    told = own if any(_focal_length(own, axis, 1.0) is not None for axis in "xy") else listed
    fl_x, fl_y = _focal_length(told, "x", w), _focal_length(told, "y", h)
    if fl_x is None and fl_y is None:
        raise ValueError(f"Views.load: {index} must hold camera_angle_x or fl_x, got neither")
    fl_x, fl_y = fl_y if fl_x is None else fl_x, fl_x if fl_y is None else fl_y
    cx, cy = _number(described.get("cx", w / 2)), _number(described.get("cy", h / 2))
    k = np.array([[fl_x, 0, cx], [0, fl_y, cy], [0, 0, 1]], np.float64)
    if not (np.isfinite(k).all() and k[0, 0] > 0 and k[1, 1] > 0):
        raise ValueError(f"Views.load: the intrinsics in {index} must be finite and positive, got fl_x {fl_x}, fl_y {fl_y}, cx {cx}, cy {cy}")
    return np.diag([width / w, height / h, 1.0]) @ k


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
    """The lens of all frames and its coefficients [N, n]."""
    told = [_lens(index, frame) for frame in frames]
    lenses = {lens for lens, _ in told}
    lens = Lens.OPENCV if lenses == {Lens.PERSPECTIVE, Lens.OPENCV} else next(iter(lenses))
    if not lenses <= {lens, Lens.PERSPECTIVE} or (lens is Lens.FISHEYE and len(lenses) > 1):
        raise ValueError(f"Views.load: {index} must have cameras of one kind, got {' and '.join(sorted(str(one) for one in lenses))}")
    names = COEFFICIENTS[lens]
    return lens, np.array([[given[name] for name in names] for _, given in told]) if names else None


def _lens(index: Path, frame: dict[str, Any]) -> tuple[Lens, dict[str, float]]:
    """The lens of a frame and its coefficients by name; those of other lenses must be zero."""
    model, kinds = frame.get("camera_model"), ", ".join(MODELS)
    for name in NO_LENS_OF_OURS:
        if frame.get(name) or (name == "ftheta_p0" and name in frame):
            raise ValueError(f"Views.load: {index} must have a lens that is {kinds}, got instant-ngp's {name}")
    if model is not None and not (isinstance(model, str) and model in MODELS):
        raise ValueError(f"Views.load: {index} must have a camera_model that is {kinds}, or none, got {model}")
    if model is not None and frame.get("is_fisheye") and MODELS[model] is not Lens.FISHEYE:
        raise ValueError(f"Views.load: {index} must have cameras of one kind, got {model} and is_fisheye")
    lens = Lens.FISHEYE if frame.get("is_fisheye") else Lens.PERSPECTIVE if model is None else MODELS[model]
    given = _coefficients(index, frame)
    if frame.get("is_fisheye") and not (given["k3"] or given["k4"]):  # instant-ngp has one place for k3 and p1, and one for k4 and p2
        given |= {"k3": given["p1"], "k4": given["p2"], "p1": 0.0, "p2": 0.0}
    if lens is Lens.PERSPECTIVE and any(given.values()):  # as nerfstudio and instant-ngp do, whether or not it is called a pinhole
        lens = Lens.OPENCV
    if lens is Lens.OPENCV and given["k4"] and model != "FULL_OPENCV" and not ("k5" in frame and "k6" in frame):
        raise ValueError(
            f"Views.load: k4 in {index} must come with camera_model FULL_OPENCV (as OpenCV has it: in the denominator) or with one of a fisheye, "
            f"got {model or 'no camera_model'}"
        )
    for name, value in given.items():
        if value and name not in COEFFICIENTS[lens]:
            raise ValueError(f"Views.load: the distortion in {index} must be {', '.join(COEFFICIENTS[lens])} with {lens}, got {name} {value:g}")
    return lens, given


def _coefficients(index: Path, frame: dict[str, Any]) -> dict[str, float]:
    values = [frame.get(name) or 0.0 for name in ALL_COEFFICIENTS]
    try:
        given = dict(zip(ALL_COEFFICIENTS, np.array(values, np.float64).reshape(len(ALL_COEFFICIENTS)).tolist(), strict=True))
        listed = np.array(frame.get("distortion_params") or [], np.float64)
    except (TypeError, ValueError, OverflowError) as error:
        raise ValueError(f"Views.load: the distortion in {index} must be numbers, got {type(error).__name__}: {error}") from error
    if listed.size:
        if listed.shape != (len(NERFSTUDIO_ORDER),):
            raise ValueError(f"Views.load: distortion_params in {index} must be {', '.join(NERFSTUDIO_ORDER)}, got shape {listed.shape}")
        given |= dict(zip(NERFSTUDIO_ORDER, listed.tolist(), strict=True))
    check_finite("Views.load", f"the distortion in {index}", np.array(list(given.values())))
    return given
