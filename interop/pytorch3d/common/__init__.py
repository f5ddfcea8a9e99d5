"""PyTorch3D's ``pytorch3d.common``: devices, and what older torch lacks."""

from . import compat
from .datatypes import Device, get_device, make_device

__all__ = ["Device", "compat", "get_device", "make_device"]
