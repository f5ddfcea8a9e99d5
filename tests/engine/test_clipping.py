"""Clipping at the near plane: the pieces of faces, and a camera that stands inside a mesh.

Plan: random triangles in two images against polygons clipped one by one in NumPy: areas, winding, order, what is carried over. What crosses nothing, what
leaves nothing, and what is not finite. Then pictures from inside a box, against the distance to its walls. Gradients: `interop/test_clipping_gradcheck.py`.
"""

import numpy as np
import pytest

from taichi_softras import Camera, FieldArrays, Mesh, RasterizeSettings, TaichiArrays, Topology, render_mesh
from taichi_softras.engine import Clipped, RenderedImage, clip_near, render
from taichi_softras.language import ti

PLANE = 0.25
AT_ORIGIN = Camera.look_at((0, 0, 0), (0, 0, -1))  # its camera space is the world
INSIDE = RasterizeSettings(sigma=1e-6, gamma=1e-5, near=2 * PLANE, far=20.0)


def soup(seed: int = 0, n_faces: tuple[int, ...] = (40, 25)) -> tuple[Topology, np.ndarray]:
    """Triangles with no vertex in common around the plane, in camera space."""
    n = 3 * sum(n_faces)
    vertices = np.random.default_rng(seed).normal([0, 0, -PLANE], 1.0, (n, 3))
    return Topology.batch([np.arange(3 * count).reshape(count, 3) for count in n_faces], [3 * count for count in n_faces]), vertices


def clip(topology: Topology, vertices: np.ndarray, plane: float = PLANE) -> Clipped | None:
    arrays = TaichiArrays(ti.f64)
    return clip_near(arrays, topology, arrays.parameter(vertices), plane)


def ahead_of_plane(corners: np.ndarray) -> np.ndarray:
    """[n, 3] the polygon that the plane leaves of a triangle [3, 3], by walking around it."""
    polygon = []
    for a, b in zip(corners, np.roll(corners, -1, 0), strict=True):
        if -a[2] >= PLANE:
            polygon.append(a)
        if (-a[2] >= PLANE) != (-b[2] >= PLANE):
            polygon.append(a + (b - a) * (PLANE + a[2]) / (a[2] - b[2]))
    return np.array(polygon).reshape(-1, 3)


def vector_area(polygon: np.ndarray) -> np.ndarray:
    """Half the sum of the cross products around it: its normal times its area."""
    return np.cross(polygon, np.roll(polygon, -1, 0)).sum(0) / 2


