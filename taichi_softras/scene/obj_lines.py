"""The lines of an OBJ file, as arrays.

The file is looked at in pieces of a quarter of a megabyte. In each NumPy finds the lines of one kind, whatever lies between them, and the numbers in them;
so that a file of a million faces takes half a second, and little more memory than its arrays, and no second way is needed for files that are less simple.
"""

import io
import re
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import BinaryIO

import numpy as np

from .decimals import AHEAD, MOST_DIGITS, decimals, whole_numbers

__all__ = ["ObjLines", "read_obj_lines"]

PIECE = 1 << 18  # bytes; more than fits a core's caches takes longer
CORNER = re.compile(rb"-?\d+(/(-?\d+)?)*")
SPACE, NEWLINE, MINUS, SLASH, ZERO = b" \n-/0"
BLANKS = bytes.maketrans(b"\t\v\f", b"   ")
LARGEST_INT32 = (1 << 31) - 1
WIDTH = 6  # of a vertex: a position and a colour

_AtCorners = tuple[np.ndarray, np.ndarray] | None  # [N] bool, which corners have a number, and these numbers; None if none has any


@dataclass(frozen=True, kw_only=True)
class ObjLines:
    """What an OBJ file says. Indices count from zero, and are in range; whole numbers are int32, or int64 where a file has one that needs it.

    Attributes:
        positions: [V, 3] float64.
        colors: [V, 3] float64 as they stand in the file, NaN where a vertex has none; None if none has any.
        uvs: [T, 2] float64.
        corners: [N] of polygon after polygon, into ``positions``.
        corner_uvs: [N] into ``uvs``, -1 where there is none; not to be written to.
        normals: [M, 3] float64, as they stand in the file; empty if they are not asked for.
        corner_normals: [N] into ``normals``, -1 where there is none; not to be written to.
        sizes: [P] how many corners each polygon has; may be less than three.
        materials: what stands after ``usemtl``, in the order of the file.
        of_polygon: [P] into ``materials``, -1 before the first.
        libraries: what stands after ``mtllib``.
    """

    positions: np.ndarray
    colors: np.ndarray | None
    uvs: np.ndarray
    corners: np.ndarray
    corner_uvs: np.ndarray
    normals: np.ndarray
    corner_normals: np.ndarray
    sizes: np.ndarray
    materials: list[str]
    of_polygon: np.ndarray
    libraries: list[str]


def read_obj_lines(content: bytes | BinaryIO, normals: bool = False, lenient: bool = False) -> ObjLines:
    """What an OBJ file says: its vertices, texture coordinates, polygons, and the names of materials; and its ``normals``, if they are asked for.

    It is given as its bytes, or open.

    A byte order mark, every kind of line end, lines that a backslash continues, comments wherever they begin, lines, points, groups and unknown
    statements are nothing to stumble over. Indices below zero count back from what was read so far.

    A vertex has three numbers, or six with a colour. A fourth is a weight for curves, which polygons do not have; what comes after the sixth is left out, too.

    With ``lenient``, texture coordinates and normals of corners may point beyond the last.

    Raises:
        ValueError: if a number is missing or none, an index points to nothing, or a corner is none.
    """
    parts, before = [], _Before()
    for piece in _pieces(io.BytesIO(content) if isinstance(content, bytes) else content):
        parts.append(_Piece(piece, before, normals))
        before = before.and_then(parts[-1])
    corners = np.concatenate([part.corners for part in parts])
    corner_uvs, corner_normals = (_at_all_corners(parts, name) for name in ("corner_uvs", "corner_normals"))
    _check_range("vertex", corners, before.vertices)
    if not lenient:
        _check_range("texture coordinate", corner_uvs, before.uvs)
        _check_range("normal", corner_normals, before.normals)
    return ObjLines(
        positions=np.concatenate([part.vertices[:, :3] for part in parts]),
        colors=_colors([part.vertices[:, 3:] for part in parts]),
        uvs=np.concatenate([part.uvs for part in parts]),
        corners=corners,
        corner_uvs=corner_uvs,
        normals=np.concatenate([part.normals for part in parts]),
        corner_normals=corner_normals,
        sizes=np.concatenate([part.sizes for part in parts]),
        materials=list(chain.from_iterable(part.materials for part in parts)),
        of_polygon=np.concatenate([part.of_polygon for part in parts]),
        libraries=list(chain.from_iterable(part.libraries for part in parts)),
    )


def _at_all_corners(parts: "list[_Piece]", name: str) -> np.ndarray:
    """[N] what the pieces have at their corners, -1 where one has nothing."""
    found = [(getattr(part, name), len(part.corners)) for part in parts]
    if all(one is None for one, _ in found):
        return np.broadcast_to(np.int32(-1), sum(n for _, n in found))
    return np.concatenate([np.full(n, -1, np.int32) if one is None else one for one, n in found])


