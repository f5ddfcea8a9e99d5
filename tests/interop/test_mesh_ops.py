"""PyTorch3D's losses on meshes and points, and its ops, against formulas written down with loops, in float64.

Plan: a batch of meshes that differ (closed, with three faces at an edge, with vertices of nobody); a class a family: values against the formula, gradients
against finite differences, what has no extent or is empty; options of `chamfer_distance` all together. Names and shapes are the original's.
"""

import itertools

import numpy as np
import pytest
import torch
from torch.autograd import gradcheck

from taichi_softras import Mesh
from taichi_softras.interop import geometry
from taichi_softras.interop.pytorch3d import loss, ops
from taichi_softras.interop.pytorch3d.loss import point_mesh_distance
from taichi_softras.interop.pytorch3d.loss.chamfer import _handle_pointcloud_input
from taichi_softras.interop.pytorch3d.ops.sample_points_from_meshes import _rand_barycentric_coords
from taichi_softras.interop.pytorch3d.renderer import TexturesVertex
from taichi_softras.interop.pytorch3d.structures import Meshes, Pointclouds

CLOSED = Mesh.icosphere(0)
FACES = [torch.tensor(CLOSED.faces).long(), torch.tensor([[0, 1, 2], [1, 0, 3], [0, 1, 4]]), torch.tensor([[0, 2, 3], [3, 2, 4]])]
GENERATOR = torch.Generator().manual_seed(3)


def random(*shape: int) -> torch.Tensor:
    return torch.rand(*shape, generator=GENERATOR, dtype=torch.float64)


VERTS = [torch.tensor(CLOSED.vertices).double() + 0.2 * random(12, 3), random(5, 3), random(6, 3)]


def batch(*verts: torch.Tensor) -> Meshes:
    return Meshes(verts=list(verts), faces=FACES[: len(verts)])


def wanted() -> list[torch.Tensor]:
    return [v.clone().requires_grad_() for v in VERTS]


def edges_of(faces: torch.Tensor) -> list[tuple[int, int]]:
    return sorted({(min(i, j), max(i, j)) for a, b, c in faces.tolist() for i, j in ((a, b), (b, c), (c, a))})


def around(faces: torch.Tensor, n: int) -> list[set[int]]:
    found: list[set[int]] = [set() for _ in range(n)]
    for i, j in edges_of(faces):
        found[i].add(j)
        found[j].add(i)
    return found


def angles_opposite(v: np.ndarray, faces: torch.Tensor) -> dict[tuple[int, int], list[float]]:
    """For each edge the angles opposite to it."""
    found: dict[tuple[int, int], list[float]] = {}
    for a, b, c in faces.tolist():
        for i, j, k in ((a, b, c), (b, c, a), (c, a, b)):
            p, q = v[i] - v[k], v[j] - v[k]
            found.setdefault((min(i, j), max(i, j)), []).append(np.arccos(p @ q / np.linalg.norm(p) / np.linalg.norm(q)))
    return found


