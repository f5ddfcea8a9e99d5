"""Kaolin's ops on meshes and clouds, and its metrics of both, against formulas written down with loops, in float64.

Plan: a class a module: values, gradients against finite differences, what is empty or without extent. What is nearest, inside, drawn or cut into four is tested
where it is made (`engine`, `scene`); here that it is handed on with Kaolin's shapes, orders and numbers. Random numbers are those that Kaolin's own docstrings
print of a seed, and evenly drawn.
"""

import math
import random as random_of_python

import numpy as np
import pytest
import torch
from torch.autograd import gradcheck

from taichi_softras import Mesh
from taichi_softras.interop import kaolin

ops, batch, metrics = kaolin.ops.mesh, kaolin.ops.batch, kaolin.metrics
GENERATOR = torch.Generator().manual_seed(8)
FACES = torch.tensor([[0, 1, 2], [2, 1, 3], [3, 1, 4]])  # of six vertices, the last of nobody
QUADS = torch.tensor([[0, 1, 2, 3], [3, 2, 4, 5]])


def random(*shape: int) -> torch.Tensor:
    return torch.rand(*shape, generator=GENERATOR, dtype=torch.float64)


VERTICES = random(2, 6, 3)


def around(faces: torch.Tensor, n: int) -> list[set[int]]:
    found: list[set[int]] = [set() for _ in range(n)]
    for face in faces.tolist():
        for i, j in zip(face, face[1:] + face[:1], strict=True):
            found[i].add(j)
            found[j].add(i)
    return found


class TestNeighbours:
    @pytest.mark.parametrize("faces", [FACES, QUADS])
    def test_matrices(self, faces):
        adjacency = np.zeros((6, 6))
        for i, near in enumerate(around(faces, 6)):
            adjacency[i, sorted(near)] = 1
        for sparse in (True, False):
            found = ops.adjacency_matrix(6, faces, sparse)
            assert found.is_sparse == sparse
            np.testing.assert_array_equal(found.to_dense(), adjacency)
        laplacian = adjacency / np.maximum(adjacency.sum(1, keepdims=True), 1) - np.eye(6)
        np.testing.assert_allclose(ops.uniform_laplacian(6, faces), laplacian, rtol=1e-6)
        smoothed = metrics.trianglemesh.uniform_laplacian_smoothing(VERTICES, faces)
        np.testing.assert_allclose(smoothed, (laplacian + np.eye(6)) @ VERTICES.numpy(), rtol=1e-12)

    def test_gradients(self):
        vertices = VERTICES.clone().requires_grad_()
        assert gradcheck(lambda v: metrics.trianglemesh.uniform_laplacian_smoothing(v, FACES), vertices)
        assert gradcheck(lambda v: metrics.trianglemesh.average_edge_length(v, FACES), vertices)


