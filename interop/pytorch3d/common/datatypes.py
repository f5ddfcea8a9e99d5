"""PyTorch3D's devices: a name, or torch's object."""

from typing import Any

import torch

__all__ = ["Device", "get_device", "make_device"]

Device = str | torch.device


def make_device(device: Device) -> torch.device:
    """torch's object of a name or an object; ``cuda`` without a number is the current one."""
    if not isinstance(device, (str, torch.device)):
        raise TypeError(f"make_device: device must be a name or a torch.device, got {type(device).__name__}")
    device = torch.device(device)
    return torch.device("cuda", torch.cuda.current_device()) if device.type == "cuda" and device.index is None else device


def get_device(x: Any, device: Device | None = None) -> torch.device:
    """``device`` if it is given; or else that of ``x``, if that is a tensor; or else the CPU."""
    if device is not None:
        return make_device(device)
    return x.device if isinstance(x, torch.Tensor) else torch.device("cpu")
