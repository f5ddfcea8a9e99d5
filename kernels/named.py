"""Choices whose values are functions."""

import enum
from collections.abc import Callable
from typing import Any

__all__ = ["Named"]


class Named(enum.Enum):
    """An enum whose members are written down by their names, whatever their values are: functions cannot be pickled, and copied they would be others."""

    def __repr__(self) -> str:
        return str(self)

    def __reduce_ex__(self, protocol: Any) -> tuple[Callable[..., Any], tuple[type, str]]:
        return getattr, (type(self), self.name)
