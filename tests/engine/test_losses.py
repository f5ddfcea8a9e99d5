"""Losses, and the connectivity they rest on.

Plan: each loss against its formula in NumPy, written from the papers with dense matrices and loops; what it is for (zero where it should be zero, finite
where something has no extent); the edges and hinges of meshes that are closed, open, not manifold or have vertices without faces; the same values and
gradients on Taichi's tape as on torch tensors. (Gradients against finite differences are in `interop/test_gradcheck.py`.)
"""

import numpy as np
import pytest
import torch

from taichi_softras import Connectivity, Mesh, TaichiArrays, losses
from taichi_softras.interop import losses as torch_losses
from taichi_softras.language import ti

RNG = np.random.default_rng(7)
MESH_LOSSES = ("laplacian", "flatten", "edge_length", "normal_consistency")


def edges_and_hinges(faces: np.ndarray) -> tuple[set[tuple[int, int]], list[tuple[tuple[int, int], list[int]]]]:
    """Every edge, and for each edge the vertices opposite to it; by looking at each face."""
    opposite: dict[tuple[int, int], list[int]] = {}
    for a, b, c in np.asarray(faces).tolist():
        for i, j, k in ((a, b, c), (b, c, a), (c, a, b)):
            opposite.setdefault((min(i, j), max(i, j)), []).append(k)
    return set(opposite), sorted(opposite.items())


def laplacian(v: np.ndarray, faces: np.ndarray) -> float:
    """|(I - D^-1 A) v|^2, with dense matrices."""
    adjacency = np.zeros((len(v), len(v)))
    for i, j in edges_and_hinges(faces)[0]:
        adjacency[i, j] = adjacency[j, i] = 1
    degree = adjacency.sum(1)
    rows = np.eye(len(v)) - adjacency / np.maximum(degree, 1)[:, None]
    return float(((rows[degree > 0] @ v) ** 2).sum())


def hinge_sum(v: np.ndarray, faces: np.ndarray, term) -> list[float]:
    """term(edge's ends, opposite vertices) for each edge of two faces."""
    return [term(v[i], v[j], v[cd[0]], v[cd[1]]) for (i, j), cd in edges_and_hinges(faces)[1] if len(cd) == 2]


def flatten(v: np.ndarray, faces: np.ndarray) -> float:
    """sum (cos theta + 1)^2, theta between the perpendiculars to the edge in either face."""

    def term(a, b, c, d):
        along = (b - a) / np.linalg.norm(b - a)
        p, q = (x - a - ((x - a) @ along) * along for x in (c, d))
        return (p @ q / np.linalg.norm(p) / np.linalg.norm(q) + 1) ** 2

    return sum(hinge_sum(v, faces, term))


def normal_consistency(v: np.ndarray, faces: np.ndarray) -> float:
    """mean of 1 - cos(angle between normals), the normals on the same side of the surface."""

    def term(a, b, c, d):
        n, m = np.cross(b - a, c - a), np.cross(d - a, b - a)
        return 1 - n @ m / np.linalg.norm(n) / np.linalg.norm(m)

    return float(np.mean(hinge_sum(v, faces, term)))


def edge_length(v: np.ndarray, faces: np.ndarray, target: float = 0.0) -> float:
    return float(np.mean([(np.linalg.norm(v[i] - v[j]) - target) ** 2 for i, j in edges_and_hinges(faces)[0]]))


MESHES = {
    "closed": (Mesh.icosphere(1).vertices + RNG.normal(0, 0.1, (42, 3)), Mesh.icosphere(1).faces),
    "open": (RNG.normal(size=(6, 3)), np.array([[0, 1, 2], [1, 3, 2], [2, 3, 4], [5, 4, 3]])),
    "isolated vertices": (RNG.normal(size=(9, 3)), np.array([[1, 4, 7], [4, 1, 2]])),
    "faces start anywhere": (RNG.normal(size=(4, 3)), np.array([[2, 0, 1], [1, 0, 3], [3, 0, 2], [1, 3, 2]])),
}


