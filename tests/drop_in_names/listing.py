"""Lists the public names of a package from its sources, which need not be installed: ``python -m tests.drop_in_names.listing FOLDER``.

A line for each module, and for each class of it with public methods: ``module: name name`` and ``class module.Class: method method``. Names are those of
``__all__`` where that is a plain list, else the functions (``apply`` of an autograd function is one) and classes that a module defines; of a package also
those that it takes from its own modules. (Facts alone: what is called how.)
"""

import ast
import sys
from pathlib import Path

__all__ = ["listed"]


def listed(folder: Path) -> list[str]:
    """The lines of a package."""
    trees = {_module_of(path, folder): ast.parse(path.read_text(encoding="utf-8")) for path in sorted(folder.rglob("*.py"))}
    lines = []
    for module in sorted(trees):
        names = public_names(module, trees)
        if names:
            lines.append(f"{module}: {' '.join(names)}")
        own = {node.name: node for node in trees[module].body if isinstance(node, ast.ClassDef)}
        for name in names:
            methods = _methods(own[name]) if name in own else []
            if methods:
                lines.append(f"class {module}.{name}: {' '.join(methods)}")
    return lines


def _module_of(path: Path, folder: Path) -> str:
    parts = [folder.name, *path.relative_to(folder).with_suffix("").parts]
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _methods(node: ast.ClassDef) -> list[str]:
    return sorted({inner.name for inner in node.body if isinstance(inner, (ast.FunctionDef, ast.AsyncFunctionDef)) and not inner.name.startswith("_")})


def _bound(tree: ast.Module) -> set[str]:
    """All that is defined in a module, or imported; a name of ``__all__`` may be neither."""
    bound: set[str] = set()
    for node in ast.walk(tree):
        match node:
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name) | ast.Name(id=name, ctx=ast.Store()):
                bound.add(name)
            case ast.ImportFrom(names=aliases) | ast.Import(names=aliases):
                bound |= {alias.asname or alias.name for alias in aliases}
    return bound


def public_names(module: str, trees: dict[str, ast.Module], seen: frozenset[str] = frozenset()) -> list[str]:
    """Of one module, those of the modules that it takes all from included."""
    found: set[str] = set()
    for node in trees[module].body:
        match node:
            case ast.Assign(targets=[ast.Name("__all__")], value=ast.List(elts=elements)) if all(isinstance(e, ast.Constant) for e in elements):
                return sorted({e.value for e in elements if isinstance(e, ast.Constant) and not e.value.startswith("_")} & _bound(trees[module]))
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                found.add(name)
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Attribute(attr="apply")):  # of an autograd function
                found.add(name)
            case ast.ImportFrom(level=level, module=inner, names=aliases) if level and f"{module}." in "".join(f"{known} " for known in trees):
                base = ".".join([*(module.split(".")[: len(module.split(".")) - level + 1]), *([inner] if inner else [])])
                for alias in aliases:
                    if alias.name == "*":
                        found |= set(public_names(base, trees, seen | {module})) if base in trees and base not in seen else set()
                    elif f"{base}.{alias.name}" not in trees:
                        found.add(alias.asname or alias.name)
    return sorted(name for name in found if not name.startswith("_"))


if __name__ == "__main__":
    print(*listed(Path(sys.argv[1]).resolve()), sep="\n")
