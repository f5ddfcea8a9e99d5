"""The drop-in's cameras, lights and materials, and what they have in common.

Plan: every method of every kind of camera against its formula in NumPy (float64, 1e-6), and against what PyTorch3D 0.7.9 computes, in float32 as always,
recorded. Fish-eye cameras against their formula, recorded values, and there and back. Batches of properties: how they are kept, read, changed, moved, copied.
Keywords: one that nobody knows raises, one that is known works. Then wrong input.
"""

import copy
import math
import pickle

import numpy as np
import pytest
import torch
from torch.autograd import gradcheck

from taichi_softras.interop import pytorch3d as p3d
from taichi_softras.interop.pytorch3d import renderer
from taichi_softras.interop.pytorch3d.renderer import cameras as camera_module
from taichi_softras.interop.pytorch3d.renderer import utils
from taichi_softras.interop.pytorch3d.utils import cameras_from_opencv_projection, opencv_from_cameras_projection

FOCAL = {"focal_length": ((30.0, 40.0), (20.0, 25.0)), "principal_point": ((25.0, 35.0), (10.0, 20.0)), "in_ndc": False, "image_size": ((60, 50),)}
KINDS = {  # of two cameras each
    "fov": (p3d.FoVPerspectiveCameras, {"fov": (50.0, 70.0), "znear": 0.5, "aspect_ratio": 1.5}),
    "radians": (p3d.FoVPerspectiveCameras, {"fov": (0.8, 1.1), "zfar": 50.0, "degrees": False}),
    "box": (p3d.FoVOrthographicCameras, {"max_x": (2.0, 1.5), "min_y": -3.0, "scale_xyz": ((1.0, 2.0, 3.0),)}),
    "focal": (p3d.PerspectiveCameras, {"focal_length": (1.5, 2.5), "principal_point": ((0.1, 0.2),)}),
    "focal on the screen": (p3d.PerspectiveCameras, FOCAL),
    "parallel": (p3d.OrthographicCameras, {"focal_length": ((1.5, 1.2),), "principal_point": ((0.1, 0.2), (0.3, -0.1))}),
    "parallel on the screen": (p3d.OrthographicCameras, FOCAL),
}
IMAGE_SIZE = (60, 50)
POINTS = torch.tensor(np.random.default_rng(0).uniform(-0.6, 0.6, (2, 6, 3)))


def extrinsics() -> tuple[torch.Tensor, torch.Tensor]:
    eyes = torch.tensor([[2.0, 1.0, 3.0], [-1.0, 2.0, 3.5]], dtype=torch.float64)
    return p3d.look_at_view_transform(eye=eyes, at=((0.1, 0.2, 0.3),))


def made(name: str):
    kind, given = KINDS[name]
    R, T = extrinsics()
    return kind(R=R, T=T, **given)


def by_hand(name: str) -> dict[str, np.ndarray]:
    """POINTS in view space, as `transform_points` gives them, in NDC and in pixels: NumPy, camera by camera."""
    kind, given = KINDS[name]
    R, T = (values.numpy() for values in extrinsics())
    view = POINTS.numpy() @ R + T[:, None]
    x, y, z = np.moveaxis(view, -1, 0)

    def value(key, default):
        rows = np.broadcast_to(np.asarray(given.get(key, default), float).reshape(-1, *np.shape(default)), (2, *np.shape(default)))
        return np.moveaxis(rows[:, None], -1, 0) if np.ndim(default) else rows[:, None]

    height, width = IMAGE_SIZE
    half = min(IMAGE_SIZE) / 2
    if kind in (p3d.FoVPerspectiveCameras, p3d.FoVOrthographicCameras):
        near, far = value("znear", 1.0), value("zfar", 100.0)
        if kind is p3d.FoVPerspectiveCameras:
            tangent = np.tan(value("fov", 60.0) * (np.pi / 180 if given.get("degrees", True) else 1) / 2)
            there = [x / z / tangent / value("aspect_ratio", 1.0), y / z / tangent, far * (z - near) / (far - near) / z]
        else:
            right, left, top, bottom = value("max_x", 1.0), value("min_x", -1.0), value("max_y", 1.0), value("min_y", -1.0)
            scale = value("scale_xyz", (1.0, 1.0, 1.0))
            there = [
                (2 * scale[0] * x - right - left) / (right - left), (2 * scale[1] * y - top - bottom) / (top - bottom), (scale[2] * z - near) / (far - near),
            ]  # fmt: skip
        ndc = there
    else:
        focal = np.asarray(given["focal_length"], float)
        focal = np.broadcast_to(focal[:, None] if focal.ndim == 1 else focal, (2, 2))[:, None]
        point = value("principal_point", (0.0, 0.0))
        divisor, third = (z, 1 / z) if kind is p3d.PerspectiveCameras else (1.0, z)
        there = [focal[..., 0] * x / divisor + point[0], focal[..., 1] * y / divisor + point[1], third]
        ndc = there
        if not given.get("in_ndc", True):  # the point counts to the right and down
            pixels = [point[0] - focal[..., 0] * x / divisor, point[1] - focal[..., 1] * y / divisor]
            ndc = [(width / 2 - pixels[0]) / half, (height / 2 - pixels[1]) / half, third]
    screen = [width / 2 - half * ndc[0], height / 2 - half * ndc[1], ndc[2]]
    return {"view": view, "points": np.stack(there, -1), "ndc": np.stack(ndc, -1), "screen": np.stack(screen, -1)}