def _colors(tables: list[np.ndarray]) -> np.ndarray | None:
    """[V, 3], NaN where a piece has none; None if none has any."""
    if not any(table.shape[1] for table in tables):
        return None
    colors = np.concatenate([table if table.shape[1] else np.full((len(table), 3), np.nan) for table in tables])
    return None if np.isnan(colors).all() else colors


def _plain(content: bytes) -> bytes:
    """Whole lines with ends that are one newline, words that only spaces part, and no line continued."""
    if b"\r" in content:
        content = content.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    if b"\t" in content or b"\v" in content or b"\f" in content:
        content = content.translate(BLANKS)
    if b"\\" in content and b"\\\n" in content:
        content = re.sub(rb"(?m)^ *#.*$", b"", content)  # a comment that ends in a backslash, as a path may, does not swallow the next line
        content = content.replace(b"\\\n", b" ")
    return content if content.endswith(b"\n") else content + b"\n"


def _pieces(file: BinaryIO) -> Iterator[bytes]:
    """Whole lines, plain ones, in UTF-8 without a mark; at least one piece."""
    content = file.read(3) + file.read(PIECE)
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        file = io.BytesIO((content + file.read()).decode("utf-16").encode())
        content = file.read(PIECE)
    content = content.removeprefix(b"\xef\xbb\xbf")
    while True:
        lines = [content + file.readline()]
        while lines[-1].endswith((b"\\\n", b"\\\r\n")) and (line := file.readline()):
            lines.append(line)
        yield from _cut(_plain(b"".join(lines)))
        if not (content := file.read(PIECE)):
            return


def _cut(content: bytes) -> Iterator[bytes]:
    """Whole lines; more than one piece where the file had other ends of lines."""
    begin = 0
    while begin < len(content):
        end = content.find(b"\n", begin + PIECE - 1) + 1 or len(content)
        yield content[begin:end]
        begin = end


@dataclass(frozen=True)
class _Before:
    """How many there are before a piece."""

    vertices: int = 0
    uvs: int = 0
    normals: int = 0
    materials: int = 0

    def and_then(self, piece: "_Piece") -> "_Before":
        return _Before(self.vertices + len(piece.vertices), self.uvs + len(piece.uvs), self.normals + len(piece.normals), self.materials + len(piece.materials))


class _Piece:
    """Some lines: as `ObjLines`, but indices may point beyond the last, and ``vertices`` are positions and colours."""

    def __init__(self, piece: bytes, before: _Before, with_normals: bool) -> None:
        letters, begins, ends = _lines(piece)
        if (letters[begins] == SPACE).any():
            piece = re.sub(rb"(?m)^ +", b"", piece)
            letters, begins, ends = _lines(piece)
        first, second, third = (letters[begins + k] for k in range(3))
        is_v = (first == ord("v")) & ((second == SPACE) | (second == NEWLINE))
        is_vt, is_vn = ((first == ord("v")) & (second == ord(letter)) & ((third == SPACE) | (third == NEWLINE)) for letter in "tn")
        is_f = (first == ord("f")) & ((second == SPACE) | (second == NEWLINE))

        def lines(chosen: np.ndarray) -> bytes:
            at = np.flatnonzero(chosen)
            if len(at) == 0:
                return b""
            is_block = at[-1] - at[0] + 1 == len(at)  # nothing lies between them
            content = piece[begins[at[0]] : ends[at[-1]]] if is_block else letters[:-2][np.repeat(chosen, ends - begins)].tobytes()
            return re.sub(rb"#[^\n]*", b"", content) if b"#" in content else content

        n_v, n_vt, n_vn, n_f = (int(np.count_nonzero(chosen)) for chosen in (is_v, is_vt, is_vn, is_f))
        self.vertices = _numbers("vertex", b"v", lines(is_v), n_v, 3, WIDTH)
        if self.vertices.shape[1] < WIDTH or np.isnan(self.vertices[:, -1]).all():
            self.vertices = self.vertices[:, :3]
        else:
            self.vertices[np.isnan(self.vertices[:, -1]), 3:] = np.nan  # a colour is whole
        self.uvs = _numbers("texture coordinate", b"vt", lines(is_vt), n_vt, 1, 2)
        if self.uvs.shape[1] < 2:
            self.uvs = np.concatenate([self.uvs, np.zeros_like(self.uvs)], 1)
        self.uvs[np.isnan(self.uvs[:, 1]), 1] = 0
        self.normals = _numbers("normal", b"vn", lines(is_vn), n_vn, 3, 3) if with_normals else np.zeros((0, 3))
        at_faces = np.flatnonzero(is_f)
        corners, uvs, normals, self.sizes = _polygons(lines(is_f), n_f, with_normals)

        def at_corners(what: str, given: _AtCorners, n_before: int, is_one: np.ndarray) -> np.ndarray | None:
            if given is None:
                return None
            there, numbers = given
            numbers = _from_zero(what, numbers, lambda: n_before + np.cumsum(is_one)[at_faces].repeat(self.sizes)[there])
            found = np.full(len(there), -1, numbers.dtype)
            found[there] = numbers
            return found

        self.corners = _from_zero("vertex", corners, lambda: before.vertices + np.cumsum(is_v)[at_faces].repeat(self.sizes))
        self.corner_uvs = at_corners("texture coordinate", uvs, before.uvs, is_vt)
        self.corner_normals = at_corners("normal", normals, before.normals, is_vn)
        self.materials: list[str] = []
        self.libraries: list[str] = []
        at_materials = []
        for line in np.flatnonzero((first == ord("u")) | (first == ord("m"))).tolist():
            keyword, _, rest = piece[begins[line] : ends[line] - 1].partition(b" ")
            if keyword == b"usemtl":
                self.materials.append(rest.decode("utf-8", errors="replace").strip())
                at_materials.append(line)
            elif keyword == b"mtllib":
                self.libraries.append(rest.decode("utf-8", errors="replace").strip())
        self.of_polygon = np.full(n_f, before.materials - 1, np.int32)
        if at_materials:
            self.of_polygon += np.searchsorted(np.array(at_materials), at_faces).astype(np.int32)


