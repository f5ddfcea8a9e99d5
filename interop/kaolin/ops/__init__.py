"""Kaolin's ``kaolin.ops``: what rendering needs of it."""

from . import mesh

__all__ = ["mesh"]
