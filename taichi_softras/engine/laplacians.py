"""The cotangent Laplacian of triangle meshes (Pinkall and Polthier 1993; Desbrun, Meyer, Schroeder and Barr 1999)."""

from typing import Any

import numpy as np
import scipy  # its modules are loaded when they are asked for

from ..checks import as_numbers, check_faces, check_finite, check_number, check_reals, check_shape
from ..kernels.cotangents import cotangents_op
from ..language import ti
from ..runtime import Arrays, TaichiArrays

__all__ = ["cotangent_laplacian", "cotangents"]


def cotangent_laplacian(vertices: Any, faces: Any, least_area: float = 1e-12) -> "tuple[scipy.sparse.csr_array, np.ndarray]":
    """L with (L v)_i = sum over neighbours j of (cot a_ij + cot b_ij)/2 (v_j - v_i), a and b being the angles opposite to the edge ij; and areas.

    Args:
        vertices: [V, 3] numbers.
        faces: [F, 3] indices.
        least_area: a smaller face counts as one of this area, in squared units of the vertices, so that the cotangents stay finite.

    Returns:
        L [V, V], symmetric, its rows adding up to zero; and [V] a third of the area of the faces at each vertex.

    Examples:
        >>> laplacian, areas = cotangent_laplacian([[0, 0, 0], [1, 0, 0], [0, 1, 0]], [[0, 1, 2]])
        >>> laplacian.toarray().round(6).tolist(), areas.round(6).tolist()
        ([[-1.0, 0.5, 0.5], [0.5, -0.5, 0.0], [0.5, 0.0, -0.5]], [0.166667, 0.166667, 0.166667])
    """
    op = "cotangent_laplacian"
    positions = as_numbers(op, "vertices", vertices)
    check_shape(op, "vertices", positions.shape, ("V", 3))
    check_finite(op, "vertices", positions)
    corners, n = check_faces(op, faces, len(positions)), len(positions)
    check_number(op, "least_area", least_area, 0.0)
    arrays = TaichiArrays(ti.f64)
    placed, index = arrays.real(positions), arrays.index(corners)
    rows = arrays.to_numpy(arrays.untracked(lambda: cotangents(arrays, placed, index, least_area)))
    i, j = corners[:, [1, 2, 0]].ravel(), corners[:, [2, 0, 1]].ravel()
    weights = scipy.sparse.coo_array((rows[:, :3].ravel() / 2, (i, j)), shape=(n, n))
    weights = weights + weights.T
    laplacian = scipy.sparse.csr_array(weights - scipy.sparse.diags_array(np.asarray(weights.sum(axis=1)).ravel()))
    return laplacian, np.bincount(corners.ravel(), np.repeat(rows[:, 3] / 3, 3), n)


def cotangents(arrays: Arrays, vertices: Any, faces: Any, least_area: float = 1e-12) -> Any:
    """[F, 4]: cotangents of the angles of each face, and its area, of vertices [V, 3] and faces [F, 3] of a library of arrays.

    Gradient: to vertices; zero from a face smaller than ``least_area``.
    """
    check_reals("cotangents", arrays, vertices=vertices)
    n = faces.shape[0]
    return arrays.run(cotangents_op(arrays.variant_for(n)), (vertices,), [(n, 4)], (faces, least_area**2, n))[0]
