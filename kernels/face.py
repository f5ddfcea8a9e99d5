"""What one face is to a pixel: how far, how deep, what coverage, with which weights. All kernels of the rasteriser ask here."""

import enum
import math
from dataclasses import dataclass, replace

from ..language import ti
from .blending import Blending, Order, normalised_depth
from .coverage import Distribution, coverage_of, series_coefficients
from .silhouette import Silhouette, silhouette_generator
from .softness import FAR, NEAR, OVER_GAMMA, OVER_SIGMA, REACH_SQ
from .special import larger, smaller
from .texture import Texture
from .texture_image import Filter, Wrap
from .tiles import block_of, half_pixel_of
from .triangle import (
    AX,
    AY,
    AZ,
    BX,
    BY,
    BZ,
    CX,
    CY,
    CZ,
    N_SET_UP,
    OVER_AREA2,
    OVER_AZ,
    OVER_BZ,
    OVER_CZ,
    TINY_LENGTH_SQ,
    Distance,
    Extrapolation,
    in_set_up,
    locate,
)

__all__ = [
    "DEPTH",
    "FEATURES",
    "SILHOUETTE",
    "WEIGHT",
    "Choices",
    "CompositeChoices",
    "Interpolation",
    "Sides",
    "block_centres",
    "centres_at",
    "coverage_with",
    "evaluate",
    "evaluate_with",
    "face_depth",
    "feature_weights",
    "hidden_from",
    "in_grown_box",
    "in_reach_of",
    "item_and_group",
    "load_block",
    "load_lane",
    "load_lanes",
    "load_set_up",
    "nth_block",
    "slot",
    "store_block",
    "store_lane",
    "store_lanes",
    "sum_row",
    "total_of",
    "who_counts",
]

