"""From triangles on the screen to per-pixel sums: the heart of the renderer.

Per pixel only sums over the faces in reach are formed, so that nothing but the sums need be kept:

    SILHOUETTE   sum_j g(D_j)         g the generator of the T-conorm, D_j the coverage (for the maximum: the largest D_j)
    WEIGHT       sum_j w_j            w_j = D_j exp((depth_norm_j - m)/gamma), m the largest depth_norm at the pixel (or the background's)
    DEPTH        sum_j w_j z_j
    FEATURES+c   sum_j w_j C_jc

Two kernels compute them from the same functions. `aggregate` walks the faces of each tile and is made for speed. `contribute` is flat, one iteration per
(face, tile) pair and row of lanes, and exists for its gradient, which Taichi generates; m is a constant to it, because it cancels in `resolve`.
With hard colour w_j is one for the nearest face that has the pixel inside, `nearest_face`, and nought for all others.

Both see pixels in tiles: ``sums[tile, s, pixel of the tile]``, and features in groups of `features_at_once` channels, so that any number of channels compiles
as fast as four: what a pixel is to a face is evaluated once for each group.
"""

import enum
import functools
from dataclasses import dataclass, replace

import taichi as ti

from .blending import Blending, depth_weight, normalised_depth
from .coverage import Distribution, coverage_of
from .op import Op
from .silhouette import Silhouette, silhouette_generator
from .softness import BACKGROUND_DEPTH_NORM, FAR, GAMMA, NEAR, REACH_SQ, SIGMA
from .texture import Texture, features_at
from .texture_image import Filter, Wrap
from .tiles import row_of
from .triangle import TINY_LENGTH_SQ, Distance, Extrapolation, locate, oriented_area
from .variant import Variant

__all__ = ["Choices", "Interpolation", "Sides", "rasterize_op"]

SURE = 100.0  # the u of a pixel inside with hard distance: its coverage is one, to the last bit

LANES_OF_PICTURES = 1  # the gradient to texels is scattered one by one: with all lanes it would compile for half a minute
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
        one_over_depth = wa / az + wb / bz + wc / cz
        in_range = (one_over_depth * near <= 1.0) & (one_over_depth * far >= 1.0)
        depth = 1.0 / ti.select(in_range, one_over_depth, 1.0 / far)
    return ti.select(in_range, depth, far), in_range


@ti.func
def safe_depth(z):
    """z, moved off zero: a vertex in the plane of the eye must not divide by zero."""
    return ti.select(ti.abs(z) < 1e-8, 1e-8, z)


@ti.func
def pixel_row(tile, row, height, width, variant: ti.template()):
    """Screen coordinates of a row of lanes: x, a vector, and y."""
    _, line, column = row_of(tile, row, height, width, variant)
    shorter_side = ti.cast(ti.min(height, width), variant.real)
    x = variant.vector([2 * (column + l) + 1 - width for l in ti.static(range(variant.lanes))]) / shorter_side
    return x, (height - 2 * line - 1) / shorter_side


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
def evaluate(x, y, ax, ay, az, bx, by, bz, cx, cy, cz, softness: ti.template(), choices: ti.template(), real: ti.template()):
    """All that one face means to the pixel (x, y) (or to a row of them, x then being a vector).

    Returns (generator value of its silhouette, coverage, depth, whether it has colour here, weights of a, b, c for features, and what these were made of the
    barycentric coordinates with).
    """
    distance_sq, inside, wa, wb, wc = locate(x, y, ax, ay, bx, by, cx, cy, choices.distance, choices.extrapolation)
    depth, in_range = face_depth(wa, wb, wc, az, bz, cz, softness[NEAR], softness[FAR], choices.interpolation)
    distance = distance_sq
    if ti.static(not choices.squared):
        distance = ti.sqrt(ti.max(distance_sq, TINY_LENGTH_SQ))
    u = ti.select(inside, distance, -distance) / softness[SIGMA]
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
    visible = in_reach & in_range
    _, sign = oriented_area(ax, ay, bx, by, cx, cy)
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
    generated = ti.select(counted, silhouette_generator(u, coverage, complement, softness, choices.distribution, choices.silhouette, real), 0.0)
    qa, qb, qc = depth * 0.0 + 1.0, depth * 0.0 + 1.0, depth * 0.0 + 1.0
    if ti.static(choices.interpolation == Interpolation.PERSPECTIVE):
        qa, qb, qc = depth / az, depth / bz, depth / cz
    return generated, coverage, depth, colored, wa * qa, wb * qb, wc * qc, qa, qb, qc


@ti.func
def item_and_group(item, n_groups, choices: ti.template()):
    """Which item, and which group of its channels, an iteration works on."""
    place, group = item, 0
    if ti.static(choices.grouped):
        place, group = item // n_groups, item % n_groups
    return place, group


