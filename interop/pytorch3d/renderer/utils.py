"""Batches of named tensors: what PyTorch3D's cameras, lights and materials have in common; and looking up pictures in NDC."""

import copy
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from ....checks import check_image_size
from ...checks import as_tensor, check_keywords, check_last, check_tensors
from ..common.datatypes import Device, make_device

__all__ = [
    "TensorAccessor",
    "TensorProperties",
    "convert_to_tensors_and_broadcast",
    "format_tensor",
    "ndc_grid_sample",
    "ndc_to_grid_sample_coords",
    "parse_image_size",
]

NUMBERS = (float, int, list, tuple, torch.Tensor, np.ndarray, np.number)
OF_A_MODULE = frozenset(nn.Module().__dict__)  # what torch itself keeps in a module

# What a renderer hands on by name to its rasteriser, its shader and their cameras: each looks at what concerns it.
HANDED_ON = frozenset({"R", "T", "K", "blend_params", "cameras", "eps", "image_size", "lights", "materials", "raster_settings", "zfar", "znear"})


def known_keywords(cameras: Any) -> frozenset[str] | None:
    """What some part of a renderer looks at: `HANDED_ON`, and properties of the cameras. None, if somebody else made these: theirs may be any."""
    of_cameras = frozenset() if cameras is None else getattr(cameras, "keywords", None)
    return None if of_cameras is None else HANDED_ON | of_cameras


def check_handed_on(op: str, kwargs: dict[str, Any], cameras: Any = None) -> None:
    """TypeError for a keyword that nobody would look at, see `known_keywords`."""
    known = known_keywords(cameras)
    if known is not None:
        check_keywords(op, kwargs, known)


