"""What a person starts: the command ``taichi-softras`` (`cli`), and what it says of the machine (`doctor`)."""

from .cli import main

__all__ = ["main"]
