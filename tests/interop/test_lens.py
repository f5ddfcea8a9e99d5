"""Lenses that bend: OpenCV's distortion and fisheye.

Plan: places on the screen against a transcription of OpenCV's formulas in NumPy (itself compared with OpenCV once: see `OPENCV_SAYS`); finite differences to
vertices, pose, intrinsics and coefficients; nothing is seen twice where a polynomial turns back; numbers are finite on the axis, beside and behind the camera;
in a picture, straight lines bend the way that they should.
"""

from dataclasses import replace

import numpy as np
import pytest
import torch
from scenes import IMAGE_SIZE, SMOOTH, world_scene
from test_gradcheck import check, mixtures

from taichi_softras import Camera, Convention, Lens, Mesh, RasterizeSettings, Renderer, Topology, losses
from taichi_softras.interop import losses as torch_losses
from taichi_softras.interop import render
from taichi_softras.interop.bridge import TorchArrays
from taichi_softras.kernels.projection import project_op
from taichi_softras.language import ti
from taichi_softras.scene import distortion_limit
from taichi_softras.scene.camera import SLOPES

OPENCV = np.array([-0.21, 0.09, 0.004, -0.003, 0.02, 0.05, -0.01, 0.003])
FISHEYE = np.array([-0.03, 0.02, -0.008, 0.001])
POINTS = np.random.default_rng(0).uniform([-0.8, -0.6, -3.0], [0.8, 0.6, -1.2], (40, 3))


def opencv(points: np.ndarray, d: np.ndarray) -> np.ndarray:
    """[P, 2] of points in OpenCV's axes (y down), by the equations of calib3d's documentation."""
    x, y = points[:, 0] / points[:, 2], points[:, 1] / points[:, 2]
    k1, k2, p1, p2, k3, k4, k5, k6 = d
    r2 = x**2 + y**2
    radial = (1 + k1 * r2 + k2 * r2**2 + k3 * r2**3) / (1 + k4 * r2 + k5 * r2**2 + k6 * r2**3)
    return np.stack([x * radial + 2 * p1 * x * y + p2 * (r2 + 2 * x**2), y * radial + p1 * (r2 + 2 * y**2) + 2 * p2 * x * y], -1)


def fisheye(points: np.ndarray, d: np.ndarray) -> np.ndarray:
    """As :func:`opencv`, of its fisheye module."""
    r = np.hypot(points[:, 0], points[:, 1])
    theta = np.arctan2(r, points[:, 2])
    bent = theta * (1 + d[0] * theta**2 + d[1] * theta**4 + d[2] * theta**6 + d[3] * theta**8)
    return points[:, :2] * (bent / r)[:, None]


MODELS = {Lens.OPENCV: (opencv, OPENCV), Lens.FISHEYE: (fisheye, FISHEYE)}

# What cv2 5.0 says of the point (0.4, -0.3, 1.5) in its axes with these coefficients: projectPoints and fisheye.projectPoints, with K the unit matrix.
OPENCV_SAYS = {Lens.OPENCV: (0.2581515718710676, -0.19341923445885623), Lens.FISHEYE: (0.2566539509517939, -0.1924904632138454)}


def camera_of(lens: Lens, distortion: np.ndarray | None = None, n: int = 1) -> Camera:
    poses = np.tile(np.eye(4)[:3], (n, 1, 1))
    return Camera.from_matrices(
        poses, np.array([[10.0, 0, 10], [0, 10, 10], [0, 0, 1]]), (20, 20), lens=lens, distortion=MODELS[lens][1] if distortion is None else distortion
    )


def project(camera: Camera, points: torch.Tensor | np.ndarray) -> torch.Tensor:
    points = torch.as_tensor(points)
    arrays, n = TorchArrays.of("test", points=points), len(points)
    limit = torch.tensor(distortion_limit(camera.lens, camera.distortion))
    inputs = [points, *(torch.tensor(array) for array in (camera.intrinsics, camera.distortion))]
    return arrays.run(project_op(arrays.variant, camera.lens), inputs, [(n, 3)], (limit, torch.zeros(n, dtype=torch.int32), n))[0]


