"""The icosphere."""

import numpy as np

__all__ = ["icosphere"]

_SHORT, _LONG = np.array([1.0, (1 + np.sqrt(5)) / 2]) / np.sqrt((5 + np.sqrt(5)) / 2)
_VERTICES = np.array(
    [[s * _SHORT, t * _LONG, 0.0] for t in (1, -1) for s in (-1, 1)]
    + [[0.0, s * _SHORT, t * _LONG] for t in (1, -1) for s in (-1, 1)]
    + [[t * _LONG, 0.0, s * _SHORT] for t in (1, -1) for s in (-1, 1)]
)
# fmt: off
_FACES = np.array([
    [0, 11, 5], [0, 5, 1], [0, 1, 7], [0, 7, 10], [0, 10, 11], [1, 5, 9], [5, 11, 4], [11, 10, 2], [10, 7, 6], [7, 1, 8],
    [3, 9, 4], [3, 4, 2], [3, 2, 6], [3, 6, 8], [3, 8, 9], [4, 9, 5], [2, 4, 11], [6, 2, 10], [8, 6, 7], [9, 8, 1],
])
# fmt: on


def icosphere(subdivisions: int) -> tuple[np.ndarray, np.ndarray]:
    """Vertices [V, 3] on the unit sphere, and faces [20 * 4^subdivisions, 3]: of an icosahedron, each face cut in four so many times.

    They are numbered as trimesh numbers them: the middles of the edges (i < j) follow the vertices, by j and then by i. (With trimesh, which needs a second to
    be imported, half of the time to the first picture would go into a sphere.)
    """
    vertices, faces = _VERTICES, _FACES
    for _ in range(subdivisions):
        sides = np.sort(faces[:, [[0, 1], [1, 2], [2, 0]]], axis=-1)
        keys, side = np.unique(sides[..., 1] * len(vertices) + sides[..., 0], return_inverse=True)
        middles = vertices[keys % len(vertices)] + vertices[keys // len(vertices)]
        ab, bc, ca = len(vertices) + side.reshape(-1, 3).T
        a, b, c = faces.T
        faces = np.stack([a, ab, ca, ab, b, bc, ca, bc, c, ab, bc, ca], 1).reshape(-1, 3)
        vertices = np.concatenate([vertices, middles / np.linalg.norm(middles, axis=1, keepdims=True)])
    return vertices, faces