class TestConnectivity:
    @pytest.mark.parametrize(("vertices", "faces"), MESHES.values(), ids=MESHES)
    def test_edges(self, vertices, faces):
        got = Connectivity.of(faces, len(vertices)).edges.tolist()
        assert sorted(map(tuple, got)) == sorted(edges_and_hinges(faces)[0])

    @pytest.mark.parametrize(("vertices", "faces"), MESHES.values(), ids=MESHES)
    def test_hinges(self, vertices, faces):
        got = {(i, j, *sorted((c, d))) for i, j, c, d in Connectivity.of(faces, len(vertices)).hinges.tolist()}
        assert got == {(i, j, *sorted(cd)) for (i, j), cd in edges_and_hinges(faces)[1] if len(cd) == 2}

    def test_a_closed_mesh_has_a_hinge_an_edge(self):
        sphere = Mesh.icosphere(3)
        connectivity = Connectivity.of(sphere.faces, len(sphere.vertices))
        assert len(connectivity.edges) == len(connectivity.hinges) == 1920

    def test_one_face(self):
        connectivity = Connectivity.of([[0, 1, 2]], 3)
        assert len(connectivity.edges) == 3
        assert connectivity.hinges.shape == (0, 4)

    def test_an_edge_of_three_faces(self):
        """Not manifold: two hinges, one for each two successive faces."""
        connectivity = Connectivity.of([[0, 1, 2], [0, 1, 3], [0, 1, 4]], 5)
        assert sorted(connectivity.hinges.tolist()) == [[0, 1, 2, 3], [0, 1, 3, 4]]
        assert len(connectivity.edges) == 7

    def test_degrees(self):
        connectivity = Connectivity.of([[1, 2, 3], [2, 1, 4]], 6)
        np.testing.assert_allclose(connectivity.one_over_degree, [0, 1 / 3, 1 / 3, 1 / 2, 1 / 2, 0])

    def test_a_face_that_uses_a_vertex_twice(self):
        """It has no area and one edge; a loop is no edge."""
        connectivity = Connectivity.of([[0, 0, 1], [0, 1, 2]], 3)
        assert sorted(connectivity.edges.tolist()) == [[0, 1], [0, 2], [1, 2]]

    def test_the_same_face_twice(self):
        connectivity = Connectivity.of([[0, 1, 2], [0, 1, 2]], 3)
        assert len(connectivity.edges) == 3