class TestSmoothness:
    def test_edge_loss(self):
        expected = [np.mean([(np.linalg.norm(v[i] - v[j]) - 0.3) ** 2 for i, j in edges_of(f)]) for v, f in zip(np.array(VERTS, object), FACES, strict=True)]
        assert float(loss.mesh_edge_loss(batch(*VERTS), 0.3)) == pytest.approx(np.mean(expected), rel=1e-12)

    def test_uniform(self):
        expected = []
        for v, f in zip(VERTS, FACES, strict=True):
            rows = [(v[sorted(near)].mean(0) if near else 0) - v[i] for i, near in enumerate(around(f, len(v)))]
            expected.append(torch.stack(rows).norm(dim=1).mean())
        assert float(loss.mesh_laplacian_smoothing(batch(*VERTS))) == pytest.approx(float(sum(expected)) / 3, rel=1e-12)

    @pytest.mark.parametrize("method", ["cot", "cotcurv"])
    def test_cotangents(self, method):
        expected = []
        for v, f in zip((v.numpy() for v in VERTS), FACES, strict=True):
            weights = {edge: sum(1 / np.tan(angle) for angle in angles) for edge, angles in angles_opposite(v, f).items()}
            area = np.zeros(len(v))
            for face in f.tolist():
                area[face] += np.linalg.norm(np.cross(v[face[1]] - v[face[0]], v[face[2]] - v[face[0]])) / 2
            rows = []
            for i in range(len(v)):
                near = {j if k == i else k: w for (j, k), w in weights.items() if i in (j, k)}
                total = sum(near.values())
                if method == "cot":
                    rows.append(sum(w * v[j] for j, w in near.items()) * (1 / total if total > 0 else total) - v[i])
                else:
                    rows.append(sum((w * (v[j] - v[i]) for j, w in near.items()), np.zeros(3)) * (0.25 / area[i] if area[i] else 0))
            expected.append(np.linalg.norm(rows, axis=1).mean())
        assert float(loss.mesh_laplacian_smoothing(batch(*VERTS), method)) == pytest.approx(np.mean(expected), rel=1e-9)

    def test_normal_consistency(self):
        """Of three faces at an edge each two count; whichever way the faces are turned."""
        expected = []
        for v, f in zip((v.numpy() for v in VERTS), FACES, strict=True):
            terms = []
            for i, j in edges_of(f):
                opposite = [k for face in f.tolist() if {i, j} <= set(face) for k in face if k not in (i, j)]
                for a, b in itertools.combinations(opposite, 2):
                    n, m = np.cross(v[j] - v[i], v[a] - v[i]), -np.cross(v[j] - v[i], v[b] - v[i])
                    terms.append(1 - n @ m / np.linalg.norm(n) / np.linalg.norm(m))
            expected.append(np.mean(terms))
        value = float(loss.mesh_normal_consistency(batch(*VERTS)))
        assert value == pytest.approx(np.mean(expected), rel=1e-12)
        turned = Meshes(verts=VERTS, faces=[f.flip(1) if k % 2 else f for k, f in enumerate(FACES)])
        assert float(loss.mesh_normal_consistency(turned)) == pytest.approx(value, rel=1e-12)

    @pytest.mark.parametrize("function", [lambda m: loss.mesh_edge_loss(m, 0.3), loss.mesh_laplacian_smoothing, loss.mesh_normal_consistency])
    def test_gradients(self, function):
        assert gradcheck(lambda *verts: function(batch(*verts)), wanted())

    @pytest.mark.parametrize("method", ["cot", "cotcurv"])
    def test_gradients_take_weights_as_given(self, method):
        """|W v| with W fixed: its gradient along v is the loss itself (Euler's theorem on homogeneous functions)."""
        verts = wanted()
        value = loss.mesh_laplacian_smoothing(batch(*verts), method)
        value.backward()
        along = sum((v.grad * v.detach()).sum() for v in verts)
        assert float(along) == pytest.approx(value.item(), rel=1e-9)

    @pytest.mark.parametrize("function", [loss.mesh_edge_loss, loss.mesh_laplacian_smoothing, loss.mesh_normal_consistency])
    def test_without_faces(self, function):
        zero = function(Meshes(verts=[random(3, 3)], faces=[torch.zeros(0, 3, dtype=torch.int64)]))
        assert zero.tolist() == [0.0]
        zero.backward()

    def test_nothing_has_an_extent(self):
        verts = torch.zeros(4, 3, dtype=torch.float64, requires_grad=True)
        meshes = Meshes(verts=[verts], faces=[torch.tensor([[0, 1, 2], [2, 1, 3]])])
        total = loss.mesh_edge_loss(meshes) + loss.mesh_normal_consistency(meshes)
        total = total + sum(loss.mesh_laplacian_smoothing(meshes, method) for method in ("uniform", "cot", "cotcurv"))
        total.sum().backward()
        assert bool(torch.isfinite(verts.grad).all())