def _lines(piece: bytes) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The letters, two newlines behind them, and where each line begins and ends."""
    letters = np.frombuffer(piece + b"\n\n", np.uint8)
    ends = np.flatnonzero(letters[:-2] == NEWLINE) + 1
    return letters, np.concatenate([[0], ends[:-1]]), ends


def _numbers(what: str, keyword: bytes, lines: bytes, n_lines: int, fewest: int, most: int) -> np.ndarray:
    """[lines, n] float64 of as many columns as the longest line has numbers, ``most`` at most; NaN where a line has fewer."""
    if n_lines == 0:
        return np.zeros((0, fewest))
    letters = np.frombuffer(AHEAD + lines, np.uint8)
    words = _words(letters, n_lines)
    if words is not None and fewest < words.shape[1] <= most + 1:
        numbers = decimals(letters, words[:, :-1].reshape(-1) + 1, words[:, 1:].reshape(-1), len(AHEAD) + words.size + n_lines * len(keyword))
        if numbers is not None:
            return numbers.reshape(n_lines, -1)
    found = _rows(lines, keyword, n_lines)
    if found is not None and found.shape[1] > fewest and np.isfinite(found[:, 1:]).all():
        return found[:, 1 : most + 1]
    rows = [line.split()[1 : most + 1] for line in lines.splitlines()]
    widths = np.array([len(row) for row in rows])
    table = np.full((n_lines, widths.max()), np.nan)
    table[np.arange(widths.max()) < widths[:, None]] = _floats(what, list(chain.from_iterable(rows)))
    if widths.min() < fewest:
        raise ValueError(f"a {what} of {widths.min()} numbers")
    return table


def _words(letters: np.ndarray, n_lines: int) -> np.ndarray | None:
    """[lines, n] where each word of the lines ends, if all have as many, with one space between them."""
    blanks = np.flatnonzero(letters[len(AHEAD) :] <= SPACE) + len(AHEAD)
    if len(blanks) % n_lines or len(blanks) != np.count_nonzero(letters == SPACE) - len(AHEAD) + n_lines or (np.diff(blanks) == 1).any():
        return None
    words = blanks.reshape(n_lines, -1)
    return words if (letters[words[:, -1]] == NEWLINE).all() else None


def _rows(lines: bytes, keyword: bytes, n_lines: int) -> np.ndarray | None:
    """[lines, 1 + n] of lines with as many numbers each, NaN standing for the keyword; None of others.

    Where NaN is nowhere else, each row is a line.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", DeprecationWarning)  # what older NumPys say of text that is no number
            numbers: np.ndarray = np.fromstring(lines.replace(keyword, b"nan"), sep=" ")
    except (DeprecationWarning, ValueError):
        return None
    if len(numbers) % n_lines:
        return None
    rows = numbers.reshape(n_lines, -1)
    return rows if np.isnan(rows[:, 0]).all() else None


def _floats(what: str, words: list[bytes]) -> np.ndarray:
    try:
        numbers = np.fromiter(map(float, words), np.float64, len(words))
    except ValueError:
        word = next(word for word in words if not _is_float(word))
        raise ValueError(f"a {what} with {_said(word)}") from None
    if not np.isfinite(numbers).all():
        raise ValueError(f"a {what} with {_said(words[int(np.isfinite(numbers).argmin())])}, which is not finite")
    return numbers


