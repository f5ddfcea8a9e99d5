"""The README's examples run as they stand, and the files it speaks of exist."""

import re

import pytest
from conftest import REPOSITORY

README = (REPOSITORY / "README.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)


def test_there_is_an_example_for_torch_and_one_for_taichi():
    assert len(EXAMPLES) == 2
    assert "import torch" in EXAMPLES[0]
    assert "import torch" not in EXAMPLES[1]


@pytest.mark.parametrize("example", EXAMPLES, ids=["torch", "taichi"])
def test_example_runs(example, run_python):
    *_, value, norm = run_python(example).stdout.replace("[", " ").replace("]", " ").split()
    assert 0 < float(value) < 1
    assert float(norm) > 0


def test_files_that_it_names_exist():
    named = re.findall(r"(?<![\w/.])((?:tests|demos|docs|kernels|interop|taichi_softras)/[\w/]+\.\w+)", README)
    assert len(named) > 8
    assert [name for name in named if not (REPOSITORY / name).is_file()] == []
