"""Kaolin's ``kaolin.rep.tensor_container``: what things that hold tensors have in common."""

import copy
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any

import torch

from ..utils.testing import tensor_info

__all__ = ["TensorContainerBase"]


class TensorContainerBase(ABC):
    """Names its tensors (a tensor may be a dict of tensors) and its other attributes, and gets the rest: moved, detached, told in words, checked."""

    @classmethod
    @abstractmethod
    def class_tensor_attributes(cls) -> list[str]:
        """Names of attributes that are tensors."""

    @classmethod
    @abstractmethod
    def class_other_attributes(cls) -> list[str]:
        """Names of the others."""

    @abstractmethod
    def check_tensor_attribute(self, attr: str, log_error: bool = False) -> bool:
        """Whether this tensor is as it should be."""

    def check_other_attribute(self, attr: str, log_error: bool = False) -> bool:
        """Whether this other attribute is as it should be."""
        raise NotImplementedError(f"{type(self).__name__}: it must say how {attr} is checked, by check_other_attribute")

    @classmethod
    def assert_supported(cls, attr: str) -> None:
        """AttributeError for a name that is none of its attributes."""
        if attr not in [*cls.class_tensor_attributes(), *cls.class_other_attributes()]:
            raise AttributeError(f"{cls.__name__}: there is no attribute {attr!r}")

    def get_attributes(self, only_tensors: bool = False) -> list[str]:
        """The names of what is set."""
        names = [*self.class_tensor_attributes(), *([] if only_tensors else self.class_other_attributes())]
        return [name for name in names if getattr(self, name) is not None]

    def as_dict(self, only_tensors: bool = False) -> dict[str, Any]:
        """What is set, by name."""
        return {name: getattr(self, name) for name in self.get_attributes(only_tensors)}

    def to(self, *args: Any, attributes: Sequence[str] | None = None, **kwargs: Any) -> Any:
        """A copy whose tensors (or those that are named) are moved as `torch.Tensor.to` takes it."""
        return self._construct_apply(lambda tensor: tensor.to(*args, **kwargs), attributes)

    def cuda(self, device: Any = None, attributes: Sequence[str] | None = None) -> Any:
        """A copy on a GPU."""
        return self._construct_apply(lambda tensor: tensor.cuda(device), attributes)

    def cpu(self, attributes: Sequence[str] | None = None) -> Any:
        """A copy on the CPU."""
        return self._construct_apply(torch.Tensor.cpu, attributes)

    def detach(self, attributes: Sequence[str] | None = None) -> Any:
        """A copy that no gradient flows through."""
        return self._construct_apply(torch.Tensor.detach, attributes)

    def _construct_apply(self, func: Callable[[torch.Tensor], torch.Tensor], attributes: Sequence[str] | None = None) -> Any:
        other = copy.copy(self)
        for name in self.get_attributes(only_tensors=True) if attributes is None else attributes:
            value = getattr(self, name)
            setattr(other, name, {key: func(tensor) for key, tensor in value.items()} if isinstance(value, dict) else func(value))
        return other

    def check_sanity(self, log_error: bool = True) -> bool:
        """Whether all attributes are as they should be."""
        return all(self.check_tensor_attribute(name, log_error) for name in self.class_tensor_attributes()) and all(
            self.check_other_attribute(name, log_error) for name in self.class_other_attributes()
        )

    def describe_attribute(self, attr: str, print_stats: bool = False, detailed: bool = False) -> str:
        """A line about an attribute (or some, if it is a dict)."""
        self.assert_supported(attr)
        value = getattr(self, attr)
        return tensor_info(value, attr if isinstance(value, dict) else f"{attr:>20}", print_stats, detailed)

    def to_string(self, print_stats: bool = False, detailed: bool = False) -> str:
        """What is set, a line each."""
        return "\n".join([type(self).__name__, *(self.describe_attribute(name, print_stats, detailed) for name in self.get_attributes())])

    def __repr__(self) -> str:
        return self.to_string()
