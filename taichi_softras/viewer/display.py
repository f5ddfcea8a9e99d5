"""Whether a window can be opened at all. Asked first, because GGUI ends the process where there is no display."""

import ctypes
import os
import sys

__all__ = ["has_display", "has_vulkan"]

_CREATE_INSTANCE = 1  # VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO


def has_display() -> bool:
    """Whether a window could be shown. (Taichi's windows are X11's on Linux.)"""
    if not sys.platform.startswith("linux"):
        return True
    name = os.environ.get("DISPLAY")
    if not name:
        return False
    x11 = ctypes.CDLL("libX11.so.6")  # Taichi itself is linked to it
    x11.XOpenDisplay.restype, x11.XOpenDisplay.argtypes = ctypes.c_void_p, [ctypes.c_char_p]
    display = x11.XOpenDisplay(name.encode())
    if not display:
        return False
    x11.XCloseDisplay.argtypes = [ctypes.c_void_p]
    x11.XCloseDisplay(display)
    return True


def has_vulkan() -> bool:
    """Whether there is a Vulkan driver with a device. (Elsewhere than on Linux: unknown, and taken for granted.)"""
    if not sys.platform.startswith("linux"):
        return True
    try:
        vulkan = ctypes.CDLL("libvulkan.so.1")
    except OSError:
        return False
    instance, devices = ctypes.c_void_p(), ctypes.c_uint32()
    if vulkan.vkCreateInstance(ctypes.byref(_InstanceCreateInfo(sType=_CREATE_INSTANCE)), None, ctypes.byref(instance)):
        return False
    failed = vulkan.vkEnumeratePhysicalDevices(instance, ctypes.byref(devices), None)
    vulkan.vkDestroyInstance(instance, None)
    return not failed and devices.value > 0


class _InstanceCreateInfo(ctypes.Structure):
    """VkInstanceCreateInfo, of which nothing but the type is needed."""

    _fields_ = (
        ("sType", ctypes.c_int32),
        ("pNext", ctypes.c_void_p),
        ("flags", ctypes.c_uint32),
        ("pApplicationInfo", ctypes.c_void_p),
        ("enabledLayerCount", ctypes.c_uint32),
        ("ppEnabledLayerNames", ctypes.c_void_p),
        ("enabledExtensionCount", ctypes.c_uint32),
        ("ppEnabledExtensionNames", ctypes.c_void_p),
    )
