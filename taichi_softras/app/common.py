"""What several of the commands share: the mesh that is asked for, cameras around it, and what to compute on."""

import argparse
import os
import sys
import textwrap
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from ..recover import Capture, normal_colors
from ..scene import Mesh, creature

__all__ = ["DISTANCE", "FOV", "GPUS", "INTERRUPTED", "Help", "add_arch", "add_command", "add_page", "check_out", "colored", "notes_on_masks", "numbered", "say"]

DISTANCE, FOV = 3.2, 40.0  # of the cameras around a mesh of radius 1
GPUS = ("cuda",)  # of descents and of pictures whose size changes: Taichi compiles its fields, which Vulkan and Metal need, anew for each size
INTERRUPTED = 130  # the exit status of a program ended by Ctrl-C


class Help(argparse.HelpFormatter):
    """Help whose lines are broken where the terminal ends, except in texts of several lines: those stand as they were written."""

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        return textwrap.indent(text, indent) if "\n" in text else super()._fill_text(text, width, indent)


def add_command(commands: Any, name: str, *, what: str, usage: str, description: str, epilog: str) -> argparse.ArgumentParser:
    """A command, and its help: ``what`` it does, in a few words and in more, its options, and examples below them."""
    return commands.add_parser(name, help=what, usage=f"taichi-softras {name} {usage}".strip(), description=description, epilog=epilog, formatter_class=Help)


def add_arch(command: argparse.ArgumentParser, gpus: Sequence[str]) -> None:
    """The option --arch."""
    choices = ("auto", "cpu", *gpus)
    meaning = f"what to compute on; auto: {' or '.join(gpus)} if there is such a GPU, else cpu (default: %(default)s)"
    command.add_argument("--arch", choices=choices, default="cpu", help=meaning)


def add_page(command: argparse.ArgumentParser, option: str, meaning: str) -> None:
    """The option of a command that opens a page in a browser, and where that page is."""
    add = command.add_argument_group("in a browser").add_argument
    add(option, action="store_true", help=f"{meaning} (needs the extra `browser`)")
    add("--host", default="localhost", help="with it: who may come to the page; 0.0.0.0: whoever can reach this machine (default: it alone)")
    add("--port", type=int, default=8080, help="with it: where the page is, or the next free port (default: %(default)s)")


def check_out(op: str, name: str, folder: Path) -> None:
    """That results can be written to a folder, which may not be there yet: told before anything is computed.

    Raises:
        NotADirectoryError: if it, or what it is to be made in, is a file.
        PermissionError: if this user may not write there.
    """
    there = next(place for place in (folder, *folder.absolute().parents) if place.exists())
    if not there.is_dir():
        raise NotADirectoryError(f"{op}: {name} must be a folder, got {f'the file {folder}' if there == folder else f'{folder}, and {there} is a file'}")
    if not os.access(there, os.W_OK):
        raise PermissionError(f"{op}: {name} must be a folder that can be written to, got {folder}")


def say(what: str) -> None:
    """A line for who waits: on the standard error, as results alone are on the standard output."""
    print(f"taichi-softras: {what} ...", file=sys.stderr, flush=True)


def colored(source: str | None, grey: float | None = None) -> Mesh:
    """The mesh of a file, or the embedded one, of radius 1; one without colours shows its normals, or is grey."""
    mesh = creature() if source is None else Mesh.load(source).normalized()
    if mesh.is_colored:
        return mesh
    return normal_colors(mesh) if grey is None else replace(mesh, colors=np.full_like(mesh.vertices, grey))


def notes_on_masks(*captures: Capture) -> list[str]:
    """A sentence that the masks are rough, if some are: such as --segment finds, and nobody has corrected."""
    finders = [(finder, mask) for capture in captures for finder, mask in zip(capture.mask_finders, capture.masks, strict=True)]
    rough = [(finder, mask) for finder, mask in finders if finder is not None and mask is not None]
    if not rough:
        return []
    folder, by = os.path.commonpath([mask.parent for _, mask in rough]), " and ".join(sorted({finder for finder, _ in rough}))
    return [
        f"{len(rough)} of {len(finders)} masks are rough, found by {by}: the result is no better than they are, and is measured by them. Look at them in "
        f"{folder}, correct what is wrong (0 outside, 255 inside), and fit again, with --segment and --overwrite; what lies there is kept."
    ]


def numbered(count: int) -> tuple[str, ...]:
    """Names for so many pictures."""
    return tuple(f"r_{k:03d}" for k in range(count))