@pytest.mark.parametrize("name", KINDS)
class TestFormulas:
    def test_points(self, name):
        cameras, hand = made(name), by_hand(name)
        np.testing.assert_allclose(cameras.get_world_to_view_transform().transform_points(POINTS), hand["view"], atol=1e-6)
        np.testing.assert_allclose(cameras.transform_points(POINTS), hand["points"], atol=1e-6)
        np.testing.assert_allclose(cameras.get_full_projection_transform().transform_points(POINTS), hand["points"], atol=1e-6)
        np.testing.assert_allclose(cameras.transform_points_ndc(POINTS), hand["ndc"], atol=1e-6)
        np.testing.assert_allclose(cameras.transform_points_screen(POINTS, image_size=(IMAGE_SIZE,)), hand["screen"], atol=1e-6)
        unturned = cameras.transform_points_screen(POINTS, with_xyflip=False, image_size=(IMAGE_SIZE,))
        np.testing.assert_allclose(unturned[..., :2], -hand["screen"][..., :2], atol=1e-6)
        to_screen = camera_module.get_ndc_to_screen_transform(cameras, with_xyflip=True, image_size=(IMAGE_SIZE,))
        back = camera_module.get_screen_to_ndc_transform(cameras, with_xyflip=True, image_size=(IMAGE_SIZE,))
        np.testing.assert_allclose(to_screen.transform_points(torch.tensor(hand["ndc"])), hand["screen"], atol=1e-6)
        np.testing.assert_allclose(back.transform_points(torch.tensor(hand["screen"])), hand["ndc"], atol=1e-6)
        R, T = (values.numpy() for values in extrinsics())
        np.testing.assert_allclose(cameras.get_camera_center(), -np.einsum("nij,nj->ni", R, T), atol=1e-6)
        if not name.startswith(("fov", "radians", "box")):
            np.testing.assert_allclose(cameras.get_principal_point(), np.broadcast_to(KINDS[name][1]["principal_point"], (2, 2)), atol=1e-6)

    def test_there_and_back(self, name):
        cameras, hand = made(name), by_hand(name)
        depth = hand["view"][..., 2:]
        for world_coordinates, expected in ((True, POINTS), (False, hand["view"])):
            for given, xy in ((False, hand["points"]), (True, hand["ndc"])):
                xy_depth = torch.tensor(np.concatenate([xy[..., :2], depth], -1))
                points = cameras.unproject_points(xy_depth, world_coordinates=world_coordinates, from_ndc=given)
                np.testing.assert_allclose(points, expected, atol=1e-6)
            if cameras.get_znear() is not None:
                scaled = torch.tensor(hand["points"])
                for points in (
                    cameras.unproject_points(scaled, world_coordinates, True),
                    cameras.unproject_points(scaled, world_coordinates=world_coordinates, scaled_depth_input=True),
                ):
                    np.testing.assert_allclose(points, expected, atol=1e-6)
            else:
                with pytest.raises(ValueError, match="scaled_depth_input must be False for cameras without znear and zfar, got True"):
                    cameras.unproject_points(POINTS, scaled_depth_input=True)
        one = cameras[1]
        xy_depth = torch.tensor(np.concatenate([hand["points"][1, :, :2], depth[1]], -1))
        np.testing.assert_allclose(one.unproject_points(xy_depth), POINTS[1], atol=1e-6)
        np.testing.assert_allclose(one.unproject_points(xy_depth.reshape(2, 3, 3)), POINTS[1].reshape(2, 3, 3), atol=1e-6)

    def test_picked_and_joined(self, name):
        cameras, hand = made(name), by_hand(name)
        for index in (1, -1, [1], torch.tensor([1]), torch.tensor([False, True]), slice(1, 2)):
            one = cameras[index]
            assert type(one) is type(cameras)
            assert len(one) == 1
            np.testing.assert_allclose(one.transform_points_ndc(POINTS[1]), hand["ndc"][1], atol=1e-6)
        joined = renderer.join_cameras_as_batch([cameras[1], cameras, cameras[0]])
        assert joined.in_ndc() == cameras.in_ndc()
        assert joined.is_perspective() == cameras.is_perspective()
        np.testing.assert_allclose(joined.transform_points_ndc(POINTS[[1, 0, 1, 0]]), hand["ndc"][[1, 0, 1, 0]], atol=1e-6)

    def test_as_a_matrix(self, name):
        """K in place of the properties, when it is made and when it is called."""
        cameras = made(name)
        K = cameras.get_projection_transform().get_matrix().mT
        with_K = type(cameras)(K=K, R=cameras.R, T=cameras.T)
        expected = by_hand(name)["points"]
        np.testing.assert_allclose(with_K.transform_points(POINTS), expected, atol=1e-6)
        np.testing.assert_allclose(type(cameras)(R=cameras.R, T=cameras.T).transform_points(POINTS, K=K), expected, atol=1e-6)
        if cameras.get_znear() is not None:
            assert type(cameras)._FIELDS[0] == "K"
            assert cameras.compute_projection_matrix(
                **{key: getattr(cameras, key) for key in cameras._FIELDS if key not in ("K", "R", "T")}
            ).equal(K)  # fmt: skip

    def test_gradient(self, name):
        kind, given = KINDS[name]
        R, T = extrinsics()
        differentiable = {key: torch.tensor(value, dtype=torch.float64) for key, value in given.items() if key not in ("degrees", "in_ndc", "image_size")}
        fixed = {key: value for key, value in given.items() if key not in differentiable}

        def function(R, T, *values):
            cameras = kind(R=R, T=T, **dict(zip(differentiable, values, strict=True)), **fixed)
            points = cameras.transform_points_ndc(POINTS[:, :2])
            return points, cameras.unproject_points(points + 3.0), cameras.get_camera_center()

        assert gradcheck(function, [values.clone().requires_grad_() for values in (R, T, *differentiable.values())])


