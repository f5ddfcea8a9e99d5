"""Pictures with cameras as people bring them: the same object through every reader, masks, orientation, sizes, absent and damaged files, masks that are found.

Plan: three pictures of random pixels and their cameras, of 8 bits, are written in each maker's own layout (COLMAP's by COLMAP itself, pycolmap, where it is
installed, and by the bytes of its description otherwise); what is read must be the same to 1e-6. Then each thing that can differ, alone.
"""

import io
import json
import shutil
import struct
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from PIL import Image, ImageOps

from taichi_softras import Camera, Convention, Lens, Mesh
from taichi_softras.app import fitting, main
from taichi_softras.recover import Capture, Views, render_views, scene_up, segment
from taichi_softras.recover.pixels import Window, turned

HEIGHT, WIDTH, N = 12, 20, 3
TO_PIXELS = np.array([[30, 0, 10, 0], [0, 30, 6, 0], [0, 0, 1, 3], [0, 0, 0, 1.0]])
POSES = {f"world_mat_{i}": np.eye(4) for i in range(N)}
OPENCV_MODELS = {
    "SIMPLE_RADIAL": (-0.05,),
    "RADIAL": (-0.05, 0.01),
    "OPENCV": (-0.05, 0.01, 1e-3, -2e-3),
    "FULL_OPENCV": (-0.05, 0.01, 1e-3, -2e-3, 3e-3, 4e-3, 5e-3, 6e-3),
}
FISHEYE_MODELS = {"SIMPLE_RADIAL_FISHEYE": (0.02,), "RADIAL_FISHEYE": (0.02, -0.01), "OPENCV_FISHEYE": (0.02, -0.01, 3e-3, -4e-3), "FISHEYE": ()}
NUMBERS = {"PINHOLE": 1, "SIMPLE_PINHOLE": 0, "SIMPLE_RADIAL": 2, "RADIAL": 3, "OPENCV": 4, "OPENCV_FISHEYE": 5, "FULL_OPENCV": 6, "FOV": 7}


def views_of(model: str = "PINHOLE") -> Views:
    """Random pixels, seen by cameras of a model of COLMAP's."""
    rng = np.random.default_rng(0)
    camera = Camera.orbit(3.0, [10.0, -40.0, 5.0], [20.0, 140.0, 260.0], fov=50)
    k = np.array([[31.0, 0, 10.25], [0, 31.0 if model.startswith("SIMPLE") or model.startswith("RADIAL") else 33.0, 5.5], [0, 0, 1]])
    lens = Lens.FISHEYE if model in FISHEYE_MODELS else Lens.OPENCV if model in OPENCV_MODELS else Lens.PERSPECTIVE
    distortion = None
    if lens is not Lens.PERSPECTIVE:
        distortion = np.zeros(8 if lens is Lens.OPENCV else 4)
        given = (OPENCV_MODELS | FISHEYE_MODELS)[model]
        distortion[: len(given)] = given
    camera = Camera.from_matrices(camera.camera_from_world, k, (HEIGHT, WIDTH), lens=lens, distortion=distortion)
    rgba = rng.integers(0, 256, (N, HEIGHT, WIDTH, 4)).astype(np.float32) / 255
    return Views(alpha=rgba[..., 3], color=rgba[..., :3], camera=camera, names=tuple(f"r_{i}" for i in range(N)))


def eight_bits(values: np.ndarray) -> np.ndarray:
    return np.round(values * 255).astype(np.uint8)


def save_rgb(views: Views, folder: Path, masks: Path | None, ending: str = ".png", mask_ending: str = ".png") -> None:
    """The pictures without alpha, and their masks."""
    folder.mkdir(parents=True, exist_ok=True)
    for i, name in enumerate(views.names):
        Image.fromarray(eight_bits(views.color[i])).save(folder / (name + ending))
        if masks is not None:
            masks.mkdir(parents=True, exist_ok=True)
            Image.fromarray(eight_bits(views.alpha[i])).save(masks / (name + mask_ending))


def opencv(views: Views) -> tuple[np.ndarray, np.ndarray]:
    return views.camera.to_matrices((HEIGHT, WIDTH), convention=Convention.OPENCV)


def write_nerf(views: Views, folder: Path) -> Path:
    """Its names have no endings."""
    views.save(folder)
    without_endings(folder / "transforms.json")
    return folder


def without_endings(index: Path) -> None:
    index.write_text(index.read_text().replace('.png"', '"'))


def write_nerfstudio(views: Views, folder: Path) -> Path:
    save_rgb(views, folder / "images", folder / "silhouettes")
    matrices, k = views.camera.to_matrices((HEIGHT, WIDTH))
    told = {"camera_model": "OPENCV", "fl_x": k[0, 0, 0], "fl_y": k[0, 1, 1], "cx": k[0, 0, 2], "cy": k[0, 1, 2], "w": WIDTH, "h": HEIGHT, "k1": 0.0, "p1": 0.0}
    frames = [
        {"file_path": f"images/{name}.png", "mask_path": f"silhouettes/{name}.png", "transform_matrix": np.linalg.inv(matrix).tolist()}
        for name, matrix in zip(views.names, matrices, strict=True)
    ]
    (folder / "transforms.json").write_text(json.dumps(told | {"frames": frames, "applied_transform": np.eye(4)[:3].tolist()}))
    return folder


def parameters(views: Views, model: str) -> list[float]:
    k = opencv(views)[1][0]
    focal = [k[0, 0]] if model.startswith("SIMPLE") or model.startswith("RADIAL") else [k[0, 0], k[1, 1]]
    return [*focal, k[0, 2], k[1, 2], *(OPENCV_MODELS | FISHEYE_MODELS).get(model, ())]


def quaternion(rotation: np.ndarray) -> np.ndarray:
    from scipy.spatial.transform import Rotation

    return Rotation.from_matrix(rotation).as_quat()[[3, 0, 1, 2]]


def binary_model(views: Views, model: str = "PINHOLE", points: np.ndarray | None = None) -> dict[str, bytes]:
    """cameras.bin, images.bin and points3D.bin, by their description; pictures in another order than that of their names, one of them with points seen."""
    camera = struct.pack("<QIiQQ", 1, 7, NUMBERS[model], WIDTH, HEIGHT) + struct.pack(f"<{len(parameters(views, model))}d", *parameters(views, model))
    images = struct.pack("<Q", len(views))
    for i in reversed(range(len(views))):
        matrix = opencv(views)[0][i]
        seen = struct.pack("<Q", 2) + struct.pack("<ddq", 1.0, 2.0, 1) * 2 if i == 1 else struct.pack("<Q", 0)
        images += struct.pack("<I7dI", i + 1, *quaternion(matrix[:3, :3]), *matrix[:3, 3], 7) + f"{views.names[i]}.png".encode() + b"\0" + seen
    points = np.zeros((0, 3)) if points is None else points
    told = struct.pack("<Q", len(points)) + b"".join(struct.pack("<Q3d3BdQ", i, *point, 1, 2, 3, 0.5, 1) + bytes(8) for i, point in enumerate(points))
    return {"cameras.bin": camera, "images.bin": images, "points3D.bin": told}


def write_colmap_bytes(views: Views, folder: Path, points: np.ndarray | None = None) -> Path:
    save_rgb(views, folder / "images", folder / "masks", mask_ending=".png.png")
    (folder / "sparse" / "0").mkdir(parents=True)
    for name, content in binary_model(views, points=points).items():
        (folder / "sparse" / "0" / name).write_bytes(content)
    for name in ("rigs.bin", "frames.bin"):  # from 3.12 on
        (folder / "sparse" / "0" / name).write_bytes(b"not looked at")
    return folder


def write_colmap_text(views: Views, folder: Path, model: str = "PINHOLE") -> Path:
    save_rgb(views, folder / "images", folder / "masks")
    lines = ["# Image list", ""]
    for i, matrix in enumerate(opencv(views)[0]):
        numbers = " ".join(repr(float(value)) for value in (*quaternion(matrix[:3, :3]), *matrix[:3, 3]))
        lines += [f"{i + 1} {numbers} 7 {views.names[i]}.png", "" if i != 1 else "1.0 2.0 1 3.0 4.0 -1"]
    (folder / "images.txt").write_text("\n".join(lines))
    told = " ".join(repr(float(value)) for value in parameters(views, model))
    (folder / "cameras.txt").write_text(f"# Camera list\n7 {model} {WIDTH} {HEIGHT} {told}\n")
    (folder / "points3D.txt").write_text("# points\n1 0.5 0.25 0.125 1 2 3 0.1 1 0 2 0\n")
    return folder


