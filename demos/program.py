"""How the programs of this folder begin and end: a parser with a folder for the results, numbers that are checked, errors of one sentence. Needs no torch."""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

__all__ = ["GOES_ON", "check_folder", "check_ranges", "program_parser", "run_program", "say"]

GOES_ON = "interrupted; the same command goes on"


def program_parser(told: str | None, out: str | None = None) -> argparse.ArgumentParser:
    """A parser that tells what the program does, with ``-o``, the folder for the results: ``out``, or one that the user must give."""
    parser = argparse.ArgumentParser(description=told, formatter_class=argparse.RawDescriptionHelpFormatter)
    usual = {"required": True} if out is None else {"default": Path(out)}
    parser.add_argument("-o", "--out", type=Path, help="folder for the results" + ("" if out is None else " (default: %(default)s)"), **usual)
    return parser


def check_ranges(options: object, **ranges: tuple[int, int]) -> None:
    """Raises ValueError if one of the numbers is not within its range."""
    for name, (lowest, highest) in ranges.items():
        value = getattr(options, name)
        if not lowest <= value <= highest:
            raise ValueError(f"--{name.replace('_', '-')} must be between {lowest} and {highest}, got {value}")


def check_folder(out: Path) -> None:
    """Raises ValueError if results cannot be written there."""
    if out.exists() and not out.is_dir():
        raise ValueError(f"OUT must be a folder, got the file {out}")


def say(what: str) -> None:
    """A line for who waits: on the standard error, as results alone are on the standard output."""
    print(f"{what} ...", file=sys.stderr, flush=True)


def run_program(name: str, main: Callable[[], None], *, goes_on: bool = False) -> None:
    """Runs ``main``: what was wrong is one sentence, no traceback; with ``goes_on`` so is Ctrl-C."""
    try:
        main()
    except KeyboardInterrupt:
        if not goes_on:
            raise
        sys.exit(f"{name}: {GOES_ON}")
    except (ValueError, OSError, FloatingPointError) as error:
        sys.exit(f"{name}: {error}")
