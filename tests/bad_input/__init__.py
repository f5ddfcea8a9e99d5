"""What a user can do wrong: a table of every public function and every kind of mistake, tested, and the source of `docs/errors.md`.

A `Function` tells how it is called well, and of what nature each of its arguments is; the nature knows the mistakes. Each mistake is a `Case`: a call that must
raise one sentence of ours before a kernel runs. `public` lists what must be in the table.

    python -m tests.bad_input  # writes docs/errors.md
"""

import enum
import re
import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

import taichi_softras
from taichi_softras.runtime import Arrays

__all__ = ["Case", "Function", "In", "Kind", "Mistake", "Nature", "outcome"]

PACKAGE = Path(taichi_softras.__file__).resolve().parents[1]
ROOMS = tuple(str(PACKAGE / room) for room in ("taichi_softras", "interop"))
ERRORS = (TypeError, ValueError, MemoryError, RuntimeError, OSError)
FORM = re.compile(r"^[\w.]+:.*( must | there is no | takes |already|either )", re.DOTALL)


SYNONYMS = {  # what sentences call an argument besides its name
    "image_size": ("image height", "image width"),
    "path": ("FOLDER", "the file"),
    "folder": ("FOLDER",),
    "filename_obj": ("FOLDER", "filename"),
    "faces": ("face", "index"),
    "colors": ("features",),
    "parameters": ("parameter",),
    "pictures": ("picture",),
    "face_uvs": ("at least one face",),
    "vertices_screen": ("vertices",),
    "vertices_image": ("vertices",),
    "face_vertices": ("vertices",),
    "face_vertices_image": ("vertices",),
    "vert_offsets_packed": ("offsets",),
    "textures": ("features",),
    "background_color": ("background",),
    "sigma_val": ("sigma",),
    "gamma_val": ("gamma",),
    "dist_eps": ("cutoff",),
    "texture_res_out": ("texture_res",),
    "blur_radius": ("reach_sq",),
}


class Kind(enum.Enum):
    """Of mistakes."""

    TYPE = "type"
    DTYPE = "dtype"
    DEVICE = "device"
    SHAPE = "shape"
    RANGE = "range"
    NAN = "NaN"
    INDEX = "index"
    OPTIONS = "options"
    FILE = "file"


@dataclass(frozen=True)
class In:
    """A value that is made in a fresh folder."""

    make: Callable[[Path], Any]


@dataclass(frozen=True)
class Mistake:
    """A wrong value: its kind, what it is in words, and the value, or how it is made of the good one."""

    kind: Kind
    what: str
    value: Any


@dataclass(frozen=True)
class Nature:
    """What an argument is, as far as mistakes go; or why there are none."""

    mistakes: Callable[[Any], Iterable[Mistake]] = lambda good: ()
    excuse: str = ""


@dataclass(frozen=True)
class Case:
    """One call with one mistake."""

    function: str
    kind: Kind
    what: str
    call: Callable[[Path], Any]
    computes: bool = False
    names: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.function}, {self.kind.value}, {self.what}"


@dataclass(frozen=True, kw_only=True)
class Function:
    """A public function, and what can be wrong with its arguments.

    Attributes:
        name: after ``taichi_softras.``.
        call: it, if the name alone does not lead to it (methods want an object).
        good: makes its arguments.
        natures: of each argument.
        more: further mistakes: kind, what, the arguments that differ.
        computes: kinds of mistakes that a kernel finds.
        called: what sentences call an argument, if not by its name.
    """

    name: str
    good: Callable[[], dict[str, Any]]
    natures: dict[str, Nature]
    call: Callable[..., Any]
    more: Sequence[tuple[Kind, str, dict[str, Any]]] = ()
    computes: tuple[Kind, ...] = (Kind.NAN,)
    called: dict[str, str] = field(default_factory=dict)

    def cases(self) -> Iterator[Case]:
        for argument, nature in self.natures.items():
            good = self.good()
            for mistake in nature.mistakes(good.get(argument)):
                names = (*SYNONYMS.get(argument, ()), argument, *self.called.get(argument, "").split(", "))
                yield self._case(mistake.kind, f"`{argument}`: {mistake.what}", {argument: mistake.value}, tuple(filter(None, names)))
        for kind, what, changed in self.more:
            yield self._case(kind, what, changed, ())

    def _case(self, kind: Kind, what: str, changed: dict[str, Any], names: tuple[str, ...]) -> Case:
        def call(folder: Path) -> Any:
            arguments = self.good() | changed
            return self.call(**{name: value.make(folder) if isinstance(value, In) else value for name, value in arguments.items()})

        return Case(self.name, kind, what, call, computes=kind in self.computes, names=names)


# ------------------------------------------------------------------------------------------------------------------------- natures


def nothing(excuse: str) -> Nature:
    """No mistake is possible, for the reason given."""
    return Nature(excuse=excuse)


def instance(*more: Mistake) -> Nature:
    """An object of a class."""
    return Nature(lambda good: [Mistake(Kind.TYPE, "text", "text"), *more])


def optional(nature: Nature, good: Callable[[], Any] = lambda: None) -> Nature:
    """The same for an argument that a good call leaves out; ``good`` makes one."""
    return Nature(lambda _: nature.mistakes(good()))


