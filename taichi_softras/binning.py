"""Which faces reach which tile of the screen: count, prefix sum, fill (`kernels.tiles`), for every array library."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from .arrays import Arrays
from .checks import check_countable
from .kernels import tiles
from .topology import Topology

__all__ = ["NOTHING_BEHIND", "Pairs", "find_pairs"]

NOTHING_BEHIND = -float(np.finfo(np.float32).max)  # no vertex lies before this depth


@dataclass(frozen=True)
class Pairs:
    """The (face, tile) pairs in reach, tile by tile, and the faces of a tile in ascending order."""

    face: Any  # [n]
    tile: Any  # [n]
    tile_offset: Any  # [tiles + 1] first pair of each tile
    n: int
    n_tiles: int


def find_pairs(
    op: str,
    arrays: Arrays,
    topology: Topology,
    vertices_screen: Any,
    image_size: tuple[int, int],
    *,
    reach: float,
    behind: float = tiles.BEHIND_EYE,
    whole_box: bool = False,
) -> Pairs:
    """The pairs whose face comes nearer than ``reach`` (screen units) to a pixel of the tile. The host waits here for the device: to learn how many there are.

    A face with a vertex at or before the depth ``behind`` is left out. With ``whole_box`` everything within its bounding box grown by the reach counts.
    ``op`` is named in errors.
    """
    height, width = image_size
    variant, indices = arrays.variant, topology.on(arrays)
    n_tiles = topology.n_images * -(-height // variant.tile_height) * -(-width // variant.tile_width)
    n_counts = n_tiles * arrays.n_blocks
    check_countable(op, "tiles times blocks", n_counts)
    counts, places, nothing = arrays.zeros_index(n_counts), arrays.zeros_index(n_counts), arrays.zeros_index(1)
    chunk_sums = arrays.zeros_index(-(-n_counts // tiles.SCAN_CHUNK))
    tile_offset, statistics = arrays.zeros_index(n_tiles + 1), arrays.zeros_index(tiles.N_STATISTICS)
    slack_reach = reach * (1 + tiles.REACH_SLACK) + tiles.REACH_SLACK / min(height, width)
    scene = (slack_reach, float(behind), len(topology.faces), arrays.n_blocks, height, width)
    heads = (arrays.constant(vertices_screen), indices["faces"], indices["face_image"])
    arrays.launch(tiles.count_kernel(variant, whole_box), (*heads, counts, nothing, nothing, statistics, *scene))
    arrays.launch(tiles.scan_kernel(variant), (counts, places, chunk_sums, tile_offset, statistics, n_counts, arrays.n_blocks))
    found = arrays.to_numpy(statistics)
    if found[tiles.BAD_FACE]:
        face = int(found[tiles.BAD_FACE]) - 1
        raise ValueError(f"{op}: vertices must be finite, got NaN or infinity in face {face} of the batch (vertices {topology.faces[face].tolist()})")
    if found[tiles.OVERFLOW]:
        raise MemoryError(f"{op}: more than {tiles.MAX_PAIRS} (face, tile) pairs are in reach; use less softness, or a smaller image or batch")
    n = int(found[tiles.TOTAL])
    check_countable(op, "rows of (face, pixel) pairs", n * (variant.tile_pixels // variant.lanes))
    capacity = arrays.capacity(max(n, 1))
    pair_face, pair_tile = arrays.zeros_index(capacity), arrays.zeros_index(capacity)
    arrays.launch(tiles.fill_kernel(variant, whole_box), (*heads, places, pair_face, pair_tile, statistics, *scene))
    return Pairs(pair_face, pair_tile, tile_offset, n, n_tiles)
