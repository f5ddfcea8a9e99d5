"""Meshes made anew: closed and of the same kind, edges as long as they are to be, nothing gapes, crossings are found."""

from dataclasses import replace

import numpy as np
import pytest
from scenes import balls, euler_number, is_closed, torus

from taichi_softras import Connectivity, Mesh
from taichi_softras.recover import components, remeshed, self_intersections
from taichi_softras.recover.remesh import edge_lengths, face_areas, joined, split_edges, untangled

SQUARE = Mesh(vertices=[[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]], faces=[[0, 1, 2], [0, 2, 3]])


def lengths_of(mesh: Mesh) -> np.ndarray:
    i, j = Connectivity.of(mesh.faces, len(mesh.vertices)).edges.T
    return np.linalg.norm(mesh.vertices[i] - mesh.vertices[j], axis=1)


def crosses(p: np.ndarray, q: np.ndarray) -> bool:
    """Whether an edge of one triangle [3, 3] passes through the inside of the other: by solving for the point."""
    for one, other in ((p, q), (q, p)):
        for side in range(3):
            a, b = one[side], one[(side + 1) % 3]
            matrix = np.stack([b - a, other[0] - other[1], other[0] - other[2]], -1)
            if abs(np.linalg.det(matrix)) > 1e-12:
                t, u, v = np.linalg.solve(matrix, other[0] - a)
                if 0 < t < 1 and u > 0 and v > 0 and u + v < 1:
                    return True
    return False


def crossings(mesh: Mesh) -> set[tuple[int, int]]:
    """By looking at every pair."""
    corners, n = np.asarray(mesh.vertices, np.float64)[mesh.faces], len(mesh.faces)
    apart = [(i, j) for i in range(n) for j in range(i + 1, n) if not set(mesh.faces[i]) & set(mesh.faces[j])]
    return {(i, j) for i, j in apart if crosses(corners[i], corners[j])}


class TestRemeshed:
    @pytest.mark.parametrize(("mesh", "euler"), [(balls((0.1, 0.2, 0.0, 0.7)), 2), (torus(), 0), (balls((-1, 0, 0, 0.5), (1, 0, 0, 0.4)), 4)])
    def test_it_is_closed_and_of_the_same_kind(self, mesh, euler):
        new = remeshed(mesh, 0.15)
        assert is_closed(new)
        assert euler_number(new) == euler == euler_number(mesh)

    @pytest.mark.parametrize("length", [0.1, 0.2])
    def test_edges_are_about_as_long_as_they_are_to_be(self, length):
        """Botsch and Kobbelt: nearly all lie between 4/5 and 4/3."""
        found = lengths_of(remeshed(balls((0, 0, 0, 1), subdivisions=3), length))
        assert found.mean() == pytest.approx(length, rel=0.1)
        assert ((found > 0.7 * length) & (found < 4 / 3 * length)).mean() > 0.95

    def test_it_stays_on_the_surface(self):
        new = remeshed(balls((0, 0, 0, 1), subdivisions=4), 0.1)
        assert np.abs(np.linalg.norm(new.vertices, axis=1) - 1).max() < 0.01

    def test_colours_are_carried(self):
        ball = balls((0, 0, 0, 1), subdivisions=3)
        new = remeshed(replace(ball, colors=(ball.vertices + 1) / 2), 0.15)
        np.testing.assert_allclose(new.colors, (new.vertices + 1) / 2, atol=0.06)
        assert remeshed(ball, 0.3).colors is None

    def test_far_from_the_origin(self):
        ball = balls((0, 0, 0, 1))
        there = remeshed(replace(ball, vertices=ball.vertices.astype(np.float64) + 1e6), 0.3)
        np.testing.assert_allclose(there.vertices - 1e6, remeshed(ball, 0.3).vertices, atol=1e-3)


class TestEdgeLengths:
    def test_of_a_sphere(self):
        """Dunyach et al., equation 3: the curvature is one over the radius."""
        ball = balls((0, 0, 0, 2.0), subdivisions=4)
        lengths = edge_lengths(ball, 0.01, 0.01, 10.0)
        np.testing.assert_allclose(lengths, np.sqrt(6 * 0.01 * 2 - 3 * 0.01**2), rtol=0.04)

    def test_within_their_bounds(self):
        np.testing.assert_allclose(edge_lengths(SQUARE, 0.01, 0.1, 0.7), 0.7)  # flat
        assert edge_lengths(balls((0, 0, 0, 1)), 1e-9, 0.1, 0.7) == pytest.approx(0.1)


class TestSplitEdges:
    def test_no_face_gapes(self):
        """Lengths that differ from vertex to vertex: faces of which one, two or three sides are cut."""
        mesh = torus()
        lengths = np.random.default_rng(1).uniform(0.05, 0.3, len(mesh.vertices))
        new = split_edges(mesh, lengths, passes=3)
        assert len(new.faces) > 2 * len(mesh.faces)
        assert is_closed(new)
        assert euler_number(new) == 0
        assert face_areas(new).sum() == pytest.approx(face_areas(mesh).sum())  # it stays on the old faces

    def test_none_is_left_that_is_too_long(self):
        lengths = np.full(4, 0.2)
        new = split_edges(SQUARE, lengths, passes=10)
        assert lengths_of(new).max() <= 4 / 3 * 0.2
        assert face_areas(new).sum() == pytest.approx(1)
        across = np.cross(*(new.vertices[new.faces[:, k]] - new.vertices[new.faces[:, 0]] for k in (1, 2)))
        assert (across[:, 2] > 0).all()  # no face is turned over

    def test_colours_of_the_middles(self):
        mesh = replace(SQUARE, colors=np.asarray(SQUARE.vertices))
        new = split_edges(mesh, np.full(4, 0.3), passes=5)
        np.testing.assert_allclose(new.colors, new.vertices, atol=1e-6)

    def test_short_ones_stay(self):
        new = split_edges(SQUARE, np.full(4, 2.0))
        np.testing.assert_array_equal(new.faces, SQUARE.faces)