def number(*out_of_range: float) -> Nature:
    """A number with a range, if numbers out of it are given."""
    return Nature(
        lambda good: [
            Mistake(Kind.TYPE, "text", "text"),
            Mistake(Kind.NAN, "NaN", float("nan")),
            *(Mistake(Kind.RANGE, f"{value:g}", value) for value in out_of_range),
        ]
    )


def whole(*out_of_range: int) -> Nature:
    """A whole number."""
    return Nature(lambda good: [Mistake(Kind.TYPE, "1.5", 1.5), *(Mistake(Kind.RANGE, str(value), value) for value in out_of_range)])


def choice() -> Nature:
    """A member of an enum."""
    return Nature(lambda good: [Mistake(Kind.TYPE, "text", "text")])


def named() -> Nature:
    """One of several names."""
    return Nature(lambda good: [Mistake(Kind.RANGE, "a name that there is not", "nonsense")])


def text() -> Nature:
    """Any text."""
    return Nature(lambda good: [Mistake(Kind.TYPE, "a number", 1)])


def flag() -> Nature:
    """True or False."""
    return Nature(lambda good: [Mistake(Kind.TYPE, "text", "yes")])


def image_size() -> Nature:
    """(height, width), or a number."""
    return Nature(
        lambda good: [
            Mistake(Kind.TYPE, "8.5", 8.5),
            Mistake(Kind.RANGE, "0", 0),
            Mistake(Kind.RANGE, "20000", 20_000),
            Mistake(Kind.SHAPE, "three numbers", (8, 8, 8)),
        ]
    )


def faces(n: int = 4, name: str = "faces") -> Nature:
    """[F, 3] indices of ``n`` vertices, as whatever NumPy understands."""
    return Nature(
        lambda good: [
            Mistake(Kind.TYPE, "text", "text"),
            Mistake(Kind.DTYPE, "real numbers", np.array([[0.0, 1.0, 2.0]])),
            Mistake(Kind.SHAPE, "quadrilaterals", np.array([[0, 1, 2, 3]])),
            Mistake(Kind.SHAPE, "none", np.zeros((0, 3), int)),
            Mistake(Kind.INDEX, "one too large", np.array([[0, 1, n]])),
            Mistake(Kind.INDEX, "a negative one", np.array([[0, 1, -1]])),
        ]
    )


def numbers(*, finite: bool = True, shape: tuple[int, ...] | None = None, kind_of_text: Kind = Kind.TYPE) -> Nature:
    """A NumPy array, or what makes one. ``shape``: a wrong one."""

    def mistakes(good: Any) -> list[Mistake]:
        array = np.asarray(good, np.float64)
        wrong = np.zeros(shape) if shape is not None else array[..., None]
        found = [Mistake(kind_of_text, "text", "text"), Mistake(Kind.SHAPE, f"{tuple(wrong.shape)}, not {array.shape}", wrong)]
        return [*found, Mistake(Kind.NAN, "NaN", np.full(array.shape, np.nan))] if finite else found

    return Nature(mistakes)


def path(missing: bool = True) -> Nature:
    """A file."""
    found = [Mistake(Kind.TYPE, "a number", 5)]
    return Nature(lambda good: [*found, Mistake(Kind.FILE, "that is not there", In(lambda folder: folder / "none.obj"))] if missing else found)


# ------------------------------------------------------------------------------------------------------------------------ outcomes


def outcome(case: Case, folder: Path, forbid: Callable[[Any, str, Any], None] | None = None) -> str:
    """The sentence that the call raises.

    Raises:
        AssertionError: if it raises nothing, or an error that is not ours, or after a kernel has run.
    """

    def launch(*_: Any) -> None:
        raise _ComputedError

    if forbid is not None and not case.computes:
        forbid(Arrays, "launch", launch)
    error = _error_of(case, folder)
    place = traceback.extract_tb(error.__traceback__)[-1]
    sentence = str(error).replace(str(folder), "FOLDER")
    assert place.filename.startswith(ROOMS), f"{case}: not our error, but {type(error).__name__}: {sentence} ({place.filename}:{place.lineno})"
    assert FORM.match(sentence), f"{case}: not our form of sentence: {sentence}"
    named = sentence.split(": ", 1)[1]
    assert not case.names or any(name in named for name in case.names), f"{case}: none of {case.names} in: {sentence}"
    cause = error.__cause__
    if cause is not None and str(cause) and not _is_ours(cause):
        sentence = sentence.replace(str(cause).replace(str(folder), "FOLDER"), "...")  # other packages' words change with their versions
    assert "\n" not in sentence, f"{case}: more than a line: {sentence}"
    return f"{type(error).__name__}: {sentence}"


def _is_ours(error: BaseException) -> bool:
    """Whether we have raised it ourselves."""
    place = traceback.extract_tb(error.__traceback__)[-1]
    return place.filename.startswith(ROOMS) and (place.line or "").startswith("raise ")


def _error_of(case: Case, folder: Path) -> Exception:
    try:
        case.call(folder)
    except _ComputedError:
        raise AssertionError(f"{case}: a kernel ran before the mistake was found") from None
    except ERRORS as error:
        return error
    raise AssertionError(f"{case}: no error")


class _ComputedError(BaseException):
    pass
