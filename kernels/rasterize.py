"""From triangles on the screen to per-pixel sums: the heart of the renderer.

Per pixel only sums over the faces in reach are formed, so that nothing but the sums need be kept:

    SILHOUETTE   sum_j g(D_j)         g the generator of the T-conorm, D_j the coverage
    WEIGHT       sum_j w_j            w_j = D_j exp((depth_norm_j - m)/gamma), m the largest depth_norm at the pixel (or the background's)
    DEPTH        sum_j w_j z_j
    FEATURES+c   sum_j w_j C_jc

Two kernels compute them from the same functions. `aggregate` walks the faces of each tile and is made for speed. `contribute` is flat, one iteration per
(face, tile) pair and row of lanes, and exists for its gradient, which Taichi generates; m is a constant to it, because it cancels in `resolve`.

Both see pixels in tiles: ``sums[tile, s, pixel of the tile]``.
"""

import enum
import functools
from dataclasses import dataclass

import taichi as ti

from .blending import depth_weight, normalised_depth
from .coverage import logistic
from .op import Op
from .silhouette import probabilistic_generator_of_logistic
from .triangle import Extrapolation, locate, oriented_area
from .variant import Variant

__all__ = ["Choices", "Interpolation", "Sides", "rasterize_op"]

# Places in the array `softness`, the continuous settings.
SIGMA = 0  # softness of edges, squared screen units
GAMMA = 1  # softness in depth, units of depth_norm
REACH_SQ = 2  # outside a face, the squared distance up to which it counts, squared screen units
NEAR = 3
FAR = 4
BACKGROUND_DEPTH_NORM = 5  # the depth_norm at which the background competes (the papers' epsilon)
N_SOFTNESS = 6

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
    """Which side of a face has colour and depth, by the winding of its vertices on the screen (y up). The silhouette counts both."""

    BOTH = "both"
    COUNTERCLOCKWISE = "counterclockwise"
    CLOCKWISE = "clockwise"


@dataclass(frozen=True, kw_only=True)
class Choices:
    """The discrete choices that specialise the kernels."""

    n_features: int = 3  # 0: the silhouette alone
    interpolation: Interpolation = Interpolation.PERSPECTIVE
    extrapolation: Extrapolation = Extrapolation.CLOSEST_POINT
    sides: Sides = Sides.BOTH
    silhouette_beyond_depth_range: bool = False  # SoftRas counts a face for alpha where it is outside near and far, too

    @property
    def n_sums(self) -> int:
        return FEATURES + self.n_features if self.n_features else WEIGHT


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
def evaluate(x, y, ax, ay, az, bx, by, bz, cx, cy, cz, softness: ti.template(), choices: ti.template()):
    """All that one face means to the pixel (x, y) (or to a row of them, x then being a vector).

    Returns (generator value of its silhouette, coverage, depth, whether it has colour here, weights of a, b, c for features).
    """
    sigma = softness[SIGMA]
    distance_sq, inside, wa, wb, wc = locate(x, y, ax, ay, bx, by, cx, cy, choices.extrapolation)
    depth, in_range = face_depth(wa, wb, wc, az, bz, cz, softness[NEAR], softness[FAR], choices.interpolation)
    u = ti.select(inside, distance_sq, -distance_sq) / sigma
    in_reach = inside | (distance_sq < softness[REACH_SQ])
    coverage = logistic(u)
    visible = in_reach & in_range
    _, sign = oriented_area(ax, ay, bx, by, cx, cy)
    colored = visible
    if ti.static(choices.sides == Sides.COUNTERCLOCKWISE):
        colored = visible & (sign > 0)
    if ti.static(choices.sides == Sides.CLOCKWISE):
        colored = visible & (sign < 0)
    counted = visible
    if ti.static(choices.silhouette_beyond_depth_range):
        counted = in_reach
    generated = ti.select(counted, probabilistic_generator_of_logistic(u), 0.0)
    if ti.static(choices.interpolation == Interpolation.PERSPECTIVE):
        wa = wa * depth / az
        wb = wb * depth / bz
        wc = wc * depth / cz
    return generated, coverage, depth, colored, wa, wb, wc