class TestFaces:
    def test_corners(self):
        corners = ops.index_vertices_by_faces(VERTICES, QUADS)
        flat, faces = ops.unindex_vertices_by_faces(corners)
        torch.testing.assert_close(ops.index_vertices_by_faces(flat, faces), corners)

    def test_average(self):
        features = random(2, 3, 3, 4)
        for n, found in ((6, ops.average_face_vertex_features(FACES, features, 6)), (5, ops.average_face_vertex_features(FACES, features))):
            for v in range(n):
                at = [features[:, f, k] for f in range(3) for k in range(3) if FACES[f, k] == v]
                torch.testing.assert_close(found[:, v], sum(at) / len(at) if at else torch.zeros(2, 4, dtype=torch.float64))
        torch.testing.assert_close(ops.compute_vertex_normals(FACES, features[..., :3], 6), ops.average_face_vertex_features(FACES, features, 6)[..., :3])
        assert gradcheck(lambda f: ops.average_face_vertex_features(FACES, f, 6), features.clone().requires_grad_())

    def test_areas_and_lengths(self):
        a, b, c = VERTICES.numpy()[:, FACES].swapaxes(0, 2).swapaxes(1, 2)
        areas = np.linalg.norm(np.cross(b - a, c - a), axis=2) / 2
        np.testing.assert_allclose(ops.face_areas(VERTICES, FACES), areas, rtol=1e-12)
        lengths = sum(np.linalg.norm(p - q, axis=2) for p, q in ((a, b), (b, c), (c, a))) / 3
        np.testing.assert_allclose(metrics.trianglemesh.average_edge_length(VERTICES, FACES), lengths, rtol=1e-12)
        packed = ops.packed_face_areas(VERTICES.flatten(0, 1), torch.tensor([0, 6, 12]), torch.cat([FACES, FACES[:2]]), torch.tensor([3, 2]))
        np.testing.assert_allclose(packed, np.r_[areas[0], areas[1, :2]], rtol=1e-12)
        assert gradcheck(lambda v: ops.face_areas(v, FACES), VERTICES.clone().requires_grad_())
        nothing = torch.zeros(1, 3, 3, dtype=torch.float64, requires_grad=True)
        ops.face_areas(nothing, FACES[:1]).sum().backward()
        assert not nothing.grad.any()

    def test_a_face_of_the_next_mesh(self):
        with pytest.raises(ValueError, match="packed_face_areas: faces must index the vertices of their own mesh, got one of the next"):
            ops.packed_face_areas(VERTICES.flatten(0, 1), torch.tensor([0, 4, 12]), torch.cat([FACES, FACES]), torch.tensor([3, 3]))

    def test_tangents(self):
        """On a plane: along which u grows; of a mirrored texture the other way; a normal that leans takes its share away."""
        positions = torch.tensor([[0.0, 0, 0], [2, 0, 0], [0, 1, 0]]).double()
        uvs = positions[:, :2] @ torch.tensor([[0.5, 0.0], [0.0, 3.0]]).double()
        faces, normals = torch.tensor([[0, 1, 2]]), torch.tensor([[0.0, 0, 1], [0, 0, 1], [0.6, 0, 0.8]]).double()
        for sign in (1, -1):
            mirrored = uvs * torch.tensor([sign, 1.0]).double()
            found = ops.vertex_tangents(faces, positions[faces], mirrored[faces], normals)
            torch.testing.assert_close(found, sign * torch.tensor([[1.0, 0, 0], [1, 0, 0], [0.8, 0, -0.6]]).double())
        given = [VERTICES[0][FACES], random(3, 3, 2), torch.nn.functional.normalize(random(6, 3), dim=1)]
        assert gradcheck(lambda *tensors: ops.vertex_tangents(FACES, *tensors)[:5], [tensor.clone().requires_grad_() for tensor in given])


class TestSamples:
    def test_points_features_and_faces(self):
        """Features that are the positions are the points; each point is on the face that is named."""
        torch.manual_seed(0)
        points, face, features = ops.sample_points(VERTICES, FACES, 50, face_features=ops.index_vertices_by_faces(VERTICES, FACES))
        assert points.shape == (2, 50, 3)
        assert face.dtype == torch.int64
        torch.testing.assert_close(features, points)
        for mesh in range(2):
            distance, _, _ = metrics.trianglemesh.point_to_mesh_distance(points[mesh][:, None], VERTICES[mesh][FACES[face[mesh]]][:, None])
            assert float(distance.max()) < 1e-24

    def test_given_areas(self):
        _, face = ops.sample_points(VERTICES, FACES, 200, areas=torch.tensor([[0.0, 1, 0], [1, 0, 0]]).double())
        assert face.unique(dim=1).tolist() == [[1], [0]]

    def test_packed(self):
        firsts, faces, numbers = torch.tensor([0, 6, 12]), torch.cat([FACES, FACES[:2]]), torch.tensor([3, 2])
        torch.manual_seed(0)
        points, face = ops.packed_sample_points(VERTICES.flatten(0, 1), firsts, faces, numbers, 100)
        assert (sorted(set(face[0].tolist())), sorted(set(face[1].tolist()))) == ([0, 1, 2], [3, 4])
        for mesh, of_mesh in ((0, FACES), (1, FACES[:2])):
            distance, _, _ = metrics.trianglemesh.point_to_mesh_distance(points[mesh][None], VERTICES[mesh][of_mesh][None])
            assert float(distance.max()) < 1e-24

    def test_gradients(self):
        def function(vertices, features):
            torch.manual_seed(1)
            points, _, at = ops.sample_points(vertices, FACES, 3, face_features=features)
            return points, at

        assert gradcheck(function, (VERTICES.clone().requires_grad_(), random(2, 3, 3, 1).requires_grad_()))


