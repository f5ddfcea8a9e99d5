"""Pictures with cameras: folders in the NeRF-synthetic layout, in and out.

A folder holds ``transforms.json``, or ``transforms_train.json`` beside ``transforms_test.json``; RGBA PNGs whose alpha is the mask; and for each picture its
``transform_matrix``, camera to world in the OpenGL convention.
"""

import json
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from PIL import Image

from ..checks import MAX_IMAGE_SIDE, as_numbers, check_array, check_finite, check_image_size, check_indices, check_integer, check_kind, check_shape
from ..engine import MeshRenderer, Output, RenderedImage
from ..replacing import replacing
from ..runtime import free_memory
from ..scene import Camera, Lens, Mesh, RasterizeSettings, Silhouette, as_path, file_near, is_file, is_transparent, picture_file, pixels, read_json
from .transforms import COEFFICIENTS, intrinsics_of, lens_of, poses_of

__all__ = ["DEPTH_SCALE", "SHARP", "Views", "render_geometry", "render_views", "save_picture"]

PIXELS_AT_ONCE = 2**21  # rendered together: it bounds the memory
SHARP = RasterizeSettings(sigma=1e-7, gamma=1e-5, silhouette=Silhouette.HARD)
"""For pictures that people look at and results that are measured. Hard: two faces that leave half of a pixel each would otherwise leave a quarter together, and
the edges within a surface would show through it."""
DEPTH_SCALE = 1e-3  # world units: what one step of a saved depth means, as nerfstudio takes it unless told otherwise
DEEPEST = DEPTH_SCALE * (2**16 - 1)
AMBIENT, DIFFUSE = 0.35, 0.65  # of a lit picture: what comes from everywhere, and from the light
PICTURES = (".png", ".webp", ".tif", ".tiff", ".jpg", ".jpeg", ".bmp", ".tga")  # in this order, where a list leaves out the ending


