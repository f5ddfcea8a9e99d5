"""The pictures that files of cameras name, found as they were called by other programs and on other computers."""

import contextlib
import re
from pathlib import Path

from ..scene import file_near
from .frames import OPEN, PICTURE_ENDINGS

__all__ = ["NamedPictures", "ending_of"]

ELSEWHERE = (".heic", ".heif")  # endings of pictures that are named, and never read


def ending_of(name: str) -> str:
    """The ending of a picture's name, in small letters; "" if it has none (of ``frame.0001`` the number is none)."""
    ending = re.split(r"[\\/]", name)[-1].lower().rpartition(".")[2]
    return f".{ending}" if f".{ending}" in (*PICTURE_ENDINGS, *ELSEWHERE) and "." in name else ""


class NamedPictures:
    """What the file of cameras ``index`` names, beside it or in ``folder``.

    A name that is not there as it stands is looked for

    * with each ending, if it has none (NeRF's lists);
    * in other letters: lists are written where ``A.JPG`` and ``a.jpg`` are the same file, and read where they are not;
    * without its first folders, if it is a whole path: one of another computer;
    * with another ending, if that is asked for: a picture whose background was taken away is a PNG, and was a JPEG when its camera was found.

    In these ways no two names find the same file.
    """

    def __init__(self, index: Path, what: str = "pictures", folder: Path | None = None) -> None:
        self.subject = f"{OPEN}: the {what} of {index}"
        self.anchor = index if folder is None else folder / index.name
        self._entries: dict[Path, dict[str, str]] = {}
        self._found: dict[Path, str] = {}

    def find(self, name: str, other_ending: bool = False) -> Path | None:
        """The file that is called so; None if there is none.

        Raises:
            ValueError: if it is there, but not near.
        """
        endings = ("",) if ending_of(name) else ("", *PICTURE_ENDINGS)
        for ending in (*endings, *(ending.upper() for ending in endings if ending)):
            if (place := file_near(self.subject, self.anchor, name + ending)) is not None:
                self._found[place] = name
                return place
        for parts in _tails(name):
            for last in _spellings(parts[-1], endings, other_ending):
                spelled = self._spelled([*parts[:-1], last])
                place = None if spelled is None else file_near(self.subject, self.anchor, spelled)
                if place is not None and self._found.setdefault(place, name) == name:
                    return place
        return None

    def _spelled(self, parts: list[str]) -> str | None:
        """A path in letters of any case as it is written on this disk; None if there is none."""
        place = self.anchor.parent
        for part in parts:
            entry = part if part in (".", "..") else self._listed(place).get(part.lower())
            if entry is None:
                return None
            place = place / entry
        return str(place.relative_to(self.anchor.parent)) if parts else None

    def _listed(self, folder: Path) -> dict[str, str]:
        """What a folder holds, by the name in small letters."""
        if folder not in self._entries:
            self._entries[folder] = {}
            with contextlib.suppress(OSError, ValueError):
                self._entries[folder] = {entry.name.lower(): entry.name for entry in sorted(folder.iterdir(), reverse=True)}
        return self._entries[folder]


def _tails(name: str) -> list[list[str]]:
    """The parts of a name; of a whole path, from a root or a drive on, all of its ends, the longest first."""
    parts = [part for part in re.split(r"[\\/]", name) if part]
    if not parts:
        return []
    whole = name.startswith(("/", "\\")) or re.match(r"[A-Za-z]:[\\/]", name) is not None
    return [parts[i:] for i in range(1 if parts[0].endswith(":") else 0, len(parts))] if whole else [parts]


def _spellings(last: str, endings: tuple[str, ...], other_ending: bool) -> list[str]:
    """How a file that is named so may be called."""
    stem = last[: -len(ending)] if (ending := ending_of(last)) else last
    return [*(last + ending for ending in endings), *([stem + ending for ending in PICTURE_ENDINGS] if other_ending and ending else [])]
