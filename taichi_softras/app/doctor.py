"""What this machine offers, and whether it works: `taichi-softras doctor`."""

import importlib.metadata
import json
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from ..engine import Renderer, losses
from ..language import HAS_WINDOWS, NAME, ti
from ..runtime import GPU_BACKENDS, cpu_name, has_display, init, is_cpu_known, offer_of
from ..scene import Camera, RasterizeSettings, creature
from .common import say

__all__ = ["doctor"]

TOLERANCE = 1e-3  # of the largest number: single precision, and another order of adding
TIMEOUT = 300  # seconds
PACKAGES = (NAME, "numpy", "torch", "matplotlib", "trimesh", "pillow")
UNKNOWN_CPU = (
    "Taichi's compiler does not know this processor, and leaves half of its vector units idle. "
    "That of quadrants does, and takes about three quarters of the time: pip install quadrants, and TAICHI_SOFTRAS_RUNTIME=quadrants."
)
REMEDIES = {
    "cuda": "Only for NVIDIA GPUs: install NVIDIA's driver; no CUDA toolkit is needed.",
    "vulkan": "Install the driver of your GPU; on Debian and Ubuntu: apt install libvulkan1 mesa-vulkan-drivers (works without a GPU, too, slowly).",
    "metal": "Only for Macs.",
}


def doctor() -> bool:
    """Prints versions and devices, and tries a forward and a backward pass on each backend in a process of its own, compared with the CPU's.

    Returns:
        Whether the CPU and every backend that has a device work.
    """
    print(f"Python {platform.python_version()} on {platform.platform()}")
    print(", ".join(f"{name} {_version(name)}" for name in PACKAGES))
    say("each backend is tried in a process of its own, which takes some seconds")
    offers = {arch: offer_of(arch) for arch in GPU_BACKENDS}
    print(f"\ncpu: {cpu_name()}")
    works = True
    with tempfile.TemporaryDirectory() as folder:
        expected = _tried("cpu", Path(folder))
        if isinstance(expected, str):
            print(f"     FAILS: {expected}")
            return False
        print(f"     works: {_told(expected)}")
        if not is_cpu_known():
            print(f"     {UNKNOWN_CPU}")
        for arch, offer in offers.items():
            print(f"{arch}: {', '.join(device.name for device in offer.devices) or 'none'}")
            if not offer.devices:
                print(f"     {offer.why_none}. {REMEDIES[arch]}")
                continue
            got = _tried(arch, Path(folder))
            if isinstance(got, str):
                works = False
                print(f"     FAILS: {got}. {REMEDIES[arch]}")
                continue
            errors = {name: _difference(got[name], expected[name]) for name in ("image", "gradient")}
            agrees = max(errors.values()) < TOLERANCE
            works &= agrees
            verdict = "works" if agrees else "WRONG NUMBERS"
            print(f"     {verdict}: {_told(got)}; from the CPU's, image and gradient differ by {errors['image']:.0e} and {errors['gradient']:.0e}")
    chosen = next((arch for arch, offer in offers.items() if offer.has_gpu), "cpu")
    print(f'\ntaichi_softras.init("auto") takes {chosen}.')
    why_none = f"{NAME} has none" if not HAS_WINDOWS else "" if has_display() else "DISPLAY names no display"
    print(f"No window can be opened ({why_none}): `taichi-softras view --browser`, or `--headless`." if why_none else "A window can be opened.")
    return works


def _version(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return "(not installed)"


def _told(result: dict[str, Any]) -> str:
    return f"forward and backward in {result['ms']:.0f} ms (started and compiled in {result['start']:.1f} s)"


def _difference(got: list[Any], expected: list[Any]) -> float:
    """The largest difference, as a part of the largest number."""
    a, b = np.array(got), np.array(expected)
    return float(np.abs(a - b).max() / np.abs(b).max()) if np.isfinite(a).all() else float("inf")


def _tried(arch: str, folder: Path) -> dict[str, Any] | str:
    """What a process that renders on ``arch`` finds, or why it cannot."""
    answer = folder / f"{arch}.json"
    try:
        process = subprocess.run([sys.executable, "-m", __name__, arch, answer], capture_output=True, text=True, timeout=TIMEOUT, check=False)
    except subprocess.TimeoutExpired:
        return f"no answer within {TIMEOUT} seconds"
    if process.returncode or not answer.is_file():
        lines = [line for line in (process.stderr or process.stdout).splitlines() if line.strip()]
        return lines[-1].strip() if lines else f"the process ended with status {process.returncode}"
    return json.loads(answer.read_text())


def _trial(arch: str) -> dict[str, Any]:
    """A picture of the creature and its gradient, on a backend."""
    begin = time.perf_counter()
    init(arch)
    mesh, camera, size = creature(2), Camera.orbit(2.7, 20.0, [30.0, 200.0]), (48, 64)
    renderer = Renderer(size, RasterizeSettings(sigma=1e-3, gamma=1e-2))
    vertices, colors, loss = renderer.parameter(mesh.vertices), renderer.parameter(mesh.colors), renderer.loss()
    target = renderer.parameter(np.full((2, *size), 0.5))

    def once() -> np.ndarray:
        with ti.ad.Tape(loss):
            image = renderer(vertices, mesh.faces, camera, colors)
            losses.silhouette_iou(image.alpha, target, into=loss)
        return renderer.arrays.to_numpy(image.color)

    once()
    start, begin = time.perf_counter() - begin, time.perf_counter()
    image = once()
    gradient = vertices.grad.to_numpy()
    return {"start": start, "ms": 1e3 * (time.perf_counter() - begin), "image": image.tolist(), "gradient": gradient.tolist()}


if __name__ == "__main__":
    Path(sys.argv[2]).write_text(json.dumps(_trial(sys.argv[1])))
