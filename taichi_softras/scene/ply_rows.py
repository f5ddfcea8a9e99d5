"""The rows of a PLY file: what its header says of them, and the numbers that stand in them.

A PLY file says itself of what its rows are made. They are read where they lie, as columns with a stride, while all rows of an element are of one length; where
lists differ (triangles beside quads), rows are walked through once, and their columns gathered. A text is a list of numbers, and read as if it were a binary
file of float64.
"""

import re
import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .polygon_files import numbers_in

__all__ = ["TYPES", "Rows", "read_rows"]

TYPES = {
    "char": "i1", "int8": "i1", "uchar": "u1", "uint8": "u1", "short": "i2", "int16": "i2", "ushort": "u2", "uint16": "u2",
    "int": "i4", "int32": "i4", "uint": "u4", "uint32": "u4", "int64": "i8", "uint64": "u8",
    "float": "f4", "float32": "f4", "double": "f8", "float64": "f8",
}  # fmt: skip
BYTE_ORDERS = {"ascii": "<", "binary_little_endian": "<", "binary_big_endian": ">"}
END = re.compile(rb"[\r\n]end_header[ \t]*")


@dataclass(frozen=True)
class Column:
    """A column. ``kind`` is what the header says, ``stored`` how it lies in the file; a list has a type of its length, too."""

    name: str
    kind: np.dtype[Any]
    stored: np.dtype[Any]
    length: np.dtype[Any] | None = None


@dataclass(frozen=True)
class Element:
    name: str
    count: int
    properties: list[Column] = field(default_factory=list)

    @property
    def least(self) -> int:
        """Bytes of a row whose lists are empty."""
        return sum((column.length or column.stored).itemsize for column in self.properties)


