"""What is done once in place of over and over (`runtime.quick_taichi`) gives Taichi what it got before, to the letter.

Plan: each of them against what it stands for, over the sources of all kernels; then a kernel with a mistake, whose message must be the same.
"""

import ast
import functools
import gc
import importlib
import inspect
import textwrap
import types
import weakref

import numpy as np
import pytest
from conftest import REPOSITORY

from taichi_softras import language
from taichi_softras.kernels.sampling import areas_kernel
from taichi_softras.language import ti
from taichi_softras.runtime import TaichiArrays, quick_taichi

KERNELS = sorted(path.stem for path in (REPOSITORY / "kernels").glob("*.py") if path.stem != "__init__")
SOURCES, INSIDE_CLASS = getattr(*language.SOURCES), getattr(*language.INSIDE_CLASS)
MARK = f"_is_{language.NAME}_function"  # of functions that kernels call


@pytest.mark.parametrize("name", KERNELS)
def test_lines_are_wrapped_as_before(name):
    ours, its = quick_taichi.wrapper_of(width=80), textwrap.TextWrapper(width=80)
    for line in [*(REPOSITORY / "kernels" / f"{name}.py").read_text(encoding="utf-8").splitlines(), "", " ", "\t", " " * 200 + "^" * 7]:
        for text in (line, line + "\n", " " * (len(line) // 3) + "^" * (len(line) // 2)):
            assert list(ours.wrap(text)) == its.wrap(text)


@pytest.mark.parametrize("name", KERNELS)
def test_sources_are_those_of_the_functions(name):
    module = importlib.import_module(f"taichi_softras.kernels.{name}")
    functions = [thing for thing in vars(module).values() if getattr(thing, MARK, False)]
    for function in functions:
        function = inspect.unwrap(function)
        for _ in range(2):
            answer = SOURCES(function)
            assert answer == SOURCES.__wrapped__(function)
            lines = next(part for part in answer if isinstance(part, list))
            assert lines == inspect.getsourcelines(function)[0]
            lines.clear()  # what is remembered is nobody else's


@pytest.mark.skipif(not hasattr(*language.TREES), reason="this runtime reads them in its own way")
@pytest.mark.parametrize("name", KERNELS)
def test_trees_are_those_of_the_functions(name):
    """Again and again, with what a walk has noted in them."""
    module = importlib.import_module(f"taichi_softras.kernels.{name}")
    ours, its = getattr(*language.TREES), getattr(*language.TREES).__wrapped__
    plain = (str, int, list, tuple, dict, bool, type(None))
    for thing in [thing for thing in vars(module).values() if getattr(thing, MARK, False)]:
        function = types.SimpleNamespace(func=inspect.unwrap(thing))
        given = {"is_kernel": False, "args": (1, 2), "ast_builder": "a builder", "is_real_function": False}
        for _ in range(3):
            (tree, context), (its_tree, its_context) = ours(function, **given), its(function, **given)
            assert ast.dump(tree) == ast.dump(its_tree)
            notes, expected = vars(context), vars(its_context)
            assert notes.keys() == expected.keys()
            assert all(notes[key] == value for key, value in expected.items() if isinstance(value, plain))
            assert context.func is function
            for node in ast.walk(tree):
                node.ptr = "noted"
            context.local_scopes.append("noted")


def test_kernels_are_parsed_each_time():
    """For their arguments are taken out of the tree."""
    asked = []

    def get_tree_and_context(function, *args, **given):
        asked.append(given)
        return types.SimpleNamespace(), types.SimpleNamespace(src=[""], file="", lineno_offset=0)

    def ours(): ...

    ours.__module__ = "taichi_softras.kernels.made_up"
    get_tree_and_context.__globals__.setdefault("_get_global_vars", lambda function: {})
    once = quick_taichi.trees_once(get_tree_and_context)
    for _ in range(2):
        once(types.SimpleNamespace(func=ours), is_kernel=True)
        once(types.SimpleNamespace(func=ours), is_kernel=False, is_real_function=True)
    assert len(asked) == 4


@pytest.mark.skipif(not hasattr(*language.TREES), reason="this runtime reads them in its own way")
def test_what_a_kernel_was_called_with_does_not_live_on():
    """Nobody has to collect it: the arrays of a first step are as large as those of a second."""
    arrays = TaichiArrays()
    vertices, areas = np.zeros((3, 3), np.float32), np.zeros(1)
    measure, died = areas_kernel.__wrapped__(arrays.variant), weakref.ref(vertices)  # one that was not compiled before
    gc.collect()
    gc.disable()
    try:
        arrays.launch(measure, (vertices, np.array([[0, 1, 2]], np.int32), areas, 1))
        del vertices
        assert died() is None
    finally:
        gc.enable()


def test_there_are_functions_in_them():
    module = importlib.import_module("taichi_softras.kernels.triangle")
    assert sum(getattr(thing, MARK, False) for thing in vars(module).values()) > 5


def test_functions_of_others_are_looked_up_each_time():
    """A notebook's cell may say something else the next time."""
    looked_up = []

    def getsourcelines(function):
        looked_up.append(function)
        return ["def f(): pass\n"], 1

    def theirs(): ...

    def ours(): ...

    ours.__module__ = "taichi_softras.kernels.made_up"
    once = quick_taichi.sources_once(getsourcelines)
    for function in (theirs, theirs, ours, ours):
        assert once(function) == (["def f(): pass\n"], 1)
    assert looked_up == [theirs, theirs, ours]


def test_a_class_is_seen_by_its_line():
    answers = []

    def both(here):
        """What a decorator two frames up sees; for the runtime counts its own frames, too."""
        answers.append([ask(3) for ask in (INSIDE_CLASS, INSIDE_CLASS.__wrapped__)])
        return here

    def decorator(function):
        return both(function)

    class Kernels:
        @decorator
        def inside(self): ...

    @decorator
    def outside(): ...

    class Derived(Kernels):
        @decorator
        def inside(self): ...

    assert all(ours == its for ours, its in answers), answers
    assert not INSIDE_CLASS(10_000)
    assert len(answers) == 3


def test_kernels_of_classes_and_of_modules_run():
    @ti.data_oriented
    class Doubler:
        @ti.func
        def twice(self, x: float) -> float:
            return 2 * x

        @ti.kernel
        def run(self, x: ti.f32) -> ti.f32:
            return self.twice(x)

    assert Doubler().run(4.0) == 8.0


@ti.func
def _shape_of_nothing(x):
    return x.there_is_no_such_attribute_of_a_number_however_long_this_line_may_become_so_that_it_must_be_wrapped_at_eighty_columns + 1


def _bad_kernel():
    @ti.kernel
    def bad(x: ti.f32) -> ti.f32:
        y = 0.0
        for i in range(3):
            y += _shape_of_nothing(x) if i else 0.0
        return y

    return bad


def test_an_error_points_at_the_same_place(monkeypatch):
    def message() -> str:
        with pytest.raises(language.CompilationError) as caught:
            _bad_kernel()(1.0)
        return str(caught.value)

    ours = message()
    assert "there_is_no_such_attribute" in ours
    assert "^^^" in ours
    monkeypatch.setattr(*language.SOURCES, SOURCES.__wrapped__)
    monkeypatch.setattr(*language.WRAPPER, textwrap.TextWrapper)
    if hasattr(*language.TREES):
        monkeypatch.setattr(*language.TREES, getattr(*language.TREES).__wrapped__)
    assert message() == ours


@pytest.mark.skipif(not hasattr(*language.POSITIONS), reason="this runtime remembers them itself")
@pytest.mark.parametrize("name", ["adjoint", "rasterize", "triangle"])
def test_positions_are_those_of_the_expressions(name):
    """Asked twice: what is remembered is what was said."""
    path = REPOSITORY / "kernels" / f"{name}.py"
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)

    def function(): ...

    function.__module__ = f"taichi_softras.kernels.{name}"
    context = types.SimpleNamespace(file=str(path), lineno_offset=3, indent=0, src=lines, func=types.SimpleNamespace(func=function))
    its = getattr(*language.POSITIONS).__wrapped__
    nodes = [node for node in ast.walk(ast.parse("".join(lines))) if isinstance(node, (ast.stmt, ast.expr))]
    ours = quick_taichi.positions_once(its)
    for _ in range(2):
        for node in nodes[::7]:
            assert ours(context, node) == its(context, node)


def test_where_taichi_has_no_such_names_nothing_is_done(monkeypatch):
    places = (language.WRAPPER, language.POSITIONS, language.SOURCES, language.TREES, language.INSIDE_CLASS)
    for place in places:
        monkeypatch.delattr(*place, raising=False)
    quick_taichi._install()
    assert not any(hasattr(*place) for place in places)


def test_what_is_remembered_is_bounded():
    assert isinstance(quick_taichi._wrap, functools._lru_cache_wrapper)
    assert quick_taichi._wrap.cache_info().maxsize == quick_taichi.KEPT
