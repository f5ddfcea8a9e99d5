"""Cameras told by their matrices alone: NeuS's, IDR's and DVR's ``cameras*.npz``, and Middlebury's ``*_par.txt``.

NeuS, IDR and Middlebury count pixels as OpenCV does, from the centre of the first one: half a pixel is added to their cx and cy. NeuS and IDR cast the ray of
the pixel in row r and column c through (c, r). Of Middlebury's it was measured: in templeSparseRing, 3,188 pairs of SIFT's keypoints lie nearest to each
other's epipolar lines (root mean square, at most one pixel each) with half a pixel added to cx, 0.28 pixels, against 0.39 with none and 0.41 with a whole one;
cy they hardly tell. DVR (Differentiable Volumetric Rendering, whose files of ShapeNet's renderings, SoftRas's among them, many use) counts from -1 to 1, from
border to border. The camera axes of all of them are OpenCV's.
"""

import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from scipy.linalg import rq

from ..scene import read_arrays, read_text
from .frames import OPEN, PICTURE_ENDINGS, Frame, Listing
from .named import NamedPictures
from .pixels import facts_of

__all__ = ["read_middlebury", "read_neus"]

MAX_BYTES = 1 << 28  # of cameras, unpacked
MAX_SKEW = 0.5  # pixels at the border of a picture of the usual size, which no lens of ours has
FOCAL_OF_ONE = 1e-3  # how near K of a projection to pixels may be to one of a focal length of one pixel, which is none: there is no K in it


def read_neus(index: Path) -> Listing:
    """``world_mat_i`` [4, 4], the projection to pixels of picture i of the sorted pictures in ``image/``; masks in ``mask/`` in the same order.

    In DVR's files of renderings ``world_mat_i`` is the pose alone, [R | t], and ``camera_mat_i`` projects to -1 .. 1, whatever the picture's sides. (In IDR's
    there is a ``camera_mat_i``, too, which is not wanted.) The world is that of ``world_mat_i``. ``scale_mat_i``, which moves NeuS's unit sphere into it, only
    says where the object is.

    Raises:
        FileNotFoundError: if there is no folder of pictures.
        ValueError: if the file is not what it should be.
    """
    try:
        arrays = read_arrays(index, MAX_BYTES)
    except (OSError, LookupError, EOFError, ValueError, TypeError, AttributeError, MemoryError, zipfile.BadZipFile, zlib.error) as error:
        raise ValueError(f"{OPEN}: {index} must be a file of NumPy's arrays, got {type(error).__name__}: {error}") from error
    numbers = sorted(int(name.removeprefix("world_mat_")) for name in arrays if name.removeprefix("world_mat_").isdecimal() and name.startswith("world_mat_"))
    if not numbers or numbers != list(range(len(numbers))):
        raise ValueError(f"{OPEN}: {index} must hold world_mat_0, world_mat_1, ..., got {', '.join(list(arrays)[:3]) or 'nothing'}")
    folder = next((index.parent / name for name in ("image", "images", "rgb") if (index.parent / name).is_dir()), None)
    if folder is None:
        raise FileNotFoundError(f"{OPEN}: there is no folder image beside {index}")
    pictures, masks = _pictures_in(folder), _pictures_in(index.parent / "mask")
    if len(pictures) != len(numbers):
        raise ValueError(f"{OPEN}: {index} must have a camera for each of the {len(pictures)} pictures in {folder.name}, got {len(numbers)}")
    frames = []
    for i, picture in enumerate(pictures):
        k, pose = _camera(index, arrays, i, picture)
        mask = masks[i] if len(masks) == len(pictures) else None
        frames.append(Frame(name=f"{folder.name}/{picture.name}", path=picture, world_from_camera=pose, own=k, mask=mask))
    return Listing(index=index, frames=frames, sphere=_sphere(f"{OPEN}: scale_mat_0 in {index}", arrays.get("scale_mat_0")))


def read_middlebury(index: Path) -> Listing:
    """A line a picture: its name, K, R and t, row by row; P = K [R | t].

    Raises:
        ValueError: if the file is not what it should be.
    """
    rows = [line.split() for line in read_text(f"{OPEN}: {index}", index).splitlines() if line.strip()]
    if not rows or len(rows[0]) != 1 or not rows[0][0].isdecimal() or int(rows[0][0]) != len(rows) - 1 or len(rows) < 2:
        raise ValueError(f"{OPEN}: {index} must begin with how many lines follow, at least one, got {' '.join(rows[0]) if rows else 'nothing'}")
    pictures, frames = NamedPictures(index), []
    for row in rows[1:]:
        try:
            name, values = row[0], np.array(row[1:], np.float64).reshape(21)
        except ValueError as error:
            raise ValueError(f"{OPEN}: {index} must hold a name and 21 numbers a line, got {' '.join(row)[:60]!r}") from error
        subject = f"{OPEN}: the camera of {name} in {index}"
        k, rotation, translation = values[:9].reshape(3, 3), values[9:18].reshape(3, 3), values[18:]
        path = pictures.find(name, other_ending=True)
        frames.append(Frame(name=name, path=path, world_from_camera=_pose(subject, rotation, translation), own=_words(subject, k)))
    return Listing(index=index, frames=frames)