class TestPieces:
    def test_components(self):
        colors = np.repeat([[1.0, 0, 0], [0, 1, 0]], 162, axis=0)
        small, large = balls((0, 0, 0, 0.3)), balls((2, 0, 0, 0.5))
        found = components(replace(joined([small, large]), colors=colors))
        np.testing.assert_allclose(found[0].vertices, large.vertices)  # the larger first
        np.testing.assert_allclose(found[1].vertices, small.vertices)
        np.testing.assert_allclose(found[0].colors, np.broadcast_to([0, 1, 0], (162, 3)))
        np.testing.assert_array_equal(found[1].faces, small.faces)

    def test_vertices_without_faces_are_no_piece(self):
        mesh = balls((0, 0, 0, 1))
        assert len(components(replace(mesh, vertices=np.concatenate([mesh.vertices, [[5, 5, 5]]])))) == 1


class TestSelfIntersections:
    def test_of_two_tetrahedra(self):
        """A tip comes out of another's face: it has three faces there, and each crosses that face."""
        corners = np.array([[1.0, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]])
        faces = np.array([[0, 1, 2], [0, 3, 1], [0, 2, 3], [1, 3, 2]])
        tip = corners + corners[0] * -1.2  # its first corner lies within the other, behind the face across from its first corner
        mesh = Mesh(vertices=np.concatenate([corners, tip]), faces=np.concatenate([faces, faces + 4]))
        assert set(map(tuple, self_intersections(mesh).tolist())) == {(3, 4), (3, 5), (3, 6)} == crossings(mesh)

    @pytest.mark.parametrize("seed", [0, 1])
    def test_of_a_heap_of_triangles(self, seed):
        """Of very different sizes, against all pairs."""
        rng = np.random.default_rng(seed)
        n = 60
        size = 10 ** rng.uniform(-2, 0.3, (n, 1, 1))
        vertices = (rng.uniform(-1, 1, (n, 1, 3)) + size * rng.normal(size=(n, 3, 3))).reshape(-1, 3)
        mesh = Mesh(vertices=vertices, faces=np.arange(3 * n).reshape(-1, 3))
        expected = crossings(mesh)
        assert len(expected) > 30
        assert set(map(tuple, self_intersections(mesh).tolist())) == expected

    def test_two_spheres(self):
        assert len(self_intersections(balls((0, 0, 0, 1), (3, 0, 0, 1)))) == 0
        found = self_intersections(balls((0, 0, 0, 1), (1.2, 0.03, 0.02, 1)))
        middles = balls((0, 0, 0, 1), (1.2, 0.03, 0.02, 1))
        assert len(found) > 10
        assert np.abs(middles.vertices[middles.faces[found]].mean(2)[..., 0] - 0.6).max() < 0.3  # where they meet

    @pytest.mark.parametrize("mesh", [balls((0, 0, 0, 1), subdivisions=3), torus()])
    def test_of_a_mesh_that_does_not_cross_itself(self, mesh):
        assert len(self_intersections(mesh)) == 0


class TestUntangled:
    def test_a_dent_that_goes_through_the_other_side(self):
        ball = balls((0, 0, 0, 1), subdivisions=3)
        vertices = np.array(ball.vertices)
        top = vertices[:, 2].argmax()
        vertices[top] = [0.05, 0.02, -1.3]
        spoilt = replace(ball, vertices=vertices)
        assert len(self_intersections(spoilt)) > 3
        mended = untangled(spoilt)
        assert len(self_intersections(mended)) == 0
        far = np.linalg.norm(ball.vertices - ball.vertices[top], axis=1) > 0.9
        far &= ball.vertices[:, 2] > -0.5
        np.testing.assert_array_equal(mended.vertices[far], ball.vertices[far])  # what does not cross stays

    def test_a_folded_patch(self):
        """A strip of a grid is pushed over its neighbour, above and below."""
        n = 12
        y, x = (grid.ravel() for grid in np.mgrid[:n, :n] / (n - 1))
        corner = (np.arange(n - 1)[:, None] * n + np.arange(n - 1)).ravel()
        faces = np.concatenate([np.stack([corner, corner + 1, corner + n], -1), np.stack([corner + 1, corner + n + 1, corner + n], -1)])
        z = np.where(x > 0.5, 0.05 * np.sin(9 * y), 0.0)
        folded = Mesh(vertices=np.stack([np.where((x > 0.5) & (x < 0.6), x - 0.25, x), y, z], -1), faces=faces)
        assert len(self_intersections(folded)) > 0
        assert len(self_intersections(untangled(folded))) == 0

    def test_what_does_not_cross_stays(self):
        mesh = torus()
        assert untangled(mesh) is mesh