class TestAsRecorded:
    """What PyTorch3D computes, in float32, with look_at_view_transform(4, 20, 30, at=(.1, .2, .3)): points, in NDC, in pixels, and back of (points + 3)."""

    points = torch.tensor([[0.5, 0.2, 0.1], [-0.3, 0.4, 0.6]])
    recorded = (
        (
            p3d.FoVPerspectiveCameras, {"fov": 50.0, "znear": 0.5, "aspect_ratio": 1.5},
            [[-0.16056562960147858, -0.00494453264400363, 0.8786012530326843], [0.18313057720661163, 0.09267910569906235, 0.8753577470779419]],
            [[-0.16056562960147858, -0.00494453264400363, 0.8786012530326843], [0.18313057720661163, 0.09267910569906235, 0.8753577470779419]],
            [[29.014141082763672, 30.123613357543945, 0.8786012530326843], [20.421735763549805, 27.683021545410156, 0.8753577470779419]],
            [[-6.84059476852417, 4.8546223640441895, 3.4568519592285156], [-6.576023578643799, 5.700204372406006, 2.3343217372894287]],
        ),
        (
            p3d.FoVOrthographicCameras, {"max_x": 2.0, "min_y": -3.0, "scale_xyz": ((1.0, 2.0, 3.0),)},
            [[-0.6309400796890259, 0.49083536863327026, 0.11034811288118362], [-0.002393186092376709, 0.6674829125404358, 0.10733520984649658]],
            [[-0.6309400796890259, 0.49083536863327026, 0.11034811288118362], [-0.002393186092376709, 0.6674829125404358, 0.10733520984649658]],
            [[40.773502349853516, 17.729114532470703, 0.11034811288118362], [25.059829711914062, 13.31292724609375, 0.10733520984649658]],
            [[-4.918511390686035, 3.0449886322021484, 3.107682943344116], [-4.148406505584717, 3.0619170665740967, 2.0415444374084473]],
        ),
        (
            p3d.PerspectiveCameras, {"focal_length": ((30.0, 40.0),), "principal_point": ((25.0, 35.0),), "in_ndc": False, "image_size": ((60, 50),)},
            [[21.63071632385254, 34.907772064208984, 0.25158363580703735], [28.842784881591797, 36.72867965698242, 0.258038192987442]],
            [[-0.1347714066505432, -0.20368905365467072, 0.25158363580703735], [0.15371133387088776, -0.1308528035879135, 0.258038192987442]],
            [[28.369285583496094, 35.092227935791016, 0.25158363580703735], [21.157217025756836, 33.27132034301758, 0.258038192987442]],
            [[2.868335723876953, -1.8080536127090454, 0.6515651345252991], [3.0917751789093018, -2.335676908493042, 0.12990689277648926]],
        ),
        (
            p3d.OrthographicCameras, {"focal_length": 1.5, "principal_point": ((0.1, 0.2),)},
            [[-0.5696151256561279, 0.18625304102897644, 3.974821090698242], [0.8446153402328491, 0.45122432708740234, 3.8753952980041504]],
            [[-0.5696151256561279, 0.18625304102897644, 3.974821090698242], [0.8446153402328491, 0.45122432708740234, 3.8753952980041504]],
            [[39.240379333496094, 25.343673706054688, 3.974821090698242], [3.8846168518066406, 18.719390869140625, 3.8753952980041504]],
            [[-1.782149314880371, 2.3872036933898926, 1.5733554363250732], [-1.577993392944336, 2.3414859771728516, 0.8602967262268066]],
        ),
    )  # fmt: skip

    @pytest.mark.parametrize(("kind", "given", "there", "ndc", "screen", "back"), recorded, ids=lambda value: getattr(value, "__name__", ""))
    def test_points(self, kind, given, there, ndc, screen, back):
        R, T = p3d.look_at_view_transform(4.0, 20.0, 30.0, at=((0.1, 0.2, 0.3),))
        np.testing.assert_allclose(T, [[-0.06339740753173828, -0.08197832107543945, 4.359528064727783]], atol=1e-6)
        cameras = kind(R=R, T=T, **given)
        np.testing.assert_allclose(cameras.transform_points(self.points), there, rtol=1e-5, atol=1e-5)
        np.testing.assert_allclose(cameras.transform_points_ndc(self.points), ndc, rtol=1e-5, atol=1e-5)
        np.testing.assert_allclose(cameras.transform_points_screen(self.points, image_size=((60, 50),)), screen, rtol=1e-5)
        np.testing.assert_allclose(cameras.unproject_points(self.points + 3.0), back, rtol=1e-5)

    def test_scaled_depth(self):
        """A depth of 5.0, where 1 is at zfar, lies behind the eye."""
        points = p3d.FoVPerspectiveCameras().unproject_points(torch.tensor([[0.1, 0.2, 5.0]]), scaled_depth_input=True)
        np.testing.assert_allclose(points, [[-0.014616461470723152, -0.029232922941446304, -0.25316452980041504]], atol=1e-6)


class TestOfTheUsersOwn:
    def test_a_kind_of_camera(self):
        """With the two methods that it must have, and without a matrix."""

        class Half(p3d.CamerasBase):
            _FIELDS = ("R", "T", "factor")

            def __init__(self, factor=2.0, R=torch.eye(3)[None], T=torch.zeros(1, 3), device="cpu"):  # noqa: B008
                super().__init__(device=device, factor=factor, R=R, T=T)

            def transform_points(self, points, eps=None, **kwargs):
                return self.get_world_to_view_transform(**kwargs).transform_points(points) / self.factor[:, None, None]

            def in_ndc(self):
                return True

            def is_perspective(self):
                return False

        cameras = Half(factor=torch.tensor([2.0, 4.0]))
        points = torch.ones(1, 3)
        assert cameras.transform_points_ndc(points)[:, 0, 0].tolist() == [0.5, 0.25]
        on_screen = type("OnScreen", (Half,), {"in_ndc": lambda _: False})(factor=torch.tensor([2.0, 4.0]))
        ndc = on_screen.transform_points_ndc(points, image_size=((2, 2),))
        assert ndc[:, 0].tolist() == [[1.5, 1.5, 0.5], [1.25, 1.25, 0.25]]  # two pixels wide: one is one in NDC, and they begin at the side
        assert renderer.join_cameras_as_batch([cameras, cameras[1]]).factor.tolist() == [2, 4, 4]
        assert camera_module.try_get_projection_transform(cameras, {}) is None
        assert cameras.keywords == {"R", "T", "factor"}
        with pytest.raises(NotImplementedError, match=r"Half.get_projection_transform: a kind of camera must have one, got none"):
            cameras.get_full_projection_transform()
        triangle = torch.tensor([[-1.0, -1, 3], [1, -1, 3], [0, 1, 3]])
        meshes = p3d.Meshes([triangle] * 2, [torch.tensor([[0, 1, 2]])] * 2)
        fragments = p3d.MeshRasterizer(cameras, p3d.RasterizationSettings(image_size=16))(meshes)
        n_seen = (fragments.pix_to_face >= 0).sum((1, 2, 3))
        assert n_seen[0] > 3 * n_seen[1] > 0

    @pytest.mark.parametrize("name", KINDS)
    def test_a_kind_that_moves_points_by_itself(self, name):
        """Another `transform_points` is no other projection: NDC and the screen are those of the matrix, as in the original."""
        kind, hand = type(made(name)), by_hand(name)
        cameras = made(name)
        cameras.__class__ = type("Shifted", (kind,), {"transform_points": lambda self, points, eps=None, **kwargs: points + 100})
        np.testing.assert_array_equal(cameras.transform_points(POINTS), POINTS + 100)
        np.testing.assert_allclose(cameras.transform_points_ndc(POINTS), hand["ndc"], atol=1e-6)
        np.testing.assert_allclose(cameras.transform_points_screen(POINTS, image_size=(IMAGE_SIZE,)), hand["screen"], atol=1e-6)

    @pytest.mark.parametrize("kind", [p3d.PerspectiveCameras, p3d.OrthographicCameras])
    def test_a_kind_that_begins_by_itself(self, kind):
        """With properties of its own, as users of the original write one: past the kind that it is of."""

        class Patch(kind):
            _FIELDS = ("K", "R", "T", "focal_length", "principal_point", "_in_ndc", "image_size", "znear")

            def __init__(self, focal_length: camera_module._FocalLengthType = 1.0, znear=0.1, R=camera_module._R, T=camera_module._T, **more):
                more = {"K": None, "in_ndc": False} | more
                super(kind, self).__init__(focal_length=focal_length, znear=znear, R=R, T=T, _in_ndc=more.pop("in_ndc"), **more)

        more = {"focal_length": ((30.0, 40.0), (20.0, 25.0)), "principal_point": ((25.0, 35.0),), "image_size": ((60, 50),)}
        cameras, expected = Patch(**more, znear=(0.5, 0.25), device="cpu"), kind(**more, in_ndc=False)
        points = torch.rand(2, 6, 3) + torch.tensor([0.0, 0.0, 2.0])
        for method in ("transform_points", "transform_points_ndc", "transform_points_screen"):
            torch.testing.assert_close(getattr(cameras, method)(points), getattr(expected, method)(points))
        assert cameras.get_znear().tolist() == [0.5, 0.25]
        assert cameras[1].znear.tolist() == [0.25]
        assert not cameras[1].in_ndc()

    def test_older_names(self):
        for older, kind, given, same in (
            (renderer.OpenGLPerspectiveCameras, p3d.FoVPerspectiveCameras, {"fov": 40.0}, {"fov": 40.0}),
            (renderer.OpenGLOrthographicCameras, p3d.FoVOrthographicCameras, {"top": 2.0, "left": -3.0}, {"max_y": 2.0, "min_x": -3.0}),
            (renderer.SfMPerspectiveCameras, p3d.PerspectiveCameras, {"focal_length": 2.0}, {"focal_length": 2.0}),
            (renderer.SfMOrthographicCameras, p3d.OrthographicCameras, {"focal_length": 2.0}, {"focal_length": 2.0}),
        ):
            with pytest.warns(PendingDeprecationWarning, match=f"{older.__name__} is an older name of {kind.__name__}"):
                cameras = older(**given)
            assert type(cameras) is kind
            np.testing.assert_array_equal(cameras.transform_points(torch.ones(2, 3)), kind(**same).transform_points(torch.ones(2, 3)))