class TestPieces:
    def test_they_are_the_part_ahead(self):
        """Their vector areas add up to that of the clipped polygon, and none is wound the other way."""
        topology, vertices = soup()
        clipped = clip(topology, vertices)
        pieces = clipped.vertices_camera.to_numpy()[clipped.topology.faces]
        origin = clipped.face_origin
        assert {len(ahead_of_plane(vertices[face])) for face in topology.faces} == {0, 3, 4}
        for f, face in enumerate(topology.faces):
            expected = vector_area(ahead_of_plane(vertices[face]))
            areas = np.array([vector_area(piece) for piece in pieces[origin == f]]).reshape(-1, 3)
            np.testing.assert_allclose(areas.sum(0), expected, atol=1e-12)
            assert (areas @ expected > 0).all()
        assert (-pieces[..., 2] >= PLANE).all()

    def test_the_order_is_kept(self):
        topology, vertices = soup()
        clipped = clip(topology, vertices)
        assert (np.diff(clipped.face_origin) >= 0).all()
        np.testing.assert_array_equal(clipped.topology.face_image, topology.face_image[clipped.face_origin])
        np.testing.assert_array_equal(clipped.topology.face_source, topology.face_source[clipped.face_origin])
        n, m = len(vertices), len(clipped.vertices_camera.to_numpy()) - len(vertices)
        assert clipped.topology.n_vertices == n + m
        np.testing.assert_array_equal(clipped.topology.vertex_source, np.arange(n + m))
        for corner in range(3):  # every piece is in the image of its vertices
            np.testing.assert_array_equal(clipped.topology.vertex_image[clipped.topology.faces[:, corner]], clipped.topology.face_image)

    def test_cut_vertices(self):
        """Those given are not touched, and those that are cut lie in the plane, exactly."""
        topology, vertices = soup()
        found = clip(topology, vertices).vertices_camera.to_numpy()
        np.testing.assert_array_equal(found[: len(vertices)], vertices)
        assert len(found) > len(vertices)
        assert (found[len(vertices) :, 2] == -PLANE).all()

    def test_rows_are_carried_over(self):
        """Numbers that are linear in space are so at the cuts; rows that no vertex owns alone (a seam of a texture) as well."""
        topology, vertices = soup()
        clipped = clip(topology, vertices)
        arrays = TaichiArrays(ti.f64)
        linear = np.random.default_rng(1).normal(size=(3, 5))
        shuffled = np.random.default_rng(2).permutation(len(vertices))
        corner_rows = np.argsort(shuffled)[topology.faces].astype(np.int32)
        for given, rows, corners in ((topology.feature_faces, vertices @ linear, None), (corner_rows, vertices[shuffled] @ linear, corner_rows)):
            cut, new_corners = clipped.cut_rows(arrays.parameter(rows), given)
            if corners is None:
                np.testing.assert_array_equal(new_corners, clipped.topology.feature_faces)
            expected = clipped.vertices_camera.to_numpy()[clipped.topology.faces] @ linear
            np.testing.assert_allclose(cut.to_numpy()[new_corners], expected, atol=1e-12)

    def test_corner_weights(self):
        topology, vertices = soup()
        clipped = clip(topology, vertices)
        weights, corners = clipped.corner_weights()
        weights = weights.to_numpy()[corners]
        np.testing.assert_allclose(weights.sum(-1), 1, atol=1e-12)
        expected = clipped.vertices_camera.to_numpy()[clipped.topology.faces]
        np.testing.assert_allclose(np.einsum("fkq,fqc->fkc", weights, vertices[topology.faces[clipped.face_origin]]), expected, atol=1e-12)

    def test_one_mesh_in_two_images(self):
        """Each camera has cuts of its own; the features are shared."""
        vertices = np.array([[0.0, 0, -1], [1, 0, -1], [0, 1, 1]])
        topology = Topology.shared(np.array([[0, 1, 2]]), 3, 2)
        clipped = clip(topology, np.concatenate([vertices, vertices - [0, 0, 0.5]]))
        assert clipped.topology.faces.tolist() == [[6, 0, 7], [7, 0, 1], [8, 3, 9], [9, 3, 4]]
        assert clipped.topology.feature_faces.tolist() == [[3, 0, 4], [4, 0, 1], [5, 0, 6], [6, 0, 1]]
        assert clipped.topology.vertex_image.tolist() == [0, 0, 0, 1, 1, 1, 0, 0, 1, 1]
        heights = clipped.vertices_camera.to_numpy()[6:, 1]
        np.testing.assert_allclose(heights, [0.375, 0.375, 0.625, 0.625])

    def test_faces_that_share_an_edge_stay_joined(self):
        """Each has a cut vertex of its own, at the same place to the last bit, in single precision."""
        rng = np.random.default_rng(3)
        vertices = rng.normal([0, 0, -PLANE], [1, 1, 100], (200, 4, 3))
        topology = Topology.shared(np.concatenate([np.array([[0, 1, 2], [2, 1, 3]]) + 4 * k for k in range(200)]), 800)
        arrays = TaichiArrays()
        clipped = clip_near(arrays, topology, arrays.parameter(vertices.reshape(-1, 3)), PLANE)
        cut = clipped.vertices_camera.to_numpy()[800:]
        crossed = ((-vertices[:, 1, 2] >= PLANE) != (-vertices[:, 2, 2] >= PLANE)).sum()
        assert crossed > 50
        assert len(cut) - len(np.unique(cut, axis=0)) >= crossed

    def test_an_edge_almost_parallel_to_the_plane(self):
        """Its ends differ by the last bit: the cut is between them."""
        vertices = np.array([[0.0, 0, -PLANE], [1, 0, np.nextafter(-PLANE, 0)], [0, 1, -PLANE - 1]])
        found = clip(Topology.shared(np.array([[0, 1, 2]]), 3), vertices).vertices_camera.to_numpy()
        assert np.isfinite(found).all()
        assert ((found[3:] >= [0, 0, -PLANE]) & (found[3:] <= [1, 1, -PLANE])).all()

    def test_any_depth(self):
        """Parallel projections see what is beside the eye, and behind it."""
        topology, vertices = soup()
        expected = clip(topology, vertices).vertices_camera.to_numpy()
        for plane in (0.0, -0.5):
            shift = np.array([0, 0, PLANE - plane])
            found = clip(topology, vertices + shift, plane)
            np.testing.assert_allclose(found.vertices_camera.to_numpy(), expected + shift, atol=1e-9)

    def test_fields(self):
        """What runs on Vulkan: the same pieces."""
        topology, vertices = soup(4, (3, 2))
        fields, arrays = FieldArrays(), TaichiArrays()
        clipped = [clip_near(library, topology, library.parameter(vertices), PLANE) for library in (fields, arrays)]
        rows = [there.corner_weights()[0].to_numpy() for there in clipped]
        np.testing.assert_array_equal(*rows)
        np.testing.assert_array_equal(*(there.vertices_camera.to_numpy() for there in clipped))


