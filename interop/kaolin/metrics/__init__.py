"""Kaolin's ``kaolin.metrics``."""

from . import render

__all__ = ["render"]
