"""PyTorch3D's ``pytorch3d.common``: devices."""

from .datatypes import Device, get_device, make_device

__all__ = ["Device", "get_device", "make_device"]