@pytest.mark.parametrize("lens", MODELS, ids=lambda lens: lens.name)
class TestPlaces:
    def test_formulas(self, lens):
        model, coefficients = MODELS[lens]
        np.testing.assert_allclose(model(np.array([[0.4, -0.3, 1.5]]), coefficients)[0], OPENCV_SAYS[lens], rtol=0, atol=1e-9)
        got = project(replace(camera_of(lens), intrinsics=np.array([[1.0, 1.0, 0.0, 0.0]])), POINTS).detach().numpy()
        expected = model(POINTS * [1, -1, -1], coefficients) * [1, -1]
        np.testing.assert_allclose(got, np.concatenate([expected, -POINTS[:, 2:]], 1), rtol=0, atol=1e-14)

    def test_pixels_of_a_calibrated_camera(self, lens):
        """K and the coefficients as OpenCV calibrates them, a pose in its convention: the pixel is where OpenCV says."""
        model, coefficients = MODELS[lens]
        k = np.array([[300.0, 0, 170], [0, 310, 110], [0, 0, 1]])
        camera = Camera.from_matrices(np.eye(4)[None], k, (240, 320), convention=Convention.OPENCV, lens=lens, distortion=coefficients)
        in_opencv = POINTS * [1, -1, -1]
        pixels = model(in_opencv, coefficients) * k[[0, 1], [0, 1]] + k[:2, 2]
        got = project(camera, POINTS).detach().numpy()
        np.testing.assert_allclose(np.stack([got[:, 0] * 120 + 160, 120 - got[:, 1] * 120], -1), pixels, atol=1e-10)

    def test_finite_on_the_axis_beside_and_behind(self, lens):
        points = np.array([[0.0, 0, -2], [1e-9, 0, -2], [0.5, 0.2, 0], [0, 0, 0], [0.3, -0.1, 2], [0, 0, 2], [1e6, -1e6, -1], [1e-7, 1e-7, 1]])
        given = torch.tensor(points, requires_grad=True)
        screen = project(camera_of(lens), given)
        assert screen.isfinite().all()
        assert torch.autograd.grad(screen.sum(), given)[0].isfinite().all()
        centre = project(camera_of(lens), points[:1])
        assert centre[0, :2].abs().max() < 1e-12
        scene = torch.tensor(np.array([[0.0, 0, -2], [1, 0, -2], [0, 1, -2], [0.3, -0.1, 2]]), dtype=torch.float32, requires_grad=True)
        image = render(scene, np.array([[0, 1, 2], [0, 2, 3]]), camera_of(lens), torch.rand(4, 3), settings=SMOOTH, image_size=12)
        (image.alpha.sum() + image.color.sum()).backward()
        assert scene.grad.isfinite().all()
        assert scene.grad.abs().max() > 0

    def test_nothing_is_seen_twice(self, lens):
        """With a strong barrel distortion the bare polynomial would bring a point far outside back into the picture."""
        distortion = np.array([-0.4, 0.0, 0, 0, 0, 0, 0, 0]) if lens is Lens.OPENCV else np.array([-0.4, 0.0, 0, 0])
        camera = camera_of(lens, distortion)
        limit, slope = distortion_limit(lens, camera.distortion)[0]
        assert slope == pytest.approx(1 + 3 * distortion[0] * limit**2)
        assert slope == pytest.approx(SLOPES[0], abs=1e-9)
        angle = np.linspace(0.01, 1.55, 300)
        seen = project(camera, np.stack([np.tan(angle), 0 * angle, -np.ones(300)], -1))[:, 0].detach().numpy()
        assert (np.diff(seen) > 0).all()
        where = np.tan(angle) if lens is Lens.OPENCV else angle
        bare = where * (1 + distortion[0] * where**2)
        assert bare[-1] < 0.4 < seen[-1]
        np.testing.assert_allclose(seen[where < limit], bare[where < limit], atol=1e-12)
        np.testing.assert_allclose(np.diff(seen[where > limit]), 0.1 * np.diff(where[where > limit]), rtol=1e-5)
        far_out = torch.tensor(
            np.array([[4.0, -0.2, -1], [4.4, -0.2, -1], [4.2, 0.2, -1]]) if lens is Lens.OPENCV else np.array([[9.0, -2, -1], [30, -2, -1], [30, 2, -1]])
        )
        camera = replace(camera, intrinsics=np.array([[1.0, 1.0, 0.0, 0.0]]) / np.abs(bare[where < limit]).max())
        assert render(far_out, np.array([[0, 1, 2]]), camera, settings=RasterizeSettings(sigma=1e-6), image_size=32).alpha.max() == 0