class TestNothingToCut:
    def test_none_crosses(self):
        """Ahead, behind, and touching the plane from ahead: a vertex on it counts as ahead."""
        triangle, back = np.array([[0.0, 0, 0], [1, 0, 0], [0, 1, 0]]), np.array([0.0, 0, 1])
        ahead, behind, touching = triangle - back, triangle + back, triangle - np.outer([1, PLANE, PLANE], back)
        topology = Topology.batch([np.array([[0, 1, 2]])] * 3, [3] * 3)
        assert clip(topology, np.concatenate([ahead, behind, touching])) is None
        clipped = clip(topology, np.concatenate([ahead, behind, touching + 1e-9 * back]))
        assert clipped.face_origin.tolist() == [0, 1, 2]  # of the one behind, a point
        clipped = clip(topology, np.concatenate([touching, touching, touching + 1e-9 * back]))
        assert clipped.topology.faces.tolist() == [[0, 1, 2], [3, 4, 5], [6, 9, 10]]

    def test_nothing_is_left_of_an_image(self):
        """The other image is what it would be alone, and this one is empty, on every way to make alpha."""
        triangle, back = np.array([[-1.0, -1, -2], [1, -1, -2], [0, 1, 1]]), np.array([0.0, 0, 3])
        topology = Topology.batch([np.array([[0, 1, 2]])] * 2, [3] * 2)
        arrays = TaichiArrays(ti.f64)
        clipped = clip_near(arrays, topology, arrays.parameter(np.concatenate([triangle + back, triangle])), PLANE)
        assert clipped.topology.faces.tolist() == [[0, 0, 0], [6, 3, 7], [7, 3, 4]]
        assert clipped.topology.face_image.tolist() == [0, 1, 1]
        image = picture(arrays, topology, np.concatenate([triangle + back, triangle]), AT_ORIGIN[[0, 0]])
        assert (image.alpha.to_numpy()[0] == 0).all()
        assert image.alpha.to_numpy()[1].max() > 0.99

    @pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
    @pytest.mark.parametrize("coordinate", [0, 2])
    def test_not_finite(self, value, coordinate):
        """Left to the binning, whose sentence names the face as it was given."""
        topology, vertices = soup(5)
        vertices[100, coordinate] = value
        arrays = TaichiArrays(ti.f64)
        assert clip_near(arrays, topology, arrays.parameter(vertices), PLANE) is None
        with pytest.raises(ValueError, match=r"vertices must be finite, got NaN or infinity in face 33 of the batch \(vertices \[99, 100, 101\]\)"):
            picture(arrays, topology, vertices, AT_ORIGIN[[0, 0]])

    def test_bad_input(self):
        topology, vertices = soup()
        with pytest.raises(ValueError, match="clip_near: plane must be a finite number between -inf and inf"):
            clip(topology, vertices, np.nan)
        with pytest.raises(ValueError, match=r"clip_near: vertices_camera must have shape \(N, 3\) with N = 195, got \(194, 3\)"):
            clip(topology, vertices[1:])
        clipped = clip(topology, vertices)
        rows = TaichiArrays(ti.f64).parameter(vertices)
        with pytest.raises(ValueError, match=r"cut_rows: corner_rows must have shape \(F, 3\) with F = 65, got \(64, 3\)"):
            clipped.cut_rows(rows, topology.faces[1:])


