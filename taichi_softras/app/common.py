"""What several of the commands share: the mesh that is asked for, cameras around it, and what to compute on."""

import argparse
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ..recover import normal_colors
from ..scene import Mesh, creature

__all__ = ["DISTANCE", "FOV", "GPUS", "INTERRUPTED", "add_arch", "add_page", "colored", "numbered"]

DISTANCE, FOV = 3.2, 40.0  # of the cameras around a mesh of radius 1
GPUS = ("cuda",)  # of descents and of pictures whose size changes: Taichi compiles its fields, which Vulkan and Metal need, anew for each size
INTERRUPTED = 130  # the exit status of a program ended by Ctrl-C


def add_arch(command: argparse.ArgumentParser, gpus: Sequence[str]) -> None:
    """The option --arch."""
    choices = ("auto", "cpu", *gpus)
    meaning = f"what to compute on; auto: {' or '.join(gpus)} if there is such a GPU, else cpu (default: %(default)s)"
    command.add_argument("--arch", choices=choices, default="cpu", help=meaning)


def add_page(command: argparse.ArgumentParser, option: str, meaning: str) -> None:
    """The option of a command that opens a page in a browser, and where that page is."""
    command.add_argument(option, action="store_true", help=f"{meaning} (needs the extra `browser`)")
    command.add_argument("--host", default="localhost", help="with it: who may come to the page; 0.0.0.0: whoever can reach this machine (default: it alone)")
    command.add_argument("--port", type=int, default=8080, help="with it: where the page is, or the next free port (default: %(default)s)")


def colored(source: str | None, grey: float | None = None) -> Mesh:
    """The mesh of a file, or the embedded one, of radius 1; one without colours shows its normals, or is grey."""
    mesh = creature() if source is None else Mesh.load(source).normalized()
    if mesh.is_colored:
        return mesh
    return normal_colors(mesh) if grey is None else replace(mesh, colors=np.full_like(mesh.vertices, grey))


def numbered(count: int) -> tuple[str, ...]:
    """Names for so many pictures."""
    return tuple(f"r_{k:03d}" for k in range(count))
