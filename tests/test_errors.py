"""Every mistake of the table `bad_input` gives one sentence of ours, before a kernel runs. (What needs torch: `interop/test_torch_errors.py`.)"""

import pytest
from bad_input import files, outcome, standalone

CASES = [case for part in (standalone, files) for function in part.functions() for case in function.cases()]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_mistake_is_one_sentence(case, tmp_path, monkeypatch):
    outcome(case, tmp_path, monkeypatch.setattr)
    assert not (tmp_path / "executed").exists()