def write_pycolmap(views: Views, folder: Path, model: str, binary: bool) -> Path:
    pycolmap = pytest.importorskip("pycolmap")
    save_rgb(views, folder / "images", folder / "masks")
    model_folder = folder / "sparse" / "0"
    model_folder.mkdir(parents=True)
    made = pycolmap.Reconstruction()
    made.add_camera_with_trivial_rig(pycolmap.Camera(model=model, width=WIDTH, height=HEIGHT, params=parameters(views, model), camera_id=1))
    for i, matrix in enumerate(opencv(views)[0]):
        pose = pycolmap.Rigid3d(pycolmap.Rotation3d(matrix[:3, :3]), matrix[:3, 3])
        made.add_image_with_trivial_frame(pycolmap.Image(name=f"{views.names[i]}.png", camera_id=1, image_id=i + 1), pose)
    made.add_point3D(np.array([0.5, 0.25, 0.125]), pycolmap.Track(), np.array([1, 2, 3], np.uint8))
    (made.write_binary if binary else made.write_text)(str(model_folder))
    return folder


def write_neus(views: Views, folder: Path) -> Path:
    """Its pictures and masks have names of their own, and its K counts from the centre of the first pixel."""
    save_rgb(views, folder / "image", folder / "mask")
    matrices, k = opencv(views)
    k[:, :2, 2] -= 0.5
    projections = np.tile(np.eye(4), (N, 1, 1))
    projections[:, :3] = -2.5 * k @ matrices[:, :3]  # a projection has no scale and no sign
    scale = np.diag([0.7, 0.7, 0.7, 1.0])
    scale[:3, 3] = [0.1, 0.2, 0.3]
    np.savez(folder / "cameras_sphere.npz", **{f"world_mat_{i}": p for i, p in enumerate(projections)}, **{f"scale_mat_{i}": scale for i in range(N)})
    return folder


def write_middlebury(views: Views, folder: Path) -> Path:
    save_rgb(views, folder, folder / "masks")
    matrices, k = opencv(views)
    k[:, :2, 2] -= 0.5
    rows = [
        f"{name}.png " + " ".join(repr(float(v)) for v in (*k[i].ravel(), *matrices[i, :3, :3].ravel(), *matrices[i, :3, 3]))
        for i, name in enumerate(views.names)
    ]
    (folder / "object_par.txt").write_text("\n".join([str(N), *rows]) + "\n")
    return folder


def write_dvr(views: Views, folder: Path) -> Path:
    """Poses alone, and K from -1 to 1 between the borders of the picture; ``world_mat_i`` of three rows, as Choy's renderings have them."""
    save_rgb(views, folder / "image", folder / "mask")
    matrices, k = opencv(views)
    across = np.array([[2 / WIDTH, 0, -1], [0, 2 / HEIGHT, -1], [0, 0, 1]])
    arrays: dict[str, np.ndarray] = {}
    for i in range(N):
        camera = np.eye(4)
        camera[:3, :3] = across @ k[i]
        arrays |= {f"camera_mat_{i}": camera, f"camera_mat_inv_{i}": np.linalg.inv(camera)}
        arrays |= {f"world_mat_{i}": matrices[i][:3], f"world_mat_inv_{i}": np.linalg.inv(matrices[i])}
    np.savez(folder / "cameras.npz", **arrays)
    return folder


def assert_same(found: Views, expected: Views) -> None:
    assert found.names == expected.names
    assert found.camera.lens is expected.camera.lens
    np.testing.assert_allclose(found.alpha, expected.alpha, atol=1e-6)
    np.testing.assert_allclose(found.color, expected.color, atol=1e-6)
    np.testing.assert_allclose(found.camera.camera_from_world, expected.camera.camera_from_world, atol=1e-6)
    np.testing.assert_allclose(found.camera.intrinsics, expected.camera.intrinsics, atol=1e-6)
    if expected.camera.distortion is not None:
        np.testing.assert_allclose(found.camera.distortion, expected.camera.distortion, atol=1e-12)
    assert (found.known is None) == (expected.known is None)


class TestReaders:
    @pytest.mark.parametrize("write", [write_nerf, write_nerfstudio, write_colmap_bytes, write_colmap_text, write_neus, write_dvr, write_middlebury])
    def test_the_same_views(self, tmp_path, write):
        assert_same(Capture.open(write(views_of(), tmp_path)).views(), views_of())

    @pytest.mark.parametrize("binary", [True, False], ids=["binary", "text"])
    @pytest.mark.parametrize("model", ["SIMPLE_PINHOLE", "PINHOLE", *OPENCV_MODELS, *FISHEYE_MODELS])
    def test_what_colmap_writes(self, tmp_path, model, binary):
        capture = Capture.open(write_pycolmap(views_of(model), tmp_path, model, binary))
        assert_same(capture.views(), views_of(model))
        np.testing.assert_allclose(capture.points, [[0.5, 0.25, 0.125]])

    def test_cameras_of_several_models(self, tmp_path):
        """Pinholes among bent lenses are bent by nothing."""
        write_colmap_text(views_of("OPENCV"), tmp_path, "OPENCV")
        cameras = tmp_path / "cameras.txt"
        cameras.write_text(cameras.read_text() + f"8 SIMPLE_PINHOLE {WIDTH} {HEIGHT} 25 10 6\n")
        images = tmp_path / "images.txt"
        images.write_text(images.read_text().replace(" 7 r_2.png", " 8 r_2.png"))
        camera = Capture.open(tmp_path).camera
        np.testing.assert_allclose(camera.distortion[:, :4], [OPENCV_MODELS["OPENCV"]] * 2 + [(0, 0, 0, 0)])
        np.testing.assert_allclose(camera.intrinsics[2], [25 / 6, 25 / 6, 0, 0])

    @pytest.mark.parametrize(
        ("write", "named"),
        [
            (write_nerf, "transforms.json"),
            (write_colmap_bytes, "sparse/0/images.bin"),
            (write_colmap_bytes, "sparse/0/cameras.bin"),
            (write_colmap_bytes, "sparse/0"),
            (write_colmap_text, "points3D.txt"),
            (write_neus, "cameras_sphere.npz"),
            (write_middlebury, "object_par.txt"),
        ],
    )
    def test_by_the_file_itself(self, tmp_path, write, named):
        assert_same(Capture.open(write(views_of(), tmp_path) / named).views(), views_of())

    def test_nothing_is_read_before_it_is_asked_for(self, tmp_path):
        write_nerf(views_of(), tmp_path)
        for path in (tmp_path / "images").iterdir():
            path.write_bytes(path.read_bytes()[:60])
        capture = Capture.open(tmp_path)
        assert (len(capture), capture.sizes.tolist(), capture.points) == (N, [[HEIGHT, WIDTH]] * N, None)
        with pytest.raises(ValueError, match=r"^Capture.views: .*r_0.png must be a readable picture"):
            capture.views()

    def test_some_of_them(self, tmp_path):
        capture = Capture.open(write_nerf(views_of(), tmp_path))
        expected = views_of().select([2, 0])
        assert_same(capture.views(which=[2, 0]), expected)
        assert_same(capture.select([2, 0]).views(), expected)

    def test_where_neus_says_the_object_is(self, tmp_path):
        centre, radius = Capture.open(write_neus(views_of(), tmp_path)).sphere
        np.testing.assert_allclose([*centre, radius], [0.1, 0.2, 0.3, 0.7])

    def test_cameras_of_idr_are_projections_to_pixels_whatever_stands_beside_them(self, tmp_path):
        """Its files of DTU are DVR's, with a camera_mat, too, which undoes what K does there."""
        write_neus(views_of(), tmp_path)
        with np.load(tmp_path / "cameras_sphere.npz") as arrays:
            told = dict(arrays)
        across = np.array([[2 / WIDTH, 0, -1, 0], [0, 2 / HEIGHT, -1, 0], [0, 0, 1, 0], [0, 0, 0, 1]])
        np.savez(tmp_path / "cameras_sphere.npz", **told, **{f"camera_mat_{i}": across for i in range(N)})
        assert_same(Capture.open(tmp_path).views(), views_of())

    @pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
    @pytest.mark.parametrize("write", [write_nerf, write_colmap_text, write_middlebury])
    def test_texts_as_windows_saves_them(self, tmp_path, write, encoding):
        """With a byte order mark, and its line ends."""
        write(views_of(), tmp_path)
        for path in [*tmp_path.glob("*.json"), *tmp_path.glob("*.txt")]:
            path.write_bytes(path.read_text().removeprefix("# Camera list\n").replace("\n", "\r\n").encode(encoding))
        assert_same(Capture.open(tmp_path).views(), views_of())

    @pytest.mark.parametrize("named", ["", "transforms.json"])
    def test_splits_that_a_list_tells_itself(self, tmp_path, named):
        """As nerfstudio's do; by the names of its frames, with and without a point before them."""
        index = write_nerfstudio(views_of(), tmp_path) / "transforms.json"
        told = json.loads(index.read_text()) | {"train_filenames": ["./images/r_2.png", "images/r_0.png"], "test_filenames": ["images/r_1.png"]}
        index.write_text(json.dumps(told | {"val_filenames": []}))
        for split, which in (("train", [0, 2]), ("test", [1]), (None, [0, 1, 2])):
            assert_same(Capture.open(tmp_path / named, split).views(), views_of().select(which))
        with pytest.raises((FileNotFoundError, ValueError), match=r"there is no file .*transforms_val.json|split must be None"):
            Capture.open(tmp_path / named, "val")

    @pytest.mark.parametrize(("names", "sentence"), [(["r_9.png"], "must be names of its frames, got r_9.png"), ("r_0", "must be a list of names, got str")])
    def test_splits_of_no_pictures(self, tmp_path, names, sentence):
        index = write_nerfstudio(views_of(), tmp_path) / "transforms.json"
        index.write_text(json.dumps(json.loads(index.read_text()) | {"train_filenames": names}))
        with pytest.raises(ValueError, match=rf"^Capture.open: train_filenames in .*transforms.json .*{sentence}$"):
            Capture.open(tmp_path, "train")

    def test_matrices_of_three_rows(self, tmp_path):
        index = write_nerf(views_of(), tmp_path) / "transforms.json"
        told = json.loads(index.read_text())
        for frame in told["frames"]:
            del frame["transform_matrix"][3]
        index.write_text(json.dumps(told))
        assert_same(Capture.open(tmp_path).views(), views_of())

    def test_masks_of_neus_go_by_their_order(self, tmp_path):
        """As in its data of DTU: image/000000.png and mask/000.png."""
        write_neus(views_of(), tmp_path)
        for i in range(N):
            (tmp_path / "mask" / f"r_{i}.png").rename(tmp_path / "mask" / f"{i:03d}.png")
        assert_same(Capture.open(tmp_path).views(), views_of())

    def test_smaller_pictures_of_colmap(self, tmp_path):
        """Its model speaks of the large ones, of which there are none."""
        write_colmap_bytes(views_of(), tmp_path)
        (tmp_path / "images").rename(tmp_path / "originals")
        small = views_of().reduced(2)
        save_rgb(small, tmp_path / "images_2", None)
        save_rgb(small, tmp_path / "other", tmp_path / "masks_2")
        found = Capture.open(tmp_path, masks=tmp_path / "masks_2").views()
        np.testing.assert_allclose(found.camera.intrinsics, small.camera.intrinsics, atol=1e-9)

    def test_the_largest_pictures_are_taken(self, tmp_path):
        write_colmap_bytes(views_of(), tmp_path)
        save_rgb(views_of().reduced(2), tmp_path / "images_2", None)
        assert Capture.open(tmp_path).sizes.tolist() == [[HEIGHT, WIDTH]] * N

    def test_pictures_of_colmap_in_a_folder_of_another_name(self, tmp_path):
        """The only one that has them; beside the model's folder, and its masks."""
        write_colmap_bytes(views_of(), tmp_path)
        (tmp_path / "images").rename(tmp_path / "my photos")
        shutil.copytree(tmp_path / "masks", tmp_path / "mask")
        (tmp_path / "other").mkdir()
        for i in range(N):  # the name of the picture, as COLMAP wants masks to be called
            (tmp_path / "masks" / f"r_{i}.png.png").rename(tmp_path / "masks" / f"r_{i}.png")
        assert_same(Capture.open(tmp_path).views(), views_of())
        shutil.copytree(tmp_path / "my photos", tmp_path / "the same once more")
        with pytest.raises(FileNotFoundError, match=r"no picture of those that .*images.bin names, 3, the first r_0.png"):
            Capture.open(tmp_path)

    def test_folders_within_images(self, tmp_path):
        """Of two cameras, whose pictures have the same names."""
        views = views_of()
        write_colmap_text(views, tmp_path)
        for place in ("images", "masks"):
            for i, folder in enumerate(("left", "right", "top")):
                (tmp_path / place / folder).mkdir()
                (tmp_path / place / f"r_{i}.png").rename(tmp_path / place / folder / "0001.png")
        text = (tmp_path / "images.txt").read_text()
        for i, folder in enumerate(("left", "right", "top")):
            text = text.replace(f"r_{i}.png", f"{folder}/0001.png")
        (tmp_path / "images.txt").write_text(text)
        assert_same(Capture.open(tmp_path).views(), replace(views, names=("left_0001", "right_0001", "top_0001")))


