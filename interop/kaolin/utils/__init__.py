"""Kaolin's ``kaolin.utils``."""

from . import testing

__all__ = ["testing"]