class TestChamfer:
    X, Y = random(3, 7, 3), random(3, 6, 3)
    OF_X, OF_Y = torch.tensor([7, 3, 0]), torch.tensor([6, 2, 4])
    NORMALS = random(3, 7, 3) - 0.5, random(3, 6, 3) - 0.5

    @staticmethod
    def one_way(x, y, x_normals, y_normals, norm, abs_cosine):
        """Lists of distances and of 1 - cos, point for point."""
        distances, angles = [], []
        for p, n in zip(x, x_normals, strict=True):
            apart = [(p - q).abs().sum() if norm == 1 else ((p - q) ** 2).sum() for q in y]
            k = int(np.argmin([float(d) for d in apart]))
            distances.append(apart[k])
            cosine = (n @ y_normals[k]) / n.norm() / y_normals[k].norm()
            angles.append(1 - (cosine.abs() if abs_cosine else cosine))
        return distances, angles

    @pytest.mark.parametrize("norm", [1, 2])
    @pytest.mark.parametrize("single", [False, True])
    @pytest.mark.parametrize("weighted", [False, True])
    def test_every_option(self, norm, single, weighted):
        weights = random(3) if weighted else None
        for abs_cosine in (True, False):
            clouds = []
            for x, y, nx, ny, n, m in zip(self.X, self.Y, *self.NORMALS, self.OF_X, self.OF_Y, strict=True):
                ways = [(x[:n], y[:m], nx[:n], ny[:m]), (y[:m], x[:n], ny[:m], nx[:n])]
                clouds.append(
                    [self.one_way(*way, norm, abs_cosine) if len(way[1]) else ([torch.tensor(0.0)], [torch.tensor(1.0)] * len(way[0])) for way in ways]
                )
            for points, of_batch in itertools.product(("mean", "sum", "max"), ("mean", "sum", None)):
                normals = (None, None) if points == "max" else self.NORMALS
                found = loss.chamfer_distance(self.X, self.Y, self.OF_X, self.OF_Y, *normals, weights, of_batch, points, norm, single, abs_cosine)
                for kind in range(1 if points == "max" else 2):
                    expected = torch.stack([self.reduced([way[kind] for way in cloud][: 1 if single else 2], points) for cloud in clouds]).double()
                    if kind == 1:  # where there is nobody, PyTorch3D's cosine is that with zero
                        expected = expected.clone()
                    expected = expected * (weights if weighted else 1)
                    if of_batch is not None:
                        expected = expected.sum() / (1 if of_batch == "sum" else weights.sum() if weighted else 3)
                    torch.testing.assert_close(found[kind], expected, rtol=1e-9, atol=1e-12, check_dtype=False)
                if points == "max":
                    assert found[1] is None

    @staticmethod
    def reduced(ways, points):
        sums = []
        for way in ways:
            if points == "max":
                sums.append(torch.stack(way).max() if way else torch.tensor(0.0))
            else:
                sums.append(sum(way, torch.tensor(0.0, dtype=torch.float64)) / (max(len(way), 1) if points == "mean" else 1))
        return torch.stack([s.double() for s in sums]).max() if points == "max" else sum(sums)

    def test_unreduced(self):
        (there, back), angles = loss.chamfer_distance(self.X, self.Y, self.OF_X, self.OF_Y, batch_reduction=None, point_reduction=None)
        assert angles is None
        assert there.shape == (3, 7)
        assert back.shape == (3, 6)
        assert not there[1, 3:].any()
        alone, _ = loss.chamfer_distance(self.X, self.Y, self.OF_X, self.OF_Y, batch_reduction=None, point_reduction=None, single_directional=True)
        torch.testing.assert_close(alone, there)

    def test_clouds_as_objects(self):
        clouds = [Pointclouds([p[:n] for p, n in zip(*of, strict=True)]) for of in ((self.X, self.OF_X), (self.Y, self.OF_Y))]
        torch.testing.assert_close(loss.chamfer_distance(*clouds)[0], loss.chamfer_distance(self.X, self.Y, self.OF_X, self.OF_Y)[0])

    @pytest.mark.parametrize(("norm", "points"), [(1, "mean"), (2, "mean"), (2, "max")])
    def test_gradients(self, norm, points):
        of_x, of_y = torch.tensor([3, 2]), torch.tensor([2, 1])

        def function(x, y, nx, ny, weights):
            normals = (None, None) if points == "max" else (nx, ny)
            value, angles = loss.chamfer_distance(x, y, of_x, of_y, *normals, weights, point_reduction=points, norm=norm)
            return value if angles is None else (value, angles)

        parts = (self.X[:2, :3], self.Y[:2, :2], self.NORMALS[0][:2, :3], self.NORMALS[1][:2, :2], random(2) + 0.1)
        assert gradcheck(function, [t.clone().requires_grad_() for t in parts])

    def test_points_that_lie_on_each_other(self):
        x = self.X.clone().requires_grad_()
        for norm in (1, 2):
            value, _ = loss.chamfer_distance(x, x.detach().clone(), norm=norm)
            value.backward()
            assert value.item() == 0
            assert not x.grad.any()

    def test_weights_that_are_all_zero(self):
        value, _ = loss.chamfer_distance(self.X, self.Y, weights=torch.zeros(3, dtype=torch.float64))
        assert float(value) == 0

    def test_padding_may_hold_anything(self):
        x = self.X.clone()
        x[1, 3:], x[2] = torch.nan, torch.inf
        x.requires_grad_()
        value, _ = loss.chamfer_distance(x, self.Y, self.OF_X, self.OF_Y)
        torch.testing.assert_close(value, loss.chamfer_distance(self.X, self.Y, self.OF_X, self.OF_Y)[0])
        value.backward()
        assert bool(torch.isfinite(x.grad).all())


