"""The documentation: the site builds without a warning, what its pages and docstrings show runs, and the reference leaves out no public name.

A block of Python in a page runs, after those above it, unless the line before it says ``<!-- not run: WHY -->``; it prints what the comments after its prints
say.
"""

import ast
import doctest
import importlib
import json
import os
import re
import subprocess
import sys
import zlib
from pathlib import Path

import pytest
from conftest import REPOSITORY
from test_imports import ROOMS

import taichi_softras
import taichi_softras.engine.dibr
import taichi_softras.engine.fragments
import taichi_softras.engine.voxels
import taichi_softras.interop  # which needs torch
import taichi_softras.recover.metrics

DOCS = REPOSITORY / "docs"
PAGES = sorted(DOCS.rglob("*.md"))
NOTEBOOKS = sorted(DOCS.glob("notebooks/*.ipynb"))
PUBLIC = [
    taichi_softras,
    taichi_softras.engine.losses,
    taichi_softras.engine.lighting,
    taichi_softras.recover.metrics,
    taichi_softras.engine.voxels,
    taichi_softras.engine.dibr,
    taichi_softras.engine.fragments,
    taichi_softras.interop,
    taichi_softras.interop.losses,
    taichi_softras.interop.lighting,
]
BLOCK = re.compile(r"(<!-- not run: [^>]+ -->\n)?```python\n(.*?)^```", flags=re.DOTALL | re.MULTILINE)
PICTURES_BYTES = 1_500_000
FIRST_PICTURE_BYTES = 300_000  # that of the README
NAMED = re.compile(r"(?<![\w/.{-])((?:tests|demos|docs|kernels|interop|taichi_softras)/[\w/]+\.(?:py|md|png|gif|ipynb|txt))\b")


def name_of(path: Path) -> str:
    return path.relative_to(DOCS).as_posix()


