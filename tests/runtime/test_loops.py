"""Loops over as many threads as the GPU holds: every turn once, whatever their number. (That kernels are right with them is shown on a GPU: `tests/device`.)"""

import ast

import pytest

from taichi_softras.runtime.arrays import TEAM
from taichi_softras.runtime.devices import cuda_threads
from taichi_softras.runtime.loops import of_resident_threads


@pytest.mark.parametrize(("head", "turns"), [("range(n)", range(23)), ("range(5, n + 3)", range(5, 26)), ("range(n - n)", range(0))])
@pytest.mark.parametrize("n_threads", [1, 4, 23, 128])
def test_every_turn_comes_once(head: str, turns: range, n_threads: int) -> None:
    program = ast.parse(f"for i in {head}:\n    if i % 7 == 3:\n        continue\n    met.append(i)")
    program.body[0] = of_resident_threads(program.body[0], n_threads)
    met: list[int] = []
    exec(compile(program, "loop", "exec"), {"n": 23, "met": met})
    assert sorted(met) == [i for i in turns if i % 7 != 3]


def test_a_team_makes_as_many_turns() -> None:
    """Threads that wait for each other are in one block; with whole teams of turns none of a block is left alone."""
    n_threads, team = 4 * TEAM, TEAM
    turns = [len(range(thread, 5 * team, n_threads)) for thread in range(n_threads)]
    assert all(len(set(turns[first : first + team])) == 1 for first in range(0, n_threads, team))


def test_how_many_threads_there_are() -> None:
    assert cuda_threads() > 0
    assert cuda_threads() % TEAM == 0
