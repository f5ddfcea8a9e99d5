"""Names of other packages that the drop-ins do not have: they can be imported, and say why when they are used."""

import sys
from functools import reduce
from importlib.machinery import ModuleSpec
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
    return LeftOut(name.rpartition(".")[2], (), {"sentence": f"{name}: it is not in this drop-in: {why}", "__module__": __name__})


def leave_out(package: str, name: str, whole: dict[str, str], single: dict[str, str]) -> None:
    """Tells the modules of a drop-in what they lack, once they have been imported.

    Args:
        package: the drop-in, as "taichi_softras.interop.kaolin".
        name: whose place it takes, as "kaolin".
        whole: modules that are left out, by their names in the package ("ops.spc"), and why. All names in them are left out, and all modules below.
        single: names that modules, and classes, which are there lack ("rep.Spc"), and why.
    """
    for inner, why in whole.items():
        module = _module(f"{package}.{inner}", _Place(f"{name}.{inner}", why))
        sys.modules[module.__name__] = module
        above, _, own = module.__name__.rpartition(".")
        setattr(sys.modules[above], own, module)
    for inner, why in single.items():
        above, _, own = inner.rpartition(".")
        setattr(reduce(getattr, above.split("."), sys.modules[package]), own, left_out(f"{name}.{inner}", why))


class _Place(list[str]):
    """The empty search path of a module that is left out, by which modules below are known to be, too."""

    def __init__(self, name: str, why: str) -> None:
        super().__init__()
        self.name, self.why = name, why


def _module(full_name: str, place: _Place) -> ModuleType:
    def name_of(own: str) -> LeftOut:
        if own.startswith("_"):
            raise AttributeError(f"module {place.name} has no attribute {own}")
        return left_out(f"{place.name}.{own}", place.why)

    module = ModuleType(full_name, f"{place.name}: it is not in this drop-in: {place.why}.")
    module.__path__ = place
    module.__getattr__ = name_of  # type: ignore[method-assign]
    return module


class _Below:
    """Finds the modules below those that are left out, and makes them."""

    def __init__(self, place: _Place) -> None:
        self.place = place

    @staticmethod
    def find_spec(full_name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        if not isinstance(path, _Place):
            return None
        return ModuleSpec(full_name, _Below(_Place(f"{path.name}.{full_name.rpartition('.')[2]}", path.why)), is_package=True)  # type: ignore[arg-type]

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return _module(spec.name, self.place)

    def exec_module(self, module: ModuleType) -> None:
        pass


sys.meta_path.append(_Below)
