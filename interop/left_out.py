"""Names of other packages that the drop-ins do not have: they can be imported, and say why when they are used."""

import sys
from types import ModuleType
from typing import Any

__all__ = ["LeftOut", "leave_out", "left_out"]


class LeftOut(type):
    """The type of a name that is left out. It is a class, so that ``isinstance`` and annotations with it go on working."""

    sentence: str

    def __call__(cls, *arguments: Any, **options: Any) -> Any:
        raise NotImplementedError(cls.sentence)

    def __getattr__(cls, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(f"{cls.__name__} has no attribute {name}")
        raise NotImplementedError(cls.sentence)


def left_out(name: str, why: str) -> LeftOut:
    """What stands for ``name``, as "kaolin.ops.spc.Conv3d": to use it raises NotImplementedError with one sentence that says why it is not there."""
    return LeftOut(name.rpartition(".")[2], (), {"sentence": f"{name}: it is not in this drop-in, {why}", "__module__": __name__})


def leave_out(package: str, name: str, whole: dict[str, str], single: dict[str, str]) -> None:
    """Tells the modules of a drop-in what they lack, once they have been imported.

    Args:
        package: the drop-in, as "taichi_softras.interop.kaolin".
        name: whose place it takes, as "kaolin".
        whole: modules that are left out, by their names in the package ("physics.simplicits"), and why. All names in them are left out.
        single: names that modules which are there lack ("io.ply.export_mesh"), and why.
    """
    for inner, why in whole.items():
        module = ModuleType(f"{package}.{inner}", f"{name}.{inner}: it is not in this drop-in, {why}.")
        module.__path__ = []  # a folder: what is imported from below is left out by name, too
        module.__getattr__ = _names_of(f"{name}.{inner}", why)  # type: ignore[method-assign]
        sys.modules[module.__name__] = module
        above, _, own = module.__name__.rpartition(".")
        setattr(sys.modules[above], own, module)
    for inner, why in single.items():
        above, _, own = f"{package}.{inner}".rpartition(".")
        setattr(sys.modules[above], own, left_out(f"{name}.{inner}", why))


def _names_of(module: str, why: str) -> Any:
    def name_of(own: str) -> LeftOut:
        if own.startswith("_"):
            raise AttributeError(f"module {module} has no attribute {own}")
        return left_out(f"{module}.{own}", why)

    return name_of