class TestSubdivision:
    @pytest.mark.parametrize("with_alpha", [False, True])
    def test_once(self, with_alpha):
        """Loop's masks, face by face; new corners are numbered by their edges."""
        n = 5
        vertices, alpha = VERTICES[:, :n], random(2, n) if with_alpha else None
        found, faces = ops.subdivide_trianglemesh(vertices, FACES, 1, alpha)
        near = around(FACES, n)
        edges = sorted({tuple(sorted((i, j))) for i in range(n) for j in near[i]})
        expected = []
        for v in range(n):
            k = len(near[v])
            loop = 9 / 16 if k == 3 else 5 / 8 - (3 / 8 + np.cos(2 * np.pi / k) / 4) ** 2
            share = alpha[:, v, None] if with_alpha else loop
            expected.append((1 - share) * vertices[:, v] + share * vertices[:, sorted(near[v])].mean(1))
        for i, j in edges:
            opposite = [v for face in FACES.tolist() if i in face and j in face for v in face if v not in (i, j)]
            ends = vertices[:, i] + vertices[:, j]
            expected.append(3 / 8 * ends + sum(vertices[:, v] for v in opposite) / 8 if len(opposite) == 2 else ends / 2)
        torch.testing.assert_close(found, torch.stack(expected, 1))
        middle = {edge: n + e for e, edge in enumerate(edges)}
        children = []
        for a, b, c in FACES.tolist():
            ab, bc, ca = (middle[tuple(sorted(edge))] for edge in ((a, b), (b, c), (c, a)))
            children += [[b, bc, ab], [a, ab, ca], [c, ca, bc], [ca, ab, bc]]
        assert faces.tolist() == children

    def test_alpha_goes_on(self):
        """Twice at once is once and once, with the alphas of the new vertices; with zero the old vertices stay."""
        vertices, alpha = VERTICES[:, :5], random(2, 5)
        twice, faces = ops.subdivide_trianglemesh(vertices, FACES, 2, alpha)
        once, between = ops.subdivide_trianglemesh(vertices, FACES, 1, alpha)
        carried = ops.subdivide_trianglemesh(alpha[:, :, None].expand(-1, -1, 3), FACES, 1, torch.zeros_like(alpha))[0][:, :, 0]
        torch.testing.assert_close(ops.subdivide_trianglemesh(once, between, 1, carried)[0], twice)
        assert faces.shape == (48, 3)
        torch.testing.assert_close(ops.subdivide_trianglemesh(vertices, FACES, 3, torch.zeros_like(alpha))[0][:, :5], vertices)

    def test_gradients(self):
        assert gradcheck(lambda v, a: ops.subdivide_trianglemesh(v, FACES, 2, a)[0], (VERTICES[:1, :5].clone().requires_grad_(), random(1, 5).requires_grad_()))


class TestDistances:
    def test_to_a_mesh(self):
        """Where on a face the nearest place is: inside, three corners, three edges; of two meshes."""
        face = torch.tensor([[0.0, 0, 0], [1, 0, 0], [0, 1, 0]]).double()
        points = torch.tensor([[0.2, 0.3, 2], [-1, -1, 0], [3, -1, 0], [-1, 3, 0], [0.5, -1, 0], [1, 1, 0], [-1, 0.5, 0]]).double()
        far = face + torch.tensor([0.0, 0, 9])
        distance, index, kind = metrics.trianglemesh.point_to_mesh_distance(torch.stack([points, points + 9]), torch.stack([torch.stack([far, face])] * 2))
        torch.testing.assert_close(distance[0], torch.tensor([4.0, 2, 5, 5, 1, 0.5, 1]).double())
        assert index.tolist() == [[1] * 7, [0] * 7]
        assert kind[0].tolist() == [0, 1, 2, 3, 4, 5, 6]
        assert (index.dtype, kind.dtype) == (torch.int64, torch.int32)

    def test_gradients(self):
        given = [random(2, 4, 3).requires_grad_(), random(2, 3, 3, 3).requires_grad_()]  # faces that share no corner
        assert gradcheck(lambda p, f: metrics.trianglemesh.point_to_mesh_distance(p, f)[0], given)

    def test_sided(self):
        p, q = random(2, 9, 3), random(2, 7, 3)
        table = ((p[:, :, None] - q[:, None]) ** 2).sum(3)
        distance, index = metrics.pointcloud.sided_distance(p, q)
        torch.testing.assert_close(distance, table.amin(2))
        assert index.tolist() == table.argmin(2).tolist()

    @pytest.mark.parametrize("squared", [True, False])
    def test_chamfer(self, squared):
        p, q = random(2, 5, 3), random(2, 4, 3)
        table = ((p[:, :, None] - q[:, None]) ** 2).sum(3) ** (1 if squared else 0.5)
        expected = 0.3 * table.amin(2).mean(1) + 2 * table.amin(1).mean(1)
        torch.testing.assert_close(metrics.pointcloud.chamfer_distance(p, q, 0.3, 2, squared), expected)
        assert gradcheck(lambda a, b: metrics.pointcloud.chamfer_distance(a, b, 0.3, 2, squared), (p.clone().requires_grad_(), q.clone().requires_grad_()))

    def test_points_on_each_other_have_no_gradient(self):
        p = random(1, 4, 3).requires_grad_()
        metrics.pointcloud.chamfer_distance(p, p.detach().clone(), squared=False).sum().backward()
        assert not p.grad.any()

    def test_f_score(self):
        """Three of four predicted points are right, one true one is missed."""
        truth = torch.tensor([[[0.0, 0, 0], [1, 0, 0], [5, 0, 0]]])
        found = metrics.pointcloud.f_score(truth, torch.tensor([[[0.05, 0, 0], [0, 0.05, 0], [1, 0.05, 0], [9, 0, 0]]]), radius=0.1)
        assert found.item() == pytest.approx(2 * 0.75 * 0.75 / (0.75 + 0.75))
        assert metrics.pointcloud.f_score(truth, truth + 1e3).item() == 0


