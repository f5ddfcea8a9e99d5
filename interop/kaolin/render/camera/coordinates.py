"""Kaolin's ``kaolin.render.camera.coordinates``: other conventions of the world's axes, for `CameraExtrinsics.change_coordinate_system`.

Kaolin's own world is right-handed: x right, y up, z towards the viewer.
"""

import torch

__all__ = ["blender_coords", "opengl_coords"]


def blender_coords() -> torch.Tensor:
    """[3, 3] of Blender's world: right-handed, z up, y away from the viewer."""
    return torch.tensor([[1, 0, 0], [0, 0, 1], [0, -1, 0]])


def opengl_coords() -> torch.Tensor:
    """[3, 3] of OpenGL's usual world, which is Kaolin's: the identity."""
    return torch.eye(3, dtype=torch.int64)
