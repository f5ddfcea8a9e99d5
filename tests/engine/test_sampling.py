"""Points drawn on surfaces, and cotangents: distributions against what they should be, values and gradients against formulas.

Plan: how often each face is drawn and where on it, by tests that fail once in a million runs; faces without area; seeds; what stands at places and its
gradient, by hand and generated, on Taichi's tape; the cotangent Laplacian against angles by their arc cosines.
"""

import numpy as np
import pytest
import scipy.stats
from scenes import of_gpus

from taichi_softras import Mesh, TaichiArrays
from taichi_softras.engine import laplacians, sampling
from taichi_softras.kernels.sampling import SURE, interpolate_op
from taichi_softras.language import ti
from taichi_softras.runtime import variant_of

RNG = np.random.default_rng(5)
FACES = np.array([[0, 1, 2], [2, 1, 3], [4, 4, 0], [0, 2, 4], [1, 1, 1]], np.int32)  # the third and the last have no area
VERTICES = np.array([[0, 0, 0], [1, 0, 0], [0, 2, 0], [1, 2, 0.5], [-1, 0.1, 1]], float)
RARE = 1e-6
ON_CPUS = variant_of("cpu", ti.f64)  # many places side by side, also where these tests run on CUDA


def areas(vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    a, b, c = vertices[faces].swapaxes(0, 1)
    return np.linalg.norm(np.cross(b - a, c - a), axis=1) / 2


class TestSample:
    def test_each_face_as_often_as_its_area_says(self):
        points, face, weights = sampling.sample_surface(VERTICES, FACES, 100_000, seed=1)
        counts = np.bincount(face, minlength=5)
        share = areas(VERTICES, FACES) / areas(VERTICES, FACES).sum()
        assert counts[2] == counts[4] == 0
        used = share > 0
        assert scipy.stats.chisquare(counts[used], 100_000 * share[used]).pvalue > RARE
        np.testing.assert_allclose(points, np.einsum("sk,skc->sc", weights, VERTICES[FACES[face]]), rtol=1e-12, atol=1e-15)

    def test_anywhere_on_a_face_alike(self):
        """Each weight has the distribution 1 - (1 - w)^2; and two of them fall alike into the four quarters of a triangle."""
        _, _, weights = sampling.sample_surface(VERTICES, FACES[:1], 50_000, seed=2)
        for k in range(3):
            assert scipy.stats.kstest(weights[:, k], lambda w: 1 - (1 - w) ** 2).pvalue > RARE
        quarter = np.where((weights > 0.5).any(1), weights.argmax(1), 3)
        assert scipy.stats.chisquare(np.bincount(quarter, minlength=4)).pvalue > RARE

    def test_weights_have_no_rounding(self):
        """Of each place they add up to one, and none is negative, though two of them are kept: in float32, and on GPUs the same to the bit."""
        found = []
        for is_gpu in (False, True):
            arrays = TaichiArrays(ti.f32)
            arrays.variant, arrays.is_remote = of_gpus(ti.f32) if is_gpu else variant_of("cpu", ti.f32), is_gpu
            _, places = sampling.draw_points(arrays, arrays.real(VERTICES), arrays.index(FACES), [3, 2], 10_000, seed=8)
            found.append([arrays.to_numpy(array) for array in places()])
        (face, weights), (other_face, other_weights) = found
        assert weights.dtype == np.float32
        assert (weights.astype(float).sum(1) == 1).all()
        assert weights.min() >= 0
        np.testing.assert_array_equal(face, other_face)
        np.testing.assert_array_equal(weights, other_weights)

    def test_what_is_drawn_next_does_not_depend_on_what_was(self):
        _, face, weights = sampling.sample_surface(*(getattr(Mesh.icosphere(1), name) for name in ("vertices", "faces")), 50_000, seed=3)
        table = np.histogram2d(face[:-1], face[1:], bins=8)[0]
        assert scipy.stats.chi2_contingency(table).pvalue > RARE
        assert scipy.stats.chi2_contingency(np.histogram2d(face, weights[:, 0], bins=8)[0]).pvalue > RARE

    def test_seeds(self):
        first, again, other = (sampling.sample_surface(VERTICES, FACES, 50, seed)[0] for seed in (4, 4, 5))
        np.testing.assert_array_equal(first, again)
        assert len(np.unique(np.concatenate([first, other]), axis=0)) == 100

    def test_one_large_face_among_many(self):
        """Nearly all cells are filled by one face."""
        size = np.full(1000, 1e-9)
        size[700] = 1.0
        arrays = TaichiArrays(ti.f64)
        faces = arrays.index(np.tile(np.arange(3, dtype=np.int32), (1000, 1)))
        _, places = sampling.draw_points(arrays, arrays.real(np.eye(3)), faces, [1000], 10_000, 7, size)
        assert (arrays.to_numpy(places()[0]) == 700).mean() > 0.999

    @pytest.mark.parametrize("at_once", [False, True], ids=["by turns", "at once"])
    def test_odds_are_shares(self, at_once):
        """What each face has of all cells is its share of the area, to the 31 bits of the odds, for each of meshes that differ; nothing, if it has none."""
        sizes = [
            RNG.exponential(size=300) ** 3,
            np.ones(7),
            np.array([0, 0, 2.0, 0]),
            np.array([3.0]),
            np.r_[np.zeros(5), RNG.random(50), np.zeros(5)],
            np.r_[0.1, 0.3],
        ]
        first = np.r_[0, np.cumsum([len(size) for size in sizes])].astype(np.int32)
        arrays = TaichiArrays(ti.f64)
        arrays.variant, arrays.is_remote = of_gpus() if at_once else ON_CPUS, at_once
        faces = arrays.index(np.tile(np.arange(3, dtype=np.int32), (first[-1], 1)))
        _, places = sampling.draw_points(arrays, arrays.real(np.eye(3)), faces, list(map(len, sizes)), 1, 7, np.concatenate(sizes))
        odds, other = arrays.to_numpy(places.odds).reshape(-1, 2).T
        for size, begin, end in zip(sizes, first[:-1], first[1:], strict=True):
            part = odds[begin:end] / SURE
            assert ((part >= 0) & (part <= 1)).all()
            has = part + np.bincount(other[begin:end] - begin, 1 - part, end - begin)
            np.testing.assert_allclose(has, size / size.mean(), atol=2e-9 * len(size))
            assert not has[size == 0].any()

    def test_gpus_draw_the_same_and_have_the_same_gradient(self):
        """One place after the other, odds by other steps, a generated gradient: of 100 places on each of two meshes, L = sum of g times them."""
        g, found = RNG.normal(size=(200, 3)), []

        @ti.kernel
        def weighted(points: ti.types.ndarray(dtype=ti.f64, ndim=2), g: ti.types.ndarray(dtype=ti.f64, ndim=2), loss: ti.types.ndarray(dtype=ti.f64, ndim=1)):
            for s, k in ti.ndrange(200, 3):
                loss[0] += points[s, k] * g[s, k]

        for is_gpu in (False, True):
            arrays = TaichiArrays(ti.f64)
            arrays.variant, arrays.is_remote = of_gpus() if is_gpu else ON_CPUS, is_gpu
            vertices, loss = arrays.parameter(VERTICES), arrays.parameter(np.zeros(1))
            with ti.ad.Tape(loss):
                points, places = sampling.draw_points(arrays, vertices, FACES, [3, 2], 100, seed=6)
                weighted(points, g, loss)
            found.append([arrays.to_numpy(array) for array in (points, *places(), vertices.grad)])
        for one, other in zip(*found, strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-12, atol=1e-14)
        _, face, weights, grad = found[0]
        assert set(face[:100]) == {0, 1}
        assert set(face[100:]) == {3}
        expected = np.zeros_like(VERTICES)
        np.add.at(expected, FACES[face], weights[:, :, None] * g[:, None])
        np.testing.assert_allclose(grad, expected, rtol=1e-12, atol=1e-13)

    def test_without_area(self):
        with pytest.raises(ValueError, match=r"sample_surface: the faces must have an area, got 0.0 in all"):
            sampling.sample_surface(VERTICES, FACES[[2, 4]], 10)


class TestAtPlaces:
    @pytest.mark.parametrize("lanes", [8, 1], ids=["by hand", "generated"])
    def test_on_the_tape(self, lanes):
        """L = sum of squares: its gradient at the vertices is 2 M^T M v, M being the matrix of weights."""
        arrays = TaichiArrays(ti.f64)
        arrays.variant = of_gpus() if lanes == 1 else arrays.variant
        values, face, weights = RNG.normal(size=(5, 2)), np.array([0, 3, 3, 1], np.int32), RNG.dirichlet(np.ones(3), 4)
        matrix = np.zeros((4, 5))
        for s in range(4):
            np.add.at(matrix[s], FACES[face[s]], weights[s])
        given, loss = arrays.parameter(values), arrays.parameter(np.zeros(1))

        @ti.kernel
        def squares(result: ti.types.ndarray(dtype=ti.f64, ndim=2), loss: ti.types.ndarray(dtype=ti.f64, ndim=1)):
            for s, c in ti.ndrange(4, 2):
                loss[0] += result[s, c] * result[s, c]

        with ti.ad.Tape(loss):
            result = sampling.at_places(arrays, given, FACES, face, weights)
            squares(result, loss)
        np.testing.assert_allclose(result.to_numpy(), matrix @ values, rtol=1e-12)
        np.testing.assert_allclose(given.grad.to_numpy(), 2 * matrix.T @ matrix @ values, rtol=1e-12, atol=1e-15)

    @pytest.mark.parametrize("n_channels", [2, 3])
    def test_many_places_by_several_threads(self, n_channels):
        """Of points as they are drawn (three numbers each), and of anything else at the same places: L = sum of g times them, of many g."""
        arrays, n = TaichiArrays(ti.f64), 30_000
        vertices, g, loss = arrays.parameter(VERTICES), RNG.normal(size=(n, n_channels)), arrays.parameter(np.zeros(1))

        @ti.kernel
        def weighted(
            result: ti.types.ndarray(dtype=ti.f64, ndim=2), g: ti.types.ndarray(dtype=ti.f64, ndim=2), loss: ti.types.ndarray(dtype=ti.f64, ndim=1), c: ti.i32
        ):
            for s, k in ti.ndrange(30_000, c):
                loss[0] += result[s, k] * g[s, k]

        with ti.ad.Tape(loss):
            result, places = sampling.draw_points(arrays, vertices, FACES, [3, 2], n // 2, seed=1)
            face, weights = places()
            given = vertices if n_channels == 3 else arrays.parameter(VERTICES[:, :2])
            result = result if n_channels == 3 else sampling.at_places(arrays, given, FACES, face, weights)
            weighted(result, g, loss, n_channels)
        face, weights = arrays.to_numpy(face), arrays.to_numpy(weights)
        assert face[: n // 2].max() < 3 <= face[n // 2 :].min()
        values = VERTICES[:, :n_channels]
        np.testing.assert_allclose(result.to_numpy(), np.einsum("sk,skc->sc", weights, values[FACES[face]]), rtol=1e-12, atol=1e-15)
        expected = np.zeros_like(values)
        np.add.at(expected, FACES[face], weights[:, :, None] * g[:, None])
        np.testing.assert_allclose(given.grad.to_numpy(), expected, rtol=1e-10)

    def test_the_way_back_by_hand_is_there_on_the_cpu(self):
        assert interpolate_op(TaichiArrays(ti.f64).variant).gradient is not None


class TestCotangents:
    def test_against_angles(self):
        mesh = Mesh.icosphere(1)
        vertices = np.asarray(mesh.vertices, float) + RNG.normal(0, 0.1, (42, 3))
        expected, around = np.zeros((42, 42)), np.zeros(42)
        for face, area in zip(mesh.faces, areas(vertices, mesh.faces), strict=True):
            for i, j, k in ((0, 1, 2), (1, 2, 0), (2, 0, 1)):
                u, v = vertices[face[j]] - vertices[face[i]], vertices[face[k]] - vertices[face[i]]
                angle = np.arccos(u @ v / np.linalg.norm(u) / np.linalg.norm(v))
                for p, q in ((j, k), (k, j)):
                    expected[face[p], face[q]] += 0.5 / np.tan(angle)
                    expected[face[p], face[p]] -= 0.5 / np.tan(angle)
                around[face[i]] += area / 3
        laplacian, found = laplacians.cotangent_laplacian(vertices, mesh.faces)
        np.testing.assert_allclose(laplacian.toarray(), expected, atol=1e-10)
        np.testing.assert_allclose(found, around, rtol=1e-12)

    def test_curvature_of_a_sphere(self):
        """-L x / area is 2 H n: twice one over the radius, outwards."""
        mesh = Mesh.icosphere(4)
        vertices = 0.5 * np.asarray(mesh.vertices, float)
        laplacian, around = laplacians.cotangent_laplacian(vertices, mesh.faces)
        curvature = -((laplacian @ vertices) * vertices).sum(1) / 0.5 / around
        np.testing.assert_allclose(np.median(curvature), 4, rtol=0.01)
        np.testing.assert_allclose(curvature, 4, rtol=0.16)  # the least right where five faces meet

    def test_a_face_without_area_is_finite(self):
        laplacian, around = laplacians.cotangent_laplacian(VERTICES, FACES, least_area=1e-6)
        assert np.isfinite(laplacian.toarray()).all()
        assert np.isfinite(around).all()
