"""Checks of arguments, with one form of sentence: ``op: name must ..., got ...``."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from .language import NAME

__all__ = [
    "BRIGHTEST",
    "COUNTABLE",
    "MAX_IMAGE_SIDE",
    "as_array",
    "as_numbers",
    "check_array",
    "check_choice",
    "check_corners",
    "check_countable",
    "check_faces",
    "check_features",
    "check_finite",
    "check_flag",
    "check_image_size",
    "check_indices",
    "check_integer",
    "check_kind",
    "check_number",
    "check_one_of",
    "check_reals",
    "check_shape",
    "check_table",
    "check_unit",
    "dtype_of",
    "is_taken",
]

BRIGHTEST = 16  # of colours in 0..1; larger ones are in 0..255
MAX_IMAGE_SIDE = 1 << 14
COUNTABLE = 2**31 - 2**24  # the kernels count in 32 bits, and a GPU's threads go on from where they are by as many as there are


def check_shape(op: str, name: str, shape: Sequence[int], expected: Sequence[int | str], sizes: dict[str, int] | None = None) -> None:
    """Compares a shape with a pattern such as ("V", 3). A letter means one number: that in ``sizes``, which learns new letters."""
    sizes = {} if sizes is None else sizes
    fits = len(shape) == len(expected)
    for size, want in zip(shape, expected, strict=False):
        fits &= size == (sizes.get(want, size) if isinstance(want, str) else want)
    if not fits:
        letters = [f"{w} = {sizes[w]}" for w in expected if isinstance(w, str) and w in sizes]
        where = f" with {', '.join(letters)}" if letters else ""
        raise ValueError(f"{op}: {name} must have shape ({', '.join(map(str, expected))}){where}, got {tuple(shape)}")
    sizes.update({want: size for size, want in zip(shape, expected, strict=True) if isinstance(want, str)})


def dtype_of(array: np.ndarray) -> str:
    """What people call it."""
    return "text" if array.dtype.kind in "US" else str(array.dtype)


def as_numbers(op: str, name: str, values: object) -> np.ndarray:
    """Real numbers as float64."""
    array = as_array(op, name, values)
    if array.dtype.kind not in "fiu":
        raise TypeError(f"{op}: {name} must be real numbers, got {dtype_of(array)}")
    return array.astype(np.float64)


def check_array(op: str, name: str, values: object, expected: Sequence[int | str], sizes: dict[str, int] | None = None) -> None:
    """A NumPy array of real numbers of a shape (see `check_shape`)."""
    if not isinstance(values, np.ndarray):
        raise TypeError(f"{op}: {name} must be a NumPy array, got {type(values).__name__}")
    if values.dtype.kind not in "fiub":
        raise TypeError(f"{op}: {name} must be real numbers, got {values.dtype}")
    check_shape(op, name, values.shape, expected, sizes)


def check_unit(op: str, name: str, values: np.ndarray) -> None:
    """Colours and masks are from 0 to 1: those that are surely in 0..255 are refused. (Of real numbers a few may be above 1, as bright lights leave them.)"""
    largest = values.max(initial=0)
    if largest > (BRIGHTEST if values.dtype.kind == "f" else 1):
        raise ValueError(f"{op}: {name} must be from 0 to 1, got up to {largest:g} (divide what is in 0..255 by 255)")


_SPELLINGS = {"f32": ("f32", "float32", "torch.float32"), "f64": ("f64", "float64", "torch.float64")}  # of one type, in each library
_MODULES = {"taichi": {NAME, "numpy"}, "field": {NAME, "numpy"}, "torch": {"torch"}}  # whose arrays a library takes


_makers: dict[type, set[str]] = {}  # the packages that classes and their bases come from


def is_taken(arrays: Any, array: Any) -> bool:
    """Whether the library ``arrays`` takes arrays of this kind."""
    kind = type(array)
    if kind not in _makers:
        _makers[kind] = {base.__module__.split(".", 1)[0] for base in kind.__mro__}
    return not _MODULES[arrays.place[0]].isdisjoint(_makers[kind]) and hasattr(array, "dtype")


def check_reals(op: str, arrays: Any, **given: Any) -> None:
    """Arrays of the library ``arrays``, of its type of real numbers. (None is none.)"""
    real, modules = arrays.variant.real, _MODULES[arrays.place[0]]
    for name, array in given.items():
        if array is None:
            continue
        if not is_taken(arrays, array):
            raise TypeError(f"{op}: {name} must be an array of {' or '.join(sorted(modules, reverse=True))}, got {type(array).__name__}")
        if str(array.dtype) not in _SPELLINGS[str(real)]:
            raise TypeError(f"{op}: {name} must be {_SPELLINGS[str(real)][1]}, as the other arrays are, got {array.dtype}")


def check_number(op: str, name: str, value: float, low: float = -np.inf, high: float = np.inf, *, low_too: bool = False) -> None:
    """A finite number strictly between ``low`` and ``high``, or, with ``low_too``, at ``low``."""
    if not isinstance(value, (int, float, np.integer, np.floating)) or isinstance(value, bool):
        raise TypeError(f"{op}: {name} must be a number, got {type(value).__name__}")
    if not (np.isfinite(value) and (low < value < high or (low_too and value == low))):
        least = f"of at least {low:g}" + ("" if high == np.inf else f" and less than {high:g}")
        raise ValueError(f"{op}: {name} must be a finite number {least if low_too else f'between {low:g} and {high:g} (exclusive)'}, got {value}")


def check_integer(op: str, name: str, value: int, low: int, high: int) -> None:
    """A whole number in [low, high]."""
    if not isinstance(value, (int, np.integer)) or isinstance(value, bool):
        raise TypeError(f"{op}: {name} must be a whole number, got {value!r}")
    if not low <= value <= high:
        raise ValueError(f"{op}: {name} must be between {low} and {high}, got {value}")


def check_choice(op: str, name: str, value: object, kind: type) -> None:
    """A member of the enum ``kind``."""
    if not isinstance(value, kind):
        raise TypeError(f"{op}: {name} must be one of {', '.join(str(member) for member in kind)}, got {value!r}")  # type: ignore[attr-defined]


def check_one_of(op: str, name: str, value: object, choices: Sequence[object]) -> None:
    """One of a few values; 1 does not stand for True."""
    if not any(value is choice or (type(value) is type(choice) and value == choice) for choice in choices):
        raise ValueError(f"{op}: {name} must be one of {', '.join(map(repr, choices))}, got {value!r}")


def check_kind(op: str, name: str, value: object, kind: type) -> None:
    """An instance of ``kind``."""
    if not isinstance(value, kind):
        raise TypeError(f"{op}: {name} must be a {kind.__name__}, got {type(value).__name__}")


def check_flag(op: str, name: str, value: object) -> None:
    """True or False."""
    if not isinstance(value, bool):
        raise TypeError(f"{op}: {name} must be True or False, got {value!r}")


def check_countable(op: str, what: str, n: int) -> None:
    """What is a place in an array of the kernels, or a turn of their loops, is below `COUNTABLE`."""
    if n >= COUNTABLE:
        raise MemoryError(f"{op}: there must be fewer than {COUNTABLE} {what}, got {n}; use smaller images, batches, textures or softness")


def check_image_size(op: str, image_size: int | Sequence[int]) -> tuple[int, int]:
    """(height, width); one number means a square."""
    sides = tuple(image_size) if isinstance(image_size, (tuple, list)) else (image_size, image_size)
    if len(sides) != 2:
        raise ValueError(f"{op}: image_size must be one number, or height and width, got {sides}")
    check_integer(op, "image height", sides[0], 1, MAX_IMAGE_SIDE)
    check_integer(op, "image width", sides[1], 1, MAX_IMAGE_SIDE)
    return int(sides[0]), int(sides[1])


def check_indices(op: str, name: str, indices: object, of: str, n: int) -> np.ndarray:
    """A list of integers within [0, n)."""
    array = np.asarray(indices)
    if array.dtype.kind not in "iu" and array.size:
        raise TypeError(f"{op}: {name} must be integers, got {dtype_of(array)}")
    check_shape(op, name, array.shape, ("N",))
    if array.size and not (int(array.min()) >= 0 and int(array.max()) < n):
        raise ValueError(f"{op}: {name} must be numbers of {of}, 0 to {n - 1}, got {int(array.min()) if array.min() < 0 else int(array.max())}")
    return array.astype(np.int64)


def check_table(
    op: str, name: str, table: object, expected: Sequence[int | str], n: int, sizes: dict[str, int] | None = None, *, at_least_one: bool = True
) -> None:
    """A list of indices as the kernels take it: int32, within [0, n)."""
    if not isinstance(table, np.ndarray) or table.dtype != np.int32:
        raise TypeError(f"{op}: {name} must be a NumPy array of int32, got {table.dtype if isinstance(table, np.ndarray) else type(table).__name__}")
    check_shape(op, name, table.shape, expected, sizes)
    if table.size == 0:
        if at_least_one:
            raise ValueError(f"{op}: {name} must have at least one entry, got none")
        return
    low, high = int(table.min()), int(table.max())
    if low < 0 or high >= n:
        raise ValueError(f"{op}: {name} must be indices 0 to {n - 1}, got {low if low < 0 else high}")


def check_features(op: str, name: str, shape: Sequence[int], sizes: dict[str, int]) -> None:
    """[V, C] with at least one channel."""
    check_shape(op, name, shape, ("V", "C"), dict(sizes))
    if shape[1] == 0:
        raise ValueError(f"{op}: {name} must have at least one channel (None stands for none), got {tuple(shape)}")
    check_countable(op, f"numbers in {name}", shape[0] * shape[1])


def check_finite(op: str, name: str, values: np.ndarray) -> None:
    """No NaN and no infinity."""
    good = np.isfinite(values)
    if not good.all():
        where = tuple(int(i) for i in np.argwhere(~good)[0])
        raise ValueError(f"{op}: {name} must be finite, got {values[where]} at {where}")


def as_array(op: str, name: str, values: object) -> np.ndarray:
    """What NumPy makes of them; torch's tensors come from any device that has memory."""
    if getattr(values, "is_meta", False):
        raise ValueError(f"{op}: {name} must be on a device with memory, got meta")
    try:
        return np.asarray(values.detach().cpu() if hasattr(values, "detach") and hasattr(values, "cpu") else values)
    except (TypeError, ValueError, RuntimeError) as error:
        raise TypeError(f"{op}: {name} must be an array, got {type(values).__name__}: {error}") from error


def check_faces(op: str, faces: Any, n_vertices: int) -> np.ndarray:
    """Faces as contiguous int32 [F, 3] whose indices lie within [0, n_vertices)."""
    return check_corners(op, "faces", faces, "vertices", n_vertices)


def check_corners(op: str, name: str, corners: Any, of: str, n: int) -> np.ndarray:
    """What the corners of faces are, as contiguous int32 [F, 3] whose indices lie within [0, n)."""
    corners = as_array(op, name, corners)
    if corners.dtype.kind not in "iu":
        raise TypeError(f"{op}: {name} must be integers, got {dtype_of(corners)}")
    check_shape(op, name, corners.shape, ("F", 3))
    if len(corners) == 0:
        raise ValueError(f"{op}: the mesh must have at least one face, got none")
    low, high = int(corners.min()), int(corners.max())
    if low < 0 or high >= n:
        raise ValueError(f"{op}: {name} must index {of} 0 to {n - 1}, got {low if low < 0 else high}")
    return np.ascontiguousarray(corners, dtype=np.int32)