@functools.cache
def rasterize_op(variant: Variant, choices: Choices) -> Op:
    """Inputs: vertices_screen, features, softness. Output: sums. `max_depth_norm` is written on the way forward and read on the way back."""
    return Op(
        name="rasterize",
        kernel=_contribute_kernel(variant, choices),
        n_inputs=3,
        n_outputs=1,
        forward=_aggregate_kernel(variant, choices),
    )


def _aggregate_kernel(variant: Variant, choices: Choices):
    """The forward pass: each tile's row of lanes walks the tile's faces and owns its sums (an online softmax: one exponential a pair)."""
    real, index, vector = variant.array, variant.index, variant.vector
    lanes, tile_width = variant.lanes, variant.tile_width
    rows_per_tile = variant.tile_pixels // lanes
    lanes_per_row = tile_width // lanes
    n_features = choices.n_features

    @ti.kernel
    def aggregate(
        vertices_screen: real(2),  # [N, 3] x, y on the screen; depth
        features: real(2),  # [M, n_features]
        softness: real(1),  # [N_SOFTNESS]
        sums: real(3),  # [tiles, n_sums, tile_pixels] written
        max_depth_norm: real(2),  # [tiles, tile_pixels] written: m
        faces: index(2),  # [F, 3] into vertices_screen
        feature_faces: index(2),  # [F, 3] into features
        pair_face: index(1),  # [pairs]
        pair_tile: index(1),  # [pairs]
        tile_offset: index(1),  # [tiles + 1]
        n_tiles: ti.i32,
        n_pairs: ti.i32,
        height: ti.i32,
        width: ti.i32,
    ):
        for item in range(n_tiles * rows_per_tile):
            tile = item // rows_per_tile
            row = item % rows_per_tile
            tiles_x = (width + tile_width - 1) // tile_width
            tiles_y = (height + variant.tile_height - 1) // variant.tile_height
            column = (tile % tiles_x) * tile_width + (row % lanes_per_row) * lanes
            line = (tile // tiles_x) % tiles_y * variant.tile_height + row // lanes_per_row
            shorter_side = ti.cast(ti.min(height, width), variant.real)
            x = vector([2 * (column + l) + 1 - width for l in ti.static(range(lanes))]) / shorter_side
            y = (height - 2 * line - 1) / shorter_side
            silhouette_sum = vector(0)
            weight_sum = vector(0)
            depth_sum = vector(0)
            feature_sums = ti.Matrix.zero(variant.real, max(n_features, 1), lanes)
            m = vector(0) + softness[BACKGROUND_DEPTH_NORM]
            for k in range(tile_offset[tile], tile_offset[tile + 1]):
                f = pair_face[k]
                a, b, c = faces[f, 0], faces[f, 1], faces[f, 2]
                az, bz, cz = safe_depth(vertices_screen[a, 2]), safe_depth(vertices_screen[b, 2]), safe_depth(vertices_screen[c, 2])
                generated, coverage, depth, colored, wa, wb, wc = evaluate(
                    x, y,
                    vertices_screen[a, 0], vertices_screen[a, 1], az,
                    vertices_screen[b, 0], vertices_screen[b, 1], bz,
                    vertices_screen[c, 0], vertices_screen[c, 1], cz,
                    softness, choices,
                )  # fmt: skip
                silhouette_sum += generated
                if ti.static(n_features > 0):
                    depth_norm = normalised_depth(depth, softness[NEAR], softness[FAR])
                    nearer = colored & (depth_norm > m)
                    farther_weight = depth_weight(ti.min(depth_norm, m), ti.max(depth_norm, m), softness[GAMMA])
                    rescale = ti.select(nearer, farther_weight, 1.0)
                    weight = ti.select(colored, coverage * ti.select(nearer, 1.0, farther_weight), 0.0)
                    m = ti.select(nearer, depth_norm, m)
                    weight_sum = weight_sum * rescale + weight
                    depth_sum = depth_sum * rescale + weight * depth
                    fa, fb, fc = feature_faces[f, 0], feature_faces[f, 1], feature_faces[f, 2]
                    for s in ti.static(range(n_features)):
                        value = weight * (wa * features[fa, s] + wb * features[fb, s] + wc * features[fc, s])
                        for l in ti.static(range(lanes)):
                            feature_sums[s, l] = feature_sums[s, l] * rescale[l] + value[l]
            for l in ti.static(range(lanes)):
                pixel = row * lanes + l
                sums[tile, SILHOUETTE, pixel] = silhouette_sum[l]
                if ti.static(n_features > 0):
                    max_depth_norm[tile, pixel] = m[l]
                    sums[tile, WEIGHT, pixel] = weight_sum[l]
                    sums[tile, DEPTH, pixel] = depth_sum[l]
                    for s in ti.static(range(n_features)):
                        sums[tile, FEATURES + s, pixel] = feature_sums[s, l]

    return aggregate


def _contribute_kernel(variant: Variant, choices: Choices):
    """The same sums, flat: its generated gradient is the gradient of `aggregate`. Same arguments; ``sums`` are added to, m is read."""
    real, index, vector = variant.array, variant.index, variant.vector
    lanes, tile_width = variant.lanes, variant.tile_width
    rows_per_tile = variant.tile_pixels // lanes
    lanes_per_row = tile_width // lanes
    n_features = choices.n_features

    @ti.kernel
    def contribute(
        vertices_screen: real(2),
        features: real(2),
        softness: real(1),
        sums: real(3),
        max_depth_norm: real(2),
        faces: index(2),
        feature_faces: index(2),
        pair_face: index(1),
        pair_tile: index(1),
        tile_offset: index(1),
        n_tiles: ti.i32,
        n_pairs: ti.i32,
        height: ti.i32,
        width: ti.i32,
    ):
        for item in range(n_pairs * rows_per_tile):
            f = pair_face[item // rows_per_tile]
            tile = pair_tile[item // rows_per_tile]
            row = item % rows_per_tile
            tiles_x = (width + tile_width - 1) // tile_width
            tiles_y = (height + variant.tile_height - 1) // variant.tile_height
            column = (tile % tiles_x) * tile_width + (row % lanes_per_row) * lanes
            line = (tile // tiles_x) % tiles_y * variant.tile_height + row // lanes_per_row
            shorter_side = ti.cast(ti.min(height, width), variant.real)
            x = vector([2 * (column + l) + 1 - width for l in ti.static(range(lanes))]) / shorter_side
            y = (height - 2 * line - 1) / shorter_side
            a, b, c = faces[f, 0], faces[f, 1], faces[f, 2]
            az, bz, cz = safe_depth(vertices_screen[a, 2]), safe_depth(vertices_screen[b, 2]), safe_depth(vertices_screen[c, 2])
            generated, coverage, depth, colored, wa, wb, wc = evaluate(
                x, y,
                vertices_screen[a, 0], vertices_screen[a, 1], az,
                vertices_screen[b, 0], vertices_screen[b, 1], bz,
                vertices_screen[c, 0], vertices_screen[c, 1], cz,
                softness, choices,
            )  # fmt: skip
            for l in ti.static(range(lanes)):
                sums[tile, SILHOUETTE, row * lanes + l] += generated[l]
            if ti.static(n_features > 0):
                m = vector([max_depth_norm[tile, row * lanes + l] for l in ti.static(range(lanes))])
                depth_norm = ti.select(colored, normalised_depth(depth, softness[NEAR], softness[FAR]), m)
                weight = ti.select(colored, coverage * depth_weight(depth_norm, m, softness[GAMMA]), 0.0)
                fa, fb, fc = feature_faces[f, 0], feature_faces[f, 1], feature_faces[f, 2]
                for l in ti.static(range(lanes)):
                    sums[tile, WEIGHT, row * lanes + l] += weight[l]
                    sums[tile, DEPTH, row * lanes + l] += weight[l] * depth[l]
                for s in ti.static(range(n_features)):
                    value = weight * (wa * features[fa, s] + wb * features[fb, s] + wc * features[fc, s])
                    for l in ti.static(range(lanes)):
                        sums[tile, FEATURES + s, row * lanes + l] += value[l]

    return contribute
