"""States of trainings, and the schedule that they share: also for `demos.dibr`."""

import signal
from collections.abc import Iterator, Set
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

__all__ = ["NETWORK_STATE", "Schedule", "check_same", "noting_interrupts", "read_state"]

NETWORK_STATE = frozenset({"network", "train", "classes", "model", "optimizer", "step", "losses", "seconds"})


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """How long and how fast is trained, and how soft outlines are.

    Attributes:
        steps, batch: how many steps, and how many objects (each seen twice) in each, on all processes together.
        rate: Adam's, times 0.3 from 60 % of the steps on.
        sigma: softness; from 60 % of the steps on times 0.3.
        sigma_start: if larger than sigma, softness falls from it to sigma, geometrically, over the first 30 % of the steps (not in the released recipe).
        clip: the largest norm of the gradient; 0: none (as released).
        seed: of the weights and batches.
    """

    steps: int
    batch: int
    rate: float = 1e-4
    sigma: float = 1e-4
    sigma_start: float = 0.0
    clip: float = 0.0
    seed: int = 0

    def __post_init__(self) -> None:
        if self.steps < 1 or self.batch < 1 or self.rate <= 0 or self.sigma <= 0:
            raise ValueError(f"TrainOptions: steps, batch, rate and sigma must be positive, got {self.steps}, {self.batch}, {self.rate} and {self.sigma}")

    def late(self, step: int) -> float:
        """What rate and sigma are multiplied with."""
        return 0.3 if step >= 0.6 * self.steps else 1.0

    def rate_at(self, step: int) -> float:
        return self.rate * self.late(step)

    def sigma_at(self, step: int) -> float:
        done = min(1.0, step / (0.3 * self.steps))
        start = max(self.sigma_start, self.sigma)
        return self.late(step) * start ** (1 - done) * self.sigma**done


def read_state(path: Path, entries: Set[str] = NETWORK_STATE, op: str = "train") -> dict[str, Any]:
    """A training's state; it is never unpickled.

    Raises:
        FileNotFoundError: if there is none. ValueError: if it is no state, or lacks one of the entries.
    """
    try:
        state: dict[str, Any] = torch.load(path, weights_only=True, map_location="cpu")
        missing = entries - state.keys()
        if missing:
            raise ValueError(f"it lacks {', '.join(sorted(missing))}")
    except FileNotFoundError:
        raise FileNotFoundError(f"{op}: there is no file {path}") from None
    except Exception as error:  # torch raises whatever the malformed file makes it stumble over
        raise ValueError(f"{op}: {path} must be a training's state, got {type(error).__name__}: {error}") from error
    return state


def check_same(path: Path, described: dict[str, Any], state: dict[str, Any]) -> None:
    """That a state belongs to the options that are given now."""
    for name, mine in described.items():
        theirs = state.get(name)
        if theirs != mine:
            differ = [key for key in mine if mine[key] != theirs.get(key)] if isinstance(mine, dict) and isinstance(theirs, dict) else [name]
            raise ValueError(f"train: {path} belongs to a training with other {', '.join(differ)}; give the same options, or another folder")


@contextmanager
def noting_interrupts() -> Iterator[list[bool]]:
    """Within it Ctrl-C only makes the list longer, so that a step can be finished."""
    noted: list[bool] = []
    previous = signal.signal(signal.SIGINT, lambda *_: noted.append(True))
    try:
        yield noted
    finally:
        signal.signal(signal.SIGINT, previous)