class TestNeighbours:
    @pytest.mark.parametrize("norm", [1, 2])
    def test_against_all_pairs(self, norm):
        p, q = random(2, 9, 3), random(2, 8, 3)
        found = ops.knn_points(p, q, torch.tensor([9, 4]), torch.tensor([8, 3]), norm=norm, K=5, return_nn=True)
        for cloud, (n, m) in enumerate(((9, 8), (4, 3))):
            apart = p[cloud, :n, None] - q[cloud, :m]
            table = apart.abs().sum(2) if norm == 1 else (apart**2).sum(2)
            values, places = table.sort(dim=1)
            k = min(5, m)
            torch.testing.assert_close(found.dists[cloud, :n, :k], values[:, :k])
            assert found.idx[cloud, :n, :k].tolist() == places[:, :k].tolist()
            torch.testing.assert_close(found.knn[cloud, :n, :k], q[cloud][places[:, :k]])
        for part in found:
            assert not part[1, :, 3:].any()
        assert not found.dists[1, 4:].any()

    def test_gradients(self):
        lengths = torch.tensor([5, 2])
        assert gradcheck(lambda p, q: ops.knn_points(p, q, None, lengths, K=3).dists, (random(2, 4, 2).requires_grad_(), random(2, 5, 2).requires_grad_()))
        assert gradcheck(lambda x: ops.knn_gather(x, torch.tensor([[[0, 2]], [[1, 0]]]), torch.tensor([3, 1])), random(2, 3, 2).requires_grad_())

    def test_as_on_a_gpu(self, monkeypatch):
        """The way of GPUs, a part of the points at a time, on the CPU."""
        p, q = random(50, 3), random(31, 3)
        on_cpu = [geometry.nearest_points(p, q, 4, norm) for norm in (1, 2)]

        class Elsewhere(torch.Tensor):
            device = property(lambda self: torch.device("cuda"))

        monkeypatch.setattr(geometry, "PAIRS_AT_ONCE", 31 * 7)
        for norm, expected in zip((1, 2), on_cpu, strict=True):
            assert geometry.nearest_points(p.as_subclass(Elsewhere), q, 4, norm).tolist() == expected.tolist()


