"""Which processors this machine offers, asked of the drivers themselves: nothing here starts Taichi."""

import ctypes
import ctypes.util
import functools
import itertools
import os
import platform
import re
import sys
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..language import NAME

__all__ = [
    "GPU_BACKENDS",
    "Device",
    "Offer",
    "cpu_name",
    "cpu_vector_bits",
    "cuda_clear",
    "cuda_download",
    "cuda_free_memory",
    "cuda_offer",
    "cuda_threads",
    "cuda_upload",
    "has_display",
    "is_cpu_known",
    "metal_offer",
    "offer_of",
    "vulkan_offer",
]

MULTIPROCESSORS, THREADS_OF_MULTIPROCESSOR = 16, 39  # CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT, .._MAX_THREADS_PER_MULTIPROCESSOR
THREADS_IF_UNKNOWN = 1 << 17
FAMILIES_OF_LLVM_15 = {"GenuineIntel": (6,), "AuthenticAMD": range(26)}  # of the processors with AVX, as their vendors number them
GPU_BACKENDS = ("cuda", "metal", "vulkan")  # the one that is preferred first


@dataclass(frozen=True)
class Device:
    """A processor.

    Attributes:
        name: as its driver says.
        is_software: whether it is the CPU that plays a GPU (Mesa's llvmpipe, say).
    """

    name: str
    is_software: bool = False


@dataclass(frozen=True)
class Offer:
    """What a backend has to offer: devices, or why there are none."""

    devices: tuple[Device, ...] = ()
    why_none: str = ""

    @property
    def has_gpu(self) -> bool:
        return any(not device.is_software for device in self.devices)


def _library(*names: str) -> ctypes.CDLL | None:
    """The first of the shared libraries that can be loaded."""
    for name in names:
        try:
            return ctypes.CDLL(name)
        except OSError:
            continue
    return None


def _cuda_driver() -> ctypes.CDLL | None:
    """NVIDIA's."""
    return _library("nvcuda.dll") if sys.platform == "win32" else _library("libcuda.so.1", "libcuda.so")


def cuda_offer() -> Offer:
    """NVIDIA's GPUs."""
    library = _cuda_driver()
    if library is None:
        return Offer(why_none="NVIDIA's driver (libcuda) is not installed")
    if sys.platform != "win32" and _library("libcuda.so") is None:
        return Offer(
            why_none="NVIDIA's driver is there as libcuda.so.1, but Taichi looks for libcuda.so: make that link beside it (ln -s libcuda.so.1 libcuda.so)"
        )
    if (status := library.cuInit(0)) != 0:
        return Offer(why_none=f"NVIDIA's driver finds no usable GPU (cuInit: {status})")
    count, devices = ctypes.c_int(), []
    library.cuDeviceGetCount(ctypes.byref(count))
    for i in range(count.value):
        name, device = ctypes.create_string_buffer(256), ctypes.c_int()
        library.cuDeviceGet(ctypes.byref(device), i)
        library.cuDeviceGetName(name, len(name), device)
        devices.append(Device(name.value.decode(errors="replace")))
    return Offer(tuple(devices), "" if devices else "NVIDIA's driver finds no GPU")


def cuda_free_memory() -> int | None:
    """The bytes that are free on the GPU that Taichi runs on, the first one; None if the driver does not tell."""
    library, device, free, total = _cuda_driver(), ctypes.c_int(), ctypes.c_size_t(), ctypes.c_size_t()
    context, before = ctypes.c_void_p(), ctypes.c_void_p()
    if library is None or library.cuInit(0) or library.cuDeviceGet(ctypes.byref(device), 0):
        return None
    if library.cuDevicePrimaryCtxRetain(ctypes.byref(context), device):  # there is one, which Taichi and torch share
        return None
    library.cuCtxGetCurrent(ctypes.byref(before))
    library.cuCtxSetCurrent(context)
    status = library.cuMemGetInfo_v2(ctypes.byref(free), ctypes.byref(total))
    library.cuCtxSetCurrent(before)
    library.cuDevicePrimaryCtxRelease_v2(device)
    return None if status else free.value


