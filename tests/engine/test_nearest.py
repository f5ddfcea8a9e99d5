"""What is nearest, and what is inside, against formulas that look at all pairs.

Plan: points among points by a dense table; points among triangles by trimesh's closest point, on triangles of all shapes, segments, points and needles
included; triangles among points the other way round; the least area; few things, equal things, far and huge ones; inside of solids whose formula is known, on
the very lines through their corners and edges. (Wrong input is in the table of `bad_input`.)
"""

import numpy as np
import pytest
import trimesh

from taichi_softras import Mesh, TaichiArrays
from taichi_softras.engine import nearest
from taichi_softras.engine.boxes import Boxes
from taichi_softras.language import ti

RNG = np.random.default_rng(11)
ROUND = 1e-12


def triangles(n: int) -> np.ndarray:
    """[n, 3, 3] of sizes from a hundredth to one, in a unit cube; every fourth has no area."""
    middle = RNG.uniform(-1, 1, (n, 1, 3))
    corners = middle + RNG.normal(size=(n, 3, 3)) * 10.0 ** RNG.uniform(-2, 0, (n, 1, 1))
    corners[::8, 2] = corners[::8, 1]  # segments
    corners[4::8, 2] = corners[4::8, 0] + 0.3 * (corners[4::8, 1] - corners[4::8, 0])  # their corner in the middle
    corners[7::32] = corners[7::32, :1]  # points
    return corners


def by_pairs(points: np.ndarray, corners: np.ndarray) -> np.ndarray:
    """[P, N] squared distances, by trimesh; of what has no area by the nearest of many places on its edges and then of its own neighbourhood, exactly."""
    table = np.empty((len(points), len(corners)))
    for n, (a, b, c) in enumerate(corners):
        if np.linalg.norm(np.cross(b - a, c - a)) > 1e-9:
            place = trimesh.triangles.closest_point(np.broadcast_to(corners[n], (len(points), 3, 3)), points)
            table[:, n] = ((points - place) ** 2).sum(1)
            continue
        ways = []
        for start, end in ((a, b), (b, c), (c, a)):
            length_sq = ((end - start) ** 2).sum()
            t = np.clip((points - start) @ (end - start) / (length_sq or 1.0), 0, 1)
            ways.append(((points - start - t[:, None] * (end - start)) ** 2).sum(1))
        table[:, n] = np.min(ways, 0)
    return table


class TestPoints:
    @pytest.mark.parametrize(("norm", "dimensions", "count"), [(2, 3, 1), (2, 2, 5), (1, 3, 4), (1, 7, 1)])
    def test_all_pairs(self, norm, dimensions, count):
        points, others = RNG.normal(size=(60, dimensions)), RNG.normal(size=(45, dimensions))
        apart = np.abs(points[:, None] - others)
        table = apart.sum(2) if norm == 1 else np.sqrt((apart**2).sum(2))
        distance, index = nearest.nearest_points(points, others, count, norm)
        np.testing.assert_array_equal(index, table.argsort(1)[:, :count])
        np.testing.assert_allclose(distance, np.sort(table, 1)[:, :count], rtol=ROUND)

    def test_none(self):
        distance, index = nearest.nearest_points(np.zeros((0, 3)), np.ones((4, 3)), 2)
        assert distance.shape == index.shape == (0, 2)


class TestTriangles:
    def test_all_pairs(self):
        points, corners = RNG.uniform(-1.5, 1.5, (200, 3)), triangles(64)
        table = by_pairs(points, corners)
        triangle, weights = nearest.nearest_triangles(points, corners)
        np.testing.assert_allclose(nearest.squared_distances(points, corners), table.min(1), rtol=1e-9, atol=ROUND)
        np.testing.assert_allclose(table[np.arange(200), triangle], table.min(1), rtol=1e-9, atol=ROUND)
        np.testing.assert_allclose(weights.sum(1), 1, rtol=ROUND)
        assert (weights >= 0).all()
        assert set((weights == 0).sum(1)) == {0, 1, 2}  # inside of triangles, on edges, at corners

    def test_the_other_way_round(self):
        points, corners = RNG.uniform(-1.5, 1.5, (90, 3)), triangles(64)
        table = by_pairs(points, corners)
        point, weights = nearest.points_nearest_to_triangles(points, corners)
        place = np.einsum("nk,nkc->nc", weights, corners)
        np.testing.assert_allclose(((points[point] - place) ** 2).sum(1), table.min(0), rtol=1e-9, atol=ROUND)
        np.testing.assert_allclose(table[point, np.arange(64)], table.min(0), rtol=1e-9, atol=ROUND)

    def test_needles(self):
        """Thinner and thinner triangles: the place stays where it is on the segment that they become."""
        for width in (1e-3, 1e-6, 1e-9, 1e-13, 1e-16, 0.0):
            corners = np.array([[[0.0, 0, 0], [1, 0, 0], [0.4, width, 0]]])
            _, weights = nearest.nearest_triangles([[0.7, width / 8, 0.5]], corners)
            assert weights[0] @ corners[0] == pytest.approx([0.7, width / 8, 0.0], abs=1e-12 if width > 1e-9 else width)

    def test_least_area(self):
        """A triangle below it is its edges, of which the longest is the nearest here."""
        corners, point = np.array([[[0.0, 0, 0], [1, 0, 0], [0, 1, 0]]]), [[0.3, 0.3, 2.0]]
        assert nearest.squared_distances(point, corners, 0.499) == pytest.approx([4.0], rel=ROUND)
        assert nearest.squared_distances(point, corners, 0.501) == pytest.approx([4 + 2 * 0.2**2], rel=ROUND)

    @pytest.mark.parametrize("n", [1, 2, 3, 5, 17])
    def test_few(self, n):
        points, corners = RNG.normal(size=(20, 3)), triangles(n)
        np.testing.assert_allclose(nearest.squared_distances(points, corners), by_pairs(points, corners).min(1), rtol=1e-9)

    def test_many_alike(self):
        corners = np.repeat(triangles(2)[1:], 50, axis=0)
        points = RNG.normal(size=(20, 3))
        np.testing.assert_allclose(nearest.squared_distances(points, corners), by_pairs(points, corners[:1])[:, 0], rtol=1e-9)

    @pytest.mark.parametrize("scale", [1e-50, 1e-8, 1e6, 1e50])
    def test_scale(self, scale):
        points, corners = RNG.normal(size=(20, 3)), triangles(30)
        expected = nearest.squared_distances(points, corners)
        np.testing.assert_allclose(nearest.squared_distances(points * scale, corners * scale) / scale / scale, expected, rtol=1e-6)

    def test_distances_that_overflow_still_find_a_triangle(self):
        triangle, _ = nearest.nearest_triangles(np.full((3, 3), 1e300), -1e300 * np.ones((5, 3, 3)))
        assert ((triangle >= 0) & (triangle < 5)).all()

    def test_single_precision(self):
        mesh = Mesh.icosphere(3)
        points, corners = RNG.normal(size=(300, 3)).astype(np.float32), np.asarray(mesh.vertices, np.float32)[mesh.faces]
        index, weights = nearest.search(TaichiArrays(ti.f32), points, corners.reshape(-1, 9), 0.0, True)
        distance = np.linalg.norm(points - np.einsum("pk,pkc->pc", weights, corners[index]), axis=1)
        np.testing.assert_allclose(distance, np.sqrt(nearest.squared_distances(points, corners)), atol=1e-6)

    def test_nobody_asks(self):
        triangle, weights = nearest.nearest_triangles(np.zeros((0, 3)), triangles(3))
        assert triangle.shape == (0,)
        assert weights.shape == (0, 3)


