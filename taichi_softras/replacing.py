"""Files that are written whole or not at all."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["replacing"]


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Gives a file beside ``path`` to be written, which then takes its place: an interruption at any moment leaves either the old file or the new one.

    What could not be written to the end (a full disk, Ctrl-C) is removed; only a process that is killed leaves it behind, as ``name.partial.suffix``.
    """
    partial = path.with_name(f"{path.stem}.partial{path.suffix}")
    try:
        yield partial
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)