class TestKeywords:
    def test_cameras(self):
        cameras, points = p3d.FoVPerspectiveCameras(), torch.ones(1, 3)
        for method in (
            cameras.transform_points, cameras.transform_points_ndc, cameras.transform_points_screen, cameras.unproject_points,
        ):  # fmt: skip
            with pytest.raises(TypeError, match=r"FoVPerspectiveCameras: a keyword must be one of K, R, T, aspect_ratio, .*, got focal_length"):
                method(points, focal_length=2.0)
        for method in (cameras.get_projection_transform, cameras.get_world_to_view_transform, cameras.get_camera_center, cameras.get_ndc_camera_transform):
            with pytest.raises(TypeError, match=r"a keyword must be one of .*, got zoom"):
                method(zoom=2.0)
        with pytest.raises(TypeError, match=r"a keyword must be one of .*, got in_ndc"):
            p3d.PerspectiveCameras().transform_points(points, in_ndc=False)
        with pytest.raises(TypeError, match=r"FishEyeCameras: a keyword must be one of .*, got focal_length"):
            p3d.FishEyeCameras().transform_points(points, focal_length=2.0)

    def test_known_ones_work(self):
        R, T = extrinsics()
        for kind, given in (
            (p3d.FoVPerspectiveCameras, {"fov": 40.0, "znear": 0.5, "zfar": torch.tensor(20.0), "aspect_ratio": 1.2}),
            (p3d.FoVOrthographicCameras, {"znear": 0.5, "zfar": 20.0, "max_x": 2.0, "min_x": -1.5, "max_y": 3.0, "min_y": -2.0, "scale_xyz": ((1.0, 2, 3),)}),
            (p3d.PerspectiveCameras, {"focal_length": torch.tensor([2.0, 3.0]), "principal_point": ((0.1, 0.2),)}),
            (p3d.OrthographicCameras, {"focal_length": 2.0, "principal_point": ((0.1, 0.2), (0.3, 0.4))}),
        ):
            expected = kind(R=R, T=T, **given)
            cameras = kind(R=R, T=T)
            np.testing.assert_allclose(cameras.transform_points(POINTS, **given), expected.transform_points(POINTS), atol=1e-6)
            np.testing.assert_allclose(cameras.unproject_points(POINTS + 3, **given), expected.unproject_points(POINTS + 3), atol=1e-6)
            moved = cameras.transform_points(POINTS, T=T + 0.1)
            assert (moved - kind(R=R, T=T + 0.1).transform_points(POINTS)).abs().max() < 1e-6
            np.testing.assert_allclose(cameras.T, T + 0.1)  # as in the original: they are kept

    def test_renderers(self):
        """What one part knows goes to all; what none knows raises; the user's own shader has keywords of its own."""
        verts = torch.tensor([[-1.0, -1, 3], [1, -1, 3], [0, 2, 3.5]])
        meshes = p3d.Meshes([verts], [torch.tensor([[0, 1, 2]])], p3d.TexturesVertex([torch.full((3, 3), 0.5)]))
        cameras = p3d.FoVPerspectiveCameras()
        rasterizer = p3d.MeshRasterizer(cameras, p3d.RasterizationSettings(image_size=16))

        class Twice(p3d.HardPhongShader):
            def forward(self, fragments, meshes, **kwargs):
                return kwargs.pop("factor") * super().forward(fragments, meshes, **kwargs)

        plain = p3d.HardPhongShader(cameras=cameras)
        for shader in (plain, p3d.SoftSilhouetteShader(), p3d.HardPhongShader()):
            render = p3d.MeshRenderer(rasterizer, shader)
            with pytest.raises(TypeError, match=r"MeshRasterizer: a keyword must be one of .*, got light"):
                render(meshes, light=p3d.AmbientLights())
            with pytest.raises(TypeError, match=f"{type(shader).__name__}: a keyword must be one of .*, got light"):
                shader(rasterizer(meshes), meshes, light=p3d.AmbientLights())
        render = p3d.MeshRenderer(rasterizer, plain)
        lit = render(meshes, lights=p3d.AmbientLights(), fov=40.0)
        np.testing.assert_allclose(lit[lit[..., 3] > 0][:, :3], 0.5, atol=1e-6)
        assert lit[..., 3].sum() > render(meshes)[..., 3].sum()
        silhouette = p3d.MeshRenderer(rasterizer, p3d.SoftSilhouetteShader())(meshes, fov=40.0)
        assert silhouette[..., 3].sum() == pytest.approx(lit[..., 3].sum().item(), rel=0.02)
        np.testing.assert_allclose(p3d.MeshRenderer(rasterizer, Twice(cameras=cameras))(meshes, factor=2.0), 2 * render(meshes))