class Rows:
    """The rows of an element in the bytes of a file.

    Args:
        subject: begins the sentence of an error.
        data: the bytes.
        begin: where the rows begin in them; they end before ``end``.
    """

    def __init__(self, subject: str, data: bytes, begin: int, element: Element) -> None:
        self.subject, self.data, self.begin, self.element = subject, data, begin, element
        self.starts: np.ndarray | None = None  # of each row, where they are not of one length
        self.lengths: dict[int, np.ndarray] = {}  # of each row, of the lists by their place among the properties
        if element.count * element.least > len(data) - begin:
            raise self._early()
        if not self._of_one_length():
            self._walk()

    def _early(self) -> ValueError:
        return ValueError(f"{self.subject} must hold all that its header says, got an end within the {self.element.count} rows of {self.element.name}")

    def _of_one_length(self) -> bool:
        """Whether all rows are as long as the first one, list by list."""
        count, columns = self.element.count, self.element.properties
        self.stride, constant = 0, list[tuple[int, int, int]]()  # of each list, its property, its place in the row and its length
        for i, column in enumerate(columns):
            if column.length is not None:
                if count == 0 or self.begin + self.stride + column.length.itemsize > len(self.data):
                    n = 0
                else:
                    n = self._whole(_reader(column.length)(self.data, self.begin + self.stride))
                constant.append((i, self.stride, n))
                self.stride += column.length.itemsize + n * column.stored.itemsize
            else:
                self.stride += column.stored.itemsize
        self.end = self.begin + count * self.stride
        if self.end > len(self.data):
            return False
        for i, place, n in constant:
            length = columns[i].length
            assert length is not None
            if count and (np.ndarray((count,), length, self.data, self.begin + place, (self.stride,)) != n).any():
                return False
            self.lengths[i] = np.full(count, n)
        return True

    def _whole(self, n: float) -> int:
        if n < 0 or n != n // 1:
            raise ValueError(f"{self.subject} must have lists with a whole number of things, got {n}")
        return int(n)

    def _walk(self) -> None:
        """Row by row: each list says where the next one is."""
        columns, data, at, end = self.element.properties, self.data, self.begin, len(self.data)
        steps, fixed = list[tuple[int, np.dtype[Any], int]](), 0  # of each list: bytes before it, the type of its length, bytes of one thing in it
        for column in columns:
            if column.length is None:
                fixed += column.stored.itemsize
            else:
                steps.append((fixed, column.length, column.stored.itemsize))
                fixed = 0
        readers = [(before, length.itemsize, size, _reader(length)) for before, length, size in steps]
        starts, found = list[int](), list[int]()
        for _ in range(self.element.count):
            starts.append(at)
            for before, of_length, size, read in readers:
                at += before
                if at + of_length > end:
                    raise self._early()
                n = self._whole(read(data, at))
                found.append(n)
                at += of_length + n * size
            at += fixed
            if at > end:
                raise self._early()
        self.end, self.starts = at, np.array(starts, np.int64)
        lists = [i for i, column in enumerate(columns) if column.length is not None]
        self.lengths = dict(zip(lists, np.array(found, np.int64).reshape(-1, len(lists)).T, strict=True))

    def list_called(self, names: tuple[str, ...]) -> int | None:
        """Which property is a list with one of these names."""
        return next((i for i, column in enumerate(self.element.properties) if column.name in names and column.length is not None), None)

    def places(self, choices: tuple[tuple[str, ...], ...]) -> list[int] | None:
        """The properties of the first of the ``choices`` of which all are there, and are no lists."""
        single = {column.name: i for i, column in reversed(list(enumerate(self.element.properties))) if column.length is None}
        return next(([single[name] for name in names] for names in choices if all(name in single for name in names)), None)

    def _before(self, i: int) -> int | np.ndarray:
        """Bytes of a row before its property i."""
        before: int | np.ndarray = 0
        for k, column in enumerate(self.element.properties[:i]):
            if column.length is None:
                before = before + column.stored.itemsize
            elif self.starts is None:
                before = before + column.length.itemsize + int(self.lengths[k][0]) * column.stored.itemsize
            else:
                before = before + column.length.itemsize + self.lengths[k] * column.stored.itemsize
        return before

    def column(self, i: int) -> np.ndarray:
        """[count] the numbers of a property, as they are stored."""
        column = self.element.properties[i]
        if not self.element.count:  # there may be no byte where its rows would begin, which NumPy refuses to begin at
            return np.zeros(0, column.stored)
        before = self._before(i)
        if self.starts is None:
            assert isinstance(before, int)
            return np.ndarray((self.element.count,), column.stored, self.data, self.begin + before, (self.stride,))
        return self._gathered(column.stored, self.starts + before)

    def table(self, places: list[int]) -> np.ndarray:
        """[count, n] float64 of several properties."""
        return np.stack([self.column(i) for i in places], 1).astype(np.float64)

    def flat(self, i: int) -> tuple[np.ndarray, np.ndarray]:
        """What stands in the lists of a property, one after the other, and [count] their lengths."""
        column, lengths = self.element.properties[i], self.lengths[i]
        assert column.length is not None
        if not self.element.count:
            return np.zeros(0, column.stored), lengths
        before = self._before(i)
        if self.starts is None:
            assert isinstance(before, int)
            n, size = int(lengths[0]), column.stored.itemsize
            begin = self.begin + before + column.length.itemsize
            return np.ndarray((self.element.count, n), column.stored, self.data, begin, (self.stride, size)).reshape(-1), lengths
        first = np.repeat(self.starts + before + column.length.itemsize, lengths)
        within = np.arange(len(first)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        return self._gathered(column.stored, first + within * column.stored.itemsize), lengths

    def _gathered(self, stored: np.dtype[Any], at: np.ndarray) -> np.ndarray:
        if not len(at):
            return np.zeros(0, stored)
        return np.ndarray((len(self.data) - stored.itemsize + 1,), stored, self.data, strides=(1,))[at]


def _reader(length: np.dtype[Any]) -> Callable[[bytes, int], Any]:
    """What reads the length of a list at a place in bytes."""
    if length == np.uint8:
        return bytes.__getitem__
    letter = np.dtype(length).newbyteorder("=").char
    unpack = struct.Struct(("<" if length.str[0] in "<|" else ">") + letter.replace("l", "q").replace("L", "Q")).unpack_from
    return lambda data, at: unpack(data, at)[0]


def read_rows(subject: str, data: bytes) -> tuple[dict[str, Rows], list[str]]:
    """The rows of a file by the name of their element, and the pictures that it names. ``subject`` begins the sentence of an error.

    Raises:
        ValueError: if it is no PLY file, or does not hold what it says.
    """
    elements, textures, is_text, begin = _header(subject, data)
    if is_text:
        data, begin = numbers_in(subject, data[begin:]).astype("<f8").tobytes(), 0
    found: dict[str, Rows] = {}
    for element in elements:
        rows = Rows(subject, data, begin, element)
        begin = rows.end
        found.setdefault(element.name, rows)
    if is_text and begin < len(data):
        raise ValueError(f"{subject} must hold no more than its header says, got {(len(data) - begin) // 8} numbers more")
    return found, textures


def _header(subject: str, data: bytes) -> tuple[list[Element], list[str], bool, int]:
    """What a file says of its rows: its elements, its pictures, whether it is text, and where the first row begins."""
    end = END.search(data)
    if not data.startswith((b"ply\n", b"ply\r")) or end is None:
        raise ValueError(f"{subject} must be a PLY file, which begins with ply and has a line end_header, got something else")
    must = f"{subject} must have a PLY header, got the line"
    lines = re.split(r"\r\n|\n|\r", data[: end.start()].decode("utf-8", errors="replace"))
    byte_order, is_text, elements, textures = "", False, list[Element](), list[str]()
    for line in lines[1:]:
        words = line.split()
        if words[:1] == ["format"] and len(words) >= 2 and words[1] in BYTE_ORDERS:
            byte_order, is_text = BYTE_ORDERS[words[1]], words[1] == "ascii"
        elif words[:1] == ["element"] and len(words) == 3 and words[2].isdecimal() and len(words[2]) < 19:
            elements.append(Element(words[1], int(words[2])))
        elif words[:1] == ["property"] and elements and byte_order:
            elements[-1].properties.append(_column(must, line, byte_order, is_text))
        elif words[:2] == ["comment", "TextureFile"]:
            textures.append(line.split("TextureFile", 1)[1].strip())
        elif words and words[0] not in ("comment", "obj_info"):
            raise ValueError(f"{must} {line[:80]!r}")
    if not byte_order:
        raise ValueError(f"{subject} must say its format, {', '.join(BYTE_ORDERS)}, got none")
    newline = b"\r" if data[3:4] == b"\r" and data[4:5] != b"\n" else b"\r\n" if data.startswith(b"\r\n", end.end()) else b"\n"
    return elements, textures, is_text, end.end() + len(newline)


def _column(must: str, line: str, byte_order: str, is_text: bool) -> Column:
    words = line.split()
    of_list = len(words) == 5 and words[1] == "list"
    kinds = words[2:4] if of_list else words[1:2]
    if len(words) != (5 if of_list else 3) or any(kind not in TYPES for kind in kinds):
        raise ValueError(f"{must} {line[:80]!r}")
    *length, kind = (np.dtype(byte_order + TYPES[kind]) for kind in kinds)
    if length and length[0].kind == "f":
        raise ValueError(f"{must} {line[:80]!r}, whose lists have lengths that are no whole numbers")
    if is_text:
        return Column(words[-1], kind, np.dtype("<f8"), np.dtype("<f8") if length else None)
    return Column(words[-1], kind, kind, length[0] if length else None)
