"""Ctrl-C that lets a step be finished."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["noting_interrupts"]


@contextmanager
def noting_interrupts() -> Iterator[list[bool]]:
    """Within it Ctrl-C only makes the list longer, so that a step can be finished."""
    noted: list[bool] = []
    previous = signal.signal(signal.SIGINT, lambda *_: noted.append(True))
    try:
        yield noted
    finally:
        signal.signal(signal.SIGINT, previous)
