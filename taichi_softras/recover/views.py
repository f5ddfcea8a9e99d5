"""Pictures with cameras: `Views` in memory, and `Capture` on disk, as people bring them.

What we write is a folder in the NeRF-synthetic layout: ``transforms.json``, or ``transforms_train.json`` beside ``transforms_test.json``; RGBA PNGs whose
alpha is the mask; and for each picture its ``transform_matrix``, camera to world in the OpenGL convention.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from ..checks import (
    MAX_IMAGE_SIDE,
    as_numbers,
    check_array,
    check_finite,
    check_flag,
    check_indices,
    check_integer,
    check_kind,
    check_shape,
    check_unit,
)
from ..replacing import replacing
from ..runtime import free_memory
from ..scene import Camera, Lens, as_path
from .frames import OPEN
from .opening import described
from .pixels import Window, read_color, read_mask, read_transparent
from .segment import finder_of, segmented
from .transforms import COEFFICIENTS

__all__ = ["DEPTH_SCALE", "Capture", "Views", "check_masks", "save_picture", "scene_up"]

READ = "Capture.views"

KNOWN = "known"  # the folder
MANY_UP = 0.1  # the mean of the cameras' up is trusted if it is at least so long: pictures that stand on their heads cancel others out
ON_SIDE = 0.9  # of the cameras' right, the share (of squares) along one axis from which on pictures are taken to lie on their sides
DEPTH_SCALE = 1e-3  # world units: what one step of a saved depth means, as nerfstudio takes it unless told otherwise
DEEPEST = DEPTH_SCALE * (2**16 - 1)


@dataclass(frozen=True, kw_only=True)
class Views:
    """N pictures of one size and their cameras.

    Attributes:
        alpha: [N, H, W] float32 masks, 0 to 1.
        color: [N, H, W, 3] float32, 0 to 1; meaningless where alpha is 0.
        camera: N cameras.
        names: what the pictures are called.
        known: [N, H, W] float32, 0 to 1: how much of a pixel counts (where it is 0, so is alpha, and nobody knows what is there); None if all do.
    """

    alpha: np.ndarray
    color: np.ndarray
    camera: Camera
    names: tuple[str, ...]
    known: np.ndarray | None = None

    def __post_init__(self) -> None:
        sizes: dict[str, int] = {}
        check_array("Views", "alpha", self.alpha, ("N", "H", "W"), sizes)
        check_array("Views", "color", self.color, ("N", "H", "W", 3), sizes)
        if self.known is not None:
            check_array("Views", "known", self.known, ("N", "H", "W"), sizes)
        for name, values in (("alpha", self.alpha), ("color", self.color)):
            if values.dtype.kind != "f":  # of real numbers there are many to be looked at: `Fit` does
                check_unit("Views", name, values)
        check_kind("Views", "camera", self.camera, Camera)
        if not isinstance(self.names, (tuple, list)) or not all(isinstance(name, str) for name in self.names):
            raise TypeError(f"Views: names must be a tuple of text, got {self.names!r}")
        for name, n in (("cameras", len(self.camera)), ("names", len(self.names))):
            if n != len(self.alpha):
                raise ValueError(f"Views: there must be as many {name} as pictures, {len(self.alpha)}, got {n}")

    def __len__(self) -> int:
        return len(self.alpha)

    @property
    def image_size(self) -> tuple[int, int]:
        """(height, width)."""
        return self.alpha.shape[1], self.alpha.shape[2]

    def select(self, which: np.ndarray | list[int]) -> "Views":
        """The pictures of the given numbers."""
        which = check_indices("Views.select", "which", which, "pictures", len(self))
        known = None if self.known is None else self.known[which]
        return Views(alpha=self.alpha[which], color=self.color[which], camera=self.camera[which], names=tuple(self.names[i] for i in which), known=known)

    def reduced(self, factor: int) -> "Views":
        """The pictures made smaller by a whole factor: averages over blocks of pixels, colours weighted by alpha. A rest at the border is cut off evenly.

        Alpha is that of the part of a pixel that is known.
        """
        check_integer("Views.reduced", "factor", factor, 1, min(self.image_size))
        if factor == 1:
            return self
        height, width = self.image_size
        h, w = height // factor, width // factor
        top, left = (height - h * factor) // 2, (width - w * factor) // 2
        inner = slice(None), slice(top, top + h * factor), slice(left, left + w * factor)
        alpha, known = self.alpha[inner], None
        if self.known is not None:
            known, alpha = _block_means(self.known[inner], factor), alpha * self.known[inner]
        mean_alpha = _block_means(alpha, factor)
        mean_color = _block_means(alpha[..., None] * self.color[inner], factor) / np.maximum(mean_alpha, 1e-6)[..., None]
        if known is not None:
            mean_alpha = mean_alpha / np.maximum(known, 1e-6)
        shrink = min(height, width) / (min(h, w) * factor)  # of the shorter side, by what is cut off
        off_centre = np.array([width - w * factor - 2 * left, -(height - h * factor - 2 * top)]) / (min(h, w) * factor)
        intrinsics = np.asarray(self.camera.intrinsics) * shrink + np.concatenate([[0.0, 0.0], off_centre])
        return Views(alpha=mean_alpha, color=mean_color, camera=replace(self.camera, intrinsics=intrinsics), names=self.names, known=known)

    def over_white(self) -> np.ndarray:
        """[N, H, W, 3]: the pictures laid over white."""
        return self.over((1.0, 1.0, 1.0))

    def over(self, background: Sequence[float] | np.ndarray) -> np.ndarray:
        """[N, H, W, 3]: the pictures laid over a colour [3]."""
        colour = as_numbers("Views.over", "background", background)
        check_shape("Views.over", "background", colour.shape, (3,))
        check_finite("Views.over", "background", colour)
        colour = colour.astype(self.color.dtype)
        return colour + self.alpha[..., None] * (self.color - colour)

    @classmethod
    def load(cls, folder: str | Path, split: str | None = None) -> "Views":
        """``Capture.open(folder, split).views()``: reads ``transforms_<split>.json``, or without a split ``transforms.json`` or what else `Capture.open` finds.

        What such a list says of cameras, for all frames or (which goes first) for each:

        * ``fl_x``, ``fl_y`` in pixels; or ``camera_angle_x``, ``camera_angle_y`` in radians; or instant-ngp's ``x_fov``, ``y_fov`` in degrees. One of x and y
          is enough. ``cx``, ``cy``; ``w``, ``h`` of a list may be another size of the same proportions, those of a frame are the size of its picture.
        * ``camera_model``: SIMPLE_PINHOLE, PINHOLE, SIMPLE_RADIAL, RADIAL, OPENCV, FULL_OPENCV, OPENCV_FISHEYE, SIMPLE_RADIAL_FISHEYE or RADIAL_FISHEYE,
          with k1, k2, p1, ... by name, or nerfstudio's ``distortion_params`` (k1, k2, k3, k4, p1, p2). Coefficients that are not zero, with no model or a
          pinhole, mean OPENCV, as in nerfstudio and instant-ngp. k4, k5 and k6 are OpenCV's, in the denominator, and want FULL_OPENCV (nerfstudio's k4 is
          another one, which COLMAP never makes).
        * instant-ngp's ``is_fisheye``: k1, k2, k3, k4 of a fisheye. It keeps k3 and k4 in the places of p1 and p2: these are taken where those are not given.
          Its orthographic, equirectangular, latlong and ftheta cameras are refused, as are coefficients that the lens does not have.
        * ``transform_matrix`` (four rows, or the first three) is a rotation and a translation; an even scale, which a picture does not show, is left out.

        A ``file_path`` without an ending is looked for as .png, .webp, .tif, .tiff, .jpg, .jpeg, .bmp and .tga, in small letters and capitals.

        Pictures are kept as they are, 16 bytes a pixel: each may have 2^28 pixels, if all of them fit into the memory that is free.

        Raises:
            FileNotFoundError: if the folder, its list of cameras or all pictures are missing; the sentence names them.
            ValueError: if the list, a picture or a mask is not what it should be.
            MemoryError: if the pictures do not fit into memory.

        Warns:
            UserWarning: that pictures are absent, which are left out; that camera_angle_x alone is told of pictures that are higher than wide.
        """
        return Capture.open(as_path("Views.load", "folder", folder), split).views()

    def _check_geometry(self, depth: np.ndarray | None, normals: np.ndarray | None) -> None:
        """What is to be saved beside the pictures, if anything is."""
        sizes = dict(zip("NHW", self.alpha.shape, strict=True))
        if depth is not None:
            check_array("Views.save", "depth", depth, ("N", "H", "W"), sizes)
            if not ((depth >= 0) & (depth <= DEEPEST)).all():
                raise ValueError(f"Views.save: depth must be from 0 to {DEEPEST:g} (16 bits of thousandths), got {depth.min():g} to {depth.max():g}")
        if normals is not None:
            check_array("Views.save", "normals", normals, ("N", "H", "W", 3), sizes)
            check_finite("Views.save", "normals", normals)

    def save(self, folder: str | Path, split: str | None = None, *, depth: np.ndarray | None = None, normals: np.ndarray | None = None) -> None:
        """Writes the pictures and ``transforms.json``, which `load`, nerfstudio and instant-ngp read, or ``transforms_<split>.json``, which `load` and NeRF's
        own loaders read; what is known, as pictures in ``known/``.

        Args:
            depth: [N, H, W] along the view axis, world units, 0 where there is nothing (`render_geometry`). Written beside each picture as
                ``<name>_depth.png``: 16 bits of grey, in thousandths of a unit. The list names it as nerfstudio does (``depth_file_path``, whose
                ``depth_unit_scale_factor`` is .001 by default), and as instant-ngp does (``depth_path``, ``integer_depth_scale``).
            normals: [N, H, W, 3] of length 1, world, zero where there is nothing. Written as ``<name>_normal.png``: x, y, z from -1 to 1 as red, green and blue
                from 0 to 255, transparent where there is nothing; ``normal_file_path`` in the list.

        Raises:
            ValueError: if a name, a size or the lens does not fit, or a depth is not from 0 to 65.535; nothing is written then.
        """
        folder = as_path("Views.save", "folder", folder)
        _check_split("Views.save", split)
        lens = self.camera.lens
        if lens not in COEFFICIENTS:
            raise ValueError(f"Views.save: the cameras must not be orthographic (the NeRF layout knows none), got {lens}")
        for name in self.names:
            if name in ("", ".", "..") or name != Path(name.replace("\\", "/")).name or "\0" in name:
                raise ValueError(f"Views.save: the names of pictures must be names of files, got {name!r}")
        if len(set(self.names)) < len(self.names):
            raise ValueError(f"Views.save: the names of pictures must differ, got {next(n for n in self.names if self.names.count(n) > 1)!r} more than once")
        self._check_geometry(depth, normals)
        names = COEFFICIENTS[lens]
        whole = lens is Lens.OPENCV and np.asarray(self.camera.distortion)[:, 4:].any()
        model = "FULL_OPENCV" if whole else {Lens.PERSPECTIVE: "PINHOLE", Lens.OPENCV: "OPENCV", Lens.FISHEYE: "OPENCV_FISHEYE"}[lens]
        pictures = folder / (split or "images")
        pictures.mkdir(parents=True, exist_ok=True)
        height, width = self.image_size
        matrices, k = self.camera.to_matrices((height, width))
        frames = []
        for i, name in enumerate(self.names):
            save_picture(pictures / f"{name}.png", np.concatenate([self.color[i], self.alpha[i][..., None]], -1))
            own = {"fl_x": k[i, 0, 0], "fl_y": k[i, 1, 1], "cx": k[i, 0, 2], "cy": k[i, 1, 2]}
            if self.known is not None:
                save_picture(folder / KNOWN / pictures.name / f"{name}.png", np.repeat(self.known[i][..., None], 3, -1))
            own |= {coefficient: float(self.camera.distortion[i, j]) for j, coefficient in enumerate(names)}
            if self.known is not None:
                own |= {"known_path": f"./{KNOWN}/{pictures.name}/{name}.png"}
            file = f"./{pictures.name}/{name}"
            if depth is not None:
                _save_depth(pictures / f"{name}_depth.png", depth[i])
                own |= {"depth_file_path": f"{file}_depth.png", "depth_path": f"{file}_depth.png"}
            if normals is not None:
                save_picture(pictures / f"{name}_normal.png", np.concatenate([0.5 + 0.5 * normals[i], normals[i].any(-1, keepdims=True)], -1))
                own |= {"normal_file_path": f"{file}_normal.png"}
            ending = ".png" if split is None else ""  # nerfstudio opens what is named; NeRF's loaders, which read splits, put .png behind it
            frames.append({"file_path": file + ending, "transform_matrix": np.linalg.inv(matrices[i]).tolist(), **own})
        described = {"camera_model": model, "camera_angle_x": 2 * np.arctan(width / 2 / k[0, 0, 0]), "w": width, "h": height}
        described |= {"integer_depth_scale": DEPTH_SCALE} if depth is not None else {}
        described |= {"frames": frames}
        with replacing(folder / ("transforms.json" if split is None else f"transforms_{split}.json")) as partial:
            partial.write_text(json.dumps(described, indent=1))


@dataclass(frozen=True, kw_only=True)
class Capture:
    """N pictures with cameras on disk. Made by `open`.

    Attributes:
        index: the file of cameras.
        names: what the pictures are called.
        paths: where they lie.
        sizes: [N, 2] (height, width) of each, as it is to be seen.
        camera: N cameras, each for the size of its own picture.
        masks: the file of each mask; None where the picture's own alpha is the mask, or there is none.
        known: for each, a file of the pixels that count, or None.
        orientations: as which of EXIF's a picture is turned when it is read; 1 leaves it as it is.
        transparent: [N] whether a picture has alpha.
        points: [P, 3] that structure from motion has found (COLMAP's), or None.
        sphere: (centre [3], radius) of where the object is, if the file of cameras says it (NeuS's), or None.
    """

    index: Path
    names: tuple[str, ...]
    paths: tuple[Path, ...]
    sizes: np.ndarray
    camera: Camera
    masks: tuple[Path | None, ...]
    known: tuple[Path | None, ...]
    orientations: tuple[int, ...]
    transparent: np.ndarray
    points: np.ndarray | None = None
    sphere: tuple[np.ndarray, float] | None = None

    def __len__(self) -> int:
        return len(self.names)

    @classmethod
    def open(cls, source: str | Path, split: str | None = None, *, masks: str | Path | None = None, segment: bool = False) -> "Capture":
        """Finds out what a folder, or a file of cameras, holds.

        * ``transforms.json``, or ``transforms_<split>.json``: NeRF's, nerfstudio's and instant-ngp's lists, see `Views.load`. With a split, of a
          ``transforms.json`` those pictures that its ``<split>_filenames`` names (nerfstudio's).
        * COLMAP's models, ``cameras``, ``images`` and ``points3D`` as ``.bin`` or ``.txt``, in the folder itself, ``sparse/0``, ``sparse`` or
          ``colmap/sparse/0``; the pictures in ``images`` beside, or where there is none, in the only folder beside that has one of such a name.
        * NeuS's, IDR's and DVR's ``cameras_sphere.npz`` or ``cameras.npz``, with ``image/`` and ``mask/``. The world is that of ``world_mat``, not the unit
          sphere.
        * Middlebury's ``*_par.txt``, with the pictures beside.

        **Masks** say 0 outside of the object and 255 inside; what lies between is soft. A mask of just three levels, 0, 128 and 255, is *unknown* at 128: such
        pixels count for nothing. A mask is, in this order: the picture in ``masks`` (this argument) with the name of the picture, whatever the ending, or with
        ``.png`` behind its whole name; the ``mask_path`` of its frame; the same in a folder ``masks`` or ``mask`` beside the picture, or beside its folder;
        the alpha of the picture. (nerfstudio's and COLMAP's own masks mean something else: what is black in them is not to be looked at, such as a passer-by,
        or the rim of a fisheye; white is not the object. One mask that is named for several frames is taken so.)

        **Names**: a picture that is not there as it is named is looked for in other letters (``A.JPG`` for ``a.jpg``); without the first folders, if the name
        is a whole path, as of another computer; and with another ending (of pictures whose background was taken away, ``a.png`` for ``a.jpg``), which is told.

        **Orientation**: a picture that EXIF turns is turned if the size that its cameras are told for says so, and else taken as it is stored, which is what
        COLMAP, nerfstudio and instant-ngp do.

        Args:
            source: the folder, or the file of cameras.
            split: of NeRF's and nerfstudio's lists, such as "train".
            masks: a folder of masks.
            segment: pictures without a mask get one, roughly, by rembg or else OpenCV's GrabCut. It is written into the folder ``masks``, where it can be
                looked at and corrected: what lies there is not made anew.

        Raises:
            FileNotFoundError: if there are no cameras, no pictures, or no mask where ``masks`` should have one.
            ValueError: if a file is not what it should be; the sentence names it.

        Warns:
            UserWarning: that pictures are absent, which are left out; that some have another ending than their names; that camera_angle_x alone is told of
                pictures that are higher than wide.
        """
        source = as_path(OPEN, "source", source)
        _check_split(OPEN, split)
        check_flag(OPEN, "segment", segment)
        folder = None if masks is None else as_path(OPEN, "masks", masks)
        if segment and folder is None:
            raise ValueError(f"{OPEN}: masks must be a folder to write the masks into that segment=True finds, got None")
        if folder is not None and not segment and not folder.is_dir():
            raise FileNotFoundError(f"{OPEN}: there is no folder of masks {folder}")
        capture = cls(**described(source, split, folder, partial=segment))
        return capture._segmented(folder) if segment and folder is not None else capture

    @property
    def mask_finders(self) -> tuple[str | None, ...]:
        """By what `open` has found each mask with ``segment``, "GrabCut" or "rembg (its model)": rough ones. None of masks that came with the pictures, and of
        those that somebody has corrected, and saved, since."""
        return tuple(None if mask is None else finder_of(mask) for mask in self.masks)

    def select(self, which: np.ndarray | list[int]) -> "Capture":
        """The pictures of the given numbers."""
        which = check_indices("Capture.select", "which", which, "pictures", len(self))
        chosen: dict[str, Any] = {name: tuple(getattr(self, name)[i] for i in which) for name in ("names", "paths", "masks", "known", "orientations")}
        return replace(self, sizes=self.sizes[which], camera=self.camera[which], transparent=self.transparent[which], **chosen)

    def views(self, size: int | None = None, which: np.ndarray | list[int] | None = None) -> Views:
        """Reads the pictures, all or those of the numbers ``which``.

        Pictures whose shorter side is longer than ``size`` are made smaller while they are read (means over areas, colours weighted by alpha), so that it is
        just that; None leaves them as they are. Pictures that then differ in size are put into the middle of one frame, as high and as wide as the highest and
        the widest of them; what lies around them is unknown.

        Raises:
            ValueError: if a picture has no mask, or a file is not what it should be.
            MemoryError: if the pictures do not fit into memory.
        """
        if size is not None:
            check_integer(READ, "size", size, 1, MAX_IMAGE_SIDE)
        chosen = self if which is None else self.select(check_indices(READ, "which", which, "pictures", len(self)))
        if not len(chosen):
            raise ValueError(f"{READ}: there must be at least one picture, got none")
        chosen._check_masked()
        windows = [Window.of(h, w, size) for h, w in chosen.sizes.tolist()]
        height, width = max(window.height for window in windows), max(window.width for window in windows)
        n_bytes, free = 16 * len(chosen) * height * width, free_memory()
        if n_bytes > free:
            raise MemoryError(f"{READ}: {len(chosen)} pictures of {height} x {width} pixels must fit into {free} free bytes, got {n_bytes}")
        alpha, color = np.zeros((len(chosen), height, width), np.float32), np.zeros((len(chosen), height, width, 3), np.float32)
        known: np.ndarray | None = None
        corners = []
        for i, window in enumerate(windows):
            top, left = (height - window.height) // 2, (width - window.width) // 2
            corners.append((top, left))
            place = (i, slice(top, top + window.height), slice(left, left + window.width))
            alpha[place], color[place], counts = chosen._read(i, window)
            if known is None and (counts is not None or (window.height, window.width) != (height, width)):
                known = np.zeros(alpha.shape, np.float32)
                for j in range(i):  # which all filled the frame
                    known[j] = 1
            if known is not None:
                known[place] = 1 if counts is None else counts
        if any(mask is not None for mask in chosen.masks):
            check_masks(READ, alpha, known)
        camera = _framed(chosen.camera, chosen.sizes, windows, corners, (height, width))
        return Views(alpha=alpha, color=color, camera=camera, names=chosen.names, known=known)

    def _segmented(self, folder: Path) -> "Capture":
        """With a mask in the folder for each picture that has none."""
        bare = [i for i in range(len(self)) if self.masks[i] is None and not self.transparent[i]]
        of_bare = self.select(bare)
        found = segmented(of_bare.paths, of_bare.names, of_bare.sizes, of_bare.orientations, of_bare.camera, self.points, self.sphere, folder) if bare else ()
        masks = list(self.masks)
        for i, mask in zip(bare, found, strict=True):
            masks[i] = mask
        return replace(self, masks=tuple(masks))

    def _check_masked(self) -> None:
        bare = [i for i in range(len(self)) if self.masks[i] is None and not self.transparent[i]]
        if bare:
            raise ValueError(
                f"{READ}: every picture must have an alpha channel or a mask (in masks/ beside the pictures, by a mask_path in their list, in a folder named "
                f"by masks or --masks, or found by segment or --segment), got none for {len(bare)} of {len(self)}, the first {self.paths[bare[0]]}"
            )

    def _read(self, i: int, window: Window) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
        """(alpha [h, w], color [h, w, 3], known [h, w] or None) of a picture through its window."""
        path, mask, orientation, size = self.paths[i], self.masks[i], self.orientations[i], (int(self.sizes[i, 0]), int(self.sizes[i, 1]))
        pitch, counts = 1, None
        if mask is None:
            color, alpha = read_transparent(f"{READ}: {path}", path, orientation)
        else:
            color, pitch = read_color(f"{READ}: {path}", path, orientation, window.step)
            alpha, counts = read_mask(f"{READ}: the mask {mask}", mask, size, orientation)
        counting = self.known[i]
        if counting is not None:
            also = read_mask(f"{READ}: the mask {counting}", counting, size, orientation)[0]
            counts = also if counts is None else counts * also
        if counts is not None:
            alpha = alpha * counts
        share = window.average(alpha)
        known = None if counts is None else window.average(counts)
        if window.step > 1:
            weight = alpha if pitch == 1 else Window(top=0, left=0, step=pitch, height=color.shape[0], width=color.shape[1]).average(alpha)
            color = window.average(color * weight, pitch) / np.maximum(window.average(weight, pitch), 1e-6)
        if known is not None:
            share = share / np.maximum(known, 1e-6)
        return share[..., 0], color, None if known is None else known[..., 0]


def save_picture(path: str | Path, picture: np.ndarray) -> None:
    """Writes [H, W, 3 or 4] numbers in [0, 1] as a PNG."""
    check_array("save_picture", "picture", picture, ("H", "W", "C"), {"C": 4 if np.shape(picture)[-1:] == (4,) else 3})
    check_finite("save_picture", "picture", picture)
    if picture.size == 0:
        raise ValueError(f"save_picture: picture must have at least one pixel, got shape {picture.shape}")
    path = as_path("save_picture", "path", path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as partial:
        Image.fromarray(np.round(np.clip(picture, 0, 1) * 255).astype(np.uint8)).save(partial)


def _block_means(pictures: np.ndarray, factor: int) -> np.ndarray:
    """[N, h, w, ...] of [N, h * factor, w * factor, ...]: the means of blocks of pixels. (By slices: NumPy takes long over axes as short as these.)"""
    rows = sum(pictures[:, i::factor] for i in range(1, factor)) + pictures[:, ::factor]
    return (sum(rows[:, :, i::factor] for i in range(1, factor)) + rows[:, :, ::factor]) / np.float32(factor**2)


def _save_depth(path: Path, depth: np.ndarray) -> None:
    """Writes [H, W] in 16 bits."""
    with replacing(path) as partial:
        Image.fromarray(np.round(depth / DEPTH_SCALE).astype(np.uint16)).save(partial)


def _check_split(op: str, split: object) -> None:
    """None, or a part of a file's name."""
    if split is None:
        return
    if not isinstance(split, str):
        raise TypeError(f"{op}: split must be text, or None, got {type(split).__name__}")
    if not split or split != Path(split.replace("\\", "/")).name or "\0" in split:
        raise ValueError(f"{op}: split must be a part of a file's name, got {split!r}")


def check_masks(op: str, alpha: np.ndarray, known: np.ndarray | None = None) -> None:
    """A silhouette has an inside and an outside, in some of the pictures; ``known`` as in `Views`."""
    check_unit(op, "the masks (alpha)", alpha)
    if not (alpha > 0).any():
        raise ValueError(f"{op}: the pictures must show something, got masks (alpha) that are all empty")
    seen = alpha if known is None else np.where(known > 0, alpha, np.nan)
    low, high = np.fmin.reduce(seen, (1, 2)), np.fmax.reduce(seen, (1, 2))
    if (~(low <= 0.5)).all() or (~(low != high)).all():
        found = f"{np.nanmin(low):.3g}" if np.nanmin(low) == np.nanmax(high) else f"{np.nanmin(low):.3g} to {np.nanmax(high):.3g}"
        raise ValueError(f"{op}: the masks (alpha) must leave the object's surroundings out, got {found} in every pixel of all {len(alpha)} pictures")


def scene_up(cameras: Capture | Views | Camera) -> np.ndarray:
    """[3], of length 1: which way is up in the world, by how the cameras were held.

    It is the mean of their up. Where that is short, for some stood on their heads, it is the axis that their up has in common but for its sign, which is the
    more frequent one; and where they all share what is right in their pictures, but share no up, these lie on their sides, and right is taken so.

    Raises:
        TypeError: if they are no cameras.
        ValueError: if there are none.
    """
    camera: Any = cameras if isinstance(cameras, Camera) else getattr(cameras, "camera", None)
    check_kind("scene_up", "cameras", cameras if camera is None else camera, Camera)
    if not len(camera):
        raise ValueError("scene_up: cameras must be at least one, got none")
    rotation = np.asarray(camera.camera_from_world, np.float64)[:, :, :3]
    check_finite("scene_up", "camera_from_world", rotation)
    ups, rights = rotation[:, 1], rotation[:, 0]
    shared = [np.linalg.eigvalsh(axes.T @ axes)[-1] / len(axes) for axes in (ups, rights)]
    on_side = shared[1] > ON_SIDE >= shared[0]
    mean = ups.mean(0)
    if on_side or np.linalg.norm(mean) < MANY_UP:
        axes = rights if on_side else ups
        mean = np.linalg.eigh(axes.T @ axes)[1][:, -1]
        mean = mean if np.sign(axes @ mean).sum() >= 0 else -mean
    return mean / np.linalg.norm(mean)


def _framed(camera: Camera, sizes: np.ndarray, windows: list[Window], corners: list[tuple[int, int]], size: tuple[int, int]) -> Camera:
    """The cameras of pictures that were made smaller through windows and put into a frame of the given size at these corners."""
    intrinsics = np.array(camera.intrinsics, np.float64)
    half = min(size) / 2
    for i, (window, (top, left)) in enumerate(zip(windows, corners, strict=True)):
        height, width = sizes[i].tolist()
        if window.step == 1 and (height, width) == size:
            continue
        fx, fy, cx, cy = intrinsics[i] * (min(height, width) / 2)
        column, row = (cx + width / 2 - window.left) / window.step + left, (height / 2 - cy - window.top) / window.step + top
        intrinsics[i] = np.array([fx / window.step, fy / window.step, column - size[1] / 2, size[0] / 2 - row]) / half
    return replace(camera, intrinsics=intrinsics)
