"""Which faces are listed for which tile, against brute force.

Plan: for random scenes, every (face, tile) pair with a pixel in reach must be listed, once, in ascending order of faces within a tile, whatever the number of
shares the faces are dealt in; and no pair may be listed that is plainly out of reach. Then faces that must be left out, several images, and what the host is
told of bad vertices. (That pictures come out right, whatever is listed, is tested in `test_rasterizer.py`.)
"""

from dataclasses import replace

import numpy as np
import pytest
from reference import barycentric, closest_on_outline, pixel_centres
from scenes import ScreenScene, as_numpy, screen_scene

from taichi_softras import RasterizeSettings, Topology
from taichi_softras.engine.binning import Pairs
from taichi_softras.engine.rasterizer import pairs_in_reach as find_pairs_in_reach
from taichi_softras.kernels import tiles
from taichi_softras.kernels.variant import Variant
from taichi_softras.language import ti
from taichi_softras.runtime import TaichiArrays, current_arch

SETTINGS = RasterizeSettings(sigma=3e-3, cutoff=1e-4)
LANES = Variant(real=ti.f64)  # as on CPUs
SQUARES = Variant(real=ti.f64, lanes=1, tile_width=8, tile_height=8)  # as on GPUs
TEAMS = replace(SQUARES, team=128)  # as on CUDA


def skip_without_teams(variant: Variant) -> None:
    if variant.team > 1 and current_arch() != "cuda":
        pytest.skip("threads share memory on CUDA (--arch cuda)")


def find(scene: ScreenScene, image_size: tuple[int, int], variant: Variant = LANES, n_shares: int = 4, settings: RasterizeSettings = SETTINGS) -> Pairs:
    skip_without_teams(variant)
    arrays = TaichiArrays(variant.real)
    arrays.variant, arrays.n_shares = variant, n_shares
    return find_pairs_in_reach(arrays, scene.topology, arrays.real(scene.vertices), settings, image_size)