class TestPointsAndMeshes:
    CLOUDS = Pointclouds([1.5 * random(9, 3) - 0.2, random(4, 3), random(5, 3) + 0.1])

    @staticmethod
    def to_edge(p, a, b):
        t = float(np.clip((p - a) @ (b - a) / max((b - a) @ (b - a), 1e-300), 0, 1))
        return float(((p - a - t * (b - a)) ** 2).sum())

    @classmethod
    def to_face(cls, p, a, b, c, min_area):
        normal = np.cross(b - a, c - a)
        if np.linalg.norm(normal) / 2 >= min_area:
            inside = np.linalg.solve(np.stack([b - a, c - a, normal], 1), p - a)
            if min(inside[0], inside[1], 1 - inside[0] - inside[1]) >= 0:
                return float(inside[2] ** 2 * (normal @ normal))
        return min(cls.to_edge(p, a, b), cls.to_edge(p, b, c), cls.to_edge(p, c, a))

    def expected(self, distance):
        total = 0.0
        for points, verts, faces in zip(self.CLOUDS.points_list(), VERTS, FACES, strict=True):
            table = np.array(distance(points.numpy(), verts.numpy(), faces))
            total += table.min(1).mean() + table.min(0).mean()
        return total / 3

    @pytest.mark.parametrize("min_area", [0.0, 5e-3, 0.2])
    def test_faces(self, min_area):
        expected = self.expected(lambda points, v, faces: [[self.to_face(p, *v[f], min_area) for f in faces.tolist()] for p in points])
        assert float(loss.point_mesh_face_distance(batch(*VERTS), self.CLOUDS, min_area)) == pytest.approx(expected, rel=1e-10)

    def test_edges(self):
        expected = self.expected(lambda points, v, faces: [[self.to_edge(p, v[i], v[j]) for i, j in edges_of(faces)] for p in points])
        assert float(loss.point_mesh_edge_distance(batch(*VERTS), self.CLOUDS)) == pytest.approx(expected, rel=1e-10)

    FIRSTS = staticmethod(lambda sizes: torch.tensor([0, *itertools.accumulate(sizes)][:-1]))

    def corners(self, edges: bool) -> tuple[list[torch.Tensor], torch.Tensor]:
        """Triangles, or segments, of each mesh; and where each begins."""
        rows = [torch.tensor(sorted(edges_of(f))) if edges else f for f in FACES]
        return [v[r] for v, r in zip(VERTS, rows, strict=True)], self.FIRSTS([len(r) for r in rows])

    @pytest.mark.parametrize("edges", [False, True])
    @pytest.mark.parametrize("min_area", [0.0, 0.2])
    def test_packed(self, edges, min_area):
        """Of corners in place of meshes, each point and each thing by itself."""
        clouds = self.CLOUDS.points_list()
        things, things_first = self.corners(edges)
        points, points_first = torch.cat(clouds), self.FIRSTS([len(cloud) for cloud in clouds])
        tables = [
            np.array([[self.to_edge(p, *thing) if edges else self.to_face(p, *thing, min_area) for thing in own.numpy()] for p in cloud.numpy()])
            for cloud, own in zip(clouds, things, strict=True)
        ]
        names = ("point_edge_distance", "edge_point_distance") if edges else ("point_face_distance", "face_point_distance")
        for axis, name in ((1, names[0]), (0, names[1])):
            function = getattr(point_mesh_distance, name)
            more = () if edges else (min_area,)
            found = function(points, points_first, torch.cat(things), things_first, 99, *more)
            np.testing.assert_allclose(found, np.concatenate([table.min(axis) for table in tables]), rtol=1e-9, atol=1e-15)
            kind = getattr(point_mesh_distance, "_" + name.title().replace("_", ""))
            assert torch.equal(kind.apply(points, points_first, torch.cat(things), things_first, 99, *more), found)

    @pytest.mark.parametrize("name", ["point_face_distance", "face_point_distance", "point_edge_distance", "edge_point_distance"])
    def test_gradients_of_packed(self, name):
        things, things_first = self.corners("edge" in name)
        clouds = self.CLOUDS.points_list()
        points_first, more = self.FIRSTS([len(cloud) for cloud in clouds]), () if "edge" in name else (0.0,)
        function = getattr(point_mesh_distance, name)
        leaves = (torch.cat(clouds).requires_grad_(), (torch.cat(things) + 1e-3 * random(len(torch.cat(things)), things[0].shape[1], 3)).requires_grad_())
        assert gradcheck(lambda points, corners: function(points, points_first, corners, things_first, 99, *more), leaves, fast_mode=True)

    def test_packed_parts(self):
        """A pair of nothing has no distances; points without faces have none, either."""
        nobody, first = torch.zeros(0, 3, dtype=torch.float64), torch.tensor([0])
        assert point_mesh_distance.point_face_distance(nobody, first, torch.zeros(0, 3, 3, dtype=torch.float64), first).shape == (0,)
        with pytest.raises(ValueError, match="point_face_distance: tris must be there in each pair that has points, got none"):
            point_mesh_distance.point_face_distance(random(2, 3), first, torch.zeros(0, 3, 3, dtype=torch.float64), first)
        with pytest.raises(ValueError, match="edge_point_distance: points must be there in each pair that has segms, got none"):
            point_mesh_distance.edge_point_distance(nobody, first, random(2, 2, 3), first)

    @pytest.mark.parametrize("function", [lambda m, c: loss.point_mesh_face_distance(m, c, 0.0), loss.point_mesh_edge_distance])
    def test_gradients(self, function):
        points = [p.clone().requires_grad_() for p in self.CLOUDS.points_list()]
        assert gradcheck(lambda *tensors: function(batch(*tensors[:3]), Pointclouds(list(tensors[3:]))), (*wanted(), *points), fast_mode=True)

    def test_gradients_of_degenerate_faces_are_finite(self):
        verts = torch.tensor([[0.0, 0, 0], [1, 0, 0], [0.5, 0, 0], [0, 0, 0]], dtype=torch.float64, requires_grad=True)
        meshes = Meshes(verts=[verts], faces=[torch.tensor([[0, 1, 2], [0, 3, 0]])])
        value = loss.point_mesh_face_distance(meshes, Pointclouds([torch.tensor([[0.5, 1.0, 0.0]], dtype=torch.float64)]))
        assert value.item() == pytest.approx(1 + (1 + 1.25) / 2)
        value.backward()
        assert bool(torch.isfinite(verts.grad).all())

    def test_a_pair_without_points_or_faces_counts_as_zero(self):
        nobody = torch.zeros(0, 3, dtype=torch.float64)
        meshes = Meshes(verts=VERTS[:2], faces=[FACES[0], torch.zeros(0, 3, dtype=torch.int64)])
        alone = loss.point_mesh_face_distance(meshes[0], self.CLOUDS[0])
        both = loss.point_mesh_face_distance(meshes, Pointclouds([self.CLOUDS.points_list()[0], random(3, 3)]))
        torch.testing.assert_close(both, alone / 2)
        assert float(loss.point_mesh_edge_distance(meshes[0], Pointclouds([nobody]))) == 0


class TestPrivateNames:
    def test_clouds_by_a_private_name(self):
        """That users of the original import."""
        cloud, normals = random(2, 5, 3), random(2, 5, 3)
        points, lengths, found = _handle_pointcloud_input(cloud, None, normals)
        assert points is cloud
        assert lengths.tolist() == [5, 5]
        assert found is normals
        points, lengths, found = _handle_pointcloud_input(Pointclouds([cloud[0], cloud[1, :3]]), None, None)
        assert lengths.tolist() == [5, 3]
        assert found is None
        torch.testing.assert_close(points, torch.stack([cloud[0], torch.cat([cloud[1, :3], torch.zeros(2, 3, dtype=torch.float64)])]))


