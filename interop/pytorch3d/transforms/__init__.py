"""PyTorch3D's ``pytorch3d.transforms``: rotations and 4 x 4 matrices."""

from .transform3d import Transform3d

__all__ = ["Transform3d"]
