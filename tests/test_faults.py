"""What goes wrong around a program: memory, disks, processes, threads, Taichi's cache, and Taichi started again. A clear error or recovery, nothing lost.

Plan: each fault for real, in a process of its own: limits of the system instead of full memory and disks (`resource`), real signals, real broken files.
(Threads are in `interop/test_bridge.py`; interrupted trainings in the tests of the demos.)
"""

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import torch  # noqa: F401

from taichi_softras import Mesh
from taichi_softras.recover import Views
from taichi_softras.replacing import replacing

resource = pytest.importorskip("resource", reason="limits of memory and files are Unix's")

SCENE = """
import sys, resource, torch, taichi_softras
from taichi_softras.language import ti
from taichi_softras import Camera, Mesh
from taichi_softras.interop import render
torch.set_num_threads(1)
mesh = Mesh.icosphere(1)
def step(size=12, n_images=1):
    v = torch.tensor(mesh.vertices, requires_grad=True)
    image = render(v, mesh.faces, Camera.orbit(azimuth=[30.0 * i for i in range(n_images)]), image_size=size)
    image.alpha.sum().backward()
    return round(image.alpha.sum().item(), 3), round(v.grad.norm().item(), 2)
"""


class TestMemory:
    def test_a_step_that_does_not_fit_leaves_everything_usable(self, run_python):
        script = """
first = step()
used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + (200 << 20),) * 2)
errors = []
for _ in range(2):
    try:
        step(2048, 8)
    except (MemoryError, RuntimeError) as error:
        errors.append(str(error))
    assert step() == first
assert len(errors) == 2 and all("llocate" in error for error in errors), errors
"""
        if not os.path.exists("/proc/self/statm"):
            pytest.skip("how much memory a process has is read from Linux's /proc")
        run_python(SCENE + script)


class TestDisk:
    """A file may be no longer than half a kilobyte: as on a full disk, writing ends in the midst of it."""

    @pytest.mark.parametrize("suffix", [".obj", ".ply", ".glb", ".stl"])
    def test_the_old_mesh_survives(self, tmp_path, run_python, suffix):
        old = Mesh.icosphere(0)
        old.save(tmp_path / f"mesh{suffix}")
        script = f"""
import resource, signal
from taichi_softras import Mesh
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
mesh = Mesh.icosphere(3)
resource.setrlimit(resource.RLIMIT_FSIZE, (512, 512))
try:
    mesh.save({str(tmp_path / f"mesh{suffix}")!r})
except OSError as error:
    print("refused:", error)
"""
        assert "refused:" in run_python(script).stdout
        assert [path.name for path in tmp_path.iterdir()] == [f"mesh{suffix}"]
        np.testing.assert_allclose(np.sort(Mesh.load(tmp_path / f"mesh{suffix}").vertices, 0), np.sort(old.vertices, 0), atol=1e-6)

    def test_pictures_and_their_table_survive(self, tmp_path, run_python):
        script = f"""
import resource, signal, sys
from taichi_softras.app import main
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
arguments = ["render", "-o", {str(tmp_path)!r}, "--views", "2", "--samples", "1", "--size"]
assert main([*arguments, "8"]) == 0
resource.setrlimit(resource.RLIMIT_FSIZE, (600, 600))
assert main([*arguments, "200", "--overwrite"]) == 1
"""
        *_, last = run_python(script).stderr.strip().splitlines()
        assert last == "taichi-softras: [Errno 27] File too large"
        assert Views.load(tmp_path).image_size == (8, 8)

    def test_what_could_not_be_finished_is_removed(self, tmp_path):
        path = tmp_path / "state.npz"
        path.write_text("old")

        def interrupted() -> None:
            with replacing(path) as partial:
                partial.write_text("half of the n")
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            interrupted()
        assert path.read_text() == "old"
        assert list(tmp_path.iterdir()) == [path]


CACHED = """
import os, torch, taichi_softras
from taichi_softras import Connectivity, Mesh
from taichi_softras.interop import losses
other = os.fork() if TWICE else 0
taichi_softras.init("cpu", offline_cache_file_path=FOLDER)
mesh = Mesh.icosphere(1)
v = torch.tensor(mesh.vertices, requires_grad=True)
loss = losses.laplacian(v, Connectivity.of(mesh.faces, len(v)))
loss.backward()
assert other == 0 or os.waitpid(other, 0)[1] == 0  # before this one prints: what two print at once may stand on one line
print(round(loss.item(), 3), round(v.grad.norm().item(), 2))
"""


