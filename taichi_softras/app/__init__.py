"""What a person starts."""

from .cli import main

__all__ = ["main"]
