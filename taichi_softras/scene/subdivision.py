"""Every face cut into four at the middles of its sides: plainly, or smoothly after Loop ("Smooth Subdivision Surfaces Based on Triangles", 1987)."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy  # its modules are loaded when they are asked for

from ..checks import check_faces, check_integer
from .connectivity import edges_of

__all__ = ["Subdivision"]


@dataclass(frozen=True, kw_only=True, eq=False)
class Subdivision:
    """How a mesh of V vertices and E edges becomes one of V + E vertices and four times the faces. The new vertices stand behind the old ones, an edge's each.

    Attributes:
        faces: [F, 4, 3] int64, the four of each face, turning the same way: at its first, second and third corner (beginning there), and in the middle
            (beginning at the middle of the side opposite to the first corner).
        edges: [E, 2] int64.
        middles: [E, V] what new vertices are of the old ones: the middles of the edges.
        smooth_middles: [E, V] the same after Loop: 3/8 of an edge's ends and 1/8 of the corners opposite to it; the middle where it has not two faces.
        around: [V, V] the mean of the neighbours of each vertex (zero if it has none).
        smoothing: [V] by how much Loop moves each vertex towards it, 0 to 1.

    Examples:
        >>> cut = Subdivision.of([[0, 1, 2]], 3)
        >>> cut.edges.tolist(), cut.faces.tolist()
        ([[0, 1], [0, 2], [1, 2]], [[[0, 3, 4], [1, 5, 3], [2, 4, 5], [5, 4, 3]]])
        >>> (cut.middles @ np.eye(3)).tolist()
        [[0.5, 0.5, 0.0], [0.5, 0.0, 0.5], [0.0, 0.5, 0.5]]
    """

    faces: np.ndarray
    edges: np.ndarray
    middles: "scipy.sparse.csr_array"
    smooth_middles: "scipy.sparse.csr_array"
    around: "scipy.sparse.csr_array"
    smoothing: np.ndarray

    @classmethod
    def of(cls, faces: Any, n_vertices: int) -> "Subdivision":
        """Of faces [F, 3] of a mesh with so many vertices."""
        check_integer("Subdivision", "n_vertices", n_vertices, 1, 2**31 - 1)
        faces = check_faces("Subdivision", faces, n_vertices).astype(np.int64)
        edges, of_faces = edges_of(faces, n_vertices)
        n_edges = len(edges)
        (a, b, c), (bc, ca, ab) = faces.T, of_faces.T + n_vertices
        quarters = np.stack([np.stack(quarter, 1) for quarter in ((a, ab, ca), (b, bc, ab), (c, ca, bc), (bc, ca, ab))], 1)
        middles = scipy.sparse.csr_array((np.full(2 * n_edges, 0.5), edges.ravel(), np.arange(0, 2 * n_edges + 1, 2)), shape=(n_edges, n_vertices))
        between = (np.bincount(of_faces.ravel(), minlength=n_edges) == 2).astype(np.float64)  # two faces
        opposite = scipy.sparse.csr_array((np.full(3 * len(faces), 0.125), (of_faces.ravel(), faces.ravel())), shape=(n_edges, n_vertices))
        i, j = edges[edges[:, 0] != edges[:, 1]].T
        joined = scipy.sparse.csr_array((np.ones(2 * len(i)), (np.r_[i, j], np.r_[j, i])), shape=(n_vertices, n_vertices))
        degree = np.diff(joined.indptr)
        return cls(
            faces=quarters,
            edges=edges,
            middles=middles,
            smooth_middles=scipy.sparse.csr_array(scipy.sparse.diags_array(1 - between / 4) @ middles + scipy.sparse.diags_array(between) @ opposite),
            around=scipy.sparse.csr_array(scipy.sparse.diags_array(1 / np.maximum(degree, 1)) @ joined),
            smoothing=_smoothing(degree),
        )


def _smoothing(degree: np.ndarray) -> np.ndarray:
    """Loop's, of vertices with so many neighbours; 9/16 with three."""
    n = np.maximum(degree, 1)
    return np.where(degree == 0, 0.0, np.where(degree == 3, 9 / 16, 5 / 8 - (3 / 8 + np.cos(2 * np.pi / n) / 4) ** 2))
