"""What the files of polygons (PLY, OFF, STL) have in common: text of numbers, corners that must be there, colours of faces."""

import warnings

import numpy as np

from .polygons import triangulated

__all__ = ["colors_at_vertices", "numbers_in", "triangles_of"]


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
    try:
        return triangulated(vertices, corners, sizes)
    except ValueError as error:
        raise ValueError(f"{subject} must have polygons that can be cut, got {error}") from error


def colors_at_vertices(faces: np.ndarray, colors: np.ndarray, n_vertices: int) -> np.ndarray:
    """[V, 3] the mean of the colours [F, 3] of the faces that meet at each vertex; white where there is none."""
    corners, of_corner = faces.ravel(), np.repeat(colors, 3, axis=0)
    n_faces = np.bincount(corners, minlength=n_vertices)
    sums = np.stack([np.bincount(corners, of_corner[:, channel], minlength=n_vertices) for channel in range(3)], 1)
    return np.where(n_faces[:, None] > 0, sums / np.maximum(n_faces, 1)[:, None], 1.0)
