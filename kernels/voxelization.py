"""Which voxels a closed mesh fills: its surface, and all that cannot be reached from outside without crossing it.

A mesh is given in voxels: voxel (i, j, k) is the cube from (i, j, k) to (i + 1, j + 1, k + 1). None of this has a gradient.
"""

import functools

from ..language import ti
from .variant import Variant

__all__ = ["FREE", "OUTSIDE", "SURFACE", "flood_kernel", "surface_kernel"]

# What a voxel is.
FREE = 0
SURFACE = 1
OUTSIDE = 2


@ti.func
def mark(voxels: ti.template(), image, i, j, k, size):
    if 0 <= i and i < size and 0 <= j and j < size and 0 <= k and k < size:
        voxels[((image * size + i) * size + j) * size + k] = SURFACE


@functools.cache
def surface_kernel(variant: Variant):
    """Marks the voxels that hold a vertex, or a point where a face crosses a line of the lattice."""
    real, index = variant.array, variant.index

    @ti.kernel
    def surface(
        corners: real(3),  # [F, 3, 3] in voxels
        face_image: index(1),  # [F]
        voxels: index(1),  # [B * N * N * N]
        n_faces: ti.i32,
        size: ti.i32,  # N
        shift: ti.i32,  # voxels between the border of the grid and the origin
    ):
        for f in range(n_faces):
            image = face_image[f]
            for corner in ti.static(range(3)):
                at = [ti.cast(ti.floor(corners[f, corner, axis]), ti.i32) + shift for axis in ti.static(range(3))]
                mark(voxels, image, at[0], at[1], at[2], size)
            for along in ti.static(range(3)):
                u, v = ti.static((along + 1) % 3), ti.static((along + 2) % 3)
                au, av, aw = corners[f, 0, u] + shift, corners[f, 0, v] + shift, corners[f, 0, along] + shift
                bu, bv, bw = corners[f, 1, u] - corners[f, 0, u], corners[f, 1, v] - corners[f, 0, v], corners[f, 1, along] - corners[f, 0, along]
                cu, cv, cw = corners[f, 2, u] - corners[f, 0, u], corners[f, 2, v] - corners[f, 0, v], corners[f, 2, along] - corners[f, 0, along]
                area2 = bu * cv - bv * cu
                if area2 != 0:
                    u0 = ti.max(ti.cast(ti.ceil(au + ti.min(0.0, bu, cu)), ti.i32), 0)
                    u1 = ti.min(ti.cast(ti.floor(au + ti.max(0.0, bu, cu)), ti.i32), size)
                    v0 = ti.max(ti.cast(ti.ceil(av + ti.min(0.0, bv, cv)), ti.i32), 0)
                    v1 = ti.min(ti.cast(ti.floor(av + ti.max(0.0, bv, cv)), ti.i32), size)
                    for pu in range(u0, u1 + 1):
                        for pv in range(v0, v1 + 1):
                            s = ((pu - au) * cv - (pv - av) * cu) / area2
                            t = ((pv - av) * bu - (pu - au) * bv) / area2
                            if s >= 0 and t >= 0 and s + t <= 1:
                                w = ti.cast(ti.floor(aw + s * bw + t * cw), ti.i32)
                                for du, dv in ti.static(((0, 0), (1, 0), (0, 1), (1, 1))):  # the line is an edge of four voxels
                                    if ti.static(along == 0):
                                        mark(voxels, image, w, pu - du, pv - dv, size)
                                    if ti.static(along == 1):
                                        mark(voxels, image, pv - dv, w, pu - du, size)
                                    if ti.static(along == 2):
                                        mark(voxels, image, pu - du, pv - dv, w, size)

    return surface


@functools.cache
def flood_kernel(variant: Variant):
    """One sweep to and fro along each line of voxels in each direction: what lies at the border, or next to what is outside, is outside.

    Says whether it changed anything.
    """
    index = variant.index

    @ti.kernel
    def flood(voxels: index(1), changed: index(1), n_images: ti.i32, size: ti.i32):
        for along in ti.static(range(3)):
            for line in range(n_images * size * size):
                image = line // (size * size)
                u = line // size % size
                v = line % size
                for step in range(2):
                    reached = True
                    for n in range(size):
                        w = n
                        if step == 1:
                            w = size - 1 - n
                        i, j, k = w, u, v
                        if ti.static(along == 1):
                            i, j, k = u, w, v
                        if ti.static(along == 2):
                            i, j, k = u, v, w
                        at = ((image * size + i) * size + j) * size + k
                        what = voxels[at]
                        if what == SURFACE:
                            reached = False
                        elif what == OUTSIDE:
                            reached = True
                        elif reached:
                            voxels[at] = OUTSIDE
                            changed[0] = 1

    return flood
