"""What starting costs: a program that imports the package and renders one frame, in a process of its own, prints its times.

``python -m tests.benchmarks.startup ARCH CACHE_FOLDER`` is that program.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass

__all__ = ["Startup", "cold_and_warm"]

ROW = "S-1280-64"


@dataclass(frozen=True, kw_only=True)
class Startup:
    """Seconds, one thing after the other."""

    importing: float
    starting: float
    first_forward: float
    first_backward: float
    second_step: float


def cold_and_warm(arch: str) -> tuple[Startup, Startup]:
    """With an empty offline cache of Taichi's, and with the one that the first process has left."""
    with tempfile.TemporaryDirectory() as folder:
        return _run(arch, folder), _run(arch, folder)


def _run(arch: str, cache: str) -> Startup:
    path = os.pathsep.join(entry or os.getcwd() for entry in sys.path)
    command = [sys.executable, "-m", __name__, arch, cache]
    result = subprocess.run(command, env=os.environ | {"PYTHONPATH": path}, capture_output=True, text=True, check=False)
    if result.returncode:
        raise RuntimeError(f"startup: the process ended with {result.returncode}\n{result.stderr}")
    return Startup(**json.loads(result.stdout.splitlines()[-1]))


def main() -> None:
    arch, cache = sys.argv[1:]
    began = time.perf_counter()
    import taichi_softras

    imported = time.perf_counter()
    taichi_softras.init(arch, offline_cache=True, offline_cache_file_path=cache)
    started = time.perf_counter()
    from . import ours
    from .rows import chosen, scene_of

    step = ours.step_of(scene_of(chosen([ROW], quick=False)[0]))
    forward, backward = step()
    times = Startup(importing=imported - began, starting=started - imported, first_forward=forward, first_backward=backward, second_step=sum(step()))
    print(json.dumps(asdict(times)))


if __name__ == "__main__":
    main()
