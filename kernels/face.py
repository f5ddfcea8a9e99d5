"""What one face is to a pixel: how far, how deep, what coverage, with which weights. All kernels of the rasteriser ask here."""

import enum
from dataclasses import dataclass

import taichi as ti

from .blending import Blending
from .coverage import Distribution, coverage_of, series_coefficients
from .silhouette import Silhouette, silhouette_generator
from .softness import FAR, NEAR, REACH_SQ, SIGMA
from .texture import Texture
from .texture_image import Filter, Wrap
from .tiles import block_of
from .triangle import TINY_LENGTH_SQ, Distance, Extrapolation, locate, oriented_area

__all__ = [
    "DEPTH",
    "FEATURES",
    "SILHOUETTE",
    "WEIGHT",
    "Choices",
    "Interpolation",
    "Sides",
    "block_centres",
    "centres_at",
    "evaluate",
    "evaluate_with",
    "face_depth",
    "item_and_group",
    "load_block",
    "load_face",
    "slot",
    "store_block",
    "sum_row",
    "who_counts",
]

SURE = 100.0  # the u of a pixel inside with hard distance: its coverage is one, to the last bit

TINY_COVERAGE = 1e-17  # less gives no colour: all weights of a pixel together are divided by, and one over their square must be a float32

# Places in the second dimension of `sums`.
SILHOUETTE = 0
WEIGHT = 1
DEPTH = 2
FEATURES = 3


class Interpolation(enum.Enum):
    """How depth and features vary over a face."""

    PERSPECTIVE = "perspective"
    """Perspective-correct: what a pinhole camera sees of a flat triangle."""
    LINEAR = "linear"
    """Linear on the screen: right for orthographic cameras."""
    MIXED = "mixed"
    """SoftRas's: depth perspective-correct, features linear on the screen."""


class Sides(enum.Enum):
    """Which side of a face has colour and depth, by the winding of its vertices on the screen (y up)."""

    BOTH = "both"
    COUNTERCLOCKWISE = "counterclockwise"
    CLOCKWISE = "clockwise"


