"""Folders of pictures with cameras: round trip, conventions, and one sentence for each fault."""

import json
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from taichi_softras import Camera, Lens
from taichi_softras.recover import Views, save_picture


@pytest.fixture
def views() -> Views:
    rng = np.random.default_rng(0)
    camera = Camera.orbit(3.0, [10.0, -40.0], [20.0, 200.0], fov=50)
    return Views(alpha=rng.random((2, 12, 20)).astype(np.float32), color=rng.random((2, 12, 20, 3)).astype(np.float32), camera=camera, names=("r_000", "r_001"))


@pytest.fixture
def folder(views, tmp_path):
    views.save(tmp_path, "train")
    return tmp_path


class TestRoundTrip:
    def test_pictures_and_cameras_survive(self, views, folder):
        again = Views.load(folder, "train")
        np.testing.assert_allclose(again.alpha, views.alpha, atol=0.5 / 255 + 1e-6)
        np.testing.assert_allclose(again.color, views.color, atol=0.5 / 255 + 1e-6)
        np.testing.assert_allclose(again.camera.camera_from_world, views.camera.camera_from_world, atol=1e-12)
        np.testing.assert_allclose(again.camera.intrinsics, views.camera.intrinsics, atol=1e-12)
        assert again.names == views.names

    def test_without_a_split(self, views, tmp_path):
        views.save(tmp_path)
        assert (tmp_path / "transforms.json").is_file()
        np.testing.assert_allclose(Views.load(tmp_path).alpha, views.alpha, atol=0.5 / 255 + 1e-6)

    def test_camera_angle_x_is_the_horizontal_angle(self, folder):
        """A list with `camera_angle_x` alone, as NeRF's are, means the same cameras as one with fl_x."""
        index = folder / "transforms_train.json"
        described = json.loads(index.read_text())
        expected = Views.load(folder, "train").camera.intrinsics
        for frame in described["frames"]:
            for name in ("fl_x", "fl_y", "cx", "cy"):
                del frame[name]
        index.write_text(json.dumps({"camera_angle_x": described["camera_angle_x"], "frames": described["frames"]}))
        np.testing.assert_allclose(Views.load(folder, "train").camera.intrinsics, expected, atol=1e-12)

    @pytest.mark.parametrize(("lens", "n"), [(Lens.OPENCV, 8), (Lens.FISHEYE, 4)])
    def test_distortion_survives(self, views, tmp_path, lens, n):
        camera = replace(views.camera, lens=lens, distortion=np.random.default_rng(1).normal(0, 0.1, (2, n)))
        replace(views, camera=camera).save(tmp_path)
        back = Views.load(tmp_path).camera
        assert back.lens is lens
        np.testing.assert_allclose(back.distortion, camera.distortion)

    @pytest.mark.parametrize("named", [{"camera_model": "OPENCV"}, {"camera_model": "PINHOLE"}, {}, {"is_fisheye": False}])
    def test_distortion_as_nerfstudio_writes_it(self, folder, named):
        """Coefficients for all frames, and fewer than eight. nerfstudio and instant-ngp bend with them whether or not the model is called a pinhole."""
        path = folder / "transforms_train.json"
        described = json.loads(path.read_text()) | {"k1": -0.1, "k2": 0.02, "p1": 1e-3, "p2": -1e-3}
        described.pop("camera_model")
        path.write_text(json.dumps(described | named))
        camera = Views.load(folder, "train").camera
        assert camera.lens is Lens.OPENCV
        np.testing.assert_allclose(camera.distortion, np.tile([-0.1, 0.02, 1e-3, -1e-3, 0, 0, 0, 0], (2, 1)))

    def test_fisheye_as_instant_ngp_writes_it(self, folder):
        path = folder / "transforms_train.json"
        described = json.loads(path.read_text()) | {"is_fisheye": True, "k1": 0.1, "k2": 0.02, "k3": 3e-3, "k4": 4e-4, "p1": 0, "p2": 0}
        described.pop("camera_model")
        path.write_text(json.dumps(described))
        camera = Views.load(folder, "train").camera
        assert camera.lens is Lens.FISHEYE
        np.testing.assert_allclose(camera.distortion, np.tile([0.1, 0.02, 3e-3, 4e-4], (2, 1)))

    def test_pinholes_stay_pinholes(self, folder):
        path = folder / "transforms_train.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | {"k1": 0.0, "k2": 0, "p1": 0.0, "p2": 0.0, "is_fisheye": False}))
        camera = Views.load(folder, "train").camera
        assert (camera.lens, camera.distortion) == (Lens.PERSPECTIVE, None)

    def test_reduced_pictures_keep_the_lens(self, views):
        camera = replace(views.camera, lens=Lens.FISHEYE, distortion=np.full((2, 4), 0.01))
        small = replace(views, camera=camera).reduced(2).camera
        assert small.lens is Lens.FISHEYE
        np.testing.assert_array_equal(small.distortion, camera.distortion)

    @pytest.mark.parametrize("value", ["abc", [1, 2], 10**400])
    def test_distortion_that_is_no_number(self, folder, value):
        path = folder / "transforms_train.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | {"k1": value}))
        with pytest.raises(ValueError, match=r"Views.load: the distortion in .* must be numbers, got"):
            Views.load(folder, "train")

    def test_an_unknown_camera_model(self, folder):
        path = folder / "transforms_train.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | {"camera_model": "EQUIRECTANGULAR"}))
        with pytest.raises(ValueError, match="must have one camera_model, which is PINHOLE, OPENCV, OPENCV_FISHEYE, or none, got EQUIRECTANGULAR"):
            Views.load(folder, "train")

    def test_intrinsics_of_another_size_are_scaled(self, folder):
        index = folder / "transforms_train.json"
        described = json.loads(index.read_text())
        expected = Views.load(folder, "train").camera.intrinsics
        for frame in described["frames"]:
            frame.update({name: 10 * frame[name] for name in ("fl_x", "fl_y", "cx", "cy")})
        index.write_text(json.dumps(described | {"w": 200, "h": 120}))
        np.testing.assert_allclose(Views.load(folder, "train").camera.intrinsics, expected, atol=1e-12)

    def test_pictures_by_another_renderer(self, shared):
        views = Views.load(shared / "data" / "spot_views", "train")
        assert views.alpha.shape == (36, 128, 128)
        np.testing.assert_allclose(np.linalg.norm(views.camera.eye, axis=1), 3.2, atol=1e-2)