@functools.cache
def _cuda_context() -> tuple[ctypes.CDLL, ctypes.c_void_p]:
    """The driver, and the context of the first GPU, which Taichi and torch share. It is held until the process ends."""
    library, device, context = _cuda_driver(), ctypes.c_int(), ctypes.c_void_p()
    if library is None or library.cuInit(0) or library.cuDeviceGet(ctypes.byref(device), 0) or library.cuDevicePrimaryCtxRetain(ctypes.byref(context), device):
        raise RuntimeError("taichi_softras: NVIDIA's driver gives no context of the first GPU")
    return library, context


def _on_cuda(function: str, *arguments: Any) -> None:
    library, context = _cuda_context()
    library.cuCtxSetCurrent(context)
    if status := getattr(library, function)(*arguments):
        raise RuntimeError(f"taichi_softras: NVIDIA's driver refuses {function}: error {status}")


# Copies on the legacy default stream, where Taichi launches. (Its own ``from_numpy`` and ``to_numpy`` take two kernels, three waits and a buffer each.)


def cuda_upload(address: int, values: np.ndarray) -> None:
    """``values``, contiguous, to the GPU's memory; the host does not wait for what was launched before."""
    _on_cuda("cuMemcpyHtoDAsync_v2", ctypes.c_uint64(address), ctypes.c_void_p(values.ctypes.data), ctypes.c_size_t(values.nbytes), None)


def cuda_download(address: int, values: np.ndarray) -> None:
    """From the GPU's memory into ``values``; the host waits for all that was launched before."""
    _on_cuda("cuMemcpyDtoH_v2", ctypes.c_void_p(values.ctypes.data), ctypes.c_uint64(address), ctypes.c_size_t(values.nbytes))


def cuda_clear(address: int, n_bytes: int) -> None:
    """Makes the GPU's memory nought; the host does not wait."""
    _on_cuda("cuMemsetD8_v2", ctypes.c_uint64(address), ctypes.c_ubyte(0), ctypes.c_size_t(n_bytes))


@functools.cache
def cuda_threads() -> int:
    """How many threads the first GPU holds at once; a guess if the driver does not tell."""
    library, device, numbers = _cuda_driver(), ctypes.c_int(), [ctypes.c_int(), ctypes.c_int()]
    if library is None or library.cuInit(0) or library.cuDeviceGet(ctypes.byref(device), 0):
        return THREADS_IF_UNKNOWN
    for number, attribute in zip(numbers, (MULTIPROCESSORS, THREADS_OF_MULTIPROCESSOR), strict=True):
        if library.cuDeviceGetAttribute(ctypes.byref(number), attribute, device):
            return THREADS_IF_UNKNOWN
    return numbers[0].value * numbers[1].value or THREADS_IF_UNKNOWN


class _InstanceInfo(ctypes.Structure):
    """VkInstanceCreateInfo, all zero but its type (1)."""

    _fields_ = (
        ("type", ctypes.c_int),
        ("next", ctypes.c_void_p),
        ("flags", ctypes.c_uint32),
        ("application", ctypes.c_void_p),
        ("n_layers", ctypes.c_uint32),
        ("layers", ctypes.c_void_p),
        ("n_extensions", ctypes.c_uint32),
        ("extensions", ctypes.c_void_p),
    )


_CPU_TYPE = 4  # VK_PHYSICAL_DEVICE_TYPE_CPU
_TYPE_AT, _NAME_AT, _NAME_SIZE = 16, 20, 256  # places in VkPhysicalDeviceProperties, bytes
_PROPERTIES_SIZE = 4096  # more than it has