class TestFishEye:
    parameters = {  # noqa: RUF012
        "focal_length": [[200.0]], "principal_point": [[100.0, 80]], "radial_params": [[0.1, -0.05, 0.02, 0.01, -0.01, 0.005]],
        "tangential_params": [[0.01, -0.02]], "thin_prism_params": [[0.01, 0.02, -0.01, 0.005]],
    }  # fmt: skip
    points = torch.tensor([[0.5, 0.2, 1.0], [-0.3, 0.4, 0.6]], dtype=torch.float64)

    def made(self, **given):
        tensors = {name: torch.tensor(value, dtype=torch.float64) for name, value in self.parameters.items()}
        return p3d.FishEyeCameras(**tensors | given)

    def test_as_recorded(self):
        for use_radial, recorded in (
            (True, [[195.17929311599534, 116.096701856615, 1.0], [19.28652008596754, 188.99127634322917, 1.0]]),
            (False, [[201.454260206775, 118.60668869292685, 1.0], [5.9240664366508184, 206.80788120898478, 1.0]]),
        ):
            np.testing.assert_allclose(self.made(use_radial=use_radial).transform_points(self.points), recorded, atol=1e-6)

    def test_formula(self):
        (a, b), k = (self.points[:, :2] / self.points[:, 2:]).numpy().T, self.parameters["radial_params"][0]
        r = np.hypot(a, b)
        theta = np.arctan(r)
        bend = (1 + sum(k[i] * theta ** (2 * i + 2) for i in range(6))) * theta / r
        x, y = a * bend, b * bend
        pixels = self.made(use_tangential=False, use_thin_prism=False).transform_points(self.points)
        np.testing.assert_allclose(pixels[:, :2], np.stack([200 * x + 100, 200 * y + 80], 1), atol=1e-9)
        R_sq, p, s = x * x + y * y, self.parameters["tangential_params"][0], self.parameters["thin_prism_params"][0]
        tangential = self.made(use_thin_prism=False).transform_points(self.points)[:, :2] - pixels[:, :2]
        along = 2 * (x * p[0] + y * p[1])
        np.testing.assert_allclose(tangential, 200 * np.stack([along * x + R_sq * p[0], along * y + R_sq * p[1]], 1), atol=1e-9)
        prism = self.made(use_tangential=False).transform_points(self.points)[:, :2] - pixels[:, :2]
        np.testing.assert_allclose(prism, 200 * np.stack([s[0] * R_sq + s[1] * R_sq**2, s[2] * R_sq + s[3] * R_sq**2], 1), atol=1e-9)

    @pytest.mark.parametrize("use_radial", [True, False])
    @pytest.mark.parametrize("others", [(True, True), (False, True), (False, False)])
    def test_there_and_back(self, use_radial, others):
        """Also the middle of the picture, where the original's is 0/0, and 80 degrees from the axis."""
        cameras = self.made(use_radial=use_radial, use_tangential=others[0], use_thin_prism=others[1], principal_point=torch.zeros(1, 2).double())
        wide = math.tan(math.radians(80)) if use_radial and not any(others) else 1.0
        ahead = torch.cat([self.points, torch.tensor([[0.0, 0, 1], [wide, 0, 1]])]).double()
        np.testing.assert_allclose(cameras.unproject_points(cameras.transform_points(ahead)), ahead / ahead[:, 2:], atol=1e-7)

    def test_batches(self):
        """Each camera by itself; of the world, if it is said."""
        two = {name: torch.tensor(value, dtype=torch.float64).repeat(2, 1) * torch.tensor([[1.0], [0.5]]) for name, value in self.parameters.items()}
        R, T = extrinsics()
        cameras = p3d.FishEyeCameras(**two, R=R, T=T, world_coordinates=1, image_size=(IMAGE_SIZE,))
        for given in (self.points, self.points[None]):
            pixels = cameras.transform_points(given)
            assert pixels.shape == (2, 2, 3)
            for i in range(2):
                one = p3d.FishEyeCameras(**{name: value[i : i + 1] for name, value in two.items()})
                np.testing.assert_allclose(pixels[i], one.transform_points(self.points @ R[i] + T[i]), atol=1e-9)
                np.testing.assert_allclose(cameras[i].transform_points(self.points), pixels[i], atol=1e-9)
        joined = renderer.join_cameras_as_batch([cameras, cameras[1]])
        np.testing.assert_allclose(joined.transform_points(self.points), pixels[[0, 1, 1]], atol=1e-9)
        np.testing.assert_allclose(joined.transform_points_ndc(self.points), pixels[[0, 1, 1]], atol=1e-9)
        assert joined.get_image_size().tolist() == [[60, 50]] * 3
        assert (cameras.focal is cameras.focal_length, cameras.num_radial) == (True, 6)

    def test_gradient(self):
        def function(points, *values):
            cameras = p3d.FishEyeCameras(*values)
            pixels = cameras.transform_points(points)
            return pixels, cameras.unproject_points(pixels + 1.0)

        values = [torch.tensor(value, dtype=torch.float64).requires_grad_() for value in self.parameters.values()]
        assert gradcheck(function, [self.points.clone().requires_grad_(), *values])
        middle = torch.tensor([[0.0, 0.0, 1.0]], dtype=torch.float64, requires_grad=True)
        assert gradcheck(function, [middle, *values])

    def test_rasterised(self):
        """A wall ahead: with a fish-eye the picture of its edge is nearer to the middle. What lies behind is not seen."""
        wall = torch.tensor([[-1.0, -1, 1], [1, -1, 1], [1, 1, 1], [-1, 1, 1], [0, 0, 0], [0.1, 0, 1], [0, 0.1, 1]])
        meshes = p3d.Meshes([wall], [torch.tensor([[0, 1, 2], [0, 2, 3], [4, 5, 6]])])
        settings = p3d.RasterizationSettings(image_size=33, perspective_correct=False)
        seen = {}
        for cameras in (p3d.FishEyeCameras(), p3d.FishEyeCameras(use_radial=False), p3d.PerspectiveCameras()):
            found = p3d.MeshRasterizer(cameras, settings)(meshes).pix_to_face
            assert found.max() == 1
            seen[cameras] = (found >= 0).float().mean()
        fish, straight, pinhole = seen.values()
        assert straight == pinhole
        assert fish < 0.75 * straight


