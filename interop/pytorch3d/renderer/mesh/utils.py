"""Rectangles packed into one, and what PyTorch3D's rasteriser and textures use."""

from typing import NamedTuple

from .....checks import check_integer
from .....scene import packed
from ...ops.interp_face_attrs import interpolate_face_attributes

MOST = 1 << 30

__all__ = ["PackedRectangle", "PackedRectangles", "Rectangle", "interpolate_face_attributes", "pack_rectangles", "pack_unique_rectangles"]


class Rectangle(NamedTuple):
    """Its sides, and a number that those have in common that are one."""

    xsize: int
    ysize: int
    identifier: int


class PackedRectangle(NamedTuple):
    """Where its corner lies; whether its sides are exchanged; whether it is the first of its identifier."""

    x: int
    y: int
    flipped: bool
    is_first: bool


class PackedRectangles(NamedTuple):
    """The sides of the whole, and the places of those in it, in the order that they were given in."""

    total_size: tuple[int, int]
    locations: list[PackedRectangle]


def pack_rectangles(sizes: list[tuple[int, int]]) -> PackedRectangles:
    """Rectangles (x, y) of whole numbers, side by side in one. None of them is turned."""
    if len(sizes) < 2:
        raise ValueError(f"pack_rectangles: sizes must be of two rectangles at least, got {len(sizes)}")
    for size in sizes:
        for side in size:
            check_integer("pack_rectangles", "sizes", side, 1, MOST)
    corners, (height, width) = packed([(y, x) for x, y in sizes])
    return PackedRectangles((width, height), [PackedRectangle(int(x), int(y), False, True) for x, y in corners])


def pack_unique_rectangles(rectangles: list[Rectangle]) -> PackedRectangles:
    """The same, where rectangles of one identifier are one."""
    if len(rectangles) < 2:
        raise ValueError(f"pack_unique_rectangles: rectangles must be two at least, got {len(rectangles)}")
    places, unique, is_first = dict[int, int](), list[tuple[int, int]](), list[bool]()
    for rectangle in rectangles:
        is_first.append(rectangle.identifier not in places)
        if is_first[-1]:
            places[rectangle.identifier] = len(unique)
            unique.append((rectangle.xsize, rectangle.ysize))
    found = PackedRectangles(unique[0], [PackedRectangle(0, 0, False, True)]) if len(unique) == 1 else pack_rectangles(unique)
    locations = [found.locations[places[rectangle.identifier]]._replace(is_first=first) for rectangle, first in zip(rectangles, is_first, strict=True)]
    return PackedRectangles(found.total_size, locations)
