"""Which vertices of a mesh are joined, found once and used by the losses."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import scipy  # its modules are loaded when they are asked for

from ..checks import check_array, check_countable, check_faces, check_integer, check_number, check_table

__all__ = ["Connectivity", "edges_of", "pairs_at_edges"]


def edges_of(faces: np.ndarray, n_vertices: int) -> tuple[np.ndarray, np.ndarray]:
    """The edges of faces [F, 3] (checked ones), in the time of a sort.

    Returns:
        edges [E, 2] int64, each once, the smaller vertex first, in the order of their vertices; and for each face those opposite to its corners, [F, 3].

    Examples:
        >>> edges, of_faces = edges_of(np.array([[0, 1, 2], [2, 1, 3]]), 4)
        >>> edges.tolist(), of_faces.tolist()
        ([[0, 1], [0, 2], [1, 2], [1, 3], [2, 3]], [[2, 1, 0], [3, 4, 2]])
    """
    ends = np.sort(faces[:, [[1, 2], [2, 0], [0, 1]]].astype(np.int64), axis=2)
    numbers, of_faces = np.unique(ends[:, :, 0] * n_vertices + ends[:, :, 1], return_inverse=True)
    return np.stack(np.divmod(numbers, n_vertices), 1), of_faces.reshape(-1, 3)


def pairs_at_edges(edge: np.ndarray, most: int | None = None) -> np.ndarray:
    """[P, 2]: all pairs i < j of places in a list with edge[i] == edge[j]; or for each place those with its ``most`` next ones."""
    order = np.argsort(edge, kind="stable")
    edge, found, step = edge[order], [np.zeros((0, 2), np.int64)], 1
    while step <= (len(edge) if most is None else most):
        same = edge[step:] == edge[:-step]
        if not same.any():
            break
        found.append(np.stack([order[:-step][same], order[step:][same]], 1))
        step += 1
    return np.concatenate(found)


@dataclass(frozen=True, kw_only=True, eq=False)
class Connectivity:
    """Edges and hinges of a mesh.

    Attributes:
        n_vertices: number of vertices V.
        edges: [E, 2] int32, every edge once.
        hinges: [H, 4] int32, for each two faces that share an edge: the ends of the edge, then the vertex opposite in either face. An edge of the border
            has none; one with more than two faces has one for each two successive faces.
        one_over_degree: [V] float64, one over the number of neighbours (0 for a vertex without any).

    Raises:
        TypeError, ValueError: if an index is out of range. (The kernels read where it points.)
    """

    n_vertices: int
    edges: np.ndarray
    hinges: np.ndarray
    one_over_degree: np.ndarray
    _placed: dict[Any, Any] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        op = "Connectivity"
        check_integer(op, "n_vertices", self.n_vertices, 1, 2**31 - 1)
        check_table(op, "edges", self.edges, ("E", 2), self.n_vertices, at_least_one=False)
        check_table(op, "hinges", self.hinges, ("H", 4), self.n_vertices, at_least_one=False)
        check_array(op, "one_over_degree", self.one_over_degree, ("V",), {"V": self.n_vertices})
        check_countable(op, "numbers in a list", max(self.edges.size, self.hinges.size, 3 * self.n_vertices))

    def __getstate__(self) -> dict[str, Any]:
        """What is copied and pickled: not what lies on a device."""
        return vars(self) | {"_placed": {}}

    @classmethod
    def of(cls, faces: Any, n_vertices: int) -> "Connectivity":
        """Finds them, in the time of a sort, of faces [F, 3] (an array, or a tensor)."""
        check_integer("Connectivity", "n_vertices", n_vertices, 1, 2**31 - 1)
        faces = check_faces("Connectivity", faces, n_vertices)
        edges, of_faces = edges_of(faces, n_vertices)
        edge, opposite = of_faces.T[[2, 0, 1]].ravel(), faces.T[[2, 0, 1]].ravel()
        one, other = pairs_at_edges(edge, most=1).T
        hinges = np.concatenate([edges[edge[one]], opposite[one, None], opposite[other, None]], 1)
        edges = edges[edges[:, 0] != edges[:, 1]]
        degree = np.bincount(edges.ravel(), minlength=n_vertices)
        return cls(
            n_vertices=n_vertices,
            edges=np.ascontiguousarray(edges, np.int32),
            hinges=np.ascontiguousarray(hinges, np.int32),
            one_over_degree=np.where(degree > 0, 1 / np.maximum(degree, 1), 0.0),
        )

    def adjacency(self) -> "scipy.sparse.csr_matrix":
        """[V, V] 1 where two vertices have an edge."""
        n, (i, j) = self.n_vertices, self.edges.T
        return scipy.sparse.coo_matrix((np.ones(2 * len(i)), (np.r_[i, j], np.r_[j, i])), (n, n)).tocsr()

    def smoothing_system(self, smoothness: float) -> "scipy.sparse.csc_matrix":
        """[V, V] I + smoothness L, L the graph Laplacian: descent on this times the vertices moves neighbours together (Nicolet et al. 2021, equation 5)."""
        check_number("Connectivity.smoothing_system", "smoothness", smoothness, 0.0, low_too=True)
        n, neighbours = self.n_vertices, self.adjacency()
        return (scipy.sparse.eye(n, format="csc") + smoothness * (scipy.sparse.diags(np.asarray(neighbours.sum(1)).ravel()) - neighbours)).tocsc()

    def on(self, arrays: Any) -> dict[str, Any]:
        """The lists as arrays of the library ``arrays``, made once."""
        key = (arrays.place, arrays.variant.real)
        if key not in self._placed:
            with arrays.lasting():
                self._placed[key] = {
                    "edges": arrays.index(self.edges),
                    "hinges": arrays.index(self.hinges),
                    "one_over_degree": arrays.real(self.one_over_degree),
                }
        return self._placed[key]