class TestNames:
    """Of pictures, as other programs and other computers write them."""

    @pytest.mark.parametrize("change", [str.upper, lambda name: name.replace(".png", ".Png")], ids=["all", "ending"])
    @pytest.mark.parametrize(("write", "folder"), [(write_nerf, "images"), (write_colmap_bytes, "images"), (write_middlebury, ".")])
    def test_in_other_letters(self, tmp_path, write, folder, change):
        write(views_of(), tmp_path)
        for path in sorted((tmp_path / folder).glob("*.png")):
            path.rename(path.with_name(change(path.name)))
        found = Capture.open(tmp_path).views()
        assert_same(found, replace(views_of(), names=found.names))
        assert [name.lower() for name in found.names] == list(views_of().names)

    def test_folders_in_other_letters(self, tmp_path):
        write_nerf(views_of(), tmp_path)
        (tmp_path / "images").rename(tmp_path / "Images")
        assert_same(Capture.open(tmp_path).views(), views_of())

    @pytest.mark.parametrize("start", ["/home/somebody/thing/images/", "C:\\\\thing\\\\images\\\\", "\\\\\\\\disk\\\\images\\\\", "/elsewhere/"])
    def test_of_another_computer(self, tmp_path, start):
        """The folders that are here, too, are kept, and all of them gone through."""
        index = write_nerf(views_of(), tmp_path) / "transforms.json"
        index.write_text(index.read_text().replace("./images/", start))
        if start == "/elsewhere/":
            for path in (tmp_path / "images").iterdir():
                path.rename(tmp_path / path.name)
        assert_same(Capture.open(tmp_path).views(), views_of())

    def test_of_another_computer_where_the_folders_tell_them_apart(self, tmp_path):
        """Two pictures of one name are not both taken to be the one that is left."""
        index = write_nerf(views_of(), tmp_path) / "transforms.json"
        index.write_text(index.read_text().replace("./images/r_1", "/a/right/r_0").replace("./images/r_0", "/a/left/r_0").replace("./images/", "/a/"))
        for path in (tmp_path / "images").iterdir():
            path.rename(tmp_path / path.name)
        with pytest.warns(UserWarning, match=r"1 of the 3 pictures that .* names are absent, and left out, the first /a/right/r_0$"):
            assert_same(Capture.open(tmp_path).views(), views_of().select([0, 2]))

    @pytest.mark.parametrize("named", [".jpg", ".HEIC"])
    def test_of_pictures_whose_background_was_taken_away(self, tmp_path, named):
        """JPEGs when the cameras were found."""
        views = views_of()
        write_nerf(views, tmp_path / "with_alpha")
        write_colmap_text(views, tmp_path)
        shutil.rmtree(tmp_path / "masks")
        shutil.rmtree(tmp_path / "images")
        (tmp_path / "with_alpha" / "images").rename(tmp_path / "images")
        index = tmp_path / "images.txt"
        index.write_text(index.read_text().replace(".png", named))
        with pytest.warns(UserWarning, match=rf"3 of the 3 pictures that .* names are there with another ending alone, .* r_0.png for r_0{named}$") as warned:
            capture = Capture.open(tmp_path)
        assert (len(warned), warned[0].filename) == (1, __file__)
        assert_same(capture.views(), views)

    def test_masks_of_another_computer(self, tmp_path):
        index = write_nerfstudio(views_of(), tmp_path) / "transforms.json"
        index.write_text(index.read_text().replace('"silhouettes/', '"/data/thing/Silhouettes/'))
        assert_same(Capture.open(tmp_path).views(), views_of())

    def test_one_mask_for_all_of_another_computer(self, tmp_path):
        index = write_nerfstudio(views_of(), tmp_path) / "transforms.json"
        told = json.loads(index.read_text())
        for frame in told["frames"]:
            frame["mask_path"] = "/data/rim.png"
        index.write_text(json.dumps(told))
        Image.new("L", (WIDTH, HEIGHT), 255).save(tmp_path / "rim.png")
        assert Capture.open(tmp_path).known == (tmp_path / "rim.png",) * N