@dataclass(frozen=True, kw_only=True)
class Choices:
    """The discrete choices that specialise the kernels."""

    features_at_once: int = 3  # 0: the silhouette alone
    grouped: bool = False  # whether there are more channels than that
    distance: Distance = Distance.EUCLIDEAN
    squared: bool = True  # whether the distance enters the distribution squared
    distribution: Distribution = Distribution.LOGISTIC
    silhouette: Silhouette = Silhouette.PROBABILISTIC
    blending: Blending = Blending.SOFTMAX
    texture: Texture = Texture.VERTEX
    wrap: Wrap = Wrap.REPEAT  # of a picture
    filter: Filter = Filter.BILINEAR
    interpolation: Interpolation = Interpolation.PERSPECTIVE
    extrapolation: Extrapolation = Extrapolation.CLOSEST_POINT
    sides: Sides = Sides.BOTH
    culling: bool = False  # whether a face that shows its other side is left out of the silhouette, too
    silhouette_beyond_depth_range: bool = False  # SoftRas counts a face for alpha where it is outside near and far, too

    def n_groups(self, n_features: int) -> int:
        """In how many groups of `features_at_once` the channels are worked off."""
        return -(-n_features // self.features_at_once) if self.features_at_once else 1

    def n_sums(self, n_features: int) -> int:
        """The last group may have places to spare."""
        return FEATURES + self.n_groups(n_features) * self.features_at_once if self.features_at_once else WEIGHT


@ti.func
def face_depth(wa, wb, wc, az, bz, cz, near, far, interpolation: ti.template()):
    """Depth of the face at a pixel, and whether it lies within [near, far]; where it does not, the depth returned is ``far``."""
    depth = wa * az + wb * bz + wc * cz
    in_range = (depth >= near) & (depth <= far)
    if ti.static(interpolation != Interpolation.LINEAR):
        one_over_depth = wa * (1.0 / az) + wb * (1.0 / bz) + wc * (1.0 / cz)  # one division a face, not one a pixel
        in_range = (one_over_depth * near <= 1.0) & (one_over_depth * far >= 1.0)
        depth = 1.0 / ti.select(in_range, one_over_depth, 1.0 / far)
    return ti.select(in_range, depth, far), in_range


@ti.func
def safe_depth(z):
    """z, moved off zero: a vertex in the plane of the eye must not divide by zero."""
    return ti.select(ti.abs(z) < 1e-8, 1e-8, z)


@ti.func
def block_centres(tile, block, height, width, variant: ti.template()):
    """Screen coordinates x and y of a block of lanes, two vectors."""
    _, line, column = block_of(tile, block, height, width, variant)
    return centres_at(line, column, height, width, variant)


@ti.func
def centres_at(line, column, height, width, variant: ti.template()):
    """The same, of the block whose first pixel stands at (line, column)."""
    half_pixel = 1.0 / ti.cast(ti.min(height, width), variant.real)
    x = variant.vector([2 * (column + place[1]) + 1 - width for place in ti.static(variant.lane_places)]) * half_pixel
    y = variant.vector([height - 2 * (line + place[0]) - 1 for place in ti.static(variant.lane_places)]) * half_pixel
    return x, y


@ti.func
def load_face(f, vertices_screen: ti.template(), faces: ti.template()):
    """The nine coordinates of a face."""
    a, b, c = faces[f, 0], faces[f, 1], faces[f, 2]
    az, bz, cz = safe_depth(vertices_screen[a, 2]), safe_depth(vertices_screen[b, 2]), safe_depth(vertices_screen[c, 2])
    return (
        vertices_screen[a, 0], vertices_screen[a, 1], az,
        vertices_screen[b, 0], vertices_screen[b, 1], bz,
        vertices_screen[c, 0], vertices_screen[c, 1], cz,
    )  # fmt: skip


@ti.func
def who_counts(inside, in_reach, in_range, coverage, sign, choices: ti.template()):
    """Whether a face counts for the silhouette of a pixel, and whether it has colour and depth there. ``sign`` is that of its area on the screen."""
    visible = in_reach & in_range
    colored = visible & (coverage > TINY_COVERAGE)
    if ti.static(choices.blending == Blending.HARD):
        colored = visible & inside
    counted = visible
    if ti.static(choices.silhouette_beyond_depth_range):
        counted = in_reach
    if ti.static(choices.sides != Sides.BOTH):
        facing = sign > 0
        if ti.static(choices.sides == Sides.CLOCKWISE):
            facing = sign < 0
        colored = colored & facing
        if ti.static(choices.culling):
            counted = counted & facing
    return counted, colored


@ti.func
def evaluate(x, y, ax, ay, az, bx, by, bz, cx, cy, cz, softness: ti.template(), choices: ti.template(), real: ti.template()):
    """All that one face means to the pixel (x, y), or to a block of them.

    Returns (generator value of its silhouette, coverage, depth, whether it has colour here, weights of a, b, c for features, and what these were made of the
    barycentric coordinates with).
    """
    distance_sq, inside, wa, wb, wc = locate(x, y, ax, ay, bx, by, cx, cy, choices.distance, choices.extrapolation)
    depth, in_range = face_depth(wa, wb, wc, az, bz, cz, softness[NEAR], softness[FAR], choices.interpolation)
    distance = distance_sq
    if ti.static(not choices.squared):
        distance = ti.sqrt(ti.max(distance_sq, TINY_LENGTH_SQ))
    u = ti.select(inside, distance, -distance) * (1.0 / softness[SIGMA])
    in_reach = inside | (distance_sq < softness[REACH_SQ])
    if ti.static(choices.distance == Distance.HARD):
        u = ti.select(inside, SURE, -SURE)
        in_reach = inside
    if ti.static(choices.distance == Distance.BARYCENTRIC):
        reach = ti.sqrt(softness[REACH_SQ])
        in_box = (x <= ti.max(ax, bx, cx) + reach) & (x >= ti.min(ax, bx, cx) - reach) & (y <= ti.max(ay, by, cy) + reach) & (y >= ti.min(ay, by, cy) - reach)
        in_reach = in_box & in_reach
    coverage, complement = coverage_of(u, softness, choices.distribution, real)
    if ti.static(choices.distance == Distance.HARD):
        coverage = ti.select(inside, wa * 0.0 + 1.0, 0.0)
        complement = 1.0 - coverage
    _, sign = oriented_area(ax, ay, bx, by, cx, cy)
    counted, colored = who_counts(inside, in_reach, in_range, coverage, sign, choices)
    generated = ti.select(counted, silhouette_generator(u, coverage, complement, softness, choices.distribution, choices.silhouette, real), 0.0)
    qa, qb, qc = depth * 0.0 + 1.0, depth * 0.0 + 1.0, depth * 0.0 + 1.0
    if ti.static(choices.interpolation == Interpolation.PERSPECTIVE):
        qa, qb, qc = depth * (1.0 / az), depth * (1.0 / bz), depth * (1.0 / cz)
    return generated, coverage, depth, colored, wa * qa, wb * qb, wc * qc, qa, qb, qc


@ti.func
def evaluate_with(
    held: ti.template(), softness: ti.template(), x, y, ax, ay, az, bx, by, bz, cx, cy, cz, choices: ti.template(), real: ti.template()
):  # fmt: skip
    """`evaluate` with a local copy of the settings, unless the distribution needs a series, which is too long to be copied."""
    if ti.static(len(series_coefficients(choices.distribution, 1.0)) > 0):
        return evaluate(x, y, ax, ay, az, bx, by, bz, cx, cy, cz, softness, choices, real)
    return evaluate(x, y, ax, ay, az, bx, by, bz, cx, cy, cz, held, choices, real)


@ti.func
def item_and_group(item, n_groups, choices: ti.template()):
    """Which item, and which group of its channels, an iteration works on."""
    place, group = item, 0
    if ti.static(choices.grouped):
        place, group = item // n_groups, item % n_groups
    return place, group


@ti.func
def slot(i, lane, lanes: ti.template()):
    """Where number i of a lane stands in a local vector that holds several numbers of all lanes. (It wants 32-bit indices, whatever ``default_ip``.)"""
    return ti.cast(i * lanes + lane, ti.i32)


@ti.func
def sum_row(tile, s, n_groups, choices: ti.template()):
    """The row of number s of the sums of a tile (`Choices.n_sums` in all)."""
    n_sums = 1
    if ti.static(choices.features_at_once > 0):
        n_sums = FEATURES + n_groups * ti.static(choices.features_at_once)
    return tile * n_sums + s


@ti.func
def store_block(array: ti.template(), i, j, local: ti.template(), number: ti.template(), variant: ti.template()):
    """Writes one of the numbers of a local vector (`slot`), of all lanes, to a block of an array."""
    lanes = ti.static(variant.lanes)
    if ti.static(variant.has_blocks):
        array[i, j] = variant.vector([local[number * lanes + l] for l in ti.static(range(lanes))])
    else:
        for l in ti.static(range(lanes)):
            array[i, j, l] = local[number * lanes + l]


@ti.func
def load_block(local: ti.template(), number: ti.template(), array: ti.template(), i, j, variant: ti.template()):
    """The other way."""
    lanes = ti.static(variant.lanes)
    if ti.static(variant.has_blocks):
        of_block = array[i, j]
        for l in ti.static(range(lanes)):
            local[number * lanes + l] = of_block[l]
    else:
        for l in ti.static(range(lanes)):
            local[number * lanes + l] = array[i, j, l]
