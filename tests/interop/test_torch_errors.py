"""As `test_errors`, for what needs torch; that nothing public is missing in the table; and its page, `docs/errors.md`."""

import inspect
from pathlib import Path

import pytest
import torch  # noqa: F401
from bad_input import Kind, drop_ins, files, outcome, page, public, standalone, torch_api

TORCH = [*torch_api.functions(), *drop_ins.functions(), *files.torch_functions()]
FUNCTIONS = [*standalone.functions(), *files.functions(), *TORCH]
CASES = [case for function in TORCH for case in function.cases()]
METHODS = {".forward", ".__call__", ".SoftRenderer.render_mesh"}
KINDS = {  # what an argument's annotation says about the kinds of mistakes that there are
    "Tensor": {Kind.TYPE, Kind.DTYPE, Kind.SHAPE},
    "int": {Kind.TYPE},
    "float": {Kind.TYPE, Kind.NAN},
    "bool": {Kind.TYPE},
    "str | Path": {Kind.TYPE},
}


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_mistake_is_one_sentence(case, tmp_path, monkeypatch):
    outcome(case, tmp_path, monkeypatch.setattr)
    assert not (tmp_path / "executed").exists()


class TestNothingIsMissing:
    def test_every_public_name_is_in_the_table(self):
        """Or is left out for a reason."""
        known = {id(public.resolve(function.name)) for function in FUNCTIONS if not function.name.endswith(tuple(METHODS))}
        missing = [name for key, (name, _) in public.public().items() if key not in known and public.excuse(name) is None]
        assert not missing, f"in no table of tests/bad_input: {missing}"

    @pytest.mark.parametrize("function", FUNCTIONS, ids=lambda function: function.name)
    def test_every_argument_has_its_kinds(self, function):
        """Each argument of the signature has a nature; it has mistakes of the kinds that its annotation calls for, or a reason for having none."""
        thing = public.resolve(function.name)
        if not function.natures and function.more:
            return  # a method that takes nothing
        found = {name: {mistake.kind for mistake in nature.mistakes(function.good().get(name))} for name, nature in function.natures.items()}
        more = " ".join(what for _, what, _ in function.more)
        for name in public.arguments(thing):
            if name in ("self", "cls"):
                continue
            assert name in found, f"{function.name}: the argument {name} is not in the table"
            assert found[name] or function.natures[name].excuse or f"`{name}`" in more, f"{function.name}: {name} has neither mistakes nor an excuse"

    def test_annotations_and_kinds_agree(self):
        """What is annotated as a tensor is tested with wrong types, dtypes and shapes; a number with text and NaN; and so on."""
        wrong = []
        for function in FUNCTIONS:
            thing = public.resolve(function.name)
            for name, parameter in inspect.signature(thing.__init__ if isinstance(thing, type) else thing).parameters.items():
                nature = function.natures.get(name)
                if nature is None or nature.excuse or (function.name, name) in public.EXCUSED_KINDS:
                    continue
                kinds = {mistake.kind for mistake in nature.mistakes(function.good().get(name))}
                kinds |= {kind for kind, what, _ in function.more if what.startswith(f"`{name}`")}
                annotation = str(
                    parameter.annotation if isinstance(parameter.annotation, str) else getattr(parameter.annotation, "__name__", parameter.annotation)
                )
                for key, wanted in KINDS.items():
                    if annotation.removesuffix(" | None") in (key, f"torch.{key}", f"typing.{key}") and not wanted <= kinds:
                        wrong.append((function.name, name, annotation, [kind.value for kind in wanted - kinds]))
        assert not wrong, "\n".join(map(str, wrong))


def test_the_page_is_what_happens(tmp_path):
    """`docs/errors.md` says what the calls raise. After a change: python -m tests.bad_input (which writes it anew)."""
    written = Path(__file__).parents[2] / "docs" / "errors.md"
    assert page.text(FUNCTIONS, tmp_path) == written.read_text(encoding="utf-8")