def script_of(page: str) -> str:
    """The blocks that run, each on the lines where it stands in the page, so that an error tells the line."""
    lines = [""] * page.count("\n")
    for found in BLOCK.finditer(page):
        if found[1] is None:
            first = page.count("\n", 0, found.start(2))
            block = found[2].splitlines()
            lines[first : first + len(block)] = block
    return "\n".join(lines).rstrip() + "\n"


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    """Built with links, anchors and the table of contents checked: a warning is an error."""
    site = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--config-file", REPOSITORY / "mkdocs.yml", "--site-dir", site],
        cwd=REPOSITORY,
        env=os.environ | {"NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return site


class TestSite:
    def test_builds_strictly_with_every_page(self, site):
        made = {path.relative_to(site).as_posix() for path in site.rglob("*.html")}
        assert {re.sub(r"README\.md$", "index.md", name_of(page)).replace(".md", ".html") for page in PAGES} <= made
        assert {name_of(notebook).replace(".ipynb", ".html") for notebook in NOTEBOOKS} <= made

    @pytest.mark.parametrize("module", PUBLIC, ids=lambda module: module.__name__)
    def test_every_public_name_is_in_the_reference(self, site, module):
        inventory = (site / "objects.inv").read_bytes().split(b"\n", 4)[4]
        known = {line.split()[0] for line in zlib.decompress(inventory).decode().splitlines()}
        names = {f"{module.__name__}.{name}" for name in module.__all__}
        assert len(names) > 1
        assert names - known == set()

    def test_nothing_is_fetched_from_elsewhere(self, site):
        elsewhere = re.compile(r"<(?:script|img|link)[^>]+(?:src|href)=[\"']?(?:https?:)?//")
        assert elsewhere.search('<link rel="stylesheet" href="https://fonts.example/font.css">')
        assert [page.name for page in site.rglob("*.html") if elsewhere.search(page.read_text(encoding="utf-8"))] == []


class TestPages:
    @pytest.mark.parametrize("page", [page for page in PAGES if BLOCK.search(page.read_text(encoding="utf-8"))], ids=name_of)
    def test_python_runs(self, page, run_python):
        script = script_of(page.read_text(encoding="utf-8"))
        if script.strip():
            printed = run_python(script).stdout
            said = re.findall(r"^print\(.*\)  # (.*)$", script, flags=re.MULTILINE)  # what is printed, and perhaps a colon and why
            assert [line for line in said if line.partition(":")[0] not in printed] == []

    def test_blocks_are_found_and_may_say_that_they_do_not_run(self):
        page = "a\n```python\nx = 1\n```\n<!-- not run: why -->\n```python\nraise\n```\nb\n```python\nassert x\n```\n"
        assert script_of(page) == "\n\nx = 1\n\n\n\n\n\n\n\nassert x\n"

    def test_every_block_of_python_is_known_as_one(self):
        for page in PAGES:
            text = page.read_text(encoding="utf-8")
            assert len(BLOCK.findall(text)) == len(re.findall(r"^\s*```\s*\{?\.?py", text, flags=re.MULTILINE)), page

    @pytest.mark.parametrize("page", PAGES, ids=name_of)
    def test_files_that_it_names_exist(self, page):
        named = NAMED.findall(page.read_text(encoding="utf-8"))
        assert [name for name in named if not (REPOSITORY / name).is_file()] == []

    def test_a_distribution_is_added_as_the_page_says(self, run_python):
        """Its function and its line, put where it says into a copy of the package, give D = F(u)."""
        function, line, *_ = (block for _, block in BLOCK.findall((DOCS / "add_your_own_distribution.md").read_text(encoding="utf-8")))
        script = (
            "import shutil, sys, tempfile\n"
            "from pathlib import Path\n"
            "import numpy as np\n"
            f"sys.path.insert(0, folder := tempfile.mkdtemp())\n"
            f"shutil.copytree({str(REPOSITORY / 'taichi_softras')!r}, folder + '/taichi_softras')\n"
            "path = Path(folder, 'taichi_softras/kernels/coverage.py')\n"
            "source = path.read_text()\n"
            "source = source.replace('@dataclass(frozen=True, eq=False)\\nclass Family', FUNCTION + '\\n\\n@dataclass(frozen=True, eq=False)\\nclass Family')\n"
            "source = source.replace('    UNIFORM = ', '    ' + LINE + '    UNIFORM = ')\n"
            "path.write_text(source)\n"
            "import taichi_softras as tsr\n"
            "assert tsr.__file__.startswith(folder)\n"
            "settings = tsr.RasterizeSettings(distribution=tsr.Distribution.ARCTAN_OF_SINH, squared=False, sigma=0.3, cutoff=1e-9)\n"
            "half = tsr.Mesh(vertices=[[0, -1e3, 0], [1e3, 0, 0], [0, 1e3, 0]], faces=[[0, 1, 2]])\n"
            "alpha = tsr.render_mesh(half, tsr.Camera.orbit(2, orthographic_height=2), 32, settings).alpha[0, 16]\n"
            "u = (np.arange(32) * 2 + 1 - 32) / 32 / 0.3\n"
            "np.testing.assert_allclose(alpha, 0.5 + np.arctan(np.sinh(u)) / np.pi, atol=1e-5)\n"
            "shutil.rmtree(folder)\n"
        )
        run_python(f"FUNCTION, LINE = {function!r}, {line!r}\n" + script)

    def test_pictures_are_small(self):
        sizes = {path.name: path.stat().st_size for path in (DOCS / "pictures").glob("*.png")}
        assert sum(sizes.values()) + sum(path.stat().st_size for path in NOTEBOOKS) < PICTURES_BYTES
        assert (DOCS / "spot.png").stat().st_size < FIRST_PICTURE_BYTES

    def test_pictures_are_those_that_the_program_makes(self, monkeypatch):
        monkeypatch.syspath_prepend(DOCS)
        made = importlib.import_module("pictures").PICTURES
        assert sorted(made) == sorted(path.stem for path in (DOCS / "pictures").glob("*.png"))
        shown = {name for page in PAGES for name in re.findall(r"pictures/(\w+)\.png", page.read_text(encoding="utf-8"))}
        assert shown == set(made)


def definitions_in(path: Path) -> set[str]:
    """Its functions, however deep within others, and its classes; methods with their class."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            found.add(node.name)
        if isinstance(node, ast.ClassDef):
            found |= {f"{node.name}.{inner.name}" for inner in node.body if isinstance(inner, ast.FunctionDef)}
    return found


class TestHowItWorks:
    PAGE = (DOCS / "how_it_works.md").read_text(encoding="utf-8")

    def test_the_walk_names_what_is_there(self):
        """In each of its steps, every name is one of the files that the step names."""
        walk = self.PAGE.partition("## A newcomer's walk\n")[2].partition("\n## ")[0]
        steps = re.split(r"^\d+\. ", walk, flags=re.MULTILINE)[1:]
        assert len(steps) == 10
        for step in steps:
            words = re.findall(r"`([^`\s]+)`", step.partition("\n\n")[0])
            known = {name for word in words if "/" in word for name in definitions_in(REPOSITORY / word)}
            named = {word for word in words if "/" not in word}
            assert named, step
            assert named - known == set()

    def test_the_floors_are_those_that_are_tested(self):
        floors = re.findall(r"^    (\d)   (\S.*)$", self.PAGE, flags=re.MULTILINE)
        assert {room: int(floor) for floor, rooms in floors for room in rooms.split()} == ROOMS

    def test_its_files_are_there(self):
        """Also those that are named from the package on: ``engine/binning.py``."""
        named = set(re.findall(r"(?<![\w/*])(\w+/[\w/]+\.py)\b", self.PAGE))
        assert len(named) > 20
        assert [name for name in named if not any((REPOSITORY / folder / name).is_file() for folder in ("", "taichi_softras"))] == []


def module_of(path: Path) -> str:
    """Its name where the package is installed."""
    inside = ".".join(path.relative_to(REPOSITORY).with_suffix("").parts)
    return inside if inside.startswith("taichi_softras.") else f"taichi_softras.{inside}"


SOURCES = [path for folder in ("taichi_softras", "interop", "kernels") for path in sorted((REPOSITORY / folder).rglob("*.py"))]
WITH_EXAMPLES = sorted({module_of(path) for path in SOURCES if ">>> " in path.read_text(encoding="utf-8")})


class TestDocstrings:
    def test_there_are_examples(self):
        assert len(WITH_EXAMPLES) >= 8

    @pytest.mark.parametrize("module", WITH_EXAMPLES)
    def test_examples_run(self, module):
        result = doctest.testmod(importlib.import_module(module))
        assert result.attempted > 0
        assert result.failed == 0


class TestNotebooks:
    """Each runs from top to bottom in a new kernel, away from the repository, and comes to what it says."""

    def test_there_are_three(self):
        assert [notebook.stem for notebook in NOTEBOOKS] == ["shape_from_silhouettes", "softness_with_taichi", "texture_and_light"]

    @pytest.fixture
    def printed(self, run_python):
        def run(name: str) -> str:
            script = (
                "import nbformat\n"
                "from nbclient import NotebookClient\n"
                f"notebook = nbformat.read({str(DOCS / 'notebooks' / name)!r}, 4)\n"
                "nbformat.validate(notebook)\n"
                "NotebookClient(notebook, timeout=200, kernel_name='python3').execute()\n"
                "outputs = [output for cell in notebook.cells for output in cell.get('outputs', [])]\n"
                "assert any('image/png' in output.get('data', {}) for output in outputs)\n"
                "print(''.join(output.get('text', '') for output in outputs))\n"
            )
            return run_python(script).stdout

        return run

    @staticmethod
    def numbers(text: str, pattern: str) -> list[float]:
        return [float(number) for number in re.search(pattern, text).groups()]

    def test_shape_from_silhouettes(self, printed):
        before, after = self.numbers(printed("shape_from_silhouettes.ipynb"), r"sphere ([\d.]+), result ([\d.]+)")
        assert before < 0.7
        assert after > 0.85

    def test_texture_and_light(self, printed):
        text = printed("texture_and_light.ipynb")
        paint, light = self.numbers(text, r"start: paint off by ([\d.]+), light by ([\d.]+)")
        assert paint > 0.2
        assert light > 45
        paint, light = self.numbers(text, r"end: paint off by ([\d.]+), light by ([\d.]+)")
        assert paint < 0.04
        assert light < 2

    def test_softness_with_taichi(self, printed):
        text = printed("softness_with_taichi.ipynb")
        off, pixel = self.numbers(text, r"corners off by at most ([\d.]+) \(a pixel is ([\d.]+)\)")
        assert off < 2 * pixel
        sharp, soft = self.numbers(text, r"(?s)gamma 0\.001: .*? to the blue one ([\d.]+).*gamma 1: .*? to the blue one ([\d.]+)")
        assert sharp == 0
        assert soft > 0.01

    @pytest.mark.parametrize("notebook", NOTEBOOKS, ids=name_of)
    def test_says_what_to_install_and_shows_what_came_out(self, notebook):
        cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
        assert "pip install" in "".join(cells[0]["source"])
        kinds = [output["output_type"] for cell in cells for output in cell.get("outputs", [])]
        assert "display_data" in kinds
        assert "error" not in kinds
