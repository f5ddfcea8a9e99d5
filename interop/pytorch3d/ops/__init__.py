"""PyTorch3D's ``pytorch3d.ops``: operations on meshes and on what was rasterised of them."""

from .interp_face_attrs import interpolate_face_attributes

__all__ = ["interpolate_face_attributes"]
