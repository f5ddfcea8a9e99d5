"""From world to camera space, and from there to the screen. Conventions of the camera and the screen are stated in `taichi_softras.scene.camera`."""

import enum
import functools
import math

from ..language import ti
from .op import Op
from .special import arctangent
from .tiles import BEFORE_PLANE, BEHIND_EYE
from .variant import Variant

__all__ = ["Lens", "fisheye_distortion", "project_op", "radial_tangential_distortion", "see_adjoint_kernel", "see_op", "view_op"]

ON_AXIS = 1e-6  # below it, a distance from the view axis counts as this: far under what can be seen


class Lens(enum.Enum):
    """How camera space is seen on the screen."""

    PERSPECTIVE = "perspective"
    """A pinhole: x = fx X/depth + cx."""
    ORTHOGRAPHIC = "orthographic"
    """Parallel: x = fx X + cx."""
    OPENCV = "opencv"
    """A pinhole with OpenCV's radial and tangential distortion: k1, k2, p1, p2, k3, k4, k5, k6."""
    FISHEYE = "fisheye"
    """OpenCV's fisheye (Kannala and Brandt 2006): the distance from the centre is fx (theta + k1 theta^3 + k2 theta^5 + k3 theta^7 + k4 theta^9), theta the
    angle off the view axis. Without k it is the equidistant lens. What is beside or behind the camera is not seen."""


@ti.func
def radial_tangential_distortion(x, y, b, distortion: ti.template(), limit, outer_slope):
    """Where OpenCV's model (its calib3d module; x right, y DOWN, both over depth) moves a point.

    Its polynomials turn back at some radius, so that points far outside would appear in the picture. Up to the radius ``limit`` the model is followed; from
    there on both its radial and its tangential part go straight on, the radial one by ``outer_slope``, its own slope there.
    """
    k1, k2, p1, p2 = distortion[b, 0], distortion[b, 1], distortion[b, 2], distortion[b, 3]
    k3, k4, k5, k6 = distortion[b, 4], distortion[b, 5], distortion[b, 6], distortion[b, 7]
    radius = ti.sqrt(ti.max(x * x + y * y, ON_AXIS * ON_AXIS))
    within = ti.select(radius > limit, limit / radius, 1.0)
    beyond = ti.select(radius > limit, 2.0 * radius / limit - 1.0, 1.0)  # a square goes on as its tangent
    u, v = x * within, y * within
    r_sq = u * u + v * v
    radial = (1.0 + r_sq * (k1 + r_sq * (k2 + r_sq * k3))) / (1.0 + r_sq * (k4 + r_sq * (k5 + r_sq * k6)))
    return (
        u * radial + beyond * (2.0 * p1 * u * v + p2 * (r_sq + 2.0 * u * u)) + outer_slope * (x - u),
        v * radial + beyond * (p1 * (r_sq + 2.0 * v * v) + 2.0 * p2 * u * v) + outer_slope * (y - v),
    )


@ti.func
def angle_off_axis(radius, depth, real: ti.template()):
    """atan2(radius, depth), for radius > 0: twice the angle of the half tangent."""
    ahead = ti.select(depth < 0.0, -depth, depth)
    acute = 2.0 * arctangent(radius / (ahead + ti.sqrt(radius * radius + depth * depth)), real)
    return ti.select(depth < 0.0, real(math.pi) - acute, acute)


@ti.func
def fisheye_distortion(x, y, depth, b, distortion: ti.template(), limit, outer_slope, real: ti.template()):
    """Where OpenCV's fisheye model sees a point of camera space. Beyond the angle ``limit`` it goes on as `radial_tangential_distortion` does."""
    k1, k2, k3, k4 = distortion[b, 0], distortion[b, 1], distortion[b, 2], distortion[b, 3]
    radius = ti.sqrt(ti.max(x * x + y * y, ON_AXIS * ON_AXIS))
    angle = angle_off_axis(radius, depth, real)
    theta = ti.min(angle, limit)
    t_sq = theta * theta
    bent = theta * (1.0 + t_sq * (k1 + t_sq * (k2 + t_sq * (k3 + t_sq * k4)))) + outer_slope * (angle - theta)
    return bent * x / radius, bent * y / radius