class TestReduced:
    def test_averages_blocks(self, views):
        small = views.reduced(4)
        assert small.image_size == (3, 5)
        np.testing.assert_allclose(small.alpha[0, 0, 0], views.alpha[0, :4, :4].mean(), rtol=1e-6)
        weighted = (views.alpha[0, :4, :4, None] * views.color[0, :4, :4]).sum((0, 1)) / views.alpha[0, :4, :4].sum()
        np.testing.assert_allclose(small.color[0, 0, 0], weighted, rtol=1e-5)

    def test_camera_sees_the_same(self, views):
        np.testing.assert_allclose(views.reduced(4).camera.intrinsics, views.camera.intrinsics, atol=1e-12)

    def test_orthographic_cameras_stay_so(self, views):
        camera = Camera.orbit(3.0, [0.0, 10.0], orthographic_height=2.0)
        assert replace(views, camera=camera).reduced(2).camera.lens is Lens.ORTHOGRAPHIC

    def test_camera_follows_what_is_cut_off(self, views):
        """12 x 20 by 5: 2 x 4 blocks, one row cut off at top and bottom: the focal length in screen units grows as the shorter side shrinks."""
        small = views.reduced(5)
        np.testing.assert_allclose(small.camera.intrinsics[:, 0], views.camera.intrinsics[:, 0] * 12 / 10)


class TestFaults:
    def test_orthographic_cameras_cannot_be_saved(self, views, tmp_path):
        with pytest.raises(ValueError, match="must not be orthographic"):
            replace(views, camera=Camera.orbit(3.0, [0.0, 10.0], orthographic_height=2.0)).save(tmp_path)

    @pytest.mark.parametrize("value", ["0.7", None, 10**400])
    def test_intrinsics_that_are_no_numbers(self, folder, value):
        index = folder / "transforms_train.json"
        described = json.loads(index.read_text())
        described["frames"][0]["fl_x"] = value
        index.write_text(json.dumps(described))
        with pytest.raises(ValueError, match="intrinsics in"):
            Views.load(folder, "train")

    def test_missing_picture_is_named(self, folder):
        (folder / "train" / "r_001.png").unlink()
        with pytest.raises(FileNotFoundError, match=r"no picture .*r_001\.png"):
            Views.load(folder, "train")

    def test_missing_list_is_named(self, tmp_path):
        with pytest.raises(FileNotFoundError, match=r"no file .*transforms_train\.json"):
            Views.load(tmp_path, "train")

    @pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"frames": [{}]}', '{"frames": 3}'])
    def test_malformed_list(self, folder, text):
        (folder / "transforms_train.json").write_text(text)
        with pytest.raises(ValueError, match=r"must (list frames|be a JSON file)"):
            Views.load(folder, "train")

    def test_no_frames(self, folder):
        (folder / "transforms_train.json").write_text('{"camera_angle_x": 0.7, "frames": []}')
        with pytest.raises(ValueError, match="at least one frame"):
            Views.load(folder, "train")

    def test_no_focal_length(self, folder):
        index = folder / "transforms_train.json"
        frames = [{name: frame[name] for name in ("file_path", "transform_matrix")} for frame in json.loads(index.read_text())["frames"]]
        index.write_text(json.dumps({"frames": frames}))
        with pytest.raises(ValueError, match="camera_angle_x or fl_x"):
            Views.load(folder, "train")

    def test_singular_matrix(self, folder):
        index = folder / "transforms_train.json"
        described = json.loads(index.read_text())
        described["frames"][0]["transform_matrix"] = np.zeros((4, 4)).tolist()
        index.write_text(json.dumps(described))
        with pytest.raises(ValueError, match="invertible"):
            Views.load(folder, "train")

    def test_picture_without_alpha(self, folder):
        save_picture(folder / "train" / "r_000.png", np.zeros((12, 20, 3)))
        with pytest.raises(ValueError, match="alpha channel"):
            Views.load(folder, "train")

    def test_unreadable_picture(self, folder):
        (folder / "train" / "r_000.png").write_bytes(b"not a picture")
        with pytest.raises(ValueError, match=r"must be a (readable )?picture"):
            Views.load(folder, "train")

    def test_truncated_picture(self, folder):
        path = folder / "train" / "r_000.png"
        path.write_bytes(path.read_bytes()[:200])
        with pytest.raises(ValueError, match=r"must be a (readable )?picture"):
            Views.load(folder, "train")

    def test_pictures_of_different_size(self, folder):
        Image.new("RGBA", (5, 5)).save(folder / "train" / "r_001.png")
        with pytest.raises(ValueError, match=r"size of the first.*r_001"):
            Views.load(folder, "train")