class TestBoxes:
    @pytest.mark.parametrize("n", [1, 2, 7, 64, 1000])
    def test_each_holds_what_is_below_it(self, n):
        corners = triangles(n)
        tree = Boxes.around(corners)
        assert sorted(tree.order) == list(range(n))
        assert (np.diff(tree.starts) > 0).all()
        for node in range(1, 2 * tree.n_leaves):
            first, last = node, node
            while first < tree.n_leaves:
                first, last = 2 * first, 2 * last + 1
            held = corners[tree.order[tree.starts[first - tree.n_leaves] : tree.starts[last - tree.n_leaves + 1]]].reshape(-1, 3)
            np.testing.assert_array_equal(tree.boxes[node], np.r_[held.min(0), held.max(0)])


class TestInside:
    CUBE = np.array([[x, y, z] for x in (0, 1) for y in (0, 1) for z in (0, 1)], float)
    SIDES = np.array([[0, 1, 3], [0, 3, 2], [4, 6, 7], [4, 7, 5], [0, 4, 5], [0, 5, 1], [2, 3, 7], [2, 7, 6], [0, 2, 6], [0, 6, 4], [1, 5, 7], [1, 7, 3]])
    OCTAHEDRON = np.array([[1, 0, 0], [-1, 0, 0], [0, 1, 0], [0, -1, 0], [0, 0, 1], [0, 0, -1]], float)
    EIGHT = np.array([[0, 2, 4], [2, 1, 4], [1, 3, 4], [3, 0, 4], [2, 0, 5], [1, 2, 5], [3, 1, 5], [0, 3, 5]])
    LATTICE = np.stack(np.meshgrid(*[np.linspace(-1.5, 1.5, 13)] * 3, indexing="ij"), -1).reshape(-1, 3)

    def test_of_a_cube_on_the_lines_through_its_edges(self):
        found = nearest.inside(self.LATTICE, self.CUBE[self.SIDES])
        assert found[((self.LATTICE > 0) & (self.LATTICE < 1)).all(1)].all()
        assert not found[((self.LATTICE < 0) | (self.LATTICE > 1)).any(1)].any()

    def test_of_an_octahedron_on_the_lines_through_its_corners(self):
        found, size = nearest.inside(self.LATTICE, self.OCTAHEDRON[self.EIGHT]), np.abs(self.LATTICE).sum(1)
        assert found[size < 0.999].all()
        assert not found[size > 1.001].any()

    def test_of_a_round_shape(self):
        mesh = Mesh.icosphere(3)
        points = RNG.uniform(-1.1, 1.1, (2000, 3))
        corners = np.asarray(mesh.vertices, float)[mesh.faces]
        of_plane = np.einsum("nc,pnc->pn", np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), points[:, None] - corners[:, 0])
        np.testing.assert_array_equal(nearest.inside(points, corners), (of_plane < 0).all(1))

    def test_a_hollow_within(self):
        """Turned either way."""
        inner = 0.5 * self.OCTAHEDRON[self.EIGHT]
        for hollow in (inner, inner[:, ::-1]):
            found = nearest.inside([[0.01, 0.02, 0.03], [0.6, 0.1, 0.1], [0.9, 0.2, 0.3]], np.concatenate([self.OCTAHEDRON[self.EIGHT], hollow]))
            assert found.tolist() == [False, True, False]

    def test_of_nothing(self):
        assert not nearest.inside(self.LATTICE[:5], np.zeros((0, 3, 3))).any()