@ti.func
def in_camera(v, b, vertices_world: ti.template(), camera_from_world: ti.template()):
    """x, y and z in the space of camera b: x right, y up, looking along -z. For ``ti.static``."""
    x, y, z = vertices_world[v, 0], vertices_world[v, 1], vertices_world[v, 2]
    return [
        camera_from_world[b, k, 0] * x + camera_from_world[b, k, 1] * y + camera_from_world[b, k, 2] * z + camera_from_world[b, k, 3]
        for k in ti.static(range(3))
    ]


@ti.func
def one_over(depth):
    """By what a pinhole divides: nothing, where the point is behind the eye."""
    return 1.0 / ti.select(depth > BEHIND_EYE, depth, 1.0)


@ti.func
def on_screen(x, y, depth, b, intrinsics: ti.template(), distortion: ti.template(), limit: ti.template(), lens: ti.template(), real: ti.template()):
    """x and y on the screen of a point of camera space."""
    scale = depth * 0.0 + 1.0
    if ti.static(lens in (Lens.PERSPECTIVE, Lens.OPENCV)):
        scale = one_over(depth)
    seen_x, seen_y = x * scale, y * scale
    if ti.static(lens == Lens.OPENCV):
        bent_x, bent_y_down = radial_tangential_distortion(x * scale, -y * scale, b, distortion, limit[b, 0], limit[b, 1])
        seen_x, seen_y = bent_x, -bent_y_down
    if ti.static(lens == Lens.FISHEYE):
        bent_x, bent_y = fisheye_distortion(x, y, depth, b, distortion, limit[b, 0], limit[b, 1], real)
        seen_x, seen_y = bent_x, bent_y
    return intrinsics[b, 0] * seen_x + intrinsics[b, 2], intrinsics[b, 1] * seen_y + intrinsics[b, 3]


@functools.cache
def view_op(variant: Variant) -> Op:
    """Inputs: vertices_world, camera_from_world. Output: vertices_camera."""
    real, index = variant.array, variant.index

    @ti.kernel
    def view(
        vertices_world: real(2),  # [V, 3]
        camera_from_world: real(3),  # [B, 3, 4] x right, y up, looking along -z
        vertices_camera: real(2),  # [N, 3] added to
        vertex_source: index(1),  # [N] into vertices_world
        vertex_image: index(1),  # [N] into the cameras
        n: ti.i32,
    ):
        ti.loop_config(serialize=variant.serial)
        for i in range(n):
            x, y, z = ti.static(in_camera(vertex_source[i], vertex_image[i], vertices_world, camera_from_world))
            vertices_camera[i, 0] += x
            vertices_camera[i, 1] += y
            vertices_camera[i, 2] += z

    return Op(name="view", kernel=view, n_inputs=2, n_outputs=1)


@functools.cache
def project_op(variant: Variant, lens: Lens) -> Op:
    """Inputs: vertices_camera, intrinsics, distortion. Output: vertices_screen (x, y on the screen; depth along the view axis)."""
    real, index = variant.array, variant.index

    @ti.kernel
    def project(
        vertices_camera: real(2),  # [N, 3] x right, y up, looking along -z
        intrinsics: real(2),  # [B, 4] focal lengths fx, fy and centre cx, cy in screen units
        distortion: real(2),  # [B, 8] (OPENCV) or [B, 4] (FISHEYE)
        vertices_screen: real(2),  # [N, 3] added to
        limit: real(2),  # [B, 2] up to where the distortion is used (a radius over depth (OPENCV), or an angle (FISHEYE)), and its slope there
        vertex_image: index(1),  # [N] into the cameras
        n: ti.i32,
    ):
        ti.loop_config(serialize=variant.serial)
        for i in range(n):
            depth = -vertices_camera[i, 2]
            x, y = on_screen(vertices_camera[i, 0], vertices_camera[i, 1], depth, vertex_image[i], intrinsics, distortion, limit, lens, variant.real)
            vertices_screen[i, 0] += x
            vertices_screen[i, 1] += y
            vertices_screen[i, 2] += depth

    return Op(name="project", kernel=project, n_inputs=3, n_outputs=1)


