"""What the machine offers, with Vulkan and without; and the choice of a backend."""

import os
import subprocess
import sys

import pytest

from taichi_softras.language import NAME, VERSION
from taichi_softras.runtime import devices

NO_VULKAN = {"VK_ICD_FILENAMES": "/nonexistent", "VK_DRIVER_FILES": "/nonexistent"}


def doctor(**environment: str) -> subprocess.CompletedProcess:
    command = [sys.executable, "-c", "import sys; from taichi_softras.app import main; sys.exit(main(['doctor']))"]
    return subprocess.run(command, env=os.environ | environment, capture_output=True, text=True, timeout=300, check=False)


def test_with_what_there_is():
    result = doctor()
    assert result.returncode == 0, result.stdout + result.stderr
    lines = result.stdout.splitlines()
    python = next(i for i, line in enumerate(lines) if line.startswith("Python 3."))
    assert lines[python + 1].startswith(f"{NAME} {VERSION}, numpy ")
    cpu = next(i for i, line in enumerate(lines) if line.startswith("cpu: "))
    assert lines[cpu + 1].startswith("     works: forward and backward in ")
    assert ("Taichi's compiler does not know this processor" in lines[cpu + 2]) is not devices.is_cpu_known()
    if devices.vulkan_offer().devices:
        vulkan = next(i for i, line in enumerate(lines) if line.startswith("vulkan: "))
        assert devices.vulkan_offer().devices[0].name in lines[vulkan]
        assert lines[vulkan + 1].startswith("     works: ")
        assert "from the CPU's, image and gradient differ by" in lines[vulkan + 1]


def test_without_vulkan():
    result = doctor(**NO_VULKAN, DISPLAY="", WAYLAND_DISPLAY="")
    assert result.returncode == 0, result.stdout + result.stderr
    assert "vulkan: none" in result.stdout
    assert "apt install libvulkan1 mesa-vulkan-drivers" in result.stdout
    assert "No window can be opened" in result.stdout


class TestAuto:
    SCRIPT = "import taichi_softras as tsr; print(tsr.init('auto'), tsr.current_arch()); print(tsr.init('auto'))"

    def test_says_what_it_took_and_why(self, run_python):
        result = run_python(self.SCRIPT)
        arch = "cuda" if devices.cuda_offer().has_gpu else "metal" if devices.metal_offer().has_gpu else "vulkan" if devices.vulkan_offer().has_gpu else "cpu"
        assert result.stdout.split()[-3:] == [arch, arch, arch]
        told = [line for line in result.stderr.splitlines() if line.startswith("taichi_softras: ")]
        assert told[0].startswith(f"taichi_softras: Taichi runs on {arch} (")
        if arch == "cpu":
            assert "no cuda: NVIDIA's driver" in told[0]
            assert "no vulkan: " in told[0]
        assert told[1] == f"taichi_softras: Taichi already runs on {arch}"

    def test_respects_a_taichi_that_runs(self, run_python):
        result = run_python("from taichi_softras.language import ti\nti.init(arch=ti.cpu)\n" + self.SCRIPT)
        assert result.stdout.split()[-3:] == ["cpu", "cpu", "cpu"]
        assert result.stderr.count("Taichi already runs on cpu") == 2

    def test_a_gpu_that_does_not_start_is_passed_over(self, run_python):
        """A driver that promises a GPU which Taichi cannot use."""
        result = run_python(
            "from taichi_softras import devices\ndevices.cuda_offer = lambda: devices.Offer((devices.Device('imaginary'),))\n"
            "devices.vulkan_offer = lambda: devices.Offer(why_none='none here')\n" + self.SCRIPT
        )
        if devices.cuda_offer().has_gpu:
            pytest.skip("this machine has such a GPU")
        assert result.stdout.split()[-3:] == ["cpu", "cpu", "cpu"]
        assert "this machine offers Taichi no cuda" in result.stderr


def test_a_driver_without_its_link_is_told(monkeypatch):
    """Where NVIDIA's container runtime brings libcuda.so.1 alone, Taichi finds no driver."""
    monkeypatch.setattr(devices.sys, "platform", "linux")
    monkeypatch.setattr(devices, "_library", lambda *names: object() if "libcuda.so.1" in names else None)
    assert "Taichi looks for libcuda.so: make that link" in devices.cuda_offer().why_none


def test_offers():
    for offer in (devices.cuda_offer(), devices.vulkan_offer(), devices.metal_offer()):
        assert bool(offer.devices) != bool(offer.why_none)
        assert all(device.name for device in offer.devices)