def _camera(index: Path, arrays: dict[str, np.ndarray], i: int, picture: Path) -> tuple[dict[str, Any], np.ndarray]:
    """K in the words of `transforms.py`, and the pose, of picture i."""
    subject = f"{OPEN}: world_mat_{i} in {index}"
    world = arrays[f"world_mat_{i}"]
    k, pose = _decomposed(subject, world)
    if not np.allclose(k, np.eye(3), atol=FOCAL_OF_ONE):
        return _words(subject, k), pose
    name = f"camera_mat_{i}"
    if name not in arrays:
        raise ValueError(f"{subject} must be the projection to pixels, or come with {name}, got the pose alone")
    camera, subject = arrays[name], f"{OPEN}: {name} in {index}"
    if camera.shape not in ((3, 3), (4, 4)) or camera.dtype.kind not in "fiu" or not np.isfinite(camera).all():
        raise ValueError(f"{subject} must be a finite matrix of 3 x 3 or 4 x 4, got {camera.dtype} of shape {camera.shape}")
    k, pose = _decomposed(subject, camera[:3, :3].astype(np.float64) @ world[:3])
    if np.abs(k[:2, 2]).max() > 1:
        raise ValueError(f"{subject} must count from -1 to 1 across the picture, got its middle at {k[0, 2]:g}, {k[1, 2]:g}")
    facts = facts_of(f"{OPEN}: {picture}", picture)
    half = np.array([facts.width, facts.height]) / 2
    k[:2] *= half[:, None]
    k[:2, 2] += half
    return _words(subject, k, centre=0.0), pose


def _pictures_in(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if path.suffix.lower() in PICTURE_ENDINGS and not path.name.startswith("."))


def _decomposed(subject: str, projection: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """K [3, 3] and the pose, of a projection [3 or 4, 4]."""
    if projection.shape not in ((3, 4), (4, 4)) or projection.dtype.kind not in "fiu" or not np.isfinite(projection).all():
        raise ValueError(f"{subject} must be a finite matrix of 3 or 4 rows and 4 columns, got {projection.dtype} of shape {projection.shape}")
    p = projection[:3].astype(np.float64)
    determinant = np.linalg.det(p[:, :3])
    if abs(determinant) < 1e-12 * np.prod(np.linalg.norm(p[:, :3], axis=1)) or determinant == 0:
        raise ValueError(f"{subject} must be the projection of a camera, got one that is not invertible")
    p = p * np.sign(determinant)
    k, rotation = rq(p[:, :3])
    signs = np.sign(np.diag(k))
    k, rotation = k * signs, signs[:, None] * rotation
    return k / k[2, 2], _pose(subject, rotation, np.linalg.solve(k, p[:, 3]))


def _words(subject: str, k: np.ndarray, centre: float = 0.5) -> dict[str, Any]:
    """K [3, 3], to which the first pixel's corner is at minus ``centre``, in the words of `transforms.py`."""
    if not (np.isfinite(k).all() and (np.diag(k) > 0).all()):
        raise ValueError(f"{subject} must have a finite K with a positive diagonal, got {k.tolist()}")
    k = k / k[2, 2]
    skew = abs(k[0, 1] / k[1, 1]) * max(k[1, 2], 1.0)
    if skew > MAX_SKEW or np.abs([k[1, 0], k[2, 0], k[2, 1]]).max() > 1e-6:
        raise ValueError(f"{subject} must have square angles between rows and columns of pixels, got K {k.tolist()}")
    return {"fl_x": float(k[0, 0]), "fl_y": float(k[1, 1]), "cx": float(k[0, 2]) + centre, "cy": float(k[1, 2]) + centre}


def _pose(subject: str, rotation: np.ndarray, translation: np.ndarray) -> np.ndarray:
    """World from camera in OpenGL's axes, of [R | t] in OpenCV's."""
    pose = np.eye(4)
    if not (np.isfinite(rotation).all() and np.isfinite(translation).all()):
        raise ValueError(f"{subject} must have a finite R and t, got {rotation.tolist()}, {translation.tolist()}")
    pose[:3, :3], pose[:3, 3] = rotation.T, -rotation.T @ translation
    return pose @ np.diag([1.0, -1.0, -1.0, 1.0])


def _sphere(subject: str, scale: np.ndarray | None) -> tuple[np.ndarray, float] | None:
    if scale is None:
        return None
    if scale.shape != (4, 4) or scale.dtype.kind not in "fiu" or not np.isfinite(scale).all() or not scale[0, 0] > 0:
        raise ValueError(f"{subject} must be a finite scale and a translation, 4 x 4, got {scale.tolist()}")
    return scale[:3, 3].astype(np.float64), float(scale[0, 0])