class TestSampling:
    def test_weights(self):
        """Users of the original import it by this name. Even on triangles: the mean of each weight is a third, of its square a sixth."""
        torch.manual_seed(0)
        weights = torch.stack(_rand_barycentric_coords(40, 500, torch.float64, "cpu"))
        assert weights.shape == (3, 40, 500)
        torch.testing.assert_close(weights.sum(0), torch.ones(40, 500, dtype=torch.float64))
        assert bool((weights >= 0).all())
        torch.testing.assert_close(weights.mean((1, 2)), torch.full((3,), 1 / 3, dtype=torch.float64), rtol=0, atol=0.01)
        torch.testing.assert_close(weights.square().mean((1, 2)), torch.full((3,), 1 / 6, dtype=torch.float64), rtol=0, atol=0.01)

    def test_on_the_surface_with_normals_and_textures(self):
        """Textures are the positions themselves: so they must be the points."""
        meshes = Meshes(verts=VERTS, faces=FACES, textures=TexturesVertex([v.clone() for v in VERTS]))
        torch.manual_seed(0)
        points, normals, textures = ops.sample_points_from_meshes(meshes, 200, return_normals=True, return_textures=True)
        assert points.shape == normals.shape == textures.shape == (3, 200, 3)
        torch.testing.assert_close(textures, points)
        for mesh in range(3):
            distance = loss.point_mesh_face_distance(batch(*VERTS)[mesh], Pointclouds([points[mesh]]), 0.0)
            back = geometry.faces_to_points(points[mesh], VERTS[mesh], FACES[mesh]).mean()
            assert float(distance - back) == pytest.approx(0, abs=1e-12)
            crosses = torch.linalg.cross(*(VERTS[mesh][FACES[mesh]][:, k] - VERTS[mesh][FACES[mesh]][:, 0] for k in (1, 2)))
            unit = crosses / crosses.norm(dim=1, keepdim=True)
            assert float((normals[mesh] @ unit.T).amax(1).min()) == pytest.approx(1, abs=1e-12)

    def test_the_seed_decides(self):
        found = []
        for number in (1, 1, 2):
            torch.manual_seed(number)
            found.append(ops.sample_points_from_meshes(batch(*VERTS), 5))
        torch.testing.assert_close(found[0], found[1], rtol=0, atol=0)
        assert not torch.equal(found[0], found[2])

    def test_meshes_without_faces_have_zeros(self):
        meshes = Meshes(verts=[VERTS[0], VERTS[1], VERTS[2]], faces=[FACES[0][:0], FACES[1], FACES[2][:0]], textures=TexturesVertex([v + 1 for v in VERTS]))
        points, textures = ops.sample_points_from_meshes(meshes, 4, return_textures=True)
        assert not points[[0, 2]].any()
        assert not textures[[0, 2]].any()
        torch.testing.assert_close(textures[1], points[1] + 1)
        with pytest.raises(ValueError, match="sample_points_from_meshes: meshes must have at least one face, got none"):
            ops.sample_points_from_meshes(meshes[0])

    def test_gradients(self):
        def function(*verts):
            torch.manual_seed(3)
            return ops.sample_points_from_meshes(batch(*verts), 3, return_normals=True)

        torch.manual_seed(3)
        assert gradcheck(function, wanted())

    def test_faces_that_change_before_the_way_back(self):
        """Points of the first of two faces, whose gradient goes to its corners; afterwards the second is nowhere."""
        verts, faces = VERTS[0][:4].clone().requires_grad_(), torch.tensor([[0, 1, 2], [1, 1, 3]])
        points = ops.sample_points_from_meshes(Meshes([verts], [faces]), 50)
        faces.fill_(3)
        points.sum().backward()
        assert bool((verts.grad[:3] > 0).all())
        assert not verts.grad[3].any()
        changed = Meshes([verts], [faces])
        with pytest.raises(ValueError, match=r"sample_points_from_meshes: the faces must have an area, got 0\.0 in all"):
            ops.sample_points_from_meshes(changed, 50)

    def test_vertices_that_are_not_finite(self):
        verts = VERTS[0].clone()
        verts[2, 1] = torch.nan
        with pytest.raises(ValueError, match=r"sample_points_from_meshes: meshes must be finite, got nan at \(2, 1\)"):
            ops.sample_points_from_meshes(Meshes([verts], [FACES[0]]), 50)
        unused = torch.cat([VERTS[0], torch.full((1, 3), torch.inf)])
        with pytest.raises(ValueError, match="sample_points_from_meshes: meshes must be finite, got inf at"):
            ops.sample_points_from_meshes(Meshes([unused], [FACES[0]]), 50)

    def test_a_gradient_goes_on_with_chamfer(self):
        """A sphere that is too small grows when points drawn on it are pulled to those of a larger one."""
        verts = torch.tensor(Mesh.icosphere(2).vertices).float()
        faces = torch.tensor(Mesh.icosphere(2).faces).long()
        scale = torch.tensor(0.5, requires_grad=True)
        torch.manual_seed(0)
        for _ in range(30):
            drawn = ops.sample_points_from_meshes(Meshes([verts * scale], [faces]), 300)
            (gradient,) = torch.autograd.grad(loss.chamfer_distance(drawn, verts[None])[0], scale)
            scale = (scale - 0.2 * gradient).detach().requires_grad_()
        assert scale.item() == pytest.approx(1, abs=0.02)


