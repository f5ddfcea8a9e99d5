"""Which vertices, faces and images belong together, as flat lists of indices.

A batch needs no padding: every face of every image stands in one list and knows its image. One mesh seen by many cameras and many meshes seen by one camera
each are the same thing to the kernels.
"""

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..checks import check_countable, check_faces, check_integer, check_table

__all__ = ["Topology"]

MAX_IMAGES = 2**20
LARGEST = 2**31 - 1  # the kernels count in 32 bits


@dataclass(frozen=True, kw_only=True, eq=False)
class Topology:
    """Flat index lists of a batch of images.

    Attributes:
        faces: [F, 3] int32, into the N projected vertices.
        feature_faces: [F, 3] int32, into the rows of the per-vertex features.
        face_source: [F, 1] int32, the face of the meshes that each comes from.
        face_image: [F] int32, the image that each face is in, ascending.
        vertex_source: [N] int32, the vertex that each projected vertex comes from.
        vertex_image: [N] int32, the image (camera) that it is projected into.
        n_vertices: number of vertices V.
        n_source_faces: number of faces of the meshes.
        n_images: number of images B.

    Raises:
        TypeError, ValueError: if the lists do not go together, or an index is out of range. (The kernels read where it points.)
    """

    faces: np.ndarray
    feature_faces: np.ndarray
    face_source: np.ndarray
    face_image: np.ndarray
    vertex_source: np.ndarray
    vertex_image: np.ndarray
    n_vertices: int
    n_source_faces: int
    n_images: int
    remembered: dict[Any, Any] = field(default_factory=dict, repr=False)  # how much room the lists of the last picture took
    _placed: dict[Any, Any] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        op, sizes = "Topology", dict[str, int]()
        check_integer(op, "n_vertices", self.n_vertices, 1, LARGEST)
        check_integer(op, "n_source_faces", self.n_source_faces, 1, LARGEST)
        check_integer(op, "n_images", self.n_images, 1, MAX_IMAGES)
        check_table(op, "vertex_source", self.vertex_source, ("N",), self.n_vertices, sizes)
        check_table(op, "vertex_image", self.vertex_image, ("N",), self.n_images, sizes)
        check_table(op, "faces", self.faces, ("F", 3), sizes["N"], sizes)
        check_table(op, "feature_faces", self.feature_faces, ("F", 3), self.n_vertices, sizes)
        check_table(op, "face_source", self.face_source, ("F", 1), self.n_source_faces, sizes)
        check_table(op, "face_image", self.face_image, ("F",), self.n_images, sizes)
        if (np.diff(self.face_image) < 0).any():
            raise ValueError(f"{op}: face_image must ascend, got {int(self.face_image[np.diff(self.face_image).argmin()])} before a smaller number")

    def __getstate__(self) -> dict[str, Any]:
        """What is copied and pickled: not what lies on a device."""
        return vars(self) | {"remembered": {}, "_placed": {}}

    @classmethod
    def shared(cls, faces: np.ndarray, n_vertices: int, n_images: int = 1) -> "Topology":
        """One mesh, seen in ``n_images`` images."""
        check_integer("Topology", "n_images", n_images, 1, MAX_IMAGES)
        check_integer("Topology", "n_vertices", n_vertices, 1, LARGEST)
        faces = check_faces("Topology", faces, n_vertices)
        check_countable("Topology", "corners in all images", 3 * max(len(faces), n_vertices) * n_images)
        offsets = (np.arange(n_images, dtype=np.int32) * n_vertices)[:, None, None]
        return cls(
            faces=(faces[None] + offsets).reshape(-1, 3),
            feature_faces=np.tile(faces, (n_images, 1)),
            face_source=np.tile(np.arange(len(faces), dtype=np.int32), n_images)[:, None],
            face_image=np.repeat(np.arange(n_images, dtype=np.int32), len(faces)),
            vertex_source=np.tile(np.arange(n_vertices, dtype=np.int32), n_images),
            vertex_image=np.repeat(np.arange(n_images, dtype=np.int32), n_vertices),
            n_vertices=n_vertices,
            n_source_faces=len(faces),
            n_images=n_images,
        )

    @classmethod
    def batch(cls, faces: Sequence[np.ndarray], n_vertices: Sequence[int]) -> "Topology":
        """Several meshes of any sizes, each in an image of its own; their vertices stand one mesh after the other in [sum of n_vertices, 3].

        Examples:
            >>> triangle, square = np.array([[0, 1, 2]]), np.array([[0, 1, 2], [0, 2, 3]])
            >>> topology = Topology.batch([triangle, square], [3, 4])
            >>> topology.n_images, topology.n_vertices, topology.faces.tolist()
            (2, 7, [[0, 1, 2], [3, 4, 5], [3, 5, 6]])
        """
        if len(faces) != len(n_vertices) or len(faces) == 0:
            raise ValueError(f"Topology: faces and n_vertices must be as many, and at least one, got {len(faces)} and {len(n_vertices)}")
        for n in n_vertices:
            check_integer("Topology", "each of n_vertices", n, 1, LARGEST)
        check_countable("Topology", "coordinates in all images", 3 * sum(n_vertices))
        checked = [check_faces("Topology", f, n) for f, n in zip(faces, n_vertices, strict=True)]
        check_countable("Topology", "corners in all images", 3 * sum(map(len, checked)))
        starts = np.concatenate([[0], np.cumsum(n_vertices)]).astype(np.int32)
        flat = np.concatenate([f + start for f, start in zip(checked, starts[:-1], strict=True)]).astype(np.int32)
        images = np.arange(len(faces), dtype=np.int32)
        return cls(
            faces=flat,
            feature_faces=flat,
            face_source=np.arange(len(flat), dtype=np.int32)[:, None],
            face_image=np.repeat(images, [len(f) for f in checked]),
            vertex_source=np.arange(starts[-1], dtype=np.int32),
            vertex_image=np.repeat(images, n_vertices),
            n_vertices=int(starts[-1]),
            n_source_faces=len(flat),
            n_images=len(faces),
        )

    @classmethod
    @functools.lru_cache(maxsize=16)
    def separate_faces(cls, n_faces: int, n_images: int) -> "Topology":
        """Triangles that share no vertices: ``n_faces`` in each image, three vertices each, one after the other."""
        check_integer("Topology.separate_faces", "n_faces", n_faces, 1, LARGEST // 3)
        check_integer("Topology.separate_faces", "n_images", n_images, 1, MAX_IMAGES)
        check_countable("Topology.separate_faces", "corners in all images", 3 * n_faces * n_images)
        faces = np.arange(3 * n_faces).reshape(n_faces, 3)
        return cls.batch([faces] * n_images, [3 * n_faces] * n_images)

    @functools.cached_property
    def one_over_faces(self) -> np.ndarray:
        """[B] one over the number of faces of each image."""
        return 1.0 / np.bincount(self.face_image, minlength=self.n_images)

    @functools.cached_property
    def features_at_vertices(self) -> bool:
        """Whether each vertex has one row of the features: that of the vertex it comes from."""
        return np.array_equal(self.feature_faces, self.vertex_source[self.faces])

    def on(self, arrays: Any) -> dict[str, Any]:
        """The index lists as arrays of the library ``arrays``, made once."""
        if arrays.place not in self._placed:
            names = ("faces", "feature_faces", "face_source", "face_image", "vertex_source", "vertex_image")
            with arrays.lasting():
                self._placed[arrays.place] = {name: arrays.index(np.ascontiguousarray(getattr(self, name))) for name in names}
        return self._placed[arrays.place]

    def corners_at(self, arrays: Any, name: str, rows: np.ndarray, n_rows: int, source: object = None) -> tuple[Any, Any]:
        """Which corners 3 f + k of the faces stand at each of ``n_rows`` rows, ``rows`` [F, 3] being the rows of the corners.

        Returns from where on in the list they are [n_rows + 1], and the list [3 F]; made once while ``source`` is the same object.
        """

        @functools.cache
        def lists() -> tuple[np.ndarray, np.ndarray]:
            flat = rows[:, :3].ravel()
            both = flat.astype(np.int64) << 32 | np.arange(len(flat))  # sorted at once, which is faster than `argsort`
            both.sort()
            return np.searchsorted(both >> 32, np.arange(n_rows + 1)).astype(np.int32), (both & 0xFFFFFFFF).astype(np.int32)

        offset = self.table(arrays, f"{name}: offsets", source, lambda: lists()[0])
        return offset, self.table(arrays, f"{name}: corners", source, lambda: lists()[1])

    def instances(self, arrays: Any) -> tuple[Any, Any]:
        """Which of the N vertices of the images each of the V vertices is: from where on in the list they are [V + 1], and the list [N]."""

        @functools.cache
        def lists() -> tuple[np.ndarray, np.ndarray]:
            order = np.argsort(self.vertex_source, kind="stable").astype(np.int32)
            return np.searchsorted(self.vertex_source[order], np.arange(self.n_vertices + 1)).astype(np.int32), order

        offset = self.table(arrays, "instances: offsets", None, lambda: lists()[0])
        return offset, self.table(arrays, "instances", None, lambda: lists()[1])

    def table(self, arrays: Any, name: str, source: object, make: Callable[[], np.ndarray]) -> Any:
        """A further index list of the faces, which ``make`` makes of ``source``: as an array of the library, made once while the source is the same array."""
        key = (arrays.place, name)
        if key not in self._placed or self._placed[key][0] is not source:
            with arrays.lasting():
                self._placed[key] = (source, arrays.index(make()))
        return self._placed[key][1]