class TestSigns:
    def test_inside(self):
        sphere = Mesh.icosphere(2)
        vertices = torch.tensor(sphere.vertices).float()
        points = 2.4 * random(2, 500, 3).float() - 1.2
        found = ops.check_sign(torch.stack([vertices, vertices + 0.3]), torch.tensor(sphere.faces).long(), points)
        assert found.dtype == torch.bool
        for mesh, middle in ((0, 0.0), (1, 0.3)):
            radius = (points[mesh] - middle).norm(dim=1)
            assert found[mesh][radius < 0.96].all()
            assert not found[mesh][radius > 1.001].any()


class TestClouds:
    def test_centered(self):
        points = random(2, 6, 3) * torch.tensor([1.0, 2.0, 3.0])
        centered, unit = (kaolin.ops.pointcloud.center_points(points, normalize) for normalize in (False, True))
        torch.testing.assert_close(centered.amax(1), -centered.amin(1))
        torch.testing.assert_close((unit.amax(1) - unit.amin(1)).amax(1), torch.ones(2).double())
        torch.testing.assert_close(unit * (centered.amax(1) * 2).amax(1)[:, None, None], centered)
        assert gradcheck(lambda p: kaolin.ops.pointcloud.center_points(p, True), points.clone().requires_grad_())
        assert not kaolin.ops.pointcloud.center_points(torch.ones(1, 3, 3), True).any()


class TestBatches:
    def test_there_and_back(self):
        tensors = [random(2, 3, 4), random(1, 5, 4), random(0, 2, 4)]
        packed, shapes = batch.list_to_packed(tensors)
        assert packed.shape == (11, 4)
        assert shapes.tolist() == batch.get_shape_per_tensor(tensors).tolist() == [[2, 3], [1, 5], [0, 2]]
        firsts = batch.get_first_idx(shapes.prod(1))
        assert firsts.tolist() == [0, 6, 11, 11]
        for given, found in zip(tensors, batch.packed_to_list(packed, shapes, firsts), strict=True):
            torch.testing.assert_close(found, given)
        assert batch.tile_to_packed(torch.tensor([5.0, 7.0, 9.0]), torch.tensor([2, 0, 1])).tolist() == [[5.0], [5.0], [9.0]]