def _is_float(word: bytes) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True


def _said(word: bytes) -> str:
    """A word of the file, in a sentence."""
    text = word.decode("utf-8", errors="replace")
    return repr(text if len(text) <= 40 else text[:40] + "...")


def _polygons(lines: bytes, n_lines: int, with_normals: bool) -> tuple[np.ndarray, _AtCorners, _AtCorners, np.ndarray]:
    """Of lines of polygons: the first numbers of the corners, the second, the third if they are asked for, and how many corners each line has."""
    if n_lines == 0:
        return np.zeros(0, np.int32), None, None, np.zeros(0, np.int32)
    letters = np.array(np.frombuffer(AHEAD + lines, np.uint8))
    words = _words(letters, n_lines)
    if words is not None and np.count_nonzero(letters - ZERO < 10) + len(AHEAD) + words.size + n_lines == len(letters):  # nothing but digits and blanks
        ends = words[:, 1:].reshape(-1)
        numbers = _integers(letters, ends, ends - words[:, :-1].reshape(-1) - 1)
        return numbers, None, None, np.full(n_lines, words.shape[1] - 1, np.int32)
    ends = np.flatnonzero(letters == NEWLINE)
    letters[np.concatenate([[len(AHEAD)], ends[:-1] + 1])] = SPACE  # the f
    digits = letters - ZERO  # of unsigned numbers: what is less than 0 is large
    digit = digits < 10
    changes = np.flatnonzero(digit[1:] != digit[:-1]) + 1
    begins, numbers_end = changes[::2], changes[1::2]
    n_minus, n_slashes, n_spaces = (np.count_nonzero(letters == other) for other in (MINUS, SLASH, SPACE))
    only_numbers = np.count_nonzero(digit) + n_minus + n_slashes + n_spaces + len(ends) == len(letters)
    before, behind = letters[begins - 1], letters[begins - 2]
    signed = before == MINUS
    if n_minus:
        before, behind = np.where(signed, behind, before), np.where(signed, letters[begins - 3], behind)
    leads = (before == SPACE) | (before == NEWLINE)
    in_word = letters > SPACE
    n_words = np.count_nonzero(in_word[1:] & ~in_word[:-1])
    n_signed = np.count_nonzero(signed & ((before == SPACE) | (before == SLASH)))
    if not only_numbers or n_words != np.count_nonzero(leads) or n_minus != n_signed:
        word = next((word for line in lines.splitlines() for word in line.split()[1:] if not CORNER.fullmatch(word)), b"")
        raise ValueError(f"a face with the corner {_said(word)}")
    numbers = _integers(letters, numbers_end, numbers_end - begins)
    numbers[signed] *= -1
    second = np.zeros(len(numbers), bool)
    second[1:] = leads[:-1] & (before[1:] == SLASH) & (behind[1:] != SLASH)
    has_uv = np.append(second[1:], False)[leads]
    at_normals = None
    if with_normals:
        before_third = leads | second
        third = ~before_third
        third[1:] &= before_third[:-1]
        has_normal = np.zeros(len(has_uv), bool)
        has_normal[(np.cumsum(leads) - 1)[third]] = True
        at_normals = has_normal, numbers[third]
    sizes = np.diff(np.searchsorted(begins[leads], ends), prepend=0).astype(np.int32)
    return numbers[leads], (has_uv, numbers[second]), at_normals, sizes


def _integers(letters: np.ndarray, ends: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """[N] the numbers whose digits, so many, end there: int32, or int64 if one needs it."""
    if lengths.max(initial=0) > MOST_DIGITS:
        place = int(lengths.argmax())
        raise ValueError(f"a face with the number {_said(letters[ends[place] - lengths[place] : ends[place]].tobytes())}")
    numbers = whole_numbers(letters, ends, lengths)
    return numbers.astype(np.int32 if numbers.max(initial=0) <= LARGEST_INT32 else np.int64)


def _from_zero(what: str, indices: np.ndarray, so_far: Callable[[], np.ndarray]) -> np.ndarray:
    """OBJ counts from one, or backwards from the last so far."""
    if (indices > 0).all():
        return indices - 1
    if (indices == 0).any():
        raise ValueError(f"the {what} 0, where OBJ counts from 1")
    n_so_far = so_far()
    beyond = indices < -n_so_far
    if beyond.any():
        place = int(beyond.argmax())
        raise ValueError(f"the {what} {indices[place]}, where there are {n_so_far[place]} before it")
    return np.where(indices > 0, indices - 1, n_so_far + indices)


def _check_range(what: str, indices: np.ndarray, n: int) -> None:
    if len(indices) and indices.max() >= n:
        raise ValueError(f"the {what} {indices.max() + 1}, where there are {n}")
