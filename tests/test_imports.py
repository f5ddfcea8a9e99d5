"""What imports what: rooms on floors, no circles, old paths with a warning; no torch with the package, a sentence where torch is missing, nothing started.

Plan: the sources are read, not run, so that imports inside of functions and for type checkers count, too. What happens when one imports is tried in processes
of their own, for imports happen once.
"""

import ast
import functools
import importlib
from pathlib import Path

import pytest
from conftest import REPOSITORY

import taichi_softras
import taichi_softras.interop
from taichi_softras import app, engine, recover, runtime, scene
from taichi_softras.moved import MOVED

ROOMS = {  # room: the floor that it is on. Imports run down; of two rooms on one floor neither knows the other
    "kernels": 0,
    "scene": 1,
    "runtime": 1,
    "engine": 2,
    "recover": 3,
    "interop": 3,
    "interop.soft_renderer": 4,
    "interop.kaolin": 4,
    "interop.pytorch3d": 4,
    "viewer": 5,
    "app": 6,
    "demos": 6,
}
GROUND = {"checks", "interrupting", "language", "replacing"}  # single files that every room may use, and that use none
TOP = {"", "__main__", "moved"}  # the package itself


def module_of(path: Path, root: Path) -> str:
    """Its name after ``taichi_softras.``, a room's own file by the room's; demos by their place."""
    parts = path.relative_to(root).with_suffix("").parts
    parts = parts[1:] if parts[0] == "taichi_softras" else parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def room_of(module: str) -> str:
    return max((room for room in ROOMS if module == room or module.startswith(room + ".")), key=len, default=module)


@functools.cache
def imports_of(root: Path) -> dict[str, set[tuple[str, str]]]:
    """For each module, (module, name) of all that it imports from the package or the demos; the name is "" where a module itself is imported."""
    files = [path for folder in ("taichi_softras", "kernels", "interop", "demos") for path in sorted((root / folder).rglob("*.py"))]
    files = [path for path in files if not any(parent.is_symlink() for parent in path.parents)]
    modules = {module_of(path, root): path for path in files}
    found: dict[str, set[tuple[str, str]]] = {}
    for module, path in modules.items():
        package = module.split(".") if path.name == "__init__.py" else module.split(".")[:-1]
        found[module] = set()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                found[module] |= {(name, "") for alias in node.names if (name := _inside(alias.name)) is not None and name in modules}
            elif isinstance(node, ast.ImportFrom):
                if node.level:
                    begin = [part for part in package if part][: len(package) - node.level + 1]
                    base: str | None = ".".join(begin + (node.module.split(".") if node.module else []))
                else:
                    base = _inside(node.module)
                if base is None:
                    continue
                for alias in node.names:
                    inner = f"{base}.{alias.name}" if base else alias.name
                    found[module].add((inner, "") if inner in modules else (base, alias.name))
    return found


def _inside(name: str) -> str | None:
    """The name after ``taichi_softras.``; a demo's own; None for the rest of the world."""
    if name == "taichi_softras" or name.startswith("taichi_softras."):
        return name.removeprefix("taichi_softras").removeprefix(".")
    return name if name.split(".")[0] == "demos" else None


def rising(imports: dict[str, set[tuple[str, str]]]) -> list[str]:
    """Imports that run up, or to another room on the same floor."""
    wrong = []
    for module, targets in imports.items():
        for target, _ in targets:
            here, there = room_of(module), room_of(target)
            if here == there or there in GROUND or module in TOP:
                continue
            if here in GROUND or (there in TOP and here not in ("app", "demos")) or (there not in TOP and ROOMS[there] >= ROOMS[here]):
                wrong.append(f"{module} -> {target}")
    return sorted(set(wrong))


def circles(imports: dict[str, set[tuple[str, str]]]) -> list[str]:
    """Modules that import each other, over however many others."""
    graph = {module: {target for target, _ in targets if target in imports and target != module} for module, targets in imports.items()}
    found, done = [], set()

    def walk(module: str, way: tuple[str, ...]) -> None:
        if module in way:
            found.append(" -> ".join((*way[way.index(module) :], module)))
        elif module not in done:
            for target in sorted(graph[module]):
                walk(target, (*way, module))
            done.add(module)

    for module in sorted(graph):
        walk(module, ())
    return found