@dataclass(frozen=True, kw_only=True)
class Views:
    """N pictures of one size and their cameras.

    Attributes:
        alpha: [N, H, W] float32 masks, 0 to 1.
        color: [N, H, W, 3] float32, 0 to 1; meaningless where alpha is 0.
        camera: N cameras.
        names: what the pictures are called.
    """

    alpha: np.ndarray
    color: np.ndarray
    camera: Camera
    names: tuple[str, ...]

    def __post_init__(self) -> None:
        sizes: dict[str, int] = {}
        check_array("Views", "alpha", self.alpha, ("N", "H", "W"), sizes)
        check_array("Views", "color", self.color, ("N", "H", "W", 3), sizes)
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
        return Views(alpha=self.alpha[which], color=self.color[which], camera=self.camera[which], names=tuple(self.names[i] for i in which))

    def reduced(self, factor: int) -> "Views":
        """The pictures made smaller by a whole factor: averages over blocks of pixels, colours weighted by alpha. A rest at the border is cut off evenly."""
        check_integer("Views.reduced", "factor", factor, 1, min(self.image_size))
        if factor == 1:
            return self
        n, height, width = self.alpha.shape
        h, w = height // factor, width // factor
        top, left = (height - h * factor) // 2, (width - w * factor) // 2
        alpha = self.alpha[:, top : top + h * factor, left : left + w * factor].reshape(n, h, factor, w, factor)
        color = self.color[:, top : top + h * factor, left : left + w * factor].reshape(n, h, factor, w, factor, 3)
        mean_alpha = alpha.mean((2, 4))
        mean_color = (alpha[..., None] * color).mean((2, 4)) / np.maximum(mean_alpha, 1e-6)[..., None]
        shrink = min(height, width) / (min(h, w) * factor)  # of the shorter side, by what is cut off
        off_centre = np.array([width - w * factor - 2 * left, -(height - h * factor - 2 * top)]) / (min(h, w) * factor)
        intrinsics = np.asarray(self.camera.intrinsics) * shrink + np.concatenate([[0.0, 0.0], off_centre])
        return Views(alpha=mean_alpha, color=mean_color, camera=replace(self.camera, intrinsics=intrinsics), names=self.names)

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
        """Reads ``transforms_<split>.json``, or ``transforms.json`` without a split, and its pictures.

        What is said of cameras, for all frames or (which goes first) for each:

        * ``fl_x``, ``fl_y`` in pixels; or ``camera_angle_x``, ``camera_angle_y`` in radians; or instant-ngp's ``x_fov``, ``y_fov`` in degrees. One of x and y
          is enough. ``cx``, ``cy``; ``w``, ``h`` of a list may be another size of the same proportions, those of a frame are the size of its picture.
        * ``camera_model``: SIMPLE_PINHOLE, PINHOLE, SIMPLE_RADIAL, RADIAL, OPENCV, FULL_OPENCV, OPENCV_FISHEYE, SIMPLE_RADIAL_FISHEYE or RADIAL_FISHEYE,
          with k1, k2, p1, ... by name, or nerfstudio's ``distortion_params`` (k1, k2, k3, k4, p1, p2). Coefficients that are not zero, with no model or a
          pinhole, mean OPENCV, as in nerfstudio and instant-ngp. k4, k5 and k6 are OpenCV's, in the denominator, and want FULL_OPENCV (nerfstudio's k4 is
          another one, which COLMAP never makes).
        * instant-ngp's ``is_fisheye``: k1, k2, k3, k4 of a fisheye. It keeps k3 and k4 in the places of p1 and p2: these are taken where those are not given.
          Its orthographic, equirectangular, latlong and ftheta cameras are refused, as are coefficients that the lens does not have.
        * ``transform_matrix`` is a rotation and a translation; an even scale, which a picture does not show, is left out.

        A ``file_path`` without an ending is looked for as .png, .webp, .tif, .tiff, .jpg, .jpeg, .bmp and .tga, in small letters and capitals.

        Pictures are kept as they are, 16 bytes a pixel: each may have 2^28 pixels, if all of them fit into the memory that is free.

        Raises:
            FileNotFoundError: if the folder, its list of cameras or a picture is missing; the sentence names it.
            ValueError: if the list or a picture is not what it should be.
            MemoryError: if the pictures do not fit into memory.
        """
        folder = as_path("Views.load", "folder", folder)
        _check_split("Views.load", split)
        index = folder / ("transforms.json" if split is None else f"transforms_{split}.json")
        if not is_file(index):
            raise FileNotFoundError(f"Views.load: there is no file {index}")
        described = read_json(f"Views.load: {index}", index)
        try:
            frames = described["frames"]
            matrices = np.array([frame["transform_matrix"] for frame in frames], np.float64)
            names = [str(frame["file_path"]) for frame in frames]
        except (ValueError, KeyError, TypeError, AttributeError, OverflowError) as error:
            raise ValueError(f"Views.load: {index} must list frames with file_path and transform_matrix, got {type(error).__name__}: {error}") from error
        if matrices.shape != (len(frames), 4, 4) or not len(frames):
            raise ValueError(f"Views.load: {index} must hold a 4 x 4 transform_matrix for each of at least one frame, got shape {matrices.shape}")
        matrices = poses_of(index, matrices)
        paths = [_picture(index, name) for name in names]
        rgba = _read_pictures(paths)
        height, width = rgba.shape[1:3]
        try:
            k = np.stack([intrinsics_of(index, described, frame, height, width) for frame in frames])
            lens, distortion = lens_of(index, [described | frame for frame in frames])
        except (TypeError, ValueError, OverflowError, ZeroDivisionError) as error:
            if str(error).startswith("Views.load"):
                raise
            raise ValueError(f"Views.load: the intrinsics in {index} must be numbers, got {type(error).__name__}: {error}") from error
        try:
            camera = Camera.from_matrices(np.linalg.inv(matrices), k, (height, width), lens=lens, distortion=distortion)
        except ValueError as error:
            raise ValueError(f"Views.load: {index} must hold good cameras: {str(error).split(': ', 1)[-1]}") from error
        return cls(alpha=rgba[..., 3], color=rgba[..., :3], camera=camera, names=tuple(path.stem for path in paths))

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
        """Writes the pictures and ``transforms[_<split>].json``, which `load` and NeRF's own loaders read.

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
            own |= {coefficient: float(self.camera.distortion[i, j]) for j, coefficient in enumerate(names)}
            file = f"./{pictures.name}/{name}"
            if depth is not None:
                _save_depth(pictures / f"{name}_depth.png", depth[i])
                own |= {"depth_file_path": f"{file}_depth.png", "depth_path": f"{file}_depth.png"}
            if normals is not None:
                save_picture(pictures / f"{name}_normal.png", np.concatenate([0.5 + 0.5 * normals[i], normals[i].any(-1, keepdims=True)], -1))
                own |= {"normal_file_path": f"{file}_normal.png"}
            frames.append({"file_path": file, "transform_matrix": np.linalg.inv(matrices[i]).tolist(), **own})
        described = {"camera_model": model, "camera_angle_x": 2 * np.arctan(width / 2 / k[0, 0, 0]), "w": width, "h": height}
        described |= {"integer_depth_scale": DEPTH_SCALE} if depth is not None else {}
        described |= {"frames": frames}
        with replacing(folder / ("transforms.json" if split is None else f"transforms_{split}.json")) as partial:
            partial.write_text(json.dumps(described, indent=1))


def render_views(
    mesh: Mesh,
    camera: Camera,
    image_size: tuple[int, int],
    names: tuple[str, ...],
    settings: RasterizeSettings = SHARP,
    samples: int = 4,
    light: Sequence[float] | np.ndarray | None = None,
) -> Views:
    """The mesh through each camera, antialiased: rendered ``samples`` times larger and averaged.

    Args:
        light: [3] or [N, 3] where to, from the mesh, a light stands (world, any length), for all cameras or for each: colours are then those of the mesh times
            .35 + .65 max(n.l, 0), n turned to the eye. None: the colours of the mesh as they are.
    """
    op = "render_views"
    _check_scene(op, mesh, camera)
    image_size = check_image_size(op, image_size)
    check_kind(op, "settings", settings, RasterizeSettings)
    check_integer(op, "samples", samples, 1, MAX_IMAGE_SIDE // max(image_size))
    if len(names) != len(camera):
        raise ValueError(f"{op}: there must be as many names as cameras, {len(camera)}, got {len(names)}")
    towards = None if light is None else _directions(op, light, len(camera))
    parts = []
    large = (image_size[0] * samples, image_size[1] * samples)
    for which, image in _pictures(mesh, camera, large, settings, () if towards is None else SURFACE):
        color = image.color
        if towards is not None:
            cosine = np.einsum("nhwk,nk->nhw", _normals_seen(mesh, camera[which], image), towards[which])
            color = color * (AMBIENT + DIFFUSE * np.maximum(cosine, 0))[..., None]
        parts.append(Views(alpha=image.alpha, color=color, camera=camera[which], names=names[which]).reduced(samples))
    return Views(alpha=np.concatenate([p.alpha for p in parts]), color=np.concatenate([p.color for p in parts]), camera=camera, names=names)


def render_geometry(mesh: Mesh, camera: Camera, image_size: tuple[int, int], settings: RasterizeSettings = SHARP) -> tuple[np.ndarray, np.ndarray]:
    """What the centre of each pixel sees, not averaged: a mean of two depths would be where nothing is.

    Returns:
        [N, H, W] float32 depth along the view axis, world units, and [N, H, W, 3] float32 normals of length 1 (those at the vertices, interpolated), world,
        turned to the eye; both zero where there is nothing.
    """
    op = "render_geometry"
    _check_scene(op, mesh, camera)
    image_size = check_image_size(op, image_size)
    check_kind(op, "settings", settings, RasterizeSettings)
    depths, normals = [], []
    for which, image in _pictures(mesh, camera, image_size, settings, SURFACE):
        seen = image.alpha > 0.5
        depths.append(np.where(seen, image.depth, 0).astype(np.float32))
        normals.append(np.where(seen[..., None], _normals_seen(mesh, camera[which], image), 0).astype(np.float32))
    return np.concatenate(depths), np.concatenate(normals)


def _check_scene(op: str, mesh: Mesh, camera: Camera) -> None:
    check_kind(op, "mesh", mesh, Mesh)
    check_kind(op, "camera", camera, Camera)


def _directions(op: str, light: Sequence[float] | np.ndarray, n: int) -> np.ndarray:
    """[n, 3] of length 1."""
    given = as_numbers(op, "light", light).astype(np.float64)
    check_shape(op, "light", given.shape, (3,) if given.ndim < 2 else ("N", 3), {"N": n})
    check_finite(op, "light", given)
    length = np.linalg.norm(given, axis=-1, keepdims=True)
    if not length.all():
        raise ValueError(f"{op}: light must have a length, got (0, 0, 0)")
    return np.broadcast_to(given / length, (n, 3))


SURFACE = (Output.NORMALS, Output.FACE_ID)


def _pictures(
    mesh: Mesh, camera: Camera, image_size: tuple[int, int], settings: RasterizeSettings, outputs: Collection[Output]
) -> Iterator[tuple[slice, RenderedImage]]:
    """The mesh through as many cameras at once as `PIXELS_AT_ONCE` allows: which, and what they see."""
    render = MeshRenderer(mesh, image_size, settings)
    at_once = max(1, PIXELS_AT_ONCE // (image_size[0] * image_size[1]))
    for i in range(0, len(camera), at_once):
        which = slice(i, i + at_once)
        yield which, render(camera[which], outputs=outputs)


def _normals_seen(mesh: Mesh, camera: Camera, image: RenderedImage) -> np.ndarray:
    """[N, H, W, 3] of length 1, turned where the side of the face is seen from which its normal points away; zero where there is nothing."""
    normals = image.normals / np.maximum(np.linalg.norm(image.normals, axis=-1, keepdims=True), 1e-10)
    a, b, c = (mesh.vertices[mesh.faces[:, i]].astype(np.float64) for i in range(3))
    upwards = np.cross(b - a, c - a)  # [F, 3]
    eyeless = camera.lens is Lens.ORTHOGRAPHIC
    away = camera.camera_from_world[:, 2, :3] @ upwards.T < 0 if eyeless else camera.eye @ upwards.T < (upwards * a).sum(1)  # [N, F]
    turned = away[np.arange(len(camera))[:, None, None], np.maximum(image.face_id, 0)]
    i, row, column = np.nonzero((image.face_id < 0) & (image.alpha > 0))  # on an edge between faces, or beside one: no face has the pixel inside
    turned[i, row, column] = (normals[i, row, column] * _rays(camera, i, row, column, image.alpha.shape[1:])).sum(-1) > 0
    return np.where(turned[..., None], -normals, normals)


def _rays(camera: Camera, i: np.ndarray, row: np.ndarray, column: np.ndarray, image_size: tuple[int, int]) -> np.ndarray:
    """[P, 3] world: which way the cameras ``i`` look through the centres of pixels, the bending of lenses left aside."""
    (height, width), half = image_size, min(image_size) / 2
    rays = np.stack([(column + 0.5 - width / 2) / half, (height / 2 - row - 0.5) / half, -np.ones(len(i))], 1)
    fx, fy, cx, cy = np.asarray(camera.intrinsics)[i].T
    rays[:, :2] = 0 if camera.lens is Lens.ORTHOGRAPHIC else np.stack([(rays[:, 0] - cx) / fx, (rays[:, 1] - cy) / fy], 1)
    return np.einsum("pk,pkl->pl", rays, np.asarray(camera.camera_from_world)[i, :, :3])


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


def _picture(index: Path, name: str) -> Path:
    """NeRF's lists leave out the ending."""
    endings = [""] if name.lower().endswith(PICTURES) else ["", *PICTURES, *(ending.upper() for ending in PICTURES)]
    for ending in endings:
        found = file_near(f"Views.load: the pictures of {index}", index, name + ending)
        if found is not None:
            return found
    missing = f"{name}{PICTURES[0]} (nor {', '.join(PICTURES[1:])})" if len(endings) > 1 else name
    raise FileNotFoundError(f"Views.load: there is no picture {index.parent / missing}")


def _read_pictures(paths: list[Path]) -> np.ndarray:
    """[N, H, W, 4] of pictures of one size."""
    rgba = np.zeros((0, 0, 0, 4), np.float32)
    for i, path in enumerate(paths):
        with picture_file(f"Views.load: {path}", path, path.name) as picture:
            if not is_transparent(picture):
                raise ValueError(f"Views.load: {path} must have an alpha channel (it is the mask), got {picture.mode}")
            size = (picture.height, picture.width)
            if i == 0:
                n_bytes, free = 16 * len(paths) * size[0] * size[1], free_memory()
                if n_bytes > free:
                    raise MemoryError(f"Views.load: {len(paths)} pictures of {size[0]} x {size[1]} pixels must fit into {free} free bytes, got {n_bytes}")
                rgba = np.empty((len(paths), *size, 4), np.float32)
            if size != rgba.shape[1:3]:
                raise ValueError(f"Views.load: all pictures must have the size of the first, {rgba.shape[1:3]}, got {size} in {path}")
            rgba[i] = pixels(f"Views.load: {path}", path.name, picture, "RGBA")
    return rgba
