"""The table: what is measured of a row, and what is printed of it, as Markdown."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from .machine import Floors
from .rows import Row
from .timing import Times

__all__ = ["Column", "Result", "columns_of", "heading", "line", "summary"]

OPERATIONS_PER_PAIR = 150  # forward and backward
MANY_PAIRS = 100_000  # from here on the time per pair should be the same everywhere
TARGET_SPREAD = 0.30
CHANNELS = 3


@dataclass(frozen=True, kw_only=True)
class Result:
    """What was measured of a row.

    Attributes:
        faces, vertices: how many there really are, in one image.
        pairs: (face, pixel) pairs in reach, of all images.
        peak_bytes: how much the process grew in a step; None if unknown.
        others: the other renderers' times, or why there are none.
    """

    row: Row
    faces: int
    vertices: int
    pairs: int
    times: Times
    peak_bytes: int | None
    floors: Floors
    others: dict[str, Times | str] = field(default_factory=dict)

    @property
    def arithmetic_seconds(self) -> float:
        return self.pairs * OPERATIONS_PER_PAIR / self.floors.operations

    @property
    def memory_seconds(self) -> float:
        """Numbers of four bytes: the picture is written and its gradient read; the mesh is read on either way, and its gradient written."""
        channels = 1 if self.row.silhouette_only else CHANNELS + 2  # alpha, colour, depth
        colors = 0 if self.row.silhouette_only else CHANNELS * self.vertices
        picture = self.row.batch * self.row.size**2 * channels
        vertices = 3 * self.vertices * self.row.batch
        return 4 * (2 * picture + 2 * (3 * self.faces + vertices + colors) + vertices + colors) / self.floors.bytes

    @property
    def ns_per_pair(self) -> float:
        return 1e9 * self.times.total / max(self.pairs, 1)


@dataclass(frozen=True)
class Column:
    heading: str
    text: Callable[[Result], str]
    width: int = 0

    @property
    def least_width(self) -> int:
        return max(self.width, len(self.heading))


def columns_of(others: Sequence[str]) -> list[Column]:
    """The columns of the table, with two for each of the other renderers."""
    return [
        Column("row", lambda r: r.row.name, 28),
        Column("faces", lambda r: str(r.faces), 7),
        Column("image", lambda r: str(r.row.size), 5),
        Column("batch", lambda r: str(r.row.batch)),
        Column("sigma", lambda r: f"{r.row.sigma:.0e}"),
        Column("kind", lambda r: "alpha" if r.row.silhouette_only else "colour", 6),
        Column("pairs", lambda r: str(r.pairs), 8),
        Column("forward ms", lambda r: milliseconds(r.times.forward)),
        Column("backward ms", lambda r: milliseconds(r.times.backward)),
        Column("total ms", lambda r: milliseconds(r.times.total)),
        Column("least ms", lambda r: milliseconds(r.times.least)),
        Column("target ms", target, 10),
        Column("ns/pair", lambda r: f"{r.ns_per_pair:.1f}"),
        Column("M pairs/s", lambda r: f"{r.pairs / r.times.total / 1e6:.2f}"),
        Column("of arithmetic", lambda r: f"{100 * r.arithmetic_seconds / r.times.total:.1f} %"),
        Column("of memory", lambda r: f"{100 * r.memory_seconds / r.times.total:.1f} %"),
        Column("peak MiB", lambda r: "n/a" if r.peak_bytes is None else f"{r.peak_bytes / 2**20:.1f}"),
        *[column for name in others for column in _columns_of_other(name)],
    ]


def _columns_of_other(name: str) -> tuple[Column, Column]:
    def times(r: Result) -> str:
        other = r.others.get(name, "")
        return other if isinstance(other, str) else f"{milliseconds(other.forward)} + {milliseconds(other.backward)}"

    def ratio(r: Result) -> str:
        other = r.others.get(name, "")
        return "" if isinstance(other, str) else f"{r.times.total / other.total:.4f}"

    return Column(f"{name} ms", times, 15), Column(f"ours/{name}", ratio)


def target(result: Result) -> str:
    wanted = result.row.target_ms
    return "" if wanted is None else f"{wanted:g}, {'met' if 1e3 * result.times.total <= wanted else 'missed'}"


def milliseconds(seconds: float) -> str:
    """Three digits, at least."""
    value = 1e3 * seconds
    return f"{value:.0f}" if value >= 1000 else f"{value:.1f}" if value >= 100 else f"{value:.2f}"


def heading(columns: Sequence[Column]) -> str:
    names = " | ".join(column.heading.rjust(column.least_width) for column in columns)
    rules = "|".join("-" * (column.least_width + 1) + ":" for column in columns)
    return f"| {names} |\n|{rules}|"


def line(columns: Sequence[Column], result: Result) -> str:
    return "| " + " | ".join(column.text(result).rjust(column.least_width) for column in columns) + " |"


def summary(results: Sequence[Result]) -> list[str]:
    """What the rows show together."""
    lines = []
    for group, what in (("faces", "faces doubled"), ("pixels", "pixels times four")):
        totals = [r.times.total for r in results if r.row.group == group]
        if len(totals) > 1:
            ratios = ", ".join(f"{after / before:.2f}" for before, after in pairwise(totals))
            lines.append(f"* Time against the row above, {what}: {ratios}.")
    costs = sorted((r.ns_per_pair, r.row.name) for r in results if r.pairs >= MANY_PAIRS and not r.row.silhouette_only)
    if costs:
        (least, cheapest), (most, dearest), median = costs[0], costs[-1], costs[len(costs) // 2][0]
        near = sum(abs(cost / median - 1) <= TARGET_SPREAD for cost, _ in costs)
        lines.append(
            f"* Time per pair, of the {len(costs)} coloured rows with {MANY_PAIRS:,} pairs or more: median {median:.1f} ns, from {least:.1f} ({cheapest}) "
            f"to {most:.1f} ({dearest}); {near} rows are within {100 * TARGET_SPREAD:.0f} % of the median."
        )
    targets = [r for r in results if r.row.target_ms is not None]
    if targets:
        lines.append(f"* Targets met: {sum(1e3 * r.times.total <= r.row.target_ms for r in targets)} of {len(targets)}.")
    return lines