class TestMeshLosses:
    @pytest.mark.parametrize("formula", [laplacian, flatten, edge_length, normal_consistency], ids=lambda formula: formula.__name__)
    @pytest.mark.parametrize(("vertices", "faces"), MESHES.values(), ids=MESHES)
    def test_formula(self, formula, vertices, faces):
        got = getattr(torch_losses, formula.__name__)(torch.tensor(vertices), Connectivity.of(faces, len(vertices)))
        assert got.item() == pytest.approx(formula(vertices, faces), rel=1e-7)

    def test_target_length(self):
        vertices, faces = MESHES["open"]
        got = torch_losses.edge_length(torch.tensor(vertices), Connectivity.of(faces, 6), target=0.8)
        assert got.item() == pytest.approx(edge_length(vertices, faces, 0.8), rel=1e-7)

    def test_zero_on_a_plane(self):
        """A flat grid bends nowhere; a regular one has no Laplacian in its middle."""
        n = 6
        x, y = np.meshgrid(np.arange(n), np.arange(n))
        vertices = torch.tensor(np.stack([x.ravel(), y.ravel(), 0.3 * x.ravel()], -1), dtype=torch.float64)
        corner = (np.arange(n - 1)[:, None] * n + np.arange(n - 1)).ravel()
        faces = np.concatenate([np.stack([corner, corner + 1, corner + n], -1), np.stack([corner + 1, corner + n + 1, corner + n], -1)])
        connectivity = Connectivity.of(faces, n * n)
        assert torch_losses.flatten(vertices, connectivity).item() == pytest.approx(0, abs=1e-12)
        assert torch_losses.normal_consistency(vertices, connectivity).item() == pytest.approx(0, abs=1e-12)

    def test_a_folded_hinge(self):
        """Two faces on each other: cos theta is 1, the normals are opposite."""
        vertices = torch.tensor([[0.0, 0, 0], [1, 0, 0], [0.3, 1, 0], [0.7, 1, 0]], dtype=torch.float64)
        connectivity = Connectivity.of([[0, 1, 2], [1, 0, 3]], 4)
        assert torch_losses.flatten(vertices, connectivity).item() == pytest.approx(4)
        assert torch_losses.normal_consistency(vertices, connectivity).item() == pytest.approx(2)

    @pytest.mark.parametrize("name", MESH_LOSSES)
    @pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
    def test_finite_without_extent(self, name, dtype):
        """All vertices at one point, or on one line: the value and the gradient are finite."""
        sphere = Mesh.icosphere(0)
        connectivity = Connectivity.of(sphere.faces, 12)
        for scale in ([0.0, 0.0, 0.0], [1.0, 0.0, 0.0]):
            vertices = (torch.tensor(sphere.vertices, dtype=dtype) * torch.tensor(scale, dtype=dtype)).requires_grad_()
            loss = getattr(torch_losses, name)(vertices, connectivity)
            loss.backward()
            assert loss.isfinite()
            assert vertices.grad.isfinite().all()

    @pytest.mark.parametrize("angle", [3e-3, 1e-3, 3e-4, 1e-4, 1e-5])
    def test_slivers_in_single_precision(self, angle):
        """A hinge's loss is at most 4, however narrow its faces are; the gradient is finite."""
        rng = np.random.default_rng(1)
        axis, offset = np.array([0.6, 0.64, 0.48]), rng.standard_normal((50, 3))
        ends = np.stack([0 * axis, axis], 0)
        tips = 0.7 * axis + angle * rng.standard_normal((50, 2, 3))
        vertices = np.concatenate([np.repeat(ends[None], 50, 0), tips], 1) + 0.1 * offset[:, None]
        faces = np.arange(200).reshape(50, 4)[:, [0, 1, 2, 1, 0, 3]].reshape(-1, 3)
        vertices = torch.tensor(vertices.reshape(-1, 3), dtype=torch.float32, requires_grad=True)
        loss = torch_losses.flatten(vertices, Connectivity.of(faces, 200))
        loss.backward()
        assert loss <= 4.001 * 50
        assert vertices.grad.isfinite().all()

    def test_no_hinges(self):
        vertices = torch.eye(3, dtype=torch.float64, requires_grad=True)
        connectivity = Connectivity.of([[0, 1, 2]], 3)
        for loss in (torch_losses.flatten, torch_losses.normal_consistency):
            value = loss(vertices, connectivity)
            value.backward()
            assert value.item() == 0
            assert (vertices.grad == 0).all()

    def test_a_large_mesh(self):
        """163,842 vertices: no matrix of V by V is ever made."""
        n = 320
        corner = (np.arange(n - 1)[:, None] * n + np.arange(n - 1)).ravel()
        faces = np.concatenate([np.stack([corner, corner + 1, corner + n], -1), np.stack([corner + 1, corner + n + 1, corner + n], -1)])
        assert n * n > 100_000
        connectivity = Connectivity.of(faces, n * n)
        vertices = torch.randn(n * n, 3, generator=torch.Generator().manual_seed(0)).requires_grad_()
        for name in MESH_LOSSES:
            loss = getattr(torch_losses, name)(vertices, connectivity)
            loss.backward()
            assert loss.isfinite()
            assert vertices.grad.isfinite().all()
        sums = torch.zeros(n * n, 3).index_add_(0, torch.tensor(connectivity.edges[:, 0]), vertices.detach()[connectivity.edges[:, 1]])
        sums.index_add_(0, torch.tensor(connectivity.edges[:, 1]), vertices.detach()[connectivity.edges[:, 0]])
        expected = (vertices.detach() - sums * torch.tensor(connectivity.one_over_degree)[:, None]).square().sum()
        assert torch_losses.laplacian(vertices.detach(), connectivity).item() == pytest.approx(expected.item(), rel=1e-4)


