"""What is read and written of each format: tables in which every cell is a file of its own, made byte by byte, and what really came of it.

A cell is judged by what comes back: a `Row` knows what its file shows, and in which words to say that it came; anything else is an error, not another word.
What is refused is told with its sentence, what is warned of with the warning. Where a format cannot say a thing at all, a row lists it as ``none``.

    python -m tests.formats  # writes docs/formats.md
"""

import re
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = ["NONE", "Row", "outcome", "sentence"]

NONE = "the format has none"
LONGEST, BEGIN = 160, 90  # of a sentence in a cell, and of what stands before its middle if that is left out


@dataclass(frozen=True, kw_only=True)
class Row:
    """A feature.

    Attributes:
        feature: its name.
        files: for each format, what makes the file in a folder, and gives what `judge` wants.
        judge: the words for what has come; raises AssertionError if it is not right.
        none: the formats that cannot say it.
    """

    feature: str
    files: dict[str, Callable[[Path], Any]]
    judge: Callable[[Any], str]
    none: tuple[str, ...] = ()

    def cell(self, name: str, folder: Path) -> str:
        """What stands in the column ``name``."""
        assert (name in self.files) != (name in self.none), f"{self.feature} of {name} must be a file, or none"
        return NONE if name in self.none else outcome(lambda: self.files[name](folder), self.judge, f"{self.feature}, {name}")


def outcome(call: Callable[[], Any], judge: Callable[[Any], str], what: str) -> str:
    """The words for what a call gives, refuses and warns of."""
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        try:
            given = call()
        except (ValueError, FileNotFoundError) as error:
            return f"refused: `{sentence(error)}`"
    try:
        words = judge(given)
    except AssertionError as error:
        raise AssertionError(f"{what}: {error}") from error
    return "; ".join([words, *(f"warned of: `{sentence(one.message)}`" for one in said)])


def sentence(error: object) -> str:
    """What is said, without the file's name and whose fault it is."""
    said = re.sub(r"^[\w.]+: ((the texture of |the material file of )?/\S+)(:? )", "", str(error))
    said = re.sub(r"^[\w.]+: (the file )?", "", said)
    said = re.sub(r"/\S*/", "", said)
    said = re.sub(r"^must be a readable \S+ file, got (\w+Error: )?", "", said)
    return said if len(said) <= LONGEST else f"{said[:BEGIN].rsplit(' ', 1)[0]} ... {said[-(LONGEST - BEGIN) :].split(' ', 1)[1]}"
