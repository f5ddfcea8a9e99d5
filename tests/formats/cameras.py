"""Lists of cameras (``transforms.json``): what the makers of such lists can say, and what `Views.load` makes of it."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from taichi_softras import Camera, Lens
from taichi_softras.recover import Capture, Views

from . import Row
from .builders import png

__all__ = ["LISTS", "MAKERS", "of_others", "of_pictures", "rows"]

MAKERS = ("NeRF", "nerfstudio, COLMAP", "instant-ngp", "written by us")
LISTS = ("`transforms.json`", "COLMAP", "NeuS, IDR, DVR", "Middlebury")
SIZE = (12, 20)
K = {"fl_x": 30.0, "fl_y": 32.0, "cx": 11.0, "cy": 5.0}
ORDER = {Lens.PERSPECTIVE: (), Lens.OPENCV: ("k1", "k2", "p1", "p2", "k3", "k4", "k5", "k6"), Lens.FISHEYE: ("k1", "k2", "k3", "k4")}


def listed(frame: dict[str, Any] | None = None, **said: Any) -> Callable[[Path], Camera]:
    """The camera of a list of one frame."""

    def make(folder: Path) -> Camera:
        (folder / "a.png").write_bytes(png(np.arange(SIZE[0] * SIZE[1] * 4).reshape(*SIZE, 4) % 250))
        frames = [{"file_path": "a", "transform_matrix": np.eye(4).tolist()} | (frame or {})]
        (folder / "transforms.json").write_text(json.dumps({"frames": frames} | said))
        return Views.load(folder).camera

    return make


def written(lens: Lens, **coefficients: float) -> Callable[[Path], Camera]:
    """The camera of a list that we have written."""

    def make(folder: Path) -> Camera:
        k = np.array([[K["fl_x"], 0, K["cx"]], [0, K["fl_y"], K["cy"]], [0, 0, 1]])
        distortion = np.array([[coefficients.get(name, 0.0) for name in ORDER[lens]]]) if ORDER.get(lens) else None
        camera = Camera.from_matrices(np.eye(4)[None], k[None], SIZE, lens=lens, distortion=distortion)
        Views(alpha=np.ones((1, *SIZE)) * 0.5, color=np.ones((1, *SIZE, 3)), camera=camera, names=("a",)).save(folder)
        return Views.load(folder).camera

    return make


def orthographic(folder: Path) -> Camera:
    camera = Camera.orbit(orthographic_height=2.0)
    Views(alpha=np.ones((1, *SIZE)) * 0.5, color=np.ones((1, *SIZE, 3)), camera=camera, names=("a",)).save(folder)
    return Views.load(folder).camera


def seen(lens: Lens = Lens.PERSPECTIVE, k: dict[str, float] | None = None, words: str = "read", **coefficients: float) -> Callable[[Camera], str]:
    """Judges by the lens, its coefficients and the intrinsics."""
    k = K | (k or {})

    def judge(camera: Camera) -> str:
        assert camera.lens is lens, f"{camera.lens}"
        expected = [coefficients.get(name, 0.0) for name in ORDER[lens]]
        assert camera.distortion is None if not expected else np.allclose(camera.distortion, expected), f"{camera.distortion}"
        found = camera.to_matrices(SIZE)[1][0]
        assert np.allclose(found, [[k["fl_x"], 0, k["cx"]], [0, k["fl_y"], k["cy"]], [0, 0, 1]]), f"{found.tolist()}"
        return words

    return judge


def rows() -> Iterator[Row]:
    middle = {"cx": 10.0, "cy": 6.0}
    square = middle | {"fl_x": 30.0, "fl_y": 30.0}
    nerf, studio, ngp, ours = MAKERS
    angle = 2 * np.arctan(10 / 30)
    radial, opencv = {"k1": 0.1}, {"k1": 0.1, "k2": 0.02, "p1": 0.003, "p2": 0.004}
    full = opencv | {"k3": 0.03, "k4": 0.04, "k5": 0.05, "k6": 0.06}
    fisheye = {"k1": 0.1, "k2": 0.02, "k3": 0.003, "k4": 0.0004}
    yield Row(
        feature="pinhole",
        judge=lambda camera: "read",
        files={nerf: judged(listed(camera_angle_x=angle), seen(k=square)), studio: judged(listed(camera_model="PINHOLE", **K), seen())}
        | {ngp: judged(listed(**K, k1=0, k2=0, p1=0, p2=0, is_fisheye=False, aabb_scale=4), seen()), ours: judged(written(Lens.PERSPECTIVE), seen())},
    )
    yield Row(
        feature="pinhole, one focal length",
        judge=seen(k=square),
        files={studio: listed(camera_model="SIMPLE_PINHOLE", fl_x=30.0), ngp: listed(fl_x=30.0)},
        none=(nerf, ours),
    )
    tall = middle | {"fl_x": 6 / np.tan(0.25), "fl_y": 6 / np.tan(0.25)}
    yield Row(feature="angle in y alone", judge=seen(k=tall), files={name: listed(camera_angle_y=0.5) for name in (nerf, studio, ngp)}, none=(ours,))
    degrees = middle | {"fl_x": 10 / np.tan(np.radians(20)), "fl_y": 6 / np.tan(np.radians(15))}
    yield Row(feature="angles in degrees", judge=seen(k=degrees), files={ngp: listed(x_fov=40, y_fov=30)}, none=(nerf, studio, ours))
    yield Row(feature="intrinsics of each frame", judge=seen(), files={studio: listed(frame=K, fl_x=1.0), ngp: listed(frame=K, fl_x=1.0)}, none=(nerf, ours))
    twice = {name: 2 * value for name, value in K.items()} | {"w": 40, "h": 24}
    yield Row(
        feature="numbers for pictures twice as large",
        judge=seen(words="read, scaled"),
        files={studio: listed(**twice), ngp: listed(**twice)},
        none=(nerf, ours),
    )
    yield Row(
        feature="the same of a frame",
        judge=seen(),
        files={studio: listed(frame=twice), ngp: listed(frame=twice)},
        none=(nerf, ours),
    )
    for model, lens, given in (
        ("SIMPLE_RADIAL", Lens.OPENCV, radial),
        ("RADIAL", Lens.OPENCV, {"k1": 0.1, "k2": 0.02}),
        ("OPENCV", Lens.OPENCV, opencv),
        ("FULL_OPENCV", Lens.OPENCV, full),
        ("SIMPLE_RADIAL_FISHEYE", Lens.FISHEYE, radial),
        ("RADIAL_FISHEYE", Lens.FISHEYE, {"k1": 0.1, "k2": 0.02}),
        ("OPENCV_FISHEYE", Lens.FISHEYE, fisheye),
    ):
        of_ngp = listed(**K, **{{"k3": "p1", "k4": "p2"}.get(name, name): value for name, value in given.items()}, is_fisheye=True)
        of_ngp = of_ngp if lens is Lens.FISHEYE else listed(**K, **given)
        yield Row(
            feature=f"`{model}`",
            judge=seen(lens, **given),
            files={studio: listed(camera_model=model, **K, **given), ours: written(lens, **given)} | ({} if model == "FULL_OPENCV" else {ngp: of_ngp}),
            none=(nerf, ngp) if model == "FULL_OPENCV" else (nerf,),
        )
    params = [0.1, 0.02, 0.03, 0.0, 0.003, 0.004]
    yield Row(
        feature="`distortion_params`",
        judge=seen(Lens.OPENCV, k1=0.1, k2=0.02, k3=0.03, p1=0.003, p2=0.004),
        files={studio: listed(camera_model="OPENCV", **K, distortion_params=params)},
        none=(nerf, ngp, ours),
    )
    yield Row(feature="k4 of nerfstudio's own OPENCV", judge=seen(), files={studio: listed(camera_model="OPENCV", **K, k4=0.1)}, none=(nerf, ngp, ours))
    for model in ("THIN_PRISM_FISHEYE", "FOV", "EQUIRECTANGULAR", "ORTHOPHOTO"):
        yield Row(feature=f"`{model}`", judge=seen(), files={studio: listed(camera_model=model, **K)}, none=(nerf, ngp, ours))
    for key, value in (("orthographic", True), ("equirectangular", True), ("latlong", True), ("ftheta_p0", 0.1)):
        yield Row(feature=f"`{key}`", judge=seen(), files={ngp: listed(**K, **{key: value})}, none=(nerf, studio, ours))
    yield Row(feature="orthographic", judge=seen(), files={ours: orthographic}, none=(nerf, studio, ngp))
    scaled = (np.eye(4) * [2, 2, 2, 1]).tolist()
    yield Row(
        feature="poses that also scale",
        judge=seen(words="read, without the scale"),
        files={name: listed(frame={"transform_matrix": scaled}, **K) for name in (studio, ngp)},
        none=(nerf, ours),
    )
    mirrored = np.diag([1.0, 1, -1, 1]).tolist()
    yield Row(
        feature="poses that mirror",
        judge=seen(),
        files={name: listed(frame={"transform_matrix": mirrored}, **K) for name in (studio, ngp)},
        none=(nerf, ours),
    )


def judged(make: Callable[[Path], Camera], judge: Callable[[Camera], str]) -> Callable[[Path], Camera]:
    """For a row whose makers mean different numbers."""

    def checked(folder: Path) -> Camera:
        camera = make(folder)
        judge(camera)
        return camera

    return checked


# ---- lists of every kind, and the pictures that they name ----------------------------------------------------------------------------------------------------


def beside(name: str, texts: dict[str, str], encoding: str = "utf-8") -> Callable[[Path], Camera]:
    """The camera of a picture ``name`` with alpha, and of the texts beside it."""

    def make(folder: Path) -> Camera:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(png(np.arange(SIZE[0] * SIZE[1] * 4).reshape(*SIZE, 4) % 250))
        for file, text in texts.items():
            (folder / file).write_bytes(text.encode(encoding))
        return Views.load(folder).camera

    return make


def texts_of(name: str) -> dict[str, dict[str, str]]:
    """What each kind of list says of the picture ``name``."""
    k = f"30 0 {K['cx'] - 0.5} 0 32 {K['cy'] - 0.5} 0 0 1"  # from the centre of the first pixel
    return {
        LISTS[0]: {"transforms.json": json.dumps(K | {"frames": [{"file_path": name, "transform_matrix": np.diag([1.0, -1, -1, 1]).tolist()}]})},
        LISTS[1]: {"cameras.txt": f"1 PINHOLE {SIZE[1]} {SIZE[0]} 30 32 11 5\n", "images.txt": f"1 1 0 0 0 0 0 0 1 {name}\n\n"},
        LISTS[3]: {"m_par.txt": f"1\n{name} {k} 1 0 0 0 1 0 0 0 1 0 0 0\n"},
    }


def arrays(**matrices: np.ndarray) -> Callable[[Path], Camera]:
    """The camera of ``cameras.npz``, with a picture in ``image/``."""

    def make(folder: Path) -> Camera:
        np.savez(folder / "cameras.npz", **matrices)
        return beside("image/a.png", {})(folder)

    return make


def of_pictures() -> Iterator[Row]:
    nerf, colmap, neus, middlebury = LISTS

    def whole(camera: Camera, words: str = "read") -> str:
        np.testing.assert_allclose(camera.camera_from_world, np.diag([1.0, -1, -1, 1])[None, :3], atol=1e-12)
        return seen(words=words)(camera)

    to_pixels = np.array([[30, 0, K["cx"] - 0.5, 0], [0, 32, K["cy"] - 0.5, 0], [0, 0, 1, 0], [0, 0, 0, 1.0]])
    across = np.array([[2 / SIZE[1], 0, -1, 0], [0, 2 / SIZE[0], -1, 0], [0, 0, 1, 0], [0, 0, 0, 1.0]])
    yield Row(
        feature="a projection to pixels",
        judge=whole,
        files={neus: arrays(world_mat_0=to_pixels), middlebury: beside("a.png", texts_of("a.png")[middlebury])},
        none=(nerf, colmap),
    )
    to_borders = across @ (to_pixels + np.array([[0, 0, 0.5, 0], [0, 0, 0.5, 0], [0] * 4, [0] * 4]))
    yield Row(
        feature="a pose, and a projection to -1 .. 1",
        judge=whole,
        files={neus: arrays(world_mat_0=np.eye(4), camera_mat_0=to_borders)},
        none=(nerf, colmap, middlebury),
    )
    for feature, name, path, encoding in (
        ("a byte order mark", "a.png", "a.png", "utf-8-sig"),
        ("UTF-16", "a.png", "a.png", "utf-16"),
        ("names in other letters", "A.PNG", "a.png", "utf-8"),
        ("whole paths of another computer", "/home/of/somebody/images/a.png", "images/a.png", "utf-8"),
        ("names with another ending than their files", "a.jpg", "a.png", "utf-8"),
    ):
        files = {kind: beside(path, texts, encoding) for kind, texts in texts_of(name).items()}
        yield Row(feature=feature, judge=whole, files=files, none=(neus,))


def of_others() -> Iterator[tuple[str, Callable[[Path], Capture]]]:
    """Files of cameras that are not read at all."""

    def opened(name: str) -> Callable[[Path], Capture]:
        def make(folder: Path) -> Capture:
            (folder / name).touch()
            return Capture.open(folder / name)

        return make

    for ending in ("sfm", "xml"):
        yield f".{ending}", opened(f"m.{ending}")
