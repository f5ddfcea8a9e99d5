"""The viewer: ``taichi-softras view``. `model` is all of it but the window."""

from .model import Model
from .scene import Look, Orbit, Scene, View

__all__ = ["Look", "Model", "Orbit", "Scene", "View"]
