"""Kaolin's ``kaolin.visualize``: training, as USD files with a time line."""

from .timelapse import Timelapse, TimelapseParser

__all__ = ["Timelapse", "TimelapseParser"]