class TestRandom:
    draws = kaolin.ops.random

    def test_as_documented(self):
        """The numbers of the examples in Kaolin's docstrings."""
        torch.manual_seed(1)
        assert self.draws.random_shape_per_tensor(3, min_shape=(4, 4), max_shape=(10, 10)).tolist() == [[4, 7], [7, 7], [8, 10]]
        torch.manual_seed(1)
        found = self.draws.random_tensor(4.0, 5.0, (3, 3), dtype=torch.float, device="cpu")
        np.testing.assert_allclose(found, [[4.7576, 4.2793, 4.4031], [4.7347, 4.0293, 4.7999], [4.3971, 4.7544, 4.5695]], atol=5.1e-5)

    def test_shapes(self):
        found = self.draws.random_shape_per_tensor(1000, None, torch.tensor([2, 1, 3]))
        assert (found.dtype, found.shape) == (torch.int64, (1000, 3))
        assert [sorted(set(column)) for column in found.T.tolist()] == [[1, 2], [1], [1, 2, 3]]
        assert found.double().mean(0).sub(torch.tensor([1.5, 1.0, 2.0])).abs().max() < 0.1
        assert self.draws.random_shape_per_tensor(0, max_shape=[2]).shape == (0, 1)

    @pytest.mark.parametrize("dtype", [torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64])
    def test_whole_numbers(self, dtype):
        """Both ends are drawn, those of the type, too."""
        found = self.draws.random_tensor(3, 5, torch.tensor([10, 20]), dtype)
        assert (found.dtype, found.shape, found.unique().tolist()) == (dtype, (10, 20), [3, 4, 5])
        ends = torch.iinfo(dtype).min, min(torch.iinfo(dtype).max, 2**63 - 2)
        for end in ends:
            assert self.draws.random_tensor(end, end, (2,), dtype).tolist() == [end] * 2
        with pytest.raises(ValueError, match=f"random_tensor: low must be between {ends[0]} and {ends[1]}, got"):
            self.draws.random_tensor(ends[0] - 1, ends[1], (2,), dtype)

    def test_real_numbers_and_bool(self):
        for dtype in (torch.half, torch.float, torch.double):
            found = self.draws.random_tensor(-1, 3, (1000,), dtype)
            assert found.dtype is dtype
            assert -1 <= found.min() < -0.9 < 2.9 < found.max() <= 3
        state = torch.get_rng_state()
        found = self.draws.random_tensor(0, 1, [4], torch.double)
        torch.set_rng_state(state)
        assert torch.equal(found, torch.rand(4, dtype=torch.double))
        for low, high in ((None, None), (0, 1), (False, True)):
            assert self.draws.random_tensor(low, high, (100,), torch.bool).unique().tolist() == [False, True]

    def test_directions(self):
        """As many in each band of the same height."""
        low, high = -0.5, 1.2
        azimuth, elevation = self.draws.sample_spherical_coords((4, 5000), 1.0, 2.0, low, high, dtype=torch.double)
        assert azimuth.shape == elevation.shape == (4, 5000)
        assert 1 <= azimuth.min() < 1.01 < 1.99 < azimuth.max() <= 2
        assert low <= elevation.min() < low + 0.01 < high - 0.01 < elevation.max() <= high
        bands = torch.histc(elevation.sin(), 10, math.sin(low), math.sin(high)) / 2000
        assert (bands - 1).abs().max() < 0.1
        azimuth, elevation = self.draws.sample_spherical_coords([1000])
        assert (azimuth.dtype, elevation.shape) == (torch.float, (1000,))
        assert 6.2 < azimuth.max() <= 2 * math.pi
        assert 0 <= elevation.min() < 0.05 < 1.4 < elevation.max() <= math.pi / 2
        points = torch.stack(kaolin.ops.coords.spherical2cartesian(*self.draws.sample_spherical_coords(()), 3.0))
        assert points.shape == (3,)
        assert points.norm().item() == pytest.approx(3.0)

    def test_as_kaolin_draws(self):
        """Azimuths first, then heights, of one call of torch's."""
        self.draws.manual_seed(5)
        azimuth, elevation = self.draws.sample_spherical_coords((2, 3), 0.5, 2.5, 0.1, 0.9)
        torch.manual_seed(5)
        drawn = torch.rand(2, 2, 3)
        torch.testing.assert_close(azimuth, 0.5 + 2 * drawn[0])
        torch.testing.assert_close(elevation.sin(), math.sin(0.1) + (math.sin(0.9) - math.sin(0.1)) * drawn[1])

    def test_seeds(self):
        def drawn() -> list[float]:
            return [torch.rand(1).item(), random_of_python.random(), np.random.rand()]  # noqa: NPY002

        def seeded(*seeds, **more) -> list[float]:
            self.draws.manual_seed(*seeds, **more)
            return drawn()

        before = self.draws.get_state()
        try:
            expected = []
            for one in (3, 4, 5):
                torch.manual_seed(one)
                random_of_python.seed(one)
                np.random.seed(one)  # noqa: NPY002
                expected.append(drawn())
            assert seeded(3) == expected[0]
            assert seeded(np.int64(3), 4, numpy_seed=5) == [expected[i][i] for i in range(3)]
            state = self.draws.get_state()
            first = drawn()
            assert drawn() != first
            self.draws.set_state(*state)
            assert drawn() == first
            with pytest.raises(ValueError, match="numpy_seed must be between 0 and 4294967295, got -1"):
                self.draws.manual_seed(-1)
            self.draws.manual_seed(-1, -1, 1)
        finally:
            self.draws.set_state(*before)

    def test_octrees_are_left_out(self):
        with pytest.raises(NotImplementedError, match=r"kaolin\.ops\.random\.random_spc_octrees: it is not in this drop-in: structured point clouds"):
            self.draws.random_spc_octrees(2, 3)
