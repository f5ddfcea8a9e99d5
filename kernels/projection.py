"""From world to screen. Conventions of the camera and the screen are stated in `taichi_softras.camera`."""

import functools

import taichi as ti

from .op import Op
from .tiles import BEHIND_EYE
from .variant import Variant

__all__ = ["project_op"]


@functools.cache
def project_op(variant: Variant, perspective: bool) -> Op:
    """Inputs: vertices_world, camera_from_world, intrinsics. Output: vertices_screen (x, y on the screen; depth along the view axis)."""
    real, index = variant.array, variant.index

    @ti.kernel
    def project(
        vertices_world: real(2),  # [V, 3]
        camera_from_world: real(3),  # [B, 3, 4] x right, y up, looking along -z
        intrinsics: real(2),  # [B, 4] focal lengths fx, fy and centre cx, cy in screen units
        vertices_screen: real(2),  # [N, 3] added to
        vertex_source: index(1),  # [N] into vertices_world
        vertex_image: index(1),  # [N] into the cameras
        n: ti.i32,
    ):
        for i in range(n):
            v = vertex_source[i]
            b = vertex_image[i]
            x, y, z = vertices_world[v, 0], vertices_world[v, 1], vertices_world[v, 2]
            camera = [
                camera_from_world[b, k, 0] * x + camera_from_world[b, k, 1] * y + camera_from_world[b, k, 2] * z + camera_from_world[b, k, 3]
                for k in ti.static(range(3))
            ]
            depth = -camera[2]
            scale = depth * 0.0 + 1.0
            if ti.static(perspective):
                scale = 1.0 / ti.select(depth > BEHIND_EYE, depth, 1.0)
            vertices_screen[i, 0] += intrinsics[b, 0] * camera[0] * scale + intrinsics[b, 2]
            vertices_screen[i, 1] += intrinsics[b, 1] * camera[1] * scale + intrinsics[b, 3]
            vertices_screen[i, 2] += depth

    return Op(name="project", kernel=project, n_inputs=3, n_outputs=1)
