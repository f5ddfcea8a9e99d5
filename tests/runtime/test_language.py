"""Which runtime the kernels run on: what the environment asks for, else what is installed; and what is done where it is another than those known."""

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from conftest import REPOSITORY

import taichi_softras
from taichi_softras import TaichiArrays, language
from taichi_softras.language import ti
from taichi_softras.runtime import launch as launching
from taichi_softras.viewer.app import show

NOTHING_FOUND = "import importlib.util\nimportlib.util.find_spec = lambda name: None\nimport taichi_softras"


def ended(script: str, **environment: str) -> str:
    """The last line that a process writes on the standard error, or prints."""
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=REPOSITORY, env=os.environ | environment, capture_output=True, text=True, timeout=120, check=False
    )
    return (done.stderr or done.stdout).strip().splitlines()[-1]


def test_a_name_that_is_none():
    said = ended("import taichi_softras", TAICHI_SOFTRAS_RUNTIME="taichy")
    assert said == "ImportError: taichi_softras: TAICHI_SOFTRAS_RUNTIME must be taichi or quadrants, got 'taichy'"


@pytest.mark.parametrize("name", language.RUNTIMES)
def test_one_that_is_not_installed(name):
    said = ended(
        f"import importlib.util as u\nu.find_spec = lambda name: None\nimport taichi_softras.language as l\nassert l is None, {name!r}",
        TAICHI_SOFTRAS_RUNTIME=name,
    )
    assert said == f"ImportError: taichi_softras needs {name}, which is not installed: pip install {name}"


def test_none_is_installed():
    said = ended(NOTHING_FOUND, TAICHI_SOFTRAS_RUNTIME="")
    assert said == "ImportError: taichi_softras needs taichi or quadrants, which is not installed: pip install taichi"


def test_the_only_one_is_taken():
    """As on Python 3.14, where there is no Taichi."""
    only = f"import importlib.util as u\nfind = u.find_spec\nu.find_spec = lambda name: find(name) if name == {language.NAME!r} else None\n"
    assert ended(only + "from taichi_softras.language import NAME\nprint(NAME)", TAICHI_SOFTRAS_RUNTIME="") == language.NAME


def test_one_that_cannot_be_loaded(tmp_path):
    """As Taichi on a bare Debian."""
    (tmp_path / "taichi").mkdir()
    missing = "libX11.so.6: cannot open shared object file: No such file or directory"
    (tmp_path / "taichi" / "__init__.py").write_text(f"raise ImportError({missing!r})")
    said = ended(f"import sys\nsys.path.insert(0, {str(tmp_path)!r})\nimport taichi_softras", TAICHI_SOFTRAS_RUNTIME="taichi")
    assert said == f"ImportError: taichi_softras: taichi is installed, but cannot be loaded: {missing} (on Debian and Ubuntu: apt install libx11-6)"


def test_without_windows_view_says_what_to_do(monkeypatch):
    monkeypatch.setattr("taichi_softras.viewer.app.HAS_WINDOWS", False)
    with pytest.raises(RuntimeError) as caught:
        show(None, (8, 8))
    assert str(caught.value) == (
        f"view: {language.NAME} opens no windows; in a browser, here or elsewhere: taichi-softras view --browser; "
        "a picture alone: taichi-softras view --headless --screenshot out.png"
    )


class TestUnknownRuntime:
    """Kernels are called in its own way."""

    @pytest.mark.parametrize("missing", ["ensure_compiled", "arguments" if language.NAME == "taichi" else "arg_metas"])
    def test_a_kernel_built_otherwise(self, missing):
        class Other:
            def __init__(self, kernel):
                self._kernel = kernel

            def __getattr__(self, name):
                if name == missing:
                    raise AttributeError(name)
                return getattr(self._kernel, name)

        @ti.kernel
        def double(x: ti.types.ndarray(dtype=ti.f32, ndim=1)):
            for i in x:
                x[i] *= 2.0

        x = np.ones(3, np.float32)
        double(x)
        assert language.instance_of(language.kernel_of(double), (x,)) is not None
        assert language.instance_of(Other(language.kernel_of(double)), (x,)) is None

    def test_launches_are_calls(self, monkeypatch):
        TaichiArrays()
        calls = []

        @ti.kernel
        def add_one(x: ti.types.ndarray(dtype=ti.f32, ndim=1)):
            for i in x:
                x[i] += 1.0

        def counted(*arguments):
            calls.append(arguments)
            add_one(*arguments)

        counted._primal = language.kernel_of(add_one)
        monkeypatch.setattr(launching, "instance_of", lambda kernel, arguments: None)
        x = np.zeros(3, np.float32)
        for _ in range(4):
            launching.launch(counted, (x,))
        assert x.tolist() == [4.0] * 3
        assert len(calls) == 4


def test_everything_asks_there():
    """No other file of the product names the runtime that is chosen."""
    root = Path(taichi_softras.__file__).parents[1]
    files = [path for folder in ("kernels", "interop", "taichi_softras") for path in (root / folder).rglob("*.py") if path.name != "language.py"]
    assert len(files) > 100
    assert not [str(path) for path in files if re.search(r"^\s*(import|from) (taichi|quadrants)\b(?!_)", path.read_text(encoding="utf-8"), re.M)]