class TestFaultsOfReaders:
    def test_nothing_there(self, tmp_path):
        with pytest.raises(FileNotFoundError, match=r"^Capture.open: there is no file .*transforms.json, nor another one of cameras: a model of COLMAP's"):
            Capture.open(tmp_path)

    @pytest.mark.parametrize(
        ("name", "told"),
        [
            ("scene.sfm", "such as Meshroom writes, is not read: COLMAP's format, which most programs export, and transforms.json are"),
            ("cameras.xml", "such as Metashape writes, is not read: "),
            ("poses_bounds.npy", "such as LLFF writes, is not read: "),
            ("cams/00000000_cam.txt", "such as MVSNet has, is not read: "),
            ("database.db", "in which COLMAP keeps features, and of which its mapper makes a model, is not read: "),
        ],
    )
    def test_cameras_of_others(self, tmp_path, name, told):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
        with pytest.raises(FileNotFoundError, match=rf"^Capture.open: there is no file .*; {name}, {told}"):
            Capture.open(tmp_path)

    def test_a_split_is_not_told(self, tmp_path):
        write_nerf(views_of(), tmp_path)
        (tmp_path / "transforms.json").rename(tmp_path / "transforms_train.json")
        with pytest.raises(FileNotFoundError, match=r"^Capture.open: there is no file .*; transforms_train.json is read with the split 'train'$"):
            Capture.open(tmp_path)

    def test_a_file_of_cameras_of_others(self, tmp_path):
        (tmp_path / "cameras.XML").write_text("<document/>")
        sentence = r"^Capture.open: source must be .*cameras.XML, such as Metashape writes: let what found the cameras export COLMAP's format$"
        with pytest.raises(ValueError, match=sentence):
            Capture.open(tmp_path / "cameras.XML")

    def test_another_file(self, tmp_path):
        (tmp_path / "a.dat").write_text("1")
        with pytest.raises(ValueError, match=r"^Capture.open: source must be a folder, or a file of cameras .*, got .*a.dat$"):
            Capture.open(tmp_path / "a.dat")

    def test_a_split_of_a_file(self, tmp_path):
        with pytest.raises(ValueError, match=r"^Capture.open: split must be None where source is a file, got 'train'"):
            Capture.open(write_nerf(views_of(), tmp_path) / "transforms.json", "train")

    @pytest.mark.parametrize("model", ["FOV", "THIN_PRISM_FISHEYE", "EQUIRECTANGULAR", "OF_TOMORROW"])
    def test_models_that_no_lens_holds(self, tmp_path, model):
        write_colmap_text(views_of(), tmp_path)
        n = {"FOV": 5, "THIN_PRISM_FISHEYE": 12, "EQUIRECTANGULAR": 2}.get(model, 3)
        (tmp_path / "cameras.txt").write_text(f"7 {model} {WIDTH} {HEIGHT} {' '.join(['1'] * n)}\n")
        with pytest.raises(ValueError, match=rf"^Capture.open: .*images.txt must have a camera_model that is SIMPLE_PINHOLE, .*, or none, got {model}$"):
            Capture.open(tmp_path)

    @pytest.mark.parametrize("name", ["cameras.bin", "images.bin", "points3D.bin"])
    def test_binary_files_that_end_early(self, tmp_path, name):
        """At every byte, and one more than there should be."""
        write_colmap_bytes(views_of(), tmp_path, points=np.eye(3))
        path = tmp_path / "sparse" / "0" / name
        whole = path.read_bytes()
        assert len(Capture.open(tmp_path).points) == 3
        for content in [*(whole[:n] for n in range(len(whole))), whole + b"\0"]:
            path.write_bytes(content)
            with pytest.raises(ValueError, match=rf"^Capture.open: .*{name} must be one of COLMAP's, got "):
                Capture.open(tmp_path)

    @pytest.mark.parametrize("n", [2**20, 2**40, 2**63, 2**64 - 1])
    @pytest.mark.parametrize(("name", "at"), [("cameras.bin", 0), ("images.bin", 0), ("points3D.bin", 0), ("images.bin", -8), ("points3D.bin", -16)])
    def test_counts_that_claim_more_than_there_is(self, tmp_path, name, at, n):
        write_colmap_bytes(views_of(), tmp_path, points=np.eye(3))
        path = tmp_path / "sparse" / "0" / name
        content = bytearray(path.read_bytes())
        at = at % len(content)
        content[at : at + 8] = struct.pack("<Q", n)
        path.write_bytes(content)
        with pytest.raises(ValueError, match=rf"^Capture.open: .*{name} must be one of COLMAP's, got {n} entries that reach to byte \d+ of {len(content)}$"):
            Capture.open(tmp_path)

    def test_a_model_that_is_not_known(self, tmp_path):
        write_colmap_bytes(views_of(), tmp_path)
        path = tmp_path / "sparse" / "0" / "cameras.bin"
        path.write_bytes(path.read_bytes().replace(struct.pack("<Ii", 7, 1), struct.pack("<Ii", 7, 99)))
        with pytest.raises(ValueError, match=r"must be one of COLMAP's, got the camera model 99, where 0 to 17 are known$"):
            Capture.open(tmp_path)

    @pytest.mark.parametrize(
        ("name", "old", "new", "sentence"),
        [
            ("cameras.txt", " PINHOLE ", " OPENCV ", r"cameras.txt must be one of COLMAP's, got 4 parameters of a OPENCV, which has 8$"),
            ("cameras.txt", f" {WIDTH} ", " wide ", r"cameras.txt must be one of COLMAP's, got invalid literal"),
            ("images.txt", "\n\n", "\n", r"images.txt must be one of COLMAP's, got no line of the points seen \(it may be empty\) behind that of r_0.png$"),
            ("cameras.txt", "7 PINHOLE", "6 PINHOLE", r"images.txt must name cameras of cameras.txt, got 7$"),
            ("cameras.txt", f" {WIDTH} {HEIGHT} ", f" {HEIGHT} {WIDTH} ", r"must have the proportions of the pictures, 20 x 12, got 12 x 20$"),
            ("images.txt", " 7 r_1.png", "", r"images.txt must be one of COLMAP's, got a picture told by 8 of 10 words$"),
            ("images.txt", " 7 r_1.png", " 7 ../../r_1.png", r"absent, and left out"),
            ("points3D.txt", "0.5 0.25", "nan 0.25", r"points3D.txt must be one of COLMAP's, got points that are not finite$"),
        ],
    )
    @pytest.mark.filterwarnings("default")
    def test_texts(self, tmp_path, name, old, new, sentence):
        write_colmap_text(views_of(), tmp_path)
        text = (tmp_path / name).read_text()
        assert old in text
        (tmp_path / name).write_text(text.replace(old, new))
        with pytest.raises(ValueError, match=sentence) if "absent" not in sentence else pytest.warns(UserWarning, match=sentence):
            Capture.open(tmp_path)

    @pytest.mark.parametrize(
        ("arrays", "sentence"),
        [
            ({}, "must hold world_mat_0, world_mat_1, ..., got nothing"),
            ({"world_mat_1": np.eye(4)}, "must hold world_mat_0, world_mat_1, ..., got world_mat_1"),
            ({"world_mat_0": np.eye(4)}, "must have a camera for each of the 3 pictures in image, got 1"),
            ({f"world_mat_{i}": np.zeros((4, 4)) for i in range(N)}, "must be the projection of a camera, got one that is not invertible"),
            ({f"world_mat_{i}": np.eye(3) for i in range(N)}, "must be a finite matrix of 3 or 4 rows and 4 columns"),
            ({f"world_mat_{i}": np.full((4, 4), np.nan) for i in range(N)}, "must be a finite matrix of 3 or 4 rows and 4 columns"),
            ({f"world_mat_{i}": np.array([[30, 9, 5, 0], [0, 30, 5, 0], [0, 0, 1, 3.0]]) for i in range(N)}, "must have square angles"),
            ({f"world_mat_{i}": TO_PIXELS for i in range(N)} | {"scale_mat_0": np.zeros((4, 4))}, "must be a finite scale and a translation"),
            (POSES, "must be the projection to pixels, or come with camera_mat_0, got the pose alone"),
            (dict(POSES, camera_mat_0=np.eye(2)), "must be a finite matrix of 3 x 3 or 4 x 4, got float64 of shape"),
            (dict(POSES, camera_mat_0=np.full((4, 4), np.inf)), "must be a finite matrix of 3 x 3 or 4 x 4"),
            (dict(POSES, camera_mat_0=np.zeros((4, 4))), "must be the projection of a camera, got one that is not invertible"),
            (dict(POSES, camera_mat_0=TO_PIXELS[:3, :3]), "must count from -1 to 1 across the picture, got its middle at 10, 6"),
            ({"world_mat_0": np.array([print], object)}, "must be a file of NumPy's arrays, got ValueError: Object arrays cannot be loaded"),
        ],
    )
    def test_arrays_of_neus(self, tmp_path, arrays, sentence):
        write_neus(views_of(), tmp_path)
        np.savez(tmp_path / "cameras_sphere.npz", **arrays)
        with pytest.raises(ValueError, match=f"^Capture.open: .*{sentence}"):
            Capture.open(tmp_path)

    @pytest.mark.parametrize("text", ["", "3", "x\n", "2\na.png 1 2 3\n", "1\nr_0.png 1 2 3\n", "1\nr_0.png " + "0 " * 21, "1\nr_0.png " + "nan " * 21])
    def test_lists_of_middlebury(self, tmp_path, text):
        write_middlebury(views_of(), tmp_path)
        (tmp_path / "object_par.txt").write_text(text)
        with pytest.raises(ValueError, match=r"^Capture.open: .*object_par.txt must"):
            Capture.open(tmp_path)

    def test_absent_frames_are_counted(self, tmp_path):
        write_colmap_bytes(views_of(), tmp_path)
        for name in ("r_0", "r_2"):
            (tmp_path / "images" / f"{name}.png").unlink()
        with pytest.warns(UserWarning, match=r"^Capture.open: 2 of the 3 pictures that .* names are absent, and left out, the first r_0.png$") as warned:
            capture = Capture.open(tmp_path)
        assert (capture.names, len(warned)) == (("r_1",), 1)
        assert warned[0].filename == __file__  # it names the caller's line
        assert_same(capture.views(), views_of().select([1]))