@functools.cache
def rasterize_op(variant: Variant, choices: Choices) -> Op:
    """Inputs: vertices_screen, features, places, softness. Output: sums.

    `max_depth_norm`, `nearest_face` and `strongest_face` are written on the way forward and read on the way back.
    """
    narrow = replace(variant, lanes=min(variant.lanes, LANES_OF_PICTURES)) if choices.texture is Texture.IMAGE else variant
    return Op(
        name="rasterize",
        kernel=_contribute_kernel(narrow, choices),
        n_inputs=4,
        n_outputs=1,
        forward=_aggregate_kernel(variant, choices),
    )


def _aggregate_kernel(variant: Variant, choices: Choices):
    """The forward pass: each tile's row of lanes walks the tile's faces and owns its sums (an online softmax: one exponential a pair)."""
    real, index, vector = variant.array, variant.index, variant.vector
    lanes = variant.lanes
    rows_per_tile = variant.tile_pixels // lanes
    at_once = choices.features_at_once
    hard = choices.blending is Blending.HARD
    strongest_only = choices.silhouette.value.strongest

    @ti.kernel
    def aggregate(
        vertices_screen: real(2),  # [N, 3] x, y on the screen; depth
        features: real(2),  # [M, n_features]
        places: real(2),  # [P, 2] on the textures; with texels per face, barycentric coordinates
        softness: real(1),  # [N_SOFTNESS + what the distribution needs]
        sums: real(3),  # [tiles, n_sums, tile_pixels] written
        max_depth_norm: real(2),  # [tiles, tile_pixels] written: m (softmax)
        nearest_face: index(1),  # [tiles * tile_pixels] written: the face that is seen, or -1 (hard)
        strongest_face: index(1),  # [tiles * tile_pixels] written: the face with the largest coverage, or -1 (maximum)
        faces: index(2),  # [F, 3] into vertices_screen
        corners: index(2),  # [F, 3] into features; with texels [F, 4]: into places, and the number of the texture
        pair_face: index(1),  # [pairs]
        pair_tile: index(1),  # [pairs]
        tile_offset: index(1),  # [tiles + 1]
        levels: index(2),  # [levels, 3], [textures, 2] the tables of `texture_image`
        textures: index(2),
        texture_size: ti.i32,  # R, of R x R texels per face
        n_features: ti.i32,
        n_groups: ti.i32,
        n_tiles: ti.i32,
        n_pairs: ti.i32,
        height: ti.i32,
        width: ti.i32,
    ):
        for item in range(n_tiles * rows_per_tile * n_groups):
            place, group = item_and_group(item, n_groups, choices)
            tile = place // rows_per_tile
            row = place % rows_per_tile
            x, y = pixel_row(tile, row, height, width, variant)
            pixel_size = 2.0 / ti.cast(ti.min(height, width), variant.real)
            silhouette_sum = vector(0)
            weight_sum = vector(0)
            depth_sum = vector(0)
            feature_sums = ti.Matrix.zero(variant.real, max(at_once, 1), lanes)
            m = vector(0) + softness[BACKGROUND_DEPTH_NORM]
            nearest = ti.Vector([-1 for l in ti.static(range(lanes))], dt=ti.i32)
            strongest = ti.Vector([-1 for l in ti.static(range(lanes))], dt=ti.i32)
            for k in range(tile_offset[tile], tile_offset[tile + 1]):
                f = pair_face[k]
                ax, ay, az, bx, by, bz, cx, cy, cz = load_face(f, vertices_screen, faces)
                generated, coverage, depth, colored, wa, wb, wc, qa, qb, qc = evaluate(
                    x, y, ax, ay, az, bx, by, bz, cx, cy, cz, softness, choices, variant.real
                )
                if ti.static(strongest_only):
                    strongest = ti.select(generated > silhouette_sum, f, strongest)
                    silhouette_sum = ti.max(silhouette_sum, generated)
                else:
                    silhouette_sum += generated
                if ti.static(at_once > 0):
                    weight = vector(0)
                    rescale = vector(1)
                    if ti.static(hard):
                        nearer = colored & ((nearest < 0) | (depth < depth_sum))
                        nearest = ti.select(nearer, f, nearest)
                        weight = ti.select(nearer, 1.0, weight)
                        rescale = ti.select(nearer, 0.0, rescale)
                    else:
                        depth_norm = normalised_depth(depth, softness[NEAR], softness[FAR])
                        nearer = colored & (depth_norm > m)
                        farther_weight = depth_weight(ti.min(depth_norm, m), ti.max(depth_norm, m), softness[GAMMA])
                        rescale = ti.select(nearer, farther_weight, rescale)
                        weight = ti.select(colored, coverage * ti.select(nearer, 1.0, farther_weight), weight)
                        m = ti.select(nearer, depth_norm, m)
                    weight_sum = weight_sum * rescale + weight
                    depth_sum = depth_sum * rescale + weight * depth
                    values = ti.static(
                        features_at(
                            f, group, n_features, ax, ay, qa, bx, by, qb, cx, cy, qc, wa, wb, wc, pixel_size, features, corners, places, levels, textures,
                            texture_size, choices, variant,
                        )
                    )  # fmt: skip
                    for s in ti.static(range(at_once)):
                        value = weight * values[s]
                        for l in ti.static(range(lanes)):
                            feature_sums[s, l] = feature_sums[s, l] * rescale[l] + value[l]
            for l in ti.static(range(lanes)):
                pixel = row * lanes + l
                if group == 0:
                    sums[tile, SILHOUETTE, pixel] = silhouette_sum[l]
                    if ti.static(strongest_only):
                        strongest_face[tile * variant.tile_pixels + pixel] = strongest[l]
                    if ti.static(at_once > 0):
                        if ti.static(hard):
                            nearest_face[tile * variant.tile_pixels + pixel] = nearest[l]
                        else:
                            max_depth_norm[tile, pixel] = m[l]
                        sums[tile, WEIGHT, pixel] = weight_sum[l]
                        sums[tile, DEPTH, pixel] = depth_sum[l]
                for s in ti.static(range(at_once)):
                    sums[tile, FEATURES + group * at_once + s, pixel] = feature_sums[s, l]

    return aggregate


