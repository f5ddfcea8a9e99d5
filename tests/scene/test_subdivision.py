"""Edges of faces, and faces cut into four.

Plan: against loops over the faces; what must hold of any mesh (Euler's number, areas, where new vertices are); Loop's weights against his masks, and a
tetrahedron that becomes round.
"""

from itertools import pairwise

import numpy as np
import pytest

from taichi_softras import Mesh
from taichi_softras.scene import Subdivision, edges_of, pairs_at_edges

RNG = np.random.default_rng(3)
MESHES = {
    "closed": (Mesh.icosphere(1).faces, 42),
    "open": (np.array([[0, 1, 2], [1, 3, 2], [2, 3, 4], [5, 4, 3]]), 6),
    "three faces at an edge": (np.array([[0, 1, 2], [1, 0, 3], [0, 1, 4]]), 5),
    "isolated vertices": (np.array([[1, 4, 7], [4, 1, 2]]), 9),
}
every_mesh = pytest.mark.parametrize(("faces", "n"), MESHES.values(), ids=MESHES)


@every_mesh
class TestEdges:
    def test_by_looking_at_each_face(self, faces, n):
        edges, of_faces = edges_of(faces, n)
        assert [tuple(edge) for edge in edges] == sorted({tuple(sorted((face[i], face[j]))) for face in faces.tolist() for i, j in ((0, 1), (1, 2), (2, 0))})
        for face, found in zip(faces, of_faces, strict=True):
            assert [sorted(edges[edge]) for edge in found] == [sorted(np.delete(face, k)) for k in range(3)]

    def test_pairs(self, faces, n):
        edge = edges_of(faces, n)[1].ravel()
        expected = {(i, j) for i in range(len(edge)) for j in range(i + 1, len(edge)) if edge[i] == edge[j]}
        assert set(map(tuple, pairs_at_edges(edge).tolist())) == expected
        successive = {tuple(pair) for e in set(edge) for where in [np.flatnonzero(edge == e)] for pair in pairwise(where)}
        assert set(map(tuple, pairs_at_edges(edge, most=1).tolist())) == successive


@every_mesh
class TestSubdivision:
    def test_covers_the_same_surface(self, faces, n):
        vertices, cut = RNG.normal(size=(n, 3)), Subdivision.of(faces, n)
        new = np.concatenate([vertices, cut.middles @ vertices])
        np.testing.assert_allclose(cut.middles @ vertices, vertices[cut.edges].mean(1))
        for face, quarters in zip(faces, cut.faces, strict=True):
            a, b, c = vertices[face]
            whole = np.cross(b - a, c - a)
            p, q, r = new[quarters].swapaxes(0, 1)
            np.testing.assert_allclose(np.cross(q - p, r - p), np.broadcast_to(whole / 4, (4, 3)), atol=1e-12)  # size and side
            assert quarters[:3, 0].tolist() == face.tolist()
            np.testing.assert_allclose(new[quarters[3]], [(b + c) / 2, (c + a) / 2, (a + b) / 2])

    def test_smooth(self, faces, n):
        cut = Subdivision.of(faces, n)
        edges, of_faces = edges_of(faces, n)
        for e, (i, j) in enumerate(edges):
            opposite = [face[k] for face, found in zip(faces, of_faces, strict=True) for k in range(3) if found[k] == e]
            expected = np.zeros(n)
            expected[[i, j]] = 3 / 8 if len(opposite) == 2 else 1 / 2
            if len(opposite) == 2:
                np.add.at(expected, opposite, 1 / 8)
            np.testing.assert_allclose(cut.smooth_middles[[e]].toarray()[0], expected)
        for v in range(n):
            around = sorted({*edges[edges[:, 0] == v, 1], *edges[edges[:, 1] == v, 0]})
            expected = np.zeros(n)
            expected[around] = 1 / max(len(around), 1)
            np.testing.assert_allclose(cut.around[[v]].toarray()[0], expected)
            k = len(around)
            beta = 0 if k == 0 else 3 / 16 if k == 3 else (5 / 8 - (3 / 8 + np.cos(2 * np.pi / k) / 4) ** 2) / k
            assert cut.smoothing[v] == pytest.approx(k * beta)


def test_a_tetrahedron_becomes_round():
    """Loop's surface of a tetrahedron has the symmetry of one, and far less variation of the radius than it."""
    faces, vertices = np.array([[0, 1, 2], [0, 3, 1], [0, 2, 3], [1, 3, 2]]), np.array([[1.0, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]])
    for _ in range(4):
        cut = Subdivision.of(faces, len(vertices))
        moved = vertices + cut.smoothing[:, None] * (cut.around @ vertices - vertices)
        vertices, faces = np.concatenate([moved, cut.smooth_middles @ vertices]), cut.faces.reshape(-1, 3)
    assert len(vertices) == len(faces) / 2 + 2  # Euler, of a closed surface
    radius = np.linalg.norm(vertices, axis=1)
    assert radius.max() / radius.min() < 1.5  # three, of the tetrahedron itself
    np.testing.assert_allclose(vertices.mean(0), 0, atol=1e-12)