class TestProperties:
    def test_modules(self):
        parts = [p3d.FoVPerspectiveCameras(), p3d.PointLights(), p3d.DirectionalLights(), p3d.AmbientLights(), p3d.Materials(), p3d.FishEyeCameras()]
        assert all(isinstance(part, torch.nn.Module) for part in parts)
        render = p3d.MeshRenderer(p3d.MeshRasterizer(parts[0]), p3d.SoftPhongShader(cameras=parts[0], lights=parts[1]))
        assert {parts[0], parts[1]} <= set(render.modules())
        for part in parts:
            assert not part.isempty()
            assert len(copy.deepcopy(part)) == len(pickle.loads(pickle.dumps(part))) == len(part.clone()) == 1

    def test_an_entry_is_written_through(self):
        lights = p3d.PointLights(location=torch.rand(3, 3))
        lights[1].ambient_color = (0.1, 0.2, 0.3)
        np.testing.assert_allclose(lights.ambient_color, [[0.5] * 3, [0.1, 0.2, 0.3], [0.5] * 3])
        assert lights[1].location.shape == (3,)
        np.testing.assert_array_equal(lights[1].location, lights.location[1])
        lights[1:].location = torch.ones(2, 3)
        assert lights[0:2].location[1].tolist() == lights.location[2].tolist() == [1, 1, 1]
        assert lights.location[0].tolist() != [1, 1, 1]
        assert p3d.PointLights().ambient_color.tolist() == [[0.5] * 3]
        for wrong, error, sentence in (
            (lambda: setattr(lights[1], "ambient_color", torch.ones(2)), ValueError, r"PointLights\[1\]: ambient_color must have shape \(3,\), got \(2,\)"),
            (
                lambda: setattr(lights[1], "brightness", 1.0),
                AttributeError,
                "an entry has the tensors of the batch, got brightness, which is none",
            ),
            (lambda: lights[1].device, AttributeError, "an entry has the tensors of the batch, got device, which is device"),
            (lambda: lights["1"], TypeError, "PointLights: the index must be a number or a slice, got str"),
        ):
            with pytest.raises(error, match=sentence):
                wrong()

    def test_moved_in_place(self):
        cameras = p3d.FoVPerspectiveCameras(fov=torch.tensor([40.0, 50.0]))
        assert cameras.to("cpu") is cameras
        assert cameras.to("meta") is cameras
        assert cameras.device.type == cameras.fov.device.type == cameras.R.device.type == "meta"

    def test_copied(self):
        cameras = p3d.FoVPerspectiveCameras(fov=torch.tensor([40.0, 50.0]), degrees=False)
        copied = cameras.clone()
        cameras.fov[0] = 1.0
        assert (type(copied), copied.fov.tolist(), copied.degrees, len(copied)) == (p3d.FoVPerspectiveCameras, [40, 50], False, 2)
        other = p3d.TensorProperties()
        assert p3d.TensorProperties(color=torch.ones(2, 3), name="red").clone(other) is other
        assert (other.color.tolist(), other.name, len(other)) == ([[1, 1, 1]] * 2, "red", 2)

    def test_gathered(self):
        lights = p3d.PointLights(location=torch.arange(6.0).reshape(2, 3), ambient_color=((0.1, 0.2, 0.3),))
        gathered = lights.gather_props(torch.tensor([1, 0, 1]))
        assert gathered is lights
        assert lights.location[:, 0].tolist() == [3, 0, 3]
        assert p3d.Materials().gather_props(torch.tensor([0, 0])).shininess.shape == (1,)

    def test_of_the_users_own(self):
        own = p3d.TensorProperties(dtype=torch.float64, a=1.0, b=((1, 2),), c=np.ones((3, 4)), d=None, e="text", f=True)
        assert (own.a.shape, own.b.shape, own.c.shape, own.d, own.e, own.f) == ((3,), (3, 2), (3, 4), None, "text", True)
        assert own.a.dtype is torch.float64
        assert p3d.TensorProperties(a=0.1, b=torch.zeros(1).double()).a.item() == 0.1
        assert p3d.TensorProperties().isempty()
        with pytest.raises(TypeError, match="TensorProperties: a must be numbers or a tensor, got dict"):
            p3d.TensorProperties(a={})
        with pytest.raises(ValueError, match="TensorProperties: a must have 1 or 3 entries, got 2"):
            p3d.TensorProperties(a=torch.ones(2), b=torch.ones(3))

    def test_numbers(self):
        a, b, c = renderer.convert_to_tensors_and_broadcast(1, torch.tensor([[1, 2]]), [1.0, 2.0, 3.0], dtype=torch.float64)
        assert (a.tolist(), a.dtype) == ([1, 1, 1], torch.float64)
        assert (b.tolist(), b.dtype) == ([[1, 2]] * 3, torch.int64)  # a tensor keeps its own
        assert c.tolist() == [1, 2, 3]
        assert utils.format_tensor(2).tolist() == [2.0]
        with pytest.raises(ValueError, match="convert_to_tensors_and_broadcast: argument 0 must have 1 or 3 entries, got 2"):
            renderer.convert_to_tensors_and_broadcast([1.0, 2.0], [1.0, 2.0, 3.0])


