"""The wheel and the source distribution: they hold everything and nothing else, install into an empty environment, and every module imports."""

import email
import os
import re
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest
import torch
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[1]
MAPPED = {"taichi_softras": "taichi_softras", "kernels": "taichi_softras/kernels", "interop": "taichi_softras/interop"}


def tracked(*folders: str) -> list[str]:
    """Files under version control (and new ones that are not ignored)."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", *folders], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout.split()
    return [name for name in listed if not (ROOT / name).is_symlink() and (ROOT / name).is_file()]


@pytest.fixture(scope="module")
def distributions(tmp_path_factory) -> Path:
    """A folder with the wheel and the sdist, the wheel built from the sdist as an index would get them."""
    if not (ROOT / ".git").exists():
        pytest.skip("this is no git checkout, so there is no list of what a distribution must hold")
    out = tmp_path_factory.mktemp("dist")
    built = subprocess.run([sys.executable, "-m", "build", "--no-isolation", "--outdir", str(out), str(ROOT)], capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stdout + built.stderr
    return out


class TestContents:
    def test_wheel_holds_every_module_and_nothing_else(self, distributions):
        (wheel,) = distributions.glob("*.whl")
        names = [name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name]
        expected = [name.replace(folder, MAPPED[folder], 1) for folder in MAPPED for name in tracked(folder)]
        assert sorted(names) == sorted(expected)

    def test_sdist_holds_every_tracked_file_and_nothing_else(self, distributions):
        (sdist,) = distributions.glob("*.tar.gz")
        with tarfile.open(sdist) as archive:
            names = [name.split("/", 1)[1] for name in archive.getnames() if "/" in name and archive.getmember(name).isfile()]
        made = {"PKG-INFO"} | {name for name in names if name.startswith("taichi_softras.egg-info/")}
        assert sorted(set(names) - made) == sorted(name for name in tracked() if not name.startswith((".ci/", ".git")))


class TestEmptyEnvironment:
    def test_every_module_imports_from_the_wheel(self, distributions, tmp_path):
        """First without torch, where the torch layer alone must ask for it; then with it.

        What the wheel needs is installed anew. torch is lent from the environment of the tests, behind everything that was installed: that pip finds it
        by the extra's name, the README's command shows, by which that environment was made.
        """
        (wheel,) = distributions.glob("*.whl")
        subprocess.run([sys.executable, "-m", "venv", str(tmp_path / "env")], check=True)
        python = str(tmp_path / "env" / ("Scripts" if os.name == "nt" else "bin") / "python")
        environment = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV", "PYTHONDONTWRITEBYTECODE")}

        def run(*arguments: str) -> subprocess.CompletedProcess:
            return subprocess.run([python, *arguments], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)

        done = run("-m", "pip", "install", "-q", "--no-compile", "-c", str(ROOT / "constraints.txt"), str(wheel))
        assert done.returncode == 0, done.stdout + done.stderr
        program = (
            "import pkgutil, importlib, taichi_softras\n"
            "names = [m.name for m in pkgutil.walk_packages(taichi_softras.__path__, 'taichi_softras.', onerror=lambda name: None)]\n"
            "assert 'taichi_softras.kernels.rasterize' in names\n"
            "for name in names:\n"
            "    if SKIP and name.startswith('taichi_softras.interop'): continue\n"
            "    importlib.import_module(name)\n"
            "print(taichi_softras.__file__, len(names))\n"
        )
        done = run("-c", "SKIP = True\n" + program)
        assert done.returncode == 0, done.stderr
        assert str(tmp_path) in done.stdout
        done = run("-c", "import taichi_softras.interop")
        assert "taichi_softras[torch]" in done.stderr
        done = run("-m", "taichi_softras", "--version")
        assert re.search(r"^taichi_softras \d+\.\d+\.\d+ \(taichi 1\.7\.\d\)$", done.stdout, re.MULTILINE), done.stdout + done.stderr
        done = run("-m", "taichi_softras", "render", "-o", "pictures", "--views", "1", "--size", "16", "--samples", "1")
        assert done.returncode == 0, done.stderr
        (packages,) = {path.parent for path in (tmp_path / "env").rglob("site-packages/taichi_softras")}
        (packages / "lent.pth").write_text(str(Path(torch.__file__).parents[1]) + "\n")
        done = run("-c", "SKIP = False\n" + program)
        assert done.returncode == 0, done.stderr
        assert str(tmp_path) in done.stdout

    def test_what_extras_ask_for_is_what_was_tested(self, distributions):
        """Each requirement of the wheel, of its extras too, is met by the version in `constraints.txt`."""
        (wheel,) = distributions.glob("*.whl")
        lines = [Requirement(line) for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines() if line[0] != "#"]
        pinned = {line.name: str(line.specifier).removeprefix("==") for line in lines if line.marker is None or line.marker.evaluate()}
        with zipfile.ZipFile(wheel) as archive:
            (name,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
            metadata = email.message_from_bytes(archive.read(name))
        wanted = [Requirement(line) for line in metadata.get_all("Requires-Dist")]
        assert {"torch", "matplotlib", "pytest", "taichi", "quadrants"} <= {requirement.name for requirement in wanted}
        for requirement in wanted:
            if requirement.name != "taichi_softras":  # its own extras
                assert requirement.specifier.contains(pinned[requirement.name]), requirement
