"""Starting Taichi, and never behind the user's back.

``ti.init`` resets Taichi: every field and ndarray made before becomes invalid. So it is called here only if nobody has called it yet; where a
Taichi that is already running does not suit, a sentence says what to do.
"""

import atexit
import contextlib
import os
import random
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..checks import check_flag
from ..language import INIT_OPTIONS, arch_name, config, program, runtime, ti
from . import devices

__all__ = ["check_not_forked", "current_arch", "current_runtime", "ensure_initialized", "init", "init_for", "is_deterministic", "one_at_a_time"]

# Taichi compiles a kernel at its first call, and two threads must not compile at once. Backward may come from any thread.
one_at_a_time = threading.RLock()

_ARCHES = {"cpu": ti.cpu, "cuda": ti.cuda, "vulkan": ti.vulkan, "metal": ti.metal}


_lost_in_fork = False


def _after_fork() -> None:
    """A forked process has the memory of a running Taichi, and none of its threads: a kernel would wait for them for ever."""
    global _lost_in_fork
    _lost_in_fork = program() is not None


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


@atexit.register
def _save_compiled() -> None:
    """Taichi writes what it has compiled to its cache when it ends, and nobody ends it where torch is in use."""
    if program() is not None and not _lost_in_fork and one_at_a_time.acquire(timeout=1.0):
        _wait_for_others(Path(config().offline_cache_file_path) / "ticache.lock")
        ti.reset()


def _wait_for_others(lock: Path, seconds: float = 3.0, abandoned: float = 10.0) -> None:
    """Until no other process writes to Taichi's cache, which does not wait: what it cannot write at once is lost. An old lock is of one that was killed."""
    give_up = time.monotonic() + seconds
    while time.monotonic() < give_up:
        try:
            if time.time() - lock.stat().st_mtime > abandoned:
                return
        except OSError:  # there is none
            return
        time.sleep(random.uniform(0.01, 0.1))  # not all at once


def check_not_forked() -> None:
    """Before anything is asked of Taichi.

    Raises:
        RuntimeError: in a process that was forked off one in which Taichi ran.
    """
    if _lost_in_fork:
        raise RuntimeError(
            "taichi_softras: Taichi already ran when this process was forked, and its threads did not come along; "
            "start worker processes by spawn (torch: multiprocessing_context='spawn'), or render in the main process only after they have been forked"
        )


def current_arch() -> str | None:
    """The backend that Taichi runs on: "cpu", "cuda", "vulkan", "metal", another name of Taichi's, or None if it has not been started."""
    return None if program() is None else arch_name()


def current_runtime() -> Any:
    """Taichi as it runs now: another object after each ``ti.init`` or ``ti.reset``, which end all arrays of before."""
    return runtime()


def is_deterministic() -> bool:
    """Whether gradients have the same bits in every run: kernels run in one thread, so that what many add to one number is added in one order.

    Pictures have the same bits in every run in any case.
    """
    return current_arch() == "cpu" and config().cpu_max_num_threads == 1


def init(arch: str = "cpu", *, deterministic: bool = False, **options: object) -> str:
    """Starts Taichi on ``arch`` if it is not running yet, and returns the name of the backend.

    Args:
        arch: "cpu", "cuda", "vulkan", "metal", or "auto": a GPU if there is one (by CUDA, else by Metal or Vulkan), else the CPU; a line on the standard error
            says which, and why. A Taichi that already runs suits "auto", whatever it runs on.
        deterministic: whether gradients, too, are to have the same bits in every run. Only the CPU can do that, with one thread (`tests/benchmarks` tells the
            price).
        options: further arguments of ``ti.init``.

    Raises:
        ValueError: if ``arch`` is not one of these names, or ``deterministic`` is wanted of another one than the CPU.
        RuntimeError: if Taichi already runs on another backend or with several threads where one is wanted, or cannot run on this backend.
    """
    check_flag("init", "deterministic", deterministic)
    if deterministic:
        if arch != "cpu":
            raise ValueError(f"init: arch must be cpu where deterministic gradients are wanted, got {arch!r}")
        options = {"cpu_max_num_threads": 1} | options
    if arch not in (*_ARCHES, "auto"):
        raise ValueError(f"init: arch must be one of {', '.join(_ARCHES)}, auto, got {arch!r}")
    check_not_forked()
    with one_at_a_time:
        running = _init_auto(devices.GPU_BACKENDS, options) if arch == "auto" else _init(arch, options)
    if deterministic and not is_deterministic():
        raise RuntimeError("init: Taichi already runs with several threads, expected one for deterministic gradients; call taichi_softras.init first of all")
    return running


def init_for(op: str, arch: str, gpus: Sequence[str]) -> str:
    """Starts Taichi for a command ``op``, whose user asks for ``arch``: "cpu", one of the ``gpus`` that the command can use, or "auto", the first of them that
    this machine has, else the CPU (which a line on the standard error tells, as for `init`). Returns the name of the backend.

    Raises:
        RuntimeError: if this machine has no such GPU; the sentence says why.
    """
    if arch == "auto":
        check_not_forked()
        with one_at_a_time:
            return _init_auto(gpus, {})
    if arch in gpus and not (offered := devices.offer_of(arch)).devices:
        raise RuntimeError(f"{op}: --arch must be a backend that this machine has, got {arch} ({offered.why_none}); `taichi-softras doctor` tells more")
    return init(arch)


def _init_auto(gpus: Sequence[str], options: dict[str, Any]) -> str:
    running = current_arch()
    if running is not None:
        print(f"taichi_softras: Taichi already runs on {running}", file=sys.stderr)
        return running
    reasons = []
    for arch in gpus:
        offered = devices.offer_of(arch)
        if not offered.has_gpu:
            software = ", ".join(device.name for device in offered.devices)
            reasons.append(f"no {arch}: {offered.why_none or f'only the CPU plays a GPU ({software})'}")
            continue
        try:
            _init(arch, options)
        except RuntimeError as error:
            reasons.append(f"no {arch}: {error}")
            ti.reset()
            continue
        return _say(arch, [f"the first of {', '.join(device.name for device in offered.devices if not device.is_software)}", *reasons])
    return _say(_init("cpu", options), reasons)


def _say(arch: str, reasons: list[str]) -> str:
    print(f"taichi_softras: Taichi runs on {arch} ({'; '.join(reasons)})", file=sys.stderr)
    return arch


def _init(arch: str, options: dict[str, Any]) -> str:
    running = current_arch()
    if running is None:
        os.environ.setdefault("TI_SKIP_VERSION_CHECK", "ON")  # no question to a server at every start
        options = {"log_level": ti.WARN} | INIT_OPTIONS | options
        with contextlib.redirect_stdout(sys.stderr):  # what it says of itself is no result
            ti.init(arch=_ARCHES[arch], **options)
        _compile_something()
        running = current_arch()
        if running != arch:
            raise RuntimeError(f"init: this machine offers Taichi no {arch} (it fell back to {running})")
    elif running != arch:
        raise RuntimeError(
            f"init: Taichi already runs on {running}, expected {arch}; call taichi_softras.init({arch!r}) (or ti.init(arch=ti.{arch})) "
            "first of all, before any field or ndarray is made: starting it again would invalidate them"
        )
    return running


def ensure_initialized(default: str = "cpu") -> str:
    """The running backend; starts ``default`` if there is none."""
    check_not_forked()
    return current_arch() or init(default)


@ti.kernel
def _compile_something():  # type: ignore[no-untyped-def]
    """Taichi wants its first kernel compiled in the thread that started it; later ones may come from any."""
    for _ in range(1):
        pass
