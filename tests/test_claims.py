"""`docs/claims.md` names only what is there, and no file of tests is without a claim.

Plan: the commands of the table are taken apart, and held against the files: paths, names after ``::`` and ``-k`` (as words of the sources, so that nothing need
be imported), programs, subcommands. Then the same on tables with one fault each, which must be seen. And the form of the programs in `findings`, of which none
is run here.
"""

import ast
import os
import re
import shlex
from pathlib import Path

import pytest
from conftest import REPOSITORY

CLAIMS = (REPOSITORY / "docs/claims.md").read_text(encoding="utf-8")
SETTING = re.compile(r"[A-Z_]+=\S*")  # before a command, or alone: a variable of the environment


def commands_of(page: str) -> list[list[str]]:
    """The words of all that stands in backquotes in the last column of the table."""
    rows = [line for line in page.splitlines() if line.startswith("| ")]
    return [shlex.split(command) for row in rows for command in re.findall(r"`([^`]+)`", row.rstrip(" |").rpartition(" | ")[2])]


def names_in(path: Path) -> set[str]:
    """Its classes and tests, as pytest names them: ``Class``, ``Class::test``, ``test``."""
    found = set()
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef):
            found.add(node.name)
        elif isinstance(node, ast.ClassDef):
            found |= {node.name, *(f"{node.name}::{inner.name}" for inner in node.body if isinstance(inner, ast.FunctionDef))}
    return found


def faults_of_tests(words: list[str], root: Path) -> list[str]:
    """Of ``pytest FILE[::NAME] ... [-k NAME]``."""
    wanted = words.pop(words.index("-k") + 1) if "-k" in words else None
    faults, names = [], set()
    for word in words:
        path, _, name = word.partition("::")
        if word == "-k":
            continue
        if not re.fullmatch(r"tests/([\w/]+/)?test_\w+\.py", path) or not (root / path).is_file():
            faults.append(f"no tests {path}")
            continue
        names |= names_in(root / path)
        if name and name not in names_in(root / path):
            faults.append(f"no {name} in {path}")
    if wanted is not None and not any(wanted.lower() in name.lower() for name in names):
        faults.append(f"nothing that -k {wanted} picks")
    return faults


def faults_of_program(words: list[str], root: Path) -> list[str]:
    """Of ``python FILE ...`` and ``python -m MODULE ...``."""
    if words[0] != "-m":
        return [] if (root / words[0]).is_file() else [f"no program {words[0]}"]
    place = root.joinpath(*words[1].split("."))
    return [] if place.with_suffix(".py").is_file() or (place / "__main__.py").is_file() else [f"no module {words[1]}"]


def faults_of(page: str, root: Path = REPOSITORY) -> list[str]:
    faults = []
    for words in commands_of(page):
        match [word for word in words if not SETTING.fullmatch(word)]:
            case []:
                pass
            case ["pytest", *rest] if rest:
                faults += faults_of_tests(rest, root)
            case ["python", *rest] if rest:
                faults += faults_of_program(rest, root)
            case ["taichi-softras", command, *_]:
                sources = [path.read_text(encoding="utf-8") for path in sorted((root / "taichi_softras/app").glob("*.py"))]
                faults += [] if any(re.search(rf'add_command\(\s*commands,\s*"{command}"', source) for source in sources) else [f"no command {command}"]
            case other:
                faults.append(f"no command that is known: {' '.join(other)}")
    return faults


def test_what_is_named_is_there():
    assert len(commands_of(CLAIMS)) > 40
    assert faults_of(CLAIMS) == []


def test_no_file_of_tests_is_without_a_claim():
    named = {word.partition("::")[0] for words in commands_of(CLAIMS) for word in words if word.startswith("tests/")}
    there = {path.relative_to(REPOSITORY).as_posix() for path in (REPOSITORY / "tests").rglob("test_*.py")}
    assert len(there) > 50
    assert there - named == set()


@pytest.mark.parametrize(
    ("command", "fault"),
    [
        ("pytest tests/scene/test_mesh.py", None),
        ("pytest tests/test_claims.py::test_what_is_named_is_there", None),
        ("pytest tests/test_imports.py::TestRooms::test_no_arrow_runs_up", None),
        ("pytest tests/interop/test_softras_options.py -k combination", None),
        ("HYPOTHESIS_PROFILE=nightly", None),
        ("python demos/pose.py -o out/pose", None),
        ("python -m demos.reconstruction --quick", None),
        ("taichi-softras fit -o out", None),
        ("pytest tests/test_mesh.py", "no tests tests/test_mesh.py"),
        ("pytest tests/scene/test_mesh.py tests/scene/mesh.py", "no tests tests/scene/mesh.py"),
        ("pytest tests/scene", "no tests tests/scene"),
        ("pytest tests/test_claims.py::test_nothing", "no test_nothing in tests/test_claims.py"),
        ("pytest tests/interop/test_gradcheck.py -k Combinatoin", "nothing that -k Combinatoin picks"),
        ("python demos/pse.py", "no program demos/pse.py"),
        ("python -m demos.recon", "no module demos.recon"),
        ("taichi-softras fitt", "no command fitt"),
        ("pytest", "no command that is known: pytest"),
        ("pyest tests/scene/test_mesh.py", "no command that is known: pyest tests/scene/test_mesh.py"),
    ],
)
def test_each_fault_is_seen(command, fault):
    page = f"| claim | shown by |\n|---|---|\n| `a` and b | it needs nothing: `{command}` (but time) |\n"
    assert faults_of(page) == ([] if fault is None else [fault])


class TestFindings:
    PROGRAMS = sorted((REPOSITORY / "findings").glob("*.sh"))

    @pytest.mark.parametrize("path", PROGRAMS, ids=lambda path: path.stem)
    def test_stands_alone(self, path):
        """It can be started, works in a folder that goes again, installs packages of one version, and nothing of ours."""
        source = path.read_text(encoding="utf-8")
        assert os.access(path, os.X_OK)
        assert source.startswith("#!/usr/bin/env bash\n# ")
        assert "set -euo pipefail" in source
        assert "folder=$(mktemp -d)\ntrap 'rm -rf \"$folder\"' EXIT" in source
        packages = [word for words in re.findall(r'/bin/pip" install (.*)', source) for word in words.split() if not word.startswith("--")]
        assert packages
        assert [package for package in packages if not re.fullmatch(r"[\w-]+==[\w.]+", package)] == []
        assert "taichi_softras" not in source

    def test_all_are_listed_once(self):
        rows = re.findall(r"^\| \[`(\w+\.sh)`\]\((\w+\.sh)\) \|", (REPOSITORY / "findings/README.md").read_text(encoding="utf-8"), re.MULTILINE)
        assert [(path.name, path.name) for path in self.PROGRAMS] == rows