def rummaging(imports: dict[str, set[tuple[str, str]]], public: dict[str, list[str]]) -> list[str]:
    """What is taken out of another room's cupboard, not from the room. (Of a module that a room hands out, `losses` say, its names may be imported.)"""
    wrong = []
    for module, targets in imports.items():
        for target, name in targets:
            room = room_of(target)
            if room not in public or room_of(module).split(".")[0] == room.split(".")[0]:
                continue
            inside = target.removeprefix(room).removeprefix(".")
            if (inside and inside not in public[room]) or (not inside and name and name not in public[room]):
                wrong.append(f"{module} -> {target}{name and '.' + name}")
    return sorted(set(wrong))


PUBLIC = {room.__name__.partition(".")[2]: room.__all__ for room in (scene, runtime, engine, recover, app)}


class TestRooms:
    def test_no_arrow_runs_up(self):
        imports = imports_of(REPOSITORY)
        assert len(imports) > 100
        assert rising(imports) == []

    def test_no_files_import_each_other(self):
        assert circles(imports_of(REPOSITORY)) == []

    def test_rooms_are_asked_not_their_cupboards(self):
        assert rummaging(imports_of(REPOSITORY), PUBLIC) == []

    def test_every_file_is_in_a_room(self):
        known = {*ROOMS, *GROUND, *TOP, "interop.soft_renderer", "interop"}
        assert {room_of(module) for module in imports_of(REPOSITORY)} <= known

    @pytest.mark.parametrize(
        ("path", "line", "rising_arrow", "circle", "rummaged"),
        [
            ("taichi_softras/engine/a.py", "from ..recover import Fit", ["engine.a -> recover"], [], []),
            ("taichi_softras/scene/a.py", "def f():\n    from ..runtime import init", ["scene.a -> runtime"], [], []),
            ("taichi_softras/checks.py", "from .scene import Mesh", ["checks -> scene"], [], []),
            ("interop/kaolin/a.py", "from ..pytorch3d import b", ["interop.kaolin.a -> interop.pytorch3d"], [], []),
            ("taichi_softras/engine/a.py", "from .b import c", [], ["engine.a -> engine.b -> engine.a"], []),
            ("taichi_softras/recover/a.py", "from ..scene.mesh import Mesh", [], [], ["recover.a -> scene.mesh.Mesh"]),
            ("demos/a.py", "from taichi_softras.recover import _split", [], [], ["demos.a -> recover._split"]),
            ("demos/a.py", "import taichi_softras.engine.binning", [], [], ["demos.a -> engine.binning"]),
            ("demos/a.py", "from taichi_softras.engine.losses import laplacian", [], [], []),
        ],
    )
    def test_each_fault_is_seen(self, tmp_path, path, line, rising_arrow, circle, rummaged):
        made = {
            "taichi_softras/engine/b.py": "from .a import d",
            "taichi_softras/engine/binning.py": "",
            "taichi_softras/engine/losses.py": "",
            "taichi_softras/scene/mesh.py": "",
            **{f"{room}/__init__.py": "" for room in ("taichi_softras/recover", "taichi_softras/scene", "taichi_softras/runtime", "interop/pytorch3d")},
            path: line,
        }
        for name, text in made.items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(text)
        imports = imports_of(tmp_path)
        assert (rising(imports), circles(imports), rummaging(imports, PUBLIC)) == (rising_arrow, circle, rummaged)


class TestOldPaths:
    def test_every_module_that_moved_is_found_by_its_old_path(self, run_python):
        run_python("""
import importlib, warnings
import taichi_softras
from taichi_softras.moved import MOVED
for name, room in MOVED.items():
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        old = importlib.import_module(f"taichi_softras.{name}")
    said = [str(warning.message) for warning in caught if warning.category is DeprecationWarning and "old path" in str(warning.message)]
    assert said == [f"taichi_softras.{name} is now taichi_softras.{room}.{name}; the old path goes with the next version"], (name, said)
    assert old is importlib.import_module(f"taichi_softras.{room}.{name}")
""")

    def test_what_has_moved_on_within_its_room_is_found(self, run_python):
        run_python("""
import warnings
warnings.simplefilter("ignore", DeprecationWarning)
from taichi_softras.fit import Fit, FitOptions, NumpyAdam, Score, Stage, initial_sphere, score
from taichi_softras.views import SHARP, Views, render_views, save_picture
from taichi_softras import recover
assert (render_views, Score, NumpyAdam) == (recover.render_views, recover.Score, recover.NumpyAdam)
""")

    def test_the_warning_points_at_who_imports(self, tmp_path, run_python):
        script = "import warnings\nwarnings.simplefilter('always')\nfrom taichi_softras.views import Views\nfrom taichi_softras import shapes\n"
        lines = [line for line in run_python(script).stderr.splitlines() if "the old path goes" in line]
        assert [line.split(":")[1] for line in lines if "script.py" in line][:2] == ["3", "4"], lines

    def test_all_of_them_are_gone_from_the_ground_floor(self):
        left = {path.stem for path in (REPOSITORY / "taichi_softras").glob("*.py")}
        assert left.isdisjoint(MOVED)
        assert left == (GROUND | TOP | {"__init__"}) - {""}

    def test_what_never_was_is_not_there(self):
        with pytest.raises(AttributeError, match="'taichi_softras' has no attribute 'nothing'"):
            _ = taichi_softras.nothing
        with pytest.raises(ModuleNotFoundError, match=r"taichi_softras\.nothing"):
            importlib.import_module("taichi_softras.nothing")