def pairs_in_reach(scene: ScreenScene, image_size: tuple[int, int], variant: Variant, reach: float) -> set[tuple[int, int]]:
    """(tile, face) for each face and each tile with a pixel inside of it or nearer than ``reach``."""
    height, width = image_size
    pixels = pixel_centres(height, width)
    tiles_y, tiles_x = -(-height // variant.tile_height), -(-width // variant.tile_width)
    rows, columns = np.mgrid[0:height, 0:width]
    tile_of_pixel = rows // variant.tile_height * tiles_x + columns // variant.tile_width
    found = set()
    for f, (corners, image) in enumerate(zip(scene.topology.faces, scene.topology.face_image, strict=True)):
        triangle = scene.vertices[corners, :2]
        near = closest_on_outline(pixels, triangle)[0] < reach
        bary = barycentric(pixels, triangle)
        if bary is not None:
            near |= (bary > 0).all(-1)
        found |= {(int(image) * tiles_y * tiles_x + int(tile), f) for tile in np.unique(tile_of_pixel[near])}
    return found


def listed(pairs: Pairs) -> list[tuple[int, int]]:
    """(tile, face) in the order of the lists."""
    return list(zip(as_numpy(pairs.tile)[: pairs.n].tolist(), as_numpy(pairs.face)[: pairs.n].tolist(), strict=True))


def tiles_written_down(pairs: Pairs, f: int, image_size: tuple[int, int], variant: Variant) -> list[int]:
    """What the record of a face says."""
    tiles_y, tiles_x = -(-image_size[0] // variant.tile_height), -(-image_size[1] // variant.tile_width)
    reached = as_numpy(pairs.reached)
    n_faces = len(reached) // tiles.N_REACHED
    first, bits = reached[2 * f : 2 * f + 2].tolist()
    if bits != tiles.LARGE:
        return [first + k // tiles.BOX_COLUMNS * tiles_x + k % tiles.BOX_COLUMNS for k in range(31) if bits >> k & 1]
    end_column, end_row, *edges = reached[2 * n_faces + tiles.N_LARGE * f :][: tiles.N_LARGE].tolist()
    image, column, row = first // (tiles_x * tiles_y), first % tiles_x, first // tiles_x % tiles_y
    sums = {(x, y): [p * x + q * y + r for p, q, r in zip(*[iter(edges)] * 3, strict=True)] for y in range(row, end_row) for x in range(column, end_column)}
    assert all(abs(number) < 2**31 for numbers in sums.values() for number in numbers)
    return [(image * tiles_y + y) * tiles_x + x for (x, y), numbers in sums.items() if min(numbers) >= 0]


SCENES = {
    "ordinary": screen_scene(51, (20, 7)),
    "small faces": screen_scene(52, (60, 10, 30), size=0.04),
    "larger than the picture": screen_scene(53, (8, 5), size=6.0),
    "partly off the screen": screen_scene(54, (15, 15), size=1.5),
}
SCENES["wide, and above the picture"] = replace(
    SCENES["larger than the picture"], vertices=SCENES["larger than the picture"].vertices + np.array([0.0, 12.0, 0.0])
)


@pytest.mark.parametrize("variant", [LANES, SQUARES, TEAMS], ids=["4x2", "8x8", "teams"])
@pytest.mark.parametrize("image_size", [(13, 21), (1, 1), (8, 8), (16, 40), (23, 9)], ids=lambda size: "x".join(map(str, size)))
@pytest.mark.parametrize("scene", SCENES.values(), ids=SCENES)
class TestAgainstBruteForce:
    def test_nothing_in_reach_is_missing(self, scene, image_size, variant):
        expected = pairs_in_reach(scene, image_size, variant, SETTINGS.reach)
        assert expected <= set(listed(find(scene, image_size, variant)))

    def test_nothing_plainly_out_of_reach_is_listed(self, scene, image_size, variant):
        """Tiles are boxes, and boxes are kept or dropped by one edge at a time: half a tile's diagonal, and the corner between two edges, are allowed for."""
        slack = np.hypot(variant.tile_width, variant.tile_height) * 2 / min(image_size)
        found = listed(find(scene, image_size, variant))
        height, width = image_size
        tiles_y, tiles_x = -(-height // variant.tile_height), -(-width // variant.tile_width)
        for tile, f in found:
            row, column = tile // tiles_x % tiles_y * variant.tile_height, tile % tiles_x * variant.tile_width
            corner = np.array([2 * column + 1 - width, height - 2 * row - 1]) / min(image_size)
            triangle = scene.vertices[scene.topology.faces[f], :2]
            assert (corner > triangle.min(0) - SETTINGS.reach - slack).all()
            assert (corner < triangle.max(0) + SETTINGS.reach + slack).all()

    def test_order(self, scene, image_size, variant):
        """Sorted by tile, then by face, so that no pair stands twice; and each tile's place is where its pairs are."""
        pairs = find(scene, image_size, variant)
        found = listed(pairs)
        assert found == sorted(set(found))
        assert pairs.n_tiles == scene.topology.n_images * -(-image_size[0] // variant.tile_height) * -(-image_size[1] // variant.tile_width)
        counts = np.bincount(as_numpy(pairs.tile)[: pairs.n], minlength=pairs.n_tiles)
        np.testing.assert_array_equal(as_numpy(pairs.tile_offset), np.concatenate([[0], np.cumsum(counts)]))

    def test_each_face_has_its_tiles_written_down(self, scene, image_size, variant):
        """By bits, or by whole numbers of which each tile's sum is asked: read alike in Python, they say what is listed."""
        pairs = find(scene, image_size, variant)
        assert {(tile, f) for f in range(len(scene.topology.faces)) for tile in tiles_written_down(pairs, f, image_size, variant)} == set(listed(pairs))

    def test_shares_do_not_matter(self, scene, image_size, variant):
        expected = listed(find(scene, image_size, variant, n_shares=1))
        for n_shares in (2, 7, 256):
            assert listed(find(scene, image_size, variant, n_shares)) == expected


def test_long_thin_faces_skip_most_tiles():
    """A needle across the picture reaches few of the tiles in its bounding box: they are dropped by its edges."""
    topology = Topology.shared(np.array([[0, 1, 2]]), 3)
    needle = ScreenScene(np.array([[-1.9, -0.9, 2.0], [1.9, 0.9, 2.0], [1.9, 0.91, 2.0]]), topology, np.zeros((3, 3)), np.zeros((1, 3)))
    pairs = find(needle, (64, 128), settings=RasterizeSettings(sigma=1e-6))
    assert pairs_in_reach(needle, (64, 128), LANES, RasterizeSettings(sigma=1e-6).reach) <= set(listed(pairs))
    assert pairs.n < 64 * 16 / 5


def test_the_order_of_corners_does_not_matter():
    """Each of the edges drops tiles, whichever way they run."""
    corners = np.array([[-1.5, -0.9, 2.0], [1.6, -0.7, 2.0], [-1.3, 0.95, 2.0]])
    found = []
    for order in ([0, 1, 2], [1, 2, 0], [2, 0, 1], [0, 2, 1], [2, 1, 0], [1, 0, 2]):
        scene = ScreenScene(corners, Topology.shared(np.array([order]), 3), np.zeros((3, 3)), np.zeros((1, 3)))
        found.append([tile for tile, _ in listed(find(scene, (64, 128)))])
    assert all(tiles_of_face == found[0] for tiles_of_face in found)
    assert len(found[0]) < 0.75 * 64 * 16


def test_float32_drops_nothing():
    """Rounding must not lose a pair at the border of reach."""
    single = replace(LANES, real=ti.f32)
    for seed in range(20):
        scene = screen_scene(seed, (40,), size=0.5)
        assert pairs_in_reach(scene, (33, 47), single, SETTINGS.reach) <= set(listed(find(scene, (33, 47), single)))


class TestLeftOut:
    SCENE = screen_scene(55, (6, 3))

    def faces_listed(self, vertices: np.ndarray, settings: RasterizeSettings = SETTINGS) -> set[int]:
        return {face for _, face in listed(find(replace(self.SCENE, vertices=vertices), (13, 21), settings=settings))}

    def test_all_are_there(self):
        assert self.faces_listed(self.SCENE.vertices) == set(range(9))

    @pytest.mark.parametrize("shift", [[9.0, 0.0], [-9.0, 0.0], [0.0, 9.0], [0.0, -9.0], [1e30, 0.0], [0.0, -1e30]])
    def test_off_the_screen(self, shift):
        moved = self.SCENE.vertices.copy()
        moved[self.SCENE.topology.faces[2], :2] += shift
        assert self.faces_listed(moved) == set(range(9)) - {2}

    @pytest.mark.parametrize("depth", [0.0, -1.0, tiles.BEHIND_EYE / 2])
    def test_behind_the_eye(self, depth):
        """One vertex is enough; and SoftRas's way keeps such a face."""
        moved = self.SCENE.vertices.copy()
        moved[self.SCENE.topology.faces[7, 1], 2] = depth
        assert self.faces_listed(moved) == set(range(9)) - {7}
        assert self.faces_listed(moved, replace(SETTINGS, silhouette_beyond_depth_range=True)) == set(range(9))

    def test_a_face_stays_in_its_image(self):
        """Of two images with the same soup, moved off the screen in the second, all pairs are in the first."""
        topology = Topology.shared(np.arange(9).reshape(3, 3), 9, 2)
        soup = screen_scene(56, (3,)).vertices
        scene = ScreenScene(np.concatenate([soup, soup + np.array([50.0, 0.0, 0.0])]), topology, np.zeros((9, 3)), np.zeros((2, 3)))
        pairs = find(scene, (13, 21))
        assert pairs.n > 0
        assert max(as_numpy(pairs.tile)[: pairs.n]) < pairs.n_tiles // 2


class TestBadVertices:
    @pytest.mark.parametrize("real", [ti.f32, ti.f64])
    @pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
    @pytest.mark.parametrize("coordinate", [0, 1, 2])
    def test_are_named(self, value, coordinate, real):
        scene = screen_scene(57, (6, 3))
        vertices = scene.vertices.copy()
        vertices[scene.topology.faces[4, 2], coordinate] = value
        with pytest.raises(ValueError, match=r"vertices must be finite, got NaN or infinity in face 4"):
            find(replace(scene, vertices=vertices), (13, 21), replace(LANES, real=real))


def test_more_tiles_than_a_chunk_of_the_scan():
    """The prefix sum works in chunks of SCAN_CHUNK counts; here are several, and the last is not full."""
    scene = screen_scene(58, (40, 20))
    size = (61, 83)
    pairs = find(scene, size, n_shares=4)
    assert pairs.n_tiles * 4 > 3 * tiles.SCAN_CHUNK
    assert pairs.n_tiles * 4 % tiles.SCAN_CHUNK
    assert pairs_in_reach(scene, size, LANES, SETTINGS.reach) <= set(listed(pairs))
    assert listed(pairs) == sorted(set(listed(pairs)))


@pytest.mark.parametrize("variant", [LANES, TEAMS], ids=["lanes", "teams"])
class TestScan:
    def scan(self, counts: list[int], variant: Variant, n_shares: int = 2) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        skip_without_teams(variant)
        values = np.array(counts, np.int32)
        places, offsets, statistics = np.zeros_like(values), np.zeros(len(values) // n_shares + 1, np.int32), np.zeros(tiles.N_STATISTICS, np.int32)
        chunk_sums = np.zeros(-(-len(values) // tiles.SCAN_CHUNK), np.int32)
        tiles.scan_kernel(variant)(values, places, chunk_sums, offsets, statistics, len(values), n_shares)
        return places, offsets, statistics

    def test_is_an_exclusive_prefix_sum(self, variant):
        counts = np.random.default_rng(0).integers(0, 9, 3 * tiles.SCAN_CHUNK + 100)
        places, offsets, statistics = self.scan(counts.tolist(), variant)
        expected = np.concatenate([[0], np.cumsum(counts)])
        np.testing.assert_array_equal(places, expected[:-1])
        np.testing.assert_array_equal(offsets, expected[::2])
        assert statistics[tiles.TOTAL] == counts.sum()
        assert not statistics[tiles.OVERFLOW]

    @pytest.mark.parametrize(
        "counts", [[2**29, 2**29, 1, 0], [2**30, 2**30, 2**30, 2**30], [2**30] * (4 * tiles.SCAN_CHUNK)], ids=["just", "by far", "in every chunk"]
    )
    def test_too_many_pairs_are_noticed(self, counts, variant):
        """Sums beyond 32 bits, within a chunk too: taken for small ones, they would make `fill` write out of bounds."""
        _, _, statistics = self.scan(counts, variant)
        assert statistics[tiles.OVERFLOW]

    def test_the_largest_number_of_pairs_fits(self, variant):
        _, _, statistics = self.scan([2**29, 2**29 - 1, 1, 0], variant)
        assert not statistics[tiles.OVERFLOW]
        assert statistics[tiles.TOTAL] == tiles.MAX_PAIRS
