"""Kaolin's ``kaolin.render.camera``: cameras with extrinsics and a lens, and the older ones, which DIB-R is used with."""

from .camera import Camera, allclose
from .coordinates import blender_coords, opengl_coords
from .extrinsics import CameraExtrinsics, ExtrinsicsRep, register_backend
from .intrinsics import CameraFOV, CameraIntrinsics, down_from_homogeneous, up_to_homogeneous
from .intrinsics_ortho import OrthographicIntrinsics
from .intrinsics_pinhole import PinholeIntrinsics
from .legacy import (
    generate_perspective_projection,
    generate_rotate_translate_matrices,
    generate_transformation_matrix,
    perspective_camera,
    rotate_translate_points,
)
from .raygen import (
    generate_centered_custom_resolution_pixel_coords,
    generate_centered_pixel_coords,
    generate_default_grid,
    generate_ortho_rays,
    generate_pinhole_rays,
    generate_rays,
)

__all__ = [
    "Camera",
    "CameraExtrinsics",
    "CameraFOV",
    "CameraIntrinsics",
    "ExtrinsicsRep",
    "OrthographicIntrinsics",
    "PinholeIntrinsics",
    "allclose",
    "blender_coords",
    "down_from_homogeneous",
    "generate_centered_custom_resolution_pixel_coords",
    "generate_centered_pixel_coords",
    "generate_default_grid",
    "generate_ortho_rays",
    "generate_perspective_projection",
    "generate_pinhole_rays",
    "generate_rays",
    "generate_rotate_translate_matrices",
    "generate_transformation_matrix",
    "opengl_coords",
    "perspective_camera",
    "register_backend",
    "rotate_translate_points",
    "up_to_homogeneous",
]