class TestFarOutside:
    """Of Lens.OPENCV: what only its tangential part, or its growing radial part, does to points beside the camera."""

    def test_tangential_part_brings_nothing_back(self):
        """p1 r^2 alone would turn back at 1/(6 p1), and show what is at 88 degrees in the middle of the picture."""
        d = np.array([0.0, 0, 0.01, 0.0005, 0, 0, 0, 0])
        camera = replace(camera_of(Lens.OPENCV, d), intrinsics=np.array([[1.0, 1.0, 0.0, 0.0]]))
        limit = distortion_limit(Lens.OPENCV, camera.distortion)[0, 0]
        assert 10 < limit < 16
        r, around = np.linspace(0.1, 60, 600), np.linspace(0, 2 * np.pi, 24, endpoint=False)
        for direction in np.stack([np.cos(around), np.sin(around)], -1):
            points = np.concatenate([r[:, None] * direction, -np.ones((600, 1))], 1)
            seen = project(camera, points)[:, :2].detach().numpy()
            outwards = np.diff(seen @ direction) / np.diff(r)
            assert (outwards > 0.1 - 1e-9).all()
            assert np.abs(np.diff(outwards)).max() < 0.05  # no kink at the limit
            np.testing.assert_allclose(seen[r < limit], opencv(points[r < limit] * [1, -1, -1], d) * [1, -1], atol=1e-12)
        triangle = torch.tensor([[-1.0, 32, -1], [1, 32, -1], [0, 34, -1]], dtype=torch.float64)
        assert np.abs(opencv(triangle.numpy() * [1, -1, -1], d)).min(0).max() < 1  # there the bare formulas show it
        assert render(triangle, np.array([[0, 1, 2]]), camera, settings=RasterizeSettings(sigma=1e-6, near=0.1), image_size=16).alpha.max() == 0

    @pytest.mark.parametrize("r", [10, 1000])
    def test_pincushion_stays_within_single_precision(self, r):
        """r^7 of a vertex beside the camera would overflow: the triangle, which covers the middle, would be lost and its gradient NaN."""
        camera = replace(camera_of(Lens.OPENCV, np.array([0.3, 0.1, 0, 0, 0.05, 0, 0, 0])), intrinsics=np.array([[1.0, 1.0, 0.0, 0.0]]))
        vertices = torch.tensor([[-0.5, -0.5, -2], [0.5, -0.5, -2], [0, 0.1 * r, -0.1]], requires_grad=True)
        image = render(vertices, np.array([[0, 1, 2]]), camera, torch.ones(3, 3), settings=RasterizeSettings(sigma=1e-4, near=0.1), image_size=16)
        assert image.alpha[0, 8, 8] > 0.99
        (image.alpha.sum() + image.color.sum()).backward()
        assert vertices.grad.isfinite().all()


