"""What the files of polygons (PLY, OFF, STL) have in common: text of numbers, corners that must be there, points that are one, colours of faces."""

import warnings

import numpy as np

from .polygons import triangulated

__all__ = ["colors_at_vertices", "joined", "numbers_in", "triangles_of"]

MIXER = np.uint64(0x9E3779B185EBCA87)  # odd, and without a pattern


def numbers_in(subject: str, text: bytes) -> np.ndarray:
    """[n] float64: the numbers of a text, between blanks and ends of lines. ``subject`` begins the sentence of an error, such as "Mesh.load: m.off".

    Raises:
        ValueError: if something else stands there.
    """
    text = text.strip()
    if not text:
        return np.zeros(0)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", DeprecationWarning)  # what older NumPys say of text that is no number
            return np.fromstring(text, sep=" ")
    except (DeprecationWarning, ValueError) as error:
        raise ValueError(f"{subject} must have numbers only behind its header, got something else") from error


def triangles_of(subject: str, vertices: np.ndarray, corners: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """[T, 3] places in ``corners`` [n], the indices of vertices of polygons with ``sizes`` [P] corners: see `polygons.triangulated`.

    Raises:
        ValueError: if there is no polygon, one has fewer than three corners or very many, or a corner is no vertex.
    """
    if not len(sizes):
        raise ValueError(f"{subject} must hold triangles, got none")
    if sizes.min() < 3:
        raise ValueError(f"{subject} must have faces of three corners or more, got one of {sizes.min()}")
    if corners.min() < 0 or corners.max() >= len(vertices):
        wrong = corners.min() if corners.min() < 0 else corners.max()
        raise ValueError(f"{subject} must have faces between its vertices, 0 to {len(vertices) - 1}, got the vertex {wrong}")
    if (sizes == 3).all():
        return np.arange(len(corners)).reshape(-1, 3)
    try:
        return triangulated(vertices, corners, sizes)
    except ValueError as error:
        raise ValueError(f"{subject} must have polygons that can be cut, got {error}") from error


def joined(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The points [n, 3] that differ, in the order in which they come first, and [N] for each point of ``points`` [N, 3] which of them it is."""
    bits = np.ascontiguousarray(points + 0.0, np.float64).view(np.uint64)  # without negative zeros equal numbers have equal bits
    mixed = np.zeros(len(bits), np.uint64)
    for column in bits.T:
        mixed = (mixed ^ column) * MIXER
        mixed ^= mixed >> np.uint64(32)
    _, first, inverse = np.unique(mixed, return_index=True, return_inverse=True)
    inverse = inverse.reshape(-1)
    if (bits[first][inverse] != bits).any():  # two that differ, and are mixed alike
        _, first, inverse = np.unique(bits, axis=0, return_index=True, return_inverse=True)
        inverse = inverse.reshape(-1)
    order = np.argsort(first)
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    return points[first[order]], place[inverse]


def colors_at_vertices(faces: np.ndarray, colors: np.ndarray, n_vertices: int) -> np.ndarray:
    """[V, 3] the mean of the colours [F, 3] of the faces that meet at each vertex; white where there is none."""
    corners, of_corner = faces.ravel(), np.repeat(colors, 3, axis=0)
    n_faces = np.bincount(corners, minlength=n_vertices)
    sums = np.stack([np.bincount(corners, of_corner[:, channel], minlength=n_vertices) for channel in range(3)], 1)
    return np.where(n_faces[:, None] > 0, sums / np.maximum(n_faces, 1)[:, None], 1.0)
