"""Which faces reach which tile of the screen: count, prefix sum, fill (`kernels.tiles`), for every array library."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from ..checks import check_countable
from ..kernels import tiles
from ..kernels.triangle import N_SET_UP
from ..runtime import Arrays, memory_budget, within_budget
from ..scene import Topology

__all__ = ["Chunk", "ChunkedPairs", "PairSearch", "Pairs", "PlaneCrossedError"]

BYTES_PER_PAIR = 8
SPARE = 1.25  # room for pairs is made for so many times those of the last picture, so that a step of an optimisation needs one launch

FEW_FACES = 8_000  # fewer, times the number of threads, are binned by one of them sooner than by all

Chunk = tuple[Any, Any, Any, int, int, int]


class PlaneCrossedError(Exception):
    """A vertex lies before the plane at which faces are to be cut first."""


@dataclass(frozen=True)
class Pairs:
    """The (face, tile) pairs in reach, tile by tile, and the faces of a tile in ascending order, or (`PairSearch.nearest_first`) the nearest first."""

    face: Any  # [n]
    tile: Any  # [n]
    tile_offset: Any  # [tiles + 1] first pair of each tile
    set_ups: Any  # [F * N_SET_UP] what the pixels of each face need to know (`kernels.triangle`)
    reached: Any  # [N_REACHED F] which tiles each face reaches (`kernels.tiles.count_tiles`)
    n: int
    n_faces: int  # those that reach any tile (`kernels.tiles.FACES`)
    n_tiles: int

    def chunks(self) -> Iterator[Chunk]:
        """As the kernels take them: faces, tiles, offsets of the tiles, first tile, number of tiles, number of pairs."""
        yield self.face, self.tile, self.tile_offset, 0, self.n_tiles, self.n


@dataclass(frozen=True)
class ChunkedPairs:
    """More pairs than the budget allows: listed anew, some tiles at a time, whenever they are wanted."""

    set_ups: Any
    reached: Any
    n: int
    n_faces: int
    n_tiles: int
    boundaries: list[int]  # tiles
    fill: Callable[[int, int], Chunk]

    def chunks(self) -> Iterator[Chunk]:
        for first, last in pairwise(self.boundaries):
            yield self.fill(first, last)


def prefix_sum(arrays: Arrays, values: Any, places: Any, n: int, offsets: Any = None) -> int:
    """In ``places`` the sum of the first ``n`` values before each; returns their sum. In ``offsets`` [n + 1] the same, and the sum at the end."""
    chunk_sums, statistics = arrays.zeros_index(-(-n // tiles.SCAN_CHUNK)), arrays.zeros_index(tiles.N_STATISTICS)
    offsets = arrays.zeros_index(n + 1) if offsets is None else offsets
    arrays.launch(tiles.scan_kernel(arrays.variant), (values, places, chunk_sums, offsets, statistics, n, 1))
    return int(arrays.to_numpy(statistics)[tiles.TOTAL])


def most_pairs(turns: int) -> int:
    """How many pairs a list may hold of which loops make so many turns for each."""
    return max(tiles.MAX_PAIRS // turns, 1)


@dataclass(kw_only=True)
class PairSearch:
    """Finds the pairs whose face comes nearer than ``reach`` (screen units) to a pixel of the tile. The host waits for the device: to learn how many there are.

    Attributes:
        op: who asks, named in errors.
        behind: a face with a vertex at or before this depth is left out.
        nearest_first: whether the faces of each tile are wanted in the order of their nearest corners; of equal ones the lower number comes first.
        turns: how many turns the loops over pairs make for each, at most; None: one for each block of pixels.
        given_statistics: what `see` has written; it is read together with the number of pairs. Where a vertex lies before its plane, `PlaneCrossedError` is
            raised.
        whole_box: whether everything within the bounding box of a face, grown by the reach, counts.

    Its methods raise ValueError if a vertex of a face is not finite, and MemoryError if there are more pairs (`within_budget`: of one tile) than a list holds.
    """

    op: str
    arrays: Arrays
    topology: Topology
    vertices_screen: Any
    image_size: tuple[int, int]
    reach: float
    behind: float = tiles.BEHIND_EYE
    whole_box: bool = False
    nearest_first: bool = False
    turns: int | None = None
    given_statistics: Any | None = None

    def __post_init__(self) -> None:
        arrays, (height, width) = self.arrays, self.image_size
        check_countable(self.op, "numbers of the faces", max(N_SET_UP, tiles.N_REACHED) * len(self.topology.faces))
        self.variant = variant = arrays.variant_for(len(self.topology.faces), FEW_FACES)
        indices = self.topology.on(arrays)
        self.heads = (arrays.constant(self.vertices_screen), indices["faces"], indices["face_image"])
        self.order = self._nearest_first() if self.nearest_first else arrays.empty_index(1)
        self.set_ups = arrays.empty((len(self.topology.faces) * N_SET_UP,))
        self.reached = arrays.empty_index(tiles.N_REACHED * len(self.topology.faces))
        self.how_far = (float(self.reach), float(self.behind))
        self.n_tiles = self.topology.n_images * -(-height // variant.tile_height) * -(-width // variant.tile_width)
        self.n_shares = 1 if variant.serial or variant.team > 1 else arrays.n_shares
        self.n_counts = self.n_tiles * self.n_shares
        check_countable(self.op, "tiles times shares", self.n_counts)
        self.most_at_once = most_pairs(self.turns or variant.blocks_per_tile)
        self.memory_key = ("pairs", self.image_size, variant.tile_width, self.whole_box)

    def _nearest_first(self) -> Any:
        """[F] the faces in the order of their nearest corners."""
        arrays, n_faces, (vertices_screen, faces, _) = self.arrays, len(self.topology.faces), self.heads
        found = arrays.empty((n_faces,))
        arrays.launch(tiles.nearest_corners_kernel(self.variant), (vertices_screen, faces, found, n_faces))
        depths = np.maximum(arrays.to_numpy(found).astype(np.float32), 0)  # the bits of what is not negative are in the same order
        keys = depths.view(np.uint32).astype(np.uint64) << np.uint64(32) | np.arange(n_faces, dtype=np.uint64)
        keys.sort()
        return arrays.index(keys.astype(np.uint32).astype(np.int32))

    def all(self) -> Pairs:
        """All of them in one list."""
        pairs = self._list(bounded=False)
        if pairs is None:
            raise MemoryError(f"{self.op}: more than {self.most_at_once} (face, tile) pairs are in reach; use less softness, or a smaller image or batch")
        return pairs

    def within_budget(self) -> Pairs | ChunkedPairs:
        """Within the memory budget: in chunks if need be, and then of any number."""
        return self._list(bounded=True) or self._in_chunks()

    def _list(self, bounded: bool) -> Pairs | None:
        """None if they are more than a list holds, or (``bounded``) than the budget allows."""
        arrays = self.arrays
        places, chunk_sums = arrays.empty_index(self.n_counts), arrays.empty_index(-(-self.n_counts // tiles.SCAN_CHUNK))
        tile_offset = arrays.empty_index(self.n_tiles + 1)
        room = self.topology.remembered.get(self.memory_key, 0)
        if bounded and not within_budget(room * BYTES_PER_PAIR):
            room = 0
        while True:
            pair_face, pair_tile = arrays.empty_index(max(room, 1)), arrays.empty_index(max(room, 1))
            self.counts, self.statistics = arrays.zeros_index(self.n_counts), self.given_statistics
            if self.statistics is None:
                self.statistics = arrays.zeros_index(tiles.N_STATISTICS)
            self.given_statistics = None
            arrays.launch(
                tiles.bin_kernel(self.variant, self.whole_box, self.nearest_first),
                (
                    *self.heads, self.order, self.set_ups, self.reached, self.counts, places, chunk_sums, tile_offset, pair_face, pair_tile, self.statistics,
                    *self.how_far, room, self.n_tiles, len(self.topology.faces), self.n_shares, *self.image_size,
                ),
            )  # fmt: skip
            n = self._count()
            if n > self.most_at_once or (bounded and not within_budget(n * BYTES_PER_PAIR)):
                return None
            if n <= room:
                return Pairs(pair_face, pair_tile, tile_offset, self.set_ups, self.reached, n, self.n_reaching, self.n_tiles)
            room = arrays.capacity(min(int(n * SPARE), self.most_at_once))
            self.topology.remembered[self.memory_key] = room

    def _count(self) -> int:
        found = self.arrays.to_numpy(self.statistics)
        if found[tiles.BEFORE_PLANE]:
            raise PlaneCrossedError
        if found[tiles.BAD_FACE]:
            face = int(found[tiles.BAD_FACE]) - 1
            raise ValueError(
                f"{self.op}: vertices must be finite, got NaN or infinity in face {face} of the batch (vertices {self.topology.faces[face].tolist()})"
            )
        self.n_reaching = int(found[tiles.FACES])
        return int(found[tiles.TOTAL])

    def _in_chunks(self) -> ChunkedPairs:
        arrays, n_shares = self.arrays, self.n_shares
        counts = np.asarray(arrays.to_numpy(self.counts)).reshape(self.n_tiles, n_shares).astype(np.int64)
        ends = np.cumsum(counts.sum(1))
        n_at_once = min(max(memory_budget() // BYTES_PER_PAIR, 1), self.most_at_once)
        boundaries = [0]
        while boundaries[-1] < self.n_tiles:
            done = ends[boundaries[-1] - 1] if boundaries[-1] else 0
            boundaries.append(max(int(np.searchsorted(ends, done + n_at_once, side="right")), boundaries[-1] + 1))
        largest = int(max(ends[last - 1] - (ends[first - 1] if first else 0) for first, last in pairwise(boundaries)))
        if largest > self.most_at_once:
            raise MemoryError(f"{self.op}: more than {self.most_at_once} faces are in reach of one tile; use less softness, or a smaller batch")
        pair_face, pair_tile = arrays.empty_index(largest), arrays.empty_index(largest)

        def fill(first: int, last: int) -> Chunk:
            of_chunk = counts[first:last].ravel()
            places = np.concatenate([[0], np.cumsum(of_chunk)])
            offsets = arrays.index(np.ascontiguousarray(places[::n_shares], dtype=np.int32))
            rest = (first, last, len(self.topology.faces), n_shares, *self.image_size)
            lists = (self.order, self.reached, arrays.index(places[:-1].astype(np.int32)), offsets, pair_face, pair_tile)
            arrays.launch(tiles.fill_kernel(self.variant, self.nearest_first), (*lists, *rest))
            return pair_face, pair_tile, offsets, first, last - first, int(places[-1])

        return ChunkedPairs(self.set_ups, self.reached, int(ends[-1]), self.n_reaching, self.n_tiles, boundaries, fill)
