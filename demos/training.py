"""What programs share that train networks, or fit for long: flags, the schedule, states, and the loop that goes on after an interruption."""

import argparse
import json
import sys
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Set
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from tqdm import tqdm

import taichi_softras as tsr
from taichi_softras.interrupting import noting_interrupts
from taichi_softras.replacing import replacing

__all__ = [
    "LOOP_FLAGS", "NETWORK_STATE", "Run", "Schedule", "add_loop_flags", "add_option_flags", "check_same", "chosen", "command_parser", "descend", "load_model",
    "parsed", "read_state", "save_curves", "smoothed", "write_state",
]  # fmt: skip

NETWORK_STATE = frozenset({"network", "train", "classes", "model", "optimizer", "step", "losses", "seconds"})
LOOP_FLAGS = ("device", "save_every", "stop_after", "begin_with")


# --------------------------------------------------------------------------------------------------------------------------- the flags


def command_parser(module: str, told: str, where: str = "") -> tuple[argparse.ArgumentParser, Any, argparse.ArgumentParser]:
    """(the parser of a program with commands, what adds a command's parser to it, the parent of these parsers); see :func:`parsed`.

    ``where``: what else is said of --deterministic.
    """
    parser = argparse.ArgumentParser(prog=f"python -m {module}", description=told, formatter_class=argparse.RawDescriptionHelpFormatter)
    own = argparse.ArgumentParser(add_help=False)
    own.add_argument("--threads", type=int, help="of torch (default: its own choice)")
    own.add_argument("--deterministic", action="store_true", help=f"the same bits in every run, with one thread for the kernels{where}")
    return parser, parser.add_subparsers(dest="command", required=True), own


def add_loop_flags(parser: argparse.ArgumentParser, begin_with: str) -> None:
    """Flags of a command that trains: --quick and LOOP_FLAGS."""
    parser.add_argument("--quick", action="store_true", help="a smaller network, fewer steps, a higher rate: for a CPU")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--save-every", type=int, default=200, help="steps (default: %(default)s)")
    parser.add_argument("--begin-with", type=Path, metavar="FOLDER", help=f"another training, whose weights are the first ones{begin_with}")
    parser.add_argument("--stop-after", type=int, help="stops after so many steps; the same command without it goes on")


def add_option_flags(parser: argparse.ArgumentParser, options: Any, quick: Mapping[str, Any], but: Collection[str] = (), **choices: list[str]) -> None:
    """A flag for each field of a dataclass, ``but`` some; it is None if it is not given, see :func:`chosen`. ``choices``: of fields that have some."""
    for field in fields(options):
        if field.name not in but:
            told = f"default: {field.default}" + (f", with --quick {quick[field.name]}" if field.name in quick else "")
            more = {"choices": choices[field.name]} if field.name in choices else {"type": field.type}
            parser.add_argument(f"--{field.name.replace('_', '-')}", help=told, **more)


def chosen(options: argparse.Namespace, names: Iterable[str], quick: Mapping[str, Any]) -> dict[str, Any]:
    """What the user chose; else, with --quick, its choices."""
    given = {name: getattr(options, name) for name in names if getattr(options, name) is not None}
    return (dict(quick) if options.quick else {}) | given


def parsed(parser: argparse.ArgumentParser, arguments: list[str] | None) -> argparse.Namespace:
    """The options; what they say of threads is done."""
    options = parser.parse_args(arguments)
    if options.threads:
        torch.set_num_threads(options.threads)
    if options.deterministic:
        tsr.init("cpu", deterministic=True)
    return options


# ------------------------------------------------------------------------------------------------------------------------ the schedule


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


def descend(optimizer: torch.optim.Optimizer, loss: torch.Tensor, rate: float, clip: float = 0.0) -> None:
    """One step of an optimiser of one group; ``clip``: the largest norm of the gradient, 0: none."""
    (group,) = optimizer.param_groups
    group["lr"] = rate
    optimizer.zero_grad()
    loss.backward()
    if clip:
        nn.utils.clip_grad_norm_(group["params"], clip)
    optimizer.step()


# -------------------------------------------------------------------------------------------------------------------------- the states


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