class TestOps:
    def test_areas_and_normals(self):
        areas, normals = ops.mesh_face_areas_normals(VERTS[0], FACES[0])
        a, b, c = VERTS[0].numpy()[CLOSED.faces].swapaxes(0, 1)
        crosses = np.cross(b - a, c - a)
        np.testing.assert_allclose(areas, np.linalg.norm(crosses, axis=1) / 2)
        np.testing.assert_allclose(normals, crosses / np.linalg.norm(crosses, axis=1, keepdims=True))
        assert gradcheck(lambda v: ops.mesh_face_areas_normals(v, FACES[0]), VERTS[0].clone().requires_grad_())

    def test_laplacian(self):
        edges = torch.tensor(edges_of(FACES[2]))
        dense = ops.laplacian(VERTS[2], edges).to_dense()
        for i, near in enumerate(around(FACES[2], 6)):
            expected = torch.zeros(6, dtype=torch.float64)
            expected[sorted(near)] = 1 / max(len(near), 1)
            expected[i] = -1
            torch.testing.assert_close(dense[i], expected)

    def test_norm_laplacian(self):
        edges = torch.tensor(edges_of(FACES[1]))
        expected = torch.zeros(5, 5, dtype=torch.float64)
        for i, j in edges.tolist():
            expected[i, j] = expected[j, i] = 1 / (VERTS[1][i] - VERTS[1][j]).norm()
        torch.testing.assert_close(ops.norm_laplacian(VERTS[1], edges).to_dense(), expected)
        assert gradcheck(lambda v: ops.norm_laplacian(v, edges).to_dense(), VERTS[1].clone().requires_grad_())

    def test_cot_laplacian(self):
        v = VERTS[0].numpy()
        expected, inverse = np.zeros((12, 12)), np.zeros(12)
        for (i, j), angles in angles_opposite(v, FACES[0]).items():
            expected[i, j] = expected[j, i] = sum(1 / np.tan(angle) for angle in angles)
        for face in FACES[0].tolist():
            inverse[face] += np.linalg.norm(np.cross(v[face[1]] - v[face[0]], v[face[2]] - v[face[0]])) / 2
        laplacian, found = ops.cot_laplacian(VERTS[0], FACES[0])
        np.testing.assert_allclose(laplacian.to_dense(), expected, atol=1e-10)
        np.testing.assert_allclose(found, 1 / inverse[:, None], rtol=1e-10)
        assert gradcheck(lambda v: (lambda found: (found[0].to_dense(), found[1]))(ops.cot_laplacian(v, FACES[1])), VERTS[1].clone().requires_grad_())

    def test_taubin_smoothing(self):
        expected = VERTS[0].clone()
        for share in (0.5, -0.4) * 2:
            weights = torch.zeros(12, 12, dtype=torch.float64)
            for i, j in edges_of(FACES[0]):
                weights[i, j] = weights[j, i] = 1 / (expected[i] - expected[j]).norm()
            expected = (1 - share) * expected + share * (weights @ expected) / weights.sum(1, keepdim=True)
        smoothed = ops.taubin_smoothing(batch(*VERTS), 0.5, -0.4, 2)
        torch.testing.assert_close(smoothed.verts_list()[0], expected)
        torch.testing.assert_close(smoothed.verts_list()[2][[1, 5]], VERTS[2][[1, 5]])  # of nobody
        assert gradcheck(lambda *verts: ops.taubin_smoothing(batch(*verts), num_iter=1).verts_packed(), wanted())

    def test_subdivision(self):
        meshes = batch(*VERTS)
        new, feats = ops.SubdivideMeshes()(meshes, 2 * meshes.verts_packed())
        torch.testing.assert_close(feats, 2 * new.verts_packed())
        for v, f, of_v, of_f in zip(VERTS, FACES, new.verts_list(), new.faces_list(), strict=True):
            edges = edges_of(f)
            torch.testing.assert_close(of_v, torch.cat([v, torch.stack([(v[i] + v[j]) / 2 for i, j in edges])]))
            middle = {edge: len(v) + e for e, edge in enumerate(edges)}
            quarters = [[], [], [], []]
            for a, b, c in f.tolist():
                ab, bc, ca = (middle[min(i, j), max(i, j)] for i, j in ((a, b), (b, c), (c, a)))
                for part, face in zip(quarters, ([a, ab, ca], [b, bc, ab], [c, ca, bc], [bc, ca, ab]), strict=True):
                    part.append(face)
            assert of_f.tolist() == list(itertools.chain(*quarters))
        assert gradcheck(lambda *verts: ops.SubdivideMeshes()(batch(*verts)).verts_packed(), wanted())

    def test_subdivision_with_the_faces_of_a_first_mesh(self):
        meshes = Meshes(verts=[VERTS[0], VERTS[0] + 1], faces=[FACES[0], FACES[0]])
        once, feats = ops.SubdivideMeshes(meshes)(meshes, meshes.verts_padded())
        each = ops.SubdivideMeshes()(meshes)
        torch.testing.assert_close(once.verts_padded(), each.verts_padded())
        torch.testing.assert_close(feats, each.verts_padded())
        assert once.faces_padded().tolist() == each.faces_padded().tolist()
        with pytest.raises(ValueError, match="SubdivideMeshes: meshes must have 12 vertices each, as the first mesh had, got 5"):
            ops.SubdivideMeshes(meshes)(batch(*VERTS))

    def test_packed_and_padded(self):
        packed, firsts = random(7, 2), torch.tensor([0, 3, 3])
        padded = ops.packed_to_padded(packed, firsts, 5)
        assert padded.shape == (3, 5, 2)
        torch.testing.assert_close(padded[0, :3], packed[:3])
        torch.testing.assert_close(padded[2, :4], packed[3:])
        assert not padded[1].any()
        torch.testing.assert_close(ops.padded_to_packed(padded, firsts, 7), packed)
        torch.testing.assert_close(ops.padded_to_packed(padded.transpose(1, 2), firsts, 7, max_size_dim=2), packed)
        torch.testing.assert_close(ops.packed_to_padded(packed[:, 0], firsts, 4), padded[:, :4, 0])
        assert gradcheck(lambda x: ops.packed_to_padded(x, firsts, 5), packed.clone().requires_grad_())
        assert gradcheck(lambda x: ops.padded_to_packed(x, firsts, 7), padded.clone().requires_grad_())

    def test_vert_align(self):
        """A picture that is x + 10 y at its pixels' middles; a vertex beyond it."""
        picture = (torch.linspace(-1, 1, 5) + 10 * torch.linspace(-1, 1, 3)[:, None]).double().expand(1, 2, 3, 5)
        verts = torch.tensor([[[0.25, -0.5, 7.0], [-1, 1, 0], [3, 3, 0]]], dtype=torch.float64)
        found = ops.vert_align([picture, picture[:, :1]], verts)
        torch.testing.assert_close(found[0], torch.tensor([[-4.75] * 3, [9.0] * 3, [0.0] * 3], dtype=torch.float64))
        assert ops.vert_align(picture, batch(*VERTS[:1]), return_packed=True).shape == (12, 2)


class TestPointclouds:
    def test_lists_packed_padded(self):
        points, features = [random(2, 3), random(0, 3), random(3, 3)], [random(2, 4), random(0, 4), random(3, 4)]
        clouds = Pointclouds(points, features=features)
        torch.testing.assert_close(clouds.points_padded()[2], points[2])
        assert clouds.points_padded().shape == (3, 3, 3)
        assert clouds.features_packed().shape == (5, 4)
        assert clouds.num_points_per_cloud().tolist() == [2, 0, 3]
        assert clouds.packed_to_cloud_idx().tolist() == [0, 0, 2, 2, 2]
        torch.testing.assert_close(clouds.points_padded().reshape(-1, 3)[clouds.padded_to_packed_idx()], clouds.points_packed())
        torch.testing.assert_close(clouds[[2, 0]].points_packed(), torch.cat([points[2], points[0]]))
        torch.testing.assert_close(clouds.offset(torch.ones(3).double()).scale(2.0).points_packed(), 2 * (clouds.points_packed() + 1))
        assert [len(part) for part in clouds.split([1, 2])] == [1, 2]
        assert len(clouds.extend(2)) == 6
        torch.testing.assert_close(clouds.get_cloud(2)[2], features[2])
        assert clouds.normals_padded() is None