@pytest.mark.parametrize(("lens", "coefficients", "outwards"), [(Lens.OPENCV, -0.2, True), (Lens.OPENCV, 0.2, False), (Lens.FISHEYE, 0.0, True)])
def test_straight_lines_bend(lens, coefficients, outwards):
    """The upper edge of a finely divided square: barrel distortion and fisheye make it bulge outwards in the middle of the side, a pincushion inwards."""
    n = 16
    x, y = np.meshgrid(np.linspace(-1, 1, n + 1), np.linspace(-1, 1, n + 1))
    corner = np.arange((n + 1) * n).reshape(n, n + 1)[:, :n].ravel()
    faces = np.concatenate([np.stack([corner, corner + 1, corner + n + 2], -1), np.stack([corner, corner + n + 2, corner + n + 1], -1)])
    camera = camera_of(lens, np.array([coefficients, 0, 0, 0]))
    vertices = torch.tensor(np.stack([x.ravel(), y.ravel(), np.full(x.size, -1.6)], -1))
    covered = render(vertices, faces, camera, settings=RasterizeSettings(sigma=1e-6), image_size=96).alpha[0] > 0.5
    height = covered.sum(0)  # of the square at each column, in pixels
    middle, side = height[48], height[height.nonzero().min() + 4]
    assert middle - side >= 3 if outwards else side - middle >= 3
    half = 1 / 1.6
    expected = np.arctan(half) if lens is Lens.FISHEYE else half * (1 + coefficients * half**2)
    assert middle == pytest.approx(96 * expected, abs=1.0)


@pytest.mark.usefixtures("one_lane")
@pytest.mark.parametrize("lens", MODELS, ids=lambda lens: lens.name)
def test_gradient(lens):
    scene = world_scene(91)
    coefficients = MODELS[lens][1] * np.array([[1.0], [0.7]])
    camera = replace(scene.camera, lens=lens, distortion=coefficients)

    def function(vertices, colors, camera_from_world, intrinsics, distortion):
        seen = replace(camera, camera_from_world=camera_from_world, intrinsics=intrinsics, distortion=distortion)
        return mixtures(render(vertices, scene.topology, seen, colors, settings=SMOOTH, image_size=IMAGE_SIZE))

    check(function, scene.vertices, scene.colors, camera.camera_from_world, camera.intrinsics, camera.distortion)


@pytest.mark.usefixtures("one_lane")
@pytest.mark.parametrize("lens", MODELS, ids=lambda lens: lens.name)
def test_gradient_beyond_the_limit(lens):
    """There, too: the limit moves with the coefficients, and the place does not, to first order."""
    distortion = torch.tensor(np.array([[-0.4, 0.02, 0, 0, 0, 0, 0, 0]]) if lens is Lens.OPENCV else np.array([[-0.3, 0.02, 0.0, 0.0]]))
    points, camera = torch.tensor([[2.0, 1.0, -1.0], [-3.0, 2.0, -1.3]], dtype=torch.float64), camera_of(lens)
    arrays = TorchArrays.of("test", points=points)

    def function(points, distortion):
        limit = torch.tensor(distortion_limit(lens, distortion.detach().numpy()))
        inputs = (points, torch.tensor(camera.intrinsics), distortion)
        return arrays.run(project_op(arrays.variant, lens), inputs, [(2, 3)], (limit, torch.zeros(2, dtype=torch.int32), 2))[0]

    check(function, points, distortion)


def test_no_coefficients_is_no_distortion():
    mesh, pose = Mesh.icosphere(2), Camera.orbit(2.5, 10, 20)
    plain = render(torch.tensor(mesh.vertices), mesh.faces, pose, image_size=16).alpha
    for lens, n in ((Lens.OPENCV, 8), (Lens.FISHEYE, 4)):
        bent = render(torch.tensor(mesh.vertices), mesh.faces, replace(pose, lens=lens, distortion=np.zeros((1, n))), image_size=16).alpha
        assert torch.allclose(plain, bent, atol=1e-5) == (lens is Lens.OPENCV)