def write_state(path: Path, state: Mapping[str, Any]) -> None:
    """Whole or not at all; :func:`read_state` reads it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as partial:
        torch.save(dict(state), partial)


def check_same(path: Path, described: Mapping[str, Any], state: Mapping[str, Any], free: Collection[str] = ()) -> None:
    """That a state belongs to the options that are given now, but for those that are ``free``."""
    for name, mine in described.items():
        theirs = state.get(name)
        if isinstance(mine, dict) and isinstance(theirs, dict):
            differ = [key for key in mine | theirs if key not in free and mine.get(key) != theirs.get(key)]
        else:
            differ = [name] if theirs != mine else []
        if differ:
            raise ValueError(f"train: {path} belongs to a training with other {', '.join(differ)}; give the same options, or another folder")


def load_model(model: Callable[[Any], nn.Module], sizes: Callable[..., Any], folder: Path, device: str = "cpu") -> Any:
    """The network that a training left, ready to be used: ``model(sizes(**...))`` with its weights."""
    state = read_state(folder / "state.pt")
    made = model(sizes(**state["network"]))
    made.load_state_dict(state["model"])
    return made.to(device).eval()


class Run:
    """A training in a folder, which may be ended at any moment, even killed: it then goes on where the last state ends.

    Args:
        folder: of state.pt.
        steps: of the whole training.
        described: its options, by name; a state of others is refused.
        parts: by name, all that changes and has a ``state_dict``: networks and optimisers.
        curves: what the state calls the ``record``.

    Attributes:
        step: how many are done.
        record: of each of them the values [N] that :meth:`go` was given.
        seconds: that they took.
    """

    def __init__(self, folder: Path, steps: int, described: Mapping[str, Any], parts: Mapping[str, Any], curves: str = "losses") -> None:
        self.folder, self.path, self.steps = folder, folder / "state.pt", steps
        self.described, self.parts, self.curves = dict(described), parts, curves
        self.step, self.seconds = 0, 0.0
        self.record: list[torch.Tensor] = []

    def load(self, free: Collection[str] = ()) -> bool:
        """Takes up what was saved; False if nothing was. ``free`` options may have been others.

        Raises:
            ValueError: if the state belongs to other options.
        """
        if not self.path.is_file():
            return False
        state = read_state(self.path, self.parts.keys() | {"step", "seconds", self.curves})
        check_same(self.path, self.described, state, free)
        for name, part in self.parts.items():
            part.load_state_dict(state[name])
        self.step, self.record, self.seconds = state["step"], list(state[self.curves]), state["seconds"]
        return True

    def save(self) -> None:
        now = {"step": self.step, self.curves: torch.stack(self.record), "seconds": self.seconds}
        write_state(self.path, self.described | {name: part.state_dict() for name, part in self.parts.items()} | now)

    def go(
        self,
        advance: Callable[[int], Mapping[str, torch.Tensor]],
        *,
        save_every: int,
        stop_after: int | None,
        digits: int = 3,
        writes: bool = True,
        agreed: Callable[[bool], bool] = bool,
    ) -> bool:
        """Makes the steps that are left, or ``stop_after`` of them; False if Ctrl-C, or that number, came before the end.

        ``advance`` makes a step, of a number, and returns what is to be recorded and shown (with so many ``digits``). The state is written every
        ``save_every`` steps and at the end; of several processes one ``writes``, and what is ``agreed`` by all decides whether to stop.
        """
        first, before, began = self.step, self.seconds, time.monotonic()
        quiet = {"disable": not writes, "mininterval": 0.1 if sys.stderr.isatty() else 30}
        with noting_interrupts() as interrupted:
            self.folder.mkdir(parents=True, exist_ok=True)
            bar = tqdm(range(first, self.steps), initial=first, total=self.steps, desc="train", **quiet)
            for step in bar:
                values = advance(step)
                self.record.append(torch.stack([value.detach() for value in values.values()]).cpu())
                self.step, self.seconds = step + 1, before + time.monotonic() - began
                bar.set_postfix({name: f"{value:.{digits}f}" for name, value in zip(values, self.record[-1].tolist(), strict=True)}, refresh=False)
                stop = agreed(bool(interrupted)) or (stop_after is not None and self.step >= first + stop_after)
                if writes and (stop or self.step == self.steps or self.step % save_every == 0):
                    self.save()
                if stop and self.step < self.steps:
                    return False
        return True

    def note_end(self) -> None:
        """Writes train.json: the options, and when the training ended."""
        with replacing(self.folder / "train.json") as partial:
            partial.write_text(json.dumps(self.described | {"finished": time.strftime("%Y-%m-%d %H:%M:%S")}, indent=1) + "\n")


# -------------------------------------------------------------------------------------------------------------------------- the curves


def smoothed(curve: np.ndarray, steps: int) -> np.ndarray:
    """Its means over so many steps (or all, if there are fewer)."""
    window = min(steps, len(curve))
    return np.convolve(curve, np.full(window, 1 / window), "valid")


def save_curves(path: Path, curves: Mapping[str, np.ndarray], ylabel: str, height: float) -> None:
    """Losses [steps], smoothed over fifty of them, in one diagram. Needs matplotlib."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(7, height), layout="constrained")
    for name, curve in curves.items():
        axes.plot(smoothed(curve, 50), label=name, linewidth=1)
    axes.set(xlabel="step", ylabel=ylabel)
    axes.legend()
    figure.savefig(path, dpi=110)
    pyplot.close(figure)