@functools.cache
def see_op(variant: Variant, lens: Lens) -> Op:
    """`view_op` and `project_op` in one. Inputs: vertices_world, camera_from_world, intrinsics, distortion. Output: vertices_screen.

    Where no camera wants a gradient, and no lens bends the picture, the way back is written here: each vertex gathers from the images that show it.
    """
    real, index = variant.array, variant.index

    @ti.kernel
    def see(
        vertices_world: real(2),  # [V, 3]
        camera_from_world: real(3),  # [B, 3, 4]
        intrinsics: real(2),  # [B, 4]
        distortion: real(2),  # as of `project_op`, as is ``limit``
        vertices_screen: real(2),  # [N, 3] added to
        limit: real(2),
        vertex_source: index(1),  # [N] into vertices_world
        vertex_image: index(1),  # [N] into the cameras
        instance_offset: index(1),  # [V + 1] from where on what is of each vertex stands in
        instances: index(1),  # [N] numbers of rows of vertices_screen
        statistics: index(1),  # [N_STATISTICS] of `tiles`: it is noted whether a vertex lies before the plane
        plane: variant.real,  # a depth
        n: ti.i32,
        n_vertices: ti.i32,
    ):
        ti.loop_config(serialize=variant.serial)
        for i in range(n):
            b = vertex_image[i]
            x, y, z = ti.static(in_camera(vertex_source[i], b, vertices_world, camera_from_world))
            if -z < plane:
                statistics[BEFORE_PLANE] = 1
            seen_x, seen_y = on_screen(x, y, -z, b, intrinsics, distortion, limit, lens, variant.real)
            vertices_screen[i, 0] += seen_x
            vertices_screen[i, 1] += seen_y
            vertices_screen[i, 2] += -z

    def gradient(arrays, arguments) -> None:
        vertices, matrices, intrinsics, distortion, screen, _, _, vertex_image, offset, instances, *_, n_vertices = arguments
        to_vertices = arrays.gradient_of(vertices)
        of_cameras = any(arrays.gradient_of(array) is not None for array in (matrices, intrinsics, distortion))
        if to_vertices is None or of_cameras or lens not in (Lens.PERSPECTIVE, Lens.ORTHOGRAPHIC):
            arrays.launch(see.grad, arguments)
            return
        arrays.launch(
            see_adjoint_kernel(variant, lens),
            (vertices, matrices, intrinsics, arrays.gradient_of(screen), to_vertices, vertex_image, offset, instances, n_vertices),
        )

    return Op(name="see", kernel=see, n_inputs=4, n_outputs=1, gradient=gradient)


@functools.cache
def see_adjoint_kernel(variant: Variant, lens: Lens):
    """Adds to the gradient of vertices_world what that of vertices_screen makes of it, vertex by vertex: no atomics."""
    real, index = variant.array, variant.index

    @ti.kernel
    def see_adjoint(
        vertices_world: real(2),  # [V, 3]
        camera_from_world: real(3),  # [B, 3, 4]
        intrinsics: real(2),  # [B, 4]
        vertices_screen_grad: real(2),  # [N, 3]
        vertices_world_grad: real(2),  # [V, 3] added to
        vertex_image: index(1),
        instance_offset: index(1),
        instances: index(1),
        n_vertices: ti.i32,
    ):
        ti.loop_config(serialize=variant.serial)
        for v in range(n_vertices):
            total = ti.Vector.zero(variant.real, 3)
            for k in range(instance_offset[v], instance_offset[v + 1]):
                i = instances[k]
                b = vertex_image[i]
                gx, gy, g_depth = vertices_screen_grad[i, 0] * intrinsics[b, 0], vertices_screen_grad[i, 1] * intrinsics[b, 1], vertices_screen_grad[i, 2]
                if ti.static(lens == Lens.PERSPECTIVE):  # x/depth
                    x, y, z = ti.static(in_camera(v, b, vertices_world, camera_from_world))
                    scale = one_over(-z)
                    g_depth -= ti.select(-z > BEHIND_EYE, (gx * x + gy * y) * scale * scale, 0.0)
                    gx, gy = gx * scale, gy * scale
                for j in ti.static(range(3)):
                    total[j] += camera_from_world[b, 0, j] * gx + camera_from_world[b, 1, j] * gy - camera_from_world[b, 2, j] * g_depth
            for j in ti.static(range(3)):
                vertices_world_grad[v, j] = vertices_world_grad[v, j] + total[j]

    return see_adjoint