class TestLightsAndMaterials:
    def test_numbers(self):
        for shininess in (10, 10.0, torch.tensor(10.0), (10.0,), np.float32(10.0)):
            assert p3d.Materials(shininess=shininess).shininess.tolist() == [10]
        for color in (0.25, torch.tensor(0.25), (0.25, 0.25, 0.25), [[0.25, 0.25, 0.25]], torch.full((3,), 0.25)):
            for made in (p3d.Materials(diffuse_color=color), p3d.PointLights(diffuse_color=color), p3d.DirectionalLights(diffuse_color=color)):
                assert made.diffuse_color.tolist() == [[0.25] * 3]
        assert p3d.PointLights(location=(1, 2, 3)).location.tolist() == [[1, 2, 3]]

    def test_channels(self):
        lights = p3d.AmbientLights(ambient_color=torch.rand(2, 5))
        points = torch.rand(2, 4, 3)
        for dark in (lights.diffuse(points, points), lights.specular(points, points, torch.zeros(1, 3), torch.ones(1))):
            assert dark.shape == (2, 4, 5)
            assert (dark == 0).all()
        colors = {f"{name}_color": torch.rand(1, 5) for name in ("ambient", "diffuse", "specular")}
        materials = p3d.Materials(**colors)
        assert (materials.ambient_color * lights.ambient_color).shape == (2, 5)
        assert p3d.Materials(**dict.fromkeys(colors, 1.0)).ambient_color.shape == (1, 1)
        with pytest.raises(ValueError, match=r"Materials: diffuse_color must have shape \(N, 5\), got \(1, 3\)"):
            p3d.Materials(ambient_color=torch.rand(1, 5))

    def test_functions_take_numbers(self):
        normals, points = torch.rand(2, 4, 3).double(), torch.rand(2, 4, 3).double()
        tensors = {name: torch.tensor([value]).double() for name, value in (("color", (0.3, 0.2, 0.1)), ("direction", (1.0, 2.0, 3.0)))}
        numbers = {name: tuple(tensor[0].tolist()) for name, tensor in tensors.items()}
        np.testing.assert_array_equal(p3d.diffuse(normals, **numbers), p3d.diffuse(normals, **tensors))
        eye = torch.tensor([[0.0, 3.0, 4.0]]).double()
        expected = p3d.specular(points, normals, camera_position=eye, shininess=torch.tensor([7.0]).double(), **tensors)
        for shininess in (7, 7.0, torch.tensor([7])):
            np.testing.assert_array_equal(p3d.specular(points, normals, camera_position=(0.0, 3.0, 4.0), shininess=shininess, **numbers), expected)
        assert p3d.PointLights(location=torch.rand(2, 3)).reshape_location(torch.zeros(2, 4, 5, 6, 3)).shape == (2, 1, 1, 1, 3)


class TestAroundCameras:
    def test_eye_at_up(self):
        R, T = extrinsics()
        eye, at, up = renderer.camera_to_eye_at_up(camera_module.get_world_to_view_transform(R, T))
        np.testing.assert_allclose(eye, [[2, 1, 3], [-1, 2, 3.5]], atol=1e-6)
        for again, given in zip(p3d.look_at_view_transform(eye=eye, at=at, up=up), (R, T), strict=True):
            np.testing.assert_allclose(again, given, atol=1e-6)

    def test_turned_on_the_spot(self):
        """Ten degrees about the view's y axis: to the right, so that what was ahead stands to the left."""
        R, T = extrinsics()
        turn = p3d.axis_angle_to_matrix(torch.tensor([0.0, math.radians(10), 0.0], dtype=torch.float64))
        before, after = p3d.PerspectiveCameras(R=R, T=T), p3d.PerspectiveCameras(**dict(zip("RT", renderer.rotate_on_spot(R, T, turn), strict=True)))
        np.testing.assert_allclose(after.get_camera_center(), before.get_camera_center(), atol=1e-6)
        ahead = before.unproject_points(torch.tensor([[0.0, 0.0, 2.0]], dtype=torch.float64).expand(2, 1, 3))
        np.testing.assert_allclose(after.transform_points(ahead)[..., 0], [[math.tan(math.radians(10))]] * 2, atol=1e-6)
        one = renderer.rotate_on_spot(R[0], T[0], turn[None].expand(3, 3, 3))
        assert (one[0].shape, one[1].shape) == ((3, 3, 3), (3, 3))

    @pytest.mark.parametrize("size", [(48, 64), (64, 48)])
    def test_opencv(self, size):
        """Pixels by K (R x + t)."""
        R = p3d.axis_angle_to_matrix(torch.tensor([[0.1, 0.2, 0.3], [-0.2, 0.1, 0.4]], dtype=torch.float64))
        t = torch.tensor([[0.1, -0.2, 3.0], [0.3, 0.1, 4.0]], dtype=torch.float64)
        K = torch.tensor([[[50.0, 0, 30], [0, 60, 20], [0, 0, 1]], [[70.0, 0, 35], [0, 65, 25], [0, 0, 1]]], dtype=torch.float64)
        image_size = torch.tensor([size] * 2)
        x = (K @ (R @ POINTS.mT + t[:, :, None])).mT
        cameras = cameras_from_opencv_projection(R, t, K, image_size)
        np.testing.assert_allclose(cameras.transform_points_screen(POINTS)[..., :2], x[..., :2] / x[..., 2:], atol=1e-6)
        on_screen = p3d.PerspectiveCameras(
            R=cameras.R, T=cameras.T, focal_length=K.diagonal(dim1=1, dim2=2)[:, :2], principal_point=K[:, :2, 2], in_ndc=False, image_size=image_size
        )
        np.testing.assert_allclose(on_screen.transform_points_screen(POINTS)[..., :2], x[..., :2] / x[..., 2:], atol=1e-6)
        for given in (cameras, on_screen):
            for back, expected in zip(opencv_from_cameras_projection(given, image_size), (R, t, K), strict=True):
                np.testing.assert_allclose(back, expected, atol=1e-6)

    @pytest.mark.parametrize("size", [(4, 6), (6, 4), (5, 5)])
    def test_pictures_at_points_of_ndc(self, size):
        """At the middles of pixels, a picture's own values; x is counted to the left, y up."""
        height, width = size
        picture = torch.rand(2, 3, height, width, dtype=torch.float64)
        x, y = (-(2 * torch.arange(side).double() + 1 - side) / min(size) for side in (width, height))
        grid = torch.stack(torch.broadcast_tensors(x[None], y[:, None]), -1).expand(2, height, width, 2)
        np.testing.assert_allclose(renderer.ndc_grid_sample(picture, grid), picture, atol=1e-12)
        np.testing.assert_allclose(renderer.ndc_grid_sample(picture, grid[:, 1, 2], mode="nearest"), picture[..., 1, 2], atol=1e-12)
        outside = renderer.ndc_grid_sample(picture, grid[:, 0] * 9, padding_mode="border")
        assert outside.shape == (2, 3, width)
        np.testing.assert_allclose(outside[..., 0], picture[..., 0, 0], atol=1e-12)
        corner = torch.tensor([[width / min(size), -height / min(size)]])
        np.testing.assert_allclose(renderer.ndc_to_grid_sample_coords(corner, size), [[-1, 1]], atol=1e-6)

    def test_image_size(self):
        assert utils.parse_image_size(5) == utils.parse_image_size([5, 5]) == (5, 5)
        assert utils.parse_image_size((4, 6)) == (4, 6)
        for wrong in ((1, 2, 3), (0, 4), 2.5, (4.0, 4)):
            with pytest.raises((TypeError, ValueError), match="parse_image_size: image"):
                utils.parse_image_size(wrong)

    def test_rasterised_as_a_function(self):
        """As `MeshRasterizer` does it, of what it makes of the meshes."""
        verts = torch.tensor([[-1.0, -1, 3], [1, -1, 3], [0, 2, 0.3], [0.5, 0.5, 4.0]])
        meshes = p3d.Meshes([verts] * 2, [torch.tensor([[0, 1, 2], [1, 3, 2]])] * 2)
        settings = {"image_size": (9, 12), "blur_radius": 1e-2, "faces_per_pixel": 2, "perspective_correct": True, "z_clip_value": 0.5}
        rasterizer = p3d.MeshRasterizer(p3d.FoVPerspectiveCameras(), p3d.RasterizationSettings(**settings))
        found = renderer.rasterize_meshes(rasterizer.transform(meshes), clip_barycentric_coords=True, **settings)
        assert (found[0] >= 0).sum() > 20
        for ours, expected in zip(found, rasterizer(meshes), strict=True):
            np.testing.assert_allclose(ours, expected, atol=1e-5)
        assert renderer.rasterize_meshes(rasterizer.transform(meshes), image_size=4)[0].shape == (2, 4, 4, 8)