def test_on_taichi_arrays():
    """Coefficients as a Taichi array, on the tape, give the gradient that torch finds."""
    scene, target = world_scene(92), np.zeros((2, 13, 21), np.float32)
    renderer = Renderer(IMAGE_SIZE, SMOOTH)
    distortion, vertices, loss = (renderer.parameter(values) for values in (OPENCV * np.array([[1.0], [0.7]]), scene.vertices, np.zeros(1)))
    camera = replace(scene.camera, lens=Lens.OPENCV, distortion=distortion)
    with ti.ad.Tape(loss):
        losses.silhouette_iou(renderer(vertices, scene.topology, camera).alpha, renderer.parameter(target + 0.5), into=loss)
    given = torch.tensor(OPENCV * np.array([[1.0], [0.7]]), dtype=torch.float32, requires_grad=True)
    image = render(torch.tensor(scene.vertices, dtype=torch.float32), scene.topology, replace(camera, distortion=given), settings=SMOOTH, image_size=IMAGE_SIZE)
    torch_losses.silhouette_iou(image.alpha, torch.full((2, 13, 21), 0.5)).backward()
    assert given.grad.abs().max() > 1e-3
    np.testing.assert_allclose(distortion.grad.to_numpy(), given.grad, rtol=2e-4, atol=1e-6)


class TestFaults:
    def test_shapes(self):
        camera = Camera.orbit()
        with pytest.raises(ValueError, match=r"Camera: distortion must be None with Lens\.PERSPECTIVE, got one"):
            replace(camera, distortion=np.zeros((1, 8)))
        with pytest.raises(ValueError, match=r"Camera: distortion must be given with Lens\.FISHEYE, got None"):
            replace(camera, lens=Lens.FISHEYE)
        with pytest.raises(ValueError, match=r"Camera: distortion must have shape \(B, 8\).*got \(1, 5\)"):
            replace(camera, lens=Lens.OPENCV, distortion=np.zeros((1, 5)))
        with pytest.raises(ValueError, match="Camera: distortion must be finite"):
            replace(camera, lens=Lens.OPENCV, distortion=np.full((1, 8), np.nan))
        with pytest.raises(ValueError, match=r"Camera.from_matrices: distortion must have 4 or 5 or 8 coefficients.*got shape \(6,\)"):
            camera_of(Lens.OPENCV, np.zeros(6))
        with pytest.raises(ValueError, match=r"Camera.from_matrices: distortion must be radial and tangential, got a thin prism"):
            camera_of(Lens.OPENCV, np.ones((1, 12)))
        with pytest.raises(TypeError, match=r"Camera: lens must be one of Lens\.PERSPECTIVE, .*, got 'fisheye'"):
            replace(camera, lens="fisheye")

    def test_short_coefficients(self):
        for n in (4, 5, 8):
            expected = np.concatenate([OPENCV[:n], np.zeros(8 - n)])
            assert np.array_equal(camera_of(Lens.OPENCV, OPENCV[:n], 2).distortion, [expected, expected])
        assert np.array_equal(camera_of(Lens.OPENCV, n=3)[1:].distortion, [OPENCV, OPENCV])

    def test_as_opencv_returns_them(self):
        """[1, 5], [5, 1], and with the rational model [1, 14]; its fisheye module [4, 1]."""
        for shape in ((1, 8), (8, 1)):
            assert np.array_equal(camera_of(Lens.OPENCV, OPENCV.reshape(shape), 2).distortion, [OPENCV, OPENCV])
        assert np.array_equal(camera_of(Lens.OPENCV, np.concatenate([OPENCV, np.zeros(6)])[None], 2).distortion, [OPENCV, OPENCV])
        assert np.array_equal(camera_of(Lens.FISHEYE, FISHEYE[:, None], 2).distortion, [FISHEYE, FISHEYE])


def test_topology_is_not_asked_for_a_lens():
    """A batch: each camera bends by its own coefficients."""
    mesh = Mesh.icosphere(2)
    distortion = np.array([[0.0] * 8, [-0.3] + [0.0] * 7])
    both = replace(Camera.orbit(2.5, 10, [20, 20]), lens=Lens.OPENCV, distortion=distortion)
    vertices, topology = torch.tensor(mesh.vertices), Topology.shared(mesh.faces, len(mesh.vertices), 2)
    alpha = render(vertices, topology, both, image_size=32).alpha
    assert alpha[1].sum() < alpha[0].sum() * 0.95