def picture(arrays: TaichiArrays, topology: Topology, vertices: np.ndarray, camera: Camera, size=(24, 31)) -> RenderedImage:
    """The faces seen from the world, with colours that are linear in space."""
    colors, background = (arrays.real(values) for values in (0.5 + 0.2 * vertices, np.zeros((topology.n_images, 3))))
    return render(arrays, topology, arrays.parameter(vertices), colors, background, camera.on(arrays), INSIDE, size)


class TestInsideABox:
    """Twelve faces, most of which cross the plane, seen from inside."""

    BOX = np.array([[x, y, z] for x in (-1.5, 1.0) for y in (-1.0, 1.2) for z in (-1.0, 2.0)])
    FACES = np.array([[0, 1, 3], [0, 3, 2], [4, 6, 7], [4, 7, 5], [0, 4, 5], [0, 5, 1], [2, 3, 7], [2, 7, 6], [0, 2, 6], [0, 6, 4], [1, 5, 7], [1, 7, 3]])
    EYES = np.array([[0.0, 0.1, 0.2], [-0.3, 0.0, 0.9]])
    TARGETS = np.array([[0.4, 0.2, -1.0], [1.0, 0.3, 1.4]])
    SIZE = (24, 31)

    def depths(self, camera: Camera) -> np.ndarray:
        """[B, H, W] the depth of the wall that each pixel sees: the nearest of six planes along its ray."""
        height, width = self.SIZE
        x, y = (2 * np.arange(width) + 1 - width) / height, (height - 2 * np.arange(height) - 1) / height
        fx, fy, cx, cy = camera.intrinsics.T[:, :, None, None]
        rays = np.broadcast_arrays((x - cx) / fx, (y[:, None] - cy) / fy, -1.0)
        rotation = camera.camera_from_world[:, :, :3]
        rays_world = np.einsum("bji,bhwj->bhwi", rotation, np.stack(rays, -1))
        walls = np.where(rays_world > 0, self.BOX.max(0), self.BOX.min(0))
        return ((walls - self.EYES[:, None, None]) / rays_world).min(-1)

    @pytest.mark.parametrize("real", [ti.f32, ti.f64])
    def test_alpha_depth_and_color(self, real):
        camera = Camera.look_at(self.EYES, self.TARGETS, fov=100)
        topology = Topology.shared(self.FACES, 8, 2)
        vertices_camera = np.einsum("bij,vj->bvi", camera.camera_from_world[:, :, :3], self.BOX) + camera.camera_from_world[:, None, :, 3]
        behind = (-vertices_camera.reshape(-1, 3)[:, 2] < PLANE)[topology.faces].sum(1)
        assert ((behind == 1) | (behind == 2)).sum() > 12  # of 24
        image, expected = picture(TaichiArrays(real), topology, self.BOX, camera, self.SIZE), self.depths(camera)
        visible = expected > INSIDE.near
        assert visible.mean() > 0.9
        assert expected.min() < 1.2 * INSIDE.near < expected.max() / 2
        alpha = image.alpha.to_numpy()[visible]
        assert alpha.min() > 0.74  # on the very edge of two faces: each covers a half
        assert (alpha > 0.999).mean() > 0.97
        np.testing.assert_allclose(image.depth.to_numpy()[visible], expected[visible], rtol=2e-3)
        points = (image.color.to_numpy()[visible] - 0.5) / 0.2
        to_walls = np.abs(points[:, None] - np.stack([self.BOX.min(0), self.BOX.max(0)])).min((1, 2))
        assert (to_walls < 1e-3).mean() > 0.98
        assert points.std(0).min() > 0.3

    def test_render_mesh(self):
        camera = Camera.look_at(self.EYES, self.TARGETS, fov=100)
        image = render_mesh(Mesh(vertices=self.BOX, faces=self.FACES, colors=0.5 + 0.2 * self.BOX), camera, self.SIZE, INSIDE)
        expected = picture(TaichiArrays(), Topology.shared(self.FACES, 8, 2), self.BOX, camera, self.SIZE)
        np.testing.assert_array_equal(image.depth, expected.depth.to_numpy())

    def test_a_mesh_that_is_ahead_is_not_touched(self):
        sphere = Mesh.icosphere(1)
        topology = Topology.shared(sphere.faces, len(sphere.vertices))
        assert clip(topology, sphere.vertices - [0, 0, 3]) is None
