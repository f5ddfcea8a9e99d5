"""What every test shares: Taichi on the CPU, started once, and the data beside the repository.

Scenes are made in `scenes.py`, and compared with the plain NumPy rasteriser of `reference.py`. One process has one Taichi: a test that needs another
backend, or another order of starting, runs a script in a process of its own (`run_python`).
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import taichi_softras

REPOSITORY = Path(__file__).resolve().parents[1]
SHARED = REPOSITORY.parent / "shared"

taichi_softras.init("cpu")


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of goldens and meshes, which is no part of the repository."""
    if not SHARED.is_dir():
        pytest.skip(f"the data folder {SHARED} is not on this machine")
    return SHARED


@pytest.fixture(scope="session")
def run_python(tmp_path_factory):
    """Runs a script in a new process, from a file (Taichi reads the source of its kernels there); fails with its errors if it fails."""

    def run(script: str, *, check: bool = True, given: str = "") -> subprocess.CompletedProcess:
        path = tmp_path_factory.mktemp("script") / "script.py"
        path.write_text(script)
        result = subprocess.run(
            [sys.executable, path],
            cwd=path.parent,
            env=os.environ | {"TI_SKIP_VERSION_CHECK": "ON", "PYTHONPATH": os.pathsep.join([str(REPOSITORY), os.environ.get("PYTHONPATH", "")])},
            input=given,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        if check and result.returncode:
            pytest.fail(f"the script ended with {result.returncode}\n{result.stdout}\n{result.stderr}", pytrace=False)
        return result

    return run