def test_the_package_needs_neither_torch_nor_matplotlib(run_python):
    run_python("""
import sys
import taichi_softras
for name in ("torch", "matplotlib", "taichi_softras.interop"):
    assert name not in sys.modules, name
""")


def test_the_first_picture_needs_little(run_python):
    """What takes long to be imported is imported when it is asked for: no half of SciPy, no trimesh, not the main job."""
    script = """
import sys
import taichi_softras as tsr
tsr.render_mesh(tsr.Mesh.icosphere(1), tsr.Camera.orbit(), 16)
heavy = {"networkx", "scipy.linalg", "scipy.ndimage", "scipy.sparse", "scipy.spatial", "scipy.special", "taichi_softras.recover", "trimesh"}
assert not heavy & set(sys.modules), heavy & set(sys.modules)
assert tsr.Capture is tsr.recover.Capture
"""
    run_python(script)


def test_who_looks_whether_torch_is_there():
    """Of all rooms but interop and the demos; so the part of CI without torch runs these, and what is started, and no more."""
    asking = set()
    for folder in ("taichi_softras", "kernels"):
        for path in (REPOSITORY / folder).rglob("*.py"):
            nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
            imported = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
            imported += [node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)]
            constants = [node.value for node in nodes if isinstance(node, ast.Constant)]
            if "torch" in constants or any(name.partition(".")[0] == "torch" for name in imported):
                asking.add(module_of(path, REPOSITORY))
    assert asking == {"app.doctor", "checks", "runtime.launch"}


def test_it_works_where_torch_is_missing(run_python):
    """A whole render, without torch."""
    run_python("""
import sys
sys.modules["torch"] = None
import taichi_softras
image = taichi_softras.render_mesh(taichi_softras.Mesh.icosphere(1), taichi_softras.Camera.orbit(), 16)
assert image.alpha.max() > .9
""")


def test_the_torch_layer_says_what_is_missing(run_python):
    run_python("""
import sys
sys.modules["torch"] = None
try:
    import taichi_softras.interop
except ImportError as error:
    assert str(error) == "taichi_softras.interop needs torch: pip install 'taichi_softras[torch]'", error
else:
    raise AssertionError("nothing was raised")
""")


def test_importing_starts_nothing(run_python):
    """`ti.init` would reset a Taichi that the user starts afterwards, or take a device that they do not want."""
    run_python("""
import taichi_softras
import taichi_softras.interop
assert taichi_softras.current_arch() is None
assert taichi_softras.init("cpu", cpu_max_num_threads=1) == "cpu"
from taichi_softras import language
assert language.config().cpu_max_num_threads == 1
""")


@pytest.mark.parametrize(
    "module",
    [
        taichi_softras,
        scene,
        runtime,
        engine,
        recover,
        app,
        taichi_softras.interop,
        *(getattr(room, name) for room in (taichi_softras, taichi_softras.interop) for name in ("losses", "lighting")),
    ],
    ids=lambda module: module.__name__,
)
def test_what_is_promised_is_there(module):
    """Every name in `__all__`, once."""
    assert len(set(module.__all__)) == len(module.__all__)
    for name in module.__all__:
        if not hasattr(module, name):  # a module that is imported when it is asked for
            importlib.import_module(f"{module.__name__}.{name}")
        assert getattr(module, name) is not None
