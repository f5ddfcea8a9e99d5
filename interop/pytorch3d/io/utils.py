"""Where files are read from and written to: a path, a stream, or what a path manager (iopath's) makes of a name."""

import os
from pathlib import Path
from typing import Any

from ....replacing import replacing
from ....scene import NamedFiles, as_path, is_file

__all__ = ["PathOrStr", "opened", "written"]

PathOrStr = str | Path


class _ManagedFiles(NamedFiles):
    """The files that a mesh names, found by a path manager beside it."""

    def __init__(self, name: str, path_manager: Any) -> None:
        super().__init__(Path(name))
        self.folder, self.path_manager = os.path.dirname(name), path_manager

    def find(self, subject: str, name: str) -> Path | None:
        place = os.path.join(self.folder, name)
        return Path(self.path_manager.get_local_path(place)) if self.path_manager.exists(place) else None


def opened(op: str, f: Any, path_manager: Any = None) -> tuple[NamedFiles, bytes]:
    """The files that a mesh names, and its own bytes. (Those of a stream are looked for where the program runs.)

    Raises:
        TypeError: if ``f`` is neither a path nor a stream. FileNotFoundError: if there is no such file.
    """
    if hasattr(f, "read"):
        content = f.read()
        return NamedFiles(Path("stream")), content.encode() if isinstance(content, str) else content
    path = as_path(op, "f", f)
    if path_manager is not None and isinstance(f, str):
        with path_manager.open(f, "rb") as file:
            return _ManagedFiles(f, path_manager), file.read()
    if not is_file(path):
        raise FileNotFoundError(f"{op}: there is no file {path}")
    return NamedFiles(path), path.read_bytes()


def written(op: str, f: Any, content: bytes, path_manager: Any = None) -> None:
    """Writes a file whole or not at all; or into a stream of bytes, or of text.

    Raises:
        TypeError: if ``f`` is neither a path nor a stream.
    """
    if hasattr(f, "write"):
        f.write(content.decode() if hasattr(f, "encoding") or hasattr(f, "newlines") else content)
        return
    path = as_path(op, "f", f)
    if path_manager is not None and isinstance(f, str):
        with path_manager.open(f, "wb") as file:
            file.write(content)
        return
    with replacing(path) as partial:
        partial.write_bytes(content)