class TestMasks:
    """JPEGs have none of their own."""

    @pytest.fixture
    def folder(self, tmp_path) -> Path:
        views = views_of()
        write_nerf(views, tmp_path)
        for path in (tmp_path / "images").iterdir():
            path.unlink()
        save_rgb(views, tmp_path / "images", None, ".jpg")
        return tmp_path

    @pytest.mark.parametrize(
        ("place", "ending", "given"),
        [
            ("masks", ".png", None),
            ("mask", ".PNG", None),
            ("masks", ".jpg.png", None),
            ("images/masks", ".bmp", None),
            ("masks/images", ".png", None),
            ("elsewhere", ".png", "elsewhere"),
            ("elsewhere/images", ".jpg.png", "elsewhere"),
        ],
    )
    def test_where_they_are_found(self, folder, place, ending, given):
        save_rgb(views_of(), folder / "others", folder / place, mask_ending=ending)
        views = Capture.open(folder, masks=None if given is None else folder / given).views()
        np.testing.assert_allclose(views.alpha, views_of().alpha, atol=1e-6)

    def test_none(self, folder):
        capture = Capture.open(folder)
        with pytest.raises(
            ValueError, match=r"^Capture.views: .* alpha channel .*masks/ .*mask_path .*--masks.*--segment.*, got none for 3 of 3, the first .*r_0.jpg$"
        ):
            capture.views()

    def test_one_is_absent(self, folder):
        save_rgb(views_of(), folder / "others", folder / "masks")
        (folder / "masks" / "r_1.png").unlink()
        with pytest.raises(FileNotFoundError, match=r"^Capture.open: there is no mask in .*masks for 1 of the 3 pictures, the first .*r_1.jpg$"):
            Capture.open(folder, masks=folder / "masks")
        with pytest.raises(ValueError, match=r"got none for 1 of 3, the first .*r_1.jpg$"):
            Capture.open(folder).views()

    def test_no_such_folder(self, folder):
        with pytest.raises(FileNotFoundError, match=r"^Capture.open: there is no folder of masks .*nowhere$"):
            Capture.open(folder, masks=folder / "nowhere")

    def test_an_argument_goes_before_alpha(self, tmp_path):
        write_nerf(views_of(), tmp_path)
        other = replace(views_of(), alpha=1 - views_of().alpha)
        save_rgb(other, tmp_path / "others", tmp_path / "elsewhere")
        np.testing.assert_allclose(Capture.open(tmp_path, masks=tmp_path / "elsewhere").views().alpha, other.alpha, atol=1e-6)

    def one(self, folder: Path, mask: Image.Image) -> Views:
        """The views with this mask for the first picture, whose columns are 0 at the left and 255 at the right in the others."""
        save_rgb(views_of(), folder / "others", folder / "masks")
        mask.save(folder / "masks" / "r_0.png")
        return Capture.open(folder).views()

    def levels(self, *values: int) -> np.ndarray:
        """A row of levels, down the picture."""
        return np.resize(np.array(values, np.uint8), (HEIGHT, WIDTH))

    def test_unknown(self, folder):
        """Three levels, one of which is in the middle."""
        views = self.one(folder, Image.fromarray(self.levels(0, 128, 255, 255)))
        assert views.known.shape == views.alpha.shape
        assert (np.unique(views.known[0]), views.known[1:].min()) == (pytest.approx([0, 1]), 1)
        np.testing.assert_array_equal(views.known[0, 0, :4], [1, 0, 1, 1])
        np.testing.assert_array_equal(views.alpha[0, 0, :4], [0, 0, 1, 1])

    def test_nearly_three_levels(self, folder):
        np.testing.assert_array_equal(self.one(folder, Image.fromarray(self.levels(1, 127, 254, 129, 255))).known[0, 0, :5], [1, 0, 1, 0, 1])

    def test_soft_masks_are_no_trimaps(self, folder):
        views = self.one(folder, Image.fromarray(self.levels(0, 128, 255, 64)))
        assert views.known is None
        np.testing.assert_allclose(views.alpha[0, 0, :4], [0, 128 / 255, 1, 64 / 255], atol=1e-6)

    @pytest.mark.parametrize("mode", ["1", "L", "RGB", "RGBA", "P", "LA"])
    def test_kinds_of_pictures(self, folder, mode):
        grey = Image.fromarray(self.levels(0, 255, 255))
        np.testing.assert_array_equal(self.one(folder, grey.convert(mode)).alpha[0, 0, :3], [0, 1, 1])

    def test_the_alpha_of_a_mask(self, folder):
        rgba = np.full((HEIGHT, WIDTH, 4), 200, np.uint8)
        rgba[..., 3] = self.levels(0, 255, 255)
        np.testing.assert_array_equal(self.one(folder, Image.fromarray(rgba)).alpha[0, 0, :3], [0, 1, 1])

    def test_noughts_and_ones(self, folder):
        np.testing.assert_array_equal(self.one(folder, Image.fromarray(self.levels(0, 1, 1))).alpha[0, 0, :3], [0, 1, 1])

    def test_colours(self, folder):
        colours = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
        colours[..., 0] = 128
        with pytest.raises(ValueError, match=r"^Capture.views: the mask .*r_0.png must be grey .*, got colours$"):
            self.one(folder, Image.fromarray(colours))

    def test_another_size(self, folder):
        with pytest.raises(ValueError, match=r"^Capture.views: the mask .*r_0.png must have the size of its picture, 20 x 12, got 10 x 6$"):
            self.one(folder, Image.new("L", (10, 6)))

    @pytest.mark.parametrize(
        ("level", "sentence"), [(0, "must show something, got masks .* all empty"), (255, "must leave the object's surroundings out, got 1 in")]
    )
    def test_masks_that_say_nothing(self, folder, level, sentence):
        for i in range(N):
            (folder / "masks").mkdir(exist_ok=True)
            Image.new("L", (WIDTH, HEIGHT), level).save(folder / "masks" / f"r_{i}.png")
        with pytest.raises(ValueError, match=f"^Capture.views: .*{sentence}"):
            Capture.open(folder).views()

    def test_one_mask_for_all_says_what_counts(self, tmp_path):
        """nerfstudio's, of a lens: it cannot be that of an object."""
        write_nerf(views_of(), tmp_path)
        Image.fromarray(self.levels(0, 255)).save(tmp_path / "mask.png")
        path = tmp_path / "transforms.json"
        described = json.loads(path.read_text())
        for frame in described["frames"]:
            frame["mask_path"] = "mask.png"
        path.write_text(json.dumps(described))
        views = Capture.open(tmp_path).views()
        np.testing.assert_array_equal(views.known[:, 0, :2], [[0, 1]] * N)
        np.testing.assert_allclose(views.alpha, views_of().alpha * views.known, atol=1e-6)

    def test_a_mask_that_is_named_and_absent(self, tmp_path):
        write_nerfstudio(views_of(), tmp_path)
        (tmp_path / "silhouettes" / "r_2.png").unlink()
        with pytest.raises(FileNotFoundError, match=r"^Capture.open: there is no picture .*r_2.png, which a mask_path of .*transforms.json names$"):
            Capture.open(tmp_path)