@pytest.mark.parametrize(
    ("function", "sentence"),
    [
        (lambda: p3d.FoVPerspectiveCameras()[1], r"FoVPerspectiveCameras: the index must be of cameras 0 to 0, got \[1\]"),
        (lambda: p3d.FoVPerspectiveCameras()["0"], "the index must be a number, a slice, a list of numbers, or a tensor of int64 or bool, got str"),
        (lambda: p3d.FoVPerspectiveCameras()[torch.tensor([True, False])], r"an index of True and False must have shape \(1,\), got \(2,\)"),
        (lambda: p3d.FoVPerspectiveCameras().transform_points(torch.zeros(1, 3), fov=torch.ones(1, 2)), r"fov must have shape \(N,\), got \(1, 2\)"),
        (lambda: p3d.PerspectiveCameras().transform_points(torch.zeros(1, 3), principal_point=0.0), r"principal_point must have shape \(N, 2\), got \(1,\)"),
        (lambda: p3d.PerspectiveCameras().unproject_points(torch.zeros(1, 2)), r"unproject_points: xy_depth must have shape \(..., 3\), got \(1, 2\)"),
        (lambda: p3d.FishEyeCameras(tangential_params=torch.zeros(1, 3)), r"FishEyeCameras: tangential_params must have shape \(N, 2\), got \(1, 3\)"),
        (lambda: p3d.FishEyeCameras(focal_length=torch.zeros(1, 3)), r"focal_length must have shape \(N, 1\) or \(N, 2\), got \(1, 3\)"),
        (lambda: p3d.FishEyeCameras(image_size=((0, 1),)), r"image_size must be \(height, width\) of at least 1"),
        (lambda: p3d.FishEyeCameras().transform_points(torch.zeros(2)), r"points must have shape \(P, 3\), \(1, P, 3\), or \(M, P, 3\)"),
        (lambda: p3d.FishEyeCameras().get_projection_transform(), "FishEyeCameras.get_projection_transform: a kind of camera must have one, got none"),
        (lambda: renderer.join_cameras_as_batch([]), "join_cameras_as_batch: cameras_list must hold at least one, got none"),
        (lambda: renderer.join_cameras_as_batch([1]), "cameras_list must hold cameras, got int"),
        (lambda: renderer.join_cameras_as_batch([p3d.PerspectiveCameras(), p3d.OrthographicCameras()]), "must be of one kind, PerspectiveCameras, got Ortho"),
        (
            lambda: renderer.join_cameras_as_batch([p3d.PerspectiveCameras(), p3d.PerspectiveCameras(in_ndc=False)]),
            r"in_ndc must be the same for all cameras, got \[True, False\]",
        ),
        (
            lambda: renderer.join_cameras_as_batch([p3d.PerspectiveCameras(), p3d.PerspectiveCameras(image_size=((4, 5),))]),
            "image_size must be given for all cameras, or for none, got it for 1 of 2",
        ),
        (lambda: renderer.rotate_on_spot(torch.eye(4), torch.zeros(3), torch.eye(3)), r"rotate_on_spot: R must have shape \(3, 3\) or \(N, 3, 3\)"),
        (lambda: renderer.rotate_on_spot(torch.eye(3).expand(2, 3, 3), torch.zeros(3, 3), torch.eye(3)), "R must be of 1 camera or 3, got 2"),
        (lambda: renderer.camera_to_eye_at_up(torch.eye(4)), "camera_to_eye_at_up: world_to_view_transform must be a Transform3d, got Tensor"),
        (lambda: opencv_from_cameras_projection(p3d.FoVPerspectiveCameras(), ((4, 5),)), "cameras must be PerspectiveCameras, got FoVPerspectiveCameras"),
        (
            lambda: cameras_from_opencv_projection(torch.eye(3)[None], torch.zeros(1, 3), torch.eye(3)[None], torch.zeros(1, 3)),
            r"cameras_from_opencv_projection: image_size must have shape \(N, 2\) with N = 1, got \(1, 3\)",
        ),
        (lambda: renderer.ndc_grid_sample(torch.zeros(1, 2, 3), torch.zeros(1, 2)), r"ndc_grid_sample: input must have shape \(B, C, H, W\), got \(1, 2, 3\)"),
        (lambda: renderer.ndc_grid_sample(torch.zeros(1, 2, 3, 4), torch.zeros(2, 2)), r"grid_ndc must have shape \(B, ..., 2\) with B = 1, got \(2, 2\)"),
        (lambda: renderer.rasterize_meshes(torch.zeros(1, 3)), "rasterize_meshes: meshes must be Meshes, got Tensor"),
        (lambda: p3d.AmbientLights(ambient_color=torch.zeros(1, 1, 3)), r"AmbientLights: ambient_color must have shape \(N, C\), got \(1, 1, 3\)"),
    ],
)
def test_sentences(function, sentence):
    with pytest.raises((TypeError, ValueError, IndexError, NotImplementedError), match=sentence):
        function()