class TestImageLosses:
    """Widths that are no multiple of the eight pixels that the kernels sum at once."""

    SHAPES = ((1, 1, 1), (2, 3, 11), (3, 5, 8), (1, 7, 17), (2, 40, 300))

    def pictures(self, *shape: int) -> list[torch.Tensor]:
        return [torch.tensor(RNG.uniform(0, 1, shape)) for _ in range(2)]

    @pytest.mark.parametrize("shape", SHAPES)
    def test_silhouette_iou(self, shape):
        a, b = self.pictures(*shape)
        intersection, union = (a * b).sum((1, 2)), (a + b - a * b).sum((1, 2))
        assert torch_losses.silhouette_iou(a, b).item() == pytest.approx((1 - intersection / (union + 1e-6)).mean().item(), rel=1e-7)

    def test_iou_of_equal_and_of_disjoint_pictures(self):
        a = torch.zeros(1, 4, 10)
        a[:, :, :5] = 1
        assert torch_losses.silhouette_iou(a, a).item() == pytest.approx(0, abs=1e-6)
        assert torch_losses.silhouette_iou(a, 1 - a).item() == pytest.approx(1)
        assert torch_losses.silhouette_iou(a * 0, a * 0).item() == 1

    @pytest.mark.parametrize("shape", SHAPES)
    def test_pixels_that_are_not_known_count_nothing(self, shape):
        """As if the pictures ended before them; and a half counts by halves."""
        a, b = self.pictures(*shape)
        beyond = [torch.cat([picture, torch.tensor(RNG.uniform(0, 1, shape))], 2) for picture in (a, b)]
        known = torch.cat([torch.ones(shape, dtype=torch.float64), torch.zeros(shape, dtype=torch.float64)], 2)
        assert torch_losses.silhouette_iou(*beyond, known).item() == pytest.approx(torch_losses.silhouette_iou(a, b).item(), rel=1e-9)
        weights, _ = self.pictures(*shape)
        intersection, union = (weights * a * b).sum((1, 2)), (weights * (a + b - a * b)).sum((1, 2))
        assert torch_losses.silhouette_iou(a, b, weights).item() == pytest.approx((1 - intersection / (union + 1e-6)).mean().item(), rel=1e-7)

    @pytest.mark.parametrize("shape", SHAPES)
    @pytest.mark.parametrize("channels", [1, 3])
    def test_color_l1(self, shape, channels):
        a, b = self.pictures(*shape, channels)
        mask, _ = self.pictures(*shape)
        assert torch_losses.color_l1(a, b, mask).item() == pytest.approx(((a - b).abs() * mask[..., None]).mean().item(), rel=1e-7)
        assert torch_losses.color_l1(a, b).item() == pytest.approx((a - b).abs().mean().item(), rel=1e-7)

    def test_at_equality_the_gradient_is_zero(self):
        a = torch.rand(1, 4, 9, 3, requires_grad=True)
        torch_losses.color_l1(a, a.detach().clone()).backward()
        assert (a.grad == 0).all()