TINY_COVERAGE = 1e-17  # less gives no colour: all weights of a pixel together are divided by, and one over their square must be a float32
HIDDEN_BELOW = {real: math.log(TINY_COVERAGE * half_eps) for real, half_eps in ((ti.f32, 2.0**-25), (ti.f64, 2.0**-54))}
"""Exponents of weights that rounding drops from the sum of a pixel, however little of it the face covers that is the nearest there."""
HIDES_NOTHING = 3e38  # an m that no pixel has
RANGE_SLACK = 1e-5  # a face is whole within the range of depth if it is this fraction away from its ends: rounding tells no pixel otherwise
SURE = 100.0  # the u of a pixel inside with hard distance: its coverage is one, to the last bit

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

    def of_hidden(self) -> "Choices":
        """Those of a face without colour that is whole within the range of depth (`hidden_from`): its silhouette's alone."""
        return replace(self, features_at_once=0, grouped=False, silhouette_beyond_depth_range=True)

    def n_groups(self, n_features: int) -> int:
        """In how many groups of `features_at_once` the channels are worked off."""
        return -(-n_features // self.features_at_once) if self.features_at_once else 1

    def n_sums(self, n_features: int) -> int:
        """The last group may have places to spare."""
        return FEATURES + self.n_groups(n_features) * self.features_at_once if self.features_at_once else WEIGHT


@dataclass(frozen=True, kw_only=True)
class CompositeChoices:
    """The discrete choices that specialise the kernels.

    Attributes:
        features: of what is shown.
        opacity: of where opacities stand: one channel, the ``opacity_channel`` of its rows.
        order: of the layers.
    """

    features: Choices
    opacity: Choices
    order: Order = Order.PIXEL

    @property
    def n_held(self) -> int:
        """Numbers that are held of a layer and a lane on the way forward."""
        return 2 + self.features.features_at_once


@ti.func
def face_depth(wa, wb, wc, face: ti.template(), softness: ti.template(), interpolation: ti.template()):
    """Depth of the face at a pixel, and whether it lies within [near, far]; where it does not, the depth is no more than ``far``, and of no meaning."""
    near, far = softness[NEAR], softness[FAR]
    depth = wa * face[AZ] + wb * face[BZ] + wc * face[CZ]
    in_range = (depth >= near) & (depth <= far)
    if ti.static(interpolation != Interpolation.LINEAR):
        one_over_depth = wa * face[OVER_AZ] + wb * face[OVER_BZ] + wc * face[OVER_CZ]
        in_range = (one_over_depth * near <= 1.0) & (one_over_depth * far >= 1.0)
        depth = 1.0 / larger(one_over_depth, 1.0 / far)  # by the range alone: what is divided would wait for the comparisons
    else:
        depth = ti.select(in_range, depth, far)
    return depth, in_range


@ti.func
def feature_weights(wa, wb, wc, depth, face: ti.template(), interpolation: ti.template()):
    """The weights of features, of those of the corners and the depth at the pixel."""
    ua, ub, uc = wa, wb, wc
    if ti.static(interpolation == Interpolation.PERSPECTIVE):
        ua, ub, uc = wa * (depth * face[OVER_AZ]), wb * (depth * face[OVER_BZ]), wc * (depth * face[OVER_CZ])
    return ua, ub, uc


@ti.func
def hidden_from(face: ti.template(), softness: ti.template(), real: ti.template()):
    """The m of a pixel above which a face is nothing there but its silhouette: so far behind what is seen that rounding drops its weight.

    At no pixel is a face nearer than its nearest corner. No m is above what is returned of a face that is not whole within the range of depth.
    """
    nearest, farthest = smaller(face[AZ], smaller(face[BZ], face[CZ])), larger(face[AZ], larger(face[BZ], face[CZ]))
    is_whole = (nearest > softness[NEAR] * (1.0 + RANGE_SLACK)) & (farthest < softness[FAR] * (1.0 - RANGE_SLACK))
    return ti.select(is_whole, normalised_depth(nearest, softness) - ti.static(HIDDEN_BELOW[real]) / softness[OVER_GAMMA], HIDES_NOTHING)


@ti.func
def block_centres(tile, block, height, width, variant: ti.template()):
    """Screen coordinates x and y of a block of lanes, two vectors."""
    _, line, column = block_of(tile, block, height, width, variant)
    return centres_at(line, column, height, width, half_pixel_of(height, width, variant), variant)


@ti.func
def centres_at(line, column, height, width, half_pixel, variant: ti.template()):
    """The same, of the block whose first pixel stands at (line, column)."""
    x = variant.vector([2 * (column + place[1]) + 1 - width for place in ti.static(variant.lane_places)]) * half_pixel
    y = variant.vector([height - 2 * (line + place[0]) - 1 for place in ti.static(variant.lane_places)]) * half_pixel
    return x, y


@ti.func
def over_inradius(face: ti.template()):
    """One over the radius of a face's inscribed circle, the distance of the incentre to the outline: its circumference over twice its area."""
    ab = ti.sqrt(ti.max((face[BX] - face[AX]) ** 2 + (face[BY] - face[AY]) ** 2, TINY_LENGTH_SQ))
    bc = ti.sqrt(ti.max((face[CX] - face[BX]) ** 2 + (face[CY] - face[BY]) ** 2, TINY_LENGTH_SQ))
    ca = ti.sqrt(ti.max((face[AX] - face[CX]) ** 2 + (face[AY] - face[CY]) ** 2, TINY_LENGTH_SQ))
    return (ab + bc + ca) * ti.abs(face[OVER_AREA2])


@ti.func
def load_set_up(f, set_ups: ti.template()):
    """What `triangle.set_up` made of a face."""
    return ti.Vector([set_ups[in_set_up(f, i)] for i in ti.static(range(N_SET_UP))])


@ti.func
def in_grown_box(x, y, face: ti.template(), softness: ti.template()):
    """Whether a pixel lies in the bounding box of a face, grown by the reach."""
    reach = ti.sqrt(softness[REACH_SQ])
    in_columns = (x <= ti.max(face[AX], face[BX], face[CX]) + reach) & (x >= ti.min(face[AX], face[BX], face[CX]) - reach)
    return in_columns & (y <= ti.max(face[AY], face[BY], face[CY]) + reach) & (y >= ti.min(face[AY], face[BY], face[CY]) - reach)


@ti.func
def in_reach_of(x, y, distance_sq, inside, face: ti.template(), softness: ti.template(), choices: ti.template()):
    """Whether a face reaches a pixel, of which `locate` has told what is given."""
    in_reach = inside | (distance_sq < softness[REACH_SQ])
    if ti.static(choices.distance == Distance.HARD or choices.distribution == Distribution.WINDOW):
        in_reach = inside
    if ti.static(choices.distance == Distance.BARYCENTRIC):
        in_reach = in_grown_box(x, y, face, softness) & in_reach
    return in_reach


@ti.func
def who_counts(inside, in_reach, in_range, coverage, area, choices: ti.template()):
    """Whether a face counts for the silhouette of a pixel, and whether it has colour and depth there. ``area`` has the sign of its area on the screen."""
    visible = in_reach & in_range
    colored = visible & (coverage > TINY_COVERAGE)
    if ti.static(choices.blending == Blending.HARD):
        colored = visible & inside
    counted = visible
    if ti.static(choices.silhouette_beyond_depth_range):
        counted = in_reach
    if ti.static(choices.sides != Sides.BOTH):
        facing = area > 0
        if ti.static(choices.sides == Sides.CLOCKWISE):
            facing = area < 0
        colored = colored & facing
        if ti.static(choices.culling):
            counted = counted & facing
    return counted, colored


@ti.func
def evaluate(x, y, face: ti.template(), softness: ti.template(), choices: ti.template(), real: ti.template()):
    """All that one face, whose set-up is given, means to the pixel (x, y), or to a block of them.

    Returns (generator value of its silhouette, coverage, depth, whether it has colour here, weights of a, b, c for features, and what these were made of the
    barycentric coordinates with).
    """
    distance_sq, inside, wa, wb, wc = locate(x, y, face, choices.distance, choices.extrapolation)
    depth, in_range = face_depth(wa, wb, wc, face, softness, choices.interpolation)
    distance = distance_sq
    if ti.static(not choices.squared):
        distance = ti.sqrt(ti.max(distance_sq, TINY_LENGTH_SQ))
    u = ti.select(inside, distance, -distance) * softness[OVER_SIGMA]
    if ti.static(choices.distance == Distance.HARD):
        u = ti.select(inside, SURE, -SURE)
    if ti.static(choices.distribution == Distribution.WINDOW):
        u = ti.select(inside, ti.sqrt(ti.max(distance_sq, TINY_LENGTH_SQ)) * over_inradius(face), -1.0)
    in_reach = in_reach_of(x, y, distance_sq, inside, face, softness, choices)
    coverage, complement = coverage_of(u, softness, choices.distribution, real)
    if ti.static(choices.distance == Distance.HARD):
        coverage = ti.select(inside, wa * 0.0 + 1.0, 0.0)
        complement = 1.0 - coverage
    counted, colored = who_counts(inside, in_reach, in_range, coverage, face[OVER_AREA2], choices)
    generated = ti.select(counted, silhouette_generator(u, coverage, complement, softness, choices.distribution, choices.silhouette, real), 0.0)
    qa, qb, qc = depth * 0.0 + 1.0, depth * 0.0 + 1.0, depth * 0.0 + 1.0
    if ti.static(choices.interpolation == Interpolation.PERSPECTIVE):
        qa, qb, qc = depth * face[OVER_AZ], depth * face[OVER_BZ], depth * face[OVER_CZ]
    ua, ub, uc = feature_weights(wa, wb, wc, depth, face, choices.interpolation)
    return generated, coverage, depth, colored, ua, ub, uc, qa, qb, qc


@ti.func
def evaluate_with(held: ti.template(), softness: ti.template(), x, y, face: ti.template(), choices: ti.template(), real: ti.template()):
    """`evaluate` with a local copy of the settings, unless the distribution needs a series, which is too long to be copied."""
    if ti.static(len(series_coefficients(choices.distribution, 1.0)) > 0):
        return evaluate(x, y, face, softness, choices, real)
    return evaluate(x, y, face, held, choices, real)


@ti.func
def coverage_with(held: ti.template(), softness: ti.template(), u, distribution: ti.template(), real: ti.template()):
    """`coverage_of`, likewise."""
    if ti.static(len(series_coefficients(distribution, 1.0)) > 0):
        return coverage_of(u, softness, distribution, real)
    return coverage_of(u, held, distribution, real)


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
def total_of(sums: ti.template(), i: ti.template(), lanes: ti.template()):
    """Over the lanes of one of the sums."""
    total = sums[i * lanes]
    for l in ti.static(range(1, lanes)):
        total += sums[i * lanes + l]
    return total


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


@ti.func
def nth_block(i, variant: ti.template()):
    """The place of a block in a list of them: ``i``, of which LLVM sees that its lanes are countable. Else it would read and write them one by one."""
    return i & ti.static((1 << 31) // variant.lanes - 1)


@ti.func
def store_lane(array: ti.template(), i, lane, value, variant: ti.template()):
    """Writes one lane of a list of blocks."""
    if ti.static(variant.has_blocks):
        array[nth_block(i, variant)][lane] = value
    else:
        array[i, lane] = value


@ti.func
def load_lane(array: ti.template(), i, lane, variant: ti.template()):
    """The other way."""
    if ti.static(variant.has_blocks):
        return array[nth_block(i, variant)][lane]
    return array[i, lane]


@ti.func
def store_lanes(array: ti.template(), i, local: ti.template(), number: ti.template(), variant: ti.template()):
    """`store_block` to a list of blocks, of real or whole numbers."""
    lanes = ti.static(variant.lanes)
    if ti.static(variant.has_blocks):
        array[nth_block(i, variant)] = ti.Vector([local[number * lanes + l] for l in ti.static(range(lanes))])
    else:
        for l in ti.static(range(lanes)):
            array[i, l] = local[number * lanes + l]


@ti.func
def load_lanes(local: ti.template(), number: ti.template(), array: ti.template(), i, variant: ti.template()):
    """The other way."""
    lanes = ti.static(variant.lanes)
    if ti.static(variant.has_blocks):
        of_block = array[nth_block(i, variant)]
        for l in ti.static(range(lanes)):
            local[number * lanes + l] = of_block[l]
    else:
        for l in ti.static(range(lanes)):
            local[number * lanes + l] = array[i, l]
