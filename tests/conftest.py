"""What every test shares: Taichi on the CPU (or another ``--arch``), started once, and the data beside the repository.

Scenes are made in `scenes.py`, and compared with the plain torch of `interop/dense.py` (`second_opinion.py`). One process has one Taichi: a test that needs
another backend, or another order of starting, runs a script in a process of its own (`run_python`).

Without torch the tests of the standalone part run: all files that do not speak of it.
"""

import functools
import gc
import importlib.util
import os
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from forked import Forked
from scenes import ellipsoid, of_gpus, pictures_of

import taichi_softras
from taichi_softras.recover import Views

REPOSITORY = Path(__file__).resolve().parents[1]
SHARED = REPOSITORY.parent / "shared"

collect_ignore = []
try:
    import torch
except ImportError:
    here = Path(__file__).parent
    speaks_of_torch = re.compile(r"^\s*(import torch|from torch|from taichi_softras\.interop|import taichi_softras\.interop)|-m pip|README =", re.MULTILINE)
    collect_ignore = [str(path.relative_to(here)) for path in here.rglob("test_*.py") if speaks_of_torch.search(path.read_text(encoding="utf-8"))]
else:
    torch.set_num_threads(1)  # its idle threads spin, and would take the cores from Taichi's


# By the time that they take: many kernels, processes of their own, programs.
LONG_FILES = (
    "test_browser.py",
    "test_vulkan_options.py",
    "test_softras_options.py",
    "test_gendr.py",
    "test_faults.py",
    "test_adjoint.py",
    "test_docs.py",
    "test_fit_command.py",
    "test_composite.py",
    "test_tape.py",
    "test_packaging.py",
    "test_bridge.py",
    "test_rasterizer.py",
    "test_gradcheck.py",
    "test_demo_reconstruction.py",
    "test_demos_standalone.py",
    "test_demos.py",
    "test_properties.py",
    "test_hostile_files.py",
    "test_imports.py",
    "test_benchmarks.py",
    "test_kaolin.py",
    "test_pytorch3d.py",
    "test_uv_textures.py",
    "test_demo_texture_light.py",
    "test_viewer.py",
    "test_demo_dibr.py",
    "test_viewer_window.py",
    "test_dibr.py",
    "test_torch_errors.py",
)


def pytest_collection_finish() -> None:
    gc.freeze()  # of the hundred thousands of things that are there now none will ever be garbage


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--arch", default="cpu", choices=("cpu", "cuda"), help="what Taichi runs on where tests ask for the CPU")


def pytest_configure(config: pytest.Config) -> None:
    """Taichi is started, once for all. (Programs that tests start, start it as they say.)"""
    arch, start = config.getoption("--arch"), taichi_softras.init
    if arch != "cpu":
        taichi_softras.init = lambda asked="cpu", **options: start(arch if asked == "cpu" else asked, **options)
    taichi_softras.init("cpu")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files that take long begin first, then those with many tests: no worker is left alone with one at the end."""
    n_tests = Counter(item.path for item in items)
    place = {name: i for i, name in enumerate(LONG_FILES)}
    items.sort(key=lambda item: (place.get(item.path.name, len(place)), -n_tests[item.path], str(item.path)))


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of goldens and meshes, which is no part of the repository."""
    if not SHARED.is_dir():
        pytest.skip(f"the data folder {SHARED} is not on this machine")
    return SHARED


@pytest.fixture(scope="session")
def ellipsoid_views() -> Views:
    """Eight pictures of an off-centre ellipsoid, red above and blue below."""
    return pictures_of(ellipsoid(), taichi_softras.Camera.all_around(8, 3.2, fov=40))


@pytest.fixture
def one_lane(monkeypatch):
    """Torch's tensors go through the kernels as GPUs run them, a thread a pixel: the same source, which compiles several times faster than eight lanes."""

    from taichi_softras.interop import bridge

    monkeypatch.setattr(bridge, "variant_of", lambda arch, real: of_gpus(real))
    monkeypatch.setattr(bridge, "_known", {})  # it is found once


@pytest.fixture(scope="session")
def run_python(tmp_path_factory):
    """Runs a script in a new process, from a file (Taichi reads the source of its kernels there); fails with its errors if it fails."""
    paths = os.pathsep.join([str(REPOSITORY), str(REPOSITORY / "tests"), os.environ.get("PYTHONPATH", "")])
    begins_with_torch = re.compile(r"^(import|from) .*\btorch\b|^from taichi_softras\.interop", re.MULTILINE)
    forked = []

    def run(script: str, *, check: bool = True, given: str = "") -> subprocess.CompletedProcess:
        path = tmp_path_factory.mktemp("script") / "script.py"
        path.write_text(script)
        environment = os.environ | {"TI_SKIP_VERSION_CHECK": "ON", "PYTHONPATH": paths}
        if begins_with_torch.search(script) and hasattr(os, "fork"):
            if not forked:
                forked.append(Forked(tmp_path_factory.mktemp("forked"), paths))
            result = forked[0].run(path, environment, given)
        else:
            command = [sys.executable, path]
            result = subprocess.run(command, cwd=path.parent, env=environment, input=given, capture_output=True, text=True, timeout=300, check=False)
        if check and result.returncode:
            pytest.fail(f"the script ended with {result.returncode}\n{result.stdout}\n{result.stderr}", pytrace=False)
        return result

    yield run
    for server in forked:
        server.stop()


@pytest.fixture
def small_turntable(monkeypatch):
    """Among the results of fits that are about something else: all 48 pictures of a turntable take longer than such a fit."""
    from taichi_softras.app import fitting

    monkeypatch.setattr(fitting, "turntable", functools.partial(fitting.turntable, frames=2, size=32))


@pytest.fixture
def run_demo(monkeypatch, tmp_path):
    """Imports a demo anew and runs it with the given arguments, in a folder of its own."""

    def run(name: str, *arguments: str, prepare=lambda module: None):
        spec = importlib.util.spec_from_file_location(name, REPOSITORY / "demos" / f"{name}.py")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        prepare(module)
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(sys, "argv", [name, *map(str, arguments)])
        module.main()
        return module

    return run