def _broadcast(op: str, tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Tensors [N, ...] of such and of [1, ...]."""
    n = max((len(tensor) for tensor in tensors.values()), default=0)
    for name, tensor in tensors.items():
        if len(tensor) not in (1, n):
            raise ValueError(f"{op}: {name} must have 1 or {n} entries, got {len(tensor)}")
    return {name: tensor.expand(n, *tensor.shape[1:]) for name, tensor in tensors.items()}


def broadcast(op: str, device: Device, values: dict[str, Any], dtype: torch.dtype = torch.float32) -> dict[str, torch.Tensor]:
    """The values as tensors [N, ...] of one dtype (float64 if any tensor is, else ``dtype``): each is a number, or has 1 or N entries.

    Raises:
        ValueError: if the numbers of entries do not go together.
    """
    if any(isinstance(value, torch.Tensor) and value.dtype == torch.float64 for value in values.values()):
        dtype = torch.float64
    tensors = {}
    for name, value in values.items():
        tensor = as_tensor(op, name, value, dtype=dtype)
        if tensor.is_meta and torch.device(device).type != "meta":
            raise ValueError(f"{op}: {name} must be on a device with memory, such as {device}, got {tensor.device}")
        tensor = tensor.to(device=device, dtype=torch.bool if tensor.dtype is torch.bool else dtype)
        tensors[name] = tensor[None] if tensor.ndim == 0 else tensor
    return _broadcast(op, tensors)


def format_tensor(input: Any, dtype: torch.dtype = torch.float32, device: Device = "cpu") -> torch.Tensor:  # noqa: A002 - PyTorch3D's name
    """A tensor [N, ...] on ``device`` of a number, of numbers (they get ``dtype``), or of a tensor (which keeps its own)."""
    tensor = as_tensor("format_tensor", "input", input, dtype=dtype)
    tensor = tensor.to(device=make_device(device), dtype=tensor.dtype if isinstance(input, torch.Tensor) else dtype)
    return tensor[None] if tensor.ndim == 0 else tensor


def convert_to_tensors_and_broadcast(*args: Any, dtype: torch.dtype = torch.float32, device: Device = "cpu") -> list[torch.Tensor]:
    """Tensors [N, ...], one for each argument: numbers, or of 1 or N entries (see `format_tensor`).

    Raises:
        ValueError: if the numbers of entries do not go together.
    """
    tensors = {f"argument {i}": format_tensor(value, dtype, device) for i, value in enumerate(args)}
    return list(_broadcast("convert_to_tensors_and_broadcast", tensors).values())


def check_no_texts(op: str, values: dict[str, Any]) -> None:
    """Properties that are numbers, in a batch of properties that would keep a text."""
    for name, value in values.items():
        if isinstance(value, str):
            raise TypeError(f"{op}: {name} must be numbers or a tensor, got str")


class TensorAccessor:
    """One entry, or a slice, of a batch of properties: reading gives those of the tensors, and what is set is written into the batch."""

    def __init__(self, class_object: "TensorProperties", index: int | slice) -> None:
        self.__dict__.update(class_object=class_object, index=index)

    def _whole(self, name: str) -> torch.Tensor:
        whole, kind = getattr(self.class_object, name, None), type(self.class_object).__name__
        if not isinstance(whole, torch.Tensor):
            raise AttributeError(f"{kind}: an entry has the tensors of the batch, got {name}, which is {'none' if whole is None else type(whole).__name__}")
        return whole

    def __getattr__(self, name: str) -> torch.Tensor:
        if name.startswith("__"):
            raise AttributeError(name)
        return self._whole(name)[self.index]

    def __setattr__(self, name: str, value: Any) -> None:
        whole = self._whole(name)
        op = f"{type(self.class_object).__name__}[{self.index}]"
        changed, value = whole.clone(), as_tensor(op, name, value, whole)
        try:
            changed[self.index] = value
        except RuntimeError as error:
            raise ValueError(f"{op}: {name} must have shape {tuple(whole[self.index].shape)}, got {tuple(value.shape)}") from error
        setattr(self.class_object, name, changed)


class TensorProperties(nn.Module):
    """Tensors whose first dimension is the batch, kept as attributes.

    Args:
        dtype: of the tensors, unless one of them is given in float64: then all of them are.
        device: where all of them go.
        kwargs: the properties. Numbers, and lists, arrays and tensors of 1 or N entries, become tensors [N, ...]; None, texts, True and False stay so.

    Raises:
        TypeError: for a property of another kind. ValueError: if the numbers of entries do not go together.
    """

    device: torch.device
    _N: int

    def __init__(self, dtype: torch.dtype = torch.float32, device: Device = "cpu", **kwargs: Any) -> None:
        super().__init__()
        op, self.device = type(self).__name__, make_device(device)
        numbers = {name: value for name, value in kwargs.items() if isinstance(value, NUMBERS) and not isinstance(value, bool)}
        for name, value in kwargs.items():
            if name not in numbers and not (value is None or isinstance(value, (str, bool))):
                raise TypeError(f"{op}: {name} must be numbers or a tensor, got {type(value).__name__}")
        given = broadcast(op, self.device, numbers, dtype)
        self._N = len(next(iter(given.values()))) if given else 0
        for name, value in (kwargs | given).items():
            setattr(self, name, value)

    def _own(self) -> dict[str, Any]:
        """What is kept, by its names."""
        own = {name: value for name, value in self.__dict__.items() if name not in OF_A_MODULE}
        return own | self._parameters | self._buffers | self._modules

    def __len__(self) -> int:
        return self._N

    def isempty(self) -> bool:
        return self._N == 0

    def __getitem__(self, index: int | slice) -> Any:
        """A `TensorAccessor`."""
        if not isinstance(index, (int, slice)):
            raise TypeError(f"{type(self).__name__}: the index must be a number or a slice, got {type(index).__name__}")
        return TensorAccessor(self, index)

    def _change(self, function: Callable[[torch.Tensor], torch.Tensor]) -> None:
        """Puts every tensor through ``function``."""
        for name, value in self._own().items():
            if isinstance(value, torch.Tensor) and not isinstance(value, nn.Parameter):
                setattr(self, name, function(value))

    def to(self, device: Device = "cpu") -> Any:  # type: ignore[override]
        """Goes to another device itself, as a module does."""
        there = make_device(device)
        super().to(there)
        self._change(lambda tensor: tensor.to(there))
        self.device = there
        return self

    def cpu(self) -> Any:
        return self.to("cpu")

    def cuda(self, device: int | None = None) -> Any:  # type: ignore[override]
        return self.to("cuda" if device is None else f"cuda:{device}")

    def clone(self, other: Any = None) -> Any:
        """A copy; or ``other``, which gets copies of all that this one has."""
        if other is None:
            other = type(self).__new__(type(self))
            nn.Module.__init__(other)
        for name, value in self._own().items():
            setattr(other, name, value.clone() if isinstance(value, torch.Tensor) else copy.deepcopy(value))
        return other

    def gather_props(self, batch_idx: torch.Tensor) -> Any:
        """Repeats the properties, in place, as ``batch_idx`` [B] says, such as that of its mesh for every vertex; one that is the same for all stays one."""
        self._change(lambda tensor: tensor if tensor.ndim == 0 or len(tensor) == 1 else tensor[batch_idx])
        return self


# ------------------------------------------------------------------------------------------------------------------------ pictures in NDC


def ndc_grid_sample(
    input: torch.Tensor,  # noqa: A002 - PyTorch3D's name
    grid_ndc: torch.Tensor,
    *,
    align_corners: bool = False,
    mode: str = "bilinear",
    padding_mode: str = "zeros",
) -> torch.Tensor:
    """Values [B, C, ...] of pictures [B, C, H, W] at points [B, ..., 2] of NDC (x left, y up, the shorter side spans [-1, 1]).

    The rest is said by `torch.nn.functional.grid_sample`. Gradient: to pictures and points.
    """
    op = "ndc_grid_sample"
    check_tensors(op, input=input, grid_ndc=grid_ndc)
    if input.ndim != 4:
        raise ValueError(f"{op}: input must have shape (B, C, H, W), got {tuple(input.shape)}")
    check_last(op, "grid_ndc", grid_ndc, 2)
    if grid_ndc.ndim < 2 or len(grid_ndc) != len(input):
        raise ValueError(f"{op}: grid_ndc must have shape (B, ..., 2) with B = {len(input)}, got {tuple(grid_ndc.shape)}")
    n_images, n_channels, height, width = input.shape
    grid = ndc_to_grid_sample_coords(grid_ndc.reshape(n_images, -1, 1, 2), (height, width))
    values = F.grid_sample(input, grid, mode=mode, padding_mode=padding_mode, align_corners=align_corners)
    return values.reshape(n_images, n_channels, *grid_ndc.shape[1:-1])


def ndc_to_grid_sample_coords(xy_ndc: torch.Tensor, image_size_hw: tuple[int, int]) -> torch.Tensor:
    """Points [..., 2] of NDC as `torch.nn.functional.grid_sample` counts: x right, y down, each side spans [-1, 1]."""
    op = "ndc_to_grid_sample_coords"
    check_last(op, "xy_ndc", xy_ndc, 2)
    if not isinstance(image_size_hw, (tuple, list, torch.Size)):
        raise TypeError(f"{op}: image_size_hw must be (height, width), got {type(image_size_hw).__name__}")
    height, width = check_image_size(op, tuple(image_size_hw))
    shorter = min(height, width)
    return -xy_ndc * xy_ndc.new_tensor([shorter / width, shorter / height])


def parse_image_size(image_size: Any) -> tuple[int, int]:
    """(height, width) of such, or of one number.

    Raises:
        TypeError or ValueError: if they are no whole numbers of at least 1.
    """
    return check_image_size("parse_image_size", image_size)