class TestKnown:
    def test_it_is_saved_and_read(self, tmp_path):
        known = np.random.default_rng(1).integers(0, 256, (N, HEIGHT, WIDTH)).astype(np.float32) / 255
        known[:, :3] = 0
        views = replace(views_of(), known=known, alpha=np.where(known > 0, views_of().alpha, 0).astype(np.float32))
        views.save(tmp_path)
        again = Views.load(tmp_path)
        np.testing.assert_allclose(again.known, known, atol=1e-6)
        np.testing.assert_allclose(again.alpha, views.alpha, atol=1e-6)

    def test_it_is_selected_and_reduced(self):
        known = np.ones((N, HEIGHT, WIDTH), np.float32)
        known[0, :4, 2:4] = 0
        views = replace(views_of(), known=known, alpha=views_of().alpha * known)
        assert (views.select([1]).known == 1).all()
        small = views.reduced(4)
        assert small.known[0, 0, 0] == 0.5
        np.testing.assert_allclose(small.alpha[0, 0, 0], views.alpha[0, :4, :2].mean(), rtol=1e-6)

    def test_shape(self):
        with pytest.raises(ValueError, match=r"Views: known must have shape \(N, H, W\)"):
            replace(views_of(), known=np.ones((N, 3, 3)))


class TestSizes:
    def test_reduced_as_views_are(self, tmp_path):
        """By a whole factor they are the means over blocks that `Views.reduced` makes."""
        capture = Capture.open(write_nerf(views_of(), tmp_path))
        small, expected = capture.views(HEIGHT // 4), views_of().reduced(4)
        assert small.image_size == expected.image_size
        assert_same(small, expected)

    def test_by_any_factor(self):
        """What a pixel of the smaller picture covers is a straight edge's share of it, to the last bit of float32."""
        picture = (np.arange(31.0)[None, :, None] < 17) * np.ones((23, 1, 1))
        window = Window.of(23, 31, 9)
        small = window.average(picture.astype(np.float32))[..., 0]
        edges = window.left + window.step * np.arange(window.width + 1)
        share = np.clip((17 - edges[:-1]) / window.step, 0, 1)
        np.testing.assert_allclose(small, np.tile(share, (9, 1)), atol=1e-6)

    def test_cameras_see_the_same(self, tmp_path):
        """Where a point is seen, in pixels of the large picture, and in those of the small one."""
        views = views_of()
        capture = Capture.open(write_nerf(views, tmp_path))
        small = capture.views(7)
        window = Window.of(HEIGHT, WIDTH, 7)
        assert small.image_size == (7, 11)
        large_k, small_k = views.camera.to_matrices((HEIGHT, WIDTH))[1], small.camera.to_matrices((7, 11))[1]
        np.testing.assert_allclose(small_k[:, 0, 0], large_k[:, 0, 0] / window.step, rtol=1e-9)
        np.testing.assert_allclose(small_k[:, :2, 2], (large_k[:, :2, 2] - [window.left, window.top]) / window.step, rtol=1e-9)

    def test_larger_ones_are_not_made(self, tmp_path):
        assert Capture.open(write_nerf(views_of(), tmp_path)).views(100).image_size == (HEIGHT, WIDTH)

    def two_sizes(self, folder: Path) -> Path:
        """A wide picture of 20 x 12 and a high one of 12 x 24."""
        wide, high = np.full((HEIGHT, WIDTH, 4), 255, np.uint8), np.full((24, 12, 4), 255, np.uint8)
        wide[0, 0, 3] = high[0, 0, 3] = 0
        Image.fromarray(wide).save(folder / "a.png")
        Image.fromarray(high).save(folder / "b.png")
        matrix = np.linalg.inv(views_of().camera.to_matrices((2, 2))[0][0]).tolist()
        frames = [
            {"file_path": "a.png", "w": WIDTH, "h": HEIGHT, "fl_x": 30.0, "cx": 9.0, "cy": 5.0, "transform_matrix": matrix},
            {"file_path": "b.png", "w": 12, "h": 24, "fl_x": 20.0, "cx": 5.0, "cy": 13.0, "transform_matrix": matrix},
        ]
        (folder / "transforms.json").write_text(json.dumps({"frames": frames}))
        return folder

    def test_one_frame_for_all(self, tmp_path):
        capture = Capture.open(self.two_sizes(tmp_path))
        assert capture.sizes.tolist() == [[12, 20], [24, 12]]
        views = capture.views()
        assert views.image_size == (24, 20)
        np.testing.assert_array_equal(views.known.sum((1, 2)), [12 * 20, 24 * 12])
        assert (views.known[0, 6:18].min(), views.known[1, :, 4:16].min()) == (1, 1)
        assert (views.alpha[views.known == 0] == 0).all()
        k = views.camera.to_matrices(views.image_size)[1]
        np.testing.assert_allclose(k[:, [0, 1, 0, 1], [0, 1, 2, 2]], [[30, 30, 9, 5 + 6], [20, 20, 5 + 4, 13]], atol=1e-9)

    def test_one_frame_of_smaller_ones(self, tmp_path):
        """Both have the same shorter side."""
        views = Capture.open(self.two_sizes(tmp_path)).views(6)
        assert views.image_size == (12, 10)
        k = views.camera.to_matrices(views.image_size)[1]
        np.testing.assert_allclose(k[:, [0, 1, 0, 1], [0, 1, 2, 2]], [[15, 15, 4.5, 2.5 + 3], [10, 10, 2.5 + 2, 6.5]], atol=1e-9)

    def test_jpegs_are_decoded_smaller_where_they_are(self, tmp_path):
        """A disk at a place that is known to a hundredth of a pixel, through all ways: its mask, and its colours, which a JPEG's coarser decoding makes."""
        height, width, centre, radius = 192, 256, (101.3, 77.6), 40.0
        y, x = np.mgrid[:height, :width] + 0.5
        disk = np.clip(radius + 0.5 - np.hypot(x - centre[0], y - centre[1]), 0, 1)
        colour = np.repeat(60 + 120 * disk[..., None], 3, 2)
        Image.fromarray(colour.astype(np.uint8)).save(tmp_path / "a.jpg", quality=95, subsampling=0)
        Image.fromarray(colour.astype(np.uint8)).save(tmp_path / "b.png")
        (tmp_path / "masks").mkdir()
        frames = [{"file_path": name, "transform_matrix": np.eye(4).tolist()} for name in ("a.jpg", "b.png")]
        (tmp_path / "transforms.json").write_text(json.dumps({"fl_x": 200.0, "frames": frames}))
        whole = np.full((height, width), 255, np.uint8)
        whole[:16] = 0
        for name in "ab":
            Image.fromarray(whole).save(tmp_path / "masks" / f"{name}.png")
        for size in (12, 24, 40):
            views = Capture.open(tmp_path).views(size)
            small_k = views.camera.to_matrices(views.image_size)[1][0]
            weight = np.where(views.alpha > 0, views.color[..., 0] - 60 / 255, 0)
            columns, rows = np.arange(views.image_size[1]) + 0.5, np.arange(views.image_size[0]) + 0.5
            for one in weight:
                found = np.array([(one.sum(0) * columns).sum(), (one.sum(1) * rows).sum()]) / one.sum()
                np.testing.assert_allclose((found - small_k[:2, 2]) / small_k[0, 0], (np.array(centre) - [width / 2, height / 2]) / 200, atol=1e-3)
            np.testing.assert_allclose(views.color[0], views.color[1], atol=0.03)

    def test_one_picture_is_in_memory_at_a_time(self, tmp_path, run_python):
        """Five JPEGs of 2400 x 1600 want no more than one: a picture has 46 MB as floats."""
        Image.linear_gradient("L").resize((2400, 1600)).convert("RGB").save(tmp_path / "a.jpg", quality=50)
        (tmp_path / "masks").mkdir()
        mask = Image.new("L", (2400, 1600))
        mask.paste(255, (600, 400, 1800, 1200))
        mask.save(tmp_path / "masks" / "a.png")
        frames = [{"file_path": "a.jpg", "transform_matrix": np.eye(4).tolist()}] * 5
        (tmp_path / "transforms.json").write_text(json.dumps({"fl_x": 2000.0, "frames": frames}))
        script = f"""
import resource
from taichi_softras.recover import Capture
capture = Capture.open({str(tmp_path)!r})
capture.views(64, [0])
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
capture.views(64)
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""
        assert int(run_python(script).stdout.split()[-1]) < 40

    def test_memory(self, tmp_path, monkeypatch):
        from taichi_softras.recover import views

        capture = Capture.open(write_nerf(views_of(), tmp_path))
        monkeypatch.setattr(views, "free_memory", lambda: 3000)
        with pytest.raises(MemoryError, match=r"^Capture.views: 3 pictures of 12 x 20 pixels must fit into 3000 free bytes, got 11520$"):
            capture.views()
        assert len(capture.views(6)) == N


class TestOrientation:
    @pytest.mark.parametrize("orientation", range(1, 9))
    def test_as_pillow_turns(self, orientation):
        picture = np.arange(2 * 3 * 3, dtype=np.uint8).reshape(2, 3, 3)
        image = Image.fromarray(picture)
        image.getexif()[0x0112] = orientation
        np.testing.assert_array_equal(turned(picture, orientation), np.asarray(ImageOps.exif_transpose(image)))

    def photograph(self, folder: Path, orientation: int, kind: str = "png", **told: float) -> tuple[Path, np.ndarray]:
        """A picture stored as 20 x 12 that EXIF turns, its mask as it is seen, and what is stored."""
        stored = eight_bits(np.concatenate([views_of().color[0], np.ones((HEIGHT, WIDTH, 1), np.float32)], -1))[..., :3]
        exif = Image.Exif()
        exif[0x0112] = orientation
        Image.fromarray(stored).save(folder / f"a.{kind}", exif=exif)
        seen = turned(stored, orientation)
        (folder / "masks").mkdir()
        mask = np.full(seen.shape[:2], 255, np.uint8)
        mask[0] = 0
        Image.fromarray(mask).save(folder / "masks" / "a.png")
        frame = {"file_path": f"a.{kind}", "transform_matrix": np.eye(4).tolist()}
        (folder / "transforms.json").write_text(json.dumps({"fl_x": 30.0, "frames": [frame]} | told))
        return folder, stored

    @pytest.mark.parametrize("orientation", [5, 6, 7, 8])
    def test_turned_where_the_list_says_so(self, tmp_path, orientation):
        folder, stored = self.photograph(tmp_path, orientation, w=HEIGHT, h=WIDTH)
        capture = Capture.open(folder)
        assert capture.sizes.tolist() == [[WIDTH, HEIGHT]]
        views = capture.views()
        np.testing.assert_array_equal(eight_bits(views.color[0]), turned(stored, orientation))
        assert (views.alpha[0, 0].max(), views.alpha[0, 1:].min()) == (0, 1)
        np.testing.assert_allclose(views.camera.intrinsics[0], [5, 5, 0, 0])

    @pytest.mark.parametrize("orientation", [2, 3, 4, 6])
    def test_as_stored_where_the_list_says_so(self, tmp_path, orientation):
        """COLMAP's, nerfstudio's and instant-ngp's way."""
        folder, stored = self.photograph(tmp_path, orientation, w=2 * WIDTH, h=2 * HEIGHT)
        Image.fromarray(np.tile(np.array([[0, 255]], np.uint8), (HEIGHT, WIDTH // 2))).save(folder / "masks" / "a.png")
        views = Capture.open(folder).views()
        np.testing.assert_array_equal(eight_bits(views.color[0]), stored)

    def test_a_mask_that_is_stored_as_the_picture_is(self, tmp_path):
        folder, _ = self.photograph(tmp_path, 6, w=HEIGHT, h=WIDTH)
        mask = np.zeros((HEIGHT, WIDTH), np.uint8)
        mask[:, : WIDTH // 2] = 255
        Image.fromarray(mask).save(folder / "masks" / "a.png")
        np.testing.assert_array_equal(eight_bits(Capture.open(folder).views().alpha[0]), turned(mask, 6))

    def test_neither(self, tmp_path):
        folder, _ = self.photograph(tmp_path, 6, w=HEIGHT, h=HEIGHT)
        with pytest.raises(ValueError, match=r"must have the proportions of the pictures, 20 x 12, got 12 x 12$"):
            Capture.open(folder)

    def test_nothing_is_said(self, tmp_path):
        folder, _ = self.photograph(tmp_path, 8)
        sentence = r"^Capture.open: .* must say w and h .* \(.*a.png is stored as 20 x 12, and seen as 12 x 20\), got neither$"
        with pytest.raises(ValueError, match=sentence):
            Capture.open(folder)

    def test_colmap_takes_pictures_as_they_are_stored(self, tmp_path):
        pycolmap = pytest.importorskip("pycolmap")
        folder, stored = self.photograph(tmp_path, 6, w=WIDTH, h=HEIGHT)
        np.testing.assert_array_equal(pycolmap.Bitmap.read(str(folder / "a.png"), True).to_array(), stored)

    def test_a_tiff_that_is_turned(self, tmp_path):
        folder, stored = self.photograph(tmp_path, 1, w=WIDTH, h=HEIGHT)
        Image.fromarray(stored).save(folder / "b.tif", tiffinfo={0x0112: 6})
        (folder / "transforms.json").write_text((folder / "transforms.json").read_text().replace("a.png", "b.tif"))
        with pytest.raises(ValueError, match=r"b.tif must be stored as it is to be seen .*, got orientation 6$"):
            Capture.open(folder)


class TestUp:
    @pytest.mark.parametrize("elevation", [0, 30, 60, 80, -45, [-30, 10, 50]])
    def test_cameras_around(self, elevation):
        up = scene_up(Camera.orbit(3.0, elevation, [0.0, 120.0, 240.0]))
        assert up[1] > 0.9
        assert np.linalg.norm(up) == pytest.approx(1)

    def rolled(self, *turns: float) -> Camera:
        """Level cameras around, each turned about its view axis."""
        camera = Camera.orbit(3.0, 0.0, np.arange(len(turns)) * 360 / len(turns))
        a = np.radians(turns)
        roll = np.tile(np.eye(3), (len(turns), 1, 1))
        roll[:, 0, 0] = roll[:, 1, 1] = np.cos(a)
        roll[:, 1, 0] = np.sin(a)
        roll[:, 0, 1] = -roll[:, 1, 0]
        return replace(camera, camera_from_world=roll @ camera.camera_from_world)

    def test_some_stand_on_their_heads(self):
        np.testing.assert_allclose(scene_up(self.rolled(0, 180, 0, 180, 0)), [0, 1, 0], atol=1e-9)

    def test_all_lie_on_their_sides(self):
        """As the temple's do, of which some are upside down besides."""
        up = scene_up(self.rolled(-90, -90, 90, -90, -90))
        np.testing.assert_allclose(up, [0, 1, 0], atol=1e-9)

    def test_of_what_has_cameras(self, tmp_path):
        capture = Capture.open(write_nerf(views_of(), tmp_path))
        np.testing.assert_allclose(scene_up(capture), scene_up(views_of()), atol=1e-9)
        np.testing.assert_allclose(scene_up(capture), scene_up(views_of().camera), atol=1e-9)

    def test_no_cameras(self):
        with pytest.raises(TypeError, match=r"^scene_up: cameras must be a Camera, got int$"):
            scene_up(5)


class TestSegment:
    """A bright ring before a dark, mottled ground, seen by cameras around it."""

    @pytest.fixture
    def ring(self, tmp_path) -> tuple[Path, np.ndarray]:
        rng = np.random.default_rng(0)
        y, x = np.mgrid[:96, :128] + 0.5
        far = np.hypot(x - 70, y - 45)
        mask = (far < 36) & (far > 14)
        camera = Camera.orbit(3.0, 20.0, [0.0, 120.0, 240.0], fov=40)
        colour = np.where(mask[..., None], [0.9, 0.7, 0.4], [0.1, 0.12, 0.2]) + rng.normal(0, 0.03, (3, 96, 128, 3))
        views = Views(alpha=np.ones((3, 96, 128)), color=np.clip(colour, 0, 1), camera=camera, names=("a", "b", "c"))
        views.save(tmp_path)
        for path in (tmp_path / "images").iterdir():
            with Image.open(path) as picture:
                picture.convert("RGB").save(path)
        return tmp_path, mask

    def test_grabcut(self, ring):
        pytest.importorskip("cv2")
        folder, mask = ring
        with pytest.warns(UserWarning, match=r"^Capture.open: the masks of 3 pictures are rough, by GrabCut.*: look at them in .*found, correct") as warned:
            capture = Capture.open(folder, masks=folder / "found", segment=True)
        assert warned[0].filename == __file__
        assert [path.name for path in capture.masks] == ["a.png", "b.png", "c.png"]
        assert capture.mask_finders == ("GrabCut",) * 3
        found = capture.views().alpha > 0.5
        assert ((found & mask).sum((1, 2)) / (found | mask).sum((1, 2))).min() > 0.97
        assert not found[:, 45, 70].any()  # the hole
        Image.fromarray(eight_bits(~mask)).save(folder / "found" / "b.png")  # corrected by hand: it is kept, and nothing is found anew
        again = Capture.open(folder, masks=folder / "found", segment=True)
        np.testing.assert_array_equal(again.views().alpha[1], ~mask)
        assert again.mask_finders == ("GrabCut", None, "GrabCut")
        (folder / "found" / "c.png").unlink()
        with pytest.warns(UserWarning, match="the masks of 1 pictures are rough"):
            assert Capture.open(folder, masks=folder / "found", segment=True).masks[2] == folder / "found" / "c.png"

    @pytest.mark.filterwarnings("ignore:Capture.open. the masks of 3 pictures are rough")
    def test_who_waits_at_a_terminal_sees_how_far_it_is(self, ring, monkeypatch, capsys):
        pytest.importorskip("cv2")
        terminal = io.StringIO()
        Capture.open(ring[0], masks=ring[0] / "of_a_log", segment=True)
        assert capsys.readouterr().err == ""
        monkeypatch.setattr(terminal, "isatty", lambda: True, raising=False)
        monkeypatch.setattr(sys, "stderr", terminal)
        Capture.open(ring[0], masks=ring[0] / "found", segment=True)
        for what in ("read", "cut 1 of 3", "cut 2 of 3", "cut 3 of 3"):
            assert f"masks, {what}: 100%" in terminal.getvalue()

    def test_no_folder_to_write_to(self, ring):
        with pytest.raises(ValueError, match=r"^Capture.open: masks must be a folder to write the masks into that segment=True finds, got None$"):
            Capture.open(ring[0], segment=True)

    def test_nothing_that_finds_them(self, ring, monkeypatch):
        monkeypatch.setattr(segment.importlib.util, "find_spec", lambda name: None)
        with pytest.raises(
            RuntimeError, match=r"^Capture.open: masks are found by rembg or by OpenCV, of which none is installed: pip install 'taichi_softras\[segment\]'$"
        ):
            Capture.open(ring[0], masks=ring[0] / "found", segment=True)

    @pytest.mark.parametrize("place", ["u2net.onnx", "models/u2net/u2net.onnx"])
    def test_rembg(self, ring, monkeypatch, place):
        """If its weights are there; a stand-in says what it was asked for."""
        folder, mask = ring
        weights = folder / "weights" / place
        weights.parent.mkdir(parents=True)
        weights.write_bytes(b"")
        monkeypatch.setenv("U2NET_HOME", str(folder / "weights"))
        stand_in = ModuleType("rembg")
        stand_in.new_session = lambda model: model
        stand_in.remove = lambda picture, session, only_mask: Image.fromarray(eight_bits(mask if (session, only_mask) == ("u2net", True) else ~mask))
        monkeypatch.setitem(sys.modules, "rembg", stand_in)
        monkeypatch.setattr(segment.importlib.util, "find_spec", lambda name: name == "rembg" or None)
        with pytest.warns(UserWarning, match=r"are rough, by rembg \(u2net\): look"):
            capture = Capture.open(folder, masks=folder / "found", segment=True)
        np.testing.assert_array_equal(capture.views().alpha > 0.5, np.tile(mask, (3, 1, 1)))
        assert capture.mask_finders == ("rembg (u2net)",) * 3

    def test_rembg_without_weights(self, ring, monkeypatch):
        """They are not downloaded; it is said how they come."""
        pytest.importorskip("cv2")
        monkeypatch.setenv("U2NET_HOME", str(ring[0] / "weights"))
        monkeypatch.setattr(segment.importlib.util, "find_spec", lambda name: True)
        with pytest.warns(
            UserWarning, match=r"are rough, by GrabCut \(rembg is there, but not its weights, which come by: python -c 'import rembg; .*'\): look"
        ):
            Capture.open(ring[0], masks=ring[0] / "found", segment=True)

    def test_where_the_object_is(self):
        """Before cameras that look at (1, 2, 3) it is as wide as the longer side; with points there, it is where these are."""
        camera = Camera.orbit(4.0, 10.0, [0.0, 90.0, 200.0], fov=60, target=(1.0, 2.0, 3.0))
        sizes = np.array([[96, 128]] * 3)
        centre, radius = segment.object_sphere(camera, sizes)
        np.testing.assert_allclose(centre, [1, 2, 3], atol=1e-9)
        assert radius == pytest.approx(4.0 * np.tan(np.radians(30)) * 128 / 96)
        rng = np.random.default_rng(0)
        points = np.concatenate([rng.normal((1.2, 2, 3), 0.1, (200, 3)), rng.normal(0, 30, (50, 3))])
        centre, radius = segment.object_sphere(camera, sizes, points)
        np.testing.assert_allclose(centre, [1.2, 2, 3], atol=0.05)
        assert 0.2 < radius < 0.5
        assert segment.object_sphere(camera, sizes, points, (np.zeros(3), 2.0))[1] == 2.0


def source_of(source: Path, masks: Path, segment: bool) -> fitting._Source:
    return fitting._Source(source=str(source), size=16, masks=str(masks), segment=segment, colors="vertex", up="auto", reference=None, normalized=False)


class TestFitCommand:
    @pytest.fixture
    def photographs(self, tmp_path) -> Path:
        """JPEGs of a sphere, their list, and masks elsewhere."""
        sphere = Mesh.icosphere(2)
        camera = Camera.all_around(7, 3.2, fov=40)
        views = render_views(replace(sphere, colors=np.full_like(sphere.vertices, 0.8)), camera, (32, 32), tuple(f"r_{i}" for i in range(7)), samples=1)
        views.save(tmp_path / "p")
        without_endings(tmp_path / "p" / "transforms.json")
        for path in (tmp_path / "p" / "images").iterdir():
            path.unlink()
        save_rgb(replace(views, color=views.over_white()), tmp_path / "p" / "images", tmp_path / "silhouettes", ".jpg")
        return tmp_path / "p" / "transforms.json"

    def test_masks(self, photographs, tmp_path, capsys):
        assert main(["fit", str(photographs), "-o", str(tmp_path / "out")]) == 1
        assert "--masks, or found by segment or --segment), got none for 6 of 6" in capsys.readouterr().err
        train, test = source_of(photographs, tmp_path / "silhouettes", False).captures()
        assert (len(train), test.names) == (6, ("r_5",))
        assert (train.views(16).alpha.max(), test.views(16).image_size) == (1, (16, 16))

    def test_masks_of_two_lists(self, photographs, tmp_path):
        """Whose pictures may have the same names: what is found goes to a folder each."""
        pytest.importorskip("cv2")
        for split in ("train", "val"):
            (photographs.parent / f"transforms_{split}.json").write_text(photographs.read_text())
        with pytest.warns(UserWarning, match="the masks of 7 pictures are rough"):
            captures = source_of(photographs.parent, tmp_path / "found", True).captures()
        assert [capture.masks[0].relative_to(tmp_path / "found").as_posix() for capture in captures] == ["train/r_0.png", "val/r_0.png"]

    @pytest.mark.filterwarnings("default:Capture.open. the masks of 7 pictures are rough")
    @pytest.mark.usefixtures("small_turntable")
    def test_that_masks_are_rough_is_told_at_the_end_and_on_the_page(self, photographs, tmp_path, capsys):
        """Until somebody has corrected them."""
        pytest.importorskip("cv2")
        out = tmp_path / "out"
        assert main(["fit", str(photographs), "-o", str(out), "--segment", "--steps", "4", "--views-per-step", "3", "--colors", "vertex"]) == 0
        sentence = f"7 of 7 masks are rough, found by GrabCut: the result is no better than they are, and is measured by them. Look at them in {out / 'masks'}"
        assert sentence in capsys.readouterr().out
        assert sentence in (out / "report.html").read_text()
        for mask in (out / "masks").iterdir():
            shutil.copy(tmp_path / "silhouettes" / mask.name, mask)
        assert main(["fit", "-o", str(out), "--resume"]) == 0
        assert "masks are rough" not in capsys.readouterr().out + (out / "report.html").read_text()

    def test_masks_of_a_mesh(self, tmp_path, capsys):
        assert main(["fit", "-o", str(tmp_path / "out"), "--segment"]) == 1
        assert "--masks and --segment must come with pictures, got the mesh embedded here" in capsys.readouterr().err


def test_the_temple(shared):
    """Real photographs, some of them upside down, on their sides."""
    capture = Capture.open(shared / "data" / "temple_ring")
    assert (len(capture), capture.sizes.tolist()) == (16, [[480, 640]] * 16)
    box = np.array([[-0.073568, 0.021728, -0.012445], [0.028855, 0.181892, 0.062736]])  # its README's
    matrices, k = capture.camera.to_matrices((480, 640), convention=Convention.OPENCV)
    corners = np.array(np.meshgrid(*box.T)).reshape(3, 8)
    seen = k @ (matrices[:, :3, :3] @ corners + matrices[:, :3, 3:])
    pixels = seen[:, :2] / seen[:, 2:]
    assert (pixels > 0).all()
    assert (pixels < np.array([640, 480])[:, None]).all()
    np.testing.assert_allclose(scene_up(capture), [0, 1, 0], atol=0.1)
