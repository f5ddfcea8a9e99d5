"""Files that are written whole or not at all."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["replacing"]


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Gives a file beside ``path`` to be written, which then takes its place: an interruption at any moment leaves either the old file or the new one."""
    partial = path.with_name(path.name + ".partial")
    yield partial
    os.replace(partial, path)
