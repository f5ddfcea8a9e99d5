"""How Taichi's cache is written when a process ends: not while another one writes to it."""

import os
import threading
import time
from pathlib import Path

from taichi_softras.runtime.start import _wait_for_others


def seconds_of_waiting(lock: Path, seconds: float = 3.0) -> float:
    began = time.monotonic()
    _wait_for_others(lock, seconds)
    return time.monotonic() - began


def test_it_waits_until_the_other_is_done(tmp_path):
    lock = tmp_path / "ticache.lock"
    lock.touch()
    threading.Timer(0.4, lock.unlink).start()
    assert seconds_of_waiting(lock) >= 0.35
    assert not lock.exists()


def test_it_does_not_wait_for_ever(tmp_path):
    lock = tmp_path / "ticache.lock"
    lock.touch()
    assert seconds_of_waiting(lock, 0.3) >= 0.3
    assert lock.exists()


def test_a_killed_process_is_not_waited_for(tmp_path):
    lock = tmp_path / "ticache.lock"
    assert seconds_of_waiting(lock, 60) < 30
    lock.touch()
    os.utime(lock, (time.time() - 60,) * 2)
    assert seconds_of_waiting(lock, 60) < 30