class TestOfflineCache:
    def test_it_is_written_and_survives_what_happens_to_it(self, tmp_path, run_python):
        """Taichi itself writes it only when its program ends, which torch prevented."""
        cache = tmp_path / "cache"
        script = CACHED.replace("FOLDER", repr(str(cache))).replace("TWICE", "False")
        expected = run_python(script).stdout.splitlines()[-1]
        files = sorted(cache.iterdir())
        assert len(files) > 5
        for content in (b"", os.urandom(3000)):  # emptied, and filled with anything
            for path in cache.iterdir():
                path.write_bytes(content)
            assert run_python(script).stdout.splitlines()[-1] == expected
        for path in cache.glob("*.tic"):
            path.write_bytes(path.read_bytes()[:100])
        (cache / "ticache.lock").touch()  # of a process that was killed
        assert run_python(script).stdout.splitlines()[-1] == expected

    def test_two_processes_at_once(self, tmp_path, run_python):
        script = CACHED.replace("FOLDER", repr(str(tmp_path / "cache"))).replace("TWICE", "True")
        lines = run_python(script).stdout.splitlines()
        figures = [line for line in lines if line.count(".") == 2 and line[0].isdigit()]
        assert len(figures) == 2
        assert figures[0] == figures[1]


class TestProcesses:
    WORKERS = """
class Pictures(torch.utils.data.Dataset):
    def __len__(self): return 2
    def __getitem__(self, i): return torch.tensor(step())

if __name__ == "__main__":
    BEFORE
    loader = torch.utils.data.DataLoader(Pictures(), num_workers=1, multiprocessing_context="METHOD", timeout=200)
    print([numbers.tolist() for (numbers,) in loader])
"""

    def run(self, run_python, before: str, method: str, check: bool = True) -> subprocess.CompletedProcess:
        return run_python(SCENE + self.WORKERS.replace("BEFORE", before).replace("METHOD", method), check=check)

    def test_forked_before_taichi_runs(self, run_python):
        numbers = json.loads(self.run(run_python, "pass", "fork").stdout.splitlines()[-1])
        assert len(numbers) == 2
        assert numbers[0] == numbers[1]

    def test_spawned_at_any_time(self, run_python):
        numbers = json.loads(self.run(run_python, "step()", "spawn").stdout.splitlines()[-1])
        assert len(numbers) == 2

    def test_forked_afterwards_is_one_sentence(self, run_python):
        """Its kernels would wait for threads that did not come along, for ever."""
        began = time.monotonic()
        result = self.run(run_python, "step()", "fork", check=False)
        assert result.returncode == 1
        assert "Taichi already ran when this process was forked" in result.stderr
        assert "multiprocessing_context='spawn'" in result.stderr
        assert time.monotonic() - began < 150


class TestTaichiStartedAgain:
    def test_torch_does_not_notice(self, run_python):
        script = """
first = step()
ti.reset()
assert step() == first
ti.init(ti.cpu, log_level=ti.WARN)
assert step() == first
"""
        run_python(SCENE + script)

    def test_arrays_of_before_are_one_sentence(self, run_python):
        script = """
import numpy as np
from taichi_softras import Renderer
def arrays():
    renderer = Renderer(12)
    return renderer, renderer.parameter(mesh.vertices)
renderer, vertices = arrays()
first = renderer(vertices, mesh.faces, Camera.orbit()).alpha.to_numpy()
for again in (ti.reset, lambda: ti.init(ti.cpu, log_level=ti.WARN)):
    again()
    try:
        renderer(vertices, mesh.faces, Camera.orbit())
        raise AssertionError
    except RuntimeError as error:
        assert str(error).startswith("Renderer: Taichi was started again"), error
    renderer, vertices = arrays()
    assert (renderer(vertices, mesh.faces, Camera.orbit()).alpha.to_numpy() == first).all()
"""
        run_python(SCENE + script)


class TestKilled:
    def test_fit_goes_on_from_its_checkpoint(self, tmp_path):
        """SIGKILL, at any moment, and again of who goes on: no file is torn, and --resume goes on. (Ctrl-C: `app/test_fit_command.py`.)"""
        out = tmp_path / "out"
        command = [sys.executable, "-m", "taichi_softras", "fit", "-o", str(out)]
        process = subprocess.Popen([*command, "--steps", "100000", "--views", "4", "--size", "24"], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        deadline = time.monotonic() + 120
        written_at = set()  # before the first step, and after fifty
        while len(written_at) < 2 and time.monotonic() < deadline and process.poll() is None:
            time.sleep(0.1)
            written_at |= {path.stat().st_mtime_ns for path in out.glob("checkpoint.npz")}
        process.send_signal(signal.SIGKILL)
        process.communicate()
        with np.load(out / "checkpoint.npz", allow_pickle=False) as state:
            before = json.loads(str(state["facts"]))["losses"]
        process = subprocess.Popen([*command, "--resume"], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        written = (out / "checkpoint.npz").stat().st_mtime_ns
        while (out / "checkpoint.npz").stat().st_mtime_ns == written and time.monotonic() < deadline + 120 and process.poll() is None:
            time.sleep(0.1)
        process.send_signal(signal.SIGKILL)
        _, stderr = process.communicate()
        assert process.returncode == -signal.SIGKILL, stderr  # it went on until then
        with np.load(out / "checkpoint.npz", allow_pickle=False) as state:
            after = json.loads(str(state["facts"]))["losses"]
        assert len(after) > len(before) > 0
        assert after[: len(before)] == before