def _contribute_kernel(variant: Variant, choices: Choices):
    """The same sums, flat: its generated gradient is the gradient of `aggregate`.

    Same arguments; ``sums`` are added to; m, `nearest_face` and `strongest_face` are read.
    """
    real, index, vector = variant.array, variant.index, variant.vector
    lanes = variant.lanes
    rows_per_tile = variant.tile_pixels // lanes
    at_once = choices.features_at_once
    hard = choices.blending is Blending.HARD
    strongest_only = choices.silhouette.value.strongest

    @ti.kernel
    def contribute(
        vertices_screen: real(2),
        features: real(2),
        places: real(2),
        softness: real(1),
        sums: real(3),
        max_depth_norm: real(2),
        nearest_face: index(1),
        strongest_face: index(1),
        faces: index(2),
        corners: index(2),
        pair_face: index(1),
        pair_tile: index(1),
        tile_offset: index(1),
        levels: index(2),
        textures: index(2),
        texture_size: ti.i32,
        n_features: ti.i32,
        n_groups: ti.i32,
        n_tiles: ti.i32,
        n_pairs: ti.i32,
        height: ti.i32,
        width: ti.i32,
    ):
        for item in range(n_pairs * rows_per_tile * n_groups):
            place, group = item_and_group(item, n_groups, choices)
            f = pair_face[place // rows_per_tile]
            tile = pair_tile[place // rows_per_tile]
            row = place % rows_per_tile
            x, y = pixel_row(tile, row, height, width, variant)
            pixel_size = 2.0 / ti.cast(ti.min(height, width), variant.real)
            ax, ay, az, bx, by, bz, cx, cy, cz = load_face(f, vertices_screen, faces)
            generated, coverage, depth, colored, wa, wb, wc, qa, qb, qc = evaluate(x, y, ax, ay, az, bx, by, bz, cx, cy, cz, softness, choices, variant.real)
            first_pixel = tile * variant.tile_pixels + row * lanes
            counts = variant.real(1.0)
            if ti.static(choices.grouped):  # what is not of a channel is added once
                counts = ti.select(group == 0, counts, 0.0)
                generated = generated * counts
            if ti.static(strongest_only):
                strongest = ti.Vector([strongest_face[first_pixel + l] for l in ti.static(range(lanes))], dt=ti.i32)
                generated = ti.select(strongest == f, generated, 0.0)
            for l in ti.static(range(lanes)):
                sums[tile, SILHOUETTE, row * lanes + l] += generated[l]
            if ti.static(at_once > 0):
                weight = vector(0)
                if ti.static(hard):
                    nearest = ti.Vector([nearest_face[first_pixel + l] for l in ti.static(range(lanes))], dt=ti.i32)
                    weight = ti.select(nearest == f, 1.0, weight)
                else:
                    m = vector([max_depth_norm[tile, row * lanes + l] for l in ti.static(range(lanes))])
                    depth_norm = ti.select(colored, normalised_depth(depth, softness[NEAR], softness[FAR]), m)
                    weight = ti.select(colored, coverage * depth_weight(depth_norm, m, softness[GAMMA]), weight)
                once = weight
                if ti.static(choices.grouped):
                    once = weight * counts
                for l in ti.static(range(lanes)):
                    sums[tile, WEIGHT, row * lanes + l] += once[l]
                    sums[tile, DEPTH, row * lanes + l] += once[l] * depth[l]
                values = ti.static(
                    features_at(
                        f, group, n_features, ax, ay, qa, bx, by, qb, cx, cy, qc, wa, wb, wc, pixel_size, features, corners, places, levels, textures,
                        texture_size, choices, variant,
                    )
                )  # fmt: skip
                for s in ti.static(range(at_once)):
                    value = weight * values[s]
                    for l in ti.static(range(lanes)):
                        sums[tile, FEATURES + group * at_once + s, row * lanes + l] += value[l]

    return contribute
