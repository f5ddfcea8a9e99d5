"""What a plane before the eye leaves of the faces that cross it (Sutherland and Hodgman 1974, one plane): where their edges are cut.

An edge is cut at a + t (b - a), a its end ahead of the plane and b the one behind: so two faces that share the edge are cut at the same place, to the last bit.
"""

import functools

from ..language import ti
from .op import Op
from .variant import Variant

__all__ = ["count_crossing_kernel", "cut_rows_op", "cut_vertices_op"]

SHALLOW = 1e-7  # an edge whose ends differ less in depth, in units of the plane's, is parallel to the plane but for rounding
TINY_DEPTH = 1e-12  # as is, for a plane at depth zero, this difference: its inverse squared still is a float32


@ti.func
def cut_parameter(a, b, plane, vertices_camera: ti.template()):
    """t of the point of the edge ab at the depth ``plane``: (depth_a - plane)/(depth_a - depth_b), in [0, 1]."""
    above = -vertices_camera[a, 2] - plane
    return above / ti.max(vertices_camera[b, 2] - vertices_camera[a, 2], ti.max(SHALLOW * ti.abs(plane), TINY_DEPTH))


@functools.cache
def count_crossing_kernel(variant: Variant):
    """count[0] += the number of faces with a vertex before the plane and another one not."""
    real, index = variant.array, variant.index

    @ti.kernel
    def count_crossing(
        vertices_camera: real(2),  # [N, 3] depth is -z
        faces: index(2),  # [F, 3]
        count: index(1),  # [1] added to
        plane: variant.real,
        n_faces: ti.i32,
    ):
        ti.loop_config(serialize=variant.serial)
        for f in range(n_faces):
            n_behind = 0
            for k in ti.static(range(3)):
                n_behind += ti.cast(-vertices_camera[faces[f, k], 2] < plane, ti.i32)
            if n_behind == 1 or n_behind == 2:
                count[0] += 1

    return count_crossing


@functools.cache
def cut_vertices_op(variant: Variant) -> Op:
    """Input: vertices_camera [N, 3]. Output: [N + M, 3], the N as given, then the M cut vertices, at exactly the plane's depth."""
    real, index = variant.array, variant.index

    @ti.kernel
    def cut_vertices(
        vertices_camera: real(2),  # [N, 3]
        cut: real(2),  # [N + M, 3] added to
        vertex_ahead: index(1),  # [M] the end of the cut edge that is ahead of the plane
        vertex_behind: index(1),  # [M] and the one behind
        plane: variant.real,
        n: ti.i32,
        n_cuts: ti.i32,
    ):
        for i in range(n):
            for k in ti.static(range(3)):
                cut[i, k] += vertices_camera[i, k]
        for m in range(n_cuts):
            a, b = vertex_ahead[m], vertex_behind[m]
            t = cut_parameter(a, b, plane, vertices_camera)
            for k in ti.static(range(2)):
                cut[n + m, k] += vertices_camera[a, k] + t * (vertices_camera[b, k] - vertices_camera[a, k])
            cut[n + m, 2] += -plane

    return Op(name="cut_vertices", kernel=cut_vertices, n_inputs=1, n_outputs=1)


@functools.cache
def cut_rows_op(variant: Variant) -> Op:
    """Inputs: rows [R, C], vertices_camera. Output: [R + M, C], the R as given, then what they are at the M cut vertices."""
    real, index = variant.array, variant.index

    @ti.kernel
    def cut_rows(
        rows: real(2),  # [R, C]
        vertices_camera: real(2),  # [N, 3]
        cut: real(2),  # [R + M, C] added to
        row_ahead: index(1),  # [M] into rows, at the end of the cut edge that is ahead of the plane
        row_behind: index(1),  # [M]
        vertex_ahead: index(1),  # [M] into vertices_camera
        vertex_behind: index(1),  # [M]
        plane: variant.real,
        n_rows: ti.i32,
        n_cuts: ti.i32,
        n_channels: ti.i32,
    ):
        for i in range(n_rows * n_channels):
            cut[i // n_channels, i % n_channels] += rows[i // n_channels, i % n_channels]
        for i in range(n_cuts * n_channels):
            m, k = i // n_channels, i % n_channels
            a, b = row_ahead[m], row_behind[m]
            t = cut_parameter(vertex_ahead[m], vertex_behind[m], plane, vertices_camera)
            cut[n_rows + m, k] += rows[a, k] + t * (rows[b, k] - rows[a, k])

    return Op(name="cut_rows", kernel=cut_rows, n_inputs=2, n_outputs=1)
