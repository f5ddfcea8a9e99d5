"""What is imported with what: no torch with the package, a sentence where torch is missing, and nothing started.

Plan: each in a new process, for imports happen once.
"""

import pytest

import taichi_softras
import taichi_softras.interop


def test_the_package_needs_neither_torch_nor_matplotlib(run_python):
    run_python("""
import sys
import taichi_softras
for name in ("torch", "matplotlib", "taichi_softras.interop"):
    assert name not in sys.modules, name
""")


def test_it_works_where_torch_is_missing(run_python):
    """A whole render, without torch."""
    run_python("""
import sys
sys.modules["torch"] = None
import taichi_softras
image = taichi_softras.render_mesh(taichi_softras.Mesh.icosphere(1), taichi_softras.Camera.orbit(), 16)
assert image.alpha.max() > .9
""")


def test_the_torch_layer_says_what_is_missing(run_python):
    run_python("""
import sys
sys.modules["torch"] = None
try:
    import taichi_softras.interop
except ImportError as error:
    assert str(error) == "taichi_softras.interop needs torch: pip install 'taichi_softras[torch]'", error
else:
    raise AssertionError("nothing was raised")
""")


def test_importing_starts_nothing(run_python):
    """`ti.init` would reset a Taichi that the user starts afterwards, or take a device that they do not want."""
    run_python("""
import taichi_softras
import taichi_softras.interop
assert taichi_softras.current_arch() is None
assert taichi_softras.init("cpu", cpu_max_num_threads=1) == "cpu"
import taichi as ti
assert ti.lang.impl.current_cfg().cpu_max_num_threads == 1
""")


@pytest.mark.parametrize(
    "module",
    [taichi_softras, taichi_softras.interop, *(getattr(room, name) for room in (taichi_softras, taichi_softras.interop) for name in ("losses", "lighting"))],
    ids=lambda module: module.__name__,
)
def test_what_is_promised_is_there(module):
    """Every name in `__all__`, once."""
    assert len(set(module.__all__)) == len(module.__all__)
    for name in module.__all__:
        assert getattr(module, name) is not None
