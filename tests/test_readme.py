"""The README's examples run as they stand, and the files it speaks of exist."""

import re

from conftest import REPOSITORY

README = (REPOSITORY / "README.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)


def numbers(example: str, run_python) -> list[float]:
    printed = run_python(example).stdout
    return [float(number) for number in re.findall(r"(?<![\w.])-?\d+\.?\d*(?:e[-+]\d+)?(?![\w.])", printed.partition("Starting on arch")[2] or printed)]


def test_it_is_one_page_with_one_picture():
    assert len(README.splitlines()) < 120
    assert re.findall(r"!\[[^]]*\]\(([^)]*)\)", README) == ["docs/spot.png"]


def test_there_is_an_example_for_torch_and_one_for_taichi():
    assert ["import torch" in example for example in EXAMPLES] == [True, False]


def test_torch(run_python):
    loss, norm = numbers(EXAMPLES[0], run_python)[-2:]
    assert 0 < loss < 1
    assert norm > 0


def test_taichi(run_python):
    losses = numbers(EXAMPLES[1], run_python)[-5:]
    assert 1 > losses[0] > losses[-1] > 0


def test_files_that_it_names_exist():
    named = re.findall(r"(?<![\w/.])((?:tests|demos|docs|kernels|interop|taichi_softras)/[\w/]+\.\w+)", README)
    linked = re.findall(r"\]\((?!https?:)([^)#]+)", README)
    rooms = re.findall(r"`([\w/]+/)`", README)
    assert min(len(named), len(linked)) > 8
    assert len(rooms) == 12
    assert [name for name in (*named, *linked, *rooms) if not (REPOSITORY / name).exists()] == []