def vulkan_offer() -> Offer:
    """Devices with a Vulkan driver."""
    names = {"win32": ("vulkan-1.dll",), "darwin": ("libvulkan.dylib", "libvulkan.1.dylib", "libMoltenVK.dylib")}
    library = _library(*names.get(sys.platform, ("libvulkan.so.1", "libvulkan.so")))
    if library is None:
        return Offer(why_none="Vulkan's loader (libvulkan) is not installed")
    info, instance = _InstanceInfo(type=1), ctypes.c_void_p()
    if (status := library.vkCreateInstance(ctypes.byref(info), None, ctypes.byref(instance))) != 0:
        return Offer(why_none=f"Vulkan's loader finds no driver (vkCreateInstance: {status})")
    try:
        count = ctypes.c_uint32()
        library.vkEnumeratePhysicalDevices(instance, ctypes.byref(count), None)
        handles = (ctypes.c_void_p * count.value)()
        library.vkEnumeratePhysicalDevices(instance, ctypes.byref(count), handles)
        devices = []
        for handle in handles[: count.value]:
            properties = ctypes.create_string_buffer(_PROPERTIES_SIZE)
            library.vkGetPhysicalDeviceProperties(ctypes.c_void_p(handle), properties)
            kind = ctypes.c_uint32.from_buffer(properties, _TYPE_AT).value
            name = properties.raw[_NAME_AT : _NAME_AT + _NAME_SIZE].split(b"\0")[0].decode(errors="replace")
            devices.append(Device(name, is_software=kind == _CPU_TYPE))
    finally:
        library.vkDestroyInstance(instance, None)
    return Offer(tuple(devices), "" if devices else "Vulkan has a driver, but no device")


def offer_of(arch: str) -> Offer:
    """Of one of `GPU_BACKENDS`."""
    return {"cuda": cuda_offer, "metal": metal_offer, "vulkan": vulkan_offer}[arch]()


def metal_offer() -> Offer:
    """Apple's GPUs."""
    if platform.system() != "Darwin":
        return Offer(why_none="Metal is Apple's")
    return Offer((Device(f"{platform.machine()} GPU"),))


def cpu_name() -> str:
    """The processor and how many cores Taichi may use."""
    return f"{_cpu_facts().get('model name') or platform.processor() or platform.machine()}, {os.cpu_count()} cores"


@functools.cache
def _cpu_facts() -> dict[str, str]:
    """What Linux says of the first core; on Windows family and vendor under the same names; elsewhere nothing."""
    if os.path.exists("/proc/cpuinfo"):
        with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as file:
            lines = itertools.takewhile(str.strip, file)
            return {name.strip(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    told = re.search(r"Family (\d+) .*, (\w+)", os.environ.get("PROCESSOR_IDENTIFIER", ""))
    return {"cpu family": told[1], "vendor_id": told[2]} if told else {}


def is_cpu_known() -> bool:
    """Whether what compiles the kernels knows this processor.

    Taichi 1.7.4 lets its LLVM (15) vectorise for a processor by name: an x86 processor that this does not know, such as AMD's of 2024 (Zen 5, family 26), is
    one of 2003 to it, whatever it says that it can do. That of quadrants (22) knows them.
    """
    facts = _cpu_facts()
    families = FAMILIES_OF_LLVM_15.get(facts.get("vendor_id", ""), ())
    return NAME != "taichi" or not _is_x86() or not facts or int(facts.get("cpu family", "0")) in families


def cpu_vector_bits() -> int:
    """How wide the vectors are that kernels on the CPU are compiled to: 256, or 128 where there are no wider ones (ARM) or the compiler knows none."""
    has_wider = _is_x86() and "avx" in _cpu_facts().get("flags", "avx").split()
    return 256 if has_wider and is_cpu_known() else 128


def _is_x86() -> bool:
    return platform.machine().lower() in ("x86_64", "amd64")


def has_display() -> bool:
    """Whether a window could be shown. (Taichi's windows are X11's on Linux.)"""
    if not sys.platform.startswith("linux"):
        return True
    name = os.environ.get("DISPLAY")
    if not name:
        return False
    x11 = _library("libX11.so.6")  # Taichi itself is linked to it, quadrants is not
    if x11 is None:
        return False
    x11.XOpenDisplay.restype, x11.XOpenDisplay.argtypes = ctypes.c_void_p, [ctypes.c_char_p]
    display = x11.XOpenDisplay(name.encode())
    if not display:
        return False
    x11.XCloseDisplay.argtypes = [ctypes.c_void_p]
    x11.XCloseDisplay(display)
    return True