class TestOnTheTape:
    """The same functions on Taichi's arrays: values add up in the tape's loss, with their weights."""

    def on_tape(self, function, *inputs: np.ndarray) -> tuple[float, list[np.ndarray]]:
        """function(*arrays, into=loss) on a tape: the value and the gradients."""
        arrays = TaichiArrays(ti.f64)
        loss = arrays.parameter(np.zeros(1))
        parameters = [arrays.parameter(values) for values in inputs]
        with ti.ad.Tape(loss):
            function(*parameters, into=loss)
        return loss.to_numpy()[0], [parameter.grad.to_numpy() for parameter in parameters]

    def in_torch(self, function, *inputs: np.ndarray) -> tuple[float, list[np.ndarray]]:
        tensors = [torch.tensor(values, requires_grad=True) for values in inputs]
        loss = function(*tensors)
        loss.backward()
        return loss.item(), [tensor.grad.numpy() for tensor in tensors]

    def assert_same(self, on_tape, in_torch) -> None:
        assert on_tape[0] == pytest.approx(in_torch[0], rel=1e-10)
        for got, expected in zip(on_tape[1], in_torch[1], strict=True):
            np.testing.assert_allclose(got, expected, rtol=1e-9, atol=1e-12)

    @pytest.mark.parametrize("name", MESH_LOSSES)
    def test_mesh_losses(self, name):
        vertices, faces = MESHES["closed"]
        connectivity = Connectivity.of(faces, len(vertices))
        self.assert_same(
            self.on_tape(lambda v, into: getattr(losses, name)(v, connectivity, into=into), vertices),
            self.in_torch(lambda v: getattr(torch_losses, name)(v, connectivity), vertices),
        )

    def test_image_losses(self):
        a, b = RNG.uniform(0, 1, (2, 2, 5, 11))
        self.assert_same(self.on_tape(losses.silhouette_iou, a, b), self.in_torch(torch_losses.silhouette_iou, a, b))
        known = RNG.uniform(0, 1, a.shape)
        self.assert_same(self.on_tape(losses.silhouette_iou, a, b, known), self.in_torch(torch_losses.silhouette_iou, a, b, known))
        c, d = RNG.uniform(0, 1, (2, 2, 5, 11, 3))
        self.assert_same(self.on_tape(losses.color_l1, c, d, a), self.in_torch(torch_losses.color_l1, c, d, a))

    def test_weights_add_up(self):
        vertices, faces = MESHES["closed"]
        connectivity = Connectivity.of(faces, len(vertices))
        weights = dict(zip(MESH_LOSSES, (0.3, 0.02, 1.7, -0.6), strict=True))

        def on_tape(v, into):
            for name, weight in weights.items():
                getattr(losses, name)(v, connectivity, into=into, weight=weight)
            losses.edge_length(v, connectivity, target=0.4, into=into, weight=2.0)

        def in_torch(v):
            mixed = sum(weight * getattr(torch_losses, name)(v, connectivity) for name, weight in weights.items())
            return mixed + 2 * torch_losses.edge_length(v, connectivity, target=0.4)

        self.assert_same(self.on_tape(on_tape, vertices), self.in_torch(in_torch, vertices))

    def test_weights_of_image_losses(self):
        a, b = RNG.uniform(0, 1, (2, 2, 5, 11))
        c, d = RNG.uniform(0, 1, (2, 2, 5, 11, 3))

        def on_tape(a, b, c, d, into):
            losses.silhouette_iou(a, b, into=into, weight=0.25)
            losses.color_l1(c, d, a, into=into, weight=3.0)

        self.assert_same(
            self.on_tape(on_tape, a, b, c, d),
            self.in_torch(lambda a, b, c, d: 0.25 * torch_losses.silhouette_iou(a, b) + 3 * torch_losses.color_l1(c, d, a), a, b, c, d),
        )

    def test_without_a_tape(self):
        """A new array [1], which nothing has been added to."""
        vertices, faces = MESHES["open"]
        connectivity = Connectivity.of(faces, len(vertices))
        array = TaichiArrays(ti.f64).parameter(vertices)
        for _ in range(2):
            assert losses.flatten(array, connectivity, weight=2.0).to_numpy() == pytest.approx(2 * flatten(vertices, faces))
